//! Seccomp filters: whether there is one, and what it makes of the calls that this library needs.
//!
//! A filter may kill for a call, or send `SIGSYS`, to a program that never makes that call itself.
//! So under a filter the calls are tried by a child first, which nobody sees: it has no exit signal
//! and leaves no core.

use super::{Errno, Result, file, futex, syscall, thread};
use core::ptr;
use core::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

/// Whether a filter is in force for the calling thread.
pub fn filtered() -> bool {
    mode() != 0
}

/// The mode of the calling thread: 0 for none, 1 for the strict one, 2 for filters.
pub fn mode() -> u32 {
    let mut buf = [0; 2048];
    // A filter that is strict may know no prctl; files have been opened before.
    let line = file::read_small(c"/proc/thread-self/status", &mut buf)
        .ok()
        .and_then(mode_in);
    line.map_or_else(|| 2 * u32::from(mode_is_set()), |mode| mode.wrapping_sub(b'0').into())
}

/// The same by a single call.
pub fn mode_is_set() -> bool {
    // SAFETY: no pointers.
    let mode = unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_SECCOMP as usize, 0, 0, 0, 0, 0]) };
    mode != Ok(0)
}

fn mode_in(status: &[u8]) -> Option<u8> {
    const LINE: &[u8] = b"\nSeccomp:\t";
    let at = status.windows(LINE.len()).position(|w| w == LINE)?;
    status.get(at + LINE.len()).copied()
}

/// The thread that tries, and what it found.
static TRIED_BY: AtomicUsize = AtomicUsize::new(0);
static TRAPPED: AtomicU32 = AtomicU32::new(0);
static PROGRAMS: AtomicUsize = AtomicUsize::new(0);

/// Takes the place of the program's handler while the filter's mind about `clone` is not known.
extern "C" fn on_sigsys(signo: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if TRIED_BY.load(Relaxed) == thread::own_id() {
        return TRAPPED.store(1, Relaxed);
    }
    let handler = PROGRAMS.load(Relaxed);
    if handler != libc::SIG_DFL && handler != libc::SIG_IGN {
        // SAFETY: the address came from the kernel as that of the program's handler. One that takes
        // fewer arguments does not look at the others.
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { core::mem::transmute(handler) };
        handler(signo, info, context);
    }
}

/// What stands for a filter that kills or sends `SIGSYS`: no filter answers so.
pub const KILLED: Errno = Errno::ECANCELED;

/// Finds out whether the filter lets this library have a thread with a ring. One caller at a time.
///
/// # Errors
/// What the filter answers; `EPERM` if it kills.
pub fn trial() -> Result<()> {
    sheltered(try_calls).map_err(|e| if e == KILLED { Errno::EPERM } else { e })
}

/// Finds out whether the filter lets a call through, whose answer to these arguments is known.
///
/// # Errors
/// What the filter answers; [`KILLED`].
pub fn trial_of(nr: i64, args: [usize; 2], expected: Errno) -> Result<()> {
    // Or a handler would find its own thread at it, and SIGSYS be blocked afterwards.
    let _quiet = thread::quiet();
    sheltered(|| try_call(nr, args, Some(expected)))
}

/// Whether the two above can be asked: they need a child.
///
/// # Errors
/// Why there is none.
pub fn can_try() -> Result<()> {
    let _quiet = thread::quiet();
    sheltered(|| Ok(()))
}

