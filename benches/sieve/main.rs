//! How do chunks do that have to stay in a processor's cache?
//!
//! The primes below fifty million, by a sieve cut into segments that fit in the
//! first cache; the later segments have more primes to cross out. With 8
//! workers there are more threads than processors. heist is called from outside
//! the pool, so that the caller works too; rayon's caller hands over and waits.
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

/// Where to stop, and the primes below.
fn size() -> (usize, usize) {
    if harness::is_test() { (200_000, 17_984) } else { (50_000_000, 3_001_134) }
}

fn main() {
    for threads in [2, 8] {
        harness::case("sieve", format!("{threads} workers"))
            .add("serial", serial::runner)
            .add("heist", move || ours::runner(threads))
            .add("rayon", move || rayon::runner(threads))
            .add("chili", move || chili::runner(threads))
            .add("std", move || threads::runner(threads))
            .measure();
    }
}
