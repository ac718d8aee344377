//! Mistakes in the inlines are noticed: all of them by `make mutants`, a sample here, of every function and of those
//! that nothing can notice.

use std::process::Command;
use std::time::Duration;

use capi_tests::fuzz::generate::Random;
use capi_tests::mutants::{Source, complaints, judge, key, listed};
use capi_tests::program::{Face, Variant};
use capi_tests::run::run;
use capi_tests::{cc, has, here, library, root, temp_dir};

/// Another sample each day would fail on changes that are not to blame: the number of mistakes is the seed.
#[test]
fn a_sample_is_noticed() {
    let source = Source::ours();
    assert!(source.inlines.len() >= 150 && source.mutants.len() >= 2000);
    let mut random = Random::new(source.mutants.len() as u64);
    let listed = listed();
    let mut of = vec![0; source.inlines.len()];
    let mut list: Vec<_> = (0..source.mutants.len()).collect();
    for at in (1..list.len()).rev() {
        list.swap(at, (random.number() % (at as u64 + 1)) as usize);
    }
    // Two of each function, and the lists' own.
    list.retain(|&n| {
        let function = source.mutants[n].inline;
        of[function] += 1;
        of[function] <= 2 || listed.contains(&key(&source, n))
    });
    let fates = judge(&source, &list).expect("everything compiles");
    let complaints = complaints(&source, &fates);
    assert!(complaints.is_empty(), "{complaints}");
}

/// The judge says so when nothing notices.
#[test]
fn a_survivor_is_seen() {
    // A store that no one reads: a condition that is true anyway.
    let source = Source::ours().changed(
        "	sqe->user_data = data;\n",
        "	if (sqe->user_data != data)\n		sqe->user_data = data;\n",
    );
    let list: Vec<_> = (0..source.mutants.len())
        .filter(|&n| key(&source, n).1.starts_with("if (sqe->user_data != data)"))
        .collect();
    let fates = judge(&source, &list).expect("everything compiles");
    let complaints = complaints(&source, &fates);
    assert!(
        complaints.contains("if (1)") && !complaints.contains("if (0)"),
        "{complaints}"
    );
}

/// What a compiler makes of the barriers for a processor that would reorder: one line per function.
fn barriers(text: &str, language: &str) -> Vec<(String, String)> {
    let dir = temp_dir();
    let header = dir.path().join("barrier.h");
    std::fs::write(&header, text).expect("a temporary file");
    let source = dir.path().join("barriers.c");
    let functions = "#include \"barrier.h\"\n\
        #ifdef __cplusplus\nextern \"C\" {\n#endif\n\
        unsigned load(unsigned *p) { return io_uring_smp_load_acquire(p); }\n\
        void store(unsigned *p, unsigned v) { io_uring_smp_store_release(p, v); }\n\
        unsigned read_once(unsigned *p) { return IO_URING_READ_ONCE(*p) + IO_URING_READ_ONCE(*p); }\n\
        void write_once(unsigned *p, unsigned v) { IO_URING_WRITE_ONCE(*p, v); IO_URING_WRITE_ONCE(*p, v); }\n\
        void fence(void) { io_uring_smp_mb(); }\n\
        #ifdef __cplusplus\n}\n#endif\n";
    std::fs::write(&source, functions).expect("a temporary file");
    let mut clang = Command::new("clang");
    clang.args([
        "--target=aarch64-linux-gnu",
        "-ffreestanding",
        "-O2",
        "-S",
        "-o",
        "-",
        "-x",
        language,
    ]);
    let outcome = run(clang.arg(&source), Duration::from_secs(60));
    assert!(outcome.success(), "{}", outcome.report());
    let mut all: Vec<(String, String)> = Vec::new();
    for line in outcome.stdout.lines() {
        if let Some(name) = line
            .split(':')
            .next()
            .filter(|n| line.contains("// @") && !n.starts_with(['.', '\t']))
        {
            all.push((name.into(), String::new()));
        } else if let (Some((_, code)), Some(word)) = (all.last_mut(), line.split_whitespace().next())
            && ["ldr", "ldar", "ldapr", "str", "stlr", "dmb"].contains(&word)
        {
            let operand = if word == "dmb" {
                line.trim_start_matches(['\t', ' ']).replace('\t', " ")
            } else {
                word.into()
            };
            *code += &format!("{operand};");
        }
    }
    all
}

