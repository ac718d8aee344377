/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The symbols of version LIBAIO_0.1 that programs linked twenty years ago ask for. */
#include "aio_check.h"

#include <poll.h>

extern int old_getevents(io_context_t ctx, long nr, struct io_event *events, const struct timespec *timeout);
extern int old_cancel(io_context_t ctx, struct iocb *iocb);
extern int old_queue_wait(io_context_t ctx, struct timespec *timeout);

__asm__(".symver old_getevents, io_getevents@LIBAIO_0.1");
__asm__(".symver old_cancel, io_cancel@LIBAIO_0.1");
__asm__(".symver old_queue_wait, io_queue_wait@LIBAIO_0.1");

int main(void)
{
	io_context_t ctx = setup(8);
	int fd = temp_file(4096, 30), pipe_fd[2];
	struct timespec timeout = {0, 200000000};
	struct iocb iocb, *list[] = {&iocb, &iocb};
	struct io_event events[4];
	char buf[16];
	long start;

	CHECK(pipe(pipe_fd) == 0);
	CHECK_EQ(pread(fd, buf, 16, 0), 16);
	io_prep_pread(&iocb, fd, buf, 16, 0);
	CHECK_EQ(io_submit(ctx, 2, list), 2);
	CHECK_EQ(old_getevents(ctx, 4, events, NULL), 2);
	CHECK(events[0].obj == &iocb && events[1].obj == &iocb);
	start = now_ms();
	CHECK_EQ(old_getevents(ctx, 4, events, &timeout), 0);
	CHECK_ELAPSED(start, 200);
	CHECK_EQ(timeout.tv_sec, 0);
	CHECK_EQ(timeout.tv_nsec, 200000000);
	CHECK_EQ(old_getevents(ctx, 0, events, NULL), -EINVAL);

	start = now_ms();
	CHECK_EQ(old_queue_wait(ctx, NULL), 0);
	CHECK_EQ(old_queue_wait(ctx, &timeout), 0);
	CHECK_LE(now_ms() - start, 150);

	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(old_cancel(ctx, &iocb), -EINVAL);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(old_cancel(ctx, &iocb), -EINPROGRESS);
	CHECK_EQ(old_cancel(ctx, &iocb), -EINVAL);
	reap(ctx, 1, events);
	CHECK(events[0].obj == &iocb && events[0].res == 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
