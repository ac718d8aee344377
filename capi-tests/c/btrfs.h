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
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "check.h"
#include "loop_device.h"

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
	int image, device;
	char path[32];

	if (geteuid() != 0)
		SKIP("mounting is root's");
	image = open("image", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(image >= 0);
	CHECK(ftruncate(image, 128L << 20) == 0);
	if (system("PATH=$PATH:/sbin:/usr/sbin mkfs.btrfs -q image >/dev/null 2>&1") != 0)
		SKIP("no mkfs.btrfs");
	device = loop_device(image, O_RDWR, path, sizeof(path));
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		SKIP("no mount name space: %s", strerror(errno));
	CHECK(mkdir("mounted", 0700) == 0 || errno == EEXIST);
	if (mount(path, "mounted", "btrfs", 0, options) != 0)
		SKIP("no btrfs: %s", strerror(errno));
	CHECK(chdir("mounted") == 0);
	unlink("../image");
	close(device);
	close(image);
}

/* Data that becomes smaller by a half or more: a page's worth of every pattern is repeated. */
MAYBE_UNUSED static void fill_compressible(unsigned char *memory, size_t size, uint64_t seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		memory[i] = i % 4096 < 1000 ? pattern_at(seed, i) : (unsigned char)(i / 4096);
}

#endif
