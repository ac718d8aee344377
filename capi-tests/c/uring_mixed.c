// oracle: no (needs a ring that 2.3 does not know)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Completions of two sizes in one ring: padding at its end, places counted, none lost. */
#include "uring_check.h"

static struct io_uring ring;

/* Request number n: every fourth has a large completion. */
static int large(unsigned n)
{
	return n % 4 == 2;
}

static void prepare(unsigned n)
{
	struct io_uring_sqe *sqe = next(&ring);

	io_uring_prep_nop(sqe);
	if (large(n)) {
		sqe->nop_flags = IORING_NOP_CQE32;
		sqe->off = n + 1;
		sqe->addr = n + 2;
	}
	io_uring_sqe_set_data64(sqe, n);
}

static void check(const struct io_uring_cqe *cqe, unsigned n)
{
	CHECK_EQ(cqe->user_data, n);
	CHECK_EQ(cqe->res, 0);
	CHECK_EQ((cqe->flags & IORING_CQE_F_32) != 0, large(n));
	CHECK_EQ(io_uring_cqe_nr(cqe), 1 + large(n));
	if (large(n)) {
		CHECK_EQ(cqe->big_cqe[0], n + 1);
		CHECK_EQ(cqe->big_cqe[1], n + 2);
	}
}

int main(void)
{
	unsigned sent = 0, got = 0, padding = 0, i;

	make(&ring, 4, IORING_SETUP_CQE_MIXED);
	CHECK_EQ(io_uring_cqe_shift(&ring), 0);
	for (i = 0; i < 300; i++) {
		struct io_uring_cqe *cqe;
		unsigned n, head, places = 0;

		for (n = 0; n < 1 + i % 3; n++)
			prepare(sent++);
		CHECK_EQ(io_uring_submit(&ring), n);
		if (i / 7 % 3 == 2) {
			/* In batches: padding is not seen, and those behind it are for the next batch. */
			while (got < sent) {
				struct io_uring_cqe *cqes[4];
				unsigned batch = io_uring_peek_batch_cqe(&ring, cqes, 4), k;

				CHECK_GE(batch, 1);
				places = 0;
				for (k = 0; k < batch; k++) {
					CHECK(!(cqes[k]->flags & IORING_CQE_F_SKIP));
					check(cqes[k], got++);
					places += io_uring_cqe_nr(cqes[k]);
				}
				io_uring_cq_advance(&ring, places);
			}
		} else if (i / 7 % 3 == 1) {
			/* One by one: padding is not seen. */
			while (got < sent) {
				CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
				CHECK(!(cqe->flags & IORING_CQE_F_SKIP));
				check(cqe, got++);
				io_uring_cqe_seen(&ring, cqe);
			}
		} else {
			/* In a loop: it is, and counts. */
			io_uring_for_each_cqe(&ring, head, cqe) {
				places += io_uring_cqe_nr(cqe);
				if (cqe->flags & IORING_CQE_F_SKIP)
					padding++;
				else
					check(cqe, got++);
			}
			io_uring_cq_advance(&ring, places);
		}
		CHECK_EQ(got, sent);
		CHECK_EQ(io_uring_cq_ready(&ring), 0);
	}
	CHECK_GE(padding, 1);
	io_uring_queue_exit(&ring);

	/* Those that found no place come with a look, too. */
	make(&ring, 4, IORING_SETUP_CQE_MIXED);
	for (i = 0; i < 12; i += 4) {
		nops(&ring, 4, i);
		CHECK_EQ(io_uring_submit(&ring), 4);
	}
	for (i = 0; i < 12; i += 8) {
		struct io_uring_cqe *cqes[12];

		CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 12), i == 0 ? 8 : 4);
		CHECK_EQ(cqes[0]->user_data, i);
		look_without_call(&ring, i == 0 ? 8 : 4);
		io_uring_cq_advance(&ring, i == 0 ? 8 : 4);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
