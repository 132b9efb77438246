//! What does a pool cost where there is nothing to gain by being clever?
//!
//! The rows of a product of matrices: equal pieces of about 50 us without a
//! dependency, the easiest program there is. With 8 workers there are more
//! threads than processors. heist is called from outside the pool, so that the
//! caller works too; rayon's caller hands over and waits.
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

/// Rows, and columns, of the matrices.
fn size() -> usize {
    if harness::is_test() { 64 } else { 512 }
}

fn main() {
    for threads in [2, 8] {
        harness::case("matmul", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .add("std", move || threads::runner(threads))
            .measure();
    }
}
