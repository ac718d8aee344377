// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring whose descriptor is registered works as before. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(10);
	int file = temp_file(10, 1), ret;

	make(&ring, 8, 0);
	ret = io_uring_register_ring_fd(&ring);
	if (ret == -EINVAL)
		SKIP("the kernel cannot register rings");
	CHECK_EQ(ret, 1);
	CHECK(ring.enter_ring_fd != ring.ring_fd);
	nops(&ring, 4, 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 4), 4);
	io_uring_cq_advance(&ring, 4);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK_EQ(io_uring_register_files(&ring, &file, 1), 0);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), 1);
	CHECK_EQ(ring.enter_ring_fd, ring.ring_fd);
	nops(&ring, 1, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	take(&ring);

	/* Ended while it is registered. */
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	io_uring_queue_exit(&ring);
	return 0;
}
