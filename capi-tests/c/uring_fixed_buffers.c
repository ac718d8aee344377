// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registered buffers: reads and writes within them, replacing one, unregistering. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	char *memory = (char *)pages(8 * 4096);
	struct iovec vec[2] = {{memory, 4096}, {memory + 8192, 4096}};
	struct io_uring_sqe *sqe;
	int fd = temp_file(8192, 9);

	make(&ring, 8, 0);
	CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO);
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 2), 0);
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 2), -EBUSY);

	sqe = next(&ring);
	io_uring_prep_read_fixed(sqe, fd, memory + 8192, 4096, 100, 1);
	CHECK_EQ(run_one(&ring, sqe), 4096);
	CHECK_PATTERN(memory + 8192, 4096, 9, 100);

	fill(memory + 10, 50, 10, 0);
	sqe = next(&ring);
	io_uring_prep_write_fixed(sqe, fd, memory + 10, 50, 0, 0);
	CHECK_EQ(run_one(&ring, sqe), 50);
	CHECK_EQ(pread(fd, memory + 200, 50, 0), 50);
	CHECK_PATTERN(memory + 200, 50, 10, 0);

	/* Outside of the buffer, and a buffer that is not there. */
	sqe = next(&ring);
	io_uring_prep_read_fixed(sqe, fd, memory + 4000, 200, 0, 0);
	CHECK_EQ(run_one(&ring, sqe), -EFAULT);
	sqe = next(&ring);
	io_uring_prep_read_fixed(sqe, fd, memory, 100, 0, 2);
	CHECK_EQ(run_one(&ring, sqe), -EFAULT);

	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO);

	/* Empty slots, filled later. */
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 4), 0);
	sqe = next(&ring);
	io_uring_prep_read_fixed(sqe, fd, memory, 100, 0, 3);
	CHECK_EQ(run_one(&ring, sqe), -EFAULT);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 3, vec, NULL, 1), 1);
	sqe = next(&ring);
	io_uring_prep_read_fixed(sqe, fd, memory, 100, 1000, 3);
	CHECK_EQ(run_one(&ring, sqe), 100);
	CHECK_PATTERN(memory, 100, 9, 1000);
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);

	/* A tag is the user data of the completion that says that a buffer is free. */
	{
		__u64 tags[2] = {0, 4711};
		struct completion cqe;

		CHECK_EQ(io_uring_register_buffers_tags(&ring, vec, tags, 2), 0);
		CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
		cqe = take(&ring);
		CHECK_EQ(cqe.user_data, 4711);
		CHECK_EQ(cqe.res, 0);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
