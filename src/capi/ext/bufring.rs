//! Buffers that the kernel takes when it has data.
//!
//! An object is used in any thread, by several at once, but for what registers with a ring: where the kernel takes that
//! from one thread only, it is that one. In a signal handler that interrupts a call on the same object: `-EDEADLK`. An
//! object that is gone, or a parent's, is `-EINVAL`, as long as its place was not given to another one.

use core::ffi::{c_int, c_uint, c_void};
use core::mem::MaybeUninit;
use core::ptr;

use crate::capi::IntoC;
use crate::ext::bufring::{
    aiouring_bufring_info, aiouring_bufring_params, aiouring_bufring_span, aiouring_bufring_walk,
};
use crate::sys::{Errno, Result};
use crate::uring::bufring::{BufRing as aiouring_bufring, Walk, Wish};
#[cfg(feature = "capi-uring")]
use crate::uring::{Cqe as io_uring_cqe, IOSQE_BUFFER_SELECT, Ring as io_uring, Sqe as io_uring_sqe, bufring};
#[cfg(feature = "capi-aio")]
use crate::{aio::abi::IoEvent, capi::aio::Context, ext};

/// # Safety
/// `br` must be null or have been an object once.
unsafe fn of<'a>(br: *const aiouring_bufring) -> Result<&'a aiouring_bufring> {
    // SAFETY: the caller's promise; the page of an object that is gone is never anything else.
    unsafe { br.as_ref() }.ok_or(Errno::EINVAL)
}

/// Makes an object of `nr` buffers of `size` bytes as group `bgid`, in `*out`: 0. They lie in the `nr * size` bytes at
/// `memory`, which outlive the object, or in memory of its own. `flags` are `AIOURING_BUFRING_`. `-EINVAL` for numbers out
/// of range and unknown flags, `-ENOMEM`, `-EFAULT` without `out`.
///
/// # Safety
/// `out` must be null or writable; the kernel writes to `memory` while the object is attached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_create(
    out: *mut *mut aiouring_bufring,
    nr: c_uint,
    size: c_uint,
    bgid: c_int,
    flags: c_uint,
    memory: *mut c_void,
) -> c_int {
    let params = aiouring_bufring_params {
        nr,
        size,
        max: 0,
        flags,
        min_left: 0,
        bgid,
        memory,
        resv: [0; 4],
    };
    // SAFETY: the caller's promise; `params` is a local.
    unsafe { aiouring_bufring_create_params(out, &params) }
}

/// The same with all that can be said: `max` buffers to grow to, which is how many have room at `memory`, and `min_left`.
/// `-EINVAL` if a reserved field is not 0.
///
/// # Safety
/// As [`aiouring_bufring_create`]; `params` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_create_params(
    out: *mut *mut aiouring_bufring,
    params: *const aiouring_bufring_params,
) -> c_int {
    // SAFETY: the caller's promise.
    let Some(p) = (unsafe { params.as_ref() }).filter(|_| !out.is_null()) else {
        return Errno::EFAULT.negated();
    };
    if p.resv != [0; 4] {
        return Errno::EINVAL.negated();
    }
    let wish = Wish {
        nr: p.nr,
        size: p.size,
        max: p.max,
        min_left: p.min_left,
        bgid: p.bgid,
        flags: p.flags,
        memory: p.memory.cast(),
    };
    // SAFETY: the caller's promise.
    unsafe { aiouring_bufring::create(&wish).map(|made| out.write(made.as_ptr())) }.into_c()
}

/// Detaches and ends an object: 0. `-EBUSY` while the program has references or completions are to be taken, and the
/// object stays as it is; `-EEXIST` in another thread than the one that may register with the ring.
///
/// # Safety
/// `br` must be null or have been an object once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_destroy(br: *mut aiouring_bufring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(aiouring_bufring::destroy).into_c()
}

/// The group of an object.
///
/// # Safety
/// `br` must be null or have been an object once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_group(br: *const aiouring_bufring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }
        .and_then(aiouring_bufring::group)
        .map(u32::from)
        .into_c()
}

/// Where the buffer `id` lies and how large it is: 0. `-EINVAL` if the program has no reference to it.
///
/// # Safety
/// `br` must be null or have been an object once; `base` and `size` null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_buffer(
    br: *const aiouring_bufring,
    id: c_uint,
    base: *mut *mut c_void,
    size: *mut c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }
        .and_then(|object| object.buffer(id))
        .map(|(at, len)| {
            if !base.is_null() {
                // SAFETY: the caller's promise.
                unsafe { base.write(at.cast()) };
            }
            if !size.is_null() {
                // SAFETY: the caller's promise.
                unsafe { size.write(len) };
            }
        })
        .into_c()
}

/// Adds a reference to the buffer `id`: 0. `-EINVAL` if it has none.
///
/// # Safety
/// `br` must be null or have been an object once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_ref(br: *mut aiouring_bufring, id: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(|object| object.reference(id)).into_c()
}

