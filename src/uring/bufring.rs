//! Buffers that the kernel takes when it has data, with the books kept: which of them the kernel has, where in each the
//! next data begins, who still looks at them.
//!
//! | a buffer is | when |
//! | --- | --- |
//! | out | it is not in use: not yet, or taken out of use |
//! | the kernel's | it lies in the ring, or is used piece by piece |
//! | held | the kernel is done with it, and the program has references |
//! | waiting | it is to be given back by a request that is not queued yet: kernels without buffer rings |
//!
//! One lock guards an object. It is held for some loads and stores, and for the calls that register.
//! The ring's descriptor is duplicated, so that the object may outlive the ring and never names another one.
#![allow(unsafe_code)]

pub mod lend;

use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU16, AtomicU32, Ordering};

use super::abi::{
    Buf, BufReg, BufStatus, IORING_CQE_BUFFER_SHIFT, IORING_CQE_F_BUF_MORE, IORING_CQE_F_BUFFER, IORING_FEAT_CQE_SKIP,
    IORING_FEAT_RECVSEND_BUNDLE, IORING_OP_PROVIDE_BUFFERS, IORING_OP_REMOVE_BUFFERS, IORING_REGISTER_PBUF_RING,
    IORING_REGISTER_PBUF_STATUS, IORING_REGISTER_USE_REGISTERED_RING, IORING_UNREGISTER_PBUF_RING,
    IOSQE_CQE_SKIP_SUCCESS, IOU_PBUF_RING_INC, Ring, Sqe,
};
use super::shared::REGISTERS_BY_INDEX;
use crate::sys::futex::{Held, Lock};
use crate::sys::{Errno, Result, file, map, uring};

/// A buffer is used piece by piece, where the kernel can do that.
pub const INC: u32 = 1 << 0;
/// The buffers lie in huge pages, where there are some.
pub const HUGE: u32 = 1 << 1;
/// Buffers are provided by requests, as kernels without buffer rings want it.
pub const CLASSIC: u32 = 1 << 2;
/// Requests have `MSG_TRUNC`: a result may be longer than its buffer, and none goes on in another one.
pub const TRUNC: u32 = 1 << 3;
/// No more than one request of the group is in flight.
pub const ONE: u32 = 1 << 4;

/// The upper half of the user data of requests that give buffers back; the lower says which: the first, and one less than
/// how many.
pub const USER_DATA: u32 = 0x6169_6f62;

/// The most places of a buffer ring.
const MOST: u32 = 32768;

const MAGIC: u32 = 0x6275_6672;

/// No buffer.
const NONE: u16 = u16::MAX;

/// What an object is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// How many buffers at first.
    pub nr: u32,
    /// Of how many bytes each.
    pub size: u32,
    /// How many there may become; 0 for `nr`.
    pub max: u32,
    /// Under incremental consumption: the rest of a buffer that is not worth using.
    pub min_left: u32,
    /// The group, 0 to 65535.
    pub bgid: i32,
    /// [`INC`] and the like.
    pub flags: u32,
    /// `max` times `size` bytes that outlive the object; null for memory of its own.
    pub memory: *mut u8,
}

/// A part of a buffer with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub base: *mut u8,
    /// Bytes.
    pub len: u32,
    /// What to give back: the buffer's number, and above it how often it has been provided.
    pub id: u32,
}

/// The spans of a completion that have not been handed out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Walk {
    /// The buffer of the next.
    pub bid: u16,
    /// How many there are.
    pub spans: u32,
    /// Where in its buffer the next begins.
    pub offset: u32,
    /// Bytes in all.
    pub left: u32,
}

/// What has happened; `aiouring.h` has it like this.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Stats {
    /// Completions that were taken.
    pub completions: u64,
    /// Bytes handed out.
    pub bytes: u64,
    /// Completions with `ENOBUFS`.
    pub enobufs: u64,
    /// Buffers given back to the kernel.
    pub recycled: u64,
    /// Completions that left a rest of their buffer to the kernel.
    pub partial: u64,
    /// Buffers that a completion used after its first.
    pub crossed: u64,
    /// Buffers used by completions without data.
    pub empty: u64,
    /// Bytes of results that are in no buffer.
    pub truncated: u64,
    /// Buffers taken out of use.
    pub retired: u64,
    /// Completions and releases that were refused.
    pub refused: u64,
}

/// What there is at the moment; `aiouring.h` has it like this.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Now {
    /// 0 not attached, 1 by requests, 2 a buffer ring.
    pub kind: u32,
    /// Those flags that hold.
    pub flags: u32,
    /// The group.
    pub bgid: u32,
    /// As in [`Wish`].
    pub size: u32,
    /// As in [`Wish`].
    pub max: u32,
    /// The kernel has taken it.
    pub min_left: u32,
    /// How many are wanted.
    pub wanted: u32,
    /// How many the kernel has.
    pub provided: u32,
    /// How many only the program has.
    pub held: u32,
    /// How many wait for a request.
    pub waiting: u32,
    /// References.
    pub references: u32,
    /// 0.
    pub resv1: u32,
    /// What has happened.
    pub stats: Stats,
    /// 0.
    pub resv: [u64; 4],
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Out,
    Kernels,
    Held,
    Waiting,
}

