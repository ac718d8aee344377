/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Children that share the memory, and so the contexts, but have descriptors of their own: vfork, clone(CLONE_VM). */
#include "aio_check.h"

#include <sched.h>

enum { BLOCK = 4096, STACK = 256 * 1024 };

static io_context_t ctx;
static char path[64], *memory;
static volatile int step;

/* Reads with a context and a descriptor of the child's own choice; gives the line that went wrong, or 0. */
static int read_with(io_context_t context, int fd, uint64_t seed)
{
	struct timespec limit = {EVENT_SECONDS, 0};
	struct iocb iocb, *list = &iocb;
	struct io_event event;

	memset(memory, 0, BLOCK);
	io_prep_pread(&iocb, fd, memory, BLOCK, BLOCK);
	if (io_submit(context, 1, &list) != 1)
		return __LINE__;
	if (io_getevents(context, 1, 1, &event, &limit) != 1)
		return __LINE__;
	if (event.res != BLOCK || event.obj != &iocb)
		return __LINE__;
	return first_wrong(memory, BLOCK, seed, BLOCK) == -1 ? 0 : __LINE__;
}

static int write_and_sync(io_context_t context, int fd)
{
	struct timespec limit = {EVENT_SECONDS, 0};
	struct iocb iocb[2], *list[2] = {&iocb[0], &iocb[1]};
	struct io_event events[2];

	fill(memory, BLOCK, 65, 0);
	io_prep_pwrite(&iocb[0], fd, memory, BLOCK, 0);
	io_prep_fsync(&iocb[1], fd);
	if (io_submit(context, 2, list) != 2)
		return __LINE__;
	if (io_getevents(context, 2, 2, events, &limit) != 2)
		return __LINE__;
	return events[0].res + events[1].res == BLOCK ? 0 : __LINE__;
}

/* The parent's context and a new one; the parent's descriptors, and the same number with another file behind it. */
static int child(int shared)
{
	io_context_t own = NULL;
	int line, fd;

	if ((line = read_with(ctx, shared, 64)))
		return line;
	fd = open(path, O_RDWR | O_DIRECT);
	if (fd < 0 || dup2(fd, shared) != shared)
		return __LINE__;
	close(fd);
	if ((line = read_with(ctx, shared, 66)))
		return line;
	if (io_setup(8, &own) != 0)
		return __LINE__;
	if ((line = read_with(own, shared, 66)) || (line = write_and_sync(own, shared)))
		return line;
	return io_destroy(own) == 0 ? 0 : __LINE__;
}

static int cloned(void *fd)
{
	step = child(*(int *)fd);
	return step != 0;
}

static int wait_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A file of another pattern at `path`. */
static void other_file(void)
{
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

	CHECK(fd >= 0);
	fill(memory, BLOCK, 66, BLOCK);
	CHECK_EQ(pwrite(fd, memory, BLOCK, BLOCK), BLOCK);
	close(fd);
}

/* Runs the child both ways, and sees that the parent goes on as if nothing had been. */
static void both_ways(int fd)
{
	char *stack = (char *)pages(STACK);
	int status, written;
	pid_t pid;

	other_file();
	step = 0;
	pid = vfork();
	if (pid == 0) {
		step = child(fd);
		_exit(step != 0);
	}
	status = wait_child(pid);
	if (status != 0)
		FAIL("the child of vfork failed at line %d", step);
	CHECK_EQ(read_with(ctx, fd, 64), 0);
	written = open(path, O_RDONLY);
	CHECK_EQ(read(written, memory, BLOCK), BLOCK);
	CHECK_PATTERN(memory, BLOCK, 65, 0);
	close(written);

	other_file();
	pid = clone(cloned, stack + STACK, CLONE_VM | SIGCHLD, &fd);
	CHECK(pid > 0);
	status = wait_child(pid);
	if (status != 0)
		FAIL("the child of clone failed at line %d", step);
	CHECK_EQ(read_with(ctx, fd, 64), 0);
}

/* The first context of a process is made by a child that soon ends; it stays with the memory. */
static void first_context_in_child(int fd)
{
	pid_t pid;

	ctx = NULL;
	pid = vfork();
	if (pid == 0)
		_exit(io_setup(8, &ctx) != 0 || read_with(ctx, fd, 64) != 0);
	CHECK_EQ(wait_child(pid), 0);
	CHECK(ctx != NULL);
	CHECK_EQ(read_with(ctx, fd, 64), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = setup(8);
	CHECK_EQ(read_with(ctx, fd, 64), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	int fd = temp_file(2 * BLOCK, 64), direct = reopen(fd, O_RDWR | O_DIRECT);
	pid_t pid;

	memory = (char *)pages(BLOCK);
	snprintf(path, sizeof(path), "other-%d", (int)getpid());
	pid = fork();
	if (pid == 0) {
		watchdog();
		first_context_in_child(direct);
		_exit(0);
	}
	wait_exit(pid, 0);
	ctx = setup(8);
	both_ways(fd);
	both_ways(direct);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK(unlink(path) == 0);
	return 0;
}
