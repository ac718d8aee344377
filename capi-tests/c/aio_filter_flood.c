/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A seccomp filter takes io_uring away while thousands of reads are in flight, which then all end at once. */
// except: caller, sqpoll (what the filter does is done to the program's own threads)
// old-kernel: no (the ring has a descriptor)
#include "aio_check.h"

#include "filter.h"
#include "slow_device.h"

enum { BLOCK = 512, BLOCKS = 64, FEW = 3500, MANY = 6000 };

static int device, other;

/* Takes io_uring away, and has the library notice. */
static void take_away(void)
{
	struct iocb iocb;
	io_context_t ctx = setup(1);

	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, 1);
	io_prep_pread(&iocb, other, pages(4096), 4096, 0);
	EVENT_IS(ctx, &iocb, 4096);
}

static void *release_later(void *unused)
{
	sleep_ms(300);
	take_away();
	sleep_ms(100);
	slow_release();
	return unused;
}

static void flood(int count)
{
	struct iocb *iocb = (struct iocb *)calloc((size_t)count, sizeof(*iocb)), **list;
	struct io_event *events = (struct io_event *)calloc((size_t)count, sizeof(*events));
	char *memory = (char *)pages((size_t)count * BLOCK);
	io_context_t ctx = setup(count);
	pthread_t thread;
	int i;

	list = (struct iocb **)calloc((size_t)count, sizeof(struct iocb *));
	CHECK(iocb && list && events);
	slow_hold();
	for (i = 0; i < count; i++) {
		io_prep_pread(&iocb[i], device, memory + i * BLOCK, BLOCK, i % BLOCKS * BLOCK);
		list[i] = &iocb[i];
	}
	/* Kernel AIO and the library may both want to wait before they take more than so many. */
	if (count > FEW)
		CHECK_EQ(pthread_create(&thread, NULL, release_later, NULL), 0);
	CHECK_EQ(io_submit(ctx, count, list), count);
	if (count > FEW) {
		CHECK(pthread_join(thread, NULL) == 0);
	} else {
		take_away();
		slow_release();
	}
	reap(ctx, count, events);
	for (i = 0; i < count; i++) {
		struct iocb *done = events[i].obj;

		CHECK_EQ(events[i].res, BLOCK);
		CHECK(done >= iocb && done < iocb + count && done->data == NULL);
		done->data = done;
		CHECK_PATTERN((char *)done->u.c.buf, BLOCK, 94, done->u.c.offset);
	}
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void in_child(int count)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		watchdog();
		flood(count);
		exit(0);
	}
	wait_exit(child, 0);
}

int main(void)
{
	device = slow_device(BLOCKS * BLOCK, 94);
	other = reopen(temp_file(4096, 92), O_RDONLY | O_DIRECT);
	slow_release();
	in_child(FEW);
	in_child(MANY);
	return 0;
}
