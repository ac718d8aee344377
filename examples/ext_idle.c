/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Thousands of idle connections, each with a read that waits, and a handful of buffers: what that takes of memory, beside a
 * buffer for each connection.
 *
 *   ext_idle [connections]        10000 without an argument, or as many as the limit of descriptors allows
 *
 * Both ways do the same work: all connections wait, then every tenth gets a message, which is read and compared, and waits
 * again. The plain way is what libaio has for it: a poll for each connection, and a buffer of its own. The other is a read
 * for each that takes its buffer when there is data. What the process has of memory is read in /proc/self/status (VmRSS)
 * before and after; what the kernel has for sockets and requests is not in it.
 */
#include <aiouring.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFERS = 16, SIZE = 4096, BATCH = 64, MESSAGE = 1000 };

struct connection {
	int fd;
	struct iocb iocb;
	char *buffer;
	struct connection *next;
};

static struct connection *connections;
static long count = 10000;
static int control[2];

static void fail(const char *what, long error)
{
	fprintf(stderr, "%s: %s\n", what, strerror((int)-error));
	exit(1);
}

/* What the process has of memory, in KiB. */
static long own_memory(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long found = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmRSS:", 6) == 0)
			found = atol(line + 6);
	if (file)
		fclose(file);
	return found;
}

static void submit(io_context_t ctx, struct connection *c)
{
	struct iocb *iocb = &c->iocb;
	int submitted = io_submit(ctx, 1, &iocb);

	if (submitted != 1)
		fail("io_submit", submitted);
}

/* What connection n is sent. */
static void message_of(long n, char *text)
{
	memset(text, 'a' + (int)(n % 26), MESSAGE);
	snprintf(text, MESSAGE, "message for %ld", n);
}

static void compare(const struct connection *c, const void *data, long len)
{
	char expected[MESSAGE];

	message_of(c - connections, expected);
	if (len != MESSAGE || memcmp(data, expected, MESSAGE) != 0)
		fail("another message", -EILSEQ);
}

/* The other ends, in a process of their own: for each byte on the control pipe every tenth gets a message. */
static void be_clients(const struct sockaddr_un *address, socklen_t len)
{
	int *fds = calloc((size_t)count, sizeof(*fds));
	char text[MESSAGE];

	if (!fds)
		fail("calloc", -ENOMEM);
	for (long n = 0; n < count; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fds[n] < 0 || connect(fds[n], (const struct sockaddr *)address, len) < 0)
			fail("connect", -errno);
	}
	while (read(control[0], text, 1) == 1) {
		for (long n = 3; n < count; n += 10) {
			message_of(n, text);
			if (write(fds[n], text, MESSAGE) != MESSAGE)
				fail("write", -errno);
		}
	}
	exit(0);
}

/* Has that happen: to how many. */
static long ask_clients(void)
{
	if (write(control[1], "!", 1) != 1)
		fail("write", -errno);
	return (count - 3 + 9) / 10;
}

static void wait_again(io_context_t ctx, struct aiouring_bufring *br, struct connection *c)
{
	if (br)
		aiouring_prep_pread_select(&c->iocb, c->fd, 0, 0);
	else
		io_prep_poll(&c->iocb, c->fd, POLLIN);
	c->iocb.data = c;
	submit(ctx, c);
}

/* A read that has taken a buffer, or found none. */
static long take(struct aiouring_bufring *br, const struct io_event *event, struct connection *c)
{
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	long result = (long)event->res;

	if (aiouring_bufring_take_event(br, event, &walk) < 0)
		fail("aiouring_bufring_take_event", -EINVAL);
	while (aiouring_bufring_next(&walk, &span) == 1) {
		compare(c, span.base, (long)span.len);
		aiouring_bufring_release(br, span.id);
	}
	if (result < 0 && result != -ENOBUFS)
		fail("read", result);
	return result > 0;
}

static long read_plainly(struct connection *c)
{
	ssize_t len = read(c->fd, c->buffer, SIZE);

	if (len < 0)
		fail("read", -errno);
	compare(c, c->buffer, (long)len);
	return 1;
}

/*
 * All connections wait, some hear something, all wait again: with a ring of buffers, or each with one of its own. Reads that
 * found no buffer are put aside, and no more of them are submitted again at a time than there are buffers: most would find
 * none once more.
 */
