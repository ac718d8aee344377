// variants: ours
// old-kernel: no (Linux 6.13)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Encoded reads and writes of btrfs through a ring: results, structures and bytes are those of the ioctl, and what was
 * read decodes to what is in the file.
 */
#include <aiouring.h>
#include <linux/btrfs.h>

#include "btrfs.h"
#include "uring_check.h"

_Static_assert(sizeof(struct aiouring_btrfs_encoded) == sizeof(struct btrfs_ioctl_encoded_io_args), "size");
#define SAME(field)                                                                                                    \
	_Static_assert(offsetof(struct aiouring_btrfs_encoded, field) ==                                               \
				       offsetof(struct btrfs_ioctl_encoded_io_args, field) &&                          \
			       sizeof(((struct aiouring_btrfs_encoded *)0)->field) ==                                  \
				       sizeof(((struct btrfs_ioctl_encoded_io_args *)0)->field),                       \
		       #field)
SAME(iov);
SAME(iovcnt);
SAME(offset);
SAME(flags);
SAME(len);
SAME(unencoded_len);
SAME(unencoded_offset);
SAME(compression);
SAME(encryption);
SAME(reserved);
_Static_assert(AIOURING_BTRFS_ENCODED_READ == BTRFS_IOC_ENCODED_READ, "read");
_Static_assert(AIOURING_BTRFS_ENCODED_WRITE == BTRFS_IOC_ENCODED_WRITE, "write");
_Static_assert(AIOURING_BTRFS_NONE == BTRFS_ENCODED_IO_COMPRESSION_NONE, "none");
_Static_assert(AIOURING_BTRFS_ZLIB == BTRFS_ENCODED_IO_COMPRESSION_ZLIB, "zlib");
_Static_assert(AIOURING_BTRFS_ZSTD == BTRFS_ENCODED_IO_COMPRESSION_ZSTD, "zstd");
_Static_assert(AIOURING_BTRFS_LZO_4K == BTRFS_ENCODED_IO_COMPRESSION_LZO_4K, "lzo");
_Static_assert(AIOURING_BTRFS_LZO_64K == BTRFS_ENCODED_IO_COMPRESSION_LZO_64K, "lzo");
_Static_assert(AIOURING_BTRFS_LZO_8K == BTRFS_ENCODED_IO_COMPRESSION_LZO_8K, "lzo");
_Static_assert(AIOURING_BTRFS_LZO_16K == BTRFS_ENCODED_IO_COMPRESSION_LZO_16K, "lzo");
_Static_assert(AIOURING_BTRFS_LZO_32K == BTRFS_ENCODED_IO_COMPRESSION_LZO_32K, "lzo");

static struct io_uring ring;
static unsigned char by_ring[2 * EXTENT], by_ioctl[2 * EXTENT], decoded[EXTENT];

/* The same command by the ioctl, with a structure of its own. */
static int ask_ioctl(int fd, unsigned long command, struct aiouring_btrfs_encoded *args)
{
	int ret = ioctl(fd, command, args);

	return ret < 0 ? -errno : ret;
}

enum how { PLAIN, FIXED, ASYNC };

static int ask_ring(int fd, int write, struct aiouring_btrfs_encoded *args, enum how how)
{
	struct io_uring_sqe *sqe = next(&ring);

	if (write && how == FIXED)
		aiouring_prep_btrfs_encoded_write_fixed(sqe, fd, args, 0);
	else if (write)
		aiouring_prep_btrfs_encoded_write(sqe, fd, args);
	else if (how == FIXED)
		aiouring_prep_btrfs_encoded_read_fixed(sqe, fd, args, 0);
	else
		aiouring_prep_btrfs_encoded_read(sqe, fd, args);
	if (how == ASYNC)
		sqe->flags |= IOSQE_ASYNC;
	return run_one(&ring, sqe);
}

/* Three pieces of a buffer, the first of one byte. */
static void in_pieces(struct iovec iov[3], unsigned char *buf, size_t size)
{
	iov[0].iov_base = buf;
	iov[0].iov_len = size ? 1 : 0;
	iov[1].iov_base = buf + iov[0].iov_len;
	iov[1].iov_len = size / 3;
	iov[2].iov_base = buf + iov[0].iov_len + iov[1].iov_len;
	iov[2].iov_len = size - iov[0].iov_len - iov[1].iov_len;
}

/* Reads by both ways; what the ring gave is in *args and by_ring. */
static int read_both(int fd, off_t offset, size_t room, enum how how, struct aiouring_btrfs_encoded *args)
{
	struct iovec ring_iov[3], ioctl_iov[3];
	struct aiouring_btrfs_encoded other;
	int ret, expected;

	memset(by_ring, 0xee, sizeof(by_ring));
	memset(by_ioctl, 0xee, sizeof(by_ioctl));
	in_pieces(ring_iov, by_ring, room);
	in_pieces(ioctl_iov, by_ioctl, room);
	memset(args, 0, sizeof(*args));
	args->iov = ring_iov;
	args->iovcnt = 3;
	args->offset = offset;
	other = *args;
	other.iov = ioctl_iov;
	expected = ask_ioctl(fd, BTRFS_IOC_ENCODED_READ, &other);
	ret = ask_ring(fd, 0, args, how);
	CHECK_EQ(ret, expected);
	CHECK(args->iov == ring_iov);
	other.iov = ring_iov;
	CHECK(memcmp(args, &other, sizeof(other)) == 0);
	/* Nothing was put behind the room, either. */
	CHECK(memcmp(by_ring, by_ioctl, sizeof(by_ring)) == 0);
	return ret;
}

/* What a piece says that the file has there. */
static const unsigned char *decode(const struct aiouring_btrfs_encoded *args, int size)
{
	unsigned long length = sizeof(decoded);

	memset(decoded, 0, sizeof(decoded));
	if (args->compression == AIOURING_BTRFS_ZLIB) {
		CHECK_EQ(zlib_uncompress(decoded, &length, by_ring, (unsigned long)size), 0);
		CHECK_LE(length, args->unencoded_len);
	} else {
		CHECK_EQ(args->compression, AIOURING_BTRFS_NONE);
		CHECK_LE(size, EXTENT);
		memcpy(decoded, by_ring, (size_t)size);
	}
	CHECK_EQ(args->encryption, 0);
	CHECK_LE(args->len, args->unencoded_len - args->unencoded_offset);
	return decoded + args->unencoded_offset;
}

/* A file with content, on the disk. */
static int file_of(const char *name, const unsigned char *content, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK_GE(fd, 0);
	CHECK_EQ(pwrite(fd, content, size, 0), size);
	CHECK_EQ(fsync(fd), 0);
	return fd;
}

/* Reads a file from `offset` on, piece by piece; how many there were, how many compressed. */
struct pieces {
	int all, compressed, inside;
};

static struct pieces walk(int fd, off_t offset, const unsigned char *content, size_t size, enum how how)
{
	struct aiouring_btrfs_encoded args;
	struct pieces pieces = {0, 0, 0};

	while ((size_t)offset < size) {
		int ret = read_both(fd, offset, EXTENT, how, &args);

		CHECK_GE(ret, 0);
		CHECK_OP(args.len, >, 0);
		CHECK_LE(args.len, size - (size_t)offset);
		CHECK(memcmp(decode(&args, ret), content + offset, args.len) == 0);
		pieces.all++;
		pieces.compressed += args.compression == AIOURING_BTRFS_ZLIB;
		pieces.inside += args.unencoded_offset > 0;
		offset += (off_t)args.len;
	}
	CHECK_EQ(read_both(fd, offset, EXTENT, how, &args), 0);
	CHECK_EQ(args.len, 0);
	return pieces;
}

enum { SIZE = 5 * EXTENT + 777 };

static void reads(void)
{
	static unsigned char content[SIZE];
	struct aiouring_btrfs_encoded args;
	struct pieces pieces;
	enum how how;
	int fd, ret;

	/* Compressible; a hole; data that cannot be compressed; compressible to the end, which is in a sector. */
	fill_compressible(content, SIZE, 7);
	memset(content + 2 * EXTENT, 0, 40960);
	fill(content + 3 * EXTENT, EXTENT, 8, 0);
	fd = file_of("file", content, SIZE);
	CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * EXTENT, 40960), 0);
	CHECK_EQ(fsync(fd), 0);
	for (how = PLAIN; how <= ASYNC; how++) {
		pieces = walk(fd, 0, content, SIZE, how);
		CHECK_GE(pieces.compressed, 4);
		CHECK_GE(pieces.all - pieces.compressed, 3);
		/* From the middle of a sector in the middle of an extent. */
		pieces = walk(fd, 70001, content, SIZE, how);
		CHECK_GE(pieces.inside, 1);
	}

	/* Room for all but a byte, and for none. */
	ret = read_both(fd, 0, EXTENT, PLAIN, &args);
	CHECK_OP(ret, >, 4096);
	CHECK_EQ(args.len, EXTENT);
	CHECK_EQ(read_both(fd, 0, (size_t)ret, PLAIN, &args), ret);
	CHECK_EQ(read_both(fd, 0, (size_t)ret - 1, PLAIN, &args), -ENOBUFS);
	CHECK_EQ(args.len, 0);
	CHECK_EQ(read_both(fd, 0, 0, PLAIN, &args), 0);
	CHECK_EQ(read_both(fd, -1, EXTENT, PLAIN, &args), -EINVAL);
	CHECK_EQ(read_both(fd, (off_t)1 << 62, EXTENT, PLAIN, &args), 0);
	close(fd);

	/* Data in the tree itself: small, and compressible or not. */
	fd = file_of("small", content, 1900);
	pieces = walk(fd, 0, content, 1900, PLAIN);
	CHECK_EQ(pieces.all, 1);
	walk(fd, 1234, content, 1900, PLAIN);
	close(fd);
	fd = file_of("tiny", content + 3 * EXTENT, 5);
	walk(fd, 0, content + 3 * EXTENT, 5, PLAIN);
	close(fd);
	fd = file_of("empty", content, 0);
	CHECK_EQ(walk(fd, 0, content, 0, PLAIN).all, 0);
	close(fd);
}

