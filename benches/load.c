/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What programs do with libaio, to be measured: the same loops through kernel AIO, through our library (LD_LIBRARY_PATH
 * decides), and compiled with -DNATIVE through a ring used as well as a program can. slice.h says how it is talked
 * with, lane.h what the ways are, sector.h how bytes are checked.
 *
 * usage: load WORKLOAD key=value...       sizes in bytes; what has a value here is the default
 *
 *   file file=PATH span=N                 makes the file for the workloads that only read, and exits
 *   reads file=PATH span=N size=4096 depth=32 direct=0 cold=0 pending=0
 *                                         random reads. cold=1: nothing is in the page cache, and no block is read twice
 *                                         in a slice, which may end early for that. pending=N: N polls that never end
 *                                         are outstanding beside
 *   writes file=PATH span=16777216 size=4096 depth=32 direct=0
 *                                         random overwrites; makes the file: one for each process. Read back after
 *                                         each slice
 *   extends file=PATH span=268435456 size=4096 depth=1 direct=1
 *                                         each write makes the file longer, up to span; it is empty before each slice
 *   syncs file=PATH span=16777216 size=4096 writes=8 direct=0
 *                                         rounds of that many writes and one FDSYNC; all are counted
 *   epoll file=PATH span=N size=4096 depth=32 direct=0
 *                                         reads that signal an eventfd, which an epoll loop waits for
 *   setup depth=128                       io_setup and io_destroy; counts pairs; submit: io_setup alone
 */
#define _GNU_SOURCE
#include "lane.h"
#include "sector.h"
#include "slice.h"

#include <sys/epoll.h>

/* The requests on a file, one for each slot of a lane. */

enum operation { READ, WRITE };

struct request {
	char *buffer;
	uint64_t block, started; /* 0: nobody looks at the clock for it */
};

static struct {
	enum operation operation;
	const char *path;
	int fd, direct, cold, extends;
	size_t size, depth;
	uint64_t blocks, next; /* next: for those that take blocks in an order */
	uint32_t turn, *turns; /* of the slice; of the block's last write */
	struct request *requests;
} job;

/* Each thread its own. */
struct random {
	uint64_t state;
};

static uint64_t random_below(struct random *random, uint64_t limit)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (uint64_t)(((unsigned __int128)random->state * limit) >> 64);
}

static struct random only_random = {0x9e3779b97f4a7c15u};

/* Blocks without repetition: this generator visits all numbers below a power of two. */
static uint64_t next_cold(void)
{
	static uint64_t state = 1;
	job.next++;
	state = (state * 0x5851f42d4c957f2du + 0x14057b7ef767814fu) & (job.blocks - 1);
	return state;
}

static int blocks_left(void)
{
	return !(job.cold || job.extends) || job.next < job.blocks;
}

static void request_begin(struct lane *lane, unsigned slot, struct random *random)
{
	struct request *request = &job.requests[slot];
	if (job.extends)
		request->block = job.next++;
	else
		request->block = job.cold ? next_cold() : random_below(random, job.blocks);
	uint64_t offset = request->block * job.size;
	if (job.operation == READ) {
		poison(request->buffer, job.size);
		lane_read(lane, slot, job.fd, request->buffer, job.size, offset);
	} else {
		stamp(request->buffer, job.size, offset, job.turn);
		job.turns[request->block] = job.turn;
		lane_write(lane, slot, job.fd, request->buffer, job.size, offset);
	}
}

static void request_end(unsigned slot, long result)
{
	struct request *request = &job.requests[slot];
	if (result != (long)job.size)
		fail("%zu bytes at block %llu: %ld", job.size, (unsigned long long)request->block, result);
	if (job.operation == READ)
		check_ends(request->buffer, job.size, request->block * job.size);
}

static void job_open(enum operation operation, uint64_t span, size_t depth, int direct)
{
	job.operation = operation;
	job.path = argument("file", NULL);
	job.size = number("size", 4096);
	job.depth = depth;
	job.direct = direct;
	span = number("span", span);
	if (job.size < SECTOR || job.size % SECTOR || span < job.size || !depth)
		fail("no such size, span or depth");
	job.blocks = span / job.size;
	if (operation == WRITE) {
		make_file(job.path, job.extends ? 0 : span, 0);
		job.turns = allocate(job.blocks, sizeof *job.turns);
	}
	job.fd = open(job.path, O_RDWR | (direct ? O_DIRECT : 0));
	if (job.fd < 0)
		fail("%s: %m", job.path);
	if (!job.extends && lseek(job.fd, 0, SEEK_END) < (off_t)span)
		fail("%s is too short", job.path);
	char *buffers = aligned(depth * job.size);
	job.requests = allocate(depth, sizeof *job.requests);
	for (size_t i = 0; i < depth; i++)
		job.requests[i].buffer = buffers + i * job.size;
	/* Brings the file into the cache, too. */
	if (operation == READ && !direct && !job.cold)
		check_file(job.fd, span, job.size, NULL);
	else if (posix_fadvise(job.fd, 0, 0, POSIX_FADV_DONTNEED))
		fail("%s: %m", job.path);
}

