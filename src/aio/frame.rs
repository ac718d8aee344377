//! What the program's threads are in the middle of.
//!
//! A call of kernel AIO cannot be left half done: signal handlers run after it. A call of this
//! library can: a handler may jump out of it, end the thread, fork, or destroy the very context.
//! So each thread has a record of its calls, in memory that stays; it says which context a call
//! uses (`io_destroy` waits for those of other threads only) and which request it holds a slot
//! for. What a call has left behind is put in order by the thread's next call, or by its end.

#![allow(unsafe_code)]

use super::abi::IoEvent;
use super::context::{Context, MaskedSleeper};
use super::own::Lane;
use super::process::Process;
use super::request::Link;
use super::ring::{Staged, Words, words};
use crate::sys::{Errno, Result, file, local, map, mem, thread};
use core::cell::Cell;
use core::sync::atomic::{
    AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    compiler_fence,
};

/// Calls within one another, by signal handlers, that are recorded.
const DEPTH: usize = 3;

/// Events that a call keeps until it adds them to the ring together.
pub(crate) const BATCH: usize = 16;

/// What a call has done with the slots that it took: how many are left, how many events wait for the
/// ring, and whether a request has its slot and no event. In one word, so that a jump out of the call
/// never meets it half changed; a handler that interrupts may change it too.
#[derive(Clone, Copy)]
struct Slots(u32);

impl Slots {
    const HELD: u32 = 1;
    const EVENT: u32 = 2;
    const SPARE: u32 = 64;

    fn is_held(self) -> bool {
        self.0 & Self::HELD != 0
    }

    fn events(self) -> u32 {
        self.0 % Self::SPARE / Self::EVENT
    }

    fn spare(self) -> u32 {
        self.0 / Self::SPARE
    }
}

/// The record of a thread.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Thread {
    /// The next of all.
    next: AtomicPtr<Thread>,
    taken: AtomicU32,
    depth: AtomicU32,
    submissions: AtomicU32,
    serial: AtomicU64,
    /// The thread's own ring, and how often it waited for events before it had that.
    lane: AtomicPtr<Lane>,
    waits: AtomicU32,
    calls: [Call; DEPTH],
}

/// One call; all zeroes is none.
#[derive(Default)]
pub(crate) struct Call {
    /// The context that it uses just now.
    context: AtomicPtr<Context>,
    /// Where its [`Mark`] lies, and what that holds.
    mark: AtomicUsize,
    serial: AtomicU64,
    /// What became of its slots, see [`Slots`].
    slots: AtomicU32,
    /// The request that holds one.
    iocb: AtomicU64,
    data: AtomicU64,
    resfd: AtomicI32,
    /// Events that are not in the ring yet, and their way there.
    events: [Words; BATCH],
    staged: Staged,
    /// Requests that are not handed over yet, and the one that is about to join them with the slot.
    pub(crate) chain: Link,
    pub(crate) joining: Link,
    pub(crate) signals: Signals,
    pub(crate) sleeper: MaskedSleeper,
}

/// What is still to be added to an eventfd for events that are in the ring, or about to be.
#[derive(Default)]
pub(crate) struct Signals {
    eventfd: AtomicI32,
    /// Twice the number; odd if the request that the call holds a slot for is among them.
    count: AtomicU64,
}

impl Signals {
    /// Whether they are for another eventfd.
    pub(crate) fn differ(&self, eventfd: i32) -> bool {
        self.count.load(Relaxed) > 1 && self.eventfd.load(Relaxed) != eventfd
    }

    /// Counts so many more; `held`: for the request that the call holds a slot for.
    pub(crate) fn add(&self, eventfd: i32, count: u64, held: bool) {
        self.eventfd.store(eventfd, Relaxed);
        let before = self.count.load(Relaxed) & !1;
        self.count.store(before + 2 * count + u64::from(held), Release);
    }

    /// The next request is not among them.
    fn next(&self) {
        self.count.store(self.count.load(Relaxed) & !1, Relaxed);
    }

    fn has_held(&self) -> bool {
        self.count.load(Relaxed) & 1 != 0
    }

