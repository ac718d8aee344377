/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs that make system calls on libaio's handles: MariaDB's get kernel AIO by their name, others if they are named. */
/* variants: theirs,ours,ours-eperm,preload,preload-ours */
#include "aio_check.h"

#include <dlfcn.h>
#include <sys/syscall.h>

enum { KERNEL = 10, URING = 11 };

/* Whether a context is of kernel AIO, by the name of its mapping. */
static int of_the_kernel(io_context_t ctx)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int found = 0, kernels = 0;

	CHECK(maps != NULL);
	while (!found && fgets(line, sizeof(line), maps)) {
		found = strtoul(line, NULL, 16) == (unsigned long)(uintptr_t)ctx;
		kernels = strstr(line, "[aio]") != NULL;
	}
	fclose(maps);
	CHECK(found);
	return kernels;
}

/* What MariaDB does; tells by its exit code who has the context. */
static int program(void)
{
	io_context_t ctx = setup(8);
	int fd = temp_file(4096, 63), ret;
	char memory[4096];
	struct iocb iocb, *list = &iocb;
	struct io_event event;

	io_prep_pread(&iocb, fd, memory, 4096, 0);
	CHECK_EQ(io_submit(ctx, 1, &list), 1);
	ret = (int)syscall(SYS_io_getevents, ctx, 1L, 1L, &event, NULL);
	if (of_the_kernel(ctx))
		CHECK_EQ(ret, 1);
	if (ret == 1) {
		CHECK(event.obj == &iocb);
		CHECK_EQ(event.res, 4096);
		CHECK_PATTERN(memory, 4096, 63, 0);
	}
	ret = of_the_kernel(ctx) ? KERNEL : ret == 1 ? URING : 1;
	CHECK_EQ(io_destroy(ctx), 0);
	return ret;
}

/* Runs this executable, copied or linked to `name`, in a changed environment; what it says comes back in `said`. */
static int run_as(const char *name, const char *backend, const char *list, char *said, size_t size)
{
	int pipe_fd[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	CHECK(pipe(pipe_fd) == 0);
	child = fork();
	if (child == 0) {
		unsetenv("AIOURING_BACKEND");
		if (backend)
			setenv("AIOURING_BACKEND", backend, 1);
		if (list)
			setenv("AIOURING_KERNEL_PROGRAMS", list, 1);
		setenv("AIOURING_LOG", "1", 1);
		dup2(pipe_fd[1], 2);
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		execl(name, name, "run", (char *)NULL);
		_exit(2);
	}
	close(pipe_fd[1]);
	while (length + 1 < size && (got = read(pipe_fd[0], said + length, size - length - 1)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(pipe_fd[0]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static char said[4096];

#define RUNS(name, backend, list, expected)                                                                            \
	do {                                                                                                           \
		int status_ = run_as(name, backend, list, said, sizeof(said));                                         \
		if (status_ != (expected))                                                                             \
			FAIL("%s is %d, expected %s (%d); it said: %s", name, status_, #expected, expected, said);     \
	} while (0)

static void copy_to(const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", (int)getpid(), name);
	CHECK_EQ(system(command), 0);
}

int main(int argc, char **argv)
{
	Dl_info aio, call;
	int usual, listed, reached;

	(void)argv;
	if (argc > 1)
		return program();
	copy_to("./some-program");
	copy_to("./mariadbd");
	copy_to("./mariadb-backup");
	CHECK(symlink("mariadbd", "./mysqld") == 0);
	CHECK(symlink("some-program", "./another") == 0);
	CHECK(dladdr((void *)(uintptr_t)io_setup, &aio) != 0);
	CHECK(dladdr(dlsym(RTLD_DEFAULT, "syscall"), &call) != 0);
	reached = strcmp(aio.dli_fname, call.dli_fname) == 0;

	/* io_uring, unless it cannot be had; a system call on its handle works only where ours is called. */
	usual = run_as("./some-program", NULL, NULL, said, sizeof(said));
	CHECK(usual == KERNEL || usual == (reached ? URING : 1));
	listed = reached ? usual : KERNEL;

	RUNS("./mariadbd", NULL, NULL, listed);
	if (listed == KERNEL && usual != KERNEL)
		CHECK(strstr(said, "on the list") != NULL);
	RUNS("./mysqld", NULL, NULL, listed);
	RUNS("./mariadb-backup", "", NULL, listed);
	/* What was asked for goes before any list. */
	RUNS("./mariadbd", "auto", NULL, usual);
	RUNS("./mariadbd", "auto", "mariadbd", usual);
	RUNS("./some-program", "kernel", NULL, KERNEL);
	/* A list of one's own: names of files, or those that a program was called by. */
	if (usual != KERNEL) {
		RUNS("./some-program", NULL, "some-program", KERNEL);
		CHECK(strstr(said, "on the list") != NULL);
	}
	RUNS("./some-program", NULL, "x:some-program:y", KERNEL);
	RUNS("./another", NULL, "some-program", KERNEL);
	RUNS("./another", NULL, "another", KERNEL);
	RUNS("./some-program", NULL, "some-programs:some:another", usual);
	RUNS("./some-program", NULL, "", usual);
	return 0;
}
