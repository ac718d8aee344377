// oracle: yes
// their-headers: no (many of the functions are younger)
// old-kernel: no (some of the requests are younger)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions that programs seldom call themselves, and errors of requests that other tests have only succeed. */
#include <aiouring.h>
#include <linux/sockios.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "uring_check.h"

static struct io_uring ring;
static int file, pair[2];

/* The queues by hand. */
static void queues(void)
{
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_sqe *sqe;
	struct io_uring broken;
	unsigned n;

	CHECK_EQ(__io_uring_get_cqe(&ring, &cqe, 0, 0, NULL), -EAGAIN);
	sqe = _io_uring_get_sqe(&ring);
	CHECK(sqe != NULL);
	io_uring_prep_rw(IORING_OP_WRITE, sqe, file, "text", 4, 10);
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_load_sq_head(&ring), ring.sq.sqe_tail - 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_load_sq_head(&ring), ring.sq.sqe_tail);
	CHECK_EQ(__io_uring_get_cqe(&ring, &cqe, 0, 1, NULL), 0);
	CHECK_EQ(io_uring_cqe_get_data64(cqe), 1);
	CHECK_EQ(cqe->res, 4);
	CHECK_EQ(io_uring_cqe_shift_from_flags(ring.flags), 0);
	CHECK_EQ(io_uring_sqe_shift_from_flags(ring.flags), 0);
	io_uring_cqe_seen(&ring, cqe);

	sqe = next(&ring);
	io_uring_prep_rw(IORING_OP_READ, sqe, -1, &n, 4, 0);
	io_uring_sqe_set_data(sqe, &n);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_enter2((unsigned)ring.ring_fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0), 0);
	CHECK_EQ(__io_uring_get_cqe(&ring, &cqe, 0, 1, NULL), 0);
	CHECK(io_uring_cqe_get_data(cqe) == &n);
	CHECK_EQ(cqe->res, -EBADF);
	io_uring_cqe_seen(&ring, cqe);

	for (n = 0; n < ring.sq.ring_entries; n++)
		io_uring_prep_nop(_io_uring_get_sqe(&ring));
	CHECK(_io_uring_get_sqe(&ring) == NULL);
	CHECK(io_uring_get_sqe128(&ring) == NULL);
	CHECK_EQ(io_uring_submit(&ring), ring.sq.ring_entries);
	io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));

	/* A ring whose descriptor is gone. */
	broken = ring;
	broken.ring_fd = broken.enter_ring_fd = -1;
	broken.flags |= IORING_SETUP_SQPOLL;
	CHECK_EQ(__io_uring_sqring_wait(&broken), -EBADF);
	CHECK_EQ(io_uring_sqring_wait(&broken), 0);
	broken.sq.sqe_tail += broken.sq.ring_entries;
	CHECK_EQ(io_uring_sqring_wait(&broken), -EBADF);
}

static void large_entries(void)
{
	struct io_uring large;
	struct io_uring_sqe *sqe;
	unsigned i;

	make(&large, 4, IORING_SETUP_SQE128 | IORING_SETUP_SQPOLL);
	CHECK_EQ(io_uring_sqe_shift_from_flags(large.flags), 1);
	for (i = 0; i < 8; i++) {
		CHECK_GE(__io_uring_sqring_wait(&large), 0);
		sqe = io_uring_get_sqe128(&large);
		CHECK(sqe == large.sq.sqes + i % 4 * 2);
		io_uring_prep_nop(sqe);
		CHECK_EQ(run_one(&large, sqe), 0);
	}
	io_uring_queue_exit(&large);
}

/* On a kernel without IORING_FEAT_EXT_ARG, a limit is a request of the library's: its error is that of the call. */
static void own_timeout(void)
{
	struct __kernel_timespec ts = ms(1);
	struct io_uring_cqe *cqe = NULL;
	struct io_uring_sqe *sqe = next(&ring);
	unsigned features = ring.features, n = 9;

	io_uring_prep_timeout(sqe, &ts, 0, 0);
	io_uring_sqe_set_data64(sqe, LIBURING_UDATA_TIMEOUT);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	CHECK_EQ(__io_uring_peek_cqe(&ring, &cqe, &n), 0);
	CHECK(cqe != NULL && cqe->res == -ETIME && n == 1);
	ring.features = features & ~(unsigned)IORING_FEAT_EXT_ARG;
	CHECK_EQ(__io_uring_peek_cqe(&ring, &cqe, &n), -ETIME);
	CHECK(cqe == NULL);
	CHECK_EQ(io_uring_cq_ready(&ring), 0);
	ring.features = features;
}

