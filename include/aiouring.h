/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * aiouring.h - both faces of libaiouring.so.1, libaio and liburing, and what goes beyond them.
 *
 * Names of our own begin with aiouring_, so that they can be no other's: liburing may get functions for the same things
 * under names of its own, and programs have theirs. The functions that fill a request are defined here and need no
 * library. libaiouring.so.1 has them as symbols, too, for languages that cannot use them otherwise.
 */
#ifndef AIOURING_H
#define AIOURING_H

/* First: it switches on what glibc has. */
#include <liburing.h>

#include <libaio.h>

#ifndef IORING_TIMEOUT_IMMEDIATE_ARG
#error "<linux/io_uring.h> of this system is too old for <aiouring.h>: include <aiouring.h> before it"
#endif

/* The version of the extensions declared here: those of AIOURING_VERSION_MAJOR 1 have the version node AIOURING_1.0. */
#define AIOURING_VERSION_MAJOR 1
#define AIOURING_VERSION_MINOR 0

/* As IOURINGINLINE in liburing.h: defined as nothing, the functions become symbols. */
#ifndef AIOURINGINLINE
#ifdef __cplusplus
#define AIOURINGINLINE inline
#else
#define AIOURINGINLINE __extension__ static __inline__
#endif
#endif

/* A conversion between numbers; it is gone at the end of this file. */
#ifdef __cplusplus
#define AIOURING_NUM__(type, value) static_cast<type>(value)
#define AIOURING_NULL__ nullptr
#else
#define AIOURING_NUM__(type, value) ((type)(value))
#define AIOURING_NULL__ NULL
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Requests that kernels have and liburing.h has no function for ---- */

/*
 * Does nothing but what the IORING_NOP_ flags say: complete with `result`, look up the file fd or the registered buffer
 * buf_index, complete later. Where a flag is not given its argument does not matter. Linux 6.10, 6.13 for files and
 * buffers.
 */
AIOURINGINLINE void aiouring_prep_nop(struct io_uring_sqe *sqe, int fd, int buf_index, int result,
				      unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_NOP, sqe, fd, AIOURING_NULL__, AIOURING_NUM__(__u32, result), 0);
	sqe->buf_index = AIOURING_NUM__(__u16, buf_index);
	sqe->nop_flags = flags;
}

/*
 * Does nothing, and the completion has 32 bytes, of which these two are the second half (Linux 6.18). The ring has
 * IORING_SETUP_CQE32 or IORING_SETUP_CQE_MIXED.
 */
AIOURINGINLINE void aiouring_prep_nop_cqe32(struct io_uring_sqe *sqe, __u64 first, __u64 second) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_NOP, sqe, -1, AIOURING_NULL__, 0, first);
	sqe->addr = second;
	sqe->nop_flags = IORING_NOP_CQE32;
}

/*
 * Has the data of a prepared write put where the device keeps that of `stream` together (Linux 6.16): 1 up to the
 * number that it has, 0 for no matter where. For direct writes to block devices; -EINVAL if there is no such stream.
 */
AIOURINGINLINE void aiouring_sqe_set_write_stream(struct io_uring_sqe *sqe, unsigned stream) LIBURING_NOEXCEPT
{
	sqe->write_stream = AIOURING_NUM__(__u8, stream);
}

/*
 * Adds protection information to a prepared direct read or write (Linux 6.14), which *pi and the memory it names hold
 * until the completion. -EINVAL where the file has none.
 */
AIOURINGINLINE void aiouring_sqe_set_pi(struct io_uring_sqe *sqe, const struct io_uring_attr_pi *pi) LIBURING_NOEXCEPT
{
	sqe->attr_ptr = uring_ptr_to_u64(pi);
	sqe->attr_type_mask = IORING_RW_ATTR_FLAG_PI;
}

/* A command whose memory lies in the registered buffer buf_index (Linux 6.1). */
AIOURINGINLINE void aiouring_prep_uring_cmd_fixed(struct io_uring_sqe *sqe, int cmd_op, int fd,
						  int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, cmd_op, fd);
	sqe->buf_index = AIOURING_NUM__(__u16, buf_index);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
}

/*
 * A command that completes again and again, as long as IORING_CQE_F_MORE is set, with data in buffers of a group (Linux
 * 6.18).
 */
AIOURINGINLINE void aiouring_prep_uring_cmd_multishot(struct io_uring_sqe *sqe, int cmd_op, int fd,
						      int buf_group) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, cmd_op, fd);
	sqe->buf_group = AIOURING_NUM__(__u16, buf_group);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->uring_cmd_flags = IORING_URING_CMD_MULTISHOT;
}

/* Sends nr_vecs pieces of memory, as writev(2), with flags MSG_ (Linux 6.17). */
AIOURINGINLINE void aiouring_prep_sendv(struct io_uring_sqe *sqe, int sockfd, const struct iovec *iovecs,
					unsigned nr_vecs, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_send(sqe, sockfd, iovecs, nr_vecs, flags);
	sqe->ioprio = IORING_SEND_VECTORIZED;
}

/* The same without copying, see io_uring_prep_send_zc(). zc_flags: IORING_RECVSEND_, IORING_SEND_ZC_. */
AIOURINGINLINE void aiouring_prep_sendv_zc(struct io_uring_sqe *sqe, int sockfd, const struct iovec *iovecs,
					   unsigned nr_vecs, int flags, unsigned zc_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_send_zc(sqe, sockfd, iovecs, nr_vecs, flags, zc_flags | IORING_SEND_VECTORIZED);
}

/*
 * Receives without copying, again and again (Linux 6.15): the data is in the area of the queue zcrx_id, which
 * io_uring_register_ifq() told. len: how much at most, 0 for no limit. A completion has 32 bytes; its second half is a
 * struct io_uring_zcrx_cqe.
 */
AIOURINGINLINE void aiouring_prep_recv_zc(struct io_uring_sqe *sqe, int sockfd, unsigned len,
					  unsigned zcrx_id) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RECV_ZC, sqe, sockfd, AIOURING_NULL__, len, 0);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->zcrx_ifq_idx = zcrx_id;
}

/* io_uring_prep_timeout() with nanoseconds in the place of a structure that has to be kept (Linux 7.1). */
AIOURINGINLINE void aiouring_prep_timeout_ns(struct io_uring_sqe *sqe, __u64 ns, unsigned count,
					     unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_timeout(sqe, AIOURING_NULL__, count, flags | IORING_TIMEOUT_IMMEDIATE_ARG);
	sqe->addr = ns;
}

/* The same for io_uring_prep_timeout_update(). */
AIOURINGINLINE void aiouring_prep_timeout_update_ns(struct io_uring_sqe *sqe, __u64 ns, __u64 user_data,
						    unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_timeout_update(sqe, AIOURING_NULL__, user_data, flags | IORING_TIMEOUT_IMMEDIATE_ARG);
	sqe->off = ns;
}

/* The same for io_uring_prep_link_timeout(). */
AIOURINGINLINE void aiouring_prep_link_timeout_ns(struct io_uring_sqe *sqe, __u64 ns,
						  unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_link_timeout(sqe, AIOURING_NULL__, flags | IORING_TIMEOUT_IMMEDIATE_ARG);
	sqe->addr = ns;
}

/* ---- Buffer rings ---- */

/*
 * Buffers that the kernel takes when it has data, and an object that keeps the books: which buffers the kernel has, where
 * in each the next data begins, and who still looks at them. It is made, attached to a ring, named by requests
 * (aiouring_bufring_select()), and gets every completion of theirs once (aiouring_bufring_take()), which gives the data as
 * spans. Each span is one reference to its buffer. A buffer goes back to the kernel when the kernel is done with it and
 * the last reference has been released.
 *
 * Threads: all functions may be called in any thread and by several at once, but completions that share buffers have to
 * be taken in their order; aiouring_bufring_attach(), _flush(), _detach() and _destroy() are for the thread that submits
 * (of a ring that has only one, also _check()), and an object must not be destroyed while others use it. In a signal
 * handler that interrupts a call of the same object: -EDEADLK. A child made by fork has no object: -EINVAL.
 *
 * All results below zero are errors. For all: -EINVAL: br is NULL, or is an object no more. -EFAULT: another pointer is NULL.
 */
struct aiouring_bufring;

/* Flags of aiouring_bufring_create(). */

/* A buffer is used piece by piece, where the kernel can (Linux 6.12): small data does not take a whole one. */
#define AIOURING_BUFRING_INC (1U << 0)
/* The buffers lie in huge pages, if some are set aside; else in others. aiouring_bufring_stats() says which. */
#define AIOURING_BUFRING_HUGE (1U << 1)
/* Buffers are provided by requests, as for kernels without buffer rings (before 5.19), for which it is done anyway. */
#define AIOURING_BUFRING_CLASSIC (1U << 2)
/*
 * Requests have MSG_TRUNC and not IORING_RECVSEND_BUNDLE: a result that is greater than its buffer is data that is lost,
 * not data in the next buffer.
 */
#define AIOURING_BUFRING_TRUNC (1U << 3)
/*
 * No more than one request of the group is in flight at a time. To be said with AIOURING_BUFRING_INC where requests read
 * what cannot be polled (regular files, /dev/zero) or have IOSQE_ASYNC: for these the kernel counts what the request has
 * asked for as used, whatever it got, and so the place of the next data is only known when nothing else is going on.
 */
#define AIOURING_BUFRING_ONE (1U << 4)

