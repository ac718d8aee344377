/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inline functions of liburing.h as external ones, for languages that cannot use them otherwise. */
#define LIBURING_INTERNAL
#define IOURINGINLINE
#include "liburing.h"
