// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was built into programs by headers from 2.0 on: the fields that their inline functions read and write, in rings
 * of each kind, over the end of the index space, and next to memory that is not the ring's.
 */
#include "uring_check.h"

/* A ring of the size that it has had since 2.0, and what lies behind it. */
static struct {
	uint64_t before[8];
	struct io_uring ring;
	uint64_t behind[8];
} place;

#define ring (&place.ring)

static void check_surroundings(void)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		CHECK_EQ(place.before[i], mix(i));
		CHECK_EQ(place.behind[i], mix(i + 8));
	}
}

/* 2.0 and 2.1: the masks and numbers that lie in the shared memory. */
static unsigned old_space_left(void)
{
	unsigned head = *ring->sq.khead;

	if (ring->flags & IORING_SETUP_SQPOLL)
		head = __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE);
	return *ring->sq.kring_entries - (ring->sq.sqe_tail - head);
}

/* 2.2: the request is taken by the program. */
static struct io_uring_sqe *old_get_sqe(unsigned mask, unsigned entries)
{
	unsigned shift = (ring->flags & IORING_SETUP_SQE128) != 0, next_tail = ring->sq.sqe_tail + 1;
	struct io_uring_sqe *sqe = NULL;

	if (next_tail - __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE) <= entries) {
		sqe = &ring->sq.sqes[(ring->sq.sqe_tail & mask) << shift];
		ring->sq.sqe_tail = next_tail;
	}
	return sqe;
}

static struct io_uring_cqe *old_cqe(unsigned head, unsigned mask)
{
	return &ring->cq.cqes[(head & mask) << ((ring->flags & IORING_SETUP_CQE32) != 0)];
}

static void old_advance(unsigned n)
{
	__atomic_store_n(ring->cq.khead, *ring->cq.khead + n, __ATOMIC_RELEASE);
}

static void nop(struct io_uring_sqe *sqe, uint64_t data)
{
	CHECK(sqe != NULL);
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_NOP;
	sqe->fd = -1;
	sqe->user_data = data;
}

/* Takes `n` completions as inlines did, with the mask from where `version` has it. */
static void reap(unsigned n, uint64_t first, int version)
{
	unsigned mask = version < 2 ? *ring->cq.kring_mask : ring->cq.ring_mask, head, got = 0;

	for (head = *ring->cq.khead; head != __atomic_load_n(ring->cq.ktail, __ATOMIC_ACQUIRE); head++, got++) {
		CHECK_EQ(old_cqe(head, mask)->user_data, first + got);
		CHECK_EQ(old_cqe(head, mask)->res, 0);
	}
	CHECK_EQ(got, n);
	old_advance(n);
}

static void check_fields(unsigned flags, const struct io_uring_params *params)
{
	CHECK_EQ(sizeof(*ring), 216);
	CHECK_EQ(*ring->sq.kring_mask, params->sq_entries - 1);
	CHECK_EQ(*ring->sq.kring_entries, params->sq_entries);
	CHECK_EQ(ring->sq.ring_mask, params->sq_entries - 1);
	CHECK_EQ(ring->sq.ring_entries, params->sq_entries);
	CHECK_EQ(*ring->cq.kring_mask, params->cq_entries - 1);
	CHECK_EQ(*ring->cq.kring_entries, params->cq_entries);
	CHECK_EQ(ring->cq.ring_mask, params->cq_entries - 1);
	CHECK_EQ(ring->cq.ring_entries, params->cq_entries);
	CHECK_EQ(*ring->sq.kdropped, 0);
	CHECK_EQ(*ring->cq.koverflow, 0);
	CHECK(ring->cq.kflags != NULL);
	CHECK_EQ(*ring->cq.kflags, 0);
	CHECK_EQ(ring->flags & flags, flags);
	CHECK_EQ(ring->features, params->features);
	CHECK_EQ(ring->enter_ring_fd, ring->ring_fd);
	CHECK(fcntl(ring->ring_fd, F_GETFD) >= 0);
	CHECK(ring->sq.array != NULL);
}

