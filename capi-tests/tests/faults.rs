//! The tests notice a wrong library: a build with seeded faults fails each of them, and passes
//! when no fault is asked for. The same build can do without what newer kernels have, so the C
//! programs run on an old kernel's ring as well.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use capi_tests::program::{Face, Program, Variant};
use capi_tests::rows::Table;
use capi_tests::run::{Outcome, run};
use capi_tests::{build_dir, cc, has, root, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

/// A byte of a read is wrong; an event never comes; an event comes twice.
const FAULTS: [&str; 3] = ["corrupt", "drop", "double"];

/// None of the runs takes a second; a lost event makes them wait for ever.
const LIMIT: Duration = Duration::from_secs(10);

fn main() {
    let dir = capi_tests::faults_dir();
    // SAFETY: no other thread has been started.
    unsafe { std::env::set_var("AIOURING_BUILD", &dir) };
    let built = Arc::new(capi_tests::build_with_faults());

    type Run = fn(Option<&str>) -> Result<Outcome, String>;
    let runs: [(&str, Run); 4] = [("copy", copy), ("demo", demo), ("fio", fio), ("programs", programs)];
    let mut trials = Vec::new();
    for (name, run) in runs {
        for fault in [None].into_iter().chain(FAULTS.map(Some)) {
            let built = Arc::clone(&built);
            let test = move || {
                built.as_ref().as_ref().map_err(Clone::clone)?;
                if ["demo", "fio"].contains(&name) && !has("fio") {
                    return capi_tests::skip("no fio");
                }
                judge(fault, run(fault)?)
            };
            trials.push(Trial::ignorable_test(
                format!("{name}::{}", fault.unwrap_or("none")),
                test,
            ));
        }
    }
    let table = Arc::new(Table::load());
    for program in Program::all() {
        if program.face == Face::Uring || !program.variants.contains(&Variant::Ours) || !program.old_kernel {
            continue;
        }
        let program = Arc::new(program);
        let mut trial = |condition: &'static str| {
            let (program, built, table) = (Arc::clone(&program), Arc::clone(&built), Arc::clone(&table));
            let name = format!("{}::{condition}", program.name);
            let test = move || {
                built.as_ref().as_ref().map_err(Clone::clone)?;
                let outcome = program.run(Variant::Ours, 6 * LIMIT, |command| {
                    command.env("AIOURING_FAULT", condition);
                })?;
                if program.prints_rows {
                    table
                        .as_ref()
                        .as_ref()
                        .map_err(Clone::clone)?
                        .compare(condition, &outcome.stdout)?;
                }
                judge(None, outcome)
            };
            trials.push(Trial::ignorable_test(name, test));
        };
        trial("old-kernel");
        if program.name.starts_with("ext_bufring") {
            trial("no-buffer-rings");
        }
        // What the kernel gives up is done by the library, with the same result.
        let name = program.name.as_str();
        if [
            "aio_direct",
            "aio_ext_cancel_race",
            "aio_fsync",
            "aio_fsync_exit",
            "aio_ops",
            "aio_partial_cache",
            "aio_stress",
        ]
        .contains(&name)
        {
            trial("give-up");
        }
        if [
            "aio_direct_eventfd",
            "aio_eventfd_many",
            "aio_ext_cancel_race",
            "aio_fsync",
            "aio_ops",
            "aio_stress",
        ]
        .contains(&name)
        {
            trial("no-slots");
        }
    }
    capi_tests::main(trials)
}

fn judge(fault: Option<&str>, outcome: Outcome) -> Result<Completion, Failed> {
    match (fault, outcome.success()) {
        (None, true) | (Some(_), false) => Ok(Completion::Completed),
        (None, false) => Err(outcome.report().into()),
        (Some(_), true) => Err("the fault was not noticed".into()),
    }
}

fn ours(program: &Path, fault: Option<&str>) -> Result<Command, String> {
    let mut command = Variant::Ours.command(Face::Aio, program)?;
    command.envs(fault.map(|f| ("AIOURING_FAULT", f)));
    Ok(command)
}

/// The example program copies a file.
fn copy(fault: Option<&str>) -> Result<Outcome, String> {
    let dir = temp_dir();
    let program = dir.path().join("aiocopy");
    let mut compiler = Command::new(cc());
    compiler
        .args(["-O1", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program);
    compiler
        .arg(root().join("examples/aiocopy.c"))
        .arg("-L")
        .arg(build_dir())
        .arg("-laio");
    let outcome = run(&mut compiler, Duration::from_secs(60));
    if !outcome.success() {
        return Err(outcome.report());
    }
    let data: Vec<u8> = (0..4u32 << 20)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(dir.path().join("from"), data).map_err(|e| e.to_string())?;
    let copied = run(ours(&program, fault)?.args(["from", "to"]).current_dir(&dir), LIMIT);
    // It compares the copy with what it read, which may have been wrong already.
    Ok(if copied.success() {
        run(Command::new("cmp").args(["from", "to"]).current_dir(&dir), LIMIT)
    } else {
        copied
    })
}

/// The whole of `make demo`.
fn demo(fault: Option<&str>) -> Result<Outcome, String> {
    let mut command = Command::new("python3");
    command.arg(root().join("examples/demo.py"));
    command.env("AIOURING_DEMO_LIBDIR", build_dir());
    command.envs(fault.map(|f| ("AIOURING_FAULT", f)));
    Ok(run(&mut command, 12 * LIMIT))
}

fn fio(fault: Option<&str>) -> Result<Outcome, String> {
    let dir = temp_dir();
    let job = "--name=job --ioengine=libaio --rw=randwrite --verify=crc32c --verify_fatal=1 --size=4m --bs=4k --iodepth=8 \
               --direct=1";
    Ok(run(
        ours(&PathBuf::from("fio"), fault)?
            .args(job.split_whitespace())
            .current_dir(&dir),
        LIMIT,
    ))
}

/// The C programs, up to the first that fails.
fn programs(fault: Option<&str>) -> Result<Outcome, String> {
    let mut last = Err("there are no programs".to_owned());
    for program in Program::all()
        .iter()
        .filter(|p| p.face == Face::Aio && p.variants.contains(&Variant::Ours))
    {
        let limit = if fault.is_some() { LIMIT } else { 6 * LIMIT };
        let mut outcome = program.run(Variant::Ours, limit, |command| {
            command.envs(fault.map(|f| ("AIOURING_FAULT", f)));
        })?;
        if ![Some(0), Some(77)].contains(&outcome.code()) {
            outcome.stderr.insert_str(0, &format!("{}: ", program.name));
            return Ok(outcome);
        }
        if outcome.success() {
            last = Ok(outcome);
        }
    }
    last
}
