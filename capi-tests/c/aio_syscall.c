/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* AIO by syscall(): for everything, and on handles of libaio; and all other calls through the same function. */
#include "aio_check.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/syscall.h>

struct mask_pair {
	const void *set;
	size_t size;
};

static int fd;
static char *memory;

static int fails_with(long result)
{
	return result == -1 ? errno : -(int)result - 1000;
}

#define FAILS(call, error) CHECK_EQ((errno = 0, fails_with(call)), error)

static long raw_setup(long nr, io_context_t *ctx)
{
	return syscall(SYS_io_setup, nr, ctx);
}

static long raw_submit(io_context_t ctx, long nr, struct iocb **list)
{
	return syscall(SYS_io_submit, ctx, nr, list);
}

static long raw_getevents(io_context_t ctx, long min, long nr, struct io_event *events, struct timespec *timeout)
{
	return syscall(SYS_io_getevents, ctx, min, nr, events, timeout);
}

static long raw_pgetevents(io_context_t ctx, long min, long nr, struct io_event *events, struct timespec *timeout,
			   const void *pair)
{
	return syscall(SYS_io_pgetevents, ctx, min, nr, events, timeout, pair);
}

/* One read, by system calls alone. */
static void raw_read(io_context_t ctx, long offset)
{
	struct timespec limit = {EVENT_SECONDS, 0};
	struct iocb iocb, *list = &iocb;
	struct io_event event;

	memset(memory, 0, 4096);
	io_prep_pread(&iocb, fd, memory, 4096, offset);
	iocb.data = &limit;
	errno = 4321;
	CHECK_EQ(raw_submit(ctx, 1, &list), 1);
	CHECK_EQ(raw_getevents(ctx, 1, 1, &event, &limit), 1);
	CHECK_EQ(errno, 4321);
	CHECK(event.obj == &iocb && event.data == &limit);
	CHECK_EQ(event.res, 4096);
	CHECK_PATTERN(memory, 4096, 51, offset);
}

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

static int interposed(void)
{
	Dl_info info;

	CHECK(dladdr(dlsym(RTLD_DEFAULT, "syscall"), &info) != 0);
	return strstr(info.dli_fname, "libaiouring") != NULL;
}

/* Calls that have nothing to do with AIO. */
static void other_calls(void)
{
	char *two;
	int status;
	pid_t child;

	errno = 4321;
	CHECK_EQ(syscall(SYS_getpid), getpid());
	CHECK_EQ(errno, 4321);
	FAILS(syscall(SYS_close, -1), EBADF);
	FAILS(syscall(100000), ENOSYS);
	FAILS(syscall(-1), ENOSYS);
	/* Six arguments: the last one decides which page of the file is mapped. */
	two = (char *)syscall(SYS_mmap, NULL, 4096L, (long)PROT_READ, (long)MAP_SHARED, (long)fd, 4096L);
	CHECK(two != MAP_FAILED);
	CHECK_PATTERN(two, 4096, 51, 4096);
	CHECK_EQ(syscall(SYS_munmap, two, 4096L), 0);
	/* A child on the same stack. */
	child = vfork();
	if (child == 0) {
		if (syscall(SYS_getppid) != getppid() || syscall(SYS_close, -1) != -1)
			_exit(1);
		syscall(SYS_exit_group, 7);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 7);
}

#ifdef __x86_64__
/* syscall() from code that keeps its stack anyhow. */
static long unaligned(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r8 __asm__("r8") = d, r9 __asm__("r9") = e;
	long result;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "sub $1024, %%rsp\n\t"
			 "and $-16, %%rsp\n\t"
			 "sub $3, %%rsp\n\t"
			 "push %[f]\n\t"
			 "call syscall@PLT\n\t"
			 "mov %%rbx, %%rsp"
			 : "=a"(result), "+D"(nr), "+S"(a), "+d"(b), "+c"(c), "+r"(r8), "+r"(r9)
			 : [f] "r"(f)
			 : "rbx", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return result;
}

static void any_alignment(void)
{
	struct timespec limit = {EVENT_SECONDS, 0};
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	io_context_t ctx = NULL;

	CHECK_EQ(unaligned(SYS_getpid, 0, 0, 0, 0, 0, 0), getpid());
	FAILS(unaligned(SYS_close, -1, 0, 0, 0, 0, 0), EBADF);
	CHECK_EQ(unaligned(SYS_io_setup, 8, (long)&ctx, 0, 0, 0, 0), 0);
	io_prep_pread(&iocb, fd, memory, 4096, 0);
	CHECK_EQ(unaligned(SYS_io_submit, (long)ctx, 1, (long)&list, 0, 0, 0), 1);
	CHECK_EQ(unaligned(SYS_io_pgetevents, (long)ctx, 1, 1, (long)&event, (long)&limit, 0), 1);
	CHECK_EQ(event.res, 4096);
	FAILS(unaligned(SYS_io_getevents, (long)ctx, 2, 1, (long)&event, (long)&limit, 0), EINVAL);
	CHECK_EQ(unaligned(SYS_io_destroy, (long)ctx, 0, 0, 0, 0, 0), 0);
	/* The kernel takes the lower half of the number for the number. */
	FAILS(unaligned(SYS_io_destroy | 1L << 40, (long)ctx, 0, 0, 0, 0, 0), EINVAL);
	CHECK_EQ(unaligned(SYS_getpid | 1L << 40, 0, 0, 0, 0, 0, 0), getpid());
}
#else
static void any_alignment(void)
{
}
#endif

