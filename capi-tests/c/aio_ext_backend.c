// variants: ours,preload-ours,own,caller,sqpoll,ours-kernel,ours-eperm,ours-enosys
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A context says which way its requests go, whoever asks; what is no context is an error. */
#include <aiouring.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "aio_check.h"

static void *ask(void *ctx)
{
	return (void *)(intptr_t)aiouring_context_backend((io_context_t)ctx);
}

int main(void)
{
	io_context_t ctx = NULL, other = NULL;
	long on_ring;
	pthread_t thread;
	void *answer;

	CHECK_EQ(aiouring_context_backend(NULL), -EINVAL);
	CHECK_EQ(aiouring_context_backend((io_context_t)&ctx), -EINVAL);
	CHECK_EQ(io_setup(4, &ctx), 0);
	on_ring = aiouring_context_backend(ctx);
	CHECK(on_ring == 0 || on_ring == 1);
	/* What the kernel knows is a context of its own; a preloaded library answers in its place. */
	if (!getenv("LD_PRELOAD"))
		CHECK_EQ(on_ring, syscall(SYS_io_getevents, ctx, 0L, 0L, NULL, NULL) == 0 ? 0 : 1);
	CHECK_EQ(pthread_create(&thread, NULL, ask, ctx), 0);
	CHECK_EQ(pthread_join(thread, &answer), 0);
	CHECK_EQ((intptr_t)answer, on_ring);

	CHECK_EQ(io_setup(4, &other), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_context_backend(ctx), -EINVAL);
	CHECK_EQ(aiouring_context_backend(other), on_ring);
	CHECK_EQ(io_destroy(other), 0);
	return 0;
}
