// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A restricted ring does what it is allowed and nothing else, once it is switched on. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_restriction rules[2];
	struct io_uring_sqe *sqe;
	int fd = temp_file(10, 1);
	char byte;

	make(&ring, 8, IORING_SETUP_R_DISABLED);
	nops(&ring, 1, 0);
	CHECK_EQ(io_uring_submit(&ring), -EBADFD);
	memset(rules, 0, sizeof(rules));
	rules[0].opcode = IORING_RESTRICTION_SQE_OP;
	rules[0].sqe_op = IORING_OP_NOP;
	rules[1].opcode = IORING_RESTRICTION_REGISTER_OP;
	rules[1].register_op = IORING_REGISTER_BUFFERS;
	CHECK_EQ(io_uring_register_restrictions(&ring, rules, 2), 0);
	CHECK_EQ(io_uring_register_restrictions(&ring, rules, 2), -EBUSY);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	CHECK_LE(io_uring_enable_rings(&ring), -1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).res, 0);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd, &byte, 1, 0);
	CHECK_EQ(run_one(&ring, sqe), -EACCES);
	CHECK_EQ(io_uring_register_files(&ring, &fd, 1), -EACCES);
	io_uring_queue_exit(&ring);
	return 0;
}
