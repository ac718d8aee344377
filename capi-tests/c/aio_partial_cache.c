/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Buffered reads of ranges that are partly in the page cache: full count, right bytes, one event. */
#include "aio_check.h"

enum { PAGE = 4096, SIZE = 64 * PAGE };

static io_context_t ctx;
static int fd;

/* Which pages are cached is a pattern of bits, repeated over the file. */
static void cache_only(uint64_t bits, int width)
{
	char byte;
	int i;

	drop_cache(fd, 0, 0);
	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM) == 0);
	for (i = 0; i < SIZE / PAGE; i++)
		if (bits >> (i % width) & 1)
			CHECK_EQ(pread(fd, &byte, 1, i * PAGE), 1);
}

static void read_range(size_t length, long long offset)
{
	char *memory = (char *)pages(SIZE + PAGE);
	struct io_event event;
	struct iocb iocb;
	struct iovec vec[3];
	long expected = offset + (long long)length > SIZE ? (long)(SIZE - offset) : (long)length;

	io_prep_pread(&iocb, fd, memory, length, offset);
	EVENT_IS(ctx, &iocb, expected);
	CHECK_PATTERN(memory, (size_t)expected, 26, (uint64_t)offset);
	CHECK_EQ(memory[expected], 0);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, NULL), 0);

	/* The same as a vector whose pieces end inside pages. */
	if (length > 3000) {
		memset(memory, 0, SIZE);
		vec[0].iov_base = memory;
		vec[0].iov_len = 1000;
		vec[1].iov_base = memory + 1000;
		vec[1].iov_len = length - 2500;
		vec[2].iov_base = memory + length - 1500;
		vec[2].iov_len = 1500;
		io_prep_preadv(&iocb, fd, vec, 3, offset);
		EVENT_IS(ctx, &iocb, expected);
		CHECK_PATTERN(memory, (size_t)expected, 26, (uint64_t)offset);
	}
	munmap(memory, SIZE + PAGE);
}

/* The end of the file is where it was when the read began, whatever a later write of the same call does. */
static void read_at_the_end(int append)
{
	char *memory = (char *)pages(2 * PAGE);
	struct iocb iocb[2], *list[2] = {&iocb[0], &iocb[1]};
	struct io_event events[2];
	int file = temp_file(16 * PAGE, 27), other = reopen(file, O_WRONLY | (append ? O_APPEND : 0));

	drop_cache(file, 0, 0);
	io_prep_pread(&iocb[0], file, memory, 1000, 16 * PAGE - 100);
	io_prep_pwrite(&iocb[1], other, memory + PAGE, 1000, 32 * PAGE);
	CHECK_EQ(io_submit(ctx, 2, list), 2);
	reap(ctx, 2, events);
	CHECK_EQ(events[events[1].obj == &iocb[0]].res, 100);
	CHECK_EQ(events[events[1].obj == &iocb[1]].res, 1000);
	close(file);
	close(other);
}

int main(void)
{
	static const struct {
		uint64_t bits;
		int width;
	} caches[] = {{0, 1}, {1, 1}, {1, 2}, {2, 2}, {0x0f, 8}, {0xf0, 8}, {1, 64}, {0xffff, 32}, {0x7f, 8}};
	static const struct {
		size_t length;
		long long offset;
	} ranges[] = {{SIZE, 0}, {PAGE, 0}, {2 * PAGE, PAGE}, {10 * PAGE, 100}, {3 * PAGE + 7, 4 * PAGE - 3},
		      {SIZE, SIZE - 5 * PAGE - 11}, {9000, 20000}, {SIZE, 1}};
	size_t i, j;
	long repeat;

	fd = temp_file(SIZE, 26);
	ctx = setup(4);
	for (repeat = 0; repeat < 3 * test_scale(); repeat++)
		for (i = 0; i < COUNT_OF(caches); i++)
			for (j = 0; j < COUNT_OF(ranges); j++) {
				cache_only(caches[i].bits, caches[i].width);
				read_range(ranges[j].length, ranges[j].offset);
			}

	/* Half by fadvise on the half, and a batch of reads that straddle the border. */
	for (repeat = 0; repeat < 20; repeat++) {
		struct iocb iocb[4], *list[4];
		struct io_event events[4];
		char *memory = (char *)pages(4 * SIZE);

		cache_only(1, 1);
		drop_cache(fd, SIZE / 2, SIZE / 2);
		for (i = 0; i < 4; i++) {
			io_prep_pread(&iocb[i], fd, memory + i * SIZE, SIZE / 2, SIZE / 4 + (long long)i * 777);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, 4, list), 4);
		reap(ctx, 4, events);
		for (i = 0; i < 4; i++) {
			CHECK_EQ(events[i].res, SIZE / 2);
			CHECK_PATTERN(memory + i * SIZE, SIZE / 2, 26, SIZE / 4 + i * 777);
		}
		munmap(memory, 4 * SIZE);
	}
	for (i = 0; i < 20; i++)
		read_at_the_end(i % 2);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
