// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Nor do the functions of later versions write errno. */
#define NEW_FUNCTIONS
#include "uring_functions.h"

#define UNTOUCHED(call)                                                                                                \
	do {                                                                                                           \
		errno = 12345;                                                                                         \
		call;                                                                                                  \
		CHECK_EQ(errno, 12345);                                                                                \
	} while (0)
#define GIVES(call, value) UNTOUCHED(CHECK_EQ(call, value))

static void setting_up(void)
{
	struct io_uring_params params;
	struct io_uring ring;
	void *memory = pages(2 * 4096);

	GIVES(io_uring_major_version(), 2);
	UNTOUCHED(CHECK_GE(io_uring_minor_version(), 15));
	UNTOUCHED(CHECK(!io_uring_check_version(2, 4)));
	memset(&params, 0, sizeof(params));
	GIVES(io_uring_memory_size(0, 0), -EINVAL);
	GIVES(io_uring_memory_size(8, 0), 8192);
	GIVES(io_uring_memory_size_params(0, &params), -EINVAL);
	GIVES(io_uring_memory_size_params(8, &params), 8192);
	GIVES(io_uring_queue_init_mem(8, &ring, &params, memory, 4096), -ENOMEM);
	GIVES(io_uring_queue_init_mem(8, &ring, &params, (char *)memory + 64, 2 * 4096), -EINVAL);
	memset(&params, 0, sizeof(params));
	GIVES(io_uring_queue_init_mem(8, &ring, &params, memory, 8192), 8192);
	UNTOUCHED(io_uring_queue_exit(&ring));
	params.flags = IORING_SETUP_NO_MMAP | IORING_SETUP_NO_SQARRAY | 1U << 31;
	GIVES(io_uring_queue_init_params(8, &ring, &params), -EINVAL);
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	GIVES(io_uring_queue_init_params(8, &ring, &params), 0);
	memset(&params, 0, sizeof(params));
	params.sq_entries = 16;
	GIVES(io_uring_resize_rings(&ring, &params), 0);
	GIVES(io_uring_close_ring_fd(&ring), -EINVAL);
	GIVES(io_uring_register_ring_fd(&ring), 1);
	GIVES(io_uring_close_ring_fd(&ring), 1);
	GIVES(io_uring_close_ring_fd(&ring), -EBADF);
	UNTOUCHED(io_uring_queue_exit(&ring));
}

static void waiting(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(1);
	int fd;

	make(&ring, 2, 0);
	GIVES(io_uring_wait_cqes_min_timeout(&ring, &cqe, 2, &ts, 100, NULL), -ETIME);
	GIVES(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 2, &ts, 100, NULL), -ETIME);
	GIVES(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -EFAULT);
	GIVES(io_uring_register_wait_reg(&ring, NULL, 1), -EINVAL);
	GIVES(io_uring_set_iowait(&ring, false), 0);
	nops(&ring, 1, 0);
	GIVES(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 1, &ts, 100, NULL), 1);
	GIVES(io_uring_wait_cqes_min_timeout(&ring, &cqe, 1, &ts, 100, NULL), 0);
	io_uring_cqe_seen(&ring, cqe);
	fd = dup(ring.ring_fd);
	close(ring.ring_fd);
	GIVES(io_uring_wait_cqes_min_timeout(&ring, &cqe, 2, &ts, 100, NULL), -EBADF);
	GIVES(io_uring_submit_and_wait_min_timeout(&ring, &cqe, 2, &ts, 100, NULL), -EBADF);
	GIVES(io_uring_submit_and_wait_reg(&ring, &cqe, 1, 0), -EBADF);
	CHECK_EQ(dup2(fd, ring.ring_fd), ring.ring_fd);
	close(fd);
	ring.features = 0;
	GIVES(io_uring_set_iowait(&ring, false), -EOPNOTSUPP);
	io_uring_queue_exit(&ring);
}

/* Each of the ways to clone, with success and without. */
static void cloning(void)
{
	struct io_uring one, two;

	make(&one, 2, 0);
	make(&two, 2, 0);
	GIVES(io_uring_register_buffers(&one, &some_buffer, 1), 0);
	GIVES(io_uring_clone_buffers(&two, &one), 0);
	GIVES(io_uring_clone_buffers(&two, &one), -EBUSY);
	GIVES(__io_uring_clone_buffers(&two, &one, 0), -EBUSY);
	GIVES(__io_uring_clone_buffers(&two, &one, IORING_REGISTER_DST_REPLACE), 0);
	GIVES(io_uring_clone_buffers_offset(&two, &one, 1, 0, 1, 0), -EBUSY);
	GIVES(io_uring_clone_buffers_offset(&two, &one, 1, 0, 1, IORING_REGISTER_DST_REPLACE), 0);
	GIVES(__io_uring_clone_buffers_offset(&two, &one, 1, 0, 1, 0), -EBUSY);
	GIVES(__io_uring_clone_buffers_offset(&two, &one, 1, 0, 1, IORING_REGISTER_DST_REPLACE), 0);
	io_uring_queue_exit(&one);
	io_uring_queue_exit(&two);
}

static void without_a_ring(void)
{
	struct io_uring_query_hdr head;
	struct io_uring_bpf bpf;
	struct io_uring_sqe sqe;
	struct io_uring ring;

	memset(&head, 0, sizeof(head));
	memset(&bpf, 0xff, sizeof(bpf));
	head.query_op = 4711;
	GIVES(io_uring_register_query(&head), 0);
	GIVES(io_uring_register_query((struct io_uring_query_hdr *)hole()), -EFAULT);
	UNTOUCHED(CHECK_LE(io_uring_register_bpf_filter_task(&bpf), -1));
	make(&ring, 2, 0);
	memset(&sqe, 0, sizeof(sqe));
	io_uring_prep_msg_ring(&sqe, ring.ring_fd, 0, 0, 0);
	GIVES(io_uring_register_sync_msg(&sqe), 0);
	sqe.fd = 4711;
	GIVES(io_uring_register_sync_msg(&sqe), -EBADF);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	struct io_uring ring;

	make(&ring, 8, 0);
	if (!(ring.features & IORING_FEAT_NO_IOWAIT))
		SKIP("the kernel lacks what is asked for");
	call_all(new_functions, COUNT_OF(new_functions), &ring, 0);
	close(ring.ring_fd);
	call_all(new_functions, COUNT_OF(new_functions), &ring, -EBADF);
	io_uring_queue_exit(&ring);
	setting_up();
	waiting();
	cloning();
	without_a_ring();
	return 0;
}
