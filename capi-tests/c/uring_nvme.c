// variants: ours
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Commands to NVMe devices: the layout is the kernel's, the bytes of a request are what the driver reads, arguments that
 * cannot be right are refused, and so is a file that is no such device.
 */
#include <aiouring.h>
#include <linux/nvme_ioctl.h>

#include "uring_check.h"

_Static_assert(sizeof(struct aiouring_nvme_cmd) == 72 && sizeof(struct nvme_uring_cmd) == 72, "size");
#define SAME(field)                                                                                                    \
	_Static_assert(offsetof(struct aiouring_nvme_cmd, field) == offsetof(struct nvme_uring_cmd, field) &&          \
			       sizeof(((struct aiouring_nvme_cmd *)0)->field) ==                                       \
				       sizeof(((struct nvme_uring_cmd *)0)->field),                                    \
		       #field)
SAME(opcode);
SAME(flags);
SAME(rsvd1);
SAME(nsid);
SAME(cdw2);
SAME(cdw3);
SAME(metadata);
SAME(addr);
SAME(metadata_len);
SAME(data_len);
SAME(cdw10);
SAME(cdw11);
SAME(cdw12);
SAME(cdw13);
SAME(cdw14);
SAME(cdw15);
SAME(timeout_ms);
SAME(rsvd2);
_Static_assert(AIOURING_NVME_CMD_IO == NVME_URING_CMD_IO, "io");
_Static_assert(AIOURING_NVME_CMD_IO_VEC == NVME_URING_CMD_IO_VEC, "io_vec");
_Static_assert(AIOURING_NVME_CMD_ADMIN == NVME_URING_CMD_ADMIN, "admin");
_Static_assert(AIOURING_NVME_CMD_ADMIN_VEC == NVME_URING_CMD_ADMIN_VEC, "admin_vec");

static void fills(void)
{
	struct aiouring_nvme_cmd pair[2], cmd, before;
	struct nvme_uring_cmd expected;

	memset(pair, 0xff, sizeof(pair));
	CHECK_EQ(aiouring_nvme_fill(pair, AIOURING_NVME_READ, 3, 0x1122334455667788, 17, &cmd, 17 * 512), 0);
	CHECK_EQ(pair[1].opcode, 0xff);
	cmd = pair[0];
	memset(&expected, 0, sizeof(expected));
	expected.opcode = 2;
	expected.nsid = 3;
	expected.addr = (uintptr_t)&cmd;
	expected.data_len = 17 * 512;
	expected.cdw10 = 0x55667788;
	expected.cdw11 = 0x11223344;
	expected.cdw12 = 16;
	CHECK(memcmp(&cmd, &expected, sizeof(cmd)) == 0);

	/* The first and the last block, one and the most. */
	CHECK_EQ(aiouring_nvme_fill(&cmd, 0xff, 0xffffffff, 0, 65536, NULL, 0), 0);
	CHECK_EQ(cmd.opcode, 0xff);
	CHECK_EQ(cmd.cdw12, 65535);
	CHECK_EQ(cmd.nsid, 0xffffffffu);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_WRITE, 1, UINT64_MAX, 1, NULL, 0), 0);
	CHECK_EQ(cmd.cdw12, 0);
	CHECK_EQ(cmd.opcode, 1);
	CHECK_EQ(cmd.cdw10, 0xffffffffu);
	CHECK_EQ(cmd.cdw11, 0xffffffffu);

	memset(&cmd, 0xaa, sizeof(cmd));
	before = cmd;
	CHECK_EQ(aiouring_nvme_fill(&cmd, 256, 1, 0, 1, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 0, 0, 1, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 1, 0, 0, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 1, 0, 65537, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 1, 0, UINT32_MAX, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 1, UINT64_MAX, 2, NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 1, UINT64_MAX - 65534, 65536, NULL, 0), -EINVAL);
	CHECK(memcmp(&cmd, &before, sizeof(cmd)) == 0);
}

