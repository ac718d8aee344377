//! The ring lane without a thread of the library: `AIOURING_ISSUER=caller` and `sqpoll`.
//!
//! The program's threads enter the kernel themselves, one at a time, with the same [`Driver`] that
//! is the library's thread otherwise. Nothing happens between the program's calls: the ring that
//! it maps advances in them only, and what a thread leaves in the kernel goes with it when it
//! exits. With `sqpoll` a kernel thread takes the requests, which therefore survive.
//!
//! Of the threads that wait for events one, the leader, sleeps in the ring; the others sleep on a
//! word. Two rules keep every wake-up from being lost: whoever takes completions out of the ring
//! while there is a leader leaves an entry behind for it, and a leader that goes wakes the others.

#![allow(unsafe_code)]

use super::context::{InUse, Woken};
use super::driver::Driver;
use super::engine::Batch;
use super::process::Process;
use crate::sys::futex::{self, Lock};
use crate::sys::{Errno, Result, file, map, thread};
use crate::uring::{Ring, Timespec};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::SeqCst};

/// The longest sleep that no rule ends, in nanoseconds: of those whom no wake-up reaches.
const NAP: u64 = 1_000_000;

/// The driver, in the hands of whoever holds the lock. All zeroes is "there is none".
#[derive(Default)]
pub(crate) struct Caller {
    lock: Lock,
    driver: AtomicPtr<Driver>,
    ring: AtomicPtr<Ring>,
    /// The thread that sleeps in the ring, or is about to.
    leader: AtomicU64,
    /// Threads that sleep on `turn`.
    followers: AtomicU32,
    /// Changes whenever they have a reason to look.
    turn: AtomicU32,
    /// Events were left to threads that had their ring.
    owed: AtomicU32,
    /// The leader is to be woken by whoever has the driver.
    asked: AtomicU32,
}

