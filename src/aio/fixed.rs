//! Registered buffers of contexts.
//!
//! The buffers of all contexts lie in one table of the library's ring, a range of it for each context. A transfer whose
//! memory lies in a buffer of its context is asked of the ring as one with that buffer: the kernel has its pages in hand.
//! What is looked up may be out of date when the request gets there; the kernel then refuses it, and it is done without.
//!
//! A tag is a request that takes the place of an event from the registration on. The ring tells when the kernel has let
//! go of the buffer, and then comes the event.

#![allow(unsafe_code)]

use super::context::{Context, InUse};
use super::frame::Thread;
use super::process::Process;
use super::request::{self, CANCELLED, KEPT, NO_BUFFER, Request, SETTLED, SILENT, Segment, TRUE, Work};
use crate::sys::futex::Lock;
use crate::sys::{Errno, Result, map, mem, thread};
use crate::uring::lookup::{Lookup, MOST};
use crate::uring::{Ring, abi as uring, probe, register};
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};

/// With a request's address, what the ring says of a tag.
pub(crate) const TAG: u64 = 63;

/// So many buffers change at once.
const CHUNK: usize = 32;
/// The largest buffer, in bytes.
const MOST_BYTES: usize = 1 << 30;

/// What has become of a change: the ring does not take any more.
const LOST: i32 = i32::MIN;

/// The buffers of a context.
pub(crate) struct Table {
    next: AtomicPtr<Table>,
    /// How many there are, and the first one's place in the ring's table.
    count: AtomicU32,
    base: AtomicU32,
    /// They are known to nobody but this library: there is no ring that has buffers.
    plain: AtomicBool,
    /// Some have a tag.
    tagged: AtomicBool,
    lookup: Lookup,
    /// The tag of each.
    tags: &'static [AtomicU64],
}

/// The buffers of all contexts; all zeroes is "none".
pub(crate) struct Buffers {
    lock: Lock,
    /// 1 if the ring has a table, or the error.
    state: AtomicI32,
    /// The kernel knows vectors in registered buffers: Linux 6.15.
    vectored: AtomicBool,
    /// The places of the ring's table that are taken.
    taken: [AtomicU64; MOST as usize / 64],
    /// Counts what has been in each place, and the changes.
    lives: [AtomicU32; MOST as usize],
    changes: AtomicU32,
    /// Tables that no context has. Their memory stays: a look that comes late may still be in there.
    free: AtomicPtr<Table>,
}

/// What the ring is to do with its table: fill so many places from `offset` on.
pub(crate) struct Change {
    offset: u32,
    count: u32,
    buffers: *const Segment,
    tags: *const u64,
    done: AtomicI32,
}

impl Change {
    /// Does it; with a count of 0 only what comes first.
    pub(crate) fn make(&self, ring: &Ring, buffers: &Buffers) {
        let state = buffers.prepare(ring);
        if state != 1 || self.count == 0 {
            return self.done.store(state.min(0), SeqCst);
        }
        // SAFETY: whoever wants the change waits for it, and what the kernel may write to says the program.
        let done = unsafe { register::buffers_update(ring, self.offset, self.buffers.cast(), self.tags, self.count) };
        let done = done.map_or_else(Errno::negated, |n| n as i32);
        self.done.store(done, SeqCst);
    }
}

impl Table {
    /// A buffer that holds all of this memory.
    pub(crate) fn find(&self, address: usize, len: usize) -> Option<u32> {
        self.lookup.find(address, len).filter(|i| *i < self.count.load(Relaxed))
    }

    /// Whether all of this lies in that buffer.
    pub(crate) fn holds(&self, index: u32, memory: &[Segment]) -> bool {
        index < self.count.load(Relaxed) && memory.iter().all(|[base, len]| self.lookup.holds(index, *base, *len))
    }

    /// The place in the ring's table of the buffer that holds all of this; pieces of no length are in none.
    fn place(&self, memory: &[Segment]) -> Option<u32> {
        let [[base, len], rest @ ..] = memory else { return None };
        let index = self.find(*base, *len)?;
        rest.iter()
            .all(|[base, len]| *len > 0 && self.lookup.holds(index, *base, *len))
            .then(|| self.base.load(Relaxed) + index)
    }

