/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls from a signal handler on a small stack of its own, and from threads with much thread-local data. */
// variants: theirs, ours, ours-kernel, preload, strict
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>

/* What SIGSTKSZ was for as long as it was a constant. */
enum { STACK = 8192, BLOCK = 4096, SEGMENTS = 1024 };

/* The stack of each thread has to have room for this. */
static __thread char much[512 * 1024];

static io_context_t ctx;
static int file, direct, pipe_fd[2], eventfd_;
static struct iovec vector[SEGMENTS];
static char *memory;
static volatile int done;

static void all_of_it(int signo)
{
	static struct iocb iocb[8], *list[8];
	static struct io_event events[8];
	struct timespec limit = {EVENT_SECONDS, 0};
	struct io_event event;
	int count = 0, i;

	(void)signo;
	io_prep_preadv(&iocb[count++], file, vector, SEGMENTS, 0);
	io_prep_pwritev(&iocb[count++], file, vector, SEGMENTS, 0);
	io_prep_pread(&iocb[count++], direct, memory, BLOCK, 0);
	io_prep_pwrite(&iocb[count++], direct, memory, BLOCK, 0);
	io_prep_fsync(&iocb[count++], file);
	io_prep_poll(&iocb[count++], pipe_fd[0], POLLIN);
	for (i = 0; i < count; i++) {
		list[i] = &iocb[i];
		io_set_eventfd(&iocb[i], eventfd_);
	}
	CHECK_EQ(io_submit(ctx, count, list), count);
	CHECK_EQ(io_cancel(ctx, &iocb[5], &event), -EINPROGRESS);
	CHECK_EQ(io_getevents(ctx, count, count, events, &limit), count);
	CHECK_EQ(io_pgetevents(ctx, 0, 1, &event, &limit, NULL), 0);
	for (i = 0; i < count; i++)
		CHECK_GE(events[i].res, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = setup(8);
	done = 1;
}

int main(void)
{
	stack_t stack;
	struct sigaction action;
	int i;

	/* With a ring or not at all. */
	setenv("AIOURING_BACKEND", getenv("AIOURING_BACKEND") ? "kernel" : "uring", 1);
	memset(much, 1, sizeof(much));
	memset(&stack, 0, sizeof(stack));
	memory = (char *)pages(2 * BLOCK);
	/* Between two pieces of memory that are not there. */
	stack.ss_sp = (char *)pages(4 * HOLE) + HOLE;
	CHECK(munmap((char *)stack.ss_sp - HOLE, HOLE) == 0);
	stack.ss_size = STACK;
	memset(&action, 0, sizeof(action));
	action.sa_handler = all_of_it;
	action.sa_flags = SA_ONSTACK;
	file = temp_file(SEGMENTS * 4, 4);
	direct = reopen(file, O_RDWR | O_DIRECT);
	eventfd_ = eventfd(0, 0);
	CHECK(pipe(pipe_fd) == 0 && eventfd_ >= 0);
	for (i = 0; i < SEGMENTS; i++) {
		vector[i].iov_base = memory + BLOCK + i * 4;
		vector[i].iov_len = 4;
	}
	ctx = setup(8);
	/* The dynamic linker needs much room when it comes by a function for the first time. */
	all_of_it(0);
	done = 0;
	if (sigaltstack(&stack, NULL) != 0)
		SKIP("the processor's registers need a larger stack");
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(done);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