struct Slot {
    references: u32,
    /// Where the kernel's next data begins.
    offset: u32,
    /// The place in the ring.
    place: u16,
    /// How often it has been provided; never 0.
    turn: u16,
    /// The buffer that the same completion used next.
    next: u16,
    state: State,
}

/// How the kernel gets buffers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unattached,
    Requests,
    Ring,
    /// Lent, see [`lend`].
    Context,
    Changing,
}

struct Inner {
    bgid: u16,
    flags: u32,
    size: u32,
    max: u32,
    min_left: u32,
    wanted: u32,
    memory: *mut u8,
    /// 0 for memory of the program.
    memory_len: usize,
    huge: bool,
    slots: *mut Slot,
    slots_len: usize,
    /// The kernel's ring of entries.
    bufs: *mut Buf,
    entries: u32,

    kind: Kind,
    /// The duplicate of the ring's descriptor, or the index of the registered one.
    fd: i32,
    by_index: bool,
    /// The ring's own number, to see whether it is still there.
    ring_fd: i32,
    /// The ring itself: requests only.
    ring: *const Ring,
    /// Whom it is lent to.
    context: usize,
    inc: bool,
    has_min_left: bool,
    has_status: bool,
    has_bundles: bool,
    /// Where the next buffer is put.
    tail: u16,
    /// How many buffers of this attachment the kernel was seen to be done with.
    done: u16,
    /// How many it had used when it was asked last.
    seen: u16,
    /// Buffers by state.
    provided: u32,
    held: u32,
    waiting: u32,
    references: u32,
    /// The kernel may still write to the memory.
    written_to: bool,
    stats: Stats,
}

/// The object: a page that is never anything else, so that a pointer to one that is gone is an error and no accident.
/// After a fork it is all zeroes in the child, where it is an error, too.
pub struct BufRing {
    magic: AtomicU32,
    lock: Lock,
    inner: UnsafeCell<Inner>,
}

const _: () = assert!(size_of::<BufRing>() <= map::PAGE && size_of::<Now>() == 160);

/// Pages of objects that are gone.
static FREE: [AtomicPtr<u8>; 16] = [const { AtomicPtr::new(ptr::null_mut()) }; 16];

fn page() -> Result<NonNull<u8>> {
    for place in &FREE {
        if let Some(at) = NonNull::new(place.swap(ptr::null_mut(), Ordering::Acquire)) {
            return Ok(at);
        }
    }
    map::wiped(map::PAGE)
}

/// The object with its lock held.
struct Entered<'a> {
    object: &'a BufRing,
    _held: Held<'a>,
}

