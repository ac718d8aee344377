// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings with flags for one submitter work, and so does one that is switched on later. */
#include "uring_check.h"

static void with(unsigned flags)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(20);
	unsigned i;

	make(&ring, 8, flags);
	CHECK_EQ(ring.flags & flags, flags);
	for (i = 0; i < 30; i++) {
		nops(&ring, 3, i);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 3);
		CHECK_EQ(take(&ring).user_data, i);
		CHECK_EQ(take(&ring).user_data, i + 1);
		CHECK_EQ(take(&ring).user_data, i + 2);
	}
	/* Without a wait: looking has to make the completions come about. */
	nops(&ring, 1, 99);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_GE(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 99);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	with(IORING_SETUP_SUBMIT_ALL);
	with(IORING_SETUP_COOP_TASKRUN);
	with(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);
	with(IORING_SETUP_SINGLE_ISSUER);
	with(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	return 0;
}
