/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files that the ring holds: that it does shows by a lock that stays when the descriptor is closed; that it is let go of
 * by the lock's end; and that a number which comes to name another file is followed, by what is read and written.
 */
#include <aiouring.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "aio_check.h"

enum { BLOCK = 4096, FILES = 6, BLOCKS = 8, NUMBERS = 10, DEPTH = 16 };

static int by_thread(void)
{
	const char *issuer = getenv("AIOURING_ISSUER");

	return !issuer || strcmp(issuer, "thread") == 0 || strcmp(issuer, "auto") == 0;
}

static int makes_own_descriptors(const char *name, int file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "%s.%d", name, file);
	return open(path, flags | O_CLOEXEC, 0600);
}

/* What stands in each block: the file's number and a count of its writes. */
struct content {
	uint64_t file, block, version;
};

struct worker {
	const char *name;
	io_context_t ctx;
	int number[NUMBERS];
	int names[NUMBERS];
	uint64_t version[FILES][BLOCKS];
	uint64_t seed;
	long rounds;
};

static unsigned below(struct worker *w, unsigned limit)
{
	w->seed = mix(w->seed + 1);
	return (unsigned)(w->seed % limit);
}

static void put(struct worker *w, char *at, int file, unsigned block, int write)
{
	struct content *content = (struct content *)(void *)at;

	memset(at, 0, BLOCK);
	if (write) {
		content->file = (uint64_t)file;
		content->block = block;
		content->version = ++w->version[file][block];
	}
}

/* Several requests at once, each for a number of its own and a block of its own. */
static void transfer(struct worker *w, char *memory)
{
	struct iocb iocbs[DEPTH], *list[DEPTH];
	struct io_event events[DEPTH];
	unsigned count = 1 + below(w, DEPTH), i, used = 0;
	struct { int file; unsigned block; int write; } wanted[DEPTH];
	char taken[FILES][BLOCKS] = {{0}};

	for (i = 0; i < count; i++) {
		unsigned n = below(w, NUMBERS), block = below(w, BLOCKS);
		int write = below(w, 3) == 0;

		if (w->number[n] < 0 || taken[w->names[n]][block])
			continue;
		taken[w->names[n]][block] = 1;
		wanted[used].file = w->names[n];
		wanted[used].block = block;
		wanted[used].write = write;
		put(w, memory + used * BLOCK, w->names[n], block, write);
		if (write)
			io_prep_pwrite(&iocbs[used], w->number[n], memory + used * BLOCK, BLOCK, (long long)block * BLOCK);
		else
			io_prep_pread(&iocbs[used], w->number[n], memory + used * BLOCK, BLOCK, (long long)block * BLOCK);
		list[used] = &iocbs[used];
		used++;
	}
	if (used == 0)
		return;
	CHECK_EQ(io_submit(w->ctx, used, list), (int)used);
	reap(w->ctx, used, events);
	for (i = 0; i < used; i++) {
		long which = events[i].obj - iocbs;
		struct content *content = (struct content *)(void *)(memory + which * BLOCK);

		CHECK_EQ((long)events[i].res, BLOCK);
		CHECK_EQ(content->file, (uint64_t)wanted[which].file);
		CHECK_EQ(content->block, wanted[which].block);
		CHECK_EQ(content->version, w->version[wanted[which].file][wanted[which].block]);
	}
}

