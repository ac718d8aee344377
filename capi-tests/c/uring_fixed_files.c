// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registered files: a plain table, empty slots, updates by call and by request, tags. */
#include "uring_check.h"

static char memory[100];

static int read_slot(struct io_uring *ring, int slot)
{
	struct io_uring_sqe *sqe = next(ring);

	memset(memory, 0, sizeof(memory));
	io_uring_prep_read(sqe, slot, memory, sizeof(memory), 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	return run_one(ring, sqe);
}

int main(void)
{
	struct io_uring ring;
	int a = temp_file(100, 1), b = temp_file(100, 2), files[3] = {a, -1, b}, two[2] = {-1, b}, one;
	__u64 tags[1] = {99};
	struct io_uring_sqe *sqe;

	make(&ring, 8, 0);
	CHECK_EQ(io_uring_unregister_files(&ring), -ENXIO);
	CHECK_EQ(io_uring_register_files(&ring, files, 3), 0);
	CHECK_EQ(io_uring_register_files(&ring, files, 3), -EBUSY);
	CHECK_EQ(read_slot(&ring, 0), 100);
	CHECK_PATTERN(memory, 100, 1, 0);
	CHECK_EQ(read_slot(&ring, 1), -EBADF);
	CHECK_EQ(read_slot(&ring, 2), 100);
	CHECK_PATTERN(memory, 100, 2, 0);
	CHECK_EQ(read_slot(&ring, 3), -EBADF);

	CHECK_EQ(io_uring_register_files_update(&ring, 0, two, 2), 2);
	CHECK_EQ(read_slot(&ring, 0), -EBADF);
	CHECK_EQ(read_slot(&ring, 1), 100);
	CHECK_PATTERN(memory, 100, 2, 0);
	CHECK_EQ(io_uring_register_files_update(&ring, 2, two, 2), -EINVAL);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);

	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	CHECK_EQ(read_slot(&ring, 0), -EBADF);
	one = a;
	sqe = next(&ring);
	io_uring_prep_files_update(sqe, &one, 1, 3);
	CHECK_EQ(run_one(&ring, sqe), 1);
	/* The descriptor is not needed any more. */
	close(a);
	CHECK_EQ(read_slot(&ring, 3), 100);
	CHECK_PATTERN(memory, 100, 1, 0);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);

	CHECK_EQ(io_uring_register_files_tags(&ring, &b, tags, 1), 0);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	CHECK_EQ(take(&ring).user_data, 99);
	io_uring_queue_exit(&ring);
	return 0;
}
