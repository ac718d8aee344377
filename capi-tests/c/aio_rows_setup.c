/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* io_setup and io_queue_init row by row: arguments, sizes, limits, and what a new context looks like. */
#include "aio_rows.h"

#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>

static int pipe_fd[2];
static struct io_event events[4096];

static long number_in(const char *path)
{
	char line[64] = "";
	int fd = open(path, O_RDONLY);
	char *dash;

	CHECK(fd >= 0 && read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	dash = strrchr(line, '-');
	return atol(dash ? dash + 1 : line);
}

static long possible_cpus(void)
{
	return number_in("/sys/devices/system/cpu/possible") + 1;
}

static long aio_max_nr(void)
{
	return number_in("/proc/sys/fs/aio-max-nr");
}

/* What io_setup does with a variable that holds `before`. */
static const char *try_setup(int nr, io_context_t before)
{
	io_context_t ctx = before;
	int result = io_setup(nr, &ctx);

	if (result == 0) {
		CHECK_EQ(io_destroy(ctx), 0);
		return "0";
	}
	return text("%s, the variable %s", name_of(result), ctx == before ? "unchanged" : "changed");
}

static void S01(void)
{
	SAY("nr 0", "%s", try_setup(0, NULL));
	SAY("nr 0 and again", "%s", try_setup(0, NULL));
	SAY("nr 0, variable not NULL", "%s", try_setup(0, (io_context_t)1));
}

static void S02(void)
{
	SAY("nr -1", "%s", try_setup(-1, NULL));
	SAY("nr INT_MIN", "%s", try_setup(INT_MIN, NULL));
	SAY("nr -100", "%s", try_setup(-100, NULL));
}

static void S03(void)
{
	SAY("nr INT_MAX", "%s", try_setup(INT_MAX, NULL));
	SAY("nr 1 << 30", "%s", try_setup(1 << 30, NULL));
	SAY("nr 8388608", "%s", try_setup(8388608, NULL));
}

static void S04(void)
{
	SAY("nr 4194305", "%s", try_setup(4194305, NULL));
}

static void S05(void)
{
	SAY("nr 4194304", "%s", try_setup(4194304, NULL));
	SAY("nr 4194303", "%s", try_setup(4194303, NULL));
}

static void S06(void)
{
	SAY("nr above fs.aio-max-nr", "%s", try_setup((int)aio_max_nr() + 1, NULL));
	SAY("nr far above fs.aio-max-nr", "%s", try_setup(2 * (int)aio_max_nr(), NULL));
}

static void S09(void)
{
	io_context_t ctx = setup(4), once = ctx;

	SAY("variable is 1", "%s", try_setup(4, (io_context_t)1));
	SAY("variable is -1", "%s", try_setup(4, (io_context_t)-1));
	SAY_RESULT("variable is a context", io_setup(4, &once));
	SAY("and then", "%s", once == ctx ? "unchanged" : "changed");
	CHECK_EQ(io_destroy(ctx), 0);
	SAY_RESULT("variable is a destroyed context", io_setup(4, &once));
}

static void S10(void)
{
	SAY_RESULT("NULL", io_setup(4, NULL));
	SAY_RESULT("NULL, nr 0", io_setup(0, NULL));
	SAY_RESULT("NULL, nr -1", io_setup(-1, NULL));
}

static void S11(void)
{
	io_context_t *read_only = (io_context_t *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	SAY_RESULT("in the kernel", io_setup(4, (io_context_t *)(void *)KERNEL_ADDRESS));
	SAY_RESULT("in a hole", io_setup(4, (io_context_t *)(void *)hole()));
	SAY_RESULT("at -1", io_setup(4, (io_context_t *)-1));
	SAY_RESULT("cannot be written", io_setup(4, read_only));
	SAY_RESULT("half before a hole", io_setup(4, (io_context_t *)(void *)(pages_before_hole(4096) + 4092)));
	SAY_RESULT("in a hole, nr 0", io_setup(0, (io_context_t *)(void *)hole()));
}

static void S13(void)
{
	SAY("nr -1, variable not NULL", "%s", try_setup(-1, (io_context_t)1));
	SAY("nr above fs.aio-max-nr, variable not NULL", "%s", try_setup((int)aio_max_nr() + 1, (io_context_t)1));
}

/* What io_queue_init does with a variable that holds garbage. */
static const char *try_queue_init(int nr)
{
	io_context_t ctx = (io_context_t)0x1234;
	int result = io_queue_init(nr, &ctx);

	if (result == 0)
		CHECK_EQ(io_queue_release(ctx), 0);
	return text("%s, the variable %s", name_of(result),
		    ctx == (io_context_t)0x1234 ? "unchanged" : ctx == NULL ? "NULL" : "set");
}

static void S15(void)
{
	SAY("nr 0", "%s", try_queue_init(0));
	SAY("nr -1", "%s", try_queue_init(-1));
	SAY("nr INT_MIN", "%s", try_queue_init(INT_MIN));
	SAY_RESULT("nr 0, NULL", io_queue_init(0, NULL));
}

static void S16(void)
{
	SAY("nr 1", "%s", try_queue_init(1));
	SAY("nr 100", "%s", try_queue_init(100));
}

static const char *queue_init_of(void *out)
{
	return name_of(io_queue_init(1, (io_context_t *)out));
}

static void S17(void)
{
	SAY("NULL", "%s", outcome_of_child(queue_init_of, NULL));
	SAY("in a hole", "%s", outcome_of_child(queue_init_of, hole()));
}

static void S18(void)
{
	SAY("nr above fs.aio-max-nr", "%s", try_queue_init((int)aio_max_nr() + 1));
	SAY("nr INT_MAX", "%s", try_queue_init(INT_MAX));
}

static const int sizes[] = {1,   2,   7,   8,    16,   17,   31,   32,   63,    64,   65,   100, 127,
			    128, 200, 256, 500,  512,  1000, 1024, 2000, 4096, 8192, 16384, 32768};

static void S20(void)
{
	size_t i;

	for (i = 0; i < COUNT_OF(sizes); i++) {
		long cpus = possible_cpus(), least = sizes[i] > 4 * cpus ? sizes[i] : 4 * cpus;
		long page_count = (32 + 32 * (2 * least + 2) + 4095) / 4096;
		io_context_t ctx = setup(sizes[i]);
		struct ring_header *ring = ring_of(ctx);
		unsigned char state[2048];

		SAY(text("nr %d", sizes[i]), "%s, %s", ring->nr == (page_count * 4096 - 32) / 32 ? "as big" : "another",
		    mincore(ctx, (size_t)page_count * 4096, state) == 0 ? "mapped" : "not mapped");
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

/* Polls that stay until the context is full; how many. */
static int fill_up(io_context_t ctx)
{
	static struct iocb iocb;
	int n;

	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	for (n = 0; submit_one(ctx, &iocb) == 1; n++)
		;
	return n;
}

static void S21(void)
{
	static const int some[] = {1, 16, 32, 64, 128, 256, 1000};
	size_t i;

	CHECK(pipe(pipe_fd) == 0);
	for (i = 0; i < COUNT_OF(some); i++) {
		io_context_t ctx = setup(some[i]);
		int batch = 4 * (int)possible_cpus(), most = ((int)ring_of(ctx)->nr - 1) / batch * batch;
		static struct iocb iocb;
		int n = fill_up(ctx);

		io_prep_poll(&iocb, pipe_fd[0], POLLIN);
		SAY(text("nr %d", some[i]), "%s, then %s", n == most ? "as many as fit" : text("%d of %d", n, most),
		    name_of(submit_one(ctx, &iocb)));
		CHECK_EQ(io_destroy(ctx), 0);
	}
}

static void S22(void)
{
	io_context_t ctx = setup(1);
	struct ring_header *ring = ring_of(ctx);

	SAY("head and tail", "%u %u", ring->head, ring->tail);
	SAY("magic", "0x%x", ring->magic);
	SAY("features and length", "%u %u %u", ring->compat_features, ring->incompat_features, ring->header_length);
	SAY("events", "%s", ring->events[0].obj == NULL && ring->events[100].res == 0 ? "zero" : "not zero");
	SAY("ids of two contexts", "%s", ring_of(setup(1))->id != ring->id ? "differ" : "are the same");
}

static void S23(void)
{
	io_context_t ctx = setup(1);
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], perms[8] = "", name[256] = "";
	unsigned long start = 0, end = 0;

	CHECK(maps != NULL);
	while (fgets(line, sizeof(line), maps) && start != (unsigned long)ctx) {
		name[0] = 0;
		sscanf(line, "%lx-%lx %7s %*s %*s %*s %255[^\n]", &start, &end, perms, name);
	}
	fclose(maps);
	CHECK(start == (unsigned long)ctx);
	SAY("starts on a page", "%d", start % 4096 == 0);
	SAY("permissions", "%s", perms);
	SAY("size", "%s", end - start == 4096 ? "a page" : "more");
	SAY("name", "%s", name);
}

static void S25(void)
{
	int before = dup(0), after;
	io_context_t ctx;

	close(before);
	ctx = setup(64);
	after = dup(0);
	SAY("lowest free descriptor", "%s", after == before ? "as before" : "higher");
	close(after);
	CHECK_EQ(io_destroy(ctx), 0);
	after = dup(0);
	SAY("after io_destroy", "%s", after == before ? "as before" : "higher");
}

/* A read, a direct read, a poll and an fsync, all of which have to work. */
static const char *use(io_context_t ctx, int fd, int direct)
{
	static struct iocb iocb;
	char *memory = (char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *all;

	io_prep_pread(&iocb, fd, memory, 4096, 0);
	all = outcome_of(ctx, &iocb);
	io_prep_pread(&iocb, direct, memory, 4096, 0);
	all = text("%s, %s", all, outcome_of(ctx, &iocb));
	io_prep_poll(&iocb, pipe_fd[1], POLLOUT);
	all = text("%s, %s", all, outcome_of(ctx, &iocb));
	io_prep_fsync(&iocb, fd);
	return text("%s, %s", all, outcome_of(ctx, &iocb));
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limit = {value, value};

	CHECK(setrlimit(resource, &limit) == 0);
}

static void S26(void)
{
	int fd = temp_file(4096, 1), direct = reopen(fd, O_RDONLY | O_DIRECT), event_fd = eventfd(0, 0), waiting[2];
	struct pollfd readable = {event_fd, POLLIN, 0};
	struct timespec tenth = {0, 100000000};
	struct iocb iocb, polls[2];
	io_context_t ctx = NULL;
	uint64_t count = 0;
	sigset_t none;
	char byte = 'x';

	CHECK(pipe(pipe_fd) == 0 && pipe(waiting) == 0);
	limit(RLIMIT_NOFILE, 0);
	SAY_RESULT("RLIMIT_NOFILE 0", io_setup(8, &ctx));
	SAY("requests", "%s", use(ctx, fd, direct));
	SAY("poll(2)", "%s", poll(&readable, 1, 0) == 0 ? "works" : name_of(-errno));
	io_prep_poll(&polls[0], waiting[0], POLLIN);
	io_prep_poll(&polls[1], waiting[0], POLLIN);
	io_set_eventfd(&polls[1], event_fd);
	CHECK_EQ(submit_one(ctx, &polls[0]), 1);
	CHECK_EQ(submit_one(ctx, &polls[1]), 1);
	SAY("polls that wait", "%d", ready(ctx));
	io_prep_pwrite(&iocb, waiting[1], &byte, 1, 0);
	CHECK_EQ(submit_one(ctx, &iocb), 1);
	SAY_RESULT("a write to the pipe", io_getevents(ctx, 3, 3, events, NULL));
	SAY("the results together", "%ld", (long)(events[0].res + events[1].res + events[2].res));
	SAY("the count", "%s", read(event_fd, &count, 8) == 8 && count == 1 ? "1" : "another");
	io_prep_pread(&iocb, waiting[0], &byte, 1, 0);
	SAY_OUTCOME("read of the pipe", ctx, &iocb);
	sigemptyset(&none);
	SAY_RESULT("io_pgetevents", io_pgetevents(ctx, 1, 8, events, &tenth, &none));
	SAY_RESULT("destroy", io_destroy(ctx));
}

static void S27(void)
{
	int fd = temp_file(4096, 1), direct = reopen(fd, O_RDONLY | O_DIRECT);
	io_context_t ctx = NULL;

	CHECK(pipe(pipe_fd) == 0);
	limit(RLIMIT_MEMLOCK, 0);
	CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	SAY_RESULT("RLIMIT_MEMLOCK 0, nobody, nr 1000", io_setup(1000, &ctx));
	SAY("requests", "%s", use(ctx, fd, direct));
	SAY_RESULT("destroy", io_destroy(ctx));
}

static void S28(void)
{
	io_context_t ctx = NULL;
	size_t size;

	limit(RLIMIT_AS, 64 << 20);
	for (size = 32 << 20; size >= 4096; size /= 2)
		while (mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
			;
	SAY_RESULT("no address space left", io_setup(8, &ctx));
	SAY("the variable", "%s", ctx == NULL ? "NULL" : "set");
}

static void S29(void)
{
	io_context_t ctx = NULL;

	errno = 1234;
	io_setup(0, &ctx);
	SAY("failure", "errno is %s", errno == 1234 ? "untouched" : "set");
	errno = 1234;
	CHECK_EQ(io_setup(4, &ctx), 0);
	SAY("success", "errno is %s", errno == 1234 ? "untouched" : "set");
	errno = 1234;
	io_destroy(ctx);
	io_destroy(ctx);
	SAY("destroy", "errno is %s", errno == 1234 ? "untouched" : "set");
}

static void S30(void)
{
	static io_context_t ctx[1000];
	struct iocb iocb;
	int i, good = 0;

	for (i = 0; i < 1000 && io_setup(1, &ctx[i]) == 0; i++)
		;
	SAY("contexts", "%d", i);
	prepare_good(&iocb);
	while (i-- > 0) {
		good += submit_one(ctx[i], &iocb) == 1 && ready(ctx[i]) == 1;
		/* Few, as that takes the kernel a while. */
		good += i % 50 == 0 && io_destroy(ctx[i]) == 0;
	}
	SAY("reads in all and some of them destroyed", "%d", good);
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static void S31(void)
{
	cpu_set_t set;
	io_context_t ctx;
	int first, n, other = 0, batch = 4 * (int)possible_cpus(), most;
	struct iocb iocb;

	CHECK(pipe(pipe_fd) == 0 && sched_getaffinity(0, sizeof(set), &set) == 0);
	while (other < CPU_SETSIZE - 1 && (other == 0 || !CPU_ISSET(other, &set)))
		other++;
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(other, &set))
		other = 0;
	ctx = setup(1);
	most = ((int)ring_of(ctx)->nr - 1) / batch * batch;
	run_on(0);
	first = fill_up(ctx);
	run_on(other);
	n = fill_up(ctx);
	SAY("filled on one processor, then on another", "%s, %d", first == most ? "full" : "not full", n);
	CHECK_EQ(io_destroy(ctx), 0);
	ctx = setup(1);
	io_prep_poll(&iocb, pipe_fd[0], POLLIN);
	for (n = 0; n < most + 100; n++) {
		run_on(n % 2 ? other : 0);
		if (submit_one(ctx, &iocb) != 1)
			break;
	}
	SAY("by turns", "%s", n == most ? "full" : text("%d of %d", n, most));
}

static void S32(void)
{
	io_context_t ctx = setup(1);
	static struct iocb iocb;
	int round, first = 0;

	prepare_good(&iocb);
	for (round = 0; round < 4; round++) {
		int n, taken = 0, got;

		run_on(0);
		for (n = 0; submit_one(ctx, &iocb) == 1; n++)
			;
		if (round % 2 && possible_cpus() > 1)
			run_on(1);
		while ((got = ready(ctx)) > 0)
			taken += got;
		if (round == 0)
			first = n;
		SAY(text("round %d", round), "%s, %s", n == first ? "as many" : text("%d, at first %d", n, first),
		    taken == n ? "all taken" : "others taken");
	}
}

static void S33(void)
{
	static struct iocb iocb[256];
	struct iocb *list[256];
	int i, n, most;
	io_context_t ctx = setup(1);

	/* One call for more than fit. */
	CHECK(pipe(pipe_fd) == 0);
	for (i = 0; i < 256; i++) {
		io_prep_poll(&iocb[i], pipe_fd[0], POLLIN);
		list[i] = &iocb[i];
	}
	n = io_submit(ctx, 256, list);
	most = ((int)ring_of(ctx)->nr - 1) / (4 * (int)possible_cpus()) * 4 * (int)possible_cpus();
	SAY("more polls than fit", "%s", n == (most < 256 ? most : 256) ? "as many as fit" : name_of(n));
	SAY_RESULT("and again", io_submit(ctx, 256, list));
	CHECK_EQ(io_cancel(ctx, &iocb[3], events), -EINPROGRESS);
	reap(ctx, 1, events);
	n = io_submit(ctx, 256, list);
	SAY("when one is free", "%s", n == 1 || n == -EAGAIN ? "one at the most" : name_of(n));
}

static const struct row rows[] = {
	{"S01", S01}, {"S02", S02}, {"S03", S03}, {"S04", S04}, {"S05", S05}, {"S06", S06}, {"S09", S09},
	{"S10", S10}, {"S11", S11}, {"S13", S13}, {"S15", S15}, {"S16", S16}, {"S17", S17}, {"S18", S18},
	{"S20", S20}, {"S21", S21}, {"S22", S22}, {"S23", S23}, {"S25", S25}, {"S26", S26}, {"S27", S27},
	{"S28", S28}, {"S29", S29}, {"S30", S30}, {"S31", S31}, {"S32", S32}, {"S33", S33},
};

ROWS_MAIN(rows, 2)
