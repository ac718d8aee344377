/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Registered buffers in encoded reads and writes of btrfs: what the library says of the kernel is what the kernel does,
 * and one that ignores them is reported and gets plain requests, with the same result.
 */
#include <aiouring.h>
#include <pthread.h>
#include <sys/resource.h>

#include "btrfs.h"
#include "uring_check.h"

static struct io_uring ring;
static unsigned char memory[EXTENT], plain[EXTENT];

static int read_with(int fd, struct aiouring_btrfs_encoded *args, struct iovec *iov, int buf_index)
{
	struct io_uring_sqe *sqe = next(&ring);

	memset(args, 0, sizeof(*args));
	args->iov = iov;
	args->iovcnt = 1;
	if (buf_index < 0)
		aiouring_prep_btrfs_encoded_read(sqe, fd, args);
	else
		aiouring_prep_btrfs_encoded_read_fixed(sqe, fd, args, buf_index);
	return run_one(&ring, sqe);
}

static void *ask(void *fd)
{
	return (void *)(intptr_t)aiouring_btrfs_fixed(*(int *)fd);
}

/* Before any answer is known: each of these is asked of the kernel. */
static void errors(int fd)
{
	int file = memfd_create("file", 0), null = open("/dev/null", O_RDWR), status;
	struct rlimit limit, none;
	pid_t child;

	errno = 4711;
	CHECK_EQ(aiouring_btrfs_fixed(-1), -EBADF);
	CHECK_EQ(aiouring_btrfs_fixed(999), -EBADF);
	CHECK_EQ(aiouring_btrfs_fixed(file), -EOPNOTSUPP);
	CHECK_EQ(aiouring_btrfs_fixed(null), -EOPNOTSUPP);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_EQ(aiouring_btrfs_fixed(fd), -EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(errno, 4711);
	close(file);
	close(null);

	child = fork();
	CHECK_GE(child, 0);
	if (child == 0) {
		struct aiouring_btrfs_encoded args;
		struct io_uring_sqe *sqe;

		watchdog();
		CHECK_EQ(setresuid(65534, 65534, 65534), 0);
		CHECK_EQ(aiouring_btrfs_fixed(fd), -EPERM);
		make(&ring, 4, 0);
		/* The reason is that of the question, and the request is there all the same, with the same error. */
		sqe = next(&ring);
		memset(&args, 0, sizeof(args));
		CHECK_EQ(aiouring_btrfs_prep_read(sqe, fd, &args, 0), -EPERM);
		CHECK_EQ(sqe->uring_cmd_flags, 0);
		CHECK_EQ(run_one(&ring, sqe), -EPERM);
		sqe = next(&ring);
		CHECK_EQ(aiouring_btrfs_prep_write(sqe, fd, &args, 0), -EPERM);
		CHECK_EQ(sqe->uring_cmd_flags, 0);
		CHECK_EQ(run_one(&ring, sqe), -EPERM);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

int main(void)
{
	static unsigned char content[EXTENT];
	struct aiouring_btrfs_encoded args, other;
	struct iovec registered = {memory, EXTENT}, inside = {memory, EXTENT}, outside = {plain, EXTENT};
	int fd, copy, fixed, size, i;
	struct io_uring_sqe *sqe;
	pthread_t threads[4];

	need_zlib();
	enter_btrfs("compress=zlib");
	make(&ring, 8, 0);
	fd = open("file", O_RDWR | O_CREAT, 0600);
	copy = open("copy", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && copy >= 0);
	fill_compressible(content, EXTENT, 3);
	CHECK_EQ(pwrite(fd, content, EXTENT, 0), EXTENT);
	CHECK_EQ(fsync(fd), 0);
	size = read_with(fd, &other, &outside, -1);
	if (size == -EOPNOTSUPP || size == -EINVAL)
		SKIP("Linux 6.13 has encoded reads");
	CHECK_OP(size, >, 0);

	errors(fd);
	for (i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask, &fd), 0);
	fixed = aiouring_btrfs_fixed(fd);
	CHECK(fixed == 0 || fixed == 1);
	for (i = 0; i < 4; i++) {
		void *same;

		CHECK_EQ(pthread_join(threads[i], &same), 0);
		CHECK_EQ((intptr_t)same, fixed);
	}
	CHECK_EQ(aiouring_btrfs_fixed(copy), fixed);

	/* A buffer that is there is right either way; a ring without, a wrong one and other memory tell the two apart. */
	CHECK_EQ(read_with(fd, &args, &inside, 0), fixed ? -EFAULT : size);
	CHECK_EQ(io_uring_register_buffers(&ring, &registered, 1), 0);
	CHECK_EQ(read_with(fd, &args, &inside, 1), fixed ? -EFAULT : size);
	CHECK_EQ(read_with(fd, &args, &outside, 0), fixed ? -EFAULT : size);
	memset(memory, 0, sizeof(memory));
	CHECK_EQ(read_with(fd, &args, &inside, 0), size);
	CHECK(memcmp(memory, plain, (size_t)size) == 0);

	/* The choice is made, said, and right. */
	memset(memory, 0, sizeof(memory));
	memset(&args, 0, sizeof(args));
	args.iov = &inside;
	args.iovcnt = 1;
	sqe = next(&ring);
	CHECK_EQ(aiouring_btrfs_prep_read(sqe, fd, &args, 0), fixed ? 0 : -EOPNOTSUPP);
	CHECK_EQ(sqe->uring_cmd_flags, fixed ? IORING_URING_CMD_FIXED : 0);
	CHECK_EQ(sqe->cmd_op, AIOURING_BTRFS_ENCODED_READ);
	CHECK_EQ(run_one(&ring, sqe), size);
	CHECK(memcmp(memory, plain, (size_t)size) == 0);
	CHECK_EQ(args.len, other.len);
	CHECK_EQ(args.compression, AIOURING_BTRFS_ZLIB);

	inside.iov_len = (size_t)size;
	sqe = next(&ring);
	CHECK_EQ(aiouring_btrfs_prep_write(sqe, copy, &args, 0), fixed ? 0 : -EOPNOTSUPP);
	CHECK_EQ(sqe->uring_cmd_flags, fixed ? IORING_URING_CMD_FIXED : 0);
	CHECK_EQ(sqe->cmd_op, AIOURING_BTRFS_ENCODED_WRITE);
	CHECK_EQ(run_one(&ring, sqe), size);
	CHECK_EQ(pread(copy, memory, EXTENT, 0), EXTENT);
	CHECK(memcmp(memory, content, EXTENT) == 0);

	/* What is known is not asked again. */
	CHECK_EQ(aiouring_btrfs_fixed(-1), fixed);
	io_uring_queue_exit(&ring);
	return 0;
}
