/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The least use of libaio: a file written and read back. */
#include <fcntl.h>
#include <libaio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long request(io_context_t ctx, struct iocb *iocb)
{
	struct io_event event;

	if (io_submit(ctx, 1, &iocb) != 1 || io_getevents(ctx, 1, 1, &event, NULL) != 1 || event.obj != iocb)
		return -1;
	return (long)event.res;
}

int main(void)
{
	char name[] = "use_aio-XXXXXX", out[4096], in[4096];
	int fd = mkstemp(name);
	io_context_t ctx = NULL;
	struct iocb iocb;

	if (fd < 0 || unlink(name) != 0 || io_setup(4, &ctx) != 0) {
		fputs("no file or no context\n", stderr);
		return 1;
	}
	memset(out, 'x', sizeof(out));
	memset(in, 0, sizeof(in));
	io_prep_pwrite(&iocb, fd, out, sizeof(out), 0);
	if (request(ctx, &iocb) != (long)sizeof(out))
		return 1;
	io_prep_pread(&iocb, fd, in, sizeof(in), 0);
	if (request(ctx, &iocb) != (long)sizeof(in) || memcmp(in, out, sizeof(in)) != 0)
		return 1;
	return io_destroy(ctx) == 0 ? 0 : 1;
}
