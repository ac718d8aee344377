//! Leases: one request fills a buffer, others use it, and it is free again when the kernel has let go of it.
//!
//! A pool has buffers in the table of registered buffers of a ring, and a record for each request. The requests are in the
//! program's ring, with addresses of records as user data, which no request of the program has. `book` says what
//! follows from each completion; here is what a pool lies in, who may come in, and who sleeps.
#![allow(unsafe_code)]

mod book;

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use self::book::{BEFORE_LEASES, Book, Head, Lease, Op, POOL_IMPORT, POOL_PLAIN, POOL_TABLE, POOL_TAGS, RECORD, Slots};
use crate::sys::futex::{self, Held, Lock};
use crate::sys::{Errno, Result, map};
use crate::uring::queue::Patience;
use crate::uring::{
    Cqe, IORING_FEAT_EXT_ARG, IORING_OP_SEND_ZC, IORING_SETUP_SQ_REWIND, IORING_SETUP_SQPOLL, Ring, Sqe, Timespec,
    probe, register,
};

/// The most buffers that a table of the kernel has.
const MOST_BUFFERS: u32 = 1 << 14;
/// The largest buffer that the kernel registers.
const MOST_BYTES: u32 = 1 << 30;
/// The most secondaries at a time.
const MOST_OPS: u32 = 1 << 20;

/// `struct aiouring_lease_params`.
#[derive(Debug)]
#[repr(C)]
pub struct Params {
    /// How many leases at a time.
    pub buffers: u32,
    /// Bytes of each.
    pub buffer_size: u32,
    /// Secondaries of all leases at a time; 0 for four per buffer.
    pub ops: u32,
    /// `AIOURING_LEASE_POOL_`.
    pub flags: u32,
    /// Where the pool's part of the table begins.
    pub first_slot: u32,
    /// 0.
    pub resv: u32,
    /// The buffers, one behind the other; null for memory of the pool's own.
    pub memory: *mut c_void,
    /// 0.
    pub resv2: [u64; 4],
}

/// `struct aiouring_lease_op`.
#[derive(Debug)]
#[repr(C)]
pub struct Request {
    /// `AIOURING_LEASE_READ` and so on.
    pub kind: i32,
    /// A descriptor, or the index of a registered file.
    pub fd: i32,
    /// `AIOURING_LEASE_OP_`.
    pub flags: u32,
    /// Of a transfer: `RWF_` or `MSG_`.
    pub rw_flags: i32,
    /// In the file.
    pub offset: u64,
    /// In the buffer.
    pub from: u32,
    /// 0 for all there is.
    pub len: u32,
    /// For the event.
    pub data: u64,
    /// What fills the buffer in the program's own way.
    pub command: *const Sqe,
    /// And what gives it back.
    pub release: *const Sqe,
    /// What such a buffer's addresses begin with.
    pub memory: *mut c_void,
    /// 0.
    pub resv: [u64; 2],
}

/// `struct aiouring_lease_event`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Event {
    /// `AIOURING_LEASE_DONE` and so on.
    pub kind: i32,
    /// Bytes, or an error.
    pub res: i32,
    /// Which lease.
    pub lease: u64,
    /// Of the lease or the secondary; of another completion the user data.
    pub data: u64,
    /// Bytes in the buffer, or moved.
    pub bytes: u32,
    /// Secondaries that failed or moved less than they should have.
    pub failed: u32,
    /// The first error of them.
    pub error: i32,
    /// Of another completion.
    pub flags: u32,
    /// The second half of one that is long.
    pub big_cqe: [u64; 2],
}

/// What never changes in a pool, and the lock, in a page that is never anything else: a pointer to a pool that is gone is an
/// error and no accident. A child made by fork sees zeroes there, and is sent away.
///
/// All else is behind the lock, at `records`: [`Head`], then the user data of errands, the leases, the requests, the
/// commands.
#[allow(missing_debug_implementations)]
pub struct Pool {
    magic: AtomicU32,
    lock: Lock,
    inner: UnsafeCell<Inner>,
}

