/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// except: caller,sqpoll (of closed descriptors they may lose a sync or a signal: too late for them)
/*
 * Everything at once, for long: threads that come and go submit to shared contexts and take events from them, apart
 * and together; other contexts are made and destroyed all the time; descriptors are closed as soon as io_submit has
 * returned. Every event is seen once, with the right result; every byte that is read is the byte written last.
 *
 * 60,000 requests; with TEST_SCALE=n above 1 they are n times 500,000. SOAK_REQUESTS has another number, for runs under
 * tools that make everything slow. A hang ends with a dump of what was going on.
 */
#include "aio_check.h"

#include <dirent.h>
#include <poll.h>
#include <sys/eventfd.h>

enum { BLOCK = 4096, MOST = 4, SHARED = 4, SLOTS = 192, SEATS = 13, POLLS = 6, BATCH = 16, STUCK_SECONDS = 20 };
enum { DIRECT_BLOCKS = 2048, BUFFERED_BLOCKS = 2048, UNCACHED_BLOCKS = 8192 };

enum kind { DIRECT, UNCACHED, BUFFERED, POLL, SYNC, STREAM, KINDS };
static const char *const kind_names[KINDS] = {"direct", "uncached", "buffered", "poll", "sync", "stream"};

/* A file whose blocks have versions; who owns a block is the only one that uses it. */
struct file {
	int fd, count;
	unsigned char *owned;
	unsigned int *version;
};

enum state { FREE, OWNED, BUSY };

struct poll_fd {
	int fd, state; /* FREE; OWNED: a request waits for it; BUSY: it is to become ready */
	struct slot *slot;
};

struct slot {
	struct iocb iocb;
	struct iovec vec[MOST];
	char *memory;
	struct shared *shared;
	struct file *file;
	struct poll_fd *poll;
	enum kind kind;
	int state, reads, first, count, cancelled;
	uint64_t serial, seed;
	long expected, since;
};

struct shared {
	io_context_t ctx;
	int event_fd, submitters;
	long outstanding, signals;
	struct slot slot[SLOTS];
};

enum role { SUBMITS = 1, REAPS = 2, CHURNS = 4 };

/* What a thread uses and leaves to the next on its seat. */
struct seat {
	enum role role;
	struct shared *shared;
	pthread_t thread;
	int running, ended, over;
	int pipe[2], closing[2 * BATCH], closings;
	uint64_t random, stream;
	struct poll_fd polls[POLLS];
};

static struct shared shared[SHARED];
static struct seat seats[SEATS];
static struct file direct, buffered, uncached, quiet;
static long total, issued, events, kinds[KINDS], resfds, threads, contexts, dropped, pending[KINDS];

#define LOAD(place) __atomic_load_n(&(place), __ATOMIC_SEQ_CST)
#define STORE(place, value) __atomic_store_n(&(place), value, __ATOMIC_SEQ_CST)
#define ADD(place, value) __atomic_add_fetch(&(place), value, __ATOMIC_SEQ_CST)

static int change(int *place, int from, int to)
{
	return __atomic_compare_exchange_n(place, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static unsigned int pick(struct seat *seat, unsigned int below)
{
	seat->random = mix(seat->random);
	return (unsigned int)((seat->random >> 20) % below);
}

/* A pattern that is cheaper than that of check.h: by words. */
static uint64_t word_at(uint64_t seed, uint64_t index)
{
	return (seed + index) * 0x9e3779b97f4a7c15u ^ seed << 32;
}

static void fill_words(char *memory, size_t size, uint64_t seed)
{
	uint64_t *words = (uint64_t *)(void *)memory;
	size_t i;

	for (i = 0; i < size / 8; i++)
		words[i] = word_at(seed, i);
}

static void check_words(const struct slot *slot, const char *memory, size_t size, uint64_t seed)
{
	const uint64_t *words = (const uint64_t *)(const void *)memory;
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (words[i] != word_at(seed, i))
			FAIL("%s, block %d: word %zu is %#llx, expected %#llx", kind_names[slot->kind], slot->first, i,
			     (unsigned long long)words[i], (unsigned long long)word_at(seed, i));
}

static uint64_t block_seed(const struct file *file, int block)
{
	return ((uint64_t)file->version[block] << 20 | (uint64_t)(unsigned int)block) + 1;
}

static void make_file(struct file *file, int count, int flags)
{
	char *memory = (char *)pages(BLOCK);
	int fd = temp_file(0, 0), i;

	file->count = count;
	file->owned = (unsigned char *)calloc((size_t)count, 1);
	file->version = (unsigned int *)calloc((size_t)count, sizeof(*file->version));
	CHECK(file->owned && file->version);
	for (i = 0; i < count; i++) {
		fill_words(memory, BLOCK, block_seed(file, i));
		CHECK_EQ(pwrite(fd, memory, BLOCK, (off_t)i * BLOCK), BLOCK);
	}
	drop_cache(fd, 0, 0);
	file->fd = reopen(fd, O_RDWR | flags);
	close(fd);
}

static void check_file(struct file *file)
{
	static struct slot slot;
	char *memory = (char *)pages(BLOCK);

	slot.kind = file == &direct ? DIRECT : BUFFERED;
	for (slot.first = 0; slot.first < file->count; slot.first++) {
		CHECK_EQ(pread(file->fd, memory, BLOCK, (off_t)slot.first * BLOCK), BLOCK);
		check_words(&slot, memory, BLOCK, block_seed(file, slot.first));
	}
}

/* What a failure leaves to be looked at. */
static void dump_file(const char *directory, const char *name)
{
	char path[300], text[4096];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY);
	size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size > 0) {
		text[size] = 0;
		fprintf(stderr, "  %s: %s%s", name, text, text[size - 1] == '\n' ? "" : "\n");
	}
}

