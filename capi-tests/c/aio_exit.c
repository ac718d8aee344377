/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process ends right after io_submit, by exit, _exit or SIGKILL: what was submitted is in the file. */
// except: sqpoll (the kernel's thread does not wait for writes when it is killed)
#include "aio_check.h"

enum { BLOCK = 65536, COUNT = 16 };

enum end { EXIT, UNDERSCORE_EXIT, KILL };

static const char *const end_names[] = {"exit", "_exit", "SIGKILL"};

static void submit_and_end(int fd, enum end end)
{
	static struct iocb iocb[COUNT], *list[COUNT];
	char *memory = (char *)pages(COUNT * BLOCK);
	io_context_t ctx;
	int i;

	watchdog();
	fill(memory, COUNT * BLOCK, 28, 0);
	ctx = setup(COUNT);
	for (i = 0; i < COUNT; i++) {
		io_prep_pwrite(&iocb[i], fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
	switch (end) {
	case EXIT:
		exit(0);
	case UNDERSCORE_EXIT:
		_exit(0);
	case KILL:
		kill(getpid(), SIGKILL);
		break;
	}
}

/* Writes that make the file grow, or fill a hole, or overwrite; through the page cache or not. */
static void written(int flags, off_t before, size_t old_data, enum end end)
{
	char *check = (char *)pages(COUNT * BLOCK);
	int fd = temp_file(old_data, 1), status, out;
	pid_t child;

	CHECK_EQ(ftruncate(fd, before), 0);
	CHECK(fsync(fd) == 0);
	out = reopen(fd, flags);
	child = fork();
	if (child == 0)
		submit_and_end(out, end);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, end == KILL ? SIGKILL : 0);
	if (pread(fd, check, COUNT * BLOCK, 0) != COUNT * BLOCK || first_wrong(check, COUNT * BLOCK, 28, 0) >= 0)
		FAIL("%s, %s, file of %ld with %zu bytes of data: size %ld, first wrong byte %ld", end_names[end],
		     flags & O_DIRECT ? "O_DIRECT" : "buffered", (long)before, old_data, (long)lseek(fd, 0, SEEK_END),
		     first_wrong(check, COUNT * BLOCK, 28, 0));
	munmap(check, COUNT * BLOCK);
	close(fd);
	close(out);
}

int main(void)
{
	static const int flags[] = {O_RDWR, O_RDWR | O_DIRECT};
	int round;
	size_t i;
	enum end end;

	for (round = 0; round < 2; round++)
		for (i = 0; i < COUNT_OF(flags); i++)
			for (end = EXIT; end <= KILL; end++) {
				written(flags[i], 0, 0, end);
				written(flags[i], COUNT * BLOCK, 0, end);
				if (!(flags[i] & O_DIRECT && end == KILL))
					written(flags[i], COUNT * BLOCK, COUNT * BLOCK, end);
			}
	return 0;
}