/// What a pool is made of.
struct Inner {
    ring: *const Ring,
    records: *mut u8,
    records_len: usize,
    buffers: usize,
    ops: usize,
    commands: usize,
    /// The pool's own memory, which the buffers are in; 0 if it is the program's.
    memory_len: usize,
}

const MAGIC: u32 = 0x6c65_6173;

/// What lies where in the records.
const ERRANDS: usize = size_of::<Head>().next_multiple_of(RECORD);
const LEASES: usize = ERRANDS + BEFORE_LEASES;

const _: () = assert!(size_of::<Pool>() <= map::PAGE && align_of::<Head>() <= RECORD);

/// Pages of pools that are gone.
static FREE: [AtomicPtr<Pool>; 16] = [const { AtomicPtr::new(ptr::null_mut()) }; 16];

fn page() -> Result<NonNull<Pool>> {
    for place in &FREE {
        if let Some(at) = NonNull::new(place.swap(ptr::null_mut(), Ordering::Acquire)) {
            return Ok(at);
        }
    }
    map::wiped(map::PAGE).map(NonNull::cast)
}

fn keep(pool: *mut Pool) {
    for place in &FREE {
        if place
            .compare_exchange(ptr::null_mut(), pool, Ordering::Release, Ordering::Relaxed)
            .is_ok()
        {
            return;
        }
    }
    // A page that finds no place stays as it is: it is not worth a lock.
}

/// A pool that the calling thread has for itself.
struct Inside<'a> {
    book: Book<'a>,
    /// Nobody is to be roused when it leaves.
    quiet: bool,
    /// Given back last.
    _held: Held<'a>,
}

impl Drop for Inside<'_> {
    /// A thread that sleeps in the ring does not submit, and does not see events that come of no completion.
    fn drop(&mut self) {
        if self.quiet || self.book.head.sleepers == 0 {
            return;
        }
        // Who waits is told of errors.
        if self.book.has_events() && !self.book.rouse() {
            // With the queue full, or in the middle of a chain, what is there has to go first.
            let _ = self.book.ring.submit();
            let _ = self.book.rouse();
        }
        if self.book.ring.sq_ready() > 0 {
            let _ = self.book.ring.submit();
        }
    }
}

/// The table of the ring.
struct Table;

impl Slots for Table {
    fn register(&self, ring: &Ring, slot: u32, at: *mut u8, len: u32, tag: u64) -> Result<()> {
        let piece = libc::iovec {
            iov_base: at.cast(),
            iov_len: len as usize,
        };
        // SAFETY: the buffer is the pool's, which lives until the kernel has let go of it.
        unsafe { register::buffers_update(ring, slot, (&raw const piece).cast(), &raw const tag, 1) }.and_then(one)
    }

    fn clear(&self, ring: &Ring, slot: u32) -> Result<()> {
        let piece = libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        };
        // SAFETY: registers nothing.
        unsafe { register::buffers_update(ring, slot, (&raw const piece).cast(), ptr::null(), 1) }.and_then(one)
    }
}

/// An update that did nothing and has no error to tell of.
fn one(done: u32) -> Result<()> {
    if done == 1 { Ok(()) } else { Err(Errno::ENOMEM) }
}

fn is_over(ring: &Ring) -> bool {
    ring.sq.sqes.is_null()
}

