/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel against completions and against itself: each request has one event, the sum of what was taken back is
   that of the events that say so, and after a wait a buffer is the program's own. */
#include <aiouring.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "aio_check.h"

enum { BLOCK = 4096, SIZE = 1 << 20, BLOCKS = SIZE / BLOCK, THREADS = 4, EACH = 4, ROUNDS = 150 };
enum { POISON = 0x5a };

struct slot {
	struct iocb iocb;
	char *memory;
	int block, polls;
	/* Events that there were, and what the last one said. */
	int events;
	long result;
};

struct worker {
	io_context_t ctx;
	uint64_t random;
	int pipe_fd[2];
	struct slot slots[EACH];
};

static struct worker workers[THREADS];
static int direct, buffered, counter, stop, finished;
static long taken, cancelled, signals, signalled;

static uint64_t draw(struct worker *worker, uint64_t below)
{
	worker->random = mix(worker->random);
	return worker->random % below;
}

/* Takes whatever events there are, for all who use the context. */
static void collect(io_context_t ctx)
{
	struct timespec zero = {0, 0};
	struct io_event events[8];
	int count, i;

	while ((count = io_getevents(ctx, 0, 8, events, &zero)) > 0) {
		for (i = 0; i < count; i++) {
			struct slot *slot = (struct slot *)events[i].data;

			CHECK(events[i].obj == &slot->iocb);
			if ((int64_t)events[i].res == -ECANCELED)
				__atomic_fetch_add(&cancelled, 1, __ATOMIC_SEQ_CST);
			slot->result = (long)events[i].res;
			__atomic_fetch_add(&slot->events, 1, __ATOMIC_SEQ_CST);
		}
	}
	CHECK_EQ(count, 0);
}

static void submit(struct worker *worker, struct slot *slot)
{
	int kind = (int)draw(worker, 5);

	slot->block = (int)draw(worker, BLOCKS);
	slot->polls = 0;
	__atomic_store_n(&slot->events, 0, __ATOMIC_SEQ_CST);
	memset(slot->memory, 0, BLOCK);
	switch (kind) {
	case 0:
		io_prep_pread(&slot->iocb, direct, slot->memory, BLOCK, slot->block * BLOCK);
		break;
	case 1:
		if (draw(worker, 4) == 0)
			posix_fadvise(buffered, slot->block * BLOCK, BLOCK, POSIX_FADV_DONTNEED);
		io_prep_pread(&slot->iocb, buffered, slot->memory, BLOCK, slot->block * BLOCK);
		break;
	case 2:
		fill(slot->memory, BLOCK, 7, (uint64_t)slot->block * BLOCK);
		io_prep_pwrite(&slot->iocb, direct, slot->memory, BLOCK, slot->block * BLOCK);
		break;
	case 3:
		io_prep_fsync(&slot->iocb, buffered);
		break;
	default:
		io_prep_poll(&slot->iocb, worker->pipe_fd[0], POLLIN);
		slot->polls = 1;
	}
	slot->iocb.data = slot;
	if (draw(worker, 3) == 0) {
		io_set_eventfd(&slot->iocb, counter);
		__atomic_fetch_add(&signals, 1, __ATOMIC_SEQ_CST);
	}
	CHECK_EQ(submit_one(worker->ctx, &slot->iocb), 1);
}

static void counts(int answer)
{
	if (answer > 0)
		__atomic_fetch_add(&taken, answer, __ATOMIC_SEQ_CST);
	else
		CHECK(answer == -ENOENT || answer == -EALREADY);
}

/* The event is there, if nobody has taken it, and there is no other. */
static void over(struct worker *worker, struct slot *slot)
{
	long begun = now_ms();

	collect(worker->ctx);
	while (__atomic_load_n(&slot->events, __ATOMIC_SEQ_CST) == 0)
		CHECK_LE(now_ms() - begun, 5000);
	CHECK_EQ(slot->events, 1);
	if (slot->result == -ECANCELED)
		return;
	if (slot->polls)
		CHECK(slot->result & POLLIN);
	else if (slot->iocb.aio_lio_opcode == IO_CMD_FSYNC)
		CHECK_EQ(slot->result, 0);
	else {
		CHECK_EQ(slot->result, BLOCK);
		CHECK_PATTERN(slot->memory, BLOCK, 7, (uint64_t)slot->block * BLOCK);
	}
}

