// oracle: no (2.3 answers 1 in place of -ETIME)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Limits of waits on kernels before 5.11, where they are requests: IORING_FEAT_EXT_ARG is missing. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec brief = ms(50), lengthy = ms(20000);
	long start;

	make(&ring, 8, 0);
	ring.features &= ~(unsigned)IORING_FEAT_EXT_ARG;

	start = now_ms();
	cqe = (struct io_uring_cqe *)&ring;
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &brief), -ETIME);
	CHECK_ELAPSED(start, 50);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &brief, NULL), -ETIME);
	CHECK_ELAPSED(start, 50);
	start = now_ms();
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &brief, NULL), -ETIME);
	CHECK_ELAPSED(start, 50);

	/* The completion comes first; the time-out, which ends with it, is nobody's. */
	nops(&ring, 2, 7);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &lengthy, NULL), 0);
	CHECK_EQ(cqe->user_data, 7);
	CHECK_EQ(take(&ring).user_data, 7);
	CHECK_EQ(take(&ring).user_data, 8);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);

	/* A full queue is handed over to make room. */
	nops(&ring, 8, 20);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &lengthy), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(take(&ring).user_data, 20);
	io_uring_queue_exit(&ring);
	return 0;
}
