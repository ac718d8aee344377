// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waits without a limit that the kernel ends too early: they go on, and what was handed over is counted. */
#include "uring_check.h"

#include <sys/time.h>
#include <sys/timerfd.h>

static void handler(int signo)
{
	(void)signo;
}

/* Signals after `first` ms and from then on every `next` ms, 0 for no more. */
static void signals(long first, long next)
{
	struct itimerval timer;

	timer.it_value.tv_sec = timer.it_interval.tv_sec = 0;
	timer.it_value.tv_usec = first * 1000;
	timer.it_interval.tv_usec = next * 1000;
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* A request that completes after `after` ms and, unlike a time-out, does not end a wait for more. */
static int prepare_later(struct io_uring *ring, long after)
{
	static uint64_t ticks;
	struct itimerspec when;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(fd >= 0);
	memset(&when, 0, sizeof(when));
	when.it_value.tv_nsec = after * 1000000;
	CHECK(timerfd_settime(fd, 0, &when, NULL) == 0);
	io_uring_prep_read(next(ring), fd, &ticks, sizeof(ticks), 0);
	return fd;
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct sigaction action;
	struct __kernel_timespec ts[3];
	int i, ret, fds[2];

	make(&ring, 8, 0);
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);

	/* The kernel comes back when a time-out has completed. */
	for (i = 0; i < 3; i++) {
		ts[i] = ms(30 * (i + 1));
		io_uring_prep_timeout(next(&ring), &ts[i], 0, 0);
	}
	CHECK_EQ(io_uring_submit(&ring), 3);
	cqe = NULL;
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 2), 0);
	CHECK(cqe != NULL);
	CHECK_GE(io_uring_cq_ready(&ring), 2);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 3), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 3);
	io_uring_cq_advance(&ring, 3);
	for (i = 0; i < 2; i++)
		io_uring_prep_timeout(next(&ring), &ts[i], 0, 0);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, NULL, NULL), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	io_uring_cq_advance(&ring, 2);

	/* A signal between the first and the second completion. */
	fds[0] = prepare_later(&ring, 40);
	fds[1] = prepare_later(&ring, 240);
	signals(140, 0);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 2), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	io_uring_cq_advance(&ring, 2);
	close(fds[0]);
	close(fds[1]);

	/* But not twice: where the first was there before, the program learns of the signal. */
	fds[0] = prepare_later(&ring, 400);
	nops(&ring, 1, 1);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	signals(50, 0);
	cqe = NULL;
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 2), 0);
	CHECK(cqe != NULL);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 2), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 2);
	io_uring_cq_advance(&ring, 2);
	close(fds[0]);

	/* What is behind a wrong request goes in, too. */
	nops(&ring, 1, 1);
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->opcode = 255;
	nops(&ring, 2, 3);
	cqe = NULL;
	ret = io_uring_submit_and_wait_timeout(&ring, &cqe, 4, NULL, NULL);
	/* All, or those up to the wrong one. */
	CHECK(ret == 4 || ret == 2);
	CHECK(cqe != NULL);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	io_uring_cq_advance(&ring, 4);

	/* Two signals, the first of which ends the call that takes the request. */
	fds[0] = prepare_later(&ring, 400);
	signals(50, 100);
	cqe = (struct io_uring_cqe *)&ring;
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, NULL), 1);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	/* With nothing to hand over the same is an error. */
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, NULL), -EINTR);
	signals(0, 0);
	CHECK_EQ(take(&ring).res, 8);
	close(fds[0]);
	io_uring_queue_exit(&ring);
	return 0;
}
