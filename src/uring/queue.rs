//! Queueing requests, submitting, waiting, handing out completions.

use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{Ordering, fence};

use super::abi::{
    Cqe, GetEventsArg, IORING_ENTER_EXT_ARG, IORING_ENTER_EXT_ARG_REG, IORING_ENTER_GETEVENTS, IORING_ENTER_SQ_WAIT,
    IORING_ENTER_SQ_WAKEUP, IORING_FEAT_EXT_ARG, IORING_FEAT_MIN_TIMEOUT, IORING_OP_TIMEOUT, IORING_SETUP_CQE_MIXED,
    IORING_SETUP_IOPOLL, IORING_SETUP_SQ_REWIND, IORING_SETUP_SQPOLL, IORING_SQ_CQ_OVERFLOW, IORING_SQ_NEED_WAKEUP,
    IORING_SQ_TASKRUN, LIBURING_UDATA_TIMEOUT, Ring, Sqe, Timespec,
};
use super::shared::SqWords;
use crate::sys::{Errno, Result, check, uring};

/// The size of the kernel's signal set.
const SIGSET_SIZE: usize = 8;
/// The size of an entry of a registered wait region.
const REG_WAIT_SIZE: usize = 64;

/// How long to wait, and with which signals blocked: as `io_uring_enter` takes it.
#[derive(Clone, Copy, Debug)]
pub struct Patience(GetEventsArg);

impl Patience {
    /// Waits no longer than `timeout`, with the signals of `sigmask` blocked: addresses of the caller, null for none. Once
    /// `min_wait_usec` microseconds passed, one completion is enough; zero for no such rule.
    #[inline]
    pub fn new(timeout: *const Timespec, sigmask: *const c_void, min_wait_usec: u32) -> Self {
        Self(GetEventsArg {
            sigmask: sigmask.expose_provenance() as u64,
            sigmask_sz: SIGSET_SIZE as u32,
            min_wait_usec,
            ts: timeout.expose_provenance() as u64,
        })
    }

    #[inline]
    fn sigmask(&self) -> *const c_void {
        ptr::with_exposed_provenance(self.0.sigmask as usize)
    }

    #[inline]
    fn is_endless(&self) -> bool {
        self.0.ts == 0 && self.0.min_wait_usec == 0
    }

    /// What the kernel must have for it.
    #[inline]
    fn needs(&self) -> u32 {
        if self.0.min_wait_usec == 0 {
            IORING_FEAT_EXT_ARG
        } else {
            IORING_FEAT_EXT_ARG | IORING_FEAT_MIN_TIMEOUT
        }
    }
}

/// The argument of `io_uring_enter`, and the flags that say what it is.
#[derive(Clone, Copy)]
struct Argument {
    flags: u32,
    at: *const c_void,
    size: usize,
    /// A wait may end for its duration alone.
    times_out: bool,
}

impl Argument {
    const NONE: Self = Self::sigmask(ptr::null());

    /// Null leaves the mask as it is.
    const fn sigmask(mask: *const c_void) -> Self {
        Self {
            flags: 0,
            at: mask,
            size: SIGSET_SIZE,
            times_out: false,
        }
    }

    fn extended(arg: &GetEventsArg) -> Self {
        Self {
            flags: IORING_ENTER_EXT_ARG,
            at: ptr::from_ref(arg).cast(),
            size: size_of::<GetEventsArg>(),
            times_out: arg.ts != 0,
        }
    }

    /// By the index in the registered wait region.
    const fn registered(index: usize) -> Self {
        Self {
            flags: IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG,
            at: ptr::without_provenance(index.wrapping_mul(REG_WAIT_SIZE)),
            size: REG_WAIT_SIZE,
            times_out: true,
        }
    }

    /// Fewer completions than asked for may be what the caller wants.
    #[inline]
    fn ends_early(&self) -> bool {
        self.flags != 0
    }
}

