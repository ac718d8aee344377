/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A thread in a real-time class submits: what works for it runs as early as it does, if that is allowed. */
#include "aio_check.h"

#include <dirent.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int direct;
static char *memory;
static io_context_t ctx;

/* Class and priority of the library's thread; -1 where there is none. */
static int class_of_helper(int *priority)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int class = -1;

	CHECK(tasks != NULL);
	while ((entry = readdir(tasks)) != NULL) {
		char path[300], name[32] = "";
		struct sched_param param;
		int fd;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, name, sizeof(name) - 1) > 0 && strcmp(name, "aiouring\n") == 0) {
			class = sched_getscheduler(atoi(entry->d_name));
			CHECK(sched_getparam(atoi(entry->d_name), &param) == 0);
			*priority = param.sched_priority;
		}
		close(fd);
	}
	closedir(tasks);
	return class;
}

static void submit_in(int class, int priority)
{
	struct sched_param param = {.sched_priority = priority};
	struct iocb iocb;

	CHECK(sched_setscheduler(0, class, &param) == 0);
	io_prep_pread(&iocb, direct, memory, 4096, 0);
	EVENT_IS(ctx, &iocb, 4096);
}

static void *submit_higher(void *unused)
{
	submit_in(SCHED_RR, 5);
	return unused;
}

static void *submit_lower(void *unused)
{
	submit_in(SCHED_FIFO, 2);
	return unused;
}

static void *submit_forbidden(void *unused)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
	struct sched_param param = {.sched_priority = 9};
	struct rlimit limit = {0, 0};
	struct iocb iocb;

	CHECK(sched_setscheduler(0, SCHED_FIFO, &param) == 0);
	CHECK(setrlimit(RLIMIT_RTPRIO, &limit) == 0);
	CHECK_EQ(syscall(SYS_capset, &header, none), 0);
	io_prep_pread(&iocb, direct, memory, 4096, 0);
	EVENT_IS(ctx, &iocb, 4096);
	return unused;
}

static void in_thread(void *(*what)(void *))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, what, NULL), 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	struct sched_param usual = {0}, lowest = {.sched_priority = 1};
	int priority = 0;

	if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0)
		SKIP("no real-time class to be had: %s", strerror(errno));
	CHECK(sched_setscheduler(0, SCHED_OTHER, &usual) == 0);
	direct = reopen(temp_file(4096, 4), O_RDONLY | O_DIRECT);
	memory = (char *)pages(4096);
	ctx = setup(4);
	submit_in(SCHED_OTHER, 0);
	if (class_of_helper(&priority) >= 0) {
		CHECK_EQ(class_of_helper(&priority), SCHED_OTHER);
		in_thread(submit_higher);
		CHECK_EQ(class_of_helper(&priority), SCHED_RR);
		CHECK_EQ(priority, 5);
		in_thread(submit_lower);
		CHECK_EQ(priority, 5);
	}
	in_thread(submit_forbidden);
	if (class_of_helper(&priority) >= 0)
		CHECK_EQ(priority, 5);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
