/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_pgetevents delivers a pending signal that its mask lets through, whether or not it has to wait. */
#include "aio_check.h"

static volatile sig_atomic_t handled;

static void note(int signo)
{
	(void)signo;
	handled++;
}

int main(void)
{
	int fd = temp_file(4096, 62);
	char *memory = (char *)pages(4096);
	io_context_t ctx = setup(8);
	struct timespec zero = {0, 0};
	struct sigaction how;
	struct io_event event;
	struct iocb iocb;
	sigset_t blocked, none;

	memset(&how, 0, sizeof(how));
	how.sa_handler = note;
	CHECK(sigaction(SIGUSR1, &how, NULL) == 0);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
	io_prep_pread(&iocb, fd, memory, 4096, 0);

	CHECK_EQ(submit_one(ctx, &iocb), 1);
	CHECK(raise(SIGUSR1) == 0);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, NULL, &none), 1);
	CHECK_EQ(handled, 1);

	CHECK_EQ(submit_one(ctx, &iocb), 1);
	while (ring_load(&ring_of(ctx)->head) == ring_load(&ring_of(ctx)->tail))
		sleep_ms(1);
	CHECK(raise(SIGUSR1) == 0);
	CHECK_EQ(io_pgetevents(ctx, 1, 1, &event, &zero, &none), 1);
	CHECK_EQ(handled, 2);

	CHECK(raise(SIGUSR1) == 0);
	CHECK_EQ(io_pgetevents(ctx, 0, 0, &event, NULL, &none), -EINTR);
	CHECK_EQ(handled, 3);
	CHECK_EQ(io_pgetevents(ctx, 0, 0, &event, NULL, &none), 0);
	return 0;
}
