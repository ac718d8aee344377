/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The executor of the differential fuzzer (src/fuzz/): runs sequences of AIO calls and says what came of each.
 *
 * Sequences come on standard input: one operation a line, a word and numbers, and "go" after the last. Each runs in a
 * child of its own, which prints its transcript to standard output; then comes "= " with how the child ended, and a
 * line with a dot. The environment: FUZZ_PATIENCE multiplies all times, FUZZ_ONE_CPU=1 keeps the children on one
 * processor (kernel AIO counts its slots by processor).
 *
 * Any sequence at all has one transcript on kernel AIO: that is what the rules below are for. They replace or leave
 * out what the kernel would not determine, and what docs/architecture.md lists as different. All that they look at is
 * the sequence so far, never the time.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libaio.h>

/* What the kernel sees, without the unions of libaio.h. */
struct request_block {
	uint64_t data;
	uint32_t key, rw_flags;
	uint16_t opcode;
	int16_t reqprio;
	uint32_t fildes;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved;
	uint32_t flags, resfd;
};
_Static_assert(sizeof(struct request_block) == sizeof(struct iocb), "one layout");

struct event {
	uint64_t data, obj;
	int64_t res, res2;
};

struct ring {
	uint32_t id, nr, head, tail, magic, compat, incompat, header_length;
	struct event events[];
};

enum { PREAD, PWRITE, FSYNC, FDSYNC, POLL = 5, PREADV = 7, PWRITEV };
enum { HIPRI = 1, NOWAIT = 8, APPEND = 16, DONTCACHE = 0x80 };

#define PAGE 4096
#define SLOTS 24
#define FIRST_FD 100
#define CONTEXTS 4
#define BLOCKS 256
#define FILES 4
#define MAX_OPS 4096
#define MAX_ARGS 12
#define MAX_REQUESTS 1024
#define BUFFER (4 * PAGE)
#define HALVES 64
#define MAX_BATCH 256
#define SEGMENTS 6
/* With so many requests under way no context is at its limit, wherever the kernel counted them. */
#define SAFE_LIMIT 90

struct operation {
	char name[12];
	int count;
	long args[MAX_ARGS];
	int tag; /* of a request: its ordinal */
};

/* One of our descriptors. */
struct slot {
	bool open;
	int object; /* what it refers to; the ends of a pair are one object */
	int kind;
	unsigned generation;
};

/* Something that descriptors refer to. */
struct object {
	bool uncached; /* buffered reads may have to wait for the disk */
	bool cached;   /* something was written or read through the cache */
};

enum state { UNUSED, BUILT, UNDER_WAY, COLLECTED };

struct request {
	enum state state;
	int context, opcode, slot, kind, object;
	unsigned generation;
	uint32_t mask;
	bool asynchronous; /* kernel AIO does not end it within io_submit */
	bool unordered;	   /* the place of its event is not determined */
	bool seen;	   /* its event is in the ring */
	bool settled;
	bool stuck; /* its event did not come in time */
	bool with_resfd;
	bool writes, grows;
	bool whole; /* it may not end in the middle */
	bool half;  /* it may end in the middle of its memory */
	int64_t from, to; /* the range of a direct transfer */
	unsigned char *memory;
	size_t memory_length; /* what a read may change */
	int64_t length;
};

struct context {
	io_context_t handle;
	bool live, foreign, ever, asynchronous;
	unsigned made; /* how many contexts there had been */
};

/* The kinds of descriptors. */
enum kind {
	FILE_KIND, PIPE, FIFO, STREAM, DGRAM, SEQPACKET, EVENTFD, TIMERFD, MEMFD, DIRECTORY, DEVICE, EPOLL, TERMINAL,
	PATH, PROC, SIGNALFD, INOTIFY, LISTENER, LONELY, KINDS
};

static struct operation operations[MAX_OPS];
static int operation_count;
static struct request requests[MAX_REQUESTS];
static struct slot slots[SLOTS];
static struct object objects[MAX_OPS + FILES];
static int object_count = FILES; /* the files come first */
static struct context contexts[CONTEXTS];
static unsigned contexts_made;
static int terminal_masters[SLOTS];
static long patience = 1;
static volatile sig_atomic_t broken_pipes, file_too_large, interrupts;
static bool in_parallel, in_child;
static int halves_used;

/* Two views of the iocbs, the second for reading only, and a page with none behind it. */
static struct request_block *blocks, *blocks_read_only, *blocks_edge;
static unsigned char *buffers, *halves, *last_edge, *read_only;
static struct iovec *vectors, *vector_edge;
static struct event *events, *events_edge;
static uint64_t *array_edge;
static const uintptr_t kernel_address = 0xffff800000000000;

/* Per thread: the batch that is being put together and what is to be printed. */
struct worker {
	uint64_t pointers[MAX_BATCH];
	int tags[MAX_BATCH];
	int count;
	int number, of; /* of a parallel block */
	size_t printed;
	char text[1 << 16];
};

static void flush_text(struct worker *w)
{
	size_t done = 0;

	while (done < w->printed) {
		ssize_t n = write(1, w->text + done, w->printed - done);
		if (n <= 0)
			_exit(9);
		done += n;
	}
	w->printed = 0;
}

__attribute__((format(printf, 2, 3))) static void say(struct worker *w, const char *format, ...)
{
	va_list args;

	if (w->printed > sizeof(w->text) - 512) {
		/* Threads keep what they say until they are joined. */
		if (in_parallel)
			return;
		flush_text(w);
	}
	va_start(args, format);
	w->printed += vsnprintf(w->text + w->printed, 512, format, args);
	va_end(args);
}

static uint32_t hash(const unsigned char *bytes, size_t length)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < length; i++)
		h = (h ^ bytes[i]) * 16777619u;
	return h;
}

static void fill(unsigned char *bytes, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = seed * 31 + i * 7 + (i >> 8) * 13 + 1;
}

static int fd_of(int slot)
{
	return FIRST_FD + slot;
}

static uint64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static void pause_microseconds(long us)
{
	struct timespec t = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

/* Signals. */

static void on_signal(int number)
{
	if (number == SIGPIPE)
		broken_pipes++;
	else if (number == SIGXFSZ)
		file_too_large++;
	else
		interrupts++;
}

static void handle_signals(bool restart)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0};

	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

/* Interrupts the calling thread every few milliseconds: what would block for ever ends with EINTR. */
static timer_t interrupt_soon(void)
{
	struct sigevent how = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec when = {{0, 5000000 * patience}, {0, 5000000 * patience}};
	timer_t timer;

	how._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &how, &timer))
		_exit(8);
	timer_settime(timer, 0, &when, NULL);
	return timer;
}

/* The rings, as programs read them. */

static struct ring *ring_of(struct context *c)
{
	return (struct ring *)c->handle;
}

static uint32_t ready_in(struct context *c)
{
	struct ring *ring = ring_of(c);
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

	return tail >= head ? tail - head : tail + ring->nr - head;
}

static struct event *event_at(struct context *c, uint32_t index)
{
	struct ring *ring = ring_of(c);

	return &ring->events[(ring->head + index) % ring->nr];
}

static struct request *request_of(uint64_t data)
{
	uint64_t tag = data - 0x5000;

	return tag < MAX_REQUESTS && requests[tag].state >= UNDER_WAY ? &requests[tag] : NULL;
}

static void look_into(struct context *c)
{
	uint32_t ready = ready_in(c);

	for (uint32_t i = 0; i < ready; i++) {
		struct request *r = request_of(event_at(c, i)->data);
		if (r)
			r->seen = true;
	}
}

