//! Runs the contestants of a workload in turn and keeps what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capi_tests::program::{Face, Variant};
use serde::Serialize;

use crate::lane::{Lane, Percentiles, Slice};
use crate::stats::{Spread, order, ratios};
use crate::strace;
use crate::workload::{Load, Measure, Target, Who, Workload};

/// How long everything is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often each contestant has its turn.
    pub(crate) rounds: usize,
    /// How long a turn is.
    pub(crate) slice: Duration,
    /// How much longer an answer may take.
    pub(crate) patience: Duration,
    /// Whether system calls are counted.
    pub(crate) strace: bool,
}

/// The load programs and their files.
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    dir: PathBuf,
}

/// Three percentiles, each the median of those of the slices, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

impl Times {
    fn of(slices: &[Slice], which: fn(&Slice) -> Percentiles) -> Self {
        let median = |one: fn(&Percentiles) -> f64| {
            let values: Vec<_> = slices.iter().map(|s| one(&which(s))).collect();
            Spread::of(&values).map_or(0.0, |s| s.median)
        };
        Self {
            p50: median(|p| p.p50),
            p99: median(|p| p.p99),
            p999: median(|p| p.p999),
        }
    }
}

/// What a contestant needed for each request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    /// Microseconds.
    pub(crate) time: Spread,
    /// Microseconds of a processor.
    pub(crate) cpu: Spread,
    /// Context switches.
    pub(crate) switches: f64,
    /// System calls, of all threads; not where nobody counted.
    pub(crate) calls: Option<f64>,
    /// Those of a name, without the seldom ones.
    pub(crate) calls_by_name: BTreeMap<String, f64>,
    /// What `io_submit` took, or whatever submits.
    pub(crate) submit: Times,
    /// What a request took from then to its result.
    pub(crate) latency: Times,
    /// The time of each round.
    pub(crate) rounds: Vec<f64>,
}

/// Two contestants.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) who: Who,
    pub(crate) against: Who,
    /// Requests in the same time: more is better.
    pub(crate) speed: Spread,
    /// Of what each request costs: less is better.
    pub(crate) cpu: Spread,
    pub(crate) submit_p99: Spread,
    pub(crate) latency_p99: Spread,
}

impl Pair {
    /// What a target is about.
    pub(crate) fn measure(&self, measure: Measure) -> Option<Spread> {
        match measure {
            Measure::Speed => Some(self.speed),
            Measure::Cpu => Some(self.cpu),
            Measure::SubmitP99 => Some(self.submit_p99),
            Measure::LatencyP99 => Some(self.latency_p99),
            Measure::Instructions => None,
        }
    }
}

/// Whether a target was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Met {
    /// It was.
    Yes,
    /// The median is on the wrong side, but the middle half of the rounds is on both.
    Nearly,
    /// It was not.
    No,
}

impl Met {
    /// What these rounds say of a bound.
    pub(crate) fn judge(spread: Spread, bound: f64, more_is_better: bool) -> Self {
        let (median, best) = if more_is_better {
            (spread.median >= bound, spread.high >= bound)
        } else {
            (spread.median <= bound, spread.low <= bound)
        };
        match (median, best) {
            (true, _) => Self::Yes,
            (false, true) => Self::Nearly,
            (false, false) => Self::No,
        }
    }

    /// In tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Yes => "met",
            Self::Nearly => "nearly",
            Self::No => "MISSED",
        }
    }
}

/// A target and what came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Goal {
    /// The workload.
    pub(crate) workload: String,
    pub(crate) who: &'static str,
    pub(crate) against: &'static str,
    pub(crate) measure: Measure,
    /// At least for [`Measure::Speed`], at most for the others.
    pub(crate) bound: f64,
    pub(crate) measured: Spread,
    pub(crate) met: Met,
}

/// All about a workload.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) cost: BTreeMap<Who, Cost>,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) goals: Vec<Goal>,
}

impl Measured {
    /// The pair of these two.
    pub(crate) fn pair(&self, who: Who, against: Who) -> Option<&Pair> {
        self.pairs.iter().find(|p| p.who == who && p.against == against)
    }
}

