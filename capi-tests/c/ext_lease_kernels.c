/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kernels that have less, and such that refuse in the middle: the test answers in their place. Without sends that do not copy
 * (before 6.0) the same memory is sent the plain way; without sparse tables (before 5.19) a pool is refused, but with PLAIN;
 * without time limits of a wait (before 5.11) always. An update of the table that fails is told, and nothing hangs.
 */
#include "kernel.h"
#include "lease.h"

enum { SIZE = 4096 };

static int no_send_zc, no_sparse, no_ext_arg, updates, refused_update;
static long refusal;

static long scripted(const struct call *call)
{
	long ret;

	if (call->nr == __NR_io_uring_setup) {
		struct io_uring_params *p = (struct io_uring_params *)call->args[1];

		ret = real(call);
		if (ret >= 0 && no_ext_arg)
			p->features &= ~(__u32)IORING_FEAT_EXT_ARG;
		return ret;
	}
	switch (call->args[1]) {
	case IORING_REGISTER_PROBE:
		ret = real(call);
		if (ret == 0 && no_send_zc)
			((struct io_uring_probe *)call->args[2])->ops[IORING_OP_SEND_ZC].flags = 0;
		return ret;
	case IORING_REGISTER_BUFFERS2:
		if (no_sparse)
			return -EINVAL;
		break;
	case IORING_REGISTER_BUFFERS_UPDATE:
		if (refused_update && ++updates == refused_update)
			return refusal;
		break;
	}
	return real(call);
}

static int create(unsigned buffers, unsigned flags)
{
	struct aiouring_lease_params params = {.buffers = buffers, .buffer_size = SIZE, .flags = flags};

	pool = NULL;
	return aiouring_lease_pool_create(&ring, &params, &pool);
}

static void copy_one(int source)
{
	int copy = temp_file(0, 0);
	__u64 lease = lease_with(0, 0);

	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	CHECK_EQ(event_of(AIOURING_LEASE_DONE).failed, 0);
	check_file(copy, 0, SIZE, 1, 0);
	close(copy);
}

int main(void)
{
	int source, ends[2], i;
	struct aiouring_lease_event event;
	struct aiouring_lease_op op;
	char bytes[SIZE];
	__u64 lease;

	source = temp_file(SIZE, 1);
	answer = scripted;
	play_kernel();
	ring_with(8, 0);

	/* Linux 5.19: a send copies. */
	no_send_zc = 1;
	CHECK_EQ(create(1, 0), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	lease = lease_with(0, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	op = op_of(AIOURING_LEASE_SEND, ends[0], 0, 0);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	CHECK_EQ(aiouring_lease_submit(pool), 1);
	{
		struct io_uring_cqe *cqe;
		struct io_uring_sqe *sqe;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(aiouring_lease_cqe(pool, cqe), 1);
		io_uring_cqe_seen(&ring, cqe);
		CHECK_EQ(io_uring_sq_ready(&ring), 1);
		sqe = &ring.sq.sqes[1 & ring.sq.ring_mask];
		CHECK_EQ(sqe->opcode, IORING_OP_SEND);
	}
	CHECK_EQ(event_of(AIOURING_LEASE_DONE).failed, 0);
	CHECK_EQ(recv(ends[1], bytes, SIZE, MSG_WAITALL), SIZE);
	CHECK_PATTERN(bytes, SIZE, 1, 0);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	no_send_zc = 0;

	/* Linux 5.18: no sparse tables. */
	no_sparse = 1;
	CHECK_EQ(create(1, 0), -EINVAL);
	CHECK_EQ(create(1, AIOURING_LEASE_POOL_TAGS), -EINVAL);
	CHECK_EQ(create(1, AIOURING_LEASE_POOL_PLAIN), 0);
	copy_one(source);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	no_sparse = 0;

	/* No memory for the second part of the buffers, or one that is not put in and not told of: nothing is left. */
	refused_update = 2;
	for (i = 0; i < 2; i++) {
		refusal = i == 0 ? -ENOMEM : 0;
		updates = 0;
		CHECK_EQ(create(100, 0), -ENOMEM);
		CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO);
		CHECK_EQ(io_uring_register_buffers_sparse(&ring, 100), 0);
		updates = 0;
		CHECK_EQ(create(100, AIOURING_LEASE_POOL_TABLE), -ENOMEM);
		CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	}

	/* With tags: refused when it is opened, and when it is to end. */
	refusal = -ENOMEM;
	refused_update = 0;
	CHECK_EQ(create(1, AIOURING_LEASE_POOL_TAGS), 0);
	updates = 0;
	refused_update = 1;
	CHECK_EQ(aiouring_lease_open(pool, &lease, 0, 0), -ENOMEM);
	copy_one(source);
	updates = 0;
	refused_update = 2;
	lease = lease_with(0, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -ENOMEM);
	/* The slot is taken still; the next lease puts the buffer there anew, and the old tag ends nothing. */
	refused_update = 0;
	lease = lease_with(0, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	do
		CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), 0);
	while (event.type == AIOURING_LEASE_OTHER);
	CHECK_EQ(event.type, AIOURING_LEASE_DONE);
	CHECK_EQ(event.lease, lease);
	CHECK_EQ(event.failed, 0);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);

	/* Linux 5.10. */
	no_ext_arg = 1;
	ring_with(8, 0);
	CHECK_EQ(create(1, AIOURING_LEASE_POOL_PLAIN), -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
	return 0;
}
