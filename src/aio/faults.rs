//! Seeded faults: a library that is wrong on purpose, so that tests can show that they notice.
//!
//! Compiled into test builds only. `AIOURING_FAULT` names the fault, which strikes once, at the
//! third event of the process: `corrupt` (a byte of the first read after it), `drop`, `double`.

#![allow(unsafe_code)]

use super::abi::IoEvent;
use super::request::Segment;
use crate::sys::thread;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// How often an event is delivered.
pub(crate) enum Delivery {
    /// As it should be.
    Once(IoEvent),
    /// Lost.
    Never,
    /// Doubled.
    Twice(IoEvent),
}

const STRIKES_AT: u32 = 2;

static EVENTS: AtomicU32 = AtomicU32::new(0);
static READS: AtomicU32 = AtomicU32::new(0);

fn fault() -> &'static [u8] {
    thread::environment(c"AIOURING_FAULT").unwrap_or(b"")
}

/// `AIOURING_FAULT=old-kernel`: no fault, but a ring as Linux 5.19 has it, so that what older
/// kernels need is tested on a new one.
pub(crate) fn old_kernel() -> bool {
    fault() == b"old-kernel"
}

/// `AIOURING_FAULT=give-up`: no fault either, but every third transfer or sync comes back from the
/// ring as if the kernel had had no worker for it.
pub(crate) fn gives_up() -> bool {
    fault() == b"give-up" && READS.fetch_add(1, SeqCst).is_multiple_of(3)
}

/// Decides on one event.
pub(crate) fn at_event(event: IoEvent) -> Delivery {
    let strikes = EVENTS.fetch_add(1, SeqCst) == STRIKES_AT;
    match fault() {
        b"drop" if strikes => Delivery::Never,
        b"double" if strikes => Delivery::Twice(event),
        _ => Delivery::Once(event),
    }
}

/// Whether the bytes of this read are to be damaged.
pub(crate) fn corrupts_read() -> bool {
    fault() == b"corrupt" && READS.fetch_add(1, SeqCst) == STRIKES_AT
}

/// Damages the first byte that a read brought, when it is time.
pub(crate) fn corrupt_if_due(segments: &[Segment]) {
    if let (true, [[base, _], ..]) = (corrupts_read(), segments) {
        // SAFETY: the read succeeded, so its first segment is writable memory of the program.
        unsafe { *(*base as *mut u8) ^= 0x20 };
    }
}