/// Makes a pool for `ring`.
///
/// # Errors
/// `EINVAL`, `EOPNOTSUPP`, `ENOMEM`, `EBUSY`, and what the registration of buffers is refused with.
///
/// # Safety
/// `ring` must stay where it is until the pool is destroyed; memory of the program that `params` names, too.
pub unsafe fn create(ring: &Ring, params: &Params) -> Result<NonNull<Pool>> {
    let flags = params.flags;
    let import = flags & POOL_IMPORT != 0;
    let plain = flags & POOL_PLAIN != 0;
    let ops = match params.ops {
        0 => params.buffers.saturating_mul(4),
        ops => ops,
    };
    if flags & !(POOL_TABLE | POOL_TAGS | POOL_PLAIN | POOL_IMPORT) != 0
        || params.resv != 0
        || params.resv2 != [0; 4]
        || params.buffers == 0
        || params.buffers > MOST_BUFFERS
        || params.buffer_size == 0
        || params.buffer_size > MOST_BYTES
        || params.first_slot > MOST_BUFFERS - params.buffers
        || ops > MOST_OPS
        || plain && flags != POOL_PLAIN
        || import && (flags & POOL_TAGS != 0 || !params.memory.is_null())
        || is_over(ring)
        || ring.flags & IORING_SETUP_SQ_REWIND != 0
    {
        return Err(Errno::EINVAL);
    }
    if ring.features & IORING_FEAT_EXT_ARG == 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let size = params.buffer_size as usize;
    let (stride, own) = if params.memory.is_null() {
        (map::pages(size), !import)
    } else {
        (size, false)
    };
    let memory_len = if own {
        stride.wrapping_mul(params.buffers as usize)
    } else {
        0
    };
    let memory = if own {
        map::private(memory_len)?.as_ptr()
    } else {
        params.memory.cast()
    };
    let free = |records: Option<(NonNull<u8>, usize)>| {
        // SAFETY: both are mapped here, and nothing has them.
        unsafe {
            if own {
                map::unmap(memory, memory_len);
            }
            if let Some((records, len)) = records {
                map::unmap(records.as_ptr(), len);
            }
        }
    };
    let commands = if import { params.buffers as usize } else { 0 };
    let all_ops = params.buffers.wrapping_add(ops) as usize;
    let len = map::pages(
        LEASES
            .wrapping_add(size_of::<Lease>().wrapping_mul(params.buffers as usize))
            .wrapping_add(size_of::<Op>().wrapping_mul(all_ops))
            .wrapping_add(size_of::<[Sqe; 2]>().wrapping_mul(commands)),
    );
    let records = map::private(len).inspect_err(|_| free(None))?;
    let pool = page().inspect_err(|_| free(Some((records, len))))?;
    if own {
        // SAFETY: a child has no part in leases.
        let _ = unsafe { map::dont_fork(memory, memory_len) };
    }
    if let Err(e) = register_all(ring, params, stride, memory) {
        free(Some((records, len)));
        keep(pool.as_ptr());
        return Err(e);
    }
    let mut head = Head::new(flags, params.buffer_size, params.first_slot, stride, memory);
    head.sends_zc = probe::supported(ring, IORING_OP_SEND_ZC);
    // SAFETY: the records have room for it, and nobody else has them or the page; threads that try a pool that is gone read
    // and change the magic and the lock alone, which are atomics.
    unsafe {
        records.as_ptr().cast::<Head>().write(head);
        let pool = pool.as_ref();
        pool.inner.get().write(Inner {
            ring: ptr::from_ref(ring),
            records: records.as_ptr(),
            records_len: len,
            buffers: params.buffers as usize,
            ops: all_ops,
            commands,
            memory_len,
        });
        pool.magic.store(MAGIC, Ordering::Release);
    }
    // SAFETY: made above; pages stay.
    unsafe { pool.as_ref() }.enter()?.book.start();
    Ok(pool)
}

