//! The buffer ring of a context: from where the kernel takes the buffers of its reads that bring none.

use super::context::Context;
use super::engine::Order;
use super::process::Process;
use crate::sys::{Errno, Result};
use crate::uring::abi::{self as uring, BufReg};
use core::sync::atomic::{
    AtomicI32, AtomicU32, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

/// There is none; one comes or goes; there is one.
const NONE: u32 = 0;
const CHANGES: u32 = 1;
const BOUND: u32 = 2;

/// What a context knows of its ring. All zeroes is "there is none".
#[derive(Default)]
pub(crate) struct Provided {
    state: AtomicU32,
    /// What the kernel said.
    error: AtomicI32,
    /// Where the ring lies, how many buffers it has room for, `IOU_PBUF_RING_`, and the rest that is too small for use.
    address: AtomicU64,
    entries: AtomicU32,
    flags: AtomicU32,
    min_left: AtomicU32,
    /// What the library's ring knows it by.
    pub(crate) group: AtomicU32,
    /// How many the events have named as used up.
    used: AtomicU32,
}

impl Provided {
    /// Whether reads can be submitted.
    pub(crate) fn are_bound(&self) -> bool {
        self.state.load(SeqCst) == BOUND
    }

    /// Whether buffers are used piece by piece, as far as each read goes.
    pub(crate) fn are_incremental(&self) -> bool {
        self.flags.load(Relaxed) & u32::from(uring::IOU_PBUF_RING_INC) != 0
    }

    /// What the kernel is told.
    pub(crate) fn registration(&self) -> BufReg {
        BufReg {
            ring_addr: self.address.load(Relaxed),
            ring_entries: self.entries.load(Relaxed),
            flags: self.flags.load(Relaxed) as u16,
            min_left: self.min_left.load(Relaxed),
            ..BufReg::default()
        }
    }

    /// What came of the registration.
    pub(crate) fn answer(&self, done: Result<BufReg>) {
        match done {
            Ok(done) => {
                self.group.store(done.bgid.into(), Relaxed);
                self.flags.store(done.flags.into(), Relaxed);
                self.min_left.store(done.min_left, Relaxed);
                self.state.store(BOUND, SeqCst);
            }
            Err(e) => {
                self.error.store(e.number(), Relaxed);
                self.state.store(NONE, SeqCst);
            }
        }
    }

    /// An event names a buffer that is used up.
    pub(crate) fn used_one(&self) {
        self.used.fetch_add(1, Relaxed);
    }

    /// Forgets the ring, once no read can take a buffer from it.
    pub(crate) fn let_go(&self, idle: bool) {
        if idle {
            self.address.store(0, Relaxed);
            self.state.store(NONE, SeqCst);
        }
    }
}

impl Context {
    /// Has reads take their buffers from the ring that the registration describes, as well as the kernel can; its group is
    /// of no account. Gives the flags that hold, and above 16 bits whether the limit of the rest does.
    ///
    /// # Errors
    /// `EBUSY` if there is one; `EOPNOTSUPP` if there is no thread of the library to do it, or if the kernel has no such
    /// rings; else what it says.
    pub(crate) fn bind(&'static self, process: &'static Process, ring: &BufReg) -> Result<usize> {
        let engine = &process.engine;
        if self.kernel_handle().is_some() || !engine.has_thread() || engine.carrier.is_open() {
            return Err(Errno::EOPNOTSUPP);
        }
        let buffers = &self.provided;
        if buffers.state.compare_exchange(NONE, CHANGES, SeqCst, SeqCst).is_err() {
            return Err(Errno::EBUSY);
        }
        buffers.address.store(ring.ring_addr, Relaxed);
        buffers.entries.store(ring.ring_entries, Relaxed);
        buffers.flags.store(ring.flags.into(), Relaxed);
        buffers.min_left.store(ring.min_left, Relaxed);
        buffers.used.store(0, Relaxed);
        engine.bind(Order::Bind(self));
        if buffers.are_bound() {
            let limited = u32::from(buffers.min_left.load(Relaxed) != 0);
            Ok((buffers.flags.load(Relaxed) | limited << 16) as usize)
        } else {
            Err(Errno::new(buffers.error.load(Relaxed)))
        }
    }

    /// Ends that, for the ring at the address, or (0) for whichever there is: reads that wait end with `ECANCELED`. When
    /// it returns the kernel takes no more buffers. Gives how many events have named one as used up, the lower 16 bits.
    ///
    /// # Errors
    /// `EINVAL` if it is not bound.
    pub(crate) fn unbind(&'static self, process: &'static Process, address: u64) -> Result<usize> {
        let buffers = &self.provided;
        let bound = buffers.address.load(Relaxed);
        if address != 0 && address != bound || buffers.state.compare_exchange(BOUND, CHANGES, SeqCst, SeqCst).is_err() {
            return Err(Errno::EINVAL);
        }
        loop {
            process.engine.bind(Order::Unbind(self));
            if buffers.state.load(SeqCst) != CHANGES || buffers.address.load(Relaxed) != bound {
                return Ok(buffers.used.load(Relaxed) as u16 as usize);
            }
            // A read of a file is under way.
            process.engine.nap(&AtomicU32::new(0), 0);
        }
    }

    /// How many buffers of the ring at the address events have named as used up, the lower 16 bits.
    ///
    /// # Errors
    /// `EINVAL` if it is not bound.
    pub(crate) fn used(&self, address: u64) -> Result<usize> {
        let buffers = &self.provided;
        if buffers.address.load(Relaxed) != address {
            return Err(Errno::EINVAL);
        }
        Ok(buffers.used.load(Relaxed) as u16 as usize)
    }
}
