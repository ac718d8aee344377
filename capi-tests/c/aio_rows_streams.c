/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about transfers on what has no position: pipes, sockets, eventfds, terminals, devices, files of the kernel. */
#include "aio_rows.h"

#include <sys/ioctl.h>

#include <arpa/inet.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { NOWAIT = 8 };

static int pipe_fd[2], socket_fd[2];
static char buf[65536 + 4096];
static io_context_t ctx;
static volatile sig_atomic_t handled;

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void handle(int signo, int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

static void nonblocking(int fd)
{
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static void begin(void)
{
	CHECK(pipe(pipe_fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	ctx = setup(8);
}

/* A pair of connected TCP sockets. */
static void tcp_pair(int pair[2])
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(listener, (struct sockaddr *)&address, size) == 0);
	CHECK(listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(pair[0], (struct sockaddr *)&address, size) == 0);
	pair[1] = accept(listener, NULL, NULL);
	CHECK(pair[1] >= 0);
	close(listener);
}

/* Somebody else does this in a moment: says so, and does it. */
struct later {
	pid_t child;
	volatile int *done;
};

static struct later later_write(int fd, const void *data, size_t size)
{
	struct later later;

	later.done = (volatile int *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(later.done != MAP_FAILED);
	fflush(stdout);
	later.child = fork();
	if (later.child == 0) {
		sleep_ms(50);
		*later.done = 1;
		_exit(write(fd, data, size) == (ssize_t)size ? 0 : 1);
	}
	return later;
}

static struct later later_read(int fd, size_t size)
{
	struct later later;

	later.done = (volatile int *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(later.done != MAP_FAILED);
	fflush(stdout);
	later.child = fork();
	if (later.child == 0) {
		sleep_ms(50);
		*later.done = 1;
		while (size > 0) {
			ssize_t n = read(fd, buf, size < sizeof(buf) ? size : sizeof(buf));

			if (n <= 0)
				_exit(1);
			size -= (size_t)n;
		}
		_exit(0);
	}
	return later;
}

/* Submits; says whether io_submit returned before or after that, whether there was an event then, and the outcome. */
static const char *outcome_and(struct iocb *iocb, struct later later)
{
	int submitted = submit_one(ctx, iocb), after = *later.done, events;
	struct timespec limit = {EVENT_SECONDS, 0}, zero = {0, 0};
	struct io_event event;

	events = submitted == 1 ? io_getevents(ctx, 1, 1, &event, &zero) : 0;
	if (submitted == 1 && events == 0)
		CHECK_EQ(io_getevents(ctx, 1, 1, &event, &limit), 1);
	wait_exit(later.child, 0);
	return text("io_submit is %s, %s it, %s event: %s", name_of(submitted), after ? "after" : "before",
		    events ? "with the" : "without an", submitted == 1 ? name_of((long)event.res) : "none");
}

static void a43(void)
{
	struct iovec vec[2] = {{buf, 3}, {buf + 100, 100}};
	struct iocb iocb;
	int tcp[2], dgram[2];

	begin();
	tcp_pair(tcp);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 0);
	SAY("read of an empty pipe, 8 bytes come", "%s", outcome_and(&iocb, later_write(pipe_fd[1], "12345678", 8)));
	SAY("what was read", "%.8s", buf);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 100);
	SAY("the same at offset 100", "%s", outcome_and(&iocb, later_write(pipe_fd[1], "12345678", 8)));
	io_prep_preadv(&iocb, pipe_fd[0], vec, 2, 0);
	SAY("vectored read", "%s", outcome_and(&iocb, later_write(pipe_fd[1], "12345678", 8)));
	SAY("what was read so", "%.3s %.5s", buf, buf + 100);
	/* Writes: room comes. */
	nonblocking(pipe_fd[1]);
	while (write(pipe_fd[1], buf, 4096) == 4096)
		;
	CHECK(fcntl(pipe_fd[1], F_SETFL, O_WRONLY) == 0);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 8192, 0);
	SAY("write of 8192 to a full pipe, all is read", "%s",
	    outcome_and(&iocb, later_read(pipe_fd[0], 65536 + 8192)));
	io_prep_pwrite(&iocb, pipe_fd[1], buf, sizeof(buf), 0);
	SAY("write of more than a pipe takes, all is read", "%s",
	    outcome_and(&iocb, later_read(pipe_fd[0], sizeof(buf))));
	/* Other files. */
	io_prep_pread(&iocb, tcp[0], buf, 16, 0);
	SAY("read of a TCP socket", "%s", outcome_and(&iocb, later_write(tcp[1], "12345678", 8)));
	io_prep_pread(&iocb, dgram[0], buf, 4, 0);
	SAY("read of 4 of a datagram of 8", "%s", outcome_and(&iocb, later_write(dgram[1], "12345678", 8)));
}

static void a44(void)
{
	struct iovec vec = {buf, 16};
	struct iocb iocb;

	begin();
	nonblocking(pipe_fd[0]);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 0);
	SAY_ALL_WAYS("read of an empty pipe", ctx, &iocb);
	io_prep_preadv(&iocb, pipe_fd[0], &vec, 1, 0);
	SAY_ALL_WAYS("vectored read of it", ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[0], buf, 0, 0);
	SAY_ALL_WAYS("read of nothing", ctx, &iocb);
	CHECK_EQ(write(pipe_fd[1], "12345678", 8), 8);
	SAY_ALL_WAYS("read of nothing when there is something", ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[0], buf, 4, 0);
	SAY_OUTCOME("read of 4 of 8", ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 1000);
	SAY_OUTCOME("read of 16 of 4, offset 1000", ctx, &iocb);
	close(pipe_fd[1]);
	SAY_ALL_WAYS("read when there is no writer", ctx, &iocb);
}

