//! A thread of this library's own.

use super::{Errno, Result, file, syscall};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, SeqCst},
};

/// Small: the thread only moves entries between rings.
const STACK: usize = 128 * 1024;

/// What a thread of ours does, on state that outlives it.
pub trait Body: Sync {
    /// Runs in the new thread; the thread ends when it returns.
    fn run(&'static self);
}

extern "C" fn start<B: Body + 'static>(body: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` passed a `&'static B`, and `B` is shared between threads.
    unsafe { &*body.cast::<B>() }.run();
    core::ptr::null_mut()
}

/// Starts a detached thread that no signal of the program reaches, but for `SIGSYS`: the answer of a
/// seccomp filter to a call of the very thread.
///
/// It is made by `pthread_create`, so that the C library knows it: `setuid` and its kin have to
/// reach every thread. For the same reason the two signals that the C library keeps for itself
/// stay open (`pthread_sigmask` leaves them out): with all 64 blocked `setuid` would hang.
///
/// # Errors
/// `EAGAIN` (`RLIMIT_NPROC`, memory).
pub fn spawn<B: Body + 'static>(body: &'static B) -> Result<()> {
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    let mut attr = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut thread: libc::pthread_t = 0;
    let mut ret = libc::EINVAL;
    // SAFETY: every object is a live local, initialised by the call that comes first; a set of signals
    // begins with those that there are, one bit each; the mask of the caller is put back before returning.
    unsafe {
        // A filter that traps a call of the thread would kill the program if it were blocked.
        all.as_mut_ptr().cast::<u64>().write(!(1 << (libc::SIGSYS - 1)));
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        for stack in [Some(STACK), None] {
            libc::pthread_attr_init(attr.as_mut_ptr());
            libc::pthread_attr_setdetachstate(attr.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
            if let Some(size) = stack {
                libc::pthread_attr_setstacksize(attr.as_mut_ptr(), size);
            }
            ret = libc::pthread_create(
                &raw mut thread,
                attr.as_ptr(),
                start::<B>,
                (&raw const *body).cast_mut().cast(),
            );
            libc::pthread_attr_destroy(attr.as_mut_ptr());
            // The thread-local data of all objects lies on the stack, and may not leave enough of a small one.
            if ret != libc::EINVAL {
                break;
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut());
        if ret == 0 { Ok(()) } else { Err(Errno::new(ret)) }
    }
}

/// A key of per-thread data, made on first use; all zeroes is "none yet".
///
/// The key outlives a fork that wipes this memory; a child makes one of its own.
#[derive(Default)]
pub struct Key {
    /// The key plus one; `u32::MAX` while it is being made or cannot be.
    key: AtomicU32,
}

impl Key {
    /// What the calling thread has set, or null.
    #[inline]
    pub fn get(&self) -> *mut c_void {
        match self.key.load(Acquire) {
            0 | u32::MAX => core::ptr::null_mut(),
            // SAFETY: the key was made.
            known => unsafe { libc::pthread_getspecific(known - 1) },
        }
    }

    /// Sets the calling thread's value; `hook` gets it when the thread ends by itself. Gives
    /// whether that was possible.
    pub fn set(&self, value: usize, hook: unsafe extern "C" fn(*mut c_void)) -> bool {
        let mut known = self.key.load(Acquire);
        if known == 0 {
            if self.key.compare_exchange(0, u32::MAX, SeqCst, SeqCst).is_err() {
                return false;
            }
            let mut fresh: libc::pthread_key_t = 0;
            // SAFETY: the key goes to a live local; the destructor stays, as the objects are never unloaded.
            if unsafe { libc::pthread_key_create(&raw mut fresh, Some(hook)) } != 0 {
                return false;
            }
            known = fresh + 1;
            self.key.store(known, SeqCst);
        }
        // SAFETY: the key was made above, here or in another thread.
        known != u32::MAX && unsafe { libc::pthread_setspecific(known - 1, value as *const c_void) } == 0
    }
}

/// Whether the caller runs on the stack that the program has for signal handlers.
pub fn on_signal_stack() -> bool {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: the kernel fills a live local; all zeroes is a valid value in any case.
    unsafe {
        let _ = syscall(libc::SYS_sigaltstack, [0, stack.as_mut_ptr() as usize, 0, 0, 0, 0]);
        stack.assume_init().ss_flags & libc::SS_ONSTACK != 0
    }
}

fn id(nr: i64) -> usize {
    // SAFETY: getpid and gettid take nothing.
    unsafe { syscall(nr, [0; 6]) }.unwrap_or(0)
}

/// Lets others run that are waiting for the processor.
pub fn step_aside() {
    // SAFETY: takes nothing.
    let _ = unsafe { syscall(libc::SYS_sched_yield, [0; 6]) };
}

/// The number of the calling thread.
pub fn own_id() -> usize {
    id(libc::SYS_gettid)
}

/// The number of the calling process.
pub fn process_id() -> usize {
    id(libc::SYS_getpid)
}

/// Whether the caller is a child to which another process lends its memory, as `vfork` does: a thread
/// that it started would end with it, and be missed by the other.
pub fn is_guest() -> bool {
    const KCMP_VM: usize = 1;
    let mut clock = 0;
    // SAFETY: the calling thread's own handle, and a live local. The clock's number holds the id that
    // the C library knows the thread by, in its upper bits.
    if unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) } != 0 {
        return false;
    }
    let (known, own) = (!(clock >> 3) as usize, own_id());
    if known == own {
        return false;
    }
    // Not even the C library knows of a child that a bare clone made; whether it has memory of its
    // own, the kernel knows.
    // SAFETY: no pointers.
    let compared = unsafe { syscall(libc::SYS_kcmp, [own, known, KCMP_VM, 0, 0, 0]) };
    !(matches!(compared, Ok(1..)) || compared == Err(Errno::new(libc::ESRCH)))
}

/// Lets the calling thread have a working directory and a root of its own, so that it keeps none busy
/// and still finds `/proc` when the program has changed its root. Some calls also want these shared
/// with nobody: `setns`.
pub fn leave_directories() {
    // SAFETY: no pointers but to a live C string.
    unsafe {
        if syscall(libc::SYS_unshare, [libc::CLONE_FS as usize, 0, 0, 0, 0, 0]).is_ok() {
            let _ = syscall(libc::SYS_chdir, [c"/".as_ptr() as usize, 0, 0, 0, 0, 0]);
        }
    }
}

/// A signal that the C library keeps for itself, as one of its kind reaches no thread but those that
/// it is sent to, and no handler of the program.
const NUDGE: u64 = 32;
const NUDGES: u64 = 1 << (NUDGE - 1);

/// Has the calling thread take nudges by [`await_nudge`] only.
pub fn take_nudges() {
    // SAFETY: a live mask of the kernel's 8 bytes.
    let _ = unsafe {
        syscall(
            libc::SYS_rt_sigprocmask,
            [libc::SIG_BLOCK as usize, &NUDGES as *const u64 as usize, 0, 8, 0, 0],
        )
    };
}

/// Ends the present or the next [`await_nudge`] of a thread. It takes no descriptor.
pub fn nudge(thread: usize) {
    // SAFETY: no pointers; the thread is one of ours.
    let _ = unsafe { syscall(libc::SYS_tgkill, [process_id(), thread, NUDGE as usize, 0, 0, 0]) };
}

/// Sleeps until a nudge, until the kernel has work to do in this thread, or for so many nanoseconds, less
/// than a second, if any.
pub fn await_nudge(ns: u64) {
    let time = [0, ns];
    let limit = if ns == 0 { 0 } else { time.as_ptr() as usize };
    // SAFETY: a live mask of the kernel's 8 bytes and a live time or none; no information is asked for.
    let _ = unsafe {
        syscall(
            libc::SYS_rt_sigtimedwait,
            [&NUDGES as *const u64 as usize, 0, limit, 8, 0, 0],
        )
    };
}

/// Who else lives in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// The thread that the process began with, or it cannot be told.
    First,
    /// That one has gone; others have not.
    Others,
    /// Nobody but the caller and the kernel's workers.
    Nobody,
}

/// Looks around in `/proc`.
pub fn company() -> Company {
    let mut buf = [0; 256];
    match file::read_small(c"/proc/self/stat", &mut buf).ok().and_then(task_state) {
        Some((b'Z' | b'X', _)) => {}
        _ => return Company::First,
    }
    let own = own_id();
    let mut nobody = true;
    let listed = file::for_each_entry(c"/proc/self/task", |name| {
        const IO_WORKER: u64 = 0x10;
        if decimal(name.to_bytes()) == own as u64 || name.to_bytes().first() == Some(&b'.') {
            return;
        }
        let mut path = [0u8; 64];
        let mut at = 0;
        for part in [&b"/proc/self/task/"[..], name.to_bytes(), b"/stat"] {
            for &byte in part {
                if let Some(place) = path.get_mut(at) {
                    *place = byte;
                    at += 1;
                }
            }
        }
        let mut buf = [0; 256];
        let state = file::text_at_start(&path)
            .and_then(|path| file::read_small(path, &mut buf).ok())
            .and_then(task_state);
        if let Some((state, flags)) = state
            && !matches!(state, b'Z' | b'X')
            && flags & IO_WORKER == 0
        {
            nobody = false;
        }
    });
    match listed {
        Ok(()) if nobody => Company::Nobody,
        _ => Company::Others,
    }
}

/// State and flags from a task's `stat`.
#[inline(never)]
fn task_state(stat: &[u8]) -> Option<(u8, u64)> {
    // The name is in parentheses and may hold anything.
    let after = stat.iter().rposition(|&b| b == b')')? + 2;
    let mut fields = stat.get(after..)?.split(|&b| b == b' ');
    let state = *fields.next()?.first()?;
    Some((state, decimal(fields.nth(5)?)))
}

#[inline(never)]
fn decimal(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, b| {
        n.wrapping_mul(10).wrapping_add(u64::from(b.wrapping_sub(b'0')))
    })
}

extern "C" fn leave(_: *mut c_void) -> *mut c_void {
    // SAFETY: no other thread of the program is left that the handlers could race with.
    unsafe { libc::exit(0) }
}

/// Ends the process as the C library does when its last thread ends. The program's exit handlers
/// run on a thread of their own, as they may need what the calling one does.
pub fn exit_process() {
    let mut thread: libc::pthread_t = 0;
    // SAFETY: default attributes, and the handle goes to a live local.
    let made = unsafe { libc::pthread_create(&raw mut thread, core::ptr::null(), leave, core::ptr::null_mut()) };
    if made != 0 {
        leave(core::ptr::null_mut());
    }
}

/// Names the calling thread, for those who look at `/proc` or a debugger.
pub fn name(name: &core::ffi::CStr) {
    // SAFETY: a live C string.
    let _ = unsafe {
        syscall(
            libc::SYS_prctl,
            [libc::PR_SET_NAME as usize, name.as_ptr() as usize, 0, 0, 0, 0],
        )
    };
}

/// The real-time class and priority of the calling thread, as one number that is greater for a higher
/// priority; 0 for the other classes.
pub fn real_time() -> u32 {
    // SAFETY: no pointers; 0 is the caller.
    let class =
        unsafe { syscall(libc::SYS_sched_getscheduler, [0; 6]) }.unwrap_or(0) as i32 & !libc::SCHED_RESET_ON_FORK;
    if class != libc::SCHED_FIFO && class != libc::SCHED_RR {
        return 0;
    }
    let mut priority = 0;
    // SAFETY: a live local of the structure's one field.
    let _ = unsafe { syscall(libc::SYS_sched_getparam, [0, &raw mut priority as usize, 0, 0, 0, 0]) };
    (priority as u32) << 8 | class as u32
}

/// Gives a thread of ours what [`real_time`] said of another, if the caller may do that.
pub fn set_real_time(thread: usize, as_much: u32) {
    let priority = as_much >> 8;
    // SAFETY: a live local of the structure's one field.
    let _ = unsafe {
        syscall(
            libc::SYS_sched_setscheduler,
            [thread, as_much as usize & 0xff, &raw const priority as usize, 0, 0, 0],
        )
    };
}

/// Keeps signal handlers away while rarely used state is changed.
#[must_use]
pub struct Quiet(u64);

impl Quiet {
    /// The signals that were blocked before.
    pub fn before(&self) -> u64 {
        self.0
    }
}

/// Blocks the signals of the calling thread until the guard is dropped.
pub fn quiet() -> Quiet {
    block(u64::MAX)
}

/// The same but for `SIGSYS`: a thread that enters a ring may meet a filter that traps it, and the kernel kills where
/// that signal is blocked.
pub fn quiet_but_traps() -> Quiet {
    block(!(1 << (libc::SIGSYS - 1)))
}

#[inline(never)]
fn block(all: u64) -> Quiet {
    let mut before = 0u64;
    // SAFETY: two live masks of the kernel's 8 bytes.
    let _ = unsafe {
        syscall(
            libc::SYS_rt_sigprocmask,
            [
                libc::SIG_SETMASK as usize,
                &raw const all as usize,
                &raw mut before as usize,
                8,
                0,
                0,
            ],
        )
    };
    Quiet(before)
}

/// Calls `what` with `SIGSYS` open, where all signals are blocked.
pub fn with_sigsys<T>(what: impl FnOnce() -> T) -> T {
    let set = 1u64 << (libc::SIGSYS - 1);
    let change = |how: i32| {
        // SAFETY: a live mask of the kernel's 8 bytes.
        let _ = unsafe {
            syscall(
                libc::SYS_rt_sigprocmask,
                [how as usize, &raw const set as usize, 0, 8, 0, 0],
            )
        };
    };
    change(libc::SIG_UNBLOCK);
    let result = what();
    change(libc::SIG_BLOCK);
    result
}

impl Drop for Quiet {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: a live mask of the kernel's 8 bytes.
        let _ = unsafe {
            syscall(
                libc::SYS_rt_sigprocmask,
                [libc::SIG_SETMASK as usize, &raw const self.0 as usize, 0, 8, 0, 0],
            )
        };
    }
}

/// Calls `what` with the number of descriptors that the kernel will let a file table have, at most
/// `wanted`. The kernel goes by the soft limit, which is raised for the time of the call if it may.
pub fn with_descriptor_limit<T>(wanted: u32, what: impl FnOnce(u32) -> T) -> T {
    let exchange = |new: *const libc::rlimit, old: *mut libc::rlimit| {
        // SAFETY: pid 0 is the caller; both are null or point to a live limit.
        unsafe {
            syscall(
                libc::SYS_prlimit64,
                [0, libc::RLIMIT_NOFILE as usize, new as usize, old as usize, 0, 0],
            )
        }
    };
    let mut before = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    if exchange(core::ptr::null(), &raw mut before).is_err() {
        return what(0);
    }
    let raised = libc::rlimit {
        rlim_cur: u64::from(wanted).min(before.rlim_max),
        rlim_max: before.rlim_max,
    };
    let raise = raised.rlim_cur > before.rlim_cur && exchange(&raw const raised, core::ptr::null_mut()).is_ok();
    let limit = if raise { raised.rlim_cur } else { before.rlim_cur };
    let result = what(limit.min(wanted.into()) as u32);
    if raise {
        let _ = exchange(&raw const before, core::ptr::null_mut());
    }
    result
}

/// Whether the calling thread has a capability, by its number.
pub fn capable(capability: u32) -> bool {
    let header: [u32; 2] = [0x2008_0522, 0];
    let mut data = [0u32; 6];
    // SAFETY: a live header of version 3 and room for its two records.
    let got = unsafe {
        syscall(
            libc::SYS_capget,
            [header.as_ptr() as usize, data.as_mut_ptr() as usize, 0, 0, 0, 0],
        )
    };
    let [low, _, _, high, _, _] = data;
    let effective = u64::from(low) | u64::from(high) << 32;
    got.is_ok() && effective >> (capability & 63) & 1 == 1
}

unsafe extern "C" {
    // glibc's and musl's; the libc crate does not declare it.
    fn secure_getenv(name: *const core::ffi::c_char) -> *const core::ffi::c_char;
    // A pointer that the program may change: never looked behind here.
    static environ: *const *const core::ffi::c_char;
}

/// The file name that the program was executed by.
pub fn executed_name() -> Option<&'static [u8]> {
    // SAFETY: the kernel put the text on the first stack, where it stays.
    unsafe {
        let name = libc::getauxval(libc::AT_EXECFN) as *const core::ffi::c_char;
        (!name.is_null()).then(|| core::ffi::CStr::from_ptr(name).to_bytes())
    }
}

/// Whether there is an environment, if only an empty one.
pub fn has_environment() -> bool {
    // SAFETY: the variable is always there; a program that writes it meanwhile races with every getenv.
    !unsafe { (&raw const environ).read_volatile() }.is_null()
}

/// The value of an environment variable, unless the program runs with raised rights.
#[inline(never)]
pub fn environment(name: &core::ffi::CStr) -> Option<&'static [u8]> {
    // SAFETY: a live C string; the environment stays as long as the program does not change it,
    // and the callers look at once.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        if value.is_null() {
            None
        } else {
            Some(core::ffi::CStr::from_ptr(value).to_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_task() {
        let stat = b"12 (a) b) (c) S 1 2 3 4 5 4194560 6 7 8";
        assert_eq!(task_state(stat), Some((b'S', 4_194_560)));
        assert_eq!(task_state(b""), None);
        assert_eq!(task_state(b"1 (x)"), None);
    }

    #[test]
    fn the_first_thread_is_seen_while_it_lives() {
        assert_eq!(company(), Company::First);
    }
}