    pub(crate) fn has_tags(&self) -> bool {
        self.tagged.load(Relaxed)
    }
}

impl Buffers {
    /// Notes which registered buffer a transfer's memory lies in, if any.
    pub(crate) fn look_up(&self, table: &Table, request: &Request) {
        if table.plain.load(Relaxed) {
            return;
        }
        request.with_memory(|memory| {
            if let Some(place) = table.place(memory)
                && (memory.len() == 1 || self.vectored.load(Relaxed))
            {
                request.buffer.store(place, Relaxed);
            }
        });
    }

    /// Makes the ring's table, when it is first needed: 1, or the error.
    fn prepare(&self, ring: &Ring) -> i32 {
        let known = self.state.load(SeqCst);
        // Memory may be there another time.
        if known != 0 && known != Errno::ENOMEM.negated() {
            return known;
        }
        let state = register::buffers_sparse(ring, MOST).map_or_else(Errno::negated, |_| 1);
        let vectored = state == 1 && probe::supported(ring, uring::IORING_OP_WRITEV_FIXED);
        #[cfg(feature = "faults")]
        let vectored = vectored && !super::faults::old_kernel();
        self.vectored.store(vectored, SeqCst);
        self.state.store(state, SeqCst);
        state
    }

    /// Registers `count` buffers, described at an address of the program; with an address of 0 that many empty places.
    pub(crate) fn register(
        &self,
        process: &'static Process,
        context: &InUse<'_>,
        [iovecs, tags, count]: [usize; 3],
    ) -> Result<()> {
        if count == 0 || count > MOST as usize || iovecs == 0 && tags != 0 {
            return Err(Errno::EINVAL);
        }
        // A handler that came in between would wait for what it interrupts.
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        if context.buffers().is_some() {
            return Err(Errno::EBUSY);
        }
        let mut plain = context.kernel_handle().is_some();
        if !plain {
            match self.change(process, 0, &[], &[]) {
                Ok(_) => {}
                Err(Errno::ENOMEM) => return Err(Errno::ENOMEM),
                // An old kernel, or one that does not allow it.
                Err(_) => plain = true,
            }
        }
        let table = self.table(count as u32)?;
        table.plain.store(plain, Relaxed);
        table.tagged.store(false, Relaxed);
        table.count.store(count as u32, Relaxed);
        if let Err(e) = self.take_places(table) {
            self.put_away(table);
            return Err(e);
        }
        if iovecs != 0 {
            let (_, error) = self.replace(process, context, table, (0, count as u32), [iovecs, tags]);
            if let Some(e) = error {
                for tag in table.tags {
                    if let Some(request) = tag_of(tag.load(Relaxed)) {
                        request.mark(CANCELLED);
                    }
                }
                // Should this fail, the places stay taken.
                if self.clear(process, table).is_ok() {
                    self.give_places(table);
                    self.put_away(table);
                }
                return Err(e);
            }
        }
        context.set_buffers(Some(table));
        Ok(())
    }

