//! The liburing face.
//!
//! Unless a function says otherwise: `ring` was filled by `io_uring_queue_init` or one of its like and not ended;
//! results below zero are negative error numbers, and `errno` is never written. Pointers are read during the call only,
//! where nothing else is said. A number such as 5.19 is the first kernel that can do it: `-EINVAL` before.
//!
//! Types carry their C names here, so that prototypes can be compared with the header.
#![allow(non_camel_case_types)]

use core::ffi::{c_int, c_uint, c_ulonglong, c_void};
use core::ptr::{self, NonNull};

use libc::{cpu_set_t, iovec, sigset_t};

use super::IntoC;
use crate::sys::{Errno, Result, uring as kernel};
use crate::uring::queue::{Patience, Waited};
use crate::uring::{
    BufReg as io_uring_buf_reg, Cqe as io_uring_cqe, IORING_REGISTER_BPF_FILTER, IORING_REGISTER_CLOCK,
    IORING_REGISTER_IOWQ_AFF, IORING_REGISTER_IOWQ_MAX_WORKERS, IORING_REGISTER_MEM_REGION, IORING_REGISTER_NAPI,
    IORING_REGISTER_PROBE, IORING_REGISTER_QUERY, IORING_REGISTER_RESTRICTIONS, IORING_REGISTER_SEND_MSG_RING,
    IORING_REGISTER_SRC_REGISTERED, IORING_REGISTER_SYNC_CANCEL, IORING_REGISTER_ZCRX_CTRL, IORING_REGISTER_ZCRX_IFQ,
    IORING_UNREGISTER_NAPI, Params as io_uring_params, Probe as io_uring_probe, Ring as io_uring, Sqe as io_uring_sqe,
    Timespec as __kernel_timespec, buffers, probe, register, setup,
};

/// C's 64-bit word.
type __u64 = c_ulonglong;

/// The size of the kernel's signal set.
const SIGSET_SIZE: usize = 8;

/// The version of liburing that this is.
const VERSION: (c_int, c_int) = (2, 15);

macro_rules! opaque {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("`struct ", stringify!($name), "`: the kernel's to read.")]
            #[repr(C)]
            #[derive(Debug)]
            pub struct $name {
                _opaque: [u8; 0],
            }
        )*
    };
}

opaque! {
    io_uring_bpf io_uring_buf_ring io_uring_clock_register io_uring_mem_region_reg io_uring_napi io_uring_query_hdr
    io_uring_reg_wait io_uring_restriction io_uring_sync_cancel_reg io_uring_zcrx_ifq_reg zcrx_ctrl
}

/// The ring of a C program.
///
/// # Safety
/// `ring` must point to a ring that is set up.
unsafe fn of<'a>(ring: *const io_uring) -> &'a io_uring {
    // SAFETY: the caller's promise.
    unsafe { &*ring }
}

/// Hands out what a wait found: the completion to `cqe_ptr` unless that is null, the count or the error as the result.
///
/// # Safety
/// `cqe_ptr` must be null or writable.
unsafe fn answer(waited: Waited, cqe_ptr: *mut *mut io_uring_cqe) -> c_int {
    if !cqe_ptr.is_null() {
        // SAFETY: the caller's promise.
        unsafe { cqe_ptr.write(waited.cqe.map_or(ptr::null_mut(), NonNull::as_ptr)) };
    }
    waited.result().into_c()
}

/// The same for functions whose result does not count.
///
/// # Safety
/// As [`answer`].
unsafe fn answer_zero(waited: Waited, cqe_ptr: *mut *mut io_uring_cqe) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { answer(waited, cqe_ptr) }.min(0)
}

/// A size as C has it.
fn size(result: Result<usize>) -> isize {
    result.map_or_else(|e| e.negated() as isize, |n| n as isize)
}

/// An opcode of `io_uring_register` with its argument.
///
/// # Safety
/// As [`register::register`].
unsafe fn registered<T>(ring: *const io_uring, opcode: u32, arg: *const T, nr: u32) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::register(of(ring), opcode, arg.cast(), nr) }.into_c()
}

