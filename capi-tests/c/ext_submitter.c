/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Many threads, one submission queue: each request arrives once, chains stay chains, and who cannot enter is not needed. */
#include <aiouring.h>
#include <pthread.h>
#include <sched.h>

#include "uring_check.h"

enum { THREADS = 4, EACH = 500, WAKE = 1 << 30 };

static struct io_uring ring;
static struct aiouring_submitter *submitter;
static unsigned push_flags, chain;
static int big;

/* Pushes EACH requests, `chain` at a time, numbered by thread. */
static void *pusher(void *arg)
{
	struct io_uring_sqe sqes[16];
	unsigned first = (unsigned)(uintptr_t)arg * EACH, done, i;

	for (done = 0; done < EACH; done += chain) {
		int ret;

		memset(sqes, 0, sizeof(sqes));
		for (i = 0; i < chain; i++) {
			struct io_uring_sqe *sqe = &sqes[i << big];

			io_uring_prep_nop(sqe);
			sqe->user_data = first + done + i;
			if (i + 1 < chain)
				sqe->flags |= IOSQE_IO_LINK;
		}
		while ((ret = aiouring_submitter_push(submitter, sqes, chain, push_flags)) == -EAGAIN && push_flags)
			sched_yield();
		CHECK_GE(ret, 0);
	}
	return NULL;
}

/* Takes completions until all have come; those that wake are answered. */
static void collect(unsigned expected)
{
	static unsigned char seen[THREADS * EACH];
	unsigned got = 0;

	memset(seen, 0, sizeof(seen));
	while (got < expected) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.res, 0);
		if (cqe.user_data == WAKE) {
			CHECK_GE(aiouring_submitter_flush(submitter), 0);
			continue;
		}
		CHECK_LE(cqe.user_data, THREADS * EACH - 1);
		CHECK_EQ(seen[cqe.user_data]++, 0);
		/* A request of a chain comes after the one before it. */
		if (cqe.user_data % EACH % chain)
			CHECK_EQ(seen[cqe.user_data - 1], 1);
		got++;
	}
}

static void crowd(unsigned setup, unsigned entries, unsigned chain_length, unsigned flags)
{
	pthread_t threads[THREADS];
	unsigned i;

	make(&ring, entries, setup);
	big = (setup & IORING_SETUP_SQE128) != 0;
	chain = chain_length;
	push_flags = flags;
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, WAKE, 0), 0);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, pusher, (void *)(uintptr_t)i), 0);
	collect(THREADS * EACH);
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, NULL, NULL, NULL), 0);
}

/* With AIOURING_PUSH_TAKEN what a request points to is the caller's again. */
static void taken(unsigned setup)
{
	struct io_uring_sqe sqe;
	int fd = temp_file(4096, 3), i;

	make(&ring, 4, setup);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, WAKE, 0), 0);
	for (i = 0; i < 100; i++) {
		static char data[4096];
		struct iovec *vector = (struct iovec *)malloc(sizeof(*vector));

		vector->iov_base = data;
		vector->iov_len = sizeof(data);
		memset(&sqe, 0, sizeof(sqe));
		io_uring_prep_readv(&sqe, fd, vector, 1, 0);
		CHECK_EQ(aiouring_submitter_push(submitter, &sqe, 1, AIOURING_PUSH_TAKEN), 0);
		memset(vector, 0xff, sizeof(*vector));
		free(vector);
		CHECK_EQ(take(&ring).res, 4096);
		CHECK_PATTERN(data, 4096, 3, 0);
	}
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	io_uring_queue_exit(&ring);
	close(fd);
}

static void *push_one(void *result)
{
	struct io_uring_sqe sqe;

	memset(&sqe, 0, sizeof(sqe));
	io_uring_prep_nop(&sqe);
	sqe.user_data = 5;
	*(int *)result = aiouring_submitter_push(submitter, &sqe, 1, AIOURING_PUSH_NOWAIT);
	return NULL;
}

