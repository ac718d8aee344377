// oracle: yes
// their-headers: no (operations and helpers of later versions)
// old-kernel: no (many of the operations are younger, and some errors are others)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the manual pages say of the results of requests for files, names, attributes, memory and devices. */
#include <sys/xattr.h>

#include "uring_results.h"

static void reads_and_writes(void)
{
	int fd = temp_file(8192, 1), ends[2], fifo[2], pair[2];
	char *memory = pages(8192), buf[64];
	struct iovec whole, parts[2];

	CHECK(pipe(ends) == 0 && pipe(fifo) == 0);

	/* The file's own position, and none. */
	CHECK(lseek(fd, 100, SEEK_SET) == 100);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, fd, buf, 10, (__u64)-1)), 10);
	CHECK_PATTERN(buf, 10, 1, 100);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 110);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, fd, buf, 10, (__u64)-2)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, fd, buf, 10, 100000)), 0);
	CHECK(write(ends[1], "ab", 2) == 2);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, ends[0], buf, 10, 77)), 2);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, ends[0], buf, 10, 0); sqe->rw_flags = RWF_NOWAIT), -EAGAIN);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK_EQ(RESULT(io_uring_prep_write(sqe, pair[0], "ab", 2, (__u64)-1)), 2);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, pair[1], buf, 10, 77)), -ESPIPE);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, pair[1], buf, 10, 0)), 2);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, ends[1], buf, 10, 0)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, fd, hole(), 10, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_write(sqe, fd, hole(), 10, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_write(sqe, fd, buf, 10, 0); sqe->flags = IOSQE_BUFFER_SELECT), -EOPNOTSUPP);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, fd, NULL, 10, 0); sqe->flags = IOSQE_BUFFER_SELECT; sqe->buf_group = 9),
		 -ENOBUFS);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, fd, buf, 10, 0); sqe->personality = 9), -EINVAL);

	/* Vectors and flags. */
	parts[0].iov_base = buf;
	parts[0].iov_len = 3;
	parts[1].iov_base = buf + 10;
	parts[1].iov_len = 4;
	CHECK_EQ(RESULT(io_uring_prep_readv2(sqe, fd, parts, 2, 50, 0)), 7);
	CHECK_PATTERN(buf, 3, 1, 50);
	CHECK_PATTERN(buf + 10, 4, 1, 53);
	CHECK_EQ(RESULT(io_uring_prep_readv2(sqe, ends[0], parts, 2, 0, RWF_NOWAIT)), -EAGAIN);
	CHECK_EQ(RESULT(io_uring_prep_readv2(sqe, fd, parts, 2, 0, 1 << 30)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(io_uring_prep_writev(sqe, fd, parts, 2, 1000)), 7);
	CHECK_EQ(pread(fd, buf + 20, 7, 1000), 7);
	CHECK(memcmp(buf + 20, buf, 3) == 0 && memcmp(buf + 23, buf + 10, 4) == 0);
	CHECK_EQ(RESULT(io_uring_prep_writev2(sqe, fd, parts, 2, 0, RWF_APPEND)), 7);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 8199);
	CHECK_EQ(RESULT(io_uring_prep_readv(sqe, fd, parts, 1025, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_writev(sqe, fd, parts, 0, 0)), 0);

	/* A registered buffer. */
	whole.iov_base = memory;
	whole.iov_len = 4096;
	CHECK_EQ(RESULT(io_uring_prep_read_fixed(sqe, fd, memory, 10, 0, 0)), -EFAULT);
	CHECK_EQ(io_uring_register_buffers(&ring, &whole, 1), 0);
	CHECK_EQ(RESULT(io_uring_prep_read_fixed(sqe, fd, memory + 4000, 96, 0, 0)), 96);
	CHECK_EQ(RESULT(io_uring_prep_read_fixed(sqe, fd, memory + 4000, 97, 0, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_write_fixed(sqe, fd, memory, 10, 0, 1)), -EFAULT);
	if (has(IORING_OP_READV_FIXED)) {
		parts[0].iov_base = memory + 500;
		parts[1].iov_base = memory;
		CHECK_EQ(RESULT(io_uring_prep_readv_fixed(sqe, fd, parts, 2, 2000, 0, 0)), 7);
		CHECK_PATTERN(memory + 500, 3, 1, 2000);
		CHECK_PATTERN(memory, 4, 1, 2003);
		CHECK_EQ(RESULT(io_uring_prep_writev_fixed(sqe, fd, parts, 2, 3000, RWF_DSYNC, 0)), 7);
		CHECK_EQ(pread(fd, buf, 7, 3000), 7);
		CHECK(memcmp(buf, memory + 500, 3) == 0 && memcmp(buf + 3, memory, 4) == 0);
		CHECK_EQ(RESULT(io_uring_prep_writev_fixed(sqe, fd, parts, 2, 0, 0, 1)), -EFAULT);
		parts[1].iov_base = memory + 4093;
		CHECK_EQ(RESULT(io_uring_prep_readv_fixed(sqe, fd, parts, 2, 0, 0, 0)), -EFAULT);
	}
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);

	/* A pipe that nobody reads. */
	signal(SIGPIPE, SIG_IGN);
	close(fifo[0]);
	CHECK_EQ(RESULT(io_uring_prep_write(sqe, fifo[1], buf, 1, 0)), -EPIPE);
}

