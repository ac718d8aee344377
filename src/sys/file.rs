//! Calls on descriptors.

use super::{Errno, Result, map, syscall};
use core::mem::MaybeUninit;

/// What `fstat` and `F_GETFL` tell of a descriptor.
#[derive(Clone, Copy)]
pub struct Status {
    /// The open flags: access mode, `O_DIRECT`, `O_APPEND`, `O_PATH`, ...
    pub flags: i32,
    /// `st_mode`.
    pub mode: u32,
    /// `st_dev`, `st_ino`; for a block device the device itself, whatever node it was opened by.
    pub id: (u64, u64),
    /// `st_size`.
    pub size: u64,
    /// Of a file system without a device, and without data of its own.
    pub is_virtual: bool,
}

/// The open flags of a descriptor.
///
/// # Errors
/// `EBADF`.
pub fn flags(fd: i32) -> Result<i32> {
    // SAFETY: F_GETFL takes no pointer.
    unsafe { syscall(libc::SYS_fcntl, [fd as usize, libc::F_GETFL as usize, 0, 0, 0, 0]) }.map(|f| f as i32)
}

/// What `fstat` and `F_GETFL` tell.
///
/// # Errors
/// `EBADF`, also for a descriptor opened with `O_PATH`, as every data call answers.
pub fn status(fd: i32) -> Result<Status> {
    let flags = flags(fd)?;
    if flags & libc::O_PATH != 0 {
        return Err(Errno::EBADF);
    }
    look_at(fd).map(|seen| Status { flags, ..seen })
}

/// What a file is, without its times: a file whose times somebody has read gets new ones with the next
/// write, which makes that write twice as dear on file systems that keep them in fine grain.
fn look_at(fd: i32) -> Result<Status> {
    const WANTED: u32 = libc::STATX_TYPE | libc::STATX_INO | libc::STATX_SIZE | libc::STATX_BLOCKS;
    let mut seen = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: a live C string and a live local; all zeroes is a valid statx in any case.
    let (looked, seen) = unsafe {
        let looked = syscall(
            libc::SYS_statx,
            [
                fd as usize,
                c"".as_ptr() as usize,
                libc::AT_EMPTY_PATH as usize,
                WANTED as usize,
                seen.as_mut_ptr() as usize,
                0,
            ],
        );
        (looked, seen.assume_init())
    };
    let join = |major: u32, minor: u32| u64::from(major) << 32 | u64::from(minor);
    match looked {
        Ok(_) => Ok(Status::of(
            u32::from(seen.stx_mode),
            join(seen.stx_dev_major, seen.stx_dev_minor),
            join(seen.stx_rdev_major, seen.stx_rdev_minor),
            seen.stx_ino,
            seen.stx_size,
            seen.stx_blocks,
        )),
        Err(Errno::EBADF) => Err(Errno::EBADF),
        // A filter that does not know the call.
        Err(_) => {
            let stat = fstat(fd)?;
            #[allow(clippy::unnecessary_cast)] // the field types differ by architecture
            let device = |number| join(libc::major(number) as u32, libc::minor(number) as u32);
            #[allow(clippy::unnecessary_cast)]
            Ok(Status::of(
                stat.st_mode,
                device(stat.st_dev),
                device(stat.st_rdev),
                stat.st_ino as u64,
                stat.st_size as u64,
                stat.st_blocks as u64,
            ))
        }
    }
}

impl Status {
    /// Devices have the major number in the upper half.
    fn of(mode: u32, device: u64, itself: u64, inode: u64, size: u64, blocks: u64) -> Self {
        let kind = mode & libc::S_IFMT;
        Self {
            flags: 0,
            mode,
            id: if kind == libc::S_IFBLK {
                (u64::MAX, itself)
            } else {
                (device, inode)
            },
            size,
            is_virtual: matches!(kind, libc::S_IFREG | libc::S_IFDIR) && device >> 32 == 0 && blocks == 0,
        }
    }
}

fn fstat(fd: i32) -> Result<libc::stat> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel fills a live local; all zeroes is a valid stat in any case.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        syscall(libc::SYS_fstat, [fd as usize, stat.as_mut_ptr() as usize, 0, 0, 0, 0])?;
        #[cfg(not(target_arch = "x86_64"))]
        if libc::fstat(fd, stat.as_mut_ptr()) != 0 {
            return Err(Errno::EBADF);
        }
        Ok(stat.assume_init())
    }
}

