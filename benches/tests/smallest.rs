//! The benchmark works, and notices a wrong library: at its smallest, as its numbers mean nothing on a machine that is busy.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use capi_tests::run::{Outcome, run};
use capi_tests::trace::need_strace;
use capi_tests::{distribution_library, has, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};
use serde_json::Value;

fn main() {
    capi_tests::main(vec![
        Trial::ignorable_test("complete", complete),
        Trial::ignorable_test("faults", faults),
    ])
}

fn bench(out: &Path, change: impl FnOnce(&mut Command)) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(["--smallest", "--out"]).arg(out).env_remove("BENCH");
    change(&mut command);
    run(&mut command, Duration::from_secs(120))
}

/// All names have numbers, from everybody who takes part.
fn complete() -> Result<Completion, Failed> {
    if let Some(skipped) = needs() {
        return skipped;
    }
    let out = temp_dir();
    let outcome = bench(out.path(), |_| ());
    if !outcome.success() {
        return Err(outcome.report().into());
    }
    let text = std::fs::read_to_string(out.path().join("results.json")).map_err(|e| e.to_string())?;
    let results: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;

    let list = bench(out.path(), |command| {
        command.arg("--list");
    });
    let mut missing: BTreeSet<_> = list.stdout.lines().collect();
    if missing.len() < 40 {
        return Err(format!("a short list: {missing:?}").into());
    }
    for part in ["memory", "instructions", "fio"] {
        let part_of = &results[part];
        if part_of.as_object().is_some_and(|o| o.len() == 2) || part_of.as_array().is_some_and(|a| !a.is_empty()) {
            missing.remove(part);
        }
    }
    for part in array(&results["workloads"]) {
        costs(part)?;
        missing.remove(part["name"].as_str().unwrap_or_default());
        for goal in array(&part["goals"]) {
            positive(&goal["bound"])?;
            positive(&goal["measured"]["median"])?;
        }
    }
    for curve in array(&results["scaling"]) {
        if array(&curve["points"]).len() > 1 {
            missing.remove(curve["name"].as_str().unwrap_or_default());
        }
        array(&curve["points"]).iter().try_for_each(costs)?;
        let chart = format!("{}.svg", curve["name"].as_str().unwrap_or_default());
        drawn(&out.path().join(chart))?;
    }
    for chart in ["speed", "cpu", "submit", "latency"] {
        drawn(&out.path().join(chart).with_extension("svg"))?;
    }
    if !missing.is_empty() {
        return Err(format!("not in the results: {missing:?}").into());
    }
    Ok(Completion::Completed)
}

fn needs() -> Option<Result<Completion, Failed>> {
    for (there, what) in [
        (has("fio"), "fio"),
        (has("valgrind"), "valgrind"),
        (distribution_library("libaio.so.1").is_some(), "libaio"),
        (distribution_library("liburing.so.2").is_some(), "liburing"),
    ] {
        if !there {
            return Some(capi_tests::skip(format!("no {what}")));
        }
    }
    need_strace()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn positive(value: &Value) -> Result<f64, Failed> {
    let number = value.as_f64().filter(|n| *n > 0.0 && n.is_finite());
    number.ok_or_else(|| format!("{value} is no measurement").into())
}

/// Two contestants at least, each with times and calls.
fn costs(of: &Value) -> Result<(), Failed> {
    let costs = of["cost"].as_object().filter(|c| c.len() >= 2);
    let costs = costs.ok_or_else(|| format!("not measured: {of}"))?;
    for cost in costs.values() {
        for number in [&cost["time"]["median"], &cost["cpu"]["median"], &cost["latency"]["p99"]] {
            positive(number).map_err(|e| format!("{}: {e:?}", of["name"]))?;
        }
        if array(&cost["rounds"]).len() != 2 {
            return Err(format!("{}: not two rounds", of["name"]).into());
        }
    }
    Ok(())
}

fn drawn(chart: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(chart).map_err(|e| format!("{}: {e}", chart.display()))?;
    if text.contains("<svg") && text.contains("<text") && !text.contains("NaN") {
        Ok(())
    } else {
        Err(format!("{} shows nothing", chart.display()).into())
    }
}

/// A wrong byte, a lost event and one that comes twice.
fn faults() -> Result<Completion, Failed> {
    if let Some(skipped) = needs() {
        return skipped;
    }
    capi_tests::build_with_faults()?;
    let out = temp_dir();
    for fault in [None, Some("corrupt"), Some("drop"), Some("double")] {
        let outcome = bench(out.path(), |command| {
            command
                .arg("direct-reads-32")
                .env("AIOURING_BUILD", capi_tests::faults_dir())
                .envs(fault.map(|f| ("AIOURING_FAULT", f)));
        });
        let wrong = outcome.stderr.contains("WRONG RESULTS");
        match fault {
            None if !outcome.success() => return Err(outcome.report().into()),
            Some(fault) if !wrong => return Err(format!("{fault} was not noticed: {}", outcome.report()).into()),
            _ => {}
        }
    }
    Ok(Completion::Completed)
}
