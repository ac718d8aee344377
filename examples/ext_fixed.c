/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Registered buffers of an AIO context. Without arguments: copies a file by direct reads and writes with a pool of
 * registered memory, and compares. `--measure [FILE]`: what a look for a buffer takes, and what registered buffers and
 * held files save, side by side in turns; FILE is made with 64 MiB if it is not there.
 */
#include <aiouring.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, PIECES = 16, SIZE = PIECES * BLOCK, MEASURED = 64 << 20, DEPTH = 32, TURNS = 11 };

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	exit(1);
}

static void check(const char *what, long result)
{
	if (result < 0)
		fail(what, (int)-result);
}

static char *allocate(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap", errno);
	return (char *)memory;
}

static int open_direct(const char *name, int flags)
{
	int fd = open(name, flags | O_DIRECT, 0600);

	if (fd < 0 && errno == EINVAL) {
		fprintf(stderr, "no direct I/O here\n");
		exit(77);
	}
	if (fd < 0)
		fail(name, errno);
	return fd;
}

/* Moves all pieces of a file; the iocbs are those of any program. */
static void move_all(io_context_t ctx, int fd, char *memory, int write)
{
	struct iocb iocbs[PIECES], *list[PIECES];
	struct io_event events[PIECES];
	int i;

	for (i = 0; i < PIECES; i++) {
		if (write)
			io_prep_pwrite(&iocbs[i], fd, memory + i * BLOCK, BLOCK, (long long)i * BLOCK);
		else
			io_prep_pread(&iocbs[i], fd, memory + i * BLOCK, BLOCK, (long long)i * BLOCK);
		list[i] = &iocbs[i];
	}
	if (io_submit(ctx, PIECES, list) != PIECES || io_getevents(ctx, PIECES, PIECES, events, NULL) != PIECES)
		fail("a batch", EIO);
	for (i = 0; i < PIECES; i++)
		if ((long)events[i].res != BLOCK)
			fail("a piece", EIO);
}

static void copy(void)
{
	const __u64 tag = 42;
	char *memory = allocate(SIZE), *seen = allocate(SIZE);
	struct iovec pool = {memory, SIZE};
	io_context_t ctx = NULL;
	struct io_event event;
	int from, to, i;

	for (i = 0; i < SIZE; i++)
		memory[i] = (char)(i * 7 + i / BLOCK);
	memcpy(seen, memory, SIZE);
	from = open_direct("from", O_RDWR | O_CREAT | O_TRUNC);
	to = open_direct("to", O_RDWR | O_CREAT | O_TRUNC);
	check("io_setup", io_setup(64, &ctx));
	if (aiouring_context_backend(ctx) != 1) {
		fprintf(stderr, "no ring here\n");
		exit(77);
	}

	check("register", aiouring_register_buffers(ctx, &pool, &tag, 1));
	printf("memory + 5 lies in buffer %d\n", aiouring_find_buffer(ctx, memory + 5, 100));
	move_all(ctx, from, memory, 1);
	memset(memory, 0, SIZE);
	move_all(ctx, from, memory, 0);
	move_all(ctx, to, memory, 1);
	memset(memory, 0, SIZE);
	move_all(ctx, to, memory, 0);
	if (memcmp(memory, seen, SIZE) != 0)
		fail("the copy", EIO);

	/* The kernel says when it has let go of the memory. */
	check("unregister", aiouring_unregister_buffers(ctx));
	if (io_getevents(ctx, 1, 1, &event, NULL) != 1 || (uintptr_t)event.data != tag || event.obj)
		fail("the tag", EIO);
	printf("copied %d bytes, and buffer %d is free\n", SIZE, (int)(uintptr_t)event.data);
	check("io_destroy", io_destroy(ctx));
	close(from);
	close(to);
}

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	double l = *(const double *)left, r = *(const double *)right;

	return (l > r) - (l < r);
}

static double median(double *values)
{
	qsort(values, TURNS, sizeof(*values), compare);
	return values[TURNS / 2];
}

