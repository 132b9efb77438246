//! What do tasks that block cost the work beside them?
//!
//! 100 tasks of 1 ms of arithmetic each are timed on two workers: alone, behind 100 tasks
//! that sleep 10 ms, and behind 100 that do so five times each, so that some of those sleep
//! all the while. A pool that lets a sleeping task keep its worker first has to wait for 5 s
//! of sleep on two workers.
//!
//! heist's sleepers sleep in `heist::blocking`, those of `heist, not told` do
//! not. tokio has two ways: `block_in_place` within a task, and `spawn_blocking`,
//! which takes a thread of another pool from the start. rayon has none. In the
//! serial column one thread does the arithmetic, and nobody sleeps.

#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod tokio;

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use harness::{Runner, work::Work};

const TASKS: usize = 100;
const SLEEP: Duration = Duration::from_millis(10);

/// What can be given both kinds of tasks.
trait Pool {
    fn compute(&self, task: impl FnOnce() + Send + 'static);
    /// A task that calls its argument, in whatever way the pool has for it, for
    /// everything that blocks.
    fn sleep(&self, task: impl FnMut() -> bool + Send + 'static);
}

fn main() {
    let cases = [
        ("alone", 0, 0),
        ("beside 100 tasks that sleep once", TASKS, 1),
        ("beside 100 tasks that sleep five times", TASKS, 5),
    ];
    for (name, sleepers, sleeps) in cases {
        harness::case("blocking", name)
            .runs(1)
            .rounds(5)
            .add("serial", || Box::new(|runs| harness::time(runs, || compute().for_each(drop))))
            .add("heist", move || runner(ours::told(), sleepers, sleeps))
            .add("heist, not told", move || runner(ours::not_told(), sleepers, sleeps))
            .add("rayon", move || runner(rayon::new(), sleepers, sleeps))
            .add("tokio block_in_place", move || runner(tokio::in_place(), sleepers, sleeps))
            .add("tokio spawn_blocking", move || runner(tokio::elsewhere(), sleepers, sleeps))
            .measure();
    }
}

fn compute() -> impl Iterator<Item = u64> {
    let work = Work::of(Duration::from_millis(1));
    (0..TASKS).map(move |_| work.run())
}

/// The time until the arithmetic is done; what sleeps is waited for afterwards.
fn runner(pool: impl Pool + 'static, sleepers: usize, sleeps: usize) -> Runner {
    let work = Work::of(Duration::from_millis(1));
    Box::new(move |runs| {
        let mut total = Duration::ZERO;
        for _ in 0..runs {
            let (say, slept) = mpsc::channel();
            for _ in 0..sleepers {
                let (say, mut left) = (say.clone(), sleeps);
                pool.sleep(move || {
                    thread::sleep(SLEEP);
                    left -= 1;
                    if left == 0 {
                        say.send(()).expect("somebody waits");
                    }
                    left > 0
                });
            }
            let (tell, done) = mpsc::channel();
            let start = Instant::now();
            for _ in 0..TASKS {
                let tell = tell.clone();
                pool.compute(move || tell.send(work.run()).expect("somebody waits"));
            }
            assert_eq!(done.iter().take(TASKS).count(), TASKS);
            total += start.elapsed();
            assert_eq!(slept.iter().take(sleepers).count(), sleepers);
        }
        total.as_nanos() as f64
    })
}
