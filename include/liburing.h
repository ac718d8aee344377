/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * liburing.h - io_uring: asynchronous system calls through two rings shared with the kernel.
 *
 * A program takes a submission queue entry (SQE) with io_uring_get_sqe(), describes a request in it with one of the
 * io_uring_prep_ functions, hands over what it has prepared with io_uring_submit(), and collects completion queue
 * entries (CQE) with io_uring_wait_cqe() or io_uring_for_each_cqe(). io_uring_cqe_seen() gives an entry back.
 *
 * Results: 0 or a positive number, or a negated error number such as -EINVAL. The variable errno is never written.
 *
 * Lifetime: what a request points to (paths, iovecs, timeouts, addresses) has to stay valid until the request is
 * submitted, or, without IORING_FEAT_SUBMIT_STABLE or where a function says so, until it completes. Buffers that data
 * is read into or written from belong to the request until its completion, and so do addresses where the kernel
 * stores a result. With IORING_SETUP_SQPOLL, submitted means that the kernel's thread has taken the request.
 *
 * Threads: a ring has no lock. Submission and completion may be done by two threads, but each by one at a time.
 *
 * Versions: comments name the first Linux that has a request or call, where it is newer than 5.6. An older kernel
 * answers -EINVAL, in the completion for a request.
 */
#ifndef LIB_URING_H
#define LIB_URING_H

/* Programs rely on it that the header switches on what glibc has. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/swab.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "liburing/barrier.h"
#include "liburing/compat.h"
#include "liburing/io_uring.h"
#include "liburing/io_uring/bpf_filter.h"
#include "liburing/io_uring/query.h"
#include "liburing/io_uring_version.h"

/* The kernel's own header stands for liburing/io_uring.h if it came first. It has to know all that is used here. */
#ifndef IORING_SETUP_SQE_MIXED
#error "<linux/io_uring.h> of this system is too old for <liburing.h>: include <liburing.h> before it"
#endif

/*
 * In a strict mode, glibc hides what is used here from a program that includes another header of the C library first
 * and does not define _GNU_SOURCE before.
 */
#if defined(__GLIBC__) && !(defined(__USE_MISC) && defined(__USE_XOPEN2K8))
#include <bits/types/idtype_t.h>
#include <bits/types/siginfo_t.h>
#include <bits/types/sigset_t.h>
#ifndef __id_t_defined
typedef __id_t id_t;
#define __id_t_defined
#endif
#ifndef __USE_MISC
typedef __loff_t loff_t;
#endif
#ifndef AT_FDCWD
#define AT_FDCWD -100
#endif
#endif

/* The numbers of the system calls, where the system headers are older; alpha and mips have others. */
#if !defined(__alpha__) && !defined(__mips__)
#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif
#ifndef __NR_io_uring_enter
#define __NR_io_uring_enter 426
#endif
#ifndef __NR_io_uring_register
#define __NR_io_uring_register 427
#endif
#endif

#define uring_likely(cond) __builtin_expect(!!(cond), 1)
#define uring_unlikely(cond) __builtin_expect(!!(cond), 0)

/*
 * The functions that are defined here. In C they are static; a program that wants symbols defines IOURINGINLINE as
 * nothing. In C++ they are not static, or a module could not export them. __extension__: C90 has no bool and no inline.
 */
#ifndef IOURINGINLINE
#ifdef __cplusplus
#define IOURINGINLINE inline
#else
#define IOURINGINLINE __extension__ static __inline__
#endif
#endif
/* Those that never become symbols. */
#ifdef __cplusplus
#define _LOCAL_INLINE inline
#else
#define _LOCAL_INLINE __extension__ static __inline__
#endif

/* No function here throws. */
#ifdef __cplusplus
#define LIBURING_NOEXCEPT noexcept
#else
#define LIBURING_NOEXCEPT
#endif

/* A conversion between numbers, and one between a number and a pointer; they are gone at the end of this file. */
#ifdef __cplusplus
#define URING_NUM__(type, value) static_cast<type>(value)
#define URING_PTR__(type, value) reinterpret_cast<type>(value)
#define URING_NULL__ nullptr
#else
#define URING_NUM__(type, value) ((type)(value))
#define URING_PTR__(type, value) ((type)(value))
#define URING_NULL__ NULL
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct epoll_event;
struct futex_waitv;
struct statx;

/* The submission side of a ring. The pointers lead into memory shared with the kernel. */
struct io_uring_sq {
	unsigned *khead;
	unsigned *ktail;
	unsigned *kring_mask;    /* the same as ring_mask */
	unsigned *kring_entries; /* the same as ring_entries */
	unsigned *kflags;        /* IORING_SQ_ */
	unsigned *kdropped;
	unsigned *array; /* indices of SQEs, NULL with IORING_SETUP_NO_SQARRAY */
	struct io_uring_sqe *sqes;

	unsigned sqe_head; /* from here to sqe_tail: taken by the program, not submitted */
	unsigned sqe_tail;

	size_t ring_sz; /* bytes mapped at ring_ptr */
	void *ring_ptr;

	unsigned ring_mask;
	unsigned ring_entries;

	unsigned sqes_sz; /* bytes mapped at sqes */
	unsigned pad;
};

/* The completion side of a ring. */
struct io_uring_cq {
	unsigned *khead;
	unsigned *ktail;
	unsigned *kring_mask;    /* the same as ring_mask */
	unsigned *kring_entries; /* the same as ring_entries */
	unsigned *kflags;        /* IORING_CQ_, NULL before Linux 5.8 */
	unsigned *koverflow;
	struct io_uring_cqe *cqes;

	size_t ring_sz; /* bytes mapped at ring_ptr */
	void *ring_ptr;

	unsigned ring_mask;
	unsigned ring_entries;

	unsigned pad[2];
};

/* A ring. It belongs to the caller, who must not move or copy it while it is in use. */
struct io_uring {
	struct io_uring_sq sq;
	struct io_uring_cq cq;
	unsigned flags; /* IORING_SETUP_ */
	int ring_fd;    /* descriptor of the ring */

	unsigned features; /* IORING_FEAT_ */
	int enter_ring_fd; /* what io_uring_enter() is called with: ring_fd, or the index of a registered ring */
	__u8 int_flags;    /* of the library */
	__u8 pad[3];
	unsigned pad2;
};

/* The ring in which buffers of zero-copy receives go back to the kernel. The library has no function for it. */
struct io_uring_zcrx_rq {
	__u32 *khead;
	__u32 *ktail;
	__u32 rq_tail;
	unsigned ring_entries;
	struct io_uring_zcrx_rqe *rqes;
	void *ring_ptr;
};

/* A walk over the completions that were there when it began. */
struct io_uring_cqe_iter {
	struct io_uring_cqe *cqes;
	unsigned mask;
	unsigned shift;
	unsigned head; /* of the next one */
	unsigned tail; /* where it ends */
};

/* ---- What the kernel supports ---- */

/*
 * Asks the kernel which operations it has (Linux 5.6). Returns memory to be freed with io_uring_free_probe(), or
 * NULL, also where the kernel cannot tell.
 */
struct io_uring_probe *io_uring_get_probe_ring(struct io_uring *ring) LIBURING_NOEXCEPT;

/* The same for a program that has no ring: makes one for the question and ends it. */
struct io_uring_probe *io_uring_get_probe(void) LIBURING_NOEXCEPT;

/* Frees an answer; NULL is ignored. It is memory of malloc(): free() does the same. */
void io_uring_free_probe(struct io_uring_probe *probe) LIBURING_NOEXCEPT;

/* Whether an answer contains an operation, one of enum io_uring_op: 1 or 0. */
IOURINGINLINE int io_uring_opcode_supported(const struct io_uring_probe *p, int op) LIBURING_NOEXCEPT
{
	if (op < 0 || op > p->last_op)
		return 0;
	return (p->ops[op].flags & IO_URING_OP_SUPPORTED) != 0;
}

/* Fills a probe with room for nr operations in ops[] (Linux 5.6). 0, or an error. */
int io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *p, unsigned nr) LIBURING_NOEXCEPT;

/* Asks a chain of questions (Linux 6.18); the header of each gets its own result. 0, or an error. */
int io_uring_register_query(struct io_uring_query_hdr *query) LIBURING_NOEXCEPT;

/* The version of the library that the program runs with: the number before the point. */
int io_uring_major_version(void) LIBURING_NOEXCEPT;

/* The number behind the point. */
int io_uring_minor_version(void) LIBURING_NOEXCEPT;

/* Whether that version is older than the one given. */
__extension__
bool io_uring_check_version(int major, int minor) LIBURING_NOEXCEPT;

/* The last one for the headers, at compile time. */
#define IO_URING_CHECK_VERSION(major, minor)                                                                           \
	((major) > IO_URING_VERSION_MAJOR || ((major) == IO_URING_VERSION_MAJOR && (minor) > IO_URING_VERSION_MINOR))

/* ---- Making and ending a ring ---- */

/*
 * Makes a ring with room for at least `entries` requests (rounded up to a power of two) and twice as many
 * completions. flags: IORING_SETUP_. 0, or: -EINVAL for 0 or too many entries or unknown flags, -ENOMEM and -EMFILE
 * for want of memory or descriptors, -EPERM and -ENOSYS where io_uring is not allowed or not there. On error there is
 * nothing to end.
 */
int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags) LIBURING_NOEXCEPT;

/* The same with all parameters. The kernel completes *p, which must be zero where nothing is asked for. */
int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *p) LIBURING_NOEXCEPT;

/*
 * The same in memory of the caller (Linux 6.5): page aligned, buf_size bytes, in use until io_uring_queue_exit().
 * The kernel may write to it for a moment after that, too: it is not to hold another ring, or what matters, at once.
 * Returns how many bytes are used, -ENOMEM if they do not suffice, or an error as above.
 */
int io_uring_queue_init_mem(unsigned entries, struct io_uring *ring, struct io_uring_params *p, void *buf,
			    size_t buf_size) LIBURING_NOEXCEPT;

/* Maps the rings of a descriptor that io_uring_setup() made with the parameters *p. 0, or an error of mmap(2). */
int io_uring_queue_mmap(int fd, struct io_uring_params *p, struct io_uring *ring) LIBURING_NOEXCEPT;

