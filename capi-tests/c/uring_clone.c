// oracle: no (from 2.8 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring uses the registered buffers of another one. */
#include <pthread.h>

#include "uring_check.h"

static struct io_uring one, two;
static char *memory;
static int fd;

static int reads(struct io_uring *ring, unsigned index, unsigned page)
{
	struct io_uring_sqe *sqe = next(ring);
	int ret;

	memset(memory + page * 4096, 0, 4096);
	io_uring_prep_read_fixed(sqe, fd, memory + page * 4096, 4096, 0, (int)index);
	ret = run_one(ring, sqe);
	if (ret == 4096)
		CHECK_PATTERN(memory + page * 4096, 4096, 3, 0);
	return ret;
}

/* A thread that registered nothing: the index of `one` says nothing to the kernel here. */
static void *elsewhere(void *unused)
{
	(void)unused;
	CHECK_LE(io_uring_clone_buffers(&two, &one), -1);
	CHECK_LE(io_uring_clone_buffers_offset(&two, &one, 0, 0, 0, 0), -1);
	CHECK_LE(__io_uring_clone_buffers(&two, &one, IORING_REGISTER_SRC_REGISTERED), -1);
	CHECK_EQ(__io_uring_clone_buffers(&two, &one, 0), 0);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	CHECK_EQ(__io_uring_clone_buffers_offset(&two, &one, 0, 0, 0, 0), 0);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	return NULL;
}

int main(void)
{
	struct iovec vec[4];
	pthread_t thread;
	unsigned i;
	int ret;

	memory = (char *)pages(4 * 4096);
	fd = temp_file(4096, 3);
	for (i = 0; i < 4; i++) {
		vec[i].iov_base = memory + i * 4096;
		vec[i].iov_len = 4096;
	}
	make(&one, 8, 0);
	make(&two, 8, 0);
	ret = io_uring_clone_buffers(&two, &one);
	if (ret == -EINVAL)
		SKIP("the kernel cannot do it");
	CHECK_EQ(ret, -ENXIO);
	CHECK_EQ(io_uring_register_buffers(&one, vec, 4), 0);
	CHECK_EQ(io_uring_clone_buffers(&two, &one), 0);
	CHECK_EQ(io_uring_clone_buffers(&two, &one), -EBUSY);
	CHECK_EQ(__io_uring_clone_buffers(&two, &one, 0), -EBUSY);
	CHECK_EQ(io_uring_unregister_buffers(&one), 0);
	for (i = 0; i < 4; i++)
		CHECK_EQ(reads(&two, i, i), 4096);
	CHECK_EQ(reads(&one, 0, 0), -EFAULT);

	/* Back again, a part, in other places. */
	ret = io_uring_clone_buffers_offset(&one, &two, 1, 2, 2, 0);
	if (ret == -EINVAL)
		SKIP("the kernel cannot clone a part");
	CHECK_EQ(ret, 0);
	CHECK_EQ(reads(&one, 0, 0), -EFAULT);
	CHECK_EQ(reads(&one, 1, 2), 4096);
	CHECK_EQ(reads(&one, 2, 3), 4096);
	CHECK_EQ(reads(&one, 2, 2), -EFAULT);
	CHECK_EQ(reads(&one, 3, 3), -EFAULT);
	CHECK_EQ(io_uring_clone_buffers_offset(&one, &two, 0, 0, 1, 0), -EBUSY);
	CHECK_EQ(io_uring_clone_buffers_offset(&one, &two, 1, 0, 1, IORING_REGISTER_DST_REPLACE), 0);
	CHECK_EQ(reads(&one, 1, 0), 4096);
	CHECK_EQ(reads(&one, 2, 3), 4096);
	CHECK_EQ(__io_uring_clone_buffers_offset(&one, &two, 2, 1, 1, IORING_REGISTER_DST_REPLACE), 0);
	CHECK_EQ(reads(&one, 2, 1), 4096);
	CHECK_EQ(__io_uring_clone_buffers(&one, &two, IORING_REGISTER_DST_REPLACE), 0);
	CHECK_EQ(reads(&one, 0, 0), 4096);
	CHECK_EQ(io_uring_clone_buffers_offset(&one, &two, 0, 3, 2, IORING_REGISTER_DST_REPLACE), -EOVERFLOW);
	CHECK_EQ(io_uring_clone_buffers_offset(&one, &two, 0, 0, 0, 1U << 31), -EINVAL);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);

	/* A source whose descriptor is registered, and then closed. */
	CHECK_EQ(io_uring_register_ring_fd(&one), 1);
	CHECK_EQ(io_uring_clone_buffers(&two, &one), 0);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	CHECK_EQ(__io_uring_clone_buffers(&two, &one, IORING_REGISTER_SRC_REGISTERED), 0);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	CHECK_EQ(__io_uring_clone_buffers(&two, &one, 0), 0);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	CHECK_EQ(pthread_create(&thread, NULL, elsewhere, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(io_uring_register_ring_fd(&two), 1);
	CHECK_EQ(io_uring_clone_buffers(&two, &one), 0);
	CHECK_EQ(reads(&two, 3, 3), 4096);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	CHECK_EQ(io_uring_close_ring_fd(&one), 1);
	CHECK_EQ(io_uring_close_ring_fd(&two), 1);
	CHECK_EQ(io_uring_clone_buffers(&two, &one), 0);
	CHECK_EQ(reads(&two, 2, 2), 4096);
	CHECK_EQ(io_uring_unregister_buffers(&two), 0);
	CHECK_EQ(__io_uring_clone_buffers(&two, &one, 0), -EBADF);
	io_uring_queue_exit(&one);
	io_uring_queue_exit(&two);
	return 0;
}
