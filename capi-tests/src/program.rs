//! The C programs in `c/`: one per behaviour, exit code 0, 1 or 77 (cannot run here).
//!
//! The first lines of a program may say how it is run:
//!
//! | directive | meaning |
//! | --- | --- |
//! | `// variants: ours,preload` | only against these |
//! | `// except: caller (why)` | not against these |
//! | `// stdout: free` | what it prints may differ between the variants |
//! | `// old-kernel: no (why)` | the kernel's part of it is younger than Linux 5.19 |
//! | `// oracle: yes` | a program of the liburing face that the distribution's liburing passes too |
//! | `// their-headers: no (why)` | such a program needs more than the distribution's headers have |
//! | `// mutants: order` | compiled with the thread sanitizer by the run of [`crate::mutants`] |

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use crate::run::{Outcome, run};

/// The C API that a program uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Face {
    /// `aio_*.c`: libaio.
    Aio,
    /// `uring_*.c`: liburing.
    Uring,
    /// `ext_*.c`: the extensions, `libaiouring.so.1`. Those of AIO contexts are in `aio_ext_*.c`, too: libaio.so.1 has them.
    Ext,
}

impl Face {
    fn soname(self) -> &'static str {
        match self {
            Self::Aio => "libaio.so.1",
            Self::Uring => "liburing.so.2",
            Self::Ext => "libaiouring.so.1",
        }
    }

    fn link(self) -> &'static str {
        match self {
            Self::Aio => "-laio",
            Self::Uring => "-luring",
            Self::Ext => "-laiouring",
        }
    }
}

/// The library that a program runs with, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variant {
    /// The distribution's library.
    Theirs,
    /// Ours, by the library path.
    Ours,
    /// Ours, told to use kernel AIO.
    OursKernel,
    /// Ours, where a seccomp filter answers `EPERM` to io_uring's system calls.
    OursEperm,
    /// Ours, where they do not exist (`ENOSYS`).
    OursEnosys,
    /// The distribution's library with `libaiouring.so.1` loaded before it.
    Preload,
    /// Ours with `libaiouring.so.1` loaded before it: for programs that need versions which the
    /// distribution's library does not define, and with it would not start.
    PreloadOurs,
    /// Ours, told to ask the kernel about every address.
    Strict,
    /// Ours, with threads that are alone with a context entering the kernel from the first request on.
    Own,
    /// Ours, with the program's threads entering the kernel.
    Caller,
    /// Ours, with a thread of the kernel that takes the requests.
    Sqpoll,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Theirs,
        Self::Ours,
        Self::OursKernel,
        Self::OursEperm,
        Self::OursEnosys,
        Self::Preload,
        Self::PreloadOurs,
        Self::Strict,
        Self::Own,
        Self::Caller,
        Self::Sqpoll,
    ];

    /// The name in directives and test names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Theirs => "theirs",
            Self::Ours => "ours",
            Self::OursKernel => "ours-kernel",
            Self::OursEperm => "ours-eperm",
            Self::OursEnosys => "ours-enosys",
            Self::Preload => "preload",
            Self::PreloadOurs => "preload-ours",
            Self::Strict => "strict",
            Self::Own => "own",
            Self::Caller => "caller",
            Self::Sqpoll => "sqpoll",
        }
    }

    /// Whether AIO contexts are ours and not the kernel's.
    pub fn uses_rings(self) -> bool {
        !matches!(
            self,
            Self::Theirs | Self::OursKernel | Self::OursEperm | Self::OursEnosys
        )
    }

    /// Makes a command run with the library of this variant; `Err` says why it cannot.
    pub fn command(self, face: Face, program: &Path) -> Result<Command, String> {
        let ours = crate::build_dir();
        let theirs = || {
            let soname = face.soname();
            let path = crate::distribution_library(soname).ok_or(format!("no {soname} is installed"))?;
            Ok::<_, String>(path.parent().expect("a file in a directory").to_owned())
        };
        let mut command = match self {
            Self::OursEperm | Self::OursEnosys => {
                let mut command = Command::new(deny_uring()?);
                command
                    .arg(if self == Self::OursEperm { "EPERM" } else { "ENOSYS" })
                    .arg(program);
                command
            }
            _ => Command::new(program),
        };
        for name in [
            "LD_PRELOAD",
            "AIOURING_BACKEND",
            "AIOURING_CHECK",
            "AIOURING_FAULT",
            "AIOURING_ISSUER",
        ] {
            command.env_remove(name);
        }
        match self {
            Self::Theirs => command.env("LD_LIBRARY_PATH", theirs()?),
            Self::Ours | Self::OursEperm | Self::OursEnosys => command.env("LD_LIBRARY_PATH", ours),
            Self::OursKernel => command.env("LD_LIBRARY_PATH", ours).env("AIOURING_BACKEND", "kernel"),
            Self::Strict => command.env("LD_LIBRARY_PATH", ours).env("AIOURING_CHECK", "strict"),
            Self::Own => command.env("LD_LIBRARY_PATH", ours).env("AIOURING_ISSUER", "own"),
            Self::Caller => command.env("LD_LIBRARY_PATH", ours).env("AIOURING_ISSUER", "caller"),
            Self::Sqpoll => command.env("LD_LIBRARY_PATH", ours).env("AIOURING_ISSUER", "sqpoll"),
            // The loader goes on without a library that is not there.
            Self::Preload => command
                .env("LD_LIBRARY_PATH", theirs()?)
                .env("LD_PRELOAD", crate::library("libaiouring.so.1")),
            Self::PreloadOurs => command
                .env("LD_LIBRARY_PATH", ours)
                .env("LD_PRELOAD", crate::library("libaiouring.so.1")),
        };
        Ok(command)
    }
}

