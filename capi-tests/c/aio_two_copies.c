/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two copies of the library in one process: a context works through either, and one thread serves both. */
/* variants: ours,preload-ours */
// old-kernel: no (that build has one library)
#include "aio_check.h"

#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>

enum { BLOCK = 4096, ROUNDS = 200 };

/* The functions of one copy. */
struct copy {
	int (*setup)(int, io_context_t *);
	int (*destroy)(io_context_t);
	int (*submit)(io_context_t, long, struct iocb **);
	int (*cancel)(io_context_t, struct iocb *, struct io_event *);
	int (*getevents)(io_context_t, long, long, struct io_event *, struct timespec *);
	int (*pgetevents)(io_context_t, long, long, struct io_event *, struct timespec *, sigset_t *);
	int (*queue_init)(int, io_context_t *);
	int (*queue_run)(io_context_t);
};

static struct copy copies[2] = {{io_setup, io_destroy, io_submit, io_cancel, io_getevents, io_pgetevents, io_queue_init,
				 io_queue_run}};
static int fd, direct, on_uring;

static void *function(void *library, const char *name)
{
	void *address = dlsym(library, name);

	CHECK(address != NULL);
	return address;
}

/* The library that the program's functions do not come from. */
static void *other_library(void)
{
	static const char *const names[] = {"libaio.so.1", "libaiouring.so.1"};
	void *library;
	Dl_info info, other;

	CHECK(dladdr((void *)(uintptr_t)io_submit, &info) != 0);
	library = dlopen(names[strstr(info.dli_fname, "libaiouring") == NULL], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		SKIP("%s", dlerror());
	CHECK(dladdr(function(library, "io_submit"), &other) != 0);
	CHECK(strcmp(info.dli_fname, other.dli_fname) != 0);
	return library;
}

static int threads_of_the_library(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	CHECK(tasks != NULL);
	while ((entry = readdir(tasks))) {
		char path[300], name[32] = "";
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		comm = fopen(path, "r");
		if (!comm)
			continue;
		count += fgets(name, sizeof(name), comm) && strcmp(name, "aiouring\n") == 0;
		fclose(comm);
	}
	closedir(tasks);
	return count;
}

static struct copy *any(int i)
{
	return &copies[i & 1];
}

/* A request whose every step goes through another copy. */
static void one_request(io_context_t ctx, int steps, char *memory)
{
	struct timespec limit = {EVENT_SECONDS, 0};
	int file = steps & 8 ? direct : fd;
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	long offset = (steps & 7) * BLOCK;

	memset(memory, 0, BLOCK);
	io_prep_pread(&iocb, file, memory, BLOCK, offset);
	CHECK_EQ(any(steps)->submit(ctx, 1, &list), 1);
	if (steps & 4)
		CHECK_EQ(any(steps >> 1)->getevents(ctx, 1, 1, &event, &limit), 1);
	else
		CHECK_EQ(any(steps >> 1)->pgetevents(ctx, 1, 1, &event, &limit, NULL), 1);
	CHECK(event.obj == &iocb);
	CHECK_EQ(event.res, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 61, offset);
}

static void *busy(void *arg)
{
	int first = arg != NULL, i;
	char *memory = (char *)pages(BLOCK);

	for (i = 0; i < ROUNDS; i++) {
		io_context_t ctx = NULL;

		CHECK_EQ(any(first + i)->setup(8, &ctx), 0);
		one_request(ctx, first + i, memory);
		CHECK_EQ(any(i >> 1)->destroy(ctx), 0);
	}
	return NULL;
}

static void called(io_context_t ctx, struct iocb *iocb, long res, long res2)
{
	(void)ctx;
	(void)res2;
	CHECK_EQ(res, BLOCK);
	iocb->data = NULL;
}

static void everything(void)
{
	struct timespec zero = {0, 0}, limit = {EVENT_SECONDS, 0};
	char *memory = (char *)pages(BLOCK);
	struct iocb iocb, *list = &iocb;
	struct io_event event;
	int made, i, pipe_fd[2];

	CHECK(pipe(pipe_fd) == 0);
	for (made = 0; made < 2; made++) {
		io_context_t ctx = (io_context_t)1;

		errno = 1234;
		CHECK_EQ(any(made)->setup(8, &ctx), -EINVAL);
		CHECK_EQ(any(made)->setup(8, NULL), -EFAULT);
		CHECK_EQ(any(made)->queue_init(8, &ctx), 0);
		for (i = 0; i < 16; i++)
			one_request(ctx, i, memory);
		CHECK_EQ(any(made + 1)->submit(ctx, 1, NULL), -EFAULT);
		CHECK_EQ(any(made + 1)->getevents(ctx, 2, 1, NULL, NULL), -EINVAL);
		CHECK_EQ(any(made + 1)->getevents(ctx, 1, 1, &event, &zero), 0);
		io_prep_poll(&iocb, pipe_fd[0], POLLIN);
		CHECK_EQ(any(made)->submit(ctx, 1, &list), 1);
		CHECK_EQ(any(made + 1)->cancel(ctx, &iocb, &event), -EINPROGRESS);
		CHECK_EQ(any(made)->getevents(ctx, 1, 1, &event, &limit), 1);
		io_prep_pread(&iocb, fd, memory, BLOCK, 0);
		io_set_callback(&iocb, called);
		CHECK_EQ(any(made)->submit(ctx, 1, &list), 1);
		CHECK_EQ(any(made + 1)->queue_run(ctx), 0);
		CHECK(iocb.data == NULL);
		CHECK_EQ(errno, 1234);
		CHECK_EQ(any(made + 1)->destroy(ctx), 0);
		CHECK_EQ(any(made)->destroy(ctx), -EINVAL);
	}
}

/* A context of one copy, left in the name space of another set of libraries. */
static void other_name_space(const char *path)
{
	void *library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
	int (*their_setup)(int, io_context_t *), (*their_submit)(io_context_t, long, struct iocb **);
	int (*their_destroy)(io_context_t);
	io_context_t ours = NULL, theirs = NULL;
	struct iocb iocb, *list = &iocb;
	char *memory = (char *)pages(BLOCK);

	if (!library)
		FAIL("%s", dlerror());
	their_setup = (int (*)(int, io_context_t *))function(library, "io_setup");
	their_submit = (int (*)(io_context_t, long, struct iocb **))function(library, "io_submit");
	their_destroy = (int (*)(io_context_t))function(library, "io_destroy");
	CHECK_EQ(io_setup(8, &ours), 0);
	CHECK_EQ(their_setup(8, &theirs), 0);
	io_prep_pread(&iocb, fd, memory, BLOCK, 0);
	/* They know nothing of each other; the kernel knows its own. */
	if (on_uring) {
		CHECK_EQ(their_submit(ours, 1, &list), -EINVAL);
		CHECK_EQ(io_submit(theirs, 1, &list), -EINVAL);
	}
	CHECK_EQ(their_submit(theirs, 1, &list), 1);
	CHECK_PATTERN(memory, BLOCK, 61, 0);
	CHECK_EQ(their_destroy(theirs), 0);
	CHECK_EQ(io_destroy(ours), 0);
}

int main(void)
{
	void *library = other_library();
	const char *backend = getenv("AIOURING_BACKEND");
	pthread_t thread[2];
	io_context_t ctx = NULL;
	Dl_info info;
	pid_t child;
	int i;

	copies[1].setup = (int (*)(int, io_context_t *))function(library, "io_setup");
	copies[1].destroy = (int (*)(io_context_t))function(library, "io_destroy");
	copies[1].submit = (int (*)(io_context_t, long, struct iocb **))function(library, "io_submit");
	copies[1].cancel = (int (*)(io_context_t, struct iocb *, struct io_event *))function(library, "io_cancel");
	copies[1].getevents = (int (*)(io_context_t, long, long, struct io_event *, struct timespec *))function(
		library, "io_getevents");
	copies[1].pgetevents = (int (*)(io_context_t, long, long, struct io_event *, struct timespec *, sigset_t *))
		function(library, "io_pgetevents");
	copies[1].queue_init = (int (*)(int, io_context_t *))function(library, "io_queue_init");
	copies[1].queue_run = (int (*)(io_context_t))function(library, "io_queue_run");
	CHECK(copies[0].submit != copies[1].submit);
	fd = temp_file(8 * BLOCK, 61);
	direct = reopen(fd, O_RDONLY | O_DIRECT);

	/* The copy that came later is the first to be used. */
	CHECK_EQ(copies[1].setup(8, &ctx), 0);
	one_request(ctx, 10, (char *)pages(BLOCK));
	everything();
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, busy, i ? &fd : NULL), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	on_uring = !(backend && strcmp(backend, "kernel") == 0);
	CHECK_EQ(threads_of_the_library(), on_uring);

	child = fork();
	if (child == 0) {
		watchdog();
		CHECK_EQ(copies[0].submit(ctx, 0, NULL), -EINVAL);
		CHECK_EQ(copies[1].submit(ctx, 0, NULL), -EINVAL);
		everything();
		exit(0);
	}
	wait_exit(child, 0);

	CHECK(dladdr(function(library, "io_submit"), &info) != 0);
	other_name_space(info.dli_fname);
	CHECK_EQ(copies[0].destroy(ctx), 0);
	return 0;
}
