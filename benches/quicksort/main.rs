//! How do forks of very unequal halves do, whose work begins with a pass over
//! memory?
//!
//! A quicksort that forks down to a few dozen numbers: a hundred thousand joins,
//! the first of them only after one thread has partitioned the whole alone.
//! With 8 workers there are more threads than processors.

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
        harness::case("quicksort", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .measure();
    }
}
