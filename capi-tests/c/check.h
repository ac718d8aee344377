/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every C test shares: checks that name file, line and values, files in the current directory, patterned data,
 * time, and a watchdog that turns a hang into a failure.
 *
 * A test exits with 0 (passed), 1 (failed; the reason is on stderr) or 77 (cannot run on this machine). What it
 * prints to stdout depends on nothing but the behaviour of the library.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAYBE_UNUSED __attribute__((unused))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What a failing test still has to put away; NULL if nothing. */
MAYBE_UNUSED static void (*at_failure)(void);

/* The test cannot go on: say why and end the process, without running anything else. */
#define FAIL(...)                                                                                                      \
	do {                                                                                                           \
		fflush(stdout);                                                                                        \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                        \
		fprintf(stderr, __VA_ARGS__);                                                                          \
		fputc('\n', stderr);                                                                                   \
		if (at_failure)                                                                                        \
			at_failure();                                                                                  \
		_exit(1);                                                                                              \
	} while (0)

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			FAIL("%s is false (errno %d)", #condition, errno);                                             \
	} while (0)

#define CHECK_OP(left, op, right)                                                                                      \
	do {                                                                                                           \
		long long left_value_ = (long long)(left), right_value_ = (long long)(right);                          \
		if (!(left_value_ op right_value_))                                                                    \
			FAIL("%s is %lld, expected %s %s (%lld)", #left, left_value_, #op, #right, right_value_);      \
	} while (0)

#define CHECK_EQ(left, right) CHECK_OP(left, ==, right)
#define CHECK_NE(left, right) CHECK_OP(left, !=, right)
#define CHECK_GE(left, right) CHECK_OP(left, >=, right)
#define CHECK_LE(left, right) CHECK_OP(left, <=, right)

/* The machine lacks something: the test says what and counts as skipped. */
#define SKIP(...)                                                                                                      \
	do {                                                                                                           \
		fprintf(stderr, "skipped: " __VA_ARGS__);                                                              \
		fputc('\n', stderr);                                                                                   \
		exit(77);                                                                                              \
	} while (0)

/* Factor for the amount of work of long tests, from the environment: TEST_SCALE, 1 if unset. */
MAYBE_UNUSED static long test_scale(void)
{
	const char *text = getenv("TEST_SCALE");
	long scale = text ? atol(text) : 1;

	return scale > 0 ? scale : 1;
}

#define WATCHDOG_SECONDS 30

/* SIGKILL, as nothing a stuck library has in its exit path can be trusted to end. */
MAYBE_UNUSED static void watchdog_bites(int signo)
{
	static const char text[] = "watchdog: the test hangs\n";

	(void)signo;
	if (write(2, text, sizeof(text) - 1) >= 0)
		kill(getpid(), SIGKILL);
	_exit(1);
}

/* Armed before main() and to be called again in a child made by fork(), which inherits no alarm. */
__attribute__((constructor)) MAYBE_UNUSED static void watchdog(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = watchdog_bites;
	sigaction(SIGALRM, &action, NULL);
	alarm((unsigned int)(WATCHDOG_SECONDS * test_scale()));
}

MAYBE_UNUSED static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

MAYBE_UNUSED static void sleep_ms(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
}

/* Checks that about `expected` ms have gone by since `start`; late is easily caused by a busy machine, early is not. */
#define CHECK_ELAPSED(start, expected)                                                                                 \
	do {                                                                                                           \
		long elapsed_ = now_ms() - (start);                                                                    \
		CHECK_GE(elapsed_, (expected) - ((expected) > 0 ? 5 : 0));                                             \
		CHECK_LE(elapsed_, (expected) + 1500);                                                                 \
	} while (0)

/* Zeroed memory that starts at a page boundary; never freed. */
MAYBE_UNUSED static void *pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* A gap between two mappings stays free: what is mapped later, a thread's stack for one, is larger. */
enum { HOLE = 65536 };

/* `mapped` bytes (whole pages) of memory that end where an unmapped page begins. */
MAYBE_UNUSED static char *pages_before_hole(size_t mapped)
{
	char *memory = (char *)pages(mapped + 2 * HOLE);

	CHECK(munmap(memory + mapped, HOLE) == 0);
	return memory;
}

/* The address of a page that is not mapped. */
MAYBE_UNUSED static char *hole(void)
{
	return pages_before_hole(HOLE) + HOLE;
}

/* A number that depends on nothing but the argument (splitmix64). */
MAYBE_UNUSED static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* The byte that the pattern `seed` has at a position in a file. */
MAYBE_UNUSED static unsigned char pattern_at(uint64_t seed, uint64_t position)
{
	return (unsigned char)(mix(seed * 0x100000001b3u + position / 8) >> (position % 8 * 8));
}

/* Fills memory with the bytes pattern `seed` has from `position` on. */
MAYBE_UNUSED static void fill(void *memory, size_t size, uint64_t seed, uint64_t position)
{
	unsigned char *bytes = (unsigned char *)memory;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = pattern_at(seed, position + i);
}

/* Index of the first byte that differs from the pattern, or -1. */
MAYBE_UNUSED static long first_wrong(const void *memory, size_t size, uint64_t seed, uint64_t position)
{
	const unsigned char *bytes = (const unsigned char *)memory;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != pattern_at(seed, position + i))
			return (long)i;
	return -1;
}

