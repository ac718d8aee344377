/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The completion ring at the address of a context, row by row: what it says, and what a program may do to it. */
#include "aio_rows.h"

#include <poll.h>
#include <sys/syscall.h>

#include "slow_device.h"

static io_context_t ctx;
static struct ring_header *ring;
static struct timespec zero, tenth = {0, 100000000}, second = {1, 0};
static struct iocb iocbs[512];
static struct io_event events[512];

static void begin(int nr)
{
	ctx = setup(nr);
	ring = ring_of(ctx);
}

/* Makes events that are there when this returns, with data from `first` on. */
static void make_ready(int first, int count)
{
	int i;

	for (i = first; i < first + count; i++) {
		prepare_good(&iocbs[i]);
		iocbs[i].data = (void *)(uintptr_t)i;
		CHECK_EQ(submit_one(ctx, &iocbs[i]), 1);
	}
}

static const char *event_in(const struct io_event *event)
{
	uintptr_t data = (uintptr_t)event->data;

	return text("data %d, %s, res %ld, res2 %ld", (int)data,
		    data < COUNT_OF(iocbs) && event->obj == &iocbs[data] ? "its iocb" : "another iocb",
		    (long)event->res, (long)event->res2);
}

static const char *head_and_tail(void)
{
	return text("head %u, tail %u", ring_load(&ring->head), ring_load(&ring->tail));
}

static void M01(void)
{
	int i;

	begin(4);
	SAY("empty", "%s", head_and_tail());
	make_ready(0, 3);
	SAY("three reads", "%s", head_and_tail());
	for (i = 0; i < 3; i++)
		SAY(text("event %d", i), "%s", event_in(&ring->events[i]));
	reap(ctx, 3, events);
	SAY("taken", "%s", head_and_tail());
	prepare_good(&iocbs[7]);
	iocbs[7].data = (void *)7;
	iocbs[7].u.c.buf = hole();
	CHECK_EQ(submit_one(ctx, &iocbs[7]), 1);
	SAY("a read into nowhere", "%s", event_in(&ring->events[3]));
	SAY("magic and features", "0x%x %u %u %u", ring->magic, ring->compat_features, ring->incompat_features,
	    ring->header_length);
}

static void M02(void)
{
	begin(4);
	make_ready(0, 3);
	SAY_RESULT("two of three", io_getevents(ctx, 1, 2, events, NULL));
	SAY("then", "%s", head_and_tail());
	SAY_RESULT("the third", io_getevents(ctx, 1, 2, events, &zero));
	SAY("at last", "%s", head_and_tail());
}

static void M03(void)
{
	int n;

	begin(4);
	make_ready(0, 3);
	__atomic_store_n(&ring->head, 2, __ATOMIC_RELEASE);
	n = io_getevents(ctx, 1, 8, events, NULL);
	SAY("head moved by two of three", "%d, %s", n, event_in(&events[0]));
	SAY("then", "%s", head_and_tail());
	make_ready(3, 2);
	__atomic_store_n(&ring->head, ring_load(&ring->tail), __ATOMIC_RELEASE);
	SAY_RESULT("head moved to the tail", io_getevents(ctx, 0, 8, events, &zero));
	SAY_RESULT("and a wait", io_getevents(ctx, 1, 8, events, &tenth));
	make_ready(5, 1);
	n = io_getevents(ctx, 1, 8, events, NULL);
	SAY("one more", "%d, %s", n, event_in(&events[0]));
	/* Back: what was taken is there again. */
	__atomic_store_n(&ring->head, 1, __ATOMIC_RELEASE);
	n = io_getevents(ctx, 1, 8, events, NULL);
	SAY("head moved back to 1", "%d, %s", n, event_in(&events[0]));
}

/* Reads until no slot is left. */
static int submit_all(void)
{
	int n;

	for (n = 0; n < 512; n++) {
		prepare_good(&iocbs[n]);
		if (submit_one(ctx, &iocbs[n]) != 1)
			break;
	}
	return n;
}

