/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs that take events from the mapped ring themselves: after an eventfd without a look at the magic, by spinning
 * on the tail, or in turns with io_getevents of another thread. Hundreds of thousands of requests of all kinds, over
 * the seam of the ring again and again, with as many outstanding as the ring allows. */
// except: caller,sqpoll (events appear in the ring when somebody calls)
#include "aio_check.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>

enum { BLOCK = 512, BLOCKS = 64, SLOTS = 128, MAGIC = 0xa10a10a1 };

enum kind { CACHED, UNCACHED, DIRECT, WRITTEN, POLLED, SYNCED, STREAMED, MIXED };

enum style { AFTER_EVENTFD, SPINNING, IN_TURNS };

struct request {
	struct iocb iocb;
	enum kind kind;
	int busy, block;
	char *memory;
};

static struct request requests[SLOTS];
static int buffered, direct, written, pipe_fd[2], stream_fd[2], event_fd, over;
static unsigned int capacity;
static long begun, ended;
static io_context_t ctx;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void prepare(struct request *request, enum kind kind)
{
	static long turns;

	if (kind == MIXED) {
		static const enum kind kinds[] = {CACHED, DIRECT, CACHED, POLLED, WRITTEN, UNCACHED, STREAMED, SYNCED};

		turns++;
		kind = kinds[turns % 64 == 0 ? 7 : (turns / 3) % 7];
	}
	request->kind = kind;
	request->busy = 1;
	request->block = (int)(mix((uint64_t)begun) % BLOCKS);
	switch (kind) {
	case CACHED:
		io_prep_pread(&request->iocb, buffered, request->memory, BLOCK, request->block * BLOCK);
		break;
	case UNCACHED:
		if (begun % 64 == 0)
			CHECK(posix_fadvise(buffered, 0, 0, POSIX_FADV_DONTNEED) == 0);
		io_prep_pread(&request->iocb, buffered, request->memory, BLOCK, request->block * BLOCK);
		break;
	case DIRECT:
		io_prep_pread(&request->iocb, direct, request->memory, BLOCK, request->block * BLOCK);
		break;
	case WRITTEN:
		io_prep_pwrite(&request->iocb, written, request->memory, BLOCK, request->block * BLOCK);
		break;
	case POLLED:
		io_prep_poll(&request->iocb, pipe_fd[1], POLLOUT);
		break;
	case SYNCED:
		io_prep_fdsync(&request->iocb, written);
		break;
	default:
		io_prep_pwrite(&request->iocb, stream_fd[1], request->memory, 1, 0);
	}
	request->iocb.data = request;
	memset(request->memory, 0, BLOCK);
}

static void finish(struct io_event *event)
{
	struct request *request = (struct request *)event->data;
	char byte;

	CHECK(request >= requests && request < requests + SLOTS);
	CHECK(event->obj == &request->iocb && event->res2 == 0);
	CHECK_EQ(request->busy, 1);
	request->busy = 0;
	switch (request->kind) {
	case CACHED:
	case UNCACHED:
	case DIRECT:
		CHECK_EQ(event->res, BLOCK);
		CHECK_EQ(first_wrong(request->memory, 16, 9, (uint64_t)request->block * BLOCK), -1);
		CHECK_EQ(first_wrong(request->memory + BLOCK - 16, 16, 9, (uint64_t)(request->block + 1) * BLOCK - 16), -1);
		break;
	case WRITTEN:
		CHECK_EQ(event->res, BLOCK);
		break;
	case POLLED:
		CHECK_EQ(event->res, POLLOUT);
		break;
	case SYNCED:
		CHECK_EQ(event->res, 0);
		break;
	default:
		CHECK_EQ(event->res, 1);
		CHECK_EQ(read(stream_fd[0], &byte, 1), 1);
	}
	ended++;
}

/* What is in the ring, without a call; one at a time or two runs at once. */
static int take(int in_runs)
{
	struct ring_header *ring = ring_of(ctx);
	unsigned int head = ring->head, tail = ring_load(&ring->tail), first, i;
	int count = 0;

	CHECK_LE(tail, capacity - 1);
	if (in_runs) {
		unsigned int there = head <= tail ? tail - head : capacity - (head - tail);

		first = there < capacity - head ? there : capacity - head;
		for (i = 0; i < first; i++)
			finish(&ring->events[head + i]);
		for (; i < there; i++)
			finish(&ring->events[i - first]);
		__atomic_store_n(&ring->head, tail, __ATOMIC_RELEASE);
		return (int)there;
	}
	while (head != tail) {
		finish(&ring->events[head]);
		head = (head + 1) % capacity;
		__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
		count++;
	}
	return count;
}

static void *by_call(void *arg)
{
	struct io_event events[16];
	struct timespec moment = {0, 0};
	int count, i;

	(void)arg;
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&turn);
		count = io_getevents(ctx, 0, 16, events, &moment);
		CHECK_GE(count, 0);
		for (i = 0; i < count; i++)
			finish(&events[i]);
		pthread_mutex_unlock(&turn);
		sched_yield();
	}
	return NULL;
}

