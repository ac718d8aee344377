//! Every C program in every variant: the same assertions against the original and against ours.

use std::sync::Arc;

use capi_tests::program::{Program, Variant};
use capi_tests::run::Outcome;
use libtest_mimic::{Completion, Failed, Trial};

fn main() {
    let mut trials = Vec::new();
    for program in Program::all().into_iter().map(Arc::new) {
        for &variant in &program.variants {
            let of = Arc::clone(&program);
            let name = format!("{}::{}", program.name, variant.name());
            trials.push(Trial::ignorable_test(name, move || judge(of.outcome(variant))));
        }
        if program.same_output {
            let of = Arc::clone(&program);
            trials.push(Trial::ignorable_test(
                format!("{}::same-output", of.name.clone()),
                move || same(&of),
            ));
        }
    }
    capi_tests::main(trials)
}

fn judge(outcome: &Result<Outcome, String>) -> Result<Completion, Failed> {
    let outcome = outcome.as_ref().map_err(Clone::clone)?;
    match outcome.code() {
        Some(0) => Ok(Completion::Completed),
        Some(77) => capi_tests::skip(outcome.stderr.trim()),
        _ => Err(outcome.report().into()),
    }
}

fn same(program: &Program) -> Result<Completion, Failed> {
    let [theirs, ours] = [Variant::Theirs, Variant::Ours].map(|v| program.outcome(v));
    let [theirs, ours] = [
        theirs.as_ref().map_err(Clone::clone)?,
        ours.as_ref().map_err(Clone::clone)?,
    ];
    if [theirs.code(), ours.code()].contains(&Some(77)) {
        return capi_tests::skip("skipped itself");
    }
    if theirs.stdout == ours.stdout {
        return Ok(Completion::Completed);
    }
    Err(format!(
        "the output differs\n--- theirs\n{}--- ours\n{}",
        theirs.stdout, ours.stdout
    )
    .into())
}