static void a46(void)
{
	struct iovec vec = {buf, 16};
	struct iocb iocb;
	int dgram[2];

	begin();
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of an empty pipe", ctx, &iocb);
	io_prep_preadv(&iocb, pipe_fd[0], &vec, 1, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("vectored read", ctx, &iocb);
	io_prep_pread(&iocb, socket_fd[0], buf, 16, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of a socket", ctx, &iocb);
	io_prep_pread(&iocb, dgram[0], buf, 16, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of a datagram socket", ctx, &iocb);
	CHECK_EQ(write(pipe_fd[1], "12345678", 8), 8);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_OUTCOME("read of 8 in a pipe", ctx, &iocb);
	nonblocking(pipe_fd[1]);
	while (write(pipe_fd[1], buf, 4096) == 4096)
		;
	CHECK(fcntl(pipe_fd[1], F_SETFL, O_WRONLY) == 0);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 16, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("write to a full pipe", ctx, &iocb);
	CHECK_EQ(read(pipe_fd[0], buf, 8192), 8192);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 65536, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_OUTCOME("write of 65536 where 8192 fit", ctx, &iocb);
}

static const char *write_without_reader(void *fd)
{
	struct iocb iocb;

	ctx = setup(8);
	signal(SIGPIPE, SIG_DFL);
	io_prep_pwrite(&iocb, *(int *)fd, buf, 4, 0);
	return outcome_of(ctx, &iocb);
}

static void a47(void)
{
	struct iocb iocb, other, *list[] = {&iocb, &other};
	struct io_event events[2];
	struct iovec vec = {buf, 10};
	sigset_t set;
	int tcp[2];

	begin();
	tcp_pair(tcp);
	close(pipe_fd[0]);
	close(socket_fd[0]);
	handle(SIGPIPE, 0);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 10, 0);
	SAY_OUTCOME("write to a pipe without a reader", ctx, &iocb);
	SAY("SIGPIPE", "%d", handled);
	io_prep_pwrite(&iocb, socket_fd[1], buf, 10, 0);
	SAY_OUTCOME("write to a socket without a peer", ctx, &iocb);
	SAY("SIGPIPE then", "%d", handled);
	io_prep_pwritev(&iocb, pipe_fd[1], &vec, 1, 0);
	SAY_OUTCOME("vectored write", ctx, &iocb);
	SAY("SIGPIPE after that", "%d", handled);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 0, 0);
	SAY_OUTCOME("write of nothing", ctx, &iocb);
	SAY("SIGPIPE after nothing", "%d", handled);
	CHECK(shutdown(tcp[0], SHUT_WR) == 0);
	io_prep_pwrite(&iocb, tcp[0], buf, 10, 0);
	SAY_OUTCOME("write to a TCP socket that was shut down", ctx, &iocb);
	SAY("SIGPIPE after TCP", "%d", handled);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 10, 0);
	SAY("write by a thread", "%s", outcome_in_thread(ctx, &iocb));
	SAY("SIGPIPE after the thread", "%d", handled);
	nonblocking(pipe_fd[1]);
	SAY_OUTCOME("write, not blocking", ctx, &iocb);
	SAY("SIGPIPE after not blocking", "%d", handled);
	/* The signal goes to the thread that submits, and waits there if it is blocked. */
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	io_prep_pwrite(&other, pipe_fd[1], buf, 10, 0);
	SAY_RESULT("two writes", io_submit(ctx, 2, list));
	reap(ctx, 2, events);
	SAY("their events", "%s %s", name_of((long)events[0].res), name_of((long)events[1].res));
	CHECK(sigpending(&set) == 0);
	SAY("SIGPIPE is pending", "%d", sigismember(&set, SIGPIPE));
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
	SAY("SIGPIPE in the end", "%d", handled);
	signal(SIGPIPE, SIG_IGN);
	SAY_OUTCOME("SIGPIPE is ignored", ctx, &iocb);
	SAY("SIGPIPE has its default, pipe", "%s", outcome_of_child(write_without_reader, &pipe_fd[1]));
	SAY("SIGPIPE has its default, socket", "%s", outcome_of_child(write_without_reader, &socket_fd[1]));
}

