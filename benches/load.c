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
 *   threads file=PATH span=N size=4096 depth=32 direct=1 submitters=2 reapers=2 own=0
 *                                         reads by threads that only submit, reaped by others, from one context; depth
 *                                         is that of all together. own=1 (default with NATIVE): submitters reap
 *                                         themselves, each from a context of its own
 *   contexts file=PATH span=N size=4096 contexts=1000 depth=CONTEXTS direct=0 nr=32
 *                                         reads from that many contexts of nr requests in turn; depth is that of all
 *                                         together
 *   setup depth=128                       io_setup and io_destroy; counts pairs; submit: io_setup alone
 *   polls fds=1000 kind=pipe hot=FDS      that many polls are outstanding; one of the first `hot` pipes or eventfds
 *                                         (kind=eventfd) becomes ready, its event is reaped, the poll submitted anew
 *   memory contexts=1000 requests=1000 nr=32
 *                                         no slices: at `run` the resident memory for each context and for each poll
 *                                         outstanding (in a context of its own: with its part of the context's ring)
 */
#define _GNU_SOURCE
#include "lane.h"
#include "sector.h"
#include "slice.h"

#include <poll.h>
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

/* Of workloads with one thread. Between slices all slots are in idle[]. */
static struct lane lane;
static unsigned *idle;

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

/* Those at the front of idle[] have begun. */
static void taken_from(unsigned *idle, unsigned count, unsigned of)
{
	if (count && count < of)
		memmove(idle, idle + count, (of - count) * sizeof *idle);
}

/* What has been reaped; its slots go to idle[]. The time when it was, if anybody wants to know. */
static uint64_t requests_end(struct lane *lane, unsigned *idle, unsigned count, int timed, struct histogram *latency)
{
	uint64_t reaped = timed ? now() : 0;
	for (unsigned i = 0; i < count; i++) {
		unsigned slot = lane->done[i].slot;
		if (job.requests[slot].started) {
			if (!reaped)
				reaped = now();
			histogram_add(latency, reaped - job.requests[slot].started);
		}
		request_end(slot, lane->done[i].result);
		idle[i] = slot;
	}
	return reaped;
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
	idle = allocate(depth, sizeof *idle);
	for (unsigned i = 0; i < depth; i++)
		idle[i] = i;
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
static void keep_under_way(struct lane *lane, unsigned *idle, unsigned depth, struct random *random,
	struct slice *slice, uint64_t end)
{
	unsigned stride = timed_of(depth), turn = 0, free_slots = depth, under_way = 0;
	int stop = 0;
	for (;;) {
		int timed = turn++ % stride == 0;
		unsigned count = 0;
		while (!stop && count < free_slots && blocks_left())
			request_begin(lane, idle[count++], random);
		uint64_t started = timed ? now() : 0;
		for (unsigned i = 0; i < count; i++)
			job.requests[idle[i]].started = started;
		lane_submit(lane);
		if (timed && lane_submits_apart && count)
			histogram_add(&slice->submit, now() - started);
		under_way += count;
		if (!under_way)
			return;
		taken_from(idle, count, free_slots);
		free_slots -= count;
		count = lane_reap(lane, 1, depth);
		uint64_t reaped = requests_end(lane, idle + free_slots, count, timed, &slice->latency);
		free_slots += count;
		under_way -= count;
		slice->ios += count;
		if (reaped >= end)
			stop = 1;
	}
}

static void open_lane(size_t depth, enum lane_use use)
{
	lane_open(&lane, (unsigned)depth, use);
	if (job.direct || job.cold)
		lane_in_parts(&lane);
}

static void run_transfers(struct slice *slice, uint64_t end)
{
	keep_under_way(&lane, idle, (unsigned)job.depth, &only_random, slice, end);
}

/* After a slice: an event that comes twice may be the last. */
static void nothing_left(struct lane *lane)
{
	unsigned count = lane_reap(lane, 0, lane->depth);
	if (count)
		fail("%u events are left", count);
}

static void after_slice(void)
{
	nothing_left(&lane);
}

/* Polls that never end, for which the slots from `first` are. */
static void poll_for_ever(unsigned first, size_t count)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	/* Each its own descriptor, if there may be so many. */
	size_t most = limit.rlim_cur - 256, made = 0;
	int *fds = allocate(count + 1, sizeof *fds);
	while (made < count && made < most) {
		fds[made] = eventfd(0, EFD_NONBLOCK);
		if (fds[made++] < 0)
			fail("eventfd: %m");
	}
	for (size_t i = 0; i < count; i++)
		lane_poll(&lane, first + (unsigned)i, fds[i % made], POLLIN);
	lane_start(&lane);
	free(fds);
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
	size_t pending = number("pending", 0);
	open_lane(depth + pending, ALONE);
	poll_for_ever((unsigned)depth, pending);
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
	open_lane(depth, ALONE);
}

static void before_writes(void)
{
	job.turn++;
}

static void after_writes(void)
{
	nothing_left(&lane);
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
	open_lane(depth, ALONE);
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
	nothing_left(&lane);
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
	open_lane(writes + 1, ALONE);
}

/*
 * epoll: the thread waits for a descriptor that says that there are events, and never in the lane.
 */
static int epoll_fd;

static int epoll_ready(int timeout)
{
	struct epoll_event event;
	int ready = epoll_wait(epoll_fd, &event, 1, timeout);
	/* A ring that the thread itself enters interrupts it (native, AIOURING_ISSUER=caller): there may be events. */
	if (ready < 0 && errno != EINTR)
		fail("epoll_wait: %m");
	return ready == 1;
}

static void run_epoll(struct slice *slice, uint64_t end)
{
	unsigned stride = timed_of(job.depth), turn = 0, free_slots = (unsigned)job.depth, under_way = 0;
	int stop = 0;
	lane.signals = 0;
	for (;;) {
		int timed = turn++ % stride == 0;
		unsigned count = stop ? 0 : free_slots;
		for (unsigned i = 0; i < count; i++)
			request_begin(&lane, idle[i], &only_random);
		uint64_t started = timed ? now() : 0;
		for (unsigned i = 0; i < count; i++)
			job.requests[idle[i]].started = started;
		lane_submit(&lane);
		if (timed && count)
			histogram_add(&slice->submit, now() - started);
		under_way += count;
		if (!under_way)
			break;
		if (epoll_ready(-1))
			lane_seen(&lane);
		free_slots -= count;
		count = lane_reap(&lane, 0, (unsigned)job.depth);
		uint64_t reaped = requests_end(&lane, idle + free_slots, count, timed, &slice->latency);
		free_slots += count;
		under_way -= count;
		slice->ios += count;
		if (reaped >= end)
			stop = 1;
	}
	/* An event may have been taken before its signal was. */
	if (epoll_ready(0))
		lane_seen(&lane);
	lane_check_signals(&lane, slice->ios);
}

static void prepare_epoll(void)
{
	size_t depth = number("depth", 32);
	job_open(READ, 0, depth, (int)number("direct", 0));
	open_lane(depth, APART);
	lane_watch(&lane);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, lane.watched, &event))
		fail("epoll: %m");
}