    /// Makes the signals that are due; `blocks`: whether a write to the eventfd may, if that is known.
    #[inline]
    pub(crate) fn send(&self, process: &'static Process, blocks: Option<bool>) {
        if self.count.load(Relaxed) > 1 {
            // A handler that jumped away from here would leave them made or not.
            let _quiet = thread::quiet();
            let count = self.count.swap(0, SeqCst) / 2;
            let eventfd = self.eventfd.load(Relaxed);
            process.signal_as(eventfd, count, blocks.unwrap_or_else(|| file::may_block(eventfd)));
        }
    }
}

/// A word on the stack of a call: as long as it holds its value, the call is there.
#[derive(Default)]
pub(crate) struct Mark(AtomicU64);

/// A call of the program, on its stack.
#[derive(Default)]
pub(crate) struct Frame {
    thread: Cell<Option<&'static Thread>>,
    call: Cell<Option<&'static Call>>,
    /// It sleeps, and does not use its context.
    parked: Cell<bool>,
    mark: Mark,
}

impl Frame {
    /// Enters the call into the record of its thread, if that has room.
    #[inline]
    pub(crate) fn begin(&self, process: &'static Process) {
        self.thread.set(process.threads.current());
        self.call
            .set(self.thread.get().and_then(|t| t.begin(process, &self.mark)));
    }

    pub(crate) fn thread(&self) -> Option<&'static Thread> {
        self.thread.get()
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.parked.get()
    }

    /// Gives whether it was.
    pub(crate) fn set_parked(&self, parked: bool) -> bool {
        self.parked.replace(parked)
    }

    /// The record is another's by now.
    pub(crate) fn is_lost(&self) -> bool {
        self.call.get().is_some() && self.call().is_none()
    }

    /// The record. There is none any more after a fork, or when the call was taken for abandoned.
    #[inline]
    pub(crate) fn call(&self) -> Option<&'static Call> {
        self.call.get().filter(|call| call.is(&self.mark))
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if let (Some(thread), Some(_)) = (self.thread.get(), self.call()) {
            thread.end();
        }
    }
}

