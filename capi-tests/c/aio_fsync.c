/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* FSYNC and FDSYNC: which files, which fields, and what they cover. */
#include "aio_check.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

enum { BLOCK = 65536 };

static io_context_t ctx;

static int callbacks;

static void callback(io_context_t context, struct iocb *iocb, long res, long res2)
{
	CHECK(context == ctx && iocb != NULL);
	CHECK_EQ(res, 0);
	CHECK_EQ(res2, 0);
	callbacks++;
}

static void both(int fd, int refused)
{
	struct iocb iocb;

	io_prep_fsync(&iocb, fd);
	if (refused)
		SUBMIT_IS(ctx, &iocb, refused);
	else
		EVENT_IS(ctx, &iocb, 0);
	io_prep_fdsync(&iocb, fd);
	if (refused)
		SUBMIT_IS(ctx, &iocb, refused);
	else
		EVENT_IS(ctx, &iocb, 0);
}

int main(void)
{
	int fd = temp_file(BLOCK, 29), pipe_fd[2], i;
	struct iocb iocb[4], *list[4] = {&iocb[0], &iocb[1], &iocb[2], &iocb[3]};
	struct io_event events[4];
	struct timespec limit = {EVENT_SECONDS, 0};
	char *memory = (char *)pages(BLOCK);
	io_callback_t stored = callback;

	ctx = setup(8);
	CHECK(pipe(pipe_fd) == 0);
	both(fd, 0);
	both(reopen(fd, O_RDONLY), 0);
	both(reopen(fd, O_WRONLY | O_DIRECT), 0);
	both(open(".", O_RDONLY | O_DIRECTORY), 0);
	both(memfd_create("m", 0), 0);
	both(pipe_fd[0], -EINVAL);
	both(socket(AF_UNIX, SOCK_STREAM, 0), -EINVAL);
	both(eventfd(0, 0), -EINVAL);
	both(open("/dev/null", O_RDWR), -EINVAL);
	both(open("/proc/self/stat", O_RDONLY), -EINVAL);
	both(-1, -EBADF);
	both(9999, -EBADF);

	/* All other fields are 0. */
	io_prep_fsync(&iocb[0], fd);
	iocb[0].u.c.buf = memory;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);
	io_prep_fsync(&iocb[0], fd);
	iocb[0].u.c.nbytes = 1;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);
	io_prep_fdsync(&iocb[0], fd);
	iocb[0].u.c.offset = 1;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);
	io_prep_fdsync(&iocb[0], fd);
	iocb[0].aio_rw_flags = 1;
	SUBMIT_IS(ctx, &iocb[0], -EINVAL);

	/* A buffered write is done before the sync behind it starts. */
	for (i = 0; i < 20; i++) {
		io_prep_pwrite(&iocb[0], fd, memory, BLOCK, 0);
		io_prep_fsync(&iocb[1], fd);
		io_prep_pwrite(&iocb[2], fd, memory, BLOCK, BLOCK);
		io_prep_fdsync(&iocb[3], fd);
		CHECK_EQ(io_submit(ctx, 4, list), 4);
		reap(ctx, 4, events);
		CHECK_EQ(events[0].res + events[1].res + events[2].res + events[3].res, 2 * BLOCK);
		CHECK(events[0].obj == &iocb[0]);
	}

	/* The helpers that also submit. */
	CHECK_EQ(io_fsync(ctx, &iocb[0], callback, fd), 1);
	CHECK_EQ(io_fdsync(ctx, &iocb[1], callback, fd), 1);
	CHECK_EQ(io_getevents(ctx, 2, 2, events, &limit), 2);
	CHECK(memcmp(&events[0].data, &stored, sizeof(stored)) == 0);
	CHECK_EQ(io_fsync(ctx, &iocb[0], callback, -1), -EBADF);
	CHECK_EQ(io_fsync(ctx, &iocb[0], callback, fd), 1);
	for (i = 0; i < 1000 && callbacks == 0; i++) {
		CHECK_EQ(io_queue_run(ctx), 0);
		sleep_ms(5);
	}
	CHECK_EQ(callbacks, 1);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
