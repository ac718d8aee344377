/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tail belongs to the kernel's side of the ring; what a program writes there is read back, and then overwritten. */
#include "aio_check.h"

int main(void)
{
	io_context_t ctx = setup(1);
	struct ring_header *ring = ring_of(ctx);
	struct io_event event;
	struct iocb iocb;
	int fd = temp_file(100, 43);
	char buf[10];

	CHECK_EQ(pread(fd, buf, 10, 0), 10);
	ring->events[0].data = (void *)99;
	__atomic_store_n(&ring->tail, 1, __ATOMIC_RELEASE);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, NULL), 1);
	CHECK(event.data == (void *)99);
	io_prep_pread(&iocb, fd, buf, 10, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(ring_load(&ring->tail), 1);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