impl Caller {
    /// Makes the ring; `sqpoll`: with the kernel's thread.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn open(&self, process: &'static Process, sqpoll: bool) -> Result<()> {
        let place = map::wiped(size_of::<Driver>())?.cast::<Driver>().as_ptr();
        let driver = match Driver::for_callers(process, sqpoll) {
            Ok(driver) => driver,
            Err(e) => {
                // SAFETY: mapped above, and nobody has seen it.
                unsafe { map::unmap(place.cast(), size_of::<Driver>()) };
                return Err(e);
            }
        };
        self.ring.store((&raw const *driver.ring()).cast_mut(), SeqCst);
        // SAFETY: a page-aligned mapping of the driver's size that nobody has seen.
        unsafe { place.write(driver) };
        self.driver.store(place, SeqCst);
        Ok(())
    }

    /// Whether the program's threads drive the ring.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.driver.load(SeqCst).is_null()
    }

    fn ring(&self) -> Option<&'static Ring> {
        // SAFETY: null, or a ring whose memory stays for good; it is used by reference only.
        unsafe { self.ring.load(SeqCst).as_ref() }
    }

    /// Does something with the driver, unless it is the driver that called this.
    fn with(&self, what: impl FnOnce(&mut Driver)) {
        // No handler may come in between: it would find the driver half done.
        let _quiet = thread::quiet();
        let held = self.lock.lock();
        if held.is_nested() {
            return;
        }
        // SAFETY: null, or the driver that `open` wrote, which stays; the lock makes it ours alone.
        let Some(driver) = (unsafe { self.driver.load(SeqCst).as_mut() }) else {
            return;
        };
        let before = driver.ring().consumed();
        what(driver);
        self.owed.store(driver.owes_events().into(), SeqCst);
        let asked = self.asked.swap(0, SeqCst) != 0;
        if self.leader.load(SeqCst) != 0 && (asked || driver.ring().consumed() != before) {
            driver.leave_entry();
        }
        driver.settle();
    }

    /// Brings a batch into the kernel.
    pub(crate) fn serve(&self, batch: &Batch) {
        self.with(|driver| driver.serve_one(batch));
    }

    /// Turns the completions that are there into events.
    pub(crate) fn pump(&self) {
        let Some(ring) = self.ring() else { return };
        if ring.peek().is_some() || ring.kernel_holds_completions() || self.owed.load(SeqCst) != 0 {
            self.with(Driver::fetch);
        }
    }

    /// Wakes everybody who sleeps here.
    pub(crate) fn wake(&self) {
        self.turn.fetch_add(1, SeqCst);
        if self.followers.load(SeqCst) != 0 {
            futex::wake(&self.turn, futex::ALL);
        }
        if self.leader.load(SeqCst) != 0 {
            self.asked.store(1, SeqCst);
            self.with(|_| ());
        }
    }

    /// As [`InUse::sleep`].
    pub(crate) fn sleep(&self, held: &InUse<'_>, need: u32, ns: u64, mask: Option<u64>) -> Woken {
        let me = futex::thread_pointer();
        let before = self
            .leader
            .compare_exchange(0, me, SeqCst, SeqCst)
            .unwrap_or_else(|other| other);
        // Its own sleep may be interrupted by the handler that calls this.
        let leads = before == 0 || before == me;
        if !leads {
            self.followers.fetch_add(1, SeqCst);
        }
        // In this order: from here on whoever adds an event that is enough sees that somebody sleeps.
        let turn = self.turn.load(SeqCst);
        held.expect(need);
        let woken = if held.has(need) || self.owed.load(SeqCst) != 0 {
            Ok(())
        } else {
            held.park();
            let lost = Process::current().is_some_and(|p| p.engine.carrier.is_open());
            match (leads, mask) {
                // What is still in the ring comes with the calls of the thread that it belongs to.
                (_, None) if lost => futex::wait(&self.turn, turn, ns.min(NAP)),
                (_, Some(mask)) if lost => file::poll_masked(-1, ns.min(NAP), mask).map(|_| ()),
                (true, _) => self.sleep_in_ring(ns, mask),
                // Who has just gone may have found no follower to wake.
                (false, _) if self.leader.load(SeqCst) == 0 => Ok(()),
                (false, None) => futex::wait(&self.turn, turn, ns),
                // No wake-up ends a sleep with a mask.
                (false, Some(mask)) => file::poll_masked(-1, ns.min(NAP), mask).map(|_| ()),
            }
        };
        if leads {
            self.resign();
        } else {
            self.followers.fetch_sub(1, SeqCst);
        }
        match woken {
            Err(Errno::EINTR) => Woken::Signal,
            // Whether the time is over is seen by the clock: another thread may have been first.
            _ => Woken::Look,
        }
    }

    /// Ends the calling thread's lead, whether it knows of it or has left its sleep by a jump.
    pub(crate) fn resign(&self) {
        let me = futex::thread_pointer();
        if self.leader.compare_exchange(me, 0, SeqCst, SeqCst).is_ok() {
            self.wake();
        }
    }

    fn sleep_in_ring(&self, ns: u64, mask: Option<u64>) -> Result<()> {
        let Some(ring) = self.ring() else { return Ok(()) };
        let time = Timespec {
            tv_sec: (ns / 1_000_000_000) as i64,
            tv_nsec: (ns % 1_000_000_000) as i64,
        };
        let mask = mask.as_ref().map_or(core::ptr::null(), |m| (&raw const *m).cast());
        // Nothing is handed over: the submission queue belongs to the holder of the lock.
        ring.wait_at_most(&time, mask, false, 1).map(drop)
    }

    /// A short sleep of one who waits for something else than events, with a look at the ring; false
    /// when the ring is lost.
    pub(crate) fn nap(&self) -> bool {
        self.pump();
        let slept = self.sleep_in_ring(NAP, None);
        self.pump();
        matches!(slept, Ok(()) | Err(Errno::EINTR | Errno::ETIME | Errno::EAGAIN))
    }
}
