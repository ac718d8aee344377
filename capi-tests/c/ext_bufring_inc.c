// old-kernel: no (incremental consumption is of Linux 6.12)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Buffers that are used piece by piece: where each piece begins, and when a buffer goes back. */
#include "bufring_check.h"

enum { SIZE = 32768, GROUP = 3 };

static struct io_uring ring;

/* The example of docs/extensions.md: two buffers of 32 KiB; 4, 8 and 20 KiB are the first, 4 KiB begin the second. */
static void worked_example(void)
{
	static const struct {
		unsigned length, bid, offset;
	} want[] = {{4096, 0, 0}, {8192, 0, 4096}, {20480, 0, 12288}, {4096, 1, 0}};
	struct aiouring_bufring *br = bufring(&ring, 2, SIZE, GROUP, AIOURING_BUFRING_INC);
	struct aiouring_bufring_span spans[COUNT_OF(want)];
	struct aiouring_bufring_walk walk;
	char data[SIZE], *start = NULL;
	unsigned i;
	int fd[2];

	if (!(info(br).flags & AIOURING_BUFRING_INC))
		SKIP("the kernel does not use buffers piece by piece");
	sockets(fd);
	receive_again(&ring, br, fd[0], 1);
	for (i = 0; i < COUNT_OF(want); i++) {
		struct completion cqe;

		fill(data, want[i].length, i, 0);
		CHECK_EQ(send(fd[1], data, want[i].length, 0), want[i].length);
		cqe = take(&ring);
		CHECK_EQ(cqe.res, want[i].length);
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(walk.left, want[i].length);
		CHECK_EQ(aiouring_bufring_next(&walk, &spans[i]), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &spans[i]), 0);
		CHECK_EQ(spans[i].len, want[i].length);
		CHECK_EQ(spans[i].id & 0xffff, want[i].bid);
		if (i == 0)
			start = (char *)spans[i].base;
		CHECK_EQ((char *)spans[i].base - start, want[i].bid * SIZE + want[i].offset);
		CHECK_EQ(aiouring_bufring_check(br), 0);
	}
	/* The kernel is done with the first, which four spans are left of, one of them in the second. */
	CHECK_EQ(info(br).held, 1);
	CHECK_EQ(info(br).provided, 1);
	CHECK_EQ(info(br).references, 4);
	CHECK_EQ(info(br).partial, 3);
	for (i = 0; i < COUNT_OF(want); i++) {
		CHECK_PATTERN(spans[i].base, want[i].length, i, 0);
		CHECK_EQ(info(br).provided, i < 3 ? 1 : 2);
		CHECK_EQ(aiouring_bufring_release(br, spans[i].id), 0);
	}
	CHECK_EQ(info(br).provided, 2);
	CHECK_EQ(info(br).recycled, 1);
	close(fd[1]);
	CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Takes the completions of a request as long as there is data: their bytes are those of the pattern from `position` on. */
static unsigned pieces(struct aiouring_bufring *br, unsigned length, uint64_t seed, uint64_t position)
{
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	unsigned spans = 0, got = 0;

	while (got < length) {
		struct completion cqe = take(&ring);

		CHECK(cqe.res > 0);
		CHECK_GE(taken(br, &cqe, &walk), 1);
		CHECK_EQ(walk.left, cqe.res);
		while (aiouring_bufring_next(&walk, &span) == 1) {
			CHECK_PATTERN(span.base, span.len, seed, position + got);
			got += span.len;
			spans++;
			CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
		}
	}
	CHECK_EQ(got, length);
	return spans;
}

