// oracle: no (the array is asked to be left out from 2.5 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How set-up asks the kernel: without the array first, with it where the kernel does not know that; never more often. */
#include "huge.h"
#include "kernel.h"
#include "uring_check.h"

enum { MAX_CALLS = 8 };

static unsigned calls, flags_seen[MAX_CALLS];
static unsigned unknown_flags;
static long refusal;
/* Up to 6.13 a part of a ring in memory of the program is one page, or within one huge page. */
static int in_pieces_only;

static long scripted(const struct call *call)
{
	struct io_uring_params *p = (struct io_uring_params *)call->args[1];

	if (call->nr == __NR_io_uring_register)
		return real(call);
	CHECK(calls < MAX_CALLS);
	flags_seen[calls++] = p->flags;
	if (refusal)
		return refusal;
	if (p->flags & unknown_flags)
		return -EINVAL;
	if (in_pieces_only && (p->flags & IORING_SETUP_NO_MMAP) && p->sq_off.user_addr % (2 << 20) != 0)
		return -EINVAL;
	return real(call);
}

static int init(unsigned entries, struct io_uring *ring, unsigned flags, struct io_uring_params *params)
{
	memset(params, 0, sizeof(*params));
	params->flags = flags;
	calls = 0;
	return io_uring_queue_init_params(entries, ring, params);
}

static void use(struct io_uring *ring)
{
	unsigned i, n = ring->sq.ring_entries;

	for (i = 0; i < 3; i++) {
		unsigned k;

		nops(ring, n, i);
		/* As programs that were built against old headers do. */
		for (k = 0; k < n; k++)
			ring->sq.array[k] = k;
		CHECK_EQ(io_uring_submit_and_wait(ring, n), n);
		for (k = 0; k < n; k++)
			CHECK_EQ(take(ring).user_data, i + k);
	}
}