impl BufRing {
    fn enter(&self) -> Result<Entered<'_>> {
        if self.magic.load(Ordering::Relaxed) != MAGIC {
            return Err(Errno::EINVAL);
        }
        let held = self.lock.lock();
        if held.is_nested() {
            // A signal handler that interrupts a call.
            return Err(Errno::new(libc::EDEADLK));
        }
        if self.magic.load(Ordering::Relaxed) != MAGIC {
            return Err(Errno::EINVAL);
        }
        Ok(Entered {
            object: self,
            _held: held,
        })
    }

    fn with<T>(&self, what: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        let entered = self.enter()?;
        // SAFETY: the lock is held, and not by a call that this one interrupts; so nobody else has a reference.
        what(unsafe { &mut *entered.object.inner.get() })
    }

    /// Makes an object.
    ///
    /// # Errors
    /// `EINVAL` (numbers out of range, unknown flags), `ENOMEM`.
    ///
    /// # Safety
    /// `wish.memory` must be null or as [`Wish`] says.
    pub unsafe fn create(wish: &Wish) -> Result<NonNull<Self>> {
        let max = if wish.max == 0 { wish.nr } else { wish.max };
        let known = INC | HUGE | CLASSIC | TRUNC | ONE;
        let Some(len) = (max as usize).checked_mul(wish.size as usize) else {
            return Err(Errno::EINVAL);
        };
        if wish.nr == 0
            || wish.nr > max
            || max > MOST
            || wish.size == 0
            || wish.size > i32::MAX as u32
            || len > isize::MAX as usize
            || !(0..=0xffff).contains(&wish.bgid)
            || wish.flags & !known != 0
            || (wish.min_left != 0 && wish.flags & INC == 0)
            || wish.min_left >= wish.size
        {
            return Err(Errno::EINVAL);
        }
        let slots_len = map::pages(max as usize * size_of::<Slot>());
        let entries = max.next_power_of_two();
        let bufs_len = map::pages(entries as usize * size_of::<Buf>());
        // Slots and entries: zeroes are a buffer that is out, and an empty ring.
        let slots = map::private(slots_len.wrapping_add(bufs_len))?;
        let give_back = |e| {
            // SAFETY: mapped above, and nobody has it.
            unsafe { map::unmap(slots.as_ptr(), slots_len.wrapping_add(bufs_len)) };
            e
        };
        let (memory, memory_len, huge) = if wish.memory.is_null() {
            own_memory(len, wish.flags & HUGE != 0).map_err(give_back)?
        } else {
            (wish.memory, 0, false)
        };
        let at = page().map_err(|e| {
            if memory_len != 0 {
                // SAFETY: mapped above, and nobody has it.
                unsafe { map::unmap(memory, memory_len) };
            }
            give_back(e)
        })?;
        let at = at.cast::<Self>();
        let inner = Inner {
            bgid: wish.bgid as u16,
            flags: wish.flags,
            size: wish.size,
            max,
            min_left: wish.min_left,
            wanted: wish.nr,
            memory,
            memory_len,
            huge,
            slots: slots.as_ptr().cast(),
            slots_len: slots_len.wrapping_add(bufs_len),
            bufs: slots.as_ptr().wrapping_add(slots_len).cast(),
            entries,
            kind: Kind::Unattached,
            fd: -1,
            by_index: false,
            ring_fd: -1,
            ring: ptr::null(),
            context: 0,
            inc: false,
            has_min_left: false,
            has_status: true,
            has_bundles: true,
            tail: 0,
            done: 0,
            seen: 0,
            provided: 0,
            held: 0,
            waiting: 0,
            references: 0,
            written_to: false,
            stats: Stats::default(),
        };
        // SAFETY: a page of our own, aligned, that only late callers with an old pointer look at: they see the magic
        // first, and it is stored last.
        unsafe {
            (*at.as_ptr()).inner.get().write(inner);
            (*at.as_ptr()).magic.store(MAGIC, Ordering::Release);
        }
        Ok(at)
    }

    /// Ends the object.
    ///
    /// # Errors
    /// `EBUSY` while the program has references; those of [`BufRing::detach`].
    pub fn destroy(&self) -> Result<()> {
        let entered = self.enter()?;
        // SAFETY: as in `with`.
        let inner = unsafe { &mut *entered.object.inner.get() };
        if inner.references != 0 {
            return Err(Errno::EBUSY);
        }
        inner.detach()?;
        self.magic.store(0, Ordering::Relaxed);
        // SAFETY: the kernel has let go of both, and with the magic gone so has everybody else.
        unsafe {
            map::unmap(inner.slots.cast(), inner.slots_len);
            if inner.written_to {
                // The pages go, the addresses stay: nothing else may come to lie there.
                map::empty(inner.memory, inner.memory_len);
            } else if inner.memory_len != 0 {
                map::unmap(inner.memory, inner.memory_len);
            }
        }
        drop(entered);
        let at = ptr::from_ref(self).cast::<u8>().cast_mut();
        for place in &FREE {
            if place
                .compare_exchange(ptr::null_mut(), at, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                break;
            }
        }
        // A page that finds no place stays as it is: it is not worth a lock.
        Ok(())
    }

    /// Registers the group with a ring and gives it all buffers that nobody holds.
    ///
    /// # Errors
    /// `EBUSY` if it is attached, `EEXIST` if the ring has such a group, `EAGAIN` if there is no room for the request that
    /// kernels without buffer rings need, and what registration and duplicating the descriptor can answer.
    ///
    /// # Safety
    /// Buffers are the kernel's to write to from now on. A ring that is used by requests has to live until the object is
    /// detached, or be ended by its exit.
    pub unsafe fn attach(&self, ring: &Ring) -> Result<()> {
        self.with(|inner| inner.attach(ring))
    }

    /// Takes the group from its ring.
    ///
    /// # Errors
    /// `EBUSY` while completions are to be taken; what registration can answer.
    pub fn detach(&self) -> Result<()> {
        self.with(|inner| match inner.kind {
            Kind::Unattached => Err(Errno::EINVAL),
            _ => inner.detach(),
        })
    }

    /// The group.
    ///
    /// # Errors
    /// `EINVAL` if this is no object.
    pub fn group(&self) -> Result<u16> {
        self.with(|inner| Ok(inner.bgid))
    }

    /// Enters a completion into the books: what of which buffers has data, each with one reference.
    ///
    /// # Errors
    /// `EINVAL` if it names a buffer that the kernel has not got, or data that was taken before.
    pub fn take(&self, res: i32, flags: u32) -> Result<Walk> {
        self.with(|inner| inner.take(res, flags).inspect_err(|_| inner.stats.refused += 1))
    }

    /// The next span of a walk, if there is one.
    ///
    /// # Errors
    /// `EINVAL` if the buffer is not held: the walk is not one of this object's.
    pub fn next(&self, walk: &mut Walk) -> Result<Option<Span>> {
        if walk.spans == 0 {
            return Ok(None);
        }
        self.with(|inner| {
            let size = inner.size;
            let Some(slot) = inner.slot(walk.bid) else {
                return Err(Errno::EINVAL);
            };
            if slot.references == 0 || walk.offset >= size {
                return Err(Errno::EINVAL);
            }
            let len = walk.left.min(size - walk.offset);
            let (id, next) = (slot.id(walk.bid), slot.next);
            let span = Span {
                base: inner.base(walk.bid).wrapping_add(walk.offset as usize),
                len,
                id,
            };
            *walk = Walk {
                bid: next,
                spans: walk.spans - 1,
                offset: 0,
                left: walk.left - len,
            };
            Ok(Some(span))
        })
    }

    /// Adds a reference to a buffer that has one.
    ///
    /// # Errors
    /// `EINVAL` if it has none.
    pub fn reference(&self, id: u32) -> Result<()> {
        self.with(|inner| {
            let Some(slot) = inner.held(id) else {
                inner.stats.refused += 1;
                return Err(Errno::EINVAL);
            };
            slot.references = slot.references.checked_add(1).ok_or(Errno::new(libc::EOVERFLOW))?;
            inner.references += 1;
            Ok(())
        })
    }

    /// Drops a reference; the buffer goes back to the kernel with the last one, if that is done with it.
    ///
    /// # Errors
    /// `EINVAL` if it has none.
    pub fn release(&self, id: u32) -> Result<()> {
        self.with(|inner| {
            let Some(slot) = inner.held(id) else {
                inner.stats.refused += 1;
                return Err(Errno::EINVAL);
            };
            slot.references -= 1;
            let last = slot.references == 0 && slot.state == State::Held;
            inner.references -= 1;
            if last {
                inner.recycle(id as u16);
                inner.publish();
            }
            Ok(())
        })
    }

    /// Where a buffer that has references lies, and its size.
    ///
    /// # Errors
    /// `EINVAL` if it has none.
    pub fn buffer(&self, id: u32) -> Result<(*mut u8, u32)> {
        self.with(|inner| match inner.held(id) {
            Some(_) => Ok((inner.base(id as u16), inner.size)),
            None => Err(Errno::EINVAL),
        })
    }

    /// Has `more` buffers in use; how many that are then.
    ///
    /// # Errors
    /// `ENOSPC` above the greatest number.
    pub fn grow(&self, more: u32) -> Result<u32> {
        self.with(|inner| {
            let wanted = inner.wanted.checked_add(more).filter(|n| *n <= inner.max);
            inner.wanted = wanted.ok_or(Errno::new(libc::ENOSPC))?;
            inner.fill();
            Ok(inner.wanted)
        })
    }

    /// Has `fewer` buffers in use; how many that are then. Those in excess go as they come back.
    ///
    /// # Errors
    /// `EINVAL` if none were left.
    pub fn shrink(&self, fewer: u32) -> Result<u32> {
        self.with(|inner| {
            let wanted = inner.wanted.checked_sub(fewer).filter(|n| *n > 0);
            inner.wanted = wanted.ok_or(Errno::EINVAL)?;
            inner.drop_waiting();
            Ok(inner.wanted)
        })
    }

    /// Queues the requests that give buffers back on kernels without buffer rings; how many buffers that were.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room in the queue.
    pub fn flush(&self) -> Result<u32> {
        self.with(Inner::flush)
    }

    /// A completion with the user data of a request that gives buffers back: what it could not give waits again.
    ///
    /// A program that sets no user data may have it, too, from the entry's former use. So nothing is believed but the one
    /// error that such a request has.
    ///
    /// # Errors
    /// `EINVAL` if this is no object.
    pub fn provided(&self, user_data: u64, res: i32, flags: u32) -> Result<()> {
        self.with(|inner| {
            if res == Errno::ENOMEM.negated() && flags == 0 && inner.kind == Kind::Requests {
                let first = (user_data >> 16) as u16;
                for n in 0..=user_data as u16 {
                    let Some(slot) = inner.slot(first.wrapping_add(n)) else {
                        break;
                    };
                    if slot.state == State::Kernels {
                        slot.state = State::Waiting;
                        inner.provided -= 1;
                        inner.waiting += 1;
                    }
                }
            }
            Ok(())
        })
    }

    /// What there is and what has happened.
    ///
    /// # Errors
    /// `EINVAL` if this is no object.
    pub fn stats(&self) -> Result<Now> {
        self.with(|inner| Ok(inner.now()))
    }

    /// Compares with the kernel's head: how many buffers the kernel is ahead.
    ///
    /// # Errors
    /// `EILSEQ` if the books are wrong, `EOPNOTSUPP` if the kernel cannot be asked, `EINVAL` if nothing is attached.
    pub fn check(&self) -> Result<u32> {
        self.with(Inner::check)
    }
}

