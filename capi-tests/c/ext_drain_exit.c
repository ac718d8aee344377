/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ending a ring with requests of many kinds in flight: each completes once and for all before the ring is gone. */
#include <aiouring.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "filter.h"
#include "uring_check.h"

enum { KINDS = 64, QUEUED = 1000, SLOW = 50 };

/* What came of the requests, by their user data. */
struct seen {
	const struct io_uring *ring;
	unsigned final[KINDS], notified[KINDS], queued, strange, left;
	int res[KINDS];
};

static void note(void *arg, const struct io_uring_cqe *cqe)
{
	struct seen *seen = (struct seen *)arg;

	/* The ring is there as long as completions come. */
	CHECK(seen->ring->sq.sqes != NULL);
	if (!(cqe->flags & IORING_CQE_F_MORE))
		seen->left--;
	if (cqe->user_data >= QUEUED) {
		seen->queued++;
		CHECK_EQ(cqe->res, -ECANCELED);
	} else if (cqe->user_data >= KINDS) {
		seen->strange++;
	} else {
		if (cqe->flags & IORING_CQE_F_NOTIF)
			seen->notified[cqe->user_data]++;
		else
			seen->res[cqe->user_data] = cqe->res;
		if (!(cqe->flags & IORING_CQE_F_MORE))
			seen->final[cqe->user_data]++;
	}
}

static struct seen begin(const struct io_uring *ring)
{
	struct seen seen;

	memset(&seen, 0, sizeof(seen));
	seen.ring = ring;
	return seen;
}

/* Two ends of a TCP connection. */
static void connected(int fds[2])
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(listen(listener, 4) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(fds[0], (struct sockaddr *)&address, sizeof(address)) == 0);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	close(listener);
}

/* Reads, polls, timeouts, chains, multishot requests, work of the kernel's threads, direct reads, a zero-copy send. */
static void everything(unsigned flags, int counted)
{
	static char memory[16][4096] __attribute__((aligned(4096)));
	struct __kernel_timespec long_time = ms(100000), limit = ms(20000);
	int empty[2], sockets[2], file = reopen(temp_file(65536, 1), O_RDONLY | O_DIRECT), listener, i;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct seen seen;
	unsigned nr = 0, expected;

	make(&ring, 32, flags);
	seen = begin(&ring);
	CHECK(pipe(empty) == 0);
	connected(sockets);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(listener >= 0 && listen(listener, 1) == 0);

	sqe = next(&ring);
	io_uring_prep_read(sqe, empty[0], memory[0], 8, 0);
	sqe->user_data = nr++;
	sqe = next(&ring);
	io_uring_prep_read(sqe, empty[0], memory[1], 8, 0);
	sqe->flags |= IOSQE_ASYNC;
	sqe->user_data = nr++;
	sqe = next(&ring);
	io_uring_prep_poll_multishot(sqe, empty[0], POLLIN);
	sqe->user_data = nr++;
	sqe = next(&ring);
	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0);
	sqe->user_data = nr++;
	sqe = next(&ring);
	io_uring_prep_timeout(sqe, &long_time, 0, 0);
	sqe->user_data = nr++;
	sqe = next(&ring);
	io_uring_prep_recv(sqe, sockets[1], memory[2], 8, MSG_WAITALL);
	sqe->flags |= IOSQE_IO_LINK;
	sqe->user_data = nr++;
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->user_data = nr++;
	for (i = 0; i < 8; i++) {
		sqe = next(&ring);
		io_uring_prep_read(sqe, file, memory[4 + i], 4096, (unsigned)i * 4096);
		sqe->user_data = nr++;
	}
	sqe = next(&ring);
	io_uring_prep_send_zc(sqe, sockets[0], memory[3], 4, 0, 0);
	sqe->user_data = nr++;
	CHECK_EQ(io_uring_submit(&ring), nr);
	/* These stay behind. */
	nops(&ring, 5, QUEUED);
	seen.left = expected = nr + 5;

	CHECK_EQ(aiouring_queue_drain_exit(&ring, &limit, note, &seen, counted ? &seen.left : NULL), 0);
	for (i = 0; i < (int)nr; i++)
		CHECK_EQ(seen.final[i], 1);
	CHECK_EQ(seen.notified[nr - 1], seen.res[nr - 1] >= 0);
	for (i = 0; i < 7; i++)
		CHECK_EQ(seen.res[i], i == 5 ? seen.res[i] : -ECANCELED);
	for (i = 7; i < 15; i++) {
		CHECK(seen.res[i] == 4096 || seen.res[i] == -ECANCELED);
		if (seen.res[i] == 4096)
			CHECK_PATTERN(memory[4 + i - 7], 4096, 1, (unsigned)(i - 7) * 4096);
	}
	CHECK_EQ(seen.queued, 5);
	CHECK_EQ(seen.strange, 0);
	CHECK_EQ(seen.left, 0);
	/* It is ended: again is nothing to end. */
	CHECK(ring.sq.sqes == NULL);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, note, &seen, NULL), -EBADF);
	io_uring_queue_exit(&ring);
	close(empty[0]);
	close(empty[1]);
	close(sockets[0]);
	close(sockets[1]);
	close(listener);
	close(file);
}

