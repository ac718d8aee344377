//! The AIO engine: what `io_setup`, `io_submit`, `io_getevents`, `io_cancel` and `io_destroy`
//! mean, in three lanes.
//!
//! * [`submit`] admits requests and does in the caller what kernel AIO does there;
//! * [`engine`] hands the rest over to the library's thread, [`driver`], which carries it on an
//!   io_uring ring;
//! * [`fixed`] finds the registered buffers that transfers lie in, [`files`] has those that recur held by the ring;
//! * [`extend`](mod@extend) leads what libaio has not to the context it is for;
//! * the kernel's own AIO takes the contexts of processes that get no ring, and every handle
//!   that is not in the table.

pub mod abi;
pub(crate) mod caller;
pub(crate) mod cancel;
pub(crate) mod carrier;
pub(crate) mod class;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod copies;
pub(crate) mod driver;
pub(crate) mod engine;
pub(crate) mod extend;
#[cfg(feature = "faults")]
pub(crate) mod faults;
pub(crate) mod files;
pub(crate) mod fixed;
pub(crate) mod frame;
pub(crate) mod judge;
pub(crate) mod log;
pub(crate) mod own;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod provided;
pub(crate) mod request;
pub(crate) mod ring;
pub(crate) mod streams;
pub(crate) mod submit;
pub(crate) mod underway;
pub(crate) mod wait;

use crate::sys::{Errno, Result, aio as kernel, file, futex, mem};
use config::Backend;
use context::InUse;
pub use copies::submit_here;
pub(crate) use extend::extend_by_number;
pub use extend::{Extension, extend};
#[cfg(feature = "faults")]
pub(crate) use faults::seeded;
use frame::Frame;
use process::Process;
use ring::Shape;
use wait::{Patience, Wanted};

/// Whether this build is to be wrong in the way of that name, see `faults.rs`: none that is installed.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub(crate) const fn seeded(_fault: &str) -> bool {
    false
}

/// Makes a context for `nr` events; the handle goes to the address `out`, which must hold 0.
///
/// # Errors
/// `EFAULT` (`out`), `EINVAL` (`*out` is not 0, `nr` is 0 or too large), `EAGAIN` (`nr` is above
/// `fs.aio-max-nr`), `ENOMEM`; with `AIOURING_BACKEND=uring` also why there is no ring.
pub fn setup(nr: u32, out: usize) -> Result<()> {
    if nr == copies::QUESTION {
        return Err(copies::answer(out));
    }
    if let Some(copy) = copies::other() {
        return copy.setup(nr, out);
    }
    let process = Process::get()?;
    let config = &process.config;
    if let Backend::Kernel(why) = config.backend() {
        return setup_kernel(process, nr, out, why);
    }
    if process.pages.read::<usize>(out)? != 0 || nr == 0 {
        return Err(Errno::EINVAL);
    }
    let shape = Shape::new(nr, config.possible_cpus())?;
    if nr > config.max_nr(nr) {
        return Err(Errno::EAGAIN);
    }
    if let Err(e) = process.engine.start(process) {
        return match config.backend() {
            Backend::Uring => Err(e),
            _ => setup_kernel(process, nr, out, log::Why::Refused(e)),
        };
    }
    // The process may end with this thread.
    let _ = process.threads.current();
    // A poll cannot do without, should there be no memory later.
    process.pool.reserve();
    let handle = process.table.open(shape)?;
    if let Err(e) = process.pages.write(out, &[handle]) {
        let _ = destroy(handle);
        return Err(e);
    }
    if config.log() {
        log::context(handle, nr, None);
    }
    Ok(())
}

fn setup_kernel(process: &'static Process, nr: u32, out: usize, why: log::Why) -> Result<()> {
    kernel::setup(nr, out)?;
    let handle = process.pages.read::<usize>(out)?;
    // Not being in the table changes nothing but the short cut of `io_getevents`.
    let _ = process.table.adopt(handle);
    if process.config.log() {
        log::context(handle, nr, Some(why));
    }
    Ok(())
}

/// Ends a context: waits for its requests, whose events are lost, and cancels its polls.
///
/// # Errors
/// `EINVAL`.
pub fn destroy(handle: usize) -> Result<()> {
    let frame = Frame::default();
    let Some((process, context)) = find(handle, &frame) else {
        return match copies::other() {
            Some(copy) => copy.destroy(handle),
            None => kernel::destroy(not_the_judge(handle)).map(|_| ()),
        };
    };
    if let Some(handle) = context.kernel_handle() {
        process.table.destroy(process, context)?;
        return kernel::destroy(handle).map(|_| ());
    }
    context.meet(process);
    process.table.destroy(process, context)
}

