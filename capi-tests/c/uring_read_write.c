// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads and writes move the right bytes to the right place, with one buffer and with several. */
#include "uring_check.h"

enum { SIZE = 3 * 4096 + 100 };

static void one_buffer(struct io_uring *ring)
{
	int fd = temp_file(SIZE, 1);
	char *memory = (char *)pages(4 * 4096);
	struct io_uring_sqe *sqe = next(ring);

	io_uring_prep_read(sqe, fd, memory, SIZE, 0);
	CHECK_EQ(run_one(ring, sqe), SIZE);
	CHECK_PATTERN(memory, SIZE, 1, 0);

	sqe = next(ring);
	io_uring_prep_read(sqe, fd, memory, 1000, 4321);
	CHECK_EQ(run_one(ring, sqe), 1000);
	CHECK_PATTERN(memory, 1000, 1, 4321);

	/* Short at the end of the file, nothing behind it. */
	sqe = next(ring);
	io_uring_prep_read(sqe, fd, memory, 1000, SIZE - 10);
	CHECK_EQ(run_one(ring, sqe), 10);
	sqe = next(ring);
	io_uring_prep_read(sqe, fd, memory, 1000, SIZE);
	CHECK_EQ(run_one(ring, sqe), 0);

	fill(memory, 2000, 2, 500);
	sqe = next(ring);
	io_uring_prep_write(sqe, fd, memory, 2000, 500);
	CHECK_EQ(run_one(ring, sqe), 2000);
	CHECK_EQ(pread(fd, memory, SIZE, 0), SIZE);
	CHECK_PATTERN(memory, 500, 1, 0);
	CHECK_PATTERN(memory + 500, 2000, 2, 500);
	CHECK_PATTERN(memory + 2500, SIZE - 2500, 1, 2500);

	/* Offset -1 is the position of the file. */
	CHECK_EQ(lseek(fd, 700, SEEK_SET), 700);
	sqe = next(ring);
	io_uring_prep_read(sqe, fd, memory, 10, (__u64)-1);
	CHECK_EQ(run_one(ring, sqe), 10);
	CHECK_PATTERN(memory, 10, 2, 700);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 710);
	close(fd);
}

static void several_buffers(struct io_uring *ring)
{
	int fd = temp_file(SIZE, 3);
	char a[10], b[4096], c[333];
	struct iovec vec[3] = {{a, sizeof(a)}, {b, sizeof(b)}, {c, sizeof(c)}};
	const int total = sizeof(a) + sizeof(b) + sizeof(c);
	struct io_uring_sqe *sqe = next(ring);

	io_uring_prep_readv(sqe, fd, vec, 3, 77);
	CHECK_EQ(run_one(ring, sqe), total);
	CHECK_PATTERN(a, sizeof(a), 3, 77);
	CHECK_PATTERN(b, sizeof(b), 3, 77 + sizeof(a));
	CHECK_PATTERN(c, sizeof(c), 3, 77 + sizeof(a) + sizeof(b));

	fill(a, sizeof(a), 4, 100);
	fill(b, sizeof(b), 4, 100 + sizeof(a));
	fill(c, sizeof(c), 4, 100 + sizeof(a) + sizeof(b));
	sqe = next(ring);
	io_uring_prep_writev2(sqe, fd, vec, 3, 100, RWF_DSYNC);
	CHECK_EQ(run_one(ring, sqe), total);
	memset(b, 0, sizeof(b));
	CHECK_EQ(pread(fd, b, sizeof(b), 100), sizeof(b));
	CHECK_PATTERN(b, sizeof(b), 4, 100);

	sqe = next(ring);
	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	CHECK_EQ(run_one(ring, sqe), 0);
	close(fd);
}

static void errors(struct io_uring *ring)
{
	char byte;
	struct io_uring_sqe *sqe = next(ring);
	int fd = temp_file(10, 1);

	io_uring_prep_read(sqe, -1, &byte, 1, 0);
	CHECK_EQ(run_one(ring, sqe), -EBADF);
	sqe = next(ring);
	io_uring_prep_read(sqe, fd, hole(), 1, 0);
	CHECK_EQ(run_one(ring, sqe), -EFAULT);
	close(fd);
}

int main(void)
{
	struct io_uring ring;

	make(&ring, 8, 0);
	one_buffer(&ring);
	several_buffers(&ring);
	errors(&ring);
	io_uring_queue_exit(&ring);
	return 0;
}
