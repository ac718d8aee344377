// old-kernel: no (registered buffers of contexts need none of what that lacks, but vectors do)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Registered buffers of a context: ordinary requests use them without being told, which shows where the program itself
 * has no access to the memory; what does not lie within one is done as ever.
 */
#include <aiouring.h>
#include <sys/mman.h>

#include "aio_check.h"

enum { BLOCK = 4096, ROOM = 64 * BLOCK, FILE_SIZE = 256 * BLOCK, SEED = 7 };

static io_context_t ctx;
static int direct;
static char *memory;

/* Whether a direct transfer of this memory is done with a registered buffer: the kernel needs no access then. */
static int is_fixed(char *at, size_t len, int write)
{
	uintptr_t first = (uintptr_t)at & ~(uintptr_t)(BLOCK - 1);
	size_t size = (uintptr_t)at + len - first;
	struct iocb iocb;
	long result;

	/* The ring of a thread that issues its own requests gets a buffer when it first needs it. */
	io_prep_pread(&iocb, direct, at, len, 8 * BLOCK);
	EVENT_IS(ctx, &iocb, (long)len);
	if (write)
		fill(at, len, SEED, 8 * BLOCK);
	else
		memset(at, 0, len);
	CHECK_EQ(mprotect((void *)first, size, PROT_NONE), 0);
	if (write)
		io_prep_pwrite(&iocb, direct, at, len, 8 * BLOCK);
	else
		io_prep_pread(&iocb, direct, at, len, 8 * BLOCK);
	result = event_of(ctx, &iocb, __LINE__);
	CHECK_EQ(mprotect((void *)first, size, PROT_READ | PROT_WRITE), 0);
	if (result == -EFAULT)
		return 0;
	CHECK_EQ(result, (long)len);
	CHECK_PATTERN(at, len, SEED, 8 * BLOCK);
	return 1;
}

/* The same of a vector. */
static int is_fixed_vector(struct iovec *vec, int count, int write)
{
	struct iocb iocb;
	size_t len = 0, done = 0;
	long result;
	int i;

	io_prep_preadv(&iocb, direct, vec, count, 8 * BLOCK);
	EVENT_IS(ctx, &iocb, (long)(vec[0].iov_len * (size_t)count));
	for (i = 0; i < count; i++) {
		if (write)
			fill(vec[i].iov_base, vec[i].iov_len, SEED, 8 * BLOCK + len);
		else
			memset(vec[i].iov_base, 0, vec[i].iov_len);
		len += vec[i].iov_len;
	}
	for (i = 0; i < count; i++)
		CHECK_EQ(mprotect((void *)((uintptr_t)vec[i].iov_base & ~(uintptr_t)(BLOCK - 1)), vec[i].iov_len, PROT_NONE), 0);
	if (write)
		io_prep_pwritev(&iocb, direct, vec, count, 8 * BLOCK);
	else
		io_prep_preadv(&iocb, direct, vec, count, 8 * BLOCK);
	result = event_of(ctx, &iocb, __LINE__);
	for (i = 0; i < count; i++)
		CHECK_EQ(mprotect((void *)((uintptr_t)vec[i].iov_base & ~(uintptr_t)(BLOCK - 1)), vec[i].iov_len,
				  PROT_READ | PROT_WRITE), 0);
	if (result == -EFAULT)
		return 0;
	CHECK_EQ(result, (long)len);
	for (i = 0; i < count; i++) {
		CHECK_PATTERN(vec[i].iov_base, vec[i].iov_len, SEED, 8 * BLOCK + done);
		done += vec[i].iov_len;
	}
	return 1;
}

