/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_getevents row by row: counts, times, addresses, who gets which event; io_queue_run and io_queue_wait. */
#include "aio_rows.h"

#include <limits.h>
#include <poll.h>

#include "slow_device.h"

extern int old_getevents(io_context_t ctx, long nr, struct io_event *events, const struct timespec *timeout);
extern int old_cancel(io_context_t ctx, struct iocb *iocb);
extern int old_queue_wait(io_context_t ctx, struct timespec *timeout);

__asm__(".symver old_getevents, io_getevents@LIBAIO_0.1");
__asm__(".symver old_cancel, io_cancel@LIBAIO_0.1");
__asm__(".symver old_queue_wait, io_queue_wait@LIBAIO_0.1");

static io_context_t ctx;
static struct io_event events[256];
static struct timespec zero, tenth = {0, 100000000}, second = {1, 0}, ten = {10, 0};
static int pipe_fd[2];

static struct iocb ready_iocb[256];

/* Makes events that are there when this returns, with data 0, 1, ... */
static void make_ready(int count)
{
	int i;

	for (i = 0; i < count; i++) {
		prepare_good(&ready_iocb[i]);
		ready_iocb[i].data = (void *)(uintptr_t)i;
		CHECK_EQ(submit_one(ctx, &ready_iocb[i]), 1);
	}
}

static void begin(void)
{
	ctx = setup(64);
	CHECK(pipe(pipe_fd) == 0);
}

static const char *get(long min, long nr, struct timespec *timeout)
{
	return name_of(io_getevents(ctx, min, nr, events, timeout));
}

/* The result of a call that ends at once, or does not. */
static const char *timed(long min, long nr, struct timespec *timeout, long limit)
{
	long start = now_ms();
	const char *result = get(min, nr, timeout);

	return text("%s %s", result, waited(start, limit));
}

static void G01(void)
{
	begin();
	SAY("min 2 of 1, empty", "%s", get(2, 1, NULL));
	SAY("min 2 of 1, empty, 0.1 s", "%s", get(2, 1, &tenth));
	SAY("min 1 of 0, empty", "%s", get(1, 0, NULL));
	SAY("min LONG_MAX of 1, empty", "%s", get(LONG_MAX, 1, NULL));
	make_ready(1);
	SAY("min 2 of 1, one ready", "%s", get(2, 1, NULL));
	SAY("min 2 of 1, one ready, 0.1 s", "%s", get(2, 1, &tenth));
	SAY("min 1 of 0, one ready", "%s", get(1, 0, NULL));
	make_ready(2);
	SAY("min 2 of 1, three ready", "%s", get(2, 1, NULL));
	SAY("left", "%d", ready(ctx));
}

static void G02(void)
{
	begin();
	SAY("min 2 of 1, empty", "%s", get(2, 1, &zero));
	SAY("min -1 of -1, empty", "%s", get(-1, -1, &zero));
	SAY("min 1 of -1, empty", "%s", get(1, -1, &zero));
	make_ready(1);
	SAY("min 2 of 1, one ready", "%s", get(2, 1, &zero));
	SAY("min -1 of 1, one ready", "%s", get(-1, 1, &zero));
	SAY("min 0 of -1, one ready", "%s", get(0, -1, &zero));
	SAY("min 1 of 1, one ready", "%s", get(1, 1, &zero));
	SAY("min 2 of 1 when it was taken", "%s", get(2, 1, &zero));
}

static void G03(void)
{
	begin();
	make_ready(1);
	SAY("min -1 of 1", "%s", get(-1, 1, NULL));
	SAY("min 0 of -1", "%s", get(0, -1, NULL));
	SAY("min -2 of -1", "%s", get(-2, -1, NULL));
	SAY("min -1 of 1, 1 s", "%s", get(-1, 1, &second));
	SAY("min LONG_MIN of 1", "%s", get(LONG_MIN, 1, NULL));
	SAY("min LONG_MIN of LONG_MIN", "%s", get(LONG_MIN, LONG_MIN, NULL));
	SAY("min 0 of LONG_MIN", "%s", get(0, LONG_MIN, NULL));
	SAY("left", "%d", ready(ctx));
}

