/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a lease refuses: use before it is filled, after it ended, beyond what is in it, in the wrong direction, under a wrong
 * name; pools that cannot be. What is refused loses nothing: the lease goes on.
 */
#include <sys/resource.h>

#include "lease.h"

enum { SIZE = 8192 };

static int make(struct aiouring_lease_params params)
{
	struct aiouring_lease_pool *made = NULL;
	int ret = aiouring_lease_pool_create(&ring, &params, &made);

	CHECK((ret == 0) == (made != NULL));
	if (ret == 0)
		CHECK_EQ(aiouring_lease_pool_destroy(made), 0);
	return ret;
}

static void pools(void)
{
	struct aiouring_lease_params good = {.buffers = 2, .buffer_size = SIZE}, bad;
	struct aiouring_lease_pool *made;
	static struct io_uring no_ring;
	unsigned i;

	CHECK_EQ(make(good), 0);
	CHECK_EQ(aiouring_lease_pool_create(NULL, &good, &made), -EINVAL);
	CHECK_EQ(aiouring_lease_pool_create(&no_ring, &good, &made), -EINVAL);
	CHECK_EQ(aiouring_lease_pool_create(&ring, NULL, &made), -EINVAL);
	CHECK_EQ(aiouring_lease_pool_create(&ring, &good, NULL), -EINVAL);
	bad = good, bad.buffers = 0;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.buffers = 16385;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.buffers = 4000000000U;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.buffer_size = 0;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.buffer_size = (1U << 30) + 1;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.buffer_size = 4294967295U;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.ops = (1U << 20) + 1;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.first_slot = 16383;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.first_slot = 4294967295U;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.resv = 1;
	CHECK_EQ(make(bad), -EINVAL);
	for (i = 0; i < 4; i++) {
		bad = good, bad.resv2[i] = 1;
		CHECK_EQ(make(bad), -EINVAL);
	}
	for (i = 4; i < 32; i++) {
		bad = good, bad.flags = 1U << i;
		CHECK_EQ(make(bad), -EINVAL);
	}
	bad = good, bad.flags = AIOURING_LEASE_POOL_PLAIN | AIOURING_LEASE_POOL_TAGS;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.flags = AIOURING_LEASE_POOL_IMPORT | AIOURING_LEASE_POOL_TAGS;
	CHECK_EQ(make(bad), -EINVAL);
	bad = good, bad.flags = AIOURING_LEASE_POOL_IMPORT, bad.memory = pages(2 * SIZE);
	CHECK_EQ(make(bad), -EINVAL);
	/* No table of the ring's, or one that is in the way, or too small. */
	bad = good, bad.flags = AIOURING_LEASE_POOL_TABLE;
	CHECK_EQ(make(bad), -ENXIO);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 4), 0);
	CHECK_EQ(make(good), -EBUSY);
	CHECK_EQ(make(bad), 0);
	bad.first_slot = 2;
	CHECK_EQ(make(bad), 0);
	bad.first_slot = 3;
	CHECK_EQ(make(bad), -EINVAL);
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	/* Memory that is not there: also in the middle. Nothing is left in the table. */
	bad = good, bad.memory = hole();
	CHECK_EQ(make(bad), -EFAULT);
	bad = good, bad.buffers = 130, bad.buffer_size = 4096, bad.memory = pages_before_hole(100 * 4096);
	CHECK_EQ(make(bad), -EFAULT);
	CHECK_EQ(make(good), 0);
}

