/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Errors of the primary cancel the secondaries, errors of a secondary do not touch the others, and a lease can be cancelled
 * in each phase: nothing planned is done then, and the buffer is free again.
 */
#include "lease.h"

enum { SIZE = 8192, BUFFERS = 2 };

static int source, copy, quiet[2];

/* All buffers can be had again. */
static void all_free(void)
{
	__u64 leases[BUFFERS], more;
	struct aiouring_lease_event event;
	int i;

	for (i = 0; i < BUFFERS; i++)
		leases[i] = lease_with(0, 0);
	CHECK_EQ(aiouring_lease_open(pool, &more, 0, 0), -EAGAIN);
	for (i = 0; i < BUFFERS; i++) {
		CHECK_EQ(aiouring_lease_cancel(pool, leases[i]), 0);
		event = event_of(AIOURING_LEASE_DONE);
		CHECK_EQ(event.lease, leases[i]);
		CHECK_EQ(event.res, -ECANCELED);
	}
	CHECK_EQ(aiouring_lease_next(pool, &event), 0);
}

static void primary_fails(void)
{
	struct aiouring_lease_event event;
	__u64 lease = lease_with(AIOURING_LEASE_HOLD, 1);
	int closed = dup(source), i;

	close(closed);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 5), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 6), 0);
	CHECK_EQ(fill_from(lease, closed, 0, 0), 0);
	for (i = 5; i < 7; i++) {
		event = event_of(AIOURING_LEASE_USED);
		CHECK_EQ(event.data, i);
		CHECK_EQ(event.res, -ECANCELED);
		CHECK_EQ(event.bytes, 0);
	}
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, -EBADF);
	CHECK_EQ(event.bytes, 0);
	CHECK_EQ(event.failed, 3);
	CHECK_EQ(event.error, -ECANCELED);
	CHECK_EQ(file_size(copy), 0);
	all_free();
}

static void secondary_fails(void)
{
	struct aiouring_lease_event event;
	__u64 lease = lease_with(0, 1);
	int closed = dup(source);

	close(closed);
	CHECK_EQ(plan_write(lease, closed, 0, 0, 0, 5), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -EBADF);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -EBADF);
	check_file(copy, 0, SIZE, 1, 0);
	CHECK(ftruncate(copy, 0) == 0);
	all_free();
}

/* While the primary waits for data that do not come. `phase`: how far its request has got. */
static void while_filling(int phase)
{
	struct aiouring_lease_op op = op_of(AIOURING_LEASE_RECV, quiet[0], 0, 0);
	struct aiouring_lease_event event;
	struct io_uring_sqe *sqe;
	__u64 lease = lease_with(AIOURING_LEASE_HOLD, 1);
	unsigned nops = 0;

	if (phase == 0)
		/* The queue is full: it waits in the pool. */
		while ((sqe = io_uring_get_sqe(&ring)) != NULL) {
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, 0);
			nops++;
		}
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 5), 0);
	if (phase == 2) {
		CHECK_EQ(aiouring_lease_submit(pool), 1);
		no_event_for(20);
	}
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), -EALREADY);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 5), -EINVAL);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -ECANCELED);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, -ECANCELED);
	CHECK_EQ(event.failed, 1);
	while (nops-- > 0)
		event_of(AIOURING_LEASE_OTHER);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), -EINVAL);
	CHECK_EQ(file_size(copy), 0);
	all_free();
}

/* While a secondary is stuck, and another is done. */
static void while_used(int held)
{
	struct aiouring_lease_op op;
	struct aiouring_lease_event event;
	__u64 lease = lease_with(held ? AIOURING_LEASE_HOLD : 0, 1);
	char bytes[4096];
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_GE(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	CHECK_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	op = op_of(AIOURING_LEASE_WRITE, ends[1], (uint64_t)-1, 0);
	op.flags = AIOURING_LEASE_OP_REPORT | AIOURING_LEASE_OP_WHOLE;
	op.data = 6;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 5), 0);
	if (held)
		event_of(AIOURING_LEASE_FILLED);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.data, 5);
	CHECK_EQ(event.res, SIZE);
	no_event_for(20);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.data, 6);
	CHECK_EQ(event.res, -ECANCELED);
	event = event_of(AIOURING_LEASE_DONE);
	/* The primary did what it should. */
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -ECANCELED);
	close(ends[0]);
	close(ends[1]);
	CHECK(ftruncate(copy, 0) == 0);
	all_free();
}

/* Held, with nothing under way; and before anything. */
static void while_idle(void)
{
	struct aiouring_lease_event event;
	__u64 lease = lease_with(AIOURING_LEASE_HOLD, 1);

	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	event_of(AIOURING_LEASE_FILLED);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	CHECK_EQ(use_write(lease, copy, 0, 0, 0, 0), -EINVAL);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.failed, 0);

	lease = lease_with(0, 1);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 5), 0);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), -EINVAL);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -ECANCELED);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, -ECANCELED);

	/* Cancelled before the event that tells of the filling is taken: the order stays. */
	lease = lease_with(AIOURING_LEASE_HOLD, 1);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 1, 5), 0);
	CHECK_EQ(aiouring_lease_submit(pool), 1);
	while (aiouring_lease_next(pool, &event) == 0) {
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(aiouring_lease_cqe(pool, cqe), 1);
		io_uring_cqe_seen(&ring, cqe);
		if (aiouring_lease_cancel(pool, lease) == 0)
			break;
	}
	event = event_of(AIOURING_LEASE_FILLED);
	event = event_of(AIOURING_LEASE_USED);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.lease, lease);
	CHECK(ftruncate(copy, 0) == 0);
	all_free();
}

/* With the queue full of a chain that is not complete, nothing of the pool's gets into it. */
static void chains(void)
{
	struct aiouring_lease_event event;
	struct io_uring_sqe *sqe;
	__u64 lease;
	int i, others = 0;

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 1);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	lease = lease_with(0, 1);
	CHECK_EQ(fill_from(lease, dup(source), 0, 0), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, -1, NULL, 0, 0);
	io_uring_sqe_set_data64(sqe, 2);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 3);
	/* The chain breaks, and the lease does not. */
	for (i = 0; i < 4; i++) {
		CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), 0);
		if (event.type == AIOURING_LEASE_OTHER)
			others++;
		else
			CHECK_EQ(event.res, SIZE);
	}
	CHECK_EQ(others, 3);
}

int main(void)
{
	static const unsigned pools[] = {0, AIOURING_LEASE_POOL_TAGS, AIOURING_LEASE_POOL_PLAIN};
	unsigned i;

	source = temp_file(SIZE, 1);
	copy = temp_file(0, 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet), 0);
	for (i = 0; i < COUNT_OF(pools); i++) {
		ring_with(8, 0);
		pool_with(BUFFERS, SIZE, pools[i]);
		primary_fails();
		secondary_fails();
		while_filling(0);
		while_filling(1);
		while_filling(2);
		while_used(0);
		while_used(1);
		while_idle();
		chains();
		CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
		io_uring_queue_exit(&ring);
	}
	return 0;
}
