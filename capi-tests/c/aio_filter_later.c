/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A seccomp filter takes io_uring away while contexts are in use: what is in flight ends, and everything goes on. */
// except: caller, sqpoll (what the filter does is done to the program's own threads)
// old-kernel: no (the ring has a descriptor, and keeps the files of its polls)
#include "aio_check.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <ucontext.h>

#include "filter.h"

enum { BLOCKS = 64, BLOCK = 65536, SIZE = BLOCKS * BLOCK };

static int file, direct;

static void on_sigsys(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
#ifdef __x86_64__
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
	((ucontext_t *)context)->uc_mcontext.regs[0] = (unsigned long)-ENOSYS;
#endif
}

/* Threads that never stop reading. */
struct reader {
	pthread_t thread;
	io_context_t ctx;
	char *memory;
	unsigned long rounds;
	int stop;
};

static void *read_on(void *argument)
{
	struct reader *reader = (struct reader *)argument;
	struct iocb iocb[4], *list[4];
	struct io_event events[4];
	int i;

	while (!__atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE)) {
		for (i = 0; i < 4; i++) {
			int block = (int)(mix(reader->rounds * 4 + (unsigned long)i) % BLOCKS);

			io_prep_pread(&iocb[i], direct, reader->memory + i * BLOCK, 4096, block * BLOCK);
			list[i] = &iocb[i];
		}
		CHECK_EQ(io_submit(reader->ctx, 4, list), 4);
		reap(reader->ctx, 4, events);
		for (i = 0; i < 4; i++) {
			CHECK_EQ(events[i].res, 4096);
			CHECK_PATTERN(reader->memory + i * BLOCK, 4096, 92, iocb[i].u.c.offset);
		}
		__atomic_fetch_add(&reader->rounds, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void start(struct reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->ctx = setup(8);
	reader->memory = (char *)pages(4 * BLOCK);
	CHECK(pthread_create(&reader->thread, NULL, read_on, reader) == 0);
}

static unsigned long rounds(struct reader *reader)
{
	return __atomic_load_n(&reader->rounds, __ATOMIC_ACQUIRE);
}

static void await_rounds(struct reader *reader, unsigned long more)
{
	unsigned long target = rounds(reader) + more;

	while (rounds(reader) < target)
		sleep_ms(1);
}

static void await_input(int fd)
{
	struct pollfd entry = {fd, POLLIN, 0};

	CHECK_EQ(poll(&entry, 1, 5000), 1);
}

static unsigned int first, last, action, action_of_setup;

static void use(void (*take_away)(void), int busy)
{
	struct iocb iocb[BLOCKS], *list[BLOCKS], polls[4], *poll_list[4], one;
	struct io_event events[BLOCKS], event;
	struct reader readers[2];
	io_context_t ctx = setup(BLOCKS), polling = setup(8);
	char *memory = (char *)pages(SIZE), byte;
	int pipe_fd[2], pair[2], eventfd_ = eventfd(0, 0), i;
	uint64_t count;

	CHECK(pipe(pipe_fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && eventfd_ >= 0);
	io_prep_poll(&polls[0], pipe_fd[0], POLLIN);
	io_prep_poll(&polls[1], pair[0], POLLIN);
	io_prep_poll(&polls[2], pipe_fd[0], POLLIN);
	io_set_eventfd(&polls[2], eventfd_);
	io_prep_poll(&polls[3], pair[0], POLLPRI);
	for (i = 0; i < 4; i++)
		poll_list[i] = &polls[i];
	CHECK_EQ(io_submit(polling, 4, poll_list), 4);
	for (i = 0; busy && i < 2; i++)
		start(&readers[i]);
	if (busy)
		await_rounds(&readers[0], 3);
	else
		sleep_ms(20);
	for (i = 0; i < BLOCKS; i++) {
		io_prep_pread(&iocb[i], direct, memory + i * BLOCK, BLOCK, (long)i * BLOCK);
		io_set_eventfd(&iocb[i], eventfd_);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, BLOCKS, list), BLOCKS);
	take_away();

	/* What was in flight. */
	reap(ctx, BLOCKS, events);
	for (i = 0; i < BLOCKS; i++)
		CHECK_EQ(events[i].res, BLOCK);
	CHECK_PATTERN(memory, SIZE, 92, 0);
	CHECK_EQ(read(eventfd_, &count, 8), 8);
	CHECK_EQ(count, BLOCKS);
	CHECK_EQ(ready(ctx), 0);

	/* What comes after. */
	memset(memory, 0, SIZE);
	CHECK_EQ(io_submit(ctx, BLOCKS, list), BLOCKS);
	reap(ctx, BLOCKS, events);
	CHECK_PATTERN(memory, SIZE, 92, 0);
	for (count = 0; count < BLOCKS;) {
		uint64_t more;

		CHECK_EQ(read(eventfd_, &more, 8), 8);
		count += more;
	}
	CHECK_EQ(count, BLOCKS);
	io_prep_pwrite(&one, direct, memory, 4096, 0);
	EVENT_IS(ctx, &one, 4096);
	io_prep_fsync(&one, direct);
	EVENT_IS(ctx, &one, 0);
	/* Files that grow, and those that are read for the first time. */
	i = temp_file(3 * 4096, 93);
	drop_cache(i, 0, 0);
	io_prep_pread(&one, i, memory, 4 * 4096, 0);
	EVENT_IS(ctx, &one, 3 * 4096);
	CHECK_PATTERN(memory, 3 * 4096, 93, 0);
	io_prep_pwrite(&one, reopen(i, O_WRONLY | O_DIRECT), memory, 4096, 3 * 4096);
	EVENT_IS(ctx, &one, 4096);
	io_prep_pread(&one, i, memory, 4 * 4096, 4096);
	EVENT_IS(ctx, &one, 3 * 4096);

	/* Polls: what was pending comes true, or is taken back. */
	CHECK_PENDING(polling);
	CHECK_EQ(io_cancel(polling, &polls[3], &event), -EINPROGRESS);
	reap(polling, 1, &event);
	CHECK(event.obj == &polls[3]);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(io_cancel(polling, &polls[3], &event), -EINVAL);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(polling, 2, events);
	CHECK((events[0].obj == &polls[0] && events[1].obj == &polls[2]) ||
	      (events[1].obj == &polls[0] && events[0].obj == &polls[2]));
	CHECK(events[0].res & POLLIN && events[1].res & POLLIN);
	await_input(eventfd_);
	CHECK_EQ(read(eventfd_, &count, 8), 8);
	CHECK_EQ(count, 1);
	CHECK_EQ(io_cancel(polling, &polls[1], &event), -EINPROGRESS);
	reap(polling, 1, &event);
	CHECK(event.obj == &polls[1]);
	/* Nothing keeps the socket. */
	close(pair[0]);
	await_input(pair[1]);
	CHECK_EQ(read(pair[1], &byte, 1), 0);
	/* New ones. */
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	CHECK_EQ(submit_one(polling, &polls[0]), 1);
	CHECK_PENDING(polling);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	sleep_ms(1);
	CHECK_EQ(io_getevents(polling, 1, 1, &event, NULL), 1);
	CHECK(event.obj == &polls[0]);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	CHECK_EQ(submit_one(polling, &polls[0]), 1);
	/* With one of them pending. */
	CHECK_EQ(io_destroy(polling), 0);
	if (!action_of_setup) {
		polling = setup(1);
		CHECK_EQ(submit_one(polling, &polls[0]), 1);
	}
	for (i = 0; busy && i < 2; i++) {
		await_rounds(&readers[i], 10);
		__atomic_store_n(&readers[i].stop, 1, __ATOMIC_RELEASE);
		CHECK(pthread_join(readers[i].thread, NULL) == 0);
	}
	io_prep_pread(&one, direct, memory, BLOCK, 0);
	CHECK_EQ(submit_one(ctx, &one), 1);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void by_filter(void)
{
	/* One that kills is noticed when there was a pause. */
	if (action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD)
		sleep_ms(50);
	if (action_of_setup)
		filter_calls(__NR_io_setup, __NR_io_setup, action_of_setup, 1);
	filter_calls(first, last, action, 1);
}

static void under(unsigned int from, unsigned int to, unsigned int what, int busy)
{
	pid_t child;

	first = from;
	last = to;
	action = what;
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct sigaction sigsys;

		watchdog();
		memset(&sigsys, 0, sizeof(sigsys));
		sigsys.sa_sigaction = on_sigsys;
		sigsys.sa_flags = SA_SIGINFO;
		sigaction(SIGSYS, &sigsys, NULL);
		use(by_filter, busy);
		exit(0);
	}
	wait_exit(child, 0);
}

int main(void)
{
	const unsigned int enter = __NR_io_uring_enter;
	int busy;

	file = temp_file(SIZE, 92);
	direct = reopen(file, O_RDWR | O_DIRECT);
	for (busy = 0; busy < 2; busy++) {
		under(enter, enter, SECCOMP_RET_ERRNO | EPERM, busy);
		under(__NR_io_uring_setup, __NR_io_uring_register, SECCOMP_RET_ERRNO | ENOSYS, busy);
		under(enter, enter, SECCOMP_RET_ERRNO | EACCES, busy);
		under(enter, enter, SECCOMP_RET_ERRNO, busy);
		under(enter, enter, SECCOMP_RET_TRAP, busy);
	}
	under(__NR_io_uring_setup, __NR_io_uring_register, SECCOMP_RET_KILL_PROCESS, 0);
	under(enter, enter, SECCOMP_RET_KILL_THREAD, 0);
	/* No context of the kernel's either. */
	action_of_setup = SECCOMP_RET_ERRNO | EAGAIN;
	under(enter, enter, SECCOMP_RET_ERRNO | EPERM, 0);
	under(enter, enter, SECCOMP_RET_ERRNO | EPERM, 1);
	return 0;
}
