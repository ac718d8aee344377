// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Polls: once, removed, changed, and with a completion for every event. */
#include "uring_check.h"

#include <poll.h>

static struct io_uring ring;

static void once(void)
{
	int fd[2];
	struct completion cqe;
	struct io_uring_cqe *none;

	CHECK(pipe(fd) == 0);
	io_uring_prep_poll_add(next(&ring), fd[0], POLLIN);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &none), -EAGAIN);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, POLLIN);
	CHECK(!(cqe.flags & IORING_CQE_F_MORE));
	close(fd[0]);
	close(fd[1]);
}

static void removed(void)
{
	int fd[2], i;
	struct io_uring_sqe *sqe = next(&ring);

	CHECK(pipe(fd) == 0);
	io_uring_prep_poll_add(sqe, fd[0], POLLIN);
	io_uring_sqe_set_data64(sqe, 1);
	sqe = next(&ring);
	io_uring_prep_poll_remove(sqe, 1);
	io_uring_sqe_set_data64(sqe, 2);
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.res, cqe.user_data == 1 ? -ECANCELED : 0);
	}
	sqe = next(&ring);
	io_uring_prep_poll_remove(sqe, 1);
	CHECK_EQ(run_one(&ring, sqe), -ENOENT);
	close(fd[0]);
	close(fd[1]);
}

static void updated(void)
{
	int fd[2], i;
	struct io_uring_sqe *sqe = next(&ring);

	CHECK(pipe(fd) == 0);
	io_uring_prep_poll_add(sqe, fd[1], POLLIN);
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	sqe = next(&ring);
	io_uring_prep_poll_update(sqe, 1, 5, POLLOUT, IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA);
	io_uring_sqe_set_data64(sqe, 2);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		if (cqe.user_data == 2)
			CHECK_EQ(cqe.res, 0);
		else {
			CHECK_EQ(cqe.user_data, 5);
			CHECK_EQ(cqe.res, POLLOUT);
		}
	}
	close(fd[0]);
	close(fd[1]);
}

static void multishot(void)
{
	int fd[2], i;
	char byte;
	struct io_uring_sqe *sqe = next(&ring);
	struct completion cqe;

	CHECK(pipe(fd) == 0);
	io_uring_prep_poll_multishot(sqe, fd[0], POLLIN);
	io_uring_sqe_set_data64(sqe, 77);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 10; i++) {
		CHECK_EQ(write(fd[1], "x", 1), 1);
		cqe = take(&ring);
		CHECK_EQ(cqe.user_data, 77);
		CHECK_EQ(cqe.res, POLLIN);
		CHECK(cqe.flags & IORING_CQE_F_MORE);
		CHECK_EQ(read(fd[0], &byte, 1), 1);
	}
	sqe = next(&ring);
	io_uring_prep_poll_remove(sqe, 77);
	io_uring_sqe_set_data64(sqe, 78);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 2; i++) {
		cqe = take(&ring);
		CHECK(!(cqe.flags & IORING_CQE_F_MORE));
		CHECK_EQ(cqe.res, cqe.user_data == 77 ? -ECANCELED : 0);
	}
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	make(&ring, 8, 0);
	once();
	removed();
	updated();
	multishot();
	io_uring_queue_exit(&ring);
	return 0;
}
