/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An eventfd whose counter is nearly full: it ends at its greatest value with POLLERR, whatever carries the requests
 * and however it was opened; nobody is blocked, and no descriptor is used up. */
// except: caller,sqpoll (the kernel writes the eventfd as it can)
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { BLOCK = 4096, DEPTH = 64 };

static int direct, buffered, pipe_fd[2];
static char *memory;
static struct iocb iocb[DEPTH], *list[DEPTH];
static struct io_event events[DEPTH];

static int lowest_descriptor(void)
{
	int fd = dup(0);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

static short state_of(int event_fd)
{
	struct pollfd poll_fd = {event_fd, POLLIN | POLLOUT, 0};

	CHECK_GE(poll(&poll_fd, 1, 0), 0);
	return poll_fd.revents;
}

static void prepare(int event_fd, int file, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (file == pipe_fd[0])
			io_prep_poll(&iocb[i], file, POLLIN);
		else
			io_prep_pread(&iocb[i], file, memory + i * BLOCK, BLOCK, i * BLOCK);
		io_set_eventfd(&iocb[i], event_fd);
		list[i] = &iocb[i];
	}
}

/* `count` requests on a counter with room for `room`. */
static void fill_up(int flags, int file, int room, int count)
{
	io_context_t ctx = setup(DEPTH);
	int event_fd = eventfd(0, flags), semaphore = (flags & EFD_SEMAPHORE) != 0, free_fd;
	uint64_t value = UINT64_MAX - 1 - (uint64_t)room, expected = value + (uint64_t)count;
	long start;

	CHECK_EQ(write(event_fd, &value, 8), 8);
	if (count > room)
		expected = UINT64_MAX;
	free_fd = lowest_descriptor();
	start = now_ms();
	prepare(event_fd, file, count);
	CHECK_EQ(io_submit(ctx, count, list), count);
	if (file == pipe_fd[0])
		CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, count, events);
	CHECK_EQ(state_of(event_fd),
		 POLLIN | (expected == UINT64_MAX ? POLLERR : expected == UINT64_MAX - 1 ? 0 : POLLOUT));
	CHECK_LE(now_ms() - start, 15000);
	CHECK_EQ(lowest_descriptor(), free_fd);
	if (file == pipe_fd[0])
		CHECK_EQ(read(pipe_fd[0], &value, 1), 1);
	CHECK_EQ(read(event_fd, &value, 8), 8);
	CHECK_EQ(value, semaphore ? 1 : expected);
	if (!semaphore) {
		/* It counts again. */
		prepare(event_fd, file, 2);
		if (file == pipe_fd[0])
			CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		reap(ctx, 2, events);
		CHECK_EQ(read(event_fd, &value, 8), 8);
		CHECK_EQ(value, 2);
		CHECK_EQ(state_of(event_fd), POLLOUT);
		if (file == pipe_fd[0])
			CHECK_EQ(read(pipe_fd[0], &value, 1), 1);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	close(event_fd);
}

/* A full counter delays nobody else, and a context with requests on it can be destroyed. */
static void others(int flags)
{
	io_context_t full = setup(DEPTH), other = setup(DEPTH);
	int event_fd = eventfd(0, flags), other_fd = eventfd(0, 0), i;
	uint64_t value = UINT64_MAX - 1;
	struct iocb own;
	long start = now_ms();

	CHECK_EQ(write(event_fd, &value, 8), 8);
	io_prep_pread(&own, direct, memory, BLOCK, 0);
	for (i = 0; i < 20; i++) {
		prepare(event_fd, direct, 4);
		CHECK_EQ(io_submit(full, 4, list), 4);
		own.u.c.flags = 0;
		EVENT_IS(other, &own, BLOCK);
		io_set_eventfd(&own, other_fd);
		EVENT_IS(other, &own, BLOCK);
		reap(full, 4, events);
	}
	CHECK_EQ(read(other_fd, &value, 8), 8);
	CHECK_EQ(value, 20);
	CHECK_EQ(state_of(event_fd), POLLIN | POLLERR);
	prepare(event_fd, pipe_fd[0], 4);
	CHECK_EQ(io_submit(full, 4, list), 4);
	prepare(event_fd, direct, 4);
	CHECK_EQ(io_submit(full, 4, list), 4);
	CHECK_EQ(io_destroy(full), 0);
	CHECK_LE(now_ms() - start, 15000);
	CHECK_EQ(read(event_fd, &value, 8), 8);
	CHECK_EQ(value, flags & EFD_SEMAPHORE ? 1 : UINT64_MAX);
	CHECK_EQ(io_destroy(other), 0);
	close(event_fd);
	close(other_fd);
}

