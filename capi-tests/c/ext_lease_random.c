/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Leases at random: planned and used, held and not, reported and not, cancelled at any time, with streams that stand still and
 * descriptors that are closed, in a ring that is too small. Each lease has one end, each secondary that reports one event
 * before it, no buffer has two leases, and what is written is what was read.
 */
#include "lease.h"

enum { BUFFERS = 6, OPS = 20, SIZE = 4096, PLACES = 64, COPIES = 2 };

struct model {
	__u64 lease;
	int is_open, is_started, is_held, is_told, is_finished, is_cancelled, will_fail;
	unsigned place, reports, added;
	char *memory;
};

static struct model models[BUFFERS];
static int source, copies[COPIES], closed, pipes[2];
static uint64_t state;
static long ended, events, refused;

static unsigned roll(unsigned n)
{
	state++;
	return (unsigned)(mix(state) % n);
}

static struct model *of_lease(__u64 lease)
{
	int i;

	for (i = 0; i < BUFFERS; i++)
		if (models[i].is_open && models[i].lease == lease)
			return &models[i];
	FAIL("an event of lease %llx, which is not", (unsigned long long)lease);
}

static void start(struct model *m)
{
	int i, ret;

	memset(m, 0, sizeof(*m));
	m->is_held = roll(3) == 0;
	ret = aiouring_lease_open(pool, &m->lease, m->is_held ? AIOURING_LEASE_HOLD : 0, (__u64)(m - models));
	if (ret == -EAGAIN) {
		/* The event of its end is there, and was not taken yet. */
		refused++;
		return;
	}
	CHECK_EQ(ret, 0);
	m->memory = (char *)aiouring_lease_memory(pool, m->lease);
	for (i = 0; i < BUFFERS; i++)
		if (&models[i] != m && models[i].is_open) {
			CHECK(models[i].lease != m->lease);
			CHECK(models[i].memory != m->memory);
		}
	m->is_open = 1;
	m->place = roll(PLACES);
}

static void add(struct model *m, int plan)
{
	struct aiouring_lease_op op;
	unsigned kind = roll(8);
	int ret;

	op = op_of(AIOURING_LEASE_WRITE, copies[roll(COPIES)], (uint64_t)m->place * SIZE, 0);
	if (roll(2)) {
		op.from = roll(SIZE);
		op.len = roll((unsigned)(SIZE - op.from)) + 1;
		op.offset += op.from;
	}
	if (kind == 0) {
		op.fd = closed;
	} else if (kind == 1) {
		op.fd = pipes[1];
		op.offset = (uint64_t)-1;
	} else if (kind == 2) {
		op.from = SIZE;
		op.len = 1;
	}
	if (roll(2))
		op.flags |= AIOURING_LEASE_OP_WHOLE;
	if (roll(2)) {
		op.flags |= AIOURING_LEASE_OP_REPORT;
		op.data = (__u64)(m - models);
	}
	ret = plan ? aiouring_lease_plan(pool, m->lease, &op) : aiouring_lease_use(pool, m->lease, &op);
	if (kind == 2) {
		CHECK(ret == -EFAULT || ret == -EINVAL);
		return;
	}
	if (ret == -EAGAIN || ret == -EINVAL || ret == -EFAULT) {
		/* No more records; not the time for it; the file was shorter. */
		refused++;
		return;
	}
	CHECK_EQ(ret, 0);
	m->added++;
	m->reports += (op.flags & AIOURING_LEASE_OP_REPORT) != 0;
}

static void step(struct model *m)
{
	struct aiouring_lease_op op;
	int ret;

	if (!m->is_open) {
		start(m);
		return;
	}
	switch (roll(8)) {
	case 0:
		ret = aiouring_lease_cancel(pool, m->lease);
		CHECK(ret == 0 || ret == -EALREADY || ret == -EINVAL);
		m->is_cancelled |= ret == 0;
		break;
	case 1:
		ret = aiouring_lease_finish(pool, m->lease);
		/* It may be filled without having been told so. */
		if (m->is_told && !m->is_finished && !m->is_cancelled)
			CHECK_EQ(ret, 0);
		else if (!m->is_started || !m->is_held || m->is_finished || m->is_cancelled)
			CHECK_EQ(ret, -EINVAL);
		m->is_finished |= ret == 0;
		break;
	case 2:
	case 3:
		if (m->is_started)
			break;
		op = op_of(AIOURING_LEASE_READ, roll(10) ? source : closed, (uint64_t)m->place * SIZE, 0);
		ret = aiouring_lease_fill(pool, m->lease, &op);
		CHECK_EQ(ret, m->is_cancelled ? -EINVAL : 0);
		m->is_started = 1;
		m->will_fail = op.fd == closed;
		break;
	default:
		add(m, !m->is_told);
	}
}

