/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Contexts work under seccomp filters that were there first: whatever they do for io_uring, and for new processes. */
#include "aio_check.h"

#include <poll.h>
#include <signal.h>

#include "filter.h"

enum { SIZE = 65536 };

static volatile sig_atomic_t trapped, children;

static void on_sigsys(int signo)
{
	(void)signo;
	trapped = 1;
}

static void on_sigchld(int signo)
{
	(void)signo;
	children = 1;
}

static void use(void)
{
	int fd = temp_file(SIZE, 91), direct = reopen(fd, O_RDWR | O_DIRECT), pipe_fd[2];
	io_context_t ctx = setup(8), other = setup(8);
	char *memory = (char *)pages(SIZE);
	struct iocb iocb, poll_iocb;
	struct io_event event;

	io_prep_pread(&iocb, direct, memory, SIZE, 0);
	EVENT_IS(ctx, &iocb, SIZE);
	CHECK_PATTERN(memory, SIZE, 91, 0);
	io_prep_pwrite(&iocb, direct, memory, 4096, 8192);
	EVENT_IS(other, &iocb, 4096);
	io_prep_fsync(&iocb, fd);
	EVENT_IS(ctx, &iocb, 0);
	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&poll_iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &poll_iocb), 1);
	CHECK_PENDING(ctx);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, &event);
	CHECK(event.obj == &poll_iocb);
	CHECK_EQ(io_destroy(ctx), 0);
	CHECK_EQ(io_destroy(other), 0);
	/* Whatever was tried, the program saw nothing of it. */
	CHECK(!trapped && !children);
	CHECK(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD);
}

static void under(unsigned int first, unsigned int last, unsigned int action, int handler, int blocked)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct sigaction now;
		sigset_t set;

		watchdog();
		if (handler)
			signal(SIGSYS, on_sigsys);
		signal(SIGCHLD, on_sigchld);
		sigemptyset(&set);
		sigaddset(&set, SIGSYS);
		if (blocked)
			CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
		if (first == 0)
			filter_processes(action);
		else
			filter_calls(first, last, action, 0);
		use();
		CHECK(sigaction(SIGSYS, NULL, &now) == 0);
		CHECK(handler ? now.sa_handler == on_sigsys : now.sa_handler == SIG_DFL);
		CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
		CHECK_EQ(sigismember(&set, SIGSYS), blocked);
		exit(0);
	}
	wait_exit(child, 0);
}

int main(void)
{
	static const unsigned int calls[] = {ALL_OF_IO_URING};
	static const unsigned int actions[] = {SECCOMP_RET_ERRNO | EPERM,  SECCOMP_RET_ERRNO | ENOSYS,
					       SECCOMP_RET_ERRNO | EACCES, SECCOMP_RET_ERRNO,
					       SECCOMP_RET_TRAP,	   SECCOMP_RET_KILL_THREAD,
					       SECCOMP_RET_KILL_PROCESS,   SECCOMP_RET_ALLOW};
	unsigned int i, call;

	for (i = 0; i < COUNT_OF(actions); i++) {
		under(calls[0], calls[2], actions[i], 0, 0);
		for (call = 0; call < COUNT_OF(calls); call++)
			under(calls[call], calls[call], actions[i], (int)call & 1, (int)call >> 1);
	}
	/* No threads to be had. */
	under(__NR_clone, __NR_clone, SECCOMP_RET_ERRNO | EAGAIN, 0, 0);
	under(__NR_clone3, __NR_clone3, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	under(__NR_clone3, __NR_clone3, SECCOMP_RET_KILL_PROCESS, 0, 0);
	/* No processes. */
	under(0, 0, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	under(0, 0, SECCOMP_RET_TRAP, 0, 0);
	under(0, 0, SECCOMP_RET_TRAP, 1, 1);
	/* What answers for itself is asked by prctl. */
	under(__NR_prctl, __NR_prctl, SECCOMP_RET_KILL_PROCESS, 0, 0);
	return 0;
}
