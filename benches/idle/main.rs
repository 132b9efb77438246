//! What does a pool burn while there is little or nothing to do?
//!
//! Processor time of the whole process, except in the last table:
//!
//! - 500 ms of nothing, from 2 ms after a burst of work on. `sleep` has no pool.
//! - one task a ms: 500 tasks that do nothing. `sleep loop` pauses as often and
//!   spawns nothing; what is more is the tasks and the waking and searching.
//! - one serial 300 ms job, a task that ends when its own thread has spent 300 ms:
//!   what is more, others spent on looking for something to steal. `serial` does
//!   it without a pool.
//! - bursts of 200 us with gaps of 3 ms: 16 pieces in parallel, then a sleep; a
//!   burst's share of the processor time, gap included, and how long the burst
//!   itself took. Who spins through the gap wins the second and pays in the first.
//!
//! heist, rayon and tokio have two threads, and so does chili, counting the
//! caller's; it has no tasks and is only in the tables of bursts and of nothing.
//! `std` is one thread behind a channel; of a burst it does half and the caller
//! the other.

mod burst;
mod chili;
mod clock;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod tasks;
#[path = "std.rs"]
mod threads;
mod tokio;

use std::{thread, time::Duration};

use harness::{Case, Unit};

/// What can be given a task.
trait Spawn {
    fn spawn(&self, task: impl FnOnce() + Send + 'static);
}

/// What can do a burst of work in parallel.
trait Burst {
    /// Calls `piece` so many times.
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static);
}

fn main() {
    case("500 ms of nothing", Unit::Cpu)
        .runs(1)
        .add("sleep", || burst::nothing(burst::Serial))
        .add("heist", || burst::nothing(ours::new()))
        .add("rayon", || burst::nothing(rayon::new()))
        .add("chili", || burst::nothing(chili::new()))
        .add("tokio", || burst::nothing(tokio::new()))
        .add("std", || burst::nothing(threads::Channel::new()))
        .measure();
    case("one task a ms", Unit::Cpu)
        .runs(1)
        .add("sleep loop", tasks::sleep_loop)
        .add("heist", || tasks::one_a_ms(ours::new()))
        .add("rayon", || tasks::one_a_ms(rayon::new()))
        .add("tokio", || tasks::one_a_ms(tokio::new()))
        .add("std", || tasks::one_a_ms(threads::Channel::new()))
        .measure();
    case("one serial 300 ms job", Unit::Cpu)
        .runs(1)
        .add("serial", tasks::job_here)
        .add("heist", || tasks::one_job(ours::new()))
        .add("rayon", || tasks::one_job(rayon::new()))
        .add("tokio", || tasks::one_job(tokio::new()))
        .add("std", || tasks::one_job(threads::Channel::new()))
        .measure();
    for (name, unit) in [("processors", Unit::Cpu), ("wall", Unit::Wall)] {
        case(&format!("bursts of 200 us with gaps of 3 ms, {name}"), unit)
            .runs(100)
            .add("serial", move || burst::bursts(burst::Serial, unit))
            .add("heist", move || burst::bursts(ours::new(), unit))
            .add("rayon", move || burst::bursts(rayon::new(), unit))
            .add("chili", move || burst::bursts(chili::new(), unit))
            .add("tokio", move || burst::bursts(tokio::new(), unit))
            .add("std", move || burst::bursts(threads::Channel::new(), unit))
            .measure();
    }
}

fn case(name: &str, unit: Unit) -> Case {
    harness::case("idle", name).unit(unit).rounds(7)
}

/// That long; in a test a tenth of it.
fn millis(millis: u64) -> Duration {
    Duration::from_micros(millis * if harness::is_test() { 100 } else { 1000 })
}

fn pause(time: Duration) {
    thread::sleep(time);
}
