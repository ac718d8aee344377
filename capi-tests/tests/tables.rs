//! The headers against the tables of the interface (`capi_tests::api`): every name is there after its header alone, with
//! its prototype, its value or its layout, and nothing else is.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use capi_tests::api::{Field, Language, Name, Place, fields, names, program};
use capi_tests::run::{Outcome, run};
use capi_tests::{cc, has, here, root, temp_dir};

fn api() -> Vec<Name> {
    let tables = ["liburing-api", "kernel-names", "older-names"];
    tables.into_iter().flat_map(names).collect()
}

fn structs() -> Vec<Field> {
    let tables = ["liburing-structs", "kernel-structs"];
    tables.into_iter().flat_map(fields).collect()
}

/// Whose header is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Theirs,
}

fn compile(whose: Whose, compiler: &str, language: Language, standard: &str, text: &str) -> Outcome {
    let dir = temp_dir();
    let path = dir.path().join("table");
    std::fs::write(&path, text).expect("a temporary file");
    let mut command = Command::new(compiler);
    command
        .args([&format!("-std={standard}"), "-fsyntax-only", "-Wall", "-Werror"])
        // Error messages to be searched, all of them.
        .arg("-fdiagnostics-color=never")
        .arg(if compiler.starts_with("clang") {
            "-ferror-limit=0"
        } else {
            "-fmax-errors=0"
        })
        .args(["-x", language.name()]);
    if whose == Whose::Ours {
        command.arg("-I").arg(root().join("include"));
    } else {
        command.arg("-D_GNU_SOURCE");
    }
    run(command.arg(&path), Duration::from_secs(120))
}

/// The compiler of this machine for a language, and the standard that has all the assertions need.
fn usual(language: Language) -> (String, &'static str) {
    match language {
        Language::C => (cc(), "gnu11"),
        Language::Cxx => (std::env::var("CXX").unwrap_or_else(|_| "c++".into()), "c++17"),
    }
}

/// A program that uses a name needs no other header than the one of the table.
#[test]
fn every_header_has_its_names() {
    let (api, structs) = (api(), structs());
    let headers: BTreeSet<&str> = api.iter().map(|row| row.header.as_str()).collect();
    for header in headers {
        let names: Vec<_> = api.iter().filter(|row| row.header == header).cloned().collect();
        let fields: Vec<_> = structs.iter().filter(|row| row.header == header).cloned().collect();
        for language in [Language::C, Language::Cxx] {
            let (compiler, standard) = usual(language);
            let outcome = compile(
                Whose::Ours,
                &compiler,
                language,
                standard,
                &program(header, language, &names, &fields),
            );
            assert!(outcome.success(), "{header}, {}: {}", language.name(), outcome.report());
        }
    }
}

#[test]
fn liburing_h_has_all_names() {
    let (api, structs) = (api(), structs());
    for (compiler, language, standard) in [
        ("gcc", Language::C, "gnu99"),
        ("clang", Language::C, "gnu17"),
        ("g++", Language::Cxx, "c++11"),
        ("clang++", Language::Cxx, "c++11"),
        ("clang++", Language::Cxx, "c++20"),
    ] {
        if !has(compiler) {
            assert!(
                std::env::var_os("AIOURING_TESTS_NO_SKIP").is_none(),
                "there is no {compiler}"
            );
            continue;
        }
        let outcome = compile(
            Whose::Ours,
            compiler,
            language,
            standard,
            &program("liburing.h", language, &api, &structs),
        );
        assert!(outcome.success(), "{compiler} {standard}: {}", outcome.report());
    }
}

/// Programs leave out what the original includes for them.
#[test]
fn liburing_h_brings_the_headers_that_programs_rely_on() {
    let check = |language: Language, header: &str| {
        let (compiler, standard) = usual(language);
        let mut command = Command::new(compiler);
        command
            .args([
                &format!("-std={standard}"),
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
            ])
            .arg(format!("-DHEADER=<{header}>"))
            .arg("-I")
            .arg(root().join("include"))
            .args(["-x", language.name()])
            .arg(here("c/tools/relied_on.c"));
        run(&mut command, Duration::from_secs(60))
    };
    for language in [Language::C, Language::Cxx] {
        let outcome = check(language, "liburing.h");
        assert!(outcome.success(), "{}: {}", language.name(), outcome.report());
        assert!(!check(language, "stdio.h").success(), "{}", language.name());
    }
}

