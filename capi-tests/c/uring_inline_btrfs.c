// variants: ours
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Encoded reads and writes of btrfs are prepared with a registered buffer if the kernel uses it, and else without, with
 * the reason. The test takes the place of the function that asks the kernel.
 */
#include <aiouring.h>

#include "check.h"

static int answer, asked_for, asked;

int aiouring_btrfs_fixed(int fd)
{
	asked++;
	asked_for = fd;
	return answer;
}

/* Every byte of the entry: that of the request that the plain function, or the one with a buffer, prepares. */
static void check(int kernel, int expected, int fixed)
{
	struct aiouring_btrfs_encoded args[2];
	struct io_uring_sqe sqes[3], other;

	answer = kernel;
	asked = 0;
	memset(sqes, 0, sizeof(sqes));
	memset(&other, 0, sizeof(other));
	CHECK_EQ(aiouring_btrfs_prep_read(&sqes[0], 70, args, 7), expected);
	CHECK_EQ(asked, 1);
	CHECK_EQ(asked_for, 70);
	if (fixed)
		aiouring_prep_btrfs_encoded_read_fixed(&other, 70, args, 7);
	else
		aiouring_prep_btrfs_encoded_read(&other, 70, args);
	CHECK(memcmp(&sqes[0], &other, sizeof(other)) == 0);
	CHECK_EQ(other.uring_cmd_flags, fixed ? IORING_URING_CMD_FIXED : 0);

	memset(&other, 0, sizeof(other));
	CHECK_EQ(aiouring_btrfs_prep_write(&sqes[1], 71, args, 7), expected);
	CHECK_EQ(asked, 2);
	CHECK_EQ(asked_for, 71);
	if (fixed)
		aiouring_prep_btrfs_encoded_write_fixed(&other, 71, args, 7);
	else
		aiouring_prep_btrfs_encoded_write(&other, 71, args);
	CHECK(memcmp(&sqes[1], &other, sizeof(other)) == 0);
	CHECK_EQ(other.uring_cmd_flags, fixed ? IORING_URING_CMD_FIXED : 0);
	CHECK_EQ(other.cmd_op, AIOURING_BTRFS_ENCODED_WRITE);
	CHECK_EQ(sqes[2].opcode, 0);
}

int main(void)
{
	check(1, 0, 1);
	check(0, -EOPNOTSUPP, 0);
	check(-EPERM, -EPERM, 0);
	check(-EMFILE, -EMFILE, 0);
	return 0;
}
