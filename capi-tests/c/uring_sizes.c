// oracle: yes
// their-headers: no (needs a function younger than 2.3)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings with entries of twice the size. */
#include "uring_check.h"

static void twice(unsigned flags)
{
	struct io_uring ring;
	struct io_uring_cqe *cqes[8], *cqe;
	struct io_uring_sqe *first;
	unsigned i, round, head, n;

	make(&ring, 8, flags);
	CHECK_EQ(io_uring_sqe_shift(&ring), (flags & IORING_SETUP_SQE128) != 0);
	CHECK_EQ(io_uring_cqe_shift(&ring), (flags & IORING_SETUP_CQE32) != 0);
	first = ring.sq.sqes;
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 7; i++) {
			struct io_uring_sqe *sqe = next(&ring);

			CHECK_EQ(sqe - first, ((round * 7 + i) % 8) << io_uring_sqe_shift(&ring));
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, i);
		}
		CHECK_EQ(io_uring_submit(&ring), 7);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 8), 7);
		n = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			CHECK(cqe == cqes[n]);
			CHECK(cqe == &ring.cq.cqes[io_uring_cqe_index(&ring, head, ring.cq.ring_mask)]);
			CHECK_EQ(cqe->user_data, n);
			n++;
		}
		CHECK_EQ(n, 7);
		io_uring_cq_advance(&ring, 5);
		CHECK_EQ(take(&ring).user_data, 5);
		CHECK_EQ(take(&ring).user_data, 6);
	}
	io_uring_queue_exit(&ring);
}

int main(void)
{
	twice(0);
	twice(IORING_SETUP_SQE128);
	twice(IORING_SETUP_CQE32);
	twice(IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
	return 0;
}
