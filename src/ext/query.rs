//! What the kernel says of itself without a ring.
#![allow(unsafe_code)]

use core::ptr;

use crate::sys::{Errno, Result, uring};
use crate::uring::IORING_REGISTER_QUERY;

/// The question for [`Opcodes`].
const OPCODES: u32 = 0;

/// A question.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Question {
    next_entry: u64,
    query_data: u64,
    query_op: u32,
    size: u32,
    result: i32,
    resv: [u32; 3],
}

/// Which operations and flags there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Opcodes {
    /// Numbers of requests are below it.
    pub requests: u32,
    /// Those of `io_uring_register` are below it.
    pub registers: u32,
    /// `IORING_FEAT_`.
    pub features: u64,
    /// `IORING_SETUP_`.
    pub setup_flags: u64,
    /// `IORING_ENTER_`.
    pub enter_flags: u64,
    /// `IOSQE_`.
    pub sqe_flags: u64,
    /// Numbers of questions are below it.
    pub queries: u32,
    pad: u32,
}

const _: () = assert!(size_of::<Question>() == 40 && size_of::<Opcodes>() == 48);

/// Asks for them. `EINVAL` before Linux 6.18.
pub fn opcodes() -> Result<Opcodes> {
    let mut answer = Opcodes::default();
    let mut question = Question {
        query_data: ptr::from_mut(&mut answer).expose_provenance() as u64,
        query_op: OPCODES,
        size: size_of::<Opcodes>() as u32,
        ..Question::default()
    };
    // SAFETY: the kernel reads and writes the two during the call.
    unsafe { uring::register(-1, IORING_REGISTER_QUERY, ptr::from_mut(&mut question).cast(), 0) }?;
    if question.result < 0 {
        return Err(Errno::new(question.result.wrapping_neg()));
    }
    Ok(answer)
}
