//! Deliberate mistakes in the inlines of `liburing.h` and `aiouring.h`, and the tests that have to notice each of them.
//!
//! All mistakes are compiled at once: a function gets a copy of its body for each, and an environment variable says
//! which copy is executed. So a program is compiled once, and to try a mistake is to run it. What the compiler refuses
//! is left out. First the driver of [`crate::prep`] is run, then the C programs that call the function or one of its
//! callers, until one fails. A mistake that nothing notices survives; `data/uring-mutants.tsv` lists those that no
//! program can notice, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::prep::{self, Call, Function, Inlines};
use crate::program::{Face, Variant};
use crate::run::{Outcome, run};

/// Between the texts of two headers, a white space that neither has.
const NEXT_HEADER: char = '\u{c}';

/// The headers that define functions.
const HEADERS: [&str; 2] = ["liburing.h", "aiouring.h"];

/// The variable that chooses a mistake.
const CHOICE: &str = "URING_MUTANT";

/// A word, number, operator or other piece of C.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Word,
    Number,
    Sign,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    at: Range<usize>,
}

/// An inline function of the header.
#[derive(Clone, Debug)]
pub struct Inline {
    /// Its name.
    pub name: String,
    /// What is between its braces, in the header.
    body: Range<usize>,
    returns: bool,
    calls: BTreeSet<String>,
}

/// A function with a mistake.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Index of the function.
    pub inline: usize,
    /// What is replaced, in the header.
    at: Range<usize>,
    by: String,
    /// The line or lines, before and after.
    pub before: String,
    /// The same with the mistake.
    pub after: String,
    /// Whether only the order of accesses to memory is another.
    order: bool,
}

/// The headers, their functions, and all mistakes.
pub struct Source {
    text: String,
    /// The functions.
    pub inlines: Vec<Inline>,
    /// The mistakes in them.
    pub mutants: Vec<Mutant>,
}

const SIGNS: [&str; 24] = [
    "<<=", ">>=", "->", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "|=", "&=", "+=", "-=", "^=", "++", "--", "+",
    "-", "*", "&", "|", "^",
];

/// The tokens of a part of a text; comments and what is compiled under a condition are passed over.
fn tokens(text: &str, part: Range<usize>) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut conditional) = (part.start, false);
    let end_of = |from: usize, what: &str| text[from..].find(what).map_or(part.end, |n| from + n + what.len());
    while at < part.end {
        let rest = &text[at..part.end];
        let word = |c: &u8| c.is_ascii_alphanumeric() || *c == b'_';
        if rest.starts_with("/*") {
            at = end_of(at, "*/");
        } else if rest.starts_with('#') {
            conditional = rest.starts_with("#if") || conditional && !rest.starts_with("#endif");
            at = end_of(at, "\n");
        } else if bytes[at].is_ascii_whitespace() || conditional {
            at += 1;
        } else if word(&bytes[at]) {
            let length = rest.bytes().take_while(word).count();
            let kind = if bytes[at].is_ascii_digit() {
                Kind::Number
            } else {
                Kind::Word
            };
            tokens.push(Token {
                kind,
                at: at..at + length,
            });
            at += length;
        } else {
            let length = SIGNS.iter().find(|s| rest.starts_with(**s)).map_or(1, |s| s.len());
            tokens.push(Token {
                kind: Kind::Sign,
                at: at..at + length,
            });
            at += length;
        }
    }
    tokens
}

impl Source {
    /// Reads our headers.
    ///
    /// # Panics
    /// If one is not there.
    pub fn ours() -> Self {
        let read = |name: &str| std::fs::read_to_string(crate::root().join("include").join(name));
        let texts = HEADERS.map(|name| read(name).expect("the header is there"));
        Self::new(texts.join(&NEXT_HEADER.to_string()))
    }

