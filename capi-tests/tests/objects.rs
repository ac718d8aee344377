//! The final objects, as the dynamic linker sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use capi_tests::api::names;
use capi_tests::{build_dir, distribution_library, here, library, root, temp_dir};

/// Name of the list of symbols, shared object, archive, largest size when stripped.
const LIBRARIES: [(&str, &str, &str, u64); 4] = [
    ("liburing", "liburing.so.2", "liburing.a", 40 << 10),
    ("liburing-ffi", "liburing-ffi.so.2", "liburing-ffi.a", 80 << 10),
    ("libaio", "libaio.so.1", "libaio.a", 136 << 10),
    ("libaiouring", "libaiouring.so.1", "libaiouring.a", 256 << 10),
];

/// What only a surviving panic path leaves in an object (src/panic.rs).
const PANIC: &[u8] = b"internal error: reached a panic";

fn output(command: &mut Command) -> String {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        out.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).expect("text")
}

fn readelf(options: &[&str], file: &Path) -> String {
    output(Command::new("readelf").arg("-W").args(options).arg(file))
}

/// The dynamic symbols that a shared object defines (`name@version`, `name@@version` if default,
/// a version node as `node@@node`), or the names of those that it imports.
fn dynamic_symbols(file: &Path, imported: bool) -> BTreeSet<String> {
    let table = readelf(&["--dyn-syms"], file);
    // Num: Value Size Type Bind Vis Ndx Name
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() >= 8 && row[0].trim_end_matches(':').parse::<u32>().is_ok())
        .filter(|row| (row[6] == "UND") == imported)
        .map(|row| match row[6] {
            "ABS" if !row[7].contains('@') => format!("{0}@@{0}", row[7]),
            "UND" => row[7].split('@').next().unwrap_or_default().into(),
            _ => row[7].into(),
        })
        .collect()
}

fn listed(name: &str) -> BTreeSet<String> {
    let path = here("symbols").join(name).with_extension("txt");
    std::fs::read_to_string(&path)
        .expect("a list of symbols")
        .lines()
        .map(Into::into)
        .collect()
}

fn assert_same(what: &str, found: &BTreeSet<String>, expected: &BTreeSet<String>) {
    let missing: Vec<_> = expected.difference(found).collect();
    let surplus: Vec<_> = found.difference(expected).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "{what}: missing {missing:?}, not listed {surplus:?}"
    );
}

#[test]
fn exports_are_the_listed_symbols_with_their_versions() {
    for (name, file, ..) in LIBRARIES {
        assert_same(name, &dynamic_symbols(&library(file), false), &listed(name));
    }
}

#[test]
fn libaio_exports_what_the_distributions_exports() {
    let Some(theirs) = theirs("libaio.so.1") else { return };
    let mut ours = dynamic_symbols(&library("libaio.so.1"), false);
    let extensions = ours.len();
    ours.retain(|symbol| !symbol.contains("@AIOURING_"));
    assert!(ours.len() < extensions, "the extensions of contexts are missing");
    assert_same("libaio", &ours, &dynamic_symbols(&theirs, false));
}

/// Minor numbers of the nodes `LIBURING_2.x` of either library, also of those that have no symbol.
const NODES: [(&str, RangeInclusive<u32>); 2] = [("liburing", 0..=15), ("liburing-ffi", 4..=16)];

/// The lists are written by hand; the table says what the original exports, in which version.
#[test]
fn listed_symbols_are_those_of_the_api() {
    let table = names("liburing-api");
    for (column, (name, nodes)) in NODES.into_iter().enumerate() {
        let symbols = table
            .iter()
            .map(|row| (&row.name, &row.versions[column]))
            .filter(|(_, version)| !version.is_empty())
            .map(|(symbol, version)| format!("{symbol}@@{version}"));
        let nodes = nodes.map(|minor| format!("LIBURING_2.{minor}@@LIBURING_2.{minor}"));
        assert_same(name, &listed(name), &symbols.chain(nodes).collect());
    }
    let symbols = |name| listed(name).iter().filter(|s| !s.starts_with("LIBURING_")).count();
    assert_eq!((symbols("liburing"), symbols("liburing-ffi")), (83, 223));
}