#define RESULT(...)                                                                                                    \
	__extension__({                                                                                                \
		struct io_uring_sqe *sqe = next(&ring);                                                                \
		__VA_ARGS__;                                                                                           \
		run_one(&ring, sqe);                                                                                   \
	})

/* A request without copying has a second completion, which says that the buffer is free. */
static int run_zero_copy(struct io_uring_sqe *sqe)
{
	struct completion cqe;

	io_uring_sqe_set_data64(sqe, 77);
	CHECK_EQ(io_uring_submit(&ring), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.user_data, 77);
	if (cqe.flags & IORING_CQE_F_MORE)
		CHECK(take(&ring).flags & IORING_CQE_F_NOTIF);
	return cqe.res;
}

static void commands(void)
{
	int udp = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_GE(udp, 0);
	CHECK_EQ(RESULT(__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, SOCKET_URING_OP_SIOCOUTQ, udp)), 0);
	CHECK_EQ(RESULT(__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, 12345, udp)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(__io_uring_prep_uring_cmd(sqe, IORING_OP_URING_CMD, SOCKET_URING_OP_SIOCINQ, file)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(__io_uring_prep_uring_cmd(sqe, 255, 0, file)), -EINVAL);
}

static void errors(void)
{
	char byte = 0;
	struct iovec one = {&byte, 1}, bad = {hole(), 1};
	struct msghdr msg;
	struct io_uring_sqe *sqe;
	int ret;

	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &one;
	msg.msg_iovlen = 1;
	CHECK_EQ(RESULT(io_uring_prep_writev(sqe, -1, &one, 1, 0)), -EBADF);
	CHECK_EQ(RESULT(io_uring_prep_writev(sqe, file, &bad, 1, 0)), -EFAULT);
	CHECK_EQ(RESULT(io_uring_prep_writev2(sqe, file, &one, 1, 0, 0x40000000)), -EOPNOTSUPP);
	CHECK_EQ(RESULT(io_uring_prep_msg_ring_cqe_flags(sqe, file, 0, 0, 0, 7)), -EBADFD);
	CHECK_EQ(RESULT(io_uring_prep_multishot_accept(sqe, file, NULL, NULL, 0)), -ENOTSOCK);
	CHECK_EQ(RESULT(io_uring_prep_multishot_accept(sqe, pair[0], NULL, NULL, 0)), -EINVAL);
	ret = RESULT(io_uring_prep_recvmsg_multishot(sqe, pair[0], &msg, 0));
	/* Without buffers to choose from. */
	CHECK_EQ(ret, -EINVAL);
	sqe = next(&ring);
	io_uring_prep_sendmsg_zc(sqe, file, &msg, 0);
	CHECK_EQ(run_zero_copy(sqe), -ENOTSOCK);
	CHECK_EQ(symlink("a", "name"), 0);
	CHECK_EQ(RESULT(io_uring_prep_symlinkat(sqe, "b", AT_FDCWD, "name")), -EEXIST);
	CHECK_EQ(unlink("name"), 0);
	CHECK_EQ(RESULT(aiouring_prep_nop_cqe32(sqe, 1, 2)), -EINVAL);
	CHECK_EQ(RESULT(aiouring_prep_sendv(sqe, file, &one, 1, 0)), -ENOTSOCK);
	sqe = next(&ring);
	aiouring_prep_sendv_zc(sqe, file, &one, 1, 0, 0);
	CHECK_EQ(run_zero_copy(sqe), -ENOTSOCK);

	/* What Linux before 7.1 lacks; a request before it is not executed. */
	sqe = next(&ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 1);
	sqe->flags = IOSQE_IO_LINK;
	sqe = next(&ring);
	aiouring_prep_link_timeout_ns(sqe, 1000000000, 0);
	io_uring_sqe_set_data64(sqe, 2);
	ret = io_uring_submit(&ring);
	CHECK(ret == 1 || ret == 2);
	while (ret--) {
		struct completion cqe = take(&ring);

		CHECK(cqe.user_data == 1 ? cqe.res == -ECANCELED || cqe.res == 0 :
					   cqe.res == -EINVAL || cqe.res == -ECANCELED);
	}
	while (io_uring_cq_ready(&ring))
		take(&ring);
}

int main(void)
{
	make(&ring, 8, 0);
	need_op(&ring, IORING_OP_PIPE);
	file = temp_file(4096, 1);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	queues();
	large_entries();
	own_timeout();
	commands();
	errors();
	io_uring_queue_exit(&ring);
	return 0;
}
