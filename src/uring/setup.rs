//! Making and ending a ring.

use core::ptr::NonNull;

use super::abi::{
    CqOffsets, Cqe, IORING_FEAT_NATIVE_WORKERS, IORING_FEAT_REG_REG_RING, IORING_REGISTER_ENABLE_RINGS,
    IORING_REGISTER_RESIZE_RINGS, IORING_SETUP_CLAMP, IORING_SETUP_CQE32, IORING_SETUP_CQSIZE,
    IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_NO_MMAP, IORING_SETUP_NO_SQARRAY, IORING_SETUP_REGISTERED_FD_ONLY,
    IORING_SETUP_SQ_REWIND, IORING_SETUP_SQE128, Params, Ring, SqOffsets, Sqe,
};
use super::shared::{FOREIGN_MEMORY, REGISTERED, REGISTERS_BY_INDEX};
use super::{memory, register};
use crate::sys::map::{self, HUGE, PAGE, pages};
use crate::sys::{Errno, Result};

/// The most submission entries of any kernel.
const MAX_SQ: u32 = 32768;
/// The most completion entries.
const MAX_CQ: u32 = 2 * MAX_SQ;
/// At least what any kernel puts before the completions: 64 bytes since 6.10, up to 320 before.
const RING_HEAD: usize = 320;
/// The kernel aligns what follows the completions to a cache line.
const CACHE_LINE: usize = 64;

/// The sizes of a ring's three parts in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) sqes: usize,
    pub(super) sq_ring: usize,
    pub(super) cq_ring: usize,
}

impl Sizes {
    fn sqes(p: &Params) -> usize {
        (p.sq_entries as usize) << (usize::from(p.flags & IORING_SETUP_SQE128 != 0) + SQE_SHIFT)
    }

    fn cqes(p: &Params) -> usize {
        (p.cq_entries as usize) << (usize::from(p.flags & IORING_SETUP_CQE32 != 0) + CQE_SHIFT)
    }

    fn array(p: &Params) -> usize {
        if p.flags & IORING_SETUP_NO_SQARRAY == 0 {
            p.sq_entries as usize * size_of::<u32>()
        } else {
            0
        }
    }

    /// Of a ring that the kernel made: it filled the offsets.
    pub(super) fn of_made(p: &Params) -> Self {
        Self {
            sqes: Self::sqes(p),
            sq_ring: (p.sq_off.array as usize).wrapping_add(Self::array(p)),
            cq_ring: (p.cq_off.cqes as usize).wrapping_add(Self::cqes(p)),
        }
    }

    /// Of a ring that is yet to be made, not below what it will be, in whole pages; `EINVAL` where the kernel says so.
    fn of_wanted(entries: u32, p: &Params) -> Result<Self> {
        let (sq_entries, cq_entries) = entry_counts(entries, p)?;
        let p = Params {
            sq_entries,
            cq_entries,
            ..*p
        };
        let cqes = RING_HEAD.wrapping_add(Self::cqes(&p)).next_multiple_of(CACHE_LINE);
        let ring = pages(cqes.wrapping_add(Self::array(&p)));
        Ok(Self {
            sqes: pages(Self::sqes(&p)),
            sq_ring: ring,
            cq_ring: ring,
        })
    }

    /// With one mapping for both rings.
    fn total(&self) -> usize {
        self.sqes.wrapping_add(self.sq_ring)
    }
}

const SQE_SHIFT: usize = size_of::<Sqe>().trailing_zeros() as usize;
const CQE_SHIFT: usize = size_of::<Cqe>().trailing_zeros() as usize;

/// How the kernel rounds a number of entries of which there may be `most`.
fn rounded(wanted: u32, most: u32, p: &Params) -> Result<u32> {
    match wanted {
        0 => Err(Errno::EINVAL),
        n if n <= most => Ok(n.next_power_of_two()),
        _ if p.flags & IORING_SETUP_CLAMP != 0 => Ok(most),
        _ => Err(Errno::EINVAL),
    }
}

fn sq_entries(entries: u32, p: &Params) -> Result<u32> {
    rounded(entries, MAX_SQ, p)
}