static void read_multishot(void)
{
	int ends[2], i, fd = temp_file(10, 1);
	static char pool[4][16];
	struct io_uring_buf_ring *br;
	struct completion cqe;

	if (!has(IORING_OP_READ_MULTISHOT))
		return;
	CHECK(pipe(ends) == 0);
	br = buf_ring(7);
	for (i = 0; i < 4; i++)
		io_uring_buf_ring_add(br, pool[i], sizeof(pool[i]), (unsigned short)i, 3, i);
	io_uring_buf_ring_advance(br, 4);

	CHECK_EQ(RESULT(io_uring_prep_read_multishot(sqe, fd, 0, 0, 7)), -EBADFD);
	CHECK_EQ(RESULT(io_uring_prep_read_multishot(sqe, ends[0], 4, 0, 7)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_read_multishot(sqe, ends[0], 0, 0, 8)), -ENOBUFS);

	io_uring_prep_read_multishot(next(&ring), ends[0], 0, 0, 7);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(write(ends[1], "0123456789abcdefghij", 20), 20);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 16);
	CHECK_EQ(cqe.flags, IORING_CQE_F_BUFFER | IORING_CQE_F_MORE);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 4);
	CHECK_EQ(cqe.flags, IORING_CQE_F_BUFFER | IORING_CQE_F_MORE | 1 << IORING_CQE_BUFFER_SHIFT);
	CHECK(memcmp(pool[0], "0123456789abcdef", 16) == 0 && memcmp(pool[1], "ghij", 4) == 0);
	close(ends[1]);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 0);
	CHECK_EQ(cqe.flags & IORING_CQE_F_MORE, 0);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, 7), 0);
}

