/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How many requests a context takes before -EAGAIN, and that reaped events make room again. */
#include "aio_check.h"

#include <poll.h>
#include <sched.h>

static long batch_of_cpus;

/* What a context with this ring takes: whole batches of 4 per possible cpu. */
static long limit_of(io_context_t ctx)
{
	return ((long)ring_of(ctx)->nr - 1) / batch_of_cpus * batch_of_cpus;
}

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)!sched_setaffinity(0, sizeof(set), &set);
}

static void polls(int nr)
{
	static struct iocb iocb[4096];
	io_context_t ctx = setup(nr);
	int pipe_fd[2], count = 0, result;

	CHECK(pipe(pipe_fd) == 0);
	for (;; count++) {
		CHECK(count < (int)COUNT_OF(iocb));
		io_prep_poll(&iocb[count], pipe_fd[0], POLLIN);
		result = submit_one(ctx, &iocb[count]);
		if (result != 1)
			break;
	}
	CHECK_EQ(result, -EAGAIN);
	CHECK_EQ(count, limit_of(ctx));
	/* The other cpu has no more of them. */
	on_cpu(1);
	CHECK_EQ(submit_one(ctx, &iocb[count]), -EAGAIN);
	on_cpu(0);
	/* One that is cancelled makes room once its event is reaped. */
	{
		struct io_event event;

		CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINPROGRESS);
		reap(ctx, 1, &event);
		CHECK(event.obj == &iocb[0]);
		CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
		CHECK_EQ(submit_one(ctx, &iocb[count]), -EAGAIN);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void reads(void)
{
	static struct iocb iocb[1000], *list[1000];
	static char buf[1000][8];
	static struct io_event events[1000];
	io_context_t ctx = setup(1);
	long limit = limit_of(ctx);
	int fd = temp_file(4096, 16), i, round;

	CHECK_EQ(pread(fd, buf, 4096, 0), 4096);
	for (i = 0; i < 1000; i++) {
		io_prep_pread(&iocb[i], fd, buf[i], 8, 0);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, 1000, list), limit);
	CHECK_EQ(io_submit(ctx, 1000, list), -EAGAIN);
	reap(ctx, 1, events);
	CHECK_EQ(io_submit(ctx, 1000, list), 1);
	CHECK_EQ(io_submit(ctx, 1, list), -EAGAIN);
	reap(ctx, 10, events);
	CHECK_EQ(io_submit(ctx, 100, list), 10);
	/* A bad request is not looked at while there is no room. */
	list[0] = NULL;
	CHECK_EQ(io_submit(ctx, 1, list), -EFAULT);
	list[0] = &iocb[0];
	reap(ctx, limit, events);
	/* Full rounds, reaped on the same cpu and on the other. */
	for (round = 0; round < 6; round++) {
		CHECK_EQ(io_submit(ctx, 1000, list), limit);
		on_cpu(round % 2);
		reap(ctx, limit, events);
		for (i = 0; i < limit; i++)
			CHECK(events[i].obj == &iocb[i]);
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	char text[64] = "", *dash;
	int fd = open("/sys/devices/system/cpu/possible", O_RDONLY);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	dash = strrchr(text, '-');
	batch_of_cpus = 4 * (atol(dash ? dash + 1 : text) + 1);
	on_cpu(0);
	polls(1);
	polls(32);
	polls(100);
	polls(1000);
	reads();
	return 0;
}
