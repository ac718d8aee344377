/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The eventfd of a request row by row: one count for an event, after the event, whatever the eventfd is like. */
// except: caller,sqpoll (the kernel signals by a link, when it gets to it)
#include "aio_rows.h"

#include <poll.h>
#include <sys/epoll.h>

#include "slow_device.h"

static io_context_t ctx;
static struct timespec zero;
static struct io_event events[64];
static struct iocb iocb[64], *list[64];

/* The count within the time that a signal may take; 0 if there is none. */
static unsigned long long count_of(int fd)
{
	struct pollfd readable = {fd, POLLIN, 0};
	uint64_t count = 0;

	if (poll(&readable, 1, 2000) != 1 || read(fd, &count, 8) != 8)
		return 0;
	return count;
}

/* The count that is there now. */
static unsigned long long count_now(int fd)
{
	struct pollfd readable = {fd, POLLIN, 0};
	uint64_t count = 0;

	if (poll(&readable, 1, 0) != 1 || read(fd, &count, 8) != 8)
		return 0;
	return count;
}

static void prepare(int count, int fd)
{
	int i;

	for (i = 0; i < count; i++) {
		prepare_good(&iocb[i]);
		if (fd >= 0)
			io_set_eventfd(&iocb[i], fd);
		list[i] = &iocb[i];
	}
}

static void V01(void)
{
	static const int flags[] = {0, EFD_NONBLOCK, EFD_SEMAPHORE, EFD_SEMAPHORE | EFD_NONBLOCK};
	static const char *const names[] = {"plain", "EFD_NONBLOCK", "EFD_SEMAPHORE", "both"};
	int fd, other, i;
	size_t kind;

	ctx = setup(64);
	for (kind = 0; kind < COUNT_OF(flags); kind++) {
		fd = eventfd(0, flags[kind]);
		prepare(5, fd);
		SAY_RESULT(text("%s, five reads in one batch", names[kind]), io_submit(ctx, 5, list));
		SAY(text("%s, the count", names[kind]), "%llu", count_now(fd));
		SAY(text("%s, the next count", names[kind]), "%llu", count_now(fd));
		SAY(text("%s, the events", names[kind]), "%d", ready(ctx));
		close(fd);
	}
	fd = eventfd(0, 0);
	other = eventfd(3, 0);
	prepare(9, -1);
	for (i = 0; i < 9; i++)
		if (i % 3)
			io_set_eventfd(&iocb[i], i % 3 == 1 ? fd : other);
	SAY_RESULT("nine reads, two eventfds and none", io_submit(ctx, 9, list));
	SAY("the first count", "%llu", count_now(fd));
	SAY("the other, which was 3", "%llu", count_now(other));
	reap(ctx, 9, events);
	prepare(64, fd);
	SAY_RESULT("64 reads", io_submit(ctx, 64, list));
	SAY("their count", "%llu", count_now(fd));
}

static void V02(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), file = temp_file(65536, 2), direct = reopen(file, O_RDWR | O_DIRECT);
	int pipe_fd[2];
	char *memory = (char *)pages(8192);
	struct iovec vector[2] = {{memory, 4096}, {memory + 4096, 4096}};
	struct iocb one;

	/* Every operation signals once. */
	ctx = setup(64);
	CHECK(pipe(pipe_fd) == 0);
#define SIGNALS(name)                                                                                                  \
	do {                                                                                                           \
		const char *outcome_;                                                                                  \
		io_set_eventfd(&one, fd);                                                                              \
		outcome_ = outcome_of(ctx, &one);                                                                      \
		SAY(name, "%s, count %llu", outcome_, count_of(fd));                                                   \
	} while (0)
	io_prep_pread(&one, file, memory, 4096, 0);
	SIGNALS("read");
	io_prep_pwrite(&one, file, memory, 4096, 0);
	SIGNALS("write");
	io_prep_preadv(&one, file, vector, 2, 0);
	SIGNALS("vectored read");
	io_prep_pwritev(&one, file, vector, 2, 0);
	SIGNALS("vectored write");
	io_prep_pread(&one, direct, memory, 4096, 0);
	SIGNALS("direct read");
	io_prep_pwrite(&one, direct, memory, 4096, 4096);
	SIGNALS("direct write");
	io_prep_pwrite(&one, direct, memory, 4096, 65536);
	SIGNALS("direct write that extends the file");
	io_prep_fsync(&one, file);
	SIGNALS("fsync");
	io_prep_fdsync(&one, file);
	SIGNALS("fdsync");
	io_prep_poll(&one, pipe_fd[1], POLLOUT);
	SIGNALS("poll");
	io_prep_pwrite(&one, pipe_fd[1], memory, 4, 0);
	SIGNALS("write to a pipe");
	io_prep_pread(&one, pipe_fd[0], memory, 4, 0);
	SIGNALS("read of a pipe");
	io_prep_pread(&one, file, memory, 4096, 1 << 20);
	SIGNALS("read beyond the end");
}

