/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whoever has taken an event, without a sleep too, finds its count in the eventfd; and so does whoever cancelled a poll
 * or destroyed a context. */
// except: theirs,ours-kernel,ours-eperm,ours-enosys,caller,sqpoll (the kernel shows the event a moment before)
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>

enum { BLOCK = 4096, DEPTH = 32 };

static int direct, pipe_fd[2];
static char *memory;
static struct iocb iocb[DEPTH], *list[DEPTH];

/* What is in the counter now. */
static uint64_t count_of(int event_fd)
{
	struct pollfd poll_fd = {event_fd, POLLIN, 0};
	uint64_t count = 0, sum = 0;

	while (poll(&poll_fd, 1, 0) == 1) {
		CHECK_EQ(read(event_fd, &count, 8), 8);
		sum += count;
	}
	return sum;
}

static void reads(int event_fd, int file, int depth, int rounds, struct timespec *timeout)
{
	io_context_t ctx = setup(DEPTH);
	struct io_event events[DEPTH];
	uint64_t seen;
	int i, round;

	for (round = 0; round < rounds; round++) {
		int taken = 0, result;

		for (i = 0; i < depth; i++) {
			io_prep_pread(&iocb[i], file, memory + i * BLOCK, BLOCK, i * BLOCK);
			io_set_eventfd(&iocb[i], event_fd);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, depth, list), depth);
		seen = 0;
		while (taken < depth) {
			result = io_getevents(ctx, timeout ? 0 : 1, DEPTH, events, timeout);
			CHECK_GE(result, 0);
			taken += result;
			if (result > 0) {
				seen += count_of(event_fd);
				CHECK_GE(seen, taken);
			}
		}
		CHECK_EQ(seen, depth);
	}
	CHECK_EQ(count_of(event_fd), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void polls(int event_fd, int rounds)
{
	struct io_event event;
	int i, round;

	for (round = 0; round < rounds; round++) {
		io_context_t ctx = setup(DEPTH);

		for (i = 0; i < DEPTH; i++) {
			io_prep_poll(&iocb[i], pipe_fd[0], POLLIN);
			io_set_eventfd(&iocb[i], event_fd);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
		CHECK_EQ(count_of(event_fd), 0);
		CHECK_EQ(io_cancel(ctx, &iocb[round % DEPTH], &event), -EINPROGRESS);
		reap(ctx, 1, &event);
		CHECK_EQ(event.res, 0);
		CHECK_EQ(count_of(event_fd), 1);
		CHECK_EQ(io_destroy(ctx), 0);
		CHECK_EQ(count_of(event_fd), DEPTH - 1);
	}
}

int main(void)
{
	static const int flags[] = {0, EFD_NONBLOCK, EFD_SEMAPHORE, EFD_SEMAPHORE | EFD_NONBLOCK};
	struct timespec zero = {0, 0};
	int fd = temp_file(DEPTH * BLOCK, 17), rounds = (int)(60 * test_scale());
	unsigned int i;

	direct = reopen(fd, O_RDWR | O_DIRECT);
	memory = (char *)pages(DEPTH * BLOCK);
	CHECK(pipe(pipe_fd) == 0);
	for (i = 0; i < COUNT_OF(flags); i++) {
		int event_fd = eventfd(0, flags[i]);

		reads(event_fd, fd, DEPTH, rounds, &zero);
		reads(event_fd, direct, 1, rounds, NULL);
		reads(event_fd, direct, 1, rounds, &zero);
		reads(event_fd, direct, DEPTH, rounds, NULL);
		reads(event_fd, direct, DEPTH, rounds, &zero);
		polls(event_fd, 5);
		close(event_fd);
	}
	return 0;
}
