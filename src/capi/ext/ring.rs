//! Extensions of rings.

use crate::capi::IntoC;
use crate::ext::features::Features as aiouring_features;
use crate::ext::submitter::{self, Submitter as aiouring_submitter};
use crate::ext::{drain, reserve, wake, wishes};
use crate::sys::Errno;
use crate::uring::{
    Cqe as io_uring_cqe, Params as io_uring_params, Ring as io_uring, Sqe as io_uring_sqe,
    Timespec as __kernel_timespec,
};
use core::ffi::{c_int, c_uint, c_ulonglong, c_void};
use core::ptr;
use core::slice;

/// Makes a ring as `p` says, which has the flags that it must have, with those of the `nr` wishes besides that the kernel
/// has, the first ones before the others: 0. `*taken` gets the flags of both kinds that the ring has, unless `taken` is
/// null; `p` tells what the ring became.
///
/// `-EINVAL` for a null pointer, more than 32 wishes, and of the kernel without any wish; every other error of
/// `io_uring_queue_init_params` as it comes. There is nothing to end then, and `p` is as it was.
///
/// # Safety
/// `ring` must be null or writable, what it held is lost; `p` null or readable and writable; `wishes` readable for `nr`;
/// `taken` null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_queue_init_try(
    entries: c_uint,
    ring: *mut io_uring,
    p: *mut io_uring_params,
    wishes: *const c_uint,
    nr: c_uint,
    taken: *mut c_uint,
) -> c_int {
    if nr as usize > wishes::MOST || nr > 0 && wishes.is_null() {
        return Errno::EINVAL.negated();
    }
    let list = if nr == 0 {
        &[]
    } else {
        // SAFETY: the caller's promise.
        unsafe { slice::from_raw_parts(wishes, nr as usize) }
    };
    // SAFETY: the caller's promise.
    let (Some(ring), Some(p)) = (unsafe { ring.as_mut() }, unsafe { p.as_mut() }) else {
        return Errno::EINVAL.negated();
    };
    let made = wishes::init(entries, ring, p, list);
    if let (Ok(flags), false) = (made, taken.is_null()) {
        // SAFETY: the caller's promise.
        unsafe { taken.write(flags) };
    }
    made.map(drop).into_c()
}

/// Takes the next `nr` entries of the submission queue, all of them or none: 0, and their addresses in `sqes`.
///
/// `flags`: `AIOURING_GET_SUBMIT` (1) hands over what is queued if there is too little room. `-EAGAIN` if fewer are free,
/// with the flag also then; `-EINVAL` for a null pointer, 0 or more entries than the queue has, unknown flags; with the
/// flag what `io_uring_submit` fails with. Nothing is taken on failure.
///
/// # Safety
/// `ring` must be null or set up, and no other thread submit meanwhile; `sqes` must be null or writable for `nr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_get_sqes(
    ring: *mut io_uring,
    sqes: *mut *mut io_uring_sqe,
    nr: c_uint,
    flags: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    let Some(ring) = (unsafe { ring.as_ref() }).filter(|_| !sqes.is_null()) else {
        return Errno::EINVAL.negated();
    };
    // SAFETY: there are `nr` places, and `n` is below it.
    reserve::take(ring, nr, flags, |n, sqe| unsafe { sqes.add(n as usize).write(sqe) }).into_c()
}

/// Gives the last `nr` entries back that were taken and not handed over: 0. `-EINVAL` for a null pointer, or if fewer are
/// so.
///
/// # Safety
/// `ring` must be null or set up, and no other thread submit meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_unget_sqes(ring: *mut io_uring, nr: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { ring.as_ref() } {
        Some(ring) => reserve::give_back(ring, nr).into_c(),
        None => Errno::EINVAL.negated(),
    }
}

/// Posts a completion with `user_data` and the result `res` to the ring, which ends a wait for one: 0. From any thread and
/// any signal handler.
///
/// `-EINVAL` for a null pointer, `-EBADF` if the ring has no descriptor, `-EBADFD` if it is not enabled, `-ENOMEM` and
/// `-EOVERFLOW` for want of memory, `-EOPNOTSUPP` before 5.18. Before 6.13 a ring is made for it and ended again, which may
/// fail as `io_uring_queue_init` does.
///
/// # Safety
/// `ring` must be null or set up, and not ended during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_wake(ring: *mut io_uring, user_data: c_ulonglong, res: c_int) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { ptr::NonNull::new(ring).map(|ring| ring.as_ref()) } {
        Some(ring) => wake::wake(ring, user_data, res).into_c(),
        None => Errno::EINVAL.negated(),
    }
}

/// What completions are handed to.
type aiouring_completion_fn = Option<unsafe extern "C" fn(*mut c_void, *const io_uring_cqe)>;

