//! What does one join cost, and does it still run in parallel?
//!
//! The classic worst case: a join around nothing. `serial` is the same
//! recursion with plain calls, so the difference to it, divided by the number
//! of joins, is the price of a fork.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;

/// fib(34), 9.2 million joins; in a test 1.3 thousand.
fn size() -> (u64, u64) {
    if harness::is_test() { (15, 610) } else { (34, 5_702_887) }
}

fn main() {
    for threads in [1, 2] {
        harness::case("fib", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .measure();
    }
}
