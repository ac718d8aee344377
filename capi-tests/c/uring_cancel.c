// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Cancelling: by user data, by file, all at once, what is not there, and synchronously. */
#include "uring_check.h"

static struct io_uring ring;
static int fd[2];
static char byte;

static void reads(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = next(&ring);

		io_uring_prep_read(sqe, fd[0], &byte, 1, 0);
		io_uring_sqe_set_data64(sqe, i);
	}
	CHECK_EQ(io_uring_submit(&ring), n);
}

/* The completions of n requests and of their cancellation, which has number 100 and this result. */
static void both(unsigned n, int result)
{
	unsigned i;

	for (i = 0; i < n + (result != 12345); i++) {
		struct completion cqe = take(&ring);

		if (cqe.user_data == 100)
			CHECK_EQ(cqe.res, result);
		else
			CHECK(cqe.res == -ECANCELED || cqe.res == -EINTR);
	}
}

static void send_off(struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_data64(sqe, 100);
	CHECK_EQ(io_uring_submit(&ring), 1);
}

int main(void)
{
	struct io_uring_sqe *sqe;
	struct io_uring_sync_cancel_reg reg;
	void *pointer = &reg;

	make(&ring, 16, 0);
	CHECK(pipe(fd) == 0);

	reads(1);
	sqe = next(&ring);
	io_uring_prep_cancel64(sqe, 0, 0);
	send_off(sqe);
	both(1, 0);

	sqe = next(&ring);
	io_uring_prep_read(sqe, fd[0], &byte, 1, 0);
	io_uring_sqe_set_data(sqe, pointer);
	CHECK_EQ(io_uring_submit(&ring), 1);
	sqe = next(&ring);
	io_uring_prep_cancel(sqe, pointer, 0);
	send_off(sqe);
	both(1, 0);

	sqe = next(&ring);
	io_uring_prep_cancel64(sqe, 4711, 0);
	send_off(sqe);
	both(0, -ENOENT);

	reads(1);
	sqe = next(&ring);
	io_uring_prep_cancel_fd(sqe, fd[0], 0);
	send_off(sqe);
	both(1, 0);

	reads(4);
	sqe = next(&ring);
	io_uring_prep_cancel_fd(sqe, fd[0], IORING_ASYNC_CANCEL_ALL);
	send_off(sqe);
	both(4, 4);

	reads(3);
	sqe = next(&ring);
	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	send_off(sqe);
	both(3, 3);

	reads(1);
	memset(&reg, 0, sizeof(reg));
	reg.timeout.tv_sec = reg.timeout.tv_nsec = -1;
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), 0);
	both(1, 12345);
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), -ENOENT);

	io_uring_queue_exit(&ring);
	return 0;
}