/// Acquire, release and the full barrier are there in C and in C++, and single accesses are made each time.
#[test]
fn barriers_keep_the_order() {
    assert!(has("clang"), "clang is there");
    let text = std::fs::read_to_string(root().join("include/liburing/barrier.h")).expect("the header is there");
    // There may be no C library for that processor, and none is needed.
    let text: String = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("#include"))
        .collect();
    for language in ["c", "c++"] {
        let expected = [
            ("load", "ldar;"),
            ("store", "stlr;"),
            ("read_once", "ldr;ldr;"),
            ("write_once", "str;str;"),
            ("fence", "dmb ish;"),
        ];
        let found = barriers(&text, language);
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "{language}");

        // Each of them weakened is seen, in the half of the header that the language has.
        let (cxx, c) = text.split_at(text.find("#else").expect("two halves"));
        for order in ["__ATOMIC_ACQUIRE", "__ATOMIC_RELEASE", "__ATOMIC_SEQ_CST"] {
            let weaker = if language == "c" {
                format!("{cxx}{}", c.replace(order, "__ATOMIC_RELAXED"))
            } else {
                format!("{}{c}", cxx.replace(order, "__ATOMIC_RELAXED"))
            };
            assert_ne!(weaker, text);
            assert_ne!(barriers(&weaker, language), found, "{language} {order}");
        }
    }
}

/// Whether the program about completions passes with a header.
fn completions_pass(text: &str, standard: &str) -> bool {
    let dir = temp_dir();
    std::fs::write(dir.path().join("liburing.h"), text).expect("a temporary file");
    let link = dir.path().join("liburing");
    std::os::unix::fs::symlink(root().join("include/liburing"), link).expect("a temporary link");
    let binary = dir.path().join("program");
    let mut command = Command::new(cc());
    command
        .args([standard, "-D_GNU_SOURCE", "-w", "-I"])
        .arg(dir.path())
        .arg("-I")
        .arg(here("c"));
    command.arg("-o").arg(&binary).arg(here("c/uring_inline_completions.c"));
    command.arg(library("liburing.so.2"));
    let outcome = run(&mut command, Duration::from_secs(60));
    assert!(outcome.success(), "{}", outcome.report());
    let mut command = Variant::Ours.command(Face::Uring, &binary).expect("ours is there");
    run(&mut command, Duration::from_secs(5)).success()
}

/// The loop over completions is a macro, another one in old C; mistakes in both are noticed.
#[test]
fn the_loop_is_right_in_new_and_old_c() {
    let text = std::fs::read_to_string(root().join("include/liburing.h")).expect("the header is there");
    let mistakes: [(&str, &[(&str, &str)]); 2] = [
        (
            "-std=gnu11",
            &[
                ("(__head__) = __ITER__.head,", "(__head__) = __ITER__.tail,"),
                ("(__head__) = __ITER__.head,", ""),
                ("(((at) & (mask)) << io_uring_cqe_shift(ring))", "((at) & (mask))"),
                (
                    "(((at) & (mask)) << io_uring_cqe_shift(ring))",
                    "((at) << io_uring_cqe_shift(ring))",
                ),
            ],
        ),
        (
            "-std=gnu89",
            &[
                ("for ((__head__) = *(ring)->cq.khead;", "for ((__head__) = 0;"),
                (
                    "(__head__) != io_uring_smp_load_acquire((ring)->cq.ktail)",
                    "(__head__) == *(ring)->cq.ktail",
                ),
                ("((__head__) & (ring)->cq.ring_mask) <<", "(__head__) <<"),
                (
                    "(ring)->cq.ring_mask) << io_uring_cqe_shift(ring)]",
                    "(ring)->cq.ring_mask)]",
                ),
                ("(__head__) += io_uring_cqe_nr(cqe))", "(__head__)++)"),
            ],
        ),
    ];
    for (standard, mistakes) in mistakes {
        assert!(completions_pass(&text, standard), "{standard}");
        for (from, to) in mistakes {
            assert!(text.contains(from), "{from} is not there");
            assert!(
                !completions_pass(&text.replacen(from, to, 1), standard),
                "{standard}: {to}"
            );
        }
    }
}
