//! Our headers compile without a warning, whatever the compiler, the language and its standard, and whatever other
//! headers a program includes.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use capi_tests::run::{Outcome, run};
use capi_tests::{build_dir, has, here, root, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

const WARNINGS: &str = "-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wcast-align \
                        -Wundef -Wpointer-arith -Wredundant-decls -Werror";
const C_WARNINGS: &str = "-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wbad-function-cast";
const CXX_WARNINGS: &str = "-Wold-style-cast -Wzero-as-null-pointer-constant";
const C: [&str; 9] = ["c90", "gnu89", "c99", "gnu99", "c11", "gnu11", "c17", "gnu17", "c2x"];
const CXX: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];

const COMPILERS: [(&str, &str, &[&str]); 4] = [
    ("gcc", "c", &C),
    ("clang", "c", &C),
    ("g++", "c++", &CXX),
    ("clang++", "c++", &CXX),
];

fn main() {
    let mut trials = Vec::new();
    let mut add = |name: String, needed: &'static [&'static str], check: Check| {
        trials.push(Trial::ignorable_test(name, move || {
            match needed.iter().find(|tool| !has(tool)) {
                Some(tool) => capi_tests::skip(format!("no {tool}")),
                None => check().map(|()| Completion::Completed),
            }
        }));
    };
    for (compiler, language, standards) in &COMPILERS {
        for standard in *standards {
            for header in ["liburing.h", "libaio.h"] {
                let name = format!("{header}::{compiler}::{standard}");
                let check = move || alone(header, compiler, language, standard);
                add(name, std::slice::from_ref(compiler), Box::new(check));
            }
            let name = format!("inlines::{compiler}::{standard}");
            // What an optimiser warns of is the same in all standards.
            let optimised = Some(standard) == standards.last();
            let options: &[&str] = if optimised { &["-O2"] } else { &["-fsyntax-only"] };
            let check = move || all_inlines(compiler, language, standard, options);
            add(name, std::slice::from_ref(compiler), Box::new(check));
        }
        let name = format!("inlines::{compiler}::undefined");
        let check = move || all_inlines(compiler, language, standards.last().unwrap_or(&""), &SANITIZED);
        add(name, std::slice::from_ref(compiler), Box::new(check));
        for first in [true, false].into_iter().filter(|_| !compiler.starts_with("clang")) {
            let name = format!("order::{compiler}::{}", if first { "before" } else { "after" });
            let check = move || beside_others(compiler, language, first);
            add(name, std::slice::from_ref(compiler), Box::new(check));
        }
    }
    add(
        "strict::gcc".into(),
        &["gcc"],
        Box::new(|| strict("gcc", &["c90", "c11"])),
    );
    add(
        "strict::clang".into(),
        &["clang"],
        Box::new(|| strict("clang", &["c11"])),
    );
    add("musl".into(), &["musl-gcc"], Box::new(musl));
    add("linkage".into(), &["g++", "clang++"], Box::new(inside_extern_c));
    add("modules::gcc".into(), &["g++"], Box::new(|| in_modules("g++")));
    add(
        "modules::clang".into(),
        &["clang++"],
        Box::new(|| in_modules("clang++")),
    );
    add("kernel".into(), &["gcc"], Box::new(kernel_header_first));
    add("comments".into(), &[], Box::new(comments));
    capi_tests::main(trials)
}

type Check = Box<dyn FnOnce() -> Result<(), Failed> + Send>;
const SANITIZED: [&str; 2] = ["-O1", "-fsanitize=undefined"];

fn command(compiler: &str, language: &str, standard: &str) -> Command {
    let mut command = Command::new(compiler);
    command.args(["-x", language, &format!("-std={standard}")]);
    command
}

/// The same with our headers, and every warning as an error.
fn checked(compiler: &str, language: &str, standard: &str) -> Command {
    let mut command = command(compiler, language, standard);
    let own = if language == "c" { C_WARNINGS } else { CXX_WARNINGS };
    command.args(WARNINGS.split_whitespace()).args(own.split(' '));
    command.arg("-I").arg(root().join("include"));
    command
}

