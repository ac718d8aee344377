//! The ring lane of a thread that is alone with its context.
//!
//! The library's thread costs two changes of threads for each request that goes to the disk. A
//! thread that is the only one to use a context, and that has been seen to wait for its events in
//! `io_getevents`, does without: it has a ring of its own, a [`Lane`], and enters the kernel with
//! its direct transfers itself. Everything else goes to the library's thread, as before.
//!
//! What is special about such a ring is that completions come into its queue whenever its thread
//! enters the kernel for whatever reason, or is interrupted, by the clock at the latest; but
//! somebody has to make events of them. That is the thread in its next call. If it does not come,
//! because it is busy with other things, has ended, or lets others collect, the library's thread
//! does it, which looks around every few milliseconds while there is anything in such a ring
//! ([`Lanes::patrol`]). A thread that did not come hands its requests over again, for longer each time.

#![allow(unsafe_code)]

use super::cancel::{NEVER, Wish};
use super::context::{Context, InUse, Woken};
use super::driver::{FUTEX_FLAGS, NAMELESS, cancellation, holding};
use super::fixed::Copies;
use super::process::Process;
use super::request::{self, FINISHING, NOBODY, NOWAIT_ADDED, ODD_TRANSFER, Request, USER_NOWAIT, Work};
use crate::sys::futex::{self, Lock};
use crate::sys::{Errno, Result, file, map, seccomp, thread};
use crate::uring::{Cqe, Params, Ring, Sqe, Timespec, abi as uring, setup};
use core::cell::UnsafeCell;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};

/// What a lane is: nobody's, a thread's, or of one that has ended.
const FREE: u32 = 0;
const OWNED: u32 = 1;
const LEFT: u32 = 2;

/// User data of what is not a request; requests are aligned to 64.
const UNHEEDED: u64 = 1;
/// With the number of the wake-up that it is, in the bits above.
const WAKE: u64 = 2;
/// What became of a cancellation.
const TAKEN: u64 = 3;
const KIND: u64 = 63;

const SQ_ENTRIES: u32 = 64;
/// Requests that are handed over at once. The kernel keeps those of one call back until all of them are
/// prepared, and the device stands idle for as long.
const PART: u32 = 4;
/// As many requests fit in flight, less a few; the second where memory has to be contiguous.
const CQ_ENTRIES: [u32; 2] = [1024, 128];

/// Nanoseconds between two looks of the library's thread: as a rule, and while somebody waits for one.
const LOOK: u64 = 4_000_000;
const SOON: u64 = 500_000;
const URGENT_LOOKS: u32 = 100;
/// Looks at nothing before it stops.
const IDLE_LOOKS: u32 = 3;
/// The longest sleep in a ring without a look, in nanoseconds: a call may be left by a jump.
const LONGEST_SLEEP: u64 = 100_000_000;
const FIRST_SLEEP: u64 = 2_000_000;

/// Nanoseconds that a thread which waits for several events sleeps without a look at less.
const BATCH_TIME: u64 = 1_000_000;

/// Nanoseconds within which a look for a filter holds for a sleep.
const LATELY: u64 = 1_000_000;

/// A wait of more nanoseconds is not worth a look before it; and looking may take one part in so
/// many of all time, saved up for no more than so long.
const WORTH: u64 = 60_000;
const SHARE: u64 = 16;
const SAVED: u64 = 200_000;

/// A thread's ring.
pub(crate) struct Lane {
    next: AtomicPtr<Lane>,
    state: AtomicU32,
    /// Orders those who queue requests and take completions: the thread, and the library's.
    lock: Lock,
    ring: UnsafeCell<Ring>,
    /// Requests in the kernel.
    in_flight: AtomicU32,
    /// Those that it let go of.
    taken: AtomicU32,
    /// Counts hand-overs; requests of the present one have a submitter that waits.
    round: AtomicU64,
    /// Among the last that were handed over was a write.
    writes: AtomicBool,
    /// It cannot be entered any more.
    broken: AtomicU32,
    /// When it was last seen that no filter forbids to.
    looked: AtomicU64,
    /// Counts the looks of the thread, and what the patrol saw of that.
    looks: AtomicU32,
    seen: AtomicU32,
    /// The time at which it looks again, while it sleeps in the ring.
    asleep: AtomicU64,
    /// How often the thread has waited for events, and how often it has to before it may go on with this.
    waits: AtomicU32,
    price: AtomicU32,
    /// The context of the last sleep, the one whose wake-ups end a sleep in the ring, and the number of
    /// the entry for that.
    recent: AtomicPtr<Context>,
    armed: AtomicPtr<Context>,
    arm: AtomicU64,
    /// What waiting takes, what may be spent on looking, and since when that is saved up.
    usual: AtomicU64,
    credit: AtomicU64,
    since: AtomicU64,
    /// The registered buffers that the ring has, too.
    copies: Copies,
}

