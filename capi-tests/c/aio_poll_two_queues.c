/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files that wake readers and writers separately (terminals, a FIFO opened for both): no poll can wait on them. */
#include "aio_check.h"

#include <poll.h>

static io_context_t ctx;
static struct iocb iocb;

static void refused(int fd, int mask)
{
	io_prep_poll(&iocb, fd, mask);
	SUBMIT_IS(ctx, &iocb, -EINVAL);
}

static void is_true(int fd, int mask)
{
	io_prep_poll(&iocb, fd, mask);
	EVENT_IS(ctx, &iocb, mask);
}

int main(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, fifo;
	struct pollfd readable = {-1, POLLIN, 0};

	ctx = setup(4);
	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	readable.fd = master;
	CHECK(mkfifo("fifo", 0600) == 0);
	fifo = open("fifo", O_RDWR);
	CHECK(unlink("fifo") == 0 && fifo >= 0);

	refused(slave, POLLIN);
	refused(master, POLLIN);
	refused(fifo, POLLIN);
	is_true(slave, POLLOUT);
	is_true(fifo, POLLOUT);
	/* What is true already needs no waiting. */
	CHECK_EQ(write(fifo, "x", 1), 1);
	is_true(fifo, POLLIN);
	CHECK_EQ(write(slave, "x", 1), 1);
	/* What goes through a terminal takes a moment. */
	CHECK_EQ(poll(&readable, 1, 5000), 1);
	is_true(master, POLLIN);
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
