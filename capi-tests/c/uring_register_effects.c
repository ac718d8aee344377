// oracle: yes
// their-headers: no (needs a field younger than 2.3)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What registrations do: cancelling in place, slots the kernel picks, credentials, event counts, edges of tables. */
#include <sys/eventfd.h>

#include "uring_check.h"

static struct io_uring ring;

static void pending(int fd, uint64_t data)
{
	static char byte;
	struct io_uring_sqe *sqe = next(&ring);

	io_uring_prep_read(sqe, fd, &byte, 1, 0);
	io_uring_sqe_set_data64(sqe, data);
	CHECK_EQ(io_uring_submit(&ring), 1);
}

static int cancel(uint64_t addr, int fd, unsigned flags)
{
	struct io_uring_sync_cancel_reg reg;

	memset(&reg, 0, sizeof(reg));
	reg.addr = addr;
	reg.fd = fd;
	reg.flags = flags;
	/* Without end. */
	reg.timeout.tv_sec = reg.timeout.tv_nsec = -1;
	return io_uring_register_sync_cancel(&ring, &reg);
}

static void cancelled(unsigned n)
{
	while (n--)
		CHECK_EQ(take(&ring).res, -ECANCELED);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
}

static void sync_cancel(void)
{
	struct io_uring_sync_cancel_reg reg;
	int one[2], two[2], i;

	CHECK(pipe(one) == 0 && pipe(two) == 0);
	CHECK_EQ(cancel(1, 0, 0), -ENOENT);
	pending(one[0], 1);
	CHECK_EQ(cancel(2, 0, 0), -ENOENT);
	CHECK_EQ(cancel(1, 0, 0), 0);
	cancelled(1);
	pending(one[0], 1);
	pending(two[0], 2);
	CHECK_EQ(cancel(0, two[0], IORING_ASYNC_CANCEL_FD), 0);
	CHECK_EQ(take(&ring).user_data, 2);
	CHECK_EQ(cancel(0, two[0], IORING_ASYNC_CANCEL_FD), -ENOENT);
	CHECK_EQ(cancel(0, 4711, IORING_ASYNC_CANCEL_FD), -EBADF);
	CHECK_EQ(cancel(0, one[0], IORING_ASYNC_CANCEL_FD), 0);
	cancelled(1);
	for (i = 0; i < 3; i++)
		pending(one[0], 5);
	pending(two[0], 6);
	CHECK_GE(cancel(5, 0, IORING_ASYNC_CANCEL_ALL), 0);
	cancelled(3);
	pending(one[0], 5);
	CHECK_GE(cancel(0, 0, IORING_ASYNC_CANCEL_ANY), 0);
	cancelled(2);
	CHECK_EQ(cancel(0, 0, 1U << 31), -EINVAL);
	memset(&reg, 0, sizeof(reg));
	reg.pad2[0] = 1;
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), -EINVAL);
	CHECK_EQ(io_uring_register_sync_cancel(&ring, NULL), -EINVAL);
	CHECK_EQ(io_uring_register_sync_cancel(&ring, (struct io_uring_sync_cancel_reg *)hole()), -EFAULT);
}

static int open_direct(void)
{
	struct io_uring_sqe *sqe = next(&ring);

	io_uring_prep_openat_direct(sqe, AT_FDCWD, "/dev/null", O_RDONLY, 0, IORING_FILE_INDEX_ALLOC);
	return run_one(&ring, sqe);
}