/// A count or an error in one word, which is what comes back in a register.
#[derive(Clone, Copy, Debug)]
struct Outcome(i32);

impl Outcome {
    #[inline]
    fn new(result: Result<u32>) -> Self {
        Self(result.map_or_else(Errno::negated, |n| n as i32))
    }

    #[inline]
    fn result(self) -> Result<u32> {
        check(self.0 as isize).map(|n| n as u32)
    }
}

/// What a wait found.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// The first completion.
    pub cqe: Option<NonNull<Cqe>>,
    outcome: Outcome,
}

impl Waited {
    #[inline]
    fn new(result: Result<u32>, cqe: Option<NonNull<Cqe>>) -> Self {
        let outcome = Outcome::new(result);
        Self { cqe, outcome }
    }

    #[inline]
    fn failed(e: Errno) -> Self {
        Self::new(Err(e), None)
    }

    /// How many submissions went in, or why not.
    #[inline]
    pub fn result(self) -> Result<u32> {
        self.outcome.result()
    }
}

/// With these flags of set-up a submission is more than a tail moved and a call.
const UNUSUAL: u32 = IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_REWIND;

/// The flag for `io_uring_enter` that brings completions.
#[inline]
fn fetching(fetch: bool) -> u32 {
    if fetch { IORING_ENTER_GETEVENTS } else { 0 }
}

/// Whether these flags of the submission ring say that completions wait in the kernel.
#[inline]
fn holds_completions(flags: u32) -> bool {
    flags & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN) != 0
}

impl Ring {
    /// Requests queued and not yet taken by the kernel.
    #[inline]
    pub fn sq_ready(&self) -> u32 {
        self.sq.sqe_tail.load(Ordering::Relaxed).wrapping_sub(self.taken())
    }

    /// How many more requests the queue takes.
    #[inline]
    pub fn sq_space_left(&self) -> u32 {
        self.sq.ring_entries.saturating_sub(self.sq_ready())
    }

    /// Completions that are there to be consumed.
    #[inline]
    pub fn cq_ready(&self) -> u32 {
        self.cq.filled().1
    }

    /// How many completions have been consumed so far, modulo 2^32.
    #[inline]
    pub(crate) fn consumed(&self) -> u32 {
        self.cq.head()
    }

    /// Copies a request into the queue; false if the queue is full.
    #[inline]
    pub fn push(&self, sqe: &Sqe) -> bool {
        let Some(index) = self.claim() else { return false };
        self.sq.write(index, self.sqe_shift(), sqe);
        true
    }

    /// Hides the queued requests from the kernel, which has not taken them.
    pub fn recall(&self) {
        self.sq.publish(self.taken());
    }

    /// Drops the queued requests, which the kernel has not taken.
    pub(crate) fn discard(&self) {
        let taken = self.taken();
        self.sq.sqe_tail.store(taken, Ordering::Relaxed);
        self.sq.sqe_head.store(taken, Ordering::Relaxed);
        self.sq.publish(taken);
    }

    /// A copy of a request that the kernel has not taken, by its place among those.
    pub fn queued(&self, index: u32) -> Option<Sqe> {
        let at = self.taken().wrapping_add(index);
        (index < self.sq_ready()).then(|| self.sq.read(at, self.sqe_shift()))
    }

    /// Takes the next free slot of the queue, its options cleared: its address, for a program to fill; null if the queue
    /// is full.
    pub fn next_sqe(&self) -> *mut Sqe {
        self.claim()
            .map_or(ptr::null_mut(), |index| self.sq.clear(index, self.sqe_shift()))
    }

    /// Takes the next `nr` free slots, all of them or none, their options cleared, and hands out where they are; false if
    /// fewer are free.
    pub fn next_sqes(&self, nr: u32, mut put: impl FnMut(u32, *mut Sqe)) -> bool {
        if nr > self.sq_space_left() {
            return false;
        }
        let (tail, shift) = (self.sq.sqe_tail.load(Ordering::Relaxed), self.sqe_shift());
        for n in 0..nr {
            put(n, self.sq.clear(tail.wrapping_add(n), shift));
        }
        self.sq.sqe_tail.store(tail.wrapping_add(nr), Ordering::Relaxed);
        true
    }

