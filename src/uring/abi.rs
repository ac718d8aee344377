//! What the kernel, the C headers and this crate agree on: layouts and numbers.
//!
//! Uses nothing but `core`, so that the layout test can read this file alone. Names of constants are the kernel's.
#![allow(missing_docs, non_camel_case_types)]

use core::ptr;
use core::sync::atomic::AtomicU32;

/// C spells it so, and the layout test compares spellings.
pub type __u64 = u64;

/// A request. The names are those of its first use; many requests put something else there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Sqe {
    pub opcode: u8,
    pub flags: u8,
    pub ioprio: u16,
    pub fd: i32,
    pub off: __u64,
    pub addr: __u64,
    pub len: u32,
    pub op_flags: u32,
    pub user_data: __u64,
    pub buf_index: u16,
    pub personality: u16,
    pub file_index: u32,
    pub addr3: __u64,
    pub pad: __u64,
}

/// A completion; with `CQE32`, or `F_32` in its flags, sixteen more bytes follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Cqe {
    pub user_data: __u64,
    pub res: i32,
    pub flags: u32,
}

/// Where things lie in the submission ring.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SqOffsets {
    pub head: u32,
    pub tail: u32,
    pub ring_mask: u32,
    pub ring_entries: u32,
    pub flags: u32,
    pub dropped: u32,
    pub array: u32,
    pub resv1: u32,
    pub user_addr: __u64,
}

/// Where things lie in the completion ring.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct CqOffsets {
    pub head: u32,
    pub tail: u32,
    pub ring_mask: u32,
    pub ring_entries: u32,
    pub overflow: u32,
    pub cqes: u32,
    pub flags: u32,
    pub resv1: u32,
    pub user_addr: __u64,
}

/// What a ring is asked to be, and what the kernel made of it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Params {
    pub sq_entries: u32,
    pub cq_entries: u32,
    pub flags: u32,
    pub sq_thread_cpu: u32,
    pub sq_thread_idle: u32,
    pub features: u32,
    pub wq_fd: u32,
    pub resv: [u32; 3],
    pub sq_off: SqOffsets,
    pub cq_off: CqOffsets,
}

impl Params {
    /// Nothing asked for.
    pub const fn zeroed() -> Self {
        let sq_off = SqOffsets {
            head: 0,
            tail: 0,
            ring_mask: 0,
            ring_entries: 0,
            flags: 0,
            dropped: 0,
            array: 0,
            resv1: 0,
            user_addr: 0,
        };
        let cq_off = CqOffsets {
            head: 0,
            tail: 0,
            ring_mask: 0,
            ring_entries: 0,
            overflow: 0,
            cqes: 0,
            flags: 0,
            resv1: 0,
            user_addr: 0,
        };
        Self {
            sq_entries: 0,
            cq_entries: 0,
            flags: 0,
            sq_thread_cpu: 0,
            sq_thread_idle: 0,
            features: 0,
            wq_fd: 0,
            resv: [0; 3],
            sq_off,
            cq_off,
        }
    }
}

/// The submission half of `struct io_uring`.
///
/// The pointers lead into memory shared with the kernel. The words that change while the ring lives are atomics: a C
/// program may submit in one thread and reap in another.
#[derive(Debug)]
#[repr(C)]
pub struct Sq {
    pub khead: *const AtomicU32,
    pub ktail: *const AtomicU32,
    pub kring_mask: *const AtomicU32,
    pub kring_entries: *const AtomicU32,
    pub kflags: *const AtomicU32,
    pub kdropped: *const AtomicU32,
    pub array: *mut u32,
    pub sqes: *mut Sqe,
    pub sqe_head: AtomicU32,
    pub sqe_tail: AtomicU32,
    pub ring_sz: usize,
    pub ring_ptr: *mut u8,
    pub ring_mask: u32,
    pub ring_entries: u32,
    pub sqes_sz: u32,
    pub pad: u32,
}

