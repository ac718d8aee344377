/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Threads open, fill, plan and cancel while another waits: what they start is submitted without it. A signal ends a wait; in
 * its handler the pool is busy where it interrupted the pool. Several wait at a time, and each event comes once.
 */
#include <pthread.h>

#include "lease.h"

enum { SIZE = 4096, THREADS = 4 };

static int source, copies[THREADS];
static long done, opened;
static long rounds;

static void *start(void *arg)
{
	int copy = *(int *)arg;
	__u64 lease;
	long i;
	int ret;

	for (i = 0; i < rounds; i++) {
		while ((ret = aiouring_lease_open(pool, &lease, 0, (__u64)i)) == -EAGAIN)
			sched_yield();
		CHECK_EQ(ret, 0);
		CHECK_EQ(plan_write(lease, copy, (uint64_t)i * SIZE, 0, 0, 0), 0);
		if (i % 5 == 4)
			CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
		else
			CHECK_EQ(fill_from(lease, source, (uint64_t)i * SIZE, 0), 0);
		__atomic_fetch_add(&opened, 1, __ATOMIC_RELAXED);
	}
	/* A thread that ends takes with it what it has submitted and a worker of the kernel has not done yet. */
	while (__atomic_load_n(&done, __ATOMIC_RELAXED) < THREADS * rounds)
		sleep_ms(1);
	return NULL;
}

/* One that waits is told of everything, and one of several of each thing. */
static void *take(void *arg)
{
	struct aiouring_lease_event event;
	int ret;

	(void)arg;
	while (__atomic_load_n(&done, __ATOMIC_RELAXED) < THREADS * rounds) {
		struct __kernel_timespec ts = {0, 20000000};

		ret = aiouring_lease_wait(pool, &event, &ts);
		if (ret == -ETIME || ret == -EINTR)
			continue;
		CHECK_EQ(ret, 0);
		CHECK_EQ(event.type, AIOURING_LEASE_DONE);
		CHECK_EQ(event.res, event.data % 5 == 4 ? -ECANCELED : SIZE);
		CHECK_EQ(event.failed, event.data % 5 == 4);
		__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void many(unsigned takers)
{
	pthread_t threads[THREADS], taking[2];
	unsigned i;
	long j;

	done = opened = 0;
	for (i = 0; i < THREADS; i++) {
		copies[i] = temp_file(0, 0);
		CHECK_EQ(pthread_create(&threads[i], NULL, start, &copies[i]), 0);
	}
	for (i = 0; i < takers; i++)
		CHECK_EQ(pthread_create(&taking[i], NULL, take, NULL), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < takers; i++)
		CHECK_EQ(pthread_join(taking[i], NULL), 0);
	CHECK_EQ(opened, THREADS * rounds);
	CHECK_EQ(done, THREADS * rounds);
	for (i = 0; i < THREADS; i++) {
		for (j = 0; j < rounds; j++)
			if (j % 5 != 4)
				check_file(copies[i], j * SIZE, SIZE, 1, (uint64_t)(j * SIZE));
		close(copies[i]);
	}
}

/* Without any time limit: another thread's lease ends the sleep. */
static void *one(void *arg)
{
	__u64 lease;

	(void)arg;
	sleep_ms(30);
	lease = lease_with(0, 7);
	CHECK_EQ(plan_write(lease, copies[0], 0, 0, 0, 0), 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	sleep_ms(30);
	/* No completion comes of this, but an event. */
	lease = lease_with(0, 8);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	return NULL;
}

static void *end_it(void *result)
{
	sleep_ms(30);
	*(int *)result = aiouring_lease_pool_destroy(pool);
	CHECK_EQ(aiouring_lease_cancel(pool, lease_with(0, 9)), 0);
	return NULL;
}

static volatile sig_atomic_t handled, in_handler = 1;

static void handler(int signo)
{
	__u64 lease;

	(void)signo;
	/* In the middle of a call, or between two. */
	in_handler = aiouring_lease_open(pool, &lease, 0, 0);
	if (in_handler == 0)
		in_handler = aiouring_lease_cancel(pool, lease);
	handled++;
}

static void *signals(void *target)
{
	int i;

	for (i = 0; i < 200; i++) {
		pthread_kill(*(pthread_t *)target, SIGUSR1);
		sleep_ms(0);
		if (i % 10 == 0)
			sleep_ms(1);
	}
	return NULL;
}

int main(void)
{
	struct aiouring_lease_event event;
	pthread_t thread, self = pthread_self();
	struct sigaction action;
	int result = 1, busy = 0, ret;
	void *joined;

	rounds = 100 * test_scale();
	source = temp_file((size_t)rounds * SIZE, 1);
	ring_with(8, 0);
	pool_with(16, SIZE, 0);
	many(1);
	many(2);

	copies[0] = temp_file(0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, one, NULL), 0);
	for (ret = 0; ret != 15; ret += (int)event.data) {
		event = event_of(AIOURING_LEASE_DONE);
		CHECK(event.data == 7 || event.data == 8);
		CHECK_EQ(event.res, event.data == 7 ? SIZE : -ECANCELED);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);

	/* A pool in which a thread waits is not ended. */
	CHECK_EQ(pthread_create(&thread, NULL, end_it, &result), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.data, 9);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(result, -EBUSY);

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(pthread_create(&thread, NULL, signals, &self), 0);
	while (pthread_tryjoin_np(thread, &joined) != 0) {
		struct __kernel_timespec ts = {0, 1000000};

		ret = aiouring_lease_wait(pool, &event, &ts);
		CHECK(ret == 0 || ret == -ETIME || ret == -EINTR);
		CHECK(in_handler == 0 || in_handler == 1 || in_handler == -EDEADLK || in_handler == -EAGAIN);
		busy += in_handler == -EDEADLK;
	}
	CHECK(handled > 0);
	while (aiouring_lease_next(pool, &event) == 1)
		CHECK_EQ(event.res, -ECANCELED);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
