// old-kernel: no (bundles and incremental consumption are younger)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Several streams share a group, by requests of all kinds at random: once, again and again, bundles, reads, cancelled ones.
 * Each stream's data is in order, no buffer is lost, and the books agree with the kernel's whenever nothing is in flight.
 */
#include "bufring_check.h"

enum { STREAMS = 5, COUNT = 16, SIZE = 2048, GROUP = 4, HELD = 24 };

struct stream {
	int fd[2];
	uint64_t sent, got;
	int armed, pipe;
};

static struct io_uring ring;
static struct aiouring_bufring *br;
static struct stream streams[STREAMS];
static struct aiouring_bufring_span held[HELD];
static struct {
	unsigned stream;
	uint64_t position;
} what[HELD];
static unsigned holding;
static uint64_t state;

static unsigned any(unsigned below)
{
	state = mix(state);
	return (unsigned)(state % below);
}

static void let_go(unsigned leave)
{
	while (holding > leave) {
		unsigned i = any(holding);

		CHECK_PATTERN(held[i].base, held[i].len, what[i].stream, what[i].position);
		CHECK_EQ(aiouring_bufring_release(br, held[i].id), 0);
		held[i] = held[--holding];
		what[i] = what[holding];
	}
}

static void arm(unsigned i, int bundles)
{
	struct stream *s = &streams[i];
	struct io_uring_sqe *sqe = next(&ring);

	if (s->pipe) {
		if (any(2))
			io_uring_prep_read(sqe, s->fd[0], NULL, any(3) ? 0 : 1 + any(SIZE), (__u64)-1);
		else
			io_uring_prep_read_multishot(sqe, s->fd[0], 0, (__u64)-1, GROUP);
	} else {
		if (any(2))
			io_uring_prep_recv(sqe, s->fd[0], NULL, any(3) ? 0 : 1 + any(SIZE), 0);
		else
			io_uring_prep_recv_multishot(sqe, s->fd[0], NULL, 0, 0);
		if (bundles && any(2) && sqe->len == 0)
			sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	}
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	io_uring_sqe_set_data64(sqe, i);
	s->armed = 1;
}

static void completed(const struct completion *cqe)
{
	struct stream *s = &streams[cqe->user_data];
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;

	CHECK(cqe->user_data < STREAMS);
	s->armed = (cqe->flags & IORING_CQE_F_MORE) != 0;
	CHECK_GE(taken(br, cqe, &walk), 0);
	CHECK_EQ(walk.left, cqe->res > 0 ? cqe->res : 0);
	if (cqe->res == -ENOBUFS)
		let_go(0);
	else
		CHECK(cqe->res > 0 || cqe->res == -ECANCELED || cqe->res == -EINTR);
	while (aiouring_bufring_next(&walk, &span) == 1) {
		CHECK_PATTERN(span.base, span.len, cqe->user_data, s->got);
		if (holding == HELD)
			let_go(HELD / 2);
		held[holding] = span;
		what[holding].stream = (unsigned)cqe->user_data;
		what[holding++].position = s->got;
		s->got += span.len;
	}
	CHECK_LE(s->got, s->sent);
}

static void run(unsigned flags, int bundles, unsigned rounds)
{
	unsigned round, i;

	br = bufring(&ring, COUNT, SIZE, GROUP, flags);
	memset(streams, 0, sizeof(streams));
	for (i = 0; i < STREAMS; i++) {
		streams[i].pipe = i == 0;
		if (streams[i].pipe)
			CHECK(pipe(streams[i].fd) == 0);
		else
			sockets(streams[i].fd);
	}
	for (round = 0; round < rounds; round++) {
		struct io_uring_cqe *cqe;

		i = any(STREAMS);
		if (any(3)) {
			char data[3 * SIZE];
			unsigned length = 1 + any(any(2) ? 100 : sizeof(data));

			/* A pipe takes 64 KiB. */
			if (streams[i].sent - streams[i].got < 40000) {
				fill(data, length, i, streams[i].sent);
				CHECK_EQ(write(streams[i].fd[1], data, length), length);
				streams[i].sent += length;
			}
		}
		if (!streams[i].armed) {
			arm(i, bundles);
		} else if (any(20) == 0) {
			struct io_uring_sqe *sqe = next(&ring);

			io_uring_prep_cancel64(sqe, i, 0);
			io_uring_sqe_set_data64(sqe, 1000);
		}
		if (any(4) == 0)
			submit(&ring, br);
		while (io_uring_peek_cqe(&ring, &cqe) == 0) {
			struct completion copy = {cqe->user_data, cqe->res, cqe->flags};

			io_uring_cqe_seen(&ring, cqe);
			if (copy.user_data != 1000)
				completed(&copy);
		}
		if (any(3) == 0)
			let_go(any(HELD));
		if (io_uring_sq_space_left(&ring) < 4)
			submit(&ring, br);
	}
	/* Everything that was sent comes. */
	for (i = 0; i < STREAMS; i++) {
		while (streams[i].got < streams[i].sent) {
			struct completion cqe;

			let_go(0);
			if (!streams[i].armed)
				arm(i, bundles);
			submit(&ring, br);
			cqe = take(&ring);
			if (cqe.user_data != 1000)
				completed(&cqe);
		}
	}
	let_go(0);
	for (i = 0; i < STREAMS; i++) {
		if (streams[i].armed) {
			struct io_uring_sqe *sqe = next(&ring);

			io_uring_prep_cancel64(sqe, i, 0);
			io_uring_sqe_set_data64(sqe, 1000);
		}
	}
	submit(&ring, br);
	for (i = 0; i < STREAMS; i++) {
		while (streams[i].armed) {
			struct completion cqe = take(&ring);

			if (cqe.user_data != 1000)
				completed(&cqe);
		}
		close(streams[i].fd[0]);
		close(streams[i].fd[1]);
	}
	/* Completions of cancellations. */
	sleep_ms(1);
	io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
	CHECK_EQ(info(br).references, 0);
	CHECK_EQ(info(br).held, 0);
	CHECK_EQ(info(br).refused, 0);
	CHECK_EQ(info(br).truncated, 0);
	CHECK_EQ(info(br).provided + info(br).waiting, COUNT);
	if (info(br).kind == AIOURING_BUFRING_KIND_RING)
		CHECK_EQ(aiouring_bufring_check(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

int main(void)
{
	unsigned rounds = (unsigned)(5000 * test_scale());

	make(&ring, 64, 0);
	if (!(ring.features & IORING_FEAT_RECVSEND_BUNDLE))
		SKIP("the kernel has no bundles");
	need_op(&ring, IORING_OP_READ_MULTISHOT);
	run(0, 0, rounds);
	run(AIOURING_BUFRING_INC, 0, rounds);
	run(0, 1, rounds);
	run(AIOURING_BUFRING_INC, 1, rounds);
	run(AIOURING_BUFRING_CLASSIC, 0, rounds);
	run(AIOURING_BUFRING_CLASSIC, 1, rounds);
	io_uring_queue_exit(&ring);
	return 0;
}
