// variants: ours,preload-ours,own
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads that wait for data and for a buffer: what ends them, and what their end does not lose. */
#include <poll.h>
#include <sys/resource.h>

#include "aio_ext_select.h"

enum { BUFFERS = 8, SIZE = 64, MANY = 3000 };

static struct iocb iocbs[MANY];

static void cancelled(int kind)
{
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(16, &br, BUFFERS, SIZE, 0);
	struct io_event event;
	int fds[2];

	make_stream(kind, fds);
	for (int i = 0; i < 5; i++)
		submit_select(ctx, &iocbs[i], fds[0], 1);
	/* From behind, from the middle, the one that the kernel has. */
	CHECK_EQ(io_cancel(ctx, &iocbs[4], &event), -EINPROGRESS);
	expect_select(ctx, br, &iocbs[4], -ECANCELED, NULL);
	CHECK_EQ(io_cancel(ctx, &iocbs[4], &event), -EINVAL);
	CHECK_EQ(io_cancel(ctx, &iocbs[1], &event), -EINPROGRESS);
	expect_select(ctx, br, &iocbs[1], -ECANCELED, NULL);
	CHECK_EQ(io_cancel(ctx, &iocbs[0], &event), -EINPROGRESS);
	expect_select(ctx, br, &iocbs[0], -ECANCELED, NULL);
	CHECK_PENDING(ctx);
	put(fds[1], "c");
	expect_select(ctx, br, &iocbs[2], 1, "c");
	submit_select(ctx, &iocbs[4], fds[0], 1);
	put(fds[1], "de");
	expect_select(ctx, br, &iocbs[3], 1, "d");
	expect_select(ctx, br, &iocbs[4], 1, "e");
	CHECK_EQ(io_cancel(ctx, &iocbs[3], &event), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* The same by the call for all kinds of requests. */
static void cancelled_at_once(int kind)
{
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(16, &br, BUFFERS, SIZE, 0);
	const struct timespec limit = {EVENT_SECONDS, 0};
	int fds[2], other[2];

	make_stream(kind, fds);
	make_stream(kind, other);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_ALL, NULL), -ENOENT);
	for (int i = 0; i < 6; i++)
		submit_select(ctx, &iocbs[i], i % 2 ? fds[0] : other[0], 1);
	CHECK_EQ(aiouring_cancel(ctx, &iocbs[2], -1, AIOURING_CANCEL_IOCB | AIOURING_CANCEL_WAIT, &limit), 1);
	expect_select(ctx, br, &iocbs[2], -ECANCELED, NULL);
	CHECK_EQ(aiouring_cancel(ctx, NULL, fds[0], AIOURING_CANCEL_FD | AIOURING_CANCEL_WAIT, &limit), 3);
	CHECK_EQ(ready(ctx), 3);
	put(other[1], "o");
	expect_select(ctx, br, &iocbs[0], 1, "o");
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_ALL, NULL), 1);
	expect_select(ctx, br, &iocbs[4], -ECANCELED, NULL);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_ALL, NULL), -ENOENT);
	submit_select(ctx, &iocbs[0], fds[0], 1);
	put(fds[1], "f");
	expect_select(ctx, br, &iocbs[0], 1, "f");
	CHECK_EQ(aiouring_bufring_check(br), 0);
	close(fds[0]);
	close(fds[1]);
	close(other[0]);
	close(other[1]);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* The ring is taken away: what waits is taken back, what came before can be taken. */
static void unbound(int kind, unsigned flags)
{
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(64, &br, BUFFERS, SIZE, flags);
	struct io_event events[16];
	struct aiouring_bufring_info info;
	int fds[2], other[2];

	make_stream(kind, fds);
	make_stream(kind, other);
	for (int i = 0; i < 16; i++)
		submit_select(ctx, &iocbs[i], i % 2 ? fds[0] : other[0], 1);
	put(fds[1], "ab");
	sleep_ms(20);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_unbind(br), -EINVAL);
	SUBMIT_IS(ctx, &iocbs[0], -EINVAL);
	reap(ctx, 16, events);
	for (int i = 0, data = 0; i < 16; i++) {
		char byte;

		if (events[i].obj == &iocbs[1] || events[i].obj == &iocbs[3]) {
			CHECK_EQ(take(br, &events[i], &byte), 1);
			CHECK_EQ(byte, "ab"[data++]);
		} else {
			CHECK_EQ((long)events[i].res, -ECANCELED);
			take(br, &events[i], NULL);
		}
	}
	CHECK_EQ(aiouring_bufring_stats(br, &info, sizeof(info)), 0);
	CHECK_EQ(info.provided, 0);
	CHECK_EQ(info.held, 0);
	/* Nothing of the streams is lost; and the object is as good as new. */
	CHECK_EQ(aiouring_bufring_bind(br, ctx), 0);
	put(fds[1], "c");
	for (int round = 0; round < 3; round++) {
		submit_select(ctx, &iocbs[0], fds[0], 1);
		expect_select(ctx, br, &iocbs[0], 1, round == 0 ? "c" : "d");
		put(fds[1], "d");
	}
	close(fds[0]);
	close(fds[1]);
	close(other[0]);
	close(other[1]);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* Thousands wait, some behind others: the context ends at once, with the buffers. */
