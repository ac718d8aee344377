/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread that is used to waiting for its direct transfers gets a seccomp filter that kills for io_uring: it is not killed. */
// except: caller, sqpoll (what the filter does is done to the program's own threads)
// old-kernel: no (the ring has a descriptor, and keeps the files of its polls)
#include "aio_check.h"
#include "filter.h"
#include "slow_device.h"

enum { BLOCK = 4096, WAITS = 80 };

static int file, device;
static char *memory;

static void use(io_context_t ctx)
{
	read_one_by_one(ctx, file, WAITS, 41);
}

static void forbid(void)
{
	filter_calls(__NR_io_uring_setup, __NR_io_uring_register, SECCOMP_RET_KILL_PROCESS, 0);
}

/* Before it has waited at all. */
static void *at_first(void *ctx)
{
	forbid();
	use((io_context_t)ctx);
	return NULL;
}

/* Between two requests, and after the last. */
static void *between(void *ctx)
{
	use((io_context_t)ctx);
	forbid();
	use((io_context_t)ctx);
	return NULL;
}

static void *at_last(void *ctx)
{
	use((io_context_t)ctx);
	forbid();
	return NULL;
}

static struct iocb iocb;

/* With a request in flight, which the thread leaves to others. */
static void *in_flight(void *ctx)
{
	use((io_context_t)ctx);
	slow_hold();
	io_prep_pread(&iocb, device, memory, BLOCK, BLOCK);
	CHECK_EQ(submit_one((io_context_t)ctx, &iocb), 1);
	forbid();
	return NULL;
}

/* Or waits for, right after it waited for another. */
static void *in_flight_and_waits(void *ctx)
{
	struct iocb other;
	struct io_event event;

	use((io_context_t)ctx);
	slow_hold();
	io_prep_pread(&iocb, device, memory, BLOCK, 2 * BLOCK);
	io_prep_pread(&other, file, memory + BLOCK, BLOCK, 0);
	CHECK_EQ(submit_one((io_context_t)ctx, &iocb), 1);
	EVENT_IS((io_context_t)ctx, &other, BLOCK);
	forbid();
	slow_release();
	reap((io_context_t)ctx, 1, &event);
	CHECK(event.obj == &iocb);
	CHECK_PATTERN(memory, BLOCK, 40, 2 * BLOCK);
	return NULL;
}

static void in_a_child(void *(*thread)(void *))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		io_context_t ctx, other;
		struct io_event event;
		pthread_t id;

		watchdog();
		ctx = setup(8);
		other = setup(8);
		CHECK_EQ(pthread_create(&id, NULL, thread, ctx), 0);
		CHECK_EQ(pthread_join(id, NULL), 0);
		if (thread == in_flight) {
			slow_release();
			reap(ctx, 1, &event);
			CHECK(event.obj == &iocb);
			CHECK_EQ(event.res, BLOCK);
			CHECK_PATTERN(memory, BLOCK, 40, BLOCK);
		}
		use(other);
		use(ctx);
		CHECK_EQ(io_destroy(ctx), 0);
		_exit(0);
	}
	wait_exit(child, 0);
}

int main(void)
{
	memory = (char *)pages(2 * BLOCK);
	file = reopen(temp_file(WAITS * BLOCK, 41), O_RDONLY | O_DIRECT);
	device = slow_device(16 * BLOCK, 40);
	slow_release();
	in_a_child(at_first);
	in_a_child(between);
	in_a_child(at_last);
	in_a_child(in_flight);
	in_a_child(in_flight_and_waits);
	return 0;
}
