//! The structures of kernel AIO, as programs lay them out.
//!
//! This file uses `core` only: the layout test compiles it on its own against `libaio.h`.

/// One request, `struct iocb`.
///
/// The union of `libaio.h` is spelled out by the names that the kernel gives its words.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Iocb {
    /// Comes back in the event.
    pub data: u64,
    /// Written with 0 when the request is taken.
    #[cfg(target_endian = "little")]
    pub key: u32,
    /// `RWF_` flags.
    pub rw_flags: u32,
    /// As `key` above: the pair is swapped on big-endian machines.
    #[cfg(target_endian = "big")]
    pub key: u32,
    /// `IO_CMD_` operation.
    pub opcode: u16,
    /// I/O priority, looked at with [`FLAG_IOPRIO`].
    pub reqprio: i16,
    /// The descriptor.
    pub fildes: u32,
    /// Buffer, `iovec` array, or poll events.
    pub buf: u64,
    /// Bytes, or entries of the array.
    pub nbytes: u64,
    /// Position in the file.
    pub offset: i64,
    /// Must be 0.
    pub reserved: u64,
    /// [`FLAG_RESFD`], [`FLAG_IOPRIO`].
    pub flags: u32,
    /// The eventfd, looked at with [`FLAG_RESFD`].
    pub resfd: u32,
}

/// Byte offset of the key in an iocb.
pub const KEY_OFFSET: usize = core::mem::offset_of!(Iocb, key);

/// One completion, `struct io_event`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct IoEvent {
    /// The iocb's `data`.
    pub data: u64,
    /// Address of the iocb.
    pub obj: u64,
    /// Bytes, poll events, or `-errno`.
    pub res: i64,
    /// 0; of a read that takes its buffer from a ring the flags of its completion.
    pub res2: i64,
}

/// `iocb.flags`: an eventfd is signalled.
pub const FLAG_RESFD: u32 = 1;
/// `iocb.flags`: `reqprio` is an I/O priority.
pub const FLAG_IOPRIO: u32 = 2;

/// Read into one buffer.
pub const PREAD: u16 = 0;
/// Write from one buffer.
pub const PWRITE: u16 = 1;
/// `fsync`.
pub const FSYNC: u16 = 2;
/// `fdatasync`.
pub const FDSYNC: u16 = 3;
/// One-shot poll.
pub const POLL: u16 = 5;
/// Read into several buffers.
pub const PREADV: u16 = 7;
/// Write from several buffers.
pub const PWRITEV: u16 = 8;
/// Read into a buffer of the ring that is bound to the context. Kernel AIO has no such operation and will not get one
/// of this number soon.
pub const PREAD_SELECT: u16 = 0x6100;
/// With the operation of a transfer in the lower bits: the same, all of its memory in the registered buffer whose number
/// `reqprio` is.
pub const FIXED: u16 = 0x6200;

/// `magic` of a completion ring that a program may read itself.
pub const RING_MAGIC: u32 = 0xa10a_10a1;
/// Bytes before the first event of a completion ring.
pub const RING_HEADER: usize = 32;