static void many(void)
{
	struct rlimit limit;
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(MANY, &br, BUFFERS, SIZE, 0);
	struct io_event event;
	static int fds[MANY][2];
	int streams = MANY;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur < 2 * MANY + 100)
		streams = (int)(limit.rlim_cur - 100) / 2;
	for (int i = 0; i < streams; i++)
		make_stream(i % 2, fds[i]);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			submit_select(ctx, &iocbs[i], fds[round < 2 ? i % streams : i % 7][0], 0);
		if (round == 0) {
			put(fds[streams - 1][1], "last");
			expect_select(ctx, br, &iocbs[streams - 1], 4, "last");
		}
		if (round == 1) {
			CHECK_EQ(aiouring_bufring_unbind(br), 0);
			for (int i = 0; i < MANY; i++) {
				reap(ctx, 1, &event);
				CHECK_EQ((long)event.res, -ECANCELED);
			}
		} else {
			CHECK_EQ(io_destroy(ctx), 0);
			CHECK_EQ(aiouring_bufring_unbind(br), 0);
			ctx = setup(MANY);
		}
		CHECK_EQ(aiouring_bufring_bind(br, ctx), 0);
	}
	for (int i = 0; i < streams; i++) {
		char byte;

		/* They are as they were. */
		put(fds[i][1], "!");
		CHECK(read(fds[i][0], &byte, 1) == 1 && byte == '!');
		close(fds[i][0]);
		close(fds[i][1]);
	}
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

struct submitter {
	io_context_t ctx;
	int fd;
};

static void *submit_some(void *arg)
{
	struct submitter *s = arg;

	for (int i = 0; i < 4; i++)
		submit_select(s->ctx, &iocbs[i], s->fd, 1);
	return NULL;
}

