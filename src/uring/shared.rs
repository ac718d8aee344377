//! The words and entries that a ring shares with the kernel.
//!
//! A ring that is not set up has null pointers: its words read as zero, and stores do nothing.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering, fence};

use super::abi::{
    Cq, Cqe, IORING_CQE_F_32, IORING_CQE_F_SKIP, IORING_ENTER_NO_IOWAIT, IORING_ENTER_REGISTERED_RING,
    IORING_SETUP_CQE_MIXED, IORING_SETUP_CQE32, IORING_SETUP_SQE128, Ring, Sq, Sqe,
};
use crate::sys::thread;

/// `io_uring_enter` goes by the index of the registered descriptor.
pub(super) const REGISTERED: u32 = 1 << 0;
/// `io_uring_register` can go by it, too.
pub(super) const REGISTERS_BY_INDEX: u32 = 1 << 1;
/// The rings lie in memory of the program: not ours to unmap.
pub(super) const FOREIGN_MEMORY: u32 = 1 << 2;
/// Waiting does not count as waiting for I/O.
pub(super) const NO_IOWAIT: u32 = 1 << 3;

/// What two of these are flags of `io_uring_enter` by.
const FLAG_SHIFT: u32 = 4;

// SAFETY: the pointers lead to memory that belongs to the ring alone and is not tied to a thread.
unsafe impl Send for Ring {}

/// A word that both sides see.
#[inline]
fn word<'a>(at: *const AtomicU32) -> Option<&'a AtomicU32> {
    // SAFETY: null, or set by set-up to an aligned word of a mapping that lives until the ring's exit; exit takes
    // `&mut Ring`, and no reference outlives the calls below.
    unsafe { at.as_ref() }
}

#[inline]
pub(super) fn load(at: *const AtomicU32, order: Ordering) -> u32 {
    word(at).map_or(0, |w| w.load(order))
}

/// The words of the submission ring.
pub(super) struct SqWords<'a> {
    pub(super) head: &'a AtomicU32,
    pub(super) tail: &'a AtomicU32,
    pub(super) flags: &'a AtomicU32,
}

impl Sq {
    /// The words, if the ring is set up: one look in place of one for each.
    #[inline]
    pub(super) fn words(&self) -> Option<SqWords<'_>> {
        let head = word(self.khead)?;
        // SAFETY: as in `word`, and set-up sets all of them or none.
        unsafe {
            Some(SqWords {
                head,
                tail: &*self.ktail,
                flags: &*self.kflags,
            })
        }
    }

    /// How far the kernel has taken requests.
    #[inline]
    pub(super) fn head(&self) -> u32 {
        load(self.khead, Ordering::Acquire)
    }

    /// Shows the kernel the requests before `tail`.
    #[inline]
    pub(super) fn publish(&self, tail: u32) {
        if let Some(w) = word(self.ktail) {
            w.store(tail, Ordering::Release);
        }
    }

    /// The kernel's flags of the moment.
    #[inline]
    pub(super) fn flags(&self) -> u32 {
        load(self.kflags, Ordering::Relaxed)
    }

    /// The flags as they are after the kernel could have seen all we published.
    #[inline]
    pub(super) fn flags_after_publish(&self) -> u32 {
        fence(Ordering::SeqCst);
        self.flags()
    }

    /// Copies a request into the slot at `index`; the caller saw that it is free.
    #[inline]
    pub(super) fn write(&self, index: u32, shift: u32, sqe: &Sqe) {
        if !self.sqes.is_null() {
            let slot = self.sqes.wrapping_add(((index & self.ring_mask) << shift) as usize);
            // SAFETY: the mask keeps the slot inside the array, which set-up made for `ring_mask + 1` requests of
            // `1 << shift` units each.
            unsafe { slot.write(*sqe) };
        }
    }

    /// The request at `index`.
    pub(super) fn read(&self, index: u32, shift: u32) -> Sqe {
        if self.sqes.is_null() {
            return Sqe::default();
        }
        let slot = self.sqes.wrapping_add(((index & self.ring_mask) << shift) as usize);
        // SAFETY: as in `write`; any bytes are a request.
        unsafe { slot.read() }
    }

    /// Clears what a former request left at `index`, but for what every request sets; where that is.
    pub(super) fn clear(&self, index: u32, shift: u32) -> *mut Sqe {
        let slot = self.sqes.wrapping_add(((index & self.ring_mask) << shift) as usize);
        // SAFETY: as in `write`; a queue that gave out an index has requests.
        let sqe = unsafe { &mut *slot };
        sqe.flags = 0;
        sqe.ioprio = 0;
        sqe.op_flags = 0;
        sqe.buf_index = 0;
        sqe.personality = 0;
        sqe.file_index = 0;
        sqe.addr3 = 0;
        sqe.pad = 0;
        slot
    }
}

impl Cq {
    /// How far completions have been consumed.
    #[inline]
    pub(super) fn head(&self) -> u32 {
        load(self.khead, Ordering::Relaxed)
    }

