// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several completions at once: peek_batch, for_each, advance. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqes[16], *cqe = NULL;
	unsigned head, n, i, round;

	make(&ring, 8, 0);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), 0);
	for (round = 0; round < 20; round++) {
		nops(&ring, 7, round * 100);
		CHECK_EQ(io_uring_submit(&ring), 7);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 3), 3);
		for (i = 0; i < 3; i++)
			CHECK_EQ(cqes[i]->user_data, round * 100 + i);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), 7);
		for (i = 0; i < 7; i++)
			CHECK_EQ(cqes[i]->user_data, round * 100 + i);
		io_uring_cq_advance(&ring, 2);

		n = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			CHECK_EQ(head, *ring.cq.khead + n);
			CHECK_EQ(cqe->user_data, round * 100 + 2 + n);
			n++;
		}
		CHECK_EQ(n, 5);
		/* Nothing is given back by the loop itself, nor by one that is left. */
		io_uring_for_each_cqe(&ring, head, cqe) {
			if (cqe->user_data == round * 100 + 4)
				break;
		}
		CHECK_EQ(cqe->user_data, round * 100 + 4);
		CHECK_EQ(io_uring_cq_ready(&ring), 5);
		io_uring_cq_advance(&ring, n);
		io_uring_cq_advance(&ring, 0);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
