//! Generates the layout checks: C and Rust code that compare what the engines' structures and
//! constants are with what the headers say.

#[allow(unreachable_pub)] // it is also a module of the library
#[path = "src/names.rs"]
mod names;

use std::path::Path;

use ctest::TestGenerator;

fn main() {
    generate("uring", "liburing.h", uring);
    // With libaio.h, and the operations of our own.
    generate("aio", "aiouring.h", aio);
    println!("cargo::rerun-if-changed=../include");
    println!("cargo::rerun-if-changed=build.rs");
}

fn generate(face: &str, header: &str, special: fn(&mut TestGenerator)) {
    let types = format!("../src/{face}/abi.rs");
    println!("cargo::rustc-check-cfg=cfg(have_{face}_abi)");
    println!("cargo::rerun-if-env-changed=CC");
    println!("cargo::rerun-if-changed={types}");
    if !Path::new(&types).exists() || !Path::new("../include").join(header).exists() {
        return;
    }
    let mut generator = TestGenerator::new();
    generator
        .header(header)
        .include("../include")
        .edition(2024)
        .define("_GNU_SOURCE", None);
    generator
        .rename_struct_ty(|rust| Some(names::STRUCTURES.iter().find(|(name, _)| *name == rust)?.1.into()))
        // An address is a number to an engine, a counter atomic: sizes and offsets are compared, types are not.
        .skip_struct_field_type(|_, _| true);
    special(&mut generator);
    let name = format!("{face}_layouts");
    // What does not compile has to fail its own test, not all of them.
    let compiled = generator
        .generate_files(&types, format!("{name}.rs"))
        .map_err(|e| e.to_string())
        .and_then(|path| {
            let mut c = cc::Build::new();
            c.file(path.with_extension("c"))
                .include("../include")
                .define("_GNU_SOURCE", None);
            c.flag("-Wno-unused-parameter")
                .flag("-Wno-type-limits")
                .cargo_warnings(false);
            c.try_compile(&name).map_err(|e| e.to_string())
        });
    match compiled {
        Ok(()) => println!("cargo::rustc-cfg=have_{face}_abi"),
        Err(error) => println!("cargo::rustc-env={face}_abi_error={}", error.replace('\n', " ")),
    }
}

fn uring(generator: &mut TestGenerator) {
    generator
        .rename_struct_field(|structure, field| {
            let c = match (structure.ident(), field.ident()) {
                ("Sqe", "op_flags") => "rw_flags",
                ("Sqe", "pad") => "__pad2",
                _ => return None,
            };
            Some(c.into())
        })
        // A byte in C, and three that nobody reads: the engine changes them as one word.
        .skip_struct_field(|structure, field| structure.ident() == "Ring" && field.ident() == "int_flags")
        // Not copied by anyone, or ended by a flexible array.
        .skip_roundtrip(|name| ["Ring", "Sq", "Cq", "Cqe", "Probe", "Params"].contains(&name))
        // Of the engine, not of the header.
        .skip_const(|constant| constant.ident() == "_" || constant.ident().starts_with("RING_"));
}

/// The engine has the union of `struct iocb` spelled out.
fn aio(generator: &mut TestGenerator) {
    generator
        .rename_struct_field(|structure, field| {
            let c = match (structure.ident(), field.ident()) {
                ("Iocb", "rw_flags") => "aio_rw_flags",
                ("Iocb", "opcode") => "aio_lio_opcode",
                ("Iocb", "reqprio") => "aio_reqprio",
                ("Iocb", "fildes") => "aio_fildes",
                ("Iocb", "buf") => "u.c.buf",
                ("Iocb", "nbytes") => "u.c.nbytes",
                ("Iocb", "offset") => "u.c.offset",
                ("Iocb", "reserved") => "u.c.__pad3",
                ("Iocb", "flags") => "u.c.flags",
                ("Iocb", "resfd") => "u.c.resfd",
                _ => return None,
            };
            Some(c.into())
        })
        .rename_constant(|constant| {
            let name = constant.ident();
            let theirs = [
                "PREAD", "PWRITE", "FSYNC", "FDSYNC", "POLL", "NOOP", "PREADV", "PWRITEV",
            ];
            let ours = ["PREAD_SELECT", "FIXED"];
            let prefix = match () {
                () if theirs.contains(&name) => "IO_CMD_",
                () if ours.contains(&name) => "AIOURING_CMD_",
                () => return None,
            };
            Some(format!("{prefix}{name}"))
        })
        // Of the kernel, not of the header.
        .skip_const(|constant| {
            let name = constant.ident();
            name == "_" || name.starts_with("RING_") || name.starts_with("FLAG_") || name.ends_with("_OFFSET")
        });
}