/// One C program and what was found out about it.
pub struct Program {
    /// The file name without `.c`.
    pub name: String,
    /// The API that it uses.
    pub face: Face,
    /// The variants that it runs in.
    pub variants: Vec<Variant>,
    /// Whether its output must be the same in `theirs` and `ours`.
    pub same_output: bool,
    /// Whether its output is compared with the table of rows.
    pub prints_rows: bool,
    /// Whether it holds without what newer kernels have.
    pub old_kernel: bool,
    /// Whether it can be built as programs were that exist: with the distribution's headers and library.
    pub their_headers: bool,
    source: PathBuf,
    binary: OnceLock<Result<PathBuf, String>>,
    outcomes: [OnceLock<Result<Outcome, String>>; Variant::ALL.len()],
}

impl Program {
    /// All programs of `c/`, by name.
    ///
    /// # Panics
    /// If one has a directive with an unknown variant: a typing error must not lose tests.
    pub fn all() -> Vec<Self> {
        let entries = std::fs::read_dir(crate::here("c")).into_iter().flatten().flatten();
        let mut sources: Vec<_> = entries.map(|e| e.path()).collect();
        sources.retain(|path| path.extension().is_some_and(|e| e == "c"));
        sources.sort();
        sources.into_iter().filter_map(Self::new).collect()
    }

    fn new(source: PathBuf) -> Option<Self> {
        let name = source.file_stem()?.to_str()?.to_owned();
        let face = match name.split('_').next()? {
            "aio" => Face::Aio,
            "uring" => Face::Uring,
            "ext" => Face::Ext,
            _ => return None,
        };
        let text = std::fs::read_to_string(&source).ok()?;
        let directive = |key: &str| {
            text.lines()
                .take(5)
                .filter_map(|line| line.trim_start_matches(['/', '*', ' ']).split_once(':'))
                .find(|(k, _)| k.trim() == key)
                .map(|(_, value)| value.trim_end_matches(['*', '/', ' ']).trim().to_owned())
        };
        let named = |list: &str| -> Vec<_> {
            list.split(',')
                .map(|word| {
                    let known = Variant::ALL.into_iter().find(|v| v.name() == word.trim());
                    known.unwrap_or_else(|| panic!("{}: unknown variant {word}", source.display()))
                })
                .collect()
        };
        let mut variants = match directive("variants") {
            Some(list) => named(&list),
            // Kernel AIO and the distribution's library have not what they are about.
            None if name.starts_with("aio_ext_") => vec![
                Variant::Ours,
                Variant::PreloadOurs,
                Variant::Own,
                Variant::Caller,
                Variant::Sqpoll,
            ],
            None if face == Face::Ext => vec![Variant::Ours],
            None if face == Face::Aio => Variant::ALL
                .into_iter()
                .filter(|v| *v != Variant::PreloadOurs)
                .collect(),
            None if directive("oracle").as_deref() == Some("yes") => {
                vec![Variant::Theirs, Variant::Ours, Variant::Preload]
            }
            None => vec![Variant::Ours, Variant::PreloadOurs],
        };
        if let Some(list) = directive("except") {
            let list = named(list.split(" (").next().unwrap_or(&list));
            variants.retain(|v| !list.contains(v));
        }
        let prints_rows = name.starts_with("aio_rows_");
        let same_output = face == Face::Aio
            && !prints_rows
            && directive("stdout").as_deref() != Some("free")
            && variants.contains(&Variant::Theirs)
            && variants.contains(&Variant::Ours);
        Some(Self {
            name,
            face,
            variants,
            same_output,
            prints_rows,
            old_kernel: directive("old-kernel").is_none_or(|value| !value.starts_with("no")),
            their_headers: directive("oracle").as_deref() == Some("yes")
                && directive("their-headers").is_none_or(|value| !value.starts_with("no")),
            source,
            binary: OnceLock::new(),
            outcomes: Default::default(),
        })
    }

    /// What became of the program in a variant; it is run once, whoever asks.
    pub fn outcome(&self, variant: Variant) -> &Result<Outcome, String> {
        self.outcomes[variant as usize].get_or_init(|| self.run(variant, Duration::from_secs(60) * scale(), |_| ()))
    }

    /// Runs the program in a directory of its own, after a last `change` of the command.
    pub fn run(&self, variant: Variant, limit: Duration, change: impl FnOnce(&mut Command)) -> Result<Outcome, String> {
        let binary = self.binary.get_or_init(|| compile(&self.source, self.face)).clone()?;
        self.start(&binary, variant, limit, change)
    }

