/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Registered buffers while others use them: updates under transfers, two threads that register and submit, contexts that
 * end with everything in flight, a child, a user who may lock no memory, and memory that comes to be other memory.
 */
#include <aiouring.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "aio_check.h"

/* The thread sanitizer does not follow threads of children. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITHOUT_CHILDREN 1
#endif
#endif
#ifndef WITHOUT_CHILDREN
#define WITHOUT_CHILDREN 0
#endif

enum { BLOCK = 4096, BLOCKS = 64, SEED = 21, DEPTH = 16 };

static int direct;

/* Reads at random places into memory that is registered, is not, or is between the two. */
struct worker {
	io_context_t ctx;
	char *memory;
	long rounds;
	uint64_t seed;
};

static void batch(io_context_t ctx, char *memory, uint64_t *seed)
{
	struct iocb iocbs[DEPTH], *list[DEPTH];
	struct io_event events[DEPTH];
	struct iovec vecs[DEPTH][2];
	int i, half, got = 0;

	for (i = 0; i < DEPTH; i++) {
		char *at = memory + i * 2 * BLOCK;
		long long offset;

		*seed = mix(*seed + 1);
		offset = (long long)(*seed % (BLOCKS - 1)) * BLOCK;
		memset(at, 0, 2 * BLOCK);
		if (*seed >> 62) {
			io_prep_pread(&iocbs[i], direct, at, 2 * BLOCK, offset);
		} else {
			/* The pieces in the other order. */
			for (half = 0; half < 2; half++) {
				vecs[i][half].iov_base = at + (1 - half) * BLOCK;
				vecs[i][half].iov_len = BLOCK;
			}
			io_prep_preadv(&iocbs[i], direct, vecs[i], 2, offset);
		}
		iocbs[i].data = (void *)(uintptr_t)offset;
		list[i] = &iocbs[i];
	}
	CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
	while (got < DEPTH) {
		struct io_event *event = &events[0];
		char *at;
		long offset;

		reap(ctx, 1, events);
		/* A tag may come in between. */
		if (!event->obj)
			continue;
		got++;
		CHECK_EQ((long)event->res, 2 * BLOCK);
		at = memory + (event->obj - iocbs) * 2 * BLOCK;
		offset = (long)(uintptr_t)event->data;
		if (event->obj->aio_lio_opcode == IO_CMD_PREADV) {
			CHECK_PATTERN(at + BLOCK, BLOCK, SEED, (uint64_t)offset);
			CHECK_PATTERN(at, BLOCK, SEED, (uint64_t)offset + BLOCK);
		} else {
			CHECK_PATTERN(at, 2 * BLOCK, SEED, (uint64_t)offset);
		}
	}
}

static void *submit_always(void *argument)
{
	struct worker *w = (struct worker *)argument;
	long round;

	for (round = 0; round < w->rounds; round++)
		batch(w->ctx, w->memory, &w->seed);
	return NULL;
}

static atomic_int stop;

/* Registers, replaces and takes back what the others use; whatever comes of each call, it is one of these. */
static void *change_always(void *argument)
{
	struct worker *w = (struct worker *)argument;
	struct iovec vecs[4];
	uint64_t seed = 100 + (uint64_t)w->rounds;

	while (!stop) {
		int i, result;

		seed = mix(seed + 1);
		for (i = 0; i < 4; i++) {
			vecs[i].iov_base = w->memory + (seed >> (8 * i)) % 16 * BLOCK;
			vecs[i].iov_len = (1 + (seed >> (8 * i + 4)) % 16) * BLOCK;
		}
		switch (seed % 3) {
		case 0:
			result = aiouring_register_buffers(w->ctx, vecs, NULL, 4);
			CHECK(result == 0 || result == -EBUSY);
			break;
		case 1:
			result = aiouring_register_buffers_update(w->ctx, (unsigned)(seed >> 40) % 4, vecs, NULL, 1);
			CHECK(result == 1 || result == -ENXIO);
			break;
		default:
			result = aiouring_unregister_buffers(w->ctx);
			CHECK(result == 0 || result == -ENXIO);
		}
	}
	return NULL;
}

/* One thread submits, two change the buffers that it uses. */
static void threads(void)
{
	struct worker w = {setup(4 * DEPTH), (char *)pages(DEPTH * 2 * BLOCK), 40 * test_scale(), 1};
	struct worker other = {w.ctx, w.memory, 0, 2};
	pthread_t submitter, changer[2];
	int i;

	CHECK_EQ(pthread_create(&changer[0], NULL, change_always, &w), 0);
	CHECK_EQ(pthread_create(&changer[1], NULL, change_always, &other), 0);
	CHECK_EQ(pthread_create(&submitter, NULL, submit_always, &w), 0);
	CHECK_EQ(pthread_join(submitter, NULL), 0);
	stop = 1;
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(changer[i], NULL), 0);
	CHECK_EQ(io_destroy(w.ctx), 0);
}

