/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: ours,ours-kernel,preload-ours
/* AIOURING_CHECK=strict: memory that was good in an earlier call and has gone since is EFAULT, wherever it is named. */
#include "aio_check.h"

/* Memory that the library has seen to be good, and which goes on the second call. */
static void *page;
static int calls;

static void *seen_before(void)
{
	if (calls++ % 2 == 0) {
		page = pages(4096);
		return page;
	}
	CHECK(munmap(page, 4096) == 0);
	return page;
}

/* Once with the memory there, then without it. */
#define TWICE for (int gone = 0; gone < 2; gone++)

int main(int argc, char **argv)
{
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	struct timespec zero = {0, 0};
	io_context_t ctx;
	char buf[16];
	int fd, i;

	(void)argc;
	if (!getenv("AIOURING_CHECK")) {
		setenv("AIOURING_CHECK", "strict", 1);
		execv("/proc/self/exe", argv);
		FAIL("execv: %m");
	}
	fd = temp_file(4096, 3);
	ctx = setup(8);
	TWICE {
		io_context_t *out = (io_context_t *)seen_before();

		CHECK_EQ(io_setup(8, out), gone ? -EFAULT : 0);
		if (!gone)
			CHECK_EQ(io_destroy(*out), 0);
	}
	/* Some of each more than once: what is remembered is remembered by the first. */
	for (i = 0; i < 3; i++) {
		TWICE {
			struct iocb **array = (struct iocb **)seen_before();

			if (!gone)
				array[0] = &iocb;
			io_prep_pread(&iocb, fd, buf, 16, 0);
			CHECK_EQ(io_submit(ctx, 1, array), gone ? -EFAULT : 1);
			CHECK_EQ(ready(ctx), !gone);
		}
		TWICE {
			struct iocb *request = (struct iocb *)seen_before();

			list = request;
			if (!gone)
				io_prep_pread(request, fd, buf, 16, 0);
			CHECK_EQ(io_submit(ctx, 1, &list), gone ? -EFAULT : 1);
			CHECK_EQ(ready(ctx), !gone);
			if (gone)
				CHECK_EQ(io_cancel(ctx, request, &event), -EFAULT);
		}
		TWICE {
			struct iovec *vec = (struct iovec *)seen_before();

			if (!gone) {
				vec[0] = (struct iovec){buf, 8};
				vec[1] = (struct iovec){buf + 8, 8};
			}
			io_prep_preadv(&iocb, fd, vec, 2, 0);
			CHECK_EQ(submit_one(ctx, &iocb), gone ? -EFAULT : 1);
			CHECK_EQ(ready(ctx), !gone);
		}
		TWICE {
			char *data = (char *)seen_before();

			io_prep_pread(&iocb, fd, data, 16, 0);
			EVENT_IS(ctx, &iocb, gone ? -EFAULT : 16);
		}
		TWICE {
			struct io_event *events = (struct io_event *)seen_before();

			io_prep_pread(&iocb, fd, buf, 16, 0);
			CHECK_EQ(submit_one(ctx, &iocb), 1);
			CHECK_EQ(io_getevents(ctx, 1, 1, events, NULL), gone ? -EFAULT : 1);
			CHECK_EQ(ready(ctx), gone);
		}
		TWICE {
			struct timespec *timeout = (struct timespec *)seen_before();

			CHECK_EQ(io_getevents(ctx, 0, 1, &event, timeout), gone ? -EFAULT : 0);
		}
		TWICE {
			sigset_t *mask = (sigset_t *)seen_before();

			io_prep_pread(&iocb, fd, buf, 16, 0);
			CHECK_EQ(submit_one(ctx, &iocb), 1);
			CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, &zero, mask), gone ? -EFAULT : 1);
			CHECK_EQ(ready(ctx), gone);
		}
	}
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
