#!/bin/sh
# Builds the crate with a set of features and reduces it to one relocatable object.
#
# A static library is the only form in which rustc leaves symbol versions to the final link: for a
# cdylib it writes a version script of its own, which GNU ld refuses to combine with ours and lld
# silently prefers.
#
# usage: rust-object.sh SOURCE TARGET_DIR PROFILE FEATURES EXPORT OUT.o OUT.d CC...
set -eu
source=$1 target=$2 profile=$3 features=$4 export=$5 out=$6 dep=$7
shift 7

# Less inlining than for speed: what runs often is a few system calls apart, and the rest is rare. That
# goes for what is marked, too, but not for the ring alone.
rare=13 marked=32
case $features in *capi-uring*) rare=20 marked=325 ;; esac
cargo rustc --quiet --manifest-path "$source/Cargo.toml" --package aiouring --lib --crate-type staticlib \
    --profile "$profile" --features "$features" --target-dir "$target" -- \
    -C llvm-args=-inline-threshold=$rare -C llvm-args=-inlinehint-threshold=$marked

case $profile in
    dev) dir=$target/debug ;;
    *) dir=$target/$profile ;;
esac

# One code generation unit: whatever member defines one export defines them all, and with fat LTO
# it needs nothing else of the archive. --require-defined fails where -u would leave a hole.
"$@" -r -nostdlib -Wl,--require-defined,"$export" -o "$out" "$dir/libaiouring.a"

sed "s|^[^:]*:|$out:|" "$dir/libaiouring.d" >"$dep"
