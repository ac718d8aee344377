/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about io_submit: its arguments, the array, and where in it a request is refused. */
#include "aio_rows.h"

#include <limits.h>

enum { SIZE = 4096 };

static int fd;
static char buf[SIZE];
static io_context_t ctx;

static void begin(void)
{
	fd = temp_file(SIZE, 9);
	CHECK_EQ(pread(fd, buf, SIZE, 0), SIZE);
	ctx = setup(8);
}

static void prepare(struct iocb *iocb)
{
	io_prep_pread(iocb, fd, buf, 10, 0);
}

/* io_submit's result, and how many events there are then. */
static const char *submitted(io_context_t which, long nr, struct iocb **list)
{
	int result = io_submit(which, nr, list), events = ready(ctx);

	return events ? text("%s, %d events", name_of(result), events) : name_of(result);
}

static void a01(void)
{
	struct iocb iocb, *list[] = {&iocb};

	begin();
	prepare(&iocb);
	SAY("count -1", "%s", submitted(ctx, -1, list));
	SAY("count LONG_MIN", "%s", submitted(ctx, LONG_MIN, list));
	SAY("count -1, no array", "%s", submitted(ctx, -1, NULL));
	SAY("count INT_MIN", "%s", submitted(ctx, INT_MIN, list));
}

static void a02(void)
{
	begin();
	SAY("count 0, no array", "%s", submitted(ctx, 0, NULL));
	SAY("count 0, array in a hole", "%s", submitted(ctx, 0, (struct iocb **)(void *)hole()));
	SAY("count 0, array in the kernel", "%s", submitted(ctx, 0, (struct iocb **)(void *)KERNEL_ADDRESS));
}

static void a03(void)
{
	struct iocb iocb, *list[] = {&iocb};
	io_context_t gone, other;
	const struct {
		const char *name;
		io_context_t ctx;
	} bad[] = {
		{"NULL", NULL},
		{"-1", (io_context_t)-1},
		{"a page of zeroes", (io_context_t)pages(4096)},
		{"1", (io_context_t)1},
		{"a hole", (io_context_t)(void *)hole()},
		{"a kernel address", (io_context_t)(void *)KERNEL_ADDRESS},
	};
	size_t i;

	begin();
	prepare(&iocb);
	for (i = 0; i < COUNT_OF(bad); i++) {
		SAY(text("context is %s, count 0", bad[i].name), "%s", submitted(bad[i].ctx, 0, list));
		SAY(text("context is %s, count 1", bad[i].name), "%s", submitted(bad[i].ctx, 1, list));
	}
	SAY("context is NULL, no array", "%s", submitted(NULL, 1, NULL));
	SAY("context is NULL, count -1", "%s", submitted(NULL, -1, list));
	other = setup(64);
	gone = other;
	CHECK_EQ(io_destroy(other), 0);
	SAY("context is destroyed, count 0", "%s", submitted(gone, 0, list));
	SAY("context is destroyed, count 1", "%s", submitted(gone, 1, list));
	SAY("context is inside a valid one, count 1", "%s",
	    submitted((io_context_t)(void *)((char *)(void *)ctx + 32), 1, list));
	SAY("context is valid, count 1", "%s", submitted(ctx, 1, list));
}

static void a04(void)
{
	begin();
	SAY("no array", "%s", submitted(ctx, 1, NULL));
	SAY("array at -1", "%s", submitted(ctx, 1, (struct iocb **)-1));
	SAY("array in the kernel", "%s", submitted(ctx, 1, (struct iocb **)(void *)KERNEL_ADDRESS));
	SAY("array in a hole", "%s", submitted(ctx, 1, (struct iocb **)(void *)hole()));
	SAY("array in a hole, count 100", "%s", submitted(ctx, 100, (struct iocb **)(void *)hole()));
	SAY("array in a hole, count LONG_MAX", "%s", submitted(ctx, LONG_MAX, (struct iocb **)(void *)hole()));
}

static void a05(void)
{
	struct iocb iocb, *list[] = {NULL, &iocb};

	begin();
	prepare(&iocb);
	SAY("{NULL}", "%s", submitted(ctx, 1, list));
	SAY("{NULL, good}", "%s", submitted(ctx, 2, list));
}

static void a06(void)
{
	struct iocb a, b, *list[] = {&a, NULL, &b};
	struct iocb **edge = (struct iocb **)(void *)(pages_before_hole(4096) + 4096 - sizeof(*edge));

	begin();
	prepare(&a);
	prepare(&b);
	b.key = 7;
	SAY("{good, NULL, good}", "%s", submitted(ctx, 3, list));
	SAY("the key of the third", "%u", b.key);
	edge[0] = &a;
	SAY("the array ends at a hole", "%s", submitted(ctx, 2, edge));
	SAY("the array straddles a hole", "%s", submitted(ctx, 1, (struct iocb **)(void *)((char *)edge + 4)));
}

