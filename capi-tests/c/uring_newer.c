// oracle: yes
// their-headers: no (uses aiouring.h)
// old-kernel: no (all of it is younger)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is for newer kernels than liburing knows does what it says, or gives the error of a kernel or file without it. */
#include <aiouring.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uring_check.h"

/* The result of a NOP, and whether it is a failure for what is linked to it. */
static int nop(struct io_uring *ring, int fd, int buf_index, int result, unsigned flags, bool *failed)
{
	struct io_uring_sqe *sqe = next(ring);
	struct completion first, second;

	aiouring_prep_nop(sqe, fd, buf_index, result, flags);
	io_uring_sqe_set_data64(sqe, 1);
	sqe->flags = IOSQE_IO_LINK;
	nops(ring, 1, 2);
	CHECK_EQ(io_uring_submit(ring), 2);
	first = take(ring);
	second = take(ring);
	CHECK_EQ(first.user_data, 1);
	CHECK_EQ(second.user_data, 2);
	CHECK(second.res == 0 || second.res == -ECANCELED);
	*failed = second.res != 0;
	return first.res;
}

static void nops_with_flags(struct io_uring *ring)
{
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov;
	int fd = open("/dev/null", O_RDWR), res;
	bool failed;

	CHECK(memory != MAP_FAILED);
	CHECK_GE(fd, 0);
	iov.iov_base = memory;
	iov.iov_len = 4096;

	res = nop(ring, -1, 0, 77, IORING_NOP_INJECT_RESULT, &failed);
	if (res == -EINVAL)
		SKIP("the kernel has no flags for NOP");
	CHECK_EQ(res, 77);
	CHECK(!failed);
	CHECK_EQ(nop(ring, -1, 0, -EIO, IORING_NOP_INJECT_RESULT, &failed), -EIO);
	CHECK(failed);
	/* Without the flag no result is taken. */
	CHECK_EQ(nop(ring, -1, 0, 77, 0, &failed), 0);

	res = nop(ring, fd, 0, 0, IORING_NOP_FILE, &failed);
	if (res == -EINVAL)
		SKIP("the kernel's NOP knows no files");
	CHECK_EQ(res, 0);
	CHECK(!failed);
	nop(ring, 999999, 0, 0, IORING_NOP_FILE, &failed);
	CHECK(failed);
	CHECK_EQ(io_uring_register_files(ring, &fd, 1), 0);
	CHECK_EQ(nop(ring, 0, 0, 0, IORING_NOP_FILE | IORING_NOP_FIXED_FILE, &failed), 0);
	CHECK(!failed);
	nop(ring, 1, 0, 0, IORING_NOP_FILE | IORING_NOP_FIXED_FILE, &failed);
	CHECK(failed);
	CHECK_EQ(io_uring_register_buffers(ring, &iov, 1), 0);
	CHECK_EQ(nop(ring, -1, 0, 0, IORING_NOP_FIXED_BUFFER, &failed), 0);
	CHECK(!failed);
	nop(ring, -1, 1, 0, IORING_NOP_FIXED_BUFFER, &failed);
	CHECK(failed);
	CHECK_EQ(nop(ring, -1, 0, 0, 1U << 31, &failed), -EINVAL);
	res = nop(ring, -1, 0, 5, IORING_NOP_TW | IORING_NOP_INJECT_RESULT, &failed);
	CHECK(res == 5 || res == -EINVAL);

	CHECK_EQ(io_uring_unregister_files(ring), 0);
	CHECK_EQ(io_uring_unregister_buffers(ring), 0);
	close(fd);
	munmap(memory, 4096);
}

static void large_completion(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	make(&ring, 4, IORING_SETUP_CQE32);
	aiouring_prep_nop_cqe32(next(&ring), 11, 22);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
	if (cqe->res != -EINVAL) {
		CHECK_EQ(cqe->res, 0);
		CHECK_EQ(cqe->big_cqe[0], 11);
		CHECK_EQ(cqe->big_cqe[1], 22);
	}
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
}