static void G04(void)
{
	begin();
	SAY_RESULT("none of none, no array, empty", io_getevents(ctx, 0, 0, NULL, NULL));
	SAY_RESULT("none of none, a kernel array, empty", io_getevents(ctx, 0, 0, (void *)KERNEL_ADDRESS, &second));
	make_ready(2);
	SAY_RESULT("none of none, no array, two ready", io_getevents(ctx, 0, 0, NULL, NULL));
	SAY_RESULT("none of none, no array, two ready, zero time", io_getevents(ctx, 0, 0, NULL, &zero));
	SAY("left", "%d", ready(ctx));
}

static void G05(void)
{
	begin();
	SAY("min 0 of 4, no timeout", "%s", timed(0, 4, NULL, 5000));
	SAY("min 0 of 4, 10 s", "%s", timed(0, 4, &ten, 5000));
	SAY("min 0 of LONG_MAX, 10 s", "%s", timed(0, LONG_MAX, &ten, 5000));
}

static void G06(void)
{
	begin();
	make_ready(2);
	SAY("min 0 of 4, two ready", "%s", get(0, 4, NULL));
	make_ready(2);
	SAY("min 0 of 1, two ready", "%s", get(0, 1, &second));
	SAY("the rest with zero time", "%s", get(0, 4, &zero));
	SAY("and then", "%s", get(0, 4, &zero));
}

static void G07(void)
{
	int i;

	begin();
	make_ready(3);
	for (i = 0; i < 3; i++) {
		int n = io_getevents(ctx, 1, 1, events, NULL);

		SAY(text("call %d", i), "%d, data %d, %s", n, (int)(uintptr_t)events[0].data,
		    events[0].obj == &ready_iocb[i] ? "its iocb" : "another iocb");
	}
	SAY("and then", "%s", get(1, 1, &zero));
	make_ready(64);
	SAY("64 ready", "%s", get(64, 64, NULL));
	for (i = 0; i < 64 && events[i].data == (void *)(uintptr_t)i; i++)
		;
	SAY("in order", "%d", i);
}

static void G08(void)
{
	begin();
	make_ready(5);
	SAY("min 1 of 10, five ready", "%s", get(1, 10, NULL));
	make_ready(5);
	SAY("min 3 of 4, five ready", "%s", get(3, 4, NULL));
	SAY("min 1 of 4, one left", "%s", get(1, 4, NULL));
	make_ready(100);
	SAY("min 1 of 256, a hundred ready", "%s", get(1, 256, NULL));
}

static void G09(void)
{
	begin();
	make_ready(2);
	SAY("min 3 of 10, two ready, 0.1 s", "%s", timed(3, 10, &tenth, 100));
	make_ready(2);
	SAY("min 3 of 3, two ready, 0.1 s", "%s", timed(3, 3, &tenth, 100));
	SAY("left", "%d", ready(ctx));
}

static void G11(void)
{
	struct timespec time = {0, 300000000}, tiny = {0, 1};

	begin();
	SAY("nothing for 0.3 s", "%s", timed(1, 1, &time, 300));
	SAY("the timeout", "%ld.%09ld", (long)time.tv_sec, time.tv_nsec);
	SAY("nothing for 1 ns", "%s", timed(1, 1, &tiny, 5000));
	SAY("min 4 of 8, nothing for 0.1 s", "%s", timed(4, 8, &tenth, 100));
}

static void *submit_later(void *argument)
{
	sleep_ms((long)(intptr_t)argument);
	make_ready(1);
	return NULL;
}

/* A wait that an event 0.2 s later ends. */
static const char *until_event(struct timespec *time)
{
	long start = now_ms();
	pthread_t thread;
	const char *result;

	CHECK_EQ(pthread_create(&thread, NULL, submit_later, (void *)200), 0);
	result = get(1, 1, time);
	result = text("%s %s", result, waited(start, 195));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	return result;
}

