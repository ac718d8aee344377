//! The exports have the types that the headers declare: cbindgen writes their prototypes, and the
//! C compiler sees both.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use capi_tests::names::STRUCTURES;
use capi_tests::run::run;
use capi_tests::{cc, here, root, temp_dir};
use cbindgen::{Builder, Config, ItemType, Language, Style};

/// Rust's names of C types that are no structures.
const NAMES: [(&str, &str); 2] = [("Context", "io_context_t"), ("SigSet", "sigset_t")];

/// The source of a face, as cbindgen understands it: it does not know `cfg_attr` on names, by which
/// an export of two versions gets the plain one where there are no versions.
fn source(faces: &str) -> Option<String> {
    let mut text = String::new();
    for face in faces.split(' ') {
        text += &std::fs::read_to_string(root().join(format!("src/capi/{face}.rs"))).ok()?;
    }
    let lines = text.lines().map(
        |line| match line.strip_prefix("#[cfg_attr(not(feature = \"symver\"), ") {
            Some(attribute) => format!("#[{}]", attribute.trim_end_matches(")]")),
            None if line.starts_with("#[cfg_attr(feature = \"symver\"") => String::new(),
            // Of the second of several files it would not be at the beginning.
            None if line.starts_with("//!") => String::new(),
            None => line.to_owned(),
        },
    );
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// Every `struct` and `enum` that our headers mention.
fn tags() -> BTreeSet<(String, &'static str)> {
    let mut tags = BTreeSet::new();
    let include = root().join("include");
    for dir in [include.clone(), include.join("liburing")] {
        for header in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(text) = std::fs::read_to_string(header.path()) else {
                continue;
            };
            let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            for pair in words.windows(2) {
                if let Some(kind) = ["struct", "enum"].into_iter().find(|k| *k == pair[0]) {
                    tags.insert((pair[1].to_owned(), kind));
                }
            }
        }
    }
    tags
}

/// `list` is that of the symbols of a library.
fn prototypes(face: &str, list: &str, header: &str) {
    let Some(source) = source(face) else { return };
    let dir = temp_dir();
    let path = dir.path().join("exports.rs");
    std::fs::write(&path, source).expect("a temporary file");

    let mut config = Config {
        language: Language::C,
        style: Style::Tag,
        usize_is_size_t: true,
        ..Config::default()
    };
    config.no_includes = true;
    config.includes = vec![header.into()];
    config.export.item_types = vec![ItemType::Functions];
    config.export.rename.extend(
        tags()
            .into_iter()
            .map(|(tag, kind)| (tag.clone(), format!("{kind} {tag}"))),
    );
    config.export.rename.extend(
        NAMES
            .iter()
            .chain(STRUCTURES)
            .map(|(rust, c)| (rust.to_string(), c.to_string())),
    );
    // Only the functions: the types are the header's.
    config.export.exclude = vec!["Context".into(), "Callback".into()];

    let generated = dir.path().join("exports.h");
    Builder::new()
        .with_src(&path)
        .with_config(config)
        .generate()
        .expect("cbindgen reads it")
        .write_to_file(&generated);
    let text = std::fs::read_to_string(&generated).expect("cbindgen wrote it");
    complete(list, header, &text);

    let outcome = compile(&generated);
    assert!(outcome.success(), "{}\n{text}", outcome.report());
}

fn compile(generated: &Path) -> capi_tests::run::Outcome {
    let mut command = Command::new(cc());
    command
        .args(["-fsyntax-only", "-D_GNU_SOURCE", "-x", "c", "-I"])
        .arg(root().join("include"))
        .arg(generated);
    run(&mut command, Duration::from_secs(60))
}

/// No export may escape the comparison.
fn complete(list: &str, header: &str, text: &str) {
    let list = std::fs::read_to_string(here(&format!("symbols/{list}.txt"))).expect("a list of symbols");
    let header = std::fs::read_to_string(root().join("include").join(header)).expect("the header");
    let extensions = header.contains("AIOURING_H");
    let names = list
        .lines()
        .filter_map(|line| line.split_once("@@"))
        .filter(|(name, version)| name != version && version.starts_with("AIOURING_") == extensions)
        // Nor are the inline ones.
        .filter(|(name, _)| !extensions || header.contains(&format!("{name}(")) && !inline(&header, name));
    let missing: Vec<_> = names
        .map(|(name, _)| name)
        .filter(|name| !text.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "cbindgen does not see {missing:?}");
}

/// Whether the header defines it.
fn inline(header: &str, name: &str) -> bool {
    let at = header
        .find(&format!(" {name}("))
        .or_else(|| header.find(&format!("*{name}(")));
    at.and_then(|at| header[..at].rsplit('\n').next())
        .is_some_and(|line| line.starts_with("AIOURINGINLINE"))
}

#[test]
fn libaio() {
    prototypes("aio", "libaio", "libaio.h");
}

/// A file after the other: cbindgen follows no modules of a single file.
#[test]
fn extensions() {
    let mut faces: Vec<_> = std::fs::read_dir(root().join("src/capi/ext"))
        .expect("the extensions")
        .flatten()
        .filter_map(|entry| Some(format!("ext/{}", entry.path().file_stem()?.to_str()?)))
        .filter(|face| face != "ext/mod")
        .collect();
    faces.sort();
    prototypes(&faces.join(" "), "libaiouring", "aiouring.h");
}

#[test]
fn liburing() {
    prototypes("uring", "liburing", "liburing.h");
}

/// The comparison can fail.
#[test]
fn a_wrong_prototype_is_seen() {
    let dir = temp_dir();
    let header = dir.path().join("wrong.h");
    std::fs::write(&header, "#include \"libaio.h\"\nint io_destroy(long ctx);\n").expect("a temporary file");
    assert!(!compile(&header).success());
}
