//! The state of this library in one process.
//!
//! All of it lies in one mapping that fork wipes, and all zeroes is its initial state: a child
//! starts with no context, no thread and no lock held, however it was made. What the parent had
//! stays the parent's.

#![allow(unsafe_code)]

use super::class::CachedFiles;
use super::config::Config;
use super::context::Table;
use super::engine::Engine;
use super::request::{Pool, Tracked};
use crate::sys::map;
use crate::sys::mem::ProvenPages;
use crate::sys::{Result, futex, thread};
use core::sync::atomic::{
    AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, SeqCst},
};

/// Everything; see the module.
pub(crate) struct Process {
    pub(crate) config: Config,
    pub(crate) table: Table,
    pub(crate) pool: Pool,
    pub(crate) engine: Engine,
    /// Buffered reads on the ring, by file: a write waits for those that it overlaps.
    pub(crate) reads: Tracked,
    pub(crate) pages: ProvenPages,
    pub(crate) cached: CachedFiles,
    /// Ring-lane transfers and syncs begun and ended, for those who leave the process.
    begun: AtomicU64,
    ended: AtomicU64,
    leaving: AtomicU32,
    exit_key: thread::ExitKey,
}

static PROCESS: AtomicPtr<Process> = AtomicPtr::new(core::ptr::null_mut());

/// The process can end with this thread, or with another that never used this library.
fn thread_leaves() {
    if let Some(process) = Process::current() {
        process.engine.thread_leaves();
    }
}

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

    /// Remembers that the calling thread uses this library: the process may end with it.
    pub(crate) fn note_thread(&self) {
        thread::at_exit(&self.exit_key, thread_leaves);
    }

    /// A request that moves data is handed to the kernel. The library's thread counts, as a call that
    /// a signal handler interrupted may never go on: the handler may leave by `exit`.
    pub(crate) fn transfer_begun(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    /// Its event is there, or it went back to the call that submits it.
    pub(crate) fn transfer_ended(&self) {
        self.ended.fetch_add(1, SeqCst);
        if self.leaving.load(SeqCst) != 0 {
            self.leaving.fetch_add(1, SeqCst);
            futex::wake(&self.leaving, futex::ALL);
        }
    }

    /// Whether every transfer has ended.
    pub(crate) fn idle(&self) -> bool {
        self.ended.load(SeqCst) >= self.begun.load(SeqCst)
    }

    /// Waits until the transfers begun so far have ended: `exit` must not overtake them.
    pub(crate) fn drain(&self) {
        let target = self.begun.load(SeqCst);
        loop {
            let seen = self.leaving.fetch_add(1, SeqCst).wrapping_add(1);
            if self.ended.load(SeqCst) >= target || !self.engine.is_running() {
                return;
            }
            let _ = futex::wait(&self.leaving, seen, 100_000_000);
        }
    }
}
