/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* More polls hear of one wake-up, which is not theirs, than a ring has room to tell of: they go on, and can be ended. */
#include "aio_check.h"

#include <poll.h>

enum { POLLS = 6000, CANCELLED = 500 };

static struct iocb iocb[POLLS], *list[POLLS];
static struct io_event events[POLLS];
static int fd[2];

/* Polls for what a pipe never has, then data for it. */
static io_context_t crowd(void)
{
	io_context_t ctx = setup(POLLS);

	CHECK(pipe(fd) == 0);
	for (int i = 0; i < POLLS; i++) {
		io_prep_poll(&iocb[i], fd[0], POLLPRI);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, POLLS, list), POLLS);
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	return ctx;
}

static void over(void)
{
	CHECK_EQ(close(fd[0]), 0);
	close(fd[1]);
}

int main(void)
{
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(io_destroy(crowd()), 0);
		over();
	}

	io_context_t ctx = crowd();
	for (int i = 0; i < CANCELLED; i++)
		CHECK_EQ(io_cancel(ctx, &iocb[POLLS - 1 - i], &events[0]), -EINPROGRESS);
	reap(ctx, CANCELLED, events);
	CHECK_EQ(close(fd[1]), 0);
	reap(ctx, POLLS - CANCELLED, events);
	for (int i = 0; i < POLLS - CANCELLED; i++)
		CHECK_EQ(events[i].res, POLLHUP);
	CHECK_EQ(io_destroy(ctx), 0);
	over();
	return 0;
}
