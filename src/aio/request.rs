//! Requests on the ring lane: where they live, and how they are found.
//!
//! Requests come from a pool whose memory is never given back and never becomes anything else,
//! and all their fields are atomics. A reference to one is therefore valid for good; who may use
//! it is a matter of ownership: the submitter until it hands the request over, the library's
//! thread until the event is published.

#![allow(unsafe_code)]

use super::abi::{self, FLAG_IOPRIO, FLAG_RESFD, IoEvent, Iocb};
use super::context::Context;
use super::engine::{Engine, MAX_TRANSFER};
use crate::sys::file::{self, Transfer};
use crate::sys::futex::{self, Lock};
use crate::sys::mem::Plain;
use crate::sys::{Errno, Result, map, thread};
use crate::uring::{Sqe, abi as uring};
use core::sync::atomic::{
    AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};

/// An `iovec` as two words.
pub(crate) type Segment = [usize; 2];

/// The work of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Work {
    Read,
    Write,
    Sync,
    DataSync,
    Poll,
    /// None: the ring lets go of a registered buffer, see [`super::fixed`].
    Tag,
    /// A read whose buffer the kernel takes from a ring.
    Select,
}

impl Work {
    fn of(number: u32) -> Self {
        match number {
            0 => Self::Read,
            1 => Self::Write,
            2 => Self::Sync,
            3 => Self::DataSync,
            4 => Self::Poll,
            5 => Self::Tag,
            _ => Self::Select,
        }
    }

    /// Whether it may wait for ever.
    pub(crate) fn waits(self) -> bool {
        matches!(self, Self::Poll | Self::Tag | Self::Select)
    }
}

/// The kernel may not block on the request: it answers `EAGAIN` and the caller does it.
pub(crate) const NOWAIT_ADDED: u32 = 1;
/// `io_cancel` or `io_destroy` took the poll back.
pub(crate) const CANCELLED: u32 = 2;
/// The request is among the tracked reads.
pub(crate) const TRACKED: u32 = 4;
/// The program itself asked for `RWF_NOWAIT`.
pub(crate) const USER_NOWAIT: u32 = 8;
/// The poll is of a socket.
pub(crate) const SOCKET: u32 = 16;
/// A write to the eventfd may block.
pub(crate) const BLOCKING_SIGNAL: u32 = 32;
/// There was no slot for the eventfd.
pub(crate) const SIGNAL_BY_NUMBER: u32 = 64;
/// What [`Underway`] gave for the transfer, and for the signal.
///
/// [`Underway`]: super::underway::Underway
pub(crate) const ODD_TRANSFER: u32 = 128;
pub(crate) const ODD_SIGNAL: u32 = 256;
/// The poll is of a file whose wake-ups name all that then holds.
pub(crate) const RAW: u32 = 512;
/// The poll has come true; the event waits for the kernel to let go of the file.
pub(crate) const TRUE: u32 = 1024;
/// The request is in the hands of the [`Carrier`].
///
/// [`Carrier`]: super::carrier::Carrier
pub(crate) const CARRIED: u32 = 2048;
/// A poll that kernel AIO did not take.
pub(crate) const BY_HAND: u32 = 4096;
/// The ring may have a word to say about the poll, but others deliver its event.
pub(crate) const KEPT: u32 = 8192;
/// Of a poll that is kept: the event is there; the ring has had its last word. Whoever is second
/// gives the request back, see [`Process::part`].
///
/// [`Process::part`]: super::process::Process::part
pub(crate) const SETTLED: u32 = 16384;
pub(crate) const SILENT: u32 = 32768;
/// The ring is asked to let go of the poll, and has not said that it did.
pub(crate) const TAKEN_BACK: u32 = 65536;
/// The poll was looked at when the ring was lost.
pub(crate) const SEEN: u32 = 131_072;
/// The poll was taken back by `aiouring_cancel`, which its event says.
pub(crate) const WITHDRAWN: u32 = 262_144;
/// The transfer names its file by a slot of the ring.
pub(crate) const BY_SLOT: u32 = 524_288;
/// Of [`Work::Select`]: it keeps its place among the others of its stream; it waits for those before it.
pub(crate) const ORDERED: u32 = 1 << 20;
pub(crate) const QUEUED: u32 = 1 << 21;
/// The file is polled for it; it has been.
pub(crate) const POLLING: u32 = 1 << 22;
pub(crate) const POLLED: u32 = 1 << 23;
/// The ring has had it before: its descriptor may mean another file by now.
pub(crate) const TRIED: u32 = 1 << 24;

