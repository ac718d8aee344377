//! Contexts, and the table that finds them.
//!
//! A handle is looked up, never trusted: what is not in the table is the kernel's business.
//! Contexts, like requests, live in memory that is never given back, so a look-up that comes
//! too late meets a context that is not the one it wanted, and sees that.

#![allow(unsafe_code)]

use super::abi::IoEvent;
use super::fixed::Table as FixedTable;
use super::frame::{Call, Frame, Thread};
use super::own::Lane;
use super::process::Process;
use super::provided::Provided;
use super::request::{List, Request, Stack};
use super::ring::{EventRing, Shape, Writer};
use super::underway::Underway;
use crate::sys::futex::{self, Lock};
use crate::sys::mem::ProvenPages;
use crate::sys::{Errno, Result, file, map, mem, thread};
use core::sync::atomic::{
    AtomicI32, AtomicPtr, AtomicU32, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

const LIVE: u32 = 1;
const DYING: u32 = 2;
/// Destroyed by a signal handler that interrupted a call which uses it: that one does the rest.
const LEFT: u32 = 3;

/// More than one thread has used the context.
const SHARED: usize = 1;
/// A short sleep, in nanoseconds.
const NAP: u64 = 1_000_000;

/// One AIO context.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Context {
    /// The address the program has; 0 for a context that is free.
    handle: AtomicUsize,
    /// The next in a bucket, or of the free ones.
    next: AtomicPtr<Context>,
    state: AtomicU32,
    /// The context is the kernel's: the calls go there.
    kernel: AtomicU32,
    /// Completions that are using the context, and calls without a record.
    users: AtomicU32,
    /// Requests that have left the calls which submit them, and have not ended.
    requests: AtomicU32,
    /// Changes when somebody leaves the context that is to end.
    ended: AtomicU32,
    /// Counts the lives of this memory: handles come back, as addresses do.
    life: AtomicU32,
    /// The one thread that has used the context, by its record; 0 for none, [`SHARED`].
    user: AtomicUsize,
    pub(crate) ring: EventRing,
    /// Requests whose events wait for the ring.
    late: Stack,
    /// Polls that `io_cancel` can still reach.
    pub(crate) polls: List,
    /// Reads that take a buffer of the ring below, and have not ended.
    pub(crate) selects: List,
    pub(crate) provided: Provided,
    /// Eventfds that are being signalled for events in the ring.
    pub(crate) signals: Underway,
    waiting: Waiting,
    /// Registered buffers, if there are any.
    pub(super) buffers: AtomicPtr<FixedTable>,
}

/// Adds one event, as it is or as a seeded fault will have it.
fn publish(writer: &Writer<'_>, event: IoEvent, _ring: &EventRing) {
    #[cfg(feature = "faults")]
    let event = match super::faults::at_event(event) {
        super::faults::Delivery::Once(event) => event,
        super::faults::Delivery::Never => return _ring.unreserve(1),
        super::faults::Delivery::Twice(event) => {
            writer.publish_unasked(event);
            event
        }
    };
    writer.publish(event);
}

/// Those who wait for events.
#[derive(Default)]
struct Waiting {
    /// Changes whenever sleepers have a reason to look.
    changed: AtomicU32,
    /// The smallest number of events that would satisfy a sleeper, plus one; 0 for nobody.
    least: AtomicU32,
    /// Sleepers with a signal mask, who sleep on a descriptor.
    masked: Lock,
    masked_count: AtomicU32,
    first_masked: AtomicPtr<MaskedSleeper>,
}

/// A sleeper with a signal mask; lives in the record of its thread, or on its stack while it is in
/// the list.
#[derive(Default)]
pub(crate) struct MaskedSleeper {
    /// The list that it is in.
    context: AtomicPtr<Context>,
    eventfd: AtomicI32,
    need: AtomicU32,
    next: AtomicPtr<MaskedSleeper>,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There is something to look at.
    Look,
    /// A signal handler ran.
    Signal,
    /// The time is over.
    Time,
}

