/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_destroy row by row: what it waits for, what it cancels, whom it wakes, and what is no context. */
#include "aio_rows.h"

#include <poll.h>

#include "slow_device.h"

static io_context_t ctx;
static int pipe_fd[2], device;
static char *memory;
static struct iocb iocb;
static struct io_event events[8];

static void begin(void)
{
	ctx = setup(8);
	CHECK(pipe(pipe_fd) == 0);
}

/* A read that is in flight until slow_release(). */
static void begin_slow(void)
{
	begin();
	memory = (char *)pages(4096);
	device = slow_device(1 << 20, 4);
	slow_hold();
	io_prep_pread(&iocb, device, memory, 4096, 8192);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
}

static void *release_later(void *argument)
{
	sleep_ms((long)(intptr_t)argument);
	slow_release();
	return NULL;
}

static const char *buffer(void)
{
	return first_wrong(memory, 4096, 4, 8192) < 0 ? "filled" : "not filled";
}

static void D01(void)
{
	begin();
	SAY_RESULT("NULL", io_destroy(NULL));
	SAY_RESULT("-1", io_destroy((io_context_t)-1));
	SAY_RESULT("1", io_destroy((io_context_t)1));
	SAY_RESULT("page of zeroes", io_destroy((io_context_t)pages(4096)));
	SAY_RESULT("in a hole", io_destroy((io_context_t)(void *)hole()));
	SAY_RESULT("in the kernel", io_destroy((io_context_t)(void *)KERNEL_ADDRESS));
	SAY_RESULT("within a ring", io_destroy((io_context_t)(void *)((char *)ctx + 64)));
	SAY_RESULT("before a ring", io_destroy((io_context_t)(void *)((char *)ctx - 4)));
	SAY_RESULT("a context", io_destroy(ctx));
}

static void D02(void)
{
	io_context_t other;

	begin();
	other = setup(8);
	prepare_good(&iocb);
	SAY_RESULT("first", io_destroy(ctx));
	SAY_RESULT("second", io_destroy(ctx));
	SAY_RESULT("submit of none", io_submit(ctx, 0, NULL));
	SAY_RESULT("submit", submit_one(ctx, &iocb));
	SAY_RESULT("cancel", io_cancel(ctx, &iocb, events));
	SAY_RESULT("another context", io_destroy(other));
}

static void D03(void)
{
	unsigned char state;

	begin();
	SAY("mapped before", "%s", mincore(ctx, 4096, &state) == 0 ? "yes" : "no");
	CHECK_EQ(io_destroy(ctx), 0);
	SAY("mapped after", "%s", mincore(ctx, 4096, &state) == 0 ? "yes" : name_of(-errno));
}

static void D04(void)
{
	int event_fd = eventfd(0, 0), i;
	struct pollfd readable = {event_fd, POLLIN, 0};
	uint64_t count = 0;
	struct iocb polls[5];
	long start;
	char byte;

	begin();
	for (i = 0; i < 5; i++) {
		io_prep_poll(&polls[i], pipe_fd[0], POLLIN);
		if (i < 3)
			io_set_eventfd(&polls[i], event_fd);
		CHECK_EQ(submit_one(ctx, &polls[i]), 1);
	}
	start = now_ms();
	SAY_RESULT("with five polls that wait", io_destroy(ctx));
	SAY("returns", "%s", waited(start, 5000));
	SAY("the eventfd of three", "%s", poll(&readable, 1, 2000) == 1 ? "readable" : "not readable");
	CHECK_EQ(read(event_fd, &count, 8), 8);
	SAY("its count", "%d", (int)count);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	SAY("after a write to the pipe", "%s", poll(&readable, 1, 20) == 1 ? "readable" : "not readable");
	/* Nothing holds the pipe: without a reader a write fails. */
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	close(pipe_fd[0]);
	SAY("write without a reader", "%s", write(pipe_fd[1], "x", 1) == 1 ? "succeeds" : name_of(-errno));
}

static void D05(void)
{
	pthread_t thread;
	long start;
	int result;

	begin_slow();
	start = now_ms();
	CHECK_EQ(pthread_create(&thread, NULL, release_later, (void *)200), 0);
	result = io_destroy(ctx);
	SAY("with a slow read", "%s %s, buffer %s", name_of(result), waited(start, 200), buffer());
	CHECK_EQ(pthread_join(thread, NULL), 0);
	slow_hold();
	ctx = setup(8);
	fill(memory, 4096, 77, 0);
	io_prep_pwrite(&iocb, device, memory, 4096, 16384);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	start = now_ms();
	CHECK_EQ(pthread_create(&thread, NULL, release_later, (void *)200), 0);
	result = io_destroy(ctx);
	SAY("with a slow write", "%s %s", name_of(result), waited(start, 200));
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(pread(device, memory, 4096, 16384), 4096);
	SAY("what was written", "%s", first_wrong(memory, 4096, 77, 0) < 0 ? "is there" : "is not there");
}

struct waiter {
	pthread_t thread;
	long min, result;
	struct timespec *timeout;
	sigset_t *mask;
};

