//! What the sequences reached: how often each call and each operation gave what.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by operation or call, and by result.
#[derive(Default)]
pub struct Coverage(BTreeMap<String, BTreeMap<String, u64>>);

fn operation(number: &str) -> String {
    let known = [
        ("0", "PREAD"),
        ("1", "PWRITE"),
        ("2", "FSYNC"),
        ("3", "FDSYNC"),
        ("5", "POLL"),
        ("6", "NOOP"),
        ("7", "PREADV"),
        ("8", "PWRITEV"),
    ];
    known
        .iter()
        .find(|(n, _)| *n == number)
        .map_or("unknown operation", |(_, name)| name)
        .into()
}

fn error(number: i64) -> String {
    let known = [
        (libc::EPERM, "EPERM"),
        (libc::EINTR, "EINTR"),
        (libc::EIO, "EIO"),
        (libc::EBADF, "EBADF"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::ENOMEM, "ENOMEM"),
        (libc::EFAULT, "EFAULT"),
        (libc::EISDIR, "EISDIR"),
        (libc::EINVAL, "EINVAL"),
        (libc::EFBIG, "EFBIG"),
        (libc::ENOSPC, "ENOSPC"),
        (libc::ESPIPE, "ESPIPE"),
        (libc::EPIPE, "EPIPE"),
        (libc::EOPNOTSUPP, "EOPNOTSUPP"),
        (libc::ENOTCONN, "ENOTCONN"),
        (libc::EINPROGRESS, "EINPROGRESS"),
        (libc::EMSGSIZE, "EMSGSIZE"),
    ];
    known
        .iter()
        .find(|(n, _)| i64::from(*n) == -number)
        .map_or_else(|| format!("errno {}", -number), |(_, name)| (*name).into())
}

impl Coverage {
    fn count(&mut self, what: String, result: String) {
        *self.0.entry(what).or_default().entry(result).or_default() += 1;
    }

    /// Adds a transcript.
    pub fn add(&mut self, transcript: &str) {
        for line in transcript.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["event", _, op, _, result, ..] => {
                    let op = operation(op.trim_start_matches("op"));
                    let Some((res, of)) = result.trim_start_matches("res").split_once('/') else {
                        continue;
                    };
                    let (res, of) = (res.parse().unwrap_or(0), of.parse().unwrap_or(0));
                    let class = match res {
                        ..0 => error(res),
                        _ if op == "POLL" && res != 0 => "bits".into(),
                        0 => "0".into(),
                        _ if res == of => "all".into(),
                        _ => "part".into(),
                    };
                    self.count(op, class);
                }
                [_, "submit:", result, "of", _, rest @ ..] => {
                    let result: i64 = result.parse().unwrap_or(0);
                    let class = if result < 0 { error(result) } else { "taken".into() };
                    self.count("io_submit".into(), class.clone());
                    if let (["refused", op, ..], ..0) = (rest, result) {
                        self.count(operation(op.trim_start_matches("op")), format!("refused {class}"));
                    }
                }
                [
                    _,
                    call @ ("setup:" | "destroy:" | "cancel:" | "events:" | "wait:"),
                    result,
                    ..,
                ] => {
                    if let Ok(result) = result.parse::<i64>() {
                        let class = match result {
                            ..0 => error(result),
                            0 => "0".into(),
                            _ => "more".into(),
                        };
                        let name = match *call {
                            "events:" => "io_getevents".into(),
                            "wait:" => "io_queue_wait".into(),
                            other => format!("io_{}", other.trim_end_matches(':')),
                        };
                        self.count(name, class);
                    }
                }
                _ => {}
            }
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, results) in &self.0 {
            write!(f, "{what:18}")?;
            for (result, count) in results {
                write!(f, " {result} {count},")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
