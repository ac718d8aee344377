//! Which of many registered buffers holds some memory.
//!
//! To look must not take longer with ten thousand buffers than with one. So each buffer is entered under the pieces of
//! address space that it touches, in pieces of about its own size: at most three. A look asks once for every size that
//! there is, and there are 25 of them at most, most often one.
//!
//! Those who look take no lock. Whoever changes the table has one; a look that comes in between may miss a buffer, or
//! name one that is another by now. The kernel compares again, so both do no harm.

#![allow(unsafe_code)]

use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// The most buffers that a ring has.
pub const MOST: u32 = 1 << 14;

/// Pieces have from 64 bytes to 1 GiB, which is as much as a buffer may have.
const SMALLEST: u32 = 6;
const LARGEST: u32 = 30;
/// Bits of an entry: the buffer plus one, the class of size, the number of the piece.
const INDEX_BITS: u32 = 15;
const CLASS_BITS: u32 = 5;
/// Addresses beyond this do not fit into an entry.
const HIGHEST: usize = 1 << (64 - INDEX_BITS - CLASS_BITS + SMALLEST);

/// Places per buffer, of which three may be taken.
const SPREAD: usize = 4;
/// Steps from where an entry belongs to where it is. Where many buffers overlap some have none.
const STEPS: usize = 64;

/// A look-up table in zeroed memory.
pub struct Lookup {
    /// Address and length of each buffer, as an `iovec` has them.
    ranges: &'static [[AtomicUsize; 2]],
    places: &'static [AtomicU64],
    /// How many buffers there are of each class, and a bit for each class that has any.
    counts: [AtomicU32; 32],
    present: AtomicU32,
}

/// How many places that many buffers have.
fn places(buffers: u32) -> usize {
    (buffers as usize * SPREAD).next_power_of_two()
}

impl Lookup {
    /// The memory that a table for so many buffers takes.
    pub fn bytes(buffers: u32) -> usize {
        buffers as usize * size_of::<[usize; 2]>() + places(buffers) * size_of::<u64>()
    }

    /// A table in such memory.
    ///
    /// # Safety
    /// The memory is zeroed, aligned to 8, the table's alone, of [`Self::bytes`] for so many buffers, and stays as
    /// long as the table is used.
    pub unsafe fn over(memory: NonNull<u8>, buffers: u32) -> Self {
        let ranges = memory.cast::<[AtomicUsize; 2]>();
        // SAFETY: the caller's promise; the ranges come first, and zeroes are valid atomics.
        unsafe {
            let entries = ranges.add(buffers as usize).cast::<AtomicU64>();
            Self {
                ranges: core::slice::from_raw_parts(ranges.as_ptr(), buffers as usize),
                places: core::slice::from_raw_parts(entries.as_ptr(), places(buffers)),
                counts: [const { AtomicU32::new(0) }; 32],
                present: AtomicU32::new(0),
            }
        }
    }

    /// How many buffers it has room for.
    pub fn capacity(&self) -> u32 {
        self.ranges.len() as u32
    }

    /// Address and length of a buffer; a length of 0 for none.
    pub fn range(&self, index: u32) -> [usize; 2] {
        match self.ranges.get(index as usize) {
            Some([base, len]) => [base.load(Relaxed), len.load(Relaxed)],
            None => [0, 0],
        }
    }

    /// Whether the buffer holds all of this memory.
    pub fn holds(&self, index: u32, address: usize, len: usize) -> bool {
        let [base, room] = self.range(index);
        let from = address.wrapping_sub(base);
        from < room && len <= room - from
    }

    /// A buffer that holds all of this memory, of at least one byte.
    #[inline]
    pub fn find(&self, address: usize, len: usize) -> Option<u32> {
        let mut classes = self.present.load(Acquire);
        while classes != 0 {
            let class = classes.trailing_zeros();
            classes &= classes - 1;
            let key = key(address >> class, class);
            for place in self.steps(key) {
                let entry = place.load(Relaxed);
                if entry == 0 {
                    break;
                }
                let index = index(entry);
                if entry >> INDEX_BITS == key && len > 0 && self.holds(index, address, len) {
                    return Some(index);
                }
            }
        }
        None
    }

