/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* aio_rw_flags: which flags a request may carry and what they do. */
#include "aio_check.h"

enum { HIPRI = 1, DSYNC = 2, SYNC = 4, NOWAIT = 8, APPEND = 0x10, NOAPPEND = 0x20, ATOMIC = 0x40 };

int main(void)
{
	static const unsigned int good[] = {HIPRI, DSYNC, SYNC, APPEND, NOAPPEND, HIPRI | DSYNC | SYNC};
	static const unsigned int bad[] = {ATOMIC, 0x80000000u, 0x40000000u, DSYNC | 0x80000000u};
	io_context_t ctx = setup(8);
	int fd = temp_file(8192, 7), append = reopen(fd, O_RDWR | O_APPEND), pipe_fd[2], direct;
	char buf[100], *memory = (char *)pages(8192);
	struct iocb iocb;
	size_t i;

	CHECK_EQ(pread(fd, buf, 100, 0), 100);
	for (i = 0; i < COUNT_OF(good); i++) {
		io_prep_pread(&iocb, fd, buf, 10, 0);
		iocb.aio_rw_flags = good[i];
		EVENT_IS(ctx, &iocb, 10);
		CHECK_PATTERN(buf, 10, 7, 0);
		io_prep_pwrite(&iocb, fd, buf, 10, 0);
		iocb.aio_rw_flags = good[i];
		EVENT_IS(ctx, &iocb, 10);
	}
	for (i = 0; i < COUNT_OF(bad); i++) {
		io_prep_pread(&iocb, fd, buf, 10, 0);
		iocb.aio_rw_flags = bad[i];
		SUBMIT_IS(ctx, &iocb, -EOPNOTSUPP);
		io_prep_pwrite(&iocb, fd, buf, 10, 0);
		iocb.aio_rw_flags = bad[i];
		SUBMIT_IS(ctx, &iocb, -EOPNOTSUPP);
	}
	io_prep_pwrite(&iocb, fd, buf, 10, 0);
	iocb.aio_rw_flags = APPEND | NOAPPEND;
	SUBMIT_IS(ctx, &iocb, -EINVAL);

	/* The one append above went to the end; NOAPPEND makes an O_APPEND file honour the offset. */
	CHECK_EQ(lseek(fd, 0, SEEK_END), 8202);
	io_prep_pwrite(&iocb, append, "abcd", 4, 0);
	EVENT_IS(ctx, &iocb, 4);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 8206);
	io_prep_pwrite(&iocb, append, "efgh", 4, 50);
	iocb.aio_rw_flags = NOAPPEND;
	EVENT_IS(ctx, &iocb, 4);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 8206);
	CHECK_EQ(pread(fd, buf, 4, 8202), 4);
	CHECK(memcmp(buf, "abcd", 4) == 0);
	CHECK_EQ(pread(fd, buf, 4, 50), 4);
	CHECK(memcmp(buf, "efgh", 4) == 0);

	/* Whether a write of nothing may be made with NOWAIT is up to the file system. */
	io_prep_pwrite(&iocb, fd, buf, 0, 0);
	iocb.aio_rw_flags = NOWAIT;
	printf("NOWAIT, no bytes: %ld\n", event_of(ctx, &iocb, __LINE__));
	io_prep_pwrite(&iocb, reopen(fd, O_WRONLY | O_APPEND | O_DIRECT), buf, 0, 0);
	iocb.aio_rw_flags = NOWAIT;
	printf("the same, direct: %ld\n", event_of(ctx, &iocb, __LINE__));

	/* NOWAIT: cached data yes, uncached data no, an empty pipe no, O_DIRECT yes. */
	io_prep_pread(&iocb, fd, buf, 100, 0);
	iocb.aio_rw_flags = NOWAIT;
	EVENT_IS(ctx, &iocb, 100);
	drop_cache(fd, 0, 0);
	EVENT_IS(ctx, &iocb, -EAGAIN);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	io_prep_pread(&iocb, direct, memory, 4096, 0);
	iocb.aio_rw_flags = NOWAIT;
	EVENT_IS(ctx, &iocb, 4096);
	CHECK(pipe(pipe_fd) == 0);
	io_prep_pread(&iocb, pipe_fd[0], buf, 10, 0);
	iocb.aio_rw_flags = NOWAIT;
	EVENT_IS(ctx, &iocb, -EAGAIN);
	CHECK_EQ(write(pipe_fd[1], "0123456789", 10), 10);
	EVENT_IS(ctx, &iocb, 10);

	/* On fsync and poll requests the field has to be 0. */
	io_prep_fsync(&iocb, fd);
	iocb.aio_rw_flags = DSYNC;
	SUBMIT_IS(ctx, &iocb, -EINVAL);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