/// Memory for buffers: where, how long, whether in huge pages.
fn own_memory(len: usize, huge: bool) -> Result<(*mut u8, usize, bool)> {
    if huge {
        let whole = len.checked_add(map::HUGE - 1).ok_or(Errno::ENOMEM)? & !(map::HUGE - 1);
        if let Ok(at) = map::huge(whole) {
            return Ok((at.as_ptr(), whole, true));
        }
    }
    let whole = map::pages(len);
    map::private(whole).map(|at| (at.as_ptr(), whole, false))
}

impl Slot {
    fn id(&self, bid: u16) -> u32 {
        u32::from(self.turn) << 16 | u32::from(bid)
    }
}

impl Inner {
    fn slot(&mut self, bid: u16) -> Option<&mut Slot> {
        if u32::from(bid) >= self.max {
            return None;
        }
        // SAFETY: within the `max` slots, which live as long as the object; all zeroes is a slot.
        Some(unsafe { &mut *self.slots.wrapping_add(bid.into()) })
    }

    /// The slot of an id that has references.
    fn held(&mut self, id: u32) -> Option<&mut Slot> {
        self.slot(id as u16)
            .filter(|slot| slot.references != 0 && u32::from(slot.turn) == id >> 16)
    }

    fn base(&self, bid: u16) -> *mut u8 {
        self.memory.wrapping_add(usize::from(bid) * self.size as usize)
    }

    /// The entry at a place of the kernel's ring.
    fn entry(&self, place: u16) -> *mut Buf {
        self.bufs.wrapping_add((u32::from(place) & (self.entries - 1)) as usize)
    }

