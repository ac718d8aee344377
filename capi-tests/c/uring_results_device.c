// oracle: yes
// their-headers: no (operations and helpers of later versions)
// old-kernel: no (the command came with Linux 6.12)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the manual pages say of the results of commands to a block device. */
#include <linux/loop.h>
#include <sys/ioctl.h>

#include "uring_results.h"

enum { SIZE = 1 << 20 };

/* A loop device over a file, which goes with its last descriptor. */
static int loop_device(int file)
{
	int control = open("/dev/loop-control", O_RDWR), attempt;
	struct loop_config config;
	char path[32];

	if (control < 0)
		SKIP("no loop devices: %s", strerror(errno));
	memset(&config, 0, sizeof(config));
	config.fd = (unsigned int)file;
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	/* Somebody else may take the free device first. */
	for (attempt = 0; attempt < 20; attempt++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), device;

		snprintf(path, sizeof(path), "/dev/loop%d", number);
		if (number < 0 || (device = open(path, O_RDWR | O_DIRECT)) < 0)
			SKIP("no free loop device: %s", strerror(errno));
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
			close(control);
			return device;
		}
		close(device);
	}
	SKIP("no loop device to be had");
}

int main(void)
{
	int file, device, reader, res;
	char *memory = pages(8192);

	begin();
	file = temp_file(SIZE, 1);
	device = loop_device(file);
	reader = reopen(device, O_RDONLY);

	res = RESULT(io_uring_prep_cmd_discard(sqe, device, 4096, 4096));
	if (res == -EOPNOTSUPP || res == -EINVAL)
		SKIP("the kernel or the file system cannot discard: %d", res);
	CHECK_EQ(res, 0);
	/* That block and no other. */
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, device, memory, 8192, 0)), 8192);
	CHECK_PATTERN(memory, 4096, 1, 0);
	CHECK(memory[4096] == 0 && memcmp(memory + 4096, memory + 4097, 4095) == 0);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, device, memory, 4096, 8192)), 4096);
	CHECK_PATTERN(memory, 4096, 1, 8192);

	CHECK_EQ(RESULT(io_uring_prep_cmd_discard(sqe, device, 1, 4096)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_cmd_discard(sqe, device, 0, 4097)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_cmd_discard(sqe, device, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_cmd_discard(sqe, device, SIZE, 4096)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_cmd_discard(sqe, reader, 0, 4096)), -EBADF);
	/* It has no zones. */
	CHECK_LE(RESULT(io_uring_prep_cmd_zone_reset_all(sqe, device)), -1);
	io_uring_queue_exit(&ring);
	return 0;
}
