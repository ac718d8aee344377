/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Seccomp filters for the tests. */
#ifndef FILTER_H
#define FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "check.h"

#define ALL_OF_IO_URING __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register

/* One that does `action` for the system calls from `first` to `last`, for this thread or for all of the process. */
MAYBE_UNUSED static void filter_calls(unsigned int first, unsigned int last, unsigned int action, int whole_process)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {COUNT_OF(code), code};
	unsigned int flags = whole_process ? SECCOMP_FILTER_FLAG_TSYNC : 0;

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_EQ(syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter), 0);
}

/* The same for calls of `clone` that make no thread, as sandboxes have it against new programs. */
MAYBE_UNUSED static void filter_processes(unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 3),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		/* CLONE_THREAD */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10000, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, action),
	};
	struct sock_fprog filter = {COUNT_OF(code), code};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_EQ(syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), 0);
}

#endif
