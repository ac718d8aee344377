/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel in children, in signal handlers, while the context is destroyed, out of a wait by a jump, and when the
   thread that submitted has ended. */
#include <aiouring.h>
#include <poll.h>
#include <setjmp.h>

#include "aio_check.h"
#include "slow_device.h"

enum { BLOCK = 4096, BLOCKS = 256, WAITS = 40 };

#define ALL AIOURING_CANCEL_ALL
#define WAIT AIOURING_CANCEL_WAIT

static io_context_t ctx;
/* Who enters the kernel. */
static enum { LIBRARY, OWN, CALLER, SQPOLL } itself;
static int pipe_fd[2], device, file;
static char *memory;
static long next_block;
static struct iocb iocb, poll_iocb;
static volatile int answer, interrupts;
static sigjmp_buf place;

static void start_poll(void)
{
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);
}

/* In flight until the device is released. */
static void start_read(void)
{
	slow_hold();
	io_prep_pread(&iocb, device, memory, BLOCK, ++next_block * BLOCK);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
}

static void check_event(struct iocb *expected, long result)
{
	struct io_event event;

	reap(ctx, 1, &event);
	CHECK(event.obj == expected);
	CHECK_EQ((int64_t)event.res, result);
	CHECK_EQ(ready(ctx), 0);
}

/* It has been waited for, unless it was over before: another thread may be early. */
static void is_over(int result)
{
	CHECK(result == -EALREADY || result == -ENOENT);
}

/* The child of a fork has no context; what the parent has goes on. */
static void forked(void)
{
	pid_t pid;

	start_poll();
	pid = fork();
	if (pid == 0) {
		watchdog();
		CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), -EINVAL);
		CHECK_EQ(aiouring_cancel(ctx, &poll_iocb, -1, AIOURING_CANCEL_IOCB, NULL), -EINVAL);
		_exit(0);
	}
	wait_exit(pid, 0);
	CHECK_PENDING(ctx);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), 1);
	check_event(&poll_iocb, -ECANCELED);
}

/* That of a vfork has the parent's contexts. */
static void vforked(void)
{
	struct timespec limit = {0, 30000000};
	pid_t pid;

	start_poll();
	pid = vfork();
	if (pid == 0) {
		answer = aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL);
		_exit(0);
	}
	wait_exit(pid, 0);
	/* The kernel may need the thread for it that submitted, which is this one. */
	CHECK_EQ(answer, itself == CALLER ? -EDEADLK : 1);
	check_event(&poll_iocb, -ECANCELED);

	/* It does not wait for what cannot come before it is gone. */
	start_read();
	pid = vfork();
	if (pid == 0) {
		answer = aiouring_cancel(ctx, NULL, device, AIOURING_CANCEL_FD | WAIT, &limit);
		_exit(0);
	}
	wait_exit(pid, 0);
	CHECK_EQ(answer, itself == OWN || itself == CALLER ? -EDEADLK : -ETIME);
	slow_release();
	check_event(&iocb, BLOCK);
}

static void cancel_in_handler(int signo)
{
	(void)signo;
	if (answer == 0)
		answer = aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL);
}

static void cancel_and_jump(int signo)
{
	(void)signo;
	if (answer == 0) {
		answer = 1;
		siglongjmp(place, 1);
	}
}

static void nothing(int signo)
{
	(void)signo;
}