int main(void)
{
	static const long errors[] = {-EPERM, -ENOSYS, -ENOMEM, -EMFILE, -EFAULT};
	const unsigned no_array = IORING_SETUP_NO_SQARRAY, coop = IORING_SETUP_COOP_TASKRUN;
	struct io_uring_params params;
	struct io_uring ring, zeroed;
	unsigned i;

	memset(&zeroed, 0, sizeof(zeroed));
	answer = scripted;
	play_kernel();

	if (init(8, &ring, coop | no_array, &params) == -EINVAL)
		SKIP("the kernel cannot do without the array");
	CHECK_EQ(calls, 1);
	CHECK_EQ(flags_seen[0], coop | no_array);
	use(&ring);
	io_uring_queue_exit(&ring);

	/* What it became is there to be seen. */
	CHECK_EQ(init(8, &ring, coop, &params), 0);
	CHECK_EQ(calls, 1);
	CHECK_EQ(flags_seen[0], coop | no_array);
	CHECK_EQ(params.flags, coop | no_array);
	CHECK_EQ(ring.flags, coop | no_array);
	use(&ring);
	io_uring_queue_exit(&ring);

	/* Before 6.6. */
	unknown_flags = no_array;
	CHECK_EQ(init(8, &ring, coop, &params), 0);
	CHECK_EQ(calls, 2);
	CHECK_EQ(flags_seen[0], coop | no_array);
	CHECK_EQ(flags_seen[1], coop);
	CHECK_EQ(params.flags, coop);
	CHECK_EQ(ring.flags, coop);
	use(&ring);
	io_uring_queue_exit(&ring);
	calls = 0;
	CHECK_EQ(io_uring_queue_init(8, &ring, 0), 0);
	CHECK_EQ(calls, 2);
	use(&ring);
	io_uring_queue_exit(&ring);
	/* Asked for, it is not dropped. */
	CHECK_EQ(init(8, &ring, no_array, &params), -EINVAL);
	CHECK_EQ(calls, 1);
	CHECK_EQ(params.flags, no_array);

	/* If it was not the array, the parameters are as before. */
	unknown_flags = no_array | coop;
	CHECK_EQ(init(8, &ring, coop, &params), -EINVAL);
	CHECK_EQ(calls, 2);
	CHECK_EQ(params.flags, coop);
	unknown_flags = 0;
	for (i = 0; i < COUNT_OF(errors); i++) {
		refusal = errors[i];
		CHECK_EQ(init(8, &ring, coop, &params), errors[i]);
		CHECK_EQ(calls, 1);
		/* Ending what never began does no harm. */
		io_uring_queue_exit(&ring);
		CHECK(fcntl(0, F_GETFD) >= 0);
	}
	refusal = 0;
	io_uring_queue_exit(&zeroed);
	CHECK(fcntl(0, F_GETFD) >= 0);

	/* The same in memory of the program: 6.5 knows that, but not to leave out the array. */
	unknown_flags = no_array;
	memset(&params, 0, sizeof(params));
	params.flags = coop;
	calls = 0;
	CHECK_EQ(io_uring_queue_init_mem(1024, &ring, &params, pages(1 << 20), 1 << 20), 65536 + 32768 + 2 * 4096);
	CHECK_EQ(calls, 2);
	CHECK_EQ(flags_seen[0], coop | no_array | IORING_SETUP_NO_MMAP);
	CHECK_EQ(flags_seen[1], coop | IORING_SETUP_NO_MMAP);
	CHECK_EQ(params.flags, coop | IORING_SETUP_NO_MMAP);
	use(&ring);
	io_uring_queue_exit(&ring);
	/* Enough without it, but not with it. */
	memset(&params, 0, sizeof(params));
	CHECK_EQ(io_uring_queue_init_mem(1024, &ring, &params, pages(1 << 20), 65536 + 32768 + 4096), -ENOMEM);
	unknown_flags = 0;
	memset(&params, 0, sizeof(params));
	calls = 0;
	CHECK_EQ(io_uring_queue_init_mem(1024, &ring, &params, pages(1 << 20), 65536 + 32768 + 4096), 65536 + 32768 + 4096);
	CHECK_EQ(calls, 1);
	use(&ring);
	io_uring_queue_exit(&ring);
	/* Too little is seen without the kernel. */
	memset(&params, 0, sizeof(params));
	calls = 0;
	CHECK_EQ(io_uring_queue_init_mem(1024, &ring, &params, pages(1 << 20), 65536 + 32768 + 4095), -ENOMEM);
	CHECK_EQ(calls, 0);

	/* The library's own memory: a second attempt in a huge page, if there is one, where a page is too small. */
	in_pieces_only = 1;
	CHECK_EQ(init(8, &ring, IORING_SETUP_NO_MMAP, &params), -EINVAL);
	CHECK_EQ(calls, 2);
	if (reserve_huge_page()) {
		CHECK_EQ(init(1024, &ring, IORING_SETUP_NO_MMAP, &params), 0);
		CHECK_EQ(calls, 3);
		CHECK_EQ((uintptr_t)ring.sq.sqes % (2 << 20), 0);
		/* There was but one. */
		if (atoi(huge_pages_before) == 0) {
			struct io_uring second;

			CHECK_EQ(init(1024, &second, IORING_SETUP_NO_MMAP, &params), -ENOMEM);
			CHECK_EQ(calls, 2);
		}
		use(&ring);
		io_uring_queue_exit(&ring);
		/* It is given back, as soon as the kernel has done with the ring. */
		for (i = 0; i < 1000 && init(16384, &ring, IORING_SETUP_NO_MMAP, &params) == -ENOMEM; i++)
			sleep_ms(5);
		CHECK_LE(i, 999);
		use(&ring);
		io_uring_queue_exit(&ring);
	}
	release_huge_page();
	/* More than a huge page. */
	CHECK_EQ(init(32768, &ring, IORING_SETUP_NO_MMAP, &params), -ENOMEM);
	CHECK_EQ(calls, 2);
	in_pieces_only = 0;
	/* The kernel wants that together. */
	CHECK_EQ(init(8, &ring, IORING_SETUP_REGISTERED_FD_ONLY, &params), -EINVAL);
	return 0;
}
