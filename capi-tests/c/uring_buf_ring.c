// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A buffer ring that the library allocates: received data, the kernel's place in it, its end. */
#include "uring_check.h"

enum { COUNT = 16, SIZE = 128, GROUP = 3 };

static struct io_uring ring;

static void one(unsigned flags)
{
	char *memory = (char *)pages(COUNT * SIZE);
	struct io_uring_buf_ring *br;
	int fd[2], err = 1, i, more = 1;
	uint16_t head = 77;
	struct io_uring_sqe *sqe;

	br = io_uring_setup_buf_ring(&ring, COUNT, GROUP, flags, &err);
	if (!br && err == -EINVAL)
		SKIP("no such buffer rings");
	CHECK(br != NULL);
	for (i = 0; i < COUNT; i++)
		io_uring_buf_ring_add(br, memory + i * SIZE, SIZE, (unsigned short)i, io_uring_buf_ring_mask(COUNT), i);
	io_uring_buf_ring_advance(br, COUNT);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), COUNT);
	CHECK_EQ(io_uring_buf_ring_head(&ring, GROUP, &head), 0);
	CHECK_EQ(head, 0);
	CHECK_EQ(io_uring_buf_ring_head(&ring, GROUP + 1, &head), -ENOENT);

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	sqe = next(&ring);
	io_uring_prep_recv_multishot(sqe, fd[0], NULL, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 3 * COUNT && more; i++) {
		char data[SIZE];
		struct io_uring_cqe *cqe;
		int bid;

		fill(data, sizeof(data), (uint64_t)i, 0);
		CHECK_EQ(send(fd[1], data, 1 + (size_t)i, 0), 1 + i);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(cqe->res, 1 + i);
		CHECK(cqe->flags & IORING_CQE_F_BUFFER);
		more = (cqe->flags & IORING_CQE_F_MORE) != 0;
		bid = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		CHECK_EQ(bid, i % COUNT);
		CHECK_PATTERN(memory + bid * SIZE, 1 + (size_t)i, (uint64_t)i, 0);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), COUNT - 1);
		io_uring_buf_ring_add(br, memory + bid * SIZE, SIZE, (unsigned short)bid, io_uring_buf_ring_mask(COUNT),
				      0);
		io_uring_buf_ring_cq_advance(&ring, br, 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), COUNT);
	}
	CHECK_EQ(i, 3 * COUNT);
	close(fd[1]);
	CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, GROUP), 0);
}

int main(void)
{
	int err = 0;

	make(&ring, 8, 0);
	/* Not a power of two. */
	CHECK(io_uring_setup_buf_ring(&ring, 3, GROUP, 0, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	one(0);
	one(0);
	io_uring_queue_exit(&ring);
	return 0;
}