static void slots(void)
{
	int files[2] = {0, -1};
	unsigned i;

	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 0, 1), -EINVAL);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 10), 0);
	CHECK_EQ(open_direct(), 0);
	CHECK_EQ(open_direct(), 1);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 6, 3), 0);
	for (i = 6; i < 9; i++)
		CHECK_EQ(open_direct(), i);
	CHECK_EQ(open_direct(), -ENFILE);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 9, 1), 0);
	CHECK_EQ(open_direct(), 9);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 9, 2), -EINVAL);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, 11, 0), -EINVAL);
	CHECK_EQ(io_uring_register_file_alloc_range(&ring, ~0U, 2), -EOVERFLOW);
	/* Updates stop where they fail; nothing done is an error. */
	CHECK_EQ(io_uring_register_files_update(&ring, 8, files, 2), 2);
	files[1] = 4711;
	CHECK_EQ(io_uring_register_files_update(&ring, 2, files, 2), 1);
	CHECK_EQ(io_uring_register_files_update(&ring, 2, files + 1, 1), -EBADF);
	files[0] = IORING_REGISTER_FILES_SKIP;
	CHECK_EQ(io_uring_register_files_update(&ring, 2, files, 1), 1);
	CHECK_EQ(io_uring_register_files_update(&ring, 10, files, 1), -EINVAL);
	CHECK_EQ(io_uring_register_files_update(&ring, ~0U, files, 2), -EOVERFLOW);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, files, 0), -EINVAL);
	CHECK_EQ(io_uring_register_files_update(&ring, 0, NULL, 1), -EFAULT);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);

	/* Tables that are not made. */
	CHECK_EQ(io_uring_register_files(&ring, files, 0), -EINVAL);
	CHECK_EQ(io_uring_register_files(&ring, NULL, 1), -EFAULT);
	CHECK_EQ(io_uring_register_files_tags(&ring, files, NULL, 0), -EINVAL);
	files[0] = 4711;
	CHECK_EQ(io_uring_register_files(&ring, files, 1), -EBADF);
	files[0] = ring.ring_fd;
	CHECK_EQ(io_uring_register_files(&ring, files, 1), -EBADF);
	CHECK_EQ(io_uring_register_files_tags(&ring, files, NULL, 1), -EBADF);
	CHECK_EQ(io_uring_register_files_sparse(&ring, 0), -EINVAL);
	CHECK_EQ(io_uring_register_files_sparse(&ring, ~0U), -EMFILE);
	/* Nothing of that is left. */
	CHECK_EQ(io_uring_unregister_files(&ring), -ENXIO);
	/* A slot that is empty tells nobody. */
	{
		static const __u64 tag = 5;
		int empty = -1;

		CHECK_EQ(io_uring_register_files_tags(&ring, &empty, &tag, 1), -EINVAL);
	}
}

static void buffers(void)
{
	static char memory[8192] __attribute__((aligned(4096)));
	struct iovec vec[2] = {{memory, 4096}, {memory + 4096, 4096}};
	__u64 tags[2] = {71, 72};

	CHECK_EQ(io_uring_register_buffers(&ring, vec, 0), -EINVAL);
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 100000), -EINVAL);
	CHECK_EQ(io_uring_register_buffers(&ring, NULL, 1), -EFAULT);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 0), -EINVAL);
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 100000), -EINVAL);
	vec[1].iov_base = hole();
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 2), -EFAULT);
	vec[1].iov_base = memory;
	vec[1].iov_len = 2UL << 30;
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 2), -EFAULT);
	vec[1].iov_len = 0;
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 2), -EFAULT);
	CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO);
	vec[1].iov_base = NULL;
	CHECK_EQ(io_uring_register_buffers(&ring, vec, 2), 0);
	vec[1].iov_base = memory + 4096;
	vec[1].iov_len = 4096;
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 0, vec, tags, 2), 2);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 1, vec, tags, 2), -EINVAL);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 0, vec, tags, 0), -EINVAL);
	vec[1].iov_base = hole();
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 0, vec, NULL, 2), 1);
	CHECK_EQ(take(&ring).user_data, 71);
	CHECK_EQ(io_uring_register_buffers_update_tag(&ring, 1, vec + 1, NULL, 1), -EFAULT);
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	CHECK_EQ(take(&ring).user_data, 72);
	/* As many as there can be. */
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 16384), 0);
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
}

static void credentials(void)
{
	struct io_uring_sqe *sqe;
	char name[] = "secret-XXXXXX";
	int id, fd, other;

	if (geteuid() != 0)
		return;
	fd = mkstemp(name);
	CHECK(fd >= 0 && fchmod(fd, 0600) == 0);
	id = io_uring_register_personality(&ring);
	CHECK_GE(id, 1);
	other = io_uring_register_personality(&ring);
	CHECK(other >= 1 && other != id);
	CHECK_EQ(io_uring_unregister_personality(&ring, other), 0);
	CHECK(seteuid(65534) == 0);
	sqe = next(&ring);
	io_uring_prep_openat(sqe, AT_FDCWD, name, O_RDONLY, 0);
	CHECK_EQ(run_one(&ring, sqe), -EACCES);
	sqe = next(&ring);
	io_uring_prep_openat(sqe, AT_FDCWD, name, O_RDONLY, 0);
	sqe->personality = (__u16)id;
	CHECK_GE(run_one(&ring, sqe), 0);
	CHECK_EQ(io_uring_unregister_personality(&ring, id), 0);
	sqe = next(&ring);
	io_uring_prep_openat(sqe, AT_FDCWD, name, O_RDONLY, 0);
	sqe->personality = (__u16)id;
	CHECK_EQ(run_one(&ring, sqe), -EINVAL);
	CHECK(seteuid(0) == 0);
	CHECK_EQ(io_uring_unregister_personality(&ring, 0), -EINVAL);
	CHECK_EQ(io_uring_unregister_personality(&ring, -1), -EINVAL);
	CHECK(unlink(name) == 0);
}

