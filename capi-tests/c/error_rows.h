/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about faults of disks and file systems: how they reach the program, and which part of a transfer is done. */
#ifndef ERROR_ROWS_H
#define ERROR_ROWS_H

#include <sys/syscall.h>

#include "aio_rows.h"
#include "faulty.h"

enum { BLOCK = 4096, BLOCKS = 16, LENGTH = BLOCKS * BLOCK, MB = 1 << 20 };

static struct faulty_file files[] = {{"ext4", 40 * MB, 1, NULL},   {"xfs", 64 * MB, 1, NULL},
				     {"btrfs", 128 * MB, 1, NULL}, {"small-blocks", 8 * MB, 1, NULL},
				     {"device", MB, 1, NULL},	   {"plain", MB, 0, NULL}};

/* Where the file systems are mounted. */
static const char *const systems[] = {"on-ext4", "on-xfs", "on-btrfs"};

static io_context_t ctx;
static char *buf;

/* Results in their order, for one line. */
static char line[600];

static void note(const char *outcome)
{
	size_t length = strlen(line);

	if (strncmp(outcome, "event ", 6) == 0)
		outcome += 6;
	snprintf(line + length, sizeof(line) - length, "%s%s", length ? ", " : "", outcome);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char what[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	SAY(what, "%s", line);
	line[0] = 0;
}

/* The name of a file system or error, for what is printed. */
static const char *system_name(size_t i)
{
	return systems[i] + strlen("on-");
}

static const char *error_name(int error)
{
	return name_of(-error) + 1;
}

/* A new file of BLOCKS blocks of pattern 1, on the disk; the sector at `bad` is a bad one if that is not negative. */
static int file_in(const char *directory, long bad)
{
	static int number;
	int fd = open(text("%s/%s-%d", directory, row_id, number++), O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0);
	fill(buf, LENGTH, 1, 0);
	if (bad >= 0)
		memcpy(buf + bad, BAD, 8);
	CHECK_EQ(pwrite(fd, buf, LENGTH, 0), LENGTH);
	CHECK(fsync(fd) == 0);
	return fd;
}

static const char *sync_of(int fd)
{
	struct iocb iocb;

	io_prep_fsync(&iocb, fd);
	return outcome_of(ctx, &iocb);
}

static const char *data_sync_of(int fd)
{
	struct iocb iocb;

	io_prep_fdsync(&iocb, fd);
	return outcome_of(ctx, &iocb);
}

/* Writes what is in the buffer. */
static const char *write_of(int fd, size_t length, long long offset)
{
	struct iocb iocb;

	io_prep_pwrite(&iocb, fd, buf, length, offset);
	return outcome_of(ctx, &iocb);
}

static const char *bad_write_of(int fd, size_t length, long long offset)
{
	fill(buf, length, 1, (uint64_t)offset);
	memcpy(buf, BAD, 8);
	return write_of(fd, length, offset);
}

/* A bad write that is to fail when the data is written back, which no one who could be told has seen yet. */
static const char *lost_write_of(int fd, size_t length, long long offset, int is_settled)
{
	int before = faults->bad_writes, tries;
	const char *outcome = bad_write_of(fd, length, offset);

	if (is_settled) {
		CHECK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0);
		for (tries = 0; faults->bad_writes == before; tries++) {
			CHECK(tries < 10000);
			sleep_ms(1);
		}
		sleep_ms(20);
	}
	return outcome;
}

static const char *read_with(int fd, size_t length, long long offset, int flags)
{
	struct iocb iocb;

	memset(buf, 0x77, length);
	io_prep_pread(&iocb, fd, buf, length, offset);
	iocb.aio_rw_flags = flags;
	return outcome_of(ctx, &iocb);
}

/* What a read brings. The data is compared with the pattern but for the bad sectors. */
static const char *read_of(int fd, size_t length, long long offset)
{
	const char *outcome = read_with(fd, length, offset, 0);
	long long got = 0, i, wrong = 0;

	if (sscanf(outcome, "event %lld", &got) != 1 || got < 0)
		return outcome;
	for (i = 0; i < got; i++)
		wrong += (unsigned char)buf[i] != pattern_at(1, (uint64_t)(offset + i)) && (offset + i) % SECTOR >= 8;
	/* Behind the end of the file the kernel may write zeroes, if it reads past the cache. */
	for (i = got; i < (long long)length && !(fcntl(fd, F_GETFL) & O_DIRECT); i++)
		wrong += buf[i] != 0x77;
	return wrong ? text("%s, wrong data", outcome) : outcome;
}

static long zeroes(size_t length)
{
	size_t i;
	long count = 0;

	for (i = 0; i < length; i++)
		count += buf[i] == 0;
	return count;
}

static void no_faults(void)
{
	faults->read_error = faults->write_error = faults->sync_error = 0;
	faults->left = -1;
}

/* What else a program does with the context and the buffer before it begins. */
static void (*before_a_row)(void);

