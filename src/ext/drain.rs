//! The end of a ring that has requests in flight.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::sys::{Errno, Result, futex};
use crate::uring::queue::Patience;
use crate::uring::{
    Cqe, IORING_ASYNC_CANCEL_ALL, IORING_ASYNC_CANCEL_ANY, IORING_FEAT_EXT_ARG, IORING_OP_ASYNC_CANCEL, IORING_OP_NOP,
    IORING_OP_NOP128, IORING_OP_URING_CMD128, IORING_REGISTER_SYNC_CANCEL, IORING_SETUP_IOPOLL, IORING_SETUP_SQE_MIXED,
    IORING_SETUP_SQPOLL, IOSQE_IO_DRAIN, LIBURING_UDATA_TIMEOUT, Ring, Sqe, Timespec, register, setup,
};

/// The upper half of the user data of the requests that are made here; `AIOURING_DRAIN_MARK` in C.
const MARK: u64 = 0xa10d_7a1d;

/// The least and the longest time in nanoseconds between two cancellations: what could not be cancelled may be later.
const STEPS: (u64, u64) = (1_000_000, 50_000_000);

const ECANCELED: i32 = -libc::ECANCELED;
const ENOMEM: i32 = -libc::ENOMEM;

/// What `IORING_REGISTER_SYNC_CANCEL` takes.
#[repr(C)]
struct Cancel {
    addr: u64,
    fd: i32,
    flags: u32,
    timeout: Timespec,
    pad: [u64; 4],
}

const _: () = assert!(size_of::<Cancel>() == 64);

/// How the end is known.
#[derive(Clone, Copy)]
enum End<'a> {
    /// The program counts.
    Counted(&'a dyn Fn() -> bool),
    /// By a request that begins when all before it are done: its user data. No two calls have the same, as that of one that
    /// ran out of time may complete in a later one.
    Marked(u64),
}

/// Whether there is still something to be done for the mark.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    ToQueue,
    Queued,
    Passed,
}

/// A span of time in nanoseconds. `EINVAL` if it is none.
pub fn nanoseconds(span: &Timespec) -> Result<u64> {
    match (u64::try_from(span.tv_sec), u64::try_from(span.tv_nsec)) {
        (Ok(seconds), Ok(rest @ 0..1_000_000_000)) => Ok(seconds.saturating_mul(1_000_000_000).saturating_add(rest)),
        _ => Err(Errno::EINVAL),
    }
}

/// Ends the ring when all that was in flight has completed: every request that can be is cancelled, every completion goes to
/// `each`, also one for each request that was not handed over. Within `limit` nanoseconds, if that is given.
///
/// `is_done` tells that nothing is in flight any more. Without it the kernel is asked, by a request with the drain flag.
///
/// # Errors
/// Then the ring lives. `ETIME` when the time is up; `EOPNOTSUPP` for polled rings, or if the kernel will not say when it
/// is done; `EEXIST` in a thread that may not use the ring, and what else the calls are refused with.
pub fn drain_exit(
    ring: &mut Ring,
    limit: Option<u64>,
    each: &mut dyn FnMut(*const Cqe),
    is_done: Option<&dyn Fn() -> bool>,
) -> Result<()> {
    if ring.sq.sqes.is_null() {
        return Err(Errno::EBADF);
    }
    if ring.flags & IORING_SETUP_IOPOLL != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    drain(ring, limit, each, is_done)?;
    setup::exit(ring);
    Ok(())
}

fn drain(
    ring: &Ring,
    limit: Option<u64>,
    each: &mut dyn FnMut(*const Cqe),
    is_done: Option<&dyn Fn() -> bool>,
) -> Result<()> {
    let until = limit.map(|ns| futex::now().saturating_add(ns));
    // Refused before anything is changed, where it is.
    cancel(ring)?;
    drop_queued(ring, each);
    let end = is_done.map_or_else(|| End::Marked(new_number()), End::Counted);
    let (mut mark, mut step) = (Mark::ToQueue, STEPS.0);
    let mut sent = None;
    loop {
        // Behind a mark it would wait.
        if mark == Mark::ToQueue && sent.is_none() {
            sent = cancel_by_thread(ring);
        }
        if let End::Marked(user_data) = end
            && let Err(e) = hand_over(ring, &mut mark, user_data)
        {
            ring.discard();
            // A ring that was never enabled has taken nothing.
            return if e == Errno::EBADFD { Ok(()) } else { Err(e) };
        }
        // What has completed, but waits for its task to be in the kernel.
        let _ = ring.get_events();
        let seen = reap(ring, each, end, &mut sent);
        match (end, seen) {
            (End::Counted(is_done), _) if is_done() => break,
            (_, Some(0)) => break,
            // By a cancellation of everything, or for want of memory.
            (_, Some(ECANCELED | ENOMEM)) => mark = Mark::ToQueue,
            (_, Some(result)) => return Err(Errno::new(result.wrapping_neg())),
            _ => {}
        }
        let left = until.map_or(u64::MAX, |until| until.saturating_sub(futex::now()));
        if left == 0 {
            if mark == Mark::Queued && ring.flags & IORING_SETUP_SQPOLL == 0 {
                ring.discard();
            }
            return Err(Errno::ETIME);
        }
        wait(ring, left.min(step));
        step = step.saturating_mul(2).min(STEPS.1);
        cancel(ring)?;
    }
    // Completions for which the queue had no room come after the last of those that it had.
    reap(ring, each, end, &mut sent);
    Ok(())
}

