// oracle: no (from 2.5 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IORING_SETUP_NO_MMAP: the library allocates the rings itself. */
#include "uring_check.h"

static unsigned long address_space(void)
{
	char line[256];
	unsigned long size = 0;
	FILE *status = fopen("/proc/self/status", "r");

	CHECK(status != NULL);
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmSize: %lu", &size);
	fclose(status);
	return size;
}

/* As with rings that the kernel allocates, a child sees the same memory, unless it was kept out. */
static void in_child(void)
{
	struct io_uring_params params;
	struct io_uring ring;
	pid_t child;
	unsigned char there;

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_NO_MMAP;
	CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), 0);
	child = fork();
	if (child == 0) {
		watchdog();
		nops(&ring, 2, 77);
		CHECK_EQ(io_uring_submit(&ring), 2);
		_exit(0);
	}
	wait_exit(child, 0);
	CHECK_EQ(take(&ring).user_data, 77);
	CHECK_EQ(take(&ring).user_data, 78);
	CHECK_EQ(io_uring_ring_dontfork(&ring), 0);
	child = fork();
	if (child == 0) {
		watchdog();
		_exit(mincore((void *)((uintptr_t)ring.sq.sqes & ~4095UL), 1, &there) == -1 && errno == ENOMEM ? 0 : 1);
	}
	wait_exit(child, 0);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	static const unsigned sizes[] = {1, 8, 64, 1024, 4096};
	unsigned long before = address_space();
	unsigned i;

	for (i = 0; i < COUNT_OF(sizes); i++) {
		struct io_uring_params params;
		struct io_uring ring;
		unsigned round;
		int ret;

		memset(&params, 0, sizeof(params));
		params.flags = IORING_SETUP_NO_MMAP;
		ret = io_uring_queue_init_params(sizes[i], &ring, &params);
		if (ret == -EPERM || ret == -ENOSYS || (ret == -EINVAL && i == 0))
			SKIP("no such rings: %d", ret);
		/* Large ones need a huge page. */
		if (ret == -ENOMEM && sizes[i] > 64)
			continue;
		CHECK_EQ(ret, 0);
		for (round = 0; round < 5; round++) {
			unsigned n;

			nops(&ring, sizes[i], round);
			CHECK_EQ(io_uring_submit_and_wait(&ring, sizes[i]), sizes[i]);
			for (n = 0; n < sizes[i]; n++)
				CHECK_EQ(take(&ring).user_data, round + n);
		}
		io_uring_queue_exit(&ring);
	}
	/* Nothing is left mapped: the first ring takes some pages, the last one half a megabyte. */
	CHECK_LE(address_space(), before + 256);
	in_child();
	return 0;
}
