//! What io_uring can do here, and why not.
#![allow(unsafe_code)]

use super::query;
use super::text::Text;
use crate::sys::{Errno, Result, aio, file, seccomp, syscall, thread, uring};
use crate::uring::*;

/// What is known from the kernel's own answer (6.18), from its list of requests (5.6), from rings that were tried, from its
/// release alone.
const BY_QUERY: u32 = 1 << 0;
const BY_PROBE: u32 = 1 << 1;
const BY_TRIAL: u32 = 1 << 2;
const BY_RELEASE: u32 = 1 << 3;

/// The report; `struct aiouring_features` in C, where each field is explained.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Features {
    pub size: u32,
    pub error: i32,
    pub kernel: u32,
    pub sources: u32,
    pub features: u64,
    pub setup_flags: u64,
    pub enter_flags: u64,
    pub sqe_flags: u64,
    pub ops: [u64; 4],
    pub registers: [u64; 2],
    pub disabled: i32,
    pub group: i32,
    pub seccomp: u32,
    pub filtered: i32,
    pub memlock: u64,
    pub memlock_needed: u64,
    pub aio: i32,
    pub resv: u32,
    pub release: [u8; 64],
    pub reason: [u8; 192],
}

const _: () = assert!(size_of::<Features>() == 392);

const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_ADMIN: u32 = 21;

/// The Linux that had a number first, as `major << 16 | minor << 8`, up to which number.
type Since = [(u32, u32)];

/// Numbers below the first column are known from the second on: requests before there was a list of them.
const OPS: &Since = &[(8, 0x50100), (9, 0x50200), (11, 0x50300), (12, 0x50400), (17, 0x50500)];

/// The same of `io_uring_register`; the order in which they came is that of their numbers but for one.
const REGISTERS: &Since = &[
    (4, 0x50100),
    (6, 0x50200),
    (7, 0x50500),
    (11, 0x50600),
    (13, 0x50a00),
    (17, 0x50d00),
    (19, 0x50e00),
    (20, 0x50f00),
    (22, 0x51200),
    (24, 0x51300),
    (26, 0x60000),
    (27, 0x60800),
    (29, 0x60900),
    (31, 0x60c00),
    (32, 0x60d00),
    (35, 0x60f00),
];

/// Flags of set-up that a ring can be tried with, and what they need besides.
const TRIED: [(u32, u32); 17] = [
    (IORING_SETUP_CQSIZE, 0),
    (IORING_SETUP_CLAMP, 0),
    (IORING_SETUP_R_DISABLED, 0),
    (IORING_SETUP_SUBMIT_ALL, 0),
    (IORING_SETUP_COOP_TASKRUN, 0),
    (IORING_SETUP_TASKRUN_FLAG, IORING_SETUP_COOP_TASKRUN),
    (IORING_SETUP_SQE128, 0),
    (IORING_SETUP_CQE32, 0),
    (IORING_SETUP_SINGLE_ISSUER, 0),
    (IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER),
    (IORING_SETUP_NO_MMAP, 0),
    (IORING_SETUP_REGISTERED_FD_ONLY, IORING_SETUP_NO_MMAP),
    (IORING_SETUP_NO_SQARRAY, 0),
    (IORING_SETUP_HYBRID_IOPOLL, IORING_SETUP_IOPOLL),
    (IORING_SETUP_CQE_MIXED, 0),
    (IORING_SETUP_SQE_MIXED, 0),
    (IORING_SETUP_SQ_REWIND, IORING_SETUP_NO_SQARRAY),
];

/// As bits, the numbers below `n`.
fn below<const N: usize>(n: u32) -> [u64; N] {
    let mut bits = [0; N];
    for (word, from) in bits.iter_mut().zip((0u32..).step_by(64)) {
        *word = match n.saturating_sub(from) {
            64.. => u64::MAX,
            rest => (1 << rest) - 1,
        };
    }
    bits
}

/// The bound that a kernel of this release has.
fn known_by(kernel: u32, table: &Since) -> u32 {
    let known = table.iter().rev().find(|(_, since)| kernel & !0xff >= *since);
    known.map_or(0, |(bound, _)| *bound)
}

/// The flags of set-up for which `attempt` does not say that they are unknown.
fn tried(mut attempt: impl FnMut(u32) -> Result<()>) -> u64 {
    // As old as the call itself; to try some of them starts threads.
    let mut flags = IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF;
    for (flag, needs) in TRIED {
        if needs & !(flags | IORING_SETUP_NO_MMAP) == 0 && attempt(flag | needs) != Err(Errno::EINVAL) {
            flags |= flag;
        }
    }
    flags.into()
}