/* What is in an entry of 128 bytes of which all were 0xee. */
static void check_entry(const struct io_uring_sqe *sqe, int opcode, int fd, unsigned cmd_op, const void *cmd, int buf_index,
			unsigned flags)
{
	static const unsigned char zeroes[8];
	const unsigned char *bytes = (const unsigned char *)sqe;

	CHECK_EQ(sqe->opcode, opcode);
	CHECK_EQ(sqe->flags, 0);
	CHECK_EQ(sqe->ioprio, 0);
	CHECK_EQ(sqe->fd, fd);
	CHECK_EQ(sqe->cmd_op, cmd_op);
	CHECK_EQ(sqe->off >> 32, 0);
	CHECK_EQ(sqe->addr, 0);
	CHECK_EQ(sqe->len, 0);
	CHECK_EQ(sqe->uring_cmd_flags, flags);
	CHECK_EQ(sqe->buf_index, buf_index);
	CHECK_EQ(sqe->personality, 0);
	CHECK_EQ(sqe->splice_fd_in, 0);
	CHECK(memcmp(bytes + 48, cmd, 72) == 0);
	CHECK(memcmp(bytes + 120, zeroes, 8) == 0);
}

/* In plain memory: no kernel has to know the flags. */
static void pretend(struct io_uring *ring, struct io_uring_sqe *sqes, unsigned entries, unsigned flags)
{
	static unsigned head, tail;

	head = tail = 0;
	memset(ring, 0, sizeof(*ring));
	ring->sq.khead = &head;
	ring->sq.ktail = &tail;
	ring->sq.sqes = sqes;
	ring->sq.ring_entries = entries;
	ring->sq.ring_mask = entries - 1;
	ring->flags = flags;
	memset(sqes, 0xee, 8 * sizeof(*sqes));
}