/// An old compiler need not know a standard.
fn knows(compiler: &str, language: &str, standard: &str) -> bool {
    let mut probe = command(compiler, language, standard);
    probe.args(["-fsyntax-only", "/dev/null"]);
    probe.stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn finish(command: &mut Command) -> Outcome {
    run(command, Duration::from_secs(120))
}

fn good(what: &str, command: &mut Command) -> Result<(), Failed> {
    let outcome = finish(command);
    if outcome.success() {
        return Ok(());
    }
    Err(format!("{what}: {}", outcome.report()).into())
}

/// Compiles a text, to nothing.
fn compile(what: &str, command: &mut Command, text: &str) -> Result<(), Failed> {
    let dir = temp_dir();
    let source = dir.path().join("source");
    std::fs::write(&source, text).map_err(|e| e.to_string())?;
    good(what, command.arg(&source))
}

/// The header and nothing else, twice, whatever is asked of the C library.
fn alone(header: &str, compiler: &str, language: &str, standard: &str) -> Result<(), Failed> {
    if !knows(compiler, language, standard) {
        return Ok(());
    }
    let asked: [&[&str]; 3] = [
        &[],
        &["-D_GNU_SOURCE"],
        &["-D_DEFAULT_SOURCE", "-D_FILE_OFFSET_BITS=64"],
    ];
    // The other header asks for nothing.
    let asked = if header == "liburing.h" { &asked } else { &asked[..1] };
    for &asked in asked {
        let mut command = checked(compiler, language, standard);
        command.args(asked).arg(format!("-DHEADER=<{header}>"));
        command.arg("-fsyntax-only").arg(here("c/tools/include.c"));
        good(&format!("{asked:?}"), &mut command)?;
    }
    Ok(())
}

/// The functions that headers define: result, name, parameters.
fn inlines() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for header in ["liburing.h", "libaio.h", "aiouring.h"] {
        let text = std::fs::read_to_string(root().join("include").join(header)).expect("a header");
        // What stands before a body is a prototype.
        for part in text.split("\n{\n") {
            let marks = ["INLINE ", "INLINE__ "];
            let Some(start) = marks.iter().filter_map(|m| Some(part.rfind(m)? + m.len())).max() else {
                continue;
            };
            let prototype = part[start..].replace("LIBURING_NOEXCEPT", "");
            let Some((head, parameters)) = prototype.split_once('(') else {
                continue;
            };
            let Some((parameters, "")) = parameters.rsplit_once(')').map(|(p, rest)| (p, rest.trim())) else {
                continue;
            };
            let name = head.rsplit([' ', '*']).next().expect("a name");
            let result = head.strip_suffix(name).expect("the name").trim();
            found.push((result.to_owned(), name.to_owned(), parameters.to_owned()));
        }
    }
    found
}

/// What a program can write that is no function.
const MACROS: &str = "\
unsigned use_macros(struct io_uring *ring, unsigned *word);
unsigned use_macros(struct io_uring *ring, unsigned *word)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0;

	io_uring_for_each_cqe(ring, head, cqe) {
		seen += io_uring_cqe_nr(cqe) + io_uring_cqe_index(ring, head, ring->cq.ring_mask);
		if (cqe->user_data == LIBURING_UDATA_TIMEOUT)
			break;
	}
	IO_URING_WRITE_ONCE(*word, seen);
	io_uring_smp_store_release(word, seen);
	io_uring_smp_mb();
	seen += IO_URING_READ_ONCE(*word) + io_uring_smp_load_acquire(word);
	if (uring_unlikely(IO_URING_CHECK_VERSION(2, 4)) || !uring_likely(seen != 0))
		return IORING_FILE_INDEX_ALLOC;
	return seen | IOSQE_FIXED_FILE | IORING_NOTIF_USAGE_ZC_COPIED;
}
";

/// A program that uses every macro with a value and calls every function that the headers define.
fn caller() -> String {
    let mut text = format!("#include <aiouring.h>\n{MACROS}");
    text +=
        "#ifdef __cplusplus\n#define VALUE(x) static_cast<__u64>(x)\n#else\n#define VALUE(x) ((__u64)(x))\n#endif\n";
    for row in ["liburing-api", "kernel-names"]
        .into_iter()
        .flat_map(capi_tests::api::names)
    {
        if row.kind == "macro" && !row.declaration.is_empty() {
            let head = format!("__extension__ __u64 value_of_{}(void)", row.name);
            let _ = writeln!(text, "{head};\n{head}\n{{\n\treturn VALUE({});\n}}", row.name);
        }
    }
    let inlines = inlines();
    assert!(inlines.len() > 170, "only {} inlines were found", inlines.len());
    for (result, name, parameters) in inlines {
        let arguments = parameters
            .split(',')
            .map(|p| p.rsplit([' ', '*', '\t']).next().unwrap_or(p));
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        let back = if result == "void" { "" } else { "return " };
        let head = format!("{result} call_{name}({parameters})");
        // The program has them in its own text: its own business.
        let own = if head.contains("long long") || head.contains("bool ") {
            "__extension__ "
        } else {
            ""
        };
        let _ = writeln!(text, "{own}{head};\n{own}{head}\n{{\n\t{back}{name}({arguments});\n}}");
    }
    text
}

