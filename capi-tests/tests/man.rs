//! The manual pages: complete, well-formed, and true where a program can tell.
//!
//! What is looked at is what the build left in `man2`, `man3` and `man7`, and the sources in `man/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capi_tests::run::{Outcome, run};
use capi_tests::{build_dir, cc, here, library, root, temp_dir};

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

    fn has(&self, section: &str, name: &str) -> bool {
        self.0.contains_key(&(section.to_owned(), name.to_owned()))
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

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Name and kind of everything that a program which includes the headers can use.
fn interface() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for table in ["liburing-api.tsv", "kernel-names.tsv"] {
        for line in read(&here("data").join(table)).lines().skip(1) {
            let mut row = line.split('\t');
            all.extend(
                row.next()
                    .zip(row.next())
                    .map(|(name, kind)| (name.into(), kind.into())),
            );
        }
    }
    for map in ["libaio.map", "aiouring.map"] {
        let map = read(&root().join("src").join(map));
        let symbols = map.lines().filter_map(|line| line.trim().strip_suffix(';'));
        // `syscall` is the C library's.
        let symbols = symbols.filter(|s| s.starts_with("io_") || s.starts_with("aiouring_"));
        all.extend(symbols.map(|name| (name.into(), "exported".into())));
    }
    all
}

/// The words of a text, as far as they could be names.
fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}

#[test]
fn every_function_macro_and_structure_has_a_page() {
    let manual = Manual::new();
    let callable = [
        "exported",
        "inline",
        "inline exported",
        "local",
        "macro()",
        "template",
        "struct",
    ];
    let rows = interface();
    let missing: Vec<_> = rows
        .iter()
        .filter(|(name, kind)| callable.contains(&kind.as_str()) && !manual.has("3", name))
        .collect();
    assert!(missing.is_empty(), "{} without a page: {missing:?}", missing.len());
    assert!(
        rows.iter()
            .filter(|(_, kind)| callable.contains(&kind.as_str()))
            .count()
            > 300
    );
}

#[test]
fn every_constant_is_explained() {
    let manual = Manual::new();
    let all: String = manual.pages().map(|(_, text)| text).collect();
    // In prose or lists: a structure's definition explains nothing.
    let prose: String = all
        .split(".Bd -literal")
        .map(|part| part.split_once("\n.Ed\n").map_or(part, |(_, rest)| rest))
        .collect();
    let known = names(&prose);
    let kinds = ["constant", "macro", "undefined", "guard", "enum"];
    let rows = interface();
    let missing: Vec<_> = rows
        .iter()
        .filter(|(name, kind)| kinds.contains(&kind.as_str()) && !known.contains(name.as_str()))
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "{} in no page: {missing:?}", missing.len());
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

#[test]
fn links_and_references_lead_to_pages() {
    let manual = Manual::new();
    // Pages of the C library, the kernel and its tools that are referred to.
    let others = ["2", "5", "8"];
    let in_3_and_7 = ["cmsg", "credentials", "epoll", "exit", "malloc", "strerror"];
    let mut wrong = BTreeSet::new();
    for (at, text) in &manual.0 {
        for line in text.lines() {
            let mut words = line.split(' ');
            match words.next() {
                // The section of our own page comes first, so that a name of ours is never taken for another's.
                Some(".Xr") => {
                    let (name, section) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                    let ours = manual.has(section, name);
                    if !ours && !others.contains(&section) && !in_3_and_7.contains(&name) {
                        wrong.insert((at.1.clone(), format!("{name}({section})")));
                    }
                }
                Some(".so") => {
                    let target = words.next().unwrap_or_default();
                    if !build_dir().join(target).is_file() {
                        wrong.insert((at.1.clone(), target.into()));
                    }
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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
    assert!(program.matches(");\n").count() > 250, "{program}");
    compile(&program);
}

fn compiler(source: &Path) -> Command {
    let mut command = Command::new(cc());
    command
        .args([
            "-std=gnu11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-unused-parameter",
            "-I",
        ])
        .arg(root().join("include"))
        .arg(source);
    command
}

fn compile(program: &str) {
    let dir = temp_dir();
    let source = dir.path().join("all.c");
    std::fs::write(&source, program).expect("the directory is writable");
    finish(compiler(&source).arg("-fsyntax-only"));
}

/// The examples by the names of their pages.
fn examples() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
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
        if !example.is_empty() {
            all.insert(path.file_name().expect("a name").to_string_lossy().into(), example);
        }
    }
    assert!(all.len() > 70, "{} examples", all.len());
    all
}

/// All examples that are not programs of their own as functions, and a table of them.
fn fragments() -> String {
    let headers = [
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
    let mut program: String = headers.map(|h| format!("#include <{h}>\n")).concat();
    let mut table = String::new();
    for (i, (name, example)) in examples().iter().filter(|(_, e)| !e.contains("#include")).enumerate() {
        let _ = writeln!(
            program,
            "static int example_{i}(struct io_uring *ring, struct io_uring_sqe *sqe, struct io_uring_cqe *cqe, int fd, \
             int ret)\n{{ static char buf[4096]; (void)ret; (void)buf; {{\n{example}\n}} return 0; }}"
        );
        let _ = writeln!(table, "{{ \"{name}\", example_{i} }},");
    }
    let _ = writeln!(
        program,
        "struct example {{ const char *name; int (*run)(struct io_uring *, struct io_uring_sqe *, \
         struct io_uring_cqe *, int, int); }};\nextern const struct example examples[];\n\
         const struct example examples[] = {{\n{table}{{ 0, 0 }} }};"
    );
    program
}

#[test]
fn examples_compile() {
    compile(&fragments());
    for example in examples().values().filter(|e| e.contains("#include")) {
        compile(example);
    }
}

/// No example crashes or waits for ever, though not all get what they are about.
#[test]
fn examples_run() {
    let dir = temp_dir();
    let source = dir.path().join("all.c");
    let program = dir.path().join("all");
    std::fs::write(&source, fragments()).expect("the directory is writable");
    let mut link = compiler(&source);
    finish(
        link.arg(here("c/tools/examples.c"))
            .arg(library("libaiouring.a"))
            .arg("-lpthread")
            .arg("-o")
            .arg(&program),
    );
    finish(Command::new(&program).current_dir(&dir));
}
