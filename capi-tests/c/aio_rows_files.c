/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about files: appends, flags of a transfer, limits, and what is true when io_submit returns. */
#include "aio_rows.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_WRITE 8
#define F_SEAL_GROW 4
#endif

enum { SIZE = 16384, COUNT = 32, NOWAIT = 8, APPEND = 0x10 };

static int fd, direct_fd;
static char *buf;
static io_context_t ctx;
static volatile sig_atomic_t handled;

static void handler(int signo)
{
	(void)signo;
	handled++;
}

static void begin(void)
{
	ctx = setup(64);
	buf = (char *)pages(SIZE);
	fd = temp_file(SIZE, 9);
	direct_fd = reopen(fd, O_RDWR | O_DIRECT);
	CHECK_EQ(pread(fd, buf, SIZE, 0), SIZE);
}

static long size_of(int file)
{
	struct stat status;

	CHECK(fstat(file, &status) == 0);
	return (long)status.st_size;
}

/* Takes what is there without waiting: how many events io_submit has left. */
static int at_once(int count, struct io_event *events)
{
	struct timespec zero = {0, 0};

	return io_getevents(ctx, 0, count, events, &zero);
}

static void a58(void)
{
	struct iovec vec[2] = {{(char *)"abc", 3}, {(char *)"defgh", 5}};
	int file, append, direct;
	struct iocb iocb;
	char tail[5] = "";

	begin();
	file = temp_file(100, 9);
	append = reopen(file, O_RDWR | O_APPEND);
	io_prep_pwrite(&iocb, append, (char *)"WXYZ", 4, 0);
	SAY_OUTCOME("append of 4 at 0", ctx, &iocb);
	CHECK_EQ(pread(file, tail, 4, 100), 4);
	SAY("size and end", "%ld %s", size_of(file), tail);
	io_prep_pwrite(&iocb, append, (char *)"wxyz", 4, 1000000);
	SAY_OUTCOME("append of 4 at 1000000", ctx, &iocb);
	CHECK_EQ(pread(file, tail, 4, 104), 4);
	SAY("size and end then", "%ld %s", size_of(file), tail);
	io_prep_pwritev(&iocb, append, vec, 2, 0);
	SAY_OUTCOME("vectored append", ctx, &iocb);
	SAY("size then", "%ld", size_of(file));
	io_prep_pwrite(&iocb, file, (char *)"wxyz", 4, 0);
	iocb.aio_rw_flags = APPEND;
	SAY_OUTCOME("write with RWF_APPEND", ctx, &iocb);
	SAY("size after RWF_APPEND", "%ld", size_of(file));
	io_prep_pwrite(&iocb, append, (char *)"wxyz", 4, 0);
	SAY_ALL_WAYS("append in every way", ctx, &iocb);
	SAY("size after those", "%ld", size_of(file));
	io_prep_pwrite(&iocb, append, (char *)"wxyz", 0, 0);
	SAY_OUTCOME("append of nothing", ctx, &iocb);
	/* Without the page cache. */
	direct = reopen(fd, O_RDWR | O_APPEND | O_DIRECT);
	io_prep_pwrite(&iocb, direct, buf, 4096, 0);
	SAY_OUTCOME("direct append at 0", ctx, &iocb);
	SAY_ALL_WAYS("direct append in every way", ctx, &iocb);
	SAY("size after direct appends", "%ld", size_of(fd));
	CHECK_EQ(pread(fd, buf, 4096, 0), 4096);
	SAY("the beginning", "%s", first_wrong(buf, 4096, 9, 0) == -1 ? "kept" : "changed");
	io_prep_pread(&iocb, append, tail, 4, 100);
	SAY_ALL_WAYS("read of what is appended to", ctx, &iocb);
	io_prep_pwrite(&iocb, reopen(file, O_WRONLY | O_APPEND), (char *)"wxyz", 4, 0);
	iocb.aio_rw_flags = 0x20;
	SAY_OUTCOME("append with RWF_NOAPPEND at 0", ctx, &iocb);
	SAY("size in the end", "%ld", size_of(file));
}

