/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One primary, any number of secondaries, one event when all are done: planned and added later, in every kind of ring,
 * registered and not.
 */
#include "lease.h"

enum { SIZE = 65536 };

/* One file to three, and two parts to a fourth, in one lease. */
static void mirror(void)
{
	int source = temp_file(3 * SIZE, 7), copy[4];
	struct aiouring_lease_event event;
	__u64 lease = lease_with(0, 42);
	unsigned i;

	for (i = 0; i < 4; i++)
		copy[i] = temp_file(0, 0);
	CHECK_EQ(fill_from(lease, source, SIZE, SIZE), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(plan_write(lease, copy[i], 0, 0, 0, 0), 0);
	/* The second half first. */
	CHECK_EQ(plan_write(lease, copy[3], 0, SIZE / 2, SIZE / 2, 1001), 0);
	CHECK_EQ(plan_write(lease, copy[3], SIZE / 2, 0, SIZE / 2, 1002), 0);
	for (i = 0; i < 2; i++) {
		event = event_of(AIOURING_LEASE_USED);
		CHECK_EQ(event.lease, lease);
		CHECK(event.data == 1001 || event.data == 1002);
		CHECK_EQ(event.res, SIZE / 2);
		CHECK_EQ(event.bytes, SIZE / 2);
	}
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.lease, lease);
	CHECK_EQ(event.data, 42);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.bytes, SIZE);
	CHECK_EQ(event.failed, 0);
	CHECK_EQ(event.error, 0);
	for (i = 0; i < 3; i++)
		check_file(copy[i], 0, SIZE, 7, SIZE);
	check_file(copy[3], 0, SIZE / 2, 7, SIZE + SIZE / 2);
	check_file(copy[3], SIZE / 2, SIZE / 2, 7, SIZE);
	for (i = 0; i < 4; i++)
		close(copy[i]);
	close(source);
}

/* The program decides what to do when it has seen what came. */
static void held(void)
{
	int source = temp_file(SIZE, 8), copy = temp_file(0, 0);
	struct aiouring_lease_event event;
	__u64 lease = lease_with(AIOURING_LEASE_HOLD, 43);
	char *memory = (char *)aiouring_lease_memory(pool, lease);
	unsigned round;

	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 100, 0), 0);
	event = event_of(AIOURING_LEASE_FILLED);
	CHECK_EQ(event.lease, lease);
	CHECK_EQ(event.data, 43);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.bytes, SIZE);
	CHECK_PATTERN(memory, SIZE, 8, 0);
	/* More in turn than there are records: those of what is done are free again. */
	for (round = 0; round < 100; round++) {
		CHECK_EQ(use_write(lease, copy, round * 100, round * 100, 100, round + 1), 0);
		event = event_of(AIOURING_LEASE_USED);
		CHECK_EQ(event.data, round + 1);
		CHECK_EQ(event.res, 100);
	}
	CHECK_EQ(aiouring_lease_finish(pool, lease), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event.failed, 0);
	check_file(copy, 0, 10000, 8, 0);
	close(copy);
	close(source);
}

/* The primary's completion comes after that of the slowest secondary, and the buffer is not free before. */
static void waits_for_all(void)
{
	int source = temp_file(4096, 9), copy = temp_file(0, 0), ends[2];
	struct aiouring_lease_op op;
	struct aiouring_lease_event event;
	__u64 lease = lease_with(0, 1), other;
	char bytes[4096];
	unsigned others = 0;

	/* A pipe that is full takes no write. */
	CHECK_EQ(pipe(ends), 0);
	CHECK_GE(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	CHECK_EQ(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(fill_from(lease, source, 0, 4096), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	op = op_of(AIOURING_LEASE_WRITE, ends[1], (uint64_t)-1, 0);
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	no_event_for(50);
	check_file(copy, 0, 4096, 9, 0);
	/* All other buffers can be had, and not this one. */
	while (aiouring_lease_open(pool, &other, 0, 0) == 0) {
		CHECK(aiouring_lease_memory(pool, other) != aiouring_lease_memory(pool, lease));
		CHECK_EQ(aiouring_lease_cancel(pool, other), 0);
		others++;
	}
	CHECK_EQ(others, 3);
	while (others-- > 0) {
		event = event_of(AIOURING_LEASE_DONE);
		CHECK_EQ(event.res, -ECANCELED);
	}
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.lease, lease);
	CHECK_EQ(event.res, 4096);
	CHECK_EQ(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_PATTERN(bytes, sizeof(bytes), 9, 0);
	close(ends[0]);
	close(ends[1]);
	close(copy);
	close(source);
}

/* From one socket to two, without a copy where the kernel can, and to a file. */
static void streams(int family)
{
	int in[2], out[2], copy = temp_file(0, 0), i;
	struct aiouring_lease_op op;
	struct aiouring_lease_event event;
	__u64 lease;
	char *bytes = (char *)malloc(SIZE);

	if (family == AF_UNIX) {
		CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, out), 0);
	} else {
		int listener = socket(AF_INET, SOCK_STREAM, 0);
		struct sockaddr_storage address;
		socklen_t length = sizeof(address);

		memset(&address, 0, sizeof(address));
		address.ss_family = AF_INET;
		CHECK_EQ(bind(listener, (struct sockaddr *)&address, 16), 0);
		CHECK_EQ(listen(listener, 1), 0);
		CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &length), 0);
		out[0] = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_EQ(connect(out[0], (struct sockaddr *)&address, length), 0);
		out[1] = accept(listener, NULL, NULL);
		CHECK(out[1] >= 0);
		close(listener);
	}
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
	for (i = 0; i < 3; i++) {
		fill(bytes, 5000, 10, (uint64_t)i * 5000);
		CHECK_EQ(write(in[1], bytes, 5000), 5000);
		lease = lease_with(0, 2);
		op = op_of(AIOURING_LEASE_RECV, in[0], 0, 0);
		CHECK_EQ(aiouring_lease_fill(pool, lease, &op), 0);
		op = op_of(AIOURING_LEASE_SEND, out[0], 0, 0);
		op.flags = AIOURING_LEASE_OP_WHOLE | AIOURING_LEASE_OP_REPORT | (i == 2 ? AIOURING_LEASE_OP_COPY : 0);
		op.rw_flags = MSG_NOSIGNAL;
		op.data = 5;
		CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
		CHECK_EQ(plan_write(lease, copy, (uint64_t)i * 5000, 0, 0, 0), 0);
		CHECK_EQ(event_of(AIOURING_LEASE_USED).res, 5000);
		event = event_of(AIOURING_LEASE_DONE);
		CHECK_EQ(event.res, 5000);
		CHECK_EQ(event.failed, 0);
		CHECK_EQ(recv(out[1], bytes, SIZE, 0), 5000);
		CHECK_PATTERN(bytes, 5000, 10, (uint64_t)i * 5000);
	}
	check_file(copy, 0, 15000, 10, 0);
	for (i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
	close(copy);
	free(bytes);
}

