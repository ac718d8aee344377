//! Kernel AIO as the judge of what it would refuse.
//!
//! Whether a file takes part in AIO at all, and which flags it takes, shows nowhere but in kernel
//! AIO's own answer. It is asked where a doubt is possible, which is neither for files with data
//! of their own nor for pipes and sockets, unless a request carries unusual flags. The question
//! is a request whose buffer no program can have: the kernel looks at that after all the rest and
//! before it begins, so nothing is ever read or written for an answer.

use super::abi::{FLAG_IOPRIO, IoEvent, Iocb, POLL, PREAD, PWRITE};
use crate::sys::mem::Plain;
use crate::sys::{Errno, Result, aio as kernel};
use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The context that is asked, made when it is first needed; all zeroes is "none yet".
#[derive(Default)]
pub(crate) struct Judge(AtomicUsize);

/// There is none to be had.
const NONE: usize = usize::MAX;

impl Judge {
    fn context(&self) -> usize {
        let known = self.0.load(SeqCst);
        if known != 0 {
            return known;
        }
        let mut fresh = 0usize;
        if kernel::setup(1, &raw mut fresh as usize).is_err() {
            fresh = NONE;
        }
        match self.0.compare_exchange(0, fresh, SeqCst, SeqCst) {
            Ok(_) => fresh,
            Err(first) => {
                if fresh != NONE {
                    let _ = kernel::destroy(fresh);
                }
                first
            }
        }
    }

    /// Whether this is its context.
    pub(crate) fn is(&self, handle: usize) -> bool {
        self.0.load(SeqCst) == handle
    }

    /// What kernel AIO says of a transfer's file, flags and priority. `None` when it does not.
    pub(crate) fn ask(&self, iocb: &Iocb, write: bool) -> Option<Result<()>> {
        let context = self.context();
        if context == NONE {
            return None;
        }
        let question = Iocb {
            data: 0,
            opcode: if write { PWRITE } else { PREAD },
            buf: 1 << 63,
            nbytes: 1,
            offset: 0,
            flags: iocb.flags & FLAG_IOPRIO,
            ..*iocb
        };
        match submit(context, &question) {
            Err(Errno::EFAULT) => Some(Ok(())),
            Err(e @ (Errno::EBADF | Errno::EINVAL | Errno::EOPNOTSUPP)) => Some(Err(e)),
            // A filter's answer, or one that does not need the file.
            _ => None,
        }
    }

    /// Whether kernel AIO would follow a file of the kernel's own with a poll that is not true yet.
    pub(crate) fn ask_poll(&self, fd: i32) -> bool {
        let context = self.context();
        let question = Iocb {
            opcode: POLL,
            fildes: fd as u32,
            ..Iocb::ZERO
        };
        if context == NONE || submit(context, &question) != Ok(1) {
            return false;
        }
        let mut event = core::mem::MaybeUninit::<IoEvent>::uninit();
        let room = event.as_mut_ptr() as usize;
        let _ = kernel::cancel(context, &raw const question as usize, room);
        // Its event, or that of another thread's question.
        let _ = kernel::getevents(context, 1, 1, room, 0);
        true
    }
}

fn submit(context: usize, question: &Iocb) -> Result<usize> {
    let list = [&raw const *question as usize];
    kernel::submit(context, 1, list.as_ptr() as usize)
}
