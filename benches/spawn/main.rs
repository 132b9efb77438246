//! What does a task cost that comes from outside, until it is done?
//!
//! So many outside threads spawn tasks that do nothing but give back a number,
//! as fast as they can, and then wait for all of them. The value is the time
//! from the first spawn to the last result, for each task.
//!
//! - `heist`, `tokio` and `tokio blocking` keep a handle for every task and take
//!   its result; `heist, detached` and `rayon`, whose spawn has none, count
//!   their tasks in an atomic. `tokio` is `spawn` of a future that is ready at
//!   its first poll, `tokio blocking` is `spawn_blocking`.
//! - heist's entrance is bounded (4096 tasks, the default): `spawn` waits for
//!   room, `try_spawn` gives the task back, and here its caller yields and asks
//!   again. The queues of rayon and tokio are not, they never refuse, and so they
//!   are the same in both tables.
//! - `serial` calls the closure; all others have two threads.
//!
//! chili has no tasks.

mod count;
mod detached;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
mod tokio;

use std::{sync::Barrier, thread, time::Instant};

use harness::Runner;

fn main() {
    for threads in [1, 2, 4] {
        harness::case("spawn", format!("spawn, {threads} threads"))
            .add("serial", move || serial::runner(threads))
            .add("heist", move || ours::spawn(threads))
            .add("heist, detached", move || detached::spawn(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("tokio", move || tokio::futures(threads))
            .add("tokio blocking", move || tokio::blocking(threads))
            .measure();
        harness::case("spawn", format!("try_spawn, {threads} threads"))
            .add("serial", move || serial::runner(threads))
            .add("heist", move || ours::try_spawn(threads))
            .add("heist, detached", move || detached::try_spawn(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("tokio", move || tokio::futures(threads))
            .add("tokio blocking", move || tokio::blocking(threads))
            .measure();
    }
}

/// A runner that has `spawn`, which spawns that many tasks and waits for them,
/// called by so many outside threads at once; each does its share of the runs.
fn from_outside(threads: u64, spawn: impl Fn(u64) + Sync + 'static) -> Runner {
    Box::new(move |runs| {
        let barrier = Barrier::new(threads as usize);
        let share = |nth: u64| {
            let tasks = runs / threads + u64::from(nth < runs % threads);
            barrier.wait();
            let start = Instant::now();
            spawn(tasks);
            (start, Instant::now())
        };
        // None of them is this thread, which would be one more to be scheduled.
        let times: Vec<_> = thread::scope(|scope| {
            let share = &share;
            let threads: Vec<_> = (0..threads).map(|nth| scope.spawn(move || share(nth))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let first = times.iter().map(|time| time.0).min().expect("a thread at least");
        let last = times.iter().map(|time| time.1).max().expect("a thread at least");
        (last - first).as_nanos() as f64
    })
}

/// What the results 0, 1, 2 .. of that many tasks come to.
fn sum(tasks: u64) -> u64 {
    tasks * tasks.saturating_sub(1) / 2
}
