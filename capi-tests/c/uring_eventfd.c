// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The eventfd of a ring counts completions, can be switched off, and is let go. */
#include "uring_check.h"

#include <sys/eventfd.h>

static int event_fd;

static uint64_t count(void)
{
	uint64_t n = 0;

	if (read(event_fd, &n, 8) != 8)
		CHECK_EQ(errno, EAGAIN);
	return n;
}

static void three(struct io_uring *ring)
{
	nops(ring, 3, 0);
	CHECK_EQ(io_uring_submit(ring), 3);
	take(ring);
	take(ring);
	take(ring);
}

int main(void)
{
	struct io_uring ring;

	event_fd = eventfd(0, EFD_NONBLOCK);
	make(&ring, 8, 0);
	CHECK_EQ(io_uring_unregister_eventfd(&ring), -ENXIO);
	CHECK_EQ(io_uring_register_eventfd(&ring, event_fd), 0);
	CHECK_EQ(io_uring_register_eventfd(&ring, event_fd), -EBUSY);
	CHECK(io_uring_cq_eventfd_enabled(&ring));
	three(&ring);
	/* One signal may stand for several completions. */
	CHECK_GE(count(), 1);

	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, true), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, false), 0);
	CHECK(!io_uring_cq_eventfd_enabled(&ring));
	three(&ring);
	CHECK_EQ(count(), 0);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, true), 0);
	three(&ring);
	CHECK_GE(count(), 1);

	CHECK_EQ(io_uring_unregister_eventfd(&ring), 0);
	three(&ring);
	CHECK_EQ(count(), 0);

	/* What completes while it is submitted is not worth a signal. */
	CHECK_EQ(io_uring_register_eventfd_async(&ring, event_fd), 0);
	three(&ring);
	CHECK_EQ(count(), 0);
	CHECK_EQ(io_uring_unregister_eventfd(&ring), 0);
	CHECK_EQ(io_uring_register_eventfd(&ring, -1), -EBADF);
	io_uring_queue_exit(&ring);
	return 0;
}
