//! `io_submit`: admission, in the kernel's order of checks, and the choice of a lane.
//!
//! What a program can see of kernel AIO is decided here. Errors of a bad iocb come back from the
//! call, with everything before it submitted and nothing after it. Writes that may block, and
//! everything on files without a position, are done in the caller, in the order of the batch, as
//! kernel AIO does them; cached reads are answered in the caller too. The rest goes to the ring.

use super::abi::{self, FLAG_IOPRIO, FLAG_RESFD, IoEvent, Iocb};
use super::context::{Context, InUse};
use super::engine::MAX_TRANSFER;
use super::frame::{BATCH, Call, Signals, Thread};
use super::process::Process;
use super::request::{NOWAIT_ADDED, ORDERED, POLLED, RAW, Request, SOCKET, Segment, TRACKED, USER_NOWAIT, Work};
use super::seeded;
use crate::sys::file::{self, Status, Transfer};
use crate::sys::mem::{self, Plain};
use crate::sys::{Errno, Result, thread};
use core::sync::atomic::Ordering::Relaxed;

const RWF_HIPRI: u32 = 1;
const RWF_DSYNC: u32 = 2;
const RWF_NOWAIT: u32 = 8;
const RWF_APPEND: u32 = 0x10;
const RWF_NOAPPEND: u32 = 0x20;
/// Flags that every file takes.
const RWF_USUAL: u32 = RWF_HIPRI | RWF_DSYNC | 4 | RWF_APPEND;
/// Flags that every kernel with this library's ring features takes on a ring.
const RWF_PLAIN: u32 = RWF_DSYNC | 4 | RWF_NOWAIT | RWF_APPEND;

/// Open flags of descriptors that are not for plain buffered writes.
const NOT_PLAIN: i32 = libc::O_APPEND | libc::O_DIRECT | libc::O_PATH;
/// Requests that are handed over at once: each write is compared with all before it.
const MOST_QUEUED: u32 = 64;

/// The file system of process descriptors.
const PID_FS_MAGIC: i64 = 0x5049_4446;

/// The most entries of a vector, and how many of them lie on the stack.
const MAX_SEGMENTS: usize = 1024;
const FEW_SEGMENTS: usize = 8;

/// What is known of a file when a request for it is admitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// With a position, a size and a page cache.
    Seekable,
    Directory,
    /// A pipe or FIFO.
    Fifo,
    Socket,
    /// Character devices, eventfds and other files without a type.
    Other,
}

impl Kind {
    fn of(status: &Status) -> Self {
        match status.mode & libc::S_IFMT {
            libc::S_IFREG | libc::S_IFBLK => Self::Seekable,
            libc::S_IFDIR => Self::Directory,
            libc::S_IFIFO => Self::Fifo,
            libc::S_IFSOCK => Self::Socket,
            _ => Self::Other,
        }
    }
}

/// One call of `io_submit`.
struct Submission<'a> {
    process: &'static Process,
    context: &'a InUse<'a>,
    /// Requests for the ring, in order.
    first: Option<&'static Request>,
    last: Option<&'static Request>,
    /// Among them: writes that may come back, and reads that a write must not overtake.
    has_writes: bool,
    has_tracked: bool,
    /// And some that are for the library's thread alone.
    has_others: bool,
    /// How many they are.
    queued: u32,
    /// Events were published that nobody was woken for.
    unannounced: bool,
    /// Increments of one eventfd that are still to be made, where there is no record of the call.
    signals: Signals,
    /// The descriptor that this call found to be for buffered writes.
    writable: i32,
    /// The eventfd that was checked last, and whether a write to it may block.
    checked_resfd: i32,
    resfd_blocks: bool,
    /// The file of the last request, until this call may have changed one.
    known: Option<(i32, Status)>,
    /// What became of a first try of the present request, by what is remembered of its descriptor: an error.
    missed: Option<Errno>,
    /// What the next read has brought already, which is not all, or its error.
    early: Option<Result<usize>>,
    /// The call is for one request, which is known not to be one for [`read_remembered`].
    alone: bool,
}

/// `io_submit` on a context of ours; `early`: bytes that the first request has read already, or its error.
#[inline(never)]
pub(crate) fn submit(
    process: &'static Process,
    context: &InUse<'_>,
    nr: i64,
    iocbs: usize,
    early: Option<Result<usize>>,
) -> Result<usize> {
    if nr < 0 {
        return Err(Errno::EINVAL);
    }
    let mut submission = Submission {
        process,
        context,
        first: None,
        last: None,
        has_writes: false,
        has_tracked: false,
        has_others: false,
        queued: 0,
        unannounced: false,
        signals: Signals::default(),
        writable: -1,
        checked_resfd: -1,
        resfd_blocks: false,
        known: None,
        missed: None,
        early,
        alone: nr == 1,
    };
    let mut taken = 0;
    let mut refused = None;
    while (taken as i64) < nr {
        let left = (nr - taken as i64).min(BATCH as i64) as u32;
        if let Err(e) = submission.one(iocbs.wrapping_add(taken * size_of::<usize>()), left) {
            refused = Some(e);
            taken += usize::from(seeded("count"));
            break;
        }
        taken += 1;
        // A signal handler that interrupted this call may have ended the context, or have forked
        // and returned in the child, which has none.
        if context.is_dying() {
            break;
        }
    }
    submission.flush();
    submission.give_back();
    match refused {
        Some(e) if taken == 0 => Err(e),
        _ => Ok(taken),
    }
}