/* Keeps the memory of the rings out of children made by fork(). 0, -EINVAL, or an error of madvise(2). */
int io_uring_ring_dontfork(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Ends a ring: unmaps it and closes its descriptor. Requests in flight are cancelled, some after the return. */
void io_uring_queue_exit(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Starts a ring made with IORING_SETUP_R_DISABLED (Linux 5.10). 0, or -EBADFD if it runs already. */
int io_uring_enable_rings(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Changes the sizes of a ring with IORING_SETUP_DEFER_TASKRUN (Linux 6.13): p->sq_entries, and p->cq_entries with
 * IORING_SETUP_CQSIZE. What is in the rings is kept, no flags are left in *p. 0, or an error.
 */
int io_uring_resize_rings(struct io_uring *ring, struct io_uring_params *p) LIBURING_NOEXCEPT;

/*
 * Bytes that a ring counts against RLIMIT_MEMLOCK: 0 where the kernel does not count (Linux 5.12 and newer), or an
 * error.
 */
ssize_t io_uring_mlock_size(unsigned entries, unsigned flags) LIBURING_NOEXCEPT;

/* The same with all parameters, which are those of io_uring_queue_init_params(). */
ssize_t io_uring_mlock_size_params(unsigned entries, struct io_uring_params *p) LIBURING_NOEXCEPT;

/* Bytes of memory that a ring needs, for io_uring_queue_init_mem(), or an error. */
ssize_t io_uring_memory_size(unsigned entries, unsigned flags) LIBURING_NOEXCEPT;

/* The same with all parameters. */
ssize_t io_uring_memory_size_params(unsigned entries, struct io_uring_params *p) LIBURING_NOEXCEPT;

/* ---- The system calls themselves ---- */

/* io_uring_setup(2): a descriptor, or an error. */
int io_uring_setup(unsigned int entries, struct io_uring_params *p) LIBURING_NOEXCEPT;

/* io_uring_enter(2) with IORING_ENTER_ flags and a signal mask or NULL: the number of requests taken, or an error. */
int io_uring_enter(unsigned int fd, unsigned int to_submit, unsigned int min_complete, unsigned int flags,
		   sigset_t *sig) LIBURING_NOEXCEPT;

/* The same with an argument of sz bytes: with IORING_ENTER_EXT_ARG a struct io_uring_getevents_arg. */
int io_uring_enter2(unsigned int fd, unsigned int to_submit, unsigned int min_complete, unsigned int flags, void *arg,
		    size_t sz) LIBURING_NOEXCEPT;

/* io_uring_register(2) with one of enum io_uring_register_op. */
int io_uring_register(unsigned int fd, unsigned int opcode, const void *arg, unsigned int nr_args) LIBURING_NOEXCEPT;

/* ---- Submitting ---- */

/*
 * Hands over all prepared requests. Returns how many were taken, or an error: -EBUSY and -EAGAIN mean to collect
 * completions first.
 */
int io_uring_submit(struct io_uring *ring) LIBURING_NOEXCEPT;

/* The same, and waits for wait_nr completions. */
int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr) LIBURING_NOEXCEPT;

/*
 * The same with a limit: ts is a duration, NULL for none; sigmask replaces the signal mask of the thread meanwhile,
 * NULL keeps it. *cqe_ptr gets the first completion. Returns how many requests were taken, -ETIME if the time was up
 * and nothing was submitted, -EINTR after a signal.
 */
int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned wait_nr,
				     struct __kernel_timespec *ts, sigset_t *sigmask) LIBURING_NOEXCEPT;

/* The same; after min_wait microseconds one completion is enough (Linux 6.12). */
int io_uring_submit_and_wait_min_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned wait_nr,
					 struct __kernel_timespec *ts, unsigned min_wait,
					 sigset_t *sigmask) LIBURING_NOEXCEPT;

/* The same with the limits in entry reg_index of the registered struct io_uring_reg_wait (Linux 6.13). */
int io_uring_submit_and_wait_reg(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned wait_nr,
				 int reg_index) LIBURING_NOEXCEPT;

/* Submits and makes the kernel post the completions that it holds back, without waiting. As io_uring_submit(). */
int io_uring_submit_and_get_events(struct io_uring *ring) LIBURING_NOEXCEPT;

/* The second half of that. 0 or more, or an error. */
int io_uring_get_events(struct io_uring *ring) LIBURING_NOEXCEPT;

/* With IORING_SETUP_SQPOLL: waits until the submission queue has room (Linux 5.10). Use io_uring_sqring_wait(). */
int __io_uring_sqring_wait(struct io_uring *ring) LIBURING_NOEXCEPT;

/* ---- Waiting: *cqe_ptr is NULL after an error, or a completion that is there all the same ---- */

/*
 * Submits the `submit` requests and waits for wait_nr completions, of which *cqe_ptr gets the first, with sigmask as
 * the signal mask unless it is NULL. 0, -EAGAIN with wait_nr 0 and no completion, or -EINTR. Use io_uring_wait_cqe().
 */
int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned submit, unsigned wait_nr,
		       sigset_t *sigmask) LIBURING_NOEXCEPT;

/* Stores up to count completions that are there in cqes[] and returns how many; io_uring_cq_advance() is due after. */
unsigned io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **cqes, unsigned count) LIBURING_NOEXCEPT;

/*
 * Waits for wait_nr completions, for the duration ts at most (NULL: no limit), with another signal mask (NULL: the
 * same). *cqe_ptr gets the first. 0, -ETIME, -EINTR. Without IORING_FEAT_EXT_ARG, a limit is a request of its own:
 * what is prepared is submitted with it.
 */
int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned wait_nr,
		       struct __kernel_timespec *ts, sigset_t *sigmask) LIBURING_NOEXCEPT;

/* The same; after min_ts_usec microseconds one completion is enough (Linux 6.12). */
int io_uring_wait_cqes_min_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned wait_nr,
				   struct __kernel_timespec *ts, unsigned int min_ts_usec,
				   sigset_t *sigmask) LIBURING_NOEXCEPT;

/* The same for one completion. */
int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
			      struct __kernel_timespec *ts) LIBURING_NOEXCEPT;

/* ---- Registered buffers ---- */

/*
 * Gives memory to the kernel for good, for the requests with a buf_index: the index in iovecs[]. The array may be
 * reused, the memory is in use until it is unregistered. 0, -EBUSY if there are buffers already, -EFAULT, -ENOMEM.
 */
int io_uring_register_buffers(struct io_uring *ring, const struct iovec *iovecs, unsigned nr_iovecs) LIBURING_NOEXCEPT;

/*
 * The same with a tag for each buffer (Linux 5.13): the user_data of a completion that comes when the kernel lets it go,
 * or 0 for no completion.
 */
int io_uring_register_buffers_tags(struct io_uring *ring, const struct iovec *iovecs, const __u64 *tags,
				   unsigned nr) LIBURING_NOEXCEPT;

/* nr empty slots (Linux 5.19). */
int io_uring_register_buffers_sparse(struct io_uring *ring, unsigned nr) LIBURING_NOEXCEPT;

/* Replaces nr buffers from slot `off` on (Linux 5.13). Returns how many. */
int io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned off, const struct iovec *iovecs,
					 const __u64 *tags, unsigned nr) LIBURING_NOEXCEPT;

