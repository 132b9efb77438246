//! heist: a work-stealing thread pool.

#![deny(unsafe_code)]

// The floors, in reading order from the ground. A module imports only from
// lower floors; `tests/tidy.rs` reads the numbers here and sees to it.
mod builder; // floor 10
mod config; // floor 3
mod counters; // floor 4
mod cpus; // floor 0
mod deque; // floor 5
mod door; // floor 5
mod error; // floor 2
mod injector; // floor 6
mod metrics; // floor 10
mod ops;
mod parker; // floor 4
mod permits; // floor 5
mod pool; // floor 9
mod priority; // floor 0
#[allow(unsafe_code, reason = "the cellar: every `unsafe` in the crate lives here")]
mod raw; // floor 4
mod registry; // floor 7
mod rng; // floor 0
mod sleep; // floor 5
mod sync; // floor 0
mod unwind; // floor 1
mod worker; // floor 8 // floor 10

pub use crate::builder::{CustomThreads, OsThreads, Spawner, ThreadPoolBuilder};
pub use crate::error::{BuildError, JoinError, ShutdownTimeout, TrySpawnError};
pub use crate::metrics::{LaneMetrics, Metrics, WorkerMetrics};
pub use crate::ops::{
    BroadcastContext, JoinHandle, Scope, TaskBuilder, Yield, current_num_threads,
    current_thread_index, join, scope, spawn, yield_now,
};
pub use crate::pool::{ThreadBuilder, ThreadPool, global};
pub use crate::priority::Priority;

#[cfg(all(test, loom))]
#[allow(unsafe_code, reason = "tests stand in for the cellar")]
mod loom_tests;