/* What an object is to be; 0 where nothing is to be said. */
struct aiouring_bufring_params {
	__u32 nr;	/* buffers at first */
	__u32 size;	/* bytes of each */
	__u32 max;	/* buffers to which it may grow, up to 32768; 0: nr */
	__u32 flags;	/* AIOURING_BUFRING_ */
	__u32 min_left;	/* with AIOURING_BUFRING_INC: a rest smaller than that is not used (Linux 7.2; ignored before) */
	__s32 bgid;	/* the group, 0 to 65535: the program's choice */
	void *memory;	/* max * size bytes that outlive the object; NULL: the object has its own */
	__u64 resv[4];	/* 0 */
};

/* Data in one buffer. */
struct aiouring_bufring_span {
	void *base;
	__u32 len;
	__u32 id; /* what to release: the buffer's number is in the lower 16 bits */
};

/* The spans of a completion that have not been looked at. */
struct aiouring_bufring_walk {
	struct aiouring_bufring *br;
	__u32 left;  /* bytes in all */
	__u32 spans; /* how many */
	__u32 offset, bid;
};

/* How the kernel gets the buffers: aiouring_bufring_info.kind. */
#define AIOURING_BUFRING_KIND_NONE 0U	  /* not attached */
#define AIOURING_BUFRING_KIND_CLASSIC 1U /* provided by requests */
#define AIOURING_BUFRING_KIND_RING 2U	  /* a buffer ring */
#define AIOURING_BUFRING_KIND_CONTEXT 3U /* a buffer ring of an AIO context */

/* What there is at the moment, and what has happened. */
struct aiouring_bufring_info {
	__u32 kind;
	__u32 flags;	   /* what holds of AIOURING_BUFRING_: _INC if the kernel can do it, _HUGE if there are huge pages */
	__u32 bgid;
	__u32 size;
	__u32 max;
	__u32 min_left;	   /* 0 if the kernel does not know it */
	__u32 wanted;	   /* buffers that are to be in use, see aiouring_bufring_shrink() */
	__u32 provided;	   /* those that the kernel has */
	__u32 held;	   /* those that only the program has */
	__u32 waiting;	   /* those that wait for aiouring_bufring_flush() */
	__u32 references;  /* spans that were not released, and what aiouring_bufring_ref() has added */
	__u32 resv1;
	__u64 completions; /* taken */
	__u64 bytes;	   /* in spans */
	__u64 enobufs;	   /* completions with -ENOBUFS */
	__u64 recycled;	   /* buffers given back */
	__u64 partial;	   /* completions that left a rest of their buffer to the kernel */
	__u64 crossed;	   /* buffers that completions have used after their first */
	__u64 empty;	   /* buffers used up by completions without data: errors, ends of files */
	__u64 truncated;   /* bytes of results that are in no span */
	__u64 retired;	   /* buffers taken out of use */
	__u64 refused;	   /* completions and releases that were -EINVAL */
	__u64 resv[4];
};

/*
 * Makes an object of nr buffers (up to 32768) of size bytes as group bgid, and puts it into *out. memory: nr * size bytes
 * that outlive the object, or NULL for memory of its own. 0; -EINVAL: a number out of range, an unknown flag; -ENOMEM;
 * -EFAULT: out is NULL.
 */
int aiouring_bufring_create(struct aiouring_bufring **out, unsigned nr, unsigned size, int bgid, unsigned flags,
			    void *memory) LIBURING_NOEXCEPT;

/* The same with all that can be said. -EINVAL also if a reserved field is not 0. */
int aiouring_bufring_create_params(struct aiouring_bufring **out,
				   const struct aiouring_bufring_params *params) LIBURING_NOEXCEPT;

/*
 * Detaches and frees an object: 0. -EBUSY as long as the program has references, or completions are to be taken; nothing
 * has changed then. It does not matter whether the ring has ended before, unless it has no descriptor
 * (IORING_SETUP_REGISTERED_FD_ONLY): another such ring may have its place by then.
 */
int aiouring_bufring_destroy(struct aiouring_bufring *br) LIBURING_NOEXCEPT;

/*
 * Registers the group with a ring and gives it all buffers: 0. An object is attached to one ring at a time. It holds a
 * descriptor of the ring's file: a ring that ends before its object ends for the kernel when the object is detached or
 * destroyed. Kernels that cannot do what was asked for get what they can: no AIOURING_BUFRING_INC before 6.12, requests
 * in place of a buffer ring before 5.19 (these are queued, go with the next submit, and need *ring to stay where it is).
 * -EBUSY: attached already; -EEXIST: the ring has this group, or it has only one thread, which is another; -EAGAIN: there
 * is no room for the request; -EMFILE, -ENOMEM. Linux 5.7.
 */