/// All lanes of the process.
#[derive(Default)]
pub(crate) struct Lanes {
    first: AtomicPtr<Lane>,
    /// The library's thread looks around.
    watched: AtomicU32,
    /// Looks that are to follow soon, as somebody waits for what is in a lane of another thread.
    urgent: AtomicU32,
    idle_looks: AtomicU32,
    next_look: AtomicU64,
}

/// What a completion means.
pub(crate) enum Verdict {
    /// The kernel would have had to block: it is for whoever submits.
    Back,
    /// Nothing the program did: it is done once more.
    Again,
    /// The event.
    Event(i64),
}

/// What the kernel says of a transfer; `left`: the task that entered with it may have ended.
fn verdict(request: &Request, res: i32, left: bool) -> Verdict {
    let error = if res < 0 { Some(Errno::new(-res)) } else { None };
    match error {
        Some(Errno::EAGAIN | Errno::EOPNOTSUPP) if request.is(NOWAIT_ADDED) => given_up(request, Verdict::Back),
        Some(Errno::EAGAIN) if !request.is(USER_NOWAIT) => given_up(request, Verdict::Again),
        Some(Errno::EINTR | Errno::ECANCELED) => given_up(request, Verdict::Again),
        Some(Errno::EFAULT) if left => given_up(request, Verdict::Again),
        // The buffer has been replaced, or does not do.
        Some(Errno::EFAULT | Errno::EINVAL) if request.unfix() => given_up(request, Verdict::Again),
        Some(e) => Verdict::Event(request.total(Err(e))),
        None => Verdict::Event(request.total(Ok(res as usize))),
    }
}

/// What is done once more unless the program wants no more of it.
fn given_up(request: &Request, verdict: Verdict) -> Verdict {
    if request.is_asked() {
        Verdict::Event(Errno::ECANCELED.negated().into())
    } else {
        verdict
    }
}

impl Lane {
    fn ring(&self) -> &Ring {
        // SAFETY: written by `open` before the lane is anybody's and by `close` under the lock when
        // it is nobody's; used by its thread, and by others under the lock when it is somebody's.
        unsafe { &*self.ring.get() }
    }

    /// Makes the ring of the calling thread.
    fn open(&self) -> Result<()> {
        let mut error = Errno::EINVAL;
        let patient = if has_ticks() {
            uring::IORING_SETUP_COOP_TASKRUN | uring::IORING_SETUP_TASKRUN_FLAG
        } else {
            0
        };
        for cq_entries in CQ_ENTRIES {
            let mut ring = Ring::zeroed();
            let mut params = Params {
                flags: NAMELESS
                    | uring::IORING_SETUP_SUBMIT_ALL
                    | uring::IORING_SETUP_SINGLE_ISSUER
                    | patient
                    | uring::IORING_SETUP_CQSIZE,
                cq_entries,
                ..Params::default()
            };
            match setup::init_params(SQ_ENTRIES, &mut ring, &mut params) {
                Ok(()) => {
                    // A child knows nothing of the ring, and would keep its memory.
                    let _ = setup::dont_fork(&ring);
                    // SAFETY: the lane is not yet anybody's.
                    unsafe { self.ring.get().write(ring) };
                    return Ok(());
                }
                Err(e) => error = e,
            }
        }
        Err(error)
    }

