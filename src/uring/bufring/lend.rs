//! An object whose ring somebody else registers, and is asked about: an AIO context.

use core::sync::atomic::{AtomicU16, Ordering};

use super::super::abi::IOU_PBUF_RING_INC;
use super::{BufRing, CLASSIC, INC, Inner, Kind, State, pretends};
use crate::sys::{Errno, Result};

/// What the kernel has to be told.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Where the ring lies.
    pub address: usize,
    /// How many buffers it has room for.
    pub entries: u32,
    /// `IOU_PBUF_RING_INC` if they are to be used piece by piece.
    pub flags: usize,
    /// And a smaller rest than that is not to be used.
    pub min_left: u32,
}

impl BufRing {
    /// Begins to lend the ring: nothing else can be done with it until [`BufRing::settle`], or [`BufRing::give_back`] if
    /// it is not taken.
    ///
    /// # Errors
    /// `EBUSY` if it is attached or lent, or if data of the last loan was not taken; `EOPNOTSUPP` if it is to be provided
    /// by requests.
    pub fn offer(&self) -> Result<Offer> {
        self.with(|inner| {
            if inner.kind != Kind::Unattached || inner.provided != 0 || inner.written_to {
                return Err(Errno::EBUSY);
            }
            if inner.flags & CLASSIC != 0 || pretends(b"no-buffer-rings") {
                return Err(Errno::EOPNOTSUPP);
            }
            inner.kind = Kind::Changing;
            (inner.tail, inner.done, inner.seen) = (0, 0, 0);
            (inner.inc, inner.has_min_left) = (false, false);
            // SAFETY: not registered, so that only this object has it; the tail as in `publish`.
            unsafe { AtomicU16::from_ptr(&raw mut (*inner.bufs).resv) }.store(0, Ordering::Relaxed);
            Ok(Offer {
                address: inner.bufs.expose_provenance(),
                entries: inner.entries,
                flags: if inner.flags & INC != 0 {
                    IOU_PBUF_RING_INC.into()
                } else {
                    0
                },
                min_left: inner.min_left,
            })
        })
    }

    /// A context has taken the offer; `terms`: the flags that hold, and above 16 bits whether the rest has a limit.
    ///
    /// # Errors
    /// `EINVAL` if this is no object any more.
    pub fn settle(&self, context: usize, terms: usize) -> Result<()> {
        self.with(|inner| {
            (inner.kind, inner.context) = (Kind::Context, context);
            inner.inc = terms & usize::from(IOU_PBUF_RING_INC) != 0;
            inner.has_min_left = terms >> 16 != 0;
            inner.fill();
            Ok(())
        })
    }

    /// The context that the ring is lent to, and the address that it knows the ring by; `end` begins the end of the loan,
    /// for [`BufRing::give_back`].
    ///
    /// # Errors
    /// `EINVAL` if it is not lent.
    pub fn lent(&self, end: bool) -> Result<(usize, usize)> {
        self.with(|inner| {
            if inner.kind != Kind::Context {
                return Err(Errno::EINVAL);
            }
            if end {
                inner.kind = Kind::Changing;
            }
            Ok((inner.context, inner.bufs.expose_provenance()))
        })
    }

    /// The end of a loan, with the number of buffers that completions have used up: where it is known, data that was not
    /// taken yet can be.
    ///
    /// # Errors
    /// `EINVAL` if this is no object any more.
    pub fn give_back(&self, used: Option<u16>) -> Result<()> {
        self.with(|inner| {
            inner.give_up(used);
            Ok(())
        })
    }

    /// As [`BufRing::check`], by the number of buffers that completions have used up.
    ///
    /// # Errors
    /// As there.
    pub fn check_by(&self, used: u16) -> Result<u32> {
        self.with(|inner| match inner.kind {
            Kind::Context => inner.check_by(used),
            _ => Err(Errno::EINVAL),
        })
    }
}

impl Inner {
    /// Bytes of a buffer that is used piece by piece which the kernel has written and nobody has taken, going by its entry.
    fn untaken(&mut self, bid: u16) -> u32 {
        let size = self.size;
        match self.slot(bid).map(|slot| (slot.place, slot.offset)) {
            Some((place, offset)) if self.inc => size.saturating_sub(self.entry_left(place)).saturating_sub(offset),
            _ => 0,
        }
    }

    fn give_up(&mut self, used: Option<u16>) {
        self.kind = Kind::Unattached;
        let owed = used.map_or(0, |used| used.wrapping_sub(self.done));
        for bid in 0..self.max {
            let bid = bid as u16;
            let Some(slot) = self.slot(bid).filter(|slot| slot.state == State::Kernels) else {
                continue;
            };
            let place = slot.place;
            let has_data = match self.inc {
                true => used.is_some() && self.untaken(bid) != 0,
                false => place.wrapping_sub(self.done) < owed,
            };
            if !has_data {
                self.no_longer_the_kernels(bid);
            }
        }
    }

    /// A buffer that no more data will come into.
    fn no_longer_the_kernels(&mut self, bid: u16) {
        let Some(slot) = self.slot(bid).filter(|slot| slot.state == State::Kernels) else {
            return;
        };
        if slot.references == 0 {
            return self.recycle(bid);
        }
        slot.state = State::Held;
        self.provided -= 1;
        self.held += 1;
    }

    /// Data of a loan that is over was taken from a buffer: unless there is more, nobody has the rest.
    pub(super) fn taken_late(&mut self, bid: u16) {
        if self.kind == Kind::Unattached && self.untaken(bid) == 0 {
            self.no_longer_the_kernels(bid);
        }
    }
}