int aiouring_bufring_attach(struct aiouring_bufring *br, struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Takes the group from the ring: 0. Requests that wait for data fail with -ENOBUFS when it comes; spans stay good until
 * they are released. The object may be attached again. -EBUSY: completions with data were not taken (Linux 6.8 can tell);
 * -EINVAL: not attached; -EEXIST: the ring has only one thread, which is another.
 */
int aiouring_bufring_detach(struct aiouring_bufring *br) LIBURING_NOEXCEPT;

/* The group: what a request has in buf_group. */
int aiouring_bufring_group(const struct aiouring_bufring *br) LIBURING_NOEXCEPT;

/*
 * Has a prepared request take its buffer from the object: sets IOSQE_BUFFER_SELECT and the group. 0. The request has NULL
 * for its buffer, and 0 for its length if it may fill one.
 */
int aiouring_bufring_select(const struct aiouring_bufring *br, struct io_uring_sqe *sqe) LIBURING_NOEXCEPT;

/*
 * Enters a completion of a request of the group into the books, and begins a walk over its data: how many spans it has, 0
 * if there is no data (an error, an end of file; a buffer that came with it is given back at once). To be called once for
 * each completion, in their order, also for errors and those without a buffer. -EINVAL: it names a buffer that the kernel
 * has not got; it is not one of this group, or was taken before. Nothing has changed then. With AIOURING_BUFRING_INC one that
 * was taken before is only noticed as long as the kernel has put nothing behind its data.
 */
int aiouring_bufring_take(struct aiouring_bufring *br, const struct io_uring_cqe *cqe,
			  struct aiouring_bufring_walk *walk) LIBURING_NOEXCEPT;

/* The next span of a walk: 1, or 0 after the last one. Each has to be released. -EINVAL: this is no walk. */
int aiouring_bufring_next(struct aiouring_bufring_walk *walk, struct aiouring_bufring_span *span) LIBURING_NOEXCEPT;

/* Releases the spans that a walk has left: how many. */
int aiouring_bufring_skip(struct aiouring_bufring_walk *walk) LIBURING_NOEXCEPT;

/* Adds a reference to a buffer, by the id of a span of it that was not released: 0. -EINVAL: there is none. */
int aiouring_bufring_ref(struct aiouring_bufring *br, unsigned id) LIBURING_NOEXCEPT;

/*
 * Drops a reference to a buffer: 0. -EINVAL: it has none; released twice, or never handed out. An id of a buffer that has
 * been used anew is not mistaken for another; of two spans in one buffer each id does for the other.
 */
int aiouring_bufring_release(struct aiouring_bufring *br, unsigned id) LIBURING_NOEXCEPT;

/* Where the buffer of an id begins, and its size; either pointer may be NULL. 0; -EINVAL: no reference. */
int aiouring_bufring_buffer(const struct aiouring_bufring *br, unsigned id, void **base,
			    unsigned *size) LIBURING_NOEXCEPT;

/* Puts so many more buffers into use: how many there are to be now. -ENOSPC: more than params.max. */
int aiouring_bufring_grow(struct aiouring_bufring *br, unsigned more) LIBURING_NOEXCEPT;

/*
 * Takes so many buffers out of use: how many there are to be now. What the kernel has cannot be taken back from it: each
 * goes when it comes back after use, and its pages are given back. Those of a detached object go at once. -EINVAL: none
 * would be left.
 */
int aiouring_bufring_shrink(struct aiouring_bufring *br, unsigned fewer) LIBURING_NOEXCEPT;

/*
 * To be called before io_uring_submit() by programs that may meet a kernel without buffer rings: queues the requests that
 * give released buffers back, in no more than half of the room that there is; how many buffers that were. Their
 * completions are not seen by the program if the kernel has IORING_FEAT_CQE_SKIP (5.17) and they succeed; others have
 * AIOURING_BUFRING_USER_DATA in the upper half of the user data and are to be given to aiouring_bufring_take(). -EAGAIN:
 * the queue is full. With a buffer ring 0, and nothing is done.
 */
int aiouring_bufring_flush(struct aiouring_bufring *br) LIBURING_NOEXCEPT;

/* What is in the upper half of the user data of these requests. */
#define AIOURING_BUFRING_USER_DATA 0x61696f62U

/* Writes size bytes of what there is and has happened: size is sizeof(*stats). 0; -EINVAL: not a multiple of 8. */
int aiouring_bufring_stats(const struct aiouring_bufring *br, struct aiouring_bufring_info *stats,
			   size_t size) LIBURING_NOEXCEPT;

/*
 * Compares the books with the kernel's (Linux 6.8): 0 if they agree, or how many buffers the kernel is ahead, as
 * completions were not taken. If that stays so with nothing in flight, data is not where the object believes it to be: see
 * AIOURING_BUFRING_ONE. -EILSEQ: they contradict each other, which is a mistake of the program (a completion taken twice)
 * or ours; -EOPNOTSUPP: the kernel cannot be asked; -EINVAL: not attached.
 */
int aiouring_bufring_check(const struct aiouring_bufring *br) LIBURING_NOEXCEPT;

/* ---- Buffer rings of AIO contexts ---- */

/* The aio_lio_opcode of the reads below. Kernel AIO has no such operation and answers -EINVAL. */
#define AIOURING_CMD_PREAD_SELECT 0x6100

/*
 * A read that brings no memory: the kernel takes a buffer of the ring that aiouring_bufring_bind() has bound to the
 * context, when there is data. Of a pipe or socket that is when something arrives: io_submit() does not wait, and
 * neither the request nor anything else holds a buffer until then. nbytes: how much at most, 0 for as much as the buffer
 * has room for. offset: the position in a file or block device, 0 for everything else.
 *
 * The event's res is the number of bytes, 0 at the end of the stream or file, or a negative error number; its res2 says
 * where the data is (AIOURING_EVENT_, below):
 *   -ENOBUFS    there was data and no buffer; nothing was taken from the stream: release buffers and submit again
 *   -ECANCELED  taken back by io_cancel(), aiouring_cancel(), aiouring_bufring_unbind(), or since the process forbade
 *               io_uring to itself (or the descriptor was closed early, see below); nothing was taken from the stream
 *   others      those of read(2); if res2 names a buffer, it is the program's to release
 *
 * Reads of one pipe, FIFO or socket are done one after the other, in the order in which they were submitted, by whatever
 * threads and to whatever contexts of the process: so is their data, and so are the events of one context. Reads of
 * other files (terminals, devices, eventfds) are independent of each other. O_NONBLOCK makes no difference: the read
 * waits. The descriptor may be closed once io_submit() has returned; but a read that is to wait for one before it, or a
 * second time, may end with -ECANCELED then if there are thousands of such reads.
 *
 * io_submit() answers -EINVAL without a bound ring, for a directory, for a file or block device where the ring is used
 * incrementally, and if u.c.buf or aio_rw_flags are not 0 or a priority is named; -EBADF for a descriptor that is not for
 * reading; -EOPNOTSUPP once io_uring is forbidden and in a child of vfork(). io_set_eventfd() works as with
 * io_prep_pread(). A write to the same place of a file that comes after io_submit() may be seen by the read. Linux 5.19.
 */
AIOURINGINLINE void aiouring_prep_pread_select(struct iocb *iocb, int fd, size_t nbytes,
					       long long offset) LIBURING_NOEXCEPT
{
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_fildes = fd;
	iocb->aio_lio_opcode = AIOURING_CMD_PREAD_SELECT;
	iocb->u.c.nbytes = nbytes;
	iocb->u.c.offset = offset;
}

/*
 * Bits of res2 of such an event, and the number of the buffer above them. They are the flags of the completion, so that
 * res and res2 are what aiouring_bufring_take() wants.
 */
#define AIOURING_EVENT_BUFFER IORING_CQE_F_BUFFER         /* a buffer was used */
#define AIOURING_EVENT_MORE IORING_CQE_F_BUF_MORE         /* the kernel will put more data into the same buffer */
#define AIOURING_EVENT_NONEMPTY IORING_CQE_F_SOCK_NONEMPTY /* the socket had more data when the read was done */

/*
 * Has the reads of a context that aiouring_prep_pread_select() made take their buffers from br: 0. A context has one
 * ring, and a ring is bound to one context or attached to one io_uring ring; the group of aiouring_bufring_create() is of
 * no account here. Buffers that are put into use, released or taken out of use while it is bound are that at once. Kernels
 * that cannot use buffers incrementally (before 6.12) use them whole. Any thread. -EBUSY: the context has a ring, br is
 * attached or bound, or events of its last context were not taken; -EOPNOTSUPP: the requests of the context do not go to a
 * thread of the library (aiouring_context_backend() is 0, AIOURING_ISSUER is caller or sqpoll), the kernel has no buffer
 * rings (before 5.19), or br has AIOURING_BUFRING_CLASSIC; -EINVAL: ctx is no context.
 */
int aiouring_bufring_bind(struct aiouring_bufring *br, io_context_t ctx) LIBURING_NOEXCEPT;

/*
 * Ends that: 0. Reads that wait end with -ECANCELED, and nothing is taken from their streams; those of files are waited
 * for. When it returns the kernel uses no more buffers. Events with data that came before can still be taken, and have to
 * be before br is bound again. io_destroy() ends the reads, too, and drops their events; br stays bound to what is no
 * context any more until this function is called, which it has to be before br is destroyed. aiouring_bufring_check()
 * compares the books with the events of the context while br is bound. Any thread. -EINVAL: br is not bound.
 */
int aiouring_bufring_unbind(struct aiouring_bufring *br) LIBURING_NOEXCEPT;

/*
 * As aiouring_bufring_take(), for the event of a read of aiouring_prep_pread_select(): to be called for each of them, in
 * the order in which they came.
 */
int aiouring_bufring_take_event(struct aiouring_bufring *br, const struct io_event *event,
				struct aiouring_bufring_walk *walk) LIBURING_NOEXCEPT;

/* The number of the buffer that the event of such a read names, or -1 if there is none. */
AIOURINGINLINE int aiouring_event_buffer(const struct io_event *event) LIBURING_NOEXCEPT
{
	if (!(event->res2 & AIOURING_EVENT_BUFFER))
		return -1;
	return AIOURING_NUM__(int, event->res2 >> IORING_CQE_BUFFER_SHIFT);
}

/* ---- Registered buffers and files ---- */

/*
 * Registers nr pieces of memory with an AIO context. Ordinary reads and writes of the context whose memory lies within
 * one of them, all pieces of a vector within the same one, are then done with pages that the kernel has in hand; the
 * results are the same. It takes less of the processor for direct I/O. iovecs NULL, or an entry of zeroes: an empty
 * place, to be filled by an update.
 *
 * tags: NULL, or for each buffer a number. When the kernel has let go of the buffer an event comes with that number in
 * data, and obj NULL; 0 for none. Each takes the place of one event of io_setup() as long as the buffer is registered.
 *
 * As long as a buffer is registered its memory is locked and counts against RLIMIT_MEMLOCK; it must not be unmapped, given
 * back (MADV_DONTNEED, MADV_FREE, a file that is cut), nor replaced by other memory at the same address, since the kernel
 * would go on with the pages that were: what is read is not seen, what is written is old.
 *
 * 0, or nothing is registered and: -EINVAL (ctx; nr is 0 or above 16384; a tag of an empty place), -EBUSY (the context
 * has buffers), -EFAULT (memory that is not there or cannot be written; a length of 0 or above 1 GiB), -EOVERFLOW,
 * -ENOMEM (RLIMIT_MEMLOCK too), -EAGAIN (no event's place left for a tag), -ENOSPC (16384 in all contexts), -EOPNOTSUPP
 * (a tag, where aiouring_context_backend() is 0 or the kernel is older). Any thread. Linux 5.19, vectors 6.15; before,
 * and on kernel AIO, it is accepted and without effect.
 */
int aiouring_register_buffers(io_context_t ctx, const struct iovec *iovecs, const __u64 *tags,
			      unsigned nr) LIBURING_NOEXCEPT;

/*
 * Replaces nr buffers from number `offset` on, as above; an entry of zeroes empties a place. Transfers under way keep
 * what they use. How many were replaced, which is less than nr if the next could not be; or the error of the first, also
 * -ENXIO (the context has no buffers), -EINVAL (beyond them).
 */
int aiouring_register_buffers_update(io_context_t ctx, unsigned offset, const struct iovec *iovecs, const __u64 *tags,
				     unsigned nr) LIBURING_NOEXCEPT;

/*
 * Lets go of all buffers of the context; of what transfers under way use when these end. io_destroy() does the same.
 * 0, -ENXIO (there are none), -EINVAL (ctx), -EAGAIN (the kernel has no memory for it now).
 */
int aiouring_unregister_buffers(io_context_t ctx) LIBURING_NOEXCEPT;

/*
 * The number of a registered buffer that holds all len bytes at address: -ENOENT for none, -ENXIO if the context has no
 * buffers, -EINVAL. It takes the same time for any number of buffers, and does not touch the memory.
 */
int aiouring_find_buffer(io_context_t ctx, const void *address, size_t len) LIBURING_NOEXCEPT;

/*
 * Has the library's ring hold the file of fd, for which many reads and writes are to come, in all contexts of the process:
 * the kernel need not look it up for each. It is used for a transfer if fd then names the same file, opened with the
 * same flags; if the number is closed or given to another file, that one is used, and the old one is let go of within a
 * second. AIOURING_AUTO_FILES=1 in the environment does this by itself for descriptors that recur.
 *
 * 0, also where it is not held: on kernel AIO, with O_SYNC or O_DSYNC, on file systems without a block device of their
 * own (btrfs, overlay, NFS, FUSE, tmpfs). -EINVAL (ctx), -EBADF (fd), -ENOSPC (too many; some 64 are possible). Any
 * thread, but none may give the number to another file meanwhile.
 */
int aiouring_register_file(io_context_t ctx, int fd) LIBURING_NOEXCEPT;

/* Takes that back, whether or not fd is open still. 0, also if nothing is held by that number; -EINVAL (ctx). */
int aiouring_unregister_file(io_context_t ctx, int fd) LIBURING_NOEXCEPT;

/*
 * What aio_lio_opcode has added to it for a transfer that names a registered buffer, whose number is in aio_reqprio.
 * Kernel AIO has no such operations and answers -EINVAL.
 */
#define AIOURING_CMD_FIXED 0x6200

/*
 * io_prep_pread() for memory that has to lie in the registered buffer buf_index of the context (0 to 16383). The result is
 * the same; but io_submit() answers -EFAULT if the memory does not lie in it, or if there is no such buffer, where an
 * ordinary request would be done all the same. No priority can be given (-EINVAL). For contexts that are carried by kernel
 * AIO it is -EINVAL; see aiouring_context_backend().
 */
AIOURINGINLINE void aiouring_prep_pread_fixed(struct iocb *iocb, int fd, void *buf, size_t count, long long offset,
					      int buf_index) LIBURING_NOEXCEPT
{
	io_prep_pread(iocb, fd, buf, count, offset);
	/* IO_CMD_PREAD is 0. */
	iocb->aio_lio_opcode = AIOURING_CMD_FIXED;
	iocb->aio_reqprio = AIOURING_NUM__(short, buf_index);
}

/* The same for io_prep_pwrite(). */
AIOURINGINLINE void aiouring_prep_pwrite_fixed(struct iocb *iocb, int fd, void *buf, size_t count, long long offset,
					       int buf_index) LIBURING_NOEXCEPT
{
	io_prep_pwrite(iocb, fd, buf, count, offset);
	iocb->aio_lio_opcode = AIOURING_CMD_FIXED + IO_CMD_PWRITE;
	iocb->aio_reqprio = AIOURING_NUM__(short, buf_index);
}

/* The same for io_prep_preadv(): all pieces have to lie in the one buffer. */
AIOURINGINLINE void aiouring_prep_preadv_fixed(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt,
					       long long offset, int buf_index) LIBURING_NOEXCEPT
{
	io_prep_preadv(iocb, fd, iov, iovcnt, offset);
	iocb->aio_lio_opcode = AIOURING_CMD_FIXED + IO_CMD_PREADV;
	iocb->aio_reqprio = AIOURING_NUM__(short, buf_index);
}

/* The same for io_prep_pwritev(). */
AIOURINGINLINE void aiouring_prep_pwritev_fixed(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt,
						long long offset, int buf_index) LIBURING_NOEXCEPT
{
	io_prep_pwritev(iocb, fd, iov, iovcnt, offset);
	iocb->aio_lio_opcode = AIOURING_CMD_FIXED + IO_CMD_PWRITEV;
	iocb->aio_reqprio = AIOURING_NUM__(short, buf_index);
}

/* The registered buffers of a ring, which are found by their addresses. */
struct aiouring_buffers;

/*
 * Registers nr buffers with a ring and makes an object of them, in *out. iovecs NULL: nr empty places. tags: NULL, or for
 * each buffer the user data of a completion that tells when the kernel has let go of it, 0 for none. The ring stays where
 * it is in memory, and is ended after the object.
 *
 * 0; -EFAULT (out or ring NULL), -EINVAL (nr is 0 or above 16384; tags without buffers), else what the kernel says, as for
 * io_uring_register_buffers(): -EBUSY, -EFAULT, -ENOMEM, ... Linux 5.1; tags and updates 5.13, empty places 5.19.
 */
int aiouring_buffers_create(struct aiouring_buffers **out, struct io_uring *ring, const struct iovec *iovecs,
			    const __u64 *tags, unsigned nr) LIBURING_NOEXCEPT;

/*
 * Replaces nr buffers from number `offset` on; an entry of zeroes empties a place. How many were replaced: fewer than nr
 * if the next could not be. -EINVAL (beyond the places, NULL), else what the kernel says of the first. While one thread
 * updates, others may look and prepare; a request that names a buffer which is another by then fails with -EFAULT.
 */
int aiouring_buffers_update(struct aiouring_buffers *buffers, unsigned offset, const struct iovec *iovecs,
			    const __u64 *tags, unsigned nr) LIBURING_NOEXCEPT;

/*
 * Lets go of all buffers, of those that requests use when these end, and ends the object, which no thread may use any
 * more. 0, or what the kernel says; the object is gone in any case. NULL is 0.
 */
int aiouring_buffers_destroy(struct aiouring_buffers *buffers) LIBURING_NOEXCEPT;

/* The number of a buffer that holds all len bytes at address; -ENOENT, -EINVAL (NULL). Any thread. */
int aiouring_buffers_find(const struct aiouring_buffers *buffers, const void *address,
			  size_t len) LIBURING_NOEXCEPT;

/*
 * Fill a request as io_uring_prep_read() and the like do: 1 if a buffer holds all of the memory, so that it is a request
 * with that buffer (io_uring_prep_read_fixed(), for vectors io_uring_prep_readv_fixed(), where the kernel has it: Linux
 * 6.15); 0 if it is an ordinary one, with the same result. user_data stays as it is. -EINVAL: sqe is NULL. Any thread.
 */
int aiouring_buffers_prep_read(const struct aiouring_buffers *buffers, struct io_uring_sqe *sqe, int fd, void *buf,
			       unsigned nbytes, __u64 offset) LIBURING_NOEXCEPT;

/* See aiouring_buffers_prep_read(). */
int aiouring_buffers_prep_write(const struct aiouring_buffers *buffers, struct io_uring_sqe *sqe, int fd,
				const void *buf, unsigned nbytes, __u64 offset) LIBURING_NOEXCEPT;

/* See aiouring_buffers_prep_read(). */
int aiouring_buffers_prep_readv(const struct aiouring_buffers *buffers, struct io_uring_sqe *sqe, int fd,
				const struct iovec *iovecs, unsigned nr_vecs, __u64 offset,
				int flags) LIBURING_NOEXCEPT;

/* See aiouring_buffers_prep_read(). */
int aiouring_buffers_prep_writev(const struct aiouring_buffers *buffers, struct io_uring_sqe *sqe, int fd,
				 const struct iovec *iovecs, unsigned nr_vecs, __u64 offset,
				 int flags) LIBURING_NOEXCEPT;

/* ---- Commands of files: vectors of registered buffers, NVMe, btrfs ---- */

/*
 * aiouring_prep_uring_cmd_fixed() for memory in pieces, all of them in the one registered buffer: the address and the
 * number of the pieces go where commands take them from (ublk, FUSE and most others), unless they have structures of
 * their own, as NVMe and btrfs below. The vector is in use until the completion.
 */
AIOURINGINLINE void aiouring_prep_uring_cmd_fixed_vec(struct io_uring_sqe *sqe, int cmd_op, int fd,
						      const struct iovec *iovecs, unsigned nr_vecs,
						      int buf_index) LIBURING_NOEXCEPT
{
	aiouring_prep_uring_cmd_fixed(sqe, cmd_op, fd, buf_index);
	sqe->addr = uring_ptr_to_u64(iovecs);
	sqe->len = nr_vecs;
}

/*
 * A command to an NVMe device (Linux 5.19), through the character device of a name space (/dev/ng0n1) or of the
 * controller (/dev/nvme0). Byte by byte struct nvme_uring_cmd of <linux/nvme_ioctl.h>: a pointer to one may be cast to
 * the other. All of it counts; fields without a meaning for the command are 0.
 */
struct aiouring_nvme_cmd {
	__u8 opcode; /* of the device: AIOURING_NVME_READ, ... */
	__u8 flags; /* 0 */
	__u16 rsvd1;
	__u32 nsid; /* the name space: ioctl(fd, NVME_IOCTL_ID) of its character device */
	__u32 cdw2;
	__u32 cdw3;
	__u64 metadata; /* address */
	__u64 addr; /* of the data, or of a vector of struct iovec */
	__u32 metadata_len; /* bytes */
	__u32 data_len; /* bytes, or pieces of the vector */
	__u32 cdw10;
	__u32 cdw11;
	__u32 cdw12;
	__u32 cdw13;
	__u32 cdw14;
	__u32 cdw15;
	__u32 timeout_ms; /* 0: the driver's */
	__u32 rsvd2;
};

/* What a command is for: blocks of a name space, or the controller; with data at one address, or in pieces. */
#define AIOURING_NVME_CMD_IO _IOWR('N', 0x80, struct aiouring_nvme_cmd)
#define AIOURING_NVME_CMD_IO_VEC _IOWR('N', 0x81, struct aiouring_nvme_cmd)
#define AIOURING_NVME_CMD_ADMIN _IOWR('N', 0x82, struct aiouring_nvme_cmd)
#define AIOURING_NVME_CMD_ADMIN_VEC _IOWR('N', 0x83, struct aiouring_nvme_cmd)

/* Commands on blocks, as devices number them. */
#define AIOURING_NVME_FLUSH 0x00
#define AIOURING_NVME_WRITE 0x01
#define AIOURING_NVME_READ 0x02
#define AIOURING_NVME_COMPARE 0x05
#define AIOURING_NVME_WRITE_ZEROES 0x08

/*
 * Fills *cmd for a command on blocks: `nlb` logical blocks (not the device's count, which is one less) from block `slba`
 * of the name space `nsid`, the data of which is `data_len` bytes at `data`, or for the commands _VEC so many pieces of
 * a struct iovec[]. 0, or -EINVAL, with *cmd untouched: an opcode above 255, no name space, no block or more than
 * 65536, or blocks beyond the last number.
 */
AIOURINGINLINE int aiouring_nvme_fill(struct aiouring_nvme_cmd *cmd, unsigned opcode, __u32 nsid, __u64 slba,
				      unsigned nlb, const void *data, __u32 data_len) LIBURING_NOEXCEPT
{
	if (opcode > 255 || nsid == 0 || nlb == 0 || nlb > 65536 || slba + (nlb - 1) < slba)
		return -EINVAL;
	memset(cmd, 0, sizeof(*cmd));
	cmd->opcode = AIOURING_NUM__(__u8, opcode);
	cmd->nsid = nsid;
	cmd->addr = uring_ptr_to_u64(data);
	cmd->data_len = data_len;
	cmd->cdw10 = AIOURING_NUM__(__u32, slba);
	cmd->cdw11 = AIOURING_NUM__(__u32, slba >> 32);
	cmd->cdw12 = nlb - 1;
	return 0;
}

/*
 * Takes an entry of the ring, leads it in *sqe, and prepares in it the command `cmd_op` (AIOURING_NVME_CMD_) with a copy
 * of *cmd. Then, as for any request, user data and flags may be set. The completion has in `res` 0, the status of the
 * device (above 0), or an error: -EOPNOTSUPP if the file has no commands, -EINVAL or -ENOTTY if it has others. What the
 * device returned beside the status is in the second half of the completion.
 *
 * 0, or with NULL in *sqe and nothing taken: -EINVAL if cmd_op is another, or if the ring has no entries of 128 bytes
 * (IORING_SETUP_SQE128, or IORING_SETUP_SQE_MIXED) or no completions of 32 (IORING_SETUP_CQE32, or
 * IORING_SETUP_CQE_MIXED); -EAGAIN if the queue is full. The data, and the vector, are in use until the completion.
 */
AIOURINGINLINE int aiouring_nvme_queue(struct io_uring *ring, struct io_uring_sqe **sqe, int fd, unsigned cmd_op,
				       const struct aiouring_nvme_cmd *cmd) LIBURING_NOEXCEPT
{
	struct io_uring_sqe *entry;
	void *start;

	*sqe = AIOURING_NULL__;
	if (cmd_op != AIOURING_NVME_CMD_IO && cmd_op != AIOURING_NVME_CMD_IO_VEC &&
	    cmd_op != AIOURING_NVME_CMD_ADMIN && cmd_op != AIOURING_NVME_CMD_ADMIN_VEC)
		return -EINVAL;
	if (!(ring->flags & IORING_SETUP_SQE128) && !(ring->flags & IORING_SETUP_SQE_MIXED))
		return -EINVAL;
	if (!(ring->flags & IORING_SETUP_CQE32) && !(ring->flags & IORING_SETUP_CQE_MIXED))
		return -EINVAL;
	entry = io_uring_get_sqe128(ring);
	if (!entry)
		return -EAGAIN;
	if (ring->flags & IORING_SETUP_SQE128)
		__io_uring_prep_uring_cmd(entry, IORING_OP_URING_CMD, cmd_op, fd);
	else
		__io_uring_prep_uring_cmd(entry, IORING_OP_URING_CMD128, cmd_op, fd);
	/* The 80 bytes of a command begin where the last 16 of a small entry are. */
	start = entry;
	memcpy(AIOURING_NUM__(char *, start) + 48, cmd, sizeof(*cmd));
	memset(AIOURING_NUM__(char *, start) + 120, 0, 8);
	*sqe = entry;
	return 0;
}

/*
 * The same with data that lies in the registered buffer buf_index (Linux 6.1; in pieces 6.15). The completion has -EFAULT
 * if there is no such buffer or the data is not in it, before 6.15 -EINVAL for pieces.
 */
AIOURINGINLINE int aiouring_nvme_queue_fixed(struct io_uring *ring, struct io_uring_sqe **sqe, int fd, unsigned cmd_op,
					     const struct aiouring_nvme_cmd *cmd, int buf_index) LIBURING_NOEXCEPT
{
	int ret = aiouring_nvme_queue(ring, sqe, fd, cmd_op, cmd);

	if (ret == 0) {
		(*sqe)->buf_index = AIOURING_NUM__(__u16, buf_index);
		(*sqe)->uring_cmd_flags = IORING_URING_CMD_FIXED;
	}
	return ret;
}

/* What the device returned with a completion, as dword 0 and 1 of its own. */
AIOURINGINLINE __u64 aiouring_nvme_result(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	return cqe->big_cqe[0];
}

/*
 * Data of a btrfs as it is on the disk, one piece of an extent at a time, and where it belongs. Byte by byte struct
 * btrfs_ioctl_encoded_io_args of <linux/btrfs.h>: a pointer to one may be cast to the other. iov to flags are the
 * program's, and for a write everything is.
 */
struct aiouring_btrfs_encoded {
	const struct iovec *iov; /* the encoded data */
	unsigned long iovcnt;
	__s64 offset; /* in the file; of a write a multiple of the sector size (4096) */
	__u64 flags; /* 0 */
	__u64 len; /* how many bytes of the file it is */
	__u64 unencoded_len; /* how many bytes come of decoding it, at most 128 KiB */
	__u64 unencoded_offset; /* which of them is the one at `offset` */
	__u32 compression; /* AIOURING_BTRFS_: of a write not NONE */
	__u32 encryption; /* 0 */
	__u8 reserved[64]; /* 0 */
};

/* How data is compressed; LZO by the size of the file system's sectors. */
#define AIOURING_BTRFS_NONE 0
#define AIOURING_BTRFS_ZLIB 1
#define AIOURING_BTRFS_ZSTD 2
#define AIOURING_BTRFS_LZO_4K 3
#define AIOURING_BTRFS_LZO_8K 4
#define AIOURING_BTRFS_LZO_16K 5
#define AIOURING_BTRFS_LZO_32K 6
#define AIOURING_BTRFS_LZO_64K 7

/* The numbers of the two commands, which are those of the ioctl()s that do the same. */
#define AIOURING_BTRFS_ENCODED_READ _IOR(0x94, 64, struct aiouring_btrfs_encoded)
#define AIOURING_BTRFS_ENCODED_WRITE _IOW(0x94, 64, struct aiouring_btrfs_encoded)

/*
 * Reads the piece of an extent that holds args->offset, as it is on the disk (Linux 6.13). The result is the number of
 * bytes put into args->iov, 0 at the end of the file, and from `len` on *args says what they are: those of the file from
 * args->offset on are the `len` that begin unencoded_offset bytes into the decoded ones, zeroes where decoding gives
 * less. The next piece is at offset + len. Data that is not compressed comes as it is and a hole as zeroes, as much as
 * there is room for, compression being AIOURING_BTRFS_NONE.
 *
 * -ENOBUFS: the vector has less room than compressed data takes; 128 KiB are always enough. -EPERM: not without
 * CAP_SYS_ADMIN. -EINVAL: flags are set. -EOPNOTSUPP: not a file of a btrfs, or an older
 * kernel, where ioctl(fd, AIOURING_BTRFS_ENCODED_READ, args) does the same. *args, its vector and the memory are in use
 * until the completion.
 *
 * The place in the file, 128 KiB at most, stays locked until the completion is delivered to the thread that submitted it.
 * In Linux 6.18 a process that ends while a second read waits for that lock does not get out of the kernel: let no two be
 * under way that are closer together than 128 KiB.
 */
AIOURINGINLINE void aiouring_prep_btrfs_encoded_read(struct io_uring_sqe *sqe, int fd,
						     struct aiouring_btrfs_encoded *args) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, AIOURING_NUM__(__u32, AIOURING_BTRFS_ENCODED_READ), fd);
	sqe->addr = uring_ptr_to_u64(args);
}

