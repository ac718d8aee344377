//! Kernel AIO in place of a ring that can no longer be entered.
//!
//! A seccomp filter may come when contexts exist already. They keep their handles and their rings;
//! what is in the kernel ends there. Whatever comes after goes to one context of the kernel's, by
//! iocbs of ours: the program's threads submit, the library's thread takes the events and delivers
//! them. What kernel AIO does not take either is done by whoever submits, and polls by asking.

use super::abi::IoEvent;
use super::cancel::Wish;
use super::engine::{Batch, Order, live};
use super::process::Process;
use super::request::{
    self, BY_HAND, CANCELLED, CARRIED, DRIVER, FINISHING, KEPT, NOBODY, Request, SETTLED, SILENT, TRACKED, TRUE, Work,
};
use crate::sys::{Errno, aio as kernel, file, thread};
use crate::uring::Ring;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

/// Events that are taken at once.
pub(crate) const BATCH: usize = 16;

/// The kernel's context, once there is need of it.
#[derive(Default)]
pub(crate) struct Carrier {
    /// The ring that there was before.
    ring: AtomicPtr<Ring>,
    handle: AtomicUsize,
    /// Polls that kernel AIO did not take.
    by_hand: AtomicU32,
    /// The ring keeps files that it has no use for.
    pub(crate) encumbered: AtomicBool,
}

impl Carrier {
    /// Whether requests go here.
    pub(crate) fn is_open(&self) -> bool {
        !self.ring.load(SeqCst).is_null()
    }

    /// The ring that is entered no more.
    #[allow(unsafe_code)]
    pub(crate) fn left_ring(&self) -> Option<&'static Ring> {
        // SAFETY: null, or a ring whose memory stays for good.
        unsafe { self.ring.load(SeqCst).as_ref() }
    }

    /// From now on.
    pub(crate) fn open(&self, ring: &'static Ring) {
        // Every size counts against a limit of the whole system.
        let mut events = 4096;
        while events > 0 && kernel::setup(events, self.handle.as_ptr() as usize).is_err() {
            events /= 4;
        }
        self.ring.store((&raw const *ring).cast_mut(), SeqCst);
    }

    /// Whether there is a context of the kernel's to wait on.
    pub(crate) fn has_context(&self) -> bool {
        self.handle.load(SeqCst) != 0
    }

    /// Whether there may be polls that nobody tells about.
    pub(crate) fn asks(&self) -> bool {
        self.by_hand.load(SeqCst) != 0
    }

    /// Passes a request on; gives the result of one that was done here and now.
    pub(crate) fn carry(&self, process: &'static Process, request: &'static Request) -> Option<i64> {
        if !request.turn(TRUE | CANCELLED, CARRIED) {
            // It was taken back, or begun anew, before this thread came to it; no ring has it.
            process.part(request, SILENT);
            return None;
        }
        let iocb = request.as_iocb();
        if kernel::submit(self.handle.load(SeqCst), 1, &raw const iocb as usize) == Ok(1) {
            return None;
        }
        if request.work() == Work::Poll {
            request.mark(BY_HAND);
            self.by_hand.fetch_add(1, SeqCst);
            return None;
        }
        let result = request.perform().map_or_else(|e| e.negated().into(), |n| n as i64);
        Some(sum(request, result))
    }

    /// Waits for events, at most so long; gives how many came.
    pub(crate) fn take(&self, events: &mut [IoEvent; BATCH], min: i64, ns: u64) -> usize {
        let time = [ns / 1_000_000_000, ns % 1_000_000_000];
        kernel::getevents(
            self.handle.load(SeqCst),
            min,
            BATCH as i64,
            events.as_mut_ptr() as usize,
            time.as_ptr() as usize,
        )
        .unwrap_or(0)
    }

    /// The request of an event, and what its own event has to say.
    #[allow(unsafe_code)]
    pub(crate) fn outcome(event: &IoEvent) -> Option<(&'static Request, i64)> {
        if event.data == 0 {
            return None;
        }
        // SAFETY: every other iocb of the kernel's context carries the address of a request of the pool.
        let request = unsafe { request::from_user_data(event.data) };
        Some((request, sum(request, event.res)))
    }

    /// A poll that has come true, of those that are asked about.
    pub(crate) fn ask(&self, process: &'static Process) -> Option<&'static Request> {
        let is_true = |r: &Request| {
            let due = r.is(BY_HAND) && !r.is(TRUE);
            let found = due.then(|| file::poll_now(r.fd.load(Relaxed), r.events.load(Relaxed) as i16));
            match found {
                Some(Ok(events @ 1..)) => {
                    r.result.store(events.into(), Relaxed);
                    r.turn(TRUE, TRUE)
                }
                _ => false,
            }
        };
        let request = process.table.find_poll(&is_true)?;
        self.by_hand.fetch_sub(1, SeqCst);
        Some(request)
    }

    /// Does what submitters want, in any thread.
    pub(crate) fn serve(&self, process: &'static Process, batches: *const Batch) {
        let mut at = batches;
        while let Some(batch) = live(at) {
            at = batch.next.load(SeqCst);
            let mut next = batch.first.get();
            if next.is_none() {
                self.deliver(process);
            }
            while let Some(request) = next {
                next = request.chain.get();
                let quiet = thread::quiet();
                if let Some(context) = request.context() {
                    context.count(1);
                }
                enlist(process, request);
                request.pass_to(DRIVER);
                drop(quiet);
                if let Some(result) = self.carry(process, request) {
                    settle(process, request, result);
                } else if self.asks() {
                    process.engine.wake();
                }
            }
            self.obey(process, batch);
            batch.finish();
        }
    }

    /// Does what is wanted besides the requests.
    pub(crate) fn obey(&self, process: &'static Process, batch: &Batch) {
        match batch.order {
            Order::Submit | Order::Buffers(_) | Order::Hold(_) | Order::Drop(_) => {}
            Order::Cancel(wish) => {
                let taken = self.cancel(process, &wish);
                batch.cancelled.store(taken, SeqCst);
            }
            Order::Bind(context) => context.provided.answer(Err(Errno::EOPNOTSUPP)),
            // Its reads end with the thread that made the ring, and that with the transfers in it.
            Order::Unbind(context) => context.provided.let_go(context.selects.is_empty()),
            // Kernel AIO's own signal never blocks, and stops at the greatest value.
            Order::Saturate(eventfd, count) => {
                for _ in 0..count {
                    let iocb = request::saturating(eventfd);
                    let iocb = &raw const iocb as usize;
                    let _ = kernel::submit(self.handle.load(SeqCst), 1, &raw const iocb as usize);
                }
            }
        }
    }

    /// Makes events of what kernel AIO has.
    fn deliver(&self, process: &'static Process) {
        let _quiet = thread::quiet();
        let mut events = [IoEvent::default(); BATCH];
        loop {
            let count = self.take(&mut events, 0, 0);
            for (request, result) in events.iter().take(count).filter_map(Self::outcome) {
                settle(process, request, result);
            }
            if count < BATCH {
                return;
            }
        }
    }

    /// Takes polls back. Transfers end as kernel AIO's do.
    fn cancel(&self, process: &'static Process, wish: &Wish) -> u32 {
        let mut taken = 0;
        loop {
            let _quiet = thread::quiet();
            // Within the list's lock the request stays a request of this context.
            let found = wish.context.polls.find(&|r| {
                let pending = !r.is(TRUE | CANCELLED) && wish.is_for(r);
                if pending {
                    wish.mark(r);
                }
                pending
                    && if r.is(BY_HAND) {
                        r.turn(TRUE | CANCELLED, TRUE)
                    } else if r.is(CARRIED) {
                        self.cancel_carried(r) && r.turn(TRUE, TRUE)
                    } else {
                        // The ring has it, and cannot be asked to let go.
                        r.turn(TRUE | CANCELLED | CARRIED, TRUE | KEPT)
                    }
            });
            let Some(request) = found else {
                return taken;
            };
            taken += 1;
            if request.is(KEPT) {
                self.encumbered.store(true, SeqCst);
                settle(process, request, 0);
            } else if request.is(BY_HAND) {
                self.by_hand.fetch_sub(1, SeqCst);
                settle(process, request, 0);
            }
            if wish.is_for_one() {
                return taken;
            }
        }
    }

    fn cancel_carried(&self, request: &'static Request) -> bool {
        let mut event = IoEvent::default();
        let event = &raw mut event as usize;
        kernel::cancel(self.handle.load(SeqCst), request.iocb_address(), event) == Err(Errno::EINPROGRESS)
    }
}

