//! One account has most of the traffic. What do the others notice?
//!
//! An outside thread spawns 2000 tasks of 5 us each: four of five belong to one key,
//! the celebrity, the rest to 400 others. Tasks of one key may not overlap, and with a
//! queue they run in their order.
//!
//! - `throughput`: the time of the whole, for each task.
//! - `p99 of others`: from a task's spawn to its end, for those of the other keys.
//!
//! `heist` has `spawn_keyed`. `sharded` has one thread with a queue for each worker, and
//! keys go by their hash: the affinity trap, for who shares the celebrity's thread.
//! `rayon, mutexes` and `tokio, mutexes` lock the mutex of the key, in no order in
//! particular. `serial` is a loop. All others have two threads.

#[path = "../harness/mod.rs"]
mod harness;
mod mutexes;
mod ours;
mod sharded;

use std::{
    hint,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use harness::Runner;

const WORKERS: usize = 2;
const TASKS: usize = 2000;
const KEYS: usize = 401;
const CELEBRITY: usize = 0;
const WORK: Duration = Duration::from_micros(5);

/// What runs tasks of keys, no two of one key at once.
trait Keyed {
    fn spawn(&self, key: usize, task: impl FnOnce() + Send + 'static);
}

#[derive(Clone, Copy)]
enum Ask {
    Throughput,
    Others,
}

fn main() {
    for (name, ask) in [("throughput, a task", Ask::Throughput), ("p99 of others", Ask::Others)] {
        harness::case("celebrity", name)
            .runs(10)
            .rounds(9)
            .add("serial", move || runner(Serial, ask))
            .add("heist", move || runner(ours::new(), ask))
            .add("sharded", move || runner(sharded::Shards::new(), ask))
            .add("rayon", move || runner(mutexes::rayon(), ask))
            .add("tokio", move || runner(mutexes::tokio(), ask))
            .measure();
    }
}

struct Serial;

impl Keyed for Serial {
    fn spawn(&self, _key: usize, task: impl FnOnce() + Send + 'static) {
        task();
    }
}

fn runner(pool: impl Keyed + 'static, ask: Ask) -> Runner {
    let runner = move |runs: u64| {
        let costs = (0..runs).map(|_| batch(&pool, ask).as_nanos() as f64);
        costs.sum()
    };
    harness::warm(2, Box::new(runner))
}

/// The key of the `n`th task.
fn key(n: usize) -> usize {
    if n % 5 < 4 { CELEBRITY } else { 1 + n / 5 % (KEYS - 1) }
}

/// What one batch did.
struct Batch {
    left: AtomicUsize,
    /// Nanoseconds from spawn to end, for tasks of the others.
    latencies: Vec<AtomicU64>,
    busy: Vec<AtomicUsize>,
    is_done: Mutex<bool>,
    done: Condvar,
}

fn batch(pool: &impl Keyed, ask: Ask) -> Duration {
    let batch = Arc::new(Batch {
        left: AtomicUsize::new(TASKS),
        latencies: (0..TASKS).map(|_| AtomicU64::new(0)).collect(),
        busy: (0..KEYS).map(|_| AtomicUsize::new(0)).collect(),
        is_done: Mutex::new(false),
        done: Condvar::new(),
    });
    let start = Instant::now();
    for n in 0..TASKS {
        let (batch, spawned) = (batch.clone(), Instant::now());
        pool.spawn(key(n), move || batch.run(n, spawned));
    }
    let is_done = batch.is_done.lock().expect("no panic");
    drop(batch.done.wait_while(is_done, |is_done| !*is_done).expect("no panic"));
    let whole = start.elapsed();
    match ask {
        Ask::Throughput => whole / TASKS as u32,
        Ask::Others => {
            let others = (0..TASKS).filter(|&n| key(n) != CELEBRITY);
            let latency = |n: usize| batch.latencies[n].load(Ordering::Relaxed);
            let mut others: Vec<_> = others.map(latency).collect();
            others.sort();
            Duration::from_nanos(others[(others.len() - 1) * 99 / 100])
        }
    }
}

impl Batch {
    fn run(&self, n: usize, spawned: Instant) {
        let busy = &self.busy[key(n)];
        assert_eq!(busy.fetch_add(1, Ordering::Acquire), 0, "two tasks of one key at once");
        let begun = Instant::now();
        while begun.elapsed() < WORK {
            hint::spin_loop();
        }
        busy.fetch_sub(1, Ordering::Release);
        self.latencies[n].store(spawned.elapsed().as_nanos() as u64, Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            *self.is_done.lock().expect("no panic") = true;
            self.done.notify_one();
        }
    }
}
