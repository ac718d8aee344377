/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * uring_send_zc - sends without copying, and waits for the kernel to let go of each buffer.
 *
 * usage: uring_send_zc [BYTES]
 *
 * A zero-copy send has two completions. The first has the result; if IORING_CQE_F_MORE is set in it, a second one, with
 * IORING_CQE_F_NOTIF, tells that the network is done with the buffer. In between the buffer must not be changed. So there
 * are several buffers: while the network still has one, the next is filled.
 *
 * The other end of the connection, on the loopback interface, is a child process that checks what it gets.
 *
 * Exit status: 0 all arrived, 1 an error or other bytes, 2 wrong usage, 77 a kernel before Linux 6.0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFERS = 4, BUFFER_SIZE = 1 << 16 };

static struct io_uring ring;
static char memory[BUFFERS][BUFFER_SIZE];
/* The network may still read it: how many notifications are to come. */
static unsigned held[BUFFERS];

static void fail(const char *what, int error)
{
	fprintf(stderr, "uring_send_zc: %s: %s\n", what, strerror(-error));
	exit(1);
}

static char byte_at(size_t place)
{
	return (char)((place * 131 + place / 4099) & 0xff);
}

/* Takes one completion: true and the result if it is one of a send, false if it is a notification. */
static bool take(int *result)
{
	struct io_uring_cqe *cqe;
	bool is_send;
	__u64 i;
	int ret;

	do
		ret = io_uring_wait_cqe(&ring, &cqe);
	while (ret == -EINTR);
	if (ret < 0)
		fail("io_uring_wait_cqe", ret);
	i = io_uring_cqe_get_data64(cqe);
	is_send = !(cqe->flags & IORING_CQE_F_NOTIF);
	if (!is_send)
		held[i]--;
	else if (cqe->flags & IORING_CQE_F_MORE)
		held[i]++;
	*result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return is_send;
}

/* Sends a part of buffer i: how much of it went. The buffer may be in use for longer. */
static unsigned send_part(int fd, unsigned i, unsigned from, unsigned len)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	int ret, result;

	io_uring_prep_send_zc(sqe, fd, memory[i] + from, len, MSG_NOSIGNAL | MSG_WAITALL, 0);
	io_uring_sqe_set_data64(sqe, i);
	ret = io_uring_submit(&ring);
	if (ret < 0)
		fail("io_uring_submit", ret);
	while (!take(&result))
		;
	if (result == -EINVAL || result == -EOPNOTSUPP)
		exit(77);
	if (result < 0 && result != -EINTR && result != -EAGAIN)
		fail("send", result);
	return result > 0 ? (unsigned)result : 0;
}

static void send_all(int fd, size_t bytes)
{
	size_t place = 0;
	unsigned i, done, notified = 0;
	int ret, result;

	ret = io_uring_queue_init(8, &ring, 0);
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	for (i = 0; place < bytes; i = (i + 1) % BUFFERS) {
		unsigned len = bytes - place < BUFFER_SIZE ? (unsigned)(bytes - place) : BUFFER_SIZE;

		while (held[i] > 0) {
			take(&result);
			notified++;
		}
		for (unsigned j = 0; j < len; j++)
			memory[i][j] = byte_at(place + j);
		for (done = 0; done < len;)
			done += send_part(fd, i, done, len - done);
		place += len;
	}
	/* The memory is static here; what is on the stack or freed would have to wait for this in any case. */
	for (i = 0; i < BUFFERS; i++)
		while (held[i] > 0) {
			take(&result);
			notified++;
		}
	io_uring_queue_exit(&ring);
	printf("%zu bytes sent, waited for %u buffers\n", bytes, notified);
}

static int check(int listener, size_t bytes)
{
	int fd = accept(listener, NULL, NULL);
	static char buffer[1 << 15];
	size_t place = 0;
	ssize_t n, i;

	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
		for (i = 0; i < n; i++)
			if (buffer[i] != byte_at(place + (size_t)i))
				return 1;
		place += (size_t)n;
	}
	return n < 0 || place != bytes;
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 3000001;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int listener, fd, status;
	pid_t child;

	if (argc > 2) {
		fprintf(stderr, "usage: %s [BYTES]\n", argv[0]);
		return 2;
	}
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("listen", -errno);
	child = fork();
	if (child < 0)
		fail("fork", -errno);
	if (child == 0)
		_exit(check(listener, bytes));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("connect", -errno);
	send_all(fd, bytes);
	close(fd);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "uring_send_zc: other bytes arrived\n");
		return 1;
	}
	return 0;
}
