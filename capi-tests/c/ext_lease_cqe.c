/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The test plays the kernel: it looks at each request in the queue, submits none, and shows the pool the completions that it
 * makes up. So it is seen what a request is made of, and what follows from completions that no kernel can be made to
 * give at will: notifications that come late or never, twice, or before their time; short sends.
 */
#include "lease.h"

enum { SIZE = 8192 };

static unsigned looked_at;

/* The next request in the queue. */
static struct io_uring_sqe *queued(void)
{
	CHECK(looked_at < io_uring_sq_ready(&ring));
	return &ring.sq.sqes[looked_at++ & ring.sq.ring_mask];
}

static int show(__u64 user_data, int res, unsigned flags)
{
	struct io_uring_cqe cqe;

	memset(&cqe, 0, sizeof(cqe));
	cqe.user_data = user_data;
	cqe.res = res;
	cqe.flags = flags;
	return aiouring_lease_cqe(pool, &cqe);
}

static void nothing_yet(void)
{
	struct aiouring_lease_event event;

	CHECK_EQ(aiouring_lease_next(pool, &event), 0);
	CHECK_EQ(looked_at, io_uring_sq_ready(&ring));
}

static struct aiouring_lease_event told(int type)
{
	struct aiouring_lease_event event;

	CHECK_EQ(aiouring_lease_next(pool, &event), 1);
	CHECK_EQ(event.type, type);
	return event;
}

static int plan_send(__u64 lease, unsigned flags, unsigned from, unsigned len)
{
	struct aiouring_lease_op op = op_of(AIOURING_LEASE_SEND, 55, 7, len);

	op.flags = flags;
	op.from = from;
	op.rw_flags = MSG_NOSIGNAL;
	return aiouring_lease_plan(pool, lease, &op);
}

/* A lease whose primary has brought `len` bytes. */
static __u64 filled(unsigned flags, unsigned send_flags, unsigned len)
{
	__u64 lease = lease_with(flags, 9);
	struct io_uring_sqe *sqe;

	CHECK_EQ(fill_from(lease, 33, 4096, 0), 0);
	CHECK_EQ(plan_send(lease, send_flags, 100, 0), 0);
	sqe = queued();
	nothing_yet();
	CHECK_EQ(sqe->opcode, IORING_OP_READ_FIXED);
	CHECK_EQ(sqe->fd, 33);
	CHECK_EQ(sqe->off, 4096);
	CHECK_EQ(sqe->len, SIZE);
	CHECK_EQ(sqe->addr, (uintptr_t)aiouring_lease_memory(pool, lease));
	CHECK_EQ(sqe->buf_index, aiouring_lease_slot(pool, lease));
	CHECK_EQ(sqe->flags, 0);
	CHECK_EQ(show(sqe->user_data, (int)len, 0), 1);
	CHECK_EQ(show(sqe->user_data, (int)len, 0), -EINVAL);
	return lease;
}

