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
}
