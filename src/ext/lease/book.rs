//! What a pool knows of its leases, and what becomes of them: all that happens between two calls of the kernel.
//!
//! A record is found by the user data of its requests, which is its address and, in the low bits, a count of how often it
//! has been used: a completion that is shown twice is noticed.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::{Event, Request};
use crate::sys::{Errno, Result};
use crate::uring::{
    Cqe, IORING_CQE_F_MORE, IORING_CQE_F_NOTIF, IORING_OP_ASYNC_CANCEL, IORING_OP_NOP, IORING_OP_READ,
    IORING_OP_READ_FIXED, IORING_OP_RECV, IORING_OP_SEND, IORING_OP_SEND_ZC, IORING_OP_WRITE, IORING_OP_WRITE_FIXED,
    IORING_RECVSEND_FIXED_BUF, IOSQE_ASYNC, IOSQE_CQE_SKIP_SUCCESS, IOSQE_FIXED_FILE, IOSQE_IO_HARDLINK, IOSQE_IO_LINK,
    Ring, Sqe,
};

/// Flags of a pool.
pub(super) const POOL_TABLE: u32 = 1 << 0;
pub(super) const POOL_TAGS: u32 = 1 << 1;
pub(super) const POOL_PLAIN: u32 = 1 << 2;
pub(super) const POOL_IMPORT: u32 = 1 << 3;

/// Flags of a lease.
const HOLD: u32 = 1 << 0;
const SINK: u32 = 1 << 1;

/// Flags of a request.
const FIXED_FILE: u32 = 1 << 0;
const WHOLE: u32 = 1 << 1;
const REPORT: u32 = 1 << 2;
const COPY: u32 = 1 << 3;
const ASYNC: u32 = 1 << 4;
const REQUEST_FLAGS: u32 = FIXED_FILE | WHOLE | REPORT | COPY | ASYNC;

/// What an event tells of.
const EVENT_DONE: i32 = 1;
const EVENT_FILLED: i32 = 2;
const EVENT_USED: i32 = 3;
const EVENT_OTHER: i32 = 4;

/// No record.
const NONE: u32 = u32::MAX;
/// In the queue of events: a lease, and not a request.
const A_LEASE: u32 = 1 << 31;
/// The size of every record, and of the counts that user data has in its low bits.
pub(super) const RECORD: usize = 64;
const COUNT: u32 = RECORD as u32 - 1;

/// What a request does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
enum Kind {
    #[default]
    Read,
    Write,
    Recv,
    Send,
    /// The program's own way to fill a buffer.
    Command,
    /// And to give it back.
    Release,
}

impl Kind {
    fn of(number: i32) -> Result<Self> {
        match number {
            1 => Ok(Self::Read),
            2 => Ok(Self::Write),
            3 => Ok(Self::Recv),
            4 => Ok(Self::Send),
            5 => Ok(Self::Command),
            _ => Err(Errno::EINVAL),
        }
    }

    fn is_transfer(self) -> bool {
        !matches!(self, Self::Command | Self::Release)
    }
}

/// Where a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
enum Stage {
    #[default]
    Free,
    /// To be started when the buffer is filled.
    Planned,
    /// To be queued when the ring has room.
    Waiting,
    /// In the ring, or with the kernel.
    Flying,
    /// It has its result; the kernel may still read the buffer.
    Landed,
}

/// A request. The first ones are the primaries, one for each lease; the others are secondaries.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Op {
    offset: u64,
    data: u64,
    fd: i32,
    rw_flags: i32,
    from: u32,
    len: u32,
    done: u32,
    res: i32,
    /// In the one list that it is in: of the free, of the waiting, of events.
    next: u32,
    /// The other secondaries of its lease.
    before: u32,
    after: u32,
    /// Notifications that are to come.
    notifications: u16,
    lease: u16,
    flags: u8,
    count: u8,
    /// The first count of this use that something may still come for.
    since: u8,
    kind: Kind,
    stage: Stage,
    cancel_sent: bool,
}

impl Op {
    /// Whether a completion with this count in its user data is to come. A notification is of any piece so far.
    fn expects(&self, count: u32, is_notification: bool) -> bool {
        let age = self.age();
        let then = count.wrapping_sub(self.since.into()) & COUNT;
        then == age || is_notification && then < age
    }

    /// By how much the count has grown since notifications to come began.
    fn age(&self) -> u32 {
        u32::from(self.count.wrapping_sub(self.since)) & COUNT
    }
}