static void queues(void)
{
	static struct io_uring_sqe sqes[8];
	static const unsigned ops[] = {NVME_URING_CMD_IO, NVME_URING_CMD_IO_VEC, NVME_URING_CMD_ADMIN,
				       NVME_URING_CMD_ADMIN_VEC};
	/* IOPOLL: no flag but those that count counts. */
	static const unsigned small[] = {IORING_SETUP_IOPOLL,
					 IORING_SETUP_IOPOLL | IORING_SETUP_SQE128,
					 IORING_SETUP_IOPOLL | IORING_SETUP_CQE32,
					 IORING_SETUP_IOPOLL | IORING_SETUP_SQE_MIXED,
					 IORING_SETUP_IOPOLL | IORING_SETUP_CQE_MIXED};
	static const unsigned large[] = {IORING_SETUP_CQE32, IORING_SETUP_CQE_MIXED};
	struct io_uring_sqe *sqe;
	struct aiouring_nvme_cmd cmd, expected;
	struct io_uring ring;
	unsigned i;

	fill(&cmd, sizeof(cmd), 5, 0);
	fill(&expected, sizeof(expected), 5, 0);
	for (i = 0; i < COUNT_OF(large); i++) {
		unsigned j;

		pretend(&ring, sqes, 4, IORING_SETUP_SQE128 | large[i]);
		for (j = 0; j < 4; j++) {
			if (j % 2) {
				CHECK_EQ(aiouring_nvme_queue_fixed(&ring, &sqe, 70 + (int)j, ops[j], &cmd, 0x1234), 0);
				check_entry(sqe, IORING_OP_URING_CMD, 70 + (int)j, ops[j], &expected, 0x1234,
					    IORING_URING_CMD_FIXED);
			} else {
				CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 70 + (int)j, ops[j], &cmd), 0);
				check_entry(sqe, IORING_OP_URING_CMD, 70 + (int)j, ops[j], &expected, 0, 0);
			}
			CHECK(sqe == &sqes[2 * j]);
			CHECK(j == 3 || sqe[2].opcode == 0xee);
		}
		/* Full: nothing changes. */
		CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 1, ops[0], &cmd), -EAGAIN);
		CHECK(sqe == NULL);
		sqe = sqes;
		CHECK_EQ(aiouring_nvme_queue_fixed(&ring, &sqe, 1, ops[0], &cmd, 1), -EAGAIN);
		CHECK(sqe == NULL);
		CHECK_EQ(ring.sq.sqe_tail, 4);
		check_entry(&sqes[0], IORING_OP_URING_CMD, 70, ops[0], &expected, 0, 0);

		/* Two places of a ring of both sizes; the request has another number. */
		pretend(&ring, sqes, 8, IORING_SETUP_IOPOLL | IORING_SETUP_SQE_MIXED | large[i]);
		CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 5, ops[1], &cmd), 0);
		CHECK(sqe == sqes && sqe[2].opcode == 0xee);
		check_entry(sqe, IORING_OP_URING_CMD128, 5, ops[1], &expected, 0, 0);
		CHECK_EQ(aiouring_nvme_queue_fixed(&ring, &sqe, 5, ops[2], &cmd, 7), 0);
		CHECK(sqe == sqes + 2);
		check_entry(sqe, IORING_OP_URING_CMD128, 5, ops[2], &expected, 7, IORING_URING_CMD_FIXED);
		CHECK_EQ(ring.sq.sqe_tail, 4);
	}
	for (i = 0; i < COUNT_OF(small); i++) {
		pretend(&ring, sqes, 4, small[i]);
		sqe = sqes;
		CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 5, ops[0], &cmd), -EINVAL);
		CHECK(sqe == NULL);
		CHECK_EQ(ring.sq.sqe_tail, 0);
		CHECK_EQ(sqes[0].opcode, 0xee);
	}
	pretend(&ring, sqes, 4, IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
	CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 5, 0, &cmd), -EINVAL);
	CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 5, NVME_IOCTL_ADMIN64_CMD, &cmd), -EINVAL);
	CHECK_EQ(aiouring_nvme_queue_fixed(&ring, &sqe, 5, NVME_URING_CMD_IO + 4, &cmd, 0), -EINVAL);
	CHECK(sqe == NULL);
	CHECK_EQ(ring.sq.sqe_tail, 0);
}

/* What other files say, and /dev/null, which has every command and does nothing. */
static void other_files(void)
{
	static char memory[4096];
	struct aiouring_nvme_cmd cmd;
	struct iovec iov = {memory, sizeof(memory)};
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int file = memfd_create("file", 0);

	CHECK_GE(file, 0);
	make(&ring, 4, IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
	CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), 0);
	CHECK_EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, 1, 0, 8, memory, sizeof(memory)), 0);
	CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, file, AIOURING_NVME_CMD_IO, &cmd), 0);
	CHECK_EQ(run_one(&ring, sqe), -EOPNOTSUPP);
	CHECK_EQ(aiouring_nvme_queue_fixed(&ring, &sqe, file, AIOURING_NVME_CMD_IO_VEC, &cmd, 0), 0);
	CHECK_EQ(run_one(&ring, sqe), -EOPNOTSUPP);
	CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, 999, AIOURING_NVME_CMD_ADMIN, &cmd), 0);
	CHECK_EQ(run_one(&ring, sqe), -EBADF);
	/* The second half of a long completion. */
	CHECK_EQ(aiouring_nvme_queue(&ring, &sqe, file, AIOURING_NVME_CMD_IO, &cmd), 0);
	CHECK_EQ(io_uring_submit_and_wait(&ring, 1), 1);
	CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	cqe->big_cqe[0] = 0x123456789abcdef0;
	cqe->big_cqe[1] = 1;
	CHECK_EQ(aiouring_nvme_result(cqe), 0x123456789abcdef0);
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	close(file);
}

int main(void)
{
	fills();
	queues();
	other_files();
	return 0;
}