/// Cancels what the ring has in flight, hands every completion to `each` with `arg`, and ends the ring when there will be no
/// more: 0.
///
/// `timeout`: how long that may take, null for no limit. `left`: the program's count of requests in flight, which `each`
/// brings to 0; null for the kernel to tell. On failure the ring lives: `-ETIME` when the time is up; `-EINVAL` for a null
/// ring or no valid time; `-EBADF` if it is not set up; `-EOPNOTSUPP` for `IORING_SETUP_IOPOLL`, or without `left` if a
/// request had `IOSQE_CQE_SKIP_SUCCESS`; `-EEXIST` in another thread than the only one that may submit. 6.0 to cancel.
///
/// # Safety
/// `ring` must be null or set up, and used by nobody else; `timeout` null or readable; `each` null or callable with `arg`,
/// and not use the ring; `left` null or readable until the return.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_queue_drain_exit(
    ring: *mut io_uring,
    timeout: *const __kernel_timespec,
    each: aiouring_completion_fn,
    arg: *mut c_void,
    left: *const c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    let (ring, timeout) = unsafe { (ring.as_mut(), timeout.as_ref()) };
    let Some(ring) = ring else {
        return Errno::EINVAL.negated();
    };
    let Ok(limit) = timeout.map(drain::nanoseconds).transpose() else {
        return Errno::EINVAL.negated();
    };
    let mut hand_out = |cqe| {
        if let Some(each) = each {
            // SAFETY: the caller's promise.
            unsafe { each(arg, cqe) };
        }
    };
    // SAFETY: the caller's promise. It is changed by `each`.
    let counted = || unsafe { left.read_volatile() } == 0;
    let is_done: Option<&dyn Fn() -> bool> = if left.is_null() { None } else { Some(&counted) };
    drain::drain_exit(ring, limit, &mut hand_out, is_done).into_c()
}

/// Makes an object by which any thread submits to the ring: 0, and its address in `*submitter`.
///
/// The ring may be submitted to by nothing else until `aiouring_submitter_destroy`, and must not move. With
/// `IORING_SETUP_SINGLE_ISSUER` the caller is the thread that made or enabled the ring; pushes of others post a completion
/// with `wake_data`, upon which it calls `aiouring_submitter_flush`. `-EINVAL` for a null pointer or flags, which are 0;
/// `-EBADF` if the ring has no descriptor; `-EOPNOTSUPP` for `IORING_SETUP_SQ_REWIND` and `IORING_SETUP_SQE_MIXED`; `-ENOMEM`.
///
/// # Safety
/// `submitter` must be null or writable; `ring` null or set up, and as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_submitter_create(
    submitter: *mut *mut aiouring_submitter,
    ring: *mut io_uring,
    wake_data: c_ulonglong,
    flags: c_uint,
) -> c_int {
    if submitter.is_null() || ring.is_null() || flags != 0 {
        return Errno::EINVAL.negated();
    }
    // SAFETY: the caller's promise.
    match unsafe { submitter::create(ring, wake_data) } {
        Ok(at) => {
            // SAFETY: the caller's promise.
            unsafe { submitter.write(at.as_ptr()) };
            0
        }
        Err(e) => e.negated(),
    }
}

/// Queues copies of the `nr` entries at `sqes`, one behind the other, and hands them over, or leaves that to the thread that
/// is in the kernel: 0, or the number of requests that are queued and that the kernel does not take for now.
///
/// `flags`: `AIOURING_PUSH_NOWAIT` (1), `AIOURING_PUSH_TAKEN` (2). Nothing is queued on failure: `-EINVAL` for a null
/// pointer, more entries than the queue has, unknown flags, in a child; `-EAGAIN` if there is no room; `-EBUSY` in a signal
/// handler that interrupted a call on the same object; what the kernel refuses to make room with.
///
/// # Safety
/// `submitter` must be null or of `aiouring_submitter_create` and not destroyed; `sqes` readable for `nr` entries of the
/// ring's size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_submitter_push(
    submitter: *mut aiouring_submitter,
    sqes: *const io_uring_sqe,
    nr: c_uint,
    flags: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { submitter.as_ref() } {
        // SAFETY: the same.
        Some(submitter) if !sqes.is_null() => unsafe { submitter.push(sqes, nr, flags) }.into_c(),
        _ => Errno::EINVAL.negated(),
    }
}

/// Hands over what is queued: how many requests the kernel took, 0 if another thread does it.
///
/// `-EINVAL` for null, or in a child; `-EEXIST` with `IORING_SETUP_SINGLE_ISSUER` in another thread than that of the ring;
/// what the kernel refuses the requests with, which stay queued.
///
/// # Safety
/// As `aiouring_submitter_push`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_submitter_flush(submitter: *mut aiouring_submitter) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { submitter.as_ref() } {
        Some(submitter) => submitter.flush().into_c(),
        None => Errno::EINVAL.negated(),
    }
}

/// Ends the object, not the ring: 0. What is queued stays so. `-EBUSY` while a thread is seen in a call on it; `-EINVAL` for
/// null, or in a child.
///
/// # Safety
/// As `aiouring_submitter_push`; nobody may use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_submitter_destroy(submitter: *mut aiouring_submitter) -> c_int {
    match ptr::NonNull::new(submitter) {
        // SAFETY: the caller's promise.
        Some(submitter) => unsafe { submitter::destroy(submitter) }.into_c(),
        None => Errno::EINVAL.negated(),
    }
}

/// Reports in the `size` bytes at `out` what io_uring can do for this process and why not: 0. `entries`: how large a ring is
/// wanted, 0 for a small one. What `size` has beyond what this library knows becomes zero. `-EINVAL` for a null pointer or a
/// size below 16.
///
/// # Safety
/// `out` must be null or writable for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_get_features(entries: c_uint, out: *mut aiouring_features, size: usize) -> c_int {
    const LEAST: usize = 16;
    if out.is_null() || size < LEAST {
        return Errno::EINVAL.negated();
    }
    let mut report = aiouring_features::look(entries);
    let known = size.min(size_of::<aiouring_features>());
    report.size = known as u32;
    // SAFETY: the caller's promise; any bytes may be there.
    unsafe {
        out.cast::<u8>().write_bytes(0, size);
        ptr::copy_nonoverlapping(ptr::from_ref(&report).cast::<u8>(), out.cast(), known);
    }
    0
}
