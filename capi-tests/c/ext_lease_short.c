/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Transfers that move less than they should: told as they are, or carried on with AIOURING_LEASE_OP_WHOLE. The end of a
 * file, a file that is full, a stream that brings its data in pieces.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "lease.h"

enum { SIZE = 65536, LIMIT = 20000 };

static int stream[2];

static void *dribble(void *arg)
{
	char bytes[1000];
	int i;

	(void)arg;
	for (i = 0; i < 10; i++) {
		fill(bytes, sizeof(bytes), 3, (uint64_t)i * 1000);
		CHECK_EQ(write(stream[1], bytes, sizeof(bytes)), sizeof(bytes));
		sleep_ms(2);
	}
	return NULL;
}

int main(void)
{
	int source = temp_file(100000, 1), copy = temp_file(0, 0), ends[2];
	struct aiouring_lease_event event;
	struct aiouring_lease_op op;
	struct rlimit limit = {LIMIT, RLIM_INFINITY}, no_limit;
	char *bytes = (char *)malloc(SIZE);
	pthread_t thread;
	ssize_t got, n;
	__u64 lease;

	ring_with(8, 0);
	pool_with(2, SIZE, 0);

	/* The end of the file: so much, and then nothing. */
	lease = lease_with(0, 1);
	CHECK_EQ(fill_from(lease, source, SIZE, 0), 0);
	CHECK_EQ(plan_write(lease, copy, SIZE, 0, 0, 0), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 100000 - SIZE);
	CHECK_EQ(event.failed, 0);
	CHECK_EQ(file_size(copy), 100000);
	lease = lease_with(0, 1);
	CHECK_EQ(fill_from(lease, source, 100000, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 100000, 0, 0, 9), 0);
	CHECK_EQ(plan_write(lease, copy, 100000, 0, 1, 0), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(event.bytes, 0);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -EFAULT);
	CHECK_EQ(file_size(copy), 100000);
	CHECK(ftruncate(copy, 0) == 0);

	/* No room for all of it: a part, and with WHOLE the reason, too. */
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &no_limit), 0);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	lease = lease_with(0, 2);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	CHECK_EQ(plan_write(lease, copy, 0, 0, 0, 5), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, LIMIT);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, 0);
	lease = lease_with(0, 2);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	op = op_of(AIOURING_LEASE_WRITE, copy, 0, 0);
	op.flags = AIOURING_LEASE_OP_WHOLE | AIOURING_LEASE_OP_REPORT;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	event = event_of(AIOURING_LEASE_USED);
	CHECK_EQ(event.res, -EFBIG);
	CHECK_EQ(event.bytes, LIMIT);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.failed, 1);
	CHECK_EQ(event.error, -EFBIG);
	check_file(copy, 0, LIMIT, 1, 0);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &no_limit), 0);

	/* A pipe that takes a part: the rest follows when it is read. */
	CHECK_EQ(pipe(ends), 0);
	CHECK_GE(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	lease = lease_with(0, 3);
	CHECK_EQ(fill_from(lease, source, 0, 0), 0);
	op = op_of(AIOURING_LEASE_WRITE, ends[1], (uint64_t)-1, 0);
	op.flags = AIOURING_LEASE_OP_WHOLE | AIOURING_LEASE_OP_REPORT;
	CHECK_EQ(aiouring_lease_plan(pool, lease, &op), 0);
	for (got = 0; got < SIZE; got += n) {
		struct __kernel_timespec soon = {0, 5000000};

		/* It is done when the last of it is in the pipe. */
		if (SIZE - got > 4096)
			CHECK_EQ(aiouring_lease_wait(pool, &event, &soon), -ETIME);
		else
			event = event_of(AIOURING_LEASE_USED);
		n = read(ends[0], bytes + got, (size_t)(SIZE - got));
		CHECK_GE(n, 1);
	}
	CHECK_PATTERN(bytes, SIZE, 1, 0);
	CHECK_EQ(event.res, SIZE);
	CHECK_EQ(event_of(AIOURING_LEASE_DONE).failed, 0);

	/* A stream in pieces, as one buffer. */
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
	lease = lease_with(AIOURING_LEASE_HOLD, 4);
	op = op_of(AIOURING_LEASE_RECV, stream[0], 0, 10000);
	op.flags = AIOURING_LEASE_OP_WHOLE;
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), 0);
	CHECK_EQ(pthread_create(&thread, NULL, dribble, NULL), 0);
	event = event_of(AIOURING_LEASE_FILLED);
	CHECK_EQ(event.res, 10000);
	CHECK_PATTERN(aiouring_lease_memory(pool, lease), 10000, 3, 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(aiouring_lease_finish(pool, lease), 0);
	event_of(AIOURING_LEASE_DONE);
	/* It ends before the buffer is full: what came counts. */
	lease = lease_with(0, 5);
	op.len = 0;
	CHECK_EQ(aiouring_lease_fill(pool, lease, &op), 0);
	CHECK_EQ(write(stream[1], bytes, 300), 300);
	CHECK_EQ(shutdown(stream[1], SHUT_WR), 0);
	event = event_of(AIOURING_LEASE_DONE);
	CHECK_EQ(event.res, 300);
	CHECK_EQ(event.bytes, 300);

	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
