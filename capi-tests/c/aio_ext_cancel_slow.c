/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel of what a device is at: it ends by itself, which can be waited for; what the kernel has not begun is
   taken back. */
#include <aiouring.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "aio_check.h"
#include "slow_device.h"

enum { BLOCK = 4096, BLOCKS = 2048, DEPTH = 8, SYNCS = 200 };

#define ALL AIOURING_CANCEL_ALL
#define WAIT AIOURING_CANCEL_WAIT

static int device, buffered, pipe_fd[2];
static char *memory;
static long next_block = 1;

/* They have been waited for, unless they were over before: another thread may be early. */
static void is_over(int answer)
{
	CHECK(answer == -EALREADY || answer == -ENOENT);
}

/* The buffers are the program's again: nothing may write to them. */
static void poison(void)
{
	memset(memory, 0x5a, DEPTH * BLOCK);
}

static void check_poison(void)
{
	size_t i;

	for (i = 0; i < DEPTH * BLOCK; i++)
		CHECK_EQ(memory[i], 0x5a);
}

/* Submits transfers that last until the device is released. */
static long start(io_context_t ctx, struct iocb *iocb, int fd, int write)
{
	struct iocb *list[DEPTH];
	long first = next_block, i;

	slow_hold();
	for (i = 0; i < DEPTH; i++) {
		/* Apart, as the kernel reads ahead. */
		long block = next_block;

		next_block += fd == buffered ? 64 : 1;
		if (write)
			io_prep_pwrite(&iocb[i], fd, memory + i * BLOCK, BLOCK, block * BLOCK);
		else
			io_prep_pread(&iocb[i], fd, memory + i * BLOCK, BLOCK, block * BLOCK);
		list[i] = &iocb[i];
	}
	CHECK_LE(next_block, BLOCKS);
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	return first;
}

/* All events of the transfers: done, or taken back. Gives how many were. */
static int collect(io_context_t ctx, const struct iocb *iocb)
{
	struct io_event events[DEPTH];
	int i, taken = 0, seen = 0;

	CHECK_EQ(io_getevents(ctx, DEPTH, DEPTH, events, &(struct timespec){EVENT_SECONDS, 0}), DEPTH);
	for (i = 0; i < DEPTH; i++) {
		seen |= 1 << (events[i].obj - iocb);
		if ((int64_t)events[i].res == -ECANCELED)
			taken++;
		else
			CHECK_EQ(events[i].res, BLOCK);
	}
	CHECK_EQ(seen, (1 << DEPTH) - 1);
	CHECK_EQ(ready(ctx), 0);
	return taken;
}

static void transfers(io_context_t ctx, int fd, int write)
{
	struct timespec limit = {0, 30000000}, none = {0, 0};
	struct iocb iocb[DEPTH];
	struct io_event event;
	pthread_t releaser;
	long begun;
	int i, which;

	for (which = 0; which < 3; which++) {
		unsigned int flags = which == 0 ? AIOURING_CANCEL_IOCB : which == 1 ? AIOURING_CANCEL_FD : ALL;

		memset(memory, 0, DEPTH * BLOCK);
		start(ctx, iocb, fd, write);
		CHECK_EQ(io_cancel(ctx, &iocb[0], &event), -EINVAL);
		CHECK_EQ(aiouring_cancel(ctx, &iocb[0], fd, flags, NULL), -EALREADY);
		CHECK_EQ(aiouring_cancel(ctx, &iocb[0], fd, flags | WAIT, &none), -ETIME);
		begun = now_ms();
		CHECK_EQ(aiouring_cancel(ctx, &iocb[0], fd, flags | WAIT, &limit), -ETIME);
		CHECK_ELAPSED(begun, 30);
		CHECK_EQ(ready(ctx), 0);
		CHECK_EQ(aiouring_cancel(ctx, NULL, device + 100, AIOURING_CANCEL_FD | WAIT, NULL), -ENOENT);
		releaser = slow_release_in(50);
		is_over(aiouring_cancel(ctx, &iocb[0], fd, flags | WAIT, NULL));
		CHECK_EQ(aiouring_cancel(ctx, &iocb[0], -1, AIOURING_CANCEL_IOCB, NULL), -ENOENT);
		if (which > 0) {
			poison();
			for (i = 0; i < DEPTH; i++)
				CHECK_EQ(aiouring_cancel(ctx, &iocb[i], -1, AIOURING_CANCEL_IOCB, NULL), -ENOENT);
			sleep_ms(20);
			check_poison();
		}
		CHECK_EQ(collect(ctx, iocb), 0);
		CHECK_EQ(pthread_join(releaser, NULL), 0);
	}
}