static void lengths_and_advice(void)
{
	int fd = temp_file(8192, 1), reader = reopen(fd, O_RDONLY), ends[2];
	char *memory = pages(8192);
	struct stat status;

	CHECK(pipe(ends) == 0);
	CHECK_EQ(RESULT(io_uring_prep_fsync(sqe, fd, 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC); sqe->len = 4096), 0);
	CHECK_EQ(RESULT(io_uring_prep_fsync(sqe, fd, 2)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_fsync(sqe, ends[0], 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_sync_file_range(sqe, fd, 0, 0, SYNC_FILE_RANGE_WRITE)), 0);
	CHECK_EQ(RESULT(io_uring_prep_sync_file_range(sqe, fd, 0, 0, 8)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_sync_file_range(sqe, ends[0], 0, 0, SYNC_FILE_RANGE_WRITE)), -ESPIPE);

	CHECK_EQ(RESULT(io_uring_prep_fallocate(sqe, fd, 0, 0, 100000)), 0);
	CHECK(fstat(fd, &status) == 0);
	CHECK_EQ(status.st_size, 100000);
	CHECK_EQ(RESULT(io_uring_prep_fallocate(sqe, fd, 0, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_fallocate(sqe, reader, 0, 0, 10)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_fallocate(sqe, ends[1], 0, 0, 10)), -ESPIPE);
	if (has(IORING_OP_FTRUNCATE)) {
		CHECK_EQ(RESULT(io_uring_prep_ftruncate(sqe, fd, 5)), 0);
		CHECK(fstat(fd, &status) == 0);
		CHECK_EQ(status.st_size, 5);
		CHECK_EQ(RESULT(io_uring_prep_ftruncate(sqe, fd, -1)), -EINVAL);
		CHECK_EQ(RESULT(io_uring_prep_ftruncate(sqe, reader, 5)), -EINVAL);
		CHECK_EQ(RESULT(io_uring_prep_ftruncate(sqe, ends[1], 5)), -EINVAL);
	}

	CHECK_EQ(RESULT(io_uring_prep_fadvise(sqe, fd, 0, 0, POSIX_FADV_WILLNEED)), 0);
	CHECK_EQ(RESULT(io_uring_prep_fadvise(sqe, fd, 0, 0, 99)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_fadvise(sqe, ends[0], 0, 0, POSIX_FADV_WILLNEED)), -ESPIPE);
	memory[0] = 1;
	CHECK_EQ(RESULT(io_uring_prep_madvise(sqe, memory, 4096, MADV_DONTNEED)), 0);
	CHECK_EQ(memory[0], 0);
	CHECK_EQ(RESULT(io_uring_prep_madvise(sqe, memory + 1, 4096, MADV_DONTNEED)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_madvise(sqe, memory, 4096, 77)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_madvise(sqe, hole(), 4096, MADV_DONTNEED)), -ENOMEM);
	/* The length of 64 bits came with Linux 6.10, BIND with 6.11. */
	if (has(IORING_OP_BIND)) {
		CHECK_EQ(RESULT(io_uring_prep_fadvise64(sqe, fd, 0, (off_t)1 << 33, POSIX_FADV_DONTNEED)), 0);
		CHECK_EQ(RESULT(io_uring_prep_fadvise64(sqe, fd, 0, -1, POSIX_FADV_DONTNEED)), -EINVAL);
		memory[4096] = 1;
		CHECK_EQ(RESULT(io_uring_prep_madvise64(sqe, memory, 8192, MADV_DONTNEED)), 0);
		CHECK_EQ(memory[4096], 0);
		CHECK_EQ(RESULT(io_uring_prep_madvise64(sqe, memory, 8192, 77)), -EINVAL);
	}
}

static void names(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY), fd = open("file", O_RDWR | O_CREAT, 0600);
	char text[64];
	struct statx stx;

	CHECK(dir >= 0 && fd >= 0 && write(fd, "12345", 5) == 5);
	CHECK_EQ(RESULT(io_uring_prep_mkdir(sqe, "one", 0700)), 0);
	CHECK_EQ(RESULT(io_uring_prep_mkdir(sqe, "one", 0700)), -EEXIST);
	CHECK_EQ(RESULT(io_uring_prep_mkdir(sqe, "no/such", 0700)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_mkdirat(sqe, dir, "two", 0700)), 0);
	CHECK_EQ(RESULT(io_uring_prep_mkdirat(sqe, 999, "three", 0700)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_mkdirat(sqe, dir, "three", 0700); sqe->flags = IOSQE_FIXED_FILE), -EBADF);

	CHECK_EQ(RESULT(io_uring_prep_symlink(sqe, "text", "link1")), 0);
	CHECK_EQ(RESULT(io_uring_prep_symlink(sqe, "text", "link1")), -EEXIST);
	CHECK_EQ(RESULT(io_uring_prep_symlink(sqe, "", "link2")), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_symlinkat(sqe, "other", dir, "link2")), 0);
	CHECK_EQ(readlink("link2", text, sizeof(text)), 5);
	CHECK(memcmp(text, "other", 5) == 0);

	CHECK_EQ(RESULT(io_uring_prep_link(sqe, "file", "again", 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_link(sqe, "file", "again", 0)), -EEXIST);
	CHECK_EQ(RESULT(io_uring_prep_link(sqe, "file", "third", 1 << 20)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_linkat(sqe, dir, "file", dir, "third", 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_linkat(sqe, 999, "file", dir, "fourth", 0)), -EBADF);

	CHECK_EQ(RESULT(io_uring_prep_rename(sqe, "again", "new")), 0);
	CHECK_EQ(RESULT(io_uring_prep_rename(sqe, "again", "new")), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_renameat(sqe, dir, "new", dir, "third", RENAME_NOREPLACE)), -EEXIST);
	CHECK_EQ(RESULT(io_uring_prep_renameat(sqe, dir, "link1", dir, "link2", RENAME_EXCHANGE)), 0);
	CHECK_EQ(RESULT(io_uring_prep_renameat(sqe, dir, "new", dir, "third", 1 << 9)), -EINVAL);
	CHECK_EQ(readlink("link1", text, sizeof(text)), 5);

	CHECK_EQ(RESULT(io_uring_prep_unlink(sqe, "one", 0)), -EISDIR);
	CHECK_EQ(RESULT(io_uring_prep_unlink(sqe, "one", AT_REMOVEDIR)), 0);
	CHECK_EQ(RESULT(io_uring_prep_unlinkat(sqe, dir, "two", AT_REMOVEDIR)), 0);
	CHECK_EQ(RESULT(io_uring_prep_unlinkat(sqe, dir, "link1", 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_unlinkat(sqe, dir, "link1", 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_unlinkat(sqe, dir, "link2", 1)), -EINVAL);
	CHECK(unlink("link2") == 0 && unlink("new") == 0 && unlink("third") == 0);

	memset(&stx, 0, sizeof(stx));
	CHECK_EQ(RESULT(io_uring_prep_statx(sqe, dir, "file", 0, STATX_SIZE, &stx)), 0);
	CHECK_EQ(stx.stx_size, 5);
	memset(&stx, 0, sizeof(stx));
	CHECK_EQ(RESULT(io_uring_prep_statx(sqe, fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx)), 0);
	CHECK_EQ(stx.stx_size, 5);
	CHECK_EQ(RESULT(io_uring_prep_statx(sqe, dir, "file", 1 << 30, STATX_SIZE, &stx)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_statx(sqe, dir, "file", 0, STATX_SIZE, (struct statx *)(void *)hole())), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_statx(sqe, dir, "none", 0, STATX_SIZE, &stx)), -ENOENT);
	close(dir);
	close(fd);
}

static void attributes(void)
{
	int fd = open("file", O_RDWR);
	char value[16];

	CHECK(fd >= 0);
	if (fsetxattr(fd, "user.probe", "1", 1, 0) != 0 && errno == EOPNOTSUPP)
		return;
	CHECK_EQ(RESULT(io_uring_prep_fsetxattr(sqe, fd, "user.a", "abc", 0, 3)), 0);
	CHECK_EQ(RESULT(io_uring_prep_fgetxattr(sqe, fd, "user.a", value, sizeof(value))), 3);
	CHECK(memcmp(value, "abc", 3) == 0);
	CHECK_EQ(RESULT(io_uring_prep_fgetxattr(sqe, fd, "user.a", NULL, 0)), 3);
	CHECK_EQ(RESULT(io_uring_prep_fgetxattr(sqe, fd, "user.a", value, 1)), -ERANGE);
	CHECK_EQ(RESULT(io_uring_prep_fgetxattr(sqe, 999, "user.a", value, 1)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_fsetxattr(sqe, fd, "user.a", "de", XATTR_CREATE, 2)), -EEXIST);
	CHECK_EQ(RESULT(io_uring_prep_setxattr(sqe, "user.b", "xy", "file", XATTR_CREATE, 2)), 0);
	CHECK_EQ(RESULT(io_uring_prep_setxattr(sqe, "user.c", "xy", "file", XATTR_REPLACE, 2)), -ENODATA);
	CHECK_EQ(RESULT(io_uring_prep_setxattr(sqe, "user.c", "xy", "file", 77, 2)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_setxattr(sqe, "user.c", "xy", "none", 0, 2)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_getxattr(sqe, "user.b", value, "file", sizeof(value))), 2);
	CHECK(memcmp(value, "xy", 2) == 0);
	CHECK_EQ(RESULT(io_uring_prep_getxattr(sqe, "user.c", value, "file", sizeof(value))), -ENODATA);
	CHECK_EQ(RESULT(io_uring_prep_getxattr(sqe, "user.b", value, "file", 16); sqe->flags = IOSQE_FIXED_FILE),
		 -EBADF);
	close(fd);
}

/* The table has three slots. */
static void registered_files(void)
{
	static const int empty[3] = {-1, -1, -1};
	int ends[2], fds[4], fd, flags;
	struct open_how how;
	char byte;

	CHECK(pipe(ends) == 0);
	memset(&how, 0, sizeof(how));
	CHECK_EQ(RESULT(io_uring_prep_open_direct(sqe, "file", O_RDONLY, 0, 0)), -ENXIO);
	CHECK_EQ(RESULT(io_uring_prep_close_direct(sqe, 0)), -ENXIO);
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds, 1, 0)), -ENXIO);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 3), 0);

	fd = RESULT(io_uring_prep_open(sqe, "file", O_RDONLY | O_CLOEXEC, 0));
	CHECK_GE(fd, 0);
	CHECK_EQ(RESULT(io_uring_prep_close(sqe, fd)), 0);
	CHECK_EQ(RESULT(io_uring_prep_close(sqe, fd)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_close(sqe, ring.ring_fd)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_open(sqe, "none", O_RDONLY, 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_openat(sqe, 999, "file", O_RDONLY, 0)), -EBADF);

	CHECK_EQ(RESULT(io_uring_prep_open_direct(sqe, "file", O_RDONLY, 0, 1)), 0);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, 1, &byte, 1, 2); sqe->flags = IOSQE_FIXED_FILE), 1);
	CHECK_EQ(byte, '3');
	CHECK_EQ(RESULT(io_uring_prep_open_direct(sqe, "file", O_RDONLY, 0, 3)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_open_direct(sqe, "file", O_RDONLY | O_CLOEXEC, 0, 1)), -EINVAL);
	/* The kernel chooses 0 and 2 in an order of its own. */
	fd = RESULT(io_uring_prep_openat_direct(sqe, AT_FDCWD, "file", O_RDONLY, 0, IORING_FILE_INDEX_ALLOC));
	CHECK(fd == 0 || fd == 2);
	CHECK_EQ(RESULT(io_uring_prep_openat2_direct(sqe, AT_FDCWD, "file", &how, IORING_FILE_INDEX_ALLOC)), 2 - fd);
	CHECK_EQ(RESULT(io_uring_prep_openat2_direct(sqe, AT_FDCWD, "file", &how, IORING_FILE_INDEX_ALLOC)), -ENFILE);
	how.flags = O_CLOEXEC;
	CHECK_EQ(RESULT(io_uring_prep_openat2_direct(sqe, AT_FDCWD, "file", &how, 1)), -EINVAL);
	how.flags = (__u64)1 << 40;
	CHECK_EQ(RESULT(io_uring_prep_openat2(sqe, AT_FDCWD, "file", &how)), -EINVAL);
	how.flags = 0;
	fd = RESULT(io_uring_prep_openat2(sqe, AT_FDCWD, "file", &how));
	CHECK_GE(fd, 0);
	close(fd);
	CHECK_EQ(RESULT(io_uring_prep_close_direct(sqe, 2)), 0);
	CHECK_EQ(RESULT(io_uring_prep_close_direct(sqe, 2)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_close_direct(sqe, 3)), -EINVAL);

	if (has(IORING_OP_FIXED_FD_INSTALL)) {
		fd = RESULT(io_uring_prep_fixed_fd_install(sqe, 1, 0));
		CHECK_GE(fd, 0);
		flags = fcntl(fd, F_GETFD);
		CHECK_EQ(flags, FD_CLOEXEC);
		close(fd);
		fd = RESULT(io_uring_prep_fixed_fd_install(sqe, 1, IORING_FIXED_FD_NO_CLOEXEC));
		CHECK_EQ(fcntl(fd, F_GETFD), 0);
		close(fd);
		CHECK_EQ(RESULT(io_uring_prep_fixed_fd_install(sqe, 2, 0)), -EBADF);
		CHECK_EQ(RESULT(io_uring_prep_fixed_fd_install(sqe, 1, 2)), -EINVAL);
	}

	/* Slots by a request. */
	fds[0] = ends[0];
	fds[1] = 999;
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds, 2, 0)), 1);
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds + 1, 1, 0)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds, 2, 2)), -EINVAL);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, empty, 3), 3);
	fds[1] = ends[1];
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds, 2, (int)IORING_FILE_INDEX_ALLOC)), 2);
	CHECK(fds[0] >= 0 && fds[0] < 3 && fds[1] >= 0 && fds[1] < 3 && fds[0] != fds[1]);
	fds[2] = ends[0];
	fds[3] = ends[0];
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds + 2, 2, (int)IORING_FILE_INDEX_ALLOC)), 1);
	CHECK_EQ(fds[2], 3 - fds[0] - fds[1]);
	CHECK_EQ(RESULT(io_uring_prep_files_update(sqe, fds + 3, 1, (int)IORING_FILE_INDEX_ALLOC)), -ENFILE);

	if (has(IORING_OP_PIPE)) {
		CHECK_EQ(RESULT(io_uring_prep_pipe_direct(sqe, fds, 0, 1)), 0);
		CHECK_EQ(fds[0], 1);
		CHECK_EQ(fds[1], 2);
		CHECK_EQ(RESULT(io_uring_prep_write(sqe, 2, "p", 1, 0); sqe->flags = IOSQE_FIXED_FILE), 1);
		CHECK_EQ(RESULT(io_uring_prep_read(sqe, 1, &byte, 1, 0); sqe->flags = IOSQE_FIXED_FILE), 1);
		CHECK_EQ(byte, 'p');
		CHECK_EQ(RESULT(io_uring_prep_pipe_direct(sqe, fds, 0, 2)), -EINVAL);
		CHECK_EQ(RESULT(io_uring_prep_pipe_direct(sqe, fds, O_CLOEXEC, 1)), -EINVAL);
		CHECK_EQ(RESULT(io_uring_prep_pipe_direct(sqe, fds, 0, IORING_FILE_INDEX_ALLOC)), -ENFILE);
		CHECK_EQ(RESULT(io_uring_prep_pipe(sqe, fds, O_CLOEXEC)), 0);
		CHECK_EQ(write(fds[1], "q", 1), 1);
		CHECK_EQ(read(fds[0], &byte, 1), 1);
		CHECK_EQ(byte, 'q');
		CHECK_EQ(RESULT(io_uring_prep_pipe(sqe, fds, O_APPEND)), -EINVAL);
		CHECK_EQ(RESULT(io_uring_prep_pipe(sqe, (int *)(void *)hole(), 0)), -EFAULT);
	}
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
}

