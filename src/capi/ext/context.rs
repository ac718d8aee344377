//! Extensions of AIO contexts.

use crate::aio::{self, Extension};
use crate::capi::IntoC;
use crate::capi::aio::Context;
use core::ffi::c_int;

/// Which way the requests of a context go: 1 for io_uring, 0 for kernel AIO, where most extensions of contexts are
/// `-EOPNOTSUPP`. `-EINVAL` if `ctx` is no context. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_context_backend(ctx: Context) -> c_int {
    aio::extend(ctx as usize, Extension::Backend, &[]).into_c()
}
