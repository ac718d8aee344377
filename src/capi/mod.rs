//! The C boundary: types in, `-errno` out.

#![allow(unsafe_code)]

#[cfg(feature = "capi-aio")]
pub mod aio;
pub mod ext;
#[cfg(all(feature = "preload", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod preload;
#[cfg(feature = "capi-uring")]
pub mod uring;

use crate::sys::Result;

/// What a C function of either face returns for a result of the core.
#[allow(dead_code)] // the faces are features
pub(crate) trait IntoC {
    /// The value, or `-errno`.
    fn into_c(self) -> i32;
}

impl IntoC for Result<()> {
    fn into_c(self) -> i32 {
        self.map_or_else(|e| e.negated(), |()| 0)
    }
}

impl IntoC for Result<u32> {
    fn into_c(self) -> i32 {
        self.map_or_else(|e| e.negated(), |n| n as i32)
    }
}

impl IntoC for Result<usize> {
    fn into_c(self) -> i32 {
        self.map_or_else(|e| e.negated(), |n| n as i32)
    }
}