impl Call {
    fn context(&self) -> Option<&'static Context> {
        // SAFETY: null or a context of the table, whose memory stays for good.
        unsafe { self.context.load(SeqCst).as_ref() }
    }

    /// Whether the call is still the one with this mark, which it is not after a fork or when it
    /// was taken for abandoned.
    fn is(&self, mark: &Mark) -> bool {
        self.mark.load(Relaxed) == &raw const *mark as usize
    }

    /// Says which context the call uses; it has to look then whether the context is there.
    pub(crate) fn uses(&self, context: &'static Context) {
        self.context.store((&raw const *context).cast_mut(), SeqCst);
    }

    /// The context is used no more, for now.
    pub(crate) fn leave(&self) {
        self.context.store(core::ptr::null_mut(), Release);
    }

    fn slots(&self) -> Slots {
        Slots(self.slots.load(Relaxed))
    }

    /// Changes the slots, unless `how` knows no change; gives what they were.
    #[inline]
    fn change(&self, how: impl Fn(Slots) -> Option<u32>) -> Option<Slots> {
        loop {
            let slots = self.slots();
            let new = how(slots)?;
            // All that a handler may do is to add the events.
            if slots.events() == 0 {
                self.slots.store(new, Relaxed);
                compiler_fence(SeqCst);
                return Some(slots);
            }
            if local::exchange(&self.slots, slots.0, new) {
                return Some(slots);
            }
        }
    }

    /// Slots were taken for requests to come.
    pub(crate) fn has_taken(&self, count: u32) {
        self.change(|slots| Some(slots.0 + count * Slots::SPARE));
    }

    /// A request gets one of the slots, if any is left.
    #[inline]
    pub(crate) fn hold(&self, iocb: u64, data: u64, resfd: i32) -> bool {
        self.describe(iocb, data, resfd);
        self.change(|slots| (slots.spare() > 0).then_some(slots.0 - Slots::SPARE + Slots::HELD))
            .is_some()
    }

    /// The same for the first request of a call, with a slot that was taken for it alone.
    #[inline(always)]
    pub(crate) fn hold_first(&self, iocb: u64, data: u64) {
        self.describe(iocb, data, -1);
        compiler_fence(SeqCst);
        self.slots.store(Slots::HELD, Relaxed);
        compiler_fence(SeqCst);
    }

    #[inline(always)]
    fn describe(&self, iocb: u64, data: u64, resfd: i32) {
        self.iocb.store(iocb, Relaxed);
        self.data.store(data, Relaxed);
        self.resfd.store(resfd, Relaxed);
        self.signals.next();
        self.joining.set(None);
    }

    /// The slot is another's by now.
    pub(crate) fn let_go(&self) {
        self.change(|slots| slots.is_held().then_some(slots.0 - Slots::HELD));
    }

    /// The request is refused: its slot is for the next one.
    pub(crate) fn refuse(&self) {
        self.change(|slots| slots.is_held().then_some(slots.0 - Slots::HELD + Slots::SPARE));
    }

    /// Gives the slots back that nobody got.
    pub(crate) fn give_back(&self, context: &'static Context) {
        if let Some(before) = self.change(|slots| (slots.spare() > 0).then_some(slots.0 % Slots::SPARE)) {
            context.ring.unreserve(before.spare());
        }
    }

    /// Keeps the event of the request that holds a slot, for [`Self::publish`]; gives whether there is
    /// room for another.
    #[inline]
    pub(crate) fn keep(&self, event: &IoEvent) -> bool {
        let before = self.change(|slots| {
            // Not held: this is a child that a handler has made.
            let place = self.events.get(slots.events() as usize).filter(|_| slots.is_held())?;
            if slots.events() == 0 {
                self.staged.reset();
            }
            for (word, value) in place.iter().zip(words(event)) {
                word.store(value, Relaxed);
            }
            Some(slots.0 - Slots::HELD + Slots::EVENT)
        });
        before.is_none_or(|slots| slots.events() as usize + 1 < BATCH)
    }

    /// Adds the events that it keeps to the ring of the context that it uses. A handler may come in
    /// anywhere and do the same.
    pub(crate) fn publish(&self, context: &Context) {
        if let Some(events @ [_, ..]) = self.events.get(..self.slots().events() as usize) {
            let writer = context.ring.write();
            writer.add(events, &self.staged);
            let all = |slots: Slots| (slots.events() > 0).then_some(slots.0 - slots.events() * Slots::EVENT);
            if let Some(before) = self.change(all) {
                context.ring.unreserve(before.events());
            }
            drop(writer);
            context.deliver_late();
        }
    }

    /// Puts in order what an abandoned call has left. Its request was interrupted, which is what
    /// kernel AIO would have said.
    fn conclude(&self, process: &'static Process, alone: bool) {
        self.mark.store(0, Relaxed);
        self.sleeper.delist();
        let Some(context) = self.context() else {
            return;
        };
        if alone {
            context.ring.reclaim(&self.staged);
            process.adding.reclaim();
        }
        let interrupted = |iocb, data| IoEvent {
            data,
            obj: iocb,
            res: Errno::EINTR.negated().into(),
            res2: 0,
        };
        let chain = || core::iter::successors(self.chain.get(), |r| r.chain.get());
        let joining = self.joining.get();
        let has_joined = joining.is_some_and(|new| chain().any(|r| core::ptr::eq(r, new)));
        self.publish(context);
        self.give_back(context);
        let was_held = self.slots().is_held();
        self.slots.store(0, Relaxed);
        if was_held && !has_joined {
            context.publish(interrupted(self.iocb.load(Relaxed), self.data.load(Relaxed)));
            let resfd = self.resfd.load(Relaxed);
            if resfd >= 0 && !self.signals.has_held() {
                process.signal(resfd, 1);
            }
            if let Some(request) = joining {
                process.release(request);
            }
        }
        self.signals.send(process, None);
        let mut at = self.chain.get();
        self.chain.set(None);
        while let Some(request) = at {
            at = request.chain.get();
            let event = interrupted(request.iocb.load(Relaxed), request.data.load(Relaxed));
            context.publish(event);
            let resfd = request.resfd.load(Relaxed);
            if resfd >= 0 {
                process.signal(resfd, 1);
            }
            process.release(request);
        }
        context.ring.doubt();
        context.notify();
        self.leave();
        context.was_left(|| alone);
    }
}

