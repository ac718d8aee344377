// oracle: yes
// their-headers: no (it tests ours)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Completions in a ring in plain memory. The program has the library's function that waits itself, and so sees when
 * and how it is called.
 */
#include "uring_check.h"

enum { ENTRIES = 8 };

static struct plain {
	struct io_uring ring;
	unsigned before, khead, ktail, behind, sq_flags, cq_flags;
	struct io_uring_cqe cqes[4 * ENTRIES];
} one, other;

static struct {
	struct io_uring *ring;
	struct io_uring_cqe **cqe_ptr;
	unsigned calls, submit, wait_nr;
	sigset_t *sigmask;
} waited;

/* As if the kernel had nothing: the number says who has called. */
int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe_ptr, unsigned submit, unsigned wait_nr,
		       sigset_t *sigmask)
{
	waited.calls++;
	waited.ring = ring;
	waited.cqe_ptr = cqe_ptr;
	waited.submit = submit;
	waited.wait_nr = wait_nr;
	waited.sigmask = sigmask;
	*cqe_ptr = NULL;
	return -EXFULL;
}

/* Completions from head to tail, numbered by their place; all others have a number that no place has. */
static void make_plain(struct plain *plain, unsigned flags, unsigned head, unsigned tail)
{
	unsigned i, shift = flags & IORING_SETUP_CQE32 ? 1 : 0;

	memset(plain, 0, sizeof(*plain));
	for (i = 0; i < COUNT_OF(plain->cqes); i++)
		plain->cqes[i].user_data = 999999;
	for (i = head; i != tail; i++)
		plain->cqes[(i % ENTRIES) << shift].user_data = i;
	plain->before = plain->behind = 77777;
	plain->khead = head;
	plain->ktail = tail;
	plain->ring.flags = flags;
	plain->ring.features = IORING_FEAT_EXT_ARG;
	plain->ring.ring_fd = plain->ring.enter_ring_fd = -1;
	plain->ring.sq.kflags = &plain->sq_flags;
	plain->ring.cq.khead = &plain->khead;
	plain->ring.cq.ktail = &plain->ktail;
	plain->ring.cq.kflags = &plain->cq_flags;
	plain->ring.cq.cqes = plain->cqes;
	plain->ring.cq.ring_mask = ENTRIES - 1;
	plain->ring.cq.ring_entries = ENTRIES;
}

static struct io_uring_cqe *place(struct plain *plain, unsigned index)
{
	return &plain->cqes[(index % ENTRIES) << (plain->ring.flags & IORING_SETUP_CQE32 ? 1 : 0)];
}

/* A walk sees what was there when it began, in order, and takes nothing. */
static void walk(unsigned flags, unsigned first)
{
	struct io_uring_cqe_iter iter, unlike;
	struct io_uring_cqe *cqe;
	unsigned n, head;

	make_plain(&one, flags, first, first + 5);
	make_plain(&other, flags ^ IORING_SETUP_CQE32, first + 100, first + 103);
	other.ring.cq.ring_mask = 3;
	unlike = io_uring_cqe_iter_init(&other.ring);
	CHECK(unlike.cqes == other.cqes);
	iter = io_uring_cqe_iter_init(&one.ring);
	CHECK(iter.cqes == one.cqes);
	CHECK_EQ(iter.mask, ENTRIES - 1);
	CHECK_EQ(iter.shift, flags & IORING_SETUP_CQE32 ? 1 : 0);
	CHECK_EQ(iter.head, first);
	CHECK_EQ(iter.tail, first + 5);
	one.ktail++;
	for (n = 0; n < 5; n++) {
		cqe = NULL;
		CHECK(io_uring_cqe_iter_next(&iter, &cqe));
		CHECK(cqe == place(&one, first + n));
		CHECK_EQ(iter.head, first + n + 1);
	}
	cqe = NULL;
	CHECK(!io_uring_cqe_iter_next(&iter, &cqe));
	CHECK(cqe == NULL);
	CHECK_EQ(iter.head, first + 5);
	CHECK_EQ(one.khead, first);

	one.ktail--;
	n = 0;
	io_uring_for_each_cqe(&one.ring, head, cqe) {
		CHECK_EQ(head, first + n);
		CHECK_EQ(cqe->user_data, first + n);
		n++;
	}
	CHECK_EQ(n, 5);
	CHECK_EQ(head, first + 5);

	for (n = 0; n < 2 * ENTRIES; n++)
		CHECK(&one.cqes[io_uring_cqe_index(&one.ring, n + 1, ENTRIES - 1)] == place(&one, n + 1));

	/* Large ones take two places. */
	place(&one, first + 1)->flags = IORING_CQE_F_32;
	n = 0;
	io_uring_for_each_cqe(&one.ring, head, cqe)
		n++;
	CHECK_EQ(n, 4);
}

