//! The ring lane, from within: the thread that creates, drives and closes the ring.

mod select;

use super::abi::IoEvent;
use super::cancel::Wish;
use super::carrier::{self, Carrier};
use super::config::Issuer;
use super::context::InUse;
use super::engine::{ASLEEP, Batch, FAILED, Order, RUNNING, live};
use super::files::{self, Files};
use super::fixed::{self, Change};
use super::log;
use super::own::Verdict;
use super::process::Process;
use super::request::{
    self, BLOCKING_SIGNAL, BY_SLOT, CANCELLED, CARRIED, DRIVER, FINISHING, KEPT, List, NO_SLOT, NOBODY, NOWAIT_ADDED,
    ODD_SIGNAL, ODD_TRANSFER, RAW, Request, SEEN, SETTLED, SIGNAL_BY_NUMBER, SILENT, SOCKET, TAKEN_BACK, TRACKED, TRUE,
    USER_NOWAIT, Work,
};
use super::seeded;
use crate::sys::{Errno, Result, file, futex, map, seccomp, thread};
use crate::uring::{Cqe, Params, Ring, Sqe, Timespec, abi as uring, probe, register, setup};
use core::sync::atomic::{
    AtomicI32, AtomicU32,
    Ordering::{Relaxed, SeqCst},
};

impl thread::Body for Process {
    fn run(&'static self) {
        thread::name(c"aiouring");
        let engine = &self.engine;
        engine.thread.store(thread::own_id(), SeqCst);
        if let Some(ring) = engine.carrier.left_ring() {
            let mut driver = Driver::of(self, ring, 0);
            driver.is_heir = true;
            return driver.go_on();
        }
        // It is not needed, so no filter is asked.
        if engine.is_unfiltered() {
            thread::leave_directories();
        }
        match Driver::new(self) {
            Ok(mut driver) => {
                engine.state.store(RUNNING, SeqCst);
                futex::wake(&engine.state, futex::ALL);
                driver.run();
            }
            Err(e) => {
                engine.error.store(e.number(), SeqCst);
                engine.state.store(FAILED, SeqCst);
                futex::wake(&engine.state, futex::ALL);
            }
        }
    }
}

/// User data of what is not a request; requests are aligned to 64.
const WAKE: u64 = 1;
const UNHEEDED: u64 = 2;
const TICK: u64 = 3;
/// What became of a cancellation that [`Driver::cancel`] wants to know of.
const TAKEN: u64 = 6;
/// With a request's address: the write to its eventfd, the descriptor for one that is full, the
/// slot for it, and the pause before it is armed anew.
const SIGNAL: u64 = 4;
const DESCRIPTOR: u64 = 8;
const HOLD: u64 = 16;
const PAUSED: u64 = 32;
/// The same by a link, with the slot in the bits above [`KIND`].
const LINKED_SIGNAL: u64 = 5;
/// As [`HOLD`], the slot of the file.
const HOLD_FILE: u64 = 48;
const KIND: u64 = 63;

/// Nanoseconds after which a write to an eventfd is taken back: longer than a kernel worker takes
/// unless the machine is busy, and only ever used up by an eventfd that is full.
const SIGNAL_GRACE: u64 = 2_000_000;

/// Looks at the queue before the kernel's thread gets a moment's rest to take it.
const TAKER_ROUNDS: u32 = 1000;
/// Milliseconds that the kernel's thread spins before it sleeps.
const SQPOLL_IDLE: u32 = 20;
/// Nanoseconds between two looks for a filter that has come, and calls without an effect after which
/// the ring counts as one that cannot be entered.
const LOOK: u64 = 1_000_000;
const VAIN: u32 = 1000;

/// For a ring without a descriptor.
pub(crate) const NAMELESS: u32 = uring::IORING_SETUP_NO_MMAP | uring::IORING_SETUP_REGISTERED_FD_ONLY;

const SQ_ENTRIES: u32 = 128;
const CQ_ENTRIES: u32 = 4096;
/// Completions that may be awaited before transfers are refused: what finds no room in the queue is
/// lost if the ring cannot be entered any more. The rest is for what is not counted, as are polls beyond
/// so many: they seldom end together, and not when the ring is lost.
const MOST_AWAITED: u32 = CQ_ENTRIES - 2 * SQ_ENTRIES;
const MOST_POLLS: u32 = MOST_AWAITED / 2;

/// So many entries the kernel gets at first, and then twice as many each time: it keeps what it gets
/// at once from the device until it has prepared all of it.
const FIRST_CHUNK: u32 = 4;

/// Nanoseconds that [`Driver::linger`] takes, and how often work has to have come so soon of late.
const AT_ONCE: u64 = 8_000;
const PAYS: u32 = 2;

/// See [`Driver::last_deed`].
const EVENTS: usize = 0;
const HAND_OVER: usize = 1;

/// How often this thread looks around at once after one of the program has left.
const FIRST_LOOKS: u32 = 50;
/// Seconds and nanoseconds between two looks then, and later.
static TICK_TIME: [u64; 2] = [0, 20_000_000];
static SLOW_TICK_TIME: [u64; 2] = [1, 0];
/// Seconds and nanoseconds before a poll is armed anew.
static PAUSE: [u64; 2] = [0, 10_000_000];

/// `FUTEX2_SIZE_U32` and `FUTEX2_PRIVATE`.
pub(crate) const FUTEX_FLAGS: i32 = 2 | 128;

static UNUSED_WORD: AtomicU32 = AtomicU32::new(0);
static ONE: u64 = 1;
/// The fault `silent`.
static NONE: u64 = 0;
static NOTHING: i32 = -1;

/// What enters the kernel: the library's thread, or the program's threads in turn.
pub(crate) struct Driver {
    process: &'static Process,
    ring: &'static Ring,
    /// Counts the rounds of hand-over; requests of the present one have submitters that wait.
    epoch: u64,
    /// The batches of the present round.
    batches: *const Batch,
    slots: Slots,
    /// The files that are held as requests for them recur.
    files: Files,
    /// An eventfd of this round of hand-over, and the slot that holds it.
    shared: Option<(i32, u32)>,
    /// A request that signals its eventfd for itself and all that follow, until these are another
    /// eventfd's or there are no more.
    signal: Option<&'static Request>,
    /// The kernel has futex requests: Linux 6.7.
    has_futex: bool,
    /// Whether something will wake the thread.
    armed: bool,
    /// `IOSQE_CQE_SKIP_SUCCESS`, where the kernel has it.
    quiet: u8,
    /// Requests whose events were left to other threads.
    unfinished: Option<&'static Request>,
    /// The contexts whose sleepers have yet to be woken.
    touched: [Option<InUse<'static>>; 8],
    /// Requests whose eventfds are being written to.
    signalling: List,
    /// Polls that are true wait for the kernel to let go of their files.
    releasing: bool,
    /// Whether it pays to look for work before sleeping, after events and after a hand-over: how often
    /// it did, of late.
    pays: [u32; 2],
    /// Which of them: what this thread did last.
    last_deed: usize,
    /// When it had nothing to do any more.
    idle_since: Option<u64>,
    /// There is a processor to do it on.
    may_linger: bool,
    /// A thread of the program has left that the process may end with, see [`Driver::watch`].
    watching: bool,
    /// Looks since the last one did.
    looks: u32,
    /// The ring cannot be entered any more, see [`Driver::fail_over`].
    fallen: bool,
    /// Transfers and syncs in the ring.
    in_ring: u32,
    /// Entries in the ring whose completions are of interest, and the polls among them.
    awaited: u32,
    polls: u32,
    /// Nothing ended when this round of hand-over waited for it.
    stuck: bool,
    /// No seccomp filter was in force so far, and when to look again.
    unfiltered: bool,
    next_look: u64,
    /// Calls in a row that had no effect.
    vain: u32,
    /// Cancellations whose outcome the kernel has yet to say, and those that had one.
    unheard: u32,
    taken: u32,
    /// Where to begin to look for the number of a buffer group.
    next_group: u16,
    /// The thread that made the ring has gone, and how many looks at the ring since then were in vain.
    is_heir: bool,
    quiet_looks: u32,
}

impl Driver {
    /// For the library's thread.
    fn new(process: &'static Process) -> Result<Self> {
        // The best ring first: no descriptor that the program could close or a child inherit. Then
        // what older kernels have. Completions come with any system call of this thread, so that they
        // come even when the ring can no longer be entered.
        let single =
            uring::IORING_SETUP_SINGLE_ISSUER | uring::IORING_SETUP_COOP_TASKRUN | uring::IORING_SETUP_TASKRUN_FLAG;
        let all = uring::IORING_SETUP_SUBMIT_ALL;
        let driver = Self::first_of(process, &[single | NAMELESS | all, single | all, all, 0], 0)?;
        if !driver.has_futex {
            thread::take_nudges();
            process.engine.nudged.store(thread::own_id(), SeqCst);
        }
        Ok(driver)
    }

