/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Direct transfers, certainly in flight, of a thread that is used to waiting for its events, and does not come for these:
   another thread collects, submits or destroys instead, or the program reads the ring in memory. */
// except: caller, sqpoll (with these, nothing happens between calls)
#include "aio_check.h"
#include "slow_device.h"

#include <setjmp.h>

enum { BLOCK = 4096, BLOCKS = 256, WAITS = 40 };

static int file, device;
static char *memory;
static long next_block;
static int go[2], done[2];
static sigjmp_buf place;

/* Waits so often that the library takes the thread for one that waits. */
static void get_used_to(io_context_t ctx)
{
	read_one_by_one(ctx, file, WAITS, 41);
}

/* In flight until the device is released. */
static long start_read(io_context_t ctx, struct iocb *iocb)
{
	long block = ++next_block;

	slow_hold();
	memset(memory, 0, BLOCK);
	io_prep_pread(iocb, device, memory, BLOCK, block * BLOCK);
	CHECK_EQ(submit_one(ctx, iocb), 1);
	return block;
}

static void check_event(io_context_t ctx, struct iocb *iocb, long block)
{
	struct io_event event;

	reap(ctx, 1, &event);
	CHECK(event.obj == iocb);
	CHECK_EQ(event.res, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)block * BLOCK);
	CHECK_EQ(ready(ctx), 0);
}

struct work {
	io_context_t ctx;
	struct iocb iocb;
	long block;
	int leaves;
};

/* Submits, and then is elsewhere or has ended. */
static void *submit_and_stay_away(void *arg)
{
	struct work *work = (struct work *)arg;
	char byte;

	get_used_to(work->ctx);
	work->block = start_read(work->ctx, &work->iocb);
	CHECK_EQ(write(done[1], "", 1), 1);
	if (!work->leaves)
		CHECK_EQ(read(go[0], &byte, 1), 1);
	return NULL;
}

static void *release_later(void *arg)
{
	(void)arg;
	sleep_ms(50);
	slow_release();
	return NULL;
}

enum { COLLECT, COLLECT_LATER, SUBMIT, LOOK, DESTROY };

static void by_another(int what, int leaves)
{
	struct work work = {.ctx = setup(8), .leaves = leaves};
	struct timespec zero = {0, 0};
	struct io_event events[2];
	struct iocb iocb;
	pthread_t thread, releaser;
	char byte, *other = (char *)pages(BLOCK);
	long start;

	CHECK_EQ(pthread_create(&thread, NULL, submit_and_stay_away, &work), 0);
	CHECK_EQ(read(done[0], &byte, 1), 1);
	if (leaves)
		CHECK_EQ(pthread_join(thread, NULL), 0);
	sleep_ms(20);
	start = now_ms();
	switch (what) {
	case COLLECT:
		/* It waits before the event is there. */
		CHECK_EQ(pthread_create(&releaser, NULL, release_later, NULL), 0);
		check_event(work.ctx, &work.iocb, work.block);
		CHECK_EQ(pthread_join(releaser, NULL), 0);
		break;
	case COLLECT_LATER:
		/* Or finds it there. */
		CHECK_EQ(io_getevents(work.ctx, 0, 1, events, &zero), 0);
		slow_release();
		sleep_ms(300);
		CHECK_EQ(io_getevents(work.ctx, 0, 2, events, &zero), 1);
		CHECK(events[0].obj == &work.iocb);
		break;
	case SUBMIT:
		io_prep_pread(&iocb, file, other, BLOCK, 0);
		EVENT_IS(work.ctx, &iocb, BLOCK);
		CHECK_EQ(ready(work.ctx), 0);
		slow_release();
		check_event(work.ctx, &work.iocb, work.block);
		break;
	case LOOK:
		/* Nobody calls anything. */
		slow_release();
		while (ring_load(&ring_of(work.ctx)->tail) == ring_load(&ring_of(work.ctx)->head)) {
			CHECK_LE(now_ms() - start, 5000);
			sleep_ms(1);
		}
		check_event(work.ctx, &work.iocb, work.block);
		break;
	case DESTROY:
		CHECK_EQ(pthread_create(&releaser, NULL, release_later, NULL), 0);
		CHECK_EQ(io_destroy(work.ctx), 0);
		CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)work.block * BLOCK);
		CHECK_EQ(pthread_join(releaser, NULL), 0);
		break;
	}
	CHECK_LE(now_ms() - start, 3000);
	if (!leaves) {
		CHECK_EQ(write(go[1], "", 1), 1);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	if (what != DESTROY)
		CHECK_EQ(io_destroy(work.ctx), 0);
	munmap(other, BLOCK);
}

/* Both of them wait: one in the call that it is used to. */
static void *wait_for_one(void *arg)
{
	struct work *work = (struct work *)arg;
	struct timespec limit = {EVENT_SECONDS, 0};
	struct io_event event;

	get_used_to(work->ctx);
	work->block = start_read(work->ctx, &work->iocb);
	CHECK_EQ(write(done[1], "", 1), 1);
	return (void *)(intptr_t)io_getevents(work->ctx, 1, 1, &event, &limit);
}

