/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The ways a request can take, behind the same few functions: libaio (kernel AIO or ours, whichever library the program
 * finds), and with NATIVE a ring used as well as a program can.
 *
 * A lane is a context or a ring. A request has a slot: a number below the lane's depth, which its event brings back.
 * Requests are prepared, submitted together, and reaped. An event for a slot that has none under way is an error.
 */
#ifndef LANE_H
#define LANE_H

#include "slice.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

#ifdef NATIVE
#include <liburing.h>
#else
#include <libaio.h>
#endif

struct done {
	unsigned slot;
	long result;
};

enum lane_use {
	ALONE, /* one thread; where that is possible, requests start when it waits */
	APART, /* one thread; requests start at lane_submit */
	SHARED /* the same, several threads */
};

struct lane {
	unsigned depth, prepared;
	int watched; /* descriptor for epoll, or -1 */
	uint64_t signals; /* that came by it, where each event is one */
	unsigned char *under_way; /* by slot */
	struct done *done; /* what lane_reap brought */
#ifdef NATIVE
	enum lane_use use;
	struct io_uring *ring;
	pthread_mutex_t *lock; /* SHARED: of the ring's both ends */
	unsigned part; /* so many to a call; 0: as many as there are */
	int locked; /* by this thread, from its first SQE to lane_submit */
#else
	io_context_t ctx;
	struct iocb *iocbs, **batch;
	struct io_event *events;
#endif
};

static inline void lane_begin(struct lane *lane, unsigned slot)
{
	if (lane->under_way[slot])
		fail("request %u is under way already", slot);
	lane->under_way[slot] = 1;
}

static inline void lane_event(struct lane *lane, unsigned index, uint64_t slot, long result)
{
	if (slot >= lane->depth || !lane->under_way[slot])
		fail("an event for request %llu, which is not under way", (unsigned long long)slot);
	lane->under_way[slot] = 0;
	lane->done[index] = (struct done){(unsigned)slot, result};
}

#ifndef NATIVE

/* Two calls for each batch, as libaio has it. */
static const int lane_submits_apart = 1;

/* Threads share a context. */
static const int lane_for_each_thread = 0;

static inline void lane_in_parts(struct lane *lane)
{
	(void)lane;
}

static inline void lane_context(struct lane *lane, unsigned depth)
{
	lane->ctx = NULL;
	int result = io_setup((int)depth, &lane->ctx);
	if (result)
		fail("io_setup(%u): %s", depth, strerror(-result));
}

static inline void lane_open(struct lane *lane, unsigned depth, enum lane_use use)
{
	(void)use;
	*lane = (struct lane){.depth = depth, .watched = -1};
	lane_context(lane, depth);
	lane->under_way = allocate(depth, 1);
	lane->done = allocate(depth, sizeof *lane->done);
	lane->iocbs = allocate(depth, sizeof *lane->iocbs);
	lane->batch = allocate(depth, sizeof *lane->batch);
	lane->events = allocate(depth, sizeof *lane->events);
}

/* One more context for the same thread, and for the same slots: each has a request in one of them at a time. */
static inline void lane_beside(struct lane *lane, const struct lane *from, unsigned depth)
{
	*lane = *from;
	lane_context(lane, depth);
}

/* Another thread's view of a lane. */
static inline void lane_share(struct lane *lane, const struct lane *from)
{
	*lane = *from;
	lane->done = allocate(lane->depth, sizeof *lane->done);
	lane->batch = allocate(lane->depth, sizeof *lane->batch);
	lane->events = allocate(lane->depth, sizeof *lane->events);
}

/* Everything prepared from now on signals a descriptor, which is for epoll. */
static inline void lane_watch(struct lane *lane)
{
	lane->watched = eventfd(0, EFD_NONBLOCK);
	if (lane->watched < 0)
		fail("eventfd: %m");
}

/* After epoll has seen the descriptor. */
static inline void lane_seen(struct lane *lane)
{
	uint64_t count;
	if (read(lane->watched, &count, sizeof count) != sizeof count)
		fail("epoll saw an eventfd that cannot be read: %m");
	lane->signals += count;
}

static inline void lane_check_signals(const struct lane *lane, uint64_t events)
{
	if (lane->signals != events)
		fail("%llu signals for %llu events", (unsigned long long)lane->signals, (unsigned long long)events);
}

static inline void lane_prepared(struct lane *lane, struct iocb *iocb, unsigned slot)
{
	iocb->data = &lane->under_way[slot];
	if (lane->watched >= 0)
		io_set_eventfd(iocb, lane->watched);
	lane_begin(lane, slot);
	lane->batch[lane->prepared++] = iocb;
}

static inline void lane_read(struct lane *lane, unsigned slot, int fd, void *buffer, size_t size, uint64_t offset)
{
	io_prep_pread(&lane->iocbs[slot], fd, buffer, size, (long long)offset);
	lane_prepared(lane, &lane->iocbs[slot], slot);
}