impl Thread {
    /// Begins a call; gives its record, unless there is no room.
    #[inline]
    fn begin(&'static self, process: &'static Process, mark: &Mark) -> Option<&'static Call> {
        if self.depth.load(Relaxed) != 0 {
            self.conclude_abandoned(process, mark);
            self.publish_kept();
        }
        let depth = self.depth.load(Relaxed) as usize;
        let call = self.calls.get(depth)?;
        loop {
            let serial = self.serial.load(Relaxed).wrapping_add(1);
            self.serial.store(serial, Relaxed);
            mark.0.store(serial, Relaxed);
            call.serial.store(serial, Relaxed);
            call.slots.store(0, Relaxed);
            call.mark.store(&raw const *mark as usize, Relaxed);
            // Nobody but this thread and its handlers looks at these.
            compiler_fence(SeqCst);
            self.depth.store(depth as u32 + 1, Relaxed);
            compiler_fence(SeqCst);
            // A handler that came before the depth was stored has used this record, and left it.
            if call.mark.load(Relaxed) == &raw const *mark as usize && call.serial.load(Relaxed) == serial {
                break;
            }
            self.depth.store(depth as u32, Relaxed);
        }
        Some(call)
    }

    /// Ends the last call. Those of handlers that interrupt here have ended before they return.
    #[inline]
    fn end(&self) {
        self.depth.store(self.depth.load(Relaxed).wrapping_sub(1), Release);
    }

    /// The last call.
    fn last(&'static self) -> Option<&'static Call> {
        let index = self.depth.load(Relaxed).checked_sub(1)?;
        self.calls.get(index as usize)
    }

    /// Calls that were left by a jump: their stack has been used by others, or is below that of
    /// the present call.
    #[cold]
    fn conclude_abandoned(&'static self, process: &'static Process, mark: &Mark) {
        let here = &raw const *mark as usize;
        let elsewhere = thread::on_signal_stack();
        while let Some(call) = self.last() {
            let at = call.mark.load(Relaxed);
            let deeper = at < here && !elsewhere;
            if !deeper && mem::peek(at).is_none_or(|there: u64| there == call.serial.load(Relaxed)) {
                return;
            }
            self.conclude(process, call);
        }
    }

    /// What the calls that this one interrupts have done is to be seen by it: their events, which kernel
    /// AIO would have added before a handler runs.
    #[cold]
    fn publish_kept(&'static self) {
        for call in self.calls.iter().take(self.depth.load(Relaxed) as usize) {
            if let Some(context) = call.context() {
                call.publish(context);
                context.notify();
            }
        }
    }

    fn conclude(&'static self, process: &'static Process, call: &'static Call) {
        let _quiet = thread::quiet();
        let context = call.context();
        let alone = context.is_some_and(|context| self.calls_in(context) == 1);
        process.engine.caller.resign();
        call.conclude(process, alone);
        self.end();
    }

    /// Counts hand-overs; whether it is time for what is not done each time.
    pub(crate) fn hands_over(&self) -> bool {
        self.submissions.fetch_add(1, Relaxed).is_multiple_of(256)
    }

    /// The thread's own ring, if it has one.
    #[inline]
    pub(crate) fn lane(&self) -> Option<&'static Lane> {
        // SAFETY: null or a lane, and those stay for good.
        unsafe { self.lane.load(Relaxed).as_ref() }
    }

    /// The same, made if need be, once the thread may use it.
    pub(crate) fn own_lane(&self, process: &'static Process) -> Option<&'static Lane> {
        if let Some(lane) = self.lane() {
            return lane.is_earned().then_some(lane);
        }
        let trial = process.config.trial();
        if trial == u32::MAX || self.waits.load(Relaxed) < trial {
            return None;
        }
        self.waits.store(0, Relaxed);
        let lane = process.lanes.make(process, trial).ok()?;
        self.lane.store((&raw const *lane).cast_mut(), Relaxed);
        Some(lane)
    }

    /// Counts the calls in which the thread would sleep until there are events.
    pub(crate) fn waits_for_events(&self) {
        let waits = self.lane().map_or(&self.waits, Lane::waits);
        waits.store(waits.load(Relaxed).saturating_add(1), Relaxed);
    }

    /// How many calls of this thread use a context.
    pub(crate) fn calls_in(&self, context: &'static Context) -> usize {
        self.calls.iter().filter(|c| c.is_in(context)).count()
    }

    /// Whether a call of this thread uses a context.
    pub(crate) fn is_in(&self, context: &'static Context) -> bool {
        self.calls.iter().any(|c| c.is_in(context))
    }

    /// The thread ends.
    fn finish(&'static self) {
        if let Some(process) = Process::current() {
            while let Some(call) = self.last() {
                self.conclude(process, call);
            }
            if let Some(lane) = self.lane() {
                self.lane.store(core::ptr::null_mut(), Relaxed);
                lane.leave(process);
            }
            self.waits.store(0, Relaxed);
            self.taken.store(0, Release);
            process.engine.thread_leaves();
        }
    }
}

