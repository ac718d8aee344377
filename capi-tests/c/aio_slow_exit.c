/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process ends, or a thread does, with writes in flight on a slow device: the end waits for them, none is lost. */
// old-kernel: no (ends do not wait for transfers before Linux 6.16)
#include "aio_check.h"
#include "slow_device.h"

enum { BLOCK = 4096, BLOCKS = 64, COUNT = 3 };

static int device;
static io_context_t ctx;
static struct iocb iocb[COUNT], *list[COUNT];
static char *memory;

static void prepare(uint64_t seed)
{
	int i;

	fill(memory, COUNT * BLOCK, seed, 0);
	for (i = 0; i < COUNT; i++) {
		io_prep_pwrite(&iocb[i], device, memory + i * BLOCK, BLOCK, i * BLOCK);
		list[i] = &iocb[i];
	}
}

static void written(uint64_t seed)
{
	memset(memory, 0, COUNT * BLOCK);
	CHECK_EQ(pread(device, memory, COUNT * BLOCK, 0), COUNT * BLOCK);
	CHECK_PATTERN(memory, COUNT * BLOCK, seed, 0);
}

static void *submit_and_exit(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)io_submit(ctx, COUNT, list);
}

int main(void)
{
	struct io_event events[COUNT];
	uint64_t seed;
	int status;

	memory = (char *)pages(COUNT * BLOCK);
	device = slow_device(BLOCKS * BLOCK, 42);
	/* By _exit, and by SIGKILL. */
	for (seed = 50; seed < 52; seed++) {
		pid_t child = fork();

		if (child == 0) {
			long start;

			watchdog();
			prepare(seed);
			ctx = setup(COUNT);
			start = now_ms();
			CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
			CHECK_LE(now_ms() - start, SLOW_MS);
			if (seed == 50)
				_exit(0);
			kill(getpid(), SIGKILL);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, seed == 50 ? 0 : SIGKILL);
		written(seed);
	}

	/* By the end of the thread alone: the events come to the others. */
	{
		pthread_t thread;
		void *result;

		prepare(53);
		ctx = setup(COUNT);
		CHECK_EQ(pthread_create(&thread, NULL, submit_and_exit, NULL), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK_EQ((intptr_t)result, COUNT);
		reap(ctx, COUNT, events);
		CHECK_EQ(events[0].res, BLOCK);
		CHECK_EQ(events[1].res, BLOCK);
		CHECK_EQ(events[2].res, BLOCK);
		CHECK_EQ(io_destroy(ctx), 0);
		written(53);
	}
	return 0;
}