static void errors(void)
{
	struct iovec vec = {memory, ROOM}, bad;
	__u64 tag = 1;

	CHECK_EQ(aiouring_register_buffers(NULL, &vec, NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_register_buffers((io_context_t)(void *)memory, &vec, NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_register_buffers(ctx, &vec, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_register_buffers(ctx, NULL, NULL, 16385), -EINVAL);
	CHECK_EQ(aiouring_register_buffers(ctx, NULL, &tag, 1), -EINVAL);
	CHECK_EQ(aiouring_register_buffers(ctx, (struct iovec *)(void *)hole(), NULL, 1), -EFAULT);
	CHECK_EQ(aiouring_register_buffers(ctx, &vec, (__u64 *)(void *)hole(), 1), -EFAULT);
	CHECK_EQ(aiouring_unregister_buffers(ctx), -ENXIO);
	CHECK_EQ(aiouring_unregister_buffers(NULL), -EINVAL);
	CHECK_EQ(aiouring_register_buffers_update(ctx, 0, &vec, NULL, 1), -ENXIO);
	CHECK_EQ(aiouring_find_buffer(ctx, memory, 1), -ENXIO);
	bad.iov_base = memory;
	bad.iov_len = 0;
	CHECK_EQ(aiouring_register_buffers(ctx, &bad, NULL, 1), -EFAULT);
	bad.iov_len = ((size_t)1 << 30) + 1;
	CHECK_EQ(aiouring_register_buffers(ctx, &bad, NULL, 1), -EFAULT);
	bad.iov_base = NULL;
	bad.iov_len = 1;
	CHECK_EQ(aiouring_register_buffers(ctx, &bad, NULL, 1), -EFAULT);
	bad.iov_len = 0;
	CHECK_EQ(aiouring_register_buffers(ctx, &bad, &tag, 1), -EINVAL);
	bad.iov_base = hole();
	bad.iov_len = BLOCK;
	CHECK_EQ(aiouring_register_buffers(ctx, &bad, NULL, 1), -EFAULT);
	bad.iov_base = KERNEL_ADDRESS;
	CHECK_EQ(aiouring_register_buffers(ctx, &bad, NULL, 1), -EFAULT);
	/* Of two the second: the first is not left registered, nor its tag told of. */
	{
		struct iovec two[2] = {{memory, BLOCK}, {hole(), BLOCK}};
		__u64 tags[2] = {5, 6};

		CHECK_EQ(aiouring_register_buffers(ctx, two, tags, 2), -EFAULT);
	}
	CHECK_PENDING(ctx);
	CHECK_EQ(aiouring_find_buffer(ctx, memory, 1), -ENXIO);
	CHECK(!is_fixed(memory, BLOCK, 0));
}

static void boundaries(void)
{
	struct iovec vec[3] = {{memory + BLOCK, 2 * BLOCK}, {NULL, 0}, {memory + 16 * BLOCK, 16 * BLOCK}};
	struct iovec two[2];
	char *half = memory + 4 * BLOCK + 512;
	struct iovec odd = {half, 2 * BLOCK};
	int write;

	CHECK_EQ(aiouring_register_buffers(ctx, vec, NULL, 3), 0);
	CHECK_EQ(aiouring_register_buffers(ctx, vec, NULL, 3), -EBUSY);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + BLOCK, 2 * BLOCK), 0);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + BLOCK, 2 * BLOCK + 1), -ENOENT);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + BLOCK - 1, 1), -ENOENT);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + 3 * BLOCK - 1, 1), 0);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + 3 * BLOCK, 1), -ENOENT);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + 16 * BLOCK, 0), -ENOENT);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + 32 * BLOCK - 1, 1), 2);
	CHECK_EQ(aiouring_find_buffer(NULL, memory, 1), -EINVAL);
	for (write = 0; write < 2; write++) {
		CHECK(is_fixed(memory + BLOCK, 2 * BLOCK, write));
		CHECK(is_fixed(memory + 2 * BLOCK, BLOCK, write));
		CHECK(is_fixed(memory + 2 * BLOCK + 512, BLOCK - 512, write));
		/* One block beyond, one before, none. */
		CHECK(!is_fixed(memory + 2 * BLOCK, 2 * BLOCK, write));
		CHECK(!is_fixed(memory, 2 * BLOCK, write));
		CHECK(!is_fixed(memory + 8 * BLOCK, BLOCK, write));
		CHECK(is_fixed(memory + 16 * BLOCK, 16 * BLOCK, write));
		/* The pieces of a vector, in one buffer, at its very end, out of order; in two; of no length. */
		two[0].iov_base = memory + 31 * BLOCK;
		two[1].iov_base = memory + 16 * BLOCK;
		two[0].iov_len = two[1].iov_len = BLOCK;
		CHECK(is_fixed_vector(two, 2, write));
		two[1].iov_base = memory + BLOCK;
		CHECK(!is_fixed_vector(two, 2, write));
		two[1].iov_base = memory + 32 * BLOCK;
		CHECK(!is_fixed_vector(two, 2, write));
		CHECK(is_fixed_vector(two, 1, write));
	}

	/* An update fills the empty place, with a start that is not a page's; another empties a place. */
	CHECK_EQ(aiouring_register_buffers_update(ctx, 3, &odd, NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_register_buffers_update(ctx, 2, &odd, NULL, 2), -EINVAL);
	CHECK_EQ(aiouring_register_buffers_update(ctx, ~0U, &odd, NULL, 2), -EINVAL);
	CHECK_EQ(aiouring_register_buffers_update(ctx, 1, &odd, NULL, 1), 1);
	CHECK_EQ(aiouring_find_buffer(ctx, half, 2 * BLOCK), 1);
	CHECK(is_fixed(half, 2 * BLOCK, 0));
	CHECK(is_fixed(half + BLOCK, BLOCK, 1));
	CHECK(!is_fixed(half - 512, BLOCK, 0));
	CHECK(!is_fixed(half + 512, 2 * BLOCK, 0));
	CHECK_EQ(aiouring_register_buffers_update(ctx, 2, &vec[1], NULL, 1), 1);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + 16 * BLOCK, 1), -ENOENT);
	CHECK(!is_fixed(memory + 16 * BLOCK, BLOCK, 0));
	/* Over another; what is bad changes nothing. */
	vec[1].iov_base = memory;
	vec[1].iov_len = 8 * BLOCK;
	vec[2].iov_base = hole();
	CHECK_EQ(aiouring_register_buffers_update(ctx, 1, vec + 1, NULL, 2), 1);
	CHECK(is_fixed(memory, 8 * BLOCK, 0));
	CHECK_EQ(aiouring_register_buffers_update(ctx, 0, vec + 2, NULL, 1), -EFAULT);
	CHECK_EQ(aiouring_find_buffer(ctx, memory + BLOCK, BLOCK) >= 0, 1);
	CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
	CHECK_EQ(aiouring_unregister_buffers(ctx), -ENXIO);
	CHECK(!is_fixed(memory, BLOCK, 0));
}

