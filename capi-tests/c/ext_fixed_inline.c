/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inlines of transfers that name a registered buffer: all bytes of the request. */
#include <aiouring.h>

#include "check.h"

enum { COUNT = 4 };

int main(void)
{
	static const short opcodes[COUNT] = {0x6200, 0x6201, 0x6207, 0x6208};
	static char memory[16];
	static struct iovec vec[3];
	int i;

	for (i = 0; i < COUNT; i++) {
		struct {
			struct iocb iocb;
			unsigned char behind;
		} place;
		struct iocb expected;

		memset(&place, 0xa5, sizeof(place));
		memset(&expected, 0, sizeof(expected));
		expected.aio_lio_opcode = opcodes[i];
		expected.aio_fildes = 77;
		expected.aio_reqprio = 16383;
		expected.u.c.buf = i < 2 ? (void *)memory : (void *)vec;
		expected.u.c.nbytes = i < 2 ? (size_t)1 << 33 | 5 : 3;
		expected.u.c.offset = (long long)1 << 40 | 3;
		if (i == 0)
			aiouring_prep_pread_fixed(&place.iocb, 77, memory, (size_t)1 << 33 | 5, (long long)1 << 40 | 3, 16383);
		else if (i == 1)
			aiouring_prep_pwrite_fixed(&place.iocb, 77, memory, (size_t)1 << 33 | 5, (long long)1 << 40 | 3, 16383);
		else if (i == 2)
			aiouring_prep_preadv_fixed(&place.iocb, 77, vec, 3, (long long)1 << 40 | 3, 16383);
		else
			aiouring_prep_pwritev_fixed(&place.iocb, 77, vec, 3, (long long)1 << 40 | 3, 16383);
		CHECK(memcmp(&place.iocb, &expected, sizeof(expected)) == 0);
		CHECK_EQ(place.behind, 0xa5);
	}
	return 0;
}
