//! The bytes that each preparing function leaves in an SQE, for random arguments and entries, against three opinions:
//! the table of `capi_tests::prep`, the functions of the distribution's liburing, and the crate `io-uring`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use capi_tests::prep::{self, Call, Function, Inlines, SQE};
use capi_tests::program::{Face, Variant};
use capi_tests::{cc, has, here, library, root, temp_dir};
use io_uring::{opcode, squeue, types};

const ROUNDS: usize = 200;
const SEED: u64 = 4;

fn calls(functions: &[Function]) -> Vec<Call> {
    prep::calls(functions, ROUNDS, SEED)
}

/// What the functions of a header leave.
fn of(functions: &[Function], calls: &[Call], inlines: Inlines, compiler: &str, options: &[&str]) -> Vec<[u8; SQE]> {
    let dir = temp_dir();
    let driver = prep::compile(functions, inlines, compiler, options, dir.path(), "driver").expect("it compiles");
    prep::entries(&mut Command::new(driver), calls).expect("it runs")
}

fn agree(functions: &[Function], calls: &[Call], left: &[[u8; SQE]], right: &[[u8; SQE]]) {
    let differences = prep::differences(functions, calls, left, right);
    assert!(differences.is_empty(), "{differences}");
}

fn include() -> PathBuf {
    root().join("include")
}

/// Every inline of the header that takes an SQE is in the table, and nothing else.
#[test]
fn the_table_is_complete() {
    let read = |name: &str| std::fs::read_to_string(include().join(name)).expect("the header");
    let header = read("liburing.h") + &read("aiouring.h");
    let functions = prep::table();
    let listed: BTreeSet<_> = functions.iter().map(|f| f.name.clone()).collect();
    assert_eq!(listed.len(), functions.len(), "a line is there twice");
    let defined: BTreeSet<_> = prep::in_header(&header).into_iter().collect();
    assert!(defined.len() > 100, "{defined:?}");
    assert_eq!(listed, defined);
}

/// In C and in C++, unoptimised and optimised.
#[test]
fn the_inlines_do_what_the_table_says() {
    let functions = prep::table();
    let calls = calls(&functions);
    let expected = prep::expected(&functions, &calls);
    let include = include();
    let cc = cc();
    let ways: [(&str, &[&str]); 5] = [
        (&cc, &["-O0"]),
        (&cc, &["-O2", "-std=gnu89"]),
        // No store, shift or conversion is one that C does not define.
        (&cc, &["-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all"]),
        ("c++", &["-x", "c++", "-O1"]),
        ("clang", &["-O2"]),
    ];
    for (compiler, options) in ways.into_iter().filter(|w| has(w.0)) {
        let left = of(&functions, &calls, Inlines::Of(&include), compiler, options);
        agree(&functions, &calls, &left, &expected);
    }
}

/// The symbols of the libraries, called with the table's prototypes.
#[test]
fn the_exported_ones_do_the_same() {
    for (name, least) in [("liburing-ffi", 100), ("libaiouring", 12)] {
        let symbols = std::fs::read_to_string(here(&format!("symbols/{name}.txt"))).expect("a list of symbols");
        let mut functions = prep::table();
        functions.retain(|f| symbols.contains(&format!("\n{}@@", f.name)));
        assert!(functions.len() >= least, "{name}");
        let calls = calls(&functions);
        let library = library(&format!("{name}.so"));
        let dir = temp_dir();
        let inlines = Inlines::Library(&library);
        let driver = prep::compile(&functions, inlines, &cc(), &[], dir.path(), "driver").expect("it compiles");
        let mut command = Variant::Ours.command(Face::Uring, &driver).expect("ours is there");
        let entries = prep::entries(&mut command, &calls).expect("it runs");
        agree(&functions, &calls, &entries, &prep::expected(&functions, &calls));
    }
}