/* The outcome for each flag of a transfer by itself. */
static const char *flags_of(struct iocb *iocb)
{
	static const unsigned int flags[] = {0x1,  0x2,	 0x4,	0x8,   0x10,  0x20,
					     0x40, 0x80, 0x100, 0x200, 0x400, 0x80000000};
	char all[500] = "";
	size_t i;

	for (i = 0; i < COUNT_OF(flags); i++) {
		iocb->aio_rw_flags = (int)flags[i];
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%#x %s", i ? ", " : "", flags[i],
			 outcome_of(ctx, iocb));
	}
	return text("%s", all);
}

static void a60(void)
{
	struct iovec vec[2];
	struct iocb iocb;

	begin();
	vec[0].iov_base = buf;
	vec[0].iov_len = 4;
	vec[1].iov_base = buf + 100;
	vec[1].iov_len = 6;
	io_prep_pread(&iocb, fd, buf, 10, 0);
	SAY("read", "%s", flags_of(&iocb));
	SAY("read once more", "%s", flags_of(&iocb));
	io_prep_preadv(&iocb, fd, vec, 2, 0);
	SAY("vectored read", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, direct_fd, buf, 4096, 0);
	SAY("direct read", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, fd, buf, 10, SIZE);
	SAY("read at the end", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, open("/dev/zero", O_RDONLY), buf, 10, 0);
	SAY("read of /dev/zero", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, open("/proc/version", O_RDONLY), buf, 10, 0);
	SAY("read of /proc/version", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, open("/proc/self/stat", O_RDONLY), buf, 10, 0);
	SAY("read of /proc/self/stat", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, memfd_create("test", 0), buf, 10, 0);
	SAY("read of a memfd", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, reopen(fd, O_WRONLY), buf, 10, 0);
	SAY("read of O_WRONLY", "%s", flags_of(&iocb));
	io_prep_pread(&iocb, eventfd(1, EFD_NONBLOCK | EFD_SEMAPHORE), buf, 10, 0);
	SAY("read of an eventfd", "%s", flags_of(&iocb));
	/* Syncs and polls have none. */
	io_prep_fsync(&iocb, fd);
	SAY("fsync", "%s", flags_of(&iocb));
	io_prep_poll(&iocb, fd, 1);
	SAY("poll", "%s", flags_of(&iocb));
}

static void a61(void)
{
	static const unsigned int pairs[] = {0x30, 0x06, 0x12, 0x18, 0x22, 0x81, 0x3f, 0xffffffff};
	struct iovec vec[2];
	struct iocb iocb;
	int file, pipe_fd[2];
	size_t i;

	begin();
	vec[0].iov_base = buf;
	vec[0].iov_len = 4;
	vec[1].iov_base = buf + 100;
	vec[1].iov_len = 6;
	CHECK(pipe(pipe_fd) == 0);
	io_prep_pwrite(&iocb, fd, buf, 10, 0);
	SAY("write", "%s", flags_of(&iocb));
	SAY("size", "%ld", size_of(fd));
	io_prep_pwritev(&iocb, fd, vec, 2, 0);
	SAY("vectored write", "%s", flags_of(&iocb));
	file = temp_file(SIZE, 9);
	io_prep_pwrite(&iocb, reopen(file, O_RDWR | O_DIRECT), buf, 4096, 0);
	SAY("direct write", "%s", flags_of(&iocb));
	SAY("size after direct writes", "%ld", size_of(file));
	file = temp_file(SIZE, 9);
	io_prep_pwrite(&iocb, reopen(file, O_RDWR | O_APPEND), buf, 10, 0);
	SAY("append", "%s", flags_of(&iocb));
	SAY("size after appends", "%ld", size_of(file));
	io_prep_pwrite(&iocb, open("/dev/null", O_WRONLY), buf, 10, 0);
	SAY("write to /dev/null", "%s", flags_of(&iocb));
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 10, 0);
	SAY("write to a pipe", "%s", flags_of(&iocb));
	io_prep_pwrite(&iocb, memfd_create("test", 0), buf, 10, 0);
	SAY("write to a memfd", "%s", flags_of(&iocb));
	io_prep_pwrite(&iocb, reopen(fd, O_RDONLY), buf, 10, 0);
	SAY("write to O_RDONLY", "%s", flags_of(&iocb));
	for (i = 0; i < COUNT_OF(pairs); i++) {
		io_prep_pwrite(&iocb, fd, buf, 10, 0);
		iocb.aio_rw_flags = (int)pairs[i];
		SAY_OUTCOME(text("write with %#x", pairs[i]), ctx, &iocb);
		io_prep_pread(&iocb, fd, buf, 10, 0);
		iocb.aio_rw_flags = (int)pairs[i];
		SAY_OUTCOME(text("read with %#x", pairs[i]), ctx, &iocb);
	}
}

