/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inline helpers write exactly the bytes the kernel's structure wants, and clear all others. */
#include "aio_check.h"

#include <poll.h>
#include <stddef.h>

/* The kernel's view of an iocb, from its documented layout. */
struct raw {
	uint64_t data;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint32_t rw_flags, key;
#else
	uint32_t key, rw_flags;
#endif
	uint16_t opcode;
	int16_t reqprio;
	uint32_t fd;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved;
	uint32_t flags, resfd;
};

static struct iocb iocb;
static struct raw expected;

static void expect(int opcode, int fd, uint64_t buf, uint64_t nbytes, int64_t offset, uint32_t rw_flags)
{
	memset(&expected, 0, sizeof(expected));
	expected.opcode = (uint16_t)opcode;
	expected.fd = (uint32_t)fd;
	expected.buf = buf;
	expected.nbytes = nbytes;
	expected.offset = offset;
	expected.rw_flags = rw_flags;
}

#define BYTES_ARE_EXPECTED() CHECK(memcmp(&iocb, &expected, sizeof(iocb)) == 0)
#define SCRIBBLE() memset(&iocb, 0xa5, sizeof(iocb))

static void callback(io_context_t ctx, struct iocb *cb, long res, long res2)
{
	(void)ctx, (void)cb, (void)res, (void)res2;
}

int main(void)
{
	struct iovec vec[2];
	char buf[8];
	struct iocb *poll_list = &iocb;
	io_callback_t stored = callback;
	uintptr_t stored_bits;

	CHECK_EQ(sizeof(struct iocb), 64);
	CHECK_EQ(sizeof(struct raw), 64);
	CHECK_EQ(sizeof(struct io_event), 32);
	CHECK_EQ(offsetof(struct io_event, data), 0);
	CHECK_EQ(offsetof(struct io_event, obj), 8);
	CHECK_EQ(offsetof(struct io_event, res), 16);
	CHECK_EQ(offsetof(struct io_event, res2), 24);
	CHECK_EQ(offsetof(struct iocb, u.v.offset), offsetof(struct iocb, u.c.offset));
	CHECK((((struct io_event){.res = (unsigned long)-1}).res) > 0);
	memcpy(&stored_bits, &stored, sizeof(stored_bits));

	SCRIBBLE();
	io_prep_pread(&iocb, 7, buf, 0x123456789u, 0x1122334455667788);
	expect(0, 7, (uintptr_t)buf, 0x123456789u, 0x1122334455667788, 0);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_pwrite(&iocb, -1, buf, 0, -1);
	expect(1, -1, (uintptr_t)buf, 0, -1, 0);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_preadv(&iocb, 3, vec, 2, 4096);
	expect(7, 3, (uintptr_t)vec, 2, 4096, 0);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_pwritev(&iocb, 3, vec, 2, 4096);
	expect(8, 3, (uintptr_t)vec, 2, 4096, 0);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_preadv2(&iocb, 3, vec, -1, 4096, 0x28);
	expect(7, 3, (uintptr_t)vec, (uint64_t)-1, 4096, 0x28);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_pwritev2(&iocb, 3, vec, 1, 4096, -1);
	expect(8, 3, (uintptr_t)vec, 1, 4096, 0xffffffff);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_fsync(&iocb, 5);
	expect(2, 5, 0, 0, 0, 0);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_fdsync(&iocb, 5);
	expect(3, 5, 0, 0, 0, 0);
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	io_prep_poll(&iocb, 5, POLLIN | POLLERR);
	expect(5, 5, POLLIN | POLLERR, 0, 0, 0);
	BYTES_ARE_EXPECTED();

	io_set_eventfd(&iocb, 9);
	expected.flags = 1;
	expected.resfd = 9;
	BYTES_ARE_EXPECTED();
	iocb.u.c.flags |= 2;
	expected.flags = 3;
	io_set_eventfd(&iocb, 10);
	expected.resfd = 10;
	BYTES_ARE_EXPECTED();
	io_set_callback(&iocb, callback);
	expected.data = stored_bits;
	BYTES_ARE_EXPECTED();

	/* The three that also submit: they return what io_submit does, here for want of a context. */
	SCRIBBLE();
	CHECK_EQ(io_poll(NULL, poll_list, callback, 5, POLLOUT), -EINVAL);
	expect(5, 5, POLLOUT, 0, 0, 0);
	expected.data = stored_bits;
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	CHECK_EQ(io_fsync(NULL, &iocb, callback, 6), -EINVAL);
	expect(2, 6, 0, 0, 0, 0);
	expected.data = stored_bits;
	BYTES_ARE_EXPECTED();
	SCRIBBLE();
	CHECK_EQ(io_fdsync(NULL, &iocb, callback, 6), -EINVAL);
	expect(3, 6, 0, 0, 0, 0);
	expected.data = stored_bits;
	BYTES_ARE_EXPECTED();

	CHECK_EQ(IO_CMD_PREAD, 0);
	CHECK_EQ(IO_CMD_PWRITE, 1);
	CHECK_EQ(IO_CMD_FSYNC, 2);
	CHECK_EQ(IO_CMD_FDSYNC, 3);
	CHECK_EQ(IO_CMD_POLL, 5);
	CHECK_EQ(IO_CMD_NOOP, 6);
	CHECK_EQ(IO_CMD_PREADV, 7);
	CHECK_EQ(IO_CMD_PWRITEV, 8);
	return 0;
}
