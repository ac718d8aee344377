/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_submit: what it refuses, with which error, and in which order it looks. */
#include "aio_check.h"

#include <limits.h>
#include <sys/eventfd.h>

static io_context_t ctx;
static int fd;
static char buf[4096];
static struct iocb iocb;

static void fresh(void)
{
	io_prep_pread(&iocb, fd, buf, 10, 0);
	iocb.key = 7;
}

/* Checks the error and whether io_submit had already written the key. */
#define REFUSED(error, expected_key)                                                                                   \
	do {                                                                                                           \
		SUBMIT_IS(ctx, &iocb, error);                                                                          \
		CHECK_EQ(iocb.key, expected_key);                                                                      \
	} while (0)

static void calls(void)
{
	io_context_t bad[] = {NULL, (io_context_t)-1, (io_context_t)pages(4096)};
	struct iocb *one = &iocb, *null_array[] = {NULL};
	char *edge;
	size_t i;

	fresh();
	CHECK_EQ(io_submit(ctx, -1, &one), -EINVAL);
	CHECK_EQ(io_submit(ctx, LONG_MIN, &one), -EINVAL);
	CHECK_EQ(io_submit(ctx, 0, NULL), 0);
	CHECK_EQ(io_submit(ctx, 0, (struct iocb **)(void *)hole()), 0);
	for (i = 0; i < COUNT_OF(bad); i++) {
		CHECK_EQ(io_submit(bad[i], 0, &one), -EINVAL);
		CHECK_EQ(io_submit(bad[i], 1, &one), -EINVAL);
		CHECK_EQ(io_submit(bad[i], 1, NULL), -EINVAL);
	}
	CHECK_EQ(io_submit(ctx, 1, NULL), -EFAULT);
	CHECK_EQ(io_submit(ctx, 1, (struct iocb **)-1), -EFAULT);
	CHECK_EQ(io_submit(ctx, 1, (struct iocb **)(void *)KERNEL_ADDRESS), -EFAULT);
	CHECK_EQ(io_submit(ctx, 1, (struct iocb **)(void *)hole()), -EFAULT);
	CHECK_EQ(io_submit(ctx, 1, null_array), -EFAULT);
	one = (struct iocb *)(void *)KERNEL_ADDRESS;
	CHECK_EQ(io_submit(ctx, 1, &one), -EFAULT);
	edge = pages_before_hole(4096);
	one = (struct iocb *)(void *)(edge + 4096 - 32);
	memcpy(one, &iocb, 32);
	CHECK_EQ(io_submit(ctx, 1, &one), -EFAULT);
	CHECK_EQ(iocb.key, 7);
}

static void descriptors(void)
{
	int wrong[] = {-1, INT_MAX, 9999};
	int read_only = reopen(fd, O_RDONLY), write_only = reopen(fd, O_WRONLY), path = reopen(fd, O_PATH);
	struct iovec vec = {buf, 10};
	size_t i;

	for (i = 0; i < COUNT_OF(wrong); i++) {
		fresh();
		iocb.aio_fildes = wrong[i];
		REFUSED(-EBADF, 7);
	}
	fresh();
	iocb.aio_fildes = path;
	REFUSED(-EBADF, 7);
	fresh();
	iocb.aio_fildes = write_only;
	REFUSED(-EBADF, 0);
	fresh();
	iocb.aio_fildes = read_only;
	iocb.aio_lio_opcode = IO_CMD_PWRITE;
	REFUSED(-EBADF, 0);
	io_prep_preadv(&iocb, write_only, &vec, 1, 0);
	REFUSED(-EBADF, 0);
	io_prep_pwritev(&iocb, read_only, &vec, 1, 0);
	REFUSED(-EBADF, 0);
	/* Both wrong: the direction counts before the buffer. */
	io_prep_pwrite(&iocb, read_only, KERNEL_ADDRESS, 10, -1);
	REFUSED(-EBADF, 0);
	close(read_only);
	fresh();
	iocb.aio_fildes = read_only;
	REFUSED(-EBADF, 7);
}

static void operations(void)
{
	static const short unknown[] = {4, IO_CMD_NOOP, 9, 10, 100, -1, SHRT_MAX};
	size_t i;

	for (i = 0; i < COUNT_OF(unknown); i++) {
		fresh();
		iocb.aio_lio_opcode = unknown[i];
		REFUSED(-EINVAL, 0);
		fresh();
		iocb.aio_lio_opcode = unknown[i];
		iocb.aio_fildes = 9999;
		REFUSED(-EBADF, 7);
	}
}

