// oracle: yes
// their-headers: no (lengths wrap around in those of 2.3)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recvmsg for many datagrams: address, control messages and data of each, found in its buffer. */
#include "uring_check.h"

#include <netinet/in.h>

enum { COUNT = 8, SIZE = 512, GROUP = 1 };

int main(void)
{
	struct io_uring ring;
	struct io_uring_buf_ring *br = (struct io_uring_buf_ring *)pages(4096);
	struct io_uring_buf_reg reg;
	char *memory = (char *)pages(COUNT * SIZE);
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	struct msghdr message;
	struct io_uring_sqe *sqe;
	int from = socket(AF_INET, SOCK_DGRAM, 0), to = socket(AF_INET, SOCK_DGRAM, 0), i, yes = 1, head;

	make(&ring, 8, 0);
	need_op(&ring, IORING_OP_SEND_ZC);
	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (uintptr_t)br;
	reg.ring_entries = COUNT;
	reg.bgid = GROUP;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), 0);
	io_uring_buf_ring_init(br);
	for (i = 0; i < COUNT; i++)
		io_uring_buf_ring_add(br, memory + i * SIZE, SIZE, (unsigned short)i, io_uring_buf_ring_mask(COUNT), i);
	io_uring_buf_ring_advance(br, COUNT);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(to, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(getsockname(to, (struct sockaddr *)&address, &length) == 0);
	CHECK(setsockopt(to, IPPROTO_IP, IP_RECVTTL, &yes, sizeof(yes)) == 0);
	CHECK(setsockopt(to, IPPROTO_IP, IP_PKTINFO, &yes, sizeof(yes)) == 0);

	memset(&message, 0, sizeof(message));
	message.msg_namelen = sizeof(struct sockaddr_in);
	message.msg_controllen = 128;
	sqe = next(&ring);
	io_uring_prep_recvmsg_multishot(sqe, to, &message, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	CHECK_EQ(io_uring_submit(&ring), 1);

	for (i = 0; i < 4; i++) {
		struct io_uring_recvmsg_out *out;
		struct completion cqe;
		struct cmsghdr *cmsg;
		char data[100];
		int kinds = 0;

		fill(data, sizeof(data), (uint64_t)i, 0);
		CHECK_EQ(sendto(from, data, 50 + (size_t)i, 0, (struct sockaddr *)&address, sizeof(address)), 50 + i);
		cqe = take(&ring);
		CHECK(cqe.flags & IORING_CQE_F_MORE);
		CHECK(cqe.flags & IORING_CQE_F_BUFFER);
		out = io_uring_recvmsg_validate(memory + (cqe.flags >> IORING_CQE_BUFFER_SHIFT) * SIZE, cqe.res,
						&message);
		CHECK(out != NULL);
		CHECK_EQ(out->namelen, sizeof(struct sockaddr_in));
		CHECK_EQ(((struct sockaddr_in *)io_uring_recvmsg_name(out))->sin_family, AF_INET);
		CHECK_EQ(out->payloadlen, 50 + i);
		CHECK_EQ(io_uring_recvmsg_payload_length(out, cqe.res, &message), 50 + i);
		CHECK_PATTERN(io_uring_recvmsg_payload(out, &message), 50 + (size_t)i, (uint64_t)i, 0);
		for (cmsg = io_uring_recvmsg_cmsg_firsthdr(out, &message); cmsg;
		     cmsg = io_uring_recvmsg_cmsg_nexthdr(out, &message, cmsg)) {
			CHECK_EQ(cmsg->cmsg_level, IPPROTO_IP);
			kinds |= cmsg->cmsg_type == IP_TTL ? 1 : cmsg->cmsg_type == IP_PKTINFO ? 2 : 4;
		}
		CHECK_EQ(kinds, 3);
	}
	/* A buffer that is too short for the head, or for what the request says comes behind it. */
	CHECK(io_uring_recvmsg_validate(memory, 10, &message) == NULL);
	CHECK(io_uring_recvmsg_validate(memory, -1, &message) == NULL);
	head = (int)sizeof(struct io_uring_recvmsg_out) + (int)message.msg_namelen + 128;
	CHECK(io_uring_recvmsg_validate(memory, head - 1, &message) == NULL);
	CHECK(io_uring_recvmsg_validate(memory, head, &message) != NULL);
	CHECK_EQ(io_uring_recvmsg_payload_length((struct io_uring_recvmsg_out *)memory, head + 7, &message), 7);
	CHECK_EQ(io_uring_recvmsg_payload_length((struct io_uring_recvmsg_out *)memory, head, &message), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length((struct io_uring_recvmsg_out *)memory, head - 1, &message), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length((struct io_uring_recvmsg_out *)memory, -1, &message), 0);
	message.msg_controllen = SIZE_MAX - 16;
	CHECK(io_uring_recvmsg_validate(memory, SIZE, &message) == NULL);
	CHECK_EQ(io_uring_recvmsg_payload_length((struct io_uring_recvmsg_out *)memory, SIZE, &message), 0);
	io_uring_queue_exit(&ring);
	return 0;
}
