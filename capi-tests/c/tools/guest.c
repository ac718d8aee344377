/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The only program of a virtual machine: writes a pattern to its disk with many requests in flight, reads it back,
 * says what came of it on the console and turns the machine off.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 8, BLOCK = 4096, MOST = 16 };

static const char disk[] = "/dev/vda";
static uint64_t blocks;

static void end(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	printf("guest: ");
	vprintf(format, list);
	printf("\n");
	fflush(stdout);
	va_end(list);
	if (getpid() != 1)
		_exit(1);
	reboot(RB_POWER_OFF);
	_exit(1);
}

/* What the host expects, too: every 8 bytes hold their position on the disk, turned around. */
static void fill(uint64_t *words, uint64_t first, unsigned int count)
{
	uint64_t i;

	for (i = 0; i < (uint64_t)count * BLOCK / 8; i++)
		words[i] = ~(first * BLOCK + i * 8);
}

/* Every WORKERSth extent, from the last to the first; extents are 1 to 16 blocks long. */
static void work(uint64_t worker, int writing)
{
	uint64_t *words = mmap(NULL, MOST * BLOCK * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *expected = words + MOST * BLOCK / 8;
	/* One in two goes through the guest's cache: its write-back is many and large requests at a time. */
	int fd = open(disk, O_RDWR | (worker % 2 ? O_DIRECT : 0));
	uint64_t extent;

	if (fd < 0 || words == MAP_FAILED)
		end("worker %d: errno %d", (int)worker, errno);
	for (extent = blocks / MOST; extent-- > 0;) {
		unsigned int done = 0, count;

		if (extent % WORKERS != worker)
			continue;
		for (; done < MOST; done += count) {
			uint64_t first = extent * MOST + done;
			ssize_t size, result;

			count = 1 + (unsigned int)(extent * 7 + done) % MOST;
			if (count > MOST - done)
				count = MOST - done;
			size = (ssize_t)count * BLOCK;
			fill(expected, first, count);
			if (writing)
				result = pwrite(fd, expected, (size_t)size, (off_t)(first * BLOCK));
			else
				result = pread(fd, words, (size_t)size, (off_t)(first * BLOCK));
			if (result != size)
				end("block %d: result %d, errno %d", (int)first, (int)result, errno);
			if (!writing && memcmp(words, expected, (size_t)size) != 0)
				end("block %d is wrong", (int)first);
		}
		if (writing && extent % 64 == worker && fsync(fd) != 0)
			end("fsync: errno %d", errno);
	}
	if (writing && fsync(fd) != 0)
		end("fsync: errno %d", errno);
	_exit(0);
}

static void all_workers(int writing)
{
	int i, status, fd;

	fflush(stdout);
	for (i = 0; i < WORKERS; i++)
		if (fork() == 0)
			work((uint64_t)i, writing);
	for (i = 0; i < WORKERS; i++)
		if (wait(&status) < 0 || status != 0)
			end("a worker failed");
	/* What is read next comes from the disk. */
	fd = open(disk, O_RDONLY);
	if (fd < 0 || ioctl(fd, BLKFLSBUF, 0) != 0)
		end("BLKFLSBUF: errno %d", errno);
	close(fd);
}

/* They may need each other, in an order that is not known here. */
static void load_modules(void)
{
	int missing, rounds = 0;

	do {
		char name[] = "/0.ko";
		int fd;

		missing = 0;
		for (; (fd = open(name, O_RDONLY)) >= 0; name[1]++) {
			if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)
				missing++;
			close(fd);
		}
	} while (missing > 0 && ++rounds < 8);
	if (missing > 0)
		end("%d modules do not load", missing);
}

int main(void)
{
	int fd;

	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	load_modules();
	fd = open(disk, O_RDONLY);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &blocks) != 0)
		end("%s: errno %d", disk, errno);
	close(fd);
	blocks /= BLOCK;
	all_workers(1);
	all_workers(0);
	sync();
	end("%d blocks are right", (int)blocks);
}
