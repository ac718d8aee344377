// old-kernel: no (incremental consumption is of Linux 6.12)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Buffers that are used piece by piece: where each piece begins, and when a buffer goes back. */
#include "bufring_check.h"

enum { SIZE = 32768, GROUP = 3 };

static struct io_uring ring;

/* The example of docs/extensions.md: two buffers of 32 KiB; 4, 8 and 20 KiB are the first, 4 KiB begin the second. */
static void worked_example(void)
{
	static const struct {
		unsigned length, bid, offset;
	} want[] = {{4096, 0, 0}, {8192, 0, 4096}, {20480, 0, 12288}, {4096, 1, 0}};
	struct aiouring_bufring *br = bufring(&ring, 2, SIZE, GROUP, AIOURING_BUFRING_INC);
	struct aiouring_bufring_span spans[COUNT_OF(want)];
	struct aiouring_bufring_walk walk;
	char data[SIZE], *start = NULL;
	unsigned i;
	int fd[2];

	if (!(info(br).flags & AIOURING_BUFRING_INC))
		SKIP("the kernel does not use buffers piece by piece");
	sockets(fd);
	receive_again(&ring, br, fd[0], 1);
	for (i = 0; i < COUNT_OF(want); i++) {
		struct completion cqe;

		fill(data, want[i].length, i, 0);
		CHECK_EQ(send(fd[1], data, want[i].length, 0), want[i].length);
		cqe = take(&ring);
		CHECK_EQ(cqe.res, want[i].length);
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(walk.left, want[i].length);
		CHECK_EQ(aiouring_bufring_next(&walk, &spans[i]), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &spans[i]), 0);
		CHECK_EQ(spans[i].len, want[i].length);
		CHECK_EQ(spans[i].id & 0xffff, want[i].bid);
		if (i == 0)
			start = (char *)spans[i].base;
		CHECK_EQ((char *)spans[i].base - start, want[i].bid * SIZE + want[i].offset);
		CHECK_EQ(aiouring_bufring_check(br), 0);
	}
	/* The kernel is done with the first, which four spans are left of, one of them in the second. */
	CHECK_EQ(info(br).held, 1);
	CHECK_EQ(info(br).provided, 1);
	CHECK_EQ(info(br).references, 4);
	CHECK_EQ(info(br).partial, 3);
	for (i = 0; i < COUNT_OF(want); i++) {
		CHECK_PATTERN(spans[i].base, want[i].length, i, 0);
		CHECK_EQ(info(br).provided, i < 3 ? 1 : 2);
		CHECK_EQ(aiouring_bufring_release(br, spans[i].id), 0);
	}
	CHECK_EQ(info(br).provided, 2);
	CHECK_EQ(info(br).recycled, 1);
	close(fd[1]);
	CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

int main(void)
{
	make(&ring, 8, 0);
	worked_example();
	io_uring_queue_exit(&ring);
	return 0;
}
