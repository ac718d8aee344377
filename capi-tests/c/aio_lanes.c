/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What goes to the disk and what is done in io_submit keep the order of the kernel: a write behind the reads of its
 * file, through whatever descriptor, and direct writes that extend before everything that follows.
 */
#include "aio_check.h"

enum { BLOCK = 4096, ROUNDS = 60 };

static io_context_t ctx;
static struct iocb iocbs[2], *list[2] = {&iocbs[0], &iocbs[1]};
static struct io_event events[2];

static void submit_both(int in_one_call)
{
	if (in_one_call) {
		CHECK_EQ(io_submit(ctx, 2, list), 2);
	} else {
		CHECK_EQ(io_submit(ctx, 1, list), 1);
		CHECK_EQ(io_submit(ctx, 1, list + 1), 1);
	}
	reap(ctx, 2, events);
}

/* The result of one of the two requests. */
static long result_of(int which)
{
	return (long)(events[0].obj == &iocbs[which] ? events[0].res : events[1].res);
}

/* A read of data that are not cached does not see a later write, through another descriptor neither. */
static void writes_behind_reads(void)
{
	int fd = temp_file(BLOCK * 16, 31), other = reopen(fd, O_RDWR), round;
	char back[BLOCK], fresh[BLOCK];

	for (round = 0; round < ROUNDS; round++) {
		uint64_t seed = 31 + (uint64_t)round;

		drop_cache(fd, 0, 0);
		fill(fresh, BLOCK, seed + 1, 5 * BLOCK);
		io_prep_pread(&iocbs[0], fd, back, BLOCK, 5 * BLOCK);
		io_prep_pwrite(&iocbs[1], round % 2 ? other : fd, fresh, BLOCK, 5 * BLOCK);
		submit_both(round % 4 < 2);
		CHECK_EQ(result_of(0), BLOCK);
		CHECK_EQ(result_of(1), BLOCK);
		CHECK_PATTERN(back, BLOCK, seed, 5 * BLOCK);
	}
	close(fd);
	close(other);
}

/* Nor does one that reaches the end of the file see what is appended. */
static void appends_behind_reads(void)
{
	int fd = temp_file(100, 32), append = reopen(fd, O_WRONLY | O_APPEND), round;
	char back[BLOCK], text[50];

	for (round = 0; round < ROUNDS; round++) {
		CHECK(ftruncate(fd, 100) == 0);
		drop_cache(fd, 0, 0);
		io_prep_pread(&iocbs[0], fd, back, BLOCK, 0);
		io_prep_pwrite(&iocbs[1], round % 2 ? append : fd, text, 50, 0);
		if (round % 2 == 0)
			iocbs[1].aio_rw_flags = 0x10; /* RWF_APPEND */
		submit_both(round % 4 < 2);
		CHECK_EQ(result_of(0), 100);
		CHECK_EQ(result_of(1), 50);
		CHECK_EQ(lseek(fd, 0, SEEK_END), 150);
	}
	close(fd);
	close(append);
}

/* A direct write that extends is done when the next request begins: a sync, a read of the same place, another. */
static void direct_writes(void)
{
	int fd = temp_file(0, 0), direct = reopen(fd, O_RDWR | O_DIRECT), round;
	char *data = (char *)pages(2 * BLOCK), *back = (char *)pages(2 * BLOCK);

	for (round = 0; round < ROUNDS; round++) {
		long long at = (long long)round * BLOCK;

		fill(data, BLOCK, 33, (uint64_t)at);
		io_prep_pwrite(&iocbs[0], direct, data, BLOCK, at);
		switch (round % 3) {
		case 0: io_prep_fsync(&iocbs[1], direct); break;
		case 1: io_prep_pread(&iocbs[1], direct, back, BLOCK, at); break;
		default: io_prep_pread(&iocbs[1], fd, back, BLOCK, at); break;
		}
		memset(back, 0, BLOCK);
		submit_both(1);
		CHECK_EQ(result_of(0), BLOCK);
		CHECK_EQ(result_of(1), round % 3 ? BLOCK : 0);
		CHECK(events[0].obj == &iocbs[0]);
		if (round % 3)
			CHECK_PATTERN(back, BLOCK, 33, (uint64_t)at);
	}
	/* In parts of the file that have no blocks yet: nothing is lost or mixed up. */
	for (round = 0; round < ROUNDS; round++) {
		long long at = (long long)(ROUNDS + 2 * round) * BLOCK;

		CHECK(ftruncate(fd, (off_t)(ROUNDS * 4 * BLOCK)) == 0);
		fill(data, 2 * BLOCK, 34, (uint64_t)at);
		io_prep_pwrite(&iocbs[0], direct, data, BLOCK, at);
		io_prep_pwrite(&iocbs[1], direct, data + BLOCK, BLOCK, at + BLOCK);
		submit_both(1);
		CHECK_EQ(pread(fd, back, 2 * BLOCK, (off_t)at), 2 * BLOCK);
		CHECK_PATTERN(back, 2 * BLOCK, 34, (uint64_t)at);
	}
	close(fd);
	close(direct);
}

enum { EXIT, EXEC, KILL };

/* A process that ends, or becomes another, right after io_submit of writes that extend a file: they are in it. */
static void the_end_of_a_process(int how)
{
	int fd = temp_file(0, 0), direct = reopen(fd, O_RDWR | O_DIRECT), i;
	char *data = (char *)pages(16 * BLOCK), *back = (char *)pages(16 * BLOCK);
	char *const nothing[] = {(char *)"true", NULL};
	pid_t child;

	fill(data, 16 * BLOCK, 35, 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct iocb writes[16], *all[16];

		ctx = setup(16);
		for (i = 0; i < 16; i++) {
			io_prep_pwrite(&writes[i], i % 4 ? direct : fd, data + i * BLOCK, BLOCK, i * BLOCK);
			all[i] = &writes[i];
		}
		CHECK_EQ(io_submit(ctx, 16, all), 16);
		if (how == EXEC)
			execv("/bin/true", nothing);
		else if (how == KILL)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(pread(fd, back, 16 * BLOCK, 0), 16 * BLOCK);
	CHECK_PATTERN(back, 16 * BLOCK, 35, 0);
	close(fd);
	close(direct);
}

int main(void)
{
	int round;

	ctx = setup(8);
	writes_behind_reads();
	appends_behind_reads();
	direct_writes();
	for (round = 0; round < 5; round++) {
		the_end_of_a_process(EXIT);
		the_end_of_a_process(EXEC);
		the_end_of_a_process(KILL);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
