/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The test plays the kernel: io_uring_setup and io_uring_register come to a function of the test, which sees each
 * argument and answers as it likes, as an older or a newer kernel would.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "check.h"

struct call {
	long nr;
	unsigned long args[6];
};

/* Gives the result of a call: the program's, or that of real(). */
static long (*answer)(const struct call *);

/* Neither call has a sixth argument; with this one the filter lets it through. */
#define LET_THROUGH 0x5eed1e55UL

#if defined(__x86_64__)
#define KERNEL_PLAYS 1
/* The kernel's own answer. */
MAYBE_UNUSED static long real(const struct call *call)
{
	register unsigned long r10 __asm__("r10") = call->args[3];
	register unsigned long r8 __asm__("r8") = call->args[4];
	register unsigned long r9 __asm__("r9") = LET_THROUGH;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(call->nr), "D"(call->args[0]), "S"(call->args[1]), "d"(call->args[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static void kernel_called(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct call call = {info->si_syscall,
			    {(unsigned long)regs[REG_RDI], (unsigned long)regs[REG_RSI], (unsigned long)regs[REG_RDX],
			     (unsigned long)regs[REG_R10], (unsigned long)regs[REG_R8], (unsigned long)regs[REG_R9]}};
	int before = errno;

	(void)signo;
	regs[REG_RAX] = answer ? answer(&call) : real(&call);
	errno = before;
}
#elif defined(__aarch64__)
#define KERNEL_PLAYS 1
MAYBE_UNUSED static long real(const struct call *call)
{
	register unsigned long x8 __asm__("x8") = (unsigned long)call->nr;
	register unsigned long x0 __asm__("x0") = call->args[0];
	register unsigned long x1 __asm__("x1") = call->args[1];
	register unsigned long x2 __asm__("x2") = call->args[2];
	register unsigned long x3 __asm__("x3") = call->args[3];
	register unsigned long x4 __asm__("x4") = call->args[4];
	register unsigned long x5 __asm__("x5") = LET_THROUGH;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return (long)x0;
}

static void kernel_called(int signo, siginfo_t *info, void *context)
{
	unsigned long long *regs = (unsigned long long *)((ucontext_t *)context)->uc_mcontext.regs;
	struct call call = {info->si_syscall, {regs[0], regs[1], regs[2], regs[3], regs[4], regs[5]}};
	int before = errno;

	(void)signo;
	regs[0] = (unsigned long long)(answer ? answer(&call) : real(&call));
	errno = before;
}
#endif

/* From now on, in this thread and those it starts; for good. */
MAYBE_UNUSED static void play_kernel(void)
{
#ifdef KERNEL_PLAYS
	const unsigned int sixth = offsetof(struct seccomp_data, args[5]);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_register, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sixth),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LET_THROUGH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {COUNT_OF(code), code};
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = kernel_called;
	action.sa_flags = SA_SIGINFO;
	CHECK(sigaction(SIGSYS, &action, NULL) == 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_EQ(syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), 0);
#else
	SKIP("registers are not known here");
#endif
}

#endif
