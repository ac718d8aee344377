//! What happens at a panic: it is said, and the process ends.
//!
//! The text is in an object only if a panic path survived optimisation. Released libraries have
//! none, and a test looks for it.

#![allow(unsafe_code)]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    const TEXT: &str = "aiouring: internal error: reached a panic\n";
    // SAFETY: write only reads the text; abort takes nothing and does not return.
    unsafe {
        libc::write(libc::STDERR_FILENO, TEXT.as_ptr().cast(), TEXT.len());
        libc::abort()
    }
}
