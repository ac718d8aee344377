// variants: ours,preload-ours,own,strict
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reads that take their buffer from a ring: what comes of them, in which order, and what io_submit() refuses. */
#include <pty.h>
#include <sys/eventfd.h>

#include "aio_ext_select.h"

enum { BUFFERS = 8, SIZE = 64, MOST = 16 };

static io_context_t ctx;
static struct aiouring_bufring *br;

/* All buffers are with the kernel. */
static void all_back(void)
{
	struct aiouring_bufring_info info;

	CHECK_EQ(aiouring_bufring_stats(br, &info, sizeof(info)), 0);
	CHECK_EQ(info.provided, info.wanted);
	CHECK_EQ(info.references, 0);
	CHECK_EQ(info.refused, 0);
}

/* Several reads of one stream, before there is data; then data for some; then its end. */
static void order(int kind)
{
	struct iocb iocbs[MOST];
	int fds[2], i;
	char text[2] = "a";

	make_stream(kind, fds);
	for (i = 0; i < MOST; i++)
		submit_select(ctx, &iocbs[i], fds[0], 1);
	CHECK_PENDING(ctx);
	/* More reads than there are buffers. */
	for (i = 0; i < 4; i++) {
		text[0] = (char)('a' + i);
		put(fds[1], text);
		expect_select(ctx, br, &iocbs[i], 1, text);
	}
	CHECK_PENDING(ctx);
	put(fds[1], "efgh");
	for (; i < 8; i++) {
		text[0] = (char)('a' + i);
		expect_select(ctx, br, &iocbs[i], 1, text);
	}
	put(fds[1], "xyz");
	for (; i < 11; i++)
		expect_select(ctx, br, &iocbs[i], 1, NULL);
	if (kind == 2) {
		for (; i < MOST; i++)
			put(fds[1], "e");
		for (i = 11; i < MOST; i++)
			expect_select(ctx, br, &iocbs[i], 1, "e");
	} else {
		CHECK_PENDING(ctx);
		close(fds[1]);
		for (; i < MOST; i++)
			expect_select(ctx, br, &iocbs[i], 0, NULL);
	}
	/* In one call, and longer than a buffer; 0 is for what there is room for. */
	if (kind == 2) {
		struct iocb *list[] = {&iocbs[0], &iocbs[1], &iocbs[2]};
		char data[3 * SIZE];

		memset(data, 'q', sizeof(data));
		CHECK_EQ(write(fds[1], data, SIZE + 5), SIZE + 5);
		for (i = 0; i < 3; i++) {
			aiouring_prep_pread_select(&iocbs[i], fds[0], i == 0 ? 0 : 1 << 20, 0);
			iocbs[i].data = &iocbs[i];
		}
		CHECK_EQ(io_submit(ctx, 3, list), 3);
		expect_select(ctx, br, &iocbs[0], SIZE, NULL);
		expect_select(ctx, br, &iocbs[1], 5, "qqqqq");
		CHECK_PENDING(ctx);
		put(fds[1], "r");
		expect_select(ctx, br, &iocbs[2], 1, "r");
		close(fds[1]);
	}
	close(fds[0]);
	all_back();
}

static void *write_much(void *arg)
{
	int fd = *(int *)arg;
	unsigned char data[1000];
	unsigned next = 0;

	for (int round = 0; round < 200; round++) {
		size_t len = 1 + (size_t)round * 37 % sizeof(data), at = 0;

		for (size_t i = 0; i < len; i++)
			data[i] = (unsigned char)(next++ * 7 % 251);
		while (at < len) {
			ssize_t written = write(fd, data + at, len - at);

			CHECK_OP(written, >, 0);
			at += (size_t)written;
		}
	}
	close(fd);
	return NULL;
}