static pthread_barrier_t together;
static int shared_fd;

/* Each has its own context; two of them read directly. */
static void *writer(void *arg)
{
	long self = (long)(intptr_t)arg;
	io_context_t ctx = setup(8);
	struct iocb own;
	uint64_t value;
	int round, i;

	io_prep_pread(&own, self % 2 ? direct : buffered, memory + self * BLOCK, BLOCK, 0);
	io_set_eventfd(&own, shared_fd);
	for (round = 0; round < 60 * test_scale(); round++) {
		pthread_barrier_wait(&together);
		if (self == 0) {
			if (round > 0) {
				CHECK_EQ(read(shared_fd, &value, 8), 8);
				CHECK_EQ(value, UINT64_MAX);
			}
			value = UINT64_MAX - 1 - 6;
			CHECK_EQ(write(shared_fd, &value, 8), 8);
		}
		pthread_barrier_wait(&together);
		for (i = 0; i < 4; i++)
			EVENT_IS(ctx, &own, BLOCK);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return NULL;
}

/* Threads that fill a counter together: none is blocked in the moment when it becomes full. */
static void race(int flags)
{
	pthread_t thread[4];
	int i;

	CHECK((shared_fd = eventfd(0, flags)) >= 0);
	CHECK_EQ(pthread_barrier_init(&together, NULL, COUNT_OF(thread)), 0);
	for (i = 0; i < (int)COUNT_OF(thread); i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, writer, (void *)(intptr_t)i), 0);
	for (i = 0; i < (int)COUNT_OF(thread); i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	close(shared_fd);
}

int main(void)
{
	static const int flags[] = {0, EFD_NONBLOCK, EFD_SEMAPHORE, EFD_SEMAPHORE | EFD_NONBLOCK};
	struct rlimit limit;
	unsigned int i;

	buffered = temp_file(DEPTH * BLOCK, 17);
	direct = reopen(buffered, O_RDWR | O_DIRECT);
	memory = (char *)pages(DEPTH * BLOCK);
	CHECK(pipe(pipe_fd) == 0);
	for (i = 0; i < COUNT_OF(flags); i++) {
		const int files[] = {buffered, direct, pipe_fd[0]};
		unsigned int j;

		for (j = 0; j < COUNT_OF(files); j++) {
			fill_up(flags[i], files[j], 0, 1);
			fill_up(flags[i], files[j], 1, 1);
			fill_up(flags[i], files[j], 1, 2);
			fill_up(flags[i], files[j], 2, 4);
			fill_up(flags[i], files[j], 20, DEPTH);
			fill_up(flags[i], files[j], DEPTH, DEPTH);
		}
		others(flags[i]);
	}

	race(0);
	race(EFD_NONBLOCK);

	/* Where the program may open two files and no more: the eventfd, and what lowest_descriptor() does. */
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	i = (unsigned int)dup(0);
	limit.rlim_cur = (rlim_t)dup(0) + 1;
	close((int)i);
	close((int)limit.rlim_cur - 1);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	fill_up(0, direct, 1, 4);
	fill_up(EFD_NONBLOCK, direct, 1, 4);
	fill_up(EFD_NONBLOCK, buffered, 1, 4);
	return 0;
}
