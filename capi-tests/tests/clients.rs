//! Programs of the distribution that do their I/O by AIO, unchanged, on our libraries: what they
//! wrote is what was written, they end in time, and the system calls say which way it went.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capi_tests::program::{Face, Variant};
use capi_tests::run::{Outcome, run};
use capi_tests::trace::{self, need_strace, sum};
use capi_tests::{cc, has, here, root, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

/// Everything ends within seconds; a virtual machine under strace, beside other tests, may take some.
const LIMIT: Duration = Duration::from_secs(120);

/// What a program is tested with: on rings, and on what there is without them.
const VARIANTS: [Variant; 4] = [Variant::Ours, Variant::OursKernel, Variant::OursEperm, Variant::Preload];

type Test = fn(Variant) -> Result<(), Failed>;

fn main() {
    let tests: [(&str, &str, Test); 6] = [
        ("qemu-img", "convert", convert),
        ("qemu-io", "patterns", patterns),
        ("qemu-io", "outstanding", outstanding),
        ("qemu-system-x86_64", "machine", machine),
        ("sysbench", "validated", sysbench),
        ("stress-ng", "aiol", stress_ng),
    ];
    let mut trials = Vec::new();
    for (program, name, test) in tests {
        for variant in VARIANTS {
            // It makes system calls only, which are seen where they are interposed.
            let own_calls = program == "stress-ng" && variant != Variant::Preload;
            // One way without rings is like the other, and the machine takes its time.
            if own_calls || (name == "machine" && variant == Variant::OursKernel) {
                continue;
            }
            let full = format!("{program}::{name}::{}", variant.name());
            trials.push(Trial::ignorable_test(full, move || {
                if !has(program) {
                    return capi_tests::skip(format!("no {program}"));
                }
                if let Some(skipped) = need_strace() {
                    return skipped;
                }
                if name == "machine" && !cfg!(target_arch = "x86_64") {
                    return capi_tests::skip("the guest is for x86-64");
                }
                test(variant)?;
                Ok(Completion::Completed)
            }));
        }
    }
    capi_tests::main(trials)
}

fn passed(outcome: &Outcome) -> Result<(), Failed> {
    if outcome.success() {
        Ok(())
    } else {
        Err(outcome.report().into())
    }
}

/// Runs a command under strace to a good end, and sees that at least `requests` requests went over
/// rings and none over kernel AIO, or the other way around.
fn on_its_backend(variant: Variant, command: &Command, requests: u64) -> Result<Outcome, Failed> {
    let dir = temp_dir();
    let log = dir.path().join("calls");
    let outcome = run(
        &mut trace::traced(command, "io_submit,io_uring_enter,pwritev2", &log),
        LIMIT,
    );
    passed(&outcome)?;
    let calls = trace::calls(&log)?;
    // A transfer that the kernel cannot start without blocking is done in io_submit.
    let rings = sum(&calls, "io_uring_enter") + calls.iter().filter(|c| c.name == "pwritev2").count() as u64;
    let submitted = sum(&calls, "io_submit");
    let (used, other) = match variant.uses_rings() {
        true => (rings, submitted),
        false => (submitted, sum(&calls, "io_uring_enter")),
    };
    // QEMU's event loop may have a ring of its own, for other things.
    if used < requests || (variant.uses_rings() && other > 0) {
        return Err(format!("{requests} requests at least: {rings} by io_uring, {submitted} by io_submit").into());
    }
    Ok(outcome)
}

/// Bytes that no two places have in common.
fn contents(size: usize, seed: u64) -> Vec<u8> {
    (0..size as u64 / 8)
        .flat_map(|i| (i ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect()
}

fn image_options(format: &str, path: &Path) -> String {
    format!(
        "driver={format},file.driver=file,file.filename={},file.aio=native,file.cache.direct=on",
        path.display()
    )
}

/// raw -> qcow2 -> raw, each by native AIO; the last is the first.
fn convert(variant: Variant) -> Result<(), Failed> {
    const SIZE: usize = 24 << 20;
    let dir = temp_dir();
    let path = |name: &str| dir.path().join(name);
    let (raw, qcow2, again) = (path("raw"), path("qcow2"), path("again"));
    let mut bytes = contents(SIZE, 1);
    // Some of it is a hole.
    bytes[4 << 20..9 << 20].fill(0);
    fs::write(&raw, &bytes).map_err(|e| e.to_string())?;
    for (format, image) in [("qcow2", &qcow2), ("raw", &again)] {
        let mut create = Command::new("qemu-img");
        create
            .args(["create", "-q", "-f", format])
            .arg(image)
            .arg(SIZE.to_string());
        passed(&run(&mut create, LIMIT))?;
    }
    let (raw_options, qcow2_options) = (image_options("raw", &raw), image_options("qcow2", &qcow2));
    let again_options = image_options("raw", &again);
    for (from, to) in [(&raw_options, &qcow2_options), (&qcow2_options, &again_options)] {
        let mut convert = variant.command(Face::Aio, Path::new("qemu-img"))?;
        convert
            .args(["convert", "-n", "-W", "-m", "16", "-t", "none", "-T", "none"])
            .args(["--image-opts", "--target-image-opts", from, to]);
        on_its_backend(variant, &convert, 10)?;
        let mut compare = variant.command(Face::Aio, Path::new("qemu-img"))?;
        compare.args(["compare", "-T", "none", "--image-opts", from, to]);
        on_its_backend(variant, &compare, 10)?;
    }
    if fs::read(&again).map_err(|e| e.to_string())? != bytes {
        return Err("the converted image differs".into());
    }
    Ok(())
}

fn qemu_io(variant: Variant, script: &[String], image: &Path, requests: u64) -> Result<(), Failed> {
    let mut command = variant.command(Face::Aio, Path::new("qemu-io"))?;
    command.args(["-n", "-t", "none", "-i", "native", "-f", "raw"]);
    for line in script {
        command.args(["-c", line]);
    }
    let outcome = on_its_backend(variant, command.arg(image), requests)?;
    // It reports a wrong pattern, and goes on.
    if ["erification failed", "failed:"]
        .iter()
        .any(|bad| outcome.stdout.contains(bad))
    {
        return Err(outcome.report().into());
    }
    Ok(())
}

/// Writes of patterns by single requests and vectors, read back by itself and looked at here.
fn patterns(variant: Variant) -> Result<(), Failed> {
    let dir = temp_dir();
    let image = dir.path().join("image");
    fs::write(&image, vec![0; 4 << 20]).map_err(|e| e.to_string())?;
    let script: Vec<String> = [
        "write -P 1 0 1M",
        "writev -P 2 1M 4k 64k 512 3584 8k",
        "read -P 1 0 1M",
        "readv -P 2 1M 64k 4k 512 512 3072 8k",
        "flush",
        "write -P 3 512k 4k",
        "read -P 1 508k 4k",
        "read -P 3 512k 4k",
        "read -P 1 516k 4k",
    ]
    .map(String::from)
    .into();
    qemu_io(variant, &script, &image, script.len() as u64 - 2)?;
    let mut expected = vec![1; 1 << 20];
    expected[512 << 10..516 << 10].fill(3);
    expected.resize((1 << 20) + 80 * 1024, 2);
    expected.resize(4 << 20, 0);
    if fs::read(&image).map_err(|e| e.to_string())? != expected {
        return Err("the image is not what was written".into());
    }
    Ok(())
}

/// Many requests at a time: all writes, then all reads, with flushes in between.
fn outstanding(variant: Variant) -> Result<(), Failed> {
    const REQUESTS: u32 = 200;
    let dir = temp_dir();
    let image = dir.path().join("image");
    fs::write(&image, vec![0; 8 << 20]).map_err(|e| e.to_string())?;
    let place = |i: u32| (1 + i % 250, u64::from(i * 7 % REQUESTS) * 36864, 4096 * (1 + i % 9));
    let mut script = Vec::new();
    for i in 0..REQUESTS {
        let (pattern, offset, size) = place(i);
        script.push(format!("aio_write -q -P {pattern} {offset} {size}"));
        if i % 50 == 49 {
            script.push("aio_flush".into());
        }
    }
    for i in 0..REQUESTS {
        let (pattern, offset, size) = place(i);
        script.push(format!("aio_read -q -P {pattern} {offset} {size}"));
    }
    script.push("aio_flush".into());
    qemu_io(variant, &script, &image, u64::from(2 * REQUESTS))?;
    let bytes = fs::read(&image).map_err(|e| e.to_string())?;
    for i in 0..REQUESTS {
        let (pattern, offset, size) = place(i);
        let part = bytes.get(offset as usize..offset as usize + size as usize);
        if !part.is_some_and(|part| part.iter().all(|&b| u32::from(b) == pattern)) {
            return Err(format!("the image is not what was written at {offset}").into());
        }
    }
    Ok(())
}

/// Where `scripts/setup.sh` leaves a kernel and its modules.
fn guest() -> PathBuf {
    root().join("target/guest")
}

/// One file of an initial file system.
fn archived(archive: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let mut header = String::from("070701");
    // inode, mode, owner, group, links, time, size, two devices' numbers, length of the name, checksum
    let fields = [0, 0o100755, 0, 0, 1, 0, bytes.len(), 0, 0, 0, 0, name.len() + 1, 0];
    for field in fields {
        write!(header, "{field:08x}").expect("a string takes all");
    }
    header.push_str(name);
    header.push('\0');
    for part in [header.as_bytes(), bytes] {
        archive.extend_from_slice(part);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
}

/// The initial file system: the guest's program, and the modules for its disk.
fn initial(dir: &Path) -> Result<PathBuf, Failed> {
    let program = dir.join("init");
    let mut compile = Command::new(cc());
    compile
        .args([
            "-std=gnu11",
            "-D_GNU_SOURCE",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-static",
            "-o",
        ])
        .arg(&program)
        .arg(here("c/tools/guest.c"));
    passed(&run(&mut compile, LIMIT))?;
    let mut archive = Vec::new();
    archived(&mut archive, "init", &fs::read(&program).map_err(|e| e.to_string())?);
    let modules = fs::read_dir(guest()).map_err(|e| e.to_string())?;
    let modules = modules.flatten().map(|e| e.path());
    for (i, module) in modules.filter(|p| p.extension().is_some_and(|e| e == "ko")).enumerate() {
        archived(
            &mut archive,
            &format!("{i}.ko"),
            &fs::read(&module).map_err(|e| e.to_string())?,
        );
    }
    archived(&mut archive, "TRAILER!!!", &[]);
    let path = dir.join("initial");
    fs::write(&path, archive).map_err(|e| e.to_string())?;
    Ok(path)
}

/// A virtual machine whose disk is on native AIO writes all of the disk and reads it back.
fn machine(variant: Variant) -> Result<(), Failed> {
    const SIZE: usize = 32 << 20;
    let kernel = guest().join("vmlinuz");
    if !kernel.exists() {
        return Err(format!("{} is missing: run `scripts/setup.sh test`", kernel.display()).into());
    }
    let dir = temp_dir();
    let image = dir.path().join("image");
    let file = fs::File::create(&image).map_err(|e| e.to_string())?;
    file.set_len(SIZE as u64).map_err(|e| e.to_string())?;
    let mut qemu = variant.command(Face::Aio, Path::new("qemu-system-x86_64"))?;
    qemu.args([
        "-accel", "tcg", "-m", "256", "-smp", "2", "-display", "none", "-serial", "stdio",
    ])
    .args([
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-append",
        "console=ttyS0 panic=-1 quiet",
    ])
    .arg("-kernel")
    .arg(&kernel)
    .arg("-initrd")
    .arg(initial(dir.path())?)
    .arg("-drive")
    .arg(format!(
        "file={},if=none,id=disk,format=raw,cache=none,aio=native",
        image.display()
    ))
    .args(["-device", "virtio-blk-pci,drive=disk,num-queues=2"]);
    let outcome = on_its_backend(variant, &qemu, 500)?;
    if !outcome.stdout.contains("guest: 8192 blocks are right") {
        return Err(outcome.report().into());
    }
    // As tools/guest.c writes it.
    let bytes = fs::read(&image).map_err(|e| e.to_string())?;
    let right = |(i, word): (usize, &[u8])| word == (!(i as u64 * 8)).to_le_bytes();
    if bytes.len() != SIZE || !bytes.chunks(8).enumerate().all(right) {
        return Err("the image is not what the guest wrote".into());
    }
    Ok(())
}

/// sysbench with checksums. All requests of one of its threads share a buffer, so it is right only
/// where a request is done when io_submit returns: with files in the page cache.
fn sysbench(variant: Variant) -> Result<(), Failed> {
    let dir = temp_dir();
    let command = |program: Command, mode: &str, action: &str| {
        let mut program = program;
        program.current_dir(&dir).args([
            "fileio",
            "--file-num=4",
            "--file-total-size=16M",
            "--validate=on",
            "--file-io-mode=async",
            "--file-async-backlog=32",
            "--file-fsync-freq=20",
            "--events=5000",
            "--time=30",
            "--threads=1",
            mode,
            action,
        ]);
        program
    };
    let plain = || Command::new("sysbench");
    let ours = || variant.command(Face::Aio, Path::new("sysbench"));
    passed(&run(&mut command(plain(), "--file-test-mode=seqwr", "prepare"), LIMIT))?;
    let mut outcomes = Vec::new();
    for mode in ["--file-test-mode=rndrw", "--file-test-mode=seqrd"] {
        outcomes.push(run(&mut command(ours()?, mode, "run"), LIMIT));
    }
    // What is on the disk, as the distribution's library reads it.
    outcomes.push(run(&mut command(plain(), "--file-test-mode=seqrd", "run"), LIMIT));
    for outcome in outcomes {
        passed(&outcome)?;
        if outcome.stdout.contains("FATAL") || outcome.stderr.contains("FATAL") {
            return Err(outcome.report().into());
        }
    }
    // Without checksums, its direct I/O as well.
    let mut direct = command(ours()?, "--file-test-mode=rndrw", "run");
    direct.args(["--validate=off", "--file-extra-flags=direct", "--threads=4"]);
    on_its_backend(variant, &direct, 1000)?;
    Ok(())
}

/// stress-ng checks what its own AIO system calls read and write.
fn stress_ng(variant: Variant) -> Result<(), Failed> {
    let dir = temp_dir();
    let mut command = variant.command(Face::Aio, Path::new("stress-ng"))?;
    command
        .args([
            "--aiol",
            "2",
            "--aiol-requests",
            "32",
            "--aiol-ops",
            "2000",
            "--verify",
            "-t",
            "60",
        ])
        .arg("--temp-path")
        .arg(dir.path())
        .current_dir(&dir);
    let outcome = on_its_backend(variant, &command, 1000)?;
    if outcome.stderr.contains("fail") || outcome.stdout.contains("fail") {
        return Err(outcome.report().into());
    }
    Ok(())
}
