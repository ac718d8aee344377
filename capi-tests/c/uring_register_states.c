// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every registration on rings that are in order, closed, replaced, in a child, in other threads: results and no errno. */
#include <pthread.h>

#include "uring_functions.h"

static struct io_uring shared;

static void *in_thread(void *unused)
{
	(void)unused;
	call_all(functions, COUNT_OF(functions), &shared, 0);
	return NULL;
}

/* All at once: each answer is one of those that the order of the threads allows, and nothing breaks. */
static void *at_once(void *unused)
{
	unsigned round;
	size_t i;

	(void)unused;
	for (round = 0; round < 50; round++)
		for (i = 0; i < COUNT_OF(functions); i++) {
			int ret = functions[i].call(&shared);

			CHECK(ret >= 0 || ret == -EBUSY || ret == -ENXIO || ret == -EINVAL || ret == -ENOENT ||
			      ret == -EEXIST || ret == -EBADF);
		}
	return NULL;
}

int main(void)
{
	struct io_uring ring;
	pthread_t threads[2];
	pid_t child;
	int i, fd;

	make(&shared, 8, 0);
	call_all(functions, COUNT_OF(functions), &shared, 0);
	call_all(functions, COUNT_OF(functions), &shared, 0);
	CHECK_EQ(pthread_create(&threads[0], NULL, in_thread, NULL), 0);
	CHECK_EQ(pthread_join(threads[0], NULL), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, at_once, NULL), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	/* Whatever is left of that is undone. */
	io_uring_unregister_buffers(&shared);
	io_uring_unregister_files(&shared);
	io_uring_unregister_eventfd(&shared);
	io_uring_unregister_buf_ring(&shared, 3);
	call_all(functions, COUNT_OF(functions), &shared, 0);

	/* A child has the descriptor too. */
	child = fork();
	if (child == 0) {
		watchdog();
		call_all(functions, COUNT_OF(functions), &shared, 0);
		_exit(0);
	}
	wait_exit(child, 0);
	call_all(functions, COUNT_OF(functions), &shared, 0);
	nops(&shared, 3, 0);
	CHECK_EQ(io_uring_submit_and_wait(&shared, 3), 3);
	io_uring_queue_exit(&shared);

	/* Closed, and replaced by something else. */
	make(&ring, 8, 0);
	fd = ring.ring_fd;
	close(fd);
	call_all(functions, COUNT_OF(functions), &ring, -EBADF);
	CHECK_EQ(dup(0), fd);
	for (i = 0; i < (int)COUNT_OF(functions); i++)
		if (functions[i].call != call_io_uring_get_probe_ring)
			CHECK_EQ(functions[i].call(&ring), -EOPNOTSUPP);
		else
			CHECK_EQ(functions[i].call(&ring), -EBADF);
	close(fd);
	io_uring_queue_exit(&ring);
	return 0;
}