/// Drops a reference to the buffer `id`: 0. With the last one it goes back to the kernel. `-EINVAL` if it has none.
///
/// # Safety
/// `br` must be null or have been an object once; the buffer is not the caller's any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_release(br: *mut aiouring_bufring, id: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(|object| object.release(id)).into_c()
}

/// Has `more` buffers in use: how many that are. `-ENOSPC` above the greatest number.
///
/// # Safety
/// `br` must be null or have been an object once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_grow(br: *mut aiouring_bufring, more: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(|object| object.grow(more)).into_c()
}

/// Has `fewer` buffers in use: how many that are, once those in excess have come back. `-EINVAL` if none were left.
///
/// # Safety
/// `br` must be null or have been an object once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_shrink(br: *mut aiouring_bufring, fewer: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(|object| object.shrink(fewer)).into_c()
}

/// Compares the books with the kernel's: 0 if they agree, or how many buffers the kernel is ahead. `-EILSEQ` if they
/// contradict each other, `-EOPNOTSUPP` if the kernel cannot be asked (6.8), `-EINVAL` if nothing is attached.
///
/// # Safety
/// `br` must be null or have been an object once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_check(br: *const aiouring_bufring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(crate::ext::lend::check).into_c()
}

/// Writes `size` bytes of statistics, all zeroes beyond those that this library has: 0. `-EINVAL` for a size that is no
/// multiple of 8.
///
/// # Safety
/// `br` must be null or have been an object once; `stats` null or writable for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_stats(
    br: *const aiouring_bufring,
    stats: *mut aiouring_bufring_info,
    size: usize,
) -> c_int {
    // SAFETY: the caller's promise.
    let now = match unsafe { of(br) }.and_then(aiouring_bufring::stats) {
        Ok(now) => now,
        Err(e) => return e.negated(),
    };
    if size == 0 || !size.is_multiple_of(8) {
        return Errno::EINVAL.negated();
    }
    if stats.is_null() {
        return Errno::EFAULT.negated();
    }
    let known = size.min(size_of_val(&now));
    // SAFETY: the caller's promise; `known` bytes are in both.
    unsafe {
        stats.cast::<u8>().write_bytes(0, size);
        stats
            .cast::<u8>()
            .copy_from_nonoverlapping(ptr::from_ref(&now).cast(), known);
    }
    0
}

/// Registers the group with `ring` and gives it the buffers: 0. `-EBUSY` if it is attached, `-EEXIST` if the ring has such
/// a group or the thread may not register, `-EAGAIN` if the queue has no room for the request that kernels before 5.19
/// need, `-EBADF`, `-EMFILE`, `-ENOMEM`.
///
/// # Safety
/// `br` must be null or have been an object once; `ring` must be set up.
#[cfg(feature = "capi-uring")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_attach(br: *mut aiouring_bufring, ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br).and_then(|object| object.attach(ring.as_ref().ok_or(Errno::EFAULT)?)) }.into_c()
}

/// Takes the group from its ring: 0. `-EBUSY` while completions are to be taken, `-EINVAL` if there is none, `-EEXIST` in
/// another thread than the one that may register.
///
/// # Safety
/// `br` must be null or have been an object once.
#[cfg(feature = "capi-uring")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_detach(br: *mut aiouring_bufring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(aiouring_bufring::detach).into_c()
}

/// Has a request take its buffer from the group: 0.
///
/// # Safety
/// `br` must be null or have been an object once; `sqe` must be writable.
#[cfg(feature = "capi-uring")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_select(br: *const aiouring_bufring, sqe: *mut io_uring_sqe) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }
        .and_then(aiouring_bufring::group)
        .and_then(|group| {
            // SAFETY: the caller's promise.
            let sqe = unsafe { sqe.as_mut() }.ok_or(Errno::EFAULT)?;
            sqe.flags |= IOSQE_BUFFER_SELECT;
            sqe.buf_index = group;
            Ok(())
        })
        .into_c()
}

/// Enters a completion into the books: how many spans of data it has, which `*walk` leads to. `-EINVAL` if it names a
/// buffer that the kernel has not got.
///
/// # Safety
/// `br` must be null or have been an object once; `cqe` must be readable, `walk` writable.
#[cfg(feature = "capi-uring")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_take(
    br: *mut aiouring_bufring,
    cqe: *const io_uring_cqe,
    walk: *mut aiouring_bufring_walk,
) -> c_int {
    if walk.is_null() {
        return Errno::EFAULT.negated();
    }
    // SAFETY: the caller's promise.
    let (object, cqe) = unsafe { (of(br), cqe.as_ref()) };
    let taken = object.and_then(|object| {
        let cqe = cqe.ok_or(Errno::EFAULT)?;
        if (cqe.user_data >> 32) as u32 == bufring::USER_DATA {
            object.provided(cqe.user_data, cqe.res, cqe.flags)?;
        }
        object.take(cqe.res, cqe.flags)
    });
    // SAFETY: the caller's promise.
    unsafe { begin(walk, br, taken) }
}

