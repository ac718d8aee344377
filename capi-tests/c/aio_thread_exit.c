/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread submits and exits: its requests live on, with their results. */
#include "aio_check.h"

#include <poll.h>

enum { BLOCK = 65536, DEPTH = 16, DIRTY = 8 << 20 };

static io_context_t ctx;
static struct iocb iocb[DEPTH], *list[DEPTH];
static int count;

static void *submit_and_exit(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)io_submit(ctx, count, list);
}

static void submit_in_thread(int requests)
{
	pthread_t thread;
	void *result;

	count = requests;
	CHECK_EQ(pthread_create(&thread, NULL, submit_and_exit, NULL), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((intptr_t)result, requests);
}

int main(void)
{
	int fd = temp_file(DEPTH * BLOCK, 22), direct = reopen(fd, O_RDWR | O_DIRECT), dirty, pipe_fd[2], i, round;
	char *memory = (char *)pages(DIRTY);
	struct io_event events[DEPTH];

	ctx = setup(DEPTH);
	for (i = 0; i < DEPTH; i++)
		list[i] = &iocb[i];

	for (round = 0; round < 10; round++) {
		drop_cache(fd, 0, 0);
		memset(memory, 0, DEPTH * BLOCK);
		for (i = 0; i < DEPTH; i++)
			io_prep_pread(&iocb[i], round % 2 ? fd : direct, memory + i * BLOCK, BLOCK, i * BLOCK);
		submit_in_thread(DEPTH);
		reap(ctx, DEPTH, events);
		for (i = 0; i < DEPTH; i++)
			CHECK_EQ(events[i].res, BLOCK);
		CHECK_EQ(first_wrong(memory, 4096, 22, 0), -1);
		CHECK_EQ(first_wrong(memory + (DEPTH - 1) * BLOCK, 4096, 22, (DEPTH - 1) * BLOCK), -1);
	}

	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb[0], pipe_fd[0], POLLIN);
	submit_in_thread(1);
	CHECK_PENDING(ctx);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res & POLLIN, POLLIN);

	dirty = temp_file(0, 0);
	CHECK_EQ(write(dirty, memory, DIRTY), DIRTY);
	io_prep_fsync(&iocb[0], dirty);
	submit_in_thread(1);
	reap(ctx, 1, events);
	CHECK_EQ(events[0].res, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