#[test]
fn libaiouring_exports_both_faces() {
    let both = listed("libaiouring");
    for name in ["liburing", "libaio"] {
        let missing: Vec<_> = listed(name).into_iter().filter(|s| !both.contains(s)).collect();
        assert!(missing.is_empty(), "libaiouring lacks {missing:?} of {name}");
    }
}

/// The version nodes that a shared object defines, each with its parents.
fn nodes(file: &Path) -> BTreeMap<String, Vec<String>> {
    let table = readelf(&["-V"], file);
    let definitions = table.split("Version definition section").nth(1).expect("definitions");
    let definitions = definitions.split("\n\n").next().unwrap_or_default();
    let mut nodes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in definitions.lines() {
        if let Some((_, name)) = line.split_once("Name: ") {
            last = name.trim().to_owned();
            nodes.entry(last.clone()).or_default();
        } else if let Some((_, parent)) = line.split_once("Parent ") {
            let parent = parent.split_once(": ").expect("a name").1.trim().to_owned();
            nodes.entry(last.clone()).or_default().push(parent);
        }
    }
    nodes
}

/// Each version contains the one before it, with or without symbols of its own.
#[test]
fn versions_follow_each_other() {
    for (name, range) in NODES {
        let first = *range.start();
        let expected: BTreeMap<_, Vec<_>> = range
            .map(|minor| {
                let parents = (minor > first).then(|| format!("LIBURING_2.{}", minor - 1));
                (format!("LIBURING_2.{minor}"), parents.into_iter().collect())
            })
            .collect();
        let mut found = nodes(&library(&format!("{name}.so.2")));
        found.retain(|node, _| node.starts_with("LIBURING_"));
        assert_eq!(found, expected, "{name}");
    }
}

