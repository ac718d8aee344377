//! What the rings lie in.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use super::abi::{
    IORING_FEAT_SINGLE_MMAP, IORING_OFF_CQ_RING, IORING_OFF_SQ_RING, IORING_OFF_SQES, IORING_SETUP_NO_MMAP,
    IORING_SETUP_NO_SQARRAY, Params, Ring,
};
use super::setup::Sizes;
use super::shared::FOREIGN_MEMORY;
use crate::sys::{Errno, Result, map, uring};

/// The most requests that a kernel gives a ring room for.
const MOST_ENTRIES: usize = 32768;

/// What programs built against 2.5 and before write to in place of the kernel's array of indices. Nobody reads it, and all
/// write the same, so all rings share it: memory of the heap would be a leak in a program that ends with its rings.
static INDICES: [AtomicU32; MOST_ENTRIES] = [const { AtomicU32::new(0) }; MOST_ENTRIES];

/// Maps the rings of `fd` and points `ring` at them.
///
/// Nothing is left mapped on failure.
pub(super) fn map_rings(fd: i32, p: &Params, ring: &mut Ring) -> Result<()> {
    let sizes = Sizes::of_made(p);
    let single = p.features & IORING_FEAT_SINGLE_MMAP != 0;
    let (sq_len, cq_len) = if single {
        let both = sizes.sq_ring.max(sizes.cq_ring);
        (both, both)
    } else {
        (sizes.sq_ring, sizes.cq_ring)
    };
    let sq = map::shared(fd, IORING_OFF_SQ_RING, sq_len)?;
    ring.sq.ring_ptr = sq.as_ptr();
    ring.sq.ring_sz = sq_len;
    ring.cq.ring_ptr = sq.as_ptr();
    ring.cq.ring_sz = cq_len;
    let mut rest = || -> Result<()> {
        if !single {
            ring.cq.ring_ptr = map::shared(fd, IORING_OFF_CQ_RING, cq_len)?.as_ptr();
        }
        ring.sq.sqes = map::shared(fd, IORING_OFF_SQES, sizes.sqes)?.as_ptr().cast();
        ring.sq.sqes_sz = sizes.sqes as u32;
        point(p, ring);
        Ok(())
    };
    let made = rest();
    made.inspect_err(|_| unmap_rings(ring))
}

/// Points `ring` into rings that lie at `ring_ptr` and `sqes`, which are set.
pub(super) fn point(p: &Params, ring: &mut Ring) {
    let (sq, cq) = (ring.sq.ring_ptr, ring.cq.ring_ptr);
    let word = |base: *mut u8, offset: u32| -> *const AtomicU32 { base.wrapping_add(offset as usize).cast() };

    ring.sq.khead = word(sq, p.sq_off.head);
    ring.sq.ktail = word(sq, p.sq_off.tail);
    ring.sq.kring_mask = word(sq, p.sq_off.ring_mask);
    ring.sq.kring_entries = word(sq, p.sq_off.ring_entries);
    ring.sq.kflags = word(sq, p.sq_off.flags);
    ring.sq.kdropped = word(sq, p.sq_off.dropped);

    ring.cq.khead = word(cq, p.cq_off.head);
    ring.cq.ktail = word(cq, p.cq_off.tail);
    ring.cq.kring_mask = word(cq, p.cq_off.ring_mask);
    ring.cq.kring_entries = word(cq, p.cq_off.ring_entries);
    ring.cq.koverflow = word(cq, p.cq_off.overflow);
    ring.cq.cqes = cq.wrapping_add(p.cq_off.cqes as usize).cast();
    if p.cq_off.flags != 0 {
        ring.cq.kflags = word(cq, p.cq_off.flags);
    }

    ring.sq.ring_entries = p.sq_entries;
    ring.sq.ring_mask = p.sq_entries.wrapping_sub(1);
    ring.cq.ring_entries = p.cq_entries;
    ring.cq.ring_mask = p.cq_entries.wrapping_sub(1);

    let array = if p.flags & IORING_SETUP_NO_SQARRAY == 0 {
        word(sq, p.sq_off.array)
    } else if p.sq_entries as usize <= MOST_ENTRIES {
        INDICES.as_ptr()
    } else {
        // Programs that old cannot have meant such a ring: their kernels had none.
        ptr::null()
    };
    if !array.is_null() {
        for index in 0..p.sq_entries {
            // SAFETY: both arrays have `sq_entries` elements; the kernel reads its own at submission only.
            unsafe { &*array.wrapping_add(index as usize) }.store(index, Ordering::Relaxed);
        }
    }
    ring.sq.array = array.cast_mut().cast();
}

/// What the ring lies in: one piece if its memory was not the kernel's, which may be a huge page and is not to be divided;
/// else the requests, the submission ring and, if it is not the same, the completion ring. Empty where there is nothing.
fn pieces(ring: &Ring) -> [(*mut u8, usize); 3] {
    const NOTHING: (*mut u8, usize) = (ptr::null_mut(), 0);
    let sqes = (ring.sq.sqes.cast(), ring.sq.sqes_sz as usize);
    let sq = (ring.sq.ring_ptr, ring.sq.ring_sz);
    if ring.flags & IORING_SETUP_NO_MMAP != 0 {
        [(sqes.0, sqes.1.wrapping_add(sq.1)), NOTHING, NOTHING]
    } else if ring.cq.ring_ptr == ring.sq.ring_ptr {
        [sqes, sq, NOTHING]
    } else {
        // Kernels before 5.4.
        [sqes, sq, (ring.cq.ring_ptr, ring.cq.ring_sz)]
    }
}

/// Unmaps what [`map_rings`] mapped, or what was allocated in its place.
pub(super) fn unmap_rings(ring: &mut Ring) {
    ring.sq.array = ptr::null_mut();
    if !ring.noted(FOREIGN_MEMORY) {
        for (at, len) in pieces(ring) {
            if !at.is_null() {
                // SAFETY: set by map_rings or by set-up in own memory; the ring is ending.
                unsafe { map::unmap(at, len) };
            }
        }
    }
    ring.sq.ring_ptr = ptr::null_mut();
    ring.cq.ring_ptr = ptr::null_mut();
    ring.sq.sqes = ptr::null_mut();
}

/// Keeps the rings out of children.
pub(super) fn dont_fork(ring: &Ring) -> Result<()> {
    let (sq, cq, sqes) = (ring.sq.ring_ptr, ring.cq.ring_ptr, ring.sq.sqes.cast::<u8>());
    if sq.is_null() || cq.is_null() || sqes.is_null() {
        return Err(Errno::EINVAL);
    }
    for (at, len) in pieces(ring) {
        if !at.is_null() {
            // SAFETY: a child that wants this ring does not ask for it to be kept out.
            unsafe { map::dont_fork(at, len) }?;
        }
    }
    Ok(())
}

/// Gives back memory that no ring lies in.
pub(super) fn discard(at: *mut u8, len: usize) {
    // SAFETY: set-up allocated it and the kernel did not take it.
    unsafe { map::unmap(at, len) };
}

/// Asks the kernel for a ring.
pub(super) fn kernel_setup(entries: u32, p: &mut Params) -> Result<i32> {
    // SAFETY: with NO_MMAP set-up put an address there whose memory lives as long as the ring: our own, or memory that
    // the caller vouched for.
    unsafe { uring::setup(entries, p) }
}

/// Closes a ring's descriptor.
pub(super) fn close(fd: i32) {
    // SAFETY: made by `kernel_setup`, or handed over with the ring.
    unsafe { uring::close(fd) };
}