static bool any_unordered(struct context *c)
{
	uint32_t ready = ready_in(c);

	for (uint32_t i = 0; i < ready; i++) {
		struct request *r = request_of(event_at(c, i)->data);
		if (!r || r->unordered)
			return true;
	}
	return false;
}

static uint32_t asked_and_always(const struct request *r)
{
	return (r->mask & 0xffff) | POLLERR | POLLHUP;
}

/* Whether poll(2) would report what a poll waits for. */
static bool says_ready(const struct request *r)
{
	struct pollfd p = {fd_of(r->slot), r->mask, 0};

	return r->opcode == POLL && poll(&p, 1, 0) == 1 && (p.revents & asked_and_always(r));
}

/*
 * Waits until every request has its event that must have one: all but polls, and polls that are ready by what poll(2)
 * says. Kernel AIO's polls are ready as soon as the call that made them so has returned; ours are a moment later.
 */
static void settle(void)
{
	uint64_t begun = milliseconds();
	struct iocb nobodys = {0};
	struct io_event nothing;
	bool signalled = false, moved = false, pending = false, asked = false;

	for (;;) {
		bool waiting = false, polls = false;

		for (int i = 0; i < CONTEXTS; i++)
			if (contexts[i].live)
				look_into(&contexts[i]);
		for (int i = 0; i < MAX_REQUESTS; i++) {
			struct request *r = &requests[i];

			if (r->state != UNDER_WAY || r->settled)
				continue;
			if (r->seen) {
				r->settled = true;
				signalled |= r->with_resfd && r->unordered;
				continue;
			}
			if (r->stuck)
				continue;
			if (r->opcode != POLL) {
				waiting = true;
				continue;
			}
			pending = true;
			if (!slots[r->slot].open || slots[r->slot].generation != r->generation) {
				moved = true;
				continue;
			}
			polls |= says_ready(r);
		}
		if (!waiting && !polls) {
			if (!pending || asked)
				break;
			/*
			 * A poll may have been ready for a moment, or its descriptor is another by now. Its event is
			 * there when a call that looks for polls has returned.
			 */
			asked = true;
			if (moved)
				pause_microseconds(1000 * patience);
			for (int i = 0; i < CONTEXTS; i++)
				if (contexts[i].live && !contexts[i].foreign)
					io_cancel(contexts[i].handle, &nobodys, &nothing);
			continue;
		}
		uint64_t now = milliseconds();
		if (now - begun > (waiting ? 1000ull : 30ull) * patience) {
			for (int i = 0; i < MAX_REQUESTS; i++)
				requests[i].stuck |= requests[i].state == UNDER_WAY && !requests[i].seen &&
						     (waiting ? requests[i].opcode != POLL : says_ready(&requests[i]));
			break;
		}
		pause_microseconds(20);
	}
	if (signalled)
		pause_microseconds(4000 * patience);
}

/* The rules. */

/* Transfers that are under way on a file and that this one, or the change of its size, would race with. */
static bool conflicts(int object, bool writes, bool grows, int64_t from, int64_t to)
{
	for (int i = 0; i < MAX_REQUESTS; i++) {
		struct request *r = &requests[i];

		if (r->state != UNDER_WAY && r->state != BUILT)
			continue;
		if (r->settled || !r->asynchronous || r->object != object || r->opcode == POLL)
			continue;
		if (r->opcode == FSYNC || r->opcode == FDSYNC)
			continue;
		if (!writes && !r->writes)
			continue;
		if (grows || r->grows || (from < r->to && r->from < to))
			return true;
	}
	return false;
}

static bool is_pending(const struct request *r)
{
	/* A read of what is not cached ends within io_submit there, and later here (a listed difference). */
	return (r->state == UNDER_WAY || r->state == BUILT) && !r->settled && (r->asynchronous || r->unordered);
}

static bool signals_to_come(void)
{
	for (int i = 0; i < MAX_REQUESTS; i++)
		if (is_pending(&requests[i]) && requests[i].with_resfd)
			return true;
	return false;
}

static bool transfers_pend(int object)
{
	for (int i = 0; i < MAX_REQUESTS; i++)
		if (is_pending(&requests[i]) && requests[i].object == object && requests[i].opcode != POLL)
			return true;
	return false;
}

static bool is_stream(int kind)
{
	return kind == PIPE || kind == FIFO || kind == STREAM || kind == DGRAM || kind == SEQPACKET || kind == LISTENER ||
	       kind == LONELY;
}

/*
 * Whether a poll of one end of a pair may be pending. If nothing else kept that end, it would go when the poll ends:
 * a little later, and what the other end sees until then is not determined.
 */
static bool is_polled(int slot)
{
	for (int i = 0; is_stream(slots[slot].kind) && i < MAX_REQUESTS; i++)
		if (requests[i].state == UNDER_WAY && requests[i].opcode == POLL && !requests[i].settled &&
		    requests[i].slot == slot)
			return true;
	return false;
}

/* What a thread of a parallel block may touch: each object is one thread's. */
static bool mine(struct worker *w, int slot)
{
	return !w->of || (slots[slot].open && slots[slot].object % w->of == w->number);
}

/* Results. */

static void say_memory(struct worker *w, struct request *r)
{
	if (r->memory)
		say(w, " m%08x", hash(r->memory, r->memory_length));
}

static void say_event(struct worker *w, const struct event *e)
{
	struct request *r = request_of(e->data);
	uintptr_t offset = e->obj - (uintptr_t)blocks;
	int64_t res = e->res;

	if (!r) {
		say(w, " [strange %llx]", (unsigned long long)e->data);
		return;
	}
	if (r->state == COLLECTED)
		say(w, " [again]");
	r->state = COLLECTED;
	r->seen = r->settled = true;
	say(w, "\n  event t%d op%d obj%ld", (int)(r - requests), r->opcode,
	    offset < BLOCKS * sizeof(*blocks) && offset % sizeof(*blocks) == 0 ? (long)(offset / sizeof(*blocks)) : -1);
	/* A second wake-up may hide the bits of the first (a listed difference), which are all the same for pipes. */
	if (r->opcode == POLL && r->unordered && res > 0 && r->kind != PIPE && r->kind != FIFO)
		res = res & asked_and_always(r) ? 1 : -1;
	say(w, " res%ld/%ld", (long)res, (long)r->length);
	if (e->res2)
		say(w, " res2 %ld", (long)e->res2);
	/* A direct read that fails may have begun, and what it began is not waited for. */
	if (res >= 0 || !r->asynchronous)
		say_memory(w, r);
}

static int by_tag(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return x->data < y->data ? -1 : x->data > y->data;
}

/* Those whose order the kernel determines as they came, then the others by number. */
static void say_events(struct worker *w, struct event *list, int count)
{
	static _Thread_local struct event others[512];
	int left = 0;

	for (int i = 0; i < count; i++) {
		struct request *r = request_of(list[i].data);

		if (r && !r->unordered)
			say_event(w, &list[i]);
		else
			others[left++] = list[i];
	}
	qsort(others, left, sizeof(*others), by_tag);
	for (int i = 0; i < left; i++)
		say_event(w, &others[i]);
}

static void say_signals(struct worker *w)
{
	if (w->of)
		return;
	/* How often is not told: signals of one io_submit become one while the handler waits for its end. */
	if (broken_pipes)
		say(w, " SIGPIPE");
	if (file_too_large)
		say(w, " SIGXFSZ");
	broken_pipes = file_too_large = 0;
}

