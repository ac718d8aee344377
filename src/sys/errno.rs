//! The kernel's error numbers, kept apart from libc's `errno` variable.

use core::num::NonZeroI32;

/// A kernel error number: 1 to 4095.
///
/// Neither of the two libraries that this project replaces touches the `errno`
/// variable, so errors travel as values from the system call to the C boundary
/// and become `-errno` there. The number is kept as it comes from the kernel and as it goes to
/// C, negated: on the way between them nothing is left to do.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Errno(NonZeroI32);

/// The result of anything that the kernel or this library can refuse.
pub type Result<T> = core::result::Result<T, Errno>;

macro_rules! names {
    ($($name:ident)*) => {
        #[allow(missing_docs)] // the names are the kernel's own
        impl Errno {
            $(pub const $name: Self = Self::new(libc::$name);)*

            /// The symbolic name, for the errors that this library tells apart.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    EPERM ENOENT EINTR EIO EBADF EAGAIN ENOMEM EFAULT EBUSY EEXIST EISDIR EINVAL EMFILE
    ESPIPE EPIPE EOPNOTSUPP ENOSYS ETIME EALREADY EDEADLK ECANCELED EINPROGRESS EOVERFLOW EFBIG ENXIO
    EBADFD ENOBUFS EBADR EACCES ENFILE
}

impl Errno {
    /// An error from its positive number; numbers outside 1 to 4095 become `EIO`.
    pub const fn new(number: i32) -> Self {
        match NonZeroI32::new(if number > 0 && number < 4096 {
            -number
        } else {
            -libc::EIO
        }) {
            Some(n) => Self(n),
            None => Self(NonZeroI32::MIN),
        }
    }

    /// The positive number.
    pub const fn number(self) -> i32 {
        self.0.get().wrapping_neg()
    }

    /// The number as C functions of both faces return it.
    pub const fn negated(self) -> i32 {
        self.0.get()
    }
}

impl core::fmt::Debug for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Errno({})", self.number())
    }
}

/// Reads the register value that a system call returns.
#[inline]
pub fn check(ret: isize) -> Result<usize> {
    // The kernel reserves the last page of the address space for errors.
    if ret as usize > usize::MAX - 4095 {
        Err(NonZeroI32::new(ret as i32).map_or(Errno::EIO, Errno))
    } else {
        Ok(ret as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_splits_values_from_errors() {
        assert_eq!(check(0), Ok(0));
        assert_eq!(check(-4096), Ok(usize::MAX - 4095));
        assert_eq!(check(-4095), Err(Errno::new(4095)));
        assert_eq!(check(-(libc::EINVAL as isize)), Err(Errno::EINVAL));
    }

    #[test]
    fn numbers_outside_the_kernels_range_are_io_errors() {
        for n in [0, -1, 4096, i32::MIN, i32::MAX] {
            assert_eq!(Errno::new(n), Errno::EIO);
        }
        assert_eq!(Errno::EAGAIN.negated(), -libc::EAGAIN);
        assert_eq!(Errno::EAGAIN.name(), Some("EAGAIN"));
        assert_eq!(Errno::new(4000).name(), None);
    }
}