/// The commonest request in the fewest steps: a plain read of data that was cached a moment ago. `ALONE`:
/// it is all that the call is for.
///
/// `None`: it is another request. `Some(Ok(0))`: its event is kept. Otherwise the bytes that it brought,
/// which are not all, or its error.
#[inline(always)]
pub(crate) fn read_remembered<const ALONE: bool>(
    process: &Process,
    context: &InUse<'_>,
    slot: usize,
    left: u32,
) -> Option<Result<usize>> {
    let call = context.call()?;
    let pages = &process.pages;
    let address = pages.glance::<usize>(slot, false)?;
    let iocb = pages.glance::<Iocb>(address, true)?;
    let (fd, base, len) = (iocb.fildes as i32, iocb.buf as usize, iocb.nbytes);
    if iocb.opcode != abi::PREAD
        || iocb.rw_flags != 0
        || iocb.flags != 0
        || iocb.reserved != 0
        || iocb.offset < 0
        || len.wrapping_sub(1) >= MAX_TRANSFER
        || cfg!(feature = "faults")
        || !mem::user_range(base, len as usize)
        || !process.cached_pages.knows(fd, iocb.offset, len)
        || !process.cached.knows(fd)
    {
        return None;
    }
    if ALONE {
        context.ring.reserve(1).ok()?;
        call.hold_first(address as u64, iocb.data);
    } else if !call.hold(address as u64, iocb.data, -1) {
        context.ring.reserve(left).ok()?;
        call.has_taken(left);
        call.hold(address as u64, iocb.data, -1);
    }
    // Should it be gone from the cache by now, the read waits for it, as kernel AIO would.
    let read = file::read_at(fd, [base, len as usize], iocb.offset);
    if context.is_lost() {
        return Some(Ok(0));
    }
    if read != Ok(len as usize) {
        call.refuse();
        return (read != Ok(0)).then_some(read);
    }
    let _ = pages.write(address + abi::KEY_OFFSET, &[0u32]);
    if !call.keep(&iocb.event(address, read)) {
        call.publish(context);
    }
    Some(Ok(0))
}

/// A request on its way through admission.
struct Candidate {
    iocb: Iocb,
    address: usize,
    fd: i32,
    resfd: i32,
    ioprio: u16,
    status: Status,
    kind: Kind,
    /// The registered buffer that has to hold its memory.
    within: Option<u32>,
    /// Kernel AIO would take it: errors are the request's own.
    judged: bool,
}

impl Iocb {
    /// The event of the iocb at `address`.
    fn event(&self, address: usize, result: Result<usize>) -> IoEvent {
        IoEvent {
            data: self.data,
            obj: address as u64,
            res: result.map_or_else(|e| i64::from(e.negated()), |n| n as i64),
            res2: 0,
        }
    }
}

/// A transfer that names a registered buffer as the ordinary one that it is otherwise, and the buffer.
fn named_buffer(iocb: Iocb) -> Result<(Iocb, Option<u32>)> {
    let operation = iocb.opcode ^ abi::FIXED;
    if operation > 0xff {
        return Ok((iocb, None));
    }
    // Where a priority would be there is the buffer's number.
    let is_transfer = [abi::PREAD, abi::PWRITE, abi::PREADV, abi::PWRITEV].contains(&operation);
    if !is_transfer || iocb.flags & FLAG_IOPRIO != 0 {
        return Err(Errno::EINVAL);
    }
    let plain = Iocb {
        opcode: operation,
        reqprio: 0,
        ..iocb
    };
    Ok((plain, Some(u32::from(iocb.reqprio as u16))))
}

impl Candidate {
    fn event(&self, result: Result<usize>) -> IoEvent {
        self.iocb.event(self.address, result)
    }
}

/// The memory and the place of a transfer.
struct Place<'a> {
    segments: &'a mut [Segment],
    /// Bytes in all, clamped as the kernel does.
    len: u64,
    offset: u64,
    flags: u32,
}

impl Place<'_> {
    /// Leaves out bytes that have been moved.
    fn skip(&mut self, mut bytes: usize) {
        for [base, len] in self.segments.iter_mut() {
            let here = bytes.min(*len);
            *base += here;
            *len -= here;
            bytes -= here;
        }
    }
}

