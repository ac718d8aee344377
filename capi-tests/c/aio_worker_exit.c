/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Only a worker uses AIO, and has ended when main(), which never did, leaves by pthread_exit: the process ends. */
#include "aio_check.h"

static void *work(void *arg)
{
	struct timespec soon = {0, 1000000};
	struct io_event event;
	io_context_t ctx = setup(8);

	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &soon), 0);
	return arg;
}

int main(void)
{
	pid_t child = fork();
	pthread_t thread;
	int status;

	if (child == 0) {
		watchdog();
		CHECK_EQ(pthread_create(&thread, NULL, work, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		/* Not at once: whoever watches for the end may have stopped watching. */
		sleep_ms(100);
		pthread_exit(NULL);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	return 0;
}