static void say_ring(struct worker *w, struct context *c)
{
	if (c->live && !c->foreign)
		say(w, " ring %u/%u of %u", ring_of(c)->head, ring_of(c)->tail, ring_of(c)->nr);
}

/* Descriptors. */

static void file_name(char *name, int number)
{
	sprintf(name, "f%d", number);
}

/* A whole number of blocks; one with a tail; with holes; empty. */
static void make_file(int number)
{
	static unsigned char content[65636];
	char name[16];
	int fd;

	file_name(name, number);
	if (access(name, F_OK) == 0)
		return;
	fd = open(name, O_RDWR | O_CREAT, 0600);
	fill(content, sizeof(content), number);
	if (number < 2 && write(fd, content, number ? 65636 : 65536) < 0)
		_exit(7);
	if (number == 2 && (ftruncate(fd, 262144) || pwrite(fd, content, 4096, 65536) < 0))
		_exit(7);
	/* The data is on the disk, for the sake of direct reads. */
	fdatasync(fd);
	if (number == 1)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	objects[number].uncached = number == 1 || number == 2;
	objects[number].cached = number != 1;
}

static void put(int slot, int fd, int kind, int object)
{
	if (fd >= 0 && fd != fd_of(slot)) {
		dup2(fd, fd_of(slot));
		close(fd);
	} else if (fd < 0) {
		close(fd_of(slot));
	}
	slots[slot] = (struct slot){fd >= 0, object, kind, slots[slot].generation + 1};
}