static inline void lane_write(struct lane *lane, unsigned slot, int fd, void *buffer, size_t size, uint64_t offset)
{
	io_prep_pwrite(&lane->iocbs[slot], fd, buffer, size, (long long)offset);
	lane_prepared(lane, &lane->iocbs[slot], slot);
}

/* Covers the buffered writes before it: they are done when io_submit returns. */
static inline void lane_sync(struct lane *lane, unsigned slot, int fd)
{
	io_prep_fdsync(&lane->iocbs[slot], fd);
	lane_prepared(lane, &lane->iocbs[slot], slot);
}

static inline void lane_poll(struct lane *lane, unsigned slot, int fd, int events)
{
	io_prep_poll(&lane->iocbs[slot], fd, events);
	lane_prepared(lane, &lane->iocbs[slot], slot);
}

static inline void lane_submit(struct lane *lane)
{
	if (!lane->prepared)
		return;
	int result = io_submit(lane->ctx, (long)lane->prepared, lane->batch);
	if (result != (int)lane->prepared)
		fail("io_submit of %u: %d", lane->prepared, result);
	lane->prepared = 0;
}

static inline void lane_start(struct lane *lane)
{
	lane_submit(lane);
}

/* Waits for `least` events, takes at most `most`; they are in done[]. */
static inline unsigned lane_reap(struct lane *lane, unsigned least, unsigned most)
{
	struct timespec none = {0, 0};
	int count;
	/* A debugger that comes or goes ends it. */
	do
		count = io_getevents(lane->ctx, least, most, lane->events, least ? NULL : &none);
	while (count == -EINTR);
	if (count < (int)least || count > (int)most)
		fail("io_getevents of %u to %u: %d", least, most, count);
	for (int i = 0; i < count; i++) {
		struct io_event *event = &lane->events[i];
		size_t slot = (size_t)(event->obj - lane->iocbs);
		if (slot >= lane->depth || event->data != &lane->under_way[slot] || event->res2)
			fail("an event with wrong fields");
		lane_event(lane, (unsigned)i, slot, (long)event->res);
	}
	return (unsigned)count;
}

static inline void lane_pair(unsigned depth, uint64_t *between)
{
	io_context_t ctx = NULL;
	int result = io_setup((int)depth, &ctx);
	*between = now();
	if (result || (result = io_destroy(ctx)))
		fail("io_setup and io_destroy: %s", strerror(-result));
}

#else

/*
 * ALONE: the call that submits a batch also waits, and completions are run where it waits (DEFER_TASKRUN). The
 * ring's descriptor is registered, so that no call has to look it up.
 */
static const int lane_submits_apart = 0;

/*
 * Threads that submit reap, too, each from its own ring. A plain ring that all share behind a lock is as good for one
 * or two of each kind, and an eighth slower for four.
 */
static const int lane_for_each_thread = 1;

/*
 * A disk gets nothing before a whole call's requests are prepared. Four to a call keep it busy, and cost no more
 * processor time: random direct reads at depth 32 take 0.81 of the time that they take in one call (writes 0.78, reads
 * that are not in the cache 0.82), and 0.96 of what fio's ioengine=io_uring takes, which submits them one by one.
 */
static inline void lane_in_parts(struct lane *lane)
{
	lane->part = 4;
}

/* A long batch goes in parts: its SQEs would not stay in the processor's cache. */
enum { MOST_SQES = 256, MOST_CQES = 65536 };

static inline void lane_ring(struct io_uring *ring, unsigned depth, enum lane_use use)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE};
	params.cq_entries = depth < 2 ? 2 : depth > MOST_CQES ? MOST_CQES : depth;
	/*
	 * Epoll is not woken by completions that wait to be run; with COOP_TASKRUN they are run when it returns. A ring of
	 * several threads is plain.
	 */
	if (use == ALONE)
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	else if (use == APART)
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN;
	int result = io_uring_queue_init_params(depth < MOST_SQES ? depth : MOST_SQES, ring, &params);
	if (result)
		fail("io_uring_queue_init_params: %s", strerror(-result));
	/* The registration is the thread's, and it may have sixteen: with more rings the others go without. */
	if (use != SHARED)
		io_uring_register_ring_fd(ring);
}

static inline void lane_open(struct lane *lane, unsigned depth, enum lane_use use)
{
	*lane = (struct lane){.depth = depth, .watched = -1, .use = use};
	lane->ring = allocate(1, sizeof *lane->ring);
	lane_ring(lane->ring, depth, use);
	lane->under_way = allocate(depth, 1);
	lane->done = allocate(depth, sizeof *lane->done);
	if (use == SHARED) {
		lane->lock = allocate(1, sizeof *lane->lock);
		pthread_mutex_init(lane->lock, NULL);
	}
}

static inline void lane_beside(struct lane *lane, const struct lane *from, unsigned depth)
{
	*lane = *from;
	lane->ring = allocate(1, sizeof *lane->ring);
	lane_ring(lane->ring, depth, lane->use);
}

