//! What is measured: each workload is one call of a load program, the contestants that do it, and what is to come of it.

use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;

/// Who does a workload.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Who {
    /// The distribution's library: kernel AIO, or its liburing.
    Kernel,
    /// Our library as it is by default.
    Ours,
    /// Our library with `AIOURING_ISSUER=caller`.
    Caller,
    /// io_uring used by hand, with the distribution's liburing.
    Native,
}

impl Who {
    /// In the order in which they are shown.
    pub(crate) const ALL: [Self; 4] = [Self::Kernel, Self::Ours, Self::Caller, Self::Native];

    /// In tables and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Ours => "ours",
            Self::Caller => "caller",
            Self::Native => "native",
        }
    }

    /// In charts.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Kernel => "kernel AIO",
            Self::Ours => "aiouring",
            Self::Caller => "aiouring, AIOURING_ISSUER=caller",
            Self::Native => "io_uring by hand",
        }
    }
}

/// The load program that does a workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    /// `load.c`: libaio's calls, or by hand.
    Aio,
    /// `ring.c`: liburing's.
    Ring,
}

/// The file that a workload needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum File {
    None,
    /// One for all, only read.
    Shared,
    /// One for each contestant, which makes it.
    Own,
}

/// What a target is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// Requests in the same time, as a multiple of the other's.
    Speed,
    /// Processor time for each request.
    Cpu,
    /// 99 of 100 calls of `io_submit` take no longer.
    SubmitP99,
    /// 99 of 100 requests take no longer.
    LatencyP99,
    /// Instructions, counted and not measured.
    Instructions,
}

impl Measure {
    /// Whether more is better.
    pub(crate) fn more_is_better(self) -> bool {
        self == Self::Speed
    }

    /// In tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Cpu => "CPU per I/O",
            Self::SubmitP99 => "io_submit p99",
            Self::LatencyP99 => "latency p99",
            Self::Instructions => "instructions",
        }
    }
}

/// What is to come of a workload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) who: Who,
    pub(crate) against: Who,
    pub(crate) measure: Measure,
    pub(crate) bound: f64,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// Its name in the results, and to choose it by.
    pub(crate) name: String,
    /// Its name for people.
    pub(crate) title: String,
    pub(crate) load: Load,
    arguments: Vec<String>,
    file: File,
    pub(crate) who: Vec<Who>,
    pub(crate) targets: Vec<Target>,
}

impl Workload {
    /// What the load program is called with.
    pub(crate) fn arguments(&self, shared: &Path, own: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = self.arguments.iter().map(Into::into).collect();
        let path = match self.file {
            File::None => return arguments,
            File::Shared => shared,
            File::Own => own,
        };
        let mut argument = OsString::from("file=");
        argument.push(path);
        arguments.push(argument);
        arguments
    }

    fn aio(name: String, title: String, file: File, arguments: &str, who: &[Who]) -> Self {
        Self {
            name,
            title,
            load: Load::Aio,
            arguments: arguments.split(' ').map(Into::into).collect(),
            file,
            who: who.to_vec(),
            targets: Vec::new(),
        }
    }

    fn target(mut self, who: Who, against: Who, measure: Measure, bound: f64) -> Self {
        self.targets.push(Target {
            who,
            against,
            measure,
            bound,
        });
        self
    }

    /// At least so many times kernel AIO's requests.
    fn speed(self, bound: f64) -> Self {
        self.target(Who::Ours, Who::Kernel, Measure::Speed, bound)
    }

    /// What requests that go to the ring may cost.
    fn cost(self) -> Self {
        let with = self.target(Who::Ours, Who::Kernel, Measure::Cpu, 1.25).target(
            Who::Ours,
            Who::Kernel,
            Measure::LatencyP99,
            1.0,
        );
        if with.who.contains(&Who::Caller) && with.who.contains(&Who::Native) {
            with.target(Who::Caller, Who::Native, Measure::Cpu, 1.1)
        } else {
            with
        }
    }
}

/// How much of everything there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Size {
    /// As the titles say.
    Whole,
    /// The same, but curves have fewer points.
    Quick,
    /// To see that it works.
    Small,
}

impl Size {
    /// The bytes of the file that is read.
    pub(crate) fn span(self) -> u64 {
        match self {
            Self::Whole | Self::Quick => 256 << 20,
            Self::Small => 8 << 20,
        }
    }

    fn written(self) -> u64 {
        match self {
            Self::Whole | Self::Quick => 16 << 20,
            Self::Small => 1 << 20,
        }
    }

    fn many(self) -> usize {
        match self {
            Self::Whole | Self::Quick => 1000,
            Self::Small => 50,
        }
    }
}

use Who::{Caller, Kernel, Native, Ours};

