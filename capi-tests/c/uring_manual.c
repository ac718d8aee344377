// oracle: yes
// old-kernel: no (some of this is younger)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the overviews of the manual say of submission, order, threads, children and the ends of requests. */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "uring_results.h"

static int ends[2];

/* Whether no completion comes for a while. */
static int quiet(struct io_uring *r)
{
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(50);

	return io_uring_wait_cqe_timeout(r, &cqe, &ts) == -ETIME;
}

static void prepare(struct io_uring *r, __u64 number, unsigned flags)
{
	nops(r, 1, number);
	r->sq.sqes[(r->sq.sqe_tail - 1) & r->sq.ring_mask].flags = (__u8)flags;
}

/* A request with an error ends the submission and is a part of it, unless the ring is to go on. */
static void bad_requests(void)
{
	struct io_uring r;
	int i, all;

	for (all = 0; all < 2; all++) {
		make(&r, 8, all ? IORING_SETUP_SUBMIT_ALL : 0);
		nops(&r, 3, 1);
		r.sq.sqes[1].opcode = 255;
		CHECK_EQ(io_uring_submit(&r), all ? 3 : 2);
		CHECK_EQ(io_uring_sq_ready(&r), all ? 0 : 1);
		CHECK_EQ(io_uring_submit(&r), all ? 0 : 1);
		for (i = 1; i <= 3; i++) {
			struct completion cqe = take(&r);

			CHECK_EQ(cqe.user_data, i);
			CHECK_EQ(cqe.res, i == 2 ? -EINVAL : 0);
		}
		io_uring_queue_exit(&r);
	}
}

/* A short read breaks a chain, a hard link does not break. */
static void chains(void)
{
	char memory[200];
	int hard, fd = temp_file(100, 1);

	for (hard = 0; hard < 2; hard++) {
		struct io_uring_sqe *sqe = next(&ring);

		io_uring_prep_read(sqe, fd, memory, sizeof(memory), 0);
		sqe->flags = hard ? IOSQE_IO_HARDLINK : IOSQE_IO_LINK;
		io_uring_sqe_set_data64(sqe, 1);
		nops(&ring, 1, 2);
		CHECK_EQ(io_uring_submit(&ring), 2);
		CHECK_BOTH(1, 100, 2, hard ? 0 : -ECANCELED);
	}
	close(fd);
}

static void drains(void)
{
	struct io_uring r;
	struct io_uring_sync_cancel_reg reg;
	char byte;

	/* What is behind a drained request waits, too. */
	START(1, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	prepare(&ring, 2, IOSQE_IO_DRAIN);
	nops(&ring, 1, 3);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK(quiet(&ring));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_NEXT(1, POLLIN);
	CHECK_NEXT(2, 0);
	CHECK_NEXT(3, 0);
	CHECK_EQ(read(ends[0], &byte, 1), 1);

	/* Even what would end the wait: but for the call. */
	START(1, io_uring_prep_poll_multishot(sqe, ends[0], POLLIN));
	prepare(&ring, 2, IOSQE_IO_DRAIN);
	CHECK_EQ(io_uring_submit(&ring), 1);
	START(3, io_uring_prep_cancel64(sqe, 1, 0));
	CHECK(quiet(&ring));
	memset(&reg, 0, sizeof(reg));
	reg.addr = 1;
	reg.timeout.tv_sec = reg.timeout.tv_nsec = -1;
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), 0);
	CHECK_NEXT(1, -ECANCELED);
	CHECK_NEXT(2, 0);
	CHECK_NEXT(3, -ENOENT);

	make(&r, 8, 0);
	prepare(&r, 1, IOSQE_CQE_SKIP_SUCCESS);
	prepare(&r, 2, IOSQE_IO_DRAIN);
	CHECK_EQ(io_uring_submit(&r), 2);
	CHECK_EQ(take(&r).res, -EOPNOTSUPP);
	io_uring_queue_exit(&r);
}

