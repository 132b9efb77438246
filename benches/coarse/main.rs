//! Are the threads there when the work is worth it?
//!
//! Joins around 2 and 4 leaves of a millisecond of arithmetic each. A join's
//! price is nothing here; what is seen is whether the other threads come, and
//! how late. Two threads should take half of `serial`, and whatever is more is
//! the time until they had begun, or a leaf that nobody took.
//!
//! - warm: one join after the other; cold: nothing for 5 ms before each;
//! - from outside: each enters the pool from a thread that is none of its; from
//!   inside: the caller is one of the pool's threads.
//!
//! heist, rayon and chili have two threads (chili counts the caller's, and
//! heist's caller is a guest beside its two). `std` starts a thread for every
//! leaf but one, in `thread::scope`; it has no inside, so is only in the tables
//! of outside.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
#[path = "std.rs"]
mod threads;

use std::{sync::OnceLock, thread, time::Duration};

use harness::{Case, Runner, work::Work};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heat {
    Warm,
    Cold,
}

fn main() {
    for leaves in [2, 4] {
        for heat in [Heat::Warm, Heat::Cold] {
            case(leaves, heat, "outside")
                .add("serial", move || serial::runner(leaves, heat))
                .add("heist", move || ours::outside(leaves, heat))
                .add("rayon", move || rayon::outside(leaves, heat))
                .add("chili", move || chili::outside(leaves, heat))
                .add("std", move || threads::runner(leaves, heat))
                .measure();
            case(leaves, heat, "inside")
                .add("serial", move || serial::runner(leaves, heat))
                .add("heist", move || ours::inside(leaves, heat))
                .add("rayon", move || rayon::inside(leaves, heat))
                .add("chili", move || chili::inside(leaves, heat))
                .measure();
        }
    }
}

fn case(leaves: usize, heat: Heat, from: &str) -> Case {
    let case = |heat| harness::case("coarse", format!("{leaves} leaves, {heat}, from {from}"));
    match heat {
        Heat::Warm => case("warm"),
        Heat::Cold => case("cold").runs(10).rounds(9),
    }
}

/// A leaf, and what it must result in.
fn leaf() -> (Work, u64) {
    static RESULT: OnceLock<u64> = OnceLock::new();
    let work = Work::of(Duration::from_micros(if harness::is_test() { 50 } else { 1000 }));
    (work, *RESULT.get_or_init(|| work.run()))
}

/// Times `join`, which does that many leaves and gives back their sum.
fn time(heat: Heat, leaves: usize, runs: u64, mut join: impl FnMut(Work) -> u64) -> f64 {
    let (work, result) = leaf();
    let all = result.wrapping_mul(leaves as u64);
    let join = || assert_eq!(join(work), all);
    match heat {
        Heat::Warm => harness::time(runs, join),
        Heat::Cold => harness::time_apart(runs, || thread::sleep(Duration::from_millis(5)), join),
    }
}

/// A runner that does `join` on the calling thread.
fn timed(heat: Heat, leaves: usize, mut join: impl FnMut(Work) -> u64 + 'static) -> Runner {
    harness::warm(2, Box::new(move |runs| time(heat, leaves, runs, &mut join)))
}
