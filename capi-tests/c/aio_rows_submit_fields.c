/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about the fields of an iocb: priority, flags, eventfd, length, offset. */
#include "aio_rows.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { SIZE = 8192, IOPRIO = 2 };

static int fd, direct_fd, pipe_fd[2], socket_fd[2];
static char *buf;
static io_context_t ctx;

static void begin(void)
{
	/* First, as it maps memory: holes are to stay. */
	ctx = setup(8);
	buf = pages_before_hole(SIZE);
	fd = temp_file(SIZE, 9);
	direct_fd = reopen(fd, O_RDWR | O_DIRECT);
	CHECK_EQ(pread(fd, buf, SIZE, 0), SIZE);
	CHECK(pipe(pipe_fd) == 0);
	CHECK(fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	CHECK(fcntl(socket_fd[0], F_SETFL, O_NONBLOCK) == 0);
}

/* A request of each kind that may be made several times. */
struct kind {
	const char *name;
	short opcode;
	int fd;
	unsigned long length;
	void *memory;
};

enum { KINDS = 12 };

static struct kind *kinds(void)
{
	static struct kind list[KINDS];
	static struct iovec vec[2];
	const struct kind made[KINDS] = {
		{"read", IO_CMD_PREAD, fd, 10, buf},
		{"write", IO_CMD_PWRITE, fd, 10, buf},
		{"vectored read", IO_CMD_PREADV, fd, 2, vec},
		{"vectored write", IO_CMD_PWRITEV, fd, 2, vec},
		{"direct read", IO_CMD_PREAD, direct_fd, 4096, buf},
		{"direct write", IO_CMD_PWRITE, direct_fd, 4096, buf},
		{"fsync", IO_CMD_FSYNC, fd, 0, NULL},
		{"fdsync", IO_CMD_FDSYNC, fd, 0, NULL},
		{"poll", IO_CMD_POLL, fd, 0, (void *)1},
		{"read of a pipe", IO_CMD_PREAD, pipe_fd[0], 10, buf},
		{"write to a socket", IO_CMD_PWRITE, socket_fd[1], 10, buf},
		{"read of a socket", IO_CMD_PREAD, socket_fd[1], 0, buf},
	};

	vec[0].iov_base = buf;
	vec[0].iov_len = 4;
	vec[1].iov_base = buf + 100;
	vec[1].iov_len = 6;
	memcpy(list, made, sizeof(list));
	return list;
}

static void prepare(struct iocb *iocb, const struct kind *kind)
{
	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_lio_opcode = kind->opcode;
	iocb->aio_fildes = kind->fd;
	iocb->u.c.buf = kind->memory;
	iocb->u.c.nbytes = kind->length;
}

static void a22(void)
{
	static const short priorities[] = {1, 4, -1, SHRT_MIN, SHRT_MAX};
	struct iocb iocb;
	size_t i, k;

	begin();
	for (k = 0; k < KINDS; k++)
		for (i = 0; i < COUNT_OF(priorities); i++) {
			prepare(&iocb, &kinds()[k]);
			iocb.aio_reqprio = priorities[i];
			SAY_OUTCOME(text("%s, reqprio %d", kinds()[k].name, priorities[i]), ctx, &iocb);
		}
}

static const char *priorities_of(const struct kind *kind)
{
	char all[200] = "";
	struct iocb iocb;
	int class;

	for (class = 0; class < 8; class ++) {
		prepare(&iocb, kind);
		iocb.u.c.flags = IOPRIO;
		iocb.aio_reqprio = (short)(class << 13 | (class ? 4 : 0));
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", class ? ", " : "",
			 outcome_and_key(ctx, &iocb));
	}
	return text("%s", all);
}

static const char *priorities_as_nobody(void *kind)
{
	ctx = setup(8);
	CHECK(setresuid(65534, 65534, 65534) == 0);
	return priorities_of((const struct kind *)kind);
}

