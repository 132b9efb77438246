//! `spawn`, `try_spawn`, `spawn_timeout`, `spawn_async`: send a task through
//! the bounded entrance.

use std::{future::Future, time::Duration};

use super::handle::JoinHandle;
use crate::{error::TrySpawnError, pool::ThreadPool};

impl ThreadPool {
    /// Spawns a task that owns what it needs, and returns a handle on it.
    ///
    /// From outside, the task goes through the entrance, which holds
    /// [`injector_capacity`](crate::ThreadPoolBuilder::injector_capacity) tasks
    /// of each priority: this is where a producer that is too fast is slowed
    /// down. From a thread of the pool it goes to that thread's own deque,
    /// since a worker that waited for room would wait for itself; if 65 536 jobs
    /// are queued there already, it is run at once, before this returns (inside eight that
    /// run so, one inside another, there is room for as many more).
    ///
    /// If the pool is closed, `f` is dropped and the handle says
    /// [`is_cancelled`](crate::JoinError::is_cancelled).
    ///
    /// # Where it runs
    ///
    /// On a worker; on a stand-in, see [`blocking`](crate::blocking) and
    /// [`door_patience`](crate::ThreadPoolBuilder::door_patience); or on a guest
    /// that joins it, or that helps if a thread of the pool spawned it. In a lane the order is
    /// that of arrival, but for the up to 16 tasks that a worker takes together from a long line
    /// of short ones; a thread's own tasks run newest first, unless they are stolen.
    ///
    /// # Blocks
    ///
    /// Outside the pool, until there is room; those who wait are served in the
    /// order they joined the line, which they do once there was no room a few times.
    /// Inside it never waits for room.
    ///
    /// # Panics
    ///
    /// Never with the task's panic: that goes to the handle; with the handle
    /// gone, to the
    /// [`panic_handler`](crate::ThreadPoolBuilder::panic_handler).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let handles: Vec<_> = (0..10).map(|n| pool.spawn(move || n * n)).collect();
    /// let squares: Result<Vec<i32>, _> = handles.into_iter().map(|h| h.join()).collect();
    /// assert_eq!(squares.unwrap()[9], 81);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn<T, F>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn(f)
    }

    /// Like [`spawn`](Self::spawn), but never waits: without room, `f` comes
    /// back.
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
    /// [`Full`](TrySpawnError::Full) if there is no room, or others wait for
    /// it; inside the pool that does not happen.
    /// [`Closed`](TrySpawnError::Closed) if the pool takes no more tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let mut backlog = Vec::new();
    /// let work = || println!("at work");
    /// match pool.try_spawn(work) {
    ///     Ok(handle) => handle.join().unwrap(),
    ///     Err(refused) if refused.is_full() => backlog.push(refused.into_inner()),
    ///     Err(_) => println!("closed"),
    /// }
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn<T, F>(&self, f: F) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().try_spawn(f)
    }

    /// Like [`spawn`](Self::spawn), but waits for room no longer than
    /// `timeout`; then `f` comes back.
    ///
    /// # Where it runs
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Blocks
    ///
    /// Outside the pool, until there is room, or for `timeout`; a worker of another pool runs
    /// jobs of that one meanwhile, and ends the one at hand first. Inside, never.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySpawnError::Full) if there was no room in time; inside the
    /// pool that does not happen. [`Closed`](TrySpawnError::Closed) if the pool
    /// takes no more tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let handle = pool.spawn_timeout(|| "in time", Duration::from_secs(1))?;
    /// assert_eq!(handle.join()?, "in time");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
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

    /// Like [`spawn`](Self::spawn), but waits for room without blocking the
    /// thread: the future is ready when the task is in.
    ///
    /// It joins the line when first polled, and gives its place back when
    /// dropped, with `f` unrun.
    ///
    /// # Where it runs
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// # Blocks
    ///
    /// Never. The future needs no runtime in particular.
    ///
    /// # Errors
    ///
    /// [`Closed`](TrySpawnError::Closed) if the pool takes no more tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// async fn answer(pool: &heist::ThreadPool) -> Result<u32, heist::JoinError> {
    ///     match pool.spawn_async(|| 6 * 7).await {
    ///         Ok(handle) => handle.await,
    ///         Err(refused) => Ok(refused.into_inner()()),
    ///     }
    /// }
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// # use std::{pin::pin, task::{Context, Poll, Waker}};
    /// # let mut future = pin!(answer(&pool));
    /// # let result = loop {
    /// #     let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    /// #     if let Poll::Ready(result) = polled { break result }
    /// #     std::thread::yield_now();
    /// # };
    /// # assert_eq!(result?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn_async<T, F>(
        &self,
        f: F,
    ) -> impl Future<Output = Result<JoinHandle<T>, TrySpawnError<F>>> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn_async(f)
    }
}