/// An opcode that takes no ring.
///
/// # Safety
/// As [`register::register`].
unsafe fn registered_nowhere<T>(opcode: u32, arg: *const T, nr: u32) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { kernel::register(-1, opcode, arg.cast(), nr) }.into_c()
}

/// The first part of the version of liburing whose interface this library has.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_major_version() -> c_int {
    VERSION.0
}

/// The second part.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_minor_version() -> c_int {
    VERSION.1
}

/// True if the library is older than version `major`.`minor`.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_check_version(major: c_int, minor: c_int) -> bool {
    (major, minor) > VERSION
}

/// Makes a ring of `entries` requests, rounded up to a power of two, and twice as many completions: 0.
///
/// `flags` are `IORING_SETUP_`. `-EINVAL` for 0 or more than 32768 entries or unknown flags, `-ENOSYS` or `-EPERM` where
/// io_uring is not to be had, `-ENOMEM` or `-EMFILE` for lack of resources. End it with `io_uring_queue_exit`. 5.1.
///
/// # Safety
/// `ring` must be writable; what it held is lost, not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_queue_init(entries: c_uint, ring: *mut io_uring, flags: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    setup::init(entries, unsafe { &mut *ring }, flags).into_c()
}

/// The same with all parameters: 0. `p` is read and tells what the ring became.
///
/// # Safety
/// `ring` must be writable, what it held is lost; `p` must be readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_queue_init_params(
    entries: c_uint,
    ring: *mut io_uring,
    p: *mut io_uring_params,
) -> c_int {
    // SAFETY: the caller's promise.
    let (ring, p) = unsafe { (&mut *ring, &mut *p) };
    setup::init_params(entries, ring, p).into_c()
}

/// The same in the `buf_size` bytes at `buf`, which are page-aligned: how many of them the ring uses.
///
/// `-ENOMEM` if they are too few, see `io_uring_memory_size`. The memory is the ring's until `io_uring_queue_exit`, the
/// program's again after it, but for what the kernel writes while it ends the ring; without `buf` it is the library's.
/// Before 6.14 it has to be contiguous: a page or a huge page. 6.5.
///
/// # Safety
/// `ring` must be writable, what it held is lost; `p` must be readable and writable; `buf` must be unused for as long
/// as the ring lives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_queue_init_mem(
    entries: c_uint,
    ring: *mut io_uring,
    p: *mut io_uring_params,
    buf: *mut c_void,
    buf_size: usize,
) -> c_int {
    // SAFETY: the caller's promise.
    let (ring, p) = unsafe { (&mut *ring, &mut *p) };
    setup::init_mem(entries, ring, p, buf.cast(), buf_size).into_c()
}

/// Maps the ring of a descriptor that `io_uring_setup` returned with `p`: 0. The descriptor becomes the ring's; on failure
/// it stays the caller's.
///
/// # Safety
/// `ring` must be writable, what it held is lost; `p` must be as the kernel filled it for `fd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_queue_mmap(fd: c_int, p: *mut io_uring_params, ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    let (ring, p) = unsafe { (&mut *ring, &*p) };
    setup::queue_mmap(fd, p, ring).into_c()
}

/// Ends a ring: unmaps it, closes its descriptor. Requests in flight are cancelled by the kernel. A registered descriptor is
/// freed only in the thread that registered it.
///
/// # Safety
/// `ring` must be set up and used by nobody else; its requests and completions are gone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_queue_exit(ring: *mut io_uring) {
    // SAFETY: the caller's promise.
    setup::exit(unsafe { &mut *ring });
}

/// Keeps the ring out of children made by fork: 0. `-EINVAL` if it is not mapped.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_ring_dontfork(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { setup::dont_fork(of(ring)) }.into_c()
}

/// Starts a ring made with `IORING_SETUP_R_DISABLED`: 0. `-EBADFD` if it runs already. 5.10.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_enable_rings(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { setup::enable(of(ring)) }.into_c()
}

