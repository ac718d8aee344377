//! `kernel.io_uring_disabled` keeps new rings away, in the whole system: so it is set for less than
//! a second, by a test with an executable of its own, and what it was comes back whatever happens.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use capi_tests::{build_dir, cc, here, root, temp_dir};

const DISABLED: &str = "/proc/sys/kernel/io_uring_disabled";

/// The value that comes back.
struct Restore(String);

impl Drop for Restore {
    fn drop(&mut self) {
        std::fs::write(DISABLED, &self.0).expect("what could be written once can be again");
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

    let restore = Restore(before);
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
