//! Changes that are atomic for the calling thread alone.

use core::sync::atomic::AtomicU32;

/// Changes a word from `old` to `new`, unless it holds something else by now; whether it did.
///
/// No other thread may write the word at the same time: this is for what a signal handler may change
/// that interrupts the caller. It costs a fraction of what other threads would cost. What was
/// written before is seen by whoever sees the new value.
#[inline]
pub fn exchange(word: &AtomicU32, old: u32, new: u32) -> bool {
    // A sanitizer does not see what assembly does.
    #[cfg(all(target_arch = "x86_64", not(feature = "sanitize")))]
    {
        let done: u8;
        // SAFETY: the word is live. One instruction is not interrupted, and stores are seen in order.
        unsafe {
            core::arch::asm!(
                "cmpxchg dword ptr [{word}], {new:e}",
                "sete {done}",
                word = in(reg) word.as_ptr(),
                new = in(reg) new,
                done = lateout(reg_byte) done,
                inout("eax") old => _,
                options(nostack),
            );
        }
        done != 0
    }
    #[cfg(not(all(target_arch = "x86_64", not(feature = "sanitize"))))]
    {
        use core::sync::atomic::Ordering::{Relaxed, SeqCst};
        word.compare_exchange(old, new, SeqCst, Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_changes_unless_it_has() {
        let word = AtomicU32::new(7);
        assert!(!exchange(&word, 6, 1));
        assert!(exchange(&word, 7, 8));
        assert!(!exchange(&word, 7, 9));
        assert_eq!(word.into_inner(), 8);
    }
}