static void *wait_for_events(void *argument)
{
	struct waiter *waiter = (struct waiter *)argument;
	struct io_event own[8];

	waiter->result = waiter->mask ? io_pgetevents(ctx, waiter->min, 8, own, waiter->timeout, waiter->mask)
				      : io_getevents(ctx, waiter->min, 8, own, waiter->timeout);
	return NULL;
}

static void D06(void)
{
	struct timespec ten = {10, 0};
	sigset_t none;
	struct waiter waiter[4] = {{.min = 1}, {.min = 8}, {.min = 1, .timeout = &ten}, {.min = 1, .mask = &none}};
	long start;
	int i;

	begin();
	sigemptyset(&none);
	for (i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&waiter[i].thread, NULL, wait_for_events, &waiter[i]), 0);
	sleep_ms(100);
	start = now_ms();
	SAY_RESULT("while four threads wait", io_destroy(ctx));
	for (i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(waiter[i].thread, NULL), 0);
	SAY("all return", "%s", waited(start, 5000));
	SAY("one for one", "%s", name_of(waiter[0].result));
	SAY("one for eight", "%s", name_of(waiter[1].result));
	SAY("one with a timeout", "%s", name_of(waiter[2].result));
	SAY("one with a mask", "%s", name_of(waiter[3].result));
	/* With one event of the two that are waited for. */
	ctx = setup(8);
	waiter[0].min = 2;
	CHECK_EQ(pthread_create(&waiter[0].thread, NULL, wait_for_events, &waiter[0]), 0);
	sleep_ms(50);
	prepare_good(&iocb);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	sleep_ms(50);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(pthread_join(waiter[0].thread, NULL), 0);
	SAY("one for two, of which one is there", "%s", name_of(waiter[0].result));
}

static void *destroy_it(void *argument)
{
	(void)argument;
	return (void *)(intptr_t)io_destroy(ctx);
}

static void D08(void)
{
	pthread_t first, thread;
	void *result;
	long start;

	begin_slow();
	CHECK_EQ(pthread_create(&first, NULL, destroy_it, NULL), 0);
	sleep_ms(100);
	start = now_ms();
	SAY("the second", "%s", name_of(io_destroy(ctx)));
	SAY("returns", "%s", waited(start, 1000));
	SAY("a submit meanwhile", "%s", name_of(submit_one(ctx, &iocb)));
	CHECK_EQ(pthread_create(&thread, NULL, release_later, NULL), 0);
	CHECK_EQ(pthread_join(first, &result), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	SAY("the first", "%s, buffer %s", name_of((intptr_t)result), buffer());
}

static volatile sig_atomic_t handled;

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void D10(void)
{
	struct sigaction action;
	pthread_t thread;
	void *result;
	int i;

	begin_slow();
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK_EQ(pthread_create(&thread, NULL, destroy_it, NULL), 0);
	sleep_ms(50);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
		sleep_ms(20);
	}
	slow_release();
	CHECK_EQ(pthread_join(thread, &result), 0);
	SAY("signals while it waits", "%s, buffer %s, handled %s", name_of((intptr_t)result), buffer(),
	    handled ? "yes" : "no");
}

static void D11(void)
{
	int i, good = 0;

	begin();
	prepare_good(&iocb);
	for (i = 0; i < 8; i++)
		CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY_RESULT("with eight events", io_destroy(ctx));
	for (i = 0; i < 20; i++) {
		ctx = setup(8);
		good += ready(ctx) == 0;
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		good += ready(ctx) == 2;
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		CHECK_EQ(io_destroy(ctx), 0);
	}
	SAY("twenty contexts after it that begin empty", "%d", good / 2);
}

static void D12(void)
{
	begin();
	SAY_RESULT("a context", io_queue_release(ctx));
	SAY_RESULT("again", io_queue_release(ctx));
	SAY_RESULT("NULL", io_queue_release(NULL));
	SAY_RESULT("page of zeroes", io_queue_release((io_context_t)pages(4096)));
}

static void D13(void)
{
	io_context_t old;

	begin();
	old = ctx;
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = setup(8);
	SAY("the next context", "%s", ctx == old ? "has the same address" : "has another address");
	prepare_good(&iocb);
	SAY_OUTCOME("a read", old, &iocb);
}

static void D15(void)
{
	long start;
	int i;

	/* Another thread's requests, and one that is gone. */
	begin();
	for (i = 0; i < 3; i++) {
		io_prep_poll(&iocb, pipe_fd[0], POLLIN);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
	}
	start = now_ms();
	SAY_RESULT("by another thread", (intptr_t)in_thread(destroy_it, NULL));
	SAY("returns", "%s", waited(start, 5000));
	SAY_RESULT("then by the first", io_destroy(ctx));
}

static const struct row rows[] = {
	{"D01", D01}, {"D02", D02}, {"D03", D03}, {"D04", D04}, {"D05", D05}, {"D06", D06}, {"D08", D08},
	{"D10", D10}, {"D11", D11}, {"D12", D12}, {"D13", D13}, {"D15", D15},
};

ROWS_MAIN(rows, 4)
