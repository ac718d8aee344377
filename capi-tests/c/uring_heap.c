// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A ring has nothing of malloc(): a program that ends without ending its rings shows no leak to the tools that look for
 * some. What an old program writes to the array of indices, of every ring it has and of the largest, does no harm.
 */
#include <malloc.h>

#include "uring_check.h"

#define LARGEST 32768

static void works(struct io_uring *ring, unsigned long user_data)
{
	struct io_uring_sqe *sqe = next(ring);

	io_uring_prep_nop(sqe);
	sqe->user_data = user_data;
	CHECK_EQ(io_uring_submit(ring), 1);
	CHECK_EQ(take(ring).user_data, user_data);
}

int main(void)
{
	const unsigned flags[] = { 0, IORING_SETUP_CLAMP, IORING_SETUP_SUBMIT_ALL };
	struct io_uring ring[3], large;
	size_t before, i;
	unsigned k;

	before = mallinfo2().uordblks;
	for (i = 0; i < 3; i++)
		make(&ring[i], 4u << i, flags[i]);
	make(&large, LARGEST, 0);
	CHECK_EQ(mallinfo2().uordblks, before);

	for (k = 0; k < LARGEST; k++) {
		CHECK_EQ(large.sq.array[k], k);
		large.sq.array[k] = k;
	}
	for (i = 0; i < 3; i++)
		for (k = 0; k < *ring[i].sq.kring_entries; k++) {
			CHECK_EQ(ring[i].sq.array[k], k);
			ring[i].sq.array[k] = k;
		}
	for (i = 0; i < 20; i++) {
		works(&ring[i % 3], i);
		works(&large, i);
	}

	/* One ends, the others go on. */
	io_uring_queue_exit(&ring[1]);
	for (k = 0; k < LARGEST; k++)
		large.sq.array[k] = k;
	works(&ring[0], 100);
	works(&large, 101);
	io_uring_queue_exit(&large);
	works(&ring[2], 102);
	CHECK_EQ(ring[2].sq.array[1], 1);
	CHECK_EQ(mallinfo2().uordblks, before);
	return 0;
}