    /// For the program's threads, any of which may enter; with the kernel's own thread if `sqpoll`.
    pub(crate) fn for_callers(process: &'static Process, sqpoll: bool) -> Result<Self> {
        let all = uring::IORING_SETUP_SUBMIT_ALL;
        let driver = if sqpoll {
            Self::first_of(
                process,
                &[all | uring::IORING_SETUP_SQPOLL, uring::IORING_SETUP_SQPOLL],
                SQPOLL_IDLE,
            )?
        } else {
            Self::first_of(process, &[all, 0], 0)?
        };
        // Waits with an end must not take the submission queue.
        if driver.ring.features & uring::IORING_FEAT_EXT_ARG == 0 {
            driver.close();
            return Err(Errno::ENOSYS);
        }
        Ok(driver)
    }

    /// With the first of these flags that the kernel takes.
    fn first_of(process: &'static Process, candidates: &[u32], sq_thread_idle: u32) -> Result<Self> {
        let mut ring = Ring::zeroed();
        let mut error = Errno::EINVAL;
        for &flags in candidates {
            #[cfg(feature = "faults")]
            if super::faults::old_kernel() && flags & !uring::IORING_SETUP_SQPOLL != 0 {
                continue;
            }
            let mut params = Params {
                flags: flags | uring::IORING_SETUP_CQSIZE | uring::IORING_SETUP_CLAMP,
                cq_entries: CQ_ENTRIES,
                sq_thread_idle,
                ..Params::default()
            };
            match setup::init_params(SQ_ENTRIES, &mut ring, &mut params) {
                Ok(()) => {
                    let needed = uring::IORING_FEAT_NODROP
                        | uring::IORING_FEAT_SUBMIT_STABLE
                        | uring::IORING_FEAT_NATIVE_WORKERS
                        | uring::IORING_FEAT_RSRC_TAGS;
                    if params.features & needed != needed {
                        setup::exit(&mut ring);
                        return Err(Errno::ENOSYS);
                    }
                    // A child knows nothing of the ring, and would keep its memory.
                    let _ = setup::dont_fork(&ring);
                    return Self::with(process, ring, params.features);
                }
                // Flags of a later kernel, or memory that it will not take.
                Err(e @ (Errno::EINVAL | Errno::EFAULT | Errno::ENOMEM)) => error = e,
                Err(e) => return Err(e),
            }
        }
        Err(error)
    }

    #[allow(unsafe_code)]
    fn with(process: &'static Process, mut ring: Ring, features: u32) -> Result<Self> {
        let place = match map::wiped(size_of::<Ring>()) {
            Ok(place) => place.cast::<Ring>().as_ptr(),
            Err(e) => {
                setup::exit(&mut ring);
                return Err(e);
            }
        };
        // SAFETY: a page-aligned mapping of the ring's size that nobody else knows; it stays for
        // good, as the ring does.
        let ring: &'static Ring = unsafe {
            place.write(ring);
            &*place
        };
        let has_futex = probe::supported(ring, uring::IORING_OP_FUTEX_WAIT);
        #[cfg(feature = "faults")]
        let has_futex = has_futex && !super::faults::old_kernel();
        let mut driver = Self::of(process, ring, features);
        driver.slots.fill(ring);
        driver.has_futex = has_futex;
        driver.unfiltered = process.engine.is_unfiltered();
        Ok(driver)
    }

    fn of(process: &'static Process, ring: &'static Ring, features: u32) -> Self {
        Self {
            process,
            ring,
            epoch: 0,
            batches: core::ptr::null(),
            slots: Slots::NONE,
            files: Files::new(process.config.auto_files() && process.config.issuer() == Issuer::Thread),
            shared: None,
            signal: None,
            has_futex: false,
            armed: false,
            quiet: if features & uring::IORING_FEAT_CQE_SKIP != 0 {
                uring::IOSQE_CQE_SKIP_SUCCESS
            } else {
                0
            },
            unfinished: None,
            touched: [const { None }; 8],
            signalling: List::default(),
            releasing: false,
            pays: [0; 2],
            last_deed: EVENTS,
            idle_since: None,
            may_linger: process.config.possible_cpus() > 1,
            watching: false,
            looks: 0,
            fallen: false,
            in_ring: 0,
            awaited: 0,
            polls: 0,
            stuck: false,
            unfiltered: false,
            next_look: 0,
            vain: 0,
            unheard: 0,
            taken: 0,
            next_group: 0,
            is_heir: false,
            quiet_looks: 0,
        }
    }

    /// Ends a ring that nothing was submitted to.
    #[allow(unsafe_code)]
    fn close(self) {
        let ring = (&raw const *self.ring).cast_mut();
        // SAFETY: this driver is the only user of the ring, and goes with it.
        unsafe {
            setup::exit(&mut *ring);
            map::unmap(ring.cast(), size_of::<Ring>());
        }
    }