    /// Replaces a buffer; a length of 0 leaves its place empty. One thread at a time.
    pub fn set(&self, index: u32, base: usize, len: usize) {
        let Some([at, room]) = self.ranges.get(index as usize) else {
            return;
        };
        if let Some((class, pieces)) = pieces(at.load(Relaxed), room.load(Relaxed)) {
            for piece in pieces {
                self.remove(entry(key(piece, class), index));
            }
            self.count(class, -1);
        }
        // In this order, so that nobody sees the old length at the new address.
        room.store(0, Release);
        at.store(base, Release);
        room.store(len, Release);
        if let Some((class, pieces)) = pieces(base, len) {
            for piece in pieces {
                self.insert(entry(key(piece, class), index));
            }
            self.count(class, 1);
        }
    }

    fn count(&self, class: u32, change: i32) {
        let Some(count) = self.counts.get(class as usize) else {
            return;
        };
        let now = count.load(Relaxed).wrapping_add(change as u32);
        count.store(now, Relaxed);
        let present = self.present.load(Relaxed);
        let bit = 1 << class;
        self.present
            .store(if now == 0 { present & !bit } else { present | bit }, Release);
    }

    /// The places for a key, from the best on.
    fn steps(&self, key: u64) -> impl Iterator<Item = &AtomicU64> {
        let from = self.home(key);
        (0..STEPS).filter_map(move |step| self.place(from.wrapping_add(step)))
    }

    fn place(&self, at: usize) -> Option<&AtomicU64> {
        self.places.get(at & self.places.len().wrapping_sub(1))
    }

    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
    }

    fn insert(&self, entry: u64) {
        if let Some(free) = self.steps(entry >> INDEX_BITS).find(|p| p.load(Relaxed) == 0) {
            free.store(entry, Release);
        }
    }

    /// Takes an entry out, and moves those behind it that would not be found any more.
    fn remove(&self, entry: u64) {
        let mask = self.places.len().wrapping_sub(1);
        let home = self.home(entry >> INDEX_BITS);
        let found = (0..STEPS.min(self.places.len())).find(|step| {
            self.place(home.wrapping_add(*step))
                .is_some_and(|p| p.load(Relaxed) == entry)
        });
        let Some(step) = found else { return };
        let mut hole = home.wrapping_add(step);
        let mut at = hole;
        for _ in 0..mask {
            at = at.wrapping_add(1);
            let Some(next) = self.place(at).map(|p| p.load(Relaxed)).filter(|e| *e != 0) else {
                break;
            };
            // How far it is from where it belongs, and how far from the hole.
            let away = at.wrapping_sub(self.home(next >> INDEX_BITS)) & mask;
            if away >= at.wrapping_sub(hole) & mask {
                if let Some(place) = self.place(hole) {
                    place.store(next, Release);
                }
                hole = at;
            }
        }
        if let Some(place) = self.place(hole) {
            place.store(0, Release);
        }
    }
}

fn key(piece: usize, class: u32) -> u64 {
    (piece as u64) << CLASS_BITS | u64::from(class)
}

fn entry(key: u64, index: u32) -> u64 {
    key << INDEX_BITS | u64::from(index + 1)
}

fn index(entry: u64) -> u32 {
    ((entry & ((1 << INDEX_BITS) - 1)) as u32).wrapping_sub(1)
}