static void begin(void)
{
	/* The disks end with the parent. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ctx = setup(32);
	buf = (char *)pages(MB);
	no_faults();
	if (before_a_row)
		before_a_row();
}

/*
 * btrfs notes an error twice, when the disk has answered and when it is done with the write, which may be after a sync
 * has told of it: a sync there is asked when both have happened.
 */
static int notes_twice(size_t i)
{
	return strcmp(system_name(i), "btrfs") == 0;
}

/* The program learns of a write that did not reach the disk from the next sync by each open file, once. */
MAYBE_UNUSED static void E01(void)
{
	static const int errors[] = {EIO, ENOSPC};
	size_t i, k;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		for (k = 0; k < COUNT_OF(errors); k++) {
			int one = file_in(systems[i], -1), two = reopen(one, O_RDWR), same = dup(one), late;
			const char *what = system_name(i), *error = error_name(errors[k]);

			faults->write_error = errors[k];
			note(lost_write_of(one, BLOCK, 3 * BLOCK, notes_twice(i)));
			note(sync_of(one));
			note(sync_of(one));
			note(data_sync_of(same));
			say("%s, %s, write, fsync, fsync again, fdsync of a duplicate", what, error);
			late = reopen(one, O_RDWR);
			note(data_sync_of(two));
			note(sync_of(two));
			note(sync_of(late));
			say("%s, %s, fdsync of another open file, again, of one opened later", what, error);
			no_faults();
			note(write_of(two, BLOCK, 0));
			note(sync_of(two));
			note(sync_of(one));
			say("%s, %s, a good write, fsync, fsync of the first", what, error);
			close(one), close(two), close(same), close(late);
		}
	}
}

/* One who opens the file before anybody has been told is told, too. */
MAYBE_UNUSED static void E02(void)
{
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		int fd = file_in(systems[i], -1), late;

		faults->write_error = EIO;
		note(lost_write_of(fd, BLOCK, 3 * BLOCK, 1));
		late = reopen(fd, O_RDWR);
		note(sync_of(late));
		note(sync_of(fd));
		note(sync_of(late));
		note(data_sync_of(fd));
		say("%s, write, written back, fsync of one opened then, of the first, both again", system_name(i));
		note(lost_write_of(fd, BLOCK, 3 * BLOCK, 1));
		note(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_AFTER) == 0 ? "0" : name_of(-errno));
		note(sync_of(fd));
		note(sync_of(late));
		say("%s, write, written back, sync_file_range that waits, fsync, of the other", system_name(i));
		no_faults();
		close(fd), close(late);
	}
}

/* Which open file a sync belongs to, and that it is told once however it asks. */
MAYBE_UNUSED static void E03(void)
{
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		int fd = file_in(systems[i], -1), other = file_in(systems[i], -1), same, errors, k;
		struct iocb iocb[4], *list[4] = {&iocb[0], &iocb[1], &iocb[2], &iocb[3]};
		struct io_event events[4];

		/* The number means another file when the sync runs. */
		faults->write_error = EIO;
		note(lost_write_of(fd, BLOCK, 3 * BLOCK, notes_twice(i)));
		same = dup(fd);
		io_prep_fsync(&iocb[0], fd);
		CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
		CHECK_EQ(dup2(other, fd), fd);
		reap(ctx, 1, events);
		note(name_of((long)events[0].res));
		note(sync_of(fd));
		note(sync_of(same));
		say("%s, write, fsync of a number that is reused, of what has it now, of a duplicate", system_name(i));
		note(lost_write_of(same, BLOCK, 3 * BLOCK, notes_twice(i)));
		for (k = 0; k < 4; k++)
			io_prep_fsync(&iocb[k], same);
		CHECK_EQ(io_submit(ctx, 4, list), 4);
		reap(ctx, 4, events);
		for (errors = k = 0; k < 4; k++)
			errors += (long)events[k].res == -EIO;
		note(text("%d", errors));
		say("%s, write, errors of four syncs in a batch", system_name(i));
		note(lost_write_of(same, BLOCK, 3 * BLOCK, notes_twice(i)));
		note(fdatasync(same) == 0 ? "0" : name_of(-errno));
		note(sync_of(same));
		note(lost_write_of(same, BLOCK, 3 * BLOCK, notes_twice(i)));
		note(sync_of(same));
		note(fdatasync(same) == 0 ? "0" : name_of(-errno));
		say("%s, write, plain fdatasync, fsync; write, fsync, plain fdatasync", system_name(i));
		fill(buf, BLOCK, 1, 0);
		memcpy(buf, BAD, 8);
		io_prep_pwrite(&iocb[0], same, buf, BLOCK, 5 * BLOCK);
		io_prep_fdsync(&iocb[1], same);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		reap(ctx, 2, events);
		note(name_of((long)events[0].res));
		note(name_of((long)events[1].res));
		say("%s, write and sync in a batch", system_name(i));
		no_faults();
		close(fd), close(other), close(same);
	}
}