fn statfs(fd: i32) -> libc::statfs {
    let mut fs = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the kernel fills a live local; all zeroes is a valid statfs in any case.
    unsafe {
        let _ = syscall(libc::SYS_fstatfs, [fd as usize, fs.as_mut_ptr() as usize, 0, 0, 0, 0]);
        fs.assume_init()
    }
}

/// `f_type` of the file system that a descriptor is on, 0 when it does not tell.
pub fn filesystem(fd: i32) -> i64 {
    #[allow(clippy::unnecessary_cast)] // the field's type differs by architecture
    let kind = statfs(fd).f_type as i64;
    kind
}

/// Whether the file system that a descriptor is on has room for data, as far as it tells.
pub fn has_room(fd: i32) -> bool {
    statfs(fd).f_blocks != 0
}

/// One transfer of `preadv2` or `pwritev2`.
#[derive(Clone, Copy)]
pub struct Transfer {
    /// The descriptor.
    pub fd: i32,
    /// Whether data goes to the file.
    pub write: bool,
    /// Address of the `iovec` array.
    pub iov: usize,
    /// Entries in it.
    pub count: usize,
    /// Position in the file; -1 for a stream.
    pub offset: i64,
    /// `RWF_` flags.
    pub flags: u32,
}

/// `preadv2` or `pwritev2`: the number of bytes moved.
///
/// # Errors
/// Those of the call.
#[inline]
pub fn transfer(t: &Transfer) -> Result<usize> {
    let nr = if t.write { libc::SYS_pwritev2 } else { libc::SYS_preadv2 };
    // 64-bit kernels take the whole position in the first of its two arguments.
    let high = if cfg!(target_pointer_width = "64") {
        0
    } else {
        (t.offset >> 32) as usize
    };
    // SAFETY: the kernel checks the vector and the memory that it names; what the transfer does
    // to that memory is what the program asked for in its iocb.
    unsafe {
        syscall(
            nr,
            [t.fd as usize, t.iov, t.count, t.offset as usize, high, t.flags as usize],
        )
    }
}

/// `pread`: the number of bytes read.
///
/// # Errors
/// Those of the call.
#[inline]
pub fn read_at(fd: i32, [base, len]: [usize; 2], offset: i64) -> Result<usize> {
    // SAFETY: the kernel checks the memory, which the program named to be read into.
    unsafe { syscall(libc::SYS_pread64, [fd as usize, base, len, offset as usize, 0, 0]) }
}

/// A transfer of no bytes, which `preadv2` and `pwritev2` do not even bring before the file: some
/// refuse it, and a datagram socket sends an empty message, for which it may have to wait.
///
/// # Errors
/// Those of the call.
pub fn transfer_nothing(fd: i32, write: bool, offset: i64, flags: u32) -> Result<usize> {
    const RWF_NOSIGNAL: u32 = 0x100;
    let mut how = 0;
    if flags & libc::RWF_NOWAIT as u32 != 0 {
        how |= libc::MSG_DONTWAIT;
    }
    if flags & RWF_NOSIGNAL != 0 {
        how |= libc::MSG_NOSIGNAL;
    }
    if write && how != 0 {
        // SAFETY: no bytes are moved.
        let sent = unsafe { syscall(libc::SYS_sendto, [fd as usize, 0, 0, how as usize, 0, 0]) };
        if !sent.is_err_and(|e| e.number() == libc::ENOTSOCK) {
            return sent;
        }
    }
    let (nr, at) = match (write, offset) {
        (false, -1) => (libc::SYS_read, 0),
        (false, at) => (libc::SYS_pread64, at),
        (true, -1) => (libc::SYS_write, 0),
        (true, at) => (libc::SYS_pwrite64, at),
    };
    // SAFETY: no bytes are moved.
    unsafe { syscall(nr, [fd as usize, 0, 0, at as usize, 0, 0]) }
}

/// Whether a file takes a buffered write that must not wait, going by one from memory that is not there.
///
/// # Errors
/// `EOPNOTSUPP`, `EAGAIN`.
pub fn writes_at_once(fd: i32) -> Result<()> {
    let Ok(page) = map::private(map::PAGE) else {
        return Ok(());
    };
    let iov = [page.as_ptr() as usize, 1];
    // SAFETY: the page was mapped above, and nobody else knows of it.
    let hidden = unsafe { syscall(libc::SYS_mprotect, [iov[0], map::PAGE, 0, 0, 0, 0]) };
    let result = hidden.and_then(|_| {
        transfer(&Transfer {
            fd,
            write: true,
            iov: iov.as_ptr() as usize,
            count: 1,
            offset: 0,
            flags: libc::RWF_NOWAIT as u32,
        })
    });
    // SAFETY: as above.
    unsafe { map::unmap(page.as_ptr(), map::PAGE) };
    match result {
        Err(e @ (Errno::EOPNOTSUPP | Errno::EAGAIN)) => Err(e),
        _ => Ok(()),
    }
}