/// Closes the ring's descriptor and goes on by its registered index: 1. `-EINVAL` if it has none, `-EBADF` if it is closed
/// already, `-EOPNOTSUPP` before 6.3.
///
/// # Safety
/// `ring` must be set up and used by nobody else meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_close_ring_fd(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    setup::close_ring_fd(unsafe { &mut *ring }).into_c()
}

/// Gives a ring with `IORING_SETUP_DEFER_TASKRUN` other numbers of entries: 0. What is queued stays, addresses of requests
/// and completions change; `p` has no flags after it. `-EINVAL` for other rings, `-EBADF` for a closed descriptor,
/// `-EOVERFLOW` if what is queued does not fit. 6.13.
///
/// # Safety
/// `ring` must be set up and used by nobody else meanwhile; `p` must be readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_resize_rings(ring: *mut io_uring, p: *mut io_uring_params) -> c_int {
    // SAFETY: the caller's promise.
    let (ring, p) = unsafe { (&mut *ring, &mut *p) };
    setup::resize(ring, p).into_c()
}

/// The bytes of locked memory that a ring would be charged for: 0 since 5.12. `-EINVAL` for 0 or more than 32768 entries.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_mlock_size(entries: c_uint, flags: c_uint) -> isize {
    let p = io_uring_params {
        flags,
        ..io_uring_params::zeroed()
    };
    size(setup::mlock_size(entries, &p))
}

/// The same with all parameters.
///
/// # Safety
/// `p` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_mlock_size_params(entries: c_uint, p: *mut io_uring_params) -> isize {
    // SAFETY: the caller's promise.
    size(setup::mlock_size(entries, unsafe { &*p }))
}

/// The bytes that `io_uring_queue_init_mem` needs. `-EINVAL` for 0 or more than 32768 entries.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_memory_size(entries: c_uint, flags: c_uint) -> isize {
    let p = io_uring_params {
        flags,
        ..io_uring_params::zeroed()
    };
    size(setup::memory_size(entries, &p))
}

/// The same with all parameters.
///
/// # Safety
/// `p` must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_memory_size_params(entries: c_uint, p: *mut io_uring_params) -> isize {
    // SAFETY: the caller's promise.
    size(setup::memory_size(entries, unsafe { &*p }))
}

/// The system call: a descriptor, or a registered index with `IORING_SETUP_REGISTERED_FD_ONLY`.
///
/// # Safety
/// `p` must be readable and writable, and so must the memory it names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_setup(entries: c_uint, p: *mut io_uring_params) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { kernel::setup(entries, p) }.unwrap_or_else(Errno::negated)
}

/// The system call with a signal mask, null for none: how many requests the kernel took.
///
/// # Safety
/// What is queued on the ring must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_enter(
    fd: c_uint,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    sig: *mut sigset_t,
) -> c_int {
    kernel::enter(fd as i32, to_submit, min_complete, flags, sig.cast(), SIGSET_SIZE).into_c()
}

/// The same with the argument that `flags` say, of `sz` bytes.
///
/// # Safety
/// What is queued on the ring must be valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_enter2(
    fd: c_uint,
    to_submit: c_uint,
    min_complete: c_uint,
    flags: c_uint,
    arg: *mut c_void,
    sz: usize,
) -> c_int {
    kernel::enter(fd as i32, to_submit, min_complete, flags, arg, sz).into_c()
}

/// The system call: mostly 0.
///
/// # Safety
/// `arg` must be what `opcode` reads and writes; what it registers must outlive the registration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register(fd: c_uint, opcode: c_uint, arg: *const c_void, nr_args: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { kernel::register(fd as i32, opcode, arg, nr_args) }.into_c()
}

/// The next free request, its options cleared; null if the queue is full. The queue's until it is submitted.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_get_sqe(ring: *mut io_uring) -> *mut io_uring_sqe {
    // SAFETY: the caller's promise; the slot is ours until it is handed out.
    unsafe { of(ring) }.next_sqe()
}