static void dump(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int i, k;

	fprintf(stderr, "issued %ld of %ld, events %ld, dropped %ld\n", issued, total, events, dropped);
	for (k = 0; k < KINDS; k++)
		fprintf(stderr, "outstanding %s: %ld\n", kind_names[k], pending[k]);
	for (i = 0; i < SHARED; i++) {
		struct ring_header *ring = ring_of(shared[i].ctx);

		fprintf(stderr, "context %d: outstanding %ld, submitters %d, head %u, tail %u of %u\n", i,
			shared[i].outstanding, shared[i].submitters, ring->head, ring->tail, ring->nr);
		for (k = 0; k < SLOTS; k++) {
			struct slot *slot = &shared[i].slot[k];

			if (slot->state != FREE && now_ms() - slot->since > 1000 * STUCK_SECONDS / 2)
				fprintf(stderr, "  slot %d: state %d, %s, opcode %d, fd %d, block %d, for %ld ms\n", k,
					slot->state, kind_names[slot->kind], slot->iocb.aio_lio_opcode,
					slot->iocb.aio_fildes, slot->first, now_ms() - slot->since);
		}
	}
	while (tasks && (entry = readdir(tasks))) {
		char directory[280];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(directory, sizeof(directory), "/proc/self/task/%s", entry->d_name);
		fprintf(stderr, "thread %s\n", entry->d_name);
		dump_file(directory, "comm");
		dump_file(directory, "wchan");
		dump_file(directory, "syscall");
		dump_file(directory, "stack");
	}
}

/* The descriptor, or a copy that is closed as soon as io_submit has returned. */
static int lend(struct seat *seat, int fd)
{
	int copy;

	if (pick(seat, 8) != 0)
		return fd;
	copy = dup(fd);
	CHECK(copy >= 0);
	seat->closing[seat->closings++] = copy;
	return copy;
}

static struct slot *take(struct seat *seat)
{
	struct shared *of = seat->shared;
	unsigned int start = pick(seat, SLOTS), i;

	for (i = 0; i < SLOTS; i++) {
		struct slot *slot = &of->slot[(start + i) % SLOTS];

		if (change(&slot->state, FREE, OWNED)) {
			slot->serial++;
			return slot;
		}
	}
	return NULL;
}

static int own(struct seat *seat, struct slot *slot, struct file *file)
{
	int i;

	slot->file = file;
	slot->count = pick(seat, 4) ? 1 : 1 + (int)pick(seat, MOST);
	slot->first = (int)pick(seat, (unsigned int)(file->count - slot->count + 1));
	for (i = 0; i < slot->count; i++)
		if (__atomic_exchange_n(&file->owned[slot->first + i], 1, __ATOMIC_SEQ_CST)) {
			while (i-- > 0)
				STORE(file->owned[slot->first + i], 0);
			return 0;
		}
	return 1;
}