    /// The same with a change.
    pub fn changed(&self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "{from} is not there");
        Self::new(self.text.replace(from, to))
    }

    fn new(text: String) -> Self {
        let mut source = Self {
            inlines: inlines(&text),
            text,
            mutants: Vec::new(),
        };
        for number in 0..source.inlines.len() {
            let found = Finder::new(&source, number).find();
            source.mutants.extend(found);
        }
        source
    }

    /// The headers with the mistakes of the list: number n is chosen by n plus one.
    fn schemata(&self, list: &[usize]) -> String {
        let mut of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &number in list {
            of.entry(self.mutants[number].inline).or_default().push(number);
        }
        let mut text = String::from(
            "#ifndef URING_MUTANT\n#define URING_MUTANT\n#include <stdlib.h>\nstatic int uring_mutant__;\n\
             __attribute__((constructor)) static void uring_choose__(void)\n{\n\
             \tconst char *text = getenv(\"URING_MUTANT\");\n\n\turing_mutant__ = text ? atoi(text) : 0;\n}\n#endif\n",
        );
        let mut at = 0;
        for (number, inline) in self.inlines.iter().enumerate() {
            text += &self.text[at..inline.body.start];
            for &number in of.get(&number).into_iter().flatten() {
                let mutant = &self.mutants[number];
                let end = if inline.returns { "__builtin_trap();" } else { "return;" };
                let _ = write!(
                    text,
                    "if (uring_mutant__ == {}) {{\n#line 1 \"mutant-{number}\"\n{}{}{}\n{end}\n}}\n",
                    number + 1,
                    &self.text[inline.body.start..mutant.at.start],
                    mutant.by,
                    &self.text[mutant.at.end..inline.body.end],
                );
            }
            text += "#line 1 \"liburing.h\"\n";
            at = inline.body.start;
        }
        text += &self.text[at..];
        text
    }

    /// The functions that call one, and it.
    fn callers(&self, name: &str) -> BTreeSet<String> {
        let mut all = BTreeSet::from([name.to_owned()]);
        loop {
            let before = all.len();
            for inline in &self.inlines {
                if inline.calls.iter().any(|c| all.contains(c)) {
                    all.insert(inline.name.clone());
                }
            }
            if all.len() == before {
                return all;
            }
        }
    }
}

fn inlines(text: &str) -> Vec<Inline> {
    let mut inlines: Vec<Inline> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(" LIBURING_NOEXCEPT\n{\n") {
        let open = at + found + " LIBURING_NOEXCEPT\n{\n".len();
        let close = open + text[open..].find("\n}\n").expect("a function ends") + 1;
        let head = &text[at..open];
        let start = head.rfind("INLINE ").expect("an inline") + "INLINE ".len();
        let prototype = &head[start..];
        let name = prototype.split('(').next().expect("a name");
        let name = name.rsplit([' ', '*']).next().expect("a name");
        let words = tokens(text, open..close).into_iter().filter(|t| t.kind == Kind::Word);
        inlines.push(Inline {
            name: name.into(),
            body: open..close,
            returns: !prototype.starts_with("void ") || prototype.starts_with("void *"),
            calls: words.map(|t| text[t.at].to_owned()).collect(),
        });
        at = close;
    }
    inlines
}

/// Finds the mistakes that can be made in one function.
struct Finder<'a> {
    text: &'a str,
    inline: usize,
    returns: bool,
    tokens: Vec<Token>,
    found: Vec<Mutant>,
}

/// What a narrower conversion cuts to.
const NARROWER: [(&str, &str); 8] = [
    ("__u64", "__u32"),
    ("__u32", "__u16"),
    ("__u16", "__u8"),
    ("uint16_t", "uint8_t"),
    ("uintptr_t", "__u32"),
    ("size_t", "__u32"),
    ("unsigned", "__u16"),
    ("int", "short"),
];

impl<'a> Finder<'a> {
    fn new(source: &'a Source, inline: usize) -> Self {
        Self {
            text: &source.text,
            inline,
            returns: source.inlines[inline].returns,
            tokens: tokens(&source.text, source.inlines[inline].body.clone()),
            found: Vec::new(),
        }
    }

    fn is(&self, token: usize, text: &str) -> bool {
        self.tokens.get(token).is_some_and(|t| &self.text[t.at.clone()] == text)
    }

