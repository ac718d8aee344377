/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One thread takes completions, others look at the data and release it; some release twice, or what was never theirs.
 * All data is right, and in the end the kernel has all buffers.
 */
#include "bufring_check.h"
#include <pthread.h>

enum { COUNT = 32, SIZE = 512, GROUP = 2, WORKERS = 3, QUEUE = 256 };

struct job {
	struct aiouring_bufring_span span;
	uint64_t position;
};

static struct io_uring ring;
static struct aiouring_bufring *br;
static struct job jobs[QUEUE];
static unsigned head, tail;
static int finished;
static long refused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int fd[2];
static uint64_t total;

static void *work(void *number)
{
	uint64_t random = mix((uint64_t)(uintptr_t)number);
	long mine = 0;

	for (;;) {
		struct job job;
		unsigned twice;

		pthread_mutex_lock(&lock);
		while (head == tail && !finished)
			pthread_cond_wait(&changed, &lock);
		if (head == tail) {
			pthread_mutex_unlock(&lock);
			break;
		}
		job = jobs[head++ % QUEUE];
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		random = mix(random);
		CHECK_PATTERN(job.span.base, job.span.len, 1, job.position);
		/* Another holder, who lets go first. */
		if (random % 4 == 0) {
			CHECK_EQ(aiouring_bufring_ref(br, job.span.id), 0);
			CHECK_EQ(aiouring_bufring_release(br, job.span.id), 0);
			CHECK_PATTERN(job.span.base, job.span.len, 1, job.position);
		}
		twice = aiouring_bufring_release(br, job.span.id) == 0;
		CHECK_EQ(twice, 1);
		/* Not theirs: another turn of the same buffer, no turn, no buffer. */
		if (random % 8 == 1) {
			CHECK_EQ(aiouring_bufring_release(br, job.span.id ^ 0x80000000u), -EINVAL);
			CHECK_EQ(aiouring_bufring_release(br, job.span.id & 0xffff), -EINVAL);
			CHECK_EQ(aiouring_bufring_release(br, job.span.id | 0xff00), -EINVAL);
			mine += 3;
		}
		/* A buffer that is used whole has one span: released once more, it has none, whoever has it now. */
		if (random % 8 == 2 && !(info(br).flags & AIOURING_BUFRING_INC)) {
			CHECK_EQ(aiouring_bufring_release(br, job.span.id), -EINVAL);
			mine++;
		}
	}
	__atomic_fetch_add(&refused, mine, __ATOMIC_RELAXED);
	return NULL;
}

static void *feed(void *unused)
{
	char data[4096];
	uint64_t position = 0, i = 0;

	(void)unused;
	while (position < total) {
		size_t length = 1 + mix(i++) % sizeof(data);

		if (length > total - position)
			length = (size_t)(total - position);
		fill(data, length, 1, position);
		CHECK_EQ(send(fd[1], data, length, 0), length);
		position += length;
	}
	shutdown(fd[1], SHUT_WR);
	return NULL;
}

static void run(unsigned flags)
{
	pthread_t threads[WORKERS], feeder;
	uint64_t position = 0;
	int armed = 0, ended = 0, i;

	br = bufring(&ring, COUNT, SIZE, GROUP, flags);
	total = 4000000 * (uint64_t)test_scale();
	head = tail = 0;
	finished = 0;
	refused = 0;
	sockets(fd);
	for (i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(unsigned)i), 0);
	CHECK_EQ(pthread_create(&feeder, NULL, feed, NULL), 0);
	while (!ended) {
		struct aiouring_bufring_walk walk;
		struct aiouring_bufring_span span;
		struct completion cqe;

		if (!armed)
			receive_again(&ring, br, fd[0], 1);
		else
			submit(&ring, br);
		cqe = take(&ring);
		CHECK_GE(taken(br, &cqe, &walk), 0);
		armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
		ended = cqe.res == 0;
		CHECK(cqe.res >= 0 || cqe.res == -ENOBUFS);
		while (aiouring_bufring_next(&walk, &span) == 1) {
			pthread_mutex_lock(&lock);
			while (tail - head == QUEUE)
				pthread_cond_wait(&changed, &lock);
			jobs[tail % QUEUE].span = span;
			jobs[tail++ % QUEUE].position = position;
			pthread_cond_broadcast(&changed);
			pthread_mutex_unlock(&lock);
			position += span.len;
		}
		/* Something has to come back first. */
		if (cqe.res == -ENOBUFS)
			while (info(br).provided + info(br).waiting == 0)
				sched_yield();
	}
	CHECK_EQ(position, total);
	pthread_mutex_lock(&lock);
	finished = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	for (i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(pthread_join(feeder, NULL), 0);
	submit(&ring, br);
	CHECK_EQ(info(br).provided, COUNT);
	CHECK_EQ(info(br).references, 0);
	CHECK_EQ(info(br).held, 0);
	CHECK_EQ(info(br).bytes, total);
	CHECK_EQ(info(br).refused, refused);
	CHECK(aiouring_bufring_check(br) == 0 || aiouring_bufring_check(br) == -EOPNOTSUPP);
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

int main(void)
{
	make(&ring, 64, 0);
	run(0);
	run(AIOURING_BUFRING_INC);
	run(AIOURING_BUFRING_CLASSIC);
	io_uring_queue_exit(&ring);
	return 0;
}
