/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the programs beside it have in common: arguments, clocks, histograms, and the talk with who measures.
 *
 * A program does one workload for as long as its standard input is open. It says `ready` when it could start; to each
 * line `run SECONDS` it answers with one line of JSON. Who measures can so let two programs take turns, slice by slice.
 * A wrong result is {"error":"what"} and exit status 1.
 */
#ifndef SLICE_H
#define SLICE_H

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LOST_AFTER_SECONDS = 20 };

__attribute__((noreturn, format(printf, 1, 2))) static inline void fail(const char *format, ...)
{
	char text[512];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	for (char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\' || *c < ' ')
			*c = '\'';
	}
	printf("{\"error\":\"%s\"}\n", text);
	fflush(stdout);
	/* Requests may still be under way; nothing is to be waited for. */
	_exit(1);
}

/* Zeroed and resident: no page is to be missing while something is measured. */
static inline void *allocate(size_t count, size_t size)
{
	volatile char *memory = calloc(count, size);
	if (!memory)
		fail("no memory");
	for (size_t i = 0; i < count * size; i += 4096)
		memory[i] = 0;
	return (void *)memory;
}

/* Arguments: key=value. */

static struct {
	char **list;
	int used[32], count;
} arguments;

static inline void arguments_are(int count, char **list)
{
	if (count > 32)
		fail("too many arguments");
	arguments.list = list;
	arguments.count = count;
}

static inline const char *argument(const char *key, const char *otherwise)
{
	size_t length = strlen(key);
	for (int i = 0; i < arguments.count; i++) {
		if (!strncmp(arguments.list[i], key, length) && arguments.list[i][length] == '=') {
			arguments.used[i] = 1;
			return arguments.list[i] + length + 1;
		}
	}
	if (!otherwise)
		fail("%s= is missing", key);
	return otherwise;
}

static inline unsigned long number(const char *key, unsigned long otherwise)
{
	const char *text = argument(key, "");
	if (!*text)
		return otherwise;
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	if (*end)
		fail("%s=%s is no number", key, text);
	return value;
}

/* A misspelt argument must not measure something else. */
static inline void arguments_end(void)
{
	for (int i = 0; i < arguments.count; i++) {
		if (!arguments.used[i])
			fail("argument not known: %s", arguments.list[i]);
	}
}

/* Times are in nanoseconds. */
static inline uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sixteen buckets for each power of two: good to 6 %, and cheap to add to. */
struct histogram {
	uint64_t total, buckets[1024];
};

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	unsigned bucket = (unsigned)value;
	if (value >= 16) {
		unsigned exponent = 63 - (unsigned)__builtin_clzll(value);
		bucket = (exponent - 3) * 16 + (unsigned)(value >> (exponent - 4) & 15);
	}
	histogram->buckets[bucket]++;
	histogram->total++;
}

static inline void histogram_merge(struct histogram *to, const struct histogram *from)
{
	to->total += from->total;
	for (unsigned i = 0; i < 1024; i++)
		to->buckets[i] += from->buckets[i];
}

/* The middle of the bucket in which that part of the values ends, in microseconds. */
static inline double histogram_at(const struct histogram *histogram, double part)
{
	uint64_t left = (uint64_t)((double)histogram->total * part);
	for (unsigned i = 0; i < 1024; i++) {
		if (histogram->buckets[i] > left) {
			if (i < 16)
				return i / 1e3;
			double width = (double)(1ull << (i / 16 - 1));
			return (16 + i % 16 + .5) * width / 1e3;
		}
		left -= histogram->buckets[i];
	}
	return 0;
}

static inline void histogram_print(const char *name, const struct histogram *histogram)
{
	printf("\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}", name, histogram_at(histogram, .5),
		histogram_at(histogram, .99), histogram_at(histogram, .999));
}

/* What one slice brought. */
struct slice {
	uint64_t ios;
	struct histogram submit, latency;
};

/* How a workload is done; what is not `run` is not measured and may be missing. */
struct workload {
	const char *name;
	void (*prepare)(void);
	void (*before)(void); /* each slice */
	void (*run)(struct slice *slice, uint64_t end);
	void (*after)(void); /* each slice */
};

static inline void lost(int signal)
{
	(void)signal;
	static const char text[] = "{\"error\":\"an event is lost\"}\n";
	ssize_t written = write(STDOUT_FILENO, text, sizeof text - 1);
	_exit(written ? 1 : 2);
}

static inline double seconds_of(struct timeval a, struct timeval b)
{
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_usec - a.tv_usec) / 1e6;
}

static inline int measure(const struct workload *workload)
{
	static struct slice slice;
	char line[64];
	/* No time limit on the waits themselves: that would be work that programs do not have. */
	signal(SIGALRM, lost);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		double seconds;
		if (sscanf(line, "run %lf", &seconds) != 1)
			fail("not understood: %s", line);
		memset(&slice, 0, sizeof slice);
		if (workload->before)
			workload->before();
		alarm((unsigned)seconds + LOST_AFTER_SECONDS);
		struct rusage from, to;
		getrusage(RUSAGE_SELF, &from);
		uint64_t start = now();
		workload->run(&slice, start + (uint64_t)(seconds * 1e9));
		uint64_t end = now();
		getrusage(RUSAGE_SELF, &to);
		alarm(0);
		if (workload->after)
			workload->after();
		printf("{\"ios\":%llu,\"seconds\":%.9f,\"user\":%.6f,\"system\":%.6f,\"voluntary\":%ld,\"involuntary\":%ld,",
			(unsigned long long)slice.ios, (double)(end - start) / 1e9,
			seconds_of(from.ru_utime, to.ru_utime), seconds_of(from.ru_stime, to.ru_stime),
			to.ru_nvcsw - from.ru_nvcsw, to.ru_nivcsw - from.ru_nivcsw);
		histogram_print("submit", &slice.submit);
		printf(",");
		histogram_print("latency", &slice.latency);
		printf("}\n");
		fflush(stdout);
	}
	return 0;
}

#endif