/// How many entries of each kind the kernel makes of what is asked for.
fn entry_counts(entries: u32, p: &Params) -> Result<(u32, u32)> {
    let sq = sq_entries(entries, p)?;
    let cq = if p.flags & IORING_SETUP_CQSIZE != 0 {
        rounded(p.cq_entries, MAX_CQ, p)?
    } else {
        2 * sq
    };
    if cq < sq { Err(Errno::EINVAL) } else { Ok((sq, cq)) }
}

/// Makes a ring with the `IORING_SETUP_` flags given.
pub fn init(entries: u32, ring: &mut Ring, flags: u32) -> Result<()> {
    init_params(
        entries,
        ring,
        &mut Params {
            flags,
            ..Params::zeroed()
        },
    )
}

/// Makes a ring as `p` says and reports in `p` what it became.
///
/// With `NO_MMAP` the memory is allocated here and, like what the kernel allocates, shared with children.
pub fn init_params(entries: u32, ring: &mut Ring, p: &mut Params) -> Result<()> {
    *ring = Ring::zeroed();
    let made = if p.flags & IORING_SETUP_NO_MMAP == 0 {
        without_array(p, |p| {
            let fd = memory::kernel_setup(entries, p)?;
            memory_of(fd, p, ring).inspect_err(|_| close(fd))
        })
    } else {
        in_own_memory(entries, ring, p).map(drop)
    };
    made.inspect_err(|_| *ring = Ring::zeroed())
}

/// In memory that is allocated here, as [`init_params`] says; how many bytes the ring uses.
fn in_own_memory(entries: u32, ring: &mut Ring, p: &mut Params) -> Result<usize> {
    let sizes = Sizes::of_wanted(entries, p)?;
    let made = in_allocated(entries, ring, p, &sizes, map::anonymous(sizes.total())?, sizes.total());
    // Kernels before 6.14 want each part in one piece of memory: small rings fit a page, others need a huge one.
    if made == Err(Errno::EINVAL) && sizes.sqes.max(sizes.sq_ring) > PAGE {
        if sizes.total() > HUGE {
            return Err(Errno::ENOMEM);
        }
        return in_allocated(entries, ring, p, &sizes, map::huge(HUGE)?, HUGE);
    }
    made
}

/// The same in the `len` bytes at `at`, which are given back on failure.
fn in_allocated(
    entries: u32,
    ring: &mut Ring,
    p: &mut Params,
    sizes: &Sizes,
    at: NonNull<u8>,
    len: usize,
) -> Result<usize> {
    without_array(p, |p| in_memory(entries, p, ring, at.as_ptr(), sizes.sqes))
        .inspect_err(|_| memory::discard(at.as_ptr(), len))?;
    // The two lengths together are the mapping, so that ending the ring frees all of it.
    ring.sq.sqes_sz = sizes.sqes as u32;
    ring.sq.ring_sz = len.wrapping_sub(sizes.sqes);
    ring.cq.ring_sz = ring.sq.ring_sz;
    Ok(sizes.total())
}

/// Makes a ring in memory of the caller, which has to be page-aligned and to live as long as the ring; how many of its
/// bytes the ring uses. `ENOMEM` if they are too few. Without memory it is allocated as by [`init_params`].
///
/// Kernels before 6.14 want memory that is contiguous: a page, or a huge page.
pub fn init_mem(entries: u32, ring: &mut Ring, p: &mut Params, at: *mut u8, len: usize) -> Result<usize> {
    *ring = Ring::zeroed();
    p.flags |= IORING_SETUP_NO_MMAP;
    let made = if at.is_null() {
        in_own_memory(entries, ring, p)
    } else {
        without_array(p, |p| in_foreign_memory(entries, p, ring, at, len))
    };
    made.inspect_err(|_| *ring = Ring::zeroed())
}

fn in_foreign_memory(entries: u32, p: &mut Params, ring: &mut Ring, at: *mut u8, len: usize) -> Result<usize> {
    let sizes = Sizes::of_wanted(entries, p)?;
    if sizes.total() > len {
        return Err(Errno::ENOMEM);
    }
    in_memory(entries, p, ring, at, sizes.sqes)?;
    ring.note(FOREIGN_MEMORY, true);
    ring.sq.sqes_sz = sizes.sqes as u32;
    ring.sq.ring_sz = sizes.sq_ring;
    ring.cq.ring_sz = sizes.sq_ring;
    Ok(sizes.total())
}

