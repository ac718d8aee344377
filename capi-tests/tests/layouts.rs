//! Structures and constants of the engines are those of the C headers.

#[allow(unused_macros)] // a face may be missing
macro_rules! layouts {
    ($face:ident, $types:literal, $checks:literal) => {
        mod $face {
            #![allow(warnings, clippy::all, clippy::undocumented_unsafe_blocks)]

            #[path = $types]
            mod abi;
            use abi::*;

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
layouts!(uring, "../../../src/uring/abi.rs", "/uring_layouts.rs");
#[cfg(have_aio_abi)]
layouts!(aio, "../../../src/aio/abi.rs", "/aio_layouts.rs");
