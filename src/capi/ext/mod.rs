//! The extensions of `aiouring.h`.
//!
//! Unless a function says otherwise: results below zero are negative error numbers, and `errno` is never written.
//! Pointers are read during the call only. What takes a context, or makes what such a function takes, is in
//! `libaio.so.1` as well.

#[cfg(all(feature = "capi-uring", feature = "capi-aio"))]
#[allow(non_camel_case_types)] // the prototypes are compared with the header's
pub mod buffers;
#[cfg(feature = "capi-aio")]
#[allow(non_camel_case_types)] // the prototypes are compared with the header's
pub mod bufring;
// Not in liburing.so.2, which exports what the original does.
#[cfg(all(feature = "capi-uring", feature = "capi-aio"))]
pub mod commands;
#[cfg(feature = "capi-aio")]
pub mod context;
#[cfg(all(feature = "capi-uring", feature = "capi-aio"))]
#[allow(non_camel_case_types)] // the structures keep their names in C
pub mod lease;
#[cfg(all(feature = "capi-uring", feature = "capi-aio"))]
#[allow(non_camel_case_types)] // the structures keep their names in C
pub mod ring;
