//! What is not a pair of contestants: curves, memory, instructions, and fio.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use capi_tests::instructions::{Counter, Headers};
use capi_tests::program::Variant;

use crate::measure::Bench;
use crate::results::{Fio, Instructions, Memory, Point, Results, Scaling};
use crate::stats::{Spread, order, ratios};
use crate::workload::{Curve, Size, Who, memory, native};

/// Measures the points of a curve, up to what a process may have here.
pub(crate) fn scaling(bench: &Bench, curve: &Curve, results: &mut Results) {
    let mut points = Vec::new();
    for (n, workload) in &curve.points {
        if *n > most() {
            results
                .notes
                .push(format!("{}: not above {}, by fs.aio-max-nr", curve.title, most()));
            break;
        }
        match bench.measure(workload, false) {
            Ok(measured) => points.push(Point {
                n: *n,
                cost: measured.cost,
            }),
            Err(why) => {
                results.failures.push(why);
                break;
            }
        }
    }
    results.scaling.push(Scaling {
        name: curve.name.into(),
        title: curve.title.into(),
        of: curve.of.into(),
        points,
    });
}

/// How many requests a context of kernel AIO may have here, beside what others have.
fn most() -> u64 {
    let read = |name: &str| {
        let number = std::fs::read_to_string(format!("/proc/sys/fs/{name}"));
        number.ok().and_then(|n| n.trim().parse::<u64>().ok())
    };
    let limit = read("aio-max-nr").unwrap_or(u64::MAX);
    limit.saturating_sub(read("aio-nr").unwrap_or(0))
}

/// What contexts and requests take of the process's memory.
pub(crate) fn of_memory(bench: &Bench, size: Size) -> Result<BTreeMap<Who, Memory>, String> {
    let workload = memory(size);
    let mut all = BTreeMap::new();
    for &who in &workload.who {
        let mut lane = bench.start(&workload, who)?;
        all.insert(who, lane.ask(Duration::from_secs(10))?);
        lane.end()?;
    }
    Ok(all)
}

/// Counts the instructions of these scenarios.
pub(crate) fn instructions(scenarios: &[&str]) -> Result<Vec<Instructions>, String> {
    let counter = Counter::new()?;
    let count = |headers, variant, scenario: &str| {
        let count = counter.instructions(headers, variant, scenario)?;
        count.ok_or_else(|| format!("{scenario}: the kernel has no such ring"))
    };
    let all = scenarios.iter().map(|&scenario| {
        Ok(Instructions {
            scenario: scenario.into(),
            theirs: count(Headers::Theirs, Variant::Theirs, scenario)?,
            ours: count(Headers::Theirs, Variant::Ours, scenario)?,
            our_headers: count(Headers::Ours, Variant::Ours, scenario)?,
        })
    });
    all.collect()
}

/// Compares the loop of the load programs with fio's, in turns of this length.
pub(crate) fn fio(bench: &Bench, size: Size, depth: u32, rounds: usize, slice: Duration) -> Result<Fio, String> {
    let workload = native(size, depth);
    let mut lane = bench.start(&workload, Who::Native)?;
    lane.run(slice / 4)?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for who in order(2, round) {
            if who == 0 {
                theirs.push(fio_time(&bench.shared(), depth, slice)?);
            } else {
                ours.push(lane.run(slice)?.time());
            }
        }
    }
    lane.end()?;
    let spread = |values: &[f64]| Spread::of(values).ok_or("fio did nothing");
    Ok(Fio {
        depth,
        speed: spread(&ratios(&theirs, &ours))?,
        fio: spread(&theirs)?.median,
        native: spread(&ours)?.median,
    })
}

/// Microseconds for each request.
fn fio_time(file: &Path, depth: u32, slice: Duration) -> Result<f64, String> {
    let mut fio = Command::new("fio");
    fio.args([
        "--name=job",
        "--ioengine=io_uring",
        "--rw=randread",
        "--bs=4k",
        "--direct=1",
        "--readonly",
    ]);
    fio.args([
        "--norandommap",
        "--gtod_reduce=1",
        "--time_based",
        "--output-format=json",
    ]);
    fio.arg(format!("--iodepth={depth}"))
        .arg(format!("--runtime={}ms", slice.as_millis()))
        .arg(format!("--filename={}", file.display()));
    let outcome = capi_tests::run::run(&mut fio, slice + Duration::from_secs(20));
    let says = || -> Option<f64> {
        let said: serde_json::Value = serde_json::from_str(outcome.stdout.get(outcome.stdout.find('{')?..)?).ok()?;
        said["jobs"][0]["read"]["iops"].as_f64().filter(|n| *n > 0.0)
    };
    match says() {
        Some(each_second) if outcome.success() => Ok(1e6 / each_second),
        _ => Err(format!("fio: {}", outcome.report())),
    }
}
