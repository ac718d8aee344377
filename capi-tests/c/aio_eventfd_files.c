/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An eventfd by several descriptors, in several contexts and processes, closed or replaced right after io_submit, and in
 * sets of epoll. */
// except: caller,sqpoll (the kernel signals by a link, when it gets to it)
#include "aio_check.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { BLOCK = 4096, DEPTH = 16 };

static int buffered, direct;
static char *memory;
static struct iocb iocb[DEPTH], *list[DEPTH];
static struct io_event events[DEPTH];

static uint64_t count_of(int event_fd)
{
	struct pollfd poll_fd = {event_fd, POLLIN, 0};
	uint64_t count = 0;

	if (poll(&poll_fd, 1, 0) == 1)
		CHECK_EQ(read(event_fd, &count, 8), 8);
	return count;
}

static void prepare(int file)
{
	int i;

	for (i = 0; i < DEPTH; i++) {
		io_prep_pread(&iocb[i], file, memory + i * BLOCK, BLOCK, i * BLOCK);
		list[i] = &iocb[i];
	}
}

static void read_all(io_context_t ctx, int file, int event_fd)
{
	int i;

	prepare(file);
	for (i = 0; i < DEPTH; i++)
		io_set_eventfd(&iocb[i], event_fd);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	reap(ctx, DEPTH, events);
}

static void several_descriptors(int file, int flags)
{
	io_context_t ctx[3] = {setup(DEPTH), setup(DEPTH), setup(DEPTH)};
	int event_fd[3], i, round;

	event_fd[0] = eventfd(0, flags);
	event_fd[1] = dup(event_fd[0]);
	event_fd[2] = dup(event_fd[0]);
	prepare(file);
	for (i = 0; i < DEPTH; i++)
		io_set_eventfd(&iocb[i], event_fd[i % 3]);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 3; i++)
			CHECK_EQ(io_submit(ctx[i], DEPTH, list), DEPTH);
		for (i = 0; i < 3; i++)
			reap(ctx[i], DEPTH, events);
		CHECK_EQ(count_of(event_fd[round % 3]), 3 * DEPTH);
	}
	for (i = 0; i < 3; i++) {
		CHECK_EQ(io_destroy(ctx[i]), 0);
		close(event_fd[i]);
	}
}

/* The number means something else when the event comes: the old eventfd counts, the new file gets nothing. */
static void replaced(int file, int flags)
{
	io_context_t ctx = setup(DEPTH);
	int plain = temp_file(0, 0), round, i;
	struct stat status;

	for (round = 0; round < 100; round++) {
		int event_fd = eventfd(0, flags), copy = dup(event_fd), other = -1;

		prepare(file);
		for (i = 0; i < DEPTH; i++)
			io_set_eventfd(&iocb[i], event_fd);
		CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
		switch (round % 3) {
		case 0:
			close(event_fd);
			event_fd = -1;
			break;
		case 1:
			CHECK_EQ(dup2(plain, event_fd), event_fd);
			break;
		default:
			other = eventfd(0, flags);
			CHECK_EQ(dup2(other, event_fd), event_fd);
		}
		reap(ctx, DEPTH, events);
		CHECK_EQ(count_of(copy), DEPTH);
		if (other >= 0)
			CHECK_EQ(count_of(other), 0);
		close(copy);
		close(event_fd);
		close(other);
	}
	CHECK(fstat(plain, &status) == 0);
	CHECK_EQ(status.st_size, 0);
	close(plain);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void in_a_child(int file, int flags)
{
	io_context_t ctx = setup(DEPTH);
	int event_fd = eventfd(0, flags), ends[2];
	pid_t child;
	char byte;

	CHECK(pipe(ends) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		uint64_t sum = 0, count;

		watchdog();
		while (sum < DEPTH) {
			struct pollfd poll_fd = {event_fd, POLLIN, 0};

			CHECK_EQ(poll(&poll_fd, 1, 10000), 1);
			CHECK_EQ(read(event_fd, &count, 8), 8);
			sum += count;
		}
		CHECK_EQ(sum, DEPTH);
		/* A context of its own counts in the same eventfd. */
		ctx = setup(DEPTH);
		read_all(ctx, file, event_fd);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		_exit(0);
	}
	read_all(ctx, file, event_fd);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(count_of(event_fd), DEPTH);
	wait_exit(child, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	close(event_fd);
	close(ends[0]);
	close(ends[1]);
}

static int epoll_of(int event_fd, uint32_t how)
{
	struct epoll_event want = {.events = EPOLLIN | how, .data = {.fd = event_fd}};
	int set = epoll_create1(0);

	CHECK(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, event_fd, &want) == 0);
	return set;
}

static int woken(int set, int ms)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, ms);
}

