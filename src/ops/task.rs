//! `TaskBuilder`: a task's options, then the verb that sends it.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use super::{
    courier::{Courier, LaneGate, enter, push_inside},
    entrance::Brought,
    handle::JoinHandle,
    packet,
};
use crate::{
    error::TrySpawnError,
    injector::Lane,
    permits::Refused,
    pool::ThreadPool,
    priority::Priority,
    raw::{JobRef, Verdict},
    registry::{Phase, Registry},
    sync::Arc,
    unwind,
    worker::{Extras, Worker},
};

/// Options of one task, made by [`ThreadPool::task`]: then one of the verbs that spawn it,
/// [`spawn`](Self::spawn), [`spawn_keyed`](Self::spawn_keyed) or
/// [`spawn_future`](Self::spawn_future), each also one that tries at once, one with a time-out
/// and one that is a future.
///
/// ```
/// use heist::{Priority, ThreadPool};
///
/// let pool = ThreadPool::new()?;
/// let urgent = pool.task().name("alarm").priority(Priority::High).spawn(|| "rings");
/// assert_eq!(urgent.name(), Some("alarm"));
/// assert_eq!(urgent.join().unwrap(), "rings");
/// # Ok::<(), heist::BuildError>(())
/// ```
#[must_use = "a task runs when it is spawned"]
pub struct TaskBuilder<'p> {
    pub(super) registry: &'p Arc<Registry<Worker>>,
    /// None until one of them is asked for.
    pub(super) extras: Option<Box<Extras>>,
    pub(super) priority: Priority,
}

/// What became of a closure inside the pool's own threads.
enum Inside<F, T> {
    Spawned(JoinHandle<T>),
    Refused(Brought<F>),
    /// This thread does not work for the pool.
    No(Brought<F>),
}

impl ThreadPool {
    /// Begins a task with options: a name, a priority, a token, a deadline, a
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
    /// assert_eq!(pool.task().name("parse").spawn(|| 42).join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn task(&self) -> TaskBuilder<'_> {
        TaskBuilder::new(self.registry())
    }
}

impl<'p> TaskBuilder<'p> {
    pub(super) fn new(registry: &'p Arc<Registry<Worker>>) -> Self {
        TaskBuilder { registry, extras: None, priority: Priority::Normal }
    }