    pub(crate) fn ring(&self) -> &'static Ring {
        self.ring
    }

    /// Brings one batch into the kernel.
    pub(crate) fn serve_one(&mut self, batch: &Batch) {
        if batch.first.get().is_none() && self.ring.flags & uring::IORING_SETUP_SQPOLL != 0 {
            // The kernel's thread notices polls that are true after it has taken requests: between
            // the first and the second of these, and the same for those that are taken back then.
            for _ in 0..4 {
                self.leave_entry();
                while self.ring.sq_ready() != 0 && !self.fallen {
                    self.enter(0);
                }
                self.reap();
            }
        }
        self.batches = &raw const *batch;
        self.serve();
    }

    /// Turns the completions that are there into events.
    pub(crate) fn fetch(&mut self) {
        if self.ring.kernel_holds_completions() {
            self.enter(0);
        }
        self.reap();
    }

    /// Whether events were left to threads that had their ring.
    pub(crate) fn owes_events(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Leaves a completion in the ring, which ends the sleep of whoever waits for one.
    pub(crate) fn leave_entry(&mut self) {
        self.push(&Sqe {
            opcode: uring::IORING_OP_NOP,
            fd: -1,
            user_data: UNHEEDED,
            ..Sqe::default()
        });
    }

    /// Hands over what completions left in the queue.
    pub(crate) fn settle(&mut self) {
        if self.ring.sq_ready() > 0 {
            self.enter(0);
        }
    }

    fn run(&mut self) {
        while !self.fallen {
            if !self.signalling.is_empty() {
                self.stop_signals();
            }
            self.patrol();
            self.tend_files();
            self.batches = self.process.engine.collect();
            if let Some(batch) = live(self.batches) {
                self.is_busy_since(batch.since);
                self.serve();
                self.last_deed = HAND_OVER;
                continue;
            }
            if self.process.engine.departure.swap(0, SeqCst) != 0 {
                self.looks = 0;
                if !self.watching {
                    self.watching = true;
                    self.tick();
                }
            }
            if self.ring.peek().is_none() && !self.linger() {
                self.sleep();
            }
            self.reap();
        }
        self.go_on();
    }

    /// Looks after what the program's threads have in rings of their own.
    fn patrol(&mut self) {
        let process = self.process;
        let found = process.lanes.patrol(|request, verdict| match verdict {
            Verdict::Event(result) => self.finish(request, result),
            Verdict::Back | Verdict::Again => self.repeat(request),
        });
        if found {
            self.wind_up();
        }
    }

    /// Goes on without the ring, by kernel AIO.
    fn go_on(&mut self) {
        self.fallen = true;
        let process = self.process;
        let engine = &process.engine;
        let carrier = &engine.carrier;
        let mut events = [IoEvent::default(); carrier::BATCH];
        loop {
            self.patrol();
            carrier.serve(process, engine.collect());
            while let Some(poll) = carrier.ask(process) {
                self.finish(poll, poll.result.load(Relaxed));
            }
            // Wakes those whom the last events concern, too.
            if engine.caller.is_open() {
                self.wind_up();
            } else {
                self.reap();
            }
            if engine.departure.swap(0, SeqCst) != 0 {
                self.looks = 0;
                self.watching = true;
            }
            if self.watching {
                self.watch();
            }
            // What the ring keeps it gives up when the thread ends that made it.
            let drained = self.in_ring == 0 && self.signalling.is_empty();
            if drained && self.may_part() && carrier.encumbered.swap(false, SeqCst) {
                // It has to look around as this one does.
                engine.departure.fetch_or(self.watching.into(), SeqCst);
                if thread::spawn(process).is_ok() {
                    return;
                }
                carrier.encumbered.store(true, SeqCst);
            }
            let orphans = self.is_heir && self.has_selects();
            if orphans {
                self.bury_selects();
            }
            let impatient =
                orphans || carrier.asks() || self.unfinished.is_some() || self.watching && self.looks < FIRST_LOOKS;
            let has_context = carrier.has_context();
            let longest = if impatient || !has_context && !drained {
                10_000_000
            } else {
                1_000_000_000
            };
            let longest = process.lanes.patience().unwrap_or(longest);
            let count = if has_context {
                // Completions of the ring end this wait, too.
                carrier.take(&mut events, 1, longest)
            } else {
                self.doze(longest);
                0
            };
            for (request, result) in events.iter().take(count).filter_map(Carrier::outcome) {
                self.finish(request, result);
            }
        }
    }

    /// Whether the ring may go, and this thread with it, which made it: not before the polls whose
    /// descriptors the program has closed.
    fn may_part(&self) -> bool {
        let only_there = |r: &Request| !r.is(CARRIED | CANCELLED | TRUE);
        let engine = &self.process.engine;
        engine.carrier.encumbered.load(SeqCst)
            && !engine.caller.is_open()
            && self.unfinished.is_none()
            // They go, too, where reads are to end that have a buffer of the program.
            && (self.process.table.find_poll(&only_there).is_none() || self.has_selects())
    }

    /// Sleeps until something is handed over, at most so long.
    fn doze(&mut self, ns: u64) {
        let engine = &self.process.engine;
        let word = engine.sleep.fetch_or(ASLEEP, SeqCst) | ASLEEP;
        if engine.inbox.load(SeqCst).is_null() {
            let _ = futex::wait(&engine.sleep, word, ns);
        }
        engine.sleep.fetch_and(!ASLEEP, SeqCst);
    }

    /// The ring is not to be entered any more. What the kernel has of it ends there; what it has
    /// not taken, and whatever comes, goes to kernel AIO. So do polls, as they may wait for long.
    fn fail_over(&mut self, error: Errno) {
        if self.fallen {
            return;
        }
        self.fallen = true;
        let process = self.process;
        process.engine.nudged.store(0, SeqCst);
        process.engine.carrier.open(self.ring);
        if process.config.log() {
            log::fallen(error);
        }
        if self.ring.flags & uring::IORING_SETUP_SQPOLL != 0 {
            // Its thread takes requests without being told, unless it sleeps.
            for _ in 0..3 {
                self.await_taker();
                pause();
            }
            self.ring.recall();
            pause();
        }
        let mut index = 0;
        while let Some(sqe) = self.ring.queued(index) {
            self.withdraw(&sqe);
            index += 1;
        }
        if process.engine.caller.is_open() {
            // The kernel's events need a thread.
            let _ = thread::spawn(process);
        }
        self.forsake_selects();
        while let Some(poll) = process
            .table
            .find_poll(&|r| r.turn(CARRIED | TRUE | CANCELLED | SEEN, SEEN))
        {
            let same = file::status(poll.fd.load(Relaxed)).is_ok_and(|s| s.id == poll.file());
            // Of a file that the program has closed only the ring can tell.
            if let (true, Some(context), Ok(twin)) = (same, poll.context(), process.pool.twin(poll)) {
                if !poll.turn(CARRIED | TRUE | CANCELLED, TRUE | KEPT) {
                    // A thread of the program has taken it back in the meantime.
                    process.release(twin);
                    continue;
                }
                self.encumber();
                context.polls.remove(poll);
                context.polls.add(twin);
                twin.pass_to(DRIVER);
                process.part(poll, SETTLED);
                self.carry(twin);
            }
        }
    }

    /// What the kernel did not take.
    #[allow(unsafe_code)]
    fn withdraw(&mut self, sqe: &Sqe) {
        let tagged = match (sqe.opcode, sqe.user_data) {
            (uring::IORING_OP_ASYNC_CANCEL, _) => sqe.addr,
            (_, WAKE | TICK | UNHEEDED) => return,
            (_, linked) if linked & KIND == LINKED_SIGNAL => return,
            (_, tagged) => tagged,
        };
        // SAFETY: as in `handle`; a cancellation names what it is for by the same word.
        let request = unsafe { request::from_user_data(tagged & !KIND) };
        match (sqe.opcode, tagged & KIND) {
            // Unless it has ended by itself, and may be another request by now.
            (uring::IORING_OP_ASYNC_CANCEL, 0) if request.is(TAKEN_BACK) => self.leave(request),
            (uring::IORING_OP_ASYNC_CANCEL, _) => {}
            (_, 0 | PAUSED) if request.work() == Work::Select => {
                self.end_select(request, Errno::ECANCELED.negated(), 0);
            }
            (_, 0 | PAUSED) => {
                self.in_ring -= u32::from(request.work() != Work::Poll);
                if request.is(CANCELLED) {
                    self.process.part(request, SILENT);
                } else {
                    self.carry(request);
                }
            }
            // By its number it will be signalled in any case.
            (_, HOLD | HOLD_FILE) => {}
            _ => self.signal_by_number(request),
        }
    }

    /// Ends a poll that the ring cannot be asked to let go of.
    fn leave(&mut self, poll: &'static Request) {
        let result = if poll.is(CANCELLED) {
            0
        } else {
            poll.result.load(Relaxed)
        };
        poll.mark(KEPT);
        self.encumber();
        self.finish(poll, result);
    }

    fn encumber(&self) {
        self.process.engine.carrier.encumbered.store(true, SeqCst);
    }

    /// Passes a request on to kernel AIO.
    #[inline(never)]
    fn carry(&mut self, request: &'static Request) {
        self.transfer_ended(request);
        if let Some(result) = self.process.engine.carrier.carry(self.process, request) {
            self.finish(request, result);
        }
    }

    /// Whether the ring may be entered. A filter that kills for it may have come while this thread
    /// slept; what it does otherwise is not asked.
    fn may_enter(&mut self) -> bool {
        if self.unfiltered {
            let now = futex::now();
            if now >= self.next_look {
                self.next_look = now + LOOK;
                if seccomp::mode_is_set() {
                    self.fail_over(Errno::EPERM);
                }
            }
        }
        !self.fallen
    }

    /// Judges a call that entered the ring with so many requests queued.
    fn entered(&mut self, queued: u32, result: Result<u32>) {
        match result {
            // A sleep that a signal of the C library's ended, or a stop: nothing was to be done.
            Err(Errno::EINTR) if queued == 0 => return,
            Ok(_) | Err(Errno::EINTR | Errno::ETIME) => {}
            // Out of memory, or of room for completions: whoever called reaps and comes again.
            Err(Errno::EAGAIN | Errno::EBUSY | Errno::ENOMEM) => pause(),
            Err(e) => return self.fail_over(e),
        }
        if self.ring.cq_ready() > 0 || self.ring.sq_ready() < queued || result == Err(Errno::ETIME) {
            self.vain = 0;
            return;
        }
        self.vain += 1;
        if self.vain >= VAIN {
            self.fail_over(result.err().unwrap_or(Errno::ENOSYS));
        }
    }

    /// Looks for work for a moment before it sleeps, if work came so soon the last times: waking a thread
    /// takes longer. True when there is some.
    fn linger(&mut self) -> bool {
        let begin = futex::now();
        self.idle_since = Some(begin);
        if !self.may_linger || *self.pays() < PAYS {
            return false;
        }
        while futex::now() - begin < AT_ONCE {
            if !self.process.engine.inbox.load(SeqCst).is_null() || self.ring.cq_ready() > 0 {
                return true;
            }
            if self.ring.kernel_holds_completions() {
                self.enter(0);
                return true;
            }
            core::hint::spin_loop();
        }
        false
    }

    fn pays(&mut self) -> &mut u32 {
        let [events, hand_over] = &mut self.pays;
        if self.last_deed == EVENTS { events } else { hand_over }
    }

    /// There was something to do again at this time.
    fn is_busy_since(&mut self, now: u64) {
        if let Some(begin) = self.idle_since.take() {
            let soon = now.saturating_sub(begin) < AT_ONCE;
            let pays = self.pays();
            *pays = if soon {
                (*pays + 1).min(2 * PAYS)
            } else {
                pays.saturating_sub(1)
            };
        }
    }

    /// A process lives as long as its threads, and ends with the last one that `pthread_exit`s.
    /// This thread must not keep it alive: once the first thread has gone, it looks around.
    fn watch(&mut self) {
        if thread::company() == thread::Company::Nobody && self.process.transfers.is_empty() {
            self.watching = false;
            return thread::exit_process();
        }
        self.looks = self.looks.saturating_add(1);
        self.tick();
    }

    fn tick(&mut self) {
        self.push(&Sqe {
            opcode: uring::IORING_OP_TIMEOUT,
            fd: -1,
            addr: if self.looks < FIRST_LOOKS {
                &raw const TICK_TIME as u64
            } else {
                &raw const SLOW_TICK_TIME as u64
            },
            len: 1,
            user_data: TICK,
            ..Sqe::default()
        });
    }

    /// Brings the requests of all waiting submitters into the kernel and lets the submitters go.
    fn serve(&mut self) {
        self.epoch += 1;
        self.shared = None;
        self.stuck = false;
        let mut chunk = FIRST_CHUNK;
        let mut at = self.batches;
        while let Some(batch) = live(at) {
            let mut next = batch.first.get();
            while let Some(request) = next {
                next = request.chain.get();
                if !request.work().waits() {
                    request.mark_if(self.process.transfers.begin(), ODD_TRANSFER);
                }
                if let Some(context) = request.context() {
                    context.count(1);
                }
                request.epoch.store(self.epoch, Relaxed);
                request.batch.store(at as usize, Relaxed);
                request.pass_to(DRIVER);
                self.enlist(request);
                self.make_way();
                self.issue(request);
                if self.ring.sq_ready() >= chunk {
                    self.enter(0);
                    chunk *= 2;
                }
            }
            match batch.order {
                Order::Submit => {}
                _ if self.fallen => self.process.engine.carrier.obey(self.process, batch),
                Order::Cancel(wish) => {
                    // A poll that has come true by now is no longer pending.
                    self.enter(0);
                    self.reap();
                    let taken = self.cancel(&wish);
                    batch.cancelled.store(taken, SeqCst);
                }
                Order::Saturate(eventfd, count) => {
                    saturate(eventfd, count);
                }
                Order::Buffers(change) => self.change_buffers(change),
                Order::Hold(file) => {
                    let held = self.with_files(|files, slots| files.register(file, slots));
                    batch.cancelled.store(held.into(), SeqCst);
                }
                Order::Drop(fd) => {
                    let held = self.with_files(|files, slots| files.unregister(fd, slots));
                    batch.cancelled.store(held.into(), SeqCst);
                }
                Order::Bind(context) => self.bind(context),
                Order::Unbind(context) => self.unbind(context),
            }
            at = batch.next.load(SeqCst);
        }
        // The kernel has them, and has said which writes it cannot start without blocking.
        self.enter(0);
        self.reap();
        while self.ring.sq_ready() != 0 && !self.fallen {
            self.enter(0);
            self.reap();
        }
        let mut at = core::mem::replace(&mut self.batches, core::ptr::null());
        while let Some(batch) = live(at) {
            at = batch.next.load(SeqCst);
            batch.finish();
        }
    }

    #[allow(unsafe_code)]
    fn change_buffers(&mut self, change: *const Change) {
        // What comes before a change has the buffers that were.
        self.enter(0);
        if self.may_enter() {
            // SAFETY: whoever wants the change waits until the batch is done.
            unsafe { &*change }.make(self.ring, &self.process.buffers);
        }
    }

    /// Does something with the files that recur.
    fn with_files<T>(&mut self, what: impl FnOnce(&mut Files, &mut InRing<'_>) -> T) -> T {
        let (ring, slots) = (self.ring, &mut self.slots);
        what(&mut self.files, &mut InRing { ring, slots })
    }

    /// Lets go of files that the program has closed.
    fn tend_files(&mut self) {
        if self.files.patience().is_some() && self.may_enter() {
            self.with_files(|files, slots| files.tend(futex::now(), slots));
        }
    }

    /// How long nobody has to look around.
    fn longest_sleep(&self) -> Option<u64> {
        match (self.process.lanes.patience(), self.files.patience()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn sleep(&mut self) {
        let engine = &self.process.engine;
        let word = engine.sleep.fetch_or(ASLEEP, SeqCst) | ASLEEP;
        if engine.inbox.load(SeqCst).is_null() && engine.departure.load(SeqCst) == 0 {
            self.arm(word);
            if self.unfinished.is_some() || !self.signalling.is_empty() {
                // Whoever has the ring is interrupted, or an eventfd full, and may be for long.
                self.await_completions(1_000_000);
            } else if self.has_futex
                && let Some(ns) = self.longest_sleep()
            {
                self.await_completions(ns);
            } else if self.has_futex {
                self.enter(1);
            } else {
                self.enter(0);
                if self.ring.peek().is_none() && !self.fallen {
                    // Completions of the ring end this, too, but for one that comes right before it.
                    let longest = self.files.patience().unwrap_or(0);
                    thread::await_nudge(if self.awaited > 0 { 5_000_000 } else { longest });
                }
            }
        }
        engine.sleep.fetch_and(!ASLEEP, SeqCst);
    }

    /// Sees to it that a hand-over ends the sleep.
    fn arm(&mut self, word: u32) {
        if self.armed || !self.has_futex {
            return;
        }
        self.armed = true;
        let engine = &self.process.engine;
        self.push(&Sqe {
            opcode: uring::IORING_OP_FUTEX_WAIT,
            fd: FUTEX_FLAGS,
            addr: engine.sleep.as_ptr() as u64,
            off: word.into(),
            addr3: u64::from(u32::MAX),
            user_data: WAKE,
            ..Sqe::default()
        });
    }

    /// Queues an entry; false when the ring is out of use.
    #[inline(never)]
    fn push(&mut self, sqe: &Sqe) -> bool {
        while !self.fallen {
            if self.ring.push(sqe) {
                self.awaited += is_awaited(sqe.user_data);
                let waits = sqe.opcode == uring::IORING_OP_POLL_ADD || sqe.flags & uring::IOSQE_BUFFER_SELECT != 0;
                self.polls += u32::from(waits);
                return true;
            }
            self.enter(0);
        }
        false
    }

    /// Whether the ring has as many transfers as its completions have room.
    fn is_crowded(&self) -> bool {
        self.awaited.saturating_sub(self.polls.saturating_sub(MOST_POLLS)) >= MOST_AWAITED
    }

    /// Waits while there are too many transfers, for a device that does them, as kernel AIO does.
    fn make_way(&mut self) {
        while self.is_crowded() && self.in_ring > 0 && !self.stuck && !self.fallen {
            let before = self.in_ring;
            self.await_completions(1_000_000);
            self.reap();
            self.stuck = self.in_ring == before;
        }
    }

    /// Makes room for entries that belong together.
    fn make_room(&mut self, entries: u32) {
        while self.ring.sq_space_left() < entries && !self.fallen {
            self.enter(0);
        }
    }

    /// Gives the kernel what is in the SQ and lets it run completions; `wait` for that many.
    #[inline(never)]
    fn enter(&mut self, wait: u32) {
        if !self.may_enter() {
            return;
        }
        let queued = self.ring.sq_ready();
        let result = self.ring.submit_and_fetch(wait);
        self.await_taker();
        // With nothing to hand over and nothing to wait for there is nothing to expect.
        self.entered(if wait == 0 && queued == 0 { u32::MAX } else { queued }, result);
    }

    /// With a thread of the kernel that takes the requests, gives it a moment to do so.
    fn await_taker(&self) {
        for round in 0..TAKER_ROUNDS {
            if self.ring.flags & uring::IORING_SETUP_SQPOLL == 0 || self.ring.sq_ready() == 0 {
                return;
            }
            if round < TAKER_ROUNDS - 1 {
                core::hint::spin_loop();
            } else {
                let pause = AtomicU32::new(0);
                let _ = futex::wait(&pause, 0, 50_000);
            }
        }
    }

    /// Gives the kernel what is in the SQ and waits for a completion, for so many nanoseconds.
    fn await_completions(&mut self, ns: u64) {
        if !self.may_enter() {
            return;
        }
        let queued = self.ring.sq_ready();
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: ns as i64,
        };
        let result = self.ring.wait_at_most(&time, core::ptr::null(), true, 1);
        self.entered(queued, result);
    }

    /// Turns the completions that are there into events.
    fn reap(&mut self) {
        // One completion makes at most four entries: signal, clear, clear, or the request anew.
        let mut written = false;
        loop {
            while let Some(cqe) = self.ring.peek() {
                if self.ring.sq_space_left() < 4 && !self.fallen {
                    self.enter(0);
                    continue;
                }
                self.ring.advance(1);
                self.handle(cqe);
            }
            self.conclude_late();
            self.send_signal();
            if !written && self.ring.sq_ready() != 0 && !self.fallen && (self.releasing || !self.signalling.is_empty())
            {
                // Whoever is woken waits for the eventfds: those that do not block are done now.
                written = true;
                self.releasing = false;
                self.enter(0);
                continue;
            }
            written = false;
            self.announce();
            if self.ring.peek().is_none() {
                return;
            }
        }
    }

    /// What there is to do without a look at the ring.
    fn wind_up(&mut self) {
        self.conclude_late();
        self.announce();
    }

    /// Wakes those who sleep on the contexts that have new events.
    fn announce(&mut self) {
        for touched in &mut self.touched {
            if let Some(context) = touched.take() {
                context.notify();
            }
        }
    }

    /// Remembers to wake those who sleep on a context.
    fn touch(&mut self, context: InUse<'static>) {
        if self.touched.iter().flatten().any(|t| core::ptr::eq(**t, *context)) {
            return;
        }
        match self.touched.iter_mut().find(|t| t.is_none()) {
            Some(place) => *place = Some(context),
            None => context.notify(),
        }
    }

    #[allow(unsafe_code)]
    fn handle(&mut self, cqe: Cqe) {
        if cqe.flags & uring::IORING_CQE_F_MORE == 0 {
            self.awaited = self.awaited.saturating_sub(is_awaited(cqe.user_data));
        }
        match cqe.user_data {
            WAKE => self.armed = false,
            TICK => self.watch(),
            UNHEEDED => {}
            TAKEN => {
                self.unheard = self.unheard.saturating_sub(1);
                self.taken += u32::from(cqe.res == 0);
            }
            tag if tag & KIND == fixed::TAG => {
                // SAFETY: tags carry the address of a request.
                let request = unsafe { request::from_user_data(tag & !KIND) };
                if fixed::released(self.process, request, self.fallen) {
                    self.finish(request, 0);
                }
            }
            linked if linked & KIND == LINKED_SIGNAL => self.empty_slot((linked / (KIND + 1)) as u32),
            // SAFETY: everything else that this thread submits carries a request's address.
            tagged => unsafe {
                let request = request::from_user_data(tagged & !KIND);
                match tagged & KIND {
                    SIGNAL => self.signal_ended(request, cqe.res),
                    DESCRIPTOR => self.saturate(request, cqe.res),
                    HOLD => self.not_held(request, cqe.res),
                    HOLD_FILE => self.file_not_held(request, cqe.res),
                    _ => self.complete(request, &cqe),
                }
            },
        }
    }

    /// Puts a request into the SQ.
    fn issue(&mut self, request: &'static Request) {
        if request.work() == Work::Select {
            return self.begin_select(request);
        }
        if self.fallen {
            return self.carry(request);
        }
        let crowded = request.work() != Work::Poll && self.is_crowded();
        if crowded || !self.hold_files(request) {
            self.shared = None;
            self.release_files(request);
            return self.refuse(request);
        }
        let mut fill = None;
        let mut sqe = Sqe {
            fd: request.fd.load(Relaxed),
            user_data: request::user_data(request),
            ioprio: request.ioprio.load(Relaxed) as u16,
            ..Sqe::default()
        };
        match request.work() {
            Work::Read | Work::Write => {
                if self.signals_by_link() && request.slot.load(Relaxed) != NO_SLOT {
                    // It must not come back: the eventfd would be signalled before it is done.
                    request.unmark(NOWAIT_ADDED);
                    request.unfix();
                }
                sqe = request.transfer();
                if self.files.are_of_use()
                    && self.may_enter()
                    && let Some(slot) = self.with_files(|files, slots| files.slot(request, slots))
                {
                    sqe.fd = slot as i32;
                    sqe.flags |= uring::IOSQE_FIXED_FILE;
                    request.mark(BY_SLOT);
                }
            }
            Work::Sync | Work::DataSync => {
                let slot = request.file_slot.load(Relaxed);
                sqe = sync_of(request, slot);
                // The sync is off if that fails. Its completion would be, too, were this one's.
                fill = Some(Sqe {
                    flags: uring::IOSQE_IO_LINK,
                    ..self.slot_update(slot, fill_address(&request.fd), UNHEEDED)
                });
            }
            Work::Tag => return,
            Work::Poll => {
                sqe.opcode = uring::IORING_OP_POLL_ADD;
                sqe.len = uring::IORING_POLL_ADD_MULTI;
                let events = request.events.load(Relaxed) | ANYTHING;
                // The kernel reads the two halves of the word in its own order.
                sqe.op_flags = if cfg!(target_endian = "big") {
                    events.rotate_left(16)
                } else {
                    events
                };
            }
            Work::Select => {}
        }
        let mut chain = [fill, Some(sqe), None, None];
        let [_, _, hold, signal] = &mut chain;
        if request.work() == Work::Write && self.has_futex {
            *hold = Some(holding(self.quiet, UNHEEDED));
        }
        if self.signals_by_link() && request.slot.load(Relaxed) != NO_SLOT {
            // It looks the slot up when it runs, and gives it back.
            let slot = request.slot.swap(NO_SLOT, Relaxed);
            *signal = Some(signal_to(slot, LINKED_SIGNAL + u64::from(slot) * (KIND + 1)));
        }
        if self.push_linked(chain.into_iter().flatten()) {
            self.in_ring += u32::from(request.work() != Work::Poll);
        } else {
            self.carry(request);
        }
    }

    /// Nobody may be there to signal an eventfd after the event: the kernel does it.
    fn signals_by_link(&self) -> bool {
        self.process.engine.caller.is_open()
    }

    /// Queues requests each of which begins when the one before it is over, however that ended unless
    /// its flags say more.
    fn push_linked(&mut self, chain: impl Iterator<Item = Sqe> + Clone) -> bool {
        let mut left = chain.clone().count() as u32;
        // They go into one submission.
        self.make_room(left);
        for mut sqe in chain {
            left -= 1;
            if left > 0 && sqe.flags & uring::IOSQE_IO_LINK == 0 {
                sqe.flags |= uring::IOSQE_IO_HARDLINK;
            }
            self.push(&sqe);
        }
        !self.fallen
    }

    /// A consumed SQE does not mean that its file is held: a sync looks its descriptor up when it
    /// runs, and an eventfd is written when all is over. Both are held in slots of the ring's
    /// file table, which the program cannot close; a duplicate it could, and use the number for
    /// a file of its own. False when there are not enough slots.
    ///
    /// Only the submitter could do a poll, and would block: one whose eventfd gets no slot goes without.
    fn hold_files(&mut self, request: &'static Request) -> bool {
        let sync = matches!(request.work(), Work::Sync | Work::DataSync);
        let named = request.is(SIGNAL_BY_NUMBER) || request.slot.load(Relaxed) != NO_SLOT;
        let resfd = request.resfd.load(Relaxed);
        if resfd >= 0 && !named {
            // With a link each gives its slot back by itself.
            let known = self
                .shared
                .filter(|(eventfd, _)| *eventfd == resfd && !self.signals_by_link());
            if let Some((_, slot)) = known {
                self.slots.share(slot);
                request.slot.store(slot, Relaxed);
            } else if let Some(slot) = self.slots.take() {
                request.slot.store(slot, Relaxed);
                self.shared = Some((resfd, slot));
                let tagged = request::user_data(request) | HOLD;
                self.push(&self.slot_update(slot, fill_address(&request.resfd), tagged));
            } else if request.work().waits() {
                request.mark(SIGNAL_BY_NUMBER);
            } else {
                return false;
            }
        }
        if sync && let Some(slot) = self.slots.take() {
            request.file_slot.store(slot, Relaxed);
        }
        !sync || request.file_slot.load(Relaxed) != NO_SLOT
    }

    /// The kernel may not have put the eventfd into its slot, for want of memory.
    fn not_held(&mut self, request: &'static Request, res: i32) {
        // One that was closed is not to be signalled.
        if res >= 0 || res == Errno::EBADF.negated() {
            return;
        }
        match request.slot.load(Relaxed) {
            NO_SLOT => request.mark(SIGNAL_BY_NUMBER),
            slot => {
                self.slots.spoil(slot);
                self.shared = None;
            }
        }
    }

    #[inline(never)]
    fn slot_update(&self, index: u32, fds: u64, user_data: u64) -> Sqe {
        Sqe {
            opcode: uring::IORING_OP_FILES_UPDATE,
            flags: self.quiet,
            fd: -1,
            addr: fds,
            len: 1,
            off: u64::from(index),
            user_data,
            ..Sqe::default()
        }
    }

    fn release_files(&mut self, request: &'static Request) {
        for slot in [&request.slot, &request.file_slot] {
            let index = slot.swap(NO_SLOT, Relaxed);
            if index != NO_SLOT {
                self.empty_slot(index);
            }
        }
    }

    /// A request has no use for a slot any more.
    fn empty_slot(&mut self, index: u32) {
        if !self.slots.give_back(index) {
            return;
        }
        self.shared = self.shared.filter(|(_, slot)| *slot != index);
        let sqe = self.slot_update(index, &raw const NOTHING as u64, UNHEEDED);
        if !self.push(&sqe) {
            self.encumber();
        }
    }

    /// There is no room in the file table: whoever submitted does the request, while it still can.
    fn refuse(&mut self, request: &'static Request) {
        match (request.work(), request.context()) {
            (Work::Poll, Some(context)) => context.polls.remove(request),
            _ if request.is(TRACKED) => self.process.reads.remove(request),
            _ => {}
        }
        request.unmark(TRACKED);
        if !self.return_to_submitter(request) {
            // Not reached: a request gets its slots when it first comes.
            self.finish(request, Errno::EAGAIN.negated().into());
        }
    }

    /// Enters a request where others look for it.
    fn enlist(&self, request: &'static Request) {
        carrier::enlist(self.process, request);
    }

    /// Takes requests back; they are in the kernel, or before this in the SQ.
    fn cancel(&mut self, wish: &Wish) -> u32 {
        let mut taken = 0;
        while let Some(request) = wish
            .context
            .polls
            .find(&|r| wish.is_for(r) && r.turn(TRUE | CANCELLED, CANCELLED))
        {
            wish.mark(request);
            wish.context.polls.remove(request);
            self.take_back(request);
            taken += 1;
            if wish.is_for_one() {
                return taken;
            }
        }
        taken += self.cancel_selects(wish);
        if wish.is_for_polls() {
            return taken;
        }
        for request in self.process.pool.all() {
            if request.holder() == DRIVER && !request.work().waits() && wish.is_for(request) {
                wish.mark(request);
                let sqe = cancellation(request::user_data(request), 0, TAKEN);
                self.unheard += u32::from(self.push(&sqe));
                // Completions are to find room.
                if self.unheard == SQ_ENTRIES / 2 {
                    self.hear();
                }
            }
        }
        self.hear();
        taken + core::mem::take(&mut self.taken)
    }

    /// Waits for the kernel to say what became of the cancellations, which it does at once.
    fn hear(&mut self) {
        while self.unheard != 0 && !self.fallen {
            self.enter(0);
            self.reap();
            if self.unheard != 0 {
                self.await_completions(1_000_000);
            }
        }
        self.unheard = 0;
    }

    /// The kernel will say once more that it is done with the poll.
    #[inline(never)]
    fn take_back(&mut self, request: &'static Request) {
        request.mark(TAKEN_BACK);
        let queued = self.push(&cancellation(request::user_data(request), self.quiet, UNHEEDED));
        if !queued {
            self.leave(request);
        }
    }

    fn complete(&mut self, request: &'static Request, cqe: &Cqe) {
        let res = cqe.res;
        let error = if res < 0 { Some(Errno::new(-res)) } else { None };
        let paused = cqe.user_data & PAUSED != 0;
        if request.work() == Work::Select {
            return self.complete_select(request, cqe, paused);
        }
        if request.work() == Work::Poll {
            let more = cqe.flags & uring::IORING_CQE_F_MORE != 0;
            return self.complete_poll(request, res, more, paused);
        }
        self.in_ring -= 1;
        #[cfg(feature = "faults")]
        let error = if super::faults::gives_up() {
            Some(Errno::ECANCELED)
        } else {
            error
        };
        let comes_back = match error {
            Some(Errno::EAGAIN | Errno::EOPNOTSUPP) => true,
            // The signal that goes with it is for the submitter, whatever the request says of blocking.
            Some(Errno::EFBIG) => !self.process.engine.caller.is_open(),
            _ => false,
        };
        let may_block = request.is(NOWAIT_ADDED);
        let sync = request.file_slot.load(Relaxed) != NO_SLOT;
        let given_up = match error {
            Some(Errno::EINTR | Errno::ECANCELED) => true,
            // Of a sync it is what the file system says.
            _ if sync => false,
            Some(Errno::EAGAIN) => !request.is(USER_NOWAIT),
            Some(Errno::EFAULT) => self.process.engine.caller.is_open(),
            _ => comes_back && may_block,
        };
        if given_up && request.is_asked() {
            // The program wants no more of it.
            return self.finish(request, Errno::ECANCELED.negated().into());
        }
        let too_far = error == Some(Errno::EFBIG) && request.is(USER_NOWAIT);
        if comes_back && !seeded("again") && (may_block || too_far) {
            request.unmark(NOWAIT_ADDED);
            if self.return_to_submitter(request) {
                // The submitter signals the eventfd by its number, which is as good until it returns.
                return self.release_files(request);
            }
            if may_block {
                return self.repeat(request);
            }
        }
        if error == Some(Errno::EBADF) && request.is(BY_SLOT) {
            // The slot was empty.
            request.unmark(BY_SLOT);
            return self.repeat(request);
        }
        let refused = matches!(error, Some(Errno::EFAULT | Errno::EINVAL | Errno::EOPNOTSUPP));
        if refused && request.unfix() {
            if request.is_asked() {
                return self.finish(request, Errno::ECANCELED.negated().into());
            }
            // The buffer has been replaced, or does not do: once more without it.
            if self.return_to_submitter(request) {
                return self.release_files(request);
            }
            return self.repeat(request);
        }
        if error == Some(Errno::ECANCELED) && sync && self.return_to_submitter(request) {
            // The kernel had no memory to hold its file.
            return self.release_files(request);
        }
        let again = match error {
            Some(Errno::EINTR | Errno::ECANCELED) => true,
            // Of a sync it is what the file system says.
            _ if sync => false,
            Some(Errno::EAGAIN) => !request.is(USER_NOWAIT) && !seeded("again"),
            // Or the thread that entered the kernel with it is no more.
            Some(Errno::EFAULT) => self.process.engine.caller.is_open(),
            _ => false,
        };
        if again {
            // Nothing the program did: it must not see it.
            return self.repeat(request);
        }
        let result = error.map_or(Ok(res as usize), Err);
        self.finish(request, request.total(result));
    }

    /// Does a request that the kernel gave up, here and now: another try on the ring could be given
    /// up for as long (for want of a worker), and would look the descriptor up later still.
    fn repeat(&mut self, request: &'static Request) {
        let result = match request.has_its_file() {
            true => request.perform(),
            // The ring holds the file of a sync still.
            false if self.sync_again(request) => return,
            false => Err(Errno::EIO),
        };
        self.finish(request, request.total(result));
    }

    /// Has the ring do a sync once more, by the slot that its file is in.
    fn sync_again(&mut self, request: &'static Request) -> bool {
        let slot = request.file_slot.load(Relaxed);
        if slot == NO_SLOT || !self.push(&sync_of(request, slot)) {
            return false;
        }
        self.in_ring += 1;
        true
    }

    /// Gives a request back to the thread that waits for its batch, if there is one.
    fn return_to_submitter(&self, request: &'static Request) -> bool {
        if self.batches.is_null() || request.epoch.load(Relaxed) != self.epoch {
            return false;
        }
        let Some(batch) = live(request.batch.load(Relaxed) as *const Batch) else {
            return false;
        };
        request.chain.set(None);
        match batch.last_redo.get() {
            Some(last) => last.chain.set(Some(request)),
            None => batch.redo.set(Some(request)),
        }
        batch.last_redo.set(Some(request));
        request.pass_to(NOBODY);
        self.transfer_ended(request);
        if let Some(context) = request.context() {
            context.count(-1);
        }
        true
    }

    /// A poll hears of every wake-up of its file, and the first time of what holds already. Once
    /// what was asked for is true, the kernel lets go of the file, and then comes the event.
    fn complete_poll(&mut self, request: &'static Request, res: i32, more: bool, paused: bool) {
        if !request.is(CANCELLED | TRUE) {
            let result = match res {
                _ if paused || res == Errno::ECANCELED.negated() => 0,
                ..0 => res,
                _ => woken(
                    request.events.load(Relaxed),
                    res as u32,
                    request.is(SOCKET),
                    request.is(RAW),
                ) as i32,
            };
            let result = if seeded("bits") { result & !0x40 } else { result };
            if result != 0 && request.turn(TRUE | CANCELLED, TRUE) {
                request.result.store(result.into(), Relaxed);
                if more {
                    self.take_back(request);
                    self.releasing = true;
                }
            }
        }
        if more {
            return;
        }
        self.polls = self.polls.saturating_sub(u32::from(!paused));
        request.unmark(TAKEN_BACK);
        if request.is(KEPT) {
            return self.process.part(request, SILENT);
        }
        if request.is(CANCELLED) {
            self.finish(request, 0);
        } else if request.is(TRUE) {
            self.finish(request, request.result.load(Relaxed));
        } else if paused {
            self.poll_again(request);
        } else {
            // The kernel gave it up before it was true, for want of room or memory: once more after a
            // pause, since there may be none yet. The two are no chain, as a cancellation would not
            // find a poll that has yet to begin.
            self.pause(request);
        }
    }

    /// Lets some time go by before a request is tried again.
    fn pause(&mut self, request: &'static Request) -> bool {
        self.push(&Sqe {
            opcode: uring::IORING_OP_TIMEOUT,
            fd: -1,
            addr: &raw const PAUSE as u64,
            len: 1,
            user_data: request::user_data(request) | PAUSED,
            ..Sqe::default()
        })
    }

    fn poll_again(&mut self, request: &'static Request) {
        if request.has_its_file() {
            return self.issue(request);
        }
        // The program has closed the descriptor, and may use the number for another file.
        if !request.turn(TRUE | CANCELLED, TRUE) {
            return self.process.part(request, SILENT);
        }
        self.finish(request, Errno::ECANCELED.negated().into());
    }

    /// Delivers the event: into the ring, then to the eventfd, then to those who sleep.
    fn finish(&mut self, request: &'static Request, result: i64) {
        let Some(context) = request.context() else {
            return;
        };
        #[cfg(feature = "faults")]
        if request.work() == Work::Read && result > 0 && super::faults::corrupts_read() {
            request.corrupt();
        }
        if request.is(TRACKED) {
            self.process.reads.remove(request);
        }
        if self.idle_since.is_some() {
            self.is_busy_since(futex::now());
        }
        self.last_deed = EVENTS;
        let held = context.enter();
        request.pass_to(FINISHING);
        context.count(-1);
        request.result.store(request.told(result), Relaxed);
        if self.fallen {
            if request.slot.swap(NO_SLOT, Relaxed) != NO_SLOT {
                self.encumber();
            }
            let by_number = request.is(CARRIED) || !self.signals_by_link();
            request.mark_if(by_number && request.resfd.load(Relaxed) >= 0, SIGNAL_BY_NUMBER);
        }
        if request.is_to_signal() {
            request.mark_if(context.signals.begin(), ODD_SIGNAL);
        }
        if context.deliver(request) {
            self.conclude(request, held);
        } else {
            held.keep();
            request.unfinished.set(self.unfinished);
            self.unfinished = Some(request);
        }
    }

    /// What comes after the event: its eventfd, those who sleep, and the end of the request.
    fn conclude(&mut self, request: &'static Request, held: InUse<'static>) {
        request.pass_to(NOBODY);
        if request.work() == Work::Poll && !request.is(CANCELLED) {
            held.polls.remove(request);
        }
        if request.work() == Work::Select {
            held.selects.remove(request);
        }
        let slot = request.slot.load(Relaxed);
        let same = |first: &&Request| {
            slot == first.slot.load(Relaxed) && first.context().is_some_and(|c| core::ptr::eq(c, *held))
        };
        if !request.is_to_signal() {
            self.retire(request);
        } else if let Some(first) = self.signal.filter(same) {
            // Whoever takes this event waits for the first one's signal.
            first.adds.fetch_add(1, Relaxed);
            held.signals.end(request.is(ODD_SIGNAL));
            self.retire(request);
        } else {
            request.adds.store(1, Relaxed);
            held.enter().keep();
            self.signal(request);
        }
        self.touch(held);
    }

    #[inline(never)]
    fn retire(&mut self, request: &'static Request) {
        self.release_files(request);
        self.transfer_ended(request);
        if request.is(KEPT) {
            return self.process.part(request, SETTLED);
        }
        self.process.release(request);
    }

    /// The kernel's own requests are its own business.
    fn transfer_ended(&self, request: &'static Request) {
        if !request.work().waits() && !request.is(CARRIED) {
            self.process.transfers.end(request.is(ODD_TRANSFER));
        }
    }

    /// Concludes the requests whose events were left to other threads.
    fn conclude_late(&mut self) {
        let mut at = self.unfinished.take();
        while let Some(request) = at {
            at = request.unfinished.get();
            let Some(context) = request.context() else {
                continue;
            };
            context.deliver_late();
            if request.delivered.load(SeqCst) != 0 {
                self.conclude(request, InUse::again(context));
            } else {
                request.unfinished.set(self.unfinished);
                self.unfinished = Some(request);
            }
        }
    }

    /// Adds to the request's eventfd. On the ring, a full counter blocks nobody.
    fn signal(&mut self, request: &'static Request) {
        request.signalled.store(futex::now(), Relaxed);
        self.signalling.add(request);
        let slot = request.slot.load(Relaxed);
        if slot != NO_SLOT && !self.slots.is_spoilt(slot) {
            self.send_signal();
            self.signal = Some(request);
            return;
        }
        // By its number, which may have come to mean another file.
        let fd = request.resfd.load(Relaxed);
        if self.fallen {
            return self.signal_by_number(request);
        }
        if file::expect_eventfd(fd).is_ok() {
            saturate(fd, request.adds.load(Relaxed));
        }
        self.signalled(request);
    }

    /// Has the kernel write the signal that was put off for others like it.
    fn send_signal(&mut self) {
        let Some(request) = self.signal.take() else {
            return;
        };
        let mut sqe = signal_to(request.slot.load(Relaxed), request::user_data(request) | SIGNAL);
        sqe.addr = request.adds.as_ptr() as u64;
        if request.is(BLOCKING_SIGNAL) {
            // The kernel gives it to a worker in any case, but tries for long before it does.
            sqe.flags |= uring::IOSQE_ASYNC;
        }
        if seeded("silent") {
            sqe.addr = &raw const NONE as u64;
        }
        if !self.push(&sqe) {
            self.signal_by_number(request);
        }
    }

    fn signal_by_number(&mut self, request: &'static Request) {
        for _ in 0..request.adds.load(Relaxed) {
            carrier::signal(self.process, request.resfd.load(Relaxed));
        }
        self.signalled(request);
    }

    /// Takes the writes back that wait for room in a counter; again and again, as the kernel may
    /// overlook one that a worker is about to begin.
    fn stop_signals(&mut self) {
        let now = futex::now();
        let late = |r: &Request| now.saturating_sub(r.signalled.load(Relaxed)) > SIGNAL_GRACE;
        while let Some(request) = self.signalling.find(&late) {
            request.signalled.store(now, Relaxed);
            let tagged = request::user_data(request) | SIGNAL;
            self.push(&cancellation(tagged, self.quiet, UNHEEDED));
        }
    }

    fn signal_ended(&mut self, request: &'static Request, res: i32) {
        if res > 0 || res == Errno::EBADF.negated() {
            // Done; or the eventfd was gone before it could be held.
            return self.signalled(request);
        }
        if self.fallen {
            return self.signal_by_number(request);
        }
        // The counter is full. The kernel's own signal needs a descriptor for a moment: Linux 6.8.
        thread::with_descriptor_limit(u32::MAX, |_| {
            let queued = self.push(&Sqe {
                opcode: uring::IORING_OP_FIXED_FD_INSTALL,
                flags: uring::IOSQE_FIXED_FILE,
                fd: request.slot.load(Relaxed) as i32,
                user_data: request::user_data(request) | DESCRIPTOR,
                ..Sqe::default()
            });
            if queued {
                self.enter(0);
            } else {
                self.signal_by_number(request);
            }
        });
    }

    fn saturate(&mut self, request: &'static Request, eventfd: i32) {
        let mut done = false;
        if eventfd >= 0 {
            done = !self.fallen && saturate(eventfd, request.adds.load(Relaxed));
            file::close(eventfd);
        }
        if done || eventfd == Errno::EBADF.negated() {
            self.signalled(request);
        } else {
            // There was no descriptor or memory to be had for it: once more by a write.
            self.signalling.remove(request);
            self.signal(request);
        }
    }

    fn signalled(&mut self, request: &'static Request) {
        self.signalling.remove(request);
        if let Some(context) = request.context() {
            context.signals.end(request.is(ODD_SIGNAL));
            drop(InUse::again(context));
        }
        self.retire(request);
    }
}

/// 1 for an entry whose completion has a meaning, if it succeeds.
fn is_awaited(user_data: u64) -> u32 {
    u32::from(user_data != UNHEEDED && !matches!(user_data & KIND, HOLD | HOLD_FILE | fixed::TAG))
}

/// What follows a write that a dying process has to wait for, as kernel AIO does: a task that
/// exits does not wait for its transfers, but it does for futex requests (since Linux 6.16),
/// and one that is linked to the write cannot end before it. It wakes nobody.
pub(crate) fn holding(flags: u8, user_data: u64) -> Sqe {
    Sqe {
        opcode: uring::IORING_OP_FUTEX_WAKE,
        flags,
        fd: FUTEX_FLAGS,
        addr: UNUSED_WORD.as_ptr() as u64,
        off: 0,
        addr3: u64::from(u32::MAX),
        user_data,
        ..Sqe::default()
    }
}

/// Has the kernel give up what was submitted with `whose` as user data.
pub(crate) fn cancellation(whose: u64, flags: u8, user_data: u64) -> Sqe {
    Sqe {
        opcode: uring::IORING_OP_ASYNC_CANCEL,
        flags,
        fd: -1,
        addr: whose,
        user_data,
        ..Sqe::default()
    }
}

/// Where the kernel finds the descriptor for a slot.
fn fill_address(fd: &'static AtomicI32) -> u64 {
    #[cfg(feature = "faults")]
    if super::faults::refuses_slots() {
        return 8;
    }
    fd.as_ptr() as u64
}

/// The sync of the file in a slot.
fn sync_of(request: &Request, slot: u32) -> Sqe {
    Sqe {
        opcode: uring::IORING_OP_FSYNC,
        flags: uring::IOSQE_FIXED_FILE,
        fd: slot as i32,
        ioprio: request.ioprio.load(Relaxed) as u16,
        op_flags: if request.work() == Work::DataSync {
            uring::IORING_FSYNC_DATASYNC
        } else {
            0
        },
        user_data: request::user_data(request),
        ..Sqe::default()
    }
}

/// Adds one to the eventfd in a slot.
fn signal_to(slot: u32, user_data: u64) -> Sqe {
    Sqe {
        opcode: uring::IORING_OP_WRITE,
        flags: uring::IOSQE_FIXED_FILE,
        fd: slot as i32,
        addr: &raw const ONE as u64,
        len: 8,
        user_data,
        ..Sqe::default()
    }
}

/// A millisecond's sleep.
fn pause() {
    let _ = futex::wait(&AtomicU32::new(0), 0, 1_000_000);
}

/// The kernel's own signal, which a ring gives to its registered eventfd at each completion, adds
/// one without blocking and stops at the greatest value.
fn saturate(eventfd: i32, count: u64) -> bool {
    let mut ring = Ring::zeroed();
    let made = [NAMELESS, 0].into_iter().any(|flags| {
        let mut params = Params {
            flags,
            ..Params::default()
        };
        setup::init_params(1, &mut ring, &mut params).is_ok()
    });
    if !made {
        return false;
    }
    let mut done = 0;
    if register::eventfd(&ring, eventfd, false).is_ok() {
        for _ in 0..count {
            ring.push(&Sqe {
                opcode: uring::IORING_OP_NOP,
                ..Sqe::default()
            });
            if ring.submit_and_fetch(1).is_err() {
                break;
            }
            ring.advance(1);
            done += 1;
        }
    }
    setup::exit(&mut ring);
    done == count
}

const INPUT: u32 = (libc::POLLIN | libc::POLLRDNORM) as u32;
const ALWAYS: u32 = (libc::POLLERR | libc::POLLHUP) as u32;
const HANG_UP: u32 = libc::POLLRDHUP as u32;
/// What a socket's wake-ups for data and for room name.
const SOCKET_INPUT: u32 = INPUT | (libc::POLLPRI | libc::POLLRDBAND) as u32;
const SOCKET_OUTPUT: u32 = (libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND) as u32;
/// All poll events that a wake-up may name.
const ANYTHING: u32 = 0x3fff;

/// What kernel AIO reports for a poll that comes true while it waits: if the wake-up names its
/// events, all of those, asked for or not; otherwise what is asked for of what holds. The ring
/// gives either, and what holds also when there were several wake-ups. 0: not yet.
///
/// `raw` files name exactly what then holds; others name one bit and hold two, or name nothing.
fn woken(asked: u32, found: u32, socket: bool, raw: bool) -> u32 {
    let told = found & (asked | ALWAYS);
    if told == 0 {
        return 0;
    }
    match found {
        SOCKET_INPUT | SOCKET_OUTPUT => found,
        _ if found & (HANG_UP | ALWAYS) != 0 => told,
        _ if raw => found,
        _ if socket && told & SOCKET_INPUT != 0 => SOCKET_INPUT,
        _ => told,
    }
}

/// The slots, and the ring that they are in.
struct InRing<'d> {
    ring: &'static Ring,
    slots: &'d mut Slots,
}

impl files::Slots for InRing<'_> {
    fn fill(&mut self, fd: i32) -> Option<u32> {
        if !self.settle() {
            return None;
        }
        let slot = self.slots.take()?;
        if register::files_update(self.ring, slot, &raw const fd, 1) == Ok(1) {
            return Some(slot);
        }
        self.slots.give_back(slot);
        None
    }

    fn empty(&mut self, slot: u32) {
        // Otherwise nobody else gets it.
        if self.settle() && register::files_update(self.ring, slot, &raw const NOTHING, 1) == Ok(1) {
            self.slots.give_back(slot);
        }
    }
}

