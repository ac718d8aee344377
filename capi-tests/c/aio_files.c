/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files that are neither disk files nor streams: devices, terminals, /proc and /sys, sealed and special files. */
#include "aio_check.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

static io_context_t ctx;
static char buf[64];
static struct iocb iocb;

static int file(const char *path, int flags)
{
	int fd = open(path, flags);

	CHECK(fd >= 0);
	return fd;
}

static void read_is(int fd, size_t size, long result)
{
	io_prep_pread(&iocb, fd, buf, size, 0);
	EVENT_IS(ctx, &iocb, result);
}

static void write_is(int fd, size_t size, long result)
{
	io_prep_pwrite(&iocb, fd, buf, size, 0);
	EVENT_IS(ctx, &iocb, result);
}

static void write_refused(int fd, size_t size, int error)
{
	io_prep_pwrite(&iocb, fd, buf, size, 0);
	SUBMIT_IS(ctx, &iocb, error);
}

int main(void)
{
	int master, slave, sealed, fd;
	struct pollfd readable = {-1, POLLIN, 0};
	char *memory = (char *)pages(4096);

	ctx = setup(8);
	read_is(file("/proc/sys/kernel/ostype", O_RDONLY), 64, 6);
	CHECK(memcmp(buf, "Linux\n", 6) == 0);
	read_is(file("/sys/devices/system/cpu/possible", O_RDONLY), 1, 1);
	read_is(file("/dev/urandom", O_RDONLY), 8, 8);
	read_is(file("/dev/null", O_RDONLY), 8, 0);
	write_is(file("/dev/null", O_WRONLY), 4, 4);
	write_is(file("/dev/zero", O_WRONLY), 4, 4);
	write_refused(file("/dev/full", O_WRONLY), 4, -EINVAL);
	write_refused(epoll_create1(0), 4, -EINVAL);
	write_refused(timerfd_create(CLOCK_MONOTONIC, 0), 4, -EINVAL);

	/* A terminal, non-blocking. */
	master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = file(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK);
	read_is(slave, 8, -EAGAIN);
	read_is(master, 8, -EAGAIN);
	memcpy(buf, "abc\n", 4);
	write_is(slave, 3, 3);
	write_is(master, 4, 4);
	/* What goes through a terminal takes a moment. */
	readable.fd = slave;
	CHECK_EQ(poll(&readable, 1, 5000), 1);
	read_is(slave, 8, 4);

	sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	CHECK(sealed >= 0);
	write_is(sealed, 10, 10);
	CHECK(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	write_is(sealed, 10, -EPERM);
	read_is(sealed, 64, 10);

	/* O_NONBLOCK means nothing to a disk file, cached or not. */
	fd = temp_file(4096, 34);
	drop_cache(fd, 0, 0);
	io_prep_pread(&iocb, reopen(fd, O_RDONLY | O_NONBLOCK), memory, 4096, 0);
	EVENT_IS(ctx, &iocb, 4096);
	CHECK_PATTERN(memory, 4096, 34, 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
