/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The eventfd of a request: one count for each event, published before the signal, no matter which eventfd. */
// except: caller (completions interrupt who submitted)
#include "aio_check.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { BLOCK = 4096, DEPTH = 32 };

static io_context_t ctx;
static int fd, direct;
static char *memory;
static struct iocb iocb[DEPTH], *list[DEPTH];
static struct io_event events[DEPTH];

static uint64_t count_within(int event_fd, int ms)
{
	uint64_t count = 0;
	struct pollfd poll_fd = {event_fd, POLLIN, 0};

	if (poll(&poll_fd, 1, ms) == 1)
		CHECK_EQ(read(event_fd, &count, 8), 8);
	return count;
}

static uint64_t count_of(int event_fd)
{
	return count_within(event_fd, 0);
}

/* The event comes first and the signal after it: whoever looks for the event may look for the signal too early. */
static uint64_t awaited_count_of(int event_fd)
{
	return count_within(event_fd, 1000);
}

static void prepare(int file)
{
	int i;

	for (i = 0; i < DEPTH; i++) {
		io_prep_pread(&iocb[i], file, memory + i * BLOCK, BLOCK, i * BLOCK);
		iocb[i].data = (void *)(uintptr_t)i;
		list[i] = &iocb[i];
	}
}

/* Several eventfds in one batch, and requests without one. */
static void several(int file)
{
	int event_fd[3], i;

	prepare(file);
	for (i = 0; i < 3; i++)
		event_fd[i] = eventfd(0, 0);
	for (i = 0; i < DEPTH; i++)
		if (i % 4 < 3)
			io_set_eventfd(&iocb[i], event_fd[i % 4]);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	reap(ctx, DEPTH, events);
	/* Event first, signal after: the last signal may be a moment behind the event. */
	for (i = 0; i < 3; i++) {
		uint64_t sum = 0;
		long start = now_ms();

		while (sum < DEPTH / 4 && now_ms() - start < 2000)
			sum += count_of(event_fd[i]);
		CHECK_EQ(sum, DEPTH / 4);
	}
	sleep_ms(10);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(count_of(event_fd[i]), 0);
		close(event_fd[i]);
	}
}

/* Whoever has read a count of n finds n events, at once. */
static void publish_first(int file)
{
	int event_fd = eventfd(0, 0), round;
	struct timespec zero = {0, 0};

	for (round = 0; round < 50; round++) {
		int i, taken = 0;

		prepare(file);
		for (i = 0; i < DEPTH; i++)
			io_set_eventfd(&iocb[i], event_fd);
		CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
		while (taken < DEPTH) {
			uint64_t count;

			CHECK_EQ(read(event_fd, &count, 8), 8);
			for (i = 0; i < (int)count; i++)
				CHECK_EQ(io_getevents(ctx, 1, 1, events, &zero), 1);
			taken += (int)count;
		}
		CHECK_EQ(taken, DEPTH);
	}
	CHECK_EQ(count_of(event_fd), 0);
	close(event_fd);
}

static void full_counter(void)
{
	int event_fd = eventfd(0, EFD_NONBLOCK);
	uint64_t count = UINT64_MAX - 2;
	struct pollfd poll_fd = {event_fd, POLLIN, 0};
	int i;

	/* The counter holds at most UINT64_MAX - 1 by write(2); two events more bring it to the end. */
	CHECK_EQ(write(event_fd, &count, 8), 8);
	prepare(fd);
	for (i = 0; i < 4; i++)
		io_set_eventfd(&iocb[i], event_fd);
	CHECK_EQ(io_submit(ctx, 4, list), 4);
	reap(ctx, 4, events);
	CHECK_EQ(poll(&poll_fd, 1, 0), 1);
	CHECK_EQ(poll_fd.revents, POLLIN | POLLERR);
	CHECK_EQ(read(event_fd, &count, 8), 8);
	CHECK_EQ(count, -1);
	close(event_fd);
}

static void references(void)
{
	int event_fd = eventfd(0, 0), copy = dup(event_fd), other, number = event_fd, pipe_fd[2], epoll_fd;
	struct epoll_event ready_event = {.events = EPOLLIN};
	struct io_event event;

	/* The descriptor is closed, and its number used for another eventfd, while the request is pending. */
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb[0], pipe_fd[0], POLLIN);
	io_set_eventfd(&iocb[0], event_fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	close(event_fd);
	other = eventfd(0, 0);
	CHECK_EQ(other, number);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, &event);
	CHECK_EQ(awaited_count_of(copy), 1);
	CHECK_EQ(count_of(other), 0);

	prepare(direct);
	io_set_eventfd(&iocb[0], other);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	event_fd = dup(other);
	close(other);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, BLOCK);
	sleep_ms(10);
	CHECK_EQ(awaited_count_of(event_fd), 1);

	/* epoll sees it. */
	epoll_fd = epoll_create1(0);
	CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, copy, &ready_event) == 0);
	CHECK_EQ(epoll_wait(epoll_fd, &ready_event, 1, 0), 0);
	prepare(direct);
	io_set_eventfd(&iocb[0], copy);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(epoll_wait(epoll_fd, &ready_event, 1, 10000), 1);
	CHECK_EQ(ready(ctx), 1);
	CHECK_EQ(awaited_count_of(copy), 1);
}

/* Every operation signals, also one that fails in its event and a poll that is cancelled or already true. */
static void operations(void)
{
	int event_fd = eventfd(0, 0), pipe_fd[2];
	struct io_event event;

	CHECK(pipe(pipe_fd) == 0);
#define SIGNALS(result)                                                                                                \
	do {                                                                                                           \
		io_set_eventfd(&iocb[0], event_fd);                                                                    \
		EVENT_IS(ctx, &iocb[0], result);                                                                       \
		sleep_ms(5);                                                                                           \
		CHECK_EQ(awaited_count_of(event_fd), 1);                                                                       \
	} while (0)
	io_prep_pread(&iocb[0], fd, hole(), BLOCK, 0);
	SIGNALS(-EFAULT);
	io_prep_pwrite(&iocb[0], fd, memory, BLOCK, 0);
	SIGNALS(BLOCK);
	io_prep_fsync(&iocb[0], fd);
	SIGNALS(0);
	io_prep_fdsync(&iocb[0], fd);
	SIGNALS(0);
	io_prep_poll(&iocb[0], pipe_fd[1], POLLOUT);
	SIGNALS(POLLOUT);

	io_prep_poll(&iocb[0], pipe_fd[0], POLLIN);
	io_set_eventfd(&iocb[0], event_fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(count_of(event_fd), 0);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINPROGRESS);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, 0);
	sleep_ms(5);
	CHECK_EQ(awaited_count_of(event_fd), 1);
	close(event_fd);
}

int main(void)
{
	ctx = setup(DEPTH);
	fd = temp_file(DEPTH * BLOCK, 17);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	memory = (char *)pages(DEPTH * BLOCK);
	drop_cache(fd, 0, 0);
	several(fd);
	several(fd);
	several(direct);
	publish_first(fd);
	publish_first(direct);
	full_counter();
	references();
	operations();
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