static void a07(void)
{
	struct iocb a, b, *list[] = {&a, (struct iocb *)(void *)KERNEL_ADDRESS, &b};

	begin();
	prepare(&a);
	prepare(&b);
	SAY("{good, kernel, good}", "%s", submitted(ctx, 3, list));
	SAY("{kernel, good}", "%s", submitted(ctx, 2, list + 1));
	list[1] = (struct iocb *)-1;
	SAY("{good, -1, good}", "%s", submitted(ctx, 3, list));
	list[1] = (struct iocb *)(void *)hole();
	SAY("{good, hole, good}", "%s", submitted(ctx, 3, list));
	SAY("{hole, good}", "%s", submitted(ctx, 2, list + 1));
}

/* Submits an iocb, or an array with one, that lies alone on a page; once more when the page is gone. */
static const char *lost_page(int is_array)
{
	void *page = pages(4096);
	struct iocb other, *iocb = is_array ? &other : (struct iocb *)page, *list[] = {iocb};
	struct iocb **array = is_array ? (struct iocb **)page : list;

	ctx = setup(8);
	array[0] = iocb;
	prepare(iocb);
	CHECK_EQ(io_submit(ctx, 1, array), 1);
	CHECK_EQ(ready(ctx), 1);
	CHECK(munmap(page, 4096) == 0);
	return submitted(ctx, 1, array);
}

static const char *lost_iocb(void *unused)
{
	(void)unused;
	return lost_page(0);
}

static const char *lost_array(void *unused)
{
	(void)unused;
	return lost_page(1);
}

static void a09(void)
{
	char *edge = pages_before_hole(4096) + 4096, *page = (char *)pages(4096);
	struct iocb iocb, *list[1];
	int at;

	begin();
	prepare(&iocb);
	for (at = 8; at < 64; at += 8) {
		list[0] = (struct iocb *)(void *)(edge - at);
		memcpy(edge - at, &iocb, (size_t)at);
		SAY(text("%d bytes of the iocb are before a hole", at), "%s", submitted(ctx, 1, list));
	}
	list[0] = (struct iocb *)(void *)(edge - 64);
	memcpy(edge - 64, &iocb, 64);
	SAY("all of it is", "%s", submitted(ctx, 1, list));
	/* The key is written, so the iocb cannot be constant. */
	memcpy(page, &iocb, sizeof(iocb));
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	list[0] = (struct iocb *)(void *)page;
	SAY("it cannot be written", "%s", submitted(ctx, 1, list));
	SAY("it could be read once, and cannot now", "%s", outcome_of_child(lost_iocb, NULL));
	SAY("the array could be read once, and cannot now", "%s", outcome_of_child(lost_array, NULL));
	page = (char *)pages(4096);
	CHECK(mprotect(page, 4096, PROT_NONE) == 0);
	list[0] = (struct iocb *)(void *)page;
	SAY("it cannot be read", "%s", submitted(ctx, 1, list));
	/* At an odd address it may be. */
	memcpy(buf + 1001, &iocb, 64);
	list[0] = (struct iocb *)(void *)(buf + 1001);
	SAY("it is at an odd address", "%s", submitted(ctx, 1, list));
}

/* Four reads, one of which has a descriptor that is not open. */
static void bad_descriptor_at(int index)
{
	struct iocb iocb[4], *list[4];
	int i, result, events;

	begin();
	for (i = 0; i < 4; i++) {
		io_prep_pread(&iocb[i], i == index ? 9999 : fd, buf, 10, 0);
		iocb[i].key = 0xdead;
		list[i] = &iocb[i];
	}
	result = io_submit(ctx, 4, list);
	events = ready(ctx);
	SAY("io_submit and events", "%s, %d", name_of(result), events);
	SAY("keys", "%#x %#x %#x %#x", iocb[0].key, iocb[1].key, iocb[2].key, iocb[3].key);
}

static void a11(void)
{
	bad_descriptor_at(0);
}

static void a12(void)
{
	bad_descriptor_at(2);
}

static void a13(void)
{
	bad_descriptor_at(3);
}