/// Makes the table if it is the pool's, and puts the buffers into it if they stay there.
fn register_all(ring: &Ring, params: &Params, stride: usize, memory: *mut u8) -> Result<()> {
    let (first, count) = (params.first_slot, params.buffers);
    if params.flags & POOL_PLAIN != 0 {
        return Ok(());
    }
    let own_table = params.flags & POOL_TABLE == 0;
    if own_table {
        register::buffers_sparse(ring, first.wrapping_add(count))?;
    }
    if params.flags & (POOL_TAGS | POOL_IMPORT) != 0 {
        return Ok(());
    }
    let mut done = 0;
    while done < count {
        let mut pieces = [libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        }; 64];
        let n = (count - done).min(pieces.len() as u32);
        for (i, piece) in pieces.iter_mut().enumerate() {
            piece.iov_base = memory
                .wrapping_add(stride.wrapping_mul(i.wrapping_add(done as usize)))
                .cast();
            piece.iov_len = params.buffer_size as usize;
        }
        let slot = first.wrapping_add(done);
        // SAFETY: the memory is the pool's, or the caller's who vouches for it.
        match unsafe { register::buffers_update(ring, slot, pieces.as_ptr().cast(), ptr::null(), n) } {
            // Where it stopped, it says why when asked to begin there.
            Ok(updated) if updated > 0 => done += updated.min(n),
            refused => {
                empty(ring, first, done, own_table);
                return Err(refused.err().unwrap_or(Errno::ENOMEM));
            }
        }
    }
    Ok(())
}

/// Takes the buffers out of the table, or the table away.
fn empty(ring: &Ring, first: u32, count: u32, own_table: bool) {
    if own_table {
        let _ = register::unregister_buffers(ring);
    } else {
        for slot in first..first.wrapping_add(count) {
            let _ = Table.clear(ring, slot);
        }
    }
}

impl Pool {
    /// Comes in, alone.
    ///
    /// # Errors
    /// `EINVAL`: there is no such pool, or it is that of the process which this one was forked from. `EDEADLK`: in a signal
    /// handler that interrupted a call on the pool.
    fn enter(&self) -> Result<Inside<'_>> {
        if self.magic.load(Ordering::Acquire) != MAGIC {
            return Err(Errno::EINVAL);
        }
        let held = self.lock.lock();
        if held.is_nested() {
            return Err(Errno::EDEADLK);
        }
        if self.magic.load(Ordering::Acquire) != MAGIC {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the lock is held, and with the magic there is what `create` wrote: records with room for all of this, one
        // behind the other, where zeroes are valid; these references are the only ones. The ring lives by the caller's
        // promise.
        let book = unsafe {
            let inner = &*self.inner.get();
            let at = inner.records;
            let ops = LEASES.wrapping_add(size_of::<Lease>().wrapping_mul(inner.buffers));
            let commands = ops.wrapping_add(size_of::<Op>().wrapping_mul(inner.ops));
            Book {
                head: &mut *at.cast(),
                leases: core::slice::from_raw_parts_mut(at.add(LEASES).cast(), inner.buffers),
                ops: core::slice::from_raw_parts_mut(at.add(ops).cast(), inner.ops),
                commands: core::slice::from_raw_parts_mut(at.add(commands).cast(), inner.commands),
                ring: &*inner.ring,
                base: at.add(ERRANDS).expose_provenance() as u64,
                slots: &Table,
            }
        };
        Ok(Inside {
            book,
            quiet: false,
            _held: held,
        })
    }

