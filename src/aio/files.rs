//! Files that the ring holds because requests for them recur.
//!
//! The kernel looks a descriptor up for each request; a file in a slot of the ring it has. What a number names may change
//! at any time without a word, so a slot is used only for a request whose descriptor, when it was admitted, named the
//! file with the same device, inode and open flags as when the slot was filled. Two opened files that agree in all of
//! these give and take the same data; syncs, whose errors are told once for each opened file, do not go by slots, nor do
//! transfers that sync.
//!
//! A file that the program has closed must not stay open: see [`Files::tend`].

use super::request::{NO_SLOT, Request};
use crate::sys::file;
use core::sync::atomic::Ordering::Relaxed;

/// Numbers that are remembered, and places where one may be.
const PLACES: usize = 64;
const WINDOW: usize = 8;

/// As many requests in a row for the same file have a slot filled; after as many more it is used. In between a number that
/// one thread changes while another one uses it would show.
const RECURS: u32 = 32;

/// Flags of opened files whose transfers sync.
const SYNCS: i32 = libc::O_SYNC | libc::O_DSYNC;

/// Nanoseconds between two looks: with files that came by themselves, and with those that the program named.
const LOOK: u64 = 50_000_000;
const SLOW_LOOK: u64 = 900_000_000;

/// A descriptor, and the file that it named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) fd: i32,
    id: (u64, u64),
    flags: i32,
}

impl Identity {
    fn of(request: &Request) -> Self {
        Self {
            fd: request.fd.load(Relaxed),
            id: request.file(),
            flags: request.events.load(Relaxed) as i32,
        }
    }

    /// Whether it may be held. File systems without a device of their own may have several files of one number; and what
    /// files that sync report they report once for each opened file.
    fn may_be_held(&self) -> bool {
        self.id.0 >> 32 != 0 && self.flags & SYNCS == 0
    }

    /// What the descriptor names now.
    pub(crate) fn look(fd: i32) -> Option<Self> {
        let status = file::status(fd).ok()?;
        Some(Self {
            fd,
            id: status.id,
            flags: status.flags,
        })
    }
}

#[derive(Clone, Copy)]
struct Place {
    file: Identity,
    slot: u32,
    /// Requests for it in a row.
    hits: u32,
    /// Since the last look.
    used: bool,
    /// The program has named it.
    named: bool,
}

const EMPTY: Place = Place {
    file: Identity {
        fd: -1,
        id: (0, 0),
        flags: 0,
    },
    slot: NO_SLOT,
    hits: 0,
    used: false,
    named: false,
};

/// Fills a slot with what a descriptor names, or empties one.
pub(crate) trait Slots {
    fn fill(&mut self, fd: i32) -> Option<u32>;
    fn empty(&mut self, slot: u32);
}

/// The descriptors that recur.
pub(crate) struct Files {
    places: [Place; PLACES],
    /// Those that recur are taken without a word.
    automatic: bool,
    /// Slots that are in use.
    held: u32,
    next_look: u64,
}

impl Files {
    pub(crate) fn new(automatic: bool) -> Self {
        Self {
            places: [EMPTY; PLACES],
            automatic,
            held: 0,
            next_look: 0,
        }
    }

    /// Whether there is anything to look for.
    #[inline]
    pub(crate) fn are_of_use(&self) -> bool {
        self.automatic || self.held != 0
    }

    /// The place for a descriptor: its own, a free one, or one that is least worth keeping.
    fn place(&mut self, fd: i32) -> Option<&mut Place> {
        let worth = |p: &Place| match p {
            p if p.file.fd == fd => 0,
            p if p.file.fd < 0 => 1,
            p if p.slot == NO_SLOT => 2,
            p if p.named => 4,
            _ => 3,
        };
        let window = (0..WINDOW).map(|step| (fd as usize).wrapping_add(step) % PLACES);
        let best = window.min_by_key(|at| self.places.get(*at).map_or(5, worth))?;
        self.places.get_mut(best)
    }