impl Bench {
    /// Compiles the load programs and makes the file that all read, in a directory that is there.
    pub(crate) fn new(plan: Plan, dir: PathBuf, span: u64) -> Result<Self, String> {
        let bench = Self { plan, dir };
        compile("load.c", &bench.program(Load::Aio, Who::Kernel), &["-laio"])?;
        compile(
            "load.c",
            &bench.program(Load::Aio, Who::Native),
            &["-DNATIVE", "-luring"],
        )?;
        compile("ring.c", &bench.program(Load::Ring, Who::Kernel), &["-luring"])?;
        let mut make = bench.command(Load::Aio, Who::Kernel)?;
        make.args(["file", &format!("span={span}")])
            .arg(argument(&bench.shared()));
        finished(&mut make)?;
        Ok(bench)
    }

    /// The file that all read.
    pub(crate) fn shared(&self) -> PathBuf {
        self.dir.join("file")
    }

    fn program(&self, load: Load, who: Who) -> PathBuf {
        self.dir.join(match (load, who) {
            (Load::Aio, Who::Native) => "load-native",
            (Load::Aio, _) => "load",
            (Load::Ring, _) => "ring",
        })
    }

    fn command(&self, load: Load, who: Who) -> Result<Command, String> {
        let variant = match who {
            Who::Kernel | Who::Native => Variant::Theirs,
            Who::Ours => Variant::Ours,
            Who::Caller => Variant::Caller,
        };
        let face = match (load, who) {
            (Load::Aio, Who::Native) | (Load::Ring, _) => Face::Uring,
            (Load::Aio, _) => Face::Aio,
        };
        let mut command = variant.command(face, &self.program(load, who))?;
        if let (Load::Aio, Who::Ours | Who::Caller) = (load, who) {
            // Ours and not by chance kernel AIO.
            command.env("AIOURING_BACKEND", "uring");
        }
        // A seeded fault is asked for where it is built in.
        let fault = std::env::var_os("AIOURING_FAULT");
        command.envs(
            fault
                .filter(|_| matches!(who, Who::Ours | Who::Caller))
                .map(|f| ("AIOURING_FAULT", f)),
        );
        Ok(command)
    }

    /// Starts a contestant.
    pub(crate) fn start(&self, workload: &Workload, who: Who) -> Result<Lane, String> {
        let own = self.dir.join(format!("{}-{}", workload.name, who.name()));
        let name = format!("{}, {}", workload.name, who.name());
        let arguments = workload.arguments(&self.shared(), &own);
        Lane::start(
            &name,
            &mut self.command(workload.load, who)?,
            &arguments,
            self.plan.patience,
        )
    }

    /// Measures a workload, and counts its system calls if that is wanted.
    pub(crate) fn measure(&self, workload: &Workload, count: bool) -> Result<Measured, String> {
        let mut lanes = Vec::new();
        for &who in &workload.who {
            lanes.push(self.start(workload, who)?);
        }
        // What is done once is done, and processors are awake.
        for lane in &mut lanes {
            lane.run(self.plan.slice / 2)?;
        }
        let mut slices = vec![Vec::new(); lanes.len()];
        for round in 0..self.plan.rounds {
            for n in order(lanes.len(), round) {
                slices[n].push(lanes[n].run(self.plan.slice)?);
            }
        }
        let mut cost = BTreeMap::new();
        for ((mut lane, slices), &who) in lanes.into_iter().zip(&slices).zip(&workload.who) {
            let counted = if count && self.plan.strace {
                Some(strace::calls(
                    &mut lane,
                    self.plan.slice.min(Duration::from_millis(40)),
                )?)
            } else {
                None
            };
            lane.end()?;
            cost.insert(who, of_slices(slices, counted)?);
        }
        // Files of one workload are no business of the next.
        for who in Who::ALL {
            // Most workloads have none.
            let _ = std::fs::remove_file(self.dir.join(format!("{}-{}", workload.name, who.name())));
        }
        let pairs = pairs(&workload.who, &slices)?;
        let mut measured = Measured {
            name: workload.name.clone(),
            title: workload.title.clone(),
            cost,
            pairs,
            goals: Vec::new(),
        };
        measured.goals = workload.targets.iter().filter_map(|t| goal(&measured, t)).collect();
        Ok(measured)
    }
}