    /// Ends the ring, which the kernel does by itself where the thread has ended. The lock is held, and
    /// nothing is in flight.
    fn close(&self) {
        // SAFETY: nobody else uses the ring: its thread is the caller or has ended.
        setup::exit(unsafe { &mut *self.ring.get() });
        self.copies.reset();
        self.broken.store(0, Relaxed);
        self.armed.store(core::ptr::null_mut(), Relaxed);
        self.state.store(FREE, Release);
    }

    /// Whether the thread has waited often enough since it last did not come for its events.
    pub(crate) fn is_earned(&self) -> bool {
        self.waits.load(Relaxed) >= self.price.load(Relaxed)
    }

    pub(crate) fn copies(&self) -> &Copies {
        &self.copies
    }

    pub(crate) fn waits(&self) -> &AtomicU32 {
        &self.waits
    }

    /// The thread did not come for its events.
    #[cold]
    fn demote(&self) {
        self.waits.store(0, Relaxed);
        self.price.store(self.price.load(Relaxed).saturating_mul(8), Relaxed);
    }

    /// Whether the calling thread, whose lane this is, has anything in it.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight.load(Relaxed) != 0
    }

    /// Whether the ring may be entered: a filter may have come that kills for it, since that long ago.
    fn may_enter(&self, process: &Process, ago: u64) -> bool {
        if self.broken.load(Relaxed) != 0 {
            return false;
        }
        let engine = &process.engine;
        let now = if ago == 0 { 0 } else { futex::now() };
        let fresh = ago != 0 && now.saturating_sub(self.looked.load(Relaxed)) < ago;
        if engine.carrier.is_open() || !fresh && engine.is_unfiltered() && seccomp::mode_is_set() {
            self.broken.store(1, Relaxed);
            return false;
        }
        if ago != 0 && !fresh {
            self.looked.store(now, Relaxed);
        }
        true
    }

    /// Brings a chain of transfers into the kernel: what comes back is for the caller to do, in order,
    /// before `io_submit` returns; or all that the ring does not take, for another. Signals are blocked.
    pub(crate) fn submit(&'static self, process: &'static Process, chain: &'static Request) -> Outcome {
        let mut outcome = Outcome::default();
        let held = self.lock.lock();
        let mut at = Some(chain);
        let mut queued = 0;
        if self.may_enter(process, 0) {
            self.round.store(self.round.load(Relaxed) + 1, Relaxed);
            while let Some(request) = at {
                // The request, and what holds a dying process until a write is over.
                let sqes = if request.work() == Work::Write { 2 } else { 1 };
                if queued == PART {
                    queued = 0;
                    if !self.hand_over(process, &mut outcome) {
                        break;
                    }
                }
                if self.in_flight.load(Relaxed) + sqes + SQ_ENTRIES > self.ring().cq.ring_entries {
                    break;
                }
                at = request.chain.get();
                self.queue(process, request);
                queued += 1;
            }
            self.hand_over(process, &mut outcome);
        }
        // What was queued and not taken comes before what was not queued.
        match outcome.last_rest {
            Some(last) => last.chain.set(at),
            None => outcome.rest = at,
        }
        drop(held);
        process.lanes.watch(process);
        outcome
    }

    fn queue(&self, process: &'static Process, request: &'static Request) {
        request.mark_if(process.transfers.begin(), ODD_TRANSFER);
        if let Some(context) = request.context() {
            context.count(1);
        }
        request.epoch.store(self.round.load(Relaxed), Relaxed);
        request.pass_to(self.as_holder());
        self.in_flight.fetch_add(1, SeqCst);
        if !self.copies.has(self.ring(), process, request) {
            request.unfix();
        }
        let mut sqe = request.transfer();
        let write = request.work() == Work::Write;
        self.writes.store(write, Relaxed);
        if write {
            sqe.flags |= uring::IOSQE_IO_HARDLINK;
        }
        self.ring().push(&sqe);
        if write {
            self.ring().push(&holding(uring::IOSQE_CQE_SKIP_SUCCESS, UNHEEDED));
        }
    }

    /// Gives the kernel what is queued, and looks which writes it cannot start without blocking; false
    /// if it does not take all.
    fn hand_over(&self, process: &'static Process, outcome: &mut Outcome) -> bool {
        while self.ring().sq_ready() != 0 {
            let before = self.ring().sq_ready();
            match self.ring().submit() {
                Ok(_) if self.ring().sq_ready() < before => {}
                result => {
                    if !matches!(result, Ok(_) | Err(Errno::EAGAIN | Errno::EBUSY | Errno::ENOMEM))
                        && process.engine.sees_descriptors()
                    {
                        self.broken.store(1, Relaxed);
                    }
                    self.withdraw(process, outcome);
                    break;
                }
            }
        }
        self.reap(process, Some(outcome));
        outcome.rest.is_none()
    }

    /// Takes back what the kernel did not take.
    #[cold]
    fn withdraw(&self, process: &'static Process, outcome: &mut Outcome) {
        let mut index = 0;
        while let Some(sqe) = self.ring().queued(index) {
            index += 1;
            if sqe.user_data & KIND == 0 {
                // SAFETY: what is queued and no wake-up and not unheeded carries a request's address.
                let request = unsafe { request::from_user_data(sqe.user_data) };
                self.ended(process, request);
                request.pass_to(NOBODY);
                if let Some(context) = request.context() {
                    context.count(-1);
                }
                request.unmark(ODD_TRANSFER);
                request.chain.set(None);
                match outcome.last_rest.replace(request) {
                    Some(last) => last.chain.set(Some(request)),
                    None => outcome.rest = Some(request),
                }
            }
        }
        self.ring().discard();
        self.armed.store(core::ptr::null_mut(), Relaxed);
    }

    fn ended(&self, process: &'static Process, request: &'static Request) {
        self.in_flight.fetch_sub(1, SeqCst);
        process.transfers.end(request.is(ODD_TRANSFER));
    }

    #[inline]
    fn has_completions(&self) -> bool {
        self.ring().cq_ready() != 0 || self.ring().kernel_holds_completions()
    }

    /// Makes events of the completions that are there. For the thread whose lane it is.
    #[inline]
    pub(crate) fn pump(&'static self, process: &'static Process) {
        self.looks.store(self.looks.load(Relaxed).wrapping_add(1), Relaxed);
        if self.has_completions() {
            self.pump_some(process);
        }
        if self.copies.are_stale(process) {
            self.forget_buffers(process);
        }
    }

    /// Lets go of registered buffers that are no longer. For the thread whose lane it is.
    #[cold]
    pub(crate) fn forget_buffers(&'static self, process: &'static Process) {
        let _quiet = thread::quiet_but_traps();
        if self.may_enter(process, 0) {
            self.copies.forget(self.ring(), process);
        }
    }

    #[inline(never)]
    fn pump_some(&'static self, process: &'static Process) {
        // No handler may come in between: it could jump away with a completion in hand.
        let _quiet = thread::quiet_but_traps();
        let _held = self.lock.lock();
        self.asleep.store(0, Relaxed);
        if self.ring().kernel_holds_completions() && self.may_enter(process, 0) {
            let _ = self.ring().get_events();
        }
        self.reap(process, None);
    }

    /// The same with the lock held; `outcome` while a submission is under way.
    fn reap(&self, process: &'static Process, mut outcome: Option<&mut Outcome>) {
        while let Some((request, res)) = self.next() {
            let back = match verdict(request, res, false) {
                Verdict::Event(result) => {
                    self.ended(process, request);
                    deliver(process, request, result);
                    continue;
                }
                // One that came earlier may have another context, and its descriptor be another file's.
                Verdict::Back if request.epoch.load(Relaxed) == self.round.load(Relaxed) => outcome.as_deref_mut(),
                Verdict::Back | Verdict::Again => None,
            };
            request.unmark(NOWAIT_ADDED);
            self.ended(process, request);
            match back {
                Some(outcome) => {
                    request.pass_to(NOBODY);
                    if let Some(context) = request.context() {
                        context.count(-1);
                    }
                    request.chain.set(None);
                    match outcome.last_redo.replace(request) {
                        Some(last) => last.chain.set(Some(request)),
                        None => outcome.redo = Some(request),
                    }
                }
                None => deliver(process, request, repeated(request)),
            }
        }
    }

    /// Takes the next completion of a request out of the queue. The lock is held.
    fn next(&self) -> Option<(&'static Request, i32)> {
        while let Some(cqe) = self.ring().peek() {
            self.ring().advance(1);
            if let Some(request) = self.request(&cqe) {
                return Some((request, cqe.res));
            }
            if cqe.user_data == TAKEN {
                self.taken
                    .store(self.taken.load(Relaxed) + u32::from(cqe.res == 0), Relaxed);
            }
            if cqe.user_data == self.arm.load(Relaxed) {
                self.armed.store(core::ptr::null_mut(), Relaxed);
            }
        }
        None
    }

    fn request(&self, cqe: &Cqe) -> Option<&'static Request> {
        // SAFETY: what is no wake-up and not unheeded carries a request's address.
        (cqe.user_data & KIND == 0).then(|| unsafe { request::from_user_data(cqe.user_data) })
    }

    /// What a request that is here has as its holder.
    pub(crate) fn as_holder(&self) -> usize {
        &raw const *self as usize
    }

    /// Takes requests back that are here, for the thread whose lane it is; gives how many.
    pub(crate) fn take_back(&'static self, process: &'static Process, wish: &Wish) -> u32 {
        // A child that borrows the memory cannot enter the ring.
        if !self.is_busy() || !process.engine.sees_descriptors() {
            return 0;
        }
        let _quiet = thread::quiet_but_traps();
        let _held = self.lock.lock();
        if !self.may_enter(process, 0) {
            return 0;
        }
        self.taken.store(0, Relaxed);
        for request in process.pool.all() {
            if request.holder() == self.as_holder() && wish.is_for(request) {
                self.ring().push(&cancellation(request::user_data(request), 0, TAKEN));
                if self.ring().sq_space_left() == 0 {
                    let _ = self.ring().submit();
                    self.reap(process, None);
                }
            }
        }
        let _ = self.ring().submit();
        self.reap(process, None);
        self.taken.load(Relaxed)
    }

    /// As [`InUse::sleep`], in the ring; `life` is the context's. [`InUse::resume`] has to follow.
    pub(crate) fn sleep(
        &'static self,
        process: &'static Process,
        held: &InUse<'_>,
        (need, ns, mask): (u32, u64, Option<u64>),
        life: u32,
    ) -> Woken {
        let mut seen = held.expect_at(need);
        if held.has(need) {
            return Woken::Look;
        }
        let begun = futex::now();
        // The end of a write takes a worker of the kernel, for which the processor is to be free.
        if mask.is_none() && !self.writes.load(Relaxed) && self.linger(process, begun) {
            return Woken::Look;
        }
        // Signals come in where the kernel says so, by `EINTR`: one that was handled between two sleeps would not
        // end the call, and a handler that submits would meet the queue half changed.
        let quiet = thread::quiet_but_traps();
        let open = mask.unwrap_or(quiet.before());
        let mut now = begun;
        let mut together = need != NEVER;
        // The thread itself may have brought a filter since it submitted.
        let mut ago = 0;
        loop {
            let left = (begun + ns).saturating_sub(now).min(self.arm(held, seen));
            if !self.may_enter(process, ago) {
                drop(quiet);
                // The library's thread makes the events.
                return match held.sleep(need, left, mask) {
                    // Of this sleep, not of the wait.
                    Woken::Time => Woken::Look,
                    woken => woken,
                };
            }
            // Of several events the first are let lie for a moment. That is without signals: with one of them the
            // kernel would not say that it was interrupted.
            let several = need.saturating_sub(held.ring.ready()).min(self.in_flight.load(Relaxed));
            together = together && several > 1;
            let slept = if together {
                self.doze(held, several, now, left.min(BATCH_TIME), None)
            } else {
                self.doze(held, 1, now, left, Some(open))
            };
            together = !together;
            ago = LATELY;
            let then = futex::now();
            self.learn(then.saturating_sub(now));
            now = then;
            match slept {
                _ if self.state.load(Relaxed) != OWNED => return Woken::Signal, // in a child that a handler made
                Err(Errno::EINTR) => return Woken::Signal,
                Ok(_) | Err(Errno::ETIME | Errno::EAGAIN | Errno::EBUSY | Errno::ENOMEM) => {}
                Err(_) => {
                    if process.engine.sees_descriptors() {
                        self.broken.store(1, Relaxed);
                    } else {
                        // A child that borrows the memory: the ring is its parent's.
                        let _ = futex::wait(&AtomicU32::new(0), 0, SOON);
                    }
                    return Woken::Look;
                }
            }
            let same = held.resume(life);
            if same {
                held.expect_nothing();
            }
            {
                let _held = self.lock.lock();
                self.reap(process, None);
            }
            if !same || now >= begun + ns {
                return Woken::Look;
            }
            held.deliver_late();
            seen = held.expect_at(need);
            if held.has(need) || need == NEVER || !self.is_busy() {
                return Woken::Look;
            }
        }
    }

    /// One sleep in the ring, with these signals blocked, or all.
    fn doze(&self, held: &InUse<'_>, want: u32, now: u64, ns: u64, mask: Option<u64>) -> Result<u32> {
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: ns as i64,
        };
        let mask = mask.as_ref().map_or(core::ptr::null(), |m| (&raw const *m).cast());
        self.asleep.store(now + ns, Relaxed);
        held.park();
        let slept = self.ring().wait_at_most(&time, mask, true, want);
        self.looks.store(self.looks.load(Relaxed).wrapping_add(1), Relaxed);
        self.asleep.store(0, Release);
        slept
    }

    /// A short sleep of one who waits for something else than events.
    pub(crate) fn nap(&'static self, process: &'static Process, ns: u64) {
        self.pump(process);
        if self.is_busy() && self.may_enter(process, 0) {
            let time = Timespec {
                tv_sec: 0,
                tv_nsec: ns as i64,
            };
            let _ = self.ring().wait_at_most(&time, core::ptr::null(), false, 1);
            self.pump(process);
        } else {
            let _ = futex::wait(&AtomicU32::new(0), 0, ns);
        }
    }

    /// Sees to it that wake-ups of the context end sleeps in the ring; `seen` is what its word held.
    /// Gives how long the sleep may be: a thread that goes round many contexts sleeps a moment first,
    /// which is mostly long enough. Signals are blocked.
    fn arm(&self, held: &InUse<'_>, seen: u32) -> u64 {
        let context: &'static Context = held;
        let wanted = (&raw const *context).cast_mut();
        if self.armed.load(Relaxed) == wanted {
            return LONGEST_SLEEP;
        }
        if self.recent.load(Relaxed) != wanted {
            self.recent.store(wanted, Relaxed);
            return FIRST_SLEEP;
        }
        let _held = self.lock.lock();
        if self.ring().sq_space_left() < 2 {
            return FIRST_SLEEP;
        }
        let number = self.arm.load(Relaxed);
        if !self.armed.swap(wanted, Relaxed).is_null() {
            let quiet = uring::IOSQE_CQE_SKIP_SUCCESS;
            self.ring().push(&cancellation(number, quiet, UNHEEDED));
        }
        let number = (number & !KIND).wrapping_add(KIND + 1) | WAKE;
        self.arm.store(number, Relaxed);
        self.ring().push(&Sqe {
            opcode: uring::IORING_OP_FUTEX_WAIT,
            fd: FUTEX_FLAGS,
            addr: context.changed_address() as u64,
            off: seen.into(),
            addr3: u64::from(u32::MAX),
            user_data: number,
            ..Sqe::default()
        });
        LONGEST_SLEEP
    }

    /// Looks for a completion for a while, where that is likely to be there soon and the time for
    /// looking has been saved up: to be woken takes a good part of what a fast disk does.
    fn linger(&self, process: &Process, begun: u64) -> bool {
        let since = self.since.swap(begun, Relaxed);
        let mut credit = self.credit.load(Relaxed) + begun.saturating_sub(since) / SHARE;
        credit = credit.min(SAVED);
        let usual = self.usual.load(Relaxed);
        let mut found = false;
        if usual < WORTH && credit > usual + usual / 2 && process.config.possible_cpus() > 1 {
            let end = begun + usual + usual / 2;
            let mut now = begun;
            while !found && now < end {
                for _ in 0..16 {
                    core::hint::spin_loop();
                }
                found = self.has_completions();
                now = futex::now();
            }
            credit = credit.saturating_sub(now - begun);
            if found {
                self.learn(now - begun);
            }
        }
        self.credit.store(credit, Relaxed);
        found
    }

    fn learn(&self, took: u64) {
        let usual = self.usual.load(Relaxed);
        self.usual.store(usual - usual / 8 + took.min(8 * WORTH) / 8, Relaxed);
    }

    /// The thread ends. What it has in the kernel comes into the queue all the same.
    pub(crate) fn leave(&'static self, process: &'static Process) {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        self.reap(process, None);
        if self.is_busy() {
            self.state.store(LEFT, Release);
            process.lanes.hurry(process);
        } else if self.may_enter(process, 0) {
            self.close();
        } else {
            // A filter may kill for what it takes to give the ring back. The library's thread needs no call.
            self.state.store(LEFT, Release);
            process.lanes.watch(process);
        }
    }
}

