//! The ring engine.
//!
//! One file per phase of a ring's life, and two below them for what is not safe by itself:
//!
//! | file | what it does |
//! | --- | --- |
//! | [`abi`] | layouts and numbers, as the kernel and the C headers have them |
//! | `shared` | reads and writes the words and entries shared with the kernel |
//! | `memory` | maps and unmaps what they lie in |
//! | [`setup`] | makes and ends a ring |
//! | [`queue`] | queues requests, submits, waits, hands out completions |
//! | [`register`] | registers files, buffers, descriptors and all else |
//! | [`probe`] | asks which requests the kernel knows |
//! | [`buffers`] | rings of provided buffers |
//! | [`bufring`] | the same with the books kept: the extension |
//! | [`lookup`] | finds the registered buffer that some memory lies in |
//!
//! A ring is used through `&Ring`, because C programs submit in one thread and reap in another.
//! What both threads change is atomic; two threads that submit, or two that reap, need a lock of their own.

pub mod abi;
pub mod buffers;
pub mod bufring;
pub mod lookup;
mod memory;
pub mod probe;
pub mod queue;
pub mod register;
pub mod setup;
mod shared;

pub use abi::*;