/* RLIMIT_MEMLOCK counts for those who have no privilege. */
static void no_memory_to_lock(void)
{
	pid_t child = fork();

	if (child == 0) {
		struct aiouring_lease_params params = {.buffers = 16, .buffer_size = 4 << 20};
		/* Of a huge page that a buffer has a part of all is counted. */
		struct rlimit limit = {7 << 20, 7 << 20};
		struct aiouring_lease_event event;
		struct io_uring_params p = {0};
		int file = temp_file(SIZE, 1), copy = temp_file(0, 0);

		watchdog();
		CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
		/* What is locked is counted by user, and others may be at it. */
		if (setuid(100000 + (uid_t)getpid()) != 0)
			_exit(77);
		CHECK_EQ(io_uring_queue_init_params(8, &ring, &p), 0);
		CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), -ENOMEM);
		/* Nothing is left: there is no table, and what is small enough can be locked. */
		CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO);
		params.buffers = 4;
		params.buffer_size = 4096;
		CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
		CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
		/* With tags it is the lease that finds no memory. */
		params.buffers = 16;
		params.buffer_size = 4 << 20;
		params.flags = AIOURING_LEASE_POOL_TAGS;
		CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
		{
			__u64 leases[16];
			int i, ret = 0;

			for (i = 0; i < 16 && ret == 0; i++)
				ret = aiouring_lease_open(pool, &leases[i], 0, 0);
			CHECK_EQ(ret, -ENOMEM);
			CHECK_EQ(i, 2);
			while (--i > 0) {
				CHECK_EQ(aiouring_lease_cancel(pool, leases[i - 1]), 0);
				event = event_of(AIOURING_LEASE_DONE);
				CHECK_EQ(event.res, -ECANCELED);
			}
			CHECK_EQ(aiouring_lease_open(pool, &leases[0], 0, 0), 0);
		}
		CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
		/* Without registration it does all the same. */
		params.flags = AIOURING_LEASE_POOL_PLAIN;
		CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
		{
			__u64 lease = lease_with(0, 0);

			CHECK_EQ(fill_from(lease, file, 0, 0), 0);
			CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
			CHECK_EQ(event_of(AIOURING_LEASE_DONE).failed, 0);
			check_file(copy, 0, SIZE, 1, 0);
		}
		CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
		io_uring_queue_exit(&ring);
		_exit(0);
	}
	{
		int status;

		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
	}
}

static void order_and_range(void)
{
	int source = temp_file(5000, 2), copy = temp_file(0, 0);
	struct aiouring_lease_event event;
	struct aiouring_lease_op op;
	__u64 lease = lease_with(AIOURING_LEASE_HOLD, 0), plain;

	/* Not filled. */
	CHECK_EQ(use_write(lease, copy, 0, 0, 10, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_finish(pool, lease), -EINVAL);
	/* Not within the buffer. */
	CHECK_EQ(fill_from(lease, source, 0, SIZE + 1), -EFAULT);
	CHECK_EQ(plan_write(lease, copy, 0, 0, SIZE + 1, 0), -EFAULT);
	CHECK_EQ(plan_write(lease, copy, 0, SIZE, 1, 0), -EFAULT);
	CHECK_EQ(plan_write(lease, copy, 0, SIZE + 1, 0, 0), -EFAULT);
	CHECK_EQ(plan_write(lease, copy, 0, 1, 4294967295U, 0), -EFAULT);
	CHECK_EQ(plan_write(lease, copy, 0, 4294967295U, 1, 0), -EFAULT);
	/* The wrong way, or no way at all. */
	op = op_of(AIOURING_LEASE_READ, source, 0, 10);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op = op_of(AIOURING_LEASE_RECV, source, 0, 10);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op = op_of(AIOURING_LEASE_WRITE, copy, 0, 10);
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), -EINVAL);
	op = op_of(AIOURING_LEASE_SEND, copy, 0, 10);
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), -EINVAL);
	op = op_of(AIOURING_LEASE_COMMAND, copy, 0, 10);
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), -EINVAL);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op = op_of(0, copy, 0, 10);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op = op_of(6, copy, 0, 10);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op = op_of(AIOURING_LEASE_READ, source, 0, 10);
	op.from = 1;
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), -EINVAL);
	/* What is reserved, or of another type. */
	op = op_of(AIOURING_LEASE_WRITE, copy, 0, 10);
	op.resv[1] = 1;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op = op_of(AIOURING_LEASE_WRITE, copy, 0, 10);
	op.flags = 1U << 5;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op.flags = AIOURING_LEASE_OP_COPY;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	op.flags = 0;
	op.memory = &op;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), -EINVAL);
	CHECK_EQ(aiouring_lease_open(pool, &plain, 4, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_open(pool, &plain, AIOURING_LEASE_SINK, 0), -EINVAL);

	/* All that did nothing. The file is shorter than the buffer: what counts is what came. */
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), -EINVAL);
	CHECK_EQ(use_write(lease, copy, 0, 0, 10, 0), -EINVAL);
	CHECK_EQ(plan_write(lease, copy, 0, 4999, 1, 11), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 4999, 2, 12), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 5000, 0, 13), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 5001, 0, 14), 0);
	CHECK_EQ(plan_write(lease, copy, 1, 4000, 0, 15), 0);
	event = event_of(AIOURING_LEASE_FILLED);
	CHECK_EQ(event.bytes, 5000);
	{
		int seen = 0, i;

		for (i = 0; i < 5; i++) {
			event = event_of(AIOURING_LEASE_USED);
			seen |= 1 << (event.data - 11);
			CHECK_EQ(event.res, event.data == 11   ? 1
					    : event.data == 12 ? -EFAULT
					    : event.data == 13 ? 0
					    : event.data == 14 ? -EFAULT
							       : 1000);
		}
		CHECK_EQ(seen, 31);
	}
	CHECK_EQ(plan_write(lease, copy, 0, 0, 1, 0), -EINVAL);
	CHECK_EQ(use_write(lease, copy, 0, 4999, 2, 0), -EFAULT);
	CHECK_EQ(use_write(lease, copy, 0, 5001, 0, 0), -EFAULT);
	CHECK_EQ(use_write(lease, copy, 0, 1, 4294967295U, 0), -EFAULT);
	CHECK_EQ(use_write(lease, copy, 0, 5000, 0, 0), 0);
	op = op_of(AIOURING_LEASE_READ, source, 0, 10);
	CHECK_EQ(aiouring_lease_use(pool, lease, &op), -EINVAL);
	CHECK_EQ(use_write(lease, copy, 0, 0, 5000, 16), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, 5000);
	CHECK_EQ(aiouring_lease_finish(pool, lease), 0);
	CHECK_EQ(aiouring_lease_finish(pool, lease), -EINVAL);
	CHECK_EQ(use_write(lease, copy, 0, 0, 1, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), -EINVAL);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 2);
	CHECK_EQ(event.error, -EFAULT);
	/* It is over, and stays so for its name when the buffer has another. */
	plain = lease_with(0, 0);
	CHECK(plain != lease);
	CHECK_EQ(use_write(lease, copy, 0, 0, 1, 0), -EINVAL);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 1, 0), -EINVAL);
	CHECK_EQ(fill_from(lease, source, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_finish(pool, lease), -EINVAL);
	CHECK_EQ(aiouring_lease_cancel(pool, lease), -EINVAL);
	CHECK_EQ(aiouring_lease_slot(pool, lease), -EINVAL);
	CHECK(aiouring_lease_memory(pool, lease) == NULL);
	/* A lease that is not held takes what is planned, and nothing else. */
	CHECK_EQ(fill_from(plain, source, 0, 0), 0);
	CHECK_EQ(aiouring_lease_finish(pool, plain), -EINVAL);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.lease, plain);
	close(copy);
	close(source);
}