/// Hands what is queued to the kernel: how many requests it took. `-EBUSY` if completions wait to be consumed, `-EAGAIN` for
/// lack of memory.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_submit(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(ring).submit() }.into_c()
}

/// The same, and waits for `wait_nr` completions. `-EINTR` if a signal came first and nothing was taken.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_submit_and_wait(ring: *mut io_uring, wait_nr: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(ring).submit_and_wait(wait_nr) }.into_c()
}

/// The same without waiting: brings completions that the kernel holds.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_submit_and_get_events(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(ring).submit_and_get_events() }.into_c()
}

/// Brings completions that the kernel holds: 0.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_get_events(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(ring).get_events() }.into_c()
}

/// Puts the addresses of up to `count` completions that are there to `cqes`: how many. They stay in the queue until they are
/// advanced over. Padding is stepped over; those behind padding come with the next call.
///
/// # Safety
/// `ring` must be set up; `cqes` must have room for `count` addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_peek_batch_cqe(
    ring: *mut io_uring,
    cqes: *mut *mut io_uring_cqe,
    count: c_uint,
) -> c_uint {
    // SAFETY: the caller's promise; the index stays below `count`.
    unsafe { of(ring).peek_batch(count, |i, cqe| cqes.add(i as usize).write(cqe)) }
}

/// Waits for `wait_nr` completions, for as long as `ts` says (null: endlessly) and with the signals of `sigmask` blocked
/// (null: as they are): 0, and the first completion at `cqe_ptr`. `-ETIME` when the time is over, `-EINTR` for a signal.
///
/// Before 5.11 a time-out takes a request: what is queued is submitted with it, `-EAGAIN` if the queue is full.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable; `ts` and `sigmask` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_wait_cqes(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    sigmask: *mut sigset_t,
) -> c_int {
    let patience = Patience::new(ts, sigmask.cast(), 0);
    // SAFETY: the caller's promise.
    unsafe { answer_zero(of(ring).wait_for(wait_nr, &patience), cqe_ptr) }
}

/// The same, and once `min_ts_usec` microseconds passed one completion is enough. 6.12.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable; `ts` and `sigmask` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_wait_cqes_min_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    min_ts_usec: c_uint,
    sigmask: *mut sigset_t,
) -> c_int {
    let patience = Patience::new(ts, sigmask.cast(), min_ts_usec);
    // SAFETY: the caller's promise.
    unsafe { answer_zero(of(ring).wait_for(wait_nr, &patience), cqe_ptr) }
}

/// Waits for a completion as `io_uring_wait_cqes` does.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable; `ts` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_wait_cqe_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    ts: *mut __kernel_timespec,
) -> c_int {
    let patience = Patience::new(ts, ptr::null(), 0);
    // SAFETY: the caller's promise.
    unsafe { answer_zero(of(ring).wait_for(1, &patience), cqe_ptr) }
}

/// Hands what is queued to the kernel and waits as `io_uring_wait_cqes` does: how many requests it took. `-ETIME` only if
/// that is none; else look at `cqe_ptr`, which is null when the time is over.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable; `ts` and `sigmask` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_submit_and_wait_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    sigmask: *mut sigset_t,
) -> c_int {
    let patience = Patience::new(ts, sigmask.cast(), 0);
    // SAFETY: the caller's promise.
    unsafe { answer(of(ring).submit_and_wait_for(wait_nr, &patience), cqe_ptr) }
}

/// The same, and once `min_wait` microseconds passed one completion is enough. 6.12.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable; `ts` and `sigmask` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_submit_and_wait_min_timeout(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    ts: *mut __kernel_timespec,
    min_wait: c_uint,
    sigmask: *mut sigset_t,
) -> c_int {
    let patience = Patience::new(ts, sigmask.cast(), min_wait);
    // SAFETY: the caller's promise.
    unsafe { answer(of(ring).submit_and_wait_for(wait_nr, &patience), cqe_ptr) }
}