/* Writes that wait for the disk, and transfers past the cache that first write back what is there. */
MAYBE_UNUSED static void E04(void)
{
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		int fd = file_in(systems[i], -1), synced = reopen(fd, O_RDWR | O_DSYNC);
		int direct = reopen(fd, O_RDWR | O_DIRECT);
		struct iocb iocb;

		faults->write_error = EIO;
		note(bad_write_of(synced, BLOCK, 3 * BLOCK));
		say("%s, O_DSYNC", system_name(i));
		if (!notes_twice(i)) {
			note(sync_of(synced));
			note(sync_of(fd));
			say("%s, fsync of what the O_DSYNC was for, of another open file", system_name(i));
		}
		io_prep_pwrite(&iocb, fd, buf, BLOCK, 4 * BLOCK);
		iocb.aio_rw_flags = RWF_DSYNC;
		note(outcome_of(ctx, &iocb));
		say("%s, RWF_DSYNC", system_name(i));
		if (!notes_twice(i)) {
			note(sync_of(fd));
			note(sync_of(synced));
			say("%s, fsync of what the RWF_DSYNC was for, of another open file", system_name(i));
		}
		note(bad_write_of(direct, BLOCK, 5 * BLOCK));
		note(bad_write_of(direct, 4 * BLOCK, 4 * BLOCK));
		note(bad_write_of(direct, 4 * BLOCK, LENGTH));
		say("%s, direct writes", system_name(i));
		sync_of(direct), sync_of(fd), sync_of(synced);
		note(bad_write_of(fd, BLOCK, 5 * BLOCK));
		note(read_of(direct, BLOCK, 5 * BLOCK));
		say("%s, write, direct read of the same", system_name(i));
		if (!notes_twice(i)) {
			note(sync_of(direct));
			note(sync_of(fd));
			say("%s, fsync of both after the direct read", system_name(i));
		}
		note(bad_write_of(fd, BLOCK, 6 * BLOCK));
		fill(buf, BLOCK, 1, 0);
		note(write_of(direct, BLOCK, 6 * BLOCK));
		say("%s, write, direct write to the same", system_name(i));
		if (!notes_twice(i)) {
			note(sync_of(direct));
			note(sync_of(fd));
			say("%s, fsync of both after the direct write", system_name(i));
		}
		no_faults();
		close(fd), close(synced), close(direct);
	}
}

/* A disk image that finds no room where it lies: known when the data is written back. */
MAYBE_UNUSED static void E05(void)
{
	static const char *const types[] = {"ext4", "xfs"}, *const options[] = {"size=16m", "size=28m"};
	static const char *const tight[] = {"tight-ext4", "tight-xfs"}, *const mounted[] = {"within-ext4", "within-xfs"};
	size_t i;

	begin();
	/* btrfs would write what it knows of the disk to other places, find no room for that either, and give up. */
	for (i = 0; i < COUNT_OF(types); i++) {
		int image, fd, other, filler, k;

		faulty_mount("tmpfs", tight[i], "tmpfs", options[i]);
		image = open(text("%s/image", tight[i]), O_RDWR | O_CREAT, 0600);
		CHECK(image >= 0 && ftruncate(image, 64 * MB) == 0);
		make_file_system(types[i], text("%s/image", tight[i]), mounted[i]);
		fd = open(text("%s/file", mounted[i]), O_RDWR | O_CREAT, 0600);
		CHECK(fd >= 0);
		fill(buf, MB, 1, 0);
		/* Some of the image is there since the file system was made. */
		for (k = 0; k < 4; k++)
			CHECK_EQ(write(fd, buf, MB), MB);
		CHECK(syncfs(fd) == 0);
		other = reopen(fd, O_RDWR);
		/* All the room that there is. */
		filler = open(text("%s/filler", tight[i]), O_RDWR | O_CREAT, 0600);
		while (write(filler, buf, MB) > 0)
			;
		note(write_of(fd, MB, 4 * MB));
		note(sync_of(fd));
		note(sync_of(fd));
		note(data_sync_of(other));
		note(data_sync_of(other));
		say("%s, write, fsync, again, fdsync of another open file, again", types[i]);
		CHECK(ftruncate(filler, 0) == 0);
		note(write_of(fd, MB, 4 * MB));
		note(sync_of(fd));
		note(sync_of(other));
		say("%s, when there is room, write, fsync, of the other", types[i]);
		close(image), close(fd), close(other), close(filler);
	}
}

/* A file system that becomes full in the middle of a write. */
MAYBE_UNUSED static void E06(void)
{
	struct iovec vector[3];
	int fd, direct, filler, i;
	struct iocb iocb;

	begin();
	faulty_mount("tmpfs", "full", "tmpfs", "size=1m");
	filler = open("full/filler", O_RDWR | O_CREAT, 0600);
	CHECK(filler >= 0 && posix_fallocate(filler, 0, MB - 5 * BLOCK) == 0);
	fd = open("full/file", O_RDWR | O_CREAT, 0600);
	for (i = 0; i < 3; i++) {
		vector[i].iov_base = buf;
		vector[i].iov_len = 5000;
	}
	io_prep_pwritev(&iocb, fd, vector, 3, BLOCK);
	note(outcome_of(ctx, &iocb));
	io_prep_pwritev(&iocb, fd, vector, 3, 10000);
	note(outcome_of(ctx, &iocb));
	note(write_of(fd, 2 * BLOCK, 0));
	note(write_of(fd, 4 * BLOCK, 3 * BLOCK + 100));
	note(write_of(fd, BLOCK, 20 * BLOCK));
	note(sync_of(fd));
	note(read_with(fd, LENGTH, 0, 0));
	say("tmpfs, writes over what there is room for, fsync, read");
	direct = reopen(fd, O_RDWR | O_DIRECT);
	note(write_of(direct, 2 * BLOCK, 4 * BLOCK));
	note(write_of(direct, BLOCK, 30 * BLOCK));
	say("tmpfs, direct");
	close(fd), close(direct), close(filler);
}

static const char *vector_read(int fd, long long offset)
{
	struct iovec vector[4];
	struct iocb iocb;
	int i;

	for (i = 0; i < 4; i++) {
		vector[i].iov_base = buf + i * 5000;
		vector[i].iov_len = 5000;
	}
	io_prep_preadv(&iocb, fd, vector, 4, offset);
	return outcome_of(ctx, &iocb);
}

