// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Linked requests run in order, fail together, and have a limit of time. */
#include "uring_check.h"

static struct io_uring ring;

static void in_order(void)
{
	int fd = temp_file(0, 0);
	char memory[100], back[100];
	struct io_uring_sqe *sqe = next(&ring);
	int i;

	fill(memory, sizeof(memory), 5, 0);
	io_uring_prep_write(sqe, fd, memory, sizeof(memory), 0);
	sqe->flags |= IOSQE_IO_LINK;
	io_uring_sqe_set_data64(sqe, 0);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd, back, sizeof(back), 0);
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.user_data, i);
		CHECK_EQ(cqe.res, 100);
	}
	CHECK_PATTERN(back, sizeof(back), 5, 0);
	close(fd);
}

static void together(void)
{
	int i;
	struct io_uring_sqe *sqe = next(&ring);
	char byte;

	io_uring_prep_read(sqe, -1, &byte, 1, 0);
	io_uring_sqe_set_data64(sqe, 0);
	sqe->flags |= IOSQE_IO_LINK;
	nops(&ring, 2, 1);
	ring.sq.sqes[(ring.sq.sqe_tail - 2) & ring.sq.ring_mask].flags |= IOSQE_IO_LINK;
	CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 3);
	for (i = 0; i < 3; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.user_data, i);
		CHECK_EQ(cqe.res, i == 0 ? -EBADF : -ECANCELED);
	}
}

static void limited(void)
{
	int fd[2], i;
	char byte;
	struct __kernel_timespec ts = ms(50);
	long start = now_ms();
	struct io_uring_sqe *sqe = next(&ring);

	CHECK(pipe(fd) == 0);
	io_uring_prep_read(sqe, fd[0], &byte, 1, 0);
	sqe->flags |= IOSQE_IO_LINK;
	io_uring_sqe_set_data64(sqe, 0);
	sqe = next(&ring);
	io_uring_prep_link_timeout(sqe, &ts, 0);
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.res, cqe.user_data == 0 ? -ECANCELED : -ETIME);
	}
	CHECK_ELAPSED(start, 50);

	/* In time. */
	ts = ms(10000);
	CHECK_EQ(write(fd[1], "y", 1), 1);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd[0], &byte, 1, 0);
	sqe->flags |= IOSQE_IO_LINK;
	io_uring_sqe_set_data64(sqe, 0);
	sqe = next(&ring);
	io_uring_prep_link_timeout(sqe, &ts, 0);
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.res, cqe.user_data == 0 ? 1 : -ECANCELED);
	}
	CHECK_EQ(byte, 'y');
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	make(&ring, 8, 0);
	in_order();
	together();
	limited();
	io_uring_queue_exit(&ring);
	return 0;
}
