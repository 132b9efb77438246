//! From how many items on is a loop worth a pool, and does it balance items of
//! unequal cost?
//!
//! `cheap` items are a multiplication each: a thousand of them are done before a
//! second worker is awake, ten million wait for memory. `growing` and `few
//! heavy` are what a division into equal parts does badly. heist is called from
//! outside the pool, so that the caller works beside the two workers; rayon's
//! caller hands over and waits. chili halves by joins, and `std` starts a thread
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

use work::Step;

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

fn compare(name: &str, items: usize, threads: usize, step: impl Step) {
    let items = if harness::is_test() { items / 10 } else { items };
    harness::case("for_each", name)
        .add("serial", move || serial::runner(items, step))
        .add("heist", move || ours::runner(items, threads, step))
        .add("rayon", move || rayon::runner(items, threads, step))
        .add("chili", move || chili::runner(items, threads, step))
        .add("std", move || threads::runner(items, threads, step))
        .measure();
}