    /// The slot that holds the file of a transfer, if one does.
    pub(crate) fn slot(&mut self, request: &Request, slots: &mut impl Slots) -> Option<u32> {
        let wanted = Identity::of(request);
        let automatic = self.automatic;
        if !wanted.may_be_held() || request.rw_flags.load(Relaxed) & !(libc::RWF_NOWAIT as u32) != 0 {
            return None;
        }
        let place = self.place(wanted.fd)?;
        if place.file != wanted {
            // Another number, or the same for another file.
            let same_number = place.file.fd == wanted.fd;
            if !same_number && (!automatic || place.named || place.slot != NO_SLOT && place.used) {
                return None;
            }
            let old = core::mem::replace(place, EMPTY);
            if automatic {
                place.file = wanted;
            }
            self.let_go(&old, slots);
            return None;
        }
        place.hits = place.hits.saturating_add(1);
        if place.slot != NO_SLOT {
            place.used = true;
            return (place.named || place.hits >= 2 * RECURS).then_some(place.slot);
        }
        if place.hits == RECURS {
            self.hold(wanted, false, slots);
        }
        None
    }

    /// Puts a file into a slot, if its descriptor still names it then.
    fn hold(&mut self, file: Identity, named: bool, slots: &mut impl Slots) -> bool {
        let Some(place) = self.place(file.fd) else { return false };
        let Some(slot) = slots.fill(file.fd) else { return false };
        if Identity::look(file.fd) != Some(file) {
            slots.empty(slot);
            return false;
        }
        let old = core::mem::replace(
            place,
            Place {
                file,
                slot,
                hits: RECURS,
                used: true,
                named,
            },
        );
        self.held += 1;
        self.let_go(&old, slots);
        true
    }

    fn let_go(&mut self, old: &Place, slots: &mut impl Slots) {
        if old.slot != NO_SLOT {
            self.held -= 1;
            slots.empty(old.slot);
        }
    }

    /// The program names a file; false if there is no room for it.
    pub(crate) fn register(&mut self, file: Identity, slots: &mut impl Slots) -> bool {
        if !file.may_be_held() {
            // Of no use, and no error.
            return true;
        }
        let taken = self.place(file.fd).is_some_and(|p| p.named && p.file.fd != file.fd);
        !taken && self.hold(file, true, slots)
    }

    /// The program takes that back; false if it has named none by that number.
    pub(crate) fn unregister(&mut self, fd: i32, slots: &mut impl Slots) -> bool {
        let Some(place) = self.place(fd).filter(|p| p.file.fd == fd && p.named) else {
            return false;
        };
        let old = core::mem::replace(place, EMPTY);
        self.let_go(&old, slots);
        true
    }

    /// Nanoseconds until the next look, if there is anything to look after.
    pub(crate) fn patience(&self) -> Option<u64> {
        let named = |p: &Place| p.slot == NO_SLOT || p.named;
        match self.held {
            0 => None,
            _ if self.places.iter().all(named) => Some(SLOW_LOOK),
            _ => Some(LOOK),
        }
    }

    /// Lets go of files whose descriptors the program has closed or given to others, and of those that nobody used
    /// since the last look, unless the program has named them.
    pub(crate) fn tend(&mut self, now: u64, slots: &mut impl Slots) {
        let Some(pause) = self.patience() else { return };
        if now < self.next_look {
            // One that came since may not wait as long.
            self.next_look = self.next_look.min(now.saturating_add(pause));
            return;
        }
        self.next_look = now.saturating_add(pause);
        for at in 0..PLACES {
            let Some(place) = self.places.get_mut(at).filter(|p| p.slot != NO_SLOT) else {
                continue;
            };
            let used = core::mem::replace(&mut place.used, false);
            if (used || place.named) && Identity::look(place.file.fd) == Some(place.file) {
                continue;
            }
            let old = core::mem::replace(place, EMPTY);
            self.let_go(&old, slots);
        }
    }
}