/* Looking at the clock takes as long as a cached read of 512 bytes: of those that are fast only some are timed. */
static unsigned timed_of(size_t batch)
{
	return job.direct || job.cold || batch >= 8 ? 1 : 8 / (unsigned)batch;
}

/*
 * reads, writes, extends: one thread keeps `depth` requests under way. What has been reaped is submitted anew in the
 * next batch.
 */
static struct lane lane;
static unsigned *idle;

static void run_transfers(struct slice *slice, uint64_t end)
{
	unsigned stride = timed_of(job.depth), turn = 0, free_slots = (unsigned)job.depth, under_way = 0, count;
	int stop = 0;
	for (unsigned i = 0; i < job.depth; i++)
		idle[i] = i;
	for (;;) {
		int timed = turn++ % stride == 0;
		count = 0;
		while (!stop && count < free_slots && blocks_left())
			request_begin(&lane, idle[count++], &only_random);
		uint64_t started = 0, reaped = 0;
		if (timed)
			started = now();
		for (unsigned i = 0; i < count; i++)
			job.requests[idle[i]].started = started;
		lane_submit(&lane);
		if (timed && lane_submits_apart && count)
			histogram_add(&slice->submit, now() - started);
		under_way += count;
		if (!under_way)
			return;
		free_slots = lane_reap(&lane, 1, (unsigned)job.depth);
		if (timed)
			reaped = now();
		for (unsigned i = 0; i < free_slots; i++) {
			unsigned slot = lane.done[i].slot;
			if (job.requests[slot].started) {
				if (!reaped)
					reaped = now();
				histogram_add(&slice->latency, reaped - job.requests[slot].started);
			}
			request_end(slot, lane.done[i].result);
			idle[i] = slot;
		}
		under_way -= free_slots;
		slice->ios += free_slots;
		if (reaped >= end)
			stop = 1;
	}
}

static void prepare_reads(void)
{
	size_t depth = number("depth", 32);
	job.cold = (int)number("cold", 0);
	job_open(READ, 0, depth, (int)number("direct", 0));
	if (job.cold) {
		/* The kernel would read ahead what has not been asked for. */
		if (posix_fadvise(job.fd, 0, 0, POSIX_FADV_RANDOM))
			fail("%s: %m", job.path);
		while (job.blocks & (job.blocks - 1))
			job.blocks &= job.blocks - 1;
	}
	idle = allocate(depth, sizeof *idle);
	lane_open(&lane, (unsigned)depth, ALONE);
}

static void before_reads(void)
{
	if (!job.cold)
		return;
	job.next = 0;
	size_t span = job.blocks * job.size;
	if (posix_fadvise(job.fd, 0, 0, POSIX_FADV_DONTNEED))
		fail("%s: %m", job.path);
	size_t left = pages_in_cache(job.fd, span);
	if (left > span / PAGE / 50)
		fail("%zu pages of %s stay in the cache", left, job.path);
}

static void prepare_writes(void)
{
	size_t depth = number("depth", 32);
	job_open(WRITE, 16 << 20, depth, (int)number("direct", 0));
	idle = allocate(depth, sizeof *idle);
	lane_open(&lane, (unsigned)depth, ALONE);
}

static void before_writes(void)
{
	job.turn++;
}

static void after_writes(void)
{
	check_file(job.fd, job.blocks * job.size, job.size, job.turns);
	/* What one slice wrote is not to reach the disk in the next one. */
	if (fdatasync(job.fd))
		fail("fdatasync: %m");
}

static void prepare_extends(void)
{
	size_t depth = number("depth", 1);
	job.extends = 1;
	job_open(WRITE, 256 << 20, depth, (int)number("direct", 1));
	idle = allocate(depth, sizeof *idle);
	lane_open(&lane, (unsigned)depth, ALONE);
}

static void before_extends(void)
{
	job.turn++;
	job.next = 0;
	if (ftruncate(job.fd, 0) || fsync(job.fd))
		fail("%s: %m", job.path);
}

static void after_extends(void)
{
	if (lseek(job.fd, 0, SEEK_END) != (off_t)(job.next * job.size))
		fail("the file has not the length that was written");
	check_file(job.fd, job.next * job.size, job.size, job.turns);
}

/*
 * syncs: writes and a sync that covers them. Buffered writes go in one batch with it, as kernel AIO has done them when
 * it takes the sync; direct ones have to be waited for.
 */
