//! Generates the layout checks: C and Rust code that compare what the engines' structures and
//! constants are with what the headers say.

use std::path::Path;

use ctest::TestGenerator;

fn main() {
    generate("uring", "liburing.h", uring);
    generate("aio", "libaio.h", aio);
    println!("cargo::rerun-if-changed=../include");
    println!("cargo::rerun-if-changed=build.rs");
}

fn generate(face: &str, header: &str, names: fn(&mut TestGenerator)) {
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
    names(&mut generator);
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
        .rename_struct_ty(|name| {
            let c = match name {
                "SqOffsets" => "struct io_sqring_offsets",
                "CqOffsets" => "struct io_cqring_offsets",
                "Params" => "struct io_uring_params",
                "Sqe" => "struct io_uring_sqe",
                "Cqe" => "struct io_uring_cqe",
                _ => return None,
            };
            Some(c.into())
        })
        .rename_union_ty(|name| Some(format!("union {name}")))
        // A flexible array ends them.
        .skip_roundtrip(|name| ["io_uring_cqe", "Cqe", "io_uring_probe"].contains(&name));
}

/// The engine has Rust's kind of names, and the union of `struct iocb` spelled out.
fn aio(generator: &mut TestGenerator) {
    generator
        .rename_struct_ty(|name| {
            let c = match name {
                "Iocb" => "struct iocb",
                "IoEvent" => "struct io_event",
                _ => return None,
            };
            Some(c.into())
        })
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
        // Pointers are numbers to the engine: sizes and offsets are compared, types are not.
        .skip_struct_field_type(|_, _| true)
        .rename_constant(|constant| {
            let name = constant.ident();
            [
                "PREAD", "PWRITE", "FSYNC", "FDSYNC", "POLL", "NOOP", "PREADV", "PWRITEV",
            ]
            .contains(&name)
            .then(|| format!("IO_CMD_{name}"))
        })
        // Of the kernel, not of the header.
        .skip_const(|constant| {
            let name = constant.ident();
            name.starts_with("RING_") || name.starts_with("FLAG_") || name.ends_with("_OFFSET")
        });
}