    /// Replaces `count` buffers from `offset` on; gives how many were.
    pub(crate) fn update(
        &self,
        process: &'static Process,
        context: &InUse<'_>,
        [offset, iovecs, tags, count]: [usize; 4],
    ) -> Result<usize> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        let table = context.buffers().ok_or(Errno::ENXIO)?;
        let room = table.count.load(Relaxed) as usize;
        if count == 0 || offset > room || count > room - offset {
            return Err(Errno::EINVAL);
        }
        let range = (offset as u32, count as u32);
        let replaced = self.replace(process, context, table, range, [iovecs, tags]);
        forget_copies(process, context.thread());
        match replaced {
            (0, Some(e)) => Err(e),
            (done, _) => Ok(done as usize),
        }
    }

    /// Lets go of all buffers of the context.
    pub(crate) fn unregister(
        &self,
        process: &'static Process,
        context: &'static Context,
        thread: Option<&'static Thread>,
    ) -> Result<()> {
        let _quiet = thread::quiet();
        let _held = self.lock.lock();
        let table = context.buffers().ok_or(Errno::ENXIO)?;
        self.clear(process, table)?;
        forget_copies(process, thread);
        context.set_buffers(None);
        self.give_places(table);
        self.put_away(table);
        Ok(())
    }

    /// Empties a table, of which the ring may be lost.
    fn clear(&self, process: &'static Process, table: &'static Table) -> Result<()> {
        const NOTHING: [Segment; CHUNK] = [[0; 2]; CHUNK];
        let (base, count) = (table.base.load(Relaxed), table.count.load(Relaxed));
        let mut done = 0;
        // Nobody is to find them any more.
        for index in 0..count {
            table.lookup.set(index, 0, 0);
        }
        while !table.plain.load(Relaxed) && done < count {
            let some = NOTHING.get(..(count - done) as usize).unwrap_or(&NOTHING);
            match self.change(process, base + done, some, &[]) {
                Ok(n @ 1..) => {
                    self.renew(base + done, n);
                    done += n;
                }
                Ok(0) | Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOMEM) => return Err(Errno::EAGAIN),
                // The ring cannot be entered any more, or not for this.
                Err(_) => break,
            }
        }
        for (index, tag) in (0..count).zip(table.tags) {
            let tag = tag.swap(0, Relaxed);
            if let (true, Some(request)) = (index >= done, tag_of(tag)) {
                // The ring, which has it still, goes when all that is in it has ended.
                process.engine.carrier.encumbered.store(true, SeqCst);
                if let Some(context) = request.context()
                    && request.turn(TRUE, TRUE)
                {
                    settle(context, request);
                }
                process.part(request, SILENT);
            }
        }
        Ok(())
    }

    /// Replaces buffers by what is described at addresses of the program: how many, and what became of the next.
    fn replace(
        &self,
        process: &'static Process,
        context: &InUse<'_>,
        table: &'static Table,
        (offset, count): (u32, u32),
        [iovecs, tags]: [usize; 2],
    ) -> (u32, Option<Errno>) {
        let mut done = 0;
        while done < count {
            let at = done as usize;
            let from = [
                iovecs.wrapping_add(at * size_of::<Segment>()),
                if tags == 0 { 0 } else { tags.wrapping_add(at * 8) },
            ];
            match self.replace_some(process, context, table, (offset + done, count - done), from) {
                Ok(0) => return (done, Some(Errno::EFAULT)),
                Ok(n) => done += n,
                Err(e) => return (done, Some(e)),
            }
        }
        (done, None)
    }

    fn replace_some(
        &self,
        process: &'static Process,
        context: &InUse<'_>,
        table: &'static Table,
        (offset, count): (u32, u32),
        [iovecs, tags]: [usize; 2],
    ) -> Result<u32> {
        let plain = table.plain.load(Relaxed);
        let (mut buffers, mut words) = ([[0; 2]; CHUNK], [0; CHUNK]);
        let mut prepared = 0;
        let mut error = Errno::EFAULT;
        for (index, (buffer, word)) in buffers.iter_mut().zip(&mut words).take(count as usize).enumerate() {
            let tag_at = if tags == 0 { 0 } else { tags.wrapping_add(index * 8) };
            let iovec_at = iovecs.wrapping_add(index * size_of::<Segment>());
            match prepare_one(process, context, plain, iovec_at, tag_at) {
                Ok((range, tag)) => (*buffer, *word) = (range, tag),
                Err(e) => {
                    error = e;
                    break;
                }
            }
            prepared += 1;
        }
        let (Some(some), Some(some_tags)) = (buffers.get(..prepared), words.get(..prepared)) else {
            return Err(Errno::EINVAL);
        };
        let base = table.base.load(Relaxed) + offset;
        let done = match prepared {
            0 => Err(error),
            // The ring is gone: what is registered from here on is so by name alone.
            _ if plain => Ok(prepared as u32),
            _ => self.change(process, base, some, some_tags),
        };
        let done = match done {
            Err(Errno::ENXIO) => Err(Errno::EOPNOTSUPP),
            done => done,
        };
        let kept = done.unwrap_or(0);
        for (index, (buffer, tag)) in (0..).zip(some.iter().zip(some_tags)) {
            if index >= kept {
                if let Some(request) = tag_of(*tag) {
                    context.ring.unreserve(1);
                    context.count(-1);
                    process.release(request);
                }
                continue;
            }
            let [at, len] = *buffer;
            if *tag != 0 {
                // Before anybody finds it: a thread's own ring would not tell.
                table.tagged.store(true, SeqCst);
            }
            table.lookup.set(offset + index, at, len);
            if let Some(place) = table.tags.get((offset + index) as usize) {
                place.store(*tag, Relaxed);
            }
        }
        if !plain {
            self.renew(base, kept);
        }
        done
    }

    /// Has the ring fill places of its table.
    ///
    /// # Errors
    /// `ENXIO` if it cannot be entered any more; else what the kernel says.
    fn change(&self, process: &'static Process, offset: u32, buffers: &[Segment], tags: &[u64]) -> Result<u32> {
        let change = Change {
            offset,
            count: buffers.len() as u32,
            buffers: buffers.as_ptr(),
            tags: if tags.is_empty() {
                core::ptr::null()
            } else {
                tags.as_ptr()
            },
            done: AtomicI32::new(LOST),
        };
        process.engine.change_buffers(&change);
        match change.done.load(SeqCst) {
            LOST => Err(Errno::ENXIO),
            done @ 0.. => Ok(done as u32),
            error => Err(Errno::new(-error)),
        }
    }

    /// So many places are others by now. To be said after it shows where they lie: who sees the new life sees that, too.
    fn renew(&self, offset: u32, count: u32) {
        for life in self.lives.iter().skip(offset as usize).take(count as usize) {
            life.store(life.load(Relaxed).wrapping_add(1) & !FAILED, Release);
        }
        self.changes.fetch_add(count.min(1), SeqCst);
    }

    /// A table for so many buffers, of those that are free or new. The lock is held.
    fn table(&self, count: u32) -> Result<&'static Table> {
        let capacity = count.next_power_of_two().max(64);
        let mut link = &self.free;
        // SAFETY: null or a table, and those stay for good.
        while let Some(table) = unsafe { link.load(SeqCst).as_ref() } {
            if table.lookup.capacity() == capacity {
                link.store(table.next.load(SeqCst), SeqCst);
                return Ok(table);
            }
            link = &table.next;
        }
        let head = size_of::<Table>().next_multiple_of(64);
        let lookup = Lookup::bytes(capacity);
        let memory = map::wiped(map::pages(head + lookup + capacity as usize * size_of::<AtomicU64>()))?;
        // SAFETY: a mapping of that size that nobody has seen, zeroed, aligned to pages, which stays for good.
        unsafe {
            let place = memory.cast::<Table>();
            place.write(Table {
                next: AtomicPtr::default(),
                count: AtomicU32::new(0),
                base: AtomicU32::new(0),
                plain: AtomicBool::new(false),
                tagged: AtomicBool::new(false),
                lookup: Lookup::over(memory.add(head), capacity),
                tags: core::slice::from_raw_parts(memory.add(head + lookup).cast().as_ptr(), capacity as usize),
            });
            Ok(place.as_ref())
        }
    }

    fn put_away(&self, table: &'static Table) {
        table.next.store(self.free.load(SeqCst), SeqCst);
        self.free.store((&raw const *table).cast_mut(), SeqCst);
    }

    /// Finds room for a table in that of the ring: the first that is large enough.
    ///
    /// # Errors
    /// `ENOSPC`.
    fn take_places(&self, table: &Table) -> Result<()> {
        if table.plain.load(Relaxed) {
            return Ok(());
        }
        let count = table.count.load(Relaxed);
        let (mut from, mut at) = (0, 0);
        while at - from < count {
            if at >= MOST {
                return Err(Errno::new(libc::ENOSPC));
            }
            let taken = self.word(at).map_or(u64::MAX, |w| w.load(Relaxed));
            at += 1;
            if taken & 1 << ((at - 1) % 64) != 0 {
                from = at;
            }
        }
        table.base.store(from, Relaxed);
        self.mark_places(from..at, true);
        Ok(())
    }

    fn give_places(&self, table: &Table) {
        if !table.plain.load(Relaxed) {
            let from = table.base.load(Relaxed);
            self.mark_places(from..from + table.count.load(Relaxed), false);
        }
    }

    fn word(&self, place: u32) -> Option<&AtomicU64> {
        self.taken.get(place as usize / 64)
    }

    fn mark_places(&self, places: core::ops::Range<u32>, taken: bool) {
        for place in places {
            if let Some(word) = self.word(place) {
                let bit = 1 << (place % 64);
                let now = word.load(Relaxed);
                word.store(if taken { now | bit } else { now & !bit }, Relaxed);
            }
        }
    }
}

