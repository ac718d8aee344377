// oracle: yes
// their-headers: no (operations and helpers of later versions)
// old-kernel: no (many of the operations are younger, and some errors are others)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the manual pages say of the results of requests for sockets. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "uring_results.h"

static struct sockaddr_in loopback(void)
{
	struct sockaddr_in address;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

/* A socket at a free port of the loopback device, whose address is stored. */
static int bound(int type, struct sockaddr_in *address)
{
	int fd = socket(AF_INET, type, 0);
	socklen_t length = sizeof(*address);

	*address = loopback();
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, length) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)address, &length) == 0);
	return fd;
}

static int connected(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)address, sizeof(*address)) == 0);
	return fd;
}

static void streams(void)
{
	int pair[2], pipes[2];
	char buf[64];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(pipes) == 0);
	CHECK_EQ(RESULT(io_uring_prep_send(sqe, pair[0], "hello", 5, 0)), 5);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, pair[1], buf, sizeof(buf), MSG_PEEK)), 5);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, pair[1], buf, sizeof(buf), 0)), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, pair[1], buf, sizeof(buf), MSG_DONTWAIT)), -EAGAIN);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, pipes[0], buf, sizeof(buf), 0)), -ENOTSOCK);
	CHECK_EQ(RESULT(io_uring_prep_send(sqe, pipes[1], buf, sizeof(buf), 0)), -ENOTSOCK);
	CHECK_EQ(RESULT(io_uring_prep_send(sqe, pair[0], hole(), 1, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, pair[0], buf, 1, 0); sqe->ioprio = 1 << 15), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_recv_multishot(sqe, pair[0], NULL, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_recv_multishot(sqe, pair[0], NULL, 0, MSG_WAITALL);
			sqe->flags = IOSQE_BUFFER_SELECT),
		 -EINVAL);

	/* O_NONBLOCK does not end a wait. */
	CHECK(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
	START(1, io_uring_prep_recv(sqe, pair[1], buf, sizeof(buf), 0));
	CHECK_EQ(write(pair[0], "abc", 3), 3);
	CHECK_NEXT(1, 3);

	CHECK_EQ(RESULT(io_uring_prep_shutdown(sqe, pair[0], 9)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_shutdown(sqe, pipes[0], SHUT_WR)), -ENOTSOCK);
	CHECK_EQ(RESULT(io_uring_prep_shutdown(sqe, socket(AF_INET, SOCK_STREAM, 0), SHUT_WR)), -ENOTCONN);
	CHECK_EQ(RESULT(io_uring_prep_shutdown(sqe, pair[0], SHUT_WR)), 0);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, pair[1], buf, sizeof(buf), 0)), 0);
	/* No SIGPIPE: it would end the test. */
	CHECK_EQ(RESULT(io_uring_prep_send(sqe, pair[0], "x", 1, 0)), -EPIPE);
}

