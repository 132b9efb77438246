//! What do tasks that block cost the work beside them?
//!
//! 100 tasks of 1 ms of arithmetic each are timed on two workers: alone, behind 100 tasks
//! that sleep 10 ms, and behind 100 that do so five times each, so that some of those sleep
//! all the while. A pool is new, or has done it all once before, and rested for a moment.
//! One that lets a sleeping task keep its worker first has to wait for 5 s of sleep on two
//! workers.
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
        ("alone", 0, 0, false),
        ("beside 100 tasks that sleep once", TASKS, 1, false),
        ("beside 100 tasks that sleep once, again", TASKS, 1, true),
        ("beside 100 tasks that sleep five times", TASKS, 5, false),
        ("beside 100 tasks that sleep five times, again", TASKS, 5, true),
    ];
    for (name, sleepers, sleeps, again) in cases {
        if again && harness::is_test() {
            continue; // The same once more.
        }
        let sleepers = Sleepers { count: sleepers, sleeps, again };
        harness::case("blocking", name)
            .runs(1)
            .rounds(5)
            .add("serial", || Box::new(|runs| harness::time(runs, || compute().for_each(drop))))
            .add("heist", move || sleepers.runner(ours::told()))
            .add("heist, not told", move || sleepers.runner(ours::not_told()))
            .add("rayon", move || sleepers.runner(rayon::new()))
            .add("tokio block_in_place", move || sleepers.runner(tokio::in_place()))
            .add("tokio spawn_blocking", move || sleepers.runner(tokio::elsewhere()))
            .measure();
    }
}

fn compute() -> impl Iterator<Item = u64> {
    let work = Work::of(Duration::from_millis(1));
    (0..TASKS).map(move |_| work.run())
}

/// Tasks that sleep, before those that compute.
#[derive(Clone, Copy)]
struct Sleepers {
    count: usize,
    sleeps: usize,
    /// Has the pool seen the like before?
    again: bool,
}

impl Sleepers {
    fn runner(self, pool: impl Pool + 'static) -> Runner {
        if self.again {
            self.time(&pool);
            thread::sleep(SLEEP);
        }
        Box::new(move |runs| {
            (0..runs).map(|_| self.time(&pool)).sum::<Duration>().as_nanos() as f64
        })
    }

    /// Until the arithmetic is done; what sleeps is waited for afterwards.
    fn time(self, pool: &impl Pool) -> Duration {
        let work = Work::of(Duration::from_millis(1));
        let (say, slept) = mpsc::channel();
        for _ in 0..self.count {
            let (say, mut left) = (say.clone(), self.sleeps);
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
        let time = start.elapsed();
        assert_eq!(slept.iter().take(self.count).count(), self.count);
        time
    }
}
