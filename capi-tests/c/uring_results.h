/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the tests of the results of requests share: a ring, and a line per request. */
#ifndef URING_RESULTS_H
#define URING_RESULTS_H

#include "uring_check.h"

static struct io_uring ring;
static struct io_uring_probe *probe;

/* The result of a request that the arguments prepare in `sqe`. */
#define RESULT(...)                                                                                                    \
	__extension__({                                                                                                \
		struct io_uring_sqe *sqe = next(&ring);                                                                \
		__VA_ARGS__;                                                                                           \
		run_one(&ring, sqe);                                                                                   \
	})

/* Prepares and submits a request with this user data that does not complete yet. */
#define START(number, ...)                                                                                             \
	do {                                                                                                           \
		struct io_uring_sqe *sqe = next(&ring);                                                                \
		__VA_ARGS__;                                                                                           \
		io_uring_sqe_set_data64(sqe, number);                                                                  \
		CHECK_EQ(io_uring_submit(&ring), 1);                                                                   \
	} while (0)

/* Checks that the next completion is that of the request `number`. */
#define CHECK_NEXT(number, result)                                                                                     \
	do {                                                                                                           \
		struct completion next_ = take(&ring);                                                                 \
		CHECK_EQ(next_.user_data, number);                                                                     \
		CHECK_EQ(next_.res, result);                                                                           \
	} while (0)

/* Checks that the next two completions are these, in either order. */
#define CHECK_BOTH(number1, result1, number2, result2)                                                                 \
	do {                                                                                                           \
		struct completion one_ = take(&ring), other_ = take(&ring);                                            \
		if (one_.user_data != (number1)) {                                                                     \
			struct completion swapped_ = one_;                                                             \
			one_ = other_;                                                                                 \
			other_ = swapped_;                                                                             \
		}                                                                                                      \
		CHECK_EQ(one_.user_data, number1);                                                                     \
		CHECK_EQ(one_.res, result1);                                                                           \
		CHECK_EQ(other_.user_data, number2);                                                                   \
		CHECK_EQ(other_.res, result2);                                                                         \
	} while (0)

MAYBE_UNUSED static int has(int op)
{
	return io_uring_opcode_supported(probe, op);
}

/* Kernels that are older than Linux 6.0 have too little of it. */
MAYBE_UNUSED static void begin(void)
{
	make(&ring, 16, 0);
	probe = io_uring_get_probe_ring(&ring);
	if (!probe || !has(IORING_OP_SEND_ZC))
		SKIP("the kernel is too old");
}

/* A buffer ring of four entries for a group, with functions that an old library has too. */
MAYBE_UNUSED static struct io_uring_buf_ring *buf_ring(int group)
{
	struct io_uring_buf_reg reg;
	struct io_uring_buf_ring *br = pages(4096);

	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (uintptr_t)br;
	reg.ring_entries = 4;
	reg.bgid = (__u16)group;
	CHECK_EQ(io_uring_register_buf_ring(&ring, &reg, 0), 0);
	return br;
}

#endif
