/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the AIO face share. */
#ifndef AIO_CHECK_H
#define AIO_CHECK_H

#include <libaio.h>
#include <pthread.h>
#include <sys/uio.h>

#include "check.h"

/* Longest time an event may take, in seconds. */
#define EVENT_SECONDS 15

/* The header at the address of a context; the events follow it. */
struct ring_header {
	unsigned int id, nr, head, tail, magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};

MAYBE_UNUSED static struct ring_header *ring_of(io_context_t ctx)
{
	return (struct ring_header *)(void *)ctx;
}

MAYBE_UNUSED static unsigned int ring_load(unsigned int *field)
{
	return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

/* An address in the kernel's half. */
#define KERNEL_ADDRESS ((char *)~(uintptr_t)0xfffff)

MAYBE_UNUSED static io_context_t setup(int nr)
{
	io_context_t ctx = NULL;

	CHECK_EQ(io_setup(nr, &ctx), 0);
	CHECK(ctx != NULL);
	return ctx;
}

MAYBE_UNUSED static int submit_one(io_context_t ctx, struct iocb *iocb)
{
	return io_submit(ctx, 1, &iocb);
}

/* Collects exactly `count` events. */
MAYBE_UNUSED static void reap(io_context_t ctx, long count, struct io_event *events)
{
	struct timespec limit = {EVENT_SECONDS, 0};

	CHECK_EQ(io_getevents(ctx, count, count, events, &limit), count);
}

/* Number of events that are there now, up to 64; they are dropped. */
MAYBE_UNUSED static int ready(io_context_t ctx)
{
	struct io_event events[64];
	struct timespec zero = {0, 0};

	return io_getevents(ctx, 0, 64, events, &zero);
}

/* Checks that nothing comes for a while. */
#define CHECK_PENDING(ctx)                                                                                             \
	do {                                                                                                           \
		sleep_ms(30);                                                                                          \
		CHECK_EQ(ready(ctx), 0);                                                                               \
	} while (0)

/* Result of a request whose submission has to succeed; checks the rest of the event. */
MAYBE_UNUSED static long event_of(io_context_t ctx, struct iocb *iocb, int line)
{
	struct io_event event;
	struct timespec limit = {EVENT_SECONDS, 0};
	void *data = iocb->data;
	int submitted = submit_one(ctx, iocb);

	if (submitted != 1)
		FAIL("called at line %d: io_submit is %d, expected 1", line, submitted);
	memset(&event, 0x55, sizeof(event));
	if (io_getevents(ctx, 1, 1, &event, &limit) != 1)
		FAIL("called at line %d: no event", line);
	if (event.obj != iocb || event.data != data || event.res2 != 0 || iocb->key != 0)
		FAIL("called at line %d: event {%p, %p, %ld, %ld}, key %u", line, event.data, (void *)event.obj,
		     (long)event.res, (long)event.res2, iocb->key);
	return (long)event.res;
}

/* The request is accepted and its event carries this result. */
#define EVENT_IS(ctx, iocb, result)                                                                                    \
	do {                                                                                                           \
		long event_result_ = event_of(ctx, iocb, __LINE__);                                                    \
		if (event_result_ != (long)(result))                                                                   \
			FAIL("event result is %ld, expected %s (%ld)", event_result_, #result, (long)(result));        \
	} while (0)

/* The request is refused by io_submit with this error. */
#define SUBMIT_IS(ctx, iocb, error) CHECK_EQ(submit_one(ctx, iocb), error)

/* Reads so many pages of a file of pattern `seed`, and waits for each. */
MAYBE_UNUSED static void read_one_by_one(io_context_t ctx, int fd, int count, uint64_t seed)
{
	enum { PAGE = 4096 };
	char *memory = (char *)pages(PAGE);
	struct iocb iocb;
	int i;

	for (i = 0; i < count; i++) {
		io_prep_pread(&iocb, fd, memory, PAGE, (long long)i * PAGE);
		EVENT_IS(ctx, &iocb, PAGE);
		CHECK_PATTERN(memory, PAGE, seed, (uint64_t)i * PAGE);
	}
	munmap(memory, PAGE);
}

#endif
