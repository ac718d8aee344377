//! What programs fill and read of buffer rings, as `aiouring.h` has it; the fields are explained there.
#![allow(missing_docs, non_camel_case_types)]

use core::ffi::{c_int, c_uint, c_void};

use crate::uring::bufring::BufRing as aiouring_bufring;
pub use crate::uring::bufring::Now as aiouring_bufring_info;

/// `struct aiouring_bufring_params`: what an object is to be.
#[repr(C)]
#[derive(Debug)]
pub struct aiouring_bufring_params {
    pub nr: c_uint,
    pub size: c_uint,
    pub max: c_uint,
    pub flags: c_uint,
    pub min_left: c_uint,
    pub bgid: c_int,
    pub memory: *mut c_void,
    pub resv: [u64; 4],
}

/// `struct aiouring_bufring_walk`: the spans of a completion that were not handed out.
#[repr(C)]
#[derive(Debug)]
pub struct aiouring_bufring_walk {
    pub br: *mut aiouring_bufring,
    pub left: c_uint,
    pub spans: c_uint,
    pub offset: c_uint,
    pub bid: c_uint,
}

/// `struct aiouring_bufring_span`: data in one buffer.
#[repr(C)]
#[derive(Debug)]
pub struct aiouring_bufring_span {
    pub base: *mut c_void,
    pub len: c_uint,
    pub id: c_uint,
}
