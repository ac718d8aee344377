// variants: ours,preload-ours,own,caller,sqpoll,strict
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Transfers that name a registered buffer are done as others are, if their memory lies in it, and refused if not. */
#include <aiouring.h>

#include "aio_check.h"

enum { BLOCK = 4096, ROOM = 8 * BLOCK, SEED = 5 };

static io_context_t ctx;

static int submit(struct iocb *iocb)
{
	struct iocb *list[] = {iocb};

	return io_submit(ctx, 1, list);
}

static void go_over(int fd, char *memory, char *outside)
{
	struct iovec vec[2] = {{memory + ROOM, BLOCK}, {memory + ROOM + 4 * BLOCK, 2 * BLOCK}};
	struct iocb iocb;

	/* Buffer 1 is the second half of the memory. */
	io_prep_pread(&iocb, fd, memory + ROOM, BLOCK, 0);
	iocb.aio_lio_opcode |= AIOURING_CMD_FIXED;
	CHECK_EQ(submit(&iocb), -EFAULT);
	fill(memory + ROOM, 2 * BLOCK, SEED, 0);
	aiouring_prep_pwrite_fixed(&iocb, fd, memory + ROOM, 2 * BLOCK, 0, 1);
	EVENT_IS(ctx, &iocb, 2 * BLOCK);
	memset(memory, 0, 2 * ROOM);
	aiouring_prep_pread_fixed(&iocb, fd, memory + 2 * ROOM - 2 * BLOCK, 2 * BLOCK, 0, 1);
	EVENT_IS(ctx, &iocb, 2 * BLOCK);
	CHECK_PATTERN(memory + 2 * ROOM - 2 * BLOCK, 2 * BLOCK, SEED, 0);
	aiouring_prep_pread_fixed(&iocb, fd, memory + ROOM - BLOCK, BLOCK, BLOCK, 0);
	EVENT_IS(ctx, &iocb, BLOCK);
	CHECK_PATTERN(memory + ROOM - BLOCK, BLOCK, SEED, BLOCK);

	fill(vec[0].iov_base, BLOCK, SEED, 3 * BLOCK);
	fill(vec[1].iov_base, 2 * BLOCK, SEED, 4 * BLOCK);
	aiouring_prep_pwritev_fixed(&iocb, fd, vec, 2, 3 * BLOCK, 1);
	EVENT_IS(ctx, &iocb, 3 * BLOCK);
	memset(memory, 0, 2 * ROOM);
	aiouring_prep_preadv_fixed(&iocb, fd, vec, 2, 3 * BLOCK, 1);
	EVENT_IS(ctx, &iocb, 3 * BLOCK);
	CHECK_PATTERN(vec[0].iov_base, BLOCK, SEED, 3 * BLOCK);
	CHECK_PATTERN(vec[1].iov_base, 2 * BLOCK, SEED, 4 * BLOCK);

	/* One byte beyond, the neighbour, no buffer of that number, an empty place, a piece that is elsewhere. */
	aiouring_prep_pread_fixed(&iocb, fd, memory + 2 * ROOM - BLOCK, BLOCK + 1, 0, 1);
	CHECK_EQ(submit(&iocb), -EFAULT);
	aiouring_prep_pread_fixed(&iocb, fd, memory + ROOM - BLOCK, 2 * BLOCK, 0, 0);
	CHECK_EQ(submit(&iocb), -EFAULT);
	aiouring_prep_pread_fixed(&iocb, fd, outside, BLOCK, 0, 0);
	CHECK_EQ(submit(&iocb), -EFAULT);
	aiouring_prep_pread_fixed(&iocb, fd, memory, BLOCK, 0, 2);
	CHECK_EQ(submit(&iocb), -EFAULT);
	aiouring_prep_pread_fixed(&iocb, fd, memory, BLOCK, 0, 3);
	CHECK_EQ(submit(&iocb), -EFAULT);
	aiouring_prep_pwrite_fixed(&iocb, fd, memory, BLOCK, 0, -1);
	CHECK_EQ(submit(&iocb), -EFAULT);
	vec[1].iov_base = outside;
	aiouring_prep_preadv_fixed(&iocb, fd, vec, 2, 0, 1);
	CHECK_EQ(submit(&iocb), -EFAULT);
	/* What is no transfer, or has a priority; a descriptor that is none. */
	io_prep_fsync(&iocb, fd);
	iocb.aio_lio_opcode |= AIOURING_CMD_FIXED;
	CHECK_EQ(submit(&iocb), -EINVAL);
	aiouring_prep_pread_fixed(&iocb, fd, memory, BLOCK, 0, 0);
	iocb.u.c.flags |= 2;
	CHECK_EQ(submit(&iocb), -EINVAL);
	aiouring_prep_pread_fixed(&iocb, -1, memory, BLOCK, 0, 0);
	CHECK_EQ(submit(&iocb), -EBADF);
	/* Nothing is left of what was refused. */
	io_prep_pread(&iocb, fd, outside, BLOCK, 3 * BLOCK);
	EVENT_IS(ctx, &iocb, BLOCK);
	CHECK_PATTERN(outside, BLOCK, SEED, 3 * BLOCK);
}

int main(void)
{
	char *memory = (char *)pages(2 * ROOM), *outside = (char *)pages(2 * BLOCK);
	struct iovec buffers[3] = {{memory, ROOM}, {memory + ROOM, ROOM}, {NULL, 0}};
	int buffered = temp_file(16 * BLOCK, 1), direct = reopen(buffered, O_RDWR | O_DIRECT), i;
	struct iocb iocb;

	ctx = setup(8);
	aiouring_prep_pread_fixed(&iocb, direct, memory, BLOCK, 0, 0);
	CHECK_EQ(submit(&iocb), -EFAULT);
	CHECK_EQ(aiouring_register_buffers(ctx, buffers, NULL, 3), 0);
	for (i = 0; i < 3; i++) {
		go_over(direct, memory, outside);
		go_over(buffered, memory, outside);
	}
	CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
	aiouring_prep_pread_fixed(&iocb, direct, memory, BLOCK, 0, 0);
	CHECK_EQ(submit(&iocb), -EFAULT);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
