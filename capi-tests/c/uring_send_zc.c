// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A send without copies has two completions: the result, and that the buffer is free. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct completion cqe;
	int fd[2];
	char out[100], in[100];
	struct iovec vec = {out, sizeof(out)};

	make(&ring, 8, 0);
	need_op(&ring, IORING_OP_SEND_ZC);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	sqe = next(&ring);
	io_uring_prep_send_zc(sqe, fd[0], out, sizeof(out), 0, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, -EOPNOTSUPP);
	if (cqe.flags & IORING_CQE_F_MORE)
		CHECK(take(&ring).flags & IORING_CQE_F_NOTIF);
	close(fd[0]);
	close(fd[1]);

	{
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);
		int listener = socket(AF_INET6, SOCK_STREAM, 0);

		if (listener < 0 || listen(listener, 1) != 0)
			SKIP("no IPv6");
		CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
		fd[0] = socket(AF_INET6, SOCK_STREAM, 0);
		if (connect(fd[0], (struct sockaddr *)&address, length) != 0)
			SKIP("no IPv6");
		fd[1] = accept(listener, NULL, NULL);
	}
	fill(out, sizeof(out), 1, 0);
	CHECK_EQ(io_uring_register_buffers(&ring, &vec, 1), 0);
	sqe = next(&ring);
	io_uring_prep_send_zc_fixed(sqe, fd[0], out, sizeof(out), 0, 0, 0);
	io_uring_sqe_set_data64(sqe, 5);
	CHECK_EQ(io_uring_submit(&ring), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, sizeof(out));
	CHECK(cqe.flags & IORING_CQE_F_MORE);
	CHECK_EQ(recv(fd[1], in, sizeof(in), MSG_WAITALL), sizeof(in));
	CHECK_PATTERN(in, sizeof(in), 1, 0);
	cqe = take(&ring);
	CHECK_EQ(cqe.user_data, 5);
	CHECK(cqe.flags & IORING_CQE_F_NOTIF);
	CHECK(!(cqe.flags & IORING_CQE_F_MORE));
	io_uring_queue_exit(&ring);
	return 0;
}
