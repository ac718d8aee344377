/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ext_btrfs - shows how btrfs holds a file, and copies it without decompressing anything.
 *
 * usage: ext_btrfs FILE [COPY]     what there is at each place; COPY, on a btrfs too, gets it as it is
 *        ext_btrfs -t FILE         how long reading it takes: as it is, by ring and by ioctl(), and decompressed
 *        ext_btrfs                 makes a btrfs on a loop device, a file on it, and copies that
 *
 * Exit status: 0 done, 1 an error, 2 wrong usage, 77 no CAP_SYS_ADMIN, no btrfs, or a kernel before Linux 6.14.
 */
#include <aiouring.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* No piece is larger, encoded or not. */
enum { PIECE = 128 * 1024 };

static struct io_uring ring;
static char memory[PIECE];

static void fail(const char *what, int error)
{
	int lacking = error == -EPERM || error == -EOPNOTSUPP;

	fprintf(stderr, "ext_btrfs: %s: %s\n", what, strerror(-error));
	exit(lacking ? 77 : 1);
}

/* The result of the one request that is prepared. */
static int run(void)
{
	struct io_uring_cqe *cqe;
	int ret = io_uring_submit(&ring);

	if (ret < 0)
		fail("io_uring_submit", ret);
	do
		ret = io_uring_wait_cqe(&ring, &cqe);
	while (ret == -EINTR);
	if (ret < 0)
		fail("io_uring_wait_cqe", ret);
	ret = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return ret;
}

/* The piece at a place, into `memory`; how many bytes. */
static int read_piece(int fd, off_t at, struct iovec *iov, struct aiouring_btrfs_encoded *piece)
{
	int plain, ret;

	iov->iov_base = memory;
	iov->iov_len = PIECE;
	memset(piece, 0, sizeof(*piece));
	piece->iov = iov;
	piece->iovcnt = 1;
	piece->offset = at;
	plain = aiouring_btrfs_prep_read(io_uring_get_sqe(&ring), fd, piece, 0);
	/* That registered buffers are ignored changes nothing for us. The request itself says everything else. */
	(void)plain;
	ret = run();
	if (ret < 0)
		fail("read", ret);
	return ret;
}

static void write_piece(int fd, off_t at, struct iovec *iov, const struct aiouring_btrfs_encoded *piece)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	int ret;

	if (piece->compression == AIOURING_BTRFS_NONE)
		io_uring_prep_write(sqe, fd, memory + piece->unencoded_offset, (unsigned)piece->len, (__u64)at);
	else
		(void)aiouring_btrfs_prep_write(sqe, fd, piece, 0);
	ret = run();
	if (ret >= 0 && (__u64)ret != (piece->compression == AIOURING_BTRFS_NONE ? piece->len : iov->iov_len))
		ret = -EIO;
	if (ret < 0)
		fail("write", ret);
}

static const char *name_of(unsigned compression)
{
	switch (compression) {
	case AIOURING_BTRFS_NONE:
		return "as it is";
	case AIOURING_BTRFS_ZLIB:
		return "zlib";
	case AIOURING_BTRFS_ZSTD:
		return "zstd";
	default:
		return "lzo";
	}
}

