//! What each function that fills an SQE does to its bytes, by a table, and programs that call them.
//!
//! `data/uring-prep.tsv` has a line per function: its arguments, the five fields that most requests have (`-`: not
//! touched), and the others, in order. A value is an argument, a number, `unsigned(argument)` for one that loses its
//! sign before it is made longer, or `slot(argument)` for the number of a registered file, which is stored plus one
//! unless it is -1. It is cut to the size of its field.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::fuzz::generate::Random;
use crate::run::run;

/// Arguments beside the SQE that a function may have.
pub const ARGUMENTS: usize = 7;
/// An entry of the larger size.
pub const SQE: usize = 128;
/// Bytes of a record: what a driver reads.
const RECORD: usize = 8 * (1 + ARGUMENTS) + SQE;

/// Where the fields of an SQE are, and how large.
const FIELDS: [(&str, usize, usize); 19] = [
    ("opcode", 0, 1),
    ("flags", 1, 1),
    ("ioprio", 2, 2),
    ("fd", 4, 4),
    ("off", 8, 8),
    ("cmd_op", 8, 4),
    ("addr", 16, 8),
    ("level", 16, 4),
    ("optname", 20, 4),
    ("len", 24, 4),
    ("op_flags", 28, 4),
    ("user_data", 32, 8),
    ("buf_index", 40, 2),
    ("personality", 42, 2),
    ("file_index", 44, 4),
    ("addr_len", 44, 2),
    ("write_stream", 44, 1),
    ("addr3", 48, 8),
    ("pad2", 56, 8),
];

/// The column names of the fields that most requests have.
const COMMON: [&str; 5] = ["opcode", "fd", "addr", "len", "off"];

/// One argument.
#[derive(Clone, Debug)]
pub struct Argument {
    /// As C has it.
    pub kind: String,
    /// As the prototype calls it; `sqe` is the entry.
    pub name: String,
}

impl Argument {
    /// What becomes of a 64-bit number that is converted to the type.
    fn converted(&self, value: u64) -> u64 {
        if self.kind.contains('*') {
            return value;
        }
        match self.kind.as_str() {
            "int" => value as i32 as u64,
            "unsigned" | "unsigned int" | "__u32" | "uint32_t" | "mode_t" | "socklen_t" | "id_t" | "idtype_t" => {
                u64::from(value as u32)
            }
            "__u16" => u64::from(value as u16),
            "__u64" | "uint64_t" | "int64_t" | "size_t" | "off_t" | "loff_t" => value,
            other => panic!("the size of {other} is not known"),
        }
    }
}

/// A function that fills an SQE.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// All arguments, with the entry.
    pub arguments: Vec<Argument>,
    /// Field, whether bits are added, value.
    stores: Vec<(usize, usize, bool, String)>,
}

/// The table.
///
/// # Panics
/// If a line is not understood.
pub fn table() -> Vec<Function> {
    let text = std::fs::read_to_string(crate::here("data/uring-prep.tsv")).expect("the table is there");
    text.lines().skip(1).map(function).collect()
}

fn field(name: &str) -> (usize, usize) {
    let found = FIELDS.iter().find(|f| f.0 == name);
    let (_, at, size) = found.unwrap_or_else(|| panic!("an SQE has no field {name}"));
    (*at, *size)
}

fn function(line: &str) -> Function {
    let columns: Vec<_> = line.split('\t').collect();
    assert_eq!(columns.len(), 8, "{line}");
    let arguments = columns[1].split(", ").map(|text| {
        if text == "sqe" {
            return Argument {
                kind: "struct io_uring_sqe *".into(),
                name: text.into(),
            };
        }
        let at = text.rfind([' ', '*']).expect("a type and a name") + 1;
        Argument {
            kind: text[..at].trim().into(),
            name: text[at..].into(),
        }
    });
    let mut stores = Vec::new();
    for (name, value) in COMMON.iter().zip(&columns[2..7]) {
        if *value != "-" {
            let (at, size) = field(name);
            stores.push((at, size, false, (*value).to_owned()));
        }
    }
    for other in columns[7].split(' ').filter(|o| *o != "-") {
        let (name, value) = other.split_once('=').expect("field=value");
        let (at, size) = field(name.trim_end_matches('|'));
        stores.push((at, size, name.ends_with('|'), value.to_owned()));
    }
    Function {
        name: columns[0].into(),
        arguments: arguments.collect(),
        stores,
    }
}

