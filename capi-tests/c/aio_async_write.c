/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: ours,preload-ours
/* AIOURING_WRITE=async: io_submit does not wait for writes, which are right in the end. */
#include "aio_check.h"
#include "loop_device.h"

#include <linux/fs.h>
#include <sys/mount.h>

enum { SIZE = 65536, COUNT = 8 };

static char mount_point[] = "mount-XXXXXX";
static int mounted;

static void put_away(void)
{
	if (mounted) {
		int fd = open(mount_point, O_RDONLY);

		ioctl(fd, FITHAW, 0);
		close(fd);
		umount2(mount_point, MNT_DETACH);
		rmdir(mount_point);
	}
}

/* A file system of its own, so that it can be frozen: nothing is written to it then. */
static void mount_one(void)
{
	char path[32], image[] = "image-XXXXXX", command[128];
	int backing = mkstemp(image), loop;

	CHECK(backing >= 0 && ftruncate(backing, 16 << 20) == 0);
	snprintf(command, sizeof(command), "/sbin/mkfs.ext4 -q -F %s", image);
	if (system(command) != 0)
		SKIP("no mkfs.ext4");
	unlink(image);
	loop = loop_device(backing, O_RDWR, path, sizeof(path));
	CHECK(mkdtemp(mount_point) != NULL);
	CHECK(mount(path, mount_point, "ext4", 0, "") == 0);
	mounted = 1;
	at_failure = put_away;
	close(loop);
	close(backing);
}

/* Writes a file from nothing while the file system is frozen. */
static void frozen(io_context_t ctx, int flags)
{
	struct iocb iocbs[COUNT], *list[COUNT];
	struct io_event events[COUNT];
	struct timespec moment = {0, 100000000};
	char path[64], *data = (char *)pages(SIZE), *back = (char *)pages(SIZE);
	int fd, dir = open(mount_point, O_RDONLY), i;
	long start;

	snprintf(path, sizeof(path), "%s/file", mount_point);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
	CHECK(fd >= 0 && dir >= 0);
	fill(data, SIZE, 21, 0);
	for (i = 0; i < COUNT; i++) {
		long part = SIZE / COUNT, at = part * (i * 3 % COUNT);

		io_prep_pwrite(&iocbs[i], fd, data + at, (size_t)part, at);
		list[i] = &iocbs[i];
	}
	CHECK(ioctl(dir, FIFREEZE, 0) == 0);
	start = now_ms();
	CHECK_EQ(io_submit(ctx, COUNT, list), COUNT);
	CHECK_LE(now_ms() - start, 2000);
	CHECK_EQ(io_getevents(ctx, 1, COUNT, events, &moment), 0);
	CHECK(ioctl(dir, FITHAW, 0) == 0);
	reap(ctx, COUNT, events);
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(events[i].res, SIZE / COUNT);
	CHECK_EQ(pread(fd, back, SIZE, 0), SIZE);
	CHECK_PATTERN(back, SIZE, 21, 0);
	close(fd);
	close(dir);
}

int main(int argc, char **argv)
{
	struct iocb iocb;
	struct iovec vec[2];
	char buf[100];
	io_context_t ctx;
	int fd, append, i;

	(void)argc;
	if (!getenv("AIOURING_WRITE")) {
		setenv("AIOURING_WRITE", "async", 1);
		execv("/proc/self/exe", argv);
		FAIL("execv: %m");
	}
	ctx = setup(COUNT);
	mount_one();
	frozen(ctx, 0);
	frozen(ctx, O_DIRECT);
	put_away();
	mounted = 0;

	/* One after the other everything is as ever. */
	fd = temp_file(0, 0);
	fill(buf, 100, 22, 0);
	for (i = 0; i < 10; i++) {
		io_prep_pwrite(&iocb, fd, buf + 10 * i, 10, 10 * i);
		EVENT_IS(ctx, &iocb, 10);
	}
	io_prep_fsync(&iocb, fd);
	EVENT_IS(ctx, &iocb, 0);
	memset(buf, 0, 100);
	io_prep_pread(&iocb, fd, buf, 100, 0);
	EVENT_IS(ctx, &iocb, 100);
	CHECK_PATTERN(buf, 100, 22, 0);
	vec[0] = (struct iovec){buf, 50};
	vec[1] = (struct iovec){buf + 50, 50};
	io_prep_pwritev(&iocb, fd, vec, 2, 100);
	EVENT_IS(ctx, &iocb, 100);
	CHECK_EQ(pread(fd, buf, 100, 100), 100);
	CHECK_PATTERN(buf, 100, 22, 0);
	io_prep_pwrite(&iocb, fd, buf, 0, 0);
	EVENT_IS(ctx, &iocb, 0);
	io_prep_pwrite(&iocb, fd, NULL, 10, 0);
	EVENT_IS(ctx, &iocb, -EFAULT);
	io_prep_pwrite(&iocb, fd, buf, 10, 1ll << 62);
	EVENT_IS(ctx, &iocb, -EFBIG);

	/* Appends keep their order. */
	append = reopen(fd, O_WRONLY | O_APPEND);
	CHECK(ftruncate(fd, 0) == 0);
	for (i = 0; i < 10; i++) {
		io_prep_pwrite(&iocb, append, buf + 10 * i, 10, 0);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		memset(buf + 10 * i, 0, 10);
	}
	CHECK_EQ(ready(ctx), 10);
	CHECK_EQ(pread(fd, buf, 100, 0), 100);
	CHECK_PATTERN(buf, 100, 22, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
