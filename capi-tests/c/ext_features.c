/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The report on io_uring: here, under filters that answer, kill and send signals, without memory, on kernels that say less. */
#include <aiouring.h>
#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "filter.h"
#include "uring_check.h"

static struct aiouring_features here;

/* Runs in a child, so that what it does to itself is gone. */
static void apart(void (*what)(void))
{
	pid_t child = fork();

	CHECK_GE(child, 0);
	if (child == 0) {
		watchdog();
		what();
		_exit(0);
	}
	wait_exit(child, 0);
}

static struct aiouring_features report(unsigned entries)
{
	struct aiouring_features features;

	memset(&features, 0x55, sizeof(features));
	CHECK_EQ(aiouring_get_features(entries, &features, sizeof(features)), 0);
	CHECK_EQ(features.size, sizeof(features));
	CHECK_EQ(features.resv, 0);
	CHECK(memchr(features.reason, 0, sizeof(features.reason)) != NULL);
	CHECK_NE(strlen(features.reason), 0);
	return features;
}

#define CHECK_REASON(features, part)                                                                                   \
	do {                                                                                                           \
		if (!strstr((features).reason, part))                                                                  \
			FAIL("\"%s\" has no \"%s\"", (features).reason, part);                                         \
	} while (0)

/* Each operation has its bit, and nothing else has one. */
static void operations(void)
{
	struct aiouring_features features;
	unsigned i, j;

	for (i = 0; i < 256; i++) {
		/* What is behind them says yes to everything. */
		memset(&features, 0xff, sizeof(features));
		memset(features.ops, 0, sizeof(features.ops));
		features.ops[i / 64] = 1ULL << (i % 64);
		for (j = 0; j < 520; j++)
			CHECK_EQ(aiouring_features_has_op(&features, j), i == j);
	}
}

static void plain(void)
{
	struct io_uring_probe *probe;
	struct utsname names;
	struct io_uring ring;
	unsigned i;

	make(&ring, 8, 0);
	here = report(8);
	CHECK_EQ(here.error, 0);
	CHECK_REASON(here, "a ring of 8 entries can be had");
	CHECK_EQ(here.features, ring.features);
	CHECK(uname(&names) == 0);
	CHECK_EQ(strcmp(names.release, here.release), 0);
	CHECK_EQ(here.kernel >> 16, atoi(names.release));
	CHECK_NE(here.sources, 0);
	probe = io_uring_get_probe_ring(&ring);
	CHECK(probe != NULL);
	for (i = 0; i < 256; i++)
		CHECK_EQ(aiouring_features_has_op(&here, i), io_uring_opcode_supported(probe, (int)i) != 0);
	operations();
	io_uring_free_probe(probe);
	CHECK(here.registers[0] & 1);
	CHECK_EQ(here.registers[1], 0);
	CHECK(here.setup_flags & IORING_SETUP_SQPOLL);
	io_uring_queue_exit(&ring);

	CHECK_EQ(report(40000).error, -EINVAL);
	CHECK_REASON(report(40000), "io_uring_setup: EINVAL: the kernel takes no ring of 40000 entries");
	CHECK_EQ(report(40000).setup_flags, here.setup_flags);
	CHECK_EQ(report(32768).error, 0);
}

static void sizes(void)
{
	union {
		struct aiouring_features features;
		unsigned char bytes[1024];
	} room;
	unsigned i;

	CHECK_EQ(aiouring_get_features(0, NULL, sizeof(room)), -EINVAL);
	CHECK_EQ(aiouring_get_features(0, &room.features, 0), -EINVAL);
	CHECK_EQ(aiouring_get_features(0, &room.features, 15), -EINVAL);
	/* A program that knows less, and one that knows more. */
	memset(&room, 0x55, sizeof(room));
	CHECK_EQ(aiouring_get_features(0, &room.features, 32), 0);
	CHECK_EQ(room.features.size, 32);
	CHECK_EQ(room.features.setup_flags, here.setup_flags);
	for (i = 32; i < sizeof(room); i++)
		CHECK_EQ(room.bytes[i], 0x55);
	CHECK_EQ(aiouring_get_features(0, &room.features, sizeof(room)), 0);
	CHECK_EQ(room.features.size, sizeof(room.features));
	for (i = sizeof(room.features); i < sizeof(room); i++)
		CHECK_EQ(room.bytes[i], 0);
}

static void refuse_all(unsigned action)
{
	filter_calls(__NR_io_uring_setup, __NR_io_uring_register, action, 0);
}