/*
 * threads: submitters have slots of their own; reapers give them back through a box. Between slices reapers wait in
 * the lane.
 */
struct submitter {
	pthread_t thread;
	struct lane lane;
	struct random random;
	struct slice slice;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	unsigned *box, in_box, *taken;
};

struct reaper {
	pthread_t thread;
	struct lane lane;
	struct histogram latency;
	unsigned *slots;
};

static struct {
	unsigned submitters, reapers, share; /* share: slots of a submitter */
	int own; /* each submitter reaps itself, from a lane of its own */
	struct submitter *submitter;
	struct reaper *reaper;
	pthread_barrier_t start, stop;
	uint64_t end;
} team;

/* Those that are free, at least one; 0 at the end of a slice. */
static unsigned take_from_box(struct submitter *submitter, unsigned least)
{
	pthread_mutex_lock(&submitter->lock);
	while (submitter->in_box < least)
		pthread_cond_wait(&submitter->filled, &submitter->lock);
	unsigned count = submitter->in_box;
	memcpy(submitter->taken, submitter->box, count * sizeof *submitter->box);
	submitter->in_box = 0;
	pthread_mutex_unlock(&submitter->lock);
	return count;
}

static void submit_until(struct submitter *submitter, uint64_t end)
{
	struct slice *slice = &submitter->slice;
	uint64_t submitted;
	unsigned count = team.share;
	do {
		for (unsigned i = 0; i < count; i++)
			request_begin(&submitter->lane, submitter->taken[i], &submitter->random);
		uint64_t started = now();
		for (unsigned i = 0; i < count; i++)
			job.requests[submitter->taken[i]].started = started;
		lane_submit(&submitter->lane);
		submitted = now();
		histogram_add(&slice->submit, submitted - started);
		slice->ios += count;
		count = take_from_box(submitter, submitted < end ? 1 : team.share);
	} while (submitted < end);
}