static void a14(void)
{
	static const int wrong[] = {-1, INT_MAX, 9999, INT_MIN};
	struct iocb iocb;
	struct iovec vec = {buf, 10};
	size_t i;
	int closed;

	begin();
	for (i = 0; i < COUNT_OF(wrong); i++) {
		const char *name = wrong[i] == INT_MAX ? "INT_MAX"
				   : wrong[i] == INT_MIN ? "INT_MIN"
							 : text("%d", wrong[i]);

		io_prep_pread(&iocb, wrong[i], buf, 10, 0);
		SAY(text("read, fd %s", name), "%s", outcome_and_key(ctx, &iocb));
		SAY_ALL_WAYS(text("read in every way, fd %s", name), ctx, &iocb);
		io_prep_pwrite(&iocb, wrong[i], buf, 10, 0);
		SAY_OUTCOME(text("write, fd %s", name), ctx, &iocb);
		io_prep_preadv(&iocb, wrong[i], &vec, 1, 0);
		SAY_OUTCOME(text("vectored read, fd %s", name), ctx, &iocb);
		io_prep_fsync(&iocb, wrong[i]);
		SAY_OUTCOME(text("fsync, fd %s", name), ctx, &iocb);
		io_prep_poll(&iocb, wrong[i], 1);
		SAY_OUTCOME(text("poll, fd %s", name), ctx, &iocb);
	}
	/* One that was good, and has been used. */
	closed = dup(fd);
	io_prep_pread(&iocb, closed, buf, 10, 0);
	SAY_OUTCOME("read, fd open", ctx, &iocb);
	SAY_OUTCOME("read again, fd open", ctx, &iocb);
	close(closed);
	SAY("read, fd closed", "%s", outcome_and_key(ctx, &iocb));
	SAY_ALL_WAYS("read in every way, fd closed", ctx, &iocb);
	io_prep_pwrite(&iocb, closed, buf, 10, 0);
	SAY_OUTCOME("write, fd closed", ctx, &iocb);
	io_prep_fdsync(&iocb, closed);
	SAY_OUTCOME("fdsync, fd closed", ctx, &iocb);
	/* A descriptor that has no access to the file's data. */
	closed = reopen(fd, O_PATH);
	io_prep_pread(&iocb, closed, buf, 10, 0);
	SAY("read, fd O_PATH", "%s", outcome_and_key(ctx, &iocb));
	io_prep_fsync(&iocb, closed);
	SAY("fsync, fd O_PATH", "%s", outcome_and_key(ctx, &iocb));
	io_prep_poll(&iocb, closed, 1);
	SAY("poll, fd O_PATH", "%s", outcome_and_key(ctx, &iocb));
}

static void a15(void)
{
	int read_only, write_only, pipe_fd[2];
	struct iovec vec = {buf, 10};
	struct iocb iocb;

	begin();
	read_only = reopen(fd, O_RDONLY);
	write_only = reopen(fd, O_WRONLY);
	CHECK(pipe(pipe_fd) == 0);
	io_prep_pread(&iocb, write_only, buf, 10, 0);
	SAY("read of O_WRONLY", "%s", outcome_and_key(ctx, &iocb));
	SAY_ALL_WAYS("read of O_WRONLY in every way", ctx, &iocb);
	io_prep_pwrite(&iocb, read_only, buf, 10, 0);
	SAY("write of O_RDONLY", "%s", outcome_and_key(ctx, &iocb));
	SAY_ALL_WAYS("write of O_RDONLY in every way", ctx, &iocb);
	io_prep_preadv(&iocb, write_only, &vec, 1, 0);
	SAY("vectored read of O_WRONLY", "%s", outcome_and_key(ctx, &iocb));
	io_prep_pwritev(&iocb, read_only, &vec, 1, 0);
	SAY("vectored write of O_RDONLY", "%s", outcome_and_key(ctx, &iocb));
	io_prep_preadv(&iocb, write_only, NULL, 0, 0);
	SAY_OUTCOME("vectored read of O_WRONLY, nothing", ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[1], buf, 10, 0);
	SAY_OUTCOME("read of the write end of a pipe", ctx, &iocb);
	io_prep_pwrite(&iocb, pipe_fd[0], buf, 10, 0);
	SAY_OUTCOME("write of the read end of a pipe", ctx, &iocb);
	/* With a second thing that is wrong: what is looked at first. */
	io_prep_pwrite(&iocb, read_only, KERNEL_ADDRESS, 10, -1);
	SAY_OUTCOME("write of O_RDONLY, buffer and offset wrong", ctx, &iocb);
	io_prep_pread(&iocb, write_only, buf, 0, 0);
	SAY_OUTCOME("read of O_WRONLY, no bytes", ctx, &iocb);
	io_prep_preadv(&iocb, write_only, &vec, 1025, 0);
	SAY_OUTCOME("vectored read of O_WRONLY, too many", ctx, &iocb);
	io_prep_pread(&iocb, write_only, buf, 10, 0);
	iocb.aio_rw_flags = (int)0x80000000;
	SAY_OUTCOME("read of O_WRONLY, unknown rw_flags", ctx, &iocb);
	io_prep_pread(&iocb, reopen(fd, O_WRONLY | O_DIRECT), buf, 512, 0);
	SAY_OUTCOME("read of O_WRONLY|O_DIRECT", ctx, &iocb);
}