/// Tries flags with a ring that is closed again.
fn attempt(flags: u32) -> Result<()> {
    let mut p = Params {
        flags,
        cq_entries: 4,
        ..Params::zeroed()
    };
    if flags & IORING_SETUP_NO_MMAP != 0 {
        // Nothing is ever mapped there, so it ends with EFAULT where the flag is known.
        (p.sq_off.user_addr, p.cq_off.user_addr) = (4096, 8192);
    }
    // SAFETY: there is no memory at these addresses that the kernel could write to.
    let fd = unsafe { uring::setup(2, &raw mut p) }?;
    // SAFETY: made just now.
    unsafe { uring::close(fd) };
    Ok(())
}

/// `6.12.10-something` as `0x060c0a`; a third number above 255 counts as that.
fn parsed(release: &[u8]) -> u32 {
    let mut numbers = [0u32; 3];
    let mut bytes = release.iter().copied().peekable();
    for number in &mut numbers {
        while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
            *number = number.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        }
        if bytes.next_if_eq(&b'.').is_none() {
            break;
        }
    }
    let [major, minor, patch] = numbers.map(|n| n.min(255));
    major << 16 | minor << 8 | patch
}

fn release(into: &mut [u8; 64]) {
    // SAFETY: all zeroes are valid, and the kernel fills them.
    unsafe {
        let mut names: libc::utsname = core::mem::zeroed();
        if syscall(libc::SYS_uname, [&raw mut names as usize, 0, 0, 0, 0, 0]).is_ok() {
            for (to, from) in into.iter_mut().take(63).zip(names.release) {
                *to = from as u8;
            }
        }
    }
}

/// A setting of the kernel's; -1 if there is none.
fn setting(path: &core::ffi::CStr) -> i32 {
    let mut buf = [0; 16];
    let text = file::read_small(path, &mut buf).ok();
    let number = text.and_then(|text| core::str::from_utf8(text).ok()?.trim().parse().ok());
    number.unwrap_or(-1)
}

/// The limit of locked memory; all ones for none.
fn memlock() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: 0,
    };
    let args = [0, libc::RLIMIT_MEMLOCK as usize, 0, &raw mut limit as usize, 0, 0];
    // SAFETY: a limit of this frame.
    let _ = unsafe { syscall(libc::SYS_prlimit64, args) };
    if thread::capable(CAP_IPC_LOCK) {
        u64::MAX
    } else {
        limit.rlim_cur
    }
}

/// Whether the calling thread is in a group.
fn in_group(group: i32) -> bool {
    let mut groups = [0u32; 1024];
    // SAFETY: room for as many as told; a thread in more of them is an error, and counts as not in it.
    let known = unsafe {
        syscall(
            libc::SYS_getgroups,
            [groups.len(), groups.as_mut_ptr() as usize, 0, 0, 0, 0],
        )
    };
    // SAFETY: no arguments.
    let own = unsafe { syscall(libc::SYS_getegid, [0; 6]) };
    let mut all = groups.iter().take(known.unwrap_or(0)).map(|&g| g as usize);
    group >= 0 && (own == Ok(group as usize) || all.any(|g| g == group as usize))
}

