/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ring a context points at: events are readable there, and a program may take them itself by moving head. */
#include "aio_check.h"

static struct iocb iocb[512], *list[512];
static char buf[512][16];
static int fd;

static void prepare(int count)
{
	int i;

	for (i = 0; i < count; i++) {
		io_prep_pread(&iocb[i], fd, buf[i], 10, 0);
		iocb[i].data = (void *)(uintptr_t)i;
		list[i] = &iocb[i];
	}
}

/* Submits until the context is full; the file is in the cache, so that every event is there. */
static int submit_until_full(io_context_t ctx)
{
	int count = 0, result;

	while ((result = submit_one(ctx, &iocb[count])) == 1)
		count++;
	CHECK_EQ(result, -EAGAIN);
	return count;
}

int main(void)
{
	io_context_t ctx = setup(1);
	struct ring_header *ring = ring_of(ctx);
	struct io_event events[4];
	struct timespec zero = {0, 0};
	unsigned int i;
	int full;

	fd = temp_file(100, 4);
	CHECK_EQ(pread(fd, buf[0], 10, 0), 10);
	prepare(512);

	/* Three events can be read without a call. */
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	CHECK_EQ(ring_load(&ring->tail), 3);
	CHECK_EQ(ring->head, 0);
	for (i = 0; i < 3; i++) {
		CHECK(ring->events[i].data == (void *)(uintptr_t)i);
		CHECK(ring->events[i].obj == &iocb[i]);
		CHECK_EQ(ring->events[i].res, 10);
		CHECK_EQ(ring->events[i].res2, 0);
	}

	/* io_getevents moves head. */
	reap(ctx, 2, events);
	CHECK_EQ(ring_load(&ring->head), 2);
	CHECK_EQ(ring_load(&ring->tail), 3);
	reap(ctx, 1, events);
	CHECK(events[0].data == (void *)2);

	/* The program moves head past two of three: io_getevents returns the third. */
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	CHECK_EQ(ring_load(&ring->tail), 6);
	__atomic_store_n(&ring->head, 5, __ATOMIC_RELEASE);
	CHECK_EQ(io_getevents(ctx, 0, 4, events, NULL), 1);
	CHECK(events[0].data == (void *)2);
	CHECK_EQ(ring_load(&ring->head), 6);

	/* Taking all events by moving head gives the room back, round after round. */
	full = submit_until_full(ctx);
	for (i = 0; i < 5; i++) {
		__atomic_store_n(&ring->head, ring_load(&ring->tail), __ATOMIC_RELEASE);
		CHECK_EQ(submit_until_full(ctx), full);
	}
	CHECK_LE(full, ring->nr - 1);
	__atomic_store_n(&ring->head, ring_load(&ring->tail), __ATOMIC_RELEASE);
	CHECK_EQ(io_getevents(ctx, 0, 4, events, &zero), 0);
	CHECK_EQ(io_getevents(ctx, 0, 4, events, NULL), 0);

	/* One event at a time over the seam of the ring, half by call, half by hand. */
	for (i = 0; i < 3 * ring->nr; i++) {
		unsigned int head = ring_load(&ring->head);

		CHECK_EQ(submit_one(ctx, &iocb[i % 512]), 1);
		CHECK_EQ(ring_load(&ring->tail), (head + 1) % ring->nr);
		if (i % 2) {
			reap(ctx, 1, events);
			CHECK(events[0].obj == &iocb[i % 512]);
			CHECK_EQ(ring_load(&ring->head), (head + 1) % ring->nr);
		} else {
			CHECK(ring->events[head].obj == &iocb[i % 512]);
			__atomic_store_n(&ring->head, (head + 1) % ring->nr, __ATOMIC_RELEASE);
		}
	}

	/* What the program writes to the other fields is nobody's business but its own. */
	ring->magic = 0;
	ring->nr = 3;
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	CHECK_EQ(io_getevents(ctx, 3, 4, events, NULL), 3);

	/* Garbage in head never crashes. */
	ring->head = 0xffffffffu;
	CHECK_GE(io_getevents(ctx, 0, 4, events, &zero), 0);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	ring->head = 100000;
	CHECK_GE(io_getevents(ctx, 0, 4, events, &zero), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
