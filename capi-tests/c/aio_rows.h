/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs that say what AIO does, row by row, for comparison with capi-tests/data/aio-rows.tsv.
 *
 * A row is a function. It prints lines `ROW<tab>what: result`, the same on every run and every machine: no addresses,
 * no times, and no ": " within what. It runs in a process of its own, so that it may crash, hang or spoil its process;
 * CHECK is for what has to be so before the row can say anything.
 */
#ifndef AIO_ROWS_H
#define AIO_ROWS_H

#include <poll.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "aio_check.h"

struct row {
	const char *id;
	void (*run)(void);
};

/* The row that runs. */
static const char *row_id;

/* Seconds that a row, and a call of outcome_of_child, may take. */
enum { ROW_SECONDS = 25, CHILD_SECONDS = 10 };

/* Text that stays until 32 more have been made. */
__attribute__((format(printf, 1, 2))) MAYBE_UNUSED static const char *text(const char *format, ...)
{
	static char texts[32][512];
	static unsigned int next;
	char *place = texts[next++ % COUNT_OF(texts)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(place, sizeof(texts[0]), format, arguments);
	va_end(arguments);
	return place;
}

/* A line of the row that runs: what, and a format and its arguments for the result. */
#define SAY(what, ...) (printf("%s\t%s: ", row_id, what), printf(__VA_ARGS__), printf("\n"), (void)fflush(stdout))

/* A result as a number, or as the error that it is. */
MAYBE_UNUSED static const char *name_of(long result)
{
#define NAME_IF(error)                                                                                                 \
	if (result == -error)                                                                                          \
		return "-" #error;
	NAME_IF(EPERM)
	NAME_IF(ENOENT)
	NAME_IF(EINTR)
	NAME_IF(EIO)
	NAME_IF(ENXIO)
	NAME_IF(EBADF)
	NAME_IF(ECHILD)
	NAME_IF(EAGAIN)
	NAME_IF(ENOMEM)
	NAME_IF(EACCES)
	NAME_IF(EFAULT)
	NAME_IF(EBUSY)
	NAME_IF(EISDIR)
	NAME_IF(EINVAL)
	NAME_IF(EMFILE)
	NAME_IF(ETXTBSY)
	NAME_IF(EFBIG)
	NAME_IF(ENOSPC)
	NAME_IF(ESPIPE)
	NAME_IF(EROFS)
	NAME_IF(EPIPE)
	NAME_IF(ENOSYS)
	NAME_IF(EOVERFLOW)
	NAME_IF(EOPNOTSUPP)
	NAME_IF(ENOTCONN)
	NAME_IF(EDESTADDRREQ)
	NAME_IF(EMSGSIZE)
	NAME_IF(ENODEV)
	NAME_IF(ENOTTY)
	NAME_IF(ECONNRESET)
	NAME_IF(ECANCELED)
	NAME_IF(EINPROGRESS)
	NAME_IF(ETIME)
	NAME_IF(ETIMEDOUT)
#undef NAME_IF
	return text("%ld", result);
}

#define SAY_RESULT(what, result) SAY(what, "%s", name_of(result))

/* How a child ended. */
static const char *end_of(int status)
{
	static const struct {
		int number;
		const char *name;
	} signals[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGABRT, "SIGABRT"}, {SIGKILL, "SIGKILL"},
		       {SIGPIPE, "SIGPIPE"}, {SIGXFSZ, "SIGXFSZ"}, {SIGILL, "SIGILL"},   {SIGSYS, "SIGSYS"},
		       {SIGFPE, "SIGFPE"},   {SIGUSR1, "SIGUSR1"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}};
	size_t i;

	if (WIFEXITED(status))
		return text("exit status %d", WEXITSTATUS(status));
	for (i = 0; i < COUNT_OF(signals); i++)
		if (WIFSIGNALED(status) && WTERMSIG(status) == signals[i].number)
			return text("killed by %s", signals[i].name);
	return text("wait status %d", status);
}

/* Waits for a child, but not for ever: NULL if it had to be killed. */
static const char *end_within(pid_t child, int seconds)
{
	long end = now_ms() + 1000l * seconds * test_scale();
	int status;

	for (;;) {
		pid_t done = waitpid(child, &status, WNOHANG);

		CHECK(done >= 0);
		if (done == child)
			return end_of(status);
		if (now_ms() > end) {
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return NULL;
		}
		sleep_ms(1);
	}
}

/*
 * What a call does that may crash, hang or end the process. It is made in a child (where contexts of the parent are
 * invalid), and what it returns, up to 200 bytes of text, is passed on; otherwise this is "killed by SIGSEGV",
 * "exit status 3" or "hangs".
 */