/// A call that a filter refuses.
type Refused = (&'static str, Errno);

/// What a filter makes of io_uring's calls.
fn through_filter() -> core::result::Result<(), Refused> {
    // Not -1, which io_uring_register knows.
    let none = (u32::MAX - 1) as usize;
    let calls = [
        ("io_uring_enter", libc::SYS_io_uring_enter, [none, 0], Errno::EBADF),
        (
            "io_uring_register",
            libc::SYS_io_uring_register,
            [none, 1],
            Errno::EBADF,
        ),
        ("io_uring_setup", libc::SYS_io_uring_setup, [0, 0], Errno::EFAULT),
    ];
    for (name, nr, args, expected) in calls {
        seccomp::trial_of(nr, args, expected).map_err(|e| (name, e))?;
    }
    Ok(())
}

/// Whether there is kernel AIO.
fn kernel_aio(filtered: bool) -> Result<()> {
    if filtered {
        seccomp::trial_of(libc::SYS_io_setup, [0, 0], Errno::EFAULT).map_err(as_answer)?;
    }
    let mut context = 0usize;
    aio::setup(1, &raw mut context as usize)?;
    aio::destroy(context).map(drop)
}

/// What a program would see of a filter that kills: nothing; here it is `EPERM`.
fn as_answer(e: Errno) -> Errno {
    if e == seccomp::KILLED { Errno::EPERM } else { e }
}

impl Features {
    /// Looks at all of it. `entries` is the size of the ring that is wanted, 0 for a small one.
    pub fn look(entries: u32) -> Self {
        let mut this = Self {
            size: size_of::<Self>() as u32,
            error: 0,
            kernel: 0,
            sources: 0,
            features: 0,
            setup_flags: 0,
            enter_flags: 0,
            sqe_flags: 0,
            ops: [0; 4],
            registers: [0; 2],
            disabled: setting(c"/proc/sys/kernel/io_uring_disabled"),
            group: setting(c"/proc/sys/kernel/io_uring_group"),
            seccomp: seccomp::mode(),
            filtered: 0,
            memlock: memlock(),
            memlock_needed: 0,
            aio: 0,
            resv: 0,
            release: [0; 64],
            reason: [0; 192],
        };
        release(&mut this.release);
        this.kernel = parsed(&this.release);
        let entries = if entries == 0 { 2 } else { entries };
        let mut reason = [0; 192];
        let text = &mut Text::new(&mut reason);
        if this.seccomp != 0
            && let Err(error) = seccomp::can_try()
        {
            // To try it here could be the end of the process.
            (this.error, this.aio) = (error.negated(), error.negated());
            named(error, text.text("clone: ")).text(": there is no child to try what the seccomp filter does");
        } else {
            this.aio = kernel_aio(this.seccomp != 0).map_or_else(Errno::negated, |()| 0);
            this.ask(entries, text);
        }
        this.reason = reason;
        this
    }

    /// The part that is about rings.
    fn ask(&mut self, entries: u32, reason: &mut Text) {
        if self.seccomp != 0
            && let Err((name, error)) = through_filter()
        {
            // The setting says the same before the kernel looks at an argument.
            if name != "io_uring_setup" || error != Errno::EPERM || !self.is_disabled() {
                self.filtered = as_answer(error).negated();
                self.error = self.filtered;
                self.explain_filter(name, error, reason);
                return;
            }
        }
        self.by_query();
        self.memlock_needed = self.charged(entries);
        let mut ring = Ring::zeroed();
        match setup::init(entries, &mut ring, 0) {
            Ok(()) => {
                reason.text("a ring of ").number(ring.sq.ring_entries.into());
                reason.text(" entries can be had");
                self.by_ring(&ring);
                setup::exit(&mut ring);
            }
            Err(error) => {
                self.error = error.negated();
                self.explain(error, entries, reason);
                // Another one may tell what the kernel has.
                if entries > 2 && setup::init(2, &mut ring, 0).is_ok() {
                    self.by_ring(&ring);
                    setup::exit(&mut ring);
                }
            }
        }
    }

    /// The locked memory that a ring counts as: from 6.14 on all of it again, with 5.12 to 6.13 none.
    fn charged(&self, entries: u32) -> u64 {
        let p = Params::zeroed();
        let size = if self.kernel >= 0x60e00 {
            setup::memory_size(entries, &p)
        } else {
            setup::mlock_size(entries, &p)
        };
        size.unwrap_or(0) as u64
    }

    fn by_query(&mut self) {
        let Ok(known) = query::opcodes() else { return };
        self.sources |= BY_QUERY;
        self.features = known.features;
        self.setup_flags = known.setup_flags;
        self.enter_flags = known.enter_flags;
        self.sqe_flags = known.sqe_flags;
        self.ops = below(known.requests);
        self.registers = below(known.registers);
    }

    fn by_ring(&mut self, ring: &Ring) {
        self.features |= u64::from(ring.features);
        if let Ok(ops) = probe::all(ring) {
            self.sources |= BY_PROBE;
            self.ops = ops;
        } else if self.sources & BY_QUERY == 0 {
            self.sources |= BY_RELEASE;
            self.ops = below(known_by(self.kernel, OPS));
        }
        if self.sources & BY_QUERY == 0 {
            self.sources |= BY_TRIAL | BY_RELEASE;
            self.setup_flags = tried(attempt);
            self.registers = below(known_by(self.kernel, REGISTERS));
            if self.features & u64::from(IORING_FEAT_NATIVE_WORKERS) != 0 {
                self.setup_flags |= u64::from(IORING_SETUP_ATTACH_WQ);
            }
        }
    }

    /// Whether the kernel's setting keeps the calling thread from rings.
    fn is_disabled(&self) -> bool {
        match self.disabled {
            2.. => true,
            1 => !thread::capable(CAP_SYS_ADMIN) && !in_group(self.group),
            _ => false,
        }
    }

    fn explain_filter(&self, name: &str, error: Errno, reason: &mut Text) {
        reason.text(name).text(": ");
        if error == seccomp::KILLED {
            reason.text("a seccomp filter kills or sends SIGSYS for it");
            return;
        }
        named(error, reason).text(": ");
        if error == Errno::ENOSYS && self.kernel < 0x50100 {
            reason.text("Linux 5.1 was the first to have it");
        } else if error == Errno::ENOSYS {
            reason.text("a seccomp filter refuses it, or the kernel is built without it");
        } else {
            reason.text("a seccomp filter refuses it, or a security module");
        }
    }

    fn explain(&self, error: Errno, entries: u32, reason: &mut Text) {
        reason.text("io_uring_setup: ");
        named(error, reason).text(": ");
        match error {
            Errno::EPERM if self.disabled >= 2 => {
                reason.text("kernel.io_uring_disabled is ").number(self.disabled as u64);
            }
            Errno::EPERM if self.is_disabled() => {
                reason.text("kernel.io_uring_disabled is 1, and this is neither CAP_SYS_ADMIN nor ");
                if self.group >= 0 {
                    reason.text("in the group ").number(self.group as u64);
                    reason.text(" of kernel.io_uring_group");
                } else {
                    reason.text("is there a kernel.io_uring_group");
                }
            }
            Errno::EPERM | Errno::EACCES => {
                reason.text("a security module forbids it, or what contains this process");
            }
            Errno::ENOSYS if self.kernel < 0x50100 => {
                reason.text("Linux 5.1 was the first to have it");
            }
            Errno::ENOSYS => {
                reason.text("the kernel is built without it");
            }
            Errno::EINVAL => {
                reason
                    .text("the kernel takes no ring of ")
                    .number(entries.into())
                    .text(" entries");
            }
            Errno::EMFILE | Errno::ENFILE => {
                reason.text("no more descriptors are to be had");
            }
            Errno::ENOMEM if self.memlock_needed > self.memlock => {
                reason.text("of locked memory it needs ").number(self.memlock_needed);
                reason.text(" bytes, and RLIMIT_MEMLOCK is ").number(self.memlock);
            }
            _ => {
                reason.text("it has no more memory for this process");
            }
        }
    }
}

/// Adds the name of an error, or its number.
fn named<'a, 'b>(error: Errno, text: &'a mut Text<'b>) -> &'a mut Text<'b> {
    match error.name() {
        Some(name) => text.text(name),
        None => text.text("error ").number(error.number() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_known() {
        assert_eq!(parsed(b"6.12.10-amd64\0"), 0x60c0a);
        assert_eq!(parsed(b"5.4.0-150"), 0x50400);
        assert_eq!(parsed(b"4.19.325+"), 0x413ff);
        assert_eq!(parsed(b"7-rc1"), 0x70000);
        assert_eq!(parsed(b""), 0);
        assert_eq!(known_by(0x50010, OPS), 0);
        assert_eq!(known_by(0x50110, OPS), 8);
        assert_eq!(known_by(0x50a00, REGISTERS), 13);
        assert_eq!(known_by(0x60623, REGISTERS), 26);
    }

    #[test]
    fn bits_below_a_number() {
        assert_eq!(below::<2>(0), [0, 0]);
        assert_eq!(below::<2>(63), [u64::MAX >> 1, 0]);
        assert_eq!(below::<2>(65), [u64::MAX, 1]);
        assert_eq!(below::<2>(500), [u64::MAX; 2]);
    }

    #[test]
    fn old_kernels_are_tried() {
        let on = |known: u32| {
            tried(|flags| match flags & !known {
                0 if flags & IORING_SETUP_NO_MMAP != 0 => Err(Errno::EFAULT),
                0 => Ok(()),
                _ => Err(Errno::EINVAL),
            })
        };
        let first = IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF;
        let in_5_6 = first | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        assert_eq!(on(first), first.into());
        assert_eq!(on(in_5_6), in_5_6.into());
        let in_6_17 = ((1 << 18) - 1) & !IORING_SETUP_ATTACH_WQ;
        assert_eq!(on(in_6_17), in_6_17.into());
        // A ring that cannot be had for want of memory says nothing against the flag.
        assert_ne!(tried(|_| Err(Errno::ENOMEM)), u64::from(first));
    }

    #[test]
    fn this_kernel_is_what_it_says() {
        let Ok(known) = query::opcodes() else { return };
        if attempt(0).is_ok() {
            let mine = tried(attempt) | u64::from(IORING_SETUP_ATTACH_WQ);
            assert_eq!(mine & known.setup_flags, known.setup_flags & ((1 << 21) - 1));
            assert_eq!(mine & !known.setup_flags, 0);
        }
    }
}
