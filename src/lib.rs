//! liburing and libaio from one safe core.
//!
//! Data flows one way, and nothing points back up:
//!
//! | layer | what it holds |
//! | --- | --- |
//! | `include/` | C headers; the inlines that fill SQEs and read CQEs |
//! | [`capi`] | C types in, `-errno` out; every export is a few lines |
//! | [`ext`] | what neither liburing nor libaio has, on top of both engines |
//! | [`uring`] | the ring engine: set-up, queues, registration, probe, buffers |
//! | [`aio`] | the AIO engine: context table, admission, lanes, completion, fall-back |
//! | [`sys`] | the system calls |
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod aio;
pub mod capi;
pub mod ext;
#[cfg(all(feature = "staticlib", not(test)))]
mod panic;
pub mod sys;
pub mod uring;
