// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Making a ring: sizes and flags that are refused leave nothing behind; sizes are rounded. */
#include "uring_check.h"

#include <dirent.h>

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_params params;
	int before, i;

	make(&ring, 1, 0);
	CHECK_EQ(ring.sq.ring_entries, 1);
	CHECK_EQ(ring.cq.ring_entries, 2);
	CHECK_GE(ring.ring_fd, 0);
	CHECK_EQ(ring.enter_ring_fd, ring.ring_fd);
	io_uring_queue_exit(&ring);

	before = descriptors();
	for (i = 0; i < 10; i++) {
		CHECK_EQ(io_uring_queue_init(0, &ring, 0), -EINVAL);
		CHECK_EQ(io_uring_queue_init(32769, &ring, 0), -EINVAL);
		CHECK_EQ(io_uring_queue_init(~0U, &ring, 0), -EINVAL);
		CHECK_EQ(io_uring_queue_init(8, &ring, 1U << 31), -EINVAL);
		CHECK_EQ(io_uring_queue_init(8, &ring, IORING_SETUP_SQ_AFF), -EINVAL);
		memset(&params, 0, sizeof(params));
		params.flags = IORING_SETUP_CQSIZE;
		CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), -EINVAL);
		params.cq_entries = 4;
		CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), -EINVAL);
		memset(&params, 0, sizeof(params));
		params.resv[0] = 1;
		CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), -EINVAL);
	}
	CHECK_EQ(descriptors(), before);

	make(&ring, 100, 0);
	CHECK_EQ(ring.sq.ring_entries, 128);
	CHECK_EQ(ring.sq.ring_mask, 127);
	CHECK_EQ(ring.cq.ring_entries, 256);
	CHECK_EQ(ring.cq.ring_mask, 255);
	CHECK_EQ(*ring.sq.kring_entries, 128);
	CHECK_EQ(*ring.sq.kring_mask, 127);
	CHECK_EQ(*ring.cq.kring_entries, 256);
	CHECK_EQ(*ring.cq.kring_mask, 255);
	io_uring_queue_exit(&ring);
	CHECK_EQ(descriptors(), before);

	make(&ring, 100000, IORING_SETUP_CLAMP);
	CHECK_EQ(ring.sq.ring_entries, 32768);
	io_uring_queue_exit(&ring);

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	params.cq_entries = 1000;
	make_params(&ring, 8, &params);
	CHECK_EQ(params.sq_entries, 8);
	CHECK_EQ(params.cq_entries, 1024);
	CHECK_EQ(ring.cq.ring_entries, 1024);
	CHECK_EQ(ring.features, params.features);
	CHECK_EQ(ring.flags & IORING_SETUP_CQSIZE, IORING_SETUP_CQSIZE);
	io_uring_queue_exit(&ring);
	CHECK_EQ(descriptors(), before);
	return 0;
}