/* Control messages are read when the message goes, which may be after the submission. */
static void control_messages(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char buf[4096];
	struct iovec iov;
	struct msghdr msg;
	int pair[2], filled = 0, got;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	memset(buf, 0, sizeof(buf));
	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	iov.iov_base = buf;
	iov.iov_len = 10;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &control;
	msg.msg_controllen = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &pair[0], sizeof(int));

	while (send(pair[0], buf, sizeof(buf), MSG_DONTWAIT) == sizeof(buf))
		filled++;
	START(1, io_uring_prep_sendmsg(sqe, pair[0], &msg, 0));
	/* The header and the array are not. */
	memset(&msg, 0xff, sizeof(msg));
	memset(&iov, 0xff, sizeof(iov));
	while (filled-- > 0)
		CHECK_EQ(recv(pair[1], buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
	CHECK_NEXT(1, 10);

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = buf;
	iov.iov_len = sizeof(buf);
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	memset(&control, 0, sizeof(control));
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	CHECK_EQ(RESULT(io_uring_prep_recvmsg(sqe, pair[1], &msg, 0)), 10);
	CHECK_EQ(control.head.cmsg_type, SCM_RIGHTS);
	memcpy(&got, CMSG_DATA(&control.head), sizeof(int));
	CHECK(got > pair[1] && fcntl(got, F_GETFD) >= 0);
	CHECK_EQ(RESULT(io_uring_prep_sendmsg(sqe, pair[0], NULL, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_recvmsg(sqe, pair[0], NULL, 0)), -EFAULT);
}

static void datagrams(void)
{
	struct sockaddr_in to, from;
	int receiver = bound(SOCK_DGRAM, &to), sender = socket(AF_INET, SOCK_DGRAM, 0);
	static char big[70000];
	char buf[64];
	struct iovec iov;
	struct msghdr msg;

	CHECK_EQ(RESULT(io_uring_prep_send(sqe, sender, "x", 1, 0)), -EDESTADDRREQ);
	CHECK_EQ(RESULT(io_uring_prep_sendto(sqe, sender, "xyz", 3, 0, (struct sockaddr *)&to, sizeof(to))), 3);
	memset(&msg, 0, sizeof(msg));
	iov.iov_base = buf;
	iov.iov_len = 2;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_name = &from;
	msg.msg_namelen = sizeof(from);
	CHECK_EQ(RESULT(io_uring_prep_recvmsg(sqe, receiver, &msg, 0)), 2);
	CHECK_EQ(msg.msg_namelen, sizeof(from));
	CHECK_EQ(from.sin_family, AF_INET);
	CHECK_EQ(msg.msg_flags, MSG_TRUNC);
	CHECK_EQ(RESULT(io_uring_prep_send(sqe, sender, "12345", 5, 0);
			io_uring_prep_send_set_addr(sqe, (struct sockaddr *)&to, sizeof(to))),
		 5);
	CHECK_EQ(RESULT(io_uring_prep_recv(sqe, receiver, buf, 2, MSG_TRUNC)), 5);
	CHECK_EQ(RESULT(io_uring_prep_sendto(sqe, sender, big, sizeof(big), 0, (struct sockaddr *)&to, sizeof(to))),
		 -EMSGSIZE);
	CHECK_EQ(RESULT(io_uring_prep_sendto(sqe, sender, "x", 1, 0, (struct sockaddr *)&to, 200)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_sendto(sqe, sender, "x", 1, 0, (struct sockaddr *)(void *)hole(), sizeof(to))),
		 -EFAULT);
}

static void servers(void)
{
	struct sockaddr_in address, peer;
	socklen_t length = sizeof(peer);
	int listener = bound(SOCK_STREAM, &address), fd, pipes[2], i;
	struct completion cqe;

	CHECK(pipe(pipes) == 0);
	CHECK_EQ(RESULT(io_uring_prep_accept(sqe, listener, NULL, NULL, 0)), -EINVAL);
	CHECK(listen(listener, 16) == 0);
	CHECK_EQ(RESULT(io_uring_prep_accept(sqe, pipes[0], NULL, NULL, 0)), -ENOTSOCK);
	CHECK_EQ(RESULT(io_uring_prep_accept(sqe, socket(AF_INET, SOCK_DGRAM, 0), NULL, NULL, 0)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(io_uring_prep_accept(sqe, listener, NULL, NULL, 1)), -EINVAL);

	connected(&address);
	memset(&peer, 0, sizeof(peer));
	fd = RESULT(io_uring_prep_accept(sqe, listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC));
	CHECK_GE(fd, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(length, sizeof(peer));
	connected(&address);
	CHECK_EQ(RESULT(io_uring_prep_accept_direct(sqe, listener, NULL, NULL, 0, 0)), -ENXIO);

	CHECK_EQ(io_uring_register_files_sparse(&ring, 3), 0);
	connected(&address);
	CHECK_EQ(RESULT(io_uring_prep_accept_direct(sqe, listener, NULL, NULL, 0, 1)), 0);
	CHECK_EQ(RESULT(io_uring_prep_send(sqe, 1, "x", 1, 0); sqe->flags = IOSQE_FIXED_FILE), 1);
	CHECK_EQ(RESULT(io_uring_prep_accept_direct(sqe, listener, NULL, NULL, SOCK_CLOEXEC, 1)), -EINVAL);
	connected(&address);
	CHECK_EQ(RESULT(io_uring_prep_accept_direct(sqe, listener, NULL, NULL, 0, 3)), -EINVAL);

	START(1, io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0));
	for (i = 0; i < 2; i++) {
		connected(&address);
		cqe = take(&ring);
		CHECK_GE(cqe.res, 0);
		CHECK(cqe.flags & IORING_CQE_F_MORE);
	}
	START(2, io_uring_prep_cancel64(sqe, 1, 0));
	CHECK_BOTH(1, -ECANCELED, 2, 0);

	/* Two slots are free; the third connection ends it. */
	START(1, io_uring_prep_multishot_accept_direct(sqe, listener, NULL, NULL, 0));
	for (i = 0; i < 3; i++) {
		connected(&address);
		cqe = take(&ring);
		CHECK(i < 2 ? cqe.res == 0 || cqe.res == 2 : cqe.res == -ENFILE);
		CHECK_EQ(cqe.flags & IORING_CQE_F_MORE, i < 2 ? IORING_CQE_F_MORE : 0);
	}

	START(1, io_uring_prep_accept(sqe, listener, NULL, NULL, 0));
	CHECK(shutdown(listener, SHUT_RDWR) == 0);
	CHECK_NEXT(1, -EINVAL);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
}

static void new_sockets(void)
{
	struct sockaddr_in address = loopback();
	struct sockaddr *any = (struct sockaddr *)&address;
	int fd, pipes[2], i;

	CHECK(pipe(pipes) == 0);
	fd = RESULT(io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0));
	CHECK_GE(fd, 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(RESULT(io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 1)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_socket(sqe, 999, SOCK_STREAM, 0, 0)), -EAFNOSUPPORT);
	CHECK_EQ(RESULT(io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, 0, 0)), -ENXIO);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 2), 0);
	CHECK_EQ(RESULT(io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, 2, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_socket_direct(sqe, AF_INET, SOCK_STREAM, 0, 1, 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_socket_direct_alloc(sqe, AF_INET, SOCK_STREAM, 0, 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_socket_direct_alloc(sqe, AF_INET, SOCK_STREAM, 0, 0)), -ENFILE);

	if (has(IORING_OP_BIND)) {
		int dgram = socket(AF_INET, SOCK_DGRAM, 0);

		for (i = 0; i < 2; i++)
			CHECK_EQ(RESULT(io_uring_prep_bind(sqe, 1, any, sizeof(address));
					sqe->flags = IOSQE_FIXED_FILE),
				 i ? -EINVAL : 0);
		CHECK_EQ(RESULT(io_uring_prep_bind(sqe, dgram, any, 500)), -EINVAL);
		CHECK_EQ(RESULT(io_uring_prep_bind(sqe, dgram, NULL, sizeof(address))), -EFAULT);
		CHECK_EQ(RESULT(io_uring_prep_bind(sqe, pipes[0], any, sizeof(address))), -ENOTSOCK);
		CHECK_EQ(RESULT(io_uring_prep_listen(sqe, 1, 5); sqe->flags = IOSQE_FIXED_FILE), 0);
		CHECK_EQ(RESULT(io_uring_prep_listen(sqe, pipes[0], 5)), -ENOTSOCK);
		CHECK_EQ(RESULT(io_uring_prep_listen(sqe, dgram, 5)), -EOPNOTSUPP);
	}
	CHECK_EQ(io_uring_unregister_files(&ring), 0);

	/* Nobody listens at this port, which was free a moment ago. */
	i = bound(SOCK_STREAM, &address);
	CHECK_EQ(RESULT(io_uring_prep_connect(sqe, fd, any, sizeof(address))), -ECONNREFUSED);
	CHECK(listen(i, 5) == 0);
	CHECK_EQ(RESULT(io_uring_prep_connect(sqe, fd, any, sizeof(address))), 0);
	CHECK_EQ(RESULT(io_uring_prep_connect(sqe, fd, any, sizeof(address))), -EISCONN);
	CHECK_EQ(RESULT(io_uring_prep_connect(sqe, fd, any, 500)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_connect(sqe, pipes[0], any, sizeof(address))), -ENOTSOCK);
}

static int option(int op, int fd, int level, int name, void *value)
{
	return RESULT(io_uring_prep_cmd_sock(sqe, op, fd, level, name, value, sizeof(int)));
}

static void commands(void)
{
	struct sockaddr_in address, name;
	int listener = bound(SOCK_STREAM, &address), fd, value = 0, on = 1, pipes[2], res;
	socklen_t length = sizeof(name);

	/* Linux 6.7. */
	if (!has(IORING_OP_FUTEX_WAIT))
		return;
	CHECK(pipe(pipes) == 0 && listen(listener, 5) == 0);
	fd = connected(&address);
	CHECK_EQ(send(accept(listener, NULL, NULL), "12345", 5, 0), 5);
	do
		res = RESULT(io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCINQ, fd, 0, 0, NULL, 0));
	while (res == 0);
	CHECK_EQ(res, 5);
	CHECK_EQ(RESULT(io_uring_prep_uring_cmd(sqe, SOCKET_URING_OP_SIOCINQ, fd)), 5);
	CHECK_EQ(RESULT(io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCOUTQ, fd, 0, 0, NULL, 0)), 0);
	CHECK_EQ(option(SOCKET_URING_OP_GETSOCKOPT, fd, SOL_SOCKET, SO_TYPE, &value), sizeof(value));
	CHECK_EQ(value, SOCK_STREAM);
	CHECK_EQ(option(SOCKET_URING_OP_GETSOCKOPT, fd, IPPROTO_TCP, TCP_NODELAY, &value), -EOPNOTSUPP);
	CHECK_EQ(option(SOCKET_URING_OP_SETSOCKOPT, fd, IPPROTO_TCP, TCP_NODELAY, &on), 0);
	length = sizeof(value);
	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &length) == 0 && value == 1);
	CHECK_EQ(option(SOCKET_URING_OP_SETSOCKOPT, fd, IPPROTO_TCP, 9999, &on), -ENOPROTOOPT);
	CHECK_EQ(option(SOCKET_URING_OP_SETSOCKOPT, fd, SOL_SOCKET, SO_REUSEADDR, hole()), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SIOCINQ, pipes[0], 0, 0, NULL, 0)), -EOPNOTSUPP);

	/* Linux 6.19. */
	length = sizeof(name);
	res = RESULT(io_uring_prep_cmd_getsockname(sqe, fd, (struct sockaddr *)&name, &length, 1));
	if (res != -EOPNOTSUPP) {
		CHECK_EQ(res, 0);
		CHECK_EQ(name.sin_port, address.sin_port);
		CHECK_EQ(length, sizeof(name));
		CHECK_EQ(RESULT(io_uring_prep_cmd_getsockname(sqe, 999, (struct sockaddr *)&name, &length, 0)), -EBADF);
	}
}