/// Tries without the index array first: the kernel then reads requests in order, one cache line less for each.
fn without_array<T>(p: &mut Params, mut make: impl FnMut(&mut Params) -> Result<T>) -> Result<T> {
    let asked = *p;
    p.flags |= IORING_SETUP_NO_SQARRAY;
    match make(p) {
        // Before 6.6 the flag is unknown.
        Err(Errno::EINVAL) if asked.flags & IORING_SETUP_NO_SQARRAY == 0 => {
            *p = asked;
            make(p)
        }
        result => result,
    }
}

/// Makes the ring with its requests at `at` and the rest `step` bytes later.
fn in_memory(entries: u32, p: &mut Params, ring: &mut Ring, at: *mut u8, step: usize) -> Result<()> {
    let rest = at.wrapping_add(step);
    p.sq_off.user_addr = at.expose_provenance() as u64;
    p.cq_off.user_addr = rest.expose_provenance() as u64;
    let fd = memory::kernel_setup(entries, p)?;
    ring.sq.sqes = at.cast();
    ring.sq.ring_ptr = rest;
    ring.cq.ring_ptr = rest;
    memory::point(p, ring);
    adopt(fd, p, ring);
    Ok(())
}

fn memory_of(fd: i32, p: &Params, ring: &mut Ring) -> Result<()> {
    *ring = Ring::zeroed();
    memory::map_rings(fd, p, ring)?;
    adopt(fd, p, ring);
    Ok(())
}

/// Points `ring` at the rings of a descriptor made by `io_uring_setup`, which filled `p`.
pub fn queue_mmap(fd: i32, p: &Params, ring: &mut Ring) -> Result<()> {
    memory_of(fd, p, ring).inspect_err(|_| *ring = Ring::zeroed())
}

fn adopt(fd: i32, p: &Params, ring: &mut Ring) {
    ring.flags = p.flags;
    ring.features = p.features;
    ring.ring_fd = fd;
    *ring.enter_ring_fd.get_mut() = fd as u32;
    if p.flags & IORING_SETUP_REGISTERED_FD_ONLY != 0 {
        ring.ring_fd = -1;
        ring.note_registrar();
        ring.note(REGISTERED | REGISTERS_BY_INDEX, true);
    }
}

/// Ends the ring: its descriptor and its memory, unless that is the program's. What is in flight is cancelled by the
/// kernel. Nothing if there is no ring.
///
/// A registered descriptor belongs to the thread that registered it: another thread cannot free it.
pub fn exit(ring: &mut Ring) {
    // All zeroes, as a C program has them before set-up, would name the standard input.
    if ring.sq.sqes.is_null() {
        return;
    }
    if ring.noted(REGISTERED) {
        let _ = register::unregister_ring_fd(ring);
    }
    memory::unmap_rings(ring);
    close(ring.ring_fd);
    *ring = Ring::zeroed();
}

/// Keeps the rings out of children made by fork. `EINVAL` if the ring is not set up.
pub fn dont_fork(ring: &Ring) -> Result<()> {
    memory::dont_fork(ring)
}

/// Closes the descriptor and goes on by its registered index: 1. `EINVAL` if it has none, `EBADF` if it is closed
/// already, `EOPNOTSUPP` before 6.3.
pub fn close_ring_fd(ring: &mut Ring) -> Result<u32> {
    if ring.features & IORING_FEAT_REG_REG_RING == 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if !ring.noted(REGISTERED) {
        return Err(Errno::EINVAL);
    }
    if ring.ring_fd == -1 {
        return Err(Errno::EBADF);
    }
    close(ring.ring_fd);
    ring.ring_fd = -1;
    ring.note(REGISTERS_BY_INDEX, true);
    Ok(1)
}

/// Starts a ring made with `R_DISABLED`.
pub fn enable(ring: &Ring) -> Result<()> {
    register::simple(ring, IORING_REGISTER_ENABLE_RINGS).map(drop)
}

/// Gives the ring other numbers of entries, what is queued stays. 6.13, `DEFER_TASKRUN` only. Leaves no flags in `p`: those
/// that the kernel puts there it does not take a second time.
pub fn resize(ring: &mut Ring, p: &mut Params) -> Result<()> {
    if ring.flags & IORING_SETUP_NO_MMAP != 0 {
        return Err(Errno::EINVAL);
    }
    // The registered index would do for the kernel, but not to map what it makes. Other rings it refuses.
    if ring.ring_fd < 0 && ring.flags & IORING_SETUP_DEFER_TASKRUN != 0 {
        return Err(Errno::EBADF);
    }
    let resized = resize_and_map(ring, p);
    p.flags = 0;
    resized
}

