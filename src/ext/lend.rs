//! Buffer rings of AIO contexts: the object lends its ring to the context.

use crate::aio::{Extension, extend};
use crate::sys::Result;
use crate::uring::bufring::BufRing;

/// Has the reads of a context that bring no buffer take one of the object.
///
/// # Errors
/// `EINVAL` (no context), `EOPNOTSUPP` (no ring, no thread of the library, a kernel without buffer rings), `EBUSY` (the
/// context has a ring, or the object is in use), what the kernel says.
pub fn bind(object: &BufRing, context: usize) -> Result<()> {
    let offer = object.offer()?;
    let arguments = [
        offer.address,
        offer.entries as usize,
        offer.flags,
        offer.min_left as usize,
    ];
    match extend(context, Extension::Bind, &arguments) {
        Ok(taken) => object.settle(context, taken),
        Err(e) => {
            object.give_back(None)?;
            Err(e)
        }
    }
}

/// Ends that: reads that wait are taken back.
///
/// # Errors
/// `EINVAL` if the object is bound to no context.
pub fn unbind(object: &BufRing) -> Result<()> {
    let (context, address) = object.lent(true)?;
    // A context that is no more has let go of it, and of its events.
    let used = extend(context, Extension::Unbind, &[address]).ok();
    object.give_back(used.map(|used| used as u16))
}

/// As [`BufRing::check`], also where a context has the ring: by what its events say, not the kernel.
///
/// # Errors
/// As there.
pub fn check(object: &BufRing) -> Result<u32> {
    match object.lent(false) {
        Ok((context, address)) => object.check_by(extend(context, Extension::Used, &[address])? as u16),
        Err(_) => object.check(),
    }
}
