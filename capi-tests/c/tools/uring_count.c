/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What programs do with a ring all day, for callgrind to count: `uring_count NAME TIMES`. Nothing here depends on time or
 * chance: two runs take the same path. It compiles with liburing 2.3 as well.
 *
 * measured() is what is counted, less what is in unmeasured().
 */
#include <errno.h>
#include <liburing.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 32
#define BUFFERS 16
#define GROUP 7

#define NEVER_INLINE __attribute__((noinline, noclone, used))

static struct io_uring ring;
static unsigned ring_flags;
static struct io_uring_buf_ring *buffers;
static char memory[BUFFERS][64];

static void need(int right, const char *what)
{
	if (!right) {
		fprintf(stderr, "wrong: %s\n", what);
		exit(1);
	}
}
#define NEED(condition) need(condition, #condition)

static void queue_nop(__u64 data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	NEED(sqe != NULL);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, data);
}

static void queue_batch(void)
{
	for (unsigned i = 0; i < BATCH; i++)
		queue_nop(i);
}

static void seen(struct io_uring_cqe *cqe, __u64 data)
{
	NEED(cqe->user_data == data && cqe->res == 0);
	io_uring_cqe_seen(&ring, cqe);
}

/* Round trips of one request. */

static void wait_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(1);
	NEED(io_uring_submit_and_wait(&ring, 1) == 1);
	NEED(io_uring_wait_cqe(&ring, &cqe) == 0);
	seen(cqe, 1);
}

static void peek_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(2);
	NEED(io_uring_submit_and_wait(&ring, 1) == 1);
	NEED(io_uring_peek_cqe(&ring, &cqe) == 0);
	seen(cqe, 2);
	NEED(io_uring_peek_cqe(&ring, &cqe) == -EAGAIN);
}

static void submit_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(3);
	NEED(io_uring_submit(&ring) == 1);
	NEED(io_uring_wait_cqe(&ring, &cqe) == 0);
	seen(cqe, 3);
}

static void get_events_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(4);
	NEED(io_uring_submit_and_get_events(&ring) == 1);
	NEED(io_uring_peek_cqe(&ring, &cqe) == 0);
	seen(cqe, 4);
}

/* The kernel's thread takes it: once it is awake there is no system call. */
static NEVER_INLINE void unmeasured(void)
{
	while (io_uring_cq_ready(&ring) == 0)
		sched_yield();
}

static void polled_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(5);
	/* How many that was depends on how far the thread is. */
	NEED(io_uring_submit(&ring) >= 0);
	unmeasured();
	NEED(io_uring_wait_cqe(&ring, &cqe) == 0);
	seen(cqe, 5);
}

/* Batches. */

static void batch(void)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	queue_batch();
	NEED(io_uring_submit_and_wait(&ring, BATCH) == BATCH);
	io_uring_for_each_cqe(&ring, head, cqe) {
		NEED(cqe->user_data == n);
		n++;
	}
	NEED(n == BATCH);
	io_uring_cq_advance(&ring, n);
}

static void batch_peek(void)
{
	struct io_uring_cqe *cqes[BATCH];

	queue_batch();
	NEED(io_uring_submit(&ring) == BATCH);
	NEED(io_uring_peek_batch_cqe(&ring, cqes, BATCH) == BATCH);
	for (unsigned i = 0; i < BATCH; i++)
		NEED(cqes[i]->user_data == i);
	io_uring_cq_advance(&ring, BATCH);
}

static void batch_wait(void)
{
	struct io_uring_cqe *cqe;

	queue_batch();
	NEED(io_uring_submit(&ring) == BATCH);
	for (unsigned i = 0; i < BATCH; i++) {
		NEED(io_uring_wait_cqe(&ring, &cqe) == 0);
		seen(cqe, i);
	}
}

static void peek_nothing(void)
{
	struct io_uring_cqe *cqes[BATCH];

	NEED(io_uring_peek_batch_cqe(&ring, cqes, BATCH) == 0);
}

/* Waits with a limit. */

static struct __kernel_timespec second = {.tv_sec = 1};
static struct __kernel_timespec at_once = {.tv_sec = 0, .tv_nsec = 1};

static void timeout_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(6);
	NEED(io_uring_submit(&ring) == 1);
	NEED(io_uring_wait_cqe_timeout(&ring, &cqe, &second) == 0);
	seen(cqe, 6);
}

static void timeout_over(void)
{
	struct io_uring_cqe *cqe;

	NEED(io_uring_wait_cqe_timeout(&ring, &cqe, &at_once) == -ETIME);
}

static void submit_timeout_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(7);
	NEED(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &second, NULL) == 1);
	seen(cqe, 7);
}

static void wait_cqes_round(void)
{
	struct io_uring_cqe *cqe;

	queue_nop(8);
	queue_nop(8);
	NEED(io_uring_submit(&ring) == 2);
	NEED(io_uring_wait_cqes(&ring, &cqe, 2, NULL, NULL) == 0);
	seen(cqe, 8);
	NEED(io_uring_wait_cqe_nr(&ring, &cqe, 1) == 0);
	seen(cqe, 8);
}

/* A wait that enters the kernel, as its request takes a while. */
static void sleep_round(void)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	NEED(sqe != NULL);
	io_uring_prep_timeout(sqe, &at_once, 0, 0);
	sqe->user_data = 9;
	/* Linked: it cannot be done before the time-out is. */
	sqe->flags |= IOSQE_IO_HARDLINK;
	queue_nop(9);
	NEED(io_uring_submit_and_wait(&ring, 2) == 2);
	NEED(io_uring_wait_cqe(&ring, &cqe) == 0);
	NEED(cqe->res == -ETIME);
	io_uring_cqe_seen(&ring, cqe);
	NEED(io_uring_wait_cqe(&ring, &cqe) == 0);
	seen(cqe, 9);
}

