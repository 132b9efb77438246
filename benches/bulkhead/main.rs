//! How long does a task of class B take beside a flood of class A?
//!
//! A is a slow service: each of its tasks blocks for 0.2 ms, and there are always
//! 400 of them on their way. An outside thread spawns tasks of B, one after the
//! other, that have nothing to wait for; the latency is the time from before the
//! spawn to its end. Alone, there is no A.
//!
//! - `heist, bulkheads`: A and B may have two of the four workers each; `heist`: none.
//! - `rayon` has nothing of the kind.
//! - `tokio` has a semaphore of two for A; a task that waits for it holds no worker. Its
//!   tasks block their worker as those of the others do.
//!
//! Everybody has four workers. There is no serial column: there would be no B.

#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod tokio;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use harness::Runner;

const WORKERS: usize = 4;

/// Of each class, with bulkheads.
const LIMIT: usize = 2;

/// Tasks of A on their way.
const FLOOD: usize = 400;

/// How long a task of A blocks.
const SLOW: Duration = Duration::from_micros(200);

/// What can be given tasks of two classes.
trait Classes: Send + Sync + 'static {
    fn spawn_a(&self, task: impl FnOnce() + Send + 'static);
    fn spawn_b(&self, task: impl FnOnce() + Send + 'static);
}

fn main() {
    for (name, percent, flood) in [
        ("p50 of B, alone", 50, 0),
        ("p99 of B, alone", 99, 0),
        ("p50 of B beside A", 50, FLOOD),
        ("p99 of B beside A", 99, FLOOD),
    ] {
        harness::case("bulkhead", name)
            .runs(if flood == 0 { 500 } else { 60 })
            .rounds(5)
            .add("heist", move || runner(ours::without(), percent, flood))
            .add("heist, bulkheads", move || runner(ours::with(), percent, flood))
            .add("rayon", move || runner(rayon::new(), percent, flood))
            .add("tokio, semaphore", move || runner(tokio::new(), percent, flood))
            .measure();
    }
}

/// A runner whose every run costs the percentile of all its runs' latencies.
fn runner(pool: impl Classes, percent: usize, flood: usize) -> Runner {
    let flood = Flood::of(flood, Arc::new(pool));
    let runner = move |runs: u64| {
        let mut latencies: Vec<_> = (0..runs).map(|_| latency(&*flood.pool)).collect();
        latencies.sort();
        let percentile = latencies[(latencies.len() - 1) * percent / 100];
        percentile.as_nanos() as f64 * runs as f64
    };
    harness::warm(3, Box::new(runner))
}

fn latency(pool: &impl Classes) -> Duration {
    let (sender, receiver) = mpsc::sync_channel(1);
    let start = Instant::now();
    pool.spawn_b(move || sender.send(Instant::now()).expect("somebody waits"));
    receiver.recv().expect("the task runs") - start
}

/// Tasks of A, as long as this is there.
struct Flood<P: Classes> {
    pool: Arc<P>,
    ends: Arc<AtomicBool>,
    left: Arc<AtomicUsize>,
    spawner: Option<thread::JoinHandle<()>>,
}

impl<P: Classes> Flood<P> {
    fn of(tasks: usize, pool: Arc<P>) -> Self {
        let (ends, left) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let spawner = (tasks > 0).then(|| {
            let (pool, ends, left) = (pool.clone(), ends.clone(), left.clone());
            thread::spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    while left.load(Ordering::Relaxed) < tasks {
                        left.fetch_add(1, Ordering::Relaxed);
                        let left = left.clone();
                        pool.spawn_a(move || {
                            thread::sleep(SLOW);
                            left.fetch_sub(1, Ordering::Relaxed);
                        });
                    }
                    thread::sleep(SLOW);
                }
            })
        });
        while left.load(Ordering::Relaxed) < tasks {
            thread::yield_now();
        }
        Flood { pool, ends, left, spawner }
    }
}

impl<P: Classes> Drop for Flood<P> {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(spawner) = self.spawner.take() {
            spawner.join().expect("no panic");
        }
        while self.left.load(Ordering::Relaxed) > 0 {
            thread::sleep(SLOW);
        }
    }
}
