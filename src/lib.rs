//! A work-stealing thread pool: forks at the price of a call, a bounded
//! entrance that pushes back, and counters that tell where the time went.
//!
//! ```
//! use heist::ThreadPool;
//!
//! let pool = ThreadPool::new()?;
//!
//! // Fork and join, borrowing from the stack.
//! let numbers: Vec<u64> = (1..=100_000).collect();
//! let (low, high) = numbers.split_at(50_000);
//! let (a, b) = pool.join(|| low.iter().sum::<u64>(), || high.iter().sum::<u64>());
//! assert_eq!(a + b, 5_000_050_000);
//!
//! // A task of its own, with a handle.
//! let task = pool.spawn(move || numbers.len());
//! assert_eq!(task.join()?, 100_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The main types
//!
//! - [`ThreadPool`] is the pool; [`ThreadPoolBuilder`] has its options. The
//!   functions [`join`], [`scope`] and [`spawn`] use the pool that the thread
//!   works for, or else the [`global`] one, which starts when first used.
//! - [`Scope`] spawns jobs that borrow; [`ScopedJoinHandle`] has the result of one.
//! - [`JoinHandle`] is the way to a task's result: to join, await or cancel.
//! - [`Bulkhead`] limits how many tasks of one class run at once.
//! - [`TaskBuilder`] gives a task a name, a [`Priority`], a [`CancellationToken`], a
//!   deadline or a time-out.
//! - [`Metrics`] says what is going on inside; a [`Stall`] what is not.
//!
//! # Which verb when
//!
//! | you have | use |
//! |---|---|
//! | two halves of one computation | [`ThreadPool::join`] |
//! | a number of jobs that borrow, known one by one | [`ThreadPool::scope`] |
//! | the same, opened by what cannot be sent to another thread | [`ThreadPool::in_place_scope`] |
//! | jobs that borrow and whose results others wait for | [`Scope::spawn_handle`] |
//! | a slice or a range | [`for_each`](ThreadPool::for_each), [`for_each_mut`](ThreadPool::for_each_mut), [`for_each_chunk_mut`](ThreadPool::for_each_chunk_mut), [`map`](ThreadPool::map), [`map_reduce`](ThreadPool::map_reduce) |
//! | something to do in the background | [`ThreadPool::spawn`] |
//! | more of that than there may be room for | [`try_spawn`](ThreadPool::try_spawn), [`spawn_timeout`](ThreadPool::spawn_timeout), [`spawn_async`](ThreadPool::spawn_async) |
//! | tasks to be stopped together | [`cancel_token`](TaskBuilder::cancel_token), and in them [`is_cancelled`] |
//! | tasks that are of no use later | [`deadline`](TaskBuilder::deadline), [`timeout`](TaskBuilder::timeout) |
//! | a class of tasks that is to leave room for others | [`ThreadPool::bulkhead`] |
//! | tasks that change one thing each, in order: an account, a session | [`spawn_keyed`](ThreadPool::spawn_keyed) |
//! | a future | [`spawn_future`](ThreadPool::spawn_future) |
//! | something that needs the pool's threads: their stacks, their thread-locals | [`ThreadPool::install`] |
//! | the same once on every worker | [`ThreadPool::broadcast`] |
//! | a long job that should let others have a turn | [`yield_now`] |
//! | a job that waits for a file, a channel, a lock | [`blocking`] |
//! | to know which task blocks a worker, or waits for ever | [`ThreadPoolBuilder::stall_handler`] |
//! | fewer threads for a while | [`ThreadPool::set_active_threads`], [`ThreadPoolBuilder::follow_cpu_quota`] |
//!
//! # Where things run
//!
//! `join`, `scope` and loops start **on the calling thread**. A worker of the
//! pool simply does; an outside thread becomes a *guest* for the time of the
//! call, with a deque that workers steal from, and runs jobs while it waits.
//! There are [`max_guests`](ThreadPoolBuilder::max_guests) seats; without one
//! the closure runs on one of the pool's own threads and the caller blocks; but that of
//! [`in_place_scope`] stays where it is.
//!
//! # Backpressure
//!
//! Tasks from outside go through the entrance: a lane for each priority, each
//! with room for [`injector_capacity`](ThreadPoolBuilder::injector_capacity)
//! tasks. When a lane is full, `spawn` waits, `spawn_timeout` waits for a
//! while, `spawn_async` is pending and `try_spawn` gives the closure back. Those
//! who wait are served in the order they joined the line. Inside the pool a spawn never waits,
//! since it would wait for itself; a task that floods its own pool runs what it
//! spawns at once when too much is queued. `join`, `scope` and loops are part
//! of what called them and need no room.
//!
//! # Panics
//!
//! A panic in `join`, `scope` or a loop is raised again in the caller, after
//! everything that was started is done; but that of a scope's job goes to who has joined its
//! [handle](ScopedJoinHandle). A panic in a task goes to its handle,
//! or with the handle gone to the
//! [`panic_handler`](ThreadPoolBuilder::panic_handler). The workers live on in
//! any case, also if a destructor panics.
//!
//! # What it promises
//!
//! Each of these is carried by tests and models; `ARCHITECTURE.md` in the
//! repository names them.
//!
//! - A task that was accepted runs exactly once, or its handle says why not. A
//!   closure that was refused comes back; only `spawn` drops it, on a closed pool or when the
//!   deadline comes before there is room, and the handle says so.
//! - No wake-up is lost: where there is work and a thread that may take it, it
//!   runs; also behind a task that blocks, while another worker is free.
//! - `join`, `scope` and loops return after everything they started, and nothing
//!   of it is touched afterwards.
//! - A panic reaches exactly one place, of several in a `join` that of `a`, in a scope or loop
//!   the first; and the pool lives on at full strength.
//! - [`shutdown`](ThreadPool::shutdown) runs what was accepted and joins the
//!   threads; [`shutdown_now`](ThreadPool::shutdown_now) counts what it dropped.
//! - Backpressure cannot deadlock, also when tasks spawn into their own full pool.
//! - Memory is bounded at the door, and when a task floods its own pool. It is not for what
//!   a scope is given, for futures at rest, and for `spawn` from inside into a [`Bulkhead`]
//!   or key that stands still.
//! - No lane starves, and no task waits for ever behind those that follow each other.
//! - A wait runs other jobs on top of its stack to a limited depth, and all but a few only
//!   while half of the stack is free (on a caller's thread: within 512 KiB of its call). At
//!   any depth come jobs of scopes that its own thread works for, while it waits for a scope;
//!   and closures of callers that found no guest seat and are blocked meanwhile.
//!
//! # Limits
//!
//! - A task that blocks (on a socket, a channel, a lock) takes its worker out
//!   of the pool as long, unless it does so in [`blocking`]: then another thread
//!   works in its place, up to [`max_stand_ins`](ThreadPoolBuilder::max_stand_ins).
//! - A thread that waits may run other jobs on top of its stack. Do not hold a
//!   lock, or a `RefCell` borrow in a thread-local, across a `join` if what is
//!   run meanwhile may want the same; or wait inside [`isolated`], which says
//!   what it cannot save. For the same reason tasks that join the handles of earlier tasks
//!   should do so inside [`isolated`]: else a thread that waits in one of them may
//!   begin another on top, and that one wait for what lies below it. A task that joins only what
//!   it has spawned itself is safe, and so are jobs of [`Scope::spawn_handle`]; but if it joins a
//!   future that awaits a task of a [`Bulkhead`], of a key, or another future, somebody else has to
//!   come for that. And a task of a [`Bulkhead`] or of a key holds its place or its
//!   turn as one holds a lock, and should wait inside [`isolated`] if others join tasks of
//!   that bulkhead or key.
//! - Recursion of `join` uses the stack as any recursion does: a few hundred
//!   bytes a level when optimised, and about 2 KiB when not. The pool's own
//!   threads have 8 MiB unless told otherwise.
//! - A task that waits for another one of its own full bulkhead, or of its own key, by way of
//!   another thread waits for itself. `shutdown` waits for a future that nobody
//!   wakes.
//! - Dropping a pool, or shutting it down, on one of its own threads cannot
//!   wait for its end.
//! - After a `fork(2)` the child has none of the threads. There, a pool from
//!   before takes no tasks, as if closed; its other verbs panic and say so;
//!   handles of tasks that were not done say [`is_forked`](JoinError::is_forked);
//!   dropping it does nothing, and [`global`] is a fresh pool. A child that was
//!   forked inside a pool, in a task or a job, is to exit there: if it comes back to
//!   the pool, it is aborted with a message.
//! - Without memory the process aborts, as Rust's do.

