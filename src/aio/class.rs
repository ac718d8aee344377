//! Descriptors that are remembered as those of files with cached data.
//!
//! To ask the kernel what a descriptor is costs as much as a cached read. What is remembered may
//! be out of date, since nobody tells of `close` and `dup2`. So it is used where the result is the
//! same if it is wrong, or where a cheaper question tells, and every so often the kernel is asked in
//! full again.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// A table by descriptor number; all zeroes is empty.
#[derive(Default)]
pub(crate) struct KnownFiles {
    /// The descriptor plus one in the upper half, uses in the lower.
    slots: [Slot; SLOTS],
    /// It is of no use.
    off: AtomicU32,
}

/// Apart from [`KnownFiles`] for its `Default`.
#[derive(Default)]
struct Slot(AtomicU64);

const SLOTS: usize = 32;

/// Uses before the kernel is asked again.
const USES: u64 = 64;

impl KnownFiles {
    fn slot(&self, fd: i32) -> &AtomicU64 {
        &self.slots[fd as usize & (SLOTS - 1)].0
    }

    fn key(fd: i32) -> u64 {
        (fd as u64 + 1) << 32
    }

    /// Whether the descriptor is remembered; counts as a use.
    pub(crate) fn knows(&self, fd: i32) -> bool {
        let slot = self.slot(fd);
        let seen = slot.load(Relaxed);
        let known = fd >= 0 && seen ^ Self::key(fd) < USES;
        if known {
            slot.store(seen + 1, Relaxed);
        }
        known
    }

    /// The kernel said so.
    pub(crate) fn learn(&self, fd: i32) {
        if self.off.load(Relaxed) == 0 {
            self.slot(fd).store(Self::key(fd), Relaxed);
        }
    }

    /// From here on nothing is remembered.
    pub(crate) fn give_up(&self) {
        self.off.store(1, Relaxed);
    }

    /// The kernel said otherwise.
    pub(crate) fn forget(&self, fd: i32) {
        let slot = self.slot(fd);
        if slot.load(Relaxed) >> 32 == Self::key(fd) >> 32 {
            slot.store(0, Relaxed);
        }
    }
}

/// Pages of files that were cached when they were read last, by number of descriptor and page.
///
/// A read that may not wait takes a vector, which costs the kernel a sixth of all that it does for
/// it. A page that was cached a moment ago is read without, at most so often before the kernel is asked
/// again what the descriptor is.
pub(crate) struct CachedPages {
    /// A key in the upper bits, uses below [`PAGE_USES`].
    slots: [AtomicU64; PAGES],
    /// Part of all keys.
    epoch: AtomicU32,
}

const PAGES: usize = 1024;
const PAGE_USES: u64 = 64;
const PAGE: u64 = 4096;

impl CachedPages {
    /// The place for what lies in one page, and its key.
    fn place(&self, fd: i32, offset: i64, len: u64) -> Option<(&AtomicU64, u64)> {
        let (page, within) = (offset as u64 / PAGE, offset as u64 % PAGE);
        let whose = u64::from(fd as u32) << 32 | u64::from(self.epoch.load(Relaxed));
        let key = page.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (whose + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
        let slot = &self.slots[page.wrapping_add(fd as u64 * 61) as usize & (PAGES - 1)];
        (within + len <= PAGE).then_some((slot, key & !(PAGE_USES - 1)))
    }

    /// Whether the place is remembered; counts as a use.
    pub(crate) fn knows(&self, fd: i32, offset: i64, len: u64) -> bool {
        self.place(fd, offset, len).is_some_and(|(slot, key)| {
            let seen = slot.load(Relaxed);
            let known = seen ^ key < PAGE_USES - 1;
            if known {
                slot.store(seen + 1, Relaxed);
            }
            known
        })
    }

    /// The place was cached.
    pub(crate) fn learn(&self, fd: i32, offset: i64, len: u64) {
        if let Some((slot, key)) = self.place(fd, offset, len) {
            slot.store(key, Relaxed);
        }
    }

    /// Some place was not: all are forgotten, as a cache that loses one page loses others.
    pub(crate) fn forget(&self) {
        self.epoch.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_known_for_some_uses() {
        let files = KnownFiles::default();
        assert!(!files.knows(0) && !files.knows(-1) && !files.knows(i32::MAX));
        files.learn(5);
        assert!(!files.knows(5 + SLOTS as i32));
        for _ in 0..USES {
            assert!(files.knows(5));
        }
        assert!(!files.knows(5));
        files.learn(5);
        files.forget(5 + SLOTS as i32);
        assert!(files.knows(5));
        files.forget(5);
        assert!(!files.knows(5));
    }

    #[test]
    fn a_page_is_known_for_some_uses_and_until_one_is_missed() {
        // SAFETY: all zeroes is the empty state.
        #[allow(unsafe_code)]
        let pages: Box<CachedPages> = unsafe { Box::new_zeroed().assume_init() };
        assert!(!pages.knows(0, 0, 1));
        pages.learn(5, 8192, 512);
        assert!(!pages.knows(6, 8192, 512) && !pages.knows(5, 4096, 512));
        for offset in 0..PAGE_USES as i64 - 1 {
            assert!(pages.knows(5, 8192 + offset, 1000));
        }
        assert!(!pages.knows(5, 8192, 512));
        pages.learn(5, 8192, 512);
        assert!(!pages.knows(5, 8192 + 4000, 512));
        pages.forget();
        assert!(!pages.knows(5, 8192, 512));
    }
}
