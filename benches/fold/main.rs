//! What does it cost to ask a pool for something far too small?
//!
//! The sum of the squares of 16 numbers, from outside, again and again. The
//! arithmetic is a few nanoseconds, so the difference to `serial` is the price
//! of entering the pool and of a handful of joins.
//!
//! `heist` is `map_reduce`, `heist join` a recursion of joins down to single
//! numbers, as is `chili`; `rayon` is a parallel iterator inside `install`. All
//! have two threads (chili counts the caller's).

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;

/// Their squares sum up to `SUM`.
const ITEMS: [u64; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const SUM: u64 = 1496;

fn main() {
    harness::case("fold", "16 squares, from outside")
        .add("serial", serial::runner)
        .add("heist", ours::map_reduce)
        .add("heist join", ours::join)
        .add("rayon", rayon::runner)
        .add("chili", chili::runner)
        .measure();
}

/// The numbers, as something the compiler knows nothing about.
fn items() -> &'static [u64] {
    std::hint::black_box(&ITEMS)
}