static int in_thread(void)
{
	pthread_t thread;
	int result;

	CHECK_EQ(pthread_create(&thread, NULL, push_one, &result), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	return result;
}

static void *flush_elsewhere(void *unused)
{
	CHECK_EQ(aiouring_submitter_flush(submitter), -EEXIST);
	return unused;
}

/* A ring that only its thread can enter: the others' requests wait for it, and it is woken once. */
static void owned(void)
{
	struct io_uring_cqe *cqe;
	pthread_t thread;
	int result;
	unsigned i;

	make(&ring, 4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, WAKE, 0), 0);
	for (i = 0; i < 4; i++)
		CHECK_EQ(in_thread(), 0);
	CHECK_EQ(in_thread(), -EAGAIN);
	CHECK_EQ(pthread_create(&thread, NULL, flush_elsewhere, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	CHECK_EQ(cqe->user_data, WAKE);
	io_uring_cqe_seen(&ring, cqe);
	CHECK_EQ(io_uring_get_events(&ring), 0);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(aiouring_submitter_flush(submitter), 4);
	for (i = 0; i < 4; i++)
		CHECK_EQ(take(&ring).user_data, 5);
	/* Once more, and for the thread itself without a word. */
	CHECK_EQ(in_thread(), 0);
	CHECK_EQ(take(&ring).user_data, WAKE);
	push_one(&result);
	CHECK_EQ(result, 0);
	CHECK_EQ(take(&ring).user_data, 5);
	CHECK_EQ(take(&ring).user_data, 5);
	CHECK_EQ(aiouring_submitter_flush(submitter), 0);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	io_uring_queue_exit(&ring);
}

/* The kernel refuses for now: the requests are queued, and go when it takes them. */
static void refused(void)
{
	unsigned i;

	make(&ring, 2, IORING_SETUP_R_DISABLED);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), 0);
	CHECK_EQ(in_thread(), 1);
	CHECK_EQ(in_thread(), 2);
	CHECK_EQ(in_thread(), -EBADFD);
	CHECK_EQ(aiouring_submitter_flush(submitter), -EBADFD);
	CHECK_EQ(io_uring_enable_rings(&ring), 0);
	CHECK_EQ(aiouring_submitter_flush(submitter), 2);
	for (i = 0; i < 2; i++)
		CHECK_EQ(take(&ring).user_data, 5);
	CHECK_EQ(in_thread(), 0);
	CHECK_EQ(take(&ring).user_data, 5);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	io_uring_queue_exit(&ring);

	/* A request that is wrong stops a submission of the kernel's, but none of ours. */
	make(&ring, 8, 0);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), 0);
	{
		struct io_uring_sqe sqes[8];

		memset(sqes, 0, sizeof(sqes));
		for (i = 0; i < 8; i++) {
			sqes[i].opcode = i % 3 ? IORING_OP_NOP : 250;
			sqes[i].user_data = i;
		}
		CHECK_EQ(aiouring_submitter_push(submitter, sqes, 8, AIOURING_PUSH_TAKEN), 0);
		for (i = 0; i < 8; i++) {
			struct completion cqe = take(&ring);

			CHECK_EQ(cqe.user_data, i);
			CHECK_EQ(cqe.res, i % 3 ? 0 : -EINVAL);
		}
	}
	/* The descriptor is gone. */
	close(ring.ring_fd);
	CHECK_EQ(in_thread(), 1);
	CHECK_EQ(aiouring_submitter_flush(submitter), -EBADF);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	ring.ring_fd = -1;
	io_uring_queue_exit(&ring);
}

static volatile sig_atomic_t storming = 1, pushed_in_handler, busy_in_handler;

static void on_signal(int signo)
{
	struct io_uring_sqe sqe;
	int ret, before = errno;

	(void)signo;
	memset(&sqe, 0, sizeof(sqe));
	sqe.opcode = IORING_OP_NOP;
	sqe.user_data = 7;
	ret = aiouring_submitter_push(submitter, &sqe, 1, AIOURING_PUSH_NOWAIT);
	if (ret == -EBUSY || ret == -EAGAIN)
		busy_in_handler++;
	else if (ret == 0)
		pushed_in_handler++;
	else
		_exit(1);
	errno = before;
}

static void *storm(void *target)
{
	while (storming) {
		pthread_kill(*(pthread_t *)target, SIGUSR1);
		usleep(20);
	}
	return NULL;
}

