//! Encoded reads and writes of btrfs: whether the kernel uses registered buffers for them.
#![allow(unsafe_code)] // a request that names memory of this function

use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::sys::{Errno, Result, file};
use crate::uring::{IORING_OP_URING_CMD, Ring, Sqe, setup};

/// `f_type` of a btrfs.
const BTRFS: i64 = 0x9123_683e;
/// The command for an encoded read: `_IOR(0x94, 64, struct aiouring_btrfs_encoded)`.
const ENCODED_READ: u64 = 2 << 30 | (size_of::<Encoded>() as u64) << 16 | 0x94 << 8 | 64;
const URING_CMD_FIXED: u32 = 1;
/// A ring has 16384 buffers at most.
const NO_BUFFER: u16 = u16::MAX;
/// No file is so large, and a byte from here on is still within what an offset can say.
const BEYOND_ALL_FILES: i64 = 1 << 62;

/// `struct aiouring_btrfs_encoded`.
#[repr(C)]
struct Encoded {
    iov: *const libc::iovec,
    iovcnt: usize,
    offset: i64,
    /// `flags` to `encryption`.
    none: [u64; 5],
    reserved: [u8; 64],
}

/// What the kernel once answered: it is the same for all files and for as long as the process lives.
static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const IGNORES: u8 = 1;
const USES: u8 = 2;

/// Whether the kernel uses registered buffers for encoded reads and writes of the btrfs that `fd` is on, or takes the
/// memory as any other without a word.
pub fn uses_registered_buffers(fd: i32) -> Result<bool> {
    match ANSWER.load(Ordering::Relaxed) {
        USES => return Ok(true),
        IGNORES => return Ok(false),
        _ => (),
    }
    let uses = meaning(ask(fd)?)?;
    // Other files may have commands of the same number, and /dev/null says yes to any.
    if file::filesystem(fd) != BTRFS {
        return Err(Errno::EOPNOTSUPP);
    }
    ANSWER.store(if uses { USES } else { IGNORES }, Ordering::Relaxed);
    Ok(uses)
}

/// What the result of a read at the end of the file means that names a buffer which is not there.
fn meaning(result: i32) -> Result<bool> {
    match result {
        0.. => Ok(false),
        _ if result == Errno::EFAULT.negated() => Ok(true),
        _ => Err(Errno::new(result.wrapping_neg())),
    }
}

/// The result of such a read, on a ring of its own.
fn ask(fd: i32) -> Result<i32> {
    let mut ring = Ring::zeroed();
    setup::init(2, &mut ring, 0)?;
    let result = ask_on(&ring, fd);
    setup::exit(&mut ring);
    result
}

fn ask_on(ring: &Ring, fd: i32) -> Result<i32> {
    let mut byte = 0u8;
    // A byte and not none: a kernel could be done with nothing before it looks for the buffer.
    let iov = libc::iovec {
        iov_base: ptr::from_mut(&mut byte).cast(),
        iov_len: 1,
    };
    let mut args = Encoded {
        iov: &iov,
        iovcnt: 1,
        offset: BEYOND_ALL_FILES,
        none: [0; 5],
        reserved: [0; 64],
    };
    let sqe = Sqe {
        opcode: IORING_OP_URING_CMD,
        fd,
        off: ENCODED_READ,
        addr: ptr::from_mut(&mut args) as u64,
        op_flags: URING_CMD_FIXED,
        buf_index: NO_BUFFER,
        ..Sqe::default()
    };
    if !ring.push(&sqe) {
        return Err(Errno::EBUSY);
    }
    loop {
        // The kernel has its copy of all that is on this stack once it has the request, and writes nothing to the byte.
        match ring.submit_and_wait(1) {
            Ok(_) | Err(Errno::EINTR) => (),
            Err(error) if ring.peek().is_none() => return Err(error),
            Err(_) => (),
        }
        if let Some(cqe) = ring.peek() {
            return Ok(cqe.res);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kernel_that_looks_for_the_buffer_misses_it() {
        assert_eq!(meaning(-libc::EFAULT), Ok(true));
        assert_eq!(meaning(0), Ok(false));
        // /dev/zero might say so.
        assert_eq!(meaning(1), Ok(false));
        assert_eq!(meaning(-libc::EPERM), Err(Errno::EPERM));
        assert_eq!(meaning(-libc::EOPNOTSUPP), Err(Errno::EOPNOTSUPP));
    }

    #[test]
    fn the_structure_is_the_kernels() {
        assert_eq!(size_of::<Encoded>(), 128);
        assert_eq!(ENCODED_READ, 0x8080_9440);
    }
}
