/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The only program of a virtual machine with an NVMe device: sends it commands through a ring, says what came of them on
 * the console and turns the machine off.
 */
#include <aiouring.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

enum { BLOCK = 512, BLOCKS = 16, SIZE = BLOCKS * BLOCK };

static struct io_uring ring;
static unsigned char out[SIZE] __attribute__((aligned(4096))), in[SIZE] __attribute__((aligned(4096)));
static __u64 result;

static void end(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	printf("guest: ");
	vprintf(format, list);
	printf("\n");
	fflush(stdout);
	va_end(list);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

#define EQ(left, right)                                                                                                \
	do {                                                                                                           \
		long long left_ = (long long)(left), right_ = (long long)(right);                                      \
		if (left_ != right_)                                                                                   \
			end("line %d: %s is %lld, not %lld", __LINE__, #left, left_, right_);                          \
	} while (0)

/* The `res` of a command; buf_index -1 for none. */
static int run(int fd, unsigned cmd_op, const struct aiouring_nvme_cmd *cmd, int buf_index)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret;

	if (buf_index < 0)
		EQ(aiouring_nvme_queue(&ring, &sqe, fd, cmd_op, cmd), 0);
	else
		EQ(aiouring_nvme_queue_fixed(&ring, &sqe, fd, cmd_op, cmd, buf_index), 0);
	io_uring_sqe_set_data64(sqe, 77);
	EQ(io_uring_submit_and_wait(&ring, 1), 1);
	EQ(io_uring_peek_cqe(&ring, &cqe), 0);
	EQ(cqe->user_data, 77);
	ret = cqe->res;
	result = aiouring_nvme_result(cqe);
	io_uring_cqe_seen(&ring, cqe);
	return ret;
}

/* Blocks from `first` on, each way of naming memory. */
static void blocks(int fd, __u32 nsid)
{
	struct iovec pieces[3] = {{in, BLOCK}, {in + BLOCK, 5 * BLOCK}, {in + 6 * BLOCK, SIZE - 6 * BLOCK}};
	struct aiouring_nvme_cmd cmd;
	int i;

	for (i = 0; i < SIZE; i++)
		out[i] = (unsigned char)(i * 7 + i / 251);
	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_WRITE, nsid, 24, BLOCKS, out, SIZE), 0);
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, -1), 0);
	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_FLUSH, nsid, 0, 1, NULL, 0), 0);
	cmd.cdw12 = 0;
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, -1), 0);

	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, nsid, 24, BLOCKS, in, SIZE), 0);
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, -1), 0);
	EQ(memcmp(in, out, SIZE), 0);
	memset(in, 0, SIZE);
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, 0), 0);
	EQ(memcmp(in, out, SIZE), 0);
	/* No such buffer; memory that is in another. */
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, 2), -EFAULT);
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, 1), -EFAULT);

	memset(in, 0, SIZE);
	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, nsid, 24, BLOCKS, pieces, 3), 0);
	EQ(run(fd, AIOURING_NVME_CMD_IO_VEC, &cmd, -1), 0);
	EQ(memcmp(in, out, SIZE), 0);
	/* Pieces of a registered buffer: Linux 6.15. */
	memset(in, 0, SIZE);
	i = run(fd, AIOURING_NVME_CMD_IO_VEC, &cmd, 0);
	if (i != -EINVAL) {
		EQ(i, 0);
		EQ(memcmp(in, out, SIZE), 0);
	}

	/* The device says no, and the host sees these. */
	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, nsid, (__u64)1 << 40, 1, in, BLOCK), 0);
	i = run(fd, AIOURING_NVME_CMD_IO, &cmd, -1);
	EQ(i & 0x7ff, 0x80);
	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_COMPARE, nsid, 25, BLOCKS, out, SIZE), 0);
	i = run(fd, AIOURING_NVME_CMD_IO, &cmd, -1);
	EQ(i & 0x7ff, 0x285);
	EQ(aiouring_nvme_fill(&cmd, AIOURING_NVME_READ, nsid + 1, 0, 1, in, BLOCK), 0);
	EQ(run(fd, AIOURING_NVME_CMD_IO, &cmd, -1), -EINVAL);
}

static void admin(int fd)
{
	struct iovec piece = {in, 4096};
	struct aiouring_nvme_cmd cmd;

	/* Identify the controller: the first number is the vendor. */
	memset(&cmd, 0, sizeof(cmd));
	cmd.opcode = 0x06;
	cmd.cdw10 = 1;
	cmd.addr = (uintptr_t)in;
	cmd.data_len = 4096;
	EQ(run(fd, AIOURING_NVME_CMD_ADMIN, &cmd, -1), 0);
	EQ(in[0] | in[1] << 8, 0x1b36);
	memset(in, 0, 4096);
	cmd.addr = (uintptr_t)&piece;
	cmd.data_len = 1;
	EQ(run(fd, AIOURING_NVME_CMD_ADMIN_VEC, &cmd, -1), 0);
	EQ(in[0] | in[1] << 8, 0x1b36);
	/* The number of queues is a result: it has no data. */
	memset(&cmd, 0, sizeof(cmd));
	cmd.opcode = 0x0a;
	cmd.cdw10 = 7;
	EQ(run(fd, AIOURING_NVME_CMD_ADMIN, &cmd, -1), 0);
	if (result == 0)
		end("no result");
}

int main(void)
{
	struct iovec registered[2] = {{in, SIZE}, {out, SIZE}};
	int fd, nsid, control;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	fd = open("/dev/ng0n1", O_RDWR);
	control = open("/dev/nvme0", O_RDWR);
	if (fd < 0 || control < 0)
		end("no NVMe: errno %d", errno);
	nsid = ioctl(fd, NVME_IOCTL_ID);
	EQ(io_uring_queue_init(8, &ring, IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	EQ(io_uring_register_buffers(&ring, registered, 2), 0);
	blocks(fd, (__u32)nsid);
	admin(control);
	end("NVMe answered");
	return 1;
}