    /// The same, for what needs the ring. `EBADF` if that is over.
    fn enter_ring(&self) -> Result<Inside<'_>> {
        let inside = self.enter()?;
        if is_over(inside.book.ring) {
            return Err(Errno::EBADF);
        }
        Ok(inside)
    }

    /// Takes a buffer.
    pub fn open(&self, flags: u32, data: u64) -> Result<u64> {
        self.enter_ring()?.book.open(flags, data)
    }

    /// Has it filled.
    ///
    /// # Safety
    /// The pointers to requests must be null or readable; such requests must be ones that the program may make.
    pub unsafe fn fill(&self, lease: u64, request: &Request) -> Result<()> {
        // SAFETY: the caller's promise.
        let commands = unsafe { [request.command.as_ref().copied(), request.release.as_ref().copied()] };
        self.enter_ring()?.book.fill(lease, request, commands)
    }

    /// Says what is to be done with it then.
    pub fn plan(&self, lease: u64, request: &Request) -> Result<()> {
        self.enter_ring()?.book.add(lease, request, true)
    }

    /// Does something with it.
    pub fn use_now(&self, lease: u64, request: &Request) -> Result<()> {
        self.enter_ring()?.book.add(lease, request, false)
    }

    /// Says that this was all.
    pub fn finish(&self, lease: u64) -> Result<()> {
        self.enter_ring()?.book.finish(lease)
    }

    /// Calls it off.
    pub fn cancel(&self, lease: u64) -> Result<()> {
        self.enter_ring()?.book.cancel(lease)
    }

    /// Where the buffer is.
    pub fn memory(&self, lease: u64) -> Result<usize> {
        self.enter()?.book.memory_of(lease).map(|at| at as usize)
    }

    /// Its place in the table.
    pub fn slot(&self, lease: u64) -> Result<u32> {
        let inside = self.enter()?;
        let found = inside.book.find(lease)?;
        Ok(inside.book.slot(found))
    }

    /// Takes a completion that the program found: whether it is the pool's.
    pub fn absorb(&self, cqe: &Cqe) -> Result<bool> {
        let mut inside = self.enter_ring()?;
        let taken = inside.book.absorb(cqe);
        // What waited for room may find it now, whoever's completion it was.
        inside.book.flush();
        taken
    }

    /// The next event.
    pub fn next(&self) -> Result<Option<Event>> {
        Ok(self.enter()?.book.next())
    }

    /// Hands over what is queued, and what waits for room in the queue.
    pub fn submit(&self) -> Result<u32> {
        submit_all(&mut self.enter_ring()?.book)
    }

    /// Hands over what is queued and waits for the next event.
    ///
    /// # Errors
    /// `ETIME`, and what the kernel answers.
    pub fn wait(&self, timeout: Option<&Timespec>) -> Result<Event> {
        let until = timeout.map(|t| {
            let ns = t.tv_sec.max(0) as u64;
            futex::now().saturating_add(ns.saturating_mul(1_000_000_000).saturating_add(t.tv_nsec.max(0) as u64))
        });
        loop {
            let mut inside = self.enter_ring()?;
            if let Some(event) = ready(&mut inside.book) {
                return Ok(event);
            }
            let book = &mut inside.book;
            if book.is_short_of_room() {
                // With the queue full, part of what there is has to go before the sleep.
                match submit_all(book) {
                    Ok(_) if !book.has_events() => {}
                    Ok(_) => continue,
                    // Old kernels take nothing before the completions are taken that they hold.
                    Err(Errno::EBUSY | Errno::EAGAIN) if book.ring.get_events().is_ok() && book.ring.cq_ready() > 0 => {
                        continue;
                    }
                    Err(e) => return Err(e),
                }
            }
            let ring = book.ring;
            let queued = ring.flush();
            book.head.sleepers = book.head.sleepers.wrapping_add(1);
            inside.quiet = true;
            drop(inside);
            let slept = sleep(ring, queued, until);
            let mut inside = self.enter()?;
            inside.book.head.sleepers = inside.book.head.sleepers.saturating_sub(1);
            if is_over(inside.book.ring) {
                return Err(Errno::EBADF);
            }
            if let Err(e) = slept {
                // What came all the same is not to be lost with the error.
                return ready(&mut inside.book).ok_or(e);
            }
        }
    }
}

/// Takes the completions that are there, up to one that is not the pool's, and gives the first event.
fn ready(book: &mut Book<'_>) -> Option<Event> {
    if let Some(event) = book.next() {
        return Some(event);
    }
    while let Some((cqe, second)) = book.ring.take() {
        if !matches!(book.absorb(&cqe), Ok(true)) {
            return Some(Book::other(&cqe, second));
        }
    }
    book.flush();
    book.next()
}

