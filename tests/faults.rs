//! What goes wrong around the pool: threads and memory refused, panics, forks,
//! signals, exits. Each test is a process of its own (`process::alone`), which its
//! parent kills when it hangs.
//!
//! `HEIST_FAULT_ROUNDS=20 cargo test --test faults` tries each fault so many times
//! as often.

#[path = "faults/allocator.rs"]
mod allocator;
#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/destructors.rs"]
mod destructors;
#[path = "faults/ends.rs"]
mod ends;
#[path = "faults/forks.rs"]
mod forks;
#[path = "faults/forks_after.rs"]
mod forks_after;
#[path = "faults/forks_classes.rs"]
mod forks_classes;
#[path = "faults/forks_inside.rs"]
mod forks_inside;
#[path = "faults/memory.rs"]
mod memory;
#[path = "faults/panics.rs"]
mod panics;
#[path = "faults/process.rs"]
mod process;
#[path = "faults/signals.rs"]
mod signals;
#[path = "faults/stalls.rs"]
mod stalls;
#[path = "faults/standstill.rs"]
mod standstill;
#[path = "faults/start.rs"]
mod start;
#[path = "it/support.rs"]
#[allow(dead_code, reason = "shared with the tests of the verbs, which use all of it")]
mod support;
#[path = "faults/unrun.rs"]
mod unrun;
#[path = "faults/wakers.rs"]
mod wakers;