static void names(void)
{
	struct aiouring_lease_params params = {.buffers = 2, .buffer_size = SIZE, .flags = AIOURING_LEASE_POOL_PLAIN};
	struct aiouring_lease_pool *other;
	struct aiouring_lease_event event;
	struct io_uring_cqe cqe = {0};
	__u64 mine = lease_with(0, 0), theirs, lease;
	int file = temp_file(100, 1);
	unsigned i;

	CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &other), 0);
	CHECK_EQ(aiouring_lease_open(other, &theirs, 0, 0), 0);
	CHECK(mine != theirs);
	CHECK_EQ(aiouring_lease_cancel(pool, theirs), -EINVAL);
	CHECK_EQ(plan_write(theirs, file, 0, 0, 0, 0), -EINVAL);
	CHECK_EQ(fill_from(theirs, file, 0, 0), -EINVAL);
	/* Bits that are wrong, one by one. */
	for (i = 0; i < 64; i++)
		CHECK_EQ(aiouring_lease_slot(pool, mine ^ (1ULL << i)), -EINVAL);
	CHECK_GE(aiouring_lease_slot(pool, mine), 0);
	CHECK_EQ(aiouring_lease_cancel(pool, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_cancel(pool, ~0ULL), -EINVAL);
	/* Nothing at all. */
	CHECK_EQ(aiouring_lease_open(NULL, &lease, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_open(pool, NULL, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_fill(pool, mine, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_plan(pool, mine, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_use(pool, mine, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_finish(NULL, mine), -EINVAL);
	CHECK_EQ(aiouring_lease_cancel(NULL, mine), -EINVAL);
	CHECK_EQ(aiouring_lease_submit(NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_wait(NULL, &event, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_wait(pool, NULL, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_next(NULL, &event), -EINVAL);
	CHECK_EQ(aiouring_lease_next(pool, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_cqe(NULL, &cqe), -EINVAL);
	CHECK_EQ(aiouring_lease_cqe(pool, NULL), -EINVAL);
	CHECK_EQ(aiouring_lease_pool_destroy(NULL), -EINVAL);
	CHECK(aiouring_lease_memory(NULL, mine) == NULL);
	/* Completions that are nobody's. */
	for (i = 0; i < 64; i++) {
		cqe.user_data = 1ULL << i;
		CHECK_EQ(aiouring_lease_cqe(pool, &cqe), 0);
		cqe.user_data = ~0ULL << i;
		CHECK_EQ(aiouring_lease_cqe(pool, &cqe), 0);
	}
	CHECK_EQ(aiouring_lease_pool_destroy(other), 0);
	CHECK_EQ(aiouring_lease_cancel(pool, mine), 0);
	CHECK_EQ(aiouring_lease_next(pool, &event), 1);
	CHECK_EQ(event.type, AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, -ECANCELED);
	close(file);
}

/* Two pools in a ring: what one finds of the other is shown to that. */
static void two_pools(void)
{
	struct aiouring_lease_params params = {.buffers = 2, .buffer_size = SIZE, .flags = AIOURING_LEASE_POOL_PLAIN};
	struct aiouring_lease_pool *first = pool, *second;
	int source = temp_file(SIZE, 5), copies[2], i, done = 0;
	struct aiouring_lease_event event;
	struct io_uring_cqe cqe;

	CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &second), 0);
	for (i = 0; i < 2; i++) {
		__u64 lease;

		pool = i == 0 ? first : second;
		copies[i] = temp_file(0, 0);
		lease = lease_with(0, (__u64)i);
		CHECK_EQ(fill_from(lease, source, 0, 0), 0);
		CHECK_EQ(plan_write(lease, copies[i], 0, 0, 0, 0), 0);
	}
	pool = first;
	while (done < 2) {
		CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), 0);
		if (event.type == AIOURING_LEASE_OTHER) {
			memset(&cqe, 0, sizeof(cqe));
			cqe.user_data = event.data;
			cqe.res = event.res;
			cqe.flags = event.flags;
			CHECK_EQ(aiouring_lease_cqe(pool, &cqe), 0);
			CHECK_EQ(aiouring_lease_cqe(second, &cqe), 1);
			if (aiouring_lease_next(second, &event) == 0)
				continue;
			CHECK_EQ(event.data, 1);
		} else {
			CHECK_EQ(event.data, 0);
		}
		CHECK_EQ(event.type, AIOURING_LEASE_DONE);
		CHECK_EQ(event.failed, 0);
		done++;
	}
	for (i = 0; i < 2; i++) {
		check_file(copies[i], 0, SIZE, 5, 0);
		close(copies[i]);
	}
	CHECK_EQ(aiouring_lease_pool_destroy(second), 0);
	close(source);
}

/* No records for secondaries are left: the lease says so and goes on. */
static void too_many(void)
{
	struct aiouring_lease_params params = {.buffers = 1, .buffer_size = SIZE, .ops = 3};
	struct aiouring_lease_pool *first = pool;
	int source = temp_file(SIZE, 3), copy = temp_file(0, 0);
	__u64 lease, other;
	int i;

	CHECK_EQ(aiouring_lease_pool_destroy(first), 0);
	CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
	for (i = 0; i < 3; i++) {
		lease = lease_with(0, 0);
		CHECK_EQ(aiouring_lease_open(pool, &other, 0, 0), -EAGAIN);
		CHECK_EQ(plan_write(lease, copy, 0, 0, 1, 0), 0);
		CHECK_EQ(plan_write(lease, copy, 1, 1, 1, 0), 0);
		CHECK_EQ(plan_write(lease, copy, 2, 2, 1, 0), 0);
		CHECK_EQ(plan_write(lease, copy, 3, 3, 1, 0), -EAGAIN);
		CHECK_EQ(fill_from(lease, source, 0, 0), 0);
		CHECK_EQ(event_of(AIOURING_LEASE_DONE).failed, 0);
		check_file(copy, 0, 3, 3, 0);
	}
	close(copy);
	close(source);
}

int main(void)
{
	ring_with(8, 0);
	pools();
	no_memory_to_lock();
	pool_with(2, SIZE, 0);
	order_and_range();
	names();
	two_pools();
	too_many();
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
