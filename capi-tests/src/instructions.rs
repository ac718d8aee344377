//! The instructions that a program spends for what it does with a ring all day, as callgrind counts them, and its system
//! calls. No times: the numbers are the same in every run on a machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::program::{Face, Variant};
use crate::run::{Outcome, run};
use crate::trace::{self, calls};
use crate::{cc, here, root, temp_dir};

const LIMIT: Duration = Duration::from_secs(60);

/// How often each is done while it is counted.
pub const TIMES: u64 = 100;

/// Headers that the program is compiled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Headers {
    /// The distribution's.
    Theirs,
    /// Ours.
    Ours,
}

/// The program, compiled with the headers of both; gone when it is dropped.
pub struct Counter {
    dir: tempfile::TempDir,
}

impl Counter {
    /// Compiles it.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn new() -> Result<Self, String> {
        let counter = Self { dir: temp_dir() };
        for headers in [Headers::Theirs, Headers::Ours] {
            let mut compile = Command::new(cc());
            compile.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]);
            if headers == Headers::Ours {
                compile.arg("-I").arg(root().join("include"));
            }
            compile.arg("-o").arg(counter.program(headers));
            compile.arg(here("c/tools/uring_count.c"));
            // The symbols are the same, whichever library is there at this point.
            finished(compile.arg("-L").arg(crate::build_dir()).arg("-luring"))?;
        }
        Ok(counter)
    }

    fn program(&self, headers: Headers) -> PathBuf {
        self.dir.path().join(format!("{headers:?}"))
    }

    /// What it can do.
    ///
    /// # Errors
    /// It cannot run.
    pub fn scenarios(&self) -> Result<Vec<String>, String> {
        let mut list = Variant::Theirs.command(Face::Uring, &self.program(Headers::Theirs))?;
        let list = finished(list.arg("list"))?;
        Ok(list.stdout.lines().map(Into::into).collect())
    }

    /// The instructions for each time, to a tenth; `None` if the kernel has not what it takes.
    ///
    /// # Errors
    /// It fails, or callgrind does.
    pub fn instructions(&self, headers: Headers, variant: Variant, scenario: &str) -> Result<Option<f64>, String> {
        let command = variant.command(Face::Uring, &self.program(headers))?;
        let mut callgrind = under("valgrind", &command, |valgrind| {
            valgrind.args([
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
                "--collect-atstart=no",
                "--toggle-collect=measured",
                "--toggle-collect=unmeasured",
            ]);
        });
        // The look-up of a symbol counts once, whatever comes first.
        callgrind.env("LD_BIND_NOW", "1").arg(scenario).arg(TIMES.to_string());
        let outcome = run(&mut callgrind, LIMIT);
        if outcome.code() == Some(77) {
            return Ok(None);
        }
        let collected = outcome.stderr.split("Collected :").nth(1);
        match collected.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()) {
            Some(n) if outcome.success() && n > 0 => Ok(Some((n * 10 / TIMES) as f64 / 10.0)),
            _ => Err(outcome.report()),
        }
    }

    /// The system calls for each time.
    ///
    /// # Errors
    /// It fails.
    pub fn system_calls(&self, headers: Headers, variant: Variant, scenario: &str) -> Result<i64, String> {
        // What the program does before and after goes out.
        let count = |times: u64| {
            let mut command = variant.command(Face::Uring, &self.program(headers))?;
            command.arg(scenario).arg(times.to_string());
            let log = self
                .dir
                .path()
                .join(format!("{scenario}-{headers:?}-{}", variant.name()));
            finished(&mut trace::traced(&command, "all", &log))?;
            let calls = calls(&log)?;
            Ok::<_, String>(calls.iter().filter(|c| c.name != "sched_yield").count() as i64)
        };
        Ok((count(10 + TIMES)? - count(10)?) / TIMES as i64)
    }
}

fn finished(command: &mut Command) -> Result<Outcome, String> {
    let outcome = run(command, LIMIT);
    if outcome.success() {
        Ok(outcome)
    } else {
        Err(format!("{command:?}: {}", outcome.report()))
    }
}

/// The same command under another program, with its environment.
fn under(program: &str, command: &Command, options: impl FnOnce(&mut Command)) -> Command {
    let mut all = Command::new(program);
    options(&mut all);
    all.arg(Path::new(command.get_program())).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => all.env(key, value),
            None => all.env_remove(key),
        };
    }
    all
}