    fn word(&self, token: usize) -> &'a str {
        &self.text[self.tokens[token].at.clone()]
    }

    fn add(&mut self, at: Range<usize>, by: impl Into<String>) {
        self.add_kind(at, by, false);
    }

    fn add_kind(&mut self, at: Range<usize>, by: impl Into<String>, order: bool) {
        let by = by.into();
        if self.text[at.clone()] == by {
            return;
        }
        // Whole lines, so that a person finds the place.
        let start = self.text[..at.start].rfind('\n').map_or(0, |n| n + 1);
        let end = at.end + self.text[at.end..].find('\n').unwrap_or(0);
        let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let before = line(self.text[start..end].to_owned());
        let after = line(format!(
            "{}{by}{}",
            &self.text[start..at.start],
            &self.text[at.end..end]
        ));
        let inline = self.inline;
        self.found.push(Mutant {
            inline,
            at,
            by,
            before,
            after,
            order,
        });
    }

    /// The token that closes what a token opens.
    fn close(&self, open: usize) -> usize {
        let mut depth = 0;
        for token in open..self.tokens.len() {
            match self.word(token) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => (),
            }
            if depth == 0 {
                return token;
            }
        }
        panic!("nothing closes {}", self.word(open));
    }

    fn span(&self, first: usize, last: usize) -> Range<usize> {
        self.tokens[first].at.start..self.tokens[last].at.end
    }

    fn find(mut self) -> Vec<Mutant> {
        let statements = self.statements();
        for &(first, last) in &statements {
            self.statement(first, last);
        }
        for pair in statements.windows(2) {
            self.permute(pair[0], pair[1]);
        }
        for token in 0..self.tokens.len() {
            self.condition(token);
            self.call(token);
            self.order(token);
            self.operator(token);
            self.constant(token);
        }
        self.found
    }

    /// The statements that end with a semicolon: first and last token.
    fn statements(&self) -> Vec<(usize, usize)> {
        let mut statements = Vec::new();
        let mut first = 0;
        while first < self.tokens.len() {
            match self.word(first) {
                "if" | "for" => first = self.close(first + 1) + 1,
                "else" | "{" | "}" => first += 1,
                _ => {
                    let mut last = first;
                    while !self.is(last, ";") {
                        last = if ["(", "["].contains(&self.word(last)) {
                            self.close(last) + 1
                        } else {
                            last + 1
                        };
                    }
                    statements.push((first, last));
                    first = last + 1;
                }
            }
        }
        statements
    }

    fn declares(&self, first: usize) -> bool {
        self.tokens[first].kind == Kind::Word
            && self.tokens[first + 1].kind == Kind::Word
            && self.word(first) != "return"
            || self.word(first) == "struct"
            || self.word(first + 1) == "*" && self.word(first) == "char"
    }

    /// A statement that is not there; a value that is not returned.
    fn statement(&mut self, first: usize, last: usize) {
        if self.declares(first) {
            return;
        }
        let all = self.span(first, last);
        if self.word(first) != "return" {
            // To go on for ever is noticed, too, but takes long.
            if self.word(first) != "break" {
                self.add(all, ";");
            }
        } else if self.returns {
            let value = self.span(first + 1, last - 1);
            let other = match &self.text[value.clone()] {
                "0" | "URING_NULL__" => "1",
                "true" => "false",
                "false" => "true",
                _ => "0",
            };
            self.add(value, other);
        }
    }

    /// Two stores after each other, with the values exchanged.
    fn permute(&mut self, left: (usize, usize), right: (usize, usize)) {
        let store = |(first, last): (usize, usize)| {
            let assign = (first..last).find(|&t| self.is(t, "="))?;
            (!self.declares(first)).then(|| self.span(assign + 1, last - 1))
        };
        if let (Some(a), Some(b)) = (store(left), store(right)) {
            let between = &self.text[a.end..b.start];
            let by = format!("{}{between}{}", &self.text[b.clone()], &self.text[a.clone()]);
            self.add(a.start..b.end, by);
        }
    }

    fn condition(&mut self, token: usize) {
        if self.is(token, "if") {
            let close = self.close(token + 1);
            let inside = self.span(token + 2, close - 1);
            self.add(inside.clone(), "1");
            self.add(inside, "0");
        }
    }

    /// Arguments exchanged, replaced, and one too high; conversions that cut too much.
    fn call(&mut self, token: usize) {
        let name = self.word(token);
        if self.tokens[token].kind != Kind::Word
            || !self.is(token + 1, "(")
            || ["if", "for", "return", "sizeof"].contains(&name)
        {
            return;
        }
        let close = self.close(token + 1);
        let mut arguments = Vec::new();
        let (mut first, mut at) = (token + 2, token + 2);
        while at < close {
            if self.is(at, "(") {
                at = self.close(at) + 1;
                continue;
            }
            if self.is(at, ",") {
                arguments.push(self.span(first, at - 1));
                first = at + 1;
            }
            at += 1;
        }
        arguments.push(self.span(first, close - 1));
        if name.ends_with("URING_NUM__") || name == "URING_PTR__" {
            let kind = self.text[arguments[0].clone()].to_owned();
            if let Some((_, narrow)) = NARROWER.iter().find(|n| n.0 == kind) {
                self.add(arguments[0].clone(), *narrow);
            }
            return;
        }
        for pair in arguments.windows(2) {
            let [a, b] = [&pair[0], &pair[1]].map(|r| self.text[r.clone()].to_owned());
            if [&a, &b]
                .iter()
                .all(|text| ["0", "URING_NULL__", "AIOURING_NULL__"].contains(&text.as_str()))
            {
                continue;
            }
            let by = format!("{b}{}{a}", &self.text[pair[0].end..pair[1].start]);
            self.add(pair[0].start..pair[1].end, by);
        }
        for argument in arguments {
            let text = self.text[argument.clone()].to_owned();
            if text != "0" && !text.ends_with("URING_NULL__") {
                self.add(argument.clone(), "0");
            }
            self.add(argument, format!("({text}) + 1"));
        }
    }

    /// An access that keeps no order.
    fn order(&mut self, token: usize) {
        let name = self.word(token);
        if ![
            "io_uring_smp_load_acquire",
            "io_uring_smp_store_release",
            "IO_URING_READ_ONCE",
            "IO_URING_WRITE_ONCE",
        ]
        .contains(&name)
        {
            return;
        }
        let close = self.close(token + 1);
        let inside = self.text[self.tokens[token + 2].at.start..self.tokens[close - 1].at.end].to_owned();
        let star = if name.starts_with("IO") { "" } else { "*" };
        let by = match inside.split_once(", ") {
            Some((to, value)) => format!("{star}({to}) = ({value})"),
            None => format!("{star}({inside})"),
        };
        self.add_kind(self.span(token, close), by, true);
    }

    fn operator(&mut self, token: usize) {
        let sign = self.word(token);
        if self.tokens[token].kind != Kind::Sign {
            return;
        }
        let at = self.tokens[token].at.clone();
        // With a value before it, it has two operands.
        let binary = token > 0
            && (self.tokens[token - 1].kind != Kind::Sign || [")", "]"].contains(&self.word(token - 1)))
            && !["return", "struct"].contains(&self.word(token - 1))
            && self.text[at.end..].starts_with(' ');
        let others: &[&str] = match (sign, binary) {
            ("==", _) => &["!="],
            ("!=", _) => &["=="],
            ("<", _) => &["<=", ">="],
            (">", _) => &[">=", "<="],
            ("<=", _) => &["<", ">"],
            (">=", _) => &[">", "<"],
            ("&&", _) => &["||"],
            ("||", _) => &["&&"],
            ("<<", _) => &[">>"],
            ("|=", _) => &["=", "&="],
            ("+=", _) => &["-=", "="],
            ("++", _) => &["--"],
            ("&", true) => &["|"],
            ("|", true) => &["&", "^"],
            ("^", true) => &["|", "&"],
            ("+", true) => &["-"],
            ("-", true) => &["+"],
            ("!" | "-", false) => &[""],
            _ => &[],
        };
        for other in others {
            self.add(at.clone(), *other);
        }
    }

    fn constant(&mut self, token: usize) {
        let word = self.word(token);
        let at = self.tokens[token].at.clone();
        // Arguments have their turn as such.
        if token > 0 && ["(", ","].contains(&self.word(token - 1)) && [")", ","].contains(&self.word(token + 1)) {
            return;
        }
        match self.tokens[token].kind {
            Kind::Number => {
                let number: u64 = word.parse().expect("decimal numbers");
                self.add(at.clone(), (number + 1).to_string());
                if number > 0 {
                    self.add(at, (number - 1).to_string());
                }
            }
            Kind::Word if word == "sizeof" => self.add(at, "1 + sizeof"),
            Kind::Word => {
                let named = word.contains('_') && !word.chars().any(|c| c.is_ascii_lowercase());
                if (named || word.starts_with('E') && word.len() > 2)
                    && !self.is(token + 1, "(")
                    && !word.ends_with("__")
                {
                    self.add(at.clone(), format!("({word} + 1)"));
                    self.add(at, "0");
                }
            }
            Kind::Sign => (),
        }
    }
}

