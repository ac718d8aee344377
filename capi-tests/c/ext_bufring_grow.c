/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* More and fewer buffers while data comes in; whose memory it is, and in which pages. */
#include "bufring_check.h"
#include "huge.h"

enum { MAX = 32, SIZE = 8192, GROUP = 1 };

static struct io_uring ring;

/* How many pages of an object's memory there are. */
static unsigned resident(char *memory, size_t size)
{
	unsigned char pages[MAX * SIZE / 4096];
	unsigned i, count = 0;

	CHECK(mincore(memory, size, pages) == 0);
	for (i = 0; i < size / 4096; i++)
		count += pages[i] & 1;
	return count;
}

static void under_load(unsigned flags)
{
	struct aiouring_bufring_params params;
	struct aiouring_bufring *br;
	struct aiouring_bufring_span queue[MAX];
	uint64_t seeds[MAX], seed = 0, checked = 0;
	unsigned queued = 0, wanted = 4, i, most = 0;
	char data[SIZE];
	int fd[2], armed = 0;

	memset(&params, 0, sizeof(params));
	params.nr = wanted;
	params.size = SIZE;
	params.max = MAX;
	params.bgid = GROUP;
	params.flags = flags;
	CHECK_EQ(aiouring_bufring_create_params(&br, &params), 0);
	CHECK_EQ(aiouring_bufring_grow(br, MAX - 3), -ENOSPC);
	CHECK_EQ(aiouring_bufring_grow(br, 0xffffffff), -ENOSPC);
	CHECK_EQ(aiouring_bufring_shrink(br, 4), -EINVAL);
	CHECK_EQ(aiouring_bufring_shrink(br, 0xffffffff), -EINVAL);
	CHECK_EQ(aiouring_bufring_grow(br, 0), 4);
	/* Before there is a ring, too. */
	CHECK_EQ(aiouring_bufring_grow(br, 2), 6);
	CHECK_EQ(aiouring_bufring_shrink(br, 2), 4);
	CHECK_EQ(aiouring_bufring_attach(br, &ring), 0);
	CHECK_EQ(info(br).provided, 4);

	sockets(fd);
	for (i = 0; i < 3000 * (unsigned)test_scale(); i++) {
		uint64_t what = mix(i);
		struct aiouring_bufring_walk walk;
		struct completion cqe;
		unsigned length, more = (unsigned)(what >> 8) % 5;

		if (what % 16 == 0 && wanted + more <= MAX) {
			wanted += more;
			CHECK_EQ(aiouring_bufring_grow(br, more), wanted);
		} else if (what % 16 == 1 && wanted > more) {
			wanted -= more;
			CHECK_EQ(aiouring_bufring_shrink(br, more), wanted);
		}
		CHECK_EQ(info(br).wanted, wanted);
		CHECK_LE(info(br).provided + info(br).held + info(br).waiting, MAX);
		if (!armed)
			receive_again(&ring, br, fd[0], 1);
		else
			submit(&ring, br);
		length = 1 + (unsigned)(what >> 16) % SIZE;
		fill(data, length, seed, 0);
		CHECK_EQ(send(fd[1], data, length, 0), length);
		cqe = take(&ring);
		armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
		if (cqe.res == -ENOBUFS) {
			char again[SIZE];

			CHECK_EQ(taken(br, &cqe, &walk), 0);
			CHECK_EQ(recv(fd[0], again, sizeof(again), 0), length);
		} else {
			CHECK_EQ(cqe.res, length);
			CHECK_EQ(taken(br, &cqe, &walk), 1);
			CHECK_EQ(aiouring_bufring_next(&walk, &queue[queued]), 1);
			seeds[queued++] = seed;
		}
		seed++;
		if (queued > most)
			most = queued;
		/* Some are held for long, and none is touched meanwhile. */
		while (queued > (what >> 32) % 12 || cqe.res == -ENOBUFS) {
			unsigned which = (unsigned)(mix(i + queued) % (queued ? queued : 1));

			if (queued == 0)
				break;
			CHECK_PATTERN(queue[which].base, queue[which].len, seeds[which], 0);
			checked++;
			CHECK_EQ(aiouring_bufring_release(br, queue[which].id), 0);
			queue[which] = queue[--queued];
			seeds[which] = seeds[queued];
		}
	}
	while (queued > 0) {
		CHECK_PATTERN(queue[queued - 1].base, queue[queued - 1].len, seeds[queued - 1], 0);
		CHECK_EQ(aiouring_bufring_release(br, queue[--queued].id), 0);
	}
	CHECK_GE(checked, 1000);
	CHECK_GE(most, 5);
	CHECK_GE(info(br).retired, 10);
	CHECK_EQ(info(br).references, 0);
	CHECK_EQ(info(br).held, 0);
	CHECK(aiouring_bufring_check(br) == 0 || aiouring_bufring_check(br) == -EOPNOTSUPP);

	/* What the kernel has stays with it; taken from the ring, the rest goes at once and with it its pages. */
	CHECK_EQ(aiouring_bufring_shrink(br, wanted - 1), 1);
	if (armed) {
		close(fd[1]);
		CHECK_EQ(take(&ring).res, 0);
	}
	CHECK_EQ(aiouring_bufring_detach(br), 0);
	CHECK_EQ(info(br).provided + info(br).held + info(br).waiting, 0);
	CHECK_EQ(aiouring_bufring_attach(br, &ring), 0);
	CHECK_EQ(info(br).provided, 1);
	CHECK_EQ(aiouring_bufring_grow(br, MAX - 1), MAX);
	CHECK_GE(aiouring_bufring_flush(br), 0);
	CHECK_EQ(info(br).provided, MAX);
	CHECK_GE(io_uring_submit(&ring), 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Buffers that are taken out of use leave no pages behind. */
static void pages_go(void)
{
	struct aiouring_bufring *br = bufring(&ring, MAX, SIZE, GROUP, 0);
	struct aiouring_bufring_span spans[MAX];
	char data[SIZE], *first = NULL;
	unsigned i;
	int fd[2];

	sockets(fd);
	fill(data, SIZE, 1, 0);
	receive_again(&ring, br, fd[0], 1);
	for (i = 0; i < MAX; i++) {
		struct aiouring_bufring_walk walk;
		struct completion cqe;

		CHECK_EQ(send(fd[1], data, SIZE, 0), SIZE);
		cqe = take(&ring);
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &spans[i]), 1);
		if ((spans[i].id & 0xffff) == 0)
			first = (char *)spans[i].base;
	}
	CHECK(first != NULL);
	CHECK_EQ(resident(first, MAX * SIZE), MAX * SIZE / 4096);
	CHECK_EQ(aiouring_bufring_shrink(br, MAX - 4), 4);
	CHECK_EQ(info(br).held, MAX);
	for (i = 0; i < MAX; i++) {
		CHECK_PATTERN(spans[i].base, SIZE, 1, 0);
		CHECK_EQ(aiouring_bufring_release(br, spans[i].id), 0);
	}
	CHECK_EQ(info(br).retired, MAX - 4);
	submit(&ring, br);
	CHECK_EQ(info(br).provided, 4);
	CHECK_EQ(resident(first, MAX * SIZE), 4 * SIZE / 4096);
	close(fd[1]);
	CHECK_EQ(take(&ring).res, 0);
	close(fd[0]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

/* Huge pages are taken if there are as many as are needed; without them all works the same. */
static void in_huge_pages(void)
{
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	struct aiouring_bufring *br;
	struct completion cqe;
	int fd[2], there = reserve_huge_page();

	br = bufring(&ring, 2, 1 << 20, GROUP, AIOURING_BUFRING_HUGE);
	CHECK_EQ((info(br).flags & AIOURING_BUFRING_HUGE) != 0, there);
	sockets(fd);
	CHECK_EQ(send(fd[1], "data", 4, 0), 4);
	receive_once(&ring, br, fd[0], 1);
	cqe = take(&ring);
	CHECK_EQ(taken(br, &cqe, &walk), 1);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
	CHECK(memcmp(span.base, "data", 4) == 0);
	if (info(br).flags & AIOURING_BUFRING_HUGE)
		CHECK_EQ((uintptr_t)span.base % (2 << 20), 0);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	close(fd[0]);
	close(fd[1]);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	/* More than there are. */
	br = bufring(&ring, 64, 2 << 20, GROUP, AIOURING_BUFRING_HUGE);
	CHECK(there == 0 || !(info(br).flags & AIOURING_BUFRING_HUGE));
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	release_huge_page();
	/* Without the flag there are none. */
	br = bufring(&ring, 2, 1 << 20, GROUP, 0);
	CHECK_EQ(info(br).flags & AIOURING_BUFRING_HUGE, 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
}

int main(void)
{
	make(&ring, 64, 0);
	under_load(0);
	under_load(AIOURING_BUFRING_CLASSIC);
	pages_go();
	in_huge_pages();
	io_uring_queue_exit(&ring);
	return 0;
}
