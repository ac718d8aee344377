// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring and a child of fork: the child uses what it inherits, ends it, and the parent's goes on. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring, own;
	pid_t child;
	unsigned i;

	make(&ring, 8, 0);
	nops(&ring, 2, 1);
	CHECK_EQ(io_uring_submit(&ring), 2);
	child = fork();
	if (child == 0) {
		watchdog();
		/* The mappings are shared. */
		CHECK_EQ(take(&ring).user_data, 1);
		nops(&ring, 1, 3);
		CHECK_EQ(io_uring_submit(&ring), 1);
		make(&own, 4, 0);
		nops(&own, 4, 20);
		CHECK_EQ(io_uring_submit_and_wait(&own, 4), 4);
		for (i = 0; i < 4; i++)
			CHECK_EQ(take(&own).user_data, 20 + i);
		io_uring_queue_exit(&own);
		io_uring_queue_exit(&ring);
		_exit(0);
	}
	wait_exit(child, 0);
	CHECK_EQ(take(&ring).user_data, 2);
	CHECK_EQ(take(&ring).user_data, 3);
	/* The child's request went by the parent's count, too; its own places are taken up again from there. */
	CHECK_EQ(*ring.sq.ktail, 3);
	ring.sq.sqe_head = ring.sq.sqe_tail = *ring.sq.ktail;
	nops(&ring, 8, 30);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 8), 8);
	for (i = 0; i < 8; i++)
		CHECK_EQ(take(&ring).user_data, 30 + i);

	/* A ring that is kept out of children. */
	CHECK_EQ(io_uring_ring_dontfork(&ring), 0);
	child = fork();
	if (child == 0) {
		watchdog();
		make(&own, 4, 0);
		nops(&own, 1, 40);
		CHECK_EQ(io_uring_submit(&own), 1);
		CHECK_EQ(take(&own).user_data, 40);
		io_uring_queue_exit(&own);
		_exit(0);
	}
	nops(&ring, 1, 50);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).user_data, 50);
	wait_exit(child, 0);
	io_uring_queue_exit(&ring);
	return 0;
}
