//! Registration: files, buffers, descriptors, and what else has an opcode of `io_uring_register`.
#![allow(unsafe_code)]

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::Ordering;

use super::abi::*;
use super::shared::{NO_IOWAIT, REGISTERED, REGISTERS_BY_INDEX};
use crate::sys::{Errno, Result, uring};

/// Registers something with the ring, by its descriptor or by the registered index.
///
/// # Safety
/// `arg` must be what `opcode` reads and writes for `nr`; what it registers must outlive the registration.
pub unsafe fn register(ring: &Ring, opcode: u32, arg: *const c_void, nr: u32) -> Result<u32> {
    let (fd, by_index) = if ring.noted(REGISTERS_BY_INDEX) {
        (ring.enter_fd(), IORING_REGISTER_USE_REGISTERED_RING)
    } else if ring.ring_fd >= 0 {
        (ring.ring_fd, 0)
    } else {
        // To the kernel -1 means that something is for the task: a filter for all its rings, say.
        return Err(Errno::EBADF);
    };
    // SAFETY: the caller's promise.
    unsafe { uring::register(fd, opcode | by_index, arg, nr) }
}

/// An opcode without an argument.
pub(super) fn simple(ring: &Ring, opcode: u32) -> Result<u32> {
    numbered(ring, opcode, 0)
}

/// An opcode with a number alone.
pub(super) fn numbered(ring: &Ring, opcode: u32, nr: u32) -> Result<u32> {
    // SAFETY: no argument.
    unsafe { register(ring, opcode, ptr::null(), nr) }
}

/// An opcode that reads and writes `params`.
pub(super) fn params(ring: &Ring, opcode: u32, params: &mut Params) -> Result<u32> {
    // SAFETY: the kernel takes a Params for the opcodes this is for, and keeps nothing.
    unsafe { register(ring, opcode, ptr::from_mut(params).cast(), 1) }
}

/// Repeats `attempt` once if the limit of descriptors may have been too low for `nr` files; the limit is raised by as many
/// if it is below that.
fn with_descriptors(nr: u32, attempt: impl Fn() -> Result<u32>) -> Result<u32> {
    match attempt() {
        Err(Errno::EMFILE) => {
            uring::raise_descriptor_limit(nr);
            attempt()
        }
        result => result,
    }
}

/// Registers `nr` descriptors, read at `files`; -1 leaves a slot empty.
pub fn files(ring: &Ring, files: *const i32, nr: u32) -> Result<u32> {
    // SAFETY: the kernel answers EFAULT if it cannot read `files`, and keeps nothing of it.
    with_descriptors(nr, || unsafe {
        register(ring, IORING_REGISTER_FILES, files.cast(), nr)
    })
}

/// The same with a tag for each, to be told when the kernel has let go of it.
pub fn files_tags(ring: &Ring, files: *const i32, tags: *const u64, nr: u32) -> Result<u32> {
    let arg = tagged(nr, files.cast(), tags);
    with_descriptors(nr, || resources(ring, IORING_REGISTER_FILES2, &arg))
}

/// Registers a table of `nr` empty slots. 5.19.
pub fn files_sparse(ring: &Ring, nr: u32) -> Result<u32> {
    let arg = sparse(nr);
    with_descriptors(nr, || resources(ring, IORING_REGISTER_FILES2, &arg))
}

/// Replaces `nr` slots from `offset` on; how many were done.
pub fn files_update(ring: &Ring, offset: u32, files: *const i32, nr: u32) -> Result<u32> {
    let arg = FilesUpdate {
        offset,
        resv: 0,
        fds: address(files),
    };
    // SAFETY: read during the call only; EFAULT for bad addresses.
    unsafe { register(ring, IORING_REGISTER_FILES_UPDATE, ptr::from_ref(&arg).cast(), nr) }
}

/// The same with tags. 5.13.
pub fn files_update_tag(ring: &Ring, offset: u32, files: *const i32, tags: *const u64, nr: u32) -> Result<u32> {
    update(ring, IORING_REGISTER_FILES_UPDATE2, offset, files.cast(), tags, nr)
}