static void V03(void)
{
	static const char *const names[] = {"plain", "EFD_NONBLOCK"};
	int kind;

	ctx = setup(64);
	for (kind = 0; kind < 2; kind++) {
		int fd = eventfd(0, kind ? EFD_NONBLOCK : 0);
		struct pollfd state = {fd, POLLIN, 0};
		uint64_t count = UINT64_MAX - 1;
		const char *name = names[kind];

		CHECK_EQ(write(fd, &count, 8), 8);
		prepare(2, fd);
		SAY_RESULT(text("%s, full, two reads", name), io_submit(ctx, 2, list));
		CHECK_EQ(poll(&state, 1, 2000), 1);
		SAY(text("%s, poll", name), "0x%x", state.revents);
		SAY(text("%s, events", name), "%d", io_getevents(ctx, 2, 2, events, &zero));
		CHECK_EQ(read(fd, &count, 8), 8);
		SAY(text("%s, count", name), "%s", count == UINT64_MAX ? "UINT64_MAX" : "less");
		prepare(2, fd);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		SAY(text("%s, count of two more", name), "%llu", count_of(fd));
		count = UINT64_MAX - 3;
		CHECK_EQ(write(fd, &count, 8), 8);
		prepare(2, fd);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		CHECK_EQ(poll(&state, 1, 2000), 1);
		SAY(text("%s, two below full, poll", name), "0x%x", state.revents);
		CHECK_EQ(read(fd, &count, 8), 8);
		SAY(text("%s, two below full, count", name), "%s",
		    count == UINT64_MAX - 1 ? "UINT64_MAX - 1" : "another");
		reap(ctx, 4, events);
		close(fd);
	}
}

static void V04(void)
{
	int fd = eventfd(0, 0), direct = reopen(temp_file(1 << 20, 4), O_RDONLY | O_DIRECT), round, early = 0, i;
	char *memory = (char *)pages(16 * 4096);
	uint64_t count;

	/* Who has read a count finds as many events. */
	ctx = setup(64);
	for (round = 0; round < 50; round++) {
		int taken = 0;

		for (i = 0; i < 16; i++) {
			io_prep_pread(&iocb[i], direct, memory + i * 4096, 4096, (round * 16 + i) % 256 * 4096);
			io_set_eventfd(&iocb[i], fd);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, 16, list), 16);
		while (taken < 16) {
			CHECK_EQ(read(fd, &count, 8), 8);
			early += io_getevents(ctx, (long)count, (long)count, events, &zero) != (int)count;
			taken += (int)count;
		}
	}
	SAY("counts that were ahead of their events", "%d", early);
}

