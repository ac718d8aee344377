//! Reads that take their buffer from the ring of their context: they wait in the kernel for data, and the kernel looks for a
//! buffer when there is some.
//!
//! A socket is read by RECV, which is told to wait first. Of other files READ looks for a buffer at once, and gives it
//! back if it has to wait; where there is none at that moment, and where a file does not let it wait (`O_NONBLOCK`), the
//! file is polled before the next try.

use super::{Driver, HOLD_FILE};
use crate::aio::cancel::Wish;
use crate::aio::context::Context;
use crate::aio::request::{
    self, CANCELLED, KEPT, NO_SLOT, ORDERED, POLLED, POLLING, QUEUED, Request, SILENT, SOCKET, TRIED, TRUE,
};
use crate::sys::{Errno, Result};
use crate::uring::abi::{self as uring, BufReg};
use crate::uring::{Cqe, Sqe, buffers};
use core::sync::atomic::Ordering::Relaxed;

/// Looks at a ring that is left, ten milliseconds apart, before what has not ended counts as ended.
const LAST_LOOK: u32 = 100;

/// Reads that are taken back before the completions are looked at.
const AT_ONCE: u32 = 64;

/// What a program is told of a completion, beside the result.
const TOLD: u32 =
    0xffff_0000 | uring::IORING_CQE_F_BUFFER | uring::IORING_CQE_F_BUF_MORE | uring::IORING_CQE_F_SOCK_NONEMPTY;

impl Driver {
    /// Makes the kernel know the buffer ring of a context, as well as it can.
    pub(super) fn bind(&mut self, context: &'static Context) {
        let done = if self.may_enter() {
            self.register_buffers(context.provided.registration())
        } else {
            Err(Errno::EOPNOTSUPP)
        };
        context.provided.answer(done);
    }

    #[allow(unsafe_code)]
    fn register_buffers(&mut self, mut reg: BufReg) -> Result<BufReg> {
        let first = self.next_group;
        loop {
            // The ring is shared by all contexts: the next number that is free.
            reg.bgid = self.next_group;
            self.next_group = self.next_group.wrapping_add(1);
            // SAFETY: read during the call. What the kernel then writes to is what the program has put into its ring,
            // which it keeps until the context has let go of it.
            match unsafe { buffers::register_ring(self.ring, &raw const reg, 0) } {
                Ok(()) => return Ok(reg),
                Err(Errno::EEXIST) if self.next_group != first => {}
                // An older kernel.
                Err(Errno::EINVAL) if reg.min_left != 0 => reg.min_left = 0,
                Err(Errno::EINVAL) if reg.flags != 0 => reg.flags = 0,
                Err(Errno::EINVAL) => return Err(Errno::EOPNOTSUPP),
                Err(e) => return Err(e),
            }
        }
    }

    /// Takes back the reads that wait for buffers of a context, and has the kernel forget its ring once there are none.
    pub(super) fn unbind(&mut self, context: &'static Context) {
        self.cancel_selects(&Wish::poll(context, 0));
        self.enter(0);
        self.reap();
        let idle = context.selects.is_empty();
        if idle && self.may_enter() {
            let _ = buffers::unregister_ring(self.ring, context.provided.group.load(Relaxed) as i32);
        }
        context.provided.let_go(idle);
    }

    /// Brings a read into the kernel, or has it wait for those before it.
    pub(super) fn begin_select(&mut self, request: &'static Request) {
        if !self.fallen {
            self.hold_files(request);
        }
        if let Some(context) = request.context() {
            context.selects.add(request);
        }
        if self.fallen {
            return self.end_select(request, Errno::ECANCELED.negated(), 0);
        }
        if request.is(ORDERED)
            && let Some(ahead) = self.process.streams.join(request)
        {
            request.mark(QUEUED | TRIED);
            return self.hold_stream(request, ahead);
        }
        if let Err(e) = self.read_select(request) {
            self.end_select(request, e.negated(), 0);
        }
    }

    /// Keeps the file of a request that waits for another: the descriptor may be closed before its turn. Without a slot
    /// for it the descriptor is looked at then.
    fn hold_stream(&mut self, request: &'static Request, ahead: &'static Request) {
        let shared = ahead.file_slot.load(Relaxed);
        if shared != NO_SLOT && !self.slots.is_spoilt(shared) {
            self.slots.share(shared);
            request.file_slot.store(shared, Relaxed);
        } else {
            self.hold_file(request);
        }
    }

