//! Every exported function and every inline of the liburing face is called by the C programs with success and with an
//! error. The programs are compiled with a macro in front of each function that writes down what became of the call
//! (`c/tools/recorder.h`); what is missing has to be listed with the reason in `data/uring-exercised.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use capi_tests::program::{Face, Variant};
use capi_tests::run::run;
use capi_tests::{build_dir, cc, here, root, temp_dir};

/// Programs that have functions of the library themselves, and no ring of the kernel.
const WITHOUT: [&str; 2] = ["uring_inline_", "uring_arguments"];

/// A function, and how its success is known.
struct Known {
    name: String,
    /// `int f(...)`, without the name.
    returns: String,
    arguments: Vec<String>,
}

impl Known {
    fn new(declaration: &str) -> Self {
        let open = declaration.find('(').expect("arguments");
        let head = declaration[..open].trim();
        let at = head.rfind([' ', '*']).expect("a type") + 1;
        let inside = declaration[open + 1..].split(')').next().expect("an end");
        Self {
            name: head[at..].into(),
            returns: head[..at].trim().into(),
            arguments: inside.split(", ").map(str::to_owned).collect(),
        }
    }

    fn has(&self, what: &str) -> bool {
        self.arguments.iter().any(|a| a == what)
    }

    /// Whether it makes a request of an entry, which has a result.
    fn requests(&self) -> bool {
        self.returns == "void"
            && self.has("struct io_uring_sqe *sqe")
            && self.name.contains("_prep_")
            && self.name != "io_uring_prep_send_set_addr"
    }

    /// Whether a call of it can fail: numbers below zero and pointers to nothing.
    fn fails(&self) -> bool {
        self.requests() || ["int", "ssize_t"].contains(&self.returns.as_str()) || self.returns.ends_with('*')
    }

    /// The macro that has its name.
    fn wrapper(&self) -> String {
        let name = &self.name;
        let call = |before: &str, value: &str, after: &str| {
            format!("#define {name}(...) __extension__({{ {before} {value} {name}(__VA_ARGS__); {after} }})\n")
        };
        if self.requests() {
            if name == "io_uring_prep_rw" {
                return format!(
                    "#define {name}(op, e, ...) __extension__({{ struct io_uring_sqe *e__ = (e); \
                     {name}(op, e__, __VA_ARGS__); record_prepared(\"{name}\", e__); }})\n"
                );
            }
            return format!(
                "#define {name}(e, ...) __extension__({{ struct io_uring_sqe *e__ = (e); \
                 {name}(e__, ##__VA_ARGS__); record_prepared(\"{name}\", e__); }})\n"
            );
        }
        let ring = self.arguments.first().is_some_and(|a| a == "struct io_uring *ring");
        if ring && self.returns != "void" {
            // Any of them may submit, and those that have a result are macros of the ring.
            return format!(
                "#define {name}(r, ...) __extension__({{ struct io_uring *r__ = (r); record_submit(r__); \
                 __typeof__({name}(r__, ##__VA_ARGS__)) v__ = {name}(r__, ##__VA_ARGS__); {}; v__; }})\n",
                self.verdict()
            );
        }
        if ring {
            let (kind, given_back) = match name.as_str() {
                "io_uring_cq_advance" => ("unsigned", "record_given_back(r__, n__);"),
                "io_uring_cqe_seen" => (
                    "struct io_uring_cqe *",
                    "if (n__) record_given_back(r__, n__->flags & IORING_CQE_F_32 ? 2 : 1);",
                ),
                _ => return call("", &format!("record(\"{name}\", 0);"), ""),
            };
            return format!(
                "#define {name}(r, n) __extension__({{ struct io_uring *r__ = (r); {kind} n__ = (n); \
                 {given_back} record(\"{name}\", 0); {name}(r__, n__); }})\n"
            );
        }
        if self.returns == "void" {
            return call("", &format!("record(\"{name}\", 0);"), "");
        }
        if name == "io_uring_register_sync_msg" {
            return format!(
                "#define {name}(e) __extension__({{ int v__ = {name}(e); record(\"{name}\", v__ < 0); v__; }})\n"
            );
        }
        format!(
            "#define {name}(...) __extension__({{ __typeof__({name}(__VA_ARGS__)) v__ = {name}(__VA_ARGS__); {}; v__; }})\n",
            self.verdict()
        )
    }

    fn verdict(&self) -> String {
        let error = match self.returns.as_str() {
            "int" | "ssize_t" => "v__ < 0",
            pointer if pointer.ends_with('*') => "!v__",
            _ => "0",
        };
        format!("record(\"{}\", {error})", self.name)
    }
}

fn known() -> Vec<Known> {
    let text = std::fs::read_to_string(here("data/liburing-api.tsv")).expect("the table is there");
    let functions = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let functions = functions.filter(|c| ["exported", "inline", "inline+exported"].contains(&c[1]));
    let mut known: Vec<_> = functions.map(|c| Known::new(c[2])).collect();
    assert!(known.len() > 220);
    let extensions = std::fs::read_to_string(root().join("include/aiouring.h")).expect("the header is there");
    for part in extensions.split("AIOURINGINLINE void ").skip(1) {
        // What fills an iocb is in programs of the other face.
        if let Some((head, _)) = part.split_once(" LIBURING_NOEXCEPT\n{")
            && head.contains("io_uring_sqe")
        {
            let head: Vec<_> = head.split_whitespace().collect();
            known.push(Known::new(&format!("void {}", head.join(" "))));
        }
    }
    known
}

