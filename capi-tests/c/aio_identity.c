/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A process that changes users, roots, name spaces and directories while it has contexts: as if no thread were there. */
/* except: caller,sqpoll (the kernel's workers share directories with the program and keep its user) */
#include "aio_check.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

enum { BLOCK = 4096, NOBODY = 65534 };

static int fd, direct;
static io_context_t ctx;

static void io(io_context_t context)
{
	char *memory = (char *)pages(BLOCK);
	struct iocb iocb;

	io_prep_pread(&iocb, fd, memory, BLOCK, BLOCK);
	EVENT_IS(context, &iocb, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 67, BLOCK);
	memset(memory, 0, BLOCK);
	io_prep_pread(&iocb, direct, memory, BLOCK, BLOCK);
	EVENT_IS(context, &iocb, BLOCK);
	CHECK_PATTERN(memory, BLOCK, 67, BLOCK);
	io_prep_pwrite(&iocb, direct, memory, BLOCK, BLOCK);
	EVENT_IS(context, &iocb, BLOCK);
	io_prep_fsync(&iocb, fd);
	EVENT_IS(context, &iocb, 0);
}

static void all_io(void)
{
	io_context_t fresh = setup(8);

	io(ctx);
	io(fresh);
	CHECK_EQ(io_destroy(fresh), 0);
}

static void *second_thread(void *arg)
{
	pthread_barrier_t *barrier = (pthread_barrier_t *)arg;

	pthread_barrier_wait(barrier);
	/* The main thread changes the user. */
	pthread_barrier_wait(barrier);
	io(ctx);
	return NULL;
}

/* Every thread of the process, ours too, is this user's; the kernel's workers act for whoever made a request. */
static void all_threads_are(const char *uid, const char *gid)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;

	CHECK(tasks != NULL);
	while ((entry = readdir(tasks))) {
		char path[300], line[256], expected[64];
		FILE *status;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		status = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		while (status && fgets(line, sizeof(line), status)) {
			if (strncmp(line, "Name:\tiou-wrk", 13) == 0)
				break;
			if (strncmp(line, "Uid:", 4) == 0) {
				snprintf(expected, sizeof(expected), "Uid:\t%s\t%s\t%s\t%s\n", uid, uid, uid, uid);
				if (strcmp(line, expected) != 0)
					FAIL("task %s: %s", entry->d_name, line);
			}
			if (strncmp(line, "Gid:", 4) == 0) {
				snprintf(expected, sizeof(expected), "Gid:\t%s\t%s\t%s\t%s\n", gid, gid, gid, gid);
				if (strcmp(line, expected) != 0)
					FAIL("task %s: %s", entry->d_name, line);
			}
		}
		if (status)
			fclose(status);
	}
	closedir(tasks);
}

static void other_user(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	ctx = setup(8);
	io(ctx);
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, second_thread, &barrier), 0);
	pthread_barrier_wait(&barrier);
	CHECK(setgid(NOBODY) == 0);
	CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	pthread_barrier_wait(&barrier);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	all_threads_are("65534", "65534");
	all_io();
	_exit(0);
}

static void *only_leave(void *arg)
{
	pthread_exit(arg);
}

static void new_root(void)
{
	pthread_t thread;

	/* The C library loads what it needs to leave a thread when the first one leaves. */
	CHECK_EQ(pthread_create(&thread, NULL, only_leave, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	ctx = setup(8);
	io(ctx);
	CHECK(mkdir("root", 0700) == 0);
	CHECK(chroot("root") == 0 && chdir("/") == 0);
	CHECK(access("/proc", F_OK) == -1);
	all_io();
	CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	all_io();
	/* The process ends with its last thread all the same. */
	pthread_exit(NULL);
}

/* A directory in which the process has been, and is no more, can be unmounted; name spaces can be entered. */
static void directories(void)
{
	int name_space;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		fprintf(stderr, "no mounts: not tried\n");
		_exit(0);
	}
	CHECK(mkdir("mounted", 0700) == 0);
	CHECK(mount("none", "mounted", "tmpfs", 0, NULL) == 0);
	CHECK(chdir("mounted") == 0);
	ctx = setup(8);
	io(ctx);
	CHECK(chdir("..") == 0);
	CHECK(umount("mounted") == 0);
	name_space = open("/proc/self/ns/mnt", O_RDONLY);
	CHECK(name_space >= 0);
	CHECK(setns(name_space, CLONE_NEWNS) == 0);
	all_io();
	CHECK(unshare(CLONE_FS) == 0);
	all_io();
	_exit(0);
}

static void run(void (*child)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		watchdog();
		child();
	}
	wait_exit(pid, 0);
}

int main(void)
{
	if (geteuid() != 0)
		SKIP("only root may become somebody else");
	fd = temp_file(2 * BLOCK, 67);
	direct = reopen(fd, O_RDWR | O_DIRECT);
	run(other_user);
	run(new_root);
	run(directories);
	CHECK(rmdir("root") == 0);
	CHECK(rmdir("mounted") == 0);
	return 0;
}