/* More completions than the queue holds, all of them there before the end. */
static void overflow(void)
{
	struct io_uring ring;
	struct seen seen;
	unsigned i;

	make(&ring, 4, 0);
	seen = begin(&ring);
	for (i = 0; i < 10; i++) {
		nops(&ring, 4, 4 * i);
		CHECK_EQ(io_uring_submit(&ring), 4);
	}
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, note, &seen, NULL), 0);
	for (i = 0; i < 40; i++)
		CHECK_EQ(seen.final[i], 1);
}

/* Nothing in flight, nothing to hand it to. */
static void idle(unsigned flags)
{
	struct __kernel_timespec none = ms(0), some = ms(20000);
	struct io_uring ring;
	int ret;

	make(&ring, 4, flags);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, NULL, NULL, NULL), 0);
	make(&ring, 4, flags);
	/* No time at all may do; the kernel's thread needs some. */
	ret = aiouring_queue_drain_exit(&ring, &none, NULL, NULL, NULL);
	if (ret == -ETIME)
		ret = aiouring_queue_drain_exit(&ring, &some, NULL, NULL, NULL);
	CHECK_EQ(ret, 0);
}

/* What sleeps in a thread of the kernel's: a transfer between pipes, of which one is empty. */
static void in_worker(unsigned flags, int counted)
{
	struct __kernel_timespec limit = ms(10000);
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct seen seen;
	int from[2], to[2];

	CHECK(pipe(from) == 0 && pipe(to) == 0);
	make(&ring, 4, flags);
	seen = begin(&ring);
	sqe = next(&ring);
	io_uring_prep_splice(sqe, from[0], -1, to[1], -1, 100, 0);
	sqe->user_data = 1;
	CHECK_EQ(io_uring_submit(&ring), 1);
	sleep_ms(5);
	seen.left = 1;
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &limit, note, &seen, counted ? &seen.left : NULL), 0);
	CHECK_EQ(seen.final[1], 1);
	CHECK_LE(seen.res[1], -1);
	CHECK_EQ(seen.strange, 0);
	close(from[0]);
	close(from[1]);
	close(to[0]);
	close(to[1]);
}

/* The time is up before all is done. */
static void too_late(int counted)
{
	struct __kernel_timespec soon = ms(SLOW);
	struct io_uring_sqe *sqe;
	struct io_uring ring, before;
	struct completion cqe;
	struct seen seen;
	long start = now_ms();
	unsigned never = 1;

	/* The program says that there is one more, and is believed. */
	make(&ring, 4, 0);
	seen = begin(&ring);
	memcpy(&before, &ring, sizeof(before));
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &soon, note, &seen, &never), -ETIME);
	CHECK_GE(now_ms() - start, SLOW - 5);
	/* Nothing is unmapped or closed: it works as before. */
	CHECK(before.sq.sqes == ring.sq.sqes && before.ring_fd == ring.ring_fd);
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->user_data = 9;
	CHECK_EQ(io_uring_submit(&ring), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.user_data, 9);
	never = 0;
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &soon, note, &seen, counted ? &never : NULL), 0);
}

/* With such a request the kernel does not know what is in flight: the program has to. */
static void skipped(void)
{
	struct __kernel_timespec limit = ms(20000);
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct seen seen;
	char byte;
	int empty[2], ret;

	make(&ring, 4, 0);
	seen = begin(&ring);
	CHECK(pipe(empty) == 0);
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe = next(&ring);
	io_uring_prep_read(sqe, empty[0], &byte, 1, 0);
	sqe->user_data = 3;
	CHECK_EQ(io_uring_submit(&ring), 2);
	seen.left = 1;
	ret = aiouring_queue_drain_exit(&ring, &limit, note, &seen, NULL);
	if (ret != 0) {
		CHECK_EQ(ret, -EOPNOTSUPP);
		CHECK_EQ(aiouring_queue_drain_exit(&ring, &limit, note, &seen, &seen.left), 0);
	}
	CHECK_EQ(seen.final[3], 1);
	CHECK_EQ(seen.res[3], -ECANCELED);
	CHECK_EQ(seen.strange, 0);
	close(empty[0]);
	close(empty[1]);
}

