// oracle: no (from 2.5 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IORING_SETUP_NO_MMAP: the library allocates the rings itself. */
#include "uring_check.h"

int main(void)
{
	static const unsigned sizes[] = {1, 8, 64, 1024, 4096};
	unsigned i;

	for (i = 0; i < COUNT_OF(sizes); i++) {
		struct io_uring_params params;
		struct io_uring ring;
		unsigned round;
		int ret;

		memset(&params, 0, sizeof(params));
		params.flags = IORING_SETUP_NO_MMAP;
		ret = io_uring_queue_init_params(sizes[i], &ring, &params);
		if (ret == -EPERM || ret == -ENOSYS || (ret == -EINVAL && i == 0))
			SKIP("no such rings: %d", ret);
		/* Large ones need a huge page. */
		if (ret == -ENOMEM && sizes[i] > 64)
			continue;
		CHECK_EQ(ret, 0);
		for (round = 0; round < 5; round++) {
			unsigned n;

			nops(&ring, sizes[i], round);
			CHECK_EQ(io_uring_submit_and_wait(&ring, sizes[i]), sizes[i]);
			for (n = 0; n < sizes[i]; n++)
				CHECK_EQ(take(&ring).user_data, round + n);
		}
		io_uring_queue_exit(&ring);
	}
	return 0;
}