    /// Puts the file of a request into a slot, if there is one.
    fn hold_file(&mut self, request: &'static Request) {
        if let Some(slot) = self.slots.take() {
            request.file_slot.store(slot, Relaxed);
            let tagged = request::user_data(request) | HOLD_FILE;
            let sqe = self.slot_update(slot, super::fill_address(&request.fd), tagged);
            self.push(&sqe);
        }
    }

    /// The kernel has not put the file into its slot.
    pub(super) fn file_not_held(&mut self, request: &'static Request, res: i32) {
        let slot = request.file_slot.load(Relaxed);
        if res < 0 && slot != NO_SLOT {
            self.slots.spoil(slot);
        }
    }

    /// Where the file of a read is: in a slot, or behind its descriptor still.
    fn place(&self, request: &'static Request) -> Result<(i32, u8)> {
        let slot = request.file_slot.load(Relaxed);
        if slot != NO_SLOT && !self.slots.is_spoilt(slot) {
            return Ok((slot as i32, uring::IOSQE_FIXED_FILE));
        }
        // The program may have closed it, and be using its number for another.
        if request.is(TRIED) && !request.has_its_file() {
            return Err(Errno::ECANCELED);
        }
        Ok((request.fd.load(Relaxed), 0))
    }

    /// Queues the read. If that is not to be, what it ends with.
    fn read_select(&mut self, request: &'static Request) -> Result<()> {
        let Some(context) = request
            .context()
            .filter(|c| c.provided.are_bound() && !request.is(CANCELLED))
        else {
            return Err(Errno::ECANCELED);
        };
        let (fd, flags) = self.place(request)?;
        let socket = request.is(SOCKET);
        let sqe = Sqe {
            opcode: if socket {
                uring::IORING_OP_RECV
            } else {
                uring::IORING_OP_READ
            },
            flags: flags | uring::IOSQE_BUFFER_SELECT,
            ioprio: if socket { uring::IORING_RECVSEND_POLL_FIRST } else { 0 },
            fd,
            off: request.offset.load(Relaxed),
            len: request.len.load(Relaxed) as u32,
            buf_index: context.provided.group.load(Relaxed) as u16,
            user_data: request::user_data(request),
            ..Sqe::default()
        };
        request.mark(TRIED);
        self.queue_select(&sqe)
    }

    /// Has the kernel say when there is something to read.
    fn poll_select(&mut self, request: &'static Request) -> Result<()> {
        if request.is(CANCELLED) {
            // The kernel has not found it to give it up: it was between two tries.
            return Err(Errno::ECANCELED);
        }
        let mut place = self.place(request)?;
        if request.file_slot.load(Relaxed) == NO_SLOT {
            // The poll keeps the file, and ends before the read begins.
            self.hold_file(request);
            place = self.place(request)?;
        }
        let (fd, flags) = place;
        request.mark(POLLING);
        let events = libc::POLLIN as u32;
        self.queue_select(&Sqe {
            opcode: uring::IORING_OP_POLL_ADD,
            flags,
            fd,
            // The kernel reads the two halves of the word in its own order.
            op_flags: if cfg!(target_endian = "big") {
                events.rotate_left(16)
            } else {
                events
            },
            user_data: request::user_data(request),
            ..Sqe::default()
        })
    }

    fn queue_select(&mut self, sqe: &Sqe) -> Result<()> {
        if self.push(sqe) { Ok(()) } else { Err(Errno::ECANCELED) }
    }

    /// What the kernel says of a read, of the poll for it, or (`paused`) of the pause before that.
    pub(super) fn complete_select(&mut self, request: &'static Request, cqe: &Cqe, paused: bool) {
        self.polls = self.polls.saturating_sub(u32::from(!paused));
        if request.is(KEPT) {
            return self.process.part(request, SILENT);
        }
        let polled = request.is(POLLING);
        request.unmark(POLLING);
        let again = if paused {
            self.poll_select(request)
        } else if polled {
            request.mark(POLLED);
            // What is wrong with it the read will say.
            self.read_select(request)
        } else if cqe.res >= 0 || cqe.flags & uring::IORING_CQE_F_BUFFER != 0 {
            return self.end_select(request, cqe.res, cqe.flags & TOLD);
        } else {
            match Errno::new(-cqe.res) {
                Errno::EINTR => self.read_select(request),
                Errno::EAGAIN | Errno::ENOBUFS if !request.is(POLLED) => self.poll_select(request),
                // Somebody else reads, too, or the file does not know what it says.
                Errno::EAGAIN if self.pause(request) => Ok(()),
                Errno::EAGAIN => Err(Errno::ECANCELED),
                e => Err(e),
            }
        };
        if let Err(e) = again {
            let e = if request.is(CANCELLED) { Errno::ECANCELED } else { e };
            self.end_select(request, e.negated(), 0);
        }
    }

