/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What io_submit accepts and the event reports: bad and half bad memory, large requests, fields without meaning. */
#include "aio_check.h"

#include <limits.h>

int main(void)
{
	io_context_t ctx = setup(8);
	int fd = temp_file(4096, 12), null_fd = open("/dev/null", O_RDWR), zero_fd = open("/dev/zero", O_RDWR);
	char buf[4096], *edge = pages_before_hole(4096), *bad = hole();
	struct iovec vec[2];
	struct iocb iocb;

	CHECK_EQ(pread(fd, buf, 4096, 0), 4096);

	/* Memory that is not there: in the event, and a short count if some of it is. */
	io_prep_pread(&iocb, fd, NULL, 10, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	io_prep_pread(&iocb, fd, bad, 10, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	io_prep_pwrite(&iocb, fd, bad, 10, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	io_prep_pread(&iocb, fd, edge + 4096 - 100, 200, 1000);
	EVENT_IS(ctx, &iocb, 100);
	CHECK_PATTERN(edge + 4096 - 100, 100, 12, 1000);
	io_prep_pwrite(&iocb, fd, edge + 4096 - 100, 200, 1000);
	EVENT_IS(ctx, &iocb, 100);
	vec[0].iov_base = buf;
	vec[0].iov_len = 10;
	vec[1].iov_base = bad;
	vec[1].iov_len = 10;
	io_prep_preadv(&iocb, fd, vec, 2, 0);
	EVENT_IS(ctx, &iocb, 10);
	io_prep_pwritev(&iocb, fd, vec, 2, 0);
	EVENT_IS(ctx, &iocb, 10);
	io_prep_preadv(&iocb, fd, vec + 1, 1, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	/* Read-only memory is no place to read into. */
	CHECK(mprotect(edge, 4096, PROT_READ) == 0);
	io_prep_pread(&iocb, fd, edge, 10, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	io_prep_pwrite(&iocb, fd, edge + 4096 - 100, 10, 1000);
	EVENT_IS(ctx, &iocb, 10);
	CHECK_EQ(pread(fd, buf, 4096, 0), 4096);
	CHECK_PATTERN(buf, 4096, 12, 0);

	/* The end of the file. */
	io_prep_pread(&iocb, fd, buf, 10, 4096);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_pread(&iocb, fd, buf, 10, 4091);
	EVENT_IS(ctx, &iocb, 5);
	io_prep_pread(&iocb, fd, buf, 10, 1000000);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_pread(&iocb, fd, buf, 0, 0);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_pwrite(&iocb, fd, buf, 10, LLONG_MAX - 4096);
	EVENT_IS(ctx, &iocb, -EFBIG);

	/* The largest request is cut at 0x7ffff000 bytes. */
	io_prep_pwrite(&iocb, null_fd, pages(4096), 3ul << 30, 0);
	EVENT_IS(ctx, &iocb, 0x7ffff000);

	/* Devices without a position. */
	io_prep_pread(&iocb, null_fd, buf, 10, 0);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_pread(&iocb, zero_fd, buf, 4096, 5000);
	EVENT_IS(ctx, &iocb, 4096);
	CHECK(buf[0] == 0 && memcmp(buf, buf + 1, 4095) == 0);

	/* Fields that mean nothing here: a priority without its flag, unknown flags, the old key. */
	io_prep_pread(&iocb, fd, buf, 10, 0);
	iocb.aio_reqprio = 77;
	EVENT_IS(ctx, &iocb, 10);
	iocb.u.c.flags = 4;
	EVENT_IS(ctx, &iocb, 10);
	iocb.u.c.flags = 0x80000000u;
	EVENT_IS(ctx, &iocb, 10);
	iocb.u.c.flags = 0;
	iocb.key = 0x1234;
	EVENT_IS(ctx, &iocb, 10);

	/* With its flag the priority counts: best effort 4, and a class that does not exist. */
	iocb.u.c.flags = 2;
	iocb.aio_reqprio = 2 << 13 | 4;
	EVENT_IS(ctx, &iocb, 10);
	iocb.aio_reqprio = (short)(7u << 13);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