/// The completion half of `struct io_uring`.
#[derive(Debug)]
#[repr(C)]
pub struct Cq {
    pub khead: *const AtomicU32,
    pub ktail: *const AtomicU32,
    pub kring_mask: *const AtomicU32,
    pub kring_entries: *const AtomicU32,
    pub kflags: *const AtomicU32,
    pub koverflow: *const AtomicU32,
    pub cqes: *mut Cqe,
    pub ring_sz: usize,
    pub ring_ptr: *mut u8,
    pub ring_mask: u32,
    pub ring_entries: u32,
    pub pad: [u32; 2],
}

/// `struct io_uring`: allocated by the caller, filled by set-up, read by the header's inlines.
#[derive(Debug)]
#[repr(C)]
pub struct Ring {
    pub sq: Sq,
    pub cq: Cq,
    pub flags: u32,
    pub ring_fd: i32,
    pub features: u32,
    /// The descriptor, or the index of the registered one.
    pub enter_ring_fd: AtomicU32,
    /// Notes of this library in the low byte; the rest is C's padding.
    pub int_flags: AtomicU32,
    /// The thread that registered the descriptor; C's padding.
    pub pad2: AtomicU32,
}

impl Ring {
    /// A ring that is not set up: it holds nothing, takes nothing, completes nothing.
    pub const fn zeroed() -> Self {
        Self {
            sq: Sq {
                khead: ptr::null(),
                ktail: ptr::null(),
                kring_mask: ptr::null(),
                kring_entries: ptr::null(),
                kflags: ptr::null(),
                kdropped: ptr::null(),
                array: ptr::null_mut(),
                sqes: ptr::null_mut(),
                sqe_head: AtomicU32::new(0),
                sqe_tail: AtomicU32::new(0),
                ring_sz: 0,
                ring_ptr: ptr::null_mut(),
                ring_mask: 0,
                ring_entries: 0,
                sqes_sz: 0,
                pad: 0,
            },
            cq: Cq {
                khead: ptr::null(),
                ktail: ptr::null(),
                kring_mask: ptr::null(),
                kring_entries: ptr::null(),
                kflags: ptr::null(),
                koverflow: ptr::null(),
                cqes: ptr::null_mut(),
                ring_sz: 0,
                ring_ptr: ptr::null_mut(),
                ring_mask: 0,
                ring_entries: 0,
                pad: [0; 2],
            },
            flags: 0,
            ring_fd: -1,
            features: 0,
            enter_ring_fd: AtomicU32::new(u32::MAX),
            int_flags: AtomicU32::new(0),
            pad2: AtomicU32::new(0),
        }
    }
}

const _: () = assert!(size_of::<Ring>() == 216 && size_of::<Sqe>() == 64 && size_of::<Cqe>() == 16);
const _: () = assert!(size_of::<Params>() == 120 && size_of::<Sq>() == 104 && size_of::<Cq>() == 88);

/// A time span or a point in time, 64 bits wide everywhere.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Timespec {
    pub tv_sec: i64,
    pub tv_nsec: i64,
}

/// The extended argument of `io_uring_enter`. Addresses, zero for none.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct GetEventsArg {
    pub sigmask: __u64,
    pub sigmask_sz: u32,
    pub min_wait_usec: u32,
    pub ts: __u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ProbeOp {
    pub op: u8,
    pub resv: u8,
    pub flags: u16,
    pub resv2: u32,
}