/// Whether a thread that never enters the kernel is interrupted now and then all the same. Completions come
/// then at the latest, so the device need not interrupt it for each.
fn has_ticks() -> bool {
    let mut buf = [0; 64];
    let without = file::read_small(c"/sys/devices/system/cpu/nohz_full", &mut buf);
    // A list of processors, or something else for none.
    !without.is_ok_and(|list| list.first().is_some_and(u8::is_ascii_digit))
}

/// What became of a chain of requests.
#[derive(Default)]
pub(crate) struct Outcome {
    /// The kernel would have had to block on these.
    pub(crate) redo: Option<&'static Request>,
    last_redo: Option<&'static Request>,
    /// The ring does not take these.
    pub(crate) rest: Option<&'static Request>,
    last_rest: Option<&'static Request>,
}

/// Does a transfer here and now that the kernel gave up; gives what its event says.
#[cold]
fn repeated(request: &Request) -> i64 {
    let again = if request.has_its_file() {
        request.perform()
    } else {
        Err(Errno::EIO)
    };
    request.total(again)
}

/// Adds the event of a request and gives the request back.
fn deliver(process: &'static Process, request: &'static Request, result: i64) {
    let Some(context) = request.context() else {
        return;
    };
    #[cfg(feature = "faults")]
    if request.work() == Work::Read && result > 0 && super::faults::corrupts_read() {
        request.corrupt();
    }
    let held = context.enter();
    request.pass_to(FINISHING);
    context.count(-1);
    request.result.store(result, Relaxed);
    context.publish(request.event());
    request.pass_to(NOBODY);
    process.release(request);
    held.notify();
}