/* A stream of data, with eight reads that are always there, fewer buffers, and all bytes in order. */
static void much(int kind, unsigned flags)
{
	struct iocb iocbs[8];
	struct io_event events[8];
	struct aiouring_bufring *few;
	io_context_t own = setup_bound(8, &few, 3, 256, flags);
	pthread_t writer;
	int fds[2], open = 8, n;
	unsigned next = 0;
	unsigned char data[256];

	make_stream(kind, fds);
	for (int i = 0; i < 8; i++)
		submit_select(own, &iocbs[i], fds[0], i % 2 ? 0 : 100);
	CHECK_EQ(pthread_create(&writer, NULL, write_much, &fds[1]), 0);
	while (open > 0) {
		struct timespec limit = {EVENT_SECONDS, 0};

		n = io_getevents(own, 1, 8, events, &limit);
		CHECK_OP(n, >, 0);
		for (int e = 0; e < n; e++) {
			struct iocb *iocb = events[e].obj;
			long len = take(few, &events[e], (char *)data);

			for (long i = 0; i < len; i++)
				CHECK_EQ(data[i], next++ * 7 % 251);
			if ((long)events[e].res == 0)
				open--;
			else if ((long)events[e].res > 0 || (long)events[e].res == -ENOBUFS)
				submit_select(own, iocb, fds[0], (size_t)iocb->u.c.nbytes);
			else
				FAIL("result %ld", (long)events[e].res);
		}
	}
	CHECK_EQ(pthread_join(writer, NULL), 0);
	for (unsigned round = 0, sum = 0; round <= 200; round++) {
		if (round == 200)
			CHECK_EQ(next, sum);
		sum += 1 + round * 37 % 1000;
	}
	close(fds[0]);
	CHECK_EQ(aiouring_bufring_unbind(few), 0);
	CHECK_EQ(aiouring_bufring_destroy(few), 0);
	CHECK_EQ(io_destroy(own), 0);
}

/* There is data and no buffer: nothing is lost. And no buffer is needed to wait. */
static void no_buffers(int kind)
{
	struct iocb iocbs[BUFFERS + 1], *iocb = &iocbs[BUFFERS];
	struct io_event events[BUFFERS];
	struct aiouring_bufring_walk walks[BUFFERS];
	int fds[2], i;

	make_stream(kind, fds);
	for (i = 0; i < BUFFERS; i++) {
		put(fds[1], "k");
		submit_select(ctx, &iocbs[i], fds[0], 0);
		reap(ctx, 1, &events[i]);
		CHECK_EQ((long)events[i].res, 1);
		CHECK_EQ(aiouring_bufring_take_event(br, &events[i], &walks[i]), 1);
	}
	submit_select(ctx, iocb, fds[0], 0);
	CHECK_PENDING(ctx);
	put(fds[1], "pqr");
	expect_select(ctx, br, iocb, -ENOBUFS, NULL);
	submit_select(ctx, iocb, fds[0], 0);
	expect_select(ctx, br, iocb, -ENOBUFS, NULL);
	CHECK_EQ(aiouring_bufring_skip(&walks[3]), 1);
	submit_select(ctx, iocb, fds[0], 2);
	expect_select(ctx, br, iocb, 2, "pq");
	submit_select(ctx, iocb, fds[0], 2);
	expect_select(ctx, br, iocb, 1, "r");
	/* It waits without one, and has one in time. */
	submit_select(ctx, iocb, fds[0], 0);
	for (i = 0; i < BUFFERS; i++)
		CHECK_EQ(aiouring_bufring_skip(&walks[i]), i == 3 ? 0 : 1);
	put(fds[1], "s");
	expect_select(ctx, br, iocb, 1, "s");
	close(fds[0]);
	close(fds[1]);
	all_back();
}

/* A descriptor that does not wait by itself, closed while its reads do, and its number used for another. */
static void closed_and_nonblocking(int kind)
{
	struct iocb first, second, third;
	int fds[2], other[2];

	make_stream(kind, fds);
	make_stream(kind, other);
	CHECK(fcntl(fds[0], F_SETFL, O_NONBLOCK | (kind == 2 ? O_RDWR : 0)) == 0);
	submit_select(ctx, &first, fds[0], 1);
	submit_select(ctx, &second, fds[0], 1);
	submit_select(ctx, &third, fds[0], 1);
	CHECK_PENDING(ctx);
	CHECK(dup2(other[0], fds[0]) == fds[0]);
	close(other[0]);
	put(other[1], "no");
	CHECK_PENDING(ctx);
	put(fds[1], "y");
	expect_select(ctx, br, &first, 1, "y");
	put(fds[1], "es");
	expect_select(ctx, br, &second, 1, "e");
	expect_select(ctx, br, &third, 1, "s");
	submit_select(ctx, &first, fds[0], 0);
	expect_select(ctx, br, &first, 2, "no");
	close(fds[0]);
	close(fds[1]);
	close(other[1]);
	all_back();
}

