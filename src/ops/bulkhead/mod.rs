//! `Bulkhead`: tasks of one class, of which only so many run at once.

mod builder;
mod core;
mod metrics;
mod task;

use std::{
    fmt,
    future::Future,
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

use self::core::{BulkheadGate, Core};
pub use self::{builder::BulkheadBuilder, metrics::BulkheadMetrics, task::BulkheadTaskBuilder};
use super::handle::JoinHandle;
use crate::{
    error::TrySpawnError, registry::Registry, sync::Arc, turnstile::Counts, worker::Worker,
};

/// Tasks of one class: no more than a limit of them run at once, and no more than so
/// many wait. So one class that is slow, or that floods, leaves room for the others.
///
/// Made by [`ThreadPool::bulkhead`](crate::ThreadPool::bulkhead); cloned, it is the same
/// one. It may outlive the pool, and is closed then.
///
/// What waits here waits nowhere else: it takes no room in the pool's lanes. When one
/// task ends, the oldest of the queue goes to the pool's entrance, where it takes turns
/// with the tasks of the normal lane and of other bulkheads, and waits for no permit.
///
/// **Inside the pool** a spawn never waits, and takes a task beyond the bound. When
/// 65 536 are queued, the spawner runs the oldest first, if the limit allows, or if it
/// is itself in a task of the class, which lends it its place. If not, or in an
/// [`isolated`](crate::isolated) section, [`try_spawn`](Bulkhead::try_spawn) and
/// [`spawn_timeout`](Bulkhead::spawn_timeout) are `Full`, and
/// [`spawn_async`](Bulkhead::spawn_async) is pending. [`spawn`](Bulkhead::spawn) alone
/// still takes it, and the queue grows without a bound, as long as `limit` tasks of the
/// class stand still: to wait for them could be for ever, since they may wait for the
/// spawner; to run more would break the limit; and to drop the task would lose it.
///
/// **Joining** a task that waits here, a worker runs it then and there if the limit
/// allows; else it does other work until one of those that run has ended. A task that
/// joins another of its own bulkhead lends it its place: its thread stands still meanwhile, so
/// the limit counts *threads* at work on the bulkhead's tasks, but for those that run what such a task
/// has forked or put into a scope. Only its own thread can
/// do that: a task that waits for another of its own full bulkhead by way of another thread
/// (in the stolen half of a `join`, or by a task of another bulkhead) waits until a
/// place is free, and if all are held by such tasks, for ever. So does one that its thread
/// has begun on top of a task of the bulkhead, while that waits: a task that holds a place
/// holds it like a lock, and is to wait inside [`isolated`](crate::isolated) where others
/// join tasks of its bulkhead.
///
/// ```
/// use heist::ThreadPool;
///
/// let pool = ThreadPool::builder().num_threads(4).build()?;
/// let reports = pool.bulkhead("reports").limit(1).queue(2).build()?;
/// let (open, gate) = std::sync::mpsc::channel::<()>();
/// let slow = reports.spawn(move || gate.recv().is_err());
/// let next = [(); 2].map(|()| reports.try_spawn(|| ()).expect("there is room in the queue"));
/// assert!(reports.try_spawn(|| ()).unwrap_err().is_full());
///
/// // The pool is as free as before.
/// assert_eq!(pool.spawn(|| "at once").join().unwrap(), "at once");
/// drop(open);
/// assert!(slow.join().unwrap());
/// # for task in next { task.join().unwrap() }
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Bulkhead {
    core: Arc<Core>,
    registry: Arc<Registry<Worker>>,
}

impl Bulkhead {
    /// Spawns a task of this class.
    ///
    /// # Where it runs
    ///
    /// On a worker, when fewer than `limit` others of the class are running.
    ///
    /// # Blocks
    ///
    /// Outside the pool, until there is a place. Inside, never. Closed, the handle says
    /// [`is_cancelled`](crate::JoinError::is_cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let users = pool.bulkhead("users").limit(10).build()?;
    /// assert_eq!(users.spawn(|| 6 * 7).join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn<T, F>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn(f)
    }

    /// Like [`spawn`](Self::spawn), but never waits: without a place, `f` comes back.
    ///
    /// # Where it runs
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySpawnError::Full) if `limit + queue` tasks are in; inside the pool, if
    /// 65 536 wait as well, and cannot be run by the spawner.
    /// [`Closed`](TrySpawnError::Closed) if the pool is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let users = pool.bulkhead("users").limit(10).build()?;
    /// assert_eq!(users.try_spawn(|| 6 * 7).unwrap().join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn<T, F>(&self, f: F) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().try_spawn(f)
    }

    /// Like [`spawn`](Self::spawn), but waits for a place no longer than `timeout`.
    ///
    /// # Where it runs
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Blocks
    ///
    /// Outside the pool, until there is a place, or for `timeout`; as
    /// [`ThreadPool::spawn_timeout`](crate::ThreadPool::spawn_timeout). Inside, never.
    ///
    /// # Errors
    ///
    /// As [`try_spawn`](Self::try_spawn), when the time is over.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let users = pool.bulkhead("users").limit(10).build()?;
    /// let soon = std::time::Duration::from_secs(1);
    /// assert_eq!(users.spawn_timeout(|| 6 * 7, soon).unwrap().join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_timeout<T, F>(
        &self,
        f: F,
        timeout: Duration,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn_timeout(f, timeout)
    }

    /// Like [`spawn`](Self::spawn), but the wait for a place is a future: it joins the
    /// line when first polled, and gives its place back when dropped.
    ///
    /// # Where it runs
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`Closed`](TrySpawnError::Closed) if the pool is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let users = pool.bulkhead("users").limit(10).build()?;
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let spawned = pin!(users.spawn_async(|| 6 * 7)).poll(&mut cx);
    /// let Poll::Ready(Ok(handle)) = spawned else { unreachable!("there is room") };
    /// assert_eq!(handle.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_async<T, F>(
        &self,
        f: F,
    ) -> impl Future<Output = Result<JoinHandle<T>, TrySpawnError<F>>> + Send + use<T, F>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn_async(f)
    }

    /// Begins a task of this class with options: a name, a token, a deadline, a
    /// time-out.
    ///
    /// # Where it runs
    ///
    /// Nothing runs before one of the builder's verbs.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let users = pool.bulkhead("users").limit(10).build()?;
    /// assert_eq!(users.task().name("login").spawn(|| 6 * 7).join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn task(&self) -> BulkheadTaskBuilder<'_> {
        BulkheadTaskBuilder::new(self)
    }

    /// The name it was made with.
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// A snapshot of its counts; all zero in the child of a fork.
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn metrics(&self) -> BulkheadMetrics {
        let core = &self.core;
        let is_here = self.registry.process.is_current();
        let counts = if is_here { core.turnstile.counts() } else { Counts::default() };
        BulkheadMetrics {
            name: core.name.to_string(),
            limit: core.limit,
            queue: core.queue,
            running: counts.running,
            queued: counts.queued,
            high_water: counts.most_queued,
            most_running: counts.most_running,
            accepted: counts.accepted,
            rejected: counts.rejected,
            completed: counts.completed,
            panicked: counts.panicked,
            oldest_wait: counts.oldest_wait,
        }
    }

    fn gate(&self) -> BulkheadGate {
        let (core, registry) = (Arc::clone(&self.core), Arc::clone(&self.registry));
        BulkheadGate { core, registry }
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead").field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}

// As a pool: a panic never leaves it half changed.
impl UnwindSafe for Bulkhead {}
impl RefUnwindSafe for Bulkhead {}
