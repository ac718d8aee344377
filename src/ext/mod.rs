//! The extensions: what neither liburing nor libaio has, on top of both engines.
//!
//! An extension of a context goes through [`crate::aio::extend`], which finds the copy of this library that made
//! the context; one of a ring is made of the ring engine's functions.

pub mod btrfs;
#[cfg(feature = "capi-uring")]
pub mod buffers;
pub mod bufring;
pub mod drain;
pub mod features;
pub mod lease;
pub mod lend;
pub mod query;
pub mod reserve;
pub mod submitter;
mod text;
pub mod wake;
pub mod wishes;