static void op_open(struct worker *w, const long *a)
{
	static const int access_modes[] = {O_RDWR, O_RDONLY, O_WRONLY, O_RDWR};
	static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full"};
	static const char *const procs[] = {"/proc/version", "/proc/sys/kernel/ostype", "/proc/self/cmdline"};
	int slot = a[0] % (SLOTS - 1), kind = a[1] % KINDS, flags = a[2], fd = -1, pair[2] = {-1, -1};
	int object = object_count++, size = 4096;
	int nonblock = flags & 1 ? O_NONBLOCK : 0;
	char name[32];

	if (is_polled(slot) || is_polled(slot + 1)) {
		say(w, " polled");
		return;
	}
	switch (kind) {
	case FILE_KIND:
		object_count--;
		object = a[3] % FILES;
		make_file(object);
		file_name(name, object);
		fd = open(name, access_modes[flags & 3] | (flags & 4 ? O_APPEND : 0) | (flags & 8 ? O_DIRECT : 0));
		break;
	case PIPE:
		if (pipe2(pair, nonblock) == 0 && flags & 2)
			fcntl(pair[0], F_SETPIPE_SZ, 4096);
		break;
	case FIFO:
		unlink("fifo");
		mkfifo("fifo", 0600);
		/* A write that waits for room is not as kernel AIO's (a listed difference). */
		fd = open("fifo", O_RDWR | O_NONBLOCK);
		break;
	case STREAM:
	case DGRAM:
	case SEQPACKET:
		if (socketpair(AF_UNIX,
			       (kind == STREAM	? SOCK_STREAM
				: kind == DGRAM ? SOCK_DGRAM
						: SOCK_SEQPACKET) |
				       (nonblock ? SOCK_NONBLOCK : 0),
			       0, pair) == 0 &&
		    flags & 2) {
			setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
			setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		}
		break;
	case EVENTFD:
		fd = eventfd(a[3] % 4, (nonblock ? EFD_NONBLOCK : 0) | (flags & 2 ? EFD_SEMAPHORE : 0));
		break;
	case TIMERFD:
		fd = timerfd_create(CLOCK_MONOTONIC, nonblock ? TFD_NONBLOCK : 0);
		if (flags & 2) {
			struct itimerspec now = {{0, 0}, {0, 1}};
			struct pollfd p = {fd, POLLIN, 0};
			timerfd_settime(fd, 0, &now, NULL);
			poll(&p, 1, 1000);
		}
		break;
	case MEMFD:
		fd = memfd_create("m", MFD_ALLOW_SEALING);
		if (fd >= 0) {
			static unsigned char content[10000];
			fill(content, sizeof(content), 9);
			if (write(fd, content, sizeof(content)) < 0)
				_exit(7);
			if (flags & 1)
				fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
		}
		break;
	case DIRECTORY:
		fd = open(".", O_RDONLY | O_DIRECTORY);
		break;
	case DEVICE:
		fd = open(devices[flags % 3], O_RDWR | (flags & 4 ? O_NONBLOCK : 0));
		break;
	case EPOLL:
		fd = epoll_create1(0);
		break;
	case TERMINAL:
		/* What goes through a terminal takes its time, so nothing does: the other end is out of reach. */
		if (openpty(&pair[1], &fd, NULL, NULL, NULL) == 0) {
			fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
			if (terminal_masters[slot])
				close(terminal_masters[slot]);
			terminal_masters[slot] = fcntl(pair[1], F_DUPFD, 200);
			close(pair[1]);
			pair[1] = -1;
		}
		break;
	case PATH:
		make_file(0);
		fd = open("f0", O_PATH);
		break;
	case PROC:
		fd = open(procs[flags % 3], O_RDONLY);
		break;
	case SIGNALFD: {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		fd = signalfd(-1, &set, SFD_NONBLOCK);
		break;
	}
	case INOTIFY:
		fd = inotify_init1(IN_NONBLOCK);
		break;
	case LISTENER:
	case LONELY:
		fd = socket(flags & 2 ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (kind == LISTENER)
			listen(fd, 1);
		break;
	}
	if (pair[0] >= 0) {
		/* Both numbers are out of the way of our own. */
		put(slot, pair[0], kind, object);
		put(slot + 1, pair[1], kind, object);
		say(w, " pair");
	} else {
		put(slot, fd, kind, object);
		say(w, " %s", fd >= 0 ? "ok" : "failed");
	}
}

/* Whether a plain call of the program on a descriptor may be made now: only on what is settled. */
static bool plain(struct worker *w, int slot)
{
	if (!mine(w, slot)) {
		say(w, " not mine");
		return false;
	}
	if (!w->of)
		settle();
	return true;
}

static bool is_ready(int slot, short events)
{
	struct pollfd p = {fd_of(slot), events, 0};

	return poll(&p, 1, 0) == 1 && (p.revents & events);
}

static void say_number(struct worker *w, long result)
{
	if (result < 0)
		say(w, " -errno%d", errno);
	else
		say(w, " %ld", result);
}

static void op_plain(struct worker *w, const char *name, const long *a)
{
	static _Thread_local unsigned char bytes[1 << 14];
	int slot = a[0] % SLOTS, fd = fd_of(slot);
	bool file = slots[slot].kind == FILE_KIND || slots[slot].kind == MEMFD;

	if (!strcmp(name, "close")) {
		/* No settling: a request keeps its file. */
		if (!mine(w, slot) || is_polled(slot))
			return;
		say_number(w, close(fd));
		slots[slot].open = false;
		slots[slot].generation++;
		return;
	}
	if (!plain(w, slot))
		return;
	/* Nothing is settled in a parallel block. */
	if (w->of && file && strcmp(name, "setfl") && transfers_pend(slots[slot].object)) {
		say(w, " conflict");
		return;
	}
	if (!strcmp(name, "setfl")) {
		int flags = fcntl(fd, F_GETFL);
		int wanted = a[1] & (O_NONBLOCK | O_APPEND | O_DIRECT);
		/* A pipe with O_DIRECT keeps packets apart; terminals stay as they are. */
		if (!file)
			wanted &= O_NONBLOCK;
		if (slots[slot].kind != TERMINAL)
			say_number(w, fcntl(fd, F_SETFL, (flags & ~(O_NONBLOCK | O_APPEND | O_DIRECT)) | wanted));
	} else if (!strcmp(name, "truncate") && file) {
		say_number(w, ftruncate(fd, a[1]));
		objects[slots[slot].object].uncached = true;
	} else if (!strcmp(name, "pwrite") && file) {
		fill(bytes, sizeof(bytes), a[3]);
		say_number(w, pwrite(fd, bytes, a[2] % sizeof(bytes), a[1]));
		objects[slots[slot].object].uncached = objects[slots[slot].object].cached = true;
	} else if (!strcmp(name, "pread") && file) {
		long n = pread(fd, bytes, a[2] % sizeof(bytes), a[1]);
		objects[slots[slot].object].cached = true;
		say_number(w, n);
		say(w, " %08x", n > 0 ? hash(bytes, n) : 0);
	} else if (!strcmp(name, "lseek") && file) {
		say_number(w, lseek(fd, a[1], SEEK_SET));
	} else if (!strcmp(name, "drop") && file) {
		/* Without reading ahead, so that parts of a file are cached. */
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
		if (a[1] & 3)
			fdatasync(fd);
		say_number(w, posix_fadvise(fd, a[2], a[3], POSIX_FADV_DONTNEED));
		objects[slots[slot].object].uncached = true;
	} else if (!strcmp(name, "send") && (is_stream(slots[slot].kind) || slots[slot].kind == EVENTFD)) {
		long length = slots[slot].kind == EVENTFD ? 8 : a[1] % 2048;
		fill(bytes, length, a[2]);
		if (slots[slot].kind == EVENTFD)
			memcpy(bytes, &(uint64_t){a[2] % 5}, 8);
		if (is_ready(slot, POLLOUT))
			say_number(w, write(fd, bytes, length));
	} else if (!strcmp(name, "receive") && (is_stream(slots[slot].kind) || slots[slot].kind == EVENTFD)) {
		/* Nothing is settled there, and another thread may make a poll true that signals this eventfd. */
		if (w->of && slots[slot].kind == EVENTFD && signals_to_come())
			say(w, " conflict");
		else if (is_ready(slot, POLLIN)) {
			long n = read(fd, bytes, a[1] % sizeof(bytes));
			say_number(w, n);
			say(w, " %08x", n > 0 ? hash(bytes, n) : 0);
		}
	} else if (!strcmp(name, "shutdown") && slots[slot].kind == STREAM) {
		say_number(w, shutdown(fd, a[1] % 3));
	}
	say_signals(w);
}

static void op_dup(struct worker *w, const long *a)
{
	int from = a[0] % SLOTS, to = a[1] % SLOTS;

	if (w->of || from == to || is_polled(to))
		return;
	say_number(w, dup2(fd_of(from), fd_of(to)) < 0 ? -1 : 0);
	if (slots[from].open) {
		unsigned generation = slots[to].generation + 1;
		slots[to] = slots[from];
		slots[to].generation = generation;
	}
}

/* Contexts. */

static void op_setup(struct worker *w, const long *a)
{
	struct context *c = &contexts[a[0] % CONTEXTS];
	io_context_t handle = a[2] == 2 ? (io_context_t)1 : NULL;
	int result;

	if (w->of || (c->live && !c->foreign))
		return;
	switch (a[2]) {
	case 1:
		handle = (io_context_t)7;
		result = io_queue_init(a[1], &handle);
		break;
	case 3:
		result = io_setup(a[1], NULL);
		break;
	case 4:
		result = io_setup(a[1], (io_context_t *)kernel_address);
		break;
	case 5:
		result = io_setup(a[1], (io_context_t *)read_only);
		break;
	default:
		result = io_setup(a[1], &handle);
	}
	say(w, " %d", result);
	if (result == 0) {
		*c = (struct context){handle, true, false, true, false, ++contexts_made};
		say_ring(w, c);
	}
}

/*
 * A handle for a call. Those that are none are as the C library lets them be: with an address that cannot be read it
 * would crash (a listed difference). One that was destroyed may be given out again, so it is used only while no
 * context was made since.
 */
static struct context *context_of(struct worker *w, long number, bool reads_ring)
{
	static struct context null, zeroes;
	struct context *c;

	if (number % 16 == 15)
		return &null;
	if (number % 16 == 14) {
		zeroes.handle = (io_context_t)(read_only + PAGE);
		return &zeroes;
	}
	c = &contexts[number % CONTEXTS];
	if (c->live)
		return c;
	if (!c->ever || reads_ring || c->made != contexts_made) {
		say(w, " none");
		return NULL;
	}
	return c;
}

/* What a context leaves behind. */
static void forget_requests(struct worker *w, struct context *c)
{
	int number = c - contexts;
	bool polls = false;

	for (int i = 0; i < MAX_REQUESTS; i++) {
		struct request *r = &requests[i];

		if (r->state == UNDER_WAY && r->context == number) {
			say(w, " t%d", i);
			say_memory(w, r);
			r->state = COLLECTED;
			r->settled = true;
			polls |= r->opcode == POLL;
		}
	}
	/* The kernel lets go of the files of its polls later. */
	if (polls)
		pause_microseconds(10000 * patience);
}

static void op_destroy(struct worker *w, const long *a)
{
	struct context *c = w->of ? NULL : context_of(w, a[0], false);
	int result;

	if (!c)
		return;
	result = a[1] & 1 ? io_queue_release(c->handle) : io_destroy(c->handle);
	say(w, " %d", result);
	if (c->live && !c->foreign && result == 0) {
		c->live = false;
		c->made = contexts_made;
		forget_requests(w, c);
	}
}

/* Requests. */

/* Where the bytes of a request are. */
static unsigned char *memory_for(struct worker *w, struct request *r, int tag, long how, long start, long *length,
				 bool reads)
{
	unsigned char *own = buffers + (size_t)tag * BUFFER;
	unsigned char *edge = halves + (size_t)(halves_used % HALVES) * 3 * PAGE + 2 * PAGE, *half = edge;
	unsigned long span = *length, room = BUFFER - start % PAGE;

	/* What does not fit into a buffer has to end at a page that is not there. */
	if (span > BUFFER - PAGE && how < 1)
		how = 1;
	/* A direct write that fails in the middle has written what it pleases. */
	if (how == 1 && r->whole)
		how = 2;
	/* Each is used once: what a read leaves in it would depend on when. */
	if (how == 1 && (w->of || halves_used == HALVES - 1))
		how = 2;
	switch (how) {
	default:
		own += start % PAGE;
		if (!reads)
			fill(own, span, tag);
		if (reads) {
			r->memory = own;
			r->memory_length = span + 64 < room ? span + 64 : room;
		}
		return own;
	case 1:
		halves_used++;
		/* As much as a page and a bit is there. */
		half -= span > PAGE + 100 ? PAGE + 100 : span ? span / 2 : 0;
		if (start & 512)
			half = (unsigned char *)((uintptr_t)half & ~511ul);
		if (!reads)
			fill(half, edge - half, tag);
		return half;
	case 2:
		return edge + 8;
	case 3:
		return span <= PAGE ? read_only + start % 64 : edge + 8;
	case 4:
		return NULL;
	case 5:
		return (unsigned char *)kernel_address;
	case 6:
		return (unsigned char *)0x7fffffffe000;
	}
}

static void vector_for(struct request_block *b, struct request *r, int tag, long how, long parts, long start,
		       long *length, bool reads)
{
	struct iovec *v = vectors + (size_t)tag * SEGMENTS;
	unsigned char *own = buffers + (size_t)tag * BUFFER + start % PAGE;
	long left = *length < 0 || *length > BUFFER - PAGE ? 4096 : *length;
	int count = 1 + parts % SEGMENTS, odd = r->whole && how >= 6 && how != 7 ? 0 : how % 16;

	if (how == 12)
		v = vector_edge - 1;
	if (!reads)
		fill(own, left, tag);
	else {
		r->memory = own;
		r->memory_length = left + 64;
	}
	*length = left;
	b->buf = (uintptr_t)v;
	b->nbytes = count;
	for (int i = 0; i < (how == 12 ? 1 : count); i++) {
		/* Direct transfers want whole sectors. */
		long part = left / count;
		if (part >= 512)
			part -= part % 512;
		if (i == count - 1)
			part = left;
		v[i] = (struct iovec){own, part};
		own += part;
		left -= part;
	}
	switch (odd) {
	case 1:
		b->nbytes = *length = 0;
		break;
	case 2:
		b->nbytes = 1025;
		break;
	case 3:
		b->nbytes = UINT64_MAX;
		break;
	case 4:
		b->buf = 0;
		break;
	case 5:
		b->buf = kernel_address;
		break;
	case 6:
		v[count / 2].iov_base = last_edge;
		break;
	case 7:
		v[count - 1].iov_len = (size_t)-5;
		break;
	case 8:
		v[0].iov_len = 0;
		break;
	case 9:
		v[count - 1].iov_base = (void *)kernel_address;
		break;
	case 10:
		v[0].iov_base = NULL;
		break;
	case 11:
		if (!reads)
			break;
		v[count - 1].iov_base = last_edge - 50;
		v[count - 1].iov_len = 0x7fffffff;
		break;
	}
}

/* The iocb of a request: one that the batch does not use yet, and no other thread. */
static int free_block(struct worker *w, long wanted)
{
	int step = w->of ? w->of : 1;

	for (int i = wanted % 32 * step + w->number; i < BLOCKS; i += step) {
		bool used = false;

		for (int k = 0; k < w->count; k++) {
			uintptr_t at = w->pointers[k];
			used |= at == (uintptr_t)&blocks[i] || at == (uintptr_t)&blocks_read_only[i];
		}
		if (!used)
			return i;
	}
	return -1;
}

/*
 * + block opcode slot offset length memory start flags rwflags resfd odd parts
 *
 * The flags: 1 RESFD, 2 IOPRIO (class and level are in the upper bits), 4 an unknown bit, 8 "reserved" is not 0.
 * odd: 0 nothing, 1 the iocb may only be read, 2 it is not there, 3 half of it is there, 4 NULL, 5 the kernel's, 6 the
 * same iocb once more (the one before).
 */
static void op_request(struct worker *w, const struct operation *op)
{
	static const int bad_descriptors[] = {-1, 9999, INT_MAX, 99};
	const long *a = op->args;
	int tag = op->tag, opcode = a[1], slot = a[2] % SLOTS, place = free_block(w, a[0]);
	struct request *r = &requests[tag];
	struct request_block *b = &blocks[place], *given = b;
	struct stat status = {0};
	long length = a[4], odd = a[10];
	bool reads = opcode == PREAD || opcode == PREADV, writes = opcode == PWRITE || opcode == PWRITEV;
	int flags = 0;

	if (place < 0 || w->count >= MAX_BATCH - 2 || tag >= MAX_REQUESTS - 1)
		return;
	if (!mine(w, slot)) {
		say(w, " not mine");
		return;
	}
	if (odd == 6 && w->count > 0 && w->tags[w->count - 1] >= 0 && !requests[w->tags[w->count - 1]].memory) {
		/* Two events for one number could not be told apart, so this one must fail or be a write that is done. */
		struct request *before = &requests[w->tags[w->count - 1]];
		if (before->writes && !before->asynchronous) {
			w->pointers[w->count] = w->pointers[w->count - 1];
			w->tags[w->count++] = -1;
			return;
		}
	}
	/* How much is in an eventfd that somebody is about to write to is not determined. */
	if (slots[slot].kind == EVENTFD && reads && signals_to_come()) {
		say(w, " conflict");
		return;
	}
	/* How fast a terminal takes what is written to it is not determined, when it is more than a little. */
	if (slots[slot].kind == TERMINAL && writes) {
		opcode = PWRITE;
		length = 4;
		/* A signal that a request before it raised would interrupt it (a listed difference). */
		if (w->count > 0)
			return;
	}
	/* After each page the kernel's zeroes end for a signal that came in a request before (a listed difference). */
	if (slots[slot].kind == DEVICE && reads && w->count > 0 && length > PAGE)
		length = PAGE;
	*r = (struct request){.state = BUILT, .opcode = opcode, .slot = slot, .object = -1, .length = length,
			      .kind = slots[slot].kind};
	if (a[2] >= SLOTS * 4)
		b->fildes = bad_descriptors[a[2] % 4];
	else
		b->fildes = fd_of(slot);
	if (fstat(b->fildes, &status) == 0) {
		flags = fcntl(b->fildes, F_GETFL);
		r->object = slots[slot].object;
		r->generation = slots[slot].generation;
	}
	b->data = 0x5000 + tag;
	b->key = 0xdead;
	b->rw_flags = a[8];
	b->opcode = opcode;
	b->offset = a[3];
	b->nbytes = length;
	b->buf = 0;
	b->reserved = a[7] & 8 ? 1 : 0;
	b->flags = a[7] & 7;
	b->reqprio = a[7] >> 4;
	b->resfd = -1;
	if (a[9] >= 0) {
		b->resfd = a[9] >= SLOTS * 4 ? bad_descriptors[a[9] % 4] : fd_of(a[9] % SLOTS);
		if (w->of)
			b->flags &= ~1u;
		r->with_resfd = b->flags & 1;
	}
	r->whole = writes && flags & O_DIRECT;
	r->half = a[5] != 0 || length > BUFFER - PAGE;
	if (opcode == PREAD || opcode == PWRITE)
		b->buf = (uintptr_t)memory_for(w, r, tag, a[5], a[6], &length, reads);
	else if (opcode == PREADV || opcode == PWRITEV)
		vector_for(b, r, tag, a[5], a[11], a[6], &length, reads);
	else if (opcode == POLL) {
		b->buf = r->mask = a[4];
		b->nbytes = a[5] == 5 ? 1 : 0;
		b->offset = a[5] == 6 ? 1 : 0;
		b->rw_flags = a[5] == 7 ? 1 : 0;
		r->length = r->mask;
	} else if (opcode == FSYNC || opcode == FDSYNC) {
		b->buf = a[5] == 5;
		b->nbytes = a[5] == 6;
		b->offset = a[5] == 7;
		b->rw_flags = a[5] == 3;
		r->length = 0;
	}
	if (reads || writes)
		r->length = length;

	bool file = S_ISREG(status.st_mode) && (slots[slot].kind == FILE_KIND || slots[slot].kind == MEMFD);
	bool direct = flags & O_DIRECT;
	if (file && (reads || writes)) {
		struct object *object = &objects[slots[slot].object];
		bool append = flags & O_APPEND || (writes && b->rw_flags & APPEND);

		r->asynchronous = direct;
		r->writes = writes;
		r->from = a[3] / PAGE * PAGE;
		r->to = (a[3] > LONG_MAX / 2 ? LONG_MAX / 2 : a[3]) + (length > 1 << 20 || length < 0 ? 1 << 20 : length) + PAGE;
		r->grows = writes && (append || r->to > status.st_size);
		/*
		 * What is in the cache after direct writes, and after reads that go around it, is the kernel's choice.
		 * A direct write that finds memory missing goes on through the cache, and one that fails at the end of
		 * the file wipes the rest of the last page there: both leave what is to be written back.
		 */
		object->cached |= !direct || (writes && (r->half || r->grows));
		if ((direct && writes) || b->rw_flags & DONTCACHE)
			object->uncached = true;
		if (writes && r->to > status.st_size)
			object->uncached = true;
		/* The rest of a read that ends within its memory is tried on the ring here. */
		r->unordered = direct || (reads && (object->uncached || r->half));
		/* Whether a read would wait for the disk is not determined there, nor where a write must be allocated. */
		if ((object->uncached && !direct) || (object->cached && direct))
			b->rw_flags &= ~NOWAIT;
		r->state = UNUSED;
		if (conflicts(r->object, writes, r->grows, r->from, r->to)) {
			say(w, " conflict");
			return;
		}
		r->state = BUILT;
	} else if (file && (opcode == FSYNC || opcode == FDSYNC)) {
		r->asynchronous = r->unordered = true;
	} else if (opcode == FSYNC || opcode == FDSYNC) {
		r->asynchronous = r->unordered = true;
	} else if (opcode == POLL) {
		r->asynchronous = r->unordered = true;
		/* Ordinary data ends a poll for urgent data, when its wake-up is the only one (a listed difference). */
		if (r->mask & (POLLPRI | POLLRDBAND))
			b->buf = r->mask |= POLLIN;
	}
	/* When a child ends, kernel AIO signals the eventfds of what is under way; here that is over (a listed difference). */
	if (in_child && (r->asynchronous || r->unordered))
		b->flags &= ~1u;
	if (in_parallel)
		r->unordered = true;

	switch (odd) {
	case 1:
		given = &blocks_read_only[place];
		break;
	case 2:
		given = (struct request_block *)(last_edge);
		break;
	case 3:
		given = (struct request_block *)((char *)blocks_edge - 32);
		memcpy(given, b, 32);
		break;
	case 4:
		given = NULL;
		break;
	case 5:
		given = (struct request_block *)kernel_address;
		break;
	}
	say(w, " t%d on %d", tag, (int)b->fildes);
	w->pointers[w->count] = (uintptr_t)given;
	w->tags[w->count++] = tag;
}

/* How many requests of a context have not been collected. */
static int outstanding(struct context *c)
{
	int count = 0;

	for (int i = 0; i < MAX_REQUESTS; i++)
		count += requests[i].state == UNDER_WAY && requests[i].context == c - contexts;
	return count;
}

/* Whether a request may wait for something that never comes. */
static bool may_block(struct worker *w)
{
	for (int i = 0; i < w->count; i++) {
		struct request *r = w->tags[i] >= 0 ? &requests[w->tags[i]] : NULL;
		if (r && r->opcode != POLL && slots[r->slot].kind != FILE_KIND)
			return true;
	}
	return false;
}

/* submit context count array: count 0 as there are, 1 none, 2 -1, 3 the least, 4 one more, 5 one less;
 * array 0 as it is, 1 NULL, 2 the kernel's, 3 half of it is there. */
static void op_submit(struct worker *w, const long *a)
{
	struct context *c = context_of(w, a[0], false);
	long given = w->count, count = given;
	uint64_t *array = w->pointers;
	int result, limit, now = 0;
	timer_t timer;
	bool timed;

	if (!c) {
		w->count = 0;
		return;
	}
	for (int i = 0; i < given; i++)
		if (c->live && w->tags[i] >= 0)
			c->asynchronous |= requests[w->tags[i]].asynchronous;
	/* Near its limit kernel AIO's answer depends on which processor completed what. */
	limit = c->asynchronous || w->of ? (w->of ? SAFE_LIMIT / w->of : SAFE_LIMIT) - (w->of ? 0 : outstanding(c)) : INT_MAX;
	if (c->live && count > limit)
		given = count = limit < 0 ? 0 : limit;
	switch (a[1]) {
	case 1:
		count = 0;
		break;
	case 2:
		count = -1;
		break;
	case 3:
		count = LONG_MIN;
		break;
	case 4:
		w->pointers[given] = 0;
		count = given + 1;
		break;
	case 5:
		count = given > 0 ? given - 1 : 0;
		break;
	}
	switch (a[2]) {
	case 1:
		array = NULL;
		break;
	case 2:
		array = (uint64_t *)kernel_address;
		break;
	case 3:
		array = array_edge - given / 2;
		memcpy(array, w->pointers, given / 2 * sizeof(*array));
		break;
	}
	timed = may_block(w);
	if (timed)
		timer = interrupt_soon();
	result = io_submit(c->handle, count, (struct iocb **)array);
	if (timed)
		timer_delete(timer);
	say(w, " %d of %ld", result, count);
	for (int i = 0; i < w->count; i++) {
		struct request *r = w->tags[i] >= 0 ? &requests[w->tags[i]] : NULL;

		if (!r)
			continue;
		if (i < result) {
			r->state = UNDER_WAY;
			r->context = c - contexts;
		} else {
			r->state = UNUSED;
			if (i == (result > 0 ? result : 0) && i < count)
				say(w, " refused op%d", r->opcode);
		}
	}
	/* What kernel AIO does within the call is in the ring. */
	if (c->live && !c->foreign) {
		look_into(c);
		for (int i = 0; i < result && i < w->count; i++)
			if (w->tags[i] >= 0 && !requests[w->tags[i]].unordered)
				now += requests[w->tags[i]].seen;
		say(w, " at once %d keys", now);
	}
	/* The iocbs and the vectors are the program's again. */
	for (int i = 0; i < w->count; i++) {
		uintptr_t offset = w->pointers[i] - (uintptr_t)blocks;
		if (offset < BLOCKS * sizeof(*blocks)) {
			struct request_block *b = &blocks[offset / sizeof(*blocks)];
			uint32_t key = b->key;
			say(w, " %x", key);
			memset(b, 0x5a, sizeof(*b));
			b->key = key;
		}
		if (w->tags[i] >= 0)
			memset(vectors + (size_t)w->tags[i] * SEGMENTS, 0x5a, SEGMENTS * sizeof(*vectors));
	}
	w->count = 0;
	say_signals(w);
}

/* events context min nr timeout events mask: mask -1 for io_getevents, 0 NULL, 1 empty, 2 bad, 3 lets a signal in. */
static void op_events(struct worker *w, const long *a)
{
	static const struct timespec times[] = {{0, 0}, {0, 0}, {0, 2000000}, {0, -1}, {-1, 0}, {LONG_MAX, 999999999}};
	long kind = a[3] % 6, nr = a[2], min = a[1];
	struct timespec time = times[kind], *timeout = kind ? &time : NULL;
	struct context *c = w->of ? NULL : context_of(w, a[0], true);
	struct event *out = events;
	sigset_t usr1, empty, old;
	uint64_t begun;
	timer_t timer;
	bool timed = false;
	int result;

	if (!c)
		return;
	settle();
	if (c->live && !c->foreign && any_unordered(c) && nr > 0) {
		/* Which ones come first is not determined: all of them. */
		nr = 512;
	}
	if (nr > 512)
		nr = 512;
	if (c->live && c->foreign && kind == 1)
		return; /* the parent's ring as it looks at this moment */
	if (kind == 2)
		time.tv_nsec *= patience;
	if (kind != 1 && kind != 2 && (!c->live || min > ready_in(c))) {
		timer = interrupt_soon();
		timed = true;
	}
	switch (a[4]) {
	case 1:
		out = NULL;
		break;
	case 2:
		out = (struct event *)(read_only + 1024);
		break;
	case 3:
		out = events_edge - 2;
		break;
	}
	memset(events, 0x77, 64 * sizeof(*events));
	begun = milliseconds();
	if (a[5] < 0)
		result = io_getevents(c->handle, min, nr, (struct io_event *)out, timeout);
	else {
		sigemptyset(&empty);
		sigemptyset(&usr1);
		sigaddset(&usr1, SIGUSR1);
		if (a[5] == 3) {
			pthread_sigmask(SIG_BLOCK, &usr1, &old);
			pthread_kill(pthread_self(), SIGUSR1);
		}
		interrupts = 0;
		result = io_pgetevents(c->handle, min, nr, (struct io_event *)out, timeout,
				       a[5] == 0   ? NULL
				       : a[5] == 2 ? (sigset_t *)kernel_address
						   : &empty);
		if (a[5] == 3) {
			say(w, " handler %d", timed ? interrupts > 0 : interrupts);
			pthread_sigmask(SIG_SETMASK, &old, NULL);
		}
	}
	if (timed)
		timer_delete(timer);
	say(w, " %d", result);
	/* Nobody comes back before the time is over. */
	if (kind == 2 && a[5] != 3 && result >= 0 && result < min && milliseconds() - begun < (uint64_t)time.tv_nsec / 1000000)
		say(w, " early");
	say_ring(w, c);
	if (result > 0 && c->live)
		say_events(w, out, result < 512 ? result : 512);
}

/* The program takes events itself: moves head. */
static void op_head(struct worker *w, const long *a)
{
	struct context *c = w->of ? NULL : context_of(w, a[0], true);
	struct ring *ring;
	uint32_t count, ready;

	if (!c || !c->live || c->foreign)
		return;
	settle();
	ring = ring_of(c);
	ready = ready_in(c);
	count = any_unordered(c) ? ready : a[1] % (ready + 1);
	for (uint32_t i = 0; i < count; i++)
		events[i] = *event_at(c, i);
	__atomic_store_n(&ring->head, (ring->head + count) % ring->nr, __ATOMIC_RELEASE);
	say(w, " %u", count);
	say_ring(w, c);
	say_events(w, events, count);
}

static void op_cancel(struct worker *w, const long *a)
{
	struct context *c = w->of ? NULL : context_of(w, a[0], false);
	struct request_block *b = &blocks[a[1] % BLOCKS];
	struct event event;
	uint32_t ready;
	int result;

	if (!c)
		return;
	settle();
	switch (a[2]) {
	case 1:
		b = NULL;
		break;
	case 2:
		b = (struct request_block *)kernel_address;
		break;
	case 3:
		b->key = 1;
		break;
	case 4:
		b->key = 0;
		break;
	}
	ready = c->live && !c->foreign ? ready_in(c) : 0;
	result = io_cancel(c->handle, (struct iocb *)b, a[2] == 5 ? NULL : (struct io_event *)&event);
	say(w, " %d", result);
	/* The event is on its way. */
	for (int i = 0; i < 5000 * patience && result == -EINPROGRESS && ready_in(c) == ready; i++)
		pause_microseconds(20);
	/* The kernel lets go of the file later than of the poll. */
	if (result == -EINPROGRESS)
		pause_microseconds(10000 * patience);
}

static void op_wait(struct worker *w, const long *a)
{
	struct context *c = w->of ? NULL : context_of(w, a[0], true);
	struct timespec time = {0, 1000000};

	if (c)
		say(w, " %d", io_queue_wait(c->handle, a[1] & 1 ? &time : NULL));
}

static uint64_t eventfd_count(int fd)
{
	char name[64], text[512], *at;
	ssize_t n;

	sprintf(name, "/proc/self/fdinfo/%d", fd);
	int info = open(name, O_RDONLY);
	n = info >= 0 ? read(info, text, sizeof(text) - 1) : 0;
	close(info);
	text[n > 0 ? n : 0] = 0;
	at = strstr(text, "eventfd-count:");
	return at ? strtoull(at + 14, NULL, 16) : 77;
}

static void op_counts(struct worker *w)
{
	if (w->of)
		return;
	settle();
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].open && slots[i].kind == EVENTFD)
			say(w, " %d:%llx", i, (unsigned long long)eventfd_count(fd_of(i)));
}

