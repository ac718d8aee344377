// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The soft limit of descriptors is raised when registered files need it, by their number, and only then. */
#include <sys/resource.h>

#include "kernel.h"
#include "uring_check.h"

static struct io_uring ring;
static struct rlimit first;
static unsigned asked;
static long answers[4];

static rlim_t soft(void)
{
	struct rlimit now;

	CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0);
	CHECK_EQ(now.rlim_max, first.rlim_max);
	return now.rlim_cur;
}

static void set_soft(rlim_t n)
{
	struct rlimit limit = first;

	limit.rlim_cur = n;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static long scripted(const struct call *call)
{
	if (call->nr == __NR_io_uring_setup)
		return real(call);
	CHECK(asked < COUNT_OF(answers));
	return answers[asked++];
}

enum { PLAIN, TAGS, SPARSE, WAYS };

static int files[4096];
static __u64 tags[4096];

static int register_files(int way, unsigned nr)
{
	switch (way) {
	case PLAIN:
		return io_uring_register_files(&ring, files, nr);
	case TAGS:
		return io_uring_register_files_tags(&ring, files, tags, nr);
	default:
		return io_uring_register_files_sparse(&ring, nr);
	}
}

int main(void)
{
	int way;
	unsigned i;

	for (i = 0; i < COUNT_OF(files); i++)
		files[i] = -1;
	CHECK(getrlimit(RLIMIT_NOFILE, &first) == 0);
	if (first.rlim_max < 4096)
		SKIP("the hard limit is %lld", (long long)first.rlim_max);
	first.rlim_max = 4096;
	set_soft(1000);
	make(&ring, 8, 0);

	for (way = 0; way < WAYS; way++) {
		/* As many as the limit allows. */
		CHECK_EQ(register_files(way, 1000), 0);
		CHECK_EQ(soft(), 1000);
		CHECK_EQ(io_uring_unregister_files(&ring), 0);
		/* One more. */
		CHECK_EQ(register_files(way, 1001), 0);
		CHECK_EQ(soft(), 2001);
		CHECK_EQ(io_uring_unregister_files(&ring), 0);
		set_soft(1000);
		CHECK_EQ(register_files(way, 3096), 0);
		CHECK_EQ(soft(), first.rlim_max);
		CHECK_EQ(io_uring_unregister_files(&ring), 0);
		/* Not beyond the hard limit. */
		set_soft(1000);
		CHECK_EQ(register_files(way, 3097), -EMFILE);
		CHECK_EQ(soft(), 1000);
		/* Other errors raise nothing. */
		CHECK_EQ(register_files(way, 0), -EINVAL);
		CHECK_EQ(soft(), 1000);
	}

	answer = scripted;
	play_kernel();
	for (way = 0; way < WAYS; way++) {
		static const long script[][4] = {
			{-EMFILE, 0, 0, 0},
			{-EMFILE, -EMFILE, 0, 0},
			{-EMFILE, -ENOMEM, 0, 0},
			{-ENFILE, 0, 0, 0},
			{-EINVAL, 0, 0, 0},
			{-EBUSY, 0, 0, 0},
		};

		for (i = 0; i < COUNT_OF(script); i++) {
			long last = script[i][0] == -EMFILE ? script[i][1] : script[i][0];

			memcpy(answers, script[i], sizeof(answers));
			set_soft(1000);
			asked = 0;
			CHECK_EQ(register_files(way, 1500), last);
			CHECK_EQ(asked, script[i][0] == -EMFILE ? 2 : 1);
			CHECK_EQ(soft(), script[i][0] == -EMFILE ? 2500 : 1000);
			/* The limit is not what was too low. */
			set_soft(2000);
			asked = 0;
			CHECK_EQ(register_files(way, 1500), last);
			CHECK_EQ(soft(), 2000);
			/* It cannot be raised: the kernel has the last word nevertheless. */
			set_soft(1000);
			asked = 0;
			CHECK_EQ(register_files(way, 500000), last);
			CHECK_EQ(asked, script[i][0] == -EMFILE ? 2 : 1);
			CHECK_EQ(soft(), 1000);
		}
	}
	/* Others never raise it. */
	answers[0] = -EMFILE;
	asked = 0;
	CHECK_EQ(io_uring_register_files_update(&ring, 0, files, 1500), -EMFILE);
	asked = 0;
	CHECK_EQ(io_uring_register_files_update_tag(&ring, 0, files, tags, 1500), -EMFILE);
	asked = 0;
	CHECK_EQ(io_uring_register_buffers_sparse(&ring, 1500), -EMFILE);
	CHECK_EQ(asked, 1);
	CHECK_EQ(soft(), 1000);
	return 0;
}