static void transfer(struct seat *seat, struct slot *slot, int vectors)
{
	long long offset = (long long)slot->first * BLOCK;
	size_t size = (size_t)slot->count * BLOCK;
	int fd = lend(seat, slot->file->fd), i;

	slot->expected = (long)size;
	for (i = 0; i < slot->count; i++) {
		/* Those of a vector lie in reverse order. */
		char *place = slot->memory + (vectors ? slot->count - 1 - i : i) * BLOCK;

		slot->vec[i].iov_base = place;
		slot->vec[i].iov_len = BLOCK;
		if (slot->reads) {
			memset(place, 0x5a, BLOCK);
		} else {
			slot->file->version[slot->first + i]++;
			fill_words(place, BLOCK, block_seed(slot->file, slot->first + i));
		}
	}
	if (slot->reads && vectors)
		io_prep_preadv(&slot->iocb, fd, slot->vec, slot->count, offset);
	else if (slot->reads)
		io_prep_pread(&slot->iocb, fd, slot->memory, size, offset);
	else if (vectors)
		io_prep_pwritev(&slot->iocb, fd, slot->vec, slot->count, offset);
	else
		io_prep_pwrite(&slot->iocb, fd, slot->memory, size, offset);
}

/* A write into the seat's pipe or the read of what it wrote. */
static void stream(struct seat *seat, struct slot *slot, int reads)
{
	slot->kind = STREAM;
	slot->reads = reads;
	slot->seed = seat->stream;
	slot->expected = 64;
	if (reads) {
		memset(slot->memory, 0x5a, 64);
		io_prep_pread(&slot->iocb, lend(seat, seat->pipe[0]), slot->memory, 64, 0);
	} else {
		fill_words(slot->memory, 64, slot->seed);
		io_prep_pwrite(&slot->iocb, lend(seat, seat->pipe[1]), slot->memory, 64, 0);
	}
}

static struct poll_fd *free_poll(struct seat *seat)
{
	int i;

	for (i = 0; i < POLLS; i++)
		if (change(&seat->polls[i].state, FREE, OWNED))
			return &seat->polls[i];
	return NULL;
}

static int prepare(struct seat *seat, struct slot *slot)
{
	slot->cancelled = 0;
	slot->poll = NULL;
	switch (slot->kind) {
	case DIRECT:
	case BUFFERED:
		if (!own(seat, slot, slot->kind == DIRECT ? &direct : &buffered))
			return 0;
		slot->reads = pick(seat, 3) > 0;
		transfer(seat, slot, pick(seat, 3) == 0);
		break;
	case UNCACHED:
		if (!own(seat, slot, &uncached))
			return 0;
		CHECK(posix_fadvise(uncached.fd, (off_t)slot->first * BLOCK, (off_t)slot->count * BLOCK,
				    POSIX_FADV_DONTNEED) == 0);
		slot->reads = 1;
		transfer(seat, slot, pick(seat, 3) == 0);
		break;
	case POLL:
		slot->poll = pick(seat, 2) ? free_poll(seat) : NULL;
		slot->expected = slot->poll ? POLLIN : POLLOUT;
		io_prep_poll(&slot->iocb, lend(seat, slot->poll ? slot->poll->fd : seat->pipe[1]), (int)slot->expected);
		if (slot->poll)
			STORE(slot->poll->slot, slot);
		break;
	default: {
		/* A file with something to write now and then: that takes the device a while. */
		int fd = lend(seat, pick(seat, 64) ? quiet.fd : pick(seat, 2) ? buffered.fd : direct.fd);

		slot->expected = 0;
		if (pick(seat, 2))
			io_prep_fsync(&slot->iocb, fd);
		else
			io_prep_fdsync(&slot->iocb, fd);
	}
	}
	return 1;
}

static void release(struct slot *slot)
{
	STORE(slot->state, FREE);
}

/* The request is ready to go: from here on its event may come. */
static void ready_to_go(struct seat *seat, struct slot *slot, struct iocb **list)
{
	struct shared *of = seat->shared;

	slot->iocb.data = (void *)(uintptr_t)((uint64_t)(slot - of->slot) << 40 | slot->serial);
	if (pick(seat, 5) == 0) {
		io_set_eventfd(&slot->iocb, lend(seat, of->event_fd));
		ADD(of->signals, 1);
		ADD(resfds, 1);
	}
	slot->since = now_ms();
	ADD(kinds[slot->kind], 1);
	ADD(pending[slot->kind], 1);
	ADD(of->outstanding, 1);
	ADD(issued, 1);
	STORE(slot->state, BUSY);
	*list = &slot->iocb;
}

