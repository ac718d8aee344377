// old-kernel: no (vectors in registered buffers)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registered buffers of a ring that are found by address: requests that use them, that do not, updates, tags, threads. */
#include <aiouring.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { BLOCK = 4096, ROOM = 64 * BLOCK, FILE_SIZE = 64 * BLOCK, SEED = 9 };

static struct io_uring ring;
static char *memory;
static int direct;

static int result_of(void)
{
	struct io_uring_cqe *cqe;
	int result;

	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 77);
	result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static struct io_uring_sqe *entry(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	CHECK(sqe != NULL);
	io_uring_sqe_set_data64(sqe, 77);
	return sqe;
}

/* Reads and writes a piece; which way the request is prepared and which way it goes have to agree. */
static void piece(struct aiouring_buffers *buffers, char *at, unsigned len, int fixed)
{
	uintptr_t first = (uintptr_t)at & ~(uintptr_t)(BLOCK - 1);
	size_t size = (uintptr_t)at + len - first;

	memset(at, 0, len);
	CHECK_EQ(mprotect((void *)first, size, PROT_NONE), 0);
	CHECK_EQ(aiouring_buffers_prep_read(buffers, entry(), direct, at, len, BLOCK), fixed);
	CHECK_EQ(result_of(), fixed ? (int)len : -EFAULT);
	CHECK_EQ(mprotect((void *)first, size, PROT_READ | PROT_WRITE), 0);
	if (fixed)
		CHECK_PATTERN(at, len, SEED, BLOCK);
	fill(at, len, SEED, BLOCK);
	CHECK_EQ(aiouring_buffers_prep_write(buffers, entry(), direct, at, len, BLOCK), fixed);
	CHECK_EQ(result_of(), (int)len);
	memset(at, 0, len);
	CHECK_EQ(aiouring_buffers_prep_read(buffers, entry(), direct, at, len, BLOCK), fixed);
	CHECK_EQ(result_of(), (int)len);
	CHECK_PATTERN(at, len, SEED, BLOCK);
}

static void vectors(struct aiouring_buffers *buffers, int known)
{
	struct iovec vec[3] = {{memory + 3 * BLOCK, BLOCK}, {memory, BLOCK}, {memory + 7 * BLOCK, BLOCK}};
	int i, count;

	for (count = 1; count <= 3; count++) {
		/* The third piece is one buffer further. */
		int fixed = known && count < 3;

		memset(memory, 0, 8 * BLOCK);
		CHECK_EQ(aiouring_buffers_prep_readv(buffers, entry(), direct, vec, (unsigned)count, 0, 0), fixed);
		CHECK_EQ(result_of(), count * BLOCK);
		for (i = 0; i < count; i++)
			CHECK_PATTERN(vec[i].iov_base, BLOCK, SEED, (uint64_t)i * BLOCK);
		CHECK_EQ(aiouring_buffers_prep_writev(buffers, entry(), direct, vec, (unsigned)count, 0, RWF_DSYNC), fixed);
		CHECK_EQ(result_of(), count * BLOCK);
	}
	/* No pieces, a piece of no length: the kernel's matter. */
	CHECK_EQ(aiouring_buffers_prep_readv(buffers, entry(), direct, vec, 0, 0, 0), 0);
	CHECK_EQ(result_of(), 0);
	vec[1].iov_len = 0;
	CHECK_EQ(aiouring_buffers_prep_readv(buffers, entry(), direct, vec, 2, 0, 0), 0);
	CHECK_EQ(result_of(), BLOCK);
}

static void expect_tag(__u64 tag)
{
	struct io_uring_cqe *cqe;

	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, tag);
	CHECK_EQ(cqe->res, 0);
	io_uring_cqe_seen(&ring, cqe);
}

struct looker {
	struct aiouring_buffers *buffers;
	volatile int stop;
	long found;
};

