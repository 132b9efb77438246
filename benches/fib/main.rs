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

/// fib(34), 9.2 million joins; in a test 986, or as `FIB` says (`ci/callgrind.sh`
/// counts the instructions of two sizes); and the number itself.
fn size() -> (u64, u64) {
    let asked = std::env::var("FIB").ok().map(|n| n.parse().expect("FIB is a number"));
    let n = asked.unwrap_or(if harness::is_test() { 15 } else { 34 });
    (n, (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0)
}

fn main() {
    // With two at least, so that there is something to steal.
    let all = std::thread::available_parallelism().map_or(2, |all| all.get().max(2));
    for threads in [1, all] {
        harness::case("fib", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .measure();
    }
}