static inline void lane_share(struct lane *lane, const struct lane *from)
{
	*lane = *from;
	lane->done = allocate(lane->depth, sizeof *lane->done);
}

/* The ring itself can be polled: no eventfd has to be written and read. */
static inline void lane_watch(struct lane *lane)
{
	lane->watched = lane->ring->ring_fd;
}

static inline void lane_seen(struct lane *lane)
{
	(void)lane;
}

static inline void lane_check_signals(const struct lane *lane, uint64_t events)
{
	(void)lane;
	(void)events;
}

static inline void lane_submitted(struct lane *lane, int result)
{
	if (result != (int)lane->prepared)
		fail("io_uring_submit of %u: %d", lane->prepared, result);
	lane->prepared = 0;
}

/* Even where the next reap would do it. */
static inline void lane_start(struct lane *lane)
{
	if (lane->prepared)
		lane_submitted(lane, io_uring_submit(lane->ring));
}

static inline struct io_uring_sqe *lane_sqe(struct lane *lane)
{
	if (lane->lock && !lane->locked) {
		pthread_mutex_lock(lane->lock);
		lane->locked = 1;
	}
	if (lane->part && lane->prepared == lane->part)
		lane_start(lane);
	struct io_uring_sqe *sqe = io_uring_get_sqe(lane->ring);
	if (!sqe) {
		lane_start(lane);
		sqe = io_uring_get_sqe(lane->ring);
	}
	if (!sqe)
		fail("no SQE");
	return sqe;
}

static inline void lane_prepared(struct lane *lane, struct io_uring_sqe *sqe, unsigned slot)
{
	sqe->user_data = slot;
	lane_begin(lane, slot);
	lane->prepared++;
}

static inline void lane_read(struct lane *lane, unsigned slot, int fd, void *buffer, size_t size, uint64_t offset)
{
	struct io_uring_sqe *sqe = lane_sqe(lane);
	io_uring_prep_read(sqe, fd, buffer, (unsigned)size, offset);
	lane_prepared(lane, sqe, slot);
}

static inline void lane_write(struct lane *lane, unsigned slot, int fd, void *buffer, size_t size, uint64_t offset)
{
	struct io_uring_sqe *sqe = lane_sqe(lane);
	io_uring_prep_write(sqe, fd, buffer, (unsigned)size, offset);
	lane_prepared(lane, sqe, slot);
}

/* Writes may be done by workers: only with the flag does the sync wait for those before it. */
static inline void lane_sync(struct lane *lane, unsigned slot, int fd)
{
	struct io_uring_sqe *sqe = lane_sqe(lane);
	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	sqe->flags |= IOSQE_IO_DRAIN;
	lane_prepared(lane, sqe, slot);
}

static inline void lane_poll(struct lane *lane, unsigned slot, int fd, int events)
{
	struct io_uring_sqe *sqe = lane_sqe(lane);
	io_uring_prep_poll_add(sqe, fd, (unsigned)events);
	lane_prepared(lane, sqe, slot);
}

static inline void lane_submit(struct lane *lane)
{
	if (!lane->prepared || lane->use == ALONE)
		return;
	lane_start(lane);
	if (lane->locked) {
		lane->locked = 0;
		pthread_mutex_unlock(lane->lock);
	}
}

static inline unsigned lane_take(struct lane *lane, unsigned most)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;
	io_uring_for_each_cqe(lane->ring, head, cqe) {
		if (count == most)
			break;
		lane_event(lane, count++, cqe->user_data, cqe->res);
	}
	io_uring_cq_advance(lane->ring, count);
	return count;
}

static inline unsigned lane_reap_shared(struct lane *lane, unsigned least, unsigned most)
{
	for (;;) {
		pthread_mutex_lock(lane->lock);
		unsigned count = lane_take(lane, most);
		pthread_mutex_unlock(lane->lock);
		if (count >= least)
			return count;
		/* Others may take what this wait has seen. */
		struct io_uring_cqe *cqe;
		int result = io_uring_wait_cqe(lane->ring, &cqe);
		if (result)
			fail("io_uring_wait_cqe: %s", strerror(-result));
	}
}

static inline unsigned lane_reap(struct lane *lane, unsigned least, unsigned most)
{
	if (lane->lock)
		return lane_reap_shared(lane, least, most);
	if (lane->prepared || (least && io_uring_cq_ready(lane->ring) < least)) {
		int result = io_uring_submit_and_wait(lane->ring, least);
		lane_submitted(lane, result);
	} else if (!least && !io_uring_cq_ready(lane->ring)) {
		int result = io_uring_get_events(lane->ring);
		if (result < 0)
			fail("io_uring_get_events: %s", strerror(-result));
	}
	unsigned count = lane_take(lane, most);
	if (count < least)
		fail("waited for %u completions, got %u", least, count);
	return count;
}

static inline void lane_pair(unsigned depth, uint64_t *between)
{
	struct io_uring ring;
	lane_ring(&ring, depth, ALONE);
	*between = now();
	io_uring_queue_exit(&ring);
}

#endif
#endif