/// What became of a mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The compiler refuses it.
    Refused,
    /// A program, of this name, noticed.
    Noticed(String),
    /// Nothing noticed.
    Survived,
}

/// How a program and a mistake are run.
struct Bench<'a> {
    source: &'a Source,
    dir: tempfile::TempDir,
    functions: Vec<Function>,
    calls: Vec<Call>,
    driver: PathBuf,
    programs: Vec<Program>,
    listed: BTreeSet<Key>,
}

/// A C program of the liburing face, or of the extensions.
struct Program {
    name: String,
    path: PathBuf,
    text: String,
    /// Compiled with a sanitizer that sees the order of accesses.
    ordered: bool,
    /// `None`: it cannot run here.
    binary: OnceLock<Result<Option<PathBuf>, String>>,
}

/// What is run first: it needs no kernel, and it is made for this.
fn rank(name: &str) -> usize {
    usize::from(!name.starts_with("uring_inline")) + usize::from(name.starts_with("uring_many"))
}

impl<'a> Bench<'a> {
    fn new(source: &'a Source, compiled: &[usize]) -> Result<Self, String> {
        let dir = crate::temp_dir();
        write_headers(dir.path(), &source.schemata(compiled))?;
        let functions = prep::table();
        let calls = prep::calls(&functions, 60, 1);
        let driver = prep::compile(
            &functions,
            Inlines::Of(dir.path()),
            &crate::cc(),
            &LOOSE,
            dir.path(),
            "driver",
        )?;
        let entries = std::fs::read_dir(crate::here("c")).map_err(|e| e.to_string())?;
        let mut programs: Vec<_> = entries
            .flatten()
            .map(|e| e.path())
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?.strip_suffix(".c")?.to_owned();
                let text = std::fs::read_to_string(&path).ok()?;
                ["uring_", "ext_"]
                    .iter()
                    .any(|face| name.starts_with(face))
                    .then(|| Program {
                        ordered: text.contains("// mutants: order"),
                        name,
                        path,
                        text,
                        binary: OnceLock::new(),
                    })
            })
            .collect();
        programs.sort_by_key(|p| (rank(&p.name), p.text.len()));
        Ok(Self {
            source,
            dir,
            functions,
            calls,
            driver,
            programs,
            listed: listed(),
        })
    }

    fn fate(&self, number: usize) -> Result<Fate, String> {
        let mutant = &self.source.mutants[number];
        let callers = self.source.callers(&self.source.inlines[mutant.inline].name);
        if !mutant.order && self.driver_notices(number, &callers)? {
            return Ok(Fate::Noticed("the driver".into()));
        }
        // What is listed has been thought about: the programs that depend on time and load have no say.
        let known = self.listed.contains(&key(self.source, number));
        let asked = |p: &&Program| (!mutant.order || p.ordered) && (!known || rank(&p.name) == 0);
        for program in self.programs.iter().filter(asked) {
            let words = tokens(&program.text, 0..program.text.len());
            let concerned = words.iter().any(|t| callers.contains(&program.text[t.at.clone()]));
            // The macro is expanded in the program.
            let walk = ["io_uring_cqe_iter_init", "io_uring_cqe_iter_next"];
            let walks = program.text.contains("io_uring_for_each_cqe") && walk.iter().any(|w| callers.contains(*w));
            if (concerned || walks) && self.program_notices(program, number)? {
                return Ok(Fate::Noticed(program.name.clone()));
            }
        }
        Ok(Fate::Survived)
    }

    fn driver_notices(&self, number: usize, callers: &BTreeSet<String>) -> Result<bool, String> {
        let own = &self.source.inlines[self.source.mutants[number].inline].name;
        let by_name = |names: &dyn Fn(&str) -> bool| -> Vec<Call> {
            let concerned = |c: &&Call| names(&self.functions[c.function].name);
            self.calls.iter().filter(concerned).cloned().collect()
        };
        let mut calls = by_name(&|name| name == own);
        if calls.is_empty() {
            calls = by_name(&|name| callers.contains(name));
        }
        if calls.is_empty() {
            return Ok(false);
        }
        let mut command = Command::new(&self.driver);
        command.env(CHOICE, (number + 1).to_string());
        Ok(prep::entries(&mut command, &calls).map_or(true, |e| e != prep::expected(&self.functions, &calls)))
    }

    fn program_notices(&self, program: &Program, number: usize) -> Result<bool, String> {
        let binary = match program.binary.get_or_init(|| self.compile(program)) {
            Ok(Some(binary)) => binary,
            Ok(None) => return Ok(false),
            Err(error) => return Err(error.clone()),
        };
        let quick = rank(&program.name) == 0;
        // The quick ones take some milliseconds. What goes on for ever has been noticed, too.
        let limit = Duration::from_secs(if quick { 1 } else { 10 });
        let outcome = self.run(binary, number + 1, limit)?;
        if outcome.code() == Some(0) || quick && outcome.status.is_some() {
            return Ok(outcome.code() != Some(0));
        }
        // On a busy machine time runs out without a mistake, too: how long does it take now?
        let start = Instant::now();
        if self.run(binary, 0, 10 * limit)?.code() != Some(0) {
            return Ok(false);
        }
        Ok(self.run(binary, number + 1, limit.max(5 * start.elapsed()))?.code() != Some(0))
    }

    /// Runs a program with the mistake that has the number; 0 is none.
    fn run(&self, binary: &Path, choice: usize, limit: Duration) -> Result<Outcome, String> {
        let dir = crate::temp_dir();
        let mut command = Variant::Ours.command(Face::Uring, binary)?;
        command
            .current_dir(&dir)
            .env("TEST_TMPDIR", dir.path())
            .env(CHOICE, choice.to_string());
        Ok(run(&mut command, limit))
    }

    fn compile(&self, program: &Program) -> Result<Option<PathBuf>, String> {
        let binary = self.dir.path().join(&program.name);
        let mut command = Command::new(crate::cc());
        command.args(["-D_GNU_SOURCE", "-g", "-pthread", "-w"]).args(LOOSE);
        if program.ordered {
            command.args(["-O1", "-fsanitize=thread"]);
        }
        command.arg("-I").arg(self.dir.path()).arg("-I").arg(crate::here("c"));
        command.arg("-o").arg(&binary).arg(&program.path);
        command
            .arg("-L")
            .arg(crate::build_dir())
            .arg("-Wl,--as-needed")
            .arg(if program.name.starts_with("ext_") {
                "-laiouring"
            } else {
                "-luring"
            });
        let outcome = run(&mut command, Duration::from_secs(120));
        if !outcome.success() {
            return Err(outcome.report());
        }
        let outcome = self.run(&binary, 0, Duration::from_secs(60))?;
        match outcome.code() {
            Some(0) => Ok(Some(binary)),
            Some(77) => Ok(None),
            _ => Err(format!(
                "{} fails without a mistake: {}",
                program.name,
                outcome.report()
            )),
        }
    }
}