static void M04(void)
{
	int first, second_time, third;

	begin(1);
	first = submit_all();
	CHECK(first > 8 && first < 512);
	SAY_RESULT("one more when it is full", submit_one(ctx, &iocbs[0]));
	__atomic_store_n(&ring->head, ring_load(&ring->tail), __ATOMIC_RELEASE);
	second_time = submit_all();
	SAY("after head was moved to the tail", "%s", second_time == first ? "as many again" : text("%d", second_time));
	__atomic_store_n(&ring->head, (ring_load(&ring->head) + 10) % ring->nr, __ATOMIC_RELEASE);
	third = submit_all();
	SAY("after it was moved by 10", "%s", third > 0 && third <= 10 ? "as many" : text("%d", third));
	SAY("all of them", "%s", ready(ctx) == 64 ? "some" : "few");
}

static void M05(void)
{
	int round, i, wrong = 0, next = 0;

	/* Round and round, taken by the program itself. */
	begin(1);
	for (round = 0; round < 100; round++) {
		make_ready(0, 7);
		for (i = 0; i < 7; i++) {
			unsigned int head = ring_load(&ring->head);

			wrong += head == ring_load(&ring->tail) || ring->events[head].data != (void *)(uintptr_t)i;
			__atomic_store_n(&ring->head, (head + 1) % ring->nr, __ATOMIC_RELEASE);
			next++;
		}
	}
	SAY("700 events taken from memory, wrong", "%d", wrong);
	SAY("left", "%d", ready(ctx));
	SAY("tail", "%s", ring_load(&ring->tail) == 700 % ring->nr ? "where it has to be" : "elsewhere");
}

static void M06(void)
{
	struct timespec time = {0, 100000000};
	unsigned int nr;
	int n;

	begin(1);
	nr = ring->nr;
	make_ready(0, 2);
	__atomic_store_n(&ring->head, nr + 5, __ATOMIC_RELEASE);
	n = io_getevents(ctx, 0, 512, events, &zero);
	SAY("head is nr + 5", "%s", n == (int)nr - 3 ? "all from 5 to the tail" : text("%d", n));
	SAY("then", "%s", head_and_tail());
	__atomic_store_n(&ring->head, 0xffffffff, __ATOMIC_RELEASE);
	n = io_getevents(ctx, 0, 512, events, &time);
	SAY("head is -1", "%s", n > 0 && n < (int)nr ? "some" : text("%d", n));
	__atomic_store_n(&ring->head, ring_load(&ring->tail), __ATOMIC_RELEASE);
	prepare_good(&iocbs[0]);
	SAY_OUTCOME("a read after all that", ctx, &iocbs[0]);
	SAY_RESULT("destroy", io_destroy(ctx));
}

static void M07(void)
{
	static const unsigned int ids[] = {5, 0xffffffff, 0x7fffffff};
	unsigned int id;
	size_t i;

	begin(4);
	id = ring->id;
	prepare_good(&iocbs[0]);
	for (i = 0; i < COUNT_OF(ids); i++) {
		const char *name = text("id 0x%x", ids[i]);

		ring->id = ids[i];
		SAY_RESULT(text("%s, submit", name), submit_one(ctx, &iocbs[0]));
		SAY_RESULT(text("%s, getevents", name), io_getevents(ctx, 1, 1, events, NULL));
		SAY_RESULT(text("%s, getevents, zero time", name), io_getevents(ctx, 1, 1, events, &zero));
		SAY_RESULT(text("%s, cancel", name), io_cancel(ctx, &iocbs[0], events));
		SAY_RESULT(text("%s, destroy", name), io_destroy(ctx));
	}
	ring->id = id;
	SAY_OUTCOME("restored, a read", ctx, &iocbs[0]);
	SAY_RESULT("restored, destroy", io_destroy(ctx));
}

static void M08(void)
{
	begin(4);
	ring->magic = 0;
	ring->nr = 1;
	make_ready(0, 3);
	SAY_RESULT("magic 0, nr 1, three reads", io_getevents(ctx, 3, 3, events, &second));
	SAY_RESULT("and no more", io_getevents(ctx, 1, 3, events, &tenth));
	SAY_RESULT("min 2 of 1, zero time", io_getevents(ctx, 2, 1, events, &zero));
	ring->nr = 0xffffffff;
	ring->compat_features = ring->incompat_features = ring->header_length = 0xffffffff;
	make_ready(0, 3);
	SAY_RESULT("nr -1, three reads", io_getevents(ctx, 3, 3, events, &second));
	SAY_RESULT("destroy", io_destroy(ctx));
}

