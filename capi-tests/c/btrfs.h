/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A btrfs that compresses with zlib, and zlib itself. Needs root, loop devices and mkfs.btrfs; else the test is skipped.
 *
 * It is mounted in a mount name space of this process, on a loop device that goes with its last user: however the process
 * ends, nothing is left behind.
 */
#ifndef BTRFS_H
#define BTRFS_H

#include <dlfcn.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "check.h"

/* Decoded bytes of an extent at most. */
enum { EXTENT = 128 * 1024 };

static int (*zlib_uncompress)(unsigned char *to, unsigned long *to_len, const unsigned char *from, unsigned long len);
static int (*zlib_compress)(unsigned char *to, unsigned long *to_len, const unsigned char *from, unsigned long len);

MAYBE_UNUSED static void need_zlib(void)
{
	void *library = dlopen("libz.so.1", RTLD_NOW);

	if (!library)
		SKIP("no zlib: %s", dlerror());
	*(void **)&zlib_uncompress = dlsym(library, "uncompress");
	*(void **)&zlib_compress = dlsym(library, "compress");
	CHECK(zlib_uncompress && zlib_compress);
}

/* Mounts a new one with the options, and changes into it. */
MAYBE_UNUSED static void enter_btrfs(const char *options)
{
	int image, control, attempt, device = -1;
	struct loop_config config;
	char path[32];

	if (geteuid() != 0)
		SKIP("mounting is root's");
	image = open("image", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(image >= 0);
	CHECK(ftruncate(image, 128L << 20) == 0);
	if (system("PATH=$PATH:/sbin:/usr/sbin mkfs.btrfs -q image >/dev/null 2>&1") != 0)
		SKIP("no mkfs.btrfs");
	control = open("/dev/loop-control", O_RDWR);
	if (control < 0)
		SKIP("no loop devices: %s", strerror(errno));
	memset(&config, 0, sizeof(config));
	config.fd = (unsigned int)image;
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	/* Somebody else may take the free device first. */
	for (attempt = 0; attempt < 20; attempt++) {
		snprintf(path, sizeof(path), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		device = open(path, O_RDWR);
		if (device < 0)
			SKIP("no free loop device: %s", strerror(errno));
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
			break;
		close(device);
		device = -1;
	}
	if (device < 0)
		SKIP("no loop device to be had");
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		SKIP("no mount name space: %s", strerror(errno));
	CHECK(mkdir("mounted", 0700) == 0 || errno == EEXIST);
	if (mount(path, "mounted", "btrfs", 0, options) != 0)
		SKIP("no btrfs: %s", strerror(errno));
	CHECK(chdir("mounted") == 0);
	unlink("../image");
	close(device);
	close(image);
	close(control);
}

/* Data that becomes smaller by a half or more: a page's worth of every pattern is repeated. */
MAYBE_UNUSED static void fill_compressible(unsigned char *memory, size_t size, uint64_t seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		memory[i] = i % 4096 < 1000 ? pattern_at(seed, i) : (unsigned char)(i / 4096);
}

#endif
