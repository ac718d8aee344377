/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Files and disks with bad sectors. A FUSE server in a child process has some files in memory: those that are disks are
 * not cached by FUSE and come under loop devices, for file systems to be made on; the others are used as they are.
 *
 * A sector is bad by what it holds: it begins with BAD. While `faults->read_error` is set a request to read one fails
 * with that error, and likewise one to write one. So tests need not know where a file system puts its blocks.
 *
 * All mounts are made in a mount namespace of this process and its children: they are gone when these are, however that
 * comes, and loop devices are let go with their last user. Needs root; else the test is skipped.
 */
#ifndef FAULTY_H
#define FAULTY_H

#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

#include "check.h"
#include "loop_device.h"

enum { SECTOR = 512, MOST_FILES = 8, MOST_HELD = 64, FUSE_CHUNK = 131072 };

/* The first bytes of a bad sector. */
#define BAD "BADBLOCK"

/* What the server does; shared with it. Errors are positive numbers, 0 is none. */
struct faults {
	/* Of requests that touch a bad sector. */
	int read_error, write_error;
	/* Of every fsync of a file that is not a disk, of its flush when a descriptor is closed, and of reads and writes. */
	int sync_error, flush_error;
	/* So many requests fail, then no more; below 0: all. */
	int left;
	/* Reads of bad sectors are not answered until this is 0 again; so many wait. */
	int hold, held;
	/* Requests that touched a bad sector, and fsyncs. */
	int bad_reads, bad_writes, syncs;
};

static struct faults *faults;

struct faulty_file {
	const char *name;
	size_t size;
	int is_disk;
	char *memory;
};

static struct faulty_file *faulty_files;
/* What else the server wants of FUSE: FUSE_WRITEBACK_CACHE, say. */
static uint32_t faulty_flags;
static size_t faulty_count;
static pid_t faulty_owner, faulty_server;
static const char *faulty_mounts[16];
static size_t faulty_mounted;

/* ---- The server ---- */

struct held_request {
	uint64_t unique;
	struct faulty_file *file;
	uint64_t offset;
	size_t size;
};

static struct held_request held_requests[MOST_HELD];

static int touches_bad(const char *data, uint64_t offset, size_t size)
{
	uint64_t first = (offset + SECTOR - 1) / SECTOR * SECTOR, at;

	for (at = first; at + sizeof(BAD) - 1 <= offset + size; at += SECTOR)
		if (memcmp(data + (at - offset), BAD, sizeof(BAD) - 1) == 0)
			return 1;
	return 0;
}

/* Whether one of the requests that may fail does. */
static int fails(int error)
{
	int left = __atomic_load_n(&faults->left, __ATOMIC_SEQ_CST);

	if (error == 0 || left == 0)
		return 0;
	if (left > 0)
		__atomic_fetch_sub(&faults->left, 1, __ATOMIC_SEQ_CST);
	return error;
}

static void answer(int fd, uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header header = {(uint32_t)(sizeof(header) + (error ? 0 : size)), -error, unique};
	struct iovec parts[2] = {{&header, sizeof(header)}, {NULL, error ? 0 : size}};

	memcpy(&parts[1].iov_base, &data, sizeof(data));
	/* A request that was interrupted may be gone. */
	if (writev(fd, parts, 2) < 0 && errno != ENOENT && errno != ENODEV)
		_exit(2);
}

static void describe(struct fuse_attr *attr, uint64_t node)
{
	const struct faulty_file *file = node > 1 ? &faulty_files[node - 2] : NULL;

	memset(attr, 0, sizeof(*attr));
	attr->ino = node;
	attr->size = file ? file->size : 0;
	attr->blocks = attr->size / 512;
	attr->mode = file ? S_IFREG | 0600 : S_IFDIR | 0700;
	attr->nlink = 1;
	attr->blksize = 4096;
}

static void read_file(int fd, uint64_t unique, struct faulty_file *file, uint64_t offset, size_t size)
{
	int error;

	offset = offset < file->size ? offset : file->size;
	size = size < file->size - offset ? size : file->size - offset;
	if (!touches_bad(file->memory + offset / SECTOR * SECTOR, offset / SECTOR * SECTOR,
			 size + (offset % SECTOR))) {
		answer(fd, unique, 0, file->memory + offset, size);
		return;
	}
	error = fails(faults->read_error);
	__atomic_fetch_add(&faults->bad_reads, 1, __ATOMIC_SEQ_CST);
	answer(fd, unique, error, file->memory + offset, size);
}

static void hold(uint64_t unique, struct faulty_file *file, uint64_t offset, size_t size)
{
	struct held_request request = {unique, file, offset, size};
	int count = __atomic_fetch_add(&faults->held, 1, __ATOMIC_SEQ_CST);

	if (count >= MOST_HELD)
		_exit(3);
	held_requests[count] = request;
}

