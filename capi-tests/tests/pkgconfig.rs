//! The installed tree is what a distribution and its users' build systems expect.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capi_tests::run::{Outcome, run};
use capi_tests::{build_dir, cc, distribution_library, here, root, temp_dir};

fn finish(command: &mut Command) -> Outcome {
    let outcome = run(command, Duration::from_secs(60));
    assert!(outcome.success(), "{command:?}: {}", outcome.report());
    outcome
}

/// `meson install` into a directory of the test.
struct Installed {
    dest: tempfile::TempDir,
    libdir: PathBuf,
}

impl Installed {
    fn new() -> Self {
        let dest = temp_dir();
        finish(
            Command::new("meson")
                .args(["install", "--no-rebuild", "-C"])
                .arg(build_dir())
                .env("DESTDIR", dest.path()),
        );
        let libdir = find(dest.path(), "pkgconfig")
            .and_then(|p| Some(p.parent()?.to_owned()))
            .expect("a libdir");
        Self { dest, libdir }
    }

    fn pkg_config(&self, args: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command
            .env("PKG_CONFIG_LIBDIR", self.libdir.join("pkgconfig"))
            .env("PKG_CONFIG_SYSROOT_DIR", self.dest.path());
        finish(command.args(args))
            .stdout
            .split_whitespace()
            .map(Into::into)
            .collect()
    }

    /// Compiles one of the small programs as a user of the package would, runs it and returns what
    /// its dynamic section says.
    fn compile_and_run(&self, package: &str, source: &str, is_static: bool) -> String {
        let program = self.dest.path().join(source);
        let flags = self.pkg_config(&["--cflags", package]);
        // Where the headers are, and nothing that would change how the program is compiled.
        assert!(flags.iter().all(|flag| flag.starts_with("-I")), "{package}: {flags:?}");
        let mut libs = self.pkg_config(&if is_static {
            vec!["--static", "--libs", package]
        } else {
            vec!["--libs", package]
        });
        if is_static {
            libs.push("-static".into());
        }
        let source = here("c/tools").join(source).with_extension("c");
        finish(
            Command::new(cc())
                .args(flags)
                .arg("-o")
                .arg(&program)
                .arg(source)
                .args(libs),
        );
        let mut command = Command::new(&program);
        let outcome = finish(command.current_dir(&self.dest).env("LD_LIBRARY_PATH", &self.libdir));
        assert_eq!(outcome.stderr, "", "{package}");
        finish(Command::new("readelf").arg("-dW").arg(&program)).stdout
    }
}

/// The first entry of this name below a directory.
fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<_> = std::fs::read_dir(dir).ok()?.flatten().map(|e| e.path()).collect();
    let hit = entries
        .iter()
        .find(|p| p.file_name().is_some_and(|n| n == name))
        .cloned();
    hit.or_else(|| entries.iter().find_map(|p| find(p, name)))
}

#[test]
fn installed_packages_compile_link_and_run() {
    let tree = Installed::new();
    for (package, version, soname, source) in [
        ("liburing", "2.15", "liburing.so.2", "use_uring"),
        ("liburing-ffi", "2.15", "liburing-ffi.so.2", "use_uring"),
        ("libaio", "0.3.113", "libaio.so.1", "use_aio"),
        ("aiouring", "1.0.0", "libaiouring.so.1", "use_both"),
    ] {
        assert_eq!(tree.pkg_config(&["--modversion", package]), [version], "{package}");
        let dynamic = tree.compile_and_run(package, source, false);
        assert!(dynamic.contains(&format!("[{soname}]")), "{package}: {dynamic}");
        let dynamic = tree.compile_and_run(package, source, true);
        assert!(!dynamic.contains("(NEEDED)"), "{package}: {dynamic}");
    }
}

/// Distributions put headers and libraries into trees of their own, which need not lie below the prefix.
#[test]
fn packages_name_directories_outside_of_the_prefix() {
    let dir = temp_dir();
    let build = dir.path().join("build");
    finish(Command::new("meson").arg("setup").arg(&build).arg(root()).args([
        "--prefix=/opt/out",
        "--libdir=/opt/lib",
        "--includedir=/opt/dev/include",
    ]));
    for (package, library) in [
        ("liburing", "-luring"),
        ("liburing-ffi", "-luring-ffi"),
        ("libaio", "-laio"),
        ("aiouring", "-laiouring"),
    ] {
        let outcome = finish(
            Command::new("pkg-config")
                .env("PKG_CONFIG_LIBDIR", &build)
                .args(["--cflags", "--libs", package]),
        );
        let flags: Vec<_> = outcome.stdout.split_whitespace().collect();
        assert_eq!(flags, ["-I/opt/dev/include", "-L/opt/lib", library], "{package}");
    }
}