/// The same with entry `reg_index` of the registered wait region in place of time-out and mask. 6.13.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_submit_and_wait_reg(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    wait_nr: c_uint,
    reg_index: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        answer(
            of(ring).submit_and_wait_registered(wait_nr, reg_index as usize),
            cqe_ptr,
        )
    }
}

/// What the inline functions call: hands over the first `submit` flushed requests and waits for `wait_nr` completions; 0
/// without waiting, `-EAGAIN` if there are none.
///
/// # Safety
/// `ring` must be set up; `cqe_ptr` must be null or writable; `sigmask` must be null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __io_uring_get_cqe(
    ring: *mut io_uring,
    cqe_ptr: *mut *mut io_uring_cqe,
    submit: c_uint,
    wait_nr: c_uint,
    sigmask: *mut sigset_t,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { answer(of(ring).wait_flushed(submit, wait_nr, sigmask.cast()), cqe_ptr) }
}

/// Waits until the kernel's submission thread has made room: 0.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __io_uring_sqring_wait(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { of(ring).wait_for_space() }.into_c()
}

/// Whether waiting on this ring counts as waiting for I/O: 0. `-EOPNOTSUPP` before 6.15.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_set_iowait(ring: *mut io_uring, enable_iowait: bool) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::set_iowait(of(ring), enable_iowait) }.into_c()
}

/// What the ring's kernel can do; null where it cannot be asked or memory is short. For `io_uring_free_probe` or `free`. 5.6.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_get_probe_ring(ring: *mut io_uring) -> *mut io_uring_probe {
    // SAFETY: the caller's promise.
    probe::allocate(unsafe { of(ring) })
}

/// The same without a ring.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_get_probe() -> *mut io_uring_probe {
    probe::allocate_alone()
}

/// Frees it; null does nothing.
///
/// # Safety
/// `probe` must be null, or of one of the two functions above and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_free_probe(probe: *mut io_uring_probe) {
    // SAFETY: the caller's promise.
    unsafe { probe::free(probe) };
}

/// The same in memory of the caller, with room for `nr` requests, zeroed: 0. 5.6.
///
/// # Safety
/// `ring` must be set up; `p` must be writable with room for `nr` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_probe(ring: *mut io_uring, p: *mut io_uring_probe, nr: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_PROBE, p, nr) }
}

/// Asks the kernel questions that are linked by their heads: 0, results are in the heads. 6.18.
///
/// # Safety
/// The heads and what they name must be readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_query(query: *mut io_uring_query_hdr) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered_nowhere(IORING_REGISTER_QUERY, query, 0) }
}

/// Registers `nr_iovecs` buffers: 0. `-EBUSY` if there are some already, `-ENOMEM` above the limit of locked memory.
///
/// # Safety
/// `ring` must be set up; requests that name the buffers read and write them while they are registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_buffers(
    ring: *mut io_uring,
    iovecs: *const iovec,
    nr_iovecs: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::buffers(of(ring), iovecs.cast(), nr_iovecs) }.into_c()
}

/// The same with a tag for each: a completion with the tag as user data says that the kernel has let go. 5.13.
///
/// # Safety
/// `ring` must be set up; requests that name the buffers read and write them while they are registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_buffers_tags(
    ring: *mut io_uring,
    iovecs: *const iovec,
    tags: *const __u64,
    nr: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::buffers_tags(of(ring), iovecs.cast(), tags.cast(), nr) }.into_c()
}

/// Registers `nr` slots without buffers: 0. 5.19.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_buffers_sparse(ring: *mut io_uring, nr: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::buffers_sparse(of(ring), nr) }.into_c()
}

/// Replaces `nr` buffers from slot `off` on: how many. 5.13.
///
/// # Safety
/// `ring` must be set up; requests that name the buffers read and write them while they are registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_buffers_update_tag(
    ring: *mut io_uring,
    off: c_uint,
    iovecs: *const iovec,
    tags: *const __u64,
    nr: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::buffers_update(of(ring), off, iovecs.cast(), tags.cast(), nr) }.into_c()
}