    /// Takes the last `nr` slots back that were handed out; false if fewer have not been shown to the kernel.
    pub fn give_back(&self, nr: u32) -> bool {
        if nr > self.hidden() {
            return false;
        }
        let tail = self.sq.sqe_tail.load(Ordering::Relaxed);
        self.sq.sqe_tail.store(tail.wrapping_sub(nr), Ordering::Relaxed);
        true
    }

    /// How many requests are queued that the kernel has not been shown.
    pub(crate) fn hidden(&self) -> u32 {
        let tail = self.sq.sqe_tail.load(Ordering::Relaxed);
        tail.wrapping_sub(self.sq.sqe_head.load(Ordering::Relaxed))
    }

    /// Takes the next index of the queue.
    #[inline]
    fn claim(&self) -> Option<u32> {
        let tail = self.sq.sqe_tail.load(Ordering::Relaxed);
        if tail.wrapping_sub(self.taken()) >= self.sq.ring_entries {
            return None;
        }
        self.sq.sqe_tail.store(tail.wrapping_add(1), Ordering::Relaxed);
        Some(tail)
    }

    /// How far the kernel has taken requests; it starts over each time with `SQ_REWIND`.
    #[inline]
    fn taken(&self) -> u32 {
        if self.flags & IORING_SETUP_SQ_REWIND == 0 {
            self.sq.head()
        } else {
            0
        }
    }

    /// Hands over `n` requests that are flushed by the ring's own descriptor, as threads do that have not registered it.
    pub(crate) fn enter_by_descriptor(&self, n: u32, flags: u32) -> Result<u32> {
        uring::enter(self.ring_fd, n, 0, flags, ptr::null(), SIGSET_SIZE)
    }

    /// Whether the kernel's submission thread has to be woken to see what is flushed.
    pub(crate) fn submitter_sleeps(&self) -> bool {
        self.sq.flags_after_publish() & IORING_SQ_NEED_WAKEUP != 0
    }

    /// Shows the kernel what is queued; how much it has not taken yet.
    #[inline]
    pub(crate) fn flush(&self) -> u32 {
        self.sq.words().map_or(0, |words| self.flush_to(&words))
    }

    #[inline]
    fn flush_to(&self, words: &SqWords) -> u32 {
        if self.flags & IORING_SETUP_SQ_REWIND != 0 {
            // The kernel takes what one call names, from the start, and no tail is shared.
            return self.sq.sqe_tail.swap(0, Ordering::Relaxed);
        }
        self.publish(words)
    }

    #[inline]
    fn publish(&self, words: &SqWords) -> u32 {
        let tail = self.sq.sqe_tail.load(Ordering::Relaxed);
        if self.sq.sqe_head.load(Ordering::Relaxed) != tail {
            self.sq.sqe_head.store(tail, Ordering::Relaxed);
            words.tail.store(tail, Ordering::Release);
        }
        tail.wrapping_sub(words.head.load(Ordering::Acquire))
    }

    /// The flags for handing over `submit` requests, if that takes a call.
    #[inline]
    fn handing_over(&self, submit: u32) -> Option<u32> {
        let polled = self.flags & IORING_SETUP_SQPOLL != 0;
        self.handing_over_at(submit, if polled { self.sq.flags_after_publish() } else { 0 })
    }

    /// The same, with the flags of the submission ring as they are after the kernel could have seen the requests.
    #[inline]
    fn handing_over_at(&self, submit: u32, flags: u32) -> Option<u32> {
        if submit == 0 {
            None
        } else if self.flags & IORING_SETUP_SQPOLL == 0 {
            Some(0)
        } else {
            (flags & IORING_SQ_NEED_WAKEUP != 0).then_some(IORING_ENTER_SQ_WAKEUP)
        }
    }

