// oracle: no (from 2.9 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ring grows and shrinks while requests and completions are in it, and so does the array that old programs write to. */
#include "uring_check.h"

static struct io_uring_params params;

/* What headers of any version read, and the array that programs of 2.0 to 2.5 fill. */
static void check_fields(struct io_uring *ring, unsigned sq_entries, unsigned cq_entries)
{
	unsigned i;

	CHECK_EQ(*ring->sq.kring_mask, sq_entries - 1);
	CHECK_EQ(*ring->sq.kring_entries, sq_entries);
	CHECK_EQ(ring->sq.ring_mask, sq_entries - 1);
	CHECK_EQ(ring->sq.ring_entries, sq_entries);
	CHECK_EQ(*ring->cq.kring_mask, cq_entries - 1);
	CHECK_EQ(*ring->cq.kring_entries, cq_entries);
	CHECK_EQ(ring->cq.ring_mask, cq_entries - 1);
	CHECK_EQ(ring->cq.ring_entries, cq_entries);
	CHECK(ring->sq.array != NULL);
	for (i = 0; i < sq_entries; i++) {
		CHECK_EQ(ring->sq.array[i], i);
		ring->sq.array[i] = i;
	}
}

static int resize(struct io_uring *ring, unsigned sq, unsigned cq, unsigned flags)
{
	params.sq_entries = sq;
	params.cq_entries = cq;
	params.flags = flags;
	return io_uring_resize_rings(ring, &params);
}

int main(void)
{
	const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	struct io_uring ring;
	unsigned i;
	int ret;

	make(&ring, 8, flags);
	nops(&ring, 3, 10);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 3);
	ret = resize(&ring, 64, 256, IORING_SETUP_CQSIZE);
	if (ret == -EINVAL)
		SKIP("the kernel cannot resize");
	CHECK_EQ(ret, 0);
	CHECK_EQ(params.sq_entries, 64);
	CHECK_EQ(params.cq_entries, 256);
	/* Ready for the next call: the ring's own flags would be refused. */
	CHECK_EQ(params.flags, 0);
	check_fields(&ring, 64, 256);
	CHECK(ring.flags & IORING_SETUP_DEFER_TASKRUN);
	for (i = 0; i < 3; i++)
		CHECK_EQ(take(&ring).user_data, 10 + i);
	nops(&ring, 64, 100);
	CHECK(io_uring_get_sqe(&ring) == NULL);
	for (i = 0; i < 64; i++)
		ring.sq.array[i] = i;
	CHECK_EQ(io_uring_submit_and_wait(&ring, 64), 64);
	for (i = 0; i < 64; i++)
		CHECK_EQ(take(&ring).user_data, 100 + i);
	CHECK_EQ(resize(&ring, 2, 0, 0), 0);
	check_fields(&ring, 2, 4);
	CHECK_EQ(ring.cq.ring_entries, 4);
	nops(&ring, 2, 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);

	/* What is refused leaves the ring as it was, and no flags. */
	CHECK_EQ(resize(&ring, 0, 0, 0), -EINVAL);
	CHECK_EQ(resize(&ring, 65536, 0, 0), -EINVAL);
	CHECK_EQ(resize(&ring, 8, 4, IORING_SETUP_CQSIZE), -EINVAL);
	CHECK_EQ(params.flags, 0);
	CHECK_EQ(resize(&ring, 8, 8, IORING_SETUP_SQPOLL), -EINVAL);
	CHECK_EQ(params.flags, 0);
	/* Two completions have no place in one. */
	CHECK_EQ(resize(&ring, 1, 1, IORING_SETUP_CQSIZE), -EOVERFLOW);
	check_fields(&ring, 2, 4);
	CHECK_EQ(take(&ring).user_data, 1);
	CHECK_EQ(resize(&ring, 1, 1, IORING_SETUP_CQSIZE), 0);
	CHECK_EQ(take(&ring).user_data, 2);
	CHECK_EQ(resize(&ring, 100000, 0, IORING_SETUP_CLAMP), 0);
	CHECK_EQ(ring.sq.ring_entries, 32768);

	/* Requests that are queued and not submitted move along, also when the indices have gone round. */
	CHECK_EQ(resize(&ring, 4, 16, IORING_SETUP_CQSIZE), 0);
	for (i = 0; i < 7; i++) {
		nops(&ring, 1, i);
		CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
		take(&ring);
	}
	nops(&ring, 3, 50);
	CHECK_EQ(io_uring_sq_ready(&ring), 3);
	CHECK_EQ(resize(&ring, 16, 32, IORING_SETUP_CQSIZE), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 3);
	nops(&ring, 2, 53);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 5), 5);
	for (i = 0; i < 5; i++)
		CHECK_EQ(take(&ring).user_data, 50 + i);
	/* Not if there is no room for them. */
	nops(&ring, 3, 60);
	CHECK_EQ(resize(&ring, 2, 0, 0), -EOVERFLOW);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 3);
	for (i = 0; i < 3; i++)
		CHECK_EQ(take(&ring).user_data, 60 + i);

	/* By its registered index; but the descriptor is needed to map what is new. */
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	CHECK_EQ(resize(&ring, 8, 0, 0), 0);
	nops(&ring, 8, 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 8), 8);
	io_uring_cq_advance(&ring, 8);
	CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
	CHECK_EQ(resize(&ring, 16, 0, 0), -EBADF);
	nops(&ring, 8, 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 8), 8);
	io_uring_queue_exit(&ring);

	/* Only such rings can. */
	make(&ring, 8, 0);
	CHECK_EQ(resize(&ring, 16, 0, 0), -EINVAL);
	io_uring_queue_exit(&ring);
	make(&ring, 8, flags | IORING_SETUP_NO_MMAP);
	CHECK_EQ(resize(&ring, 16, 0, 0), -EINVAL);
	io_uring_queue_exit(&ring);
	return 0;
}