impl Lanes {
    fn all(&self) -> impl Iterator<Item = &'static Lane> {
        // SAFETY: null or a lane, and those stay for good.
        let follow = |link: &AtomicPtr<Lane>| unsafe { link.load(Acquire).as_ref() };
        core::iter::successors(follow(&self.first), move |lane: &&'static Lane| follow(&lane.next))
    }

    /// A lane for the calling thread.
    ///
    /// # Errors
    /// `ENOMEM`; `EPERM` where it would not do; what the kernel says of the ring.
    #[cold]
    pub(crate) fn make(&self, process: &'static Process, trial: u32) -> Result<&'static Lane> {
        let engine = &process.engine;
        if !engine.sees_descriptors() {
            // A child that borrows the memory: the ring would end with it.
            return Err(Errno::ENOMEM);
        }
        // Before Linux 6.7 a ring cannot be woken; and a filter may kill for what making one takes.
        if engine.nudged.load(SeqCst) != 0
            || engine.carrier.is_open()
            || engine.is_unfiltered() && seccomp::mode_is_set()
        {
            return Err(Errno::EPERM);
        }
        let _quiet = thread::quiet();
        let taken = |lane: &&'static Lane| lane.state.compare_exchange(FREE, OWNED, SeqCst, SeqCst).is_ok();
        let lane = match self.all().find(taken) {
            Some(lane) => lane,
            None => self.grow()?,
        };
        if let Err(e) = lane.open() {
            lane.state.store(FREE, Release);
            return Err(e);
        }
        lane.waits.store(trial, Relaxed);
        lane.price.store(trial, Relaxed);
        Ok(lane)
    }

    fn grow(&self) -> Result<&'static Lane> {
        let memory = map::wiped(size_of::<Lane>().next_multiple_of(map::PAGE))?.cast::<Lane>();
        // SAFETY: mapped, aligned, zeroed (a valid lane), and it stays for good.
        let lane: &'static Lane = unsafe { memory.as_ref() };
        lane.state.store(OWNED, Relaxed);
        let mut first = self.first.load(Acquire);
        loop {
            lane.next.store(first, Relaxed);
            match self.first.compare_exchange(first, memory.as_ptr(), SeqCst, Acquire) {
                Ok(_) => return Ok(lane),
                Err(now) => first = now,
            }
        }
    }

