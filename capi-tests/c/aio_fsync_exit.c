/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread exits, and the descriptor of what it has asked to be synced is closed, before the syncs are done. */
#include "aio_check.h"

enum { COUNT = 64, BLOCK = 4096, ROUNDS = 4 };

static io_context_t ctx;
static int file;

static void *ask(void *unused)
{
	static struct iocb iocb[COUNT];
	struct iocb *list[COUNT];
	int i;

	for (i = 0; i < COUNT; i++) {
		io_prep_fdsync(&iocb[i], file);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
	return unused;
}

int main(void)
{
	struct io_event events[COUNT];
	char block[BLOCK];
	pthread_t thread;
	int round, i;

	ctx = setup(COUNT);
	fill(block, BLOCK, 6, 0);
	for (round = 0; round < ROUNDS; round++) {
		file = temp_file(0, 0);
		for (i = 0; i < 64; i++)
			CHECK_EQ(pwrite(file, block, BLOCK, i * 2 * BLOCK), BLOCK);
		CHECK_EQ(pthread_create(&thread, NULL, ask, NULL), 0);
		CHECK(pthread_join(thread, NULL) == 0);
		close(file);
		reap(ctx, COUNT, events);
		for (i = 0; i < COUNT; i++)
			CHECK_EQ(events[i].res, 0);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
