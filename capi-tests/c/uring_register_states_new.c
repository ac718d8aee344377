// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The same with the functions of later versions, and with rings whose descriptor is registered. */
#include <pthread.h>

#define NEW_FUNCTIONS
#include "uring_functions.h"

static struct io_uring shared;

static void all(struct io_uring *ring, int expected)
{
	call_all(functions, COUNT_OF(functions), ring, expected);
	call_all(new_functions, COUNT_OF(new_functions), ring, expected);
}

/* The index is the other thread's: here it names nothing. */
static void *stranger(void *unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < COUNT_OF(functions); i++)
		CHECK_LE(functions[i].call(&shared), -1);
	for (i = 0; i < COUNT_OF(new_functions); i++)
		CHECK_LE(new_functions[i].call(&shared), -1);
	CHECK_LE(io_uring_unregister_ring_fd(&shared), -1);
	nops(&shared, 1, 0);
	CHECK_LE(io_uring_submit(&shared), -1);
	return NULL;
}

static void in_stranger(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, stranger, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* What the thread left in the queue goes with the next. */
static void use(struct io_uring *ring, unsigned queued)
{
	nops(ring, 2, 0);
	CHECK_EQ(io_uring_submit_and_wait(ring, 2 + queued), 2 + queued);
	io_uring_cq_advance(ring, 2 + queued);
}

/* Registers its own ring and lives on until it is told. */
static struct io_uring theirs;
static pthread_barrier_t both;

static void *neighbour(void *unused)
{
	(void)unused;
	CHECK_EQ(io_uring_register_ring_fd(&theirs), 1);
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	return NULL;
}

/* Two threads have a ring at the same index: to end the other's ring, or to try, leaves one's own alone. */
static void neighbours(void)
{
	struct io_uring own;
	pthread_t thread;

	make(&own, 8, 0);
	make(&theirs, 8, 0);
	CHECK_EQ(pthread_barrier_init(&both, NULL, 2), 0);
	CHECK_EQ(io_uring_register_ring_fd(&own), 1);
	CHECK_EQ(pthread_create(&thread, NULL, neighbour, NULL), 0);
	pthread_barrier_wait(&both);
	CHECK_EQ(own.enter_ring_fd, theirs.enter_ring_fd);
	CHECK_EQ(io_uring_unregister_ring_fd(&theirs), -EINVAL);
	use(&own, 0);
	io_uring_queue_exit(&theirs);
	use(&own, 0);
	CHECK_EQ(io_uring_unregister_ring_fd(&own), 1);
	pthread_barrier_wait(&both);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	io_uring_queue_exit(&own);
}

int main(void)
{
	struct io_uring_params params;
	struct io_uring ring;
	pid_t child;
	int fd, i;

	make(&shared, 8, 0);
	if (!(shared.features & IORING_FEAT_REG_REG_RING))
		SKIP("the kernel does not take registered rings everywhere");
	all(&shared, 0);
	call_all(new_functions, COUNT_OF(new_functions), &shared, 0);
	CHECK_EQ(io_uring_register_ring_fd(&shared), 1);
	CHECK_EQ(shared.enter_ring_fd, 0);
	all(&shared, 0);
	use(&shared, 0);
	in_stranger();
	use(&shared, 1);

	/* A child has no registered descriptors; nor can it take away the parent's. What it queues the parent does not know. */
	child = fork();
	if (child == 0) {
		watchdog();
		stranger(NULL);
		io_uring_queue_exit(&shared);
		_exit(0);
	}
	wait_exit(child, 0);
	use(&shared, 0);

	/* The descriptor is closed, by the library or by the program: the index is enough for all. */
	fd = shared.ring_fd;
	CHECK_EQ(io_uring_close_ring_fd(&shared), 1);
	CHECK_EQ(shared.ring_fd, -1);
	CHECK_EQ(fcntl(fd, F_GETFD), -1);
	CHECK_EQ(io_uring_close_ring_fd(&shared), -EBADF);
	CHECK_EQ(io_uring_register_ring_fd(&shared), -EEXIST);
	call_all(functions, COUNT_OF(functions), &shared, 0);
	call_all(new_functions, COUNT_OF(new_functions), &shared, 0);
	use(&shared, 0);
	in_stranger();
	use(&shared, 1);
	/* Unregistered, nothing of it is left. */
	CHECK_EQ(io_uring_unregister_ring_fd(&shared), 1);
	CHECK_EQ(shared.enter_ring_fd, -1);
	all(&shared, -EBADF);
	CHECK_EQ(io_uring_unregister_ring_fd(&shared), -EINVAL);
	CHECK_EQ(io_uring_close_ring_fd(&shared), -EINVAL);
	CHECK_EQ(io_uring_register_ring_fd(&shared), -EBADF);
	nops(&shared, 1, 0);
	CHECK_EQ(io_uring_submit(&shared), -EBADF);
	io_uring_queue_exit(&shared);

	/* Closed by the program, without and with an index. */
	make(&ring, 8, 0);
	close(ring.ring_fd);
	all(&ring, -EBADF);
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EBADF);
	io_uring_queue_exit(&ring);
	make(&ring, 8, 0);
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	close(ring.ring_fd);
	call_all(functions, COUNT_OF(functions), &ring, 0);
	use(&ring, 0);
	io_uring_queue_exit(&ring);

	/* A ring that never had a descriptor. */
	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY;
	CHECK_EQ(io_uring_queue_init_params(8, &ring, &params), 0);
	CHECK_EQ(ring.ring_fd, -1);
	CHECK_EQ(ring.enter_ring_fd, 0);
	CHECK(ring.flags & IORING_SETUP_REGISTERED_FD_ONLY);
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EEXIST);
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EBADF);
	call_all(functions, COUNT_OF(functions), &ring, 0);
	call_all(new_functions, COUNT_OF(new_functions), &ring, 0);
	use(&ring, 0);
	/* Its place is free again. */
	io_uring_queue_exit(&ring);
	make(&shared, 8, 0);
	CHECK_EQ(io_uring_register_ring_fd(&shared), 1);
	CHECK_EQ(shared.enter_ring_fd, 0);
	io_uring_queue_exit(&shared);

	/* A ring that is ended is no ring; once more is no harm. */
	all(&shared, -EBADF);
	io_uring_queue_exit(&shared);
	CHECK(fcntl(0, F_GETFD) >= 0);

	neighbours();

	/* More rings than there are places in a thread. */
	{
		struct io_uring many[20];
		int places = 0;

		for (i = 0; i < 20; i++) {
			int ret;

			make(&many[i], 1, 0);
			ret = io_uring_register_ring_fd(&many[i]);
			if (ret == 1)
				CHECK_EQ(many[i].enter_ring_fd, places++);
			else {
				CHECK_EQ(ret, -EBUSY);
				CHECK_EQ(many[i].enter_ring_fd, many[i].ring_fd);
			}
			nops(&many[i], 1, 0);
			CHECK_EQ(io_uring_submit_and_wait(&many[i], 1), 1);
		}
		CHECK_EQ(places, 16);
		for (i = 0; i < 20; i++)
			io_uring_queue_exit(&many[i]);
	}
	return 0;
}
