/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A signal handler that interrupts io_submit leaves by exit: no half-made batch holds it up. */
#include "aio_check.h"

enum { BLOCK = 4096, BATCH = 64, ROUNDS = 60 };

static void leave(int signo)
{
	(void)signo;
	exit(0);
}

static void submit_for_ever(int fd, long after)
{
	io_context_t ctx = setup(BATCH);
	char *memory = (char *)pages(BATCH * BLOCK);
	struct iocb iocb[BATCH], *list[BATCH];
	struct io_event events[BATCH];
	struct sigaction how;
	struct itimerspec time = {{0, 0}, {0, after}};
	struct sigevent event;
	timer_t timer;
	int i;

	memset(&how, 0, sizeof(how));
	how.sa_handler = leave;
	CHECK(sigaction(SIGUSR1, &how, NULL) == 0);
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGUSR1;
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &time, NULL) == 0);
	for (;;) {
		for (i = 0; i < BATCH; i++) {
			io_prep_pread(&iocb[i], fd, memory + i * BLOCK, BLOCK, i * BLOCK);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, BATCH, list), BATCH);
		for (i = 0; i < BATCH;) {
			int count = io_getevents(ctx, 1, BATCH, events, NULL);

			if (count > 0)
				i += count;
		}
	}
}

int main(void)
{
	int fd = temp_file(BATCH * BLOCK, 61), direct = reopen(fd, O_RDONLY | O_DIRECT), round;

	for (round = 0; round < ROUNDS; round++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			watchdog();
			submit_for_ever(direct, 3000000 + round * 37000);
		}
		wait_exit(child, 0);
	}
	return 0;
}