/* Reads where a block cannot be read: what is before it is read, and the next read says why. */
MAYBE_UNUSED static void E10(void)
{
	static const int from[] = {0, 8, 9, 0, 7}, count[] = {8, 1, 7, 16, 2};
	size_t i, k;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		int fd = file_in(systems[i], 8 * BLOCK), same = 1;
		struct iocb iocb[5], *list[5];
		struct io_event events[5];

		drop_cache(fd, 0, 0);
		faults->read_error = EIO;
		note(read_of(fd, LENGTH, 0));
		note(read_of(fd, LENGTH - 8 * BLOCK, 8 * BLOCK));
		note(read_of(fd, 100, 8 * BLOCK + 1000));
		note(read_of(fd, LENGTH, 9 * BLOCK));
		note(read_of(fd, 8 * BLOCK, 0));
		say("%s, over it, at it, within it, behind it, up to it", system_name(i));
		note(read_of(fd, LENGTH - 5000, 5000));
		note(vector_read(fd, 5 * BLOCK));
		note(read_with(fd, LENGTH, 0, RWF_NOWAIT));
		note(read_with(fd, BLOCK, 8 * BLOCK, RWF_NOWAIT));
		say("%s, cached up to it, over it, a vector, RWF_NOWAIT, at it", system_name(i));
		drop_cache(fd, 0, 0);
		note(vector_read(fd, 5 * BLOCK));
		note(vector_read(fd, 8 * BLOCK - 5000));
		note(vector_read(fd, 8 * BLOCK));
		say("%s, a vector over it, of which one part is good, at it", system_name(i));
		drop_cache(fd, 0, 0);
		faults->read_error = 0;
		CHECK_EQ(pread(fd, buf, 2 * BLOCK, 0), 2 * BLOCK);
		drop_cache(fd, 2 * BLOCK, 0);
		faults->read_error = EIO;
		note(read_of(fd, LENGTH, 0));
		note(read_of(fd, LENGTH - 8 * BLOCK, 8 * BLOCK));
		say("%s, the beginning cached, over it, at it", system_name(i));
		drop_cache(fd, 0, 0);
		for (k = 0; k < 5; k++) {
			io_prep_pread(&iocb[k], fd, buf + k * LENGTH, (size_t)count[k] * BLOCK, from[k] * BLOCK);
			list[k] = &iocb[k];
		}
		CHECK_EQ(io_submit(ctx, 5, list), 5);
		reap(ctx, 5, events);
		for (k = 0; k < 5; k++) {
			size_t e;

			for (e = 0; e < 5 && events[e].obj != &iocb[k]; e++)
				;
			note(e < 5 ? name_of((long)events[e].res) : "no event");
		}
		say("%s, in a batch, up to it, at it, behind it, over it, from before it", system_name(i));
		/* A page that was read so often that it is expected in the cache. */
		faults->read_error = 0;
		for (k = 0; k < 10; k++)
			CHECK(strcmp(read_of(fd, 64, 8 * BLOCK + 64), "event 64") == 0);
		drop_cache(fd, 0, 0);
		faults->read_error = EIO;
		note(read_of(fd, 64, 8 * BLOCK + 64));
		note(read_of(fd, 64, 8 * BLOCK + 64));
		for (k = 0; k < 70; k++)
			same &= strcmp(read_of(fd, 64, 8 * BLOCK + 64), "event -EIO") == 0;
		note(same ? "all -EIO" : "not all -EIO");
		say("%s, cached until now, at it, again, 70 times more", system_name(i));
		no_faults();
		note(read_of(fd, LENGTH, 0));
		say("%s, when it can be read again", system_name(i));
		close(fd);
	}
}

/* The same past the cache, twice: by then a thread that was seen to wait may issue its reads itself. */
MAYBE_UNUSED static void E11(void)
{
	size_t i;
	int k, n, good;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		int file = file_in(systems[i], 8 * BLOCK), fd = reopen(file, O_RDWR | O_DIRECT);

		drop_cache(file, 0, 0);
		faults->read_error = EIO;
		for (k = 0; k < 2; k++) {
			note(read_of(fd, LENGTH, 0));
			note(read_of(fd, LENGTH - 8 * BLOCK, 8 * BLOCK));
			note(read_of(fd, BLOCK, 9 * BLOCK));
			note(read_of(fd, 8 * BLOCK, 0));
			note(read_of(fd, LENGTH, 12 * BLOCK));
			note(read_of(fd, LENGTH, 3 * BLOCK));
			say("%s, over it, at it, behind it, up to it, over the end, over both%s", system_name(i),
			    k ? ", later" : "");
			for (good = n = 0; n < 40 && k == 0; n++)
				good += strcmp(read_of(fd, BLOCK, 0), "event 4096") == 0;
			CHECK_EQ(good, n);
		}
		no_faults();
		close(fd), close(file);
	}
}

