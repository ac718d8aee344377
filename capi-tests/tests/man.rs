//! The manual pages: complete, well-formed, and true where a program can tell.
//!
//! What is looked at is what the build left in `man2`, `man3` and `man7`, and the sources in `man/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use capi_tests::run::{Outcome, run};
use capi_tests::{build_dir, cc, root, temp_dir};

fn finish(command: &mut Command) -> Outcome {
    let outcome = run(command, Duration::from_secs(60));
    assert!(outcome.success(), "{command:?}: {}", outcome.report());
    outcome
}

/// Text by section and name, such as `3` and `io_uring_submit`.
struct Manual(BTreeMap<(String, String), String>);

impl Manual {
    fn new() -> Self {
        let mut pages = BTreeMap::new();
        for section in ["2", "3", "7"] {
            let dir = build_dir().join(format!("man{section}"));
            let files = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
            for path in files.flatten().map(|f| f.path()) {
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                pages.insert((section.to_owned(), name), read(&path));
            }
        }
        Self(pages)
    }

    /// Those that are not just another name of one.
    fn pages(&self) -> impl Iterator<Item = (PathBuf, &str)> {
        let pages = self.0.iter().filter(|(_, text)| !text.starts_with(".so "));
        pages.map(|((section, name), text)| {
            let path = build_dir().join(format!("man{section}/{name}.{section}"));
            (path, text.as_str())
        })
    }
}

fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn mandoc_has_nothing_to_say() {
    let manual = Manual::new();
    let mut lint = Command::new("mandoc");
    lint.args(["-T", "lint", "-W", "warning"])
        .args(manual.pages().map(|(path, _)| path));
    let outcome = run(&mut lint, Duration::from_secs(60));
    assert_eq!(outcome.stdout, "", "{}", outcome.report());
    assert!(outcome.success(), "{}", outcome.report());
}

/// The prototypes in SYNOPSIS, in C, by page; macros as `#ifndef`.
fn synopsis(text: &str) -> String {
    let mut c = String::new();
    let mut result = None;
    let mut function: Option<(&str, Vec<&str>)> = None;
    let section = text.split("\n.Sh SYNOPSIS\n").nth(1).unwrap_or_default();
    for line in section.lines().take_while(|line| !line.starts_with(".Sh ")) {
        let (request, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_matches('"');
        match request {
            ".In" => {
                let _ = writeln!(c, "#include <{rest}>");
            }
            ".Ft" => result = Some(rest),
            ".Fo" => function = Some((rest, Vec::new())),
            ".Fa" => {
                if let Some((_, parameters)) = &mut function {
                    parameters.push(rest);
                }
            }
            ".Fc" => {
                let (name, parameters) = function.take().expect("a function");
                let _ = match result.take() {
                    Some(result) => writeln!(c, "{result} {name}({});", parameters.join(", ")),
                    None => writeln!(c, "#ifndef {name}\n#error {name}\n#endif"),
                };
            }
            _ => {}
        }
    }
    c
}

/// The compiler holds a second declaration against the header's.
#[test]
fn the_synopsis_is_the_header() {
    let manual = Manual::new();
    let mut program = String::new();
    for (path, text) in manual.pages() {
        let declarations = synopsis(text);
        if !declarations.is_empty() {
            let _ = writeln!(program, "#line 1 \"{}\"\n{declarations}", path.display());
        }
    }
    assert!(program.matches(");\n").count() > 100, "{program}");
    compile(&program);
}

fn compile(program: &str) {
    let dir = temp_dir();
    let source = dir.path().join("all.c");
    std::fs::write(&source, program).expect("the directory is writable");
    finish(
        Command::new(cc())
            .args([
                "-std=gnu11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unused-parameter",
                "-fsyntax-only",
                "-I",
            ])
            .arg(root().join("include"))
            .arg(&source),
    );
}

/// What an example may use that is not a program of its own.
const BEFORE: &str = "(struct io_uring *ring, struct io_uring_sqe *sqe, struct io_uring_cqe *cqe, int fd, int ret)\n\
                      { static char buf[4096]; (void)ret; (void)buf; {";
const AFTER: &str = "\n} return 0; }\n";
const HEADERS: [&str; 14] = [
    // With liburing.h and libaio.h.
    "aiouring.h",
    "liburing.h",
    "netinet/in.h",
    "poll.h",
    "stdio.h",
    "stdlib.h",
    "sys/epoll.h",
    "sys/eventfd.h",
    "sys/mman.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/un.h",
    "sys/xattr.h",
    "unistd.h",
];

#[test]
fn examples_compile() {
    let mut fragments: String = HEADERS.map(|h| format!("#include <{h}>\n")).concat();
    let mut count = 0;
    let files = std::fs::read_dir(root().join("man")).expect("the sources of the pages");
    for path in files.flatten().map(|f| f.path()) {
        if path.extension().is_none_or(|e| e != "page") {
            continue;
        }
        let mut example = String::new();
        let mut inside = false;
        for (number, line) in read(&path).lines().enumerate() {
            if line.starts_with('@') {
                inside = line == "@example";
                if inside {
                    let _ = writeln!(example, "#line {} \"{}\"", number + 2, path.display());
                }
            } else if inside {
                example.push_str(line);
                example.push('\n');
            }
        }
        if example.contains("#include") {
            compile(&example);
        } else if !example.is_empty() {
            let _ = writeln!(fragments, "int example_{count}{BEFORE}\n{example}{AFTER}");
        }
        count += usize::from(!example.is_empty());
    }
    assert!(count > 30, "{count} examples");
    compile(&fragments);
}
