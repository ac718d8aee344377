/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * uring_copy - copies a file by linked requests.
 *
 * usage: uring_copy SRC DST
 *
 * For each block a read and a write of the same length are linked: the write starts when the read has brought all of it.
 * Up to sixteen pairs are on their way. A read that brings less breaks its link, and the write is cancelled; the pair is
 * then tried again for as much as there was, and after it for the rest. So it ends where the file does, whatever size
 * the file said it had.
 *
 * Exit status: 0 copied, 1 an error, 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 16, BLOCK = 1 << 17 };

/* A block on its way. */
struct pair {
	char *buffer;
	__u64 offset;
	unsigned left; /* of the block */
	unsigned asked; /* of that, by the requests under way */
	unsigned under_way;
	int read, written;
};

static struct io_uring ring;
static int from, to;

static void fail(const char *what, int error)
{
	fprintf(stderr, "uring_copy: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* Two entries, of which the second waits for the first. Addresses are even: the lowest bit tells them apart. */
static void ask(struct pair *pair)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_read(sqe, from, pair->buffer, pair->asked, pair->offset);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, (__u64)(uintptr_t)pair);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, to, pair->buffer, pair->asked, pair->offset);
	io_uring_sqe_set_data64(sqe, (__u64)(uintptr_t)pair | 1);
	pair->under_way = 2;
}

static bool again(int result)
{
	return result == -EINTR || result == -EAGAIN;
}

/* Both requests are done: whether there is more of the block to do, and at what length. */
static bool go_on(struct pair *pair)
{
	if (pair->read < 0 && !again(pair->read))
		fail("read", pair->read);
	if (pair->read == 0)
		return false;
	if (pair->written == -ECANCELED) {
		/* The read was short, or interrupted. */
		if (pair->read > 0)
			pair->asked = (unsigned)pair->read;
		return true;
	}
	if (pair->written < 0 && !again(pair->written))
		fail("write", pair->written);
	if (pair->written == 0)
		fail("write", -EIO);
	if (pair->written > 0) {
		pair->offset += (unsigned)pair->written;
		pair->left -= (unsigned)pair->written;
	}
	pair->asked = pair->left;
	return pair->left > 0;
}

/* The next completion; the pair that it was the second of, or NULL. */
static struct pair *take(void)
{
	struct io_uring_cqe *cqe;
	struct pair *pair;
	__u64 data;
	int ret;

	do
		ret = io_uring_wait_cqe(&ring, &cqe);
	while (ret == -EINTR);
	if (ret < 0)
		fail("io_uring_wait_cqe", ret);
	data = io_uring_cqe_get_data64(cqe);
	pair = (struct pair *)(uintptr_t)(data & ~(__u64)1);
	if (data & 1)
		pair->written = cqe->res;
	else
		pair->read = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return --pair->under_way == 0 ? pair : NULL;
}

static void submit(void)
{
	int ret;

	do
		ret = io_uring_submit(&ring);
	while (ret == -EINTR || ret == -EAGAIN);
	if (ret < 0)
		fail("io_uring_submit", ret);
}

/* Gives the pair the block at *next; false if there is none. */
static bool begin(struct pair *pair, __u64 *next, __u64 size)
{
	if (*next >= size)
		return false;
	pair->offset = *next;
	pair->left = size - *next < BLOCK ? (unsigned)(size - *next) : BLOCK;
	pair->asked = pair->left;
	*next += pair->left;
	ask(pair);
	return true;
}

static void copy(__u64 size)
{
	static struct pair pairs[DEPTH];
	unsigned i, busy = 0;
	__u64 next = 0;

	for (i = 0; i < DEPTH; i++) {
		pairs[i].buffer = malloc(BLOCK);
		if (!pairs[i].buffer)
			fail("malloc", -ENOMEM);
		busy += begin(&pairs[i], &next, size);
	}
	while (busy > 0) {
		struct pair *pair;

		submit();
		pair = take();
		if (!pair)
			continue;
		if (go_on(pair))
			ask(pair);
		else
			busy -= !begin(pair, &next, size);
	}
	for (i = 0; i < DEPTH; i++)
		free(pairs[i].buffer);
}

int main(int argc, char **argv)
{
	struct stat stat;
	int ret;

	if (argc != 3) {
		fprintf(stderr, "usage: %s SRC DST\n", argv[0]);
		return 2;
	}
	from = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (from < 0 || fstat(from, &stat) < 0)
		fail(argv[1], -errno);
	to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (to < 0)
		fail(argv[2], -errno);
	ret = io_uring_queue_init(2 * DEPTH, &ring, 0);
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	copy((__u64)stat.st_size);
	io_uring_queue_exit(&ring);
	if (close(to) < 0)
		fail(argv[2], -errno);
	return 0;
}
