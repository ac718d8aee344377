//! The differential fuzzer by hand: see `usage`, and `capi_tests::fuzz` for what it does.

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use capi_tests::fuzz::{
    Known, Library, Pair, confirm, coverage::Coverage, from_text, generate, minimise, sweep, to_text,
};

const USAGE: &str = "usage: fuzz [--seed N] [--count N] [--minutes N] [--jobs N] [--oracle] [--kernel] [--fault NAME]
            [--env NAME=VALUE] [--show SEED] [--replay FILE] [--plain]

Runs the sequences of the seeds from N on against kernel AIO and the libaio.so.1 of AIOURING_BUILD (default build),
and ends with 1 when any differed. What differs is made smaller and left in target/fuzz/SEED.

  --oracle       kernel AIO against itself: the sequences are to have one transcript
  --kernel       ours with AIOURING_BACKEND=kernel
  --fault NAME   ours with a seeded fault (AIOURING_BUILD=build-faults)
  --env          ours with one more variable in its environment
  --show SEED    prints the sequence of a seed
  --replay FILE  runs one sequence and prints both transcripts
  --plain        leaves differences as large as they are";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let (mut seed, mut count, mut jobs, mut end) = (1, u64::MAX, 8, None);
    let (theirs, mut ours) = (Library::oracle(), Library::ours());
    let mut shrink = true;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value\n{USAGE}"));
        let number = |text: String| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
        match arg.as_str() {
            "--seed" => seed = number(value()?)?,
            "--count" => count = number(value()?)?,
            "--minutes" => end = Some(Instant::now() + Duration::from_secs(60 * number(value()?)?)),
            "--jobs" => jobs = number(value()?)? as usize,
            "--oracle" => ours = Library::oracle(),
            "--kernel" => ours = ours.with("AIOURING_BACKEND", "kernel"),
            "--fault" => ours = ours.with("AIOURING_FAULT", &value()?),
            "--env" => {
                let text = value()?;
                let (name, value) = text.split_once('=').ok_or(USAGE)?;
                ours = ours.with(name, value);
            }
            "--show" => {
                print!("{}", to_text(&generate::generate(number(value()?)?)));
                return Ok(true);
            }
            "--replay" => {
                let text = std::fs::read_to_string(value()?).map_err(|e| e.to_string())?;
                let found = Pair::new(&theirs, &ours)?.run(&from_text(&text)?)?;
                println!("{}\n--- ours\n{}", found.theirs, found.ours);
                println!(
                    "{}",
                    if found.differ() {
                        found.report()
                    } else {
                        "the same".into()
                    }
                );
                return Ok(!found.differ());
            }
            "--plain" => shrink = false,
            _ => return Err(USAGE.into()),
        }
    }
    if count == u64::MAX && end.is_none() {
        count = 1000;
    }

    let dir = capi_tests::root().join("target/fuzz");
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    let coverage = Mutex::new(Coverage::default());
    let found = Mutex::new((0u64, 0u64));
    let begun = Instant::now();
    let run = sweep(
        (&theirs, &ours),
        (seed, count),
        jobs,
        end,
        &Known::default(),
        |seed, sequence, transcripts| {
            if let Ok(mut coverage) = coverage.lock() {
                coverage.add(&transcripts.theirs);
            }
            if !transcripts.differ() {
                return Ok(true);
            }
            let confirmed = confirm(&theirs, &ours, sequence)?;
            let Some(_) = confirmed else {
                println!("seed {seed}: once only\n{}", transcripts.report());
                if let Ok(mut found) = found.lock() {
                    found.1 += 1;
                }
                return Ok(true);
            };
            let small = if shrink {
                minimise(&theirs, &ours, sequence, Duration::from_secs(60))?
            } else {
                sequence.clone()
            };
            let last = Pair::new(&theirs, &ours)?.run(&small)?;
            let path = dir.join(seed.to_string());
            std::fs::write(&path, to_text(&small)).map_err(|e| e.to_string())?;
            println!(
                "seed {seed} differs:\n{}\n{}to repeat: cargo run -p capi-tests --bin fuzz -- --replay {}\n",
                to_text(&small),
                last.report(),
                path.display()
            );
            if let Ok(mut found) = found.lock() {
                found.0 += 1;
            }
            Ok(true)
        },
    )?;
    if let Ok(coverage) = coverage.lock() {
        println!("{coverage}");
    }
    let (differ, once) = found.lock().map_or((1, 0), |found| *found);
    println!(
        "{run} sequences in {:.1?}: {differ} differ, {once} once only",
        begun.elapsed()
    );
    Ok(differ == 0)
}
