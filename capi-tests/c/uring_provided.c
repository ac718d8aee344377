// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Buffers from which the kernel chooses: provided by request, and in a ring that the program registers. */
#include "uring_check.h"

enum { COUNT = 8, SIZE = 64, GROUP = 7 };

static struct io_uring ring;
static int fd[2];
static char *memory;

/* Receives through a buffer of the group; its number, or an error. */
static int receive(char expected)
{
	struct io_uring_sqe *sqe = next(&ring);
	struct completion cqe;

	io_uring_prep_recv(sqe, fd[0], NULL, SIZE, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data64(sqe, 1);
	CHECK_EQ(io_uring_submit(&ring), 1);
	cqe = take(&ring);
	if (cqe.res < 0)
		return cqe.res;
	CHECK_EQ(cqe.res, 1);
	CHECK(cqe.flags & IORING_CQE_F_BUFFER);
	CHECK_EQ(memory[(cqe.flags >> IORING_CQE_BUFFER_SHIFT) * SIZE], expected);
	return (int)(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
}

static void by_request(void)
{
	struct io_uring_sqe *sqe = next(&ring);
	unsigned seen = 0;
	int i;

	io_uring_prep_provide_buffers(sqe, memory, SIZE, COUNT, GROUP, 0);
	CHECK_GE(run_one(&ring, sqe), 0);
	for (i = 0; i < COUNT - 2; i++) {
		char byte = (char)('a' + i);

		CHECK_EQ(send(fd[1], &byte, 1, 0), 1);
		seen |= 1U << receive(byte);
	}
	CHECK_EQ(__builtin_popcount(seen), COUNT - 2);
	sqe = next(&ring);
	io_uring_prep_remove_buffers(sqe, COUNT, GROUP);
	CHECK_EQ(run_one(&ring, sqe), 2);
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	CHECK_EQ(receive('x'), -ENOBUFS);
	CHECK_EQ(recv(fd[0], memory, 1, 0), 1);
}

static void by_ring(void)
{
	struct io_uring_buf_ring *br = (struct io_uring_buf_ring *)pages(COUNT * sizeof(struct io_uring_buf));
	struct io_uring_buf_reg reg;
	int mask = io_uring_buf_ring_mask(COUNT), i, ret;

	CHECK_EQ(mask, COUNT - 1);
	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (uintptr_t)br;
	reg.ring_entries = COUNT;
	reg.bgid = GROUP;
	ret = io_uring_register_buf_ring(&ring, &reg, 0);
	if (ret == -EINVAL)
		SKIP("the kernel has no buffer rings");
	CHECK_EQ(ret, 0);
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), -EEXIST);
	io_uring_buf_ring_init(br);
	for (i = 0; i < COUNT; i++)
		io_uring_buf_ring_add(br, memory + i * SIZE, SIZE, (unsigned short)i, mask, i);
	CHECK_EQ(br->tail, 0);
	io_uring_buf_ring_advance(br, COUNT);
	CHECK_EQ(br->tail, COUNT);
	CHECK_EQ(br->bufs[0].len, SIZE);

	/* In order, each given back at once: round and round. */
	for (i = 0; i < 5 * COUNT; i++) {
		char byte = (char)i;
		int bid;

		CHECK_EQ(send(fd[1], &byte, 1, 0), 1);
		bid = receive(byte);
		CHECK_EQ(bid, i % COUNT);
		io_uring_buf_ring_add(br, memory + bid * SIZE, SIZE, (unsigned short)bid, mask, 0);
		io_uring_buf_ring_advance(br, 1);
	}
	/* And none. */
	for (i = 0; i < COUNT; i++) {
		CHECK_EQ(send(fd[1], "x", 1, 0), 1);
		CHECK_GE(receive('x'), 0);
	}
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	CHECK_EQ(receive('x'), -ENOBUFS);
	CHECK_EQ(recv(fd[0], memory, 1, 0), 1);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), 0);
	CHECK_LE(io_uring_unregister_buf_ring(&ring, GROUP), -1);
}

int main(void)
{
	make(&ring, 8, 0);
	memory = (char *)pages(COUNT * SIZE);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	by_request();
	by_ring();
	io_uring_queue_exit(&ring);
	return 0;
}
