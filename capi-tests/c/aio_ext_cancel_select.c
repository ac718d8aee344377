/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel of reads that wait for data and a buffer: in the kernel, behind others of their stream, and while data
   comes. */
// except: caller, sqpoll (contexts of these have no buffer rings)
#include <poll.h>

#include "aio_ext_select.h"

enum { STREAMS = 4, EACH = 4, ALL_OF_THEM = STREAMS * EACH, BUFFERS = 8, SIZE = 256 };

#define ALL AIOURING_CANCEL_ALL
#define WAIT AIOURING_CANCEL_WAIT

static struct aiouring_bufring *br;
static io_context_t ctx;
static struct iocb iocb[ALL_OF_THEM];
static int ends[STREAMS][2];

/* Two pipes and two sockets. */
static void open_streams(void)
{
	int i;

	for (i = 0; i < STREAMS; i++) {
		if (i % 2) {
			CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]) == 0);
		} else {
			CHECK(pipe(ends[i]) == 0);
		}
	}
}

static void submit_all(void)
{
	int i;

	for (i = 0; i < ALL_OF_THEM; i++)
		submit_select(ctx, &iocb[i], ends[i % STREAMS][0], SIZE);
}

static void cancelled(int count)
{
	struct io_event events[ALL_OF_THEM];
	int i;

	CHECK_EQ(io_getevents(ctx, 0, ALL_OF_THEM, events, &(struct timespec){0, 0}), count);
	for (i = 0; i < count; i++) {
		CHECK_EQ((int64_t)events[i].res, -ECANCELED);
		CHECK_EQ(aiouring_event_buffer(&events[i]), -1);
	}
}

static void *write_to_all(void *unused)
{
	int i;

	for (i = 0; i < STREAMS; i++)
		CHECK_EQ(write(ends[i][1], "data", 4), 4);
	return unused;
}

/* Data comes at that very moment: it is in an event, or it stays in the stream. */
static void with_data(int round)
{
	struct io_event events[ALL_OF_THEM];
	int i, answer, gone = 0, left = 0;
	long got = 0;
	pthread_t writer;

	submit_all();
	CHECK_EQ(pthread_create(&writer, NULL, write_to_all, NULL), 0);
	for (i = round * 200; i > 0; i--)
		__asm__ volatile("" ::: "memory");
	answer = aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL);
	CHECK_EQ(pthread_join(writer, NULL), 0);
	CHECK_EQ(io_getevents(ctx, 0, ALL_OF_THEM, events, &(struct timespec){0, 0}), ALL_OF_THEM);
	for (i = 0; i < ALL_OF_THEM; i++) {
		if ((int64_t)events[i].res == -ECANCELED)
			gone++;
		else
			got += take(br, &events[i], NULL);
	}
	CHECK_LE(answer, gone);
	for (i = 0; i < STREAMS; i++) {
		struct pollfd entry = {ends[i][0], POLLIN, 0};
		char text[8];

		if (poll(&entry, 1, 0) == 1) {
			CHECK_EQ(read(ends[i][0], text, sizeof(text)), 4);
			left += 4;
		}
	}
	CHECK_EQ(got + left, STREAMS * 4);
}

int main(void)
{
	int round;

	open_streams();
	ctx = setup_bound(ALL_OF_THEM, &br, BUFFERS, SIZE, 0);
	submit_all();
	CHECK_PENDING(ctx);

	/* From the middle of a stream, and its first. */
	CHECK_EQ(aiouring_cancel(ctx, &iocb[STREAMS], -1, AIOURING_CANCEL_IOCB | WAIT, NULL), 1);
	cancelled(1);
	CHECK_EQ(aiouring_cancel(ctx, &iocb[0], -1, AIOURING_CANCEL_IOCB | WAIT, NULL), 1);
	cancelled(1);
	CHECK_EQ(aiouring_cancel(ctx, &iocb[0], -1, AIOURING_CANCEL_IOCB, NULL), -ENOENT);
	/* Those behind it have its turn. */
	CHECK_EQ(write(ends[0][1], "one", 3), 3);
	expect_select(ctx, br, &iocb[2 * STREAMS], 3, "one");
	/* A stream, and all others. */
	CHECK_EQ(aiouring_cancel(ctx, NULL, ends[1][0], AIOURING_CANCEL_FD | WAIT, NULL), EACH);
	cancelled(EACH);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), 1 + 2 * EACH);
	cancelled(1 + 2 * EACH);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), -ENOENT);

	for (round = 0; round < 60 * test_scale(); round++)
		with_data(round % 60);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	aiouring_bufring_destroy(br);
	return 0;
}