impl Function {
    /// The arguments beside the entry.
    pub fn values(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|a| a.name != "sqe")
    }

    fn value(&self, text: &str, given: &[u64; ARGUMENTS]) -> u64 {
        if let Some(name) = text.strip_prefix("slot(") {
            let slot = self.value(name.trim_end_matches(')'), given) as u32;
            return u64::from(slot.checked_add(1).unwrap_or(slot));
        }
        if let Some(name) = text.strip_prefix("unsigned(") {
            return u64::from(self.value(name.trim_end_matches(')'), given) as u32);
        }
        if let Ok(number) = text.parse::<i64>() {
            return number as u64;
        }
        let found = self.values().zip(given).find(|(a, _)| a.name == text);
        let (argument, value) = found.unwrap_or_else(|| panic!("{} has no argument {text}", self.name));
        argument.converted(*value)
    }

    /// What the function makes of an entry.
    pub fn apply(&self, given: &[u64; ARGUMENTS], sqe: &mut [u8; SQE]) {
        for (at, size, add, value) in &self.stores {
            let bytes = self.value(value, given).to_le_bytes();
            for (to, from) in sqe[*at..at + size].iter_mut().zip(bytes) {
                *to = if *add { *to | from } else { from };
            }
        }
    }

    /// Whether it makes a request of an entry that `io_uring_initialize_sqe` has seen.
    pub fn prepares(&self) -> bool {
        self.stores.first().is_some_and(|s| s.0 == 0)
    }

    /// A value of an argument, for programs that call the function with Rust's types.
    pub fn argument(&self, name: &str, given: &[u64; ARGUMENTS]) -> u64 {
        self.value(name, given)
    }
}

/// One call: the function's number in the list, its arguments, and the entry before it.
#[derive(Clone)]
pub struct Call {
    /// Index of the function.
    pub function: usize,
    /// Its arguments.
    pub given: [u64; ARGUMENTS],
    /// The entry before the call.
    pub before: [u8; SQE],
}

/// Numbers where conversions go wrong, small ones, and any.
fn argument(random: &mut Random) -> u64 {
    const EDGES: [u64; 12] = [
        0,
        1,
        u64::MAX,
        u64::MAX - 1,
        i32::MIN as u64,
        i32::MAX as u64,
        u32::MAX as u64,
        u32::MAX as u64 - 1,
        1 << 32,
        i64::MAX as u64,
        1 << 63,
        0xffff,
    ];
    match random.number() % 4 {
        0 => EDGES[(random.number() % EDGES.len() as u64) as usize],
        1 => random.number() % 70,
        _ => random.number(),
    }
}

/// Calls of all functions, `rounds` of each; the entry before is zero, all ones, or what anybody left there.
pub fn calls(functions: &[Function], rounds: usize, seed: u64) -> Vec<Call> {
    let mut random = Random::new(seed);
    let mut calls = Vec::new();
    for function in 0..functions.len() {
        for round in 0..rounds {
            let mut before = [0; SQE];
            match round % 4 {
                0 => (),
                1 => before.fill(0xff),
                _ => before.fill_with(|| random.number() as u8),
            }
            calls.push(Call {
                function,
                given: std::array::from_fn(|_| argument(&mut random)),
                before,
            });
        }
    }
    calls
}