MAYBE_UNUSED static const char *outcome_of_child(const char *(*call)(void *), void *argument)
{
	char *shared = (char *)mmap(NULL, 256, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *end, *result;
	pid_t child;

	CHECK(shared != MAP_FAILED);
	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		watchdog();
		snprintf(shared, 256, "%s", call(argument));
		_exit(0);
	}
	end = end_within(child, CHILD_SECONDS);
	result = end == NULL ? "hangs" : shared[0] != 0 ? text("%s", shared) : end;
	munmap(shared, 256);
	return result;
}

/* Runs a call in a thread and returns what that returned, after the thread has gone. */
MAYBE_UNUSED static void *in_thread(void *(*call)(void *), void *argument)
{
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, call, argument), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	return result;
}

/* An event, or what is wrong with it. */
MAYBE_UNUSED static const char *event_text(const struct io_event *event, const struct iocb *iocb, void *data)
{
	if (event->obj != iocb || event->data != data || event->res2 != 0)
		return text("event with a wrong obj, data or res2 (%ld)", (long)event->res2);
	return text("event %s", name_of((long)event->res));
}

/* What becomes of a request: "event 10", "event -EFAULT", "refused -EINVAL", "no event". */
MAYBE_UNUSED static const char *outcome_of(io_context_t ctx, struct iocb *iocb)
{
	struct io_event event;
	struct timespec limit = {EVENT_SECONDS, 0};
	void *data = iocb->data;
	int submitted = submit_one(ctx, iocb);

	if (submitted < 0)
		return text("refused %s", name_of(submitted));
	if (submitted != 1)
		return text("io_submit is %d", submitted);
	memset(&event, 0x55, sizeof(event));
	if (io_getevents(ctx, 1, 1, &event, &limit) != 1)
		return "no event";
	return event_text(&event, iocb, data);
}

#define SAY_OUTCOME(what, ctx, iocb) SAY(what, "%s", outcome_of(ctx, iocb))

/* The same, and the key in the iocb, which had a value of ours before: whether io_submit got as far as writing it. */
MAYBE_UNUSED static const char *outcome_and_key(io_context_t ctx, struct iocb *iocb)
{
	const char *outcome;

	iocb->key = 7;
	outcome = outcome_of(ctx, iocb);
	return text("%s, key %s", outcome, iocb->key == 7 ? "kept" : iocb->key == 0 ? "written" : "wrong");
}

/* The same with an eventfd: one count for an event, none for a refusal. */
MAYBE_UNUSED static const char *outcome_with_eventfd(io_context_t ctx, struct iocb *iocb)
{
	/* Not the next free number: requests for a closed descriptor are made too. */
	int first = eventfd(0, EFD_NONBLOCK), fd = fcntl(first, F_DUPFD, 500), accepted;
	struct pollfd readable = {fd, POLLIN, 0};
	struct iocb copy = *iocb;
	const char *outcome;
	uint64_t count = 0;

	CHECK(fd >= 0);
	close(first);
	io_set_eventfd(&copy, fd);
	outcome = outcome_of(ctx, &copy);
	accepted = strncmp(outcome, "event", 5) == 0;
	/* Without the library's thread the kernel writes to it when it gets to it. */
	if (accepted && getenv("AIOURING_ISSUER") != NULL)
		poll(&readable, 1, 1000);
	if (read(fd, &count, 8) != 8)
		count = 0;
	close(fd);
	if (count != (uint64_t)accepted)
		return text("%s, eventfd %llu", outcome, (unsigned long long)count);
	return outcome;
}

/* A cached read of one byte, which certainly succeeds. */
MAYBE_UNUSED static void prepare_good(struct iocb *iocb)
{
	static int fd = -1;
	static char byte;

	if (fd < 0) {
		fd = temp_file(16, 1);
		CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	}
	io_prep_pread(iocb, fd, &byte, 1, 0);
}

/* The same between two requests that succeed: what is before a refused one is taken, what is after it is not. */
MAYBE_UNUSED static const char *outcome_in_batch(io_context_t ctx, struct iocb *iocb)
{
	struct iocb before, after, *list[] = {&before, iocb, &after};
	struct io_event events[3];
	struct timespec limit = {EVENT_SECONDS, 0};
	const char *outcome = "no event";
	void *data = iocb->data;
	int submitted, i, good = 0;

	prepare_good(&before);
	prepare_good(&after);
	submitted = io_submit(ctx, 3, list);
	if (submitted != 1 && submitted != 3)
		return text("io_submit is %s for three", name_of(submitted));
	if (io_getevents(ctx, submitted, submitted, events, &limit) != submitted)
		return "events are missing";
	for (i = 0; i < submitted; i++)
		if (events[i].obj == iocb)
			outcome = event_text(&events[i], iocb, data);
		else if (events[i].res == 1)
			good++;
	if (good != (submitted == 3 ? 2 : 1))
		return "a good request failed";
	if (submitted == 3)
		return outcome;
	/* Why it was refused is said when it is the first. */
	return outcome_of(ctx, iocb);
}

struct in_thread_request {
	io_context_t ctx;
	struct iocb *iocb;
	char outcome[200];
};

