/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of leases share. */
#ifndef LEASE_H
#define LEASE_H

#include <aiouring.h>
#include <sys/socket.h>

#include "check.h"

static struct io_uring ring;
static struct aiouring_lease_pool *pool;

MAYBE_UNUSED static void ring_with(unsigned entries, unsigned flags)
{
	int ret = io_uring_queue_init(entries, &ring, flags);

	if (ret == -ENOSYS || ret == -EPERM)
		SKIP("no io_uring here");
	CHECK_EQ(ret, 0);
}

MAYBE_UNUSED static void pool_with(unsigned buffers, unsigned size, unsigned flags)
{
	struct aiouring_lease_params params;

	memset(&params, 0, sizeof(params));
	params.buffers = buffers;
	params.buffer_size = size;
	params.flags = flags;
	CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
}

/* A request for `len` bytes at `offset` of a file. */
MAYBE_UNUSED static struct aiouring_lease_op op_of(int type, int fd, uint64_t offset, unsigned len)
{
	struct aiouring_lease_op op;

	memset(&op, 0, sizeof(op));
	op.type = type;
	op.fd = fd;
	op.offset = offset;
	op.len = len;
	return op;
}

MAYBE_UNUSED static __u64 lease_with(unsigned flags, uint64_t data)
{
	__u64 lease = 0;

	CHECK_EQ(aiouring_lease_open(pool, &lease, flags, data), 0);
	CHECK(lease != 0);
	return lease;
}

MAYBE_UNUSED static int fill_from(__u64 lease, int fd, uint64_t offset, unsigned len)
{
	struct aiouring_lease_op op = op_of(AIOURING_LEASE_READ, fd, offset, len);

	return aiouring_lease_fill(pool, lease, &op);
}

/* A planned write of (from, len) to a file, reported with `data` unless that is 0. */
MAYBE_UNUSED static int plan_write(__u64 lease, int fd, uint64_t offset, unsigned from, unsigned len, uint64_t data)
{
	struct aiouring_lease_op op = op_of(AIOURING_LEASE_WRITE, fd, offset, len);

	op.from = from;
	op.data = data;
	op.flags = data ? AIOURING_LEASE_OP_REPORT : 0;
	return aiouring_lease_plan(pool, lease, &op);
}

MAYBE_UNUSED static int use_write(__u64 lease, int fd, uint64_t offset, unsigned from, unsigned len, uint64_t data)
{
	struct aiouring_lease_op op = op_of(AIOURING_LEASE_WRITE, fd, offset, len);

	op.from = from;
	op.data = data;
	op.flags = data ? AIOURING_LEASE_OP_REPORT : 0;
	return aiouring_lease_use(pool, lease, &op);
}

/* The next event, which is of this type. */
MAYBE_UNUSED static struct aiouring_lease_event event_of(int type)
{
	struct aiouring_lease_event event;
	int ret;

	do
		ret = aiouring_lease_wait(pool, &event, NULL);
	while (ret == -EINTR);
	CHECK_EQ(ret, 0);
	CHECK_EQ(event.type, type);
	return event;
}

/* No event comes for a while. */
MAYBE_UNUSED static void no_event_for(long ms)
{
	struct aiouring_lease_event event;
	struct __kernel_timespec ts = {ms / 1000, ms % 1000 * 1000000};
	long start = now_ms();

	CHECK_EQ(aiouring_lease_wait(pool, &event, &ts), -ETIME);
	CHECK_GE(now_ms() - start, ms - 5);
}

/* The file has these bytes of the pattern `seed`, from `position` of the pattern on. */
MAYBE_UNUSED static void check_file(int fd, off_t offset, size_t size, uint64_t seed, uint64_t position)
{
	char *bytes = (char *)malloc(size);

	CHECK_EQ(pread(fd, bytes, size, offset), size);
	CHECK_PATTERN(bytes, size, seed, position);
	free(bytes);
}

MAYBE_UNUSED static off_t file_size(int fd)
{
	struct stat status;

	CHECK(fstat(fd, &status) == 0);
	return status.st_size;
}

#endif