/// Where the distribution's functions differ: name, and what is done to our entry to get theirs.
fn differences() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(here("data/uring-prep-differences.tsv")).expect("the table is there");
    let pairs = text.lines().skip(1).map(|line| {
        let columns: Vec<_> = line.split('\t').collect();
        assert!(
            columns.len() == 3 && !columns[2].is_empty(),
            "a reason is missing: {line}"
        );
        (columns[0].to_owned(), columns[1].to_owned())
    });
    pairs.collect()
}

/// The distribution's functions. An old one clears an entry itself, where ours is cleared when it is taken: what a
/// program that takes an entry and prepares it gets is compared.
#[test]
fn the_distribution_agrees() {
    let system = std::fs::read_to_string("/usr/include/liburing.h").expect("liburing-dev is installed");
    let mut functions = prep::table();
    functions.retain(|f| {
        let at = system.find(&format!("{}(", f.name));
        at.is_some_and(|at| !system.as_bytes()[at - 1].is_ascii_alphanumeric() && system.as_bytes()[at - 1] != b'_')
    });
    assert!(functions.len() > 70);
    let calls = calls(&functions);
    let theirs = of(
        &functions,
        &calls,
        Inlines::System,
        &cc(),
        &["-Wno-discarded-qualifiers"],
    );

    let table = prep::table();
    let initialize = table
        .iter()
        .find(|f| f.name == "io_uring_initialize_sqe")
        .expect("it is in the table");
    let taken: Vec<_> = calls
        .iter()
        .map(|call| {
            let mut call = call.clone();
            if functions[call.function].prepares() {
                initialize.apply(&call.given, &mut call.before);
            }
            call
        })
        .collect();
    let mut ours = of(&functions, &taken, Inlines::Of(&include()), &cc(), &[]);

    // What is known to differ has to differ, and in nothing else.
    for (name, field) in differences() {
        let range = prep::field_range(&field);
        let mut seen = false;
        for ((call, ours), theirs) in calls.iter().zip(&mut ours).zip(&theirs) {
            if functions[call.function].name == name {
                seen |= ours[range.clone()] != theirs[range.clone()];
                ours[range.clone()].copy_from_slice(&theirs[range.clone()]);
            }
        }
        assert!(seen, "{name} does not differ in {field}");
    }
    agree(&functions, &calls, &ours, &theirs);
}

