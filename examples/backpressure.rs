//! A producer ten times too fast: `spawn` holds it to the pool's pace, so that the
//! queue and the memory stay flat.
//!
//! `cargo run --release --example backpressure [-- SECONDS]`

use heist::ThreadPool;
use std::{
    env,
    error::Error,
    fs, hint, thread,
    time::{Duration, Instant},
};

/// How long a task keeps a worker busy.
const TASK: Duration = Duration::from_millis(1);
/// What a task carries, in bytes.
const LOAD: usize = 64 * 1024;
/// Tasks that may wait.
const CAPACITY: usize = 256;
/// Tasks that the producer has ready while the pool runs one.
const TOO_FAST: f64 = 10.0;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = match env::args().nth(1) {
        Some(text) => text.parse().map_err(|_| format!("not a number of seconds: {text:?}"))?,
        None => 5,
    };
    let pool = ThreadPool::builder().injector_capacity(CAPACITY).build()?;
    let wanted = TOO_FAST * pool.num_threads() as f64 / TASK.as_secs_f64();
    println!(
        "{} workers, tasks of {TASK:?} with {} KiB each, room for {CAPACITY}; the producer has \
         {wanted:.0} a second\n",
        pool.num_threads(),
        LOAD / 1024,
    );
    println!(
        "second  spawned  finished  waiting  memory, MiB  | computed, without a bound: waiting     MiB"
    );
    let start = Instant::now();
    let end = start.checked_add(Duration::from_secs(seconds));
    let end = end.ok_or_else(|| format!("too many seconds: {seconds}"))?;
    thread::scope(|scope| {
        scope.spawn(|| produce(&pool, wanted, start, end));
        for second in 1..=seconds {
            thread::sleep((start + Duration::from_secs(second)).duration_since(Instant::now()));
            let metrics = pool.metrics();
            let depth: u64 = metrics.lanes.iter().map(|lane| lane.depth as u64).sum();
            let finished = metrics.tasks_completed();
            let backlog = wanted * second as f64 - finished as f64;
            println!(
                "{second:6}  {:7}  {finished:8}  {depth:7}  {:>11}  | {backlog:34.0}  {:6.0}",
                metrics.tasks_spawned(),
                resident_mib().map_or("unknown".to_owned(), |mib| format!("{mib:.1}")),
                backlog * LOAD as f64 / (1 << 20) as f64,
            );
        }
    });
    println!("\n{}", pool.metrics());
    pool.shutdown();
    Ok(())
}

/// Spawns a task whenever one is due, or as soon as `spawn` lets it.
fn produce(pool: &ThreadPool, per_second: f64, start: Instant, end: Instant) {
    for nth in 1.. {
        let due = start + Duration::from_secs_f64(f64::from(nth) / per_second);
        thread::sleep(due.duration_since(Instant::now()));
        if Instant::now() >= end {
            return;
        }
        let load = vec![nth as u8; LOAD];
        drop(pool.spawn(move || consume(&load))); // waits here for room; then detached
    }
}

/// A millisecond's work.
fn consume(load: &[u8]) {
    let start = Instant::now();
    while start.elapsed() < TASK {
        hint::black_box(load.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)));
    }
}

/// The memory of this process that is in RAM, where the system tells (Linux).
fn resident_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}
