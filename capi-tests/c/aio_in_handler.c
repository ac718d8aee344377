/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calls are used inside a signal handler, which interrupts the same calls on the same context. */
#include "aio_check.h"

enum { BLOCK = 4096, BLOCKS = 64, ENOUGH = 300 };

static io_context_t ctx;
static int direct, fd;
static struct iocb handler_iocb;
static char *handler_memory;
static volatile sig_atomic_t in_flight, submitted, room_missing;

/* Submits one more read, unless the last is still on its way. */
static void handler(int signo)
{
	int saved = errno, result;

	(void)signo;
	if (!in_flight) {
		io_prep_pread(&handler_iocb, submitted % 2 ? fd : direct, handler_memory, BLOCK, 7 * BLOCK);
		result = submit_one(ctx, &handler_iocb);
		if (result == 1) {
			in_flight = 1;
			submitted++;
		} else if (result == -EAGAIN) {
			room_missing++;
		} else {
			_exit(3);
		}
	}
	errno = saved;
}

static pthread_t target;
static int stop;

static void *signaller(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pthread_kill(target, SIGUSR1);
		usleep(100);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;
	struct sigaction action;
	struct io_event events[8];
	char *memory = (char *)pages(4 * BLOCK);
	struct iocb iocb[4], *list[4];
	int round, i, own, from_handler = 0;

	fd = temp_file(BLOCKS * BLOCK, 39);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	handler_memory = (char *)pages(BLOCK);
	ctx = setup(8);
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	target = pthread_self();
	CHECK_EQ(pthread_create(&thread, NULL, signaller, NULL), 0);
	for (round = 0; submitted < ENOUGH; round++) {
		int file = round % 4 == 0 ? direct : fd;

		for (i = 0; i < 4; i++) {
			io_prep_pread(&iocb[i], file, memory + i * BLOCK, BLOCK, (round + i) % BLOCKS * BLOCK);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(ctx, 4, list), 4);
		for (own = 0; own < 4;) {
			int count = io_getevents(ctx, 1, 8, events, NULL);

			if (count == -EINTR)
				continue;
			CHECK_GE(count, 1);
			for (i = 0; i < count; i++) {
				CHECK_EQ(events[i].res, BLOCK);
				if (events[i].obj == &handler_iocb) {
					from_handler++;
					in_flight = 0;
				} else {
					own++;
				}
			}
		}
		CHECK_EQ(own, 4);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	if (in_flight) {
		reap(ctx, 1, events);
		from_handler++;
	}
	CHECK_EQ(from_handler, submitted);
	CHECK_EQ(room_missing, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