/*
 * Writes encoded data to a file (Linux 6.14): what aiouring_prep_btrfs_encoded_read() gives can be written as it is. The
 * kernel does not decode it; data that is not what *args says makes a file that cannot be read (-EIO). The result is the
 * number of encoded bytes.
 *
 * -EPERM: not without CAP_SYS_ADMIN. -EBADF: not open for writing. -EINVAL: the compression is not one, an offset or
 * length is not a multiple of the sector size (a `len` that ends at or beyond the end of the file may be any), there are
 * more than 128 KiB, or more encoded than decoded bytes. -EOPNOTSUPP as for reads. *args, its vector and the memory are
 * in use until the completion.
 */
AIOURINGINLINE void aiouring_prep_btrfs_encoded_write(struct io_uring_sqe *sqe, int fd,
						      const struct aiouring_btrfs_encoded *args) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, AIOURING_NUM__(__u32, AIOURING_BTRFS_ENCODED_WRITE), fd);
	sqe->addr = uring_ptr_to_u64(args);
}

/*
 * Reads, as the next one writes, with a vector of which all lies in the registered buffer buf_index. Kernels that do
 * not use registered buffers for these commands, among them Linux 6.18, do not say so, but take the memory as any
 * other, and do not look whether there is such a buffer: see aiouring_btrfs_fixed(). Else -EFAULT if there is none, or
 * memory is not in it.
 */
