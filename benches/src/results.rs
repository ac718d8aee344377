//! All that is measured, as it is written to `results.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::measure::{Cost, Goal, Measured, Met};
use crate::stats::Spread;
use crate::workload::{Measure, Who};

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// How much was measured.
    pub(crate) mode: String,
    /// How long it took.
    pub(crate) seconds: f64,
    pub(crate) workloads: Vec<Measured>,
    pub(crate) scaling: Vec<Scaling>,
    pub(crate) memory: BTreeMap<Who, Memory>,
    pub(crate) instructions: Vec<Instructions>,
    pub(crate) fio: Vec<Fio>,
    /// What was done wrongly.
    pub(crate) failures: Vec<String>,
    /// What could not be measured here, and why.
    pub(crate) notes: Vec<String>,
}

impl Results {
    /// All targets that there are numbers for.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let of_workloads = self.workloads.iter().flat_map(|w| w.goals.iter().cloned());
        let counted = self.instructions.iter().flat_map(Instructions::goals);
        let by_hand = self.fio.iter().map(Fio::goal);
        of_workloads.chain(counted).chain(by_hand).collect()
    }
}

/// Where.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    kernel: String,
    processor: String,
    processors: usize,
    memory_mib: u64,
    filesystem: String,
}

impl Machine {
    /// This one, and the file system of a directory.
    pub(crate) fn this(dir: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let value = |text: String, key: &str| {
            let line = text.lines().find(|l| l.starts_with(key)).map(ToOwned::to_owned);
            line.and_then(|l| Some(l.split_once(':')?.1.trim().to_owned()))
                .unwrap_or_else(|| "unknown".into())
        };
        let memory = value(read("/proc/meminfo"), "MemTotal");
        let mounts = read("/proc/self/mounts");
        // The longest mount point that the directory is below.
        let mount = mounts
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                let (device, place, kind) = (words.next()?, words.next()?, words.next()?);
                dir.starts_with(place)
                    .then(|| (place.len(), format!("{kind} on {device}")))
            })
            .max();
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().into(),
            processor: value(read("/proc/cpuinfo"), "model name"),
            processors: std::thread::available_parallelism().map_or(0, Into::into),
            memory_mib: memory
                .split_whitespace()
                .next()
                .and_then(|n| n.parse::<u64>().ok())
                .unwrap_or(0)
                / 1024,
            filesystem: mount.map_or_else(|| "unknown".into(), |(_, text)| text),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Linux {}, {} x {}, {} MiB, {}",
            self.kernel, self.processors, self.processor, self.memory_mib, self.filesystem
        )
    }
}

/// A curve: the costs at some places.
#[derive(Debug, Serialize)]
pub(crate) struct Scaling {
    pub(crate) name: String,
    pub(crate) title: String,
    /// What the number of a point counts.
    pub(crate) of: String,
    pub(crate) points: Vec<Point>,
}

/// One place of a curve.
#[derive(Debug, Serialize)]
pub(crate) struct Point {
    pub(crate) n: u64,
    pub(crate) cost: BTreeMap<Who, Cost>,
}

/// Of a context and of a request under way; resident memory of the process, not the kernel's.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) contexts: u64,
    pub(crate) requests: u64,
    pub(crate) context_bytes: f64,
    pub(crate) request_bytes: f64,
}

/// What callgrind counts in a scenario of `capi-tests/c/tools/uring_count.c`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Instructions {
    pub(crate) scenario: String,
    /// The distribution's liburing.
    pub(crate) theirs: f64,
    /// A program built with the distribution's headers, with our library.
    pub(crate) ours: f64,
    /// A program built with our headers, with our library.
    pub(crate) our_headers: f64,
}

impl Instructions {
    /// No more than the distribution's.
    fn goals(&self) -> [Goal; 2] {
        [(self.ours, ""), (self.our_headers, ", our headers")].map(|(ours, which)| {
            let ratio = ours / self.theirs;
            let measured = Spread {
                median: ratio,
                low: ratio,
                high: ratio,
            };
            Goal {
                workload: format!("liburing: {}{which}", self.scenario),
                who: Who::Ours.name(),
                against: "liburing",
                measure: Measure::Instructions,
                bound: 1.0,
                measured,
                met: Met::judge(measured, 1.0, false),
            }
        })
    }
}

/// The requests of fio's `io_uring` and of our own loop in the same time.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fio {
    pub(crate) depth: u32,
    /// Ours, as a multiple of fio's.
    pub(crate) speed: Spread,
    /// Microseconds for each request of fio.
    pub(crate) fio: f64,
    /// And of our loop.
    pub(crate) native: f64,
}

impl Fio {
    /// What is measured as the best that a program can do has to be it.
    fn goal(&self) -> Goal {
        let bound = 0.95;
        Goal {
            workload: format!("direct reads, depth {}", self.depth),
            who: Who::Native.name(),
            against: "fio",
            measure: Measure::Speed,
            bound,
            measured: self.speed,
            met: Met::judge(self.speed, bound, true),
        }
    }
}
