/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring.h - both faces of libaiouring.so.1, libaio and liburing, and what goes beyond them. */
#ifndef AIOURING_H
#define AIOURING_H

#include <libaio.h>
#include <liburing.h>

/* The version of the extensions declared here: those of AIOURING_VERSION_MAJOR 1 carry the version node AIOURING_1.0. */
#define AIOURING_VERSION_MAJOR 1
#define AIOURING_VERSION_MINOR 0

#endif