/// The programs that watch `errno` call every function of the liburing face.
#[test]
fn errno_is_watched_in_every_function() {
    let programs: String = ["uring_errno.c", "uring_errno_new.c", "uring_functions.h"]
        .into_iter()
        .map(|name| std::fs::read_to_string(here("c").join(name)).expect("a program"))
        .collect();
    let called: BTreeSet<_> = programs
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    let list = listed("liburing");
    let forgotten: Vec<_> = list
        .iter()
        .filter_map(|symbol| symbol.split('@').next())
        .filter(|name| !name.starts_with("LIBURING_") && !called.contains(name))
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn dynamic_sections_say_what_the_originals_say() {
    for (name, file, ..) in LIBRARIES {
        let path = library(file);
        let dynamic = readelf(&["-d"], &path);
        let of = |tag: &str| dynamic.lines().filter(|l| l.contains(tag)).collect::<Vec<_>>();
        assert!(
            of("(SONAME)").len() == 1 && of("(SONAME)")[0].contains(&format!("[{file}]")),
            "{name}: {dynamic}"
        );
        assert!(
            of("(NEEDED)").iter().all(|l| l.contains("[libc.so.6]")),
            "{name}: {dynamic}"
        );
        assert!(
            of("BIND_NOW").len() == 1 && of("NODELETE").len() == 1,
            "{name}: {dynamic}"
        );
        // Nothing runs when a program merely loads the library.
        for tag in [
            "TEXTREL",
            "(INIT)",
            "(INIT_ARRAY)",
            "(PREINIT_ARRAY)",
            "(RPATH)",
            "(RUNPATH)",
        ] {
            assert!(of(tag).is_empty(), "{name}: {dynamic}");
        }
        let stack = readelf(&["-l"], &path);
        let stack = stack
            .lines()
            .find(|l| l.contains("GNU_STACK"))
            .expect("a GNU_STACK header");
        assert!(!stack.contains("RWE"), "{name}: {stack}");
    }
}

#[test]
fn development_links_lead_to_the_libraries() {
    for (name, file, ..) in LIBRARIES {
        let link = build_dir().join(format!("{name}.so"));
        assert_eq!(link.canonicalize().ok(), library(file).canonicalize().ok(), "{name}");
    }
}

/// The system call is inlined where this project knows how: `errno` is not even imported, but where
/// it has to be set, by `syscall`.
#[test]
#[cfg(target_arch = "x86_64")]
fn errno_is_out_of_reach() {
    for (name, file, ..) in LIBRARIES {
        assert_eq!(
            dynamic_symbols(&library(file), true).contains("__errno_location"),
            name == "libaiouring",
            "{name}"
        );
    }
}

#[test]
fn stripped_objects_are_small() {
    let dir = temp_dir();
    for (name, file, _, limit) in LIBRARIES {
        let stripped = dir.path().join(file);
        output(Command::new("strip").arg("-o").arg(&stripped).arg(library(file)));
        let size = stripped.metadata().expect("strip made it").len();
        println!("{name}: {size} bytes");
        assert!(size <= limit, "{name} has {size} bytes, the limit is {limit}");
    }
}

/// The distribution's library; `None` where it may be missing.
fn theirs(soname: &str) -> Option<PathBuf> {
    let found = distribution_library(soname);
    assert!(
        found.is_some() || std::env::var_os("AIOURING_TESTS_NO_SKIP").is_none(),
        "no {soname} is installed"
    );
    found
}

/// Relocations that the dynamic linker does when a program starts.
fn relocations(file: &Path) -> usize {
    let table = readelf(&["-r"], file);
    table.lines().filter(|line| line.contains(" R_")).count()
}

#[test]
fn a_program_starts_as_fast() {
    let Some(theirs) = theirs("liburing.so.2") else { return };
    let allowed = relocations(&theirs) + 10;
    for file in ["liburing.so.2", "liburing-ffi.so.2"] {
        let ours = relocations(&library(file));
        println!("{file}: {ours} relocations, {allowed} are allowed");
        assert!(ours <= allowed, "{file} has {ours} relocations");
    }
}

/// What `abidiff` says of a library in the place of another: bits of its exit code.
fn abidiff(old: &Path, new: &Path) -> i32 {
    let out = Command::new("abidiff")
        .arg("--no-added-syms")
        .args([old, new])
        .output()
        .expect("abigail-tools are installed");
    let code = out.status.code().expect("it exits");
    assert_eq!(code & 3, 0, "{}", String::from_utf8_lossy(&out.stderr));
    code
}

/// Nothing that the distribution's libraries have is gone or another, stripped or not.
#[test]
fn the_abi_of_the_distribution_is_kept() {
    let dir = temp_dir();
    for soname in ["liburing.so.2", "libaio.so.1"] {
        let Some(theirs) = theirs(soname) else { continue };
        let stripped = dir.path().join(soname);
        output(Command::new("strip").arg("-o").arg(&stripped).arg(library(soname)));
        for ours in [&library(soname), &stripped] {
            assert_eq!(abidiff(&theirs, ours), 0, "{}", ours.display());
        }
    }
    // The other way round, what is newer than the distribution's would be missed.
    let Some(theirs) = theirs("liburing.so.2") else { return };
    assert_ne!(abidiff(&library("liburing.so.2"), &theirs) & 8, 0);
}

/// What Debian's tool says of a library: whether all symbols of a file are there, in their versions.
fn has_symbols(soname: &str, symbols: &Path) -> bool {
    let dir = temp_dir();
    let tree = dir.path().join("tree");
    let libdir = tree.join("usr/lib");
    std::fs::create_dir_all(&libdir).expect("a directory");
    std::fs::copy(library(soname), libdir.join(soname)).expect("a copy");
    let package = soname.replace(".so.", "");
    let out = Command::new("dpkg-gensymbols")
        .args(["-v999", "-c1", "-q", &format!("-p{package}")])
        .arg(format!("-P{}", tree.display()))
        .arg(format!("-I{}", symbols.display()))
        .arg(format!("-O{}", dir.path().join("symbols").display()))
        .current_dir(&dir)
        .output()
        .expect("dpkg-dev is installed");
    out.status.success()
}

/// A package made of ours can keep the symbols files by which others depend on it.
#[test]
fn the_symbols_files_of_the_distribution_hold() {
    let Some(files) = std::fs::read_dir("/var/lib/dpkg/info").ok() else {
        return;
    };
    let mut seen = 0;
    for path in files.flatten().map(|f| f.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let soname = match name.split(['.', ':']).next() {
            Some("liburing2") => "liburing.so.2",
            Some("libaio1" | "libaio1t64") => "libaio.so.1",
            _ => continue,
        };
        if !name.ends_with(".symbols") {
            continue;
        }
        seen += 1;
        assert!(has_symbols(soname, &path), "{name}");
        let dir = temp_dir();
        let wrong = dir.path().join("wrong");
        let text = std::fs::read_to_string(&path).expect("a symbols file");
        std::fs::write(&wrong, format!("{text} io_none@LIBURING_2.0 1\n")).expect("a file");
        assert!(!has_symbols(soname, &wrong), "a symbol more is not missed");
    }
    assert!(
        seen == 2 || std::env::var_os("AIOURING_TESTS_NO_SKIP").is_none(),
        "{seen} files"
    );
}

/// Inline functions that liburing-ffi's map has never had.
const INLINES_WITHOUT_A_VERSION: [&str; 8] = [
    "__io_uring_prep_uring_cmd",
    "_io_uring_get_sqe",
    "io_uring_cqe_shift",
    "io_uring_cqe_shift_from_flags",
    "io_uring_initialize_sqe",
    "io_uring_load_sq_head",
    "io_uring_sqe_shift",
    "io_uring_sqe_shift_from_flags",
];

#[test]
fn archives_define_plain_names_and_only_the_exports() {
    for (name, _, archive, _) in LIBRARIES {
        let symbols = output(
            Command::new("nm")
                .args(["-g", "--defined-only", "-P"])
                .arg(library(archive)),
        );
        let found: BTreeSet<String> = symbols
            .lines()
            .filter(|line| !line.ends_with(':'))
            .filter_map(|line| line.split_whitespace().next().map(Into::into))
            .collect();
        // A default version stands for the plain name. liburing-ffi's map leaves one function of
        // liburing out, which its archive cannot.
        let (also, unlisted) = if name == "liburing-ffi" {
            (listed("liburing"), &INLINES_WITHOUT_A_VERSION[..])
        } else {
            (BTreeSet::new(), &[][..])
        };
        let expected = listed(name)
            .iter()
            .chain(&also)
            .filter_map(|s| s.split_once("@@"))
            .filter(|(symbol, version)| symbol != version)
            .map(|(symbol, _)| symbol.to_owned())
            .chain(unlisted.iter().map(|&symbol| symbol.to_owned()))
            .collect();
        assert_same(archive, &found, &expected);
    }
}

fn contains(file: &Path, needle: &[u8]) -> bool {
    std::fs::read(file)
        .expect("a file")
        .windows(needle.len())
        .any(|window| window == needle)
}

#[test]
fn no_panic_path_survives() {
    for (name, file, archive, _) in LIBRARIES {
        assert!(!contains(&library(file), PANIC), "{name}: an export can reach a panic");
        assert!(
            !contains(&library(archive), PANIC),
            "{archive}: an export can reach a panic"
        );
    }
}

/// The check above can fail: the same build of a crate that may panic leaves the text.
#[test]
fn a_panic_path_would_be_seen() {
    let dir = temp_dir();
    let object = dir.path().join("fixture.o");
    for (features, survives) in [("", false), ("panicking", true)] {
        output(
            Command::new(root().join("scripts/rust-object.sh"))
                .args([here("fixtures/panics"), capi_tests::scratch().join("fixture")])
                .args(["release", features, "fixture"])
                .args([&object, &dir.path().join("fixture.d")])
                .arg(capi_tests::cc()),
        );
        assert_eq!(contains(&object, PANIC), survives, "features {features:?}");
    }
}

/// Seeded faults belong to a build of their own (tests/faults.rs).
#[test]
fn no_fault_can_be_asked_for() {
    for (name, file, ..) in LIBRARIES {
        assert!(!contains(&library(file), b"AIOURING_FAULT"), "{name}");
    }
}
