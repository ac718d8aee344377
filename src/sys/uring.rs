//! The three system calls of io_uring, and the two others that a ring's life needs.

use core::ffi::c_void;
use core::ptr;

use super::{Result, syscall};
use crate::uring::abi::Params;

/// Makes a ring; the descriptor, or its index when the ring has none.
///
/// # Safety
/// With `NO_MMAP` the kernel writes to the memory that `params` names for as long as the ring lives.
pub unsafe fn setup(entries: u32, params: *mut Params) -> Result<i32> {
    let args = [entries as usize, params.expose_provenance(), 0, 0, 0, 0];
    // SAFETY: the kernel answers EFAULT for a bad `params`; the rest is the caller's promise.
    unsafe { syscall(libc::SYS_io_uring_setup, args) }.map(|fd| fd as i32)
}

/// Hands over submissions, waits for completions, or both; how many submissions were taken.
///
/// The kernel reads `arg` before it returns and answers `EFAULT` if it cannot.
pub fn enter(fd: i32, to_submit: u32, min_complete: u32, flags: u32, arg: *const c_void, size: usize) -> Result<u32> {
    let args = [
        fd as u32 as usize,
        to_submit as usize,
        min_complete as usize,
        flags as usize,
        arg.expose_provenance(),
        size,
    ];
    // SAFETY: the call itself writes no memory of ours but the rings; what a queued request writes to was promised by
    // whoever queued it.
    unsafe { syscall(libc::SYS_io_uring_enter, args) }.map(|n| n as u32)
}

/// Registers resources with a ring, and all else that has an opcode of `io_uring_register`.
///
/// # Safety
/// `arg` must be what `opcode` reads and writes; what it registers must outlive the registration.
pub unsafe fn register(fd: i32, opcode: u32, arg: *const c_void, nr: u32) -> Result<u32> {
    let args = [
        fd as u32 as usize,
        opcode as usize,
        arg.expose_provenance(),
        nr as usize,
        0,
        0,
    ];
    // SAFETY: the caller's promise.
    unsafe { syscall(libc::SYS_io_uring_register, args) }.map(|n| n as u32)
}

/// Closes a descriptor.
///
/// # Safety
/// The descriptor must be the caller's to close.
pub unsafe fn close(fd: i32) {
    // SAFETY: the caller's promise. Linux frees the number even when it reports an error.
    let _ = unsafe { syscall(libc::SYS_close, [fd as u32 as usize, 0, 0, 0, 0, 0]) };
}

/// Raises this process's soft limit of descriptors by `nr` if it is below that and the hard limit allows it.
pub fn raise_descriptor_limit(nr: u32) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    let set = |new: *const libc::rlimit, old: *mut libc::rlimit| {
        let args = [
            0,
            libc::RLIMIT_NOFILE as usize,
            new.expose_provenance(),
            old.expose_provenance(),
            0,
            0,
        ];
        // SAFETY: both are null or point to a limit of this frame.
        unsafe { syscall(libc::SYS_prlimit64, args) }
    };
    if set(ptr::null(), &raw mut limit).is_ok() && limit.rlim_cur < nr.into() {
        limit.rlim_cur += libc::rlim_t::from(nr);
        // Whoever wants the descriptors asks again, whatever comes of this.
        let _ = set(&raw const limit, ptr::null_mut());
    }
}