static void *work(void *argument)
{
	struct worker *w = (struct worker *)argument;
	char *memory = (char *)pages(DEPTH * BLOCK);
	long round;
	int i;

	w->ctx = setup(DEPTH);
	for (i = 0; i < FILES; i++) {
		int fd = makes_own_descriptors(w->name, i, O_RDWR | O_CREAT), block;

		CHECK(fd >= 0);
		for (block = 0; block < BLOCKS; block++) {
			put(w, memory, i, (unsigned)block, 1);
			CHECK_EQ(pwrite(fd, memory, BLOCK, block * BLOCK), BLOCK);
		}
		CHECK_EQ(fsync(fd), 0);
		CHECK_EQ(close(fd), 0);
	}
	for (i = 0; i < NUMBERS; i++)
		w->number[i] = -1;
	for (round = 0; round < w->rounds; round++) {
		unsigned n = below(w, NUMBERS), m = below(w, NUMBERS);
		int *fd = &w->number[n], times;

		switch (below(w, 6)) {
		case 0:
			if (*fd >= 0)
				CHECK_EQ(close(*fd), 0);
			*fd = -1;
			break;
		case 1:
			/* Mostly the number that was closed last comes again. */
			if (*fd < 0) {
				w->names[n] = (int)below(w, FILES);
				*fd = makes_own_descriptors(w->name, w->names[n], O_RDWR | O_DIRECT);
				CHECK(*fd >= 0);
			}
			break;
		case 2:
			if (*fd >= 0 && w->number[m] >= 0 && n != m) {
				CHECK_EQ(dup3(w->number[m], *fd, O_CLOEXEC), *fd);
				w->names[n] = w->names[m];
			}
			break;
		case 3:
			if (*fd >= 0)
				CHECK_EQ(aiouring_register_file(w->ctx, *fd), 0);
			break;
		case 4:
			CHECK_EQ(aiouring_unregister_file(w->ctx, *fd), 0);
			break;
		default:
			/* Often enough for files to be held by themselves. */
			for (times = (int)below(w, 12); times > 0; times--)
				transfer(w, memory);
		}
		transfer(w, memory);
	}
	CHECK_EQ(io_destroy(w->ctx), 0);
	for (i = 0; i < NUMBERS; i++)
		if (w->number[i] >= 0)
			CHECK_EQ(close(w->number[i]), 0);
	return NULL;
}

/* Whether somebody has the file opened that was locked. */
static int is_locked(int other)
{
	if (flock(other, LOCK_EX | LOCK_NB) == 0) {
		CHECK_EQ(flock(other, LOCK_UN), 0);
		return 0;
	}
	CHECK_EQ(errno, EWOULDBLOCK);
	return 1;
}

static void await_unlocked(int other)
{
	long begun = now_ms();

	while (is_locked(other)) {
		CHECK_LE(now_ms() - begun, EVENT_SECONDS * 1000L);
		sleep_ms(5);
	}
}

static void many_reads(io_context_t ctx, int fd, char *memory, int count)
{
	struct iocb iocb;

	for (; count > 0; count--) {
		io_prep_pread(&iocb, fd, memory, BLOCK, 0);
		EVENT_IS(ctx, &iocb, BLOCK);
	}
}