/// Lets go of all buffers: 0. `-ENXIO` if there are none.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_buffers(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::unregister_buffers(of(ring)) }.into_c()
}

/// Makes the buffers of `src` buffers of `dst`, too, which has none: 0. `-ENXIO` if `src` has none, `-EBUSY` if `dst` has
/// some. If the descriptor of `src` is registered, the calling thread has to be the one that did it. 6.12.
///
/// # Safety
/// Both rings must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_clone_buffers(dst: *mut io_uring, src: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::clone_buffers(of(dst), of(src), 0, 0, 0, IORING_REGISTER_SRC_REGISTERED) }.into_c()
}

/// The same with flags: `IORING_REGISTER_DST_REPLACE`; and `IORING_REGISTER_SRC_REGISTERED`, without which `src` goes by its
/// descriptor, whether that is registered or not. 6.13.
///
/// # Safety
/// Both rings must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __io_uring_clone_buffers(dst: *mut io_uring, src: *mut io_uring, flags: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::clone_buffers(of(dst), of(src), 0, 0, 0, flags) }.into_c()
}

/// The same for `nr` slots from `src_off` on, to `dst_off` on. 6.13.
///
/// # Safety
/// Both rings must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_clone_buffers_offset(
    dst: *mut io_uring,
    src: *mut io_uring,
    dst_off: c_uint,
    src_off: c_uint,
    nr: c_uint,
    flags: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        register::clone_buffers(
            of(dst),
            of(src),
            dst_off,
            src_off,
            nr,
            flags | IORING_REGISTER_SRC_REGISTERED,
        )
    }
    .into_c()
}

/// The same, with `src` by its descriptor but for `IORING_REGISTER_SRC_REGISTERED`.
///
/// # Safety
/// Both rings must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __io_uring_clone_buffers_offset(
    dst: *mut io_uring,
    src: *mut io_uring,
    dst_off: c_uint,
    src_off: c_uint,
    nr: c_uint,
    flags: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::clone_buffers(of(dst), of(src), dst_off, src_off, nr, flags) }.into_c()
}

/// Registers `nr_files` descriptors, -1 for an empty slot: 0. `-EBUSY` if there are some already, `-EBADF` for one that is not
/// open, `-EMFILE` above the limit of descriptors, which is raised as far as allowed.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_files(ring: *mut io_uring, files: *const c_int, nr_files: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::files(of(ring), files, nr_files) }.into_c()
}

/// The same with a tag for each. 5.13.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_files_tags(
    ring: *mut io_uring,
    files: *const c_int,
    tags: *const __u64,
    nr: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::files_tags(of(ring), files, tags.cast(), nr) }.into_c()
}

/// Registers `nr` empty slots: 0. 5.19.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_files_sparse(ring: *mut io_uring, nr: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::files_sparse(of(ring), nr) }.into_c()
}

/// Replaces `nr_files` slots from `off` on, `IORING_REGISTER_FILES_SKIP` leaves one alone: how many.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_files_update(
    ring: *mut io_uring,
    off: c_uint,
    files: *const c_int,
    nr_files: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::files_update(of(ring), off, files, nr_files) }.into_c()
}

/// The same with tags. 5.13.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_files_update_tag(
    ring: *mut io_uring,
    off: c_uint,
    files: *const c_int,
    tags: *const __u64,
    nr_files: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::files_update_tag(of(ring), off, files, tags.cast(), nr_files) }.into_c()
}

/// Lets go of all files: 0. `-ENXIO` if there are none.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_files(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::unregister_files(of(ring)) }.into_c()
}

/// Limits the slots that the kernel picks from to `len` from `off` on: 0. 6.0.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_file_alloc_range(ring: *mut io_uring, off: c_uint, len: c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::file_alloc_range(of(ring), off, len) }.into_c()
}

/// Counts completions on an eventfd: 0. `-EBUSY` if there is one. 5.2.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_eventfd(ring: *mut io_uring, fd: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::eventfd(of(ring), fd, false) }.into_c()
}