/// With the bytes that were moved before.
fn sum(request: &Request, result: i64) -> i64 {
    match (result, request.done.load(Relaxed) as i64) {
        (..0, 0) => result,
        (..0, done) => done,
        (result, done) => result + done,
    }
}

/// Enters a request where others look for it.
pub(crate) fn enlist(process: &'static Process, request: &'static Request) {
    match (request.work(), request.context()) {
        (Work::Poll, Some(context)) => context.polls.add(request),
        _ if request.is(TRACKED) => process.reads.add(request),
        _ => {}
    }
}

/// Adds one to an eventfd by its number, if that still is one.
pub(crate) fn signal(process: &'static Process, eventfd: i32) {
    if eventfd >= 0 && file::expect_eventfd(eventfd).is_ok() {
        process.signal(eventfd, 1);
    }
}

/// Delivers an event in a thread of the program.
fn settle(process: &'static Process, request: &'static Request, result: i64) {
    let _quiet = thread::quiet();
    let Some(context) = request.context() else {
        return;
    };
    if request.is(TRACKED) {
        process.reads.remove(request);
    }
    let held = context.enter();
    request.pass_to(FINISHING);
    context.count(-1);
    request.result.store(request.told(result), Relaxed);
    held.publish(request.event());
    request.pass_to(NOBODY);
    if request.work() == Work::Poll {
        held.polls.remove(request);
    }
    signal(process, request.resfd.load(Relaxed));
    if request.is(KEPT) {
        process.part(request, SETTLED);
    } else {
        process.release(request);
    }
    held.notify();
}