/// The head of a probe; `ops_len` [`ProbeOp`]s follow.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Probe {
    pub last_op: u8,
    pub ops_len: u8,
    pub resv: u16,
    pub resv2: [u32; 3],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FilesUpdate {
    pub offset: u32,
    pub resv: u32,
    pub fds: __u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct RsrcRegister {
    pub nr: u32,
    pub flags: u32,
    pub resv2: __u64,
    pub data: __u64,
    pub tags: __u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct RsrcUpdate {
    pub offset: u32,
    pub resv: u32,
    pub data: __u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct RsrcUpdate2 {
    pub offset: u32,
    pub resv: u32,
    pub data: __u64,
    pub tags: __u64,
    pub nr: u32,
    pub resv2: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FileIndexRange {
    pub off: u32,
    pub len: u32,
    pub resv: __u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct CloneBuffers {
    pub src_fd: u32,
    pub flags: u32,
    pub src_off: u32,
    pub dst_off: u32,
    pub nr: u32,
    pub pad: [u32; 3],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BufReg {
    pub ring_addr: __u64,
    pub ring_entries: u32,
    pub bgid: u16,
    pub flags: u16,
    pub min_left: u32,
    pub resv: [u32; 5],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BufStatus {
    pub buf_group: u32,
    pub head: u32,
    pub resv: [u32; 8],
}

/// One provided buffer.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Buf {
    pub addr: __u64,
    pub len: u32,
    pub bid: u16,
    pub resv: u16,
}

/// The user data of the time-outs that waiting queues on kernels before 5.11. Never shown to the program.
pub const LIBURING_UDATA_TIMEOUT: u64 = u64::MAX;

// Request opcodes.
pub const IORING_OP_NOP: u8 = 0;
pub const IORING_OP_READV: u8 = 1;
pub const IORING_OP_WRITEV: u8 = 2;
pub const IORING_OP_FSYNC: u8 = 3;
pub const IORING_OP_READ_FIXED: u8 = 4;
pub const IORING_OP_WRITE_FIXED: u8 = 5;
pub const IORING_OP_POLL_ADD: u8 = 6;
pub const IORING_OP_POLL_REMOVE: u8 = 7;
pub const IORING_OP_SYNC_FILE_RANGE: u8 = 8;
pub const IORING_OP_SENDMSG: u8 = 9;
pub const IORING_OP_RECVMSG: u8 = 10;
pub const IORING_OP_TIMEOUT: u8 = 11;
pub const IORING_OP_TIMEOUT_REMOVE: u8 = 12;
pub const IORING_OP_ACCEPT: u8 = 13;
pub const IORING_OP_ASYNC_CANCEL: u8 = 14;
pub const IORING_OP_LINK_TIMEOUT: u8 = 15;
pub const IORING_OP_CONNECT: u8 = 16;
pub const IORING_OP_FALLOCATE: u8 = 17;
pub const IORING_OP_OPENAT: u8 = 18;
pub const IORING_OP_CLOSE: u8 = 19;
pub const IORING_OP_FILES_UPDATE: u8 = 20;
pub const IORING_OP_STATX: u8 = 21;
pub const IORING_OP_READ: u8 = 22;
pub const IORING_OP_WRITE: u8 = 23;
pub const IORING_OP_FADVISE: u8 = 24;
pub const IORING_OP_MADVISE: u8 = 25;
pub const IORING_OP_SEND: u8 = 26;
pub const IORING_OP_RECV: u8 = 27;
pub const IORING_OP_OPENAT2: u8 = 28;
pub const IORING_OP_EPOLL_CTL: u8 = 29;
pub const IORING_OP_SPLICE: u8 = 30;
pub const IORING_OP_PROVIDE_BUFFERS: u8 = 31;
pub const IORING_OP_REMOVE_BUFFERS: u8 = 32;
pub const IORING_OP_TEE: u8 = 33;
pub const IORING_OP_SHUTDOWN: u8 = 34;
pub const IORING_OP_RENAMEAT: u8 = 35;
pub const IORING_OP_UNLINKAT: u8 = 36;
pub const IORING_OP_MKDIRAT: u8 = 37;
pub const IORING_OP_SYMLINKAT: u8 = 38;
pub const IORING_OP_LINKAT: u8 = 39;
pub const IORING_OP_MSG_RING: u8 = 40;
pub const IORING_OP_FSETXATTR: u8 = 41;
pub const IORING_OP_SETXATTR: u8 = 42;
pub const IORING_OP_FGETXATTR: u8 = 43;
pub const IORING_OP_GETXATTR: u8 = 44;
pub const IORING_OP_SOCKET: u8 = 45;
pub const IORING_OP_URING_CMD: u8 = 46;
pub const IORING_OP_SEND_ZC: u8 = 47;
pub const IORING_OP_SENDMSG_ZC: u8 = 48;
pub const IORING_OP_READ_MULTISHOT: u8 = 49;
pub const IORING_OP_WAITID: u8 = 50;
pub const IORING_OP_FUTEX_WAIT: u8 = 51;
pub const IORING_OP_FUTEX_WAKE: u8 = 52;
pub const IORING_OP_FUTEX_WAITV: u8 = 53;
pub const IORING_OP_FIXED_FD_INSTALL: u8 = 54;
pub const IORING_OP_FTRUNCATE: u8 = 55;
pub const IORING_OP_BIND: u8 = 56;
pub const IORING_OP_LISTEN: u8 = 57;
pub const IORING_OP_RECV_ZC: u8 = 58;
pub const IORING_OP_EPOLL_WAIT: u8 = 59;
pub const IORING_OP_READV_FIXED: u8 = 60;
pub const IORING_OP_WRITEV_FIXED: u8 = 61;
pub const IORING_OP_PIPE: u8 = 62;
pub const IORING_OP_NOP128: u8 = 63;
pub const IORING_OP_URING_CMD128: u8 = 64;
pub const IORING_OP_LAST: u8 = 65;

// Opcodes of io_uring_register.
pub const IORING_REGISTER_BUFFERS: u32 = 0;
pub const IORING_UNREGISTER_BUFFERS: u32 = 1;
pub const IORING_REGISTER_FILES: u32 = 2;
pub const IORING_UNREGISTER_FILES: u32 = 3;
pub const IORING_REGISTER_EVENTFD: u32 = 4;
pub const IORING_UNREGISTER_EVENTFD: u32 = 5;
pub const IORING_REGISTER_FILES_UPDATE: u32 = 6;
pub const IORING_REGISTER_EVENTFD_ASYNC: u32 = 7;
pub const IORING_REGISTER_PROBE: u32 = 8;
pub const IORING_REGISTER_PERSONALITY: u32 = 9;
pub const IORING_UNREGISTER_PERSONALITY: u32 = 10;
pub const IORING_REGISTER_RESTRICTIONS: u32 = 11;
pub const IORING_REGISTER_ENABLE_RINGS: u32 = 12;
pub const IORING_REGISTER_FILES2: u32 = 13;
pub const IORING_REGISTER_FILES_UPDATE2: u32 = 14;
pub const IORING_REGISTER_BUFFERS2: u32 = 15;
pub const IORING_REGISTER_BUFFERS_UPDATE: u32 = 16;
pub const IORING_REGISTER_IOWQ_AFF: u32 = 17;
pub const IORING_UNREGISTER_IOWQ_AFF: u32 = 18;
pub const IORING_REGISTER_IOWQ_MAX_WORKERS: u32 = 19;
pub const IORING_REGISTER_RING_FDS: u32 = 20;
pub const IORING_UNREGISTER_RING_FDS: u32 = 21;
pub const IORING_REGISTER_PBUF_RING: u32 = 22;
pub const IORING_UNREGISTER_PBUF_RING: u32 = 23;
pub const IORING_REGISTER_SYNC_CANCEL: u32 = 24;
pub const IORING_REGISTER_FILE_ALLOC_RANGE: u32 = 25;
pub const IORING_REGISTER_PBUF_STATUS: u32 = 26;
pub const IORING_REGISTER_NAPI: u32 = 27;
pub const IORING_UNREGISTER_NAPI: u32 = 28;
pub const IORING_REGISTER_CLOCK: u32 = 29;
pub const IORING_REGISTER_CLONE_BUFFERS: u32 = 30;
pub const IORING_REGISTER_SEND_MSG_RING: u32 = 31;
pub const IORING_REGISTER_ZCRX_IFQ: u32 = 32;
pub const IORING_REGISTER_RESIZE_RINGS: u32 = 33;
pub const IORING_REGISTER_MEM_REGION: u32 = 34;
pub const IORING_REGISTER_QUERY: u32 = 35;
pub const IORING_REGISTER_ZCRX_CTRL: u32 = 36;
pub const IORING_REGISTER_BPF_FILTER: u32 = 37;
pub const IORING_REGISTER_LAST: u32 = 38;
pub const IORING_REGISTER_USE_REGISTERED_RING: u32 = 0x80000000;

// Flags of a request.
pub const IOSQE_FIXED_FILE: u8 = 1 << 0;
pub const IOSQE_IO_DRAIN: u8 = 1 << 1;
pub const IOSQE_IO_LINK: u8 = 1 << 2;
pub const IOSQE_IO_HARDLINK: u8 = 1 << 3;
pub const IOSQE_ASYNC: u8 = 1 << 4;
pub const IOSQE_BUFFER_SELECT: u8 = 1 << 5;
pub const IOSQE_CQE_SKIP_SUCCESS: u8 = 1 << 6;

// Flags of io_uring_setup.
pub const IORING_SETUP_IOPOLL: u32 = 1 << 0;
pub const IORING_SETUP_SQPOLL: u32 = 1 << 1;
pub const IORING_SETUP_SQ_AFF: u32 = 1 << 2;
pub const IORING_SETUP_CQSIZE: u32 = 1 << 3;
pub const IORING_SETUP_CLAMP: u32 = 1 << 4;
pub const IORING_SETUP_ATTACH_WQ: u32 = 1 << 5;
pub const IORING_SETUP_R_DISABLED: u32 = 1 << 6;
pub const IORING_SETUP_SUBMIT_ALL: u32 = 1 << 7;
pub const IORING_SETUP_COOP_TASKRUN: u32 = 1 << 8;
pub const IORING_SETUP_TASKRUN_FLAG: u32 = 1 << 9;
pub const IORING_SETUP_SQE128: u32 = 1 << 10;
pub const IORING_SETUP_CQE32: u32 = 1 << 11;
pub const IORING_SETUP_SINGLE_ISSUER: u32 = 1 << 12;
pub const IORING_SETUP_DEFER_TASKRUN: u32 = 1 << 13;
pub const IORING_SETUP_NO_MMAP: u32 = 1 << 14;
pub const IORING_SETUP_REGISTERED_FD_ONLY: u32 = 1 << 15;
pub const IORING_SETUP_NO_SQARRAY: u32 = 1 << 16;
pub const IORING_SETUP_HYBRID_IOPOLL: u32 = 1 << 17;
pub const IORING_SETUP_CQE_MIXED: u32 = 1 << 18;
pub const IORING_SETUP_SQE_MIXED: u32 = 1 << 19;
pub const IORING_SETUP_SQ_REWIND: u32 = 1 << 20;

// What the kernel says it can do.
pub const IORING_FEAT_SINGLE_MMAP: u32 = 1 << 0;
pub const IORING_FEAT_NODROP: u32 = 1 << 1;
pub const IORING_FEAT_SUBMIT_STABLE: u32 = 1 << 2;
pub const IORING_FEAT_RW_CUR_POS: u32 = 1 << 3;
pub const IORING_FEAT_CUR_PERSONALITY: u32 = 1 << 4;
pub const IORING_FEAT_FAST_POLL: u32 = 1 << 5;
pub const IORING_FEAT_POLL_32BITS: u32 = 1 << 6;
pub const IORING_FEAT_SQPOLL_NONFIXED: u32 = 1 << 7;
pub const IORING_FEAT_EXT_ARG: u32 = 1 << 8;
pub const IORING_FEAT_NATIVE_WORKERS: u32 = 1 << 9;
pub const IORING_FEAT_RSRC_TAGS: u32 = 1 << 10;
pub const IORING_FEAT_CQE_SKIP: u32 = 1 << 11;
pub const IORING_FEAT_LINKED_FILE: u32 = 1 << 12;
pub const IORING_FEAT_REG_REG_RING: u32 = 1 << 13;
pub const IORING_FEAT_RECVSEND_BUNDLE: u32 = 1 << 14;
pub const IORING_FEAT_MIN_TIMEOUT: u32 = 1 << 15;
pub const IORING_FEAT_RW_ATTR: u32 = 1 << 16;
pub const IORING_FEAT_NO_IOWAIT: u32 = 1 << 17;

// Flags of io_uring_enter.
pub const IORING_ENTER_GETEVENTS: u32 = 1 << 0;
pub const IORING_ENTER_SQ_WAKEUP: u32 = 1 << 1;
pub const IORING_ENTER_SQ_WAIT: u32 = 1 << 2;
pub const IORING_ENTER_EXT_ARG: u32 = 1 << 3;
pub const IORING_ENTER_REGISTERED_RING: u32 = 1 << 4;
pub const IORING_ENTER_ABS_TIMER: u32 = 1 << 5;
pub const IORING_ENTER_EXT_ARG_REG: u32 = 1 << 6;
pub const IORING_ENTER_NO_IOWAIT: u32 = 1 << 7;

// Words the kernel sets in the rings.
pub const IORING_CQ_EVENTFD_DISABLED: u32 = 1 << 0;
pub const IORING_SQ_NEED_WAKEUP: u32 = 1 << 0;
pub const IORING_SQ_CQ_OVERFLOW: u32 = 1 << 1;
pub const IORING_SQ_TASKRUN: u32 = 1 << 2;

// Flags of a completion.
pub const IORING_CQE_F_BUFFER: u32 = 1 << 0;
pub const IORING_CQE_F_MORE: u32 = 1 << 1;
pub const IORING_CQE_F_SOCK_NONEMPTY: u32 = 1 << 2;
pub const IORING_CQE_F_NOTIF: u32 = 1 << 3;
pub const IORING_CQE_F_BUF_MORE: u32 = 1 << 4;
pub const IORING_CQE_F_SKIP: u32 = 1 << 5;
pub const IORING_CQE_F_32: u32 = 1 << 15;
pub const IORING_CQE_BUFFER_SHIFT: u32 = 16;

// Where the rings lie in the ring descriptor.
pub const IORING_OFF_SQ_RING: u64 = 0;
pub const IORING_OFF_CQ_RING: u64 = 0x8000000;
pub const IORING_OFF_SQES: u64 = 0x10000000;
pub const IORING_OFF_PBUF_RING: u64 = 0x80000000;
pub const IORING_OFF_PBUF_SHIFT: u32 = 16;

// Flags of single requests.
pub const IORING_ASYNC_CANCEL_ALL: u32 = 1 << 0;
pub const IORING_FSYNC_DATASYNC: u32 = 1 << 0;
pub const IORING_POLL_ADD_MULTI: u32 = 1 << 0;
pub const IORING_TIMEOUT_ABS: u32 = 1 << 0;
pub const IORING_ASYNC_CANCEL_FD: u32 = 1 << 1;
pub const IORING_POLL_UPDATE_EVENTS: u32 = 1 << 1;
pub const IORING_TIMEOUT_UPDATE: u32 = 1 << 1;
pub const IORING_ASYNC_CANCEL_ANY: u32 = 1 << 2;
pub const IORING_POLL_UPDATE_USER_DATA: u32 = 1 << 2;
pub const IORING_TIMEOUT_BOOTTIME: u32 = 1 << 2;
pub const IORING_ASYNC_CANCEL_FD_FIXED: u32 = 1 << 3;
pub const IORING_POLL_ADD_LEVEL: u32 = 1 << 3;
pub const IORING_TIMEOUT_REALTIME: u32 = 1 << 3;
pub const IORING_ASYNC_CANCEL_USERDATA: u32 = 1 << 4;
pub const IORING_ASYNC_CANCEL_OP: u32 = 1 << 5;
pub const IORING_TIMEOUT_ETIME_SUCCESS: u32 = 1 << 5;
pub const IORING_TIMEOUT_MULTISHOT: u32 = 1 << 6;
pub const IORING_TIMEOUT_IMMEDIATE_ARG: u32 = 1 << 7;

pub const IORING_RECVSEND_FIXED_BUF: u16 = 1 << 2;

// Arguments of registration.
pub const IORING_RSRC_REGISTER_SPARSE: u32 = 1 << 0;
pub const IO_URING_OP_SUPPORTED: u32 = 1 << 0;

pub const IORING_REGISTER_SRC_REGISTERED: u32 = 1 << 0;
pub const IORING_REGISTER_DST_REPLACE: u32 = 1 << 1;
/// Not before the socket is ready.
pub const IORING_RECVSEND_POLL_FIRST: u16 = 1 << 0;

pub const IOU_PBUF_RING_MMAP: u16 = 1 << 0;
pub const IOU_PBUF_RING_INC: u16 = 1 << 1;
/// A fixed-file slot that an update leaves alone.
pub const IORING_REGISTER_FILES_SKIP: i32 = -2;
/// The kernel picks the fixed-file slot.
pub const IORING_FILE_INDEX_ALLOC: u32 = u32::MAX;
