/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IO_CMD_POLL: at once, later, once; what the result holds; which masks and files are accepted. */
#include "aio_check.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static io_context_t ctx;
static struct io_event events[8];

static long poll_result(int fd, int mask, int line)
{
	struct iocb iocb;

	io_prep_poll(&iocb, fd, mask);
	iocb.data = (void *)(uintptr_t)line;
	return event_of(ctx, &iocb, line);
}

#define POLL_IS(fd, mask, result) CHECK_EQ(poll_result(fd, mask, __LINE__), result)

static void poll_pending(struct iocb *iocb, int fd, int mask)
{
	io_prep_poll(iocb, fd, mask);
	CHECK_EQ(submit_one(ctx, iocb), 1);
	CHECK_PENDING(ctx);
}

static void cancelled(struct iocb *iocb)
{
	CHECK_EQ(io_cancel(ctx, iocb, &events[0]), -EINPROGRESS);
	reap(ctx, 1, events);
	CHECK(events[0].obj == iocb);
	CHECK_EQ(events[0].res, 0);
}

static void refused(int fd, int mask, int error)
{
	struct iocb iocb;

	io_prep_poll(&iocb, fd, mask);
	SUBMIT_IS(ctx, &iocb, error);
}

static void pipes(void)
{
	int fd[2];
	char byte;
	struct iocb iocb[2];

	CHECK(pipe(fd) == 0);
	/* Empty: no input; room to write; nothing to read at the write end; no bits at all. */
	poll_pending(&iocb[0], fd[0], POLLIN);
	cancelled(&iocb[0]);
	POLL_IS(fd[1], POLLOUT, POLLOUT);
	poll_pending(&iocb[0], fd[1], POLLIN);
	cancelled(&iocb[0]);
	poll_pending(&iocb[0], fd[0], 0);
	cancelled(&iocb[0]);

	/* Only the low 16 bits make a mask. */
	refused(fd[0], 0x10001, -EINVAL);
	refused(fd[0], (int)(1u << 31), -EINVAL);
	refused(fd[0], 1 << 30, -EINVAL);
	refused(9999, POLLIN, -EBADF);
	/* Nor do other fields hold anything. */
	io_prep_poll(&iocb[0], fd[0], POLLIN);
	iocb[0].u.c.nbytes = 1;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);
	io_prep_poll(&iocb[0], fd[0], POLLIN);
	iocb[0].u.c.offset = 1;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);
	io_prep_poll(&iocb[0], fd[0], POLLIN);
	iocb[0].aio_rw_flags = 1;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);

	/* True later: one event, and no second one. */
	poll_pending(&iocb[0], fd[0], POLLIN);
	CHECK_EQ(write(fd[1], "a", 1), 1);
	reap(ctx, 1, events);
	CHECK(events[0].obj == &iocb[0] && events[0].res2 == 0);
	CHECK_EQ(events[0].res & POLLIN, POLLIN);
	CHECK_EQ(events[0].res & ~(unsigned long)(POLLIN | POLLRDNORM), 0);
	CHECK_EQ(write(fd[1], "b", 1), 1);
	CHECK_PENDING(ctx);

	/* Data is there: only what was asked for is told. */
	POLL_IS(fd[0], POLLIN, POLLIN);
	POLL_IS(fd[0], POLLIN | POLLRDNORM, POLLIN | POLLRDNORM);
	POLL_IS(fd[0], 0xffff, POLLIN | POLLRDNORM);
	poll_pending(&iocb[0], fd[0], POLLPRI);
	CHECK_EQ(write(fd[1], "c", 1), 1);
	CHECK_PENDING(ctx);
	cancelled(&iocb[0]);

	/* Two requests on one descriptor are both answered by one write. */
	CHECK_EQ(read(fd[0], &byte, 1) + read(fd[0], &byte, 1) + read(fd[0], &byte, 1), 3);
	poll_pending(&iocb[0], fd[0], POLLIN);
	poll_pending(&iocb[1], fd[0], POLLIN | POLLPRI);
	CHECK_EQ(write(fd[1], "d", 1), 1);
	reap(ctx, 2, events);
	CHECK(events[0].obj != events[1].obj);
	CHECK_EQ(events[0].res & POLLIN, POLLIN);
	CHECK_EQ(events[1].res & POLLIN, POLLIN);
	CHECK_EQ(read(fd[0], &byte, 1), 1);

	/* The other end goes away: POLLHUP and POLLERR come unasked. */
	poll_pending(&iocb[0], fd[0], POLLIN);
	close(fd[1]);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res & POLLHUP, POLLHUP);
	POLL_IS(fd[0], POLLIN, POLLHUP);
	POLL_IS(fd[0], 0, POLLHUP);
	close(fd[0]);
	CHECK(pipe(fd) == 0);
	close(fd[0]);
	POLL_IS(fd[1], POLLOUT, POLLOUT | POLLERR);
	close(fd[1]);
}

