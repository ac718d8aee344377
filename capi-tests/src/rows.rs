//! What kernel AIO does, row by row (`data/aio-rows.tsv`), and where the library differs from it
//! (`data/aio-differences.tsv`).
//!
//! The programs `c/aio_rows_*.c` print lines `ROW<tab>what: result`. With the distribution's
//! library these are the expected ones; with ours too, but for the listed differences.
//!
//! | column of `aio-rows.tsv` | |
//! | --- | --- |
//! | row | the name of the row |
//! | line | `what: result`, as measured on kernel AIO |
//! | meaning | what the row says, beside its first line |
//!
//! | column of `aio-differences.tsv` | |
//! | --- | --- |
//! | row | |
//! | variants | names of variants; `ring`: those that use io_uring; `*`: all of ours; `old-kernel` |
//! | when | `always`; `sometimes`: it depends on time or chance; `never`: does not apply, whatever it prints |
//! | line | what is printed instead of the expected line with this `what`; `never`: just the `what` |
//! | reason | |

use std::collections::{BTreeMap, BTreeSet};

use crate::program::Variant;

/// Both tables.
pub struct Table {
    rows: BTreeMap<String, Vec<String>>,
    differences: Vec<Difference>,
}

struct Difference {
    row: String,
    variants: Vec<&'static str>,
    when: When,
    line: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Sometimes,
    Never,
}

/// The part of a line before the result.
fn what(line: &str) -> &str {
    line.split_once(": ").map_or(line, |(what, _)| what)
}

/// The lines of a table, without its comments, each with its columns.
fn table(text: &str, columns: usize) -> Result<Vec<Vec<&str>>, String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            (fields.len() == columns)
                .then_some(fields)
                .ok_or(format!("not {columns} columns: {line}"))
        })
        .collect()
}

impl Table {
    /// Reads both files; `Err` says what is wrong in them.
    pub fn load() -> Result<Self, String> {
        let read = |name: &str| {
            let path = crate::here("data").join(name);
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
        };
        Self::parse(&read("aio-rows.tsv")?, &read("aio-differences.tsv")?)
    }

    fn parse(rows_text: &str, differences_text: &str) -> Result<Self, String> {
        let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for fields in table(rows_text, 3)? {
            let [row, line, meaning] = fields[..] else { continue };
            let lines = rows.entry(row.into()).or_default();
            if lines.iter().any(|l| what(l) == what(line)) {
                return Err(format!("{row} has two lines: {line}"));
            }
            if lines.is_empty() == meaning.is_empty() {
                return Err(format!(
                    "{row}: a meaning belongs to the first line, and to no other: {line}"
                ));
            }
            lines.push(line.into());
        }
        let mut differences = Vec::new();
        for fields in table(differences_text, 5)? {
            let [row, variants, when, line, reason] = fields[..] else {
                continue;
            };
            let expected = rows
                .get(row)
                .and_then(|lines| lines.iter().find(|l| what(l) == what(line)));
            let expected = expected.ok_or(format!("a difference from nothing: {row} {line}"))?;
            let when = match when {
                "always" => When::Always,
                "sometimes" => When::Sometimes,
                "never" => When::Never,
                _ => return Err(format!("unknown word: {when}")),
            };
            if expected == line && when != When::Never {
                return Err(format!("not a difference: {row} {line}"));
            }
            if reason.split(' ').count() < 4 {
                return Err(format!("a difference without a reason: {row} {line}"));
            }
            differences.push(Difference {
                row: row.into(),
                variants: named(variants)?,
                when,
                line: line.into(),
            });
        }
        Ok(Self { rows, differences })
    }