/* Handlers that push in the midst of a push: no request is lost or made two. */
static void handlers(void)
{
	struct sigaction action;
	pthread_t thread, self = pthread_self();
	struct io_uring_sqe sqe;
	struct io_uring_cqe *cqe;
	long own = 0, theirs = 0, i;
	int result;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	make(&ring, 64, 0);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), 0);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK_EQ(pthread_create(&thread, NULL, storm, &self), 0);
	for (i = 0; i < 3000; i++) {
		memset(&sqe, 0, sizeof(sqe));
		io_uring_prep_nop(&sqe);
		sqe.user_data = 6;
		result = aiouring_submitter_push(submitter, &sqe, 1, 0);
		CHECK_EQ(result, 0);
		while (io_uring_peek_cqe(&ring, &cqe) == 0) {
			own += cqe->user_data == 6;
			theirs += cqe->user_data == 7;
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	storming = 0;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_GE(aiouring_submitter_flush(submitter), 0);
	while (own < 3000 || theirs < pushed_in_handler) {
		struct completion got = take(&ring);

		own += got.user_data == 6;
		theirs += got.user_data == 7;
	}
	CHECK_EQ(own, 3000);
	CHECK_EQ(theirs, pushed_in_handler);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	io_uring_queue_exit(&ring);
}

static void bad_input(void)
{
	struct io_uring_params params;
	struct io_uring_sqe sqes[5];
	struct io_uring none;
	pid_t child;

	memset(&none, 0, sizeof(none));
	memset(sqes, 0, sizeof(sqes));
	none.ring_fd = -1;
	make(&ring, 4, 0);
	CHECK_EQ(aiouring_submitter_create(NULL, &ring, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_submitter_create(&submitter, NULL, 0, 0), -EINVAL);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 1), -EINVAL);
	CHECK_EQ(aiouring_submitter_create(&submitter, &none, 0, 0), -EBADF);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), 0);
	CHECK_EQ(aiouring_submitter_push(submitter, sqes, 5, 0), -EINVAL);
	CHECK_EQ(aiouring_submitter_push(submitter, sqes, ~0U, 0), -EINVAL);
	CHECK_EQ(aiouring_submitter_push(submitter, sqes, 1, 4), -EINVAL);
	CHECK_EQ(aiouring_submitter_push(submitter, NULL, 1, 0), -EINVAL);
	CHECK_EQ(aiouring_submitter_push(NULL, sqes, 1, 0), -EINVAL);
	CHECK_EQ(aiouring_submitter_push(submitter, sqes, 0, 0), 0);
	CHECK_EQ(aiouring_submitter_flush(NULL), -EINVAL);
	CHECK_EQ(aiouring_submitter_destroy(NULL), -EINVAL);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);

	/* A child has no such object. */
	child = fork();
	CHECK_GE(child, 0);
	if (child == 0) {
		watchdog();
		CHECK_EQ(aiouring_submitter_push(submitter, sqes, 1, 0), -EINVAL);
		CHECK_EQ(aiouring_submitter_flush(submitter), -EINVAL);
		CHECK_EQ(aiouring_submitter_destroy(submitter), -EINVAL);
		_exit(0);
	}
	wait_exit(child, 0);
	CHECK_EQ(aiouring_submitter_push(submitter, sqes, 1, 0), 0);
	CHECK_EQ(take(&ring).user_data, 0);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);

	/* Threads that have not registered it enter by the descriptor; without one they cannot. */
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), 0);
	CHECK_EQ(in_thread(), 0);
	CHECK_EQ(take(&ring).user_data, 5);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	if (io_uring_close_ring_fd(&ring) == 1)
		CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), -EBADF);
	io_uring_queue_exit(&ring);

	memset(&params, 0, sizeof(params));
	params.flags = IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY;
	if (io_uring_queue_init_params(4, &ring, &params) == 0) {
		CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), -EBADF);
		io_uring_queue_exit(&ring);
	}
}

static volatile int waiters_done;
static unsigned pushed_by_waiters;

/* A handler that waits as well, wherever it comes: nobody is to wait for what it interrupts. */
static void push_and_wait(int signo)
{
	struct io_uring_sqe sqe;
	int ret;

	(void)signo;
	memset(&sqe, 0, sizeof(sqe));
	io_uring_prep_nop(&sqe);
	ret = aiouring_submitter_push(submitter, &sqe, 1, AIOURING_PUSH_TAKEN);
	if (ret >= 0)
		__atomic_add_fetch(&pushed_by_waiters, 1, __ATOMIC_SEQ_CST);
	else
		CHECK(ret == -EBUSY || ret == -EAGAIN);
}

static void *waiter(void *unused)
{
	while (!waiters_done)
		push_and_wait(0);
	return unused;
}

static void waiting_handlers(void)
{
	struct sigaction action, old;
	struct io_uring_cqe *cqe;
	pthread_t threads[3];
	unsigned i, seen = 0;

	memset(&action, 0, sizeof(action));
	action.sa_handler = push_and_wait;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR2, &action, &old) == 0);
	make(&ring, 8, 0);
	CHECK_EQ(aiouring_submitter_create(&submitter, &ring, 0, 0), 0);
	for (i = 0; i < COUNT_OF(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, waiter, NULL), 0);
	while (seen < 100000) {
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		io_uring_cqe_seen(&ring, cqe);
		if (++seen % 16 == 0)
			pthread_kill(threads[seen / 16 % COUNT_OF(threads)], SIGUSR2);
	}
	waiters_done = 1;
	for (i = 0; i < COUNT_OF(threads); i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_GE(aiouring_submitter_flush(submitter), 0);
	while (io_uring_peek_cqe(&ring, &cqe) == 0) {
		io_uring_cqe_seen(&ring, cqe);
		seen++;
	}
	CHECK_EQ(seen, pushed_by_waiters);
	CHECK_EQ(aiouring_submitter_destroy(submitter), 0);
	io_uring_queue_exit(&ring);
	CHECK(sigaction(SIGUSR2, &old, NULL) == 0);
}

int main(void)
{
	const unsigned own = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

	crowd(0, 64, 1, 0);
	crowd(0, 4, 1, AIOURING_PUSH_NOWAIT);
	crowd(0, 8, 5, AIOURING_PUSH_TAKEN);
	crowd(IORING_SETUP_SQE128, 8, 4, 0);
	crowd(IORING_SETUP_SQPOLL, 8, 2, 0);
	crowd(IORING_SETUP_SQPOLL, 8, 1, AIOURING_PUSH_NOWAIT);
	crowd(IORING_SETUP_SINGLE_ISSUER, 8, 2, 0);
	crowd(own, 8, 4, 0);
	crowd(own, 8, 1, AIOURING_PUSH_TAKEN);
	taken(0);
	taken(IORING_SETUP_SQPOLL);
	taken(own);
	owned();
	refused();
	handlers();
	waiting_handlers();
	bad_input();
	return 0;
}
