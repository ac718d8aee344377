//! What a run looks like on a terminal.

use std::fmt::Write;

use crate::measure::{Cost, Goal, Measured};
use crate::results::{Results, Scaling};
use crate::stats::Spread;
use crate::workload::{Measure, Who};

const TITLE: usize = 50;

/// The heading of the lines that [`row`] makes.
pub(crate) fn heading() -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:TITLE$} {:^15}  {:^20}  {:^13}  {:^15}  {:^13}  {:^15}  {:^13}  {:^13}",
        "",
        "us per I/O",
        "speed",
        "target",
        "CPU us per I/O",
        "calls per I/O",
        "submit p99 us",
        "switches/I/O",
        "speed of"
    );
    let _ = write!(
        text,
        "{:TITLE$} {:>7} {:>7}  {:^20}  {:13}  {:>7} {:>7}  {:>6} {:>6}  {:>7} {:>7}  {:>6} {:>6}  {:>6} {:>6}",
        "",
        "kernel",
        "ours",
        "ours/kernel",
        "",
        "kernel",
        "ours",
        "kernel",
        "ours",
        "kernel",
        "ours",
        "kernel",
        "ours",
        "caller",
        "native"
    );
    text
}

/// A workload.
pub(crate) fn row(measured: &Measured) -> String {
    let both = |what: &dyn Fn(&Cost) -> Option<f64>, width: usize| {
        let one = |who| {
            let value = measured.cost.get(&who).and_then(what);
            value.map_or_else(|| "-".into(), number)
        };
        format!("{:>width$} {:>width$}", one(Who::Kernel), one(Who::Ours))
    };
    let speed = measured.pair(Who::Ours, Who::Kernel).map(|p| p.speed);
    let goal = measured.goals.iter().find(|g| g.measure == Measure::Speed);
    let of = |who| match measured.pair(who, Who::Kernel) {
        Some(pair) => number(pair.speed.median),
        None => "-".into(),
    };
    format!(
        "{:TITLE$} {}  {:>20}  {:13}  {}  {}  {}  {}  {:>6} {:>6}",
        measured.title,
        both(&|c| Some(c.time.median), 7),
        speed.map_or_else(String::new, spread),
        goal.map_or_else(String::new, |g| format!("{} {}", number(g.bound), g.met.title())),
        both(&|c| Some(c.cpu.median), 7),
        both(&|c| c.calls, 6),
        both(&|c| Some(c.submit.p99), 7),
        both(&|c| Some(c.switches), 6),
        of(Who::Caller),
        of(Who::Native),
    )
}

/// All that comes after the workloads.
pub(crate) fn rest(results: &Results) -> String {
    let mut text = String::new();
    for scaling in &results.scaling {
        curve(&mut text, scaling);
    }
    if !results.memory.is_empty() {
        let _ = writeln!(text, "\nmemory of the process, bytes");
        for (who, memory) in &results.memory {
            let _ = writeln!(
                text,
                "  {:8} a context {:>8}, a request {:>6}",
                who.name(),
                number(memory.context_bytes),
                number(memory.request_bytes)
            );
        }
    }
    if !results.instructions.is_empty() {
        let _ = writeln!(
            text,
            "\nliburing's calls, instructions: theirs, ours, ours with our headers"
        );
        for i in &results.instructions {
            let _ = writeln!(
                text,
                "  {:16} {:>8} {:>8} {:>8}",
                i.scenario, i.theirs, i.ours, i.our_headers
            );
        }
    }
    if !results.fio.is_empty() {
        let _ = writeln!(
            text,
            "\nio_uring by hand against fio's io_uring: direct reads of 4 KiB, us each"
        );
        for fio in &results.fio {
            let _ = writeln!(
                text,
                "  depth {:3}: {} here, {} with fio; speed {}",
                fio.depth,
                number(fio.native),
                number(fio.fio),
                spread(fio.speed)
            );
        }
    }
    text
}

fn curve(text: &mut String, scaling: &Scaling) {
    let _ = writeln!(text, "\n{}: us per I/O", scaling.title);
    let Some(first) = scaling.points.first() else {
        return;
    };
    let _ = write!(text, "  {:>22}", scaling.of);
    for who in first.cost.keys() {
        let _ = write!(text, " {:>9}", who.name());
    }
    for point in &scaling.points {
        let _ = write!(text, "\n  {:>22}", point.n);
        for cost in point.cost.values() {
            let _ = write!(text, " {:>9}", number(cost.time.median));
        }
    }
    text.push('\n');
}

/// The targets: first the sum, then those that were not met.
pub(crate) fn goals(goals: &[Goal]) -> String {
    let mut text = String::new();
    let count = |met| goals.iter().filter(|g| g.met == met).count();
    use crate::measure::Met::{Nearly, No, Yes};
    let _ = writeln!(
        text,
        "\ntargets: {} met, {} nearly (the middle half of the rounds is on both sides), {} missed",
        count(Yes),
        count(Nearly),
        count(No)
    );
    for goal in goals.iter().filter(|g| g.met != Yes) {
        let than = if goal.measure.more_is_better() { ">=" } else { "<=" };
        let _ = writeln!(
            text,
            "  {:6}  {:TITLE$} {}, {} against {}: {} {than} {}",
            goal.met.title(),
            goal.workload,
            goal.measure.title(),
            goal.who,
            goal.against,
            spread(goal.measured),
            number(goal.bound)
        );
    }
    text
}

/// Three digits, where there are so many.
pub(crate) fn number(n: f64) -> String {
    match n.abs() {
        0.0 => "0".into(),
        n if n < 0.001 => "~0".into(),
        n if n < 0.9995 => format!("{n:.3}"),
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

pub(crate) fn spread(s: Spread) -> String {
    format!("{} ({}-{})", number(s.median), number(s.low), number(s.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.0001, 0.25, 0.9999, 1.234, 9.999, 45.67, 1234.5].map(number);
        assert_eq!(all, ["0", "~0", "0.250", "1.00", "1.23", "10.0", "45.7", "1234"]);
    }
}