/* The thread that submitted is no more. */
static void thread_gone(void)
{
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(16, &br, BUFFERS, SIZE, 0);
	int fds[2];
	struct submitter s;
	pthread_t thread;

	make_stream(1, fds);
	s.ctx = ctx;
	s.fd = fds[0];
	CHECK_EQ(pthread_create(&thread, NULL, submit_some, &s), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_PENDING(ctx);
	put(fds[1], "wxyz");
	for (int i = 0; i < 4; i++)
		expect_select(ctx, br, &iocbs[i], 1, i == 0 ? "w" : i == 3 ? "z" : NULL);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Two contexts read one stream in turns: each gets what is its turn. */
static void two_contexts(void)
{
	struct aiouring_bufring *br[2];
	io_context_t ctx[2];
	char text[] = "abcdefgh";
	int fds[2];

	for (int i = 0; i < 2; i++)
		ctx[i] = setup_bound(16, &br[i], BUFFERS, SIZE, 0);
	make_stream(0, fds);
	for (int i = 0; i < 8; i++)
		submit_select(ctx[i % 2], &iocbs[i], fds[0], 1);
	put(fds[1], text);
	for (int i = 0; i < 8; i++) {
		char expected[2] = {text[i], 0};

		expect_select(ctx[i % 2], br[i % 2], &iocbs[i], 1, expected);
	}
	/* One of them ends with its read in front. */
	for (int i = 0; i < 4; i++)
		submit_select(ctx[i % 2], &iocbs[i], fds[0], 1);
	CHECK_EQ(io_destroy(ctx[0]), 0);
	put(fds[1], "ij");
	expect_select(ctx[1], br[1], &iocbs[1], 1, "i");
	expect_select(ctx[1], br[1], &iocbs[3], 1, "j");
	CHECK_EQ(io_destroy(ctx[1]), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(aiouring_bufring_unbind(br[i]), 0);
		CHECK_EQ(aiouring_bufring_destroy(br[i]), 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* A child has neither context nor ring; what its parent waits for comes to the parent. */
static void forked(void)
{
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(16, &br, BUFFERS, SIZE, 0);
	int fds[2], status;
	pid_t child;

	make_stream(0, fds);
	submit_select(ctx, &iocbs[0], fds[0], 1);
	submit_select(ctx, &iocbs[1], fds[0], 1);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct aiouring_bufring *own;
		io_context_t mine;

		watchdog();
		CHECK_EQ(aiouring_bufring_unbind(br), -EINVAL);
		CHECK_EQ(aiouring_bufring_bind(br, ctx), -EINVAL);
		mine = setup_bound(4, &own, 2, SIZE, 0);
		submit_select(mine, &iocbs[2], fds[0], 1);
		put(fds[1], "abc");
		sleep_ms(50);
		/* It ends with one that may be waiting. */
		exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_EQ(status, 0);
	expect_select(ctx, br, &iocbs[0], 1, NULL);
	expect_select(ctx, br, &iocbs[1], 1, NULL);
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Nothing holds up a process that ends with such reads, however it does. */
static void exits(int how)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct aiouring_bufring *br;
		io_context_t ctx;
		int fds[2];

		watchdog();
		ctx = setup_bound(64, &br, BUFFERS, SIZE, 0);
		make_stream(1, fds);
		for (int i = 0; i < 40; i++)
			submit_select(ctx, &iocbs[i], fds[0], 1);
		if (how == 0)
			exit(0);
		if (how == 1)
			_exit(0);
		pthread_exit(NULL);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_EQ(status, 0);
}

static io_context_t shared;
static struct aiouring_bufring *shared_ring;
static int stop;

/* Submits until there is no ring any more. */
static void *hammer(void *arg)
{
	int fd = *(int *)arg, result = 1;
	struct iocb iocb;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		aiouring_prep_pread_select(&iocb, fd, 1, 0);
		result = submit_one(shared, &iocb);
		CHECK(result == 1 || result == -EAGAIN || result == -EINVAL);
	}
	return NULL;
}

static void *feed(void *arg)
{
	int fd = *(int *)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		ssize_t written = write(fd, "x", 1);

		(void)written;
		if (poll(NULL, 0, 1) < 0)
			break;
	}
	return NULL;
}

/* Binding and unbinding while others submit, data comes, and events are taken. */
static void in_flight(void)
{
	pthread_t threads[3];
	int fds[2];
	long rounds = 30 * test_scale();

	shared = setup_bound(32, &shared_ring, BUFFERS, SIZE, 0);
	make_stream(1, fds);
	stop = 0;
	CHECK_EQ(pthread_create(&threads[0], NULL, hammer, &fds[0]), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, hammer, &fds[0]), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, feed, &fds[1]), 0);
	for (long round = 0; round < rounds; round++) {
		struct io_event events[32];
		struct timespec limit = {0, 2000000};
		int n;

		n = io_getevents(shared, 1, 32, events, &limit);
		CHECK_GE(n, 0);
		for (int i = 0; i < n; i++)
			take(shared_ring, &events[i], NULL);
		CHECK_EQ(aiouring_bufring_unbind(shared_ring), 0);
		/* All that is left has ended by now, or was refused, or comes before the next ring. */
		limit.tv_nsec = 0;
		while ((n = io_getevents(shared, 0, 32, events, &limit)) > 0)
			for (int i = 0; i < n; i++)
				take(shared_ring, &events[i], NULL);
		CHECK_EQ(aiouring_bufring_bind(shared_ring, shared), 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(io_destroy(shared), 0);
	CHECK_EQ(aiouring_bufring_unbind(shared_ring), 0);
	CHECK_EQ(aiouring_bufring_destroy(shared_ring), 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	for (int how = 0; how < 3; how++)
		exits(how);
	for (int kind = 0; kind < 3; kind++) {
		cancelled(kind);
		cancelled_at_once(kind);
		unbound(kind, 0);
		unbound(kind, AIOURING_BUFRING_INC);
	}
	thread_gone();
	two_contexts();
	forked();
	in_flight();
	many();
	return 0;
}