    /// Names the task: its handle and its errors tell.
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
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// assert_eq!(pool.task().name("parse").spawn(|| ()).name(), Some("parse"));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.extras().name = Some(name.into());
        self
    }

    /// The lane it waits in at the entrance; [`Priority::Normal`] if not said.
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
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// pool.task().priority(heist::Priority::High).spawn(|| ());
    /// assert_eq!(pool.metrics().lanes[0].accepted, 1);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// As [`ThreadPool::spawn`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn`].
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room; inside, never.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// assert_eq!(pool.task().spawn(|| 6 * 7).join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn<T, F>(mut self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match self.spawn_until(f, None) {
            Ok(handle) => handle,
            Err(error) => {
                // There is room in the end, unless there is a deadline.
                let why = if error.is_full() { Verdict::Overdue } else { Verdict::Cancelled };
                unwind::discard(error.into_inner());
                JoinHandle::new(packet::refused(self.extras.take(), why))
            }
        }
    }

    /// As [`ThreadPool::try_spawn`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn`].
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
    /// let handle = pool.task().try_spawn(|| 6 * 7).unwrap();
    /// assert_eq!(handle.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn<T, F>(mut self, f: F) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let brought = self.bring(f);
        match self.spawn_inside(brought) {
            Inside::Spawned(handle) => Ok(handle),
            Inside::Refused(brought) => Err(self.refuse(brought, Refused::Closed)),
            Inside::No(brought) => {
                let permit = self.lane().try_acquire();
                self.enter_lane(brought, permit)
            }
        }
    }

    /// As [`ThreadPool::spawn_timeout`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn`].
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room, or for `timeout`; as
    /// [`ThreadPool::spawn_timeout`].
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
    /// let handle = pool.task().spawn_timeout(|| 6 * 7, soon).unwrap();
    /// assert_eq!(handle.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_timeout<T, F>(
        mut self,
        f: F,
        timeout: Duration,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawn_until(f, Instant::now().checked_add(timeout))
    }

    /// As [`ThreadPool::spawn_async`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn`].
    ///
    /// # Blocks
    ///
    /// Never: the future is pending until the lane has room.
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
    /// let spawned = pin!(pool.task().spawn_async(|| 6 * 7)).poll(&mut cx);
    /// let Poll::Ready(Ok(handle)) = spawned else { unreachable!("there is room") };
    /// assert_eq!(handle.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    #[allow(clippy::manual_async_fn, reason = "`Send` and what it borrows are promised")]
    pub fn spawn_async<T, F>(
        mut self,
        f: F,
    ) -> impl Future<Output = Result<JoinHandle<T>, TrySpawnError<F>>> + Send + use<'p, T, F>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // Here, whoever polls it where.
        let brought = self.bring(f);
        async move {
            match self.spawn_inside(brought) {
                Inside::Spawned(handle) => Ok(handle),
                Inside::Refused(brought) => Err(self.refuse(brought, Refused::Closed)),
                Inside::No(brought) => {
                    let permit = self.lane().acquire().await;
                    self.enter_lane(brought, permit)
                }
            }
        }
    }

    fn bring<F>(&mut self, f: F) -> Brought<F> {
        Brought::new(f, self.extras.take())
    }

    pub(super) fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Waits for room, if need be, until `limit` or the task's deadline.
    fn spawn_until<T, F>(
        &mut self,
        f: F,
        limit: Option<Instant>,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let brought = self.bring(f);
        match self.spawn_inside(brought) {
            Inside::Spawned(handle) => Ok(handle),
            Inside::Refused(brought) => Err(self.refuse(brought, Refused::Closed)),
            Inside::No(brought) => match self.lane().acquire_soon(limit) {
                Err(Refused::Full) => self.wait_for_room(brought, limit),
                permit => self.enter_lane(brought, permit),
            },
        }
    }

    /// On a thread of the pool: to its own deque, without a permit.
    fn spawn_inside<T, F>(&self, brought: Brought<F>) -> Inside<F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let registry = self.registry;
        Worker::of(registry, |worker| match worker {
            None => Inside::No(brought),
            Some(_) if registry.phase() >= Phase::Closed => Inside::Refused(brought),
            Some(worker) => {
                let handle = push_inside(worker, brought);
                handle.heed_end(worker);
                Inside::Spawned(handle)
            }
        })
    }

    fn wait_for_room<T, F>(
        &mut self,
        brought: Brought<F>,
        limit: Option<Instant>,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let deadline = brought.extras.as_ref().and_then(|extras| extras.deadline);
        let limit = limit.into_iter().chain(deadline).min();
        let gate = LaneGate::new(self.registry, self.priority);
        let turned = |(refused, brought)| self.refuse(brought, refused);
        Courier::new(gate, brought).wait(limit).map_err(turned)
    }

    fn enter_lane<T, F>(
        &mut self,
        brought: Brought<F>,
        permit: Result<usize, Refused>,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match permit {
            Ok(in_use) => {
                let handle = enter(self.registry, self.lane(), brought, in_use);
                handle.watch(&self.registry.timer);
                Ok(handle)
            }
            Err(refused) => Err(self.refuse(brought, refused)),
        }
    }

    fn refuse<F>(&mut self, brought: Brought<F>, why: Refused) -> TrySpawnError<F> {
        self.lane().reject();
        self.extras = brought.extras;
        match why {
            Refused::Full => TrySpawnError::Full(brought.f),
            Refused::Closed => TrySpawnError::Closed(brought.f),
        }
    }

    fn lane(&self) -> &'p Lane<JobRef<Worker>> {
        self.registry.injector.lane(self.priority)
    }
}

impl fmt::Debug for TaskBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.extras.as_ref().and_then(|extras| extras.name.as_ref()))
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}
