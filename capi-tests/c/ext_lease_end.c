/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The end of a pool, of its ring and of its process while leases are under way: the program's own completions stay,
 * locked memory, descriptors and mappings do not, and no completion of the pool's comes afterwards. A child has no part in
 * it.
 */
#include <sys/resource.h>

#include "lease.h"

enum { SIZE = 16384, BUFFERS = 8 };

static int quiet[2], full[2];

/* Leases in each phase. */
static void busy(int source, int copy)
{
	struct aiouring_lease_op op;
	__u64 lease;
	int i;

	/* Opened, and no more. */
	lease = lease_with(0, 0);
	/* Filled and held. */
	lease = lease_with(AIOURING_LEASE_HOLD, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	event_of(AIOURING_LEASE_FILLED);
	/* Being filled. */
	lease = lease_with(0, 0);
	op = op_of(AIOURING_LEASE_RECV, quiet[0], 0, 0);
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 1), 0);
	/* Being written. */
	lease = lease_with(0, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	op = op_of(AIOURING_LEASE_WRITE, full[1], (uint64_t)-1, 0);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	no_event_for(10);
	/* Queued, and some for which there is no room. */
	for (i = 0; i < 4; i++) {
		lease = lease_with(0, 0);
		CHECK_EQ(fill_from(lease, source, 0, 0), 0);
		CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 1), 0);
	}
}

static unsigned mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	int c;

	CHECK(maps != NULL);
	while ((c = getc(maps)) != EOF)
		n += c == '\n';
	fclose(maps);
	return n;
}

static void end_of_pool(unsigned setup, unsigned flags)
{
	int source = temp_file(SIZE, 1), copy = temp_file(0, 0), mine = 0, ret;
	struct io_uring_params p;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	static unsigned first = 1;
	unsigned before, head, n;
	__u64 lease;

	memset(&p, 0, sizeof(p));
	p.flags = setup | IORING_SETUP_CQSIZE;
	p.cq_entries = 16;
	ret = io_uring_queue_init_params(4, &ring, &p);
	if (ret == -EINVAL && setup)
		return;
	CHECK_EQ(ret, 0);
	before = mappings();
	pool_with(BUFFERS, SIZE, flags);
	busy(source, copy);
	/* Completions of the program lie before, between and behind those of the pool. */
	while (aiouring_lease_submit(pool) > 0)
		;
	sqe = io_uring_get_sqe(&ring);
	if (sqe) {
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, 1);
		mine++;
	}
	CHECK_GE(aiouring_lease_submit(pool), 0);
	sqe = io_uring_get_sqe(&ring);
	CHECK(sqe != NULL);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 2);
	mine++;
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	/* But for the page by which calls on it see that it is gone; it is taken for the next pool. */
	CHECK_LE(mappings(), before + first);
	first = 0;
	CHECK_EQ(aiouring_lease_pool_destroy(pool), -EINVAL);
	CHECK_EQ(aiouring_lease_open(pool, &lease, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_lease_submit(pool), -EINVAL);
	/* Nothing but the program's is left, in order, and nothing comes later. */
	sleep_ms(20);
	io_uring_get_events(&ring);
	n = 0;
	io_uring_for_each_cqe(&ring, head, cqe) {
		if (cqe->flags & (1U << 5))
			continue;
		CHECK_EQ(cqe->user_data, n + 1);
		CHECK_EQ(cqe->res, 0);
		n++;
	}
	CHECK_EQ(n, mine);
	CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO);
	io_uring_queue_exit(&ring);
	close(copy);
	close(source);
}

/* So many completions of the program that the kernel has no room for those of the pool. */
static void no_room(void)
{
	int source = temp_file(SIZE, 1);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	__u64 lease;
	int i, ret, mine = 0;

	ring_with(4, 0);
	pool_with(BUFFERS, SIZE, 0);
	lease = lease_with(AIOURING_LEASE_HOLD, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	event_of(AIOURING_LEASE_FILLED);
	CHECK_EQ(use_write(lease, full[1], (uint64_t)-1, 0, 0, 0), 0);
	CHECK_EQ(aiouring_lease_submit(pool), 1);
	for (i = 0; i < 8; i++) {
		while ((sqe = io_uring_get_sqe(&ring)) == NULL)
			CHECK_GE(io_uring_submit(&ring), 1);
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, 0);
	}
	CHECK_GE(io_uring_submit(&ring), 1);
	while ((ret = aiouring_lease_pool_destroy(pool)) == -EBUSY) {
		CHECK_EQ(aiouring_lease_open(pool, &lease, 0, 0), -ECANCELED);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(aiouring_lease_cqe(pool, cqe), 0);
		io_uring_cqe_seen(&ring, cqe);
		mine++;
	}
	CHECK_EQ(ret, 0);
	CHECK_GE(mine, 1);
	for (; mine < 8; mine++) {
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK_EQ(cqe->user_data, 0);
		io_uring_cqe_seen(&ring, cqe);
	}
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	io_uring_queue_exit(&ring);
	close(source);
}

