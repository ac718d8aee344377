/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signals while io_getevents and io_pgetevents wait, and the mask of io_pgetevents. */
#include "aio_check.h"

#include <poll.h>

static io_context_t ctx;
static int fd, pipe_fd[2];
static volatile sig_atomic_t handled;
static struct io_event events[4];
static struct timespec zero, second = {1, 0}, tenth = {0, 100000000}, third = {0, 300000000};

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void handle(void (*action_handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = action_handler;
	action.sa_flags = flags;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	handled = 0;
}

/* A child sends SIGUSR1 after 100 ms. */
static pid_t signal_soon(void)
{
	pid_t child = fork();

	if (child == 0) {
		sleep_ms(100);
		_exit(kill(getppid(), SIGUSR1) == 0 ? 0 : 1);
	}
	return child;
}

/* wait_exit where waitpid may be interrupted by a late signal. */
static void join(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) == -1)
		CHECK_EQ(errno, EINTR);
	CHECK_EQ(status, 0);
}

static void make_ready(void)
{
	static struct iocb iocb;
	static char buf[16];

	io_prep_pread(&iocb, fd, buf, 16, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
}

static void getevents(void)
{
	static const int flags[] = {0, SA_RESTART};
	struct timespec timeout = {1, 0};
	size_t i;
	pid_t child;

	for (i = 0; i < COUNT_OF(flags); i++) {
		handle(handler, flags[i]);
		child = signal_soon();
		CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), -EINTR);
		CHECK_EQ(handled, 1);
		join(child);

		handle(handler, flags[i]);
		child = signal_soon();
		CHECK_EQ(io_getevents(ctx, 1, 1, events, &timeout), -EINTR);
		CHECK_EQ(handled, 1);
		CHECK(timeout.tv_sec == 1 && timeout.tv_nsec == 0);
		join(child);

		/* With an event in hand, the event is the answer. */
		handle(handler, flags[i]);
		make_ready();
		child = signal_soon();
		CHECK_EQ(io_getevents(ctx, 2, 2, events, NULL), 1);
		CHECK_EQ(handled, 1);
		join(child);
	}

	/* An ignored signal, and one ignored by default, end no wait. */
	handle(SIG_IGN, 0);
	child = signal_soon();
	{
		long start = now_ms();

		CHECK_EQ(io_getevents(ctx, 1, 1, events, &third), 0);
		CHECK_ELAPSED(start, 300);
	}
	join(child);
}

static void masks(void)
{
	static const int flags[] = {0, SA_RESTART};
	sigset_t block, open, now;
	size_t i;
	pid_t child;
	long start;

	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigemptyset(&open);

	make_ready();
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, NULL, NULL), 1);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, &tenth, NULL), 0);

	/* A bad mask is noticed before an event is taken. */
	make_ready();
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, NULL, (sigset_t *)(void *)hole()), -EFAULT);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, NULL, NULL), 1);

	/* Blocked and pending, and let in by the mask. */
	for (i = 0; i < COUNT_OF(flags); i++) {
		handle(handler, flags[i]);
		CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0);
		CHECK(kill(getpid(), SIGUSR1) == 0);
		CHECK_EQ(io_pgetevents(ctx, 1, 1, events, NULL, &open), -EINTR);
		CHECK_EQ(handled, 1);
		CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
		CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	}
	/* It comes during the wait. */
	handle(handler, 0);
	child = signal_soon();
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, &second, &open), -EINTR);
	CHECK_EQ(handled, 1);
	join(child);

	/* Nothing to wait for: the mask is not applied. */
	handle(handler, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, &zero, &open), 0);
	CHECK_EQ(handled, 0);
	/* Events win over a signal that stays blocked. */
	make_ready();
	CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), 1);
	CHECK_EQ(handled, 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &block, NULL) == 0);
	CHECK_EQ(handled, 1);

	/* The mask blocks a signal that the thread lets in: it waits until the call is over. */
	handle(handler, 0);
	child = signal_soon();
	start = now_ms();
	CHECK_EQ(io_pgetevents(ctx, 1, 1, events, &third, &block), 0);
	CHECK_ELAPSED(start, 300);
	CHECK_EQ(handled, 1);
	join(child);

	CHECK_EQ(io_pgetevents(ctx, 2, 1, events, NULL, &open), -EINVAL);
	CHECK_EQ(io_pgetevents(NULL, 1, 1, events, NULL, &open), -EINVAL);
	CHECK_EQ(io_pgetevents(NULL, 1, 1, events, NULL, (sigset_t *)(void *)hole()), -EFAULT);
}

/* A read of a pipe blocks in io_submit; a handler ends it with EINTR as the result of the request. */
static void submit(void)
{
	static const int flags[] = {0, SA_RESTART};
	struct iocb iocb;
	char byte;
	pid_t child;
	size_t i;

	for (i = 0; i < COUNT_OF(flags); i++) {
		handle(handler, flags[i]);
		io_prep_pread(&iocb, pipe_fd[0], &byte, 1, 0);
		child = signal_soon();
		EVENT_IS(ctx, &iocb, -EINTR);
		CHECK_EQ(handled, 1);
		join(child);
	}
}

int main(void)
{
	char buf[16];

	ctx = setup(8);
	fd = temp_file(4096, 15);
	CHECK_EQ(pread(fd, buf, 16, 0), 16);
	CHECK(pipe(pipe_fd) == 0);
	errno = 1234;
	getevents();
	masks();
	submit();
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
