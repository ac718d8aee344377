/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Leases of buffers that a command of the program puts into the slot, and another takes out of it, as drivers of block
 * devices in user space have them. Here the commands are requests that do nothing, and the program updates the table.
 */
#include "lease.h"

enum { SIZE = 8192 };

static char *memory;

static void put(int slot, int size)
{
	struct iovec piece = {size ? memory : NULL, (size_t)size};
	__u64 tag = 0;

	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, (unsigned)slot, &piece, &tag, 1), 1);
}

static struct io_uring_sqe nop(int result)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	aiouring_prep_nop(&sqe, -1, 0, result, result ? IORING_NOP_INJECT_RESULT : 0);
	return sqe;
}

static int fill_by(__u64 lease, const struct io_uring_sqe *command, const struct io_uring_sqe *release, unsigned len)
{
	struct aiouring_lease_op op;

	memset(&op, 0, sizeof(op));
	op.type = AIOURING_LEASE_COMMAND;
	op.command = command;
	op.release = release;
	op.memory = memory;
	op.len = len;
	return aiouring_lease_fill(pool, lease, &op);
}

int main(void)
{
	struct aiouring_lease_event event;
	struct aiouring_lease_op op;
	struct io_uring_sqe command, release;
	int source, copy, slot;
	__u64 lease;

	source = temp_file(SIZE, 1);
	copy = temp_file(0, 0);
	ring_with(8, 0);
	memory = (char *)pages(SIZE);
	pool_with(2, SIZE, AIOURING_LEASE_POOL_IMPORT);
	command = nop(0);
	if (aiouring_lease_open(pool, &lease, 0, 1) != 0)
		FAIL("no lease");
	CHECK(aiouring_lease_memory(pool, lease) == NULL);
	slot = aiouring_lease_slot(pool, lease);
	CHECK_GE(slot, 0);

	/* A source: the command brings data, secondaries write it, the release comes last. */
	fill(memory, SIZE, 1, 0);
	put(slot, SIZE);
	release = nop(0);
	CHECK_EQ(fill_by(lease, NULL, NULL, SIZE), -EINVAL);
	CHECK_EQ(fill_by(lease, NULL, &release, SIZE), -EINVAL);
	command.flags = IOSQE_IO_LINK;
	CHECK_EQ(fill_by(lease, &command, &release, SIZE), -EINVAL);
	command.flags = IOSQE_CQE_SKIP_SUCCESS;
	CHECK_EQ(fill_by(lease, &command, &release, SIZE), -EINVAL);
	command.flags = 0;
	op = op_of(AIOURING_LEASE_READ, source, 0, 0);
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), -EINVAL);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	CHECK_EQ(fill_by(lease, &command, &release, SIZE + 1), -EFAULT);
	CHECK_EQ(fill_by(lease, &command, &release, 5000), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 100, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 100, SIZE - 100, 5), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -EFAULT);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(event.bytes, 5000);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(file_size(copy), 4900);
	check_file(copy, 0, 4900, 1, 100);

	/* A sink: secondaries fill it together, and nothing else. */
	lease = lease_with(AIOURING_LEASE_SINK, 2);
	put(aiouring_lease_slot(pool, lease), SIZE);
	memset(memory, 0, SIZE);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), -EINVAL);
	op = op_of(AIOURING_LEASE_SEND, copy, 0, 0);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	CHECK_EQ(fill_by(lease, &command, &release, SIZE), 0);
	op = op_of(AIOURING_LEASE_READ, source, 0, SIZE / 2);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	op.from = SIZE / 2;
	op.offset = SIZE / 2;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 0);
	CHECK_PATTERN(memory, SIZE, 1, 0);
	put(slot, 0);

	/* The command fails: nothing is to be released. */
	lease = lease_with(0, 3);
	command = nop(-EIO);
	release = nop(-ENXIO);
	CHECK_EQ(fill_by(lease, &command, &release, SIZE), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, -EIO);
	CHECK_EQ(event.bytes, 0);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -ECANCELED);

	/* The command that a driver would make, where there is none: the error is that of the kernel. */
	lease = lease_with(0, 4);
	memset(&command, 0, sizeof(command));
	io_uring_prep_uring_cmd(&command, 0, source);
	CHECK_EQ(fill_by(lease, &command, NULL, SIZE), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK(event.res == -EOPNOTSUPP || event.res == -EINVAL);

	/* The slot is empty although the command said that it is not; the release fails. Both are told. */
	lease = lease_with(0, 5);
	put(aiouring_lease_slot(pool, lease), 0);
	command = nop(0);
	CHECK_EQ(fill_by(lease, &command, &release, SIZE), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 6), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -EFAULT);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(event.failed, 2);
	CHECK_EQ(event.error, -EFAULT);

	/* Cancelled while held: the release is made all the same. */
	lease = lease_with(AIOURING_LEASE_HOLD, 6);
	CHECK_EQ(fill_by(lease, &command, &release, SIZE), 0);
	event_of(AIOURING_LEASE_FILLED);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -ENXIO);

	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
