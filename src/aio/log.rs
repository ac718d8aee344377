//! The line that `AIOURING_LOG=1` gives each context.

use crate::sys::{Errno, file};

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
    fn text(&mut self, text: &str) -> &mut Self {
        for &byte in text.as_bytes() {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
        self
    }

    fn number(&mut self, mut value: usize, radix: Radix) -> &mut Self {
        let mut digits = [0u8; 20];
        let mut used = 0;
        for place in digits.iter_mut().rev() {
            let digit = match radix {
                Radix::Ten => value % 10,
                Radix::Sixteen => value % 16,
            } as u8;
            value = match radix {
                Radix::Ten => value / 10,
                Radix::Sixteen => value / 16,
            };
            *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            used += 1;
            if value == 0 {
                break;
            }
        }
        let start = digits.len() - used;
        self.text(
            digits
                .get(start..)
                .and_then(|d| core::str::from_utf8(d).ok())
                .unwrap_or(""),
        )
    }
}

#[derive(Clone, Copy)]
enum Radix {
    Ten,
    Sixteen,
}

/// Says which backend carries a context, and why.
pub(crate) fn context(handle: usize, nr: u32, kernel: Option<Why>) {
    let mut line = Line {
        bytes: [0; 160],
        len: 0,
    };
    line.text("aiouring: context 0x").number(handle, Radix::Sixteen);
    line.text(" for ").number(nr as usize, Radix::Ten).text(" events: ");
    match kernel {
        None => line.text("io_uring"),
        Some(Why::Asked) => line.text("kernel AIO, by AIOURING_BACKEND"),
        Some(Why::Listed) => line.text("kernel AIO, as the program is on the list for it"),
        Some(Why::Valgrind) => line.text("kernel AIO, for valgrind"),
        Some(Why::Refused(e)) => {
            line.text("kernel AIO, since io_uring was refused with ");
            match e.name() {
                Some(name) => line.text(name),
                None => line.text("error ").number(e.number() as usize, Radix::Ten),
            }
        }
    };
    line.text("\n");
    file::write_stderr(line.bytes.get(..line.len).unwrap_or(&[]));
}

/// Says that the contexts have to do without their ring from now on.
pub(crate) fn fallen(error: Errno) {
    let mut line = Line {
        bytes: [0; 160],
        len: 0,
    };
    line.text("aiouring: kernel AIO from here on, since io_uring was refused with ");
    line.text(error.name().unwrap_or("an error")).text("\n");
    file::write_stderr(line.bytes.get(..line.len).unwrap_or(&[]));
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
        line.number(0, Radix::Ten)
            .text(" ")
            .number(usize::MAX, Radix::Ten)
            .text(" ")
            .number(0xbeef, Radix::Sixteen);
        assert_eq!(&line.bytes[..line.len], b"0 18446744073709551615 beef");
        line.text(&"x".repeat(500));
        assert_eq!(line.len, 160);
    }
}
