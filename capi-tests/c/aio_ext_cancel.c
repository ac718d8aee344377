/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel: what it answers, which polls it means, and one event for each with -ECANCELED. */
#include <aiouring.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "aio_check.h"

enum { BLOCK = 4096, DEPTH = 64, MANY = 300 };

static int by_iocb(io_context_t ctx, struct iocb *iocb)
{
	return aiouring_cancel(ctx, iocb, -1, AIOURING_CANCEL_IOCB, NULL);
}

static int by_fd(io_context_t ctx, int fd)
{
	return aiouring_cancel(ctx, NULL, fd, AIOURING_CANCEL_FD, NULL);
}

static int all(io_context_t ctx)
{
	return aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_ALL, NULL);
}

static void poll_of(struct iocb *iocb, int fd, size_t data)
{
	io_prep_poll(iocb, fd, POLLIN);
	iocb->data = (void *)data;
}

static void arguments(io_context_t ctx)
{
	io_context_t bad[] = {NULL, (io_context_t)-1, (io_context_t)pages(4096)};
	struct timespec time = {0, 0}, wrong[] = {{-1, 0}, {0, -1}, {0, 1000000000}};
	struct iocb iocb;
	unsigned int flags;
	size_t i;

	memset(&iocb, 0, sizeof(iocb));
	for (i = 0; i < COUNT_OF(bad); i++) {
		CHECK_EQ(by_iocb(bad[i], &iocb), -EINVAL);
		CHECK_EQ(by_fd(bad[i], 0), -EINVAL);
		CHECK_EQ(all(bad[i]), -EINVAL);
	}
	for (flags = 0; flags < 64; flags++) {
		unsigned int which = flags & ~AIOURING_CANCEL_WAIT;
		int valid = which == AIOURING_CANCEL_IOCB || which == AIOURING_CANCEL_FD || which == AIOURING_CANCEL_ALL;

		CHECK_EQ(aiouring_cancel(ctx, &iocb, 0, flags, NULL), valid ? -ENOENT : -EINVAL);
	}
	CHECK_EQ(aiouring_cancel(ctx, &iocb, 0, 1U << 31 | AIOURING_CANCEL_ALL, NULL), -EINVAL);
	CHECK_EQ(by_iocb(ctx, NULL), -EINVAL);
	/* Its memory is not looked at. */
	CHECK_EQ(by_iocb(ctx, (struct iocb *)(void *)KERNEL_ADDRESS), -ENOENT);
	CHECK_EQ(by_iocb(ctx, (struct iocb *)(void *)hole()), -ENOENT);
	CHECK_EQ(by_fd(ctx, -1), -EINVAL);
	CHECK_EQ(by_fd(ctx, INT32_MIN), -EINVAL);
	CHECK_EQ(by_fd(ctx, 1 << 30), -ENOENT);

	flags = AIOURING_CANCEL_ALL;
	CHECK_EQ(aiouring_cancel(ctx, NULL, 0, flags, &time), -EINVAL);
	flags |= AIOURING_CANCEL_WAIT;
	CHECK_EQ(aiouring_cancel(ctx, NULL, 0, flags, &time), -ENOENT);
	for (i = 0; i < COUNT_OF(wrong); i++)
		CHECK_EQ(aiouring_cancel(ctx, NULL, 0, flags, &wrong[i]), -EINVAL);
	CHECK_EQ(aiouring_cancel(ctx, NULL, 0, flags, (struct timespec *)(void *)hole()), -EFAULT);
	time.tv_sec = INT64_MAX;
	CHECK_EQ(aiouring_cancel(ctx, NULL, 0, flags, &time), -ENOENT);
}

static void cancelled(io_context_t ctx, long count, const struct iocb *iocb, size_t sum)
{
	struct io_event events[DEPTH];
	size_t found = 0;
	long i;

	reap(ctx, count, events);
	for (i = 0; i < count; i++) {
		CHECK_EQ((int64_t)events[i].res, -ECANCELED);
		CHECK_EQ(events[i].res2, 0);
		CHECK(iocb == NULL || events[i].obj == iocb);
		found += (size_t)events[i].data;
	}
	CHECK_EQ(found, sum);
	CHECK_PENDING(ctx);
}

