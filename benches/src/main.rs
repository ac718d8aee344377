//! `make bench`: the contexts of libaio on io_uring against kernel AIO and against io_uring by hand, side by side.
//!
//! The load programs (`load.c`, `ring.c`) do the work and check it; this program lets them take turns, and says what came of
//! it: a table, `results.json` and charts. It fails if anything was done wrongly, but not if a target was missed.

mod chart;
mod extra;
mod lane;
mod measure;
mod results;
mod stats;
mod strace;
mod table;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use measure::{Bench, Plan};
use results::{Machine, Results};
use workload::Size;

const USAGE: &str = "usage: bench [--list] [--quick|--smallest] [--out DIR] [NAME...]

Measures the workloads whose names contain a NAME, or all, against the libraries of AIOURING_BUILD (default build),
and leaves results.json and charts in DIR (default target/bench). BENCH=quick is --quick, BENCH_OUT is --out.

  --quick     fewer and shorter turns: below a minute
  --smallest  only to see that it works: numbers say nothing
  --list      prints the names";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Full,
    Quick,
    Smallest,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
            Self::Smallest => "smallest",
        }
    }

    fn plan(self) -> Plan {
        let (rounds, slice, patience) = match self {
            Self::Full => (13, 75, 30),
            Self::Quick => (5, 30, 30),
            // A lost event is found by this.
            Self::Smallest => (2, 5, 5),
        };
        Plan {
            rounds,
            slice: Duration::from_millis(slice),
            patience: Duration::from_secs(patience),
            strace: strace::works(),
        }
    }
}

fn run() -> Result<(), String> {
    let mut mode = match std::env::var("BENCH").as_deref() {
        Ok("quick") => Mode::Quick,
        Ok("") | Err(_) => Mode::Full,
        Ok(other) => return Err(format!("BENCH={other}: only `quick` is known")),
    };
    let mut out = std::env::var_os("BENCH_OUT").map(PathBuf::from);
    let (mut names, mut list) = (Vec::new(), false);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--quick") => mode = Mode::Quick,
            Some("--smallest") => mode = Mode::Smallest,
            Some("--list") => list = true,
            Some("--out") => out = Some(arguments.next().ok_or(USAGE)?.into()),
            Some(name) if !name.starts_with("--") => names.push(name.to_owned()),
            _ => return Err(USAGE.into()),
        }
    }
    let size = match mode {
        Mode::Full => Size::Whole,
        Mode::Quick => Size::Quick,
        Mode::Smallest => Size::Small,
    };
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| name.contains(n.as_str()));
    let mut workloads = workload::all(size);
    workloads.retain(|w| wanted(&w.name));
    let mut curves = workload::curves(size);
    curves.retain(|c| wanted(c.name));
    if list {
        workloads.iter().for_each(|w| println!("{}", w.name));
        curves.iter().for_each(|c| println!("{}", c.name));
        ["memory", "instructions", "fio"]
            .iter()
            .for_each(|name| println!("{name}"));
        return Ok(());
    }

    for library in ["libaio.so.1", "liburing.so.2"] {
        let file = capi_tests::build_dir().join(library);
        if !file.exists() && library == "libaio.so.1" {
            return Err(format!("{} is missing: run `make build`", file.display()));
        }
    }
    let out = out.unwrap_or_else(|| capi_tests::root().join("target/bench"));
    std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
    // Where direct I/O works, which it may not in /tmp.
    let dir = capi_tests::temp_dir();
    let begun = Instant::now();
    let plan = mode.plan();
    let machine = Machine::this(dir.path());
    println!("{machine}");
    println!(
        "{} rounds of {} ms for each contestant",
        plan.rounds,
        plan.slice.as_millis()
    );
    let bench = Bench::new(plan, dir.path().to_owned(), size.span())?;
    let mut results = Results {
        machine,
        mode: mode.name().into(),
        seconds: 0.0,
        workloads: Vec::new(),
        scaling: Vec::new(),
        memory: Default::default(),
        instructions: Vec::new(),
        fio: Vec::new(),
        failures: Vec::new(),
        notes: Vec::new(),
    };
    if !plan.strace {
        results
            .notes
            .push("system calls were not counted: strace cannot trace here".into());
    }
    if !workloads.is_empty() {
        println!("{}", table::heading());
    }
    for workload in &workloads {
        match bench.measure(workload, true) {
            Ok(measured) => {
                println!("{}", table::row(&measured));
                results.workloads.push(measured);
            }
            Err(why) => {
                println!("{}: FAILED: {why}", workload.title);
                results.failures.push(why);
            }
        }
    }
    for curve in &curves {
        extra::scaling(&bench, curve, &mut results);
    }
    if wanted("memory") {
        match extra::of_memory(&bench, size) {
            Ok(memory) => results.memory = memory,
            Err(why) => results.failures.push(why),
        }
    }
    if wanted("instructions") {
        instructions(mode, &mut results)?;
    }
    if wanted("fio") {
        fio(&bench, mode, &mut results)?;
    }
    results.seconds = begun.elapsed().as_secs_f64();
    print!("{}", table::rest(&results));
    print!("{}", table::goals(&results.goals()));
    for note in &results.notes {
        println!("note: {note}");
    }
    let json = serde_json::to_string_pretty(&results).map_err(|e| e.to_string())?;
    std::fs::write(out.join("results.json"), json + "\n").map_err(|e| e.to_string())?;
    chart::write(&results, &out)?;
    println!("{:.0} s; results and charts: {}", results.seconds, out.display());
    if results.failures.is_empty() {
        Ok(())
    } else {
        Err(format!("WRONG RESULTS\n{}", results.failures.join("\n")))
    }
}

fn instructions(mode: Mode, results: &mut Results) -> Result<(), String> {
    if !capi_tests::has("valgrind") {
        results
            .notes
            .push("instructions were not counted: there is no valgrind".into());
        return Ok(());
    }
    let scenarios: &[_] = match mode {
        Mode::Full => &["wait", "batch", "registered", "registered-batch", "defer-taskrun"],
        Mode::Quick => &["wait", "batch"],
        Mode::Smallest => &["wait"],
    };
    results.instructions = extra::instructions(scenarios)?;
    Ok(())
}

fn fio(bench: &Bench, mode: Mode, results: &mut Results) -> Result<(), String> {
    if !capi_tests::has("fio") {
        results.notes.push("fio was not run: it is not there".into());
        return Ok(());
    }
    let (size, rounds, slice) = match mode {
        Mode::Full => (Size::Whole, 5, Duration::from_millis(1000)),
        Mode::Quick => (Size::Quick, 3, Duration::from_millis(300)),
        Mode::Smallest => (Size::Small, 1, Duration::from_millis(20)),
    };
    for depth in [1, 32] {
        results.fio.push(extra::fio(bench, size, depth, rounds, slice)?);
    }
    Ok(())
}
