/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IO_CMD_POLL row by row: what is true at once, what comes later, with which bits, and what cannot be polled. */
#include "aio_rows.h"

#include <arpa/inet.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

enum { INPUT = POLLIN | POLLRDNORM, OUTPUT = POLLOUT | POLLWRNORM };

static io_context_t ctx;
static char trash[65536];

static io_context_t context(void)
{
	if (ctx == NULL)
		ctx = setup(64);
	return ctx;
}

/* Submits a poll: NULL if it was accepted. */
static const char *begin_poll(struct iocb *iocb, int fd, int mask)
{
	int submitted;

	io_prep_poll(iocb, fd, mask);
	iocb->data = (void *)(uintptr_t)mask;
	submitted = submit_one(context(), iocb);
	return submitted == 1 ? NULL : text("refused %s", name_of(submitted));
}

/* The bits of an event, or what is wrong with it. */
static const char *bits_of(const struct io_event *event)
{
	long res = (long)event->res;

	if (event->res2 != 0 || event->data != (void *)(uintptr_t)event->obj->u.poll.events)
		return "wrong event";
	return res < 0 ? name_of(res) : text("0x%lx", res);
}

/* Takes the event of a poll that has to be there without waiting; NULL if it is not. */
static const char *bits_now(void)
{
	struct io_event event;
	struct timespec zero = {0, 0};

	return io_getevents(ctx, 1, 1, &event, &zero) == 1 ? bits_of(&event) : NULL;
}

static const char *bits_within(long ms)
{
	struct io_event event;
	struct timespec limit = {ms / 1000, ms % 1000 * 1000000};

	return io_getevents(ctx, 1, 1, &event, &limit) == 1 ? bits_of(&event) : "no event";
}

/* What comes of a cancelled poll. */
static const char *cancel_poll(struct iocb *iocb)
{
	struct io_event event;
	int result = io_cancel(ctx, iocb, &event);

	if (result != -EINPROGRESS)
		return name_of(result);
	return bits_within(5000);
}

/* A poll of what does not change: "0x1", "pending", "refused -EINVAL". */
static const char *poll_once(int fd, int mask)
{
	struct iocb iocb;
	const char *outcome = begin_poll(&iocb, fd, mask);

	if (outcome == NULL)
		outcome = bits_now();
	if (outcome != NULL)
		return outcome;
	outcome = bits_within(15);
	if (strcmp(outcome, "no event") != 0)
		return text("late %s", outcome);
	outcome = cancel_poll(&iocb);
	return strcmp(outcome, "0x0") == 0 ? "pending" : text("pending, cancelled %s", outcome);
}

#define SAY_POLL(what, fd, mask) SAY(what, "%s", poll_once(fd, mask))

/* The outcome of several masks. */
static const char *poll_masks(int fd, const int *masks, size_t count)
{
	const char *all = "";
	size_t i;

	for (i = 0; i < count; i++)
		all = text("%s%s%s", all, i ? ", " : "", poll_once(fd, masks[i]));
	return all;
}

static const int some_masks[] = {POLLIN, POLLOUT, POLLPRI, INPUT, OUTPUT, POLLRDHUP, POLLRDBAND, 0, 0xffff};

#define SAY_MASKS(what, fd) SAY(what, "%s", poll_masks(fd, some_masks, COUNT_OF(some_masks)))

/* A poll that has to wait, then what `change` makes of it. */
static const char *poll_until(int fd, int mask, void (*change)(int), int argument)
{
	struct iocb iocb;
	const char *outcome = begin_poll(&iocb, fd, mask);

	if (outcome == NULL && (outcome = bits_now()) != NULL)
		outcome = text("at once %s", outcome);
	if (outcome != NULL)
		return outcome;
	/* Its time to get to wherever it waits is over. */
	sleep_ms(5);
	change(argument);
	outcome = bits_within(2000);
	if (strcmp(outcome, "no event") == 0)
		return text("no event, cancelled %s", cancel_poll(&iocb));
	return outcome;
}

#define SAY_UNTIL(what, fd, mask, change, argument) SAY(what, "%s", poll_until(fd, mask, change, argument))

/* A poll that must not end by `change`. */
static const char *poll_despite(int fd, int mask, void (*change)(int), int argument)
{
	struct iocb iocb;
	const char *outcome = begin_poll(&iocb, fd, mask);

	if (outcome == NULL && (outcome = bits_now()) != NULL)
		outcome = text("at once %s", outcome);
	if (outcome != NULL)
		return outcome;
	sleep_ms(5);
	change(argument);
	outcome = bits_within(50);
	if (strcmp(outcome, "no event") == 0)
		outcome = text("still pending, cancelled %s", cancel_poll(&iocb));
	return outcome;
}