impl Context {
    /// Whether `io_destroy` has begun.
    pub(crate) fn is_dying(&self) -> bool {
        self.state.load(SeqCst) != LIVE
    }

    /// The handle, when the context is the kernel's.
    pub(crate) fn kernel_handle(&self) -> Option<usize> {
        (self.kernel.load(Relaxed) != 0).then(|| self.handle.load(Relaxed))
    }

    /// Keeps the context until the guard is dropped.
    pub(crate) fn enter(&'static self) -> InUse<'static> {
        self.users.fetch_add(1, SeqCst);
        InUse::again(self)
    }

    /// Adds an event for a request that holds a slot. [`Self::notify`] has to follow.
    pub(crate) fn publish(&self, event: IoEvent) {
        publish(&self.ring.write(), event, &self.ring);
        self.deliver_late();
    }

    /// Whether there are requests that `io_cancel` can take back.
    pub(crate) fn has_waiting(&self) -> bool {
        !(self.polls.is_empty() && self.selects.is_empty())
    }

    /// A request leaves the call that submits it, or (-1) has ended.
    pub(crate) fn count(&self, change: i32) {
        self.requests.fetch_add(change as u32, SeqCst);
    }

    /// Somebody has left the context; `last` of the calls of its thread that used it.
    #[inline]
    pub(crate) fn was_left(&'static self, last: impl FnOnce() -> bool) {
        if self.is_dying() {
            self.bury(last());
        }
    }

    #[cold]
    fn bury(&'static self, last: bool) {
        self.ended.fetch_add(1, SeqCst);
        futex::wake(&self.ended, futex::ALL);
        if last
            && self.state.compare_exchange(LEFT, DYING, SeqCst, SeqCst).is_ok()
            && let Some(process) = Process::current()
        {
            process.table.finish(self);
        }
    }

    /// Adds the event of a request that the library's thread is done with; false when another
    /// thread has the ring. That one, or the next that comes by, then adds it.
    pub(crate) fn deliver(&self, request: &'static Request) -> bool {
        request.delivered.store(0, SeqCst);
        // Events of one stream have an order: none goes past those that wait.
        if self.late.is_empty()
            && let Some(writer) = self.ring.try_write()
        {
            publish(&writer, request.event(), &self.ring);
            return true;
        }
        self.late.push(request);
        self.deliver_late();
        request.delivered.load(SeqCst) != 0
    }

    /// Adds the events that were left to whoever has the ring; gives whether there were any.
    pub(crate) fn deliver_late(&self) -> bool {
        let mut any = false;
        while !self.late.is_empty() {
            let _quiet = thread::quiet();
            let Some(writer) = self.ring.try_write() else {
                break;
            };
            let mut at = self.late.take();
            while let Some(request) = at {
                at = request.chain.get();
                publish(&writer, request.event(), &self.ring);
                // From here on it may be another request.
                request.delivered.store(1, SeqCst);
                any = true;
            }
        }
        any
    }

    /// Moves up to `max` events to an address of the program, and returns when their eventfds have
    /// been signalled: a write to one that blocks takes a detour through a worker of the kernel.
    ///
    /// # Errors
    /// `EFAULT`; the events stay.
    pub(crate) fn take(&self, out: usize, max: usize, pages: &ProvenPages) -> Result<usize> {
        let taken = self.ring.take(out, max, pages)?;
        if taken > 0 {
            self.settle_signals();
        }
        Ok(taken)
    }

    /// Returns when the eventfds of all events in the ring have been signalled. The time is for a
    /// kernel that does not answer.
    pub(crate) fn settle_signals(&self) {
        const LONGEST: u64 = 20_000_000_000;
        self.signals.settle(LONGEST);
    }

    /// Wakes the sleepers that the events in the ring satisfy.
    pub(crate) fn notify(&self) {
        let least = self.waiting.least.load(SeqCst);
        if least != 0 && self.ring.ready() >= least - 1 {
            self.wake_sleepers();
        }
        if self.waiting.masked_count.load(SeqCst) != 0 {
            self.wake_masked(false);
        }
    }

    /// Has [`Self::notify`] wake the sleepers once so many events are in the ring.
    pub(crate) fn expect(&self, need: u32) {
        let mut least = self.waiting.least.load(SeqCst);
        while least == 0 || least > need + 1 {
            match self.waiting.least.compare_exchange(least, need + 1, SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => least = now,
            }
        }
    }

    /// Whether a sleeper that needs so many events has a reason to look.
    pub(crate) fn has(&self, need: u32) -> bool {
        self.ring.ready() >= need || self.is_dying()
    }

    pub(crate) fn wake_sleepers(&self) {
        self.waiting.least.store(0, SeqCst);
        self.waiting.changed.fetch_add(1, SeqCst);
        futex::wake(&self.waiting.changed, futex::ALL);
        if let Some(process) = Process::current()
            && process.engine.caller.is_open()
        {
            process.engine.caller.wake();
        }
    }

    fn wake_masked(&self, everybody: bool) {
        let _quiet = thread::quiet();
        let _held = self.waiting.masked.lock();
        let ready = self.ring.ready();
        // SAFETY: entries are live while they are in the list, which the lock guards.
        let mut at = unsafe { self.waiting.first_masked.load(SeqCst).as_ref() };
        while let Some(sleeper) = at {
            if everybody || sleeper.need.load(Relaxed) <= ready {
                let _ = file::add_to_eventfd(sleeper.eventfd.load(Relaxed), 1);
            }
            // SAFETY: as above.
            at = unsafe { sleeper.next.load(SeqCst).as_ref() };
        }
    }

    /// Whether more than one thread has used the context.
    pub(crate) fn is_shared(&self) -> bool {
        self.user.load(SeqCst) == SHARED
    }

    /// The word that changes whenever sleepers have a reason to look.
    pub(crate) fn changed_address(&self) -> usize {
        self.waiting.changed.as_ptr() as usize
    }

    /// What it holds.
    pub(crate) fn changed(&self) -> u32 {
        self.waiting.changed.load(SeqCst)
    }

    /// As [`Self::expect`]; gives what the word held before.
    pub(crate) fn expect_at(&self, need: u32) -> u32 {
        let seen = self.waiting.changed.load(SeqCst);
        self.expect(need);
        seen
    }

    /// Which life of the context this is, for [`Self::resume`].
    pub(crate) fn life(&self) -> u32 {
        self.life.load(SeqCst)
    }
}

impl InUse<'_> {
    /// Notices which thread uses the context.
    #[inline]
    pub(crate) fn meet(&self, process: &'static Process) {
        let me = self.thread().map_or(SHARED, |thread| &raw const *thread as usize);
        if self.user.load(Relaxed) != me {
            self.meet_another(process, me);
        }
    }