/// The same for completions that were not there at submission. 5.6.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_eventfd_async(ring: *mut io_uring, fd: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::eventfd(of(ring), fd, true) }.into_c()
}

/// Ends that: 0. `-ENXIO` if there is none.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_eventfd(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::unregister_eventfd(of(ring)) }.into_c()
}

/// Registers the ring's descriptor with the calling thread, the only one to enter the ring from now on: 1. `-EEXIST` if it
/// is registered. 5.18.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_ring_fd(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::register_ring_fd(of(ring)) }.into_c()
}

/// Undoes that: 1. `-EINVAL` if it is not registered, or not by this thread.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_ring_fd(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::unregister_ring_fd(of(ring)) }.into_c()
}

/// Keeps the caller's credentials for requests: their number. 5.6.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_personality(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::personality(of(ring)) }.into_c()
}

/// Forgets them: 0. `-EINVAL` for an unknown number.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_personality(ring: *mut io_uring, id: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::unregister_personality(of(ring), id) }.into_c()
}

/// Restricts a disabled ring to what `nr_res` entries allow: 0. `-EBADFD` if it is enabled, `-EBUSY` if restricted. 5.10.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_restrictions(
    ring: *mut io_uring,
    res: *mut io_uring_restriction,
    nr_res: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_RESTRICTIONS, res, nr_res) }
}

/// Sets the CPUs of the ring's workers, `cpusz` bytes of `mask`: 0. 5.14.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_iowq_aff(
    ring: *mut io_uring,
    cpusz: usize,
    mask: *const cpu_set_t,
) -> c_int {
    let Ok(nr) = i32::try_from(cpusz) else {
        return Errno::EINVAL.negated();
    };
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_IOWQ_AFF, mask, nr as u32) }
}

/// Lets them run anywhere again: 0.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_iowq_aff(ring: *mut io_uring) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { register::unregister_iowq_affinity(of(ring)) }.into_c()
}

/// Sets how many workers there may be, bounded and unbounded, 0 to leave a number: 0, and the old numbers. 5.15.
///
/// # Safety
/// `ring` must be set up; two numbers at `values` must be readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_iowq_max_workers(ring: *mut io_uring, values: *mut c_uint) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_IOWQ_MAX_WORKERS, values, 2) }
}

/// Cancels requests and waits until they are gone: 0 or how many with `IORING_ASYNC_CANCEL_ALL`. `-ENOENT` for none,
/// `-ETIME` if it takes too long. 6.0.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_sync_cancel(
    ring: *mut io_uring,
    reg: *mut io_uring_sync_cancel_reg,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_SYNC_CANCEL, reg, 1) }
}

/// Does a message request to another ring without a ring of one's own: 0 or more. 6.13.
///
/// # Safety
/// `sqe` must be readable and a valid request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_sync_msg(sqe: *mut io_uring_sqe) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered_nowhere(IORING_REGISTER_SEND_MSG_RING, sqe, 1) }
}

/// Sets busy polling of network devices: 0, and the old setting in `napi`. 6.9.
///
/// # Safety
/// `ring` must be set up; `napi` must be readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_napi(ring: *mut io_uring, napi: *mut io_uring_napi) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_NAPI, napi, 1) }
}

/// Ends that: 0, and the old setting in `napi` unless that is null.
///
/// # Safety
/// `ring` must be set up; `napi` must be null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_napi(ring: *mut io_uring, napi: *mut io_uring_napi) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_UNREGISTER_NAPI, napi, 1) }
}

/// Sets the clock of waits: 0. 6.12.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_clock(ring: *mut io_uring, arg: *mut io_uring_clock_register) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_CLOCK, arg, 0) }
}

/// Registers memory for arguments: 0. 6.13.
///
/// # Safety
/// `ring` must be set up; what `reg` names must be readable and writable, and outlive the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_region(ring: *mut io_uring, reg: *mut io_uring_mem_region_reg) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_MEM_REGION, reg, 1) }
}

