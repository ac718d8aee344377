// oracle: no (from 2.8 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring uses the registered buffers of another one. */
#include "uring_check.h"

int main(void)
{
	struct io_uring one, two;
	char *memory = (char *)pages(8192);
	struct iovec vec[2] = {{memory, 4096}, {memory + 4096, 4096}};
	struct io_uring_sqe *sqe;
	int fd = temp_file(4096, 3), ret;

	make(&one, 8, 0);
	make(&two, 8, 0);
	CHECK_LE(io_uring_clone_buffers(&two, &one), -1);
	CHECK_EQ(io_uring_register_buffers(&one, vec, 2), 0);
	ret = io_uring_clone_buffers(&two, &one);
	if (ret == -EINVAL)
		SKIP("the kernel cannot do it");
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_clone_buffers(&two, &one), -EBUSY);
	CHECK_EQ(io_uring_unregister_buffers(&one), 0);
	sqe = next(&two);
	io_uring_prep_read_fixed(sqe, fd, memory + 4096, 4096, 0, 1);
	CHECK_EQ(run_one(&two, sqe), 4096);
	CHECK_PATTERN(memory + 4096, 4096, 3, 0);
	io_uring_queue_exit(&one);
	io_uring_queue_exit(&two);
	return 0;
}
