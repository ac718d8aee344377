//! Extensions of AIO contexts.

use crate::aio::abi::Iocb;
use crate::aio::{self, Extension};
use crate::capi::IntoC;
use crate::capi::aio::Context;
use core::ffi::{c_int, c_uint, c_ulonglong, c_void};

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

/// Registers `nr` pieces of memory, described at `iovecs`, with a context: transfers of the context whose memory lies in
/// one of them are done with the pages that the kernel has in hand. NULL: `nr` empty places.
///
/// `tags`: for each buffer what the event says that comes when the kernel has let go of it (`data`; `obj` is NULL), 0 for
/// none; or NULL. Each takes the place of an event from now on.
///
/// `-EINVAL` (`ctx`; `nr` is 0 or above 16384; a tag without a buffer), `-EBUSY` (there are some), `-EFAULT` (an address;
/// a length of 0 or above 1 GiB), `-EOVERFLOW`, `-ENOMEM` (also `RLIMIT_MEMLOCK`), `-EAGAIN` (no event's place is left for
/// a tag), `-ENOSPC` (all contexts together have 16384), `-EOPNOTSUPP` (a tag, where there is no ring). Nothing is registered then. Any
/// thread. Linux 5.19; without effect before.
///
/// # Safety
/// `iovecs` and `tags` are read during the call. The memory has to stay what it is, unmapped nowhere, until it is no longer registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_register_buffers(
    ctx: Context,
    iovecs: *const libc::iovec,
    tags: *const c_ulonglong,
    nr: c_uint,
) -> c_int {
    let arguments = [iovecs as usize, tags as usize, nr as usize];
    aio::extend(ctx as usize, Extension::RegisterBuffers, &arguments).into_c()
}

/// Replaces `nr` buffers from place `offset` on; a NULL base leaves the place empty. Requests in flight keep what they
/// have. Returns how many were replaced: fewer than `nr` if the one after them failed.
///
/// Errors as [`aiouring_register_buffers`], and `-ENXIO` if the context has no buffers; `-EINVAL` for places beyond them.
///
/// # Safety
/// As [`aiouring_register_buffers`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_register_buffers_update(
    ctx: Context,
    offset: c_uint,
    iovecs: *const libc::iovec,
    tags: *const c_ulonglong,
    nr: c_uint,
) -> c_int {
    let arguments = [offset as usize, iovecs as usize, tags as usize, nr as usize];
    aio::extend(ctx as usize, Extension::UpdateBuffers, &arguments).into_c()
}

/// Lets go of all buffers of a context; the pages of those that requests in flight use are kept until these end. `-ENXIO` if there are none, `-EINVAL` if `ctx` is
/// no context, `-EAGAIN` if the kernel has no memory for it right now.
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_unregister_buffers(ctx: Context) -> c_int {
    aio::extend(ctx as usize, Extension::UnregisterBuffers, &[]).into_c()
}

/// Which registered buffer of a context holds all `len` bytes at `address`: its number, `-ENOENT` for none, `-ENXIO` if
/// the context has no buffers, `-EINVAL` if it is none. The memory is not looked at.
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_find_buffer(ctx: Context, address: *const c_void, len: usize) -> c_int {
    aio::extend(ctx as usize, Extension::FindBuffer, &[address as usize, len]).into_c()
}

/// Has the library's ring hold the file of a descriptor for which many transfers are to be expected, so that the kernel
/// need not look it up for each. Transfers use it as long as the descriptor names the same file with the same flags.
///
/// 0, also where it is not held: kernel AIO, a file with `O_SYNC`, a file system without a block device of its own. `-EINVAL` (`ctx`), `-EBADF` (`fd`), `-ENOSPC` (there are
/// too many such files, or slots). Any thread; the number must not be given to another file meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_register_file(ctx: Context, fd: c_int) -> c_int {
    aio::extend(ctx as usize, Extension::RegisterFile, &[fd as usize]).into_c()
}

/// Takes that back, before or after the descriptor was closed. 0, also if the file is not held any more; `-EINVAL` (`ctx`).
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_unregister_file(ctx: Context, fd: c_int) -> c_int {
    aio::extend(ctx as usize, Extension::UnregisterFile, &[fd as usize]).into_c()
}
