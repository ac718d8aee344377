/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IO_CMD_FSYNC and IO_CMD_FDSYNC row by row: which files, which fields, in which order. */
#include "aio_rows.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "slow_device.h"

static io_context_t ctx;

static const char *both(int fd)
{
	struct iocb iocb;
	const char *sync, *data_sync;

	io_prep_fsync(&iocb, fd);
	sync = outcome_of(ctx, &iocb);
	io_prep_fdsync(&iocb, fd);
	data_sync = outcome_of(ctx, &iocb);
	return strcmp(sync, data_sync) == 0 ? sync : text("%s, fdsync %s", sync, data_sync);
}

static void Y01(void)
{
	int fd = temp_file(65536, 1);
	struct iocb iocb;

	ctx = setup(16);
	SAY("read and write", "%s", both(fd));
	SAY("O_RDONLY", "%s", both(reopen(fd, O_RDONLY)));
	SAY("O_WRONLY", "%s", both(reopen(fd, O_WRONLY)));
	SAY("O_APPEND", "%s", both(reopen(fd, O_WRONLY | O_APPEND)));
	SAY("O_DIRECT", "%s", both(reopen(fd, O_RDWR | O_DIRECT)));
	SAY("O_NONBLOCK", "%s", both(reopen(fd, O_RDWR | O_NONBLOCK)));
	SAY("empty", "%s", both(temp_file(0, 0)));
	io_prep_fsync(&iocb, fd);
	SAY("fsync, all ways", "%s", outcome_all_ways(ctx, &iocb));
	io_prep_fdsync(&iocb, fd);
	SAY("fdsync, all ways", "%s", outcome_all_ways(ctx, &iocb));
	io_prep_fsync(&iocb, fd);
	SAY("the key", "%s", outcome_and_key(ctx, &iocb));
}

static int mode_of(const char *path, int flags)
{
	int fd = open(path, flags);

	CHECK(fd >= 0);
	return fd;
}

