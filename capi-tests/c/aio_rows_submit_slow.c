/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about requests in flight: a device that answers nothing until it is told to. */
#include <sys/uio.h>

#include "aio_rows.h"
#include "slow_device.h"

enum { BLOCK = 4096, BLOCKS = 64 };

static int device, buffered;
static io_context_t ctx;
static char *memory;

static void begin(void)
{
	device = slow_device(BLOCKS * BLOCK, 40);
	buffered = open(slow_path, O_RDWR);
	CHECK(buffered >= 0);
	ctx = setup(16);
	memory = (char *)pages(8 * BLOCK);
	slow_hold();
}

/* Submits what the device does not answer, and says so. */
static void submit_held(const char *what, struct iocb **list, int count)
{
	int submitted = io_submit(ctx, count, list);

	SAY(what, "%s, %s", name_of(submitted), ready(ctx) == 0 ? "no event yet" : "an event");
}

static const char *data_of(const char *block, long number)
{
	return first_wrong(block, BLOCK, 40, (uint64_t)number * BLOCK) == -1 ? "right" : "wrong";
}

static void a67(void)
{
	struct iovec *vec = (struct iovec *)pages(4096);
	struct iocb iocb, *list[] = {&iocb};
	struct io_event event;

	begin();
	vec[0].iov_base = memory;
	vec[0].iov_len = BLOCK;
	vec[1].iov_base = memory + 4 * BLOCK;
	vec[1].iov_len = BLOCK;
	io_prep_preadv(&iocb, device, vec, 2, 0);
	iocb.data = (void *)0x1234;
	submit_held("vectored read", list, 1);
	memset(vec, 0xff, 2 * sizeof(*vec));
	memset(&iocb, 0xff, sizeof(iocb));
	munmap(vec, 4096);
	list[0] = NULL;
	slow_release();
	reap(ctx, 1, &event);
	SAY("its event", "%s, data %#lx, obj %s", name_of((long)event.res), (unsigned long)(uintptr_t)event.data,
	    event.obj == &iocb ? "right" : "wrong");
	SAY("its data", "%s %s", data_of(memory, 0), data_of(memory + 4 * BLOCK, 1));
	/* The same of a write. */
	slow_hold();
	vec = (struct iovec *)pages(4096);
	list[0] = &iocb;
	vec[0].iov_base = memory + 4 * BLOCK;
	vec[0].iov_len = BLOCK;
	vec[1].iov_base = memory;
	vec[1].iov_len = BLOCK;
	io_prep_pwritev(&iocb, device, vec, 2, 8 * BLOCK);
	submit_held("vectored write", list, 1);
	munmap(vec, 4096);
	memset(&iocb, 0xff, sizeof(iocb));
	slow_release();
	reap(ctx, 1, &event);
	SAY("event of the write", "%s", name_of((long)event.res));
	CHECK_EQ(pread(device, memory + 2 * BLOCK, 2 * BLOCK, 8 * BLOCK), 2 * BLOCK);
	SAY("what was written", "%s %s", data_of(memory + 2 * BLOCK, 1), data_of(memory + 3 * BLOCK, 0));
}

static void a73(void)
{
	struct iocb iocb[8], *list[8];
	struct io_event events[8];
	int i, right = 0;

	begin();
	for (i = 0; i < 8; i++) {
		io_prep_pread(&iocb[i], device, memory + i * BLOCK, BLOCK, i * BLOCK);
		list[i] = &iocb[i];
	}
	submit_held("four direct reads", list, 4);
	submit_held("four more", list + 4, 4);
	slow_release();
	reap(ctx, 8, events);
	for (i = 0; i < 8; i++)
		right += events[i].res == BLOCK && strcmp(data_of(memory + i * BLOCK, i), "right") == 0;
	SAY("right", "%d", right);
	slow_hold();
	for (i = 0; i < 8; i++)
		io_prep_pwrite(&iocb[i], device, memory, BLOCK, (16 + i) * BLOCK);
	submit_held("direct writes", list, 8);
	slow_release();
	reap(ctx, 8, events);
}

