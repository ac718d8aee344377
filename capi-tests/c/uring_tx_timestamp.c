// oracle: yes
// their-headers: no (the names are younger)
// old-kernel: no (Linux 6.17)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* When the kernel sent a packet, by a command that goes on: the time is in the second half of a completion. */
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "uring_check.h"

int main(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	unsigned flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
			 SOF_TIMESTAMPING_OPT_TSONLY;
	int udp = socket(AF_INET, SOCK_DGRAM, 0), i;
	struct timespec before, after;
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	make(&ring, 4, IORING_SETUP_CQE32);
	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_GE(udp, 0);
	CHECK_EQ(bind(udp, (struct sockaddr *)&address, length), 0);
	CHECK_EQ(getsockname(udp, (struct sockaddr *)&address, &length), 0);
	CHECK_EQ(setsockopt(udp, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)), 0);

	sqe = next(&ring);
	io_uring_prep_uring_cmd(sqe, SOCKET_URING_OP_TX_TIMESTAMP, udp);
	io_uring_sqe_set_data64(sqe, 7);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 3; i++) {
		struct io_uring_cqe *cqe = NULL;
		struct io_timespec *ts;
		__u64 ns;

		clock_gettime(CLOCK_REALTIME, &before);
		CHECK_EQ(sendto(udp, "1234", 4, 0, (struct sockaddr *)&address, length), 4);
		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		clock_gettime(CLOCK_REALTIME, &after);
		if (cqe->res == -EOPNOTSUPP)
			SKIP("the kernel does not tell");
		CHECK_EQ(cqe->user_data, 7);
		CHECK(cqe->flags & IORING_CQE_F_MORE);
		/* The number of the packet. */
		CHECK_EQ(cqe->res, i);
		CHECK_EQ(cqe->flags >> IORING_TIMESTAMP_TYPE_SHIFT, SCM_TSTAMP_SND);
		CHECK_EQ((cqe->flags & IORING_CQE_F_TSTAMP_HW) != 0, 0);
		ts = (struct io_timespec *)(void *)(cqe + 1);
		ns = ts->tv_sec * 1000000000u + ts->tv_nsec;
		CHECK_GE(ns, (__u64)before.tv_sec * 1000000000u + (__u64)before.tv_nsec);
		CHECK_LE(ns, (__u64)after.tv_sec * 1000000000u + (__u64)after.tv_nsec);
		io_uring_cqe_seen(&ring, cqe);
	}

	/* A ring with small completions has no room for it. */
	io_uring_queue_exit(&ring);
	make(&ring, 4, 0);
	sqe = next(&ring);
	io_uring_prep_uring_cmd(sqe, SOCKET_URING_OP_TX_TIMESTAMP, udp);
	CHECK_EQ(run_one(&ring, sqe), -EINVAL);
	io_uring_queue_exit(&ring);
	return 0;
}
