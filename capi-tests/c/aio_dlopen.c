/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that loads the library, uses it and lets it go, again and again, with I/O in flight: nothing adds up. */
#include "aio_check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>

enum { BLOCK = 4096, ROUNDS = 1000, WARM_UP = 20 };

static const char *const names[] = {"libaio.so.1", "libaiouring.so.1"};

static struct {
	int (*setup)(int, io_context_t *);
	int (*destroy)(io_context_t);
	int (*submit)(io_context_t, long, struct iocb **);
	int (*getevents)(io_context_t, long, long, struct io_event *, struct timespec *);
} call;

/* What the last round with a library left behind. */
static struct {
	io_context_t ctx;
	struct iocb poll, read;
	char *memory;
	int pipe_fd[2];
} left[COUNT_OF(names)];

static int fd, direct;
static char *memory;

static void *function(void *library, const char *name)
{
	void *address = dlsym(library, name);

	CHECK(address != NULL);
	return address;
}

static void get(io_context_t ctx, long count, struct io_event *events)
{
	struct timespec limit = {EVENT_SECONDS, 0};

	CHECK_EQ(call.getevents(ctx, count, count, events, &limit), count);
}

static void use(int round)
{
	io_context_t ctx = NULL;
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	long offset = round % 8 * BLOCK;

	CHECK_EQ(call.setup(8, &ctx), 0);
	memset(memory, 0, BLOCK);
	io_prep_pread(&iocb, round % 2 ? direct : fd, memory, BLOCK, offset);
	CHECK_EQ(call.submit(ctx, 1, &list), 1);
	get(ctx, 1, &event);
	CHECK_EQ(event.res, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 62, offset);
	CHECK_EQ(call.destroy(ctx), 0);
}

static void leave_behind(int which, int round)
{
	struct iocb *list[2] = {&left[which].poll, &left[which].read};

	left[which].ctx = NULL;
	CHECK_EQ(call.setup(8, &left[which].ctx), 0);
	memset(left[which].memory, 0, BLOCK);
	io_prep_poll(list[0], left[which].pipe_fd[0], POLLIN);
	io_prep_pread(list[1], direct, left[which].memory, BLOCK, round % 8 * BLOCK);
	CHECK_EQ(call.submit(left[which].ctx, 2, list), 2);
}

static void clear_away(int which, int round)
{
	struct io_event event;
	char byte;

	get(left[which].ctx, 1, &event);
	CHECK(event.obj == &left[which].read);
	CHECK_EQ(event.res, BLOCK);
	CHECK_PATTERN(left[which].memory, BLOCK, 62, round % 8 * BLOCK);
	/* The poll ends by itself, or with its context. */
	if (round % 2) {
		CHECK_EQ(write(left[which].pipe_fd[1], "x", 1), 1);
		get(left[which].ctx, 1, &event);
		CHECK(event.obj == &left[which].poll);
		CHECK_EQ(read(left[which].pipe_fd[0], &byte, 1), 1);
	}
	CHECK_EQ(call.destroy(left[which].ctx), 0);
}

static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	CHECK(directory != NULL);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int byte, count = 0;

	CHECK(maps != NULL);
	while ((byte = getc(maps)) != EOF)
		count += byte == '\n';
	fclose(maps);
	return count;
}

int main(void)
{
	int threads = 0, descriptors = 0, maps = 0, round, which;
	long start = now_ms();

	memory = (char *)pages(BLOCK);
	fd = temp_file(8 * BLOCK, 62);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK(dlopen(names[0], RTLD_NOW | RTLD_NOLOAD) == NULL);
	for (which = 0; which < (int)COUNT_OF(names); which++) {
		left[which].memory = (char *)pages(BLOCK);
		CHECK(pipe(left[which].pipe_fd) == 0);
	}
	/* Kernel AIO takes its time over io_destroy. */
	for (round = 0; round < ROUNDS && (round <= 2 * WARM_UP || now_ms() - start < 1500 * test_scale()); round++) {
		for (which = 0; which < (int)COUNT_OF(names); which++) {
			void *library = dlopen(names[which], RTLD_NOW | (round % 3 ? RTLD_LOCAL : RTLD_GLOBAL));

			/* The second is there where ours is tested. */
			if (!library && which > 0)
				continue;
			if (!library)
				FAIL("%s", dlerror());
			call.setup = (int (*)(int, io_context_t *))function(library, "io_setup");
			call.destroy = (int (*)(io_context_t))function(library, "io_destroy");
			call.submit = (int (*)(io_context_t, long, struct iocb **))function(library, "io_submit");
			call.getevents = (int (*)(io_context_t, long, long, struct io_event *,
						  struct timespec *))function(library, "io_getevents");
			if (round > 0)
				clear_away(which, round - 1);
			use(round);
			leave_behind(which, round);
			CHECK_EQ(dlclose(library), 0);
		}
		if (round == WARM_UP) {
			/* Where there is no ring, the thread that found out is still leaving. */
			sleep_ms(100);
			threads = entries("/proc/self/task");
			descriptors = entries("/proc/self/fd");
			maps = mappings();
		}
	}
	sleep_ms(100);
	CHECK_EQ(entries("/proc/self/task"), threads);
	CHECK_EQ(entries("/proc/self/fd"), descriptors);
	CHECK_LE(mappings(), maps + 2);
	return 0;
}