static void carry(enum style style, enum kind kind, long total)
{
	struct ring_header *ring;
	pthread_t thread;
	uint64_t count, counted = 0;
	long signals = 0, rounds = 0;
	unsigned int batch = 1;

	ctx = setup(1);
	ring = ring_of(ctx);
	CHECK(ring->magic == MAGIC && ring->incompat_features == 0);
	capacity = ring->nr;
	begun = ended = 0;
	over = 0;
	memset(requests[0].memory, 0, BLOCK);
	if (style == IN_TURNS)
		CHECK_EQ(pthread_create(&thread, NULL, by_call, NULL), 0);
	while (ended < total) {
		struct iocb *list[SLOTS];
		int n = 0, i, result;

		pthread_mutex_lock(&turn);
		batch = batch * 5 % 127;
		for (i = 0; i < SLOTS && n < (int)batch + 1 && begun < total; i++) {
			if (requests[i].busy)
				continue;
			prepare(&requests[i], kind);
			if (style == AFTER_EVENTFD)
				io_set_eventfd(&requests[i].iocb, event_fd);
			list[n++] = &requests[i].iocb;
			begun++;
		}
		result = n ? io_submit(ctx, n, list) : 0;
		if (result < 0) {
			CHECK_EQ(result, -EAGAIN);
			result = 0;
		}
		signals += result;
		for (i = result; i < n; i++) {
			((struct request *)list[i]->data)->busy = 0;
			begun--;
		}
		if (style == AFTER_EVENTFD) {
			struct pollfd poll_fd = {event_fd, POLLIN, 0};

			if (begun > ended) {
				CHECK_EQ(poll(&poll_fd, 1, 10000), 1);
				CHECK_EQ(read(event_fd, &count, 8), 8);
				counted += count;
				take(0);
				/* There were at least as many events as were counted. */
				CHECK_GE((uint64_t)ended, counted);
			}
		} else {
			take(++rounds % 2);
		}
		pthread_mutex_unlock(&turn);
		if (style == IN_TURNS)
			sched_yield();
	}
	if (style == IN_TURNS) {
		__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	if (style == AFTER_EVENTFD) {
		long start = now_ms();

		while (counted < (uint64_t)signals && now_ms() - start < 5000)
			if (read(event_fd, &count, 8) == 8)
				counted += count;
		CHECK_EQ(counted, signals);
	}
	CHECK_EQ(ended, total);
	CHECK_EQ(ring_load(&ring->head), ring_load(&ring->tail));
	CHECK_EQ((unsigned long)total % capacity, ring_load(&ring->tail));
	CHECK(ring->nr == capacity && ring->magic == MAGIC && ring->incompat_features == 0);
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* As many as the ring allows may be outstanding or uncollected, whoever collects them. */
static void limits(void)
{
	static const int sizes[] = {1, 32, 64, 128, 256, 1000};
	struct iocb poll_iocb, read_iocb, *list = &poll_iocb;
	struct io_event events[2048], event;
	unsigned int i;

	for (i = 0; i < COUNT_OF(sizes); i++) {
		struct ring_header *ring;
		long limit = 0, cpus = sysconf(_SC_NPROCESSORS_CONF), j;
		struct timespec zero = {0, 0};

		ctx = setup(sizes[i]);
		ring = ring_of(ctx);
		io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
		io_prep_pread(&read_iocb, buffered, requests[0].memory, BLOCK, 0);
		while (submit_one(ctx, &read_iocb) == 1)
			limit++;
		CHECK_EQ(limit, (ring->nr - 1) / (4 * cpus) * (4 * cpus));
		/* By call, by hand, and by a mixture: what was taken can be submitted again. */
		CHECK_EQ(io_getevents(ctx, 1, 1, events, &zero), 1);
		CHECK_EQ(submit_one(ctx, &read_iocb), 1);
		CHECK_EQ(submit_one(ctx, &read_iocb), -EAGAIN);
		for (j = 0; j < 10; j++) {
			long taken = 1 + (long)(mix((uint64_t)(j + 100 * (long)i)) % 20), k;

			for (k = 0; k < taken; k++)
				if ((j + k) % 2)
					CHECK_EQ(io_getevents(ctx, 1, 1, events, &zero), 1);
				else
					__atomic_store_n(&ring->head, (ring->head + 1) % ring->nr, __ATOMIC_RELEASE);
			for (k = 0; k < taken; k++)
				CHECK_EQ(io_submit(ctx, 1, &list), 1);
			CHECK_EQ(submit_one(ctx, &read_iocb), -EAGAIN);
			for (k = 0; k < taken; k++) {
				/* One iocb stands for them all. */
				CHECK_EQ(io_cancel(ctx, &poll_iocb, &event), -EINPROGRESS);
			}
			CHECK_EQ(submit_one(ctx, &read_iocb), -EAGAIN);
		}
		CHECK_EQ(io_getevents(ctx, limit, 2048, events, NULL), limit);
		CHECK_EQ(ready(ctx), 0);
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

int main(void)
{
	static const int factors[] = {[CACHED] = 40000, [UNCACHED] = 2000, [DIRECT] = 4000, [WRITTEN] = 4000,
				      [POLLED] = 10000, [SYNCED] = 300,    [STREAMED] = 10000, [MIXED] = 12000};
	int style, kind, i;

	buffered = temp_file(BLOCKS * BLOCK, 9);
	direct = reopen(buffered, O_RDONLY | O_DIRECT);
	written = temp_file(BLOCKS * BLOCK, 9);
	CHECK(pipe(pipe_fd) == 0 && pipe(stream_fd) == 0);
	CHECK((event_fd = eventfd(0, EFD_NONBLOCK)) >= 0);
	CHECK(fsync(buffered) == 0);
	for (i = 0; i < SLOTS; i++)
		requests[i].memory = (char *)pages(4096);
	limits();
	for (style = AFTER_EVENTFD; style <= IN_TURNS; style++)
		for (kind = CACHED; kind <= MIXED; kind++)
			carry((enum style)style, (enum kind)kind, factors[kind] * test_scale());
	return 0;
}