static void Y02(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	int pipe_fd[2], pair[2], queue;
	struct iocb iocb;
	char name[32];

	ctx = setup(16);
	CHECK(pipe(pipe_fd) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	SAY("directory", "%s", both(mode_of(".", O_RDONLY)));
	SAY("pipe, read end", "%s", both(pipe_fd[0]));
	SAY("pipe, write end", "%s", both(pipe_fd[1]));
	SAY("socket", "%s", both(pair[0]));
	SAY("eventfd", "%s", both(eventfd(0, 0)));
	SAY("/dev/null", "%s", both(mode_of("/dev/null", O_RDWR)));
	SAY("/dev/zero", "%s", both(mode_of("/dev/zero", O_RDWR)));
	SAY("/dev/urandom", "%s", both(mode_of("/dev/urandom", O_RDONLY)));
	SAY("epoll", "%s", both(epoll_create1(0)));
	SAY("timerfd", "%s", both(timerfd_create(CLOCK_MONOTONIC, 0)));
	SAY("inotify", "%s", both(inotify_init1(0)));
	SAY("memfd", "%s", both(memfd_create("memory", 0)));
	SAY("/proc/self/stat", "%s", both(mode_of("/proc/self/stat", O_RDONLY)));
	SAY("/proc/sys/kernel/ostype", "%s", both(mode_of("/proc/sys/kernel/ostype", O_RDONLY)));
	SAY("/proc", "%s", both(mode_of("/proc", O_RDONLY)));
	SAY("/sys/kernel/mm/transparent_hugepage/enabled", "%s",
	    both(mode_of("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY)));
	SAY("/sys", "%s", both(mode_of("/sys", O_RDONLY)));
	SAY("terminal", "%s", both(posix_openpt(O_RDWR | O_NOCTTY)));
	snprintf(name, sizeof(name), "/rows-%d", (int)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	CHECK(queue >= 0);
	mq_unlink(name);
	SAY("message queue", "%s", both(queue));
	SAY("no such descriptor", "%s", both(9999));
	SAY("descriptor -1", "%s", both(-1));
	SAY("O_PATH", "%s", both(mode_of(".", O_PATH)));
	io_prep_fsync(&iocb, pipe_fd[0]);
	SAY("pipe, all ways", "%s", outcome_all_ways(ctx, &iocb));
	SAY("pipe, the key", "%s", outcome_and_key(ctx, &iocb));
}

static void Y03(void)
{
	int fd = temp_file(4096, 1), pipe_fd[2], data_only;

	ctx = setup(16);
	CHECK(pipe(pipe_fd) == 0);
	for (data_only = 0; data_only < 2; data_only++) {
		const char *name = data_only ? "fdsync" : "fsync";
		struct iocb plain, iocb;

		if (data_only)
			io_prep_fdsync(&plain, fd);
		else
			io_prep_fsync(&plain, fd);
		iocb = plain;
		iocb.u.c.buf = &iocb;
		SAY_OUTCOME(text("%s, buf set", name), ctx, &iocb);
		iocb = plain;
		iocb.u.c.nbytes = 1;
		SAY_OUTCOME(text("%s, nbytes set", name), ctx, &iocb);
		iocb.u.c.nbytes = (unsigned long)-1;
		SAY_OUTCOME(text("%s, nbytes negative", name), ctx, &iocb);
		iocb = plain;
		iocb.u.c.offset = 1;
		SAY_OUTCOME(text("%s, offset set", name), ctx, &iocb);
		iocb.u.c.offset = -1;
		SAY_OUTCOME(text("%s, offset -1", name), ctx, &iocb);
		iocb = plain;
		iocb.aio_rw_flags = 2;
		SAY_OUTCOME(text("%s, aio_rw_flags set", name), ctx, &iocb);
		SAY(text("%s, aio_rw_flags set, the key", name), "%s", outcome_and_key(ctx, &iocb));
		iocb = plain;
		iocb.aio_reqprio = 5;
		SAY_OUTCOME(text("%s, aio_reqprio set", name), ctx, &iocb);
		iocb.u.c.flags = 2;
		iocb.aio_reqprio = (short)(7 << 13);
		SAY_OUTCOME(text("%s, a bad priority", name), ctx, &iocb);
		iocb = plain;
		iocb.u.c.flags = 4;
		SAY_OUTCOME(text("%s, an unknown flag", name), ctx, &iocb);
		iocb = plain;
		iocb.aio_fildes = pipe_fd[0];
		iocb.u.c.offset = 1;
		SAY_OUTCOME(text("%s of a pipe, offset set", name), ctx, &iocb);
	}
}

static void Y04(void)
{
	int device, block;

	device = slow_device(1 << 20, 5);
	slow_release();
	block = reopen(device, O_RDWR);
	ctx = setup(16);
	CHECK_EQ(pwrite(block, "x", 1, 8192), 1);
	SAY("block device", "%s", both(block));
	SAY("block device, O_DIRECT", "%s", both(device));
	SAY("block device, O_RDONLY", "%s", both(reopen(device, O_RDONLY)));
}

static void Y05(void)
{
	int fd = temp_file(8 << 20, 6), same = 0, i;
	struct iocb iocb[32], *list[32];
	struct io_event events[32];

	/* The descriptor may go as soon as io_submit returns. */
	ctx = setup(32);
	io_prep_fsync(&iocb[0], fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	close(fd);
	CHECK_EQ(dup2(open("/dev/null", O_RDWR), fd), fd);
	reap(ctx, 1, events);
	SAY("closed after io_submit, its number used again", "%s", event_text(&events[0], &iocb[0], iocb[0].data));
	fd = temp_file(1 << 20, 6);
	for (i = 0; i < 32; i++) {
		if (i % 2)
			io_prep_fdsync(&iocb[i], fd);
		else
			io_prep_fsync(&iocb[i], fd);
		iocb[i].data = (void *)(uintptr_t)i;
		list[i] = &iocb[i];
	}
	SAY_RESULT("32 in one batch", io_submit(ctx, 32, list));
	reap(ctx, 32, events);
	for (i = 0; i < 32; i++)
		same += events[i].res == 0 && events[i].res2 == 0;
	SAY("their events that are 0", "%d", same);
	memset(iocb, 0xff, sizeof(iocb));
	io_prep_fsync(&iocb[0], fd);
	CHECK_EQ(submit_one(ctx, &iocb[0]), 1);
	memset(iocb, 0xff, sizeof(iocb));
	reap(ctx, 1, events);
	SAY("iocb overwritten after io_submit", "%s", name_of((long)events[0].res));
}

static void Y06(void)
{
	int fd = temp_file(4096, 7), i;
	struct iocb iocb[3], *list[3] = {&iocb[0], &iocb[1], &iocb[2]};
	struct io_event events[3];
	char byte = 'w', back = 0;

	ctx = setup(16);
	io_prep_pwrite(&iocb[0], fd, &byte, 1, 0);
	io_prep_fsync(&iocb[1], fd);
	SAY_RESULT("write and sync in one batch", io_submit(ctx, 2, list));
	reap(ctx, 2, events);
	SAY("order", "%s", events[0].obj == &iocb[0] && events[1].obj == &iocb[1] ? "write, sync" : "another");
	SAY("results", "%s %s", name_of((long)events[0].res), name_of((long)events[1].res));
	io_prep_pwrite(&iocb[0], fd, &byte, 1, 1);
	io_prep_fdsync(&iocb[1], fd);
	io_prep_pread(&iocb[2], fd, &back, 1, 1);
	SAY_RESULT("write, sync and read in one batch", io_submit(ctx, 3, list));
	reap(ctx, 3, events);
	for (i = 0; i < 3 && events[i].obj != &iocb[2]; i++)
		;
	SAY("the read", "%s %c", i < 3 ? name_of((long)events[i].res) : "is missing", back);
}

static void Y07(void)
{
	int fd = temp_file(4096, 8), pipe_fd[2];
	struct io_event event;
	struct iocb iocb;

	ctx = setup(16);
	CHECK(pipe(pipe_fd) == 0);
	SAY_RESULT("io_fsync", io_fsync(ctx, &iocb, (io_callback_t)0x55, fd));
	reap(ctx, 1, &event);
	SAY("its event", "%s", event_text(&event, &iocb, (void *)0x55));
	SAY_RESULT("io_fdsync", io_fdsync(ctx, &iocb, (io_callback_t)0x56, fd));
	reap(ctx, 1, &event);
	SAY("and its event", "%s", event_text(&event, &iocb, (void *)0x56));
	SAY_RESULT("io_poll", io_poll(ctx, &iocb, (io_callback_t)0x66, pipe_fd[1], POLLOUT));
	reap(ctx, 1, &event);
	SAY("then its event", "%s", event_text(&event, &iocb, (void *)0x66));
	SAY_RESULT("io_fsync of a pipe", io_fsync(ctx, &iocb, (io_callback_t)0x55, pipe_fd[0]));
	SAY_RESULT("io_poll of a bad descriptor", io_poll(ctx, &iocb, (io_callback_t)0x66, -1, POLLOUT));
}

static const struct row rows[] = {
	{"Y01", Y01}, {"Y02", Y02}, {"Y03", Y03}, {"Y04", Y04}, {"Y05", Y05}, {"Y06", Y06}, {"Y07", Y07},
};

ROWS_MAIN(rows, 4)