/* Buffers. */

static void buffers_round(void)
{
	int mask = io_uring_buf_ring_mask(BUFFERS);

	for (int i = 0; i < BUFFERS; i++)
		io_uring_buf_ring_add(buffers, memory[i], sizeof(memory[i]), (unsigned short)i, mask, i);
	io_uring_buf_ring_advance(buffers, BUFFERS);
}

/* Rings. */

static void init_exit(void)
{
	struct io_uring other;

	NEED(io_uring_queue_init(8, &other, 0) == 0);
	io_uring_queue_exit(&other);
}

static void init_exit_large(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 16384};
	struct io_uring other;

	NEED(io_uring_queue_init_params(4096, &other, &params) == 0);
	io_uring_queue_exit(&other);
}

static void probe(void)
{
	struct io_uring_probe *found = io_uring_get_probe_ring(&ring);

	NEED(found != NULL && io_uring_opcode_supported(found, IORING_OP_NOP));
	io_uring_free_probe(found);
}

static void register_files(void)
{
	int files[2] = {0, -1};

	NEED(io_uring_register_files(&ring, files, 2) == 0);
	NEED(io_uring_register_files_update(&ring, 1, files, 1) == 1);
	NEED(io_uring_unregister_files(&ring) == 0);
}

static void register_buffers(void)
{
	struct iovec vector = {memory, sizeof(memory)};

	NEED(io_uring_register_buffers(&ring, &vector, 1) == 0);
	NEED(io_uring_unregister_buffers(&ring) == 0);
}

enum { PLAIN, REGISTERED_RING = 1, BUFFER_RING = 2 };

static const struct scenario {
	const char *name;
	void (*run)(void);
	unsigned flags;
	unsigned more;
} scenarios[] = {
	{"wait", wait_round, 0, PLAIN},
	{"peek", peek_round, 0, PLAIN},
	{"submit", submit_round, 0, PLAIN},
	{"get-events", get_events_round, 0, PLAIN},
	{"batch", batch, 0, PLAIN},
	{"batch-peek", batch_peek, 0, PLAIN},
	{"batch-wait", batch_wait, 0, PLAIN},
	{"peek-nothing", peek_nothing, 0, PLAIN},
	{"timeout", timeout_round, 0, PLAIN},
	{"timeout-over", timeout_over, 0, PLAIN},
	{"submit-timeout", submit_timeout_round, 0, PLAIN},
	{"wait-cqes", wait_cqes_round, 0, PLAIN},
	{"sleep", sleep_round, 0, PLAIN},
	{"registered", wait_round, 0, REGISTERED_RING},
	{"registered-batch", batch, 0, REGISTERED_RING},
	{"coop-taskrun", wait_round, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, PLAIN},
	{"defer-taskrun", wait_round, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, PLAIN},
	{"defer-taskrun-get-events", get_events_round, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, PLAIN},
	{"sqe128", wait_round, IORING_SETUP_SQE128, PLAIN},
	{"cqe32", batch, IORING_SETUP_CQE32, PLAIN},
	{"sqpoll", polled_round, IORING_SETUP_SQPOLL, PLAIN},
	{"buffers", buffers_round, 0, BUFFER_RING},
	{"init-exit", init_exit, 0, PLAIN},
	{"init-exit-large", init_exit_large, 0, PLAIN},
	{"probe", probe, 0, PLAIN},
	{"files", register_files, 0, PLAIN},
	{"register-buffers", register_buffers, 0, PLAIN},
};

static NEVER_INLINE void measured(void (*run)(void), unsigned times)
{
	while (times--)
		run();
}

/* A buffer ring without the function that makes one, which liburing has since 2.4. */
static void make_buffers(void)
{
	size_t size = BUFFERS * sizeof(struct io_uring_buf);
	struct io_uring_buf_reg reg;

	buffers = aligned_alloc(4096, 4096);
	NEED(buffers != NULL);
	memset(buffers, 0, size);
	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (__u64)(unsigned long)buffers;
	reg.ring_entries = BUFFERS;
	reg.bgid = GROUP;
	NEED(io_uring_register_buf_ring(&ring, &reg, 0) == 0);
	io_uring_buf_ring_init(buffers);
}

static int run(const struct scenario *s, unsigned times)
{
	struct io_uring_params params = {.flags = s->flags, .sq_thread_idle = 10000};
	int ret = io_uring_queue_init_params(BATCH, &ring, &params);

	ring_flags = s->flags;
	if (ret < 0) {
		fprintf(stderr, "no ring for %s: %s\n", s->name, strerror(-ret));
		return 77;
	}
	if (s->more & REGISTERED_RING)
		NEED(io_uring_register_ring_fd(&ring) == 1);
	if (s->more & BUFFER_RING)
		make_buffers();
	/* Once for the pages, the symbols and the kernel's thread. */
	s->run();
	measured(s->run, times);
	io_uring_queue_exit(&ring);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
			puts(scenarios[i].name);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (strcmp(argv[1], scenarios[i].name) == 0)
			return run(&scenarios[i], (unsigned)strtoul(argv[2], NULL, 10));
	fprintf(stderr, "usage: %s list | NAME TIMES\n", argv[0]);
	return 2;
}
