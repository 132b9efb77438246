//! Processes that may hang or die, and what became of them.

use std::any::type_name;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use heist::ThreadPool;

use crate::support::until;

/// What takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The same for a child by fork, so that its parent can tell.
const CHILD_PATIENCE: Duration = Duration::from_secs(30);

/// Set in the process that `alone` starts.
const ALONE: &str = "HEIST_FAULT_ALONE";

/// How a process ended, and what it cried.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) cried: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn well(&self) {
        assert!(self.status.success(), "{}\n{}", self.status, self.cried);
    }

    /// By `abort`, saying why.
    #[track_caller]
    pub(crate) fn aborted(&self, why: &str) {
        let aborted = self.status.signal() == Some(libc::SIGABRT);
        assert!(aborted && self.cried.contains(why), "{}\n{}", self.status, self.cried);
    }
}

/// Runs `body`, which is the whole of a test, in a process of its own.
pub(crate) fn alone(body: impl FnOnce()) {
    if let Some(ended) = in_a_process(body, |_| ()) {
        ended.well();
    }
}

/// The same for what only root can try: the limit of a user's threads counts all of the user's
/// processes, and only root can become one that has no others. Another user is told that it was
/// not tried, past whatever the harness keeps to itself.
pub(crate) fn alone_as_root<F: FnOnce()>(body: F) {
    // SAFETY: a number.
    let user = unsafe { libc::geteuid() };
    if user == 0 {
        return alone(body);
    }
    let test = test_of::<F>();
    let _ = writeln!(
        io::stderr(),
        "NOT TRIED: {test}: only root can limit the number of threads, and this is user {user}"
    );
}

/// The same for a test whose process does not end well. None: this is the process.
pub(crate) fn doomed(body: impl FnOnce()) -> Option<Ended> {
    in_a_process(body, |_| ())
}

/// The same, with the command changed by `how`.
pub(crate) fn in_a_process<F: FnOnce()>(body: F, how: impl FnOnce(&mut Command)) -> Option<Ended> {
    if std::env::var_os(ALONE).is_some() {
        body();
        return None;
    }
    let test = test_of::<F>();
    let mut command = Command::new(std::env::current_exe().expect("the path of this binary"));
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(ALONE, "1");
    // Where many abort, symbols would take most of the time.
    command.env("RUST_BACKTRACE", "0");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // With its children by fork it is a group, that they can be killed together.
    how(command.process_group(0));
    let mut child = command.spawn().expect("a process for the test");
    let group = -libc::pid_t::try_from(child.id()).expect("a small number");
    let said = reader(child.stdout.take().expect("piped"));
    let cried = reader(child.stderr.take().expect("piped"));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break Some(status);
        }
        if start.elapsed() > PATIENCE {
            break None;
        }
        thread::park_timeout(Duration::from_millis(2));
    };
    // SAFETY: a number; also kills what the process left behind.
    unsafe { libc::kill(group, libc::SIGKILL) };
    let status_at_last = child.wait().expect("a child");
    let (said, cried) = (said.join().expect("text"), cried.join().expect("text"));
    assert!(status.is_some(), "{test} hangs: no end after {PATIENCE:?}\n{said}\n{cried}");
    assert!(said.contains("running 1 test"), "no test is called {test}\n{said}");
    Some(Ended { status: status_at_last, cried })
}

/// The name of the test that a closure is in, after which its type is named.
fn test_of<F>() -> &'static str {
    let name = type_name::<F>().strip_suffix("::{{closure}}").expect("a closure");
    name.split_once("::").expect("the crate comes first").1
}

fn reader(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        pipe.read_to_end(&mut text).expect("a pipe");
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Forks: runs `child` in the child, and waits for its end.
#[track_caller]
pub(crate) fn fork(child: impl FnOnce()) -> Ended {
    let (read, write) = pipe();
    // SAFETY: the child calls what it likes, as heist's users do; that it may not
    // is what is tried here.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: file descriptors.
            unsafe { libc::dup2(write, libc::STDERR_FILENO) };
            let code = i32::from(catch_unwind(AssertUnwindSafe(child)).is_err());
            // SAFETY: nothing of the parent's is torn down.
            unsafe { libc::_exit(code) }
        }
        pid => {
            assert!(pid > 0, "no fork: {}", std::io::Error::last_os_error());
            // SAFETY: opened above, closed once.
            unsafe { libc::close(write) };
            // SAFETY: opened above, closed by the file.
            let mut pipe = unsafe { File::from_raw_fd(read) };
            let status = wait(pid);
            let mut cried = Vec::new();
            pipe.read_to_end(&mut cried).expect("a pipe");
            let cried = String::from_utf8_lossy(&cried).into_owned();
            let Some(status) = status else { panic!("the child hangs\n{cried}") };
            Ended { status, cried }
        }
    }
}

/// The end of process `pid`; none, and it is killed, if that does not come.
fn wait(pid: libc::pid_t) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: a place for a number.
        match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } {
            0 if start.elapsed() < CHILD_PATIENCE => {
                thread::park_timeout(Duration::from_micros(200));
            }
            0 => {
                // SAFETY: a number.
                unsafe { libc::kill(pid, libc::SIGKILL) };
                // SAFETY: a place for a number.
                unsafe { libc::waitpid(pid, &raw mut status, 0) };
                return None;
            }
            _ => return Some(ExitStatus::from_raw(status)),
        }
    }
}

fn pipe() -> (i32, i32) {
    let mut ends = [0; 2];
    // SAFETY: room for two.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    (ends[0], ends[1])
}

/// How often to do what is done `few` times in a short run.
pub(crate) fn rounds(few: usize) -> usize {
    let times = std::env::var("HEIST_FAULT_ROUNDS").ok().and_then(|times| times.parse().ok());
    few * times.unwrap_or(1)
}

/// What was accepted is accounted for, as soon as the pool is quiet.
#[track_caller]
pub(crate) fn assert_settled(pool: &ThreadPool) {
    until(|| {
        let metrics = pool.metrics();
        let done = metrics.tasks_completed() + metrics.tasks_panicked();
        metrics.tasks_spawned() == done + metrics.tasks_cancelled()
    });
}

/// Becomes a user that no other process has, so that a limit of the user's holds.
pub(crate) fn become_nobody_else() {
    let number = 100_000 + std::process::id();
    // SAFETY: a number.
    assert_eq!(unsafe { libc::setuid(number) }, 0);
}
