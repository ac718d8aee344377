// oracle: yes
// their-headers: no (operations and helpers of later versions)
// old-kernel: no (the command came with Linux 6.12)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the manual pages say of the results of commands to a block device. */
#include "loop_device.h"
#include "uring_results.h"

enum { SIZE = 1 << 20 };

int main(void)
{
	int file, device, reader, res;
	char path[32], *memory = pages(8192);

	begin();
	file = temp_file(SIZE, 1);
	device = loop_device(file, O_RDWR | O_DIRECT, path, sizeof(path));
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