static void a62(void)
{
	const char *outcome;
	struct iocb iocb;
	int file, shared;

	begin();
	file = temp_file(SIZE, 9);
	drop_cache(file, 0, 0);
	io_prep_pread(&iocb, file, buf, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	/* The disk may be quick enough; A89 knows one that is not. */
	outcome = outcome_of(ctx, &iocb);
	SAY("read of what is not cached", "%s", strcmp(outcome, "event 4096") == 0 ? "event -EAGAIN" : outcome);
	CHECK_EQ(pread(file, buf, 4096, 0), 4096);
	SAY_ALL_WAYS("read of what is cached", ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, buf, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("direct read", ctx, &iocb);
	CHECK(fdatasync(fd) == 0);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("direct write in the file", ctx, &iocb);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, SIZE);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("direct write at the end", ctx, &iocb);
	io_prep_pwrite(&iocb, fd, buf, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("write", ctx, &iocb);
	io_prep_pwrite(&iocb, fd, buf, 4096, 1 << 20);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("write behind the end", ctx, &iocb);
	io_prep_pread(&iocb, open(".", O_RDONLY), buf, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of a directory", ctx, &iocb);
	io_prep_pread(&iocb, open("/dev/ptmx", O_RDWR | O_NOCTTY), buf, 10, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of a terminal", ctx, &iocb);
	shared = memfd_create("test", 0);
	CHECK(ftruncate(shared, 4096) == 0);
	io_prep_pread(&iocb, shared, buf, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read of a memfd", ctx, &iocb);
	io_prep_pread(&iocb, fd, buf, 4096, SIZE);
	iocb.aio_rw_flags = NOWAIT;
	SAY_ALL_WAYS("read at the end", ctx, &iocb);
}

static void a71(void)
{
	struct iovec vec[2] = {{(char *)"ab", 2}, {(char *)"cd", 2}};
	struct io_event events[COUNT];
	struct iocb iocb, many[COUNT], *list[COUNT];
	char back[8] = "";
	int i, pipe_fd[2], result;

	begin();
	CHECK(pipe(pipe_fd) == 0);
	io_prep_pwrite(&iocb, fd, (char *)"q", 1, 0);
	SAY_RESULT("write", submit_one(ctx, &iocb));
	CHECK_EQ(pread(fd, back, 1, 0), 1);
	SAY("the file has", "%s", back);
	SAY_RESULT("events at once", at_once(COUNT, events));
	io_prep_pwritev(&iocb, fd, vec, 2, SIZE);
	SAY_RESULT("vectored write at the end", submit_one(ctx, &iocb));
	CHECK_EQ(pread(fd, back, 4, SIZE), 4);
	SAY("the file then has", "%s", back);
	SAY_RESULT("events at once then", at_once(COUNT, events));
	io_prep_pwrite(&iocb, pipe_fd[1], (char *)"pipe", 4, 0);
	SAY_RESULT("write to a pipe", submit_one(ctx, &iocb));
	CHECK_EQ(read(pipe_fd[0], back, 4), 4);
	SAY("the pipe has", "%s", back);
	SAY_RESULT("events at once of the pipe", at_once(COUNT, events));
	for (i = 0; i < COUNT; i++) {
		io_prep_pwrite(&many[i], fd, buf + i, 100, 100 * i);
		list[i] = &many[i];
	}
	SAY_RESULT("many writes", io_submit(ctx, COUNT, list));
	result = at_once(COUNT, events);
	SAY_RESULT("events at once of many", result);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, size_of(fd) / 4096 * 4096 + 8192);
	SAY_RESULT("direct write behind the end", submit_one(ctx, &iocb));
	SAY("the file's size at once", "%ld", size_of(fd));
	SAY_RESULT("events at once of that", at_once(COUNT, events));
}

static void a72(void)
{
	struct io_event events[COUNT];
	struct iocb many[COUNT], *list[COUNT];
	struct iovec vec[2];
	int i, result, right = 0;

	begin();
	for (i = 0; i < COUNT; i++) {
		io_prep_pread(&many[i], fd, buf + 512 * i, 512, 512 * i);
		list[i] = &many[i];
	}
	SAY_RESULT("cached reads", io_submit(ctx, COUNT, list));
	SAY_RESULT("events at once", at_once(COUNT, events));
	vec[0].iov_base = buf;
	vec[0].iov_len = 100;
	vec[1].iov_base = buf + 200;
	vec[1].iov_len = 100;
	io_prep_preadv(&many[0], fd, vec, 2, 0);
	SAY_RESULT("cached vectored read", submit_one(ctx, &many[0]));
	SAY_RESULT("events at once of that", at_once(COUNT, events));
	io_prep_pread(&many[0], fd, buf, 512, 0);
	drop_cache(fd, 0, 0);
	memset(buf, 0, SIZE);
	SAY_RESULT("one that is not cached", submit_one(ctx, &many[0]));
	result = at_once(COUNT, events);
	SAY_RESULT("events at once of what is not cached", result);
	if (result == 0)
		reap(ctx, 1, events);
	SAY("data", "%s", first_wrong(buf, 512, 9, 0) == -1 ? "right" : "wrong");
	drop_cache(fd, 0, 0);
	memset(buf, 0, SIZE);
	SAY_RESULT("many that are not cached", io_submit(ctx, COUNT, list));
	reap(ctx, COUNT, events);
	for (i = 0; i < COUNT; i++)
		right += events[i].res == 512;
	SAY("data of many", "%d right, %s", right, first_wrong(buf, SIZE, 9, 0) == -1 ? "right" : "wrong");
}

static void a74(void)
{
	struct iocb iocb;

	begin();
	CHECK_EQ(lseek(fd, 7, SEEK_SET), 7);
	io_prep_pread(&iocb, fd, buf, 10, 100);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 10"), 0);
	SAY_RESULT("position after a read", (long)lseek(fd, 0, SEEK_CUR));
	io_prep_pwrite(&iocb, fd, buf, 10, 100);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 10"), 0);
	SAY_RESULT("position after a write", (long)lseek(fd, 0, SEEK_CUR));
	drop_cache(fd, 0, 0);
	io_prep_pread(&iocb, fd, buf, 10, 100);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 10"), 0);
	SAY_RESULT("position after a read from the disk", (long)lseek(fd, 0, SEEK_CUR));
	CHECK_EQ(lseek(direct_fd, 512, SEEK_SET), 512);
	io_prep_pread(&iocb, direct_fd, buf, 4096, 4096);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 4096"), 0);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, 4096);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 4096"), 0);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, SIZE);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 4096"), 0);
	SAY_RESULT("position after direct transfers", (long)lseek(direct_fd, 0, SEEK_CUR));
	fd = reopen(fd, O_RDWR | O_APPEND);
	io_prep_pwrite(&iocb, fd, buf, 10, 0);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 10"), 0);
	SAY_RESULT("position after an append", (long)lseek(fd, 0, SEEK_CUR));
	fd = open("/proc/version", O_RDONLY);
	io_prep_pread(&iocb, fd, buf, 4, 0);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 4"), 0);
	SAY_RESULT("position of a file of the kernel", (long)lseek(fd, 0, SEEK_CUR));
	fd = open("/dev/zero", O_RDONLY);
	io_prep_pread(&iocb, fd, buf, 4, 0);
	CHECK_EQ(strcmp(outcome_of(ctx, &iocb), "event 4"), 0);
	SAY_RESULT("position of a device", (long)lseek(fd, 0, SEEK_CUR));
}

/* The limit is for the request alone: a row prints into a file. */
static const char *limited(const char *(*outcome)(io_context_t ctx, struct iocb *iocb), struct iocb *iocb)
{
	struct rlimit limit = {100, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
	const char *result;

	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	result = outcome(ctx, iocb);
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	return result;
}

#define SAY_LIMITED(what, iocb) SAY(what, "%s", limited(outcome_of, iocb))

static const char *write_behind_limit(void *unused)
{
	struct iocb iocb;

	(void)unused;
	ctx = setup(8);
	signal(SIGXFSZ, SIG_DFL);
	io_prep_pwrite(&iocb, fd, buf, 10, 100000);
	return limited(outcome_of, &iocb);
}

static const char *direct_behind_limit(void *unused)
{
	struct iocb iocb;

	(void)unused;
	ctx = setup(8);
	signal(SIGXFSZ, SIG_DFL);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, 1 << 20);
	return limited(outcome_of, &iocb);
}

static void a78(void)
{
	struct iovec vec;
	struct iocb iocb;
	int file, direct;

	begin();
	file = temp_file(50, 9);
	direct = reopen(file, O_RDWR | O_DIRECT);
	signal(SIGXFSZ, handler);
	io_prep_pwrite(&iocb, file, buf, 10, 95);
	SAY_LIMITED("write over the limit", &iocb);
	SAY("size, SIGXFSZ", "%ld, %d", size_of(file), handled);
	io_prep_pwrite(&iocb, file, buf, 10, 100);
	SAY_LIMITED("write at the limit", &iocb);
	SAY("size, SIGXFSZ then", "%ld, %d", size_of(file), handled);
	io_prep_pwrite(&iocb, file, buf, 10, 1000);
	SAY_LIMITED("write behind the limit", &iocb);
	SAY("SIGXFSZ then", "%d", handled);
	SAY("in a thread", "%s", limited(outcome_in_thread, &iocb));
	SAY("SIGXFSZ after the thread", "%d", handled);
	vec.iov_base = buf;
	vec.iov_len = 10;
	io_prep_pwritev(&iocb, file, &vec, 1, 1000);
	SAY_LIMITED("vectored write behind the limit", &iocb);
	SAY("SIGXFSZ after the vectored", "%d", handled);
	io_prep_pwrite(&iocb, direct, buf, 4096, 4096);
	SAY_LIMITED("direct write behind the limit", &iocb);
	SAY("SIGXFSZ after the direct", "%d", handled);
	io_prep_pwrite(&iocb, direct, buf, 4096, 0);
	SAY_LIMITED("direct write over the limit", &iocb);
	SAY("SIGXFSZ after one over it", "%d", handled);
	/* The limit is not about what there is, but the file is longer than that. */
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, 4096);
	SAY_LIMITED("direct write in a longer file", &iocb);
	SAY("SIGXFSZ after the longer file", "%d", handled);
	io_prep_pread(&iocb, fd, buf, 10, 1000);
	SAY_LIMITED("read behind the limit", &iocb);
	signal(SIGXFSZ, SIG_IGN);
	io_prep_pwrite(&iocb, file, buf, 10, 1000);
	SAY_LIMITED("SIGXFSZ is ignored", &iocb);
	SAY("SIGXFSZ has its default", "%s", outcome_of_child(write_behind_limit, NULL));
	SAY("SIGXFSZ has its default, direct", "%s", outcome_of_child(direct_behind_limit, NULL));
}

