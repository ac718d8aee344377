//! Copies to and from addresses that the program gave.

use super::map::PAGE;
use super::{Errno, Result, futex, syscall};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

/// Pages of the program that were found readable or writable.
///
/// The kernel answers `EFAULT` for a bad pointer where a library would crash. Asking it each
/// time costs a system call, so what it said is remembered by page: in the steady state a check
/// is one load. A page that is unmapped later is not noticed (a documented difference).
pub struct ProvenPages {
    slots: [AtomicUsize; Self::SLOTS],
}

/// Whether anything is remembered. It outlives forks, as what it was read from does.
static REMEMBERS: AtomicU32 = AtomicU32::new(0);

/// Has the kernel asked once for each page, or (`false`) every time.
pub fn remember(once: bool) {
    REMEMBERS.store(once.into(), Relaxed);
}

const READABLE: usize = 1;
const WRITABLE: usize = 3;

impl ProvenPages {
    const SLOTS: usize = 1024;

    fn slot(&self, page: usize) -> &AtomicUsize {
        // A power of two: the index is always in range, and the bound check goes away.
        &self.slots[((page / PAGE) ^ (page >> 22)) & (Self::SLOTS - 1)]
    }

    fn proven(&self, addr: usize, len: usize, access: usize) -> bool {
        let mut page = addr & !(PAGE - 1);
        let last = addr.wrapping_add(len.saturating_sub(1)) & !(PAGE - 1);
        loop {
            let seen = self.slot(page).load(Relaxed);
            if seen & !(PAGE - 1) != page || seen & access != access {
                return false;
            }
            if page == last {
                return true;
            }
            page = page.wrapping_add(PAGE);
        }
    }

    fn remember(&self, addr: usize, len: usize, access: usize) {
        let mut page = addr & !(PAGE - 1);
        let last = addr.wrapping_add(len.saturating_sub(1)) & !(PAGE - 1);
        loop {
            self.slot(page).store(page | access, Relaxed);
            if page == last {
                return;
            }
            page = page.wrapping_add(PAGE);
        }
    }

    /// Whether a range lies in one page that is remembered: the common case, in a few instructions.
    #[inline]
    fn at_hand(&self, addr: usize, len: usize, access: usize) -> bool {
        let page = addr & !(PAGE - 1);
        let seen = self.slot(page).load(Relaxed);
        (addr & (PAGE - 1)) + len <= PAGE && (seen ^ (page | access)) & (!(PAGE - 1) | access) == 0
    }

    /// Sees to it that memory of the program can be used; with `false` it was copied meanwhile, to
    /// or from `local`.
    #[cold]
    #[inline(never)]
    fn vet(&self, addr: usize, len: usize, access: usize, local: usize) -> Result<bool> {
        if !user_range(addr, len) {
            return Err(Errno::EFAULT);
        }
        if self.proven(addr, len, access) {
            return Ok(true);
        }
        let nr = if access == WRITABLE {
            libc::SYS_process_vm_writev
        } else {
            libc::SYS_process_vm_readv
        };
        let copied = transfer(nr, local, addr, len)?;
        if copied && REMEMBERS.load(Relaxed) != 0 {
            self.remember(addr, len, access);
        }
        Ok(!copied)
    }

    /// Reads a value at an address of the program.
    ///
    /// # Errors
    /// `EFAULT` when the memory cannot be read.
    #[inline]
    pub fn read<T: Plain>(&self, addr: usize) -> Result<T> {
        if !self.at_hand(addr, size_of::<T>(), READABLE) {
            return self.read_anew(addr);
        }
        // SAFETY: the page was readable when it was proven; `Plain` types take any bytes.
        Ok(unsafe { core::ptr::read_unaligned(addr as *const T) })
    }

    /// Reads a value in memory that is remembered as readable or as writable. `None` means nothing.
    #[inline(always)]
    pub fn glance<T: Plain>(&self, addr: usize, writable: bool) -> Option<T> {
        let access = if writable { WRITABLE } else { READABLE };
        // SAFETY: the page was readable when it was proven; `Plain` types take any bytes.
        self.at_hand(addr, size_of::<T>(), access)
            .then(|| unsafe { core::ptr::read_unaligned(addr as *const T) })
    }

    #[cold]
    #[inline(never)]
    fn read_anew<T: Plain>(&self, addr: usize) -> Result<T> {
        let mut value = T::ZERO;
        if self.vet(addr, size_of::<T>(), READABLE, &raw mut value as usize)? {
            // SAFETY: the pages were readable when they were proven, or the kernel would not say;
            // `Plain` types take any bytes.
            value = unsafe { core::ptr::read_unaligned(addr as *const T) };
        }
        Ok(value)
    }

