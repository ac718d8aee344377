// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What kernels of old answer: fewer features, fewer flags, no probe, no io_uring at all. */
#include "kernel.h"
#include "uring_check.h"

/* The kernel of the moment. */
static unsigned known_flags, known_features;
static long no_ring, no_probe;
static int no_cq_flags;

static long old_kernel(const struct call *call)
{
	struct io_uring_params *p = (struct io_uring_params *)call->args[1];
	long ret;

	if (call->nr == __NR_io_uring_register)
		return no_probe && call->args[1] == IORING_REGISTER_PROBE ? no_probe : real(call);
	if (no_ring)
		return no_ring;
	if (p->flags & ~known_flags)
		return -EINVAL;
	ret = real(call);
	if (ret >= 0)
		p->features &= known_features;
	if (no_cq_flags)
		p->cq_off.flags = 0;
	return ret;
}

/* Whether anything of a ring is mapped. */
static int mapped(void)
{
	char line[512];
	int n = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "[io_uring]") != NULL;
	fclose(maps);
	return n;
}

static int next_descriptor(void)
{
	int fd = dup(0);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void use(struct io_uring *ring, unsigned rounds)
{
	unsigned i, n = ring->sq.ring_entries;

	while (rounds--) {
		nops(ring, n, 5);
		CHECK(io_uring_get_sqe(ring) == NULL);
		CHECK_EQ(io_uring_submit_and_wait(ring, n), n);
		for (i = 0; i < n; i++)
			CHECK_EQ(take(ring).user_data, 5 + i);
	}
}

int main(void)
{
	/* Up to Linux 5.10. */
	const unsigned first_flags = IORING_SETUP_R_DISABLED * 2 - 1;
	struct io_uring ring;
	struct io_uring_params params;
	int before = next_descriptor(), fd;

	answer = old_kernel;
	play_kernel();

	/* The rings are two mappings up to 5.3. */
	known_flags = first_flags;
	known_features = 0;
	make(&ring, 16, 0);
	CHECK_EQ(ring.features, 0);
	CHECK_EQ(ring.flags, 0);
	CHECK(ring.sq.ring_ptr != ring.cq.ring_ptr);
	CHECK_EQ(mapped(), 3);
	CHECK(ring.sq.array != NULL);
	CHECK_EQ(ring.sq.array[15], 15);
	use(&ring, 5);
	CHECK_EQ(io_uring_ring_dontfork(&ring), 0);
	io_uring_queue_exit(&ring);
	CHECK_EQ(mapped(), 0);
	CHECK_EQ(next_descriptor(), before);

	/* One mapping since; the parameters say what was asked for and what the kernel has. */
	known_features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP;
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
	params.cq_entries = 100;
	make_params(&ring, 16, &params);
	CHECK_EQ(params.flags, IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP);
	CHECK_EQ(params.features, known_features);
	CHECK_EQ(ring.features, known_features);
	CHECK_EQ(ring.flags, params.flags);
	CHECK_EQ(ring.cq.ring_entries, 128);
	CHECK(ring.sq.ring_ptr == ring.cq.ring_ptr);
	CHECK_EQ(mapped(), 2);
	use(&ring, 5);
	io_uring_queue_exit(&ring);
	CHECK_EQ(mapped(), 0);

	/* A flag that it does not know is refused as it is, and nothing is left of the attempt. */
	CHECK_EQ(io_uring_queue_init(8, &ring, IORING_SETUP_SUBMIT_ALL), -EINVAL);
	CHECK_EQ(next_descriptor(), before);

	/* No flags of the completion ring up to 5.7: its eventfd cannot be switched off. */
	no_cq_flags = 1;
	make(&ring, 8, 0);
	CHECK(ring.cq.kflags == NULL);
	CHECK(io_uring_cq_eventfd_enabled(&ring));
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, false), -EOPNOTSUPP);
	CHECK_EQ(io_uring_cq_eventfd_toggle(&ring, true), 0);
	use(&ring, 2);
	io_uring_queue_exit(&ring);
	no_cq_flags = 0;

	/* No probe up to 5.5: nobody knows. */
	make(&ring, 8, 0);
	no_probe = -EINVAL;
	CHECK(io_uring_get_probe_ring(&ring) == NULL);
	CHECK(io_uring_get_probe() == NULL);
	no_probe = 0;
	CHECK_EQ(next_descriptor(), before + 1);
	io_uring_queue_exit(&ring);

	/* Rings count as locked memory up to 5.11, as powers of two of pages. */
	CHECK_EQ(io_uring_mlock_size(1, 0), 2 * 4096);
	CHECK_EQ(io_uring_mlock_size(64, 0), 2 * 4096);
	CHECK_EQ(io_uring_mlock_size(65, 0), 2 * 8192);
	CHECK_EQ(io_uring_mlock_size(1024, 0), 2 * 65536);
	CHECK_EQ(io_uring_mlock_size(64, IORING_SETUP_SQE128), 8192 + 4096);
	CHECK_EQ(io_uring_mlock_size(64, IORING_SETUP_CQE32), 4096 + 8192);
	CHECK_EQ(io_uring_mlock_size(100000, IORING_SETUP_CLAMP), (2 << 20) + (2 << 20));
	CHECK_EQ(io_uring_mlock_size(100000, 0), -EINVAL);
	CHECK_EQ(io_uring_mlock_size(0, 0), -EINVAL);
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	params.cq_entries = 1000;
	CHECK_EQ(io_uring_mlock_size_params(8, &params), 4096 + 32768);
	params.cq_entries = 4;
	CHECK_EQ(io_uring_mlock_size_params(8, &params), -EINVAL);
	params.cq_entries = 0;
	CHECK_EQ(io_uring_mlock_size_params(8, &params), -EINVAL);
	known_features |= IORING_FEAT_NATIVE_WORKERS;
	CHECK_EQ(io_uring_mlock_size(1024, 0), 0);
	CHECK_EQ(io_uring_mlock_size_params(8, &params), 0);
	CHECK_EQ(io_uring_mlock_size(0, 0), -EINVAL);
	CHECK_EQ(io_uring_mlock_size(100000, 0), -EINVAL);

	/* None at all, or not for this process: an error to hand on, and no answer. */
	{
		static const long errors[] = {-ENOSYS, -EPERM, -EMFILE, -ENFILE, -ENOMEM, -EACCES};
		unsigned i;

		for (i = 0; i < COUNT_OF(errors); i++) {
			no_ring = errors[i];
			CHECK_EQ(io_uring_queue_init(8, &ring, 0), errors[i]);
			memset(&params, 0, sizeof(params));
			CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), errors[i]);
			CHECK_EQ(io_uring_setup(8, &params), errors[i]);
			CHECK(io_uring_get_probe() == NULL);
			/* As many as on the oldest. */
			CHECK_EQ(io_uring_mlock_size(1024, 0), 2 * 65536);
			CHECK_EQ(io_uring_mlock_size(0, 0), -EINVAL);
		}
		no_ring = 0;
	}

	/* The descriptor by itself, then its mappings. */
	known_flags = ~0U;
	known_features = ~0U;
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_CQSIZE;
	params.cq_entries = 64;
	fd = io_uring_setup(8, &params);
	CHECK_EQ(fd, before);
	memset(&ring, 0x55, sizeof(ring));
	CHECK_EQ(io_uring_queue_mmap(fd, &params, &ring), 0);
	CHECK_EQ(ring.ring_fd, fd);
	CHECK_EQ(ring.enter_ring_fd, fd);
	CHECK_EQ(ring.flags, IORING_SETUP_CQSIZE);
	CHECK_EQ(ring.sq.ring_entries, 8);
	CHECK_EQ(ring.cq.ring_entries, 64);
	CHECK_EQ(ring.sq.sqe_head, 0);
	CHECK_EQ(ring.sq.sqe_tail, 0);
	io_uring_queue_exit(&ring);
	CHECK_EQ(mapped(), 0);
	CHECK_EQ(next_descriptor(), before);
	/* A descriptor that is no ring stays the caller's. */
	CHECK_EQ(io_uring_queue_mmap(-1, &params, &ring), -EBADF);
	fd = dup(0);
	CHECK_LE(io_uring_queue_mmap(fd, &params, &ring), -1);
	CHECK_EQ(close(fd), 0);
	return 0;
}
