/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_cancel: polls can be cancelled, everything else is left alone. */
#include "aio_check.h"

#include <poll.h>

enum { BLOCK = 4096, DEPTH = 16, BIG = 1 << 20 };

int main(void)
{
	io_context_t ctx = setup(DEPTH), bad[] = {NULL, (io_context_t)-1, (io_context_t)pages(4096)}, other = setup(4);
	struct io_event event, events[DEPTH];
	struct iocb iocb[DEPTH], *list[DEPTH];
	int pipe_fd[2], fd = temp_file(BIG, 18), direct = reopen(fd, O_RDWR | O_DIRECT);
	char *memory = (char *)pages(DEPTH * (size_t)BIG);
	size_t i;

	CHECK(pipe(pipe_fd) == 0);
	errno = 1234;

	/* The iocb is read before anything is looked at. */
	CHECK_EQ(io_cancel(NULL, NULL, &event), -EFAULT);
	CHECK_EQ(io_cancel(ctx, NULL, &event), -EFAULT);
	CHECK_EQ(io_cancel(ctx, (struct iocb *)(void *)KERNEL_ADDRESS, &event), -EFAULT);
	CHECK_EQ(io_cancel(ctx, (struct iocb *)(void *)hole(), &event), -EFAULT);
	io_prep_poll(&iocb[0], pipe_fd[0], POLLIN);
	for (i = 0; i < COUNT_OF(bad); i++) {
		CHECK_EQ(io_cancel(bad[i], &iocb[0], &event), -EINVAL);
		iocb[0].key = 1;
		CHECK_EQ(io_cancel(bad[i], &iocb[0], &event), -EINVAL);
		iocb[0].key = 0;
	}
	/* Never submitted. */
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);

	/* A pending poll: the event comes through the ring, the result pointer is not used. */
	iocb[0].data = (void *)5;
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_cancel(other, &iocb[0], &event), -EINVAL);
	iocb[0].key = 1;
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
	iocb[0].key = 0;
	memset(&event, 0x55, sizeof(event));
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINPROGRESS);
	CHECK_EQ(((unsigned char *)&event)[0], 0x55);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
	reap(ctx, 1, &event);
	CHECK(event.obj == &iocb[0] && event.data == (void *)5);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(event.res2, 0);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
	CHECK_PENDING(ctx);

	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_cancel(ctx, &iocb[0], NULL), -EINPROGRESS);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, 0);

	/* Submitted twice: the first comes first. */
	for (i = 0; i < 2; i++) {
		iocb[0].data = (void *)(i + 1);
		CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	}
	for (i = 0; i < 2; i++) {
		CHECK_EQ(io_cancel(ctx, &iocb[0], NULL), -EINPROGRESS);
		reap(ctx, 1, &event);
		CHECK(event.obj == &iocb[0] && event.data == (void *)(i + 1));
	}

	/* One of several: the others stay. */
	for (i = 0; i < 4; i++) {
		io_prep_poll(&iocb[i], pipe_fd[0], POLLIN);
		CHECK_EQ(submit_one(ctx, &iocb[i]), 1);
	}
	CHECK_EQ(io_cancel(ctx, &iocb[2], &event), -EINPROGRESS);
	reap(ctx, 1, &event);
	CHECK(event.obj == &iocb[2]);
	CHECK_PENDING(ctx);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 3, events);
	for (i = 0; i < 3; i++) {
		CHECK(events[i].obj != &iocb[2]);
		CHECK_EQ(events[i].res & POLLIN, POLLIN);
	}
	/* True already, its event not yet reaped. */
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, POLLIN);

	/* A read that is done, before and after its event is reaped. */
	io_prep_pread(&iocb[0], fd, memory, BLOCK, 0);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
	reap(ctx, 1, &event);
	CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);

	/* Disk I/O in flight: refused, and it completes as if nothing had been asked. */
	drop_cache(fd, 0, 0);
	for (i = 0; i < DEPTH; i++) {
		io_prep_pread(&iocb[i], direct, memory + i * BIG, BIG, 0);
		list[i] = &iocb[i];
	}
	io_prep_fsync(&iocb[3], fd);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	for (i = DEPTH; i-- > 0;)
		CHECK_EQ(io_cancel(ctx, &iocb[i], &event), -EINVAL);
	reap(ctx, DEPTH, events);
	for (i = 0; i < DEPTH; i++) {
		CHECK_EQ(events[i].res, events[i].obj == &iocb[3] ? 0 : BIG);
		if (i != 3)
			CHECK_PATTERN(memory + i * BIG, BIG, 18, 0);
	}
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(errno, 1234);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
