/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Uses a context, waits for a line on standard input, and uses it again, and another one. */
#include "aio_check.h"

#include <poll.h>

int main(void)
{
	int file = temp_file(65536, 95), direct = reopen(file, O_RDWR | O_DIRECT), pipe_fd[2];
	char *memory = (char *)pages(65536), line[8];
	io_context_t ctx = setup(8);
	struct iocb iocb, poll_iocb;
	struct io_event event;

	io_prep_pread(&iocb, direct, memory, 65536, 0);
	EVENT_IS(ctx, &iocb, 65536);
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);
	CHECK(write(1, "ready\n", 6) == 6);
	CHECK(read(0, line, sizeof(line)) > 0);
	memset(memory, 0, 65536);
	EVENT_IS(ctx, &iocb, 65536);
	CHECK_PATTERN(memory, 65536, 95, 0);
	CHECK(write(pipe_fd[1], "x", 1) == 1);
	reap(ctx, 1, &event);
	CHECK(event.obj == &poll_iocb);
	memset(memory, 0, 65536);
	EVENT_IS(setup(8), &iocb, 65536);
	CHECK_PATTERN(memory, 65536, 95, 0);
	return 0;
}