static void *start_and_end(void *memory)
{
	START(1, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	START(2, io_uring_prep_read(sqe, ends[0], memory, 1, 0));
	return NULL;
}

/* One that is looked for has to be there; of all that match there may be none. */
static void cancellations(void)
{
	struct io_uring_sync_cancel_reg reg;

	memset(&reg, 0, sizeof(reg));
	reg.addr = 4711;
	reg.timeout.tv_sec = reg.timeout.tv_nsec = -1;
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), -ENOENT);
	reg.flags = IORING_ASYNC_CANCEL_ALL;
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), 0);
	reg.flags = IORING_ASYNC_CANCEL_ANY;
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), 0);
	START(5, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	START(6, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	CHECK_EQ(io_uring_register_sync_cancel(&ring, &reg), 2);
	CHECK_BOTH(5, -ECANCELED, 6, -ECANCELED);
	CHECK_EQ(RESULT(io_uring_prep_cancel64(sqe, 4711, 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_cancel64(sqe, 4711, IORING_ASYNC_CANCEL_ALL)), 0);
	CHECK_EQ(RESULT(io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY)), 0);
}

/* Requests of a thread that has ended are cancelled when their file has news. */
static void thread_ends(void)
{
	pthread_t thread;
	char byte;

	CHECK(pthread_create(&thread, NULL, start_and_end, &byte) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(quiet(&ring));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_BOTH(1, -ECANCELED, 2, -ECANCELED);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
}

struct alien {
	struct io_uring *ring;
	int submit, wait, registration;
};

static void *alien(void *arg)
{
	struct alien *a = arg;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(1);

	a->wait = io_uring_wait_cqe_timeout(a->ring, &cqe, &ts);
	nops(a->ring, 1, 1);
	a->submit = io_uring_submit(a->ring);
	a->registration = io_uring_register_personality(a->ring);
	return NULL;
}

/* What another thread than the one that owns a ring is told. */
static void owners(void)
{
	static const unsigned flags[3] = {
		IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		0, /* a registered descriptor */
	};
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct io_uring r;
		struct alien a = { &r, 0, 0, 0 };
		pthread_t thread;

		make(&r, 8, flags[i]);
		if (!flags[i])
			CHECK_EQ(io_uring_register_ring_fd(&r), 1);
		CHECK(pthread_create(&thread, NULL, alien, &a) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
		CHECK_EQ(a.submit, flags[i] ? -EEXIST : -EINVAL);
		CHECK_EQ(a.wait, !flags[i] ? -EINVAL : i == 1 ? -EEXIST : -ETIME);
		if (flags[i])
			CHECK_EQ(a.registration, -EEXIST);
		io_uring_queue_exit(&r);
	}
}

/* What finds no room comes later, in its order. */
static void overflow(void)
{
	struct io_uring r;
	int i;

	make(&r, 2, 0);
	for (i = 0; i < 8; i += 2) {
		nops(&r, 2, (__u64)i);
		CHECK_EQ(io_uring_submit(&r), 2);
	}
	CHECK_EQ(io_uring_cq_ready(&r), 4);
	CHECK(io_uring_cq_has_overflow(&r));
	for (i = 0; i < 8; i++)
		CHECK_EQ(take(&r).user_data, i);
	CHECK(!io_uring_cq_has_overflow(&r));
	io_uring_queue_exit(&r);
}

/* A child shares the ring, unless it is kept from it. */
static void children(void)
{
	int status;
	pid_t child;

	nops(&ring, 1, 77);
	child = fork();
	if (!child)
		_exit(io_uring_submit(&ring));
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 1);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	CHECK_NEXT(77, 0);

	CHECK_EQ(io_uring_ring_dontfork(&ring), 0);
	child = fork();
	if (!child)
		_exit(*(volatile unsigned *)ring.cq.khead == 0);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

/* A tag comes when the last request with the buffer is done. */
static void tags(void)
{
	static char memory[4096];
	struct iovec iov = { memory, sizeof(memory) };
	__u64 tag = 99;

	CHECK_EQ(io_uring_register_buffers_tags(&ring, &iov, &tag, 1), 0);
	START(1, io_uring_prep_read_fixed(sqe, ends[0], memory, 1, 0, 0));
	CHECK_EQ(io_uring_unregister_buffers(&ring), 0);
	CHECK(quiet(&ring));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_NEXT(1, 1);
	CHECK_NEXT(99, 0);
	CHECK_EQ(memory[0], 'x');
}

/* One signal may stand for several completions; the second form leaves out those of the submitting call. */
static void signals(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	eventfd_t count = 0;

	CHECK_EQ(io_uring_register_eventfd(&ring, fd), 0);
	nops(&ring, 2, 1);
	CHECK_EQ(io_uring_submit(&ring), 2);
	CHECK(eventfd_read(fd, &count) == 0);
	CHECK(count == 1 || count == 2);
	CHECK_NEXT(1, 0);
	CHECK_NEXT(2, 0);
	CHECK_EQ(io_uring_unregister_eventfd(&ring), 0);
	CHECK_EQ(io_uring_register_eventfd_async(&ring, fd), 0);
	nops(&ring, 1, 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK(eventfd_read(fd, &count) == -1);
	CHECK_NEXT(1, 0);
	CHECK_EQ(io_uring_unregister_eventfd(&ring), 0);
	close(fd);
}

/* Nothing goes through a ring that is not enabled. */
static void disabled(void)
{
	struct io_uring r;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(1);

	make(&r, 8, IORING_SETUP_R_DISABLED);
	CHECK_EQ(io_uring_peek_cqe(&r, &cqe), -EAGAIN);
	CHECK_EQ(io_uring_wait_cqe_timeout(&r, &cqe, &ts), -EBADFD);
	CHECK_EQ(io_uring_get_events(&r), -EBADFD);
	nops(&r, 1, 1);
	CHECK_EQ(io_uring_submit(&r), -EBADFD);
	CHECK_EQ(io_uring_register(r.ring_fd >= 0 ? (unsigned)r.ring_fd : 0, IORING_REGISTER_ENABLE_RINGS, NULL, 0), 0);
	CHECK_EQ(io_uring_submit(&r), 1);
	CHECK_EQ(take(&r).res, 0);
	io_uring_queue_exit(&r);
}

/* A group is a ring or a list, and one that does not exist is empty. */
static void groups(void)
{
	static char memory[64];
	struct io_uring_buf_ring *br = buf_ring(8);
	struct io_uring_buf_reg reg;

	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, memory, 16, 4, 8, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_provide_buffers(sqe, memory, 16, 4, 9, 0)), 0);
	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (uintptr_t)pages(4096);
	reg.ring_entries = 4;
	reg.bgid = 9;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), -EEXIST);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, 9), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, ends[0], NULL, 0, 0); sqe->flags = IOSQE_BUFFER_SELECT;
			sqe->buf_group = 8),
		 -ENOBUFS);
	CHECK_EQ(RESULT(io_uring_prep_read(sqe, ends[0], NULL, 0, 0); sqe->flags = IOSQE_BUFFER_SELECT;
			sqe->buf_group = 10),
		 -ENOBUFS);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, 8), 0);
	munmap(br, 4096);
}

int main(void)
{
	begin();
	CHECK(pipe(ends) == 0);
	bad_requests();
	chains();
	drains();
	cancellations();
	thread_ends();
	owners();
	overflow();
	tags();
	signals();
	disabled();
	groups();
	children();
	io_uring_queue_exit(&ring);
	return 0;
}
