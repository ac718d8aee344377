//! A text of bounded length for a C program.

/// What does not fit is cut; there is always a zero byte behind it.
pub(super) struct Text<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Text<'a> {
    /// An empty text in `bytes`, which becomes zero.
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        bytes.fill(0);
        Self { bytes, len: 0 }
    }

    /// Adds text.
    #[inline(never)]
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let room = self.bytes.len().saturating_sub(1);
        for &byte in text.as_bytes() {
            if self.len < room
                && let Some(place) = self.bytes.get_mut(self.len)
            {
                *place = byte;
                self.len = self.len.wrapping_add(1);
            }
        }
        self
    }

    /// Adds a number.
    #[inline(never)]
    pub(super) fn number(&mut self, value: u64) -> &mut Self {
        let mut digits = [0u8; 20];
        let (mut rest, mut start) = (value, digits.len());
        for place in digits.iter_mut().rev() {
            *place = b'0'.wrapping_add((rest % 10) as u8);
            rest /= 10;
            start = start.wrapping_sub(1);
            if rest == 0 {
                break;
            }
        }
        let digits = digits.get(start..).and_then(|d| core::str::from_utf8(d).ok());
        self.text(digits.unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_end() {
        let mut bytes = [1; 8];
        Text::new(&mut bytes).text("a").number(0).number(120);
        assert_eq!(&bytes, b"a0120\0\0\0");
        Text::new(&mut bytes).number(u64::MAX);
        assert_eq!(&bytes, b"1844674\0");
        Text::new(&mut []).text("nothing");
    }
}
