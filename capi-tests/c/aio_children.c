/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Processes that come and go: posix_spawn and daemons with I/O in flight, and a thousand children with contexts. */
/* except: ours-enosys,caller,sqpoll (as the others, and it takes long) */
#include "aio_check.h"

#include <dirent.h>
#include <poll.h>
#include <spawn.h>

enum { BLOCK = 4096, BIG = 1 << 20, CHILDREN = 1000, SOME = 20 };

/* Entries of /proc/self/task when there is one thread. */
enum { ALONE = 3 };

extern char **environ;

static int fd, direct, pipe_fd[2];
static char *memory, *large;
static io_context_t ctx;

static void read_with(io_context_t context, int file, long offset)
{
	struct iocb iocb;

	memset(memory, 0, BLOCK);
	io_prep_pread(&iocb, file, memory, BLOCK, offset);
	EVENT_IS(context, &iocb, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 68, offset);
}

/* A poll that does not end and a long read. */
static void start(io_context_t context, struct iocb *iocbs)
{
	struct iocb *list[2] = {&iocbs[0], &iocbs[1]};

	memset(large, 0, BIG);
	io_prep_poll(&iocbs[0], pipe_fd[0], POLLIN);
	io_prep_pread(&iocbs[1], direct, large, BIG, 0);
	CHECK_EQ(io_submit(context, 2, list), 2);
}

static void finish(io_context_t context, struct iocb *iocbs)
{
	struct io_event event;

	reap(context, 1, &event);
	CHECK(event.obj == &iocbs[1]);
	CHECK_EQ(event.res, BIG);
	CHECK_PATTERN(large, 65536, 68, 0);
	CHECK_EQ(io_cancel(context, &iocbs[0], &event), -EINPROGRESS);
	reap(context, 1, &event);
	CHECK(event.obj == &iocbs[0]);
}

static void spawned(void)
{
	char self[] = "/proc/self/exe", *arguments[] = {self, self, NULL};
	struct iocb iocbs[2];
	pid_t child;
	int round;

	for (round = 0; round < SOME; round++) {
		start(ctx, iocbs);
		CHECK_EQ(posix_spawn(&child, self, NULL, NULL, arguments, environ), 0);
		wait_exit(child, 0);
		finish(ctx, iocbs);
	}
}

/* What daemon() does: the parent leaves at once, whatever it had begun, and the grandchild goes on. */
static void daemons(void)
{
	int round, report[2];
	char line;

	for (round = 0; round < SOME; round++) {
		pid_t child;

		CHECK(pipe(report) == 0);
		child = fork();
		if (child == 0) {
			struct iocb iocbs[2];
			io_context_t own = setup(8);

			watchdog();
			start(own, iocbs);
			if (fork() > 0)
				_exit(0);
			watchdog();
			CHECK(setsid() >= 0);
			CHECK_EQ(io_submit(own, 0, NULL), -EINVAL);
			own = setup(8);
			start(own, iocbs);
			finish(own, iocbs);
			read_with(own, fd, 2 * BLOCK);
			CHECK_EQ(write(report[1], "x", 1), 1);
			_exit(0);
		}
		close(report[1]);
		wait_exit(child, 0);
		CHECK_EQ(read(report[0], &line, 1), 1);
		close(report[0]);
	}
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

/* Each with a context of its own, left in all ways there are. */
static void many_children(void)
{
	int threads = 0, descriptors = 0, maps = 0, round;
	struct iocb iocbs[2];
	long began = now_ms();

	/* All of them with our thread; kernel AIO takes its time when a process ends. */
	for (round = 0; round < CHILDREN; round++) {
		pid_t child;

		if (round > 2 * SOME && now_ms() - began > 1500 * test_scale() && threads == ALONE)
			break;

		start(ctx, iocbs);
		child = fork();
		if (child == 0) {
			io_context_t own = setup(8);

			watchdog();
			read_with(own, round & 1 ? direct : fd, round % 16 * BLOCK);
			if (round & 2)
				start(own, iocbs);
			else if (round & 4)
				CHECK_EQ(io_destroy(own), 0);
			if (round & 8)
				exit(0);
			_exit(0);
		}
		finish(ctx, iocbs);
		wait_exit(child, 0);
		if (round == SOME) {
			threads = entries("/proc/self/task");
			descriptors = entries("/proc/self/fd");
			maps = mappings();
		}
	}
	CHECK_EQ(entries("/proc/self/task"), threads);
	CHECK_EQ(entries("/proc/self/fd"), descriptors);
	CHECK_LE(mappings(), maps + 2);
}

int main(int argc, char **argv)
{
	(void)argv;
	memory = (char *)pages(BLOCK);
	large = (char *)pages(BIG);
	fd = temp_file(BIG, 68);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK(pipe(pipe_fd) == 0);
	ctx = setup(8);
	read_with(ctx, direct, BLOCK);
	/* The program that is spawned is this one, and uses AIO too. */
	if (argc > 1)
		return 0;
	spawned();
	daemons();
	many_children();
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
