/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Completions disturb nobody: no other call of the program is interrupted, no signal goes astray. */
// except: caller (completions interrupt who submitted)
#include "aio_check.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { BLOCK = 65536, DEPTH = 16 };

static io_context_t ctx;
static struct iocb iocb[DEPTH], *list[DEPTH];
static char *memory;
static int fd, direct;
static volatile sig_atomic_t handled;
static pthread_t handled_by;

static void handler(int signo)
{
	(void)signo;
	handled++;
	handled_by = pthread_self();
}

/* Reads from the disk, an fsync and a poll that comes true by itself, all of which end in the next 50 ms. */
static void start_requests(void)
{
	int i;

	drop_cache(fd, 0, 0);
	for (i = 0; i < DEPTH; i++) {
		io_prep_pread(&iocb[i], i % 2 ? direct : fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		list[i] = &iocb[i];
	}
	CHECK_EQ(pwrite(fd, memory, 4096, 0), 4096);
	io_prep_fsync(&iocb[0], fd);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
}

static void finish_requests(void)
{
	struct io_event events[DEPTH];

	reap(ctx, DEPTH, events);
}

int main(void)
{
	struct timespec wait = {0, 50000000};
	struct epoll_event event;
	struct sigaction action;
	int pipe_fd[2], socket_fd[2], epoll_fd = epoll_create1(0), round;
	struct timeval receive_limit = {0, 50000};
	sigset_t set, pending;
	char byte;

	memory = (char *)pages(DEPTH * BLOCK);
	fd = temp_file(DEPTH * BLOCK, 37);
	CHECK_EQ(pread(fd, memory, 4096, 0), 4096);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK(pipe(pipe_fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	CHECK(setsockopt(socket_fd[0], SOL_SOCKET, SO_RCVTIMEO, &receive_limit, sizeof(receive_limit)) == 0);
	ctx = setup(DEPTH);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);

	for (round = 0; round < 3; round++) {
		struct pollfd poll_fd = {pipe_fd[0], POLLIN, 0};

		start_requests();
		CHECK_EQ(epoll_wait(epoll_fd, &event, 1, 50), 0);
		finish_requests();
		start_requests();
		CHECK_EQ(poll(&poll_fd, 1, 50), 0);
		finish_requests();
		start_requests();
		CHECK_EQ(nanosleep(&wait, NULL), 0);
		finish_requests();
		start_requests();
		CHECK_EQ(recv(socket_fd[0], &byte, 1, 0), -1);
		CHECK_EQ(errno, EAGAIN);
		finish_requests();
		start_requests();
		CHECK_EQ(sigtimedwait(&set, NULL, &wait), -1);
		CHECK_EQ(errno, EAGAIN);
		finish_requests();
		start_requests();
		CHECK_EQ(usleep(50000), 0);
		finish_requests();
		/* The same while a context goes away. */
		start_requests();
		CHECK_EQ(io_destroy(ctx), 0);
		CHECK_EQ(epoll_wait(epoll_fd, &event, 1, 20), 0);
		ctx = setup(DEPTH);
	}

	/* A signal to the process waits for a thread of the program to take it. */
	start_requests();
	finish_requests();
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	sleep_ms(20);
	CHECK_EQ(handled, 0);
	CHECK(sigpending(&pending) == 0);
	CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK_EQ(handled, 1);
	CHECK(pthread_equal(handled_by, pthread_self()));
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
