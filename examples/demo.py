#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Shows programs built for libaio on kernel AIO and, not rebuilt, on io_uring.

Run from the root of the repository after the build: `make demo`, or `python3 examples/demo.py`.

One binary of examples/aiocopy.c, linked with -laio, and the distribution's fio copy and verify 64 MiB through either
backend, buffered and with O_DIRECT. Copies are compared byte by byte here, by sha256; fio verifies by crc32c. What
the programs asked of the kernel is counted by strace, in a run of its own that is not the one whose time is shown.

Environment: AIOURING_DEMO_LIBDIR, the directory of the libaio.so.1 to show (default: build).
Exit status: 0 if every row is as it should be, 1 otherwise, 2 if the demonstration cannot be run.
"""

import ctypes
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBDIR = os.path.abspath(os.path.join(ROOT, os.environ.get("AIOURING_DEMO_LIBDIR", "build")))
SIZE = 64 << 20
TIMEOUT = 40
CALLS = ("io_submit", "io_getevents", "io_uring_enter")
# What is counted as one of CALLS.
TRACED = {"io_submit": 0, "io_getevents": 1, "io_pgetevents": 1, "io_uring_enter": 2}


class Failure(Exception):
    """A row that is not as it should be; the text says why."""


class Hung(Failure):
    """A program that did not end."""


def run(command, env, cwd):
    """Runs a program to its end, at most TIMEOUT seconds. Returns its stdout and the seconds it took."""
    start = time.monotonic()
    child = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             start_new_session=True)
    try:
        out, err = child.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        raise Hung(f"{command[0]}: no end after {TIMEOUT} s") from None
    seconds = time.monotonic() - start
    if child.returncode != 0:
        lines = (err.strip() or out.strip() or "no message").splitlines()
        raise Failure(f"{command[0]}: exit status {child.returncode}: " + "; ".join(lines[-3:]))
    return out, seconds


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") \
            else hashlib.sha256(file.read()).hexdigest()


def forget(path):
    """Takes a file out of the page cache, so that every run starts from the disk."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def count_calls(command, env, cwd):
    """Runs a program under strace. Returns how often it made each of CALLS, or None where strace cannot."""
    trace = os.path.join(cwd, "strace.out")
    traced = ",".join(TRACED)
    # The program's environment is for the program: strace itself may be linked with anything.
    setting = [part for name in ("LD_LIBRARY_PATH", "AIOURING_BACKEND") if name in env
               for part in ("-E", f"{name}={env[name]}")]
    outer = {name: value for name, value in env.items() if name not in ("LD_LIBRARY_PATH", "AIOURING_BACKEND")}
    run(["strace", "-f", "-c", "-e", f"trace={traced}", "-o", trace] + setting + command, outer, cwd)
    counts = [0] * len(CALLS)
    with open(trace, encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and words[-1] in TRACED:
                counts[TRACED[words[-1]]] += int(words[3])
    return counts


class Aiocopy:
    def __init__(self, work, binary):
        self.work, self.binary = work, binary
        self.source, self.copy = os.path.join(work, "source"), os.path.join(work, "copy")
        with open(self.source, "wb") as file:
            # Not a multiple of anything: the last block is a short one.
            file.write(random.Random(20).randbytes(SIZE - 1234))
        self.digest = sha256(self.source)

    def command(self, direct):
        return [self.binary] + (["-D"] if direct else []) + [self.source, self.copy]

    def before(self):
        forget(self.source)
        if os.path.exists(self.copy):
            os.unlink(self.copy)

    def verified(self, out):
        """The number of bytes that are the same in source and copy: all of them, or a failure."""
        if "verified" not in out:
            raise Failure(f"aiocopy said: {out.strip()}")
        if sha256(self.copy) != self.digest:
            raise Failure("the copy differs from the source")
        return os.path.getsize(self.copy)


class Fio:
    def __init__(self, work):
        self.file = os.path.join(work, "fio.data")
        with open(self.file, "wb") as file:
            file.write(random.Random(21).randbytes(SIZE))

    def command(self, direct):
        return ["fio", "--name=demo", f"--filename={self.file}", f"--size={SIZE}", "--rw=randwrite", "--bs=16k",
                "--ioengine=libaio", "--iodepth=32", f"--direct={int(direct)}", "--verify=crc32c", "--do_verify=1",
                "--verify_fatal=1", "--overwrite=1", "--thread", "--randseed=7", "--output-format=json"]

    def before(self):
        forget(self.file)

    def verified(self, out):
        job = json.loads(out[out.index("{"):])["jobs"][0]
        written, read = job["write"]["io_bytes"], job["read"]["io_bytes"]
        if job["error"] != 0 or written != SIZE or read != SIZE:
            raise Failure(f"fio: error {job['error']}, {written} bytes written, {read} verified, expected {SIZE}")
        return read


def check_counts(backend, direct, counts):
    submit, _, enter = counts
    if backend == "kernel" and (enter > 0 or submit == 0):
        raise Failure(f"kernel AIO, yet io_uring_enter {enter} times and io_submit {submit} times")
    if backend == "uring" and (submit > 0 or (direct and enter == 0)):
        raise Failure(f"io_uring, yet io_submit {submit} times and io_uring_enter {enter} times")


def print_table(rows):
    head = ("program", "backend", "bytes verified", *CALLS, "time")
    cells = [head] + [(row["program"], row["backend"], str(row["bytes"]),
                       *(("?", "?", "?") if row["counts"] is None else map(str, row["counts"])),
                       f"{row['seconds']:.2f} s") for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    for number, line in enumerate(cells):
        print("  ".join(text.ljust(width) if column < 2 else text.rjust(width)
                        for column, (text, width) in enumerate(zip(line, widths))).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def has_system_libaio():
    try:
        ctypes.CDLL("libaio.so.1")
    except OSError:
        return False
    return True


def demonstrate(work):
    binary = os.path.join(work, "aiocopy")
    compiler = os.environ.get("CC", "cc").split()
    run(compiler + ["-O2", "-I", os.path.join(ROOT, "include"), "-o", binary,
                    os.path.join(ROOT, "examples", "aiocopy.c"), "-L", LIBDIR, "-laio"], dict(os.environ), work)
    programs = [("aiocopy", Aiocopy(work, binary))]
    if shutil.which("fio"):
        programs.append(("fio", Fio(work)))
    else:
        print("fio is not installed: its rows are left out.")
    counting = shutil.which("strace") is not None
    if not counting:
        print("strace is not installed: system calls are not counted.")

    plain = {name: value for name, value in os.environ.items()
             if (not name.startswith("AIOURING_") or name == "AIOURING_FAULT") and name not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}
    ours = dict(plain, LD_LIBRARY_PATH=LIBDIR)
    # The reference is the libaio this system has; without one, our library told to use kernel AIO.
    reference = dict(plain if has_system_libaio() else ours, AIOURING_BACKEND="kernel")
    whose = "the system's libaio" if has_system_libaio() else "this library's kernel backend"
    backends = (("kernel", reference), ("uring", dict(ours, AIOURING_BACKEND="uring")))

    rows, failures = [], []
    for name, program, direct, backend, env in [(name, program, direct, backend, env) for name, program in programs
                                                for direct in (True, False) for backend, env in backends]:
        title = f"{name}, {'O_DIRECT' if direct else 'buffered'}"
        try:
            program.before()
            out, seconds = run(program.command(direct), env, work)
            verified = program.verified(out)
            counts = None
            if counting:
                program.before()
                counts = count_calls(program.command(direct), env, work)
                program.verified("verified" if name == "aiocopy" else out)
            rows.append({"program": title, "backend": backend, "bytes": verified, "counts": counts,
                         "seconds": seconds})
            if counts is not None:
                check_counts(backend, direct, counts)
        except Failure as failure:
            failures.append(f"{title}, {backend}: {failure}")
            if isinstance(failure, Hung):
                # One is enough: the rest would only be waited for as long.
                break

    print_table(rows)
    print()
    for failure in failures:
        print(f"FAILED: {failure}")
    if failures:
        return 1
    kernel = sum(row["counts"][0] for row in rows if row["backend"] == "kernel" and row["counts"])
    enters = sum(row["counts"][2] for row in rows if row["backend"] == "uring" and row["counts"])
    names = " and ".join(name for name, _ in programs)
    if counting:
        print(f"The same binaries of {names}, built for libaio, made {kernel} io_submit system calls with {whose} "
              f"and none with {os.path.join(LIBDIR, 'libaio.so.1')}, which served them by {enters} io_uring_enter "
              "calls: every byte was verified on both.")
    else:
        print(f"The same binaries of {names}, built for libaio, did their work with {whose} and with "
              f"{os.path.join(LIBDIR, 'libaio.so.1')}: every byte was verified on both.")
    return 0


def main():
    if not os.path.exists(os.path.join(LIBDIR, "libaio.so.1")):
        print(f"demo: {LIBDIR} has no libaio.so.1: build first", file=sys.stderr)
        return 2
    # On a disk: O_DIRECT and a cold page cache mean little on a file system in memory.
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    work = tempfile.mkdtemp(prefix="demo-", dir=os.path.join(ROOT, "build"))
    try:
        return demonstrate(work)
    except Failure as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