fn argument(path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from("file=");
    argument.push(path);
    argument
}

fn of_slices(slices: &[Slice], calls: Option<BTreeMap<String, f64>>) -> Result<Cost, String> {
    let of = |what: fn(&Slice) -> f64| -> Vec<f64> { slices.iter().map(what).collect() };
    let spread = |what| Spread::of(&of(what)).ok_or("no slices");
    Ok(Cost {
        time: spread(Slice::time)?,
        cpu: spread(Slice::cpu)?,
        switches: spread(Slice::switches)?.median,
        calls: calls.as_ref().map(|calls| calls.values().sum()),
        calls_by_name: calls
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, n)| *n >= 0.001)
            .collect(),
        submit: Times::of(slices, Slice::submit),
        latency: Times::of(slices, Slice::latency),
        rounds: of(Slice::time),
    })
}

/// Everybody against those who come after: ours against kernel AIO, and by hand against all.
fn pairs(who: &[Who], slices: &[Vec<Slice>]) -> Result<Vec<Pair>, String> {
    let mut pairs = Vec::new();
    for (n, &one) in who.iter().enumerate() {
        for (m, &other) in who.iter().enumerate() {
            if n == m {
                continue;
            }
            let of = |n: usize, what: &dyn Fn(&Slice) -> f64| -> Vec<f64> { slices[n].iter().map(what).collect() };
            let ratio = |above: usize, below: usize, what: &dyn Fn(&Slice) -> f64| {
                let all = ratios(&of(above, what), &of(below, what));
                // What one of them does not know has no ratio.
                Spread::of(&all).unwrap_or(Spread {
                    median: 0.0,
                    low: 0.0,
                    high: 0.0,
                })
            };
            pairs.push(Pair {
                who: one,
                against: other,
                speed: ratio(m, n, &Slice::time),
                cpu: ratio(n, m, &Slice::cpu),
                submit_p99: ratio(n, m, &|s| s.submit().p99),
                latency_p99: ratio(n, m, &|s| s.latency().p99),
            });
        }
    }
    Ok(pairs)
}

fn goal(measured: &Measured, target: &Target) -> Option<Goal> {
    let spread = measured.pair(target.who, target.against)?.measure(target.measure)?;
    Some(Goal {
        workload: measured.title.clone(),
        who: target.who.name(),
        against: target.against.name(),
        measure: target.measure,
        bound: target.bound,
        measured: spread,
        met: Met::judge(spread, target.bound, target.measure.more_is_better()),
    })
}

/// Compiles a load program against the distribution's headers and library, as programs are that exist.
fn compile(source: &str, program: &Path, options: &[&str]) -> Result<(), String> {
    let mut compiler = Command::new(capi_tests::cc());
    compiler.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread", "-o"]);
    compiler
        .arg(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(source))
        .args(options);
    finished(&mut compiler)
}

fn finished(command: &mut Command) -> Result<(), String> {
    let outcome = capi_tests::run::run(command, Duration::from_secs(60));
    if outcome.success() {
        Ok(())
    } else {
        Err(format!("{command:?}: {}", outcome.report()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(low: f64, median: f64, high: f64) -> Spread {
        Spread { median, low, high }
    }

    #[test]
    fn the_median_decides() {
        assert_eq!(Met::judge(spread(0.8, 1.0, 1.1), 1.0, true), Met::Yes);
        assert_eq!(Met::judge(spread(0.8, 0.99, 1.1), 1.0, true), Met::Nearly);
        assert_eq!(Met::judge(spread(0.8, 0.9, 0.99), 1.0, true), Met::No);
        assert_eq!(Met::judge(spread(1.0, 1.25, 1.5), 1.25, false), Met::Yes);
        assert_eq!(Met::judge(spread(1.2, 1.26, 1.5), 1.25, false), Met::Nearly);
        assert_eq!(Met::judge(spread(1.3, 1.4, 1.5), 1.25, false), Met::No);
    }
}
