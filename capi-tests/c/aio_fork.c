/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A child made by fork() cannot use its parent's context, can make its own, and does the parent no harm. */
#include "aio_check.h"

#include <poll.h>

enum { BIG = 1 << 20 };

static io_context_t ctx;
static int fd, direct;
static struct iocb iocb;
static char buf[4096];

static void one_read(io_context_t context)
{
	memset(buf, 0, sizeof(buf));
	io_prep_pread(&iocb, fd, buf, 4096, 4096);
	EVENT_IS(context, &iocb, 4096);
	CHECK_PATTERN(buf, 4096, 23, 4096);
	io_prep_pread(&iocb, direct, pages(4096), 4096, 0);
	EVENT_IS(context, &iocb, 4096);
	io_prep_fsync(&iocb, fd);
	EVENT_IS(context, &iocb, 0);
}

static void run_child(void (*work)(void))
{
	pid_t child = fork();

	if (child == 0) {
		watchdog();
		work();
		_exit(0);
	}
	wait_exit(child, 0);
}

static void parents_context(void)
{
	struct timespec zero = {0, 0};
	struct io_event event;

	CHECK_EQ(io_submit(ctx, 0, NULL), -EINVAL);
	io_prep_pread(&iocb, fd, buf, 16, 0);
	CHECK_EQ(submit_one(ctx, &iocb), -EINVAL);
	CHECK_EQ(io_cancel(ctx, &iocb, &event), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), -EINVAL);
	/* The ring is seen to be empty before anybody asks whose it is. */
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &zero), 0);
	CHECK_EQ(io_destroy(ctx), -EINVAL);
}

static void own_context(void)
{
	io_context_t own = setup(8);

	one_read(own);
	CHECK_EQ(io_destroy(own), 0);
	/* Grandchildren too. */
	own = setup(8);
	one_read(own);
	ctx = own;
	run_child(parents_context);
	one_read(own);
}

static void unmap_ring(void)
{
	CHECK(munmap(ctx, 4096) == 0);
	exit(0);
}

static void nothing(void)
{
}

int main(void)
{
	struct io_event events[2];
	char *memory = (char *)pages(BIG);
	struct iocb pending;
	int pipe_fd[2], round;

	fd = temp_file(BIG, 23);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	/* Before its first use, and after. */
	ctx = setup(1);
	run_child(parents_context);
	one_read(ctx);
	run_child(parents_context);
	one_read(ctx);
	run_child(own_context);
	one_read(ctx);
	run_child(unmap_ring);
	one_read(ctx);

	/* Requests are in flight while children come and go. */
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&pending, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &pending), 1);
	for (round = 0; round < 10; round++) {
		memset(memory, 0, BIG);
		io_prep_pread(&iocb, direct, memory, BIG, 0);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		run_child(round % 2 ? nothing : own_context);
		reap(ctx, 1, events);
		CHECK_EQ(events[0].res, BIG);
		CHECK_PATTERN(memory, 65536, 23, 0);
	}
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, events);
	CHECK(events[0].obj == &pending);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
