/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several threads on one context: every event exactly once, and whom an event wakes. */
#include "aio_check.h"

enum { SUBMITTERS = 4, REAPERS = 2, EACH = 2000, BLOCKS = 64, BLOCK = 512 };

static io_context_t ctx;
static int fd;
static struct iocb iocb[SUBMITTERS * EACH];
static char buf[SUBMITTERS * EACH][BLOCK] __attribute__((aligned(4096)));
static unsigned char seen[SUBMITTERS * EACH];
static int total, wrong;

static void *submitter(void *arg)
{
	int first = (int)(intptr_t)arg * EACH, i, result;

	for (i = first; i < first + EACH;) {
		struct iocb *list[4];
		int count;

		for (count = 0; count < 1 + i % 4 && i + count < first + EACH; count++)
			list[count] = &iocb[i + count];
		result = io_submit(ctx, count, list);
		if (result == -EAGAIN) {
			sched_yield();
			continue;
		}
		CHECK_GE(result, 1);
		i += result;
	}
	return NULL;
}

static void *reaper(void *arg)
{
	struct io_event events[16];
	struct timespec limit = {0, 200000000};
	int count, i;

	(void)arg;
	while (__atomic_load_n(&total, __ATOMIC_RELAXED) < SUBMITTERS * EACH) {
		count = io_getevents(ctx, 1, 16, events, &limit);
		CHECK_GE(count, 0);
		for (i = 0; i < count; i++) {
			long index = (long)(uintptr_t)events[i].data;

			if (events[i].obj != &iocb[index] || events[i].res != BLOCK)
				__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(&seen[index], 1, __ATOMIC_RELAXED);
		}
		__atomic_add_fetch(&total, count, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Requests of all threads; `nr` below what is in flight makes submitters meet -EAGAIN. */
static void exactly_once(int nr, int file)
{
	pthread_t thread[SUBMITTERS + REAPERS];
	int i;

	ctx = setup(nr);
	memset(seen, 0, sizeof(seen));
	memset(buf, 0, sizeof(buf));
	total = wrong = 0;
	for (i = 0; i < SUBMITTERS * EACH; i++) {
		io_prep_pread(&iocb[i], file, buf[i], BLOCK, i % BLOCKS * BLOCK);
		iocb[i].data = (void *)(uintptr_t)i;
	}
	for (i = 0; i < SUBMITTERS + REAPERS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, i < SUBMITTERS ? submitter : reaper, (void *)(intptr_t)i), 0);
	for (i = 0; i < SUBMITTERS + REAPERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(total, SUBMITTERS * EACH);
	CHECK_EQ(wrong, 0);
	for (i = 0; i < SUBMITTERS * EACH; i++) {
		CHECK_EQ(seen[i], 1);
		CHECK_EQ(first_wrong(buf[i], 8, 21, (uint64_t)(i % BLOCKS) * BLOCK), -1);
	}
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

struct wait {
	long min, nr;
	struct timespec *timeout;
	int result;
};

static void *waiter(void *arg)
{
	struct wait *wait = (struct wait *)arg;
	struct io_event events[8];

	wait->result = io_getevents(ctx, wait->min, wait->nr, events, wait->timeout);
	return NULL;
}

/* Three wait for one event and three come in one batch: together they get three, none twice. */
static void three_waiters(void)
{
	static struct timespec limit = {1, 0};
	struct wait waits[3] = {{1, 8, &limit, 0}, {1, 8, &limit, 0}, {1, 8, &limit, 0}};
	struct iocb *list[3] = {&iocb[0], &iocb[1], &iocb[2]};
	pthread_t thread[3];
	int i;

	ctx = setup(8);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, waiter, &waits[i]), 0);
	sleep_ms(100);
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(waits[0].result + waits[1].result + waits[2].result, 3);
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* One waits for three and one event comes: somebody who asks for one gets it meanwhile. */
static void patient_waiter(void)
{
	static struct timespec half = {0, 500000000};
	struct wait wait = {3, 3, &half, -1};
	struct io_event event;
	pthread_t thread;

	ctx = setup(8);
	CHECK_EQ(pthread_create(&thread, NULL, waiter, &wait), 0);
	sleep_ms(100);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	sleep_ms(50);
	reap(ctx, 1, &event);
	CHECK(event.obj == &iocb[0]);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(wait.result, 0);

	/* Without a timeout: submitted by this thread, collected by the other. */
	wait.min = 2;
	wait.timeout = NULL;
	CHECK_EQ(pthread_create(&thread, NULL, waiter, &wait), 0);
	sleep_ms(50);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	sleep_ms(50);
	CHECK_EQ(submit_one(ctx, &iocb[1]), 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(wait.result, 2);
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	int direct;

	fd = temp_file(BLOCKS * BLOCK, 21);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK_EQ(pread(fd, buf, BLOCKS * BLOCK, 0), BLOCKS * BLOCK);
	exactly_once(4096, fd);
	exactly_once(1, fd);
	exactly_once(256, direct);
	three_waiters();
	patient_waiter();
	close(direct);
	return 0;
}
