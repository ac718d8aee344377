// variants: ours,own
// old-kernel: no (the ring has a descriptor)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A seccomp filter takes io_uring away while reads wait for data and for a buffer: each of them ends. */
#include <poll.h>
#include <sys/resource.h>

#include "aio_ext_select.h"
#include "filter.h"

enum { BUFFERS = 8, SIZE = 64 };

static int direct;

/* Takes io_uring away, and has the library notice. */
static void take_away(void)
{
	struct iocb iocb;
	io_context_t ctx = setup(1);
	char *memory = (char *)pages(4096);

	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, 1);
	io_prep_pread(&iocb, direct, memory, 4096, 0);
	EVENT_IS(ctx, &iocb, 4096);
}

/* In a child each, as filters stay. Every read ends, by itself, by io_destroy() or by unbinding. */
static void lost(int how, int streams)
{
	struct aiouring_bufring *br;
	io_context_t ctx = setup_bound(2 * streams, &br, BUFFERS, SIZE, 0);
	struct iocb *iocbs = calloc((size_t)streams * 2, sizeof(*iocbs));
	int (*fds)[2] = calloc((size_t)streams, sizeof(*fds)), taken = 0;
	struct pollfd entry = {-1, 0, 0};
	struct io_event event;
	char data[SIZE];

	for (int i = 0; i < streams; i++) {
		make_stream(i % 2, fds[i]);
		submit_select(ctx, &iocbs[2 * i], fds[i][0], 1);
		submit_select(ctx, &iocbs[2 * i + 1], fds[i][0], 1);
	}
	take_away();
	SUBMIT_IS(ctx, &iocbs[0], -EOPNOTSUPP);
	/* It may be there in time for the first read. */
	put(fds[0][1], "first");
	if (how == 1)
		CHECK_EQ(aiouring_bufring_unbind(br), 0);
	if (how != 2) {
		for (int i = 0; i < 2 * streams; i++) {
			reap(ctx, 1, &event);
			if ((long)event.res > 0) {
				CHECK(event.obj == &iocbs[0] && taken == 0);
				CHECK_EQ(take(br, &event, data), 1);
				taken++;
				CHECK_EQ(data[0], 'f');
			} else {
				CHECK_EQ((long)event.res, -ECANCELED);
				CHECK_EQ(event.res2, 0);
			}
		}
		CHECK_EQ(read(fds[0][0], data, SIZE), 5 - taken);
	}
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(aiouring_bufring_unbind(br), how == 1 ? -EINVAL : 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	/* Nothing of the others was read, and nobody keeps them. */
	for (int i = 1; i < streams; i++) {
		put(fds[i][1], "mine");
		CHECK(read(fds[i][0], data, SIZE) == 4);
		close(fds[i][0]);
		entry.fd = fds[i][1];
		CHECK_EQ(poll(&entry, 1, 5000), 1);
		close(fds[i][1]);
	}
}

int main(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	direct = open("file", O_RDWR | O_CREAT | O_DIRECT, 0600);
	if (direct < 0)
		SKIP("no direct I/O here");
	CHECK(ftruncate(direct, 1 << 16) == 0);
	for (int how = 0; how < 4; how++) {
		/* The last: more than the ring has room for completions. */
		int streams = how == 3 ? (limit.rlim_max > 11000 ? 5000 : 1000) : 20, status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			watchdog();
			lost(how % 3, streams);
			exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			SKIP("no buffer rings here");
		CHECK_EQ(status, 0);
	}
	unlink("file");
	return 0;
}
