//! The AIO face and leases under tools that watch every access to memory: the compilers' sanitizers over the
//! library and the program, the address sanitizer over a program with the library as it is
//! installed, and valgrind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use capi_tests::program::{Face, Variant};
use capi_tests::run::{Outcome, run};
use capi_tests::{cc, has, here, library, root, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

/// A build, or a run: seconds on an idle machine, a minute or two of `make sanitize`.
const LIMIT: Duration = Duration::from_secs(600);

/// What threads do to each other, and what outlives what. Programs that fork with several threads
/// or count descriptors are not for these tools.
const PROGRAMS: [&str; 12] = [
    "aio_soak",
    "aio_stress",
    "aio_threads",
    "aio_thread_exit",
    "aio_destroy",
    "aio_many_contexts",
    "aio_order",
    "aio_poll",
    "aio_ext_cancel_race",
    "aio_ext_fixed_hostile",
    "ext_lease_random",
    "ext_lease_threads",
];

fn main() {
    let mut trials = Vec::new();
    for sanitizer in ["thread", "address"] {
        // One after the other: all wait for the same build.
        let built = Arc::new(std::sync::Mutex::new(()));
        for program in PROGRAMS {
            let built = Arc::clone(&built);
            trials.push(Trial::ignorable_test(format!("{sanitizer}::{program}"), move || {
                if !has("clang") {
                    return capi_tests::skip("no clang");
                }
                let binary = {
                    let _one = built.lock();
                    build(sanitizer, program)?
                };
                judge(&in_directory(&mut Command::new(&binary)))
            }));
        }
    }
    trials.push(Trial::ignorable_test("installed::aio_soak", installed));
    trials.push(Trial::ignorable_test("valgrind::aio_soak", valgrind));
    capi_tests::main(trials)
}

fn directory() -> Result<PathBuf, String> {
    let dir = root().join("target/sanitize");
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    Ok(dir)
}

/// Builds a program with the library in it.
fn build(sanitizer: &str, program: &str) -> Result<PathBuf, Failed> {
    let dir = directory()?;
    let binary = dir.join(format!("{program}.{sanitizer}"));
    let mut script = Command::new(root().join("scripts/sanitized.sh"));
    script
        .arg(sanitizer)
        .arg(&dir)
        .arg(here(&format!("c/{program}.c")))
        .arg(&binary);
    // What cargo says to this test is not meant for the build.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_")) {
        script.env_remove(name);
    }
    let outcome = run(&mut script, LIMIT);
    if outcome.success() {
        Ok(binary)
    } else {
        Err(outcome.report().into())
    }
}

fn in_directory(command: &mut Command) -> Outcome {
    let dir = temp_dir();
    let requests = std::env::var("SOAK_REQUESTS").unwrap_or_else(|_| "5000".into());
    command
        .current_dir(&dir)
        .env("TEST_TMPDIR", dir.path())
        .env("SOAK_REQUESTS", requests);
    run(command, LIMIT)
}

fn judge(outcome: &Outcome) -> Result<Completion, Failed> {
    let reported = [
        "WARNING: ThreadSanitizer",
        "ERROR: AddressSanitizer",
        "ERROR: LeakSanitizer",
    ];
    if outcome.success() && !reported.iter().any(|text| outcome.stderr.contains(text)) {
        Ok(Completion::Completed)
    } else {
        Err(outcome.report().into())
    }
}

/// Builds a program that takes the library as everybody does.
fn soak(name: &str, options: &[&str]) -> Result<PathBuf, Failed> {
    let binary = directory()?.join(format!("aio_soak.{name}"));
    let mut compile = Command::new(cc());
    compile
        .args(["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-pthread"])
        .args(options)
        .args([
            Path::new("-I"),
            &root().join("include"),
            Path::new("-I"),
            &here("c"),
            Path::new("-o"),
            &binary,
            &here("c/aio_soak.c"),
            &library("libaio.so.1"),
        ]);
    let outcome = run(&mut compile, LIMIT);
    if outcome.success() {
        Ok(binary)
    } else {
        Err(outcome.report().into())
    }
}

/// A program that is built for the address sanitizer, with the library of everybody: nothing that
/// the library does looks like a leak.
fn installed() -> Result<Completion, Failed> {
    let binary = soak("installed", &["-fsanitize=address"])?;
    judge(&in_directory(&mut Variant::Ours.command(Face::Aio, &binary)?))
}

/// Under valgrind AIO is the kernel's, which valgrind knows: no program hangs, no buffer is
/// taken for undefined.
fn valgrind() -> Result<Completion, Failed> {
    if !has("valgrind") {
        return capi_tests::skip("no valgrind");
    }
    let binary = soak("plain", &[])?;
    let mut command = Variant::Ours.command(Face::Aio, Path::new("valgrind"))?;
    command
        .args([
            "--error-exitcode=9",
            "--fair-sched=yes",
            "--undef-value-errors=yes",
            "-q",
        ])
        .arg(&binary);
    judge(&in_directory(command.env("AIOURING_LOG", "1")))
}
