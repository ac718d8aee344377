//! `aiouring_cancel`: takes back any request that can be taken back, where `io_cancel` knows polls only.
//!
//! The calling thread first notes in all requests that are meant that the program wants no more of
//! them: from then on none of them is done once more when the kernel gives it up. Then whoever has
//! them asks the kernel: the driver, and the calling thread for what is in its own lane. A request is
//! found by what it was submitted with; the memory of its iocb is not looked at.

use super::config::Issuer;
use super::context::{Context, InUse, Woken};
use super::frame::Thread;
use super::process::Process;
use super::request::{FINISHING, NOBODY, Request, WITHDRAWN, Work};
use crate::sys::{Errno, Result, aio as kernel, futex, thread};
use core::sync::atomic::{
    AtomicU32,
    Ordering::{Relaxed, SeqCst},
};

const IOCB: u32 = 1;
const FD: u32 = 2;
const ALL: u32 = 4;
const WAIT: u32 = 8;

/// Nanoseconds of a sleep in a ring without a look at what others do.
const SLEEP: u64 = 10_000_000;

/// More events than there ever are, for one who waits for other things.
pub(crate) const NEVER: u32 = i32::MAX as u32;

/// Which requests of a context.
#[derive(Clone, Copy)]
enum Which {
    /// All that were submitted with the iocb at this address.
    Iocb(u64),
    /// All that were submitted for this descriptor.
    Fd(i32),
    All,
}

/// Requests to take back.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) context: &'static Context,
    which: Which,
    /// The number of the call; 0 for polls only, as `io_cancel` and `io_destroy` want them.
    ticket: u32,
}

impl Wish {
    /// For a poll by its iocb, or with 0 every one of the context.
    pub(crate) fn poll(context: &'static Context, iocb: u64) -> Self {
        let which = if iocb == 0 { Which::All } else { Which::Iocb(iocb) };
        Self {
            context,
            which,
            ticket: 0,
        }
    }

    /// Whether it is for this request, which may be another one a moment later unless it is the caller's.
    pub(crate) fn is_for(&self, request: &Request) -> bool {
        request
            .context()
            .is_some_and(|context| core::ptr::eq(context, self.context))
            && match self.which {
                Which::Iocb(iocb) => request.iocb.load(Relaxed) == iocb,
                Which::Fd(fd) => request.fd.load(Relaxed) == fd,
                Which::All => true,
            }
    }

    pub(crate) fn is_for_polls(&self) -> bool {
        self.ticket == 0
    }

    /// Of several that are meant the first is enough.
    pub(crate) fn is_for_one(&self) -> bool {
        self.is_for_polls() && matches!(self.which, Which::Iocb(_))
    }

    /// Notes in a request that nobody else can end what becomes of it.
    pub(crate) fn mark(&self, request: &Request) {
        if self.ticket != 0 {
            request.mark_if(request.work() == Work::Poll, WITHDRAWN);
            while !request.ask(request.asked(), self.ticket) {}
        }
    }

    /// Notes in a request, whosever it is, that the program wants it to end; false if it is not meant or over.
    fn asks(&self, process: &'static Process, request: &Request) -> bool {
        loop {
            let seen = request.asked();
            let holder = request.holder();
            if holder == NOBODY || !self.is_for(request) {
                return false;
            }
            if holder == FINISHING {
                // Its event is there in a moment, or was left to whoever has the ring.
                self.context.deliver_late();
                process.engine.caller.pump();
                let _ = futex::wait(&AtomicU32::new(0), 0, 20_000);
            } else if request.ask(seen, self.ticket) {
                // Whoever ends it from here on sees that, and wakes whoever waits.
                if !matches!(request.holder(), NOBODY | FINISHING) {
                    return true;
                }
                request.take_no_notice(seen, self.ticket);
            }
        }
    }

    /// Whether it has found this request, and it is not over.
    fn awaits(&self, request: &Request) -> bool {
        request.is_asked_by(self.ticket) && self.is_for(request)
    }
}