static void *submits(void *argument)
{
	struct submitter *submitter = argument;
	if (team.own)
		lane_open(&submitter->lane, (unsigned)job.depth, ALONE);
	if (job.direct)
		lane_in_parts(&submitter->lane);
	for (;;) {
		pthread_barrier_wait(&team.start);
		memset(&submitter->slice, 0, sizeof submitter->slice);
		if (team.own) {
			keep_under_way(&submitter->lane, submitter->taken, team.share, &submitter->random,
				&submitter->slice, team.end);
		} else {
			submit_until(submitter, team.end);
		}
		pthread_barrier_wait(&team.stop);
	}
	return NULL;
}

static void *reaps(void *argument)
{
	struct reaper *reaper = argument;
	for (;;) {
		unsigned count = lane_reap(&reaper->lane, 1, (unsigned)job.depth);
		requests_end(&reaper->lane, reaper->slots, count, 1, &reaper->latency);
		for (unsigned i = 0; i < team.submitters; i++) {
			struct submitter *owner = &team.submitter[i];
			int locked = 0;
			for (unsigned j = 0; j < count; j++) {
				if (reaper->slots[j] / team.share != i)
					continue;
				if (!locked)
					pthread_mutex_lock(&owner->lock);
				locked = 1;
				owner->box[owner->in_box++] = reaper->slots[j];
			}
			if (locked) {
				pthread_cond_signal(&owner->filled);
				pthread_mutex_unlock(&owner->lock);
			}
		}
	}
	return NULL;
}

static void run_threads(struct slice *slice, uint64_t end)
{
	team.end = end;
	for (unsigned i = 0; i < team.reapers; i++)
		memset(&team.reaper[i].latency, 0, sizeof team.reaper[i].latency);
	pthread_barrier_wait(&team.start);
	pthread_barrier_wait(&team.stop);
	for (unsigned i = 0; i < team.submitters; i++) {
		slice->ios += team.submitter[i].slice.ios;
		histogram_merge(&slice->submit, &team.submitter[i].slice.submit);
		histogram_merge(&slice->latency, &team.submitter[i].slice.latency);
	}
	for (unsigned i = 0; i < team.reapers; i++)
		histogram_merge(&slice->latency, &team.reaper[i].latency);
}

static void prepare_threads(void)
{
	team.submitters = (unsigned)number("submitters", 2);
	team.reapers = (unsigned)number("reapers", 2);
	team.own = (int)number("own", (unsigned long)lane_for_each_thread);
	if (!team.submitters || !team.reapers)
		fail("no threads");
	team.share = (unsigned)number("depth", 32) / team.submitters;
	job_open(READ, 0, (size_t)team.share * team.submitters, (int)number("direct", 1));
	team.submitter = allocate(team.submitters, sizeof *team.submitter);
	team.reaper = allocate(team.reapers, sizeof *team.reaper);
	pthread_barrier_init(&team.start, NULL, team.submitters + 1);
	pthread_barrier_init(&team.stop, NULL, team.submitters + 1);
	if (team.own)
		team.reapers = 0;
	else
		lane_open(&lane, (unsigned)job.depth, SHARED);
	for (unsigned i = 0; i < team.submitters; i++) {
		struct submitter *submitter = &team.submitter[i];
		if (!team.own)
			lane_share(&submitter->lane, &lane);
		submitter->random.state = only_random.state + i;
		submitter->box = allocate(team.share, sizeof *submitter->box);
		submitter->taken = allocate(team.share, sizeof *submitter->taken);
		for (unsigned j = 0; j < team.share; j++)
			submitter->taken[j] = i * team.share + j;
		pthread_mutex_init(&submitter->lock, NULL);
		pthread_cond_init(&submitter->filled, NULL);
		if (pthread_create(&submitter->thread, NULL, submits, submitter))
			fail("no thread");
	}
	for (unsigned i = 0; i < team.reapers; i++) {
		struct reaper *reaper = &team.reaper[i];
		lane_share(&reaper->lane, &lane);
		reaper->slots = allocate(job.depth, sizeof *reaper->slots);
		if (pthread_create(&reaper->thread, NULL, reaps, reaper))
			fail("no thread");
	}
}