    /// How much is left of the buffer at a place under incremental consumption: the kernel writes it into the entry.
    fn entry_left(&self, place: u16) -> u32 {
        if u32::from(self.tail.wrapping_sub(place)) > self.entries {
            // The entry is another buffer's by now: the kernel was done with it long ago.
            return 0;
        }
        // SAFETY: the entry lives as long as the object; the kernel writes to the aligned word.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.entry(place)).len) }.load(Ordering::Relaxed)
    }

    fn in_use(&self) -> u32 {
        self.provided + self.held + self.waiting
    }

    /// A buffer that nobody has: back to the kernel, or out of use.
    fn recycle(&mut self, bid: u16) {
        let (kind, excess) = (self.kind, self.in_use() > self.wanted);
        let Some(slot) = self.slot(bid) else { return };
        let was = slot.state;
        slot.state = State::Out;
        match was {
            State::Held => self.held -= 1,
            State::Kernels => self.provided -= 1,
            State::Waiting => self.waiting -= 1,
            State::Out => {}
        }
        if excess {
            self.stats.retired += 1;
            if self.memory_len != 0 {
                // SAFETY: the buffer is nobody's, and the memory is the object's.
                unsafe { map::empty(self.base(bid), self.size as usize) };
            }
        } else if kind != Kind::Unattached {
            self.stats.recycled += 1;
            self.provide(bid);
        }
    }

    /// Puts a buffer that is out into the ring, to be published, or among those that wait for a request.
    fn provide(&mut self, bid: u16) {
        let kind = self.kind;
        let Some(slot) = self.slot(bid) else { return };
        slot.turn = slot.turn.wrapping_add(1).max(1);
        slot.offset = 0;
        if kind == Kind::Requests {
            slot.state = State::Waiting;
            self.waiting += 1;
        } else {
            self.hand_over(bid);
        }
    }

    /// Puts a buffer at the end of the kernel's queue, which has the same order if it is a list.
    fn hand_over(&mut self, bid: u16) {
        let (tail, size) = (self.tail, self.size);
        let addr = self.base(bid).expose_provenance() as u64;
        let Some(slot) = self.slot(bid) else { return };
        slot.state = State::Kernels;
        slot.place = tail;
        let entry = self.entry(tail);
        // SAFETY: an entry behind the tail, which the kernel does not look at. The fourth word of the first is the tail.
        unsafe {
            (&raw mut (*entry).addr).write_volatile(addr);
            (&raw mut (*entry).len).write_volatile(size);
            (&raw mut (*entry).bid).write_volatile(bid);
        }
        self.tail = tail.wrapping_add(1);
        self.provided += 1;
    }

    /// Shows the kernel what was provided.
    fn publish(&self) {
        if matches!(self.kind, Kind::Ring | Kind::Context) {
            // SAFETY: the tail lies where the first entry has its reserved word.
            unsafe { AtomicU16::from_ptr(&raw mut (*self.bufs).resv) }.store(self.tail, Ordering::Release);
        }
    }

    /// Provides as many of the buffers that are out as are wanted.
    fn fill(&mut self) {
        if self.kind == Kind::Unattached {
            return;
        }
        for bid in 0..self.max {
            if self.in_use() >= self.wanted {
                break;
            }
            if self.slot(bid as u16).is_some_and(|slot| slot.state == State::Out) {
                self.provide(bid as u16);
            }
        }
        self.publish();
    }

    /// Takes out of use what waits for a request, as far as it is too much.
    fn drop_waiting(&mut self) {
        for bid in 0..self.max {
            if self.waiting == 0 || self.in_use() <= self.wanted {
                break;
            }
            if self.slot(bid as u16).is_some_and(|slot| slot.state == State::Waiting) {
                self.recycle(bid as u16);
            }
        }
    }

    fn register<T>(&self, opcode: u32, arg: &mut T) -> Result<u32> {
        let by_index = if self.by_index {
            IORING_REGISTER_USE_REGISTERED_RING
        } else {
            0
        };
        // SAFETY: each opcode is used with its own structure, which the kernel reads and writes during the call; entries
        // and buffers outlive the registration.
        unsafe { uring::register(self.fd, opcode | by_index, ptr::from_mut(arg).cast_const().cast(), 1) }
    }

    fn attach(&mut self, ring: &Ring) -> Result<()> {
        if self.kind != Kind::Unattached || self.provided != 0 || self.written_to {
            return Err(Errno::EBUSY);
        }
        self.has_bundles = ring.features & IORING_FEAT_RECVSEND_BUNDLE != 0 && !pretends(b"old-kernel");
        self.ring_fd = ring.ring_fd;
        self.by_index = ring.ring_fd < 0;
        self.fd = if !self.by_index {
            file::duplicate(ring.ring_fd)?
        } else if ring.noted(REGISTERS_BY_INDEX) {
            ring.enter_fd()
        } else {
            // It has ended.
            return Err(Errno::EBADF);
        };
        let kind = self.register_group().and_then(|kind| match kind {
            Kind::Requests => match self.status() {
                Ok(_) => Err(Errno::EEXIST),
                Err(e @ (Errno::EBADF | Errno::EOPNOTSUPP)) => Err(e),
                Err(_) if ring.sq_space_left() == 0 => Err(Errno::EAGAIN),
                Err(_) => Ok(kind),
            },
            kind => Ok(kind),
        });
        let kind = kind.inspect_err(|_| {
            if !self.by_index {
                file::close(self.fd);
            }
        })?;
        self.ring = if kind == Kind::Requests { ring } else { ptr::null() };
        self.kind = kind;
        (self.tail, self.done, self.seen) = (0, 0, 0);
        self.fill();
        if kind == Kind::Requests {
            self.flush()?;
        }
        Ok(())
    }

