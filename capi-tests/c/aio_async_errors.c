/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: theirs,ours,own
// old-kernel: no (faults of disks and file systems are the same on it)
/* AIOURING_WRITE=async: writes that io_submit does not wait for fail as others do. The kernel knows nothing of it. */
#include "error_rows.h"

static const struct row rows[] = {
	{"E01", E01}, {"E02", E02}, {"E04", E04}, {"E05", E05}, {"E06", E06}, {"E30", E30}, {"E41", E41}, {"E42", E42},
};

int main(int argc, char **argv)
{
	if (!getenv("AIOURING_WRITE")) {
		setenv("AIOURING_WRITE", "async", 1);
		execv("/proc/self/exe", argv);
		FAIL("execv: %m");
	}
	return run_error_rows(rows, COUNT_OF(rows), argc, argv);
}