/* Takes them back. 0, or -ENXIO if there are none. */
int io_uring_unregister_buffers(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Uses all buffers of src in dst, too (Linux 6.12). 0, or an error. The pragmas: a structure has the same name. */
#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
int io_uring_clone_buffers(struct io_uring *dst, struct io_uring *src) LIBURING_NOEXCEPT;
#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif

/* The same for nr buffers from src_off on, put at dst_off (Linux 6.13). flags: IORING_REGISTER_DST_REPLACE. */
int io_uring_clone_buffers_offset(struct io_uring *dst, struct io_uring *src, unsigned int dst_off,
				  unsigned int src_off, unsigned int nr, unsigned int flags) LIBURING_NOEXCEPT;

/*
 * What io_uring_clone_buffers() is made of: with IORING_REGISTER_SRC_REGISTERED in flags src->enter_ring_fd is the index
 * of a registered ring, which the functions without underscores find out.
 */
int __io_uring_clone_buffers(struct io_uring *dst, struct io_uring *src, unsigned int flags) LIBURING_NOEXCEPT;

/* What io_uring_clone_buffers_offset() is made of, in the same way. */
int __io_uring_clone_buffers_offset(struct io_uring *dst, struct io_uring *src, unsigned int dst_off,
				    unsigned int src_off, unsigned int nr, unsigned int flags) LIBURING_NOEXCEPT;

/* ---- Registered files ---- */

/*
 * Gives files to the kernel, for requests with IOSQE_FIXED_FILE: their fd is the index in files[]. -1 leaves a slot
 * empty. The descriptors may be closed at once. 0, -EBUSY if there are files already, -EBADF, -EMFILE.
 */
int io_uring_register_files(struct io_uring *ring, const int *files, unsigned nr_files) LIBURING_NOEXCEPT;

/* The same with tags (Linux 5.13), see io_uring_register_buffers_tags(). */
int io_uring_register_files_tags(struct io_uring *ring, const int *files, const __u64 *tags,
				 unsigned nr) LIBURING_NOEXCEPT;

/* nr empty slots (Linux 5.19). */
int io_uring_register_files_sparse(struct io_uring *ring, unsigned nr) LIBURING_NOEXCEPT;

/*
 * Replaces nr_files files from slot `off` on; -1 empties a slot, IORING_REGISTER_FILES_SKIP leaves it. Returns how many
 * slots were handled.
 */
int io_uring_register_files_update(struct io_uring *ring, unsigned off, const int *files,
				   unsigned nr_files) LIBURING_NOEXCEPT;

/* The same with tags (Linux 5.13). */
int io_uring_register_files_update_tag(struct io_uring *ring, unsigned off, const int *files, const __u64 *tags,
				       unsigned nr_files) LIBURING_NOEXCEPT;

/* Takes them back. 0, or -ENXIO if there are none. */
int io_uring_unregister_files(struct io_uring *ring) LIBURING_NOEXCEPT;

/* The slots that IORING_FILE_INDEX_ALLOC chooses from (Linux 6.0). */
int io_uring_register_file_alloc_range(struct io_uring *ring, unsigned off, unsigned len) LIBURING_NOEXCEPT;

/* ---- The eventfd of a ring, its workers, credentials, restrictions ---- */

/*
 * The kernel adds 1 to an eventfd when it posts completions: once for several that it posts together. 0, or -EBUSY if
 * there is one already.
 */
int io_uring_register_eventfd(struct io_uring *ring, int fd) LIBURING_NOEXCEPT;

/* The same, but not for completions that are posted within the call that submits. */
int io_uring_register_eventfd_async(struct io_uring *ring, int fd) LIBURING_NOEXCEPT;

/* Ends that. 0, or -ENXIO if there is none. */
int io_uring_unregister_eventfd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Keeps the caller's credentials. Returns their number for io_uring_sqe.personality. */
int io_uring_register_personality(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Forgets them. 0, or -EINVAL. */
int io_uring_unregister_personality(struct io_uring *ring, int id) LIBURING_NOEXCEPT;

/* Restricts a ring that is not enabled yet to what res[] allows (Linux 5.10). 0, -EBADFD, -EBUSY. */
int io_uring_register_restrictions(struct io_uring *ring, struct io_uring_restriction *res,
				   unsigned int nr_res) LIBURING_NOEXCEPT;

/* Adds a BPF program that decides about the requests of a ring (Linux 7.0). 0, or an error. */
int io_uring_register_bpf_filter(struct io_uring *ring, struct io_uring_bpf *bpf) LIBURING_NOEXCEPT;

/* The same for all rings that the task makes from now on. */
int io_uring_register_bpf_filter_task(struct io_uring_bpf *bpf) LIBURING_NOEXCEPT;

/* The CPUs that the ring's workers may run on, a set of cpusz bytes (Linux 5.14). 0, or an error. */
int io_uring_register_iowq_aff(struct io_uring *ring, size_t cpusz, const cpu_set_t *mask) LIBURING_NOEXCEPT;

/* Ends that: they may run wherever the program may. */
int io_uring_unregister_iowq_aff(struct io_uring *ring) LIBURING_NOEXCEPT;

/*
 * Limits the workers per NUMA node (Linux 5.15): values[IO_WQ_BOUND] and values[IO_WQ_UNBOUND], which get the old
 * limits. 0 changes nothing.
 */
int io_uring_register_iowq_max_workers(struct io_uring *ring, unsigned int *values) LIBURING_NOEXCEPT;

/*
 * Registers the ring's descriptor with the kernel, which makes every call cheaper (Linux 5.18). Returns 1, -EEXIST if
 * it is registered. The same thread has to make all calls on the ring.
 */
int io_uring_register_ring_fd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Ends that. Returns 1, or -EINVAL if it is not registered, or not by this thread. */
int io_uring_unregister_ring_fd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Closes the descriptor of a registered ring, which works on (Linux 6.3). Returns 1, or -EINVAL. */
int io_uring_close_ring_fd(struct io_uring *ring) LIBURING_NOEXCEPT;

/* Cancels requests and waits for that (Linux 6.0). 0, -ENOENT if none was found, -ETIME, -EINVAL. */
int io_uring_register_sync_cancel(struct io_uring *ring, struct io_uring_sync_cancel_reg *reg) LIBURING_NOEXCEPT;

/* Executes a prepared IORING_OP_MSG_RING without a ring of its own (Linux 6.13). 0, or an error. */
int io_uring_register_sync_msg(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT;

/* Busy polling of network devices (Linux 6.9); *napi gets the old setting. 0, or an error. */
int io_uring_register_napi(struct io_uring *ring, struct io_uring_napi *napi) LIBURING_NOEXCEPT;

/* Ends that; *napi gets the setting that held. 0, or an error. */
int io_uring_unregister_napi(struct io_uring *ring, struct io_uring_napi *napi) LIBURING_NOEXCEPT;

/* The clock of timeouts in waits (Linux 6.12). */
int io_uring_register_clock(struct io_uring *ring, struct io_uring_clock_register *arg) LIBURING_NOEXCEPT;

/* Shares a region of memory with the kernel (Linux 6.13). */
int io_uring_register_region(struct io_uring *ring, struct io_uring_mem_region_reg *reg) LIBURING_NOEXCEPT;

/* The old form of that for arguments of waits: -EINVAL, as no released Linux has it. */
int io_uring_register_wait_reg(struct io_uring *ring, struct io_uring_reg_wait *reg, int nr) LIBURING_NOEXCEPT;

/* Whether waiting in the kernel counts as waiting for I/O (Linux 6.15, else -EOPNOTSUPP). It does at first. */
__extension__
int io_uring_set_iowait(struct io_uring *ring, bool enable_iowait) LIBURING_NOEXCEPT;

/* Receiving without copies: takes a queue of a network device (Linux 6.15). 0, or an error. */
int io_uring_register_ifq(struct io_uring *ring, struct io_uring_zcrx_ifq_reg *reg) LIBURING_NOEXCEPT;

/* Operates such a queue (Linux 6.19): what ctrl->op says, one of enum zcrx_ctrl_op. 0, or an error. */
int io_uring_register_zcrx_ctrl(struct io_uring *ring, struct zcrx_ctrl *ctrl) LIBURING_NOEXCEPT;

/* ---- Buffer rings: buffers from which the kernel chooses (Linux 5.19) ---- */

/* Registers a ring in memory of the caller. flags: IOU_PBUF_RING_, beside those in reg. 0, -EEXIST, -EINVAL. */
int io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg,
			       unsigned int flags) LIBURING_NOEXCEPT;

/* Ends the buffer ring of a group. 0, or -ENOENT. */
int io_uring_unregister_buf_ring(struct io_uring *ring, int bgid) LIBURING_NOEXCEPT;

/* Where the kernel is in the ring of a group (Linux 6.8). 0, or an error. */
int io_uring_buf_ring_head(struct io_uring *ring, int buf_group, uint16_t *head) LIBURING_NOEXCEPT;

/*
 * Allocates an empty buffer ring of nentries (a power of two) and registers it for group bgid. NULL with the error in
 * *err. To be ended with io_uring_free_buf_ring().
 */
struct io_uring_buf_ring *io_uring_setup_buf_ring(struct io_uring *ring, unsigned int nentries, int bgid,
						  unsigned int flags, int *err) LIBURING_NOEXCEPT;

/* Ends and frees it. 0, or an error of unregistering. */
int io_uring_free_buf_ring(struct io_uring *ring, struct io_uring_buf_ring *br, unsigned int nentries,
			   int bgid) LIBURING_NOEXCEPT;

/* ---- Details ---- */

/* There are functions for user data as a 64-bit number. */
#define LIBURING_HAVE_DATA64

/* The user data of the library's own timeouts, without IORING_FEAT_EXT_ARG. */
#ifdef __cplusplus
#define LIBURING_UDATA_TIMEOUT (static_cast<__u64>(-1))
#else
#define LIBURING_UDATA_TIMEOUT ((__u64)-1)
#endif

/* The address as the 64-bit number that the kernel takes. */
_LOCAL_INLINE __u64 uring_ptr_to_u64(const void *ptr) LIBURING_NOEXCEPT
{
	return URING_PTR__(uintptr_t, ptr);
}

/* How far an index is shifted, as entries of a ring with these IORING_SETUP_ flags may have twice the size: 0 or 1. */
IOURINGINLINE unsigned io_uring_cqe_shift_from_flags(unsigned flags) LIBURING_NOEXCEPT
{
	return (flags & IORING_SETUP_CQE32) != 0;
}

/* The same for the completions of a ring. */
IOURINGINLINE unsigned io_uring_cqe_shift(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return io_uring_cqe_shift_from_flags(ring->flags);
}

/* The same for requests, from flags. */
IOURINGINLINE unsigned io_uring_sqe_shift_from_flags(unsigned flags) LIBURING_NOEXCEPT
{
	return (flags & IORING_SETUP_SQE128) != 0;
}

/* The same for the requests of a ring. */
IOURINGINLINE unsigned io_uring_sqe_shift(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return io_uring_sqe_shift_from_flags(ring->flags);
}

/* How many places of the ring a completion takes: 2 for one of 32 bytes in a ring with IORING_SETUP_CQE_MIXED. */
IOURINGINLINE unsigned io_uring_cqe_nr(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	return 1 + (cqe->flags / IORING_CQE_F_32 & 1);
}

/* ---- Completions ---- */

/* Begins a walk over the completions that are there now. */
IOURINGINLINE struct io_uring_cqe_iter io_uring_cqe_iter_init(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	struct io_uring_cqe_iter iter;

	iter.cqes = ring->cq.cqes;
	iter.mask = ring->cq.ring_mask;
	iter.shift = io_uring_cqe_shift(ring);
	iter.head = *ring->cq.khead;
	iter.tail = io_uring_smp_load_acquire(ring->cq.ktail);
	return iter;
}

/*
 * Stores the next completion in *cqe, or returns false at the end. In a ring with IORING_SETUP_CQE_MIXED, padding
 * (IORING_CQE_F_SKIP) comes up like a completion: ignore it, but count it.
 */
IOURINGINLINE bool io_uring_cqe_iter_next(struct io_uring_cqe_iter *iter, struct io_uring_cqe **cqe) LIBURING_NOEXCEPT
{
	struct io_uring_cqe *next;

	if (iter->head == iter->tail)
		return false;
	next = &iter->cqes[(iter->head & iter->mask) << iter->shift];
	iter->head += io_uring_cqe_nr(next);
	*cqe = next;
	return true;
}

/*
 * Runs a statement for every completion that is there: cqe points to it, head is its index. None of them is given back:
 * call io_uring_cq_advance() with their number (the sum of io_uring_cqe_nr()) behind the loop.
 */
#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define io_uring_for_each_cqe(ring, __head__, cqe)                                                                     \
	for (struct io_uring_cqe_iter __ITER__ = io_uring_cqe_iter_init(ring);                                         \
	     (__head__) = __ITER__.head, io_uring_cqe_iter_next(&__ITER__, &(cqe)); (void)(__head__))
#else
/* No declaration in a loop: looks for more completions at every step. */
#define io_uring_for_each_cqe(ring, __head__, cqe)                                                                     \
	for ((__head__) = *(ring)->cq.khead;                                                                           \
	     (__head__) != io_uring_smp_load_acquire((ring)->cq.ktail) &&                                              \
	     ((cqe) = &(ring)->cq.cqes[((__head__) & (ring)->cq.ring_mask) << io_uring_cqe_shift(ring)], 1);           \
	     (__head__) += io_uring_cqe_nr(cqe))
#endif

/* The place of completion number `at` in cq.cqes[]; for programs written for liburing 2.3, which had it. */
#define io_uring_cqe_index(ring, at, mask) (((at) & (mask)) << io_uring_cqe_shift(ring))

/* Gives the first nr places of the completion queue back to the kernel; their CQEs are not to be read any more. */
IOURINGINLINE void io_uring_cq_advance(struct io_uring *ring, unsigned nr) LIBURING_NOEXCEPT
{
	if (nr)
		io_uring_smp_store_release(ring->cq.khead, *ring->cq.khead + nr);
}

/* Gives the first completion back, which has to be cqe; NULL does nothing. */
IOURINGINLINE void io_uring_cqe_seen(struct io_uring *ring, struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	if (cqe)
		io_uring_cq_advance(ring, io_uring_cqe_nr(cqe));
}

/* The user data of a request and of its completion, as a pointer or as a number. To be set after io_uring_prep_. */
IOURINGINLINE void io_uring_sqe_set_data(struct io_uring_sqe *sqe, void *data) LIBURING_NOEXCEPT
{
	sqe->user_data = uring_ptr_to_u64(data);
}

/* The user data of a completion, as a pointer. */
IOURINGINLINE void *io_uring_cqe_get_data(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	return URING_PTR__(void *, URING_NUM__(uintptr_t, cqe->user_data));
}

/* Sets the user data of a request, as a number. */
IOURINGINLINE void io_uring_sqe_set_data64(struct io_uring_sqe *sqe, __u64 data) LIBURING_NOEXCEPT
{
	sqe->user_data = data;
}

/* The user data of a completion, as a number. */
IOURINGINLINE __u64 io_uring_cqe_get_data64(const struct io_uring_cqe *cqe) LIBURING_NOEXCEPT
{
	return cqe->user_data;
}

/* Sets the IOSQE_ flags of a request, in place of those that io_uring_prep_ may have set. */
IOURINGINLINE void io_uring_sqe_set_flags(struct io_uring_sqe *sqe, unsigned flags) LIBURING_NOEXCEPT
{
	sqe->flags = URING_NUM__(__u8, flags);
}

/* Sets the group for IOSQE_BUFFER_SELECT. */
IOURINGINLINE void io_uring_sqe_set_buf_group(struct io_uring_sqe *sqe, int bgid) LIBURING_NOEXCEPT
{
	sqe->buf_group = URING_NUM__(__u16, bgid);
}

/* ---- Requests ---- */

/*
 * Puts the slot of a new registered file into a request; IORING_FILE_INDEX_ALLOC lets the kernel choose. There is no
 * descriptor that an exec could close: with O_CLOEXEC or SOCK_CLOEXEC, the result is -EINVAL.
 */
_LOCAL_INLINE void __io_uring_set_target_fixed_file(struct io_uring_sqe *sqe, unsigned int file_index) LIBURING_NOEXCEPT
{
	sqe->file_index = file_index == IORING_FILE_INDEX_ALLOC ? file_index : file_index + 1;
}

/* Clears the fields of a request that io_uring_prep_rw() leaves alone, but for the user data. */
IOURINGINLINE void io_uring_initialize_sqe(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT
{
	sqe->flags = 0;
	sqe->ioprio = 0;
	sqe->rw_flags = 0;
	sqe->buf_index = 0;
	sqe->personality = 0;
	sqe->file_index = 0;
	sqe->addr3 = 0;
	sqe->__pad2[0] = 0;
}

/* Sets the five fields that most requests have: operation, file, address, length, position. */
IOURINGINLINE void io_uring_prep_rw(int op, struct io_uring_sqe *sqe, int fd, const void *addr, unsigned len,
				    __u64 offset) LIBURING_NOEXCEPT
{
	sqe->opcode = URING_NUM__(__u8, op);
	sqe->fd = fd;
	sqe->off = offset;
	sqe->addr = uring_ptr_to_u64(addr);
	sqe->len = len;
}

/*
 * Moves nbytes from fd_in to fd_out (Linux 5.7), see splice(2). An offset of -1 is none: the file is a pipe, or its
 * position is used. splice_flags: SPLICE_F_.
 */
IOURINGINLINE void io_uring_prep_splice(struct io_uring_sqe *sqe, int fd_in, int64_t off_in, int fd_out, int64_t
					off_out, unsigned int nbytes, unsigned int splice_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SPLICE, sqe, fd_out, URING_NULL__, nbytes, URING_NUM__(__u64, off_out));
	sqe->splice_off_in = URING_NUM__(__u64, off_in);
	sqe->splice_fd_in = fd_in;
	sqe->splice_flags = splice_flags;
}

/* Copies nbytes between two pipes, see tee(2) (Linux 5.8). */
IOURINGINLINE void io_uring_prep_tee(struct io_uring_sqe *sqe, int fd_in, int fd_out, unsigned int nbytes,
				     unsigned int splice_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TEE, sqe, fd_out, URING_NULL__, nbytes, 0);
	sqe->splice_fd_in = fd_in;
	sqe->splice_flags = splice_flags;
}

/* Reads nr_vecs pieces of memory at `offset` (-1: the file's position), see readv(2). */
IOURINGINLINE void io_uring_prep_readv(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs, unsigned nr_vecs,
				       __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READV, sqe, fd, iovecs, nr_vecs, offset);
}

