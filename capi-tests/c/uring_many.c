// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Hundreds of thousands of requests through tiny rings: indices go round and round. */
#include "uring_check.h"

static void through(unsigned entries, unsigned flags, unsigned total)
{
	struct io_uring ring;
	unsigned sent = 0, got = 0;

	make(&ring, entries, flags);
	while (got < total) {
		struct io_uring_cqe *cqe;
		unsigned n = 1 + sent % entries, head, i = 0;

		nops(&ring, n, sent);
		CHECK_EQ(io_uring_submit_and_wait(&ring, n), n);
		sent += n;
		io_uring_for_each_cqe(&ring, head, cqe) {
			CHECK_EQ(cqe->user_data, got + i);
			i++;
		}
		CHECK_EQ(i, n);
		io_uring_cq_advance(&ring, i);
		got += i;
	}
	CHECK_EQ(*ring.sq.khead, sent);
	CHECK_EQ(*ring.cq.ktail, sent);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	unsigned total = 200000 * (unsigned)test_scale();

	through(1, 0, total / 2);
	through(2, 0, total);
	through(4, 0, total);
	return 0;
}
