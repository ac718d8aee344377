// oracle: yes
// their-headers: no (needs an operation younger than 2.3)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files that are opened and closed as registered ones, in a given slot and in one the kernel chooses. */
#include "uring_check.h"

static struct io_uring ring;

static int read_slot(int slot, char *byte)
{
	struct io_uring_sqe *sqe = next(&ring);

	io_uring_prep_read(sqe, slot, byte, 1, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	return run_one(&ring, sqe);
}

int main(void)
{
	struct io_uring_sqe *sqe;
	char byte = 1;
	int slot, fd;

	make(&ring, 8, 0);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 4), 0);
	sqe = next(&ring);
	io_uring_prep_openat_direct(sqe, AT_FDCWD, "/dev/zero", O_RDONLY, 0, 2);
	CHECK_EQ(run_one(&ring, sqe), 0);
	CHECK_EQ(read_slot(2, &byte), 1);
	CHECK_EQ(byte, 0);
	CHECK_EQ(read_slot(1, &byte), -EBADF);
	sqe = next(&ring);
	io_uring_prep_openat_direct(sqe, AT_FDCWD, "/dev/zero", O_RDONLY, 0, 4);
	CHECK_EQ(run_one(&ring, sqe), -EINVAL);
	sqe = next(&ring);
	io_uring_prep_close_direct(sqe, 2);
	CHECK_EQ(run_one(&ring, sqe), 0);
	CHECK_EQ(read_slot(2, &byte), -EBADF);
	sqe = next(&ring);
	io_uring_prep_close_direct(sqe, 2);
	CHECK_EQ(run_one(&ring, sqe), -EBADF);

	/* The kernel chooses, from the last two slots only. */
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 2, 2), 0);
	for (slot = 2; slot < 4; slot++) {
		sqe = next(&ring);
		io_uring_prep_openat_direct(sqe, AT_FDCWD, "/dev/zero", O_RDONLY, 0, IORING_FILE_INDEX_ALLOC);
		CHECK_EQ(run_one(&ring, sqe), slot);
		CHECK_EQ(read_slot(slot, &byte), 1);
	}
	sqe = next(&ring);
	io_uring_prep_openat_direct(sqe, AT_FDCWD, "/dev/zero", O_RDONLY, 0, IORING_FILE_INDEX_ALLOC);
	CHECK_EQ(run_one(&ring, sqe), -ENFILE);

	sqe = next(&ring);
	io_uring_prep_socket_direct(sqe, AF_UNIX, SOCK_STREAM, 0, 0, 0);
	CHECK_EQ(run_one(&ring, sqe), 0);
	need_op(&ring, IORING_OP_FIXED_FD_INSTALL);
	sqe = next(&ring);
	io_uring_prep_fixed_fd_install(sqe, 2, 0);
	fd = run_one(&ring, sqe);
	CHECK_GE(fd, 0);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	io_uring_queue_exit(&ring);
	return 0;
}
