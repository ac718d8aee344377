// oracle: yes
// their-headers: no (operations and helpers of later versions)
// old-kernel: no (many of the operations are younger, and some errors are others)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the manual pages say of the results of polls, timeouts, cancellations, futexes, children and epoll. */
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>

#include "uring_results.h"

#ifndef FUTEX2_SIZE_U32
#define FUTEX2_SIZE_U32 2
#endif
#ifndef FUTEX2_PRIVATE
#define FUTEX2_PRIVATE 128
#endif

static void polls(void)
{
	int ends[2], other[2], fd = temp_file(10, 1);
	struct completion cqe;
	char byte;

	CHECK(pipe(ends) == 0 && pipe(other) == 0);
	CHECK_EQ(RESULT(io_uring_prep_poll_add(sqe, fd, POLLIN | POLLOUT)), POLLIN | POLLOUT);
	START(5, io_uring_prep_poll_multishot(sqe, fd, POLLIN));
	cqe = take(&ring);
	CHECK_EQ(cqe.res, POLLIN);
	CHECK_EQ(cqe.flags, 0);
	CHECK_EQ(RESULT(io_uring_prep_poll_add(sqe, 999, POLLIN)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_poll_remove(sqe, 77)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_poll_update(sqe, 77, 0, POLLIN, IORING_POLL_UPDATE_EVENTS)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_poll_update(sqe, 77, 0, 0, 0); sqe->len = IORING_POLL_ADD_MULTI), -EINVAL);
	/* An argument that no flag asks for. */
	CHECK_EQ(RESULT(io_uring_prep_poll_update(sqe, 77, 1, POLLIN, IORING_POLL_UPDATE_EVENTS)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_poll_update(sqe, 77, 1, POLLIN, IORING_POLL_UPDATE_USER_DATA)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_poll_multishot(sqe, ends[0], POLLIN); sqe->flags = IOSQE_CQE_SKIP_SUCCESS),
		 -EINVAL);

	START(5, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	START(6, io_uring_prep_poll_remove(sqe, 5));
	CHECK_BOTH(5, -ECANCELED, 6, 0);

	START(5, io_uring_prep_poll_add(sqe, ends[1], POLLIN));
	START(6, io_uring_prep_poll_update(sqe, 5, 8, POLLOUT,
					   IORING_POLL_UPDATE_EVENTS | IORING_POLL_UPDATE_USER_DATA));
	CHECK_BOTH(6, 0, 8, POLLOUT);

	/* New data make a new completion, whether the old ones were read or not. */
	START(5, io_uring_prep_poll_multishot(sqe, ends[0], POLLIN));
	CHECK_EQ(write(ends[1], "a", 1), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, POLLIN);
	CHECK_EQ(cqe.flags, IORING_CQE_F_MORE);
	CHECK_EQ(write(ends[1], "b", 1), 1);
	CHECK_NEXT(5, POLLIN);
	START(6, io_uring_prep_poll_remove(sqe, 5));
	CHECK_BOTH(5, -ECANCELED, 6, 0);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	CHECK_EQ(read(ends[0], &byte, 1), 1);

	/* Closing the descriptor does not end the request. */
	START(5, io_uring_prep_poll_add(sqe, other[0], POLLIN));
	close(other[0]);
	CHECK_EQ(write(other[1], "c", 1), 1);
	CHECK_NEXT(5, POLLIN);
}

static void timeouts(void)
{
	struct __kernel_timespec soon = ms(10), late = ms(60000), negative;
	struct completion cqe;
	int ends[2], i;
	char byte;

	memset(&negative, 0, sizeof(negative));
	negative.tv_sec = -1;
	CHECK(pipe(ends) == 0);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &soon, 0, 0)), -ETIME);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ABS)), -ETIME);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME)), -ETIME);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, NULL, 0, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &negative, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_CLOCK_MASK)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &soon, 0, 1U << 20)), -EINVAL);

	/* Read at the submission. */
	START(1, io_uring_prep_timeout(sqe, &soon, 0, 0));
	soon = ms(60000);
	CHECK_NEXT(1, -ETIME);
	soon = ms(10);

	START(1, io_uring_prep_timeout(sqe, &late, 2, 0));
	nops(&ring, 2, 10);
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 3; i++)
		CHECK_EQ(take(&ring).res, 0);

	START(1, io_uring_prep_timeout(sqe, &late, 0, 0));
	START(2, io_uring_prep_timeout_remove(sqe, 1, 0));
	CHECK_BOTH(1, -ECANCELED, 2, 0);
	CHECK_EQ(RESULT(io_uring_prep_timeout_remove(sqe, 1, 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_timeout_remove(sqe, 1, 1)), -EINVAL);

	START(1, io_uring_prep_timeout(sqe, &late, 0, 0));
	CHECK_EQ(RESULT(io_uring_prep_timeout_update(sqe, &soon, 1, IORING_TIMEOUT_REALTIME)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_timeout_update(sqe, NULL, 1, 0)), -EFAULT);
	START(2, io_uring_prep_timeout_update(sqe, &soon, 1, 0));
	CHECK_BOTH(1, -ETIME, 2, 0);
	CHECK_EQ(RESULT(io_uring_prep_timeout_update(sqe, &soon, 1, 0)), -ENOENT);

	/* Whether the time is a failure for what is linked to it. */
	for (i = 0; i < 2; i++) {
		struct io_uring_sqe *sqe = next(&ring);

		io_uring_prep_timeout(sqe, &soon, 0, i ? IORING_TIMEOUT_ETIME_SUCCESS : 0);
		io_uring_sqe_set_data64(sqe, 1);
		sqe->flags = IOSQE_IO_LINK;
		nops(&ring, 1, 2);
		CHECK_EQ(io_uring_submit(&ring), 2);
		CHECK_NEXT(1, -ETIME);
		CHECK_NEXT(2, i ? 0 : -ECANCELED);
	}

	/* Linux 6.4. */
	START(1, io_uring_prep_timeout(sqe, &soon, 2, IORING_TIMEOUT_MULTISHOT));
	cqe = take(&ring);
	if (cqe.res != -EINVAL) {
		CHECK_EQ(cqe.res, -ETIME);
		CHECK_EQ(cqe.flags, IORING_CQE_F_MORE);
		cqe = take(&ring);
		CHECK_EQ(cqe.res, -ETIME);
		CHECK_EQ(cqe.flags, 0);
		CHECK_EQ(RESULT(io_uring_prep_timeout(sqe, &soon, 0, IORING_TIMEOUT_MULTISHOT | IORING_TIMEOUT_ABS)),
			 -EINVAL);
	}

	/* A limit for a request: too late, in time, changed, and with nothing to limit. */
	CHECK_EQ(RESULT(io_uring_prep_link_timeout(sqe, &soon, 0)), -EINVAL);
	for (i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = next(&ring);

		io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
		io_uring_sqe_set_data64(sqe, 1);
		sqe->flags = IOSQE_IO_LINK;
		sqe = next(&ring);
		io_uring_prep_link_timeout(sqe, i == 0 ? &soon : i == 3 ? NULL : &late, 0);
		io_uring_sqe_set_data64(sqe, 2);
		CHECK_EQ(io_uring_submit(&ring), 2);
		if (i == 0) {
			CHECK_BOTH(1, -ECANCELED, 2, -ETIME);
		} else if (i == 1) {
			CHECK_EQ(write(ends[1], "x", 1), 1);
			CHECK_BOTH(1, 1, 2, -ECANCELED);
		} else if (i == 2) {
			CHECK_EQ(RESULT(io_uring_prep_timeout_remove(sqe, 2, 0)), -ENOENT);
			CHECK_EQ(RESULT(io_uring_prep_timeout_update(sqe, &soon, 2, 0)), -ENOENT);
			START(3, io_uring_prep_timeout_update(sqe, &soon, 2, IORING_LINK_TIMEOUT_UPDATE));
			CHECK_NEXT(3, 0);
			CHECK_BOTH(1, -ECANCELED, 2, -ETIME);
		} else {
			CHECK_BOTH(1, -ECANCELED, 2, -EFAULT);
		}
	}
}

