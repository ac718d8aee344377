/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* 200 contexts at once, each with a request in flight; their ends are left to the end of the process. */
#include "aio_check.h"

#include <poll.h>

enum { CONTEXTS = 200, BLOCK = 4096 };

static io_context_t ctx[CONTEXTS];
static struct iocb iocb[CONTEXTS];

int main(void)
{
	int fd = temp_file(CONTEXTS * BLOCK, 31), direct = reopen(fd, O_RDONLY | O_DIRECT), pipe_fd[2], i;
	char *memory = (char *)pages(CONTEXTS * BLOCK);
	struct io_event event;

	CHECK(pipe(pipe_fd) == 0);
	drop_cache(fd, 0, 0);
	for (i = 0; i < CONTEXTS; i++) {
		ctx[i] = setup(1);
		CHECK(i == 0 || ctx[i] != ctx[i - 1]);
	}
	for (i = 0; i < CONTEXTS; i++) {
		io_prep_pread(&iocb[i], i % 2 ? direct : fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		iocb[i].data = (void *)(uintptr_t)i;
		CHECK_EQ(submit_one(ctx[i], &iocb[i]), 1);
	}
	for (i = CONTEXTS; i-- > 0;) {
		reap(ctx[i], 1, &event);
		CHECK(event.obj == &iocb[i] && event.data == (void *)(uintptr_t)i);
		CHECK_EQ(event.res, BLOCK);
		CHECK_PATTERN(memory + i * BLOCK, BLOCK, 31, (uint64_t)i * BLOCK);
		CHECK_EQ(ready(ctx[i]), 0);
	}
	/* A poll in each, all answered by one write. */
	for (i = 0; i < CONTEXTS; i++) {
		io_prep_poll(&iocb[i], pipe_fd[0], POLLIN);
		CHECK_EQ(submit_one(ctx[i], &iocb[i]), 1);
	}
	for (i = 0; i < 3; i++) {
		CHECK_EQ(io_destroy(ctx[i]), 0);
		CHECK_EQ(io_destroy(ctx[i]), -EINVAL);
	}
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	for (i = 3; i < CONTEXTS; i++) {
		reap(ctx[i], 1, &event);
		CHECK(event.obj == &iocb[i]);
		CHECK_EQ(event.res & POLLIN, POLLIN);
	}
	return 0;
}
