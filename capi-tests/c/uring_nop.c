// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A request that does nothing comes back with its user data, whatever the size of the ring. */
#include "uring_check.h"

int main(void)
{
	static const unsigned sizes[] = {1, 2, 3, 8, 4096};
	unsigned i, j;

	for (i = 0; i < COUNT_OF(sizes); i++) {
		struct io_uring ring;

		make(&ring, sizes[i], 0);
		CHECK_GE(ring.sq.ring_entries, sizes[i]);
		for (j = 0; j < 100; j++) {
			struct completion cqe;

			nops(&ring, 1, j);
			CHECK_EQ(io_uring_sq_ready(&ring), 1);
			CHECK_EQ(io_uring_submit(&ring), 1);
			CHECK_EQ(io_uring_sq_ready(&ring), 0);
			cqe = take(&ring);
			CHECK_EQ(cqe.user_data, j);
			CHECK_EQ(cqe.res, 0);
			CHECK_EQ(cqe.flags, 0);
			CHECK_EQ(io_uring_cq_ready(&ring), 0);
		}
		CHECK_EQ(io_uring_submit(&ring), 0);
		io_uring_queue_exit(&ring);
	}
	return 0;
}