/* Several blocks in a page, of which one is bad. */
MAYBE_UNUSED static void E12(void)
{
	int file, fd;

	begin();
	/* The second of four. */
	file = file_in("on-small", 8 * BLOCK + 1024);
	drop_cache(file, 0, 0);
	faults->read_error = EIO;
	note(read_of(file, LENGTH, 0));
	note(read_of(file, 1024, 8 * BLOCK));
	note(read_of(file, 1024, 8 * BLOCK + 1024));
	note(read_of(file, 2048, 8 * BLOCK + 2048));
	note(read_of(file, 4096, 8 * BLOCK - 1024));
	say("over the page, its first block, the bad one, those behind it, from before the page");
	fd = reopen(file, O_RDWR | O_DIRECT);
	drop_cache(file, 0, 0);
	note(read_of(fd, LENGTH, 0));
	note(read_of(fd, 1024, 8 * BLOCK));
	note(read_of(fd, 1024, 8 * BLOCK + 1024));
	note(read_of(fd, 2048, 8 * BLOCK + 2048));
	say("direct, over the page, its first block, the bad one, those behind it");
	fill(buf, 512, 1, 0);
	note(write_of(file, 512, 8 * BLOCK + 3 * 1024));
	note(write_of(file, 1024, 8 * BLOCK + 2048));
	note(write_of(file, 100, 8 * BLOCK + 1024 + 512));
	note(sync_of(file));
	say("writes to a part of a block, to a whole one, to a part of the bad one, fsync");
	no_faults();
	close(fd), close(file);
}

/* The second of two reads in a batch, of one and the same place. */
static const char *second_read_of(int fd, size_t length, long long offset)
{
	struct iocb iocb[2], *list[2] = {&iocb[0], &iocb[1]};
	struct io_event events[2];
	int i;

	for (i = 0; i < 2; i++)
		io_prep_pread(&iocb[i], fd, buf + i * BLOCK, length, offset);
	CHECK_EQ(io_submit(ctx, 2, list), 2);
	reap(ctx, 2, events);
	return name_of((long)events[events[0].obj == &iocb[0]].res);
}

/* A block that can be read after so many attempts. */
MAYBE_UNUSED static void E13(void)
{
	static const char *const before[] = {"new", "cached until now", "twice in a batch, cached until now"};
	size_t i, k;
	int failures, n;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		for (k = 0; k < COUNT_OF(before); k++) {
			int fd = file_in(systems[i], 8 * BLOCK);

			for (failures = 1; failures <= 4; failures++) {
				for (n = 0; n < 5 && k > 0; n++)
					CHECK(strcmp(read_of(fd, 64, 8 * BLOCK + 64), "event 64") == 0);
				drop_cache(fd, 0, 0);
				faults->read_error = EIO;
				faults->left = failures;
				note(k < 2 ? read_of(fd, 64, 8 * BLOCK + 64) : second_read_of(fd, 64, 8 * BLOCK + 64));
				no_faults();
			}
			say("%s, %s, one attempt fails, two, three, four", system_name(i), before[k]);
			close(fd);
		}
	}
}

/* Holes, and ends within pages and sectors. */
MAYBE_UNUSED static void E20(void)
{
	size_t i;
	int direct;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		for (direct = 0; direct < 2; direct++) {
			int file = open(text("%s/sparse%d", systems[i], direct), O_RDWR | O_CREAT | O_EXCL, 0600), fd;
			const char *how = direct ? ", direct" : "", *what = system_name(i);

			CHECK(file >= 0);
			fd = direct ? reopen(file, O_RDWR | O_DIRECT) : file;
			fill(buf, LENGTH, 1, 0);
			CHECK_EQ(pwrite(file, buf, 10000, 0), 10000);
			fill(buf, 700, 1, 20 * BLOCK);
			CHECK_EQ(pwrite(file, buf, 700, 20 * BLOCK), 700);
			drop_cache(file, 0, 0);
			note(read_of(fd, 2 * BLOCK, 20 * BLOCK));
			drop_cache(file, 0, 0);
			note(read_of(fd, 512, 20 * BLOCK + 512));
			note(read_of(fd, 512, 20 * BLOCK + 1024));
			note(read_of(fd, BLOCK, 21 * BLOCK));
			note(read_of(fd, BLOCK, 1000 * BLOCK));
			say("%s%s, over the end, at the last sector, behind it, next page, far behind", what, how);
			note(read_with(fd, 4 * BLOCK, 8 * BLOCK, 0));
			note(text("%ld zeroes", zeroes(4 * BLOCK)));
			note(read_with(fd, 17 * BLOCK, 0, 0));
			drop_cache(file, 0, 0);
			note(read_with(fd, 17 * BLOCK, 8 * BLOCK, 0));
			note(text("%ld zeroes", zeroes(12 * BLOCK)));
			say("%s%s, a hole, data and a hole, hole and data and end", what, how);
			/* It gets shorter, and longer again: what was cut off is zeroes. */
			CHECK(ftruncate(file, 5000) == 0);
			note(read_of(fd, 4 * BLOCK, 0));
			CHECK(ftruncate(file, 3 * BLOCK) == 0);
			note(read_with(fd, 4 * BLOCK, 0, 0));
			note(text("%ld zeroes", zeroes(3 * BLOCK) >= 3 * BLOCK - 5000 ? 3l * BLOCK - 5000 : 0));
			say("%s%s, cut to 5000, extended again", what, how);
			if (direct)
				close(fd);
			close(file);
		}
	}
}

/* A thread that cuts a file while a read of it is under way, and what has to be known of it. */
struct cut {
	int fd;
	off_t size;
	pid_t tid;
};

static void await_held(void)
{
	int tries;

	for (tries = 0; !__atomic_load_n(&faults->held, __ATOMIC_SEQ_CST); tries++) {
		CHECK(tries < 10000);
		sleep_ms(1);
	}
}

static void *cut_it(void *argument)
{
	struct cut *cut = (struct cut *)argument;

	await_held();
	__atomic_store_n(&cut->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	CHECK(ftruncate(cut->fd, cut->size) == 0);
	return NULL;
}

/* Whether a thread is asleep in the kernel, not to be woken by signals. */
static int is_blocked(pid_t tid)
{
	char state = 0, path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	file = tid ? fopen(path, "r") : NULL;
	if (file != NULL) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(file);
	}
	return state == 'D';
}

