/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the liburing face share. */
#ifndef URING_CHECK_H
#define URING_CHECK_H

#include <liburing.h>
#include <sys/uio.h>

#include "check.h"
#include "filter.h"

/* Makes a ring with the parameters. A machine that has no io_uring or not these flags skips the test. */
MAYBE_UNUSED static void make_params(struct io_uring *ring, unsigned entries, struct io_uring_params *params)
{
	int ret = io_uring_queue_init_params(entries, ring, params);

	if (ret == -EPERM || ret == -ENOSYS)
		SKIP("io_uring is not allowed here: %d", ret);
	if (ret == -EINVAL && (params->flags & ~(unsigned)IORING_SETUP_CQSIZE))
		SKIP("the kernel does not know the flags %#x", params->flags);
	CHECK_EQ(ret, 0);
}

MAYBE_UNUSED static void make(struct io_uring *ring, unsigned entries, unsigned flags)
{
	struct io_uring_params params;

	memset(&params, 0, sizeof(params));
	params.flags = flags;
	make_params(ring, entries, &params);
}

MAYBE_UNUSED static struct io_uring_sqe *next(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	CHECK(sqe != NULL);
	return sqe;
}

struct completion {
	__u64 user_data;
	int res;
	unsigned flags;
};

/* Waits for a completion, copies it, gives it back. */
MAYBE_UNUSED static struct completion take(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = NULL;
	struct completion copy;

	CHECK_EQ(io_uring_wait_cqe(ring, &cqe), 0);
	CHECK(cqe != NULL);
	copy.user_data = cqe->user_data;
	copy.res = cqe->res;
	copy.flags = cqe->flags;
	io_uring_cqe_seen(ring, cqe);
	return copy;
}

/* Submits the one request that is prepared; its result. */
MAYBE_UNUSED static int run_one(struct io_uring *ring, struct io_uring_sqe *sqe)
{
	static uint64_t number = 1000000;
	struct completion cqe;

	io_uring_sqe_set_data64(sqe, ++number);
	CHECK_EQ(io_uring_submit(ring), 1);
	cqe = take(ring);
	CHECK_EQ(cqe.user_data, number);
	return cqe.res;
}

/* Prepares n requests that do nothing, with user data from `first` on. */
MAYBE_UNUSED static void nops(struct io_uring *ring, unsigned n, uint64_t first)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = next(ring);

		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, first + i);
	}
}

/* Skips the test if the kernel lacks an operation. */
MAYBE_UNUSED static void need_op(struct io_uring *ring, int op)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);

	if (!probe || !io_uring_opcode_supported(probe, op))
		SKIP("the kernel lacks operation %d", op);
	io_uring_free_probe(probe);
}

/*
 * Looks for completions, of which so many are there, and sees that no system call is made for it: its error would not be
 * seen, so a child looks, which dies of a call.
 */
MAYBE_UNUSED static void look_without_call(struct io_uring *ring, unsigned there)
{
	struct io_uring_cqe *cqes[16];
	pid_t child = fork();
	int status;

	CHECK_GE(child, 0);
	if (child == 0) {
		filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_KILL_PROCESS, 0);
		_exit(io_uring_peek_batch_cqe(ring, cqes, COUNT_OF(cqes)) != there);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

MAYBE_UNUSED static struct __kernel_timespec ms(long long n)
{
	struct __kernel_timespec ts;

	ts.tv_sec = n / 1000;
	ts.tv_nsec = n % 1000 * 1000000;
	return ts;
}

#endif
