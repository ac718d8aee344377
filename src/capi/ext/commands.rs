//! Commands of files.

use crate::capi::IntoC;
use crate::ext::btrfs;
use core::ffi::c_int;

/// Whether the kernel uses registered buffers for encoded reads and writes of the btrfs that `fd` is on: 1, or 0 if it
/// ignores them. The answer is remembered. `-EPERM` without CAP_SYS_ADMIN or io_uring, `-EOPNOTSUPP` if it is no file of a
/// btrfs or the kernel older than Linux 6.13, `-EBADF` if it is no descriptor, else what making a ring says. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn aiouring_btrfs_fixed(fd: c_int) -> c_int {
    btrfs::uses_registered_buffers(fd).map(u32::from).into_c()
}
