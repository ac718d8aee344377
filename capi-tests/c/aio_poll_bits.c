/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The exact bits a poll reports when it comes true while it waits: those of the wake-up, asked for or not. */
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static io_context_t ctx;
static struct iocb iocb;

static void wait_for(int fd, int mask)
{
	io_prep_poll(&iocb, fd, mask);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(ready(ctx), 0);
}

static unsigned long bits(void)
{
	struct io_event event;

	reap(ctx, 1, &event);
	CHECK(event.obj == &iocb);
	return event.res;
}

int main(void)
{
	int pipe_fd[2], socket_fd[2], timer_fd = timerfd_create(CLOCK_MONOTONIC, 0), event_fd = eventfd(0, 0);
	struct itimerspec soon = {{0, 0}, {0, 20000000}};
	uint64_t one = 1;
	char byte;

	ctx = setup(4);
	CHECK(pipe(pipe_fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);

	wait_for(pipe_fd[0], POLLIN);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	CHECK_EQ(bits(), POLLIN | POLLRDNORM);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	wait_for(pipe_fd[0], POLLIN | POLLPRI);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	CHECK_EQ(bits(), POLLIN | POLLRDNORM);

	wait_for(timer_fd, POLLIN);
	CHECK(timerfd_settime(timer_fd, 0, &soon, NULL) == 0);
	CHECK_EQ(bits(), POLLIN);
	wait_for(event_fd, POLLIN);
	CHECK_EQ(write(event_fd, &one, 8), 8);
	CHECK_EQ(bits(), POLLIN);

	wait_for(socket_fd[0], POLLIN);
	CHECK_EQ(write(socket_fd[1], "x", 1), 1);
	CHECK_EQ(bits(), POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND);
	wait_for(socket_fd[0], POLLRDHUP);
	CHECK(shutdown(socket_fd[1], SHUT_WR) == 0);
	CHECK_EQ(bits(), POLLRDHUP);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
