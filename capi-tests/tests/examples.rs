//! The examples of the extensions, `examples/ext_*`, and the programs in `docs/extensions.md`: each compiles without a
//! warning as strict C11 or C++17, and without arguments does what it is about in a directory of its own. It ends with 0,
//! or with 77 where the machine lacks something.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use capi_tests::run::run;
use capi_tests::{build_dir, cc, root, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

const WARNINGS: [&str; 9] = [
    "-D_GNU_SOURCE",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
    "-pthread",
];

/// A program, and the name under which its source is written.
struct Example {
    name: String,
    text: String,
}

impl Example {
    fn try_it(&self) -> Result<Completion, Failed> {
        let dir = temp_dir();
        let source = dir.path().join(&self.name);
        std::fs::write(&source, &self.text).map_err(|e| e.to_string())?;
        let program = compile(&source)?;
        let work = temp_dir();
        let mut command = Command::new(&program);
        command
            .current_dir(&work)
            .env("TMPDIR", work.path())
            .env("LD_LIBRARY_PATH", build_dir());
        let outcome = run(&mut command, Duration::from_secs(60));
        match outcome.code() {
            Some(0) => Ok(Completion::Completed),
            Some(77) => capi_tests::skip(outcome.stderr.trim()),
            _ => Err(outcome.report().into()),
        }
    }
}

fn compile(source: &Path) -> Result<PathBuf, Failed> {
    let cpp = source.extension().is_some_and(|e| e == "cc");
    let program = source.with_extension("");
    let mut compiler = Command::new(if cpp { "c++".to_owned() } else { cc() });
    compiler
        .arg(if cpp { "-std=c++17" } else { "-std=c11" })
        .args(WARNINGS)
        .arg("-I")
        .arg(root().join("include"));
    compiler.arg(source).arg("-o").arg(&program);
    compiler.arg("-L").arg(build_dir()).arg("-laiouring");
    // What else it needs a line of its own says: `libraries: z`.
    let text = std::fs::read_to_string(source).map_err(|e| e.to_string())?;
    let more = text.lines().take(5).find_map(|line| line.split_once("libraries: "));
    let more = more.map_or("", |(_, list)| list.trim_end_matches("*/"));
    compiler.args(more.split_whitespace().map(|name| format!("-l{name}")));
    let outcome = run(&mut compiler, Duration::from_secs(60));
    if outcome.success() {
        Ok(program)
    } else {
        Err(outcome.report().into())
    }
}

/// The examples for which a program of their own exists.
fn programs() -> Vec<Example> {
    let entries = std::fs::read_dir(root().join("examples")).expect("the examples");
    let sources = entries.flatten().map(|entry| entry.path());
    let named = sources.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)));
    named
        .filter(|(name, _)| name.starts_with("ext_"))
        .map(|(name, path)| Example {
            text: std::fs::read_to_string(&path).expect("text"),
            name,
        })
        .collect()
}

/// The programs in the page on the extensions: all that is fenced as `c` or `cpp`. What is not a whole program is fenced
/// otherwise.
fn in_the_page() -> Vec<Example> {
    let page = std::fs::read_to_string(root().join("docs/extensions.md")).expect("the page");
    let mut all = Vec::new();
    let (mut heading, mut open) = (String::new(), None);
    for line in page.lines() {
        match (&mut open, line) {
            (None, "```c" | "```cpp") => {
                let suffix = if line == "```c" { "c" } else { "cc" };
                let name = format!("{}_{}.{suffix}", heading, all.len());
                open = Some(Example {
                    name,
                    text: String::new(),
                });
            }
            (Some(_), "```") => all.extend(open.take()),
            (Some(example), _) => {
                example.text += line;
                example.text.push('\n');
            }
            (None, _) => {
                if let Some(title) = line.strip_prefix("## ") {
                    let words: Vec<_> = title.split(|c: char| !c.is_alphanumeric()).take(3).collect();
                    heading = words.join("_").trim_matches('_').to_lowercase();
                }
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    all
}

fn main() {
    let mut trials = Vec::new();
    for (kind, examples) in [("program", programs()), ("page", in_the_page())] {
        for example in examples {
            let example = Arc::new(example);
            trials.push(Trial::ignorable_test(format!("{kind}::{}", example.name), move || {
                example.try_it()
            }));
        }
    }
    capi_tests::main(trials)
}