impl InRing<'_> {
    /// Has the kernel take what is queued, which is for the files that the slots have now.
    fn settle(&self) -> bool {
        const ROUNDS: u32 = 100;
        for _ in 0..ROUNDS {
            if self.ring.sq_ready() == 0 {
                return true;
            }
            let _ = self.ring.submit();
            if self.ring.sq_ready() != 0 {
                pause();
            }
        }
        false
    }
}

/// The slots of the ring's file table.
struct Slots {
    /// Those that are free, a bit each.
    free: [u64; SLOT_WORDS],
    /// How many requests each of the others belongs to.
    users: &'static [AtomicU32],
}

const SLOT_WORDS: usize = 64;
const SLOTS: usize = SLOT_WORDS * 64;
/// Beside a number of users.
const SPOILT: u32 = 1 << 31;

impl Slots {
    const NONE: Self = Self {
        free: [0; SLOT_WORDS],
        users: &[],
    };

    /// As many as the descriptor limit lets the kernel give; none is allowed.
    fn fill(&mut self, ring: &Ring) {
        let count = thread::with_descriptor_limit(SLOTS as u32, |count| match count {
            0 => 0,
            n => register::files_sparse(ring, n).map_or(0, |_| n),
        });
        self.open(count);
    }

    #[allow(unsafe_code)]
    fn open(&mut self, count: u32) {
        let Ok(users) = map::wiped(SLOTS * size_of::<AtomicU32>()) else {
            return;
        };
        // SAFETY: a mapping of that size, which stays for good; zeroes are valid counts.
        self.users = unsafe { core::slice::from_raw_parts(users.cast::<AtomicU32>().as_ptr(), SLOTS) };
        for (index, word) in (0..).step_by(64).zip(&mut self.free) {
            *word = match count.saturating_sub(index) {
                0 => 0,
                n @ 1..64 => (1 << n) - 1,
                _ => u64::MAX,
            };
        }
    }