static void run(unsigned flags)
{
	struct io_uring_params params;
	unsigned i, round;
	uint64_t data = 1;
	long start;

	memset(&params, 0, sizeof(params));
	params.flags = flags;
	params.sq_thread_idle = 50;
	for (i = 0; i < 8; i++) {
		place.before[i] = mix(i);
		place.behind[i] = mix(i + 8);
	}
	memset(ring, 0xa5, sizeof(*ring));
	if (io_uring_queue_init_params(8, ring, &params) == -EINVAL) {
		CHECK(flags != 0);
		return;
	}
	check_surroundings();
	check_fields(flags, &params);

	for (round = 0; round < 50; round++) {
		int version = (int)(round % 4);
		unsigned n = 1 + round % 8, submitted;

		/* A thread of the kernel says what it has taken after it has completed it. */
		for (start = now_ms(); (flags & IORING_SETUP_SQPOLL) && old_space_left() < 8; sleep_ms(1))
			CHECK_LE(now_ms() - start, 10000);
		CHECK_EQ(old_space_left(), 8);
		/* The array that submission of 2.0 to 2.5 wrote to, here by the program. */
		for (i = 0; i < n; i++) {
			unsigned tail = ring->sq.sqe_tail;

			ring->sq.array[tail & *ring->sq.kring_mask] = tail & *ring->sq.kring_mask;
			nop(version < 2 ? old_get_sqe(*ring->sq.kring_mask, *ring->sq.kring_entries)
					: old_get_sqe(ring->sq.ring_mask, ring->sq.ring_entries),
			    data + i);
		}
		CHECK_EQ(old_space_left(), 8 - n);
		if (n == 8)
			CHECK(old_get_sqe(*ring->sq.kring_mask, *ring->sq.kring_entries) == NULL);
		submitted = (unsigned)io_uring_submit_and_wait(ring, n);
		CHECK_EQ(submitted, n);
		reap(n, data, version);
		data += n;
	}

	/* A program that does without the library from here on: entries, indices, tail and system call are its own. */
	for (round = 0; round < 4; round++) {
		unsigned tail = *ring->sq.ktail;
		int ret;

		for (start = now_ms(); __atomic_load_n(ring->sq.khead, __ATOMIC_ACQUIRE) != tail; sleep_ms(1))
			CHECK_LE(now_ms() - start, 10000);
		for (i = 0; i < 3; i++) {
			unsigned index = (tail + i) & *ring->sq.kring_mask;

			nop(&ring->sq.sqes[index << ((flags & IORING_SETUP_SQE128) != 0)], data + i);
			ring->sq.array[index] = index;
		}
		__atomic_store_n(ring->sq.ktail, tail + 3, __ATOMIC_SEQ_CST);
		ret = io_uring_enter((unsigned)ring->enter_ring_fd, 3, 3,
				     IORING_ENTER_GETEVENTS | (flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0), NULL);
		CHECK_EQ(ret, 3);
		reap(3, data, (int)round);
		data += 3;
	}
	io_uring_queue_exit(ring);
	check_surroundings();
}

int main(void)
{
	static const unsigned kinds[] = {
		0,
		IORING_SETUP_SQE128,
		IORING_SETUP_CQE32,
		IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SQPOLL,
		IORING_SETUP_SQPOLL | IORING_SETUP_SQE128,
		IORING_SETUP_CLAMP,
	};
	struct io_uring_probe *probe;
	unsigned i;

	make(ring, 1, 0);
	probe = io_uring_get_probe_ring(ring);
	/* Released as 2.0 to 2.2 had it, and as later. */
	CHECK(probe != NULL);
	free(probe);
	io_uring_free_probe(io_uring_get_probe_ring(ring));
	io_uring_queue_exit(ring);
	free(io_uring_get_probe());
	for (i = 0; i < COUNT_OF(kinds); i++)
		run(kinds[i]);
	return 0;
}