/* Buffers of transfers that are under way go away: the kernel has its pages. */
static void op_unmap(struct worker *w)
{
	for (int i = 0; !w->of && i < MAX_REQUESTS; i++) {
		struct request *r = &requests[i];

		if (r->state != UNDER_WAY || r->settled || !r->asynchronous || !r->memory)
			continue;
		if (r->opcode != PREAD && r->opcode != PREADV)
			continue;
		/* What is cached is written back by a worker of the kernel first, which then misses the memory. */
		if (objects[r->object].cached)
			continue;
		munmap(buffers + (size_t)i * BUFFER, BUFFER);
		r->memory = NULL;
		say(w, " t%d", i);
	}
}

static int run(struct worker *w, int from, int to);

struct part {
	struct worker *worker;
	int from, to, step;
	pthread_t thread;
};

static void *part_of_sequence(void *argument)
{
	struct part *p = argument;

	for (int i = p->from; i < p->to; i += p->step)
		run(p->worker, i, i + 1);
	return NULL;
}

/* The next operations run in another thread, or dealt out to several at once. */
static void op_thread(struct worker *w, int from, int to, int threads)
{
	struct part parts[4];

	in_parallel = threads > 1;
	for (int i = 0; i < threads; i++) {
		struct worker *own = threads > 1 ? calloc(1, sizeof(*own)) : w;

		if (threads > 1) {
			own->number = i;
			own->of = threads;
		}
		parts[i] = (struct part){own, from + i, to, threads, 0};
		if (pthread_create(&parts[i].thread, NULL, part_of_sequence, &parts[i]))
			_exit(6);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(parts[i].thread, NULL);
	in_parallel = false;
	for (int i = 0; threads > 1 && i < threads; i++) {
		flush_text(w);
		flush_text(parts[i].worker);
		free(parts[i].worker);
	}
	say_signals(w);
}

static void op_fork(struct worker *w, int from, int to, long end)
{
	int status;

	settle();
	say(w, "\n");
	flush_text(w);
	pid_t child = fork();
	if (child == 0) {
		in_child = true;
		for (int i = 0; i < CONTEXTS; i++)
			contexts[i].foreign = contexts[i].live;
		for (int i = 0; i < MAX_REQUESTS; i++)
			if (requests[i].state == UNDER_WAY)
				requests[i].state = COLLECTED;
		w->count = 0;
		run(w, from, to);
		say(w, "child ends\n");
		flush_text(w);
		if (end % 3 == 1)
			exit(3);
		if (end % 3 == 2)
			raise(SIGKILL);
		_exit(3);
	}
	waitpid(child, &status, 0);
	/* What it wrote is not in the cache for sure. */
	for (int i = 0; i < FILES; i++)
		objects[i].uncached = objects[i].cached = true;
	say(w, "  child %x", status);
}

static int run(struct worker *w, int from, int to)
{
	for (int i = from; i < to; i++) {
		const struct operation *op = &operations[i];
		const long *a = op->args;
		const char *name = op->name;
		bool nested = in_parallel;
		int end = i + 1 + a[0];

		if (end > to || a[0] < 0)
			end = to;
		say(w, "%d %s:", i, name);
		if (!strcmp(name, "open")) {
			if (!w->of)
				op_open(w, a);
		} else if (!strcmp(name, "dup"))
			op_dup(w, a);
		else if (!strcmp(name, "setup"))
			op_setup(w, a);
		else if (!strcmp(name, "destroy"))
			op_destroy(w, a);
		else if (!strcmp(name, "+"))
			op_request(w, op);
		else if (!strcmp(name, "submit"))
			op_submit(w, a);
		else if (!strcmp(name, "events"))
			op_events(w, a);
		else if (!strcmp(name, "head"))
			op_head(w, a);
		else if (!strcmp(name, "cancel"))
			op_cancel(w, a);
		else if (!strcmp(name, "wait"))
			op_wait(w, a);
		else if (!strcmp(name, "counts"))
			op_counts(w);
		else if (!strcmp(name, "unmap"))
			op_unmap(w);
		else if (!strcmp(name, "limit")) {
			if (!w->of)
				setrlimit(RLIMIT_FSIZE, &(struct rlimit){a[0], RLIM_INFINITY});
		} else if (!strcmp(name, "restart")) {
			if (!w->of)
				handle_signals(a[0] & 1);
		} else if ((!strcmp(name, "thread") || !strcmp(name, "parallel")) && !nested) {
			say(w, "\n");
			flush_text(w);
			w->count = 0;
			op_thread(w, i + 1, end, name[0] == 't' ? 1 : 2 + a[1] % 3);
			i = end - 1;
		} else if (!strcmp(name, "fork") && !nested) {
			op_fork(w, i + 1, end, a[1]);
			i = end - 1;
		} else
			op_plain(w, name, a);
		say(w, "\n");
		if (!in_parallel)
			flush_text(w);
	}
	return 0;
}

/* What is left at the end. */
static void final_state(struct worker *w)
{
	static unsigned char bytes[1 << 20];
	long counts[SLOTS] = {0};
	char name[16];

	settle();
	/* Before the looks at streams: they make room, for which a poll may wait. */
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].open && slots[i].kind == EVENTFD)
			counts[i] = eventfd_count(fd_of(i));
	for (int i = 0; i < CONTEXTS; i++)
		if (contexts[i].live) {
			say(w, "context %d: %u", i, ready_in(&contexts[i]));
			say_ring(w, &contexts[i]);
			uint32_t ready = ready_in(&contexts[i]);
			for (uint32_t k = 0; k < ready && k < 512; k++)
				events[k] = *event_at(&contexts[i], k);
			say_events(w, events, ready < 512 ? ready : 512);
			say(w, "\n");
			flush_text(w);
		}
	for (int i = 0; i < FILES; i++) {
		file_name(name, i);
		int fd = open(name, O_RDONLY);
		if (fd >= 0) {
			ssize_t n = read(fd, bytes, sizeof(bytes));
			say(w, "file %d: %zd %08x\n", i, n, hash(bytes, n > 0 ? n : 0));
			close(fd);
		}
	}
	for (int i = 0; i < SLOTS; i++) {
		int left = -1;
		if (!slots[i].open)
			continue;
		if (slots[i].kind == FILE_KIND || slots[i].kind == MEMFD)
			left = lseek(fd_of(i), 0, SEEK_CUR);
		else if (slots[i].kind == EVENTFD)
			left = counts[i];
		else if (slots[i].kind == PIPE || slots[i].kind == STREAM || slots[i].kind == DGRAM)
			ioctl(fd_of(i), FIONREAD, &left);
		say(w, "slot %d: kind %d, %d, flags %x", i, slots[i].kind, left, fcntl(fd_of(i), F_GETFL));
		if ((slots[i].kind == PIPE || slots[i].kind == STREAM) && left > 0) {
			ssize_t n = read(fd_of(i), bytes, left);
			say(w, ", %08x", hash(bytes, n > 0 ? n : 0));
		}
		say(w, "\n");
	}
	say_signals(w);
	flush_text(w);
}