/// The same for an event of a read by `aiouring_prep_pread_select`.
///
/// # Safety
/// `br` must be null or have been an object once; `event` null or readable, `walk` null or writable.
#[cfg(feature = "capi-aio")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_take_event(
    br: *mut aiouring_bufring,
    event: *const IoEvent,
    walk: *mut aiouring_bufring_walk,
) -> c_int {
    if walk.is_null() {
        return Errno::EFAULT.negated();
    }
    // SAFETY: the caller's promise.
    let (object, event) = unsafe { (of(br), event.as_ref()) };
    let taken = object.and_then(|object| {
        let event = event.ok_or(Errno::EFAULT)?;
        object.take(event.res as i32, event.res2 as u32)
    });
    // SAFETY: the caller's promise.
    unsafe { begin(walk, br, taken) }
}

/// Begins a walk over what was taken.
///
/// # Safety
/// `walk` must be writable.
unsafe fn begin(walk: *mut aiouring_bufring_walk, br: *mut aiouring_bufring, taken: Result<Walk>) -> c_int {
    let (result, found) = match taken {
        Ok(found) => (found.spans as c_int, found),
        Err(e) => (e.negated(), Walk::default()),
    };
    // SAFETY: the caller's promise.
    unsafe { store(walk, br, found) };
    result
}

/// # Safety
/// `walk` must be writable.
unsafe fn store(walk: *mut aiouring_bufring_walk, br: *mut aiouring_bufring, found: Walk) {
    // SAFETY: the caller's promise.
    unsafe {
        walk.write(aiouring_bufring_walk {
            br,
            left: found.left,
            spans: found.spans,
            offset: found.offset,
            bid: found.bid.into(),
        });
    }
}

/// The next span of a walk in `*span`: 1, or 0 if there is none. `-EINVAL` for a walk that is none.
///
/// # Safety
/// `walk` must be of `aiouring_bufring_take`, `span` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_next(
    walk: *mut aiouring_bufring_walk,
    span: *mut aiouring_bufring_span,
) -> c_int {
    // SAFETY: the caller's promise.
    let Some(now) = (unsafe { walk.as_ref() }).filter(|_| !span.is_null()) else {
        return Errno::EFAULT.negated();
    };
    let br = now.br;
    let mut rest = Walk {
        bid: now.bid as u16,
        spans: now.spans,
        offset: now.offset,
        left: now.left,
    };
    // SAFETY: the caller's promise.
    match unsafe { of(br) }.and_then(|object| object.next(&mut rest)) {
        Ok(Some(found)) => {
            // SAFETY: the caller's promise.
            unsafe {
                span.write(aiouring_bufring_span {
                    base: found.base.cast(),
                    len: found.len,
                    id: found.id,
                });
                store(walk, br, rest);
            }
            1
        }
        Ok(None) => 0,
        Err(e) => e.negated(),
    }
}

/// Releases what is left of a walk: how many spans that were.
///
/// # Safety
/// `walk` must be of `aiouring_bufring_take`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_skip(walk: *mut aiouring_bufring_walk) -> c_int {
    let mut span = MaybeUninit::<aiouring_bufring_span>::uninit();
    let mut count = 0;
    loop {
        // SAFETY: the caller's promise; the span is a local.
        let found = unsafe { aiouring_bufring_next(walk, span.as_mut_ptr()) };
        if found <= 0 {
            return if found < 0 { found } else { count };
        }
        // SAFETY: written, as there was one.
        let released = unsafe { aiouring_bufring_release((*walk).br, span.assume_init_ref().id) };
        if released < 0 {
            return released;
        }
        count += 1;
    }
}

/// Queues the requests that give released buffers back on kernels without buffer rings: how many buffers that were.
/// `-EAGAIN` if the queue is full. 0 with buffer rings.
///
/// # Safety
/// `br` must be null or have been an object once; no other thread may queue requests at the same time.
#[cfg(feature = "capi-uring")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_flush(br: *mut aiouring_bufring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(aiouring_bufring::flush).into_c()
}

/// Has the reads by `aiouring_prep_pread_select` of a context take their buffers from the object: 0. `-EINVAL` for no
/// context, `-EBUSY` if it has a ring or the object is in use, `-EOPNOTSUPP` where there is no thread of the library or the
/// kernel has no buffer rings.
///
/// # Safety
/// `br` must be null or have been an object once.
#[cfg(feature = "capi-aio")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_bind(br: *mut aiouring_bufring, ctx: Context) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }
        .and_then(|object| ext::lend::bind(object, ctx as usize))
        .into_c()
}

/// Ends that: 0. Reads that wait end with `-ECANCELED`. `-EINVAL` if it is bound to no context.
///
/// # Safety
/// `br` must be null or have been an object once.
#[cfg(feature = "capi-aio")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_bufring_unbind(br: *mut aiouring_bufring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(br) }.and_then(ext::lend::unbind).into_c()
}
