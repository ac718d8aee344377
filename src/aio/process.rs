//! The state of this library in one process.
//!
//! All of it lies in one mapping that fork wipes, and all zeroes is its initial state: a child
//! starts with no context, no thread and no lock held, however it was made. What the parent had
//! stays the parent's.

#![allow(unsafe_code)]

use super::class::{CachedPages, KnownFiles};
use super::config::Config;
use super::context::Table;
use super::engine::Engine;
use super::fixed::Buffers;
use super::frame::Threads;
use super::judge::Judge;
use super::own::Lanes;
use super::request::{BLOCKING_SIGNAL, Pool, Request, SETTLED, SILENT, Tracked};
use super::streams::Streams;
use super::underway::Underway;
use crate::sys::futex::Lock;
use crate::sys::map;
use crate::sys::mem::ProvenPages;
use crate::sys::{Errno, Result, file, thread};
use core::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Acquire, SeqCst},
    fence,
};

/// Everything; see the module.
pub(crate) struct Process {
    pub(crate) config: Config,
    pub(crate) table: Table,
    pub(crate) pool: Pool,
    pub(crate) engine: Engine,
    pub(crate) lanes: Lanes,
    /// Buffered reads on the ring, by file: a write waits for those that it overlaps.
    pub(crate) reads: Tracked,
    pub(crate) pages: ProvenPages,
    pub(crate) cached: KnownFiles,
    pub(crate) cached_pages: CachedPages,
    /// Descriptors that were for buffered writes when last looked at.
    pub(crate) written: KnownFiles,
    pub(crate) judge: Judge,
    /// Registered buffers of contexts.
    pub(crate) buffers: Buffers,
    /// Guards what is added to blocking eventfds by threads of the program.
    pub(crate) adding: Lock,
    /// Requests that will add to one from the ring, and threads that have it saturated.
    adders: AtomicU32,
    /// Ring-lane transfers and syncs, for those who leave the process.
    pub(crate) transfers: Underway,
    pub(crate) threads: Threads,
    /// Calls of `aiouring_cancel`.
    pub(crate) cancels: AtomicU32,
    /// Those that wait, and those that a handler has jumped out of.
    pub(crate) cancel_waits: AtomicU32,
    pub(crate) streams: Streams,
}

static PROCESS: AtomicPtr<Process> = AtomicPtr::new(core::ptr::null_mut());

impl Process {
    /// The state, if anything has been set up in this process or one that it was forked from.
    #[inline]
    pub(crate) fn current() -> Option<&'static Self> {
        // SAFETY: the pointer is null or points to a mapping that stays for good, made of
        // atomics, for which every state of the memory is a valid one.
        unsafe { PROCESS.load(Acquire).as_ref() }
    }

    /// The state, made on first use.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(crate) fn get() -> Result<&'static Self> {
        if let Some(process) = Self::current() {
            return Ok(process);
        }
        let size = size_of::<Self>().next_multiple_of(map::PAGE);
        let fresh = map::wiped(size)?.as_ptr().cast::<Self>();
        // SAFETY: as in `current`; whoever loses the race takes the winner's and unmaps its own,
        // which nobody else has seen.
        unsafe {
            match PROCESS.compare_exchange(core::ptr::null_mut(), fresh, SeqCst, Acquire) {
                Ok(_) => Ok(&*fresh),
                Err(first) => {
                    map::unmap(fresh.cast(), size);
                    Ok(&*first)
                }
            }
        }
    }

    /// Remembers that the request will add to a blocking eventfd.
    pub(crate) fn blocking_signal(&self, request: &'static Request) {
        request.mark(BLOCKING_SIGNAL);
        self.begin_adding();
    }

    /// Gives a request back to the pool.
    pub(crate) fn release(&self, request: &'static Request) {
        if request.is(BLOCKING_SIGNAL) {
            self.adders.fetch_sub(1, SeqCst);
        }
        self.over(request);
        self.pool.release(request);
    }

    /// A request has its event, and its eventfd is written to.
    #[inline]
    fn over(&self, request: &'static Request) {
        if request.is_over() {
            self.tell(request);
        }
    }

    #[cold]
    fn tell(&self, request: &'static Request) {
        // In this order with the other side, which counts itself first and then looks at the request.
        fence(SeqCst);
        if self.cancel_waits.load(SeqCst) != 0
            && let Some(context) = request.context()
        {
            context.wake_sleepers();
        }
    }

    /// One of the two ends that a poll has which is kept by a ring: [`SETTLED`] or [`SILENT`].
    pub(crate) fn part(&self, request: &'static Request, end: u32) {
        if end == SETTLED {
            self.over(request);
        }
        let other = (SETTLED | SILENT) & !end;
        if request.state.fetch_or(end, SeqCst) & other != 0 {
            self.release(request);
        }
    }

    /// Adds to an eventfd without ever blocking.
    pub(crate) fn signal(&self, fd: i32, count: u64) {
        self.signal_as(fd, count, file::may_block(fd));
    }

    /// The same where it is known whether a write may block.
    pub(crate) fn signal_as(&self, fd: i32, count: u64, blocks: bool) {
        let left = self.write_signal(fd, count, blocks);
        if left > 0 {
            let _quiet = thread::quiet();
            self.begin_adding();
            self.engine.saturate(fd, left);
            self.adders.fetch_sub(1, SeqCst);
        }
    }

    /// From here on nobody goes by a look at the counter of a blocking eventfd, until `adders` is less.
    fn begin_adding(&self) {
        let _held = self.adding.lock();
        self.adders.fetch_add(1, SeqCst);
    }

    /// The same by a write; what cannot be added so comes back.
    fn write_signal(&self, fd: i32, count: u64, blocks: bool) -> u64 {
        /// From so many on it is cheaper to look the counter up.
        const MANY: u64 = 8;
        if blocks {
            // Nobody else may add between a look at the counter and the write that follows it.
            let held = self.adding.lock();
            if count < MANY && self.adders.load(SeqCst) == 0 {
                return file::add_ones_to_eventfd(fd, count);
            }
            drop(held);
            // Or there has to be more room than others will ever use up.
            if file::counter(fd).is_none_or(|now| now > u64::MAX / 2) {
                return count;
            }
        }
        match file::add_to_eventfd(fd, count) {
            Err(Errno::EAGAIN) => count,
            _ => 0,
        }
    }
}
