// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Timeouts: a duration, a point in time, a number of completions, removal, change. */
#include "uring_check.h"

static struct io_uring ring;

int main(void)
{
	struct __kernel_timespec ts;
	struct io_uring_sqe *sqe;
	struct timespec now;
	struct completion cqe;
	long start;
	int i;

	make(&ring, 8, 0);
	ts = ms(50);
	start = now_ms();
	sqe = next(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	CHECK_EQ(run_one(&ring, sqe), -ETIME);
	CHECK_ELAPSED(start, 50);

	start = now_ms();
	clock_gettime(CLOCK_MONOTONIC, &now);
	ts = ms(now.tv_sec * 1000 + now.tv_nsec / 1000000 + 50);
	sqe = next(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, IORING_TIMEOUT_ABS);
	CHECK_EQ(run_one(&ring, sqe), -ETIME);
	CHECK_ELAPSED(start, 50);

	/* Two completions end it before its time. */
	ts = ms(10000);
	sqe = next(&ring);
	io_uring_prep_timeout(sqe, &ts, 2, 0);
	io_uring_sqe_set_data64(sqe, 100);
	nops(&ring, 2, 0);
	CHECK_EQ(io_uring_submit(&ring), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(take(&ring).res, 0);

	sqe = next(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	io_uring_sqe_set_data64(sqe, 100);
	sqe = next(&ring);
	io_uring_prep_timeout_remove(sqe, 100, 0);
	io_uring_sqe_set_data64(sqe, 101);
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 2; i++) {
		cqe = take(&ring);
		CHECK_EQ(cqe.res, cqe.user_data == 100 ? -ECANCELED : 0);
	}
	sqe = next(&ring);
	io_uring_prep_timeout_remove(sqe, 100, 0);
	CHECK_EQ(run_one(&ring, sqe), -ENOENT);

	start = now_ms();
	sqe = next(&ring);
	io_uring_prep_timeout(sqe, &ts, 0, 0);
	io_uring_sqe_set_data64(sqe, 100);
	CHECK_EQ(io_uring_submit(&ring), 1);
	ts = ms(50);
	sqe = next(&ring);
	io_uring_prep_timeout_update(sqe, &ts, 100, 0);
	io_uring_sqe_set_data64(sqe, 101);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 2; i++) {
		cqe = take(&ring);
		CHECK_EQ(cqe.res, cqe.user_data == 100 ? -ETIME : 0);
	}
	CHECK_ELAPSED(start, 50);
	io_uring_queue_exit(&ring);
	return 0;
}