int main(void)
{
	struct aiouring_lease_event event;
	struct aiouring_lease_op op;
	struct io_uring_sqe *sqe;
	struct io_uring_probe *probe;
	__u64 lease, name, names[49];
	char *memory;
	int i;

	ring_with(256, 0);
	probe = io_uring_get_probe_ring(&ring);
	if (!probe || !io_uring_opcode_supported(probe, IORING_OP_SEND_ZC))
		SKIP("the kernel has no sends without copies");
	io_uring_free_probe(probe);
	pool_with(2, SIZE, 0);

	/* A send has its result, and the network has the buffer still. */
	lease = filled(0, 0, 5000);
	memory = (char *)aiouring_lease_memory(pool, lease);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_SEND_ZC);
	CHECK_EQ(sqe->ioprio, IORING_RECVSEND_FIXED_BUF);
	CHECK_EQ(sqe->fd, 55);
	CHECK_EQ(sqe->addr, (uintptr_t)memory + 100);
	CHECK_EQ(sqe->len, 4900);
	CHECK_EQ(sqe->buf_index, aiouring_lease_slot(pool, lease));
	CHECK_EQ(sqe->msg_flags, MSG_NOSIGNAL);
	name = sqe->user_data;
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), -EINVAL);
	CHECK_EQ(show(name, 4900, IORING_CQE_F_MORE), 1);
	CHECK_EQ(show(name, 4900, IORING_CQE_F_MORE), -EINVAL);
	CHECK_EQ(show(name, 4900, 0), -EINVAL);
	nothing_yet();
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), 1);
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), -EINVAL);
	event = told(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 5000);
	CHECK_EQ(event.failed, 0);
	nothing_yet();

	/* In pieces: the next one starts at once, and each has a notification of its own. */
	lease = filled(0, AIOURING_LEASE_OP_WHOLE | AIOURING_LEASE_OP_REPORT, 5000);
	memory = (char *)aiouring_lease_memory(pool, lease);
	name = queued()->user_data;
	CHECK_EQ(show(name, 900, IORING_CQE_F_MORE), 1);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_SEND_ZC);
	CHECK_EQ(sqe->addr, (uintptr_t)memory + 1000);
	CHECK_EQ(sqe->len, 4000);
	/* The first piece again is not the second one. */
	CHECK_EQ(show(name, 900, IORING_CQE_F_MORE), -EINVAL);
	CHECK_EQ(show(sqe->user_data, 4000, IORING_CQE_F_MORE), 1);
	nothing_yet();
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), 1);
	nothing_yet();
	CHECK_EQ(show(sqe->user_data, 0, IORING_CQE_F_NOTIF), 1);
	event = told(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, 4900);
	event = told(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 0);

	/* More pieces than names are told apart, with all notifications at the end. */
	lease = filled(0, AIOURING_LEASE_OP_WHOLE | AIOURING_LEASE_OP_REPORT, 5000);
	name = queued()->user_data;
	CHECK_EQ(show(name, 100, IORING_CQE_F_MORE), 1);
	for (i = 1; i < 49; i++) {
		names[i] = queued()->user_data;
		CHECK_EQ(show(names[i], 100, IORING_CQE_F_MORE), 1);
	}
	for (i = 1; i < 49; i++) {
		nothing_yet();
		CHECK_EQ(show(names[i], 0, IORING_CQE_F_NOTIF), 1);
	}
	nothing_yet();
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), 1);
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), -EINVAL);
	CHECK_EQ(told(AIOURING_LEASE_USED).res, 4900);
	told(AIOURING_LEASE_DONE);

	/* A socket that has to copy: the same memory the plain way, and the lease waits for the notification all the same. */
	lease = filled(0, AIOURING_LEASE_OP_REPORT, 5000);
	memory = (char *)aiouring_lease_memory(pool, lease);
	name = queued()->user_data;
	CHECK_EQ(show(name, -EOPNOTSUPP, IORING_CQE_F_MORE), 1);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_SEND);
	CHECK_EQ(sqe->ioprio, 0);
	CHECK_EQ(sqe->buf_index, 0);
	CHECK_EQ(sqe->addr, (uintptr_t)memory + 100);
	CHECK_EQ(sqe->len, 4900);
	CHECK_EQ(sqe->msg_flags, MSG_NOSIGNAL);
	CHECK_EQ(show(name, -EOPNOTSUPP, IORING_CQE_F_MORE), -EINVAL);
	CHECK_EQ(show(sqe->user_data, -EOPNOTSUPP, 0), 1);
	nothing_yet();
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), 1);
	event = told(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -EOPNOTSUPP);
	event = told(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 1);

	/* More than was there: no more is believed. Nothing at all: it ends. */
	lease = lease_with(AIOURING_LEASE_HOLD, 0);
	op = op_of(AIOURING_LEASE_RECV, 33, 0, 0);
	op.flags = AIOURING_LEASE_OP_FIXED_FILE | AIOURING_LEASE_OP_ASYNC;
	op.rw_flags = MSG_TRUNC;
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), 0);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_RECV);
	CHECK_EQ(sqe->flags, IOSQE_FIXED_FILE | IOSQE_ASYNC);
	CHECK_EQ(sqe->msg_flags, MSG_TRUNC);
	CHECK_EQ(sqe->len, SIZE);
	CHECK_EQ(show(sqe->user_data, SIZE + 100, 0), 1);
	event = told(AIOURING_LEASE_FILLED);
	CHECK_EQ(event.res, SIZE + 100);
	CHECK_EQ(event.bytes, SIZE);
	CHECK_EQ(use_write(lease, 44, 0, SIZE, 1, 0), -EFAULT);
	op = op_of(AIOURING_LEASE_WRITE, 44, 1000, 0);
	op.flags = AIOURING_LEASE_OP_WHOLE;
	op.rw_flags = RWF_DSYNC;
	CHECK_EQ(aiouring_lease_use(pool, lease, &op), 0);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_WRITE_FIXED);
	CHECK_EQ(sqe->rw_flags, RWF_DSYNC);
	CHECK_EQ(sqe->off, 1000);
	CHECK_EQ(show(sqe->user_data, 8000, 0), 1);
	sqe = queued();
	CHECK_EQ(sqe->off, 9000);
	CHECK_EQ(sqe->len, SIZE - 8000);
	CHECK_EQ(show(sqe->user_data, 0, 0), 1);
	CHECK_EQ(aiouring_lease_finish(pool, lease), 0);
	event = told(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, 0);

	/* Cancelled in the middle of pieces: no next one; the cancellation names the request, and its own answer ends nothing. */
	lease = filled(0, AIOURING_LEASE_OP_WHOLE | AIOURING_LEASE_OP_REPORT, 5000);
	name = queued()->user_data;
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_ASYNC_CANCEL);
	CHECK_EQ(sqe->addr, name);
	CHECK_EQ(show(sqe->user_data, -EALREADY, 0), 1);
	CHECK_EQ(show(sqe->user_data, -EALREADY, 0), -EINVAL);
	nothing_yet();
	CHECK_EQ(show(name, 900, IORING_CQE_F_MORE), 1);
	nothing_yet();
	CHECK_EQ(show(name, 0, IORING_CQE_F_NOTIF), 1);
	event = told(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, 900);
	event = told(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 1);

	/* The primary of a lease that was cancelled comes all the same: it is told, and nothing follows. */
	lease = lease_with(0, 0);
	CHECK_EQ(fill_from(lease, 33, 0, 0), 0);
	CHECK_EQ(plan_send(lease, 0, 0, 0), 0);
	name = queued()->user_data;
	CHECK_EQ(aiouring_lease_cancel(pool, lease), 0);
	sqe = queued();
	CHECK_EQ(sqe->opcode, IORING_OP_ASYNC_CANCEL);
	CHECK_EQ(show(name, 300, 0), 1);
	event = told(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 300);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -ECANCELED);
	CHECK_EQ(show(sqe->user_data, -ENOENT, 0), 1);
	nothing_yet();

	/* All is over: nothing is waited for. */
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
