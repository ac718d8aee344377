/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A context survives what a daemon does to itself: closing all descriptors, chroot, another user; and loses no ring. */
// except: caller,sqpoll (a ring for several threads has a descriptor)
#include "aio_check.h"

#include <poll.h>

enum { BIG = 1 << 20 };

static io_context_t ctx;

static void use(int fd, int direct, char *memory)
{
	struct iocb iocb;

	io_prep_pread(&iocb, fd, memory, 4096, 0);
	EVENT_IS(ctx, &iocb, 4096);
	io_prep_pread(&iocb, direct, memory, 4096, 4096);
	EVENT_IS(ctx, &iocb, 4096);
	CHECK_PATTERN(memory, 4096, 35, 4096);
	io_prep_fsync(&iocb, fd);
	EVENT_IS(ctx, &iocb, 0);
}

int main(void)
{
	char *memory = (char *)pages(BIG);
	struct iocb iocb, poll_iocb;
	struct io_event event;
	int fd, direct, i, round, pipe_fd[2];

	ctx = setup(8);
	for (round = 0; round < 3; round++) {
		fd = temp_file(BIG, 35);
		direct = reopen(fd, O_RDONLY | O_DIRECT);
		use(fd, direct, memory);
		/* With a read in flight, everything above stderr is closed. */
		memset(memory, 0, BIG);
		io_prep_pread(&iocb, direct, memory, BIG, 0);
		CHECK_EQ(submit_one(ctx, &iocb), 1);
		if (round == 0)
			CHECK(close_range(3, ~0u, 0) == 0);
		else
			for (i = 3; i < 1024; i++)
				close(i);
		reap(ctx, 1, &event);
		CHECK_EQ(event.res, BIG);
		CHECK_PATTERN(memory, BIG, 35, 0);
	}
	/* Every number is then used for something else. */
	fd = temp_file(BIG, 35);
	direct = reopen(fd, O_RDONLY | O_DIRECT);
	CHECK(pipe(pipe_fd) == 0);
	for (i = 3; i < 100; i++)
		if (i != fd && i != direct && i != pipe_fd[0] && i != pipe_fd[1])
			CHECK_EQ(dup2(pipe_fd[0], i), i);
	use(fd, direct, memory);
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);
	CHECK_PENDING(ctx);

	/* Another root directory and another user: files that are open stay usable. */
	if (geteuid() == 0) {
		CHECK(chroot("/proc/self/task") == 0 && chdir("/") == 0);
		CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	}
	use(fd, direct, memory);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, &event);
	CHECK(event.obj == &poll_iocb);

	/* The ring is unmapped while a read is in flight: the data arrives, nothing crashes. */
	memset(memory, 0, BIG);
	io_prep_pread(&iocb, direct, memory, BIG, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK(munmap(ctx, 4096) == 0);
	for (i = 0; i < 1000 && first_wrong(memory, BIG, 35, 0) >= 0; i++)
		sleep_ms(10);
	CHECK_PATTERN(memory, BIG, 35, 0);
	return 0;
}
