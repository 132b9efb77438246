//! How do loops do that follow each other closely, with a pause for all between
//! them?
//!
//! A thousand bodies that attract each other: a step is a map over the bodies,
//! of a few microseconds each, and the next needs all of its results. With 8
//! workers there are more threads than processors. heist is called from outside
//! the pool, so that the caller works too; rayon's caller hands over and waits.
//! chili halves by joins, and `std` starts a thread for each equal part.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
#[path = "std.rs"]
mod threads;
mod work;

/// Bodies.
fn size() -> usize {
    if harness::is_test() { 100 } else { 1_000 }
}

/// Steps of time.
const STEPS: usize = 5;

fn main() {
    for threads in [2, 8] {
        harness::case("nbody", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .add("std", move || threads::runner(threads))
            .measure();
    }
}