    /// How far completions have been consumed, and how many lie there.
    #[inline]
    pub(super) fn filled(&self) -> (u32, u32) {
        let Some(head) = word(self.khead) else { return (0, 0) };
        let head = head.load(Ordering::Relaxed);
        // SAFETY: as in `word`, and set-up sets both or neither.
        let tail = unsafe { (*self.ktail).load(Ordering::Acquire) };
        (head, tail.wrapping_sub(head))
    }

    /// Gives the kernel back the slots before `head`.
    #[inline]
    pub(super) fn release(&self, head: u32) {
        if let Some(w) = word(self.khead) {
            w.store(head, Ordering::Release);
        }
    }

    /// Where the completion at `index` lies.
    #[inline]
    pub(super) fn at(&self, index: u32, shift: u32) -> *mut Cqe {
        self.cqes.wrapping_add(((index & self.ring_mask) << shift) as usize)
    }

    /// The completion at `index`, which lies before [`Cq::tail`].
    #[inline]
    pub(super) fn read(&self, index: u32, shift: u32) -> Cqe {
        let at = self.at(index, shift);
        if self.cqes.is_null() {
            return Cqe::default();
        }
        // SAFETY: the mask keeps it inside the array, and the kernel does not touch it before `release`.
        unsafe { at.read() }
    }

    /// The sixteen bytes that follow the completion at `index`, which is a long one.
    pub(super) fn second_half(&self, index: u32, shift: u32) -> [u64; 2] {
        if self.cqes.is_null() {
            return [0; 2];
        }
        // SAFETY: as in `read`; the kernel never puts a long completion at the very end, and any bytes are two words.
        unsafe { self.at(index, shift).wrapping_add(1).cast::<[u64; 2]>().read() }
    }

    /// Copies the completion at `from` over that at `to`; both are filled and not consumed.
    pub(super) fn copy(&self, from: u32, to: u32, shift: u32) {
        if from == to || self.cqes.is_null() {
            return;
        }
        // SAFETY: as in `read`: each takes `1 << shift` units, and the kernel leaves both alone before `release`.
        unsafe { ptr::copy(self.at(from, shift), self.at(to, shift), 1 << shift) };
    }

    /// Makes a gap of the completion at `index`, which takes one slot and is not consumed.
    pub(super) fn make_gap(&self, index: u32) {
        if self.cqes.is_null() {
            return;
        }
        // SAFETY: as in `read`.
        unsafe { (*self.at(index, 0)).flags = IORING_CQE_F_SKIP };
    }
}

impl Ring {
    /// Requests of twice the size take two units each.
    #[inline]
    pub(super) fn sqe_shift(&self) -> u32 {
        (self.flags & IORING_SETUP_SQE128 != 0).into()
    }

    /// Completions of twice the size take two units each.
    #[inline]
    pub(super) fn cqe_shift(&self) -> u32 {
        (self.flags & IORING_SETUP_CQE32 != 0).into()
    }

    /// How many slots a completion takes.
    #[inline]
    pub(crate) fn slots(&self, cqe: &Cqe) -> u32 {
        1 + u32::from(self.flags & IORING_SETUP_CQE_MIXED != 0 && cqe.flags & IORING_CQE_F_32 != 0)
    }

    /// A gap that the kernel left where a long completion did not fit before the end of the ring.
    #[inline]
    pub(super) fn is_gap(&self, cqe: &Cqe) -> bool {
        self.flags & IORING_SETUP_CQE_MIXED != 0 && cqe.flags & IORING_CQE_F_SKIP != 0
    }

    /// What `io_uring_enter` takes for the ring's descriptor.
    #[inline]
    pub(super) fn enter_fd(&self) -> i32 {
        self.enter_ring_fd.load(Ordering::Relaxed) as i32
    }

    /// The flags for `io_uring_enter` that are the ring's and not the call's.
    #[inline]
    pub(super) fn enter_flags(&self) -> u32 {
        const { assert!(REGISTERED << FLAG_SHIFT == IORING_ENTER_REGISTERED_RING) };
        const { assert!(NO_IOWAIT << FLAG_SHIFT == IORING_ENTER_NO_IOWAIT) };
        (self.int_flags.load(Ordering::Relaxed) & (REGISTERED | NO_IOWAIT)) << FLAG_SHIFT
    }

    #[inline]
    pub(super) fn noted(&self, note: u32) -> bool {
        self.int_flags.load(Ordering::Relaxed) & note != 0
    }

    /// Indices of registered descriptors are a thread's own.
    pub(super) fn note_registrar(&self) {
        self.pad2.store(thread::own_id() as u32, Ordering::Relaxed);
    }

    /// Whether this is the thread that registered the descriptor.
    pub(super) fn is_registrar(&self) -> bool {
        self.pad2.load(Ordering::Relaxed) == thread::own_id() as u32
    }

    pub(super) fn note(&self, note: u32, on: bool) {
        let old = self.int_flags.load(Ordering::Relaxed);
        self.int_flags
            .store(if on { old | note } else { old & !note }, Ordering::Relaxed);
    }
}
