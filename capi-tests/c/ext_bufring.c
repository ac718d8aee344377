/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Buffers that are used whole, from a ring or provided by requests: data, references, the end of buffers, of data, and
 * what must be refused.
 */
#include "bufring_check.h"

enum { COUNT = 8, SIZE = 4096, GROUP = 5 };

static struct io_uring ring;
/* AIOURING_BUFRING_CLASSIC or 0: everything is done both ways. */
static unsigned how;

/* The only span of a completion that brings `length` bytes. */
static struct aiouring_bufring_span span_of(struct aiouring_bufring *br, const struct completion *cqe, unsigned length)
{
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span, none;

	CHECK_EQ(cqe->res, length);
	CHECK_EQ(taken(br, cqe, &walk), 1);
	CHECK_EQ(walk.spans, 1);
	CHECK_EQ(walk.left, length);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
	CHECK_EQ(span.len, length);
	CHECK_EQ(aiouring_bufring_next(&walk, &none), 0);
	CHECK_EQ(aiouring_bufring_skip(&walk), 0);
	return span;
}

/* Sends `length` bytes of a pattern, which one request receives. */
static struct aiouring_bufring_span receive(struct aiouring_bufring *br, int fd[2], unsigned length, uint64_t seed)
{
	char data[SIZE];
	struct completion cqe;
	struct aiouring_bufring_span span;

	fill(data, length, seed, 0);
	CHECK_EQ(send(fd[1], data, length, 0), length);
	receive_once(&ring, br, fd[0], seed);
	cqe = take(&ring);
	CHECK_EQ(cqe.user_data, seed);
	span = span_of(br, &cqe, length);
	CHECK_PATTERN(span.base, length, seed, 0);
	return span;
}

/* Nothing is out of the kernel's hands. */
static void all_provided(struct aiouring_bufring *br, unsigned count)
{
	CHECK_GE(aiouring_bufring_flush(br), 0);
	CHECK_EQ(info(br).provided, count);
	CHECK_EQ(info(br).held, 0);
	CHECK_EQ(info(br).waiting, 0);
	CHECK_EQ(info(br).references, 0);
	CHECK_GE(io_uring_submit(&ring), 0);
	if (info(br).kind == AIOURING_BUFRING_KIND_RING)
		CHECK(aiouring_bufring_check(br) == 0 || aiouring_bufring_check(br) == -EOPNOTSUPP);
	else
		CHECK_EQ(aiouring_bufring_check(br), -EOPNOTSUPP);
}

