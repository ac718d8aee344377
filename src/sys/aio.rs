//! The kernel's own AIO calls.

use super::{Result, syscall};

/// The number of `io_pgetevents`, which the libc crate does not name on every target.
#[cfg(target_arch = "x86_64")]
pub const SYS_IO_PGETEVENTS: i64 = 333;
/// The number of `io_pgetevents`, which the libc crate does not name on every target.
#[cfg(not(target_arch = "x86_64"))]
pub const SYS_IO_PGETEVENTS: i64 = 292;

/// `io_setup`; `context` is the address where the handle goes.
///
/// # Errors
/// Those of the call.
pub fn setup(nr: u32, context: usize) -> Result<usize> {
    // SAFETY: the kernel checks the address.
    unsafe { syscall(libc::SYS_io_setup, [nr as usize, context, 0, 0, 0, 0]) }
}

/// `io_destroy`.
///
/// # Errors
/// Those of the call.
pub fn destroy(context: usize) -> Result<usize> {
    // SAFETY: no pointers that are ours.
    unsafe { syscall(libc::SYS_io_destroy, [context, 0, 0, 0, 0, 0]) }
}

/// `io_submit`.
///
/// # Errors
/// Those of the call.
pub fn submit(context: usize, nr: i64, iocbs: usize) -> Result<usize> {
    // SAFETY: the kernel checks the addresses; what the requests do is the program's wish.
    unsafe { syscall(libc::SYS_io_submit, [context, nr as usize, iocbs, 0, 0, 0]) }
}

/// `io_cancel`.
///
/// # Errors
/// Those of the call.
pub fn cancel(context: usize, iocb: usize, event: usize) -> Result<usize> {
    // SAFETY: the kernel checks the addresses.
    unsafe { syscall(libc::SYS_io_cancel, [context, iocb, event, 0, 0, 0]) }
}

/// `io_getevents`, with the timeout as an address.
///
/// # Errors
/// Those of the call.
pub fn getevents(context: usize, min: i64, nr: i64, events: usize, timeout: usize) -> Result<usize> {
    // SAFETY: the kernel checks the addresses.
    unsafe {
        syscall(
            libc::SYS_io_getevents,
            [context, min as usize, nr as usize, events, timeout, 0],
        )
    }
}

/// `io_pgetevents`, with timeout and the pair of signal mask and size as addresses. Linux 4.18.
///
/// # Errors
/// Those of the call.
pub fn pgetevents(context: usize, min: i64, nr: i64, events: usize, timeout: usize, mask: usize) -> Result<usize> {
    // SAFETY: the kernel checks the addresses.
    unsafe {
        syscall(
            SYS_IO_PGETEVENTS,
            [context, min as usize, nr as usize, events, timeout, mask],
        )
    }
}