/// Whose functions a driver calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inlines<'a> {
    /// Those of the headers in a directory.
    Of(&'a Path),
    /// Those of the header that the compiler finds by itself.
    System,
    /// The symbols of a library; the prototypes are the table's.
    Library(&'a Path),
}

/// The text of a program that reads records, makes the calls, and writes the entries.
pub fn driver(functions: &[Function], inlines: Inlines) -> String {
    let mut text = String::new();
    let by_symbol = matches!(inlines, Inlines::Library(_));
    let prototype = |f: &Function| {
        let all: Vec<_> = f.arguments.iter().map(|a| a.kind.clone()).collect();
        all.join(", ")
    };
    text += "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n";
    if by_symbol {
        text += "#include <sys/socket.h>\n#include <sys/stat.h>\n#include <sys/wait.h>\n#include <linux/types.h>\n";
        text += "struct epoll_event; struct futex_waitv; struct io_uring_sqe; struct iovec; struct open_how; struct statx;\n";
        text += "struct __kernel_timespec; struct io_uring_attr_pi; struct aiouring_btrfs_encoded;\n";
        for f in functions {
            let _ = writeln!(text, "extern void {}({});", f.name, prototype(f));
        }
    } else {
        let own = functions.iter().any(|f| f.name.starts_with("aiouring_"));
        text += if own {
            "#include <aiouring.h>\n"
        } else {
            "#include <liburing.h>\n"
        };
        text += "#include <sys/epoll.h>\n#include <linux/openat2.h>\n";
        // A type that differs from the table's does not compile. Old versions lack some a `const`.
        for (n, f) in functions.iter().enumerate().filter(|_| inlines != Inlines::System) {
            let _ = writeln!(
                text,
                "extern void (*type_{n})({}); void (*type_{n})({}) = {};",
                prototype(f),
                prototype(f),
                f.name
            );
        }
    }
    let _ = write!(
        text,
        "static struct {{ uint64_t function, a[{ARGUMENTS}]; union {{ unsigned char bytes[{SQE}]; uint64_t align; }} e; }} r;\n\
         int main(void) {{\n\
         while (fread(&r, sizeof(r), 1, stdin) == 1) {{\n\
         struct io_uring_sqe *sqe = (struct io_uring_sqe *)(void *)r.e.bytes;\n\
         switch (r.function) {{\n"
    );
    for (n, f) in functions.iter().enumerate() {
        let mut number = 0;
        let arguments: Vec<_> = f
            .arguments
            .iter()
            .map(|a| {
                if a.name == "sqe" {
                    return "sqe".to_owned();
                }
                number += 1;
                let through = if a.kind.contains('*') { "(uintptr_t)" } else { "" };
                format!("({}){through}r.a[{}]", a.kind, number - 1)
            })
            .collect();
        let _ = writeln!(text, "case {n}: {}({}); break;", f.name, arguments.join(", "));
    }
    text += "default: return 2;\n}\n";
    text +=
        "if (fwrite(r.e.bytes, sizeof(r.e.bytes), 1, stdout) != 1) return 3;\n}\nreturn fflush(stdout) ? 3 : 0;\n}\n";
    text
}

/// Compiles a driver into a directory.
///
/// # Errors
/// What the compiler says.
pub fn compile(
    functions: &[Function],
    inlines: Inlines,
    compiler: &str,
    options: &[&str],
    dir: &Path,
    name: &str,
) -> Result<PathBuf, String> {
    let source = dir.join(format!("{name}.c"));
    let binary = dir.join(name);
    std::fs::write(&source, driver(functions, inlines)).map_err(|e| e.to_string())?;
    let mut command = Command::new(compiler);
    command
        .args(["-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"])
        .args(options);
    if let Inlines::Of(include) = inlines {
        command.arg("-I").arg(include);
    }
    command.arg("-o").arg(&binary).arg(&source);
    if let Inlines::Library(library) = inlines {
        command.arg(library);
    }
    let outcome = run(&mut command, Duration::from_secs(120));
    if outcome.success() {
        Ok(binary)
    } else {
        Err(outcome.report())
    }
}

/// The calls as a driver reads them.
pub fn records(calls: &[Call]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(calls.len() * RECORD);
    for call in calls {
        bytes.extend((call.function as u64).to_le_bytes());
        for value in call.given {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(call.before);
    }
    bytes
}

/// The entries that a driver leaves.
///
/// # Errors
/// It does not end well.
pub fn entries(command: &mut Command, calls: &[Call]) -> Result<Vec<[u8; SQE]>, String> {
    let mut input = tempfile::tempfile().map_err(|e| e.to_string())?;
    std::io::Write::write_all(&mut input, &records(calls)).map_err(|e| e.to_string())?;
    std::io::Seek::rewind(&mut input).map_err(|e| e.to_string())?;
    let output = command.stdin(input).stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| e.to_string())?;
    if !output.status.success() || output.stdout.len() != calls.len() * SQE {
        return Err(format!("{command:?}: {}", output.status));
    }
    let entries = output.stdout.chunks_exact(SQE);
    Ok(entries.map(|e| e.try_into().expect("a chunk")).collect())
}

/// What the table says that the calls leave.
pub fn expected(functions: &[Function], calls: &[Call]) -> Vec<[u8; SQE]> {
    let entry = |call: &Call| {
        let mut sqe = call.before;
        functions[call.function].apply(&call.given, &mut sqe);
        sqe
    };
    calls.iter().map(entry).collect()
}

/// The calls of which two lists of entries differ, in words, one of each function; empty if none does.
pub fn differences(functions: &[Function], calls: &[Call], left: &[[u8; SQE]], right: &[[u8; SQE]]) -> String {
    let mut first = BTreeMap::new();
    for ((call, left), right) in calls.iter().zip(left).zip(right) {
        if left != right {
            first.entry(call.function).or_insert((call, left, right));
        }
    }
    let mut text = String::new();
    for (function, (call, left, right)) in first {
        let _ = writeln!(text, "{}({:x?})", functions[function].name, call.given);
        let fields = FIELDS.iter().map(|f| (f.0, f.1..f.1 + f.2));
        for (name, range) in fields.chain([("the rest", 64..SQE)]) {
            if left[range.clone()] != right[range.clone()] {
                let (left, right) = (&left[range.clone()], &right[range]);
                let _ = writeln!(text, "    {name}: {left:02x?}, not {right:02x?}");
            }
        }
    }
    text
}

/// The names of the functions of a header that take an SQE and return nothing: those that the table has to have.
pub fn in_header(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // A prototype ends where the body begins.
    for part in text.split("\n{\n") {
        let Some(at) = part.rfind("INLINE void ") else { continue };
        let Some((name, arguments)) = part[at + 12..].split_once('(') else {
            continue;
        };
        if arguments.contains("struct io_uring_sqe *sqe") {
            names.push(name.to_owned());
        }
    }
    names
}

/// The bytes of a field.
///
/// # Panics
/// If there is no such field.
pub fn field_range(name: &str) -> std::ops::Range<usize> {
    let (at, size) = field(name);
    at..at + size
}
