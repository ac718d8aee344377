/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of buffer ring objects share. */
#ifndef BUFRING_CHECK_H
#define BUFRING_CHECK_H

#include <aiouring.h>
#include <dirent.h>
#include <sys/socket.h>

#include "uring_check.h"

/* An object with memory of its own, attached. */
MAYBE_UNUSED static struct aiouring_bufring *bufring(struct io_uring *ring, unsigned nr, unsigned size, int bgid,
						     unsigned flags)
{
	struct aiouring_bufring *br = NULL;

	CHECK_EQ(aiouring_bufring_create(&br, nr, size, bgid, flags, NULL), 0);
	CHECK(br != NULL);
	CHECK_EQ(aiouring_bufring_group(br), bgid);
	CHECK_EQ(aiouring_bufring_attach(br, ring), 0);
	return br;
}

MAYBE_UNUSED static struct aiouring_bufring_info info(const struct aiouring_bufring *br)
{
	struct aiouring_bufring_info info;

	CHECK_EQ(aiouring_bufring_stats(br, &info, sizeof(info)), 0);
	return info;
}

/* How many descriptors are open. */
MAYBE_UNUSED static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Two connected sockets that take up to a megabyte without a reader. */
MAYBE_UNUSED static void sockets(int fd[2])
{
	int size = 1 << 20;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK(setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
}

/* Queues what a kernel without buffer rings needs, and submits. */
MAYBE_UNUSED static void submit(struct io_uring *ring, struct aiouring_bufring *br)
{
	CHECK_GE(aiouring_bufring_flush(br), 0);
	CHECK_GE(io_uring_submit(ring), 0);
}

/* A request that receives once. */
MAYBE_UNUSED static void receive_once(struct io_uring *ring, struct aiouring_bufring *br, int fd, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	CHECK_GE(aiouring_bufring_flush(br), 0);
	sqe = next(ring);
	io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	io_uring_sqe_set_data64(sqe, user_data);
	submit(ring, br);
}

/* A request that receives again and again. */
MAYBE_UNUSED static void receive_again(struct io_uring *ring, struct aiouring_bufring *br, int fd, __u64 user_data)
{
	struct io_uring_sqe *sqe;

	CHECK_GE(aiouring_bufring_flush(br), 0);
	sqe = next(ring);
	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	io_uring_sqe_set_data64(sqe, user_data);
	submit(ring, br);
}

/* Enters a copy of a completion. */
MAYBE_UNUSED static int taken(struct aiouring_bufring *br, const struct completion *done,
			      struct aiouring_bufring_walk *walk)
{
	struct io_uring_cqe cqe;

	memset(&cqe, 0, sizeof(cqe));
	cqe.user_data = done->user_data;
	cqe.res = done->res;
	cqe.flags = done->flags;
	return aiouring_bufring_take(br, &cqe, walk);
}

#endif