#[inline(always)]
fn find(handle: usize, frame: &Frame) -> Option<(&'static Process, InUse<'_>)> {
    let process = Process::current()?;
    begin_in(process, handle, frame).map(|context| (process, context))
}

/// Apart, as its result fits into registers.
fn begin_in<'f>(process: &'static Process, handle: usize, frame: &'f Frame) -> Option<InUse<'f>> {
    frame.begin(process);
    process.table.find(handle, frame)
}

/// The same, for a context with a ring of ours.
#[inline(always)]
fn find_ours(handle: usize, frame: &Frame) -> Option<(&'static Process, InUse<'_>)> {
    let (process, context) = find(handle, frame)?;
    // Results that go through memory are slow: no `filter`, here and below.
    if context.kernel_handle().is_some() {
        return None;
    }
    Some((process, context))
}

/// A handle for the kernel. One that the program has destroyed may be the address of the judge's by
/// now, which is none of the program's.
fn not_the_judge(handle: usize) -> usize {
    match Process::current() {
        Some(process) if process.judge.is(handle) => 0,
        _ => handle,
    }
}

/// Submits up to `nr` requests, whose addresses are at `iocbs`; gives how many were taken.
///
/// # Errors
/// Those of the first request when it was refused: `EINVAL`, `EFAULT`, `EBADF`, `EAGAIN` (no
/// slot), `EOPNOTSUPP`, `EPERM`.
#[inline(always)]
pub fn submit(handle: usize, nr: i64, iocbs: usize) -> Result<usize> {
    let frame = Frame::default();
    match find_ours(handle, &frame) {
        Some((process, context)) => {
            context.meet(process);
            let mut early = None;
            if nr == 1 {
                // Here, as to return after a system call is dear: some kernels spoil the processor's guess
                // of where to.
                early = submit::read_remembered::<true>(process, &context, iocbs, 1);
                if early == Some(Ok(0)) {
                    if let Some(call) = context.call() {
                        call.publish(&context);
                        context.notify();
                    }
                    return Ok(1);
                }
            }
            submit::submit(process, &context, nr, iocbs, early)
        }
        None => match copies::other() {
            Some(copy) => copy.submit(handle, nr, iocbs),
            None if seeded("stale") => Ok(0),
            None => kernel::submit(not_the_judge(handle), nr, iocbs),
        },
    }
}

/// Takes a poll back; its event comes with a result of 0. Or a read that waits for data and for a buffer; its event comes
/// with `ECANCELED`, or with data that was there first.
///
/// # Errors
/// `EINPROGRESS` when it was taken back; `EINVAL` for everything that is not a pending poll or such a read of the
/// context; `EFAULT`.
pub fn cancel(handle: usize, iocb: usize, event: usize) -> Result<usize> {
    let frame = Frame::default();
    let Some((process, context)) = find_ours(handle, &frame) else {
        return match copies::other() {
            Some(copy) => copy.cancel(handle, iocb, event),
            None => kernel::cancel(not_the_judge(handle), iocb, event),
        };
    };
    let key = process.pages.read::<u32>(iocb.wrapping_add(abi::KEY_OFFSET))?;
    if seeded("cancel") {
        return Err(Errno::EINPROGRESS);
    }
    if key != 0 {
        return Err(Errno::EINVAL);
    }
    if context.has_waiting() && process.engine.cancel(*context, iocb as u64) {
        context.settle_signals();
        Err(Errno::EINPROGRESS)
    } else {
        Err(Errno::EINVAL)
    }
}

/// What `io_getevents` and `io_pgetevents` are given; pointers as addresses.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Wait {
    /// The context.
    pub handle: usize,
    /// Return when there are so many.
    pub min: i64,
    /// Take no more than so many.
    pub max: i64,
    /// `struct io_event[max]`.
    pub events: usize,
    /// `struct timespec`, or 0.
    pub timeout: usize,
    /// `{sigset_t *, size_t}`, or 0.
    pub mask: usize,
    /// It is the call that takes a mask.
    pub masked: bool,
    /// With the C library's [short cut](looks_empty), which the system call does not have.
    pub short_cut: bool,
}