/// Cancels what can be cancelled at the moment; nothing if the kernel has no such call, before 6.0, or the ring does not
/// allow it.
fn cancel(ring: &Ring) -> Result<()> {
    let arg = Cancel {
        addr: 0,
        fd: -1,
        flags: IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
        // What is found and cannot be cancelled is waited for elsewhere.
        timeout: Timespec::default(),
        pad: [0; 4],
    };
    // SAFETY: read during the call.
    match unsafe { register::register(ring, IORING_REGISTER_SYNC_CANCEL, ptr::from_ref(&arg).cast(), 1) } {
        Err(e @ (Errno::EBADF | Errno::EEXIST)) => Err(e),
        _ => Ok(()),
    }
}

/// User data that no request had before.
fn new_number() -> u64 {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    MARK << 32 | u64::from(NUMBERS.fetch_add(1, Relaxed))
}

/// What the kernel's thread has handed on to others, which may sleep in a call, only a request finds: its user data.
fn cancel_by_thread(ring: &Ring) -> Option<u64> {
    if ring.flags & IORING_SETUP_SQPOLL == 0 || ring.sq_space_left() == 0 {
        return None;
    }
    let user_data = new_number();
    ring.push(&Sqe {
        opcode: IORING_OP_ASYNC_CANCEL,
        fd: -1,
        op_flags: IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
        user_data,
        ..Sqe::default()
    });
    // What is wrong with the ring shows elsewhere.
    let _ = ring.submit();
    Some(user_data)
}

/// Takes back the requests that the kernel has not got: each is cancelled.
fn drop_queued(ring: &Ring, each: &mut dyn FnMut(*const Cqe)) {
    let polled = ring.flags & IORING_SETUP_SQPOLL != 0;
    let ready = ring.sq_ready();
    // What the kernel's thread was shown is the kernel's.
    let first = if polled { ready.saturating_sub(ring.hidden()) } else { 0 };
    let mut index = first;
    while let Some(sqe) = ring.queued(index).filter(|_| index < ready) {
        let big =
            ring.flags & IORING_SETUP_SQE_MIXED != 0 && matches!(sqe.opcode, IORING_OP_NOP128 | IORING_OP_URING_CMD128);
        index = index.wrapping_add(1 + u32::from(big));
        // A long completion has as much again behind it.
        let short = Cqe {
            user_data: sqe.user_data,
            res: ECANCELED,
            flags: 0,
        };
        if sqe.user_data >> 32 != MARK {
            each([short, Cqe::default()].as_ptr());
        }
    }
    if polled {
        ring.give_back(ready.wrapping_sub(first));
    } else {
        ring.discard();
    }
}

/// Queues the request that begins when all others are done, and hands it over. What fails for the moment is done over later.
fn hand_over(ring: &Ring, mark: &mut Mark, user_data: u64) -> Result<()> {
    if *mark == Mark::ToQueue && ring.sq_space_left() > 0 {
        ring.push(&Sqe {
            opcode: IORING_OP_NOP,
            flags: IOSQE_IO_DRAIN,
            fd: -1,
            user_data,
            ..Sqe::default()
        });
        *mark = Mark::Queued;
    }
    if *mark == Mark::Queued {
        match ring.submit() {
            Ok(_) if ring.sq_ready() == 0 => *mark = Mark::Passed,
            // Completions are in the way, memory is short, the kernel's thread has not come to it.
            Ok(_) | Err(Errno::EBUSY | Errno::EAGAIN | Errno::EINTR | Errno::ENOMEM) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Hands out what has completed; the result of the mark, if that is among it. `sent` is forgotten when it has completed.
fn reap(ring: &Ring, each: &mut dyn FnMut(*const Cqe), end: End, sent: &mut Option<u64>) -> Option<i32> {
    let mut seen = None;
    loop {
        let mut at = ptr::null_mut();
        if ring.peek_batch(1, |_, cqe| at = cqe) == 0 || at.is_null() {
            return seen;
        }
        // SAFETY: a completion in the queue, which the kernel leaves alone until it is given back.
        let cqe: Cqe = unsafe { at.read() };
        if cqe.user_data >> 32 == MARK {
            if *sent == Some(cqe.user_data) {
                *sent = None;
            }
            if let End::Marked(user_data) = end
                && user_data == cqe.user_data
            {
                seen = Some(cqe.res);
            }
        } else if ring.features & IORING_FEAT_EXT_ARG != 0 || cqe.user_data != LIBURING_UDATA_TIMEOUT {
            each(at);
        }
        ring.advance(ring.slots(&cqe));
    }
}

/// Waits for a completion, for so many nanoseconds at most.
fn wait(ring: &Ring, ns: u64) {
    if ring.features & IORING_FEAT_EXT_ARG != 0 {
        let timeout = Timespec {
            tv_sec: (ns / 1_000_000_000) as i64,
            tv_nsec: (ns % 1_000_000_000) as i64,
        };
        // Whatever ends it, the caller looks again.
        let _ = ring.wait_for(1, &Patience::new(&raw const timeout, ptr::null(), 0));
    } else {
        // A request with the time would wait for those before it, too.
        let _ = futex::wait(&AtomicU32::new(0), 0, ns.min(STEPS.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        let span = |tv_sec, tv_nsec| nanoseconds(&Timespec { tv_sec, tv_nsec });
        assert_eq!(span(1, 5), Ok(1_000_000_005));
        assert_eq!(span(i64::MAX, 0), Ok(u64::MAX));
        for (seconds, rest) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
            assert_eq!(span(seconds, rest), Err(Errno::EINVAL));
        }
    }
}
