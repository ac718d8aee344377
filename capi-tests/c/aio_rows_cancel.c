/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_cancel row by row: polls are taken back, everything else is not. */
#include "aio_rows.h"

#include <poll.h>

#include "slow_device.h"

static io_context_t ctx;
static int pipe_fd[2];
static struct io_event unused, events[16];
static struct timespec zero;

static void begin(void)
{
	ctx = setup(16);
	CHECK(pipe(pipe_fd) == 0);
	memset(&unused, 0x55, sizeof(unused));
}

static void start_poll(struct iocb *iocb, uintptr_t data)
{
	io_prep_poll(iocb, pipe_fd[0], POLLIN);
	iocb->data = (void *)data;
	CHECK_EQ(submit_one(ctx, iocb), 1);
}

static const char *cancel(struct iocb *iocb)
{
	return name_of(io_cancel(ctx, iocb, &unused));
}

/* What comes within the time that any event takes: "0 with data 5". */
static const char *next_event(const struct iocb *iocb)
{
	struct io_event event;
	struct timespec limit = {EVENT_SECONDS, 0};

	if (io_getevents(ctx, 1, 1, &event, &limit) != 1)
		return "no event";
	return text("%s with data %d%s%s", name_of((long)event.res), (int)(uintptr_t)event.data,
		    event.obj == iocb ? "" : " of another iocb", event.res2 ? " and res2" : "");
}

static void C01(void)
{
	struct iocb iocb;
	char *edge;

	begin();
	start_poll(&iocb, 0);
	edge = pages_before_hole(4096) + 4096;
	SAY_RESULT("no context, no iocb", io_cancel(NULL, NULL, &unused));
	SAY_RESULT("no iocb", io_cancel(ctx, NULL, &unused));
	SAY_RESULT("iocb in the kernel", io_cancel(ctx, (struct iocb *)(void *)KERNEL_ADDRESS, &unused));
	SAY_RESULT("iocb in a hole", io_cancel(ctx, (struct iocb *)(void *)edge, &unused));
	SAY_RESULT("iocb at -1", io_cancel(ctx, (struct iocb *)-1, &unused));
	SAY_RESULT("context in the kernel, no iocb", io_cancel((io_context_t)(void *)KERNEL_ADDRESS, NULL, &unused));
	SAY_RESULT("8 bytes of the iocb before a hole", io_cancel(ctx, (struct iocb *)(void *)(edge - 8), &unused));
	SAY_RESULT("12 bytes of the iocb before a hole", io_cancel(ctx, (struct iocb *)(void *)(edge - 12), &unused));
	SAY("the poll that waits", "%s", cancel(&iocb));
}

static void C02(void)
{
	io_context_t bad[] = {NULL, (io_context_t)-1, (io_context_t)pages(4096)}, gone;
	static const char *const names[] = {"no context", "-1", "page of zeroes"};
	struct iocb iocb;
	size_t i;

	begin();
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	for (i = 0; i < COUNT_OF(bad); i++) {
		iocb.key = 0;
		SAY_RESULT(text("%s", names[i]), io_cancel(bad[i], &iocb, &unused));
		iocb.key = 1;
		SAY_RESULT(text("%s, key 1", names[i]), io_cancel(bad[i], &iocb, &unused));
	}
	gone = setup(4);
	CHECK_EQ(io_destroy(gone), 0);
	iocb.key = 0;
	SAY_RESULT("destroyed", io_cancel(gone, &iocb, &unused));
	SAY_RESULT("in a hole", io_cancel((io_context_t)(void *)hole(), &iocb, &unused));
	start_poll(&iocb, 5);
	gone = setup(4);
	SAY_RESULT("another context", io_cancel(gone, &iocb, &unused));
	SAY("its own", "%s", cancel(&iocb));
	SAY("its event", "%s", next_event(&iocb));
}

static void C03(void)
{
	struct iocb iocb;
	struct io_event event;

	begin();
	start_poll(&iocb, 5);
	SAY_RESULT("no place for a result", io_cancel(ctx, &iocb, NULL));
	SAY("its event", "%s", next_event(&iocb));
	start_poll(&iocb, 6);
	memset(&event, 0x55, sizeof(event));
	SAY_RESULT("a place", io_cancel(ctx, &iocb, &event));
	SAY("is", "%s", memchr(&event, 0x55, sizeof(event)) == &event ? "not written" : "written");
	SAY("the event then", "%s", next_event(&iocb));
	start_poll(&iocb, 7);
	SAY_RESULT("a place in a hole", io_cancel(ctx, &iocb, (struct io_event *)(void *)hole()));
	SAY("and its event", "%s", next_event(&iocb));
	SAY("left", "%d", ready(ctx));
}