/// Lets go of all files.
pub fn unregister_files(ring: &Ring) -> Result<u32> {
    simple(ring, IORING_UNREGISTER_FILES)
}

/// Registers `nr` buffers, described at `iovecs`.
///
/// # Safety
/// The kernel reads and writes the buffers for requests that name them, as long as they are registered.
pub unsafe fn buffers(ring: &Ring, iovecs: *const c_void, nr: u32) -> Result<u32> {
    // SAFETY: the caller's promise; EFAULT if `iovecs` cannot be read.
    unsafe { register(ring, IORING_REGISTER_BUFFERS, iovecs, nr) }
}

/// The same with a tag for each. 5.13.
///
/// # Safety
/// As [`buffers`].
pub unsafe fn buffers_tags(ring: &Ring, iovecs: *const c_void, tags: *const u64, nr: u32) -> Result<u32> {
    resources(ring, IORING_REGISTER_BUFFERS2, &tagged(nr, iovecs, tags))
}

/// Registers a table of `nr` empty slots. 5.19.
pub fn buffers_sparse(ring: &Ring, nr: u32) -> Result<u32> {
    resources(ring, IORING_REGISTER_BUFFERS2, &sparse(nr))
}

/// Replaces `nr` slots from `offset` on; how many were done. 5.13.
///
/// # Safety
/// As [`buffers`].
pub unsafe fn buffers_update(
    ring: &Ring,
    offset: u32,
    iovecs: *const c_void,
    tags: *const u64,
    nr: u32,
) -> Result<u32> {
    update(ring, IORING_REGISTER_BUFFERS_UPDATE, offset, iovecs, tags, nr)
}

/// Lets go of all buffers.
pub fn unregister_buffers(ring: &Ring) -> Result<u32> {
    simple(ring, IORING_UNREGISTER_BUFFERS)
}

/// Has the kernel count completions on an eventfd; with `only_async` only those that did not complete at submission.
pub fn eventfd(ring: &Ring, fd: i32, only_async: bool) -> Result<u32> {
    let opcode = if only_async {
        IORING_REGISTER_EVENTFD_ASYNC
    } else {
        IORING_REGISTER_EVENTFD
    };
    // SAFETY: one descriptor, read during the call.
    unsafe { register(ring, opcode, ptr::from_ref(&fd).cast(), 1) }
}

/// Ends that.
pub fn unregister_eventfd(ring: &Ring) -> Result<u32> {
    simple(ring, IORING_UNREGISTER_EVENTFD)
}

/// Registers the ring's own descriptor with the calling thread, which saves a look-up in each call: 1.
/// `EEXIST` if it is registered. 5.18.
pub fn register_ring_fd(ring: &Ring) -> Result<u32> {
    if ring.noted(REGISTERED) {
        return Err(Errno::EEXIST);
    }
    // The kernel picks the slot and puts its number in place of the offset.
    let mut arg = RsrcUpdate {
        offset: u32::MAX,
        resv: 0,
        data: ring.ring_fd as u32 as u64,
    };
    // SAFETY: one entry, read and written during the call.
    let done = unsafe { register(ring, IORING_REGISTER_RING_FDS, ptr::from_mut(&mut arg).cast(), 1) }?;
    if done == 1 {
        ring.enter_ring_fd.store(arg.offset, Ordering::Relaxed);
        ring.note_registrar();
        ring.note(REGISTERED, true);
        ring.note(REGISTERS_BY_INDEX, ring.features & IORING_FEAT_REG_REG_RING != 0);
    }
    Ok(done)
}

/// Undoes that, in the same thread: 1. `EINVAL` if it is not registered, or in another thread.
pub fn unregister_ring_fd(ring: &Ring) -> Result<u32> {
    // In another thread the index may be that of another ring.
    if !ring.noted(REGISTERED) || !ring.is_registrar() {
        return Err(Errno::EINVAL);
    }
    let arg = RsrcUpdate {
        offset: ring.enter_fd() as u32,
        ..RsrcUpdate::default()
    };
    // SAFETY: one entry, read during the call.
    let done = unsafe { register(ring, IORING_UNREGISTER_RING_FDS, ptr::from_ref(&arg).cast(), 1) }?;
    if done == 1 {
        ring.enter_ring_fd.store(ring.ring_fd as u32, Ordering::Relaxed);
        ring.note(REGISTERED | REGISTERS_BY_INDEX, false);
    }
    Ok(done)
}