static void eperm(void)
{
	struct aiouring_features features;

	refuse_all(SECCOMP_RET_ERRNO | EPERM);
	features = report(8);
	CHECK_EQ(features.error, -EPERM);
	CHECK_EQ(features.filtered, -EPERM);
	CHECK_EQ(features.seccomp, 2);
	CHECK_EQ(features.sources, 0);
	CHECK_EQ(features.setup_flags, 0);
	CHECK_EQ(features.aio, here.aio);
	CHECK_REASON(features, ": EPERM: a seccomp filter refuses it");
}

static void enosys(void)
{
	struct aiouring_features features;

	refuse_all(SECCOMP_RET_ERRNO | ENOSYS);
	features = report(8);
	CHECK_EQ(features.error, -ENOSYS);
	CHECK_EQ(features.filtered, -ENOSYS);
	CHECK_REASON(features, ": ENOSYS: a seccomp filter refuses it");
}

static void setup_only(void)
{
	struct aiouring_features features;

	filter_calls(__NR_io_uring_setup, __NR_io_uring_setup, SECCOMP_RET_ERRNO | EACCES, 0);
	features = report(8);
	CHECK_EQ(features.filtered, -EACCES);
	CHECK_REASON(features, "io_uring_setup: EACCES: a seccomp filter");
}

/* Nobody dies of the question, nor hears of it. */
static void killed(void)
{
	struct aiouring_features features;

	filter_calls(__NR_io_uring_enter, __NR_io_uring_enter, SECCOMP_RET_KILL_PROCESS, 0);
	features = report(8);
	CHECK_EQ(features.error, -EPERM);
	CHECK_EQ(features.filtered, -EPERM);
	CHECK_REASON(features, "io_uring_enter: a seccomp filter kills");
	CHECK_EQ(waitpid(-1, NULL, __WALL | WNOHANG), -1);
}

/* Without a child nothing is tried, as that could be the end: no call of io_uring's is blamed for it. */
static void without_child(void)
{
	struct aiouring_features features;

	filter_processes(SECCOMP_RET_ERRNO | EPERM);
	features = report(8);
	CHECK_EQ(features.error, -EPERM);
	CHECK_EQ(features.aio, -EPERM);
	CHECK_EQ(features.filtered, 0);
	CHECK_EQ(features.sources, 0);
	CHECK_REASON(features, "clone: EPERM: there is no child");
}

static void no_more_processes(void)
{
	struct rlimit none = {0, 0};

	if (geteuid() == 0)
		CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
	CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
	/* Without a filter it takes none. */
	CHECK_EQ(report(8).error, here.error);
	CHECK_EQ(report(8).aio, here.aio);
	filter_calls(__NR_io_setup, __NR_io_setup, SECCOMP_RET_ERRNO | EPERM, 0);
	CHECK_EQ(report(8).error, -EAGAIN);
	CHECK_REASON(report(8), "clone: EAGAIN: there is no child");
}

static volatile sig_atomic_t trapped;

static void on_sigsys(int signo)
{
	(void)signo;
	trapped++;
}

static void trapping(void)
{
	struct sigaction action, after;
	struct aiouring_features features;
	sigset_t mask;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_sigsys;
	CHECK(sigaction(SIGSYS, &action, NULL) == 0);
	refuse_all(SECCOMP_RET_TRAP);
	features = report(8);
	CHECK_EQ(features.filtered, -EPERM);
	CHECK_REASON(features, "sends SIGSYS");
	CHECK_EQ(trapped, 0);
	CHECK(sigaction(SIGSYS, NULL, &after) == 0);
	CHECK(after.sa_handler == on_sigsys);
	/* The program's own call is the program's affair, as before. */
	CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	CHECK_EQ(sigismember(&mask, SIGSYS), 0);
	syscall(__NR_io_uring_setup, 0, NULL);
	CHECK_EQ(trapped, 1);
}

static void aio_refused(void)
{
	struct aiouring_features features;

	filter_calls(__NR_io_setup, __NR_io_setup, SECCOMP_RET_KILL_PROCESS, 0);
	features = report(8);
	CHECK_EQ(features.aio, -EPERM);
	CHECK_EQ(features.error, 0);
	CHECK_EQ(features.filtered, 0);
	CHECK_EQ(features.seccomp, 2);
	CHECK_EQ(features.setup_flags, here.setup_flags);
}

static void no_descriptors(void)
{
	struct rlimit none = {0, 0};

	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_EQ(report(8).error, -EMFILE);
	CHECK_REASON(report(8), "EMFILE: no more descriptors");
}

