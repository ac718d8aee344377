// variants: ours-kernel,ours-eperm,ours-enosys,caller,sqpoll
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where no thread of the library can wait for data, a context gets no ring of buffers, and takes no such read. */
#include "aio_ext_select.h"

int main(void)
{
	struct aiouring_bufring *br;
	struct iocb iocb;
	io_context_t ctx = setup(4);
	int fds[2];
	char byte = 0;

	make_stream(0, fds);
	CHECK_EQ(aiouring_bufring_create(&br, 2, 64, 7, 0, NULL), 0);
	CHECK_EQ(aiouring_bufring_bind(br, ctx), -EOPNOTSUPP);
	CHECK_EQ(aiouring_bufring_unbind(br), -EINVAL);
	aiouring_prep_pread_select(&iocb, fds[0], 1, 0);
	CHECK_EQ(submit_one(ctx, &iocb), -EINVAL);
	/* The context does what it does. */
	put(fds[1], "x");
	io_prep_pread(&iocb, fds[0], &byte, 1, 0);
	EVENT_IS(ctx, &iocb, 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