/* What is looked up while another thread updates is a buffer that was, or none; and never one that is elsewhere. */
static void *look(void *argument)
{
	struct looker *looker = (struct looker *)argument;

	while (!looker->stop) {
		int index = aiouring_buffers_find(looker->buffers, memory + 5 * BLOCK, BLOCK);

		CHECK(index == 0 || index == 1 || index == -ENOENT);
		/* This one stays. */
		CHECK_EQ(aiouring_buffers_find(looker->buffers, memory + 16 * BLOCK, BLOCK), 2);
		looker->found += index >= 0;
	}
	return NULL;
}

static void threads(void)
{
	struct iovec vec[3] = {{memory, 8 * BLOCK}, {NULL, 0}, {memory + 16 * BLOCK, BLOCK}};
	struct looker looker = {NULL, 0, 0};
	pthread_t thread[2];
	long i, rounds = 200 * test_scale();

	CHECK_EQ(aiouring_buffers_create(&looker.buffers, &ring, vec, NULL, 3), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, look, &looker), 0);
	for (i = 0; i < rounds; i++) {
		struct iovec swap[2] = {vec[i & 1], vec[~i & 1]};

		CHECK_EQ(aiouring_buffers_update(looker.buffers, 0, swap, NULL, 2), 2);
		piece(looker.buffers, memory + 5 * BLOCK, BLOCK, 1);
	}
	looker.stop = 1;
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK_EQ(aiouring_buffers_destroy(looker.buffers), 0);
}

/* A user who may lock no memory. */
static void unprivileged(void)
{
	pid_t child;

	if (getuid() != 0)
		return;
	child = fork();
	if (child == 0) {
		struct rlimit none = {0, 0};
		struct iovec vec = {memory, ROOM};
		struct aiouring_buffers *buffers = NULL;
		struct io_uring own;

		CHECK_EQ(setgid(65534), 0);
		CHECK_EQ(setuid(65534), 0);
		CHECK_EQ(io_uring_queue_init(4, &own, 0), 0);
		CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
		CHECK_EQ(aiouring_buffers_create(&buffers, &own, &vec, NULL, 1), -ENOMEM);
		CHECK(buffers == NULL);
		CHECK_EQ(aiouring_buffers_create(&buffers, &own, NULL, NULL, 1), 0);
		CHECK_EQ(aiouring_buffers_update(buffers, 0, &vec, NULL, 1), -ENOMEM);
		CHECK_EQ(aiouring_buffers_find(buffers, memory, 1), -ENOENT);
		CHECK_EQ(aiouring_buffers_destroy(buffers), 0);
		_exit(0);
	}
	CHECK(child > 0);
	wait_exit(child, 0);
}