static void while_it_waits(int destroy)
{
	struct work work = {.ctx = setup(8)};
	struct iocb iocb;
	pthread_t thread, releaser;
	void *result;
	char byte, *other = (char *)pages(BLOCK);
	long start;

	CHECK_EQ(pthread_create(&thread, NULL, wait_for_one, &work), 0);
	CHECK_EQ(read(done[0], &byte, 1), 1);
	sleep_ms(20);
	start = now_ms();
	if (destroy) {
		/* The wait is over when the context is, and that is when its request is. */
		CHECK_EQ(pthread_create(&releaser, NULL, release_later, NULL), 0);
		CHECK_EQ(io_destroy(work.ctx), 0);
		CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)work.block * BLOCK);
		CHECK_EQ(pthread_join(releaser, NULL), 0);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK_EQ((intptr_t)result, -EINVAL);
	} else {
		/* The event of another's request is for whoever waits. */
		io_prep_pread(&iocb, file, other, BLOCK, 0);
		CHECK_EQ(submit_one(work.ctx, &iocb), 1);
		CHECK_EQ(pthread_join(thread, &result), 0);
		CHECK_EQ((intptr_t)result, 1);
		slow_release();
		check_event(work.ctx, &work.iocb, work.block);
		CHECK_EQ(io_destroy(work.ctx), 0);
	}
	CHECK_LE(now_ms() - start, 3000);
	munmap(other, BLOCK);
}

static void handler(int signo)
{
	(void)signo;
	siglongjmp(place, 1);
}

static void *interrupt(void *thread)
{
	sleep_ms(30);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

/* Out of the wait by a jump: the event comes when it comes, and can be seen in memory then. */
static void jump(io_context_t ctx)
{
	static struct iocb iocb;
	static pthread_t self, thread;
	static long block, start;
	struct io_event event;

	self = pthread_self();
	block = start_read(ctx, &iocb);
	if (sigsetjmp(place, 1) == 0) {
		CHECK_EQ(pthread_create(&thread, NULL, interrupt, &self), 0);
		io_getevents(ctx, 1, 1, &event, NULL);
		FAIL("the wait has ended");
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(ready(ctx), 0);
	slow_release();
	start = now_ms();
	while (ring_load(&ring_of(ctx)->tail) == ring_load(&ring_of(ctx)->head))
		CHECK_LE(now_ms() - start, 5000);
	check_event(ctx, &iocb, block);
}

static volatile int delay;

static void nothing(int signo)
{
	(void)signo;
}

static void *interrupt_later(void *thread)
{
	sleep_ms(delay);
	pthread_kill(*(pthread_t *)thread, SIGUSR2);
	return NULL;
}

/* A signal ends the wait, with the events that are there, and the rest comes later. */
static void interrupted(io_context_t ctx, int others, int after)
{
	struct iocb iocb, other;
	struct io_event events[4];
	pthread_t self = pthread_self(), thread;
	char *here = (char *)pages(BLOCK);
	long block, start = now_ms();

	block = start_read(ctx, &iocb);
	if (others) {
		io_prep_pread(&other, file, here, BLOCK, 0);
		CHECK_EQ(submit_one(ctx, &other), 1);
	}
	delay = after;
	CHECK_EQ(pthread_create(&thread, NULL, interrupt_later, &self), 0);
	CHECK_EQ(io_getevents(ctx, 1 + others, 4, events, NULL), others ? 1 : -EINTR);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	if (others)
		CHECK(events[0].obj == &other);
	slow_release();
	check_event(ctx, &iocb, block);
	CHECK_LE(now_ms() - start, 2500);
	munmap(here, BLOCK);
}

/* From here on the program looks at the ring only, as it may. */
static void look(io_context_t ctx)
{
	struct ring_header *ring = ring_of(ctx);
	struct iocb iocb;
	char *here = (char *)pages(BLOCK);
	int i;

	for (i = 0; i < 100; i++) {
		long start = now_ms();

		io_prep_pread(&iocb, file, here, BLOCK, i % WAITS * BLOCK);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		while (ring_load(&ring->tail) == ring_load(&ring->head))
			CHECK_LE(now_ms() - start, 3000);
		CHECK(ring->events[ring->head].obj == &iocb);
		CHECK_EQ(ring->events[ring->head].res, BLOCK);
		__atomic_store_n(&ring->head, (ring->head + 1) % ring->nr, __ATOMIC_RELEASE);
		CHECK_PATTERN(here, BLOCK, 41, (uint64_t)(i % WAITS) * BLOCK);
	}
	CHECK_EQ(ready(ctx), 0);
	munmap(here, BLOCK);
}

int main(void)
{
	struct sigaction action;
	io_context_t ctx;
	int what;

	memory = (char *)pages(BLOCK);
	CHECK(pipe(go) == 0 && pipe(done) == 0);
	file = reopen(temp_file(WAITS * BLOCK, 41), O_RDONLY | O_DIRECT);
	device = slow_device(BLOCKS * BLOCK, 40);
	slow_release();
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);

	for (what = COLLECT; what <= DESTROY; what++) {
		by_another(what, 0);
		by_another(what, 1);
	}
	while_it_waits(0);
	while_it_waits(1);
	ctx = setup(8);
	get_used_to(ctx);
	action.sa_handler = nothing;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	for (what = 0; what < 4; what++)
		interrupted(ctx, what & 1, what < 2 ? 20 : 250);
	jump(ctx);
	get_used_to(ctx);
	look(ctx);
	return 0;
}
