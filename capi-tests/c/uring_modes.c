// oracle: no (needs what 2.3 does not know)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Modes that newer kernels have: refused by name where they are unknown or misused, at work where they are known. */
#include "uring_check.h"

#include <sys/time.h>

static struct io_uring ring;

static int refusal(unsigned flags)
{
	struct io_uring_params params;
	int ret;

	memset(&params, 0, sizeof(params));
	params.flags = flags;
	ret = io_uring_queue_init_params(8, &ring, &params);
	if (ret == 0)
		io_uring_queue_exit(&ring);
	return ret;
}

/* A ring that is entered by its index, or polled, or has entries of two sizes, and is used in turns. */
static void turns(unsigned flags)
{
	struct __kernel_timespec ts = ms(5);
	struct io_uring_cqe *cqe;
	unsigned i;

	make(&ring, 4, flags);
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	for (i = 0; i < 20; i++) {
		nops(&ring, 4, i);
		CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 4, &ts, NULL), 4);
		CHECK_EQ(cqe->user_data, i);
		io_uring_cq_advance(&ring, 4);
		CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
		CHECK_EQ(io_uring_get_events(&ring), 0);
	}
	/* A wait for nothing, or for what is there, hands over. */
	for (i = 0; i < 2; i++) {
		nops(&ring, 2, 30 + i);
		CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 2 * i, &ts, NULL), 2);
		CHECK_EQ(io_uring_sq_ready(&ring), 0);
		CHECK_EQ(io_uring_get_events(&ring), 0);
		CHECK_EQ(io_uring_cq_ready(&ring), 2 + 2 * i);
	}
	io_uring_queue_exit(&ring);
}

/* A wait until a moment, which only the system call itself offers. */
static void until(void)
{
	struct io_uring_getevents_arg arg;
	struct __kernel_timespec ts;
	struct timespec now;
	long start = now_ms();
	int ret;

	make(&ring, 4, 0);
	memset(&arg, 0, sizeof(arg));
	clock_gettime(CLOCK_MONOTONIC, &now);
	ts.tv_sec = now.tv_sec;
	ts.tv_nsec = now.tv_nsec + 50000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	arg.ts = (uintptr_t)&ts;
	ret = io_uring_enter2((unsigned)ring.ring_fd, 0, 1,
			      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_ABS_TIMER, &arg, sizeof(arg));
	if (ret != -EINVAL) {
		CHECK_EQ(ret, -ETIME);
		CHECK_ELAPSED(start, 50);
		ret = io_uring_enter2((unsigned)ring.ring_fd, 0, 1,
				      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_ABS_TIMER, &arg,
				      sizeof(arg));
		CHECK_EQ(ret, -ETIME);
	}
	/* An argument of another size. */
	CHECK_EQ(io_uring_enter2((unsigned)ring.ring_fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, 8),
		 -EINVAL);
	CHECK_EQ(io_uring_enter((unsigned)ring.ring_fd, 0, 0, 1U << 31, NULL), -EINVAL);
	CHECK_EQ(io_uring_enter(~0U, 0, 0, 0, NULL), -EBADF);
	io_uring_queue_exit(&ring);
}

static void handler(int signo)
{
	(void)signo;
}

/* A wait that is content with less after a while, at its edges. */
static void least(unsigned flags)
{
	struct __kernel_timespec ts = ms(200);
	struct itimerval timer;
	struct sigaction action;
	struct io_uring_cqe *cqe;
	long start;

	make(&ring, 8, flags);
	if (!(ring.features & IORING_FEAT_MIN_TIMEOUT)) {
		io_uring_queue_exit(&ring);
		return;
	}
	/* With enough there, it is over at once. */
	nops(&ring, 4, 1);
	start = now_ms();
	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 4, &ts, 100000, NULL), 4);
	CHECK_LE(now_ms() - start, 90);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 4, &ts, 100000, NULL), 0);
	/* Three of five after the while, not after the whole time. */
	io_uring_cq_advance(&ring, 1);
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 5, &ts, 20000, NULL), 0);
	CHECK_EQ(cqe->user_data, 2);
	CHECK_GE(now_ms() - start, 15);
	CHECK_LE(now_ms() - start, 190);
	io_uring_cq_advance(&ring, 3);
	/* A signal ends it. */
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	memset(&timer, 0, sizeof(timer));
	timer.it_value.tv_usec = 50000;
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 2, NULL, 5000000, NULL), -EINTR);
	CHECK(cqe == NULL);
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 2, NULL, 5000000, NULL), -EINTR);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	make(&ring, 8, 0);
	io_uring_queue_exit(&ring);
	/* What needs another flag beside it. */
	CHECK_EQ(refusal(IORING_SETUP_HYBRID_IOPOLL), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_DEFER_TASKRUN), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_TASKRUN_FLAG), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_SQ_AFF), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_SQPOLL | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_CQE32 | IORING_SETUP_CQE_MIXED), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_SQE128 | IORING_SETUP_SQE_MIXED), -EINVAL);
	CHECK_EQ(refusal(IORING_SETUP_SQPOLL | IORING_SETUP_SQ_REWIND), -EINVAL);
	CHECK_EQ(refusal(1U << 31), -EINVAL);

	turns(0);
	turns(IORING_SETUP_SQE128);
	turns(IORING_SETUP_CQE32);
	turns(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	/* No other size of request comes of it by chance. */
	if (refusal(IORING_SETUP_SQE_MIXED) == 0)
		turns(IORING_SETUP_SQE_MIXED);
	if (refusal(IORING_SETUP_SQ_REWIND) == 0)
		turns(IORING_SETUP_SQ_REWIND);
	until();
	least(0);
	least(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	return 0;
}
