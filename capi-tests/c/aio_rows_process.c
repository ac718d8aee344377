/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fork, exec, exit and threads row by row: whose a context is, and what becomes of what is in flight. */
#include "aio_rows.h"

#include <poll.h>

#include "slow_device.h"

static io_context_t ctx;
static int pipe_fd[2], device;
static char *memory;
static struct iocb iocb, good;
static struct io_event events[64];
static struct timespec zero, tenth = {0, 100000000};

static void begin(void)
{
	ctx = setup(64);
	CHECK(pipe(pipe_fd) == 0);
	memory = (char *)pages(1 << 20);
	prepare_good(&good);
}

static const char *submit_none(void *unused)
{
	(void)unused;
	return name_of(io_submit(ctx, 0, NULL));
}

static const char *submit_good(void *unused)
{
	(void)unused;
	return name_of(submit_one(ctx, &good));
}

static const char *cancel_it(void *unused)
{
	(void)unused;
	return name_of(io_cancel(ctx, &iocb, events));
}

static const char *destroy_it(void *unused)
{
	(void)unused;
	return name_of(io_destroy(ctx));
}

static const char *get_one(void *timeout)
{
	return name_of(io_getevents(ctx, 1, 1, events, (struct timespec *)timeout));
}

static const char *get_none(void *timeout)
{
	return name_of(io_getevents(ctx, 0, 1, events, (struct timespec *)timeout));
}

static void F01(void)
{
	begin();
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY("submit of none", "%s", outcome_of_child(submit_none, NULL));
	SAY("submit", "%s", outcome_of_child(submit_good, NULL));
	SAY("cancel of the parent's poll", "%s", outcome_of_child(cancel_it, NULL));
	SAY("destroy", "%s", outcome_of_child(destroy_it, NULL));
	SAY_OUTCOME("the parent then", ctx, &good);
	SAY("its poll", "%s", cancel_it(NULL));
}

static void F02(void)
{
	begin();
	SAY("empty, no timeout", "%s", outcome_of_child(get_one, NULL));
	SAY("empty, zero time", "%s", outcome_of_child(get_one, &zero));
	SAY("empty, 0.1 s", "%s", outcome_of_child(get_one, &tenth));
	SAY("empty, min 0", "%s", outcome_of_child(get_none, NULL));
	CHECK_EQ(submit_one(ctx, &good), 1);
	SAY("one ready, no timeout", "%s", outcome_of_child(get_one, NULL));
	SAY("one ready, zero time", "%s", outcome_of_child(get_one, &zero));
	SAY_RESULT("left for the parent", io_getevents(ctx, 0, 8, events, NULL));
}

/* Everything with a context of its own. */
static const char *own_context(void *direct)
{
	io_context_t own = setup(8);
	const char *all = outcome_of(own, &good);

	io_prep_pread(&iocb, (int)(intptr_t)direct, memory, 4096, 0);
	all = text("%s, %s", all, outcome_of(own, &iocb));
	io_prep_poll(&iocb, pipe_fd[1], POLLOUT);
	all = text("%s, %s", all, outcome_of(own, &iocb));
	return text("%s, destroy %s", all, name_of(io_destroy(own)));
}

static const char *own_of_grandchild(void *direct)
{
	return outcome_of_child(own_context, direct);
}

static void F04(void)
{
	int direct = reopen(temp_file(65536, 4), O_RDONLY | O_DIRECT);

	begin();
	SAY("a child", "%s", outcome_of_child(own_context, (void *)(intptr_t)direct));
	SAY("a grandchild", "%s", outcome_of_child(own_of_grandchild, (void *)(intptr_t)direct));
	SAY("the parent", "%s", own_context((void *)(intptr_t)direct));
	SAY_OUTCOME("its first context", ctx, &good);
}

static const char *unmap_ring(void *unused)
{
	(void)unused;
	return munmap(ctx, 4096) == 0 ? "done" : name_of(-errno);
}

static void F05(void)
{
	begin();
	SAY("munmap of the ring in a child", "%s", outcome_of_child(unmap_ring, NULL));
	SAY_OUTCOME("the parent then", ctx, &good);
}