static void advance(void)
{
	make_plain(&one, 0, 0xfffffffeu, 3);
	CHECK_EQ(io_uring_cq_ready(&one.ring), 5);
	io_uring_cq_advance(&one.ring, 0);
	CHECK_EQ(one.khead, 0xfffffffeu);
	io_uring_cq_advance(&one.ring, 2);
	CHECK_EQ(one.khead, 0);
	CHECK_EQ(io_uring_cq_ready(&one.ring), 3);
	io_uring_cqe_seen(&one.ring, place(&one, 0));
	CHECK_EQ(one.khead, 1);
	io_uring_cqe_seen(&one.ring, NULL);
	CHECK_EQ(one.khead, 1);
	place(&one, 1)->flags = IORING_CQE_F_32;
	io_uring_cqe_seen(&one.ring, place(&one, 1));
	CHECK_EQ(one.khead, 3);
	CHECK_EQ(io_uring_cq_ready(&one.ring), 0);
	CHECK_EQ(one.ktail, 3);
}

/* Nothing is written where there is nothing to give back: the other side may have the page read only. */
static void advance_by_nothing(void)
{
	unsigned *page = (unsigned *)pages(4096);

	make_plain(&one, 0, 0, 0);
	one.ring.cq.khead = page;
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	io_uring_cq_advance(&one.ring, 0);
}

/* The first completion, seen by all that look for it without a call. */
static void check_first(struct plain *plain, unsigned index, unsigned available)
{
	struct io_uring_cqe *cqe = NULL;
	unsigned count = 12345;

	waited.calls = 0;
	CHECK_EQ(__io_uring_peek_cqe(&plain->ring, &cqe, &count), 0);
	CHECK(cqe == place(plain, index));
	CHECK_EQ(count, available);
	cqe = NULL;
	CHECK_EQ(__io_uring_peek_cqe(&plain->ring, &cqe, NULL), 0);
	CHECK(cqe == place(plain, index));
	cqe = NULL;
	CHECK_EQ(io_uring_peek_cqe(&plain->ring, &cqe), 0);
	CHECK(cqe == place(plain, index));
	cqe = NULL;
	CHECK_EQ(io_uring_wait_cqe(&plain->ring, &cqe), 0);
	CHECK(cqe == place(plain, index));
	CHECK_EQ(waited.calls, 0);
}

static void check_call(struct plain *plain, struct io_uring_cqe **cqe_ptr, unsigned wait_nr)
{
	CHECK_EQ(waited.calls, 1);
	CHECK(waited.ring == &plain->ring);
	CHECK(waited.cqe_ptr == cqe_ptr);
	CHECK_EQ(waited.submit, 0);
	CHECK_EQ(waited.wait_nr, wait_nr);
	CHECK(waited.sigmask == NULL);
	waited.calls = 0;
}