static void handle(int signo, void (*handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

static void *interrupt(void *thread)
{
	/* It may be slow to come to where it waits. */
	while (interrupts) {
		sleep_ms(20);
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
	}
	return NULL;
}

static pthread_t start_interrupts(void)
{
	static pthread_t self;
	pthread_t thread;

	self = pthread_self();
	answer = 0;
	interrupts = 1;
	CHECK_EQ(pthread_create(&thread, NULL, interrupt, &self), 0);
	return thread;
}

static void end_interrupts(pthread_t thread)
{
	interrupts = 0;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* A handler takes back what the call that it interrupts waits for. */
static void in_handler(void)
{
	pthread_t thread, releaser;
	struct io_event event;

	handle(SIGUSR1, cancel_in_handler);
	start_poll();
	thread = start_interrupts();
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	end_interrupts(thread);
	CHECK_EQ(answer, 1);
	CHECK_EQ((int64_t)event.res, -ECANCELED);

	/* And within another call of its own kind, which it ends. */
	start_read();
	start_poll();
	handle(SIGUSR1, nothing);
	thread = start_interrupts();
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB | WAIT, NULL), -EINTR);
	end_interrupts(thread);
	handle(SIGUSR1, cancel_in_handler);
	thread = start_interrupts();
	releaser = slow_release_in(60);
	/* The handler waits for the read, too, so it is over when this call looks again, or when it comes. */
	is_over(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB | WAIT, NULL));
	while (answer == 0)
		sleep_ms(1);
	end_interrupts(thread);
	CHECK_EQ(pthread_join(releaser, NULL), 0);
	CHECK_EQ(answer, 1);
	CHECK_EQ(ready(ctx), 2);
}

/* Out of the wait: the library goes on, and the request was marked all the same. */
static void jumped(void)
{
	static pthread_t thread;

	handle(SIGUSR1, cancel_and_jump);
	start_read();
	if (sigsetjmp(place, 1) == 0) {
		thread = start_interrupts();
		aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL);
		FAIL("the wait has ended");
	}
	end_interrupts(thread);
	CHECK_EQ(ready(ctx), 0);
	thread = slow_release_in(20);
	is_over(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	check_event(&iocb, BLOCK);
}

static void *destroy_later(void *context)
{
	sleep_ms(40);
	return (void *)(intptr_t)io_destroy((io_context_t)context);
}

static void *wait_for_all(void *context)
{
	return (void *)(intptr_t)aiouring_cancel((io_context_t)context, NULL, -1, ALL | WAIT, NULL);
}

/* The context goes while one waits: the wait ends, and what is in flight holds up the other. */
static void destroyed(void)
{
	pthread_t thread, waiter, releaser;
	void *result;

	start_read();
	CHECK_EQ(pthread_create(&waiter, NULL, wait_for_all, ctx), 0);
	CHECK_EQ(pthread_create(&thread, NULL, destroy_later, ctx), 0);
	releaser = slow_release_in(100);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((intptr_t)result, 0);
	CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)next_block * BLOCK);
	CHECK_EQ(pthread_join(waiter, &result), 0);
	CHECK_EQ((intptr_t)result, -EINVAL);
	CHECK_EQ(pthread_join(releaser, NULL), 0);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL, NULL), -EINVAL);
	ctx = setup(8);
}

static void *submit_and_end(void *arg)
{
	struct iocb warm;
	char *here = (char *)pages(BLOCK);
	int i;

	(void)arg;
	for (i = 0; i < WAITS; i++) {
		io_prep_pread(&warm, file, here, BLOCK, i * BLOCK);
		EVENT_IS(ctx, &warm, BLOCK);
	}
	munmap(here, BLOCK);
	start_read();
	return NULL;
}

/* What the thread that submitted cannot say any more. */
static void ended(void)
{
	io_context_t before = ctx;
	pthread_t thread;

	ctx = setup(8);
	CHECK_EQ(pthread_create(&thread, NULL, submit_and_end, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL, NULL), -EALREADY);
	thread = slow_release_in(40);
	is_over(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB | WAIT, NULL));
	CHECK_EQ(ready(ctx), 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)next_block * BLOCK);
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = before;
}

int main(void)
{
	const char *issuer = getenv("AIOURING_ISSUER");

	if (issuer)
		itself = !strcmp(issuer, "own") ? OWN : !strcmp(issuer, "caller") ? CALLER : SQPOLL;
	memory = (char *)pages(BLOCK);
	CHECK(pipe(pipe_fd) == 0);
	file = reopen(temp_file(WAITS * BLOCK, 41), O_RDONLY | O_DIRECT);
	device = slow_device((size_t)BLOCKS * BLOCK, 40);
	slow_release();
	ctx = setup(8);
	forked();
	vforked();
	in_handler();
	jumped();
	destroyed();
	ended();
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
