/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_queue_init, io_queue_release, io_queue_wait and io_queue_run, the oldest calls. */
#include "aio_check.h"

static io_context_t seen_ctx;
static struct iocb *seen_iocb[8];
static long seen_res[8], seen_res2[8];
static int seen;

static void callback(io_context_t ctx, struct iocb *iocb, long res, long res2)
{
	seen_ctx = ctx;
	seen_iocb[seen] = iocb;
	seen_res[seen] = res;
	seen_res2[seen] = res2;
	seen++;
}

/* A callback may itself submit: the new event is part of the same run if it is there in time. */
static void resubmit(io_context_t ctx, struct iocb *iocb, long res, long res2)
{
	callback(ctx, iocb, res, res2);
	io_set_callback(iocb, callback);
	CHECK_EQ(submit_one(ctx, iocb), 1);
}

int main(void)
{
	io_context_t garbage = (io_context_t)(uintptr_t)0x1234567, ctx = garbage;
	struct timespec tenth = {0, 100000000};
	struct iocb iocb[3], *list[3];
	char buf[3][16];
	int fd = temp_file(100, 3), i;
	long start;

	CHECK_EQ(io_queue_init(0, &ctx), -EINVAL);
	CHECK(ctx == garbage);
	CHECK_EQ(io_queue_init(-1, &ctx), -EINVAL);
	CHECK(ctx == garbage);
	CHECK_EQ(io_queue_init(0x7fffffff, &ctx), -EINVAL);
	CHECK(ctx == NULL);
	ctx = garbage;
	CHECK_EQ(io_queue_init(4194304, &ctx), -EAGAIN);
	CHECK(ctx == NULL);
	ctx = garbage;
	CHECK_EQ(io_queue_init(16, &ctx), 0);
	CHECK(ctx != NULL && ctx != garbage);

	/* Waiting is not what io_queue_wait does. */
	start = now_ms();
	CHECK_EQ(io_queue_wait(ctx, NULL), 0);
	CHECK_EQ(io_queue_wait(ctx, &tenth), 0);
	CHECK_ELAPSED(start, 0);
	CHECK_EQ(io_queue_run(ctx), 0);
	CHECK_EQ(seen, 0);

	for (i = 0; i < 3; i++) {
		io_prep_pread(&iocb[i], fd, buf[i], 16, 30 * i + 20);
		io_set_callback(&iocb[i], callback);
		list[i] = &iocb[i];
	}
	iocb[2].u.c.offset = 92;
	/* Reading them once puts them in the cache: their events are there when io_submit returns. */
	CHECK_EQ(pread(fd, buf[0], 16, 0), 16);
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	CHECK_EQ(io_queue_wait(ctx, NULL), 0);
	CHECK_EQ(io_queue_run(ctx), 0);
	CHECK_EQ(seen, 3);
	CHECK(seen_ctx == ctx);
	for (i = 0; i < 3; i++) {
		CHECK(seen_iocb[i] == &iocb[i]);
		CHECK_EQ(seen_res[i], i < 2 ? 16 : 8);
		CHECK_EQ(seen_res2[i], 0);
	}
	CHECK_EQ(io_queue_run(ctx), 0);
	CHECK_EQ(seen, 3);

	/* A negative result arrives as a negative number. */
	io_prep_pread(&iocb[0], fd, hole(), 16, 0);
	io_set_callback(&iocb[0], callback);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_queue_run(ctx), 0);
	CHECK_EQ(seen, 4);
	CHECK_EQ(seen_res[3], -EFAULT);

	io_prep_pread(&iocb[0], fd, buf[0], 16, 0);
	io_set_callback(&iocb[0], resubmit);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	CHECK_EQ(io_queue_run(ctx), 0);
	CHECK_EQ(seen, 6);

	CHECK_EQ(io_queue_run(NULL), -EINVAL);
	CHECK_EQ(io_queue_wait(NULL, NULL), -EINVAL);
	CHECK_EQ(io_queue_release(ctx), 0);
	CHECK_EQ(io_queue_release(ctx), -EINVAL);
	CHECK_EQ(io_queue_release(NULL), -EINVAL);
	return 0;
}
