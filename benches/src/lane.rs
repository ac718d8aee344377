//! A contestant: a process of a load program that does a slice of its work whenever it is told to.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a load program says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Error { error: String },
    Right(T),
}

/// One slice: so many requests, and what they took.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Slice {
    ios: u64,
    seconds: f64,
    user: f64,
    system: f64,
    voluntary: u64,
    involuntary: u64,
    #[serde(default)]
    submit: Percentiles,
    #[serde(default)]
    latency: Percentiles,
}

/// Microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

impl Slice {
    pub(crate) fn ios(&self) -> f64 {
        self.ios as f64
    }

    /// Microseconds for each request.
    pub(crate) fn time(&self) -> f64 {
        self.seconds * 1e6 / self.ios()
    }

    /// Microseconds of a processor for each request.
    pub(crate) fn cpu(&self) -> f64 {
        (self.user + self.system) * 1e6 / self.ios()
    }

    /// Context switches for each request.
    pub(crate) fn switches(&self) -> f64 {
        (self.voluntary + self.involuntary) as f64 / self.ios()
    }

    /// What the call that submits took.
    pub(crate) fn submit(&self) -> Percentiles {
        self.submit
    }

    /// What a request took from there to its result.
    pub(crate) fn latency(&self) -> Percentiles {
        self.latency
    }
}

/// The process, killed when it is dropped before its end.
pub(crate) struct Lane {
    /// What it is called in messages.
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaints: std::fs::File,
    patience: Duration,
}

impl Lane {
    /// Starts it and waits until it has made everything ready; an answer may take `patience` longer than what was asked for.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        arguments: &[OsString],
        patience: Duration,
    ) -> Result<Self, String> {
        let file = || tempfile::tempfile().map_err(|e| e.to_string());
        let complaints = file()?;
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints.try_clone().map_err(|e| e.to_string())?);
        let mut child = command
            .spawn()
            .map_err(|e| format!("{}: {e}", Path::new(command.get_program()).display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let (to, lines) = channel();
        // It ends with the process, whose end of the pipe is the only one.
        std::thread::spawn(move || {
            for line in BufReader::new(output.into_iter().next()?).lines() {
                to.send(line.ok()?).ok()?;
            }
            Some(())
        });
        let mut lane = Self {
            name: name.into(),
            child,
            input,
            lines,
            complaints,
            patience,
        };
        // Files of hundreds of megabytes may have to be read first.
        let line = lane.line(Duration::from_secs(60).max(patience))?;
        if line.trim() == "ready" {
            Ok(lane)
        } else {
            Err(lane.complain(&line))
        }
    }

    /// Whose memory and system calls can be looked at.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it work for so long.
    pub(crate) fn run(&mut self, time: Duration) -> Result<Slice, String> {
        let slice: Slice = self.ask(time)?;
        if slice.ios == 0 || !slice.seconds.is_finite() || slice.seconds <= 0.0 {
            return Err(self.complain(&format!("it did nothing: {slice:?}")));
        }
        Ok(slice)
    }

    /// The same, where the answer is something else.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, time: Duration) -> Result<T, String> {
        if let Some(input) = &mut self.input {
            // One that has ended has said why.
            let _ = writeln!(input, "run {}", time.as_secs_f64());
        }
        let line = self.line(time + self.patience)?;
        match serde_json::from_str(&line) {
            Ok(Answer::Right(answer)) => Ok(answer),
            Ok(Answer::Error { error }) => Err(self.complain(&error)),
            Err(_) => Err(self.complain(&line)),
        }
    }

    /// Lets it check what it has written, and end.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.input = None;
        let start = Instant::now();
        loop {
            match self.child.try_wait().map_err(|e| e.to_string())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    let last = self.lines.try_iter().collect::<Vec<_>>().join("\n");
                    return Err(self.complain(&format!("{status} {last}")));
                }
                None if start.elapsed() > Duration::from_secs(30) + self.patience => {
                    return Err(self.complain("it does not end"));
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn line(&mut self, limit: Duration) -> Result<String, String> {
        self.lines.recv_timeout(limit).map_err(|e| match e {
            std::sync::mpsc::RecvTimeoutError::Timeout => {
                self.complain("it says nothing any more: is an event missing?")
            }
            std::sync::mpsc::RecvTimeoutError::Disconnected => {
                let status = self.child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
                self.complain(&status)
            }
        })
    }

    /// What is to be said of its failure.
    fn complain(&mut self, what: &str) -> String {
        let mut text = String::new();
        // Bytes that are no text are no help.
        let _ = self
            .complaints
            .rewind()
            .and_then(|()| self.complaints.read_to_string(&mut text));
        format!("{}: {what} {}", self.name, text.trim()).trim_end().into()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.input = None;
        // One that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
