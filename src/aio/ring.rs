//! The completion ring that the program maps: a header of 32 bytes, then the events.
//!
//! Programs read it directly, some without a look at the magic, and move `head` themselves. So
//! it is kept true at all times, and nothing in it is trusted: indices taken from it are brought
//! into range first, and the ring's own tail and size live here. All access goes through a
//! second mapping that the program does not know of, so it may unmap its own.

#![allow(unsafe_code)]

use super::abi::{IoEvent, RING_HEADER, RING_MAGIC};
use crate::sys::futex::{Held, Lock};
use crate::sys::local;
use crate::sys::map::{self, PAGE};
use crate::sys::mem::{self, ProvenPages};
use crate::sys::{Errno, Result};
use core::num::NonZeroU32;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    compiler_fence,
};

/// The size of a ring and of what may be outstanding in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bytes of the mapping.
    pub(crate) bytes: usize,
    /// Events that fit.
    pub(crate) events: u32,
    /// Requests that may be outstanding or uncollected.
    pub(crate) limit: u32,
}

impl Shape {
    /// The shape that the kernel gives a context for `nr` events on a machine of `cpus` possible
    /// processors.
    ///
    /// # Errors
    /// `EINVAL` when the ring would exceed the kernel's bound, `EAGAIN` when the kernel's 32 bits
    /// come round and what is wanted exceeds `fs.aio-max-nr` instead.
    pub(crate) fn new(nr: u32, cpus: u32) -> Result<Self> {
        // The kernel hands slots to processors in batches, so it makes room for a few per
        // processor, and doubles that.
        let wanted = 2 * u64::from(nr.max(cpus.saturating_mul(4)));
        if u64::from(wanted as u32) > 0x1000_0000 / size_of::<IoEvent>() as u64 {
            return Err(Errno::EINVAL);
        }
        if wanted > u32::MAX.into() {
            return Err(Errno::EAGAIN);
        }
        let bytes = (RING_HEADER + size_of::<IoEvent>() * (wanted as usize + 2)).next_multiple_of(PAGE);
        let events = ((bytes - RING_HEADER) / size_of::<IoEvent>()) as u32;
        let batch = NonZeroU32::new(cpus.saturating_mul(4)).unwrap_or(NonZeroU32::MIN);
        Ok(Self {
            bytes,
            events,
            limit: (events - 1) / batch * batch.get(),
        })
    }
}

/// Words of the header, in order.
#[repr(C)]
struct Header {
    id: AtomicU32,
    nr: AtomicU32,
    head: AtomicU32,
    tail: AtomicU32,
    magic: AtomicU32,
    compat_features: AtomicU32,
    incompat_features: AtomicU32,
    header_length: AtomicU32,
}

/// Adds events, with the writers' lock.
pub(crate) struct Writer<'a> {
    ring: &'a EventRing,
    _held: Held<'a>,
}

impl Writer<'_> {
    /// Adds an event for one of the reserved slots: the event first, then the tail.
    pub(crate) fn publish(&self, event: IoEvent) {
        self.publish_unasked(event);
        self.ring.in_flight.fetch_sub(1, SeqCst);
    }

    /// Adds an event that no request stands for.
    pub(crate) fn publish_unasked(&self, event: IoEvent) {
        self.ring
            .store(&[words(&event).map(AtomicU64::new)], &Staged::default());
    }

    /// Adds events, unless that is done. The slots stay taken.
    pub(crate) fn add(&self, events: &[Words], staged: &Staged) {
        self.ring.store(events, staged);
    }
}

/// An event as it lies in the ring.
pub(crate) type Words = [AtomicU64; 4];

/// The words of an event.
pub(crate) fn words(event: &IoEvent) -> [u64; 4] {
    [event.data, event.obj, event.res as u64, event.res2 as u64]
}

/// Events on their way into the ring.
#[derive(Default)]
pub(crate) struct Staged {
    events: AtomicPtr<Words>,
    count: AtomicU32,
    /// Where the first one goes.
    slot: AtomicU32,
    done: AtomicU32,
}

