//! The system call instruction itself. Nothing above this file knows registers.

/// On x86-64 the instruction is inlined: no libc, no `errno`, no cancellation point.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) unsafe fn syscall6(nr: i64, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let ret: isize;
    // SAFETY: the x86-64 Linux calling convention: number in rax, arguments in rdi, rsi, rdx,
    // r10, r8, r9; rcx and r11 are clobbered, the red zone is not used by the kernel. What the
    // call does to memory is the caller's promise; no `nomem`, so the compiler assumes the worst.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") nr as isize => ret,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    ret
}

/// The same on 64-bit ARM.
#[cfg(target_arch = "aarch64")]
#[inline]
pub(super) unsafe fn syscall6(nr: i64, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let ret: isize;
    // SAFETY: number in x8, arguments in x0 to x5; nothing but x0 is changed. Memory as above.
    unsafe {
        core::arch::asm!(
            "svc #0",
            in("x8") nr,
            inlateout("x0") a as isize => ret,
            in("x1") b,
            in("x2") c,
            in("x3") d,
            in("x4") e,
            in("x5") f,
            options(nostack),
        );
    }
    ret
}

/// Elsewhere libc makes the call; `errno` is put back, since the callers never touch it.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) unsafe fn syscall6(nr: i64, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    // SAFETY: __errno_location is always valid for the calling thread; the call itself is the
    // caller's promise.
    unsafe {
        let errno = libc::__errno_location();
        let saved = *errno;
        let ret = libc::syscall(nr as libc::c_long, a, b, c, d, e, f) as isize;
        let failed = ret == -1;
        let number = *errno;
        *errno = saved;
        if failed { -(number as isize) } else { ret }
    }
}