/// The lines of tables that the compiler has something to say about.
fn reported(outcome: &Outcome) -> BTreeSet<Place> {
    let places = outcome.stderr.lines().filter_map(|line| {
        let (table, rest) = line.split_once(':')?;
        Some((table.to_owned(), rest.split(':').next()?.parse().ok()?))
    });
    places.collect()
}

/// Every row of a table that has been made wrong has to be reported.
fn assert_seen(
    what: &str,
    language: Language,
    header: &str,
    (names, fields): (&[Name], &[Field]),
    wrong: &BTreeSet<Place>,
) {
    let (compiler, standard) = usual(language);
    let program = program(header, language, names, fields);
    let outcome = compile(Whose::Ours, &compiler, language, standard, &program);
    let seen = reported(&outcome);
    let missed: Vec<_> = wrong.difference(&seen).collect();
    assert!(
        !wrong.is_empty() && missed.is_empty(),
        "{what}, {}: not seen: {missed:?}",
        language.name()
    );
}

/// `None` where a way to be wrong does not apply to a row.
fn spoilt(row: &Name, how: &str, language: Language) -> Option<Name> {
    let mut wrong = row.clone();
    let declaration = &row.declaration;
    match (how, row.kind.as_str()) {
        // A macro in C, whose row is another.
        (_, "template") if language == Language::C => return None,
        (_, "macro()") if language == Language::Cxx && row.header == "liburing/barrier.h" => return None,
        ("result", "exported" | "inline" | "inline exported" | "local" | "template") => {
            let at = declaration.find(&row.name)?;
            let template = declaration.strip_prefix("template <typename T> ").is_some();
            wrong.declaration = format!(
                "{}short {}",
                if template { "template <typename T> " } else { "" },
                &declaration[at..]
            );
        }
        ("arguments", "exported" | "inline" | "inline exported" | "local" | "template") => {
            let none = declaration.ends_with("(void)") || declaration.ends_with("()");
            let open = declaration.rfind('(')?;
            wrong.declaration = if none {
                format!("{}(int more)", &declaration[..open])
            } else {
                format!("{}, int more)", declaration.strip_suffix(')')?)
            };
        }
        ("value", "macro") if !declaration.is_empty() => {
            let (ty, value) = declaration.rsplit_once(' ')?;
            wrong.declaration = format!("{ty} {}", value.parse::<i128>().ok()? ^ 1);
        }
        ("type", "macro") if !declaration.is_empty() => {
            let (ty, value) = declaration.rsplit_once(' ')?;
            let other = if ty == "unsigned int" { "int" } else { "unsigned int" };
            wrong.declaration = format!("{other} {value}");
        }
        ("value", "constant") => {
            let (ty, value) = declaration.rsplit_once(' ')?;
            wrong.declaration = format!("{ty} {}", value.parse::<i128>().ok()? ^ 1);
        }
        ("type", "constant") if language == Language::Cxx && declaration.starts_with("enum ") => {
            let (ty, value) = declaration.rsplit_once(' ')?;
            if ty == "enum" {
                return None;
            }
            wrong.declaration = format!("int {value}");
        }
        ("name", "undefined") => wrong.name = "LIB_URING_H".into(),
        ("name", "guard" | "macro()" | "macro") => wrong.name.push_str("_WRONG"),
        ("name", "enum" | "struct") => wrong.declaration.push_str("_wrong"),
        _ => return None,
    }
    Some(wrong)
}

/// No row is there for nothing: each one that is made wrong, in each of the ways it can be, is seen.
#[test]
fn a_wrong_row_is_seen() {
    let api = api();
    for language in [Language::C, Language::Cxx] {
        for how in ["result", "arguments", "value", "type", "name"] {
            let wrong: Vec<_> = api.iter().filter_map(|row| spoilt(row, how, language)).collect();
            let lines = wrong.iter().map(|row| row.place.clone()).collect();
            assert_seen(how, language, "liburing.h", (&wrong, &[]), &lines);
        }
        // What belongs to another header, but for what a header must not have.
        let others: Vec<_> = api
            .iter()
            .filter(|row| row.header != "liburing/io_uring_version.h" && row.kind != "undefined")
            .filter(|row| spoilt(row, "name", language).is_some() || !["template", "macro()"].contains(&&*row.kind))
            .filter(|row| language == Language::Cxx || row.kind != "template")
            .cloned()
            .collect();
        let lines = others.iter().map(|row| row.place.clone()).collect();
        assert_seen(
            "header",
            language,
            "liburing/io_uring_version.h",
            (&others, &[]),
            &lines,
        );
    }
}

