// oracle: no (from 2.9 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring grows and shrinks while completions are in it. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_params params;
	unsigned i;
	int ret;

	make(&ring, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	nops(&ring, 3, 10);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 3);
	memset(&params, 0, sizeof(params));
	params.sq_entries = 64;
	params.cq_entries = 256;
	params.flags = IORING_SETUP_CQSIZE;
	ret = io_uring_resize_rings(&ring, &params);
	if (ret == -EINVAL)
		SKIP("the kernel cannot resize");
	CHECK_EQ(ret, 0);
	CHECK_EQ(ring.sq.ring_entries, 64);
	CHECK_EQ(ring.cq.ring_entries, 256);
	for (i = 0; i < 3; i++)
		CHECK_EQ(take(&ring).user_data, 10 + i);
	nops(&ring, 64, 100);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 64), 64);
	for (i = 0; i < 64; i++)
		CHECK_EQ(take(&ring).user_data, 100 + i);
	memset(&params, 0, sizeof(params));
	params.sq_entries = 2;
	CHECK_EQ(io_uring_resize_rings(&ring, &params), 0);
	CHECK_EQ(ring.sq.ring_entries, 2);
	nops(&ring, 2, 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	CHECK_EQ(take(&ring).user_data, 1);
	io_uring_queue_exit(&ring);

	/* Only such rings can. */
	make(&ring, 8, 0);
	params.sq_entries = 16;
	CHECK_EQ(io_uring_resize_rings(&ring, &params), -EINVAL);
	io_uring_queue_exit(&ring);
	return 0;
}
