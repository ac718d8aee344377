// old-kernel: no (bundles are of Linux 6.10)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Completions with data in several buffers, and results that are longer than the data. */
#include "bufring_check.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum { COUNT = 16, SIZE = 1024, GROUP = 9, MOST = 512 };

static struct io_uring ring;

static void receive_bundle(struct aiouring_bufring *br, int fd, int again)
{
	struct io_uring_sqe *sqe;

	CHECK_GE(aiouring_bufring_flush(br), 0);
	sqe = next(&ring);
	if (again)
		io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	else
		io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, br);
}

/* Pieces of all lengths; the buffers of each are released in another order, some late. */
static void bundles(unsigned flags, int again, unsigned count, unsigned size)
{
	struct aiouring_bufring *br = bufring(&ring, count, size, GROUP, flags);
	unsigned late[MOST], lates = 0, i, j;
	uint64_t sent = 0, got = 0;
	char data[6144];
	int fd[2], armed = 0;

	sockets(fd);
	for (i = 0; i < 400; i++) {
		unsigned length = 1 + (unsigned)(mix(i) % sizeof(data)), ids[MOST], spans;
		struct aiouring_bufring_walk walk;
		struct aiouring_bufring_span span;
		struct completion cqe;

		fill(data, length, 1, sent);
		CHECK_EQ(send(fd[1], data, length, 0), length);
		sent += length;
		while (got < sent) {
			if (!armed)
				receive_bundle(br, fd[0], again);
			cqe = take(&ring);
			armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
			if (cqe.res == -ENOBUFS) {
				CHECK_EQ(taken(br, &cqe, &walk), 0);
				CHECK_GE(lates, 1);
			} else {
				CHECK(cqe.res > 0);
				CHECK_GE(taken(br, &cqe, &walk), 1);
				CHECK_EQ(walk.left, cqe.res);
				spans = walk.spans;
				for (j = 0; aiouring_bufring_next(&walk, &span) == 1; j++) {
					CHECK(j < count);
					CHECK_PATTERN(span.base, span.len, 1, got);
					got += span.len;
					ids[j] = span.id;
				}
				CHECK_EQ(j, spans);
				/* The last first, and some of the first late. */
				while (j-- > 0) {
					if (j == 0 && lates < count / 2)
						late[lates++] = ids[j];
					else
						CHECK_EQ(aiouring_bufring_release(br, ids[j]), 0);
				}
			}
			if (lates == count / 2 || cqe.res == -ENOBUFS)
				while (lates > 0)
					CHECK_EQ(aiouring_bufring_release(br, late[--lates]), 0);
		}
		CHECK_EQ(got, sent);
		if (info(br).kind == AIOURING_BUFRING_KIND_RING)
			CHECK_EQ(aiouring_bufring_check(br), 0);
	}
	while (lates > 0)
		CHECK_EQ(aiouring_bufring_release(br, late[--lates]), 0);
	CHECK_GE(info(br).crossed, 10);
	CHECK_EQ(info(br).truncated, 0);
	CHECK_EQ(info(br).bytes, sent);
	CHECK_EQ(info(br).provided + info(br).waiting, count);
	CHECK_EQ(info(br).references, 0);
	close(fd[1]);
	if (armed)
		CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

static void datagrams(int fd[2])
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(fd[0] >= 0 && fd[1] >= 0);
	CHECK(bind(fd[0], (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(getsockname(fd[0], (struct sockaddr *)&address, &length) == 0);
	CHECK(connect(fd[1], (struct sockaddr *)&address, sizeof(address)) == 0);
}

/*
 * MSG_TRUNC: the result is the datagram's length. Of what did not fit there is no span, no buffer is believed to be used
 * that is not, and what the kernel believes to have used is given back.
 */
static void truncated(unsigned flags)
{
	struct aiouring_bufring *br = bufring(&ring, COUNT, SIZE, GROUP, flags);
	char data[5 * SIZE];
	unsigned i;
	int fd[2];

	datagrams(fd);
	for (i = 0; i < 200; i++) {
		unsigned length = 1 + (unsigned)(mix(i) % sizeof(data)), room = SIZE;
		struct aiouring_bufring_walk walk;
		struct aiouring_bufring_span span;
		struct io_uring_sqe *sqe;
		struct completion cqe;

		fill(data, length, i, 0);
		CHECK_EQ(send(fd[1], data, length, 0), length);
		CHECK_GE(aiouring_bufring_flush(br), 0);
		sqe = next(&ring);
		io_uring_prep_recv(sqe, fd[0], NULL, 0, MSG_TRUNC);
		CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
		io_uring_sqe_set_data64(sqe, 1);
		submit(&ring, br);
		cqe = take(&ring);
		CHECK_EQ(cqe.res, length);
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &span), 0);
		if (flags & AIOURING_BUFRING_INC)
			CHECK_LE(span.len, room);
		else
			CHECK_EQ(span.len, length < room ? length : room);
		CHECK_PATTERN(span.base, span.len, i, 0);
		CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
		CHECK_EQ(info(br).references, 0);
		CHECK_EQ(info(br).held, 0);
		if (info(br).kind == AIOURING_BUFRING_KIND_RING)
			CHECK_EQ(aiouring_bufring_check(br), 0);
	}
	CHECK_GE(info(br).truncated, 1000);
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

int main(void)
{
	make(&ring, 32, 0);
	if (!(ring.features & IORING_FEAT_RECVSEND_BUNDLE))
		SKIP("the kernel has no bundles");
	bundles(0, 0, COUNT, SIZE);
	bundles(0, 1, COUNT, SIZE);
	bundles(AIOURING_BUFRING_INC, 0, COUNT, SIZE);
	bundles(AIOURING_BUFRING_INC, 1, COUNT, SIZE);
	bundles(AIOURING_BUFRING_CLASSIC, 0, COUNT, SIZE);
	/* Many small ones: positions in a ring have 16 bits, and go around. */
	bundles(0, 1, MOST, 16);
	bundles(AIOURING_BUFRING_INC, 1, MOST, 16);
	bundles(AIOURING_BUFRING_CLASSIC, 0, MOST, 16);
	/* The kernel can be asked what a buffer ring has used; else it has to be said. */
	truncated(0);
	truncated(AIOURING_BUFRING_TRUNC);
	truncated(AIOURING_BUFRING_TRUNC | AIOURING_BUFRING_INC);
	truncated(AIOURING_BUFRING_TRUNC | AIOURING_BUFRING_CLASSIC);
	io_uring_queue_exit(&ring);
	return 0;
}
