//! What the test targets share: where things are, how a command is run to its end.
//!
//! The libraries under test are the files that `make build` leaves in `build/`;
//! `AIOURING_BUILD` names another directory.

pub mod api;
pub mod fuzz;
pub mod guest;
pub mod instructions;
pub mod mutants;
pub mod names;
pub mod prep;
pub mod program;
pub mod rows;
pub mod run;
pub mod trace;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The top of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is a directory of the workspace")
}

/// A file or directory of this crate.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where the libraries under test are.
pub fn build_dir() -> PathBuf {
    std::env::var_os("AIOURING_BUILD").map_or_else(|| root().join("build"), |dir| root().join(dir))
}

/// One of the libraries under test; says how to get it if it is not there.
pub fn library(file: &str) -> PathBuf {
    let path = build_dir().join(file);
    assert!(path.exists(), "{} is missing: run `make build`", path.display());
    path
}

/// A place for what the tests make, beside their own executables: a filesystem with `O_DIRECT`.
pub fn scratch() -> PathBuf {
    let exe = std::env::current_exe().expect("this executable has a path");
    let target = exe.parent().and_then(Path::parent).expect("target/PROFILE/deps/NAME");
    let dir = target.join("capi-tests");
    std::fs::create_dir_all(&dir).expect("the target directory is writable");
    dir
}

/// A directory that is gone when it is dropped.
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::tempdir_in(scratch()).expect("the target directory is writable")
}

/// The distribution's shared object of this name, as the dynamic linker finds it.
pub fn distribution_library(soname: &str) -> Option<PathBuf> {
    let ldconfig = ["/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"];
    let cache = ldconfig
        .iter()
        .find_map(|path| Command::new(path).arg("-p").output().ok())?;
    // libaio.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libaio.so.1
    String::from_utf8_lossy(&cache.stdout)
        .lines()
        .filter(|line| line.split_whitespace().next() == Some(soname))
        .filter(|line| !cfg!(target_pointer_width = "64") || line.contains("64"))
        .find_map(|line| Some(PathBuf::from(line.split("=> ").nth(1)?)))
}

/// The C compiler.
pub fn cc() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".into())
}

/// Whether a command of this name can be started.
pub fn has(command: &str) -> bool {
    Command::new(command)
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success())
}

/// Where the libraries with seeded faults are.
pub fn faults_dir() -> PathBuf {
    root().join("build-faults")
}

/// Builds the AIO library with seeded faults.
///
/// # Errors
/// What meson says.
pub fn build_with_faults() -> Result<(), String> {
    let dir = &faults_dir();
    let steps: &[&[&str]] = &[
        &["setup", "-Dfaults=true"],
        &["compile", "aio:shared_library", "aiouring:shared_library", "-C"],
    ];
    for step in if dir.join("build.ninja").exists() {
        &steps[1..]
    } else {
        steps
    } {
        let outcome = run::run(
            Command::new("meson").args(*step).arg(dir).current_dir(root()),
            Duration::from_secs(600),
        );
        if !outcome.success() {
            return Err(format!("meson {step:?}: {}", outcome.report()));
        }
    }
    Ok(())
}

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// The end of a test that this machine cannot run: counted, or a failure where nothing may be
/// skipped (`AIOURING_TESTS_NO_SKIP=1`).
pub fn skip(reason: impl Into<String>) -> Result<Completion, Failed> {
    let reason = reason.into();
    if std::env::var_os("AIOURING_TESTS_NO_SKIP").is_some_and(|v| v == "1") {
        return Err(format!("skipped, which is not allowed here: {reason}").into());
    }
    SKIPPED.fetch_add(1, Ordering::Relaxed);
    Ok(Completion::ignored_with(reason))
}

/// Runs the trials as `cargo test` would and says how many were skipped.
pub fn main(trials: Vec<Trial>) -> ! {
    let mut arguments = Arguments::from_args();
    // What is run waits for devices and clocks half of the time: one more than there are processors.
    arguments.test_threads = arguments
        .test_threads
        .or_else(|| Some(std::thread::available_parallelism().map_or(2, usize::from) + 1));
    let conclusion = libtest_mimic::run(&arguments, trials);
    println!("skipped: {}", SKIPPED.load(Ordering::Relaxed));
    conclusion.exit()
}