/// All workloads but those of [`curves`].
pub(crate) fn all(size: Size) -> Vec<Workload> {
    let (span, written, many) = (size.span(), size.written(), size.many());
    let mut all = Vec::new();
    for (name, working, words) in [("1m", 1 << 20, "1 MiB"), ("256m", span, "256 MiB")] {
        for bytes in [512, 4096] {
            let short = if bytes == 512 { "512" } else { "4k" };
            let long = if bytes == 512 { "512 B" } else { "4 KiB" };
            for depth in [1, 8, 32, 128] {
                let workload = Workload::aio(
                    format!("cached-{short}-{name}-{depth}"),
                    format!("cached reads of {long} in {words}, depth {depth}"),
                    File::Shared,
                    &format!("reads span={working} size={bytes} depth={depth}"),
                    &[Kernel, Ours, Native],
                );
                all.push(match (name, depth) {
                    ("1m", 1) => workload.speed(1.8),
                    ("1m", _) => workload.speed(1.2),
                    (_, 1) => workload.speed(1.15),
                    (_, 32) => workload.speed(1.0),
                    _ => workload,
                });
            }
        }
    }
    all.push(
        Workload::aio(
            "uncached-32".into(),
            "uncached reads, depth 32".into(),
            File::Shared,
            &format!("reads span={span} size=4096 depth=32 cold=1"),
            &[Kernel, Ours, Caller, Native],
        )
        .speed(5.0)
        .target(Ours, Kernel, Measure::SubmitP99, 0.05),
    );
    for depth in [1, 32] {
        all.push(
            Workload::aio(
                format!("direct-reads-{depth}"),
                format!("direct reads, depth {depth}"),
                File::Shared,
                &format!("reads span={span} size=4096 depth={depth} direct=1"),
                &[Kernel, Ours, Caller, Native],
            )
            .speed(1.0)
            .cost(),
        );
    }
    for depth in [1, 32] {
        all.push(
            Workload::aio(
                format!("direct-writes-{depth}"),
                format!("direct writes, depth {depth}"),
                File::Own,
                &format!("writes span={written} size=4096 depth={depth} direct=1"),
                &[Kernel, Ours, Caller, Native],
            )
            .speed(1.0)
            .cost(),
        );
    }
    for depth in [1, 32] {
        all.push(
            Workload::aio(
                format!("buffered-writes-{depth}"),
                format!("buffered writes, depth {depth}"),
                File::Own,
                &format!("writes span={written} size=4096 depth={depth}"),
                &[Kernel, Ours, Native],
            )
            .speed(1.0),
        );
    }
    all.push(
        Workload::aio(
            "extending-writes".into(),
            "extending direct writes".into(),
            File::Own,
            &format!("extends span={} size=4096 depth=1", span),
            &[Kernel, Ours, Native],
        )
        .speed(1.0),
    );
    all.push(
        Workload::aio(
            "syncs".into(),
            "8 writes and an FDSYNC".into(),
            File::Own,
            &format!("syncs span={written} size=4096 writes=8"),
            &[Kernel, Ours, Native],
        )
        .speed(1.0),
    );
    for direct in [0, 1] {
        for depth in [1, 32] {
            let (short, long) = if direct == 1 {
                ("direct", "direct")
            } else {
                ("cached", "cached")
            };
            let who: &[_] = if direct == 1 {
                &[Kernel, Ours, Caller, Native]
            } else {
                &[Kernel, Ours, Native]
            };
            let workload = Workload::aio(
                format!("epoll-{short}-{depth}"),
                format!("epoll and RESFD, {long} reads, depth {depth}"),
                File::Shared,
                &format!("epoll span={span} size=4096 depth={depth} direct={direct}"),
                who,
            )
            .speed(1.0);
            all.push(if direct == 1 { workload.cost() } else { workload });
        }
    }
    for threads in [1, 2, 4] {
        all.push(
            Workload::aio(
                format!("threads-{threads}"),
                format!("{threads} submitting, {threads} reaping, direct reads"),
                File::Shared,
                &format!("threads span={span} size=4096 depth=32 direct=1 submitters={threads} reapers={threads}"),
                &[Kernel, Ours, Caller, Native],
            )
            .speed(1.0)
            // By hand each thread has a ring of its own: that is other work.
            .target(Ours, Kernel, Measure::Cpu, 1.25)
            .target(Ours, Kernel, Measure::LatencyP99, 1.0),
        );
    }
    for direct in [0, 1] {
        let kind = if direct == 1 { "direct" } else { "cached" };
        all.push(Workload::aio(
            format!("contexts-{kind}"),
            format!("1,000 contexts, a {kind} read each"),
            File::Shared,
            &format!("contexts span={span} size=4096 contexts={many} direct={direct}"),
            &[Kernel, Ours, Native],
        ));
    }
    all.push(
        Workload::aio(
            "setup".into(),
            "io_setup and io_destroy".into(),
            File::None,
            "setup depth=128",
            &[Kernel, Ours, Native],
        )
        .speed(100.0),
    );
    all.push(Workload::aio(
        "polls".into(),
        "POLL on 1,000 pipes".into(),
        File::None,
        &format!("polls fds={many} kind=pipe"),
        &[Kernel, Ours, Native],
    ));
    for (name, arguments, title) in [
        ("ring-nop", "nop", "liburing: a NOP there and back"),
        ("ring-batch", "batch batch=32", "liburing: NOPs in batches of 32"),
    ] {
        all.push(Workload {
            load: Load::Ring,
            ..Workload::aio(name.into(), title.into(), File::None, arguments, &[Kernel, Ours])
        });
    }
    all
}

