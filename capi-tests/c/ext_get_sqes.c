/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Several entries at once: all or none, over the end of the queue, given back, and never torn by a submission. */
#include <aiouring.h>

#include "uring_check.h"

enum { ENTRIES = 8 };

static void fill_chain(struct io_uring_sqe **sqes, unsigned nr, uint64_t first)
{
	unsigned i;

	for (i = 0; i < nr; i++) {
		io_uring_prep_nop(sqes[i]);
		sqes[i]->user_data = first + i;
		if (i + 1 < nr)
			sqes[i]->flags |= IOSQE_IO_LINK;
	}
}

/* Each of them, and nothing else; chains run beside each other. */
static void drain(struct io_uring *ring, unsigned nr, uint64_t first)
{
	unsigned seen = 0, i;

	for (i = 0; i < nr; i++) {
		struct completion cqe = take(ring);

		CHECK_EQ(cqe.res, 0);
		CHECK_LE(cqe.user_data - first, nr - 1);
		seen |= 1U << (cqe.user_data - first);
	}
	CHECK_EQ(seen, (1U << nr) - 1);
}

static void whole_queue(unsigned flags)
{
	struct io_uring_sqe *sqes[ENTRIES + 1], *untouched = (struct io_uring_sqe *)&sqes;
	const int big = (flags & IORING_SETUP_SQE128) != 0, polled = (flags & IORING_SETUP_SQPOLL) != 0;
	struct io_uring ring;
	unsigned i, turn;
	int ret;

	make(&ring, ENTRIES, flags);
	for (turn = 0; turn < 20; turn++) {
		/* From each place of the queue: 3 and 4 are no divisors of 8. */
		CHECK_EQ(aiouring_get_sqes(&ring, sqes, 3, 0), 0);
		for (i = 0; i < 3; i++) {
			unsigned index = (ring.sq.sqe_tail - 3 + i) & (ENTRIES - 1);

			CHECK(sqes[i] == &ring.sq.sqes[index << big]);
			CHECK_EQ(sqes[i]->flags | sqes[i]->buf_index | sqes[i]->ioprio, 0);
		}
		fill_chain(sqes, 3, turn * 100);
		CHECK_EQ(aiouring_get_sqes(&ring, sqes, 4, 0), 0);
		fill_chain(sqes, 4, turn * 100 + 3);

		/* One is free: two are not, and none is taken. */
		for (i = 0; i < COUNT_OF(sqes); i++)
			sqes[i] = untouched;
		CHECK_EQ(aiouring_get_sqes(&ring, sqes, 2, 0), -EAGAIN);
		CHECK(sqes[0] == untouched && sqes[1] == untouched);
		CHECK_EQ(io_uring_sq_space_left(&ring), 1);
		CHECK_EQ(aiouring_get_sqes(&ring, sqes, 1, 0), 0);
		CHECK_EQ(aiouring_unget_sqes(&ring, 1), 0);
		CHECK_EQ(io_uring_sq_space_left(&ring), 1);

		CHECK_EQ(io_uring_submit(&ring), 7);
		drain(&ring, 7, turn * 100);
		if (polled)
			CHECK_GE(io_uring_sqring_wait(&ring), 0);
		while (io_uring_sq_space_left(&ring) < ENTRIES)
			sleep_ms(1);
	}

	/* With the flag what is queued makes room. */
	nops(&ring, 5, 1);
	ret = aiouring_get_sqes(&ring, sqes, ENTRIES, AIOURING_GET_SUBMIT);
	if (polled && ret == -EAGAIN)
		/* The thread had no processor yet. */
		while ((ret = aiouring_get_sqes(&ring, sqes, ENTRIES, AIOURING_GET_SUBMIT)) == -EAGAIN)
			sleep_ms(1);
	CHECK_EQ(ret, 0);
	fill_chain(sqes, ENTRIES, 10);
	CHECK_EQ(io_uring_submit(&ring), ENTRIES);
	drain(&ring, 5, 1);
	drain(&ring, ENTRIES, 10);

	CHECK_EQ(aiouring_get_sqes(&ring, sqes, ENTRIES + 1, AIOURING_GET_SUBMIT), -EINVAL);
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, 1, 2), -EINVAL);
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, ~0U, 0), -EINVAL);
	CHECK_EQ(aiouring_get_sqes(&ring, NULL, 1, 0), -EINVAL);
	CHECK_EQ(aiouring_get_sqes(NULL, sqes, 1, 0), -EINVAL);

	/* What the kernel has, or could have, is not given back. */
	CHECK_EQ(aiouring_unget_sqes(&ring, 1), -EINVAL);
	nops(&ring, 2, 30);
	CHECK_EQ(aiouring_unget_sqes(&ring, 3), -EINVAL);
	CHECK_EQ(aiouring_unget_sqes(&ring, ~0U), -EINVAL);
	CHECK_EQ(aiouring_unget_sqes(&ring, 0), 0);
	CHECK_EQ(aiouring_unget_sqes(&ring, 1), 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(aiouring_unget_sqes(&ring, 1), -EINVAL);
	drain(&ring, 1, 30);
	CHECK_EQ(aiouring_unget_sqes(NULL, 0), -EINVAL);
	io_uring_queue_exit(&ring);
}

/* A request that the kernel refuses stops a submission: what stays queued is in the way, and nothing is lost of it. */
static void refused_in_the_way(void)
{
	struct io_uring_sqe *sqes[ENTRIES];
	struct io_uring ring;
	unsigned i;

	make(&ring, ENTRIES, 0);
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, ENTRIES, 0), 0);
	for (i = 0; i < ENTRIES; i++) {
		io_uring_prep_nop(sqes[i]);
		sqes[i]->user_data = i;
		if (i % 2 == 0)
			sqes[i]->opcode = 200;
	}
	/* It goes on until there is room. */
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, ENTRIES, AIOURING_GET_SUBMIT), 0);
	for (i = 0; i < ENTRIES; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.user_data, i);
		CHECK_EQ(cqe.res, i % 2 == 0 ? -EINVAL : 0);
	}
	CHECK_EQ(aiouring_unget_sqes(&ring, ENTRIES), 0);
	CHECK_EQ(io_uring_submit(&ring), 0);
	io_uring_queue_exit(&ring);
}

/* The error of the submission comes out, and takes nothing. */
static void not_enabled(void)
{
	struct io_uring_sqe *sqes[2];
	struct io_uring ring;

	make(&ring, 2, IORING_SETUP_R_DISABLED);
	nops(&ring, 1, 1);
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, 2, AIOURING_GET_SUBMIT), -EBADFD);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	CHECK_EQ(aiouring_get_sqes(&ring, sqes, 2, AIOURING_GET_SUBMIT), 0);
	drain(&ring, 1, 1);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	struct io_uring none;
	struct io_uring_sqe *sqe;

	memset(&none, 0, sizeof(none));
	CHECK_EQ(aiouring_get_sqes(&none, &sqe, 1, 0), -EINVAL);
	whole_queue(0);
	whole_queue(IORING_SETUP_SQE128);
	whole_queue(IORING_SETUP_NO_SQARRAY);
	whole_queue(IORING_SETUP_SQPOLL);
	whole_queue(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	refused_in_the_way();
	not_enabled();
	return 0;
}
