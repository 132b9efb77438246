//! `spawn_future` and its like: a future, polled on the workers.

use std::{future::Future, time::Duration};

use super::{
    courier::LaneGate,
    entrance::{self, Brought},
    handle::JoinHandle,
    promise::FutureGate,
    task::TaskBuilder,
};
use crate::{error::TrySpawnError, pool::ThreadPool};

impl ThreadPool {
    /// Spawns a future, and returns a handle on its output.
    ///
    /// It needs no runtime, and brings none: what it awaits has to wake it by itself,
    /// as handles, channels and the like do.
    ///
    /// # Where it runs
    ///
    /// Each poll on one of the pool's threads, or on a guest that joins it. A wake-up puts
    /// it in at the entrance, where it takes turns with the tasks of the normal lane, and waits for no permit. Whoever joins
    /// it inside polls it then and there if it is due; one that waits for something else
    /// leaves it at the entrance, to others or to the stand-in of
    /// [`door_patience`](crate::ThreadPoolBuilder::door_patience).
    ///
    /// [`JoinHandle::cancel`] is true until the output is there: the handle resolves at
    /// once. The future is dropped at once, too, by who cancels; or if it is being
    /// polled, after that poll, by who polls. A panic in a poll goes to the handle.
    /// To [`is_cancelled`](crate::is_cancelled) and [`current_task`](crate::current_task)
    /// a poll is part of no task.
    ///
    /// [`shutdown`](Self::shutdown) waits until it is done: for ever, if nobody wakes
    /// it. [`shutdown_now`](Self::shutdown_now) drops it, and counts it. Its wakers may
    /// outlive the pool.
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room: it takes a place there until it is
    /// polled for the first time. Inside, never.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let question = pool.spawn(|| 6);
    /// let answer = pool.spawn_future(async move { question.await.map(|n| n * 7) });
    /// assert_eq!(answer.join().unwrap().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_future<Fut>(&self, future: Fut) -> JoinHandle<Fut::Output>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        self.task().spawn_future(future)
    }

    /// Like [`spawn_future`](Self::spawn_future), but never waits: without room, the
    /// future comes back.
    ///
    /// # Where it runs
    ///
    /// As [`spawn_future`](Self::spawn_future).
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySpawnError::Full) if the lane has no room; inside the pool that does
    /// not happen. [`Closed`](TrySpawnError::Closed) if the pool takes no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// assert_eq!(pool.try_spawn_future(async { 6 * 7 }).unwrap().join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn_future<Fut>(
        &self,
        future: Fut,
    ) -> Result<JoinHandle<Fut::Output>, TrySpawnError<Fut>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        self.task().try_spawn_future(future)
    }
}

impl<'p> TaskBuilder<'p> {
    /// As [`ThreadPool::spawn_future`]. A time-out would begin when the output is there: use a deadline.
    ///
    /// # Where it runs
    ///
    /// As [`ThreadPool::spawn_future`].
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room; inside, never.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let answer = pool.task().name("answer").spawn_future(async { 6 * 7 });
    /// assert_eq!(answer.name(), Some("answer"));
    /// assert_eq!(answer.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_future<Fut>(self, future: Fut) -> JoinHandle<Fut::Output>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let (gate, brought) = self.future(future);
        entrance::spawn(&gate, brought)
    }

    /// As [`ThreadPool::try_spawn_future`].
    ///
    /// # Where it runs
    ///
    /// As [`ThreadPool::spawn_future`].
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// `Full` if the lane has no room, `Closed` if the pool takes no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let answer = pool.task().try_spawn_future(async { 6 * 7 }).unwrap();
    /// assert_eq!(answer.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn_future<Fut>(
        self,
        future: Fut,
    ) -> Result<JoinHandle<Fut::Output>, TrySpawnError<Fut>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let (gate, brought) = self.future(future);
        entrance::try_spawn(&gate, brought)
    }

    /// As [`ThreadPool::spawn_timeout`], for a future.
    ///
    /// # Where it runs
    ///
    /// As [`ThreadPool::spawn_future`].
    ///
    /// # Blocks
    ///
    /// As [`ThreadPool::spawn_timeout`].
    ///
    /// # Errors
    ///
    /// `Full` if there was no room in time, `Closed` if the pool takes no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let soon = std::time::Duration::from_secs(1);
    /// let answer = pool.task().spawn_future_timeout(async { 6 * 7 }, soon).unwrap();
    /// assert_eq!(answer.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_future_timeout<Fut>(
        self,
        future: Fut,
        timeout: Duration,
    ) -> Result<JoinHandle<Fut::Output>, TrySpawnError<Fut>>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let (gate, brought) = self.future(future);
        entrance::spawn_timeout(&gate, brought, timeout)
    }

    /// As [`ThreadPool::spawn_async`], for a future.
    ///
    /// # Where it runs
    ///
    /// As [`ThreadPool::spawn_future`].
    ///
    /// # Blocks
    ///
    /// Never: it is pending until the lane has room.
    ///
    /// # Errors
    ///
    /// `Closed` if the pool takes no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let spawned = pin!(pool.task().spawn_future_async(async { 6 * 7 })).poll(&mut cx);
    /// let Poll::Ready(Ok(answer)) = spawned else { unreachable!("there is room") };
    /// assert_eq!(answer.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_future_async<Fut>(
        self,
        future: Fut,
    ) -> impl Future<Output = Result<JoinHandle<Fut::Output>, TrySpawnError<Fut>>> + Send + use<'p, Fut>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let (gate, brought) = self.future(future);
        entrance::spawn_async(gate, brought)
    }

    fn future<Fut>(self, future: Fut) -> (FutureGate, Brought<Fut>) {
        let lane = LaneGate::new(self.registry, self.priority);
        (FutureGate(lane), Brought::new(future, self.extras))
    }
}
