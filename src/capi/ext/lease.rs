//! Leases: a buffer that one request fills and others use.
//!
//! Any thread may call, also while another one waits. In a signal handler that interrupted a call on the same pool:
//! `-EDEADLK`. A pool that is gone, or a parent's, is `-EINVAL`, as long as its place was not given to another one. `-EBADF`
//! where the ring was ended before the pool.

use core::ffi::{c_int, c_uint, c_void};
use core::ptr;

use crate::capi::IntoC;
use crate::ext::lease;
use crate::ext::lease::{
    Event as aiouring_lease_event, Params as aiouring_lease_params, Pool as aiouring_lease_pool,
    Request as aiouring_lease_op,
};
use crate::sys::{Errno, Result};
use crate::uring::{Cqe as io_uring_cqe, Ring as io_uring, Timespec as __kernel_timespec};

/// C's 64-bit word.
type __u64 = core::ffi::c_ulonglong;

/// The pool of a C program.
///
/// # Safety
/// `pool` must be null or have been a pool once.
unsafe fn of<'a>(pool: *mut aiouring_lease_pool) -> Result<&'a aiouring_lease_pool> {
    // SAFETY: the caller's promise.
    unsafe { pool.as_ref() }.ok_or(Errno::EINVAL)
}

/// What a C program points to.
///
/// # Safety
/// `at` must be null or readable.
unsafe fn read<'a, T>(at: *const T) -> Result<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { at.as_ref() }.ok_or(Errno::EINVAL)
}

/// Makes a pool of buffers for the ring `ring`: 0, and the pool in `*pool`.
///
/// `-EINVAL`: what `params` says is not possible. `-EOPNOTSUPP` before Linux 5.11. `-EBUSY`: the ring has a table of
/// registered buffers, and `AIOURING_LEASE_POOL_TABLE` is not given. `-ENXIO`: it is given, and there is none. `-ENOMEM`:
/// memory, or what the process may lock of it. `-EINVAL` before Linux 5.19, but with `AIOURING_LEASE_POOL_PLAIN`.
///
/// # Safety
/// `ring` must be set up, and both it and `params->memory` must stay until the pool is destroyed; `pool` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_pool_create(
    ring: *mut io_uring,
    params: *const aiouring_lease_params,
    pool: *mut *mut aiouring_lease_pool,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(place) = pool.as_mut() else {
            return Errno::EINVAL.negated();
        };
        let made = read(ring.cast_const()).and_then(|ring| lease::create(ring, read(params)?));
        made.map(|made| *place = made.as_ptr()).into_c()
    }
}

/// Ends a pool: cancels its leases, waits for the kernel, and frees everything: 0.
///
/// `-EBUSY`: another thread waits in it, or the ring is full of other completions; `-EINTR` never. With an error the pool is
/// there still, takes no more leases, and can be destroyed later.
///
/// # Safety
/// `pool` must be null or have been a pool once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_pool_destroy(pool: *mut aiouring_lease_pool) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool) }.and_then(lease::destroy).into_c()
}

/// Takes a buffer: 0, and the lease in `*lease`. `data` comes back in its events.
///
/// `-EAGAIN`: all are taken. `-EINVAL`: unknown flags. `-ECANCELED`: the pool is ending. With `AIOURING_LEASE_POOL_TAGS`
/// also what registration is refused with, `-ENOMEM` above all.
///
/// # Safety
/// `lease` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_open(
    pool: *mut aiouring_lease_pool,
    lease: *mut __u64,
    flags: c_uint,
    data: __u64,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(place) = lease.as_mut() else {
            return Errno::EINVAL.negated();
        };
        of(pool)
            .and_then(|pool| pool.open(flags, data))
            .map(|id| *place = id)
            .into_c()
    }
}

/// Starts the request that fills the buffer: 0.
///
/// `-EINVAL`: not an open lease, already filled, or not a request that fills. `-EFAULT`: longer than the buffer.
///
/// # Safety
/// `op` must be readable, and so must the requests that it points to; these must be ones the program may make.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_fill(
    pool: *mut aiouring_lease_pool,
    lease: __u64,
    op: *const aiouring_lease_op,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool).and_then(|pool| pool.fill(lease, read(op)?)) }.into_c()
}

