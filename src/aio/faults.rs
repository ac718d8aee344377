//! Seeded faults: a library that is wrong on purpose, so that tests can show that they notice.
//!
//! Compiled into test builds only. `AIOURING_FAULT` names the fault. Three strike once, at the third
//! event of the process: `corrupt` (a byte of the first read after it), `drop`, `double`. The others
//! are wrong whenever they are come by:
//!
//! | fault | what is wrong |
//! | --- | --- |
//! | `swap` | an event's `data` and `obj` have changed places |
//! | `reorder` | an event overtakes the one before it |
//! | `count` | `io_submit` counts the request that it refused |
//! | `key` | the key of an iocb is not written |
//! | `checks` | an unknown operation is noticed before a bad descriptor |
//! | `offset` | a negative position is taken |
//! | `vector` | a vector that is too long is `EFAULT` |
//! | `priority` | an impossible priority is taken |
//! | `leak` | a refused request keeps its slot |
//! | `limit` | a context takes more than it may |
//! | `silent` | an eventfd is not told of what the ring did |
//! | `twice` | an eventfd is told twice of what the caller did |
//! | `sector` | a transfer on the ring is a sector too far |
//! | `end` | a read that meets the end of the file is said to be whole |
//! | `partial` | a read of which a part is cached is said to be whole |
//! | `append` | `O_APPEND` is ignored |
//! | `tail` | the last entry of a vector is lost |
//! | `redo` | a write that the ring gave back is not done |
//! | `again` | what the ring gave back is said to be `EAGAIN` |
//! | `hasty` | `io_destroy` does not wait |
//! | `cancel` | `io_cancel` takes back what it cannot |
//! | `bits` | a poll reports other bits |
//! | `stale` | a handle of nobody is no error |
//! | `min` | the least number of events is ignored |
//! | `timeout` | so is the time to wait |
//! | `head` | what the program took itself comes again |
//! | `lose` | events that cannot be copied are gone |
//! | `mask` | a bad signal mask is no error |

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

/// `AIOURING_FAULT=no-slots`: nor is this one; every third file is not held, as if the kernel had had no
/// memory for it.
pub(crate) fn refuses_slots() -> bool {
    fault() == b"no-slots" && READS.fetch_add(1, SeqCst).is_multiple_of(3)
}

/// Whether the build is wrong in this way.
pub(crate) fn seeded(name: &str) -> bool {
    fault() == name.as_bytes()
}

static HEAD: AtomicU32 = AtomicU32::new(0);

/// The fault `head`: where events were taken last, whatever the program says; sets it too.
pub(crate) fn head(now: Option<u32>) -> u32 {
    if let Some(now) = now {
        HEAD.store(now, SeqCst);
    }
    HEAD.load(SeqCst)
}

/// Decides on one event.
pub(crate) fn at_event(event: IoEvent) -> Delivery {
    let strikes = EVENTS.fetch_add(1, SeqCst) == STRIKES_AT;
    match fault() {
        b"drop" if strikes => Delivery::Never,
        b"double" if strikes => Delivery::Twice(event),
        b"swap" => Delivery::Once(IoEvent {
            data: event.obj,
            obj: event.data,
            ..event
        }),
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
