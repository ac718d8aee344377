//! Registered buffers of a ring that are found by their addresses.
//!
//! To look is for any thread, also while another one updates; updates wait for each other. A ring with
//! `IORING_SETUP_SINGLE_ISSUER` takes buffers from its own thread only (`-EEXIST`).

use crate::capi::IntoC;
use crate::ext::buffers::Buffers as aiouring_buffers;
use crate::sys::Errno;
use crate::uring::{
    IORING_OP_READ, IORING_OP_READ_FIXED, IORING_OP_READV, IORING_OP_READV_FIXED, IORING_OP_WRITE,
    IORING_OP_WRITE_FIXED, IORING_OP_WRITEV, IORING_OP_WRITEV_FIXED, Ring as io_uring, Sqe as io_uring_sqe,
};
use core::ffi::{c_int, c_uint, c_ulonglong, c_void};
use core::ptr::NonNull;
use libc::iovec;

/// Registers `nr` buffers with a ring, and remembers where they are: 0, and the object in `*out`. `iovecs` NULL: `nr` empty
/// places. Tags are the user data of completions that tell when the kernel has let go of a buffer, 0 for none.
///
/// `-EFAULT` without `out` or `ring`, else as `io_uring_register_buffers_tags`: `-EINVAL`, `-EBUSY`, `-EFAULT`, `-ENOMEM`,
/// `-EEXIST`, ... Linux 5.1; with tags 5.13, empty places 5.19.
///
/// # Safety
/// `out` must be null or writable; `ring` null or set up, where it is and as long as the object; `iovecs` null or readable
/// for `nr`, and so must `tags` be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_create(
    out: *mut *mut aiouring_buffers,
    ring: *mut io_uring,
    iovecs: *const iovec,
    tags: *const c_ulonglong,
    nr: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    let Some(ring) = (unsafe { ring.as_ref() }).filter(|_| !out.is_null()) else {
        return Errno::EFAULT.negated();
    };
    // SAFETY: the caller's promise; an iovec is two words.
    let made = unsafe { aiouring_buffers::create(ring, iovecs.cast(), tags, nr) };
    // SAFETY: the caller's promise.
    made.map(|object| unsafe { out.write(object.as_ptr()) }).into_c()
}

/// Replaces `nr` buffers from place `offset` on; an entry of zeroes empties a place. How many were replaced, fewer than
/// `nr` if the next could not be. `-EINVAL` beyond the places or for a null pointer, `-EBUSY` in a signal handler that
/// interrupts the same, else what the kernel says. Linux 5.13.
///
/// # Safety
/// `buffers` must be null or an object; the rest as in [`aiouring_buffers_create`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_update(
    buffers: *mut aiouring_buffers,
    offset: c_uint,
    iovecs: *const iovec,
    tags: *const c_ulonglong,
    nr: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    match unsafe { buffers.as_ref() } {
        // SAFETY: the caller's promise.
        Some(buffers) => unsafe { buffers.update(offset, iovecs.cast(), tags, nr) }.into_c(),
        None => Errno::EINVAL.negated(),
    }
}

/// Lets go of all buffers, those that requests use when these end, and ends the object; NULL is 0. What the kernel says; the
/// object is gone in any case.
///
/// # Safety
/// `buffers` must be null or an object that no thread uses any more, and its ring not have ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_destroy(buffers: *mut aiouring_buffers) -> c_int {
    match NonNull::new(buffers) {
        // SAFETY: the caller's promise.
        Some(object) => unsafe { aiouring_buffers::destroy(object) }.into_c(),
        None => 0,
    }
}

/// The number of a buffer that holds all `len` bytes at `address`; `-ENOENT` for none, `-EINVAL` without an object.
///
/// # Safety
/// `buffers` must be null or an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_find(
    buffers: *const aiouring_buffers,
    address: *const c_void,
    len: usize,
) -> c_int {
    // SAFETY: the caller's promise.
    let buffers = unsafe { buffers.as_ref() }.ok_or(Errno::EINVAL);
    let found = |b: &aiouring_buffers| b.find(address as usize, len).ok_or(Errno::ENOENT);
    buffers.and_then(found).into_c()
}