static void C04(void)
{
	struct iocb iocb;

	begin();
	start_poll(&iocb, 5);
	SAY("pending", "%s", cancel(&iocb));
	SAY("again", "%s", cancel(&iocb));
	SAY("its event", "%s", next_event(&iocb));
	SAY("and once more", "%s", cancel(&iocb));
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	SAY("left when the pipe has data", "%d", ready(ctx));
	start_poll(&iocb, 6);
	SAY("true at once", "%s", cancel(&iocb));
	SAY("its event then", "%s", next_event(&iocb));
}

static void C05(void)
{
	struct iocb iocb;
	char byte;
	int round, good = 0;

	/* What has come true cannot be taken back, collected or not. */
	begin();
	for (round = 0; round < 100; round++) {
		struct io_event event;

		start_poll(&iocb, 5);
		CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
		good += io_cancel(ctx, &iocb, &unused) == -EINVAL;
		reap(ctx, 1, &event);
		good += event.res == (POLLIN | POLLRDNORM);
		CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	}
	SAY("true since a moment ago, refused and its bits told", "%d of 200", good);
	SAY("left", "%d", ready(ctx));
}

static void C06(void)
{
	struct iocb iocb, copy;

	begin();
	memset(&iocb, 0, sizeof(iocb));
	SAY("zeroes", "%s", cancel(&iocb));
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	SAY("never submitted", "%s", cancel(&iocb));
	start_poll(&iocb, 5);
	iocb.key = 1;
	SAY("key 1", "%s", cancel(&iocb));
	iocb.key = 0xffffffff;
	SAY("key -1", "%s", cancel(&iocb));
	iocb.key = 0;
	copy = iocb;
	SAY("a copy", "%s", cancel(&copy));
	/* The iocb belongs to the program again: only its address counts, and its key. */
	memset(&iocb, 0xff, sizeof(iocb));
	iocb.key = 0;
	SAY("key 0, the rest overwritten", "%s", cancel(&iocb));
	SAY("its event", "%s", next_event(&iocb));
}

