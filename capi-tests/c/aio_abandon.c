/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Signal handlers that end what they interrupt: they destroy the context, jump out of the call, end the thread, fork.
 * Calls of the kernel cannot be left half done: whatever the handler does, the context works on, with all its slots.
 */
#include "aio_check.h"

#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define ROUNDS 40
/* Of a context for 8 events, on machines of up to four processors. */
#define EXPECTED_SLOTS 90

static io_context_t ctx;
static int pipe_fd[2], file, direct;
static sigjmp_buf before;
static volatile int destroyed, children;
static volatile pid_t child;
static char *buffer;

/* Where signals come from: a thread that sends one when the other one sleeps. */
static volatile int due;
static volatile pid_t sleeper;
static pthread_t sleeping_thread;

static int sleeps(pid_t task)
{
	char path[64], text[256], *state;
	int fd, size, looks;

	for (looks = 0; looks < 3; looks++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)task);
		fd = open(path, O_RDONLY);
		size = fd < 0 ? 0 : (int)read(fd, text, sizeof(text) - 1);
		close(fd);
		text[size > 0 ? size : 0] = 0;
		state = strrchr(text, ')');
		if (!state || state[2] != 'S')
			return 0;
		usleep(300);
	}
	return 1;
}

static void *send(void *unused)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (;;) {
		usleep(100);
		if (due && sleeps(sleeper)) {
			int signo = due;

			due = 0;
			if (signo > 0)
				pthread_kill(sleeping_thread, signo);
			else
				pthread_cancel(sleeping_thread);
		}
	}
	return unused;
}

/* The calling thread gets a signal in its next sleep, or with -1 is cancelled in it. */
static void wake_me_with(int signo)
{
	sleeper = (pid_t)syscall(SYS_gettid);
	sleeping_thread = pthread_self();
	due = signo;
}

static void start_sender(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, send, NULL), 0);
	pthread_detach(thread);
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

/* io_submit of a read that waits for data. */
static int submit_blocking(struct iocb *iocb)
{
	static char byte;

	io_prep_pread(iocb, pipe_fd[0], &byte, 1, 0);
	return submit_one(ctx, iocb);
}

static int wait_for_events(int masked)
{
	struct io_event events[2];
	sigset_t none;

	sigemptyset(&none);
	return masked ? io_pgetevents(ctx, 2, 2, events, NULL, &none) : io_getevents(ctx, 2, 2, events, NULL);
}

/* The context takes as many requests as ever. The kernel keeps a few slots for the other processors. */
static void check_slots(void)
{
	struct iocb iocb, *list[200];
	struct io_event events[200];
	int i, taken;

	while (ready(ctx) > 0)
		;
	io_prep_pread(&iocb, file, buffer, 16, 0);
	for (i = 0; i < 200; i++)
		list[i] = &iocb;
	taken = io_submit(ctx, 200, list);
	CHECK_GE(taken, EXPECTED_SLOTS);
	reap(ctx, taken, events);
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = setup(8);
}

static void destroys(int signo)
{
	(void)signo;
	if (!destroyed)
		destroyed = io_destroy(ctx) == 0 ? 1 : -1;
}

static void destroy_in_handler(int flags)
{
	struct iocb iocb;
	int way;

	for (way = 0; way < 3; way++) {
		int result;

		handle(SIGUSR1, destroys, flags);
		destroyed = 0;
		wake_me_with(SIGUSR1);
		result = way == 0 ? submit_blocking(&iocb) : wait_for_events(way == 2);
		CHECK_EQ(destroyed, 1);
		/* Who drives the ring may be between two sleeps, and finds that the context is gone. */
		if (way == 0 || result != -EINVAL || !getenv("AIOURING_ISSUER"))
			CHECK_EQ(result, way == 0 ? 1 : -EINTR);
		CHECK_EQ(submit_blocking(&iocb), -EINVAL);
		CHECK_EQ(io_destroy(ctx), -EINVAL);
		ctx = setup(8);
		check_slots();
	}
}

static void jumps(int signo)
{
	(void)signo;
	siglongjmp(before, 1);
}

/* Uses up some stack, so that a call lies elsewhere than the last one. */
static __attribute__((noinline)) int deeper(int depth, int way, struct iocb *iocb)
{
	volatile char room[200];

	memset((char *)room, depth, sizeof(room));
	if (depth > 0)
		return deeper(depth - 1, way, iocb) + room[7] * 0;
	return way == 0 ? submit_blocking(iocb) : wait_for_events(way == 2);
}

static void jump_out(int flags)
{
	volatile int way, round;
	struct io_event event;
	static struct iocb iocb;
	int lowest = dup(0);

	close(lowest);
	handle(SIGUSR1, jumps, flags);
	for (way = 0; way < 3; way++) {
		for (round = 0; round < ROUNDS; round++) {
			if (sigsetjmp(before, 1) == 0) {
				wake_me_with(SIGUSR1);
				deeper(round * 7 % 5, way, &iocb);
				FAIL("nothing was to come");
			}
			/* The read was interrupted, as the event says. */
			if (way == 0) {
				reap(ctx, 1, &event);
				CHECK_EQ(event.res, -EINTR);
				CHECK(event.obj == &iocb);
			}
			CHECK_EQ(ready(ctx), 0);
		}
		check_slots();
	}
	CHECK_EQ(dup(0), lowest);
	close(lowest);
}