/* Where there is none, the library is asked. */
static void check_none(struct plain *plain)
{
	struct io_uring_cqe *cqe = place(plain, 0);
	unsigned count = 12345;

	waited.calls = 0;
	CHECK_EQ(__io_uring_peek_cqe(&plain->ring, &cqe, &count), 0);
	CHECK(cqe == NULL);
	CHECK_EQ(count, 0);
	cqe = place(plain, 0);
	CHECK_EQ(__io_uring_peek_cqe(&plain->ring, &cqe, NULL), 0);
	CHECK(cqe == NULL);
	CHECK_EQ(waited.calls, 0);
	cqe = place(plain, 0);
	CHECK_EQ(io_uring_peek_cqe(&plain->ring, &cqe), -EXFULL);
	CHECK(cqe == NULL);
	check_call(plain, &cqe, 0);
	cqe = place(plain, 0);
	CHECK_EQ(io_uring_wait_cqe(&plain->ring, &cqe), -EXFULL);
	CHECK(cqe == NULL);
	check_call(plain, &cqe, 1);
	CHECK_EQ(io_uring_wait_cqe_nr(&plain->ring, &cqe, 5), -EXFULL);
	check_call(plain, &cqe, 5);
}

static void first(unsigned flags, unsigned head)
{
	make_plain(&one, flags, head, head + 3);
	check_first(&one, head, 3);
	CHECK_EQ(one.khead, head);
	make_plain(&one, flags, head, head);
	check_none(&one);
	CHECK_EQ(one.khead, head);
}

/* Padding is given back unseen. */
static void padding(unsigned head)
{
	unsigned bit;

	for (bit = 0; bit < 32; bit++) {
		make_plain(&one, IORING_SETUP_CQE_MIXED, head, head + 3);
		place(&one, head)->flags = 1u << bit;
		check_first(&one, head + (1u << bit == IORING_CQE_F_SKIP), 1u << bit == IORING_CQE_F_SKIP ? 2 : 3);
	}
	make_plain(&one, IORING_SETUP_CQE_MIXED, head, head + 3);
	place(&one, head)->flags = IORING_CQE_F_SKIP;
	/* Its result means nothing. */
	place(&one, head)->res = -5;
	check_first(&one, head + 1, 2);
	CHECK_EQ(one.khead, head + 1);
	make_plain(&one, IORING_SETUP_CQE_MIXED, head, head + 2);
	place(&one, head)->flags = place(&one, head + 1)->flags = IORING_CQE_F_SKIP;
	check_none(&one);
	CHECK_EQ(one.khead, head + 2);
	make_plain(&one, IORING_SETUP_CQE_MIXED, head, head + 3);
	place(&one, head)->flags = IORING_CQE_F_SKIP | IORING_CQE_F_32;
	check_first(&one, head + 2, 1);
	CHECK_EQ(one.khead, head + 2);

	/* In other rings it is what a message has brought. */
	for (bit = 0; bit < 32; bit++) {
		if (1u << bit == IORING_SETUP_CQE_MIXED || 1u << bit == IORING_SETUP_CQE32)
			continue;
		make_plain(&one, 1u << bit, head, head + 3);
		place(&one, head)->flags = IORING_CQE_F_SKIP;
		check_first(&one, head, 3);
		CHECK_EQ(one.khead, head);
	}
}

