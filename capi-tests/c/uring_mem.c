// oracle: no (from 2.5 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rings in memory of the program: how much is used, nothing beyond it, what does not do. */
#include "huge.h"
#include "uring_check.h"

enum { SIZE = 2 << 20 };

/* Each ring has its own: the kernel may write to it for a moment after the ring's end. */
static char *fresh(void)
{
	return (char *)pages(SIZE);
}

static int init(unsigned entries, struct io_uring *ring, unsigned flags, char *at, size_t size)
{
	struct io_uring_params params;

	memset(&params, 0, sizeof(params));
	params.flags = flags;
	return io_uring_queue_init_mem(entries, ring, &params, at, size);
}

static void use(struct io_uring *ring, unsigned rounds)
{
	unsigned n = ring->sq.ring_entries, i;

	while (rounds--) {
		nops(ring, n, rounds);
		CHECK(io_uring_get_sqe(ring) == NULL);
		CHECK_EQ(io_uring_submit_and_wait(ring, n), n);
		for (i = 0; i < n; i++)
			CHECK_EQ(take(ring).user_data, rounds + i);
	}
}

/* What is said to be needed is what is used, and what lies around it is left alone. */
static void fits(unsigned entries, unsigned cq_entries, unsigned flags)
{
	struct io_uring_params params;
	struct io_uring ring;
	char *memory = fresh();
	ssize_t need;
	size_t i;

	memset(&params, 0, sizeof(params));
	params.flags = flags | (cq_entries ? IORING_SETUP_CQSIZE : 0);
	params.cq_entries = cq_entries;
	need = io_uring_memory_size_params(entries, &params);
	CHECK_GE(need, 2 * 4096);
	CHECK_EQ(need % 4096, 0);
	CHECK_LE(need + 2 * 4096, SIZE);
	memset(memory, 0x5a, SIZE);
	memset(memory + 4096, 0, (size_t)need);
	CHECK_EQ(io_uring_queue_init_mem(entries, &ring, &params, memory + 4096, (size_t)need), need);
	CHECK(params.flags & IORING_SETUP_NO_MMAP);
	CHECK_EQ(params.flags, ring.flags);
	CHECK_EQ(params.cq_entries, ring.cq.ring_entries);
	CHECK((char *)ring.sq.sqes == memory + 4096);
	CHECK((char *)ring.cq.cqes > memory + 4096 && (char *)ring.cq.cqes < memory + 4096 + need);
	use(&ring, 2 * ring.cq.ring_entries / ring.sq.ring_entries + 2);
	io_uring_queue_exit(&ring);
	for (i = 0; i < 4096; i++) {
		CHECK_EQ(memory[i], 0x5a);
		CHECK_EQ(memory[4096 + (size_t)need + i], 0x5a);
	}
	CHECK(munmap(memory, SIZE) == 0);
	memory = fresh();
	/* A byte less does not do. */
	CHECK_EQ(init(entries, &ring, params.flags, memory + 4096, (size_t)need - 1),
		 cq_entries ? -EINVAL : -ENOMEM);
	params.cq_entries = cq_entries;
	CHECK_EQ(io_uring_queue_init_mem(entries, &ring, &params, memory + 4096, (size_t)need - 1), -ENOMEM);
	CHECK(munmap(memory, SIZE) == 0);
}

