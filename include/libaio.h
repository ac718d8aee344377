/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libaio.h - asynchronous file I/O through contexts and iocbs.
 *
 * Every function returns its result, or a negated error number such as -EINVAL. The variable errno is never written.
 *
 * A request is described by a struct iocb, handed over with io_submit() and answered by a struct io_event, which is
 * collected with io_getevents(). io_submit() copies the iocb and, for vectored requests, the array of struct iovec:
 * both may be reused as soon as it has returned. The data buffers belong to the request until its event is there.
 */
#ifndef __LIBAIO_H
#define __LIBAIO_H

#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct timespec;
struct sockaddr;
struct iovec;

/*
 * The structures are shared with the kernel and look the same to 32 and 64 bit programs: a pointer or a long always
 * fills 64 bits, and a 32-bit program pads it on the side where the insignificant half lies. Two 32-bit fields which
 * the kernel reads as one 64-bit number change places with the byte order. These three macros write such fields.
 */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define AIO_PAIR__(low, high) high; low
#else
#define AIO_PAIR__(low, high) low; high
#endif
#if defined(__LP64__) || defined(_LP64) || (defined(__SIZEOF_LONG__) && __SIZEOF_LONG__ == 8)
#define AIO_PTR__(field, pad) field
#define AIO_LONG__(field, pad) unsigned long field
#else
#define AIO_PTR__(field, pad) AIO_PAIR__(field, unsigned int pad)
#define AIO_LONG__(field, pad) AIO_PAIR__(unsigned long field, unsigned int pad)
#endif

/* The functions that are defined here, and conversions of numbers. All these macros are gone at the end. */
#ifdef __cplusplus
#define AIO_INLINE__ inline
#define AIO_NUM__(type, value) static_cast<type>(value)
#else
#define AIO_INLINE__ __extension__ static __inline__
#define AIO_NUM__(type, value) ((type)(value))
#endif

/*
 * A context: the place where requests are submitted and their events collected. It is valid in the process that made
 * it, for all its threads, from io_setup() to io_destroy(); a child made by fork() has to make its own. Set the
 * variable to NULL before io_setup().
 */
typedef struct io_context *io_context_t;

/* What a request does: the value of iocb.aio_lio_opcode. */
typedef enum io_iocb_cmd {
	IO_CMD_PREAD = 0,   /* read u.c.nbytes bytes at u.c.offset into u.c.buf */
	IO_CMD_PWRITE = 1,  /* write u.c.nbytes bytes from u.c.buf at u.c.offset */
	IO_CMD_FSYNC = 2,   /* bring data and metadata of the file to the disk */
	IO_CMD_FDSYNC = 3,  /* the same, without metadata that is not needed to read the data */
	IO_CMD_POLL = 5,    /* wait, once, until one of u.poll.events is true */
	IO_CMD_NOOP = 6,    /* a number without an operation: io_submit() answers -EINVAL */
	IO_CMD_PREADV = 7,  /* read into the u.v.nr pieces of memory of u.v.vec at u.v.offset */
	IO_CMD_PWRITEV = 8  /* write the u.v.nr pieces of memory of u.v.vec at u.v.offset */
} io_iocb_cmd_t;

/* Arguments of IO_CMD_POLL. */
struct io_iocb_poll {
	/* POLLIN, POLLOUT, ...: bits 0 to 15 only, others are -EINVAL. */
	AIO_PAIR__(int events, int __pad1);
};

/* A socket address; no operation takes one. The structure is part of the interface for the sake of its size. */
struct io_iocb_sockaddr {
	AIO_PTR__(struct sockaddr *addr, __pad1); /* the address */
	AIO_LONG__(len, __pad2);                  /* its length in bytes */
};

/* Arguments of everything with one buffer, and the two fields that serve all operations: flags and resfd. */
__extension__
struct io_iocb_common {
	AIO_PTR__(void *buf, __pad1);   /* the caller's memory, in use until the event */
	AIO_LONG__(nbytes, __pad2);     /* its length in bytes; at most 0x7ffff000 bytes are transferred */
	long long offset;               /* position in the file in bytes, not negative */
	long long __pad3;               /* 0, else -EINVAL */
	unsigned int flags;             /* bit 0: signal resfd; bit 1: aio_reqprio is an I/O priority */
	unsigned int resfd;             /* an eventfd, to which 1 is added for the event of this request */
};

/* Arguments of IO_CMD_PREADV and IO_CMD_PWRITEV. */
__extension__
struct io_iocb_vector {
	AIO_PTR__(const struct iovec *vec, __pad1); /* copied by io_submit(), the memory it describes is not */
	AIO_LONG__(nr, __pad2);                     /* number of elements, at most 1024 */
	long long offset;                           /* position in the file in bytes, not negative */
};

