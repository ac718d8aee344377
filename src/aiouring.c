/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The inline functions of aiouring.h as external ones, for languages that cannot use them otherwise. */
#define AIOURINGINLINE
#include "aiouring.h"