static void setup_errors(void)
{
	io_context_t ctx = NULL, taken = (io_context_t)1;

	FAILS(raw_setup(0, &ctx), EINVAL);
	FAILS(raw_setup(1, &taken), EINVAL);
	FAILS(raw_setup(1, NULL), EFAULT);
	FAILS(raw_setup(4194305, &ctx), EINVAL);
	FAILS(raw_setup(4194304, &ctx), EAGAIN);
	CHECK(ctx == NULL);
	/* Of the number of events the kernel looks at 32 bits. */
	CHECK_EQ(raw_setup(1L << 32 | 8, &ctx), 0);
	CHECK_EQ(syscall(SYS_io_destroy, ctx), 0);
	FAILS(syscall(SYS_io_destroy, ctx), EINVAL);
	FAILS(syscall(SYS_io_destroy, NULL), EINVAL);
}

/* The system call checks what libaio's function does not when the ring is empty. */
static void empty_ring(io_context_t ctx)
{
	struct timespec zero = {0, 0}, moment = {0, 20000000};
	struct io_event event;

	CHECK_EQ(raw_getevents(ctx, 0, 1, &event, &zero), 0);
	CHECK_EQ(raw_getevents(ctx, 1, 1, &event, &zero), 0);
	CHECK_EQ(raw_getevents(ctx, 1, 1, &event, &moment), 0);
	CHECK_EQ(raw_getevents(ctx, 0, 0, NULL, NULL), 0);
	CHECK_EQ(raw_getevents(ctx, 0, 1, &event, NULL), 0);
	FAILS(raw_getevents(ctx, 2, 1, &event, &zero), EINVAL);
	FAILS(raw_getevents(ctx, -1, 1, &event, &zero), EINVAL);
	FAILS(raw_getevents(ctx, 0, 1, &event, (struct timespec *)(void *)hole()), EFAULT);
	FAILS(raw_getevents((io_context_t)(void *)(memory + 4096), 0, 1, &event, &zero), EINVAL);
	FAILS(raw_getevents(NULL, 0, 1, &event, &zero), EINVAL);
}

static volatile int signals;

static void on_signal(int signo)
{
	(void)signo;
	signals++;
}

static void masks(io_context_t ctx)
{
	struct timespec zero = {0, 0}, limit = {EVENT_SECONDS, 0};
	uint64_t none = 0;
	struct mask_pair open_mask = {&none, 8}, no_mask = {NULL, 77}, small = {&none, 4}, bad = {hole(), 8};
	struct io_event event;
	struct sigaction action;
	sigset_t usr1;

	CHECK_EQ(raw_pgetevents(ctx, 0, 1, &event, &zero, NULL), 0);
	CHECK_EQ(raw_pgetevents(ctx, 0, 1, &event, &zero, &no_mask), 0);
	CHECK_EQ(raw_pgetevents(ctx, 0, 1, &event, &zero, &open_mask), 0);
	FAILS(raw_pgetevents(ctx, 0, 1, &event, &zero, &small), EINVAL);
	FAILS(raw_pgetevents(ctx, 0, 1, &event, &zero, &bad), EFAULT);
	FAILS(raw_pgetevents(ctx, 0, 1, &event, &zero, hole()), EFAULT);
	FAILS(raw_pgetevents(NULL, 0, 1, &event, &zero, &bad), EFAULT);
	FAILS(raw_pgetevents(NULL, 0, 1, &event, &zero, &open_mask), EINVAL);

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
	signals = 0;
	raise(SIGUSR1);
	CHECK_EQ(raw_pgetevents(ctx, 0, 1, &event, &zero, NULL), 0);
	CHECK_EQ(signals, 0);
	FAILS(raw_pgetevents(ctx, 1, 1, &event, &limit, &open_mask), EINTR);
	CHECK_EQ(signals, 1);
	CHECK(sigprocmask(SIG_UNBLOCK, &usr1, NULL) == 0);
}