static void a79(void)
{
	int sealed, read_only;
	struct iocb iocb;
	void *mapping;

	begin();
	sealed = memfd_create("test", MFD_ALLOW_SEALING);
	CHECK_EQ(write(sealed, buf, 100), 100);
	CHECK(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW) == 0);
	io_prep_pwrite(&iocb, sealed, buf, 10, 0);
	SAY_ALL_WAYS("write in a memfd that must not grow", ctx, &iocb);
	io_prep_pwrite(&iocb, sealed, buf, 10, 4090);
	SAY_ALL_WAYS("write behind the end of it", ctx, &iocb);
	CHECK(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	io_prep_pwrite(&iocb, sealed, buf, 10, 0);
	SAY_ALL_WAYS("write to a sealed memfd", ctx, &iocb);
	io_prep_pread(&iocb, sealed, buf, 10, 0);
	SAY_ALL_WAYS("read of a sealed memfd", ctx, &iocb);
	read_only = open("/proc/version", O_RDONLY);
	io_prep_pwrite(&iocb, read_only, buf, 10, 0);
	SAY_ALL_WAYS("write to /proc/version", ctx, &iocb);
	io_prep_pwrite(&iocb, open("/dev/full", O_WRONLY), buf, 10, 0);
	SAY_ALL_WAYS("write to /dev/full", ctx, &iocb);
	/* The program itself cannot be written to, but what has been opened before can. */
	mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(mapping != MAP_FAILED);
	io_prep_pread(&iocb, fd, mapping, 4096, 4096);
	SAY_ALL_WAYS("read into a mapping of the file", ctx, &iocb);
	io_prep_pwrite(&iocb, fd, mapping, 4096, 8192);
	SAY_ALL_WAYS("write from a mapping of the file", ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, mapping, 4096, 4096);
	SAY_ALL_WAYS("direct read into a mapping of the file", ctx, &iocb);
	CHECK(ftruncate(fd, 0) == 0);
	io_prep_pwrite(&iocb, fd, mapping, 4096, 8192);
	SAY_ALL_WAYS("write from a mapping without a file", ctx, &iocb);
	CHECK(ftruncate(fd, 0) == 0);
	io_prep_pread(&iocb, sealed, mapping, 10, 0);
	SAY_ALL_WAYS("read into a mapping without a file", ctx, &iocb);
}

