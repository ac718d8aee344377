// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waiting: with a limit of time, for several, submitting at once, looking only. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(50);
	long start;

	make(&ring, 8, 0);
	cqe = (struct io_uring_cqe *)&ring;
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 0), -EAGAIN);

	start = now_ms();
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK_ELAPSED(start, 50);
	start = now_ms();
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 2, &ts, NULL), -ETIME);
	CHECK_ELAPSED(start, 50);

	/* Something is there: no waiting, and it stays until it is seen. */
	nops(&ring, 1, 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	io_uring_cqe_seen(&ring, NULL);

	nops(&ring, 4, 10);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 4), 4);
	CHECK_EQ(io_uring_cq_ready(&ring), 4);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 4), 0);
	CHECK_EQ(cqe->user_data, 10);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 4, &ts, NULL), 0);
	io_uring_cq_advance(&ring, 4);

	nops(&ring, 2, 20);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 2, &ts, NULL), 2);
	CHECK_EQ(cqe->user_data, 20);
	io_uring_cq_advance(&ring, 2);
	start = now_ms();
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -ETIME);
	CHECK_ELAPSED(start, 50);

	nops(&ring, 1, 30);
	CHECK_EQ(io_uring_submit_and_get_events(&ring), 1);
	CHECK_GE(io_uring_get_events(&ring), 0);
	CHECK_EQ(take(&ring).user_data, 30);
	io_uring_queue_exit(&ring);
	return 0;
}
