// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is done without a system call: io_uring_enter fails here, and whoever makes it is seen by its error. */
#include "filter.h"
#include "uring_check.h"

int main(void)
{
	struct io_uring ring, awake, asleep, deferred, polled;
	struct io_uring_params params;
	struct io_uring_cqe *cqe, *cqes[16];
	struct __kernel_timespec ts = ms(1000);
	unsigned head, n = 0;
	long start;

	make(&ring, 16, 0);
	nops(&ring, 8, 1);
	CHECK_EQ(io_uring_submit(&ring), 8);
	make(&deferred, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	make(&polled, 8, IORING_SETUP_IOPOLL);
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_SQPOLL;
	params.sq_thread_idle = 20000;
	make_params(&awake, 8, &params);
	params.flags = IORING_SETUP_SQPOLL;
	params.sq_thread_idle = 1;
	make_params(&asleep, 8, &params);
	nops(&awake, 1, 1);
	CHECK_EQ(io_uring_submit(&awake), 1);
	CHECK_EQ(take(&awake).user_data, 1);
	for (start = now_ms(); !(IO_URING_READ_ONCE(*asleep.sq.kflags) & IORING_SQ_NEED_WAKEUP);) {
		CHECK_LE(now_ms() - start, 10000);
		sleep_ms(1);
	}
	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, 0);

	/* Completions that are there. */
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, 1);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	CHECK_EQ(cqe->user_data, 2);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 7, &ts, NULL), 0);
	CHECK_EQ(io_uring_wait_cqe_nr(&ring, &cqe, 7), 0);
	CHECK_EQ(io_uring_submit_and_wait_timeout(&ring, &cqe, 7, &ts, NULL), 0);
	CHECK_EQ(cqe->user_data, 2);
	CHECK_EQ(io_uring_wait_cqes(&ring, &cqe, 8, &ts, NULL), -EPERM);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), 7);
	look_without_call(&ring, 7);
	io_uring_for_each_cqe(&ring, head, cqe)
		n++;
	CHECK_EQ(n, 7);
	io_uring_cq_advance(&ring, n);

	/* None there. */
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_peek_batch_cqe(&ring, cqes, 16), 0);
	look_without_call(&ring, 0);
	CHECK_EQ(io_uring_peek_cqe(&deferred, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_peek_batch_cqe(&deferred, cqes, 16), 0);
	look_without_call(&deferred, 0);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), -EPERM);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -EPERM);

	/* Nothing to hand over; what cannot be handed over stays. */
	CHECK_EQ(io_uring_submit(&ring), 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 0), 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), -EPERM);
	CHECK_EQ(io_uring_submit_and_get_events(&ring), -EPERM);
	CHECK_EQ(io_uring_get_events(&ring), -EPERM);
	nops(&ring, 3, 20);
	CHECK_EQ(io_uring_submit(&ring), -EPERM);
	CHECK_EQ(io_uring_sq_ready(&ring), 3);
	CHECK_EQ(io_uring_sqring_wait(&ring), 0);

	/* A thread of the kernel that is awake takes requests by itself. */
	nops(&awake, 4, 30);
	CHECK_EQ(io_uring_submit(&awake), 4);
	for (start = now_ms(); io_uring_cq_ready(&awake) < 4;)
		CHECK_LE(now_ms() - start, 10000);
	CHECK_EQ(io_uring_sqring_wait(&awake), 0);
	CHECK_EQ(io_uring_peek_batch_cqe(&awake, cqes, 16), 4);
	CHECK_EQ(cqes[3]->user_data, 33);
	/* So does one that a wait hands them over to, if as much as it waits for is there. */
	nops(&awake, 1, 34);
	CHECK_GE(io_uring_submit_and_wait_timeout(&awake, &cqe, 4, &ts, NULL), 0);
	CHECK_EQ(cqe->user_data, 30);
	/* One that sleeps has to be woken. */
	nops(&asleep, 1, 40);
	CHECK_EQ(io_uring_submit(&asleep), -EPERM);
	CHECK_EQ(io_uring_submit_and_wait(&asleep, 0), -EPERM);

	/* Only a call brings what is polled for, and nobody knows without it whether there is any. */
	CHECK_EQ(io_uring_submit(&polled), -EPERM);
	CHECK_EQ(io_uring_submit_and_wait(&polled, 0), -EPERM);

	io_uring_queue_exit(&polled);
	io_uring_queue_exit(&asleep);
	io_uring_queue_exit(&awake);
	io_uring_queue_exit(&deferred);
	io_uring_queue_exit(&ring);
	return 0;
}
