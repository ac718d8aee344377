/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The only thread of a program leaves main() by pthread_exit: that ends the process, with status 0. */
#include "aio_check.h"

enum { BLOCK = 65536 };

int main(void)
{
	char *memory = (char *)pages(BLOCK);
	int fd = temp_file(0, 0), direct = reopen(fd, O_RDWR | O_DIRECT), status;
	pid_t child = fork();

	if (child == 0) {
		struct iocb iocb;
		io_context_t ctx = setup(4);

		watchdog();
		fill(memory, BLOCK, 33, 0);
		io_prep_pwrite(&iocb, direct, memory, BLOCK, 0);
		EVENT_IS(ctx, &iocb, BLOCK);
		io_prep_pread(&iocb, direct, memory, BLOCK, 0);
		EVENT_IS(ctx, &iocb, BLOCK);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		pthread_exit(NULL);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	return 0;
}