#define CHECK_PATTERN(memory, size, seed, position) CHECK_EQ(first_wrong(memory, size, seed, position), -1)

/* A file in the current directory that is gone when its last descriptor is closed, `size` bytes of pattern `seed`. */
MAYBE_UNUSED static int temp_file(size_t size, uint64_t seed)
{
	char name[] = "test-XXXXXX";
	char *chunk = (char *)malloc(65536);
	size_t done;
	int fd = mkstemp(name);

	CHECK(fd >= 0 && chunk != NULL);
	CHECK(unlink(name) == 0);
	for (done = 0; done < size;) {
		size_t part = size - done < 65536 ? size - done : 65536;

		fill(chunk, part, seed, done);
		CHECK_EQ(pwrite(fd, chunk, part, (off_t)done), part);
		done += part;
	}
	free(chunk);
	return fd;
}

/* The same file, opened once more with other flags. */
MAYBE_UNUSED static int reopen(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags);
	CHECK(again >= 0);
	return again;
}

/* Whether any page of a part of a file is in the page cache; the offset is that of a page. */
MAYBE_UNUSED static int is_cached(int fd, off_t offset, size_t length)
{
	size_t count = (length + 4095) / 4096, i;
	unsigned char *resident = (unsigned char *)malloc(count);
	void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, offset);
	int any = 0;

	/* What cannot be mapped is not asked about. */
	if (map != MAP_FAILED) {
		CHECK(mincore(map, length, resident) == 0);
		munmap(map, length);
		for (i = 0; i < count; i++)
			any |= resident[i] & 1;
	}
	free(resident);
	return any;
}

/* Takes a part of a file (all of it: 0, 0) out of the page cache. */
MAYBE_UNUSED static void drop_cache(int fd, off_t offset, off_t length)
{
	struct stat status;
	off_t first = offset / 4096 * 4096;
	int tries;

	CHECK(fstat(fd, &status) == 0);
	if (length == 0)
		length = status.st_size - offset;
	/* A page that somebody is looking at stays for the moment. */
	for (tries = 0; tries < 200; tries++) {
		CHECK(fdatasync(fd) == 0);
		CHECK(posix_fadvise(fd, offset, length, POSIX_FADV_DONTNEED) == 0);
		if (length <= 0 || !is_cached(fd, first, (size_t)(offset + length - first)))
			return;
		sleep_ms(5);
	}
}

/* Waits for a child and checks that it exited with `status`. */
MAYBE_UNUSED static void wait_exit(pid_t child, int expected)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), expected);
}

#endif