static const char *expand(void *handle)
{
	return mremap(handle, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? name_of(-errno) : "done";
}

static void M10(void)
{
	void *moved;

	begin(4);
	SAY("mremap to twice the size, in a child", "%s", outcome_of_child(expand, ctx));
	prepare_good(&iocbs[0]);
	SAY_OUTCOME("a read then", ctx, &iocbs[0]);
	moved = mremap(ctx, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, (char *)pages(65536) + 8192);
	SAY("mremap to another place", "%s", moved == MAP_FAILED ? name_of(-errno) : "done");
	SAY("what is there", "%s",
	    moved != MAP_FAILED && ring_of((io_context_t)moved)->magic == 0xa10a10a1 ? "the ring" : "something else");
	SAY_RESULT("submit by the new address", submit_one((io_context_t)moved, &iocbs[0]));
	SAY_RESULT("getevents by the new address", io_getevents((io_context_t)moved, 1, 1, events, &tenth));
	SAY_RESULT("submit by the old address", submit_one(ctx, &iocbs[0]));
	SAY_RESULT("destroy by the old address", io_destroy(ctx));
	SAY_RESULT("destroy by the new address", io_destroy((io_context_t)moved));
}

static void M12(void)
{
	begin(4);
	SAY("mprotect", "%s", mprotect(ctx, 4096, PROT_READ) == 0 ? "done" : name_of(-errno));
	make_ready(0, 2);
	SAY("read-only, two reads", "%s", head_and_tail());
	SAY_RESULT("getevents", io_getevents(ctx, 1, 2, events, &second));
	SAY("madvise(DONTNEED)", "%s", madvise(ctx, 4096, MADV_DONTNEED) == 0 ? "done" : name_of(-errno));
	make_ready(0, 1);
	SAY_RESULT("getevents after it", io_getevents(ctx, 1, 2, events, &second));
	SAY_RESULT("destroy", io_destroy(ctx));
}

static void M13(void)
{
	int device = slow_device(1 << 20, 13);
	char *memory = (char *)pages(4096);
	long end;

	begin(4);
	slow_hold();
	io_prep_pread(&iocbs[0], device, memory, 4096, 0);
	CHECK_EQ(submit_one(ctx, &iocbs[0]), 1);
	SAY("munmap of the ring", "%s", munmap(ctx, 4096) == 0 ? "done" : name_of(-errno));
	slow_release();
	end = now_ms() + 1000l * EVENT_SECONDS;
	while (first_wrong(memory, 4096, 13, 0) >= 0 && now_ms() < end)
		sleep_ms(1);
	SAY("the read in flight", "%s", first_wrong(memory, 4096, 13, 0) < 0 ? "fills its buffer" : "is lost");
}

static void M14(void)
{
	struct io_event fake = {.data = (void *)99, .obj = &iocbs[99], .res = 9};
	int n;

	begin(4);
	ring->events[0] = fake;
	__atomic_store_n(&ring->tail, 1, __ATOMIC_RELEASE);
	n = io_getevents(ctx, 1, 8, events, &second);
	SAY("a fake event", "%d, %s", n, event_in(&events[0]));
	SAY("then", "%s", head_and_tail());
	make_ready(5, 1);
	SAY("a real one", "tail %u", ring_load(&ring->tail));
	SAY("in the first place", "%s", event_in(&ring->events[0]));
}

static void M15(void)
{
	pid_t child;
	int status;

	/* The ring is the parent's, and shared. */
	begin(4);
	make_ready(0, 2);
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (ring_load(&ring->tail) != 2 || ring->events[1].data != (void *)1)
			_exit(1);
		__atomic_store_n(&ring->head, 1, __ATOMIC_RELEASE);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	SAY("a child", "%s", status == 0 ? "sees the events" : "does not see the events");
	SAY("its head", "%s", head_and_tail());
	SAY_RESULT("getevents", io_getevents(ctx, 1, 8, events, &second));
}

static const struct row rows[] = {
	{"M01", M01}, {"M02", M02}, {"M03", M03}, {"M04", M04}, {"M05", M05}, {"M06", M06}, {"M07", M07},
	{"M08", M08}, {"M10", M10}, {"M12", M12}, {"M13", M13}, {"M14", M14}, {"M15", M15},
};

ROWS_MAIN(rows, 4)
