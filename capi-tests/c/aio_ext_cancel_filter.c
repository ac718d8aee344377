/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel when a seccomp filter has taken io_uring away: of polls that the ring had, and of those that kernel AIO
   has, or nobody. */
// except: caller, sqpoll (what the filter does is done to the program's own threads)
// old-kernel: no (the ring has a descriptor, and keeps the files of its polls)
#include <aiouring.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "aio_check.h"
#include "filter.h"

enum { BLOCK = 4096, EACH = 3 };

#define ALL AIOURING_CANCEL_ALL
#define WAIT AIOURING_CANCEL_WAIT

static int direct, without_kernel;

/* Takes io_uring away, and has the library notice. */
static void take_away(void)
{
	struct iocb iocb;
	io_context_t ctx = setup(1);
	char *memory = (char *)pages(BLOCK);

	if (without_kernel)
		filter_calls(__NR_io_setup, __NR_io_setup, SECCOMP_RET_ERRNO | EAGAIN, 1);
	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, 1);
	io_prep_pread(&iocb, direct, memory, BLOCK, 0);
	EVENT_IS(ctx, &iocb, BLOCK);
}

static void begin(io_context_t ctx, struct iocb *iocb, int fd, int counter)
{
	struct iocb *list[EACH];
	int i;

	for (i = 0; i < EACH; i++) {
		io_prep_poll(&iocb[i], fd, POLLIN);
		io_set_eventfd(&iocb[i], counter);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, EACH, list), EACH);
}

static void cancelled(io_context_t ctx, int count)
{
	struct io_event events[4 * EACH];
	int i;

	CHECK_EQ(io_getevents(ctx, 0, 4 * EACH, events, &(struct timespec){0, 0}), count);
	for (i = 0; i < count; i++)
		CHECK_EQ((int64_t)events[i].res, -ECANCELED);
}

static void count_is(int counter, eventfd_t expected)
{
	eventfd_t value;

	CHECK_EQ(eventfd_read(counter, &value), 0);
	CHECK_EQ(value, expected);
	sleep_ms(30);
	CHECK_EQ(eventfd_read(counter, &value), -1);
}

static void run(int closed)
{
	struct iocb before[EACH], other[EACH], after[EACH];
	io_context_t ctx = setup(4 * EACH);
	int pipes[3][2], counter = eventfd(0, EFD_NONBLOCK), i;
	struct iocb read_iocb;
	struct io_event event;
	char *memory = (char *)pages(BLOCK);

	for (i = 0; i < 3; i++)
		CHECK(pipe(pipes[i]) == 0);
	begin(ctx, before, pipes[0][0], counter);
	begin(ctx, other, pipes[1][0], counter);
	if (closed) {
		close(pipes[0][0]);
		close(pipes[1][0]);
	}
	take_away();
	begin(ctx, after, pipes[2][0], counter);
	CHECK_PENDING(ctx);
	CHECK_EQ(aiouring_cancel(ctx, &after[1], -1, AIOURING_CANCEL_IOCB | WAIT, NULL), 1);
	cancelled(ctx, 1);
	CHECK_EQ(aiouring_cancel(ctx, &after[1], -1, AIOURING_CANCEL_IOCB | WAIT, NULL), -ENOENT);
	CHECK_EQ(aiouring_cancel(ctx, NULL, pipes[0][0], AIOURING_CANCEL_FD | WAIT, NULL), EACH);
	cancelled(ctx, EACH);
	CHECK_EQ(aiouring_cancel(ctx, NULL, pipes[0][0], AIOURING_CANCEL_FD, NULL), -ENOENT);
	CHECK_PENDING(ctx);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), 2 * EACH - 1);
	cancelled(ctx, 2 * EACH - 1);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, ALL | WAIT, NULL), -ENOENT);
	count_is(counter, 3 * EACH);

	/* A transfer ends by itself. */
	io_prep_pread(&read_iocb, direct, memory, BLOCK, 0);
	CHECK_EQ(submit_one(ctx, &read_iocb), 1);
	i = aiouring_cancel(ctx, &read_iocb, -1, AIOURING_CANCEL_IOCB | WAIT, NULL);
	CHECK(i == -ENOENT || i == -EALREADY);
	CHECK_EQ(io_getevents(ctx, 0, 1, &event, &(struct timespec){0, 0}), 1);
	CHECK_EQ(event.res, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 5, 0);
	/* io_cancel says what it always did. */
	begin(ctx, after, pipes[2][0], counter);
	CHECK_EQ(io_cancel(ctx, &after[0], &event), -EINPROGRESS);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

int main(void)
{
	int what;

	direct = reopen(temp_file(BLOCK, 5), O_RDONLY | O_DIRECT);
	for (what = 0; what < 4; what++) {
		pid_t pid = fork();

		if (pid == 0) {
			watchdog();
			without_kernel = what & 1;
			run(what & 2);
			_exit(0);
		}
		wait_exit(pid, 0);
	}
	return 0;
}