/// The class of size of a buffer, and the pieces of that size that it touches.
fn pieces(base: usize, len: usize) -> Option<(u32, core::ops::RangeInclusive<usize>)> {
    let last = base.checked_add(len.checked_sub(1)?)?;
    let class = len.ilog2().clamp(SMALLEST, LARGEST);
    (last < HIGHEST && last >> class <= (base >> class) + 2).then_some((class, base >> class..=last >> class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::map;

    fn table(buffers: u32) -> Lookup {
        let memory = map::private(Lookup::bytes(buffers)).unwrap();
        // SAFETY: fresh zeroed pages of that size, which the test leaves mapped.
        unsafe { Lookup::over(memory, buffers) }
    }

    #[test]
    fn only_what_lies_within_one_buffer_is_found() {
        let table = table(4);
        assert_eq!(table.find(0x1000, 1), None);
        table.set(2, 0x1010, 100);
        for (at, len, found) in [
            (0x1010, 100, Some(2)),
            (0x1010, 101, None),
            (0x100f, 1, None),
            (0x1073, 1, Some(2)),
            (0x1074, 1, None),
            (0x1050, 0, None),
            (0x1050, usize::MAX, None),
            (usize::MAX, 1, None),
        ] {
            assert_eq!(table.find(at, len), found, "{at:x} {len}");
        }
        // Beside it, and over both.
        table.set(0, 0x1074, 100);
        assert_eq!((table.find(0x1073, 2), table.find(0x1074, 2)), (None, Some(0)));
        table.set(1, 0x1000, 0x1000);
        assert_eq!(table.find(0x1073, 2), Some(1));
        table.set(1, 0, 0);
        assert_eq!(table.find(0x1073, 2), None);
        // An index beyond the table.
        table.set(4, 0x1000, 0x1000);
        assert_eq!(table.find(0x1000, 1), None);
        // A GiB, and too high an address for an entry.
        table.set(3, 0x7000_0000_0123, 1 << 30);
        assert_eq!(table.find(0x7000_0000_0123 + (1 << 30) - 1, 1), Some(3));
        assert_eq!(table.find(0x7000_0000_0123 + (1 << 30), 1), None);
        table.set(3, HIGHEST - 10, 20);
        assert_eq!(table.find(HIGHEST - 10, 1), None);
        assert_eq!((table.range(3), table.capacity()), ([HIGHEST - 10, 20], 4));
    }

    /// What a search through all of them says.
    fn searched(buffers: &[[usize; 2]], at: usize, len: usize) -> bool {
        buffers
            .iter()
            .any(|[base, room]| at >= *base && at + len <= base + room)
    }

    #[test]
    fn random_changes_are_as_a_search_finds_them() {
        const BUFFERS: usize = 200;
        let table = table(BUFFERS as u32);
        let mut buffers = [[0; 2]; BUFFERS];
        let mut seed = 1u64;
        let mut random = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for round in 0..20_000 {
            let index = random(BUFFERS);
            let len = match random(4) {
                0 => 0,
                1 => 1 + random(100),
                2 => 4096 * (1 + random(8)),
                _ => 1 + random(1 << 20),
            };
            // Far enough apart that few overlap: where very many do some may be left out.
            let base = 0x10_0000_0000 + (index << 16) + random(1 << 12);
            buffers[index] = [base, len];
            table.set(index as u32, base, len);
            let (at, len) = (0x10_0000_0000 + random(BUFFERS << 16), 1 + random(5000));
            let found = table.find(at, len);
            assert_eq!(found.is_some(), searched(&buffers, at, len), "round {round}");
            if let Some(index) = found {
                assert!(searched(&buffers[index as usize..][..1], at, len));
            }
        }
        for index in 0..BUFFERS as u32 {
            table.set(index, 0, 0);
        }
        assert!(table.places.iter().all(|p| p.load(Relaxed) == 0));
        assert_eq!(table.present.load(Relaxed), 0);
    }

    #[test]
    fn ten_thousand_neighbours_take_no_more_steps_than_one() {
        let table = table(10_000);
        for index in 0..10_000u32 {
            table.set(index, 0x5555_0000_0200 + index as usize * 4096, 4096);
        }
        let mut longest = 0;
        for index in 0..10_000usize {
            let at = 0x5555_0000_0200 + index * 4096;
            assert_eq!(table.find(at, 4096), Some(index as u32));
            let key = key(at >> 12, 12);
            let steps = table.steps(key).take_while(|p| p.load(Relaxed) != 0).count();
            longest = longest.max(steps);
        }
        assert!(longest < STEPS, "{longest}");
    }

    #[test]
    fn very_many_over_one_place_neither_hang_nor_mislead() {
        let table = table(1000);
        for index in 0..1000 {
            table.set(index, 0x1000, 4096);
        }
        assert!(table.find(0x1000, 4096).is_some());
        for index in 0..1000 {
            table.set(index, 0, 0);
        }
        assert_eq!(table.find(0x1000, 1), None);
        assert!(table.places.iter().all(|p| p.load(Relaxed) == 0));
    }
}
