//! Structures and constants of the engines are those of the C headers.

#![allow(dead_code, missing_docs, unreachable_pub)] // other code's files, and generated ones

// The C half of the checks comes with it.
use capi_tests as _;

#[cfg(have_aio_abi)]
#[rustfmt::skip]
#[path = "../../src/aio/abi.rs"]
mod aio_abi;
#[cfg(have_uring_abi)]
#[rustfmt::skip]
#[path = "../../src/uring/abi.rs"]
mod uring_abi;

#[allow(unused_macros)] // a face may be missing
macro_rules! layouts {
    ($face:ident, $types:ident, $checks:literal) => {
        mod $face {
            #![allow(
                warnings,
                unsafe_op_in_unsafe_fn,
                clippy::all,
                clippy::undocumented_unsafe_blocks
            )]

            use crate::$types::*;

            include!(concat!(env!("OUT_DIR"), $checks));

            pub(super) fn check() {
                main();
            }
        }

        #[test]
        fn $face() {
            $face::check();
        }
    };
}

#[cfg(have_uring_abi)]
layouts!(uring, uring_abi, "/uring_layouts.rs");
#[cfg(have_aio_abi)]
layouts!(aio, aio_abi, "/aio_layouts.rs");

/// The generated code compiles: names and types of the engines have their counterparts in C.
#[test]
fn generated() {
    let errors = [option_env!("uring_abi_error"), option_env!("aio_abi_error")];
    assert_eq!(errors, [None, None]);
}
