#![allow(unsafe_code)] // the kernel's part is played on raw memory

use core::cell::UnsafeCell;
use core::sync::atomic::AtomicU32;

use super::*;
use crate::uring::{
    IORING_CQE_F_32, IORING_CQE_F_SKIP, IORING_SETUP_CQE_MIXED, IORING_SETUP_CQE32, IORING_SETUP_SQ_REWIND, Params,
    setup,
};

/// A ring without a kernel: the words and slots are here, and the test plays the other side.
struct Fake {
    sq_head: AtomicU32,
    sq_tail: AtomicU32,
    cq_head: AtomicU32,
    cq_tail: AtomicU32,
    flags: AtomicU32,
    sqes: UnsafeCell<[Sqe; 8]>,
    cqes: UnsafeCell<[Cqe; 16]>,
}

impl Fake {
    /// Indexes start at `at`.
    fn new(at: u32) -> Box<Self> {
        Box::new(Self {
            sq_head: AtomicU32::new(at),
            sq_tail: AtomicU32::new(at),
            cq_head: AtomicU32::new(at),
            cq_tail: AtomicU32::new(at),
            flags: AtomicU32::new(0),
            sqes: UnsafeCell::new([Sqe::default(); 8]),
            cqes: UnsafeCell::new([Cqe::default(); 16]),
        })
    }

    fn ring(&self, entries: u32, flags: u32) -> Ring {
        let mut ring = Ring::zeroed();
        ring.sq.khead = &raw const self.sq_head;
        ring.sq.ktail = &raw const self.sq_tail;
        ring.sq.kflags = &raw const self.flags;
        ring.sq.sqes = self.sqes.get().cast();
        ring.sq.ring_entries = entries;
        ring.sq.ring_mask = entries - 1;
        *ring.sq.sqe_head.get_mut() = self.sq_tail.load(Ordering::Relaxed);
        *ring.sq.sqe_tail.get_mut() = self.sq_tail.load(Ordering::Relaxed);
        ring.cq.khead = &raw const self.cq_head;
        ring.cq.ktail = &raw const self.cq_tail;
        ring.cq.cqes = self.cqes.get().cast();
        ring.cq.ring_entries = entries;
        ring.cq.ring_mask = entries - 1;
        ring.flags = flags;
        ring.features = IORING_FEAT_EXT_ARG;
        ring
    }

    /// Completes: writes `cqe` and moves the tail by `slots`.
    fn post(&self, ring: &Ring, cqe: Cqe, slots: u32) {
        let tail = self.cq_tail.load(Ordering::Relaxed);
        // SAFETY: inside the array of this test, which is single-threaded.
        unsafe { ring.cq.at(tail, ring.cqe_shift()).write(cqe) };
        self.cq_tail.store(tail.wrapping_add(slots), Ordering::Release);
    }

    fn sqe(&self, slot: usize) -> Sqe {
        // SAFETY: single-threaded, no reference is alive.
        unsafe { (*self.sqes.get())[slot] }
    }
}

fn numbered(user_data: u64) -> Sqe {
    Sqe {
        user_data,
        ..Sqe::default()
    }
}

fn answer(user_data: u64, flags: u32) -> Cqe {
    Cqe {
        user_data,
        res: 0,
        flags,
    }
}

#[test]
fn a_full_queue_takes_nothing() {
    let fake = Fake::new(0);
    let ring = fake.ring(4, 0);
    for n in 0..4 {
        assert_eq!(ring.sq_space_left(), 4 - n as u32);
        assert!(ring.push(&numbered(n)));
    }
    assert!(!ring.push(&numbered(4)));
    assert!(ring.next_sqe().is_null());
    assert_eq!((ring.sq_ready(), ring.sq_space_left()), (4, 0));
    assert_eq!(fake.sqe(0).user_data, 0);
    // The kernel takes one: there is room for one, in its slot.
    assert_eq!(ring.flush(), 4);
    fake.sq_head.store(1, Ordering::Release);
    assert!(ring.push(&numbered(5)));
    assert!(!ring.push(&numbered(6)));
    assert_eq!(fake.sqe(0).user_data, 5);
}

