/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inlines of reads that take a buffer of a ring: all bytes of the request, and what an event says of buffers. */
#include <aiouring.h>

#include "check.h"

int main(void)
{
	struct {
		struct iocb iocb;
		unsigned char behind;
	} place;
	struct iocb expected;
	struct io_event event;

	memset(&place, 0xa5, sizeof(place));
	memset(&expected, 0, sizeof(expected));
	expected.aio_lio_opcode = 0x6100;
	expected.aio_fildes = 77;
	expected.u.c.nbytes = (size_t)1 << 33 | 5;
	expected.u.c.offset = (long long)1 << 40 | 3;
	aiouring_prep_pread_select(&place.iocb, 77, (size_t)1 << 33 | 5, (long long)1 << 40 | 3);
	CHECK(memcmp(&place.iocb, &expected, sizeof(expected)) == 0);
	CHECK_EQ(place.behind, 0xa5);

	memset(&event, 0xff, sizeof(event));
	CHECK_EQ(AIOURING_EVENT_BUFFER, 1);
	CHECK_EQ(AIOURING_EVENT_NONEMPTY, 4);
	CHECK_EQ(AIOURING_EVENT_MORE, 16);
	event.res2 = 0xffff0001;
	CHECK_EQ(aiouring_event_buffer(&event), 0xffff);
	event.res2 = 0x10015;
	CHECK_EQ(aiouring_event_buffer(&event), 1);
	event.res2 = 1;
	CHECK_EQ(aiouring_event_buffer(&event), 0);
	event.res2 = 0x10014;
	CHECK_EQ(aiouring_event_buffer(&event), -1);
	event.res2 = 0;
	CHECK_EQ(aiouring_event_buffer(&event), -1);
	return 0;
}
