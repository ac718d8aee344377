//! Queueing requests, submitting, waiting, handing out completions.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::Ordering;

use super::abi::{
    Cqe, GetEventsArg, IORING_ENTER_EXT_ARG, IORING_ENTER_EXT_ARG_REG, IORING_ENTER_GETEVENTS, IORING_ENTER_NO_IOWAIT,
    IORING_ENTER_REGISTERED_RING, IORING_ENTER_SQ_WAIT, IORING_ENTER_SQ_WAKEUP, IORING_FEAT_EXT_ARG,
    IORING_FEAT_MIN_TIMEOUT, IORING_OP_TIMEOUT, IORING_SETUP_CQE_MIXED, IORING_SETUP_IOPOLL, IORING_SETUP_SQ_REWIND,
    IORING_SETUP_SQPOLL, IORING_SQ_CQ_OVERFLOW, IORING_SQ_NEED_WAKEUP, IORING_SQ_TASKRUN, LIBURING_UDATA_TIMEOUT, Ring,
    Sqe, Timespec,
};
use super::shared::{NO_IOWAIT, REGISTERED};
use crate::sys::{Errno, Result, uring};

/// The size of the kernel's signal set.
const SIGSET_SIZE: usize = 8;
/// The size of an entry of a registered wait region.
const REG_WAIT_SIZE: usize = 64;

/// How long to wait, and with which signals blocked. Addresses of the caller; null for none.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest wait.
    pub timeout: *const Timespec,
    /// The signals that are blocked while waiting.
    pub sigmask: *const c_void,
    /// Once this many microseconds passed, one completion is enough. Zero for no such rule.
    pub min_wait_usec: u32,
}

impl Patience {
    /// Waits for as long as it takes.
    pub const ENDLESS: Self = Self {
        timeout: ptr::null(),
        sigmask: ptr::null(),
        min_wait_usec: 0,
    };
}

/// The argument of `io_uring_enter`.
enum Argument {
    None,
    Sigmask(*const c_void),
    Extended(GetEventsArg),
    /// The index in the registered wait region.
    Registered(usize),
}

impl Argument {
    /// Whether a wait may end for its duration alone.
    fn times_out(&self) -> bool {
        match self {
            Self::Extended(arg) => arg.ts != 0,
            Self::Registered(_) => true,
            Self::None | Self::Sigmask(_) => false,
        }
    }
}

