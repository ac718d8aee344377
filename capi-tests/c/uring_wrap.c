// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Indices that pass 2^32, in rings that lie in plain memory: the test is the kernel. */
#include "uring_check.h"

enum { ENTRIES = 4, COMPLETIONS = 8 };

static struct {
	unsigned sq_head, sq_tail, sq_flags, cq_head, cq_tail, cq_flags, overflow, dropped;
	unsigned sq_mask, sq_entries, cq_mask, cq_entries;
	unsigned array[ENTRIES];
	struct io_uring_sqe sqes[2 * ENTRIES];
	struct io_uring_cqe cqes[2 * COMPLETIONS];
} shared;

static void lay_out(struct io_uring *ring, unsigned at, unsigned flags)
{
	memset(&shared, 0, sizeof(shared));
	memset(ring, 0, sizeof(*ring));
	shared.sq_head = shared.sq_tail = shared.cq_head = shared.cq_tail = at;
	shared.sq_mask = ENTRIES - 1;
	shared.sq_entries = ENTRIES;
	shared.cq_mask = COMPLETIONS - 1;
	shared.cq_entries = COMPLETIONS;
	ring->sq.khead = &shared.sq_head;
	ring->sq.ktail = &shared.sq_tail;
	ring->sq.kring_mask = &shared.sq_mask;
	ring->sq.kring_entries = &shared.sq_entries;
	ring->sq.kflags = &shared.sq_flags;
	ring->sq.kdropped = &shared.dropped;
	ring->sq.array = shared.array;
	ring->sq.sqes = shared.sqes;
	ring->sq.sqe_head = ring->sq.sqe_tail = at;
	ring->sq.ring_mask = ENTRIES - 1;
	ring->sq.ring_entries = ENTRIES;
	ring->cq.khead = &shared.cq_head;
	ring->cq.ktail = &shared.cq_tail;
	ring->cq.kring_mask = &shared.cq_mask;
	ring->cq.kring_entries = &shared.cq_entries;
	ring->cq.kflags = &shared.cq_flags;
	ring->cq.koverflow = &shared.overflow;
	ring->cq.cqes = shared.cqes;
	ring->cq.ring_mask = COMPLETIONS - 1;
	ring->cq.ring_entries = COMPLETIONS;
	ring->flags = flags;
	ring->features = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;
	/* No descriptor: whoever enters the kernel gets an error. */
	ring->ring_fd = ring->enter_ring_fd = -1;
}

static void post(struct io_uring *ring, uint64_t data)
{
	unsigned shift = (ring->flags & IORING_SETUP_CQE32) != 0;
	struct io_uring_cqe *cqe = &shared.cqes[(shared.cq_tail & shared.cq_mask) << shift];

	memset(cqe, 0, sizeof(*cqe));
	cqe->user_data = data;
	io_uring_smp_store_release(&shared.cq_tail, shared.cq_tail + 1);
}

static void with(unsigned flags)
{
	const unsigned before = 13;
	unsigned shift = (flags & IORING_SETUP_SQE128) != 0, round, n, i, head, got;
	struct __kernel_timespec ts = ms(100);
	struct io_uring_cqe *cqe, *cqes[COMPLETIONS];
	struct io_uring ring;
	uint64_t data = 100;

	lay_out(&ring, 0u - before, flags);
	for (round = 0; round < 3 * before; round++) {
		n = 1 + round % ENTRIES;
		for (i = 0; i < n; i++) {
			unsigned tail = ring.sq.sqe_tail;
			struct io_uring_sqe *sqe;

			CHECK_EQ(io_uring_sq_ready(&ring), i);
			CHECK_EQ(io_uring_sq_space_left(&ring), ENTRIES - i);
			sqe = next(&ring);
			CHECK(sqe == &shared.sqes[(tail & shared.sq_mask) << shift]);
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, data + i);
		}
		if (n == ENTRIES)
			CHECK(io_uring_get_sqe(&ring) == NULL);
		/* With a thread of the kernel that is awake, submission is a store. */
		CHECK_EQ(io_uring_submit(&ring), n);
		CHECK_EQ(shared.sq_tail, ring.sq.sqe_tail);
		CHECK_EQ(io_uring_sq_ready(&ring), n);
		for (i = 0; i < n; i++) {
			CHECK_EQ(shared.sqes[(shared.sq_head & shared.sq_mask) << shift].user_data, data + i);
			post(&ring, data + i);
			shared.sq_head++;
		}
		CHECK_EQ(io_uring_sq_ready(&ring), 0);

		CHECK_EQ(io_uring_cq_ready(&ring), n);
		CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
		CHECK_EQ(cqe->user_data, data);
		CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, n, &ts, NULL), 0);
		CHECK_EQ(cqe->user_data, data);
		CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, n), 0);
		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, COMPLETIONS), n);
		for (i = 0; i < n; i++)
			CHECK_EQ(cqes[i]->user_data, data + i);
		got = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			CHECK_EQ(head, shared.cq_head + got);
			CHECK_EQ(cqe->user_data, data + got++);
		}
		CHECK_EQ(got, n);
		io_uring_cqe_seen(&ring, cqes[0]);
		io_uring_cq_advance(&ring, n - 1);
		CHECK_EQ(shared.cq_head, shared.cq_tail);
		CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
		data += n;
	}
	/* A full completion queue across the end. */
	lay_out(&ring, 0u - COMPLETIONS / 2, flags);
	for (i = 0; i < COMPLETIONS; i++)
		post(&ring, i);
	CHECK_EQ(io_uring_cq_ready(&ring), COMPLETIONS);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, COMPLETIONS), COMPLETIONS);
	CHECK_EQ(cqes[COMPLETIONS - 1]->user_data, COMPLETIONS - 1);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, COMPLETIONS + 1), -EBADF);
	CHECK(cqe != NULL && cqe->user_data == 0);
}

int main(void)
{
	with(IORING_SETUP_SQPOLL);
	with(IORING_SETUP_SQPOLL | IORING_SETUP_SQE128);
	with(IORING_SETUP_SQPOLL | IORING_SETUP_CQE32);
	return 0;
}
