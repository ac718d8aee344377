// oracle: yes
// their-headers: no (it tests ours)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inlines that look at one value. */
#include "uring_check.h"

static void shifts(void)
{
	static struct io_uring ring;
	unsigned bit;

	memset(&ring, 0xff, sizeof(ring));
	for (bit = 0; bit < 32; bit++) {
		unsigned flag = 1u << bit, wide_cqe = flag == IORING_SETUP_CQE32, wide_sqe = flag == IORING_SETUP_SQE128;

		CHECK_EQ(io_uring_cqe_shift_from_flags(flag), wide_cqe);
		CHECK_EQ(io_uring_sqe_shift_from_flags(flag), wide_sqe);
		CHECK_EQ(io_uring_cqe_shift_from_flags(~flag), !wide_cqe);
		CHECK_EQ(io_uring_sqe_shift_from_flags(~flag), !wide_sqe);
		ring.flags = flag;
		CHECK_EQ(io_uring_cqe_shift(&ring), wide_cqe);
		CHECK_EQ(io_uring_sqe_shift(&ring), wide_sqe);
		ring.flags = ~flag;
		CHECK_EQ(io_uring_cqe_shift(&ring), !wide_cqe);
		CHECK_EQ(io_uring_sqe_shift(&ring), !wide_sqe);
	}
}

static void completions(void)
{
	struct io_uring_cqe cqe;
	unsigned bit;

	memset(&cqe, 0, sizeof(cqe));
	for (bit = 0; bit < 32; bit++) {
		cqe.flags = 1u << bit;
		CHECK_EQ(io_uring_cqe_nr(&cqe), cqe.flags == IORING_CQE_F_32 ? 2 : 1);
	}
	cqe.user_data = 0x123456789abcdef0u;
	CHECK_EQ(io_uring_cqe_get_data64(&cqe), 0x123456789abcdef0u);
	CHECK_EQ((uintptr_t)io_uring_cqe_get_data(&cqe), 0x123456789abcdef0u);
}

static void operations(void)
{
	static union {
		struct io_uring_probe probe;
		char room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
	} answer;
	int op, bit;

	answer.probe.last_op = 40;
	answer.probe.ops_len = 41;
	/* Behind the last one is nothing that means something. */
	for (op = 0; op < 256; op++)
		answer.probe.ops[op].flags = IO_URING_OP_SUPPORTED;
	for (op = -2; op < 256; op++)
		CHECK_EQ(io_uring_opcode_supported(&answer.probe, op), op >= 0 && op <= 40);
	for (bit = 0; bit < 16; bit++) {
		answer.probe.ops[0].flags = (__u16)(1u << bit);
		CHECK_EQ(io_uring_opcode_supported(&answer.probe, 0), bit == 0);
	}
	/* What lies before the operations is not looked at. */
	memset(&answer.probe, 0xff, sizeof(answer.probe));
	CHECK_EQ(io_uring_opcode_supported(&answer.probe, -1), 0);
}

int main(void)
{
	shifts();
	completions();
	operations();
	return 0;
}
