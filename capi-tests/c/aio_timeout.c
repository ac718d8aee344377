/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Timeouts of io_getevents: ordinary, negative, huge, not normalised; the structure is never changed. */
#include "aio_check.h"

#include <limits.h>
#include <poll.h>

static io_context_t ctx;
static int pipe_fd[2];

/* Waits with a timeout that means "for ever" for an event that comes 100 ms later. */
static void waits_for_event(long seconds, long nanoseconds)
{
	struct timespec timeout = {seconds, nanoseconds};
	struct io_event event;
	struct iocb iocb;
	pid_t child;
	char byte;
	long start;

	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	start = now_ms();
	child = fork();
	if (child == 0) {
		sleep_ms(100);
		_exit(write(pipe_fd[1], "x", 1) == 1 ? 0 : 1);
	}
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &timeout), 1);
	CHECK_ELAPSED(start, 95);
	CHECK_EQ(timeout.tv_sec, seconds);
	CHECK_EQ(timeout.tv_nsec, nanoseconds);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	wait_exit(child, 0);
}

static void waits_for(long seconds, long nanoseconds, long ms)
{
	struct timespec timeout = {seconds, nanoseconds};
	struct io_event event;
	long start = now_ms();

	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &timeout), 0);
	CHECK_ELAPSED(start, ms);
	CHECK_EQ(timeout.tv_sec, seconds);
	CHECK_EQ(timeout.tv_nsec, nanoseconds);
}

int main(void)
{
	struct timespec negative = {-1, 0};
	struct io_event event;
	struct iocb iocb;

	ctx = setup(4);
	CHECK(pipe(pipe_fd) == 0);
	waits_for(0, 100000000, 100);
	waits_for(0, 1, 0);
	waits_for(0, 0, 0);
	waits_for(0, 1100000000, 1100);

	waits_for_event(5, 0);
	waits_for_event(-1, 0);
	waits_for_event(0, -1);
	waits_for_event(-1, 999999999);
	waits_for_event(LONG_MAX, 0);
	waits_for_event(LONG_MAX, 999999999);

	io_prep_poll(&iocb, pipe_fd[1], POLLOUT);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &negative), 1);
	CHECK_EQ(event.res, POLLOUT);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
