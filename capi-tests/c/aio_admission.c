/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: theirs,ours,preload
/*
 * io_submit against the kernel's own, in one process: every operation, on every kind of descriptor, with every odd
 * argument. What the call returns, whether the key was written, the event's result and the data must be the same.
 */
#include "aio_check.h"
#include "loop_device.h"

#include <limits.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>

#define SIZE 8192
/* What of a buffer or file is compared. */
#define SEEN 4096
#define APART (4l << 30)
#define NO_FILE 9999

/* A descriptor, its other side, and where its data may be looked at afterwards. */
struct opened {
	int fd, other, look;
};

static int seed_file, loop = -1, pidfd_of_self;
static char contents[SIZE];

static int need(int fd)
{
	CHECK(fd >= 0);
	return fd;
}

static struct opened plain(int fd)
{
	return (struct opened){need(fd), -1, -1};
}

/* Not every machine has every file. */
static struct opened named(const char *path, int flags)
{
	return (struct opened){open(path, flags | O_NOCTTY), -1, -1};
}

static struct opened file_with(int flags)
{
	struct opened result = {-1, -1, -1};

	result.look = temp_file(0, 0);
	CHECK_EQ(pwrite(result.look, contents, SIZE, 0), SIZE);
	result.fd = reopen(result.look, flags);
	return result;
}

static struct opened regular(void) { return file_with(O_RDWR); }
static struct opened read_only(void) { return file_with(O_RDONLY); }
static struct opened write_only(void) { return file_with(O_WRONLY); }
static struct opened append(void) { return file_with(O_RDWR | O_APPEND); }
static struct opened nonblock(void) { return file_with(O_RDWR | O_NONBLOCK); }
static struct opened synced(void) { return file_with(O_RDWR | O_DSYNC); }
static struct opened direct(void) { return file_with(O_RDWR | O_DIRECT); }
static struct opened direct_write_only(void) { return file_with(O_WRONLY | O_DIRECT); }
static struct opened direct_append(void) { return file_with(O_RDWR | O_DIRECT | O_APPEND); }
static struct opened path_only(void) { return file_with(O_PATH); }

static struct opened empty(void)
{
	return plain(temp_file(0, 0));
}

static struct opened bad_fd(void)
{
	return (struct opened){NO_FILE, -1, -1};
}

static struct opened directory(void) { return plain(open(".", O_RDONLY | O_DIRECTORY)); }
static struct opened proc_directory(void) { return named("/proc/self", O_RDONLY | O_DIRECTORY); }
static struct opened sys_directory(void) { return named("/sys/kernel", O_RDONLY | O_DIRECTORY); }
static struct opened dev_directory(void) { return named("/dev", O_RDONLY | O_DIRECTORY); }
static struct opened shm_directory(void) { return named("/dev/shm", O_RDONLY | O_DIRECTORY); }

static struct opened pipe_end(int end, int flags, int data)
{
	struct opened result = {-1, -1, -1};
	int fds[2];

	CHECK(pipe2(fds, flags) == 0);
	if (data)
		CHECK_EQ(write(fds[1], "pipe data", 9), 9);
	result.fd = fds[end];
	result.other = fds[!end];
	return result;
}

static struct opened pipe_reader(void) { return pipe_end(0, O_NONBLOCK, 1); }
static struct opened pipe_empty(void) { return pipe_end(0, O_NONBLOCK, 0); }
static struct opened pipe_writer(void) { return pipe_end(1, O_NONBLOCK, 0); }
static struct opened pipe_packets(void) { return pipe_end(0, O_NONBLOCK | O_DIRECT, 1); }
static struct opened pipe_blocking(void) { return pipe_end(0, 0, 1); }
static struct opened pipe_blocking_writer(void) { return pipe_end(1, 0, 1); }

static struct opened pipe_broken(void)
{
	struct opened result = pipe_end(1, 0, 0);

	close(result.other);
	result.other = -1;
	return result;
}

static struct opened pipe_ended(void)
{
	struct opened result = pipe_end(0, 0, 1);