static void a88(void)
{
	struct iocb many[COUNT], *list[COUNT];
	struct io_event events[COUNT];
	char order[200];
	int i, round;

	begin();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 4; i++) {
			if (round)
				io_prep_pwrite(&many[i], fd, buf, 10, 4000 - 1000 * i);
			else
				io_prep_pread(&many[i], fd, buf, 10, 4000 - 1000 * i);
			many[i].data = (void *)(uintptr_t)i;
			list[i] = &many[i];
		}
		CHECK_EQ(io_submit(ctx, 4, list), 4);
		reap(ctx, 4, events);
		order[0] = 0;
		for (i = 0; i < 4; i++)
			snprintf(order + strlen(order), 10, " %d", (int)(uintptr_t)events[i].data);
		SAY(round ? "writes" : "reads", "%s", order + 1);
	}
	/* All that is done in io_submit, mixed. */
	for (i = 0; i < COUNT; i++) {
		if (i % 3 == 0)
			io_prep_pwrite(&many[i], fd, buf, 10, 100 * i);
		else if (i % 3 == 1)
			io_prep_pread(&many[i], fd, buf, 10, 100 * i);
		else
			io_prep_poll(&many[i], fd, 1);
		list[i] = &many[i];
	}
	CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
	reap(ctx, COUNT, events);
	for (i = 0; i < COUNT && events[i].obj == &many[i]; i++)
		;
	SAY("writes, reads and polls", "%s", i == COUNT ? "in order" : "not in order");
}