/// The examples of the liburing face compile without a warning as strict C11 or C++17, with the installed headers and with
/// the distribution's, and do with either library what they say.
#[test]
fn examples_compile_and_run() {
    const WARNINGS: [&str; 8] = [
        "-D_GNU_SOURCE",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Wconversion",
        "-Wshadow",
        "-Werror",
    ];
    let tree = Installed::new();
    let dir = temp_dir();
    let data: Vec<u8> = (0..3_000_001_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("file"), &data).expect("a temporary file");
    let theirs = distribution_library("liburing.so.2").is_some();
    for installed in [true, false] {
        if !installed && !theirs {
            continue;
        }
        let (mut flags, mut libs) = (Vec::new(), vec!["-luring".to_owned()]);
        if installed {
            flags = tree.pkg_config(&["--cflags", "liburing"]);
            libs = tree.pkg_config(&["--libs", "liburing"]);
        }
        let run = |source: &str, arguments: &[&str]| {
            let cpp = source.ends_with(".cc");
            let program = path(source);
            if !program.exists() {
                let mut compile = Command::new(if cpp { "c++".to_owned() } else { cc() });
                compile.arg(if cpp { "-std=c++17" } else { "-std=c11" }).args(WARNINGS);
                compile.args(&flags).arg("-o").arg(&program);
                finish(compile.arg(root().join("examples").join(source)).args(&libs));
            }
            let mut command = Command::new("timeout");
            command.arg("60").arg(&program).args(arguments).current_dir(&dir);
            if installed {
                command.env("LD_LIBRARY_PATH", &tree.libdir);
            }
            // What it prints goes to a file: it may be any bytes.
            let output = fs::File::create(path("output")).expect("a temporary file");
            let status = command.stdout(output).status().expect("it starts");
            (status.code(), fs::read(path("output")).expect("a temporary file"))
        };
        assert_eq!(run("uring_cat.cc", &["file", "/proc/version", "file"]), {
            let version = fs::read("/proc/version").expect("a kernel with a version");
            (Some(0), [&data[..], &version, &data].concat())
        });
        assert_eq!(run("uring_cat.cc", &["missing"]).0, Some(1));
        assert_eq!(run("uring_copy.c", &["file", "copy"]).0, Some(0));
        assert_eq!(fs::read(path("copy")).ok().as_ref(), Some(&data));
        // It says to have a page, and has less: reads are short.
        let short = "/sys/devices/system/cpu/possible";
        assert_eq!(run("uring_copy.c", &[short, "copy"]).0, Some(0));
        assert_eq!(fs::read(path("copy")).ok(), fs::read(short).ok());
        for arguments in [&["8", "300000"][..], &["40", "20000"], &["1", "0"]] {
            let (code, output) = run("uring_echo.c", arguments);
            let said = String::from_utf8_lossy(&output).into_owned();
            assert!(code == Some(0) && said.contains("came back"), "{code:?}: {said}");
        }
        assert_eq!(run("uring_send_zc.c", &["3000001"]).0, Some(0));
        for source in ["uring_cat.cc", "uring_copy.c", "uring_echo.c", "uring_send_zc.c"] {
            fs::remove_file(path(source)).expect("it was compiled");
        }
    }
}

#[test]
fn headers_archives_and_links_are_installed() {
    let tree = Installed::new();
    let include = find(tree.dest.path(), "include").expect("an include directory");
    let sources = root().join("include");
    for dir in ["", "liburing", "liburing/io_uring"] {
        for header in std::fs::read_dir(sources.join(dir)).expect("headers").flatten() {
            let header = header.path();
            let header = header.strip_prefix(&sources).expect("it is there");
            assert!(include.join(header).exists(), "{}", header.display());
        }
    }
    for (name, soname) in [
        ("liburing", "so.2"),
        ("liburing-ffi", "so.2"),
        ("libaio", "so.1"),
        ("libaiouring", "so.1"),
    ] {
        let real = tree
            .libdir
            .join(format!("{name}.{soname}"))
            .canonicalize()
            .expect("the library");
        assert_eq!(
            tree.libdir.join(format!("{name}.so")).canonicalize().ok(),
            Some(real),
            "{name}"
        );
        assert!(tree.libdir.join(format!("{name}.a")).is_file(), "{name}");
    }
}

/// By the first name of a page, by another one, and by section.
#[test]
fn the_manual_is_installed_and_can_be_read() {
    let tree = Installed::new();
    let pages = find(tree.dest.path(), "man3").expect("a manual");
    let manual = pages.parent().expect("the directory of the sections");
    for (args, text) in [
        (
            &["io_uring_prep_read"][..],
            "io_uring_prep_read(struct io_uring_sqe *sqe, int fd",
        ),
        (
            &["io_uring_prep_write"],
            "io_uring_prep_read(struct io_uring_sqe *sqe, int fd",
        ),
        (&["2", "io_uring_enter"], "io_uring_enter2(unsigned int fd"),
        (&["7", "aiouring"], "AIOURING_BACKEND"),
        (&["io_submit"], "io_submit(io_context_t ctx"),
    ] {
        let outcome = finish(
            Command::new("mman")
                .args(["-c", "-O", "width=200", "-M"])
                .arg(manual)
                .args(args),
        );
        // A terminal's bold and underlined letters are printed twice.
        let mut plain = String::new();
        for c in outcome.stdout.chars() {
            if c == '\u{8}' {
                plain.pop();
            } else {
                plain.push(c);
            }
        }
        assert!(plain.contains(text), "{args:?}: {plain}");
    }
}

/// A program linked with the distribution's library runs with ours, and the loader has nothing to
/// say about versions.
#[test]
fn programs_of_the_distribution_run_unchanged() {
    let Some(theirs) = distribution_library("libaio.so.1") else {
        assert!(
            std::env::var_os("AIOURING_TESTS_NO_SKIP").is_none(),
            "no libaio.so.1 is installed"
        );
        return;
    };
    let dir = temp_dir();
    let program = dir.path().join("use_aio");
    let source = here("c/tools/use_aio.c");
    finish(
        Command::new(cc())
            .arg("-I")
            .arg(root().join("include"))
            .arg("-o")
            .arg(&program)
            .arg(source)
            .arg(theirs),
    );
    let ours = |command: &mut Command| finish(command.current_dir(&dir).env("LD_LIBRARY_PATH", build_dir()));
    let loaded = ours(Command::new(&program).env("LD_TRACE_LOADED_OBJECTS", "1")).stdout;
    assert!(
        loaded.contains(&format!("{}/libaio.so.1", build_dir().display())),
        "{loaded}"
    );
    assert_eq!(ours(&mut Command::new(&program)).stderr, "");
}
