/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_setup: which arguments it refuses and how, and what a new context looks like. */
#include "aio_check.h"

#include <sys/resource.h>

static long possible_cpus(void)
{
	char text[64] = "";
	int fd = open("/sys/devices/system/cpu/possible", O_RDONLY);
	char *dash;

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	dash = strrchr(text, '-');
	return atol(dash ? dash + 1 : text) + 1;
}

static long aio_max_nr(void)
{
	char text[64] = "";
	int fd = open("/proc/sys/fs/aio-max-nr", O_RDONLY);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atol(text);
}

static void refused(int nr, io_context_t before, int error)
{
	io_context_t ctx = before;

	errno = 1234;
	CHECK_EQ(io_setup(nr, &ctx), error);
	CHECK(ctx == before);
	CHECK_EQ(errno, 1234);
}

static void ring_sizes(void)
{
	static const int sizes[] = {1, 8, 17, 63, 100, 128, 1000, 4096};
	long cpus = possible_cpus();
	size_t i;

	for (i = 0; i < COUNT_OF(sizes); i++) {
		long least = sizes[i] > 4 * cpus ? sizes[i] : 4 * cpus;
		long page_count = (32 + 32 * (2 * least + 2) + 4095) / 4096;
		io_context_t ctx = setup(sizes[i]);
		struct ring_header *ring = ring_of(ctx);

		CHECK_EQ(ring->nr, (page_count * 4096 - 32) / 32);
		CHECK_EQ(ring->head, 0);
		CHECK_EQ(ring->tail, 0);
		CHECK_EQ(ring->magic, 0xa10a10a1u);
		CHECK_EQ(ring->compat_features, 1);
		CHECK_EQ(ring->incompat_features, 0);
		CHECK_EQ(ring->header_length, 32);
		CHECK_EQ((uintptr_t)ctx % 4096, 0);
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

static int lowest_free_fd(void)
{
	int fd = dup(0);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void no_descriptor(void)
{
	int before = lowest_free_fd(), fd = temp_file(100, 1);
	io_context_t ctx = setup(8);
	struct iocb iocb;
	char buf[100];

	io_prep_pread(&iocb, fd, buf, 100, 0);
	EVENT_IS(ctx, &iocb, 100);
	close(fd);
	CHECK_EQ(lowest_free_fd(), before);
}

/* Neither descriptors nor locked memory are needed to have a context and to use it. */
static void no_resources(void)
{
	int fd = temp_file(100, 1);
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = {0, 0};
		struct iocb iocb;
		char buf[100];
		io_context_t ctx;

		watchdog();
		CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
		CHECK(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
		if (geteuid() == 0)
			CHECK(setresuid(65534, 65534, 65534) == 0);
		ctx = setup(1000);
		io_prep_pread(&iocb, fd, buf, 100, 0);
		EVENT_IS(ctx, &iocb, 100);
		CHECK_PATTERN(buf, 100, 1, 0);
		_exit(0);
	}
	wait_exit(child, 0);
}

int main(void)
{
	io_context_t ctx;

	refused(0, NULL, -EINVAL);
	refused(-1, NULL, -EINVAL);
	refused(0x7fffffff, NULL, -EINVAL);
	refused(4194305, NULL, -EINVAL);
	refused(4194304, NULL, -EAGAIN);
	refused((int)aio_max_nr() + 1, NULL, -EAGAIN);
	refused(1, (io_context_t)1, -EINVAL);
	refused(-1, (io_context_t)1, -EINVAL);
	CHECK_EQ(io_setup(1, NULL), -EFAULT);
	CHECK_EQ(io_setup(1, (io_context_t *)(void *)KERNEL_ADDRESS), -EFAULT);
	CHECK_EQ(io_setup(1, (io_context_t *)(void *)hole()), -EFAULT);

	errno = 1234;
	ctx = setup(1);
	CHECK_EQ(errno, 1234);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(errno, 1234);

	ring_sizes();
	no_descriptor();
	no_resources();
	return 0;
}