static void a90(void)
{
	struct iocb iocb;
	int file;

	begin();
	file = reopen(fd, O_RDWR | O_NONBLOCK);
	drop_cache(fd, 0, 0);
	io_prep_pread(&iocb, file, buf, 4096, 0);
	SAY_OUTCOME("read of what is not cached", ctx, &iocb);
	SAY_ALL_WAYS("read of what is cached", ctx, &iocb);
	io_prep_pwrite(&iocb, file, buf, 4096, 0);
	SAY_ALL_WAYS("write", ctx, &iocb);
	io_prep_pread(&iocb, reopen(fd, O_RDWR | O_NONBLOCK | O_DIRECT), buf, 4096, 0);
	SAY_ALL_WAYS("direct read", ctx, &iocb);
	io_prep_pwrite(&iocb, iocb.aio_fildes, buf, 4096, SIZE);
	SAY_ALL_WAYS("direct write at the end", ctx, &iocb);
}

static void a91(void)
{
	enum { LONG = 1000000, ROOM = 4 << 20 };
	int file, direct;
	struct iocb iocb;
	struct iovec vec[3];
	char *big;

	begin();
	big = (char *)pages(ROOM);
	file = temp_file(LONG, 5);
	direct = reopen(file, O_RDWR | O_DIRECT);
	io_prep_pread(&iocb, direct, big, 1 << 20, 0);
	SAY_ALL_WAYS("direct read of 1 MiB of 1000000", ctx, &iocb);
	SAY("data", "%s", first_wrong(big, LONG, 5, 0) == -1 ? "right" : "wrong");
	io_prep_pread(&iocb, direct, big, ROOM, 4096);
	SAY_ALL_WAYS("direct read of 4 MiB at 4096", ctx, &iocb);
	io_prep_pread(&iocb, file, big, ROOM, 0);
	SAY_ALL_WAYS("read of 4 MiB", ctx, &iocb);
	drop_cache(file, 0, 0);
	memset(big, 0, ROOM);
	SAY_OUTCOME("read of 4 MiB that are not cached", ctx, &iocb);
	SAY("data of those", "%s", first_wrong(big, LONG, 5, 0) == -1 ? "right" : "wrong");
	vec[0].iov_base = big;
	vec[0].iov_len = 512 << 10;
	vec[1].iov_base = big + (1 << 20);
	vec[1].iov_len = 4096;
	vec[2].iov_base = big + (2 << 20);
	vec[2].iov_len = 2 << 20;
	io_prep_preadv(&iocb, direct, vec, 3, 0);
	SAY_ALL_WAYS("direct vectored read", ctx, &iocb);
	io_prep_pwrite(&iocb, direct, big, ROOM, 1 << 20);
	SAY_OUTCOME("direct write of 4 MiB at 1 MiB", ctx, &iocb);
	SAY("size", "%ld", size_of(file));
	io_prep_pwrite(&iocb, direct, big, ROOM, 1 << 20);
	SAY_OUTCOME("once more, over what is there", ctx, &iocb);
	io_prep_pwrite(&iocb, file, big, ROOM, 0);
	SAY_OUTCOME("write of 4 MiB", ctx, &iocb);
}

