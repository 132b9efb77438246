//! Is work still shared that turns up late, after a million joins nobody
//! needed help with?
//!
//! One call does a tree of fine joins, and then a spine: ten nested joins that
//! each put a leaf of 2 ms beside the rest of the spine, whose end is one leaf
//! of 20 ms. While one thread is in the long leaf the other has time for all
//! ten short ones, so two threads take 20 ms and their share of the tree. A pool
//! that has become sparing with what it shows to thieves, or whose thieves have
//! gone to sleep for good, takes up to 40.
//!
//! `serial` is the same with plain calls; heist, rayon and chili have two
//! threads and are called from inside.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;

use std::{sync::OnceLock, time::Duration};

use harness::work::Work;

const SPINE: u32 = 10;

/// What is done, and what must come out.
#[derive(Clone, Copy)]
struct Job {
    /// fib(30) is 1.3 million joins.
    fib: u64,
    short: Work,
    long: Work,
    result: u64,
}

impl Job {
    fn new() -> Job {
        let (fib, fib_result) = if harness::is_test() { (15, 610) } else { (30, 832_040) };
        let micros = if harness::is_test() { 20 } else { 2000 };
        let short = Work::of(Duration::from_micros(micros));
        let long = Work::of(Duration::from_micros(10 * micros));
        static LEAVES: OnceLock<u64> = OnceLock::new();
        let leaves =
            LEAVES.get_or_init(|| short.run().wrapping_mul(SPINE.into()).wrapping_add(long.run()));
        Job { fib, short, long, result: leaves.wrapping_add(fib_result) }
    }
}

fn main() {
    harness::case("late_thief", "1.3M fine joins, then 40 ms in 11 leaves")
        .runs(1)
        .add("serial", || harness::warm(1, serial::runner(Job::new())))
        .add("heist", || harness::warm(1, ours::runner(Job::new())))
        .add("rayon", || harness::warm(1, rayon::runner(Job::new())))
        .add("chili", || harness::warm(1, chili::runner(Job::new())))
        .measure();
}
