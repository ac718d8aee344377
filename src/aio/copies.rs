//! Several copies of this library in one process: one that is preloaded, say, and one that a plugin
//! brings along.
//!
//! A context has to work through all of them, so one does the work, and the others hand to it what
//! they are called for: the one whose `io_setup` the dynamic linker finds first, as it does for the
//! program. Each copy knows that function from a relocation, and asks it whether it is of this
//! library by a call that every other `io_setup` refuses. Nothing has to be looked up by name, so
//! it can be done anywhere, also in signal handlers and in children.

#![allow(unsafe_code)]

use super::Wait;
use super::process::Process;
use crate::sys::{Errno, Result, check};
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// What one copy does for another; changes with [`QUESTION`].
#[repr(C)]
pub(crate) struct Calls {
    setup: extern "C" fn(u32, usize) -> isize,
    destroy: extern "C" fn(usize) -> isize,
    submit: extern "C" fn(usize, i64, usize) -> isize,
    cancel: extern "C" fn(usize, usize, usize) -> isize,
    getevents: extern "C" fn(&Wait) -> isize,
    extend: extern "C" fn(usize, u32, *const usize, usize) -> isize,
}

/// The number of events that asks; far too many for a context.
pub(super) const QUESTION: u32 = 0xa10c_0001;

/// What the handle of that call points at, which must be 0 when a context is wanted.
#[repr(C)]
struct Question {
    magic: [u64; 2],
    /// The address of [`CALLS`] in the copy that was asked.
    answer: usize,
}

const MAGIC: [u64; 2] = [0x6169_6f75_7269_6e67, 0xb52c_94c9_0e66_4bd8];

static CALLS: Calls = Calls {
    setup: setup_here,
    destroy: destroy_here,
    submit: submit_here,
    cancel: cancel_here,
    getevents: getevents_here,
    extend: extend_here,
};

fn to_c(result: Result<usize>) -> isize {
    result.map_or_else(|e| e.negated() as isize, |n| n as isize)
}

extern "C" fn setup_here(nr: u32, out: usize) -> isize {
    to_c(super::setup(nr, out).map(|()| 0))
}

extern "C" fn destroy_here(handle: usize) -> isize {
    to_c(super::destroy(handle).map(|()| 0))
}

/// [`submit`], as C wants its result.
///
/// [`submit`]: super::submit
pub extern "C" fn submit_here(handle: usize, nr: i64, iocbs: usize) -> isize {
    to_c(super::submit(handle, nr, iocbs))
}

extern "C" fn cancel_here(handle: usize, iocb: usize, event: usize) -> isize {
    to_c(super::cancel(handle, iocb, event))
}

extern "C" fn getevents_here(wait: &Wait) -> isize {
    to_c(super::getevents(wait))
}

/// `arguments` are those of a call of [`extend`] in another copy.
///
/// [`extend`]: super::extend
extern "C" fn extend_here(handle: usize, what: u32, arguments: *const usize, nr: usize) -> isize {
    // SAFETY: what the other copy has as a slice.
    let arguments = unsafe { core::slice::from_raw_parts(arguments, nr) };
    to_c(super::extend_by_number(handle, what, arguments))
}

impl Calls {
    pub(super) fn setup(&self, nr: u32, out: usize) -> Result<()> {
        check((self.setup)(nr, out)).map(drop)
    }

    pub(super) fn destroy(&self, handle: usize) -> Result<()> {
        check((self.destroy)(handle)).map(drop)
    }

    pub(super) fn submit(&self, handle: usize, nr: i64, iocbs: usize) -> Result<usize> {
        check((self.submit)(handle, nr, iocbs))
    }

    pub(super) fn cancel(&self, handle: usize, iocb: usize, event: usize) -> Result<usize> {
        check((self.cancel)(handle, iocb, event))
    }

    pub(super) fn getevents(&self, wait: &Wait) -> Result<usize> {
        check((self.getevents)(wait))
    }

    pub(super) fn extend(&self, handle: usize, what: u32, arguments: &[usize]) -> Result<usize> {
        check((self.extend)(handle, what, arguments.as_ptr(), arguments.len()))
    }
}

type Setup = unsafe extern "C" fn(u32, *mut usize) -> i32;

// Two words for the dynamic linker: the `io_setup` that it finds first (meson.build sees to it that
// the linker does not decide that), and this object's own.
#[cfg(feature = "symver")]
core::arch::global_asm!(
    ".set aiouring_own_setup, io_setup",
    ".pushsection .data.rel.ro.aiouring_setups, \"aw\", @progbits",
    ".p2align 4",
    ".globl aiouring_setups",
    ".hidden aiouring_setups",
    ".type aiouring_setups, @object",
    "aiouring_setups:",
    ".dc.a io_setup, aiouring_own_setup",
    ".size aiouring_setups, . - aiouring_setups",
    ".popsection",
);

/// The first `io_setup`, unless it is that of this copy.
fn first_setup() -> Option<Setup> {
    #[cfg(feature = "symver")]
    {
        unsafe extern "C" {
            static aiouring_setups: [Setup; 2];
        }
        // SAFETY: the words above, which nothing changes once the object is loaded.
        let [first, own] = unsafe { (&raw const aiouring_setups).read() };
        (first as usize != own as usize).then_some(first)
    }
    // An archive is in the program once, or not at all.
    #[cfg(not(feature = "symver"))]
    None
}

static CHOSEN: AtomicPtr<Calls> = AtomicPtr::new(core::ptr::null_mut());

/// The copy that does the work, if it is not this one.
pub(super) fn other() -> Option<&'static Calls> {
    let first = first_setup()?;
    let mut chosen = CHOSEN.load(Relaxed);
    if chosen.is_null() {
        let mut question = Question {
            magic: MAGIC,
            answer: &raw const CALLS as usize,
        };
        let mut handle = &raw mut question as usize;
        // SAFETY: as any call of `io_setup`; this one is refused by all, and answered by a copy.
        unsafe { first(QUESTION, &raw mut handle) };
        chosen = question.answer as *mut Calls;
        // Whoever asks gets the same answer.
        CHOSEN.store(chosen, Relaxed);
    }
    if core::ptr::eq(chosen, &raw const CALLS) {
        return None;
    }
    // SAFETY: what another copy answered; copies are never unloaded.
    unsafe { chosen.as_ref() }
}

/// Answers the question, if it is one, and refuses the call.
pub(super) fn answer(out: usize) -> Errno {
    let told = Process::get().and_then(|process| {
        let question = process.pages.read::<usize>(out)?;
        let genuine = process.pages.read::<[u64; 2]>(question) == Ok(MAGIC);
        // A copy that is not the first has nothing to offer.
        if genuine && first_setup().is_none() {
            let place = question.wrapping_add(core::mem::offset_of!(Question, answer));
            let _ = process.pages.write(place, &[&raw const CALLS as usize]);
        }
        Ok(())
    });
    told.err().unwrap_or(Errno::EINVAL)
}
