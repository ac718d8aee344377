/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A block device that answers a few requests per second: a loop device over a file, throttled by the blkio
 * controller for a control group that this process and its children are in. Needs root; else the test is skipped.
 */
#ifndef SLOW_DEVICE_H
#define SLOW_DEVICE_H

#include <pthread.h>
#include <sys/sysmacros.h>

#include "check.h"
#include "loop_device.h"

/* Requests per second, in each direction, and so about how long one takes when another has just been answered. */
enum { SLOW_IOPS = 4, SLOW_MS = 1000 / SLOW_IOPS };

#define BLKIO "/sys/fs/cgroup/blkio"

static char slow_group[128], slow_number[32], slow_path[32];
static pid_t slow_owner;

MAYBE_UNUSED static int write_text(const char *directory, const char *name, const char *text)
{
	char path[256];
	int fd, ok;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Sets how much the device moves in a second, in each direction: 0 is as much as it can. */
static int slow_limit(int bytes, int requests)
{
	char text[64];
	int ok;

	snprintf(text, sizeof(text), "%s %d", slow_number, bytes);
	ok = write_text(slow_group, "blkio.throttle.read_bps_device", text) &&
	     write_text(slow_group, "blkio.throttle.write_bps_device", text);
	snprintf(text, sizeof(text), "%s %d", slow_number, requests);
	return ok && write_text(slow_group, "blkio.throttle.read_iops_device", text) &&
	       write_text(slow_group, "blkio.throttle.write_iops_device", text);
}

/* From here on the device answers nothing (for a few seconds for each block, so that a lost test ends). */
MAYBE_UNUSED static void slow_hold(void)
{
	CHECK(slow_limit(400, 0));
}

/* What it was asked is answered, and so is what it is asked from here on. */
MAYBE_UNUSED static void slow_release(void)
{
	CHECK(slow_limit(0, 0));
}

static void *slow_release_after(void *ms)
{
	sleep_ms((long)(intptr_t)ms);
	slow_release();
	return NULL;
}

/* The same in so many milliseconds, by a thread that is to be joined. */
MAYBE_UNUSED static pthread_t slow_release_in(long ms)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, slow_release_after, (void *)(intptr_t)ms), 0);
	return thread;
}

/* Leaves the control group and removes it; the loop device goes with its last descriptor. */
static void slow_cleanup(void)
{
	char pid[32];
	int i;

	if (getpid() != slow_owner)
		return;
	slow_limit(0, 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	write_text(BLKIO, "cgroup.procs", pid);
	for (i = 0; i < 50 && rmdir(slow_group) != 0 && errno == EBUSY; i++)
		sleep_ms(10);
}

/* Makes the device of `size` bytes of pattern `seed` and opens it with O_DIRECT. */
MAYBE_UNUSED static int slow_device(size_t size, uint64_t seed)
{
	int file = temp_file(size, seed), device;
	struct stat status;
	char pid[32];

	snprintf(slow_group, sizeof(slow_group), BLKIO "/test-%d", (int)getpid());
	if (mkdir(slow_group, 0755) != 0)
		SKIP("no blkio control group: %s", strerror(errno));
	slow_owner = getpid();
	atexit(slow_cleanup);
	at_failure = slow_cleanup;

	device = loop_device(file, O_RDWR | O_DIRECT, slow_path, sizeof(slow_path));
	CHECK(fstat(device, &status) == 0);
	close(file);

	snprintf(slow_number, sizeof(slow_number), "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (!slow_limit(0, SLOW_IOPS) || !write_text(slow_group, "cgroup.procs", pid))
		SKIP("the blkio control group cannot throttle");
	return device;
}

#endif
