/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ext_bufring_echo - an echo server whose buffers keep their own books, with clients that check it.
 *
 * usage: ext_bufring_echo [CONNECTIONS [BYTES [MESSAGE [whole | pieces]]]]
 *
 * As uring_echo: one request accepts again and again, one for each connection receives again and again, and what comes
 * is sent back. But the buffers are those of an aiouring_bufring. Nobody counts them, adds them to the ring or remembers
 * where in one the next data begins: a completion is taken, its spans are sent, and each is released when it has been
 * sent. So buffers can be used piece by piece ("pieces"): many small messages of all connections share one. "whole" uses
 * a buffer for each completion, for comparison.
 *
 * The clients are child processes, one for each of the CONNECTIONS. They send BYTES in messages of MESSAGE bytes, and read
 * them back.
 *
 * Exit status: 0 all came back, 1 an error or other bytes, 2 wrong usage, 77 a kernel before Linux 6.0.
 */
#include <aiouring.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFERS = 32, BUFFER_SIZE = 16384, GROUP = 1, MOST_CONNECTIONS = 100 };

/* The low byte of a request's user data; the connection is above it. */
enum request { ACCEPT = 1, RECEIVE, SEND };

/* Data that is to be sent back. */
struct piece {
	struct aiouring_bufring_span span;
	struct piece *next;
};

struct connection {
	int fd;
	bool receiving, ended;
	struct piece *first, **last; /* only the first is under way */
	unsigned sent;
};

static struct io_uring ring;
static struct aiouring_bufring *buffers;
static struct connection connections[MOST_CONNECTIONS];

static void fail(const char *what, int error)
{
	fprintf(stderr, "ext_bufring_echo: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* ---- The server ---- */

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		/* The queue is full: the kernel takes what is there. */
		int ret = io_uring_submit(&ring);

		sqe = ret < 0 ? NULL : io_uring_get_sqe(&ring);
		if (!sqe)
			fail("io_uring_submit", ret < 0 ? ret : -EBUSY);
	}
	return sqe;
}

static void start_accept(int listener)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, ACCEPT);
}

static void start_receive(unsigned i)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_recv_multishot(sqe, connections[i].fd, NULL, 0, 0);
	aiouring_bufring_select(buffers, sqe);
	io_uring_sqe_set_data64(sqe, RECEIVE | (__u64)i << 8);
	connections[i].receiving = true;
}

static void start_send(unsigned i)
{
	struct connection *c = &connections[i];
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_send(sqe, c->fd, (char *)c->first->span.base + c->sent, c->first->span.len - c->sent,
			   MSG_NOSIGNAL);
	io_uring_sqe_set_data64(sqe, SEND | (__u64)i << 8);
}

static void received(unsigned i, const struct io_uring_cqe *cqe)
{
	struct connection *c = &connections[i];
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	bool idle = !c->first;
	int ret;

	c->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
	/* Each completion goes into the books, with data or without. */
	ret = aiouring_bufring_take(buffers, cqe, &walk);
	if (ret < 0)
		fail("aiouring_bufring_take", ret);
	if (cqe->res == -EINVAL)
		exit(77);
	if (cqe->res < 0 && cqe->res != -ENOBUFS)
		fail("receive", cqe->res);
	c->ended |= cqe->res == 0;
	while (aiouring_bufring_next(&walk, &span) == 1) {
		struct piece *piece = malloc(sizeof(*piece));

		if (!piece)
			fail("malloc", -ENOMEM);
		piece->span = span;
		piece->next = NULL;
		*c->last = piece;
		c->last = &piece->next;
	}
	if (idle && c->first)
		start_send(i);
}

static void sent(unsigned i, const struct io_uring_cqe *cqe)
{
	struct connection *c = &connections[i];

	if (cqe->res < 0)
		fail("send", cqe->res);
	c->sent += (unsigned)cqe->res;
	if (c->sent == c->first->span.len) {
		struct piece *done = c->first;

		/* The buffer goes back to the kernel when that and all its pieces are done. */
		aiouring_bufring_release(buffers, done->span.id);
		c->first = done->next;
		if (!c->first)
			c->last = &c->first;
		c->sent = 0;
		free(done);
	}
	if (c->first)
		start_send(i);
}

