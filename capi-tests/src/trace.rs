//! The system calls that a command makes, as strace tells them.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Completion, Failed};

/// One finished system call.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// What is between the parentheses.
    pub arguments: String,
    /// What it returned; -1 for what is not a number.
    pub result: i64,
}

/// The same command under strace, which writes the calls of these names to `log`.
pub fn traced(command: &Command, names: &str, log: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-y", "-s0", "-o"])
        .arg(log)
        .args(["-e", &format!("trace={names}"), "-e", "signal=none"]);
    // Only the command traced gets the library: strace itself must not.
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => strace.arg("-E").arg(format!("{}={}", key.display(), value.display())),
            None => strace.arg("-E").arg(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        strace.current_dir(dir);
    }
    strace.arg(command.get_program()).args(command.get_args());
    strace
}

/// Reads strace's log; a call that another thread interrupts there is put together again.
///
/// # Errors
/// If the log cannot be read.
pub fn calls(log: &Path) -> Result<Vec<Call>, String> {
    let log = std::fs::read_to_string(log).map_err(|e| format!("{}: {e}", log.display()))?;
    let mut unfinished = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((pid, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.insert(pid.to_owned(), start.to_owned());
            continue;
        }
        let text = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
                unfinished.remove(pid).unwrap_or_default() + end
            }
            None => rest.to_owned(),
        };
        let (Some((name, _)), Some((arguments, result))) = (text.split_once('('), text.rsplit_once(" = ")) else {
            continue;
        };
        let result = result
            .split([' ', '<'])
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(-1);
        calls.push(Call {
            name: name.into(),
            arguments: arguments.into(),
            result,
        });
    }
    Ok(calls)
}

/// The sum of the results of the calls of a name that succeeded.
pub fn sum(calls: &[Call], name: &str) -> u64 {
    calls
        .iter()
        .filter(|c| c.name == name)
        .map(|c| c.result.max(0) as u64)
        .sum()
}

/// What a test ends with where strace does not work.
pub fn need_strace() -> Option<Result<Completion, Failed>> {
    let works = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output()
        .is_ok_and(|o| o.status.success());
    (!works).then(|| crate::skip("strace cannot trace"))
}