/* Has the read answered when the file has its new size, or the cut waits for the read; whether it does. */
static int let_it_go(struct cut *cut, int patience)
{
	int blocked = 0, tries;

	await_held();
	for (tries = 0; blocked < patience; tries++) {
		struct stat status;

		CHECK(tries < 10000);
		CHECK(fstat(cut->fd, &status) == 0);
		if (status.st_size == cut->size)
			break;
		blocked = is_blocked(__atomic_load_n(&cut->tid, __ATOMIC_SEQ_CST)) ? blocked + 1 : 0;
		sleep_ms(1);
	}
	sleep_ms(2);
	faults->hold = 0;
	return blocked == patience;
}

struct read_to_be_cut {
	int fd;
	char outcome[100];
};

static void *read_it(void *argument)
{
	struct read_to_be_cut *read = (struct read_to_be_cut *)argument;

	snprintf(read->outcome, sizeof(read->outcome), "%s", read_of(read->fd, LENGTH, 0));
	return NULL;
}

/* What becomes of a read whose file is cut meanwhile; the descriptor for the next one. */
static int read_and_cut(const char *system, off_t size, int direct, struct read_to_be_cut *read)
{
	/* A direct read is waited for, and so is any on xfs. */
	int waits = direct || strcmp(system, "on-xfs") == 0, waited, tries = 0;
	struct cut cut;

	do {
		pthread_t reader, cutter;

		cut.fd = file_in(system, 12 * BLOCK);
		cut.size = size;
		cut.tid = 0;
		read->fd = direct ? reopen(cut.fd, O_RDWR | O_DIRECT) : cut.fd;
		drop_cache(cut.fd, 0, 0);
		faults->hold = 1;
		CHECK_EQ(pthread_create(&reader, NULL, read_it, read), 0);
		CHECK_EQ(pthread_create(&cutter, NULL, cut_it, &cut), 0);
		waited = let_it_go(&cut, waits ? 5 : 500);
		pthread_join(cutter, NULL);
		pthread_join(reader, NULL);
		if (direct)
			close(cut.fd);
		/* Elsewhere that is an accident: the reader happens to have the file's mapping locked. */
	} while (waited && !waits && tries++ < 5);
	return read->fd;
}

/* A file that is cut while a read of it is under way. */
MAYBE_UNUSED static void E21(void)
{
	static const off_t sizes[] = {0, 5000, 8 * BLOCK};
	int direct;
	size_t i, k;

	begin();
	for (i = 0; i < COUNT_OF(systems); i++) {
		for (direct = 0; direct < 2; direct++) {
			for (k = 0; k < COUNT_OF(sizes); k++) {
				const char *how = direct ? ", direct" : "";
				struct read_to_be_cut read;
				int fd = read_and_cut(systems[i], sizes[k], direct, &read);

				note(read.outcome);
				say("%s%s, cut to %ld", system_name(i), how, (long)sizes[k]);
				note(read_of(fd, LENGTH, 0));
				say("%s%s, cut to %ld, the next read", system_name(i), how, (long)sizes[k]);
				close(fd);
			}
		}
	}
}

/* A block device: a bad block, its end, and a backing file that has been cut. */
MAYBE_UNUSED static void E30(void)
{
	char name[32];
	int direct = loop_over("fuse/device", O_RDWR | O_DIRECT, name, sizeof(name)), fd = open(name, O_RDWR);
	int backing, cut = 64 * BLOCK;

	begin();
	CHECK(fd >= 0);
	fill(buf, MB, 1, 0);
	memcpy(buf + 8 * BLOCK, BAD, 8);
	CHECK_EQ(pwrite(fd, buf, MB, 0), MB);
	CHECK(fsync(fd) == 0);
	drop_cache(fd, 0, MB);
	faults->read_error = EIO;
	note(read_of(fd, LENGTH, 0));
	note(read_of(fd, LENGTH, 8 * BLOCK));
	note(read_of(fd, BLOCK, 9 * BLOCK));
	say("over it, at it, behind it");
	note(read_of(direct, LENGTH, 0));
	note(read_of(direct, 512, 8 * BLOCK));
	note(read_of(direct, 512, 8 * BLOCK + 512));
	say("direct, over it, at it, the sector behind it");
	no_faults();
	note(read_of(fd, LENGTH, MB - 5 * BLOCK));
	note(read_of(fd, LENGTH, MB));
	note(read_of(direct, LENGTH, MB - 5 * BLOCK));
	note(read_of(direct, LENGTH, MB));
	say("over the end, at the end, both direct");
	fill(buf, LENGTH, 1, 0);
	note(write_of(fd, LENGTH, MB - 5 * BLOCK));
	note(write_of(fd, LENGTH, MB));
	note(write_of(direct, LENGTH, MB - 5 * BLOCK));
	note(write_of(direct, LENGTH, MB));
	say("a write over the end, at the end, both direct");
	faults->write_error = ENOSPC;
	note(bad_write_of(fd, BLOCK, 20 * BLOCK));
	note(sync_of(fd));
	note(sync_of(fd));
	note(data_sync_of(direct));
	note(data_sync_of(direct));
	say("ENOSPC, a write, fsync, again, fdsync of another open file, again");
	faults->write_error = EIO;
	note(bad_write_of(direct, 2 * BLOCK, 20 * BLOCK));
	note(sync_of(direct));
	note(bad_write_of(fd, BLOCK, 20 * BLOCK));
	note(sync_of(fd));
	note(sync_of(fd));
	say("EIO, a direct write, fsync, a write, fsync, again");
	no_faults();
	close(fd), close(direct);

	backing = open("backing", O_RDWR | O_CREAT, 0600);
	CHECK(backing >= 0);
	fill(buf, MB, 1, 0);
	CHECK_EQ(pwrite(backing, buf, MB, 0), MB);
	direct = loop_over("backing", O_RDWR | O_DIRECT, name, sizeof(name));
	fd = open(name, O_RDWR);
	CHECK(fd >= 0);
	CHECK(ftruncate(backing, cut) == 0);
	note(read_of(fd, BLOCK, cut - BLOCK));
	note(read_of(fd, BLOCK, cut + 64 * BLOCK));
	note(read_of(direct, BLOCK, cut - BLOCK));
	note(read_of(direct, 2 * BLOCK, cut - BLOCK));
	note(read_of(direct, BLOCK, cut + 64 * BLOCK));
	say("backing file cut, before the cut, behind it, direct, over it, behind it");
	fill(buf, BLOCK, 1, 0);
	note(write_of(fd, BLOCK, cut + 32 * BLOCK));
	note(sync_of(fd));
	say("backing file cut, a write behind the cut, fsync");
	close(backing), close(fd), close(direct);
	unlink("backing");
}