/// What a lease is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
enum State {
    #[default]
    Free,
    /// Nothing was started.
    Open,
    /// Its primary is under way.
    Filling,
    /// Its buffer may be used.
    Filled,
    /// All its requests are done; the kernel is asked to let go of the buffer.
    Ending,
    /// The program has only to be told.
    Done,
}

/// A lease, and the buffer that it is of.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Lease {
    data: u64,
    /// Where the buffer begins, as the kernel counts.
    base: u64,
    generation: u32,
    /// The first of its secondaries that are not done, and how many these are.
    first: u32,
    pending: u32,
    filled: u32,
    res: i32,
    failed: u32,
    error: i32,
    /// In the list of the free, or of events.
    next: u32,
    flags: u8,
    count: u8,
    state: State,
    finished: bool,
    cancelled: bool,
    /// Requests are to be cancelled that the ring had no room for.
    cancelling: bool,
    queued: bool,
    tells_filled: bool,
    /// There is a request that gives the buffer back.
    releases: bool,
}

const _: () = assert!(size_of::<Op>() == RECORD && size_of::<Lease>() == RECORD);

/// A list by the numbers of its members, in order.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

impl List {
    const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };
}

/// What changes in a pool, beside its records.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) flags: u32,
    pub(super) size: u32,
    pub(super) first_slot: u32,
    /// From one buffer to the next.
    pub(super) stride: usize,
    pub(super) memory: *mut u8,
    /// Tells pools of a process apart.
    number: u16,
    pub(super) sends_zc: bool,
    pub(super) stopping: bool,
    free_leases: List,
    free_ops: List,
    waiting: List,
    events: List,
    /// Leases that are neither free nor done.
    pub(super) busy: u32,
    /// Requests of the pool's own whose completions are to come.
    pub(super) errands: u32,
    /// Leases with [`Lease::cancelling`].
    cancelling: u32,
    /// Requests with the kernel that name memory by its address.
    pub(super) by_address: u32,
    /// Threads that sleep in the ring.
    pub(super) sleepers: u32,
}

impl Head {
    pub(super) fn new(flags: u32, size: u32, first_slot: u32, stride: usize, memory: *mut u8) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        Self {
            flags,
            size,
            first_slot,
            stride,
            memory,
            number: NUMBER.fetch_add(1, Relaxed) as u16,
            sends_zc: false,
            stopping: false,
            free_leases: List::EMPTY,
            free_ops: List::EMPTY,
            waiting: List::EMPTY,
            events: List::EMPTY,
            busy: 0,
            errands: 0,
            cancelling: 0,
            by_address: 0,
            sleepers: 0,
        }
    }
}

/// What lets go of a buffer by itself, or registers it: the pool's part of what a lease needs.
pub(super) trait Slots {
    /// Registers the buffer at `at` as `slot`, to be told by `tag` when the kernel has let go of it.
    fn register(&self, ring: &Ring, slot: u32, at: *mut u8, len: u32, tag: u64) -> Result<()>;
    /// Empties `slot`.
    fn clear(&self, ring: &Ring, slot: u32) -> Result<()>;
}

/// A pool, while one thread has it.
pub(super) struct Book<'a> {
    pub(super) head: &'a mut Head,
    pub(super) leases: &'a mut [Lease],
    pub(super) ops: &'a mut [Op],
    /// For each lease the request that fills it and the one that gives it back; none in most pools.
    pub(super) commands: &'a mut [[Sqe; 2]],
    pub(super) ring: &'a Ring,
    /// Where the user data of the pool begins; first that of errands, then that of leases, then that of requests.
    pub(super) base: u64,
    pub(super) slots: &'a dyn Slots,
}

/// How much user data there is before that of the leases.
pub(super) const BEFORE_LEASES: usize = RECORD;

