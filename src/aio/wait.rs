//! `io_getevents` and `io_pgetevents`.

use super::abi::IoEvent;
use super::context::{InUse, Woken};
use super::frame::Thread;
use super::process::Process;
use super::seeded;
use crate::sys::{Errno, Result, futex};

/// How long a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// Nanoseconds.
    For(u64),
    /// Until something happens.
    Forever,
}

impl Patience {
    /// From the two words of a `timespec`. The kernel's arithmetic makes times before zero, and
    /// those beyond its range, mean "for ever"; far below zero it comes round again. Nanoseconds may
    /// exceed a second.
    pub(crate) fn from_timespec([seconds, nanoseconds]: [u64; 2]) -> Self {
        const SECOND: i64 = 1_000_000_000;
        let (seconds, nanoseconds) = (seconds as i64, nanoseconds as i64);
        if seconds >= i64::MAX / SECOND {
            return Self::Forever;
        }
        match seconds.wrapping_mul(SECOND).wrapping_add(nanoseconds) {
            0 => Self::None,
            ns if ns > 0 => Self::For(ns as u64),
            _ => Self::Forever,
        }
    }
}

/// Where events go and how many are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) min: i64,
    pub(crate) max: i64,
    /// Address of the program's array.
    pub(crate) out: usize,
}

/// Takes events from a context of ours.
///
/// # Errors
/// `EINVAL` (counts, or the context was destroyed meanwhile), `EFAULT`, `EINTR`.
pub(crate) fn take(
    process: &'static Process,
    context: InUse<'_>,
    wanted: Wanted,
    patience: Patience,
    mask: Option<u64>,
) -> Result<usize> {
    if wanted.min > wanted.max || wanted.min < 0 {
        return Err(Errno::EINVAL);
    }
    let (min, max) = (if seeded("min") { 0 } else { wanted.min as usize }, wanted.max as usize);
    let deadline = match patience {
        Patience::For(ns) => futex::now().saturating_add(ns),
        Patience::None | Patience::Forever => u64::MAX,
    };
    let patience = match patience {
        Patience::For(_) if seeded("timeout") => Patience::None,
        patience => patience,
    };
    let may_wait = patience != Patience::None && min > 0;
    if may_wait && let Some(thread) = context.thread() {
        thread.waits_for_events();
    }
    let mut taken = 0;
    // A waiter leaves what is not enough for it to others, who may want less.
    let mut need = 0;
    loop {
        let out = wanted.out.wrapping_add(taken * size_of::<IoEvent>());
        context.deliver_late();
        process.engine.caller.pump();
        context.pump(process);
        // Before the look at the ring: a poll leaves its list when its event is there.
        let polls = !context.polls.is_empty();
        if context.ring.ready() >= need {
            match context.take(out, max - taken, &process.pages) {
                Ok(n) => taken += n,
                Err(e) if taken == 0 => return Err(e),
                Err(_) => return Ok(taken),
            }
        }
        if !may_wait || taken >= min {
            return if polls {
                finish(process, &context, wanted, taken, Woken::Look)
            } else {
                Ok(taken)
            };
        }
        let left = deadline.saturating_sub(if deadline == u64::MAX { 0 } else { futex::now() });
        if context.is_dying() {
            return if taken > 0 { Ok(taken) } else { Err(Errno::EINVAL) };
        }
        // More than a ring holds is as good as any other number that never comes.
        need = (min - taken).min(i32::MAX as usize) as u32;
        if left == 0 {
            return finish(process, &context, wanted, taken, Woken::Time);
        }
        let life = context.life();
        let left = left.min(futex::FOREVER);
        let lane = context.thread().and_then(Thread::lane).filter(|lane| lane.is_busy());
        let woken = match lane {
            Some(lane) => lane.sleep(process, &context, (need, left, mask), life),
            None if process.engine.caller.is_open() => process.engine.caller.sleep(&context, need, left, mask),
            None => context.sleep(need, left, mask),
        };
        if !context.resume(life) {
            return match woken {
                _ if taken > 0 => Ok(taken),
                Woken::Signal => Err(Errno::EINTR),
                _ => Err(Errno::EINVAL),
            };
        }
        if lane.is_some() {
            context.expect_nothing();
        }
        if woken != Woken::Look {
            return finish(process, &context, wanted, taken, woken);
        }
    }
}

/// The last look, also after the time or a signal ended a wait. A poll that is true has its event as
/// soon as the wake-up returned, in kernel AIO; here it may still be on its way.
fn finish(process: &'static Process, context: &InUse<'_>, wanted: Wanted, taken: usize, woken: Woken) -> Result<usize> {
    if taken < wanted.max as usize && !context.polls.is_empty() {
        process.engine.sync();
    }
    process.engine.caller.pump();
    context.pump(process);
    let out = wanted.out.wrapping_add(taken * size_of::<IoEvent>());
    let more = match context.take(out, wanted.max as usize - taken, &process.pages) {
        Err(e) if taken == 0 => return Err(e),
        more => more.unwrap_or(0),
    };
    match taken + more {
        0 if woken == Woken::Signal => Err(Errno::EINTR),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_the_kernel_takes_them() {
        let of = |s: i64, n: i64| Patience::from_timespec([s as u64, n as u64]);
        assert_eq!(of(0, 0), Patience::None);
        assert_eq!(of(1, 5), Patience::For(1_000_000_005));
        assert_eq!(of(0, 1_300_000_000), Patience::For(1_300_000_000));
        assert_eq!(of(i64::MIN, 0), Patience::None);
        for forever in [
            of(-1, 0),
            of(0, -1),
            of(-1, 999_999_999),
            of(i64::MAX, 0),
            of(i64::MAX, 999_999_999),
        ] {
            assert_eq!(forever, Patience::Forever);
        }
    }
}