static void G12(void)
{
	struct timespec times[] = {{-1, 0}, {-1, 999999999}, {0, -1}, {-100, 5}, {LONG_MIN, 0}};
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(times); i++)
		SAY(text("{%s, %ld}", times[i].tv_sec == LONG_MIN ? "LONG_MIN" : text("%ld", (long)times[i].tv_sec),
			 times[i].tv_nsec),
		    "%s", until_event(&times[i]));
}

static volatile sig_atomic_t handled;

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void handle(int signo, int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	CHECK(sigaction(signo, &action, NULL) == 0);
	handled = 0;
}

static void G12b(void)
{
	struct timespec times[] = {{0, -1}, {-1, 999999999}, {-1, 0}};
	size_t i;

	begin();
	handle(SIGALRM, 0);
	for (i = 0; i < COUNT_OF(times); i++) {
		long start = now_ms();
		const char *result;

		alarm(1);
		result = get(1, 1, &times[i]);
		SAY(text("{%ld, %ld}, an alarm after 1 s", (long)times[i].tv_sec, times[i].tv_nsec), "%s %s", result,
		    waited(start, 1000));
	}
}

static void G12c(void)
{
	struct timespec more = {0, 1300000000}, minus = {1, -700000000};

	begin();
	SAY("1300000000 ns", "%s", timed(1, 1, &more, 1300));
	SAY("1 s and -700000000 ns", "%s", timed(1, 1, &minus, 300));
}

static void G14(void)
{
	struct timespec times[] = {{LONG_MAX, 0}, {LONG_MAX, 999999999}, {LONG_MAX / 2, 0}, {9223372036, 854775807}};
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(times); i++)
		SAY(text("a timeout without end, %d", (int)i), "%s", until_event(&times[i]));
}

static void G15(void)
{
	struct timespec minus = {-1, 0}, tiny_minus = {0, -1};

	begin();
	make_ready(2);
	SAY("{-1, 0}, ready", "%s", get(1, 1, &minus));
	SAY("{0, -1}, ready", "%s", get(1, 1, &tiny_minus));
	SAY("{-1, 0}, min 0, empty", "%s", get(0, 1, &minus));
}

static void G16(void)
{
	begin();
	make_ready(1);
	SAY("min 2 of 2, one ready, zero time", "%s", get(2, 2, &zero));
	make_ready(3);
	SAY("min 5 of 5, three ready, zero time", "%s", get(5, 5, &zero));
	SAY("left", "%d", ready(ctx));
}

static void G17(void)
{
	struct io_event *edge;

	begin();
	make_ready(3);
	/* Nothing is mapped from here on that would fit. */
	edge = (struct io_event *)(void *)(pages_before_hole(4096) + 4096);
	SAY_RESULT("no array", io_getevents(ctx, 1, 1, NULL, NULL));
	SAY_RESULT("no array, zero time", io_getevents(ctx, 1, 1, NULL, &zero));
	SAY_RESULT("array in a hole", io_getevents(ctx, 1, 1, edge, NULL));
	SAY_RESULT("array in the kernel", io_getevents(ctx, 1, 1, (void *)KERNEL_ADDRESS, NULL));
	SAY_RESULT("array at -1", io_getevents(ctx, 1, 1, (void *)-1, NULL));
	SAY_RESULT("array that cannot be written",
		   io_getevents(ctx, 1, 1, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), NULL));
	SAY_RESULT("half an event before a hole", io_getevents(ctx, 1, 1, (void *)((char *)edge - 16), NULL));
	SAY_RESULT("one of two before a hole, min 2", io_getevents(ctx, 2, 2, edge - 1, NULL));
	SAY_RESULT("one before a hole", io_getevents(ctx, 1, 1, edge - 1, NULL));
	SAY("left", "%d", ready(ctx));
}