/// One buffer and its tag, as the kernel would take them; the tag has a request with the place of an event.
fn prepare_one(
    process: &'static Process,
    context: &InUse<'_>,
    plain: bool,
    iovec: usize,
    tag: usize,
) -> Result<(Segment, u64)> {
    let [base, len] = process.pages.read::<Segment>(iovec)?;
    let tag = if tag == 0 { 0 } else { process.pages.read::<u64>(tag)? };
    match (base, len) {
        (0, 0) if tag == 0 => return Ok(([0; 2], 0)),
        (0, 0) => return Err(Errno::EINVAL),
        (0, _) | (_, 0) => return Err(Errno::EFAULT),
        _ if len > MOST_BYTES => return Err(Errno::EFAULT),
        _ => {}
    }
    base.checked_add(len).ok_or(Errno::EOVERFLOW)?;
    if !mem::user_range(base, len) {
        return Err(Errno::EFAULT);
    }
    if tag == 0 {
        return Ok(([base, len], 0));
    }
    if plain {
        return Err(Errno::EOPNOTSUPP);
    }
    let request = process.pool.take()?;
    request.begin(context, Work::Tag, -1, 0, tag);
    if let Err(e) = context.ring.reserve(1) {
        process.release(request);
        return Err(e);
    }
    context.count(1);
    Ok(([base, len], request::user_data(request) | TAG))
}

