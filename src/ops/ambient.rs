//! The verbs without a pool to name: on the pool this thread works for, else on
//! the global one.

use super::{
    handle::JoinHandle,
    scope::{Scope, scope_on},
    task::TaskBuilder,
};
use crate::{pool, raw, worker::Worker};

/// Runs `a` and `b`, in parallel if a worker is free, and returns both results.
///
/// # Where it runs
///
/// As [`ThreadPool::join`](crate::ThreadPool::join), on the pool this thread
/// works for, else on the [`global`](crate::global) one.
///
/// # Blocks
///
/// Until both are done.
///
/// # Panics
///
/// With the panic of `a` or `b`; with that of `a` if both panic.
///
/// # Examples
///
/// ```
/// fn fib(n: u64) -> u64 {
///     if n < 2 {
///         return n;
///     }
///     let (a, b) = heist::join(|| fib(n - 1), || fib(n - 2));
///     a + b
/// }
/// assert_eq!(fib(20), 6765);
/// ```
#[inline]
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    Worker::current(|worker| match worker {
        Some(worker) => raw::fork_join(worker, a, b),
        None => join_from_outside(a, b),
    })
}

/// Apart, so that a fork keeps fewer registers than a way in would.
#[cold]
#[inline(never)]
fn join_from_outside<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    pool::global().join(a, b)
}

/// Runs `body`, which may spawn jobs that borrow from the caller's frame.
///
/// # Where it runs
///
/// As [`ThreadPool::scope`](crate::ThreadPool::scope), on the pool this thread
/// works for, else on the [`global`](crate::global) one.
///
/// # Blocks
///
/// Until `body` and all jobs are done.
///
/// # Panics
///
/// With the panic that was first in time, of `body` or a job.
///
/// # Examples
///
/// ```
/// let mut parts = [0; 4];
/// heist::scope(|s| {
///     for (n, part) in parts.iter_mut().enumerate() {
///         s.spawn(move |_| *part = n * n);
///     }
/// });
/// assert_eq!(parts, [0, 1, 4, 9]);
/// ```
pub fn scope<'scope, R: Send>(body: impl FnOnce(&Scope<'scope>) -> R + Send) -> R {
    Worker::current(|worker| match worker {
        Some(worker) => scope_on(worker, body),
        None => pool::global().scope(body),
    })
}

/// Spawns a task that owns what it needs, and returns a handle on it.
///
/// # Where it runs
///
/// As [`ThreadPool::spawn`](crate::ThreadPool::spawn), on the pool this thread
/// works for, else on the [`global`](crate::global) one.
///
/// # Blocks
///
/// Outside any pool, until the global one has room. Inside, never.
///
/// # Examples
///
/// ```
/// let handle = heist::spawn(|| "done");
/// assert_eq!(handle.join().unwrap(), "done");
/// ```
pub fn spawn<T, F>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Worker::current(|worker| match worker {
        Some(worker) => TaskBuilder::new(worker.registry()).spawn(f),
        None => pool::global().spawn(f),
    })
}

/// How many workers the pool has that this thread works for, else the
/// [`global`](crate::global) one, which that starts.
///
/// # Where it runs
///
/// Nothing runs.
///
/// # Blocks
///
/// Never, but for the start of the global pool.
///
/// # Examples
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
/// assert_eq!(pool.install(heist::current_num_threads), 2);
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn current_num_threads() -> usize {
    Worker::current(|worker| match worker {
        Some(worker) => worker.registry().workers(),
        None => pool::global().num_threads(),
    })
}

/// This thread's number among the workers of its pool; none outside, for
/// guests, and for stand-ins: those of [`blocking`](crate::blocking) and
/// [`door_patience`](crate::ThreadPoolBuilder::door_patience).
///
/// # Where it runs
///
/// Nothing runs.
///
/// # Blocks
///
/// Never.
///
/// # Examples
///
/// ```
/// assert_eq!(heist::current_thread_index(), None);
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// assert_eq!(pool.install(heist::current_thread_index), Some(0));
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn current_thread_index() -> Option<usize> {
    Worker::current(|worker| worker.and_then(Worker::member_index))
}

/// What [`yield_now`] found to do.
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// assert_eq!(pool.install(heist::yield_now), Some(heist::Yield::Idle));
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yield {
    /// A job was run.
    Executed,
    /// There was none; or 128 jobs that yield are stacked on this thread, and
    /// one more might overflow the stack.
    Idle,
}

/// Runs one waiting job of the pool this thread works for; none outside a
/// pool.
///
/// # Where it runs
///
/// The job on the calling thread, from wherever a worker looks: its own deque,
/// others', the entrance. A guest does not go to the entrance; in an
/// [isolated section](crate::isolated) only what was made there is run.
///
/// # Blocks
///
/// For as long as the job takes.
///
/// # Examples
///
/// ```
/// assert_eq!(heist::yield_now(), None);
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// pool.install(|| {
///     let task = heist::spawn(|| 6 * 7);
///     assert_eq!(heist::yield_now(), Some(heist::Yield::Executed));
///     assert!(task.is_finished());
/// });
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn yield_now() -> Option<Yield> {
    Worker::current(|worker| {
        worker.map(|worker| if worker.yield_now() { Yield::Executed } else { Yield::Idle })
    })
}