/// No fixed-file slot.
pub(crate) const NO_SLOT: u32 = u32::MAX;
/// No registered buffer.
pub(crate) const NO_BUFFER: u32 = u32::MAX;

/// Who has a request, for those who look for it: nobody, or a thread that does not share it; whoever is
/// adding its event to the ring; the library's driver. Anything else is the address of a lane.
pub(crate) const NOBODY: usize = 0;
pub(crate) const FINISHING: usize = 1;
pub(crate) const DRIVER: usize = 2;

/// In [`Request::asked`] the number of the call that asked for the request's end; above it a count of the
/// requests that this memory has been.
const TICKET: u64 = u32::MAX as u64;

/// One request.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Request {
    /// The next of a batch, or of the free ones.
    pub(crate) chain: Link,
    /// Neighbours in a [`List`].
    next: Link,
    prev: Link,
    context: AtomicPtr<Context>,
    pub(crate) iocb: AtomicU64,
    pub(crate) data: AtomicU64,
    work: AtomicU32,
    pub(crate) state: AtomicU32,
    pub(crate) fd: AtomicI32,
    pub(crate) rw_flags: AtomicU32,
    pub(crate) ioprio: AtomicU32,
    /// Poll events asked for; of a transfer the open flags of its file.
    pub(crate) events: AtomicU32,
    /// Position in the file of what is left to move.
    pub(crate) offset: AtomicU64,
    /// Bytes left to move.
    pub(crate) len: AtomicU64,
    /// Bytes moved before the request came to the ring.
    pub(crate) done: AtomicU64,
    file: [AtomicU64; 2],
    /// One segment lies here, more lie at `vector`.
    segment: [AtomicUsize; 2],
    /// Memory for a longer vector; it stays with the request once it was needed.
    vector: AtomicPtr<Segment>,
    capacity: AtomicUsize,
    segments: AtomicU32,
    pub(crate) resfd: AtomicI32,
    /// The fixed-file slot that holds the eventfd.
    pub(crate) slot: AtomicU32,
    /// The fixed-file slot that holds the file of a sync.
    pub(crate) file_slot: AtomicU32,
    /// The registered buffer of the ring that all of a transfer's memory lies in.
    pub(crate) buffer: AtomicU32,
    /// The round of hand-over that brought it, and the batch, which lives as long as the round.
    pub(crate) epoch: AtomicU64,
    pub(crate) batch: AtomicUsize,
    /// What the event says.
    pub(crate) result: AtomicI64,
    /// The event is in the ring.
    pub(crate) delivered: AtomicU32,
    /// What it says beside the result.
    pub(crate) flags: AtomicU32,
    /// When the write to the eventfd began, or was last taken back.
    pub(crate) signalled: AtomicU64,
    /// What it adds: one for its own event and each that follows.
    pub(crate) adds: AtomicU64,
    /// The next that the library's thread has to finish.
    pub(crate) unfinished: Link,
    /// Of the first of a stream: the last of it.
    pub(crate) hindmost: Link,
    /// What kernel AIO is told, where the request goes there.
    control: [AtomicU64; size_of::<Iocb>() / 8],
    /// Who has it: [`NOBODY`], ...
    holder: AtomicUsize,
    /// Who wants it to end: see [`TICKET`].
    asked: AtomicU64,
    /// In the first request of a piece of memory, that of the piece before.
    older: Link,
}

// So much a request takes that waits, whether there are ten or ten thousand.
const _: () = assert!(size_of::<Request>() == 320);

/// A reference that may be absent.
#[derive(Default)]
pub(crate) struct Link(AtomicPtr<Request>);

