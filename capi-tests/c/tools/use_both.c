/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Both faces from one library. */
#include <aiouring.h>
#include <errno.h>

int main(void)
{
	struct io_uring ring;
	io_context_t ctx = NULL;
	int ret = io_uring_queue_init(4, &ring, 0);

	if (ret < 0)
		return ret == -EPERM || ret == -ENOSYS ? 77 : 1;
	if (io_setup(4, &ctx) != 0 || io_destroy(ctx) != 0)
		return 1;
	io_uring_queue_exit(&ring);
	return 0;
}
