/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The order of a batch: what a buffered write leaves is seen by everything after it. */
#include "aio_check.h"

enum { BLOCK = 4096, COUNT = 32, ROUNDS = 100 };

static io_context_t ctx;
static struct iocb iocb[COUNT], *list[COUNT];
static struct io_event events[COUNT];
static char memory[COUNT][BLOCK];

static void all(int count, long result)
{
	int i;

	CHECK_EQ(io_submit(ctx, count, list), count);
	reap(ctx, count, events);
	for (i = 0; i < count; i++)
		CHECK_EQ(events[i].res, result);
}

int main(void)
{
	int fd = temp_file(COUNT * BLOCK, 27), append = reopen(fd, O_RDWR | O_APPEND), i, round;
	char byte, back[BLOCK], text[16];
	struct iovec vec[2];

	ctx = setup(COUNT);
	for (i = 0; i < COUNT; i++)
		list[i] = &iocb[i];

	for (round = 0; round < ROUNDS; round++) {
		/* Write, and read it back in the same batch. */
		memset(memory[0], round + 1, BLOCK);
		memset(back, 0, BLOCK);
		if (round % 2)
			drop_cache(fd, 0, 0);
		io_prep_pwrite(&iocb[0], fd, memory[0], BLOCK, BLOCK);
		io_prep_pread(&iocb[1], fd, back, BLOCK, BLOCK);
		all(2, BLOCK);
		CHECK(memcmp(back, memory[0], BLOCK) == 0);

		/* Read the old data and then write: the read does not see the new. */
		if (round % 2)
			drop_cache(fd, 0, 0);
		memset(memory[1], 0xee, BLOCK);
		io_prep_pread(&iocb[0], fd, back, BLOCK, BLOCK);
		io_prep_pwrite(&iocb[1], fd, memory[1], BLOCK, BLOCK);
		all(2, BLOCK);
		CHECK(memcmp(back, memory[0], BLOCK) == 0);

		/* 32 writes of one block: the last one wins. */
		for (i = 0; i < COUNT; i++) {
			memset(memory[i], round + i, BLOCK);
			io_prep_pwrite(&iocb[i], fd, memory[i], BLOCK, 5 * BLOCK);
		}
		all(COUNT, BLOCK);
		CHECK_EQ(pread(fd, back, BLOCK, 5 * BLOCK), BLOCK);
		CHECK(memcmp(back, memory[COUNT - 1], BLOCK) == 0);

		/* Each write is followed by a read of the same place. */
		for (i = 0; i < COUNT; i += 2) {
			memset(memory[i], round + i + 3, BLOCK);
			io_prep_pwrite(&iocb[i], fd, memory[i], 100, 6 * BLOCK);
			io_prep_pread(&iocb[i + 1], fd, memory[i + 1], 100, 6 * BLOCK);
		}
		all(COUNT, 100);
		for (i = 0; i < COUNT; i += 2)
			CHECK(memcmp(memory[i], memory[i + 1], 100) == 0);

		/* The buffer of a buffered write is free when io_submit returns. */
		vec[0].iov_base = memory[0];
		vec[0].iov_len = 1000;
		vec[1].iov_base = memory[1];
		vec[1].iov_len = BLOCK;
		memset(memory, '1', sizeof(memory));
		io_prep_pwrite(&iocb[0], fd, memory[2], BLOCK, 7 * BLOCK);
		io_prep_pwritev(&iocb[1], fd, vec, 2, 8 * BLOCK);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		memset(memory, '2', sizeof(memory));
		CHECK_EQ(pread(fd, &byte, 1, 8 * BLOCK + 1001), 1);
		CHECK_EQ(byte, '1');
		reap(ctx, 2, events);
		CHECK_EQ(events[0].res + events[1].res, 2 * BLOCK + 1000);
		CHECK_EQ(pread(fd, memory[3], BLOCK, 7 * BLOCK), BLOCK);
		for (i = 0; i < BLOCK; i++)
			CHECK_EQ(memory[3][i], '1');
	}

	/* A write is visible when io_submit returns, and so is its event. */
	io_prep_pwrite(&iocb[0], fd, "q", 1, 0);
	CHECK_EQ(io_submit(ctx, 1, list), 1);
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'q');
	CHECK_EQ(ready(ctx), 1);

	/* Appends come one after the other. */
	for (i = 0; i < 8; i++) {
		text[i] = (char)('a' + i);
		io_prep_pwrite(&iocb[i], append, &text[i], 1, 0);
	}
	for (round = 0; round < 20; round++) {
		CHECK_EQ(ftruncate(fd, 100), 0);
		all(8, 1);
		CHECK_EQ(lseek(fd, 0, SEEK_END), 108);
		CHECK_EQ(pread(fd, back, 8, 100), 8);
		CHECK(memcmp(back, "abcdefgh", 8) == 0);
	}

	/* Cached reads complete in the order of submission. */
	for (i = 0; i < COUNT; i++) {
		io_prep_pread(&iocb[i], fd, memory[i], 10, 0);
		iocb[i].data = (void *)(uintptr_t)i;
	}
	all(COUNT, 10);
	for (i = 0; i < COUNT; i++)
		CHECK(events[i].data == (void *)(uintptr_t)i);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