/* The ring says what the ioctl says. */
static void bad_reads(void)
{
	struct iovec iov = {by_ring, EXTENT}, many[1025];
	int fd = open("file", O_RDWR), other;
	struct aiouring_btrfs_encoded args;
	struct io_uring_sqe *sqe;

#define REFUSED(error, ...)                                                                                            \
	do {                                                                                                           \
		memset(&args, 0, sizeof(args));                                                                        \
		args.iov = &iov;                                                                                       \
		args.iovcnt = 1;                                                                                       \
		__VA_ARGS__;                                                                                           \
		CHECK_EQ(ask_ioctl(fd, BTRFS_IOC_ENCODED_READ, &args), error);                                         \
		CHECK_EQ(ask_ring(fd, 0, &args, PLAIN), error);                                                        \
	} while (0)
	REFUSED(-EINVAL, args.flags = 1);
	REFUSED(-EFAULT, args.iov = (const struct iovec *)8);
	REFUSED(-EFAULT, iov.iov_base = hole());
	iov.iov_base = by_ring;
	REFUSED(-EINVAL, args.iov = many, args.iovcnt = COUNT_OF(many));
	CHECK_EQ(ask_ring(fd, 0, NULL, PLAIN), -EFAULT);
	close(fd);

	/* Files that are none of a btrfs have no such command. */
	memset(&args, 0, sizeof(args));
	args.iov = &iov;
	args.iovcnt = 1;
	other = memfd_create("other", 0);
	CHECK_EQ(ask_ring(other, 0, &args, PLAIN), -EOPNOTSUPP);
	CHECK_EQ(ask_ring(other, 0, &args, FIXED), -EOPNOTSUPP);
	CHECK_EQ(ask_ring(other, 1, &args, PLAIN), -EOPNOTSUPP);
	CHECK_EQ(ask_ring(other, 1, &args, FIXED), -EOPNOTSUPP);
	sqe = next(&ring);
	aiouring_prep_uring_cmd_fixed_vec(sqe, 1, other, &iov, 1, 0);
	CHECK_EQ(run_one(&ring, sqe), -EOPNOTSUPP);
	close(other);
	CHECK_EQ(ask_ring(other, 0, &args, PLAIN), -EBADF);
}

