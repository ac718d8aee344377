//! Runs a command to its end, or to the end of its time.

use std::io::{Read, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How a command ended and what it said.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `None`: it was killed because its time was up.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Outcome {
    /// The exit code, if there is one.
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|s| s.code())
    }

    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.code() == Some(0)
    }

    /// All there is to know, for a failure report.
    pub fn report(&self) -> String {
        let end = match self.status {
            None => "killed: its time was up".into(),
            Some(s) => match s.signal() {
                Some(n) => format!("killed by signal {n}"),
                None => format!("exit code {}", s.code().unwrap_or(-1)),
            },
        };
        format!(
            "{end}\n--- stdout\n{}--- stderr\n{}",
            tail(&self.stdout),
            tail(&self.stderr)
        )
    }
}

/// The last part of a long text.
fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(8000);
    match text.get(start..) {
        Some(end) => end,
        None => text,
    }
}

/// In the environment of everything that one run starts.
const MARK: &str = "TEST_RUN";

static RUNS: AtomicU32 = AtomicU32::new(0);

/// Kills what has a mark in its environment: processes that left the group of their run.
fn kill_marked(mark: &str) {
    let entry = format!("{MARK}={mark}");
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if environment.split(|&b| b == 0).any(|e| e == entry.as_bytes()) {
            // SAFETY: kill takes no pointers; the process says that it is of this run.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
}

/// Runs a command in a process group of its own, which is killed when the command has ended or its
/// time is up, with all that left the group: nothing that it started stays behind.
pub fn run(command: &mut Command, limit: Duration) -> Outcome {
    // Files, not pipes: neither a full pipe nor a grandchild that keeps one open can block us.
    let mut out = tempfile::tempfile().expect("a temporary file");
    let mut err = tempfile::tempfile().expect("a temporary file");
    let mark = format!("{}.{}", std::process::id(), RUNS.fetch_add(1, Relaxed));
    command
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("a duplicate"))
        .stderr(err.try_clone().expect("a duplicate"))
        .env(MARK, &mark)
        .process_group(0);
    let mut child = command
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {command:?}: {e}"));

    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    let mut status = child.try_wait().expect("it is our child");
    while status.is_none() && start.elapsed() < limit {
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
        status = child.try_wait().expect("it is our child");
    }
    // SAFETY: kill takes no pointers; the group is the child's own.
    unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
    kill_marked(&mark);
    if status.is_none() {
        let _ = child.wait();
    }

    let read = |file: &mut std::fs::File| {
        let mut bytes = Vec::new();
        file.rewind()
            .and_then(|()| file.read_to_end(&mut bytes))
            .expect("a temporary file");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Outcome {
        status,
        stdout: read(&mut out),
        stderr: read(&mut err),
    }
}
