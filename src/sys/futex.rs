//! Sleeping and waking in memory, and the lock made of it.

use super::{Result, syscall};
use core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// As long as a sleep gets without being told: some years.
pub const FOREVER: u64 = 1 << 58;

/// Nanoseconds of the monotonic clock.
#[inline(never)]
pub fn now() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every kernel and the pointer is to a live local.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

/// Sleeps while `word` holds `value`, for at most `ns` nanoseconds.
///
/// There is always an end to the sleep: a futex wait without one is restarted behind the
/// program's back after a signal handler with `SA_RESTART`, where kernel AIO answers `EINTR`.
///
/// # Errors
/// `EAGAIN` (the word holds something else), `EINTR`, `ETIMEDOUT`.
#[inline(never)]
pub fn wait(word: &AtomicU32, value: u32, ns: u64) -> Result<()> {
    let ts = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    };
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time are live for the call.
    unsafe {
        syscall(
            libc::SYS_futex,
            [
                word.as_ptr() as usize,
                op as usize,
                value as usize,
                &raw const ts as usize,
                0,
                0,
            ],
        )
    }
    .map(|_| ())
}

/// Sleeps until `word` holds something other than `value`; signals do not end it.
pub fn wait_change(word: &AtomicU32, value: u32) {
    while word.load(Acquire) == value {
        // Every outcome is looked at by the loop's condition.
        let _ = wait(word, value, FOREVER);
    }
}

/// Wakes up to `count` sleepers of `word`.
pub fn wake(word: &AtomicU32, count: u32) {
    wake_at(word.as_ptr() as usize, count);
}

/// Wakes the sleepers at an address whose memory may be gone by now: the kernel only hashes it.
#[inline(never)]
pub fn wake_at(addr: usize, count: u32) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: FUTEX_WAKE does not touch the word.
    let _ = unsafe { syscall(libc::SYS_futex, [addr, op as usize, count as usize, 0, 0, 0]) };
}

/// Whether a program can have memory at an address that is a multiple of 4. Nobody sleeps where
/// there is none, and the kernel says so unless the address is out of the question.
pub fn is_user_address(addr: usize) -> bool {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: FUTEX_WAKE does not touch the word.
    unsafe { syscall(libc::SYS_futex, [addr, op as usize, 0, 0, 0, 0]) }.is_ok()
}

/// All sleepers.
pub const ALL: u32 = i32::MAX as u32;

/// A lock that knows its holder. All zeroes is unlocked, so it lives in memory that fork wipes.
///
/// Kernel AIO may be called from a signal handler, and so may this library. A handler that finds
/// the lock held by the very thread that it interrupted goes on without it: what the lock guards
/// is written so that it can be interrupted anywhere by the same work done in full (every change
/// is made by one compare-and-swap, and is begun anew when that fails).
#[derive(Default)]
pub struct Lock(AtomicU64);

/// Somebody sleeps. The rest of the word is the holder's thread pointer, which is aligned.
const CONTENDED: u64 = 1;

/// Releases the lock when dropped.
#[must_use]
pub struct Held<'a> {
    lock: &'a Lock,
    /// The interrupted holder still has it.
    nested: bool,
}

/// What tells the calling thread from the others; never 0.
#[inline(always)]
pub fn thread_pointer() -> u64 {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
    {
        let pointer: u64;
        // SAFETY: the first word of what belongs to a thread is its own address.
        unsafe {
            core::arch::asm!(
                "mov {}, fs:[0]",
                out(reg) pointer,
                options(nostack, preserves_flags, readonly, pure),
            );
        }
        pointer & !CONTENDED
    }
    // SAFETY: takes nothing; safe in signal handlers.
    #[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64")))]
    unsafe {
        libc::pthread_self() as u64 & !CONTENDED
    }
}

