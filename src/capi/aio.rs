//! The libaio face.
//!
//! # Safety
//! Pointers are the program's. They are handed to the core as addresses, which checks them as
//! the kernel checks those of its own calls: a bad one is answered with `EFAULT` or `EINVAL`.
//! The memory that requests name (buffers, and for the time of `io_submit` the iocbs and
//! vectors) belongs to the program and must stay until the event arrives.
//!
//! Every function returns a count or 0, or a negative error number; `errno` is left alone.

// `long` has 32 bits on some targets.
#![allow(clippy::unnecessary_cast)]

use super::IntoC;
use crate::aio::{
    self, Wait,
    abi::{IoEvent, Iocb},
};
use crate::sys::Errno;
use core::ffi::{c_int, c_long, c_void};

/// `io_context_t`: the address of the completion ring.
pub type Context = *mut c_void;

type Callback = extern "C" fn(Context, *mut Iocb, c_long, c_long);

/// Makes a context that can hold `maxevents` requests, and stores its handle in `*ctxp`.
///
/// `*ctxp` must be NULL before. The context ends with `io_destroy`; a fork does not hand it on.
///
/// Returns 0, or `-EFAULT` (`ctxp`), `-EINVAL` (`*ctxp` not NULL, `maxevents` 0 or too large),
/// `-EAGAIN` (above `fs.aio-max-nr`), `-ENOMEM`. Linux 2.5; behaviour as measured on 6.18.
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_setup(maxevents: c_int, ctxp: *mut Context) -> c_int {
    aio::setup(maxevents as u32, ctxp as usize).into_c()
}

/// Ends a context: waits until its requests are done, cancels its polls, drops its events.
///
/// Returns 0, or `-EINVAL` when `ctx` is no context. Linux 2.5.
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_destroy(ctx: Context) -> c_int {
    aio::destroy(ctx as usize).into_c()
}

/// Submits `nr` requests, in order; the pointers to them are at `iocbs`.
///
/// Returns how many were taken, or when the first was refused `-EINVAL`, `-EFAULT`, `-EBADF`,
/// `-EAGAIN` (no free slot), `-EOPNOTSUPP`, `-EPERM`. When it returns, iocbs and vectors may be
/// reused; buffers may not. Linux 2.5.
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_submit(ctx: Context, nr: c_long, iocbs: *mut *mut Iocb) -> c_int {
    aio::submit_here(ctx as usize, nr as i64, iocbs as usize) as c_int
}

fn cancel(ctx: Context, iocb: *mut Iocb, event: *mut IoEvent) -> c_int {
    aio::cancel(ctx as usize, iocb as usize, event as usize).into_c()
}

/// Takes a pending poll back. `event` is not written: the event comes through the ring.
///
/// Returns `-EINPROGRESS` when the poll was taken back, `-EINVAL` for any other request or
/// context, `-EFAULT` (`iocb`). Linux 2.5; polls since 4.18.
///
/// # Safety
/// See the module.
#[cfg_attr(not(feature = "symver"), unsafe(export_name = "io_cancel"))]
#[cfg_attr(feature = "symver", unsafe(no_mangle))]
pub unsafe extern "C" fn io_cancel_0_4(ctx: Context, iocb: *mut Iocb, event: *mut IoEvent) -> c_int {
    cancel(ctx, iocb, event)
}

fn getevents(
    ctx: Context,
    (min, max): (c_long, c_long),
    events: *mut IoEvent,
    timeout: *const libc::timespec,
    mask: Option<usize>,
) -> c_int {
    let wait = Wait {
        handle: ctx as usize,
        min: min as i64,
        max: max as i64,
        events: events as usize,
        timeout: timeout as usize,
        mask: mask.unwrap_or(0),
        masked: mask.is_some(),
        short_cut: true,
    };
    aio::getevents(&wait).into_c()
}

/// Takes at least `min_nr` and at most `nr` events into `events`, waiting for them for at most
/// `timeout` (relative; NULL: without end).
///
/// Returns their number, less than `min_nr` when the time was over or a signal came after the
/// first; or `-EINVAL` (context, counts), `-EFAULT` (pointers), `-EINTR`. Linux 2.5.
///
/// # Safety
/// See the module.
#[cfg_attr(not(feature = "symver"), unsafe(export_name = "io_getevents"))]
#[cfg_attr(feature = "symver", unsafe(no_mangle))]
pub unsafe extern "C" fn io_getevents_0_4(
    ctx: Context,
    min_nr: c_long,
    nr: c_long,
    events: *mut IoEvent,
    timeout: *mut libc::timespec,
) -> c_int {
    getevents(ctx, (min_nr, nr), events, timeout, None)
}