static void finish(struct shared *of, struct io_event *event)
{
	uint64_t data = (uint64_t)(uintptr_t)event->data;
	struct slot *slot = &of->slot[data >> 40];
	struct poll_fd *poll;
	uint64_t value;
	int i;

	CHECK_LE(data >> 40, SLOTS - 1);
	CHECK(event->obj == &slot->iocb);
	CHECK_EQ(event->res2, 0);
	CHECK_EQ(data & 0xffffffffff, slot->serial);
	/* Nobody else has seen it. */
	CHECK(change(&slot->state, BUSY, OWNED));
	if (slot->kind != POLL || !slot->cancelled || event->res != 0)
		if ((long)event->res != slot->expected)
			FAIL("%s: result %ld, expected %ld", kind_names[slot->kind], (long)event->res, slot->expected);
	switch (slot->kind) {
	case DIRECT:
	case BUFFERED:
	case UNCACHED:
		for (i = 0; i < slot->count; i++) {
			if (slot->reads)
				check_words(slot, (char *)slot->vec[i].iov_base, BLOCK,
					    block_seed(slot->file, slot->first + i));
			STORE(slot->file->owned[slot->first + i], 0);
		}
		break;
	case STREAM:
		if (slot->reads)
			check_words(slot, slot->memory, 64, slot->seed);
		break;
	case POLL:
		poll = slot->poll;
		if (poll) {
			if (event->res == POLLIN)
				CHECK_EQ(read(poll->fd, &value, 8), 8);
			STORE(poll->slot, NULL);
			STORE(poll->state, FREE);
		}
		break;
	default:
		break;
	}
	ADD(pending[slot->kind], -1);
	release(slot);
	ADD(events, 1);
	ADD(of->outstanding, -1);
}

static int reap_some(struct seat *seat, long least, long ms)
{
	struct io_event list[40];
	struct timespec limit = {0, ms * 1000000};
	int count = io_getevents(seat->shared->ctx, least, 1 + pick(seat, 32) + least, list, &limit), i;

	CHECK_GE(count, 0);
	for (i = 0; i < count; i++)
		finish(seat->shared, &list[i]);
	return count;
}

/* Lets polls become ready, or cancels them; all of them at the end. */
static int end_polls(struct seat *seat, int all)
{
	uint64_t one = 1;
	int i, left = 0;

	for (i = 0; i < POLLS; i++) {
		struct poll_fd *poll = &seat->polls[i];
		struct slot *slot;

		if (LOAD(poll->state) == OWNED && (all || pick(seat, 4) == 0)) {
			int cancel = pick(seat, 4) == 0;

			slot = LOAD(poll->slot);
			STORE(poll->state, BUSY);
			if (cancel) {
				struct io_event event;

				slot->cancelled = 1;
				cancel = io_cancel(seat->shared->ctx, &slot->iocb, &event) == -EINPROGRESS;
			}
			if (!cancel)
				CHECK_EQ(write(poll->fd, &one, 8), 8);
		}
		left += LOAD(poll->state) != FREE;
	}
	return left;
}

static void submit_all(struct seat *seat, struct iocb **list, int count)
{
	int done, result;

	for (done = 0; done < count;) {
		result = io_submit(seat->shared->ctx, count - done, list + done);
		if (result == -EAGAIN) {
			/* Polls may be all that is in the ring. */
			end_polls(seat, 0);
			if (seat->role & REAPS)
				reap_some(seat, 0, 0);
			else
				sched_yield();
			continue;
		}
		CHECK_GE(result, 1);
		done += result;
	}
	while (seat->closings > 0)
		CHECK(close(seat->closing[--seat->closings]) == 0);
}

static void submit_some(struct seat *seat)
{
	static const enum kind choice[] = {DIRECT, DIRECT, DIRECT, UNCACHED, UNCACHED, BUFFERED, BUFFERED, BUFFERED,
					   POLL,   POLL,   SYNC,   SYNC,     STREAM,   DIRECT};
	struct iocb *list[BATCH + 1];
	int want = 1 + (int)pick(seat, BATCH), count = 0;

	/* As many descriptors are lent as fit, two for each request. */
	while (count < want && seat->closings + 4 <= (int)COUNT_OF(seat->closing)) {
		struct slot *slot = take(seat), *other;

		if (!slot)
			break;
		slot->kind = choice[pick(seat, COUNT_OF(choice))];
		if (slot->kind != STREAM) {
			if (prepare(seat, slot))
				ready_to_go(seat, slot, &list[count++]);
			else
				release(slot);
			continue;
		}
		other = take(seat);
		if (!other) {
			release(slot);
			break;
		}
		seat->stream = mix(seat->stream);
		stream(seat, slot, 0);
		ready_to_go(seat, slot, &list[count++]);
		stream(seat, other, 1);
		ready_to_go(seat, other, &list[count++]);
	}
	submit_all(seat, list, count);
	end_polls(seat, 0);
}

