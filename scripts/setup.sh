#!/bin/sh
# Sees to it that the tools of a step are there: installs them where it may (root, apt-get), says
# which are missing elsewhere. Costs nothing when all are there.
#
# usage: setup.sh build|demo|bench|test
set -eu

missing=
# need PROBE PACKAGE: a command by its name, a file by its pattern.
need() {
    case $1 in
        /*) ls $1 2>/dev/null | grep -q . || missing="$missing $2" ;;
        *) command -v "$1" >/dev/null || missing="$missing $2" ;;
    esac
}

need cc 'gcc libc6-dev'
need ld binutils
need meson meson
need ninja ninja-build
case ${1:-build} in
    build) ;;
    demo | bench | test)
        need fio fio
        need strace strace
        need '/sbin/mkfs.ext4 /usr/sbin/mkfs.ext4' e2fsprogs
        need '/usr/lib/*/libaio.so /usr/lib64/libaio.so' libaio-dev
        ;;
    *)
        echo "usage: $0 build|demo|bench|test" >&2
        exit 2
        ;;
esac
case ${1:-build} in
    demo) need python3 python3 ;;
    bench | test)
        need valgrind valgrind
        need '/usr/lib/*/liburing.so /usr/lib64/liburing.so' liburing-dev
        ;;
esac
case ${1:-build} in
    test)
        need c++ g++
        need '/sbin/mkfs.xfs /usr/sbin/mkfs.xfs' xfsprogs
        need '/sbin/mkfs.btrfs /usr/sbin/mkfs.btrfs' btrfs-progs
        need clang clang
        need musl-gcc musl-tools
        need abidiff abigail-tools
        need dpkg-gensymbols dpkg-dev
        need pkg-config pkg-config
        need mandoc mandoc
        need '/usr/lib/*/libz.so.1 /usr/lib64/libz.so.1 /lib/*/libz.so.1' zlib1g
        need qemu-img qemu-utils
        need qemu-system-x86_64 qemu-system-x86
        need stress-ng stress-ng
        need sysbench sysbench
        # The programs alone: no service is set up.
        need '/usr/sbin/mariadbd /usr/libexec/mariadbd' mariadb-server-core
        need mariadb mariadb-client-core
        need plocate plocate
        need smbclient smbclient
        need '/usr/lib/*/samba/vfs/io_uring.so' samba-vfs-modules
        ;;
esac

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing:$missing"
        export DEBIAN_FRONTEND=noninteractive
        # The lists of a fresh machine are empty or old.
        # shellcheck disable=SC2086
        apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
            apt-get update -qq
            apt-get install -y -qq --no-install-recommends $missing >/dev/null
        }
    else
        echo "missing (names of Debian's packages):$missing" >&2
        exit 1
    fi
fi

if ! command -v cargo >/dev/null; then
    echo "missing: Rust 1.88 or later, see https://rustup.rs" >&2
    exit 1
fi
if [ "${1:-build}" = test ] && ! cargo clippy --version >/dev/null 2>&1 && command -v rustup >/dev/null; then
    rustup component add clippy rustfmt
fi
if [ "${1:-build}" = test ]; then
    "$(dirname "$0")/guest-kernel.sh"
    "$(dirname "$0")/samba.sh"
fi
