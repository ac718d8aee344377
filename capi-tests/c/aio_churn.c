/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A thousand threads that live for one request, a thousand contexts at once, io_setup and io_destroy by many threads,
 * also of the same context, processes killed while they submit: nothing is left over of any of it. Where contexts are
 * dear, as the kernel's are, they are fewer.
 */
#include "aio_check.h"

#include <dirent.h>
#include <poll.h>

enum { BLOCK = 4096, BLOCKS = 64, THREADS = 1000, CONTEXTS = 1000, CHURNERS = 8, ROUNDS = 40, KILLED = 40 };

static int cached, direct, pipe_fd[2], contexts = CONTEXTS, rounds = ROUNDS, kills = KILLED, dear;
static io_context_t shared;

static int entries(const char *directory)
{
	DIR *stream = opendir(directory);
	int count = 0;

	CHECK(stream != NULL);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int lines = 0, c;

	CHECK(maps != NULL);
	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

struct request {
	struct iocb iocb;
	char memory[BLOCK] __attribute__((aligned(4096)));
};

static void prepare(struct request *request, int i)
{
	io_prep_pread(&request->iocb, i % 2 ? direct : cached, request->memory, BLOCK, i % BLOCKS * BLOCK);
	request->iocb.data = (void *)(intptr_t)(i % BLOCKS);
}

static void check(const struct io_event *event)
{
	const struct request *request = (const struct request *)(const void *)event->obj;

	CHECK_EQ(event->res, BLOCK);
	CHECK_PATTERN(request->memory, 64, 61, (uint64_t)(uintptr_t)event->data * BLOCK);
}

static void *submit_once(void *arg)
{
	CHECK_EQ(submit_one(shared, &((struct request *)arg)->iocb), 1);
	return NULL;
}

/* Each is gone when its event is taken, by this thread. */
static void short_threads(void)
{
	struct request *requests = (struct request *)pages(32 * sizeof(*requests));
	struct io_event events[32];
	pthread_t thread[32];
	long i, done;

	shared = setup(64);
	for (done = 0; done < THREADS * test_scale(); done += 32) {
		for (i = 0; i < 32; i++) {
			prepare(&requests[i], (int)i);
			memset(requests[i].memory, 0, 64);
			CHECK_EQ(pthread_create(&thread[i], NULL, submit_once, &requests[i]), 0);
		}
		for (i = 0; i < 32; i++)
			CHECK_EQ(pthread_join(thread[i], NULL), 0);
		reap(shared, 32, events);
		for (i = 0; i < 32; i++)
			check(&events[i]);
	}
	CHECK_EQ(io_destroy(shared), 0);
	munmap(requests, 32 * sizeof(*requests));
}

/* As many as a server with a context for each client; every third is destroyed with a poll in it. */
static void many_contexts(void)
{
	static io_context_t ctx[CONTEXTS];
	struct request *request = (struct request *)pages(sizeof(*request));
	struct iocb *polls = (struct iocb *)pages(CONTEXTS * sizeof(*polls));
	struct io_event event;
	int i;

	for (i = 0; i < contexts; i++) {
		ctx[i] = setup(1);
		if (i % 3 == 0) {
			io_prep_poll(&polls[i], pipe_fd[0], POLLIN);
			CHECK_EQ(submit_one(ctx[i], &polls[i]), 1);
		}
	}
	for (i = 0; i < contexts; i++) {
		prepare(request, i);
		CHECK_EQ(submit_one(ctx[i], &request->iocb), 1);
		reap(ctx[i], 1, &event);
		check(&event);
	}
	for (i = 0; i < contexts; i++) {
		CHECK_EQ(io_destroy(ctx[i]), 0);
		CHECK_EQ(io_destroy(ctx[i]), -EINVAL);
	}
	munmap(request, sizeof(*request));
	munmap(polls, CONTEXTS * sizeof(*polls));
}

static pthread_barrier_t barrier;
static int destroyed;

/* Contexts of its own, and one of all that each tries to destroy while others use it: one succeeds. */
static void *make_and_destroy(void *arg)
{
	struct request *requests = (struct request *)pages(4 * sizeof(*requests));
	struct io_event events[4];
	struct timespec zero = {0, 0};
	int round, i, result;

	for (round = 0; round < rounds * test_scale(); round++) {
		io_context_t own = setup(4);

		for (i = 0; i < 4; i++) {
			prepare(&requests[i], i + round);
			CHECK_EQ(submit_one(own, &requests[i].iocb), 1);
		}
		result = io_getevents(own, round % 5, 4, events, NULL);
		CHECK_GE(result, round % 5);
		for (i = 0; i < result; i++)
			check(&events[i]);
		CHECK_EQ(io_destroy(own), 0);

		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
			shared = setup(64);
			destroyed = 0;
		}
		pthread_barrier_wait(&barrier);
		for (i = 0; i < 4; i++) {
			prepare(&requests[i], i);
			result = submit_one(shared, &requests[i].iocb);
			CHECK(result == 1 || result == -EINVAL);
		}
		/* libaio itself looks into the ring, which may be gone. */
		if (!dear) {
			result = io_getevents(shared, 0, 1, events, &zero);
			CHECK(result == 0 || result == 1 || result == -EINVAL);
		}
		result = io_destroy(shared);
		CHECK(result == 0 || result == -EINVAL);
		__atomic_add_fetch(&destroyed, result == 0, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
		CHECK_EQ(destroyed, 1);
		pthread_barrier_wait(&barrier);
	}
	(void)arg;
	munmap(requests, 4 * sizeof(*requests));
	return NULL;
}

static void churn(void)
{
	pthread_t thread[CHURNERS];
	int i;

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, CHURNERS), 0);
	for (i = 0; i < CHURNERS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, make_and_destroy, NULL), 0);
	for (i = 0; i < CHURNERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	pthread_barrier_destroy(&barrier);
}