/// The request of a tag.
fn tag_of(word: u64) -> Option<&'static Request> {
    // SAFETY: words other than 0 are made of the address of a request of the pool.
    (word != 0).then(|| unsafe { request::from_user_data(word & !TAG) })
}

/// Tells of a buffer that no request uses any more.
fn settle(context: &'static Context, request: &'static Request) {
    let held = context.enter();
    context.count(-1);
    if request.is(CANCELLED) {
        context.ring.unreserve(1);
    } else {
        held.publish(request.event());
        held.notify();
    }
}

/// What the ring says of a tag: true if there is to be an event. A ring that is `lost` says so of all that it has when it
/// ends; a table may have these tags still, and is told by the request's state.
pub(crate) fn released(process: &'static Process, request: &'static Request, lost: bool) -> bool {
    if !request.turn(TRUE, if lost { TRUE | KEPT } else { 0 }) {
        process.part(request, SETTLED);
        return false;
    }
    if !request.is(CANCELLED) {
        return true;
    }
    if let Some(context) = request.context() {
        settle(context, request);
    }
    if lost {
        process.part(request, SETTLED);
    } else {
        process.release(request);
    }
    false
}

/// Has the calling thread's ring let go of what is no longer registered; those of others do when their threads call.
fn forget_copies(process: &'static Process, thread: Option<&'static Thread>) {
    if let Some(lane) = thread.and_then(Thread::lane)
        && lane.copies().are_stale(process)
    {
        lane.forget_buffers(process);
    }
}

/// The registered buffers that the ring of one thread has as well, in the same places. Only that thread changes them.
#[derive(Default)]
pub(crate) struct Copies {
    /// Which of a place's lives it is, 0 for none: for each place, once there is any.
    lives: AtomicPtr<AtomicU32>,
    /// How many there are, and the changes that were seen.
    count: AtomicU32,
    seen: AtomicU32,
    /// The ring has a table.
    ready: AtomicBool,
}

/// Beside a place's life: the ring did not take it.
const FAILED: u32 = 1 << 31;

impl Copies {
    fn lives(&self) -> &[AtomicU32] {
        let lives = self.lives.load(Relaxed);
        if lives.is_null() {
            return &[];
        }
        // SAFETY: a mapping of that size, which stays for good; zeroes are valid.
        unsafe { core::slice::from_raw_parts(lives, MOST as usize) }
    }