/// They compile where they are called.
fn all_inlines(compiler: &str, language: &str, standard: &str, options: &[&str]) -> Result<(), Failed> {
    if !knows(compiler, language, standard) {
        return Ok(());
    }
    let mut command = checked(compiler, language, standard);
    command.args(options).args(["-c", "-o", "/dev/null"]);
    compile("the calls", &mut command, &caller())
}

/// Headers that can be included with those that `liburing.h` includes itself: not `linux/time.h`, `linux/fcntl.h` and
/// the like, which the C library's headers do not bear.
const OTHERS: [&str; 34] = [
    "asm/types.h",
    "fcntl.h",
    "libaio.h",
    "linux/aio_abi.h",
    "linux/fs.h",
    "linux/futex.h",
    "linux/in.h",
    "linux/mount.h",
    "linux/net_tstamp.h",
    "linux/openat2.h",
    "linux/sched.h",
    "linux/socket.h",
    "linux/stat.h",
    "linux/time_types.h",
    "linux/types.h",
    "linux/xattr.h",
    "netinet/in.h",
    "poll.h",
    "pthread.h",
    "sched.h",
    "signal.h",
    "stdatomic.h",
    "string.h",
    "sys/epoll.h",
    "sys/mount.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/syscall.h",
    "sys/time.h",
    "sys/uio.h",
    "sys/wait.h",
    "sys/xattr.h",
    "time.h",
    "unistd.h",
];