static void in_epoll(int file, int flags)
{
	io_context_t ctx = setup(DEPTH);
	int event_fd = eventfd(0, flags), level = epoll_of(event_fd, 0), edge = epoll_of(event_fd, EPOLLET);
	int once = epoll_of(event_fd, EPOLLONESHOT), exclusive = epoll_of(event_fd, EPOLLEXCLUSIVE), round;
	struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT};

	CHECK_EQ(woken(level, 0) + woken(edge, 0) + woken(once, 0) + woken(exclusive, 0), 0);
	for (round = 0; round < 20; round++) {
		/* The counter is not read: every batch is an edge all the same. */
		read_all(ctx, file, event_fd);
		CHECK_EQ(woken(level, 0), 1);
		CHECK_EQ(woken(level, 0), 1);
		CHECK_EQ(woken(edge, 0), 1);
		CHECK_EQ(woken(edge, 0), 0);
		CHECK_EQ(woken(once, 0), round == 0);
		CHECK_EQ(woken(exclusive, 0), 1);
	}
	if (flags & EFD_SEMAPHORE)
		for (round = 1; round < 20 * DEPTH; round++)
			CHECK_EQ(count_of(event_fd), 1);
	CHECK_EQ(count_of(event_fd), flags & EFD_SEMAPHORE ? 1 : 20 * DEPTH);
	CHECK_EQ(count_of(event_fd), 0);
	CHECK_EQ(woken(level, 0), 0);
	CHECK(epoll_ctl(once, EPOLL_CTL_MOD, event_fd, &again) == 0);
	CHECK_EQ(woken(once, 0), 0);
	read_all(ctx, file, event_fd);
	CHECK_EQ(woken(once, 0), 1);
	CHECK_EQ(io_destroy(ctx), 0);
	close(level);
	close(edge);
	close(once);
	close(exclusive);
	close(event_fd);
}

/* A sleeper in epoll_wait is woken by each request, thousands of times. */
static void lockstep(int file, int flags)
{
	io_context_t ctx = setup(DEPTH);
	int event_fd = eventfd(0, flags), set = epoll_of(event_fd, EPOLLET), i;
	struct timespec zero = {0, 0};

	prepare(file);
	io_set_eventfd(&iocb[0], event_fd);
	for (i = 0; i < 1000 * test_scale(); i++) {
		CHECK_EQ(io_submit(ctx, 1, list), 1);
		CHECK_EQ(woken(set, 10000), 1);
		CHECK_EQ(count_of(event_fd), 1);
		CHECK_EQ(io_getevents(ctx, 1, 1, events, &zero), 1);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	close(set);
	close(event_fd);
}

int main(void)
{
	static const int flags[] = {0, EFD_NONBLOCK, EFD_SEMAPHORE | EFD_NONBLOCK};
	unsigned int i, j;

	buffered = temp_file(DEPTH * BLOCK, 17);
	direct = reopen(buffered, O_RDWR | O_DIRECT);
	memory = (char *)pages(DEPTH * BLOCK);
	for (i = 0; i < COUNT_OF(flags); i++)
		for (j = 0; j < 2; j++) {
			int file = j ? direct : buffered;

			in_epoll(file, flags[i]);
			lockstep(file, flags[i]);
			if (flags[i] & EFD_SEMAPHORE)
				continue;
			several_descriptors(file, flags[i]);
			replaced(file, flags[i]);
			in_a_child(file, flags[i]);
		}
	return 0;
}
