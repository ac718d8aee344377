/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The version of the interface that the headers describe; io_uring_major_version() tells that of the library. */
#ifndef LIBURING_VERSION_H
#define LIBURING_VERSION_H

#define IO_URING_VERSION_MAJOR 2
#define IO_URING_VERSION_MINOR 15

#endif