    /// Registers the ring of entries as well as the kernel can.
    fn register_group(&mut self) -> Result<Kind> {
        // SAFETY: not registered, so that only this object has it; the tail as in `publish`.
        unsafe { AtomicU16::from_ptr(&raw mut (*self.bufs).resv) }.store(0, Ordering::Relaxed);
        let inc = self.flags & INC != 0;
        self.has_status = !pretends(b"old-kernel");
        if self.flags & CLASSIC == 0 && !pretends(b"no-buffer-rings") {
            for (inc, min_left) in [(inc, self.min_left), (inc, 0), (false, 0)] {
                let mut reg = BufReg {
                    ring_addr: self.bufs.expose_provenance() as u64,
                    ring_entries: self.entries,
                    bgid: self.bgid,
                    flags: if inc { IOU_PBUF_RING_INC } else { 0 },
                    min_left,
                    ..BufReg::default()
                };
                if inc && pretends(b"old-kernel") {
                    continue;
                }
                match self.register(IORING_REGISTER_PBUF_RING, &mut reg) {
                    Ok(_) => {
                        (self.inc, self.has_min_left) = (inc, min_left != 0);
                        return Ok(Kind::Ring);
                    }
                    // An older kernel.
                    Err(Errno::EINVAL) => {}
                    Err(e) => return Err(e),
                }
            }
        }
        (self.inc, self.has_min_left) = (false, false);
        Ok(Kind::Requests)
    }

    /// Lets go of the ring.
    fn forget(&mut self) {
        // A program that has closed all descriptors may have other files there.
        let no_ring = |e| matches!(e, Errno::EBADF | Errno::EOPNOTSUPP);
        if !self.by_index && !self.status().is_err_and(no_ring) {
            file::close(self.fd);
        }
        self.kind = Kind::Unattached;
        self.ring = ptr::null();
        self.fd = -1;
    }

    /// Whether the program has ended the ring.
    fn is_orphaned(&self) -> bool {
        match self.kind {
            // Such a ring stays where it is, and is all zeroes when it has ended.
            // SAFETY: as in `request`.
            Kind::Requests if self.by_index => unsafe { (*self.ring).sq.sqes.is_null() },
            _ => !self.by_index && !file::is_same(self.ring_fd, self.fd),
        }
    }