	close(result.other);
	result.other = -1;
	return result;
}

static struct opened fifo(int flags)
{
	struct opened result;

	unlink("fifo");
	CHECK(mkfifo("fifo", 0600) == 0);
	result = plain(open("fifo", flags));
	unlink("fifo");
	return result;
}

static struct opened fifo_both_ways(void)
{
	struct opened result = fifo(O_RDWR | O_NONBLOCK);

	CHECK_EQ(write(result.fd, "fifo", 4), 4);
	return result;
}

static struct opened fifo_both_ways_empty(void) { return fifo(O_RDWR | O_NONBLOCK); }

static struct opened socket_pair(int type, int data)
{
	struct opened result = {-1, -1, -1};
	int fds[2];

	CHECK(socketpair(AF_UNIX, type, 0, fds) == 0);
	if (data)
		CHECK_EQ(write(fds[1], "socket data", 11), 11);
	result.fd = fds[0];
	result.other = fds[1];
	return result;
}

static struct opened stream_socket(void) { return socket_pair(SOCK_STREAM | SOCK_NONBLOCK, 1); }
static struct opened stream_socket_empty(void) { return socket_pair(SOCK_STREAM | SOCK_NONBLOCK, 0); }
static struct opened stream_socket_blocking(void) { return socket_pair(SOCK_STREAM, 1); }
static struct opened datagram_socket(void) { return socket_pair(SOCK_DGRAM | SOCK_NONBLOCK, 1); }
static struct opened datagram_socket_blocking(void) { return socket_pair(SOCK_DGRAM, 1); }
static struct opened packet_socket(void) { return socket_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, 1); }

static struct opened socket_hung_up(void)
{
	struct opened result = socket_pair(SOCK_STREAM, 0);

	close(result.other);
	result.other = -1;
	return result;
}

static struct opened unconnected(void) { return plain(socket(AF_INET, SOCK_STREAM, 0)); }
static struct opened unconnected_unix(void) { return plain(socket(AF_UNIX, SOCK_STREAM, 0)); }
static struct opened unconnected_udp(void) { return plain(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)); }

static struct opened listening(void)
{
	struct opened result = unconnected();

	CHECK(listen(result.fd, 4) == 0);
	return result;
}

