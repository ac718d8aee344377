//! `kernel.io_uring_disabled` keeps new rings away, in the whole system: so it is set for less than
//! a second, by tests with an executable of their own, and what it was comes back whatever happens.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use capi_tests::program::{Face, tool};
use capi_tests::{build_dir, cc, here, root, temp_dir};

const DISABLED: &str = "/proc/sys/kernel/io_uring_disabled";

const GROUP: &str = "/proc/sys/kernel/io_uring_group";

/// One test at a time.
static SETTINGS: Mutex<()> = Mutex::new(());

/// The value of a setting that comes back.
struct Restore(&'static str, String);

impl Drop for Restore {
    fn drop(&mut self) {
        std::fs::write(self.0, &self.1).expect("what could be written once can be again");
    }
}

fn program(dir: &Path) -> PathBuf {
    let program = dir.join("use_twice");
    let status = Command::new(cc())
        .args(["-D_GNU_SOURCE", "-O1", "-I"])
        .arg(root().join("include"))
        .arg("-I")
        .arg(here("c"))
        .arg("-o")
        .arg(&program)
        .arg(here("c/tools/use_twice.c"))
        .arg("-L")
        .arg(build_dir())
        .args(["-l:libaio.so.1", "-lpthread"])
        .status()
        .expect("there is a compiler");
    assert!(status.success());
    program
}

#[test]
fn rings_that_exist_stay_and_others_become_kernel_aio() {
    let _alone = SETTINGS.lock();
    let Ok(before) = std::fs::read_to_string(DISABLED) else {
        return eprintln!("no {DISABLED}: before Linux 6.6");
    };
    if let Err(e) = std::fs::write(DISABLED, &before) {
        return eprintln!("{DISABLED} is not ours to write: {e}");
    }
    let dir = temp_dir();
    let program = program(dir.path());
    let start = || {
        Command::new("timeout")
            .args(["-k", "1", "20"])
            .arg(&program)
            .env("LD_LIBRARY_PATH", build_dir())
            .env("AIOURING_LOG", "1")
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts")
    };
    let mut early = start();
    let mut line = String::new();
    let output = early.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("it says a line");
    assert_eq!(line, "ready\n");

    let restore = Restore(DISABLED, before);
    std::fs::write(DISABLED, "2").expect("it was ours to write");
    let mut late = start();
    for child in [&mut early, &mut late] {
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(b"go\n")
            .expect("it listens");
    }
    let [early, late] = [early, late].map(|child| child.wait_with_output().expect("it ends"));
    drop(restore);
    for (output, carrier) in [
        (early, "io_uring"),
        (late, "kernel AIO, since io_uring was refused with EPERM"),
    ] {
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines.iter().all(|l| l.ends_with(&format!("events: {carrier}"))),
            "{text}"
        );
    }
}

/// What the report on io_uring says for a user and a group, as `kernel.io_uring_disabled` and the group are set.
#[test]
fn the_report_names_the_setting() {
    const NOBODY: &str = "65534";
    let _alone = SETTINGS.lock();
    let (Ok(disabled), Ok(group)) = (std::fs::read_to_string(DISABLED), std::fs::read_to_string(GROUP)) else {
        return eprintln!("no {DISABLED}: before Linux 6.6");
    };
    if let Err(e) = std::fs::write(DISABLED, &disabled) {
        return eprintln!("{DISABLED} is not ours to write: {e}");
    }
    let program = tool("features_of", Face::Ext).expect("it compiles");
    let reason = |user: &str, group: &str| {
        let output = Command::new("timeout")
            .args(["-k", "1", "20"])
            .arg(&program)
            .args([user, group])
            .env("LD_LIBRARY_PATH", build_dir())
            .output()
            .expect("it starts");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let (had, had_group) = (Restore(DISABLED, disabled), Restore(GROUP, group));
    let set = |path: &str, value: &str| std::fs::write(path, value).expect("it was ours to write");
    let mut reasons = vec![reason(NOBODY, NOBODY)];
    set(GROUP, "-1");
    set(DISABLED, "1");
    reasons.extend([reason("0", "0"), reason(NOBODY, NOBODY)]);
    set(GROUP, "54321");
    reasons.extend([reason(NOBODY, NOBODY), reason(NOBODY, "54321")]);
    set(DISABLED, "2");
    reasons.extend([reason("0", "0"), reason(NOBODY, "54321")]);
    drop((had, had_group));
    let (allowed, one) = (
        "0 a ring of 8 entries can be had",
        "-1 io_uring_setup: EPERM: kernel.io_uring_disabled is 1, and this is neither CAP_SYS_ADMIN nor ",
    );
    let expected = [
        allowed,
        allowed,
        &format!("{one}is there a kernel.io_uring_group"),
        &format!("{one}in the group 54321 of kernel.io_uring_group"),
        allowed,
        "-1 io_uring_setup: EPERM: kernel.io_uring_disabled is 2",
        "-1 io_uring_setup: EPERM: kernel.io_uring_disabled is 2",
    ];
    assert_eq!(reasons, expected);
}