#[test]
fn indexes_wrap_around() {
    for start in [u32::MAX, u32::MAX - 1, u32::MAX - 2] {
        let fake = Fake::new(start);
        let ring = fake.ring(2, 0);
        for n in 0..8 {
            assert!(ring.push(&numbered(n)) && ring.push(&numbered(n + 100)));
            assert!(!ring.push(&numbered(0)));
            assert_eq!(ring.flush(), 2);
            let tail = fake.sq_tail.load(Ordering::Acquire);
            assert_eq!(tail, start.wrapping_add(2 * (n as u32 + 1)));
            assert_eq!(fake.sqe((tail.wrapping_sub(1) & 1) as usize).user_data, n + 100);
            fake.sq_head.store(tail, Ordering::Release);
            assert_eq!((ring.sq_ready(), ring.flush()), (0, 0));

            fake.post(&ring, answer(n, 0), 1);
            fake.post(&ring, answer(n + 100, 0), 1);
            assert_eq!(ring.cq_ready(), 2);
            assert_eq!(ring.peek().map(|c| c.user_data), Some(n));
            ring.advance(1);
            assert_eq!(ring.peek().map(|c| c.user_data), Some(n + 100));
            ring.advance(1);
            assert_eq!(ring.peek(), None);
        }
    }
}

#[test]
fn flush_publishes_once() {
    let fake = Fake::new(7);
    let ring = fake.ring(4, 0);
    assert_eq!(ring.flush(), 0);
    assert!(ring.push(&numbered(1)));
    assert_eq!(fake.sq_tail.load(Ordering::Relaxed), 7);
    assert_eq!(ring.flush(), 1);
    assert_eq!(fake.sq_tail.load(Ordering::Relaxed), 8);
    assert_eq!(ring.sq.sqe_head.load(Ordering::Relaxed), 8);
    // What the kernel left is counted again, and not shown again.
    fake.sq_tail.store(0, Ordering::Relaxed);
    assert_eq!(ring.flush(), 1);
    assert_eq!(fake.sq_tail.load(Ordering::Relaxed), 0);
}

#[test]
fn a_rewinding_queue_starts_over() {
    let fake = Fake::new(0);
    let ring = fake.ring(2, IORING_SETUP_SQ_REWIND);
    for n in 0..3 {
        assert!(ring.push(&numbered(n)) && ring.push(&numbered(n)) && !ring.push(&numbered(n)));
        assert_eq!((ring.flush(), fake.sqe(0).user_data), (2, n));
    }
    assert_eq!(fake.sq_tail.load(Ordering::Relaxed), 0);
}

#[test]
fn gaps_are_skipped() {
    let fake = Fake::new(3);
    let ring = fake.ring(4, IORING_SETUP_CQE_MIXED);
    fake.post(&ring, answer(0, IORING_CQE_F_SKIP), 1);
    fake.post(&ring, answer(1, IORING_CQE_F_32), 2);
    fake.post(&ring, answer(2, 0), 1);
    let mut batch = Vec::new();
    assert_eq!(ring.peek().map(|c| c.user_data), Some(1));
    assert_eq!(ring.peek_batch(8, |_, at| batch.push(at)), 2);
    assert_eq!(batch, [ring.cq.at(0, 0), ring.cq.at(2, 0)]);
    // No more than there is room for.
    assert_eq!(ring.peek_batch(1, |_, at| batch.push(at)), 1);
    assert_eq!(batch.len(), 3);
    ring.advance(2);
    assert_eq!(ring.peek().map(|c| c.user_data), Some(2));
    ring.advance(1);
    // One that nothing is behind.
    fake.post(&ring, answer(0, IORING_CQE_F_SKIP), 1);
    assert_eq!((ring.peek(), ring.cq_ready()), (None, 0));
    // Without the flag of the ring the bits mean nothing.
    let plain = fake.ring(4, 0);
    fake.post(&plain, answer(3, IORING_CQE_F_SKIP), 1);
    assert_eq!(plain.peek().map(|c| c.user_data), Some(3));
}

#[test]
fn long_completions_take_two_units() {
    let fake = Fake::new(u32::MAX);
    let ring = fake.ring(8, IORING_SETUP_CQE32);
    for n in 0..8 {
        fake.post(&ring, answer(n, 0), 1);
    }
    let mut batch = Vec::new();
    assert_eq!(ring.peek_batch(u32::MAX, |i, at| batch.push((i, at))), 8);
    assert_eq!(batch[0], (0, ring.cq.cqes.wrapping_add(14)));
    assert_eq!(batch[1], (1, ring.cq.cqes));
}

#[test]
fn an_old_kernels_timeout_ends_the_wait_unseen() {
    let fake = Fake::new(0);
    let mut ring = fake.ring(4, 0);
    fake.post(&ring, answer(LIBURING_UDATA_TIMEOUT, 0), 1);
    assert_eq!(ring.peek().map(|c| c.user_data), Some(LIBURING_UDATA_TIMEOUT));
    ring.features = 0;
    fake.post(&ring, answer(5, 0), 1);
    assert_eq!(ring.peek().map(|c| c.user_data), Some(5));
    ring.advance(1);
    fake.post(
        &ring,
        Cqe {
            res: -libc::ETIME,
            ..answer(LIBURING_UDATA_TIMEOUT, 0)
        },
        1,
    );
    assert_eq!(ring.first().err(), Some(Errno::ETIME));
    assert_eq!(ring.cq_ready(), 0);
}

