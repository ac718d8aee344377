// variants: ours-kernel,ours-eperm,ours-enosys
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aiouring_cancel where kernel AIO carries the context: a poll by its iocb, and nothing that could be taken for more. */
#include <aiouring.h>
#include <poll.h>

#include "aio_check.h"

enum { BLOCK = 4096 };

int main(void)
{
	io_context_t ctx = setup(8);
	struct timespec zero = {0, 0};
	struct iocb iocb, other;
	struct io_event event;
	int pipe_fd[2], fd = temp_file(BLOCK, 3);
	char *memory = (char *)pages(BLOCK);

	errno = 1234;
	CHECK(pipe(pipe_fd) == 0);
	CHECK_EQ(aiouring_context_backend(ctx), 0);
	memset(&iocb, 0, sizeof(iocb));
	io_prep_poll(&other, pipe_fd[0], POLLIN);
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	iocb.data = &event;
	CHECK_EQ(submit_one(ctx, &iocb), 1);

	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_ALL, NULL), -EOPNOTSUPP);
	CHECK_EQ(aiouring_cancel(ctx, NULL, pipe_fd[0], AIOURING_CANCEL_FD, NULL), -EOPNOTSUPP);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB | AIOURING_CANCEL_WAIT, NULL), -EOPNOTSUPP);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB | AIOURING_CANCEL_WAIT, &zero), -EOPNOTSUPP);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB, &zero), -EINVAL);
	CHECK_EQ(aiouring_cancel(ctx, NULL, -1, AIOURING_CANCEL_IOCB, NULL), -EINVAL);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, 0, NULL), -EINVAL);
	CHECK_EQ(aiouring_cancel(NULL, &iocb, -1, AIOURING_CANCEL_IOCB, NULL), -EINVAL);
	/* It is still there. */
	CHECK_PENDING(ctx);

	/* The kernel does not say whether one is under way. */
	CHECK_EQ(aiouring_cancel(ctx, &other, -1, AIOURING_CANCEL_IOCB, NULL), -EALREADY);
	CHECK_EQ(aiouring_cancel(ctx, (struct iocb *)(void *)hole(), -1, AIOURING_CANCEL_IOCB, NULL), -EFAULT);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB, NULL), 1);
	reap(ctx, 1, &event);
	CHECK(event.obj == &iocb && event.data == &event);
	CHECK_EQ(event.res, 0);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB, NULL), -EALREADY);
	CHECK_PENDING(ctx);

	io_prep_pread(&iocb, fd, memory, BLOCK, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB, NULL), -EALREADY);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, BLOCK);
	CHECK_EQ(errno, 1234);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_cancel(ctx, &iocb, -1, AIOURING_CANCEL_IOCB, NULL), -EINVAL);
	return 0;
}
