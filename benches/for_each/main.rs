//! From how many items on is a loop worth a pool, and does it balance items of
//! unequal cost?
//!
//! `cheap` items are a multiplication each: a thousand of them are done before a
//! second worker is awake, ten million wait for memory. `growing` and `few
//! heavy` are what a division into equal parts does badly. heist is called from
//! outside the pool, so that the caller works beside the two workers; rayon's
//! caller hands over and waits. chili halves by joins, and `std` starts two threads with a
//! half each.

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
    compare("cheap, 1k", 1_000, work::cheap);
    compare("cheap, 100k", 100_000, work::cheap);
    compare("cheap, 10M", 10_000_000, work::cheap);
    compare("growing, 1k", 1_000, work::growing);
    compare("few heavy, 10k", 10_000, work::few_heavy);
}

fn compare(name: &str, items: usize, step: impl Step) {
    let items = if harness::is_test() { items / 10 } else { items };
    harness::case("for_each", name)
        .add("serial", move || serial::runner(items, step))
        .add("heist", move || ours::runner(items, step))
        .add("rayon", move || rayon::runner(items, step))
        .add("chili", move || chili::runner(items, step))
        .add("std", move || threads::runner(items, step))
        .measure();
}