int main(void)
{
	int fd = temp_file(FILE_SIZE, SEED), i, known;
	struct iovec vec[3], none = {NULL, 0};
	__u64 tags[3] = {101, 0, 103}, tag = 104;
	struct aiouring_buffers *buffers = NULL;
	struct io_uring_probe *probe = io_uring_get_probe();

	CHECK(probe != NULL);
	known = io_uring_opcode_supported(probe, IORING_OP_READV_FIXED);
	io_uring_free_probe(probe);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	drop_cache(fd, 0, 0);
	memory = (char *)pages(ROOM);
	CHECK_EQ(io_uring_queue_init(16, &ring, 0), 0);
	vec[0].iov_base = memory;
	vec[0].iov_len = 4 * BLOCK;
	vec[1] = none;
	vec[2].iov_base = memory + 7 * BLOCK + 512;
	vec[2].iov_len = 5 * BLOCK;

	CHECK_EQ(aiouring_buffers_create(NULL, &ring, vec, NULL, 3), -EFAULT);
	CHECK_EQ(aiouring_buffers_create(&buffers, NULL, vec, NULL, 3), -EFAULT);
	CHECK_EQ(aiouring_buffers_create(&buffers, &ring, vec, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_buffers_create(&buffers, &ring, NULL, NULL, 16385), -EINVAL);
	CHECK_EQ(aiouring_buffers_create(&buffers, &ring, NULL, tags, 1), -EINVAL);
	CHECK_EQ(aiouring_buffers_destroy(NULL), 0);
	CHECK_EQ(aiouring_buffers_update(NULL, 0, vec, NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_buffers_find(NULL, memory, 1), -EINVAL);
	CHECK_EQ(aiouring_buffers_prep_read(NULL, NULL, direct, memory, BLOCK, 0), -EINVAL);
	vec[1].iov_base = hole();
	vec[1].iov_len = BLOCK;
	CHECK_EQ(aiouring_buffers_create(&buffers, &ring, vec, NULL, 3), -EFAULT);
	CHECK(buffers == NULL);
	vec[1] = none;

	CHECK_EQ(aiouring_buffers_create(&buffers, &ring, vec, tags, 3), 0);
	{
		struct aiouring_buffers *second = NULL;

		CHECK_EQ(aiouring_buffers_create(&second, &ring, vec, NULL, 3), -EBUSY);
	}
	piece(NULL, memory, BLOCK, 0);
	piece(buffers, memory, BLOCK, 1);
	piece(buffers, memory + 3 * BLOCK, BLOCK, 1);
	piece(buffers, memory + 3 * BLOCK, 2 * BLOCK, 0);
	piece(buffers, memory + 4 * BLOCK, BLOCK, 0);
	piece(buffers, memory + 7 * BLOCK + 512, 5 * BLOCK - 512, 1);
	piece(buffers, memory + 7 * BLOCK, BLOCK, 0);
	vectors(buffers, known);
	CHECK_EQ(aiouring_buffers_find(buffers, memory + 4 * BLOCK - 1, 1), 0);
	CHECK_EQ(aiouring_buffers_find(buffers, memory + 4 * BLOCK - 1, 2), -ENOENT);
	CHECK_EQ(aiouring_buffers_find(buffers, memory + 8 * BLOCK, 1), 2);

	CHECK_EQ(aiouring_buffers_update(buffers, 3, vec, NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_buffers_update(buffers, 1, vec, NULL, 3), -EINVAL);
	CHECK_EQ(aiouring_buffers_update(buffers, ~0U, vec, NULL, 2), -EINVAL);
	CHECK_EQ(aiouring_buffers_update(buffers, 0, NULL, NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_buffers_update(buffers, 0, &none, NULL, 1), 1);
	expect_tag(101);
	piece(buffers, memory, BLOCK, 0);
	CHECK_EQ(aiouring_buffers_update(buffers, 1, vec, &tag, 1), 1);
	piece(buffers, memory, 4 * BLOCK, 1);
	CHECK_EQ(aiouring_buffers_destroy(buffers), 0);
	for (i = 0; i < 2; i++) {
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		CHECK(cqe->user_data == 103 || cqe->user_data == 104);
		io_uring_cqe_seen(&ring, cqe);
	}

	/* As many as there can be, in places of their own. */
	CHECK_EQ(aiouring_buffers_create(&buffers, &ring, NULL, NULL, 16384), 0);
	for (i = 0; i < 64; i++) {
		vec[0].iov_base = memory + i * BLOCK;
		vec[0].iov_len = BLOCK;
		CHECK_EQ(aiouring_buffers_update(buffers, (unsigned)(16383 - 101 * i), vec, NULL, 1), 1);
	}
	for (i = 0; i < 64; i++)
		CHECK_EQ(aiouring_buffers_find(buffers, memory + i * BLOCK, BLOCK), 16383 - 101 * i);
	piece(buffers, memory + 63 * BLOCK, BLOCK, 1);
	CHECK_EQ(aiouring_buffers_destroy(buffers), 0);
	threads();
	unprivileged();
	io_uring_queue_exit(&ring);
	return 0;
}
