/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A vector without entries moves nothing, on a file system that knows no RWF_NOWAIT either. */
#include "aio_check.h"

enum { BLOCK = 4096 };

static void try_in(const char *pattern)
{
	char name[64], byte = 1, *memory = (char *)pages(BLOCK);
	io_context_t ctx = setup(8);
	struct iovec vector = {memory, BLOCK};
	struct iocb iocb;
	int fd, direct;

	snprintf(name, sizeof(name), "%s", pattern);
	fd = mkstemp(name);
	if (fd < 0)
		return;
	direct = open(name, O_RDWR | O_DIRECT);
	CHECK(unlink(name) == 0);
	if (direct < 0)
		return;
	memset(memory, 'x', BLOCK);
	CHECK(ftruncate(fd, 4 * BLOCK) == 0);
	io_prep_pwrite(&iocb, direct, memory, BLOCK, 0);
	EVENT_IS(ctx, &iocb, BLOCK);
	io_prep_pwritev(&iocb, direct, &vector, 0, 2 * BLOCK);
	EVENT_IS(ctx, &iocb, 0);
	CHECK_EQ(pread(fd, &byte, 1, 2 * BLOCK), 1);
	CHECK_EQ(byte, 0);
}

int main(void)
{
	try_in("test-XXXXXX");
	try_in("/dev/shm/test-XXXXXX");
	return 0;
}
