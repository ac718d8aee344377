/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program may move its view of the ring by mremap: the context has another handle then. */
// except: caller,sqpoll (events appear in calls only)
#include "aio_check.h"

#include <poll.h>

static int fd;
static char buf[4][4096] __attribute__((aligned(4096)));

static size_t ring_bytes(io_context_t ctx)
{
	return sizeof(struct ring_header) + ring_of(ctx)->nr * sizeof(struct io_event);
}

static io_context_t move(io_context_t ctx)
{
	size_t bytes = ring_bytes(ctx);
	void *to = pages(bytes);

	CHECK(mremap(ctx, bytes, bytes, MREMAP_FIXED | MREMAP_MAYMOVE, to) == to);
	return (io_context_t)to;
}

static void submit(io_context_t ctx, struct iocb *iocb)
{
	memset(buf, 0, sizeof(buf));
	io_prep_pread(iocb, fd, buf[0], 4096, 4096);
	CHECK_EQ(submit_one(ctx, iocb), 1);
}

static void *destroy_soon(void *ctx)
{
	sleep_ms(50);
	CHECK_EQ(io_destroy((io_context_t)ctx), 0);
	return NULL;
}

int main(void)
{
	io_context_t first = setup(8), second = setup(8), old, copy;
	struct iocb iocb, poll_iocb, *list = &iocb;
	struct io_event event;
	pthread_t thread;
	int pipe_fd[2], i;

	fd = temp_file(sizeof(buf), 7);
	fd = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK(pipe(pipe_fd) == 0);

	/* Idle; again and again; with something in flight; with an event that waits. */
	for (i = 0; i < 3; i++) {
		old = first;
		first = move(first);
		CHECK(first != old);
		EVENT_IS(first, (io_prep_pread(&iocb, fd, buf[0], 4096, 4096), &iocb), 4096);
		CHECK_PATTERN(buf[0], 4096, 7, 4096);
		CHECK_EQ(io_submit(old, 1, &list), -EINVAL);
		CHECK_EQ(io_destroy(old), -EINVAL);
	}
	submit(first, &iocb);
	first = move(first);
	reap(first, 1, &event);
	CHECK(event.obj == &iocb && event.res == 4096);
	CHECK_PATTERN(buf[0], 4096, 7, 4096);
	submit(first, &iocb);
	sleep_ms(50);
	first = move(first);
	reap(first, 1, &event);
	CHECK(event.obj == &iocb);

	/* The events come where the program sees the ring. */
	submit(first, &iocb);
	first = move(first);
	for (i = 0; i < 1000 && ring_load(&ring_of(first)->head) == ring_load(&ring_of(first)->tail); i++)
		sleep_ms(1);
	CHECK(ring_of(first)->events[ring_of(first)->head].obj == &iocb);
	ring_of(first)->head++;
	CHECK_EQ(ready(first), 0);

	/* A poll of before is cancelled by the handle of after. */
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(first, &poll_iocb), 1);
	first = move(first);
	CHECK_EQ(io_cancel(first, &poll_iocb, &event), -EINPROGRESS);
	reap(first, 1, &event);
	CHECK(event.obj == &poll_iocb && event.res == 0);

	/* What was moved away left room: the next ring may be there, and is another. */
	old = setup(8);
	EVENT_IS(old, (io_prep_pread(&iocb, fd, buf[0], 4096, 0), &iocb), 4096);
	CHECK_EQ(ready(first), 0);
	CHECK_EQ(io_destroy(old), 0);

	/* A copy of a ring is none. */
	copy = (io_context_t)pages(ring_bytes(second));
	memcpy((void *)copy, (void *)second, ring_bytes(second));
	CHECK_EQ(io_submit(copy, 1, &list), -EINVAL);
	CHECK_EQ(io_destroy(copy), -EINVAL);
	EVENT_IS(second, (io_prep_pread(&iocb, fd, buf[0], 4096, 0), &iocb), 4096);

	/* Moved and destroyed, by this thread and by another, while this one waits. */
	second = move(second);
	CHECK_EQ(io_destroy(second), 0);
	first = move(first);
	CHECK_EQ(pthread_create(&thread, NULL, destroy_soon, (void *)first), 0);
	CHECK_EQ(io_getevents(first, 1, 1, &event, NULL), -EINVAL);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(io_destroy(first), -EINVAL);
	return 0;
}