/// Mistakes look odd to a compiler; wrong types are refused, as the tests of the headers do.
const LOOSE: [&str; 6] = [
    "-w",
    "-Werror=int-conversion",
    "-Werror=incompatible-pointer-types",
    "-Werror=implicit-function-declaration",
    "-fno-strict-aliasing",
    "-O0",
];

/// Our headers, with others in the place of those that define functions.
fn write_headers(dir: &Path, texts: &str) -> Result<(), String> {
    let write = || -> std::io::Result<()> {
        for (name, text) in HEADERS.iter().zip(texts.split(NEXT_HEADER)) {
            std::fs::write(dir.join(name), text)?;
        }
        for entry in std::fs::read_dir(crate::root().join("include"))? {
            let entry = entry?;
            let link = dir.join(entry.file_name());
            if !link.exists() {
                std::os::unix::fs::symlink(entry.path(), link)?;
            }
        }
        Ok(())
    };
    write().map_err(|e| e.to_string())
}

/// The mistakes that the compiler takes.
fn compiled(source: &Source, mut list: Vec<usize>) -> Result<Vec<usize>, String> {
    let dir = crate::temp_dir();
    for _ in 0..5 {
        write_headers(dir.path(), &source.schemata(&list))?;
        let program = dir.path().join("all.c");
        std::fs::write(&program, "#include <aiouring.h>\n").map_err(|e| e.to_string())?;
        let mut command = Command::new(crate::cc());
        command
            .args(["-D_GNU_SOURCE", "-fsyntax-only", "-fmax-errors=0"])
            .args(LOOSE);
        command.arg("-I").arg(dir.path()).arg(&program);
        let output = command.output().map_err(|e| e.to_string())?;
        if output.status.success() {
            return Ok(list);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let refused: BTreeSet<usize> = said
            .lines()
            .filter(|line| line.contains("error:") || line.contains("in expansion of macro"))
            .filter_map(|line| line.strip_prefix("mutant-")?.split(':').next()?.parse().ok())
            .collect();
        if refused.is_empty() {
            return Err(said.into_owned());
        }
        list.retain(|n| !refused.contains(n));
    }
    Err("the compiler refuses more each time".into())
}

/// Tries mistakes; what became of each.
///
/// # Errors
/// Something does not compile, or fails without a mistake.
pub fn judge(source: &Source, list: &[usize]) -> Result<BTreeMap<usize, Fate>, String> {
    let taken = compiled(source, list.to_vec())?;
    let bench = Bench::new(source, &taken)?;
    let fates: Mutex<BTreeMap<usize, Fate>> = Mutex::new(list.iter().map(|n| (*n, Fate::Refused)).collect());
    let (next, trouble) = (AtomicUsize::new(0), Mutex::new(None));
    let jobs = std::thread::available_parallelism().map_or(2, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(&number) = taken.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match bench.fate(number) {
                        Ok(fate) => {
                            fates.lock().expect("no panic").insert(number, fate);
                        }
                        Err(error) => *trouble.lock().expect("no panic") = Some(error),
                    }
                }
            });
        }
    });
    match trouble.into_inner().expect("no panic") {
        Some(error) => Err(error),
        None => Ok(fates.into_inner().expect("no panic")),
    }
}

