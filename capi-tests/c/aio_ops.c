/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every operation, buffered and O_DIRECT, with the data verified through ordinary system calls. */
#include "aio_check.h"

#include <poll.h>

enum { BLOCK = 4096, PIECES = 4, SIZE = BLOCK * 16 };

static void reads_and_writes(io_context_t ctx, int fd, int plain)
{
	char *memory = (char *)pages(SIZE), *check = (char *)pages(SIZE);
	struct iovec vec[PIECES];
	struct iocb iocb;
	int i;

	/* Write 3 blocks at block 2, see them by pread. */
	fill(memory, 3 * BLOCK, 11, 2 * BLOCK);
	io_prep_pwrite(&iocb, fd, memory, 3 * BLOCK, 2 * BLOCK);
	iocb.data = &iocb;
	EVENT_IS(ctx, &iocb, 3 * BLOCK);
	CHECK_EQ(pread(plain, check, 3 * BLOCK, 2 * BLOCK), 3 * BLOCK);
	CHECK_PATTERN(check, 3 * BLOCK, 11, 2 * BLOCK);

	memset(memory, 0, SIZE);
	io_prep_pread(&iocb, fd, memory, 2 * BLOCK, 3 * BLOCK);
	EVENT_IS(ctx, &iocb, 2 * BLOCK);
	CHECK_PATTERN(memory, 2 * BLOCK, 11, 3 * BLOCK);
	CHECK_EQ(memory[2 * BLOCK], 0);

	/* Pieces of 1, 2, 1 and 3 blocks, scattered. */
	for (i = 0; i < PIECES; i++) {
		static const size_t lengths[PIECES] = {BLOCK, 2 * BLOCK, BLOCK, 3 * BLOCK};

		vec[i].iov_base = memory + (PIECES - 1 - i) * 4 * BLOCK;
		vec[i].iov_len = lengths[i];
	}
	fill(vec[0].iov_base, vec[0].iov_len, 12, 5 * BLOCK);
	fill(vec[1].iov_base, vec[1].iov_len, 12, 6 * BLOCK);
	fill(vec[2].iov_base, vec[2].iov_len, 12, 8 * BLOCK);
	fill(vec[3].iov_base, vec[3].iov_len, 12, 9 * BLOCK);
	io_prep_pwritev(&iocb, fd, vec, PIECES, 5 * BLOCK);
	EVENT_IS(ctx, &iocb, 7 * BLOCK);
	CHECK_EQ(pread(plain, check, 7 * BLOCK, 5 * BLOCK), 7 * BLOCK);
	CHECK_PATTERN(check, 7 * BLOCK, 12, 5 * BLOCK);

	memset(memory, 0, SIZE);
	io_prep_preadv(&iocb, fd, vec, PIECES, 5 * BLOCK);
	EVENT_IS(ctx, &iocb, 7 * BLOCK);
	CHECK_PATTERN(vec[0].iov_base, vec[0].iov_len, 12, 5 * BLOCK);
	CHECK_PATTERN(vec[1].iov_base, vec[1].iov_len, 12, 6 * BLOCK);
	CHECK_PATTERN(vec[2].iov_base, vec[2].iov_len, 12, 8 * BLOCK);
	CHECK_PATTERN(vec[3].iov_base, vec[3].iov_len, 12, 9 * BLOCK);

	/* The same with flags: RWF_DSYNC for the write, RWF_HIPRI, a hint without effect here, for the read. */
	fill(vec[0].iov_base, BLOCK, 13, 0);
	io_prep_pwritev2(&iocb, fd, vec, 1, 0, RWF_DSYNC);
	EVENT_IS(ctx, &iocb, BLOCK);
	memset(vec[0].iov_base, 0, BLOCK);
	io_prep_preadv2(&iocb, fd, vec, 1, 0, RWF_HIPRI);
	EVENT_IS(ctx, &iocb, BLOCK);
	CHECK_PATTERN(vec[0].iov_base, BLOCK, 13, 0);
	/* RWF_APPEND: to the end, whatever the offset says. */
	io_prep_pwritev2(&iocb, fd, vec, 1, 0, RWF_APPEND);
	EVENT_IS(ctx, &iocb, BLOCK);
	CHECK_EQ(lseek(plain, 0, SEEK_END), SIZE + BLOCK);
	CHECK_EQ(pread(plain, check, BLOCK, SIZE), BLOCK);
	CHECK_PATTERN(check, BLOCK, 13, 0);
	CHECK_EQ(ftruncate(plain, SIZE), 0);

	io_prep_fsync(&iocb, fd);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_fdsync(&iocb, fd);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_poll(&iocb, fd, POLLIN);
	EVENT_IS(ctx, &iocb, POLLIN);
	io_prep_pread(&iocb, fd, memory, BLOCK, 0);
	iocb.aio_lio_opcode = IO_CMD_NOOP;
	SUBMIT_IS(ctx, &iocb, -EINVAL);
}

int main(void)
{
	io_context_t ctx = setup(8);
	int fd = temp_file(SIZE, 1), direct;
	char *memory = (char *)pages(BLOCK);
	struct iocb iocb;

	reads_and_writes(ctx, fd, fd);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	reads_and_writes(ctx, direct, fd);

	/* The position of the descriptor is neither used nor moved. */
	CHECK_EQ(lseek(fd, 7, SEEK_SET), 7);
	io_prep_pread(&iocb, fd, memory, 100, 50);
	EVENT_IS(ctx, &iocb, 100);
	io_prep_pwrite(&iocb, fd, memory, 100, 50);
	EVENT_IS(ctx, &iocb, 100);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