MAYBE_UNUSED static void *request_in_thread(void *argument)
{
	struct in_thread_request *request = (struct in_thread_request *)argument;

	snprintf(request->outcome, sizeof(request->outcome), "%s", outcome_of(request->ctx, request->iocb));
	return NULL;
}

MAYBE_UNUSED static const char *outcome_in_thread(io_context_t ctx, struct iocb *iocb)
{
	struct in_thread_request request = {ctx, iocb, ""};

	in_thread(request_in_thread, &request);
	return text("%s", request.outcome);
}

/*
 * What becomes of a request that may be made several times: alone, twice, with an eventfd, in the middle of a batch and
 * by another thread. One outcome if it is the same in all ways.
 */
MAYBE_UNUSED static const char *outcome_all_ways(io_context_t ctx, struct iocb *iocb)
{
	static const struct {
		const char *name;
		const char *(*outcome)(io_context_t ctx, struct iocb *iocb);
	} ways[] = {{"once more", outcome_of},
		    {"with an eventfd", outcome_with_eventfd},
		    {"in a batch", outcome_in_batch},
		    {"in a thread", outcome_in_thread}};
	const char *alone = outcome_of(ctx, iocb), *all = alone;
	size_t i;

	for (i = 0; i < COUNT_OF(ways); i++) {
		const char *outcome = ways[i].outcome(ctx, iocb);

		if (strcmp(outcome, alone) != 0)
			all = text("%s, but %s %s", all, ways[i].name, outcome);
	}
	return all;
}

#define SAY_ALL_WAYS(what, ctx, iocb) SAY(what, "%s", outcome_all_ways(ctx, iocb))

/* Whether what began at `start` took at least this long; nothing is made of it if it took longer. */
MAYBE_UNUSED static const char *waited(long start, long ms)
{
	return now_ms() - start < ms - 5 ? "at once" : "after a wait";
}

static void *no_call(void *unused)
{
	return unused;
}

/* What a row has printed so far in its process, and how the process ended. */
struct row_run {
	pid_t child;
	int output;
	long start;
};

static void row_start(struct row_run *run, const struct row *row)
{
	char name[] = "row-XXXXXX";

	run->output = mkstemp(name);
	CHECK(run->output >= 0);
	unlink(name);
	fflush(stdout);
	run->start = now_ms();
	run->child = fork();
	CHECK(run->child >= 0);
	if (run->child == 0) {
		CHECK(dup2(run->output, 1) == 1);
		close(run->output);
		watchdog();
		row_id = row->id;
		/* The C library keeps the stack for later threads: none is mapped while the row runs. */
		in_thread(no_call, NULL);
		row->run();
		exit(0);
	}
}

/* Passes on what the row printed; returns the exit code that it means for the program. */
static int row_end(struct row_run *run, const struct row *row)
{
	const char *end = end_within(run->child, ROW_SECONDS);
	char chunk[4096];
	ssize_t n;
	off_t at = 0;
	int code = 1;

	while ((n = pread(run->output, chunk, sizeof(chunk), at)) > 0) {
		fwrite(chunk, 1, (size_t)n, stdout);
		at += n;
	}
	close(run->output);
	if (end == NULL)
		printf("%s\thangs\n", row->id);
	else if (strcmp(end, "exit status 0") == 0)
		code = 0;
	else if (strcmp(end, "exit status 77") == 0)
		code = 77;
	else
		printf("%s\t%s\n", row->id, end);
	if (getenv("ROW_TIMES"))
		fprintf(stderr, "%s: %ld ms\n", row->id, now_ms() - run->start);
	return code;
}

/*
 * Runs the rows (those that are named as arguments, if any are), `together` of them at a time: more than one for rows
 * that mostly wait. The program fails if a row cannot say anything; what it says is compared elsewhere.
 */
MAYBE_UNUSED static int run_rows(const struct row *rows, size_t count, size_t together, int argc, char **argv)
{
	struct row_run runs[256];
	size_t started = 0, ended = 0, chosen = 0;
	const struct row *list[256];
	int code = 0, i;

	CHECK(count <= COUNT_OF(list));
	for (; count > 0; count--, rows++) {
		for (i = 1; i < argc && strcmp(argv[i], rows->id) != 0; i++)
			;
		if (argc <= 1 || i < argc)
			list[chosen++] = rows;
	}
	while (ended < chosen) {
		while (started < chosen && started < ended + together) {
			row_start(&runs[started], list[started]);
			started++;
		}
		i = row_end(&runs[ended], list[ended]);
		ended++;
		if (i == 1 || code == 0)
			code = i;
		alarm((unsigned int)(WATCHDOG_SECONDS * test_scale()));
	}
	fflush(stdout);
	return code;
}

/* main() of a program of rows. */
#define ROWS_MAIN(rows, together)                                                                                      \
	int main(int argc, char **argv)                                                                                \
	{                                                                                                              \
		return run_rows(rows, COUNT_OF(rows), together, argc, argv);                                           \
	}

#endif