/* The wrong way round: the ring first. */
static void end_of_ring(unsigned flags)
{
	int source = temp_file(SIZE, 1), copy = temp_file(0, 0);
	struct aiouring_lease_event event;
	struct io_uring_cqe cqe = {0};
	__u64 lease;

	ring_with(4, 0);
	pool_with(BUFFERS, SIZE, flags);
	busy(source, copy);
	io_uring_queue_exit(&ring);
	CHECK_EQ(aiouring_lease_open(pool, &lease, 0, 0), -EBADF);
	CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), -EBADF);
	CHECK_EQ(aiouring_lease_submit(pool), -EBADF);
	CHECK_EQ(aiouring_lease_cqe(pool, &cqe), -EBADF);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	/* What comes now has no buffer to go to. */
	CHECK_EQ(write(quiet[1], "late", 4), 4);
	sleep_ms(20);
	{
		char bytes[8];

		while (recv(quiet[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			;
	}
	close(copy);
	close(source);
}

static void children(void)
{
	int source = temp_file(SIZE, 1), copy = temp_file(0, 0);
	struct aiouring_lease_event event;
	struct io_uring_cqe cqe = {0};
	__u64 lease, other;
	pid_t child;

	ring_with(8, 0);
	pool_with(BUFFERS, SIZE, 0);
	lease = lease_with(AIOURING_LEASE_HOLD, 0);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	event_of(AIOURING_LEASE_FILLED);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		watchdog();
		CHECK_EQ(aiouring_lease_open(pool, &other, 0, 0), -EINVAL);
		CHECK_EQ(use_write(lease, copy, 0, 0, 0, 0), -EINVAL);
		CHECK_EQ(aiouring_lease_finish(pool, lease), -EINVAL);
		CHECK_EQ(aiouring_lease_cancel(pool, lease), -EINVAL);
		CHECK_EQ(aiouring_lease_submit(pool), -EINVAL);
		CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), -EINVAL);
		CHECK_EQ(aiouring_lease_next(pool, &event), -EINVAL);
		CHECK_EQ(aiouring_lease_cqe(pool, &cqe), -EINVAL);
		CHECK(aiouring_lease_memory(pool, lease) == NULL);
		CHECK_EQ(aiouring_lease_pool_destroy(pool), -EINVAL);
		_exit(0);
	}
	wait_exit(child, 0);
	/* The parent's goes on. */
	CHECK_EQ(use_write(lease, copy, 0, 0, 0, 0), 0);
	CHECK_EQ(aiouring_lease_finish(pool, lease), 0);
	CHECK_EQ(event_of(AIOURING_LEASE_DONE).failed, 0);
	check_file(copy, 0, SIZE, 1, 0);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	close(copy);
	close(source);
}

/*
 * A process that ends with leases under way, by exit or killed: what it had locked counts against its user until the kernel
 * has let go of it, so under a limit that is enough for one such process the next one can only be made when nothing is left.
 */
static void end_of_process(int how)
{
	uid_t nobody = 100000 + (uid_t)getpid();
	int round;

	for (round = 0; round < 3; round++) {
		int ready[2], status;
		char byte;
		pid_t child;

		CHECK_EQ(pipe(ready), 0);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			/* Enough for one, also if all of a huge page is counted that a buffer has a part of. */
			struct rlimit limit = {7 << 20, 7 << 20};
			struct aiouring_lease_params params = {.buffers = BUFFERS, .buffer_size = 512 << 10};
			int source = temp_file(SIZE, 1), copy = temp_file(0, 0), ret;
			long start = now_ms();

			watchdog();
			CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
			if (setuid(nobody) != 0)
				_exit(77);
			CHECK_EQ(io_uring_queue_init(8, &ring, 0), 0);
			/* The kernel ends a ring in the background. */
			while ((ret = aiouring_lease_pool_create(&ring, &params, &pool)) == -ENOMEM && now_ms() - start < 10000)
				sleep_ms(10);
			CHECK_EQ(ret, 0);
			busy(source, copy);
			CHECK_EQ(write(ready[1], "x", 1), 1);
			if (how)
				pause();
			_exit(0);
		}
		close(ready[1]);
		status = (int)read(ready[0], &byte, 1);
		if (how && status == 1)
			kill(child, SIGKILL);
		CHECK_EQ(waitpid(child, &status, 0), child);
		if (how)
			CHECK(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 77));
		else
			CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
		close(ready[0]);
	}
}

int main(void)
{
	static const unsigned pools[] = {0, AIOURING_LEASE_POOL_TAGS, AIOURING_LEASE_POOL_PLAIN};
	char bytes[4096];
	unsigned i;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet), 0);
	CHECK_EQ(pipe(full), 0);
	CHECK_GE(fcntl(full[1], F_SETPIPE_SZ, 4096), 4096);
	CHECK_EQ(write(full[1], bytes, sizeof(bytes)), sizeof(bytes));
	for (i = 0; i < COUNT_OF(pools); i++) {
		end_of_pool(0, pools[i]);
		end_of_pool(IORING_SETUP_CQE32, pools[i]);
		end_of_pool(IORING_SETUP_CQE_MIXED, pools[i]);
		end_of_pool(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, pools[i]);
		end_of_ring(pools[i]);
	}
	no_room();
	children();
	end_of_process(0);
	end_of_process(1);
	return 0;
}