impl Book<'_> {
    /// Puts all records of a new pool on its lists.
    pub(super) fn start(&mut self) {
        for i in 0..self.leases.len() as u32 {
            if let Some(lease) = self.leases.get_mut(i as usize) {
                lease.generation = 1;
            }
            self.free_lease(i);
        }
        for i in self.leases.len() as u32..self.ops.len() as u32 {
            self.free_op(i);
        }
    }

    fn has(&self, flag: u32) -> bool {
        self.head.flags & flag != 0
    }

    // Records. A number that is none is a mistake of ours; nothing comes of it.

    fn op(&self, i: u32) -> Op {
        self.ops.get(i as usize).copied().unwrap_or_default()
    }

    fn change(&mut self, i: u32, how: impl FnOnce(&mut Op)) {
        if let Some(op) = self.ops.get_mut(i as usize) {
            how(op);
        }
    }

    fn lease(&self, l: u32) -> Lease {
        self.leases.get(l as usize).copied().unwrap_or_default()
    }

    fn alter(&mut self, l: u32, how: impl FnOnce(&mut Lease)) {
        if let Some(lease) = self.leases.get_mut(l as usize) {
            how(lease);
        }
    }

    fn id(&self, l: u32) -> u64 {
        u64::from(self.head.number) << 48 | u64::from(self.lease(l).generation) << 16 | u64::from(l)
    }

    /// The lease that the program names so, if it is under way.
    pub(super) fn find(&self, id: u64) -> Result<u32> {
        let l = id as u32 & 0xffff;
        let known = self
            .leases
            .get(l as usize)
            .is_some_and(|lease| lease.state != State::Free);
        if known && self.id(l) == id {
            Ok(l)
        } else {
            Err(Errno::EINVAL)
        }
    }

    // Lists.

    fn free_lease(&mut self, l: u32) {
        self.alter(l, |lease| {
            lease.state = State::Free;
            lease.next = NONE;
        });
        let List { first, last } = self.head.free_leases;
        self.alter(last, |lease| lease.next = l);
        self.head.free_leases = List {
            first: if first == NONE { l } else { first },
            last: l,
        };
    }

    fn free_op(&mut self, i: u32) {
        let next = self.head.free_ops.first;
        self.change(i, |op| {
            op.stage = Stage::Free;
            op.count = op.count.wrapping_add(1);
            op.next = next;
        });
        self.head.free_ops.first = i;
    }

    fn link_event(&mut self, node: u32) {
        if node & A_LEASE != 0 {
            self.alter(node & !A_LEASE, |lease| lease.next = NONE);
        } else {
            self.change(node, |op| op.next = NONE);
        }
        let last = self.head.events.last;
        if last == NONE {
            self.head.events.first = node;
        } else if last & A_LEASE != 0 {
            self.alter(last & !A_LEASE, |lease| lease.next = node);
        } else {
            self.change(last, |op| op.next = node);
        }
        self.head.events.last = node;
    }

    fn tell(&mut self, l: u32) {
        if !self.lease(l).queued {
            self.alter(l, |lease| lease.queued = true);
            self.link_event(l | A_LEASE);
        }
    }

    fn wait(&mut self, i: u32) {
        self.change(i, |op| {
            op.stage = Stage::Waiting;
            op.next = NONE;
        });
        let last = self.head.waiting.last;
        if last == NONE {
            self.head.waiting.first = i;
        } else {
            self.change(last, |op| op.next = i);
        }
        self.head.waiting.last = i;
    }

    /// Whether requests wait for room in the ring.
    pub(super) fn is_short_of_room(&self) -> bool {
        self.head.waiting.first != NONE || self.head.cancelling > 0
    }

    pub(super) fn has_events(&self) -> bool {
        self.head.events.first != NONE
    }

    fn chain(&mut self, l: u32, i: u32) {
        let first = self.lease(l).first;
        self.change(i, |op| {
            op.before = NONE;
            op.after = first;
        });
        self.change(first, |op| op.before = i);
        self.alter(l, |lease| {
            lease.first = i;
            lease.pending = lease.pending.wrapping_add(1);
        });
    }

    fn unchain(&mut self, l: u32, i: u32) {
        let Op { before, after, .. } = self.op(i);
        self.change(after, |op| op.before = before);
        self.change(before, |op| op.after = after);
        self.alter(l, |lease| {
            if lease.first == i {
                lease.first = after;
            }
            lease.pending = lease.pending.wrapping_sub(1);
        });
    }

    // What the program asks for.

    pub(super) fn open(&mut self, flags: u32, data: u64) -> Result<u64> {
        if flags & !(HOLD | SINK) != 0 || flags & SINK != 0 && !self.has(POOL_IMPORT) {
            return Err(Errno::EINVAL);
        }
        if self.head.stopping {
            return Err(Errno::ECANCELED);
        }
        let l = self.head.free_leases.first;
        if l == NONE {
            return Err(Errno::EAGAIN);
        }
        let at = self.memory(l);
        if self.has(POOL_TAGS) {
            self.alter(l, |lease| lease.count = lease.count.wrapping_add(1));
            let tag = self.tag(l);
            self.slots.register(self.ring, self.slot(l), at, self.head.size, tag)?;
        }
        let old = self.lease(l);
        self.head.free_leases.first = old.next;
        if old.next == NONE {
            self.head.free_leases.last = NONE;
        }
        self.alter(l, |lease| {
            *lease = Lease {
                data,
                base: at.expose_provenance() as u64,
                generation: old.generation,
                count: old.count,
                first: NONE,
                next: NONE,
                flags: flags as u8,
                state: State::Open,
                ..Lease::default()
            };
        });
        self.head.busy = self.head.busy.wrapping_add(1);
        Ok(self.id(l))
    }

    /// Where the buffer of a lease lies; null where it has no memory of this process.
    fn memory(&self, l: u32) -> *mut u8 {
        if self.head.memory.is_null() {
            self.head.memory
        } else {
            self.head.memory.wrapping_add(self.head.stride.wrapping_mul(l as usize))
        }
    }

    /// The buffer, for the program to look at while nothing writes to it.
    pub(super) fn memory_of(&self, id: u64) -> Result<u64> {
        let l = self.find(id)?;
        Ok(self.lease(l).base)
    }

    pub(super) fn slot(&self, l: u32) -> u32 {
        self.head.first_slot.wrapping_add(l)
    }

    /// What the kernel says when it has let go of the buffer of a lease.
    fn tag(&self, l: u32) -> u64 {
        let count = u32::from(self.lease(l).count) & COUNT;
        let before = BEFORE_LEASES.wrapping_add(RECORD.wrapping_mul(l as usize)) as u64;
        self.base.wrapping_add(before).wrapping_add(count.into())
    }

    fn name(&self, i: u32) -> u64 {
        let count = u32::from(self.op(i).count) & COUNT;
        let before = BEFORE_LEASES.wrapping_add(RECORD.wrapping_mul(self.leases.len().wrapping_add(i as usize))) as u64;
        self.base.wrapping_add(before).wrapping_add(count.into())
    }

    /// What holds of every request.
    fn check(request: &Request) -> Result<Kind> {
        let kind = Kind::of(request.kind)?;
        if request.flags & !REQUEST_FLAGS != 0
            || request.resv != [0; 2]
            || request.flags & COPY != 0 && kind != Kind::Send
            || kind != Kind::Command
                && !(request.command.is_null() && request.release.is_null() && request.memory.is_null())
        {
            return Err(Errno::EINVAL);
        }
        Ok(kind)
    }

    /// Starts the primary of a lease. `commands` is what the program's pointers lead to.
    pub(super) fn fill(&mut self, id: u64, request: &Request, commands: [Option<Sqe>; 2]) -> Result<()> {
        let l = self.find(id)?;
        let kind = Self::check(request)?;
        let lease = self.lease(l);
        if lease.state != State::Open || request.from != 0 || request.flags & REPORT != 0 {
            return Err(Errno::EINVAL);
        }
        let fits = match kind {
            Kind::Read | Kind::Recv => !self.has(POOL_IMPORT),
            Kind::Command => self.has(POOL_IMPORT) && request.flags == 0,
            _ => false,
        };
        if !fits {
            return Err(Errno::EINVAL);
        }
        if request.len > self.head.size {
            return Err(Errno::EFAULT);
        }
        if kind == Kind::Command {
            let [Some(command), release] = commands else {
                return Err(Errno::EINVAL);
            };
            const NOT_ALONE: u8 = IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
            if (command.flags | release.map_or(0, |r| r.flags)) & NOT_ALONE != 0 {
                return Err(Errno::EINVAL);
            }
            let place = self.commands.get_mut(l as usize).ok_or(Errno::EINVAL)?;
            *place = [command, release.unwrap_or_default()];
            self.alter(l, |lease| lease.base = request.memory.expose_provenance() as u64);
        }
        let len = if request.len == 0 { self.head.size } else { request.len };
        self.write_op(l, l, kind, request, len);
        let releases = kind == Kind::Command && matches!(commands, [_, Some(_)]);
        self.alter(l, |lease| {
            lease.state = State::Filling;
            lease.releases = releases;
        });
        self.wait(l);
        self.flush();
        Ok(())
    }

    fn write_op(&mut self, i: u32, l: u32, kind: Kind, request: &Request, len: u32) {
        self.change(i, |op| {
            *op = Op {
                offset: request.offset,
                data: request.data,
                fd: request.fd,
                rw_flags: request.rw_flags,
                from: request.from,
                len,
                next: NONE,
                before: NONE,
                after: NONE,
                lease: l as u16,
                flags: request.flags as u8,
                count: op.count,
                since: op.count,
                kind,
                ..Op::default()
            };
        });
    }

    /// Adds a secondary: before the buffer is filled if it is a `plan`, else after.
    pub(super) fn add(&mut self, id: u64, request: &Request, plan: bool) -> Result<()> {
        let l = self.find(id)?;
        let kind = Self::check(request)?;
        let lease = self.lease(l);
        let in_time = if plan {
            matches!(lease.state, State::Open | State::Filling)
        } else {
            lease.state == State::Filled && u32::from(lease.flags) & HOLD != 0 && !lease.finished
        };
        let sink = u32::from(lease.flags) & SINK != 0;
        let right_way = match kind {
            Kind::Write | Kind::Send => !sink,
            Kind::Read => sink,
            _ => false,
        };
        if !in_time || lease.cancelled || !right_way {
            return Err(Errno::EINVAL);
        }
        let room = if plan { self.head.size } else { lease.filled };
        if Self::range(request.from, request.len, room).is_none() {
            return Err(Errno::EFAULT);
        }
        let i = self.head.free_ops.first;
        if i == NONE {
            return Err(Errno::EAGAIN);
        }
        self.head.free_ops.first = self.op(i).next;
        self.write_op(i, l, kind, request, request.len);
        self.change(i, |op| op.stage = Stage::Planned);
        self.chain(l, i);
        if !plan {
            self.launch(i);
            self.flush();
        }
        Ok(())
    }

    /// How many bytes a request for `len` from `from` on moves of `there`: 0 stands for all of them.
    fn range(from: u32, len: u32, there: u32) -> Option<u32> {
        let rest = there.checked_sub(from)?;
        match len {
            0 => Some(rest),
            len if len <= rest => Some(len),
            _ => None,
        }
    }

    /// Starts a secondary of a lease that is filled.
    fn launch(&mut self, i: u32) {
        let op = self.op(i);
        let lease = self.lease(op.lease.into());
        if lease.cancelled {
            return self.complete(i, Errno::ECANCELED.negated());
        }
        match Self::range(op.from, op.len, lease.filled) {
            None => self.complete(i, Errno::EFAULT.negated()),
            Some(0) => self.complete(i, 0),
            Some(len) => {
                self.change(i, |op| op.len = len);
                self.wait(i);
            }
        }
    }

    pub(super) fn finish(&mut self, id: u64) -> Result<()> {
        let l = self.find(id)?;
        let lease = self.lease(l);
        if u32::from(lease.flags) & HOLD == 0 || lease.finished || lease.cancelled || lease.state != State::Filled {
            return Err(Errno::EINVAL);
        }
        self.alter(l, |lease| lease.finished = true);
        self.settle(l);
        self.flush();
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: u64) -> Result<()> {
        let l = self.find(id)?;
        self.call_off(l)
    }

    fn call_off(&mut self, l: u32) -> Result<()> {
        let lease = self.lease(l);
        if lease.cancelled {
            return Err(Errno::EALREADY);
        }
        match lease.state {
            State::Open => {
                self.alter(l, |lease| lease.cancelled = true);
                self.filled(l, Errno::ECANCELED.negated());
            }
            State::Filling | State::Filled => {
                self.alter(l, |lease| {
                    lease.cancelled = true;
                    lease.cancelling = true;
                });
                self.head.cancelling = self.head.cancelling.wrapping_add(1);
                self.settle(l);
            }
            State::Free | State::Ending | State::Done => return Err(Errno::EINVAL),
        }
        self.flush();
        Ok(())
    }

    /// Cancels whatever is under way: the pool is to end.
    pub(super) fn stop(&mut self) {
        self.head.stopping = true;
        for l in 0..self.leases.len() as u32 {
            // Those that are free or ending need none.
            let _ = self.call_off(l);
        }
    }

    // Towards the kernel.

    /// Queues what waits, as far as the ring has room.
    pub(super) fn flush(&mut self) {
        loop {
            let i = self.head.waiting.first;
            if i == NONE {
                break;
            }
            let op = self.op(i);
            let unwanted = op.kind != Kind::Release && self.lease(op.lease.into()).cancelled;
            if !unwanted {
                let sqe = self.compose(i);
                if !self.push(&sqe) {
                    break;
                }
                self.count_address(&sqe, 1);
            }
            self.head.waiting.first = op.next;
            if op.next == NONE {
                self.head.waiting.last = NONE;
            }
            self.change(i, |op| op.stage = Stage::Flying);
            if unwanted {
                self.landed(i, Errno::ECANCELED.negated());
            }
        }
        if self.head.cancelling > 0 {
            self.push_cancels();
        }
    }

    /// Queues a request, unless the ring is full or the program is in the middle of a chain of linked ones.
    fn push(&self, sqe: &Sqe) -> bool {
        const LINKS: u8 = IOSQE_IO_LINK | IOSQE_IO_HARDLINK;
        let last = self.ring.sq_ready().wrapping_sub(1);
        let in_chain = self.ring.queued(last).is_some_and(|last| last.flags & LINKS != 0);
        !in_chain && self.ring.push(sqe)
    }

    /// Queues a request of the pool's own.
    fn push_errand(&mut self, sqe: Sqe) -> bool {
        let pushed = self.push(&Sqe {
            fd: -1,
            user_data: self.base,
            ..sqe
        });
        self.head.errands = self.head.errands.wrapping_add(pushed.into());
        pushed
    }

    /// Has a thread that sleeps in the ring look again; false if there is no room for that.
    pub(super) fn rouse(&mut self) -> bool {
        self.push_errand(Sqe {
            opcode: IORING_OP_NOP,
            ..Sqe::default()
        })
    }

    fn push_cancels(&mut self) {
        for l in 0..self.leases.len() as u32 {
            if self.lease(l).cancelling && self.push_cancels_of(l) {
                self.alter(l, |lease| lease.cancelling = false);
                self.head.cancelling = self.head.cancelling.wrapping_sub(1);
            }
        }
    }

    /// Whether all have been queued that are needed.
    fn push_cancels_of(&mut self, l: u32) -> bool {
        let mut i = match self.lease(l).state {
            State::Filling => l,
            State::Filled => self.lease(l).first,
            _ => NONE,
        };
        while i != NONE {
            let op = self.op(i);
            if op.stage == Stage::Flying && !op.cancel_sent {
                let cancel = Sqe {
                    opcode: IORING_OP_ASYNC_CANCEL,
                    addr: self.name(i),
                    ..Sqe::default()
                };
                if !self.push_errand(cancel) {
                    return false;
                }
                self.change(i, |op| op.cancel_sent = true);
            }
            i = if i == l { NONE } else { op.after };
        }
        true
    }

    /// Counts requests whose memory the kernel finds by its address.
    fn count_address(&mut self, sqe: &Sqe, by: i32) {
        if matches!(
            sqe.opcode,
            IORING_OP_READ | IORING_OP_WRITE | IORING_OP_RECV | IORING_OP_SEND
        ) {
            self.head.by_address = self.head.by_address.wrapping_add_signed(by);
        }
    }

    /// The request as the kernel takes it.
    fn compose(&self, i: u32) -> Sqe {
        let op = self.op(i);
        let l = u32::from(op.lease);
        let user_data = self.name(i);
        if !op.kind.is_transfer() {
            let [command, release] = self.commands.get(l as usize).copied().unwrap_or_default();
            let sqe = if op.kind == Kind::Command { command } else { release };
            return Sqe { user_data, ..sqe };
        }
        let flags = u32::from(op.flags);
        let plain = self.has(POOL_PLAIN);
        let (opcode, fixed) = match op.kind {
            Kind::Read if plain => (IORING_OP_READ, false),
            Kind::Read => (IORING_OP_READ_FIXED, true),
            Kind::Recv => (IORING_OP_RECV, false),
            Kind::Send if flags & COPY != 0 || plain || !self.head.sends_zc => (IORING_OP_SEND, false),
            Kind::Send => (IORING_OP_SEND_ZC, true),
            _ if plain => (IORING_OP_WRITE, false),
            _ => (IORING_OP_WRITE_FIXED, true),
        };
        let place = self
            .lease(l)
            .base
            .wrapping_add(op.from.into())
            .wrapping_add(op.done.into());
        let file = matches!(op.kind, Kind::Read | Kind::Write);
        Sqe {
            opcode,
            flags: if flags & FIXED_FILE != 0 { IOSQE_FIXED_FILE } else { 0 }
                | if flags & ASYNC != 0 { IOSQE_ASYNC } else { 0 },
            ioprio: if opcode == IORING_OP_SEND_ZC {
                IORING_RECVSEND_FIXED_BUF
            } else {
                0
            },
            fd: op.fd,
            off: match op.offset {
                _ if !file => 0,
                // The file's own position.
                u64::MAX => u64::MAX,
                offset => offset.wrapping_add(op.done.into()),
            },
            addr: place,
            len: op.len.wrapping_sub(op.done),
            op_flags: op.rw_flags as u32,
            user_data,
            buf_index: if fixed { self.slot(l) as u16 } else { 0 },
            ..Sqe::default()
        }
    }

    // From the kernel.

    /// Takes a completion: false if it is none of the pool's.
    ///
    /// # Errors
    /// `EINVAL` if it is one of the pool's that is not to come, or was there before.
    pub(super) fn absorb(&mut self, cqe: &Cqe) -> Result<bool> {
        let offset = cqe.user_data.wrapping_sub(self.base);
        let records = self.leases.len().wrapping_add(self.ops.len());
        if offset >= BEFORE_LEASES.wrapping_add(RECORD.wrapping_mul(records)) as u64 {
            return Ok(false);
        }
        let place = (offset as usize).wrapping_sub(BEFORE_LEASES);
        let count = offset as u32 & COUNT;
        if (offset as usize) < BEFORE_LEASES {
            if offset != 0 || self.head.errands == 0 {
                return Err(Errno::EINVAL);
            }
            self.head.errands = self.head.errands.wrapping_sub(1);
        } else if place / RECORD < self.leases.len() {
            let l = (place / RECORD) as u32;
            let lease = self.lease(l);
            if lease.state != State::Ending || u32::from(lease.count) & COUNT != count || !self.has(POOL_TAGS) {
                return Err(Errno::EINVAL);
            }
            self.done(l);
        } else {
            let i = (place / RECORD).wrapping_sub(self.leases.len()) as u32;
            if !self.op(i).expects(count, cqe.flags & IORING_CQE_F_NOTIF != 0) {
                return Err(Errno::EINVAL);
            }
            self.heard(i, cqe)?;
        }
        self.flush();
        Ok(true)
    }

    /// A completion of a request.
    fn heard(&mut self, i: u32, cqe: &Cqe) -> Result<()> {
        let op = self.op(i);
        if cqe.flags & IORING_CQE_F_NOTIF != 0 {
            let left = op.notifications.checked_sub(1).ok_or(Errno::EINVAL)?;
            self.change(i, |op| op.notifications = left);
            if left == 0 && op.stage == Stage::Landed {
                self.complete(i, op.res);
            }
            return Ok(());
        }
        if op.stage != Stage::Flying {
            return Err(Errno::EINVAL);
        }
        let sqe = self.compose(i);
        self.count_address(&sqe, -1);
        if cqe.flags & IORING_CQE_F_MORE != 0 {
            self.change(i, |op| op.notifications = op.notifications.saturating_add(1));
        }
        let lease = self.lease(op.lease.into());
        if cqe.res == Errno::EOPNOTSUPP.negated()
            && sqe.opcode == IORING_OP_SEND_ZC
            && lease.base != 0
            && !lease.cancelled
        {
            // A socket that cannot do without a copy of its own.
            self.change(i, |op| op.flags |= COPY as u8);
            self.go_on(i);
            return Ok(());
        }
        if cqe.res > 0 && op.kind.is_transfer() {
            let done = op.done.saturating_add(cqe.res as u32).min(op.len);
            self.change(i, |op| op.done = done);
            if u32::from(op.flags) & WHOLE != 0 && done < op.len && !lease.cancelled {
                self.go_on(i);
                return Ok(());
            }
        }
        self.landed(i, cqe.res);
        Ok(())
    }

    /// Has a request made once more, under another name: so a completion that is shown twice is not taken for the next
    /// one. While notifications are to come counts are not used again; those of many pieces share the last one.
    fn go_on(&mut self, i: u32) {
        self.change(i, |op| {
            if op.notifications == 0 {
                op.count = op.count.wrapping_add(1);
                op.since = op.count;
            } else if op.age() < COUNT {
                op.count = op.count.wrapping_add(1);
            }
        });
        self.wait(i);
    }

    /// The last piece of a request has its result.
    fn landed(&mut self, i: u32, res: i32) {
        let op = self.op(i);
        let is_primary = (i as usize) < self.leases.len();
        let in_pieces = u32::from(op.flags) & WHOLE != 0;
        // What a primary brought counts more than why it brought no more: whoever asks again is told.
        let res = if in_pieces && (res >= 0 || is_primary && op.done > 0) {
            op.done as i32
        } else {
            res
        };
        self.change(i, |op| {
            op.res = res;
            op.stage = Stage::Landed;
        });
        if op.notifications == 0 {
            self.complete(i, res);
        }
    }

    /// A request is done, and the kernel with its memory.
    fn complete(&mut self, i: u32, res: i32) {
        let op = self.op(i);
        let l = u32::from(op.lease);
        if (i as usize) < self.leases.len() {
            self.change(i, |op| {
                op.stage = Stage::Free;
                op.count = op.count.wrapping_add(1);
            });
            if op.kind == Kind::Release {
                self.note(l, res, false);
                self.done(l);
            } else {
                self.filled(l, res);
            }
            return;
        }
        self.unchain(l, i);
        self.note(l, res, op.done < op.len);
        if u32::from(op.flags) & REPORT != 0 {
            self.change(i, |op| {
                op.res = res;
                op.stage = Stage::Landed;
            });
            self.link_event(i);
        } else {
            self.free_op(i);
        }
        self.settle(l);
    }

    /// Counts what went wrong.
    fn note(&mut self, l: u32, res: i32, short: bool) {
        self.alter(l, |lease| {
            if res < 0 && lease.error == 0 {
                lease.error = res;
            }
            if res < 0 || short {
                lease.failed = lease.failed.wrapping_add(1);
            }
        });
    }

    /// The primary is done: starts what was planned, or calls it off.
    fn filled(&mut self, l: u32, res: i32) {
        let op = self.op(l);
        self.alter(l, |lease| {
            lease.state = State::Filled;
            lease.res = res;
            if res < 0 {
                lease.cancelled = true;
                // There is nothing to give back.
                lease.releases = false;
            } else if op.kind.is_transfer() {
                lease.filled = op.done;
            } else {
                lease.filled = op.len;
            }
        });
        let lease = self.lease(l);
        if !lease.cancelled && u32::from(lease.flags) & HOLD != 0 {
            self.alter(l, |lease| lease.tells_filled = true);
            self.tell(l);
        }
        // In the order in which they were planned, which is the opposite of the chain's.
        let mut i = lease.first;
        let mut last = NONE;
        while i != NONE {
            last = i;
            i = self.op(i).after;
        }
        if last == NONE {
            return self.settle(l);
        }
        while last != NONE {
            let before = self.op(last).before;
            self.launch(last);
            last = before;
        }
    }

    /// Ends a lease if nothing is left to be done.
    fn settle(&mut self, l: u32) {
        let lease = self.lease(l);
        let open = u32::from(lease.flags) & HOLD != 0 && !lease.finished && !lease.cancelled;
        if lease.state != State::Filled || lease.pending > 0 || open {
            return;
        }
        if lease.cancelling {
            self.alter(l, |lease| lease.cancelling = false);
            self.head.cancelling = self.head.cancelling.wrapping_sub(1);
        }
        self.alter(l, |lease| lease.state = State::Ending);
        if self.has(POOL_TAGS) {
            match self.slots.clear(self.ring, self.slot(l)) {
                // The kernel says when.
                Ok(()) => {}
                Err(e) => {
                    self.note(l, e.negated(), false);
                    self.done(l);
                }
            }
        } else if lease.releases {
            self.change(l, |op| op.kind = Kind::Release);
            self.wait(l);
        } else {
            self.done(l);
        }
    }

    fn done(&mut self, l: u32) {
        self.alter(l, |lease| lease.state = State::Done);
        self.head.busy = self.head.busy.wrapping_sub(1);
        self.tell(l);
    }

    // Towards the program.

    /// The next event.
    pub(super) fn next(&mut self) -> Option<Event> {
        let node = self.head.events.first;
        if node == NONE {
            return None;
        }
        let l = node & !A_LEASE;
        let next = if node & A_LEASE != 0 {
            self.lease(l).next
        } else {
            self.op(node).next
        };
        self.head.events.first = next;
        if next == NONE {
            self.head.events.last = NONE;
        }
        if node & A_LEASE == 0 {
            let op = self.op(node);
            let event = Event {
                kind: EVENT_USED,
                res: op.res,
                lease: self.id(op.lease.into()),
                data: op.data,
                bytes: op.done,
                ..Event::default()
            };
            self.free_op(node);
            return Some(event);
        }
        let lease = self.lease(l);
        self.alter(l, |lease| lease.queued = false);
        let event = Event {
            kind: EVENT_DONE,
            res: lease.res,
            lease: self.id(l),
            data: lease.data,
            bytes: lease.filled,
            failed: lease.failed,
            error: lease.error,
            ..Event::default()
        };
        if lease.tells_filled {
            self.alter(l, |lease| lease.tells_filled = false);
            if lease.state == State::Done {
                // Behind what its secondaries have to tell.
                self.tell(l);
            }
            return Some(Event {
                kind: EVENT_FILLED,
                failed: 0,
                error: 0,
                ..event
            });
        }
        self.alter(l, |lease| lease.generation = lease.generation.wrapping_add(1).max(1));
        self.free_lease(l);
        Some(event)
    }

    /// A completion that is none of the pool's.
    pub(super) fn other(cqe: &Cqe, second: [u64; 2]) -> Event {
        Event {
            kind: EVENT_OTHER,
            res: cqe.res,
            data: cqe.user_data,
            flags: cqe.flags,
            big_cqe: second,
            ..Event::default()
        }
    }
}
