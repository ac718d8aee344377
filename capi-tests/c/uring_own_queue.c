// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that fills the rings itself: entries, array of indices, tail, io_uring_enter(). */
#include "uring_check.h"

int main(void)
{
	struct io_uring_params params;
	struct io_uring ring;
	unsigned i, round;
	int fd;

	memset(&params, 0, sizeof(params));
	fd = io_uring_setup(8, &params);
	if (fd == -EPERM || fd == -ENOSYS)
		SKIP("io_uring is not allowed here: %d", fd);
	CHECK_GE(fd, 0);
	memset(&ring, 0, sizeof(ring));
	CHECK_EQ(io_uring_queue_mmap(fd, &params, &ring), 0);
	CHECK(ring.sq.array != NULL);
	ring.ring_fd = ring.enter_ring_fd = fd;
	for (round = 0; round < 10; round++) {
		unsigned tail = *ring.sq.ktail;

		/* The entries in reverse order. */
		for (i = 0; i < 8; i++) {
			struct io_uring_sqe *sqe = &ring.sq.sqes[7 - i];

			memset(sqe, 0, sizeof(*sqe));
			sqe->opcode = IORING_OP_NOP;
			sqe->user_data = round * 10 + i;
			ring.sq.array[(tail + i) & *ring.sq.kring_mask] = 7 - i;
		}
		io_uring_smp_store_release(ring.sq.ktail, tail + 8);
		CHECK_EQ(io_uring_enter((unsigned)fd, 8, 8, IORING_ENTER_GETEVENTS, NULL), 8);
		CHECK_EQ(*ring.sq.khead, tail + 8);
		CHECK_EQ(io_uring_smp_load_acquire(ring.cq.ktail) - *ring.cq.khead, 8);
		for (i = 0; i < 8; i++) {
			unsigned head = *ring.cq.khead;

			CHECK_EQ(ring.cq.cqes[head & *ring.cq.kring_mask].user_data, round * 10 + i);
			io_uring_smp_store_release(ring.cq.khead, head + 1);
		}
	}

	/* An index that does not exist is dropped. */
	i = *ring.sq.ktail;
	ring.sq.array[i & *ring.sq.kring_mask] = 8;
	io_uring_smp_store_release(ring.sq.ktail, i + 1);
	CHECK_LE(io_uring_enter((unsigned)fd, 1, 0, 0, NULL), 0);
	CHECK_EQ(*ring.sq.kdropped, 1);
	io_uring_queue_exit(&ring);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	return 0;
}