impl Call {
    fn is_in(&self, context: &'static Context) -> bool {
        core::ptr::eq(self.context.load(SeqCst), context)
    }
}

/// All records.
#[derive(Default)]
pub(crate) struct Threads {
    key: thread::Key,
    first: AtomicPtr<Thread>,
}

/// The process can end with this thread, or with another that never used this library.
unsafe extern "C" fn thread_leaves(record: *mut core::ffi::c_void) {
    // SAFETY: what was set is a record, and those stay for good; in a child of the process that
    // made it, it is one without calls.
    unsafe { &*record.cast::<Thread>() }.finish();
}

impl Threads {
    /// The record of the calling thread; the process may end with it.
    #[inline]
    pub(crate) fn current(&self) -> Option<&'static Thread> {
        // SAFETY: null or a record, and those stay for good.
        match unsafe { self.key.get().cast::<Thread>().as_ref() } {
            None => self.make(),
            known => known,
        }
    }

    #[cold]
    fn make(&self) -> Option<&'static Thread> {
        let _quiet = thread::quiet();
        let record = self.all().find(|t| t.taken.swap(1, SeqCst) == 0);
        let record = match record {
            Some(record) => record,
            None => self.grow().ok()?,
        };
        if !self.key.set(&raw const *record as usize, thread_leaves) {
            record.taken.store(0, Release);
            return None;
        }
        Some(record)
    }

    fn all(&self) -> impl Iterator<Item = &'static Thread> {
        // SAFETY: null or a record, and those stay for good.
        let follow = |link: &AtomicPtr<Thread>| unsafe { link.load(Acquire).as_ref() };
        core::iter::successors(follow(&self.first), move |t: &&'static Thread| follow(&t.next))
    }

    /// Makes records, the last of which is the caller's.
    fn grow(&self) -> Result<&'static Thread> {
        let memory = map::wiped(map::PAGE)?.cast::<Thread>();
        let mut own = Err(Errno::ENOMEM);
        for index in 0..map::PAGE / size_of::<Thread>() {
            // SAFETY: the index is within the mapping, which is aligned, zeroed (a valid
            // record) and stays for good.
            let record: &'static Thread = unsafe { &*memory.as_ptr().add(index) };
            if own.is_err() {
                record.taken.store(1, Relaxed);
                own = Ok(record);
            }
            let mut first = self.first.load(Acquire);
            loop {
                record.next.store(first, Relaxed);
                let new = (&raw const *record).cast_mut();
                match self.first.compare_exchange(first, new, SeqCst, Acquire) {
                    Ok(_) => break,
                    Err(now) => first = now,
                }
            }
        }
        own
    }

    /// Whether another thread than `own` is in a call that uses a context.
    pub(crate) fn others_in(&self, context: &'static Context, own: Option<&'static Thread>) -> bool {
        self.all()
            .any(|t| !own.is_some_and(|own| core::ptr::eq(own, t)) && t.is_in(context))
    }
}