static void *submit_for_ever(void *arg)
{
	io_context_t ctx = setup(32);
	struct request *requests = (struct request *)pages(16 * sizeof(*requests));
	struct io_event events[16];
	int i;

	for (;;) {
		for (i = 0; i < 16; i++) {
			prepare(&requests[i], i);
			CHECK_EQ(submit_one(ctx, &requests[i].iocb), 1);
		}
		reap(ctx, 16, events);
		if (arg)
			__atomic_store_n((int *)arg, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Killed at any moment, and gone at once. */
static void killed(void)
{
	int *runs = (int *)mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), i, k, status;

	CHECK(runs != MAP_FAILED);
	for (i = 0; i < kills * test_scale(); i++) {
		long start = now_ms();
		pid_t child;

		*runs = 0;
		child = fork();
		if (child == 0) {
			pthread_t thread;

			for (k = 0; k < 2; k++)
				pthread_create(&thread, NULL, submit_for_ever, NULL);
			submit_for_ever(runs);
		}
		while (!__atomic_load_n(runs, __ATOMIC_RELAXED) && now_ms() - start < 1000 * EVENT_SECONDS)
			sched_yield();
		CHECK_EQ(*runs, 1);
		usleep((useconds_t)(mix((uint64_t)i) % 3000));
		start = now_ms();
		CHECK_EQ(kill(child, SIGKILL), 0);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		CHECK_LE(now_ms() - start, 1000 * EVENT_SECONDS);
	}
	munmap(runs, BLOCK);
}

static void ask_the_price(void)
{
	long start = now_ms();
	int i;

	for (i = 0; i < 20; i++)
		CHECK_EQ(io_destroy(setup(1)), 0);
	dear = now_ms() - start > 40;
	if (dear) {
		contexts /= 40;
		rounds /= 10;
		kills /= 8;
	}
}

int main(void)
{
	int round, files = 0, tasks = 0, maps = 0;

	ask_the_price();
	cached = temp_file(BLOCKS * BLOCK, 61);
	direct = reopen(cached, O_RDONLY | O_DIRECT);
	CHECK(pipe(pipe_fd) == 0);
	/* The second round needs nothing that the first did not leave. */
	for (round = 0; round < 2; round++) {
		short_threads();
		many_contexts();
		churn();
		killed();
		if (round == 0) {
			files = entries("/proc/self/fd");
			tasks = entries("/proc/self/task");
			maps = mappings();
		}
	}
	CHECK_EQ(entries("/proc/self/fd"), files);
	/* The kernel's workers come and go as it likes. */
	CHECK_LE(entries("/proc/self/task"), tasks);
	/* Stacks of threads that have gone may be kept, and heaps of the C library. */
	CHECK_LE(mappings(), maps + 20);
	return 0;
}
