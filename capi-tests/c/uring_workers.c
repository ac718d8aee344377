// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Limits and CPUs of the workers, credentials, memory, fork. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_params params;
	struct io_uring_sqe *sqe;
	unsigned values[2] = {0, 0};
	cpu_set_t set;
	pid_t child;
	int id;

	make(&ring, 8, 0);
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	CHECK(values[IO_WQ_BOUND] > 0 && values[IO_WQ_UNBOUND] > 0);
	values[IO_WQ_BOUND] = 3;
	values[IO_WQ_UNBOUND] = 5;
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	values[0] = values[1] = 0;
	CHECK_EQ(io_uring_register_iowq_max_workers(&ring, values), 0);
	CHECK_EQ(values[IO_WQ_BOUND], 3);
	CHECK_EQ(values[IO_WQ_UNBOUND], 5);

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK_EQ(io_uring_register_iowq_aff(&ring, sizeof(set), &set), 0);
	CHECK_EQ(io_uring_unregister_iowq_aff(&ring), 0);

	id = io_uring_register_personality(&ring);
	CHECK_GE(id, 1);
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->personality = (__u16)id;
	CHECK_EQ(run_one(&ring, sqe), 0);
	CHECK_EQ(io_uring_unregister_personality(&ring, id), 0);
	CHECK_EQ(io_uring_unregister_personality(&ring, id), -EINVAL);
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->personality = (__u16)id;
	CHECK_EQ(run_one(&ring, sqe), -EINVAL);

	CHECK_GE(io_uring_mlock_size(8, 0), 0);
	memset(&params, 0, sizeof(params));
	CHECK_GE(io_uring_mlock_size_params(8, &params), 0);

	/* The rings are not there in a child. */
	CHECK_EQ(io_uring_ring_dontfork(&ring), 0);
	child = fork();
	if (child == 0) {
		unsigned char there;

		watchdog();
		_exit(mincore(ring.sq.sqes, 1, &there) == -1 && errno == ENOMEM ? 0 : 1);
	}
	wait_exit(child, 0);
	nops(&ring, 1, 0);
	CHECK_EQ(io_uring_submit(&ring), 1);
	take(&ring);
	io_uring_queue_exit(&ring);
	return 0;
}