static void events(void)
{
	int event = eventfd(0, EFD_NONBLOCK), pipes[2];
	uint64_t count;

	CHECK(pipe(pipes) == 0);
	CHECK_EQ(io_uring_register_eventfd(&ring, -1), -EBADF);
	CHECK_EQ(io_uring_register_eventfd(&ring, pipes[0]), -EINVAL);
	CHECK_EQ(io_uring_register_eventfd_async(&ring, -1), -EBADF);
	/* A request that a worker does is worth a signal, one that is done at once is none. */
	CHECK_EQ(io_uring_register_eventfd_async(&ring, event), 0);
	nops(&ring, 1, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	take(&ring);
	CHECK_EQ(read(event, &count, 8), -1);
	nops(&ring, 1, 0);
	ring.sq.sqes[(ring.sq.sqe_tail - 1) & *ring.sq.kring_mask].flags |= IOSQE_ASYNC;
	CHECK_EQ(io_uring_submit(&ring), 1);
	take(&ring);
	CHECK_EQ(read(event, &count, 8), 8);
	/* The ring holds the file, not the number. */
	CHECK_EQ(io_uring_unregister_eventfd(&ring), 0);
	CHECK_EQ(io_uring_register_eventfd(&ring, event), 0);
	{
		int same = dup(event);

		close(event);
		nops(&ring, 1, 0);
		CHECK_EQ(io_uring_submit(&ring), 1);
		take(&ring);
		CHECK_EQ(read(same, &count, 8), 8);
		CHECK_EQ(count, 1);
		close(same);
	}
	CHECK_EQ(io_uring_unregister_eventfd(&ring), 0);
}

static void workers(void)
{
	unsigned values[2] = {0, 0}, first[2];
	cpu_set_t set;

	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	memcpy(first, values, sizeof(first));
	values[0] = 2;
	values[1] = 0;
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	CHECK(memcmp(values, first, sizeof(first)) == 0);
	values[0] = values[1] = 0;
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	CHECK_EQ(values[0], 2);
	CHECK_EQ(values[1], first[1]);
	values[0] = values[1] = ~0U;
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), -EINVAL);
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, NULL), -EINVAL);
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, (unsigned *)hole()), -EFAULT);

	CHECK_EQ(io_uring_register_iowq_aff(&ring, sizeof(set), NULL), -EINVAL);
	CHECK_EQ(io_uring_register_iowq_aff(&ring, 0, &set), -EINVAL);
	CHECK_EQ(io_uring_register_iowq_aff(&ring, sizeof(set), (cpu_set_t *)hole()), -EFAULT);
	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK_EQ(io_uring_register_iowq_aff(&ring, sizeof(set), &set), 0);
	CHECK_EQ(io_uring_unregister_iowq_aff(&ring), 0);
	CHECK_EQ(io_uring_unregister_iowq_aff(&ring), 0);
}

static void probes(void)
{
	char room[sizeof(struct io_uring_probe) + 4 * sizeof(struct io_uring_probe_op)] __attribute__((aligned(8)));
	struct io_uring_probe *probe = (struct io_uring_probe *)room;

	memset(room, 0, sizeof(room));
	CHECK_EQ(io_uring_register_probe(&ring, probe, 4), 0);
	CHECK_EQ(probe->ops_len, 4);
	CHECK_GE(probe->last_op, IORING_OP_SEND_ZC);
	CHECK_EQ(probe->ops[3].op, 3);
	CHECK(probe->ops[3].flags & IO_URING_OP_SUPPORTED);
	memset(room, 0, sizeof(room));
	CHECK_EQ(io_uring_register_probe(&ring, probe, 0), 0);
	CHECK_EQ(probe->ops_len, 0);
	CHECK_EQ(io_uring_register_probe(&ring, probe, 257), -EINVAL);
	CHECK_EQ(io_uring_register_probe(&ring, NULL, 4), -EINVAL);
	CHECK_EQ(io_uring_register_probe(&ring, (struct io_uring_probe *)hole(), 4), -EFAULT);
}

int main(void)
{
	make(&ring, 8, 0);
	nops(&ring, 1, 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	take(&ring);
	sync_cancel();
	slots();
	buffers();
	credentials();
	events();
	workers();
	probes();
	io_uring_queue_exit(&ring);
	return 0;
}