static void V05(void)
{
	int device = slow_device(1 << 20, 5), fd = eventfd(0, 0), copy = dup(fd), other;
	char *memory = (char *)pages(4096);

	ctx = setup(8);
	slow_hold();
	io_prep_pread(&iocb[0], device, memory, 4096, 0);
	io_set_eventfd(&iocb[0], fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	close(fd);
	other = eventfd(0, 0);
	CHECK_EQ(other, fd);
	SAY("before", "%llu", count_now(copy));
	slow_release();
	SAY("closed, a duplicate", "%llu", count_of(copy));
	SAY("its event", "%d", io_getevents(ctx, 1, 1, events, &zero));
	SAY("the one that got its number", "%llu", count_now(other));
	/* No descriptor is left at all; the event is there nevertheless. */
	slow_hold();
	io_prep_pread(&iocb[0], device, memory, 4096, 4096);
	io_set_eventfd(&iocb[0], other);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	close(other);
	slow_release();
	reap(ctx, 1, events);
	SAY("no descriptor left", "%s", name_of((long)events[0].res));
}

static void V07(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), file = temp_file(4096, 7), pipe_fd[2];
	char *memory = (char *)pages(4096);

	ctx = setup(8);
	CHECK(pipe(pipe_fd) == 0);
	prepare(1, fd);
	iocb[0].aio_lio_opcode = 100;
	SAY_OUTCOME("unknown opcode", ctx, &iocb[0]);
	SAY("its count", "%llu", count_now(fd));
	io_prep_pread(&iocb[0], file, hole(), 4096, 0);
	io_set_eventfd(&iocb[0], fd);
	SAY_OUTCOME("bad buffer", ctx, &iocb[0]);
	SAY("and its count", "%llu", count_of(fd));
	io_prep_pread(&iocb[0], 9999, memory, 4096, 0);
	io_set_eventfd(&iocb[0], fd);
	SAY_OUTCOME("bad descriptor", ctx, &iocb[0]);
	SAY("the count then", "%llu", count_now(fd));
	prepare(3, fd);
	iocb[1].aio_fildes = 9999;
	SAY_RESULT("good, bad, good", io_submit(ctx, 3, list));
	SAY("their count", "%llu", count_of(fd));
	reap(ctx, 1, events);
	io_prep_fsync(&iocb[0], pipe_fd[0]);
	io_set_eventfd(&iocb[0], fd);
	SAY_OUTCOME("fsync of a pipe", ctx, &iocb[0]);
	SAY("and the count", "%llu", count_now(fd));
	prepare(1, file);
	SAY_OUTCOME("a file for an eventfd", ctx, &iocb[0]);
	prepare(1, 9999);
	iocb[0].u.c.resfd = 9999;
	SAY_OUTCOME("a bad eventfd", ctx, &iocb[0]);
}

static void V08(void)
{
	int fd = eventfd(0, 0), pipe_fd[2];
	struct pollfd readable = {fd, POLLIN, 0};
	char byte;

	/* A poll that comes true later, one that is cancelled, one that io_destroy ends. */
	ctx = setup(8);
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb[0], pipe_fd[0], POLLIN);
	io_set_eventfd(&iocb[0], fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	SAY("pending", "%llu", count_now(fd));
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	SAY("true", "%llu", count_of(fd));
	SAY("its event", "%d", io_getevents(ctx, 1, 1, events, &zero));
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_cancel(ctx, &iocb[0], events), -EINPROGRESS);
	SAY("cancelled", "%llu", count_of(fd));
	SAY("and its event", "%d", io_getevents(ctx, 1, 1, events, &zero));
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_destroy(ctx), 0);
	SAY("destroyed", "%llu", count_of(fd));
	/* The eventfd is what is polled. */
	ctx = setup(8);
	io_prep_poll(&iocb[0], fd, POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	prepare_good(&iocb[1]);
	io_set_eventfd(&iocb[1], fd);
	CHECK_EQ(submit_one(ctx, &iocb[1]), 1);
	reap(ctx, 2, events);
	SAY("polled by a request, signalled by another", "%llu", count_of(fd));
	SAY("left", "%s", poll(&readable, 1, 20) == 1 ? "readable" : "not readable");
}

static void V09(void)
{
	int device = slow_device(1 << 20, 9), fd = eventfd(0, 0), epoll_fd = epoll_create1(0), n;
	struct epoll_event interest = {.events = EPOLLIN}, edge = {.events = EPOLLIN | EPOLLET}, got;
	char *memory = (char *)pages(4096);

	ctx = setup(8);
	CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &interest) == 0);
	slow_hold();
	io_prep_pread(&iocb[0], device, memory, 4096, 0);
	io_set_eventfd(&iocb[0], fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	SAY("in flight", "%d", epoll_wait(epoll_fd, &got, 1, 50));
	slow_release();
	n = epoll_wait(epoll_fd, &got, 1, 10000);
	SAY("done", "%d, 0x%x", n, got.events);
	SAY("its event", "%d", io_getevents(ctx, 1, 1, events, &zero));
	SAY("its count", "%llu", count_of(fd));
	CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &edge) == 0);
	prepare(1, fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	SAY("edge-triggered, a cached read", "%d", epoll_wait(epoll_fd, &got, 1, 5000));
	SAY("and again without another", "%d", epoll_wait(epoll_fd, &got, 1, 20));
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	SAY("and with another", "%d", epoll_wait(epoll_fd, &got, 1, 5000));
	SAY("the count of both", "%llu", count_of(fd));
}

static const struct row rows[] = {
	{"V01", V01}, {"V02", V02}, {"V03", V03}, {"V04", V04},
	{"V05", V05}, {"V07", V07}, {"V08", V08}, {"V09", V09},
};

ROWS_MAIN(rows, 4)