/// Signals are blocked.
fn sheltered(calls: impl FnOnce() -> Result<()>) -> Result<()> {
    /// The process that is at it: the handler is the process's, and there is one record of it.
    static BUSY: AtomicUsize = AtomicUsize::new(0);
    let me = thread::process_id();
    // A child of a process that was at it is not to wait for that.
    while let Err(other) = BUSY.compare_exchange(0, me, SeqCst, Relaxed)
        && (other == me || BUSY.compare_exchange(other, me, SeqCst, Relaxed).is_err())
    {
        let _ = futex::wait(&AtomicU32::new(0), 0, 1_000_000);
    }
    // SAFETY: all zeroes is a valid sigaction; both are live, and the program's comes back below.
    unsafe {
        let mut ours: libc::sigaction = core::mem::zeroed();
        let mut programs: libc::sigaction = core::mem::zeroed();
        ours.sa_sigaction = on_sigsys as *const () as usize;
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSYS, ptr::null(), &raw mut programs);
        TRAPPED.store(0, Relaxed);
        PROGRAMS.store(programs.sa_sigaction, Relaxed);
        TRIED_BY.store(thread::own_id(), SeqCst);
        libc::sigaction(libc::SIGSYS, &raw const ours, ptr::null_mut());
        // A blocked signal of this kind kills.
        let result = thread::with_sigsys(|| ask_a_child(calls));
        libc::sigaction(libc::SIGSYS, &raw const programs, ptr::null_mut());
        BUSY.store(0, SeqCst);
        result
    }
}

fn ask_a_child(calls: impl FnOnce() -> Result<()>) -> Result<()> {
    // SAFETY: a child with a copy of everything, without an exit signal. It makes nothing but plain
    // system calls, whatever the other threads hold at the moment.
    let child = unsafe { syscall(libc::SYS_clone, [0; 6]) };
    if child == Ok(0) {
        TRIED_BY.store(thread::own_id(), Relaxed);
        let verdict = calls().map_or_else(Errno::number, |()| 0);
        loop {
            // SAFETY: the child ends, without a handler of the program.
            let _ = unsafe { syscall(libc::SYS_exit_group, [verdict as usize, 0, 0, 0, 0, 0]) };
        }
    }
    if TRAPPED.load(Relaxed) != 0 {
        return Err(KILLED);
    }
    let child = child?;
    let mut status = 0i32;
    loop {
        let wait = [child, &raw mut status as usize, libc::__WALL as usize, 0, 0, 0];
        // SAFETY: the status goes to a live local.
        match unsafe { syscall(libc::SYS_wait4, wait) } {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
    match (status & 0x7f, status >> 8) {
        (0, 0) => Ok(()),
        (0, error) => Err(Errno::new(error)),
        _ => Err(KILLED),
    }
}

/// Makes the calls that a ring and its thread need, so that they are refused in any case.
fn try_calls() -> Result<()> {
    // Not -1, which io_uring_register knows.
    let none = (u32::MAX - 1) as usize;
    let calls = [
        // No core, should one of the others be the end.
        (libc::SYS_prctl, [libc::PR_SET_DUMPABLE as usize, 0], None),
        (libc::SYS_io_uring_setup, [0, 0], Some(Errno::EFAULT)),
        (libc::SYS_io_uring_enter, [none, 0], Some(Errno::EBADF)),
        // 1 is a request that needs a ring.
        (libc::SYS_io_uring_register, [none, 1], Some(Errno::EBADF)),
        (libc::SYS_clone3, [0, 0], None),
        (libc::SYS_set_robust_list, [0, 0], None),
        (libc::SYS_rseq, [0, 0], None),
        (libc::SYS_statx, [0, 0], None),
    ];
    for (nr, args, expected) in calls {
        try_call(nr, args, expected)?;
    }
    Ok(())
}

fn try_call(nr: i64, [a, b]: [usize; 2], expected: Option<Errno>) -> Result<()> {
    // SAFETY: none of those above, nor of those that others ask for, does anything with their arguments.
    let result = unsafe { syscall(nr, [a, b, 0, 0, 0, 0]) };
    if TRAPPED.load(Relaxed) != 0 {
        return Err(KILLED);
    }
    match expected {
        Some(expected) if result != Err(expected) => Err(result.err().unwrap_or(Errno::ENOSYS)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_found_in_the_text() {
        assert_eq!(
            mode_in(b"Name:\tSeccomp:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"),
            Some(b'2')
        );
        assert_eq!(mode_in(b"Name:\tx\n"), None);
    }

    #[test]
    fn without_a_filter_everything_is_allowed() {
        if !filtered() {
            assert_eq!(trial(), Ok(()));
        }
    }
}