impl Lock {
    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> Held<'_> {
        let me = thread_pointer();
        let nested = self.0.compare_exchange(0, me, Acquire, Relaxed).is_err() && self.contend(me);
        Held { lock: self, nested }
    }

    /// Takes the lock unless another thread has it for more than a moment.
    ///
    /// A thread that others wait for must not wait for them: a signal handler may have interrupted
    /// the holder and be waiting itself.
    pub fn try_lock(&self) -> Option<Held<'_>> {
        let me = thread_pointer();
        for _ in 0..200 {
            match self.0.compare_exchange(0, me, Acquire, Relaxed) {
                Ok(_) => {
                    return Some(Held {
                        lock: self,
                        nested: false,
                    });
                }
                Err(now) if now & !CONTENDED == me => {
                    return Some(Held {
                        lock: self,
                        nested: true,
                    });
                }
                Err(_) => core::hint::spin_loop(),
            }
        }
        None
    }

    /// Gets the lock from others; true when it is the caller's already.
    #[cold]
    fn contend(&self, me: u64) -> bool {
        let mut spins = 100;
        loop {
            let now = self.0.load(Relaxed);
            if now & !CONTENDED == me {
                return true;
            }
            // The sections under these locks are short: look again for a while before sleeping.
            if spins > 0 && now != 0 {
                spins -= 1;
                core::hint::spin_loop();
            } else if now == 0 {
                // Others may sleep, for all this thread knows.
                if self.0.compare_exchange(0, me | CONTENDED, Acquire, Relaxed).is_ok() {
                    return false;
                }
            } else if now & CONTENDED != 0 || self.0.compare_exchange(now, now | CONTENDED, Relaxed, Relaxed).is_ok() {
                let _ = wait(self.half(), (now | CONTENDED) as u32, FOREVER);
            }
        }
    }

    /// Wakes one that sleeps, before the caller does: if it is a signal handler, it may have come between a release of its
    /// own thread and the waking that belongs to it.
    pub fn nudge(&self) {
        wake(self.half(), 1);
    }

    /// Lets go of the lock where a call of the calling thread was left with it.
    pub fn reclaim(&self) {
        if self.is_mine() {
            self.release();
        }
    }

    /// Whether the calling thread has the lock.
    pub fn is_mine(&self) -> bool {
        self.0.load(Relaxed) & !CONTENDED == thread_pointer()
    }

    fn release(&self) {
        if self.0.swap(0, Release) & CONTENDED != 0 {
            wake(self.half(), 1);
        }
    }

    /// The half of the word that the kernel compares.
    fn half(&self) -> &AtomicU32 {
        let index = if cfg!(target_endian = "big") { 1 } else { 0 };
        // SAFETY: both halves lie within the word and are aligned; the kernel is the only one
        // that reads it by halves.
        unsafe { &*self.0.as_ptr().cast::<AtomicU32>().add(index) }
    }
}

impl Held<'_> {
    /// Whether the calling thread had the lock already.
    pub fn is_nested(&self) -> bool {
        self.nested
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.nested {
            self.lock.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Errno;
    use super::*;

    #[test]
    fn the_lock_keeps_others_out() {
        let lock = Lock::default();
        let count = AtomicU64::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..20_000 {
                        let _held = lock.lock();
                        // A plain read-modify-write: lost updates show.
                        count.store(count.load(Relaxed) + 1, Relaxed);
                    }
                });
            }
        });
        assert_eq!(count.into_inner(), 80_000);
    }

    #[test]
    fn whoever_holds_the_lock_is_not_kept_out() {
        let lock = Lock::default();
        let held = lock.lock();
        drop(lock.lock());
        assert_ne!(lock.0.load(Relaxed), 0);
        drop(held);
        assert_eq!(lock.0.load(Relaxed), 0);
    }

    #[test]
    fn a_try_comes_back_from_a_lock_of_others() {
        let lock = Lock::default();
        let held = lock.lock();
        std::thread::scope(|s| {
            s.spawn(|| assert!(lock.try_lock().is_none()));
        });
        assert!(lock.try_lock().is_some());
        drop(held);
        std::thread::scope(|s| {
            s.spawn(|| assert!(lock.try_lock().is_some()));
        });
    }

    #[test]
    fn waiting_ends_with_the_time_or_the_word() {
        let word = AtomicU32::new(1);
        assert_eq!(wait(&word, 0, FOREVER), Err(Errno::EAGAIN));
        let before = now();
        assert_eq!(wait(&word, 1, 20_000_000), Err(Errno::new(libc::ETIMEDOUT)));
        assert!(now() - before >= 20_000_000);
    }
}
