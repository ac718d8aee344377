/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A seccomp filter takes io_uring away while buffers are registered: transfers go on without, tags are told of, all ends. */
// except: caller, sqpoll (what the filter does is done to the program's own threads)
// old-kernel: no (the ring has a descriptor)
#include <aiouring.h>

#include "aio_check.h"
#include "filter.h"

enum { BLOCK = 4096, BLOCKS = 16, SEED = 33 };

static void read_all(io_context_t ctx, int fd, char *memory)
{
	struct iocb iocb;
	int i;

	for (i = 0; i < BLOCKS; i++) {
		memset(memory + i * BLOCK, 0, BLOCK);
		io_prep_pread(&iocb, fd, memory + i * BLOCK, BLOCK, i * BLOCK);
		EVENT_IS(ctx, &iocb, BLOCK);
		CHECK_PATTERN(memory + i * BLOCK, BLOCK, SEED, (uint64_t)i * BLOCK);
	}
}

int main(void)
{
	int fd = temp_file(BLOCKS * BLOCK, SEED), direct = reopen(fd, O_RDWR | O_DIRECT), i;
	char *memory = (char *)pages(BLOCKS * BLOCK);
	io_context_t ctx = setup(64), second = setup(64);
	struct iovec half[2] = {{memory, BLOCKS / 2 * BLOCK}, {memory + BLOCKS / 2 * BLOCK, BLOCKS / 2 * BLOCK}};
	__u64 tags[2] = {1, 2};
	struct io_event event;

	drop_cache(fd, 0, 0);
	if (aiouring_context_backend(ctx) != 1)
		SKIP("no ring");
	CHECK_EQ(aiouring_register_buffers(ctx, half, tags, 2), 0);
	CHECK_EQ(aiouring_register_buffers(second, half, tags, 2), 0);
	CHECK_EQ(aiouring_register_file(ctx, direct), 0);
	read_all(ctx, direct, memory);
	filter_calls(__NR_io_uring_setup, __NR_io_uring_register, SECCOMP_RET_ERRNO | EPERM, 1);
	read_all(ctx, direct, memory);
	read_all(second, direct, memory);
	CHECK_EQ(aiouring_find_buffer(ctx, memory, BLOCK), 0);
	CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
	for (i = 0; i < 2; i++) {
		reap(ctx, 1, &event);
		CHECK(event.obj == NULL);
		CHECK((uintptr_t)event.data == 1 || (uintptr_t)event.data == 2);
	}
	CHECK_PENDING(ctx);
	/* From here on it is by name alone, and a tag cannot be had. */
	CHECK_EQ(aiouring_register_buffers(ctx, half, tags, 2), -EOPNOTSUPP);
	CHECK_EQ(aiouring_register_buffers(ctx, half, NULL, 2), 0);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + BLOCK, BLOCK), 0);
	CHECK_EQ(aiouring_register_buffers_update(ctx, 1, half, NULL, 1), 1);
	read_all(ctx, direct, memory);
	CHECK_EQ(aiouring_unregister_file(ctx, direct), 0);
	CHECK_EQ(aiouring_register_file(ctx, direct), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	/* The end of a context whose tags the ring has. */
	CHECK_EQ(io_destroy(second), 0);
	return 0;
}
