//! How do forks of equal halves do, when the joining is work as well?
//!
//! A mergesort that forks down to a few dozen numbers and whose merges fork too,
//! so that the last one, over all numbers, is not one thread's. With 8 workers
//! there are more threads than processors.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
mod work;

/// Numbers to sort.
fn size() -> usize {
    if harness::is_test() { 10_000 } else { 1_000_000 }
}

fn main() {
    for threads in [2, 8] {
        harness::case("mergesort", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .measure();
    }
}
