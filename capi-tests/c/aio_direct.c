/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* O_DIRECT: alignment, the end of the file, bad memory, large requests, a full queue. */
#include "aio_check.h"

enum { BLOCK = 4096, FILE_SIZE = 1000000, DEPTH = 64 };

int main(void)
{
	io_context_t ctx = setup(DEPTH);
	int fd = temp_file(FILE_SIZE, 5), direct = reopen(fd, O_RDWR | O_DIRECT), i;
	char *memory = (char *)pages(4 << 20);
	struct iocb iocb, many[DEPTH], *list[DEPTH];
	struct io_event events[DEPTH];
	struct iovec vec[2];
	char seen[DEPTH] = "";

	drop_cache(fd, 0, 0);

	/* Beyond the end, across it, and all of it. */
	io_prep_pread(&iocb, direct, memory, BLOCK, FILE_SIZE / BLOCK * BLOCK);
	EVENT_IS(ctx, &iocb, FILE_SIZE % BLOCK);
	CHECK_PATTERN(memory, FILE_SIZE % BLOCK, 5, FILE_SIZE / BLOCK * BLOCK);
	io_prep_pread(&iocb, direct, memory, BLOCK, 1 << 20);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_pread(&iocb, direct, memory, 4 << 20, 0);
	EVENT_IS(ctx, &iocb, FILE_SIZE);
	CHECK_PATTERN(memory, FILE_SIZE, 5, 0);

	/* Alignment is the event's matter; a half block of memory alignment is enough. */
	io_prep_pread(&iocb, direct, memory + 1, BLOCK, 0);
	EVENT_IS(ctx, &iocb, -EINVAL);
	io_prep_pread(&iocb, direct, memory, 100, 0);
	EVENT_IS(ctx, &iocb, -EINVAL);
	io_prep_pread(&iocb, direct, memory, BLOCK, 1);
	EVENT_IS(ctx, &iocb, -EINVAL);
	io_prep_pwrite(&iocb, direct, memory, 100, 0);
	EVENT_IS(ctx, &iocb, -EINVAL);
	io_prep_pread(&iocb, direct, memory + 512, BLOCK, 0);
	EVENT_IS(ctx, &iocb, BLOCK);
	CHECK_PATTERN(memory + 512, BLOCK, 5, 0);

	/* Bad memory. */
	io_prep_pread(&iocb, direct, hole(), BLOCK, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	io_prep_pwrite(&iocb, direct, hole(), BLOCK, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	vec[0].iov_base = memory;
	vec[0].iov_len = BLOCK;
	vec[1].iov_base = memory + 1;
	vec[1].iov_len = BLOCK;
	io_prep_preadv(&iocb, direct, vec, 2, 0);
	EVENT_IS(ctx, &iocb, -EINVAL);

	/* A full queue of reads, and of overwrites, each with its own data. */
	for (i = 0; i < DEPTH; i++) {
		io_prep_pread(&many[i], direct, memory + i * BLOCK, BLOCK, (i * 37 % DEPTH) * BLOCK);
		many[i].data = (void *)(uintptr_t)i;
		list[i] = &many[i];
	}
	memset(memory, 0, DEPTH * BLOCK);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	reap(ctx, DEPTH, events);
	for (i = 0; i < DEPTH; i++) {
		int index = (int)(uintptr_t)events[i].data;

		CHECK(events[i].obj == &many[index] && !seen[index]);
		seen[index] = 1;
		CHECK_EQ(events[i].res, BLOCK);
		CHECK_PATTERN(memory + index * BLOCK, BLOCK, 5, (uint64_t)(index * 37 % DEPTH) * BLOCK);
	}
	for (i = 0; i < DEPTH; i++) {
		fill(memory + i * BLOCK, BLOCK, 6, (uint64_t)i * BLOCK);
		io_prep_pwrite(&many[i], direct, memory + i * BLOCK, BLOCK, i * BLOCK);
	}
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	reap(ctx, DEPTH, events);
	for (i = 0; i < DEPTH; i++)
		CHECK_EQ(events[i].res, BLOCK);
	memset(memory, 0, DEPTH * BLOCK);
	CHECK_EQ(pread(fd, memory, DEPTH * BLOCK, 0), DEPTH * BLOCK);
	CHECK_PATTERN(memory, DEPTH * BLOCK, 6, 0);

	/* Writes that extend the file and writes into a hole. */
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	reap(ctx, DEPTH, events);
	for (i = 0; i < DEPTH; i++)
		CHECK_EQ(events[i].res, BLOCK);
	CHECK_EQ(lseek(fd, 0, SEEK_END), DEPTH * BLOCK);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(ftruncate(fd, DEPTH * BLOCK), 0);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	reap(ctx, DEPTH, events);
	for (i = 0; i < DEPTH; i++)
		CHECK_EQ(events[i].res, BLOCK);
	memset(memory, 0, DEPTH * BLOCK);
	CHECK_EQ(pread(fd, memory, DEPTH * BLOCK, 0), DEPTH * BLOCK);
	CHECK_PATTERN(memory, DEPTH * BLOCK, 6, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