AIOURINGINLINE void aiouring_prep_btrfs_encoded_read_fixed(struct io_uring_sqe *sqe, int fd,
							   struct aiouring_btrfs_encoded *args,
							   int buf_index) LIBURING_NOEXCEPT
{
	aiouring_prep_btrfs_encoded_read(sqe, fd, args);
	sqe->buf_index = AIOURING_NUM__(__u16, buf_index);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
}

/* See aiouring_prep_btrfs_encoded_read_fixed(). */
AIOURINGINLINE void aiouring_prep_btrfs_encoded_write_fixed(struct io_uring_sqe *sqe, int fd,
							    const struct aiouring_btrfs_encoded *args,
							    int buf_index) LIBURING_NOEXCEPT
{
	aiouring_prep_btrfs_encoded_write(sqe, fd, args);
	sqe->buf_index = AIOURING_NUM__(__u16, buf_index);
	sqe->uring_cmd_flags = IORING_URING_CMD_FIXED;
}

/*
 * Whether the kernel uses registered buffers for encoded reads and writes of the btrfs that fd, a file,
 * is on: 1, or 0 if it ignores them. It is asked by a read beyond all files, with a buffer that no ring can have, on a
 * ring made for it; a kernel's answer is remembered. Any thread.
 *
 * -EPERM: not without CAP_SYS_ADMIN, or io_uring is forbidden. -EOPNOTSUPP: not a file of a btrfs, or a kernel before
 * Linux 6.13. -EBADF: no descriptor. Otherwise what io_uring_queue_init() says.
 */
int aiouring_btrfs_fixed(int fd) LIBURING_NOEXCEPT;

/*
 * Prepares an encoded read, or write, with the registered buffer if the kernel uses it: 0. Otherwise the plain one is
 * prepared, which gives the same result as long as the buffer is memory of the program, and the reason returned:
 * -EOPNOTSUPP if the kernel ignores registered buffers here, or what aiouring_btrfs_fixed() says, which is asked. fd is
 * a descriptor and not a registered file.
 */