impl Staged {
    /// Forgets the last events.
    pub(crate) fn reset(&self) {
        self.done.store(0, Relaxed);
        compiler_fence(SeqCst);
    }

    /// The events are in the ring.
    fn is_done(&self) -> bool {
        self.done.load(Relaxed) != 0
    }

    fn set_done(&self) {
        compiler_fence(SeqCst);
        self.done.store(1, Relaxed);
        compiler_fence(SeqCst);
    }
}

/// One ring, or the place of one: all zeroes is "none".
#[derive(Default)]
pub(crate) struct EventRing {
    /// Our view.
    base: AtomicUsize,
    /// The program's view: the handle.
    theirs: AtomicUsize,
    bytes: AtomicUsize,
    /// What the header's id has to be.
    id: AtomicU32,
    events: AtomicU32,
    limit: AtomicU32,
    /// Where the next event goes. The header's copy may hold anything.
    tail: AtomicU32,
    /// Requests taken and without an event yet.
    in_flight: AtomicU32,
    /// Some of these may be of calls that were abandoned between two steps.
    doubtful: AtomicBool,
    /// Events that were added and that nobody was seen to take. What the program writes into the
    /// header can lower this count, never raise it.
    unseen: AtomicU32,
    staged: AtomicPtr<Staged>,
    /// Orders those who add events.
    writers: Lock,
    /// Orders those who take events.
    readers: Lock,
}

impl EventRing {
    /// Maps a ring, empty; gives the handle.
    pub(crate) fn open(&self, shape: Shape, id: u32) -> Result<usize> {
        let (theirs, ours) = map::twice(shape.bytes)?;
        self.base.store(ours.as_ptr() as usize, Relaxed);
        self.theirs.store(theirs.as_ptr() as usize, Relaxed);
        self.bytes.store(shape.bytes, Relaxed);
        self.events.store(shape.events, Relaxed);
        self.limit.store(shape.limit, Relaxed);
        self.tail.store(0, Relaxed);
        self.in_flight.store(0, Relaxed);
        self.doubtful.store(false, Relaxed);
        self.unseen.store(0, Relaxed);
        self.id.store(id, Relaxed);
        let header = self.header();
        header.id.store(id, Relaxed);
        header.nr.store(shape.events, Relaxed);
        header.compat_features.store(1, Relaxed);
        header.header_length.store(RING_HEADER as u32, Relaxed);
        header.magic.store(RING_MAGIC, Release);
        Ok(theirs.as_ptr() as usize)
    }

    /// Whether the memory at an address, which has this `id` in the place of a header's, is this
    /// ring: then the program has moved its view there. One may ask at a time.
    pub(crate) fn moves_to(&self, addr: usize, id: u32) -> bool {
        let ours = &self.header().id;
        if ours.load(SeqCst) != id {
            return false;
        }
        // A copy of the header does not follow.
        ours.store(!id, SeqCst);
        let same = mem::peek(addr) == Some(!id);
        ours.store(id, SeqCst);
        if same {
            self.theirs.store(addr, Relaxed);
        }
        same
    }

    /// Unmaps the program's view.
    pub(crate) fn hide(&self) {
        let view = self.theirs.swap(0, Relaxed);
        if view != 0 {
            // SAFETY: the view was mapped by `open`, and is the program's alone.
            unsafe { map::unmap(view as *mut u8, self.bytes.load(Relaxed)) };
        }
    }

    /// Unmaps both views. Nobody may be using the ring.
    pub(crate) fn close(&self) {
        self.hide();
        // SAFETY: the view was mapped by `open`, and nobody uses the ring any more.
        unsafe { map::unmap(self.base.swap(0, Relaxed) as *mut u8, self.bytes.load(Relaxed)) };
    }

    fn header(&self) -> &Header {
        // SAFETY: `base` is our view, mapped from `open` to `close`; page-aligned, larger than a
        // header, and made of atomics, which the program may write at any time.
        unsafe { &*(self.base.load(Relaxed) as *const Header) }
    }

    /// An index that anybody may have written, brought into range as the kernel does.
    fn in_range(&self, index: u32) -> u32 {
        let events = self.events.load(Relaxed);
        if index < events {
            index
        } else {
            NonZeroU32::new(events).map_or(0, |n| index % n)
        }
    }