/* Shows all pieces, and copies them if `to` is a descriptor. Holes are passed over. */
static void copy(int from, int to, off_t size)
{
	struct aiouring_btrfs_encoded piece;
	struct iovec iov;
	off_t at = 0;

	while ((at = lseek(from, at, SEEK_DATA)) >= 0 && at < size) {
		int ret = read_piece(from, at, &iov, &piece);

		if (piece.len == 0)
			break;
		printf("%10lld %7llu bytes, %7d on the disk, %s\n", (long long)at, (unsigned long long)piece.len, ret,
		       name_of(piece.compression));
		iov.iov_len = (size_t)ret;
		if (to >= 0)
			write_piece(to, at, &iov, &piece);
		at += (off_t)piece.len;
	}
	if (to >= 0 && ftruncate(to, size) != 0)
		fail("ftruncate", -errno);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* All of the file three times, in turns, without what the cache has of it. */
static void measure(int fd, off_t size)
{
	static const char *const ways[] = {"encoded, ring", "encoded, ioctl", "decompressed, read"};
	double best[3] = {0, 0, 0};
	struct aiouring_btrfs_encoded piece;
	struct iovec iov;
	int round, way;

	for (round = 0; round < 15; round++)
		for (way = 0; way < 3; way++) {
			double start;
			off_t at = 0;

			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
			start = now();
			while (at < size) {
				ssize_t ret = 0;

				if (way == 0) {
					(void)read_piece(fd, at, &iov, &piece);
				} else if (way == 1) {
					memset(&piece, 0, sizeof(piece));
					piece.iov = &iov;
					piece.iovcnt = 1;
					piece.offset = at;
					ret = ioctl(fd, AIOURING_BTRFS_ENCODED_READ, &piece);
				} else {
					ret = pread(fd, memory, PIECE, at);
				}
				if (ret < 0)
					fail(ways[way], -errno);
				at += (off_t)(way == 2 ? (__u64)ret : piece.len);
			}
			start = now() - start;
			if (round == 0 || start < best[way])
				best[way] = start;
		}
	for (way = 0; way < 3; way++)
		printf("%-18s %7.1f ms, %6.0f MB/s of the file\n", ways[way], best[way] * 1e3,
		       (double)size / best[way] / 1e6);
}

/* In a mount name space of its own: whatever happens, nothing is left behind. */
static int demonstrate(const char *self)
{
	char command[4096];
	int status;

	if (geteuid() != 0 || system("PATH=$PATH:/sbin:/usr/sbin; command -v mkfs.btrfs >/dev/null") != 0) {
		fprintf(stderr, "ext_btrfs: needs root and mkfs.btrfs\n");
		return 77;
	}
	snprintf(command, sizeof(command),
		 "unshare -m sh -ec 'PATH=$PATH:/sbin:/usr/sbin; truncate -s 128M image; mkfs.btrfs -q image >mkfs.out;"
		 " mkdir mounted; mount -o loop,compress=zlib image mounted || exit 77; seq 100000 >mounted/file; sync;"
		 " echo small >mounted/small; sync; \"%s\" mounted/file mounted/copy; \"%s\" mounted/small mounted/little;"
		 " cmp mounted/file mounted/copy; cmp mounted/small mounted/little; echo the copy is right;"
		 " \"%s\" -t mounted/file'",
		 self, self, self);
	status = system(command);
	return status == -1 || (status & 127) ? 1 : status >> 8;
}

int main(int argc, char **argv)
{
	struct iovec registered = {memory, PIECE};
	struct stat status;
	int from, to = -1, ret, timing = argc == 3 && strcmp(argv[1], "-t") == 0;

	if (argc == 1)
		return demonstrate(argv[0]);
	if (argc > 3) {
		fprintf(stderr, "usage: ext_btrfs [-t] FILE [COPY]\n");
		return 2;
	}
	from = open(argv[1 + timing], O_RDONLY);
	if (from < 0 || fstat(from, &status) != 0)
		fail(argv[1 + timing], -errno);
	if (argc == 3 && !timing && (to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666)) < 0)
		fail(argv[2], -errno);
	ret = io_uring_queue_init(4, &ring, 0);
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	ret = io_uring_register_buffers(&ring, &registered, 1);
	if (ret < 0)
		fail("io_uring_register_buffers", ret);
	ret = aiouring_btrfs_fixed(from);
	if (ret < 0)
		fail("aiouring_btrfs_fixed", ret);
	printf("this kernel %s registered buffers here\n", ret ? "uses" : "ignores");
	if (timing)
		measure(from, status.st_size);
	else
		copy(from, to, status.st_size);
	io_uring_queue_exit(&ring);
	return 0;
}