    /// Writes values at an address of the program.
    ///
    /// # Errors
    /// `EFAULT` when the memory cannot be written; part of it may have been.
    #[inline]
    pub fn write<T: Plain>(&self, addr: usize, values: &[T]) -> Result<()> {
        let size = size_of_val(values);
        let here = self.at_hand(addr, size, WRITABLE);
        if size != 0 && (here || self.vet(addr, size, WRITABLE, values.as_ptr() as usize)?) {
            // SAFETY: the pages were writable when they were proven, or the kernel would not say;
            // the source is a live slice and `Plain` has no drop.
            unsafe { core::ptr::copy_nonoverlapping(values.as_ptr().cast::<u8>(), addr as *mut u8, size) };
        }
        Ok(())
    }
}

/// Types that are plain bytes.
pub trait Plain: Copy {
    /// The value of all zero bytes.
    const ZERO: Self;
}

impl Plain for u32 {
    const ZERO: Self = 0;
}

impl Plain for u64 {
    const ZERO: Self = 0;
}

impl Plain for usize {
    const ZERO: Self = 0;
}

impl<T: Plain, const N: usize> Plain for [T; N] {
    const ZERO: Self = [T::ZERO; N];
}

/// Where the addresses of programs end, unless the processor and the kernel know longer ones.
const USUAL_END: usize = if cfg!(target_arch = "x86_64") {
    (1 << 47) - PAGE
} else {
    1 << 48
};

/// Whether a range lies in the part of the address space that programs have.
///
/// This is what the kernel asks before it touches memory, and where `io_submit` itself answers
/// `EFAULT` rather than an event.
#[inline(always)]
pub fn user_range(addr: usize, len: usize) -> bool {
    addr.checked_add(len).is_some_and(|end| end <= USUAL_END) || unusual_range(addr, len)
}

#[cold]
#[inline(never)]
fn unusual_range(addr: usize, len: usize) -> bool {
    match addr.checked_add(len) {
        // By the last word of the page: some kernels allow the first address after the last.
        Some(end) if end <= isize::MAX as usize - PAGE => futex::is_user_address(end.next_multiple_of(PAGE) - 4),
        _ => false,
    }
}

/// Reads a value of the program's, wherever that may be, and takes the answer for nothing but now.
pub fn peek<T: Plain>(addr: usize) -> Option<T> {
    let mut value = T::ZERO;
    let local = &raw mut value as usize;
    let done = transfer(libc::SYS_process_vm_readv, local, addr, size_of::<T>()).ok()?;
    done.then_some(value)
}

/// Copies through the kernel, which answers `EFAULT` instead of faulting.
///
/// Gives whether the copy was made; a kernel that refuses to say (a seccomp filter) leaves the
/// access to the caller.
fn transfer(nr: i64, local: usize, remote: usize, len: usize) -> Result<bool> {
    let local = libc::iovec {
        iov_base: local as *mut libc::c_void,
        iov_len: len,
    };
    let remote = libc::iovec {
        iov_base: remote as *mut libc::c_void,
        iov_len: len,
    };
    // SAFETY: getpid takes nothing. The copy goes between a live local object of `len` bytes and
    // an address that the kernel checks.
    let moved = unsafe {
        let pid = syscall(libc::SYS_getpid, [0; 6])?;
        syscall(
            nr,
            [pid, &raw const local as usize, 1, &raw const remote as usize, 1, 0],
        )
    };
    match moved {
        Ok(n) if n == len => Ok(true),
        Ok(_) | Err(Errno::EFAULT) => Err(Errno::EFAULT),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> ProvenPages {
        ProvenPages {
            slots: [const { AtomicUsize::new(0) }; ProvenPages::SLOTS],
        }
    }

    #[test]
    fn peek_reads_what_is_there() {
        let word = 7u32;
        assert_eq!(peek::<u32>(&raw const word as usize), Some(7));
        assert_eq!(peek::<u32>(8), None);
    }

    #[test]
    fn bad_addresses_are_efault_and_good_ones_are_remembered() {
        remember(true);
        let pages = pages();
        for bad in [0usize, 8, usize::MAX - 7, usize::MAX, isize::MAX as usize] {
            assert_eq!(pages.read::<u64>(bad), Err(Errno::EFAULT), "{bad:#x}");
            assert_eq!(pages.write::<u64>(bad, &[1]), Err(Errno::EFAULT), "{bad:#x}");
        }
        let mut word = 7u64;
        assert_eq!(pages.read::<u64>(&raw const word as usize), Ok(7));
        assert!(pages.proven(&raw const word as usize, 8, READABLE));
        assert_eq!(pages.write(&raw mut word as usize, &[9u64]), Ok(()));
        assert_eq!(word, 9);
        assert!(pages.proven(&raw const word as usize, 8, WRITABLE));
    }

    #[test]
    fn memory_that_may_only_be_read_is_not_written() {
        let pages = pages();
        // String literals live in a read-only segment.
        let text = "constant text of this test";
        assert!(pages.read::<u64>(text.as_ptr() as usize).is_ok());
        assert_eq!(pages.write::<u64>(text.as_ptr() as usize, &[0]), Err(Errno::EFAULT));
    }
}
