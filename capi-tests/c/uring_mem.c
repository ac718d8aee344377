// oracle: no (from 2.5 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings in memory of the program: how much is used, what does not suffice. */
#include "uring_check.h"

enum { SIZE = 1 << 20 };

int main(void)
{
	char *memory = (char *)pages(SIZE);
	struct io_uring_params params;
	struct io_uring ring;
	ssize_t need = io_uring_memory_size(64, 0);
	unsigned i, round;
	int used;

	CHECK_GE(need, 4096);
	memset(&params, 0, sizeof(params));
	used = io_uring_queue_init_mem(64, &ring, &params, memory, SIZE);
	if (used == -EPERM || used == -ENOSYS || used == -EINVAL)
		SKIP("no rings in a program's memory: %d", used);
	CHECK_GE(used, 64 * 64 + 128 * 16);
	CHECK_LE(used, SIZE);
	CHECK_LE(used, need);
	CHECK_EQ(ring.sq.ring_entries, 64);
	CHECK_EQ(ring.cq.ring_entries, 128);
	CHECK(ring.flags & IORING_SETUP_NO_MMAP);
	CHECK((char *)ring.sq.sqes >= memory && (char *)ring.sq.sqes < memory + SIZE);
	CHECK((char *)ring.cq.cqes >= memory && (char *)ring.cq.cqes < memory + SIZE);
	for (round = 0; round < 10; round++) {
		nops(&ring, 50, round);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 50), 50);
		for (i = 0; i < 50; i++)
			CHECK_EQ(take(&ring).user_data, round + i);
	}
	io_uring_queue_exit(&ring);
	/* The memory is the program's still. */
	memset(memory, 1, SIZE);
	memset(memory, 0, SIZE);

	/* Again in the same place, with exactly the size that is said to be needed. */
	memset(&params, 0, sizeof(params));
	CHECK_EQ(io_uring_queue_init_mem(64, &ring, &params, memory, (size_t)need), used);
	nops(&ring, 1, 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	take(&ring);
	io_uring_queue_exit(&ring);

	memset(&params, 0, sizeof(params));
	CHECK_EQ(io_uring_queue_init_mem(64, &ring, &params, memory, 4096), -ENOMEM);
	memset(&params, 0, sizeof(params));
	CHECK_EQ(io_uring_queue_init_mem(0, &ring, &params, memory, SIZE), -EINVAL);
	return 0;
}