/// Workloads that differ in one number only.
pub(crate) struct Curve {
    /// Its name in the results.
    pub(crate) name: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// What the number is.
    pub(crate) of: &'static str,
    /// The number and the workload.
    pub(crate) points: Vec<(u64, Workload)>,
}

/// How the cost of a request grows with what there is.
pub(crate) fn curves(size: Size) -> Vec<Curve> {
    let span = size.span();
    let (contexts, requests): (&[u64], &[u64]) = match size {
        Size::Quick => (&[1, 1000], &[1, 1024, 65_000]),
        // fs.aio-max-nr is 65536 for all of the machine, of which others may have some.
        Size::Whole => (&[1, 10, 100, 1000], &[1, 32, 1024, 8192, 65_000]),
        Size::Small => (&[1, 20], &[1, 100]),
    };
    let curve = |name, title, of, numbers: &[u64], who: &[Who], file, arguments: &dyn Fn(u64) -> String| Curve {
        name,
        title,
        of,
        points: numbers
            .iter()
            .map(|&n| {
                let text = format!("{title}, {n}");
                (n, Workload::aio(format!("{name}-{n}"), text, file, &arguments(n), who))
            })
            .collect(),
    };
    vec![
        curve(
            "scaling-contexts-cached",
            "cached reads round robin over contexts, 32 in flight",
            "contexts",
            contexts,
            &[Kernel, Ours],
            File::Shared,
            &|n| format!("contexts span={} size=4096 contexts={n} depth=32 direct=0", 1 << 20),
        ),
        curve(
            "scaling-contexts-direct",
            "direct reads round robin over contexts, 32 in flight",
            "contexts",
            contexts,
            &[Kernel, Ours],
            File::Shared,
            &|n| format!("contexts span={span} size=4096 contexts={n} depth=32 direct=1"),
        ),
        curve(
            "scaling-polls",
            "a POLL made true, reaped and armed again among many",
            "outstanding requests",
            requests,
            &[Kernel, Ours, Native],
            File::None,
            &|n| format!("polls fds={n} kind=eventfd hot=1"),
        ),
        curve(
            "scaling-pending",
            "direct reads, 32 in flight, beside POLLs that stay",
            "outstanding requests",
            requests,
            &[Kernel, Ours, Native],
            File::Shared,
            &|n| format!("reads span={span} size=4096 depth=32 direct=1 pending={n}"),
        ),
    ]
}

/// The workload whose answer is the memory of contexts and requests.
pub(crate) fn memory(size: Size) -> Workload {
    let many = size.many();
    Workload::aio(
        "memory".into(),
        "memory".into(),
        File::None,
        &format!("memory contexts={many} requests={many}"),
        &[Kernel, Ours],
    )
}

/// The job that fio does, too, with `io_uring`.
pub(crate) fn native(size: Size, depth: u32) -> Workload {
    Workload::aio(
        format!("fio-{depth}"),
        format!("direct reads, depth {depth}"),
        File::Shared,
        &format!("reads span={} size=4096 depth={depth} direct=1", size.span()),
        &[Native],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_there_once() {
        let mut names = HashSet::new();
        for size in [Size::Whole, Size::Small] {
            names.clear();
            let curves = curves(size);
            let points = curves.iter().flat_map(|c| c.points.iter().map(|(_, w)| w.name.clone()));
            for name in all(size).into_iter().map(|w| w.name).chain(points) {
                assert!(names.insert(name.clone()), "{name} is there twice");
            }
        }
    }

    #[test]
    fn targets_are_of_those_who_take_part() {
        for workload in all(Size::Whole) {
            for target in &workload.targets {
                for who in [target.who, target.against] {
                    assert!(workload.who.contains(&who), "{}: no {}", workload.name, who.name());
                }
            }
        }
    }

    #[test]
    fn files_come_last() {
        let reads = &all(Size::Whole)[0];
        let arguments = reads.arguments(Path::new("/shared"), Path::new("/own"));
        assert_eq!(arguments.first(), Some(&OsString::from("reads")));
        assert_eq!(arguments.last(), Some(&OsString::from("file=/shared")));
    }
}