static void cancellations(void)
{
	int ends[2], other[2], i;
	struct completion first, second;

	CHECK(pipe(ends) == 0 && pipe(other) == 0);
	CHECK_EQ(RESULT(io_uring_prep_cancel64(sqe, 77, 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_cancel(sqe, &ring, 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_cancel64(sqe, 77, IORING_ASYNC_CANCEL_ALL)), 0);
	CHECK_EQ(RESULT(io_uring_prep_cancel64(sqe, 77, 1 << 20)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_cancel_fd(sqe, 999, 0)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_cancel_fd(sqe, ends[0], 0)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_cancel_fd(sqe, ends[0], IORING_ASYNC_CANCEL_ANY)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_cancel_fd(sqe, 0, IORING_ASYNC_CANCEL_FD_FIXED)), -EBADF);

	START(5, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	START(6, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	START(7, io_uring_prep_cancel_fd(sqe, ends[0], IORING_ASYNC_CANCEL_ALL));
	for (i = 0; i < 3; i++) {
		first = take(&ring);
		CHECK_EQ(first.res, first.user_data == 7 ? 2 : -ECANCELED);
	}

	/* Linux 6.6. */
	START(5, io_uring_prep_poll_add(sqe, ends[0], POLLIN));
	if (RESULT(io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_OP); sqe->len = IORING_OP_READ) != -EINVAL) {
		CHECK_EQ(RESULT(io_uring_prep_cancel_fd(sqe, ends[0], IORING_ASYNC_CANCEL_USERDATA); sqe->addr = 6),
			 -ENOENT);
		START(6, io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_OP); sqe->len = IORING_OP_POLL_ADD);
	} else {
		START(6, io_uring_prep_cancel64(sqe, 5, 0));
	}
	CHECK_BOTH(5, -ECANCELED, 6, 0);

	/* A worker sleeps in a splice. */
	START(5, io_uring_prep_splice(sqe, ends[0], -1, other[1], -1, 10, 0));
	sleep_ms(50);
	START(6, io_uring_prep_cancel64(sqe, 5, 0));
	first = take(&ring);
	second = take(&ring);
	CHECK_EQ((first.user_data == 6 ? first : second).res, -EALREADY);
	CHECK_LE((first.user_data == 6 ? second : first).res, -1);
}

static void futexes(void)
{
	static uint32_t words[2] = {1, 1};
	const uint32_t all = FUTEX_BITSET_MATCH_ANY, flags = FUTEX2_SIZE_U32 | FUTEX2_PRIVATE;
	struct futex_waitv both[2];
	int i;

	if (!has(IORING_OP_FUTEX_WAIT))
		return;
	CHECK_EQ(RESULT(io_uring_prep_futex_wait(sqe, words, 2, all, flags, 0)), -EAGAIN);
	CHECK_EQ(RESULT(io_uring_prep_futex_wait(sqe, words, 1, 0, flags, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_futex_wait(sqe, words, 1, all, FUTEX2_PRIVATE, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_futex_wait(sqe, words, 1, all, flags, 1)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_futex_wait(sqe, (void *)hole(), 1, all, flags, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_futex_wake(sqe, words, 1, all, flags, 0)), 0);
	CHECK_EQ(RESULT(io_uring_prep_futex_wake(sqe, words, 1, 0, flags, 0)), -EINVAL);

	/* A mask without a common bit does not wake. */
	START(1, io_uring_prep_futex_wait(sqe, words, 1, 1, flags, 0));
	CHECK_EQ(RESULT(io_uring_prep_futex_wake(sqe, words, 1, 2, flags, 0)), 0);
	START(2, io_uring_prep_futex_wake(sqe, words, 5, 3, flags, 0));
	CHECK_BOTH(1, 0, 2, 1);

	memset(both, 0, sizeof(both));
	for (i = 0; i < 2; i++) {
		both[i].val = 1;
		both[i].uaddr = (uintptr_t)&words[i];
		both[i].flags = flags;
	}
	START(1, io_uring_prep_futex_waitv(sqe, both, 2, 0));
	both[1].val = 9;
	START(2, io_uring_prep_futex_wake(sqe, &words[1], 1, all, flags, 0));
	CHECK_BOTH(1, 1, 2, 1);
	CHECK_EQ(RESULT(io_uring_prep_futex_waitv(sqe, both, 2, 0)), -EAGAIN);
	CHECK_EQ(RESULT(io_uring_prep_futex_waitv(sqe, both, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_futex_waitv(sqe, both, 129, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_futex_waitv(sqe, both, 2, 1)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_futex_waitv(sqe, NULL, 2, 0)), -EFAULT);
}

static void children(void)
{
	static siginfo_t info;
	pid_t child;

	if (!has(IORING_OP_WAITID))
		return;
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_ALL, 0, &info, WEXITED, 0)), -ECHILD);
	child = fork();
	if (child == 0) {
		sleep_ms(20);
		_exit(7);
	}
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_PID, (id_t)child, &info, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_PID, (id_t)child, &info, WEXITED, 1)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_PID, (id_t)child, &info, WEXITED | WNOWAIT, 0)), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 7);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_PID, (id_t)child, (void *)hole(), WEXITED | WNOWAIT, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_PID, (id_t)child, NULL, WEXITED, 0)), 0);
	CHECK_EQ(waitpid(child, NULL, 0), -1);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	info.si_pid = 1;
	CHECK_EQ(RESULT(io_uring_prep_waitid(sqe, P_PID, (id_t)child, &info, WEXITED | WNOHANG, 0)), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK(kill(child, SIGKILL) == 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

static void epolls(void)
{
	int ends[2], ep = epoll_create1(0), fd = temp_file(10, 1);
	struct epoll_event event, events[4];

	memset(&event, 0, sizeof(event));
	event.events = EPOLLIN;
	event.data.u64 = 77;
	CHECK(pipe(ends) == 0 && ep >= 0);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, ends[0], EPOLL_CTL_ADD, &event)), 0);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, ends[0], EPOLL_CTL_ADD, &event)), -EEXIST);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, ends[1], EPOLL_CTL_DEL, NULL)), -ENOENT);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, fd, EPOLL_CTL_ADD, &event)), -EPERM);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, ends[1], EPOLL_CTL_ADD, NULL)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, ends[1], 99, &event)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_epoll_ctl(sqe, ep, 999, EPOLL_CTL_ADD, &event)), -EBADF);
	if (!has(IORING_OP_EPOLL_WAIT))
		return;
	memset(events, 0, sizeof(events));
	START(1, io_uring_prep_epoll_wait(sqe, ep, events, 4, 0));
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_NEXT(1, 1);
	CHECK_EQ(events[0].events, EPOLLIN);
	CHECK_EQ(events[0].data.u64, 77);
	CHECK_EQ(RESULT(io_uring_prep_epoll_wait(sqe, ep, events, 0, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_epoll_wait(sqe, ep, events, 4, 1)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_epoll_wait(sqe, ends[0], events, 4, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_epoll_wait(sqe, ep, (struct epoll_event *)(void *)hole(), 4, 0)), -EFAULT);
}

static void other_rings(void)
{
	static const int empty[2] = {-1, -1};
	struct io_uring other;
	struct completion cqe;
	int ends[2], files[2];

	CHECK(pipe(ends) == 0);
	make(&other, 4, 0);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring(sqe, other.ring_fd, 42, 99, 0)), 0);
	cqe = take(&other);
	CHECK_EQ(cqe.user_data, 99);
	CHECK_EQ(cqe.res, 42);
	CHECK_EQ(cqe.flags, 0);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring(sqe, ends[0], 42, 99, 0)), -EBADFD);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring(sqe, 999, 42, 99, 0)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring(sqe, other.ring_fd, 42, 99, 1U << 20)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring(sqe, other.ring_fd, 42, 99, IORING_MSG_RING_CQE_SKIP)), -EINVAL);
	if (RESULT(io_uring_prep_msg_ring_cqe_flags(sqe, other.ring_fd, 1, 98, 0, 0x20002)) == 0) {
		cqe = take(&other);
		CHECK_EQ(cqe.flags, 0x20002);
	}

	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd(sqe, other.ring_fd, 0, 0, 97, 0)), -EBADF);
	files[0] = ends[0];
	files[1] = -1;
	CHECK_EQ(io_uring_register_files(&ring, files, 2), 0);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd(sqe, other.ring_fd, 0, 0, 97, 0)), -ENXIO);
	CHECK_EQ(io_uring_register_files(&other, empty, 2), 0);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd(sqe, other.ring_fd, 0, 0, 97, 0)), 0);
	cqe = take(&other);
	CHECK_EQ(cqe.user_data, 97);
	CHECK_EQ(cqe.res, 0);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd(sqe, other.ring_fd, 0, 2, 97, 0)), -EINVAL);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd(sqe, other.ring_fd, 1, 1, 97, 0)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd(sqe, ring.ring_fd, 0, 1, 97, 0)), -EINVAL);
	/* The slot is told on both sides. */
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd_alloc(sqe, other.ring_fd, 0, 96, 0)), 1);
	cqe = take(&other);
	CHECK_EQ(cqe.user_data, 96);
	CHECK_EQ(cqe.res, 1);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_fd_alloc(sqe, other.ring_fd, 0, 96, 0)), -ENFILE);
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
	io_uring_queue_exit(&other);
}

int main(void)
{
	begin();
	polls();
	timeouts();
	cancellations();
	futexes();
	children();
	epolls();
	other_rings();
	io_uring_queue_exit(&ring);
	return 0;
}
