// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library is of the version of the headers. */
#include "uring_check.h"

int main(void)
{
	int major = io_uring_major_version(), minor = io_uring_minor_version();

	CHECK_EQ(major, IO_URING_VERSION_MAJOR);
	CHECK_EQ(minor, IO_URING_VERSION_MINOR);
	/* True if the library is older than what is asked for. */
	CHECK(!io_uring_check_version(major, minor));
	CHECK(!io_uring_check_version(major, minor - 1));
	CHECK(!io_uring_check_version(major - 1, minor + 1));
	CHECK(io_uring_check_version(major, minor + 1));
	CHECK(io_uring_check_version(major + 1, 0));
	CHECK(!IO_URING_CHECK_VERSION(2, 15));
	CHECK(IO_URING_CHECK_VERSION(2, 16));
	CHECK(IO_URING_CHECK_VERSION(3, 0));
	return 0;
}