    fn detach(&mut self) -> Result<()> {
        if self.kind == Kind::Unattached {
            return Ok(());
        }
        let orphaned = matches!(self.kind, Kind::Ring | Kind::Requests) && self.is_orphaned();
        match self.kind {
            Kind::Ring => {
                // Also data in a buffer that is used piece by piece, and not used up.
                let ahead = self.check();
                if orphaned {
                    // The kernel ends a ring in its own time, and nobody takes the completions of this one.
                    self.written_to |= ahead != Ok(0);
                } else if ahead.is_ok_and(|n| n != 0) {
                    return Err(Errno::EBUSY);
                }
                let mut reg = BufReg {
                    bgid: self.bgid,
                    ..BufReg::default()
                };
                match self.register(IORING_UNREGISTER_PBUF_RING, &mut reg) {
                    // Some have no such group any more.
                    Ok(_) | Err(Errno::EINVAL | Errno::ENOENT) => {}
                    // A ring without a descriptor that has ended, also in its own time.
                    Err(Errno::EBADF) => self.written_to = true,
                    // The thread is not the one that may register; what it has got goes with the ring.
                    Err(_) if orphaned => {}
                    Err(e) => return Err(e),
                }
            }
            Kind::Context | Kind::Changing => return Err(Errno::EBUSY),
            _ if orphaned => self.written_to = true,
            _ => self.remove_all()?,
        }
        self.forget();
        for bid in 0..self.max {
            if let Some(slot) = self.slot(bid as u16) {
                match slot.state {
                    State::Kernels if slot.references != 0 => {
                        slot.state = State::Held;
                        self.provided -= 1;
                        self.held += 1;
                    }
                    State::Kernels | State::Waiting => self.recycle(bid as u16),
                    State::Held | State::Out => {}
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, res: i32, flags: u32) -> Result<Walk> {
        let walk = if flags & IORING_CQE_F_BUFFER == 0 {
            if res == Errno::new(libc::ENOBUFS).negated() {
                self.stats.enobufs += 1;
            }
            Walk::default()
        } else {
            let bytes = u32::try_from(res).unwrap_or(0);
            let bid = (flags >> IORING_CQE_BUFFER_SHIFT) as u16;
            let walk = self.enter_data(bid, bytes, self.inc && flags & IORING_CQE_F_BUF_MORE != 0)?;
            self.taken_late(bid);
            walk
        };
        self.stats.completions += 1;
        Ok(walk)
    }

    /// `bytes` of data begin in buffer `first`; `more` says that the kernel goes on using the last one.
    fn enter_data(&mut self, first: u16, bytes: u32, more: bool) -> Result<Walk> {
        let (size, inc) = (self.size, self.inc);
        let Some(slot) = self.slot(first).filter(|slot| slot.state == State::Kernels) else {
            return Err(Errno::EINVAL);
        };
        let (place, start) = (slot.place, slot.offset);
        let room = size.saturating_sub(start);
        let len = bytes.min(room);
        if inc && start + len > size.saturating_sub(self.entry_left(place)) {
            // The kernel has not come as far: this completion was taken before.
            return Err(Errno::EINVAL);
        }
        let mut count = 1;
        let mut left = bytes - len;
        if left != 0 {
            count = self.crossing(place, left);
            let rest = u64::from(size) * u64::from(count - 1);
            left = left.saturating_sub(rest.min(u32::MAX.into()) as u32);
        }
        let truncates = self.flags & TRUNC != 0;
        let mut walk = Walk {
            bid: first,
            spans: 0,
            offset: start,
            left: 0,
        };
        let mut remaining = bytes - left;
        let mut last = NONE;
        let mut bid = first;
        for n in 0..count {
            let at = place.wrapping_add(n as u16);
            if n != 0 {
                // SAFETY: the entry lives as long as the object.
                bid = unsafe { (&raw const (*self.entry(at)).bid).read_volatile() };
            }
            let entry_left = self.entry_left(at);
            let from = if n == 0 { start } else { 0 };
            let part = remaining.min(size - from);
            remaining -= part;
            // What is left is the kernel's as long as it has not put an end to it. Some kernels forget to say so.
            let least = if self.has_min_left { self.min_left.max(1) } else { 1 };
            let goes_on = inc && n + 1 == count && (more || entry_left >= least);
            let one = self.flags & ONE != 0;
            let has_span = part != 0 && (n == 0 || !truncates);
            let Some(slot) = self.slot(bid) else { break };
            slot.offset = if one && goes_on {
                size.saturating_sub(entry_left)
            } else {
                from + part
            };
            if has_span {
                slot.references += 1;
            }
            let unused = slot.references == 0;
            if !goes_on {
                slot.state = State::Held;
            }
            if has_span {
                if let Some(slot) = self.slot(last) {
                    slot.next = bid;
                }
                last = bid;
                walk.spans += 1;
                walk.left += part;
                self.references += 1;
            } else {
                left += part;
            }
            if goes_on {
                self.stats.partial += 1;
            } else {
                self.provided -= 1;
                self.held += 1;
                self.done = self.done.wrapping_add(1);
                if !is_behind(at.wrapping_add(1), self.seen) {
                    self.seen = at.wrapping_add(1);
                }
                if unused {
                    if part == 0 {
                        self.stats.empty += 1;
                    }
                    self.recycle(bid);
                }
            }
        }
        self.publish();
        self.stats.crossed += u64::from(count - 1);
        self.stats.truncated += u64::from(left);
        self.stats.bytes += u64::from(walk.left);
        Ok(walk)
    }

    /// How many buffers from `place` on hold a completion that has `left` bytes more than fit into the first: those that
    /// the kernel has really used for it.
    fn crossing(&mut self, place: u16, left: u32) -> u32 {
        if self.flags & TRUNC != 0 && !self.inc {
            return 1;
        }
        let wanted = left
            .saturating_sub(1)
            .checked_div(self.size)
            .unwrap_or(0)
            .saturating_add(2);
        // A result that is more than all buffers hold tells of lost data.
        if wanted > self.tail.wrapping_sub(place).into()
            || (!self.inc && !self.used_up_to(place.wrapping_add(wanted as u16)))
        {
            return 1;
        }
        let mut count = 1;
        let mut left = left;
        while count < wanted {
            let at = place.wrapping_add(count as u16);
            // SAFETY: the entry lives as long as the object.
            let bid = unsafe { (&raw const (*self.entry(at)).bid).read_volatile() };
            let part = left.min(self.size);
            if self.inc && part > self.size.saturating_sub(self.entry_left(at)) {
                break;
            }
            let fits = |slot: &&mut Slot| slot.state == State::Kernels && slot.place == at && slot.offset == 0;
            if self.slot(bid).filter(fits).is_none() {
                break;
            }
            left -= part;
            count += 1;
        }
        count
    }

    /// Whether the kernel has used the buffers before `place`. Only bundles are longer than a buffer, and where there are
    /// bundles the kernel can be asked about rings; a thread that it does not answer believes it.
    fn used_up_to(&mut self, place: u16) -> bool {
        if !self.has_bundles {
            return false;
        }
        if self.kind == Kind::Requests || is_behind(place, self.seen) {
            return true;
        }
        match self.head() {
            Ok(head) => {
                self.seen = head;
                is_behind(place, head)
            }
            Err(_) => true,
        }
    }

    fn head(&self) -> Result<u16> {
        if self.kind != Kind::Ring {
            return Err(Errno::EINVAL);
        }
        if !self.has_status {
            return Err(Errno::EOPNOTSUPP);
        }
        self.status()
    }

    fn status(&self) -> Result<u16> {
        let mut status = BufStatus {
            buf_group: self.bgid.into(),
            ..BufStatus::default()
        };
        self.register(IORING_REGISTER_PBUF_STATUS, &mut status)?;
        Ok(status.head as u16)
    }

    /// How many buffers the kernel has used whose completions were not taken.
    fn ahead_by(&self, head: u16) -> Result<u32> {
        let ahead = head.wrapping_sub(self.done);
        let total = self.tail.wrapping_sub(self.done);
        if ahead > total || u32::from(total) != self.provided {
            return Err(Errno::new(libc::EILSEQ));
        }
        Ok(ahead.into())
    }

    fn check(&mut self) -> Result<u32> {
        match self.kind {
            Kind::Unattached | Kind::Changing => return Err(Errno::EINVAL),
            Kind::Requests | Kind::Context => return Err(Errno::EOPNOTSUPP),
            Kind::Ring => {}
        }
        let head = self.head().map_err(|e| match e {
            Errno::EINVAL => Errno::EOPNOTSUPP,
            e => e,
        })?;
        self.check_by(head)
    }

    fn check_by(&mut self, head: u16) -> Result<u32> {
        let mut ahead = self.ahead_by(head)?;
        if !self.inc {
            return Ok(ahead);
        }
        let size = self.size;
        for bid in 0..self.max {
            let Some(slot) = self.slot(bid as u16) else { break };
            let (state, place, offset) = (slot.state, slot.place, slot.offset);
            if state != State::Kernels {
                continue;
            }
            match size.saturating_sub(self.entry_left(place)) {
                used if used < offset => return Err(Errno::new(libc::EILSEQ)),
                // Those that are used up have been counted.
                used if used > offset && used < size => ahead += 1,
                _ => {}
            }
        }
        Ok(ahead)
    }

    /// The request that does something with `nr` buffers from `bid` on.
    fn request(&self, opcode: u8, bid: u16, nr: u32) -> Sqe {
        // SAFETY: `ring` is set while buffers are provided by requests, and the ring lives: see `attach`.
        let skips = unsafe { (*self.ring).features } & IORING_FEAT_CQE_SKIP != 0;
        Sqe {
            opcode,
            flags: if skips { IOSQE_CQE_SKIP_SUCCESS } else { 0 },
            fd: nr as i32,
            off: bid.into(),
            addr: self.base(bid).expose_provenance() as u64,
            len: self.size,
            user_data: u64::from(USER_DATA) << 32
                | u64::from(bid) << 16
                | u64::from(nr as u16).wrapping_sub(1) & 0xffff,
            buf_index: self.bgid,
            ..Sqe::default()
        }
    }

    /// Queues requests for what waits, one for each row of neighbours.
    fn flush(&mut self) -> Result<u32> {
        if self.kind != Kind::Requests || self.waiting == 0 {
            return Ok(0);
        }
        if self.is_orphaned() {
            return Err(Errno::EBADF);
        }
        // SAFETY: as in `request`. The other half of the room is the program's.
        let mut room = unsafe { (*self.ring).sq_space_left() }.div_ceil(2);
        if room == 0 {
            return Err(Errno::EAGAIN);
        }
        let mut flushed = 0;
        let mut bid = 0;
        while bid < self.max && self.waiting != 0 && room != 0 {
            let mut nr = 0;
            while self
                .slot(bid.wrapping_add(nr) as u16)
                .is_some_and(|slot| slot.state == State::Waiting)
            {
                nr += 1;
            }
            if nr == 0 {
                bid += 1;
                continue;
            }
            let sqe = self.request(IORING_OP_PROVIDE_BUFFERS, bid as u16, nr);
            // SAFETY: as in `request`.
            if !unsafe { (*self.ring).push(&sqe) } {
                break;
            }
            room -= 1;
            for bid in bid..bid + nr {
                self.hand_over(bid as u16);
            }
            self.waiting -= nr;
            flushed += nr;
            bid += nr;
        }
        Ok(flushed)
    }

    /// Takes back what was provided by requests.
    fn remove_all(&mut self) -> Result<()> {
        if self.provided == 0 {
            return Ok(());
        }
        let mut sqe = self.request(IORING_OP_REMOVE_BUFFERS, 0, self.max);
        (sqe.off, sqe.addr, sqe.len) = (0, 0, 0);
        // SAFETY: as in `request`.
        let ring = unsafe { &*self.ring };
        if !ring.push(&sqe) {
            ring.submit()?;
            if !ring.push(&sqe) {
                return Err(Errno::EAGAIN);
            }
        }
        while ring.sq_ready() != 0 {
            ring.submit()?;
        }
        Ok(())
    }

    fn now(&self) -> Now {
        let flags = self.flags & (CLASSIC | TRUNC | ONE)
            | if self.inc && matches!(self.kind, Kind::Ring | Kind::Context) {
                INC
            } else {
                0
            }
            | if self.huge { HUGE } else { 0 };
        Now {
            bgid: self.bgid.into(),
            kind: (self.kind as u32).min(Kind::Context as u32),
            flags,
            size: self.size,
            max: self.max,
            min_left: if self.has_min_left { self.min_left } else { 0 },
            wanted: self.wanted,
            provided: self.provided,
            held: self.held,
            waiting: self.waiting,
            references: self.references,
            resv1: 0,
            stats: self.stats,
            resv: [0; 4],
        }
    }
}

/// Whether the kernel, having come to `head`, has used what lies before `place`.
fn is_behind(place: u16, head: u16) -> bool {
    head.wrapping_sub(place) < MOST as u16
}

/// Whether a test build is told to do without something.
fn pretends(_what: &[u8]) -> bool {
    #[cfg(feature = "faults")]
    return crate::sys::thread::environment(c"AIOURING_FAULT").is_some_and(|fault| fault == _what);
    #[cfg(not(feature = "faults"))]
    false
}
