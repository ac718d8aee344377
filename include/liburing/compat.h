/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the system headers may be too old to have. */
#ifndef LIBURING_COMPAT_H
#define LIBURING_COMPAT_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdint.h>

#ifdef __has_include
#if __has_include(<linux/time_types.h>)
#define URING_HAVE_TIME_TYPES__
#endif
#if __has_include(<linux/openat2.h>)
#define URING_HAVE_OPENAT2__
#endif
#endif

/* struct __kernel_timespec: seconds and nanoseconds, 64 bits each on every machine. */
#ifdef URING_HAVE_TIME_TYPES__
#include <linux/time_types.h>
#else
struct __kernel_timespec {
	int64_t tv_sec;
	long long tv_nsec;
};
#endif
/* It is defined now: liburing/io_uring.h need not look for it. */
#ifndef UAPI_LINUX_IO_URING_H_SKIP_LINUX_TIME_TYPES_H
#define UAPI_LINUX_IO_URING_H_SKIP_LINUX_TIME_TYPES_H 1
#endif

/* struct open_how: the arguments of openat2(2). */
#ifdef URING_HAVE_OPENAT2__
#include <linux/openat2.h>
#else
struct open_how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};
#endif

#undef URING_HAVE_TIME_TYPES__
#undef URING_HAVE_OPENAT2__

/* Commands for block devices: discard a range (Linux 6.12), reset all zones (Linux 7.1). */
#ifndef BLOCK_URING_CMD_DISCARD
#define BLOCK_URING_CMD_DISCARD _IO(0x12, 0)
#endif
#ifndef BLOCK_URING_CMD_ZONE_RESET_ALL
#define BLOCK_URING_CMD_ZONE_RESET_ALL _IO(0x12, 1)
#endif

#endif
