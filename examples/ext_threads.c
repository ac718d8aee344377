/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Threads that submit to one ring: with a lock around io_uring_submit(), and with a submitter. Count the calls of each with
 * strace -f -c, the second argument being how many requests a thread makes:
 *
 * cc ext_threads.c $(pkg-config --cflags --libs aiouring) -pthread -o ext_threads && ./ext_threads submitter 20000
 */
#include <aiouring.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 4 };

static struct io_uring ring;
static struct aiouring_submitter *submitter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int each = 2000;

static void *by_submitter(void *failed)
{
	struct io_uring_sqe sqe;
	int i;

	for (i = 0; i < each; i++) {
		memset(&sqe, 0, sizeof(sqe));
		io_uring_prep_nop(&sqe);
		if (aiouring_submitter_push(submitter, &sqe, 1, 0) < 0)
			return failed;
	}
	return NULL;
}

static void *by_lock(void *failed)
{
	struct io_uring_sqe *sqe;
	int i;

	for (i = 0; i < each; i++) {
		pthread_mutex_lock(&lock);
		sqe = io_uring_get_sqe(&ring);
		if (sqe) {
			io_uring_prep_nop(sqe);
			io_uring_submit(&ring);
		}
		pthread_mutex_unlock(&lock);
		if (!sqe)
			return failed;
	}
	return NULL;
}

/* Nanoseconds for each request, or -1. */
static double run(void *(*work)(void *))
{
	pthread_t threads[THREADS];
	struct timespec from, to;
	struct io_uring_cqe *cqe;
	void *failed;
	int i, bad = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, &ring) != 0)
			exit(1);
	for (i = 0; i < THREADS * each; i++) {
		if (io_uring_wait_cqe(&ring, &cqe) < 0)
			exit(1);
		io_uring_cqe_seen(&ring, cqe);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		bad |= failed != NULL;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (bad)
		return -1;
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (THREADS * each);
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "";
	double ns;

	if (argc > 2 && atoi(argv[2]) > 0)
		each = atoi(argv[2]);
	if (io_uring_queue_init(256, &ring, 0) < 0) {
		fputs("no io_uring here\n", stderr);
		return 77;
	}
	if (strcmp(which, "submitter") != 0) {
		ns = run(by_lock);
		if (ns < 0)
			return 1;
		printf("lock and submit: %.0f ns for a request\n", ns);
	}
	if (strcmp(which, "lock") != 0) {
		if (aiouring_submitter_create(&submitter, &ring, 0, 0) < 0)
			return 1;
		ns = run(by_submitter);
		if (ns < 0)
			return 1;
		printf("submitter: %.0f ns for a request\n", ns);
		aiouring_submitter_destroy(submitter);
	}
	io_uring_queue_exit(&ring);
	return 0;
}
