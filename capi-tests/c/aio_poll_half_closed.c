/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A poll for room in a socket whose peer has stopped writing waits for room, and holds nothing else up. */
#include "aio_check.h"

#include <poll.h>
#include <sys/socket.h>

int main(void)
{
	static char data[65536];
	int fd[2], file = temp_file(4096, 52), direct = reopen(file, O_RDONLY | O_DIRECT);
	struct iocb poll_iocb, read_iocb;
	struct io_event event;
	char *memory = (char *)pages(4096);
	io_context_t ctx = setup(4);

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	while (send(fd[0], data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	CHECK(shutdown(fd[1], SHUT_WR) == 0);
	io_prep_poll(&poll_iocb, fd[0], POLLOUT);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);

	io_prep_pread(&read_iocb, direct, memory, 4096, 0);
	CHECK_EQ(submit_one(ctx, &read_iocb), 1);
	reap(ctx, 1, &event);
	CHECK(event.obj == &read_iocb);
	CHECK_EQ(event.res, 4096);

	while (recv(fd[1], data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	reap(ctx, 1, &event);
	CHECK(event.obj == &poll_iocb);
	CHECK_EQ(event.res & POLLOUT, POLLOUT);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
