//! One case in a process of its own, and what became of it.

use std::{
    env, fs,
    io::Read,
    process::{Child, Command, ExitStatus, Stdio, exit},
    thread,
    time::{Duration, Instant},
};

/// Set in such a process: which case, and which pool.
const CASE: &str = "HEIST_BEHAVIOUR_CASE";
const POOL: &str = "HEIST_BEHAVIOUR_POOL";
const SHORT: &str = "HEIST_BEHAVIOUR_SHORT";

/// Exit codes of such a process, beside success.
const PANICKED: i32 = 3;
const HAS_NONE: i32 = 4;

/// The case and the pool that this process is for.
pub(crate) fn asked() -> Option<(String, String)> {
    Some((env::var(CASE).ok()?, env::var(POOL).ok()?))
}

/// Is it to be quick?
pub(crate) fn is_short() -> bool {
    env::var_os(SHORT).is_some()
}

/// Says what memory this process had at most, and leaves the pool as it is.
pub(crate) fn ends_well() -> ! {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    println!("{}", kib.unwrap_or(0));
    exit(0)
}

/// The pool has nothing of the kind.
pub(crate) fn has_none() -> ! {
    exit(HAS_NONE)
}

/// A job has panicked, and says why on standard error.
pub(crate) fn panicked() -> ! {
    exit(PANICKED)
}

/// Runs a case, and says in a word or two what became of it.
pub(crate) fn run(
    case: &str,
    pool: &str,
    patience: Duration,
    tells_memory: bool,
    short: bool,
) -> String {
    let mut command = Command::new(env::current_exe().expect("the path of this binary"));
    command.env(CASE, case).env(POOL, pool).env("RUST_BACKTRACE", "0");
    if short {
        command.env(SHORT, "1");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a process for the case");
    let said = reader(child.stdout.take().expect("piped"));
    let cried = reader(child.stderr.take().expect("piped"));
    let Some(status) = wait(&mut child, patience) else {
        child.kill().expect("a child");
        child.wait().expect("a child");
        return "**deadlock**".into();
    };
    let (said, cried) = (said.join().expect("text"), cried.join().expect("text"));
    match status.code() {
        Some(0) if tells_memory => {
            let kib: u64 = said.trim().parse().expect("the peak");
            format!("{} MiB", kib.div_ceil(1024))
        }
        Some(0) => "fine".into(),
        Some(HAS_NONE) => "–".into(),
        Some(PANICKED) => "**panic**".into(),
        _ if cried.contains("overflowed its stack") => "**overflow**".into(),
        _ => panic!("{case}, {pool}: {status}\n{cried}"),
    }
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status);
        }
        if start.elapsed() > patience {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).expect("a pipe");
        String::from_utf8_lossy(&text).into_owned()
    })
}
