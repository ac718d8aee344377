// oracle: no (from 2.8 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A wait for several that is content with one after a while. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(500);
	long start;

	make(&ring, 8, 0);
	if (!(ring.features & IORING_FEAT_MIN_TIMEOUT)) {
		CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 2, &ts, 1000, NULL), -EINVAL);
		SKIP("the kernel cannot do it");
	}
	nops(&ring, 1, 1);
	start = now_ms();
	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 4, &ts, 50000, NULL), 1);
	CHECK_GE(now_ms() - start, 45);
	CHECK_LE(now_ms() - start, 400);
	CHECK_EQ(cqe->user_data, 1);
	io_uring_cqe_seen(&ring, cqe);

	/* With none, until the end. */
	ts = ms(100);
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 4, &ts, 20000, NULL), -ETIME);
	CHECK_ELAPSED(start, 100);
	io_uring_queue_exit(&ring);
	return 0;
}