static void a23(void)
{
	static const struct {
		const char *name;
		short value;
	} values[] = {
		{"none, level 0", 0},
		{"none, level 4", 4},
		{"none, level 0, a hint", 3 << 3},
		{"best effort, level 0", 2 << 13},
		{"best effort, level 7", 2 << 13 | 7},
		{"best effort, level 7, all hints", 2 << 13 | 0x1fff},
		{"real time, level 0", 1 << 13},
		{"idle, level 0", 3 << 13},
		{"idle, level 7", 3 << 13 | 7},
		{"class 4", (short)(4 << 13)},
		{"class 7", (short)(7 << 13)},
	};
	struct iocb iocb;
	size_t i, k;

	begin();
	for (i = 0; i < COUNT_OF(values); i++) {
		prepare(&iocb, &kinds()[0]);
		iocb.u.c.flags = IOPRIO;
		iocb.aio_reqprio = values[i].value;
		SAY_ALL_WAYS(values[i].name, ctx, &iocb);
	}
	for (k = 0; k < KINDS; k++) {
		SAY(text("%s, classes 0 to 7", kinds()[k].name), "%s", priorities_of(&kinds()[k]));
		SAY(text("%s, classes 0 to 7, by nobody", kinds()[k].name), "%s",
		    outcome_of_child(priorities_as_nobody, &kinds()[k]));
	}
	/* With something else that is wrong. */
	prepare(&iocb, &kinds()[0]);
	iocb.u.c.flags = IOPRIO;
	iocb.aio_reqprio = (short)(7 << 13);
	iocb.aio_fildes = 9999;
	SAY("class 7, bad descriptor", "%s", outcome_and_key(ctx, &iocb));
	iocb.aio_fildes = reopen(fd, O_WRONLY);
	SAY("class 7, wrong direction", "%s", outcome_and_key(ctx, &iocb));
	iocb.aio_fildes = fd;
	iocb.aio_rw_flags = (int)0x80000000;
	SAY("class 7, unknown rw_flags", "%s", outcome_and_key(ctx, &iocb));
	iocb.aio_rw_flags = 0;
	iocb.u.c.buf = KERNEL_ADDRESS;
	SAY("class 7, buffer in the kernel", "%s", outcome_and_key(ctx, &iocb));
}

static void a24(void)
{
	static const unsigned int flags[] = {4, 8, 0x80000000, 0xfffffffc};
	struct iocb iocb;
	size_t i, k;

	begin();
	for (k = 0; k < KINDS; k++)
		for (i = 0; i < COUNT_OF(flags); i++) {
			prepare(&iocb, &kinds()[k]);
			iocb.u.c.flags = flags[i];
			SAY_OUTCOME(text("%s, flags %#x", kinds()[k].name, flags[i]), ctx, &iocb);
		}
}

static void a25(void)
{
	struct {
		const char *name;
		int fd;
	} wrong[] = {{"a file", 0},
		     {"a pipe", 0},
		     {"a closed descriptor", 9999},
		     {"-1", -1},
		     {"INT_MAX", INT_MAX},
		     {"a socket", socket(AF_UNIX, SOCK_STREAM, 0)},
		     {"an epoll descriptor", epoll_create1(0)},
		     {"a directory", open(".", O_RDONLY)},
		     {"an O_PATH descriptor", open(".", O_PATH)}};
	int good = eventfd(0, EFD_NONBLOCK);
	struct iocb iocb;
	uint64_t count;
	size_t i, k;

	begin();
	wrong[0].fd = fd;
	wrong[1].fd = pipe_fd[1];
	for (i = 0; i < COUNT_OF(wrong); i++) {
		prepare(&iocb, &kinds()[0]);
		io_set_eventfd(&iocb, wrong[i].fd);
		SAY(text("eventfd is %s", wrong[i].name), "%s", outcome_and_key(ctx, &iocb));
		SAY(text("eventfd is %s, in a batch", wrong[i].name), "%s", outcome_in_batch(ctx, &iocb));
	}
	for (k = 0; k < KINDS; k++) {
		prepare(&iocb, &kinds()[k]);
		io_set_eventfd(&iocb, fd);
		SAY(text("%s, eventfd is a file", kinds()[k].name), "%s", outcome_and_key(ctx, &iocb));
		io_set_eventfd(&iocb, 9999);
		SAY(text("%s, eventfd is closed", kinds()[k].name), "%s", outcome_and_key(ctx, &iocb));
		prepare(&iocb, &kinds()[k]);
		SAY(text("%s, eventfd is good", kinds()[k].name), "%s", outcome_with_eventfd(ctx, &iocb));
	}
	prepare(&iocb, &kinds()[0]);
	iocb.aio_fildes = 9999;
	io_set_eventfd(&iocb, fd);
	SAY("eventfd is a file, descriptor is closed", "%s", outcome_and_key(ctx, &iocb));
	io_set_eventfd(&iocb, good);
	SAY("eventfd is good, descriptor is closed", "%s", outcome_and_key(ctx, &iocb));
	io_set_eventfd(&iocb, 9998);
	SAY("both are closed", "%s", outcome_and_key(ctx, &iocb));
	prepare(&iocb, &kinds()[0]);
	iocb.aio_lio_opcode = 100;
	io_set_eventfd(&iocb, 9998);
	SAY("eventfd is closed, unknown opcode", "%s", outcome_and_key(ctx, &iocb));
	/* The eventfd may be the file as well. */
	CHECK(eventfd_write(good, 5) == 0);
	io_prep_pread(&iocb, good, buf, 8, 0);
	io_set_eventfd(&iocb, good);
	SAY("read of the eventfd itself", "%s", outcome_of(ctx, &iocb));
	memcpy(&count, buf, sizeof(count));
	SAY("what was read", "%llu", (unsigned long long)count);
	if (eventfd_read(good, &count) != 0)
		count = 0;
	SAY("what it holds then", "%llu", (unsigned long long)count);
	io_prep_poll(&iocb, good, 1);
	io_set_eventfd(&iocb, good);
	CHECK(eventfd_write(good, 1) == 0);
	SAY("poll of the eventfd itself", "%s", outcome_of(ctx, &iocb));
}

