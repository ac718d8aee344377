// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Making a ring: sizes and flags that are refused leave nothing behind; sizes are rounded. */
#include "uring_check.h"

#include <dirent.h>
#include <sys/resource.h>

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

/* Kilobytes of address space. */
static unsigned long address_space(void)
{
	char line[256];
	unsigned long size = 0;
	FILE *status = fopen("/proc/self/status", "r");

	CHECK(status != NULL);
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmSize: %lu", &size);
	fclose(status);
	CHECK_GE(size, 1);
	return size;
}

/* A ring that cannot be mapped is taken back: all of it or its second part. */
static void without_memory(void)
{
	struct rlimit limit, old;
	struct io_uring ring;
	int before = descriptors(), i;
	unsigned long size = address_space();

	CHECK(getrlimit(RLIMIT_AS, &old) == 0);
	limit = old;
	/* 32768 completions are 1 MiB, the requests 2. */
	for (i = 0; i < 2; i++) {
		limit.rlim_cur = (size + (i ? 2048 : 512)) << 10;
		CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
		CHECK_EQ(io_uring_queue_init(32768, &ring, 0), -ENOMEM);
		CHECK(setrlimit(RLIMIT_AS, &old) == 0);
		CHECK_EQ(descriptors(), before);
		CHECK_LE(address_space(), size + 256);
	}
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
	without_memory();
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