static void G19(void)
{
	begin();
	SAY_RESULT("no array, empty, 0.1 s", io_getevents(ctx, 1, 1, NULL, &tenth));
	SAY_RESULT("no array, empty, zero time", io_getevents(ctx, 1, 1, NULL, &zero));
	SAY_RESULT("no array, empty, min 0", io_getevents(ctx, 0, 1, NULL, NULL));
}

static const char *call_with_bad_timeout(void *timeout)
{
	return get(1, 1, (struct timespec *)timeout);
}

static const char *call_on(void *handle)
{
	return name_of(io_getevents((io_context_t)handle, 1, 1, events, NULL));
}

static const char *call_on_zero_time(void *handle)
{
	return name_of(io_getevents((io_context_t)handle, 1, 1, events, &zero));
}

static void G20(void)
{
	begin();
	SAY("in a hole", "%s", outcome_of_child(call_with_bad_timeout, hole()));
	SAY("in the kernel", "%s", outcome_of_child(call_with_bad_timeout, KERNEL_ADDRESS));
	SAY("1", "%s", outcome_of_child(call_with_bad_timeout, (void *)1));
}

static void G21(void)
{
	begin();
	SAY_RESULT("no context, no timeout", io_getevents(NULL, 1, 1, events, NULL));
	SAY_RESULT("no context, 1 s", io_getevents(NULL, 1, 1, events, &second));
	SAY_RESULT("no context, zero time", io_getevents(NULL, 1, 1, events, &zero));
	SAY_RESULT("no context, bad timeout", io_getevents(NULL, 1, 1, events, (void *)hole()));
	SAY_RESULT("no context, timeout in the kernel", io_getevents(NULL, 1, 1, events, (void *)KERNEL_ADDRESS));
	SAY_RESULT("no context, no array", io_getevents(NULL, 1, 1, NULL, NULL));
}

static void G22(void)
{
	begin();
	SAY("-1", "%s", outcome_of_child(call_on, (void *)-1));
	SAY("-1, zero time", "%s", outcome_of_child(call_on_zero_time, (void *)-1));
	SAY("in the kernel", "%s", outcome_of_child(call_on, KERNEL_ADDRESS));
	SAY("1", "%s", outcome_of_child(call_on, (void *)1));
}

static void G23(void)
{
	begin();
	CHECK_EQ(io_destroy(ctx), 0);
	SAY("destroyed", "%s", outcome_of_child(call_on, ctx));
	SAY("destroyed, zero time", "%s", outcome_of_child(call_on_zero_time, ctx));
}

static void G24(void)
{
	char *page = (char *)pages(4096), *ring = (char *)pages(4096);

	begin();
	SAY_RESULT("page of zeroes", io_getevents((io_context_t)page, 1, 1, events, NULL));
	SAY_RESULT("page of zeroes, zero time", io_getevents((io_context_t)page, 1, 1, events, &zero));
	SAY_RESULT("page of zeroes, min 0 of 0", io_getevents((io_context_t)page, 0, 0, NULL, NULL));
	memcpy(ring, ctx, 4096);
	SAY_RESULT("copy of a ring", io_getevents((io_context_t)ring, 1, 1, events, NULL));
	SAY_RESULT("copy of an empty ring, zero time", io_getevents((io_context_t)ring, 1, 1, events, &zero));
	SAY_RESULT("within a ring", io_getevents((io_context_t)((char *)ctx + 64), 1, 1, events, NULL));
}

static void G25(void)
{
	begin();
	SAY_RESULT("no context, min 2 of 1", io_getevents(NULL, 2, 1, events, NULL));
	SAY_RESULT("no context, min -1", io_getevents(NULL, -1, 1, events, NULL));
	make_ready(3);
	SAY("min 1 of LONG_MAX, three ready", "%s", get(1, LONG_MAX, NULL));
	make_ready(3);
	SAY("min 3 of INT_MAX + 1, three ready", "%s", get(3, INT_MAX + 1l, NULL));
}