/* The same with RWF_ flags, see preadv2(2). */
IOURINGINLINE void io_uring_prep_readv2(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs, unsigned nr_vecs,
					__u64 offset, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_readv(sqe, fd, iovecs, nr_vecs, offset);
	sqe->rw_flags = flags;
}

/* Reads into a part of the registered buffer buf_index. */
IOURINGINLINE void io_uring_prep_read_fixed(struct io_uring_sqe *sqe, int fd, void *buf, unsigned nbytes, __u64 offset,
					    int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READ_FIXED, sqe, fd, buf, nbytes, offset);
	sqe->buf_index = URING_NUM__(__u16, buf_index);
}

/* Reads into several parts of the registered buffer buf_index (Linux 6.15). */
IOURINGINLINE void io_uring_prep_readv_fixed(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs,
					     unsigned nr_vecs, __u64 offset, int flags, int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_readv2(sqe, fd, iovecs, nr_vecs, offset, flags);
	sqe->opcode = IORING_OP_READV_FIXED;
	sqe->buf_index = URING_NUM__(__u16, buf_index);
}

/* Writes nr_vecs pieces of memory at `offset` (-1: the file's position), see writev(2). */
IOURINGINLINE void io_uring_prep_writev(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs, unsigned nr_vecs,
					__u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITEV, sqe, fd, iovecs, nr_vecs, offset);
}

/* The same with RWF_ flags, see pwritev2(2). */
IOURINGINLINE void io_uring_prep_writev2(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs, unsigned nr_vecs,
					 __u64 offset, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_writev(sqe, fd, iovecs, nr_vecs, offset);
	sqe->rw_flags = flags;
}

/* Writes from a part of the registered buffer buf_index. */
IOURINGINLINE void io_uring_prep_write_fixed(struct io_uring_sqe *sqe, int fd, const void *buf, unsigned nbytes,
					     __u64 offset, int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITE_FIXED, sqe, fd, buf, nbytes, offset);
	sqe->buf_index = URING_NUM__(__u16, buf_index);
}

/* Writes from several parts of the registered buffer buf_index (Linux 6.15). */
IOURINGINLINE void io_uring_prep_writev_fixed(struct io_uring_sqe *sqe, int fd, const struct iovec *iovecs, unsigned
					      nr_vecs, __u64 offset, int flags, int buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_writev2(sqe, fd, iovecs, nr_vecs, offset, flags);
	sqe->opcode = IORING_OP_WRITEV_FIXED;
	sqe->buf_index = URING_NUM__(__u16, buf_index);
}

/* Receives a message, see recvmsg(2). flags: MSG_. *msg is written at completion. */
IOURINGINLINE void io_uring_prep_recvmsg(struct io_uring_sqe *sqe, int fd, struct msghdr *msg,
					 unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RECVMSG, sqe, fd, msg, 1, 0);
	sqe->msg_flags = flags;
}

/*
 * The same for every message (Linux 6.0), into buffers of a group (IOSQE_BUFFER_SELECT), each of which begins with a
 * struct io_uring_recvmsg_out. Only the lengths in *msg are used.
 */
IOURINGINLINE void io_uring_prep_recvmsg_multishot(struct io_uring_sqe *sqe, int fd, struct msghdr *msg,
						   unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_recvmsg(sqe, fd, msg, flags);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
}

/* Sends a message, see sendmsg(2). flags: MSG_. Control messages are in use until completion, as the data is. */
IOURINGINLINE void io_uring_prep_sendmsg(struct io_uring_sqe *sqe, int fd, const struct msghdr *msg,
					 unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SENDMSG, sqe, fd, msg, 1, 0);
	sqe->msg_flags = flags;
}

/* A mask of poll flags in the order of halves that the kernel expects. */
_LOCAL_INLINE unsigned __io_uring_prep_poll_mask(unsigned poll_mask) LIBURING_NOEXCEPT
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	poll_mask = __swahw32(poll_mask);
#endif
	return poll_mask;
}

/* Waits, once, until one of the events POLLIN, POLLOUT, ... is true; the result is those that are. */
IOURINGINLINE void io_uring_prep_poll_add(struct io_uring_sqe *sqe, int fd, unsigned poll_mask) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_POLL_ADD, sqe, fd, URING_NULL__, 0, 0);
	sqe->poll32_events = __io_uring_prep_poll_mask(poll_mask);
}

/* The same with a completion for every event, as long as IORING_CQE_F_MORE is set (Linux 5.13). */
IOURINGINLINE void io_uring_prep_poll_multishot(struct io_uring_sqe *sqe, int fd, unsigned poll_mask) LIBURING_NOEXCEPT
{
	io_uring_prep_poll_add(sqe, fd, poll_mask);
	sqe->len = IORING_POLL_ADD_MULTI;
}

/* Ends the poll request with this user data. 0, -ENOENT, -EALREADY. */
IOURINGINLINE void io_uring_prep_poll_remove(struct io_uring_sqe *sqe, __u64 user_data) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_POLL_REMOVE, sqe, -1, URING_NULL__, 0, 0);
	sqe->addr = user_data;
}

/*
 * Changes a poll request (Linux 5.13): IORING_POLL_UPDATE_EVENTS, IORING_POLL_UPDATE_USER_DATA. An argument for what is
 * not changed is 0.
 */
IOURINGINLINE void io_uring_prep_poll_update(struct io_uring_sqe *sqe, __u64 old_user_data, __u64 new_user_data,
					     unsigned poll_mask, unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_POLL_REMOVE, sqe, -1, URING_NULL__, flags, new_user_data);
	sqe->addr = old_user_data;
	sqe->poll32_events = __io_uring_prep_poll_mask(poll_mask);
}

/* Brings a file to the disk. fsync_flags: IORING_FSYNC_. Does not wait for requests that are in flight. */
IOURINGINLINE void io_uring_prep_fsync(struct io_uring_sqe *sqe, int fd, unsigned fsync_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FSYNC, sqe, fd, URING_NULL__, 0, 0);
	sqe->fsync_flags = fsync_flags;
}

/* Does nothing. */
IOURINGINLINE void io_uring_prep_nop(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_NOP, sqe, -1, URING_NULL__, 0, 0);
}

/* The same in an entry of 128 bytes, from io_uring_get_sqe128() (Linux 6.19). */
IOURINGINLINE void io_uring_prep_nop128(struct io_uring_sqe *sqe) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_NOP128, sqe, -1, URING_NULL__, 0, 0);
}

/*
 * Completes after a time, with -ETIME, or as soon as `count` other requests have completed (0: no matter what), with 0.
 * flags: IORING_TIMEOUT_.
 */
IOURINGINLINE void io_uring_prep_timeout(struct io_uring_sqe *sqe, const struct __kernel_timespec *ts, unsigned count,
					 unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TIMEOUT, sqe, -1, ts, 1, count);
	sqe->timeout_flags = flags;
}

/* Ends the timeout with this user data, which completes with -ECANCELED. 0, -ENOENT, -EALREADY. flags: 0. */
IOURINGINLINE void io_uring_prep_timeout_remove(struct io_uring_sqe *sqe, __u64 user_data,
						unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TIMEOUT_REMOVE, sqe, -1, URING_NULL__, 0, 0);
	sqe->addr = user_data;
	sqe->timeout_flags = flags;
}

/*
 * Gives it another time, by the same clock (Linux 5.11). flags: IORING_TIMEOUT_ABS, and IORING_LINK_TIMEOUT_UPDATE for
 * a linked timeout.
 */
IOURINGINLINE void io_uring_prep_timeout_update(struct io_uring_sqe *sqe, const struct __kernel_timespec *ts,
						__u64 user_data, unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_TIMEOUT_REMOVE, sqe, -1, URING_NULL__, 0, uring_ptr_to_u64(ts));
	sqe->addr = user_data;
	sqe->timeout_flags = flags | IORING_TIMEOUT_UPDATE;
}

/*
 * Takes a connection, see accept4(2). The result is its descriptor. addr and addrlen may be NULL; they are written at
 * completion.
 */
IOURINGINLINE void io_uring_prep_accept(struct io_uring_sqe *sqe, int fd, struct sockaddr *addr, socklen_t *addrlen,
					int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_ACCEPT, sqe, fd, addr, 0, uring_ptr_to_u64(addrlen));
	sqe->accept_flags = URING_NUM__(__u32, flags);
}

