/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Requests that are certainly in flight, on a slow device: who waits for them and who does not. */
#include "aio_check.h"
#include "slow_device.h"

#include <sys/eventfd.h>

enum { BLOCK = 4096, BLOCKS = 256 };

static int device, cached;
static io_context_t ctx;
static char *memory;
static long next_block;
static volatile sig_atomic_t handled;

static void handler(int signo)
{
	(void)signo;
	handled++;
}

/* A read of a block that has not been read before, in flight until the device is released; returns its number. */
static long start_read(struct iocb *iocb)
{
	long block = ++next_block;

	slow_hold();
	memset(memory, 0, BLOCK);
	io_prep_pread(iocb, device, memory, BLOCK, block * BLOCK);
	iocb->data = (void *)(uintptr_t)block;
	CHECK_EQ(submit_one(ctx, iocb), 1);
	CHECK((memory[0] | memory[1] | memory[2] | memory[3]) == 0);
	return block;
}

static void finish_read(struct iocb *iocb, long block)
{
	struct io_event event;

	CHECK_EQ(ready(ctx), 0);
	slow_release();
	reap(ctx, 1, &event);
	CHECK(event.obj == iocb && event.data == (void *)(uintptr_t)block);
	CHECK_EQ(event.res, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)block * BLOCK);
}

static void *destroy(void *arg)
{
	long start = now_ms();
	intptr_t result;

	(void)arg;
	result = io_destroy(ctx);
	return (void *)(result ? result : now_ms() - start);
}

int main(void)
{
	struct iocb iocb, other, *gone = (struct iocb *)pages(4096);
	struct io_event events[2];
	struct timespec tenth = {0, 100000000}, zero = {0, 0};
	struct sigaction action;
	pthread_t thread[2];
	void *result[2];
	uint64_t count;
	int event_fd = eventfd(0, 0), kept = dup(event_fd);
	long block;
	char byte;
	pid_t child;

	memory = (char *)pages(BLOCK);
	cached = temp_file(4096, 41);
	CHECK_EQ(pread(cached, &byte, 1, 0), 1);
	device = slow_device(BLOCKS * BLOCK, 40);
	ctx = setup(8);

	/* The event comes, in its time; a timeout that is too short is one. */
	block = start_read(&iocb);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, &tenth), 0);
	finish_read(&iocb, block);

	/* A cached read overtakes it: events come in the order of completion. */
	block = start_read(&iocb);
	io_prep_pread(&other, cached, &byte, 1, 0);
	CHECK_EQ(submit_one(ctx, &other), 1);
	reap(ctx, 1, events);
	CHECK(events[0].obj == &other);
	finish_read(&iocb, block);

	/* It cannot be cancelled; its iocb may be gone; a child comes and goes. */
	block = start_read(&iocb);
	CHECK_EQ(io_cancel(ctx, &iocb, &events[0]), -EINVAL);
	child = fork();
	if (child == 0)
		_exit(0);
	wait_exit(child, 0);
	finish_read(&iocb, block);
	block = start_read(gone);
	munmap(gone, 4096);
	finish_read(gone, block);

	/* Its eventfd may be closed; who has read the count finds the event. */
	slow_hold();
	io_prep_pread(&iocb, device, memory, BLOCK, 100 * BLOCK);
	io_set_eventfd(&iocb, event_fd);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	close(event_fd);
	slow_release();
	CHECK_EQ(read(kept, &count, 8), 8);
	CHECK_EQ(count, 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, events, &zero), 1);
	CHECK_PATTERN(memory, BLOCK, 40, 100 * BLOCK);

	/* io_destroy waits, whatever signal comes; a second caller is refused and does not wait. */
	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	block = start_read(&iocb);
	CHECK_EQ(pthread_create(&thread[0], NULL, destroy, NULL), 0);
	sleep_ms(20);
	CHECK_EQ(pthread_create(&thread[1], NULL, destroy, NULL), 0);
	CHECK_EQ(pthread_kill(thread[0], SIGUSR1), 0);
	CHECK_EQ(pthread_join(thread[1], &result[1]), 0);
	CHECK_EQ((intptr_t)result[1], -EINVAL);
	CHECK_EQ(first_wrong(memory, BLOCK, 40, (uint64_t)block * BLOCK), 0);
	slow_release();
	CHECK_EQ(pthread_join(thread[0], &result[0]), 0);
	CHECK_GE((intptr_t)result[0], 20);
	CHECK_PATTERN(memory, BLOCK, 40, (uint64_t)block * BLOCK);
	CHECK_EQ(handled, 1);
	return 0;
}