static void G34(void)
{
	begin();
	errno = 1234;
	io_getevents(ctx, 2, 1, events, NULL);
	SAY("EINVAL", "errno is %s", errno == 1234 ? "untouched" : "set");
	make_ready(1);
	errno = 1234;
	io_getevents(ctx, 1, 1, NULL, NULL);
	SAY("EFAULT", "errno is %s", errno == 1234 ? "untouched" : "set");
	errno = 1234;
	io_getevents(ctx, 1, 1, events, NULL);
	SAY("one event", "errno is %s", errno == 1234 ? "untouched" : "set");
	errno = 1234;
	io_getevents(ctx, 1, 1, events, &tenth);
	SAY("nothing", "errno is %s", errno == 1234 ? "untouched" : "set");
	handle(SIGALRM, 0);
	alarm(1);
	errno = 1234;
	SAY("EINTR", "%s", get(1, 1, NULL));
	SAY("and then", "errno is %s", errno == 1234 ? "untouched" : "set");
}

struct waiter {
	pthread_t thread;
	long min, nr;
	struct timespec *timeout;
	struct io_event events[16];
	long result, start;
};

static void *wait_in_thread(void *argument)
{
	struct waiter *waiter = (struct waiter *)argument;

	waiter->start = now_ms();
	waiter->result = io_getevents(ctx, waiter->min, waiter->nr, waiter->events, waiter->timeout);
	return NULL;
}

static void start_waiter(struct waiter *waiter, long min, long nr, struct timespec *timeout)
{
	*waiter = (struct waiter){.min = min, .nr = nr, .timeout = timeout};
	CHECK_EQ(pthread_create(&waiter->thread, NULL, wait_in_thread, waiter), 0);
}

static long join_waiter(struct waiter *waiter)
{
	CHECK_EQ(pthread_join(waiter->thread, NULL), 0);
	return waiter->result;
}

static void G35(void)
{
	struct waiter waiter[8];
	struct iocb *list[8];
	struct timespec time = {1, 0};
	int i, seen[8], wrong = 0;
	long sum = 0;

	begin();
	for (i = 0; i < 3; i++)
		start_waiter(&waiter[i], 1, 8, &time);
	sleep_ms(100);
	for (i = 0; i < 3; i++) {
		prepare_good(&ready_iocb[i]);
		list[i] = &ready_iocb[i];
	}
	CHECK_EQ(io_submit(ctx, 3, list), 3);
	for (i = 0; i < 3; i++)
		sum += join_waiter(&waiter[i]);
	SAY("three wait for one each, three events", "%ld in all", sum);
	/* One event for each, one after the other. */
	for (i = 0; i < 8; i++)
		start_waiter(&waiter[i], 1, 1, &ten);
	sleep_ms(50);
	for (i = 0; i < 8; i++) {
		prepare_good(&ready_iocb[i]);
		ready_iocb[i].data = (void *)(uintptr_t)i;
		CHECK_EQ(submit_one(ctx, &ready_iocb[i]), 1);
	}
	memset(seen, 0, sizeof(seen));
	for (sum = 0, i = 0; i < 8; i++) {
		sum += join_waiter(&waiter[i]);
		if (waiter[i].result == 1)
			seen[(uintptr_t)waiter[i].events[0].data % 8]++;
	}
	for (i = 0; i < 8; i++)
		wrong += seen[i] != 1;
	SAY("eight wait for one each, eight events", "%ld in all, %d lost or doubled", sum, wrong);
	/* Polls end by themselves, with nobody in io_submit. */
	for (i = 0; i < 4; i++) {
		io_prep_poll(&ready_iocb[i], pipe_fd[0], POLLIN);
		CHECK_EQ(submit_one(ctx, &ready_iocb[i]), 1);
		start_waiter(&waiter[i], 1, 1, &ten);
	}
	sleep_ms(50);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	for (sum = 0, i = 0; i < 4; i++)
		sum += join_waiter(&waiter[i]);
	SAY("four wait for one each, four polls end", "%ld in all", sum);
}

