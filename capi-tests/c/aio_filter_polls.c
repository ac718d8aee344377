/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A seccomp filter takes io_uring away while polls are pending, some of descriptors that are closed by then. */
// except: caller, sqpoll (what the filter does is done to the program's own threads)
// old-kernel: no (the ring has a descriptor, and keeps the files of its polls)
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "filter.h"

enum { BLOCK = 4096 };

static int direct, without_kernel;

/* Takes io_uring away, and has the library notice. */
static void take_away(void)
{
	struct iocb iocb;
	io_context_t ctx = setup(1);
	char *memory = (char *)pages(BLOCK);

	if (without_kernel)
		filter_calls(__NR_io_setup, __NR_io_setup, SECCOMP_RET_ERRNO | EAGAIN, 1);
	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, 1);
	io_prep_pread(&iocb, direct, memory, BLOCK, 0);
	EVENT_IS(ctx, &iocb, BLOCK);
}

struct pending {
	io_context_t ctx;
	struct iocb closed, other;
	int write_end, other_end, open_socket, eventfd_;
};

/* A poll whose descriptor is closed, with an eventfd, and one of a socket. */
static void begin(struct pending *p)
{
	struct iocb *list[] = {&p->closed, &p->other};
	int pipe_fd[2], pair[2];

	p->ctx = setup(8);
	p->eventfd_ = eventfd(0, EFD_NONBLOCK);
	CHECK(pipe(pipe_fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	p->write_end = pipe_fd[1];
	p->open_socket = pair[0];
	p->other_end = pair[1];
	io_prep_poll(&p->closed, pipe_fd[0], POLLIN);
	io_set_eventfd(&p->closed, p->eventfd_);
	io_prep_poll(&p->other, pair[0], POLLIN);
	CHECK_EQ(io_submit(p->ctx, 2, list), 2);
	close(pipe_fd[0]);
	take_away();
}

static void await_count(int fd, uint64_t expected)
{
	struct pollfd entry = {fd, POLLIN, 0};
	uint64_t count;

	CHECK_EQ(poll(&entry, 1, 5000), 1);
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK_EQ(count, expected);
}

static void taken_back(void)
{
	struct pending p;
	struct io_event event;

	begin(&p);
	CHECK_EQ(io_cancel(p.ctx, &p.closed, &event), -EINPROGRESS);
	reap(p.ctx, 1, &event);
	CHECK(event.obj == &p.closed);
	CHECK_EQ(event.res, 0);
	await_count(p.eventfd_, 1);
	CHECK_EQ(io_cancel(p.ctx, &p.closed, &event), -EINVAL);
	/* It is over: nobody hears of the pipe any more. */
	CHECK(write(p.write_end, "x", 1) == 1 || errno == EPIPE);
	CHECK_PENDING(p.ctx);
	CHECK_EQ(io_cancel(p.ctx, &p.other, &event), -EINPROGRESS);
	reap(p.ctx, 1, &event);
	CHECK(event.obj == &p.other);
	CHECK_EQ(io_destroy(p.ctx), 0);
}

static void come_true(void)
{
	struct pending p;
	struct io_event event;
	struct pollfd entry = {-1, POLLIN, 0};
	char byte;

	begin(&p);
	/* The library has time to do without the ring altogether. */
	sleep_ms(1200);
	CHECK_EQ(write(p.write_end, "x", 1), 1);
	reap(p.ctx, 1, &event);
	CHECK(event.obj == &p.closed);
	CHECK(event.res & POLLIN);
	await_count(p.eventfd_, 1);
	CHECK_PENDING(p.ctx);
	CHECK_EQ(write(p.other_end, "x", 1), 1);
	reap(p.ctx, 1, &event);
	CHECK(event.obj == &p.other);
	CHECK_EQ(read(p.open_socket, &byte, 1), 1);
	/* Nothing keeps the socket. */
	close(p.open_socket);
	entry.fd = p.other_end;
	CHECK_EQ(poll(&entry, 1, 5000), 1);
	CHECK_EQ(io_destroy(p.ctx), 0);
}

static void destroyed(void)
{
	struct pending p;

	begin(&p);
	CHECK_EQ(io_destroy(p.ctx), 0);
}

static void *write_later(void *fd)
{
	sleep_ms(300);
	CHECK_EQ(write(*(int *)fd, "x", 1), 1);
	return NULL;
}

/* Who sleeps is woken at once. */
static void in_time(void)
{
	struct iocb iocb;
	struct io_event event;
	io_context_t ctx = setup(4);
	pthread_t thread;
	int pipe_fd[2];
	long start;

	take_away();
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	start = now_ms();
	CHECK_EQ(pthread_create(&thread, NULL, write_later, &pipe_fd[1]), 0);
	reap(ctx, 1, &event);
	CHECK_LE(now_ms() - start, 800);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void *stay(void *unused)
{
	sleep_ms(200);
	if (without_kernel)
		filter_calls(__NR_io_setup, __NR_io_setup, SECCOMP_RET_ERRNO | EAGAIN, 1);
	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, 1);
	sleep_ms(2500);
	pthread_exit(unused);
}

/* The last thread, which never had to do with AIO, leaves: that ends the process. */
static void alone(void)
{
	struct iocb iocb;
	io_context_t ctx = setup(4);
	pthread_t thread;
	int pipe_fd[2];

	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
	pthread_exit(NULL);
}

static pid_t in_child(void (*what)(void), int without)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		watchdog();
		without_kernel = without;
		what();
		exit(0);
	}
	return child;
}

int main(void)
{
	static void (*const parts[])(void) = {taken_back, come_true, destroyed, in_time, alone};
	pid_t children[2 * COUNT_OF(parts)];
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	direct = reopen(temp_file(BLOCK, 92), O_RDWR | O_DIRECT);
	for (i = 0; i < COUNT_OF(children); i++)
		children[i] = in_child(parts[i / 2], i % 2);
	for (i = 0; i < COUNT_OF(children); i++)
		wait_exit(children[i], 0);
	return 0;
}