/// What a wait found: how many submissions went in, or why not; and the first completion, if any.
pub type Waited = (Result<u32>, Option<*mut Cqe>);

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
        self.cq.tail().wrapping_sub(self.cq.head())
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

    /// Shows the kernel what is queued; how much it has not taken yet.
    pub(super) fn flush(&self) -> u32 {
        let tail = self.sq.sqe_tail.load(Ordering::Relaxed);
        if self.flags & IORING_SETUP_SQ_REWIND != 0 {
            // The kernel takes what one call names, from the start, and no tail is shared.
            self.sq.sqe_tail.store(0, Ordering::Relaxed);
            return tail;
        }
        if self.sq.sqe_head.load(Ordering::Relaxed) != tail {
            self.sq.sqe_head.store(tail, Ordering::Relaxed);
            self.sq.publish(tail);
        }
        tail.wrapping_sub(self.sq.head())
    }

    /// The flags for handing over `submit` requests, if that takes a call.
    fn handing_over(&self, submit: u32) -> Option<u32> {
        if submit == 0 {
            None
        } else if self.flags & IORING_SETUP_SQPOLL == 0 {
            Some(0)
        } else if self.sq.flags_after_publish() & IORING_SQ_NEED_WAKEUP != 0 {
            Some(IORING_ENTER_SQ_WAKEUP)
        } else {
            None
        }
    }

    /// Completions wait in the kernel for a call that brings them.
    #[inline]
    pub(crate) fn kernel_holds_completions(&self) -> bool {
        self.flags & IORING_SETUP_IOPOLL != 0 || self.cq_needs_flush()
    }

    #[inline]
    fn cq_needs_flush(&self) -> bool {
        self.sq.flags() & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN) != 0
    }

    fn enter(&self, submit: u32, wait: u32, flags: u32, argument: &Argument) -> Result<u32> {
        let mut flags = flags;
        if self.noted(REGISTERED) {
            flags |= IORING_ENTER_REGISTERED_RING;
        }
        if self.noted(NO_IOWAIT) && wait > 0 {
            flags |= IORING_ENTER_NO_IOWAIT;
        }
        let (arg, size) = match argument {
            Argument::None => (ptr::null(), SIGSET_SIZE),
            Argument::Sigmask(mask) => (*mask, SIGSET_SIZE),
            Argument::Extended(arg) => {
                flags |= IORING_ENTER_EXT_ARG;
                (ptr::from_ref(arg).cast(), size_of::<GetEventsArg>())
            }
            Argument::Registered(index) => {
                flags |= IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG;
                (
                    ptr::without_provenance(index.wrapping_mul(REG_WAIT_SIZE)),
                    REG_WAIT_SIZE,
                )
            }
        };
        uring::enter(self.enter_fd(), submit, wait, flags, arg, size)
    }

    /// Hands over what is queued; how many requests that was.
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

    fn submit_with(&self, wait: u32, fetch: bool) -> Result<u32> {
        let submit = self.flush();
        let fetch = fetch || wait > 0 || self.kernel_holds_completions();
        let hand_over = self.handing_over(submit);
        if hand_over.is_none() && !fetch {
            return Ok(submit);
        }
        let fetching = if fetch { IORING_ENTER_GETEVENTS } else { 0 };
        self.enter(submit, wait, hand_over.unwrap_or(0) | fetching, &Argument::None)
    }

    /// Lets the kernel bring the completions it holds.
    pub fn get_events(&self) -> Result<u32> {
        self.enter(0, 0, IORING_ENTER_GETEVENTS, &Argument::None)
    }

    /// Waits until the kernel's submission thread has made room in the queue.
    pub fn wait_for_space(&self) -> Result<u32> {
        self.enter(0, 0, IORING_ENTER_SQ_WAIT, &Argument::None)
    }

    /// A copy of the first completion, which stays where it is.
    ///
    /// Leaves alone what only [`Ring::get_events`] brings.
    #[inline]
    pub fn peek(&self) -> Option<Cqe> {
        let (first, _) = self.first().ok()?;
        first.map(|(_, cqe)| cqe)
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
    fn first(&self) -> Result<(Option<(*mut Cqe, Cqe)>, u32)> {
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
                return Ok((Some((self.cq.at(head, shift), cqe)), ready));
            }
        }
    }

    /// Consumes the gap at the head, if there is one; how many slots are filled behind it.
    #[inline]
    fn past_gap(&self) -> u32 {
        let ready = self.cq_ready();
        let mixed = self.flags & IORING_SETUP_CQE_MIXED != 0;
        if mixed && ready > 0 && self.is_gap(&self.cq.read(self.cq.head(), 0)) {
            self.advance(1);
            return ready.wrapping_sub(1);
        }
        ready
    }

    /// The addresses of the completions that are there, at most as many as `room` takes; how many it got.
    ///
    /// Each is consumed by advancing over its slots, so they have no gap between them: those behind one are for the next
    /// call. Asks the kernel once if none are there and it holds some.
    pub fn peek_batch(&self, room: u32, mut put: impl FnMut(u32, *mut Cqe)) -> u32 {
        let mut ready = self.past_gap();
        if ready == 0 && self.cq_needs_flush() && self.get_events().is_ok() {
            ready = self.past_gap();
        }
        let mut index = self.cq.head();
        if self.flags & IORING_SETUP_CQE_MIXED == 0 {
            let got = ready.min(room);
            // One after the other up to the end of the ring, and then from its start.
            let (shift, mask) = (self.cqe_shift(), self.cq.ring_mask);
            let before_end = mask.wrapping_sub(index & mask).wrapping_add(1);
            let (mut at, mut n) = (self.cq.at(index, shift), 0);
            for until in [got.min(before_end), got] {
                while n < until {
                    put(n, at);
                    at = at.wrapping_add(1 << shift);
                    n = n.wrapping_add(1);
                }
                at = self.cq.at(0, shift);
            }
            return got;
        }
        let mut got = 0;
        while ready > 0 && got < room {
            let cqe = self.cq.read(index, 0);
            if self.is_gap(&cqe) {
                break;
            }
            let slots = self.slots(&cqe);
            put(got, self.cq.at(index, 0));
            got = got.wrapping_add(1);
            index = index.wrapping_add(slots);
            ready = ready.saturating_sub(slots);
        }
        got
    }

    /// Hands over `submit` requests that are flushed and waits for `want` completions.
    fn wait(&self, submit: u32, want: u32, argument: &Argument) -> Waited {
        let mut left = submit;
        // What the first call to the kernel said.
        let mut entered: Option<u32> = None;
        loop {
            let (first, ready) = match self.first() {
                Ok(found) => found,
                Err(e) => return (Err(e), None),
            };
            let cqe = first.map(|(at, _)| at);
            if let (Some(n), Some(_)) = (entered, cqe) {
                return (Ok(n), cqe);
            }
            let short = want > ready;
            let fetch = short || cqe.is_none() && want == 0 && submit == 0;
            if fetch && !short && (entered.is_some() || !self.kernel_holds_completions()) {
                return (Err(Errno::EAGAIN), None);
            }
            let hand_over = self.handing_over(left);
            if hand_over.is_none() && !fetch {
                return (Ok(entered.unwrap_or(submit)), cqe);
            }
            if let Some(n) = entered
                && argument.times_out()
            {
                // What was handed over counts more than the time that passed.
                return (if n > 0 { Ok(n) } else { Err(Errno::ETIME) }, None);
            }
            let fetching = if fetch { IORING_ENTER_GETEVENTS } else { 0 };
            match self.enter(left, want, hand_over.unwrap_or(0) | fetching, argument) {
                Ok(0) if !fetch => return (Ok(entered.unwrap_or(0)), cqe),
                Ok(n) => {
                    left = left.saturating_sub(n);
                    entered.get_or_insert(n);
                }
                Err(e) => return (Err(e), self.first().ok().and_then(|(first, _)| first).map(|(at, _)| at)),
            }
        }
    }

    /// Waits for `want` completions after handing over the first `submit` requests of what is flushed.
    pub fn wait_flushed(&self, submit: u32, want: u32, sigmask: *const c_void) -> Waited {
        self.wait(
            submit,
            want,
            &if sigmask.is_null() {
                Argument::None
            } else {
                Argument::Sigmask(sigmask)
            },
        )
    }

    /// Waits for `want` completions; hands nothing over but, on kernels before 5.11, the time-out itself.
    pub fn wait_for(&self, want: u32, patience: &Patience) -> Waited {
        if patience.timeout.is_null() && patience.min_wait_usec == 0 {
            return self.wait_flushed(0, want, patience.sigmask);
        }
        self.wait_patiently(false, want, patience)
    }

    /// Hands over what is queued and waits for `want` completions.
    pub fn submit_and_wait_for(&self, want: u32, patience: &Patience) -> Waited {
        if patience.timeout.is_null() && patience.min_wait_usec == 0 {
            return self.wait_flushed(self.flush(), want, patience.sigmask);
        }
        self.wait_patiently(true, want, patience)
    }

    fn wait_patiently(&self, submit: bool, want: u32, patience: &Patience) -> Waited {
        if patience.min_wait_usec != 0 && self.features & IORING_FEAT_MIN_TIMEOUT == 0 {
            return (Err(Errno::EINVAL), None);
        }
        if self.features & IORING_FEAT_EXT_ARG == 0 {
            return self.wait_with_request(want, patience);
        }
        let arg = GetEventsArg {
            sigmask: patience.sigmask.expose_provenance() as u64,
            sigmask_sz: SIGSET_SIZE as u32,
            min_wait_usec: patience.min_wait_usec,
            ts: patience.timeout.expose_provenance() as u64,
        };
        self.wait(if submit { self.flush() } else { 0 }, want, &Argument::Extended(arg))
    }

    /// Before 5.11 only a request can end a wait: it completes after `want` others or when its time is over.
    fn wait_with_request(&self, want: u32, patience: &Patience) -> Waited {
        let timeout = Sqe {
            opcode: IORING_OP_TIMEOUT,
            fd: -1,
            addr: patience.timeout.expose_provenance() as u64,
            len: 1,
            off: want.into(),
            user_data: LIBURING_UDATA_TIMEOUT,
            ..Sqe::default()
        };
        if !self.push(&timeout) {
            if let Err(e) = self.submit() {
                return (Err(e), None);
            }
            if !self.push(&timeout) {
                return (Err(Errno::EAGAIN), None);
            }
        }
        self.wait_flushed(self.flush(), want, patience.sigmask)
    }

    /// Hands over what is queued and waits as entry `index` of the registered wait region says. `EINVAL` before 6.13.
    pub fn submit_and_wait_registered(&self, want: u32, index: usize) -> Waited {
        if self.features & IORING_FEAT_EXT_ARG == 0 {
            return (Err(Errno::EINVAL), None);
        }
        self.wait(self.flush(), want, &Argument::Registered(index))
    }
}

#[cfg(test)]
mod tests;
