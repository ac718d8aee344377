/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What programs use that include nothing but liburing.h; it compiles as C and as C++. HEADER: liburing.h, or another. */
#include HEADER

int main(void);
int main(void)
{
	/* errno.h, fcntl.h */
	int numbers[] = {errno, EAGAIN, ETIME, O_RDWR, O_CLOEXEC, O_DIRECT, AT_FDCWD, AT_EMPTY_PATH, F_GETFL,
			 FALLOC_FL_KEEP_SIZE, SPLICE_F_MOVE, SYNC_FILE_RANGE_WRITE, POSIX_FADV_NORMAL};
	loff_t offset = 0;
	/* inttypes.h, stdint.h, stddef.h, stdbool.h */
	const char *format = "%" PRIu64 "%" PRIx64;
	uint64_t number = UINT64_MAX;
	uintptr_t address = 0;
	ptrdiff_t difference = offsetof(struct iovec, iov_len);
	bool flag = true;
	void *null = NULL;
	/* signal.h */
	sigset_t set;
	siginfo_t info;
	struct sigaction action;
	/* sched.h */
	cpu_set_t cpus;
	/* string.h */
	char text[8];
	/* sys/socket.h */
	struct sockaddr_storage peer;
	struct msghdr message;
	socklen_t length = sizeof(peer);
	int sockets[] = {AF_INET, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, MSG_WAITALL, MSG_NOSIGNAL, SHUT_WR};
	/* sys/stat.h */
	struct stat status;
	struct statx more;
	mode_t mode = S_IRUSR | S_IFREG;
	unsigned mask = STATX_SIZE;
	/* sys/types.h, sys/uio.h */
	ssize_t size = -1;
	pid_t child = 0;
	struct iovec vector = {text, sizeof(text)};
	/* sys/wait.h */
	idtype_t type = P_PID;
	int options = WEXITED | WNOHANG;
	/* time.h */
	struct timespec now;
	/* linux/time_types.h, linux/openat2.h, linux/fs.h, linux/swab.h, linux/ioctl.h, linux/types.h */
	struct __kernel_timespec duration = {1, 0};
	struct open_how how = {O_RDONLY, 0, RESOLVE_BENEATH};
	__kernel_rwf_t flags = RWF_HIPRI | RWF_DSYNC | RWF_NOWAIT;
	__u32 swapped = __swahw32(_IO(0x12, 0));
	/* stdatomic.h, atomic */
#ifdef __cplusplus
	std::atomic<int> counter(1);

	counter.fetch_add(1, std::memory_order_relaxed);
#else
	atomic_int counter;

	atomic_init(&counter, 1);
	atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
#endif

	sigemptyset(&set);
	memset(&info, 0, sizeof(info));
	memset(&action, 0, sizeof(action));
	memset(&more, 0, sizeof(more));
	memset(&message, 0, sizeof(message));
	memset(&how, 0, sizeof(how));
	CPU_ZERO(&cpus);
	strcpy(text, "text");
	clock_gettime(CLOCK_MONOTONIC, &now);
	stat("/", &status);
	(void)numbers, (void)offset, (void)format, (void)number, (void)address, (void)difference, (void)flag;
	(void)null, (void)length, (void)sockets, (void)mode, (void)mask, (void)size, (void)child, (void)vector;
	(void)type, (void)options, (void)duration, (void)flags, (void)swapped;
	return 0;
}
