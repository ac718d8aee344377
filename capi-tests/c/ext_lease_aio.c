// variants: ours,ours-kernel,own,caller,sqpoll
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program that waits in an AIO context has leases, too: a poll of the ring's descriptor tells it when there is something to
 * take, beside the events of its other requests.
 */
#include <poll.h>

#include "lease.h"

enum { PIECE = 4096, PIECES = 64, DEPTH = 8 };

static int source, copies[3];

static void start(unsigned piece)
{
	__u64 lease = lease_with(0, piece);
	unsigned i;

	CHECK_EQ(fill_from(lease, source, piece * PIECE, 0), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(plan_write(lease, copies[i], piece * PIECE, 0, 0, 0), 0);
}

int main(void)
{
	io_context_t ctx = NULL;
	struct iocb poll, read_back, *list[] = {&poll, &read_back};
	struct io_event events[2];
	struct aiouring_lease_event event;
	struct __kernel_timespec none = {0, 0};
	unsigned next = 0, done = 0, reads = 0, rounds = 0, i;
	char bytes[PIECE];
	int ret, n;

	source = temp_file(PIECES * PIECE, 1);
	for (i = 0; i < 3; i++)
		copies[i] = temp_file(0, 0);
	ring_with(8, 0);
	pool_with(DEPTH, PIECE, 0);
	CHECK_EQ(io_setup(8, &ctx), 0);
	io_prep_poll(&poll, ring.ring_fd, POLLIN);
	io_prep_pread(&read_back, source, bytes, PIECE, 0);
	CHECK_EQ(io_submit(ctx, 2, list), 2);
	while (done < PIECES || reads == 0) {
		while (next < PIECES && next < done + DEPTH)
			start(next++);
		CHECK_GE(aiouring_lease_submit(pool), 0);
		n = io_getevents(ctx, 1, 2, events, NULL);
		CHECK_GE(n, 1);
		while (n-- > 0) {
			if (events[n].obj == &read_back) {
				CHECK_EQ(events[n].res, PIECE);
				CHECK_PATTERN(bytes, PIECE, 1, 0);
				reads++;
				continue;
			}
			CHECK(events[n].obj == &poll);
			CHECK(events[n].res & POLLIN);
			/* All that is there; what follows from it is submitted. */
			while ((ret = aiouring_lease_wait(pool, &event, &none)) == 0) {
				CHECK_EQ(event.type, AIOURING_LEASE_DONE);
				CHECK_EQ(event.res, PIECE);
				CHECK_EQ(event.failed, 0);
				done++;
			}
			CHECK_EQ(ret, -ETIME);
			CHECK_EQ(io_submit(ctx, 1, list), 1);
			rounds++;
		}
	}
	CHECK_GE(rounds, 1);
	CHECK_EQ(aiouring_lease_pool_destroy(pool), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	io_uring_queue_exit(&ring);
	for (i = 0; i < 3; i++)
		check_file(copies[i], 0, PIECES * PIECE, 1, 0);
	return 0;
}
