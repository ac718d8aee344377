//! What is under way: begun by one thread, waited for by others.

use crate::sys::{futex, thread};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// Counts what has begun and not ended, so that a thread can wait for all that began before it
/// came, whatever begins meanwhile.
///
/// What begins is counted in the half of the present epoch. Whoever waits moves the epoch on when
/// the other half is empty: after two such steps nothing older is left.
#[derive(Default)]
pub(crate) struct Underway {
    /// Even epochs in the low half, odd ones in the high half.
    halves: AtomicU64,
    epoch: AtomicU32,
    waiters: AtomicU32,
    /// Changes when something ends that somebody waits for.
    ended: AtomicU32,
}

const fn one(odd: bool) -> u64 {
    if odd { 1 << 32 } else { 1 }
}

const fn half(halves: u64, epoch: u32) -> u32 {
    (halves >> (32 * (epoch & 1))) as u32
}

impl Underway {
    /// Counts one more; gives what [`Self::end`] has to be told.
    pub(crate) fn begin(&self) -> bool {
        loop {
            let epoch = self.epoch.load(SeqCst);
            let odd = epoch & 1 != 0;
            self.halves.fetch_add(one(odd), SeqCst);
            if self.epoch.load(SeqCst) == epoch {
                return odd;
            }
            self.end(odd);
        }
    }

    /// Counts one less.
    pub(crate) fn end(&self, odd: bool) {
        self.halves.fetch_sub(one(odd), SeqCst);
        if self.waiters.load(SeqCst) != 0 {
            self.ended.fetch_add(1, SeqCst);
            futex::wake(&self.ended, futex::ALL);
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.halves.load(SeqCst) == 0
    }

    /// Waits until everything that began before the call has ended, for at most `ns` nanoseconds.
    #[inline]
    pub(crate) fn settle(&self, ns: u64) {
        if !self.is_empty() {
            self.await_end(ns);
        }
    }

    #[cold]
    fn await_end(&self, ns: u64) {
        let deadline = futex::now().saturating_add(ns);
        let first = self.epoch.load(SeqCst);
        let mut spins = 0;
        self.waiters.fetch_add(1, SeqCst);
        loop {
            let seen = self.ended.load(SeqCst);
            let epoch = self.epoch.load(SeqCst);
            let halves = self.halves.load(SeqCst);
            if halves == 0 || epoch.wrapping_sub(first) >= 2 {
                break;
            }
            if half(halves, epoch.wrapping_add(1)) == 0 {
                let _ = self
                    .epoch
                    .compare_exchange(epoch, epoch.wrapping_add(1), SeqCst, SeqCst);
                continue;
            }
            if spins < 200 {
                spins += 1;
                core::hint::spin_loop();
                if spins % 50 == 20 {
                    // Its wake-up may have taken this thread to the processor of the one that signals, which has yet to
                    // say that it has. To sleep would have that one wake this one at another processor.
                    thread::step_aside();
                }
                continue;
            }
            let left = deadline.saturating_sub(futex::now());
            if left == 0 {
                break;
            }
            let _ = futex::wait(&self.ended, seen, left);
        }
        self.waiters.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    const LONG: u64 = 10_000_000_000;

    #[test]
    fn whoever_waits_waits_for_what_began_before() {
        let underway = Underway::default();
        let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        let over = AtomicBool::new(false);
        std::thread::scope(|s| {
            s.spawn(|| {
                // Up to eight at a time, without an end of all of them, and in order.
                let mut open = std::collections::VecDeque::new();
                for n in 0..200_000u64 {
                    open.push_back(underway.begin());
                    begun.store(n + 1, SeqCst);
                    if open.len() > 1 + (n % 8) as usize {
                        ended.fetch_add(1, SeqCst);
                        underway.end(open.pop_front().unwrap());
                    }
                }
                for odd in open {
                    ended.fetch_add(1, SeqCst);
                    underway.end(odd);
                }
                over.store(true, SeqCst);
            });
            for _ in 0..2 {
                s.spawn(|| {
                    while !over.load(SeqCst) {
                        let before = begun.load(SeqCst);
                        underway.settle(LONG);
                        assert!(ended.load(SeqCst) >= before);
                    }
                });
            }
        });
        assert!(underway.is_empty());
    }

    #[test]
    fn the_wait_has_an_end() {
        let underway = Underway::default();
        let odd = underway.begin();
        let before = futex::now();
        underway.settle(20_000_000);
        assert!(futex::now() - before >= 20_000_000);
        underway.end(odd);
        underway.settle(LONG);
        assert!(underway.is_empty());
    }
}