static void let_go(int fd)
{
	int i, count = __atomic_exchange_n(&faults->held, 0, __ATOMIC_SEQ_CST);

	for (i = 0; i < count; i++)
		read_file(fd, held_requests[i].unique, held_requests[i].file, held_requests[i].offset,
			  held_requests[i].size);
}

static void serve_one(int fd, char *request)
{
	const struct fuse_in_header *header = (const struct fuse_in_header *)(void *)request;
	char *argument = request + sizeof(*header);
	struct faulty_file *file = header->nodeid > 1 ? &faulty_files[header->nodeid - 2] : NULL;
	uint64_t unique = header->unique;
	size_t i;

	switch (header->opcode) {
	case FUSE_INIT: {
		const struct fuse_init_in *in = (const struct fuse_init_in *)(void *)argument;
		struct fuse_init_out out;

		memset(&out, 0, sizeof(out));
		out.major = FUSE_KERNEL_VERSION;
		out.minor = 31;
		out.max_readahead = in->max_readahead;
		out.flags = in->flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | faulty_flags);
		out.max_background = 128;
		out.congestion_threshold = 128;
		out.max_write = FUSE_CHUNK;
		out.time_gran = 1;
		answer(fd, unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out out;

		memset(&out, 0, sizeof(out));
		for (i = 0; i < faulty_count && strcmp(faulty_files[i].name, argument) != 0; i++)
			;
		if (i == faulty_count) {
			answer(fd, unique, ENOENT, NULL, 0);
			return;
		}
		out.nodeid = i + 2;
		out.entry_valid = out.attr_valid = 1000000;
		describe(&out.attr, out.nodeid);
		answer(fd, unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_SETATTR:
		if (file && ((const struct fuse_setattr_in *)(void *)argument)->valid & FATTR_SIZE)
			file->size = ((const struct fuse_setattr_in *)(void *)argument)->size;
		/* fall through */
	case FUSE_GETATTR: {
		struct fuse_attr_out out;

		memset(&out, 0, sizeof(out));
		out.attr_valid = 1000000;
		describe(&out.attr, header->nodeid);
		answer(fd, unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_OPENDIR:
	case FUSE_OPEN: {
		struct fuse_open_out out;

		memset(&out, 0, sizeof(out));
		out.open_flags = file && file->is_disk ? FOPEN_DIRECT_IO : FOPEN_KEEP_CACHE;
		answer(fd, unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_READ: {
		const struct fuse_read_in *in = (const struct fuse_read_in *)(void *)argument;
		uint64_t from = in->offset / SECTOR * SECTOR;

		if (__atomic_load_n(&faults->hold, __ATOMIC_SEQ_CST) && in->offset < file->size &&
		    touches_bad(file->memory + from, from, in->size))
			hold(unique, file, in->offset, in->size);
		else
			read_file(fd, unique, file, in->offset, in->size);
		return;
	}
	case FUSE_WRITE: {
		const struct fuse_write_in *in = (const struct fuse_write_in *)(void *)argument;
		struct fuse_write_out out = {in->size, 0};
		const char *data = argument + sizeof(*in);
		int error = 0;

		if (touches_bad(data, in->offset, in->size)) {
			error = fails(faults->write_error);
			__atomic_fetch_add(&faults->bad_writes, 1, __ATOMIC_SEQ_CST);
		}
		if (error == 0) {
			memcpy(file->memory + in->offset, data, in->size);
			if (in->offset + in->size > file->size)
				file->size = in->offset + in->size;
		}
		answer(fd, unique, error, &out, sizeof(out));
		return;
	}
	case FUSE_FSYNC:
		if (!file->is_disk)
			__atomic_fetch_add(&faults->syncs, 1, __ATOMIC_SEQ_CST);
		answer(fd, unique, file->is_disk ? 0 : fails(faults->sync_error), NULL, 0);
		return;
	case FUSE_FLUSH:
		answer(fd, unique, file->is_disk ? 0 : fails(faults->flush_error), NULL, 0);
		return;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		answer(fd, unique, 0, NULL, 0);
		return;
	case FUSE_STATFS: {
		struct fuse_statfs_out out;

		memset(&out, 0, sizeof(out));
		out.st.bsize = out.st.frsize = 4096;
		out.st.namelen = 255;
		answer(fd, unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		answer(fd, unique, ENOSYS, NULL, 0);
	}
}

static void serve(int fd)
{
	char *request = (char *)pages(FUSE_CHUNK + 8192);

	for (;;) {
		struct pollfd readable = {fd, POLLIN, 0};
		int waits = __atomic_load_n(&faults->held, __ATOMIC_SEQ_CST) != 0;

		if (waits && !__atomic_load_n(&faults->hold, __ATOMIC_SEQ_CST))
			let_go(fd);
		else if (!waits || poll(&readable, 1, 1) > 0) {
			if (read(fd, request, FUSE_CHUNK + 8192) > 0)
				serve_one(fd, request);
			else if (errno == ENODEV)
				_exit(0);
		}
	}
}

/* ---- The test's side ---- */

/* What was mounted goes; the loop devices go with it. */
static void faulty_cleanup(void)
{
	int tries;

	if (getpid() != faulty_owner)
		return;
	if (faults != NULL)
		faults->hold = faults->read_error = faults->write_error = faults->sync_error = faults->flush_error = 0;
	while (faulty_mounted > 0) {
		faulty_mounted--;
		/* A loop device lets go of its file a moment after its last user. */
		for (tries = 0; tries < 100 && umount(faulty_mounts[faulty_mounted]) != 0 && errno == EBUSY; tries++)
			sleep_ms(5);
		umount2(faulty_mounts[faulty_mounted], MNT_DETACH);
	}
	if (faulty_server > 0) {
		kill(faulty_server, SIGKILL);
		waitpid(faulty_server, NULL, 0);
	}
}

MAYBE_UNUSED static void faulty_mount(const char *what, const char *where, const char *type, const char *options)
{
	CHECK(mkdir(where, 0700) == 0 || errno == EEXIST);
	CHECK(faulty_mounted < COUNT_OF(faulty_mounts));
	if (mount(what, where, type, 0, options) != 0)
		SKIP("no %s can be mounted: %s", type, strerror(errno));
	faulty_mounts[faulty_mounted++] = where;
}

/* Before everything else that is here. */
MAYBE_UNUSED static void faulty_begin(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		SKIP("no mount namespace: %s", strerror(errno));
	faulty_owner = getpid();
	atexit(faulty_cleanup);
	at_failure = faulty_cleanup;
	faults = (struct faults *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(faults != MAP_FAILED);
	faults->left = -1;
}

/* Starts the server for files, mounted at `where`. */
MAYBE_UNUSED static void faulty_serve(struct faulty_file *files, size_t count, const char *where)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	pid_t parent = getpid();
	char options[80];
	size_t i;

	if (fd < 0)
		SKIP("no FUSE: %s", strerror(errno));
	faulty_files = files;
	faulty_count = count;
	for (i = 0; i < count; i++) {
		/* Files that are not disks may grow. */
		files[i].memory = (char *)mmap(NULL, files[i].size + (16 << 20), PROT_READ | PROT_WRITE,
					       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		CHECK(files[i].memory != MAP_FAILED);
	}
	faulty_server = fork();
	CHECK(faulty_server >= 0);
	if (faulty_server == 0) {
		/*
		 * It ends with the test, and so do all requests that it has not answered. What is mounted is not for it to
		 * unmount then: it would wait for itself.
		 */
		alarm(0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || unshare(CLONE_NEWNS) != 0)
			_exit(1);
		serve(fd);
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40700,user_id=0,group_id=0", fd);
	faulty_mount("faulty", where, "fuse", options);
	close(fd);
}

/* A loop device over the file of a path, which goes with its last user; opened with these flags. */
MAYBE_UNUSED static int loop_over(const char *path, int flags, char *name, size_t room)
{
	int file = open(path, O_RDWR | O_CLOEXEC), device;

	CHECK(file >= 0);
	device = loop_device(file, flags, name, room);
	close(file);
	return device;
}

/* Runs a command of the system without its output; the test is skipped if it is not installed. */
MAYBE_UNUSED static void run_tool(const char *const *arguments)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		unsetenv("LD_PRELOAD");
		unsetenv("LD_LIBRARY_PATH");
		setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
		execvp(arguments[0], (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		SKIP("%s is not installed", arguments[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		FAIL("%s ends with status %#x", arguments[0], status);
}

/* Makes a file system of a type on a file and mounts it. */
MAYBE_UNUSED static void make_file_system(const char *type, const char *file, const char *where)
{
	static const char *const commands[][10] = {
		{"ext4", "mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=1,nodiscard"},
		{"ext4 of 1024", "mkfs.ext4", "-q", "-F", "-b", "1024", "-E", "lazy_itable_init=1,nodiscard"},
		/* A small one is good enough for a test, and made in no time. */
		{"xfs", "mkfs.xfs", "-q", "-f", "-K", "--unsupported", "-l", "size=10m"},
		{"btrfs", "mkfs.btrfs", "-q", "-f", "-K", "-m", "single", "-d", "single"},
	};
	const char *arguments[12];
	char device[32];
	size_t i, count;
	int fd;

	for (i = 0; i < COUNT_OF(commands) && strcmp(commands[i][0], type) != 0; i++)
		;
	CHECK(i < COUNT_OF(commands));
	fd = loop_over(file, O_RDWR, device, sizeof(device));
	for (count = 0; count + 1 < COUNT_OF(commands[i]) && commands[i][count + 1]; count++)
		arguments[count] = commands[i][count + 1];
	arguments[count++] = device;
	arguments[count] = NULL;
	run_tool(arguments);
	faulty_mount(device, where, strncmp(type, "ext4", 4) == 0 ? "ext4" : type, NULL);
	close(fd);
}

#endif
