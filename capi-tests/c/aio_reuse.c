/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The iocb, the vector and the array belong to the caller again when io_submit has returned; obj is only an address. */
#include "aio_check.h"

enum { BLOCK = 65536, DEPTH = 8, ROUNDS = 20 };

int main(void)
{
	io_context_t ctx = setup(DEPTH);
	int fd = temp_file(DEPTH * BLOCK, 32), direct = reopen(fd, O_RDONLY | O_DIRECT), round, i;
	struct iocb one, *list[DEPTH];
	struct io_event events[DEPTH];
	struct iovec vec[2];

	for (round = 0; round < ROUNDS; round++) {
		char *memory = (char *)pages(DEPTH * BLOCK);
		char *away = (char *)pages(BLOCK);
		struct iocb *gone = (struct iocb *)pages(4096);
		unsigned int seen = 0;

		drop_cache(fd, 0, 0);
		/* One iocb and one vector serve for all requests in turn, and are scribbled over. */
		for (i = 0; i < DEPTH; i++) {
			vec[0].iov_base = memory + i * BLOCK;
			vec[0].iov_len = BLOCK / 4;
			vec[1].iov_base = memory + i * BLOCK + BLOCK / 4;
			vec[1].iov_len = 3 * BLOCK / 4;
			io_prep_preadv(&one, round % 2 ? fd : direct, vec, 2, i * BLOCK);
			one.data = (void *)(uintptr_t)(0x1000 + i);
			list[0] = &one;
			CHECK_EQ(io_submit(ctx, 1, list), 1);
			memset(list, 0x5a, sizeof(list));
			memset(&one, 0x5a, sizeof(one));
			memset(vec, 0x5a, sizeof(vec));
		}
		reap(ctx, DEPTH, events);
		for (i = 0; i < DEPTH; i++) {
			CHECK(events[i].obj == &one);
			CHECK_EQ(events[i].res, BLOCK);
			seen |= 1u << ((uintptr_t)events[i].data - 0x1000);
		}
		CHECK_EQ(seen, (1 << DEPTH) - 1);
		CHECK_EQ(first_wrong(memory, 512, 32, 0), -1);
		CHECK_EQ(first_wrong(memory + (DEPTH - 1) * BLOCK, 512, 32, (DEPTH - 1) * BLOCK), -1);

		/* The iocb's memory is unmapped while the request is in flight. */
		io_prep_pread(gone, direct, memory, BLOCK, 0);
		gone->data = (void *)7;
		list[0] = gone;
		CHECK_EQ(io_submit(ctx, 1, list), 1);
		munmap(gone, 4096);
		reap(ctx, 1, events);
		CHECK(events[0].obj == gone && events[0].data == (void *)7);
		CHECK_EQ(events[0].res, BLOCK);

		/* So is the buffer of an O_DIRECT read. */
		io_prep_pread(&one, direct, away, BLOCK, 0);
		list[0] = &one;
		CHECK_EQ(io_submit(ctx, 1, list), 1);
		munmap(away, BLOCK);
		reap(ctx, 1, events);
		CHECK_EQ(events[0].res, BLOCK);

		/* The same iocb twice in one array: two events with the same obj. */
		io_prep_pread(&one, fd, memory, 100, 0);
		list[0] = list[1] = &one;
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		reap(ctx, 2, events);
		CHECK(events[0].obj == &one && events[1].obj == &one);
		CHECK_EQ(events[0].res + events[1].res, 200);
		munmap(memory, DEPTH * BLOCK);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