static void take(const struct aiouring_lease_event *event)
{
	struct model *m;

	events++;
	if (event->type == AIOURING_LEASE_OTHER) {
		CHECK_EQ(event->data, 5);
		return;
	}
	m = of_lease(event->lease);
	CHECK_EQ(event->data, m - models);
	switch (event->type) {
	case AIOURING_LEASE_FILLED:
		CHECK(m->is_held && m->is_started && !m->is_told);
		CHECK_EQ(event->res, SIZE);
		m->is_told = 1;
		break;
	case AIOURING_LEASE_USED:
		CHECK_GE(m->reports, 1);
		CHECK_LE(event->res, SIZE);
		m->reports--;
		break;
	default:
		CHECK_EQ(event->type, AIOURING_LEASE_DONE);
		CHECK_EQ(m->reports, 0);
		CHECK_LE(event->failed, m->added);
		CHECK(event->error == 0 || event->failed > 0);
		if (m->will_fail)
			CHECK(event->res == -EBADF || (m->is_cancelled && event->res == -ECANCELED));
		else
			CHECK(event->res == SIZE || (m->is_cancelled && event->res == -ECANCELED));
		CHECK(m->is_started || event->res == -ECANCELED);
		CHECK(!m->is_held || m->is_finished || m->is_cancelled || event->res < 0);
		m->is_open = 0;
		ended++;
	}
}

static void run(uint64_t seed, unsigned setup, unsigned flags, long steps)
{
	struct aiouring_lease_params params = {.buffers = BUFFERS, .buffer_size = SIZE, .ops = OPS};
	struct aiouring_lease_event event;
	struct __kernel_timespec none = {0, 0};
	struct io_uring_sqe *sqe;
	char bytes[65536];
	long i;
	int ret, j;

	state = seed << 32;
	ret = io_uring_queue_init(4, &ring, setup);
	if (ret == -EINVAL && setup)
		return;
	CHECK_EQ(ret, 0);
	params.flags = flags;
	CHECK_EQ(aiouring_lease_pool_create(&ring, &params, &pool), 0);
	for (i = 0; i < steps; i++) {
		step(&models[roll(BUFFERS)]);
		if (roll(20) == 0 && (sqe = io_uring_get_sqe(&ring)) != NULL) {
			io_uring_prep_nop(sqe);
			io_uring_sqe_set_data64(sqe, 5);
		}
		if (roll(4) == 0)
			while (roll(3) && (ret = aiouring_lease_wait(pool, &event, &none)) == 0)
				take(&event);
		if (roll(10) == 0 && read(pipes[0], bytes, sizeof(bytes)) < 0)
			CHECK_EQ(errno, EAGAIN);
	}
	/* In half of the runs the pool ends as it is. */
	if (seed % 2) {
		for (j = 0; j < BUFFERS; j++)
			if (models[j].is_open)
				models[j].is_cancelled |= aiouring_lease_cancel(pool, models[j].lease) == 0;
		for (j = 0; j < BUFFERS; j++)
			while (models[j].is_open) {
				CHECK_EQ(aiouring_lease_wait(pool, &event, NULL), 0);
				take(&event);
			}
	}
	while ((ret = aiouring_lease_pool_destroy(pool)) == -EBUSY) {
		struct io_uring_cqe *cqe;

		CHECK_EQ(io_uring_wait_cqe(&ring, &cqe), 0);
		io_uring_cqe_seen(&ring, cqe);
	}
	CHECK_EQ(ret, 0);
	memset(models, 0, sizeof(models));
	io_uring_queue_exit(&ring);
}

int main(void)
{
	static const unsigned setups[] = {0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SQPOLL,
					  IORING_SETUP_CQE_MIXED};
	static const unsigned pools[] = {0, AIOURING_LEASE_POOL_TAGS, AIOURING_LEASE_POOL_PLAIN};
	char *bytes = (char *)malloc(PLACES * SIZE), zeroes[8] = {0};
	unsigned i, j;
	size_t k;

	ring_with(4, 0);
	io_uring_queue_exit(&ring);
	source = temp_file(PLACES * SIZE, 1);
	for (i = 0; i < COPIES; i++) {
		copies[i] = temp_file(0, 0);
		CHECK(ftruncate(copies[i], PLACES * SIZE) == 0);
	}
	CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
	CHECK_EQ(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	/* A number that no file gets here. */
	closed = 1000000;
	for (i = 0; i < COUNT_OF(setups); i++)
		for (j = 0; j < COUNT_OF(pools); j++) {
			run(i * 8 + j * 2, setups[i], pools[j], 1500 * test_scale());
			run(i * 8 + j * 2 + 1, setups[i], pools[j], 1500 * test_scale());
		}
	CHECK_GE(ended, 1000);
	for (i = 0; i < COPIES; i++) {
		CHECK_EQ(pread(copies[i], bytes, PLACES * SIZE, 0), PLACES * SIZE);
		/* What is there is what was read from there, or was never written. */
		for (k = 0; k < PLACES * SIZE; k += 8)
			if (memcmp(bytes + k, zeroes, 8) != 0) {
				size_t b;

				for (b = k; b < k + 8; b++)
					CHECK(bytes[b] == 0 || (unsigned char)bytes[b] == pattern_at(1, b));
			}
	}
	free(bytes);
	fprintf(stderr, "%ld leases, %ld events, %ld refused\n", ended, events, refused);
	return 0;
}
