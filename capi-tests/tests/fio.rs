//! The distribution's fio, unchanged, on our libraries: the data verify, and the system calls say
//! which way they took.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use capi_tests::program::{Face, Variant};
use capi_tests::run::{Outcome, run};
use capi_tests::trace::{self, Call, need_strace, sum};
use capi_tests::{has, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    let mut trials = Vec::new();
    let mut add = |name: String, test: Box<dyn FnOnce() -> Result<Completion, Failed> + Send>| {
        trials.push(Trial::ignorable_test(name, move || {
            if has("fio") { test() } else { capi_tests::skip("no fio") }
        }));
    };
    for variant in Variant::ALL.into_iter().filter(|v| *v != Variant::Theirs) {
        for direct in [0, 1] {
            for depth in [1, 32] {
                for backend in [None, Some("kernel")] {
                    // The library path with the kernel backend is a variant of its own.
                    if backend.is_some() && variant != Variant::Preload {
                        continue;
                    }
                    let name = format!(
                        "verify::{}{}::direct{direct}-depth{depth}",
                        variant.name(),
                        backend.map_or("", |_| "-kernel")
                    );
                    add(name, Box::new(move || verify(variant, backend, direct, depth)));
                }
            }
        }
    }
    for variant in [Variant::Ours, Variant::Preload] {
        for (name, job) in JOBS {
            for direct in ["--direct=0", "--direct=1"] {
                add(
                    format!("job::{}::{name}-{}", variant.name(), &direct[2..]),
                    Box::new(move || one_job(variant, direct, job)),
                );
            }
        }
        add(
            format!("calls::{}::uring", variant.name()),
            Box::new(move || uring_calls(variant)),
        );
        add(
            format!("calls::{}::kernel", variant.name()),
            Box::new(move || kernel_calls(variant)),
        );
        add(
            format!("calls::{}::buffered", variant.name()),
            Box::new(move || buffered_calls(variant)),
        );
    }
    capi_tests::main(trials)
}

/// A job file's worth of options, as arguments.
fn options(dir: &Path, more: &[&str]) -> Vec<String> {
    let dir = format!("--directory={}", dir.display());
    let fixed = [
        "--name=job",
        "--ioengine=libaio",
        "--bs=4k",
        "--group_reporting",
        "--randrepeat=1",
        &dir,
    ];
    fixed.iter().chain(more).map(|s| s.to_string()).collect()
}

/// The ways in which fio's engine can go about it.
const JOBS: [(&str, &[&str]); 7] = [
    ("processes", &["--numjobs=4", "--iodepth=16"]),
    ("threads", &["--numjobs=4", "--iodepth=16", "--thread"]),
    ("reap", &["--userspace_reap=1", "--iodepth=32", "--thread"]),
    (
        "batches",
        &[
            "--iodepth=64",
            "--iodepth_batch_submit=16",
            "--iodepth_batch_complete_min=4",
            "--iodepth_batch_complete_max=32",
        ],
    ),
    ("fsync", &["--fsync=8", "--iodepth=16", "--thread"]),
    ("fdatasync", &["--fdatasync=4", "--iodepth=16", "--numjobs=2"]),
    ("priorities", &["--cmdprio_percentage=50", "--iodepth=16", "--thread"]),
];

/// One of them, and with vectors where this fio knows them.
fn one_job(variant: Variant, direct: &str, job: &[&str]) -> Result<Completion, Failed> {
    let help = run(Command::new("fio").arg("--enghelp=libaio"), LIMIT);
    let vectored = help.stdout.contains("libaio_vectored");
    for vectored in [None]
        .into_iter()
        .chain(vectored.then_some(Some("--libaio_vectored=1")))
    {
        let dir = temp_dir();
        let mut fio = variant.command(Face::Aio, Path::new("fio"))?;
        let fixed = [
            "--rw=randrw",
            "--verify=crc32c",
            "--size=4m",
            "--bsrange=4k-64k",
            direct,
        ];
        let job: Vec<_> = fixed.iter().chain(job).copied().chain(vectored).collect();
        passed(&run(fio.args(options(dir.path(), &job)).current_dir(&dir), LIMIT))?;
    }
    Ok(Completion::Completed)
}

fn passed(outcome: &Outcome) -> Result<Completion, Failed> {
    // fio reports some errors in its output only.
    let clean = outcome.success() && !outcome.stderr.contains("verify:") && outcome.stdout.contains("err= 0");
    if clean {
        Ok(Completion::Completed)
    } else {
        Err(outcome.report().into())
    }
}