static void *work(void *arg)
{
	struct worker *worker = (struct worker *)arg;
	long round, rounds = ROUNDS * test_scale();
	int i, k, answer;
	char byte;

	for (round = 0; round < rounds; round++) {
		int count = 1 + (int)draw(worker, EACH), data = draw(worker, 3) == 0;

		for (i = 0; i < count; i++)
			submit(worker, &worker->slots[i]);
		if (data)
			CHECK_EQ(write(worker->pipe_fd[1], "x", 1), 1);
		if (draw(worker, 2))
			for (k = (int)draw(worker, 2000); k > 0; k--)
				__asm__ volatile("" ::: "memory");
		for (i = 0; i < count; i++) {
			struct slot *slot = &worker->slots[i];

			if (draw(worker, 2))
				counts(aiouring_cancel(worker->ctx, &slot->iocb, -1, AIOURING_CANCEL_IOCB, NULL));
			answer = aiouring_cancel(worker->ctx, &slot->iocb, -1, AIOURING_CANCEL_IOCB | AIOURING_CANCEL_WAIT,
						 NULL);
			counts(answer);
			over(worker, slot);
			memset(slot->memory, POISON, BLOCK);
		}
		if (data)
			CHECK_EQ(read(worker->pipe_fd[0], &byte, 1), 1);
		for (i = 0; i < count; i++)
			for (k = 0; k < BLOCK; k++)
				CHECK_EQ(worker->slots[i].memory[k], POISON);
	}
	/* With AIOURING_ISSUER=caller a thread takes signals with it that the kernel has yet to make. */
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) <= THREADS)
		sleep_ms(1);
	return NULL;
}

static void await_signals(void)
{
	long begun = now_ms();

	while (signalled < __atomic_load_n(&signals, __ATOMIC_SEQ_CST)) {
		eventfd_t value;

		CHECK_LE(now_ms() - begun, 5000);
		if (eventfd_read(counter, &value) == 0)
			signalled += (long)value;
	}
	CHECK_EQ(signalled, signals);
}

/* Takes back whatever there is, of everybody. */
static void *meddle(void *arg)
{
	struct worker *self = (struct worker *)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		struct worker *other = &workers[draw(self, THREADS)];
		struct slot *slot = &other->slots[draw(self, EACH)];
		unsigned int waits = draw(self, 2) ? AIOURING_CANCEL_WAIT : 0;

		switch (draw(self, 4)) {
		case 0:
			counts(aiouring_cancel(other->ctx, NULL, -1, AIOURING_CANCEL_ALL | waits, NULL));
			break;
		case 1:
			counts(aiouring_cancel(other->ctx, NULL, other->pipe_fd[0], AIOURING_CANCEL_FD | waits, NULL));
			break;
		default:
			counts(aiouring_cancel(other->ctx, &slot->iocb, -1, AIOURING_CANCEL_IOCB | waits, NULL));
		}
		sleep_ms((long)draw(self, 2));
	}
	return NULL;
}

/* One context for all, or one for each; with others who take back, or without. */
static void run(int shared, int meddlers)
{
	pthread_t threads[THREADS], others[2];
	struct worker self[2];
	io_context_t ctx = setup(THREADS * EACH);
	int i;

	__atomic_store_n(&stop, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&finished, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < THREADS; i++)
		workers[i].ctx = shared ? ctx : setup(EACH);
	for (i = 0; i < meddlers; i++) {
		self[i].random = (uint64_t)(100 + i);
		CHECK_EQ(pthread_create(&others[i], NULL, meddle, &self[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < THREADS)
		sleep_ms(1);
	await_signals();
	__atomic_store_n(&finished, THREADS + 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < meddlers; i++)
		CHECK_EQ(pthread_join(others[i], NULL), 0);
	for (i = 0; i < THREADS; i++) {
		CHECK_EQ(ready(workers[i].ctx), 0);
		if (!shared)
			CHECK_EQ(io_destroy(workers[i].ctx), 0);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	/* What was begun may have been given up when it was found that it could not go on. */
	CHECK_LE(taken, cancelled);
	await_signals();
}

int main(void)
{
	int i, k;

	buffered = temp_file(SIZE, 7);
	direct = reopen(buffered, O_RDWR | O_DIRECT);
	counter = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < THREADS; i++) {
		workers[i].random = (uint64_t)i + 1;
		CHECK(pipe(workers[i].pipe_fd) == 0);
		for (k = 0; k < EACH; k++)
			workers[i].slots[k].memory = (char *)pages(BLOCK);
	}
	run(0, 0);
	run(1, 0);
	run(0, 2);
	run(1, 2);
	fprintf(stderr, "%ld taken back, %ld events that say so\n", taken, cancelled);
	return 0;
}