/// Submits until nothing waits for room.
fn submit_all(book: &mut Book<'_>) -> Result<u32> {
    let mut all = 0_u32;
    loop {
        book.flush();
        if book.ring.sq_ready() == 0 && !book.is_short_of_room() {
            return Ok(all);
        }
        match book.ring.submit() {
            Ok(n) => {
                all = all.saturating_add(n);
                if !book.is_short_of_room() {
                    return Ok(all);
                }
                if n == 0 || book.ring.flags & IORING_SETUP_SQPOLL != 0 {
                    // A thread of the kernel takes them in its own time.
                    book.ring.wait_for_space()?;
                }
            }
            Err(_) if all > 0 => return Ok(all),
            Err(e) => return Err(e),
        }
    }
}

fn sleep(ring: &Ring, queued: u32, until: Option<u64>) -> Result<u32> {
    let Some(until) = until else {
        return ring.sleep(queued, 1, &Patience::new(ptr::null(), ptr::null(), 0));
    };
    let left = until.saturating_sub(futex::now());
    let timeout = Timespec {
        tv_sec: (left / 1_000_000_000) as i64,
        tv_nsec: (left % 1_000_000_000) as i64,
    };
    let slept = ring.sleep(queued, 1, &Patience::new(&raw const timeout, ptr::null(), 0))?;
    if left == 0 && ring.cq_ready() == 0 {
        return Err(Errno::ETIME);
    }
    Ok(slept)
}

/// Ends a pool: cancels what is under way, waits for it, takes the buffers out of the table and frees all.
///
/// # Errors
/// `EINVAL`: there is no such pool. `EBUSY`: another thread is in it, or completions that are not the pool's fill the ring.
/// What the kernel refuses to wait with. The pool is there then, cancelled.
///
pub fn destroy(pool: &Pool) -> Result<()> {
    let mut inside = pool.enter()?;
    let book = &mut inside.book;
    if book.head.sleepers > 0 {
        return Err(Errno::EBUSY);
    }
    if !is_over(book.ring) {
        book.stop();
        drain(book)?;
        if book.head.flags & POOL_PLAIN == 0 {
            let (flags, first) = (book.head.flags, book.head.first_slot);
            let staying = flags & (POOL_TAGS | POOL_IMPORT) == 0;
            let filled = if staying { book.leases.len() as u32 } else { 0 };
            empty(book.ring, first, filled, flags & POOL_TABLE == 0);
        }
    }
    let (memory, by_address) = (book.head.memory, book.head.by_address);
    // SAFETY: as in `enter`.
    let (records, len, memory_len) = unsafe {
        let inner = &*pool.inner.get();
        (inner.records, inner.records_len, inner.memory_len)
    };
    pool.magic.store(0, Ordering::Release);
    inside.quiet = true;
    drop(inside);
    // SAFETY: with the magic gone nobody comes in any more; the kernel was waited for. Only if the ring is over already may it
    // still have requests that name memory by its address.
    unsafe {
        if memory_len > 0 && by_address > 0 {
            map::wall_off(memory, memory_len);
        } else if memory_len > 0 {
            map::unmap(memory, memory_len);
        }
        map::unmap(records, len);
    }
    keep(ptr::from_ref(pool).cast_mut());
    Ok(())
}

/// Waits until nothing of the pool is under way. The program's own completions stay in the ring.
fn drain(book: &mut Book<'_>) -> Result<()> {
    loop {
        let ring = book.ring;
        let others = ring.sift(|cqe| matches!(book.absorb(cqe), Ok(true)));
        while book.next().is_some() {}
        book.flush();
        if book.head.busy == 0 && book.head.errands == 0 {
            return Ok(());
        }
        if book.is_short_of_room() {
            submit_all(book)?;
        }
        if others >= ring.cq.ring_entries {
            return Err(Errno::EBUSY);
        }
        match ring.sleep(
            ring.flush(),
            others.wrapping_add(1),
            &Patience::new(ptr::null(), ptr::null(), 0),
        ) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
}