static void C07(void)
{
	struct iocb iocb;

	begin();
	prepare_good(&iocb);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY("done, not collected", "%s", cancel(&iocb));
	reap(ctx, 1, events);
	SAY("collected", "%s", cancel(&iocb));
	io_prep_pread(&iocb, pipe_fd[0], events, 0, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY("a read of nothing", "%s", cancel(&iocb));
	reap(ctx, 1, events);
	io_prep_pread(&iocb, 9999, events, 1, 0);
	CHECK_EQ(submit_one(ctx, &iocb), -EBADF);
	SAY("refused", "%s", cancel(&iocb));
}

static void C08(void)
{
	int device = slow_device(1 << 20, 3), i, good = 0;
	char *memory = (char *)pages(4 * 4096);
	struct iovec vector[2] = {{memory, 4096}, {memory + 4096, 4096}};
	struct iocb iocb[4], *list[4];

	begin();
	slow_hold();
	io_prep_pread(&iocb[0], device, memory + 8192, 4096, 0);
	io_prep_preadv(&iocb[1], device, vector, 2, 8192);
	io_prep_pwrite(&iocb[2], device, memory + 12288, 4096, 65536);
	io_prep_pwritev(&iocb[3], device, vector, 1, 131072);
	for (i = 0; i < 4; i++)
		list[i] = &iocb[i];
	CHECK_EQ(io_submit(ctx, 4, list), 4);
	SAY("a read in flight", "%s", cancel(&iocb[0]));
	SAY("a vectored read", "%s", cancel(&iocb[1]));
	SAY("a write", "%s", cancel(&iocb[2]));
	SAY("a vectored write", "%s", cancel(&iocb[3]));
	SAY("ready", "%d", ready(ctx));
	slow_release();
	reap(ctx, 4, events);
	for (i = 0; i < 4; i++)
		good += events[i].res == (events[i].obj == &iocb[1] ? 8192 : 4096);
	SAY("events with all bytes", "%d of 4", good);
	CHECK_PATTERN(memory + 8192, 4096, 3, 0);
}

static void C09(void)
{
	int fd = temp_file(1 << 20, 4);
	struct iocb iocb;

	begin();
	io_prep_fsync(&iocb, fd);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY("fsync", "%s", cancel(&iocb));
	SAY("its event", "%s", next_event(&iocb));
	io_prep_fdsync(&iocb, fd);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY("fdsync", "%s", cancel(&iocb));
	SAY("its event then", "%s", next_event(&iocb));
}

static void *cancel_in_thread(void *argument)
{
	return (void *)(intptr_t)io_cancel(ctx, (struct iocb *)argument, &unused);
}

static void *submit_in_thread(void *argument)
{
	start_poll((struct iocb *)argument, 8);
	return NULL;
}

static void *wait_in_thread(void *argument)
{
	struct io_event event;

	return (void *)(intptr_t)(io_getevents(ctx, 1, 1, &event, NULL) == 1 && event.obj == argument ? 1 : 0);
}

static void C10(void)
{
	struct iocb iocb;
	pthread_t thread;
	void *result;

	begin();
	start_poll(&iocb, 7);
	SAY("by another thread", "%s", name_of((intptr_t)in_thread(cancel_in_thread, &iocb)));
	SAY("its event", "%s", next_event(&iocb));
	in_thread(submit_in_thread, &iocb);
	SAY("submitted by a thread that is gone", "%s", cancel(&iocb));
	SAY("its event then", "%s", next_event(&iocb));
	start_poll(&iocb, 9);
	CHECK_EQ(pthread_create(&thread, NULL, wait_in_thread, &iocb), 0);
	sleep_ms(50);
	SAY("while a thread waits for it", "%s", cancel(&iocb));
	CHECK_EQ(pthread_join(thread, &result), 0);
	SAY("the thread", "%s", result ? "got it" : "got something else");
}

static void C11(void)
{
	struct iocb iocb[8];
	int i, n;

	begin();
	for (i = 0; i < 8; i++)
		start_poll(&iocb[i], (uintptr_t)i);
	SAY("the last of eight", "%s", cancel(&iocb[7]));
	SAY("its event", "%s", next_event(&iocb[7]));
	SAY("the first", "%s", cancel(&iocb[0]));
	SAY("its event then", "%s", next_event(&iocb[0]));
	SAY("one in the middle", "%s", cancel(&iocb[4]));
	SAY("and its event", "%s", next_event(&iocb[4]));
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	n = io_getevents(ctx, 5, 16, events, &zero);
	SAY("the others, once there is data", "%d", n);
	CHECK_EQ(read(pipe_fd[0], events, 1), 1);
	/* One iocb, submitted twice. */
	start_poll(&iocb[0], 1);
	start_poll(&iocb[0], 2);
	SAY("one of two with the same iocb", "%s", cancel(&iocb[0]));
	SAY("which", "%s", next_event(&iocb[0]));
	SAY("the other", "%s", cancel(&iocb[0]));
	SAY("which then", "%s", next_event(&iocb[0]));
	SAY("a third", "%s", cancel(&iocb[0]));
}

static void C12(void)
{
	int event_fd = eventfd(0, 0);
	uint64_t count = 0;
	struct iocb iocb;
	struct pollfd readable = {event_fd, POLLIN, 0};

	begin();
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	iocb.data = (void *)5;
	io_set_eventfd(&iocb, event_fd);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY("with an eventfd", "%s", cancel(&iocb));
	SAY("which becomes", "%s", poll(&readable, 1, 5000) == 1 ? "readable" : "nothing");
	CHECK_EQ(read(event_fd, &count, 8), 8);
	SAY("its count", "%d", (int)count);
	SAY("events that are there then", "%d", ready(ctx));
	SAY("more counts", "%s", poll(&readable, 1, 20) == 1 ? "yes" : "no");
}

static void C13(void)
{
	struct iocb iocb[256];
	int i, n, cancelled = 0;
	long sum = 0;

	/* Cancelling gives the slots back once the events are collected. */
	begin();
	for (n = 0; n < 256; n++) {
		io_prep_poll(&iocb[n], pipe_fd[0], POLLIN);
		if (submit_one(ctx, &iocb[n]) != 1)
			break;
	}
	SAY("polls until it is full", "%s", n > 16 ? "more than asked for" : "too few");
	for (i = 0; i < n; i++)
		cancelled += io_cancel(ctx, &iocb[i], &unused) == -EINPROGRESS;
	SAY("all of them", "%s", cancelled == n ? "cancelled" : text("%d cancelled", cancelled));
	while (sum < n) {
		struct timespec limit = {EVENT_SECONDS, 0};
		int got = io_getevents(ctx, 1, 16, events, &limit);

		CHECK(got > 0);
		sum += got;
	}
	SAY("events", "%s", sum == n ? "one for each" : "another number");
	io_prep_poll(&iocb[0], pipe_fd[0], POLLIN);
	SAY_RESULT("a poll then", submit_one(ctx, &iocb[0]));
}

static const struct row rows[] = {
	{"C01", C01}, {"C02", C02}, {"C03", C03}, {"C04", C04}, {"C05", C05}, {"C06", C06}, {"C07", C07},
	{"C08", C08}, {"C09", C09}, {"C10", C10}, {"C11", C11}, {"C12", C12}, {"C13", C13},
};

ROWS_MAIN(rows, 8)
