/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writes that raise a signal in the thread that submits them: SIGPIPE and SIGXFSZ; and the file size limit. */
// except: sqpoll (the signal goes to the thread of the kernel that issues the write)
#include "aio_check.h"

#include <sys/resource.h>
#include <sys/socket.h>

static volatile sig_atomic_t handled;
static pthread_t handled_by;

static void handler(int signo)
{
	(void)signo;
	handled++;
	handled_by = pthread_self();
}

static void handle(int signo, void (*action_handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = action_handler;
	CHECK(sigaction(signo, &action, NULL) == 0);
	handled = 0;
}

int main(void)
{
	io_context_t ctx = setup(4);
	int fd = temp_file(95, 1), direct = reopen(temp_file(4096, 2), O_WRONLY | O_DIRECT), pipe_fd[2], socket_fd[2], status;
	struct rlimit limit = {100, 100};
	char buf[16] = "0123456789", *sector = pages(4096);
	struct iocb iocb;
	pid_t child;

	CHECK(pipe(pipe_fd) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0);
	close(pipe_fd[0]);
	close(socket_fd[0]);

	handle(SIGPIPE, handler);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 10, 0);
	EVENT_IS(ctx, &iocb, -EPIPE);
	CHECK_EQ(handled, 1);
	CHECK(pthread_equal(handled_by, pthread_self()));
	io_prep_pwrite(&iocb, socket_fd[1], buf, 10, 0);
	EVENT_IS(ctx, &iocb, -EPIPE);
	printf("SIGPIPE of a socket: %d\n", (int)handled - 1);
	handle(SIGPIPE, SIG_IGN);
	io_prep_pwrite(&iocb, pipe_fd[1], buf, 10, 0);
	EVENT_IS(ctx, &iocb, -EPIPE);
	CHECK_EQ(handled, 0);

	/* The signal's default action ends the process. */
	child = fork();
	if (child == 0) {
		watchdog();
		handle(SIGPIPE, SIG_DFL);
		ctx = setup(1);
		submit_one(ctx, &iocb);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGPIPE);

	/* A file of 95 bytes and a limit of 100. */
	child = fork();
	if (child == 0) {
		watchdog();
		CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
		handle(SIGXFSZ, handler);
		ctx = setup(1);
		io_prep_pwrite(&iocb, fd, buf, 10, 95);
		EVENT_IS(ctx, &iocb, 5);
		CHECK_EQ(handled, 0);
		io_prep_pwrite(&iocb, fd, buf, 10, 100);
		EVENT_IS(ctx, &iocb, -EFBIG);
		CHECK_EQ(handled, 1);
		CHECK(pthread_equal(handled_by, pthread_self()));
		/* Direct, and of a file that was longer already. */
		io_prep_pwrite(&iocb, direct, sector, 512, 1024);
		EVENT_IS(ctx, &iocb, -EFBIG);
		CHECK_EQ(handled, 2);
		CHECK(pthread_equal(handled_by, pthread_self()));
		iocb.aio_rw_flags = RWF_NOWAIT;
		EVENT_IS(ctx, &iocb, -EFBIG);
		CHECK_EQ(handled, 3);
		io_prep_pwrite(&iocb, fd, buf, 10, 0);
		EVENT_IS(ctx, &iocb, 10);
		handle(SIGXFSZ, SIG_DFL);
		io_prep_pwrite(&iocb, fd, buf, 10, 100);
		submit_one(ctx, &iocb);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGXFSZ);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 100);

	/* O_DIRECT under the limit too: nothing beyond it. */
	child = fork();
	if (child == 0) {
		int direct = reopen(fd, O_WRONLY | O_DIRECT);

		watchdog();
		limit.rlim_cur = limit.rlim_max = 4096;
		CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
		handle(SIGXFSZ, handler);
		ctx = setup(1);
		io_prep_pwrite(&iocb, direct, pages(8192), 4096, 0);
		EVENT_IS(ctx, &iocb, 4096);
		io_prep_pwrite(&iocb, direct, pages(8192), 4096, 4096);
		EVENT_IS(ctx, &iocb, -EFBIG);
		CHECK_EQ(handled, 1);
		_exit(0);
	}
	wait_exit(child, 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 4096);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