static void a76(void)
{
	char *gone = (char *)pages(BLOCK), *back;
	struct iocb iocb, *list[] = {&iocb};
	struct io_event event;

	begin();
	io_prep_pread(&iocb, device, gone, BLOCK, 0);
	submit_held("direct read", list, 1);
	CHECK(munmap(gone, BLOCK) == 0);
	slow_release();
	reap(ctx, 1, &event);
	SAY("its event when the buffer has been unmapped", "%s", name_of((long)event.res));
	slow_hold();
	gone = (char *)pages(BLOCK);
	fill(gone, BLOCK, 40, 5 * BLOCK);
	io_prep_pwrite(&iocb, device, gone, BLOCK, 0);
	submit_held("direct write", list, 1);
	CHECK(munmap(gone, BLOCK) == 0);
	back = (char *)pages(BLOCK);
	memset(back, 7, BLOCK);
	slow_release();
	reap(ctx, 1, &event);
	SAY("event of the write", "%s", name_of((long)event.res));
	CHECK_EQ(pread(device, back, BLOCK, 0), BLOCK);
	SAY("what was written", "%s", data_of(back, 5));
	/* The descriptor may be gone as well. */
	slow_hold();
	io_prep_pread(&iocb, dup(device), memory, BLOCK, 9 * BLOCK);
	submit_held("direct read of another descriptor", list, 1);
	close(iocb.aio_fildes);
	slow_release();
	reap(ctx, 1, &event);
	SAY("its event when the descriptor has been closed", "%s, data %s",
	    name_of((long)event.res), data_of(memory, 9));
}

static void a77(void)
{
	struct iocb *iocb = (struct iocb *)pages(4096), **list = (struct iocb **)pages(4096), *kept = iocb;
	struct io_event event;

	begin();
	io_prep_pread(iocb, device, memory, BLOCK, 0);
	iocb->data = (void *)0x99;
	list[0] = iocb;
	submit_held("direct read", list, 1);
	CHECK(munmap(iocb, 4096) == 0);
	CHECK(munmap(list, 4096) == 0);
	slow_release();
	reap(ctx, 1, &event);
	SAY("its event when the iocb has been unmapped", "%s, data %#lx, obj %s", name_of((long)event.res),
	    (unsigned long)(uintptr_t)event.data, event.obj == kept ? "right" : "wrong");
	SAY("its data", "%s", data_of(memory, 0));
}

static void *submit_list(void *list)
{
	return (void *)(intptr_t)io_submit(ctx, 1, (struct iocb **)list);
}

static void a82(void)
{
	struct iocb iocb, *list[] = {&iocb};
	struct io_event event;
	int i, right = 0;

	begin();
	io_prep_pread(&iocb, device, memory, BLOCK, 3 * BLOCK);
	SAY("io_submit in a thread", "%d", (int)(intptr_t)in_thread(submit_list, list));
	SAY("events when the thread has gone", "%d", ready(ctx));
	slow_release();
	reap(ctx, 1, &event);
	SAY("the event", "%s, data %s", name_of((long)event.res), data_of(memory, 3));
	for (i = 0; i < 20; i++) {
		io_prep_pread(&iocb, device, memory, BLOCK, i * BLOCK);
		CHECK_EQ((intptr_t)in_thread(submit_list, list), 1);
		reap(ctx, 1, &event);
		right += event.res == BLOCK && strcmp(data_of(memory, i), "right") == 0;
	}
	SAY("twenty threads", "%d right", right);
}

static void a83(void)
{
	struct iocb iocb, *list[] = {&iocb};
	struct io_event event;
	int pipe_fd[2];

	ctx = setup(8);
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb, pipe_fd[0], 1);
	SAY("io_submit in a thread", "%d", (int)(intptr_t)in_thread(submit_list, list));
	sleep_ms(30);
	SAY("events when the thread has gone", "%d", ready(ctx));
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, &event);
	SAY("the event after a write", "%#lx", (unsigned long)event.res);
	SAY("io_submit in a thread once more", "%d", (int)(intptr_t)in_thread(submit_list, list));
	reap(ctx, 1, &event);
	SAY("the event of what is ready", "%#lx", (unsigned long)event.res);
	CHECK_EQ(read(pipe_fd[0], &memory, 1), 1);
	SAY("io_submit in a third thread", "%d", (int)(intptr_t)in_thread(submit_list, list));
	SAY_RESULT("io_cancel by another", io_cancel(ctx, &iocb, &event));
	reap(ctx, 1, &event);
	SAY("the event of the cancelled", "%s", name_of((long)event.res));
}

static void a84(void)
{
	struct iocb iocb, *list[] = {&iocb};
	struct io_event event;
	int file = temp_file(32 << 20, 3);

	ctx = setup(8);
	io_prep_fsync(&iocb, file);
	SAY("fsync in a thread", "%d", (int)(intptr_t)in_thread(submit_list, list));
	reap(ctx, 1, &event);
	SAY("its event", "%s", name_of((long)event.res));
	CHECK_EQ(pwrite(file, "x", 1, 1 << 20), 1);
	io_prep_fdsync(&iocb, file);
	SAY("fdsync in a thread", "%d", (int)(intptr_t)in_thread(submit_list, list));
	reap(ctx, 1, &event);
	SAY("event of the fdsync", "%s", name_of((long)event.res));
}