/* Contexts that nobody shares, destroyed with requests in flight: their memory is left alone from then on. */
static void churn(struct seat *seat)
{
	static __thread char *memory;
	struct iocb iocb[BATCH], *list[BATCH];
	struct io_event seen[BATCH];
	struct timespec limit = {0, 1000000};
	io_context_t ctx = NULL;
	int count = 1 + (int)pick(seat, BATCH), wanted = pick(seat, 3) ? (int)pick(seat, BATCH) : 0;
	int submitted, got, i, result;

	if (!memory)
		memory = (char *)pages(BATCH * BLOCK);
	result = io_setup(1 + (int)pick(seat, 64), &ctx);
	if (result == -EAGAIN)
		return sleep_ms(1);
	CHECK_EQ(result, 0);
	for (i = 0; i < count; i++) {
		int block = (int)pick(seat, UNCACHED_BLOCKS), polls = pick(seat, 4) == 0;

		list[i] = &iocb[i];
		if (polls)
			io_prep_poll(&iocb[i], seat->pipe[0], POLLIN);
		else
			io_prep_pread(&iocb[i], pick(seat, 2) ? quiet.fd : uncached.fd, memory + i * BLOCK, BLOCK,
				      (long long)block * BLOCK);
		iocb[i].data = (void *)(intptr_t)(polls ? -1 : block);
	}
	submitted = io_submit(ctx, count, list);
	CHECK_GE(submitted, 1);
	got = io_getevents(ctx, 0, wanted, seen, &limit);
	CHECK_GE(got, 0);
	for (i = 0; i < got; i++) {
		static __thread struct slot slot;

		slot.first = (int)(intptr_t)seen[i].data;
		slot.kind = UNCACHED;
		CHECK_GE(slot.first, 0);
		CHECK_EQ(seen[i].res, BLOCK);
		check_words(&slot, memory + (seen[i].obj - iocb) * BLOCK, BLOCK, block_seed(&uncached, slot.first));
	}
	CHECK_EQ(io_destroy(ctx), 0);
	memset(memory, 0x77, BATCH * BLOCK);
	sched_yield();
	for (i = 0; i < BATCH * BLOCK; i++)
		if (memory[i] != 0x77)
			FAIL("memory changes after io_destroy");
	ADD(issued, submitted);
	ADD(events, got);
	ADD(dropped, submitted - got);
	ADD(contexts, 1);
}

static void *sit(void *arg)
{
	struct seat *seat = (struct seat *)arg;
	struct shared *of = seat->shared;
	int rounds = 20 + (int)pick(seat, 400), full;

	while (rounds-- > 0 && !((full = LOAD(issued) >= total))) {
		if (seat->role == CHURNS) {
			churn(seat);
			continue;
		}
		if (seat->role & SUBMITS)
			submit_some(seat);
		if (seat->role & REAPS)
			reap_some(seat, seat->role == REAPS ? (long)pick(seat, 6) : 0, seat->role == REAPS ? 5 : 0);
	}
	if (LOAD(issued) >= total) {
		if (seat->role & SUBMITS) {
			while (end_polls(seat, 1) > 0)
				if (seat->role & REAPS)
					reap_some(seat, 1, 5);
				else
					sleep_ms(1);
			ADD(of->submitters, -1);
		}
		while ((seat->role & REAPS) && (LOAD(of->submitters) > 0 || LOAD(of->outstanding) > 0))
			reap_some(seat, 1, 5);
		seat->over = 1;
	}
	STORE(seat->ended, 1);
	return NULL;
}