fn resize_and_map(ring: &mut Ring, p: &mut Params) -> Result<()> {
    (p.sq_off, p.cq_off) = (SqOffsets::default(), CqOffsets::default());
    if ring.flags & IORING_SETUP_SQ_REWIND == 0 {
        // The kernel moves the requests that it sees.
        ring.flush();
    }
    register::params(ring, IORING_REGISTER_RESIZE_RINGS, p)?;
    let made = Params {
        // The array's presence is the ring's, not the caller's.
        flags: ring.flags,
        features: ring.features,
        ..*p
    };
    let mut new = Ring::zeroed();
    memory::map_rings(ring.ring_fd, &made, &mut new)?;
    memory::unmap_rings(ring);
    *new.sq.sqe_head.get_mut() = *ring.sq.sqe_head.get_mut();
    *new.sq.sqe_tail.get_mut() = *ring.sq.sqe_tail.get_mut();
    ring.sq = new.sq;
    ring.cq = new.cq;
    Ok(())
}

/// The bytes of locked memory that a ring is charged for: none since 5.12.
///
/// Where no ring can be had to ask for the kernel's age, it is most likely an old one that has no such memory left.
pub fn mlock_size(entries: u32, p: &Params) -> Result<usize> {
    let mut small = Ring::zeroed();
    if init(2, &mut small, 0).is_ok() {
        let features = small.features;
        exit(&mut small);
        if features & IORING_FEAT_NATIVE_WORKERS != 0 {
            return sq_entries(entries, p).map(|_| 0);
        }
    }
    let sizes = Sizes::of_wanted(entries, p)?;
    // Those kernels allocate each part as a power of two of pages.
    Ok(sizes.sqes.next_power_of_two() + sizes.cq_ring.next_power_of_two())
}

/// The bytes that [`init_mem`] needs; on 6.5, which has an array of indices, a few more.
pub fn memory_size(entries: u32, p: &Params) -> Result<usize> {
    let p = Params {
        flags: p.flags | IORING_SETUP_NO_SQARRAY,
        ..*p
    };
    Sizes::of_wanted(entries, &p).map(|sizes| sizes.total())
}

fn close(fd: i32) {
    if fd >= 0 {
        memory::close(fd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_as_the_kernel_rounds_them() {
        let p = |flags, cq_entries| Params {
            flags,
            cq_entries,
            ..Params::zeroed()
        };
        assert_eq!(entry_counts(0, &p(0, 0)), Err(Errno::EINVAL));
        assert_eq!(entry_counts(1, &p(0, 0)), Ok((1, 2)));
        assert_eq!(entry_counts(5, &p(0, 99)), Ok((8, 16)));
        assert_eq!(entry_counts(32768, &p(0, 0)), Ok((32768, 65536)));
        assert_eq!(entry_counts(32769, &p(0, 0)), Err(Errno::EINVAL));
        assert_eq!(entry_counts(u32::MAX, &p(IORING_SETUP_CLAMP, 0)), Ok((32768, 65536)));
        assert_eq!(entry_counts(8, &p(IORING_SETUP_CQSIZE, 100)), Ok((8, 128)));
        assert_eq!(entry_counts(8, &p(IORING_SETUP_CQSIZE, 4)), Err(Errno::EINVAL));
        assert_eq!(entry_counts(8, &p(IORING_SETUP_CQSIZE, 0)), Err(Errno::EINVAL));
    }

    #[test]
    fn sizes_are_whole_pages() {
        let p = Params {
            flags: IORING_SETUP_NO_SQARRAY,
            ..Params::zeroed()
        };
        assert_eq!(memory_size(8, &p), Ok(2 * 4096));
        assert_eq!(memory_size(64, &p), Ok(2 * 4096));
        // 128 completions more are 4096 bytes and no longer fit beside the head.
        assert_eq!(memory_size(128, &p), Ok(8192 + 8192));
        let p = Params {
            flags: IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
            ..Params::zeroed()
        };
        assert_eq!(memory_size(64, &p), Ok(2 * 4096 + 8192));
        assert_eq!(memory_size(0, &p), Err(Errno::EINVAL));
    }
}