    /// Compares what a program printed in a variant or condition of this name; `Err` lists what is
    /// not as it should be.
    pub fn compare(&self, variant: &str, output: &str) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut printed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in output.lines() {
            match line.split_once('\t') {
                Some((row, line)) => printed.entry(row).or_default().push(line),
                None => wrong.push(format!("not a line of a row: {line}")),
            }
        }
        for (row, lines) in printed {
            let Some(expected) = self.rows.get(row) else {
                wrong.push(format!("{row} is not in the table: {}", lines.join(" | ")));
                continue;
            };
            for line in &lines {
                let known = expected.iter().find(|l| what(l) == what(line));
                if let Err(e) = known.map_or(Err("no such line".into()), |k| self.judge(variant, row, line, k)) {
                    wrong.push(format!("{row} {line}: {e}"));
                }
            }
            for line in expected {
                match lines.iter().filter(|l| what(l) == what(line)).count() {
                    0 if self.skipped(variant, row, line) => {}
                    1 => {}
                    n => wrong.push(format!("{row} {line}: printed {n} times")),
                }
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    fn listed<'a>(&'a self, variant: &'a str, row: &'a str, line: &'a str) -> impl Iterator<Item = &'a Difference> {
        self.differences
            .iter()
            .filter(move |d| d.row == row && what(&d.line) == what(line) && d.variants.contains(&variant))
    }

    fn skipped(&self, variant: &str, row: &str, line: &str) -> bool {
        self.listed(variant, row, line).any(|d| d.when == When::Never)
    }

    fn judge(&self, variant: &str, row: &str, line: &str, expected: &str) -> Result<(), String> {
        let mut listed = self.listed(variant, row, line).peekable();
        if listed.peek().is_none() {
            return if line == expected {
                Ok(())
            } else {
                Err(format!("expected {expected}"))
            };
        }
        let mut must_differ = false;
        for difference in listed {
            if difference.when == When::Never || line == difference.line {
                return Ok(());
            }
            must_differ |= difference.when == When::Always;
        }
        match (line == expected, must_differ) {
            (true, false) => Ok(()),
            (true, true) => Err("a difference is listed, and there is none".into()),
            (false, _) => Err(format!("expected {expected}, or what is listed as a difference")),
        }
    }

    /// Whether each row of the table is printed by one program, given what each of them printed.
    pub fn complete(&self, outputs: &[(&str, &str)]) -> Result<(), String> {
        let mut wrong = Vec::new();
        for row in self.rows.keys() {
            let programs: BTreeSet<_> = outputs
                .iter()
                .filter(|(_, output)| output.lines().any(|l| l.split('\t').next() == Some(row)))
                .map(|(name, _)| *name)
                .collect();
            if programs.len() != 1 {
                wrong.push(format!("{row} is printed by {programs:?}"));
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }
}

/// The library as it runs on a kernel that lacks what is new.
pub const OLD_KERNEL: &str = "old-kernel";

/// The names that a list of words means.
fn named(words: &str) -> Result<Vec<&'static str>, String> {
    let mut names = Vec::new();
    for word in words.split(',') {
        let before = names.len();
        let meant = |v: &Variant| {
            v.name() == word || *v != Variant::Theirs && (word == "*" || word == "ring" && v.uses_rings())
        };
        names.extend(Variant::ALL.iter().filter(|v| meant(v)).map(|v| v.name()));
        names.extend(["*", "ring", OLD_KERNEL].contains(&word).then_some(OLD_KERNEL));
        if names.len() == before {
            return Err(format!("unknown variant: {word}"));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "# row\tline\tmeaning\nA01\tone: 1\tit counts\nA01\ttwo: 2\t\nA02\tfree: 3\tall of it\n";

    fn compare(differences: &str, output: &str) -> Result<(), String> {
        Table::parse(ROWS, differences)
            .expect("the tables are right")
            .compare("ours", output)
    }

    #[test]
    fn what_is_expected_is_accepted() {
        assert_eq!(compare("", "A01\tone: 1\nA01\ttwo: 2\n"), Ok(()));
        assert!(compare("", "A01\tone: 1\nA01\ttwo: 3\n").is_err());
        assert!(compare("", "A01\tone: 1\n").is_err());
        assert!(compare("", "A01\tone: 1\nA01\ttwo: 2\nA01\ttwo: 2\n").is_err());
        assert!(compare("", "A01\tone: 1\nA01\ttwo: 2\nA01\tkilled by SIGSEGV\n").is_err());
        assert!(compare("", "A03\tone: 1\n").is_err());
        assert!(compare("", "nothing\n").is_err());
    }

    #[test]
    fn differences_are_those_that_are_listed() {
        let listed = "A02\tring\talways\tfree: 4\tas a test of it\n";
        assert_eq!(compare(listed, "A02\tfree: 4\n"), Ok(()));
        assert!(compare(listed, "A02\tfree: 3\n").is_err());
        assert!(compare(listed, "A02\tfree: 5\n").is_err());
        assert!(compare(&listed.replace("ring", "ours-kernel"), "A02\tfree: 4\n").is_err());
        let timing = listed.replace("always", "sometimes");
        assert_eq!(compare(&timing, "A02\tfree: 4\n"), Ok(()));
        assert_eq!(compare(&timing, "A02\tfree: 3\n"), Ok(()));
        assert!(compare(&timing, "A02\tfree: 5\n").is_err());
        let without = listed.replace("always", "never");
        assert_eq!(compare(&without, "A02\tfree: 5\n"), Ok(()));
    }

    #[test]
    fn tables_are_checked() {
        let wrong = |rows: &str, differences: &str| assert!(Table::parse(rows, differences).is_err());
        wrong("A01\tone: 1\n", "");
        wrong("A01\tone: 1\t\n", "");
        wrong("A01\tone: 1\tx\nA01\tone: 2\t\n", "");
        wrong(ROWS, "A03\t*\talways\tone: 2\tas a test of it\n");
        wrong(ROWS, "A01\t*\talways\tone: 1\tas a test of it\n");
        wrong(ROWS, "A01\t*\talways\tone: 2\t\n");
        wrong(ROWS, "A01\tours\toften\tone: 2\tas a test of it\n");
        wrong(ROWS, "A01\tnobody\talways\tone: 2\tas a test of it\n");
    }

    #[test]
    fn each_row_is_printed_by_one_program() {
        let table = Table::parse(ROWS, "").expect("the tables are right");
        assert_eq!(
            table.complete(&[("a", "A01\tone: 1\n"), ("b", "A02\tfree: 3\n")]),
            Ok(())
        );
        assert!(table.complete(&[("a", "A01\tone: 1\n")]).is_err());
        assert!(
            table
                .complete(&[("a", "A01\tone: 1\nA02\tfree: 3\n"), ("b", "A02\tfree: 3\n")])
                .is_err()
        );
    }
}
