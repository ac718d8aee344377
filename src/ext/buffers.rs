//! Registered buffers of a ring that are found by their addresses.

#![allow(unsafe_code)]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use crate::sys::futex::Lock;
use crate::sys::map;
use crate::sys::{Errno, Result};
use crate::uring::lookup::{Lookup, MOST};
use crate::uring::{IORING_OP_WRITEV_FIXED, Ring, probe, register};

/// An `iovec` as two words.
type Segment = [usize; 2];

/// So many buffers are replaced at once.
const CHUNK: usize = 32;

/// The buffers of a ring; it lies at the beginning of the memory that it describes.
pub struct Buffers {
    ring: AtomicUsize,
    /// The kernel knows vectors in registered buffers: Linux 6.15.
    vectored: AtomicBool,
    lock: Lock,
    count: u32,
    bytes: usize,
    lookup: Lookup,
}

impl Buffers {
    /// Registers `count` buffers with the ring; without `iovecs` that many empty places.
    ///
    /// # Errors
    /// `EINVAL`, `ENOMEM`, and what the kernel says.
    ///
    /// # Safety
    /// `iovecs` is null or readable for as many, `tags` too; the ring lives as long as the object, and so does the memory.
    pub unsafe fn create(ring: &Ring, iovecs: *const Segment, tags: *const u64, count: u32) -> Result<NonNull<Self>> {
        if count == 0 || count > MOST || iovecs.is_null() && !tags.is_null() {
            return Err(Errno::EINVAL);
        }
        let head = size_of::<Self>().next_multiple_of(64);
        let bytes = map::pages(head + Lookup::bytes(count));
        let memory = map::private(bytes)?;
        // SAFETY: of that size, zeroed, aligned to pages, and nobody else's until it is unmapped.
        let made = unsafe {
            let place = memory.cast::<Self>();
            place.write(Self {
                ring: AtomicUsize::new(&raw const *ring as usize),
                vectored: AtomicBool::new(probe::supported(ring, IORING_OP_WRITEV_FIXED)),
                lock: Lock::default(),
                count,
                bytes,
                lookup: Lookup::over(memory.add(head), count),
            });
            place
        };
        // SAFETY: the caller's promise.
        let registered = unsafe {
            if iovecs.is_null() {
                register::buffers_sparse(ring, count)
            } else if tags.is_null() {
                register::buffers(ring, iovecs.cast(), count)
            } else {
                register::buffers_tags(ring, iovecs.cast(), tags, count)
            }
        };
        if let Err(e) = registered {
            // SAFETY: made above, and nobody has seen it.
            unsafe { map::unmap(memory.as_ptr(), bytes) };
            return Err(e);
        }
        if !iovecs.is_null() {
            // SAFETY: the kernel has read them.
            let iovecs = unsafe { core::slice::from_raw_parts(iovecs, count as usize) };
            // SAFETY: made above.
            unsafe { made.as_ref() }.note(0, iovecs);
        }
        Ok(made)
    }

    fn ring(&self) -> Option<&Ring> {
        // SAFETY: whoever made the object promised that the ring lives as long.
        unsafe { (self.ring.load(SeqCst) as *const Ring).as_ref() }
    }

    fn note(&self, offset: u32, iovecs: &[Segment]) {
        for (index, [base, len]) in (offset..).zip(iovecs) {
            self.lookup.set(index, *base, *len);
        }
    }

    /// Replaces `count` buffers from `offset` on; gives how many were.
    ///
    /// # Errors
    /// `EINVAL` beyond the end, else what the kernel says of the first.
    ///
    /// # Safety
    /// As [`Self::create`].
    pub unsafe fn update(&self, offset: u32, iovecs: *const Segment, tags: *const u64, count: u32) -> Result<u32> {
        if count == 0 || offset > self.count || count > self.count - offset || iovecs.is_null() {
            return Err(Errno::EINVAL);
        }
        let held = self.lock.lock();
        if held.is_nested() {
            // A signal handler came in between.
            return Err(Errno::EBUSY);
        }
        let ring = self.ring().ok_or(Errno::EINVAL)?;
        // SAFETY: the caller's promise.
        let iovecs = unsafe { core::slice::from_raw_parts(iovecs, count as usize) };
        let mut done = 0;
        for some in iovecs.chunks(CHUNK) {
            let tags = if tags.is_null() {
                tags
            } else {
                tags.wrapping_add(done as usize)
            };
            // SAFETY: the caller's promise.
            match unsafe {
                register::buffers_update(ring, offset + done, some.as_ptr().cast(), tags, some.len() as u32)
            } {
                Ok(n) => {
                    self.note(offset + done, some.get(..n as usize).unwrap_or(some));
                    done += n;
                    if (n as usize) < some.len() {
                        break;
                    }
                }
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// The buffer that holds all of this memory.
    pub fn find(&self, address: usize, len: usize) -> Option<u32> {
        self.lookup.find(address, len)
    }

    /// The buffer that holds all pieces of a vector, if the kernel takes such; pieces without length are in none.
    pub fn find_vector(&self, pieces: &[Segment]) -> Option<u32> {
        let [[base, len], rest @ ..] = pieces else { return None };
        let index = self.vectored.load(SeqCst).then(|| self.find(*base, *len))??;
        let holds = |piece: &Segment| {
            let [base, len] = *piece;
            len > 0 && self.lookup.holds(index, base, len)
        };
        rest.iter().all(holds).then_some(index)
    }

    /// Lets go of all buffers and ends the object.
    ///
    /// # Errors
    /// What the kernel says; the object is gone in any case.
    ///
    /// # Safety
    /// The object is one of [`Self::create`], nobody else uses it, and nobody will.
    pub unsafe fn destroy(this: NonNull<Self>) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe {
            let result = this.as_ref().ring().map_or(Ok(0), register::unregister_buffers);
            let bytes = this.as_ref().bytes;
            map::unmap(this.as_ptr().cast(), bytes);
            result.map(drop)
        }
    }
}