AIOURINGINLINE int aiouring_btrfs_prep_read(struct io_uring_sqe *sqe, int fd, struct aiouring_btrfs_encoded *args,
					    int buf_index) LIBURING_NOEXCEPT
{
	int fixed = aiouring_btrfs_fixed(fd);

	if (fixed > 0) {
		aiouring_prep_btrfs_encoded_read_fixed(sqe, fd, args, buf_index);
		return 0;
	}
	aiouring_prep_btrfs_encoded_read(sqe, fd, args);
	return fixed < 0 ? fixed : -EOPNOTSUPP;
}

/* See aiouring_btrfs_prep_read(). */
AIOURINGINLINE int aiouring_btrfs_prep_write(struct io_uring_sqe *sqe, int fd,
					     const struct aiouring_btrfs_encoded *args, int buf_index) LIBURING_NOEXCEPT
{
	int fixed = aiouring_btrfs_fixed(fd);

	if (fixed > 0) {
		aiouring_prep_btrfs_encoded_write_fixed(sqe, fd, args, buf_index);
		return 0;
	}
	aiouring_prep_btrfs_encoded_write(sqe, fd, args);
	return fixed < 0 ? fixed : -EOPNOTSUPP;
}

/* ---- Leases ---- */

/*
 * A lease is a buffer of a pool that one request, the primary, fills, and others, the secondaries, use: they write or send
 * parts of it, to as many places as one likes, and nothing is copied in between. Those that are planned before the buffer
 * is filled start when it is, without the program's doing. The lease ends, which the program is told by one event, when
 * the kernel is done with all of them; only then is the buffer taken for another.
 *
 * The requests are in the program's ring. Their user data are addresses of the pool's, so no request of the program has
 * them, if it sets its user data: a place in the queue keeps those of the request before. aiouring_lease_wait() is the
 * loop of a program: it submits, waits, and gives events, also of completions that are not the pool's. A program with a
 * loop of its own shows the pool each completion by aiouring_lease_cqe(), takes events by aiouring_lease_next(), and
 * submits by aiouring_lease_submit().
 *
 * Any thread may call these functions, while another waits, too; what it starts is then submitted at once. The ring itself
 * is one thread's: with other requests of the program in it, or with IORING_SETUP_SINGLE_ISSUER, so is the pool. A thread
 * that ends takes with it what it has submitted and the kernel has not done (-ECANCELED). In a
 * signal handler that interrupted a call on the same pool they are -EDEADLK. A pool that is gone is -EINVAL, as long as
 * its place was not given to another one; so it is in a child made by fork, and so is NULL where there has to be a pool,
 * a request, an event or a completion. Between the requests of a chain (IOSQE_IO_LINK) nothing is queued; it is queued
 * later.
 */
struct aiouring_lease_pool;

/* What a pool is. Zeroes but for the first two will do. */
struct aiouring_lease_params {
	__u32 buffers;	   /* how many leases at a time: up to 16384 */
	__u32 buffer_size; /* bytes of each: up to 1 GiB */
	__u32 ops;	   /* secondaries of all leases at a time, planned and under way: up to 2^20; 0: 4 for each buffer */
	__u32 flags;	   /* AIOURING_LEASE_POOL_ */
	__u32 first_slot;  /* where in the ring's table of registered buffers the pool's begin */
	__u32 resv;	   /* 0 */
	void *memory;	   /* buffers * buffer_size bytes that stay until the end of the pool; NULL: memory of its own, in pages */
	__u64 resv2[4];	   /* 0 */
};

/* The ring has a table of registered buffers: the pool's slots in it are empty. Without, the pool registers a table. */
#define AIOURING_LEASE_POOL_TABLE (1U << 0)
/*
 * Each lease registers its buffer and ends when the kernel says, by the tag of the registration, that nothing refers to it
 * any more: two system calls for each lease, and proof.
 */
#define AIOURING_LEASE_POOL_TAGS (1U << 1)
/* Nothing is registered: for kernels before 5.19, or where memory must not be locked. */
#define AIOURING_LEASE_POOL_PLAIN (1U << 2)
/* The slots are filled by commands of the program (AIOURING_LEASE_COMMAND): the pool has no memory. */
#define AIOURING_LEASE_POOL_IMPORT (1U << 3)

/* A request of a lease. Zeroes but for type and fd will do. */
struct aiouring_lease_op {
	__s32 type;			    /* AIOURING_LEASE_READ and so on */
	__s32 fd;			    /* or the index of a registered file */
	__u32 flags;			    /* AIOURING_LEASE_OP_ */
	__s32 rw_flags;			    /* RWF_ for files, MSG_ for sockets */
	__u64 offset;			    /* in the file; (__u64)-1: its position */
	__u32 from;			    /* in the buffer; a primary has 0 */
	__u32 len;			    /* 0: all there is: of the buffer, or of what was filled */
	__u64 data;			    /* of a secondary: comes back in its event */
	const struct io_uring_sqe *command; /* of AIOURING_LEASE_COMMAND: what fills the slot */
	const struct io_uring_sqe *release; /* and what empties it; NULL: nothing */
	void *memory;			    /* and the address of the buffer; NULL for one that is the kernel's */
	__u64 resv[2];			    /* 0 */
};

/* What a request does. */
#define AIOURING_LEASE_READ 1	 /* fills the buffer from a file */
#define AIOURING_LEASE_WRITE 2	 /* writes a part of it to a file */
#define AIOURING_LEASE_RECV 3	 /* fills it from a socket */
#define AIOURING_LEASE_SEND 4	 /* sends a part of it: without copying where socket and kernel can, since Linux 6.0 */
#define AIOURING_LEASE_COMMAND 5 /* fills it by a request of the program's own */

/* fd is the index of a registered file. */
#define AIOURING_LEASE_OP_FIXED_FILE (1U << 0)
/* Goes on after a part of it was moved: until all is, or there is an error or an end. */
#define AIOURING_LEASE_OP_WHOLE (1U << 1)
/* A secondary has an event of its own. */
#define AIOURING_LEASE_OP_REPORT (1U << 2)
/* A send that copies: better for little data. */
#define AIOURING_LEASE_OP_COPY (1U << 3)
/* By a worker of the kernel from the start (IOSQE_ASYNC). */
#define AIOURING_LEASE_OP_ASYNC (1U << 4)

/* The lease stays when it is filled, which is an event, until aiouring_lease_finish(). */
#define AIOURING_LEASE_HOLD (1U << 0)
/* The other way round, with AIOURING_LEASE_POOL_IMPORT: secondaries read into the buffer, and do nothing else. */
#define AIOURING_LEASE_SINK (1U << 1)

/* What an event tells of. */
#define AIOURING_LEASE_DONE 1	/* a lease has ended; its name is no longer valid */
#define AIOURING_LEASE_FILLED 2 /* a lease that is held has been filled */
#define AIOURING_LEASE_USED 3	/* a secondary with AIOURING_LEASE_OP_REPORT is done */
#define AIOURING_LEASE_OTHER 4	/* a completion that is none of the pool's; it is consumed */

/* What became of a lease, of a secondary, or of another request. */
struct aiouring_lease_event {
	__s32 type;	  /* AIOURING_LEASE_DONE and so on */
	__s32 res;	  /* DONE, FILLED: of the primary. USED: of the secondary. OTHER: of the completion */
	__u64 lease;	  /* which */
	__u64 data;	  /* DONE, FILLED: the lease's. USED: the secondary's. OTHER: the user data */
	__u32 bytes;	  /* DONE, FILLED: in the buffer. USED: moved, also before an error */
	__u32 failed;	  /* DONE: secondaries that failed, or moved less than was asked for */
	__s32 error;	  /* DONE: the first error of these; 0 if there is none */
	__u32 flags;	  /* OTHER: of the completion */
	__u64 big_cqe[2]; /* OTHER: its second half, if it has one */
};

/*
 * Makes a pool for the ring: 0. `ring` must stay where it is until the pool is destroyed, which is before the ring's end.
 * -EINVAL: a number that is out of range, unknown flags or such that exclude each other (IMPORT and TAGS or memory; PLAIN and
 * any other), a ring with IORING_SETUP_SQ_REWIND, a kernel before 5.19 (but with PLAIN). -EOPNOTSUPP: one before 5.11.
 * -EBUSY: the ring has a table, and AIOURING_LEASE_POOL_TABLE is not given; -ENXIO: it is, and there is none. -ENOMEM: no
 * memory, or RLIMIT_MEMLOCK does not allow it. Nothing is left of a pool that was not made.
 */
int aiouring_lease_pool_create(struct io_uring *ring, const struct aiouring_lease_params *params,
			       struct aiouring_lease_pool **pool) LIBURING_NOEXCEPT;

/*
 * Ends the pool: cancels what is under way, waits until the kernel is done with it, takes the buffers out of the table and
 * frees all: 0. Events that were not taken are lost; the program's completions stay in the ring. -EBUSY: a thread waits in
 * the pool, or the ring is full of the program's completions: take them and call again. With any error the pool is there
 * still, and takes no more leases. If the ring was ended before, all is freed at once; of requests that name
 * memory by its address (PLAIN, RECV, sends that copy) only the addresses are kept.
 */
int aiouring_lease_pool_destroy(struct aiouring_lease_pool *pool) LIBURING_NOEXCEPT;

/*
 * Takes a buffer: 0, and its name in *lease, which is good until the event AIOURING_LEASE_DONE is taken. -EAGAIN: none is
 * free, or the events of those that are were not taken. -EINVAL: flags. -ECANCELED: the pool is ending. With
 * AIOURING_LEASE_POOL_TAGS also what the registration is refused with.
 */