    #[cold]
    fn meet_another(&self, process: &'static Process, me: usize) {
        if self.user.compare_exchange(0, me, SeqCst, SeqCst).is_err() && self.user.swap(SHARED, SeqCst) != SHARED {
            process.lanes.hurry(process);
        }
    }

    /// The ring of the calling thread, if that is alone with the context and has waited for events
    /// often enough.
    pub(crate) fn own_lane(&self, process: &'static Process) -> Option<&'static Lane> {
        let thread = self.thread()?;
        let alone = self.user.load(SeqCst) == &raw const *thread as usize;
        // Of a tag the library's ring alone can tell.
        let tagged = self.buffers().is_some_and(FixedTable::has_tags);
        if alone && !tagged && process.engine.has_thread() {
            thread.own_lane(process)
        } else {
            None
        }
    }

    /// Makes events of what the ring of the calling thread has.
    #[inline]
    pub(crate) fn pump(&self, process: &'static Process) {
        if let Some(lane) = self.thread().and_then(Thread::lane) {
            lane.pump(process);
        }
    }

    /// Nobody sleeps any more, if the calling thread is alone with the context.
    pub(crate) fn expect_nothing(&self) {
        if !self.is_shared() {
            self.waiting.least.store(0, SeqCst);
            // One that came in between may have counted on it.
            if self.is_shared() {
                self.wake_sleepers();
            }
        }
    }

    /// Does not use the context, for the time of a sleep.
    pub(crate) fn park(&self) {
        match self.call() {
            Some(call) => {
                call.leave();
                self.context.was_left(|| self.is_last());
            }
            None => self.uncount(),
        }
        if let Some(frame) = self.frame {
            frame.set_parked(true);
        }
    }

    /// Uses the context again after a sleep; whether it is the same still.
    pub(crate) fn resume(&self, life: u32) -> bool {
        if let Some(frame) = self.frame
            && frame.set_parked(false)
        {
            match self.call() {
                Some(call) => call.uses(self.context),
                None => {
                    self.context.users.fetch_add(1, SeqCst);
                }
            }
        }
        self.life.load(SeqCst) == life && self.state.load(SeqCst) == LIVE
    }

    /// Sleeps until `need` events are in the ring, the context dies, a signal comes, or `ns`
    /// nanoseconds are over. [`Self::resume`] has to follow.
    ///
    /// A sleeper does not use the context: a signal handler may destroy it, or fork and return in
    /// a child that has none, and a thread may be cancelled in its sleep.
    pub(crate) fn sleep(&self, need: u32, ns: u64, mask: Option<u64>) -> Woken {
        if let Some(mask) = mask {
            return self.sleep_masked(need, ns, mask);
        }
        let seen = self.waiting.changed.load(SeqCst);
        self.expect(need);
        if self.has(need) {
            return Woken::Look;
        }
        self.sleep_on(seen, ns)
    }

    /// Sleeps unless there was a reason to look since the word for that held `seen`. [`Self::resume`] has to follow.
    pub(crate) fn sleep_on(&self, seen: u32, ns: u64) -> Woken {
        self.park();
        match futex::wait(&self.waiting.changed, seen, ns) {
            Err(Errno::EINTR) => Woken::Signal,
            Err(e) if e.number() == libc::ETIMEDOUT => Woken::Time,
            _ => Woken::Look,
        }
    }

    /// The same with a signal mask that holds for the sleep only. Only a call on a descriptor
    /// changes the mask and sleeps in one step.
    fn sleep_masked(&self, need: u32, ns: u64, mask: u64) -> Woken {
        let on_stack = MaskedSleeper::default();
        let me = self.call().map_or(&on_stack, |call| &call.sleeper);
        let Ok(eventfd) = me.enlist(self.context, need) else {
            // No descriptor to be had: a signal may be noticed a moment late.
            self.park();
            return match file::poll_masked(-1, ns.min(1_000_000), mask) {
                Err(Errno::EINTR) => Woken::Signal,
                _ if ns <= 1_000_000 => Woken::Time,
                _ => Woken::Look,
            };
        };
        let woken = if self.has(need) {
            Woken::Look
        } else {
            self.park();
            match file::poll_masked(eventfd, ns, mask) {
                Err(Errno::EINTR) => Woken::Signal,
                Ok(0) => Woken::Time,
                _ => Woken::Look,
            }
        };
        if !me.delist() {
            // A child that a signal handler made: its list is another.
            file::close(eventfd);
        }
        woken
    }
}

impl MaskedSleeper {
    fn enlist(&self, context: &'static Context, need: u32) -> Result<i32> {
        let _quiet = thread::quiet();
        let eventfd = file::eventfd()?;
        let _held = context.waiting.masked.lock();
        self.eventfd.store(eventfd, Relaxed);
        self.need.store(need, Relaxed);
        self.next.store(context.waiting.first_masked.load(SeqCst), SeqCst);
        context
            .waiting
            .first_masked
            .store((&raw const *self).cast_mut(), SeqCst);
        context.waiting.masked_count.fetch_add(1, SeqCst);
        self.context.store(pointer(Some(context)), SeqCst);
        Ok(eventfd)
    }