/// The layouts are those of our headers, not of another that came first.
const LAYOUTS: &str = "\
typedef char params_size[sizeof(struct io_uring_params) == 120 ? 1 : -1];
typedef char how_size[sizeof(struct open_how) == 24 ? 1 : -1];
typedef char timespec_size[sizeof(struct __kernel_timespec) == 16 ? 1 : -1];
void use(struct io_uring_sqe *sqe, struct statx *buf, const struct open_how *how, struct __kernel_timespec *ts);
void use(struct io_uring_sqe *sqe, struct statx *buf, const struct open_how *how, struct __kernel_timespec *ts)
{
	io_uring_prep_statx(sqe, AT_FDCWD, \"/\", 0, 0, buf);
	io_uring_prep_openat2(sqe, AT_FDCWD, \"/\", how);
	io_uring_prep_timeout(sqe, ts, 0, 0);
}
";

fn beside_others(compiler: &str, language: &str, first: bool) -> Result<(), Failed> {
    let standard = if language == "c" { "gnu11" } else { "c++17" };
    for other in OTHERS {
        // It is not one of C++ before C++23.
        if other == "stdatomic.h" && language == "c++" {
            continue;
        }
        let (one, two) = if first {
            ("liburing.h", other)
        } else {
            (other, "liburing.h")
        };
        let mut command = checked(compiler, language, standard);
        command.arg("-fsyntax-only");
        let text = format!("#include <{one}>\n#include <{two}>\n{LAYOUTS}");
        compile(&format!("{one}, {two}"), &mut command, &text)?;
    }
    Ok(())
}

/// A program that asks the C library for less than the header needs, and includes another header before.
fn strict(compiler: &str, standards: &[&str]) -> Result<(), Failed> {
    for standard in standards {
        for asked in [
            "-DNOTHING",
            "-D_POSIX_C_SOURCE=1",
            "-D_POSIX_C_SOURCE=200809L",
            "-D_XOPEN_SOURCE=700",
        ] {
            let mut command = checked(compiler, "c", standard);
            command.arg(asked).arg("-fsyntax-only");
            let text = format!("#include <stdio.h>\n{}", caller());
            compile(&format!("{standard} {asked}"), &mut command, &text)?;
        }
    }
    Ok(())
}

/// Another C library, with the kernel's headers of this machine.
fn musl() -> Result<(), Failed> {
    for standard in ["gnu89", "c11"] {
        let mut command = checked("musl-gcc", "c", standard);
        command.args(["-O2", "-c", "-o", "/dev/null"]);
        for dir in ["/usr/include", "/usr/include/x86_64-linux-gnu"] {
            command.args(["-idirafter", dir]);
        }
        compile(standard, &mut command, &caller())?;
    }
    Ok(())
}

/// Programs of C++ put headers of C into such a block, also those that do so themselves.
fn inside_extern_c() -> Result<(), Failed> {
    for compiler in ["g++", "clang++"] {
        for standard in ["c++11", "c++20"] {
            let text = format!("extern \"C\" {{\n{}}}\n", caller());
            let mut command = checked(compiler, "c++", standard);
            command.arg("-fsyntax-only");
            compile(standard, &mut command, &text)?;
        }
    }
    Ok(())
}

/// A module that exports the whole interface by its names.
fn interface() -> String {
    let mut text = String::from("module;\n#include <liburing.h>\nexport module uring;\n");
    let exported = [
        "exported",
        "inline",
        "inline exported",
        "local",
        "struct",
        "enum",
        "constant",
    ];
    for row in capi_tests::api::names("liburing-api") {
        if exported.contains(&row.kind.as_str()) {
            let _ = writeln!(text, "export using ::{};", row.name);
        }
    }
    text
}

/// One that exports inline functions of its own, whose bodies every importer gets.
const WRAPPER: &str = "\
module;
#include <liburing.h>
export module wrapper;

export inline int nop_in_a_module()
{
	io_uring ring{};
	io_uring_cqe *cqe{};

	if (io_uring_queue_init(4, &ring, 0) < 0)
		return 77;
	auto *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data64(sqe, 42);
	if (sqe->opcode != IORING_OP_NOP || io_uring_submit(&ring) != 1 || io_uring_wait_cqe(&ring, &cqe))
		return 1;
	bool good = io_uring_cqe_get_data64(cqe) == 42;
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);
	return good ? 0 : 2;
}
";
const IMPORTS_WRAPPER: &str = "import wrapper;\nint main()\n{\n\treturn nop_in_a_module();\n}\n";

/// Old compilers do not let an importer see what a module exports by `using`.
const REEXPORT: &str = "\
module;
extern \"C\" { struct plain { int value; }; inline int value(plain *p) { return p->value; } }
export module reexport;
export using ::plain;
export using ::value;
";
const IMPORTS_REEXPORT: &str = "import reexport;\nint main()\n{\n\tplain p{0};\n\treturn value(&p);\n}\n";

/// Compiles a module and a program that imports it, and runs the program.
fn import(compiler: &str, name: &str, module: &str, program: &str, dir: &Path) -> Result<(), Failed> {
    let write = |file: &str, text: &str| std::fs::write(dir.join(file), text).map_err(|e| e.to_string());
    write(&format!("{name}.cppm"), module)?;
    write("main.cpp", program)?;
    interface_unit(compiler, name, &[], dir)?;
    let mut link = modules(compiler, dir);
    link.args(["main.cpp", &format!("{name}.o"), "-o", "main", "-L"]);
    good("the program", link.arg(build_dir()).arg("-luring"))?;
    let mut program = Command::new(dir.join("main"));
    let outcome = finish(program.env("LD_LIBRARY_PATH", build_dir()));
    match outcome.code() {
        Some(0 | 77) => Ok(()),
        _ => Err(outcome.report().into()),
    }
}

fn modules(compiler: &str, dir: &Path) -> Command {
    let mut command = Command::new(compiler);
    command.args(["-std=c++20", "-Wall", "-Wextra", "-Werror", "-I"]);
    command.arg(root().join("include")).current_dir(dir);
    command.args(if compiler.starts_with("clang") {
        &["-fprebuilt-module-path=.", "-Qunused-arguments"][..]
    } else {
        &["-fmodules-ts"]
    });
    command
}

fn interface_unit(compiler: &str, name: &str, options: &[&str], dir: &Path) -> Result<(), Failed> {
    let (source, object) = (format!("{name}.cppm"), format!("{name}.o"));
    if compiler.starts_with("clang") {
        let pcm = format!("{name}.pcm");
        let mut command = modules(compiler, dir);
        command
            .args(options)
            .args(["--precompile", "-x", "c++-module", &source, "-o", &pcm]);
        good("the interface", &mut command)?;
        let mut command = modules(compiler, dir);
        good("the module", command.args(["-c", &pcm, "-o", &object]))
    } else {
        let mut command = modules(compiler, dir);
        command.args(options).args(["-x", "c++", "-c", &source, "-o", &object]);
        good("the module", &mut command)
    }
}

fn in_modules(compiler: &str) -> Result<(), Failed> {
    let dir = temp_dir();
    let dir = dir.path();
    import(compiler, "wrapper", WRAPPER, IMPORTS_WRAPPER, dir)?;
    std::fs::write(dir.join("uring.cppm"), interface()).map_err(|e| e.to_string())?;
    interface_unit(compiler, "uring", &[], dir)?;
    // What this would show if they were static: GCC does not mind.
    let wrong = interface_unit(compiler, "uring", &["-DIOURINGINLINE=static inline"], dir);
    if wrong.is_ok() && compiler.starts_with("clang") {
        return Err("a module may export static functions: this shows nothing".into());
    }
    if import(compiler, "reexport", REEXPORT, IMPORTS_REEXPORT, dir).is_ok() {
        let body = WRAPPER.split_once("export inline").expect("a function").1;
        let program = format!("import uring;\n{body}\nint main()\n{{\n\treturn nop_in_a_module();\n}}\n");
        import(compiler, "uring", &interface(), &program, dir)?;
    }
    Ok(())
}

/// A program may include the kernel's header, too. Behind ours it brings nothing; before ours it stands for it, if it is
/// new enough; else the compiler says what is to be done.
fn kernel_header_first() -> Result<(), Failed> {
    let mut command = checked("gcc", "c", "gnu17");
    command.arg("-fsyntax-only");
    compile(
        "behind",
        &mut command,
        "#include <liburing.h>\n#include <linux/io_uring.h>\n",
    )?;

    // Ours is as new as can be: it plays the kernel's part.
    let dir = temp_dir();
    let include = dir.path().join("linux/io_uring");
    std::fs::create_dir_all(&include).map_err(|e| e.to_string())?;
    let ours = root().join("include/liburing");
    std::fs::copy(ours.join("io_uring.h"), dir.path().join("linux/io_uring.h")).map_err(|e| e.to_string())?;
    std::fs::copy(ours.join("io_uring/zcrx.h"), include.join("zcrx.h")).map_err(|e| e.to_string())?;
    let before = format!("#include <linux/io_uring.h>\n{}", caller());
    let mut command = checked("gcc", "c", "gnu17");
    command.arg("-I").arg(dir.path()).arg("-fsyntax-only");
    compile("before", &mut command, &before)?;

    // And one that ends where the old ones did.
    let old = "#define LINUX_IO_URING_H\n#include <liburing.h>\n";
    let mut command = checked("gcc", "c", "gnu17");
    command.args(["-fsyntax-only", "-Wfatal-errors"]);
    match compile("old", &mut command, old) {
        Err(e)
            if e.message()
                .is_some_and(|m| m.contains("include <liburing.h> before it")) =>
        {
            Ok(())
        }
        Err(e) => Err(e),
        Ok(()) => Err("a header without its definitions was taken".into()),
    }
}

/// What a programmer uses says what it is for, right above: functions, structures, enumerations with a name.
fn comments() -> Result<(), Failed> {
    let starts = [
        "struct ",
        "enum ",
        "int ",
        "unsigned ",
        "void ",
        "bool ",
        "ssize_t ",
        "IOURINGINLINE ",
        "_LOCAL_INLINE ",
        "AIOURINGINLINE ",
    ];
    let (mut seen, mut bare) = (0, Vec::new());
    for header in [
        "liburing.h",
        "aiouring.h",
        "liburing/compat.h",
        "liburing/io_uring.h",
        "liburing/io_uring/bpf_filter.h",
        "liburing/io_uring/query.h",
        "liburing/io_uring/zcrx.h",
    ] {
        let text = std::fs::read_to_string(root().join("include").join(header)).map_err(|e| e.to_string())?;
        let mut above = "";
        for line in text.lines() {
            if starts.iter().any(|s| line.starts_with(s)) && (line.ends_with('{') || line.contains('(')) {
                seen += 1;
                if !above.ends_with("*/") {
                    bare.push(format!("{header}: {line}"));
                }
            }
            // Neither is part of what is said.
            if line != "__extension__" && !line.starts_with('#') {
                above = line;
            }
        }
    }
    if seen < 300 {
        return Err(format!("only {seen} were found").into());
    }
    if bare.is_empty() {
        Ok(())
    } else {
        Err(format!("without a comment: {bare:#?}").into())
    }
}