static void files(void)
{
	struct iocb iocbs[3], *list[] = {&iocbs[0], &iocbs[1], &iocbs[2]};
	struct io_event events[3];
	char text[300], data[SIZE];
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	unlink("file");
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('A' + i % 57);
	CHECK_EQ(write(fd, text, sizeof(text)), sizeof(text));
	for (int uncached = 0; uncached < 2; uncached++) {
		CHECK(fsync(fd) == 0);
		if (uncached)
			CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
		aiouring_prep_pread_select(&iocbs[0], fd, 0, 3);
		aiouring_prep_pread_select(&iocbs[1], fd, 10, 290);
		aiouring_prep_pread_select(&iocbs[2], fd, 20, 295);
		CHECK_EQ(io_submit(ctx, 3, list), 3);
		reap(ctx, 3, events);
		for (int i = 0; i < 3; i++) {
			struct iocb *iocb = events[i].obj;
			long expected = iocb == &iocbs[0] ? SIZE : iocb == &iocbs[1] ? 10 : 5;

			CHECK_EQ((long)events[i].res, expected);
			take(br, &events[i], data);
			CHECK(memcmp(data, text + iocb->u.c.offset, (size_t)expected) == 0);
		}
		aiouring_prep_pread_select(&iocbs[0], fd, 0, 300);
		CHECK_EQ(submit_one(ctx, &iocbs[0]), 1);
		expect_select(ctx, br, &iocbs[0], 0, NULL);
	}
	close(fd);
	all_back();
}

/* Devices that wait, and one that does not. */
static void devices(void)
{
	struct iocb iocbs[3];
	struct io_event event;
	int master, slave, zero = open("/dev/zero", O_RDONLY), counter = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	char data[SIZE];

	submit_select(ctx, &iocbs[0], zero, 9);
	reap(ctx, 1, &event);
	CHECK_EQ((long)event.res, 9);
	take(br, &event, data);
	for (int i = 0; i < 9; i++)
		CHECK_EQ(data[i], 0);
	for (int i = 0; i < 5; i++) {
		submit_select(ctx, &iocbs[0], counter, 8);
		if (i == 3) {
			CHECK_PENDING(ctx);
			CHECK(eventfd_write(counter, 2) == 0);
		}
		expect_select(ctx, br, &iocbs[0], 8, NULL);
	}
	if (openpty(&master, &slave, NULL, NULL, NULL) == 0) {
		for (int flags = 0; flags < 2; flags++) {
			CHECK(fcntl(slave, F_SETFL, O_RDWR | (flags ? O_NONBLOCK : 0)) == 0);
			submit_select(ctx, &iocbs[1], slave, 0);
			CHECK_PENDING(ctx);
			put(master, "line\n");
			expect_select(ctx, br, &iocbs[1], 5, "line\n");
		}
		close(master);
		close(slave);
	}
	close(zero);
	close(counter);
	all_back();
}

/* Servers with epoll learn of events by an eventfd. */
static void eventfds(void)
{
	struct iocb iocbs[4];
	struct io_event events[4];
	int pipes[2], sockets[2], notify = eventfd(0, EFD_NONBLOCK), done = eventfd(0, 0);
	eventfd_t count;

	make_stream(0, pipes);
	make_stream(1, sockets);
	for (int i = 0; i < 4; i++) {
		aiouring_prep_pread_select(&iocbs[i], i % 2 ? sockets[0] : pipes[0], 1, 0);
		io_set_eventfd(&iocbs[i], i < 2 ? notify : done);
		CHECK_EQ(submit_one(ctx, &iocbs[i]), 1);
	}
	CHECK_PENDING(ctx);
	CHECK(eventfd_read(notify, &count) == -1 && errno == EAGAIN);
	put(pipes[1], "p");
	put(sockets[1], "s");
	reap(ctx, 2, events);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(take(br, &events[i], NULL), 1);
	CHECK(eventfd_read(notify, &count) == 0);
	CHECK_EQ(count, 2);
	put(pipes[1], "p");
	put(sockets[1], "s");
	/* This waits for the first. */
	CHECK(eventfd_read(done, &count) == 0);
	reap(ctx, 2, events);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(take(br, &events[i], NULL), 1);
	if (count == 1)
		CHECK(eventfd_read(done, &count) == 0 && count == 1);
	for (int i = 0; i < 2; i++) {
		close(pipes[i]);
		close(sockets[i]);
	}
	close(notify);
	close(done);
	all_back();
}

