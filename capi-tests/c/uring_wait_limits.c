// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waits with the limits at their edges: no time, all time, no time at all; more than can come; signals. */
#include "uring_check.h"

#include <limits.h>
#include <sys/time.h>

static struct io_uring ring;
static volatile sig_atomic_t caught;

static void handler(int signo)
{
	(void)signo;
	caught++;
}

static void alarm_in(long after)
{
	struct itimerval timer;

	memset(&timer, 0, sizeof(timer));
	timer.it_value.tv_usec = after * 1000;
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void with(unsigned flags)
{
	struct __kernel_timespec ts;
	struct io_uring_cqe *cqe;
	int i;

	make(&ring, 8, flags);
	/* No time: a look. */
	ts = ms(0);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 3, &ts, NULL), -ETIME);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -ETIME);
	/* What was handed over counts more than that the time is over. */
	nops(&ring, 1, 1);
	cqe = (struct io_uring_cqe *)&ring;
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 2, &ts, NULL), 1);
	CHECK(cqe != NULL && cqe->user_data == 1);
	io_uring_cqe_seen(&ring, cqe);

	/* A time before now is over. */
	for (i = 0; i < 2; i++) {
		ts.tv_sec = i - 1;
		ts.tv_nsec = -i;
		CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	}

	/* As good as for ever: a signal ends it. */
	ts.tv_sec = LLONG_MAX;
	ts.tv_nsec = 999999999;
	caught = 0;
	alarm_in(30);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -EINTR);
	CHECK(cqe == NULL);
	CHECK_EQ(caught, 1);
	alarm_in(30);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -EINTR);
	alarm_in(30);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, NULL, NULL), -EINTR);
	alarm_in(30);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, NULL, NULL), -EINTR);
	alarm_in(30);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 1), -EINTR);
	CHECK_EQ(caught, 5);
	/* What was handed over counts more than the signal, too. */
	nops(&ring, 2, 2);
	alarm_in(30);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 2);
	CHECK_EQ(caught, 6);
	io_uring_cq_advance(&ring, 2);

	/* A wait for more than the queue holds ends when it is full. */
	nops(&ring, 8, 10);
	CHECK_EQ(io_uring_submit(&ring), 8);
	nops(&ring, 8, 18);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1000), 8);
	CHECK_EQ(io_uring_cq_ready(&ring), 16);
	for (i = 0; i < 16; i++)
		CHECK_EQ(take(&ring).user_data, 10 + i);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	with(0);
	with(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	with(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);
	return 0;
}
