/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A signal handler that interrupts a wait destroys the context, or forks and returns in the child; a thread is
 * cancelled while it waits. */
#include "aio_check.h"

static io_context_t ctx;
static volatile int destroyed;
static volatile pid_t child;

static void destroy(int signo)
{
	(void)signo;
	destroyed = io_destroy(ctx);
}

static void branch(int signo)
{
	(void)signo;
	child = fork();
}

/* Sends one signal in a while. */
static void soon(int signo, void (*action)(int))
{
	struct sigaction how;
	pid_t self = getpid(), sender;

	memset(&how, 0, sizeof(how));
	how.sa_handler = action;
	CHECK(sigaction(signo, &how, NULL) == 0);
	sender = fork();
	CHECK(sender >= 0);
	if (sender == 0) {
		sleep_ms(100);
		kill(self, signo);
		_exit(0);
	}
}

static int wait_for_one(int masked)
{
	struct io_event event;
	sigset_t none;

	sigemptyset(&none);
	return masked ? io_pgetevents(ctx, 1, 1, &event, NULL, &none) : io_getevents(ctx, 1, 1, &event, NULL);
}

static void *wait_until_cancelled(void *arg)
{
	(void)arg;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	wait_for_one(0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int masked;

	for (masked = 0; masked < 2; masked++) {
		ctx = setup(8);
		destroyed = 1;
		soon(SIGUSR1, destroy);
		CHECK_EQ(wait_for_one(masked), -EINTR);
		CHECK_EQ(destroyed, 0);

		ctx = setup(8);
		soon(SIGUSR2, branch);
		CHECK_EQ(wait_for_one(masked), -EINTR);
		if (child == 0) {
			watchdog();
			CHECK_EQ(io_destroy(ctx), -EINVAL);
			ctx = setup(8);
			CHECK_EQ(ready(ctx), 0);
			CHECK_EQ(io_destroy(ctx), 0);
			_exit(0);
		}
		wait_exit(child, 0);
		CHECK_EQ(io_destroy(ctx), 0);
	}

	ctx = setup(8);
	CHECK_EQ(pthread_create(&thread, NULL, wait_until_cancelled, NULL), 0);
	sleep_ms(100);
	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
