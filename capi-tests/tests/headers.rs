//! Our headers compile without a warning, whatever the compiler, the language and its standard.

use std::process::{Command, Stdio};
use std::time::Duration;

use capi_tests::{has, here, root, run::run};
use libtest_mimic::{Completion, Failed, Trial};

const WARNINGS: &str = "-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Werror";
const C: [&str; 7] = ["gnu89", "gnu99", "gnu11", "gnu17", "c11", "c17", "c2x"];
const CXX: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];

fn main() {
    let mut trials = Vec::new();
    for (compiler, language, standards) in [
        ("gcc", "c", &C[..]),
        ("clang", "c", &C),
        ("g++", "c++", &CXX),
        ("clang++", "c++", &CXX),
    ] {
        if !has(compiler) {
            let why = move || capi_tests::skip(format!("no {compiler}"));
            trials.push(Trial::ignorable_test(compiler, why));
            continue;
        }
        for standard in standards.iter().filter(|s| knows(compiler, language, s)) {
            for header in ["liburing.h", "libaio.h", "aiouring.h"] {
                let name = format!("{header}::{compiler}::{standard}");
                trials.push(Trial::ignorable_test(name, move || {
                    check(header, compiler, language, standard)
                }));
            }
        }
    }
    capi_tests::main(trials)
}

fn command(compiler: &str, language: &str, standard: &str) -> Command {
    let mut command = Command::new(compiler);
    command.args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"]);
    command
}

fn knows(compiler: &str, language: &str, standard: &str) -> bool {
    let mut probe = command(compiler, language, standard);
    probe
        .arg("/dev/null")
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// With and without the extensions of the C library, included twice.
fn check(header: &str, compiler: &str, language: &str, standard: &str) -> Result<Completion, Failed> {
    for define in ["-D_GNU_SOURCE", "-D_DEFAULT_SOURCE"] {
        let mut command = command(compiler, language, standard);
        command
            .args(WARNINGS.split(' '))
            .args([define, &format!("-DHEADER=<{header}>")]);
        command
            .arg("-I")
            .arg(root().join("include"))
            .arg(here("c/tools/include.c"));
        let outcome = run(&mut command, Duration::from_secs(60));
        if !outcome.success() {
            return Err(format!("{define}: {}", outcome.report()).into());
        }
    }
    Ok(Completion::Completed)
}