    /// Leaves the list, unless it is in none.
    pub(crate) fn delist(&self) -> bool {
        let _quiet = thread::quiet();
        let Some(context) = reference(&self.context) else {
            return false;
        };
        self.context.store(core::ptr::null_mut(), SeqCst);
        {
            let _held = context.waiting.masked.lock();
            let mut link = &context.waiting.first_masked;
            // SAFETY: entries are live while they are in the list, which the lock guards.
            while let Some(sleeper) = unsafe { link.load(SeqCst).as_ref() } {
                if core::ptr::eq(sleeper, self) {
                    link.store(self.next.load(SeqCst), SeqCst);
                    context.waiting.masked_count.fetch_sub(1, SeqCst);
                    break;
                }
                link = &sleeper.next;
            }
        }
        file::close(self.eventfd.load(Relaxed));
        true
    }
}

/// A context in use: by a call of the program, or without one.
pub(crate) struct InUse<'c> {
    context: &'static Context,
    frame: Option<&'c Frame>,
}

impl core::ops::Deref for InUse<'_> {
    type Target = &'static Context;

    fn deref(&self) -> &Self::Target {
        &self.context
    }
}

impl InUse<'_> {
    /// Uses the context beyond the guard, until [`Self::again`].
    pub(crate) fn keep(self) {
        core::mem::forget(self);
    }

    /// The record of the call, when it has one.
    pub(crate) fn call(&self) -> Option<&'static Call> {
        self.frame.and_then(Frame::call)
    }

    /// The record of the thread.
    pub(crate) fn thread(&self) -> Option<&'static Thread> {
        self.frame.and_then(Frame::thread)
    }

    /// The call is no longer what it was: it returned in a child of a signal handler's fork.
    pub(crate) fn is_lost(&self) -> bool {
        self.frame.is_some_and(Frame::is_lost)
    }

    /// No other call of the thread uses the context.
    fn is_last(&self) -> bool {
        !self.thread().is_some_and(|t| t.is_in(self.context))
    }

    /// Gives back the slots that abandoned calls have left, when nothing else can have one: no
    /// request, no other call.
    #[cold]
    pub(crate) fn recount(&self) {
        let (context, own) = (self.context, self.thread());
        context.ring.recount(|| {
            context.requests.load(SeqCst) == 0
                && own.is_some_and(|own| own.calls_in(context) == 1)
                && !Process::current().is_none_or(|p| p.threads.others_in(context, own))
                && context.users.load(SeqCst) == 0
        });
    }

    fn uncount(&self) {
        if !self.is_lost() && self.users.fetch_sub(1, SeqCst) == 1 {
            self.context.was_left(|| false);
        }
    }
}

