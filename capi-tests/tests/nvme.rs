//! Commands to an NVMe device, which a virtual machine has: what `c/tools/guest_nvme.c` sends is answered as it says, and
//! what it wrote is on the disk.

use std::fs;
use std::process::Command;
use std::time::Duration;

use capi_tests::run::run;
use capi_tests::{guest, has, library, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

const BLOCK: usize = 512;
/// The first block that the guest writes, and how many.
const WRITTEN: (usize, usize) = (24, 16);

fn main() {
    capi_tests::main(vec![Trial::ignorable_test("nvme", || {
        if !has("qemu-system-x86_64") {
            return capi_tests::skip("no qemu-system-x86_64");
        }
        if !cfg!(target_arch = "x86_64") {
            return capi_tests::skip("the guest is for x86-64");
        }
        machine().map(|()| Completion::Completed)
    })])
}

fn machine() -> Result<(), Failed> {
    let kernel = guest::kernel()?;
    let dir = temp_dir();
    let image = dir.path().join("image");
    let file = fs::File::create(&image).map_err(|e| e.to_string())?;
    file.set_len(4 << 20).map_err(|e| e.to_string())?;
    let archive = library("libaiouring.a");
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-accel", "tcg", "-m", "256", "-display", "none", "-serial", "stdio"])
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-append", "console=ttyS0 panic=-1 quiet"])
        .arg("-kernel")
        .arg(&kernel)
        .arg("-initrd")
        .arg(guest::initial(dir.path(), "guest_nvme.c", &[archive])?)
        .arg("-drive")
        .arg(format!("file={},if=none,id=disk,format=raw", image.display()))
        .args(["-device", "nvme,drive=disk,serial=1"]);
    let outcome = run(&mut qemu, Duration::from_secs(180));
    if !outcome.stdout.contains("guest: NVMe answered") {
        return Err(outcome.report().into());
    }
    // As the guest writes it, and nothing beside it.
    let bytes = fs::read(&image).map_err(|e| e.to_string())?;
    let (first, count) = (WRITTEN.0 * BLOCK, WRITTEN.1 * BLOCK);
    let right = bytes.iter().enumerate().all(|(at, byte)| {
        let expected = match at.checked_sub(first) {
            Some(i) if i < count => (i * 7 + i / 251) as u8,
            _ => 0,
        };
        *byte == expected
    });
    if right {
        Ok(())
    } else {
        Err("the image is not what the guest wrote".into())
    }
}