/* Keeps the seats taken until all is done. */
static void supervise(void)
{
	long last_events = -1, last_change = now_ms();
	int i, left = SEATS;

	while (left > 0) {
		for (i = 0; i < SEATS; i++) {
			struct seat *seat = &seats[i];

			if (seat->running && LOAD(seat->ended)) {
				CHECK_EQ(pthread_join(seat->thread, NULL), 0);
				seat->running = 0;
				left -= seat->over;
			}
			if (!seat->running && !seat->over) {
				seat->running = 1;
				seat->ended = 0;
				CHECK_EQ(pthread_create(&seat->thread, NULL, sit, seat), 0);
				threads++;
			}
		}
		if (LOAD(events) != last_events) {
			last_events = LOAD(events);
			last_change = now_ms();
			alarm(STUCK_SECONDS + WATCHDOG_SECONDS);
		}
		if (now_ms() - last_change > 1000 * STUCK_SECONDS)
			FAIL("no event for %d s", STUCK_SECONDS);
		sleep_ms(1);
	}
}

int main(void)
{
	enum { BOTH = SUBMITS | REAPS };
	static const int roles[SEATS] = {SUBMITS, SUBMITS, REAPS, REAPS, SUBMITS, SUBMITS, REAPS,
					       CHURNS,  CHURNS,  BOTH,  BOTH,  BOTH,    BOTH};
	static const int places[SEATS] = {0, 0, 0, 0, 1, 1, 1, 0, 0, 2, 2, 3, 3};
	uint64_t signals;
	long start = now_ms(), shared_requests = 0;
	int i, k;

	total = test_scale() > 1 ? test_scale() * 500000 : 60000;
	if (getenv("SOAK_REQUESTS"))
		total = atol(getenv("SOAK_REQUESTS"));
	make_file(&direct, DIRECT_BLOCKS, O_DIRECT);
	make_file(&buffered, BUFFERED_BLOCKS, 0);
	make_file(&uncached, UNCACHED_BLOCKS, 0);
	CHECK(posix_fadvise(uncached.fd, 0, 0, POSIX_FADV_RANDOM) == 0);
	quiet.fd = reopen(uncached.fd, O_RDONLY | O_DIRECT);
	for (i = 0; i < SHARED; i++) {
		shared[i].ctx = setup(32);
		shared[i].event_fd = eventfd(0, EFD_NONBLOCK);
		CHECK(shared[i].event_fd >= 0);
		for (k = 0; k < SLOTS; k++)
			shared[i].slot[k].memory = (char *)pages(MOST * BLOCK);
	}
	for (i = 0; i < SEATS; i++) {
		struct seat *seat = &seats[i];

		seat->role = (enum role)roles[i];
		seat->shared = &shared[places[i]];
		seat->random = (uint64_t)i + 1;
		seat->stream = mix((uint64_t)i);
		seat->shared->submitters += (roles[i] & SUBMITS) != 0;
		CHECK(pipe(seat->pipe) == 0);
		for (k = 0; k < POLLS; k++)
			CHECK((seat->polls[k].fd = eventfd(0, EFD_NONBLOCK)) >= 0);
	}
	at_failure = dump;
	supervise();

	CHECK_EQ(events + dropped, issued);
	for (i = 0; i < SHARED; i++) {
		CHECK_EQ(ready(shared[i].ctx), 0);
		CHECK_EQ(shared[i].outstanding, 0);
		/* An event is there before its signal. */
		for (signals = 0; signals < (uint64_t)shared[i].signals;) {
			struct pollfd fd = {shared[i].event_fd, POLLIN, 0};
			uint64_t some = 0;

			CHECK_EQ(poll(&fd, 1, 1000 * EVENT_SECONDS), 1);
			CHECK_EQ(read(fd.fd, &some, 8), 8);
			signals += some;
		}
		CHECK_EQ(signals, shared[i].signals);
		CHECK_EQ(io_destroy(shared[i].ctx), 0);
		CHECK(read(shared[i].event_fd, &signals, 8) == -1 && errno == EAGAIN);
	}
	check_file(&direct);
	check_file(&buffered);
	for (k = 0; k < KINDS; k++) {
		CHECK_EQ(pending[k], 0);
		shared_requests += kinds[k];
	}
	fprintf(stderr, "%ld requests in %ld ms by %ld threads, %ld contexts came and went, %ld requests with them\n",
		issued, now_ms() - start, threads, contexts, dropped);
	for (k = 0; k < KINDS; k++) {
		fprintf(stderr, "%s %ld\n", kind_names[k], kinds[k]);
		CHECK_GE(kinds[k] * 10, shared_requests);
	}
	fprintf(stderr, "with an eventfd %ld\n", resfds);
	CHECK_GE(resfds * 10, shared_requests);
	printf("every event once\n");
	return 0;
}