/* A request. */
struct iocb {
	/* The caller's own value, given back in io_event.data. Holds the callback if io_set_callback() is used. */
	AIO_PTR__(void *data, __pad1);
	/* key is set to 0 by io_submit() and looked at by io_cancel(); aio_rw_flags holds RWF_ flags, see preadv2(2). */
	AIO_PAIR__(unsigned int key, unsigned int aio_rw_flags);
	short aio_lio_opcode;  /* one of enum io_iocb_cmd */
	short aio_reqprio;     /* an I/O priority, see ioprio_set(2), if bit 1 of u.c.flags is set */
	int aio_fildes;        /* the file; it may be closed once io_submit() has returned */
	union {
		struct io_iocb_common c;
		struct io_iocb_vector v;
		struct io_iocb_poll poll;
		struct io_iocb_sockaddr saddr;
	} u;
};

/* The answer to one request. */
struct io_event {
	AIO_PTR__(void *data, __pad1);       /* iocb.data as it was when the request was submitted */
	AIO_PTR__(struct iocb *obj, __pad2); /* the address of the iocb, which need not exist any more */
	AIO_LONG__(res, __pad3);             /* bytes or poll bits; as a signed number below zero, an error number */
	AIO_LONG__(res2, __pad4);            /* always 0 */
};

/* A signal set together with its size in bytes, as the system call behind io_pgetevents() takes it. */
struct io_sigset {
	unsigned long ss;      /* address of the set */
	unsigned long ss_len;  /* size of the kernel's signal set */
};

/* The same for a 32-bit program on a 64-bit kernel, where the program's own long has the right size. */
struct io_sigset_compat {
	unsigned long ss;      /* address of the set */
	unsigned long ss_len;  /* size of the kernel's signal set */
};

/* A function that io_queue_run() calls for an event: the context, io_event.obj, io_event.res and io_event.res2. */
typedef void (*io_callback_t)(io_context_t ctx, struct iocb *iocb, long res, long res2);

/*
 * Makes a context for at least maxevents requests and stores it in *ctxp, which must hold NULL.
 * -EINVAL: maxevents is 0, negative or too large, or *ctxp is not NULL. -EAGAIN: maxevents is above the limit in
 * /proc/sys/fs/aio-max-nr. -EFAULT: ctxp cannot be written. -ENOMEM: no memory. *ctxp is untouched on error.
 */
extern int io_setup(int maxevents, io_context_t *ctxp);

/*
 * Ends a context: cancels polls, waits for all other requests, drops the events that were not collected and wakes
 * threads that wait in io_getevents(). -EINVAL: not a context of this process.
 */
extern int io_destroy(io_context_t ctx);

/*
 * Submits the nr requests that the array ios points at, in order, and returns how many were accepted: a request in
 * error ends the call, those before it count. Only if it is the first, the error itself is returned.
 * -EINVAL: not a context; nr negative; unknown operation; arguments the operation or the file does not allow.
 * -EBADF: the file, or the eventfd, is not open, or not open for this direction. -EFAULT: memory of the array, of an
 * iocb or of a vector cannot be read. -EAGAIN: no room for another request: collect events first.
 * -EOPNOTSUPP: an RWF_ flag the file cannot do. -EPERM: an I/O priority above the caller's rights.
 */
extern int io_submit(io_context_t ctx, long nr, struct iocb *ios[]);

/*
 * Asks for the end of a request that was submitted with this very iocb. -EINPROGRESS: it is on its way, and its event
 * comes through the context; evt is not written. -EINVAL: not a context, or not a request of it that can be
 * cancelled; only IO_CMD_POLL can. -EFAULT: iocb cannot be read.
 */
extern int io_cancel(io_context_t ctx, struct iocb *iocb, struct io_event *evt);

/*
 * Collects up to nr events in the order of completion into the array events and returns their number. Waits until
 * min_nr events are there, the timeout is over (relative; NULL or negative: without end; the structure is not
 * changed) or a signal handler has run; what it has by then is the result. With min_nr 0 it never waits.
 * -EINVAL: not a context; min_nr negative or above nr. -EFAULT: events or timeout is not valid memory; no event is
 * lost. -EINTR: a signal handler ran and there is no event (whether SA_RESTART is set or not).
 */
extern int io_getevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout);

/*
 * The same, with the thread's signal mask replaced by *sigmask while it waits; NULL leaves the mask alone. Where the
 * answer is known without waiting, with a timeout of {0, 0} and no event, the mask is not applied.
 */
extern int io_pgetevents(io_context_t ctx, long min_nr, long nr, struct io_event *events, struct timespec *timeout,
			 sigset_t *sigmask);

/* io_setup() into a variable that need not be initialised. -EINVAL, *ctxp untouched: maxevents is not above 0. */
extern int io_queue_init(int maxevents, io_context_t *ctxp);

/* The same as io_destroy(). */
extern int io_queue_release(io_context_t ctx);

/*
 * Calls io_event.data as an io_callback_t for every event that is there. Does not wait. Returns 0 when no event is
 * left, or the error of io_getevents().
 */
extern int io_queue_run(io_context_t ctx);

/* Returns 0 at once for any context and timeout, -EINVAL for what is not a context; kept for old programs. */
extern int io_queue_wait(io_context_t ctx, struct timespec *timeout);

/* Stores the function io_queue_run() shall call for the event of *iocb; takes the place of iocb->data. */
AIO_INLINE__ void io_set_callback(struct iocb *iocb, io_callback_t cb)
{
	memcpy(&iocb->data, &cb, sizeof(iocb->data));
}