#[test]
#[cfg_attr(miri, ignore)]
fn a_wait_whose_time_is_over_is_not_repeated() {
    let fake = Fake::new(0);
    let ring = fake.ring(4, 0);
    // Whoever calls the kernel gets EBADF.
    ring.enter_ring_fd.store(u32::MAX, Ordering::Relaxed);
    let time = Timespec::default();
    let outcome = |argument: &Argument| ring.wait_on(0, 0, 1, argument).result();
    let timed = Patience::new(&time, ptr::null(), 0);
    assert_eq!(outcome(&Argument::extended(&timed.0)), Err(Errno::ETIME));
    assert_eq!(outcome(&Argument::registered(0)), Err(Errno::ETIME));
    let endless = Patience::new(ptr::null(), ptr::null(), 0);
    assert_eq!(outcome(&Argument::extended(&endless.0)), Err(Errno::EBADF));
    assert_eq!(outcome(&Argument::NONE), Err(Errno::EBADF));
}

#[test]
#[cfg_attr(miri, ignore)]
fn a_wait_that_has_what_it_wants_is_not_repeated() {
    let fake = Fake::new(0);
    let ring = fake.ring(4, 0);
    ring.enter_ring_fd.store(u32::MAX, Ordering::Relaxed);
    let time = Timespec::default();
    let timed = Patience::new(&time, ptr::null(), 0);
    // Nothing taken and nothing wanted; all taken, and the time is over.
    assert_eq!(ring.wait_on(0, 1, 0, &Argument::NONE).result(), Ok(0));
    assert_eq!(ring.wait_on(2, 2, 1, &Argument::extended(&timed.0)).result(), Ok(2));
    fake.post(&ring, answer(1, 0), 1);
    let waited = ring.wait_on(0, 0, 1, &Argument::NONE);
    assert_eq!((waited.result(), waited.cqe), (Ok(0), NonNull::new(ring.cq.at(0, 0))));
}

#[test]
fn a_batch_ends_before_a_gap() {
    let fake = Fake::new(0);
    let ring = fake.ring(4, IORING_SETUP_CQE_MIXED);
    for (user_data, flags) in [(1, 0), (0, IORING_CQE_F_SKIP), (2, 0)] {
        fake.post(&ring, answer(user_data, flags), 1);
    }
    for place in [0, 2] {
        let mut batch = Vec::new();
        assert_eq!(ring.peek_batch(4, |_, at| batch.push(at)), 1);
        assert_eq!(batch, [ring.cq.at(place, 0)]);
        ring.advance(1);
    }
    assert_eq!(ring.cq_ready(), 0);
}

#[test]
#[cfg_attr(miri, ignore)]
fn only_an_old_kernel_gets_a_request_for_the_time() {
    for (features, opcode) in [(0, IORING_OP_TIMEOUT), (IORING_FEAT_EXT_ARG, 0)] {
        let fake = Fake::new(0);
        let mut ring = fake.ring(4, 0);
        ring.features = features;
        ring.enter_ring_fd.store(u32::MAX, Ordering::Relaxed);
        let waited = ring.wait_at_most(&Timespec::default(), ptr::null(), true, 1);
        assert_eq!((waited, fake.sqe(0).opcode), (Err(Errno::EBADF), opcode));
        assert_eq!(ring.sq_ready(), 0);
    }
}

#[test]
fn what_was_not_taken_is_there_to_be_read() {
    let fake = Fake::new(u32::MAX);
    let ring = fake.ring(4, 0);
    for n in 0..3 {
        assert!(ring.push(&numbered(n)));
    }
    assert_eq!(ring.flush(), 3);
    // The kernel takes one.
    fake.sq_head.store(0, Ordering::Release);
    let queued = |index| ring.queued(index).map(|sqe| sqe.user_data);
    assert_eq!(
        [queued(0), queued(1), queued(2), queued(3)],
        [Some(1), Some(2), None, None]
    );
    ring.recall();
    assert_eq!(fake.sq_tail.load(Ordering::Relaxed), 0);
}

