//! Every C program in every variant: the same assertions against the original and against ours.
//! What the programs of rows print is compared with the table.

use std::sync::Arc;

use capi_tests::program::{Program, Variant};
use capi_tests::rows::Table;
use capi_tests::run::Outcome;
use libtest_mimic::{Completion, Failed, Trial};

fn main() {
    let mut trials = Vec::new();
    let table = Arc::new(Table::load());
    let programs: Vec<_> = Program::all().into_iter().map(Arc::new).collect();
    for program in &programs {
        for &variant in &program.variants {
            let (of, table) = (Arc::clone(program), Arc::clone(&table));
            let name = format!("{}::{}", program.name, variant.name());
            trials.push(Trial::ignorable_test(name, move || {
                let judged = judge(of.outcome(variant));
                if of.prints_rows {
                    rows(&table, &of, variant)?;
                }
                judged
            }));
        }
        if program.their_headers {
            let of = Arc::clone(program);
            let name = format!("{}::their-headers", program.name);
            trials.push(Trial::ignorable_test(name, move || judge(&of.run_as_built_before())));
        }
        if program.same_output {
            let of = Arc::clone(program);
            trials.push(Trial::ignorable_test(
                format!("{}::same-output", of.name.clone()),
                move || same(&of),
            ));
        }
    }
    let with_rows: Vec<_> = programs.into_iter().filter(|p| p.prints_rows).collect();
    trials.push(Trial::test("rows::complete", move || complete(&table, &with_rows)));
    capi_tests::main(trials)
}

fn rows(table: &Result<Table, String>, program: &Program, variant: Variant) -> Result<(), Failed> {
    let table = table.as_ref().map_err(Clone::clone)?;
    let outcome = program.outcome(variant).as_ref().map_err(Clone::clone)?;
    table
        .compare(variant.name(), &outcome.stdout)
        .map_err(|e| format!("{e}\n--- stderr\n{}", outcome.stderr).into())
}

fn complete(table: &Result<Table, String>, programs: &[Arc<Program>]) -> Result<(), Failed> {
    let table = table.as_ref().map_err(Clone::clone)?;
    let outputs: Result<Vec<_>, _> = programs
        .iter()
        .map(|p| Ok((p.name.as_str(), p.outcome(Variant::Ours).as_ref()?.stdout.as_str())))
        .collect();
    let outputs = outputs.map_err(|e: &String| e.clone())?;
    Ok(table.complete(&outputs)?)
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
