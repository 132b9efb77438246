//! What does a scope cost, and what does a spawn into it?
//!
//! Empty jobs, spawned from the scope's body. `1 empty spawn` is the scope
//! itself, from outside with the way into the pool and, for whoever hands the
//! body to a worker, the way back; a million are the spawns.
//!
//! `serial` calls the empty closure as often. heist and rayon have two threads.
//! `std` is `thread::scope`, which starts a thread for the job, so it is asked
//! for one only. chili has no spawn.

#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;
#[path = "std.rs"]
mod threads;

/// Spawns of the large case.
fn many() -> usize {
    if harness::is_test() { 1000 } else { 1_000_000 }
}

/// What is spawned: nothing, but the compiler is not told so.
fn nothing() {
    std::hint::black_box(());
}

fn main() {
    harness::case("scope", "1 empty spawn, from outside")
        .add("serial", || serial::runner(1))
        .add("heist", || ours::outside(1))
        .add("rayon", || rayon::outside(1))
        .add("std", threads::one)
        .measure();
    harness::case("scope", "1 empty spawn, from inside")
        .add("serial", || serial::runner(1))
        .add("heist", || ours::inside(1))
        .add("rayon", || rayon::inside(1))
        .measure();
    harness::case("scope", "1M empty spawns, from outside")
        .add("serial", || serial::runner(many()))
        .add("heist", || ours::outside(many()))
        .add("rayon", || rayon::outside(many()))
        .measure();
}