    /// The address of an event in our view; `index` is in range.
    fn event(&self, index: u32) -> usize {
        self.base.load(Relaxed) + RING_HEADER + index as usize * size_of::<IoEvent>()
    }

    /// Events that nobody has taken, going by what the header says.
    pub(crate) fn ready(&self) -> u32 {
        let header = self.header();
        self.distance(header.head.load(Relaxed), header.tail.load(SeqCst))
    }

    fn distance(&self, head: u32, tail: u32) -> u32 {
        let (head, tail) = (self.in_range(head), self.in_range(tail));
        if head <= tail {
            tail - head
        } else {
            self.events.load(Relaxed) - (head - tail)
        }
    }

    /// Events that nobody has taken, going by our own tail. What the head has passed has been copied:
    /// the slot may be written to.
    fn uncollected(&self) -> u32 {
        let between = self.distance(self.header().head.load(Acquire), self.tail.load(Acquire));
        between.min(self.unseen.load(Relaxed))
    }

    /// Whether the magic is as written here, and head and tail are equal: what the C library looks at
    /// before a call.
    pub(crate) fn looks_empty(&self) -> bool {
        let header = self.header();
        header.magic.load(Relaxed) == RING_MAGIC && header.head.load(Relaxed) == header.tail.load(Acquire)
    }

    /// Whether the header has the ring's own id, by which the kernel finds a context.
    pub(crate) fn has_its_id(&self) -> bool {
        self.header().id.load(SeqCst) == self.id.load(Relaxed)
    }

    /// Takes slots for so many requests more.
    ///
    /// # Errors
    /// `EAGAIN` when the limit is reached.
    pub(crate) fn reserve(&self, count: u32) -> Result<()> {
        let limit = self.limit.load(Relaxed) + if super::seeded("limit") { 3 } else { 0 };
        let mut taken = self.in_flight.load(Acquire);
        while taken + self.uncollected() + count <= limit {
            match self
                .in_flight
                .compare_exchange_weak(taken, taken + count, SeqCst, Acquire)
            {
                // The sum may have grown by what moved from one count to the other meanwhile.
                Ok(_) if self.in_flight.load(SeqCst) + self.uncollected() <= limit => return Ok(()),
                Ok(_) => {
                    self.unreserve(count);
                    break;
                }
                Err(now) => taken = now,
            }
        }
        // An event may be on its way from one count to the other: under the lock both are exact.
        let _held = self.writers.lock();
        let taken = self.in_flight.load(Acquire);
        if taken + self.uncollected() + count > limit {
            return Err(Errno::EAGAIN);
        }
        self.in_flight.fetch_add(count, SeqCst);
        Ok(())
    }

    /// A call was abandoned, and may have left a slot that no event will come for.
    pub(crate) fn doubt(&self) {
        self.doubtful.store(true, SeqCst);
    }

    /// Gives back what abandoned calls have left, if `idle` says that nobody can have a slot.
    pub(crate) fn recount(&self, idle: impl FnOnce() -> bool) {
        if self.doubtful.load(SeqCst) {
            // Before the look: whoever takes a slot after it is noticed.
            let taken = self.in_flight.load(SeqCst);
            if idle() && self.in_flight.compare_exchange(taken, 0, SeqCst, SeqCst).is_ok() {
                self.doubtful.store(false, SeqCst);
            }
        }
    }

    /// Gives slots back that have no event to come, or have it.
    pub(crate) fn unreserve(&self, count: u32) {
        self.in_flight.fetch_sub(count, SeqCst);
    }

