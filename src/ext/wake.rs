//! A completion from nowhere, which ends a wait.
#![allow(unsafe_code)]

use core::ptr;

use crate::sys::{Errno, Result, uring};
use crate::uring::{IORING_OP_MSG_RING, IORING_REGISTER_SEND_MSG_RING, Ring, Sqe, setup};

/// Posts a completion with `user_data` and `result` to the ring, from any thread and from signal handlers: there are system
/// calls and nothing else here.
///
/// # Errors
/// `EBADF` if the ring has no descriptor, `EBADFD` if it is not enabled, `EOVERFLOW` or `ENOMEM` if the kernel has no
/// memory for the completion, `EOPNOTSUPP` before Linux 5.18.
pub fn wake(ring: &Ring, user_data: u64, result: i32) -> Result<()> {
    if ring.ring_fd < 0 || ring.sq.sqes.is_null() {
        return Err(Errno::EBADF);
    }
    let message = Sqe {
        opcode: IORING_OP_MSG_RING,
        fd: ring.ring_fd,
        off: user_data,
        len: result as u32,
        ..Sqe::default()
    };
    // SAFETY: a request that names no memory, read during the call.
    match unsafe { uring::register(-1, IORING_REGISTER_SEND_MSG_RING, ptr::from_ref(&message).cast(), 1) } {
        // Before 6.13 only a ring can send.
        Err(Errno::EINVAL) => by_ring(&message),
        sent => sent.map(drop),
    }
}

/// The same from a ring made for it.
#[cold]
fn by_ring(message: &Sqe) -> Result<()> {
    let mut own = Ring::zeroed();
    setup::init(1, &mut own, 0)?;
    own.push(message);
    let sent = loop {
        match own.submit_and_wait(1) {
            Err(Errno::EINTR) => {}
            Err(e) => break Err(e),
            Ok(_) => match own.peek() {
                Some(cqe) if cqe.res == -libc::EINVAL => break Err(Errno::EOPNOTSUPP),
                Some(cqe) if cqe.res < 0 => break Err(Errno::new(cqe.res.wrapping_neg())),
                Some(_) => break Ok(()),
                None => {}
            },
        }
    };
    setup::exit(&mut own);
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_lead_to_the_ring() {
        let mut ring = Ring::zeroed();
        if setup::init(2, &mut ring, 0).is_err() {
            return;
        }
        assert_eq!(wake(&ring, 7, -3), Ok(()));
        let message = Sqe {
            opcode: IORING_OP_MSG_RING,
            fd: ring.ring_fd,
            off: 8,
            len: 4,
            ..Sqe::default()
        };
        assert_eq!(by_ring(&message), Ok(()));
        for (user_data, result) in [(7, -3), (8, 4)] {
            let cqe = ring.peek().unwrap();
            assert_eq!((cqe.user_data, cqe.res), (user_data, result));
            ring.advance(1);
        }
        setup::exit(&mut ring);
        assert_eq!(wake(&ring, 1, 1), Err(Errno::EBADF));
    }
}