/// Adds a request that is made when the buffer is filled: 0.
///
/// `-EINVAL`: the buffer is filled already, or the request goes the wrong way. `-EFAULT`: outside the buffer. `-EAGAIN`: too
/// many at a time.
///
/// # Safety
/// `op` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_plan(
    pool: *mut aiouring_lease_pool,
    lease: __u64,
    op: *const aiouring_lease_op,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool).and_then(|pool| pool.plan(lease, read(op)?)) }.into_c()
}

/// Makes a request with a buffer that is filled and held: 0.
///
/// `-EINVAL`: not filled, not held, finished, or the wrong way. `-EFAULT`: outside of what was filled. `-EAGAIN`: too many at
/// a time.
///
/// # Safety
/// `op` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_use(
    pool: *mut aiouring_lease_pool,
    lease: __u64,
    op: *const aiouring_lease_op,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool).and_then(|pool| pool.use_now(lease, read(op)?)) }.into_c()
}

/// Says that a held lease gets no more requests: 0. `-EINVAL`: it is not filled, not held, or was finished.
///
/// # Safety
/// `pool` must be null or have been a pool once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_finish(pool: *mut aiouring_lease_pool, lease: __u64) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool) }.and_then(|pool| pool.finish(lease)).into_c()
}

/// Cancels a lease with all its requests: 0; it ends by an event. `-EALREADY`: it is being cancelled, or its primary failed.
/// `-EINVAL`: no lease, or one that has ended.
///
/// # Safety
/// `pool` must be null or have been a pool once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_cancel(pool: *mut aiouring_lease_pool, lease: __u64) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool) }.and_then(|pool| pool.cancel(lease)).into_c()
}

/// Submits what is queued in the ring, and what the pool had no room for: how many requests. Errors are those of
/// `io_uring_submit`.
///
/// # Safety
/// `pool` must be null or have been a pool once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_submit(pool: *mut aiouring_lease_pool) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool) }.and_then(aiouring_lease_pool::submit).into_c()
}

/// Submits, and waits for an event: 0. Completions that are not the pool's are events, too, and consumed.
///
/// `-ETIME` after `*ts`, null for no such limit; `-EINTR`; and the errors of `io_uring_submit_and_wait`.
///
/// # Safety
/// `event` must be writable, `ts` null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_wait(
    pool: *mut aiouring_lease_pool,
    event: *mut aiouring_lease_event,
    ts: *const __kernel_timespec,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(place) = event.as_mut() else {
            return Errno::EINVAL.negated();
        };
        of(pool)
            .and_then(|pool| pool.wait(ts.as_ref()))
            .map(|event| *place = event)
            .into_c()
    }
}

/// Takes a completion that the program found in the ring: 1 if it is the pool's, 0 if not. `-EINVAL`: it is the pool's, but
/// was shown before.
///
/// # Safety
/// `cqe` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_cqe(pool: *mut aiouring_lease_pool, cqe: *const io_uring_cqe) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool).and_then(|pool| pool.absorb(read(cqe)?)) }
        .map(u32::from)
        .into_c()
}

/// Takes the next event without waiting: 1, or 0 if there is none.
///
/// # Safety
/// `event` must be writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_next(
    pool: *mut aiouring_lease_pool,
    event: *mut aiouring_lease_event,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(place) = event.as_mut() else {
            return Errno::EINVAL.negated();
        };
        let next = of(pool).and_then(aiouring_lease_pool::next);
        next.map(|event| u32::from(event.map(|event| *place = event).is_some()))
            .into_c()
    }
}

/// The buffer of a lease; null if there is no such lease or no memory of this process.
///
/// # Safety
/// `pool` must be null or have been a pool once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_memory(pool: *mut aiouring_lease_pool, lease: __u64) -> *mut c_void {
    // SAFETY: the caller's promise.
    let at = unsafe { of(pool) }.and_then(|pool| pool.memory(lease)).unwrap_or(0);
    ptr::with_exposed_provenance_mut(at)
}

/// Which slot of the table of registered buffers a lease has. `-EINVAL`: no such lease.
///
/// # Safety
/// `pool` must be null or have been a pool once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_lease_slot(pool: *mut aiouring_lease_pool, lease: __u64) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(pool) }.and_then(|pool| pool.slot(lease)).into_c()
}