/// A listed mistake: function, line before, line after.
pub type Key = (String, String, String);

/// How a mistake is listed.
pub fn key(source: &Source, number: usize) -> Key {
    let mutant = &source.mutants[number];
    let name = source.inlines[mutant.inline].name.clone();
    (name, mutant.before.clone(), mutant.after.clone())
}

/// The mistakes that nothing can notice.
///
/// # Panics
/// If a line has no reason.
pub fn listed() -> BTreeSet<Key> {
    let text = std::fs::read_to_string(crate::here("data/uring-mutants.tsv")).expect("the list is there");
    let keys = text.lines().skip(1).map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        assert!(
            columns.len() == 4 && !columns[3].is_empty(),
            "a reason is missing: {line}"
        );
        (columns[0].into(), columns[1].into(), columns[2].into())
    });
    keys.collect()
}

/// What is wrong with the fates, in lines; empty if nothing is.
pub fn complaints(source: &Source, fates: &BTreeMap<usize, Fate>) -> String {
    let listed = listed();
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for (&number, fate) in fates {
        let key = key(source, number);
        let known = listed.contains(&key);
        seen.insert(key.clone());
        let complaint = match fate {
            Fate::Survived if !known => "nothing notices",
            Fate::Noticed(_) if known => "listed, but noticed",
            Fate::Refused if known => "listed, but refused by the compiler",
            _ => continue,
        };
        let _ = writeln!(text, "{complaint}\t{}\t{}\t{}", key.0, key.1, key.2);
    }
    if fates.len() == source.mutants.len() {
        for (name, before, after) in listed.difference(&seen) {
            let _ = writeln!(text, "listed, but not there\t{name}\t{before}\t{after}");
        }
    }
    text
}