    /// The right to add events.
    pub(crate) fn write(&self) -> Writer<'_> {
        Writer {
            ring: self,
            _held: self.writers.lock(),
        }
    }

    /// The same, unless another thread has it.
    pub(crate) fn try_write(&self) -> Option<Writer<'_>> {
        Some(Writer {
            ring: self,
            _held: self.writers.try_lock()?,
        })
    }

    /// Adds events, unless that is done; the writers' lock is held. Whoever holds it may be interrupted
    /// by a signal handler that adds events too: it does so in full, and the holder begins anew. Nobody
    /// else is in here, so nothing has to be ordered but what the compiler makes of it.
    fn store(&self, events: &[Words], staged: &Staged) {
        if let Some(interrupted) = self.staged() {
            self.complete(interrupted);
        }
        while !staged.is_done() {
            staged.events.store(events.as_ptr().cast_mut(), Relaxed);
            staged.count.store(events.len() as u32, Relaxed);
            staged.slot.store(self.tail.load(Relaxed), Relaxed);
            self.stage((&raw const *staged).cast_mut());
            self.complete(staged);
        }
        #[cfg(feature = "faults")]
        self.reorder();
        self.stage(core::ptr::null_mut());
        self.show();
    }

    fn stage(&self, staged: *mut Staged) {
        compiler_fence(SeqCst);
        self.staged.store(staged, Relaxed);
        compiler_fence(SeqCst);
    }

    /// Tells the program of the tail. Whoever is about to sleep looks for the event after it is known
    /// to sleep, and whoever adds it gives a slot back before it looks for sleepers, which puts this first.
    fn show(&self) {
        // Never backwards, should a handler have been further already.
        let visible = &self.header().tail;
        loop {
            let (shown, tail) = (visible.load(Relaxed), self.tail.load(Relaxed));
            if shown == tail || local::exchange(visible, shown, tail) {
                break;
            }
        }
    }

    /// Puts in order what a call of this thread has left in the middle, which was adding the
    /// events of `staged` if any.
    pub(crate) fn reclaim(&self, staged: &Staged) {
        if self.writers.is_mine() {
            if core::ptr::eq(self.staged.load(Relaxed), staged) {
                self.complete(staged);
                // SAFETY: the slot is in range, and the events are in the record of a call.
                let (there, first) = unsafe {
                    let first = &*staged.events.load(Relaxed);
                    let there = (self.event(staged.slot.load(Relaxed)) as *const [u64; 4]).read_volatile();
                    (there, first.each_ref().map(|word| word.load(Relaxed)))
                };
                staged.done.store((there == first).into(), Relaxed);
            }
            self.stage(core::ptr::null_mut());
            self.show();
            self.writers.reclaim();
        }
        self.readers.reclaim();
    }

    /// The fault `reorder`: the newest event and the one before it change places.
    #[cfg(feature = "faults")]
    fn reorder(&self) {
        let tail = self.tail.load(SeqCst);
        if super::seeded("reorder") && tail >= 2 && self.uncollected() >= 2 {
            let (a, b) = (
                self.event(tail - 1) as *mut IoEvent,
                self.event(tail - 2) as *mut IoEvent,
            );
            // SAFETY: both slots are in range, and the writers' lock is held.
            unsafe { a.swap(b) };
        }
    }

    /// The events that the interrupted holder of the lock, or this one, is about to add.
    fn staged(&self) -> Option<&Staged> {
        // SAFETY: null, or of a call that has not returned, on its stack or in its record: it takes
        // the pointer back before it lets go of the lock, which the present caller holds.
        unsafe { self.staged.load(Relaxed).as_ref() }
    }

    /// Writes staged events into their slots and moves the tail past them, unless that is done. It
    /// may be done twice, by a handler and by the call that it interrupted, with one effect.
    fn complete(&self, staged: &Staged) {
        let (slot, count) = (staged.slot.load(Relaxed), staged.count.load(Relaxed));
        if self.tail.load(Relaxed) != slot || staged.is_done() {
            return;
        }
        loop {
            let unseen = self.unseen.load(Relaxed);
            let known = self.uncollected();
            if local::exchange(&self.unseen, unseen, known + count) {
                break;
            }
        }
        let ring = self.events.load(Relaxed);
        let mut next = slot;
        for index in 0..count as usize {
            // SAFETY: so many events lie there, for as long as they are staged. The slot is ours and in
            // range, so the event lies in our view, aligned to 8; only the holder of the lock writes
            // events, and a handler that interrupts here puts the same ones there before any other.
            unsafe {
                let [data, obj, res, res2] = &*staged.events.load(Relaxed).add(index);
                let words = [
                    data.load(Relaxed),
                    obj.load(Relaxed),
                    res.load(Relaxed),
                    res2.load(Relaxed),
                ];
                (self.event(next) as *mut [u64; 4]).write_volatile(words);
            }
            next += 1;
            if next >= ring {
                next = 0;
            }
        }
        local::exchange(&self.tail, slot, next);
        staged.set_done();
    }

    /// Moves up to `max` events to an address of the program.
    ///
    /// # Errors
    /// `EFAULT`; the events stay.
    pub(crate) fn take(&self, out: usize, max: usize, pages: &ProvenPages) -> Result<usize> {
        if max == 0 {
            return Ok(0);
        }
        let _held = self.readers.lock();
        let header = self.header();
        loop {
            #[cfg(feature = "faults")]
            if super::seeded("head") {
                header.head.store(super::faults::head(None), Relaxed);
            }
            let shown = header.head.load(Relaxed);
            let head = self.in_range(shown);
            let ready = self.distance(head, header.tail.load(Acquire));
            let count = ready.min(u32::try_from(max).unwrap_or(u32::MAX));
            if count == 0 {
                return Ok(0);
            }
            let events = self.events.load(Relaxed);
            let first = count.min(events - head);
            let copied = pages.write(out, self.events_at(head, first));
            if !super::seeded("lose") {
                copied?;
            }
            let rest = out.wrapping_add(first as usize * size_of::<IoEvent>());
            pages.write(rest, self.events_at(0, count - first))?;
            let next = head + count;
            let next = if next >= events { next - events } else { next };
            // A signal handler's call may have moved it, or the program, which kernel AIO does not look for.
            if local::exchange(&header.head, shown, next) {
                #[cfg(feature = "faults")]
                super::faults::head(Some(next));
                return Ok(count as usize);
            }
        }
    }

    fn events_at(&self, index: u32, count: u32) -> &[[u64; 4]] {
        // SAFETY: index + count is within the ring, by the callers. The slots between head and
        // tail are not written by us until head has moved; a program that scribbles there while
        // we copy gets what it wrote.
        unsafe { core::slice::from_raw_parts(self.event(index) as *const [u64; 4], count as usize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_the_kernels() {
        // Measured on a machine of 2 possible processors.
        for (nr, events, limit) in [
            (1, 127, 120),
            (32, 127, 120),
            (63, 255, 248),
            (64, 255, 248),
            (100, 255, 248),
            (128, 383, 376),
            (256, 639, 632),
            (512, 1151, 1144),
            (1000, 2047, 2040),
            (32768, 65663, 65656),
        ] {
            let shape = Shape::new(nr, 2).unwrap();
            assert_eq!((shape.events, shape.limit), (events, limit), "nr {nr}");
        }
        assert_eq!(Shape::new(4_194_305, 2), Err(Errno::EINVAL));
        assert!(Shape::new(4_194_304, 2).is_ok());
        assert_eq!(Shape::new(u32::MAX, 2), Err(Errno::EINVAL));
        assert_eq!(Shape::new(1 << 31, 2), Err(Errno::EAGAIN));
    }

    fn pages() -> Box<ProvenPages> {
        // SAFETY: all zeroes is the empty state.
        unsafe { Box::new_zeroed().assume_init() }
    }

    fn event(n: u64) -> IoEvent {
        IoEvent {
            data: n,
            obj: n + 1,
            res: n as i64,
            res2: 0,
        }
    }

    #[test]
    fn events_come_back_in_order_across_the_end_of_the_ring() {
        let ring = EventRing::default();
        ring.open(Shape::new(1, 2).unwrap(), 0).unwrap();
        let pages = pages();
        let (mut sent, mut got) = (0u64, 0u64);
        for round in 0..50u64 {
            for _ in 0..(round % 7) * 17 {
                ring.reserve(1).unwrap();
                ring.write().publish(event(sent));
                sent += 1;
            }
            let mut out = [event(0); 200];
            let n = ring.take(out.as_mut_ptr() as usize, 200, &pages).unwrap();
            for e in &out[..n] {
                assert_eq!(*e, event(got));
                got += 1;
            }
        }
        assert_eq!(sent, got);
        assert!(sent > 127 * 10);
        ring.close();
    }

    #[test]
    fn the_limit_holds_and_slots_come_back_when_events_are_taken() {
        let ring = EventRing::default();
        ring.open(Shape::new(1, 2).unwrap(), 0).unwrap();
        for n in 0..120 {
            ring.reserve(1).unwrap();
            if n % 2 == 0 {
                ring.write().publish(event(n));
            }
        }
        assert_eq!(ring.reserve(1), Err(Errno::EAGAIN));
        let mut out = [event(0); 3];
        assert_eq!(ring.take(out.as_mut_ptr() as usize, 3, &pages()), Ok(3));
        for _ in 0..3 {
            ring.reserve(1).unwrap();
        }
        assert_eq!(ring.reserve(1), Err(Errno::EAGAIN));
        ring.unreserve(1);
        assert_eq!(ring.reserve(1), Ok(()));
        ring.close();
    }

    #[test]
    fn no_event_is_lost_when_many_threads_meet_at_the_limit() {
        const EACH: u64 = 20_000;
        const THREADS: u64 = 8;
        let ring = EventRing::default();
        ring.open(Shape::new(1, 2).unwrap(), 0).unwrap();
        let mut seen = vec![false; (EACH * THREADS) as usize];
        std::thread::scope(|s| {
            for thread in 0..THREADS {
                let ring = &ring;
                s.spawn(move || {
                    for n in 0..EACH {
                        while ring.reserve(1).is_err() {
                            std::thread::yield_now();
                        }
                        ring.write().publish(event(thread * EACH + n));
                    }
                });
            }
            let pages = pages();
            let mut got = 0;
            while got < EACH * THREADS {
                let mut out = [event(0); 7];
                let n = ring.take(out.as_mut_ptr() as usize, 7, &pages).unwrap();
                for e in &out[..n] {
                    assert!(!std::mem::replace(&mut seen[e.data as usize], true), "{e:?} came twice");
                }
                got += n as u64;
            }
        });
        assert!(seen.into_iter().all(|s| s));
        assert_eq!((ring.ready(), ring.in_flight.load(Relaxed)), (0, 0));
        ring.close();
    }

    #[test]
    fn garbage_in_the_header_stays_in_range() {
        let ring = EventRing::default();
        let handle = ring.open(Shape::new(1, 2).unwrap(), 0).unwrap();
        // SAFETY: the program's view is mapped.
        let header = unsafe { &*(handle as *const Header) };
        let pages = pages();
        for (head, tail) in [(u32::MAX, 3), (3, u32::MAX), (127, 0), (128, 127), (1 << 31, 1 << 30)] {
            header.head.store(head, Relaxed);
            header.tail.store(tail, Relaxed);
            assert!(ring.ready() < 127);
            let mut out = [event(0); 200];
            assert!(ring.take(out.as_mut_ptr() as usize, 200, &pages).unwrap() < 127);
        }
        header.head.store(0, Relaxed);
        ring.reserve(1).unwrap();
        ring.write().publish(event(1));
        assert_eq!(header.tail.load(Relaxed), 1);
        // The program may take its view away.
        // SAFETY: the ring does not use this view.
        unsafe { map::unmap(handle as *mut u8, PAGE) };
        ring.reserve(1).unwrap();
        ring.write().publish(event(2));
        ring.close();
    }

    #[test]
    fn events_that_cannot_be_copied_stay() {
        let ring = EventRing::default();
        ring.open(Shape::new(1, 2).unwrap(), 0).unwrap();
        ring.reserve(1).unwrap();
        ring.write().publish(event(5));
        assert_eq!(ring.take(0, 1, &pages()), Err(Errno::EFAULT));
        let mut out = [event(0)];
        assert_eq!(ring.take(out.as_mut_ptr() as usize, 1, &pages()), Ok(1));
        assert_eq!(out[0], event(5));
        ring.close();
    }
}
