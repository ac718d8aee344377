//! Virtual machines: a kernel of the distribution and an initial file system with one program of `c/tools/`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::run::run;
use crate::{cc, here, root};

/// Where `scripts/setup.sh` leaves a kernel and its modules.
fn guest() -> PathBuf {
    root().join("target/guest")
}

/// The kernel.
///
/// # Errors
/// It is not there.
pub fn kernel() -> Result<PathBuf, String> {
    let kernel = guest().join("vmlinuz");
    if kernel.exists() {
        Ok(kernel)
    } else {
        Err(format!("{} is missing: run `scripts/setup.sh test`", kernel.display()))
    }
}

/// One file of an initial file system.
fn archived(archive: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let mut header = String::from("070701");
    // inode, mode, owner, group, links, time, size, two devices' numbers, length of the name, checksum
    let fields = [0, 0o100755, 0, 0, 1, 0, bytes.len(), 0, 0, 0, 0, name.len() + 1, 0];
    for field in fields {
        write!(header, "{field:08x}").expect("a string takes all");
    }
    header.push_str(name);
    header.push('\0');
    for part in [header.as_bytes(), bytes] {
        archive.extend_from_slice(part);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
}

/// The initial file system: a program of `c/tools/` with these archives, and the modules for a disk.
///
/// # Errors
/// It does not compile, or something is not there.
pub fn initial(dir: &Path, source: &str, libraries: &[PathBuf]) -> Result<PathBuf, String> {
    let program = dir.join("init");
    let mut compile = Command::new(cc());
    compile
        .args([
            "-std=gnu11",
            "-D_GNU_SOURCE",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-static",
            "-I",
        ])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(here("c/tools").join(source))
        .args(libraries);
    let outcome = run(&mut compile, Duration::from_secs(60));
    if !outcome.success() {
        return Err(outcome.report());
    }
    let mut archive = Vec::new();
    archived(&mut archive, "init", &fs::read(&program).map_err(|e| e.to_string())?);
    let modules = fs::read_dir(guest()).map_err(|e| e.to_string())?;
    let modules = modules.flatten().map(|e| e.path());
    for (i, module) in modules.filter(|p| p.extension().is_some_and(|e| e == "ko")).enumerate() {
        archived(
            &mut archive,
            &format!("{i}.ko"),
            &fs::read(&module).map_err(|e| e.to_string())?,
        );
    }
    archived(&mut archive, "TRAILER!!!", &[]);
    let path = dir.join("initial");
    fs::write(&path, archive).map_err(|e| e.to_string())?;
    Ok(path)
}