/* By the number of a registered file, and no further than the request before it in a chain. */
static void registered_file(void)
{
	struct iovec iov = {by_ring, EXTENT}, small = {by_ring, 1};
	struct aiouring_btrfs_encoded args, first;
	int fd = open("file", O_RDONLY), i;
	struct io_uring_sqe *sqe;

	CHECK_EQ(io_uring_register_files(&ring, &fd, 1), 0);
	close(fd);
	memset(&args, 0, sizeof(args));
	args.iov = &iov;
	args.iovcnt = 1;
	first = args;
	sqe = next(&ring);
	aiouring_prep_btrfs_encoded_read(sqe, 0, &args);
	sqe->flags |= IOSQE_FIXED_FILE;
	CHECK_OP(run_one(&ring, sqe), >, 4096);
	CHECK_EQ(args.len, EXTENT);

	first.iov = &small;
	for (i = 0; i < 2; i++) {
		sqe = next(&ring);
		aiouring_prep_btrfs_encoded_read(sqe, 0, i ? &args : &first);
		sqe->flags |= IOSQE_FIXED_FILE | (i ? 0 : IOSQE_IO_LINK);
		io_uring_sqe_set_data64(sqe, (__u64)i);
	}
	CHECK_EQ(io_uring_submit(&ring), 2);
	for (i = 0; i < 2; i++) {
		struct completion cqe = take(&ring);

		CHECK_EQ(cqe.res, cqe.user_data ? -ECANCELED : -ENOBUFS);
	}
	CHECK_EQ(io_uring_unregister_files(&ring), 0);
}

