// oracle: no (the functions are younger)
// old-kernel: no (so is what asks for the head)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The count of buffers that are left, and what is done by hand with a buffer ring. */
#include "uring_check.h"

enum { COUNT = 4, SIZE = 256 };

int main(void)
{
	static char memory[COUNT][SIZE];
	struct io_uring ring;
	struct io_uring_buf_ring *br;
	struct msghdr msg;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring_recvmsg_out *out;
	int pair[2], err = 0, i;

	make(&ring, 4, 0);
	br = io_uring_setup_buf_ring(&ring, COUNT, 7, 0, &err);
	if (!br)
		SKIP("no buffer rings: %d", err);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, 8), -ENOENT);
	/* It is still there. */
	for (i = 0; i < COUNT; i++)
		io_uring_buf_ring_add(br, memory[i], SIZE, (unsigned short)i, io_uring_buf_ring_mask(COUNT), i);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, 7), 0);
	io_uring_buf_ring_advance(br, COUNT);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, 7), COUNT);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, 8), -ENOENT);

	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	memset(&msg, 0, sizeof(msg));
	msg.msg_namelen = 16;
	msg.msg_controllen = 64;
	sqe = next(&ring);
	io_uring_prep_recvmsg_multishot(sqe, pair[0], &msg, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, 7);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 6; i++) {
		unsigned short bid;

		CHECK_EQ(write(pair[1], "123", 3), 3);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK(cqe->flags & IORING_CQE_F_MORE);
		bid = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, 7), COUNT - 1);
		out = io_uring_recvmsg_validate(memory[bid], cqe->res, &msg);
		CHECK(out != NULL);
		/* Nobody has sent a control message. */
		CHECK(io_uring_recvmsg_cmsg_firsthdr(out, &msg) == NULL);
		CHECK_EQ(io_uring_recvmsg_payload_length(out, cqe->res, &msg), 3);
		CHECK(memcmp(io_uring_recvmsg_payload(out, &msg), "123", 3) == 0);
		io_uring_buf_ring_add(br, memory[bid], SIZE, bid, io_uring_buf_ring_mask(COUNT), 0);
		/* The buffer and the completion, in one go. */
		if (i % 2)
			__io_uring_buf_ring_cq_advance(&ring, br, 1, 1);
		else
			io_uring_buf_ring_cq_advance(&ring, br, 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, 7), COUNT);
	}
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, 7), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
