/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The least use of liburing: a request that does nothing, sent and answered. */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>

int main(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret = io_uring_queue_init(4, &ring, 0);

	if (ret < 0) {
		fprintf(stderr, "io_uring_queue_init: %d\n", ret);
		return ret == -EPERM || ret == -ENOSYS ? 77 : 1;
	}
	sqe = io_uring_get_sqe(&ring);
	if (sqe == NULL)
		return 1;
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 42);
	if (io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe) != 0)
		return 1;
	if (cqe->user_data != 42 || cqe->res != 0)
		return 1;
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	return io_uring_major_version() == 2 ? 0 : 1;
}
