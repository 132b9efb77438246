//! How long until a task begins, in a pool whose workers are all inside one long
//! computation? And what does the computation pay for it?
//!
//! A tree of joins with leaves of 1 ms keeps two workers busy for 0.3 s. When it is
//! under way, an outside thread spawns a task that looks at the clock. The first table
//! says how long that took to begin; the others, how long the computation takes, alone
//! and beside such a task every 10 ms.
//!
//! heist calls a stand-in after 20 ms (`door_patience`), `heist, no stand-in` none: it
//! leaves the task until a worker is done, as rayon does. `std` has no pool: two
//! threads compute, and each task is a thread of its own. tokio has no fork and join:
//! its computation is two tasks of a loop each, that await nothing. In the serial
//! column one thread computes, and there are no tasks.

#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
#[path = "std.rs"]
mod threads;
mod tokio;

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use harness::{Runner, work::Work};

const LEAF: Duration = Duration::from_millis(1);

/// Between two tasks beside the computation.
const PAUSE: Duration = Duration::from_millis(10);

/// What computes, and can be given a task.
trait Pool: Sync {
    /// Calls `leaf` so many times, on two workers, and returns when all is done.
    fn compute(&self, leaves: usize, leaf: impl Fn() + Send + Sync + Clone + 'static);
    fn spawn(&self, task: impl FnOnce() + Send + 'static);
}

fn main() {
    harness::case("door", "from spawn to start, amid a computation of 0.3 s")
        .runs(1)
        .rounds(5)
        .add("heist", || till_start(ours::new()))
        .add("heist, no stand-in", || till_start(ours::without_stand_in()))
        .add("rayon", || till_start(rayon::new()))
        .add("tokio", || till_start(tokio::new()))
        .add("std", || till_start(threads::Threads))
        .measure();
    for (name, pause) in
        [("the computation, alone", None), ("the computation, beside tasks", Some(PAUSE))]
    {
        harness::case("door", name)
            .runs(1)
            .rounds(5)
            .add("serial", || Box::new(|runs| harness::time(runs, serial)))
            .add("heist", move || computation(ours::new(), pause))
            .add("heist, no stand-in", move || computation(ours::without_stand_in(), pause))
            .add("rayon", move || computation(rayon::new(), pause))
            .add("tokio", move || computation(tokio::new(), pause))
            .add("std", move || computation(threads::Threads, pause))
            .measure();
    }
}

fn leaves() -> usize {
    if harness::is_test() { 60 } else { 600 }
}

fn serial() {
    let work = Work::of(LEAF);
    (0..leaves()).for_each(|_| _ = work.run());
}

/// A tree of joins with so many leaves, by whatever joins.
fn tree(leaves: usize, leaf: &(impl Fn() + Sync), join: impl Fn(Half<'_>, Half<'_>) + Copy + Sync) {
    if leaves <= 1 {
        return (0..leaves).for_each(|_| leaf());
    }
    let (left, right) = (leaves / 2, leaves - leaves / 2);
    join(&|| tree(left, leaf, join), &|| tree(right, leaf, join));
}

type Half<'a> = &'a (dyn Fn() + Sync);

/// The time from spawn to start of one task.
fn till_start(pool: impl Pool + 'static) -> Runner {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    let work = Work::of(LEAF);
    let once = move || {
        BEGUN.store(0, Ordering::Relaxed);
        let leaf = move || {
            BEGUN.fetch_add(1, Ordering::Relaxed);
            work.run();
        };
        thread::scope(|threads| {
            threads.spawn(|| pool.compute(leaves(), leaf));
            // Both workers have been inside for a while.
            while BEGUN.load(Ordering::Relaxed) < leaves() / 10 {
                thread::sleep(LEAF);
            }
            send(&pool).recv().expect("it runs")
        })
    };
    Box::new(move |runs| (0..runs).map(|_| once().as_nanos() as f64).sum())
}

/// Spawns a task that says how long it took to start.
fn send(pool: &impl Pool) -> mpsc::Receiver<Duration> {
    let (say, started) = mpsc::channel();
    let sent = Instant::now();
    // Nobody may want to know any more.
    pool.spawn(move || _ = say.send(sent.elapsed()));
    started
}

/// The computation's time, with a task sent after each pause.
fn computation(pool: impl Pool + 'static, pause: Option<Duration>) -> Runner {
    let work = Work::of(LEAF);
    let once = move || {
        let (say, ended) = mpsc::channel();
        thread::scope(|threads| {
            threads.spawn(|| {
                let start = Instant::now();
                pool.compute(leaves(), move || _ = work.run());
                say.send(start.elapsed()).expect("somebody waits");
            });
            loop {
                match ended.recv_timeout(pause.unwrap_or(Duration::MAX)) {
                    Ok(time) => break time,
                    Err(RecvTimeoutError::Timeout) => drop(send(&pool)),
                    Err(RecvTimeoutError::Disconnected) => unreachable!("`say` is here"),
                }
            }
        })
    };
    Box::new(move |runs| (0..runs).map(|_| once().as_nanos() as f64).sum())
}
