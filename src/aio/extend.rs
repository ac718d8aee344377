//! Calls on contexts that libaio has not. As every call they are for the copy of this library that made the context, and
//! find it by a number: copies of one version agree on it.

use super::{Frame, cancel, copies, find};
use crate::sys::{Errno, Result};

/// What is asked of a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Extension {
    /// Whether it is carried by io_uring (1) or by kernel AIO (0). No arguments.
    Backend,
    /// Takes requests back: the iocb's address, the descriptor, the flags, the address of a time. Gives how many.
    Cancel,
}

impl Extension {
    const ALL: [Self; 2] = [Self::Backend, Self::Cancel];
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
    match what {
        Extension::Backend => Ok(usize::from(context.kernel_handle().is_none())),
        Extension::Cancel => match *arguments {
            [iocb, fd, flags, timeout] => cancel::cancel(process, &context, (iocb, fd as i32, flags as u32, timeout)),
            _ => Err(Errno::EINVAL),
        },
    }
}

/// The same, as another copy asks for it.
pub(crate) fn extend_by_number(handle: usize, what: u32, arguments: &[usize]) -> Result<usize> {
    match Extension::ALL.into_iter().find(|known| *known as u32 == what) {
        Some(what) => extend(handle, what, arguments),
        None => Err(Errno::EINVAL),
    }
}
