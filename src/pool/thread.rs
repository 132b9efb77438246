//! `ThreadBuilder`: one of the pool's threads, before it runs.

use std::{fmt, mem};

use crate::{
    affinity::Started, config, headroom::Headroom, registry::Phase, unwind::AbortOnDrop,
    worker::Worker,
};

/// One of the pool's threads, handed to a
/// [`spawn_handler`](crate::ThreadPoolBuilder::spawn_handler): start an OS
/// thread in whatever way suits and call [`run`](Self::run) on it.
///
/// ```
/// let pool = heist::ThreadPool::builder()
///     .num_threads(2)
///     .spawn_handler(|thread| {
///         std::thread::Builder::new().spawn(|| thread.run())?;
///         Ok(())
///     })
///     .build()?;
/// assert_eq!(pool.install(|| 6 * 7), 42);
/// # Ok::<(), heist::BuildError>(())
/// ```
///
/// A `ThreadBuilder` that is dropped without having been run while the pool is
/// built makes [`build`](crate::ThreadPoolBuilder::build) fail. Dropped later, it
/// leaves the pool with one worker less, for good, though
/// [`num_threads`](crate::ThreadPool::num_threads) still counts it: a broadcast
/// has no result from it, and shutdown does not wait for it. With the last one the
/// pool ends as by [`shutdown_now`](crate::ThreadPool::shutdown_now), and what
/// needs a worker panics.
pub struct ThreadBuilder {
    worker: Option<Worker>,
    index: usize,
    name: Option<String>,
    stack_size: Option<usize>,
}

impl ThreadBuilder {
    pub(super) fn new(
        worker: Worker,
        index: usize,
        name: Option<String>,
        stack_size: Option<usize>,
    ) -> Self {
        ThreadBuilder { worker: Some(worker), index, name, stack_size }
    }

    /// The worker's number, below [`ThreadPool::num_threads`](crate::ThreadPool::num_threads).
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name the thread is to have.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The stack the thread is to have, in bytes; if none was asked for, as the
    /// starter likes. The pool itself gives its threads 8 MiB then, unless `RUST_MIN_STACK` is set. Jobs that a waiting thread
    /// runs on top of each other use half of it; if none was asked for, half of what std
    /// gives a thread.
    pub fn stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    /// Works for the pool until it is shut down. Blocks the thread so long.
    ///
    /// To be called on a thread that has just begun, with a stack of
    /// [`stack_size`](Self::stack_size) bytes, or of no less than 2 MiB (or `RUST_MIN_STACK`) if that is none: on
    /// a smaller one, waits in waits may overflow it.
    pub fn run(self) {
        let bytes = self.stack_size.unwrap_or_else(config::std_stack);
        self.run_on(bytes);
    }

    /// The same on a thread that has just begun and has a stack of so many `bytes`.
    pub(crate) fn run_on(mut self, bytes: usize) {
        let Some(worker) = self.worker.take() else { return };
        let registry = worker.registry();
        // Before its locks.
        registry.process.or_abort();
        if registry.attendance.begin() {
            // Jobs and handlers catch their panics. One of the pool's own would
            // leave it short of a worker that others wait for.
            let bomb = AbortOnDrop;
            if Started::KNOWN {
                registry.started.lock().add();
            }
            worker.settle(Headroom::half_of(bytes));
            worker.enter(|worker| {
                registry.handlers.started(self.index);
                // It may have forked, and so may the other below.
                registry.process.or_abort();
                worker.run_thread();
                registry.handlers.exited(self.index);
                registry.process.or_abort();
            });
            mem::forget(bomb);
            registry.attendance.leave();
        }
    }
}

impl Drop for ThreadBuilder {
    fn drop(&mut self) {
        let Some(worker) = &self.worker else { return };
        let registry = worker.registry();
        if !registry.process.is_current() {
            return;
        }
        if !registry.attendance.strike_off(self.index) {
            // Nobody is left to run what waits.
            registry.advance(Phase::Discarding);
        }
        // Another takes its place among those on duty: what is run here may wait for it.
        registry.change_active(|active| active);
        worker.settle_in_caller();
        worker.enter(Worker::stand_down);
        registry.attendance.lose();
    }
}

impl fmt::Debug for ThreadBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBuilder")
            .field("index", &self.index)
            .field("name", &self.name)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}