    /// Runs it with our library, but built with the distribution's headers and linked to its library: inlines of another
    /// version, and what they read of our structures.
    ///
    /// # Errors
    /// It does not compile.
    pub fn run_as_built_before(&self) -> Result<Outcome, String> {
        let binary = compile_with_theirs(&self.source, self.face)?;
        self.start(&binary, Variant::Ours, Duration::from_secs(60) * scale(), |_| ())
    }

    fn start(
        &self,
        binary: &Path,
        variant: Variant,
        limit: Duration,
        change: impl FnOnce(&mut Command),
    ) -> Result<Outcome, String> {
        let dir = crate::temp_dir();
        let mut command = variant.command(self.face, binary)?;
        command.current_dir(&dir).env("TEST_TMPDIR", dir.path());
        if !variant.uses_rings() {
            // The work of long tests is for the library, not for the kernel's AIO.
            command.env_remove("TEST_SCALE");
        }
        change(&mut command);
        Ok(run(&mut command, limit))
    }
}

/// How many times their usual work the programs do with the library's rings: `TEST_SCALE`, which they read
/// themselves.
pub fn scale() -> u32 {
    std::env::var("TEST_SCALE")
        .ok()
        .and_then(|v| v.parse().ok())
        .filter(|n| *n > 0)
        .unwrap_or(1)
}

/// Compiles a program against our headers and library, unless that was done since either changed.
fn compile(source: &Path, face: Face) -> Result<PathBuf, String> {
    let include = crate::root().join("include");
    let mut inputs = vec![source.to_owned()];
    for dir in [
        source.parent().expect("a file in a directory"),
        &include,
        &include.join("liburing"),
    ] {
        let entries = std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        inputs.extend(
            entries
                .flatten()
                .map(|e| e.path())
                .filter(|p| p.extension().is_some_and(|e| e == "h")),
        );
    }
    let library = crate::build_dir().join(face.soname());
    if !library.exists() {
        return Err(format!("{} is missing: run `make build`", library.display()));
    }
    cached(source, "", &inputs, |command| {
        command
            .arg("-I")
            .arg(&include)
            .arg("-I")
            .arg(crate::here("c"))
            .arg("-pthread");
        // By the bare name: against build/ or build-faults/, the binary is the same. A program that calls
        // nothing of the library has it from dlopen alone.
        vec![
            "-L".into(),
            crate::build_dir().into_os_string(),
            "-Wl,--as-needed".into(),
            face.link().into(),
        ]
    })
}

/// Compiles a program against the distribution's headers and library.
fn compile_with_theirs(source: &Path, face: Face) -> Result<PathBuf, String> {
    let dir = source.parent().expect("a file in a directory");
    let inputs = [source.to_owned(), dir.join("check.h"), dir.join("uring_check.h")];
    cached(source, ".theirs", &inputs, |command| {
        // Their inlines are not ours to warn about.
        command.args(["-w", "-pthread", "-I"]).arg(dir);
        vec!["-Wl,--as-needed".into(), face.link().into()]
    })
}

/// Compiles a program of `c/tools/` against the library of a face.
///
/// # Errors
/// It does not compile, or the library is not there.
pub fn tool(name: &str, face: Face) -> Result<PathBuf, String> {
    static COMPILING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = COMPILING.lock();
    compile(&crate::here("c/tools").join(name).with_extension("c"), face)
}

/// The wrapper that denies io_uring to its command.
fn deny_uring() -> Result<PathBuf, String> {
    static PATH: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let source = crate::here("c/tools/deny_uring.c");
    PATH.get_or_init(|| cached(&source, "", std::slice::from_ref(&source), |_| Vec::new()))
        .clone()
}

/// Compiles one source file with additional options (before it) and libraries (after it); `suffix` tells binaries of one
/// source from each other.
fn cached(
    source: &Path,
    suffix: &str,
    inputs: &[PathBuf],
    options: impl FnOnce(&mut Command) -> Vec<std::ffi::OsString>,
) -> Result<PathBuf, String> {
    let modified = |path: &Path| {
        path.metadata()
            .and_then(|m| m.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let dir = crate::scratch().join("bin");
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    let mut name = source.file_stem().expect("a file").to_owned();
    name.push(suffix);
    let output = dir.join(name);
    if output.exists() && inputs.iter().all(|input| modified(input) < modified(&output)) {
        return Ok(output);
    }
    // Renamed when complete: another run of the tests may execute the old one.
    let new = dir.join(format!(
        "{}.{}",
        output.file_name().expect("a file").to_string_lossy(),
        std::process::id()
    ));
    let mut command = Command::new(crate::cc());
    command
        .args([
            "-std=gnu11",
            "-D_GNU_SOURCE",
            "-O1",
            "-g",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-o",
        ])
        .arg(&new);
    let libraries = options(&mut command);
    let outcome = run(command.arg(source).args(libraries), Duration::from_secs(60));
    if !outcome.success() {
        return Err(format!("{} does not compile: {}", source.display(), outcome.report()));
    }
    std::fs::rename(&new, &output).map_err(|e| e.to_string())?;
    Ok(output)
}