impl InUse<'static> {
    /// The guard for a use that was kept.
    pub(crate) fn again(context: &'static Context) -> Self {
        Self { context, frame: None }
    }
}

impl Drop for InUse<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.frame.is_some_and(Frame::is_parked) {
            return;
        }
        match self.call() {
            Some(call) => {
                call.leave();
                self.context.was_left(|| self.is_last());
            }
            None => self.uncount(),
        }
    }
}

/// All contexts of the process.
pub(crate) struct Table {
    lock: Lock,
    free: AtomicPtr<Context>,
    made: AtomicU32,
    /// The heads of the chains.
    buckets: [AtomicPtr<Context>; 1024],
}

fn reference(link: &AtomicPtr<Context>) -> Option<&'static Context> {
    // SAFETY: null or a context of the table, whose memory stays for good.
    unsafe { link.load(SeqCst).as_ref() }
}

fn pointer(context: Option<&'static Context>) -> *mut Context {
    context.map_or(core::ptr::null_mut(), |c| (&raw const *c).cast_mut())
}

impl Table {
    fn bucket(&self, handle: usize) -> &AtomicPtr<Context> {
        // Handles are page addresses.
        &self.buckets[((handle >> 12) ^ (handle >> 22)) & 1023]
    }

    fn search(&self, handle: usize) -> Option<&'static Context> {
        let mut at = reference(self.bucket(handle));
        while let Some(context) = at {
            if context.handle.load(SeqCst) == handle {
                return Some(context);
            }
            at = reference(&context.next);
        }
        None
    }

    /// The context of a handle.
    #[inline]
    pub(crate) fn find<'c>(&self, handle: usize, frame: &'c Frame) -> Option<InUse<'c>> {
        if handle == 0 {
            return None;
        }
        match self.search(handle).and_then(|c| Self::hold(c, handle, frame)) {
            // A chain that changed underfoot may have hidden a context that is there.
            None => self.find_locked(handle, frame),
            found => found,
        }
    }

    #[cold]
    fn find_locked<'c>(&self, handle: usize, frame: &'c Frame) -> Option<InUse<'c>> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        self.search(handle)
            .or_else(|| self.moved(handle))
            .and_then(|c| Self::hold(c, handle, frame))
    }

    /// The context whose ring the program has moved to this address: its handle from here on.
    /// The lock is held.
    fn moved(&self, handle: usize) -> Option<&'static Context> {
        if self.made.load(Relaxed) == 0 || !handle.is_multiple_of(map::PAGE) {
            return None;
        }
        let id = mem::peek::<u32>(handle)?;
        for bucket in &self.buckets {
            let mut at = reference(bucket);
            while let Some(context) = at {
                if context.kernel.load(Relaxed) == 0 && context.ring.moves_to(handle, id) {
                    self.unlink(context);
                    self.link(context, handle);
                    return Some(context);
                }
                at = reference(&context.next);
            }
        }
        None
    }

    fn hold<'c>(context: &'static Context, handle: usize, frame: &'c Frame) -> Option<InUse<'c>> {
        match frame.call() {
            Some(call) => call.uses(context),
            None => context.enter().keep(),
        }
        let held = InUse {
            context,
            frame: Some(frame),
        };
        // Whoever destroys the context changes its state first and counts the users after.
        let live = context.handle.load(SeqCst) == handle && context.state.load(SeqCst) == LIVE;
        (live && (context.kernel.load(Relaxed) != 0 || context.ring.has_its_id())).then_some(held)
    }

    fn blank(&self) -> Result<&'static Context> {
        if let Some(context) = reference(&self.free) {
            self.free.store(context.next.load(SeqCst), SeqCst);
            return Ok(context);
        }
        let bytes = (8 * size_of::<Context>()).next_multiple_of(map::PAGE);
        let memory = map::wiped(bytes)?.cast::<Context>();
        for index in 0..bytes / size_of::<Context>() {
            // SAFETY: the index is within the mapping, which is aligned, zeroed (a valid
            // context) and stays for good.
            let context = unsafe { &*memory.as_ptr().add(index) };
            context.next.store(self.free.load(SeqCst), SeqCst);
            self.free.store(pointer(Some(context)), SeqCst);
        }
        let context = reference(&self.free).ok_or(Errno::ENOMEM)?;
        self.free.store(context.next.load(SeqCst), SeqCst);
        Ok(context)
    }

    fn enlist(&self, context: &'static Context, handle: usize) {
        context.waiting.least.store(0, SeqCst);
        context.user.store(0, Relaxed);
        context.buffers.store(core::ptr::null_mut(), Relaxed);
        context.life.fetch_add(1, SeqCst);
        context.state.store(LIVE, SeqCst);
        self.link(context, handle);
    }

    fn link(&self, context: &'static Context, handle: usize) {
        context.handle.store(handle, SeqCst);
        let bucket = self.bucket(handle);
        context.next.store(bucket.load(SeqCst), SeqCst);
        bucket.store(pointer(Some(context)), SeqCst);
    }

    /// Makes a context with a ring of its own; gives the handle.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn open(&self, shape: Shape) -> Result<usize> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        let context = self.blank()?;
        context.kernel.store(0, SeqCst);
        match context.ring.open(shape, self.made.fetch_add(1, Relaxed)) {
            Ok(handle) => {
                self.enlist(context, handle);
                Ok(handle)
            }
            Err(e) => {
                self.recycle(context);
                Err(e)
            }
        }
    }

    /// Enters a context that the kernel made.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn adopt(&self, handle: usize) -> Result<()> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        let context = self.blank()?;
        context.kernel.store(1, SeqCst);
        self.enlist(context, handle);
        Ok(())
    }

    /// The first poll of any context that meets the condition.
    pub(crate) fn find_poll(&self, condition: &dyn Fn(&'static Request) -> bool) -> Option<&'static Request> {
        self.find_request(|context| &context.polls, condition)
    }

    /// The first request in such a list of any context that meets the condition.
    pub(crate) fn find_request(
        &self,
        list: fn(&'static Context) -> &'static List,
        condition: &dyn Fn(&'static Request) -> bool,
    ) -> Option<&'static Request> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        for bucket in &self.buckets {
            let mut at = reference(bucket);
            while let Some(context) = at {
                if let Some(request) = list(context).find(condition) {
                    return Some(request);
                }
                at = reference(&context.next);
            }
        }
        None
    }

    fn recycle(&self, context: &'static Context) {
        context.handle.store(0, SeqCst);
        context.next.store(self.free.load(SeqCst), SeqCst);
        self.free.store(pointer(Some(context)), SeqCst);
    }

    fn unlink(&self, context: &'static Context) {
        let mut link = self.bucket(context.handle.load(SeqCst));
        while let Some(at) = reference(link) {
            if core::ptr::eq(at, context) {
                link.store(at.next.load(SeqCst), SeqCst);
                break;
            }
            link = &at.next;
        }
    }

    /// Takes a context out, so that nobody finds it any more.
    ///
    /// # Errors
    /// `EINVAL` when another call was first.
    fn retire(&self, context: &'static Context) -> Result<()> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        if context.state.compare_exchange(LIVE, DYING, SeqCst, SeqCst).is_err() {
            return Err(Errno::EINVAL);
        }
        self.unlink(context);
        Ok(())
    }

    /// Ends a context: cancels its polls and the reads that wait, waits for its requests, wakes its sleepers.
    ///
    /// # Errors
    /// `EINVAL` when another call was first.
    pub(crate) fn destroy(&self, process: &'static Process, held: InUse<'_>) -> Result<()> {
        let context = *held;
        let own = held.thread();
        self.retire(context)?;
        if context.kernel_handle().is_none() {
            context.wake_sleepers();
            context.wake_masked(true);
        }
        // A call that was inside may still submit, polls too.
        drop(held);
        Self::await_users(process, context, own);
        if own.is_some_and(|own| own.is_in(context)) {
            // A call that this one interrupts, and which goes on later.
            context.ring.hide();
            context.state.store(LEFT, SeqCst);
        } else {
            self.finish(context);
        }
        Ok(())
    }

    /// The end of a context that nobody uses any more.
    fn finish(&self, context: &'static Context) {
        if context.kernel_handle().is_none() {
            if let Some(process) = Process::current() {
                // Its reads are over.
                let _ = context.unbind(process, 0);
            }
            context.ring.close();
        }
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        self.recycle(context);
    }

    fn await_users(process: &'static Process, context: &'static Context, own: Option<&'static Thread>) {
        loop {
            let ended = context.ended.load(SeqCst);
            // Its requests in the kernel keep what they use.
            if context.buffers().is_some() && process.buffers.unregister(process, context, own) == Err(Errno::EAGAIN) {
                process.engine.nap(&context.ended, ended);
                continue;
            }
            let busy = context.requests.load(SeqCst) != 0 || process.threads.others_in(context, own);
            // The thread that delivered the last event may have come in between the two looks.
            if (!busy && context.users.load(SeqCst) == 0) || super::seeded("hasty") {
                return;
            }
            if context.has_waiting() && process.engine.cancel(context, 0) {
                continue;
            }
            // Should it be the interrupted call that has the ring.
            context.deliver_late();
            if let Some(lane) = own.and_then(Thread::lane)
                && lane.is_busy()
            {
                lane.nap(process, NAP);
                continue;
            }
            // The time is for those who do not see that somebody waits.
            process.engine.nap(&context.ended, ended);
        }
    }
}