    /// Delivers the event of a read, and has the next of the stream begin.
    pub(super) fn end_select(&mut self, request: &'static Request, res: i32, told: u32) {
        let mut ended = Some((request, res, told));
        // Not by calls within calls: each may end at once.
        while let Some((request, res, told)) = ended.take() {
            let next = self.leave_stream(request);
            request.flags.store(told, Relaxed);
            if let Some(context) = request.context()
                && told & (uring::IORING_CQE_F_BUFFER | uring::IORING_CQE_F_BUF_MORE) == uring::IORING_CQE_F_BUFFER
            {
                context.provided.used_one();
            }
            self.finish(request, res.into());
            if let Some(next) = next
                && let Err(e) = self.read_select(next)
            {
                ended = Some((next, e.negated(), 0));
            }
        }
    }

    /// From here on the read is not to be taken back; gives the one that it was in the way of.
    fn leave_stream(&mut self, request: &'static Request) -> Option<&'static Request> {
        request.mark(TRUE);
        if !request.is(ORDERED) {
            return None;
        }
        let next = self.process.streams.leave(request);
        if let Some(next) = next {
            next.unmark(QUEUED);
        }
        next
    }

    /// Takes reads back; gives how many.
    pub(super) fn cancel_selects(&mut self, wish: &Wish) -> u32 {
        let context = wish.context;
        let (mut taken, mut count) = (0, 0);
        // Of all also those that the kernel may have overlooked when they were taken back before.
        let over = if wish.is_for_one() { TRUE | CANCELLED } else { TRUE };
        let seen = !self.epoch;
        let meant = |r: &Request| wish.is_for(r) && !r.is(over) && r.epoch.load(Relaxed) != seen;
        while let Some(request) = context.selects.find(&meant) {
            let first = !request.is(CANCELLED);
            wish.mark(request);
            request.mark(CANCELLED);
            request.epoch.store(seen, Relaxed);
            if request.is(QUEUED) {
                // It stands in nobody's way.
                self.end_select(request, Errno::ECANCELED.negated(), 0);
                taken += 1;
            } else if first && !wish.is_for_polls() {
                // Data may have come: the kernel says whether it is taken back.
                let sqe = super::cancellation(request::user_data(request), 0, super::TAKEN);
                self.unheard += u32::from(self.push(&sqe));
            } else {
                let sqe = super::cancellation(request::user_data(request), self.quiet, super::UNHEEDED);
                self.push(&sqe);
                taken += u32::from(first);
            }
            count += 1;
            if count % AT_ONCE == 0 {
                self.enter(0);
                self.reap();
            }
            if wish.is_for_one() {
                break;
            }
        }
        self.enter(0);
        self.reap();
        taken
    }

    /// The ring is lost. What is in the kernel ends with the thread that made it, or before that; what waits for its
    /// turn now.
    pub(super) fn forsake_selects(&mut self) {
        while let Some(request) = self.any_select(QUEUED) {
            self.end_select(request, Errno::ECANCELED.negated(), 0);
        }
        if self.has_selects() {
            self.encumber();
        }
    }

    /// Whether the ring has reads that wait.
    #[inline]
    pub(super) fn has_selects(&self) -> bool {
        self.any_select(!0).is_some()
    }

    /// A read in one of these states that has not ended; each is in some.
    fn any_select(&self, states: u32) -> Option<&'static Request> {
        let table = &self.process.table;
        table.find_request(|context| &context.selects, &|r| r.is(states) && !r.is(TRUE))
    }

    /// The thread has gone that had made the ring, and the kernel ends what is left in it, in its own time. Completions
    /// that find no room are lost: what has ended without a word is told from what has yet to end by the time.
    pub(super) fn bury_selects(&mut self) {
        self.quiet_looks += u32::from(self.ring.kernel_holds_completions());
        while self.quiet_looks >= LAST_LOOK
            && let Some(request) = self.any_select(!0)
        {
            // Should there be a word yet.
            request.mark(KEPT);
            self.end_select(request, Errno::ECANCELED.negated(), 0);
        }
    }
}
