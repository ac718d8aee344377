//! Memory straight from the kernel.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{Errno, Result, syscall};

/// The smallest unit of the calls below, on every architecture that has io_uring with 4 KiB pages;
/// larger pages only make the kernel round further up.
pub const PAGE: usize = 4096;

/// The size of the huge pages that [`huge`] asks for.
pub const HUGE: usize = 2 << 20;

/// `len` rounded up to whole pages.
pub const fn pages(len: usize) -> usize {
    len.wrapping_add(PAGE - 1) & !(PAGE - 1)
}

/// At `hint`, if nothing is there.
fn map(hint: usize, len: usize, flags: i32, fd: i32, offset: u64) -> Result<NonNull<u8>> {
    let prot = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    // A sanitizer has to know that what was at an address before has nothing to do with it.
    #[cfg(feature = "sanitize")]
    // SAFETY: no fixed address, so nothing that exists is replaced.
    let at = match unsafe {
        libc::mmap(
            ptr::without_provenance_mut(hint),
            len,
            prot as i32,
            flags,
            fd,
            offset as i64,
        )
    } {
        libc::MAP_FAILED => Err(Errno::ENOMEM),
        at => Ok(at.expose_provenance()),
    }?;
    #[cfg(not(feature = "sanitize"))]
    // SAFETY: no fixed address, so nothing that exists is replaced.
    let at = unsafe {
        syscall(
            libc::SYS_mmap,
            [hint, len, prot, flags as usize, fd as usize, offset as usize],
        )
    }?;
    NonNull::new(ptr::with_exposed_provenance_mut(at)).ok_or(Errno::ENOMEM)
}

/// Zeroed private memory.
pub fn private(len: usize) -> Result<NonNull<u8>> {
    map(0, len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
}

/// Zeroed memory that children share.
pub fn anonymous(len: usize) -> Result<NonNull<u8>> {
    map(0, len, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1, 0)
}

/// The same, contiguous inside each [`HUGE`] bytes. `ENOMEM` when none is set aside.
pub fn huge(len: usize) -> Result<NonNull<u8>> {
    map(
        0,
        len,
        libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB,
        -1,
        0,
    )
}

/// A part of a file, shared and already faulted in.
pub fn shared(fd: i32, offset: u64, len: usize) -> Result<NonNull<u8>> {
    map(0, len, libc::MAP_SHARED | libc::MAP_POPULATE, fd, offset)
}

/// Zeroed memory that no child shares: after a fork the child sees zeroes in it.
///
/// `fork` handlers do not run for `vfork`, `_Fork` and a raw `clone`; the kernel's own wiping
/// is the one thing that holds for all of them. Linux 4.14.
///
/// The memory lies apart from that of the program. The kernel would put it where the program has
/// just unmapped something, and a transfer there must fail and not hit what is ours.
pub fn wiped(len: usize) -> Result<NonNull<u8>> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // A hint beyond the 47 bits that every processor has would ask for addresses of more bits.
    let hint = match NEXT.fetch_sub(len, Relaxed).wrapping_sub(len) {
        hint if hint as u64 >> 47 == 0 => hint,
        _ => 0,
    };
    // The kernel takes no notice of a hint that it cannot follow; valgrind fails.
    let base = map(hint, len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0).or_else(|_| private(len))?;
    let at = base.as_ptr().expose_provenance();
    if at != hint {
        NEXT.store(pages(at - at / 16), Relaxed);
    }
    // SAFETY: the range was mapped just above and belongs to us.
    unsafe {
        let advice = libc::MADV_WIPEONFORK as usize;
        if let Err(e) = syscall(
            libc::SYS_madvise,
            [base.as_ptr().expose_provenance(), len, advice, 0, 0, 0],
        ) {
            unmap(base.as_ptr(), len);
            return Err(e);
        }
    }
    Ok(base)
}