/* The C library's short cut, with a timeout of zero and an empty ring, is no other while a poll is pending. */
static void short_cut(void)
{
	struct timespec now = {0, 0};
	struct iocb iocb;
	int pipe_fd[2];

	CHECK(pipe(pipe_fd) == 0);
	poll_pending(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(io_getevents(ctx, 2, 1, events, &now), 0);
	CHECK_EQ(io_getevents(ctx, -1, 1, events, &now), 0);
	CHECK_EQ(io_pgetevents(ctx, 0, 1, events, &now, (sigset_t *)KERNEL_ADDRESS), 0);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	CHECK_EQ(io_getevents(ctx, 2, 1, events, &now), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, &now), 1);
	CHECK(events[0].obj == &iocb);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void files(void)
{
	int fd = temp_file(100, 1), dir = open(".", O_RDONLY), null_fd = open("/dev/null", O_RDWR);

	POLL_IS(fd, POLLIN, POLLIN);
	POLL_IS(fd, POLLOUT, POLLOUT);
	refused(fd, POLLPRI, -EINVAL);
	refused(fd, 0, -EINVAL);
	POLL_IS(dir, POLLIN, POLLIN);
	POLL_IS(null_fd, POLLIN, POLLIN);
	close(fd);
	close(dir);
	close(null_fd);
}

static void others(void)
{
	int socket_fd[2], event_fd = eventfd(0, 0), timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
	int epoll_fd = epoll_create1(0), tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct itimerspec soon = {{0, 0}, {0, 50000000}};
	uint64_t one = 1;
	struct iocb iocb;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	POLL_IS(socket_fd[0], POLLOUT, POLLOUT);
	poll_pending(&iocb, socket_fd[0], POLLIN);
	CHECK_EQ(write(socket_fd[1], "x", 1), 1);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res & POLLIN, POLLIN);
	POLL_IS(socket_fd[0], POLLIN, POLLIN);
	poll_pending(&iocb, socket_fd[0], POLLRDHUP);
	CHECK(shutdown(socket_fd[1], SHUT_WR) == 0);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res & POLLRDHUP, POLLRDHUP);

	CHECK(tcp >= 0 && udp >= 0);
	POLL_IS(tcp, POLLIN, POLLHUP);
	poll_pending(&iocb, udp, POLLIN);
	cancelled(&iocb);

	POLL_IS(event_fd, POLLIN | POLLOUT, POLLOUT);
	poll_pending(&iocb, event_fd, POLLIN);
	CHECK_EQ(write(event_fd, &one, 8), 8);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res, POLLIN);

	poll_pending(&iocb, timer_fd, POLLIN);
	CHECK(timerfd_settime(timer_fd, 0, &soon, NULL) == 0);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res, POLLIN);

	poll_pending(&iocb, epoll_fd, POLLIN);
	cancelled(&iocb);
}

int main(void)
{
	ctx = setup(16);
	pipes();
	short_cut();
	files();
	others();
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
