//! What the environment says, read once per process.

use super::log::Why;
use super::programs;
use crate::sys::{file, mem, thread};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// `AIOURING_BACKEND`.
#[derive(Clone, Copy)]
pub(crate) enum Backend {
    /// io_uring where it is to be had, else kernel AIO.
    Auto,
    /// io_uring or an error.
    Uring,
    /// Kernel AIO.
    Kernel(Why),
}

/// `AIOURING_ISSUER`: who enters the kernel with the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// A thread of the library; what a thread of the program that is alone with its context may do
    /// itself says [`Config::trial`].
    Thread,
    /// The program's threads.
    Caller,
    /// A thread of the kernel.
    Sqpoll,
}

/// The settings; all zeroes is "not read yet".
#[derive(Default)]
pub(crate) struct Config {
    bits: AtomicU32,
    cpus: AtomicU32,
    max_nr: AtomicU32,
}

const READ: u32 = 1;
const LOG: u32 = 2;
const URING: u32 = 4;
const KERNEL: u32 = 8;
const LISTED: u32 = 16;
const VALGRIND: u32 = 32;
const CALLER: u32 = 64;
const SQPOLL: u32 = 128;
const ASYNC_WRITES: u32 = 256;
const ALWAYS_THREAD: u32 = 512;
const ALWAYS_OWN: u32 = 1024;
const AUTO_FILES: u32 = 2048;

/// Waits for events that show what a thread is like.
const TRIAL: u32 = 32;

impl Config {
    fn bits(&self) -> u32 {
        let bits = self.bits.load(Relaxed);
        if bits != 0 {
            return bits;
        }
        let mut bits = READ;
        if thread::environment(c"AIOURING_LOG").is_some_and(|v| !v.is_empty() && v != b"0") {
            bits |= LOG;
        }
        bits |= match thread::environment(c"AIOURING_BACKEND") {
            Some(b"uring") => URING,
            Some(b"kernel") => KERNEL,
            Some(b"auto") => 0,
            None | Some(b"") => {
                if programs::is_listed(thread::environment(c"AIOURING_KERNEL_PROGRAMS")) {
                    LISTED
                } else if programs::under_valgrind(thread::environment(c"LD_PRELOAD")) {
                    VALGRIND
                } else {
                    0
                }
            }
            Some(_) => {
                if bits & LOG != 0 {
                    file::write_stderr(b"aiouring: AIOURING_BACKEND is none of auto, uring, kernel: taken as auto\n");
                }
                0
            }
        };
        bits |= match thread::environment(c"AIOURING_ISSUER") {
            Some(b"caller") => CALLER,
            Some(b"sqpoll") => SQPOLL,
            Some(b"thread") => ALWAYS_THREAD,
            Some(b"own") => ALWAYS_OWN,
            None | Some(b"auto" | b"") => 0,
            Some(_) => {
                if bits & LOG != 0 {
                    file::write_stderr(
                        b"aiouring: AIOURING_ISSUER is none of auto, thread, own, caller, sqpoll: taken as auto\n",
                    );
                }
                0
            }
        };
        if thread::environment(c"AIOURING_WRITE") == Some(b"async") {
            bits |= ASYNC_WRITES;
        }
        if thread::environment(c"AIOURING_AUTO_FILES") == Some(b"1") {
            bits |= AUTO_FILES;
        }
        // Code that runs before the C library is ready sees no environment.
        if thread::has_environment() {
            mem::remember(thread::environment(c"AIOURING_CHECK") != Some(b"strict"));
            self.bits.store(bits, Relaxed);
        }
        bits
    }

    /// Whether writes that block do so on the ring.
    pub(crate) fn async_writes(&self) -> bool {
        self.bits() & ASYNC_WRITES != 0
    }

    /// Whether the ring holds the files of descriptors that recur.
    pub(crate) fn auto_files(&self) -> bool {
        self.bits() & AUTO_FILES != 0
    }

    /// Who enters the kernel.
    pub(crate) fn issuer(&self) -> Issuer {
        match self.bits() & (CALLER | SQPOLL) {
            CALLER => Issuer::Caller,
            SQPOLL => Issuer::Sqpoll,
            _ => Issuer::Thread,
        }
    }

    /// How often a thread that is alone with its context has to wait for events before it issues its
    /// direct transfers itself.
    pub(crate) fn trial(&self) -> u32 {
        match self.bits() & (ALWAYS_THREAD | ALWAYS_OWN) {
            ALWAYS_THREAD => u32::MAX,
            ALWAYS_OWN => 0,
            _ => TRIAL,
        }
    }

    /// Whether every context gets a line on standard error.
    pub(crate) fn log(&self) -> bool {
        self.bits() & LOG != 0
    }

    /// What was asked for.
    pub(crate) fn backend(&self) -> Backend {
        match self.bits() & (URING | KERNEL | LISTED | VALGRIND) {
            URING => Backend::Uring,
            KERNEL => Backend::Kernel(Why::Asked),
            LISTED => Backend::Kernel(Why::Listed),
            VALGRIND => Backend::Kernel(Why::Valgrind),
            _ => Backend::Auto,
        }
    }

    /// Processors that may ever be there: the kernel sizes its rings by them.
    pub(crate) fn possible_cpus(&self) -> u32 {
        let known = self.cpus.load(Relaxed);
        if known != 0 {
            return known;
        }
        let mut buf = [0; 64];
        let cpus = file::read_small(c"/sys/devices/system/cpu/possible", &mut buf)
            .ok()
            .and_then(last_number)
            // "0-3": the last number is one less than the count.
            .and_then(|n| n.checked_add(1))
            .unwrap_or(1);
        self.cpus.store(cpus, Relaxed);
        cpus
    }

    /// `fs.aio-max-nr`: one `io_setup` above it is refused. Nothing is counted against it here.
    pub(crate) fn max_nr(&self, asked: u32) -> u32 {
        let known = self.max_nr.load(Relaxed);
        if known != 0 && asked <= known {
            return known;
        }
        let mut buf = [0; 64];
        let max = file::read_small(c"/proc/sys/fs/aio-max-nr", &mut buf)
            .ok()
            .and_then(last_number)
            .unwrap_or(65536);
        self.max_nr.store(max, Relaxed);
        max
    }
}

/// The last decimal number in a text such as "0-3\n".
fn last_number(text: &[u8]) -> Option<u32> {
    let mut number = None;
    let mut within = false;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            let before = if within { number.unwrap_or(0u32) } else { 0 };
            number = Some(before.saturating_mul(10).saturating_add(digit.into()));
        }
        within = digit < 10;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_system_files() {
        assert_eq!(last_number(b"0-3\n"), Some(3));
        assert_eq!(last_number(b"0\n"), Some(0));
        assert_eq!(last_number(b"0-1,4-127\n"), Some(127));
        assert_eq!(last_number(b"65536\n"), Some(65536));
        assert_eq!(last_number(b"99999999999\n"), Some(u32::MAX));
        assert_eq!(last_number(b"\n"), None);
    }
}