/* The same for a registered file (Linux 5.15). The result is 0, or the slot if the kernel chooses it. */
IOURINGINLINE void io_uring_prep_accept_direct(struct io_uring_sqe *sqe, int fd, struct sockaddr *addr,
					       socklen_t *addrlen, int flags, unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_accept(sqe, fd, addr, addrlen, flags);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* Takes all connections, with a completion for each, as long as IORING_CQE_F_MORE is set (Linux 5.19). */
IOURINGINLINE void io_uring_prep_multishot_accept(struct io_uring_sqe *sqe, int fd, struct sockaddr *addr,
						  socklen_t *addrlen, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_accept(sqe, fd, addr, addrlen, flags);
	sqe->ioprio |= IORING_ACCEPT_MULTISHOT;
}

/* The same for registered files, in slots that the kernel chooses (Linux 5.19). */
IOURINGINLINE void io_uring_prep_multishot_accept_direct(struct io_uring_sqe *sqe, int fd, struct sockaddr *addr,
							 socklen_t *addrlen, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_multishot_accept(sqe, fd, addr, addrlen, flags);
	__io_uring_set_target_fixed_file(sqe, IORING_FILE_INDEX_ALLOC);
}

/*
 * Cancels the request with this user data, which then completes with -ECANCELED or -EINTR. 0, -ENOENT if there is none,
 * -EALREADY if it cannot be stopped. flags: IORING_ASYNC_CANCEL_.
 */
IOURINGINLINE void io_uring_prep_cancel64(struct io_uring_sqe *sqe, __u64 user_data, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, sqe, -1, URING_NULL__, 0, 0);
	sqe->addr = user_data;
	sqe->cancel_flags = URING_NUM__(__u32, flags);
}

/* The same with a pointer. */
IOURINGINLINE void io_uring_prep_cancel(struct io_uring_sqe *sqe, const void *user_data, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_cancel64(sqe, uring_ptr_to_u64(user_data), flags);
}

/* Cancels a request for a file (Linux 5.19); with IORING_ASYNC_CANCEL_ALL, the result is how many. */
IOURINGINLINE void io_uring_prep_cancel_fd(struct io_uring_sqe *sqe, int fd, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, sqe, fd, URING_NULL__, 0, 0);
	sqe->cancel_flags = flags | IORING_ASYNC_CANCEL_FD;
}

/* A limit for the request before it, which has IOSQE_IO_LINK. -ETIME, -EALREADY, or -ECANCELED if it was in time. */
IOURINGINLINE void io_uring_prep_link_timeout(struct io_uring_sqe *sqe, const struct __kernel_timespec *ts,
					      unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_LINK_TIMEOUT, sqe, -1, ts, 1, 0);
	sqe->timeout_flags = flags;
}

/* Connects a socket, see connect(2). */
IOURINGINLINE void io_uring_prep_connect(struct io_uring_sqe *sqe, int fd, const struct sockaddr *addr,
					 socklen_t addrlen) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_CONNECT, sqe, fd, addr, 0, addrlen);
}

/* Gives a socket its address, see bind(2) (Linux 6.11). */
IOURINGINLINE void io_uring_prep_bind(struct io_uring_sqe *sqe, int fd, const struct sockaddr *addr,
				      socklen_t addrlen) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_BIND, sqe, fd, addr, 0, addrlen);
}

/* Makes a socket accept connections, see listen(2) (Linux 6.11). */
IOURINGINLINE void io_uring_prep_listen(struct io_uring_sqe *sqe, int fd, int backlog) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_LISTEN, sqe, fd, URING_NULL__, URING_NUM__(unsigned, backlog), 0);
}

/* Waits for up to maxevents events of an epoll instance, see epoll_wait(2) (Linux 6.15). flags: 0. */
IOURINGINLINE void io_uring_prep_epoll_wait(struct io_uring_sqe *sqe, int fd, struct epoll_event *events, int maxevents,
					    unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_EPOLL_WAIT, sqe, fd, events, URING_NUM__(unsigned, maxevents), 0);
	sqe->rw_flags = URING_NUM__(__kernel_rwf_t, flags);
}

/*
 * As io_uring_register_files_update(). The result is how many slots were handled. With IORING_FILE_INDEX_ALLOC as
 * offset, fds[] gets the slots that the kernel chose. The array is in use until completion.
 */
IOURINGINLINE void io_uring_prep_files_update(struct io_uring_sqe *sqe, int *fds, unsigned nr_fds,
					      int offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FILES_UPDATE, sqe, -1, fds, nr_fds, URING_NUM__(__u64, offset));
}

/* Reserves or frees len bytes of a file, see fallocate(2). */
IOURINGINLINE void io_uring_prep_fallocate(struct io_uring_sqe *sqe, int fd, int mode, __u64 offset,
					   __u64 len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, fd, URING_NULL__, URING_NUM__(unsigned, mode), offset);
	sqe->addr = len;
}

/* Opens a file, see openat(2). The result is its descriptor. */
IOURINGINLINE void io_uring_prep_openat(struct io_uring_sqe *sqe, int dfd, const char *path, int flags,
					mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_OPENAT, sqe, dfd, path, mode, 0);
	sqe->open_flags = URING_NUM__(__u32, flags);
}

/* The same for a registered file (Linux 5.15). The result is 0, or the slot if the kernel chooses it. */
IOURINGINLINE void io_uring_prep_openat_direct(struct io_uring_sqe *sqe, int dfd, const char *path, int flags,
					       mode_t mode, unsigned file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_openat(sqe, dfd, path, flags, mode);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* Opens a file from the current directory. */
IOURINGINLINE void io_uring_prep_open(struct io_uring_sqe *sqe, const char *path, int flags,
				      mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_openat(sqe, AT_FDCWD, path, flags, mode);
}

/* The same for a registered file (Linux 5.15). */
IOURINGINLINE void io_uring_prep_open_direct(struct io_uring_sqe *sqe, const char *path, int flags, mode_t mode,
					     unsigned file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_openat_direct(sqe, AT_FDCWD, path, flags, mode, file_index);
}

/* Closes a descriptor. Requests that use the file go on. */
IOURINGINLINE void io_uring_prep_close(struct io_uring_sqe *sqe, int fd) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_CLOSE, sqe, fd, URING_NULL__, 0, 0);
}

/* Empties the slot of a registered file (Linux 5.15). */
IOURINGINLINE void io_uring_prep_close_direct(struct io_uring_sqe *sqe, unsigned file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_close(sqe, 0);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* Reads nbytes at `offset` (-1: the file's position). The result is how many. */
IOURINGINLINE void io_uring_prep_read(struct io_uring_sqe *sqe, int fd, void *buf, unsigned nbytes,
				      __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READ, sqe, fd, buf, nbytes, offset);
}

/*
 * Reads again and again, into buffers of a group, from a file that is not seekable (Linux 6.7). nbytes: 0. A completion
 * for each, as long as IORING_CQE_F_MORE is set.
 */
IOURINGINLINE void io_uring_prep_read_multishot(struct io_uring_sqe *sqe, int fd, unsigned nbytes, __u64 offset,
						int buf_group) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_READ_MULTISHOT, sqe, fd, URING_NULL__, nbytes, offset);
	sqe->buf_group = URING_NUM__(__u16, buf_group);
	sqe->flags = IOSQE_BUFFER_SELECT;
}

/* Writes nbytes at `offset` (-1: the file's position). The result is how many. */
IOURINGINLINE void io_uring_prep_write(struct io_uring_sqe *sqe, int fd, const void *buf, unsigned nbytes,
				       __u64 offset) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WRITE, sqe, fd, buf, nbytes, offset);
}

/* Tells about a file, see statx(2). statxbuf is written at completion. */
IOURINGINLINE void io_uring_prep_statx(struct io_uring_sqe *sqe, int dfd, const char *path, int flags, unsigned mask,
				       struct statx *statxbuf) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_STATX, sqe, dfd, path, mask, uring_ptr_to_u64(statxbuf));
	sqe->statx_flags = URING_NUM__(__u32, flags);
}

/* Announces how a file will be used, see posix_fadvise(2). */
IOURINGINLINE void io_uring_prep_fadvise(struct io_uring_sqe *sqe, int fd, __u64 offset, __u32 len,
					 int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FADVISE, sqe, fd, URING_NULL__, len, offset);
	sqe->fadvise_advice = URING_NUM__(__u32, advice);
}

/* The same with a length of 64 bits (Linux 6.10). */
IOURINGINLINE void io_uring_prep_fadvise64(struct io_uring_sqe *sqe, int fd, __u64 offset, off_t len,
					   int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FADVISE, sqe, fd, URING_NULL__, 0, offset);
	sqe->addr = URING_NUM__(__u64, len);
	sqe->fadvise_advice = URING_NUM__(__u32, advice);
}

/* Announces how memory will be used, see madvise(2). */
IOURINGINLINE void io_uring_prep_madvise(struct io_uring_sqe *sqe, void *addr, __u32 length,
					 int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MADVISE, sqe, -1, addr, length, 0);
	sqe->fadvise_advice = URING_NUM__(__u32, advice);
}

/* The same with a length of 64 bits (Linux 6.10). */
IOURINGINLINE void io_uring_prep_madvise64(struct io_uring_sqe *sqe, void *addr, off_t length,
					   int advice) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MADVISE, sqe, -1, addr, 0, URING_NUM__(__u64, length));
	sqe->fadvise_advice = URING_NUM__(__u32, advice);
}

/* Sends len bytes, see send(2). flags: MSG_. */
IOURINGINLINE void io_uring_prep_send(struct io_uring_sqe *sqe, int sockfd, const void *buf, size_t len,
				      int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SEND, sqe, sockfd, buf, URING_NUM__(__u32, len), 0);
	sqe->msg_flags = URING_NUM__(__u32, flags);
}

/*
 * Sends all buffers of a group in their order (Linux 6.10), with a completion for each piece, as long as
 * IORING_CQE_F_MORE is set. len: 0. Another one cuts the first piece, and the rest of its last buffer is lost.
 */
IOURINGINLINE void io_uring_prep_send_bundle(struct io_uring_sqe *sqe, int sockfd, size_t len,
					     int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_send(sqe, sockfd, URING_NULL__, len, flags);
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
}

/* Adds a destination to a send (Linux 6.0). */
IOURINGINLINE void io_uring_prep_send_set_addr(struct io_uring_sqe *sqe, const struct sockaddr *dest_addr,
					       __u16 addr_len) LIBURING_NOEXCEPT
{
	sqe->addr2 = uring_ptr_to_u64(dest_addr);
	sqe->addr_len = addr_len;
}

/* Sends len bytes to an address, see sendto(2) (Linux 6.0). */
IOURINGINLINE void io_uring_prep_sendto(struct io_uring_sqe *sqe, int sockfd, const void *buf, size_t len, int flags,
					const struct sockaddr *addr, socklen_t addrlen) LIBURING_NOEXCEPT
{
	io_uring_prep_send(sqe, sockfd, buf, len, flags);
	io_uring_prep_send_set_addr(sqe, addr, URING_NUM__(__u16, addrlen));
}

/*
 * Sends without copying (Linux 6.0). A completion with IORING_CQE_F_MORE tells the result, a second one with
 * IORING_CQE_F_NOTIF that the buffer is free; both come after an error, too. zc_flags: IORING_RECVSEND_,
 * IORING_SEND_ZC_.
 */
IOURINGINLINE void io_uring_prep_send_zc(struct io_uring_sqe *sqe, int sockfd, const void *buf, size_t len, int flags,
					 unsigned zc_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_send(sqe, sockfd, buf, len, flags);
	sqe->opcode = IORING_OP_SEND_ZC;
	sqe->ioprio = URING_NUM__(__u16, zc_flags);
}