impl Submission<'_> {
    /// Submits the next of so many requests.
    #[inline(never)]
    fn one(&mut self, slot: usize, left: u32) -> Result<()> {
        if !self.alone && !self.has_writes {
            self.early = read_remembered::<false>(self.process, self.context, slot, left);
            if self.early == Some(Ok(0)) {
                self.early = None;
                self.unannounced = true;
                return Ok(());
            }
        }
        let pages = &self.process.pages;
        let address = pages.read::<usize>(slot)?;
        let iocb = pages.read::<Iocb>(address)?;
        if iocb.reserved != 0 || (iocb.nbytes as i64) < 0 {
            return Err(Errno::EINVAL);
        }
        let resfd = if iocb.flags & FLAG_RESFD != 0 {
            iocb.resfd as i32
        } else {
            -1
        };
        let call = self.context.call();
        match call {
            Some(call) => {
                if !call.hold(address as u64, iocb.data, resfd) {
                    call.has_taken(self.reserve(left)?);
                    call.hold(address as u64, iocb.data, resfd);
                }
            }
            None => {
                self.reserve(1)?;
            }
        }
        let admitted = self.admit(iocb, address);
        if admitted.is_err() && !seeded("leak") && !self.context.is_lost() {
            match call {
                Some(call) => call.refuse(),
                None => self.context.ring.unreserve(1),
            }
        }
        admitted
    }

    /// Takes slots for so many requests, or for one if there are not as many.
    fn reserve(&mut self, count: u32) -> Result<u32> {
        let ring = &self.context.ring;
        if ring.reserve(count).is_ok() {
            return Ok(count);
        }
        if ring.reserve(1).is_err() {
            // Abandoned calls may have left slots that nobody gives back.
            self.flush();
            self.context.recount();
            ring.reserve(1)?;
        }
        Ok(1)
    }

    /// Gives the slots back that are left.
    fn give_back(&self) {
        if let Some(call) = self.context.call() {
            call.give_back(self.context);
        }
    }

    fn admit(&mut self, iocb: Iocb, address: usize) -> Result<()> {
        if seeded("checks") && iocb.opcode > abi::PWRITEV {
            return Err(Errno::EINVAL);
        }
        let fd = iocb.fildes as i32;
        self.missed = None;
        let early = match self.early.take() {
            Some(Ok(n)) => Some((n, false)),
            Some(Err(e)) => self.miss(e),
            None => self.remembered_read(&iocb),
        };
        if let Some((n, true)) = early {
            let resfd = self.eventfd_of(&iocb)?;
            self.process.pages.write(address + abi::KEY_OFFSET, &[0u32])?;
            self.deliver(iocb.event(address, Ok(n)), resfd, self.context.call());
            return Ok(());
        }
        if let Some((result, resfd)) = self.remembered_write(&iocb, address) {
            self.known = None;
            self.deliver(iocb.event(address, result), resfd, self.context.call());
            return Ok(());
        }
        let status = match self.known {
            Some((known, status)) if known == fd => status,
            _ => file::status(fd)?,
        };
        let kind = Kind::of(&status);
        self.known = (kind == Kind::Seekable && !status.is_virtual).then_some((fd, status));
        let resfd = self.eventfd_of(&iocb)?;
        let (iocb, within) = named_buffer(iocb)?;
        let mut candidate = Candidate {
            iocb,
            address,
            fd,
            resfd,
            ioprio: 0,
            status,
            kind,
            within,
            judged: false,
        };
        if !seeded("key") {
            self.process.pages.write(address + abi::KEY_OFFSET, &[0u32])?;
        }
        if let (Some((n, false)), true) = (early, candidate.kind != Kind::Seekable) {
            // The number has come to mean a file that may not give these bytes twice.
            self.deliver(iocb.event(address, Ok(n)), resfd, self.context.call());
            return Ok(());
        }
        match iocb.opcode {
            abi::PREAD | abi::PREADV => self.transfer(&mut candidate, false),
            abi::PWRITE | abi::PWRITEV => self.transfer(&mut candidate, true),
            abi::FSYNC => self.sync(&candidate, Work::Sync),
            abi::FDSYNC => self.sync(&candidate, Work::DataSync),
            abi::POLL => self.poll(&candidate),
            abi::PREAD_SELECT => self.select(&candidate),
            _ => Err(Errno::EINVAL),
        }
    }

    /// A plain read of a descriptor that is remembered as one of a file with cached data, without a
    /// look at what it is now: the bytes that it brought, and whether those are all. A memory that
    /// is wrong does no harm: the read may wait for the disk, or is refused and decided anew.
    fn remembered_read(&mut self, iocb: &Iocb) -> Option<(usize, bool)> {
        let fd = iocb.fildes as i32;
        if iocb.opcode != abi::PREAD
            || iocb.rw_flags != 0
            || iocb.flags & FLAG_IOPRIO != 0
            || iocb.offset < 0
            || iocb.nbytes == 0
            || self.has_writes
            || !self.process.cached.knows(fd)
            || self.eventfd_of(iocb).is_err()
        {
            return None;
        }
        let mut room = [[0; 2]];
        let (segments, len) = self.memory(iocb, &mut room).ok()?;
        iocb.offset.checked_add_unsigned(len)?;
        let pages = &self.process.cached_pages;
        let n = match segments {
            // Should it be gone from the cache by now, the read waits for it, as kernel AIO would.
            &mut [memory] if pages.knows(fd, iocb.offset, len) => match file::read_at(fd, memory, iocb.offset) {
                Ok(n) => n,
                Err(e) => return self.miss(e),
            },
            _ => {
                let read = Transfer {
                    fd,
                    write: false,
                    iov: segments.as_ptr() as usize,
                    count: 1,
                    offset: iocb.offset,
                    flags: RWF_NOWAIT,
                };
                let n = match file::transfer(&read) {
                    Ok(n) => n,
                    Err(e) => return self.miss(e),
                };
                if n as u64 == len {
                    pages.learn(fd, iocb.offset, len);
                }
                n
            }
        };
        #[cfg(feature = "faults")]
        if n as u64 == len {
            super::faults::corrupt_if_due(segments);
        }
        (n > 0).then_some((n, n as u64 == len))
    }

    /// A first try was in vain. The whole look may find that the file would not be read or written at all;
    /// if it is, this is what it said: to ask it again could take as long, or hide an error that it has only once.
    #[cold]
    fn miss(&mut self, error: Errno) -> Option<(usize, bool)> {
        self.process.cached_pages.forget();
        self.missed = Some(error);
        None
    }

    /// A plain write to a descriptor that is remembered as one for buffered writes, and whose flags
    /// say so still: what became of it, and its eventfd. `None` where all has to be looked at, and nothing was written.
    fn remembered_write(&mut self, iocb: &Iocb, address: usize) -> Option<(Result<usize>, i32)> {
        let fd = iocb.fildes as i32;
        if iocb.opcode != abi::PWRITE
            || iocb.rw_flags != 0
            || iocb.flags & FLAG_IOPRIO != 0
            || iocb.offset < 0
            || iocb.nbytes == 0
            || self.process.config.async_writes()
            || !self.process.written.knows(fd)
        {
            return None;
        }
        self.flush();
        if !self.process.reads.is_empty() {
            return None;
        }
        if self.writable != fd {
            if file::flags(fd).ok()? & NOT_PLAIN != 0 {
                self.process.written.forget(fd);
                return None;
            }
            self.writable = fd;
        }
        let resfd = self.eventfd_of(iocb).ok()?;
        let mut room = [[0; 2]];
        let (segments, len) = self.memory(iocb, &mut room).ok()?;
        iocb.offset.checked_add_unsigned(len)?;
        self.process.pages.write(address + abi::KEY_OFFSET, &[0u32]).ok()?;
        // Files that kernel AIO would refuse refuse any flag, and this one changes nothing for a file
        // that is not appended to.
        let result = file::transfer(&Transfer {
            fd,
            write: true,
            iov: segments.as_ptr() as usize,
            count: 1,
            offset: iocb.offset,
            flags: RWF_NOAPPEND,
        });
        if let Err(e) = result {
            // Should a handler for SIGXFSZ have made it another file.
            self.writable = -1;
            if matches!(
                e,
                Errno::EBADF | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EPERM | Errno::ESPIPE
            ) {
                // That is for the whole look, or the kernel does not know the flag (Linux 6.9).
                self.process.written.forget(fd);
                if e == Errno::EOPNOTSUPP {
                    self.process.written.give_up();
                } else {
                    self.missed = Some(e);
                }
                return None;
            }
        }
        Some((result, resfd))
    }

    fn eventfd_of(&mut self, iocb: &Iocb) -> Result<i32> {
        if iocb.flags & FLAG_RESFD == 0 {
            return Ok(-1);
        }
        let fd = iocb.resfd as i32;
        if fd != self.checked_resfd || fd < 0 {
            file::expect_eventfd(fd)?;
            self.checked_resfd = fd;
            self.resfd_blocks = file::flags(fd)? & libc::O_NONBLOCK == 0;
        }
        Ok(fd)
    }

    /// The priority for the ring: 0 unless the iocb names one.
    fn priority(iocb: &Iocb) -> Result<u16> {
        if iocb.flags & FLAG_IOPRIO == 0 || seeded("priority") {
            return Ok(0);
        }
        const CAP_SYS_NICE: u32 = 23;
        const CAP_SYS_ADMIN: u32 = 21;
        let priority = iocb.reqprio as u16;
        let level = priority & 7;
        match priority >> 13 {
            0 if level != 0 => Err(Errno::EINVAL),
            1 if !thread::capable(CAP_SYS_ADMIN) && !thread::capable(CAP_SYS_NICE) => Err(Errno::EPERM),
            0..=3 => Ok(priority),
            _ => Err(Errno::EINVAL),
        }
    }

    fn transfer(&mut self, c: &mut Candidate, write: bool) -> Result<()> {
        let iocb = &c.iocb;
        let flags = iocb.rw_flags & !RWF_HIPRI;
        let in_doubt = flags & !RWF_USUAL != 0
            || match c.kind {
                Kind::Seekable => c.status.is_virtual,
                kind => kind == Kind::Other,
            };
        if in_doubt && let Some(verdict) = self.process.judge.ask(iocb, write) {
            verdict?;
            c.judged = true;
        }
        c.ioprio = Self::priority(iocb)?;
        if flags & RWF_APPEND != 0 && flags & RWF_NOAPPEND != 0 {
            return Err(Errno::EINVAL);
        }
        let refused = if write { libc::O_RDONLY } else { libc::O_WRONLY };
        if c.status.flags & libc::O_ACCMODE == refused {
            return Err(Errno::EBADF);
        }
        if c.kind == Kind::Directory {
            return Err(Errno::EINVAL);
        }
        if matches!(iocb.opcode, abi::PREADV | abi::PWRITEV) {
            self.transfer_vectored(c, flags, write)
        } else {
            let mut one = [[0; 2]];
            self.transfer_checked(c, flags, write, &mut one)
        }
    }

    /// Apart, so that the common case does not clear room for a vector.
    #[inline(never)]
    fn transfer_vectored(&mut self, c: &Candidate, flags: u32, write: bool) -> Result<()> {
        let count = c.iocb.nbytes as u32 as usize;
        if count <= FEW_SEGMENTS {
            return self.transfer_checked(c, flags, write, &mut [[0; 2]; FEW_SEGMENTS]);
        }
        // A longer vector is not for the stack, which a signal handler may have little of.
        let room = self.process.pool.take().ok();
        let vector = room.and_then(|room| room.scratch(count.min(MAX_SEGMENTS)).ok());
        let result = match vector {
            Some(vector) => self.transfer_checked(c, flags, write, vector),
            None => self.transfer_on_stack(c, flags, write),
        };
        if let Some(room) = room {
            room.state.store(0, Relaxed);
            self.process.release(room);
        }
        result
    }

    #[inline(never)]
    fn transfer_on_stack(&mut self, c: &Candidate, flags: u32, write: bool) -> Result<()> {
        self.transfer_checked(c, flags, write, &mut [[0; 2]; MAX_SEGMENTS])
    }

    fn transfer_checked(&mut self, c: &Candidate, flags: u32, write: bool, room: &mut [Segment]) -> Result<()> {
        let iocb = &c.iocb;
        let (segments, len) = self.memory(iocb, room)?;
        let holds = |buffer| self.context.buffers().is_some_and(|t| t.holds(buffer, segments));
        if !c.within.is_none_or(holds) {
            return Err(Errno::EFAULT);
        }
        if (iocb.offset < 0 && !seeded("offset")) || iocb.offset.checked_add_unsigned(len).is_none() {
            return Err(Errno::EINVAL);
        }
        let mut place = Place {
            segments,
            len,
            offset: iocb.offset as u64,
            flags,
        };
        match (c.kind, write) {
            (Kind::Seekable, false) => self.read(c, &place),
            (Kind::Seekable, true) => self.write(c, &place),
            _ => self.stream(c, &mut place, write),
        }
    }

    /// The vector of a request, checked as the kernel checks it, and its length.
    fn memory<'v>(&self, iocb: &Iocb, vector: &'v mut [Segment]) -> Result<(&'v mut [Segment], u64)> {
        let vectored = matches!(iocb.opcode, abi::PREADV | abi::PWRITEV);
        // The kernel counts segments in 32 bits.
        let count = if vectored { iocb.nbytes as u32 as usize } else { 1 };
        let count = if seeded("tail") && count > 1 { count - 1 } else { count };
        if count > MAX_SEGMENTS {
            return Err(if seeded("vector") { Errno::EFAULT } else { Errno::EINVAL });
        }
        let segments = vector.get_mut(..count).ok_or(Errno::EINVAL)?;
        for (index, segment) in segments.iter_mut().enumerate() {
            *segment = if vectored {
                self.process
                    .pages
                    .read((iocb.buf as usize).wrapping_add(index * size_of::<Segment>()))?
            } else {
                [iocb.buf as usize, (iocb.nbytes).min(MAX_TRANSFER) as usize]
            };
            if (segment[1] as isize) < 0 {
                return Err(Errno::EINVAL);
            }
        }
        let mut total = 0;
        for segment in segments.iter_mut() {
            let [base, len] = *segment;
            let kept = (len as u64).min(MAX_TRANSFER - total);
            *segment = [base, kept as usize];
            // Where there is but one, the kernel looks at what is left of it.
            let looked_at = if count == 1 { kept as usize } else { len };
            if !mem::user_range(base, looked_at) {
                return Err(Errno::EFAULT);
            }
            total += kept;
        }
        Ok((segments, total))
    }

    /// A read of a file or block device.
    fn read(&mut self, c: &Candidate, place: &Place<'_>) -> Result<()> {
        let direct = c.status.flags & libc::O_DIRECT != 0;
        if place.flags & !RWF_PLAIN != 0 {
            return self.in_caller(c, place, false);
        }
        self.settle_overlap(c, place);
        if direct {
            self.process.cached.forget(c.fd);
            return self.on_ring(c, place, Work::Read, 0);
        }
        self.process.cached.learn(c.fd);
        // Cached data is answered at once. What is missing, if only a part, goes to the ring.
        let result = match self.missed {
            Some(e) => Err(e),
            None => self.attempt(c, place, false, place.offset as i64, RWF_NOWAIT),
        };
        match result {
            Ok(n) if n as u64 == place.len || n as u64 + place.offset >= c.status.size && c.is_regular() => {
                self.answer(c, Ok(n), place);
                Ok(())
            }
            Ok(_) if seeded("partial") => {
                self.answer(c, Ok(place.len as usize), place);
                Ok(())
            }
            Ok(n) => {
                self.process.cached_pages.forget();
                self.on_ring(c, place, Work::Read, n)
            }
            Err(Errno::EAGAIN) if place.flags & RWF_NOWAIT == 0 => {
                self.process.cached_pages.forget();
                self.on_ring(c, place, Work::Read, 0)
            }
            // Not every file system knows the flag.
            Err(Errno::EOPNOTSUPP) if place.flags & RWF_NOWAIT == 0 => self.in_caller(c, place, false),
            Err(e) => {
                self.answer(c, Err(e), place);
                Ok(())
            }
        }
    }

    /// A write to a file or block device.
    fn write(&mut self, c: &Candidate, place: &Place<'_>) -> Result<()> {
        let append = c.status.flags & libc::O_APPEND != 0 || place.flags & RWF_APPEND != 0;
        let direct = c.status.flags & libc::O_DIRECT != 0;
        let grows = c.is_regular() && place.offset + place.len > c.status.size;
        let on_ring = !append && place.flags & !RWF_PLAIN == 0;
        if on_ring && place.len > 0 && self.process.config.async_writes() {
            return self.on_ring(c, place, Work::Write, 0);
        }
        if !direct || grows || !on_ring {
            self.flush();
            // An append goes to the end of the file, whatever place it names; and what was behind the end
            // when a read began stays so for it.
            let (from, len) = match (append, grows) {
                (true, _) => (c.status.size, u64::MAX),
                (_, true) => (c.status.size.min(place.offset), u64::MAX),
                _ => (place.offset, place.len),
            };
            self.await_reads(c, from, len);
            if !direct && on_ring && !c.status.is_virtual {
                self.process.written.learn(c.fd);
                if let Some(e) = self.missed {
                    return self.decide(c, place, Err(e));
                }
            }
            if seeded("append") && append {
                let result = self.attempt(c, place, true, place.offset as i64, RWF_NOAPPEND);
                return self.decide(c, place, result);
            }
            return self.in_caller(c, place, true);
        }
        if self.has_tracked {
            self.flush();
        }
        self.await_reads(c, place.offset, place.len);
        self.settle_overlap(c, place);
        self.on_ring(c, place, Work::Write, 0)
    }

    fn await_reads(&self, c: &Candidate, from: u64, len: u64) {
        self.process.reads.wait(&self.process.engine, c.status.id, from, len);
    }

    /// A transfer on a file without a position: in the caller, in order, blocking if it blocks.
    fn stream(&mut self, c: &Candidate, place: &mut Place<'_>, write: bool) -> Result<()> {
        self.flush();
        // It may take long, and the descriptors may be others' then.
        (self.writable, self.checked_resfd) = (-1, -1);
        self.give_back();
        let mut offset = match c.kind {
            Kind::Fifo => -1,
            Kind::Socket if place.offset != 0 => {
                self.answer(c, Err(Errno::ESPIPE), place);
                return Ok(());
            }
            Kind::Socket => -1,
            _ => place.offset as i64,
        };
        if c.status.flags & libc::O_NONBLOCK != 0 || place.flags & RWF_NOWAIT != 0 {
            let mut result = self.attempt(c, place, write, offset, 0);
            if result == Err(Errno::ESPIPE) {
                result = self.attempt(c, place, write, -1, 0);
            }
            return self.decide(c, place, result);
        }
        // A blocking call that a signal handler with SA_RESTART interrupts starts again. Kernel
        // AIO answers EINTR, so the blocking is done by a call that is never restarted.
        let mut moved = 0;
        let enough = match c.kind {
            _ if write => place.len,
            Kind::Socket => place.len.min(file::low_water(c.fd)),
            _ => 1,
        };
        let result = loop {
            match self.attempt(c, place, write, offset, RWF_NOWAIT) {
                Ok(n) => {
                    moved += n;
                    if n == 0 || moved as u64 >= enough {
                        break Ok(moved);
                    }
                    place.skip(n);
                }
                Err(Errno::ESPIPE) if offset >= 0 => offset = -1,
                // With a limit of time the call itself is never restarted.
                Err(Errno::EAGAIN) if c.kind == Kind::Socket && file::has_time_limit(c.fd, write) => {
                    break self.attempt(c, place, write, offset, 0);
                }
                Err(Errno::EAGAIN) => {
                    if let Err(e) = file::await_ready(c.fd, write) {
                        break Err(e);
                    }
                }
                Err(Errno::EOPNOTSUPP) => {
                    break match file::await_ready(c.fd, write) {
                        Ok(()) => self.attempt(c, place, write, offset, 0),
                        Err(e) => Err(e),
                    };
                }
                Err(e) => break Err(e),
            }
        };
        let result = if moved > 0 { Ok(moved) } else { result };
        self.decide(c, place, result)
    }

    /// A transfer in the caller, at its place.
    fn in_caller(&mut self, c: &Candidate, place: &Place<'_>, write: bool) -> Result<()> {
        // It may take long.
        self.announce();
        let result = self.attempt(c, place, write, place.offset as i64, 0);
        self.decide(c, place, result)
    }

    fn attempt(&self, c: &Candidate, place: &Place<'_>, write: bool, offset: i64, flags: u32) -> Result<usize> {
        if place.len == 0 {
            let buffered = c.kind == Kind::Seekable && c.status.flags & libc::O_DIRECT == 0;
            if write && buffered && place.flags & RWF_NOWAIT != 0 {
                file::writes_at_once(c.fd)?;
            }
            return file::transfer_nothing(c.fd, write, offset, place.flags | flags);
        }
        file::transfer(&Transfer {
            fd: c.fd,
            write,
            iov: place.segments.as_ptr() as usize,
            count: place.segments.len(),
            offset,
            flags: place.flags | flags,
        })
    }

    /// Tells an error of admission from one of the request.
    fn decide(&mut self, c: &Candidate, place: &Place<'_>, result: Result<usize>) -> Result<()> {
        match result {
            // Unless it is the file system that says so.
            Err(Errno::EBADF) if file::flags(c.fd).is_err() => return Err(Errno::EBADF),
            Err(Errno::EOPNOTSUPP) if !c.judged && place.flags & !RWF_USUAL != 0 => {
                return Err(Errno::EOPNOTSUPP);
            }
            _ => {}
        }
        self.answer(c, result, place);
        Ok(())
    }

    /// Publishes the event of a request that was done here.
    fn answer(&mut self, c: &Candidate, result: Result<usize>, _place: &Place<'_>) {
        #[cfg(feature = "faults")]
        if matches!(c.iocb.opcode, abi::PREAD | abi::PREADV) && result.is_ok_and(|n| n > 0) {
            super::faults::corrupt_if_due(_place.segments);
        }
        self.deliver(c.event(result), c.resfd, self.context.call());
    }

    #[inline]
    fn deliver(&mut self, event: IoEvent, resfd: i32, call: Option<&Call>) {
        if self.context.is_lost() {
            return;
        }
        if resfd >= 0 {
            if self.signals().differ(resfd) {
                self.publish();
                self.signals().send(self.process, None);
            }
            let signals = self.signals();
            signals.add(resfd, if seeded("twice") { 2 } else { 1 }, call.is_some());
        }
        self.unannounced = true;
        let Some(call) = call else {
            return self.context.publish(event);
        };
        #[cfg(feature = "faults")]
        let event = match super::faults::at_event(event) {
            super::faults::Delivery::Once(event) => event,
            super::faults::Delivery::Never => return call.refuse(),
            super::faults::Delivery::Twice(event) => {
                self.context.ring.write().publish_unasked(event);
                event
            }
        };
        if !call.keep(&event) {
            self.publish();
        }
    }

    /// Adds the events that are kept to the ring.
    fn publish(&self) {
        if let Some(call) = self.context.call() {
            call.publish(self.context);
        }
    }

    fn signals(&self) -> &Signals {
        self.context.call().map_or(&self.signals, |call| &call.signals)
    }

    fn sync(&mut self, c: &Candidate, work: Work) -> Result<()> {
        let iocb = &c.iocb;
        if iocb.buf != 0 || iocb.nbytes != 0 || iocb.offset != 0 || iocb.rw_flags != 0 {
            return Err(Errno::EINVAL);
        }
        if !matches!(c.kind, Kind::Seekable | Kind::Directory) {
            return Err(Errno::EINVAL);
        }
        if c.status.is_virtual && !file::has_room(c.fd) {
            // Some file systems of the kernel's own cannot be synced, with the others it takes no time.
            return self.sync_here(c, work);
        }
        if self.has_writes {
            // Those that come back from the ring are to be in the file first.
            self.flush();
        }
        let Ok(request) = self.request(c, work) else {
            return self.sync_here(c, work);
        };
        request.set_file(c.status.id);
        self.has_others = true;
        self.append(request);
        Ok(())
    }

    fn sync_here(&mut self, c: &Candidate, work: Work) -> Result<()> {
        self.flush();
        match file::sync(c.fd, work == Work::DataSync) {
            Err(Errno::EINVAL) => Err(Errno::EINVAL),
            result => {
                self.deliver(c.event(result), c.resfd, self.context.call());
                Ok(())
            }
        }
    }

    fn poll(&mut self, c: &Candidate) -> Result<()> {
        let iocb = &c.iocb;
        if iocb.buf > u16::MAX.into() || iocb.nbytes != 0 || iocb.offset != 0 || iocb.rw_flags != 0 {
            return Err(Errno::EINVAL);
        }
        let asked = iocb.buf as u16;
        let revents = file::poll_now(c.fd, asked as i16)? as u16;
        if revents != 0 {
            self.deliver(c.event(Ok(revents.into())), c.resfd, self.context.call());
            return Ok(());
        }
        // Kernel AIO can follow one wait queue: files without one are refused, and terminals and
        // two-way FIFOs, which have two.
        let followed = match c.kind {
            Kind::Fifo => c.status.flags & libc::O_ACCMODE != libc::O_RDWR,
            Kind::Socket => true,
            _ if c.status.is_virtual => self.process.judge.ask_poll(c.fd),
            _ => file::can_wait(c.fd) && !file::is_terminal(c.fd),
        };
        if !followed {
            return Err(Errno::EINVAL);
        }
        let request = self.request(c, Work::Poll)?;
        request.events.store(asked.into(), Relaxed);
        request.set_file(c.status.id);
        match c.kind {
            Kind::Socket => request.mark(SOCKET),
            Kind::Fifo => request.mark(RAW),
            _ if file::filesystem(c.fd) == PID_FS_MAGIC => request.mark(RAW),
            _ => {}
        }
        self.has_others = true;
        self.append(request);
        Ok(())
    }

    /// A read that takes its buffer from the ring of the context, and waits in the kernel for data.
    #[inline(never)]
    fn select(&mut self, c: &Candidate) -> Result<()> {
        let iocb = &c.iocb;
        let buffers = &self.context.provided;
        let engine = &self.process.engine;
        if !buffers.are_bound()
            || c.kind == Kind::Directory
            || iocb.buf != 0
            || iocb.rw_flags != 0
            || iocb.offset < 0
            || iocb.flags & FLAG_IOPRIO != 0
        {
            return Err(Errno::EINVAL);
        }
        if engine.carrier.is_open() || !engine.sees_descriptors() {
            return Err(Errno::EOPNOTSUPP);
        }
        if c.status.flags & libc::O_ACCMODE == libc::O_WRONLY {
            return Err(Errno::EBADF);
        }
        // What cannot wait takes all that it asks for out of a buffer, before it is known how much there is.
        if buffers.are_incremental() && (c.kind == Kind::Seekable || c.kind == Kind::Other && !file::can_wait(c.fd)) {
            return Err(Errno::EINVAL);
        }
        if self.has_writes {
            // Those that come back from the ring are to be in the file first.
            self.flush();
        }
        let request = self.request(c, Work::Select)?;
        request.len.store(c.iocb.nbytes.min(MAX_TRANSFER), Relaxed);
        request.set_file(c.status.id);
        let (offset, state) = match c.kind {
            // The kernel does not look for a buffer before there is data.
            Kind::Socket => (0, ORDERED | SOCKET | POLLED),
            Kind::Fifo => (-1, ORDERED),
            Kind::Seekable => (c.iocb.offset, POLLED),
            _ => (c.iocb.offset, 0),
        };
        request.offset.store(offset as u64, Relaxed);
        request.mark(state);
        self.has_others = true;
        self.append(request);
        Ok(())
    }

    fn request(&self, c: &Candidate, work: Work) -> Result<&'static Request> {
        let request = self.process.pool.take()?;
        let context: &'static Context = self.context;
        request.begin(context, work, c.fd, c.address as u64, c.iocb.data);
        request.resfd.store(c.resfd, Relaxed);
        if c.resfd >= 0 && self.resfd_blocks {
            self.process.blocking_signal(request);
        }
        request.ioprio.store(c.ioprio.into(), Relaxed);
        Ok(request)
    }

    fn request_for(&self, c: &Candidate, place: &Place<'_>, work: Work, done: usize) -> Option<&'static Request> {
        let request = self.request(c, work).ok()?;
        if request.set_memory(place.segments, done).is_err() {
            self.process.release(request);
            return None;
        }
        Some(request)
    }

    /// Puts a transfer into the batch for the ring; `done` bytes of it are done already.
    fn on_ring(&mut self, c: &Candidate, place: &Place<'_>, work: Work, done: usize) -> Result<()> {
        let Some(request) = self.request_for(c, place, work, done) else {
            // No memory, which kernel AIO would not need: all of it is done here.
            self.flush();
            return self.in_caller(c, place, work == Work::Write);
        };
        request.rw_flags.store(place.flags, Relaxed);
        request.offset.store(place.offset + done as u64, Relaxed);
        request.len.store(place.len - done as u64, Relaxed);
        request.done.store(done as u64, Relaxed);
        if let Some(table) = self.context.buffers() {
            self.process.buffers.look_up(table, request);
        }
        request.set_file(c.status.id);
        request.events.store(c.status.flags as u32, Relaxed);
        self.has_others |= c.resfd >= 0 || c.status.flags & libc::O_DIRECT == 0;
        if place.flags & RWF_NOWAIT != 0 {
            request.mark(USER_NOWAIT);
        }
        if work == Work::Write {
            if place.flags & RWF_NOWAIT == 0 && !self.process.config.async_writes() {
                request.mark(NOWAIT_ADDED);
            }
            self.has_writes = true;
        } else if c.status.flags & libc::O_DIRECT == 0 {
            request.mark(TRACKED);
            self.has_tracked = true;
        }
        self.append(request);
        Ok(())
    }

    fn append(&mut self, request: &'static Request) {
        let call = self.context.call();
        if let Some(call) = call {
            call.joining.set(Some(request));
        }
        match self.last {
            Some(last) => last.chain.set(Some(request)),
            None => {
                self.first = Some(request);
                if let Some(call) = call {
                    call.chain.set(self.first);
                }
            }
        }
        // The slot is the request's now.
        if let Some(call) = call {
            call.let_go();
        }
        self.last = Some(request);
        self.queued += 1;
        if self.queued == MOST_QUEUED {
            self.flush();
        }
    }

    /// A write of this batch may come back to be done here. What overlaps it must not be in the
    /// kernel before that.
    fn settle_overlap(&mut self, c: &Candidate, place: &Place<'_>) {
        let mut at = if self.has_writes { self.first } else { None };
        while let Some(request) = at {
            if request.work() == Work::Write && request.overlaps(c.status.id, place.offset, place.len) {
                return self.flush();
            }
            at = request.chain.get();
        }
    }

    /// Tells of the events that were published: eventfds first, then those who sleep.
    fn announce(&mut self) {
        self.publish();
        // Unless a wait was in between, they are for the one that was looked at last.
        let signals = self.signals();
        let blocks = (!signals.differ(self.checked_resfd)).then_some(self.resfd_blocks);
        signals.send(self.process, blocks);
        self.unannounced |= self.context.deliver_late();
        if self.unannounced {
            self.unannounced = false;
            self.context.notify();
        }
    }

    /// Makes everything so far true: events announced, requests in the kernel, writes that came
    /// back done.
    fn flush(&mut self) {
        self.known = None;
        self.announce();
        let Some(chain) = self.first.take() else {
            return;
        };
        self.last = None;
        self.queued = 0;
        self.has_writes = false;
        self.has_tracked = false;
        let has_others = core::mem::take(&mut self.has_others);
        // No handler may come in between: it could jump away from what the library's thread uses.
        let _quiet = match self.context.thread().and_then(Thread::lane) {
            Some(_) => thread::quiet_but_traps(),
            None => thread::quiet(),
        };
        if self.context.is_lost() {
            return;
        }
        if let Some(call) = self.context.call() {
            call.chain.set(None);
        }
        let chain = match self.context.own_lane(self.process) {
            Some(lane) if !has_others && !self.context.is_dying() => {
                let outcome = lane.submit(self.process, chain);
                self.redo_all(outcome.redo);
                match outcome.rest {
                    Some(rest) => rest,
                    None => return self.announce(),
                }
            }
            _ => chain,
        };
        let engine = &self.process.engine;
        let guest = !engine.sees_descriptors();
        if !guest && self.context.thread().is_some_and(Thread::hands_over) {
            engine.follow_class();
        }
        let mut back = if guest || self.context.is_dying() {
            Some(chain)
        } else {
            engine.submit(chain)
        };
        while let Some(request) = back {
            back = request.chain.get();
            if guest && request.work() == Work::Poll {
                // It cannot be done here: the descriptor has to be one that both have.
                request.chain.set(None);
                if engine.submit(request).is_none() {
                    continue;
                }
            }
            self.redo(request);
        }
        self.announce();
    }

    fn redo_all(&mut self, chain: Option<&'static Request>) {
        let mut at = chain;
        while let Some(request) = at {
            at = request.chain.get();
            self.redo(request);
        }
    }

    /// A request that the ring did not take: a direct write that the kernel would not start
    /// without blocking, or one for which there was no file slot. Done here and now.
    fn redo(&mut self, request: &'static Request) {
        let result = if request.is_asked() {
            // Another thread has taken it back meanwhile.
            Err(Errno::ECANCELED)
        } else if seeded("redo") {
            Ok(request.len.load(Relaxed) as usize)
        } else {
            request.perform()
        };
        let result = result.map(|n| n + request.done.load(Relaxed) as usize);
        let result = result.map_or_else(|e| i64::from(e.negated()), |n| n as i64);
        request.result.store(result, Relaxed);
        self.deliver(request.event(), request.resfd.load(Relaxed), None);
        self.process.release(request);
    }
}

impl Candidate {
    fn is_regular(&self) -> bool {
        self.status.mode & libc::S_IFMT == libc::S_IFREG
    }
}

impl Plain for Iocb {
    const ZERO: Self = Self {
        data: 0,
        key: 0,
        rw_flags: 0,
        opcode: 0,
        reqprio: 0,
        fildes: 0,
        buf: 0,
        nbytes: 0,
        offset: 0,
        reserved: 0,
        flags: 0,
        resfd: 0,
    };
}