static void refused(void)
{
	struct iocb iocb;
	struct aiouring_bufring *inc, *classic;
	io_context_t unbound = setup(1), with_inc = setup_bound(1, &inc, 2, SIZE, AIOURING_BUFRING_INC);
	struct aiouring_bufring_info info;
	int fds[2], directory = open(".", O_RDONLY), file = open("file", O_RDWR | O_CREAT, 0600);

	unlink("file");
	make_stream(0, fds);
	aiouring_prep_pread_select(&iocb, fds[0], 1, 0);
	SUBMIT_IS(unbound, &iocb, -EINVAL);
	aiouring_prep_pread_select(&iocb, -1, 1, 0);
	SUBMIT_IS(ctx, &iocb, -EBADF);
	aiouring_prep_pread_select(&iocb, fds[1], 1, 0);
	SUBMIT_IS(ctx, &iocb, -EBADF);
	aiouring_prep_pread_select(&iocb, directory, 1, 0);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	aiouring_prep_pread_select(&iocb, fds[0], 1, -1);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	aiouring_prep_pread_select(&iocb, fds[0], 1, 0);
	iocb.u.c.buf = &iocb;
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	aiouring_prep_pread_select(&iocb, fds[0], 1, 0);
	iocb.aio_rw_flags = 1;
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	aiouring_prep_pread_select(&iocb, fds[0], 1, 0);
	io_set_eventfd(&iocb, fds[0]);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	aiouring_prep_pread_select(&iocb, fds[0], (size_t)-1, 0);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	CHECK_EQ(aiouring_bufring_stats(inc, &info, sizeof(info)), 0);
	if (info.flags & AIOURING_BUFRING_INC) {
		aiouring_prep_pread_select(&iocb, file, 1, 0);
		SUBMIT_IS(with_inc, &iocb, -EINVAL);
	}

	CHECK_EQ(aiouring_bufring_bind(br, ctx), -EBUSY);
	CHECK_EQ(aiouring_bufring_bind(br, unbound), -EBUSY);
	CHECK_EQ(aiouring_bufring_bind(NULL, ctx), -EINVAL);
	CHECK_EQ(aiouring_bufring_bind(br, NULL), -EBUSY);
	CHECK_EQ(aiouring_bufring_unbind(NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
	CHECK_EQ(aiouring_bufring_create(&classic, 2, SIZE, 7, AIOURING_BUFRING_CLASSIC, NULL), 0);
	CHECK_EQ(aiouring_bufring_unbind(classic), -EINVAL);
	CHECK_EQ(aiouring_bufring_bind(classic, unbound), -EOPNOTSUPP);
	CHECK_EQ(aiouring_bufring_destroy(classic), 0);
	/* One ring after the other, in any context. */
	CHECK_EQ(aiouring_bufring_unbind(inc), 0);
	CHECK_EQ(aiouring_bufring_unbind(inc), -EINVAL);
	CHECK_EQ(aiouring_bufring_bind(inc, NULL), -EINVAL);
	CHECK_EQ(aiouring_bufring_bind(inc, (io_context_t)&iocb), -EINVAL);
	CHECK_EQ(aiouring_bufring_bind(inc, ctx), -EBUSY);
	CHECK_EQ(aiouring_bufring_bind(inc, unbound), 0);
	CHECK_EQ(io_destroy(unbound), 0);
	CHECK_EQ(aiouring_bufring_unbind(inc), 0);
	CHECK_EQ(aiouring_bufring_bind(inc, with_inc), 0);
	submit_select(with_inc, &iocb, fds[0], 0);
	put(fds[1], "inc");
	expect_select(with_inc, inc, &iocb, 3, "inc");
	CHECK_EQ(io_destroy(with_inc), 0);
	CHECK_EQ(aiouring_bufring_unbind(inc), 0);
	CHECK_EQ(aiouring_bufring_destroy(inc), 0);
	close(directory);
	close(file);
	close(fds[0]);
	close(fds[1]);
}

static struct iocb childs_iocb;
static volatile int childs_result;

/* A child of vfork has descriptors of its own, which the library's thread does not see. */
static void borrowed(void)
{
	int fds[2], status;
	pid_t child;

	make_stream(0, fds);
	aiouring_prep_pread_select(&childs_iocb, fds[0], 1, 0);
	child = vfork();
	CHECK(child >= 0);
	if (child == 0) {
		childs_result = submit_one(ctx, &childs_iocb);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK_EQ(childs_result, -EOPNOTSUPP);
	submit_select(ctx, &childs_iocb, fds[0], 1);
	put(fds[1], "v");
	expect_select(ctx, br, &childs_iocb, 1, "v");
	close(fds[0]);
	close(fds[1]);
}

/* What an event says of buffers is not believed. */
static void hostile(void)
{
	struct iocb iocb;
	struct io_event event, wrong;
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	int fds[2];

	memset(&event, 0, sizeof(event));
	CHECK_EQ(aiouring_bufring_take_event(br, NULL, &walk), -EFAULT);
	CHECK_EQ(aiouring_bufring_take_event(br, &event, NULL), -EFAULT);
	CHECK_EQ(aiouring_bufring_take_event(NULL, &event, &walk), -EINVAL);

	make_stream(1, fds);
	submit_select(ctx, &iocb, fds[0], 0);
	put(fds[1], "real");
	reap(ctx, 1, &event);
	wrong = event;
	wrong.res2 = (unsigned long)BUFFERS << 16 | AIOURING_EVENT_BUFFER;
	CHECK_EQ(aiouring_bufring_take_event(br, &wrong, &walk), -EINVAL);
	wrong.res2 = 0xffff0001UL;
	CHECK_EQ(aiouring_bufring_take_event(br, &wrong, &walk), -EINVAL);
	CHECK_EQ(aiouring_event_buffer(&wrong), 0xffff);
	wrong.res2 = 0;
	CHECK_EQ(aiouring_event_buffer(&wrong), -1);
	CHECK_EQ(aiouring_bufring_take_event(br, &event, &walk), 1);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
	CHECK(span.len == 4 && memcmp(span.base, "real", 4) == 0);
	/* Twice. */
	CHECK_EQ(aiouring_bufring_take_event(br, &event, &walk), -EINVAL);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	CHECK_EQ(aiouring_bufring_release(br, span.id), -EINVAL);
	close(fds[0]);
	close(fds[1]);
}

/* Pieces of one buffer, one after the other. */
static void incremental(void)
{
	struct iocb iocb;
	struct io_event event;
	struct aiouring_bufring *inc;
	struct aiouring_bufring_info info;
	io_context_t own = setup_bound(4, &inc, 2, 8, AIOURING_BUFRING_INC);
	char data[8];
	int fds[2];

	CHECK_EQ(aiouring_bufring_stats(inc, &info, sizeof(info)), 0);
	make_stream(1, fds);
	for (int i = 0; info.flags & AIOURING_BUFRING_INC && i < 9; i++) {
		submit_select(own, &iocb, fds[0], 0);
		put(fds[1], "abc");
		reap(own, 1, &event);
		/* 3, 3, and 2 that fill the buffer; what is left goes into the next. */
		CHECK_EQ((long)event.res, i % 3 == 2 ? 2 : 3);
		CHECK_EQ(aiouring_event_buffer(&event), i / 3 % 2);
		CHECK_EQ((event.res2 & AIOURING_EVENT_MORE) != 0, i % 3 != 2);
		take(inc, &event, data);
		CHECK(memcmp(data, "abc", (size_t)event.res) == 0);
		if (i % 3 == 2)
			CHECK(event.res2 & AIOURING_EVENT_NONEMPTY && read(fds[0], data, 1) == 1 && data[0] == 'c');
	}
	close(fds[0]);
	close(fds[1]);
	CHECK_EQ(io_destroy(own), 0);
	CHECK_EQ(aiouring_bufring_unbind(inc), 0);
	CHECK_EQ(aiouring_bufring_destroy(inc), 0);
}

int main(void)
{
	ctx = setup_bound(64, &br, BUFFERS, SIZE, 0);
	for (int kind = 0; kind < 3; kind++) {
		order(kind);
		if (kind < 2) {
			much(kind, 0);
			much(kind, AIOURING_BUFRING_INC);
		}
		no_buffers(kind);
		closed_and_nonblocking(kind);
	}
	files();
	devices();
	eventfds();
	refused();
	borrowed();
	hostile();
	incremental();
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_bufring_unbind(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	return 0;
}
