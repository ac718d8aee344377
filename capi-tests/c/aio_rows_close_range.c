/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: theirs,ours,ours-kernel,ours-eperm,ours-enosys,preload,strict
/* All descriptors are closed: not for the other issuers, whose ring has one. */
#include "aio_rows.h"

#include <poll.h>
#include <sys/syscall.h>

static void F11(void)
{
	int event_fd, file;
	uint64_t count = 0;
	io_context_t ctx = setup(8);
	char *memory = (char *)pages(4096);
	struct io_event events[2];
	struct iocb good, iocb;

	CHECK_EQ(syscall(SYS_close_range, 3, ~0u, 0), 0);
	file = temp_file(4096, 11);
	io_prep_pread(&good, file, memory, 4096, 0);
	SAY_OUTCOME("a read", ctx, &good);
	io_prep_pread(&iocb, reopen(file, O_RDONLY | O_DIRECT), memory, 4096, 0);
	SAY_OUTCOME("a direct read", ctx, &iocb);
	io_prep_fsync(&iocb, file);
	SAY_OUTCOME("an fsync", ctx, &iocb);
	event_fd = eventfd(0, 0);
	io_prep_poll(&iocb, event_fd, POLLIN);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	io_set_eventfd(&good, event_fd);
	CHECK_EQ(submit_one(ctx, &good), 1);
	reap(ctx, 2, events);
	CHECK_EQ(read(event_fd, &count, 8), 8);
	SAY("an eventfd and a poll", "count %d", (int)count);
	/* Once more, with all numbers taken by another file. */
	for (event_fd = 3; event_fd < 64; event_fd++)
		dup2(0, event_fd);
	CHECK_EQ(syscall(SYS_close_range, 3, ~0u, 0), 0);
	SAY_RESULT("destroy", io_destroy(ctx));
}

static const struct row rows[] = {{"F11", F11}};

ROWS_MAIN(rows, 1)
