/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pipes, sockets, eventfds: requests are done in order, in io_submit, which blocks if the file does. */
#include "aio_check.h"

#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { COUNT = 16 };

static io_context_t ctx;
static struct iocb iocb[COUNT], *list[COUNT];
static struct io_event events[COUNT];

/* Eight bytes are written 100 ms from now. */
static pid_t write_soon(int fd)
{
	pid_t child = fork();

	if (child == 0) {
		sleep_ms(100);
		_exit(write(fd, "12345678", 8) == 8 ? 0 : 1);
	}
	return child;
}

static void nonblocking(int fd)
{
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static void in_order(int in, int out)
{
	char data[COUNT][4], back[COUNT][4];
	int round, i;

	for (round = 0; round < 50; round++) {
		/* All writes, then all reads, in two batches and in one. */
		for (i = 0; i < COUNT; i++) {
			memset(data[i], round + i, 4);
			io_prep_pwrite(&iocb[i], out, data[i], 4, 0);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
		memset(data, 0, sizeof(data));
		reap(ctx, COUNT, events);
		for (i = 0; i < COUNT; i++) {
			CHECK_EQ(events[i].res, 4);
			io_prep_pread(&iocb[i], in, back[i], 4, 0);
		}
		CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
		reap(ctx, COUNT, events);
		for (i = 0; i < COUNT; i++) {
			CHECK_EQ(events[i].res, 4);
			CHECK(events[i].obj == &iocb[i]);
			CHECK(back[i][0] == (char)(round + i) && back[i][3] == (char)(round + i));
		}
		for (i = 0; i < COUNT; i += 2) {
			memset(data[i], round + i + 1, 4);
			io_prep_pwrite(&iocb[i], out, data[i], 4, 0);
			io_prep_pread(&iocb[i + 1], in, back[i], 4, 0);
		}
		CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
		reap(ctx, COUNT, events);
		for (i = 0; i < COUNT; i += 2)
			CHECK(events[i].res == 4 && memcmp(data[i], back[i], 4) == 0);
	}
}

static void empty(int in, int out)
{
	char buf[16];
	long start = now_ms();
	pid_t child = write_soon(out);

	/* A blocking descriptor: io_submit waits for the data. */
	io_prep_pread(&iocb[0], in, buf, 16, 0);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_ELAPSED(start, 95);
	CHECK_EQ(io_getevents(ctx, 0, 1, events, NULL), 1);
	CHECK_EQ(events[0].res, 8);
	CHECK(memcmp(buf, "12345678", 8) == 0);
	wait_exit(child, 0);
	nonblocking(in);
	EVENT_IS(ctx, &iocb[0], -EAGAIN);
	CHECK_EQ(write(out, "abc", 3), 3);
	EVENT_IS(ctx, &iocb[0], 3);
}

/* A read of a socket may give up after some time, and may wait for more than one byte. */
static void on_signal(int signo)
{
	(void)signo;
}

/* An empty message waits for room as others do, and does not wait again after a signal. */
static void empty_message(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct itimerspec soon = {{0, 20000000}, {0, 50000000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;
	char byte = 'x';
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	while (send(pair[0], &byte, 1, MSG_DONTWAIT) == 1)
		;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
	io_prep_pwrite(iocb, pair[0], &byte, 0, 0);
	EVENT_IS(ctx, iocb, -EINTR);
	timer_delete(timer);
	while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1)
		;
	EVENT_IS(ctx, iocb, 0);
	CHECK_EQ(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	CHECK_EQ(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	close(pair[0]);
	close(pair[1]);
}

static void socket_limits(void)
{
	struct timeval limit = {0, 30000}, none = {0, 0};
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), in = socket(AF_INET, SOCK_STREAM, 0), out, least = 11;
	char buf[100];
	pid_t child;

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(listener, (struct sockaddr *)&address, size) == 0);
	CHECK(listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	CHECK(connect(in, (struct sockaddr *)&address, size) == 0);
	out = accept(listener, NULL, NULL);
	CHECK(out >= 0);

	io_prep_pread(&iocb[0], in, buf, sizeof(buf), 0);
	CHECK(setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	EVENT_IS(ctx, &iocb[0], -EAGAIN);
	CHECK(setsockopt(in, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none)) == 0);
	CHECK(setsockopt(in, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)) == 0);
	CHECK_EQ(write(out, buf, 8), 8);
	child = fork();
	if (child == 0) {
		sleep_ms(100);
		_exit(write(out, buf, 12) == 12 ? 0 : 1);
	}
	EVENT_IS(ctx, &iocb[0], 20);
	wait_exit(child, 0);
	CHECK_EQ(write(out, buf, 8), 8);
	io_prep_pread(&iocb[0], in, buf, 8, 0);
	EVENT_IS(ctx, &iocb[0], 8);
	close(listener);
	close(in);
	close(out);
}

int main(void)
{
	static char big[1 << 20];
	int pipe_fd[2], socket_fd[2], event_fd;
	uint64_t value = 0;
	size_t i;

	ctx = setup(COUNT);
	for (i = 0; i < COUNT; i++)
		list[i] = &iocb[i];
	CHECK(pipe(pipe_fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	in_order(pipe_fd[0], pipe_fd[1]);
	in_order(socket_fd[0], socket_fd[1]);
	empty(pipe_fd[0], pipe_fd[1]);
	empty(socket_fd[0], socket_fd[1]);
	empty_message();
	socket_limits();

	/* A full pipe takes a part and then nothing. */
	nonblocking(pipe_fd[1]);
	io_prep_pwrite(&iocb[0], pipe_fd[1], big, sizeof(big), 0);
	EVENT_IS(ctx, &iocb[0], 65536);
	EVENT_IS(ctx, &iocb[0], -EAGAIN);

	/* Sockets have no position; pipes do not care. */
	io_prep_pread(&iocb[0], socket_fd[0], big, 4, 100);
	EVENT_IS(ctx, &iocb[0], -ESPIPE);
	io_prep_pwrite(&iocb[0], socket_fd[1], big, 4, 100);
	EVENT_IS(ctx, &iocb[0], -ESPIPE);
	io_prep_pread(&iocb[0], pipe_fd[0], big, 4, 100);
	EVENT_IS(ctx, &iocb[0], 4);

	/* End of file. */
	io_prep_pread(&iocb[0], socket_fd[0], big, 4, 0);
	close(socket_fd[1]);
	EVENT_IS(ctx, &iocb[0], 0);

	/* An eventfd can be read, eight bytes at a time. */
	event_fd = eventfd(3, EFD_NONBLOCK);
	io_prep_pread(&iocb[0], event_fd, &value, 4, 0);
	EVENT_IS(ctx, &iocb[0], -EINVAL);
	io_prep_pread(&iocb[0], event_fd, &value, 8, 0);
	EVENT_IS(ctx, &iocb[0], 8);
	CHECK_EQ(value, 3);
	EVENT_IS(ctx, &iocb[0], -EAGAIN);
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
