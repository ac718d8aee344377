//! MariaDB, with its tables on Linux native AIO, on our libraries: killed in the middle of its writes and
//! started again, it has every row whose commit it had told of, and every page is right.
//!
//! It makes contexts by `io_setup` and takes events by the system call, so it needs the `syscall` of
//! `libaiouring.so.1`, or the list of programs that get kernel AIO. If it is let, it takes liburing.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use capi_tests::program::{Face, Variant};
use capi_tests::run::run;
use capi_tests::trace::{self, need_strace, sum};
use capi_tests::{has, temp_dir};
use libtest_mimic::{Completion, Failed, Trial};

/// How often it is killed, times `TEST_SCALE`.
const ROUNDS: u32 = 3;
/// Clients that write at the same time, each in tables' parts of its own.
const WRITERS: u32 = 4;
/// Rows that each of them changes, beside those that it adds.
const CHANGED: u32 = 200;
/// More transactions than a client gets done in a round.
const TRANSACTIONS: u64 = 8000;

const USER: &str = "nobody";
const USER_ID: u32 = 65534;

/// In the environment of the process that does the work of one of them.
const PART: &str = "MARIADB_WAY";

/// A way for the tables' pages, and what `innodb_linux_aio` says.
type Way = (Variant, &'static str);

const WAYS: [Way; 3] = [
    (Variant::Preload, "aio"),
    (Variant::Ours, "aio"),
    (Variant::Ours, "io_uring"),
];

fn main() -> ExitCode {
    if let Ok(index) = std::env::var(PART) {
        let index: usize = index.parse().expect("a number");
        return match whole_life(WAYS[index]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("{e}");
                ExitCode::FAILURE
            }
        };
    }
    let trials = WAYS.iter().enumerate().map(|(index, (variant, aio))| {
        Trial::ignorable_test(format!("killed::{}::{aio}", variant.name()), move || {
            if let Some(skipped) = need_strace() {
                return skipped;
            }
            let Some(server) = server() else {
                return capi_tests::skip("no mariadbd");
            };
            if !has("mariadb") || !has("mariadb-install-db") {
                return capi_tests::skip("no client, or no mariadb-install-db");
            }
            if !knows_linux_aio(&server) {
                return capi_tests::skip("this mariadbd was built without libaio");
            }
            // In a process of its own, whose end is the end of all that it started.
            let mut part = Command::new(std::env::current_exe().expect("this executable has a path"));
            part.env(PART, index.to_string());
            let outcome = run(&mut part, Duration::from_secs(120) + Duration::from_secs(20) * rounds());
            if outcome.success() {
                Ok(Completion::Completed)
            } else {
                Err(Failed::from(outcome.report()))
            }
        })
    });
    capi_tests::main(trials.collect())
}

fn rounds() -> u32 {
    let scale = std::env::var("TEST_SCALE").ok().and_then(|v| v.parse().ok());
    ROUNDS * scale.unwrap_or(1).max(1)
}

fn server() -> Option<PathBuf> {
    ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd", "/usr/bin/mariadbd"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

/// Some are built with io_uring alone.
fn knows_linux_aio(server: &Path) -> bool {
    let help = Command::new(server)
        .args(["--no-defaults", "--verbose", "--help"])
        .output();
    help.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains("innodb-linux-aio"))
}

/// The tables, and a server for them from time to time.
struct Database {
    way: Way,
    data: PathBuf,
    /// A server clears its directory for temporary files when it starts: not the one of others.
    scratch: PathBuf,
    /// `--user=...` when this is root's process.
    user: Option<String>,
}

