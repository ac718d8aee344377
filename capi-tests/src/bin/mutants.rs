//! Makes every mistake in the inlines of the headers and says which of them no test notices.

use std::collections::BTreeMap;
use std::process::ExitCode;

use capi_tests::mutants::{Fate, Source, complaints, judge, key};

const USAGE: &str = "usage: mutants [--list] [--verbose] [NAME...]

Tries the mistakes in all inlines, or in those with these names, and ends with 1 when one is not noticed and not in
capi-tests/data/uring-mutants.tsv, or is there and is noticed.

  --list     prints the mistakes and tries none
  --verbose  says of each what noticed it";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let names: Vec<_> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    if arguments
        .iter()
        .any(|a| a.starts_with("--") && !["--list", "--verbose"].contains(&a.as_str()))
    {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let source = Source::ours();
    let list: Vec<_> = (0..source.mutants.len())
        .filter(|&n| names.is_empty() || names.contains(&&source.inlines[source.mutants[n].inline].name))
        .collect();
    if has("--list") {
        for n in list {
            let (name, before, after) = key(&source, n);
            println!("{name}\t{before}\t{after}");
        }
        return ExitCode::SUCCESS;
    }
    let fates = match judge(&source, &list) {
        Ok(fates) => fates,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let mut by = BTreeMap::new();
    for (&n, fate) in &fates {
        let (name, before, after) = key(&source, n);
        if has("--verbose") {
            println!("{fate:?}\t{name}\t{before}\t{after}");
        }
        let what = match fate {
            Fate::Refused => "refused by the compiler".to_owned(),
            Fate::Noticed(program) => format!("noticed by {program}"),
            Fate::Survived => "not noticed".to_owned(),
        };
        *by.entry(what).or_insert(0) += 1;
    }
    println!("{} mistakes in {} functions", fates.len(), source.inlines.len());
    for (what, count) in by {
        println!("{count:6} {what}");
    }
    let complaints = complaints(&source, &fates);
    print!("{complaints}");
    if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