static int end_way, end_signal;
static struct iocb thread_iocb;

static void leaves(int signo)
{
	(void)signo;
	pthread_exit(NULL);
}

static void *cancelled(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	wake_me_with(end_signal);
	if (end_way == 0)
		submit_blocking(&thread_iocb);
	else
		wait_for_events(end_way == 2);
	FAIL("nothing was to come");
	return unused;
}

static void end_the_thread(int signo)
{
	struct io_event event;
	pthread_t thread;
	int round;

	handle(SIGUSR2, leaves, 0);
	end_signal = signo;
	for (end_way = 0; end_way < 3; end_way++) {
		for (round = 0; round < ROUNDS / 4; round++) {
			CHECK_EQ(pthread_create(&thread, NULL, cancelled, NULL), 0);
			pthread_join(thread, NULL);
			if (end_way == 0) {
				reap(ctx, 1, &event);
				CHECK_EQ(event.res, -EINTR);
			}
		}
		check_slots();
	}
}

static void forks(int signo)
{
	(void)signo;
	if (children++ == 0)
		child = fork();
}

/* Both sides return into the call, and from it. */
static void fork_in_handler(void)
{
	struct io_event event;
	struct iocb iocb;
	int way;

	handle(SIGUSR1, forks, 0);
	for (way = 0; way < 3; way++) {
		int result;

		children = 0;
		wake_me_with(SIGUSR1);
		result = way == 0 ? submit_blocking(&iocb) : wait_for_events(way == 2);
		if (child == 0) {
			watchdog();
			/* What it had was the parent's. */
			CHECK_EQ(io_submit(ctx, 0, NULL), -EINVAL);
			ctx = setup(8);
			check_slots();
			CHECK_EQ(io_destroy(ctx), 0);
			_exit(result == (way == 0 ? 1 : -EINTR) ? 0 : 1);
		}
		CHECK(child > 0);
		wait_exit(child, 0);
		CHECK_EQ(result, way == 0 ? 1 : -EINTR);
		if (way == 0) {
			reap(ctx, 1, &event);
			CHECK_EQ(event.res, -EINTR);
		}
		check_slots();
	}
}

static volatile long storms;

static void jumps_in_a_storm(int signo)
{
	(void)signo;
	storms++;
	siglongjmp(before, 1);
}

/* Jumps from anywhere in the calls. The events of direct reads come in their own time. */
static void storm(void)
{
	static struct iocb iocbs[4];
	struct iocb *list[4];
	static struct io_event events[64];
	struct itimerval often = {{0, 300}, {0, 300}};
	struct timespec zero = {0, 0};
	long end = now_ms() + 700 * test_scale();
	volatile int i;

	for (i = 0; i < 4; i++) {
		if (i == 2)
			io_prep_pread(&iocbs[i], direct, buffer + 4096 * i, 4096, 4096 * i);
		else
			io_prep_pread(&iocbs[i], file, buffer + 4096 * i, 64, 0);
		list[i] = &iocbs[i];
	}
	alarm(0);
	handle(SIGALRM, jumps_in_a_storm, 0);
	setitimer(ITIMER_REAL, &often, NULL);
	while (now_ms() < end) {
		if (sigsetjmp(before, 1) == 0) {
			for (i = 0; i < 1000; i++) {
				int submitted = io_submit(ctx, i % 8 == 0 ? 4 : 2, list);

				if ((submitted < 1 || submitted > 4) && submitted != -EAGAIN)
					_exit(3);
				if (io_getevents(ctx, 1, 64, events, &zero) < 0)
					_exit(4);
			}
		}
	}
	memset(&often, 0, sizeof(often));
	setitimer(ITIMER_REAL, &often, NULL);
	watchdog();
	CHECK_GE(storms, 50);
	/* Those that were given up in the middle have left nothing, once everything else has ended. */
	sleep_ms(100);
	while (ready(ctx) > 0)
		;
	check_slots();
}

int main(void)
{
	stack_t stack = {pages(65536), 0, 65536};

	CHECK(pipe(pipe_fd) == 0);
	CHECK(sigaltstack(&stack, NULL) == 0);
	buffer = (char *)pages(65536);
	file = temp_file(65536, 5);
	direct = reopen(file, O_RDONLY | O_DIRECT);
	start_sender();
	ctx = setup(8);
	check_slots();
	destroy_in_handler(0);
	destroy_in_handler(SA_RESTART | SA_ONSTACK);
	jump_out(0);
	jump_out(SA_RESTART | SA_ONSTACK);
	end_the_thread(-1);
	end_the_thread(SIGUSR2);
	fork_in_handler();
	storm();
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
