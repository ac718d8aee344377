//! `syscall`, for programs that make AIO's system calls by its help: some on a handle that they have
//! from `io_setup`, some for everything. Preloaded, this library's `syscall` comes before the C library's.
//!
//! The entry is assembly, as it must be what the C library's is: six arguments whatever the caller
//! declared, no use of the stack before a call that succeeds returns (a child of `vfork` shares it),
//! any alignment of the stack, nothing that would have to be set up first.

use crate::aio::{self, Wait};
use crate::sys::{Errno, Result, aio as kernel};

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .text.aiouring_syscall, \"ax\", @progbits",
    ".p2align 4",
    ".globl aiouring_syscall",
    ".type aiouring_syscall, @function",
    "aiouring_syscall:",
    ".cfi_startproc",
    "endbr64",
    // The kernel looks at 32 bits of the number. AIO: io_setup to io_cancel, io_pgetevents.
    "lea eax, [rdi - {first}]",
    "cmp eax, {last} - {first}",
    "jbe 3f",
    "cmp edi, {pgetevents}",
    "je 3f",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]",
    "syscall",
    "2: cmp rax, -4095",
    "jae 4f",
    "ret",
    // AIO's, on an aligned stack, with the argument that did not fit into registers.
    "3: push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "and rsp, -16",
    "sub rsp, 8",
    "push [rbp + 16]",
    "call {aio}",
    "leave",
    ".cfi_def_cfa rsp, 8",
    ".cfi_restore rbp",
    "jmp 2b",
    // errno is out of reach while the dynamic linker has not been here: resolvers of other objects run earlier.
    "4: mov rcx, [rip + __errno_location@GOTPCREL]",
    "test rcx, rcx",
    "jz 5f",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rax",
    "sub rsp, 8",
    "and rsp, -16",
    "call rcx",
    "mov ecx, [rbp - 8]",
    "neg ecx",
    "mov [rax], ecx",
    "leave",
    ".cfi_def_cfa rsp, 8",
    ".cfi_restore rbp",
    "5: mov rax, -1",
    "ret",
    ".cfi_endproc",
    ".size aiouring_syscall, . - aiouring_syscall",
    ".popsection",
    first = const libc::SYS_io_setup,
    last = const libc::SYS_io_cancel,
    pgetevents = const kernel::SYS_IO_PGETEVENTS,
    aio = sym aio_call,
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .text.aiouring_syscall, \"ax\", @progbits",
    ".p2align 2",
    ".globl aiouring_syscall",
    ".type aiouring_syscall, %function",
    "aiouring_syscall:",
    ".cfi_startproc",
    "hint 34", // bti c
    // The kernel looks at 32 bits of the number. AIO: io_setup (0) to io_getevents, io_pgetevents.
    "cmp w0, #{last}",
    "b.ls 3f",
    "cmp w0, #{pgetevents}",
    "b.eq 3f",
    "uxtw x8, w0",
    "mov x0, x1",
    "mov x1, x2",
    "mov x2, x3",
    "mov x3, x4",
    "mov x4, x5",
    "mov x5, x6",
    "svc #0",
    "2: cmn x0, #4095",
    "b.hs 4f",
    "ret",
    "3: stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    "bl {aio}",
    "ldp x29, x30, [sp], #16",
    ".cfi_def_cfa_offset 0",
    ".cfi_restore x29",
    ".cfi_restore x30",
    "b 2b",
    "4: stp x29, x30, [sp, #-32]!",
    ".cfi_def_cfa_offset 32",
    ".cfi_offset x29, -32",
    ".cfi_offset x30, -24",
    "mov x29, sp",
    "neg w0, w0",
    "str w0, [sp, #16]",
    "bl __errno_location",
    "ldr w1, [sp, #16]",
    "str w1, [x0]",
    "mov x0, #-1",
    "ldp x29, x30, [sp], #32",
    ".cfi_def_cfa_offset 0",
    ".cfi_restore x29",
    ".cfi_restore x30",
    "ret",
    ".cfi_endproc",
    ".size aiouring_syscall, . - aiouring_syscall",
    ".popsection",
    last = const libc::SYS_io_getevents,
    pgetevents = const kernel::SYS_IO_PGETEVENTS,
    aio = sym aio_call,
);

// Without a version: it stands for every version that a program asks for. And two words for the dynamic
// linker, from which `aio::programs` knows whether this is the one that the program calls.
core::arch::global_asm!(
    ".set aiouring_own_syscall, aiouring_syscall",
    ".symver aiouring_syscall, syscall@@, remove",
    ".pushsection .data.rel.ro.aiouring_syscalls, \"aw\", @progbits",
    ".p2align 4",
    ".globl aiouring_syscalls",
    ".hidden aiouring_syscalls",
    ".type aiouring_syscalls, @object",
    "aiouring_syscalls:",
    ".dc.a syscall, aiouring_own_syscall",
    ".size aiouring_syscalls, . - aiouring_syscalls",
    ".popsection",
);

/// One of AIO's system calls; gives what the kernel would, errors as negative numbers.
extern "C" fn aio_call(nr: i64, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let getevents = |masked, mask| {
        aio::getevents(&Wait {
            handle: a,
            min: b as i64,
            max: c as i64,
            events: d,
            timeout: e,
            mask,
            masked,
            short_cut: false,
        })
    };
    let result: Result<usize> = match i64::from(nr as i32) {
        libc::SYS_io_setup => aio::setup(a as u32, b).map(|()| 0),
        libc::SYS_io_destroy => aio::destroy(a).map(|()| 0),
        libc::SYS_io_submit => aio::submit(a, b as i64, c),
        libc::SYS_io_cancel => aio::cancel(a, b, c),
        libc::SYS_io_getevents => getevents(false, 0),
        kernel::SYS_IO_PGETEVENTS => getevents(true, f),
        _ => Err(Errno::ENOSYS),
    };
    result.map_or_else(|e| e.negated() as isize, |n| n as isize)
}