/// `poll` without waiting: the events that hold for one descriptor.
///
/// # Errors
/// `EINTR`, `ENOMEM`.
pub fn poll_now(fd: i32, events: i16) -> Result<i16> {
    poll(fd, events, Some(libc::timespec { tv_sec: 0, tv_nsec: 0 }))
}

/// `poll` for one descriptor, for a time or without end.
fn poll(fd: i32, events: i16, time: Option<libc::timespec>) -> Result<i16> {
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    let time = time.as_ref().map_or(0, |t| &raw const *t as usize);
    // SAFETY: one live entry, and a live time or none.
    match unsafe { syscall(libc::SYS_ppoll, [&raw mut poll as usize, 1, time, 0, 8, 0]) } {
        Err(Errno::EINVAL) => select(fd, events, time),
        result => result.map(|_| poll.revents),
    }
}

/// The same where the limit of descriptors is 0, which does not even let `poll` look at one.
#[cold]
fn select(fd: i32, events: i16, time: usize) -> Result<i16> {
    const INPUT: i16 = libc::POLLIN | libc::POLLRDNORM;
    const OUTPUT: i16 = libc::POLLOUT | libc::POLLWRNORM;
    let kinds = [INPUT, OUTPUT, libc::POLLPRI];
    let mut sets = [[0u64; 16]; 3];
    for (set, kind) in sets.iter_mut().zip(kinds) {
        let word = set.get_mut(fd as usize / 64).ok_or(Errno::EINVAL)?;
        *word = u64::from(events & kind != 0) << (fd % 64);
    }
    // SAFETY: three live sets with a bit for every descriptor up to `fd`; the kernel may write to the
    // time, which is a live local of the caller that it does not read again, or none.
    unsafe {
        let [input, output, urgent] = sets.each_mut().map(|set| set.as_mut_ptr() as usize);
        syscall(libc::SYS_pselect6, [fd as usize + 1, input, output, urgent, time, 0])?;
    }
    let holds = |set: &[u64; 16]| set.iter().any(|word| *word != 0);
    let found = sets.iter().zip(kinds).filter(|(set, _)| holds(set));
    Ok(found.fold(0, |all, (_, kind)| all | kind & events))
}

/// Whether a poll can wait for a file: those that always are ready for everything have no way to.
pub fn can_wait(fd: i32) -> bool {
    const READY: i16 = libc::POLLIN | libc::POLLOUT | libc::POLLRDNORM | libc::POLLWRNORM;
    if poll_now(fd, -1) != Ok(READY) {
        return true;
    }
    // Most likely such a file; epoll knows.
    let mut interest = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: no pointers; then a live local, which the kernel reads.
    unsafe {
        let Ok(epoll) = syscall(libc::SYS_epoll_create1, [libc::EPOLL_CLOEXEC as usize, 0, 0, 0, 0, 0]) else {
            return false;
        };
        let add = [
            epoll,
            libc::EPOLL_CTL_ADD as usize,
            fd as usize,
            &raw mut interest as usize,
            0,
            0,
        ];
        let added = syscall(libc::SYS_epoll_ctl, add);
        close(epoll as i32);
        added != Err(Errno::EPERM)
    }
}

/// Waits until a transfer would not block, or is refused at once.
///
/// # Errors
/// `EINTR`, whatever the flags of the signal handler; `ENOMEM`.
pub fn await_ready(fd: i32, write: bool) -> Result<()> {
    poll(fd, if write { libc::POLLOUT } else { libc::POLLIN }, None).map(|_| ())
}

/// Reads an option of a socket; `false` if there is none.
fn socket_option<T>(fd: i32, option: i32, value: &mut [T]) -> bool {
    let mut size = size_of_val(value) as libc::socklen_t;
    let args = [
        fd as usize,
        libc::SOL_SOCKET as usize,
        option as usize,
        value.as_mut_ptr() as usize,
        &raw mut size as usize,
        0,
    ];
    // SAFETY: the kernel fills live memory of the size it is told.
    unsafe { syscall(libc::SYS_getsockopt, args) }.is_ok()
}