/* A pipe that is read again and again: pieces of all lengths, in the end nothing. */
static void read_pipe_again(void)
{
	struct aiouring_bufring *br = bufring(&ring, 4, 4096, GROUP, AIOURING_BUFRING_INC);
	struct aiouring_bufring_walk walk;
	struct io_uring_sqe *sqe;
	struct completion cqe;
	uint64_t position = 0;
	char data[10000];
	unsigned i;
	int fd[2];

	need_op(&ring, IORING_OP_READ_MULTISHOT);
	CHECK(pipe(fd) == 0);
	sqe = next(&ring);
	io_uring_prep_read_multishot(sqe, fd[0], 0, (__u64)-1, GROUP);
	CHECK_EQ(io_uring_submit(&ring), 1);
	for (i = 0; i < 300; i++) {
		unsigned length = 1 + (unsigned)(mix(i) % sizeof(data));

		fill(data, length, 1, position);
		CHECK_EQ(write(fd[1], data, length), length);
		pieces(br, length, 1, position);
		position += length;
	}
	CHECK_EQ(info(br).bytes, position);
	CHECK_EQ(info(br).recycled, position / 4096);
	CHECK_EQ(aiouring_bufring_check(br), 0);
	close(fd[1]);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 0);
	CHECK(!(cqe.flags & IORING_CQE_F_MORE));
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	CHECK_EQ(aiouring_bufring_check(br), 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* The kernel is ahead while completions wait to be taken, and is not believed to have gone back. */
static void taken_once(void)
{
	struct aiouring_bufring *br = bufring(&ring, 2, 4096, GROUP, AIOURING_BUFRING_INC);
	struct aiouring_bufring_span span[3];
	struct aiouring_bufring_walk walk;
	struct completion cqe[3];
	char data[4096];
	int fd[2], i;

	sockets(fd);
	receive_again(&ring, br, fd[0], 1);
	fill(data, 1500, 1, 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(send(fd[1], data, 1500, 0), 1500);
		cqe[i] = take(&ring);
		if (i == 2) {
			/* The rest of the first buffer; more comes in the next. */
			CHECK_EQ(cqe[i].res, 4096 - 3000);
			CHECK_EQ(take(&ring).res, 404);
		}
		CHECK_EQ(aiouring_bufring_check(br), i < 2 ? 1 : 2);
	}
	CHECK_EQ(aiouring_bufring_detach(br), -EBUSY);
	CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(taken(br, &cqe[i], &walk), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &span[i]), 1);
		CHECK_PATTERN(span[i].base, span[i].len, 1, 0);
		CHECK_EQ(span[i].id, span[0].id);
	}
	/* The buffer is used up. */
	CHECK_EQ(taken(br, &cqe[0], &walk), -EINVAL);
	CHECK_EQ(info(br).held, 1);
	/* Of the second more than the kernel has put there. */
	cqe[0].flags |= 1u << IORING_CQE_BUFFER_SHIFT;
	CHECK_EQ(cqe[0].res, 1500);
	CHECK_EQ(taken(br, &cqe[0], &walk), -EINVAL);
	cqe[0].res = 404;
	CHECK_EQ(taken(br, &cqe[0], &walk), 1);
	CHECK_EQ(aiouring_bufring_skip(&walk), 1);
	CHECK_EQ(taken(br, &cqe[0], &walk), -EINVAL);
	CHECK_EQ(aiouring_bufring_check(br), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(aiouring_bufring_release(br, span[i].id), 0);
	CHECK_EQ(aiouring_bufring_release(br, span[0].id), -EINVAL);
	CHECK_EQ(info(br).refused, 4);
	CHECK_EQ(info(br).provided, 2);
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(take(&ring).res, 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* One request that reads a file or pipe; the completion. */
static struct completion read_once(struct aiouring_bufring *br, int fd, unsigned length, __u64 offset, unsigned flags)
{
	struct io_uring_sqe *sqe = next(&ring);

	io_uring_prep_read(sqe, fd, NULL, length, offset);
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	io_uring_sqe_set_data64(sqe, 1);
	sqe->flags |= (__u8)flags;
	CHECK_EQ(io_uring_submit(&ring), 1);
	return take(&ring);
}

/*
 * What cannot be polled: the kernel counts what was asked for, whatever came, errors too. With one request at a time the
 * object finds all data.
 */
static void one_at_a_time(void)
{
	struct aiouring_bufring *br = bufring(&ring, 4, 4096, GROUP, AIOURING_BUFRING_INC | AIOURING_BUFRING_ONE);
	int file = temp_file(10000, 3), dir = open(".", O_RDONLY | O_DIRECTORY), fd[2];
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	struct completion cqe;
	char data[100];
	unsigned i;

	CHECK_GE(dir, 0);
	CHECK(pipe(fd) == 0);
	for (i = 0; i < 200; i++) {
		unsigned length = 1 + (unsigned)(mix(i) % 5000), want = (unsigned)mix(i + 1000) % 11000;
		unsigned flags = mix(i + 2000) % 3 == 0 ? IOSQE_ASYNC : 0;

		switch (i % 4) {
		case 0:
		case 1:
			cqe = read_once(br, file, length, want, flags);
			CHECK(cqe.res >= 0);
			if (taken(br, &cqe, &walk)) {
				CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
				CHECK_PATTERN(span.base, span.len, 3, want);
				CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
			} else {
				CHECK_EQ(cqe.res, 0);
			}
			break;
		case 2:
			cqe = read_once(br, dir, length, 0, flags);
			CHECK_EQ(cqe.res, -EISDIR);
			CHECK_EQ(taken(br, &cqe, &walk), 0);
			break;
		case 3:
			fill(data, 100, i, 0);
			CHECK_EQ(write(fd[1], data, 100), 100);
			cqe = read_once(br, fd[0], 0, (__u64)-1, flags);
			CHECK_GE(cqe.res, 1);
			CHECK_EQ(taken(br, &cqe, &walk), 1);
			CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
			CHECK_PATTERN(span.base, span.len, i, 0);
			CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
			/* The end of the buffer was less away. */
			if (cqe.res < 100)
				CHECK_EQ(read(fd[0], data, 100), 100 - cqe.res);
			break;
		}
		CHECK_EQ(aiouring_bufring_check(br), 0);
		CHECK_EQ(info(br).provided, 4);
	}
	CHECK_GE(info(br).empty, 1);
	close(file);
	close(dir);
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);

	/* Without that word the check tells, and as it may be data that was not taken the ring has to end first. */
	br = bufring(&ring, 4, 4096, GROUP, AIOURING_BUFRING_INC);
	file = temp_file(10, 3);
	cqe = read_once(br, file, 1000, 0, 0);
	CHECK_EQ(cqe.res, 10);
	CHECK_EQ(taken(br, &cqe, &walk), 1);
	CHECK_EQ(aiouring_bufring_skip(&walk), 1);
	CHECK_EQ(aiouring_bufring_check(br), 1);
	close(file);
	CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
	io_uring_queue_exit(&ring);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	make(&ring, 8, 0);
}

/* A ring with a least rest: kernels before 7.2 do without, in either case all data is found. */
static void least_rest(void)
{
	struct aiouring_bufring_params params;
	struct aiouring_bufring *br;
	uint64_t position = 0;
	char data[3000];
	unsigned i;
	int fd[2];

	memset(&params, 0, sizeof(params));
	params.nr = 4;
	params.size = 4096;
	params.bgid = GROUP;
	params.flags = AIOURING_BUFRING_INC;
	params.min_left = 1000;
	CHECK_EQ(aiouring_bufring_create_params(&br, &params), 0);
	CHECK_EQ(aiouring_bufring_attach(br, &ring), 0);
	CHECK(info(br).min_left == 0 || info(br).min_left == 1000);
	CHECK(info(br).flags & AIOURING_BUFRING_INC);
	sockets(fd);
	receive_again(&ring, br, fd[0], 1);
	for (i = 0; i < 50; i++) {
		unsigned length = 1 + (unsigned)(mix(i) % sizeof(data));

		fill(data, length, 9, position);
		CHECK_EQ(send(fd[1], data, length, 0), length);
		pieces(br, length, 9, position);
		position += length;
		CHECK_EQ(aiouring_bufring_check(br), 0);
	}
	close(fd[1]);
	CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

int main(void)
{
	make(&ring, 8, 0);
	worked_example();
	read_pipe_again();
	taken_once();
	one_at_a_time();
	least_rest();
	io_uring_queue_exit(&ring);
	return 0;
}