    /// Completions wait in the kernel for a call that brings them.
    #[inline]
    pub(crate) fn kernel_holds_completions(&self) -> bool {
        self.flags & IORING_SETUP_IOPOLL != 0 || self.cq_needs_flush()
    }

    #[inline]
    fn cq_needs_flush(&self) -> bool {
        holds_completions(self.sq.flags())
    }

    #[inline]
    fn enter(&self, submit: u32, wait: u32, flags: u32, argument: Argument) -> Result<u32> {
        let flags = flags | argument.flags | self.enter_flags();
        uring::enter(self.enter_fd(), submit, wait, flags, argument.at, argument.size)
    }

    /// Hands over what is queued; how many requests that was.
    #[inline]
    pub fn submit(&self) -> Result<u32> {
        self.submit_with(0, false)
    }

    /// Hands over what is queued and waits for `n` completions.
    pub fn submit_and_wait(&self, n: u32) -> Result<u32> {
        self.submit_with(n, false)
    }

    /// Hands over what is queued and fetches completions without waiting.
    pub fn submit_and_get_events(&self) -> Result<u32> {
        self.submit_with(0, true)
    }

    /// Hands over what is queued and fetches completions, waiting for `n` of them.
    pub fn submit_and_fetch(&self, n: u32) -> Result<u32> {
        self.submit_with(n, true)
    }

    #[inline(always)] // for each of its callers half of it is known
    fn submit_with(&self, wait: u32, fetch: bool) -> Result<u32> {
        let Some(words) = self.sq.words().filter(|_| self.flags & UNUSUAL == 0) else {
            return self.submit_unusually(wait, fetch).result();
        };
        let submit = self.publish(&words);
        let fetch = fetch || wait > 0 || holds_completions(words.flags.load(Ordering::Relaxed));
        if submit == 0 && !fetch {
            return Ok(0);
        }
        self.enter(submit, wait, fetching(fetch), Argument::NONE)
    }

    #[cold]
    #[inline(never)]
    fn submit_unusually(&self, wait: u32, fetch: bool) -> Outcome {
        let (submit, flags) = match self.sq.words() {
            Some(words) => {
                let submit = self.flush_to(&words);
                fence(Ordering::SeqCst);
                (submit, words.flags.load(Ordering::Relaxed))
            }
            None => (0, 0),
        };
        let polled = self.flags & (IORING_SETUP_SQPOLL | IORING_SETUP_IOPOLL) == IORING_SETUP_SQPOLL;
        if polled && flags == 0 && wait == 0 && !fetch {
            // The kernel's thread is awake and takes it.
            return Outcome::new(Ok(submit));
        }
        let fetch = fetch || wait > 0 || self.flags & IORING_SETUP_IOPOLL != 0 || holds_completions(flags);
        let hand_over = self.handing_over_at(submit, flags);
        if hand_over.is_none() && !fetch {
            return Outcome::new(Ok(submit));
        }
        Outcome::new(self.enter(submit, wait, hand_over.unwrap_or(0) | fetching(fetch), Argument::NONE))
    }

    /// Lets the kernel bring the completions it holds.
    pub fn get_events(&self) -> Result<u32> {
        self.enter(0, 0, IORING_ENTER_GETEVENTS, Argument::NONE)
    }

    /// Waits until the kernel's submission thread has made room in the queue.
    pub fn wait_for_space(&self) -> Result<u32> {
        self.enter(0, 0, IORING_ENTER_SQ_WAIT, Argument::NONE)
    }

    /// A copy of the first completion, which stays where it is.
    ///
    /// Leaves alone what only [`Ring::get_events`] brings.
    #[inline]
    pub fn peek(&self) -> Option<Cqe> {
        self.first()
            .ok()?
            .0
            .map(|_| self.cq.read(self.cq.head(), self.cqe_shift()))
    }