/* Takes the event of a tag. */
static void expect_tag(__u64 tag)
{
	struct io_event event;

	reap(ctx, 1, &event);
	CHECK_EQ((__u64)(uintptr_t)event.data, tag);
	CHECK(event.obj == NULL);
	CHECK_EQ((long)event.res, 0);
	CHECK_EQ((long)event.res2, 0);
}

static void tags(void)
{
	struct iovec vec[3] = {{memory, BLOCK}, {memory + BLOCK, BLOCK}, {memory + 2 * BLOCK, BLOCK}};
	struct iovec none = {NULL, 0}, many[40];
	__u64 tag[3] = {11, 0, 0xfedcba9876543210}, all[40];
	struct io_event events[64];
	unsigned seen = 0;
	int i;

	CHECK_EQ(aiouring_register_buffers(ctx, vec, tag, 3), 0);
	CHECK(is_fixed(memory, BLOCK, 0));
	CHECK_PENDING(ctx);
	CHECK_EQ(aiouring_register_buffers_update(ctx, 2, &none, NULL, 1), 1);
	expect_tag(tag[2]);
	/* One that takes the place of another. */
	tag[1] = 12;
	CHECK_EQ(aiouring_register_buffers_update(ctx, 0, vec, tag + 1, 1), 1);
	expect_tag(11);
	CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
	expect_tag(12);

	/* A tag has the place of an event: a context of one has none left for a request. */
	{
		io_context_t small = setup(1);
		struct iocb iocb;
		int capacity = 0, submitted;

		for (i = 0; i < 40; i++) {
			many[i].iov_base = memory + i * BLOCK;
			many[i].iov_len = BLOCK;
			all[i] = (__u64)i + 1;
		}
		CHECK_EQ(aiouring_register_buffers(small, NULL, NULL, 4096), 0);
		for (;;) {
			int result = aiouring_register_buffers_update(small, (unsigned)capacity, many, all, 1);

			if (result == -EAGAIN)
				break;
			CHECK_EQ(result, 1);
			capacity++;
			CHECK_LE(capacity, 4095);
		}
		CHECK_GE(capacity, 1);
		io_prep_pread(&iocb, direct, memory + ROOM / 2, BLOCK, 0);
		submitted = submit_one(small, &iocb);
		CHECK_EQ(submitted, -EAGAIN);
		CHECK_EQ(aiouring_register_buffers_update(small, 0, &none, NULL, 1), 1);
		reap(small, 1, events);
		CHECK_EQ(submit_one(small, &iocb), 1);
		reap(small, 1, events);
		CHECK_EQ((long)events[0].res, BLOCK);
		CHECK_EQ(io_destroy(small), 0);
	}

	/* All of them are told of, also with requests that use them under way. */
	CHECK_EQ(aiouring_register_buffers(ctx, many, all, 40), 0);
	{
		struct iocb iocbs[40], *list[40];

		for (i = 0; i < 40; i++) {
			io_prep_pread(&iocbs[i], direct, memory + i * BLOCK, BLOCK, i * BLOCK);
			list[i] = &iocbs[i];
		}
		CHECK_EQ(io_submit(ctx, 40, list), 40);
		CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
		for (i = 0; i < 80; i++) {
			struct io_event event;

			reap(ctx, 1, &event);
			if (event.obj) {
				long which = event.obj - iocbs;

				CHECK_EQ((long)event.res, BLOCK);
				CHECK_PATTERN(memory + which * BLOCK, BLOCK, SEED, which * BLOCK);
			} else {
				seen++;
			}
		}
		CHECK_EQ(seen, 40);
	}
	/* The end of a context with tags. */
	{
		io_context_t other = setup(64);

		CHECK_EQ(aiouring_register_buffers(other, many, all, 40), 0);
		CHECK_EQ(io_destroy(other), 0);
		CHECK_EQ(aiouring_unregister_buffers(other), -EINVAL);
	}
	CHECK_PENDING(ctx);
}