/// `aiouring_cancel`, with what it is given.
///
/// # Errors
/// `EINVAL`, `EFAULT` (the time), `ENOENT` (nothing found), `EALREADY` (nothing taken back), `ETIME`, `EINTR`,
/// `EDEADLK`, `EOPNOTSUPP` (kernel AIO).
#[cold]
pub(crate) fn cancel(
    process: &'static Process,
    held: &InUse<'_>,
    (iocb, fd, flags, timeout): (usize, i32, u32, usize),
) -> Result<usize> {
    let which = match flags & !WAIT {
        IOCB if iocb != 0 => Which::Iocb(iocb as u64),
        FD if fd >= 0 => Which::Fd(fd),
        ALL => Which::All,
        _ => return Err(Errno::EINVAL),
    };
    let waits = flags & WAIT != 0;
    let deadline = match timeout {
        0 => u64::MAX,
        _ if !waits => return Err(Errno::EINVAL),
        address => match process.pages.read::<[u64; 2]>(address)? {
            [seconds, ns @ ..1_000_000_000] if seconds as i64 >= 0 => {
                futex::now().saturating_add(seconds.saturating_mul(1_000_000_000).saturating_add(ns))
            }
            _ => return Err(Errno::EINVAL),
        },
    };
    if let Some(handle) = held.kernel_handle() {
        return match which {
            Which::Iocb(_) if !waits => cancel_in_kernel(handle, iocb),
            _ => Err(Errno::EOPNOTSUPP),
        };
    }
    held.meet(process);
    // What the kernel is done with is an event from here on, and not to be found.
    held.deliver_late();
    held.pump(process);
    process.engine.sync();
    let wish = Wish {
        context: held,
        which,
        ticket: ticket(process),
    };
    let found = process.pool.all().filter(|r| wish.asks(process, r)).count();
    let mut taken = 0;
    if found > 0 {
        taken = process.engine.take_back(wish);
        if let Some(lane) = held.thread().and_then(Thread::lane) {
            taken += lane.take_back(process, &wish);
        }
        if waits {
            process.cancel_waits.fetch_add(1, SeqCst);
            let waited = wait(process, held, &wish, deadline);
            process.cancel_waits.fetch_sub(1, SeqCst);
            waited?;
        }
    }
    held.settle_signals();
    match (found, taken) {
        (0, _) => Err(Errno::ENOENT),
        (_, 0) => Err(Errno::EALREADY),
        (_, taken) => Ok(taken as usize),
    }
}

fn ticket(process: &Process) -> u32 {
    match process.cancels.fetch_add(1, SeqCst).wrapping_add(1) {
        // After four thousand million.
        0 => ticket(process),
        number => number,
    }
}

/// Kernel AIO takes back polls. Of what it does not take back it does not say whether it is there: the answer
/// is that after which nobody gives memory away.
fn cancel_in_kernel(handle: usize, iocb: usize) -> Result<usize> {
    let mut event = super::abi::IoEvent::default();
    match kernel::cancel(handle, iocb, &raw mut event as usize) {
        Ok(_) | Err(Errno::EINPROGRESS) => Ok(1),
        Err(Errno::EINVAL | Errno::EAGAIN) => Err(Errno::EALREADY),
        Err(e) => Err(e),
    }
}

/// Waits until the requests that were found are over.
fn wait(process: &'static Process, held: &InUse<'_>, wish: &Wish, deadline: u64) -> Result<()> {
    let life = held.life();
    let engine = &process.engine;
    let guest = !engine.sees_descriptors();
    let mut woken = Woken::Look;
    // Sleeps in a ring are short. Signals are let into them and nowhere else: each is to end the wait.
    let mut quiet = None;
    // What comes later is not among them.
    for request in process.pool.all() {
        while wish.awaits(request) {
            held.deliver_late();
            engine.caller.pump();
            held.pump(process);
            let seen = held.changed();
            if !wish.awaits(request) {
                break;
            }
            if woken == Woken::Signal {
                return Err(Errno::EINTR);
            }
            let now = futex::now();
            if now >= deadline {
                return Err(Errno::ETIME);
            }
            let ns = (deadline - now).min(futex::FOREVER);
            let lane = held.thread().and_then(Thread::lane).filter(|lane| lane.is_busy());
            let parents = lane.is_some_and(|lane| request.holder() == lane.as_holder())
                || engine.caller.is_open() && process.config.issuer() != Issuer::Sqpoll;
            if guest && parents {
                // The thread that has to come for it waits for this child of vfork.
                return Err(Errno::EDEADLK);
            }
            let lane = lane.filter(|_| !guest);
            woken = if lane.is_some() || engine.caller.is_open() {
                let mask = Some(quiet.get_or_insert_with(thread::quiet_but_traps).before());
                match lane {
                    Some(lane) => lane.sleep(process, held, (NEVER, ns.min(SLEEP), mask), life),
                    None => engine.caller.sleep(held, NEVER, ns.min(SLEEP), mask),
                }
            } else {
                quiet = None;
                held.sleep_on(seen, ns)
            };
            if !held.resume(life) || held.is_dying() {
                return Err(if woken == Woken::Signal {
                    Errno::EINTR
                } else {
                    Errno::EINVAL
                });
            }
            if lane.is_some() {
                held.expect_nothing();
            }
        }
    }
    Ok(())
}
