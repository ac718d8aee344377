//! Several places of the submission queue at once, for a chain that must not be torn.

use crate::sys::{Errno, Result};
use crate::uring::{IORING_SETUP_SQPOLL, Ring, Sqe};

/// Hands over what is queued if there is too little room.
pub const SUBMIT: u32 = 1 << 0;

/// How often the kernel's thread is asked for room before it is `EAGAIN`: some milliseconds.
const ROUNDS: u32 = 1000;

/// Takes `nr` places, all of them or none, and hands them out in their order.
///
/// # Errors
/// `EINVAL` for none, for more than the queue has, for unknown flags; `EAGAIN` if fewer are free; with [`SUBMIT`] what
/// the submission is refused with.
pub fn take(ring: &Ring, nr: u32, flags: u32, mut put: impl FnMut(u32, *mut Sqe)) -> Result<()> {
    if nr == 0 || nr > ring.sq.ring_entries || flags & !SUBMIT != 0 {
        return Err(Errno::EINVAL);
    }
    let polled = ring.flags & IORING_SETUP_SQPOLL != 0;
    for _ in 0..ROUNDS {
        if ring.next_sqes(nr, &mut put) {
            return Ok(());
        }
        if flags & SUBMIT == 0 {
            break;
        }
        let taken = ring.submit()?;
        if polled {
            // It comes back as soon as one place is free, and the thread may not be done.
            ring.wait_for_space()?;
        } else if taken == 0 {
            break;
        }
    }
    Err(Errno::EAGAIN)
}

/// Gives the last `nr` places back.
///
/// # Errors
/// `EINVAL` if fewer are prepared and not handed over.
pub fn give_back(ring: &Ring, nr: u32) -> Result<()> {
    if ring.give_back(nr) { Ok(()) } else { Err(Errno::EINVAL) }
}