static void G36(void)
{
	struct waiter waiter[2];
	struct timespec half = {0, 500000000};

	begin();
	start_waiter(&waiter[0], 3, 8, &half);
	sleep_ms(100);
	make_ready(1);
	SAY("the one that wants one", "%s", get(1, 1, &second));
	SAY("the one that wants three", "%s", name_of(join_waiter(&waiter[0])));
	SAY("its wait", "%s", waited(waiter[0].start, 500));
	/* And now three. */
	start_waiter(&waiter[0], 3, 8, &ten);
	sleep_ms(50);
	make_ready(3);
	SAY("three come", "%s", name_of(join_waiter(&waiter[0])));
	start_waiter(&waiter[0], 3, 8, &ten);
	sleep_ms(50);
	make_ready(1);
	sleep_ms(20);
	make_ready(1);
	sleep_ms(20);
	make_ready(1);
	SAY("three come one by one", "%s", name_of(join_waiter(&waiter[0])));
	start_waiter(&waiter[0], 2, 2, &ten);
	start_waiter(&waiter[1], 2, 2, &ten);
	sleep_ms(50);
	make_ready(2);
	sleep_ms(20);
	make_ready(2);
	SAY("two want two", "%ld", join_waiter(&waiter[0]) + join_waiter(&waiter[1]));
	SAY("left", "%d", ready(ctx));
}

static void G37(void)
{
	begin();
	SAY("submitted by another thread", "%s", until_event(NULL));
	SAY("with a timeout of 10 s", "%s", until_event(&ten));
}

static void G38(void)
{
	int device = slow_device(1 << 20, 3);
	struct iocb slow, poll_iocb;
	char *memory = (char *)pages(4096);
	struct timespec time = {5, 0};
	int n;

	begin();
	slow_hold();
	io_prep_pread(&slow, device, memory, 4096, 0);
	slow.data = (void *)100;
	CHECK_EQ(submit_one(ctx, &slow), 1);
	make_ready(1);
	n = io_getevents(ctx, 1, 2, events, &time);
	SAY("a slow read, then a cached one", "%d, data %d", n, (int)(uintptr_t)events[0].data);
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	n = io_getevents(ctx, 1, 2, events, &time);
	SAY("then a poll", "%d, %s", n, events[0].obj == &poll_iocb ? "the poll" : "another");
	SAY("nothing more for 0.1 s", "%s", get(1, 2, &tenth));
	slow_release();
	n = io_getevents(ctx, 1, 2, events, &time);
	SAY("and the slow read", "%d, data %d, %s", n, (int)(uintptr_t)events[0].data, name_of((long)events[0].res));
}

static void G40(void)
{
	struct timespec time = {0, 200000000};

	begin();
	SAY_RESULT("empty, no timeout", io_queue_wait(ctx, NULL));
	SAY_RESULT("empty, 0.2 s", io_queue_wait(ctx, &time));
	SAY_RESULT("empty, zero time", io_queue_wait(ctx, &zero));
	make_ready(1);
	SAY_RESULT("one ready, no timeout", io_queue_wait(ctx, NULL));
	SAY_RESULT("one ready, 10 s", io_queue_wait(ctx, &ten));
	SAY_RESULT("no context", io_queue_wait(NULL, NULL));
	SAY("left", "%d", ready(ctx));
}

static int callbacks;
static const char *callback_said = "";

static void callback(io_context_t context, struct iocb *iocb, long res, long res2)
{
	callbacks++;
	callback_said = text("%s%s(%s, %s, %s, %ld)", callback_said, callback_said[0] ? " " : "",
			     context == ctx ? "ctx" : "wrong", iocb == &ready_iocb[callbacks - 1] ? "iocb" : "wrong",
			     name_of(res), res2);
}

static void again(io_context_t context, struct iocb *iocb, long res, long res2)
{
	(void)res;
	(void)res2;
	if (++callbacks < 5)
		CHECK_EQ(submit_one(context, iocb), 1);
}

