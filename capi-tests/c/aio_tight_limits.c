/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Contexts work when the process may have next to nothing: descriptors, threads, locked or any more memory. */
// except: caller (signals of eventfds need workers of the kernel there, which the limit of threads refuses)
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { SIZE = 1 << 20, MANY = 100 };

static int file, direct, pipe_fd[2], event_fd;
static char *memory;

/* All kinds of requests, with no need for a new descriptor. */
static void use(io_context_t ctx)
{
	struct iocb iocb[MANY], *list[MANY], one;
	struct io_event events[MANY], event;
	uint64_t count = 0, more;
	char byte;
	int i;

	/* Whether it works is not for everybody to see. */
	CHECK(fdatasync(file) == 0 && posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
	for (i = 0; i < MANY; i++) {
		int fd = i % 2 ? file : direct;

		io_prep_pread(&iocb[i], fd, memory + i * 4096, 4096, i * 4096);
		io_set_eventfd(&iocb[i], event_fd);
		list[i] = &iocb[i];
	}
	CHECK_EQ(io_submit(ctx, MANY, list), MANY);
	reap(ctx, MANY, events);
	for (i = 0; i < MANY; i++)
		CHECK_EQ(events[i].res, 4096);
	CHECK_PATTERN(memory, MANY * 4096, 94, 0);
	while (count < MANY) {
		CHECK_EQ(read(event_fd, &more, 8), 8);
		count += more;
	}
	CHECK_EQ(count, MANY);
	io_prep_pwrite(&one, direct, memory, 65536, 0);
	EVENT_IS(ctx, &one, 65536);
	io_prep_pwrite(&one, file, memory, 65536, 0);
	EVENT_IS(ctx, &one, 65536);
	io_prep_fsync(&one, file);
	EVENT_IS(ctx, &one, 0);
	io_prep_fdsync(&one, direct);
	EVENT_IS(ctx, &one, 0);
	io_prep_poll(&one, pipe_fd[0], POLLIN);
	CHECK_EQ(submit_one(ctx, &one), 1);
	CHECK_PENDING(ctx);
	CHECK_EQ(write(pipe_fd[1], "x", 1), 1);
	reap(ctx, 1, &event);
	CHECK(event.obj == &one && event.res & POLLIN);
	CHECK_EQ(read(pipe_fd[0], &byte, 1), 1);
	CHECK_EQ(submit_one(ctx, &one), 1);
	CHECK_EQ(io_cancel(ctx, &one, &event), -EINPROGRESS);
	reap(ctx, 1, &event);
	CHECK_EQ(event.res, 0);
}

static void limit(int resource, rlim_t value)
{
	struct rlimit now = {value, value};

	CHECK(setrlimit(resource, &now) == 0);
}

static void become_nobody(void)
{
	if (geteuid() == 0)
		CHECK(setgid(65534) == 0 && setuid(65534) == 0);
}

static void no_descriptors(void)
{
	io_context_t before = setup(MANY), after;

	limit(RLIMIT_NOFILE, 0);
	use(before);
	after = setup(MANY);
	use(after);
	CHECK_EQ(io_destroy(before), 0);
	CHECK_EQ(io_destroy(after), 0);
}

static void no_descriptors_from_the_start(void)
{
	limit(RLIMIT_NOFILE, 0);
	use(setup(MANY));
}

static void no_locked_memory(void)
{
	limit(RLIMIT_MEMLOCK, 0);
	become_nobody();
	use(setup(MANY));
	use(setup(1000));
}

static void many_contexts(void)
{
	static io_context_t contexts[1000];
	int i;

	limit(RLIMIT_MEMLOCK, 8 << 20);
	become_nobody();
	for (i = 0; i < 1000; i++)
		contexts[i] = setup(1);
	use(contexts[0]);
	use(contexts[999]);
}

static void no_threads(void)
{
	limit(RLIMIT_NPROC, 1);
	become_nobody();
	use(setup(MANY));
}

static void no_threads_later(void)
{
	io_context_t ctx = setup(MANY);

	limit(RLIMIT_NPROC, 0);
	become_nobody();
	use(ctx);
	use(setup(MANY));
}

/* What is left of the address space, but for a few pages. */
static rlim_t address_space(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (rlim_t)atol(text) * 4096;
}

static void no_address_space(void)
{
	io_context_t ctx = NULL;

	limit(RLIMIT_AS, address_space());
	CHECK_EQ(io_setup(1000, &ctx), -ENOMEM);
	CHECK(ctx == NULL);
}

static void no_address_space_later(void)
{
	io_context_t ctx = setup(MANY), other = NULL;

	limit(RLIMIT_AS, address_space());
	use(ctx);
	CHECK_EQ(io_setup(1000, &other), -ENOMEM);
	use(ctx);
	CHECK_EQ(io_destroy(ctx), 0);
}

static void under(void (*limits)(void))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		watchdog();
		limits();
		exit(0);
	}
	wait_exit(child, 0);
}

int main(void)
{
	file = temp_file(SIZE, 94);
	direct = reopen(file, O_RDWR | O_DIRECT);
	event_fd = eventfd(0, 0);
	memory = (char *)pages(SIZE);
	memset(memory, 0, SIZE);
	CHECK(event_fd >= 0 && pipe(pipe_fd) == 0);
	under(no_descriptors);
	under(no_descriptors_from_the_start);
	under(no_locked_memory);
	under(many_contexts);
	under(no_threads);
	under(no_threads_later);
	under(no_address_space);
	under(no_address_space_later);
	return 0;
}