/// Keeps the caller's credentials for requests to name: the number to name them by.
pub fn personality(ring: &Ring) -> Result<u32> {
    simple(ring, IORING_REGISTER_PERSONALITY)
}

/// Forgets them.
pub fn unregister_personality(ring: &Ring, id: i32) -> Result<u32> {
    numbered(ring, IORING_UNREGISTER_PERSONALITY, id as u32)
}

/// Lets the ring's workers run anywhere again.
pub fn unregister_iowq_affinity(ring: &Ring) -> Result<u32> {
    simple(ring, IORING_UNREGISTER_IOWQ_AFF)
}

/// Reserves the slots that the kernel may pick from by itself. 6.0.
pub fn file_alloc_range(ring: &Ring, off: u32, len: u32) -> Result<u32> {
    let arg = FileIndexRange { off, len, resv: 0 };
    // SAFETY: read during the call.
    unsafe { register(ring, IORING_REGISTER_FILE_ALLOC_RANGE, ptr::from_ref(&arg).cast(), 0) }
}

/// Makes buffers of `source` buffers of `ring`, too. 6.12, with a range 6.13.
///
/// With `SRC_REGISTERED` the source goes by its registered index, if it has one: that is the calling thread's.
pub fn clone_buffers(ring: &Ring, source: &Ring, dst_off: u32, src_off: u32, nr: u32, flags: u32) -> Result<u32> {
    let by_index = flags & IORING_REGISTER_SRC_REGISTERED != 0 && source.noted(REGISTERS_BY_INDEX);
    let arg = CloneBuffers {
        src_fd: if by_index { source.enter_fd() } else { source.ring_fd } as u32,
        flags: if by_index {
            flags
        } else {
            flags & !IORING_REGISTER_SRC_REGISTERED
        },
        src_off,
        dst_off,
        nr,
        pad: [0; 3],
    };
    // SAFETY: read during the call; the kernel keeps the pages itself.
    unsafe { register(ring, IORING_REGISTER_CLONE_BUFFERS, ptr::from_ref(&arg).cast(), 1) }
}

/// Whether waiting on this ring counts as waiting for I/O. `EOPNOTSUPP` before 6.15.
pub fn set_iowait(ring: &Ring, on: bool) -> Result<()> {
    if ring.features & IORING_FEAT_NO_IOWAIT == 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    ring.note(NO_IOWAIT, !on);
    Ok(())
}

fn address<T>(at: *const T) -> u64 {
    at.expose_provenance() as u64
}

fn tagged(nr: u32, data: *const c_void, tags: *const u64) -> RsrcRegister {
    RsrcRegister {
        nr,
        flags: 0,
        resv2: 0,
        data: address(data),
        tags: address(tags),
    }
}

fn sparse(nr: u32) -> RsrcRegister {
    RsrcRegister {
        nr,
        flags: IORING_RSRC_REGISTER_SPARSE,
        ..RsrcRegister::default()
    }
}

fn resources(ring: &Ring, opcode: u32, arg: &RsrcRegister) -> Result<u32> {
    // SAFETY: read during the call; EFAULT for bad addresses in it.
    unsafe {
        register(
            ring,
            opcode,
            ptr::from_ref(arg).cast(),
            size_of::<RsrcRegister>() as u32,
        )
    }
}

fn update(ring: &Ring, opcode: u32, offset: u32, data: *const c_void, tags: *const u64, nr: u32) -> Result<u32> {
    let arg = RsrcUpdate2 {
        offset,
        resv: 0,
        data: address(data),
        tags: address(tags),
        nr,
        resv2: 0,
    };
    // SAFETY: read during the call; EFAULT for bad addresses in it.
    unsafe {
        register(
            ring,
            opcode,
            ptr::from_ref(&arg).cast(),
            size_of::<RsrcUpdate2>() as u32,
        )
    }
}
