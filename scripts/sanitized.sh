#!/bin/sh
# Builds a C program of the tests together with the library, both watched by a sanitizer.
#
# rustc's own runtime is linked, as its code may call what the C compiler's does not have. -Z needs
# the nightly compiler, or a stable one that is told to be like it: for these builds only.
#
# usage: sanitized.sh thread|address TARGET_DIR SOURCE OUT
set -eu
cd "$(dirname "$0")/.."
sanitizer=$1 target=$2 source=$3 out=$4
triple=$(rustc --version --verbose | sed -n 's/^host: //p')
case $sanitizer in
    thread) runtime=tsan ;;
    address) runtime=asan ;;
esac

RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer" \
    cargo rustc --quiet --package aiouring --lib --crate-type staticlib --profile release \
    --features capi-aio,capi-uring,staticlib,sanitize --target "$triple" --target-dir "$target/$sanitizer"

clang -std=gnu11 -D_GNU_SOURCE -O1 -g -fsanitize="$sanitizer" -fno-omit-frame-pointer \
    -Iinclude -Icapi-tests/c -pthread -c -o "$out.o" "$source"
# The runtime takes the place of functions of the C library, also for those.
cc -o "$out" "$out.o" "$target/$sanitizer/$triple/release/libaiouring.a" \
    -Wl,--whole-archive "$(rustc --print sysroot)/lib/rustlib/$triple/lib/"librustc*_rt.$runtime.a \
    -Wl,--no-whole-archive -Wl,--export-dynamic -pthread -lrt -lm -ldl -lresolv