int aiouring_lease_open(struct aiouring_lease_pool *pool, __u64 *lease, unsigned flags, __u64 data) LIBURING_NOEXCEPT;

/*
 * Starts the primary: 0. READ, RECV; in a pool with IMPORT COMMAND, whose requests have neither links nor
 * IOSQE_CQE_SKIP_SUCCESS; the first fills the slot and has a result that is not below 0, `len` is how much that then is.
 * -EINVAL: not such a request, or the lease is not just opened. -EFAULT: longer than the buffer. If it fails, the planned
 * secondaries are cancelled, and the lease ends.
 */
int aiouring_lease_fill(struct aiouring_lease_pool *pool, __u64 lease,
			const struct aiouring_lease_op *op) LIBURING_NOEXCEPT;

/*
 * Adds a secondary that starts when the buffer is filled, in the order of these calls: 0. WRITE, SEND; with
 * AIOURING_LEASE_SINK READ. -EINVAL: another type, or the buffer is filled already. -EFAULT: beyond the buffer; if it is
 * within that, but beyond what the primary brought, it is the secondary's result. -EAGAIN: `ops` are planned and under way.
 */
int aiouring_lease_plan(struct aiouring_lease_pool *pool, __u64 lease,
			const struct aiouring_lease_op *op) LIBURING_NOEXCEPT;

/*
 * Starts a secondary of a lease that is held and filled: 0. -EINVAL: before the event AIOURING_LEASE_FILLED could come, after
 * aiouring_lease_finish() or aiouring_lease_cancel(), without AIOURING_LEASE_HOLD, or of a type that does not fit. -EFAULT:
 * beyond what the primary brought. -EAGAIN as above.
 */
int aiouring_lease_use(struct aiouring_lease_pool *pool, __u64 lease,
		       const struct aiouring_lease_op *op) LIBURING_NOEXCEPT;

/* Lets a lease that is held and filled end when its secondaries are done: 0. -EINVAL: it is not, or was told so before. */
int aiouring_lease_finish(struct aiouring_lease_pool *pool, __u64 lease) LIBURING_NOEXCEPT;

/*
 * Cancels what is under way of a lease, which then ends: 0. A secondary that is not started has the result -ECANCELED; of
 * one that is the kernel decides. -EALREADY: it was cancelled, or its primary failed. -EINVAL: it has ended.
 */
int aiouring_lease_cancel(struct aiouring_lease_pool *pool, __u64 lease) LIBURING_NOEXCEPT;

/* io_uring_submit() that also submits what found the queue full: how many requests. */
int aiouring_lease_submit(struct aiouring_lease_pool *pool) LIBURING_NOEXCEPT;

/*
 * Submits, and waits for an event: 0. Completions that are not the pool's are events, too. -ETIME: none within *ts, NULL
 * for no limit. -EINTR: a signal. Else as io_uring_submit_and_wait_timeout().
 */
int aiouring_lease_wait(struct aiouring_lease_pool *pool, struct aiouring_lease_event *event,
			const struct __kernel_timespec *ts) LIBURING_NOEXCEPT;

/*
 * Shows the pool a completion: 1 if it is the pool's, 0 if not. The program consumes it (io_uring_cqe_seen()) in either
 * case. -EINVAL: it is the pool's, but was shown before.
 */