static void polls(io_context_t ctx, io_context_t other)
{
	struct iocb iocb[8], *list[8];
	struct io_event event;
	int pipes[2][2], fd;
	size_t i;

	for (i = 0; i < 2; i++)
		CHECK(pipe(pipes[i]) == 0);
	/* Never submitted; of another context; once; over. */
	poll_of(&iocb[0], pipes[0][0], 1);
	CHECK_EQ(by_iocb(ctx, &iocb[0]), -ENOENT);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(by_iocb(other, &iocb[0]), -ENOENT);
	CHECK_EQ(by_fd(other, pipes[0][0]), -ENOENT);
	CHECK_EQ(all(other), -ENOENT);
	CHECK_EQ(by_fd(ctx, pipes[1][0]), -ENOENT);
	CHECK_EQ(by_iocb(ctx, &iocb[1]), -ENOENT);
	CHECK_EQ(by_iocb(ctx, &iocb[0]), 1);
	cancelled(ctx, 1, &iocb[0], 1);
	CHECK_EQ(by_iocb(ctx, &iocb[0]), -ENOENT);

	/* The iocb is the caller's again: what is in it does not count. */
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	memset(&iocb[0], 0x55, sizeof(iocb[0]));
	CHECK_EQ(by_iocb(ctx, &iocb[0]), 1);
	cancelled(ctx, 1, &iocb[0], 1);

	/* Submitted three times: all are meant. */
	for (i = 1; i <= 3; i++) {
		poll_of(&iocb[0], pipes[0][0], i);
		CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	}
	CHECK_EQ(by_iocb(ctx, &iocb[0]), 3);
	cancelled(ctx, 3, &iocb[0], 6);

	/* By the descriptor: five of one, three of the other. */
	for (i = 0; i < 8; i++) {
		poll_of(&iocb[i], pipes[i % 3 == 1][0], (size_t)1 << i);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, 8, list), 8);
	CHECK_EQ(by_fd(ctx, pipes[1][1]), -ENOENT);
	CHECK_EQ(by_fd(ctx, pipes[1][0]), 3);
	cancelled(ctx, 3, NULL, 0x92);
	CHECK_EQ(by_fd(ctx, pipes[1][0]), -ENOENT);
	CHECK_EQ(all(ctx), 5);
	cancelled(ctx, 5, NULL, 0xff - 0x92);
	CHECK_EQ(all(ctx), -ENOENT);

	/* The number as it was: closed, and another's since. */
	fd = dup(pipes[0][0]);
	CHECK(fd >= 0);
	poll_of(&iocb[0], fd, 7);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK(dup2(pipes[1][0], fd) == fd);
	poll_of(&iocb[1], fd, 8);
	CHECK_EQ(submit_one(ctx, &iocb[1]), 1);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(by_fd(ctx, fd), 2);
	cancelled(ctx, 2, NULL, 15);

	/* True before: it is not taken back. */
	poll_of(&iocb[0], pipes[0][0], 9);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(write(pipes[0][1], "x", 1), 1);
	CHECK_EQ(by_iocb(ctx, &iocb[0]), -ENOENT);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res & POLLIN, POLLIN);

	/* io_cancel says 0, as it always did, and of one that is taken back already that it is not there. */
	CHECK_EQ(read(pipes[0][0], &fd, 1), 1);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(submit_one(ctx, &iocb[1]), -EBADF);
	iocb[0].key = 0;
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINPROGRESS);
	CHECK_EQ(by_iocb(ctx, &iocb[0]), -ENOENT);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(by_iocb(ctx, &iocb[0]), 1);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
	cancelled(ctx, 1, &iocb[0], 9);
	for (i = 0; i < 2; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

/* Written to so often, by now; with some issuers by the kernel, in a moment. */
static void count_is(int counter, eventfd_t expected)
{
	eventfd_t sum = 0, value = expected + 1;
	long begun = now_ms();

	while (eventfd_read(counter, &value) == 0 || getenv("AIOURING_ISSUER")) {
		if (value <= expected)
			sum += value;
		value = expected + 1;
		if (sum == expected)
			return;
		CHECK_LE(now_ms() - begun, 5000);
	}
	CHECK_EQ(sum, expected);
}

/* An eventfd for each event, and with a wait the events are there when it returns. */
static void eventfds(io_context_t ctx)
{
	int pipe_fd[2], counter = eventfd(0, EFD_NONBLOCK), waits;
	struct iocb iocb[10], *list[10];
	struct timespec limit = {EVENT_SECONDS, 0};
	struct io_event events[10];
	eventfd_t value;
	size_t i;

	CHECK(counter >= 0 && pipe(pipe_fd) == 0);
	for (waits = 0; waits < 2; waits++) {
		for (i = 0; i < 10; i++) {
			poll_of(&iocb[i], pipe_fd[0], 0);
			if (i % 2)
				io_set_eventfd(&iocb[i], counter);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, 10, list), 10);
		CHECK_EQ(eventfd_read(counter, &value), -1);
		if (waits) {
			CHECK_EQ(aiouring_cancel(ctx, NULL, 0, AIOURING_CANCEL_ALL | AIOURING_CANCEL_WAIT, &limit), 10);
			CHECK_EQ(ready(ctx), 10);
		} else {
			CHECK_EQ(all(ctx), 10);
			reap(ctx, 10, events);
		}
		count_is(counter, 5);
		CHECK_PENDING(ctx);
		CHECK_EQ(eventfd_read(counter, &value), -1);
	}
	close(counter);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* More than fit into any queue at once, on several descriptors. */
static void many(void)
{
	io_context_t ctx = setup(MANY);
	struct iocb *iocb = (struct iocb *)calloc(MANY, sizeof(*iocb)), *one;
	struct io_event events[MANY];
	int pipes[3][2];
	size_t i;

	for (i = 0; i < 3; i++)
		CHECK(pipe(pipes[i]) == 0);
	for (i = 0; i < MANY; i++) {
		one = &iocb[i];
		poll_of(one, pipes[i % 3][0], i);
		CHECK_EQ(io_submit(ctx, 1, &one), 1);
	}
	/* The memory of what was submitted may be gone. */
	free(iocb);
	CHECK_EQ(by_fd(ctx, pipes[1][0]), MANY / 3);
	reap(ctx, MANY / 3, events);
	for (i = 0; i < MANY / 3; i++)
		CHECK_EQ((size_t)events[i].data % 3, 1);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_ALL | AIOURING_CANCEL_WAIT, NULL), MANY / 3 * 2);
	/* All are there, and a context that is full of them takes no more before they are collected. */
	reap(ctx, MANY / 3 * 2, events);
	CHECK_EQ(ready(ctx), 0);
	for (i = 0; i < 3; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

/* What is done when io_submit returns is over. */
static void done(io_context_t ctx)
{
	int fd = temp_file(BLOCK, 3);
	char *memory = (char *)pages(BLOCK);
	struct io_event event;
	struct iocb iocb;

	io_prep_pread(&iocb, fd, memory, BLOCK, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(all(ctx), -ENOENT);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, BLOCK);
	io_prep_fsync(&iocb, fd);
	EVENT_IS(ctx, &iocb, 0);
	CHECK_EQ(by_iocb(ctx, &iocb), -ENOENT);
	CHECK_EQ(by_fd(ctx, fd), -ENOENT);
	close(fd);
}

int main(void)
{
	io_context_t ctx = setup(DEPTH), other = setup(4);

	errno = 1234;
	arguments(ctx);
	polls(ctx, other);
	eventfds(ctx);
	many();
	done(ctx);
	CHECK_EQ(io_destroy(other), 0);
	CHECK_EQ(aiouring_cancel(other, NULL, 0, AIOURING_CANCEL_ALL, NULL), -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