static void locks(void)
{
	io_context_t ctx = setup(8);
	int fd = temp_file(4 * BLOCK, 3), other = reopen(fd, O_RDWR), direct = reopen(fd, O_RDWR | O_DIRECT), number;
	char *memory = (char *)pages(BLOCK);

	CHECK_EQ(aiouring_register_file(NULL, direct), -EINVAL);
	CHECK_EQ(aiouring_register_file(ctx, -1), -EBADF);
	CHECK_EQ(aiouring_register_file(ctx, 12345), -EBADF);
	CHECK_EQ(aiouring_unregister_file(NULL, direct), -EINVAL);
	CHECK_EQ(aiouring_unregister_file(ctx, direct), 0);

	/* Named: held until it is taken back, also by a number that is closed. */
	CHECK_EQ(flock(direct, LOCK_EX), 0);
	CHECK_EQ(aiouring_register_file(ctx, direct), 0);
	CHECK_EQ(aiouring_register_file(ctx, direct), 0);
	many_reads(ctx, direct, memory, 3);
	number = direct;
	CHECK_EQ(close(direct), 0);
	CHECK(is_locked(other));
	CHECK_EQ(aiouring_unregister_file(ctx, number), 0);
	await_unlocked(other);

	/* By the next transfer for the number, which is another file's. */
	direct = reopen(fd, O_RDWR | O_DIRECT);
	CHECK_EQ(direct, number);
	CHECK_EQ(flock(direct, LOCK_EX), 0);
	CHECK_EQ(aiouring_register_file(ctx, direct), 0);
	{
		int another = temp_file(4 * BLOCK, 4), alias = reopen(another, O_RDWR | O_DIRECT);

		CHECK_EQ(dup2(alias, direct), direct);
		many_reads(ctx, direct, memory, 1);
		CHECK_PATTERN(memory, BLOCK, 4, 0);
		if (!getenv("AIOURING_ISSUER") || strcmp(getenv("AIOURING_ISSUER"), "own") != 0)
			await_unlocked(other);
		CHECK_EQ(aiouring_unregister_file(ctx, direct), 0);
		await_unlocked(other);
		CHECK_EQ(close(another), 0);
		CHECK_EQ(close(alias), 0);
		CHECK_EQ(close(direct), 0);
	}

	/* By themselves: held after a number of transfers, and let go of with nothing said. */
	if (by_thread()) {
		int i, held = 0;

		direct = reopen(fd, O_RDWR | O_DIRECT);
		CHECK_EQ(flock(direct, LOCK_EX), 0);
		/* A file that was not used for a moment is let go of as well: a machine that is busy may be that slow. */
		for (i = 0; i < 50 && !held; i++) {
			int again = dup(direct);

			many_reads(ctx, direct, memory, 80);
			CHECK_EQ(close(direct), 0);
			/* One of the two numbers is open: the lock stays in any case. */
			CHECK(is_locked(other));
			CHECK_EQ(close(again), 0);
			held = is_locked(other);
			await_unlocked(other);
			direct = reopen(fd, O_RDWR | O_DIRECT);
			CHECK_EQ(flock(direct, LOCK_EX), 0);
		}
		if (getenv("AIOURING_ISSUER") && strcmp(getenv("AIOURING_ISSUER"), "thread") == 0)
			CHECK(held);
		CHECK_EQ(close(direct), 0);
		await_unlocked(other);
		/* A named one that is closed and never used again. */
		direct = reopen(fd, O_RDWR | O_DIRECT);
		CHECK_EQ(flock(direct, LOCK_EX), 0);
		CHECK_EQ(aiouring_register_file(ctx, direct), 0);
		CHECK_EQ(close(direct), 0);
		CHECK(is_locked(other));
		await_unlocked(other);
	}

	/* More than there is room for: some are refused, none is lost or kept. */
	{
		int many[200], i, refused = 0;

		for (i = 0; i < 200; i++) {
			many[i] = dup(other);
			CHECK(many[i] >= 0);
			refused += aiouring_register_file(ctx, many[i]) == -ENOSPC;
		}
		CHECK_GE(refused, 100);
		CHECK_LE(refused, 199);
		for (i = 0; i < 200; i++) {
			CHECK_EQ(aiouring_unregister_file(ctx, many[i]), 0);
			CHECK_EQ(close(many[i]), 0);
		}
		CHECK_EQ(aiouring_register_file(ctx, fd), 0);
		CHECK_EQ(aiouring_unregister_file(ctx, fd), 0);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(close(other), 0);
	CHECK_EQ(close(fd), 0);
}

int main(void)
{
	struct worker workers[2];
	pthread_t threads[2];
	io_context_t ctx;
	int i;

	CHECK_EQ(setenv("AIOURING_AUTO_FILES", "1", 1), 0);
	ctx = setup(1);
	if (aiouring_context_backend(ctx) != 1)
		SKIP("no ring");
	{
		int fd = temp_file(BLOCK, 1);
		struct stat stat;

		CHECK_EQ(fstat(fd, &stat), 0);
		/* Elsewhere nothing is held, and all else is as it should be. */
		if (major(stat.st_dev) != 0)
			locks();
		CHECK_EQ(close(fd), 0);
	}
	memset(workers, 0, sizeof(workers));
	for (i = 0; i < 2; i++) {
		workers[i].name = i ? "second" : "first";
		workers[i].seed = (uint64_t)i + 1;
		workers[i].rounds = 150 * test_scale();
		CHECK_EQ(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