int aiouring_lease_cqe(struct aiouring_lease_pool *pool, const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT;

/* Takes the next event that is there: 1, or 0 if there is none. */
int aiouring_lease_next(struct aiouring_lease_pool *pool, struct aiouring_lease_event *event) LIBURING_NOEXCEPT;

/* The memory of a lease, for the program to read while it is held; NULL: no such lease, or it has none. */
void *aiouring_lease_memory(struct aiouring_lease_pool *pool, __u64 lease) LIBURING_NOEXCEPT;

/* The slot of a lease in the ring's table of registered buffers. -EINVAL: no such lease. */
int aiouring_lease_slot(struct aiouring_lease_pool *pool, __u64 lease) LIBURING_NOEXCEPT;

/* ---- AIO contexts: which way they go, cancellation ---- */

/*
 * Which way the requests of a context go: 1 for io_uring, 0 for kernel AIO, where most of what is said here of contexts
 * is -EOPNOTSUPP. -EINVAL: ctx is no context. May be called in any thread.
 */
int aiouring_context_backend(io_context_t ctx) LIBURING_NOEXCEPT;

/* Which requests aiouring_cancel() is for: one of the first three, and how. */
#define AIOURING_CANCEL_IOCB (1U << 0) /* those that were submitted with iocb */
#define AIOURING_CANCEL_FD (1U << 1)   /* those that were submitted for the descriptor number fd */
#define AIOURING_CANCEL_ALL (1U << 2)  /* all of the context */
#define AIOURING_CANCEL_WAIT (1U << 3) /* return when they are over */

/*
 * Takes back requests of ctx that are under way, of any kind: polls, and whatever the kernel has not begun to do. Each
 * request has exactly one event all the same, with its eventfd; that of one which was taken back has a res of -ECANCELED.
 * iocb counts by its address only and need not be there any more; if it was submitted several times, all are meant. fd is
 * the number as it was when the request was submitted, whatever it means now. The one that the flags do not name is
 * ignored.
 *
 * With AIOURING_CANCEL_WAIT it returns when the requests that it found are over, whether they were taken back or end by
 * themselves: none of them uses its memory or its file any more, and their events are in the ring. timeout: how long it
 * waits at most, NULL for as long as it takes; without the flag it has to be NULL.
 *
 * Returns how many were taken back, or
 *  -ENOENT       none was found: it was never submitted, or its event is there
 *  -EALREADY     those that were found end by themselves, as a transfer does that a device has begun (with
 *                AIOURING_CANCEL_WAIT: have ended). One may still say -ECANCELED: its event tells
 *  -ETIME        the time is over and some are not; all the rest is as without the flag
 *  -EINTR        the same, for a signal handler has run
 *  -EDEADLK      the wait would be for what the parent of a child of vfork() has to do
 *  -EINVAL       ctx is no context, or has been destroyed meanwhile; flags; a NULL iocb; fd below 0; a time that is none
 *  -EFAULT       timeout
 *  -EOPNOTSUPP   the context is carried by kernel AIO, which takes back a poll by its iocb (with a res of 0), and without
 *                waiting; any other iocb is -EALREADY there, and -EFAULT if its memory is gone
 *
 * What another thread's io_submit() has not handed over when it is called may or may not be found. May be called in any
 * thread and in signal handlers. Linux 5.13, as all of AIO on io_uring.
 */
int aiouring_cancel(io_context_t ctx, struct iocb *iocb, int fd, unsigned flags,
		    const struct timespec *timeout) LIBURING_NOEXCEPT;

/* ---- Rings: set-up, features, reservation, threads, the end ---- */

/*
 * Makes a ring with as many of the flags that one would like to have as the kernel has. p->flags are those that it must
 * have. wishes[] has nr sets of IORING_SETUP_ flags, at most 32; each is granted as a whole or not at all, the first ones
 * before the others. Not granted is what the kernel does not know, and what does not go together with what came before:
 * IORING_SETUP_SQPOLL and the flags about task work, IORING_SETUP_CQE32 and IORING_SETUP_CQE_MIXED, a flag that needs
 * another. IORING_SETUP_DEFER_TASKRUN brings IORING_SETUP_SINGLE_ISSUER along, IORING_SETUP_REGISTERED_FD_ONLY brings
 * IORING_SETUP_NO_MMAP.
 *
 * 0, and *taken, unless NULL, gets the flags that were asked for in either way and that the ring has; *p says what it
 * became. Errors: -EINVAL for NULL, too many wishes, or if the kernel refuses even the ring without wishes; any other
 * error of io_uring_queue_init_params() is returned as it comes, as fewer flags would not help: *p is as it was, there is
 * nothing to end. Since Linux 6.18 the kernel says what it knows, and is asked for one ring; before that for one more at
 * most for each wish. Any thread.
 */
int aiouring_queue_init_try(unsigned entries, struct io_uring *ring, struct io_uring_params *p, const unsigned *wishes,
			    unsigned nr, unsigned *taken) LIBURING_NOEXCEPT;

/* aiouring_features.sources: how is known what the kernel has. */
#define AIOURING_SOURCE_QUERY (1U << 0)   /* it was asked without a ring (Linux 6.18) */
#define AIOURING_SOURCE_PROBE (1U << 1)   /* it was asked for its requests (Linux 5.6) */
#define AIOURING_SOURCE_TRIAL (1U << 2)   /* setup_flags: rings were tried */
#define AIOURING_SOURCE_RELEASE (1U << 3) /* registers, and before Linux 5.6 ops: by its release */

/* What aiouring_get_features() tells. */
struct aiouring_features {
	__u32 size;            /* bytes of this structure that were filled */
	__s32 error;           /* 0: the ring can be had; or the negative error that refuses it */
	__u32 kernel;          /* its release: 0x060c0a for 6.12.10 */
	__u32 sources;         /* AIOURING_SOURCE_; 0: of the next six nothing is known */
	__u64 features;        /* IORING_FEAT_ */
	__u64 setup_flags;     /* IORING_SETUP_ */
	__u64 enter_flags;     /* IORING_ENTER_; 0 before Linux 6.18 */
	__u64 sqe_flags;       /* IOSQE_; 0 before Linux 6.18 */
	__u64 ops[4];          /* bit N % 64 of [N / 64]: the request N, IORING_OP_ */
	__u64 registers[2];    /* the same for IORING_REGISTER_ */
	__s32 disabled;        /* kernel.io_uring_disabled: 0 to 2, -1 before Linux 6.6 or if it cannot be read */
	__s32 group;           /* kernel.io_uring_group, -1 for none */
	__u32 seccomp;         /* mode of the calling thread: 0 none, 1 strict, 2 filters */
	__s32 filtered;        /* 0, or the error by which a filter refuses a call of io_uring; -EPERM if it kills */
	__u64 memlock;         /* bytes of memory that may be locked; all ones for no limit */
	__u64 memlock_needed;  /* of these the ring needs so many: none with Linux 5.12 to 6.13 */
	__s32 aio;             /* kernel AIO: 0 if there is a context to be had, or the negative error */
	__u32 resv;            /* 0 */
	char release[64];      /* the kernel's name for itself */
	char reason[192];      /* one line: "io_uring_setup: EPERM: kernel.io_uring_disabled is 2" */
};

/*
 * Tells what io_uring can do for the calling thread, and if nothing, why. entries: the size of the ring that is wanted, 0
 * for a small one; it is made and ended again. Under a seccomp filter each call is tried first by a child that nobody sees,
 * as the filter may kill for it; for that time the handler of SIGSYS is the library's. If no child can be made or waited
 * for, nothing is tried: that error is what `error` and `aio` say.
 *
 * size: sizeof(*out) of the program. What a newer library knows beyond it is left out, what an older one does not know is
 * zero. 0, whatever the report says; -EINVAL for NULL or a size below 16. It takes up to some milliseconds.
 */
int aiouring_get_features(unsigned entries, struct aiouring_features *out, size_t size) LIBURING_NOEXCEPT;

/* Whether a report has a request, IORING_OP_. */
AIOURINGINLINE int aiouring_features_has_op(const struct aiouring_features *features, unsigned op) LIBURING_NOEXCEPT
{
	return op < 256 && ((features->ops[op / 64] >> (op % 64)) & 1) != 0;
}

/* For aiouring_get_sqes(): hands over what is queued if there is too little room. */
#define AIOURING_GET_SUBMIT (1U << 0)

/*
 * Takes the next nr entries of the submission queue, all of them or none, and stores their addresses in sqes[]: they are
 * not one array, as the queue may begin anew among them. As nothing is submitted between them, a chain of linked requests
 * in them is handed over as a whole by the next io_uring_submit(). Entries are as io_uring_get_sqe() gives them.
 *
 * 0, or: -EAGAIN if fewer entries are free (submit, then); -EINVAL for 0 or more entries than the queue has, NULL, unknown
 * flags. With AIOURING_GET_SUBMIT it submits by itself when there is too little room, before it takes any: -EAGAIN then
 * means that the kernel did not take enough, and errors of io_uring_submit() are possible. Only in the thread that submits.
 */
int aiouring_get_sqes(struct io_uring *ring, struct io_uring_sqe **sqes, unsigned nr, unsigned flags) LIBURING_NOEXCEPT;

/*
 * Gives the last nr entries back that were taken, by whatever function, and not submitted. 0, or -EINVAL if fewer are so.
 * Only in the thread that submits.
 */
int aiouring_unget_sqes(struct io_uring *ring, unsigned nr) LIBURING_NOEXCEPT;

/*
 * Makes a thread that waits for completions of the ring return: posts a completion with this user_data and res, which the
 * program takes as any other. One that comes before the wait ends that at once, so none is lost. From any thread and in
 * signal handlers, for rings with IORING_SETUP_SINGLE_ISSUER and IORING_SETUP_DEFER_TASKRUN, too; it takes no room in the
 * submission queue.
 *
 * 0, or: -EBADF if the ring has no descriptor (IORING_SETUP_REGISTERED_FD_ONLY, io_uring_close_ring_fd()), -EBADFD if it
 * is not enabled, -ENOMEM or -EOVERFLOW for want of memory, -EOPNOTSUPP before Linux 5.18, -EINVAL for NULL. From Linux
 * 6.13 on it is one system call; before that a ring is made for it, with the errors of io_uring_queue_init(). The ring must
 * not be ended during the call.
 */
int aiouring_wake(struct io_uring *ring, __u64 user_data, int res) LIBURING_NOEXCEPT;

/*
 * What aiouring_queue_drain_exit() hands completions to: its arg, and the completion, which is valid during the call. It
 * must not use the ring, nor leave by longjmp(3) or an exception.
 */
typedef void (*aiouring_completion_fn)(void *arg, const struct io_uring_cqe *cqe);

/* The upper half of the user_data of what aiouring_queue_drain_exit() submits: see there. */
#define AIOURING_DRAIN_MARK 0xa10d7a1dU

/*
 * Ends a ring with requests in flight, so that their memory can be freed: cancels all that can be cancelled, as often as
 * it takes, hands every completion to each(), also those that are there already, and ends the ring as io_uring_queue_exit()
 * when no more will come. Requests that are prepared and not submitted are handed out with -ECANCELED. each may be NULL.
 *
 * timeout: how long it may take, NULL for no limit. left: a number of the program's that each() brings to 0 with the last
 * completion, for programs that count; those that were not submitted count, too. With NULL the kernel has to say when all
 * is done: a request with IOSQE_IO_DRAIN is submitted, which waits for all others, multishot requests and notifications of
 * zero-copy sends included.
 *
 * 0: the ring is ended. On error it lives, with all that is in flight, and the call may be repeated: -ETIME when the time
 * was up; -EOPNOTSUPP with IORING_SETUP_IOPOLL, and without left if a request had IOSQE_CQE_SKIP_SUCCESS, with which the
 * kernel keeps no account (all has been cancelled then); -EEXIST in another thread than the only one that may submit;
 * -EINVAL for a NULL ring or a time that is none; -EBADF if the ring is not set up; -EACCES and others where the ring's
 * restrictions forbid the request. After an error without left, the completion of that request may come yet: its
 * user_data >> 32 is AIOURING_DRAIN_MARK, and what is submitted until then begins only after it. With IORING_SETUP_SQPOLL
 * there is another, also with left, which cancels what the kernel's worker threads have (splices, opens of FIFOs); it
 * waits behind requests of the program with IOSQE_IO_DRAIN.
 *
 * Nobody else may use the ring meanwhile. A signal does not end it. Linux 6.0; before that nothing is cancelled: what is
 * in flight has to end by itself.
 */
int aiouring_queue_drain_exit(struct io_uring *ring, const struct __kernel_timespec *timeout,
			      aiouring_completion_fn each, void *arg, const unsigned *left) LIBURING_NOEXCEPT;

/* An object by which any thread submits to a ring: see aiouring_submitter_create(). */
struct aiouring_submitter;

/*
 * Makes one for a ring, which must not move and is submitted to by nothing else until aiouring_submitter_destroy(): no
 * io_uring_get_sqe(), no io_uring_submit(). Completions are taken as ever, by one thread at a time. flags: 0.
 *
 * A ring with IORING_SETUP_SINGLE_ISSUER, with or without IORING_SETUP_DEFER_TASKRUN, can be entered by one thread only,
 * which has to be the caller: that which made or enabled the ring. What other threads push waits in the queue, and that
 * thread finds a completion with the user_data wake_data in the ring, upon which it calls aiouring_submitter_flush(). Such
 * completions are one until it does. For other rings wake_data has no meaning, and whichever thread is in the kernel submits
 * for all: a thread that ends takes with it what it has submitted and the kernel has not done (-ECANCELED), also requests
 * of others. So let threads that push end when their requests and those of all others are done.
 *
 * 0, or: -EINVAL for NULL or flags; -EBADF if the ring has no descriptor, which other threads need; -EOPNOTSUPP with
 * IORING_SETUP_SQ_REWIND and IORING_SETUP_SQE_MIXED; -ENOMEM. A child has no such object: all calls are -EINVAL there.
 */
int aiouring_submitter_create(struct aiouring_submitter **submitter, struct io_uring *ring, __u64 wake_data,
			      unsigned flags) LIBURING_NOEXCEPT;

/* For aiouring_submitter_push(): -EAGAIN in place of a wait for room in the queue. */
#define AIOURING_PUSH_NOWAIT (1U << 0)

/* For aiouring_submitter_push(): returns when the kernel has taken the requests. */
#define AIOURING_PUSH_TAKEN (1U << 1)

/*
 * Queues copies of nr requests, which stay together and in order, so that they may be a chain, and hands them over. If
 * another thread is in the kernel with the queue it does that in its next call, together with what others have pushed. So
 * what the requests point to (vectors, names, times) has to stay until they complete, or until this returns with
 * AIOURING_PUSH_TAKEN. Entries have the ring's size: with IORING_SETUP_SQE128 each is two of sqes[].
 *
 * 0, or above 0: so many requests are queued that the kernel does not take for now, since completions have to be collected
 * or memory is short: aiouring_submitter_flush() says why, and tries again, as every push does. Below 0 nothing has been
 * queued: -EINVAL for NULL, more requests than the queue has, unknown flags; -EAGAIN if there is no room; -EBUSY in a signal
 * handler that interrupted a call on this object; any error of io_uring_enter() that keeps the queue full. Any thread.
 */
int aiouring_submitter_push(struct aiouring_submitter *submitter, const struct io_uring_sqe *sqes, unsigned nr,
			    unsigned flags) LIBURING_NOEXCEPT;

/*
 * Hands over what is queued. Returns how many requests the kernel took, 0 if there was nothing or another thread is at it, or
 * its error: they stay queued then. -EEXIST with IORING_SETUP_SINGLE_ISSUER in another thread than the ring's.
 */
int aiouring_submitter_flush(struct aiouring_submitter *submitter) LIBURING_NOEXCEPT;

/* Ends the object when no thread uses it any more, not the ring. 0, or -EBUSY if a thread is seen to be in a call on it. */
int aiouring_submitter_destroy(struct aiouring_submitter *submitter) LIBURING_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#undef AIOURINGINLINE
#undef AIOURING_NUM__
#undef AIOURING_NULL__

#endif
