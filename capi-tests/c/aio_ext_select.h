/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of reads with a buffer of a ring share. */
#ifndef AIO_EXT_SELECT_H
#define AIO_EXT_SELECT_H

#include <aiouring.h>
#include <sys/socket.h>

#include "aio_check.h"

/* A context with a ring of so many buffers; the test is skipped where the kernel has none. */
MAYBE_UNUSED static io_context_t setup_bound(int nr, struct aiouring_bufring **br, unsigned buffers, unsigned size,
					     unsigned flags)
{
	io_context_t ctx = setup(nr);
	int bound;

	CHECK_EQ(aiouring_bufring_create(br, buffers, size, 7, flags, NULL), 0);
	bound = aiouring_bufring_bind(*br, ctx);
	if (bound == -EOPNOTSUPP)
		SKIP("no buffer rings for contexts here");
	CHECK_EQ(bound, 0);
	return ctx;
}

/* Takes the data of an event: how much; it goes to `out`, and its buffer back. */
MAYBE_UNUSED static long take(struct aiouring_bufring *br, const struct io_event *event, char *out)
{
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	int spans = aiouring_bufring_take_event(br, event, &walk);
	long len = 0;

	CHECK_EQ(spans, (long)event->res > 0 ? 1 : 0);
	CHECK_EQ(aiouring_event_buffer(event) >= 0, (event->res2 & AIOURING_EVENT_BUFFER) != 0);
	while (aiouring_bufring_next(&walk, &span) == 1) {
		CHECK_EQ(span.id & 0xffff, (unsigned)aiouring_event_buffer(event));
		if (out)
			memcpy(out + len, span.base, span.len);
		len += (long)span.len;
		CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	}
	CHECK_EQ(len, (long)event->res > 0 ? (long)event->res : 0);
	return len;
}

/* Submits a read of up to `nbytes`. */
MAYBE_UNUSED static void submit_select(io_context_t ctx, struct iocb *iocb, int fd, size_t nbytes)
{
	aiouring_prep_pread_select(iocb, fd, nbytes, 0);
	iocb->data = iocb;
	CHECK_EQ(submit_one(ctx, iocb), 1);
}

/* The next event is this request's, with this result; its data is taken and has to be `text`, if that is given. */
MAYBE_UNUSED static void expect_select(io_context_t ctx, struct aiouring_bufring *br, const struct iocb *iocb, long res,
				       const char *text)
{
	struct io_event event;
	char data[4096];

	memset(&event, 0x55, sizeof(event));
	reap(ctx, 1, &event);
	CHECK_EQ((long)event.res, res);
	CHECK(event.obj == iocb && event.data == iocb->data);
	if (res < 0)
		CHECK_EQ(event.res2, 0);
	if (res > 0)
		CHECK(event.res2 & AIOURING_EVENT_BUFFER);
	take(br, &event, data);
	if (text)
		CHECK(res == (long)strlen(text) && memcmp(data, text, strlen(text)) == 0);
}

/* A pipe (0), a stream socket (1) or a FIFO (2): where to read and where to write. */
MAYBE_UNUSED static void make_stream(int kind, int fds[2])
{
	if (kind == 0) {
		CHECK(pipe(fds) == 0);
	} else if (kind == 1) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	} else {
		unlink("fifo");
		CHECK(mkfifo("fifo", 0600) == 0);
		fds[0] = open("fifo", O_RDWR);
		fds[1] = open("fifo", O_WRONLY);
		CHECK(fds[0] >= 0 && fds[1] >= 0);
		unlink("fifo");
	}
}

MAYBE_UNUSED static void put(int fd, const char *text)
{
	CHECK_EQ(write(fd, text, strlen(text)), (long)strlen(text));
}

#endif
