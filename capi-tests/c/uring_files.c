// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening, telling about, naming and closing files, with ordinary descriptors. */
#include "uring_check.h"

static struct io_uring ring;

int main(void)
{
	struct io_uring_sqe *sqe;
	struct statx status;
	struct stat old;
	struct open_how how;
	int fd;

	make(&ring, 8, 0);
	sqe = next(&ring);
	io_uring_prep_mkdirat(sqe, AT_FDCWD, "directory", 0700);
	CHECK_EQ(run_one(&ring, sqe), 0);
	sqe = next(&ring);
	io_uring_prep_openat(sqe, AT_FDCWD, "directory/one", O_RDWR | O_CREAT | O_EXCL, 0640);
	fd = run_one(&ring, sqe);
	CHECK_GE(fd, 0);
	sqe = next(&ring);
	io_uring_prep_fallocate(sqe, fd, 0, 0, 5000);
	CHECK_EQ(run_one(&ring, sqe), 0);
	CHECK(fstat(fd, &old) == 0);
	CHECK_EQ(old.st_size, 5000);
	sqe = next(&ring);
	io_uring_prep_statx(sqe, AT_FDCWD, "directory/one", 0, STATX_BASIC_STATS, &status);
	CHECK_EQ(run_one(&ring, sqe), 0);
	CHECK_EQ(status.stx_size, 5000);
	CHECK_EQ(status.stx_ino, old.st_ino);
	sqe = next(&ring);
	io_uring_prep_fadvise(sqe, fd, 0, 5000, POSIX_FADV_SEQUENTIAL);
	CHECK_EQ(run_one(&ring, sqe), 0);
	sqe = next(&ring);
	io_uring_prep_close(sqe, fd);
	CHECK_EQ(run_one(&ring, sqe), 0);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	sqe = next(&ring);
	io_uring_prep_close(sqe, fd);
	CHECK_EQ(run_one(&ring, sqe), -EBADF);

	sqe = next(&ring);
	io_uring_prep_rename(sqe, "directory/one", "directory/two");
	CHECK_EQ(run_one(&ring, sqe), 0);
	sqe = next(&ring);
	io_uring_prep_link(sqe, "directory/two", "directory/three", 0);
	CHECK_EQ(run_one(&ring, sqe), 0);
	sqe = next(&ring);
	io_uring_prep_symlink(sqe, "two", "directory/four");
	CHECK_EQ(run_one(&ring, sqe), 0);

	memset(&how, 0, sizeof(how));
	how.flags = O_RDONLY;
	how.resolve = RESOLVE_NO_SYMLINKS;
	sqe = next(&ring);
	io_uring_prep_openat2(sqe, AT_FDCWD, "directory/four", &how);
	CHECK_EQ(run_one(&ring, sqe), -ELOOP);
	sqe = next(&ring);
	io_uring_prep_openat2(sqe, AT_FDCWD, "directory/three", &how);
	fd = run_one(&ring, sqe);
	CHECK_GE(fd, 0);
	close(fd);
	sqe = next(&ring);
	io_uring_prep_openat(sqe, AT_FDCWD, "directory/one", O_RDONLY, 0);
	CHECK_EQ(run_one(&ring, sqe), -ENOENT);

	{
		static const char *const names[] = {"directory/two", "directory/three", "directory/four"};
		unsigned i;

		for (i = 0; i < COUNT_OF(names); i++) {
			sqe = next(&ring);
			io_uring_prep_unlink(sqe, names[i], 0);
			CHECK_EQ(run_one(&ring, sqe), 0);
		}
	}
	sqe = next(&ring);
	io_uring_prep_unlinkat(sqe, AT_FDCWD, "directory", AT_REMOVEDIR);
	CHECK_EQ(run_one(&ring, sqe), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