/* The same from a part of the registered buffer buf_index; buf is its address. */
IOURINGINLINE void io_uring_prep_send_zc_fixed(struct io_uring_sqe *sqe, int sockfd, const void *buf, size_t len,
					       int flags, unsigned zc_flags, unsigned buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_send_zc(sqe, sockfd, buf, len, flags, zc_flags);
	sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = URING_NUM__(__u16, buf_index);
}

/* Sends a message without copying (Linux 6.1). */
IOURINGINLINE void io_uring_prep_sendmsg_zc(struct io_uring_sqe *sqe, int fd, const struct msghdr *msg,
					    unsigned flags) LIBURING_NOEXCEPT
{
	io_uring_prep_sendmsg(sqe, fd, msg, flags);
	sqe->opcode = IORING_OP_SENDMSG_ZC;
}

/* The same from parts of the registered buffer buf_index (Linux 6.15). */
IOURINGINLINE void io_uring_prep_sendmsg_zc_fixed(struct io_uring_sqe *sqe, int fd, const struct msghdr *msg,
						  unsigned flags, unsigned buf_index) LIBURING_NOEXCEPT
{
	io_uring_prep_sendmsg_zc(sqe, fd, msg, flags);
	sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = URING_NUM__(__u16, buf_index);
}

/* Receives up to len bytes, see recv(2). flags: MSG_. */
IOURINGINLINE void io_uring_prep_recv(struct io_uring_sqe *sqe, int sockfd, void *buf, size_t len,
				      int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RECV, sqe, sockfd, buf, URING_NUM__(__u32, len), 0);
	sqe->msg_flags = URING_NUM__(__u32, flags);
}

/*
 * Receives again and again, into buffers of a group (IOSQE_BUFFER_SELECT), as long as IORING_CQE_F_MORE is set
 * (Linux 6.0). buf: NULL; len 0: all of a buffer.
 */
IOURINGINLINE void io_uring_prep_recv_multishot(struct io_uring_sqe *sqe, int sockfd, void *buf, size_t len,
						int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_recv(sqe, sockfd, buf, len, flags);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
}

/* ---- What a multishot recvmsg has put into a buffer of buf_len bytes; msgh is the one of the request ---- */

/* The head of the buffer, or NULL if the buffer is too short for it, the address and the control messages. */
IOURINGINLINE struct io_uring_recvmsg_out *io_uring_recvmsg_validate(void *buf, int buf_len,
								     struct msghdr *msgh) LIBURING_NOEXCEPT
{
	size_t room;

	/* Subtractions, which no length can make overflow. */
	if (buf_len < 0 || URING_NUM__(size_t, buf_len) < sizeof(struct io_uring_recvmsg_out))
		return URING_NULL__;
	room = URING_NUM__(size_t, buf_len) - sizeof(struct io_uring_recvmsg_out);
	if (msgh->msg_namelen > room || msgh->msg_controllen > room - msgh->msg_namelen)
		return URING_NULL__;
	return URING_NUM__(struct io_uring_recvmsg_out *, buf);
}

/* The sender's address: o->namelen bytes, cut at msg_namelen. */
IOURINGINLINE void *io_uring_recvmsg_name(struct io_uring_recvmsg_out *o) LIBURING_NOEXCEPT
{
	return o + 1;
}

/* The first control message, or NULL. */
IOURINGINLINE struct cmsghdr *io_uring_recvmsg_cmsg_firsthdr(struct io_uring_recvmsg_out *o,
							     struct msghdr *msgh) LIBURING_NOEXCEPT
{
	char *control = URING_NUM__(char *, io_uring_recvmsg_name(o)) + msgh->msg_namelen;

	if (o->controllen < sizeof(struct cmsghdr))
		return URING_NULL__;
	return URING_NUM__(struct cmsghdr *, URING_NUM__(void *, control));
}

/* The one behind cmsg, or NULL. */
IOURINGINLINE struct cmsghdr *io_uring_recvmsg_cmsg_nexthdr(struct io_uring_recvmsg_out *o, struct msghdr *msgh,
							    struct cmsghdr *cmsg) LIBURING_NOEXCEPT
{
	const void *name = io_uring_recvmsg_name(o);
	size_t first = URING_PTR__(size_t, name) + msgh->msg_namelen;
	size_t at = URING_PTR__(size_t, cmsg), room, size;

	if (cmsg->cmsg_len < sizeof(struct cmsghdr))
		return URING_NULL__;
	/* What is left from cmsg on; as subtractions, which no length can make overflow. */
	room = o->controllen - (at - first);
	if (at - first > o->controllen || cmsg->cmsg_len > room)
		return URING_NULL__;
	size = CMSG_ALIGN(cmsg->cmsg_len);
	if (size > room || room - size < sizeof(struct cmsghdr))
		return URING_NULL__;
	cmsg = URING_PTR__(struct cmsghdr *, at + size);
	if (cmsg->cmsg_len > room - size || CMSG_ALIGN(cmsg->cmsg_len) > room - size)
		return URING_NULL__;
	return cmsg;
}

/* The data. */
IOURINGINLINE void *io_uring_recvmsg_payload(struct io_uring_recvmsg_out *o, struct msghdr *msgh) LIBURING_NOEXCEPT
{
	return URING_NUM__(char *, io_uring_recvmsg_name(o)) + msgh->msg_namelen + msgh->msg_controllen;
}

/* How much of it there is, when the result of the completion is buf_len: 0 if that is too short. */
IOURINGINLINE unsigned int io_uring_recvmsg_payload_length(struct io_uring_recvmsg_out *o, int buf_len,
							   struct msghdr *msgh) LIBURING_NOEXCEPT
{
	if (!io_uring_recvmsg_validate(o, buf_len, msgh))
		return 0;
	return URING_NUM__(unsigned int, URING_NUM__(size_t, buf_len) - sizeof(*o) - msgh->msg_namelen -
						 msgh->msg_controllen);
}

/* ---- More requests ---- */

/* Opens a file, see openat2(2). The result is its descriptor. */
IOURINGINLINE void io_uring_prep_openat2(struct io_uring_sqe *sqe, int dfd, const char *path,
					 const struct open_how *how) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_OPENAT2, sqe, dfd, path, sizeof(*how), uring_ptr_to_u64(how));
}

/* The same for a registered file (Linux 5.15). */
IOURINGINLINE void io_uring_prep_openat2_direct(struct io_uring_sqe *sqe, int dfd, const char *path,
						const struct open_how *how, unsigned file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_openat2(sqe, dfd, path, how);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* Changes an epoll instance, see epoll_ctl(2). */
IOURINGINLINE void io_uring_prep_epoll_ctl(struct io_uring_sqe *sqe, int epfd, int fd, int op,
					   const struct epoll_event *ev) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_EPOLL_CTL, sqe, epfd, ev, URING_NUM__(__u32, op), URING_NUM__(__u32, fd));
}

/* Gives nr buffers of len bytes each, one behind the other, to group bgid; the first has number bid (Linux 5.7). */
IOURINGINLINE void io_uring_prep_provide_buffers(struct io_uring_sqe *sqe, void *addr, int len, int nr, int bgid,
						 int bid) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_PROVIDE_BUFFERS, sqe, nr, addr, URING_NUM__(__u32, len), URING_NUM__(__u64, bid));
	sqe->buf_group = URING_NUM__(__u16, bgid);
}

/* Takes nr buffers back (Linux 5.7). The result is how many. */
IOURINGINLINE void io_uring_prep_remove_buffers(struct io_uring_sqe *sqe, int nr, int bgid) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_REMOVE_BUFFERS, sqe, nr, URING_NULL__, 0, 0);
	sqe->buf_group = URING_NUM__(__u16, bgid);
}

/* Ends one or both directions of a socket, see shutdown(2) (Linux 5.11). */
IOURINGINLINE void io_uring_prep_shutdown(struct io_uring_sqe *sqe, int fd, int how) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SHUTDOWN, sqe, fd, URING_NULL__, URING_NUM__(__u32, how), 0);
}

/* Removes a name, see unlinkat(2) (Linux 5.11). */
IOURINGINLINE void io_uring_prep_unlinkat(struct io_uring_sqe *sqe, int dfd, const char *path,
					  int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_UNLINKAT, sqe, dfd, path, 0, 0);
	sqe->unlink_flags = URING_NUM__(__u32, flags);
}

/* The same from the current directory. */
IOURINGINLINE void io_uring_prep_unlink(struct io_uring_sqe *sqe, const char *path, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_unlinkat(sqe, AT_FDCWD, path, flags);
}

/* Changes a name, see renameat2(2) (Linux 5.11). */
IOURINGINLINE void io_uring_prep_renameat(struct io_uring_sqe *sqe, int olddfd, const char *oldpath, int newdfd,
					  const char *newpath, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_RENAMEAT, sqe, olddfd, oldpath, URING_NUM__(__u32, newdfd),
			 uring_ptr_to_u64(newpath));
	sqe->rename_flags = flags;
}

/* The same from the current directory. */
IOURINGINLINE void io_uring_prep_rename(struct io_uring_sqe *sqe, const char *oldpath,
					const char *newpath) LIBURING_NOEXCEPT
{
	io_uring_prep_renameat(sqe, AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

/* Starts or awaits the writing of a part of a file, see sync_file_range(2). */
IOURINGINLINE void io_uring_prep_sync_file_range(struct io_uring_sqe *sqe, int fd, unsigned len, __u64 offset,
						 int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SYNC_FILE_RANGE, sqe, fd, URING_NULL__, len, offset);
	sqe->sync_range_flags = URING_NUM__(__u32, flags);
}

/* Makes a directory, see mkdirat(2) (Linux 5.15). */
IOURINGINLINE void io_uring_prep_mkdirat(struct io_uring_sqe *sqe, int dfd, const char *path,
					 mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MKDIRAT, sqe, dfd, path, mode, 0);
}

/* The same from the current directory. */
IOURINGINLINE void io_uring_prep_mkdir(struct io_uring_sqe *sqe, const char *path, mode_t mode) LIBURING_NOEXCEPT
{
	io_uring_prep_mkdirat(sqe, AT_FDCWD, path, mode);
}

/* Makes a symbolic link, see symlinkat(2) (Linux 5.15). */
IOURINGINLINE void io_uring_prep_symlinkat(struct io_uring_sqe *sqe, const char *target, int newdirfd,
					   const char *linkpath) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SYMLINKAT, sqe, newdirfd, target, 0, uring_ptr_to_u64(linkpath));
}

/* The same from the current directory. */
IOURINGINLINE void io_uring_prep_symlink(struct io_uring_sqe *sqe, const char *target,
					 const char *linkpath) LIBURING_NOEXCEPT
{
	io_uring_prep_symlinkat(sqe, target, AT_FDCWD, linkpath);
}

/* Makes one more name for a file, see linkat(2) (Linux 5.15). */
IOURINGINLINE void io_uring_prep_linkat(struct io_uring_sqe *sqe, int olddfd, const char *oldpath, int newdfd,
					const char *newpath, int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_LINKAT, sqe, olddfd, oldpath, URING_NUM__(__u32, newdfd), uring_ptr_to_u64(newpath));
	sqe->hardlink_flags = URING_NUM__(__u32, flags);
}

