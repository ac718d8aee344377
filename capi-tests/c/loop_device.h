/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A block device that is a file. */
#ifndef LOOP_DEVICE_H
#define LOOP_DEVICE_H

#include "check.h"

#include <linux/loop.h>
#include <sys/ioctl.h>

/*
 * Makes a loop device of a file and opens it; its path goes to name. It goes away with the last descriptor and mount. The
 * test is skipped where there are none.
 */
MAYBE_UNUSED static int loop_device(int file, int flags, char *name, size_t room)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), attempt;
	struct loop_config config;

	if (control < 0)
		SKIP("no loop devices: %s", strerror(errno));
	memset(&config, 0, sizeof(config));
	config.fd = (unsigned int)file;
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	/* Somebody else may take the free device first. */
	for (attempt = 0; attempt < 50; attempt++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), device;

		snprintf(name, room, "/dev/loop%d", number);
		if (number < 0 || (device = open(name, flags | O_CLOEXEC)) < 0)
			SKIP("no free loop device: %s", strerror(errno));
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
			close(control);
			return device;
		}
		close(device);
	}
	SKIP("no loop device to be had");
}

#endif