/* Nanoseconds that a look takes: where there is a buffer, and where there is none. */
static void measure_look_up(void)
{
	enum { LOOKS = 2000000, MOST = 16384 };
	static const unsigned counts[] = {1, 100, 10000, MOST};
	char *memory = allocate((size_t)MOST * 4096);
	struct iovec *iovecs = malloc(MOST * sizeof(*iovecs));
	struct io_uring ring;
	unsigned c;

	if (!iovecs)
		fail("malloc", ENOMEM);
	check("a ring", io_uring_queue_init(4, &ring, 0));
	for (c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		struct aiouring_buffers *buffers;
		unsigned count = counts[c], i, seed = 1;
		double hits[TURNS], misses[TURNS];
		int turn;

		for (i = 0; i < count; i++) {
			iovecs[i].iov_base = memory + (size_t)i * 4096;
			iovecs[i].iov_len = 4096;
		}
		check("register", aiouring_buffers_create(&buffers, &ring, iovecs, NULL, count));
		for (turn = 0; turn < TURNS; turn++) {
			double begun = now(CLOCK_MONOTONIC), between;
			long found = 0;

			/* Sixty-four of them in no order, so that the processor's cache is not what is measured. */
			for (i = 0; i < LOOKS; i++) {
				seed = seed * 1664525 + 1013904223;
				found += aiouring_buffers_find(buffers, memory + (size_t)((seed >> 26) * 251 % count) * 4096 + 512,
							       512) >= 0;
			}
			between = now(CLOCK_MONOTONIC);
			for (i = 0; i < LOOKS; i++) {
				seed = seed * 1664525 + 1013904223;
				found += aiouring_buffers_find(buffers, &seed + (seed >> 26), 4) >= 0;
			}
			hits[turn] = (between - begun) / LOOKS;
			misses[turn] = (now(CLOCK_MONOTONIC) - between) / LOOKS;
			if (found != LOOKS)
				fail("a look", EINVAL);
		}
		printf("%6u buffers: %5.1f ns where there is one, %5.1f ns where there is none\n", count, median(hits),
		       median(misses));
		check("unregister", aiouring_buffers_destroy(buffers));
	}
	io_uring_queue_exit(&ring);
	free(iovecs);
	munmap(memory, (size_t)MOST * 4096);
}

struct cost {
	double time, processor;
};

/* What a direct read costs, in nanoseconds, with so many at a time. */
static struct cost read_some(io_context_t ctx, int fd, char *memory, size_t size, int depth, int rounds)
{
	struct iocb iocbs[DEPTH], *list[DEPTH];
	struct io_event events[DEPTH];
	struct cost cost = {now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID)};
	static unsigned seed = 1;
	int round, i;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < depth; i++) {
			seed = seed * 1664525 + 1013904223;
			io_prep_pread(&iocbs[i], fd, memory + (size_t)i * size, size,
				      (long long)((seed >> 8) % (MEASURED / size) * size));
			list[i] = &iocbs[i];
		}
		if (io_submit(ctx, depth, list) != depth || io_getevents(ctx, depth, depth, events, NULL) != depth)
			fail("a batch", EIO);
		for (i = 0; i < depth; i++)
			if (events[i].res != size)
				fail("a read", EIO);
	}
	cost.time = (now(CLOCK_MONOTONIC) - cost.time) / rounds / depth;
	cost.processor = (now(CLOCK_PROCESS_CPUTIME_ID) - cost.processor) / rounds / depth;
	return cost;
}

static void compare_sides(const char *what, io_context_t plain, io_context_t other, int plain_fd, int other_fd, char *memory)
{
	static const size_t sizes[] = {4096, 65536, 1 << 20};
	unsigned s, d;

	printf("%s (nanoseconds for a read, median of %d turns; less than 1: it saves)\n", what, TURNS);
	for (s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (d = 1; d <= DEPTH; d *= DEPTH) {
			double time[TURNS], processor[TURNS], base_time[TURNS], base_processor[TURNS];
			int rounds = (int)((16 << 20) / sizes[s] / d), turn;

			rounds = rounds > 1000 ? 1000 : rounds < 4 ? 4 : rounds;
			for (turn = -1; turn < TURNS; turn++) {
				struct cost one = read_some(plain, plain_fd, memory, sizes[s], (int)d, rounds);
				struct cost two = read_some(other, other_fd, memory, sizes[s], (int)d, rounds);

				/* The first turn warms up. */
				if (turn < 0)
					continue;
				base_time[turn] = one.time;
				base_processor[turn] = one.processor;
				time[turn] = two.time / one.time;
				processor[turn] = two.processor / one.processor;
			}
			printf("%5zu KiB, %2u at a time: time %8.0f, ratio %.3f; processor %7.0f, ratio %.3f\n",
			       sizes[s] / 1024, d, median(base_time), median(time), median(base_processor),
			       median(processor));
		}
}

static void measure(const char *name)
{
	char *memory = allocate((size_t)DEPTH << 20);
	struct iovec pool = {memory, (size_t)DEPTH << 20};
	io_context_t plain = NULL, fixed = NULL;
	int fd, held;
	long done;

	measure_look_up();
	fd = open_direct(name, O_RDWR | O_CREAT);
	held = open_direct(name, O_RDWR);
	memset(memory, 1, (size_t)DEPTH << 20);
	for (done = lseek(fd, 0, SEEK_END); done < MEASURED; done += 1 << 20)
		if (pwrite(fd, memory, 1 << 20, done & ~0xfffffL) != 1 << 20)
			fail(name, errno);
	check("fsync", fsync(fd));
	check("io_setup", io_setup(64, &plain));
	check("io_setup", io_setup(64, &fixed));
	check("register", aiouring_register_buffers(fixed, &pool, NULL, 1));
	compare_sides("registered buffers against ordinary memory", plain, fixed, fd, fd, memory);
	check("hold", aiouring_register_file(plain, held));
	compare_sides("a held file against a descriptor", plain, plain, fd, held, memory);
	check("io_destroy", io_destroy(plain));
	check("io_destroy", io_destroy(fixed));
	close(fd);
	close(held);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--measure") == 0)
		measure(argc > 2 ? argv[2] : "measured");
	else
		copy();
	return 0;
}