/// Whether a socket gives up on a transfer after some time.
pub fn has_time_limit(fd: i32, write: bool) -> bool {
    let option = if write { libc::SO_SNDTIMEO } else { libc::SO_RCVTIMEO };
    let mut time = [0 as libc::time_t; 2];
    socket_option(fd, option, &mut time) && time != [0, 0]
}

/// How many bytes a read of a socket waits for.
pub fn low_water(fd: i32) -> u64 {
    let (mut bytes, mut kind) = ([1i32], [0i32]);
    let said = socket_option(fd, libc::SO_RCVLOWAT, &mut bytes)
        && bytes != [1]
        && socket_option(fd, libc::SO_TYPE, &mut kind)
        && kind == [libc::SOCK_STREAM];
    if said { u64::from(bytes[0].unsigned_abs()) } else { 1 }
}

/// Waits for `fd` (-1: nothing) to become readable, for at most `ns` nanoseconds, with `mask` as the signal mask.
///
/// # Errors
/// `EINTR`, `ENOMEM`.
pub fn poll_masked(fd: i32, ns: u64, mask: u64) -> Result<usize> {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let ts = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: one live entry, a live time, a live mask of the kernel's 8 bytes.
    unsafe {
        syscall(
            libc::SYS_ppoll,
            [
                &raw mut poll as usize,
                usize::from(fd >= 0),
                &raw const ts as usize,
                &raw const mask as usize,
                8,
                0,
            ],
        )
    }
}