#[test]
#[cfg_attr(miri, ignore)]
fn a_gap_of_before_is_no_gap() {
    let fake = Fake::new(0);
    let ring = fake.ring(4, IORING_SETUP_CQE_MIXED);
    ring.enter_ring_fd.store(u32::MAX, Ordering::Relaxed);
    fake.post(&ring, answer(0, IORING_CQE_F_SKIP), 0);
    fake.flags.store(IORING_SQ_CQ_OVERFLOW, Ordering::Relaxed);
    assert_eq!(ring.peek_batch(8, |_, _| unreachable!()), 0);
    assert_eq!(ring.consumed(), 0);
}

#[test]
fn what_is_sifted_out_leaves_the_rest_in_order() {
    for flags in [0, IORING_SETUP_CQE32, IORING_SETUP_CQE_MIXED] {
        for pattern in 0..1_u64 << 6 {
            // The slots run over the end of the ring, and the indexes over that of their type.
            let fake = Fake::new(u32::MAX - 2);
            let ring = fake.ring(8, flags);
            for n in 0..6 {
                fake.post(&ring, answer(n, 0), 1);
            }
            let mut asked = Vec::new();
            let kept = ring.sift(|cqe| {
                asked.push(cqe.user_data);
                pattern >> cqe.user_data & 1 != 0
            });
            assert_eq!(asked, [0, 1, 2, 3, 4, 5]);
            assert_eq!(kept, ring.cq_ready());
            let left: Vec<_> = (0..6).filter(|n| pattern >> n & 1 == 0).collect();
            if flags != IORING_SETUP_CQE_MIXED {
                assert_eq!(kept as usize, left.len());
            }
            let mut found = Vec::new();
            while let Some((cqe, _)) = ring.take() {
                found.push(cqe.user_data);
            }
            assert_eq!(found, left);
            assert_eq!(ring.cq_ready(), 0);
        }
    }
}

#[test]
fn sifting_keeps_long_completions_and_gaps() {
    let fake = Fake::new(0);
    let ring = fake.ring(8, IORING_SETUP_CQE_MIXED);
    fake.post(&ring, answer(1, 0), 1);
    fake.post(&ring, answer(2, IORING_CQE_F_32), 2);
    fake.post(&ring, answer(0, IORING_CQE_F_SKIP), 1);
    fake.post(&ring, answer(1, 0), 1);
    fake.post(&ring, answer(3, 0), 1);
    // The first is gone at once, the other one is a gap.
    assert_eq!(ring.sift(|cqe| cqe.user_data == 1), 5);
    assert_eq!(ring.take().map(|(cqe, _)| cqe.user_data), Some(2));
    assert_eq!(ring.take().map(|(cqe, _)| cqe.user_data), Some(3));
    assert_eq!(ring.take(), None);
    assert_eq!(Ring::zeroed().sift(|_| true), 0);
    assert_eq!(Ring::zeroed().take(), None);
}

#[test]
fn a_ring_that_is_not_set_up_does_nothing() {
    let ring = Ring::zeroed();
    assert!(!ring.push(&numbered(1)));
    assert_eq!((ring.sq_ready(), ring.sq_space_left(), ring.cq_ready()), (0, 0, 0));
    assert_eq!(ring.peek(), None);
    ring.advance(1);
    assert_eq!(ring.submit(), Ok(0));
    assert_eq!(ring.submit_and_wait(1), Err(Errno::EBADF));
}

#[test]
#[cfg_attr(miri, ignore)]
fn a_request_goes_through_the_kernel() {
    use crate::uring::{
        IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_NO_MMAP, IORING_SETUP_REGISTERED_FD_ONLY, IORING_SETUP_SINGLE_ISSUER,
    };
    let plain = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    for flags in [
        0,
        plain,
        plain | IORING_SETUP_NO_MMAP,
        plain | IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY,
    ] {
        for entries in [1, 8, 1024] {
            let mut ring = Ring::zeroed();
            let mut p = Params {
                flags,
                ..Params::zeroed()
            };
            match setup::init_params(entries, &mut ring, &mut p) {
                Err(Errno::EPERM | Errno::ENOSYS) => return,
                made => made.unwrap(),
            }
            assert_eq!(ring.sq.ring_entries, entries);
            assert!(crate::uring::probe::supported(&ring, 0));
            assert!(!crate::uring::probe::supported(&ring, 255));
            for n in 0..3 * u64::from(entries) {
                assert!(ring.push(&numbered(n)));
                assert_eq!(ring.submit_and_wait(1), Ok(1));
                assert_eq!(ring.peek().map(|c| (c.user_data, c.res)), Some((n, 0)));
                ring.advance(1);
            }
            crate::uring::register::files_sparse(&ring, 16).unwrap();
            setup::exit(&mut ring);
        }
    }
}
