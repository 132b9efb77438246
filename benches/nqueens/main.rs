//! How does a search do, whose branches end nobody knows when?
//!
//! All ways to put queens on a board so that none attacks another: a fork for
//! every square of a row that may have one. Most branches die soon, and what
//! lives is not where the halves were. With 8 workers there are more threads
//! than processors.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
mod work;

/// Queens, and the ways to place them.
fn size() -> (u32, u64) {
    if harness::is_test() { (8, 92) } else { (13, 73_712) }
}

fn main() {
    for threads in [2, 8] {
        harness::case("nqueens", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .measure();
    }
}
