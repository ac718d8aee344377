/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows about the memory and the place of a transfer: buffers, vectors, alignment, the end of the file. */
#include "aio_rows.h"

#include <limits.h>
#include <sched.h>
#include <sys/socket.h>

enum { SIZE = 16384 };

static int fd, direct_fd, null_fd, pipe_fd[2], socket_fd[2];
static char *buf;
static io_context_t ctx;

static void begin(void)
{
	/* First, as it maps memory: holes are to stay. */
	ctx = setup(8);
	buf = pages_before_hole(SIZE);
	fd = temp_file(SIZE, 9);
	direct_fd = reopen(fd, O_RDWR | O_DIRECT);
	null_fd = open("/dev/null", O_RDWR);
	CHECK_EQ(pread(fd, buf, SIZE, 0), SIZE);
	CHECK(pipe(pipe_fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	CHECK_EQ(write(pipe_fd[1], buf, 100), 100);
	CHECK_EQ(write(socket_fd[1], buf, 100), 100);
	CHECK(fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(fcntl(socket_fd[0], F_SETFL, O_NONBLOCK) == 0);
}

/* The same bad memory in every kind of transfer; those of streams come once. */
static void transfers(const char *what, char *memory, size_t size)
{
	struct iovec vec[2] = {{memory, size}, {memory, 0}};
	struct iocb iocb;

	io_prep_pread(&iocb, fd, memory, size, 0);
	SAY_ALL_WAYS(text("%s, read", what), ctx, &iocb);
	drop_cache(fd, 0, 0);
	SAY_OUTCOME(text("%s, read of what is not cached", what), ctx, &iocb);
	io_prep_pwrite(&iocb, fd, memory, size, 0);
	SAY_ALL_WAYS(text("%s, write", what), ctx, &iocb);
	io_prep_preadv(&iocb, fd, vec, 1, 0);
	SAY_OUTCOME(text("%s, vectored read", what), ctx, &iocb);
	io_prep_pwritev(&iocb, fd, vec, 1, 0);
	SAY_OUTCOME(text("%s, vectored write", what), ctx, &iocb);
	io_prep_preadv(&iocb, fd, vec, 2, 0);
	SAY_OUTCOME(text("%s, vectored read of two", what), ctx, &iocb);
	io_prep_pwritev(&iocb, fd, vec, 2, 0);
	SAY_OUTCOME(text("%s, vectored write of two", what), ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, memory, 4096, 0);
	SAY_ALL_WAYS(text("%s, direct read", what), ctx, &iocb);
	io_prep_pwrite(&iocb, direct_fd, memory, 4096, 0);
	SAY_ALL_WAYS(text("%s, direct write", what), ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[0], memory, size, 0);
	SAY_OUTCOME(text("%s, read of a pipe", what), ctx, &iocb);
	io_prep_pwrite(&iocb, pipe_fd[1], memory, size, 0);
	SAY_OUTCOME(text("%s, write to a pipe", what), ctx, &iocb);
	io_prep_pread(&iocb, socket_fd[0], memory, size, 0);
	SAY_OUTCOME(text("%s, read of a socket", what), ctx, &iocb);
	io_prep_pwrite(&iocb, socket_fd[1], memory, size, 0);
	SAY_OUTCOME(text("%s, write to a socket", what), ctx, &iocb);
	io_prep_pwrite(&iocb, null_fd, memory, size, 0);
	SAY_OUTCOME(text("%s, write to /dev/null", what), ctx, &iocb);
}

static void a34(void)
{
	struct iocb iocb;

	begin();
	transfers("buffer in the kernel", KERNEL_ADDRESS, 10);
	transfers("buffer at -1", (char *)-1, 10);
	io_prep_pread(&iocb, fd, KERNEL_ADDRESS, 0, 0);
	SAY_ALL_WAYS("read of nothing into the kernel", ctx, &iocb);
	io_prep_pwrite(&iocb, fd, KERNEL_ADDRESS, 0, 0);
	SAY_ALL_WAYS("write of nothing from the kernel", ctx, &iocb);
#ifdef __x86_64__
	/* Addresses that are no address at all, and those about the end of what programs have. */
	transfers("buffer at 1 << 62", (char *)(1ul << 62), 10);
	transfers("buffer at 1 << 56", (char *)(1ul << 56), 10);
#endif
}

static void a35(void)
{
	struct iocb iocb;

	begin();
	transfers("buffer NULL", NULL, 10);
	transfers("buffer in a hole", hole(), 10);
	transfers("buffer at 1", (char *)1, 10);
	io_prep_pread(&iocb, fd, NULL, 0, 0);
	SAY_ALL_WAYS("read of nothing into NULL", ctx, &iocb);
	io_prep_pwrite(&iocb, fd, NULL, 0, 0);
	SAY_ALL_WAYS("write of nothing from NULL", ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, NULL, 0, 0);
	SAY_ALL_WAYS("direct read of nothing into NULL", ctx, &iocb);
	/* Memory that may be read and not written, and none of both. */
	CHECK(mprotect(buf, SIZE, PROT_READ) == 0);
	transfers("buffer that may be read", buf, 10);
	CHECK(mprotect(buf, SIZE, PROT_NONE) == 0);
	transfers("buffer that may not be touched", buf, 10);
}

static void a36(void)
{
	struct iocb iocb;
	struct iovec vec[3];
	char *edge;

	begin();
	edge = buf + SIZE - 100;
	io_prep_pread(&iocb, fd, edge, 200, 0);
	SAY_ALL_WAYS("read of 200 bytes, 100 before a hole", ctx, &iocb);
	drop_cache(fd, 0, 0);
	SAY_OUTCOME("read of what is not cached, 100 before a hole", ctx, &iocb);
	SAY("what was read", "%s", first_wrong(edge, 100, 9, 0) == -1 ? "right" : "wrong");
	io_prep_pwrite(&iocb, fd, edge, 200, 0);
	SAY_ALL_WAYS("write of 200 bytes, 100 before a hole", ctx, &iocb);
	io_prep_pread(&iocb, fd, edge, 200, SIZE - 150);
	SAY_ALL_WAYS("read of 200 bytes, 100 before a hole, at the end of the file", ctx, &iocb);
	vec[0].iov_base = edge;
	vec[0].iov_len = 200;
	io_prep_preadv(&iocb, fd, vec, 1, 0);
	SAY_OUTCOME("vectored read", ctx, &iocb);
	vec[1] = vec[0];
	vec[0].iov_base = buf;
	vec[0].iov_len = 10;
	io_prep_preadv(&iocb, fd, vec, 2, 0);
	SAY_OUTCOME("vectored read of two", ctx, &iocb);
	io_prep_pwritev(&iocb, fd, vec, 2, 0);
	SAY_OUTCOME("vectored write of two", ctx, &iocb);
	vec[2].iov_base = buf;
	vec[2].iov_len = 10;
	io_prep_preadv(&iocb, fd, vec, 3, 0);
	SAY_OUTCOME("vectored read of three, hole in the second", ctx, &iocb);
	io_prep_pread(&iocb, fd, buf + SIZE - 4096, 8192, 0);
	SAY_ALL_WAYS("read of 8192 bytes, 4096 before a hole", ctx, &iocb);
	io_prep_pwrite(&iocb, fd, buf + SIZE - 4096, 8192, 0);
	SAY_ALL_WAYS("write of 8192 bytes, 4096 before a hole", ctx, &iocb);
	drop_cache(fd, 0, 0);
	io_prep_pread(&iocb, fd, buf + SIZE - 6000, 12000, 0);
	SAY_OUTCOME("read of 12000 that are not cached, 6000 before a hole", ctx, &iocb);
	io_prep_pwrite(&iocb, pipe_fd[1], edge, 200, 0);
	SAY_OUTCOME("write to a pipe", ctx, &iocb);
	io_prep_pread(&iocb, pipe_fd[0], edge, 200, 0);
	SAY_OUTCOME("read of a pipe", ctx, &iocb);
	io_prep_pwrite(&iocb, socket_fd[1], edge, 200, 0);
	SAY_OUTCOME("write to a socket", ctx, &iocb);
}

/* A page that has just been unmapped, which the next mapping of anybody will take. */
static char *fresh_hole(void)
{
	char *page = (char *)pages(4096);

	CHECK(munmap(page, 4096) == 0);
	return page;
}

static void a37(void)
{
	static struct io_event events[500];
	struct iocb iocb, *list[500];
	struct iovec vec[2];
	io_context_t many;
	int i, faults = 0;

	begin();
	io_prep_pread(&iocb, direct_fd, hole(), 4096, 0);
	SAY_ALL_WAYS("direct read into a hole", ctx, &iocb);
	io_prep_pwrite(&iocb, direct_fd, hole(), 4096, 0);
	SAY_ALL_WAYS("direct write from a hole", ctx, &iocb);
	io_prep_pread(&iocb, direct_fd, buf + SIZE - 4096, 8192, 0);
	SAY_ALL_WAYS("direct read of 8192 bytes, 4096 before a hole", ctx, &iocb);
	io_prep_pwrite(&iocb, direct_fd, buf + SIZE - 4096, 8192, 0);
	SAY_ALL_WAYS("direct write of 8192 bytes, 4096 before a hole", ctx, &iocb);
	vec[0].iov_base = buf;
	vec[0].iov_len = 4096;
	vec[1].iov_base = hole();
	vec[1].iov_len = 4096;
	io_prep_preadv(&iocb, direct_fd, vec, 2, 0);
	SAY_ALL_WAYS("direct vectored read, the second into a hole", ctx, &iocb);
	io_prep_pwritev(&iocb, direct_fd, vec, 2, 0);
	SAY_ALL_WAYS("direct vectored write, the second from a hole", ctx, &iocb);
	io_prep_pwrite(&iocb, direct_fd, hole(), 4096, SIZE);
	SAY_ALL_WAYS("direct write behind the end, from a hole", ctx, &iocb);
	/* Nothing is mapped by io_submit: what has just been unmapped is not there. */
	vec[1].iov_base = fresh_hole();
	io_prep_preadv(&iocb, direct_fd, vec, 2, 0);
	SAY_OUTCOME("direct vectored read, the second into a fresh hole", ctx, &iocb);
	vec[1].iov_base = fresh_hole();
	io_prep_pwritev(&iocb, direct_fd, vec, 2, 0);
	SAY_OUTCOME("direct vectored write, the second from a fresh hole", ctx, &iocb);
	many = setup(500);
	vec[1].iov_base = fresh_hole();
	io_prep_preadv(&iocb, direct_fd, vec, 2, 0);
	for (i = 0; i < 500; i++)
		list[i] = &iocb;
	SAY_RESULT("500 of them", io_submit(many, 500, list));
	reap(many, 500, events);
	for (i = 0; i < 500; i++)
		faults += (long)events[i].res == -EFAULT;
	SAY("of those fail", "%d", faults);
	SAY("the file's size", "%ld", (long)lseek(fd, 0, SEEK_END));
	CHECK_EQ(pread(fd, buf, SIZE, 0), SIZE);
	SAY("its second half", "%s", first_wrong(buf + 8192, 8192, 9, 8192) == -1 ? "kept" : "changed");
}

static void a39(void)
{
	struct iovec vec[2];
	struct iocb iocb;
	static const struct {
		const char *name;
		size_t shift, length;
		long long offset;
	} places[] = {
		{"buffer + 1", 1, 4096, 0},
		{"buffer + 4", 4, 4096, 0},
		{"buffer + 256", 256, 4096, 0},
		{"buffer + 512", 512, 4096, 0},
		{"100 bytes", 0, 100, 0},
		{"512 bytes", 0, 512, 0},
		{"513 bytes", 0, 513, 0},
		{"no bytes", 0, 0, 0},
		{"no bytes at 1", 0, 0, 1},
		{"offset 1", 0, 4096, 1},
		{"offset 512", 0, 4096, 512},
		{"offset 1 and 4095 bytes", 0, 4095, 1},
		{"all of it odd", 3, 77, 5},
	};
	size_t i;

	begin();
	for (i = 0; i < COUNT_OF(places); i++) {
		io_prep_pread(&iocb, direct_fd, buf + places[i].shift, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("direct read, %s", places[i].name), ctx, &iocb);
		io_prep_pwrite(&iocb, direct_fd, buf + places[i].shift, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("direct write, %s", places[i].name), ctx, &iocb);
		vec[0].iov_base = buf + places[i].shift;
		vec[0].iov_len = places[i].length;
		vec[1].iov_base = buf + 8192;
		vec[1].iov_len = 512;
		io_prep_preadv(&iocb, direct_fd, vec, 2, places[i].offset);
		SAY_ALL_WAYS(text("direct vectored read, %s and more", places[i].name), ctx, &iocb);
		io_prep_pwritev(&iocb, direct_fd, vec, 2, places[i].offset);
		SAY_ALL_WAYS(text("direct vectored write, %s and more", places[i].name), ctx, &iocb);
	}
	CHECK_EQ(lseek(fd, 0, SEEK_END), SIZE);
}

static void a40(void)
{
	int tail, direct;
	struct iocb iocb;
	static const struct {
		const char *name;
		size_t length;
		long long offset;
	} places[] = {
		{"4096 at 0 of 5000", 4096, 0},       {"8192 at 0 of 5000", 8192, 0},
		{"4096 at 4096 of 5000", 4096, 4096}, {"512 at 4608 of 5000", 512, 4608},
		{"4096 at 8192 of 5000", 4096, 8192}, {"512 at 5120 of 5000", 512, 5120},
		{"512 at 1 << 40", 512, 1ll << 40},   {"100 at 0", 100, 0},
		{"904 at 4096", 904, 4096},           {"4096 at 5000", 4096, 5000},
	};
	size_t i;

	begin();
	tail = temp_file(5000, 9);
	direct = reopen(tail, O_RDWR | O_DIRECT);
	for (i = 0; i < COUNT_OF(places); i++) {
		io_prep_pread(&iocb, direct, buf, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("direct read of %s", places[i].name), ctx, &iocb);
		drop_cache(tail, 0, 0);
		SAY_ALL_WAYS(text("once more, of %s", places[i].name), ctx, &iocb);
	}
	io_prep_pwrite(&iocb, direct, buf, 100, 0);
	SAY_ALL_WAYS("direct write of 100 at 0", ctx, &iocb);
	io_prep_pwrite(&iocb, direct, buf, 904, 4096);
	SAY_ALL_WAYS("direct write of 904 at 4096", ctx, &iocb);
	io_prep_pwrite(&iocb, direct, buf, 4096, 5000);
	SAY_ALL_WAYS("direct write of 4096 at 5000", ctx, &iocb);
	SAY("the file's size", "%ld", (long)lseek(tail, 0, SEEK_END));
	io_prep_pwrite(&iocb, direct, buf, 4096, 4096);
	SAY_OUTCOME("direct write of 4096 at 4096", ctx, &iocb);
	SAY("the file's size then", "%ld", (long)lseek(tail, 0, SEEK_END));
	io_prep_pwrite(&iocb, direct, buf, 4096, 1 << 20);
	SAY_OUTCOME("direct write of 4096 at 1 MiB", ctx, &iocb);
	SAY("the file's size at last", "%ld", (long)lseek(tail, 0, SEEK_END));
	io_prep_pread(&iocb, direct, buf, 4096, 512 << 10);
	SAY_ALL_WAYS("direct read in the gap", ctx, &iocb);
}

static void a42(void)
{
	static const struct {
		const char *name;
		size_t length;
		long long offset;
	} places[] = {
		{"10 at 100", 10, 100},	      {"10 at 95", 10, 95},	      {"10 at 1000", 10, 1000},
		{"200 at 0", 200, 0},	      {"0 at 0", 0, 0},		      {"0 at 100", 0, 100},
		{"0 at 1000", 0, 1000},	      {"1 at 99", 1, 99},	      {"4096 at 4096", 4096, 4096},
		{"10 at 1 << 62", 10, 1ll << 62},
	};
	struct iovec vec[2];
	struct iocb iocb;
	size_t i;
	int file, empty;

	begin();
	file = temp_file(100, 9);
	empty = temp_file(0, 9);
	for (i = 0; i < COUNT_OF(places); i++) {
		io_prep_pread(&iocb, file, buf, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("read of %s, of 100", places[i].name), ctx, &iocb);
		drop_cache(file, 0, 0);
		SAY_OUTCOME(text("read of %s, of 100, not cached", places[i].name), ctx, &iocb);
		vec[0].iov_base = buf;
		vec[0].iov_len = places[i].length / 2;
		vec[1].iov_base = buf + 8192;
		vec[1].iov_len = places[i].length - places[i].length / 2;
		io_prep_preadv(&iocb, file, vec, 2, places[i].offset);
		SAY_ALL_WAYS(text("vectored read of %s, of 100", places[i].name), ctx, &iocb);
		io_prep_pread(&iocb, empty, buf, places[i].length, places[i].offset);
		SAY_ALL_WAYS(text("read of %s, of an empty file", places[i].name), ctx, &iocb);
	}
	/* Writes of nothing. */
	io_prep_pwrite(&iocb, file, buf, 0, 0);
	SAY_ALL_WAYS("write of nothing at 0", ctx, &iocb);
	io_prep_pwrite(&iocb, file, buf, 0, 1000);
	SAY_ALL_WAYS("write of nothing at 1000", ctx, &iocb);
	SAY("the file's size", "%ld", (long)lseek(file, 0, SEEK_END));
	io_prep_pwrite(&iocb, file, buf, 10, 1000);
	SAY_OUTCOME("write of 10 at 1000", ctx, &iocb);
	SAY("the file's size then", "%ld", (long)lseek(file, 0, SEEK_END));
	memset(buf, 1, 10);
	io_prep_pread(&iocb, file, buf, 10, 500);
	SAY_ALL_WAYS("read of 10 in the gap", ctx, &iocb);
	SAY("what was read there", "%d", buf[0] | buf[9]);
}

static void a63(void)
{
	static const int counts[] = {0, 1, 2, 1023, 1024, 1025, 65536, -1, INT_MIN};

	begin();
	const struct {
		const char *name;
		int fd;
	} files[] = {{"a file", fd}, {"a direct file", direct_fd}, {"a pipe", pipe_fd[0]}, {"/dev/null", null_fd}};
	struct iovec *vec = (struct iovec *)pages(65536 * sizeof(*vec));
	struct iocb iocb;
	size_t i, k;

	for (i = 0; i < 65536; i++) {
		vec[i].iov_base = buf + i % 512;
		vec[i].iov_len = 1;
	}
	for (k = 0; k < COUNT_OF(files); k++)
		for (i = 0; i < COUNT_OF(counts); i++) {
			io_prep_preadv(&iocb, files[k].fd, vec, counts[i], 0);
			SAY_OUTCOME(text("vectored read of %s, count %d", files[k].name, counts[i]), ctx, &iocb);
			io_prep_pwritev(&iocb, k == 2 ? pipe_fd[1] : files[k].fd, vec, counts[i], 0);
			SAY_OUTCOME(text("vectored write of %s, count %d", files[k].name, counts[i]), ctx, &iocb);
		}
	io_prep_preadv(&iocb, fd, vec, 1024, 0);
	SAY_ALL_WAYS("1024 in every way", ctx, &iocb);
	io_prep_preadv(&iocb, fd, vec, 1025, 0);
	SAY_ALL_WAYS("1025 in every way", ctx, &iocb);
	io_prep_preadv(&iocb, fd, NULL, 0, 0);
	SAY_ALL_WAYS("none, array NULL", ctx, &iocb);
	io_prep_preadv(&iocb, fd, (struct iovec *)(void *)KERNEL_ADDRESS, 0, 0);
	SAY_ALL_WAYS("none, array in the kernel", ctx, &iocb);
	io_prep_preadv(&iocb, fd, (struct iovec *)(void *)KERNEL_ADDRESS, 1025, 0);
	SAY_ALL_WAYS("1025, array in the kernel", ctx, &iocb);
	iocb.u.c.nbytes = 1ul << 32;
	SAY_ALL_WAYS("1 << 32, array in the kernel", ctx, &iocb);
	iocb.u.c.nbytes = (1ul << 32) + 1;
	SAY_ALL_WAYS("(1 << 32) + 1, array in the kernel", ctx, &iocb);
	io_prep_preadv(&iocb, fd, vec, 1, 0);
	iocb.u.c.nbytes = (1ul << 32) + 1;
	SAY_ALL_WAYS("(1 << 32) + 1", ctx, &iocb);
}

static void a64(void)
{
	begin();
	struct iovec *edge, good = {NULL, 0};
	const struct {
		const char *name;
		struct iovec *vec;
	} wrong[] = {{"NULL", NULL},
		     {"in the kernel", (struct iovec *)(void *)KERNEL_ADDRESS},
		     {"at -1", (struct iovec *)-1},
		     {"in a hole", (struct iovec *)(void *)hole()}};
	struct iocb iocb;
	size_t i;

	for (i = 0; i < COUNT_OF(wrong); i++) {
		io_prep_preadv(&iocb, fd, wrong[i].vec, 1, 0);
		SAY_ALL_WAYS(text("read, vector %s", wrong[i].name), ctx, &iocb);
		io_prep_pwritev(&iocb, fd, wrong[i].vec, 2, 0);
		SAY_ALL_WAYS(text("write, vector %s", wrong[i].name), ctx, &iocb);
		io_prep_preadv(&iocb, pipe_fd[0], wrong[i].vec, 1, 0);
		SAY_ALL_WAYS(text("read of a pipe, vector %s", wrong[i].name), ctx, &iocb);
		io_prep_preadv(&iocb, direct_fd, wrong[i].vec, 1, 0);
		SAY_ALL_WAYS(text("direct read, vector %s", wrong[i].name), ctx, &iocb);
	}
	good.iov_base = buf;
	good.iov_len = 10;
	edge = (struct iovec *)(void *)(pages_before_hole(4096) + 4096 - sizeof(*edge));
	*edge = good;
	io_prep_preadv(&iocb, fd, edge, 1, 0);
	SAY_ALL_WAYS("one before a hole, and one is used", ctx, &iocb);
	io_prep_preadv(&iocb, fd, edge, 2, 0);
	SAY_ALL_WAYS("one before a hole, and two are used", ctx, &iocb);
	edge->iov_len = (size_t)-1;
	SAY_ALL_WAYS("a negative length, and then a hole", ctx, &iocb);
	edge = (struct iovec *)(void *)((char *)edge + 8);
	io_prep_preadv(&iocb, fd, edge, 1, 0);
	SAY_ALL_WAYS("half of one before a hole", ctx, &iocb);
	edge = (struct iovec *)(void *)(buf + 1001);
	memcpy(edge, &good, sizeof(good));
	io_prep_preadv(&iocb, fd, edge, 1, 0);
	SAY_ALL_WAYS("at an odd address", ctx, &iocb);
}

static void a65(void)
{
	begin();
	struct iocb iocb;
	size_t i;
	struct {
		const char *name;
		struct iovec vec[3];
		int count;
	} cases[] = {
		{"kernel", {{KERNEL_ADDRESS, 10}}, 1},
		{"kernel, no bytes", {{KERNEL_ADDRESS, 0}}, 1},
		{"good, kernel", {{NULL, 10}, {KERNEL_ADDRESS, 10}}, 2},
		{"good, kernel with no bytes", {{NULL, 10}, {KERNEL_ADDRESS, 0}}, 2},
		{"hole", {{hole(), 10}}, 1},
		{"hole, no bytes", {{hole(), 0}}, 1},
		{"good, hole", {{NULL, 10}, {hole(), 10}}, 2},
		{"good, hole with no bytes", {{NULL, 10}, {hole(), 0}}, 2},
		{"hole, good", {{hole(), 10}, {NULL, 10}}, 2},
		{"good, hole, good", {{NULL, 10}, {hole(), 10}, {NULL, 10}}, 3},
		{"empty, good", {{NULL, 0}, {NULL, 10}}, 2},
		{"NULL and empty, good", {{(void *)1, 0}, {NULL, 10}}, 2},
		{"negative", {{NULL, (size_t)-1}}, 1},
		{"good, negative", {{NULL, 10}, {NULL, (size_t)-1}}, 2},
		{"negative, kernel", {{NULL, (size_t)-1}, {KERNEL_ADDRESS, 10}}, 2},
		{"kernel, negative", {{KERNEL_ADDRESS, 10}, {NULL, (size_t)-1}}, 2},
		{"LONG_MAX", {{NULL, LONG_MAX}}, 1},
		{"10, LONG_MAX", {{NULL, 10}, {NULL, LONG_MAX}}, 2},
		{"LONG_MAX, 10", {{NULL, LONG_MAX}, {NULL, 10}}, 2},
		{"3 GiB, 10", {{NULL, 3ul << 30}, {NULL, 10}}, 2},
		{"all empty", {{NULL, 0}, {NULL, 0}, {NULL, 0}}, 3},
	};

	for (i = 0; i < COUNT_OF(cases); i++) {
		int k;

		/* Good memory is the last that there is before a hole. */
		for (k = 0; k < cases[i].count; k++)
			if (cases[i].vec[k].iov_base == NULL)
				cases[i].vec[k].iov_base = buf + SIZE - 4096;
		io_prep_preadv(&iocb, fd, cases[i].vec, cases[i].count, 0);
		SAY_ALL_WAYS(text("read, %s", cases[i].name), ctx, &iocb);
		drop_cache(fd, 0, 0);
		SAY_OUTCOME(text("read of what is not cached, %s", cases[i].name), ctx, &iocb);
		io_prep_pwritev(&iocb, fd, cases[i].vec, cases[i].count, 0);
		SAY_ALL_WAYS(text("write, %s", cases[i].name), ctx, &iocb);
		io_prep_preadv(&iocb, direct_fd, cases[i].vec, cases[i].count, 0);
		SAY_ALL_WAYS(text("direct read, %s", cases[i].name), ctx, &iocb);
		io_prep_pwritev(&iocb, null_fd, cases[i].vec, cases[i].count, 0);
		SAY_OUTCOME(text("write to /dev/null, %s", cases[i].name), ctx, &iocb);
		io_prep_pwritev(&iocb, pipe_fd[1], cases[i].vec, cases[i].count, 0);
		SAY_OUTCOME(text("write to a pipe, %s", cases[i].name), ctx, &iocb);
		io_prep_preadv(&iocb, pipe_fd[0], cases[i].vec, cases[i].count, 0);
		SAY_OUTCOME(text("read of a pipe, %s", cases[i].name), ctx, &iocb);
	}
}

static void a68(void)
{
	struct io_event events[8];
	struct iocb iocb, *list[8];
	struct timespec limit = {EVENT_SECONDS, 0};
	int i, result, same = 0, sum = 0;

	begin();
	io_prep_pread(&iocb, fd, buf, 10, 0);
	for (i = 0; i < 8; i++)
		list[i] = &iocb;
	SAY_RESULT("the same iocb twice", io_submit(ctx, 2, list));
	SAY_RESULT("events", result = io_getevents(ctx, 2, 2, events, &limit));
	SAY("all of that iocb", "%s", events[0].obj == &iocb && events[1].obj == &iocb ? "yes" : "no");
	io_prep_pread(&iocb, direct_fd, buf, 4096, 0);
	SAY_RESULT("the same direct read eight times", io_submit(ctx, 8, list));
	result = io_getevents(ctx, 8, 8, events, &limit);
	for (i = 0; i < result; i++) {
		same += events[i].obj == &iocb;
		sum += (int)events[i].res;
	}
	SAY("its events", "%d with the same obj, %d bytes", same, sum);
	io_prep_fsync(&iocb, fd);
	SAY_RESULT("the same fsync four times", io_submit(ctx, 4, list));
	SAY_RESULT("events of those", io_getevents(ctx, 4, 4, events, &limit));
	io_prep_poll(&iocb, socket_fd[0], 2);
	SAY_RESULT("the same pending poll twice", io_submit(ctx, 2, list));
	SAY_RESULT("cancelled once", io_cancel(ctx, &iocb, events));
	SAY_RESULT("cancelled twice", io_cancel(ctx, &iocb, events));
	SAY_RESULT("cancelled three times", io_cancel(ctx, &iocb, events));
	SAY_RESULT("events of the polls", io_getevents(ctx, 2, 2, events, &limit));
}

static void a69(void)
{
	static struct iocb iocb[1000], *list[1000];
	static struct io_event events[1000];
	struct timespec limit = {EVENT_SECONDS, 0}, zero = {0, 0};
	io_context_t small;
	cpu_set_t cpus;
	int i;

	begin();
	/* Kernel AIO deals its slots out to processors. */
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	CHECK(sched_setaffinity(0, sizeof(cpus), &cpus) == 0);
	small = setup(1);
	for (i = 0; i < 1000; i++) {
		io_prep_pread(&iocb[i], fd, buf, 10, 0);
		list[i] = &iocb[i];
	}
	SAY_RESULT("1000 reads, room for 120", io_submit(small, 1000, list));
	SAY_RESULT("again", io_submit(small, 1000, list));
	SAY_RESULT("nothing, when it is full", io_submit(small, 0, list));
	list[0] = NULL;
	SAY_RESULT("a bad pointer, when it is full", io_submit(small, 1, list));
	list[0] = &iocb[0];
	iocb[0].aio_fildes = 9999;
	SAY_RESULT("a bad descriptor, when it is full", io_submit(small, 1, list));
	iocb[0].aio_fildes = fd;
	iocb[0].u.c.nbytes = (unsigned long)-1;
	SAY_RESULT("a bad length, when it is full", io_submit(small, 1, list));
	iocb[0].u.c.nbytes = 10;
	SAY_RESULT("one event", io_getevents(small, 1, 1, events, &limit));
	SAY_RESULT("and one more", io_submit(small, 100, list));
	SAY_RESULT("ten events", io_getevents(small, 10, 10, events, &limit));
	SAY_RESULT("and ten more", io_submit(small, 100, list));
	SAY_RESULT("all events", io_getevents(small, 120, 1000, events, &limit));
	SAY_RESULT("no more", io_getevents(small, 0, 1000, events, &zero));
	for (i = 0; i < 1000; i++)
		io_prep_pread(&iocb[i], direct_fd, buf, 4096, 0);
	SAY_RESULT("1000 direct reads", io_submit(small, 1000, list));
	SAY_RESULT("events of those", io_getevents(small, 120, 1000, events, &limit));
	CHECK_EQ(io_destroy(small), 0);
	small = setup(1);
	for (i = 0; i < 1000; i++)
		io_prep_poll(&iocb[i], socket_fd[0], 2);
	SAY_RESULT("1000 pending polls", io_submit(small, 1000, list));
	SAY_RESULT("and a read", io_submit(small, 1, list));
	SAY_RESULT("one is cancelled", io_cancel(small, &iocb[60], events));
	SAY_RESULT("its event", io_getevents(small, 1, 1, events, &limit));
	SAY_RESULT("and ten reads", io_submit(small, 10, list));
	SAY_RESULT("io_destroy", io_destroy(small));
}

static const struct row rows[] = {
	{"A34", a34}, {"A35", a35}, {"A36", a36}, {"A37", a37}, {"A39", a39}, {"A40", a40},
	{"A42", a42}, {"A63", a63}, {"A64", a64}, {"A65", a65}, {"A68", a68}, {"A69", a69},
};

ROWS_MAIN(rows, 2)