/// Fills a request; 1 if it has a registered buffer.
unsafe fn prep(
    sqe: *mut io_uring_sqe,
    ops: [u8; 2],
    index: Option<u32>,
    (fd, address, len, offset): (c_int, *const c_void, c_uint, c_ulonglong),
    flags: c_int,
) -> c_int {
    let [plain, fixed] = ops;
    // SAFETY: the caller's promise.
    let filled = unsafe { sqe.as_mut() }.ok_or(Errno::EINVAL).map(|sqe| {
        *sqe = io_uring_sqe {
            opcode: if index.is_some() { fixed } else { plain },
            fd,
            addr: address as u64,
            len,
            off: offset,
            op_flags: flags as u32,
            buf_index: index.unwrap_or(0) as u16,
            user_data: sqe.user_data,
            ..io_uring_sqe::default()
        };
        u32::from(index.is_some())
    });
    filled.into_c()
}

unsafe fn find(buffers: *const aiouring_buffers, address: *const c_void, len: c_uint) -> Option<u32> {
    // SAFETY: the caller's promise.
    unsafe { buffers.as_ref() }.and_then(|b| b.find(address as usize, len as usize))
}

unsafe fn find_vector(buffers: *const aiouring_buffers, iovecs: *const iovec, nr: c_uint) -> Option<u32> {
    // SAFETY: the caller's promise; an iovec is two words.
    unsafe {
        let buffers = buffers.as_ref().filter(|_| !iovecs.is_null())?;
        buffers.find_vector(core::slice::from_raw_parts(iovecs.cast(), nr as usize))
    }
}

/// Fills `sqe` as a read: 1, as one with a registered buffer if one holds the memory; 0, as an ordinary one. `user_data` stays as it is. `-EINVAL` without
/// `sqe`; without `buffers` it is an ordinary one.
///
/// # Safety
/// `buffers` must be null or an object, `sqe` null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_prep_read(
    buffers: *const aiouring_buffers,
    sqe: *mut io_uring_sqe,
    fd: c_int,
    buf: *mut c_void,
    nbytes: c_uint,
    offset: c_ulonglong,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let index = find(buffers, buf, nbytes);
        let ops = [IORING_OP_READ, IORING_OP_READ_FIXED];
        prep(sqe, ops, index, (fd, buf, nbytes, offset), 0)
    }
}

/// The same for a write.
///
/// # Safety
/// As [`aiouring_buffers_prep_read`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_prep_write(
    buffers: *const aiouring_buffers,
    sqe: *mut io_uring_sqe,
    fd: c_int,
    buf: *const c_void,
    nbytes: c_uint,
    offset: c_ulonglong,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let index = find(buffers, buf, nbytes);
        let ops = [IORING_OP_WRITE, IORING_OP_WRITE_FIXED];
        prep(sqe, ops, index, (fd, buf, nbytes, offset), 0)
    }
}

/// The same for a read into several pieces of memory, with flags `RWF_`: 1 if all of them lie in one buffer, and the kernel
/// has such requests (Linux 6.15). The kernel reads `iovecs` when the request is handed over.
///
/// # Safety
/// As [`aiouring_buffers_prep_read`]; `iovecs` must be null or readable for `nr_vecs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_prep_readv(
    buffers: *const aiouring_buffers,
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: c_ulonglong,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let index = find_vector(buffers, iovecs, nr_vecs);
        let ops = [IORING_OP_READV, IORING_OP_READV_FIXED];
        prep(sqe, ops, index, (fd, iovecs.cast(), nr_vecs, offset), flags)
    }
}

/// The same for a write.
///
/// # Safety
/// As [`aiouring_buffers_prep_readv`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aiouring_buffers_prep_writev(
    buffers: *const aiouring_buffers,
    sqe: *mut io_uring_sqe,
    fd: c_int,
    iovecs: *const iovec,
    nr_vecs: c_uint,
    offset: c_ulonglong,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let index = find_vector(buffers, iovecs, nr_vecs);
        let ops = [IORING_OP_WRITEV, IORING_OP_WRITEV_FIXED];
        prep(sqe, ops, index, (fd, iovecs.cast(), nr_vecs, offset), flags)
    }
}
