/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Thousands of requests with an eventfd at the same time, of one and of many eventfds: all pend, all count. */
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { REQUESTS = 6000, TRANSFERS = 64, BLOCK = 4096 };

static struct iocb iocb[REQUESTS], *list[REQUESTS];
static struct io_event events[REQUESTS];
static int event_fd[REQUESTS];
static unsigned char seen[REQUESTS];

static void pend(int eventfds, int at_once)
{
	io_context_t ctx = setup(REQUESTS), other = setup(TRANSFERS);
	int pipe_fd[2], file = temp_file(TRANSFERS * BLOCK, 5), direct = reopen(file, O_RDWR | O_DIRECT), i, result;
	char *memory = (char *)pages(TRANSFERS * BLOCK);
	uint64_t count, sum = 0;
	struct iocb transfer[TRANSFERS], *transfers[TRANSFERS];

	CHECK(pipe(pipe_fd) == 0);
	for (i = 0; i < eventfds; i++)
		CHECK((event_fd[i] = eventfd(0, EFD_NONBLOCK)) >= 0);
	for (i = 0; i < REQUESTS; i++) {
		io_prep_poll(&iocb[i], pipe_fd[0], POLLIN);
		io_set_eventfd(&iocb[i], event_fd[i % eventfds]);
		iocb[i].data = (void *)(uintptr_t)i;
		list[i] = &iocb[i];
	}
	for (i = 0; i < REQUESTS; i += result) {
		result = io_submit(ctx, at_once < REQUESTS - i ? at_once : REQUESTS - i, list + i);
		CHECK_GE(result, 1);
	}
	CHECK_EQ(ready(ctx), 0);

	/* Transfers and syncs go on. */
	for (i = 0; i < TRANSFERS; i++) {
		if (i % 8)
			io_prep_pread(&transfer[i], direct, memory + i * BLOCK, BLOCK, i * BLOCK);
		else
			io_prep_fsync(&transfer[i], direct);
		io_set_eventfd(&transfer[i], event_fd[i % eventfds]);
		transfers[i] = &transfer[i];
	}
	CHECK_EQ(io_submit(other, TRANSFERS, transfers), TRANSFERS);
	reap(other, TRANSFERS, events);
	for (i = 0; i < TRANSFERS; i++)
		CHECK_EQ(events[i].res, ((struct iocb *)events[i].obj)->aio_lio_opcode == IO_CMD_PREAD ? BLOCK : 0);
	CHECK_EQ(ready(ctx), 0);

	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, REQUESTS, events);
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < REQUESTS; i++) {
		CHECK(events[i].res & POLLIN);
		seen[(uintptr_t)events[i].data]++;
	}
	for (i = 0; i < REQUESTS; i++)
		CHECK_EQ(seen[i], 1);
	for (i = 0; i < eventfds; i++) {
		CHECK_EQ(read(event_fd[i], &count, 8), 8);
		sum += count;
		close(event_fd[i]);
	}
	CHECK_EQ(sum, REQUESTS + TRANSFERS);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(io_destroy(other), 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(direct);
	close(file);
}

int main(void)
{
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_max < REQUESTS + 100)
		SKIP("only %lu descriptors", (unsigned long)limit.rlim_max);
	limit.rlim_cur = REQUESTS + 100;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	pend(1, REQUESTS);
	pend(1, 1);
	pend(REQUESTS, 100);
	return 0;
}