static void a16(void)
{
	struct iocb a, bad, b, *list[] = {&a, &bad, &b};
	int read_only;

	begin();
	read_only = reopen(fd, O_RDONLY);
	prepare(&a);
	prepare(&b);
	io_prep_pwrite(&bad, read_only, buf, 10, 0);
	b.key = 7;
	SAY("{good, write of O_RDONLY, good}", "%s", submitted(ctx, 3, list));
	SAY("the key of the third", "%u", b.key);
	SAY("the rest once more", "%s", submitted(ctx, 2, list + 1));
	SAY("without the bad one", "%s", submitted(ctx, 1, list + 2));
}

static void a18(void)
{
	static const short unknown[] = {4, IO_CMD_NOOP, 9, 10, 100, -1, SHRT_MAX, SHRT_MIN};
	int pipe_fd[2];
	struct iocb iocb;
	size_t i;

	begin();
	CHECK(pipe(pipe_fd) == 0);
	for (i = 0; i < COUNT_OF(unknown); i++) {
		prepare(&iocb);
		iocb.aio_lio_opcode = unknown[i];
		SAY(text("opcode %d", unknown[i]), "%s", outcome_and_key(ctx, &iocb));
		SAY_ALL_WAYS(text("opcode %d in every way", unknown[i]), ctx, &iocb);
		iocb.aio_fildes = pipe_fd[0];
		SAY_OUTCOME(text("opcode %d on a pipe", unknown[i]), ctx, &iocb);
	}
}

static void a19(void)
{
	struct iocb iocb;

	begin();
	prepare(&iocb);
	iocb.aio_fildes = 9999;
	iocb.aio_lio_opcode = 100;
	SAY("unknown opcode and bad fd", "%s", outcome_and_key(ctx, &iocb));
}

static void a20(void)
{
	struct iocb iocb;

	begin();
	prepare(&iocb);
	iocb.aio_lio_opcode = IO_CMD_NOOP;
	iocb.aio_fildes = 9999;
	SAY("IO_CMD_NOOP, bad fd", "%s", outcome_and_key(ctx, &iocb));
	iocb.aio_fildes = 0;
	SAY("IO_CMD_NOOP, fd 0", "%s", outcome_and_key(ctx, &iocb));
}

static void a81(void)
{
	struct iocb iocb, *list[] = {&iocb};
	struct io_event event;
	struct timespec zero = {0, 0};

	begin();
	errno = 1234;
	prepare(&iocb);
	CHECK_EQ(io_submit(ctx, -1, list), -EINVAL);
	SAY("errno after a bad count", "%d", errno);
	CHECK_EQ(io_submit(NULL, 1, list), -EINVAL);
	SAY("errno after a bad context", "%d", errno);
	CHECK_EQ(io_submit(ctx, 1, NULL), -EFAULT);
	SAY("errno after a bad array", "%d", errno);
	iocb.aio_fildes = 9999;
	CHECK_EQ(io_submit(ctx, 1, list), -EBADF);
	SAY("errno after a bad descriptor", "%d", errno);
	prepare(&iocb);
	CHECK_EQ(io_submit(ctx, 1, list), 1);
	SAY("errno after a good request", "%d", errno);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	SAY("errno after its event", "%d", errno);
	io_prep_pread(&iocb, fd, hole(), 10, 0);
	CHECK_EQ(io_submit(ctx, 1, list), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	SAY("errno after a request that fails", "%d", errno);
	drop_cache(fd, 0, 0);
	errno = 1234;
	prepare(&iocb);
	CHECK_EQ(io_submit(ctx, 1, list), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, NULL), 1);
	CHECK_EQ(io_getevents(ctx, 1, 1, &event, &zero), 0);
	SAY("errno after a read from the disk", "%d", errno);
	CHECK_EQ(io_destroy(ctx), 0);
	SAY("errno after io_destroy", "%d", errno);
}

static const struct row rows[] = {
	{"A01", a01}, {"A02", a02}, {"A03", a03}, {"A04", a04}, {"A05", a05}, {"A06", a06},
	{"A07", a07}, {"A09", a09}, {"A11", a11}, {"A12", a12}, {"A13", a13}, {"A14", a14},
	{"A15", a15}, {"A16", a16}, {"A18", a18}, {"A19", a19}, {"A20", a20}, {"A81", a81},
};

ROWS_MAIN(rows, 1)
