/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The descriptor is closed, or made to mean another file, right after io_submit: requests keep the file they had. */
#include "aio_check.h"

#include <poll.h>

enum { BLOCK = 65536, DEPTH = 8, ROUNDS = 40 };

static io_context_t ctx;
static struct iocb iocb[DEPTH], *list[DEPTH];
static struct io_event events[DEPTH];

/* Submits, takes the descriptor away, and checks that all results are `result`. */
static void submit_and_replace(int count, int fd, int other, long result)
{
	int i;

	CHECK_EQ(io_submit(ctx, count, list), count);
	if (other >= 0)
		CHECK_EQ(dup2(other, fd), fd);
	else
		close(fd);
	reap(ctx, count, events);
	for (i = 0; i < count; i++)
		CHECK_EQ(events[i].res, result);
	if (other >= 0)
		close(fd);
}

int main(void)
{
	char *memory = (char *)pages(DEPTH * BLOCK), *check = (char *)pages(DEPTH * BLOCK);
	int file = temp_file(DEPTH * BLOCK, 24), other = temp_file(DEPTH * BLOCK, 25), pipe_fd[2], full[2];
	int round, i;

	CHECK(pipe(pipe_fd) == 0);
	CHECK(pipe(full) == 0);
	ctx = setup(DEPTH);
	for (i = 0; i < DEPTH; i++)
		list[i] = &iocb[i];

	for (round = 0; round < ROUNDS; round++) {
		int replacement = round % 2 ? other : -1, fd;

		/* Reads, O_DIRECT and of uncached data. */
		fd = reopen(file, round % 4 < 2 ? O_RDONLY | O_DIRECT : O_RDONLY);
		drop_cache(file, 0, 0);
		memset(memory, 0, DEPTH * BLOCK);
		for (i = 0; i < DEPTH; i++)
			io_prep_pread(&iocb[i], fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		submit_and_replace(DEPTH, fd, replacement, BLOCK);
		for (i = 0; i < DEPTH; i++)
			CHECK_EQ(first_wrong(memory + i * BLOCK, 512, 24, (uint64_t)i * BLOCK), -1);

		/* Writes. */
		fd = reopen(file, round % 4 < 2 ? O_RDWR | O_DIRECT : O_RDWR);
		for (i = 0; i < DEPTH; i++)
			io_prep_pwrite(&iocb[i], fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		submit_and_replace(DEPTH, fd, replacement, BLOCK);

		/* fsync of a file whose number then means a pipe, for which fsync would be an error. */
		fd = reopen(file, O_RDWR);
		CHECK_EQ(pwrite(fd, memory, 4096, 0), 4096);
		for (i = 0; i < 4; i++)
			io_prep_fsync(&iocb[i], fd);
		io_prep_fdsync(&iocb[3], fd);
		submit_and_replace(4, fd, round % 2 ? pipe_fd[0] : -1, 0);

		/* A poll of a pipe that gets data, its number then another, empty pipe's. */
		fd = dup(full[0]);
		io_prep_poll(&iocb[0], fd, POLLIN);
		CHECK_EQ(io_submit(ctx, 1, list), 1);
		if (round % 2)
			CHECK_EQ(dup2(pipe_fd[0], fd), fd);
		else
			close(fd);
		CHECK_EQ(write(full[1], "x", 1), 1);
		reap(ctx, 1, events);
		CHECK_EQ(events[0].res & POLLIN, POLLIN);
		CHECK_EQ(read(full[0], check, 1), 1);
		if (round % 2)
			close(fd);
	}
	/* The files hold what they should. */
	CHECK_EQ(pread(file, check, DEPTH * BLOCK, 0), DEPTH * BLOCK);
	CHECK_PATTERN(check, DEPTH * BLOCK, 24, 0);
	CHECK_EQ(pread(other, check, DEPTH * BLOCK, 0), DEPTH * BLOCK);
	CHECK_PATTERN(check, DEPTH * BLOCK, 25, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
