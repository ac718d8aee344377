// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A kernel thread that submits: it is woken, room is waited for, every request is done. */
#include "uring_check.h"

static void until_asleep(struct io_uring *ring)
{
	long start = now_ms();

	while (!(IO_URING_READ_ONCE(*ring->sq.kflags) & IORING_SQ_NEED_WAKEUP)) {
		CHECK_LE(now_ms() - start, 10000);
		sleep_ms(1);
	}
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_params params;
	unsigned i, total = 20000 * (unsigned)test_scale(), got = 0, sent = 0;

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_SQPOLL;
	params.sq_thread_idle = 10;
	make_params(&ring, 8, &params);

	while (got < total) {
		struct io_uring_cqe *cqe;
		unsigned head, n = 0;

		while (sent < total && sent - got < 16) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

			if (!sqe)
				break;
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, sent++);
		}
		CHECK_GE(io_uring_submit(&ring), 0);
		CHECK_GE(io_uring_sqring_wait(&ring), 0);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		io_uring_for_each_cqe(&ring, head, cqe) {
			CHECK_EQ(cqe->user_data, got + n);
			n++;
		}
		io_uring_cq_advance(&ring, n);
		got += n;
	}

	/* Its thread sleeps in between. */
	for (i = 0; i < 3; i++) {
		until_asleep(&ring);
		nops(&ring, 1, 5);
		CHECK_EQ(io_uring_submit(&ring), 1);
		CHECK_EQ(take(&ring).user_data, 5);
	}
	/* A wait that hands over wakes it, too. */
	for (i = 0; i < 3; i++) {
		struct __kernel_timespec ts = ms(5000);
		struct io_uring_cqe *cqe;

		until_asleep(&ring);
		nops(&ring, 1, 6);
		CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, i == 2 ? NULL : &ts, NULL), 1);
		CHECK(cqe != NULL && cqe->user_data == 6);
		io_uring_cqe_seen(&ring, cqe);
	}
	/* A wait is one, whether its thread is asleep or not. */
	for (i = 0; i < 2; i++) {
		struct __kernel_timespec ts = ms(50);

		io_uring_prep_timeout(next(&ring), &ts, 0, 0);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
		CHECK_EQ(io_uring_cq_ready(&ring), 1);
		CHECK_EQ(take(&ring).res, -ETIME);
		if (i == 0)
			until_asleep(&ring);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