static void start_slow_read(void)
{
	device = slow_device(1 << 20, 6);
	slow_hold();
	io_prep_pread(&iocb, device, memory, 4096, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
}

static void F06(void)
{
	pid_t child;
	long start;

	begin();
	start_slow_read();
	fflush(stdout);
	start = now_ms();
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(0);
	wait_exit(child, 0);
	SAY("a child's exit", "%s", waited(start, 2000));
	child = vfork();
	CHECK(child >= 0);
	if (child == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	wait_exit(child, 0);
	SAY("a child's exec", "%s", waited(start, 4000));
	SAY("ready", "%d", ready(ctx));
	slow_release();
	reap(ctx, 1, events);
	SAY("the read", "%s, buffer %s", name_of((long)events[0].res),
	    first_wrong(memory, 4096, 6, 0) < 0 ? "filled" : "not filled");
}

/* Makes requests in a child, which then executes another program; the device answers 0.3 s later. */
static const char *exec_with(int opcode)
{
	int ready_fd[2], image_fd[2], early;
	struct pollfd image;
	pid_t child;
	char byte;

	CHECK(pipe(ready_fd) == 0 && pipe(image_fd) == 0);
	slow_hold();
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		io_context_t own;

		watchdog();
		own = setup(8);
		if (opcode == IO_CMD_PWRITE)
			fill(memory, 4096, 99, 0);
		io_prep_pread(&iocb, device, memory, 4096, 65536);
		iocb.aio_lio_opcode = (short)opcode;
		CHECK_EQ(submit_one(own, &iocb), 1);
		CHECK_EQ(write(ready_fd[1], "r", 1), 1);
		CHECK(dup2(image_fd[1], 1) == 1);
		execl("/bin/echo", "echo", (char *)NULL);
		_exit(127);
	}
	CHECK_EQ(read(ready_fd[0], &byte, 1), 1);
	image = (struct pollfd){image_fd[0], POLLIN, 0};
	early = poll(&image, 1, 300);
	slow_release();
	CHECK_EQ(poll(&image, 1, 10000), 1);
	wait_exit(child, 0);
	return early ? "before the transfer" : "after the transfer";
}

static void F08(void)
{
	begin();
	device = slow_device(1 << 20, 8);
	SAY("a read in flight, the new image runs", "%s", exec_with(IO_CMD_PREAD));
	SAY("a write in flight, the new image runs", "%s", exec_with(IO_CMD_PWRITE));
	CHECK_EQ(pread(device, memory, 4096, 65536), 4096);
	SAY("what was written", "%s", first_wrong(memory, 4096, 99, 0) < 0 ? "is there" : "is not there");
}

static const char *exit_with_sync(void *fd)
{
	io_prep_fsync(&iocb, (int)(intptr_t)fd);
	ctx = setup(8);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	exit(7);
}

static const char *leave_with_sync(void *fd)
{
	io_prep_fdsync(&iocb, (int)(intptr_t)fd);
	ctx = setup(8);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	_exit(8);
}

static const char *killed_with_sync(void *fd)
{
	io_prep_fdsync(&iocb, (int)(intptr_t)fd);
	ctx = setup(8);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	kill(getpid(), SIGKILL);
	return "survived";
}

static void F10(void)
{
	void *fd = (void *)(intptr_t)temp_file(4 << 20, 10);

	SAY("exit", "%s", outcome_of_child(exit_with_sync, fd));
	SAY("_exit", "%s", outcome_of_child(leave_with_sync, fd));
	SAY("SIGKILL", "%s", outcome_of_child(killed_with_sync, fd));
}

static void F12(void)
{
	int file = temp_file(4096, 12), direct = reopen(file, O_RDWR | O_DIRECT);

	begin();
	CHECK(mkdir("root", 0755) == 0 || errno == EEXIST);
	CHECK(chroot("root") == 0 && chdir("/") == 0);
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	io_prep_pread(&iocb, file, memory, 4096, 0);
	SAY_OUTCOME("read", ctx, &iocb);
	io_prep_pwrite(&iocb, direct, memory, 4096, 0);
	SAY_OUTCOME("direct write", ctx, &iocb);
	io_prep_fsync(&iocb, file);
	SAY_OUTCOME("fsync", ctx, &iocb);
	ctx = NULL;
	SAY_RESULT("a new context", io_setup(8, &ctx));
	SAY_OUTCOME("a read in it", ctx, &good);
}

enum { SUBMITTERS = 4, REAPERS = 2, EACH = 2000 };

static int reads_fd, failed;
static unsigned char times[SUBMITTERS * EACH];
static int collected, doubled;

static void *submit_many(void *argument)
{
	long first = (long)(intptr_t)argument * EACH, i;
	static __thread struct iocb own[EACH];
	static __thread char buffer[16];

	for (i = 0; i < EACH; i++) {
		io_prep_pread(&own[i], reads_fd, buffer, 16, 0);
		own[i].data = (void *)(first + i);
		while (submit_one(ctx, &own[i]) == -EAGAIN)
			sched_yield();
	}
	/* The iocbs are this thread's. */
	while (__atomic_load_n(&collected, __ATOMIC_ACQUIRE) < SUBMITTERS * EACH)
		sleep_ms(1);
	return NULL;
}

static void *reap_many(void *unused)
{
	struct io_event own[64];
	int i, n;

	(void)unused;
	while (__atomic_load_n(&collected, __ATOMIC_ACQUIRE) < SUBMITTERS * EACH) {
		n = io_getevents(ctx, 1, 64, own, &tenth);
		if (n < 0) {
			__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
			continue;
		}
		for (i = 0; i < n; i++) {
			if (own[i].res != 16)
				__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
			if (__atomic_fetch_add(&times[(uintptr_t)own[i].data], 1, __ATOMIC_RELAXED))
				__atomic_fetch_add(&doubled, 1, __ATOMIC_RELAXED);
		}
		__atomic_fetch_add(&collected, n, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void many_threads(const char *name, int fd)
{
	pthread_t thread[SUBMITTERS + REAPERS];
	int i;

	reads_fd = fd;
	collected = failed = doubled = 0;
	memset(times, 0, sizeof(times));
	for (i = 0; i < SUBMITTERS + REAPERS; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, i < SUBMITTERS ? submit_many : reap_many,
					(void *)(intptr_t)i),
			 0);
	for (i = 0; i < SUBMITTERS + REAPERS; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	SAY(name, "%d events, %d failed, %d twice", collected, failed, doubled);
}

static void T01(void)
{
	begin();
	many_threads("cached reads", temp_file(4096, 1));
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = setup(4096);
	many_threads("reads of /dev/zero", open("/dev/zero", O_RDONLY));
	SAY("left", "%d", ready(ctx));
}

static void *live_and_die(void *failures)
{
	io_context_t own = NULL;
	struct iocb read_iocb = good, poll_iocb;
	struct io_event two[2];
	struct timespec limit = {EVENT_SECONDS, 0};

	io_prep_poll(&poll_iocb, pipe_fd[1], POLLOUT);
	if (io_setup(2, &own) != 0 || submit_one(own, &read_iocb) != 1 || submit_one(own, &poll_iocb) != 1 ||
	    io_getevents(own, 2, 2, two, &limit) != 2 || io_destroy(own) != 0)
		__atomic_fetch_add((int *)failures, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void T02(void)
{
	pthread_t thread[8];
	int failures = 0, round, i;

	/* Threads come and go, each with a context. */
	begin();
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 8; i++)
			CHECK_EQ(pthread_create(&thread[i], NULL, live_and_die, &failures), 0);
		for (i = 0; i < 8; i++)
			CHECK_EQ(pthread_join(thread[i], NULL), 0);
	}
	SAY("80 threads with a context each, failures", "%d", failures);
	SAY_OUTCOME("the first context", ctx, &good);
}

static const struct row rows[] = {
	{"F01", F01}, {"F02", F02}, {"F04", F04}, {"F05", F05}, {"F06", F06}, {"F08", F08},
	{"F10", F10}, {"F12", F12}, {"T01", T01}, {"T02", T02},
};

ROWS_MAIN(rows, 4)