    /// Consumes `n` slots; a long completion of a `CQE_MIXED` ring has two.
    #[inline]
    pub fn advance(&self, n: u32) {
        if n > 0 {
            self.cq.release(self.cq.head().wrapping_add(n));
        }
    }

    /// The first completion that is the program's, and how many are there; what is not the program's is consumed.
    /// `ETIME` if that was the end of a wait on an old kernel, or the error of its time-out.
    #[inline]
    fn first(&self) -> Result<(Option<NonNull<Cqe>>, u32)> {
        let (head, ready) = self.cq.filled();
        if ready == 0 {
            return Ok((None, 0));
        }
        if self.flags & IORING_SETUP_CQE_MIXED != 0 || self.features & IORING_FEAT_EXT_ARG == 0 {
            return self.first_of_program();
        }
        Ok((NonNull::new(self.cq.at(head, self.cqe_shift())), ready))
    }

    /// The same where there may be completions that are not the program's.
    #[cold]
    fn first_of_program(&self) -> Result<(Option<NonNull<Cqe>>, u32)> {
        loop {
            let ready = self.cq_ready();
            if ready == 0 {
                return Ok((None, 0));
            }
            let (head, shift) = (self.cq.head(), self.cqe_shift());
            let cqe = self.cq.read(head, shift);
            if self.is_gap(&cqe) {
                self.advance(1);
            } else if self.features & IORING_FEAT_EXT_ARG == 0 && cqe.user_data == LIBURING_UDATA_TIMEOUT {
                self.advance(1);
                if cqe.res < 0 {
                    return Err(Errno::new(cqe.res.wrapping_neg()));
                }
            } else {
                return Ok((NonNull::new(self.cq.at(head, shift)), ready));
            }
        }
    }

    /// Takes the first completion: a copy of it, and of its second half where it has one.
    pub(crate) fn take(&self) -> Option<(Cqe, [u64; 2])> {
        let (cqe, head, shift) = (self.peek()?, self.cq.head(), self.cqe_shift());
        let slots = self.slots(&cqe);
        let second = if shift == 0 && slots == 1 {
            [0; 2]
        } else {
            self.cq.second_half(head, shift)
        };
        self.advance(slots);
        Some((cqe, second))
    }

    /// Takes those completions that `is_taken` says yes to, wherever they lie. The others stay there, in their order: how many
    /// slots are filled with what was looked at. What comes meanwhile is not looked at.
    pub(crate) fn sift(&self, mut is_taken: impl FnMut(&Cqe) -> bool) -> u32 {
        let (head, ready) = self.cq.filled();
        let shift = self.cqe_shift();
        if self.flags & IORING_SETUP_CQE_MIXED != 0 {
            // Slots are of two sizes: what is taken becomes a gap, as the kernel leaves them.
            let (mut at, mut leading) = (0, true);
            while at < ready {
                let cqe = self.cq.read(head.wrapping_add(at), shift);
                let is_gap = self.is_gap(&cqe);
                let taken = !is_gap && self.slots(&cqe) == 1 && is_taken(&cqe);
                if taken {
                    self.cq.make_gap(head.wrapping_add(at));
                }
                leading &= is_gap || taken;
                at = at.saturating_add(self.slots(&cqe));
                if leading {
                    self.cq.release(head.wrapping_add(at));
                }
            }
            return ready.wrapping_sub(self.cq.head().wrapping_sub(head));
        }
        let mut kept: u32 = 0;
        for at in 0..ready {
            let from = head.wrapping_add(at);
            if !is_taken(&self.cq.read(from, shift)) {
                self.cq.copy(from, head.wrapping_add(kept), shift);
                kept = kept.wrapping_add(1);
            }
        }
        // What was kept lies at the head, and slots are given back there.
        let taken = ready.wrapping_sub(kept);
        for at in (0..kept).rev() {
            let from = head.wrapping_add(at);
            self.cq.copy(from, from.wrapping_add(taken), shift);
        }
        self.advance(taken);
        kept
    }

