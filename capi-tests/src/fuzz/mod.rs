//! A differential fuzzer: random sequences of AIO calls run on kernel AIO and on ours, and what came of them compared.
//!
//! A seed makes a sequence (`generate`), which is plain text: one operation a line. `c/tools/aio_fuzz.c` runs it and
//! prints a transcript; its rules make sure that any sequence has one transcript on kernel AIO. So the transcripts of two
//! libraries can be compared as they are, and a sequence that shows a difference can be made smaller by leaving
//! operations out (`minimise`).

pub mod coverage;
pub mod generate;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::program::{self, Face, Variant};

/// One operation: a word and numbers, see `c/tools/aio_fuzz.c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub name: String,
    /// With what.
    pub args: Vec<i64>,
}

/// What is run.
pub type Sequence = Vec<Operation>;

impl Operation {
    /// An operation.
    pub fn new(name: &str, args: &[i64]) -> Self {
        Self {
            name: name.into(),
            args: args.into(),
        }
    }
}

/// A sequence as text.
pub fn to_text(sequence: &[Operation]) -> String {
    let mut text = String::new();
    for operation in sequence {
        text += &operation.name;
        for arg in &operation.args {
            text += &format!(" {arg}");
        }
        text += "\n";
    }
    text
}

/// A sequence from text; lines that begin with `#` are left out.
///
/// # Errors
/// What is not a number.
pub fn from_text(text: &str) -> Result<Sequence, String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            let args = words.map(|w| w.parse().map_err(|e| format!("{line}: {w}: {e}")));
            Ok(Operation {
                name,
                args: args.collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// A library under test.
#[derive(Clone, Debug)]
pub struct Library {
    variant: Variant,
    environment: Vec<(String, String)>,
    /// Multiplies all times.
    patience: u32,
}

impl Library {
    /// Kernel AIO: the distribution's library.
    pub fn oracle() -> Self {
        // It counts free slots by processor.
        Self::new(Variant::Theirs).with("FUZZ_ONE_CPU", "1")
    }

    /// Ours, of the build directory.
    pub fn ours() -> Self {
        Self::new(Variant::Ours)
    }

    /// Ours, of another directory and perhaps with a fault.
    pub fn seeded(dir: &Path, fault: Option<&str>) -> Self {
        let library = Self::ours().with("LD_LIBRARY_PATH", &dir.to_string_lossy());
        match fault {
            Some(name) => library.with("AIOURING_FAULT", name),
            None => library,
        }
    }

    fn new(variant: Variant) -> Self {
        Self {
            variant,
            environment: Vec::new(),
            patience: 1,
        }
    }

    /// The same with one more variable in its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The same with more time for everything: what is only slow then is no difference.
    #[must_use]
    pub fn patient(&self, patience: u32) -> Self {
        Self {
            patience,
            ..self.clone()
        }
    }
}

/// A process that runs sequences, each in a child of its own.
pub struct Executor {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _dir: tempfile::TempDir,
}

impl Executor {
    /// Starts one.
    ///
    /// # Errors
    /// It does not compile, or does not start.
    pub fn new(library: &Library) -> Result<Self, String> {
        let binary = program::tool("aio_fuzz", Face::Aio)?;
        let dir = crate::temp_dir();
        let mut command: Command = library.variant.command(Face::Aio, &binary)?;
        command
            .current_dir(dir.path())
            .envs(library.environment.iter().cloned())
            .env("FUZZ_PATIENCE", library.patience.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|e| e.to_string())?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("no pipes".into());
        };
        Ok(Self {
            process,
            input,
            output: BufReader::new(output),
            _dir: dir,
        })
    }

    /// The transcript of a sequence.
    ///
    /// # Errors
    /// The executor itself has ended.
    pub fn run(&mut self, sequence: &[Operation]) -> Result<String, String> {
        let text = to_text(sequence) + "go\n";
        self.input.write_all(text.as_bytes()).map_err(|e| e.to_string())?;
        let mut transcript = String::new();
        loop {
            let mut line = Vec::new();
            let n = self.output.read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
            if n == 0 {
                return Err(format!("the executor has ended after:\n{transcript}"));
            }
            if line == b".\n" {
                return Ok(transcript);
            }
            transcript += &String::from_utf8_lossy(&line);
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two libraries, each with a process that runs sequences.
pub struct Pair {
    theirs: Executor,
    ours: Executor,
}

/// The transcripts of one sequence.
#[derive(Clone, Debug)]
pub struct Transcripts {
    /// Of the first library.
    pub theirs: String,
    /// Of the second one.
    pub ours: String,
}

impl Transcripts {
    /// Whether they differ.
    pub fn differ(&self) -> bool {
        self.theirs != self.ours
    }

    /// The first lines that differ, and a few before them.
    pub fn report(&self) -> String {
        let (theirs, ours): (Vec<_>, Vec<_>) = (self.theirs.lines().collect(), self.ours.lines().collect());
        let same = theirs.iter().zip(&ours).take_while(|(a, b)| a == b).count();
        let mut text = String::new();
        for line in &theirs[same.saturating_sub(6)..same] {
            text += &format!("    {line}\n");
        }
        for (mark, lines) in [('-', &theirs), ('+', &ours)] {
            for line in lines.iter().skip(same).take(3) {
                text += &format!("  {mark} {line}\n");
            }
        }
        text
    }
}

impl Pair {
    /// Starts both.
    ///
    /// # Errors
    /// As [`Executor::new`].
    pub fn new(theirs: &Library, ours: &Library) -> Result<Self, String> {
        Ok(Self {
            theirs: Executor::new(theirs)?,
            ours: Executor::new(ours)?,
        })
    }

    /// Runs a sequence on both.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn run(&mut self, sequence: &[Operation]) -> Result<Transcripts, String> {
        Ok(Transcripts {
            theirs: self.theirs.run(sequence)?,
            ours: self.ours.run(sequence)?,
        })
    }
}

/// Whether a difference shows again, several times and with more patience: a busy machine makes none.
///
/// # Errors
/// As [`Executor::run`].
pub fn confirm(theirs: &Library, ours: &Library, sequence: &[Operation]) -> Result<Option<Transcripts>, String> {
    let mut last = None;
    for patience in [1, 3, 8] {
        let found = Pair::new(&theirs.patient(patience), &ours.patient(patience))?.run(sequence)?;
        if !found.differ() {
            return Ok(None);
        }
        last = Some(found);
    }
    Ok(last)
}

/// Makes a sequence smaller that shows a difference: leaves operations out, then makes numbers 0. What it gives differs
/// three times in a row.
///
/// # Errors
/// As [`Executor::run`].
pub fn minimise(theirs: &Library, ours: &Library, sequence: &[Operation], limit: Duration) -> Result<Sequence, String> {
    let mut pair = Pair::new(theirs, ours)?;
    let mut differs = |candidate: &[Operation]| -> Result<bool, String> {
        for _ in 0..3 {
            if !pair.run(candidate)?.differ() {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let end = Instant::now() + limit;
    let mut best = sequence.to_vec();
    loop {
        let before = best.clone();
        let mut chunk = best.len().div_ceil(2);
        while chunk > 0 && Instant::now() < end {
            let mut at = 0;
            while at < best.len() && Instant::now() < end {
                let mut candidate = best.clone();
                candidate.drain(at..(at + chunk).min(best.len()));
                if differs(&candidate)? {
                    best = candidate;
                } else {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
        for operation in 0..best.len() {
            for arg in 0..best[operation].args.len() {
                let mut candidate = best.clone();
                let value = std::mem::take(&mut candidate[operation].args[arg]);
                // "No eventfd" is -1.
                if best[operation].name == "+" && arg == 9 {
                    candidate[operation].args[arg] = -1;
                }
                if value != candidate[operation].args[arg] && Instant::now() < end && differs(&candidate)? {
                    best = candidate;
                }
            }
        }
        if best == before || Instant::now() >= end {
            return Ok(best);
        }
    }
}

/// The transcripts of kernel AIO by seed, so that several runs need them once.
#[derive(Default)]
pub struct Known(Mutex<HashMap<u64, String>>);

/// Calls `each` with the seeds from `first` on and a pair of its own per worker, until a worker's `each` says that it is
/// enough (`false`), all of `count` are done or the time is over. Gives how many were run.
///
/// # Errors
/// The first of a worker.
pub fn sweep(
    (theirs, ours): (&Library, &Library),
    (first, count): (u64, u64),
    jobs: usize,
    end: Option<Instant>,
    known: &Known,
    each: impl Fn(u64, &Sequence, Transcripts) -> Result<bool, String> + Sync,
) -> Result<u64, String> {
    let next = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<(), String> {
            let mut pair = Pair::new(theirs, ours)?;
            loop {
                let index = next.fetch_add(1, Relaxed);
                if index >= count || end.is_some_and(|end| Instant::now() >= end) {
                    return Ok(());
                }
                let sequence = generate::generate(first + index);
                let seen = known
                    .0
                    .lock()
                    .map_err(|_| "a worker has panicked")?
                    .get(&(first + index))
                    .cloned();
                let theirs = match seen {
                    Some(transcript) => transcript,
                    None => pair.theirs.run(&sequence)?,
                };
                let transcripts = Transcripts {
                    theirs,
                    ours: pair.ours.run(&sequence)?,
                };
                if !transcripts.differ() && known.0.lock().is_ok_and(|known| known.len() < 10_000) {
                    let mut known = known.0.lock().map_err(|_| "a worker has panicked")?;
                    known.insert(first + index, transcripts.theirs.clone());
                }
                done.fetch_add(1, Relaxed);
                if !each(first + index, &sequence, transcripts)? {
                    next.store(count, Relaxed);
                }
            }
        };
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().map_err(|_| "a worker has panicked")??;
        }
        Ok(done.load(Relaxed))
    })
}