/*
 * contexts: the requests go to the contexts in turn, and are reaped in that order. So the number of contexts changes
 * nothing else: neither what is under way nor the size of the batches, which is one.
 */
static struct lane *contexts;
static size_t context_count;

static void run_contexts(struct slice *slice, uint64_t end)
{
	unsigned stride = timed_of(1), slot = 0;
	uint64_t begun = 0, ended = 0;
	int stop = 0;
	while (!stop || ended < begun) {
		int timed = begun % stride == 0;
		if (stop || begun - ended == job.depth) {
			struct lane *oldest = &contexts[ended++ % context_count];
			lane_reap(oldest, 1, 1);
			if (requests_end(oldest, &slot, 1, timed, &slice->latency) >= end)
				stop = 1;
			slice->ios++;
		} else {
			slot = (unsigned)begun;
		}
		if (stop)
			continue;
		struct lane *next = &contexts[begun++ % context_count];
		request_begin(next, slot, &only_random);
		uint64_t started = timed ? now() : 0;
		job.requests[slot].started = started;
		lane_submit(next);
		if (timed)
			histogram_add(&slice->submit, now() - started);
	}
}

static void after_contexts(void)
{
	for (size_t i = 0; i < context_count; i++)
		nothing_left(&contexts[i]);
}

static void prepare_contexts(void)
{
	context_count = number("contexts", 1000);
	size_t depth = number("depth", context_count), nr = number("nr", 32);
	if (!context_count)
		fail("no contexts");
	if (nr * context_count < depth)
		fail("nr is too small");
	job_open(READ, 0, depth, (int)number("direct", 0));
	contexts = allocate(context_count, sizeof *contexts);
	/* Requests start when they are submitted: there are others to wait for first. */
	lane_open(&lane, (unsigned)depth, APART);
	for (size_t i = 0; i < context_count; i++)
		lane_beside(&contexts[i], &lane, (unsigned)nr);
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

/*
 * polls: all are outstanding all the time but the one that is being served. Never the same twice, so that a poll has
 * been submitted in all lanes when its descriptor becomes ready.
 */
static struct {
	size_t hot, last;
	int eventfds, (*fds)[2]; /* of the hot ones: to read, to write */
} polls;

static void run_polls(struct slice *slice, uint64_t end)
{
	uint64_t word = 1, reaped;
	size_t size = polls.eventfds ? sizeof word : 1;
	do {
		size_t i = polls.hot > 1 ? (polls.last + 1 + random_below(&only_random, polls.hot - 1)) % polls.hot : 0;
		polls.last = i;
		uint64_t started = now();
		if (write(polls.fds[i][1], &word, size) != (ssize_t)size)
			fail("cannot make descriptor %zu ready: %m", i);
		lane_reap(&lane, 1, 1);
		reaped = now();
		histogram_add(&slice->latency, reaped - started);
		if (lane.done[0].slot != i || !(lane.done[0].result & POLLIN))
			fail("poll %u: %lx instead of %zu", lane.done[0].slot, lane.done[0].result, i);
		if (read(polls.fds[i][0], &word, size) != (ssize_t)size)
			fail("descriptor %zu is not ready: %m", i);
		lane_poll(&lane, (unsigned)i, polls.fds[i][0], POLLIN);
		uint64_t submit = now();
		lane_submit(&lane);
		if (lane_submits_apart)
			histogram_add(&slice->submit, now() - submit);
		slice->ios++;
	} while (reaped < end);
}

static void prepare_polls(void)
{
	size_t fds = number("fds", 1000);
	const char *kind = argument("kind", "pipe");
	polls.hot = number("hot", fds);
	polls.eventfds = !strcmp(kind, "eventfd");
	if (!polls.hot || polls.hot > fds || (!polls.eventfds && strcmp(kind, "pipe")))
		fail("no such polls");
	/* With a single one only a submission of its own is in time. */
	lane_open(&lane, (unsigned)fds, polls.hot > 1 ? ALONE : APART);
	polls.fds = allocate(polls.hot, sizeof *polls.fds);
	for (size_t i = 0; i < polls.hot; i++) {
		int *pair = polls.fds[i];
		if (polls.eventfds ? (pair[0] = pair[1] = eventfd(0, EFD_NONBLOCK)) < 0 : pipe2(pair, O_NONBLOCK))
			fail("descriptor %zu: %m", i);
		lane_poll(&lane, (unsigned)i, pair[0], POLLIN);
	}
	poll_for_ever((unsigned)polls.hot, fds - polls.hot);
}

/* memory: what contexts and polls add to the process. */
static size_t resident(void)
{
	char line[256];
	size_t kilobytes = 0;
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "Rss: %zu", &kilobytes) == 1)
			break;
	}
	if (!kilobytes)
		fail("no smaps_rollup");
	fclose(file);
	return kilobytes * 1024;
}