/* The memory that every child starts with. */
static void map_memory(void)
{
	int shared = memfd_create("iocbs", 0);
	size_t size = BLOCKS * sizeof(*blocks);
	unsigned char *edges;

	if (shared < 0 || ftruncate(shared, size))
		_exit(5);
	/* Private, so that children do not see each other's; the view that is for reading sees what was there first. */
	blocks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
	blocks_read_only = mmap(NULL, size, PROT_READ, MAP_SHARED, shared, 0);
	close(shared);
	buffers = mmap(NULL, (size_t)MAX_REQUESTS * BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	halves = mmap(NULL, (size_t)HALVES * 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < HALVES; i++)
		mprotect(halves + (size_t)i * 3 * PAGE + 2 * PAGE, PAGE, PROT_NONE);
	last_edge = halves + (size_t)(HALVES - 1) * 3 * PAGE + 2 * PAGE;
	read_only = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vectors = mmap(NULL, MAX_REQUESTS * SEGMENTS * sizeof(*vectors), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	events = mmap(NULL, 513 * sizeof(*events), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Four pages that end where nothing is. */
	edges = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 1; i < 8; i += 2)
		mprotect(edges + i * PAGE, PAGE, PROT_NONE);
	vector_edge = (struct iovec *)(edges + PAGE);
	events_edge = (struct event *)(edges + 3 * PAGE);
	array_edge = (uint64_t *)(edges + 5 * PAGE);
	blocks_edge = (struct request_block *)(edges + 7 * PAGE);
}

/* Reads one sequence; false at the end of the input. */
static bool read_sequence(void)
{
	char line[256];
	int tag = 0;

	operation_count = 0;
	while (fgets(line, sizeof(line), stdin)) {
		struct operation *op = &operations[operation_count];
		char *at, *word = strtok_r(line, " \n", &at);

		if (!word || *word == '#')
			continue;
		if (!strcmp(word, "go"))
			return true;
		if (operation_count == MAX_OPS - 1)
			continue;
		memset(op, 0, sizeof(*op));
		snprintf(op->name, sizeof(op->name), "%s", word);
		while (op->count < MAX_ARGS && (word = strtok_r(NULL, " \n", &at)))
			op->args[op->count++] = strtol(word, NULL, 0);
		if (!strcmp(op->name, "+"))
			op->tag = tag++;
		operation_count++;
	}
	return false;
}

static void child(void)
{
	static struct worker w;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getenv("FUZZ_ONE_CPU")) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(sched_getcpu(), &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	close(0);
	open("/dev/null", O_RDONLY);
	handle_signals(true);
	memset(blocks, 0, BLOCKS * sizeof(*blocks));
	run(&w, 0, operation_count);
	final_state(&w);
	_exit(0);
}

int main(void)
{
	const char *value = getenv("FUZZ_PATIENCE");
	char name[16];

	if (value && atoi(value) > 0)
		patience = atoi(value);
	map_memory();
	while (read_sequence()) {
		pid_t pid = fork();
		int status = 0;
		bool hung;

		if (pid == 0)
			child();
		struct pollfd p = {syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
		hung = poll(&p, 1, 6000 * patience) == 0;
		kill(hung ? pid : -pid, SIGKILL);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(p.fd);
		for (int i = 0; i < FILES; i++) {
			file_name(name, i);
			unlink(name);
		}
		unlink("fifo");
		if (hung)
			printf("\n= hang\n.\n");
		else if (WIFSIGNALED(status))
			printf("\n= signal %d\n.\n", WTERMSIG(status));
		else
			printf("\n= exit %d\n.\n", WEXITSTATUS(status));
		fflush(stdout);
	}
	return 0;
}
