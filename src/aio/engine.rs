//! The ring lane, as the program's threads see it: hand-over and waiting.
//!
//! A request belongs to the task that entered the kernel with it: one that exits takes requests
//! with it, and completions interrupt its blocking calls. So the program's threads hand their
//! requests over and wait until the kernel has them; a thread of the library, the [`driver`],
//! enters the kernel and turns completions into events.
//!
//! [`driver`]: super::driver

use super::caller::Caller;
use super::cancel::Wish;
use super::carrier::Carrier;
use super::config::Issuer;
use super::context::Context;
use super::files::Identity;
use super::fixed::Change;
use super::process::Process;
use super::request::{Link, Request};
use crate::sys::futex::{self, Lock};
use crate::sys::{Errno, Result, seccomp, thread};
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};

/// The largest transfer of one call, as the kernel clamps it; an SQE's length has 32 bits.
pub(crate) const MAX_TRANSFER: u64 = 0x7fff_f000;

const STOPPED: u32 = 0;
const STARTING: u32 = 1;
pub(crate) const RUNNING: u32 = 2;
pub(crate) const FAILED: u32 = 3;

/// See [`Engine::trial`].
const UNTRIED: i32 = 0;
const ALLOWED: i32 = -1;
const UNFILTERED: i32 = -2;

/// See [`Engine::sleep`].
pub(crate) const ASLEEP: u32 = 1;
const WAKE_UP: u32 = 2;

/// The side of the ring lane that the program's threads see.
#[derive(Default)]
pub(crate) struct Engine {
    starting: Lock,
    pub(crate) state: AtomicU32,
    pub(crate) error: AtomicI32,
    /// What a seccomp filter made of the ring's calls: [`UNTRIED`], [`ALLOWED`], [`UNFILTERED`], or
    /// the error.
    trial: AtomicI32,
    /// The process whose descriptors are seen where the requests are issued.
    pub(crate) process_id: AtomicUsize,
    pub(crate) inbox: AtomicPtr<Batch>,
    /// [`ASLEEP`] while the thread sleeps in the kernel or is about to; above it, a count of
    /// wake-ups, so that one which comes before the kernel sleeps is not lost.
    pub(crate) sleep: AtomicU32,
    /// The thread's number, where a signal has to wake it, as the kernel has no futex requests.
    pub(crate) nudged: AtomicUsize,
    /// The thread's number, and the highest real-time class that a submitter had.
    pub(crate) thread: AtomicUsize,
    real_time: AtomicU32,
    /// A thread has left that the process may have ended with.
    pub(crate) departure: AtomicU32,
    /// What takes the thread's place when the program's threads enter the kernel themselves.
    pub(crate) caller: Caller,
    pub(crate) carrier: Carrier,
}

/// A hand-over; lives on the stack of the thread that waits for it.
pub(crate) struct Batch {
    pub(crate) next: AtomicPtr<Batch>,
    pub(crate) first: Link,
    pub(crate) order: Order,
    /// When it was handed over.
    pub(crate) since: u64,
    /// Writes that the kernel would not take without blocking, in order.
    pub(crate) redo: Link,
    pub(crate) last_redo: Link,
    /// How many requests were taken back.
    pub(crate) cancelled: AtomicU32,
    /// [`PENDING`], [`SLEEPING`] or [`DONE`].
    pub(crate) done: AtomicU32,
}

