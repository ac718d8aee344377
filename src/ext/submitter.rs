//! One submission queue for many threads.
//!
//! A thread puts its requests into the queue under a lock. If another one is in the kernel at that moment, it is done: that
//! one looks again when it comes back, and hands over what has come meanwhile in one call. Else it enters the kernel itself.
#![allow(unsafe_code)]

use core::ptr::{self, NonNull};
use core::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use super::wake;
use crate::sys::futex::{self, Held, Lock};
use crate::sys::{Errno, Result, map, thread};
use crate::uring::{
    IORING_ENTER_SQ_WAIT, IORING_ENTER_SQ_WAKEUP, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_SQ_REWIND,
    IORING_SETUP_SQE_MIXED, IORING_SETUP_SQE128, IORING_SETUP_SQPOLL, Ring, Sqe,
};

/// Not to wait for room.
pub const NOWAIT: u32 = 1 << 0;
/// To wait until the kernel has taken the requests.
pub const TAKEN: u32 = 1 << 1;

/// How often a thread enters the kernel for others before the next one has to.
const TURNS: u32 = 8;
/// How long to sleep where nobody wakes: the kernel's thread takes requests without a word.
const MOMENT: u64 = 100_000;
/// How long elsewhere: whoever is to wake may be interrupted right before it, by a handler that sleeps here.
const A_WHILE: u64 = 10_000_000;

const LIVE: u32 = 0x5b_317e;

/// The object. It lies in memory of its own, which children see as zeroes.
pub struct Submitter {
    live: AtomicU32,
    ring: *const Ring,
    wake_data: u64,
    /// The only thread that may enter the kernel with the ring, 0 if all may.
    owner: usize,
    /// Guards the queue, and `leader`.
    lock: Lock,
    /// The thread that enters the kernel for all, 0 for none.
    leader: AtomicUsize,
    /// Counts how often the kernel has taken something: those who wait sleep on it.
    rounds: AtomicU32,
    sleepers: AtomicU32,
    /// The owner has been woken and has not looked yet.
    woken: AtomicU32,
}

/// Makes one for the ring, which stays where it is and is submitted to by nothing else. With `SINGLE_ISSUER` it belongs to
/// the calling thread.
///
/// # Errors
/// `EBADF` if the ring has no descriptor, `EOPNOTSUPP` if its queue starts over each time or has entries of two sizes,
/// `ENOMEM`.
///
/// # Safety
/// The ring must live and not move until [`destroy`].
pub unsafe fn create(ring: *const Ring, wake_data: u64) -> Result<NonNull<Submitter>> {
    // SAFETY: the caller's promise.
    let queue = unsafe { &*ring };
    if queue.ring_fd < 0 || queue.sq.sqes.is_null() {
        return Err(Errno::EBADF);
    }
    if queue.flags & (IORING_SETUP_SQ_REWIND | IORING_SETUP_SQE_MIXED) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let single = queue.flags & IORING_SETUP_SINGLE_ISSUER != 0;
    let at = map::wiped(map::pages(size_of::<Submitter>()))?.cast::<Submitter>();
    let new = Submitter {
        live: AtomicU32::new(LIVE),
        ring,
        wake_data,
        owner: if single { thread::own_id() } else { 0 },
        lock: Lock::default(),
        leader: AtomicUsize::new(0),
        rounds: AtomicU32::new(0),
        sleepers: AtomicU32::new(0),
        woken: AtomicU32::new(0),
    };
    // SAFETY: mapped just above, a page at least, and nobody else's.
    unsafe { at.write(new) };
    Ok(at)
}

/// Ends it; what is queued stays in the ring's queue.
///
/// # Errors
/// `EBUSY` while a thread is in one of its calls, as far as that can be seen; `EINVAL` in a child.
///
/// # Safety
/// `at` must come from [`create`] and not be used any more.
pub unsafe fn destroy(at: NonNull<Submitter>) -> Result<()> {
    // SAFETY: the caller's promise.
    let this = unsafe { at.as_ref() };
    this.check()?;
    {
        let _held = this.locked()?;
        if this.leader.load(Relaxed) != 0 || this.sleepers.load(SeqCst) != 0 {
            return Err(Errno::EBUSY);
        }
        this.live.store(0, Relaxed);
    }
    // SAFETY: it was mapped for this, and nobody uses it.
    unsafe { map::unmap(at.as_ptr().cast(), map::pages(size_of::<Submitter>())) };
    Ok(())
}

