//! Prints the instructions and system calls of `tools/uring_count.c` with the distribution's liburing and ours.

use capi_tests::instructions::{Counter, Headers};
use capi_tests::program::Variant;

fn main() -> Result<(), String> {
    let ways = [
        ("theirs", Headers::Theirs, Variant::Theirs),
        ("ours", Headers::Theirs, Variant::Ours),
        ("ours, our headers", Headers::Ours, Variant::Ours),
        ("preloaded", Headers::Theirs, Variant::Preload),
    ];
    let counter = Counter::new()?;
    print!("{:26}", "instructions each time");
    for (name, ..) in ways {
        print!(" {name:>17}");
    }
    println!(" {:>13}", "system calls");
    for scenario in counter.scenarios()? {
        print!("{scenario:26}");
        for (_, headers, variant) in ways {
            match counter.instructions(headers, variant, &scenario)? {
                Some(n) => print!(" {n:>17}"),
                None => print!(" {:>17}", "no such ring"),
            }
        }
        let calls = |headers, variant| counter.system_calls(headers, variant, &scenario);
        let (theirs, ours) = (
            calls(Headers::Theirs, Variant::Theirs)?,
            calls(Headers::Ours, Variant::Ours)?,
        );
        println!(" {:>13}", format!("{theirs}, {ours}"));
    }
    Ok(())
}
