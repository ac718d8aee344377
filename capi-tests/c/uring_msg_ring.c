// oracle: yes
// their-headers: no (needs a function younger than 2.3)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Messages from ring to ring. */
#include "uring_check.h"

int main(void)
{
	struct io_uring one, two;
	struct io_uring_sqe *sqe;
	struct completion cqe;

	make(&one, 8, 0);
	make(&two, 8, 0);
	need_op(&one, IORING_OP_MSG_RING);
	sqe = next(&one);
	io_uring_prep_msg_ring(sqe, two.ring_fd, 42, 0x123456789abcdef0, 0);
	CHECK_EQ(run_one(&one, sqe), 0);
	cqe = take(&two);
	CHECK_EQ(cqe.user_data, 0x123456789abcdef0);
	CHECK_EQ(cqe.res, 42);

	sqe = next(&one);
	io_uring_prep_msg_ring_cqe_flags(sqe, two.ring_fd, 1, 2, 0, 0x30000);
	CHECK_EQ(run_one(&one, sqe), 0);
	cqe = take(&two);
	CHECK_EQ(cqe.flags, 0x30000);
	/* Nor is it padding here, whether it is there before one looks or not. */
	sqe = next(&one);
	io_uring_prep_msg_ring_cqe_flags(sqe, two.ring_fd, 1, 3, 0, IORING_CQE_F_SKIP);
	CHECK_EQ(run_one(&one, sqe), 0);
	CHECK_EQ(io_uring_cq_ready(&two), 1);
	cqe = take(&two);
	CHECK_EQ(cqe.user_data, 3);
	CHECK_EQ(cqe.flags, IORING_CQE_F_SKIP);

	sqe = next(&one);
	io_uring_prep_msg_ring(sqe, 0, 1, 2, 0);
	CHECK_EQ(run_one(&one, sqe), -EBADFD);

	/* A registered file goes over. */
	CHECK_EQ(io_uring_register_files_sparse(&two, 2), 0);
	{
		int fd = temp_file(10, 4);
		char memory[10];

		CHECK_EQ(io_uring_register_files(&one, &fd, 1), 0);
		sqe = next(&one);
		io_uring_prep_msg_ring_fd(sqe, two.ring_fd, 0, 1, 77, 0);
		CHECK_EQ(run_one(&one, sqe), 0);
		CHECK_EQ(take(&two).user_data, 77);
		sqe = next(&two);
		io_uring_prep_read(sqe, 1, memory, 10, 0);
		sqe->flags |= IOSQE_FIXED_FILE;
		CHECK_EQ(run_one(&two, sqe), 10);
		CHECK_PATTERN(memory, 10, 4, 0);
	}
	io_uring_queue_exit(&one);
	io_uring_queue_exit(&two);
	return 0;
}