/// The crate's opinion about a call, or `None`: it has no such request, or takes no such arguments.
fn opinion(function: &Function, call: &Call) -> Option<[u8; 64]> {
    let u = |name: &str| function.argument(name, &call.given);
    let n = |name: &str| u(name) as u32;
    let fd = |name: &str| types::Fd(u(name) as i32);
    let fixed = |name: &str| types::Fixed(n(name));
    let slot = |name: &str| match n(name) {
        u32::MAX => Some(types::DestinationSlot::auto_target()),
        slot => types::DestinationSlot::try_from_slot_target(slot).ok(),
    };
    let entry = match function.name.as_str() {
        "io_uring_prep_nop" => opcode::Nop::new().build(),
        "io_uring_prep_msg_ring_cqe_flags" => {
            opcode::MsgRingData::new(fd("fd"), n("len") as i32, u("data"), Some(n("cqe_flags")))
                .opcode_flags(n("flags"))
                .build()
        }
        // The crate numbers registered files without a sign.
        "io_uring_prep_msg_ring_fd" if u("source_fd") <= i32::MAX as u64 => {
            opcode::MsgRingSendFd::new(fd("fd"), fixed("source_fd"), slot("target_fd")?, u("data"))
                .opcode_flags(n("flags"))
                .build()
        }
        "io_uring_prep_msg_ring_fd_alloc" if u("source_fd") <= i32::MAX as u64 => {
            let any = types::DestinationSlot::auto_target();
            opcode::MsgRingSendFd::new(fd("fd"), fixed("source_fd"), any, u("data"))
                .opcode_flags(n("flags"))
                .build()
        }
        "io_uring_prep_sendto" => {
            let send = opcode::SendZc::new(fd("sockfd"), u("buf") as _, n("len"))
                .flags(n("flags") as i32)
                .dest_addr(u("addr") as _)
                .dest_addr_len(n("addrlen"));
            let mut bytes = bytes(send.build());
            // Copying or not is another operation with the same fields.
            bytes[0] = opcode::Send::CODE;
            return Some(bytes);
        }
        "io_uring_prep_send_bundle" => {
            let send = opcode::SendBundle::new(fd("sockfd"), 0)
                .flags(n("flags") as i32)
                .len(n("len"));
            let mut bytes = bytes(send.build());
            // Here the program says by itself that a buffer is to be chosen.
            bytes[1] = 0;
            return Some(bytes);
        }
        "io_uring_prep_sendmsg_zc_fixed" => {
            let send = opcode::SendMsgZc::new(fd("fd"), u("msg") as _)
                .flags(n("flags"))
                .ioprio(4);
            let mut bytes = bytes(send.build());
            // The crate has no registered buffers for messages.
            bytes[40..42].copy_from_slice(&(n("buf_index") as u16).to_le_bytes());
            return Some(bytes);
        }
        "aiouring_prep_recv_zc" => opcode::RecvZc::new(fd("sockfd"), n("len")).ifq(n("zcrx_id")).build(),
        "io_uring_prep_uring_cmd" => opcode::UringCmd16::new(fd("fd"), n("cmd_op")).build(),
        "io_uring_prep_cmd_sock" if n("cmd_op") == 3 => {
            opcode::SetSockOpt::new(fd("fd"), n("level"), n("optname"), u("optval") as _, n("optlen")).build()
        }
        "io_uring_prep_cmd_discard" => {
            let mut cmd = [0; 16];
            cmd[..8].copy_from_slice(&u("nbytes").to_le_bytes());
            opcode::UringCmd16::new(fd("fd"), 0x12 << 8)
                .addr(Some(u("offset")))
                .cmd(cmd)
                .build()
        }
        "io_uring_prep_read_multishot" => opcode::ReadMulti::new(fd("fd"), n("nbytes"), n("buf_group") as u16)
            .offset(u("offset"))
            .build(),
        "io_uring_prep_waitid" => opcode::WaitId::new(n("idtype"), n("id"), n("options") as i32)
            .infop(u("infop") as _)
            .flags(n("flags"))
            .build(),
        "io_uring_prep_futex_wait" => opcode::FutexWait::new(u("futex") as _, u("val"), u("mask"), n("futex_flags"))
            .flags(n("flags"))
            .build(),
        "io_uring_prep_futex_wake" => opcode::FutexWake::new(u("futex") as _, u("val"), u("mask"), n("futex_flags"))
            .flags(n("flags"))
            .build(),
        "io_uring_prep_futex_waitv" => opcode::FutexWaitV::new(u("futex") as _, n("nr_futex"))
            .flags(n("flags"))
            .build(),
        "io_uring_prep_fixed_fd_install" => opcode::FixedFdInstall::new(fixed("fd"), n("flags")).build(),
        "io_uring_prep_ftruncate" => opcode::Ftruncate::new(fd("fd"), u("len")).build(),
        "io_uring_prep_bind" => opcode::Bind::new(fd("fd"), u("addr") as _, n("addrlen")).build(),
        "io_uring_prep_listen" => opcode::Listen::new(fd("fd"), n("backlog") as i32).build(),
        "io_uring_prep_epoll_wait" => opcode::EpollWait::new(fd("fd"), u("events") as _, n("maxevents"))
            .flags(n("flags"))
            .build(),
        "io_uring_prep_readv_fixed" => {
            opcode::ReadvFixed::new(fd("fd"), u("iovecs") as _, n("nr_vecs"), n("buf_index") as u16)
                .offset(u("offset"))
                .rw_flags(n("flags") as i32)
                .build()
        }
        "io_uring_prep_writev_fixed" => {
            opcode::WritevFixed::new(fd("fd"), u("iovecs") as _, n("nr_vecs"), n("buf_index") as u16)
                .offset(u("offset"))
                .rw_flags(n("flags") as i32)
                .build()
        }
        "io_uring_prep_open" => opcode::OpenAt::new(types::Fd(libc::AT_FDCWD), u("path") as _)
            .flags(n("flags") as i32)
            .mode(n("mode"))
            .build(),
        "io_uring_prep_open_direct" => opcode::OpenAt::new(types::Fd(libc::AT_FDCWD), u("path") as _)
            .flags(n("flags") as i32)
            .mode(n("mode"))
            .file_index(Some(slot("file_index")?))
            .build(),
        "io_uring_prep_pipe" => opcode::Pipe::new(u("fds") as _).flags(n("pipe_flags")).build(),
        "io_uring_prep_pipe_direct" => opcode::Pipe::new(u("fds") as _)
            .flags(n("pipe_flags"))
            .file_index(Some(slot("file_index")?))
            .build(),
        _ => return None,
    };
    Some(bytes(entry))
}