impl Submitter {
    fn check(&self) -> Result<()> {
        if self.live.load(Relaxed) == LIVE {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    fn ring(&self) -> &Ring {
        // SAFETY: whoever made this vouched for the ring.
        unsafe { &*self.ring }
    }

    /// `EBUSY` in a signal handler that interrupted a call of the same thread at its work on the queue.
    fn locked(&self) -> Result<Held<'_>> {
        let held = self.lock.lock();
        if held.is_nested() { Err(Errno::EBUSY) } else { Ok(held) }
    }

    fn is_polled(&self) -> bool {
        self.ring().flags & IORING_SETUP_SQPOLL != 0
    }

    /// Whether the calling thread may enter the kernel with the ring.
    fn may_enter(&self) -> bool {
        self.owner == 0 || self.owner == thread::own_id()
    }

    /// Queues copies of the `nr` requests at `sqes`, which stay together, and sees to it that they are handed over: 0, or how
    /// many requests are queued that the kernel does not take for now.
    ///
    /// # Errors
    /// Nothing is queued then. `EINVAL` for more requests than the queue has, unknown flags, in a child; `EAGAIN` without
    /// room, with [`NOWAIT`] or if the calling thread is the one that would make it; `EBUSY` in a handler; and what the kernel
    /// answers if room cannot be made.
    ///
    /// # Safety
    /// `sqes` must be readable for `nr` entries of the ring's size.
    pub unsafe fn push(&self, sqes: *const Sqe, nr: u32, flags: u32) -> Result<u32> {
        self.check()?;
        let ring = self.ring();
        if nr > ring.sq.ring_entries || flags & !(NOWAIT | TAKEN) != 0 {
            return Err(Errno::EINVAL);
        }
        let units = 1 << u32::from(ring.flags & IORING_SETUP_SQE128 != 0);
        loop {
            let held = self.locked()?;
            let copied = ring.next_sqes(nr, |n, slot| {
                let from = sqes.wrapping_add(n as usize * units);
                // SAFETY: the caller's promise; the slot has as many units, and is not the caller's.
                unsafe { ptr::copy_nonoverlapping(from, slot, units) };
            });
            if copied {
                return self.queued(held, flags);
            }
            self.make_room(held, flags)?;
        }
    }

    /// Hands over what is queued; how many requests the kernel took, 0 if another thread does it.
    ///
    /// # Errors
    /// `EEXIST` in another thread than the only one that may; `EINVAL` in a child; what the kernel refuses them with.
    pub fn flush(&self) -> Result<u32> {
        self.check()?;
        if !self.may_enter() {
            return Err(Errno::EEXIST);
        }
        // Before the queue is looked at: what comes later wakes again.
        self.woken.store(0, SeqCst);
        let held = self.locked()?;
        if self.leader.load(Relaxed) != 0 {
            return Ok(0);
        }
        self.lead(held)
    }

    /// Sees to what has just been queued.
    fn queued(&self, held: Held<'_>, flags: u32) -> Result<u32> {
        let ring = self.ring();
        let last = ring.sq.sqe_tail.load(Relaxed);
        let handed_over = if self.leader.load(Relaxed) != 0 {
            drop(held);
            Ok(())
        } else if self.may_enter() {
            self.lead(held).map(drop)
        } else {
            drop(held);
            self.call_owner()
        };
        let done = handed_over.and_then(|()| {
            if flags & TAKEN == 0 {
                Ok(())
            } else {
                self.await_taken(last)
            }
        });
        // They are queued, whatever the kernel says.
        Ok(if done.is_ok() { 0 } else { ring.sq_ready() })
    }

    /// Lets the owner know that there is something to hand over, once until it looks.
    fn call_owner(&self) -> Result<()> {
        if self.woken.swap(1, SeqCst) != 0 {
            return Ok(());
        }
        wake::wake(self.ring(), self.wake_data, 0).inspect_err(|_| self.woken.store(0, SeqCst))
    }

    /// Enters the kernel with what is queued, as long as there is something; how many requests it took.
    fn lead<'a>(&'a self, mut held: Held<'a>) -> Result<u32> {
        let ring = self.ring();
        let mut taken = 0u32;
        for turn in 1.. {
            let n = ring.flush();
            let shown = ring.sq.sqe_tail.load(Relaxed);
            // In the last turn somebody else may lead already: what comes from here on is not left behind.
            let last = n == 0 || turn == TURNS || self.is_polled();
            self.leader.store(if last { 0 } else { thread::own_id() }, Relaxed);
            drop(held);
            if n == 0 {
                break;
            }
            let result = if !self.is_polled() {
                ring.enter_by_descriptor(n, 0)
            } else if ring.submitter_sleeps() {
                ring.enter_by_descriptor(n, IORING_ENTER_SQ_WAKEUP)
            } else {
                Ok(n)
            };
            // Nothing taken and no error: not for now, unless another thread was faster.
            let result = match result {
                Ok(0) if !self.has_taken(shown) => Err(Errno::EAGAIN),
                result => result,
            };
            if last || result.is_err() {
                if !last {
                    let _held = self.lock.lock();
                    self.leader.store(0, Relaxed);
                }
                self.wake_sleepers();
                return result.map(|n| taken.wrapping_add(n));
            }
            taken = taken.wrapping_add(result.unwrap_or(0));
            self.wake_sleepers();
            held = self.lock.lock();
        }
        Ok(taken)
    }