static void a26(void)
{
	static const int ignored[] = {9999, -1, 0};
	struct iocb iocb;
	size_t i, k;

	begin();
	for (k = 0; k < KINDS; k++)
		for (i = 0; i < COUNT_OF(ignored); i++) {
			prepare(&iocb, &kinds()[k]);
			iocb.u.c.resfd = (unsigned int)ignored[i];
			SAY_OUTCOME(text("%s, resfd %d", kinds()[k].name, ignored[i]), ctx, &iocb);
		}
	prepare(&iocb, &kinds()[0]);
	iocb.u.c.resfd = (unsigned int)fd;
	SAY_OUTCOME("read, resfd is the file", ctx, &iocb);
}

static void a27(void)
{
	static const unsigned long lengths[] = {(unsigned long)-1, 1ul << 63, (unsigned long)-4096};
	static const char *const names[] = {"-1", "1<<63", "-4096"};
	struct iocb iocb;
	size_t i, k;

	begin();
	for (k = 0; k < KINDS; k++)
		for (i = 0; i < COUNT_OF(lengths); i++) {
			prepare(&iocb, &kinds()[k]);
			iocb.u.c.nbytes = lengths[i];
			SAY(text("%s, nbytes %s", kinds()[k].name, names[i]), "%s", outcome_and_key(ctx, &iocb));
		}
	prepare(&iocb, &kinds()[0]);
	iocb.u.c.nbytes = (unsigned long)-1;
	SAY_ALL_WAYS("read in every way, nbytes -1", ctx, &iocb);
	iocb.aio_fildes = 9999;
	SAY("bad descriptor, nbytes -1", "%s", outcome_and_key(ctx, &iocb));
	/* The reserved field. */
	prepare(&iocb, &kinds()[0]);
	iocb.u.c.__pad3 = 1;
	SAY("read, the reserved field is 1", "%s", outcome_and_key(ctx, &iocb));
	iocb.aio_fildes = 9999;
	SAY("bad descriptor, the reserved field is 1", "%s", outcome_and_key(ctx, &iocb));
}

static void a29(void)
{
	size_t size = 3ul << 30;
	int null = open("/dev/null", O_RDWR);
	char *big = (char *)mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct iovec vec[3] = {{big, size / 2}, {big, size / 2}, {big, size}};
	struct iocb iocb;

	CHECK(big != MAP_FAILED);
	begin();
	io_prep_pwrite(&iocb, null, big, size, 0);
	SAY_ALL_WAYS("write of 3 GiB to /dev/null", ctx, &iocb);
	io_prep_pwrite(&iocb, null, big, 0x7ffff000, 0);
	SAY_OUTCOME("write of 0x7ffff000", ctx, &iocb);
	io_prep_pwrite(&iocb, null, big, 0x7ffff001, 0);
	SAY_OUTCOME("write of 0x7ffff001", ctx, &iocb);
	io_prep_pwrite(&iocb, null, NULL, LONG_MAX / 4, 0);
	SAY_OUTCOME("write of LONG_MAX / 4 from 0", ctx, &iocb);
	io_prep_pwritev(&iocb, null, vec, 3, 0);
	SAY_OUTCOME("vectored write of 6 GiB", ctx, &iocb);
	io_prep_pwritev(&iocb, null, vec, 1, 0);
	SAY_OUTCOME("vectored write of 1.5 GiB", ctx, &iocb);
	io_prep_pread(&iocb, null, buf, 3ul << 30, 0);
	SAY_OUTCOME("read of 3 GiB from /dev/null", ctx, &iocb);
	/* Files have fewer bytes than are asked for; the memory behind the buffer is not touched. */
	io_prep_pread(&iocb, fd, buf, 3ul << 30, 0);
	SAY_OUTCOME("read of 3 GiB from a file of 8 KiB", ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, buf, 3ul << 30, 0);
	SAY_OUTCOME("direct read of 3 GiB from a file of 8 KiB", ctx, &iocb);
}