static void sizes(void)
{
	struct io_uring_params params;

	CHECK_EQ(io_uring_memory_size(0, 0), -EINVAL);
	CHECK_EQ(io_uring_memory_size(32769, 0), -EINVAL);
	CHECK_EQ(io_uring_memory_size(~0U, 0), -EINVAL);
	CHECK_EQ(io_uring_memory_size(1, 0), 2 * 4096);
	CHECK_EQ(io_uring_memory_size(64, 0), 2 * 4096);
	CHECK_EQ(io_uring_memory_size(128, 0), 8192 + 8192);
	CHECK_EQ(io_uring_memory_size(100, 0), io_uring_memory_size(128, 0));
	CHECK_EQ(io_uring_memory_size(1024, 0), 65536 + 32768 + 4096);
	CHECK_EQ(io_uring_memory_size(1024, IORING_SETUP_NO_SQARRAY), 65536 + 32768 + 4096);
	CHECK_EQ(io_uring_memory_size(1024, IORING_SETUP_SQE128), 131072 + 32768 + 4096);
	CHECK_EQ(io_uring_memory_size(1024, IORING_SETUP_CQE32), 65536 + 65536 + 4096);
	CHECK_EQ(io_uring_memory_size(100000, IORING_SETUP_CLAMP), (2 << 20) + (1 << 20) + 4096);
	CHECK_EQ(io_uring_memory_size(32768, IORING_SETUP_SQE128 | IORING_SETUP_CQE32), (4 << 20) + (2 << 20) + 4096);
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	CHECK_EQ(io_uring_memory_size_params(8, &params), -EINVAL);
	params.cq_entries = 4;
	CHECK_EQ(io_uring_memory_size_params(8, &params), -EINVAL);
	params.cq_entries = 65537;
	CHECK_EQ(io_uring_memory_size_params(8, &params), -EINVAL);
	params.flags |= IORING_SETUP_CLAMP;
	CHECK_EQ(io_uring_memory_size_params(8, &params), 4096 + (1 << 20) + 4096);
	params.cq_entries = 1000;
	CHECK_EQ(io_uring_memory_size_params(8, &params), 4096 + 16384 + 4096);
	/* Questions change nothing. */
	CHECK_EQ(params.flags, IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP);
	CHECK_EQ(params.cq_entries, 1000);
}

/* In a huge page, if root can have one. */
static void huge(void)
{
	struct io_uring ring;
	char *page;

	if (reserve_huge_page()) {
		page = (char *)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
		CHECK(page != MAP_FAILED);
		CHECK_EQ(init(4096, &ring, 0, page, SIZE), io_uring_memory_size(4096, 0));
		use(&ring, 3);
		io_uring_queue_exit(&ring);
		CHECK(munmap(page, SIZE) == 0);
	}
	release_huge_page();
}

int main(void)
{
	struct io_uring ring, second;
	unsigned entries, wide;
	char *memory = fresh();
	int used;

	sizes();
	used = init(64, &ring, 0, memory, SIZE);
	if (used == -EPERM || used == -ENOSYS || used == -EINVAL)
		SKIP("no rings in a program's memory: %d", used);
	CHECK_EQ(used, 2 * 4096);
	use(&ring, 10);

	/* Another one behind it. */
	CHECK_EQ(init(64, &second, 0, memory + used, (size_t)used), used);
	use(&ring, 2);
	use(&second, 3);
	use(&ring, 2);
	CHECK_EQ(io_uring_ring_dontfork(&second), 0);
	io_uring_queue_exit(&ring);
	use(&second, 3);
	io_uring_queue_exit(&second);
	/* The memory is the program's still. */
	memset(memory, 1, SIZE);

	for (wide = 0; wide < 4; wide++) {
		unsigned flags = (wide & 1 ? IORING_SETUP_SQE128 : 0) | (wide & 2 ? IORING_SETUP_CQE32 : 0);

		for (entries = 1; entries <= 4096; entries *= 4) {
			fits(entries, 0, flags);
			fits(entries, entries, flags);
			fits(entries, 2 * entries + 1, flags);
		}
		fits(1, 16384, flags);
	}

	memory = fresh();
	CHECK_EQ(init(64, &ring, 0, memory, 4096), -ENOMEM);
	CHECK_EQ(init(64, &ring, 0, memory, 0), -ENOMEM);
	CHECK_EQ(init(0, &ring, 0, memory, SIZE), -EINVAL);
	CHECK_EQ(init(0, &ring, 0, memory, 0), -EINVAL);
	CHECK_EQ(init(32769, &ring, 0, memory, SIZE), -EINVAL);
	CHECK_EQ(init(64, &ring, 1U << 31, memory, SIZE), -EINVAL);
	/* Not at a page's start, not there, not to be written. */
	CHECK_EQ(init(64, &ring, 0, memory + 64, SIZE - 64), -EINVAL);
	CHECK_EQ(init(64, &ring, 0, hole(), HOLE), -EFAULT);
	CHECK_EQ(init(64, &ring, 0, (char *)16384, SIZE), -EFAULT);
	CHECK(mprotect(memory, SIZE, PROT_READ) == 0);
	CHECK_EQ(init(64, &ring, 0, memory, SIZE), -EFAULT);
	CHECK(mprotect(memory, SIZE, PROT_READ | PROT_WRITE) == 0);
	/* None at all: the library's own. */
	CHECK_EQ(init(64, &ring, 0, NULL, 0), 2 * 4096);
	use(&ring, 3);
	io_uring_queue_exit(&ring);
	huge();
	return 0;
}