/// As [`io_getevents_0_4`], with `sigmask` (NULL: unchanged) as the signal mask while it waits.
///
/// Linux 4.18.
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_pgetevents(
    ctx: Context,
    min_nr: c_long,
    nr: c_long,
    events: *mut IoEvent,
    timeout: *mut libc::timespec,
    sigmask: *mut libc::sigset_t,
) -> c_int {
    let mask = [sigmask as usize, 8];
    getevents(ctx, (min_nr, nr), events, timeout, Some(mask.as_ptr() as usize))
}

/// `io_setup` for those who did not clear `*ctxp`: it is set to NULL first.
///
/// Returns as `io_setup`, and `-EINVAL` without touching `*ctxp` when `maxevents` is not
/// positive.
///
/// # Safety
/// `ctxp` is a valid pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_queue_init(maxevents: c_int, ctxp: *mut Context) -> c_int {
    if maxevents <= 0 {
        return Errno::EINVAL.negated();
    }
    // SAFETY: the caller's promise.
    unsafe { ctxp.write(core::ptr::null_mut()) };
    aio::setup(maxevents as u32, ctxp as usize).into_c()
}

/// `io_destroy` by another name.
///
/// # Safety
/// See the module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_queue_release(ctx: Context) -> c_int {
    aio::destroy(ctx as usize).into_c()
}

/// Calls the callback (the iocb's `data`, see `io_set_callback`) of every event that is there.
///
/// Returns 0 when none is left, or what `io_getevents` returned.
///
/// # Safety
/// The `data` of every request of the context is a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_queue_run(ctx: Context) -> c_int {
    let mut event = IoEvent {
        data: 0,
        obj: 0,
        res: 0,
        res2: 0,
    };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        match getevents(ctx, (0, 1), &raw mut event, &raw const now, None) {
            // SAFETY: the caller's promise; a callback of 0 would be one that was never set.
            1 => unsafe {
                let callback: Option<Callback> = core::mem::transmute(event.data as usize);
                if let Some(callback) = callback {
                    callback(ctx, event.obj as *mut Iocb, event.res as c_long, event.res2 as c_long);
                }
            },
            other => return other,
        }
    }
}

fn queue_wait(ctx: Context, timeout: *const libc::timespec) -> c_int {
    getevents(ctx, (0, 0), core::ptr::null_mut(), timeout, None)
}

/// Returns 0 for a context and `-EINVAL` for anything else. It does not wait, and never did.
///
/// # Safety
/// See the module.
#[cfg_attr(not(feature = "symver"), unsafe(export_name = "io_queue_wait"))]
#[cfg_attr(feature = "symver", unsafe(no_mangle))]
pub unsafe extern "C" fn io_queue_wait_0_4(ctx: Context, timeout: *mut libc::timespec) -> c_int {
    queue_wait(ctx, timeout)
}

/// What programs bound to before the functions took today's arguments.
#[cfg(feature = "symver")]
pub mod old {
    use super::*;

    /// As `io_cancel` today; the event goes nowhere.
    ///
    /// # Safety
    /// See the module above.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn io_cancel_0_1(ctx: Context, iocb: *mut Iocb) -> c_int {
        cancel(ctx, iocb, core::ptr::null_mut())
    }

    /// As `io_getevents` today with a `min_nr` of 1.
    ///
    /// # Safety
    /// See the module above.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn io_getevents_0_1(
        ctx: Context,
        nr: c_long,
        events: *mut IoEvent,
        timeout: *const libc::timespec,
    ) -> c_int {
        getevents(ctx, (1, nr), events, timeout, None)
    }

    /// As `io_queue_wait` today.
    ///
    /// # Safety
    /// See the module above.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn io_queue_wait_0_1(ctx: Context, timeout: *mut libc::timespec) -> c_int {
        queue_wait(ctx, timeout)
    }

    core::arch::global_asm!(
        ".symver io_cancel_0_1, io_cancel@LIBAIO_0.1, remove",
        ".symver io_cancel_0_4, io_cancel@@LIBAIO_0.4, remove",
        ".symver io_getevents_0_1, io_getevents@LIBAIO_0.1, remove",
        ".symver io_getevents_0_4, io_getevents@@LIBAIO_0.4, remove",
        ".symver io_queue_wait_0_1, io_queue_wait@LIBAIO_0.1, remove",
        ".symver io_queue_wait_0_4, io_queue_wait@@LIBAIO_0.4, remove",
    );
}

/// `exit` ends when the transfers under way have: kernel AIO would wait for them too.
extern "C" fn drain() {
    aio::drain();
}

#[used]
#[unsafe(link_section = ".fini_array")]
static DRAIN: extern "C" fn() = drain;