#![deny(unsafe_code)]

// The floors, in reading order from the ground. A module imports only from
// lower floors; `tests/tidy.rs` reads the numbers here and sees to it.
mod affinity; // floor 0
mod priority; // floor 0
mod rng; // floor 0
mod sync; // floor 0

mod cpus; // floor 1
mod haul; // floor 1
mod headroom; // floor 1
mod process; // floor 1
mod sign; // floor 1

mod unwind; // floor 2

mod error; // floor 3
mod stall; // floor 3
mod token; // floor 3

mod config; // floor 4

mod counters; // floor 5
mod parker; // floor 5
#[allow(unsafe_code, reason = "the cellar: every `unsafe` in the crate lives here")]
mod raw; // floor 5

mod attendance; // floor 6
mod deque; // floor 6
mod errands; // floor 6
mod permits; // floor 6
mod privacy; // floor 6
mod sleep; // floor 6
mod staff; // floor 6
mod strands; // floor 6
mod timer; // floor 6
mod turns; // floor 6
mod turnstile; // floor 6

mod detector; // floor 7
mod injector; // floor 7
mod label; // floor 7

mod registry; // floor 8

mod worker; // floor 9

mod pool; // floor 10

mod builder; // floor 11
mod metrics; // floor 11
mod ops; // floor 11

pub use crate::builder::{CustomThreads, OsThreads, Spawner, ThreadPoolBuilder};
pub use crate::error::{BuildError, JoinError, OutOfRange, ShutdownTimeout, TrySpawnError};
pub use crate::metrics::{LaneMetrics, Metrics, WorkerMetrics};
pub use crate::ops::{
    BroadcastContext, Bulkhead, BulkheadBuilder, BulkheadMetrics, BulkheadTaskBuilder, JoinHandle,
    Scope, ScopedJoinHandle, TaskBuilder, TaskInfo, TaskState, Yield, blocking,
    current_num_threads, current_task, current_thread_index, in_place_scope, is_cancelled,
    isolated, join, scope, spawn, yield_now,
};
pub use crate::pool::{ThreadBuilder, ThreadPool, global};
pub use crate::priority::Priority;
pub use crate::stall::{Stall, StallCause};
pub use crate::token::{CancellationToken, Cancelled};

/// The programs in README.md are tested with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What does not compile is tested with the documentation, too.
#[cfg(doctest)]
mod bounds;

#[cfg(all(test, any(loom, shuttle)))]
#[allow(unsafe_code, reason = "tests stand in for the cellar")]
mod loom_tests;
