// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A signal ends a wait with -EINTR; a mask for the time of the wait lets it in or keeps it out. */
#include "uring_check.h"

#include <sys/time.h>

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

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct sigaction action;
	struct __kernel_timespec ts = ms(10000), brief = ms(100);
	sigset_t none, alarm_only, now;
	long start;

	make(&ring, 8, 0);
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	sigemptyset(&none);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);

	alarm_in(50);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), -EINTR);
	CHECK_EQ(caught, 1);
	alarm_in(50);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -EINTR);
	CHECK_EQ(caught, 2);
	alarm_in(50);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), -EINTR);
	CHECK_EQ(caught, 3);

	/* Blocked, but not while waiting. */
	CHECK(sigprocmask(SIG_BLOCK, &alarm_only, NULL) == 0);
	alarm_in(50);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, NULL, &none), -EINTR);
	CHECK_EQ(caught, 4);
	alarm_in(50);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &ts, &none), -EINTR);
	CHECK_EQ(caught, 5);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
	CHECK_EQ(sigismember(&now, SIGALRM), 1);

	/* The other way round. */
	CHECK(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
	start = now_ms();
	alarm_in(20);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 1, &brief, &alarm_only), -ETIME);
	CHECK_ELAPSED(start, 100);
	CHECK_EQ(caught, 6);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
	CHECK_EQ(sigismember(&now, SIGALRM), 0);

	/* The ring is none the worse for it. */
	nops(&ring, 1, 8);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).user_data, 8);
	io_uring_queue_exit(&ring);
	return 0;
}