#define SAY_DESPITE(what, fd, mask, change, argument) SAY(what, "%s", poll_despite(fd, mask, change, argument))

static void write_byte(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

static void write_two(int fd)
{
	write_byte(fd);
	write_byte(fd);
}

static void write_eight(int fd)
{
	uint64_t one = 1;

	CHECK_EQ(write(fd, &one, 8), 8);
}

static void read_all(int fd)
{
	struct pollfd readable = {fd, POLLIN, 0};

	while (poll(&readable, 1, 0) == 1 && readable.revents & POLLIN && read(fd, trash, sizeof(trash)) > 0)
		;
}

static void shut_down_writing(int fd)
{
	CHECK(shutdown(fd, SHUT_WR) == 0);
}

static void shut_down_reading(int fd)
{
	CHECK(shutdown(fd, SHUT_RD) == 0);
}

static void shut_down_both(int fd)
{
	CHECK(shutdown(fd, SHUT_RDWR) == 0);
}

static void close_it(int fd)
{
	CHECK(close(fd) == 0);
}

static void fill_pipe(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	CHECK(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
	while (write(fd, trash, 4096) > 0)
		;
	CHECK(fcntl(fd, F_SETFL, flags) == 0);
}

static void fill_socket(int fd)
{
	while (send(fd, trash, sizeof(trash), MSG_DONTWAIT) > 0)
		;
}

struct pair {
	int fd[2];
};

static struct pair new_pipe(void)
{
	struct pair pair;

	CHECK(pipe(pair.fd) == 0);
	return pair;
}

static struct pair unix_pair(int type)
{
	struct pair pair;

	CHECK(socketpair(AF_UNIX, type, 0, pair.fd) == 0);
	return pair;
}

static int inet_socket(int type)
{
	int fd = socket(AF_INET, type, 0);

	CHECK(fd >= 0);
	return fd;
}

static struct sockaddr_in bind_somewhere(int fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	CHECK(bind(fd, (struct sockaddr *)&address, size) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	return address;
}

static struct sockaddr_in listener_address;

static int new_listener(void)
{
	int fd = inet_socket(SOCK_STREAM);

	listener_address = bind_somewhere(fd);
	CHECK(listen(fd, 8) == 0);
	return fd;
}

static void connect_it(int fd)
{
	CHECK(connect(fd, (struct sockaddr *)&listener_address, sizeof(listener_address)) == 0 ||
	      errno == EINPROGRESS || errno == ECONNREFUSED);
}

static struct pair tcp_pair(void)
{
	int listener = new_listener();
	struct pair pair;

	pair.fd[0] = inet_socket(SOCK_STREAM);
	connect_it(pair.fd[0]);
	pair.fd[1] = accept(listener, NULL, NULL);
	CHECK(pair.fd[1] >= 0);
	close(listener);
	return pair;
}

static struct pair udp_pair(void)
{
	struct pair pair = {{inet_socket(SOCK_DGRAM), inet_socket(SOCK_DGRAM)}};
	struct sockaddr_in address[2] = {bind_somewhere(pair.fd[0]), bind_somewhere(pair.fd[1])};

	CHECK(connect(pair.fd[0], (struct sockaddr *)&address[1], sizeof(address[1])) == 0);
	CHECK(connect(pair.fd[1], (struct sockaddr *)&address[0], sizeof(address[0])) == 0);
	return pair;
}

static void P01(void)
{
	struct pair p = new_pipe();

	write_byte(p.fd[1]);
	SAY_POLL("pipe with data, POLLIN", p.fd[0], POLLIN);
	SAY_POLL("pipe with data, POLLIN|POLLRDNORM", p.fd[0], INPUT);
	SAY_POLL("pipe with data, 0xffff", p.fd[0], 0xffff);
	SAY_POLL("pipe with data, POLLRDNORM", p.fd[0], POLLRDNORM);
	SAY_POLL("pipe with data, POLLIN|POLLOUT", p.fd[0], POLLIN | POLLOUT);
	SAY_POLL("pipe with data, POLLPRI", p.fd[0], POLLPRI);
	SAY_POLL("pipe with data, its write end, 0xffff", p.fd[1], 0xffff);
	close(p.fd[1]);
	SAY_POLL("pipe with data and no writer, POLLIN", p.fd[0], POLLIN);
	SAY_POLL("pipe with data and no writer, 0", p.fd[0], 0);
	read_all(p.fd[0]);
	SAY_POLL("pipe without data and writer, POLLIN", p.fd[0], POLLIN);
}

static void P02(void)
{
	struct pair p = new_pipe(), full = new_pipe();

	SAY_POLL("empty pipe, read end, POLLIN", p.fd[0], POLLIN);
	SAY_POLL("empty pipe, read end, POLLOUT", p.fd[0], POLLOUT);
	SAY_POLL("empty pipe, write end, POLLOUT", p.fd[1], POLLOUT);
	SAY_POLL("empty pipe, write end, POLLOUT|POLLWRNORM", p.fd[1], OUTPUT);
	SAY_POLL("empty pipe, write end, POLLIN", p.fd[1], POLLIN);
	SAY_POLL("empty pipe, read end, no bits", p.fd[0], 0);
	SAY_POLL("empty pipe, write end, no bits", p.fd[1], 0);
	fill_pipe(full.fd[1]);
	SAY_POLL("full pipe, write end, POLLOUT", full.fd[1], POLLOUT);
	close(full.fd[0]);
	SAY_POLL("full pipe without reader, POLLOUT", full.fd[1], POLLOUT);
	SAY_POLL("full pipe without reader, no bits", full.fd[1], 0);
	close(p.fd[0]);
	SAY_POLL("empty pipe without reader, POLLOUT", p.fd[1], POLLOUT);
}

static void P04(void)
{
	static const unsigned int masks[] = {0x10001, 1u << 31, 1u << 30, 1u << 28, 0x10000, 0xffffffff};
	struct pair p = new_pipe();
	struct iocb iocb;
	size_t i;

	for (i = 0; i < COUNT_OF(masks); i++)
		SAY_POLL(text("mask 0x%x", masks[i]), p.fd[0], (int)masks[i]);
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	iocb.u.c.buf = (void *)(uintptr_t)0x100000001;
	SAY_OUTCOME("a bit above 32", context(), &iocb);
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	iocb.u.c.nbytes = 1;
	SAY_OUTCOME("nbytes set", context(), &iocb);
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	iocb.u.c.offset = 1;
	SAY_OUTCOME("offset set", context(), &iocb);
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	iocb.aio_rw_flags = 1;
	SAY_OUTCOME("aio_rw_flags set", context(), &iocb);
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	iocb.u.c.nbytes = 1;
	SAY("nbytes set, the key", "%s", outcome_and_key(context(), &iocb));
	write_byte(p.fd[1]);
	io_prep_poll(&iocb, p.fd[0], 0x10001);
	SAY("mask 0x10001, true, all ways", "%s", outcome_all_ways(context(), &iocb));
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	SAY("true, all ways", "%s", outcome_all_ways(context(), &iocb));
}

static void P05(void)
{
	struct pair p = new_pipe();
	int bit;

	for (bit = 0; bit < 16; bit++)
		SAY_POLL(text("read end of an empty pipe, 0x%x", 1 << bit), p.fd[0], 1 << bit);
	for (bit = 0; bit < 16; bit++)
		SAY_POLL(text("write end of an empty pipe, 0x%x", 1 << bit), p.fd[1], 1 << bit);
	write_byte(p.fd[1]);
	for (bit = 0; bit < 16; bit++)
		SAY_POLL(text("read end of a pipe with data, 0x%x", 1 << bit), p.fd[0], 1 << bit);
}

static void P06(void)
{
	int fd = temp_file(100, 1), direct = reopen(fd, O_RDWR | O_DIRECT), reader = reopen(fd, O_RDONLY);
	static const int masks[] = {POLLIN, POLLOUT, POLLPRI, 0, POLLIN | POLLPRI, OUTPUT, 0xffff, POLLRDHUP};

	SAY("regular file", "%s", poll_masks(fd, masks, COUNT_OF(masks)));
	SAY("regular file, O_DIRECT", "%s", poll_masks(direct, masks, COUNT_OF(masks)));
	SAY("regular file, O_RDONLY", "%s", poll_masks(reader, masks, COUNT_OF(masks)));
}

static void P07(void)
{
	static const struct {
		const char *path;
		int flags;
	} files[] = {{".", O_RDONLY},
		     {"/dev/null", O_RDWR},
		     {"/dev/zero", O_RDWR},
		     {"/dev/full", O_WRONLY},
		     {"/dev/urandom", O_RDONLY},
		     {"/dev/random", O_RDONLY},
		     {"/proc/self/stat", O_RDONLY},
		     {"/proc/self/mounts", O_RDONLY},
		     {"/proc/sys/kernel/hostname", O_RDONLY},
		     {"/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY}};
	int epoll_fd = epoll_create1(0), memory = memfd_create("memory", 0);
	size_t i;

	CHECK(epoll_fd >= 0 && memory >= 0);
	for (i = 0; i < COUNT_OF(files); i++) {
		int fd = open(files[i].path, files[i].flags);

		CHECK(fd >= 0);
		SAY_MASKS(files[i].path, fd);
		close(fd);
	}
	SAY_MASKS("epoll without files", epoll_fd);
	SAY_MASKS("memfd", memory);
}

static void P09(void)
{
	struct pair u = unix_pair(SOCK_STREAM), d = unix_pair(SOCK_DGRAM), s = unix_pair(SOCK_SEQPACKET), t, n;
	int tcp = inet_socket(SOCK_STREAM), udp = inet_socket(SOCK_DGRAM), lone = socket(AF_UNIX, SOCK_STREAM, 0);
	int listener = new_listener();

	SAY_MASKS("unix stream pair", u.fd[0]);
	SAY_MASKS("unix datagram pair", d.fd[0]);
	SAY_MASKS("unix seqpacket pair", s.fd[0]);
	SAY_MASKS("listening tcp", listener);
	SAY_MASKS("unconnected tcp", tcp);
	SAY_MASKS("unconnected unix stream", lone);
	SAY_MASKS("udp", udp);
	t = tcp_pair();
	SAY_MASKS("tcp", t.fd[0]);
	write_byte(t.fd[1]);
	sleep_ms(5);
	SAY_MASKS("tcp with data", t.fd[0]);
	CHECK(send(t.fd[1], "!", 1, MSG_OOB) == 1);
	sleep_ms(5);
	SAY_MASKS("tcp with urgent data", t.fd[0]);
	shut_down_writing(t.fd[1]);
	sleep_ms(5);
	SAY_MASKS("tcp, peer has stopped writing", t.fd[0]);
	close(t.fd[1]);
	write_byte(u.fd[1]);
	SAY_MASKS("unix stream pair with data", u.fd[0]);
	shut_down_writing(u.fd[1]);
	SAY_MASKS("unix stream pair, peer has stopped writing", u.fd[0]);
	close(u.fd[1]);
	SAY_MASKS("unix stream pair, peer has closed", u.fd[0]);
	n = udp_pair();
	write_byte(n.fd[1]);
	sleep_ms(5);
	SAY_MASKS("udp with a datagram", n.fd[0]);
}

static void P10(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, fifo, reader, writer;
	struct pollfd readable = {-1, POLLIN, 0};

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && mkfifo("fifo", 0600) == 0);
	fifo = open("fifo", O_RDWR);
	reader = open("fifo", O_RDONLY);
	writer = open("fifo", O_WRONLY);
	CHECK(unlink("fifo") == 0 && fifo >= 0 && reader >= 0 && writer >= 0);
	SAY_MASKS("terminal", slave);
	SAY_MASKS("terminal's master", master);
	SAY_MASKS("FIFO opened for both", fifo);
	SAY_MASKS("FIFO, reader", reader);
	SAY_MASKS("FIFO, writer", writer);
	SAY_UNTIL("FIFO, reader, written to", reader, POLLIN, write_byte, writer);
	SAY_MASKS("FIFO opened for both, with data", fifo);
	write_byte(slave);
	readable.fd = master;
	CHECK_EQ(poll(&readable, 1, 5000), 1);
	SAY_MASKS("terminal's master with data", master);
	SAY_POLL("terminal by its other name", reopen(slave, O_RDWR | O_NOCTTY), POLLIN);
	close(slave);
}

static int later_fd, later_ms;

static void *write_later(void *argument)
{
	sleep_ms(later_ms);
	write_byte(later_fd);
	return argument;
}

static void P12(void)
{
	struct pair p = new_pipe();
	struct iocb iocb;
	struct io_event event;
	pthread_t thread;
	long start = now_ms();

	CHECK(begin_poll(&iocb, p.fd[0], POLLIN) == NULL);
	SAY("before the write", "%d events", ready(ctx));
	later_fd = p.fd[1];
	later_ms = 200;
	CHECK_EQ(pthread_create(&thread, NULL, write_later, NULL), 0);
	reap(ctx, 1, &event);
	SAY("a write after 0.2 s", "%s, %s", bits_of(&event), now_ms() - start >= 195 ? "not before" : "before");
	CHECK_EQ(pthread_join(thread, NULL), 0);
	write_byte(p.fd[1]);
	sleep_ms(20);
	SAY("a second write", "%d events", ready(ctx));
	SAY("a new poll", "%s", poll_once(p.fd[0], POLLIN));
	read_all(p.fd[0]);
	SAY("the same iocb again", "%s", begin_poll(&iocb, p.fd[0], POLLIN) ? "refused" : "accepted");
	SAY("before its write", "%d events", ready(ctx));
	write_byte(p.fd[1]);
	SAY("and written to", "%s", bits_within(5000));
	SAY("left", "%d events", ready(ctx));
}

/* How many of 100 events were there when the call that made them true had returned. */
static int at_once_after(struct pair p, int end, int mask, void (*change)(int), int argument, int resfd)
{
	int round, good = 0;

	for (round = 0; round < 100; round++) {
		struct iocb iocb;
		const char *bits;
		uint64_t count = 0;

		io_prep_poll(&iocb, p.fd[end], mask);
		iocb.data = (void *)(uintptr_t)mask;
		if (resfd >= 0)
			io_set_eventfd(&iocb, resfd);
		CHECK_EQ(submit_one(context(), &iocb), 1);
		if (round % 2)
			CHECK_EQ(ready(ctx), 0);
		change(argument);
		bits = bits_now();
		good += bits != NULL;
		if (bits == NULL)
			bits_within(5000);
		if (resfd >= 0)
			CHECK_EQ(read(resfd, &count, 8), 8);
		if (mask & POLLIN)
			read_all(p.fd[end]);
		else
			fill_socket(p.fd[end]);
	}
	return good;
}

struct writer {
	int fd;
};

static void *write_once(void *argument)
{
	write_byte(((struct writer *)argument)->fd);
	return NULL;
}

static void write_in_thread(int fd)
{
	struct writer writer = {fd};

	in_thread(write_once, &writer);
}

static void write_in_child(int fd)
{
	pid_t child = fork();

	if (child == 0) {
		write_byte(fd);
		_exit(0);
	}
	wait_exit(child, 0);
}

static void P13(void)
{
	struct pair p = new_pipe(), u = unix_pair(SOCK_STREAM), e = {{eventfd(0, EFD_NONBLOCK), -1}}, full;
	int resfd = eventfd(0, 0), round, good = 0, sum = 0;

	SAY("pipe, after write", "%d of 100", at_once_after(p, 0, POLLIN, write_byte, p.fd[1], -1));
	SAY("pipe, after a thread's write", "%d of 100", at_once_after(p, 0, POLLIN, write_in_thread, p.fd[1], -1));
	SAY("pipe, after a child's write", "%d of 100", at_once_after(p, 0, POLLIN, write_in_child, p.fd[1], -1));
	SAY("pipe, with an eventfd", "%d of 100", at_once_after(p, 0, POLLIN, write_byte, p.fd[1], resfd));
	SAY("unix socket", "%d of 100", at_once_after(u, 0, POLLIN, write_byte, u.fd[1], -1));
	SAY("eventfd", "%d of 100", at_once_after(e, 0, POLLIN, write_eight, e.fd[0], -1));
	full = unix_pair(SOCK_STREAM);
	fill_socket(full.fd[0]);
	SAY("room in a unix socket", "%d of 100", at_once_after(full, 0, POLLOUT, read_all, full.fd[1], -1));
	for (round = 0; round < 100; round++) {
		struct iocb iocb[8];
		struct io_event events[8];
		struct timespec zero = {0, 0};
		int i, n;

		for (i = 0; i < 8; i++)
			CHECK(begin_poll(&iocb[i], p.fd[0], POLLIN) == NULL);
		write_byte(p.fd[1]);
		n = io_getevents(ctx, 8, 8, events, &zero);
		sum += n;
		good += n == 8;
		if (n < 8)
			reap(ctx, 8 - n, events);
		read_all(p.fd[0]);
	}
	SAY("8 polls at once", "%d of 100, %d events", good, sum);
	for (round = 0, good = 0; round < 100; round++) {
		struct iocb iocb;
		struct io_event event;

		CHECK(begin_poll(&iocb, p.fd[0], POLLIN) == NULL);
		write_byte(p.fd[1]);
		if (io_getevents(ctx, 0, 1, &event, NULL) == 1)
			good++;
		else
			reap(ctx, 1, &event);
		read_all(p.fd[0]);
	}
	SAY("min_nr 0 without a timeout", "%d of 100", good);
}

static void P14(void)
{
	struct pair p = new_pipe(), full = new_pipe(), t, u;

	SAY_UNTIL("pipe, POLLIN|POLLPRI, write", p.fd[0], POLLIN | POLLPRI, write_byte, p.fd[1]);
	read_all(p.fd[0]);
	SAY_DESPITE("pipe, POLLPRI, write", p.fd[0], POLLPRI, write_byte, p.fd[1]);
	read_all(p.fd[0]);
	SAY_UNTIL("pipe, POLLIN, write", p.fd[0], POLLIN, write_byte, p.fd[1]);
	read_all(p.fd[0]);
	SAY_UNTIL("pipe, POLLRDNORM, write", p.fd[0], POLLRDNORM, write_byte, p.fd[1]);
	read_all(p.fd[0]);
	SAY_UNTIL("pipe, POLLIN, two writes", p.fd[0], POLLIN, write_two, p.fd[1]);
	read_all(p.fd[0]);
	SAY_UNTIL("pipe, 0xffff, write", p.fd[0], 0xffff, write_byte, p.fd[1]);
	read_all(p.fd[0]);
	SAY_DESPITE("pipe, no bits, write", p.fd[0], 0, write_byte, p.fd[1]);
	read_all(p.fd[0]);
	SAY_UNTIL("pipe, POLLIN, writer closes", p.fd[0], POLLIN, close_it, dup(p.fd[1]) >= 0 ? p.fd[1] : -1);
	p = new_pipe();
	SAY_UNTIL("pipe, POLLIN, last writer closes", p.fd[0], POLLIN, close_it, p.fd[1]);
	p = new_pipe();
	SAY_UNTIL("pipe, no bits, last writer closes", p.fd[0], 0, close_it, p.fd[1]);
	fill_pipe(full.fd[1]);
	SAY_UNTIL("full pipe, POLLOUT, read", full.fd[1], POLLOUT, read_all, full.fd[0]);
	fill_pipe(full.fd[1]);
	SAY_UNTIL("full pipe, POLLWRNORM, read", full.fd[1], POLLWRNORM, read_all, full.fd[0]);
	fill_pipe(full.fd[1]);
	SAY_UNTIL("full pipe, POLLOUT, reader closes", full.fd[1], POLLOUT, close_it, full.fd[0]);
	u = unix_pair(SOCK_STREAM);
	SAY_DESPITE("unix socket, POLLPRI, write", u.fd[0], POLLPRI, write_byte, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_DESPITE("unix socket, POLLRDBAND, write", u.fd[0], POLLRDBAND, write_byte, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_DESPITE("unix socket, POLLRDHUP, write", u.fd[0], POLLRDHUP, write_byte, u.fd[1]);
	t = tcp_pair();
	SAY_UNTIL("tcp, POLLIN, write", t.fd[0], POLLIN, write_byte, t.fd[1]);
	read_all(t.fd[0]);
	SAY_UNTIL("tcp, POLLRDNORM, write", t.fd[0], POLLRDNORM, write_byte, t.fd[1]);
}

static void P16(void)
{
	struct pair p = new_pipe(), u = unix_pair(SOCK_STREAM);
	struct iocb iocb[20], *list[20];
	struct io_event events[20];
	int i, wrong = 0;

	CHECK(begin_poll(&iocb[0], p.fd[0], POLLIN) == NULL && begin_poll(&iocb[1], p.fd[0], POLLIN) == NULL);
	write_byte(p.fd[1]);
	reap(ctx, 2, events);
	SAY("two polls, one write", "%s %s, %s", bits_of(&events[0]), bits_of(&events[1]),
	    events[0].obj != events[1].obj ? "both" : "one twice");
	read_all(p.fd[0]);
	CHECK(begin_poll(&iocb[0], p.fd[0], POLLIN) == NULL && begin_poll(&iocb[1], p.fd[0], POLLPRI) == NULL);
	CHECK(begin_poll(&iocb[2], dup(p.fd[0]), POLLRDNORM) == NULL);
	write_byte(p.fd[1]);
	reap(ctx, 2, events);
	SAY("another mask and a duplicate", "%s %s, the third %s", bits_of(&events[0]), bits_of(&events[1]),
	    cancel_poll(&iocb[1]));
	read_all(p.fd[0]);
	for (i = 0; i < 20; i++) {
		io_prep_poll(&iocb[i], u.fd[0], POLLIN);
		iocb[i].data = (void *)(uintptr_t)POLLIN;
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, 20, list), 20);
	write_byte(u.fd[1]);
	reap(ctx, 20, events);
	for (i = 0; i < 20; i++)
		wrong += strcmp(bits_of(&events[i]), bits_of(&events[0])) != 0;
	SAY("20 polls of a socket in one batch", "%s, %d others", bits_of(&events[0]), wrong);
	SAY("order", "%s", events[0].obj == &iocb[0] && events[19].obj == &iocb[19] ? "as submitted" : "another");
	SAY("left", "%d events", ready(ctx));
}

static void arm_timer(int fd)
{
	struct itimerspec soon = {{0, 0}, {0, 30000000}};

	CHECK(timerfd_settime(fd, 0, &soon, NULL) == 0);
}

static void delete_file(int fd)
{
	(void)fd;
	CHECK(unlink("watched") == 0);
}

static void end_child(int child)
{
	CHECK(kill(child, SIGKILL) == 0);
}

static mqd_t queue_fd;

static void send_message(int priority)
{
	CHECK(mq_send(queue_fd, "m", 1, (unsigned int)priority) == 0);
}

static void send_urgent(int fd)
{
	CHECK(send(fd, "!", 1, MSG_OOB) == 1);
}

static void P18(void)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), listener, client, epoll_fd = epoll_create1(0), watch;
	struct epoll_event interest = {.events = EPOLLIN};
	struct pair u, t, n, e = {{eventfd(0, EFD_NONBLOCK), -1}}, p = new_pipe();
	uint64_t most = UINT64_MAX - 1;
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	char name[32];
	pid_t child;

	SAY_UNTIL("timerfd, POLLIN", timer, POLLIN, arm_timer, timer);
	read_all(timer);
	SAY_UNTIL("timerfd, 0xffff", timer, 0xffff, arm_timer, timer);
	read_all(timer);
	SAY_DESPITE("timerfd, POLLRDNORM", timer, POLLRDNORM, arm_timer, timer);

	SAY_UNTIL("eventfd, POLLIN, write", e.fd[0], POLLIN, write_eight, e.fd[0]);
	read_all(e.fd[0]);
	SAY_DESPITE("eventfd, POLLRDNORM, write", e.fd[0], POLLRDNORM, write_eight, e.fd[0]);
	read_all(e.fd[0]);
	CHECK_EQ(write(e.fd[0], &most, 8), 8);
	SAY_UNTIL("full eventfd, POLLOUT, read", e.fd[0], POLLOUT, read_all, e.fd[0]);

	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, POLLIN, write", u.fd[0], POLLIN, write_byte, u.fd[1]);
	read_all(u.fd[0]);
	SAY_UNTIL("unix stream, POLLIN|POLLRDHUP, write", u.fd[0], POLLIN | POLLRDHUP, write_byte, u.fd[1]);
	read_all(u.fd[0]);
	SAY_UNTIL("unix stream, 0x2001, peer stops writing", u.fd[0], POLLIN | POLLRDHUP, shut_down_writing, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, POLLIN, peer stops writing", u.fd[0], POLLIN, shut_down_writing, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, POLLRDHUP, peer stops writing", u.fd[0], POLLRDHUP, shut_down_writing, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, POLLIN, peer closes", u.fd[0], POLLIN, close_it, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, no bits, peer closes", u.fd[0], 0, close_it, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, POLLIN, own side stops reading", u.fd[0], POLLIN, shut_down_reading, u.fd[0]);
	u = unix_pair(SOCK_STREAM);
	SAY_UNTIL("unix stream, POLLIN, peer stops both", u.fd[0], POLLIN, shut_down_both, u.fd[1]);
	u = unix_pair(SOCK_STREAM);
	fill_socket(u.fd[0]);
	SAY_UNTIL("full unix stream, POLLOUT, read", u.fd[0], POLLOUT, read_all, u.fd[1]);
	fill_socket(u.fd[0]);
	SAY_UNTIL("full unix stream, POLLIN|POLLOUT, read", u.fd[0], POLLIN | POLLOUT, read_all, u.fd[1]);
	fill_socket(u.fd[0]);
	SAY_UNTIL("full unix stream, POLLIN|POLLOUT, write", u.fd[0], POLLIN | POLLOUT, write_byte, u.fd[1]);
	u = unix_pair(SOCK_DGRAM);
	SAY_UNTIL("unix datagram, POLLIN, write", u.fd[0], POLLIN, write_byte, u.fd[1]);
	u = unix_pair(SOCK_SEQPACKET);
	SAY_UNTIL("unix seqpacket, POLLIN, write", u.fd[0], POLLIN, write_byte, u.fd[1]);
	SAY_UNTIL("unix seqpacket, POLLIN, peer closes", u.fd[1], POLLIN, close_it, u.fd[0]);

	t = tcp_pair();
	SAY_UNTIL("tcp, POLLIN, write", t.fd[0], POLLIN, write_byte, t.fd[1]);
	read_all(t.fd[0]);
	SAY_UNTIL("tcp, POLLPRI, urgent data", t.fd[0], POLLPRI, send_urgent, t.fd[1]);
	t = tcp_pair();
	SAY_UNTIL("tcp, POLLIN, peer stops writing", t.fd[0], POLLIN, shut_down_writing, t.fd[1]);
	t = tcp_pair();
	SAY_UNTIL("tcp, POLLRDHUP, peer closes", t.fd[0], POLLRDHUP, close_it, t.fd[1]);
	t = tcp_pair();
	SAY_UNTIL("tcp, POLLIN|POLLRDHUP, peer closes", t.fd[0], POLLIN | POLLRDHUP, close_it, t.fd[1]);
	listener = new_listener();
	client = inet_socket(SOCK_STREAM);
	SAY_UNTIL("listening tcp, POLLIN, connection", listener, POLLIN, connect_it, client);
	n = udp_pair();
	SAY_UNTIL("udp, POLLIN, datagram", n.fd[0], POLLIN, write_byte, n.fd[1]);

	CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p.fd[0], &interest) == 0);
	SAY_UNTIL("epoll, POLLIN", epoll_fd, POLLIN, write_byte, p.fd[1]);
	SAY_MASKS("epoll with something ready", epoll_fd);

	watch = inotify_init1(IN_NONBLOCK);
	CHECK(watch >= 0 && inotify_add_watch(watch, ".", IN_DELETE) >= 0);
	close(open("watched", O_CREAT | O_WRONLY, 0600));
	SAY_UNTIL("inotify, POLLIN, deletion", watch, POLLIN, delete_file, 0);

	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	watch = (int)syscall(SYS_pidfd_open, child, 0);
	CHECK(watch >= 0);
	SAY_MASKS("pidfd", watch);
	SAY_UNTIL("pidfd, POLLIN, end", watch, POLLIN, end_child, child);
	waitpid(child, NULL, 0);

	snprintf(name, sizeof(name), "/rows-%d", (int)getpid());
	queue_fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
	if (queue_fd >= 0) {
		mq_unlink(name);
		SAY_MASKS("message queue", (int)queue_fd);
		SAY_UNTIL("message queue, POLLIN, message", (int)queue_fd, POLLIN, send_message, 0);
		send_message(1);
		SAY_MASKS("full message queue", (int)queue_fd);
	} else {
		SAY("message queue", "%s", strerror(errno));
	}
}

static void P19(void)
{
	struct pair p = new_pipe();
	int resfd = eventfd(0, EFD_NONBLOCK), path = open("/dev/null", O_PATH);
	uint64_t count = 0;
	struct iocb iocb;

	SAY_POLL("no such descriptor", 9999, POLLIN);
	SAY_POLL("descriptor -1", -1, POLLIN);
	SAY_POLL("bad descriptor and mask", 9999, 0x10001);
	SAY_POLL("O_PATH", path, POLLIN);
	write_byte(p.fd[1]);
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	io_set_eventfd(&iocb, resfd);
	SAY_OUTCOME("true, with an eventfd", context(), &iocb);
	SAY("its count", "%s", read(resfd, &count, 8) == 8 ? text("%d", (int)count) : "none");
	io_prep_poll(&iocb, p.fd[0], 0x10001);
	io_set_eventfd(&iocb, resfd);
	SAY_OUTCOME("refused, with an eventfd", context(), &iocb);
	SAY("the count of the refused", "%s", read(resfd, &count, 8) == 8 ? text("%d", (int)count) : "none");
	io_prep_poll(&iocb, p.fd[0], POLLIN);
	io_set_eventfd(&iocb, p.fd[0]);
	SAY("a pipe for an eventfd", "%s", outcome_and_key(context(), &iocb));
	read_all(p.fd[0]);
	/* The descriptor is closed, and its number used again, while the poll waits. */
	CHECK(begin_poll(&iocb, p.fd[0], POLLIN) == NULL);
	path = dup(p.fd[0]);
	close(p.fd[0]);
	CHECK(dup2(resfd, p.fd[0]) == p.fd[0]);
	write_eight(resfd);
	sleep_ms(10);
	SAY("number used for another file", "%d events", ready(ctx));
	write_byte(p.fd[1]);
	SAY("and the first written to", "%s", bits_within(5000));
	read_all(path);
	io_prep_poll(&iocb, path, POLLIN);
	iocb.data = (void *)(uintptr_t)POLLIN;
	read_all(resfd);
	io_set_eventfd(&iocb, resfd);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	close(path);
	close(p.fd[1]);
	CHECK_EQ(fcntl(resfd, F_SETFL, 0), 0);
	SAY("all descriptors closed", "%s", bits_within(5000));
	SAY("its count then", "%s", read(resfd, &count, 8) == 8 ? text("%d", (int)count) : "none");
}

static const struct row rows[] = {
	{"P01", P01}, {"P02", P02}, {"P04", P04}, {"P05", P05}, {"P06", P06}, {"P07", P07}, {"P09", P09},
	{"P10", P10}, {"P12", P12}, {"P13", P13}, {"P14", P14}, {"P16", P16}, {"P18", P18}, {"P19", P19},
};

ROWS_MAIN(rows, 4)