/* The end of a context with transfers in flight, tagged or not, again and again; the memory is the program's then. */
static void ends(void)
{
	char *memory = (char *)pages(BLOCKS * BLOCK);
	long round;
	int i;

	for (round = 0; round < 50 * test_scale(); round++) {
		io_context_t ctx = setup(2 * DEPTH);
		struct iocb iocbs[DEPTH], *list[DEPTH];
		struct iovec vec = {memory, BLOCKS * BLOCK};
		__u64 tag = (__u64)round & 1;

		CHECK_EQ(aiouring_register_buffers(ctx, &vec, &tag, 1), 0);
		for (i = 0; i < DEPTH; i++) {
			io_prep_pread(&iocbs[i], direct, memory + i * BLOCK, BLOCK, i * BLOCK);
			list[i] = &iocbs[i];
		}
		CHECK_EQ(io_submit(ctx, DEPTH, list), DEPTH);
		if (round % 3 == 0)
			CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
		CHECK_EQ(io_destroy(ctx), 0);
		for (i = 0; i < DEPTH; i++)
			CHECK_PATTERN(memory + i * BLOCK, BLOCK, SEED, (uint64_t)i * BLOCK);
		memset(memory, 0, DEPTH * BLOCK);
	}
	CHECK_EQ(munmap(memory, BLOCKS * BLOCK), 0);
}

/* What a child has of its parent's buffers is nothing; and it can have its own. */
static void children(void)
{
	io_context_t ctx = setup(2 * DEPTH);
	char *memory = (char *)pages(BLOCKS * BLOCK);
	struct iovec vec = {memory, BLOCKS * BLOCK};
	uint64_t seed = 5;
	pid_t child;

	CHECK_EQ(aiouring_register_buffers(ctx, &vec, NULL, 1), 0);
	batch(ctx, memory, &seed);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		io_context_t own = setup(2 * DEPTH);

		CHECK_EQ(aiouring_find_buffer(ctx, memory, 1), -EINVAL);
		CHECK_EQ(aiouring_unregister_buffers(ctx), -EINVAL);
		CHECK_EQ(aiouring_register_buffers(own, &vec, NULL, 1), 0);
		batch(own, memory, &seed);
		CHECK_EQ(io_destroy(own), 0);
		_exit(0);
	}
	wait_exit(child, 0);
	batch(ctx, memory, &seed);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* A user who may lock no memory is told so, and does without. */
static void unprivileged(void)
{
	pid_t child;

	if (getuid() != 0)
		return;
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0}, some;
		char *memory = (char *)pages(BLOCKS * BLOCK);
		struct iovec vec = {memory, BLOCKS * BLOCK};
		io_context_t ctx;
		uint64_t seed = 6;

		/* Rings count as well, on some kernels. */
		CHECK_EQ(setgid(65534), 0);
		CHECK_EQ(setuid(65534), 0);
		ctx = setup(2 * DEPTH);
		if (aiouring_context_backend(ctx) != 1)
			_exit(0);
		batch(ctx, memory, &seed);
		CHECK_EQ(getrlimit(RLIMIT_MEMLOCK, &some), 0);
		CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
		CHECK_EQ(aiouring_register_buffers(ctx, &vec, NULL, 1), -ENOMEM);
		CHECK_EQ(aiouring_find_buffer(ctx, memory, 1), -ENXIO);
		CHECK_EQ(aiouring_register_buffers(ctx, NULL, NULL, 1), 0);
		CHECK_EQ(aiouring_register_buffers_update(ctx, 0, &vec, NULL, 1), -ENOMEM);
		CHECK_EQ(aiouring_find_buffer(ctx, memory, 1), -ENOENT);
		batch(ctx, memory, &seed);
		CHECK_EQ(io_destroy(ctx), 0);
		_exit(0);
	}
	wait_exit(child, 0);
}

/* A buffer that was replaced by one elsewhere is no longer used; new memory at an old address is, once it is registered. */
static void replaced(void)
{
	io_context_t ctx = setup(2 * DEPTH);
	char *memory = (char *)pages(BLOCKS * BLOCK), *other = (char *)pages(BLOCK);
	struct iovec vec = {memory, BLOCKS * BLOCK}, elsewhere = {other, BLOCK};
	uint64_t seed = 7;
	int round;

	for (round = 0; round < 10; round++) {
		CHECK_EQ(aiouring_register_buffers(ctx, &vec, NULL, 1), 0);
		batch(ctx, memory, &seed);
		if (round & 1)
			CHECK_EQ(aiouring_register_buffers_update(ctx, 0, &elsewhere, NULL, 1), 1);
		else
			CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
		CHECK(mmap(memory, BLOCKS * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			   0) == memory);
		batch(ctx, memory, &seed);
		if (round & 1) {
			CHECK_EQ(aiouring_register_buffers_update(ctx, 0, &vec, NULL, 1), 1);
			batch(ctx, memory, &seed);
			CHECK_EQ(aiouring_unregister_buffers(ctx), 0);
		}
	}
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	int fd = temp_file(BLOCKS * BLOCK, SEED);
	io_context_t ctx = NULL;

	direct = reopen(fd, O_RDWR | O_DIRECT);
	drop_cache(fd, 0, 0);
	/* Before this process has a ring. */
	unprivileged();
	ctx = setup(1);
	if (aiouring_context_backend(ctx) != 1)
		SKIP("no ring");
	replaced();
	ends();
	if (!WITHOUT_CHILDREN)
		children();
	threads();
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
