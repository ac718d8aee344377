/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_getevents: min_nr, nr, the array, and what a bad argument costs. */
#include "aio_check.h"

#include <limits.h>

static io_context_t ctx;
static int fd;
static struct iocb iocb[16];
static char buf[16][16];
static struct io_event events[16];
static struct timespec zero, second = {1, 0}, tenth = {0, 100000000};

/* Makes `count` events that are there when this returns, with data 0, 1, ... */
static void make_ready(int count)
{
	int i;

	for (i = 0; i < count; i++) {
		io_prep_pread(&iocb[i], fd, buf[i], 16, 0);
		iocb[i].data = (void *)(uintptr_t)i;
		CHECK_EQ(submit_one(ctx, &iocb[i]), 1);
	}
}

static void bad_numbers(void)
{
	CHECK_EQ(io_getevents(ctx, 2, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 2, 1, events, &tenth), -EINVAL);
	/* An empty ring asked with a zero timeout answers 0 before anything is checked. */
	CHECK_EQ(io_getevents(ctx, 2, 1, events, &zero), 0);
	CHECK_EQ(io_getevents(ctx, -1, -1, NULL, &zero), 0);
	make_ready(1);
	CHECK_EQ(io_getevents(ctx, 2, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 2, 1, events, &zero), -EINVAL);
	CHECK_EQ(io_getevents(ctx, -1, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 0, -1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, -2, -1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), 1);
}

static void counts(void)
{
	long start = now_ms();
	int i;

	CHECK_EQ(io_getevents(ctx, 0, 0, NULL, NULL), 0);
	/* With min_nr 0 it never waits. */
	CHECK_EQ(io_getevents(ctx, 0, 4, events, NULL), 0);
	CHECK_EQ(io_getevents(ctx, 0, 4, events, &second), 0);
	CHECK_LE(now_ms() - start, 900);

	make_ready(2);
	CHECK_EQ(io_getevents(ctx, 0, 0, NULL, NULL), 0);
	CHECK_EQ(io_getevents(ctx, 0, 4, events, NULL), 2);

	/* First in, first out, one at a time. */
	make_ready(3);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), 1);
		CHECK(events[0].data == (void *)(uintptr_t)i);
		CHECK(events[0].obj == &iocb[i]);
		CHECK_EQ(events[0].res, 16);
	}
	CHECK_EQ(io_getevents(ctx, 1, 1, events, &zero), 0);

	make_ready(5);
	CHECK_EQ(io_getevents(ctx, 1, 10, events, NULL), 5);
	for (i = 0; i < 5; i++)
		CHECK(events[i].data == (void *)(uintptr_t)i);

	/* Fewer than min_nr: what there is, once the timeout is over. */
	make_ready(1);
	CHECK_EQ(io_getevents(ctx, 2, 2, events, &zero), 1);
	make_ready(2);
	start = now_ms();
	CHECK_EQ(io_getevents(ctx, 3, 10, events, &tenth), 2);
	CHECK_ELAPSED(start, 100);
	make_ready(3);
	CHECK_EQ(io_getevents(ctx, 1, LONG_MAX, events, NULL), 3);
}

static void bad_memory(void)
{
	struct io_event *edge;

	/* The events stay when they cannot be delivered. */
	make_ready(1);
	CHECK_EQ(io_getevents(ctx, 1, 1, NULL, NULL), -EFAULT);
	CHECK_EQ(io_getevents(ctx, 1, 1, (struct io_event *)(void *)hole(), NULL), -EFAULT);
	CHECK_EQ(io_getevents(ctx, 1, 1, (struct io_event *)(void *)KERNEL_ADDRESS, NULL), -EFAULT);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), 1);
	CHECK_EQ(events[0].res, 16);
	/* Nothing to deliver: the array is not touched. */
	CHECK_EQ(io_getevents(ctx, 1, 1, NULL, &tenth), 0);

	/* An array whose second half is not mapped. */
	edge = (struct io_event *)(void *)(pages_before_hole(4096) + 4096) - 2;
	make_ready(4);
	printf("array for 2 of 4 events: %d\n", io_getevents(ctx, 4, 4, edge, NULL));
	printf("left: %d\n", ready(ctx));
}

static void bad_contexts(void)
{
	io_context_t page = (io_context_t)pages(4096);

	CHECK_EQ(io_getevents(NULL, 0, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(NULL, 0, 1, events, &zero), -EINVAL);
	CHECK_EQ(io_getevents(NULL, 2, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(page, 0, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(page, 1, 1, events, &zero), -EINVAL);
	errno = 1234;
	CHECK_EQ(io_getevents(page, 1, 1, events, &tenth), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 2, 1, events, NULL), -EINVAL);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, &tenth), 0);
	CHECK_EQ(errno, 1234);
}

int main(void)
{
	ctx = setup(16);
	fd = temp_file(4096, 14);
	CHECK_EQ(pread(fd, buf, 256, 0), 256);
	bad_numbers();
	counts();
	bad_memory();
	bad_contexts();
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
