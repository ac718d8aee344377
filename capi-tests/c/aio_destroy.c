/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_destroy: waits for I/O, cancels polls, wakes waiters, and is told apart from what is no context. */
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>

enum { BIG = 1 << 20, DEPTH = 8 };

static int fd, direct;

static void *waiter(void *arg)
{
	struct io_event event;

	return (void *)(intptr_t)io_getevents((io_context_t)arg, 1, 1, &event, NULL);
}

static void *destroyer(void *arg)
{
	return (void *)(intptr_t)io_destroy((io_context_t)arg);
}

static void not_contexts(void)
{
	io_context_t ctx = setup(4);
	unsigned char state;

	CHECK_EQ(io_destroy(NULL), -EINVAL);
	CHECK_EQ(io_destroy((io_context_t)-1), -EINVAL);
	CHECK_EQ(io_destroy((io_context_t)pages(4096)), -EINVAL);
	CHECK_EQ(io_destroy((io_context_t)(void *)hole()), -EINVAL);
	CHECK_EQ(io_destroy((io_context_t)(void *)((char *)ctx + 64)), -EINVAL);
	CHECK_EQ(mincore(ctx, 4096, &state), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	/* The ring is unmapped. */
	CHECK_EQ(mincore(ctx, 4096, &state), -1);
	CHECK_EQ(errno, ENOMEM);
	CHECK_EQ(io_destroy(ctx), -EINVAL);
	CHECK_EQ(io_submit(ctx, 0, NULL), -EINVAL);
}

/* A handle that was destroyed finds nothing, not what the library keeps for itself either, wherever that lies. */
static void destroyed(void)
{
	io_context_t ctx = setup(4), old[8];
	int zero = open("/dev/zero", O_RDONLY);
	struct iocb iocb, *list = &iocb;
	char buf[16];

	for (unsigned i = 0; i < COUNT_OF(old); i++)
		old[i] = setup(1);
	for (unsigned i = 0; i < COUNT_OF(old); i++)
		CHECK_EQ(io_destroy(old[i]), 0);
	/* The next mapping is to be where one of them was. */
	for (int tries = 0, found = 0; tries < 100 && !found; tries++) {
		void *page = pages(4096);

		for (unsigned i = 0; i < COUNT_OF(old); i++)
			found |= page == (void *)old[i];
		if (found)
			munmap(page, 4096);
	}
	io_prep_pread(&iocb, zero, buf, 16, 0);
	EVENT_IS(ctx, &iocb, 16);
	for (unsigned i = 0; i < COUNT_OF(old); i++) {
		CHECK_EQ(io_submit(old[i], 1, &list), -EINVAL);
		CHECK_EQ(io_cancel(old[i], &iocb, NULL), -EINVAL);
		CHECK_EQ(io_destroy(old[i]), -EINVAL);
	}
	EVENT_IS(ctx, &iocb, 16);
	CHECK_EQ(io_destroy(ctx), 0);
	close(zero);
}

static void pending_poll(void)
{
	io_context_t ctx = setup(4);
	int pipe_fd[2], event_fd = eventfd(0, 0);
	struct iocb iocb;
	uint64_t count;
	char byte;
	long start = now_ms();

	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	io_set_eventfd(&iocb, event_fd);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_ELAPSED(start, 0);
	CHECK_EQ(read(event_fd, &count, 8), 8);
	CHECK_EQ(count, 1);
	/* Nothing of it is left on the pipe. */
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
}

static void reads_in_flight(void)
{
	static struct iocb iocb[DEPTH], *list[DEPTH];
	int round, i;

	for (round = 0; round < 5; round++) {
		char *memory = (char *)pages((size_t)DEPTH * BIG);
		io_context_t ctx = setup(DEPTH);

		for (i = 0; i < DEPTH; i++) {
			io_prep_pread(&iocb[i], direct, memory + i * BIG, BIG, 0);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
		CHECK_EQ(io_destroy(ctx), 0);
		/* All data is there; and nothing is written after this. */
		for (i = 0; i < DEPTH; i++) {
			CHECK(memcmp(memory, memory + i * BIG, BIG) == 0);
			memset(memory + i * BIG, 0, i ? BIG : 0);
		}
		CHECK_PATTERN(memory, BIG, 19, 0);
		for (i = 1; i < DEPTH; i++)
			CHECK(memory[i * BIG] == 0 && memcmp(memory + i * BIG, memory + i * BIG + 1, BIG - 1) == 0);
		munmap(memory, (size_t)DEPTH * BIG);
	}
}

static void writes_in_flight(void)
{
	static struct iocb iocb[DEPTH], *list[DEPTH];
	char *memory = (char *)pages((size_t)DEPTH * BIG), *check = (char *)pages(BIG);
	int out = temp_file(0, 0), out_direct = reopen(out, O_WRONLY | O_DIRECT), i;
	io_context_t ctx = setup(DEPTH);

	for (i = 0; i < DEPTH; i++) {
		fill(memory + i * BIG, BIG, 20, (uint64_t)i * BIG);
		io_prep_pwrite(&iocb[i], out_direct, memory + i * BIG, BIG, (long long)i * BIG);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	CHECK_EQ(io_destroy(ctx), 0);
	memset(memory, 0, (size_t)DEPTH * BIG);
	for (i = 0; i < DEPTH; i++) {
		CHECK_EQ(pread(out, check, BIG, (off_t)i * BIG), BIG);
		CHECK_PATTERN(check, BIG, 20, (uint64_t)i * BIG);
	}
}

static void waiters(void)
{
	io_context_t ctx = setup(4);
	pthread_t thread[3];
	void *result;
	int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, waiter, ctx), 0);
	sleep_ms(100);
	CHECK_EQ(io_destroy(ctx), 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(pthread_join(thread[i], &result), 0);
		CHECK_EQ((intptr_t)result, -EINVAL);
	}
}

static void both_at_once(void)
{
	static struct iocb iocb;
	char *memory = (char *)pages(BIG);
	int round;

	for (round = 0; round < 10; round++) {
		io_context_t ctx = setup(4);
		pthread_t thread[2];
		void *result[2];

		io_prep_pread(&iocb, direct, memory, BIG, 0);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		CHECK_EQ(pthread_create(&thread[0], NULL, destroyer, ctx), 0);
		CHECK_EQ(pthread_create(&thread[1], NULL, destroyer, ctx), 0);
		CHECK_EQ(pthread_join(thread[0], &result[0]), 0);
		CHECK_EQ(pthread_join(thread[1], &result[1]), 0);
		CHECK((result[0] == NULL) != (result[1] == NULL));
		CHECK_EQ((intptr_t)result[0] + (intptr_t)result[1], -EINVAL);
	}
}

static void uncollected(void)
{
	struct iocb iocb, *list[] = {&iocb, &iocb, &iocb};
	io_context_t ctx = setup(4);
	char buf[16];

	io_prep_pread(&iocb, fd, buf, 16, 0);
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	CHECK_EQ(io_destroy(ctx), 0);
	/* The next context starts empty, at whatever address. */
	ctx = setup(4);
	CHECK_EQ(ready(ctx), 0);
	EVENT_IS(ctx, &iocb, 16);
	CHECK_EQ(io_queue_release(ctx), 0);
	CHECK_EQ(io_queue_release(ctx), -EINVAL);
}

int main(void)
{
	fd = temp_file(BIG, 19);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	drop_cache(fd, 0, 0);
	destroyed();
	not_contexts();
	pending_poll();
	reads_in_flight();
	writes_in_flight();
	waiters();
	both_at_once();
	uncollected();
	return 0;
}