static void writes(struct io_uring *ring)
{
	int fd = memfd_create("file", 0), res;
	struct io_uring_sqe *sqe;
	struct io_uring_attr_pi pi;
	static char tuples[8];

	CHECK_GE(fd, 0);
	/* A file in memory has no streams and does not mind. */
	sqe = next(ring);
	io_uring_prep_write(sqe, fd, "data", 4, 0);
	aiouring_sqe_set_write_stream(sqe, 1);
	CHECK_EQ(run_one(ring, sqe), 4);
	/* And no protection information: that is an error, where the kernel looks at it. */
	memset(&pi, 0, sizeof(pi));
	pi.addr = (uintptr_t)tuples;
	pi.len = sizeof(tuples);
	sqe = next(ring);
	io_uring_prep_write(sqe, fd, "data", 4, 0);
	aiouring_sqe_set_pi(sqe, &pi);
	CHECK_EQ(run_one(ring, sqe), -EINVAL);
	sqe = next(ring);
	io_uring_prep_write(sqe, fd, "data", 4, 0);
	aiouring_sqe_set_pi(sqe, (const struct io_uring_attr_pi *)8);
	res = run_one(ring, sqe);
	if (ring->features & IORING_FEAT_RW_ATTR)
		CHECK_EQ(res, -EFAULT);
	close(fd);
}

/* A file without commands says so, after the flags of the request were found to be right. */
static void commands(struct io_uring *ring)
{
	int fd = memfd_create("file", 0), res;
	struct io_uring_sqe *sqe = next(ring);

	CHECK_GE(fd, 0);
	aiouring_prep_uring_cmd_fixed(sqe, 1, fd, 0);
	CHECK_EQ(run_one(ring, sqe), -EOPNOTSUPP);
	sqe = next(ring);
	aiouring_prep_uring_cmd_multishot(sqe, 1, fd, 0);
	res = run_one(ring, sqe);
	CHECK(res == -EOPNOTSUPP || res == -EINVAL);
	if (res == -EOPNOTSUPP) {
		sqe = next(ring);
		aiouring_prep_uring_cmd_multishot(sqe, 1, fd, 0);
		sqe->flags = 0;
		CHECK_EQ(run_one(ring, sqe), -EINVAL);
	}
	close(fd);
}

/* Two ends of a TCP connection over loopback. */
static void tcp_pair(int fds[2])
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect(fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
	fds[1] = accept(listener, NULL, NULL);
	CHECK_GE(fds[1], 0);
	close(listener);
}

static void sockets(struct io_uring *ring)
{
	struct iovec iov[2];
	struct io_uring_sqe *sqe = next(ring);
	struct completion cqe;
	char text[16];
	int fds[2], res;

	iov[0].iov_base = "two ";
	iov[0].iov_len = 4;
	iov[1].iov_base = "pieces";
	iov[1].iov_len = 6;
	tcp_pair(fds);
	aiouring_prep_sendv(sqe, fds[0], iov, 2, 0);
	res = run_one(ring, sqe);
	if (res == -EINVAL)
		SKIP("the kernel's sends take no vectors");
	CHECK_EQ(res, 10);
	CHECK_EQ(recv(fds[1], text, sizeof(text), 0), 10);
	CHECK(!memcmp(text, "two pieces", 10));

	sqe = next(ring);
	aiouring_prep_sendv_zc(sqe, fds[0], iov, 2, 0, IORING_SEND_ZC_REPORT_USAGE);
	io_uring_sqe_set_data64(sqe, 5);
	CHECK_EQ(io_uring_submit(ring), 1);
	cqe = take(ring);
	CHECK_EQ(cqe.res, 10);
	CHECK(cqe.flags & IORING_CQE_F_MORE);
	CHECK_EQ(recv(fds[1], text, sizeof(text), 0), 10);
	CHECK(!memcmp(text, "two pieces", 10));
	cqe = take(ring);
	CHECK_EQ(cqe.user_data, 5);
	CHECK(cqe.flags & IORING_CQE_F_NOTIF);

	/* There is no such queue. */
	sqe = next(ring);
	aiouring_prep_recv_zc(sqe, fds[1], 0, 0);
	CHECK_EQ(run_one(ring, sqe), -EINVAL);
	close(fds[0]);
	close(fds[1]);
}