#[test]
fn a_wrong_field_is_seen() {
    let structs = structs();
    type Spoil = fn(&mut Field);
    let ways: [(&str, Spoil); 6] = [
        ("size", |row| row.size += 8),
        ("align", |row| row.align *= 2),
        ("offset", |row| row.offset += 1),
        ("field", |row| row.field.push_str("_wrong")),
        ("type", |row| row.ty = "char *".into()),
        ("field size", |row| {
            row.field_size = row.field_size.map(|bytes| bytes + 1);
        }),
    ];
    for (what, spoil) in ways {
        let wrong: Vec<_> = structs
            .iter()
            .filter(|row| what != "type" || row.ty != "struct {...}")
            .filter(|row| what != "field size" || row.field_size.is_some())
            .cloned()
            .map(|mut row| {
                spoil(&mut row);
                row
            })
            .collect();
        let lines = wrong.iter().map(|row| row.place.clone()).collect();
        assert_seen(what, Language::C, "liburing.h", (&[], &wrong), &lines);
    }
}

/// All headers of the face.
fn headers() -> Vec<PathBuf> {
    let include = root().join("include");
    let mut headers = vec![include.join("liburing.h")];
    for dir in ["liburing", "liburing/io_uring"] {
        let dir = std::fs::read_dir(include.join(dir)).expect("a directory of headers");
        headers.extend(
            dir.map(|entry| entry.expect("an entry").path())
                .filter(|path| path.extension().is_some_and(|e| e == "h")),
        );
    }
    headers
}

/// The names that our headers bring into a C program: macros that stay, functions, tags and
/// constants of enumerations. What system headers bring is not among them.
fn declared() -> BTreeSet<String> {
    let dir = temp_dir();
    let prototypes = dir.path().join("prototypes");
    let mut command = Command::new("gcc");
    command.args(["-fsyntax-only", "-aux-info"]).arg(&prototypes);
    command.arg("-I").arg(root().join("include"));
    command.args(["-x", "c"]).arg(root().join("include/liburing.h"));
    let outcome = run(&mut command, Duration::from_secs(60));
    assert!(outcome.success(), "{}", outcome.report());
    let mut found = BTreeSet::new();
    // /* /usr/include/signal.h:42:NC */ extern int kill (int, int);
    for line in std::fs::read_to_string(&prototypes).expect("gcc wrote it").lines() {
        let ours = line.contains("/include/liburing.h:") && !line.contains("/usr/include/");
        if let Some(name) = line.split(" (").next().filter(|_| ours) {
            let name = name.rsplit([' ', '*']).next().unwrap_or_default();
            found.insert(name.to_owned());
        }
    }
    for header in headers() {
        let mut in_enum = false;
        for line in std::fs::read_to_string(&header).expect("a header").lines() {
            let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let name = |i: usize| words.get(i).map(|word| (*word).to_owned());
            if line.starts_with("#define ") || line.starts_with("#undef ") {
                let name = name(2).expect("the name of a macro");
                if line.starts_with("#define ") {
                    found.insert(name);
                } else {
                    found.remove(&name);
                }
            } else if line.ends_with('{') && (line.starts_with("struct ") || line.starts_with("enum ")) {
                found.extend(name(1).filter(|name| !name.is_empty()));
                in_enum = line.starts_with("enum ");
            } else if line.starts_with('}') {
                in_enum = false;
            } else if in_enum && line.starts_with('\t') && line.contains(" = ") {
                found.extend(name(1));
            }
        }
    }
    found
}

/// A header that brings more names than it should may break a program that has them, too.
#[test]
fn there_are_no_other_names() {
    let api = api();
    let listed: BTreeSet<String> = api
        .iter()
        .filter(|row| row.kind != "undefined")
        .map(|row| row.name.clone())
        .collect();
    let found = declared();
    // The C library's, where it hides them, and the kernel's, where its headers are old.
    let others = ["_GNU_SOURCE", "AT_FDCWD", "__id_t_defined", "open_how"];
    let surplus: Vec<_> = found
        .difference(&listed)
        .filter(|name| !others.contains(&name.as_str()))
        .collect();
    assert!(surplus.is_empty(), "not listed: {surplus:?}");
    // What the search above does not see it cannot judge.
    let unseen: Vec<_> = listed.difference(&found).collect();
    assert!(unseen.is_empty(), "not found: {unseen:?}");
}

