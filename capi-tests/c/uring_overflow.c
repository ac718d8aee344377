// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* More completions than the queue holds: none is lost. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_params params;
	unsigned i, n = 0;

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	params.cq_entries = 4;
	make_params(&ring, 4, &params);
	if (!(params.features & IORING_FEAT_NODROP))
		SKIP("the kernel drops completions");
	CHECK_EQ(params.cq_entries, 4);
	CHECK_EQ(ring.cq.ring_entries, 4);
	CHECK(!io_uring_cq_has_overflow(&ring));
	for (i = 0; i < 5; i++) {
		nops(&ring, 4, n);
		CHECK_EQ(io_uring_submit(&ring), 4);
		n += 4;
		CHECK_EQ(io_uring_cq_has_overflow(&ring), n > 4);
	}
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	for (i = 0; i < n; i++)
		CHECK_EQ(take(&ring).user_data, i);
	CHECK(!io_uring_cq_has_overflow(&ring));
	CHECK_EQ(*ring.cq.koverflow, 0);

	/* A look alone finds them, too. */
	nops(&ring, 4, 0);
	CHECK_EQ(io_uring_submit(&ring), 4);
	nops(&ring, 4, 4);
	CHECK_EQ(io_uring_submit(&ring), 4);
	io_uring_cq_advance(&ring, 4);
	{
		struct io_uring_cqe *cqes[8];

		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 8), 4);
		CHECK_EQ(cqes[0]->user_data, 4);
	}
	nops(&ring, 4, 8);
	CHECK_EQ(io_uring_submit(&ring), 4);
	io_uring_cq_advance(&ring, 4);
	{
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_cq_ready(&ring), 0);
		CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
		CHECK_EQ(cqe->user_data, 8);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
