//! What does it cost that a loop has results?
//!
//! As `for_each`, but every item's result goes into a new vector, which is part
//! of the measured time, as is its end: for ten million cheap items that, and
//! not the computing, is the work. chili halves by joins, and `std` starts a thread
//! for each equal part. With 8 workers there are more threads than processors.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
#[path = "std.rs"]
mod threads;
mod work;

use work::Function;

fn main() {
    compare("cheap, 1k", 1_000, 2, work::cheap);
    compare("cheap, 100k", 100_000, 2, work::cheap);
    compare("cheap, 10M", 10_000_000, 2, work::cheap);
    compare("growing, 1k", 1_000, 2, work::growing);
    compare("few heavy, 10k", 10_000, 2, work::few_heavy);
    compare("cheap, 10M, 8 workers", 10_000_000, 8, work::cheap);
    compare("growing, 1k, 8 workers", 1_000, 8, work::growing);
    compare("few heavy, 10k, 8 workers", 10_000, 8, work::few_heavy);
}

fn compare(name: &str, items: usize, threads: usize, f: impl Function) {
    let items = if harness::is_test() { items / 10 } else { items };
    harness::case("map", name)
        .add("serial", move || serial::runner(items, f))
        .add("heist", move || ours::runner(items, threads, f))
        .add("rayon", move || rayon::runner(items, threads, f))
        .add("chili", move || chili::runner(items, threads, f))
        .add("std", move || threads::runner(items, threads, f))
        .measure();
}
