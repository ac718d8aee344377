/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a program spends in liburing itself: requests that do nothing, there and back. Compiled once with the
 * distribution's headers; LD_LIBRARY_PATH decides whose functions it calls. slice.h says how it is talked with.
 *
 * usage: ring WORKLOAD key=value...
 *
 *   nop                          io_uring_get_sqe, prep, submit, wait, seen
 *   batch batch=32               so many SQEs, one submit that waits, and a loop over the completions
 *   count rounds=1000 batch=1    that many rounds of either and nothing else: what two numbers differ in are the
 *                                instructions of the rounds
 */
#define _GNU_SOURCE
#include "slice.h"

#include <liburing.h>

static struct io_uring ring;
static unsigned batch = 1;
static uint64_t serial;

static void one(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	if (!sqe)
		fail("no SQE");
	io_uring_prep_nop(sqe);
	sqe->user_data = ++serial;
	int result = io_uring_submit(&ring);
	struct io_uring_cqe *cqe;
	if (result != 1 || (result = io_uring_wait_cqe(&ring, &cqe)))
		fail("submit and wait: %d", result);
	if (cqe->user_data != serial || cqe->res)
		fail("completion %llu is %d", (unsigned long long)cqe->user_data, cqe->res);
	io_uring_cqe_seen(&ring, cqe);
}

/* Requests that do nothing complete in their order. */
static void many(void)
{
	uint64_t expected = serial;
	for (unsigned i = 0; i < batch; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		if (!sqe)
			fail("no SQE");
		io_uring_prep_nop(sqe);
		sqe->user_data = ++serial;
	}
	int result = io_uring_submit_and_wait(&ring, batch);
	if (result != (int)batch)
		fail("submit and wait: %d", result);
	struct io_uring_cqe *cqe;
	unsigned head, count = 0;
	io_uring_for_each_cqe(&ring, head, cqe) {
		if (cqe->user_data != ++expected || cqe->res)
			fail("completion %llu is %d", (unsigned long long)cqe->user_data, cqe->res);
		count++;
	}
	if (count != batch)
		fail("%u of %u completions", count, batch);
	io_uring_cq_advance(&ring, count);
}

static void run(struct slice *slice, uint64_t end)
{
	/* Looking at the clock costs a good part of such a request. */
	unsigned stride = batch > 1 ? 1 : 16;
	uint64_t started, ended;
	do {
		started = now();
		if (batch > 1)
			many();
		else
			one();
		ended = now();
		histogram_add(&slice->latency, ended - started);
		for (unsigned i = 1; i < stride; i++)
			one();
		slice->ios += batch > 1 ? batch : stride;
	} while (ended < end);
}

static void prepare(void)
{
	int result = io_uring_queue_init(batch, &ring, 0);
	if (result)
		fail("io_uring_queue_init: %s", strerror(-result));
}

int main(int count, char **list)
{
	static const struct workload workload = {"ring", NULL, NULL, run, NULL};
	unsigned long rounds = 0;
	if (count < 2)
		fail("usage: ring WORKLOAD key=value...");
	arguments_are(count - 2, list + 2);
	if (!strcmp(list[1], "count")) {
		batch = (unsigned)number("batch", 1);
		rounds = number("rounds", 1000);
	} else if (!strcmp(list[1], "batch")) {
		batch = (unsigned)number("batch", 32);
	} else if (strcmp(list[1], "nop")) {
		fail("no workload %s", list[1]);
	}
	arguments_end();
	if (!batch)
		fail("an empty batch");
	prepare();
	if (!rounds)
		return measure(&workload);
	while (rounds--) {
		if (batch > 1)
			many();
		else
			one();
	}
	return 0;
}