static void serve(int selects)
{
	struct aiouring_bufring *br = NULL;
	struct connection *starved = NULL;
	struct io_event events[BATCH];
	io_context_t ctx = NULL;
	long before, expected, done, after;
	int result;

	result = io_setup((int)count, &ctx);
	if (result < 0)
		fail("io_setup", result);
	if (selects) {
		result = aiouring_bufring_create(&br, BUFFERS, SIZE, 0, 0, NULL);
		if (result == 0)
			result = aiouring_bufring_bind(br, ctx);
		if (result == -EOPNOTSUPP) {
			fprintf(stderr, "no buffer rings for contexts here\n");
			exit(77);
		}
		if (result < 0)
			fail("aiouring_bufring_bind", result);
	}
	before = own_memory();
	for (long n = 0; n < count; n++) {
		struct connection *c = &connections[n];

		if (!selects) {
			c->buffer = malloc(SIZE);
			if (!c->buffer)
				fail("malloc", -ENOMEM);
			/* It was in use once, as that of every connection will have been. */
			memset(c->buffer, 1, SIZE);
		}
		wait_again(ctx, br, c);
	}
	for (int round = 0; round < 3; round++) {
		expected = ask_clients();
		for (done = 0; done < expected;) {
			int n = io_getevents(ctx, 1, BATCH, events, NULL);

			if (n < 0)
				fail("io_getevents", n);
			for (int i = 0; i < n; i++) {
				struct connection *c = events[i].data;

				done += selects ? take(br, &events[i], c) : read_plainly(c);
				if ((long)events[i].res == -ENOBUFS) {
					c->next = starved;
					starved = c;
				} else {
					wait_again(ctx, br, c);
				}
			}
			/* All buffers are free. */
			for (int i = 0; i < BUFFERS && starved; i++) {
				struct connection *c = starved;

				starved = c->next;
				wait_again(ctx, br, c);
			}
		}
	}
	after = own_memory();
	printf("%-35s %6ld connections: %6ld KiB at first, %6ld KiB more, %5ld bytes each\n",
	       selects ? "reads that take one of 16 buffers:" : "a poll and a buffer of 4 KiB each:", count, before,
	       after - before, (after - before) * 1024 / count);
	fflush(stdout);
	/* Thousands wait: this ends them. */
	result = io_destroy(ctx);
	if (result < 0)
		fail("io_destroy", result);
	if (br) {
		aiouring_bufring_unbind(br);
		aiouring_bufring_destroy(br);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {AF_UNIX, ""};
	socklen_t len = sizeof(address.sun_family);
	struct rlimit limit;
	int listener, status;
	pid_t clients;

	if (argc > 1)
		count = atol(argv[1]);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		if (limit.rlim_cur != RLIM_INFINITY && (long)limit.rlim_cur < count + 50)
			count = (long)limit.rlim_cur - 50;
	}
	if (count < 10)
		count = 10;

	/* An address that the kernel chooses. */
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&address, len) < 0 || listen(listener, 128) < 0)
		fail("listen", -errno);
	len = sizeof(address);
	if (getsockname(listener, (struct sockaddr *)&address, &len) < 0 || pipe(control) < 0)
		fail("getsockname", -errno);
	clients = fork();
	if (clients < 0)
		fail("fork", -errno);
	if (clients == 0) {
		close(control[1]);
		be_clients(&address, len);
	}
	close(control[0]);
	connections = calloc((size_t)count, sizeof(*connections));
	if (!connections)
		fail("calloc", -ENOMEM);
	for (long n = 0; n < count; n++) {
		/* All of its memory is there from the beginning. */
		memset(&connections[n], 1, sizeof(connections[n]));
		connections[n].fd = accept(listener, NULL, NULL);
		if (connections[n].fd < 0)
			fail("accept", -errno);
	}

	/* Each way in a process of its own, with the memory that it begins with. */
	for (int selects = 0; selects < 2; selects++) {
		pid_t server = fork();

		if (server < 0)
			fail("fork", -errno);
		if (server == 0) {
			serve(selects);
			exit(0);
		}
		if (waitpid(server, &status, 0) != server || !WIFEXITED(status))
			return 1;
		if (WEXITSTATUS(status) != 0)
			return WEXITSTATUS(status);
	}
	close(control[1]);
	if (waitpid(clients, &status, 0) != clients || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}