impl Link {
    pub(crate) fn get(&self) -> Option<&'static Request> {
        // SAFETY: null or a request of the pool, whose memory stays for good.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    pub(crate) fn set(&self, request: Option<&'static Request>) {
        self.0.store(address(request), Release);
    }
}

fn address(request: Option<&'static Request>) -> *mut Request {
    request.map_or(core::ptr::null_mut(), |r| (&raw const *r).cast_mut())
}

impl Request {
    /// The context that gets the event.
    pub(crate) fn context(&self) -> Option<&'static Context> {
        // SAFETY: null or a context of the table, whose memory stays for good.
        unsafe { self.context.load(Relaxed).as_ref() }
    }

    /// Fills in what every request has.
    pub(crate) fn begin(&self, context: &'static Context, work: Work, fd: i32, iocb: u64, data: u64) {
        self.context.store((&raw const *context).cast_mut(), Relaxed);
        self.work.store(work as u32, Relaxed);
        self.fd.store(fd, Relaxed);
        self.iocb.store(iocb, Relaxed);
        self.data.store(data, Relaxed);
        for word in [
            &self.state,
            &self.rw_flags,
            &self.ioprio,
            &self.events,
            &self.segments,
            &self.flags,
        ] {
            word.store(0, Relaxed);
        }
        for word in [&self.offset, &self.len, &self.done, &self.epoch] {
            word.store(0, Relaxed);
        }
        self.result.store(0, Relaxed);
        self.resfd.store(-1, Relaxed);
        self.slot.store(NO_SLOT, Relaxed);
        self.file_slot.store(NO_SLOT, Relaxed);
        self.buffer.store(NO_BUFFER, Relaxed);
        self.chain.set(None);
    }

    /// Does a transfer or sync in the calling thread, blocking if it blocks.
    pub(crate) fn perform(&self) -> Result<usize> {
        let fd = self.fd.load(Relaxed);
        let work = self.work();
        match work {
            Work::Read | Work::Write => {
                let (iov, count) = self.vector();
                file::transfer(&Transfer {
                    fd,
                    write: work == Work::Write,
                    iov,
                    count,
                    offset: self.offset.load(Relaxed) as i64,
                    flags: self.rw_flags.load(Relaxed),
                })
            }
            Work::Sync => file::sync(fd, false),
            Work::DataSync => file::sync(fd, true),
            Work::Poll | Work::Tag => Err(Errno::EAGAIN),
            // There is no ring to take the buffer.
            Work::Select => Err(Errno::ECANCELED),
        }
    }

    /// What a transfer asks of a ring.
    pub(crate) fn transfer(&self) -> Sqe {
        let (address, count) = self.memory();
        let len = self.len.load(Relaxed).min(MAX_TRANSFER) as u32;
        let buffer = self.buffer.load(Relaxed);
        let (opcode, len) = match (count, self.work() == Work::Write, buffer != NO_BUFFER) {
            (1, false, false) => (uring::IORING_OP_READ, len),
            (1, true, false) => (uring::IORING_OP_WRITE, len),
            (1, false, true) => (uring::IORING_OP_READ_FIXED, len),
            (1, true, true) => (uring::IORING_OP_WRITE_FIXED, len),
            (_, false, false) => (uring::IORING_OP_READV, count),
            (_, true, false) => (uring::IORING_OP_WRITEV, count),
            (_, false, true) => (uring::IORING_OP_READV_FIXED, count),
            (_, true, true) => (uring::IORING_OP_WRITEV_FIXED, count),
        };
        let flags = self.rw_flags.load(Relaxed);
        Sqe {
            opcode,
            fd: self.fd.load(Relaxed),
            addr: address as u64,
            len,
            off: self.offset.load(Relaxed) + if super::seeded("sector") { 512 } else { 0 },
            op_flags: if self.is(NOWAIT_ADDED) {
                flags | libc::RWF_NOWAIT as u32
            } else {
                flags
            },
            ioprio: self.ioprio.load(Relaxed) as u16,
            buf_index: if buffer == NO_BUFFER { 0 } else { buffer as u16 },
            user_data: user_data(self),
            ..Sqe::default()
        }
    }

    /// What the event of a transfer or sync says: `outcome`, and the bytes that were moved before.
    pub(crate) fn total(&self, outcome: Result<usize>) -> i64 {
        let done = self.done.load(Relaxed) as i64;
        match outcome {
            Ok(_) if super::seeded("end") && self.work() == Work::Read => done + self.len.load(Relaxed) as i64,
            Ok(n) => done + n as i64,
            Err(_) if done > 0 => done,
            Err(e) => e.negated().into(),
        }
    }

    /// Whether the descriptor still means the file that it meant when the request was submitted: the
    /// program may have closed it and be using its number for another, which must not get the data.
    pub(crate) fn has_its_file(&self) -> bool {
        file::status(self.fd.load(Relaxed)).is_ok_and(|status| status.id == self.file())
    }

    /// Writes an iocb for the request; gives its address.
    pub(crate) fn as_iocb(&self) -> usize {
        let transfer = matches!(self.work(), Work::Read | Work::Write);
        let (buf, count) = if transfer { self.memory() } else { (0, 0) };
        let ioprio = self.ioprio.load(Relaxed);
        let iocb = Iocb {
            data: user_data(self),
            rw_flags: self.rw_flags.load(Relaxed),
            opcode: match (self.work(), count > 1) {
                (Work::Read, false) => abi::PREAD,
                (Work::Read, true) => abi::PREADV,
                (Work::Write, false) => abi::PWRITE,
                (Work::Write, true) => abi::PWRITEV,
                (Work::Sync, _) => abi::FSYNC,
                (Work::DataSync, _) => abi::FDSYNC,
                (Work::Poll | Work::Tag, _) => abi::POLL,
                (Work::Select, _) => abi::PREAD_SELECT,
            },
            reqprio: ioprio as i16,
            fildes: self.fd.load(Relaxed) as u32,
            buf: if self.work() == Work::Poll {
                self.events.load(Relaxed).into()
            } else {
                buf as u64
            },
            nbytes: match count {
                0 => 0,
                1 => self.len.load(Relaxed).min(MAX_TRANSFER),
                n => n.into(),
            },
            offset: self.offset.load(Relaxed) as i64,
            flags: if ioprio == 0 { 0 } else { FLAG_IOPRIO },
            ..Iocb::ZERO
        };
        // SAFETY: the iocb has no padding, so it is that many words.
        let words: [u64; size_of::<Iocb>() / 8] = unsafe { core::mem::transmute(iocb) };
        for (place, word) in self.control.iter().zip(words) {
            place.store(word, Relaxed);
        }
        self.iocb_address()
    }

    /// Where [`Self::as_iocb`] writes: what kernel AIO knows the request by.
    pub(crate) fn iocb_address(&self) -> usize {
        self.control.as_ptr() as usize
    }

    /// What the event says for this result: of a poll that was taken back that is for those who took it.
    pub(crate) fn told(&self, result: i64) -> i64 {
        if result == 0 && self.is(WITHDRAWN) {
            Errno::ECANCELED.negated().into()
        } else {
            result
        }
    }

    /// The event that tells of the result.
    pub(crate) fn event(&self) -> IoEvent {
        IoEvent {
            data: self.data.load(Relaxed),
            obj: self.iocb.load(Relaxed),
            res: self.result.load(Relaxed),
            res2: self.flags.load(Relaxed).into(),
        }
    }

    pub(crate) fn work(&self) -> Work {
        Work::of(self.work.load(Relaxed))
    }

    /// The request is in these hands from here on.
    #[inline]
    pub(crate) fn pass_to(&self, holder: usize) {
        self.holder.store(holder, Release);
    }

    pub(crate) fn holder(&self) -> usize {
        self.holder.load(Acquire)
    }

    /// What [`Self::ask`] needs to know whether the request is still the same.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Acquire)
    }

    /// Notes that the call `ticket` wants the request to end, unless an earlier one does; false if it is
    /// not the request any more that had `seen` from [`Self::asked`].
    pub(crate) fn ask(&self, seen: u64, ticket: u32) -> bool {
        let wanted = if seen & TICKET == 0 {
            seen | u64::from(ticket)
        } else {
            seen
        };
        self.asked.compare_exchange(seen, wanted, SeqCst, SeqCst).is_ok()
    }

    /// Undoes [`Self::ask`].
    pub(crate) fn take_no_notice(&self, seen: u64, ticket: u32) {
        let _ = self
            .asked
            .compare_exchange(seen | u64::from(ticket), seen, SeqCst, SeqCst);
    }

    /// Whether the program wants the request to end: it is not to be done again.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(SeqCst) & TICKET != 0
    }

    /// Whether a call up to `ticket` wants it to end.
    pub(crate) fn is_asked_by(&self, ticket: u32) -> bool {
        let asked = (self.asked.load(SeqCst) & TICKET) as u32;
        asked != 0 && ticket.wrapping_sub(asked) as i32 >= 0
    }

    /// It is over, with its event in the ring and its eventfd written to; whether somebody may wait for that.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        let asked = self.asked.load(Relaxed);
        self.pass_to(NOBODY);
        self.asked.store((asked | TICKET).wrapping_add(1), Release);
        asked & TICKET != 0
    }

    pub(crate) fn is(&self, state: u32) -> bool {
        self.state.load(Relaxed) & state != 0
    }

    /// Whether an eventfd is to be signalled after the event.
    pub(crate) fn is_to_signal(&self) -> bool {
        self.slot.load(Relaxed) != NO_SLOT || self.is(SIGNAL_BY_NUMBER)
    }

    pub(crate) fn mark(&self, state: u32) {
        self.state.fetch_or(state, Relaxed);
    }

    pub(crate) fn mark_if(&self, condition: bool, state: u32) {
        if condition {
            self.mark(state);
        }
    }

    /// Marks the request unless it is one of these; whether it was not. Of several threads that
    /// would answer for a poll one does.
    #[inline(never)]
    pub(crate) fn turn(&self, unless: u32, into: u32) -> bool {
        let turned = |now| (now & unless == 0).then_some(now | into);
        self.state.fetch_update(SeqCst, SeqCst, turned).is_ok()
    }

    pub(crate) fn unmark(&self, state: u32) {
        self.state.fetch_and(!state, Relaxed);
    }

    /// Sets the memory of a transfer: a copy of the vector less its first `skip` bytes.
    ///
    /// # Errors
    /// `EAGAIN` when there is no memory for the copy.
    pub(crate) fn set_memory(&self, segments: &[Segment], skip: usize) -> Result<()> {
        let mut skip = skip;
        let mut rest = segments;
        while let [[_, len], tail @ ..] = rest {
            if *len > skip || tail.is_empty() {
                break;
            }
            skip -= *len;
            rest = tail;
        }
        let [b, l] = &self.segment;
        let [[base, len], tail @ ..] = rest else {
            // A vector without entries: no memory, not that of the last use.
            b.store(0, Relaxed);
            l.store(0, Relaxed);
            return Ok(());
        };
        let first = [base + skip, len - skip];
        b.store(first[0], Relaxed);
        l.store(first[1], Relaxed);
        if !tail.is_empty() {
            let copy = self.room(rest.len())?;
            // SAFETY: the copy has room for all of `rest`.
            unsafe {
                copy.write(first);
                core::ptr::copy_nonoverlapping(tail.as_ptr(), copy.add(1), tail.len());
            }
        }
        self.segments.store(rest.len() as u32, Relaxed);
        Ok(())
    }

    /// Memory for a vector of so many segments. It comes straight from the kernel: a signal
    /// handler may submit while the program is within `malloc`.
    fn room(&self, segments: usize) -> Result<*mut Segment> {
        let capacity = self.capacity.load(Relaxed);
        if capacity >= segments {
            return Ok(self.vector.load(Relaxed));
        }
        let bytes = (segments * size_of::<Segment>()).next_multiple_of(map::PAGE);
        let fresh = map::wiped(bytes).map_err(|_| Errno::EAGAIN)?.cast::<Segment>().as_ptr();
        self.capacity.store(bytes / size_of::<Segment>(), Relaxed);
        let old = self.vector.swap(fresh, Relaxed);
        // SAFETY: the request is the caller's alone, so nobody reads its old vector.
        unsafe { map::unmap(old.cast(), capacity * size_of::<Segment>()) };
        Ok(fresh)
    }

    /// Memory for a vector, of a request that is used for nothing else.
    ///
    /// # Errors
    /// `EAGAIN`.
    #[allow(clippy::mut_from_ref)] // it is not a part of the request
    pub(crate) fn scratch(&self, segments: usize) -> Result<&mut [Segment]> {
        let room = self.room(segments)?;
        // SAFETY: mapped, aligned and of that size; zeroes or what was written before; the request is
        // the caller's alone until it is given back.
        Ok(unsafe { core::slice::from_raw_parts_mut(room, segments) })
    }

    /// The memory of a transfer: its first segment when it is the only one, else the vector.
    pub(crate) fn memory(&self) -> (usize, u32) {
        let [base, _] = &self.segment;
        match self.segments.load(Relaxed) {
            0 | 1 => (base.load(Relaxed), 1),
            n => (self.vector.load(Relaxed) as usize, n),
        }
    }

    /// Shows the memory of a transfer.
    pub(crate) fn with_memory(&self, look: impl FnOnce(&[Segment])) {
        let [base, len] = &self.segment;
        match self.segments.load(Relaxed) as usize {
            0 | 1 => look(&[[base.load(Relaxed), len.load(Relaxed)]]),
            // SAFETY: as many were written there, and the request is the caller's alone.
            n => look(unsafe { core::slice::from_raw_parts(self.vector.load(Relaxed), n) }),
        }
    }

    /// The address of an `iovec` array for a transfer in the caller.
    pub(crate) fn vector(&self) -> (usize, usize) {
        match self.segments.load(Relaxed) {
            0 | 1 => (self.segment.as_ptr() as usize, 1),
            n => (self.vector.load(Relaxed) as usize, n as usize),
        }
    }

    /// Damages a byte of what was read: a seeded fault.
    #[cfg(feature = "faults")]
    pub(crate) fn corrupt(&self) {
        let (vector, _) = self.vector();
        // SAFETY: the read succeeded, so its first segment is writable memory of the program.
        unsafe {
            let [base, _] = *(vector as *const Segment);
            *(base as *mut u8) ^= 0x20;
        }
    }

    pub(crate) fn file(&self) -> (u64, u64) {
        let [device, inode] = &self.file;
        (device.load(Relaxed), inode.load(Relaxed))
    }

    pub(crate) fn set_file(&self, file: (u64, u64)) {
        let [device, inode] = &self.file;
        device.store(file.0, Relaxed);
        inode.store(file.1, Relaxed);
    }

    /// Whether a transfer of `len` bytes at `offset` of `file` touches what this one does.
    pub(crate) fn overlaps(&self, file: (u64, u64), offset: u64, len: u64) -> bool {
        let at = self.offset.load(Relaxed);
        self.file() == file && offset < at.saturating_add(self.len.load(Relaxed)) && at < offset.saturating_add(len)
    }
}