static void a30(void)
{
	static const long long offsets[] = {-1, -4096, LLONG_MIN};
	static const char *const names[] = {"-1", "-4096", "LLONG_MIN"};
	struct iocb iocb;
	size_t i, k;

	begin();
	for (k = 0; k < KINDS; k++)
		for (i = 0; i < COUNT_OF(offsets); i++) {
			prepare(&iocb, &kinds()[k]);
			iocb.u.c.offset = offsets[i];
			SAY(text("%s, offset %s", kinds()[k].name, names[i]), "%s", outcome_and_key(ctx, &iocb));
		}
	prepare(&iocb, &kinds()[0]);
	iocb.u.c.offset = -1;
	SAY_ALL_WAYS("read in every way, offset -1", ctx, &iocb);
	iocb.u.c.nbytes = 0;
	SAY_OUTCOME("read of nothing, offset -1", ctx, &iocb);
	iocb.u.c.buf = KERNEL_ADDRESS;
	iocb.u.c.nbytes = 10;
	SAY_OUTCOME("read, offset -1 and buffer in the kernel", ctx, &iocb);
	iocb.u.c.buf = hole();
	SAY_OUTCOME("read, offset -1 and buffer in a hole", ctx, &iocb);
	io_prep_pwrite(&iocb, reopen(fd, O_RDWR | O_APPEND), buf, 10, -1);
	SAY_OUTCOME("append, offset -1", ctx, &iocb);
	io_prep_pread(&iocb, open("/dev/null", O_RDWR), buf, 10, -1);
	SAY_OUTCOME("read of /dev/null, offset -1", ctx, &iocb);
}

static void a32(void)
{
	static const struct {
		const char *name;
		long long offset;
		unsigned long length;
	} places[] = {
		{"LLONG_MAX, 10 bytes", LLONG_MAX, 10},
		{"LLONG_MAX - 5, 10 bytes", LLONG_MAX - 5, 10},
		{"LLONG_MAX - 10, 10 bytes", LLONG_MAX - 10, 10},
		{"LLONG_MAX, no bytes", LLONG_MAX, 0},
		{"LLONG_MAX, 1 byte", LLONG_MAX, 1},
		{"10, LONG_MAX bytes", 10, LONG_MAX},
	};
	struct iocb iocb;
	struct iovec vec;
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(places); i++) {
		io_prep_pread(&iocb, fd, buf, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("read at %s", places[i].name), ctx, &iocb);
		io_prep_pwrite(&iocb, fd, buf, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("write at %s", places[i].name), ctx, &iocb);
		vec.iov_base = buf;
		vec.iov_len = places[i].length;
		io_prep_preadv(&iocb, fd, &vec, 1, places[i].offset);
		SAY_OUTCOME(text("vectored read at %s", places[i].name), ctx, &iocb);
		io_prep_pread(&iocb, pipe_fd[0], buf, places[i].length, places[i].offset);
		SAY_OUTCOME(text("read of a pipe at %s", places[i].name), ctx, &iocb);
		io_prep_pread(&iocb, direct_fd, buf, places[i].length, places[i].offset);
		SAY_OUTCOME(text("direct read at %s", places[i].name), ctx, &iocb);
	}
}

static void a33(void)
{
	struct iocb iocb;

	begin();
	io_prep_pwrite(&iocb, fd, buf, 10, LLONG_MAX - 4096);
	SAY_ALL_WAYS("write at LLONG_MAX - 4096", ctx, &iocb);
	io_prep_pread(&iocb, fd, buf, 10, LLONG_MAX - 4096);
	SAY_ALL_WAYS("read at LLONG_MAX - 4096", ctx, &iocb);
	io_prep_pwrite(&iocb, direct_fd, buf, 4096, LLONG_MAX - 8191);
	SAY_ALL_WAYS("direct write at LLONG_MAX - 8191", ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, buf, 4096, LLONG_MAX - 8191);
	SAY_ALL_WAYS("direct read at LLONG_MAX - 8191", ctx, &iocb);
}

static const struct row rows[] = {
	{"A22", a22}, {"A23", a23}, {"A24", a24}, {"A25", a25}, {"A26", a26}, {"A27", a27},
	{"A29", a29}, {"A30", a30}, {"A32", a32}, {"A33", a33},
};

ROWS_MAIN(rows, 2)