/// A server, which is killed when it is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Database {
    fn create(way: Way, dir: &Path) -> Result<Self, String> {
        let (data, scratch) = (dir.join("data"), dir.join("tmp"));
        for new in [&data, &scratch] {
            fs::create_dir(new).map_err(|e| e.to_string())?;
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).map_err(|e| e.to_string())?;
        // SAFETY: geteuid takes nothing.
        let user = (unsafe { libc::geteuid() } == 0).then(|| {
            let reachable = data
                .ancestors()
                .skip(1)
                .all(|d| d.metadata().is_ok_and(|m| m.permissions().mode() & 0o001 != 0));
            if reachable && [&data, &scratch].iter().all(|d| chown(d, Some(USER_ID), None).is_ok()) {
                format!("--user={USER}")
            } else {
                "--user=root".into()
            }
        });
        let database = Self {
            way,
            data,
            scratch,
            user,
        };
        let mut install = Command::new("mariadb-install-db");
        install
            .args(["--no-defaults", "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--skip-name-resolve"])
            .args(database.place())
            .args(&database.user);
        let outcome = run(&mut install, Duration::from_secs(60));
        if outcome.success() {
            Ok(database)
        } else {
            Err(outcome.report())
        }
    }

    fn place(&self) -> [String; 2] {
        [("datadir", &self.data), ("tmpdir", &self.scratch)]
            .map(|(option, path)| format!("--{option}={}", path.display()))
    }

    fn command(&self) -> Result<Command, String> {
        let mut command = self.way.0.command(Face::Aio, &server().ok_or("no mariadbd")?)?;
        command
            .args([
                "--no-defaults",
                "--skip-networking",
                "--skip-name-resolve",
                "--skip-log-bin",
            ])
            // Relative to the data: the path of a socket is short.
            .args(["--socket=socket", "--pid-file=pid", "--console"])
            .args(self.place())
            .args(&self.user)
            .arg(format!("--innodb-linux-aio={}", self.way.1))
            .args(["--innodb-use-native-aio=1", "--innodb-flush-method=O_DIRECT"])
            // Pages are written all the time.
            .args(["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"])
            .args(["--innodb-max-dirty-pages-pct=0", "--innodb-io-capacity=4000"])
            .arg("--innodb-flush-log-at-trx-commit=1");
        Ok(command)
    }

    fn log(&self) -> PathBuf {
        self.data.join("log")
    }

    /// Starts a server and waits until it answers.
    fn start(&self, command: &mut Command) -> Result<Server, String> {
        let log = File::create(self.log()).map_err(|e| e.to_string())?;
        let also = log.try_clone().map_err(|e| e.to_string())?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(also).spawn();
        let mut server = Server(child.map_err(|e| format!("{command:?}: {e}"))?);
        let start = Instant::now();
        while self.ask("select 1").is_err() {
            let ended = server.0.try_wait().map_err(|e| e.to_string())?;
            if ended.is_some() || start.elapsed() > Duration::from_secs(60) {
                return Err(format!("the server did not come up: {ended:?}\n{}", self.complaints()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Shuts a server down, which has to end well.
    fn shut_down(&self, mut server: Server) -> Result<(), String> {
        self.ask("shutdown")?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if let Some(status) = server.0.try_wait().map_err(|e| e.to_string())? {
                return if status.success() {
                    Ok(())
                } else {
                    Err(format!("the server ended with {status}\n{}", self.complaints()))
                };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server does not shut down".into())
    }

    fn complaints(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines()
            .rev()
            .take(60)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client
            .args([
                "--no-defaults",
                "--socket=socket",
                "--user=root",
                "--batch",
                "--skip-column-names",
            ])
            .args(["--unbuffered", "--connect-timeout=5"])
            .current_dir(&self.data);
        client
    }

    /// The answer to a few statements.
    fn ask(&self, statements: &str) -> Result<String, String> {
        let out = self
            .client()
            .args(["-e", statements])
            .output()
            .map_err(|e| e.to_string())?;
        if out.status.success() {
            Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
        } else {
            Err(format!("{statements}: {}", String::from_utf8_lossy(&out.stderr)))
        }
    }

    fn number(&self, statement: &str) -> Result<u64, String> {
        let answer = self.ask(statement)?;
        answer.parse().map_err(|_| format!("{statement}: {answer}"))
    }

    /// Makes the tables, with a server under strace: the tables' pages go the variant's way.
    fn load(&self, dir: &Path) -> Result<(), String> {
        let log = dir.join("calls");
        let command = self.command()?;
        let server = self.start(&mut trace::traced(
            &command,
            "io_submit,io_getevents,io_uring_setup,io_uring_enter",
            &log,
        ))?;
        let rows = WRITERS * CHANGED;
        self.ask(&format!(
            "create database x; use x; \
             create table x.added (w int, n bigint, body blob, sum int unsigned, primary key (w, n)); \
             create table x.changed (w int, i int, v bigint, body blob, sum int unsigned, primary key (w, i)); \
             insert into x.changed select seq % {WRITERS}, seq div {WRITERS}, 0, repeat('.', 2000), \
             crc32(repeat('.', 2000)) from seq_0_to_{}; \
             set global innodb_max_dirty_pages_pct_lwm = 0",
            rows - 1
        ))?;
        self.shut_down(server)?;
        let calls = trace::calls(&log)?;
        let count = |name: &str| calls.iter().filter(|c| c.name == name).count();
        let (submitted, entered, made) = (
            sum(&calls, "io_submit"),
            count("io_uring_enter"),
            count("io_uring_setup"),
        );
        let right = match self.way {
            (Variant::Preload, "aio") => entered > 20 && made == 1 && submitted == 0,
            (_, "aio") => submitted > 20 && entered == 0,
            _ => entered > 20 && made > 0 && submitted == 0,
        };
        if right {
            Ok(())
        } else {
            Err(format!(
                "{submitted} requests by io_submit, {entered} calls of io_uring_enter, {made} rings"
            ))
        }
    }

    /// One client with its statements in a file, and the numbers of what it has committed in another.
    fn writer(&self, w: u32, done: u64, dir: &Path) -> Result<(Child, PathBuf), String> {
        let (statements, told) = (dir.join(format!("in-{w}")), dir.join(format!("out-{w}")));
        let mut text = Vec::new();
        for n in done + 1..=done + TRANSACTIONS {
            writeln!(
                text,
                "begin; insert into x.added set w = {w}, n = {n}, body = repeat('{w}-{n};', {}), sum = crc32(body); \
                 update x.changed set v = v + 1, body = repeat(concat(i, ':', v, ';'), {}), sum = crc32(body) \
                 where w = {w} and i = {}; commit; select {n};",
                20 + n * 7 % 300,
                50 + n * 11 % 300,
                n * 13 % u64::from(CHANGED),
            )
            .map_err(|e| e.to_string())?;
        }
        fs::write(&statements, text).map_err(|e| e.to_string())?;
        let open = |path: &Path| File::open(path).map_err(|e| e.to_string());
        let create = |path: &Path| File::create(path).map_err(|e| e.to_string());
        let child = self
            .client()
            .stdin(open(&statements)?)
            .stdout(create(&told)?)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        Ok((child, told))
    }

    /// Looks at everything; `told` is what every writer knows to be committed. Gives what really is.
    fn check(&self, told: &[u64]) -> Result<Vec<u64>, String> {
        for table in ["added", "changed"] {
            let answer = self.ask(&format!("check table x.{table} extended"))?;
            if answer != format!("x.{table}\tcheck\tstatus\tOK") {
                return Err(answer);
            }
            let wrong = self.number(&format!("select count(*) from x.{table} where crc32(body) <> sum"))?;
            if wrong != 0 {
                return Err(format!("{wrong} rows of x.{table} are wrong"));
            }
        }
        let mut done = Vec::new();
        for (w, &told) in told.iter().enumerate() {
            let last = self.number(&format!("select coalesce(max(n), 0) from x.added where w = {w}"))?;
            let rows = self.number(&format!("select count(*) from x.added where w = {w}"))?;
            let changes = self.number(&format!("select sum(v) from x.changed where w = {w}"))?;
            // One may have been committed and not told of.
            if !(told..=told + 1).contains(&last) || rows != last || changes != last {
                return Err(format!(
                    "writer {w} knows of {told} commits; {rows} rows up to {last}, {changes} changes"
                ));
            }
            done.push(last);
        }
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        match log.lines().find(|line| line.contains("[ERROR]")) {
            Some(line) => Err(line.into()),
            None => Ok(done),
        }
    }
}

/// The number in the last whole line.
fn last_told(path: &Path) -> Result<Option<u64>, String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    match whole.lines().last() {
        None => Ok(None),
        Some(line) => line.parse().map(Some).map_err(|_| format!("told: {line}")),
    }
}

/// Whether the server has loaded the library that it is tested with.
fn uses_ours((variant, aio): Way, server: &Server) -> Result<(), String> {
    let library = capi_tests::library(match (variant, aio) {
        (Variant::Preload, _) => "libaiouring.so.1",
        (_, "aio") => "libaio.so.1",
        _ => "liburing.so.2",
    });
    let path = library.canonicalize().map_err(|e| e.to_string())?;
    let maps = fs::read_to_string(format!("/proc/{}/maps", server.0.id())).map_err(|e| e.to_string())?;
    if maps.contains(&path.display().to_string()) {
        Ok(())
    } else {
        Err(format!("{} is not loaded", path.display()))
    }
}

fn whole_life(way: Way) -> Result<(), String> {
    let dir = temp_dir();
    let database = Database::create(way, dir.path())?;
    database.load(dir.path())?;
    let mut done = vec![0; WRITERS as usize];
    for round in 0..rounds() {
        let mut server = database.start(&mut database.command()?)?;
        uses_ours(way, &server)?;
        done = database.check(&done)?;
        let mut writers = Vec::new();
        for (w, &done) in done.iter().enumerate() {
            writers.push(database.writer(w as u32, done, dir.path())?);
        }
        std::thread::sleep(Duration::from_millis(1500 + u64::from(round * 377 % 1000)));
        server.0.kill().map_err(|e| e.to_string())?;
        server.0.wait().map_err(|e| e.to_string())?;
        for ((mut client, told), done) in writers.into_iter().zip(&mut done) {
            client.wait().map_err(|e| e.to_string())?;
            let before = *done;
            *done = last_told(&told)?.unwrap_or(before);
            if *done == before || *done == before + TRANSACTIONS {
                return Err(format!("round {round}: a writer got from {before} to {done}"));
            }
        }
        println!("round {round}: killed after {done:?}");
    }
    let server = database.start(&mut database.command()?)?;
    database.check(&done)?;
    database.shut_down(server)
}