/* The same from the current directory. */
IOURINGINLINE void io_uring_prep_link(struct io_uring_sqe *sqe, const char *oldpath, const char *newpath,
				      int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_linkat(sqe, AT_FDCWD, oldpath, AT_FDCWD, newpath, flags);
}

/*
 * Posts a completion in the ring with descriptor fd: res is len, user_data is data (Linux 5.18). flags:
 * IORING_MSG_RING_.
 */
IOURINGINLINE void io_uring_prep_msg_ring(struct io_uring_sqe *sqe, int fd, unsigned int len, __u64 data,
					  unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_MSG_RING, sqe, fd, URING_NULL__, len, data);
	sqe->msg_ring_flags = flags;
}

/* The same, and its flags are cqe_flags (Linux 6.3). */
IOURINGINLINE void io_uring_prep_msg_ring_cqe_flags(struct io_uring_sqe *sqe, int fd, unsigned int len, __u64 data,
						    unsigned int flags, unsigned int cqe_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_msg_ring(sqe, fd, len, data, flags | IORING_MSG_RING_FLAGS_PASS);
	sqe->file_index = cqe_flags;
}

/* Puts the registered file source_fd into slot target_fd of another ring (Linux 6.0), whose completion has res 0. */
IOURINGINLINE void io_uring_prep_msg_ring_fd(struct io_uring_sqe *sqe, int fd, int source_fd, int target_fd, __u64 data,
					     unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_msg_ring(sqe, fd, 0, data, flags);
	sqe->addr = IORING_MSG_SEND_FD;
	sqe->addr3 = URING_NUM__(__u64, source_fd);
	__io_uring_set_target_fixed_file(sqe, URING_NUM__(unsigned int, target_fd));
}

/* The same into a slot that the kernel chooses, which is the result here and there. */
IOURINGINLINE void io_uring_prep_msg_ring_fd_alloc(struct io_uring_sqe *sqe, int fd, int source_fd, __u64 data,
						   unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_msg_ring_fd(sqe, fd, source_fd, URING_NUM__(int, IORING_FILE_INDEX_ALLOC), data, flags);
}

/* Reads an extended attribute of a path, see getxattr(2) (Linux 5.19). The result is its length. */
IOURINGINLINE void io_uring_prep_getxattr(struct io_uring_sqe *sqe, const char *name, char *value, const char *path,
					  unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_GETXATTR, sqe, 0, name, len, uring_ptr_to_u64(value));
	sqe->addr3 = uring_ptr_to_u64(path);
	sqe->xattr_flags = 0;
}

/* Sets one, see setxattr(2) (Linux 5.19). */
IOURINGINLINE void io_uring_prep_setxattr(struct io_uring_sqe *sqe, const char *name, const char *value,
					  const char *path, int flags, unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SETXATTR, sqe, 0, name, len, uring_ptr_to_u64(value));
	sqe->addr3 = uring_ptr_to_u64(path);
	sqe->xattr_flags = URING_NUM__(__u32, flags);
}

/* Reads one of an open file (Linux 5.19). */
IOURINGINLINE void io_uring_prep_fgetxattr(struct io_uring_sqe *sqe, int fd, const char *name, char *value,
					   unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FGETXATTR, sqe, fd, name, len, uring_ptr_to_u64(value));
	sqe->xattr_flags = 0;
}

/* Sets one of an open file (Linux 5.19). */
IOURINGINLINE void io_uring_prep_fsetxattr(struct io_uring_sqe *sqe, int fd, const char *name, const char *value,
					   int flags, unsigned int len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FSETXATTR, sqe, fd, name, len, uring_ptr_to_u64(value));
	sqe->xattr_flags = URING_NUM__(__u32, flags);
}

/* Makes a socket, see socket(2) (Linux 5.19). The result is its descriptor. flags: 0. */
IOURINGINLINE void io_uring_prep_socket(struct io_uring_sqe *sqe, int domain, int type, int protocol,
					unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_SOCKET, sqe, domain, URING_NULL__, URING_NUM__(__u32, protocol),
			 URING_NUM__(__u64, type));
	sqe->rw_flags = URING_NUM__(__kernel_rwf_t, flags);
}

/* The same for a registered file. */
IOURINGINLINE void io_uring_prep_socket_direct(struct io_uring_sqe *sqe, int domain, int type, int protocol,
					       unsigned file_index, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_socket(sqe, domain, type, protocol, flags);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* The same in a slot that the kernel chooses. */
IOURINGINLINE void io_uring_prep_socket_direct_alloc(struct io_uring_sqe *sqe, int domain, int type, int protocol,
						     unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_socket_direct(sqe, domain, type, protocol, IORING_FILE_INDEX_ALLOC, flags);
}

/* A command with operation op; its further arguments are the caller's. */
IOURINGINLINE void __io_uring_prep_uring_cmd(struct io_uring_sqe *sqe, int op, __u32 cmd_op, int fd) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(op, sqe, fd, URING_NULL__, 0, 0);
	sqe->cmd_op = cmd_op;
}

/* A command to a device or socket (Linux 5.19), with 16 bytes of arguments in sqe->cmd. */
IOURINGINLINE void io_uring_prep_uring_cmd(struct io_uring_sqe *sqe, int cmd_op, int fd) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, URING_NUM__(__u32, cmd_op), fd);
}

/* The same in an entry of 128 bytes, from io_uring_get_sqe128(), with 80 bytes of arguments (Linux 6.19). */
IOURINGINLINE void io_uring_prep_uring_cmd128(struct io_uring_sqe *sqe, int cmd_op, int fd) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD128, URING_NUM__(__u32, cmd_op), fd);
}

/* Reads or sets an option of a socket (Linux 6.7). cmd_op: SOCKET_URING_OP_. *optval is in use until completion. */
IOURINGINLINE void io_uring_prep_cmd_sock(struct io_uring_sqe *sqe, int cmd_op, int fd, int level, int optname,
					  void *optval, int optlen) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, cmd_op, fd);
	sqe->level = URING_NUM__(__u32, level);
	sqe->optname = URING_NUM__(__u32, optname);
	sqe->optval = uring_ptr_to_u64(optval);
	sqe->optlen = URING_NUM__(__u32, optlen);
}

/* The address of a socket, with peer 1 of its other end (Linux 6.19). Both pointers are written at completion. */
IOURINGINLINE void io_uring_prep_cmd_getsockname(struct io_uring_sqe *sqe, int fd, struct sockaddr *sockaddr,
						 socklen_t *sockaddr_len, int peer) LIBURING_NOEXCEPT
{
	io_uring_prep_uring_cmd(sqe, SOCKET_URING_OP_GETSOCKNAME, fd);
	sqe->addr = uring_ptr_to_u64(sockaddr);
	sqe->addr3 = uring_ptr_to_u64(sockaddr_len);
	sqe->optlen = URING_NUM__(__u32, peer);
}

/* Waits for a child, see waitid(2) (Linux 6.7). *infop is written at completion; it may be NULL. flags: 0. */
IOURINGINLINE void io_uring_prep_waitid(struct io_uring_sqe *sqe, idtype_t idtype, id_t id, siginfo_t *infop,
					int options, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_WAITID, sqe, URING_NUM__(int, id), URING_NULL__, URING_NUM__(unsigned, idtype),
			 uring_ptr_to_u64(infop));
	sqe->waitid_flags = flags;
	sqe->file_index = URING_NUM__(__u32, options);
}

/*
 * Wakes up to val waiters of a futex whose mask has a bit in common (Linux 6.7). futex_flags: FUTEX2_, flags: 0. The
 * result is how many.
 */
IOURINGINLINE void io_uring_prep_futex_wake(struct io_uring_sqe *sqe, const uint32_t *futex, uint64_t val, uint64_t
					    mask, uint32_t futex_flags, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FUTEX_WAKE, sqe, URING_NUM__(int, futex_flags), futex, 0, val);
	sqe->futex_flags = flags;
	sqe->addr3 = mask;
}

/* Waits on a futex as long as it holds val (Linux 6.7). -EAGAIN if it does not. */
IOURINGINLINE void io_uring_prep_futex_wait(struct io_uring_sqe *sqe, const uint32_t *futex, uint64_t val, uint64_t
					    mask, uint32_t futex_flags, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FUTEX_WAIT, sqe, URING_NUM__(int, futex_flags), futex, 0, val);
	sqe->futex_flags = flags;
	sqe->addr3 = mask;
}

/* Waits for one of several futexes (Linux 6.7). The result is its index. */
IOURINGINLINE void io_uring_prep_futex_waitv(struct io_uring_sqe *sqe, const struct futex_waitv *futex,
					     uint32_t nr_futex, unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FUTEX_WAITV, sqe, 0, futex, nr_futex, 0);
	sqe->futex_flags = flags;
}

/*
 * Makes a descriptor for the registered file fd (Linux 6.8), the result. flags: IORING_FIXED_FD_. IOSQE_FIXED_FILE is
 * set.
 */
IOURINGINLINE void io_uring_prep_fixed_fd_install(struct io_uring_sqe *sqe, int fd,
						  unsigned int flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FIXED_FD_INSTALL, sqe, fd, URING_NULL__, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->install_fd_flags = flags;
}

/* Sets the length of a file (Linux 6.9). */
IOURINGINLINE void io_uring_prep_ftruncate(struct io_uring_sqe *sqe, int fd, loff_t len) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_FTRUNCATE, sqe, fd, URING_NULL__, 0, URING_NUM__(__u64, len));
}

/* Tells a block device that nbytes from `offset` on are not needed any more (Linux 6.12). */
IOURINGINLINE void io_uring_prep_cmd_discard(struct io_uring_sqe *sqe, int fd, uint64_t offset,
					     uint64_t nbytes) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, BLOCK_URING_CMD_DISCARD, fd);
	sqe->addr = offset;
	sqe->addr3 = nbytes;
}

/* Resets all zones of a zoned block device (Linux 7.1). */
IOURINGINLINE void io_uring_prep_cmd_zone_reset_all(struct io_uring_sqe *sqe, int fd) LIBURING_NOEXCEPT
{
	__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, BLOCK_URING_CMD_ZONE_RESET_ALL, fd);
}

/* Makes a pipe, see pipe2(2) (Linux 6.16). fds[] gets its ends at completion. */
IOURINGINLINE void io_uring_prep_pipe(struct io_uring_sqe *sqe, int *fds, int pipe_flags) LIBURING_NOEXCEPT
{
	io_uring_prep_rw(IORING_OP_PIPE, sqe, 0, fds, 0, 0);
	sqe->pipe_flags = URING_NUM__(__u32, pipe_flags);
}

/* The same for two registered files, in file_index and the next slot. fds[] gets the slots. */
IOURINGINLINE void io_uring_prep_pipe_direct(struct io_uring_sqe *sqe, int *fds, int pipe_flags,
					     unsigned int file_index) LIBURING_NOEXCEPT
{
	io_uring_prep_pipe(sqe, fds, pipe_flags);
	__io_uring_set_target_fixed_file(sqe, file_index);
}

/* ---- The submission queue ---- */

