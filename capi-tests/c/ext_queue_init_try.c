/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Set-up with wishes: what is granted, how often the kernel is asked, and which errors end it. */
#include <aiouring.h>

#include "kernel.h"
#include "uring_check.h"

#define COOP IORING_SETUP_COOP_TASKRUN
#define FLAG IORING_SETUP_TASKRUN_FLAG
#define SINGLE IORING_SETUP_SINGLE_ISSUER
#define DEFER IORING_SETUP_DEFER_TASKRUN
#define SQPOLL IORING_SETUP_SQPOLL

static unsigned calls, questions, unknown_flags;
static int answers_questions, refusal, refusal_from;

static long scripted(const struct call *call)
{
	const struct io_uring_params *p = (const struct io_uring_params *)call->args[1];

	if (call->nr == __NR_io_uring_register) {
		if ((unsigned)call->args[1] == IORING_REGISTER_QUERY && ++questions && !answers_questions)
			return -EINVAL;
		return real(call);
	}
	/* Each attempt begins without the array. */
	if (p->flags & IORING_SETUP_NO_SQARRAY)
		calls++;
	if (refusal && (int)calls >= refusal_from)
		return refusal;
	if (p->flags & unknown_flags)
		return -EINVAL;
	return real(call);
}

static int attempt(struct io_uring *ring, unsigned must, const unsigned *wishes, unsigned nr, unsigned *taken)
{
	struct io_uring_params p, asked;
	int ret;

	memset(&p, 0, sizeof(p));
	p.flags = must;
	asked = p;
	calls = questions = 0;
	*taken = 0xdead;
	ret = aiouring_queue_init_try(8, ring, &p, wishes, nr, taken);
	if (ret == 0) {
		CHECK_EQ(ring->flags & *taken, *taken);
		CHECK_EQ(p.flags, ring->flags);
		CHECK_EQ(p.sq_entries, 8);
	} else {
		CHECK_EQ(memcmp(&p, &asked, sizeof(p)), 0);
		CHECK_EQ(*taken, 0xdead);
		/* Ending what is not there does nothing. */
		io_uring_queue_exit(ring);
	}
	return ret;
}

static void granted(unsigned must, const unsigned *wishes, unsigned nr, unsigned expected, unsigned at_most)
{
	struct io_uring ring;
	unsigned taken;

	CHECK_EQ(attempt(&ring, must, wishes, nr, &taken), 0);
	CHECK_EQ(taken, expected);
	CHECK_LE(calls, at_most);
	nops(&ring, 1, 5);
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(take(&ring).user_data, 5);
	io_uring_queue_exit(&ring);
}

static int open_descriptors(void)
{
	int fd = dup(0);

	CHECK(fd >= 0);
	close(fd);
	return fd;
}

int main(void)
{
	const unsigned modern[] = {DEFER, IORING_SETUP_CQE_MIXED, COOP};
	const unsigned quarrel[] = {SQPOLL, DEFER, COOP, FLAG};
	const unsigned old[] = {1U << 31, COOP | FLAG, IORING_SETUP_SUBMIT_ALL};
	unsigned many[33] = {0}, taken, i;
	struct io_uring_params p;
	struct io_uring ring;
	int before;

	memset(&p, 0, sizeof(p));
	make(&ring, 4, DEFER | SINGLE | COOP);
	io_uring_queue_exit(&ring);
	before = open_descriptors();
	answer = scripted;
	play_kernel();

	/* A kernel that answers is asked once, and only for what it knows. */
	for (answers_questions = 1; answers_questions >= 0; answers_questions--) {
		granted(0, quarrel, COUNT_OF(quarrel), SQPOLL, 1);
		granted(COOP, quarrel, COUNT_OF(quarrel), COOP | DEFER | SINGLE | FLAG, 1);
		granted(COOP, NULL, 0, COOP, 1);
		granted(0, old, COUNT_OF(old), COOP | FLAG | IORING_SETUP_SUBMIT_ALL, answers_questions ? 2 : 4);
		CHECK_EQ(questions, 1);
	}

	/* Linux 6.0, 5.18 and 5.10, which do not answer. */
	unknown_flags = DEFER | IORING_SETUP_NO_SQARRAY | IORING_SETUP_CQE_MIXED;
	granted(SINGLE, modern, COUNT_OF(modern), SINGLE | COOP, 4);
	granted(0, modern, COUNT_OF(modern), COOP, 4);
	unknown_flags |= COOP | FLAG | SINGLE;
	granted(0, old, COUNT_OF(old), IORING_SETUP_SUBMIT_ALL, 4);
	granted(0, modern, COUNT_OF(modern), 0, 5);
	unknown_flags |= IORING_SETUP_SUBMIT_ALL;
	granted(IORING_SETUP_CLAMP, old, COUNT_OF(old), IORING_SETUP_CLAMP, 5);

	/* What it must have is not bargained about. */
	CHECK_EQ(attempt(&ring, COOP, old, COUNT_OF(old), &taken), -EINVAL);
	CHECK_EQ(attempt(&ring, DEFER, NULL, 0, &taken), -EINVAL);

	/* Other errors are no reason to ask for less, nor those that come in the midst of trials. */
	for (refusal_from = 0; refusal_from < 3; refusal_from++) {
		static const int errors[] = {-EPERM, -ENOSYS, -ENOMEM, -EMFILE};

		for (i = 0; i < COUNT_OF(errors); i++) {
			refusal = errors[i];
			CHECK_EQ(attempt(&ring, 0, old, COUNT_OF(old), &taken), errors[i]);
			CHECK_LE(calls, refusal_from ? refusal_from : 1);
		}
	}
	refusal = 0;
	unknown_flags = 0;

	/* Bad input. */
	CHECK_EQ(aiouring_queue_init_try(8, &ring, &p, many, 33, &taken), -EINVAL);
	CHECK_EQ(aiouring_queue_init_try(8, &ring, &p, NULL, 1, &taken), -EINVAL);
	CHECK_EQ(aiouring_queue_init_try(8, NULL, &p, many, 1, &taken), -EINVAL);
	CHECK_EQ(aiouring_queue_init_try(8, &ring, NULL, many, 1, &taken), -EINVAL);
	CHECK_EQ(aiouring_queue_init_try(0, &ring, &p, many, 32, &taken), -EINVAL);
	CHECK_EQ(aiouring_queue_init_try(8, &ring, &p, many, 32, NULL), 0);
	io_uring_queue_exit(&ring);

	/* No attempt leaves a ring behind. */
	CHECK_EQ(open_descriptors(), before);
	return 0;
}