    /// Hands over the first `submit` requests of what is flushed and sleeps until `want` completions are there. Looks at
    /// nothing that other threads change.
    pub(crate) fn sleep(&self, submit: u32, want: u32, patience: &Patience) -> Result<u32> {
        let hand_over = self.handing_over(submit);
        let submit = if hand_over.is_some() { submit } else { 0 };
        let flags = hand_over.unwrap_or(0) | IORING_ENTER_GETEVENTS;
        self.enter(submit, want, flags, Argument::extended(&patience.0))
    }

    /// The addresses of the completions that are there, at most as many as `room` takes; how many it got.
    ///
    /// Each is consumed by advancing over its slots, so they have no gap between them: those behind one are for the next
    /// call. Asks the kernel once if none are there and it holds some.
    #[inline]
    pub fn peek_batch(&self, room: u32, put: impl FnMut(u32, *mut Cqe)) -> u32 {
        if self.cq_ready() == 0 && !self.cq_needs_flush() {
            return 0;
        }
        self.peek_some(room, put)
    }

    #[inline(never)] // so that finding nothing needs no registers
    fn peek_some(&self, room: u32, mut put: impl FnMut(u32, *mut Cqe)) -> u32 {
        if self.flags & IORING_SETUP_CQE_MIXED != 0 {
            return self.peek_mixed(room, put);
        }
        let (mut head, mut ready) = self.cq.filled();
        if ready == 0 {
            (head, ready) = self.fetched();
        }
        let got = ready.min(room);
        // One after the other up to the end of the ring, and then from its start.
        let (shift, mask) = (self.cqe_shift(), self.cq.ring_mask);
        let before_end = mask.wrapping_sub(head & mask).wrapping_add(1);
        let (mut at, mut n) = (self.cq.at(head, shift), 0);
        for until in [got.min(before_end), got] {
            while n < until {
                put(n, at);
                at = at.wrapping_add(1 << shift);
                n = n.wrapping_add(1);
            }
            at = self.cq.at(0, shift);
        }
        got
    }

    /// The same where completions may take two slots, and gaps be between them.
    #[cold]
    fn peek_mixed(&self, room: u32, mut put: impl FnMut(u32, *mut Cqe)) -> u32 {
        let mut ready = self.past_gap();
        if ready == 0 && self.cq_needs_flush() && self.get_events().is_ok() {
            ready = self.past_gap();
        }
        let (mut index, shift, mut got) = (self.cq.head(), self.cqe_shift(), 0);
        while ready > 0 && got < room {
            let cqe = self.cq.read(index, shift);
            if self.is_gap(&cqe) {
                break;
            }
            let slots = self.slots(&cqe);
            put(got, self.cq.at(index, shift));
            got = got.wrapping_add(1);
            index = index.wrapping_add(slots);
            ready = ready.saturating_sub(slots);
        }
        got
    }

    /// Consumes the gap at the head, if there is one; how many slots are filled behind it.
    fn past_gap(&self) -> u32 {
        let ready = self.cq_ready();
        if ready > 0 && self.is_gap(&self.cq.read(self.cq.head(), self.cqe_shift())) {
            self.advance(1);
            return ready.wrapping_sub(1);
        }
        ready
    }

    /// Asks the kernel for the completions that it holds: as [`Cq::filled`].
    #[cold]
    fn fetched(&self) -> (u32, u32) {
        let _ = self.get_events();
        self.cq.filled()
    }

    /// How to call the kernel to hand over `submit` requests that are flushed and to wait for `want` completions: with which
    /// flags, and how many completions were there before; or what the wait found, where no call is needed.
    #[inline(always)] // each caller knows something of the numbers
    fn before_wait(&self, submit: u32, want: u32) -> core::result::Result<(u32, u32), Waited> {
        let (cqe, ready) = self.first().map_err(Waited::failed)?;
        let short = want > ready;
        if submit > 0 {
            return match self.handing_over(submit) {
                None if !short => Err(Waited::new(Ok(submit), cqe)),
                hand_over => Ok((hand_over.unwrap_or(0) | fetching(short), ready)),
            };
        }
        if short || cqe.is_none() && self.kernel_holds_completions() {
            return Ok((IORING_ENTER_GETEVENTS, ready));
        }
        Err(Waited::new(cqe.map_or(Err(Errno::EAGAIN), |_| Ok(0)), cqe))
    }