static void a48(void)
{
	struct iocb iocb;
	int size = 4096, dgram[2];

	begin();
	nonblocking(pipe_fd[0]);
	nonblocking(pipe_fd[1]);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, sizeof(buf), 0);
	SAY_OUTCOME("write of more than the pipe takes", ctx, &iocb);
	SAY_ALL_WAYS("write to the full pipe", ctx, &iocb);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 1, 0);
	SAY_ALL_WAYS("write of one byte", ctx, &iocb);
	CHECK_EQ(read(pipe_fd[0], buf, 4096), 4096);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 8192, 0);
	SAY_OUTCOME("write of 8192 where 4096 fit", ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[0], buf, sizeof(buf), 0);
	SAY_OUTCOME("read of it all", ctx, &iocb);
	/* Datagrams are taken or not. */
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0);
	CHECK(setsockopt(dgram[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	nonblocking(dgram[1]);
	io_prep_pwrite(&iocb, dgram[1], buf, 65536, 0);
	SAY_ALL_WAYS("datagram that is too long", ctx, &iocb);
	io_prep_pwrite(&iocb, dgram[1], buf, 100, 0);
	SAY_OUTCOME("datagram of 100", ctx, &iocb);
	io_prep_pread(&iocb, dgram[0], buf, 10, 0);
	SAY_OUTCOME("read of 10 of it", ctx, &iocb);
	nonblocking(dgram[0]);
	SAY_ALL_WAYS("read of the rest", ctx, &iocb);
}

/* What a read or write that waits does when a signal comes. */
static const char *interrupted(struct iocb *iocb, int flags)
{
	timer_t timer;
	struct itimerspec soon = {{0, 20000000}, {0, 50000000}};
	struct sigevent event;
	const char *outcome;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGUSR1;
	handled = 0;
	handle(SIGUSR1, flags);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
	outcome = outcome_of(ctx, iocb);
	timer_delete(timer);
	return text("%s, handler %s", outcome, handled ? "ran" : "did not run");
}

static void a49(void)
{
	struct timeval limit = {0, 50000};
	struct iovec vec = {buf, 16};
	struct iocb iocb;
	int event_fd = eventfd(0, 0), tcp[2], timer = timerfd_create(CLOCK_MONOTONIC, 0);

	begin();
	tcp_pair(tcp);
	io_prep_pread(&iocb, pipe_fd[0], buf, 16, 0);
	SAY("read of a pipe", "%s", interrupted(&iocb, 0));
	SAY("read of a pipe, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	io_prep_preadv(&iocb, pipe_fd[0], &vec, 1, 0);
	SAY("vectored read, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	io_prep_pread(&iocb, socket_fd[0], buf, 16, 0);
	SAY("read of a socket", "%s", interrupted(&iocb, 0));
	SAY("read of a socket, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	io_prep_pread(&iocb, tcp[0], buf, 16, 0);
	SAY("read of a TCP socket, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	io_prep_pread(&iocb, event_fd, buf, 8, 0);
	SAY("read of an eventfd, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	io_prep_pread(&iocb, timer, buf, 8, 0);
	SAY("read of a timerfd, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	/* A write that has moved something says how much. */
	io_prep_pwrite(&iocb, pipe_fd[1], buf, sizeof(buf), 0);
	SAY("write of more than the pipe takes", "%s", interrupted(&iocb, 0));
	SAY("write to the full pipe", "%s", interrupted(&iocb, 0));
	SAY("write to the full pipe, SA_RESTART", "%s", interrupted(&iocb, SA_RESTART));
	/* Sockets may have a limit of time. */
	CHECK(setsockopt(socket_fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	io_prep_pread(&iocb, socket_fd[0], buf, 16, 0);
	SAY_OUTCOME("read of a socket with a time limit", ctx, &iocb);
	CHECK(setsockopt(tcp[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	io_prep_pread(&iocb, tcp[0], buf, 16, 0);
	SAY_OUTCOME("read of a TCP socket with a time limit", ctx, &iocb);
}

static void a50(void)
{
	struct iocb iocb;
	int tcp[2], udp = socket(AF_INET, SOCK_DGRAM, 0), fresh = socket(AF_INET, SOCK_STREAM, 0), seq[2],
		unix_fresh = socket(AF_UNIX, SOCK_STREAM, 0), low = 100;
	struct sockaddr_in address;

	begin();
	tcp_pair(tcp);
	handle(SIGPIPE, 0);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq) == 0);
	io_prep_pread(&iocb, socket_fd[0], buf, 16, 0);
	SAY("read of an empty socket, 8 bytes come", "%s",
	    outcome_and(&iocb, later_write(socket_fd[1], "12345678", 8)));
	nonblocking(socket_fd[0]);
	SAY_ALL_WAYS("read of it, not blocking", ctx, &iocb);
	io_prep_pwrite(&iocb, socket_fd[1], "12345678", 8, 0);
	SAY_OUTCOME("write", ctx, &iocb);
	io_prep_pread(&iocb, socket_fd[0], buf, 5, 0);
	SAY_OUTCOME("read of 5 of 8", ctx, &iocb);
	SAY_OUTCOME("read of 5 of 3", ctx, &iocb);
	io_prep_pread(&iocb, socket_fd[0], buf, 0, 0);
	SAY_ALL_WAYS("read of nothing", ctx, &iocb);
	io_prep_pwrite(&iocb, socket_fd[0], buf, 0, 0);
	SAY_ALL_WAYS("write of nothing", ctx, &iocb);
	io_prep_pread(&iocb, seq[0], buf, 16, 0);
	SAY("read of a packet", "%s", outcome_and(&iocb, later_write(seq[1], "12345678", 8)));
	io_prep_pread(&iocb, tcp[0], buf, 16, 0);
	SAY("read of a TCP socket", "%s", outcome_and(&iocb, later_write(tcp[1], "12345678", 8)));
	io_prep_pwrite(&iocb, tcp[0], buf, 100, 0);
	SAY_ALL_WAYS("write to a TCP socket", ctx, &iocb);
	/* What is ready is not enough for a socket that wants more. */
	CHECK(setsockopt(tcp[0], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) == 0);
	CHECK_EQ(write(tcp[1], buf, 10), 10);
	io_prep_pread(&iocb, tcp[0], buf, 200, 0);
	SAY("read of a socket that waits for 100", "%s", outcome_and(&iocb, later_write(tcp[1], buf, 190)));
	/* Not connected, listening, gone. */
	memset(&address, 0, sizeof(address));
	address.sin_family = AF_INET;
	CHECK(bind(udp, (struct sockaddr *)&address, sizeof(address)) == 0);
	nonblocking(udp);
	io_prep_pread(&iocb, udp, buf, 10, 0);
	SAY_ALL_WAYS("read of a UDP socket, not blocking", ctx, &iocb);
	io_prep_pwrite(&iocb, udp, buf, 10, 0);
	SAY_ALL_WAYS("write to a UDP socket, not connected", ctx, &iocb);
	io_prep_pread(&iocb, fresh, buf, 10, 0);
	SAY_ALL_WAYS("read of a TCP socket, not connected", ctx, &iocb);
	io_prep_pwrite(&iocb, fresh, buf, 10, 0);
	SAY_ALL_WAYS("write to a TCP socket, not connected", ctx, &iocb);
	CHECK(listen(fresh, 1) == 0);
	io_prep_pread(&iocb, fresh, buf, 10, 0);
	SAY_ALL_WAYS("read of a TCP socket that listens", ctx, &iocb);
	io_prep_pwrite(&iocb, fresh, buf, 10, 0);
	SAY_ALL_WAYS("write to a TCP socket that listens", ctx, &iocb);
	io_prep_pread(&iocb, unix_fresh, buf, 10, 0);
	SAY_ALL_WAYS("read of a Unix socket, not connected", ctx, &iocb);
	io_prep_pwrite(&iocb, unix_fresh, buf, 10, 0);
	SAY_ALL_WAYS("write to a Unix socket, not connected", ctx, &iocb);
	CHECK(shutdown(tcp[1], SHUT_WR) == 0);
	low = 1;
	CHECK(setsockopt(tcp[0], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) == 0);
	io_prep_pread(&iocb, tcp[0], buf, 10, 0);
	SAY_ALL_WAYS("read of a TCP socket whose peer has finished", ctx, &iocb);
	close(socket_fd[1]);
	io_prep_pread(&iocb, socket_fd[0], buf, 10, 0);
	SAY_ALL_WAYS("read of a socket whose peer is gone", ctx, &iocb);
	/* A peer that goes with data unread. */
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	CHECK_EQ(write(socket_fd[0], buf, 10), 10);
	close(socket_fd[1]);
	io_prep_pread(&iocb, socket_fd[0], buf, 10, 0);
	SAY_OUTCOME("read when the peer has gone with data unread", ctx, &iocb);
	SAY_OUTCOME("and once more", ctx, &iocb);
}

static void a51(void)
{
	static const long long offsets[] = {100, 1, 1ll << 40};
	struct iocb iocb;
	struct iovec vec = {buf, 4};
	int dgram[2];
	size_t i;

	begin();
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) == 0);
	for (i = 0; i < COUNT_OF(offsets); i++) {
		io_prep_pread(&iocb, socket_fd[0], buf, 4, offsets[i]);
		SAY_ALL_WAYS(text("read of a socket at %lld", offsets[i]), ctx, &iocb);
		io_prep_pwrite(&iocb, socket_fd[1], buf, 4, offsets[i]);
		SAY_ALL_WAYS(text("write to a socket at %lld", offsets[i]), ctx, &iocb);
		io_prep_preadv(&iocb, socket_fd[0], &vec, 1, offsets[i]);
		SAY_ALL_WAYS(text("vectored read of a socket at %lld", offsets[i]), ctx, &iocb);
		io_prep_pwrite(&iocb, dgram[1], buf, 4, offsets[i]);
		SAY_ALL_WAYS(text("write to a datagram socket at %lld", offsets[i]), ctx, &iocb);
		io_prep_pwrite(&iocb, pipe_fd[1], buf, 4, offsets[i]);
		SAY_OUTCOME(text("write to a pipe at %lld", offsets[i]), ctx, &iocb);
		io_prep_pread(&iocb, pipe_fd[0], buf, 4, offsets[i]);
		SAY_OUTCOME(text("read of a pipe at %lld", offsets[i]), ctx, &iocb);
		io_prep_pread(&iocb, socket_fd[0], buf, 0, offsets[i]);
		SAY_ALL_WAYS(text("read of nothing of a socket at %lld", offsets[i]), ctx, &iocb);
	}
	io_prep_pwrite(&iocb, socket_fd[1], buf, 4, 0);
	SAY_OUTCOME("write to a socket at 0", ctx, &iocb);
	io_prep_pread(&iocb, socket_fd[0], buf, 4, 0);
	SAY_OUTCOME("read of a socket at 0", ctx, &iocb);
}

static void a53(void)
{
	int event_fd = eventfd(0, EFD_NONBLOCK), semaphore = eventfd(5, EFD_NONBLOCK | EFD_SEMAPHORE),
	    blocking = eventfd(0, 0);
	uint64_t value = 0, one = 1;
	struct iovec vec[2] = {{&value, 4}, {(char *)&value + 4, 4}};
	struct iocb iocb;

	begin();
	io_prep_pread(&iocb, event_fd, &value, 8, 0);
	SAY_ALL_WAYS("read, empty and not blocking", ctx, &iocb);
	CHECK(eventfd_write(event_fd, 3) == 0);
	SAY_OUTCOME("read, with 3", ctx, &iocb);
	SAY("value", "%llu", (unsigned long long)value);
	io_prep_pwrite(&iocb, event_fd, &one, 8, 0);
	SAY_ALL_WAYS("write of 8 bytes", ctx, &iocb);
	io_prep_pwrite(&iocb, event_fd, &one, 4, 0);
	SAY_ALL_WAYS("write of 4 bytes", ctx, &iocb);
	CHECK(eventfd_write(event_fd, 3) == 0);
	io_prep_pread(&iocb, event_fd, &value, 4, 0);
	SAY_ALL_WAYS("read of 4 bytes", ctx, &iocb);
	io_prep_pread(&iocb, event_fd, &value, 0, 0);
	SAY_ALL_WAYS("read of nothing", ctx, &iocb);
	io_prep_pread(&iocb, event_fd, buf, 100, 100);
	SAY_OUTCOME("read of 100 bytes at 100", ctx, &iocb);
	CHECK(eventfd_write(event_fd, 7) == 0);
	io_prep_preadv(&iocb, event_fd, vec, 2, 0);
	SAY_OUTCOME("vectored read", ctx, &iocb);
	SAY("value so", "%llu", (unsigned long long)value);
	io_prep_pread(&iocb, semaphore, &value, 8, 0);
	SAY_OUTCOME("read of a semaphore", ctx, &iocb);
	SAY("its value", "%llu", (unsigned long long)value);
	io_prep_pread(&iocb, blocking, &value, 8, 0);
	SAY("read, blocking", "%s", outcome_and(&iocb, later_write(blocking, &one, 8)));
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read, blocking, with RWF_NOWAIT", ctx, &iocb);
}

static const char *outcome_on(int fd, int write, size_t size)
{
	const char *outcome;
	struct iocb iocb;

	if (fd < 0)
		return "not there";
	if (write)
		io_prep_pwrite(&iocb, fd, buf, size, 0);
	else
		io_prep_pread(&iocb, fd, buf, size, 0);
	outcome = outcome_all_ways(ctx, &iocb);
	close(fd);
	return outcome;
}

static void a55(void)
{
	sigset_t none;
	static const char *const devices[] = {"/dev/null", "/dev/full", "/dev/zero", "/dev/urandom", "/dev/ptmx"};
	size_t i;

	begin();
	sigemptyset(&none);
	memset(buf, 0, sizeof(buf));
	SAY("epoll", "%s", outcome_on(epoll_create1(0), 1, 4));
	SAY("timerfd", "%s", outcome_on(timerfd_create(CLOCK_MONOTONIC, 0), 1, 8));
	SAY("eventfd, 4 bytes", "%s", outcome_on(eventfd(0, 0), 1, 4));
	SAY("eventfd, 8 bytes", "%s", outcome_on(eventfd(0, 0), 1, 8));
	SAY("inotify", "%s", outcome_on(inotify_init1(0), 1, 4));
	SAY("signalfd", "%s", outcome_on(signalfd(-1, &none, 0), 1, 4));
	SAY("memfd", "%s", outcome_on(memfd_create("test", 0), 1, 4));
	for (i = 0; i < COUNT_OF(devices); i++) {
		SAY(devices[i], "%s", outcome_on(open(devices[i], O_RDWR | O_NONBLOCK | O_NOCTTY), 1, 4));
		SAY(text("%s, nothing", devices[i]), "%s",
		    outcome_on(open(devices[i], O_RDWR | O_NONBLOCK | O_NOCTTY), 1, 0));
	}
	SAY("/proc/self/comm", "%s", outcome_on(open("/proc/self/comm", O_WRONLY), 1, 4));
	SAY("/proc/self/oom_score_adj", "%s", outcome_on(open("/proc/self/oom_score_adj", O_WRONLY), 1, 1));
}

static void a56(void)
{
	static const char *const files[] = {
		"/proc/self/stat", "/proc/self/mem", "/proc/self/pagemap", "/proc/self/maps", "/proc/self/comm",
		"/proc/self/environ", "/proc/self/cmdline", "/proc/self/status", "/proc/self/io", "/proc/version",
		"/proc/meminfo", "/proc/cpuinfo", "/proc/uptime", "/proc/mounts", "/proc/sys/kernel/ostype",
		"/sys/kernel/mm/transparent_hugepage/enabled",
		"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random",
	};
	struct itimerspec soon = {{0, 1000000}, {0, 1000000}};
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), inotify = inotify_init1(0);
	sigset_t set;
	size_t i;

	begin();
	sigemptyset(&set);
	for (i = 0; i < COUNT_OF(files); i++) {
		int fd = open(files[i], O_RDONLY | O_NONBLOCK);

		SAY(files[i], "%s", outcome_on(fd, 0, 3));
		SAY(text("%s, nothing", files[i]), "%s", outcome_on(open(files[i], O_RDONLY | O_NONBLOCK), 0, 0));
	}
	SAY("a directory", "%s", outcome_on(open(".", O_RDONLY), 0, 8));
	SAY("epoll", "%s", outcome_on(epoll_create1(0), 0, 8));
	CHECK(timerfd_settime(timer, 0, &soon, NULL) == 0);
	SAY("timerfd, 4 bytes", "%s", outcome_on(dup(timer), 0, 4));
	SAY("timerfd, 8 bytes", "%s", outcome_on(dup(timer), 0, 8));
	CHECK(inotify_add_watch(inotify, ".", IN_CREATE) >= 0);
	close(open("created", O_CREAT | O_WRONLY, 0600));
	unlink("created");
	SAY("inotify", "%s", outcome_on(inotify, 0, 100));
	SAY("inotify, not blocking", "%s", outcome_on(inotify_init1(IN_NONBLOCK), 0, 100));
	SAY("signalfd, not blocking", "%s", outcome_on(signalfd(-1, &set, SFD_NONBLOCK), 0, 128));
	SAY("memfd", "%s", outcome_on(memfd_create("test", 0), 0, 4));
}

/* Waits until so many bytes can be read: what one side of a terminal writes, a worker brings to the other. */
static void await_input(int terminal, int wanted)
{
	int there = 0, tries;

	for (tries = 0; tries < 5000 && there < wanted; tries++) {
		CHECK(ioctl(terminal, FIONREAD, &there) == 0);
		usleep(1000);
	}
}

static void a57(void)
{
	int master, slave;
	struct iocb iocb;

	begin();
	CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	io_prep_pread(&iocb, slave, buf, 10, 0);
	SAY("read of the slave, a line comes", "%s", outcome_and(&iocb, later_write(master, "abc\n", 4)));
	CHECK_EQ(read(master, buf, 100), 5);
	SAY("read, a signal comes", "%s", interrupted(&iocb, SA_RESTART));
	nonblocking(master);
	nonblocking(slave);
	SAY_ALL_WAYS("read of the slave, not blocking", ctx, &iocb);
	io_prep_pread(&iocb, master, buf, 10, 0);
	SAY_ALL_WAYS("read of the master, not blocking", ctx, &iocb);
	io_prep_pwrite(&iocb, slave, "xyz", 3, 0);
	SAY_OUTCOME("write to the slave", ctx, &iocb);
	io_prep_pwrite(&iocb, master, "abc\n", 4, 0);
	SAY_OUTCOME("write to the master", ctx, &iocb);
	await_input(slave, 4);
	io_prep_pread(&iocb, slave, buf, 10, 100);
	SAY_OUTCOME("read of the slave at 100", ctx, &iocb);
	await_input(master, 8);
	io_prep_pread(&iocb, master, buf, 10, 100);
	SAY_OUTCOME("read of the master at 100", ctx, &iocb);
	io_prep_pread(&iocb, slave, buf, 10, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of the slave with RWF_NOWAIT", ctx, &iocb);
	close(master);
	iocb.aio_rw_flags = 0;
	SAY_ALL_WAYS("read of the slave without a master", ctx, &iocb);
	io_prep_pwrite(&iocb, slave, "xyz", 3, 0);
	SAY_ALL_WAYS("write to the slave without a master", ctx, &iocb);
}

static const struct row rows[] = {
	{"A43", a43}, {"A44", a44}, {"A46", a46}, {"A47", a47}, {"A48", a48}, {"A49", a49},
	{"A50", a50}, {"A51", a51}, {"A53", a53}, {"A55", a55}, {"A56", a56}, {"A57", a57},
};

ROWS_MAIN(rows, 4)
