//! Extensions of AIO contexts.

use crate::aio::abi::Iocb;
use crate::aio::{self, Extension};
use crate::capi::IntoC;
use crate::capi::aio::Context;
use core::ffi::{c_int, c_uint};

/// Which way the requests of a context go: 1 for io_uring, 0 for kernel AIO, where most extensions of contexts are
/// `-EOPNOTSUPP`. `-EINVAL` if `ctx` is no context. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_context_backend(ctx: Context) -> c_int {
    aio::extend(ctx as usize, Extension::Backend, &[]).into_c()
}

/// Takes back requests of `ctx` that are under way: those of `iocb` (`flags` 1), those for the descriptor number `fd`
/// (2), or all (4). With 8 it returns when those that it found are over, after at most `timeout` (NULL: as long as it
/// takes). Only the address of the iocb counts.
///
/// Returns how many were taken back, whose events say `-ECANCELED`; or `-ENOENT` (none found), `-EALREADY` (none of
/// those found could be taken back), `-EINVAL` (context, flags, time), `-EFAULT` (`timeout`), `-ETIME`, `-EINTR`,
/// `-EDEADLK`, `-EOPNOTSUPP` (the context is kernel AIO's). Any thread, also in signal handlers. Linux 5.11.
///
/// # Safety
/// `timeout` is NULL or the address of a `struct timespec`; a bad one is answered as said above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_cancel(
    ctx: Context,
    iocb: *mut Iocb,
    fd: c_int,
    flags: c_uint,
    timeout: *const libc::timespec,
) -> c_int {
    let arguments = [iocb as usize, fd as usize, flags as usize, timeout as usize];
    aio::extend(ctx as usize, Extension::Cancel, &arguments).into_c()
}
