//! Which requests the kernel knows.
#![allow(unsafe_code)]

use core::ptr;

use super::abi::{IO_URING_OP_SUPPORTED, IORING_REGISTER_PROBE, Probe, ProbeOp, Ring};
use super::{register, setup};
use crate::sys::Result;

/// As many as an opcode's byte can name.
const OPS: usize = 256;

/// What the kernel fills: the head and every answer it could give.
#[derive(Clone, Copy)]
#[repr(C)]
struct Answers {
    head: Probe,
    ops: [ProbeOp; OPS],
}

/// Whether the ring's kernel knows the request `op`; false also where it cannot be asked, before 5.6.
pub fn supported(ring: &Ring, op: u8) -> bool {
    let mut answers = Answers {
        head: Probe::default(),
        ops: [ProbeOp::default(); OPS],
    };
    ask(ring, &mut answers).is_ok()
        && answers
            .ops
            .get(op as usize)
            .is_some_and(|o| u32::from(o.flags) & IO_URING_OP_SUPPORTED != 0)
}

/// The requests that the ring's kernel knows, as bits.
///
/// # Errors
/// `EINVAL` before 5.6.
pub fn all(ring: &Ring) -> Result<[u64; 4]> {
    let mut answers = Answers {
        head: Probe::default(),
        ops: [ProbeOp::default(); OPS],
    };
    ask(ring, &mut answers)?;
    let mut bits = [0; 4];
    for (word, ops) in bits.iter_mut().zip(answers.ops.chunks(64)) {
        for (bit, op) in ops.iter().enumerate() {
            *word |= u64::from(u32::from(op.flags) & IO_URING_OP_SUPPORTED != 0) << bit;
        }
    }
    Ok(bits)
}

fn ask(ring: &Ring, answers: &mut Answers) -> Result<u32> {
    // SAFETY: the kernel writes OPS entries at most, and only during the call.
    unsafe { register::register(ring, IORING_REGISTER_PROBE, ptr::from_mut(answers).cast(), OPS as u32) }
}

/// The kernel's answers in memory of `malloc`, for the caller to free; null where it cannot be asked.
pub fn allocate(ring: &Ring) -> *mut Probe {
    // SAFETY: calloc takes any size; zero bytes are a valid `Answers`.
    unsafe {
        let at: *mut Answers = libc::calloc(1, size_of::<Answers>()).cast();
        let Some(answers) = at.as_mut() else {
            return ptr::null_mut();
        };
        if ask(ring, answers).is_err() {
            libc::free(at.cast());
            return ptr::null_mut();
        }
        at.cast()
    }
}

/// The same without a ring: one is made for the question.
pub fn allocate_alone() -> *mut Probe {
    let mut ring = Ring::zeroed();
    if setup::init(2, &mut ring, 0).is_err() {
        return ptr::null_mut();
    }
    let probe = allocate(&ring);
    setup::exit(&mut ring);
    probe
}

/// Frees what [`allocate`] gave.
///
/// # Safety
/// `probe` must be null or of `malloc`, and not freed before.
pub unsafe fn free(probe: *mut Probe) {
    // SAFETY: the caller's promise.
    unsafe { libc::free(probe.cast()) };
}