static int measure_memory(void)
{
	size_t count = number("contexts", 1000), requests = number("requests", 1000), nr = number("nr", 32);
	char line[64];
	arguments_end();
	printf("ready\n");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 0;
	/* First of all what is there once: code, threads, tables. */
	lane_open(&lane, 32, APART);
	poll_for_ever(0, 1);
	contexts = allocate(count, sizeof *contexts);
	resident();
	size_t before = resident();
	for (size_t i = 0; i < count; i++)
		lane_beside(&contexts[i], &lane, (unsigned)nr);
	/* A ring is resident when it has been looked at. */
	for (size_t i = 0; i < count; i++)
		lane_reap(&contexts[i], 0, 1);
	size_t with_contexts = resident();
	/* What is ours about a request is there before. */
	struct lane *first = allocate(1, sizeof *first);
	*first = lane;
	lane_open(&lane, (unsigned)requests, APART);
	struct lane slots = lane;
	size_t without = resident();
	lane_beside(&lane, &slots, (unsigned)requests);
	poll_for_ever(0, requests);
	lane_reap(&lane, 0, 1);
	size_t with = resident();
	printf("{\"contexts\":%zu,\"requests\":%zu,\"context_bytes\":%.1f,\"request_bytes\":%.1f}\n", count, requests,
		((double)with_contexts - (double)before) / (double)count, ((double)with - (double)without) / (double)requests);
	return 0;
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
	{"reads", prepare_reads, before_reads, run_transfers, after_slice},
	{"writes", prepare_writes, before_writes, run_transfers, after_writes},
	{"extends", prepare_extends, before_extends, run_transfers, after_extends},
	{"syncs", prepare_syncs, before_writes, run_syncs, after_writes},
	{"epoll", prepare_epoll, NULL, run_epoll, after_slice},
	{"threads", prepare_threads, NULL, run_threads, NULL},
	{"contexts", prepare_contexts, NULL, run_contexts, after_contexts},
	{"setup", prepare_setup, NULL, run_setup, NULL},
	{"polls", prepare_polls, NULL, run_polls, after_slice},
};

int main(int count, char **list)
{
	if (count < 2)
		fail("usage: load WORKLOAD key=value...");
	arguments_are(count - 2, list + 2);
	/* Contexts of the native lane are descriptors, and so is what is polled. A hard limit takes root to raise. */
	struct rlimit limit = {1 << 18, 1 << 18};
	if (setrlimit(RLIMIT_NOFILE, &limit) && !getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (!strcmp(list[1], "file"))
		return make();
	if (!strcmp(list[1], "memory"))
		return measure_memory();
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		if (!strcmp(list[1], workloads[i].name)) {
			workloads[i].prepare();
			arguments_end();
			return measure(&workloads[i]);
		}
	}
	fail("no workload %s", list[1]);
}
