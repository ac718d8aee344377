//! Calls on contexts that libaio has not. As every call they are for the copy of this library that made the context, and
//! find it by a number: copies of one version agree on it.

use super::files::Identity;
use super::{Frame, cancel, copies, find};
use crate::sys::{Errno, Result};
use crate::uring::abi::BufReg;

/// What is asked of a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Extension {
    /// Whether it is carried by io_uring (1) or by kernel AIO (0). No arguments.
    Backend,
    /// Takes requests back: the iocb's address, the descriptor, the flags, the address of a time. Gives how many.
    Cancel,
    /// To register buffers: where they and their tags are described, and how many they are.
    RegisterBuffers,
    /// To replace some: from which on, and the same.
    UpdateBuffers,
    /// To let go of them. No arguments.
    UnregisterBuffers,
    /// Which buffer holds all of some memory: its address and length.
    FindBuffer,
    /// To hold a file in the ring: its descriptor.
    RegisterFile,
    /// To let go of it: the same.
    UnregisterFile,
    /// Has reads take their buffers from a ring: its address, how many buffers it has room for, `IOU_PBUF_RING_`, and the
    /// rest of a buffer that is too small for use. Gives the flags that hold, and above 16 bits whether the latter does.
    Bind,
    /// Ends that for the ring at an address. Gives how many buffers events have named as used up, the lower 16 bits.
    Unbind,
    /// Gives the same for a ring that stays bound.
    Used,
}

impl Extension {
    const ALL: [Self; 11] = [
        Self::Backend,
        Self::Cancel,
        Self::RegisterBuffers,
        Self::UpdateBuffers,
        Self::UnregisterBuffers,
        Self::FindBuffer,
        Self::RegisterFile,
        Self::UnregisterFile,
        Self::Bind,
        Self::Unbind,
        Self::Used,
    ];
}

/// Does what is asked of the context `handle`.
///
/// # Errors
/// `EINVAL` if `handle` is no context, or this library made none of them; else those of what is asked.
pub fn extend(handle: usize, what: Extension, arguments: &[usize]) -> Result<usize> {
    let frame = Frame::default();
    let Some((process, context)) = find(handle, &frame) else {
        return match copies::other() {
            Some(copy) => copy.extend(handle, what as u32, arguments),
            None => Err(Errno::EINVAL),
        };
    };
    let buffers = &process.buffers;
    match (what, arguments) {
        (Extension::Backend, _) => Ok(usize::from(context.kernel_handle().is_none())),
        (Extension::Cancel, &[iocb, fd, flags, timeout]) => {
            cancel::cancel(process, &context, (iocb, fd as i32, flags as u32, timeout))
        }
        (Extension::RegisterBuffers, &[iovecs, tags, count]) => {
            buffers.register(process, &context, [iovecs, tags, count]).map(|()| 0)
        }
        (Extension::UpdateBuffers, &[offset, iovecs, tags, count]) => {
            buffers.update(process, &context, [offset, iovecs, tags, count])
        }
        (Extension::UnregisterBuffers, _) => buffers.unregister(process, *context, context.thread()).map(|()| 0),
        (Extension::FindBuffer, &[address, len]) => {
            let table = context.buffers().ok_or(Errno::ENXIO)?;
            table
                .find(address, len)
                .map_or(Err(Errno::ENOENT), |index| Ok(index as usize))
        }
        (Extension::RegisterFile, &[fd]) => {
            let file = Identity::look(fd as i32).ok_or(Errno::EBADF)?;
            let engine = &process.engine;
            // Without a ring there is nothing to be done for it.
            let aside = context.kernel_handle().is_some() || engine.carrier.is_open();
            if aside || engine.hold_file(file) {
                Ok(0)
            } else {
                Err(Errno::new(libc::ENOSPC))
            }
        }
        (Extension::UnregisterFile, &[fd]) => {
            process.engine.drop_file(fd as i32);
            Ok(0)
        }
        (Extension::Bind, &[address, entries, flags, min_left]) => {
            let ring = BufReg {
                ring_addr: address as u64,
                ring_entries: entries as u32,
                flags: flags as u16,
                min_left: min_left as u32,
                ..BufReg::default()
            };
            context.bind(process, &ring)
        }
        (Extension::Unbind, &[address]) => context.unbind(process, address as u64),
        (Extension::Used, &[address]) => context.used(address as u64),
        _ => Err(Errno::EINVAL),
    }
}

/// The same, as another copy asks for it.
pub(crate) fn extend_by_number(handle: usize, what: u32, arguments: &[usize]) -> Result<usize> {
    match Extension::ALL.into_iter().find(|known| *known as u32 == what) {
        Some(what) => extend(handle, what, arguments),
        None => Err(Errno::EINVAL),
    }
}
