// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What submission answers: none, some, all; bad requests among them; the wrong thread; a ring that is not enabled. */
#include "uring_check.h"

#include <pthread.h>

static struct io_uring ring;

static void *in_thread(void *arg)
{
	struct io_uring_cqe *cqe;

	(void)arg;
	nops(&ring, 1, 7);
	CHECK_EQ(io_uring_submit(&ring), -EEXIST);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), -EEXIST);
	CHECK_EQ(io_uring_submit_and_get_events(&ring), -EEXIST);
	CHECK_EQ(io_uring_get_events(&ring), ring.flags & IORING_SETUP_DEFER_TASKRUN ? -EEXIST : 0);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	return NULL;
}

/* A ring of one thread answers another, and what that queued is still there. */
static void single_issuer(unsigned flags)
{
	pthread_t thread;

	make(&ring, 8, IORING_SETUP_SINGLE_ISSUER | flags);
	CHECK_EQ(pthread_create(&thread, NULL, in_thread, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 1);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	CHECK_EQ(take(&ring).user_data, 7);
	io_uring_queue_exit(&ring);
}

static void disabled(unsigned flags)
{
	struct __kernel_timespec ts = ms(10);
	struct io_uring_cqe *cqe;

	make(&ring, 8, IORING_SETUP_R_DISABLED | flags);
	nops(&ring, 2, 50);
	CHECK_EQ(io_uring_submit(&ring), -EBADFD);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), -EBADFD);
	CHECK_EQ(io_uring_get_events(&ring), -EBADFD);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -EBADFD);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_register(ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0), 0);
	CHECK_EQ(io_uring_register(ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0), -EBADFD);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	CHECK_EQ(take(&ring).user_data, 50);
	CHECK_EQ(take(&ring).user_data, 51);
	io_uring_queue_exit(&ring);
}

/* Five requests, of which the third is unknown to every kernel. */
static void bad_request(unsigned flags)
{
	unsigned i, taken = flags & IORING_SETUP_SUBMIT_ALL ? 5 : 3;

	make(&ring, 8, flags);
	for (i = 0; i < 5; i++) {
		nops(&ring, 1, i);
		if (i == 2)
			ring.sq.sqes[i].opcode = 254;
	}
	CHECK_EQ(io_uring_submit(&ring), taken);
	CHECK_EQ(io_uring_sq_ready(&ring), 5 - taken);
	CHECK_EQ(io_uring_sq_space_left(&ring), 3 + taken);
	CHECK_EQ(io_uring_submit(&ring), 5 - taken);
	for (i = 0; i < 5; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.user_data, i);
		CHECK_EQ(cqe.res, i == 2 ? -EINVAL : 0);
	}
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	io_uring_queue_exit(&ring);
}

/* Links and drains over the end of the queue and over two submissions. */
static void chains(void)
{
	struct io_uring_sqe *sqe;
	unsigned i, round;

	make(&ring, 4, 0);
	for (round = 0; round < 9; round++) {
		for (i = 0; i < 3; i++) {
			sqe = next(&ring);
			io_uring_prep_nop(sqe);
			if (i < 2)
				sqe->flags |= IOSQE_IO_LINK;
			sqe->user_data = i;
		}
		CHECK_EQ(io_uring_submit_and_wait(&ring, 3), 3);
		for (i = 0; i < 3; i++)
			CHECK_EQ(take(&ring).user_data, i);
	}
	/* A chain ends with the submission: the next request does not wait for it. */
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_IO_LINK;
	sqe->user_data = 5;
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	CHECK_EQ(take(&ring).user_data, 5);
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_IO_DRAIN;
	sqe->user_data = 6;
	nops(&ring, 1, 7);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 2), 2);
	CHECK_EQ(take(&ring).user_data, 6);
	CHECK_EQ(take(&ring).user_data, 7);
	io_uring_queue_exit(&ring);
}

/* Rings that share workers, and what cannot be shared. */
static void attached(void)
{
	struct io_uring_params params;
	struct io_uring other;
	int pipe_fd[2];

	make(&ring, 8, 0);
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_ATTACH_WQ;
	params.wq_fd = (__u32)ring.ring_fd;
	make_params(&other, 8, &params);
	nops(&other, 2, 60);
	next(&other);
	io_uring_prep_nop(&other.sq.sqes[2]);
	other.sq.sqes[2].flags = IOSQE_ASYNC;
	other.sq.sqes[2].user_data = 62;
	CHECK_EQ(io_uring_submit_and_wait(&other, 3), 3);
	CHECK_EQ(take(&other).user_data, 60);
	io_uring_queue_exit(&ring);
	/* The workers outlive the ring that began with them. */
	nops(&other, 1, 63);
	CHECK_EQ(io_uring_submit(&other), 1);
	io_uring_queue_exit(&other);

	CHECK(pipe(pipe_fd) == 0);
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_ATTACH_WQ;
	params.wq_fd = (__u32)pipe_fd[0];
	CHECK_EQ(io_uring_queue_init_params(8, &other, &params), -EINVAL);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	params.flags = IORING_SETUP_ATTACH_WQ;
	CHECK_EQ(io_uring_queue_init_params(8, &other, &params), -ENXIO);
}

/* Polled I/O, where there is nothing to poll. */
static void polled(void)
{
	struct io_uring_cqe *cqe;
	char memory[512];
	int fd = temp_file(4096, 1);
	struct io_uring_sqe *sqe;

	make(&ring, 8, IORING_SETUP_IOPOLL);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd, memory, sizeof(memory), 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).res, -EOPNOTSUPP);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_submit_and_get_events(&ring), 0);
	io_uring_queue_exit(&ring);
	close(fd);
}

int main(void)
{
	make(&ring, 8, 0);
	CHECK_EQ(io_uring_submit(&ring), 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 0), 0);
	CHECK_EQ(io_uring_submit_and_get_events(&ring), 0);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	io_uring_queue_exit(&ring);

	single_issuer(0);
	single_issuer(IORING_SETUP_DEFER_TASKRUN);
	disabled(0);
	disabled(IORING_SETUP_SINGLE_ISSUER);
	bad_request(0);
	bad_request(IORING_SETUP_SUBMIT_ALL);
	chains();
	attached();
	polled();
	return 0;
}
