// oracle: yes
// their-headers: no (it tests ours)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Entries of the submission queue, taken from a ring in plain memory. */
#include "uring_check.h"

enum { ENTRIES = 8 };

/* The neighbours hold other values than what is meant. */
static struct {
	unsigned before, khead, behind;
} word;
/* Twice, for entries of 128 bytes, and some on both sides. */
static struct io_uring_sqe sqes[4 * ENTRIES];
#define FIRST (sqes + ENTRIES)
static struct io_uring ring;

static void make_plain(unsigned flags, unsigned head)
{
	memset(&ring, 0, sizeof(ring));
	memset(sqes, 0xa5, sizeof(sqes));
	word.before = word.behind = 77777;
	word.khead = head;
	ring.flags = flags;
	ring.ring_fd = ring.enter_ring_fd = -1;
	ring.sq.khead = &word.khead;
	ring.sq.sqes = FIRST;
	ring.sq.ring_mask = ENTRIES - 1;
	ring.sq.ring_entries = ENTRIES;
	ring.sq.sqe_head = ring.sq.sqe_tail = head;
}

static int filled(const void *memory, unsigned char byte, size_t from, size_t to)
{
	const unsigned char *bytes = (const unsigned char *)memory;

	for (; from < to; from++)
		if (bytes[from] != byte)
			return 0;
	return 1;
}

/* What the preparing functions leave alone is empty; the rest is as it was. */
static void check_fresh(const struct io_uring_sqe *sqe)
{
	CHECK(filled(sqe, 0xa5, 0, 1));
	CHECK(filled(sqe, 0, 1, 4));
	CHECK(filled(sqe, 0xa5, 4, 28));
	CHECK(filled(sqe, 0, 28, 32));
	CHECK(filled(sqe, 0xa5, 32, 40));
	CHECK(filled(sqe, 0, 40, 64));
}

/* How many places of 64 bytes were written. */
static unsigned touched(void)
{
	unsigned n = 0, i;

	for (i = 0; i < COUNT_OF(sqes); i++)
		n += !filled(&sqes[i], 0xa5, 0, sizeof(sqes[i]));
	return n;
}

static void check_full(struct io_uring_sqe *(*take_one)(struct io_uring *))
{
	unsigned tail = ring.sq.sqe_tail, before = touched();

	CHECK(take_one(&ring) == NULL);
	CHECK_EQ(ring.sq.sqe_tail, tail);
	CHECK_EQ(touched(), before);
}

/* All entries, one after the other, from any head on. */
static void take_all(struct io_uring_sqe *(*take_one)(struct io_uring *), unsigned flags, unsigned head)
{
	unsigned shift = flags & IORING_SETUP_SQE128 ? 1 : 0, n;

	make_plain(flags, head);
	CHECK_EQ(io_uring_load_sq_head(&ring), head);
	for (n = 0; n < ENTRIES; n++) {
		struct io_uring_sqe *sqe;

		CHECK_EQ(io_uring_sq_ready(&ring), n);
		CHECK_EQ(io_uring_sq_space_left(&ring), ENTRIES - n);
		CHECK_EQ(io_uring_sqring_wait(&ring), 0);
		sqe = take_one(&ring);
		CHECK(sqe == FIRST + (((head + n) % ENTRIES) << shift));
		check_fresh(sqe);
		CHECK_EQ(touched(), n + 1);
		CHECK_EQ(ring.sq.sqe_tail, head + n + 1);
		CHECK_EQ(ring.sq.sqe_head, head);
		CHECK_EQ(word.khead, head);
	}
	CHECK_EQ(io_uring_sq_space_left(&ring), 0);
	check_full(take_one);
	/* The kernel has taken three. */
	word.khead += 3;
	CHECK_EQ(io_uring_load_sq_head(&ring), head + 3);
	CHECK_EQ(io_uring_sq_ready(&ring), ENTRIES - 3);
	CHECK_EQ(io_uring_sq_space_left(&ring), 3);
	CHECK(take_one(&ring) == FIRST + ((head % ENTRIES) << shift));
}

/* Only with SQPOLL there is somebody to wait for; there is no ring behind this one, so that the call is seen. */
static void wait_for_room(void)
{
	unsigned bit;

	for (bit = 0; bit < 32; bit++) {
		make_plain(1u << bit, 0);
		CHECK_EQ(io_uring_sqring_wait(&ring), 0);
		ring.sq.sqe_tail = ENTRIES;
		CHECK_EQ(io_uring_sqring_wait(&ring), 1u << bit == IORING_SETUP_SQPOLL ? -EBADF : 0);
		ring.sq.sqe_tail = ENTRIES - 1;
		CHECK_EQ(io_uring_sqring_wait(&ring), 0);
	}
}

/* In rings with entries of two sizes a large one takes two places, never the last and the first. */
static void take_large(void)
{
	unsigned head, used;

	for (head = 0; head < 2 * ENTRIES; head++) {
		for (used = 0; used <= ENTRIES; used++) {
			unsigned start = head + 0xfffffff8u, tail = start + used;
			unsigned filler = tail % ENTRIES == ENTRIES - 1;
			struct io_uring_sqe *sqe;

			make_plain(IORING_SETUP_SQE_MIXED, start);
			ring.sq.sqe_tail = tail;
			if (used + filler + 2 > ENTRIES) {
				check_full(io_uring_get_sqe128);
				continue;
			}
			sqe = io_uring_get_sqe128(&ring);
			CHECK(sqe == FIRST + (tail + filler) % ENTRIES);
			check_fresh(sqe);
			CHECK_EQ(touched(), 1 + filler);
			CHECK_EQ(ring.sq.sqe_tail, tail + filler + 2);
			if (filler) {
				sqe = FIRST + ENTRIES - 1;
				CHECK_EQ(sqe->opcode, IORING_OP_NOP);
				CHECK_EQ(sqe->flags, IOSQE_CQE_SKIP_SUCCESS);
				CHECK_EQ(sqe->fd, -1);
				CHECK_EQ(sqe->user_data, 0);
				CHECK(filled(sqe, 0, 2, 4));
				CHECK(filled(sqe, 0, 8, 64));
			}
		}
	}
}

/* Where there is only one size, or the entries are small. */
static void one_size(void)
{
	unsigned bit;

	for (bit = 0; bit < 32; bit++) {
		unsigned flag = 1u << bit;

		make_plain(flag, 2);
		if (flag == IORING_SETUP_SQE128)
			CHECK(io_uring_get_sqe128(&ring) == FIRST + 4);
		else if (flag == IORING_SETUP_SQE_MIXED)
			CHECK(io_uring_get_sqe128(&ring) == FIRST + 2);
		else
			check_full(io_uring_get_sqe128);
	}
}

static struct io_uring_sqe *get_sqe(struct io_uring *from)
{
	return io_uring_get_sqe(from);
}

int main(void)
{
	static const unsigned heads[] = {0, 5, 0xfffffffbu};
	static const unsigned flags[] = {0, IORING_SETUP_SQPOLL, IORING_SETUP_SQE128,
					 IORING_SETUP_SQE128 | IORING_SETUP_SQPOLL};
	unsigned i, k;

	for (i = 0; i < COUNT_OF(heads); i++) {
		for (k = 0; k < COUNT_OF(flags); k++) {
			take_all(get_sqe, flags[k], heads[i]);
			take_all(_io_uring_get_sqe, flags[k], heads[i]);
		}
		take_all(io_uring_get_sqe128, IORING_SETUP_SQE128, heads[i]);
	}
	wait_for_room();
	take_large();
	one_size();
	return 0;
}