    /// Whether the ring has the buffer of this request; gets it if it can be had.
    #[inline]
    pub(crate) fn has(&self, ring: &Ring, process: &'static Process, request: &Request) -> bool {
        let place = request.buffer.load(Relaxed);
        place != NO_BUFFER && self.has_place(ring, process, request, place)
    }

    fn has_place(&self, ring: &Ring, process: &'static Process, request: &Request, place: u32) -> bool {
        let Some(now) = process.buffers.lives.get(place as usize) else {
            return false;
        };
        // In this order: what is read after it is at least as young.
        let now = now.load(Acquire);
        match self.lives().get(place as usize).map(|l| l.load(Relaxed)) {
            Some(held) if held & !FAILED == now && held != 0 => held & FAILED == 0,
            _ => self.get(ring, request, (place, now)),
        }
    }

    #[cold]
    fn get(&self, ring: &Ring, request: &Request, (place, now): (u32, u32)) -> bool {
        let table = request.context().and_then(Context::buffers);
        let (Some(table), true) = (table.filter(|t| !t.has_tags()), self.open(ring)) else {
            return false;
        };
        let range = table.lookup.range(place.wrapping_sub(table.base.load(Relaxed)));
        let taken = range != [0; 2] && put(ring, place, &[range]).is_ok();
        if let Some(life) = self.lives().get(place as usize) {
            let before = life.swap(if taken { now } else { now | FAILED }, Relaxed);
            let was = u32::from(before != 0 && before & FAILED == 0);
            self.count
                .store(self.count.load(Relaxed) + u32::from(taken) - was, Relaxed);
        }
        taken
    }

    /// Makes the ring's table.
    fn open(&self, ring: &Ring) -> bool {
        if self.lives().is_empty() {
            match map::wiped(MOST as usize * size_of::<AtomicU32>()) {
                Ok(lives) => self.lives.store(lives.cast().as_ptr(), Relaxed),
                Err(_) => return false,
            }
        }
        if !self.ready.load(Relaxed) && register::buffers_sparse(ring, MOST).is_ok() {
            self.ready.store(true, Relaxed);
        }
        self.ready.load(Relaxed)
    }

    /// Whether some may be out of date.
    #[inline]
    pub(crate) fn are_stale(&self, process: &Process) -> bool {
        self.count.load(Relaxed) != 0 && self.seen.load(Relaxed) != process.buffers.changes.load(Relaxed)
    }

    /// Lets go of those that are.
    pub(crate) fn forget(&self, ring: &Ring, process: &Process) {
        self.seen.store(process.buffers.changes.load(SeqCst), Relaxed);
        for ((place, held), now) in (0..).zip(self.lives()).zip(&process.buffers.lives) {
            let life = held.load(Relaxed);
            if life == 0 || life == now.load(Acquire) {
                continue;
            }
            if life & FAILED == 0 {
                if put(ring, place, &[[0; 2]]).is_err() {
                    continue;
                }
                self.count.store(self.count.load(Relaxed) - 1, Relaxed);
            }
            held.store(0, Relaxed);
        }
    }

    /// The ring is gone.
    pub(crate) fn reset(&self) {
        if self.ready.swap(false, Relaxed) {
            self.count.store(0, Relaxed);
            for life in self.lives() {
                life.store(0, Relaxed);
            }
        }
    }
}

/// Puts a buffer without a tag into a place of a ring.
fn put(ring: &Ring, place: u32, buffer: &[Segment; 1]) -> Result<u32> {
    // SAFETY: what the kernel may write to says the program.
    unsafe { register::buffers_update(ring, place, buffer.as_ptr().cast(), core::ptr::null(), 1) }
}

impl Context {
    /// The registered buffers.
    #[inline]
    pub(crate) fn buffers(&self) -> Option<&'static Table> {
        // SAFETY: null or a table, and those stay for good.
        unsafe { self.buffers.load(Acquire).as_ref() }
    }

    fn set_buffers(&self, table: Option<&'static Table>) {
        let table = table.map_or(core::ptr::null_mut(), |t| (&raw const *t).cast_mut());
        self.buffers.store(table, Release);
    }
}

impl Request {
    /// Forgets the registered buffer; whether there was one.
    pub(crate) fn unfix(&self) -> bool {
        self.buffer.swap(NO_BUFFER, Relaxed) != NO_BUFFER
    }
}
