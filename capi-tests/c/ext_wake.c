/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waking a waiter: from threads, from signal handlers, before the wait, on rings of every kind, on kernels that are older. */
#include <aiouring.h>
#include <pthread.h>

#include "kernel.h"
#include "uring_check.h"

static struct io_uring ring;

static void *wake_later(void *arg)
{
	sleep_ms(20);
	CHECK_EQ(aiouring_wake(&ring, (__u64)(uintptr_t)arg, -7), 0);
	return NULL;
}

static void on_signal(int signo)
{
	int before = errno;

	if (aiouring_wake(&ring, (__u64)signo, 1))
		_exit(1);
	errno = before;
}

static void each_kind(unsigned flags)
{
	struct io_uring_cqe *cqe;
	struct completion got;
	struct sigaction action;
	pthread_t thread;
	int i;

	make(&ring, 4, flags);
	/* A thread that waits returns. */
	for (i = 1; i < 4; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, wake_later, (void *)(intptr_t)i), 0);
		got = take(&ring);
		CHECK_EQ(got.user_data, i);
		CHECK_EQ(got.res, -7);
		CHECK_EQ(got.flags, 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	/* What comes before the wait is not lost, nor made one. */
	for (i = 0; i < 20; i++)
		CHECK_EQ(aiouring_wake(&ring, (__u64)i, i), 0);
	for (i = 0; i < 20; i++) {
		got = take(&ring);
		CHECK_EQ(got.user_data, i);
		CHECK_EQ(got.res, i);
	}
	/* What is prepared is left alone. */
	nops(&ring, 4, 50);
	CHECK_EQ(aiouring_wake(&ring, 1, 2), 0);
	CHECK_EQ(take(&ring).user_data, 1);
	CHECK_EQ(io_uring_submit(&ring), 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(take(&ring).user_data, 50 + i);

	/* A handler that interrupts the wait: it ends with EINTR, as waits do, and the next one at once. */
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, SIGUSR1);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	io_uring_queue_exit(&ring);
}

/* As many threads as there are wakes, and a queue that is too small for them. */
static void crowd(unsigned flags)
{
	pthread_t threads[8];
	unsigned seen = 0, i;

	make(&ring, 1, flags);
	for (i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, wake_later, (void *)(uintptr_t)i), 0);
	for (i = 0; i < 8; i++)
		seen |= 1U << take(&ring).user_data;
	CHECK_EQ(seen, 0xff);
	for (i = 0; i < 8; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	io_uring_queue_exit(&ring);
}

static void refusals(void)
{
	struct io_uring_params params;
	struct io_uring none;
	int ret;

	memset(&none, 0, sizeof(none));
	CHECK_EQ(aiouring_wake(&none, 1, 1), -EBADF);
	CHECK_EQ(aiouring_wake(NULL, 1, 1), -EINVAL);

	make(&ring, 4, IORING_SETUP_R_DISABLED);
	CHECK_EQ(aiouring_wake(&ring, 1, 1), -EBADFD);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	CHECK_EQ(aiouring_wake(&ring, 1, 1), 0);
	CHECK_EQ(take(&ring).user_data, 1);

	/* By the number of the descriptor, however the ring is entered; without one there is no way. */
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	CHECK_EQ(aiouring_wake(&ring, 2, 1), 0);
	CHECK_EQ(take(&ring).user_data, 2);
	ret = io_uring_close_ring_fd(&ring);
	if (ret == 1)
		CHECK_EQ(aiouring_wake(&ring, 1, 1), -EBADF);
	io_uring_queue_exit(&ring);

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY;
	if (io_uring_queue_init_params(4, &ring, &params) == 0) {
		CHECK_EQ(aiouring_wake(&ring, 1, 1), -EBADF);
		io_uring_queue_exit(&ring);
	}
	CHECK_EQ(aiouring_wake(&ring, 1, 1), -EBADF);
}

/* A child has its parent's rings, too. */
static void from_a_child(void)
{
	pid_t child;

	make(&ring, 4, 0);
	child = fork();
	CHECK_GE(child, 0);
	if (child == 0) {
		watchdog();
		_exit(aiouring_wake(&ring, 77, 0) != 0);
	}
	CHECK_EQ(take(&ring).user_data, 77);
	wait_exit(child, 0);
	io_uring_queue_exit(&ring);
}

static int setup_refusal;

static long old_kernel(const struct call *call)
{
	if (call->nr == __NR_io_uring_setup && setup_refusal)
		return setup_refusal;
	if (call->nr == __NR_io_uring_register && (unsigned)call->args[1] == IORING_REGISTER_SEND_MSG_RING)
		return -EINVAL;
	return real(call);
}

int main(void)
{
	static const unsigned kinds[] = {
		0,
		IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SQPOLL,
		IORING_SETUP_CQE32,
	};
	unsigned i;

	for (i = 0; i < COUNT_OF(kinds); i++)
		each_kind(kinds[i]);
	crowd(0);
	crowd(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	refusals();
	from_a_child();

	/* Before 6.13 a ring sends it. */
	answer = old_kernel;
	play_kernel();
	for (i = 0; i < COUNT_OF(kinds); i++)
		each_kind(kinds[i]);
	refusals();
	make(&ring, 4, 0);
	setup_refusal = -EMFILE;
	CHECK_EQ(aiouring_wake(&ring, 1, 1), -EMFILE);
	io_uring_queue_exit(&ring);
	return 0;
}