/* More syncs than the kernel has workers for. */
static void syncs(void)
{
	io_context_t ctx = setup(SYNCS);
	struct iocb iocb[SYNCS], *list[SYNCS];
	struct io_event events[SYNCS];
	int counter = eventfd(0, EFD_NONBLOCK);
	long taken = 0, i, answer, begun = now_ms();
	pthread_t releaser;
	eventfd_t value;

	slow_hold();
	CHECK_EQ(pwrite(buffered, memory, BLOCK, 0), BLOCK);
	for (i = 0; i < SYNCS; i++) {
		io_prep_fsync(&iocb[i], buffered);
		io_set_eventfd(&iocb[i], counter);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, SYNCS, list), SYNCS);
	/* The workers are to be at the first. */
	sleep_ms(50);
	answer = aiouring_cancel(ctx, &iocb[SYNCS - 1], -1, AIOURING_CANCEL_IOCB | WAIT, NULL);
	if (answer == 1) {
		reap(ctx, 1, events);
		CHECK(events[0].obj == &iocb[SYNCS - 1]);
		CHECK_EQ((int64_t)events[0].res, -ECANCELED);
		taken++;
	} else {
		SKIP("the kernel has many workers");
	}
	answer = aiouring_cancel(ctx, NULL, buffered, AIOURING_CANCEL_FD, NULL);
	CHECK_GE(answer, 1);
	/* All, if no worker has come to be yet. */
	CHECK_LE(answer, SYNCS - 1);
	reap(ctx, answer, events);
	for (i = 0; i < answer; i++)
		CHECK_EQ((int64_t)events[i].res, -ECANCELED);
	taken += answer;
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL, NULL), taken < SYNCS ? -EALREADY : -ENOENT);
	releaser = slow_release_in(20);
	is_over(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL));
	CHECK_EQ(io_getevents(ctx, SYNCS - taken, SYNCS, events, &(struct timespec){0, 0}), SYNCS - taken);
	for (i = 0; i < SYNCS - taken; i++)
		CHECK_EQ((int64_t)events[i].res, 0);
	CHECK_EQ(pthread_join(releaser, NULL), 0);
	/* With some issuers the kernel writes to it by itself. */
	for (value = 0; value < SYNCS;) {
		eventfd_t more;

		CHECK_LE(now_ms() - begun, 10000);
		if (eventfd_read(counter, &more) == 0)
			value += more;
		else
			sleep_ms(1);
	}
	sleep_ms(20);
	CHECK_EQ(eventfd_read(counter, &value), -1);
	close(counter);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* One that can be taken back among some that cannot. */
static void mixed(io_context_t ctx)
{
	struct iocb iocb[DEPTH], poll_iocb;
	struct io_event events[DEPTH + 1];
	pthread_t releaser;
	int i, taken = 0, answer;

	start(ctx, iocb, device, 0);
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);
	releaser = slow_release_in(50);
	answer = aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL);
	poison();
	CHECK_GE(answer, 1);
	CHECK_EQ(io_getevents(ctx, 0, DEPTH + 1, events, &(struct timespec){0, 0}), DEPTH + 1);
	for (i = 0; i < DEPTH + 1; i++) {
		if (events[i].obj == &poll_iocb)
			CHECK_EQ((int64_t)events[i].res, -ECANCELED);
		taken += (int64_t)events[i].res == -ECANCELED;
	}
	CHECK_EQ(taken, answer);
	check_poison();
	CHECK_EQ(pthread_join(releaser, NULL), 0);
}

static void nothing(int signo)
{
	(void)signo;
}

static volatile int interrupts;

static void *interrupt_later(void *thread)
{
	/* It may be slow to come to where it waits. */
	while (interrupts) {
		sleep_ms(20);
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
	}
	return NULL;
}

static void interrupted(io_context_t ctx)
{
	struct iocb iocb[DEPTH];
	pthread_t self = pthread_self(), thread;

	start(ctx, iocb, device, 0);
	interrupts = 1;
	CHECK_EQ(pthread_create(&thread, NULL, interrupt_later, &self), 0);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), -EINTR);
	interrupts = 0;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	thread = slow_release_in(20);
	is_over(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL));
	CHECK_EQ(collect(ctx, iocb), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static int go[2];

static void *submit_and_stay_away(void *arg)
{
	static struct iocb iocb[DEPTH];
	io_context_t ctx = (io_context_t)arg;
	struct io_event event;
	char byte;

	/* Alone with the context at first. */
	io_prep_pread(&iocb[0], buffered, memory, BLOCK, 0);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	reap(ctx, 1, &event);
	start(ctx, iocb, device, 0);
	CHECK_EQ(write(pipe_fd[1], "", 1), 1);
	CHECK_EQ(read(go[0], &byte, 1), 1);
	return iocb;
}

/* What another thread has submitted, which is elsewhere. */
static void of_another(void)
{
	io_context_t ctx = setup(DEPTH);
	struct timespec limit = {0, 20000000};
	pthread_t thread, releaser;
	void *iocb;
	char byte;

	CHECK_EQ(pthread_create(&thread, NULL, submit_and_stay_away, ctx), 0);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	CHECK_EQ(aiouring_cancel(ctx, NULL, device, AIOURING_CANCEL_FD, NULL), -EALREADY);
	CHECK_EQ(aiouring_cancel(ctx, NULL, device, AIOURING_CANCEL_FD | WAIT, &limit), -ETIME);
	releaser = slow_release_in(40);
	is_over(aiouring_cancel(ctx, NULL, device, AIOURING_CANCEL_FD | WAIT, NULL));
	poison();
	CHECK_EQ(ready(ctx), DEPTH);
	check_poison();
	CHECK_EQ(pthread_join(releaser, NULL), 0);
	CHECK_EQ(write(go[1], "", 1), 1);
	CHECK_EQ(pthread_join(thread, &iocb), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	struct sigaction action;
	io_context_t ctx;

	memory = (char *)pages(DEPTH * BLOCK);
	CHECK(pipe(pipe_fd) == 0 && pipe(go) == 0);
	device = slow_device((size_t)BLOCKS * BLOCK, 40);
	slow_release();
	buffered = open(slow_path, O_RDWR);
	CHECK(buffered >= 0);
	memset(&action, 0, sizeof(action));
	action.sa_handler = nothing;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);

	ctx = setup(DEPTH + 1);
	transfers(ctx, device, 0);
	transfers(ctx, device, 1);
	mixed(ctx);
	interrupted(ctx);
	CHECK_EQ(io_destroy(ctx), 0);
	of_another();
	ctx = setup(DEPTH);
	drop_cache(buffered, 0, 0);
	next_block = 1;
	transfers(ctx, buffered, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	syncs();
	return 0;
}