/* With a kernel before 7.1 the flag is unknown. */
static void timeouts(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = next(ring);
	struct completion cqe;
	int res;

	aiouring_prep_timeout_ns(sqe, 1000000, 0, 0);
	res = run_one(ring, sqe);
	if (res == -EINVAL) {
		sqe = next(ring);
		aiouring_prep_timeout_update_ns(sqe, 1000000, 1, 0);
		CHECK_EQ(run_one(ring, sqe), -EINVAL);
		return;
	}
	CHECK_EQ(res, -ETIME);

	sqe = next(ring);
	aiouring_prep_timeout_ns(sqe, 3600000000000, 0, 0);
	io_uring_sqe_set_data64(sqe, 8);
	CHECK_EQ(io_uring_submit(ring), 1);
	sqe = next(ring);
	aiouring_prep_timeout_update_ns(sqe, 1000000, 8, 0);
	CHECK_EQ(run_one(ring, sqe), 0);
	cqe = take(ring);
	CHECK_EQ(cqe.user_data, 8);
	CHECK_EQ(cqe.res, -ETIME);

	sqe = next(ring);
	aiouring_prep_timeout_ns(sqe, 3600000000000, 0, 0);
	io_uring_sqe_set_data64(sqe, 9);
	sqe->flags = IOSQE_IO_LINK;
	sqe = next(ring);
	aiouring_prep_link_timeout_ns(sqe, 1000000, 0);
	CHECK_EQ(io_uring_submit(ring), 2);
	CHECK_EQ(take(ring).res + take(ring).res, -ECANCELED - ETIME);
}

/* One operation on the queues that a ring polls; *before gets what was in force. */
static int napi(struct io_uring *ring, unsigned opcode, unsigned param, unsigned *before)
{
	struct io_uring_napi napi;
	int ret;

	memset(&napi, 0, sizeof(napi));
	napi.busy_poll_to = 50;
	napi.opcode = (__u8)opcode;
	napi.op_param = param;
	/* The distribution's library may be too old to have the function. */
	ret = io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_NAPI, &napi, 1);
	*before = napi.op_param;
	return ret;
}

static void network_queues(struct io_uring *ring)
{
	unsigned before;
	int ret = napi(ring, IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_STATIC, &before);

	if (ret == -EINVAL || ret == -EOPNOTSUPP)
		return;
	CHECK_EQ(ret, 0);
	CHECK_EQ(before, IO_URING_NAPI_TRACKING_INACTIVE);
	CHECK_EQ(napi(ring, IO_URING_NAPI_STATIC_ADD_ID, 5000, &before), 0);
	CHECK_EQ(before, IO_URING_NAPI_TRACKING_STATIC);
	CHECK_EQ(napi(ring, IO_URING_NAPI_STATIC_ADD_ID, 5000, &before), -EEXIST);
	CHECK_EQ(napi(ring, IO_URING_NAPI_STATIC_DEL_ID, 5000, &before), 0);
	CHECK_EQ(napi(ring, IO_URING_NAPI_STATIC_DEL_ID, 5000, &before), -ENOENT);
	CHECK_EQ(napi(ring, IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_DYNAMIC, &before), 0);
	CHECK_EQ(napi(ring, IO_URING_NAPI_STATIC_ADD_ID, 5000, &before), -EINVAL);
	CHECK_EQ(before, IO_URING_NAPI_TRACKING_DYNAMIC);
	CHECK_EQ(napi(ring, 99, 0, &before), -EINVAL);
}

int main(void)
{
	struct io_uring ring;

	make(&ring, 8, 0);
	network_queues(&ring);
	nops_with_flags(&ring);
	large_completion();
	writes(&ring);
	commands(&ring);
	timeouts(&ring);
	sockets(&ring);
	io_uring_queue_exit(&ring);
	return 0;
}
