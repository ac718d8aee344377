//! The system calls that a contestant makes for a request, as strace counts them: it looks at the process for a short and
//! for a longer slice, and what both have in common is not the requests'. Nothing is timed meanwhile.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::lane::Lane;

/// Whether it can be used here.
pub(crate) fn works() -> bool {
    Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output()
        .is_ok_and(|o| o.status.success())
}

/// The calls of each name for one request.
pub(crate) fn calls(lane: &mut Lane, time: Duration) -> Result<BTreeMap<String, f64>, String> {
    let (few, first) = slice(lane, Duration::ZERO)?;
    // Few are not enough, as much as there is of what takes long.
    let (mut many, mut second) = slice(lane, time)?;
    for n in 1..=2 {
        if many < 4.0 * few {
            (many, second) = slice(lane, time * 4 * n)?;
        }
    }
    Ok(difference(&first, few, &second, many))
}

fn difference(
    first: &BTreeMap<String, f64>,
    few: f64,
    second: &BTreeMap<String, f64>,
    many: f64,
) -> BTreeMap<String, f64> {
    // Both may end with the file.
    if many < 1.5 * few {
        return second
            .iter()
            .map(|(name, calls)| (name.clone(), calls / many))
            .collect();
    }
    let each = |(name, calls): (&String, &f64)| {
        let more = calls - first.get(name).copied().unwrap_or(0.0);
        (name.clone(), (more / (many - few)).max(0.0))
    };
    second.iter().map(each).collect()
}

fn slice(lane: &mut Lane, time: Duration) -> Result<(f64, BTreeMap<String, f64>), String> {
    let file = tempfile::NamedTempFile::new().map_err(|e| e.to_string())?;
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-U", "name,calls", "-o"])
        .arg(file.path())
        .args(["-p", &lane.pid().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("strace: {e}"))?;
    let mut said = String::new();
    if let Some(errors) = strace.stderr.take() {
        // It says that it is attached, or why it is not and ends.
        BufReader::new(errors).read_line(&mut said).map_err(|e| e.to_string())?;
    }
    let ran = if said.contains("attached") {
        lane.run(time)
    } else {
        Err(said)
    };
    // SAFETY: kill takes no pointers; the process is our child and has not been waited for.
    unsafe { libc::kill(strace.id() as i32, libc::SIGINT) };
    strace.wait().map_err(|e| e.to_string())?;
    let table = std::fs::read_to_string(file.path()).map_err(|e| e.to_string())?;
    Ok((ran?.ios(), parse(&table)))
}

/// Lines of a name and a number, between a heading and a sum.
fn parse(table: &str) -> BTreeMap<String, f64> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, calls) = (words.next()?, words.next()?.parse().ok()?);
        (name != "total").then(|| (name.to_owned(), calls))
    };
    table.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read() {
        let table = "syscall                calls\n---------------- ---------\nread                     3\nio_submit              100\n\
                     ---------------- ---------\ntotal                  103\n";
        let calls = parse(table);
        assert_eq!(calls.len(), 2);
        assert_eq!(calls.get("io_submit"), Some(&100.0));
    }

    #[test]
    fn what_both_slices_have_goes_out() {
        let of = |read: f64, submit: f64| BTreeMap::from([("read".to_owned(), read), ("io_submit".to_owned(), submit)]);
        let calls = difference(&of(3.0, 10.0), 10.0, &of(3.0, 40.0), 40.0);
        assert_eq!(calls.get("read"), Some(&0.0));
        assert_eq!(calls.get("io_submit"), Some(&1.0));
        // Slices that are of one length.
        let calls = difference(&of(3.0, 40.0), 40.0, &of(3.0, 40.0), 40.0);
        assert_eq!(calls.get("io_submit"), Some(&1.0));
    }
}
