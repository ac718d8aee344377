/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Signal handlers that jump out of io_submit while it adds to an eventfd: others who add to one are not kept waiting,
 * and every event that is there has added one.
 */
#include "aio_check.h"

#include <setjmp.h>
#include <sys/eventfd.h>
#include <sys/time.h>

static int file, event_fd, over;
static pthread_t jumping;
static sigjmp_buf before;
static volatile sig_atomic_t armed;
static long jumps;

static void jump(int signo)
{
	(void)signo;
	if (armed) {
		armed = 0;
		siglongjmp(before, 1);
	}
}

static void *jumper(void *arg)
{
	io_context_t ctx = setup(8);
	struct io_event events[64];
	struct timespec zero = {0, 0};
	struct iocb iocb, *list = &iocb;
	static char buffer[512];

	(void)arg;
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		io_prep_pread(&iocb, file, buffer, sizeof(buffer), 0);
		io_set_eventfd(&iocb, event_fd);
		if (sigsetjmp(before, 1) == 0) {
			armed = 1;
			for (;;) {
				int result = io_submit(ctx, 1, &list);

				CHECK(result == 1 || result == -EAGAIN);
				if (result == -EAGAIN)
					break;
			}
			armed = 0;
		} else {
			jumps++;
		}
		while (io_getevents(ctx, 0, 64, events, &zero) > 0)
			;
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return NULL;
}

static volatile long storms;

static void jump_at_once(int signo)
{
	(void)signo;
	storms++;
	siglongjmp(before, 1);
}

/* Writes over what a call that was left had on the stack: it has certainly been left. */
static __attribute__((noinline)) void use_stack(void)
{
	volatile long room[4096];
	unsigned int i;

	for (i = 0; i < COUNT_OF(room); i++)
		room[i] = i;
}

/* Takes what is there; gives how many. */
static long take_all(io_context_t ctx)
{
	int taken, in_all = 0;

	while ((taken = ready(ctx)) > 0)
		in_all += taken;
	return in_all;
}

/* From anywhere in the call: what has its event has its signal, too. */
static void storm(int fast, int slow)
{
	static struct iocb iocbs[4], *list[4];
	static char memory[4][4096] __attribute__((aligned(4096)));
	struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = jump_at_once};
	long end = now_ms() + 400 * test_scale();
	io_context_t ctx = setup(64);
	volatile uint64_t events = 0, signals = 0;
	uint64_t count;
	long give_up;
	int i;

	event_fd = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < 4; i++) {
		io_prep_pread(&iocbs[i], i < fast ? file : slow, memory[i], 512, 0);
		io_set_eventfd(&iocbs[i], event_fd);
		list[i] = &iocbs[i];
	}
	alarm(0);
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	while (now_ms() < end) {
		if (sigsetjmp(before, 1) == 0) {
			setitimer(ITIMER_REAL, &often, NULL);
			for (;;)
				CHECK(io_submit(ctx, 4, list) != 0);
		}
		setitimer(ITIMER_REAL, &never, NULL);
		use_stack();
		sleep_ms(slow < 0 ? 0 : 5);
		/* What is read from the device may come at any time, its event before its signal. */
		give_up = now_ms() + 5000;
		do {
			events += (uint64_t)take_all(ctx);
			count = 0;
			CHECK(read(event_fd, &count, 8) == 8 || errno == EAGAIN);
			signals += count;
		} while (signals != events && now_ms() < give_up);
		CHECK_EQ(signals, events);
	}
	watchdog();
	CHECK_EQ(io_destroy(ctx), 0);
	close(event_fd);
}

int main(void)
{
	struct sigaction action = {.sa_handler = jump};
	io_context_t ctx = setup(8);
	struct iocb iocb;
	static char buffer[512];
	long i, start;

	file = temp_file(4096, 3);
	event_fd = eventfd(0, 0);
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK_EQ(pthread_create(&jumping, NULL, jumper, NULL), 0);
	for (i = 0; i < 4000 * test_scale(); i++) {
		io_prep_pread(&iocb, file, buffer, sizeof(buffer), 0);
		io_set_eventfd(&iocb, event_fd);
		start = now_ms();
		EVENT_IS(ctx, &iocb, sizeof(buffer));
		CHECK_LE(now_ms() - start, 5000);
		if (i % 4 == 0)
			pthread_kill(jumping, SIGUSR1);
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	CHECK_EQ(pthread_join(jumping, NULL), 0);
	CHECK(jumps > 0);
	CHECK_EQ(io_destroy(ctx), 0);
	close(event_fd);
	storm(4, -1);
	storm(2, reopen(file, O_RDONLY | O_DIRECT));
	CHECK_GE(storms, 50);
	return 0;
}