/// Requests that one thread leaves to others, by their chain.
#[derive(Default)]
pub(crate) struct Stack(Link);

impl Stack {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.0.load(SeqCst).is_null()
    }

    pub(crate) fn push(&self, request: &'static Request) {
        let mut first = self.0.0.load(SeqCst);
        loop {
            request.chain.0.store(first, SeqCst);
            match self.0.0.compare_exchange(first, address(Some(request)), SeqCst, SeqCst) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// All of them as a chain, the oldest first.
    pub(crate) fn take(&self) -> Option<&'static Request> {
        let taken = Link(AtomicPtr::new(self.0.0.swap(core::ptr::null_mut(), SeqCst)));
        let mut at = taken.get();
        let mut oldest = None;
        while let Some(request) = at {
            at = request.chain.get();
            request.chain.set(oldest);
            oldest = Some(request);
        }
        oldest
    }
}

/// A doubly linked list; a request is in at most one. Only the library's thread changes it.
#[derive(Default)]
pub(crate) struct List {
    lock: Lock,
    first: Link,
    last: Link,
    count: AtomicU32,
}

impl List {
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(SeqCst) == 0
    }

    pub(crate) fn add(&self, request: &'static Request) {
        let _held = self.lock.lock();
        let last = self.last.get();
        request.prev.set(last);
        request.next.set(None);
        match last {
            Some(last) => last.next.set(Some(request)),
            None => self.first.set(Some(request)),
        }
        self.last.set(Some(request));
        self.count.fetch_add(1, SeqCst);
    }

    pub(crate) fn remove(&self, request: &'static Request) {
        let _held = self.lock.lock();
        match request.prev.get() {
            Some(prev) => prev.next.set(request.next.get()),
            None => self.first.set(request.next.get()),
        }
        match request.next.get() {
            Some(next) => next.prev.set(request.prev.get()),
            None => self.last.set(request.prev.get()),
        }
        self.count.fetch_sub(1, SeqCst);
    }

    /// The oldest request that meets the condition.
    pub(crate) fn find(&self, condition: &dyn Fn(&'static Request) -> bool) -> Option<&'static Request> {
        let _held = self.lock.lock();
        let mut at = self.first.get();
        while let Some(request) = at {
            if condition(request) {
                return at;
            }
            at = request.next.get();
        }
        None
    }
}

/// Reads that are under way, by file.
///
/// Kernel AIO ends a buffered read within `io_submit`, so no later write can be seen by it. Here
/// the read may still be under way: a write that overlaps it waits.
#[derive(Default)]
pub(crate) struct Tracked {
    count: AtomicU32,
    waiters: AtomicU32,
    /// Changes whenever a read ends while somebody waits.
    ended: AtomicU32,
    buckets: [List; 32],
}

impl Tracked {
    fn bucket(&self, file: (u64, u64)) -> &List {
        &self.buckets[(file.1 ^ file.0) as usize & 31]
    }

    pub(crate) fn add(&self, request: &'static Request) {
        self.bucket(request.file()).add(request);
        self.count.fetch_add(1, SeqCst);
    }

    pub(crate) fn remove(&self, request: &'static Request) {
        self.bucket(request.file()).remove(request);
        self.count.fetch_sub(1, SeqCst);
        if self.waiters.load(SeqCst) != 0 {
            self.ended.fetch_add(1, SeqCst);
            futex::wake(&self.ended, futex::ALL);
        }
    }

    /// Whether no read is on the ring.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(SeqCst) == 0
    }

    /// Waits for the reads that a write would overtake.
    pub(crate) fn wait(&self, engine: &Engine, file: (u64, u64), offset: u64, len: u64) {
        if self.is_empty() {
            return;
        }
        self.waiters.fetch_add(1, SeqCst);
        loop {
            let seen = self.ended.load(SeqCst);
            // The library's thread takes the same lock: no handler may come in between.
            let quiet = thread::quiet();
            let overtakes = self.bucket(file).find(&|r| r.overlaps(file, offset, len)).is_some();
            drop(quiet);
            if !overtakes {
                break;
            }
            engine.nap(&self.ended, seen);
        }
        self.waiters.fetch_sub(1, SeqCst);
    }
}