/* More than the queues have room for, at a time: nothing is lost. */
static void crowd(void)
{
	enum { MANY = 200, PIECE = 4096 };
	int source = temp_file(MANY * PIECE, 11), copy[3];
	struct aiouring_lease_event event;
	struct aiouring_lease_params params;
	struct io_uring_sqe *sqe;
	__u64 seen = 0, lease;
	unsigned i, j, nops = 0, done = 0;

	memset(&params, 0, sizeof(params));
	params.buffers = MANY;
	params.buffer_size = PIECE;
	params.ops = MANY * 3;
	CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
	for (j = 0; j < 3; j++)
		copy[j] = temp_file(0, 0);
	for (i = 0; i < MANY; i++) {
		lease = lease_with(0, i);
		CHECK_EQ(fill_from(lease, source, i * PIECE, 0), 0);
		for (j = 0; j < 3; j++)
			CHECK_EQ(plan_write(lease, copy[j], i * PIECE, 0, 0, 0), 0);
		/* Requests of the program in between. */
		sqe = io_uring_get_sqe(&ring);
		if (sqe) {
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, 77);
			nops++;
		}
	}
	CHECK_EQ(aiouring_lease_open(pool, &lease, 0, 0), -EAGAIN);
	while (done < MANY || nops > 0) {
		CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), 0);
		if (event.type == AIOURING_LEASE_OTHER) {
			CHECK_EQ(event.data, 77);
			CHECK_EQ(event.res, 0);
			nops--;
			continue;
		}
		CHECK_EQ(event.type, AIOURING_LEASE_DONE);
		CHECK_EQ(event.res, PIECE);
		CHECK_EQ(event.failed, 0);
		seen += event.data + 1;
		done++;
	}
	CHECK_EQ(seen, MANY * (MANY + 1) / 2);
	for (j = 0; j < 3; j++) {
		check_file(copy[j], 0, MANY * PIECE, 11, 0);
		close(copy[j]);
	}
	close(source);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
}

/* A loop of the program's own. */
static void own_loop(void)
{
	int source = temp_file(SIZE, 12), copy = temp_file(0, 0);
	struct aiouring_lease_event event;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	__u64 lease = lease_with(0, 3);
	int nops = 0, done = 0;

	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 0), 0);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 3);
	CHECK_EQ(aiouring_lease_next(pool, &event), 0);
	while (!done || !nops) {
		CHECK_GE(aiouring_lease_submit(pool), 0);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		if (aiouring_lease_cqe(pool, cqe) == 0) {
			CHECK_EQ(cqe->user_data, 3);
			nops++;
		} else {
			/* Shown again, it changes nothing. */
			CHECK_EQ(aiouring_lease_cqe(pool, cqe), -EINVAL);
		}
		io_uring_cqe_seen(&ring, cqe);
		while (aiouring_lease_next(pool, &event) == 1) {
			CHECK_EQ(event.type, AIOURING_LEASE_DONE);
			CHECK_EQ(event.res, SIZE);
			done++;
		}
	}
	CHECK_EQ(done, 1);
	CHECK_EQ(nops, 1);
	check_file(copy, 0, SIZE, 12, 0);
	close(copy);
	close(source);
}

int main(void)
{
	static const unsigned rings[] = {0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SQPOLL,
					 IORING_SETUP_CQE32, IORING_SETUP_SQE128, IORING_SETUP_COOP_TASKRUN};
	static const unsigned pools[] = {0, AIOURING_LEASE_POOL_TAGS, AIOURING_LEASE_POOL_PLAIN};
	unsigned i, j;

	for (i = 0; i < COUNT_OF(rings); i++)
		for (j = 0; j < COUNT_OF(pools); j++) {
			int ret = io_uring_queue_init(8, &ring, rings[i]);

			if (ret == -EINVAL && rings[i])
				continue;
			if (ret < 0)
				SKIP("no ring: %s", strerror(-ret));
			pool_with(4, SIZE, pools[j]);
			mirror();
			held();
			if (i < 3)
				waits_for_all();
			streams(AF_UNIX);
			streams(AF_INET);
			own_loop();
			CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
			if (j == 0)
				crowd();
			io_uring_queue_exit(&ring);
		}
	return 0;
}