/*
 * The io_prep_ functions fill *iocb for one operation and clear everything else in it, data, flags and eventfd
 * included: call io_set_callback() and io_set_eventfd() afterwards. They check nothing; io_submit() does.
 */

/* Read count bytes at offset of the file fd into buf. */
AIO_INLINE__ void io_prep_pread(struct iocb *iocb, int fd, void *buf, size_t count, long long offset)
{
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = IO_CMD_PREAD;
	iocb->aio_fildes = fd;
	iocb->u.c.offset = offset;
	iocb->u.c.nbytes = count;
	iocb->u.c.buf = buf;
}

/* Write count bytes from buf at offset of the file fd. */
AIO_INLINE__ void io_prep_pwrite(struct iocb *iocb, int fd, void *buf, size_t count, long long offset)
{
	io_prep_pread(iocb, fd, buf, count, offset);
	iocb->aio_lio_opcode = IO_CMD_PWRITE;
}

/* Read at offset of the file fd into the iovcnt pieces of memory of iov; flags are RWF_ flags, see preadv2(2). */
AIO_INLINE__ void io_prep_preadv2(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt, long long offset,
				   int flags)
{
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = IO_CMD_PREADV;
	iocb->aio_fildes = fd;
	iocb->aio_rw_flags = AIO_NUM__(unsigned int, flags);
	iocb->u.v.offset = offset;
	iocb->u.v.nr = AIO_NUM__(unsigned long, iovcnt);
	iocb->u.v.vec = iov;
}

/* Write the iovcnt pieces of memory of iov at offset of the file fd; flags are RWF_ flags, see pwritev2(2). */
AIO_INLINE__ void io_prep_pwritev2(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt, long long offset,
				    int flags)
{
	io_prep_preadv2(iocb, fd, iov, iovcnt, offset, flags);
	iocb->aio_lio_opcode = IO_CMD_PWRITEV;
}

/* Read at offset of the file fd into the iovcnt pieces of memory of iov. */
AIO_INLINE__ void io_prep_preadv(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt, long long offset)
{
	io_prep_preadv2(iocb, fd, iov, iovcnt, offset, 0);
}

/* Write the iovcnt pieces of memory of iov at offset of the file fd. */
AIO_INLINE__ void io_prep_pwritev(struct iocb *iocb, int fd, const struct iovec *iov, int iovcnt, long long offset)
{
	io_prep_pwritev2(iocb, fd, iov, iovcnt, offset, 0);
}

/* Wait until one of events (POLLIN, POLLOUT, ...) is true of the file fd; io_event.res tells which. */
AIO_INLINE__ void io_prep_poll(struct iocb *iocb, int fd, int events)
{
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = IO_CMD_POLL;
	iocb->aio_fildes = fd;
	iocb->u.poll.events = events;
}

/* Bring data and metadata of the file fd to the disk, as fsync(2) does. */
AIO_INLINE__ void io_prep_fsync(struct iocb *iocb, int fd)
{
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = IO_CMD_FSYNC;
	iocb->aio_fildes = fd;
}

/* Bring the data of the file fd to the disk, as fdatasync(2) does. */
AIO_INLINE__ void io_prep_fdsync(struct iocb *iocb, int fd)
{
	io_prep_fsync(iocb, fd);
	iocb->aio_lio_opcode = IO_CMD_FDSYNC;
}

/* Prepares a poll with a callback in *iocb and submits it. Returns what io_submit() returns: 1 or an error. */
AIO_INLINE__ int io_poll(io_context_t ctx, struct iocb *iocb, io_callback_t cb, int fd, int events)
{
	io_prep_poll(iocb, fd, events);
	io_set_callback(iocb, cb);
	return io_submit(ctx, 1, &iocb);
}

/* Prepares an fsync with a callback in *iocb and submits it. Returns what io_submit() returns: 1 or an error. */
AIO_INLINE__ int io_fsync(io_context_t ctx, struct iocb *iocb, io_callback_t cb, int fd)
{
	io_prep_fsync(iocb, fd);
	io_set_callback(iocb, cb);
	return io_submit(ctx, 1, &iocb);
}

/* Prepares an fdatasync with a callback in *iocb and submits it. Returns what io_submit() returns: 1 or an error. */
AIO_INLINE__ int io_fdsync(io_context_t ctx, struct iocb *iocb, io_callback_t cb, int fd)
{
	io_prep_fdsync(iocb, fd);
	io_set_callback(iocb, cb);
	return io_submit(ctx, 1, &iocb);
}

/* Adds 1 to the eventfd resfd when the event of *iocb is there. Comes after io_prep_; the descriptor may then be closed. */
AIO_INLINE__ void io_set_eventfd(struct iocb *iocb, int resfd)
{
	iocb->u.c.resfd = AIO_NUM__(unsigned int, resfd);
	iocb->u.c.flags |= 1u;
}

#ifdef __cplusplus
}
#endif

#undef AIO_PAIR__
#undef AIO_PTR__
#undef AIO_LONG__
#undef AIO_INLINE__
#undef AIO_NUM__

#endif
