//! The line that `AIOURING_LOG=1` gives each context.

use crate::sys::{Errno, file};
use core::num::NonZeroUsize;

/// Why a context is the kernel's.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    /// `AIOURING_BACKEND=kernel`.
    Asked,
    /// The program is on a list.
    Listed,
    /// valgrind runs it.
    Valgrind,
    /// A ring was not to be had.
    Refused(Errno),
}

/// A line of bounded length; what does not fit is cut.
struct Line {
    bytes: [u8; 160],
    len: usize,
}

impl Line {
    #[inline(never)]
    fn text(&mut self, text: &[u8]) -> &mut Self {
        for &byte in text {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
        self
    }

    #[inline(never)]
    fn number(&mut self, mut value: usize, radix: NonZeroUsize) -> &mut Self {
        let mut digits = [0u8; 20];
        let mut start = digits.len();
        for place in digits.iter_mut().rev() {
            let digit = (value % radix) as u8;
            value /= radix;
            *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            start -= 1;
            if value == 0 {
                break;
            }
        }
        self.text(digits.get(start..).unwrap_or(&[]))
    }

    /// With the names of the errors that are usual there.
    #[inline(never)]
    fn refused(&mut self, error: Errno) -> &mut Self {
        let name: &[u8] = match error {
            Errno::EPERM => b"EPERM",
            Errno::ENOSYS => b"ENOSYS",
            Errno::EACCES => b"EACCES",
            Errno::EAGAIN => b"EAGAIN",
            Errno::ENOMEM => b"ENOMEM",
            Errno::EMFILE => b"EMFILE",
            Errno::EINVAL => b"EINVAL",
            Errno::EBADF => b"EBADF",
            _ => b"error ",
        };
        self.text(b", since io_uring was refused with ").text(name);
        if name.ends_with(b" ") {
            self.number(error.number() as usize, TEN);
        }
        self
    }

    fn write(&self) {
        file::write_stderr(self.bytes.get(..self.len).unwrap_or(&[]));
    }
}

const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();
const SIXTEEN: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Says which backend carries a context, and why.
pub(crate) fn context(handle: usize, nr: u32, kernel: Option<Why>) {
    let mut line = Line {
        bytes: [0; 160],
        len: 0,
    };
    line.text(b"aiouring: context 0x").number(handle, SIXTEEN);
    line.text(b" for ").number(nr as usize, TEN).text(b" events: ");
    match kernel {
        None => line.text(b"io_uring"),
        Some(Why::Asked) => line.text(b"kernel AIO, by AIOURING_BACKEND"),
        Some(Why::Listed) => line.text(b"kernel AIO, as the program is on the list for it"),
        Some(Why::Valgrind) => line.text(b"kernel AIO, for valgrind"),
        Some(Why::Refused(e)) => {
            line.text(b"kernel AIO");
            line.refused(e)
        }
    };
    line.text(b"\n");
    line.write();
}

/// Says that the contexts have to do without their ring from now on.
pub(crate) fn fallen(error: Errno) {
    let mut line = Line {
        bytes: [0; 160],
        len: 0,
    };
    line.text(b"aiouring: kernel AIO from here on")
        .refused(error)
        .text(b"\n");
    line.write();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_rather_than_overrun() {
        let mut line = Line {
            bytes: [0; 160],
            len: 0,
        };
        line.number(0, TEN)
            .text(b" ")
            .number(usize::MAX, TEN)
            .text(b" ")
            .number(0xbeef, SIXTEEN);
        assert_eq!(&line.bytes[..line.len], b"0 18446744073709551615 beef");
        line.text(&[b'x'; 500]);
        assert_eq!(line.len, 160);
    }
}
