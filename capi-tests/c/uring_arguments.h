/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Checks what a function of the library asks of io_uring_register, byte by byte, and that it passes the answer on. */
#ifndef URING_ARGUMENTS_H
#define URING_ARGUMENTS_H

#include "kernel.h"
#include "uring_check.h"

/* Its descriptor is none: what got to the kernel would fail. */
enum { RING_FD = 12345 };

static struct call asked;
static unsigned asked_count;
static unsigned char asked_bytes[128];
static size_t asked_size;
static long answer_with;

static long note_call(const struct call *call)
{
	asked = *call;
	asked_count++;
	if (asked_size)
		memcpy(asked_bytes, (const void *)call->args[2], asked_size);
	return answer_with;
}

/* `size` bytes at the argument are to be `expected`; with a size of 0 `expected` is the argument itself. */
static void check_asked(const char *what, long ret, unsigned fd, unsigned opcode, unsigned nr, const void *expected,
			size_t size)
{
	if (ret != answer_with)
		FAIL("%s: %ld, but the kernel said %ld", what, ret, answer_with);
	if (asked_count != 1 || asked.nr != __NR_io_uring_register)
		FAIL("%s: %u calls, the last of number %ld", what, asked_count, asked.nr);
	if ((unsigned)asked.args[0] != fd || (unsigned)asked.args[1] != opcode || (unsigned)asked.args[3] != nr)
		FAIL("%s: descriptor %d, opcode %#x, number %u; expected %d, %#x, %u", what, (int)asked.args[0],
		     (unsigned)asked.args[1], (unsigned)asked.args[3], (int)fd, opcode, nr);
	if (size == 0 ? asked.args[2] != (unsigned long)(uintptr_t)expected : memcmp(asked_bytes, expected, size) != 0)
		FAIL("%s: another argument", what);
}

/* Makes the call with answers of the kernel from `first` on. */
#define ASKS_FROM(first, call, fd, opcode, nr, expected, size)                                                         \
	do {                                                                                                           \
		static const long answers[] = {4711, 1, 0, -EINVAL, -ENOSYS, -EINTR, -4095};                            \
		unsigned answer_;                                                                                      \
                                                                                                                       \
		for (answer_ = (first); answer_ < COUNT_OF(answers); answer_++) {                                      \
			answer_with = answers[answer_];                                                                \
			asked_count = 0;                                                                               \
			asked_size = (size);                                                                           \
			errno = 6789;                                                                                  \
			check_asked(#call, call, (unsigned)(fd), opcode, nr, expected, size);                          \
			CHECK_EQ(errno, 6789);                                                                         \
		}                                                                                                      \
	} while (0)

/* For calls that succeed with 0. */
#define ASKS(call, fd, opcode, nr, expected, size) ASKS_FROM(2, call, fd, opcode, nr, expected, size)
/* For calls that succeed with a number. */
#define ASKS_NUMBER(call, fd, opcode, nr, expected, size) ASKS_FROM(0, call, fd, opcode, nr, expected, size)

/* A ring that no kernel made. */
MAYBE_UNUSED static void pretend(struct io_uring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->ring_fd = ring->enter_ring_fd = RING_FD;
	answer = note_call;
	play_kernel();
}

#endif