/* The server of a file system may answer with any error. */
MAYBE_UNUSED static void E40(void)
{
	static const int errors[] = {EIO,    EPERM,  ENOENT, EINTR,  ENXIO, EBADF,	EAGAIN,	   ENOMEM, EFAULT,   EBUSY,
				     EINVAL, EFBIG,  ENOSPC, ESPIPE, EROFS, EOPNOTSUPP, ECANCELED, ETIME,  EOVERFLOW};
	int fd = open("fuse/plain", O_RDWR), direct = open("fuse/plain", O_RDWR | O_DIRECT);
	size_t i;

	begin();
	CHECK(fd >= 0 && direct >= 0);
	fill(buf, LENGTH, 1, 0);
	memcpy(buf + 8 * BLOCK, BAD, 8);
	CHECK_EQ(pwrite(fd, buf, LENGTH, 0), LENGTH);
	for (i = 0; i < COUNT_OF(errors); i++) {
		char what[32];

		snprintf(what, sizeof(what), "%s", error_name(errors[i]));
		drop_cache(fd, 0, 0);
		faults->read_error = errors[i];
		note(read_of(fd, LENGTH, 0));
		note(read_of(fd, BLOCK, 8 * BLOCK));
		note(read_of(fd, BLOCK, 8 * BLOCK));
		note(read_of(direct, LENGTH, 0));
		note(read_of(direct, BLOCK, 8 * BLOCK));
		say("%s, read over it, at it, again, direct read over it, at it", what);
		faults->read_error = 0;
		faults->write_error = errors[i];
		fill(buf, LENGTH, 1, 0);
		memcpy(buf + 8 * BLOCK, BAD, 8);
		note(write_of(fd, LENGTH, 0));
		note(bad_write_of(fd, BLOCK, 8 * BLOCK));
		note(bad_write_of(fd, BLOCK, 8 * BLOCK));
		note(bad_write_of(direct, BLOCK, 8 * BLOCK));
		say("%s, write over it, at it, again, direct write at it", what);
		faults->write_error = 0;
		faults->sync_error = errors[i];
		note(sync_of(fd));
		note(data_sync_of(direct));
		say("%s, fsync, fdsync", what);
		/* Once only. */
		faults->left = 1;
		note(sync_of(fd));
		note(sync_of(fd));
		say("%s, once, fsync, again", what);
		faults->sync_error = 0;
		faults->read_error = errors[i];
		faults->left = 1;
		note(read_of(direct, BLOCK, 8 * BLOCK));
		note(read_of(direct, BLOCK, 8 * BLOCK));
		say("%s, once, direct read, again", what);
		faults->read_error = 0;
		faults->write_error = errors[i];
		faults->left = 1;
		note(bad_write_of(direct, BLOCK, 8 * BLOCK));
		note(bad_write_of(direct, BLOCK, 8 * BLOCK));
		say("%s, once, direct write, again", what);
		faults->left = 1;
		note(bad_write_of(fd, BLOCK, 8 * BLOCK));
		note(bad_write_of(fd, BLOCK, 8 * BLOCK));
		say("%s, once, write, again", what);
		no_faults();
	}
	close(fd), close(direct);
}

/*
 * Transfers that FUSE makes several requests of, side by side where it need not wait. Errors that a ring tries again
 * are left out: it would do so for ever.
 */