    /// Calls the kernel as [`Ring::before_wait`] said.
    fn enter_and_wait(&self, submit: u32, want: u32, how: (u32, u32), argument: &Argument) -> Waited {
        let (flags, before) = how;
        match self.enter(submit, want, flags, *argument) {
            Ok(n) => match self.first() {
                Ok((Some(cqe), ready)) if ready >= want || before > 0 || argument.ends_early() => {
                    Waited::new(Ok(n), Some(cqe))
                }
                Ok(_) => self.wait_on(n, submit, want, argument),
                Err(e) => Waited::failed(e),
            },
            Err(e) => self.interrupted(e),
        }
    }

    /// Goes on with a wait that the kernel ended after it took `entered` of `submit` requests, and before `want` completions
    /// were there: because of a wrong request, a signal, or a time-out among the requests.
    ///
    /// With some completions it goes on only once, or a program would never see the signal.
    #[cold]
    fn wait_on(&self, mut entered: u32, submit: u32, want: u32, argument: &Argument) -> Waited {
        if want == 0 && submit > 0 && entered == 0 {
            return Waited::new(Ok(0), None);
        }
        loop {
            let (cqe, ready) = match self.first() {
                Ok(found) => found,
                Err(e) => return Waited::failed(e),
            };
            if want == 0 && submit == 0 && cqe.is_none() {
                return Waited::failed(Errno::EAGAIN);
            }
            // A queue that starts over forgets what was not taken.
            let left = if self.flags & IORING_SETUP_SQ_REWIND == 0 {
                submit.saturating_sub(entered)
            } else {
                0
            };
            let (hand_over, short) = (self.handing_over(left), want > ready);
            if hand_over.is_none() && !short {
                return Waited::new(Ok(entered), cqe);
            }
            if argument.times_out {
                // What was handed over counts more than the time that passed.
                return Waited::new(if entered > 0 { Ok(entered) } else { Err(Errno::ETIME) }, cqe);
            }
            match self.enter(left, want, hand_over.unwrap_or(0) | fetching(short), *argument) {
                Ok(0) if !short => return Waited::new(Ok(entered), cqe),
                Ok(n) => entered = entered.wrapping_add(n),
                // And more than a signal.
                Err(_) if entered > 0 => return Waited::new(Ok(entered), cqe),
                Err(e) => return self.interrupted(e),
            }
            if cqe.is_some() {
                return Waited::new(Ok(entered), cqe);
            }
        }
    }

    /// The end of a wait that the kernel did not do.
    #[cold]
    fn interrupted(&self, e: Errno) -> Waited {
        Waited::new(Err(e), self.first().ok().and_then(|(first, _)| first))
    }

    /// Waits for `want` completions after handing over the first `submit` requests of what is flushed.
    #[inline]
    pub fn wait_flushed(&self, submit: u32, want: u32, sigmask: *const c_void) -> Waited {
        self.wait(submit, want, &Argument::sigmask(sigmask))
    }

    #[inline(never)] // in one place where size is more than speed
    fn wait(&self, submit: u32, want: u32, argument: &Argument) -> Waited {
        match self.before_wait(submit, want) {
            Ok(how) => self.enter_and_wait(submit, want, how, argument),
            Err(done) => done,
        }
    }

