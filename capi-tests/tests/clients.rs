//! Programs of the distribution that do their I/O by AIO or liburing, unchanged, on our libraries: what they
//! wrote is what was written, they end in time, and the system calls say which way it went, or the dynamic
//! linker whose functions they called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use capi_tests::program::{Face, Variant};
use capi_tests::run::{Outcome, run};
use capi_tests::trace::{self, need_strace, sum};
use capi_tests::{guest, has, root, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

/// Everything ends within seconds; a virtual machine under strace, beside other tests, may take some.
const LIMIT: Duration = Duration::from_secs(120);

/// What a program is tested with: on rings, and on what there is without them.
const VARIANTS: [Variant; 4] = [Variant::Ours, Variant::OursKernel, Variant::OursEperm, Variant::Preload];

/// What a program of the liburing face is tested with.
const URING_VARIANTS: [Variant; 2] = [Variant::Ours, Variant::Preload];

type Test = fn(Variant) -> Result<(), Failed>;

fn main() {
    let tests: [(&str, &str, Face, Test); 14] = [
        ("qemu-img", "convert", Face::Aio, |v| convert(v, "native", "on")),
        ("qemu-io", "patterns", Face::Aio, |v| patterns(v, "native", "none")),
        ("qemu-io", "outstanding", Face::Aio, |v| {
            outstanding(v, "native", "none")
        }),
        ("qemu-system-x86_64", "machine", Face::Aio, |v| machine(v, "native")),
        ("sysbench", "validated", Face::Aio, sysbench),
        ("stress-ng", "aiol", Face::Aio, stress_ng),
        ("qemu-img", "convert-uring", Face::Uring, |v| {
            convert(v, "io_uring", "on")
        }),
        ("qemu-img", "convert-uring-cached", Face::Uring, |v| {
            convert(v, "io_uring", "off")
        }),
        ("qemu-io", "patterns-uring", Face::Uring, |v| {
            patterns(v, "io_uring", "none")
        }),
        ("qemu-io", "patterns-uring-cached", Face::Uring, |v| {
            patterns(v, "io_uring", "writeback")
        }),
        ("qemu-io", "outstanding-uring", Face::Uring, |v| {
            outstanding(v, "io_uring", "none")
        }),
        ("qemu-system-x86_64", "machine-uring", Face::Uring, |v| {
            machine(v, "io_uring")
        }),
        ("plocate", "queries", Face::Uring, plocate),
        ("smbclient", "samba", Face::Uring, samba),
    ];
    let mut trials = Vec::new();
    for (program, name, face, test) in tests {
        let variants = if face == Face::Uring {
            &URING_VARIANTS[..]
        } else {
            &VARIANTS[..]
        };
        for &variant in variants {
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
                if name.starts_with("machine") && !cfg!(target_arch = "x86_64") {
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

/// Runs a command to a good end, and sees that every function of liburing that it used was ours.
fn on_our_rings(variant: Variant, command: &mut Command) -> Result<Outcome, Failed> {
    let dir = temp_dir();
    watched(command, dir.path());
    let outcome = run(command, LIMIT);
    passed(&outcome)?;
    served(variant, dir.path())?;
    Ok(outcome)
}

/// Has the dynamic linker write what it binds into files of this directory.
fn watched(command: &mut Command, dir: &Path) {
    command
        .env("LD_DEBUG", "bindings")
        .env("LD_DEBUG_OUTPUT", dir.join("bindings"));
}

/// Looks at these files: functions of liburing were called, and all of them were ours.
fn served(variant: Variant, dir: &Path) -> Result<(), Failed> {
    let ours = capi_tests::library(match variant {
        Variant::Preload => "libaiouring.so.1",
        _ => "liburing.so.2",
    });
    let ours = format!(" to {} [", ours.display());
    let mut count = 0;
    for file in fs::read_dir(dir).map_err(|e| e.to_string())?.flatten() {
        let text = fs::read(file.path()).map_err(|e| e.to_string())?;
        // binding file qemu-io [0] to /usr/lib/liburing.so.2 [0]: normal symbol `io_uring_submit' [LIBURING_2.0]
        for line in String::from_utf8_lossy(&text).lines() {
            if !line.contains("symbol `io_uring_") && !line.contains("symbol `__io_uring_") {
                continue;
            }
            if !line.contains(&ours) {
                return Err(format!("served by another library: {line}").into());
            }
            count += 1;
        }
    }
    if count == 0 {
        return Err("no function of liburing was called".into());
    }
    Ok(())
}

/// The same for either face: requests have to go the way that the variant says, or functions have to be ours.
fn on_its_way(variant: Variant, aio: &str, command: &mut Command, requests: u64) -> Result<Outcome, Failed> {
    if aio == "native" {
        on_its_backend(variant, command, requests)
    } else {
        on_our_rings(variant, command)
    }
}

fn face_of(aio: &str) -> Face {
    if aio == "native" { Face::Aio } else { Face::Uring }
}

fn image_options(format: &str, path: &Path, aio: &str, direct: &str) -> String {
    format!(
        "driver={format},file.driver=file,file.filename={},file.aio={aio},file.cache.direct={direct}",
        path.display()
    )
}

/// raw -> qcow2 -> raw, each by this AIO; the last is the first.
fn convert(variant: Variant, aio: &str, direct: &str) -> Result<(), Failed> {
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
    let options = |format, path| image_options(format, path, aio, direct);
    let (raw_options, qcow2_options) = (options("raw", &raw), options("qcow2", &qcow2));
    let again_options = options("raw", &again);
    let cache = if direct == "on" { "none" } else { "writeback" };
    for (from, to) in [(&raw_options, &qcow2_options), (&qcow2_options, &again_options)] {
        let mut convert = variant.command(face_of(aio), Path::new("qemu-img"))?;
        convert
            .args(["convert", "-n", "-W", "-m", "16", "-t", cache, "-T", cache])
            .args(["--image-opts", "--target-image-opts", from, to]);
        on_its_way(variant, aio, &mut convert, 10)?;
        let mut compare = variant.command(face_of(aio), Path::new("qemu-img"))?;
        compare.args(["compare", "-T", cache, "--image-opts", from, to]);
        on_its_way(variant, aio, &mut compare, 10)?;
    }
    if fs::read(&again).map_err(|e| e.to_string())? != bytes {
        return Err("the converted image differs".into());
    }
    Ok(())
}

fn qemu_io(variant: Variant, how: [&str; 2], script: &[String], image: &Path, requests: u64) -> Result<(), Failed> {
    let [aio, cache] = how;
    let mut command = variant.command(face_of(aio), Path::new("qemu-io"))?;
    command.args(["-t", cache, "-i", aio, "-f", "raw"]);
    for line in script {
        command.args(["-c", line]);
    }
    let outcome = on_its_way(variant, aio, command.arg(image), requests)?;
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
fn patterns(variant: Variant, aio: &str, cache: &str) -> Result<(), Failed> {
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
    qemu_io(variant, [aio, cache], &script, &image, script.len() as u64 - 2)?;
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
fn outstanding(variant: Variant, aio: &str, cache: &str) -> Result<(), Failed> {
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
    qemu_io(variant, [aio, cache], &script, &image, u64::from(2 * REQUESTS))?;
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

/// A virtual machine whose disk is on this AIO writes all of the disk and reads it back.
fn machine(variant: Variant, aio: &str) -> Result<(), Failed> {
    const SIZE: usize = 32 << 20;
    let kernel = guest::kernel()?;
    let dir = temp_dir();
    let image = dir.path().join("image");
    let file = fs::File::create(&image).map_err(|e| e.to_string())?;
    file.set_len(SIZE as u64).map_err(|e| e.to_string())?;
    let mut qemu = variant.command(face_of(aio), Path::new("qemu-system-x86_64"))?;
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
    .arg(guest::initial(dir.path(), "guest.c", &[])?)
    .arg("-drive")
    .arg(format!(
        "file={},if=none,id=disk,format=raw,cache=none,aio={aio}",
        image.display()
    ))
    .args(["-device", "virtio-blk-pci,drive=disk,num-queues=2"]);
    let outcome = on_its_way(variant, aio, &mut qemu, 500)?;
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

/// plocate finds in its database what is in a tree, by patterns of all kinds.
fn plocate(variant: Variant) -> Result<(), Failed> {
    let dir = temp_dir();
    let (tree, database) = (dir.path().join("tree"), dir.path().join("database"));
    let mut all = Vec::new();
    for i in 0..40 {
        let sub = tree.join(format!("part{i}"));
        fs::create_dir_all(&sub).map_err(|e| e.to_string())?;
        for j in 0..50 {
            let path = sub.join(format!(
                "file-{}.{}",
                (i * 50 + j) * 7919 % 10007,
                ["txt", "dat", "c"][j % 3]
            ));
            fs::write(&path, "").map_err(|e| e.to_string())?;
            all.push(path.display().to_string());
        }
    }
    // The installed one runs with the rights of a group, so that no library path would count.
    let program = dir.path().join("plocate");
    let installed = ["/usr/bin/plocate", "/usr/local/bin/plocate"].map(Path::new);
    let installed = installed.into_iter().find(|p| p.exists()).ok_or("no plocate")?;
    fs::copy(installed, &program).map_err(|e| e.to_string())?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
    let mut update = Command::new("updatedb.plocate");
    // Neither the machine's settings nor its mounts matter.
    update.args([
        "--require-visibility",
        "no",
        "--prunepaths",
        "",
        "--prune-bind-mounts",
        "no",
        "-U",
    ]);
    passed(&run(update.arg(&tree).arg("-o").arg(&database), LIMIT))?;
    for (arguments, right) in [
        (&["file-"][..], (|_| true) as fn(&str) -> bool),
        (&["-b", "file-1*.txt"], |p| p.contains("/file-1") && p.ends_with(".txt")),
        (&["--regex", "file-[0-9]*5\\.c$"], |p| p.ends_with("5.c")),
        (&["-i", "PART7/", "DAT"], |p| {
            p.contains("part7/") && p.ends_with(".dat")
        }),
        (&["nothing-of-this-name"], |_| false),
    ] {
        let watch = temp_dir();
        let mut command = variant.command(Face::Uring, &program)?;
        watched(&mut command, watch.path());
        let outcome = run(command.arg("-d").arg(&database).args(arguments), LIMIT);
        let mut found: Vec<_> = outcome.stdout.lines().map(String::from).collect();
        let mut expected: Vec<_> = all.iter().filter(|p| right(p)).cloned().collect();
        found.sort();
        expected.sort();
        if found != expected || outcome.success() == expected.is_empty() {
            return Err(format!(
                "{arguments:?}: {} found, {} expected: {}",
                found.len(),
                expected.len(),
                outcome.report()
            )
            .into());
        }
        served(variant, watch.path())?;
    }
    Ok(())
}

/// Samba's server with its io_uring module: files that its client puts there and gets back are the same. It serves one
/// connection, on its standard input.
fn samba(variant: Variant) -> Result<(), Failed> {
    let smbd = [PathBuf::from("/usr/sbin/smbd"), root().join("target/samba/smbd")];
    let smbd = smbd
        .iter()
        .find(|p| p.exists())
        .ok_or("no smbd: run `scripts/setup.sh test`")?;
    let (dir, watch) = (temp_dir(), temp_dir());
    let path = |name: &str| dir.path().join(name);
    for name in ["share", "private", "state"] {
        fs::create_dir(path(name)).map_err(|e| e.to_string())?;
    }
    let state = path("state").display().to_string();
    let settings = format!(
        "[global]\nworkgroup=TEST\nserver role=standalone server\nmap to guest=Bad User\nguest account=root\n\
         load printers=no\ndisable spoolss=yes\nprivate dir={}\nlog file={state}/log\nlock directory={state}\n\
         state directory={state}\ncache directory={state}\npid directory={state}\nncalrpc dir={state}/ncalrpc\n\
         [share]\npath={}\nguest ok=yes\nread only=no\nvfs objects=io_uring\n",
        path("private").display(),
        path("share").display(),
    );
    fs::write(path("settings"), settings).map_err(|e| e.to_string())?;
    let bytes = contents(9 << 20, 3);
    fs::write(path("file"), &bytes).map_err(|e| e.to_string())?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();

    let mut server = variant.command(Face::Uring, smbd)?;
    watched(&mut server, watch.path());
    server.arg("-s").arg(path("settings"));
    server
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let serving = std::thread::spawn(move || {
        use std::os::fd::OwnedFd;
        use std::os::unix::process::CommandExt;
        let (connection, _) = listener.accept().ok()?;
        server.stdin(OwnedFd::from(connection)).process_group(0).spawn().ok()
    });
    let mut client = Command::new("smbclient");
    client
        .args(["//127.0.0.1/share", "-N", "-p", &port.to_string(), "-s"])
        .arg(path("settings"))
        .args(["-c", "put file there; get there back"])
        .current_dir(&dir);
    let outcome = run(&mut client, LIMIT);
    // Nobody connected: this is what the thread waits for.
    drop(std::net::TcpStream::connect(("127.0.0.1", port)));
    if let Ok(Some(mut server)) = serving.join() {
        // SAFETY: kill takes no pointers; the group is that of the server, and it is not waited for yet.
        unsafe { libc::kill(-(server.id() as i32), libc::SIGTERM) };
        let _ = server.wait();
    }
    passed(&outcome)?;
    for copy in [path("share").join("there"), path("back")] {
        if fs::read(&copy).map_err(|e| e.to_string())? != bytes {
            return Err(format!("{} is not what was put there", copy.display()).into());
        }
    }
    served(variant, watch.path())
}