    /// Has the library's thread look around, as something is in flight.
    #[inline]
    fn watch(&self, process: &'static Process) {
        if self.watched.load(SeqCst) == 0 {
            self.watched.store(1, SeqCst);
            process.engine.wake();
        }
    }

    /// Somebody waits for what may be in another thread's lane.
    #[cold]
    pub(crate) fn hurry(&self, process: &'static Process) {
        if self.all().any(|lane| lane.in_flight.load(SeqCst) != 0) {
            self.urgent.store(URGENT_LOOKS, SeqCst);
            self.watched.store(1, SeqCst);
            process.engine.wake();
        }
    }

    /// Nanoseconds that the library's thread may sleep at most.
    #[inline]
    pub(crate) fn patience(&self) -> Option<u64> {
        match self.watched.load(SeqCst) {
            0 => None,
            _ if self.urgent.load(Relaxed) != 0 => Some(SOON),
            _ => Some(LOOK),
        }
    }

    /// Looks around, for the library's thread: gives `each` the requests whose threads do not come for
    /// them, with what the kernel says. Whether there were any.
    pub(crate) fn patrol(&self, mut each: impl FnMut(&'static Request, Verdict)) -> bool {
        let Some(pause) = self.patience() else { return false };
        let now = futex::now();
        let next = self.next_look.load(Relaxed);
        // Somebody may have come to wait meanwhile.
        if now < next && now + pause >= next {
            return false;
        }
        self.next_look.store(now + pause, Relaxed);
        let urgent = self.urgent.load(Relaxed);
        self.urgent.store(urgent.saturating_sub(1), Relaxed);
        let (mut any, mut found) = (false, false);
        for lane in self.all() {
            if lane.state.load(Acquire) == FREE {
                continue;
            }
            any |= lane.in_flight.load(SeqCst) != 0;
            let Some(_held) = lane.lock.try_lock() else {
                continue;
            };
            let left = lane.state.load(Acquire) == LEFT;
            // One that sleeps in its ring is woken by what comes, and takes it.
            let asleep = !left && lane.asleep.load(Acquire) >= now;
            let looks = lane.looks.load(Relaxed);
            let stays_away = lane.seen.swap(looks, Relaxed) == looks;
            while !asleep
                && lane.is_busy()
                && let Some(cqe) = lane.ring().peek()
            {
                let request = lane.request(&cqe);
                let shared = request.and_then(Request::context).is_some_and(Context::is_shared);
                if !left && !shared && !stays_away {
                    break;
                }
                let Some((request, res)) = lane.next() else { break };
                if !left && !shared {
                    lane.demote();
                }
                lane.in_flight.fetch_sub(1, SeqCst);
                found = true;
                // Its thread may have ended, and not said so.
                each(request, verdict(request, res, true));
            }
            if left && !lane.is_busy() {
                lane.close();
            }
        }
        let idle = if any { 0 } else { self.idle_looks.load(Relaxed) + 1 };
        self.idle_looks.store(idle, Relaxed);
        if idle >= IDLE_LOOKS {
            self.idle_looks.store(0, Relaxed);
            self.watched.store(0, SeqCst);
            // Whoever came in between saw that somebody looks.
            if self.all().any(|lane| lane.in_flight.load(SeqCst) != 0) {
                self.watched.store(1, SeqCst);
            }
        }
        found
    }
}
