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

/* ---- Buffer rings of AIO contexts ---- */

/* ---- Registered buffers and files ---- */

/* ---- Commands of files: vectors of registered buffers, NVMe, btrfs ---- */

/* ---- Leases ---- */

/* ---- AIO contexts: which way they go, cancellation ---- */

/*
 * Which way the requests of a context go: 1 for io_uring, 0 for kernel AIO, where most of what is said here of contexts
 * is -EOPNOTSUPP. -EINVAL: ctx is no context. May be called in any thread.
 */
int aiouring_context_backend(io_context_t ctx) LIBURING_NOEXCEPT;

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

#ifdef __cplusplus
}
#endif

#undef AIOURINGINLINE
#undef AIOURING_NUM__
#undef AIOURING_NULL__

#endif
