//! How long until a task begins, in a pool that has nothing else to do?
//!
//! An outside thread pauses, spawns a task that looks at the clock, and waits
//! for it; the latency is the time from before the spawn to the task's look. After
//! a pause of 0.1 ms (spun, since a sleep that short is never that short) a pool
//! may still be looking for work, after 5 ms (slept) its threads are asleep, and
//! the price is that of a wake-up by the operating system.
//!
//! heist, rayon and tokio (futures) have two threads. `std` is one thread behind
//! a channel: what a program without a pool would write. There is no serial
//! column: a call begins at once. chili has no tasks.

#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
#[path = "std.rs"]
mod threads;
mod tokio;

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use harness::Runner;

/// What can be given a task.
trait Spawn {
    fn spawn(&self, task: impl FnOnce() + Send + 'static);
}

#[derive(Clone, Copy)]
enum Pause {
    Spin(Duration),
    Sleep(Duration),
}

fn main() {
    let short = Pause::Spin(Duration::from_micros(100));
    let long = Pause::Sleep(Duration::from_millis(5));
    for (name, percent, pause, runs) in [
        ("p50 after 0.1 ms", 50, short, 400),
        ("p99 after 0.1 ms", 99, short, 400),
        ("p50 after 5 ms", 50, long, 100),
        ("p99 after 5 ms", 99, long, 100),
    ] {
        harness::case("latency", name)
            .runs(runs)
            .rounds(7)
            .add("heist", move || runner(ours::new(), percent, pause))
            .add("rayon", move || runner(rayon::new(), percent, pause))
            .add("tokio", move || runner(tokio::new(), percent, pause))
            .add("std", move || runner(threads::Channel::new(), percent, pause))
            .measure();
    }
}

/// A runner whose every run costs the percentile of all its runs' latencies.
fn runner(pool: impl Spawn + 'static, percent: usize, pause: Pause) -> Runner {
    let runner = move |runs: u64| {
        let mut latencies: Vec<_> = (0..runs).map(|_| latency(&pool, pause)).collect();
        latencies.sort();
        let percentile = latencies[(latencies.len() - 1) * percent / 100];
        percentile.as_nanos() as f64 * runs as f64
    };
    harness::warm(10, Box::new(runner))
}

fn latency(pool: &impl Spawn, pause: Pause) -> Duration {
    let (sender, receiver) = mpsc::sync_channel(1);
    match pause {
        Pause::Spin(time) => {
            let start = Instant::now();
            while start.elapsed() < time {
                std::hint::spin_loop();
            }
        }
        Pause::Sleep(time) => thread::sleep(time),
    }
    let spawned = Instant::now();
    pool.spawn(move || {
        let begun = Instant::now();
        sender.send(begun).expect("somebody waits");
    });
    receiver.recv().expect("the task runs") - spawned
}
