/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The buffer is the lease's until the kernel has let go of it: with AIOURING_LEASE_POOL_TAGS the kernel itself says so. While
 * a request of the program's own holds the slot, the lease does not end, although all its requests are done.
 */
#include "lease.h"

enum { SIZE = 4096 };

int main(void)
{
	int source, copy, ends[2];
	struct aiouring_lease_event event;
	struct io_uring_sqe *sqe;
	char bytes[4096];
	__u64 lease, other;
	char *memory;
	int slot;

	source = temp_file(SIZE, 1);
	copy = temp_file(0, 0);
	ring_with(8, 0);
	pool_with(1, SIZE, AIOURING_LEASE_POOL_TAGS);
	CHECK_EQ(pipe(ends), 0);
	CHECK_GE(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	CHECK_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));

	lease = lease_with(AIOURING_LEASE_HOLD, 1);
	memory = (char *)aiouring_lease_memory(pool, lease);
	slot = aiouring_lease_slot(pool, lease);
	CHECK_EQ(slot, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	event_of(AIOURING_LEASE_FILLED);
	/* Of this request the pool knows nothing. It hangs on the pipe, with the buffer of the slot. */
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write_fixed(sqe, ends[1], memory, SIZE, (__u64)-1, slot);
	io_uring_sqe_set_data64(sqe, 5);
	/* With what was planned. */
	CHECK_EQ(aiouring_lease_submit(pool), 2);
	CHECK_EQ(aiouring_lease_finish(pool, lease), 0);
	no_event_for(50);
	check_file(copy, 0, SIZE, 1, 0);
	/* So the buffer is not free, and the slot takes no new request. */
	CHECK_EQ(aiouring_lease_open(pool, &other, 0, 0), -EAGAIN);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write_fixed(sqe, copy, memory, SIZE, 0, slot);
	io_uring_sqe_set_data64(sqe, 6);
	event = event_of(AIOURING_LEASE_OTHER);
	CHECK_EQ(event.data, 6);
	CHECK_EQ(event.res, -EFAULT);
	no_event_for(20);
	/* The pipe takes it: first this ends, then the lease. */
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	event = event_of(AIOURING_LEASE_OTHER);
	CHECK_EQ(event.data, 5);
	CHECK_EQ(event.res, SIZE);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.lease, lease);
	CHECK_EQ(event.failed, 0);
	CHECK_EQ(aiouring_lease_open(pool, &other, 0, 0), 0);
	CHECK(aiouring_lease_memory(pool, other) == memory);
	CHECK_EQ(aiouring_lease_cancel(pool, other), 0);
	event_of(AIOURING_LEASE_DONE);
	/* Cancelling is no way around it. */
	CHECK_EQ(write(ends[1], bytes, 0), 0);
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_PATTERN(bytes, sizeof(bytes), 1, 0);
	CHECK_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	lease = lease_with(0, 2);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write_fixed(sqe, ends[1], memory, SIZE, (__u64)-1, slot);
	io_uring_sqe_set_data64(sqe, 7);
	CHECK_EQ(aiouring_lease_submit(pool), 1);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	no_event_for(50);
	CHECK_EQ(aiouring_lease_open(pool, &other, 0, 0), -EAGAIN);
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(event_of(AIOURING_LEASE_OTHER).data, 7);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.data, 2);
	CHECK_EQ(event.res, -ECANCELED);

	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