/* Many at a time, each with memory of its own. */
static void reads_at_once(void)
{
	enum { AT_ONCE = 5 };
	static unsigned char memory[AT_ONCE][EXTENT];
	struct aiouring_btrfs_encoded args[AT_ONCE], copy;
	struct iovec iovs[AT_ONCE];
	int fd = open("file", O_RDONLY), results[AT_ONCE], i;

	CHECK_GE(fd, 0);
	for (i = 0; i < AT_ONCE; i++) {
		struct io_uring_sqe *sqe = next(&ring);

		memset(&args[i], 0, sizeof(args[i]));
		iovs[i].iov_base = memory[i];
		iovs[i].iov_len = EXTENT;
		args[i].iov = &iovs[i];
		args[i].iovcnt = 1;
		args[i].offset = (i == 2 ? 1 : 0) + i * EXTENT;
		aiouring_prep_btrfs_encoded_read(sqe, fd, &args[i]);
		io_uring_sqe_set_data64(sqe, (__u64)i);
	}
	CHECK_EQ(io_uring_submit(&ring), AT_ONCE);
	for (i = 0; i < AT_ONCE; i++) {
		struct completion cqe = take(&ring);

		CHECK_OP(cqe.user_data, <, AT_ONCE);
		results[cqe.user_data] = cqe.res;
	}
	for (i = 0; i < AT_ONCE; i++) {
		CHECK_EQ(read_both(fd, args[i].offset, EXTENT, PLAIN, &copy), results[i]);
		CHECK_EQ(args[i].len, copy.len);
		CHECK_EQ(args[i].unencoded_len, copy.unencoded_len);
		CHECK_EQ(args[i].unencoded_offset, copy.unencoded_offset);
		CHECK_EQ(args[i].compression, copy.compression);
		CHECK(memcmp(memory[i], by_ring, (size_t)results[i]) == 0);
	}
	close(fd);
}

/* Writes to two files, to one by the ring and to the other by the ioctl. */
static int write_both(const int fds[2], const struct aiouring_btrfs_encoded *args, enum how how)
{
	struct aiouring_btrfs_encoded copy = *args, other = *args;
	int expected = ask_ioctl(fds[1], BTRFS_IOC_ENCODED_WRITE, &other), ret = ask_ring(fds[0], 1, &copy, how);

	CHECK_EQ(ret, expected);
	CHECK(memcmp(&copy, args, sizeof(copy)) == 0);
	return ret;
}

static void check_content(int fd, off_t offset, const unsigned char *content, size_t size)
{
	static unsigned char back[SIZE];

	CHECK_LE(size, sizeof(back));
	CHECK_EQ(pread(fd, back, size, offset), size);
	CHECK(memcmp(back, content, size) == 0);
}