/// The rows that a header contradicts, by name or by structure and field: assertions that fail, not those that cannot be
/// made for want of a name.
fn contradicted(outcome: &Outcome, names: &[Name], fields: &[Field]) -> BTreeSet<String> {
    let named = |place: &Place| {
        let name = names.iter().find(|row| row.place == *place).map(|row| row.name.clone());
        let field = fields.iter().find(|row| row.place == *place);
        name.or(field.map(|row| format!("{}.{}", row.structure, row.field)))
    };
    let mut found = BTreeSet::new();
    let mut failed = false;
    for line in outcome.stderr.lines() {
        if let Some((_, error)) = line.split_once("error: ") {
            failed = error.starts_with("static assertion failed");
        }
        // The error itself is in a macro; a note says where that was used.
        let place = line.split_once(':').and_then(|(table, rest)| {
            let line = rest.split(':').next()?.parse().ok()?;
            Some((table.to_owned(), line))
        });
        if let Some(name) = place.filter(|_| failed).and_then(|place| named(&place)) {
            found.insert(name);
        }
    }
    found
}

/// The names in headers that begin as the interface's do; no comments.
fn mentioned(headers: &[PathBuf]) -> BTreeSet<String> {
    let prefixes = [
        "io_uring",
        "_io_uring",
        "__io_uring",
        "uring_",
        "IORING_",
        "IOSQE_",
        "IO_URING_",
        "IO_WQ_",
        "LIBURING_",
    ];
    let mut found = BTreeSet::new();
    for header in headers {
        let text = std::fs::read_to_string(header).unwrap_or_else(|e| panic!("{}: {e}", header.display()));
        for part in text.split("/*") {
            let code = part.split_once("*/").map_or(part, |(_, code)| code);
            let code = code.lines().filter(|line| !line.starts_with("#include"));
            for word in code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')) {
                if prefixes.iter().any(|prefix| word.starts_with(prefix)) {
                    found.insert(word.to_owned());
                }
            }
        }
    }
    found
}

/// A second opinion: the header of the distribution's liburing, which the tables were not made from. Where it is 2.3, the
/// differences are known, with a reason each.
#[test]
fn the_distributions_header_agrees() {
    let version = Command::new("pkg-config").args(["--modversion", "liburing"]).output();
    let version = version.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let system = PathBuf::from("/usr/include/liburing.h");
    if !version.is_ok_and(|version| version == "2.3") || !system.exists() {
        assert!(
            std::env::var_os("AIOURING_TESTS_NO_SKIP").is_none(),
            "liburing 2.3 is not installed"
        );
        return;
    }
    let text = std::fs::read_to_string(here("data/liburing-2.3-differences.tsv")).expect("the table");
    let rows: Vec<Vec<_>> = text.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 3 && !row[2].is_empty()), "{text}");
    let known = |kind: &str| -> BTreeSet<String> {
        let rows = rows.iter().filter(|row| row[1] == kind);
        rows.map(|row| row[0].to_owned()).collect()
    };

    let (names, fields) = (api(), structs());
    let program = program("liburing.h", Language::C, &names, &fields);
    let outcome = compile(Whose::Theirs, "gcc", Language::C, "gnu11", &program);
    assert_eq!(contradicted(&outcome, &names, &fields), known("other"));

    let mut theirs = vec![system];
    let dir = std::fs::read_dir("/usr/include/liburing").expect("its headers");
    theirs.extend(dir.flatten().map(|entry| entry.path()));
    let (ours, theirs) = (mentioned(&headers()), mentioned(&theirs));
    assert!(theirs.len() > 300, "{theirs:?}");
    let gone: BTreeSet<_> = theirs.difference(&ours).cloned().collect();
    assert_eq!(gone, known("gone"));
}

/// A comment of our own says what a function does; several that belong together may share one.
#[test]
fn every_function_has_a_comment() {
    let mut seen = BTreeSet::new();
    for header in ["liburing.h", "aiouring.h"] {
        let text = std::fs::read_to_string(root().join("include").join(header)).expect("the header");
        for paragraph in text.split("\n\n") {
            let mut commented = false;
            for line in paragraph.lines() {
                commented |= line.contains("*/");
                let code = line.starts_with(|c: char| c.is_alphabetic() || c == '_');
                let Some((head, _)) = line.split_once('(').filter(|_| code) else {
                    continue;
                };
                let name = head.rsplit([' ', '*']).next().unwrap_or_default();
                assert!(commented, "{header}: {name} has no comment");
                seen.insert(name.to_owned());
            }
        }
    }
    let missed: Vec<_> = api()
        .into_iter()
        .filter(|row| ["exported", "inline", "inline exported", "local"].contains(&row.kind.as_str()))
        .filter(|row| !seen.contains(&row.name))
        .collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
