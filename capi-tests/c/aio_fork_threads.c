/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fork() at any moment, with other threads inside every call: the child can make and use contexts of its own. */
#include "aio_check.h"

enum { BLOCK = 4096, BLOCKS = 64, CHILDREN = 40 };

static int fd, direct, stop;

/* Uses two contexts of its own without a pause; makes and destroys one of them from time to time. */
static void *busy(void *arg)
{
	int file = arg ? direct : fd;
	char *memory = (char *)pages(8 * BLOCK);
	struct iocb iocb[8], *list[8];
	struct io_event events[8];
	io_context_t ctx = setup(8);
	long round;
	int i;

	for (round = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); round++) {
		for (i = 0; i < 8; i++) {
			io_prep_pread(&iocb[i], file, memory + i * BLOCK, BLOCK, (round * 8 + i) % BLOCKS * BLOCK);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, 8, list), 8);
		reap(ctx, 8, events);
		if (round % 50 == 49) {
			CHECK_EQ(io_destroy(ctx), 0);
			ctx = setup(8);
		}
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return NULL;
}

int main(void)
{
	pthread_t thread[2];
	int i;

	fd = temp_file(BLOCKS * BLOCK, 38);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK_EQ(pthread_create(&thread[0], NULL, busy, NULL), 0);
	CHECK_EQ(pthread_create(&thread[1], NULL, busy, &fd), 0);
	for (i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0) {
			char *memory;
			struct iocb iocb;
			io_context_t ctx;

			watchdog();
			memory = (char *)pages(BLOCK);
			ctx = setup(4);
			io_prep_pread(&iocb, direct, memory, BLOCK, 3 * BLOCK);
			EVENT_IS(ctx, &iocb, BLOCK);
			CHECK_PATTERN(memory, BLOCK, 38, 3 * BLOCK);
			io_prep_pread(&iocb, fd, memory, BLOCK, 5 * BLOCK);
			EVENT_IS(ctx, &iocb, BLOCK);
			CHECK_PATTERN(memory, BLOCK, 38, 5 * BLOCK);
			if (i % 4 == 0)
				CHECK_EQ(io_destroy(ctx), 0);
			if (i % 2)
				exit(0);
			_exit(0);
		}
		wait_exit(child, 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	return 0;
}