/// Where requests come from: a stack without a lock.
#[derive(Default)]
pub(crate) struct Pool {
    /// The address of the first free request, with a count of changes in the bits that addresses
    /// do not use: a request that was taken and given back meanwhile is noticed.
    free: AtomicU64,
    /// The first request of the last piece of memory.
    pieces: Link,
}

/// Bytes in a piece of memory, and how many requests these are.
const PIECE: usize = (64 * size_of::<Request>()).next_multiple_of(map::PAGE);
const PER_PIECE: usize = PIECE / size_of::<Request>();
/// The bits of an address that a request's can have: aligned to 64, below the kernel's half.
const ADDRESS: u64 = 0x0000_ffff_ffff_ffc0;
/// One change.
const CHANGE: u64 = 1 << 48;

impl Pool {
    /// A request of one's own.
    ///
    /// # Errors
    /// `EAGAIN` when there is no memory.
    pub(crate) fn take(&self) -> Result<&'static Request> {
        loop {
            let now = self.free.load(Acquire);
            if now & ADDRESS == 0 {
                self.grow()?;
                continue;
            }
            // SAFETY: the address of a request of the pool, whose memory stays for good.
            let request = unsafe { from_user_data(now & ADDRESS) };
            let next = request.chain.get().map_or(0, user_data);
            let new = (now & !ADDRESS).wrapping_add(CHANGE) | next;
            if self.free.compare_exchange_weak(now, new, SeqCst, Relaxed).is_ok() {
                return Ok(request);
            }
        }
    }

    /// A request in place of a poll that a ring keeps.
    ///
    /// # Errors
    /// `EAGAIN` when there is no memory.
    pub(crate) fn twin(&self, poll: &'static Request) -> Result<&'static Request> {
        let twin = self.take()?;
        if let Some(context) = poll.context() {
            let (iocb, data) = (poll.iocb.load(Relaxed), poll.data.load(Relaxed));
            twin.begin(context, Work::Poll, poll.fd.load(Relaxed), iocb, data);
        }
        twin.events.store(poll.events.load(Relaxed), Relaxed);
        twin.resfd.store(poll.resfd.load(Relaxed), Relaxed);
        Ok(twin)
    }

    fn give(&self, request: &'static Request) {
        let mut now = self.free.load(Acquire);
        loop {
            let first = (now & ADDRESS != 0).then(|| {
                // SAFETY: the address of a request of the pool.
                unsafe { from_user_data(now & ADDRESS) }
            });
            request.chain.set(first);
            let new = (now & !ADDRESS).wrapping_add(CHANGE) | user_data(request);
            match self.free.compare_exchange_weak(now, new, SeqCst, Acquire) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    /// Has some requests ready.
    pub(crate) fn reserve(&self) {
        if self.free.load(Acquire) == 0 {
            let _ = self.grow();
        }
    }

    fn grow(&self) -> Result<()> {
        let memory = map::wiped(PIECE).map_err(|_| Errno::EAGAIN)?.cast::<Request>();
        let mut before = self.pieces.0.load(SeqCst);
        loop {
            // SAFETY: mapped, aligned, zeroed (a valid request), and it stays for good.
            unsafe { memory.as_ref() }.older.0.store(before, SeqCst);
            match self.pieces.0.compare_exchange(before, memory.as_ptr(), SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => before = now,
            }
        }
        for index in 0..PER_PIECE {
            // SAFETY: the index is within the mapping, which is aligned, zeroed (a valid
            // request) and stays for good.
            let request = unsafe { &*memory.as_ptr().add(index) };
            if user_data(request) & !ADDRESS != 0 {
                return Err(Errno::EAGAIN);
            }
            self.give(request);
        }
        Ok(())
    }

    /// All requests that there are, also those that are free.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Request> {
        core::iter::successors(self.pieces.get(), |first| first.older.get()).flat_map(|first| {
            // SAFETY: the first of so many, in memory that stays for good.
            (0..PER_PIECE).map(move |index| unsafe { &*(&raw const *first).add(index) })
        })
    }

    /// Makes a request free.
    pub(crate) fn release(&self, request: &'static Request) {
        self.give(request);
    }
}

/// The request that a completion's user data names.
///
/// # Safety
/// `user_data` is the address of a request of the pool.
pub(crate) unsafe fn from_user_data(user_data: u64) -> &'static Request {
    // SAFETY: the caller's promise; the memory stays for good.
    unsafe { &*(user_data as *const Request) }
}

/// An iocb that is answered at once, as an eventfd is always ready for one or the other, for what
/// that eventfd gets then.
pub(crate) fn saturating(eventfd: i32) -> Iocb {
    Iocb {
        opcode: abi::POLL,
        fildes: eventfd as u32,
        buf: (libc::POLLIN | libc::POLLOUT) as u64,
        flags: FLAG_RESFD,
        resfd: eventfd as u32,
        ..Iocb::ZERO
    }
}

/// What a completion of this request will carry.
pub(crate) fn user_data(request: &Request) -> u64 {
    &raw const *request as u64
}
