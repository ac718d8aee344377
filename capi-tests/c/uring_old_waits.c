// oracle: no (2.3 takes the time-out for a submission: 1 in place of -ETIME)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waits on kernels before 5.11, where a request of the library's own ends them. */
#include "uring_check.h"

static struct io_uring ring;

static void old_ring(unsigned flags)
{
	make(&ring, 4, flags);
	ring.features &= ~(unsigned)(IORING_FEAT_EXT_ARG | IORING_FEAT_MIN_TIMEOUT);
}

int main(void)
{
	struct __kernel_timespec ts = ms(30);
	struct io_uring_cqe *cqe;
	unsigned i;
	long start;

	old_ring(0);
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK(cqe == NULL);
	CHECK_ELAPSED(start, 30);
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &ts, NULL), -ETIME);
	CHECK_ELAPSED(start, 30);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -ETIME);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 1, &ts, 1000, NULL), -EINVAL);
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -EINVAL);

	/* What is there takes no request and no time. */
	nops(&ring, 2, 1);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &ts, NULL), 0);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(*ring.sq.ktail, 5);
	io_uring_cq_advance(&ring, 2);

	/* What is queued goes along; the time-out, which ends with the completions, is nobody's. */
	ts = ms(20000);
	nops(&ring, 2, 7);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &ts, NULL), 0);
	CHECK_EQ(cqe->user_data, 7);
	CHECK_EQ(take(&ring).user_data, 7);
	CHECK_EQ(take(&ring).user_data, 8);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);

	/* A queue that is full is handed over first. */
	ts = ms(30);
	nops(&ring, 4, 10);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	for (i = 0; i < 4; i++)
		CHECK_EQ(take(&ring).user_data, 10 + i);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);

	/* The end of the time is not seen by others that look for completions. */
	ts = ms(1);
	nops(&ring, 1, 20);
	CHECK_GE(io_uring_submit_and_wait_timeout(&ring, &cqe, 2, &ts, NULL), 1);
	CHECK_EQ(take(&ring).user_data, 20);
	io_uring_queue_exit(&ring);

	/* From 5.11 on the call takes the time, but no smallest one before 6.12. */
	make(&ring, 4, 0);
	ring.features &= ~(unsigned)IORING_FEAT_MIN_TIMEOUT;
	ts = ms(10);
	if (ring.features & IORING_FEAT_EXT_ARG) {
		CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
		CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -ETIME);
		CHECK_EQ(*ring.sq.ktail, 0);
	}
	nops(&ring, 1, 25);
	CHECK_EQ(io_uring_wait_cqes_min_timeout(&ring, &cqe, 1, &ts, 1000, NULL), -EINVAL);
	CHECK_EQ(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 1, &ts, 1000, NULL), -EINVAL);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	io_uring_queue_exit(&ring);

	/* No registered waits, not even where nothing is to be waited for. */
	old_ring(0);
	nops(&ring, 1, 27);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_cq_ready(&ring), 1);
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -EINVAL);
	CHECK(cqe == NULL);
	io_uring_queue_exit(&ring);

	/* The kernel stops at a bad request: the time-out behind it does not stay in the queue. */
	ts = ms(1000);
	old_ring(0);
	nops(&ring, 2, 30);
	ring.sq.sqes[0].opcode = 254;
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	CHECK_LE(now_ms() - start, 900);
	CHECK_EQ(cqe->user_data, 30);
	CHECK_EQ(cqe->res, -EINVAL);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).user_data, 31);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	sleep_ms(10);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