static void writes(void)
{
	static unsigned char content[EXTENT];
	struct aiouring_btrfs_encoded args, got;
	struct iovec iov[3];
	int fds[2], i, fd;
	unsigned long length = sizeof(by_ring);
	enum how how;

	fds[0] = open("by-ring", O_RDWR | O_CREAT, 0600);
	fds[1] = open("by-ioctl", O_RDWR | O_CREAT, 0600);
	CHECK(fds[0] >= 0 && fds[1] >= 0);
	fill_compressible(content, EXTENT, 9);
	CHECK_EQ(zlib_compress(by_ring, &length, content, EXTENT), 0);
	CHECK_OP(length, <, EXTENT / 2);
	in_pieces(iov, by_ring, length);
	memset(&args, 0, sizeof(args));
	args.iov = iov;
	args.iovcnt = 3;
	args.len = args.unencoded_len = EXTENT;
	args.compression = AIOURING_BTRFS_ZLIB;
	/* Three extents, with a hole between them. */
	for (how = PLAIN; how <= ASYNC; how++) {
		args.offset = (off_t)how * 2 * EXTENT;
		CHECK_EQ(write_both(fds, &args, how), length);
	}
	/* Of the next only the part from a page on belongs to the file; it ends in the middle of a sector. */
	args.offset = 6 * EXTENT;
	args.unencoded_offset = 8192;
	args.len = 50001;
	CHECK_EQ(write_both(fds, &args, PLAIN), length);
	for (i = 0; i < 2; i++) {
		struct stat status;

		CHECK_EQ(fsync(fds[i]), 0);
		CHECK_EQ(fstat(fds[i], &status), 0);
		CHECK_EQ(status.st_size, 6 * EXTENT + 50001);
		CHECK_EQ(posix_fadvise(fds[i], 0, 0, POSIX_FADV_DONTNEED), 0);
		for (how = PLAIN; how <= ASYNC; how++)
			check_content(fds[i], (off_t)how * 2 * EXTENT, content, EXTENT);
		check_content(fds[i], 6 * EXTENT, content + 8192, 50001);
	}
	/* It lies there as it was written. */
	memcpy(decoded, by_ring, length);
	i = read_both(fds[0], 2 * EXTENT, EXTENT, PLAIN, &got);
	CHECK_GE(i, length);
	CHECK_EQ(got.compression, AIOURING_BTRFS_ZLIB);
	CHECK(memcmp(by_ring, decoded, length) == 0);

#define REFUSED_WRITE(error, ...)                                                                                      \
	do {                                                                                                           \
		struct aiouring_btrfs_encoded good = args;                                                             \
		args.offset = 8 * EXTENT;                                                                              \
		args.unencoded_offset = 0;                                                                             \
		args.len = EXTENT;                                                                                     \
		__VA_ARGS__;                                                                                           \
		CHECK_EQ(write_both(fds, &args, PLAIN), error);                                                        \
		args = good;                                                                                           \
	} while (0)
	REFUSED_WRITE(-EINVAL, args.offset += 1);
	REFUSED_WRITE(-EINVAL, args.offset = 0, args.len -= 1);
	REFUSED_WRITE(-EINVAL, args.compression = AIOURING_BTRFS_NONE);
	REFUSED_WRITE(-EINVAL, args.compression = 99);
	REFUSED_WRITE(-EINVAL, args.encryption = 1);
	REFUSED_WRITE(-EINVAL, args.flags = 1);
	REFUSED_WRITE(-EINVAL, args.reserved[63] = 1);
	REFUSED_WRITE(-EINVAL, args.unencoded_offset = 4096);
	REFUSED_WRITE(-EINVAL, args.unencoded_len = EXTENT + 4096);
	REFUSED_WRITE(-EFAULT, args.iov = (const struct iovec *)8);
	CHECK_EQ(ask_ring(fds[0], 1, NULL, PLAIN), -EFAULT);
	fd = open("by-ring", O_RDONLY);
	CHECK_EQ(ask_ioctl(fd, BTRFS_IOC_ENCODED_WRITE, &args), -EBADF);
	CHECK_EQ(ask_ring(fd, 1, &args, PLAIN), -EBADF);
	close(fd);

	/* What is no zlib's is taken, and then cannot be read. */
	memset(by_ring, 0x55, sizeof(by_ring));
	args.offset = 8 * EXTENT;
	args.unencoded_offset = 0;
	args.len = EXTENT;
	CHECK_EQ(write_both(fds, &args, PLAIN), length);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(pread(fds[i], decoded, sizeof(decoded), 8 * EXTENT), -1);
		CHECK_EQ(errno, EIO);
		close(fds[i]);
	}
}

