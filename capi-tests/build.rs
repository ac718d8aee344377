//! Generates the layout checks: C and Rust code that compare what the engines' structures and
//! constants are with what the headers say.

use std::path::Path;

fn main() {
    for (face, header) in [("uring", "liburing.h"), ("aio", "libaio.h")] {
        let types = format!("../src/{face}/abi.rs");
        let have = format!("have_{face}_abi");
        println!("cargo::rustc-check-cfg=cfg({have})");
        println!("cargo::rerun-if-changed={types}");
        if !Path::new(&types).exists() {
            continue;
        }
        let mut generator = ctest::TestGenerator::new();
        generator
            .header(header)
            .include("../include")
            .edition(2024)
            .define("_GNU_SOURCE", None)
            .rename_union_ty(|name| Some(format!("union {name}")));
        ctest::generate_test(&mut generator, &types, format!("{face}_layouts.rs")).expect("the checks are generated");
        println!("cargo::rustc-cfg={have}");
    }
    println!("cargo::rerun-if-changed=../include");
    println!("cargo::rerun-if-changed=build.rs");
}
