/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A write that was taken back while it waited for a worker of the kernel is not done, and one that was not is. */
#include <aiouring.h>

#include "aio_check.h"
#include "slow_device.h"

enum { PAGE = 4096, PART = 512, COUNT = 150, BLOCKS = COUNT * 16 };

#define ALL AIOURING_CANCEL_ALL
#define WAIT AIOURING_CANCEL_WAIT

static int buffered;
static char *memory;

static off_t place(long i)
{
	return i * 16 * PAGE + PART;
}

static void *release_later(void *unused)
{
	sleep_ms(30);
	slow_release();
	return unused;
}

int main(void)
{
	static struct iocb iocb[COUNT], *list[COUNT];
	static struct io_event events[COUNT];
	char *part = (char *)pages(PAGE);
	long i, answer, answered, taken = 0;
	pthread_t releaser;
	io_context_t ctx;

	CHECK(setenv("AIOURING_WRITE", "async", 1) == 0);
	memory = (char *)pages(COUNT * PART);
	slow_device((size_t)BLOCKS * PAGE, 40);
	slow_release();
	buffered = open(slow_path, O_RDWR);
	CHECK(buffered >= 0);
	drop_cache(buffered, 0, 0);
	ctx = setup(COUNT);

	/* Each of a part of a page that has to be read first. */
	slow_hold();
	for (i = 0; i < COUNT; i++) {
		fill(memory + i * PART, PART, 41, (uint64_t)place(i));
		io_prep_pwrite(&iocb[i], buffered, memory + i * PART, PART, place(i));
		iocb[i].data = (void *)i;
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
	sleep_ms(30);
	answer = aiouring_cancel(ctx, NULL, -1, ALL, NULL);
	if (answer == -EALREADY)
		SKIP("the kernel has many workers");
	CHECK_GE(answer, 1);
	CHECK_EQ(pthread_create(&releaser, NULL, release_later, NULL), 0);
	answered = aiouring_cancel(ctx, NULL, buffered, AIOURING_CANCEL_FD | WAIT, NULL);
	CHECK(answered == -EALREADY || answered == -ENOENT);
	/* What they were to write is no longer there. */
	memset(memory, 0x5a, COUNT * PART);
	CHECK_EQ(pthread_join(releaser, NULL), 0);
	CHECK_EQ(io_getevents(ctx, 0, COUNT, events, &(struct timespec){0, 0}), COUNT);
	for (i = 0; i < COUNT; i++) {
		long which = (long)events[i].data;
		int done = (int64_t)events[i].res != -ECANCELED;

		CHECK(events[i].obj == &iocb[which]);
		if (done)
			CHECK_EQ((int64_t)events[i].res, PART);
		taken += !done;
		CHECK_EQ(pread(buffered, part, PART, place(which)), PART);
		CHECK_PATTERN(part, PART, done ? 41 : 40, (uint64_t)place(which));
	}
	CHECK_EQ(taken, answer);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
