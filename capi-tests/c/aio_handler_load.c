/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A timer's handler submits direct reads while the program does the same, cached and direct: nobody waits for good. */
#include "aio_check.h"

#include <time.h>

enum { BLOCK = 4096, BLOCKS = 64, BATCH = 32, CACHED = 16, RUN_MS = 1500 };

static io_context_t ctx;
static int fd, direct;
static struct iocb handler_iocb;
static char *handler_memory;
static volatile sig_atomic_t in_flight, submitted;

static void handler(int signo)
{
	int saved = errno;

	(void)signo;
	if (!in_flight) {
		io_prep_pread(&handler_iocb, direct, handler_memory, BLOCK, BLOCK);
		if (submit_one(ctx, &handler_iocb) == 1) {
			in_flight = 1;
			submitted++;
		}
	}
	errno = saved;
}

int main(void)
{
	struct itimerspec often = {{0, 37000}, {0, 37000}}, never = {{0, 0}, {0, 0}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct iocb iocb[BATCH], *list[BATCH];
	struct io_event events[2 * BATCH];
	struct sigaction action;
	timer_t timer;
	long end;
	int i, sent, got, count;
	char *memory = (char *)pages(BATCH * BLOCK);

	fd = temp_file(BLOCKS * BLOCK, 51);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	handler_memory = (char *)pages(BLOCK);
	ctx = setup(2 * BATCH);
	for (i = 0; i < BLOCKS; i++)
		CHECK_EQ(pread(fd, memory, BLOCK, i * BLOCK), BLOCK);
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &often, NULL) == 0);
	for (end = now_ms() + RUN_MS; now_ms() < end;) {
		for (i = 0; i < BATCH; i++) {
			io_prep_pread(&iocb[i], i < 2 ? direct : fd, memory + i * BLOCK, i < 2 ? BLOCK : CACHED, i * BLOCK);
			list[i] = &iocb[i];
		}
		for (sent = 0; sent < BATCH;) {
			count = (int)io_submit(ctx, BATCH - sent, list + sent);
			if (count > 0)
				sent += count;
			else
				CHECK_EQ(count, -EAGAIN);
		}
		for (got = 0; got < BATCH;) {
			count = io_getevents(ctx, 1, 2 * BATCH, events, NULL);
			if (count < 0)
				CHECK_EQ(count, -EINTR);
			for (i = 0; i < count; i++) {
				if (events[i].obj == &handler_iocb) {
					CHECK_EQ(events[i].res, BLOCK);
					in_flight = 0;
				} else {
					CHECK_EQ(events[i].res, events[i].obj < &iocb[2] ? BLOCK : CACHED);
					got++;
				}
			}
		}
	}
	CHECK(timer_settime(timer, 0, &never, NULL) == 0);
	CHECK_GE(submitted, 10);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
