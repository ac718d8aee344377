/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread that is used to waiting in io_getevents with direct transfers in flight, and signals: what ends the wait, and
   handlers that submit
   or jump away. */
#include "aio_check.h"

#include <setjmp.h>

enum { BLOCK = 4096, BLOCKS = 64, ROUNDS = 64 };

static int file;
static char *memory, *handlers_memory;
static io_context_t ctx;
static volatile sig_atomic_t handled;
static volatile int mode, stop;
static pthread_t first;
static sigjmp_buf place;
static struct iocb handlers_iocb;
static volatile int handlers_event;

enum { NOTHING, SUBMIT, JUMP };

static void read_block(struct iocb *iocb, char *to, int block)
{
	io_prep_pread(iocb, file, to, BLOCK, (long)block * BLOCK);
}

static void handler(int signo)
{
	(void)signo;
	handled++;
	if (mode == JUMP)
		siglongjmp(place, 1);
	if (mode == SUBMIT && !handlers_event) {
		read_block(&handlers_iocb, handlers_memory, 7);
		if (submit_one(ctx, &handlers_iocb) == 1)
			handlers_event = 1;
	}
}

static void *storm(void *arg)
{
	unsigned long round = 0;

	(void)arg;
	while (!stop) {
		struct timespec pause = {0, (long)(mix(round++) % 60000)};

		pthread_kill(first, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* One wait after the other, until the library takes the thread for one that waits. */
static void get_used_to(void)
{
	struct iocb iocb;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		read_block(&iocb, memory, i % BLOCKS);
		EVENT_IS(ctx, &iocb, BLOCK);
		CHECK_PATTERN(memory, BLOCK, 30, (uint64_t)(i % BLOCKS) * BLOCK);
	}
}

static void *interrupt(void *arg)
{
	sleep_ms((intptr_t)arg);
	pthread_kill(first, SIGUSR1);
	return NULL;
}

/* Waits for more events than will come: a signal ends that, with those that are there or without any. */
static void ends_a_wait(int requests, int delay)
{
	struct iocb iocb[4], *list[4];
	struct io_event events[8];
	pthread_t thread;
	long start = now_ms();
	int i, n;

	for (i = 0; i < requests; i++) {
		list[i] = &iocb[i];
		read_block(&iocb[i], memory + i * BLOCK, i);
	}
	CHECK_EQ(io_submit(ctx, requests, list), requests);
	CHECK_EQ(pthread_create(&thread, NULL, interrupt, (void *)(intptr_t)delay), 0);
	n = io_getevents(ctx, requests + 1, 8, events, NULL);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_LE(now_ms() - start, 3000);
	CHECK_EQ(n, requests);
}

/* All events come, each once, whatever the handlers do. */
static void storm_of(int what, long work)
{
	struct iocb iocb[4], *list[4];
	struct io_event events[8];
	volatile long round;
	volatile int own, theirs = 0;
	pthread_t thread;

	mode = what;
	stop = 0;
	handlers_event = 0;
	CHECK_EQ(pthread_create(&thread, NULL, storm, NULL), 0);
	for (round = 0; round < work; round++) {
		int i, n, count = 1 + (int)(mix((uint64_t)round) % 4);

		own = 0;
		for (i = 0; i < count; i++) {
			list[i] = &iocb[i];
			read_block(&iocb[i], memory + i * BLOCK, (int)((round + i) % BLOCKS));
		}
		memset(memory, 0, (size_t)count * BLOCK);
		CHECK_EQ(io_submit(ctx, count, list), count);
		while (own < count) {
			n = io_getevents(ctx, count - own, 8, events, NULL);
			if (n == -EINTR)
				continue;
			CHECK_GE(n, 1);
			for (i = 0; i < n; i++) {
				CHECK_EQ(events[i].res, BLOCK);
				if (events[i].obj == &handlers_iocb) {
					CHECK_EQ(handlers_event, 1);
					CHECK_PATTERN(handlers_memory, BLOCK, 30, 7 * BLOCK);
					memset(handlers_memory, 0, BLOCK);
					theirs++;
					handlers_event = 0;
				} else {
					own++;
				}
			}
		}
		CHECK_EQ(own, count);
		for (i = 0; i < count; i++)
			CHECK_PATTERN(memory + i * BLOCK, BLOCK, 30, (uint64_t)((round + i) % BLOCKS) * BLOCK);
	}
	stop = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	mode = NOTHING;
	if (handlers_event) {
		reap(ctx, 1, events);
		CHECK(events[0].obj == &handlers_iocb);
	}
	CHECK_EQ(ready(ctx), 0);
	if (what == SUBMIT)
		CHECK_GE(theirs, 1);
}

/* Out of the wait by a jump, perhaps with the events. What comes after is not disturbed. */
static void jump(int rounds)
{
	volatile int i;

	for (i = 0; i < rounds; i++) {
		struct iocb iocb[2], *list[2] = {&iocb[0], &iocb[1]}, more;
		struct io_event events[8];
		struct timespec zero = {0, 0};
		volatile pthread_t thread;
		int j;

		for (j = 0; j < 2; j++)
			read_block(&iocb[j], memory + j * BLOCK, (i + j) % BLOCKS);
		mode = JUMP;
		if (sigsetjmp(place, 1) == 0) {
			CHECK_EQ(io_submit(ctx, 2, list), 2);
			CHECK_EQ(pthread_create((pthread_t *)&thread, NULL, interrupt, (void *)(intptr_t)(i % 3)), 0);
			io_getevents(ctx, 3, 8, events, NULL);
			FAIL("a wait for more than there is has ended");
		}
		mode = NOTHING;
		CHECK_EQ(pthread_join(thread, NULL), 0);
		sleep_ms(i % 4 == 0 ? 120 : 20);
		CHECK_LE(io_getevents(ctx, 0, 8, events, &zero), 2);
		CHECK_PATTERN(memory, BLOCK, 30, (uint64_t)(i % BLOCKS) * BLOCK);
		read_block(&more, memory, i % BLOCKS);
		EVENT_IS(ctx, &more, BLOCK);
		CHECK_EQ(ready(ctx), 0);
	}
}

int main(void)
{
	struct sigaction action;
	int i;

	file = reopen(temp_file(BLOCKS * BLOCK, 30), O_RDONLY | O_DIRECT);
	memory = (char *)pages(8 * BLOCK);
	handlers_memory = (char *)pages(BLOCK);
	first = pthread_self();
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	ctx = setup(64);

	get_used_to();
	for (i = 1; i <= 3; i++)
		ends_a_wait(i, 20);
	/* Beyond the longest that a library may sleep at once. */
	ends_a_wait(2, 250);
	get_used_to();
	storm_of(NOTHING, 2000 * test_scale());
	get_used_to();
	storm_of(SUBMIT, 2000 * test_scale());
	get_used_to();
	jump(50);
	return 0;
}