static void G41(void)
{
	int i;

	begin();
	SAY_RESULT("empty", io_queue_run(ctx));
	for (i = 0; i < 3; i++) {
		prepare_good(&ready_iocb[i]);
		if (i == 1)
			ready_iocb[i].u.c.buf = hole();
		io_set_callback(&ready_iocb[i], callback);
		CHECK_EQ(submit_one(ctx, &ready_iocb[i]), 1);
	}
	SAY_RESULT("three ready", io_queue_run(ctx));
	SAY("callbacks", "%d", callbacks);
	SAY("with", "%s", callback_said);
	SAY_RESULT("and again", io_queue_run(ctx));
	callbacks = 0;
	io_set_callback(&ready_iocb[0], again);
	CHECK_EQ(submit_one(ctx, &ready_iocb[0]), 1);
	SAY_RESULT("a callback that submits", io_queue_run(ctx));
	SAY("its calls", "%d", callbacks);
	SAY_RESULT("no context", io_queue_run(NULL));
	SAY_RESULT("page of zeroes", io_queue_run((io_context_t)pages(4096)));
}

static void G42(void)
{
	struct timespec time = {0, 200000000};
	long start;
	int n;

	begin();
	make_ready(2);
	SAY_RESULT("two ready", old_getevents(ctx, 4, events, NULL));
	start = now_ms();
	n = old_getevents(ctx, 4, events, &time);
	SAY("empty, 0.2 s", "%s %s", name_of(n), waited(start, 200));
	SAY("the timeout", "%ld.%09ld", (long)time.tv_sec, time.tv_nsec);
	SAY_RESULT("empty, zero time", old_getevents(ctx, 4, events, &zero));
	SAY_RESULT("none wanted", old_getevents(ctx, 0, events, NULL));
	SAY_RESULT("-1 wanted", old_getevents(ctx, -1, events, NULL));
	make_ready(1);
	SAY_RESULT("no array, one ready", old_getevents(ctx, 1, NULL, NULL));
	SAY_RESULT("no context", old_getevents(NULL, 1, events, NULL));
	SAY("left", "%d", ready(ctx));
}

static void G43(void)
{
	struct timespec time = {0, 200000000};

	begin();
	SAY_RESULT("empty, no timeout", old_queue_wait(ctx, NULL));
	SAY_RESULT("empty, 0.2 s", old_queue_wait(ctx, &time));
	SAY("the timeout", "%ld.%09ld", (long)time.tv_sec, time.tv_nsec);
	make_ready(1);
	SAY_RESULT("one ready", old_queue_wait(ctx, NULL));
	SAY_RESULT("no context", old_queue_wait(NULL, NULL));
}

static void G44(void)
{
	struct iocb iocb, other;
	struct io_event event;

	begin();
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	io_prep_poll(&other, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY_RESULT("a pending poll", old_cancel(ctx, &iocb));
	reap(ctx, 1, &event);
	SAY("its event", "%s", event_text(&event, &iocb, iocb.data));
	SAY_RESULT("once more", old_cancel(ctx, &iocb));
	SAY_RESULT("never submitted", old_cancel(ctx, &other));
	SAY_RESULT("no iocb", old_cancel(ctx, NULL));
	SAY_RESULT("no context", old_cancel(NULL, &iocb));
}

static const struct row rows[] = {
	{"G01", G01}, {"G02", G02},   {"G03", G03},   {"G04", G04}, {"G05", G05}, {"G06", G06}, {"G07", G07},
	{"G08", G08}, {"G09", G09},   {"G11", G11},   {"G12", G12}, {"G12b", G12b}, {"G12c", G12c}, {"G14", G14},
	{"G15", G15}, {"G16", G16},   {"G17", G17},   {"G19", G19}, {"G20", G20}, {"G21", G21}, {"G22", G22},
	{"G23", G23}, {"G24", G24},   {"G25", G25},   {"G34", G34}, {"G35", G35}, {"G36", G36}, {"G37", G37},
	{"G38", G38}, {"G40", G40},   {"G41", G41},   {"G42", G42}, {"G43", G43}, {"G44", G44},
};

ROWS_MAIN(rows, 8)
