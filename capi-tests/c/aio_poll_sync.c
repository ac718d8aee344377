/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The event of a poll is there as soon as the write that makes it true has returned. */
#include "aio_check.h"

#include <poll.h>

int main(void)
{
	io_context_t ctx = setup(4);
	struct timespec zero = {0, 0};
	struct io_event event;
	struct iocb iocb;
	int fd[2], round;
	char byte;

	CHECK(pipe(fd) == 0);
	for (round = 0; round < 100; round++) {
		io_prep_poll(&iocb, fd[0], POLLIN);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		CHECK_EQ(io_getevents(ctx, 0, 1, &event, &zero), 0);
		CHECK_EQ(write(fd[1], "x", 1), 1);
		CHECK_EQ(io_getevents(ctx, 0, 1, &event, round % 2 ? &zero : NULL), 1);
		CHECK_EQ(event.res & POLLIN, POLLIN);
		CHECK_EQ(read(fd[0], &byte, 1), 1);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