/* How far the kernel has come in the submission queue. */
IOURINGINLINE unsigned io_uring_load_sq_head(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	/* Another thread moves it only with IORING_SETUP_SQPOLL, but to ask for that costs more than the barrier. */
	return io_uring_smp_load_acquire(ring->sq.khead);
}

/* How many requests are prepared, or submitted and not taken by the kernel yet. */
IOURINGINLINE unsigned io_uring_sq_ready(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return ring->sq.sqe_tail - io_uring_load_sq_head(ring);
}

/* How many more requests can be prepared. */
IOURINGINLINE unsigned io_uring_sq_space_left(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return ring->sq.ring_entries - io_uring_sq_ready(ring);
}

/* With IORING_SETUP_SQPOLL: waits until there is room (Linux 5.10). 0 or more, or an error. */
IOURINGINLINE int io_uring_sqring_wait(struct io_uring *ring) LIBURING_NOEXCEPT
{
	if (!(ring->flags & IORING_SETUP_SQPOLL) || io_uring_sq_space_left(ring))
		return 0;
	return __io_uring_sqring_wait(ring);
}

/* How many places of the completion queue are filled. */
IOURINGINLINE unsigned io_uring_cq_ready(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return io_uring_smp_load_acquire(ring->cq.ktail) - *ring->cq.khead;
}

/* Whether the kernel keeps completions for which the queue has no room (Linux 5.8). */
IOURINGINLINE bool io_uring_cq_has_overflow(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return (IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
}

/* Whether the registered eventfd is signalled. */
IOURINGINLINE bool io_uring_cq_eventfd_enabled(const struct io_uring *ring) LIBURING_NOEXCEPT
{
	return !ring->cq.kflags || !(*ring->cq.kflags & IORING_CQ_EVENTFD_DISABLED);
}

/* Switches that (Linux 5.8). 0, or -EOPNOTSUPP. */
IOURINGINLINE int io_uring_cq_eventfd_toggle(struct io_uring *ring, bool enabled) LIBURING_NOEXCEPT
{
	unsigned flags;

	if (enabled == io_uring_cq_eventfd_enabled(ring))
		return 0;
	if (!ring->cq.kflags)
		return -EOPNOTSUPP;
	flags = *ring->cq.kflags ^ IORING_CQ_EVENTFD_DISABLED;
	IO_URING_WRITE_ONCE(*ring->cq.kflags, flags);
	return 0;
}

/* ---- Taking completions ---- */

/* Waits for wait_nr completions; *cqe_ptr gets the first. 0, -EAGAIN with wait_nr 0 and none there, -EINTR. */
IOURINGINLINE int io_uring_wait_cqe_nr(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
				       unsigned wait_nr) LIBURING_NOEXCEPT
{
	return __io_uring_get_cqe(ring, cqe_ptr, 0, wait_nr, URING_NULL__);
}

/*
 * Gives back a completion that is not the program's: padding in a ring with IORING_SETUP_CQE_MIXED (elsewhere the flag is
 * that of a message) or, on kernels without IORING_FEAT_EXT_ARG, a timeout of the library's own, whose error is stored in
 * *err. Returns whether to go on with the next one.
 */
_LOCAL_INLINE bool io_uring_skip_cqe(struct io_uring *ring, struct io_uring_cqe *cqe, int *err) LIBURING_NOEXCEPT
{
	if (!(cqe->flags & IORING_CQE_F_SKIP) || !(ring->flags & IORING_SETUP_CQE_MIXED)) {
		if ((ring->features & IORING_FEAT_EXT_ARG) || cqe->user_data != LIBURING_UDATA_TIMEOUT)
			return false;
		if (cqe->res < 0)
			*err = cqe->res;
	}
	io_uring_cq_advance(ring, io_uring_cqe_nr(cqe));
	return *err == 0;
}

/*
 * Looks for a completion without a system call: *cqe_ptr gets the first, or NULL; *nr_available, unless NULL, the
 * number of places filled. 0, or the error of a timeout of the library's own. Use io_uring_peek_cqe().
 */
IOURINGINLINE int __io_uring_peek_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr,
				      unsigned *nr_available) LIBURING_NOEXCEPT
{
	struct io_uring_cqe *cqe = URING_NULL__;
	unsigned available;
	int err = 0;

	for (;;) {
		unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);
		unsigned head = *ring->cq.khead;

		available = tail - head;
		if (!available) {
			cqe = URING_NULL__;
			break;
		}
		cqe = &ring->cq.cqes[(head & ring->cq.ring_mask) << io_uring_cqe_shift(ring)];
		if (!io_uring_skip_cqe(ring, cqe, &err)) {
			if (uring_unlikely(err))
				cqe = URING_NULL__;
			break;
		}
	}
	*cqe_ptr = cqe;
	if (nr_available)
		*nr_available = available;
	return err;
}

/* Stores the first completion in *cqe_ptr, if there is one. 0, or -EAGAIN. */
IOURINGINLINE int io_uring_peek_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr) LIBURING_NOEXCEPT
{
	unsigned available;

	if (!__io_uring_peek_cqe(ring, cqe_ptr, &available) && available)
		return 0;
	return io_uring_wait_cqe_nr(ring, cqe_ptr, 0);
}

/* Stores the first completion in *cqe_ptr and waits for it if need be. 0, -EINTR. */
IOURINGINLINE int io_uring_wait_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr) LIBURING_NOEXCEPT
{
	unsigned available;

	if (!__io_uring_peek_cqe(ring, cqe_ptr, &available) && available)
		return 0;
	return io_uring_wait_cqe_nr(ring, cqe_ptr, 1);
}

/* ---- Filling a buffer ring ---- */

/* The mask for indices of a buffer ring. */
IOURINGINLINE int io_uring_buf_ring_mask(__u32 ring_entries) LIBURING_NOEXCEPT
{
	return URING_NUM__(int, ring_entries - 1);
}

/* Empties a buffer ring of the caller's, before it is registered. */
IOURINGINLINE void io_uring_buf_ring_init(struct io_uring_buf_ring *br) LIBURING_NOEXCEPT
{
	br->tail = 0;
}

/*
 * Puts a buffer with number bid at the tail plus buf_offset: 0 for the first one added, 1 for the next, until
 * io_uring_buf_ring_advance(). mask: from io_uring_buf_ring_mask().
 */
IOURINGINLINE void io_uring_buf_ring_add(struct io_uring_buf_ring *br, void *addr, unsigned int len, unsigned short bid,
					 int mask, int buf_offset) LIBURING_NOEXCEPT
{
	/* Not an index of br->bufs: compilers can be told that an array of no length has no elements. */
	struct io_uring_buf *bufs = br->bufs;
	struct io_uring_buf *buf = &bufs[(br->tail + buf_offset) & mask];

	buf->addr = uring_ptr_to_u64(addr);
	buf->len = len;
	buf->bid = bid;
}

/* Gives the `count` buffers just added to the kernel. */
IOURINGINLINE void io_uring_buf_ring_advance(struct io_uring_buf_ring *br, int count) LIBURING_NOEXCEPT
{
	__u16 tail = URING_NUM__(__u16, br->tail + count);

	io_uring_smp_store_release(&br->tail, tail);
}

/* Gives buf_count buffers to the kernel and cq_count places of the completion queue back. */
IOURINGINLINE void __io_uring_buf_ring_cq_advance(struct io_uring *ring, struct io_uring_buf_ring *br, int cq_count,
						  int buf_count) LIBURING_NOEXCEPT
{
	io_uring_buf_ring_advance(br, buf_count);
	io_uring_cq_advance(ring, URING_NUM__(unsigned, cq_count));
}

/* The same with equal numbers. */
IOURINGINLINE void io_uring_buf_ring_cq_advance(struct io_uring *ring, struct io_uring_buf_ring *br,
						int count) LIBURING_NOEXCEPT
{
	__io_uring_buf_ring_cq_advance(ring, br, count, count);
}

/* How many buffers of the ring the kernel has not used yet (Linux 6.8), or an error. */
IOURINGINLINE int io_uring_buf_ring_available(struct io_uring *ring, struct io_uring_buf_ring *br,
					      unsigned short bgid) LIBURING_NOEXCEPT
{
	uint16_t head = 0;
	int ret = io_uring_buf_ring_head(ring, bgid, &head);

	if (ret)
		return ret;
	return URING_NUM__(uint16_t, br->tail - head);
}

/* ---- Taking a place in the submission queue ---- */

/* io_uring_get_sqe() as it is built into programs. */
IOURINGINLINE struct io_uring_sqe *_io_uring_get_sqe(struct io_uring *ring) LIBURING_NOEXCEPT
{
	struct io_uring_sq *sq = &ring->sq;
	unsigned tail = sq->sqe_tail;
	struct io_uring_sqe *sqe;

	if (tail - io_uring_load_sq_head(ring) >= sq->ring_entries)
		return URING_NULL__;
	sqe = &sq->sqes[(tail & sq->ring_mask) << io_uring_sqe_shift(ring)];
	sq->sqe_tail = tail + 1;
	io_uring_initialize_sqe(sqe);
	return sqe;
}

/*
 * The next free entry of the submission queue, to be filled with one of the io_uring_prep_ functions, or NULL if the
 * queue is full: submit, then. The user data is what an earlier request left there. The library has the same function
 * as a symbol; LIBURING_INTERNAL, defined before, makes a program call that one.
 */
#ifdef LIBURING_INTERNAL
struct io_uring_sqe *io_uring_get_sqe(struct io_uring *ring) LIBURING_NOEXCEPT;
#else
/* Built into the program. */
IOURINGINLINE struct io_uring_sqe *io_uring_get_sqe(struct io_uring *ring) LIBURING_NOEXCEPT
{
	return _io_uring_get_sqe(ring);
}
#endif

/*
 * The same for an entry of 128 bytes: any of a ring with IORING_SETUP_SQE128, two places of one with
 * IORING_SETUP_SQE_MIXED (Linux 6.19), else NULL. Where the two would lie at the end and the beginning of the ring, the
 * last place gets a request that does nothing and has no completion.
 */
IOURINGINLINE struct io_uring_sqe *io_uring_get_sqe128(struct io_uring *ring) LIBURING_NOEXCEPT
{
	struct io_uring_sq *sq = &ring->sq;
	struct io_uring_sqe *sqe;
	unsigned tail, filler;

	if (ring->flags & IORING_SETUP_SQE128)
		return _io_uring_get_sqe(ring);
	if (!(ring->flags & IORING_SETUP_SQE_MIXED))
		return URING_NULL__;

	tail = sq->sqe_tail;
	filler = (tail & sq->ring_mask) == sq->ring_mask;
	if (tail - io_uring_load_sq_head(ring) + filler + 2 > sq->ring_entries)
		return URING_NULL__;
	if (filler) {
		sqe = _io_uring_get_sqe(ring);
		io_uring_prep_nop(sqe);
		sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
		sqe->user_data = 0;
		tail++;
	}
	sqe = &sq->sqes[tail & sq->ring_mask];
	sq->sqe_tail = tail + 2;
	io_uring_initialize_sqe(sqe);
	return sqe;
}

#ifdef __cplusplus
}
#endif

#undef IOURINGINLINE
#undef _LOCAL_INLINE
#undef URING_NUM__
#undef URING_PTR__
#undef URING_NULL__

#endif
