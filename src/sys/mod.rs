//! The system calls, and the instruction that makes them.

#![allow(unsafe_code)]

pub mod aio;
mod errno;
pub mod file;
pub mod futex;
pub mod local;
pub mod map;
pub mod mem;
mod raw;
pub mod seccomp;
pub mod thread;
pub mod uring;

pub use errno::{Errno, Result, check};

/// Makes a system call and splits its result.
///
/// # Safety
/// The arguments must be what the kernel expects for `nr`: pointers must be valid for what the
/// call reads or writes, unless the call answers `EFAULT` for them.
#[inline]
pub unsafe fn syscall(nr: i64, args: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = args;
    // SAFETY: the caller's promise, handed on.
    check(unsafe { raw::syscall6(nr, a, b, c, d, e, f) })
}
