//! No slower than the original: what a program does with a ring all day takes no more instructions with our library than
//! with the distribution's, and no more with our headers than with the distribution's, and as many system calls.
//! `make count` prints the numbers.

use std::sync::Arc;

use capi_tests::instructions::{Counter, Headers, TIMES};
use capi_tests::program::Variant;
use capi_tests::trace::need_strace;
use capi_tests::{distribution_library, has};
use libtest_mimic::{Completion, Failed, Trial};

/// How many instructions more than the original's there may be. Set-up, probes and registrations are done once or seldom,
/// and the kernel's work is a hundred times ours: the array that old programs write to has to be filled, since the kernel
/// has none; a ring may be registered by its registered descriptor. Buffers take a load each, as compilers can be told that
/// an array with no length has no elements.
const MORE: [(&str, f64); 5] = [
    ("buffers", 16.0),
    ("init-exit", 200.0),
    ("probe", 10.0),
    ("files", 60.0),
    ("register-buffers", 50.0),
];

fn main() {
    let ready = has("valgrind") && distribution_library("liburing.so.2").is_some();
    let counter = Arc::new(ready.then(|| Counter::new().expect("the program compiles")));
    let scenarios = match counter.as_ref() {
        Some(counter) => counter.scenarios().expect("the program runs"),
        None => vec!["all".into()],
    };
    let mut trials = Vec::new();
    for scenario in scenarios {
        let counter = Arc::clone(&counter);
        trials.push(Trial::ignorable_test(scenario.clone(), move || {
            let Some(counter) = counter.as_ref() else {
                return capi_tests::skip("no valgrind, or no liburing of the distribution");
            };
            if let Some(skipped) = need_strace() {
                return skipped;
            }
            compare(counter, &scenario)
        }));
    }
    capi_tests::main(trials)
}

fn compare(counter: &Counter, scenario: &str) -> Result<Completion, Failed> {
    let more = MORE.iter().find(|(name, _)| *name == scenario);
    let Some(theirs) = counter.instructions(Headers::Theirs, Variant::Theirs, scenario)? else {
        return capi_tests::skip("the kernel has no such ring");
    };
    let mut ways = vec![(Headers::Theirs, Variant::Ours), (Headers::Ours, Variant::Ours)];
    if scenario == "wait" || scenario == "batch" {
        ways.push((Headers::Theirs, Variant::Preload));
    }
    for (headers, variant) in ways {
        let count = || -> Result<f64, Failed> {
            let ours = counter.instructions(headers, variant, scenario)?;
            Ok(ours.ok_or("the distribution's library made the ring, ours did not")?)
        };
        // A thread of the kernel may fall asleep in between, once.
        let slack = if scenario == "sqpoll" {
            100.0 / TIMES as f64
        } else {
            0.0
        };
        let most = theirs + more.map_or(slack, |(_, n)| *n);
        let mut ours = count()?;
        // On a busy machine that thread comes late, and the program looks again and again.
        for _ in 0..if scenario == "sqpoll" { 4 } else { 0 } {
            if ours > most {
                ours = ours.min(count()?);
            }
        }
        if ours > most {
            let name = variant.name();
            return Err(format!("{headers:?} headers, {name}: {ours} instructions, theirs {theirs}").into());
        }
    }
    let theirs = counter.system_calls(Headers::Theirs, Variant::Theirs, scenario)?;
    let ours = counter.system_calls(Headers::Ours, Variant::Ours, scenario)?;
    if ours > theirs {
        return Err(format!("{ours} system calls each time, theirs {theirs}").into());
    }
    Ok(Completion::Completed)
}
