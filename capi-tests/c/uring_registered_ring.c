// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring that goes on without its descriptor. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(10);
	int file = temp_file(100, 1), ret;
	char memory[100];
	struct io_uring_sqe *sqe;

	make(&ring, 8, 0);
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EINVAL);
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), -EINVAL);
	ret = io_uring_register_ring_fd(&ring);
	if (ret == -EINVAL)
		SKIP("the kernel cannot register rings");
	CHECK_EQ(ret, 1);
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EEXIST);
	if (!(ring.features & IORING_FEAT_REG_REG_RING))
		SKIP("the kernel does not take registered rings everywhere");
	ret = ring.ring_fd;
	CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
	CHECK_EQ(fcntl(ret, F_GETFD), -1);
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EBADF);

	CHECK_EQ(io_uring_register_files(&ring, &file, 1), 0);
	sqe = next(&ring);
	io_uring_prep_read(sqe, 0, memory, sizeof(memory), 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	CHECK_EQ(run_one(&ring, sqe), sizeof(memory));
	CHECK_PATTERN(memory, sizeof(memory), 1, 0);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