static void eventfds(void)
{
	int pipe_fd[2], event_fd = eventfd(0, 0);
	uint64_t count;

	CHECK(pipe(pipe_fd) == 0);
	fresh();
	io_set_eventfd(&iocb, fd);
	REFUSED(-EINVAL, 7);
	io_set_eventfd(&iocb, pipe_fd[0]);
	REFUSED(-EINVAL, 7);
	io_set_eventfd(&iocb, 9999);
	REFUSED(-EBADF, 7);
	io_set_eventfd(&iocb, -1);
	REFUSED(-EBADF, 7);
	/* Without the flag the field is ignored. */
	iocb.u.c.flags = 0;
	EVENT_IS(ctx, &iocb, 10);
	/* A request that is refused does not signal. */
	fresh();
	io_set_eventfd(&iocb, event_fd);
	iocb.aio_lio_opcode = 100;
	REFUSED(-EINVAL, 0);
	CHECK(fcntl(event_fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK_EQ(read(event_fd, &count, 8), -1);
	CHECK_EQ(errno, EAGAIN);
}

static void arguments(void)
{
	static const long long negative[] = {-1, -4096, LLONG_MIN};
	struct iovec vec[1025], *bad_vec;
	size_t i;

	/* Lengths and offsets. */
	fresh();
	iocb.u.c.nbytes = (unsigned long)-1;
	REFUSED(-EINVAL, 7);
	iocb.u.c.nbytes = 1ul << 63;
	REFUSED(-EINVAL, 7);
	iocb.aio_fildes = 9999;
	REFUSED(-EINVAL, 7);
	for (i = 0; i < COUNT_OF(negative); i++) {
		io_prep_pread(&iocb, fd, buf, 10, negative[i]);
		SUBMIT_IS(ctx, &iocb, -EINVAL);
		io_prep_pwrite(&iocb, fd, buf, 10, negative[i]);
		SUBMIT_IS(ctx, &iocb, -EINVAL);
	}
	io_prep_pread(&iocb, fd, buf, 10, LLONG_MAX);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	io_prep_pwrite(&iocb, fd, buf, 10, LLONG_MAX - 5);
	SUBMIT_IS(ctx, &iocb, -EINVAL);

	/* The reserved field. */
	fresh();
	iocb.u.c.__pad3 = 1;
	REFUSED(-EINVAL, 7);

	/* Buffers that no user has. */
	io_prep_pread(&iocb, fd, KERNEL_ADDRESS, 10, 0);
	SUBMIT_IS(ctx, &iocb, -EFAULT);
	io_prep_pwrite(&iocb, fd, KERNEL_ADDRESS, 10, 0);
	SUBMIT_IS(ctx, &iocb, -EFAULT);

	/* Vectors. */
	for (i = 0; i < COUNT_OF(vec); i++) {
		vec[i].iov_base = buf + i;
		vec[i].iov_len = 1;
	}
	io_prep_preadv(&iocb, fd, vec, 1025, 0);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	io_prep_preadv(&iocb, fd, vec, -1, 0);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	io_prep_preadv(&iocb, fd, vec, 1024, 0);
	EVENT_IS(ctx, &iocb, 1024);
	CHECK_PATTERN(buf, 1024, 9, 0);
	io_prep_preadv(&iocb, fd, vec, 0, 0);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_preadv(&iocb, fd, NULL, 0, 0);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_preadv(&iocb, fd, (struct iovec *)(void *)KERNEL_ADDRESS, 1, 0);
	SUBMIT_IS(ctx, &iocb, -EFAULT);
	io_prep_preadv(&iocb, fd, (struct iovec *)(void *)hole(), 1, 0);
	SUBMIT_IS(ctx, &iocb, -EFAULT);
	bad_vec = (struct iovec *)(void *)(pages_before_hole(4096) + 4096 - sizeof(*bad_vec));
	*bad_vec = vec[0];
	io_prep_preadv(&iocb, fd, bad_vec, 2, 0);
	SUBMIT_IS(ctx, &iocb, -EFAULT);
	vec[1].iov_len = (size_t)-1;
	io_prep_pwritev(&iocb, fd, vec, 2, 0);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	vec[1].iov_base = KERNEL_ADDRESS;
	vec[1].iov_len = 1;
	io_prep_pwritev(&iocb, fd, vec, 2, 0);
	SUBMIT_IS(ctx, &iocb, -EFAULT);
}

/* Files that do not take part. */
static void files(void)
{
	static const char *const unreadable[] = {"/proc/self/stat", "/proc/self/mem"};
	static const char *const unwritable[] = {"/dev/full"};
	int event_fd = eventfd(0, 0), dir = open(".", O_RDONLY | O_DIRECTORY);
	size_t i;

	for (i = 0; i < COUNT_OF(unreadable); i++) {
		fresh();
		iocb.aio_fildes = open(unreadable[i], O_RDONLY);
		CHECK(iocb.aio_fildes >= 0);
		REFUSED(-EINVAL, 0);
	}
	for (i = 0; i < COUNT_OF(unwritable); i++) {
		io_prep_pwrite(&iocb, open(unwritable[i], O_WRONLY), buf, 4, 0);
		CHECK(iocb.aio_fildes >= 0);
		REFUSED(-EINVAL, 0);
	}
	io_prep_pwrite(&iocb, event_fd, buf, 8, 0);
	REFUSED(-EINVAL, 0);
	io_prep_fsync(&iocb, event_fd);
	REFUSED(-EINVAL, 0);
	io_prep_pread(&iocb, dir, buf, 8, 0);
	printf("read of a directory: %d\n", submit_one(ctx, &iocb));
}

int main(void)
{
	fd = temp_file(4096, 9);
	CHECK_EQ(pread(fd, buf, 4096, 0), 4096);
	ctx = setup(8);
	errno = 1234;
	fresh();
	iocb.aio_lio_opcode = 100;
	REFUSED(-EINVAL, 0);
	CHECK_EQ(errno, 1234);
	calls();
	descriptors();
	operations();
	eventfds();
	arguments();
	files();
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