    /// Waits for `want` completions; hands nothing over but, on kernels before 5.11, the time-out itself.
    #[inline(always)] // each caller knows something of the patience
    pub fn wait_for(&self, want: u32, patience: &Patience) -> Waited {
        if patience.is_endless() {
            return self.wait_flushed(0, want, patience.sigmask());
        }
        if self.features & patience.needs() != patience.needs() {
            return self.wait_without(want, patience);
        }
        match self.before_wait(0, want) {
            Ok(how) => self.enter_and_wait(0, want, how, &Argument::extended(&patience.0)),
            Err(done) => done,
        }
    }

    /// Hands over what is queued and waits for `want` completions.
    #[inline(always)] // each caller knows something of the patience
    pub fn submit_and_wait_for(&self, want: u32, patience: &Patience) -> Waited {
        if patience.is_endless() {
            return self.wait_flushed(self.flush(), want, patience.sigmask());
        }
        if self.features & patience.needs() != patience.needs() {
            return self.wait_without(want, patience);
        }
        let submit = self.flush();
        match self.before_wait(submit, want) {
            Ok(how) => self.enter_and_wait(submit, want, how, &Argument::extended(&patience.0)),
            Err(done) => done,
        }
    }

    /// The one of the two that `submit` says, at most for `timeout`: where size is more than speed.
    pub fn wait_at_most(&self, timeout: &Timespec, sigmask: *const c_void, submit: bool, want: u32) -> Result<u32> {
        let patience = Patience::new(timeout, sigmask, 0);
        let waited = if self.features & patience.needs() == 0 {
            self.wait_without(want, &patience)
        } else {
            let submit = if submit { self.flush() } else { 0 };
            self.wait(submit, want, &Argument::extended(&patience.0))
        };
        waited.result()
    }

    /// On a kernel that has not what the wait needs.
    #[cold]
    fn wait_without(&self, want: u32, patience: &Patience) -> Waited {
        if patience.0.min_wait_usec == 0 {
            self.wait_with_request(want, patience)
        } else {
            Waited::failed(Errno::EINVAL)
        }
    }

    /// Before 5.11 only a request can end a wait: it completes after `want` others or when its time is over.
    fn wait_with_request(&self, want: u32, patience: &Patience) -> Waited {
        match self.first() {
            // What is there takes no time.
            Ok((Some(_), ready)) if want <= ready => return self.wait_flushed(self.flush(), want, patience.sigmask()),
            Ok(_) => {}
            Err(e) => return Waited::failed(e),
        }
        let timeout = Sqe {
            opcode: IORING_OP_TIMEOUT,
            fd: -1,
            addr: patience.0.ts,
            len: 1,
            off: want.into(),
            user_data: LIBURING_UDATA_TIMEOUT,
            ..Sqe::default()
        };
        if !self.push(&timeout) {
            if let Err(e) = self.submit_unusually(0, false).result() {
                return Waited::failed(e);
            }
            if !self.push(&timeout) {
                return Waited::failed(Errno::EAGAIN);
            }
        }
        let waited = self.wait_flushed(self.flush(), want, patience.sigmask());
        self.take_back_timeout();
        waited
    }

    /// The kernel stops at a bad request: a time-out behind it, which is the last, would be read when its time is gone
    /// from the caller's stack.
    fn take_back_timeout(&self) {
        if self.flags & IORING_SETUP_SQPOLL == 0 && self.sq_ready() > 0 {
            let tail = self.sq.sqe_tail.load(Ordering::Relaxed).wrapping_sub(1);
            self.sq.sqe_tail.store(tail, Ordering::Relaxed);
            self.sq.sqe_head.store(tail, Ordering::Relaxed);
            self.sq.publish(tail);
        }
    }

    /// Hands over what is queued and waits as entry `index` of the registered wait region says. `EINVAL` before 6.13.
    pub fn submit_and_wait_registered(&self, want: u32, index: usize) -> Waited {
        if self.features & IORING_FEAT_EXT_ARG == 0 {
            return Waited::failed(Errno::EINVAL);
        }
        self.wait(self.flush(), want, &Argument::registered(index))
    }
}

#[cfg(test)]
mod tests;
