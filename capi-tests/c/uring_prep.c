// oracle: yes
// their-headers: no (tests the inlines of ours)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the preparing functions leave alone and what io_uring_get_sqe() clears. */
#include "uring_check.h"

static int all(const struct io_uring_sqe *sqe, unsigned char byte, size_t from, size_t to)
{
	const unsigned char *bytes = (const unsigned char *)sqe;

	for (; from < to; from++)
		if (bytes[from] != byte)
			return 0;
	return 1;
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_sqe sqe, *next_sqe;
	unsigned i;

	/* Operation, file, position, address and length: nothing else. */
	memset(&sqe, 0xa5, sizeof(sqe));
	io_uring_prep_rw(IORING_OP_WRITE, &sqe, 3, &ring, 4, 5);
	CHECK_EQ(sqe.opcode, IORING_OP_WRITE);
	CHECK_EQ(sqe.fd, 3);
	CHECK_EQ(sqe.off, 5);
	CHECK_EQ(sqe.addr, (uintptr_t)&ring);
	CHECK_EQ(sqe.len, 4);
	CHECK(all(&sqe, 0xa5, 1, 4));
	CHECK(all(&sqe, 0xa5, 28, 64));

	memset(&sqe, 0xa5, sizeof(sqe));
	io_uring_initialize_sqe(&sqe);
	CHECK(all(&sqe, 0, 1, 4));
	CHECK(all(&sqe, 0xa5, 4, 28));
	CHECK(all(&sqe, 0, 28, 32));
	CHECK(all(&sqe, 0xa5, 32, 40));
	CHECK(all(&sqe, 0, 40, 64));

	/* An entry that was used before is like new. */
	make(&ring, 4, 0);
	for (i = 0; i < 4; i++) {
		next_sqe = next(&ring);
		memset(next_sqe, 0, sizeof(*next_sqe));
		io_uring_prep_nop(next_sqe);
		next_sqe->flags = IOSQE_ASYNC;
		next_sqe->user_data = i;
	}
	CHECK_EQ(io_uring_submit_and_wait(&ring, 4), 4);
	io_uring_cq_advance(&ring, 4);
	for (i = 0; i < 4; i++) {
		next_sqe = next(&ring);
		CHECK_EQ(next_sqe->flags, 0);
		CHECK(all(next_sqe, 0, 40, 64));
		io_uring_prep_nop(next_sqe);
	}
	CHECK_EQ(io_uring_submit_and_wait(&ring, 4), 4);
	io_uring_queue_exit(&ring);
	return 0;
}
