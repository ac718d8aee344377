/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* exec right after io_submit: writes are finished before the new program runs, and it has its own contexts. */
// except: sqpoll (the kernel's thread does not wait for writes when it is killed)
#include "aio_check.h"

enum { BLOCK = 65536, COUNT = 16 };

/* The new program: the file, given as a descriptor, is complete. */
static int second_life(int fd)
{
	char *memory = (char *)pages(COUNT * BLOCK);
	struct iocb iocb;
	io_context_t ctx;

	CHECK_EQ(pread(fd, memory, COUNT * BLOCK, 0), COUNT * BLOCK);
	CHECK_PATTERN(memory, COUNT * BLOCK, 36, 0);
	ctx = setup(4);
	memset(memory, 0, BLOCK);
	io_prep_pread(&iocb, fd, memory, BLOCK, 0);
	EVENT_IS(ctx, &iocb, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 36, 0);
	return 0;
}

int main(int argc, char **argv)
{
	static struct iocb iocb[COUNT], *list[COUNT];
	char *memory = (char *)pages(COUNT * BLOCK), number[16];
	int round, i;

	if (argc > 1)
		return second_life(atoi(argv[1]));
	for (round = 0; round < 4; round++) {
		int fd = temp_file(0, 0), out = reopen(fd, round % 2 ? O_RDWR : O_RDWR | O_DIRECT);
		pid_t child;

		/* Growing files, and files that have their blocks. */
		if (round >= 2) {
			for (i = 0; i < COUNT; i++)
				CHECK_EQ(pwrite(fd, memory, BLOCK, i * BLOCK), BLOCK);
			CHECK(fsync(fd) == 0);
		}
		child = fork();
		if (child == 0) {
			io_context_t ctx = setup(COUNT);

			watchdog();
			fill(memory, COUNT * BLOCK, 36, 0);
			for (i = 0; i < COUNT; i++) {
				io_prep_pwrite(&iocb[i], out, memory + i * BLOCK, BLOCK, i * BLOCK);
				list[i] = &iocb[i];
			}
			CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
			snprintf(number, sizeof(number), "%d", fd);
			execl("/proc/self/exe", argv[0], number, (char *)NULL);
			_exit(1);
		}
		wait_exit(child, 0);
		memset(memory, 0, COUNT * BLOCK);
		close(fd);
		close(out);
	}
	return 0;
}
