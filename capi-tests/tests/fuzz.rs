//! Random sequences of calls come to the same on kernel AIO and on ours; and the same sequences find every seeded fault.
//! `TEST_SCALE` multiplies the sequences, `cargo run -p capi-tests --bin fuzz` runs them by hand.

use std::path::Path;
use std::sync::{Arc, Mutex};

use capi_tests::fuzz::{Known, Library, Transcripts, confirm, coverage::Coverage, sweep};
use capi_tests::{build_with_faults, faults_dir, program};
use libtest_mimic::{Completion, Failed, Trial};

/// Sequences of a plain run, and with a fault before it counts as overlooked.
const SEQUENCES: u64 = 1500;
/// Seeds of a plain run begin elsewhere for each scale: a long run tries others than the short one.
const FIRST: u64 = 1;
/// The processes that wait for the kernel are many more than there are processors.
const JOBS: usize = 8;

/// All that `src/aio/faults.rs` has, but for `old-kernel`, `give-up` and `no-slots`, which are none.
const FAULTS: [&str; 31] = [
    "corrupt", "drop", "double", "swap", "reorder", "count", "key", "checks", "offset", "vector", "priority", "leak",
    "limit", "silent", "twice", "sector", "end", "partial", "append", "tail", "redo", "again", "hasty", "cancel",
    "bits", "stale", "min", "timeout", "head", "lose", "mask",
];

fn main() {
    let scale = u64::from(program::scale());
    let built = Arc::new(build_with_faults());
    let known = Arc::new(Known::default());
    let mut trials = Vec::new();
    for (name, ours, count) in [
        ("oracle", Library::oracle(), SEQUENCES / 5),
        ("ours", Library::ours(), SEQUENCES),
        ("own", Library::ours().with("AIOURING_ISSUER", "own"), SEQUENCES / 3),
        (
            "ours-kernel",
            Library::ours().with("AIOURING_BACKEND", "kernel"),
            SEQUENCES / 10,
        ),
    ] {
        let known = Arc::clone(&known);
        trials.push(Trial::test(name, move || same(&ours, count * scale, &known)));
    }
    for fault in FAULTS {
        let (built, known) = (Arc::clone(&built), Arc::clone(&known));
        trials.push(Trial::ignorable_test(format!("faults::{fault}"), move || {
            built.as_ref().as_ref().map_err(Clone::clone)?;
            found(&faults_dir(), fault, &known)
        }));
    }
    capi_tests::main(trials)
}

fn same(ours: &Library, count: u64, known: &Known) -> Result<(), Failed> {
    let theirs = Library::oracle();
    let coverage = Mutex::new(Coverage::default());
    let wrong: Mutex<Option<(u64, Transcripts)>> = Mutex::new(None);
    let run = sweep(
        (&theirs, ours),
        (FIRST, count),
        JOBS,
        None,
        known,
        |seed, sequence, transcripts| {
            coverage.lock().expect("nobody panics").add(&transcripts.ours);
            if !transcripts.differ() {
                return Ok(true);
            }
            let Some(confirmed) = confirm(&theirs, ours, sequence)? else {
                // Late, not wrong.
                eprintln!("seed {seed}, once only:\n{}", transcripts.report());
                return Ok(true);
            };
            *wrong.lock().expect("nobody panics") = Some((seed, confirmed));
            Ok(false)
        },
    )?;
    match wrong.into_inner().expect("nobody panics") {
        Some((seed, transcripts)) => Err(format!(
            "seed {seed} differs; `cargo run -p capi-tests --bin fuzz -- --seed {seed} --count 1` makes it smaller\n{}",
            transcripts.report()
        )
        .into()),
        None => {
            println!("{run} sequences\n{}", coverage.into_inner().expect("nobody panics"));
            Ok(())
        }
    }
}

/// Sequences show the fault, twice in a row, and nothing without it.
fn found(dir: &Path, fault: &str, known: &Known) -> Result<Completion, Failed> {
    let theirs = Library::oracle();
    let (wrong, right) = (Library::seeded(dir, Some(fault)), Library::seeded(dir, None));
    let at = Mutex::new(None);
    let run = sweep(
        (&theirs, &wrong),
        (FIRST, SEQUENCES),
        JOBS,
        None,
        known,
        |seed, sequence, transcripts| {
            if !transcripts.differ() {
                return Ok(true);
            }
            let again = capi_tests::fuzz::Pair::new(&theirs, &wrong)?.run(sequence)?.differ();
            if !again || capi_tests::fuzz::Pair::new(&theirs, &right)?.run(sequence)?.differ() {
                return Ok(true);
            }
            *at.lock().expect("nobody panics") = Some(seed);
            Ok(false)
        },
    )?;
    match at.into_inner().expect("nobody panics") {
        Some(seed) => {
            println!("{fault}: seed {seed}, after {run} sequences");
            Ok(Completion::Completed)
        }
        None => Err(format!("not noticed in {run} sequences").into()),
    }
}