static void cancel(io_context_t ctx)
{
	struct timespec limit = {EVENT_SECONDS, 0};
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	int pipe_fd[2];

	CHECK(pipe(pipe_fd) == 0);
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	CHECK_EQ(raw_submit(ctx, 1, &list), 1);
	FAILS(syscall(SYS_io_cancel, ctx, NULL, &event), EFAULT);
	FAILS(syscall(SYS_io_cancel, ctx, &iocb, &event), EINPROGRESS);
	FAILS(syscall(SYS_io_cancel, ctx, &iocb, &event), EINVAL);
	CHECK_EQ(raw_getevents(ctx, 1, 1, &event, &limit), 1);
	CHECK_EQ(event.res, 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void submit_errors(io_context_t ctx)
{
	struct iocb good, bad, *list[2] = {&good, &bad};
	struct timespec limit = {EVENT_SECONDS, 0};
	struct io_event event;

	io_prep_pread(&good, fd, memory, 4096, 0);
	io_prep_pread(&bad, 9999, memory, 4096, 0);
	CHECK_EQ(raw_submit(ctx, 0, NULL), 0);
	CHECK_EQ(raw_submit(ctx, 2, list), 1);
	CHECK_EQ(raw_getevents(ctx, 1, 1, &event, &limit), 1);
	FAILS(raw_submit(ctx, 1, list + 1), EBADF);
	FAILS(raw_submit(ctx, -1, list), EINVAL);
	FAILS(raw_submit(ctx, 1, NULL), EFAULT);
	FAILS(raw_submit(NULL, 1, list), EINVAL);
}

static void *wait_until_destroyed(void *ctx)
{
	struct io_event event;

	FAILS(raw_getevents((io_context_t)ctx, 1, 1, &event, NULL), EINVAL);
	return NULL;
}

/* All calls on one context, however it was made. */
static void every_call(io_context_t ctx)
{
	int direct, kept = fd;
	pthread_t thread;
	pid_t child;

	empty_ring(ctx);
	raw_read(ctx, 4096);
	fd = direct = reopen(fd, O_RDONLY | O_DIRECT);
	raw_read(ctx, 8192);
	fd = kept;
	close(direct);
	masks(ctx);
	cancel(ctx);
	submit_errors(ctx);
	child = fork();
	if (child == 0) {
		io_context_t own = NULL;

		watchdog();
		FAILS(raw_submit(ctx, 0, NULL), EINVAL);
		FAILS(syscall(SYS_io_destroy, ctx), EINVAL);
		CHECK_EQ(raw_setup(4, &own), 0);
		raw_read(own, 0);
		_exit(0);
	}
	wait_exit(child, 0);
	CHECK_EQ(pthread_create(&thread, NULL, wait_until_destroyed, ctx), 0);
	sleep_ms(50);
	CHECK_EQ(syscall(SYS_io_destroy, ctx), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	FAILS(raw_submit(ctx, 0, NULL), EINVAL);
}

static void in_handler(int signo)
{
	io_context_t ctx = NULL;

	(void)signo;
	CHECK_EQ(raw_setup(4, &ctx), 0);
	raw_read(ctx, 4096);
	CHECK_EQ(syscall(SYS_io_destroy, ctx), 0);
}

/* Before any constructor has run. */
static int early_setup = -1;

static void early(void)
{
	io_context_t ctx = NULL;

	early_setup = syscall(SYS_io_setup, 4, &ctx) == 0 && syscall(SYS_io_submit, ctx, 0, NULL) == 0 &&
		      syscall(SYS_io_destroy, ctx) == 0 && syscall(SYS_close, -1) == -1 && errno == EBADF;
}

__attribute__((section(".preinit_array"), used)) static void (*const before_all)(void) = early;

int main(void)
{
	const char *backend = getenv("AIOURING_BACKEND"), *preload = getenv("LD_PRELOAD");
	io_context_t raw = NULL, libs;

	CHECK_EQ(early_setup, 1);
	memory = (char *)pages(8192);
	fd = temp_file(16384, 51);
	if (preload && strstr(preload, "libaiouring"))
		CHECK(interposed());
	other_calls();
	any_alignment();
	setup_errors();

	CHECK_EQ(raw_setup(8, &raw), 0);
	CHECK_EQ(of_the_kernel(raw), !interposed() || (backend && strcmp(backend, "kernel") == 0));
	/* libaio's functions take it too. */
	{
		struct iocb iocb;

		io_prep_pread(&iocb, fd, memory, 4096, 4096);
		EVENT_IS(raw, &iocb, 4096);
		CHECK_PATTERN(memory, 4096, 51, 4096);
	}
	every_call(raw);

	libs = setup(8);
	/* An io_uring context of a library whose syscall() this is not is unknown to the kernel. */
	if (interposed() || of_the_kernel(libs)) {
		every_call(libs);
	} else {
		FAILS(raw_submit(libs, 0, NULL), EINVAL);
		CHECK_EQ(io_destroy(libs), 0);
	}
	CHECK(signal(SIGUSR2, in_handler) != SIG_ERR);
	raise(SIGUSR2);
	return 0;
}