/* Two contexts have buffers of their own, at the same place too, and as many as a ring has in all. */
static void contexts(void)
{
	struct iovec vec = {memory, ROOM};
	io_context_t own = ctx, other = setup(8), third = setup(8);

	CHECK_EQ(aiouring_register_buffers(ctx, &vec, NULL, 1), 0);
	vec.iov_len = BLOCK;
	CHECK_EQ(aiouring_register_buffers(other, &vec, NULL, 1), 0);
	ctx = other;
	CHECK(is_fixed(memory, BLOCK, 0));
	CHECK(!is_fixed(memory + BLOCK, BLOCK, 0));
	ctx = own;
	CHECK(is_fixed(memory + BLOCK, BLOCK, 0));
	CHECK_EQ(aiouring_register_buffers(third, NULL, NULL, 16384), -ENOSPC);
	CHECK_EQ(io_destroy(other), 0);
	CHECK(is_fixed(memory + BLOCK, BLOCK, 0));
	CHECK_EQ(aiouring_register_buffers(third, NULL, NULL, 16383), 0);
	CHECK_EQ(aiouring_register_buffers_update(third, 16382, &vec, NULL, 1), 1);
	ctx = third;
	CHECK(is_fixed(memory, BLOCK, 0));
	ctx = own;
	CHECK_EQ(io_destroy(third), 0);
	CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
}

/* Buffered files too: reads of what is not cached, and the rest of what is in part. */
static void buffered(int fd)
{
	struct iovec vec = {memory, ROOM};
	struct iocb iocb;

	CHECK_EQ(aiouring_register_buffers(ctx, &vec, NULL, 1), 0);
	memset(memory, 0, ROOM);
	drop_cache(fd, 0, 0);
	io_prep_pread(&iocb, fd, memory + 1, 3 * BLOCK + 7, 11);
	EVENT_IS(ctx, &iocb, 3 * BLOCK + 7);
	CHECK_PATTERN(memory + 1, 3 * BLOCK + 7, SEED, 11);
	io_prep_pread(&iocb, fd, memory, ROOM, FILE_SIZE - 5000);
	EVENT_IS(ctx, &iocb, 5000);
	CHECK_PATTERN(memory, 5000, SEED, FILE_SIZE - 5000);
	io_prep_pwrite(&iocb, fd, memory, 5000, FILE_SIZE - 5000);
	EVENT_IS(ctx, &iocb, 5000);
	/* What direct I/O refuses it refuses here. */
	io_prep_pread(&iocb, direct, memory + 1, BLOCK, 0);
	EVENT_IS(ctx, &iocb, -EINVAL);
	io_prep_pread(&iocb, direct, memory, 100, 0);
	EVENT_IS(ctx, &iocb, -EINVAL);
	/* Across the end of the file, and a write that extends it, which io_submit does itself. */
	io_prep_pread(&iocb, direct, memory, 4 * BLOCK, FILE_SIZE - 2 * BLOCK);
	EVENT_IS(ctx, &iocb, 2 * BLOCK);
	CHECK_PATTERN(memory, 2 * BLOCK, SEED, FILE_SIZE - 2 * BLOCK);
	fill(memory, 2 * BLOCK, SEED, FILE_SIZE);
	io_prep_pwrite(&iocb, direct, memory, 2 * BLOCK, FILE_SIZE);
	EVENT_IS(ctx, &iocb, 2 * BLOCK);
	memset(memory, 0, 2 * BLOCK);
	io_prep_pread(&iocb, direct, memory, 4 * BLOCK, FILE_SIZE);
	EVENT_IS(ctx, &iocb, 2 * BLOCK);
	CHECK_PATTERN(memory, 2 * BLOCK, SEED, FILE_SIZE);
	CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
}

int main(void)
{
	int fd = temp_file(FILE_SIZE, SEED);

	direct = reopen(fd, O_RDWR | O_DIRECT);
	/* Direct writes that find data in the cache are done by io_submit itself, which needs access. */
	drop_cache(fd, 0, 0);
	memory = (char *)pages(ROOM);
	ctx = setup(128);
	if (aiouring_context_backend(ctx) != 1)
		SKIP("no ring");
	errors();
	boundaries();
	tags();
	contexts();
	buffered(fd);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
