// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A full submission queue: no entry until something is submitted. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	unsigned round, i;

	make(&ring, 5, 0);
	CHECK_EQ(ring.sq.ring_entries, 8);
	for (round = 0; round < 50; round++) {
		unsigned before = round % 8;

		/* Start anywhere in the ring. */
		nops(&ring, before, 0);
		CHECK_EQ(io_uring_submit(&ring), before);
		for (i = 0; i < 8; i++) {
			CHECK_EQ(io_uring_sq_space_left(&ring), 8 - i);
			CHECK_EQ(io_uring_sq_ready(&ring), i);
			nops(&ring, 1, i);
		}
		CHECK(io_uring_get_sqe(&ring) == NULL);
		CHECK(io_uring_get_sqe(&ring) == NULL);
		CHECK_EQ(io_uring_submit(&ring), 8);
		CHECK_EQ(io_uring_sq_space_left(&ring), 8);
		for (i = 0; i < 8 + before; i++)
			take(&ring);
	}
	CHECK_EQ(io_uring_sqring_wait(&ring), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
