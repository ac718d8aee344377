// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Accept, connect, send and receive over the loopback device, also as messages and with many connections. */
#include "uring_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct io_uring ring;

int main(void)
{
	struct sockaddr_in address, peer;
	socklen_t length = sizeof(address), peer_length = sizeof(peer);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client, server = -1, i;
	char out[1000], in[1000];
	struct iovec vec = {in, sizeof(in)};
	struct msghdr message;
	struct io_uring_sqe *sqe;

	make(&ring, 16, 0);
	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(listen(listener, 10) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);

	sqe = next(&ring);
	io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0);
	client = run_one(&ring, sqe);
	CHECK_GE(client, 0);
	sqe = next(&ring);
	io_uring_prep_accept(sqe, listener, (struct sockaddr *)&peer, &peer_length, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, 1);
	sqe = next(&ring);
	io_uring_prep_connect(sqe, client, (struct sockaddr *)&address, sizeof(address));
	io_uring_sqe_set_data64(sqe, 2);
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		if (cqe.user_data == 1)
			server = cqe.res;
		else
			CHECK_EQ(cqe.res, 0);
	}
	CHECK_GE(server, 0);
	CHECK_EQ(fcntl(server, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(peer_length, sizeof(peer));
	CHECK_EQ(peer.sin_family, AF_INET);

	fill(out, sizeof(out), 6, 0);
	sqe = next(&ring);
	io_uring_prep_recv(sqe, server, in, sizeof(in), MSG_WAITALL);
	io_uring_sqe_set_data64(sqe, 1);
	sqe = next(&ring);
	io_uring_prep_send(sqe, client, out, sizeof(out), MSG_NOSIGNAL);
	io_uring_sqe_set_data64(sqe, 2);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK_EQ(take(&ring).res, sizeof(out));
	CHECK_EQ(take(&ring).res, sizeof(out));
	CHECK_PATTERN(in, sizeof(in), 6, 0);

	memset(&message, 0, sizeof(message));
	message.msg_iov = &vec;
	message.msg_iovlen = 1;
	fill(in, sizeof(in), 7, 0);
	sqe = next(&ring);
	io_uring_prep_sendmsg(sqe, client, &message, 0);
	CHECK_EQ(run_one(&ring, sqe), sizeof(in));
	memset(in, 0, sizeof(in));
	sqe = next(&ring);
	io_uring_prep_recvmsg(sqe, server, &message, MSG_WAITALL);
	CHECK_EQ(run_one(&ring, sqe), sizeof(in));
	CHECK_PATTERN(in, sizeof(in), 7, 0);

	sqe = next(&ring);
	io_uring_prep_shutdown(sqe, client, SHUT_WR);
	CHECK_EQ(run_one(&ring, sqe), 0);
	sqe = next(&ring);
	io_uring_prep_recv(sqe, server, in, sizeof(in), 0);
	CHECK_EQ(run_one(&ring, sqe), 0);

	/* One accept for three connections. */
	sqe = next(&ring);
	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0);
	io_uring_sqe_set_data64(sqe, 50);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 3; i++) {
		struct completion cqe;
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
		cqe = take(&ring);
		CHECK_EQ(cqe.user_data, 50);
		CHECK_GE(cqe.res, 0);
		CHECK(cqe.flags & IORING_CQE_F_MORE);
		close(cqe.res);
		close(fd);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