/* The result of a zero-copy send, and whether a notification came after it. */
static int zero_copy(struct io_uring_sqe *sqe, int *notified)
{
	struct completion cqe;
	int res;

	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.flags & IORING_CQE_F_NOTIF, 0);
	res = cqe.res;
	*notified = (cqe.flags & IORING_CQE_F_MORE) != 0;
	if (*notified) {
		cqe = take(&ring);
		CHECK_EQ(cqe.user_data, 1);
		CHECK_EQ(cqe.flags, IORING_CQE_F_NOTIF);
	}
	return res;
}

#define ZERO_COPY(expected, ...)                                                                                       \
	do {                                                                                                           \
		struct io_uring_sqe *sqe = next(&ring);                                                                \
		int notified_;                                                                                         \
		__VA_ARGS__;                                                                                           \
		CHECK_EQ(zero_copy(sqe, &notified_), expected);                                                        \
		CHECK(notified_);                                                                                      \
	} while (0)

static void zero_copies(void)
{
	struct sockaddr_in address;
	int listener = bound(SOCK_STREAM, &address), fd, peer, pair[2], notified;
	char *memory = pages(4096), buf[64];
	struct iovec whole, parts[2];
	struct io_uring_sqe *sqe;
	struct msghdr msg;

	CHECK(listen(listener, 5) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	fd = connected(&address);
	peer = accept(listener, NULL, NULL);
	memcpy(memory, "0123456789", 10);
	ZERO_COPY(10, io_uring_prep_send_zc(sqe, fd, memory, 10, 0, 0));
	CHECK_EQ(recv(peer, buf, sizeof(buf), 0), 10);
	CHECK(memcmp(buf, "0123456789", 10) == 0);
	/* Errors have both completions too. */
	ZERO_COPY(-EFAULT, io_uring_prep_send_zc(sqe, fd, hole(), 10, 0, 0));
	ZERO_COPY(-EOPNOTSUPP, io_uring_prep_send_zc(sqe, pair[0], memory, 10, 0, 0));
	ZERO_COPY(-EFAULT, io_uring_prep_send_zc_fixed(sqe, fd, memory, 10, 0, 0, 0));
	sqe = next(&ring);
	io_uring_prep_send_zc(sqe, fd, memory, 10, 0, 0);
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	CHECK_EQ(zero_copy(sqe, &notified), -EINVAL);
	CHECK(!notified);

	whole.iov_base = memory;
	whole.iov_len = 4096;
	CHECK_EQ(io_uring_register_buffers(&ring, &whole, 1), 0);
	ZERO_COPY(3, io_uring_prep_send_zc_fixed(sqe, fd, memory + 4, 3, 0, 0, 0));
	CHECK_EQ(recv(peer, buf, sizeof(buf), 0), 3);
	CHECK(memcmp(buf, "456", 3) == 0);
	ZERO_COPY(-EFAULT, io_uring_prep_send_zc_fixed(sqe, fd, memory + 4090, 10, 0, 0, 0));

	memset(&msg, 0, sizeof(msg));
	parts[0].iov_base = memory + 5;
	parts[0].iov_len = 2;
	parts[1].iov_base = memory;
	parts[1].iov_len = 3;
	msg.msg_iov = parts;
	msg.msg_iovlen = 2;
	if (has(IORING_OP_SENDMSG_ZC)) {
		ZERO_COPY(5, io_uring_prep_sendmsg_zc(sqe, fd, &msg, 0));
		CHECK_EQ(recv(peer, buf, sizeof(buf), 0), 5);
		CHECK(memcmp(buf, "56012", 5) == 0);
	}
	if (has(IORING_OP_READV_FIXED)) {
		ZERO_COPY(5, io_uring_prep_sendmsg_zc_fixed(sqe, fd, &msg, 0, 0));
		CHECK_EQ(recv(peer, buf, sizeof(buf), 0), 5);
		CHECK(memcmp(buf, "56012", 5) == 0);
		parts[1].iov_base = memory + 4095;
		ZERO_COPY(-EFAULT, io_uring_prep_sendmsg_zc_fixed(sqe, fd, &msg, 0, 0));
	}
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
}

/* All buffers of a group in one go; the lengths are those of the group. */
static void bundles(void)
{
	static char pool[4][8] = {"one", "two", "three", "four"};
	struct io_uring_buf_ring *br;
	int pair[2], i;
	char buf[64];
	struct completion cqe;

	/* IORING_FEAT_RECVSEND_BUNDLE */
	if (!(ring.features & 1U << 14))
		return;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	br = buf_ring(5);
	for (i = 0; i < 4; i++)
		io_uring_buf_ring_add(br, pool[i], (unsigned)strlen(pool[i]), (unsigned short)(i + 10), 3, i);
	io_uring_buf_ring_advance(br, 4);
	START(1, io_uring_prep_send_bundle(sqe, pair[0], 0, 0); sqe->flags = IOSQE_BUFFER_SELECT; sqe->buf_group = 5);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 15);
	CHECK_EQ(cqe.flags, IORING_CQE_F_BUFFER | 10 << IORING_CQE_BUFFER_SHIFT);
	CHECK_EQ(recv(pair[1], buf, sizeof(buf), 0), 15);
	CHECK(memcmp(buf, "onetwothreefour", 15) == 0);
	CHECK_EQ(RESULT(io_uring_prep_send_bundle(sqe, pair[0], 0, 0); sqe->flags = IOSQE_BUFFER_SELECT;
			sqe->buf_group = 5),
		 -ENOBUFS);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, 5), 0);
}

int main(void)
{
	begin();
	streams();
	control_messages();
	datagrams();
	servers();
	new_sockets();
	commands();
	zero_copies();
	bundles();
	io_uring_queue_exit(&ring);
	return 0;
}