static void *in_another_thread(void *ring)
{
	CHECK_EQ(aiouring_queue_drain_exit((struct io_uring *)ring, NULL, NULL, NULL, NULL), -EEXIST);
	return NULL;
}

static void refusals(void)
{
	struct __kernel_timespec bad = {0, -1};
	struct io_uring ring, none;
	struct seen seen;
	pthread_t thread;

	memset(&none, 0, sizeof(none));
	CHECK_EQ(aiouring_queue_drain_exit(NULL, NULL, NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(aiouring_queue_drain_exit(&none, NULL, NULL, NULL, NULL), -EBADF);
	make(&ring, 4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	nops(&ring, 2, QUEUED);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &bad, NULL, NULL, NULL), -EINVAL);
	bad.tv_nsec = 1000000000;
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &bad, NULL, NULL, NULL), -EINVAL);
	/* It takes nothing away. */
	CHECK_EQ(pthread_create(&thread, NULL, in_another_thread, &ring), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 2);
	seen = begin(&ring);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, note, &seen, NULL), 0);
	CHECK_EQ(seen.queued, 2);

	make(&ring, 4, IORING_SETUP_IOPOLL);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, NULL, NULL, NULL), -EOPNOTSUPP);
	io_uring_queue_exit(&ring);

	/* Never enabled, so nothing is in flight. */
	make(&ring, 4, IORING_SETUP_R_DISABLED);
	nops(&ring, 3, QUEUED);
	seen = begin(&ring);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, note, &seen, NULL), 0);
	CHECK_EQ(seen.queued, 3);

	/* The descriptor is gone: an error, and not a wait for ever. */
	make(&ring, 4, 0);
	close(ring.ring_fd);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, NULL, NULL, NULL), -EBADF);
	ring.ring_fd = -1;
	io_uring_queue_exit(&ring);

	/* By its registered index alone. */
	make(&ring, 4, 0);
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	if (io_uring_close_ring_fd(&ring) == 1)
		CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, NULL, NULL, NULL), 0);
	else
		io_uring_queue_exit(&ring);
}

static void *storm(void *target)
{
	pthread_t thread = *(pthread_t *)target;
	int i;

	for (i = 0; i < 20; i++) {
		sleep_ms(1);
		pthread_kill(thread, SIGUSR1);
	}
	return NULL;
}

static void nothing(int signo)
{
	(void)signo;
}

/* Signals do not end it, and the kernel may be late. */
static void under_signals(void)
{
	struct __kernel_timespec limit = ms(40);
	struct sigaction action;
	pthread_t thread, self = pthread_self();
	struct io_uring ring;
	struct seen seen;
	long start;
	unsigned never = 1;

	memset(&action, 0, sizeof(action));
	action.sa_handler = nothing;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	make(&ring, 4, 0);
	seen = begin(&ring);
	CHECK_EQ(pthread_create(&thread, NULL, storm, &self), 0);
	start = now_ms();
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &limit, note, &seen, &never), -ETIME);
	CHECK_GE(now_ms() - start, 35);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &limit, note, &seen, NULL), 0);
}

/* On kernels without the call for cancelling, what is in flight has to end by itself. */
static void without_the_call(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_register, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IORING_REGISTER_SYNC_CANCEL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {COUNT_OF(code), code};
	struct __kernel_timespec soon = ms(20);
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct seen seen;
	int ends[2];
	char byte;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_EQ(syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), 0);
	idle(0);
	CHECK(pipe(ends) == 0);
	make(&ring, 4, 0);
	seen = begin(&ring);
	sqe = next(&ring);
	io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
	sqe->user_data = 3;
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &soon, note, &seen, NULL), -ETIME);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, &soon, note, &seen, NULL), -ETIME);
	CHECK_EQ(seen.final[3], 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(aiouring_queue_drain_exit(&ring, NULL, note, &seen, NULL), 0);
	CHECK_EQ(seen.final[3], 1);
	CHECK_EQ(seen.res[3], 1);
	/* What the calls before have submitted is not for the program. */
	CHECK_EQ(seen.strange, 0);
}

int main(void)
{
	static const unsigned kinds[] = {
		0,
		IORING_SETUP_SQPOLL,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_CQE32 | IORING_SETUP_SQE128,
		IORING_SETUP_CQE_MIXED,
	};
	unsigned i;

	for (i = 0; i < COUNT_OF(kinds); i++) {
		everything(kinds[i], 0);
		everything(kinds[i], 1);
		in_worker(kinds[i], 0);
		in_worker(kinds[i], 1);
		idle(kinds[i]);
	}
	overflow();
	too_late(0);
	too_late(1);
	skipped();
	refusals();
	under_signals();
	without_the_call();
	return 0;
}