/// Takes events.
///
/// # Errors
/// `EFAULT` (timeout, mask or events), `EINVAL` (context or counts), `EINTR`.
pub fn getevents(wait: &Wait) -> Result<usize> {
    if let Some(copy) = copies::other() {
        return copy.getevents(wait);
    }
    let process = Process::get()?;
    let patience = match wait.timeout {
        0 => Patience::Forever,
        address => Patience::from_timespec(process.pages.read(address)?),
    };
    let frame = Frame::default();
    let found = begin_in(process, wait.handle, &frame);
    let ours = found.as_ref().is_some_and(|context| context.kernel_handle().is_none());
    if let Some(context) = &found
        && ours
    {
        context.meet(process);
        context.pump(process);
    }
    if wait.short_cut && patience == Patience::None && looks_empty(process, wait.handle, found.as_ref()) {
        return Ok(0);
    }
    let context = match found {
        Some(context) if ours => context,
        found => {
            // Another thread may destroy it meanwhile.
            drop(found);
            return getevents_kernel(wait);
        }
    };
    let mask = match signal_mask(process, wait.mask) {
        Err(_) if seeded("mask") => None,
        mask => mask?,
    };
    let wanted = Wanted {
        min: wait.min,
        max: wait.max,
        out: wait.events,
    };
    let result = wait::take(process, context, wanted, patience, mask);
    match mask {
        // A signal that the mask lets through is delivered even when the call did not sleep.
        Some(mask) if file::poll_masked(-1, 0, mask) == Err(Errno::EINTR) && result == Ok(0) => Err(Errno::EINTR),
        _ => result,
    }
}

fn signal_mask(process: &'static Process, pair: usize) -> Result<Option<u64>> {
    if pair == 0 {
        return Ok(None);
    }
    match process.pages.read::<[usize; 2]>(pair)? {
        [0, _] => Ok(None),
        [set, 8] => process.pages.read(set).map(Some),
        _ => Err(Errno::EINVAL),
    }
}

/// The C library's short cut: with a timeout of zero and a ring that looks empty it answers 0
/// before any check. It holds for every ring, a parent's too, that the memory shows.
fn looks_empty(process: &'static Process, handle: usize, found: Option<&InUse<'_>>) -> bool {
    let header = match found {
        Some(context) if context.kernel_handle().is_none() => {
            let ring = &context.ring;
            // In this order: a poll leaves its list when its event is there.
            let polls = !context.polls.is_empty();
            if !ring.looks_empty() {
                return false;
            }
            // A poll that is ready has its event as soon as the wake-up returned, in kernel AIO;
            // here it may still be on its way.
            if polls {
                process.engine.sync();
            } else {
                process.engine.caller.pump();
            }
            return ring.looks_empty();
        }
        // Its ring stays while it is in use.
        Some(_) => process.pages.read::<[u32; 8]>(handle).ok(),
        // Another thread may be destroying it.
        None => mem::peek(handle),
    };
    header.is_some_and(|[_, _, head, tail, magic, ..]| magic == abi::RING_MAGIC && head == tail)
}

fn getevents_kernel(wait: &Wait) -> Result<usize> {
    let handle = not_the_judge(wait.handle);
    if wait.masked {
        kernel::pgetevents(handle, wait.min, wait.max, wait.events, wait.timeout, wait.mask)
    } else {
        kernel::getevents(handle, wait.min, wait.max, wait.events, wait.timeout)
    }
}

/// Waits for the transfers that are under way: for those who leave the process by `exit`.
pub fn drain() {
    if let Some(process) = Process::current() {
        let thread = process.threads.current();
        if process.engine.caller.is_open() {
            while !process.transfers.is_empty() && process.engine.caller.nap() {}
        } else {
            while let Some(lane) = thread.and_then(frame::Thread::lane)
                && lane.is_busy()
            {
                lane.nap(process, 10_000_000);
            }
            process.transfers.settle(futex::FOREVER);
        }
    }
}

/// Reads a value of the program, as [`mem::ProvenPages::read`]; for the functions of the C
/// library that copy what they are given before they call on.
///
/// # Errors
/// `EFAULT`, `ENOMEM`.
pub fn read_program<T: mem::Plain>(address: usize) -> Result<T> {
    Process::get()?.pages.read(address)
}
