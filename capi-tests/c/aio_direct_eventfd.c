/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Direct writes into holes with an eventfd, thousands of them: each adds one, and nothing is used up by them. Among
 * them a vector without entries, which writes nothing. */
#include <poll.h>
#include <sys/eventfd.h>

#include "aio_check.h"

enum { BLOCK = 4096, WRITES = 5000 };

int main(void)
{
	int fd = temp_file(0, 0), direct, counter = eventfd(0, EFD_NONBLOCK), ends[2], i;
	char *memory = (char *)pages(BLOCK), byte = 1;
	io_context_t ctx = setup(8);
	struct io_event event;
	struct iocb iocb;
	struct iovec vector = {memory, BLOCK};
	uint64_t count;

	CHECK(ftruncate(fd, (off_t)(WRITES + 1) * BLOCK) == 0);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	CHECK(counter >= 0 && pipe(ends) == 0);
	memset(memory, 'x', BLOCK);
	for (i = 0; i < WRITES; i++) {
		io_prep_pwrite(&iocb, direct, memory, BLOCK, (long long)i * BLOCK);
		io_set_eventfd(&iocb, counter);
		EVENT_IS(ctx, &iocb, BLOCK);
	}
	io_prep_pwritev(&iocb, direct, &vector, 0, (long long)WRITES * BLOCK);
	EVENT_IS(ctx, &iocb, 0);
	CHECK_EQ(pread(fd, &byte, 1, (off_t)WRITES * BLOCK), 1);
	CHECK_EQ(byte, 0);

	io_prep_poll(&iocb, ends[0], POLLIN);
	io_set_eventfd(&iocb, counter);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_PENDING(ctx);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	reap(ctx, 1, &event);
	CHECK(event.res & POLLIN);
	sleep_ms(50);
	CHECK_EQ(read(counter, &count, sizeof(count)), sizeof(count));
	CHECK_EQ(count, WRITES + 1);
	return 0;
}