/* Old kernels have the library's own timeouts in the ring, which are not the program's; an error is. */
static void timeouts(void)
{
	struct io_uring_cqe *cqe;
	unsigned count, bit;

	/* With the feature it is a number like any other. */
	for (bit = 0; bit < 32; bit++) {
		int own = 1u << bit != IORING_FEAT_EXT_ARG;

		make_plain(&one, 0, 0, 2);
		one.ring.features = 1u << bit;
		place(&one, 0)->user_data = (__u64)-1;
		check_first(&one, own ? 1 : 0, own ? 1 : 2);
		CHECK_EQ(one.khead, own);
	}
	/* Whatever flags it has. */
	for (bit = 0; bit < 32; bit++) {
		if (1u << bit == IORING_CQE_F_SKIP)
			continue;
		make_plain(&one, 0, 0, 2);
		place(&one, 0)->flags = 1u << bit;
		place(&one, 0)->user_data = (__u64)-1;
		check_first(&one, 0, 2);
		make_plain(&one, 0, 0, 2);
		one.ring.features = 0;
		place(&one, 0)->flags = 1u << bit;
		place(&one, 0)->user_data = 0;
		check_first(&one, 0, 2);
	}

	/* Results that are no errors. */
	make_plain(&one, 0, 0, 3);
	one.ring.features = 0;
	place(&one, 0)->user_data = place(&one, 1)->user_data = (__u64)-1;
	place(&one, 1)->res = 1;
	check_first(&one, 2, 1);

	make_plain(&one, 0, 0, 2);
	one.ring.features = 0;
	place(&one, 0)->user_data = (__u64)-1;
	place(&one, 0)->res = -ETIME;
	cqe = place(&one, 1);
	count = 12345;
	CHECK_EQ(__io_uring_peek_cqe(&one.ring, &cqe, &count), -ETIME);
	CHECK(cqe == NULL);
	CHECK_EQ(count, 2);
	CHECK_EQ(one.khead, 1);

	/* The library is asked then, though there is a completion. */
	one.khead = 0;
	waited.calls = 0;
	CHECK_EQ(io_uring_peek_cqe(&one.ring, &cqe), -EXFULL);
	check_call(&one, &cqe, 0);
	one.khead = 0;
	CHECK_EQ(io_uring_wait_cqe(&one.ring, &cqe), -EXFULL);
	check_call(&one, &cqe, 1);
	CHECK_EQ(one.khead, 1);
}

static void flags(void)
{
	unsigned bit;

	make_plain(&one, 0, 0, 0);
	for (bit = 0; bit < 32; bit++) {
		one.sq_flags = 1u << bit;
		CHECK_EQ(io_uring_cq_has_overflow(&one.ring), one.sq_flags == IORING_SQ_CQ_OVERFLOW);
		one.sq_flags = ~one.sq_flags;
		CHECK_EQ(io_uring_cq_has_overflow(&one.ring), one.sq_flags != ~IORING_SQ_CQ_OVERFLOW);

		one.cq_flags = 1u << bit;
		CHECK_EQ(io_uring_cq_eventfd_enabled(&one.ring), one.cq_flags != IORING_CQ_EVENTFD_DISABLED);
	}
	one.cq_flags = 0xf0f0f0f0u;
	CHECK_EQ(io_uring_cq_eventfd_toggle(&one.ring, true), 0);
	CHECK_EQ(one.cq_flags, 0xf0f0f0f0u);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&one.ring, false), 0);
	CHECK_EQ(one.cq_flags, 0xf0f0f0f0u | IORING_CQ_EVENTFD_DISABLED);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&one.ring, false), 0);
	CHECK_EQ(one.cq_flags, 0xf0f0f0f0u | IORING_CQ_EVENTFD_DISABLED);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&one.ring, true), 0);
	CHECK_EQ(one.cq_flags, 0xf0f0f0f0u);

	/* Before Linux 5.8 it cannot be switched off. */
	one.ring.cq.kflags = NULL;
	CHECK(io_uring_cq_eventfd_enabled(&one.ring));
	CHECK_EQ(io_uring_cq_eventfd_toggle(&one.ring, true), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&one.ring, false), -EOPNOTSUPP);
}

int main(void)
{
	static const unsigned heads[] = {0, 3, 6, 0xfffffffcu};
	unsigned i;

	for (i = 0; i < COUNT_OF(heads); i++) {
		walk(0, heads[i]);
		walk(IORING_SETUP_CQE32, heads[i]);
		first(0, heads[i]);
		first(IORING_SETUP_CQE32, heads[i]);
		padding(heads[i]);
	}
	advance();
	advance_by_nothing();
	timeouts();
	flags();
	return 0;
}
