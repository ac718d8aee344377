/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signals while io_getevents and io_pgetevents wait, row by row, and the mask of io_pgetevents. */
#include "aio_rows.h"

#include <poll.h>
#include <sys/syscall.h>

static io_context_t ctx;
static struct io_event events[8];
static struct timespec zero, second = {1, 0}, tenth = {0, 100000000}, ten = {10, 0};
static int pipe_fd[2];
static volatile sig_atomic_t handled;
static struct iocb ready_iocb[8];

static void make_ready(int count)
{
	int i;

	for (i = 0; i < count; i++) {
		prepare_good(&ready_iocb[i]);
		CHECK_EQ(submit_one(ctx, &ready_iocb[i]), 1);
	}
}

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void handle(int signo, void (*action_handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = action_handler;
	action.sa_flags = flags;
	CHECK(sigaction(signo, &action, NULL) == 0);
	handled = 0;
}

static void begin(void)
{
	ctx = setup(16);
	CHECK(pipe(pipe_fd) == 0);
	handle(SIGUSR1, handler, 0);
}

struct sender {
	pthread_t thread, target;
	int signo, ms;
};

static void *send_later(void *argument)
{
	struct sender *sender = (struct sender *)argument;

	sleep_ms(sender->ms);
	CHECK_EQ(pthread_kill(sender->target, sender->signo), 0);
	return NULL;
}

static void start_sender(struct sender *sender, int signo)
{
	*sender = (struct sender){.target = pthread_self(), .signo = signo, .ms = 200};
	CHECK_EQ(pthread_create(&sender->thread, NULL, send_later, sender), 0);
}

/* A wait during which a signal comes after 0.2 s. */
static const char *wait_with_signal(int signo, long min, struct timespec *timeout)
{
	struct sender sender;
	long start = now_ms();
	const char *result;

	handled = 0;
	start_sender(&sender, signo);
	result = name_of(io_getevents(ctx, min, 8, events, timeout));
	result = text("%s %s, handler ran %d", result, waited(start, 195), (int)handled);
	CHECK_EQ(pthread_join(sender.thread, NULL), 0);
	return result;
}

static void G27(void)
{
	begin();
	SAY("no timeout", "%s", wait_with_signal(SIGUSR1, 1, NULL));
	SAY("min 4", "%s", wait_with_signal(SIGUSR1, 4, NULL));
	handle(SIGUSR1, handler, SA_NODEFER | SA_ONSTACK);
	SAY("other flags", "%s", wait_with_signal(SIGUSR1, 1, NULL));
	handle(SIGRTMIN + 3, handler, 0);
	SAY("a real-time signal", "%s", wait_with_signal(SIGRTMIN + 3, 1, NULL));
}

static void G28(void)
{
	begin();
	handle(SIGUSR1, handler, SA_RESTART);
	SAY("no timeout", "%s", wait_with_signal(SIGUSR1, 1, NULL));
	SAY("10 s", "%s", wait_with_signal(SIGUSR1, 1, &ten));
	SAY("min 4, 10 s", "%s", wait_with_signal(SIGUSR1, 4, &ten));
}

static void G29(void)
{
	begin();
	make_ready(1);
	SAY("one of two", "%s", wait_with_signal(SIGUSR1, 2, NULL));
	make_ready(3);
	SAY("three of five, 10 s", "%s", wait_with_signal(SIGUSR1, 5, &ten));
	handle(SIGUSR1, handler, SA_RESTART);
	make_ready(1);
	SAY("one of two, SA_RESTART", "%s", wait_with_signal(SIGUSR1, 2, NULL));
	SAY("left", "%d", ready(ctx));
}

static void G30(void)
{
	struct timespec time = {5, 123456789};

	begin();
	SAY("5 s", "%s", wait_with_signal(SIGUSR1, 1, &time));
	SAY("the timeout", "%ld.%09ld", (long)time.tv_sec, time.tv_nsec);
}

static void G31(void)
{
	struct timespec time = {0, 400000000};
	pid_t child;
	long start;
	int n;

	begin();
	handle(SIGUSR1, SIG_IGN, 0);
	SAY("ignored", "%s", wait_with_signal(SIGUSR1, 1, &time));
	SAY("SIGCHLD by default", "%s", wait_with_signal(SIGCHLD, 1, &time));
	SAY("SIGWINCH by default", "%s", wait_with_signal(SIGWINCH, 1, &time));
	SAY("SIGURG by default", "%s", wait_with_signal(SIGURG, 1, &time));
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(100);
		_exit(0);
	}
	start = now_ms();
	n = io_getevents(ctx, 1, 1, events, &time);
	SAY("a child ends", "%s %s", name_of(n), waited(start, 395));
	CHECK_EQ(waitpid(child, NULL, 0), child);
	/* Stopped and continued. */
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(100);
		kill(getppid(), SIGSTOP);
		sleep_ms(50);
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	n = io_getevents(ctx, 1, 1, events, &second);
	SAY("stopped and continued", "%s", name_of(n));
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

static void *wait_long(void *argument)
{
	*(long *)argument = io_getevents(ctx, 1, 1, events, &second);
	return NULL;
}

static void G32(void)
{
	struct sender sender;
	pthread_t thread;
	long result;
	sigset_t set;

	/* The signal is sent to one thread, another waits. */
	begin();
	CHECK_EQ(pthread_create(&thread, NULL, wait_long, &result), 0);
	start_sender(&sender, SIGUSR1);
	CHECK_EQ(pthread_join(sender.thread, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	SAY("another thread's signal", "%s, handler ran %d", name_of(result), (int)handled);
	/* To the process, with every thread but the waiting one deaf to it. */
	handled = 0;
	CHECK_EQ(pthread_create(&thread, NULL, wait_long, &result), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sleep_ms(100);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	SAY("to the process, only the waiting thread hears it", "%s, handler ran %d", name_of(result), (int)handled);
}

static void G33(void)
{
	sigset_t set;

	begin();
	make_ready(2);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	SAY("events and a blocked signal", "%s, handler ran %d", name_of(io_getevents(ctx, 1, 1, events, NULL)),
	    (int)handled);
	SAY("once more", "%s, handler ran %d", name_of(io_getevents(ctx, 1, 1, events, NULL)), (int)handled);
	SAY("nothing and a blocked signal, 0.1 s", "%s, handler ran %d",
	    name_of(io_getevents(ctx, 1, 1, events, &tenth)), (int)handled);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	SAY("unblocked", "handler ran %d", (int)handled);
}

static sigset_t only(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	if (signo)
		sigaddset(&set, signo);
	return set;
}

/* Whether the mask is what it was: SIGUSR1 blocked or not. */
static const char *mask_now(void)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, SIGUSR1) ? "blocked" : "not blocked";
}

static void block_and_raise(int count)
{
	sigset_t set = only(SIGUSR1);

	sigprocmask(SIG_BLOCK, &set, NULL);
	while (count-- > 0)
		raise(SIGUSR1);
}

static const char *pget(long min, long nr, struct timespec *timeout, sigset_t *mask)
{
	int n = io_pgetevents(ctx, min, nr, events, timeout, mask);

	return text("%s, handler ran %d", name_of(n), (int)handled);
}

static void H01(void)
{
	begin();
	make_ready(2);
	SAY("one ready, no mask", "%s", pget(1, 1, NULL, NULL));
	SAY("one ready, no mask, zero time", "%s", pget(1, 1, &zero, NULL));
	SAY("empty, no mask, 0.1 s", "%s", pget(1, 1, &tenth, NULL));
	SAY("empty, no mask, zero time", "%s", pget(1, 1, &zero, NULL));
	SAY("empty, no mask, min 0", "%s", pget(0, 1, NULL, NULL));
}

static void H02(void)
{
	begin();
	make_ready(1);
	SAY("in a hole", "%s", pget(1, 1, NULL, (sigset_t *)(void *)hole()));
	SAY("in the kernel", "%s", pget(1, 1, NULL, (sigset_t *)(void *)KERNEL_ADDRESS));
	SAY("in a hole, zero time", "%s", pget(1, 1, &zero, (sigset_t *)(void *)hole()));
	SAY("in a hole, min 2 of 1", "%s", pget(2, 1, NULL, (sigset_t *)(void *)hole()));
	SAY("8 bytes before a hole", "%s", pget(1, 1, NULL, (sigset_t *)(void *)(pages_before_hole(4096) + 4088)));
	SAY("in a hole, empty, zero time", "%s", pget(1, 1, &zero, (sigset_t *)(void *)hole()));
	SAY("in a hole, empty", "%s", pget(1, 1, NULL, (sigset_t *)(void *)hole()));
}

static void H03(void)
{
	sigset_t none = only(0);

	begin();
	block_and_raise(1);
	SAY("no timeout", "%s", pget(1, 1, NULL, &none));
	SAY("the mask then", "%s", mask_now());
	raise(SIGUSR1);
	SAY("10 s", "%s", pget(1, 1, &ten, &none));
	raise(SIGUSR1);
	make_ready(1);
	SAY("with an event", "%s", pget(1, 1, NULL, &none));
	SAY("then without", "%s", pget(1, 1, &tenth, &none));
	raise(SIGUSR1);
	make_ready(1);
	SAY("one of two", "%s", pget(2, 2, &ten, &none));
	raise(SIGUSR1);
	SAY("min 0, empty", "%s", pget(0, 1, NULL, &none));
	raise(SIGUSR1);
	make_ready(1);
	SAY("min 0, one ready", "%s", pget(0, 1, NULL, &none));
	SAY("the mask at last", "%s", mask_now());
}

static void H04(void)
{
	sigset_t none = only(0);

	begin();
	handle(SIGUSR1, handler, SA_RESTART);
	block_and_raise(1);
	SAY("no timeout", "%s", pget(1, 1, NULL, &none));
	raise(SIGUSR1);
	SAY("10 s", "%s", pget(1, 1, &ten, &none));
	SAY("the mask then", "%s", mask_now());
}

static void H05(void)
{
	struct sender sender;
	sigset_t none = only(0);
	long start = now_ms();
	const char *result;

	/* Blocked outside, it comes while the call waits with a mask that lets it through. */
	begin();
	block_and_raise(0);
	start_sender(&sender, SIGUSR1);
	result = pget(1, 1, &ten, &none);
	SAY("after 0.2 s", "%s, %s", result, waited(start, 195));
	CHECK_EQ(pthread_join(sender.thread, NULL), 0);
	SAY("the mask then", "%s", mask_now());
}

static void H06(void)
{
	struct timespec time = {0, 400000000};
	struct sender sender;
	sigset_t one = only(SIGUSR1);
	long start = now_ms();
	int n;

	begin();
	start_sender(&sender, SIGUSR1);
	n = io_pgetevents(ctx, 1, 1, events, &time, &one);
	SAY("the mask blocks it", "%s %s, handler ran %d", name_of(n), waited(start, 400), (int)handled);
	CHECK_EQ(pthread_join(sender.thread, NULL), 0);
	SAY("the mask then", "%s", mask_now());
	/* Another signal does get through. */
	handle(SIGUSR2, handler, 0);
	start_sender(&sender, SIGUSR2);
	SAY("another", "%s", pget(1, 1, &ten, &one));
	CHECK_EQ(pthread_join(sender.thread, NULL), 0);
	start = now_ms();
	make_ready(1);
	SAY("one ready", "%s", pget(1, 1, &time, &one));
}

static void H07(void)
{
	sigset_t none = only(0);

	begin();
	block_and_raise(1);
	SAY("empty", "%s", pget(1, 1, &zero, &none));
	make_ready(1);
	SAY("one ready", "%s", pget(1, 1, &zero, &none));
	SAY("the mask then", "%s", mask_now());
	SAY("min 2 of 1, empty", "%s", pget(2, 1, &zero, &none));
}

static void H08(void)
{
	sigset_t none = only(0);

	begin();
	SAY("min 2 of 1", "%s", pget(2, 1, NULL, &none));
	SAY("min -1 of 1", "%s", pget(-1, 1, NULL, NULL));
	SAY("min 0 of -1", "%s", pget(0, -1, NULL, NULL));
	make_ready(1);
	SAY("no array", "%s", name_of(io_pgetevents(ctx, 1, 1, NULL, NULL, &none)));
	SAY("left", "%d", ready(ctx));
	ctx = NULL;
	SAY("no context", "%s", pget(1, 1, NULL, &none));
	SAY("no context, bad mask", "%s", pget(1, 1, NULL, (sigset_t *)(void *)hole()));
	SAY("no context, bad timeout", "%s", pget(1, 1, (struct timespec *)(void *)hole(), &none));
	ctx = (io_context_t)pages(4096);
	SAY("page of zeroes", "%s", pget(1, 1, NULL, &none));
	SAY("page of zeroes, zero time", "%s", pget(1, 1, &zero, &none));
	block_and_raise(1);
	SAY("page of zeroes, a signal let through", "%s", pget(1, 1, NULL, &none));
	SAY("min 2 of 1, a signal let through", "%s", pget(2, 1, NULL, &none));
	SAY("the mask then", "%s", mask_now());
}

static void H09(void)
{
	sigset_t none = only(0);
	struct iocb iocb;
	pid_t child;

	/* An event ends the wait, with a mask as without one. */
	begin();
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(100);
		_exit(write(pipe_fd[1], "x", 1) == 1 ? 0 : 1);
	}
	SAY("an event after 0.1 s", "%s", pget(1, 1, NULL, &none));
	wait_exit(child, 0);
	SAY("nothing for 0.1 s", "%s", pget(1, 1, &tenth, &none));
}

static const struct row rows[] = {
	{"G27", G27}, {"G28", G28}, {"G29", G29}, {"G30", G30}, {"G31", G31}, {"G32", G32}, {"G33", G33}, {"H01", H01},
	{"H02", H02}, {"H03", H03}, {"H04", H04}, {"H05", H05}, {"H06", H06}, {"H07", H07}, {"H08", H08}, {"H09", H09},
};

ROWS_MAIN(rows, 8)