/// Looks whether a descriptor is an eventfd.
///
/// # Errors
/// `EBADF`, and `EINVAL` for any other file.
pub fn expect_eventfd(fd: i32) -> Result<()> {
    if fstat(fd)?.st_mode & libc::S_IFMT != 0 {
        return match flags(fd)? & libc::O_PATH {
            0 => Err(Errno::EINVAL),
            _ => Err(Errno::EBADF),
        };
    }
    // Of the files without a type, an eventfd is the one that takes a write: it reads its eight
    // bytes (and faults), where the others answer EINVAL before they look at the address.
    // SAFETY: no byte is written to the file, since the address is not the program's.
    match unsafe { syscall(libc::SYS_write, [fd as usize, usize::MAX & !4095, 8, 0, 0, 0]) } {
        Err(Errno::EFAULT) => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// Whether a write to the descriptor may block.
pub fn may_block(fd: i32) -> bool {
    flags(fd).is_ok_and(|f| f & libc::O_NONBLOCK == 0)
}

/// Adds `count` to an eventfd that nobody else writes to, one by one, without ever blocking; what did
/// not fit into the counter comes back.
pub fn add_ones_to_eventfd(fd: i32, count: u64) -> u64 {
    for done in 0..count {
        // There is room for one more when it is writable, and not known to be for two.
        if poll_now(fd, libc::POLLOUT).is_ok_and(|revents| revents & libc::POLLOUT == 0) {
            return count - done;
        }
        let _ = add_to_eventfd(fd, 1);
    }
    0
}

/// Adds to the counter of an eventfd.
///
/// # Errors
/// Those of `write`.
pub fn add_to_eventfd(fd: i32, value: u64) -> Result<usize> {
    // SAFETY: eight live bytes.
    unsafe { syscall(libc::SYS_write, [fd as usize, &raw const value as usize, 8, 0, 0, 0]) }
}

/// The counter of an eventfd, if `/proc` tells.
pub fn counter(fd: i32) -> Option<u64> {
    const DIRECTORY: &[u8] = b"/proc/thread-self/fdinfo/";
    const NAME: &[u8] = b"eventfd-count:";
    let mut path = [0; DIRECTORY.len() + 11];
    let (mut left, mut at) = (u32::try_from(fd).ok()?, path.len() - 1);
    loop {
        at -= 1;
        *path.get_mut(at)? = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    let start = at.checked_sub(DIRECTORY.len())?;
    path.get_mut(start..at)?.copy_from_slice(DIRECTORY);
    let mut buf = [0; 256];
    let path = text_at_start(path.get(start..)?)?;
    let text = read_small(path, &mut buf).ok()?;
    let place = text.windows(NAME.len()).position(|w| w == NAME)?;
    let digits = text.get(place + NAME.len()..)?.trim_ascii_start();
    Some(
        digits
            .iter()
            .map_while(|&d| (d as char).to_digit(16))
            .fold(0, |n, d| n << 4 | u64::from(d)),
    )
}

/// A new eventfd, closed on exec.
///
/// # Errors
/// `EMFILE`, `ENFILE`, `ENOMEM`.
pub fn eventfd() -> Result<i32> {
    // SAFETY: no pointers.
    unsafe { syscall(libc::SYS_eventfd2, [0, libc::EFD_CLOEXEC as usize, 0, 0, 0, 0]) }.map(|fd| fd as i32)
}

/// Another descriptor of the same file, which no program gets.
///
/// # Errors
/// `EBADF`, `EMFILE`.
pub fn duplicate(fd: i32) -> Result<i32> {
    // Whoever has closed a standard stream expects its number from the next that is opened.
    const LEAST: usize = 3;
    // SAFETY: no pointers.
    unsafe {
        syscall(
            libc::SYS_fcntl,
            [fd as usize, libc::F_DUPFD_CLOEXEC as usize, LEAST, 0, 0, 0],
        )
    }
    .map(|fd| fd as i32)
}

/// Whether two descriptors are of one open file; a kernel that cannot be asked is taken to say yes.
pub fn is_same(fd: i32, other: i32) -> bool {
    /// Linux 6.10.
    const F_DUPFD_QUERY: usize = 1027;
    const KCMP_FILE: usize = 0;
    // SAFETY: no pointers.
    let asked = unsafe { syscall(libc::SYS_fcntl, [fd as usize, F_DUPFD_QUERY, other as usize, 0, 0, 0]) };
    match asked {
        Ok(same) => same == 1,
        Err(Errno::EBADF) => false,
        Err(_) => {
            let me = super::thread::process_id();
            // SAFETY: no pointers.
            let order = unsafe { syscall(libc::SYS_kcmp, [me, me, KCMP_FILE, fd as usize, other as usize, 0]) };
            order.map_or_else(|e| e != Errno::EBADF, |order| order == 0)
        }
    }
}

/// Closes a descriptor of ours.
pub fn close(fd: i32) {
    // SAFETY: no pointers; the callers close what they opened.
    let _ = unsafe { syscall(libc::SYS_close, [fd as usize, 0, 0, 0, 0, 0]) };
}

/// `fsync` or `fdatasync`.
///
/// # Errors
/// Those of the call.
pub fn sync(fd: i32, data_only: bool) -> Result<usize> {
    let nr = if data_only {
        libc::SYS_fdatasync
    } else {
        libc::SYS_fsync
    };
    // SAFETY: no pointers.
    unsafe { syscall(nr, [fd as usize, 0, 0, 0, 0, 0]) }
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: i32) -> bool {
    // The kernel's termios is smaller than libc's, which is room enough.
    let mut termios = MaybeUninit::<libc::termios>::zeroed();
    // SAFETY: the kernel writes at most a termios into a live local.
    unsafe {
        syscall(
            libc::SYS_ioctl,
            [
                fd as usize,
                libc::TCGETS as usize,
                termios.as_mut_ptr() as usize,
                0,
                0,
                0,
            ],
        )
    }
    .is_ok()
}

/// The text that ends with the first zero byte. The standard library's is for long ones.
#[inline(never)]
pub fn text_at_start(bytes: &[u8]) -> Option<&core::ffi::CStr> {
    let end = bytes.iter().position(|&b| b == 0)?;
    // SAFETY: the first zero byte is the last of these.
    Some(unsafe { core::ffi::CStr::from_bytes_with_nul_unchecked(bytes.get(..=end)?) })
}

/// Reads the start of a small file into `buf`; the path ends with a zero byte.
///
/// # Errors
/// Those of `open` and `read`.
pub fn read_small<'b>(path: &core::ffi::CStr, buf: &'b mut [u8]) -> Result<&'b [u8]> {
    let open = [
        libc::AT_FDCWD as usize,
        path.as_ptr() as usize,
        (libc::O_RDONLY | libc::O_CLOEXEC) as usize,
        0,
        0,
        0,
    ];
    // SAFETY: the path is a live C string; the buffer is live and its length is told.
    unsafe {
        let fd = syscall(libc::SYS_openat, open)?;
        let got = syscall(libc::SYS_read, [fd, buf.as_mut_ptr() as usize, buf.len(), 0, 0, 0]);
        close(fd as i32);
        Ok(buf.get(..got?).unwrap_or(&[]))
    }
}

/// Where a symbolic link leads; the path ends with a zero byte.
///
/// # Errors
/// Those of `readlink`; `EOVERFLOW` when `buf` is too small.
pub fn read_link<'b>(path: &core::ffi::CStr, buf: &'b mut [u8]) -> Result<&'b [u8]> {
    let args = [
        libc::AT_FDCWD as usize,
        path.as_ptr() as usize,
        buf.as_mut_ptr() as usize,
        buf.len(),
        0,
        0,
    ];
    // SAFETY: the path is a live C string; the buffer is live and its length is told.
    let got = unsafe { syscall(libc::SYS_readlinkat, args) }?;
    // One that fills the buffer may have been cut.
    buf.get(..got).filter(|_| got < buf.len()).ok_or(Errno::EOVERFLOW)
}