/// `-EINVAL`: no kernel has it any more. `io_uring_register_region` took its place.
#[unsafe(no_mangle)]
pub extern "C" fn io_uring_register_wait_reg(_ring: *mut io_uring, _reg: *mut io_uring_reg_wait, _nr: c_int) -> c_int {
    Errno::EINVAL.negated()
}

/// Registers a queue of a network interface for zero-copy receive: 0, and what `reg` became. 6.15.
///
/// # Safety
/// `ring` must be set up; what `reg` names must be readable and writable, and outlive the ring.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_ifq(ring: *mut io_uring, reg: *mut io_uring_zcrx_ifq_reg) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_ZCRX_IFQ, reg, 1) }
}

/// Controls such a queue: 0. 6.19.
///
/// # Safety
/// `ring` must be set up; `ctrl` must be readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_zcrx_ctrl(ring: *mut io_uring, ctrl: *mut zcrx_ctrl) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_ZCRX_CTRL, ctrl, 0) }
}

/// Adds a filter for the ring's requests: 0. 7.0.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_bpf_filter(ring: *mut io_uring, bpf: *mut io_uring_bpf) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered(ring, IORING_REGISTER_BPF_FILTER, bpf, 1) }
}

/// The same for all rings that the task makes from now on: 0. 7.0.
///
/// # Safety
/// What `bpf` names must be readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_bpf_filter_task(bpf: *mut io_uring_bpf) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { registered_nowhere(IORING_REGISTER_BPF_FILTER, bpf, 1) }
}

/// Registers the buffer ring that `reg` describes; `flags` are `IOU_PBUF_RING_`, beside those in `reg`: 0. `-EEXIST` if the
/// group exists. 5.19.
///
/// # Safety
/// `ring` must be set up, `reg` readable; the buffer ring must outlive its registration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_register_buf_ring(
    ring: *mut io_uring,
    reg: *mut io_uring_buf_reg,
    flags: c_uint,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { buffers::register_ring(of(ring), reg, flags) }.into_c()
}

/// Ends a group: 0. `-ENOENT` if there is none.
///
/// # Safety
/// `ring` must be set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_unregister_buf_ring(ring: *mut io_uring, bgid: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { buffers::unregister_ring(of(ring), bgid) }.into_c()
}

/// Allocates and registers a buffer ring of `nentries`, a power of two up to 32768: its address, for
/// `io_uring_free_buf_ring`. Null on failure, and the negative error number at `err`, which is 0 else.
///
/// # Safety
/// `ring` must be set up, `err` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_setup_buf_ring(
    ring: *mut io_uring,
    nentries: c_uint,
    bgid: c_int,
    flags: c_uint,
    err: *mut c_int,
) -> *mut io_uring_buf_ring {
    // SAFETY: the caller's promise.
    let made = buffers::setup_ring(unsafe { of(ring) }, nentries, bgid, flags);
    // SAFETY: the caller's promise.
    unsafe { err.write(made.map_or_else(Errno::negated, |_| 0)) };
    made.map_or(ptr::null_mut(), NonNull::as_ptr).cast()
}

/// Unregisters and frees it: 0.
///
/// # Safety
/// `ring` must be set up; `br` must be of `io_uring_setup_buf_ring` with the same numbers, and unused from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_free_buf_ring(
    ring: *mut io_uring,
    br: *mut io_uring_buf_ring,
    nentries: c_uint,
    bgid: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { buffers::free_ring(of(ring), br.cast(), nentries, bgid) }.into_c()
}

/// How far the kernel has taken buffers of a group: 0, and the index at `head`. 6.8.
///
/// # Safety
/// `ring` must be set up, `head` writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn io_uring_buf_ring_head(ring: *mut io_uring, buf_group: c_int, head: *mut u16) -> c_int {
    // SAFETY: the caller's promise.
    let found = buffers::head(unsafe { of(ring) }, buf_group);
    // SAFETY: the caller's promise.
    found.map(|index| unsafe { head.write(index) }).into_c()
}