fn bytes(entry: squeue::Entry) -> [u8; 64] {
    // SAFETY: an entry is the kernel's structure of 64 bytes, all of them written.
    unsafe { std::mem::transmute(entry) }
}

/// The crate on what is younger than the distribution's library; it has no opinion about what an entry held before.
#[test]
fn the_crate_agrees() {
    let functions = prep::table();
    let mut calls = calls(&functions);
    for call in &mut calls {
        call.before.fill(0);
    }
    let ours = of(&functions, &calls, Inlines::Of(&include()), &cc(), &[]);
    let mut theirs = ours.clone();
    let mut asked = BTreeSet::new();
    for (call, theirs) in calls.iter().zip(&mut theirs) {
        let function = &functions[call.function];
        if let Some(bytes) = opinion(function, call) {
            theirs[..64].copy_from_slice(&bytes);
            asked.insert(function.name.clone());
        }
    }
    assert!(asked.len() >= 26, "{asked:?}");
    agree(&functions, &calls, &ours, &theirs);
}

/// What neither of them has is compared with the table alone: these, and no more.
#[test]
fn no_other_opinion() {
    let system = std::fs::read_to_string("/usr/include/liburing.h").expect("liburing-dev is installed");
    let functions = prep::table();
    let calls = calls(&functions);
    let asked: BTreeSet<_> = calls
        .iter()
        .filter(|c| opinion(&functions[c.function], c).is_some())
        .map(|c| functions[c.function].name.as_str())
        .collect();
    let alone: Vec<_> = functions
        .iter()
        .map(|f| f.name.as_str())
        .filter(|name| !asked.contains(name) && !system.contains(&format!("{name}(")))
        .collect();
    assert_eq!(
        alone,
        [
            "io_uring_initialize_sqe",
            "io_uring_sqe_set_buf_group",
            "io_uring_prep_fadvise64",
            "io_uring_prep_madvise64",
            "__io_uring_prep_uring_cmd",
            "io_uring_prep_cmd_getsockname",
            "io_uring_prep_cmd_zone_reset_all",
            "io_uring_prep_nop128",
            "io_uring_prep_uring_cmd128",
            "aiouring_prep_nop",
            "aiouring_prep_nop_cqe32",
            "aiouring_sqe_set_write_stream",
            "aiouring_sqe_set_pi",
            "aiouring_prep_uring_cmd_fixed",
            "aiouring_prep_uring_cmd_multishot",
            "aiouring_prep_uring_cmd_fixed_vec",
            "aiouring_prep_btrfs_encoded_read",
            "aiouring_prep_btrfs_encoded_write",
            "aiouring_prep_btrfs_encoded_read_fixed",
            "aiouring_prep_btrfs_encoded_write_fixed",
            "aiouring_prep_sendv",
            "aiouring_prep_sendv_zc",
            "aiouring_prep_timeout_ns",
            "aiouring_prep_timeout_update_ns",
            "aiouring_prep_link_timeout_ns",
        ]
    );
}
