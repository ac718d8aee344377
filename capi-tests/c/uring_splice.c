// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Splice and tee move bytes between a file and pipes. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	int fd = temp_file(1000, 3), one[2], two[2];
	char memory[600];

	make(&ring, 8, 0);
	CHECK(pipe(one) == 0 && pipe(two) == 0);
	sqe = next(&ring);
	io_uring_prep_splice(sqe, fd, 100, one[1], -1, 600, 0);
	CHECK_EQ(run_one(&ring, sqe), 600);
	sqe = next(&ring);
	io_uring_prep_tee(sqe, one[0], two[1], 600, 0);
	CHECK_EQ(run_one(&ring, sqe), 600);
	CHECK_EQ(read(one[0], memory, 600), 600);
	CHECK_PATTERN(memory, 600, 3, 100);
	CHECK_EQ(read(two[0], memory, 600), 600);
	CHECK_PATTERN(memory, 600, 3, 100);
	io_uring_queue_exit(&ring);
	return 0;
}