fn verify(variant: Variant, backend: Option<&str>, direct: u32, depth: u32) -> Result<Completion, Failed> {
    let dir = temp_dir();
    let mut command = variant.command(Face::Aio, Path::new("fio"))?;
    if let Some(backend) = backend {
        command.env("AIOURING_BACKEND", backend);
    }
    let (direct, depth) = (format!("--direct={direct}"), format!("--iodepth={depth}"));
    let job = [
        "--rw=randwrite",
        "--verify=crc32c",
        "--size=8m",
        "--numjobs=2",
        &direct,
        &depth,
    ];
    passed(&run(command.args(options(dir.path(), &job)).current_dir(&dir), LIMIT))
}

/// The size of the file of a traced job, and the requests that go through all of it once.
const SIZE: usize = 4 << 20;
const REQUESTS: u64 = (SIZE / 4096) as u64;

/// Runs a job on a file that is there (no block of it is left to be allocated) and returns its
/// system calls of these names.
fn traced(variant: Variant, backend: &str, names: &str, job: &[&str]) -> Result<Vec<Call>, Failed> {
    let dir = temp_dir();
    let file = std::fs::File::create(dir.path().join("data")).map_err(|e| e.to_string())?;
    std::io::Write::write_all(&mut &file, &vec![7; SIZE]).map_err(|e| e.to_string())?;
    file.sync_all().map_err(|e| e.to_string())?;

    let log = dir.path().join("calls");
    let mut fio = variant.command(Face::Aio, Path::new("fio"))?;
    fio.env("AIOURING_BACKEND", backend);
    let size = format!("--size={SIZE}");
    let fixed = ["--thread", "--filename=data", "--overwrite=1", "--iodepth=16", &size];
    let job: Vec<_> = fixed.iter().chain(job).copied().collect();
    fio.args(options(dir.path(), &job)).current_dir(&dir);
    let outcome = run(&mut trace::traced(&fio, names, &log), LIMIT);
    passed(&outcome)?;
    Ok(trace::calls(&log)?)
}

const TRANSFERS: &str = "read,pread64,readv,preadv,preadv2,write,pwrite64,writev,pwritev,pwritev2";

/// Direct I/O on the uring backend: io_uring carries all of it, nothing else touches the file.
fn uring_calls(variant: Variant) -> Result<Completion, Failed> {
    if let Some(skipped) = need_strace() {
        return skipped;
    }
    let names = format!("io_submit,io_getevents,io_uring_enter,{TRANSFERS}");
    let calls = traced(variant, "uring", &names, &["--rw=randrw", "--direct=1"])?;
    for call in &calls {
        if ["io_submit", "io_getevents"].contains(&call.name.as_str()) {
            return Err(format!("kernel AIO was used: {} = {}", call.arguments, call.result).into());
        }
        if call.name != "io_uring_enter" && call.arguments.contains("/data>") {
            return Err(format!("not through the ring: {} = {}", call.arguments, call.result).into());
        }
    }
    let submitted = sum(&calls, "io_uring_enter");
    if submitted < REQUESTS {
        return Err(format!("{submitted} requests went through io_uring, {REQUESTS} were made").into());
    }
    Ok(Completion::Completed)
}

/// The kernel backend: kernel AIO carries everything, io_uring nothing.
fn kernel_calls(variant: Variant) -> Result<Completion, Failed> {
    if let Some(skipped) = need_strace() {
        return skipped;
    }
    for direct in ["--direct=0", "--direct=1"] {
        let names = format!("io_submit,io_uring_setup,io_uring_enter,{TRANSFERS}");
        let calls = traced(variant, "kernel", &names, &["--rw=randrw", direct])?;
        let submitted = sum(&calls, "io_submit");
        if submitted != REQUESTS {
            return Err(format!("{direct}: {submitted} requests of {REQUESTS} went through io_submit").into());
        }
        if let Some(call) = calls
            .iter()
            .find(|c| c.name.starts_with("io_uring") || (c.name != "io_submit" && c.arguments.contains("/data>")))
        {
            return Err(format!("{direct}: not through kernel AIO: {} = {}", call.arguments, call.result).into());
        }
    }
    Ok(Completion::Completed)
}

/// Buffered I/O on the uring backend: kernel AIO has no part in it.
fn buffered_calls(variant: Variant) -> Result<Completion, Failed> {
    if let Some(skipped) = need_strace() {
        return skipped;
    }
    let calls = traced(variant, "uring", "io_submit,io_setup", &["--rw=randrw", "--direct=0"])?;
    match calls.first() {
        Some(call) => Err(format!("kernel AIO was used: {} = {}", call.arguments, call.result).into()),
        None => Ok(Completion::Completed),
    }
}