MAYBE_UNUSED static void E41(void)
{
	static struct faulty_file large_files[] = {{"large", 0, 0, NULL}};
	enum { LARGE = 4 * FUSE_CHUNK, WHERE = 3 * FUSE_CHUNK - 2 * BLOCK };
	int fd, direct, k;

	begin();
	faulty_flags = FUSE_ASYNC_DIO;
	faulty_serve(large_files, 1, "large");
	fd = open("large/large", O_RDWR);
	direct = open("large/large", O_RDWR | O_DIRECT);
	CHECK(fd >= 0 && direct >= 0);
	for (k = 0; k < 2; k++) {
		int used = k ? direct : fd;
		const char *how = k ? ", direct" : "";

		fill(buf, LARGE, 1, 0);
		memcpy(buf + WHERE, BAD, 8);
		faults->write_error = EIO;
		note(write_of(used, LARGE, 0));
		note(write_of(used, LARGE - FUSE_CHUNK, FUSE_CHUNK));
		say("write that extends the file%s, that extends it from a later place", how);
		no_faults();
		note(write_of(used, LARGE, 0));
		drop_cache(fd, 0, 0);
		faults->write_error = EIO;
		note(write_of(used, LARGE, 0));
		say("good write%s, write within the file", how);
		no_faults();
		faults->read_error = EIO;
		note(read_of(used, LARGE, 0));
		note(read_of(used, LARGE, WHERE));
		note(read_of(used, LARGE, WHERE - BLOCK));
		say("read%s over it, at it, from before it", how);
		no_faults();
		note(read_of(used, LARGE + 5, 0));
		say("good read%s over the end", how);
		CHECK(ftruncate(fd, 0) == 0);
	}
	close(fd), close(direct);
}

/* A file system whose server gets what is written when it is written back. */
MAYBE_UNUSED static void E42(void)
{
	static struct faulty_file late_files[] = {{"late", MB, 0, NULL}};
	int fd, other, direct;

	begin();
	faulty_flags = FUSE_WRITEBACK_CACHE;
	faulty_serve(late_files, 1, "late");
	fd = open("late/late", O_RDWR);
	other = open("late/late", O_RDWR);
	direct = open("late/late", O_RDWR | O_DIRECT);
	CHECK(fd >= 0 && other >= 0 && direct >= 0);
	faults->write_error = ENOSPC;
	note(bad_write_of(fd, BLOCK, 8 * BLOCK));
	note(sync_of(fd));
	note(sync_of(fd));
	note(data_sync_of(other));
	note(data_sync_of(other));
	say("write, fsync, again, fdsync of another open file, again");
	note(bad_write_of(fd, BLOCK, 8 * BLOCK));
	note(read_of(direct, BLOCK, 8 * BLOCK));
	note(bad_write_of(fd, BLOCK, 8 * BLOCK));
	fill(buf, BLOCK, 1, 8 * BLOCK);
	note(write_of(direct, BLOCK, 8 * BLOCK));
	say("write, direct read of the same, write, direct write to the same");
	no_faults();
	/* What the server itself has to say of a sync comes after that. */
	sync_of(fd), sync_of(other);
	faults->write_error = ENOSPC;
	faults->sync_error = EROFS;
	note(bad_write_of(fd, BLOCK, 8 * BLOCK));
	note(sync_of(fd));
	note(sync_of(fd));
	say("write, fsync that fails in the server, too, again");
	no_faults();
	close(fd), close(other), close(direct);
}

static int too_large;

static void count_signal(int number)
{
	(void)number;
	too_large++;
}

static const char *limited(const char *outcome)
{
	struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	/* What is printed goes into a file. */
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	return outcome;
}

static void limit(rlim_t size)
{
	struct rlimit now = {size, RLIM_INFINITY};

	CHECK(setrlimit(RLIMIT_FSIZE, &now) == 0);
}

/* The limit for the size of files: up to it a write is short, at it there is an error and a signal. */
MAYBE_UNUSED static void E50(void)
{
	size_t i;
	int direct;

	begin();
	signal(SIGXFSZ, count_signal);
	for (i = 0; i < COUNT_OF(systems); i++) {
		for (direct = 0; direct < 2; direct++) {
			int file = file_in(systems[i], -1), empty = open(text("%s/e%d", systems[i], direct),
									  O_RDWR | O_CREAT | O_EXCL, 0600);
			int fd = direct ? reopen(file, O_RDWR | O_DIRECT) : file;
			int growing = reopen(empty, direct ? O_RDWR | O_DIRECT : O_RDWR);
			const char *how = direct ? ", direct" : "", *what = system_name(i);

			fill(buf, LENGTH, 1, 0);
			too_large = 0;
			limit(2 * BLOCK);
			note(write_of(growing, 4 * BLOCK, 0));
			note(write_of(growing, BLOCK, 2 * BLOCK));
			note(write_of(growing, BLOCK, 3 * BLOCK));
			note(read_of(growing, 4 * BLOCK, 0));
			limited("");
			note(text("%d signals", too_large));
			say("%s%s, write over the limit, at it, behind it, read", what, how);
			too_large = 0;
			limit(2 * BLOCK);
			note(write_of(fd, 4 * BLOCK, 0));
			note(write_of(fd, BLOCK, 2 * BLOCK));
			note(read_of(fd, LENGTH, 0));
			limited("");
			note(too_large ? "a signal" : "no signal");
			say("%s%s, in a longer file, write over the limit, at it, read", what, how);
			if (direct)
				close(fd);
			close(file), close(empty), close(growing);
		}
	}
}

/* Runs rows with what they need. */
static int run_error_rows(const struct row *rows, size_t count, int argc, char **argv)
{
	size_t i;
	int code;

	faulty_begin();
	faulty_serve(files, COUNT_OF(files), "fuse");
	for (i = 0; i < COUNT_OF(systems); i++)
		make_file_system(files[i].name, text("fuse/%s", files[i].name), systems[i]);
	make_file_system("ext4 of 1024", "fuse/small-blocks", "on-small");
	code = run_rows(rows, count, 1, argc, argv);
	faulty_cleanup();
	return code;
}

#endif