static void little_locked_memory(void)
{
	struct rlimit some = {0, 0};
	unsigned entries;

	CHECK(setgroups(0, NULL) == 0 && setgid(65533) == 0 && setuid(65533) == 0);
	for (entries = 1; entries <= 1024; entries *= 8) {
		/* What it says is enough; what the ring before had may not be given back yet. */
		struct rlimit old;
		int tries;

		CHECK(getrlimit(RLIMIT_MEMLOCK, &old) == 0);
		some.rlim_max = old.rlim_max;
		some.rlim_cur = report(entries).memlock_needed;
		CHECK_LE(some.rlim_cur, some.rlim_max);
		CHECK(setrlimit(RLIMIT_MEMLOCK, &some) == 0);
		for (tries = 0; report(entries).error == -ENOMEM && tries < 500; tries++)
			sleep_ms(5);
		CHECK_EQ(report(entries).memlock, some.rlim_cur);
		CHECK_LE(tries, 499);
		some.rlim_cur = some.rlim_max;
		CHECK(setrlimit(RLIMIT_MEMLOCK, &some) == 0);
	}
}

static void no_locked_memory(void)
{
	struct rlimit none = {0, 0};
	struct aiouring_features features;

	CHECK(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
	if (geteuid() == 0) {
		CHECK_EQ(report(8).memlock, ~(__u64)0);
		CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
	}
	features = report(8);
	CHECK_EQ(features.memlock, 0);
	if (features.error == 0) {
		/* Not all kernels count it. */
		CHECK_EQ(features.memlock_needed, 0);
	} else {
		CHECK_EQ(features.error, -ENOMEM);
		CHECK_GE(features.memlock_needed, 1);
		CHECK_REASON(features, "io_uring_setup: ENOMEM: of locked memory it needs ");
		CHECK_REASON(features, " bytes, and RLIMIT_MEMLOCK is 0");
	}
}

/* EINVAL for two opcodes of io_uring_register, as on kernels that do not know them. */
static void forget(unsigned one, unsigned two)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_register, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, one, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, two, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {COUNT_OF(code), code};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_EQ(syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), 0);
}

static void without_query(void)
{
	struct aiouring_features features;

	forget(IORING_REGISTER_QUERY, IORING_REGISTER_QUERY);
	features = report(8);
	CHECK_EQ(features.error, 0);
	CHECK_EQ(features.sources, AIOURING_SOURCE_PROBE | AIOURING_SOURCE_TRIAL | AIOURING_SOURCE_RELEASE);
	/* Rings tell the same as the kernel does. */
	CHECK_EQ(features.setup_flags, here.setup_flags);
	CHECK_EQ(features.features, here.features);
	CHECK_EQ(memcmp(features.ops, here.ops, sizeof(here.ops)), 0);
	/* What goes by the release is true, if not all. */
	CHECK_EQ(features.registers[0] & ~here.registers[0], 0);
	CHECK(features.registers[0] & (1U << IORING_REGISTER_PROBE));
	CHECK_EQ(features.enter_flags | features.sqe_flags, 0);
}

static void without_probe(void)
{
	struct aiouring_features features;

	forget(IORING_REGISTER_QUERY, IORING_REGISTER_PROBE);
	features = report(8);
	CHECK_EQ(features.error, 0);
	CHECK_EQ(features.sources, AIOURING_SOURCE_TRIAL | AIOURING_SOURCE_RELEASE);
	CHECK(aiouring_features_has_op(&features, IORING_OP_READV));
	CHECK(!aiouring_features_has_op(&features, IORING_OP_READ));
}

static void *ask(void *unused)
{
	int i;

	for (i = 0; i < 20; i++)
		CHECK_EQ(report(8).filtered, -EPERM);
	return unused;
}

/* Each thread has the answer of its own trial. */
static void crowd(void)
{
	pthread_t threads[4];
	unsigned i;

	filter_calls(__NR_io_uring_setup, __NR_io_uring_setup, SECCOMP_RET_TRAP, 0);
	for (i = 0; i < COUNT_OF(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask, NULL), 0);
	for (i = 0; i < COUNT_OF(threads); i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
	plain();
	sizes();
	apart(eperm);
	apart(enosys);
	apart(setup_only);
	apart(killed);
	apart(without_child);
	apart(no_more_processes);
	apart(trapping);
	apart(aio_refused);
	apart(no_descriptors);
	apart(no_locked_memory);
	if (geteuid() == 0)
		apart(little_locked_memory);
	apart(without_query);
	apart(without_probe);
	apart(crowd);
	return 0;
}