/// What is handed over.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// Requests, or nothing but the wish for what is there.
    Submit,
    /// Requests to take back.
    Cancel(Wish),
    /// An eventfd to be brought to its end, and by how much.
    Saturate(i32, u64),
    /// The ring's registered buffers to be changed.
    Buffers(*const Change),
    /// A file to be held by the ring, or no longer.
    Hold(Identity),
    Drop(i32),
    /// The buffer ring of the context, to be made known to the kernel; and not to be known any more, for which the reads
    /// that wait for its buffers are taken back.
    Bind(&'static Context),
    Unbind(&'static Context),
}

const PENDING: u32 = 0;
const DONE: u32 = 1;
const SLEEPING: u32 = 2;

impl Engine {
    /// Whether requests can be handed over.
    pub(crate) fn is_running(&self) -> bool {
        self.state.load(SeqCst) == RUNNING
    }

    /// Whether requests go to a thread of the library.
    pub(crate) fn has_thread(&self) -> bool {
        !self.caller.is_open()
    }

    /// Starts the thread and its ring, unless they are there.
    ///
    /// # Errors
    /// What the kernel says: `EPERM`, `ENOSYS`, `ENOMEM`, `EMFILE`, `EAGAIN`, ...
    pub(crate) fn start(&self, process: &'static Process) -> Result<()> {
        if self.carrier.is_open() {
            return Err(Errno::EPERM);
        }
        if self.is_running() {
            return Ok(());
        }
        let _quiet = thread::quiet();
        let _held = self.starting.lock();
        if self.is_running() {
            return Ok(());
        }
        if self.trial.load(SeqCst) == UNTRIED {
            let verdict = if seccomp::filtered() {
                seccomp::trial().map_or_else(Errno::number, |()| ALLOWED)
            } else {
                UNFILTERED
            };
            self.trial.store(verdict, SeqCst);
        }
        match self.trial.load(SeqCst) {
            ALLOWED | UNFILTERED => {}
            error => return Err(Errno::new(error)),
        }
        if thread::is_guest() {
            return Err(Errno::EAGAIN);
        }
        self.process_id.store(thread::process_id(), SeqCst);
        let issuer = process.config.issuer();
        if issuer != Issuer::Thread {
            self.caller.open(process, issuer == Issuer::Sqpoll)?;
            self.state.store(RUNNING, SeqCst);
            return Ok(());
        }
        self.state.store(STARTING, SeqCst);
        let started = thread::spawn(process);
        if let Err(e) = started {
            self.state.store(STOPPED, SeqCst);
            return Err(e);
        }
        futex::wait_change(&self.state, STARTING);
        if self.is_running() {
            Ok(())
        } else {
            Err(Errno::new(self.error.load(SeqCst)))
        }
    }

    /// Whether the caller's descriptors are those. A child of `vfork` shares the memory and has a
    /// table of descriptors of its own.
    pub(crate) fn sees_descriptors(&self) -> bool {
        self.process_id.load(SeqCst) == thread::process_id()
    }

    /// Whether no seccomp filter was in force when the thread was started.
    pub(crate) fn is_unfiltered(&self) -> bool {
        self.trial.load(SeqCst) == UNFILTERED
    }

    /// Hands requests over; returns when the kernel has them. What comes back has to be done by
    /// the caller, in order, as kernel AIO would have done it within `io_submit`.
    pub(crate) fn submit(&self, chain: &'static Request) -> Option<&'static Request> {
        self.hand_over(Some(chain), Order::Submit).0
    }

    /// A thread whose submitters are in a real-time class has to be in it, too, or they would wait for
    /// whatever runs before it. It stays there.
    pub(crate) fn follow_class(&self) {
        // A filter may kill for the question, as sandboxes of virtual machines do.
        if !self.is_unfiltered() || self.caller.is_open() || seccomp::mode_is_set() {
            return;
        }
        let class = thread::real_time();
        if class > self.real_time.load(SeqCst) {
            self.real_time.store(class, SeqCst);
            thread::set_real_time(self.thread.load(SeqCst), class);
        }
    }

    /// Takes a poll back: that of one iocb, or with 0 every one of the context. Gives whether
    /// there was any.
    pub(crate) fn cancel(&self, context: &'static Context, iocb: u64) -> bool {
        self.take_back(Wish::poll(context, iocb)) != 0
    }

    /// Takes requests back; gives how many.
    pub(crate) fn take_back(&self, wish: Wish) -> u32 {
        if !self.is_running() {
            return 0;
        }
        let _quiet = thread::quiet();
        self.hand_over(None, Order::Cancel(wish)).1
    }

    /// One of the orders that concern the buffer ring of a context, which has the answer.
    pub(crate) fn bind(&self, order: Order) {
        let _quiet = thread::quiet();
        self.hand_over(None, order);
    }

    /// Returns when every completion that is there by now has become an event.
    pub(crate) fn sync(&self) {
        if self.is_running() {
            let _quiet = thread::quiet();
            self.hand_over(None, Order::Submit);
        }
    }

    /// A short sleep of one who waits for completions, while `word` holds `value`.
    pub(crate) fn nap(&self, word: &AtomicU32, value: u32) {
        if self.caller.is_open() {
            self.caller.nap();
        } else {
            let _ = futex::wait(word, value, 10_000_000);
        }
    }

    /// Adds to an eventfd beyond what `write` can: a counter that is full ends at its greatest
    /// value, with `POLLERR`, as kernel AIO leaves it.
    pub(crate) fn saturate(&self, eventfd: i32, count: u64) {
        if self.is_running() {
            let _quiet = thread::quiet();
            self.hand_over(None, Order::Saturate(eventfd, count));
        }
    }

    /// Changes the ring's registered buffers, unless the ring is lost.
    pub(crate) fn change_buffers(&self, change: &Change) {
        if self.is_running() {
            let _quiet = thread::quiet();
            self.hand_over(None, Order::Buffers(change));
        }
    }

    /// Has the ring hold a file of which many requests are to be expected; false if it does not.
    pub(crate) fn hold_file(&self, file: Identity) -> bool {
        let _quiet = thread::quiet();
        self.is_running() && self.sees_descriptors() && self.hand_over(None, Order::Hold(file)).1 != 0
    }

    /// Has the ring let go of it; false if it did not hold one by that number.
    pub(crate) fn drop_file(&self, fd: i32) -> bool {
        let _quiet = thread::quiet();
        self.is_running() && self.hand_over(None, Order::Drop(fd)).1 != 0
    }

    /// A thread of the program is about to end, after which this library's may be the last one.
    pub(crate) fn thread_leaves(&self) {
        if self.is_running() {
            self.departure.store(1, SeqCst);
            self.wake();
        }
    }

    /// Signals are blocked: a handler could jump away from the batch.
    fn hand_over(&self, chain: Option<&'static Request>, order: Order) -> (Option<&'static Request>, u32) {
        let batch = Batch {
            next: AtomicPtr::default(),
            first: Link::default(),
            order,
            since: futex::now(),
            redo: Link::default(),
            last_redo: Link::default(),
            cancelled: AtomicU32::new(0),
            done: AtomicU32::new(PENDING),
        };
        batch.first.set(chain);
        let own = (&raw const batch).cast_mut();
        if self.serve_carried(own) {
            return batch.answer();
        }
        if self.caller.is_open() {
            self.caller.serve(&batch);
            return batch.answer();
        }
        let mut head = self.inbox.load(SeqCst);
        loop {
            batch.next.store(head, SeqCst);
            match self.inbox.compare_exchange(head, own, SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        self.wake();
        if self.carrier.is_open() {
            // The thread may have looked before, and waits for the kernel now.
            self.serve_carried(self.collect());
        }
        // To spin here would pay with a processor to spare: with two it is the thread's that is taken.
        if batch.done.compare_exchange(PENDING, SLEEPING, SeqCst, SeqCst).is_ok() {
            futex::wait_change(&batch.done, SLEEPING);
        }
        batch.answer()
    }

    /// Does what is handed over in the calling thread, if there is no ring to do it.
    fn serve_carried(&self, batches: *const Batch) -> bool {
        match Process::current() {
            Some(process) if self.carrier.is_open() => {
                self.carrier.serve(process, batches);
                true
            }
            _ => false,
        }
    }

    /// Ends the thread's sleep. Whoever finds it asleep wakes it, not only the first: the first may
    /// be a call that a signal handler interrupted, and the handler be the one that waits.
    pub(crate) fn wake(&self) {
        if self.sleep.fetch_add(WAKE_UP, SeqCst) & ASLEEP == 0 {
            return;
        }
        match self.nudged.load(SeqCst) {
            0 => futex::wake(&self.sleep, 1),
            thread => thread::nudge(thread),
        }
    }

    /// All batches, oldest first.
    pub(crate) fn collect(&self) -> *const Batch {
        let mut newest = self.inbox.swap(core::ptr::null_mut(), SeqCst);
        let mut oldest = core::ptr::null_mut();
        while let Some(batch) = live(newest) {
            let next = batch.next.load(SeqCst);
            batch.next.store(oldest, SeqCst);
            oldest = newest;
            newest = next;
        }
        oldest
    }
}

impl Batch {
    /// Lets the submitter go. The batch may be gone after that.
    pub(crate) fn finish(&self) {
        let word = self.done.as_ptr() as usize;
        if self.done.swap(DONE, SeqCst) == SLEEPING {
            futex::wake_at(word, 1);
        }
    }

    fn answer(&self) -> (Option<&'static Request>, u32) {
        (self.redo.get(), self.cancelled.load(SeqCst))
    }
}

/// The batch at an address that came through the inbox.
#[allow(unsafe_code)]
pub(crate) fn live<'a>(batch: *const Batch) -> Option<&'a Batch> {
    // SAFETY: whoever put the batch there waits until it is done, and the thread looks at no
    // batch after that.
    unsafe { batch.as_ref() }
}
