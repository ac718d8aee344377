/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A batch with a bad request at any place: what is before it is submitted, it and the rest are not looked at. */
#include "aio_check.h"

enum { COUNT = 5 };

static io_context_t ctx;
static int fd, read_only;
static struct iocb iocb[COUNT], *list[COUNT];
static char buf[COUNT][64];

static void prepare(void)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		io_prep_pread(&iocb[i], fd, buf[i], 64, i * 64);
		iocb[i].data = &iocb[i];
		iocb[i].key = 0xdead;
		list[i] = &iocb[i];
		memset(buf[i], 0, 64);
	}
}

/* Request `bad` has been spoilt: submit, and check what happened to it and to the others. */
static void submit_with(int bad, int error, int key_written)
{
	struct io_event events[COUNT];
	int i;

	CHECK_EQ(io_submit(ctx, COUNT, list), bad ? bad : error);
	if (bad)
		reap(ctx, bad, events);
	CHECK_EQ(ready(ctx), 0);
	for (i = 0; i < bad; i++) {
		CHECK(events[i].obj == &iocb[i]);
		CHECK_EQ(events[i].res, 64);
		CHECK_PATTERN(buf[i], 64, 10, (uint64_t)i * 64);
		CHECK_EQ(iocb[i].key, 0);
	}
	CHECK_EQ(iocb[bad].key, key_written ? 0 : 0xdead);
	for (i = bad + 1; i < COUNT; i++)
		CHECK_EQ(iocb[i].key, 0xdead);
	for (i = bad; i < COUNT; i++)
		CHECK_EQ(buf[i][1], 0);
	/* Asked again from the bad one on, the error itself comes. */
	CHECK_EQ(io_submit(ctx, COUNT - bad, list + bad), error);
}

int main(void)
{
	struct iovec vec = {KERNEL_ADDRESS, 1};
	int bad;

	ctx = setup(COUNT);
	fd = temp_file(4096, 10);
	read_only = reopen(fd, O_RDONLY);
	CHECK_EQ(pread(fd, buf, 4096 < sizeof(buf) ? 4096 : sizeof(buf), 0), sizeof(buf));

	for (bad = 0; bad < COUNT; bad++) {
		prepare();
		iocb[bad].aio_fildes = 9999;
		submit_with(bad, -EBADF, 0);

		prepare();
		iocb[bad].aio_fildes = read_only;
		iocb[bad].aio_lio_opcode = IO_CMD_PWRITE;
		submit_with(bad, -EBADF, 1);

		prepare();
		iocb[bad].aio_lio_opcode = IO_CMD_NOOP;
		submit_with(bad, -EINVAL, 1);

		prepare();
		iocb[bad].u.c.offset = -1;
		submit_with(bad, -EINVAL, 1);

		prepare();
		iocb[bad].u.c.__pad3 = 1;
		submit_with(bad, -EINVAL, 0);

		prepare();
		iocb[bad].u.c.buf = KERNEL_ADDRESS;
		submit_with(bad, -EFAULT, 1);

		prepare();
		iocb[bad].aio_rw_flags = 0x80000000u;
		submit_with(bad, -EOPNOTSUPP, 1);

		prepare();
		iocb[bad].aio_lio_opcode = IO_CMD_PREADV;
		iocb[bad].u.v.vec = &vec;
		iocb[bad].u.v.nr = 1;
		submit_with(bad, -EFAULT, 1);

		prepare();
		list[bad] = NULL;
		submit_with(bad, -EFAULT, 0);

		prepare();
		list[bad] = (struct iocb *)(void *)KERNEL_ADDRESS;
		submit_with(bad, -EFAULT, 0);
	}

	/* The array itself ends at a page that is not mapped. */
	for (bad = 0; bad < COUNT; bad++) {
		struct iocb **edge = (struct iocb **)(void *)(pages_before_hole(4096) + 4096) - bad;

		prepare();
		memcpy(edge, list, (size_t)bad * sizeof(list[0]));
		CHECK_EQ(io_submit(ctx, COUNT, edge), bad ? bad : -EFAULT);
		if (bad) {
			struct io_event events[COUNT];

			reap(ctx, bad, events);
		}
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
