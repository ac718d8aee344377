/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The only thread of a program leaves by pthread_exit, and an exit handler ends a context with a poll pending. */
#include <poll.h>

#include "aio_check.h"

static io_context_t ctx;

static void destroy(void)
{
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	static struct iocb iocb;
	pid_t child = fork();
	int ends[2];

	CHECK(child >= 0);
	if (child != 0) {
		wait_exit(child, 0);
		return 0;
	}
	watchdog();
	CHECK(pipe(ends) == 0 && atexit(destroy) == 0);
	ctx = setup(8);
	io_prep_poll(&iocb, ends[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	pthread_exit(NULL);
}