static void serve(int listener, unsigned wanted, unsigned flags)
{
	struct aiouring_bufring_info info;
	unsigned accepted = 0, closed = 0, i;
	int ret;

	ret = io_uring_queue_init(64, &ring, 0);
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	ret = aiouring_bufring_create(&buffers, BUFFERS, BUFFER_SIZE, GROUP, flags, NULL);
	if (ret < 0)
		fail("aiouring_bufring_create", ret);
	ret = aiouring_bufring_attach(buffers, &ring);
	if (ret < 0)
		fail("aiouring_bufring_attach", ret);
	start_accept(listener);
	while (closed < wanted) {
		struct io_uring_cqe *cqe;
		unsigned head, count = 0;

		/* For kernels without buffer rings only. */
		aiouring_bufring_flush(buffers);
		ret = io_uring_submit_and_wait(&ring, 1);
		if (ret < 0 && ret != -EINTR)
			fail("io_uring_submit_and_wait", ret);
		io_uring_for_each_cqe(&ring, head, cqe) {
			i = (unsigned)(cqe->user_data >> 8);
			count++;
			/* Nor have others completions that are seen here. */
			if (cqe->user_data >> 32 == AIOURING_BUFRING_USER_DATA) {
				struct aiouring_bufring_walk none;

				aiouring_bufring_take(buffers, cqe, &none);
				continue;
			}
			switch ((enum request)(cqe->user_data & 0xff)) {
			case ACCEPT:
				if (cqe->res == -EINVAL)
					exit(77);
				if (cqe->res < 0)
					fail("accept", cqe->res);
				if (accepted == wanted) {
					/* Not one of ours. */
					close(cqe->res);
					break;
				}
				connections[accepted].fd = cqe->res;
				connections[accepted].last = &connections[accepted].first;
				start_receive(accepted++);
				if (!(cqe->flags & IORING_CQE_F_MORE) && accepted < wanted)
					start_accept(listener);
				break;
			case RECEIVE:
				received(i, cqe);
				break;
			case SEND:
				sent(i, cqe);
				break;
			}
		}
		io_uring_cq_advance(&ring, count);
		for (i = 0; i < accepted; i++) {
			struct connection *c = &connections[i];

			if (c->fd < 0 || c->receiving || c->first)
				continue;
			if (c->ended) {
				close(c->fd);
				c->fd = -1;
				closed++;
			} else {
				/* There was no buffer; what this connection had is back. */
				start_receive(i);
			}
		}
	}
	ret = aiouring_bufring_stats(buffers, &info, sizeof(info));
	if (ret < 0)
		fail("aiouring_bufring_stats", ret);
	printf("%llu pieces of data in %llu buffers of %u bytes, %llu times there was none\n",
	       (unsigned long long)info.completions - info.enobufs - accepted, (unsigned long long)info.recycled,
	       info.size, (unsigned long long)info.enobufs);
	ret = aiouring_bufring_check(buffers);
	if (ret != 0 && ret != -EOPNOTSUPP)
		fail("aiouring_bufring_check", ret < 0 ? ret : -EIO);
	ret = aiouring_bufring_destroy(buffers);
	if (ret < 0)
		fail("aiouring_bufring_destroy", ret);
	io_uring_queue_exit(&ring);
}

/* ---- The client ---- */

static char byte_at(unsigned connection, size_t place)
{
	return (char)((place * 29 + place / 241 + connection * 11) & 0xff);
}

/* Has one message under way at a time, as a client that asks and waits for the answer. */
static int check(unsigned connection, const struct sockaddr_in *address, size_t bytes, size_t message)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char *buffer = malloc(message);
	size_t done = 0;

	if (fd < 0 || !buffer || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return 1;
	while (done < bytes) {
		size_t length = bytes - done < message ? bytes - done : message, out = 0, in = 0, i;

		for (i = 0; i < length; i++)
			buffer[i] = byte_at(connection, done + i);
		while (in < length) {
			struct pollfd ready = {.fd = fd, .events = POLLIN};
			ssize_t n;

			if (out < length)
				ready.events |= POLLOUT;
			if (poll(&ready, 1, 20000) != 1)
				return 1;
			if (ready.revents & POLLOUT && out < length) {
				n = send(fd, buffer + out, length - out, MSG_DONTWAIT | MSG_NOSIGNAL);
				if (n < 0 && errno != EAGAIN)
					return 1;
				out += n > 0 ? (size_t)n : 0;
			}
			if (ready.revents & (POLLIN | POLLHUP | POLLERR)) {
				char back[4096];

				n = recv(fd, back, sizeof(back), 0);
				if (n <= 0)
					return 1;
				for (i = 0; i < (size_t)n; i++)
					if (back[i] != byte_at(connection, done + in + i))
						return 1;
				in += (size_t)n;
			}
		}
		done += length;
	}
	free(buffer);
	return close(fd) < 0;
}

int main(int argc, char **argv)
{
	unsigned wanted = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 16;
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
	size_t message = argc > 3 ? strtoul(argv[3], NULL, 10) : 300;
	unsigned flags = argc > 4 && strcmp(argv[4], "whole") == 0 ? 0 : AIOURING_BUFRING_INC;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	pid_t clients[MOST_CONNECTIONS];
	int listener, status, wrong = 0;
	unsigned i;

	if (argc > 5 || wanted == 0 || wanted > MOST_CONNECTIONS || message == 0) {
		fprintf(stderr, "usage: %s [CONNECTIONS [BYTES [MESSAGE [whole | pieces]]]], at most %d connections\n", argv[0],
			MOST_CONNECTIONS);
		return 2;
	}
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, MOST_CONNECTIONS) < 0 || getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		fail("listen", -errno);
	for (i = 0; i < wanted; i++) {
		clients[i] = fork();
		if (clients[i] < 0)
			fail("fork", -errno);
		if (clients[i] == 0)
			_exit(check(i, &address, bytes, message));
	}
	serve(listener, wanted, flags);
	for (i = 0; i < wanted; i++)
		if (waitpid(clients[i], &status, 0) != clients[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			wrong = 1;
	if (!wrong)
		printf("%u connections, %zu bytes each, came back\n", wanted, bytes);
	return wrong;
}
