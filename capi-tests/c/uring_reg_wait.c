// oracle: no (from 2.9 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Waits whose arguments lie in a registered region; regions of the program and of the kernel. */
#include "uring_check.h"

static struct io_uring_reg_wait *waits;

/* A ring that is not yet enabled, and 4096 bytes registered for the arguments of its waits. */
static int region(struct io_uring *ring, unsigned ring_flags, void *at, __u64 size, __u64 flags)
{
	struct io_uring_region_desc desc;
	struct io_uring_mem_region_reg reg;
	int ret;

	make(ring, 8, ring_flags);
	memset(&desc, 0, sizeof(desc));
	desc.user_addr = (uintptr_t)at;
	desc.size = size;
	desc.flags = at ? IORING_MEM_REGION_TYPE_USER : 0;
	memset(&reg, 0, sizeof(reg));
	reg.region_uptr = (uintptr_t)&desc;
	reg.flags = flags;
	ret = io_uring_register_region(ring, &reg);
	if (ret == 0 && !at) {
		waits = (struct io_uring_reg_wait *)mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->ring_fd,
							 (off_t)desc.mmap_offset);
		CHECK(waits != MAP_FAILED);
	} else if (ret == 0) {
		CHECK_EQ(io_uring_register_region(ring, &reg), -EBUSY);
		waits = (struct io_uring_reg_wait *)at;
	}
	return ret;
}

static void nothing(int signo)
{
	(void)signo;
}

static void waiting(struct io_uring *ring)
{
	struct io_uring_cqe *cqe = (struct io_uring_cqe *)16;
	struct io_uring_sqe *sqe;
	struct __kernel_timespec later = ms(20);
	long start = now_ms();
	sigset_t mask;
	int i;

	memset(waits, 0, 4096);
	for (i = 0; i < 4096 / 64; i++) {
		waits[i].ts = ms(30 + i);
		waits[i].flags = IORING_REG_WAIT_TS;
	}
	/* Nothing comes, and nothing was handed over. */
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 0), -ETIME);
	CHECK(cqe == NULL);
	CHECK_ELAPSED(start, 30);
	start = now_ms();
	/* Linux 6.18 takes the first entry for the last one, 63. */
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 62), -ETIME);
	CHECK_ELAPSED(start, 92);

	/* Handed over, and there at once or in time. */
	nops(ring, 2, 7);
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 2, 1), 2);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->user_data, 7);
	io_uring_cq_advance(ring, 2);
	waits[2].ts = ms(10000);
	sqe = next(ring);
	io_uring_prep_timeout(sqe, &later, 0, 0);
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 2), 1);
	CHECK(cqe != NULL);
	CHECK_EQ(cqe->res, -ETIME);
	io_uring_cqe_seen(ring, cqe);

	/* A signal that the entry's mask lets in. */
	{
		struct sigaction action;

		memset(&action, 0, sizeof(action));
		action.sa_handler = nothing;
		CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
		sigemptyset(&mask);
		sigaddset(&mask, SIGUSR1);
		CHECK(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
		CHECK(raise(SIGUSR1) == 0);
		CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 0), -ETIME);
		sigemptyset(&mask);
		waits[3].sigmask = (uintptr_t)&mask;
		waits[3].sigmask_sz = 8;
		CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 3), -EINTR);
	}

	/* What the entry may not hold, and entries that are not there. */
	waits[4].flags = 1U << 31;
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 4), -EINVAL);
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, 64), -EFAULT);
	CHECK_EQ(io_uring_submit_and_wait_reg(ring, &cqe, 1, -1), -EFAULT);
}

int main(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	void *memory = pages(4096);
	int ret = region(&ring, IORING_SETUP_R_DISABLED, memory, 4096, IORING_MEM_REGION_REG_WAIT_ARG);

	if (ret == -EINVAL)
		SKIP("the kernel has no regions");
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	waiting(&ring);
	/* By its registered index too. */
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	CHECK_EQ(io_uring_close_ring_fd(&ring), 1);
	waiting(&ring);
	io_uring_queue_exit(&ring);

	/* Memory of the kernel, mapped from the ring. */
	CHECK_EQ(region(&ring, IORING_SETUP_R_DISABLED, NULL, 4096, IORING_MEM_REGION_REG_WAIT_ARG), 0);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	waiting(&ring);
	io_uring_queue_exit(&ring);

	/* Not for waits: then there are no arguments. */
	CHECK_EQ(region(&ring, 0, memory, 4096, 0), 0);
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -EFAULT);
	io_uring_queue_exit(&ring);

	/* A running ring, sizes and places that do not do. */
	CHECK_EQ(region(&ring, 0, memory, 4096, IORING_MEM_REGION_REG_WAIT_ARG), -EINVAL);
	io_uring_queue_exit(&ring);
	CHECK_EQ(region(&ring, IORING_SETUP_R_DISABLED, memory, 100, IORING_MEM_REGION_REG_WAIT_ARG), -EINVAL);
	io_uring_queue_exit(&ring);
	CHECK_EQ(region(&ring, IORING_SETUP_R_DISABLED, memory, 0, IORING_MEM_REGION_REG_WAIT_ARG), -EINVAL);
	io_uring_queue_exit(&ring);
	CHECK_EQ(region(&ring, IORING_SETUP_R_DISABLED, (char *)memory + 64, 4096, 1), -EINVAL);
	io_uring_queue_exit(&ring);
	CHECK_EQ(region(&ring, IORING_SETUP_R_DISABLED, hole(), 4096, 1), -EFAULT);
	io_uring_queue_exit(&ring);
	CHECK_EQ(region(&ring, IORING_SETUP_R_DISABLED, memory, 4096, 1U << 31), -EINVAL);
	CHECK_EQ(io_uring_register_region(&ring, NULL), -EINVAL);
	CHECK_EQ(io_uring_register_region(&ring, (struct io_uring_mem_region_reg *)hole()), -EFAULT);
	/* The former way to register them is gone. */
	CHECK_EQ(io_uring_register_wait_reg(&ring, waits, 64), -EINVAL);
	CHECK_EQ(io_uring_register_wait_reg(&ring, NULL, 0), -EINVAL);
	io_uring_queue_exit(&ring);

	/* No arguments at all. */
	make(&ring, 8, 0);
	CHECK_EQ(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -EFAULT);
	io_uring_queue_exit(&ring);
	return 0;
}