static void a93(void)
{
	static char bytes[COUNT];
	struct iocb many[COUNT], *list[COUNT];
	struct io_event events[COUNT];
	char back;
	int i, round, right = 0;

	begin();
	for (round = 0; round < 20; round++) {
		for (i = 0; i < COUNT; i++) {
			bytes[i] = (char)(round + i);
			io_prep_pwrite(&many[i], fd, &bytes[i], 1, 0);
			list[i] = &many[i];
		}
		CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
		CHECK_EQ(pread(fd, &back, 1, 0), 1);
		right += back == bytes[COUNT - 1];
		reap(ctx, COUNT, events);
	}
	SAY("32 writes to one place, 20 times", "the last one won %d times", right);
	right = 0;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < COUNT; i++) {
			bytes[i] = (char)(round + i);
			io_prep_pwrite(&many[i], fd, &bytes[i], 1, SIZE + round);
		}
		CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
		CHECK_EQ(pread(fd, &back, 1, SIZE + round), 1);
		right += back == bytes[COUNT - 1];
		reap(ctx, COUNT, events);
	}
	SAY("at the end of the file", "the last one won %d times", right);
}

static void a94(void)
{
	struct iocb a, b, c, d, *list[] = {&a, &b, &c, &d};
	struct io_event events[4];
	char *out, *in, *in_direct;
	int round, right = 0, right_direct = 0, direct_write = 0, syncs = 0;

	begin();
	out = (char *)pages(4096);
	in = (char *)pages(4096);
	in_direct = (char *)pages(4096);
	for (round = 0; round < 20; round++) {
		memset(out, round + 1, 4096);
		io_prep_pwrite(&a, fd, out, 4096, 4096 * (round % 6));
		io_prep_pread(&b, fd, in, 4096, 4096 * (round % 6));
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		reap(ctx, 2, events);
		right += in[0] == round + 1 && in[4095] == round + 1;
	}
	SAY("write and read back in one batch, 20 times", "%d right", right);
	for (round = 0; round < 20; round++) {
		memset(out, round + 101, 4096);
		memset(in_direct, 0, 4096);
		io_prep_pwrite(&a, fd, out, 4096, 4096 * (round % 6));
		io_prep_pread(&b, direct_fd, in_direct, 4096, 4096 * (round % 6));
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		reap(ctx, 2, events);
		right_direct += in_direct[0] == (char)(round + 101) && in_direct[4095] == (char)(round + 101);
	}
	SAY("write and direct read, 20 times", "%d right", right_direct);
	/* A direct write that extends the file is complete before the next request starts. */
	for (round = 0; round < 20; round++) {
		memset(out, round + 50, 4096);
		memset(in, 0, 4096);
		io_prep_pwrite(&a, direct_fd, out, 4096, size_of(fd) / 4096 * 4096);
		io_prep_pread(&b, direct_fd, in, 4096, size_of(fd) / 4096 * 4096);
		CHECK_EQ(io_submit(ctx, 2, list), 2);
		reap(ctx, 2, events);
		direct_write += in[0] == (char)(round + 50) && in[4095] == (char)(round + 50);
	}
	SAY("direct write at the end and direct read, 20 times", "%d right", direct_write);
	for (round = 0; round < 20; round++) {
		memset(out, round + 1, 4096);
		memset(in, 0, 4096);
		io_prep_pwrite(&a, fd, out, 4096, 0);
		io_prep_fsync(&b, fd);
		io_prep_pread(&c, fd, in, 4096, 0);
		io_prep_fdsync(&d, fd);
		CHECK_EQ(io_submit(ctx, 4, list), 4);
		reap(ctx, 4, events);
		syncs += in[0] == round + 1 && (events[0].res | events[1].res | events[2].res | events[3].res) == 4096;
	}
	SAY("write, fsync, read, fdsync, 20 times", "%d right", syncs);
}

