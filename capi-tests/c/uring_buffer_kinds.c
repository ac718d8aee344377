// oracle: no (from 2.8 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Buffer rings of each kind: the program's memory, the kernel's, buffers used bit by bit, several at once, sending. */
#include "uring_check.h"

enum { COUNT = 8, SIZE = 64, GROUP = 9 };

static struct io_uring ring;
static char *memory;

static struct io_uring_buf_ring *set_up(unsigned flags)
{
	int err = 1;
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(&ring, COUNT, GROUP, flags, &err);

	if (!br && flags && err == -EINVAL)
		SKIP("the kernel has no such buffer rings");
	CHECK_EQ(err, 0);
	CHECK(br != NULL);
	return br;
}

static void add(struct io_uring_buf_ring *br, unsigned bid, unsigned length, int at)
{
	io_uring_buf_ring_add(br, memory + bid * SIZE, length, (unsigned short)bid, io_uring_buf_ring_mask(COUNT), at);
}

static void receive(int fd, unsigned ioprio)
{
	struct io_uring_sqe *sqe = next(&ring);

	io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	sqe->ioprio |= (__u16)ioprio;
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
	CHECK_EQ(io_uring_submit(&ring), 1);
}

/* Two rounds over a ring that lies at `br`. */
static void use(struct io_uring_buf_ring *br)
{
	char data[SIZE];
	int fd[2], i;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	for (i = 0; i < COUNT; i++)
		add(br, (unsigned)i, SIZE, i);
	io_uring_buf_ring_advance(br, COUNT);
	for (i = 0; i < 2 * COUNT; i++) {
		struct completion cqe;
		unsigned bid;

		fill(data, sizeof(data), (uint64_t)i, 0);
		CHECK_EQ(send(fd[1], data, sizeof(data), 0), SIZE);
		receive(fd[0], 0);
		cqe = take(&ring);
		bid = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		CHECK_EQ(cqe.res, SIZE);
		CHECK_EQ(bid, i % COUNT);
		CHECK_PATTERN(memory + bid * SIZE, SIZE, (uint64_t)i, 0);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), COUNT - 1);
		add(br, bid, SIZE, 0);
		io_uring_buf_ring_advance(br, 1);
	}
	/* All taken: no buffer for the next. */
	for (i = 0; i < COUNT; i++) {
		CHECK_EQ(send(fd[1], data, sizeof(data), 0), SIZE);
		receive(fd[0], 0);
		CHECK_EQ(take(&ring).res, SIZE);
	}
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), 0);
	CHECK_EQ(send(fd[1], data, sizeof(data), 0), SIZE);
	receive(fd[0], 0);
	CHECK_EQ(take(&ring).res, -ENOBUFS);
	close(fd[0]);
	close(fd[1]);
}

/* Memory of the program, then of the kernel, for the same group. */
static void kinds_of_memory(void)
{
	const size_t size = COUNT * sizeof(struct io_uring_buf);
	struct io_uring_buf_reg reg;
	struct io_uring_buf_ring *br = (struct io_uring_buf_ring *)pages(4096);
	void *at;

	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (uintptr_t)br;
	reg.ring_entries = COUNT;
	reg.bgid = GROUP;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), 0);
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), -EEXIST);
	io_uring_buf_ring_init(br);
	use(br);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), 0);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), -ENOENT);
	reg.ring_entries = COUNT + 1;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), -EINVAL);

	memset(&reg, 0, sizeof(reg));
	reg.ring_entries = COUNT;
	reg.bgid = GROUP;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), -EFAULT);
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, IOU_PBUF_RING_MMAP), 0);
	/* The flag was for that call: the structure is as it was. */
	CHECK_EQ(reg.flags, 0);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.ring_fd,
		  (off_t)(IORING_OFF_PBUF_RING | (unsigned long long)GROUP << IORING_OFF_PBUF_SHIFT));
	CHECK(at != MAP_FAILED);
	br = (struct io_uring_buf_ring *)at;
	io_uring_buf_ring_init(br);
	use(br);
	CHECK(munmap(at, size) == 0);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), 0);

	/* The same made and ended by the library. */
	br = set_up(IOU_PBUF_RING_MMAP);
	use(br);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, GROUP), 0);
	CHECK(msync(br, size, MS_ASYNC) == -1 && errno == ENOMEM);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), -ENOENT);
}

/* The kernel's memory is mapped by the descriptor. Without it nothing is left of the attempt. */
static void without_descriptor(void)
{
	struct io_uring closed;
	struct io_uring_buf_ring *br;
	int err = 1;

	make(&closed, 8, 0);
	CHECK_EQ(io_uring_register_ring_fd(&closed), 1);
	if (io_uring_close_ring_fd(&closed) == 1) {
		CHECK(io_uring_setup_buf_ring(&closed, COUNT, GROUP, IOU_PBUF_RING_MMAP, &err) == NULL);
		CHECK_EQ(err, -EBADF);
		CHECK_EQ(io_uring_unregister_buf_ring(&closed, GROUP), -ENOENT);
		br = io_uring_setup_buf_ring(&closed, COUNT, GROUP, 0, &err);
		CHECK_EQ(err, 0);
		CHECK_EQ(io_uring_free_buf_ring(&closed, br, COUNT, GROUP), 0);
	}
	io_uring_queue_exit(&closed);
}

