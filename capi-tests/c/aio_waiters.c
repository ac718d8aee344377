/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Many threads in all calls on one context until it is destroyed at some moment: every event goes to exactly one of
 * them, every sleeper comes back, and nobody sleeps while what he asks for is there. */
// except: theirs (its io_getevents reads the ring of a context that is gone)
#include "aio_check.h"

#include <poll.h>
#include <sched.h>

enum { BLOCK = 512, SUBMITTERS = 3, WAITERS = 6, SLOTS = 40, REQUESTS = SUBMITTERS * SLOTS };

enum state { FREE, PREPARED, SUBMITTED };

struct request {
	struct iocb iocb;
	int state, polls;
	char *memory;
};

static struct request requests[REQUESTS];
static io_context_t ctx;
static int files[3], pipe_fd[2], stop, running;
static long submitted, taken, cancelled, interrupted, destroyed;
static pthread_barrier_t start;
static pthread_t waiters[WAITERS];

static unsigned int pick(uint64_t *state, unsigned int below)
{
	*state = mix(*state);
	return (unsigned int)((*state >> 20) % below);
}

static long add(long *counter, long value)
{
	return __atomic_add_fetch(counter, value, __ATOMIC_SEQ_CST);
}

static int get(int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void put(int *flag, int value)
{
	__atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

static void on_signal(int signo)
{
	(void)signo;
}

/* An event makes its request free, once. */
static void account(struct io_event *events, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		struct request *request = (struct request *)events[i].data;

		CHECK(events[i].obj == &request->iocb);
		if (request->polls)
			CHECK(events[i].res == 0 || (events[i].res & (POLLIN | POLLOUT)));
		else
			CHECK_EQ(events[i].res, BLOCK);
		CHECK_EQ(__atomic_exchange_n(&request->state, FREE, __ATOMIC_SEQ_CST), SUBMITTED);
	}
	add(&taken, count);
}

static void *submitter(void *arg)
{
	struct request *own = &requests[(intptr_t)arg * SLOTS];
	uint64_t random = (uint64_t)(intptr_t)arg + (uint64_t)now_ms();
	struct io_event event;

	pthread_barrier_wait(&start);
	while (!get(&stop)) {
		struct iocb *list[8];
		int count = 0, want = 1 + (int)pick(&random, 8), i, result;

		for (i = 0; i < SLOTS && count < want; i++) {
			struct request *request = &own[i];
			unsigned int kind = pick(&random, 8);

			if (get(&request->state) != FREE)
				continue;
			request->polls = kind == 0;
			if (request->polls)
				io_prep_poll(&request->iocb, pipe_fd[pick(&random, 2)], POLLIN | POLLOUT);
			else
				io_prep_pread(&request->iocb, files[kind % 3], request->memory, BLOCK,
					      pick(&random, 8) * BLOCK);
			request->iocb.data = request;
			put(&request->state, SUBMITTED);
			list[count++] = &request->iocb;
		}
		if (count == 0) {
			/* All may be polls that pend. */
			struct request *request = &own[pick(&random, SLOTS)];

			result = io_cancel(ctx, &request->iocb, &event);
			CHECK(result == -EINPROGRESS || result == -EINVAL);
			if (result == -EINPROGRESS)
				add(&cancelled, 1);
			else
				sched_yield();
			continue;
		}
		result = io_submit(ctx, count, list);
		if (result < 0) {
			CHECK(result == -EAGAIN || (result == -EINVAL && get(&stop)));
			result = 0;
		}
		add(&submitted, result);
		for (i = result; i < count; i++)
			put(&((struct request *)list[i]->data)->state, FREE);
	}
	return NULL;
}

static void *waiter(void *arg)
{
	uint64_t random = 77 + (uint64_t)(intptr_t)arg + (uint64_t)now_ms();
	struct io_event events[64];
	sigset_t mask;

	pthread_barrier_wait(&start);
	for (;;) {
		long least = pick(&random, 4) ? 1 : (long)pick(&random, 12), most = least + (long)pick(&random, 20);
		struct timespec limit = {0, (long)pick(&random, 3000000)}, before, given = limit, *timeout = &limit;
		long begun;
		int result;

		clock_gettime(CLOCK_MONOTONIC, &before);
		begun = before.tv_sec * 1000000000 + before.tv_nsec;
		if (pick(&random, 8) == 0)
			timeout = NULL;
		if (pick(&random, 16) == 0)
			limit.tv_nsec = given.tv_nsec = 0;
		sigemptyset(&mask);
		if (pick(&random, 2))
			sigaddset(&mask, SIGUSR1);
		if (pick(&random, 3) == 0)
			result = io_pgetevents(ctx, least, most, events, timeout, &mask);
		else
			result = io_getevents(ctx, least, most, events, timeout);
		CHECK(limit.tv_sec == 0 && limit.tv_nsec == given.tv_nsec);
		if (result == -EINTR) {
			add(&interrupted, 1);
		} else if (result == -EINVAL) {
			CHECK(get(&stop));
			break;
		} else {
			CHECK_GE(result, 0);
			CHECK_LE(result, most);
			account(events, result);
			if (result == 0 && least > 0 && timeout && limit.tv_nsec > 0) {
				struct timespec after;

				clock_gettime(CLOCK_MONOTONIC, &after);
				/* The C library's short cut and a poll of zero aside, it was not early. */
				CHECK_GE(after.tv_sec * 1000000000 + after.tv_nsec - begun, limit.tv_nsec);
			}
		}
	}
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *signaller(void *arg)
{
	uint64_t random = 5;

	(void)arg;
	pthread_barrier_wait(&start);
	while (get(&running) > 0) {
		unsigned int i = pick(&random, WAITERS);

		/* They are joined only after this thread. */
		pthread_kill(waiters[i], SIGUSR1);
		sleep_ms(1);
	}
	return NULL;
}

static void round_of(int round)
{
	pthread_t submitters[SUBMITTERS], raining;
	long i, left = 0;

	ctx = setup(REQUESTS);
	stop = 0;
	submitted = taken = 0;
	running = WAITERS;
	for (i = 0; i < REQUESTS; i++)
		requests[i].state = FREE;
	CHECK_EQ(pthread_barrier_init(&start, NULL, SUBMITTERS + WAITERS + 2), 0);
	for (i = 0; i < SUBMITTERS; i++)
		CHECK_EQ(pthread_create(&submitters[i], NULL, submitter, (void *)i), 0);
	for (i = 0; i < WAITERS; i++)
		CHECK_EQ(pthread_create(&waiters[i], NULL, waiter, (void *)i), 0);
	CHECK_EQ(pthread_create(&raining, NULL, signaller, NULL), 0);
	pthread_barrier_wait(&start);
	sleep_ms(20 + (long)(mix((uint64_t)round) % 60));
	put(&stop, 1);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(io_destroy(ctx), -EINVAL);
	for (i = 0; i < SUBMITTERS; i++)
		CHECK_EQ(pthread_join(submitters[i], NULL), 0);
	CHECK_EQ(pthread_join(raining, NULL), 0);
	for (i = 0; i < WAITERS; i++)
		CHECK_EQ(pthread_join(waiters[i], NULL), 0);
	/* What was not taken went with the context. */
	for (i = 0; i < REQUESTS; i++)
		left += requests[i].state != FREE;
	CHECK_EQ(taken + left, submitted);
	destroyed += left;
	pthread_barrier_destroy(&start);
}

static void *sleeper(void *arg)
{
	struct io_event events[8];
	long least = (long)(intptr_t)arg;

	return (void *)(intptr_t)io_getevents(ctx, least, least, events, NULL);
}

/* Those who ask for more than will ever come do not stand in the way of those who ask for one. */
static void greedy(void)
{
	static const long many[] = {3, 1000, 0xffffffffL, 0x7fffffffffffffffL};
	struct request *request = &requests[0];
	pthread_t greedy_one, modest_one;
	void *result;
	unsigned int i;

	for (i = 0; i < 2 * COUNT_OF(many); i++) {
		int order = (int)i % 2;

		ctx = setup(8);
		io_prep_pread(&request->iocb, files[0], request->memory, BLOCK, 0);
		CHECK_EQ(pthread_create(order ? &greedy_one : &modest_one, NULL, sleeper,
					(void *)(order ? many[i / 2] : 1)), 0);
		sleep_ms(30);
		CHECK_EQ(pthread_create(order ? &modest_one : &greedy_one, NULL, sleeper,
					(void *)(order ? 1 : many[i / 2])), 0);
		sleep_ms(30);
		CHECK_EQ(submit_one(ctx, &request->iocb), 1);
		CHECK_EQ(pthread_join(modest_one, &result), 0);
		CHECK_EQ((intptr_t)result, 1);
		CHECK_EQ(io_destroy(ctx), 0);
		CHECK_EQ(pthread_join(greedy_one, &result), 0);
		CHECK_EQ((intptr_t)result, -EINVAL);
	}
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	long i, rounds = 12 * test_scale();

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(pipe(pipe_fd) == 0);
	files[0] = temp_file(8 * BLOCK, 3);
	files[1] = reopen(files[0], O_RDONLY | O_DIRECT);
	files[2] = reopen(files[0], O_RDONLY);
	for (i = 0; i < REQUESTS; i++)
		requests[i].memory = (char *)pages(4096);
	greedy();
	for (i = 0; i < rounds; i++) {
		/* A handler that restarts calls changes nothing. */
		action.sa_flags = i % 2 ? SA_RESTART : 0;
		CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
		round_of((int)i);
	}
	CHECK(interrupted > 0);
	return 0;
}