    fn users(&self, index: u32) -> Option<&'static AtomicU32> {
        self.users.get(index as usize)
    }

    fn take(&mut self) -> Option<u32> {
        for (base, word) in (0..).step_by(64).zip(&mut self.free) {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                self.share(base + bit);
                return Some(base + bit);
            }
        }
        None
    }

    /// One more request has the slot.
    fn share(&mut self, index: u32) {
        if let Some(users) = self.users(index) {
            users.fetch_add(1, Relaxed);
        }
    }

    /// There is no file in the slot that should be there.
    fn spoil(&mut self, index: u32) {
        if let Some(users) = self.users(index) {
            users.fetch_or(SPOILT, Relaxed);
        }
    }

    fn is_spoilt(&self, index: u32) -> bool {
        self.users(index).is_some_and(|users| users.load(Relaxed) & SPOILT != 0)
    }

    /// One less has it; true for the last, which empties the slot.
    fn give_back(&mut self, index: u32) -> bool {
        let (Some(users), Some(word)) = (self.users(index), self.free.get_mut(index as usize / 64)) else {
            return false;
        };
        if users.load(Relaxed) & !SPOILT > 1 {
            users.fetch_sub(1, Relaxed);
            return false;
        }
        users.store(0, Relaxed);
        *word |= 1 << (index % 64);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_given_once() {
        let mut slots = Slots::NONE;
        assert_eq!(slots.take(), None);
        slots.open(0);
        assert_eq!(slots.take(), None);
        assert!(slots.give_back(0) && slots.give_back(4095) && slots.give_back(70));
        assert_eq!(
            [slots.take(), slots.take(), slots.take(), slots.take()],
            [Some(0), Some(70), Some(4095), None]
        );
        slots.share(70);
        assert!(!slots.give_back(70) && slots.take().is_none());
        assert!(slots.give_back(70) && slots.take() == Some(70));
    }

    #[test]
    fn polls_report_what_the_wake_up_names() {
        // Measured on kernel AIO.
        let (input, output, hang_up) = (libc::POLLIN as u32, libc::POLLOUT as u32, libc::POLLRDHUP as u32);
        let urgent = libc::POLLPRI as u32;
        // A pipe: data, the last writer gone.
        assert_eq!(woken(input, 0x41, false, true), 0x41);
        assert_eq!(woken(urgent, 0x41, false, true), 0);
        assert_eq!(woken(input, 0x10, false, true), 0x10);
        // A socket: data, twice; room; data for who did not ask; the peer's end.
        assert_eq!(woken(urgent, 0xc3, true, false), 0xc3);
        assert_eq!(woken(input, 0x345, true, false), 0xc3);
        assert_eq!(woken(urgent, 0x147, true, false), 0xc3);
        assert_eq!(woken(output, 0x304, true, false), 0x304);
        assert_eq!(woken(output, 0xc3, true, false), 0);
        assert_eq!(woken(input | hang_up, 0x2345, true, false), 0x2001);
        assert_eq!(woken(output, 0x104, true, false), 4);
        // An inotify descriptor names nothing, an eventfd one bit.
        assert_eq!(woken(input, 0x41, false, false), 1);
        assert_eq!(woken(input, 0x5, false, false), 1);
        assert_eq!(woken(libc::POLLRDNORM as u32, 1, false, false), 0);
    }
}
