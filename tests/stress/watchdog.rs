//! A hang that explains itself: when a test finishes no round for a minute,
//! every pool and every thread is shown, and the process aborts.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic;
use std::process::{self, Command};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use heist::ThreadPool;

use crate::rounds::number;

/// Seconds without a round after which a test hangs, if not 60.
const PATIENCE: &str = "HEIST_STRESS_PATIENCE";

/// Seconds between two looks.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Watched {
    next: u64,
    /// The tests that run, and when each finished its last round.
    tests: Vec<(u64, String, Instant)>,
    pools: Vec<Open>,
}

/// A pool that lives, or is being shut down.
struct Open {
    id: u64,
    name: String,
    pool: NonNull<ThreadPool>,
}

// SAFETY: what is done through the pointer is `metrics`, for any thread to call.
unsafe impl Send for Open {}

fn watched() -> MutexGuard<'static, Watched> {
    static WATCHED: Mutex<Watched> =
        Mutex::new(Watched { next: 0, tests: Vec::new(), pools: Vec::new() });
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps an eye on a test.
pub(crate) struct Watch(u64);

impl Watch {
    pub(crate) fn on(test: &str) -> Watch {
        static DOG: OnceLock<()> = OnceLock::new();
        DOG.get_or_init(|| {
            tell_of_panics();
            drop(thread::spawn(watch));
        });
        let mut watched = watched();
        watched.next += 1;
        let id = watched.next;
        watched.tests.push((id, test.to_owned(), Instant::now()));
        Watch(id)
    }

    /// A round is over.
    pub(crate) fn beat(&self) {
        let mut watched = watched();
        let test = watched.tests.iter_mut().find(|test| test.0 == self.0);
        test.expect("there until dropped").2 = Instant::now();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        watched().tests.retain(|test| test.0 != self.0);
    }
}

/// A pool that can be looked at from the side, also while it is shut down.
pub(crate) struct Pool {
    id: u64,
    pool: NonNull<ManuallyDrop<ThreadPool>>,
    ended: bool,
}

// SAFETY: it owns a `ThreadPool`, which is `Send`.
unsafe impl Send for Pool {}
// SAFETY: it gives out nothing but `&ThreadPool`, and that is `Sync`.
unsafe impl Sync for Pool {}

impl Pool {
    pub(crate) fn watched(name: &str, pool: ThreadPool) -> Pool {
        let pool = NonNull::from(Box::leak(Box::new(ManuallyDrop::new(pool))));
        let mut watched = watched();
        watched.next += 1;
        let id = watched.next;
        watched.pools.push(Open { id, name: name.to_owned(), pool: pool.cast() });
        Pool { id, pool, ended: false }
    }

    /// Ends the pool as `end` does.
    pub(crate) fn end<R>(mut self, end: impl FnOnce(ThreadPool) -> R) -> R {
        end(self.take())
    }

    fn take(&mut self) -> ThreadPool {
        self.ended = true;
        // SAFETY: `self` is borrowed mutably, so nobody else borrows the pool.
        let pool = unsafe { self.pool.as_mut() };
        // SAFETY: called once, by `end` or else by `drop`.
        unsafe { ManuallyDrop::take(pool) }
    }
}

impl Deref for Pool {
    type Target = ThreadPool;

    fn deref(&self) -> &ThreadPool {
        // SAFETY: it is there until `end`, which takes `self`.
        unsafe { self.pool.as_ref() }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.take());
        }
        watched().pools.retain(|open| open.id != self.id);
        // SAFETY: it came from a box, and nobody knows of it any more.
        drop(unsafe { Box::from_raw(self.pool.as_ptr()) });
    }
}

/// Says why, and ends the process. The test would keep to itself what it prints in the usual way.
pub(crate) fn die(why: fmt::Arguments<'_>) -> ! {
    let _ = writeln!(io::stderr(), "\n{why}");
    process::abort();
}

/// Of those that no task throws: one in the pool itself may end the process, and nobody would
/// hear why.
fn tell_of_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<usize>() {
            let _ = writeln!(io::stderr(), "\n{info}");
        }
        usual(info);
    }));
}

fn watch() {
    let patience = Duration::from_secs(number(PATIENCE).unwrap_or(60));
    loop {
        thread::park_timeout(LOOK);
        let watched = watched();
        let hangs = watched.tests.iter().find(|test| test.2.elapsed() > patience);
        if let Some((_, name, _)) = hangs {
            // The test would keep to itself what it prints in the usual way.
            let mut out = io::stderr();
            let _ = writeln!(out, "\n{name} hangs: no round in {patience:?}\n");
            report(&watched.pools, &mut out);
            process::abort();
        }
    }
}

fn report(pools: &[Open], out: &mut impl Write) {
    for Open { name, pool, .. } in pools {
        // SAFETY: whoever ends the pool has it elsewhere by now, but what is read
        // here, a pointer to what its threads share, is the same in both places,
        // and stays valid while they are there. If they leave this instant, we
        // read what is gone, on the way to an abort.
        let pool = unsafe { pool.as_ref() };
        let metrics = panic::catch_unwind(|| pool.metrics().to_string());
        let _ = writeln!(out, "pool {name}: {}", metrics.as_deref().unwrap_or("is gone"));
    }
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return };
    for thread in threads.flatten().map(|thread| thread.path()) {
        let read = |file: &str| fs::read_to_string(thread.join(file)).unwrap_or_default();
        let (comm, wchan, stat) = (read("comm"), read("wchan"), read("stat"));
        // The state is the first field after the name, which ends with `)`.
        let state = stat.rsplit(')').next().unwrap_or("").trim_start().chars().next();
        let state = state.unwrap_or('?');
        let _ = writeln!(out, "thread {:16} {state} {wchan}", comm.trim());
    }
}

#[test]
#[ignore = "hangs on purpose, for the test below"]
fn hangs_on_purpose() {
    let pool = ThreadPool::builder().num_threads(2).thread_name(|i| format!("idle-{i}"));
    let _pool = Pool::watched("lonely", pool.build().unwrap());
    let _watch = Watch::on("hangs_on_purpose");
    loop {
        thread::park();
    }
}

#[test]
fn a_hang_shows_every_pool_and_thread() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "watchdog::hangs_on_purpose"])
        .env(PATIENCE, "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success());
    for part in ["hangs_on_purpose hangs", "pool lonely: 2 workers", "thread idle-1"] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
}