static void bad_arguments(void)
{
	struct aiouring_bufring_params params, bad;
	struct aiouring_bufring *br = NULL;
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	struct aiouring_bufring_info stats;
	struct io_uring_sqe sqe;
	struct io_uring_cqe cqe;
	struct io_uring other;
	char raw[sizeof(stats) + 16];
	int before = descriptors();
	size_t i;

	CHECK_EQ(aiouring_bufring_create(NULL, 1, SIZE, GROUP, 0, NULL), -EFAULT);
	CHECK_EQ(aiouring_bufring_create(&br, 0, SIZE, GROUP, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_create(&br, 32769, SIZE, GROUP, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_create(&br, 1, 0, GROUP, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_create(&br, 1, 0x80000000u, GROUP, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_create(&br, 1, SIZE, -1, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_create(&br, 1, SIZE, 65536, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_create(&br, 1, SIZE, GROUP, 1u << 5, NULL), -EINVAL);
	/* More than there are addresses. */
	CHECK_EQ(aiouring_bufring_create(&br, 32768, 0x7fffffff, GROUP, 0, NULL), sizeof(long) == 8 ? -ENOMEM : -EINVAL);
	memset(&params, 0, sizeof(params));
	params.nr = 2;
	params.size = SIZE;
	CHECK_EQ(aiouring_bufring_create_params(&br, NULL), -EFAULT);
	bad = params;
	bad.resv[3] = 1;
	CHECK_EQ(aiouring_bufring_create_params(&br, &bad), -EINVAL);
	bad = params;
	bad.max = 1;
	CHECK_EQ(aiouring_bufring_create_params(&br, &bad), -EINVAL);
	bad = params;
	bad.min_left = 10;
	CHECK_EQ(aiouring_bufring_create_params(&br, &bad), -EINVAL);
	bad.flags = AIOURING_BUFRING_INC;
	bad.min_left = SIZE;
	CHECK_EQ(aiouring_bufring_create_params(&br, &bad), -EINVAL);
	CHECK(br == NULL);

	memset(&cqe, 0, sizeof(cqe));
	CHECK_EQ(aiouring_bufring_attach(NULL, &ring), -EINVAL);
	CHECK_EQ(aiouring_bufring_detach(NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_destroy(NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_group(NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_select(NULL, &sqe), -EINVAL);
	CHECK_EQ(aiouring_bufring_take(NULL, &cqe, &walk), -EINVAL);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), -EINVAL);
	CHECK_EQ(aiouring_bufring_skip(&walk), -EINVAL);
	CHECK_EQ(aiouring_bufring_ref(NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(NULL, 0), -EINVAL);
	CHECK_EQ(aiouring_bufring_buffer(NULL, 0, NULL, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_grow(NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_bufring_shrink(NULL, 1), -EINVAL);
	CHECK_EQ(aiouring_bufring_flush(NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_stats(NULL, &stats, sizeof(stats)), -EINVAL);
	CHECK_EQ(aiouring_bufring_check(NULL), -EINVAL);

	/* Not attached. */
	CHECK_EQ(aiouring_bufring_create_params(&br, &params), 0);
	CHECK_EQ(aiouring_bufring_attach(br, NULL), -EFAULT);
	CHECK_EQ(aiouring_bufring_select(br, NULL), -EFAULT);
	CHECK_EQ(aiouring_bufring_take(br, NULL, &walk), -EFAULT);
	CHECK_EQ(aiouring_bufring_take(br, &cqe, NULL), -EFAULT);
	CHECK_EQ(aiouring_bufring_next(NULL, &span), -EFAULT);
	CHECK_EQ(aiouring_bufring_next(&walk, NULL), -EFAULT);
	CHECK_EQ(aiouring_bufring_skip(NULL), -EFAULT);
	memset(&other, 0, sizeof(other));
	CHECK_EQ(aiouring_bufring_attach(br, &other), -EOPNOTSUPP);
	make(&other, 4, 0);
	io_uring_queue_exit(&other);
	CHECK_EQ(aiouring_bufring_attach(br, &other), -EBADF);
	CHECK_EQ(aiouring_bufring_detach(br), -EINVAL);
	CHECK_EQ(aiouring_bufring_check(br), -EINVAL);
	CHECK_EQ(aiouring_bufring_flush(br), 0);
	CHECK_EQ(aiouring_bufring_release(br, 0), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, 1u << 16), -EINVAL);
	CHECK_EQ(aiouring_bufring_ref(br, 0), -EINVAL);
	cqe.flags = IORING_CQE_F_BUFFER;
	CHECK_EQ(aiouring_bufring_take(br, &cqe, &walk), -EINVAL);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 0);
	CHECK_EQ(info(br).kind, AIOURING_BUFRING_KIND_NONE);
	CHECK_EQ(info(br).refused, 4);
	CHECK_EQ(info(br).completions, 0);
	CHECK_EQ(descriptors(), before);

	/* Programs of another version know more or fewer numbers. */
	CHECK_EQ(aiouring_bufring_stats(br, NULL, sizeof(stats)), -EFAULT);
	CHECK_EQ(aiouring_bufring_stats(br, &stats, 0), -EINVAL);
	CHECK_EQ(aiouring_bufring_stats(br, &stats, 12), -EINVAL);
	memset(raw, 0x55, sizeof(raw));
	CHECK_EQ(aiouring_bufring_stats(br, (struct aiouring_bufring_info *)(void *)raw, 16), 0);
	CHECK_EQ(raw[16], 0x55);
	CHECK_EQ(aiouring_bufring_stats(br, (struct aiouring_bufring_info *)(void *)raw, sizeof(raw)), 0);
	for (i = sizeof(stats); i < sizeof(raw); i++)
		CHECK_EQ(raw[i], 0);
	memcpy(&stats, raw, sizeof(stats));
	CHECK_EQ(stats.size, SIZE);
	CHECK_EQ(stats.max, 2);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	/* It is no object any more. */
	CHECK_EQ(aiouring_bufring_destroy(br), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, 0), -EINVAL);
	CHECK_EQ(aiouring_bufring_attach(br, &ring), -EINVAL);
}

/* What is released twice, or was never handed out, is refused, and nothing is lost by it. */
static void references(void)
{
	struct aiouring_bufring *br = bufring(&ring, COUNT, SIZE, GROUP, how), *other;
	struct aiouring_bufring_span span, again;
	struct aiouring_bufring_walk walk;
	struct io_uring_cqe cqe;
	unsigned size = 0, i;
	void *base = NULL;
	int fd[2];

	sockets(fd);
	span = receive(br, fd, 100, 1);
	CHECK_EQ(span.id & 0xffff, 0);
	CHECK_NE(span.id, 0);
	CHECK_EQ(aiouring_bufring_buffer(br, span.id, &base, &size), 0);
	CHECK(base == span.base);
	CHECK_EQ(size, SIZE);
	CHECK_EQ(aiouring_bufring_buffer(br, span.id, NULL, NULL), 0);
	CHECK_EQ(aiouring_bufring_ref(br, span.id), 0);
	CHECK_EQ(info(br).references, 2);
	CHECK_EQ(info(br).held, 1);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	CHECK_EQ(info(br).held, 1);
	CHECK_EQ(aiouring_bufring_release(br, span.id & 0xffff), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, span.id + 1), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, span.id | 0xffff), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, span.id ^ 1u << 31), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	CHECK_EQ(aiouring_bufring_release(br, span.id), -EINVAL);
	CHECK_EQ(aiouring_bufring_ref(br, span.id), -EINVAL);
	CHECK_EQ(aiouring_bufring_buffer(br, span.id, &base, NULL), -EINVAL);
	all_provided(br, COUNT);

	/* Once around: the same buffer, but an old id is not the new one. */
	for (i = 1; i < COUNT; i++) {
		again = receive(br, fd, 10, i);
		CHECK_EQ(again.id & 0xffff, i);
		CHECK_EQ(aiouring_bufring_release(br, again.id), 0);
	}
	again = receive(br, fd, 10, 2);
	CHECK_EQ(again.id & 0xffff, 0);
	CHECK_NE(again.id, span.id);
	CHECK_EQ(aiouring_bufring_release(br, span.id), -EINVAL);
	CHECK_PATTERN(again.base, 10, 2, 0);

	/* Completions of others: a buffer that does not exist, one that the program has. */
	memset(&cqe, 0, sizeof(cqe));
	cqe.res = 1;
	cqe.flags = IORING_CQE_F_BUFFER | (unsigned)COUNT << IORING_CQE_BUFFER_SHIFT;
	CHECK_EQ(aiouring_bufring_take(br, &cqe, &walk), -EINVAL);
	cqe.flags = IORING_CQE_F_BUFFER | 0xffffu << IORING_CQE_BUFFER_SHIFT;
	CHECK_EQ(aiouring_bufring_take(br, &cqe, &walk), -EINVAL);
	cqe.flags = IORING_CQE_F_BUFFER;
	CHECK_EQ(aiouring_bufring_take(br, &cqe, &walk), -EINVAL);
	CHECK_EQ(walk.spans, 0);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 0);
	/* A walk that is made up does not lead out of the buffers. */
	walk.spans = 3;
	walk.left = 0xffffffff;
	walk.offset = SIZE - 1;
	walk.bid = 0;
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
	CHECK_EQ(span.len, 1);
	walk.offset = SIZE;
	CHECK_EQ(aiouring_bufring_next(&walk, &span), -EINVAL);
	walk.offset = 0;
	walk.bid = COUNT;
	CHECK_EQ(aiouring_bufring_next(&walk, &span), -EINVAL);
	walk.bid = 2; /* the kernel's */
	CHECK_EQ(aiouring_bufring_next(&walk, &span), -EINVAL);

	/* The program still has a buffer, and other objects have none of it. */
	CHECK_EQ(aiouring_bufring_create(&other, COUNT, SIZE, GROUP, how, NULL), 0);
	CHECK_EQ(aiouring_bufring_release(other, again.id), -EINVAL);
	if (info(br).kind == AIOURING_BUFRING_KIND_RING) {
		CHECK_EQ(aiouring_bufring_attach(other, &ring), -EEXIST);
		CHECK_EQ(aiouring_bufring_destroy(other), 0);
		CHECK_EQ(aiouring_bufring_create(&other, COUNT, SIZE, GROUP, AIOURING_BUFRING_CLASSIC, NULL), 0);
		/* Linux 6.8 tells. */
		if (aiouring_bufring_check(br) != -EOPNOTSUPP)
			CHECK_EQ(aiouring_bufring_attach(other, &ring), -EEXIST);
	}
	CHECK_EQ(aiouring_bufring_attach(br, &ring), -EBUSY);
	CHECK_EQ(aiouring_bufring_destroy(other), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
	CHECK_EQ(aiouring_bufring_release(br, again.id), 0);
	all_provided(br, COUNT);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	close(fd[0]);
	close(fd[1]);
}

/* All buffers are held, in the end there are none; released out of order they come again, in that order. */
static void no_buffers(void)
{
	static const unsigned order[COUNT] = {3, 0, 7, 1, 6, 2, 5, 4};
	struct aiouring_bufring *br = bufring(&ring, COUNT, SIZE, GROUP, how);
	struct aiouring_bufring_span spans[COUNT], span;
	struct aiouring_bufring_walk walk;
	struct completion cqe;
	unsigned i;
	char data[SIZE];
	int fd[2];

	sockets(fd);
	receive_again(&ring, br, fd[0], 1);
	for (i = 0; i < COUNT; i++) {
		fill(data, 50 + i, i, 0);
		CHECK_EQ(send(fd[1], data, 50 + i, 0), 50 + i);
		cqe = take(&ring);
		CHECK(cqe.flags & IORING_CQE_F_MORE);
		spans[i] = span_of(br, &cqe, 50 + i);
		CHECK_EQ(spans[i].id & 0xffff, i);
	}
	CHECK_EQ(info(br).provided, 0);
	CHECK_EQ(info(br).held, COUNT);
	fill(data, 60, 99, 0);
	CHECK_EQ(send(fd[1], data, 60, 0), 60);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, -ENOBUFS);
	CHECK(!(cqe.flags & IORING_CQE_F_MORE));
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	CHECK_EQ(info(br).enobufs, 1);
	for (i = 0; i < COUNT; i++) {
		CHECK_PATTERN(spans[order[i]].base, 50 + order[i], order[i], 0);
		CHECK_EQ(aiouring_bufring_release(br, spans[order[i]].id), 0);
	}
	/* What was not received is still there. */
	receive_again(&ring, br, fd[0], 2);
	cqe = take(&ring);
	span = span_of(br, &cqe, 60);
	CHECK_PATTERN(span.base, 60, 99, 0);
	if (info(br).kind == AIOURING_BUFRING_KIND_RING)
		CHECK_EQ(span.id & 0xffff, order[0]);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	close(fd[1]);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 0);
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	close(fd[0]);
	all_provided(br, COUNT);
	CHECK_EQ(info(br).completions, COUNT + 3);
	CHECK_EQ(info(br).recycled, COUNT + 1);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Reads one request from a file or pipe; the completion. */
static struct completion read_once(struct aiouring_bufring *br, int fd, unsigned length, __u64 offset, unsigned flags)
{
	struct io_uring_sqe *sqe;

	CHECK_GE(aiouring_bufring_flush(br), 0);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd, NULL, length, offset);
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	sqe->flags |= (__u8)flags;
	submit(&ring, br);
	return take(&ring);
}

/* Data that is short, nothing, or an error: the kernel takes a buffer for each of them. */
static void ends(void)
{
	struct aiouring_bufring *br = bufring(&ring, COUNT, SIZE, GROUP, how);
	int file = temp_file(3 * SIZE / 2, 7), dir = open(".", O_RDONLY | O_DIRECTORY), fd[2];
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	struct completion cqe;
	unsigned empty;

	CHECK_GE(dir, 0);
	cqe = read_once(br, file, 0, 0, 0);
	span = span_of(br, &cqe, SIZE);
	CHECK_PATTERN(span.base, SIZE, 7, 0);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	cqe = read_once(br, file, 1000, 10, IOSQE_ASYNC);
	span = span_of(br, &cqe, 1000);
	CHECK_PATTERN(span.base, 1000, 7, 10);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	cqe = read_once(br, file, 0, SIZE, 0);
	span = span_of(br, &cqe, SIZE / 2);
	CHECK_PATTERN(span.base, SIZE / 2, 7, SIZE);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	/* Behind the end, and what cannot be read: as often as there are buffers, and more. */
	for (empty = 0; empty < 3 * COUNT;) {
		cqe = read_once(br, file, 0, 2 * SIZE, 0);
		CHECK_EQ(cqe.res, 0);
		CHECK_EQ(taken(br, &cqe, &walk), 0);
		empty += cqe.flags & IORING_CQE_F_BUFFER ? 1 : 2 * COUNT;
		cqe = read_once(br, dir, 0, 0, 0);
		CHECK_EQ(cqe.res, -EISDIR);
		CHECK_EQ(taken(br, &cqe, &walk), 0);
		empty++;
	}
	all_provided(br, COUNT);
	CHECK_GE(info(br).empty, 1);
	/* The end of a pipe and of a socket. */
	CHECK(pipe(fd) == 0);
	CHECK_EQ(write(fd[1], "abc", 3), 3);
	cqe = read_once(br, fd[0], 0, (__u64)-1, 0);
	span = span_of(br, &cqe, 3);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	close(fd[1]);
	for (empty = 0; empty < COUNT + 1; empty++) {
		cqe = read_once(br, fd[0], 0, (__u64)-1, 0);
		CHECK_EQ(cqe.res, 0);
		CHECK_EQ(taken(br, &cqe, &walk), 0);
	}
	close(fd[0]);
	sockets(fd);
	close(fd[1]);
	for (empty = 0; empty < COUNT + 1; empty++) {
		receive_once(&ring, br, fd[0], 1);
		cqe = take(&ring);
		CHECK_EQ(cqe.res, 0);
		CHECK_EQ(taken(br, &cqe, &walk), 0);
	}
	close(fd[0]);
	/* A datagram may have no data. */
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
	for (empty = 0; empty < COUNT + 1; empty++) {
		CHECK_EQ(send(fd[1], "", 0, 0), 0);
		receive_once(&ring, br, fd[0], 1);
		cqe = take(&ring);
		CHECK_EQ(cqe.res, 0);
		CHECK_EQ(taken(br, &cqe, &walk), 0);
	}
	close(fd[0]);
	close(fd[1]);
	close(file);
	close(dir);
	all_provided(br, COUNT);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* A completion whose walk is not gone to its end, memory of the program, and a second attachment. */
static void memory_and_again(void)
{
	char *memory = (char *)pages(COUNT * SIZE + SIZE);
	struct aiouring_bufring_span span;
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring *br;
	struct completion cqe;
	int fd[2], i;

	/* It need not be aligned. */
	memory += 24;
	CHECK_EQ(aiouring_bufring_create(&br, COUNT, SIZE, GROUP, how, memory), 0);
	sockets(fd);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(aiouring_bufring_attach(br, &ring), 0);
		span = receive(br, fd, 1000, 5);
		CHECK((char *)span.base >= memory && (char *)span.base + 1000 <= memory + COUNT * SIZE);
		CHECK_EQ(((char *)span.base - memory) % SIZE, 0);
		CHECK_EQ((span.id & 0xffff) * SIZE, (char *)span.base - memory);
		CHECK_EQ(send(fd[1], "x", 1, 0), 1);
		receive_once(&ring, br, fd[0], 1);
		cqe = take(&ring);
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(aiouring_bufring_skip(&walk), 1);
		CHECK_EQ(aiouring_bufring_skip(&walk), 0);
		CHECK_EQ(info(br).references, 1);
		/* A span is good beyond the attachment. */
		CHECK_EQ(aiouring_bufring_detach(br), 0);
		CHECK_EQ(info(br).kind, AIOURING_BUFRING_KIND_NONE);
		CHECK_PATTERN(span.base, 1000, 5, 0);
		CHECK_EQ(info(br).references, 1);
		CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
		if (i == 1) {
			/* It may come back to the next one as well. */
			CHECK_EQ(aiouring_bufring_attach(br, &ring), 0);
			CHECK_EQ(aiouring_bufring_flush(br), 0);
			CHECK_EQ(info(br).provided, COUNT - 1);
		}
		CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
		if (i == 1) {
			all_provided(br, COUNT);
			CHECK_EQ(aiouring_bufring_detach(br), 0);
		}
	}
	/* There is no such group any more. */
	receive_once(&ring, br, fd[0], 1);
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, -ENOBUFS);
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	close(fd[0]);
	close(fd[1]);
}

/* Positions in a ring have 16 bits: it goes around more than once. */
static void around(unsigned count, unsigned rounds)
{
	struct aiouring_bufring *br = bufring(&ring, count, 16, GROUP, how);
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span, kept = {NULL, 0, 0};
	struct completion cqe;
	int fd[2], armed = 0;
	unsigned i;

	sockets(fd);
	for (i = 0; i < rounds; i++) {
		if (!armed)
			receive_again(&ring, br, fd[0], 1);
		else
			submit(&ring, br);
		CHECK_EQ(send(fd[1], &i, sizeof(i), 0), sizeof(i));
		cqe = take(&ring);
		armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
		CHECK(memcmp(span.base, &i, sizeof(i)) == 0);
		/* One is always held for a while, so that they come back in another order. */
		if (kept.base && i % 3 == 0)
			CHECK_EQ(aiouring_bufring_release(br, kept.id), 0);
		if (i % 3 == 0)
			kept = span;
		else
			CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	}
	CHECK_EQ(aiouring_bufring_release(br, kept.id), 0);
	close(fd[1]);
	if (armed)
		CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	all_provided(br, count);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Buffers that the kernel has refused are not lost: it gets them with the next requests. */
static void not_provided(void)
{
	struct aiouring_bufring *br = bufring(&ring, COUNT, SIZE, GROUP, AIOURING_BUFRING_CLASSIC);
	struct completion cqe = {(__u64)AIOURING_BUFRING_USER_DATA << 32 | 2 << 16 | 2, -ENOMEM, 0};
	struct aiouring_bufring_walk walk;

	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(info(br).provided, COUNT);
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	CHECK_EQ(info(br).waiting, 3);
	CHECK_EQ(info(br).provided, COUNT - 3);
	CHECK_EQ(aiouring_bufring_flush(br), 3);
	CHECK_EQ(aiouring_bufring_flush(br), 0);
	/* Nothing else with this user data is believed. */
	cqe.res = -EINVAL;
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	cqe.res = 0;
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	CHECK_EQ(info(br).waiting, 0);
	CHECK_EQ(info(br).provided, COUNT);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* No room for the request that provides buffers. */
static void full_queue(void)
{
	struct aiouring_bufring *br;
	int fd[2], i;
	struct aiouring_bufring_span span;

	CHECK_EQ(aiouring_bufring_create(&br, COUNT, SIZE, GROUP, AIOURING_BUFRING_CLASSIC, NULL), 0);
	nops(&ring, 32, 100);
	CHECK_EQ(aiouring_bufring_attach(br, &ring), -EAGAIN);
	CHECK_EQ(info(br).kind, AIOURING_BUFRING_KIND_NONE);
	CHECK_EQ(io_uring_submit(&ring), 32);
	for (i = 0; i < 32; i++)
		CHECK_EQ(take(&ring).user_data, 100 + i);
	CHECK_EQ(aiouring_bufring_attach(br, &ring), 0);
	sockets(fd);
	span = receive(br, fd, 100, 1);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	nops(&ring, 32, 100);
	CHECK_EQ(aiouring_bufring_flush(br), -EAGAIN);
	CHECK_EQ(info(br).waiting, 1);
	CHECK_EQ(io_uring_submit(&ring), 32);
	for (i = 0; i < 32; i++)
		CHECK_EQ(take(&ring).user_data, 100 + i);
	CHECK_EQ(aiouring_bufring_flush(br), 1);
	/* It submits what it has queued. */
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	CHECK_EQ(io_uring_sq_ready(&ring), 0);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	struct aiouring_bufring *br;

	make(&ring, 32, 0);
	bad_arguments();
	for (how = 0; how <= AIOURING_BUFRING_CLASSIC; how += AIOURING_BUFRING_CLASSIC) {
		br = bufring(&ring, COUNT, SIZE, GROUP, how);
		if (how)
			CHECK_EQ(info(br).kind, AIOURING_BUFRING_KIND_CLASSIC);
		CHECK_EQ(aiouring_bufring_destroy(br), 0);
		references();
		no_buffers();
		ends();
		memory_and_again();
		around(8, 70000);
	}
	how = 0;
	around(32768, 100000);
	not_provided();
	full_queue();
	io_uring_queue_exit(&ring);
	return 0;
}