static void splices(void)
{
	int one[2], two[2], fd = temp_file(1000, 1);
	char buf[16];

	CHECK(pipe(one) == 0 && pipe(two) == 0);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, fd, 10, one[1], -1, 5, 0)), 5);
	CHECK_EQ(RESULT(io_uring_prep_tee(sqe, one[0], two[1], 5, 0)), 5);
	CHECK_EQ(read(two[0], buf, sizeof(buf)), 5);
	CHECK_PATTERN(buf, 5, 1, 10);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, one[0], 0, fd, 0, 5, 0)), -ESPIPE);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, one[0], -1, fd, 500, 5, 0)), 5);
	CHECK_EQ(pread(fd, buf, 5, 500), 5);
	CHECK_PATTERN(buf, 5, 1, 10);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, one[0], -1, fd, 0, 5, SPLICE_F_NONBLOCK)), -EAGAIN);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, 0, 0, one[1], -1, 5, SPLICE_F_FD_IN_FIXED)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, fd, 0, one[1], -1, 5, 1 << 20)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_splice(sqe, fd, 100000, one[1], -1, 5, 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_tee(sqe, fd, one[1], 5, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_tee(sqe, one[0], two[1], 5, SPLICE_F_NONBLOCK)), -EAGAIN);
}

static void buffers(void)
{
	static char pool[65536];

	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, pool, 64, 4, 1, 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_remove_buffers(sqe, 1, 1)), 1);
	CHECK_EQ(RESULT(io_uring_prep_remove_buffers(sqe, 100, 1)), 3);
	CHECK_EQ(RESULT(io_uring_prep_remove_buffers(sqe, 0, 1)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_remove_buffers(sqe, 1, 2)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, pool, 64, 0, 1, 0)), -E2BIG);
	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, pool, 64, 1, 1, 65536)), -E2BIG);
	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, pool, 64, 2, 1, 65535)), -EINVAL);
	buf_ring(3);
	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, pool, 64, 1, 3, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_remove_buffers(sqe, 1, 3)), -EINVAL);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, 3), 0);
}

static void commands(void)
{
	int fd = open("file", O_RDWR), ret;

	CHECK(fd >= 0);
	CHECK_EQ(RESULT(io_uring_prep_uring_cmd(sqe, 1, fd)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(io_uring_prep_uring_cmd(sqe, 1, 999)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_cmd_discard(sqe, fd, 0, 4096)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(io_uring_prep_cmd_zone_reset_all(sqe, fd)), -EOPNOTSUPP);
	/* In an entry of 64 bytes, whether the kernel knows the operation or not. */
	CHECK_EQ(RESULT(io_uring_prep_uring_cmd128(sqe, 1, fd)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_nop128(sqe)), -EINVAL);
	ret = RESULT(io_uring_prep_rw(200, sqe, -1, NULL, 0, 0));
	CHECK_EQ(ret, -EINVAL);
	close(fd);
}

int main(void)
{
	begin();
	reads_and_writes();
	read_multishot();
	lengths_and_advice();
	names();
	attributes();
	registered_files();
	splices();
	buffers();
	commands();
	io_uring_queue_exit(&ring);
	return 0;
}