static void run_syncs(struct slice *slice, uint64_t end)
{
	unsigned writes = (unsigned)job.depth;
	uint64_t started;
	do {
		started = now();
		for (unsigned i = 0; i < writes; i++)
			request_begin(&lane, i, &only_random);
		if (job.direct) {
			lane_submit(&lane);
			unsigned count = lane_reap(&lane, writes, writes);
			for (unsigned i = 0; i < count; i++)
				request_end(lane.done[i].slot, lane.done[i].result);
		}
		lane_sync(&lane, writes, job.fd);
		uint64_t submitted = now();
		lane_submit(&lane);
		if (lane_submits_apart)
			histogram_add(&slice->submit, now() - submitted);
		unsigned count = lane_reap(&lane, job.direct ? 1 : writes + 1, writes + 1);
		for (unsigned i = 0; i < count; i++) {
			if (lane.done[i].slot != writes)
				request_end(lane.done[i].slot, lane.done[i].result);
			else if (lane.done[i].result)
				fail("FDSYNC: %ld", lane.done[i].result);
		}
		slice->ios += writes + 1;
		histogram_add(&slice->latency, now() - started);
	} while (now() < end);
}

static void prepare_syncs(void)
{
	size_t writes = number("writes", 8);
	job_open(WRITE, 16 << 20, writes, (int)number("direct", 0));
	lane_open(&lane, (unsigned)writes + 1, ALONE);
}

/*
 * epoll: the thread waits for a descriptor that says that there are events, and never in the lane.
 */
static int epoll_fd;

static void run_epoll(struct slice *slice, uint64_t end)
{
	unsigned stride = timed_of(job.depth), turn = 0, free_slots = (unsigned)job.depth, under_way = 0;
	int stop = 0;
	for (unsigned i = 0; i < job.depth; i++)
		idle[i] = i;
	lane.signals = 0;
	for (;;) {
		int timed = turn++ % stride == 0;
		unsigned count = stop ? 0 : free_slots;
		for (unsigned i = 0; i < count; i++)
			request_begin(&lane, idle[i], &only_random);
		uint64_t started = timed ? now() : 0, reaped = 0;
		for (unsigned i = 0; i < count; i++)
			job.requests[idle[i]].started = started;
		lane_submit(&lane);
		if (timed && count)
			histogram_add(&slice->submit, now() - started);
		under_way += count;
		if (!under_way)
			break;
		struct epoll_event event;
		int ready;
		/* Rings that the thread itself enters may interrupt it (AIOURING_ISSUER=caller). */
		while ((ready = epoll_wait(epoll_fd, &event, 1, -1)) < 0 && errno == EINTR)
			;
		if (ready != 1)
			fail("epoll_wait: %d %m", ready);
		lane_seen(&lane);
		free_slots = lane_reap(&lane, 0, (unsigned)job.depth);
		if (timed)
			reaped = now();
		for (unsigned i = 0; i < free_slots; i++) {
			unsigned slot = lane.done[i].slot;
			if (job.requests[slot].started) {
				if (!reaped)
					reaped = now();
				histogram_add(&slice->latency, reaped - job.requests[slot].started);
			}
			request_end(slot, lane.done[i].result);
			idle[i] = slot;
		}
		under_way -= free_slots;
		slice->ios += free_slots;
		if (reaped >= end)
			stop = 1;
	}
	/* An event may have been taken before its signal was. */
	struct epoll_event event;
	if (epoll_wait(epoll_fd, &event, 1, 0) == 1)
		lane_seen(&lane);
	lane_check_signals(&lane, slice->ios);
}

static void prepare_epoll(void)
{
	size_t depth = number("depth", 32);
	job_open(READ, 0, depth, (int)number("direct", 0));
	idle = allocate(depth, sizeof *idle);
	lane_open(&lane, (unsigned)depth, APART);
	lane_watch(&lane);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, lane.watched, &event))
		fail("epoll: %m");
}

/* setup: a context that is never used. */
static unsigned setup_depth;

static void run_setup(struct slice *slice, uint64_t end)
{
	uint64_t started, between, ended;
	do {
		started = now();
		lane_pair(setup_depth, &between);
		ended = now();
		histogram_add(&slice->submit, between - started);
		histogram_add(&slice->latency, ended - started);
		slice->ios++;
	} while (ended < end);
}

static void prepare_setup(void)
{
	setup_depth = (unsigned)number("depth", 128);
}

/* file: no workload. */
static int make(void)
{
	const char *path = argument("file", NULL);
	uint64_t span = number("span", 0);
	arguments_end();
	make_file(path, span, MADE);
	return 0;
}

static const struct workload workloads[] = {
	{"reads", prepare_reads, before_reads, run_transfers, NULL},
	{"writes", prepare_writes, before_writes, run_transfers, after_writes},
	{"extends", prepare_extends, before_extends, run_transfers, after_extends},
	{"syncs", prepare_syncs, before_writes, run_syncs, after_writes},
	{"epoll", prepare_epoll, NULL, run_epoll, NULL},
	{"setup", prepare_setup, NULL, run_setup, NULL},
};

int main(int count, char **list)
{
	if (count < 2)
		fail("usage: load WORKLOAD key=value...");
	arguments_are(count - 2, list + 2);
	if (!strcmp(list[1], "file"))
		return make();
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		if (!strcmp(list[1], workloads[i].name)) {
			workloads[i].prepare();
			arguments_end();
			return measure(&workloads[i]);
		}
	}
	fail("no workload %s", list[1]);
}