/// Zeroed shared memory, twice: where the program sees it, and where this library does.
///
/// The program may unmap or protect its view at any time; ours stays.
pub fn twice(len: usize) -> Result<(NonNull<u8>, NonNull<u8>)> {
    let theirs = anonymous(len)?;
    let old = theirs.as_ptr().expose_provenance();
    // SAFETY: an old size of 0 on a shared mapping makes a second mapping of the same pages and
    // leaves the first one alone.
    let ours = unsafe { syscall(libc::SYS_mremap, [old, 0, len, libc::MREMAP_MAYMOVE as usize, 0, 0]) };
    if let Some(ours) = ours
        .ok()
        .and_then(|at| NonNull::new(ptr::with_exposed_provenance_mut(at)))
    {
        return Ok((theirs, ours));
    }
    // SAFETY: mapped above, and nobody has it yet.
    unsafe { unmap(theirs.as_ptr(), len) };
    Err(Errno::ENOMEM)
}

/// Gives memory back.
///
/// # Safety
/// The range must be a mapping that nothing uses any more.
pub unsafe fn unmap(at: *mut u8, len: usize) {
    #[cfg(feature = "sanitize")]
    // SAFETY: the caller's promise.
    let _ = unsafe { libc::munmap(at.cast(), len) };
    #[cfg(not(feature = "sanitize"))]
    // SAFETY: the caller's promise. It fails only for a range that is no mapping.
    let _ = unsafe { syscall(libc::SYS_munmap, [at.expose_provenance(), len, 0, 0, 0, 0]) };
}

/// Gives back the pages that lie wholly in a range, which reads as zeroes from then on.
///
/// # Safety
/// What is in the range must not be needed any more.
pub unsafe fn empty(at: *mut u8, len: usize) {
    let start = pages(at.expose_provenance());
    let end = at.expose_provenance().wrapping_add(len) & !(PAGE - 1);
    if start < end {
        // SAFETY: the caller's promise. Huge pages that cannot be divided stay.
        let _ = unsafe {
            syscall(
                libc::SYS_madvise,
                [start, end - start, libc::MADV_DONTNEED as usize, 0, 0, 0],
            )
        };
    }
}

/// Gives memory back, but keeps its addresses from being used again: for memory that the kernel may still write to by its
/// address, which then fails.
///
/// # Safety
/// The range must be a mapping of whole pages that nothing else uses any more.
pub unsafe fn wall_off(at: *mut u8, len: usize) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    let at = at.expose_provenance();
    // SAFETY: the caller's promise. If it fails, all stays as it is.
    let _ = unsafe {
        syscall(
            libc::SYS_mmap,
            [at, len, libc::PROT_NONE as usize, flags as usize, usize::MAX, 0],
        )
    };
}

/// Keeps memory out of children made by fork.
///
/// # Safety
/// Whoever runs in such a child must not use the range.
pub unsafe fn dont_fork(at: *mut u8, len: usize) -> Result<()> {
    let advice = libc::MADV_DONTFORK as usize;
    // SAFETY: changes what a later fork copies, nothing in this process.
    unsafe { syscall(libc::SYS_madvise, [at.expose_provenance(), len, advice, 0, 0, 0]) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_up_to_pages() {
        assert_eq!(
            [0, 1, PAGE - 1, PAGE, PAGE + 1].map(pages),
            [0, PAGE, PAGE, PAGE, 2 * PAGE]
        );
    }

    #[test]
    fn both_views_of_a_double_mapping_are_one_memory() {
        let (theirs, ours) = twice(2 * PAGE).unwrap();
        // SAFETY: both mappings are live and large enough.
        unsafe {
            theirs.as_ptr().add(PAGE).write(42);
            assert_eq!(ours.as_ptr().add(PAGE).read(), 42);
            unmap(theirs.as_ptr(), 2 * PAGE);
            assert_eq!(ours.as_ptr().add(PAGE).read(), 42);
            unmap(ours.as_ptr(), 2 * PAGE);
        }
    }
}
