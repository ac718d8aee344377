/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ext_tee - copies a file to three, with one pool of buffers and without copying in between.
 *
 * usage: ext_tee [SOURCE COPY COPY COPY]
 *        ext_tee --measure [MEGABYTES [ROUNDS]]
 *
 * Each lease is a piece of the file: one read fills its buffer, and three writes that were planned before use it. Between
 * the read and the writes the program does nothing, and a buffer is read into again when all three are done. DEPTH pieces
 * are under way at a time.
 *
 * Without arguments it makes a file of its own, copies it, compares and says so. --measure compares four ways, in turns:
 * leases, leases with tags, io_uring by hand with the same requests, and read(2) with three write(2); with the page cache
 * and with O_DIRECT.
 *
 * Exit status: 0 copied, 1 an error or other bytes, 2 wrong usage, 77 no io_uring here.
 */
#include <aiouring.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 16, PIECE = 1 << 16, COPIES = 3 };

/* The ways that are measured, and the one that the others are compared with. */
enum { WAYS = 4, BY_HAND = 2 };

struct files {
	int source, copies[COPIES];
	__u64 size;
};

static struct io_uring ring;

static void fail(const char *what, int error)
{
	fprintf(stderr, "ext_tee: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* ---- With leases ---- */

/* Starts with the piece at `place`: a read, and the writes that follow it. */
static void start_piece(struct aiouring_lease_pool *pool, const struct files *files, __u64 place)
{
	struct aiouring_lease_op op;
	__u64 lease;
	int i, ret;

	ret = aiouring_lease_open(pool, &lease, 0, place);
	if (ret < 0)
		fail("aiouring_lease_open", ret);
	memset(&op, 0, sizeof(op));
	op.type = AIOURING_LEASE_READ;
	op.fd = files->source;
	op.offset = place;
	ret = aiouring_lease_fill(pool, lease, &op);
	op.type = AIOURING_LEASE_WRITE;
	op.flags = AIOURING_LEASE_OP_WHOLE;
	for (i = 0; i < COPIES && ret == 0; i++) {
		op.fd = files->copies[i];
		ret = aiouring_lease_plan(pool, lease, &op);
	}
	if (ret < 0)
		fail("aiouring_lease_plan", ret);
}

static void tee_with(const struct files *files, unsigned flags)
{
	struct aiouring_lease_params params;
	struct aiouring_lease_pool *pool;
	struct aiouring_lease_event event;
	__u64 place = 0;
	unsigned under_way = 0;
	int ret;

	memset(&params, 0, sizeof(params));
	params.buffers = DEPTH;
	params.buffer_size = PIECE;
	params.flags = flags;
	ret = aiouring_lease_pool_create(&ring, &params, &pool);
	if (ret < 0)
		fail("aiouring_lease_pool_create", ret);
	while (place < files->size || under_way > 0) {
		for (; place < files->size && under_way < DEPTH; place += PIECE, under_way++)
			start_piece(pool, files, place);
		ret = aiouring_lease_wait(pool, &event, NULL);
		if (ret == -EINTR)
			continue;
		if (ret < 0)
			fail("aiouring_lease_wait", ret);
		/* Nothing is asked for but leases: this is the end of one. */
		if (event.res < 0)
			fail("read", event.res);
		if (event.failed > 0)
			fail("write", event.error ? event.error : -EIO);
		if (event.bytes < PIECE && event.data + event.bytes < files->size)
			fail("read", -EIO);
		under_way--;
	}
	ret = aiouring_lease_pool_destroy(pool);
	if (ret < 0)
		fail("aiouring_lease_pool_destroy", ret);
}

static void tee_leases(const struct files *files)
{
	tee_with(files, 0);
}

/* The kernel proves for each piece that it has let go of the buffer. */
static void tee_tags(const struct files *files)
{
	tee_with(files, AIOURING_LEASE_POOL_TAGS);
}

/* ---- By hand ---- */

struct piece {
	__u64 place;
	unsigned length, left;
};

static char *buffers;

static void queue(bool is_write, const struct files *files, struct piece *pieces, unsigned n, int copy)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	while (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	if (is_write)
		io_uring_prep_write_fixed(sqe, files->copies[copy], buffers + n * PIECE, pieces[n].length, pieces[n].place,
					  (int)n);
	else
		io_uring_prep_read_fixed(sqe, files->source, buffers + n * PIECE, PIECE, pieces[n].place, (int)n);
	io_uring_sqe_set_data64(sqe, n * 2 + is_write);
}

static void tee_by_hand(const struct files *files)
{
	struct piece pieces[DEPTH];
	struct iovec vecs[DEPTH];
	struct io_uring_cqe *cqe;
	__u64 place = 0;
	unsigned under_way = 0, n, head, seen;
	int ret, copy;

	for (n = 0; n < DEPTH; n++) {
		vecs[n].iov_base = buffers + n * PIECE;
		vecs[n].iov_len = PIECE;
	}
	ret = io_uring_register_buffers(&ring, vecs, DEPTH);
	if (ret < 0)
		fail("io_uring_register_buffers", ret);
	for (n = 0; n < DEPTH && place < files->size; n++, place += PIECE, under_way++) {
		pieces[n].place = place;
		queue(false, files, pieces, n, 0);
	}
	while (under_way > 0) {
		ret = io_uring_submit_and_wait(&ring, 1);
		if (ret < 0 && ret != -EINTR)
			fail("io_uring_submit_and_wait", ret);
		seen = 0;
		io_uring_for_each_cqe(&ring, head, cqe) {
			n = (unsigned)(cqe->user_data / 2);
			seen++;
			if (cqe->res < 0)
				fail("transfer", cqe->res);
			if (cqe->user_data % 2 == 0) {
				pieces[n].length = (unsigned)cqe->res;
				pieces[n].left = COPIES;
				for (copy = 0; copy < COPIES; copy++)
					queue(true, files, pieces, n, copy);
				continue;
			}
			if ((unsigned)cqe->res != pieces[n].length)
				fail("write", -EIO);
			if (--pieces[n].left > 0)
				continue;
			if (place < files->size) {
				pieces[n].place = place;
				queue(false, files, pieces, n, 0);
				place += PIECE;
			} else {
				under_way--;
			}
		}
		io_uring_cq_advance(&ring, seen);
	}
	io_uring_unregister_buffers(&ring);
}

/* ---- By read and write ---- */

static void tee_plain(const struct files *files)
{
	__u64 place;
	ssize_t n;
	int i;

	for (place = 0; place < files->size; place += PIECE) {
		n = pread(files->source, buffers, PIECE, (off_t)place);
		if (n < 0)
			fail("pread", -errno);
		for (i = 0; i < COPIES; i++)
			if (pwrite(files->copies[i], buffers, (size_t)n, (off_t)place) != n)
				fail("pwrite", -errno);
	}
}

/* ---- What drives them ---- */

static struct files open_files(const char *const names[COPIES + 1], int flags)
{
	struct files files;
	struct stat status;
	int i;

	files.source = open(names[0], O_RDONLY | O_CLOEXEC | flags);
	if (files.source < 0 || fstat(files.source, &status) < 0)
		fail(names[0], -errno);
	files.size = (__u64)status.st_size;
	for (i = 0; i < COPIES; i++) {
		files.copies[i] = open(names[i + 1], O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
		if (files.copies[i] < 0)
			fail(names[i + 1], -errno);
	}
	return files;
}

static void close_files(const struct files *files)
{
	int i;

	close(files->source);
	for (i = 0; i < COPIES; i++)
		if (close(files->copies[i]) < 0)
			fail("close", -errno);
}

static void make_source(const char *name, size_t size)
{
	FILE *file = fopen(name, "w");
	unsigned long long state = 42;
	size_t i;

	if (!file)
		fail(name, -errno);
	for (i = 0; i < size; i += 8) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		if (fwrite(&state, 1, size - i < 8 ? size - i : 8, file) == 0)
			fail(name, -errno);
	}
	if (fclose(file) != 0)
		fail(name, -errno);
}

/* Whether two files have the same bytes. */
static bool same(const char *one, const char *other)
{
	static char a[PIECE], b[PIECE];
	FILE *x = fopen(one, "r"), *y = fopen(other, "r");
	size_t n = 1, m = 1;

	while (x && y && n > 0 && n == m && memcmp(a, b, n) == 0) {
		n = fread(a, 1, sizeof(a), x);
		m = fread(b, 1, sizeof(b), y);
	}
	if (x)
		fclose(x);
	if (y)
		fclose(y);
	return x && y && n == 0 && m == 0;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of the process, with the workers that the kernel runs for it. */
static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(const char *const names[COPIES + 1], int rounds)
{
	static void (*const ways[])(const struct files *) = {tee_leases, tee_tags, tee_by_hand, tee_plain};
	static const char *const titles[] = {"leases", "leases with tags", "io_uring by hand", "read and write"};
	static const int modes[] = {0, O_DIRECT};
	double times[WAYS][64], cpu[WAYS][64];
	struct files files;
	unsigned mode, way;
	int round;

	for (mode = 0; mode < 2; mode++) {
		for (round = -1; round < rounds; round++)
			for (way = 0; way < WAYS; way++) {
				double start, cpu_start;

				files = open_files(names, modes[mode]);
				cpu_start = cpu_seconds();
				start = seconds();
				ways[way](&files);
				/* The first round makes the files. */
				if (round >= 0) {
					times[way][round] = seconds() - start;
					cpu[way][round] = cpu_seconds() - cpu_start;
				}
				close_files(&files);
				sync();
			}
		for (way = 0; way < WAYS; way++) {
			qsort(times[way], (size_t)rounds, sizeof(double), compare_doubles);
			qsort(cpu[way], (size_t)rounds, sizeof(double), compare_doubles);
		}
		for (way = 0; way < WAYS; way++)
			printf("%-8s  %-16s  %6.1f ms (%.2f)  best %6.1f ms (%.2f)  processor %6.1f ms (%.2f)\n",
			       mode ? "direct" : "buffered", titles[way], times[way][rounds / 2] * 1e3,
			       times[way][rounds / 2] / times[BY_HAND][rounds / 2], times[way][0] * 1e3,
			       times[way][0] / times[BY_HAND][0], cpu[way][rounds / 2] * 1e3,
			       cpu[way][rounds / 2] / cpu[BY_HAND][rounds / 2]);
	}
	printf("in parentheses: times as much as by hand\n");
}

int main(int argc, char **argv)
{
	const char *names[COPIES + 1] = {"ext_tee.source", "ext_tee.1", "ext_tee.2", "ext_tee.3"};
	bool measures = argc > 1 && strcmp(argv[1], "--measure") == 0;
	bool own = argc == 1 || measures;
	int megabytes = measures && argc > 2 ? atoi(argv[2]) : 64;
	int rounds = measures && argc > 3 ? atoi(argv[3]) : 7;
	struct files files;
	void *memory;
	int i, ret, status = 0;

	if ((!own && argc != COPIES + 2) || (measures && argc > 4) || megabytes < 1 || rounds < 1 || rounds > 64) {
		fprintf(stderr, "usage: %s [SOURCE COPY COPY COPY]\n       %s --measure [MEGABYTES [ROUNDS]]\n", argv[0], argv[0]);
		return 2;
	}
	ret = io_uring_queue_init(DEPTH * (COPIES + 1), &ring, 0);
	if (ret == -ENOSYS || ret == -EPERM)
		return 77;
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	if (posix_memalign(&memory, 4096, (size_t)DEPTH * PIECE) != 0)
		fail("posix_memalign", -ENOMEM);
	buffers = memory;
	memset(buffers, 0, (size_t)DEPTH * PIECE);
	for (i = 0; !own && i < COPIES + 1; i++)
		names[i] = argv[i + 1];
	if (own)
		make_source(names[0], measures ? (size_t)megabytes << 20 : 5000001);
	if (measures) {
		measure(names, rounds);
	} else {
		files = open_files(names, 0);
		tee_leases(&files);
		/* They may have been there, and longer. */
		for (i = 0; i < COPIES; i++)
			if (ftruncate(files.copies[i], (off_t)files.size) < 0)
				fail(names[i + 1], -errno);
		close_files(&files);
		printf("%llu bytes to each of %d files\n", (unsigned long long)files.size, COPIES);
	}
	for (i = 0; i < COPIES; i++)
		if (!same(names[0], names[i + 1])) {
			fprintf(stderr, "ext_tee: %s has other bytes than %s\n", names[i + 1], names[0]);
			status = 1;
		}
	for (i = 0; own && i < COPIES + 1; i++)
		unlink(names[i]);
	io_uring_queue_exit(&ring);
	free(buffers);
	return status;
}