/// Calls `each` with the names in a directory.
///
/// # Errors
/// Those of `open` and `getdents64`.
pub fn for_each_entry(path: &core::ffi::CStr, mut each: impl FnMut(&core::ffi::CStr)) -> Result<()> {
    /// Bytes of an entry before its name, and where in them its length stands.
    const NAME: usize = 19;
    const LENGTH: usize = 16;
    let mut buf = [0u8; 1024];
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the path is a live C string.
    let fd = unsafe {
        syscall(
            libc::SYS_openat,
            [libc::AT_FDCWD as usize, path.as_ptr() as usize, flags as usize, 0, 0, 0],
        )?
    };
    let result = loop {
        // SAFETY: the buffer is live and its length is told.
        let got = unsafe {
            syscall(
                libc::SYS_getdents64,
                [fd, buf.as_mut_ptr() as usize, buf.len(), 0, 0, 0],
            )
        };
        let mut rest = match got {
            Ok(0) => break Ok(()),
            Ok(n) => buf.get(..n).unwrap_or(&[]),
            Err(e) => break Err(e),
        };
        while let (Some(&[low, high]), Some(name)) = (rest.get(LENGTH..LENGTH + 2), rest.get(NAME..)) {
            if let Some(name) = text_at_start(name) {
                each(name);
            }
            match usize::from(u16::from_ne_bytes([low, high])) {
                0 => break,
                length => rest = rest.get(length..).unwrap_or(&[]),
            }
        }
    };
    close(fd as i32);
    result
}

/// Writes a line to the standard error descriptor, as far as it goes.
pub fn write_stderr(bytes: &[u8]) {
    // SAFETY: a live slice and its length.
    let _ = unsafe { syscall(libc::SYS_write, [2, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0]) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn only_an_eventfd_passes_for_one_and_is_not_changed() {
        let event = eventfd().unwrap();
        assert_eq!(expect_eventfd(event), Ok(()));
        assert_eq!(add_ones_to_eventfd(event, 3), 0);
        assert_eq!(expect_eventfd(event), Ok(()));
        assert_eq!(counter(event), Some(3));
        let mut count = [0u8; 8];
        // SAFETY: eight live bytes.
        assert_eq!(unsafe { libc::read(event, count.as_mut_ptr().cast(), 8) }, 8);
        assert_eq!(u64::from_ne_bytes(count), 3);
        let much = u64::MAX - 3;
        assert_eq!(add_to_eventfd(event, much), Ok(8));
        assert_eq!(counter(event), Some(much));
        assert_eq!(add_ones_to_eventfd(event, 5), 3);
        assert_eq!(counter(event), Some(u64::MAX - 1));
        close(event);
        assert_eq!(expect_eventfd(event), Err(Errno::EBADF));
        assert_eq!(counter(event), None);
        assert_eq!(counter(-1), None);

        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(expect_eventfd(file.as_raw_fd()), Err(Errno::EINVAL));
        let (reader, writer) = std::io::pipe().unwrap();
        assert_eq!(expect_eventfd(writer.as_raw_fd()), Err(Errno::EINVAL));
        drop(reader);
        // SAFETY: no pointers; the descriptors are closed below.
        let others = unsafe {
            [
                libc::epoll_create1(0),
                libc::timerfd_create(libc::CLOCK_MONOTONIC, 0),
                libc::inotify_init1(0),
            ]
        };
        for fd in others {
            assert_eq!(expect_eventfd(fd), Err(Errno::EINVAL));
            close(fd);
        }
    }

    #[test]
    fn a_path_descriptor_is_no_file_for_data() {
        let path = c"/dev/null";
        // SAFETY: a live C string.
        let fd = unsafe { libc::open(path.as_ptr(), libc::O_PATH) };
        assert_eq!(status(fd).err(), Some(Errno::EBADF));
        close(fd);
        assert_eq!(status(fd).err(), Some(Errno::EBADF));
    }
}