    /// Whether the kernel has taken the requests before `last`.
    fn has_taken(&self, last: u32) -> bool {
        let _held = self.lock.lock();
        self.ring().sq_ready() <= self.ring().sq.sqe_tail.load(Relaxed).wrapping_sub(last)
    }

    fn wake_sleepers(&self) {
        self.rounds.fetch_add(1, SeqCst);
        if self.sleepers.load(SeqCst) > 0 {
            futex::wake(&self.rounds, futex::ALL);
        }
    }

    /// Waits until the kernel has taken something.
    fn sleep(&self, held: Held<'_>) {
        let seen = self.rounds.load(SeqCst);
        self.sleepers.fetch_add(1, SeqCst);
        drop(held);
        self.lock.nudge();
        let limit = if self.is_polled() { MOMENT } else { A_WHILE };
        let _ = futex::wait(&self.rounds, seen, limit);
        self.sleepers.fetch_sub(1, SeqCst);
    }

    /// Makes room in the queue, or waits for those who do.
    fn make_room(&self, held: Held<'_>, flags: u32) -> Result<()> {
        let leader = self.leader.load(Relaxed);
        if leader == 0 && self.may_enter() {
            self.lead(held)?;
            if self.is_polled() && flags & NOWAIT == 0 {
                self.ring().enter_by_descriptor(0, IORING_ENTER_SQ_WAIT)?;
            } else if self.is_polled() && self.ring().sq_space_left() == 0 {
                return Err(Errno::EAGAIN);
            }
            return Ok(());
        }
        if leader == 0 {
            // Not under the lock, which the owner needs to answer.
            drop(held);
            self.call_owner()?;
            if flags & NOWAIT != 0 {
                return Err(Errno::EAGAIN);
            }
            let held = self.locked()?;
            if self.ring().sq_ready() > 0 && self.leader.load(Relaxed) == 0 {
                self.sleep(held);
            }
            return Ok(());
        }
        if flags & NOWAIT != 0 || leader == thread::own_id() {
            return Err(Errno::EAGAIN);
        }
        self.sleep(held);
        Ok(())
    }

    /// Waits until the kernel has taken the requests before `last`.
    fn await_taken(&self, last: u32) -> Result<()> {
        let ring = self.ring();
        loop {
            let held = self.locked()?;
            let behind = ring.sq.sqe_tail.load(Relaxed).wrapping_sub(last);
            if ring.sq_ready() <= behind {
                return Ok(());
            }
            let leader = self.leader.load(Relaxed);
            if leader == thread::own_id() {
                // A handler that interrupted it.
                return Err(Errno::EBUSY);
            }
            if leader != 0 || self.is_polled() || !self.may_enter() {
                self.sleep(held);
            } else {
                self.lead(held)?;
            }
        }
    }
}