static struct opened udp(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct opened result = unconnected_udp();
	socklen_t size = sizeof(to);

	result.other = need(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	CHECK(bind(result.other, (struct sockaddr *)&to, sizeof(to)) == 0);
	CHECK(getsockname(result.other, (struct sockaddr *)&to, &size) == 0);
	CHECK(connect(result.fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return result;
}

static struct opened event(void) { return plain(eventfd(3, 0)); }
static struct opened event_nonblock(void) { return plain(eventfd(0, EFD_NONBLOCK)); }
static struct opened event_semaphore(void) { return plain(eventfd(3, EFD_SEMAPHORE)); }
static struct opened timer(void) { return plain(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)); }

static struct opened timer_expired(void)
{
	struct itimerspec soon = {{0, 0}, {0, 1}};
	struct opened result = plain(timerfd_create(CLOCK_MONOTONIC, 0));

	CHECK(timerfd_settime(result.fd, 0, &soon, NULL) == 0);
	sleep_ms(1);
	return result;
}

static struct opened signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return plain(signalfd(-1, &set, SFD_NONBLOCK));
}

static struct opened epoll(void) { return plain(epoll_create1(0)); }

static struct opened inotify(void)
{
	struct opened result = plain(inotify_init1(IN_NONBLOCK));

	CHECK(inotify_add_watch(result.fd, ".", IN_CREATE) >= 0);
	return result;
}

static struct opened memory(int seals)
{
	struct opened result = {-1, -1, -1};

	result.fd = need(memfd_create("test", MFD_ALLOW_SEALING));
	CHECK_EQ(write(result.fd, contents, SIZE), SIZE);
	CHECK(fcntl(result.fd, F_ADD_SEALS, seals) == 0);
	result.look = dup(result.fd);
	return result;
}

static struct opened memfd(void) { return memory(0); }
static struct opened memfd_sealed(void) { return memory(F_SEAL_WRITE); }
static struct opened memfd_fixed(void) { return memory(F_SEAL_GROW | F_SEAL_SHRINK); }
static struct opened pidfd(void) { return plain(dup(pidfd_of_self)); }
static struct opened null(void) { return named("/dev/null", O_RDWR); }
static struct opened null_read_only(void) { return named("/dev/null", O_RDONLY); }
static struct opened zero(void) { return named("/dev/zero", O_RDWR); }
static struct opened full(void) { return named("/dev/full", O_RDWR); }
static struct opened urandom(void) { return named("/dev/urandom", O_RDWR); }
static struct opened kmsg(void) { return named("/dev/kmsg", O_RDONLY | O_NONBLOCK); }
static struct opened dev_mem(void) { return named("/dev/mem", O_RDONLY); }
static struct opened tty_device(void) { return named("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK); }

static struct opened terminal(int side, int data)
{
	struct opened result = {-1, -1, -1};
	struct termios raw;
	int fds[2];

	CHECK(openpty(&fds[0], &fds[1], NULL, NULL, NULL) == 0);
	CHECK(tcgetattr(fds[1], &raw) == 0);
	cfmakeraw(&raw);
	CHECK(tcsetattr(fds[1], TCSANOW, &raw) == 0);
	result.fd = fds[side];
	result.other = fds[!side];
	CHECK(fcntl(result.fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	if (data) {
		CHECK_EQ(write(result.other, "keys", 4), 4);
		sleep_ms(1);
	}
	return result;
}

static struct opened terminal_master(void) { return terminal(0, 0); }
static struct opened terminal_slave(void) { return terminal(1, 0); }

static struct opened proc_stat(void) { return named("/proc/self/stat", O_RDONLY); }
static struct opened proc_memory(void) { return named("/proc/self/mem", O_RDWR); }
static struct opened proc_pagemap(void) { return named("/proc/self/pagemap", O_RDONLY); }
static struct opened proc_sysctl(void) { return named("/proc/sys/kernel/ostype", O_RDONLY); }
static struct opened proc_mounts(void) { return named("/proc/self/mounts", O_RDONLY); }
static struct opened proc_version(void) { return named("/proc/version", O_RDONLY); }
static struct opened proc_comm(void) { return named("/proc/self/comm", O_RDWR); }
static struct opened sys_file(void) { return named("/sys/kernel/mm/transparent_hugepage/enabled", O_RDWR); }
static struct opened sys_read_only(void) { return named("/sys/kernel/fscaps", O_RDONLY); }
static struct opened block(void) { return named("loop", O_RDWR); }
static struct opened block_direct(void) { return named("loop", O_RDWR | O_DIRECT); }
static struct opened block_read_only(void) { return named("loop", O_RDONLY); }

static struct opened shared_memory(void)
{
	struct opened result = {-1, -1, -1};
	char name[] = "/dev/shm/test-XXXXXX";

	result.fd = need(mkstemp(name));
	CHECK(unlink(name) == 0);
	CHECK_EQ(write(result.fd, contents, SIZE), SIZE);
	result.look = dup(result.fd);
	return result;
}

/* The data need not be the same; how much goes in at once is a matter of time. */
enum { ANY_DATA = 1, SLOW = 2, OTHERS_WRITE = 4 };

static const struct kind {
	const char *name;
	struct opened (*open)(void);
	int traits;
} kinds[] = {
#define KIND(name) {#name, name, 0}
	KIND(regular),
	KIND(read_only),
	KIND(write_only),
	KIND(append),
	KIND(nonblock),
	KIND(synced),
	KIND(direct),
	KIND(direct_write_only),
	KIND(direct_append),
	KIND(path_only),
	KIND(empty),
	KIND(bad_fd),
	KIND(directory),
	KIND(proc_directory),
	KIND(sys_directory),
	KIND(dev_directory),
	KIND(shm_directory),
	KIND(pipe_reader),
	KIND(pipe_empty),
	KIND(pipe_writer),
	KIND(pipe_packets),
	KIND(pipe_blocking),
	KIND(pipe_blocking_writer),
	KIND(pipe_broken),
	KIND(pipe_ended),
	KIND(fifo_both_ways),
	KIND(fifo_both_ways_empty),
	KIND(stream_socket),
	KIND(stream_socket_empty),
	KIND(stream_socket_blocking),
	KIND(datagram_socket),
	KIND(datagram_socket_blocking),
	KIND(packet_socket),
	KIND(socket_hung_up),
	KIND(unconnected),
	KIND(unconnected_unix),
	KIND(unconnected_udp),
	KIND(listening),
	KIND(udp),
	KIND(event),
	KIND(event_nonblock),
	KIND(event_semaphore),
	KIND(timer),
	KIND(timer_expired),
	KIND(signals),
	KIND(epoll),
	KIND(inotify),
	KIND(memfd),
	KIND(memfd_sealed),
	KIND(memfd_fixed),
	KIND(pidfd),
	KIND(null),
	KIND(null_read_only),
	KIND(zero),
	KIND(full),
	{"urandom", urandom, ANY_DATA},
	{"kmsg", kmsg, ANY_DATA | OTHERS_WRITE},
	{"dev_mem", dev_mem, ANY_DATA},
	{"tty_device", tty_device, SLOW},
	{"terminal_master", terminal_master, SLOW},
	{"terminal_slave", terminal_slave, SLOW},
	KIND(proc_stat),
	KIND(proc_memory),
	KIND(proc_pagemap),
	KIND(proc_sysctl),
	KIND(proc_mounts),
	KIND(proc_version),
	KIND(proc_comm),
	KIND(sys_file),
	KIND(sys_read_only),
	KIND(shared_memory),
	{"block", block, 0},
	{"block_direct", block_direct, 0},
	{"block_read_only", block_read_only, 0},
};

/* The arguments of one request, each as an index into the values below; 0 is the ordinary one. */
enum field { OPCODE, MEMORY, LENGTH, OFFSET, RW_FLAGS, FLAGS, PRIORITY, EVENTFD, RESERVED, FIELDS };

struct arguments {
	unsigned char at[FIELDS];
};

static const short opcodes[] = {IO_CMD_PREAD, IO_CMD_PWRITE, IO_CMD_PREADV, IO_CMD_PWRITEV, IO_CMD_FSYNC, IO_CMD_FDSYNC,
				IO_CMD_POLL,  IO_CMD_NOOP,   4,		    9,		    -1};
static const long lengths[] = {16,	1,	   0,	       512,	  4096,	      -1,     LONG_MIN, LONG_MAX,
			       1l << 32, (1l << 32) + 1, 0x7ffff000, 0x7ffff001, 1024, 1025, 3l << 30};
static const long long offsets[] = {0,	     1,	       512,	  SIZE - 8,	 SIZE,	  SIZE + 512, -1, -4096, LLONG_MIN, LLONG_MAX,
				    LLONG_MAX - 8, LLONG_MAX - 4096, 1ll << 44, 100};
static const unsigned int rw_flags[] = {0, 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x80000000u, 0x30, 0x18,
					0x48, 0x8 | 0x40000000u, 0x60, 0x3f, 0x88};
static const unsigned int flag_bits[] = {0, 2, 1, 3, 4, 0x80000000u};
static const short priorities[] = {0, 0x4004, 0x2001, 0x6000, 7, -1, (short)0x8000, 0x4008, 0x6007, (short)0xe000};

enum memory_kind {
	GOOD,
	NOWHERE,
	KERNEL,
	UNMAPPED,
	HALF,
	CONSTANT,
	TOP,
	ABOVE_TOP,
	ACROSS_TOP,
	NON_CANONICAL,
	MISALIGNED,
	BAD_VECTOR,
	KERNEL_VECTOR,
	HALF_VECTOR,
	NEGATIVE_THEN_BAD,
	BAD_THEN_NEGATIVE,
	GOOD_THEN_UNMAPPED,
	ZEROES_THEN_KERNEL,
	HUGE_THEN_KERNEL,
	MEMORIES
};

static const unsigned int counts[FIELDS] = {
	COUNT_OF(opcodes),   MEMORIES,		   COUNT_OF(lengths),	 COUNT_OF(offsets), COUNT_OF(rw_flags),
	COUNT_OF(flag_bits), COUNT_OF(priorities), 6 /* eventfds */, 2,
};

static char *buffer, *half, *constant, *gone;
static struct iovec *vector, *half_vector;
static int good_eventfd, path_fd, pipe_for_resfd;

static long value_of(const struct arguments *a, enum field field)
{
	unsigned int at = a->at[field];

	switch (field) {
	case OPCODE: return opcodes[at];
	case LENGTH: return lengths[at];
	case OFFSET: return (long)offsets[at];
	case RW_FLAGS: return rw_flags[at];
	case FLAGS: return flag_bits[at];
	case PRIORITY: return priorities[at];
	default: return at;
	}
}

static char *address_of(enum memory_kind kind, size_t size)
{
	char *top = (char *)0x7ffffffff000;

	switch (kind) {
	case NOWHERE: return NULL;
	case KERNEL: return KERNEL_ADDRESS;
	case UNMAPPED: return gone;
	case HALF: return half - size / 2;
	case CONSTANT: return constant;
	case TOP: return top - size;
	case ABOVE_TOP: return top;
	case ACROSS_TOP: return top - size / 2;
	case NON_CANONICAL: return (char *)(1ul << 62);
	case MISALIGNED: return buffer + 1;
	default: return buffer;
	}
}

/* Fills in the request; the memory is the same for both. */
static void prepare(struct iocb *iocb, const struct arguments *a, int fd)
{
	short opcode = opcodes[a->at[OPCODE]];
	enum memory_kind kind = (enum memory_kind)a->at[MEMORY];
	long length = value_of(a, LENGTH);
	int resfds[] = {good_eventfd, -1, 9999, seed_file, pipe_for_resfd, path_fd};
	/* Large ones begin in memory that is there, and end where none is. */
	size_t size = length > 0 && length <= SIZE ? (size_t)length : SEEN;

	memset(iocb, 0, sizeof(*iocb));
	iocb->data = (void *)0x1234;
	iocb->key = 7;
	iocb->aio_lio_opcode = opcode;
	iocb->aio_fildes = fd;
	iocb->aio_rw_flags = (int)value_of(a, RW_FLAGS);
	iocb->u.c.flags = (unsigned int)value_of(a, FLAGS);
	iocb->aio_reqprio = (short)value_of(a, PRIORITY);
	iocb->u.c.resfd = (unsigned int)resfds[a->at[EVENTFD]];
	iocb->u.c.__pad3 = a->at[RESERVED];
	iocb->u.c.offset = value_of(a, OFFSET);
	if (opcode == IO_CMD_POLL || opcode == IO_CMD_FSYNC || opcode == IO_CMD_FDSYNC) {
		static const unsigned long masks[] = {1, 0, 4, 2, 0xffff, 0x10000, 0x2000, 0x41, 0x100, 0x10, 0x8, ~0ul};

		/* Any field but the mask has to be 0. */
		iocb->u.c.nbytes = a->at[LENGTH] ? (unsigned long)length : 0;
		if (opcode == IO_CMD_POLL)
			iocb->u.c.buf = (void *)masks[kind % COUNT_OF(masks)];
		else
			iocb->u.c.buf = kind == GOOD ? NULL : address_of(kind, size);
		return;
	}
	if (opcode == IO_CMD_PREADV || opcode == IO_CMD_PWRITEV) {
		unsigned int i;

		/* Two entries, unless the length says how many. */
		iocb->u.c.nbytes = a->at[LENGTH] ? (unsigned long)length : 2;
		iocb->u.c.buf = vector;
		for (i = 0; i < 1025; i++)
			vector[i] = (struct iovec){buffer + i, 1};
		vector[0] = (struct iovec){address_of(kind, 16), 16};
		if (length == 512 || length == 4096)
			vector[0].iov_len = (size_t)length;
		switch (kind) {
		case BAD_VECTOR: iocb->u.c.buf = gone; break;
		case KERNEL_VECTOR: iocb->u.c.buf = KERNEL_ADDRESS; break;
		case HALF_VECTOR:
			half_vector[0] = (struct iovec){buffer, 16};
			iocb->u.c.buf = half_vector;
			break;
		case NEGATIVE_THEN_BAD:
			vector[0] = (struct iovec){buffer, (size_t)-1};
			vector[1] = (struct iovec){KERNEL_ADDRESS, 16};
			break;
		case BAD_THEN_NEGATIVE:
			vector[0] = (struct iovec){KERNEL_ADDRESS, 16};
			vector[1] = (struct iovec){buffer, (size_t)-1};
			break;
		case GOOD_THEN_UNMAPPED: vector[1] = (struct iovec){gone, 16}; break;
		case ZEROES_THEN_KERNEL:
			vector[0] = (struct iovec){NULL, 0};
			vector[1] = (struct iovec){KERNEL_ADDRESS, 0};
			break;
		case HUGE_THEN_KERNEL:
			vector[0] = (struct iovec){half, LONG_MAX - (long)half};
			vector[1] = (struct iovec){KERNEL_ADDRESS, 1};
			break;
		default: break;
		}
		return;
	}
	iocb->u.c.nbytes = (unsigned long)length;
	iocb->u.c.buf = address_of(kind, size);
}

struct outcome {
	int submitted;
	unsigned int key;
	long result;
	uint64_t data, file, other, signal;
};

static uint64_t hash(const char *bytes, size_t size)
{
	uint64_t sum = size, word;

	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum = mix(sum ^ word);
	}
	while (size-- > 0)
		sum = mix(sum ^ (unsigned char)*bytes++);
	return sum;
}

static unsigned long library, kernel;

static int call_submit(int by_kernel, struct iocb *iocb)
{
	long result;

	if (!by_kernel)
		return io_submit((io_context_t)library, 1, &iocb);
	result = syscall(SYS_io_submit, kernel, 1, &iocb);
	return result < 0 ? -errno : (int)result;
}

static int call_getevents(int by_kernel, struct io_event *event, long ms)
{
	struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
	long result;

	if (!by_kernel)
		return io_getevents((io_context_t)library, 1, 1, event, &limit);
	result = syscall(SYS_io_getevents, kernel, 1, 1, event, &limit);
	return result < 0 ? -errno : (int)result;
}

static void call_cancel(int by_kernel, struct iocb *iocb)
{
	struct io_event event;

	if (by_kernel)
		syscall(SYS_io_cancel, kernel, iocb, &event);
	else
		io_cancel((io_context_t)library, iocb, &event);
}

#define PENDING 0x7777
#define NONE 0x6666

static void put_away(const struct opened *opened)
{
	if (opened->fd != NO_FILE)
		close(opened->fd);
	if (opened->other >= 0)
		close(opened->other);
	if (opened->look >= 0)
		close(opened->look);
}

static struct outcome try(const struct kind *kind, const struct arguments *a, int by_kernel)
{
	static struct iocb iocb;
	static char seen[65536];
	struct outcome outcome = {0, 0, NONE, 0, 0, 0, 0};
	struct opened opened = kind->open();
	struct io_event event;
	sigset_t pending;
	uint64_t count;
	int got;

	memcpy(buffer, contents, SIZE);
	memcpy(half - SIZE, contents, SIZE);
	prepare(&iocb, a, opened.fd);
	outcome.submitted = call_submit(by_kernel, &iocb);
	outcome.key = iocb.key;
	if (outcome.submitted == 1) {
		int poll = iocb.aio_lio_opcode == IO_CMD_POLL;

		got = call_getevents(by_kernel, &event, poll ? 2 : 5000);
		if (got == 0) {
			outcome.result = PENDING;
			call_cancel(by_kernel, &iocb);
			got = call_getevents(by_kernel, &event, 5000);
		} else {
			outcome.result = (long)event.res;
		}
		if (got != 1 || event.obj != &iocb || event.data != iocb.data || event.res2 != 0)
			FAIL("%s: no event, or a wrong one", kind->name);
	}
	outcome.data = hash(buffer, SEEN) ^ hash(half - SIZE, SIZE);
	if (opened.look >= 0) {
		long size = pread(opened.look, seen, sizeof(seen), 0);

		outcome.file = hash(seen, size > 0 ? (size_t)size : 0);
	}
	if (opened.other >= 0) {
		long size;

		fcntl(opened.other, F_SETFL, O_NONBLOCK);
		size = recv(opened.other, seen, sizeof(seen), MSG_DONTWAIT);
		if (size < 0 && errno == ENOTSOCK)
			size = read(opened.other, seen, sizeof(seen));
		outcome.other = size < 0 ? (uint64_t)-size : hash(seen, (size_t)size) * 2;
	}
	/* Whether a signal was raised, and the eventfd's count. */
	sigpending(&pending);
	if (sigismember(&pending, SIGPIPE)) {
		sigset_t one;
		struct timespec now = {0, 0};

		sigemptyset(&one);
		sigaddset(&one, SIGPIPE);
		sigtimedwait(&one, NULL, &now);
		outcome.signal = 1;
	}
	while (read(good_eventfd, &count, 8) == 8)
		outcome.signal += count << 8;
	put_away(&opened);
	return outcome;
}

static long differences, cases;

static void compare(const struct kind *kind, const struct arguments *a)
{
	/* What somebody else writes between the two makes a difference, but not every time. */
	int tries = kind->traits & OTHERS_WRITE ? 5 : 1;
	struct outcome theirs, ours;
	struct iocb iocb;

	cases++;
	do {
		theirs = try(kind, a, 1);
		ours = try(kind, a, 0);
		if (kind->traits & ANY_DATA)
			ours.data = theirs.data;
		if (kind->traits & SLOW) {
			ours.other = theirs.other;
			if (ours.result > 1024 && theirs.result > 1024)
				ours.result = theirs.result;
		}
		if (memcmp(&theirs, &ours, sizeof(ours)) == 0)
			return;
	} while (--tries > 0);
	prepare(&iocb, a, 0);
	fprintf(stderr,
		"%s: opcode %d memory %d buf %p length %ld offset %lld rw_flags %#x flags %#x prio %#x resfd %d pad %d: "
		"kernel %d key %u result %ld, library %d key %u result %ld%s%s%s%s\n",
		kind->name, iocb.aio_lio_opcode, a->at[MEMORY], iocb.u.c.buf, (long)iocb.u.c.nbytes, (long long)iocb.u.c.offset,
		iocb.aio_rw_flags, iocb.u.c.flags, (unsigned short)iocb.aio_reqprio, a->at[EVENTFD], a->at[RESERVED],
		theirs.submitted, theirs.key, theirs.result, ours.submitted, ours.key, ours.result,
		theirs.data != ours.data ? ", data differ" : "", theirs.file != ours.file ? ", file differs" : "",
		theirs.other != ours.other ? ", other side differs" : "", theirs.signal != ours.signal ? ", signal differs" : "");
	differences++;
}

static void go_over(const struct kind *kind)
{
	long rounds = 20 * test_scale(), round;
	uint64_t random = (uint64_t)(kind - kinds) << 32;
	unsigned int opcode, field, at, i;

	for (opcode = 0; opcode < COUNT_OF(opcodes); opcode++) {
		struct arguments a;

		memset(&a, 0, sizeof(a));
		a.at[OPCODE] = (unsigned char)opcode;
		compare(kind, &a);
		/* One odd argument at a time. */
		for (field = MEMORY; field < FIELDS; field++) {
			for (at = 1; at < counts[field]; at++) {
				/* For what is no transfer a few will do, and one of a pair stands for the other. */
				if ((opcode == 1 || opcode == 2) && test_scale() == 1 && field > LENGTH && at % 4)
					continue;
				if (opcode >= 4 && test_scale() == 1 && at > 1 && !(opcode == 6 && field == MEMORY && at < 12))
					break;
				a.at[field] = (unsigned char)at;
				if (field == EVENTFD)
					a.at[FLAGS] = 2;
				if (field == PRIORITY)
					a.at[FLAGS] = 1;
				compare(kind, &a);
				a.at[field] = 0;
				a.at[FLAGS] = 0;
			}
		}
	}
	/* Several together. */
	for (round = 0; round < rounds; round++) {
		struct arguments a;

		memset(&a, 0, sizeof(a));
		random = mix(random);
		a.at[OPCODE] = (unsigned char)(random % 16 < 12 ? random % 4 : random / 16 % COUNT_OF(opcodes));
		for (i = 0; i < 2 + random / 4096 % 3; i++) {
			random = mix(random);
			field = 1 + (unsigned int)(random % (FIELDS - 1));
			a.at[field] = (unsigned char)(random / 64 % counts[field]);
		}
		if (random / 65536 % 2 && a.at[RESERVED])
			a.at[RESERVED] = 0;
		compare(kind, &a);
	}
}

static void put_loop_away(void)
{
	if (loop >= 0) {
		unlink("loop");
		close(loop);
		loop = -1;
	}
}

/* A block device. */
static void make_loop(void)
{
	int backing = temp_file(1 << 20, 8);
	char path[32];

	loop = loop_device(backing, O_RDWR, path, sizeof(path));
	close(backing);
	CHECK(unlink("loop") == 0 || errno == ENOENT);
	CHECK(symlink(path, "loop") == 0);
	at_failure = put_loop_away;
}

int main(int argc, char **argv)
{
	struct iovec *vectors = (struct iovec *)pages(32768);
	io_context_t made = setup(8);
	struct opened opened;
	char *space;
	sigset_t set;
	size_t i;

	alarm(0);
	library = (unsigned long)made;
	CHECK_EQ(syscall(SYS_io_setup, 8, &kernel), 0);
	/* Pending signals are counted, not delivered. */
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGTTOU);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	/* A file at the greatest size that it may have is not what is tested. */
	signal(SIGXFSZ, SIG_IGN);
	/* Far apart, as the longest transfers are of some gigabytes. */
	space = (char *)mmap(NULL, 5 * APART, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(space != MAP_FAILED);
	buffer = space;
	half = space + APART + 2 * SIZE;
	constant = space + 2 * APART;
	gone = space + 3 * APART;
	CHECK(mprotect(buffer, SIZE + 4096, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(half - 2 * SIZE, 2 * SIZE, PROT_READ | PROT_WRITE) == 0);
	CHECK(mprotect(constant, SIZE, PROT_READ | PROT_WRITE) == 0);
	fill(contents, SIZE, 5, 0);
	memcpy(constant, contents, SIZE);
	CHECK(mprotect(constant, SIZE, PROT_READ) == 0);
	vector = vectors;
	half_vector = (struct iovec *)(void *)(pages_before_hole(4096) + 4096) - 1;
	seed_file = temp_file(SIZE, 3);
	path_fd = reopen(seed_file, O_PATH);
	pipe_for_resfd = pipe_end(0, 0, 0).fd;
	good_eventfd = need(eventfd(0, EFD_NONBLOCK));
	pidfd_of_self = need((int)syscall(SYS_pidfd_open, getpid(), 0));
	make_loop();
	for (i = 0; i < COUNT_OF(kinds); i++) {
		long before = differences;

		if (argc > 1 && strcmp(argv[1], kinds[i].name) != 0)
			continue;
		opened = kinds[i].open();
		if (opened.fd < 0)
			continue;
		put_away(&opened);
		alarm(30 * (unsigned int)test_scale());
		go_over(&kinds[i]);
		if (differences > before)
			fprintf(stderr, "%s: %ld differences\n", kinds[i].name, differences - before);
	}
	put_loop_away();
	CHECK_EQ(differences, 0);
	CHECK(cases > 1000 || argc > 1);
	return 0;
}
