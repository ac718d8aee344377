// oracle: yes
// their-headers: no (it tests ours)
// mutants: order
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Two threads, one with the inlines, the other in the kernel's place: what one has written before it moves an index is
 * there when the other sees the index. Compiled with -fsanitize=thread, an access that keeps no order is seen on any
 * processor.
 */
#include <pthread.h>

#include "uring_check.h"

enum { ENTRIES = 4, ROUNDS = 200 };

static unsigned sq_head, sq_flags, cq_head, cq_tail, cq_flags;
static struct io_uring_sqe sqes[ENTRIES];
static struct io_uring_cqe cqes[ENTRIES];
static union {
	struct io_uring_buf_ring br;
	struct io_uring_buf bufs[ENTRIES];
} buffers;
static struct io_uring ring;
static unsigned taken;
static int turn;

/* Between two parts of a test: both threads are here. */
static void meet(int now)
{
	__atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) < 2 * now)
		sched_yield();
}

/* Seen without order: both threads go on at once. */
static int started;

static void start(void)
{
	int both = (__atomic_fetch_add(&started, 1, __ATOMIC_RELAXED) | 1) + 1;

	while (__atomic_load_n(&started, __ATOMIC_RELAXED) < both)
		sched_yield();
}

static void *kernel(void *unused)
{
	unsigned n;
	int way;

	(void)unused;
	/* Writes a completion when its place is free. */
	for (way = 0; way < 3; way++) {
		for (n = 0; n < ROUNDS; n++) {
			struct io_uring_cqe *cqe = &cqes[n % ENTRIES];

			while (n - __atomic_load_n(&cq_head, __ATOMIC_ACQUIRE) == ENTRIES)
				sched_yield();
			cqe->user_data = n;
			cqe->res = (int)n;
			__atomic_store_n(&cq_tail, n + 1, __ATOMIC_RELEASE);
		}
		meet(2 * way + 1);
		cq_tail = cq_head = 0;
		meet(2 * way + 2);
	}
	/* Reads an entry, then says that it is free. */
	for (n = 0; n < ROUNDS; n++) {
		while (__atomic_load_n(&ring.sq.sqe_tail, __ATOMIC_ACQUIRE) == n)
			sched_yield();
		CHECK_EQ(sqes[n % ENTRIES].user_data, n);
		__atomic_store_n(&sq_head, n + 1, __ATOMIC_RELEASE);
	}
	meet(7);
	for (n = 0; n < ROUNDS; n++) {
		while (__atomic_load_n(&buffers.br.tail, __ATOMIC_ACQUIRE) == n)
			sched_yield();
		CHECK_EQ(buffers.bufs[n % ENTRIES].len, n);
		__atomic_store_n(&taken, n + 1, __ATOMIC_RELEASE);
	}
	meet(8);
	/* Flags are changed while they are read. */
	start();
	for (n = 0; n < ROUNDS; n++)
		__atomic_store_n(&sq_flags, n % 2 ? IORING_SQ_CQ_OVERFLOW : 0, __ATOMIC_RELAXED);
	start();
	for (n = 0; n < ROUNDS; n++)
		__atomic_load_n(&cq_flags, __ATOMIC_RELAXED);
	meet(9);
	return NULL;
}

static void check(const struct io_uring_cqe *cqe, unsigned n)
{
	CHECK_EQ(cqe->user_data, n);
	CHECK_EQ(cqe->res, (int)n);
}

/* The only way of this part to see the tail is the one that is meant. */
static void complete(int way)
{
	unsigned n = 0, head;

	while (n < ROUNDS) {
		unsigned before = n;
		struct io_uring_cqe *cqe;

		if (way == 0) {
			io_uring_for_each_cqe(&ring, head, cqe)
				check(cqe, n++);
			io_uring_cq_advance(&ring, n - before);
		} else if (way == 1) {
			unsigned ready = io_uring_cq_ready(&ring);

			for (; n < before + ready; n++)
				check(&cqes[n % ENTRIES], n);
			io_uring_cq_advance(&ring, ready);
		} else if (!__io_uring_peek_cqe(&ring, &cqe, NULL) && cqe) {
			check(cqe, n++);
			io_uring_cqe_seen(&ring, cqe);
		}
		if (n == before)
			sched_yield();
	}
}

int main(void)
{
	pthread_t thread;
	unsigned n, seen = 0;
	int way;

	memset(&ring, 0, sizeof(ring));
	ring.flags = IORING_SETUP_SQPOLL;
	ring.features = IORING_FEAT_EXT_ARG;
	ring.sq.khead = &sq_head;
	ring.sq.kflags = &sq_flags;
	ring.sq.sqes = sqes;
	ring.sq.ring_mask = ring.cq.ring_mask = ENTRIES - 1;
	ring.sq.ring_entries = ring.cq.ring_entries = ENTRIES;
	ring.cq.khead = &cq_head;
	ring.cq.ktail = &cq_tail;
	ring.cq.kflags = &cq_flags;
	ring.cq.cqes = cqes;
	CHECK(pthread_create(&thread, NULL, kernel, NULL) == 0);

	for (way = 0; way < 3; way++) {
		complete(way);
		meet(2 * way + 1);
		meet(2 * way + 2);
	}

	for (n = 0; n < ROUNDS; n++) {
		unsigned place = n % ENTRIES;

		/* A place is written when the head says that it is free; the tail goes where the kernel looks. */
		while (n - io_uring_load_sq_head(&ring) == ENTRIES)
			sched_yield();
		sqes[place].user_data = n;
		__atomic_store_n(&ring.sq.sqe_tail, n + 1, __ATOMIC_RELEASE);
	}
	meet(7);

	for (n = 0; n < ROUNDS; n++) {
		io_uring_buf_ring_add(&buffers.br, &buffers, n, 0, ENTRIES - 1, 0);
		io_uring_buf_ring_advance(&buffers.br, 1);
		while (__atomic_load_n(&taken, __ATOMIC_ACQUIRE) != n + 1)
			sched_yield();
	}
	meet(8);

	start();
	for (n = 0; n < ROUNDS; n++)
		seen += io_uring_cq_has_overflow(&ring);
	CHECK_LE(seen, ROUNDS);
	start();
	for (n = 0; n < ROUNDS; n++)
		CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, n % 2), 0);
	meet(9);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