/// Compiles and runs a program; what it does wrong under the recorder does not matter here.
fn record(program: &Path, header: &Path, records: &Path) -> Result<(), String> {
    let dir = temp_dir();
    let binary = dir.path().join("program");
    let mut command = Command::new(cc());
    command
        .args(["-std=gnu11", "-D_GNU_SOURCE", "-O0", "-w", "-pthread", "-include"])
        .arg(header);
    command.arg("-I").arg(root().join("include")).arg("-I").arg(here("c"));
    command.arg("-o").arg(&binary).arg(program);
    command.arg("-L").arg(build_dir()).args(["-Wl,--as-needed", "-luring"]);
    let outcome = run(&mut command, Duration::from_secs(120));
    if !outcome.success() {
        return Err(format!("{}: {}", program.display(), outcome.report()));
    }
    let mut command = Variant::Ours.command(Face::Uring, &binary)?;
    command
        .current_dir(&dir)
        .env("TEST_TMPDIR", dir.path())
        .env("RECORDS", records);
    run(&mut command, Duration::from_secs(60));
    Ok(())
}

#[test]
fn every_function_succeeds_and_fails() {
    let known = known();
    let dir = temp_dir();
    let (header, records) = (dir.path().join("record.h"), dir.path().join("records"));
    let recorder = here("c/tools/recorder.h");
    let mut text = format!("#include \"{}\"\n", recorder.display());
    text += &known.iter().map(Known::wrapper).collect::<String>();
    std::fs::write(&header, text).expect("a temporary file");

    let programs = std::fs::read_dir(here("c"))
        .expect("the programs")
        .flatten()
        .map(|e| e.path());
    let programs: Vec<_> = programs
        .filter(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            name.starts_with("uring_") && name.ends_with(".c") && !WITHOUT.iter().any(|w| name.starts_with(w))
        })
        .collect();
    let (next, trouble) = (AtomicUsize::new(0), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get()) * 2 {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = record(program, &header, &records) {
                        *trouble.lock().expect("no panic") += &error;
                    }
                }
            });
        }
    });
    let trouble = trouble.into_inner().expect("no panic");
    assert!(trouble.is_empty(), "{trouble}");

    let records = std::fs::read_to_string(&records).expect("something was recorded");
    let complaints = complaints(&known, &records);
    assert!(complaints.is_empty(), "{complaints}");
}

/// What the records and the list say differently.
fn complaints(known: &[Known], records: &str) -> String {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, what) in records.lines().filter_map(|line| line.split_once(' ')) {
        seen.entry(name).or_default().insert(what);
    }
    let list = std::fs::read_to_string(here("data/uring-exercised.tsv")).expect("the list is there");
    let mut listed: BTreeSet<(&str, &str)> = BTreeSet::new();
    for line in list.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        assert!(
            columns.len() == 3 && !columns[2].is_empty(),
            "a reason is missing: {line}"
        );
        listed.insert((columns[0], columns[1]));
    }
    let mut complaints = String::new();
    for function in known {
        for what in ["success", "error"] {
            let name = function.name.as_str();
            let was = seen.get(name).is_some_and(|s| s.contains(what));
            let excused = listed.remove(&(name, what));
            if was && excused {
                let _ = writeln!(complaints, "{name} is listed, but there is {what}");
            }
            if !was && !excused && (what == "success" || function.fails()) {
                let _ = writeln!(complaints, "{name} is called without {what}");
            }
        }
    }
    // What never has success is for users to know, too.
    let untested = std::fs::read_to_string(root().join("docs/untested.md")).expect("the page is there");
    for line in list.lines().filter(|line| line.contains("\tsuccess\t")) {
        let name = line.split('\t').next().expect("a name");
        let short = name.trim_end_matches("_task");
        if !untested.contains(&format!("`{name}`")) && !untested.contains(&format!("`{short}`")) {
            let _ = writeln!(complaints, "docs/untested.md does not mention {name}");
        }
    }
    for (name, what) in listed {
        let _ = writeln!(complaints, "{name} {what} is listed for nothing");
    }
    complaints
}

#[test]
fn what_is_missing_is_seen() {
    let known = known();
    let nothing = complaints(&known, "");
    assert!(known.iter().any(|f| f.name == "io_uring_submit"));
    assert!(nothing.contains("io_uring_submit is called without success"));
    assert!(nothing.contains("io_uring_submit is called without error"));
    assert!(nothing.contains("io_uring_cq_advance is called without success"));
    assert!(!nothing.contains("io_uring_cq_advance is called without error"));
    let too_much = complaints(&known, "io_uring_prep_nop128 success\n");
    assert!(too_much.contains("io_uring_prep_nop128 is listed, but there is success"));
}