static void a95(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	struct iocb many[COUNT], *list[COUNT];
	struct io_event events[COUNT];
	char back[27] = "";
	int i, file, plain;

	begin();
	plain = temp_file(0, 9);
	file = reopen(plain, O_RDWR | O_APPEND);
	for (i = 0; i < 26; i++) {
		io_prep_pwrite(&many[i], file, (char *)letters + i, 1, 0);
		list[i] = &many[i];
	}
	SAY_RESULT("26 appends", io_submit(ctx, 26, list));
	CHECK_EQ(pread(file, back, 26, 0), 26);
	SAY("the file", "%s", back);
	SAY_RESULT("events", at_once(COUNT, events));
	CHECK(ftruncate(plain, 0) == 0);
	for (i = 0; i < 26; i++) {
		many[i].aio_fildes = i % 2 ? file : plain;
		many[i].aio_rw_flags = i % 2 ? 0 : APPEND;
	}
	SAY_RESULT("26 appends in two ways", io_submit(ctx, 26, list));
	CHECK_EQ(pread(file, back, 26, 0), 26);
	SAY("the file then", "%s", back);
}

static void a96(void)
{
	struct iovec vec[2];
	struct io_event events[COUNT];
	struct iocb iocb;
	char byte = '1', pair[2] = {'3', '4'}, back[4] = "";
	int pipe_fd[2];

	begin();
	CHECK(pipe(pipe_fd) == 0);
	io_prep_pwrite(&iocb, fd, &byte, 1, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	byte = '2';
	reap(ctx, 1, events);
	CHECK_EQ(pread(fd, back, 1, 0), 1);
	SAY("the file has", "%s", back);
	byte = '1';
	io_prep_pwrite(&iocb, pipe_fd[1], &byte, 1, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	byte = '2';
	reap(ctx, 1, events);
	CHECK_EQ(read(pipe_fd[0], back, 1), 1);
	SAY("the pipe has", "%s", back);
	vec[0].iov_base = pair;
	vec[1].iov_base = pair + 1;
	vec[0].iov_len = vec[1].iov_len = 1;
	io_prep_pwritev(&iocb, fd, vec, 2, SIZE);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	memset(pair, '5', 2);
	memset(vec, 0, sizeof(vec));
	memset(&iocb, 0, sizeof(iocb));
	reap(ctx, 1, events);
	CHECK_EQ(pread(fd, back, 2, SIZE), 2);
	SAY("the file has at its end", "%s", back);
	memset(buf, 'x', 4096);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, SIZE + 4096);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	memset(buf, 'y', 4096);
	reap(ctx, 1, events);
	CHECK_EQ(pread(fd, back, 1, SIZE + 4096), 1);
	SAY("a direct write behind the end", "%.1s", back);
}

static const struct row rows[] = {
	{"A58", a58}, {"A60", a60}, {"A61", a61}, {"A62", a62}, {"A71", a71}, {"A72", a72},
	{"A74", a74}, {"A78", a78}, {"A79", a79}, {"A88", a88}, {"A90", a90}, {"A91", a91},
	{"A93", a93}, {"A94", a94}, {"A95", a95}, {"A96", a96},
};

ROWS_MAIN(rows, 2)
