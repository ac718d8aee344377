/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signal handlers that call AIO at every moment of a call; changes of the user while nothing is under way; an eventfd
 * that another thread closes and opens while it is named. */
// stdout: free
#include <sys/eventfd.h>

#include "aio_check.h"

static io_context_t ctx;
static volatile int over;
static int event_fd;

static void handler(int signo)
{
	static struct iocb nobodys;
	struct io_event event;

	(void)signo;
	io_cancel(ctx, &nobodys, &event);
}

static void handlers(void)
{
	static const struct itimerspec often = {{0, 37000}, {0, 37000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;
	long begun = now_ms();
	struct sigaction action;
	struct iocb iocb;
	char data[16];
	int fd = temp_file(4096, 3);

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &often, NULL) == 0);
	while (now_ms() - begun < 1500 * test_scale()) {
		struct io_event event;
		struct timespec limit = {5, 0};
		int taken;

		io_prep_pread(&iocb, fd, data, sizeof(data), 0);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		do
			taken = io_getevents(ctx, 1, 1, &event, &limit);
		while (taken == -EINTR);
		CHECK_EQ(taken, 1);
		CHECK_EQ(event.res, sizeof(data));
	}
	CHECK(timer_delete(timer) == 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

/* Each of these interrupts all threads of the process, the library's too. */
static void users(void)
{
	int i;

	ctx = setup(4);
	for (i = 0; i < 1500; i++)
		CHECK(seteuid(i % 2 ? 0 : 65534) == 0 || geteuid() != 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void *closes(void *unused)
{
	while (!over) {
		int other = eventfd(0, EFD_NONBLOCK);

		close(event_fd);
		if (other != event_fd)
			dup2(other, event_fd), close(other);
	}
	return unused;
}

static void closed(void)
{
	int fd = reopen(temp_file(65536, 4), O_RDONLY | O_DIRECT), i;
	char *memory = (char *)pages(4096);
	struct io_event event;
	pthread_t thread;
	struct iocb iocb;

	ctx = setup(4);
	event_fd = eventfd(0, EFD_NONBLOCK);
	CHECK_EQ(pthread_create(&thread, NULL, closes, NULL), 0);
	for (i = 0; i < 20000; i++) {
		int taken;

		io_prep_pread(&iocb, fd, memory, 4096, 0);
		io_set_eventfd(&iocb, event_fd);
		taken = submit_one(ctx, &iocb);
		if (taken == 1)
			reap(ctx, 1, &event);
		else
			CHECK(taken == -EBADF || taken == -EINVAL);
	}
	over = 1;
	pthread_join(thread, NULL);
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	ctx = setup(8);
	handlers();
	users();
	closed();
	return 0;
}