/* A copy that compresses nothing. */
static void copy(void)
{
	static unsigned char left[SIZE], right[SIZE];
	int from = open("file", O_RDONLY), to = open("copy", O_RDWR | O_CREAT, 0600), ret;
	struct iovec iov = {by_ring, EXTENT};
	struct aiouring_btrfs_encoded args;
	off_t at = 0;

	while (at < SIZE) {
		memset(&args, 0, sizeof(args));
		iov.iov_len = EXTENT;
		args.iov = &iov;
		args.iovcnt = 1;
		args.offset = at;
		ret = ask_ring(from, 0, &args, PLAIN);
		CHECK_GE(ret, 0);
		iov.iov_len = (size_t)ret;
		if (args.compression != AIOURING_BTRFS_NONE)
			CHECK_EQ(ask_ring(to, 1, &args, PLAIN), ret);
		else if (ret > 0)
			CHECK_EQ(pwrite(to, by_ring + args.unencoded_offset, args.len, at), args.len);
		at += (off_t)args.len;
	}
	CHECK_EQ(fsync(to), 0);
	CHECK_EQ(pread(from, left, SIZE, 0), SIZE);
	CHECK_EQ(pread(to, right, SIZE, 0), SIZE);
	CHECK(memcmp(left, right, SIZE) == 0);
	CHECK_GE(walk(to, 0, left, SIZE, PLAIN).compressed, 4);
	close(from);
	close(to);
}

/* Neither of them without the capability: another user tries, on a ring of its own. */
static void without_capability(void)
{
	int fd = open("file", O_RDWR), status;
	pid_t child = fork();

	CHECK_GE(child, 0);
	if (child == 0) {
		struct iovec iov = {by_ring, EXTENT};
		struct aiouring_btrfs_encoded args;

		watchdog();
		CHECK_EQ(setresuid(65534, 65534, 65534), 0);
		make(&ring, 4, 0);
		memset(&args, 0, sizeof(args));
		args.iov = &iov;
		args.iovcnt = 1;
		CHECK_EQ(ask_ioctl(fd, BTRFS_IOC_ENCODED_READ, &args), -EPERM);
		CHECK_EQ(ask_ring(fd, 0, &args, PLAIN), -EPERM);
		CHECK_EQ(ask_ring(fd, 0, &args, FIXED), -EPERM);
		args.len = args.unencoded_len = EXTENT;
		args.compression = AIOURING_BTRFS_ZLIB;
		CHECK_EQ(ask_ioctl(fd, BTRFS_IOC_ENCODED_WRITE, &args), -EPERM);
		CHECK_EQ(ask_ring(fd, 1, &args, PLAIN), -EPERM);
		CHECK_EQ(ask_ring(fd, 1, &args, ASYNC), -EPERM);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	close(fd);
}

/*
 * The ring ends while they are under way: nothing is left of them. Their places do not overlap: Linux 6.18 does not get
 * over a process that ends while a worker waits for the place that another read of it has locked.
 */
static void end_in_flight(void)
{
	enum { AT_ONCE = 4 };
	static struct aiouring_btrfs_encoded args[AT_ONCE];
	static struct iovec iovs[AT_ONCE];
	static unsigned char memory[AT_ONCE][EXTENT];
	int fd = open("copy", O_RDONLY), i;

	CHECK_GE(fd, 0);
	for (i = 0; i < AT_ONCE; i++) {
		struct io_uring_sqe *sqe = next(&ring);

		iovs[i].iov_base = memory[i];
		iovs[i].iov_len = EXTENT;
		args[i].iov = &iovs[i];
		args[i].iovcnt = 1;
		args[i].offset = (off_t)i * EXTENT;
		aiouring_prep_btrfs_encoded_read(sqe, fd, &args[i]);
	}
	CHECK_EQ(io_uring_submit(&ring), AT_ONCE);
	io_uring_queue_exit(&ring);
	close(fd);
}

int main(void)
{
	struct aiouring_btrfs_encoded args;
	struct iovec iov = {by_ring, sizeof(by_ring)};
	int fd, ret;

	need_zlib();
	enter_btrfs("compress=zlib");
	make(&ring, 8, 0);
	CHECK_EQ(io_uring_register_buffers(&ring, &iov, 1), 0);
	memset(&args, 0, sizeof(args));
	fd = file_of("first", by_ring, 1);
	ret = ask_ring(fd, 0, &args, PLAIN);
	close(fd);
	if (ret == -EOPNOTSUPP || ret == -EINVAL)
		SKIP("Linux 6.13 has encoded reads");
	reads();
	bad_reads();
	registered_file();
	reads_at_once();
	writes();
	copy();
	without_capability();
	end_in_flight();
	return 0;
}
