/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* SIGKILL right after io_submit of O_DIRECT writes over existing data: the parent, having waited, sees them written. */
#include "aio_check.h"

enum { BLOCK = 65536, COUNT = 16, ROUNDS = 10 };

int main(void)
{
	char *memory = (char *)pages(COUNT * BLOCK);
	int fd = temp_file(COUNT * BLOCK, 1), direct = reopen(fd, O_RDWR | O_DIRECT), round, i, status;

	for (round = 0; round < ROUNDS; round++) {
		pid_t child;

		CHECK(fsync(fd) == 0);
		child = fork();
		if (child == 0) {
			static struct iocb iocb[COUNT], *list[COUNT];
			io_context_t ctx = setup(COUNT);

			watchdog();
			fill(memory, COUNT * BLOCK, 100 + (uint64_t)round, 0);
			for (i = 0; i < COUNT; i++) {
				io_prep_pwrite(&iocb[i], direct, memory + i * BLOCK, BLOCK, i * BLOCK);
				list[i] = &iocb[i];
			}
			CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
			kill(getpid(), SIGKILL);
		}
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, SIGKILL);
		CHECK_EQ(pread(direct, memory, COUNT * BLOCK, 0), COUNT * BLOCK);
		CHECK_PATTERN(memory, COUNT * BLOCK, 100 + (uint64_t)round, 0);
	}
	return 0;
}