/* A buffer that is used up by several receives. */
static void bit_by_bit(void)
{
	struct io_uring_buf_ring *br = set_up(IOU_PBUF_RING_INC);
	char data[SIZE];
	int fd[2], i;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	add(br, 3, 50, 0);
	add(br, 5, 30, 1);
	io_uring_buf_ring_advance(br, 2);
	for (i = 0; i < 4; i++) {
		struct completion cqe;

		fill(data, sizeof(data), (uint64_t)i, 0);
		CHECK_EQ(send(fd[1], data, 20, 0), 20);
		receive(fd[0], 0);
		cqe = take(&ring);
		CHECK(cqe.flags & IORING_CQE_F_BUFFER);
		CHECK_EQ(cqe.flags >> IORING_CQE_BUFFER_SHIFT, i < 3 ? 3 : 5);
		/* The third finds ten bytes, and the fourth begins with what it left behind. */
		CHECK_EQ(cqe.res, i == 2 ? 10 : i == 3 ? 30 : 20);
		CHECK_EQ((cqe.flags & IORING_CQE_F_BUF_MORE) != 0, i < 2);
		CHECK_PATTERN(memory + (i < 3 ? 3 * SIZE + i * 20 : 5 * SIZE + 10), i == 2 ? 10 : 20, (uint64_t)i, 0);
		CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), i < 2 ? 2 : i == 2 ? 1 : 0);
	}
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, GROUP), 0);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), -ENOENT);
}

/* Several buffers for one receive, and one send from several. */
static void bundles(void)
{
	struct io_uring_buf_ring *br = set_up(0);
	char data[3 * SIZE], got[3 * SIZE];
	struct io_uring_sqe *sqe;
	struct completion cqe;
	uint16_t head;
	int fd[2], i;

	if (!(ring.features & IORING_FEAT_RECVSEND_BUNDLE))
		SKIP("the kernel has no bundles");
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	fill(data, sizeof(data), 4, 0);
	for (i = 0; i < COUNT; i++)
		add(br, (unsigned)i, SIZE, i);
	io_uring_buf_ring_advance(br, COUNT);
	CHECK_EQ(send(fd[1], data, 2 * SIZE, 0), 2 * SIZE);
	receive(fd[0], IORING_RECVSEND_BUNDLE);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 2 * SIZE);
	CHECK_EQ(cqe.flags >> IORING_CQE_BUFFER_SHIFT, 0);
	CHECK_PATTERN(memory, 2 * SIZE, 4, 0);
	CHECK_EQ(io_uring_buf_ring_head(&ring, GROUP, &head), 0);
	CHECK_EQ(head, 2);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), COUNT - 2);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, GROUP), 0);

	br = set_up(0);
	for (i = 0; i < 3; i++) {
		memcpy(memory + i * SIZE, data + i * SIZE, SIZE);
		add(br, (unsigned)i, SIZE, i);
	}
	io_uring_buf_ring_advance(br, 3);
	sqe = next(&ring);
	io_uring_prep_send_bundle(sqe, fd[1], 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	io_uring_sqe_set_buf_group(sqe, GROUP);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).res, 3 * SIZE);
	CHECK_EQ(recv(fd[0], got, sizeof(got), MSG_WAITALL), 3 * SIZE);
	CHECK_PATTERN(got, 3 * SIZE, 4, 0);
	CHECK_EQ(io_uring_buf_ring_available(&ring, br, GROUP), 0);
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, GROUP), 0);
}

static void refused(void)
{
	static const unsigned entries[] = {0, 3, 65536, 0x80000000u};
	struct io_uring_buf_ring *br;
	uint16_t head;
	unsigned i;
	int err;

	for (i = 0; i < COUNT_OF(entries); i++) {
		err = 1;
		CHECK(io_uring_setup_buf_ring(&ring, entries[i], GROUP, 0, &err) == NULL);
		CHECK_EQ(err, -EINVAL);
	}
	CHECK(io_uring_setup_buf_ring(&ring, COUNT, GROUP, 0x8000, &err) == NULL);
	CHECK_EQ(err, -EINVAL);
	br = set_up(0);
	CHECK(io_uring_setup_buf_ring(&ring, COUNT, GROUP, 0, &err) == NULL);
	CHECK_EQ(err, -EEXIST);
	CHECK_EQ(io_uring_free_buf_ring(&ring, br, COUNT, GROUP), 0);
	CHECK_EQ(io_uring_buf_ring_head(&ring, GROUP, &head), -ENOENT);
	CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), -ENOENT);
}

int main(void)
{
	memory = (char *)pages(COUNT * SIZE);
	make(&ring, 8, 0);
	refused();
	kinds_of_memory();
	without_descriptor();
	bit_by_bit();
	bundles();
	io_uring_queue_exit(&ring);
	return 0;
}