/* A child that submits three direct writes, and ends; whether that waits for the device, and what was written. */
static void end_with_writes(int how)
{
	struct iocb iocb[3], *list[3];
	int i, status, right = 0, pipe_fd[2];
	pid_t child, ended;
	char byte;

	device = slow_device(BLOCKS * BLOCK, 40);
	memory = (char *)pages(8 * BLOCK);
	slow_hold();
	CHECK(pipe(pipe_fd) == 0);
	child = fork();
	if (child == 0) {
		ctx = setup(8);
		for (i = 0; i < 3; i++) {
			fill(memory + i * BLOCK, BLOCK, 41, (uint64_t)(i * BLOCK));
			io_prep_pwrite(&iocb[i], device, memory + i * BLOCK, BLOCK, (8 + i) * BLOCK);
			list[i] = &iocb[i];
		}
		byte = (char)io_submit(ctx, 3, list);
		CHECK_EQ(write(pipe_fd[1], &byte, 1), 1);
		if (how == 0)
			_exit(0);
		if (how == 2)
			exit(0);
		if (how == 3)
			abort();
		pause();
	}
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	SAY("io_submit", "%d", byte);
	if (how == 1)
		CHECK(kill(child, SIGKILL) == 0);
	sleep_ms(200);
	ended = waitpid(child, &status, WNOHANG);
	SAY("the process has ended before the device answers", "%s", ended == child ? "yes" : "no");
	slow_release();
	CHECK_EQ(ended == child ? child : waitpid(child, &status, 0), child);
	SAY("its end", "%s", end_of(status));
	CHECK_EQ(pread(device, memory, 3 * BLOCK, 8 * BLOCK), 3 * BLOCK);
	for (i = 0; i < 3; i++)
		right += first_wrong(memory + i * BLOCK, BLOCK, 41, (uint64_t)(i * BLOCK)) == -1;
	SAY("blocks written when it is waited for", "%d", right);
}

static void a85(void)
{
	end_with_writes(0);
}

static void a86(void)
{
	end_with_writes(1);
}

/* The same by exit() and abort(). */
static void a85b(void)
{
	end_with_writes(2);
}

static void a86b(void)
{
	end_with_writes(3);
}

struct buffered_read {
	int submitted, events;
	volatile int done;
};

static void *submit_buffered(void *argument)
{
	struct buffered_read *read = (struct buffered_read *)argument;
	struct iocb iocb, *list[] = {&iocb};
	struct timespec zero = {0, 0};
	struct io_event event;

	io_prep_pread(&iocb, buffered, memory, BLOCK, 32 * BLOCK);
	read->submitted = io_submit(ctx, 1, list);
	read->events = io_getevents(ctx, 0, 1, &event, &zero);
	read->done = 1;
	if (read->events == 0)
		reap(ctx, 1, &event);
	return NULL;
}

static void a89(void)
{
	struct buffered_read read = {0, 0, 0};
	struct iocb iocb;
	pthread_t thread;
	int i;

	begin();
	/* Without waiting first, as that starts to read. */
	io_prep_pread(&iocb, buffered, memory, BLOCK, 48 * BLOCK);
	iocb.aio_rw_flags = 8;
	SAY_OUTCOME("read of what is not cached, RWF_NOWAIT", ctx, &iocb);
	CHECK_EQ(pthread_create(&thread, NULL, submit_buffered, &read), 0);
	for (i = 0; i < 100 && !read.done; i++)
		sleep_ms(10);
	SAY("io_submit returns before the device answers", "%s", read.done ? "yes" : "no");
	slow_release();
	CHECK_EQ(pthread_join(thread, NULL), 0);
	SAY_RESULT("io_submit", read.submitted);
	SAY("events when it has returned", "%d", read.events);
	SAY("data", "%s", data_of(memory, 32));
}

static const struct row rows[] = {
	{"A67", a67}, {"A73", a73}, {"A76", a76}, {"A77", a77},	  {"A82", a82},	  {"A83", a83}, {"A84", a84},
	{"A85", a85}, {"A86", a86}, {"A85b", a85b}, {"A86b", a86b}, {"A89", a89},
};

ROWS_MAIN(rows, 6)
