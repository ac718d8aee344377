/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * uring_echo - an echo server on the loopback interface, with clients that check it.
 *
 * usage: uring_echo [CONNECTIONS [BYTES]]
 *
 * The server has one request that accepts connections again and again, and one for each connection that receives again
 * and again into buffers of a ring, of which the kernel takes one when there is data. Each buffer is sent back and goes
 * into the ring again. If all buffers are in use, receiving ends with -ENOBUFS, and starts again when one is back.
 *
 * The clients are child processes, one for each of the CONNECTIONS. They send BYTES and read them back; the server ends
 * when all connections are closed.
 *
 * Exit status: 0 all came back, 1 an error or other bytes, 2 wrong usage, 77 a kernel before Linux 6.0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFERS = 64, BUFFER_SIZE = 2048, GROUP = 1, MOST_CONNECTIONS = 100 };

/* The low byte of a request's user data; the connection is above it. */
enum request { ACCEPT, RECEIVE, SEND };

struct connection {
	int fd;
	bool receiving, ended;
	/* Buffers that are to be sent, in order: of each the number and the length. Only the first is under way. */
	unsigned short queue[BUFFERS];
	unsigned lengths[BUFFERS];
	unsigned first, queued, sent;
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static char memory[BUFFERS][BUFFER_SIZE];
static unsigned held; /* buffers that are not in the ring */
static struct connection connections[MOST_CONNECTIONS];

static void fail(const char *what, int error)
{
	fprintf(stderr, "uring_echo: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* ---- The server ---- */

static void make_buffers(void)
{
	struct io_uring_buf_reg reg;
	void *pages;
	int i, ret;

	/* The kernel wants whole pages, and a power of two of entries. */
	if (posix_memalign(&pages, (size_t)sysconf(_SC_PAGESIZE), BUFFERS * sizeof(struct io_uring_buf)) != 0)
		fail("posix_memalign", -ENOMEM);
	buffers = pages;
	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (__u64)(uintptr_t)buffers;
	reg.ring_entries = BUFFERS;
	reg.bgid = GROUP;
	ret = io_uring_register_buf_ring(&ring, &reg, 0);
	if (ret == -EINVAL)
		exit(77);
	if (ret < 0)
		fail("io_uring_register_buf_ring", ret);
	io_uring_buf_ring_init(buffers);
	for (i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(buffers, memory[i], BUFFER_SIZE, (unsigned short)i,
				      io_uring_buf_ring_mask(BUFFERS), i);
	io_uring_buf_ring_advance(buffers, BUFFERS);
}

static void give_back(unsigned short buffer)
{
	io_uring_buf_ring_add(buffers, memory[buffer], BUFFER_SIZE, buffer, io_uring_buf_ring_mask(BUFFERS), 0);
	io_uring_buf_ring_advance(buffers, 1);
	held--;
}

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

/* After the request is prepared: versions of liburing differ in whether that sets the user data. */
static void tag(struct io_uring_sqe *sqe, enum request request, unsigned connection)
{
	io_uring_sqe_set_data64(sqe, request | (__u64)connection << 8);
}

static void start_accept(int listener)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
	tag(sqe, ACCEPT, 0);
}

static void start_receive(unsigned i)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_recv_multishot(sqe, connections[i].fd, NULL, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
	tag(sqe, RECEIVE, i);
	connections[i].receiving = true;
}

/* What is left of the first buffer in the connection's queue. */
static void start_send(unsigned i)
{
	struct connection *c = &connections[i];
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_send(sqe, c->fd, memory[c->queue[c->first]] + c->sent, c->lengths[c->first] - c->sent,
			   MSG_NOSIGNAL);
	tag(sqe, SEND, i);
}

static void received(unsigned i, const struct io_uring_cqe *cqe)
{
	struct connection *c = &connections[i];

	if (!(cqe->flags & IORING_CQE_F_MORE))
		c->receiving = false;
	if (cqe->res > 0) {
		unsigned last = (c->first + c->queued) % BUFFERS;

		c->queue[last] = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		c->lengths[last] = (unsigned)cqe->res;
		held++;
		if (c->queued++ == 0)
			start_send(i);
	} else if (cqe->res == 0) {
		c->ended = true;
	} else if (cqe->res == -EINVAL) {
		exit(77);
	} else if (cqe->res != -ENOBUFS) {
		fail("receive", cqe->res);
	}
}

static void sent(unsigned i, const struct io_uring_cqe *cqe)
{
	struct connection *c = &connections[i];

	if (cqe->res < 0)
		fail("send", cqe->res);
	c->sent += (unsigned)cqe->res;
	if (c->sent == c->lengths[c->first]) {
		give_back(c->queue[c->first]);
		c->first = (c->first + 1) % BUFFERS;
		c->queued--;
		c->sent = 0;
	}
	if (c->queued > 0)
		start_send(i);
}

static void serve(int listener, unsigned wanted)
{
	unsigned accepted = 0, closed = 0, i;
	int ret;

	ret = io_uring_queue_init(64, &ring, 0);
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	make_buffers();
	start_accept(listener);
	while (closed < wanted) {
		struct io_uring_cqe *cqe;
		unsigned head, count = 0;

		ret = io_uring_submit_and_wait(&ring, 1);
		if (ret < 0 && ret != -EINTR)
			fail("io_uring_submit_and_wait", ret);
		io_uring_for_each_cqe(&ring, head, cqe) {
			i = (unsigned)(cqe->user_data >> 8);
			count++;
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

			if (c->fd < 0 || c->receiving || c->queued > 0)
				continue;
			if (c->ended) {
				close(c->fd);
				c->fd = -1;
				closed++;
			} else if (held < BUFFERS) {
				/* There was no buffer; now there is. */
				start_receive(i);
			}
		}
	}
	io_uring_queue_exit(&ring);
	free(buffers);
}

/* ---- The client ---- */

static char byte_at(unsigned connection, size_t place)
{
	return (char)((place * 31 + place / 251 + connection * 7) & 0xff);
}

/* Sends and receives at the same time, as neither side may have room for all. */
static int check(unsigned connection, const struct sockaddr_in *address, size_t bytes)
{
	size_t out = 0, in = 0;
	char buffer[5000];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return 1;
	while (in < bytes) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t n, i;

		if (out < bytes)
			ready.events |= POLLOUT;
		if (poll(&ready, 1, 20000) != 1)
			return 1;
		if (ready.revents & POLLOUT && out < bytes) {
			size_t len = bytes - out < sizeof(buffer) ? bytes - out : sizeof(buffer);

			for (size_t j = 0; j < len; j++)
				buffer[j] = byte_at(connection, out + j);
			n = send(fd, buffer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return 1;
			out += n > 0 ? (size_t)n : 0;
		}
		if (ready.revents & (POLLIN | POLLHUP | POLLERR)) {
			n = recv(fd, buffer, sizeof(buffer), 0);
			if (n <= 0)
				return 1;
			for (i = 0; i < n; i++)
				if (buffer[i] != byte_at(connection, in + (size_t)i))
					return 1;
			in += (size_t)n;
		}
	}
	return close(fd) < 0;
}

int main(int argc, char **argv)
{
	unsigned wanted = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 8;
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 300000;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	pid_t clients[MOST_CONNECTIONS];
	int listener, status, wrong = 0;
	unsigned i;

	if (argc > 3 || wanted == 0 || wanted > MOST_CONNECTIONS) {
		fprintf(stderr, "usage: %s [CONNECTIONS [BYTES]], at most %d connections\n", argv[0], MOST_CONNECTIONS);
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
			_exit(check(i, &address, bytes));
	}
	serve(listener, wanted);
	for (i = 0; i < wanted; i++) {
		if (waitpid(clients[i], &status, 0) != clients[i] || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			wrong = 1;
	}
	if (!wrong)
		printf("%u connections, %zu bytes each, came back\n", wanted, bytes);
	return wrong;
}
