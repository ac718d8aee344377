//! Programs that make AIO's system calls themselves on the handles of `io_setup`.
//!
//! The kernel does not know a handle of ours, so these programs get kernel AIO, unless their calls
//! come through the `syscall` of this library (`capi/preload.rs`).

use crate::sys::{file, thread};

/// Names of executables. MariaDB takes events by `syscall(SYS_io_getevents, ...)`, since 10.5; its server
/// and its backup tool share the code. MySQL's `mysqld` does not, and MariaDB's `mysqld` is a link.
const LISTED: [&[u8]; 3] = [b"mariadbd", b"mariadb-backup", b"mariabackup"];

/// Whether the calling program is on the list, or on the one of the environment: names with colons
/// between them.
pub(super) fn is_listed(more: Option<&[u8]>) -> bool {
    let mut buf = [0; 1024];
    // The file, whatever link led to it; or the name that was asked for, where there is no /proc.
    let executable = file::read_link(c"/proc/self/exe", &mut buf).unwrap_or(b"");
    is_on_list(executable, more) || is_on_list(thread::executed_name().unwrap_or(b""), more)
}

#[inline(never)]
fn is_on_list(path: &[u8], more: Option<&[u8]>) -> bool {
    let Some(name) = last_component(path) else {
        return false;
    };
    let mut others = more.unwrap_or(b"").split(|&b| b == b':');
    LISTED.contains(&name) && !syscalls_come_here() || others.any(|entry| entry == name)
}

/// Whether valgrind runs the program, going by what it preloads.
///
/// It knows what kernel AIO writes to memory. Requests on a ring would leave buffers undefined for
/// it, and before 3.21 nothing else runs while a thread waits in `io_uring_enter`.
pub(super) fn under_valgrind(preloaded: Option<&[u8]>) -> bool {
    const PART: &[u8] = b"/vgpreload_";
    preloaded.is_some_and(|list| list.windows(PART.len()).any(|part| part == PART))
}

/// The file name in a path; the kernel marks the path of an executable that was replaced.
fn last_component(path: &[u8]) -> Option<&[u8]> {
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    path.rsplit(|&b| b == b'/').next().filter(|name| !name.is_empty())
}

/// Whether the dynamic linker finds this library's `syscall` first, as it does for the program.
#[cfg(all(feature = "preload", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[allow(unsafe_code)]
fn syscalls_come_here() -> bool {
    unsafe extern "C" {
        /// The first one and our own, as the dynamic linker left them.
        static aiouring_syscalls: [usize; 2];
    }
    // SAFETY: two words that nothing changes once the object is loaded.
    let [first, own] = unsafe { (&raw const aiouring_syscalls).read() };
    first == own
}

#[cfg(not(all(feature = "preload", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn syscalls_come_here() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_end_of_the_path() {
        let name = |path: &'static str| last_component(path.as_bytes());
        assert_eq!(name("/usr/sbin/mariadbd"), Some(&b"mariadbd"[..]));
        assert_eq!(name("/usr/sbin/mariadbd (deleted)"), Some(&b"mariadbd"[..]));
        assert_eq!(name("mariadbd"), Some(&b"mariadbd"[..]));
        assert_eq!(name("/usr/sbin/"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn valgrind_shows_in_what_is_preloaded() {
        let under = |list: &'static str| under_valgrind(Some(list.as_bytes()));
        assert!(under("/usr/libexec/valgrind/vgpreload_core-amd64-linux.so:/lib/x.so"));
        assert!(!under("/lib/libaiouring.so.1"));
        assert!(!under(""));
        assert!(!under_valgrind(None));
    }

    #[test]
    fn only_whole_names_are_listed() {
        let own = std::env::current_exe().unwrap();
        let own = own.file_name().unwrap().to_str().unwrap();
        let listed = |list: &str| is_listed(Some(list.as_bytes()));
        assert!(!is_listed(None));
        assert!(listed(own));
        assert!(listed(&format!("a:{own}:b")));
        assert!(!listed(""));
        assert!(!listed(&format!("{own}x:x{own}:{}", &own[1..])));
    }
}
