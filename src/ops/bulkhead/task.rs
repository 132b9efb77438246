//! Options of one task of a bulkhead, then the verb that sends it.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use super::{
    super::{
        entrance::{self, Brought},
        handle::JoinHandle,
    },
    Bulkhead,
};
use crate::{error::TrySpawnError, token::CancellationToken, worker::Extras};

/// Options of one task of a [`Bulkhead`], made by [`Bulkhead::task`]: then one of the
/// four verbs that spawn it, each as the method of that name on [`Bulkhead`].
///
/// It is as [`TaskBuilder`](crate::TaskBuilder), but has no priority: what a bulkhead
/// lets run shares the turns of the normal lane.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// let payments = pool.bulkhead("payments").limit(5).build()?;
/// let soon = Instant::now() + Duration::from_secs(1);
/// let payment = payments.task().name("refund").deadline(soon).spawn(|| 42);
/// assert_eq!(payment.name(), Some("refund"));
/// assert_eq!(payment.join().unwrap(), 42);
/// # Ok::<(), heist::BuildError>(())
/// ```
#[must_use = "a task runs when it is spawned"]
pub struct BulkheadTaskBuilder<'b> {
    bulkhead: &'b Bulkhead,
    /// None until one of them is asked for.
    extras: Option<Box<Extras>>,
}

impl<'b> BulkheadTaskBuilder<'b> {
    pub(super) fn new(bulkhead: &'b Bulkhead) -> Self {
        BulkheadTaskBuilder { bulkhead, extras: None }
    }

    /// As [`TaskBuilder::name`](crate::TaskBuilder::name).
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.extras().name = Some(name.into());
        self
    }

    /// As [`TaskBuilder::cancel_token`](crate::TaskBuilder::cancel_token): a task that
    /// waits gives its place back then and there.
    ///
    /// # Where it runs
    ///
    /// As there.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn cancel_token(mut self, token: &CancellationToken) -> Self {
        self.extras().token = Some(token.clone());
        self
    }

    /// As [`TaskBuilder::deadline`](crate::TaskBuilder::deadline): the task is to have
    /// started by then, whatever it waits for, a place (but in `spawn_async`) or its turn.
    ///
    /// # Where it runs
    ///
    /// The closure of a task that is late is dropped on the pool's thread
    /// `heist-timer`, or on the worker that comes to it.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::mpsc, time::{Duration, Instant}};
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
    /// let reports = pool.bulkhead("reports").limit(1).build()?;
    /// let (open, gate) = mpsc::channel::<()>();
    /// let slow = reports.spawn(move || gate.recv().is_err());
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// let late = reports.task().deadline(soon).spawn(|| unreachable!("one at a time"));
    /// assert!(late.join().unwrap_err().is_deadline());
    /// drop(open);
    /// # slow.join().unwrap();
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.extras().deadline = Some(deadline);
        self
    }

    /// As [`TaskBuilder::timeout`](crate::TaskBuilder::timeout): the task that still
    /// runs keeps its place to its end.
    ///
    /// # Where it runs
    ///
    /// The task's token is cancelled on the pool's thread `heist-timer`.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.extras().timeout = Some(timeout);
        self
    }

    /// As [`Bulkhead::spawn`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`Bulkhead::spawn`].
    ///
    /// # Blocks
    ///
    /// Outside the pool, until there is a place; inside, never.
    pub fn spawn<T, F>(self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        entrance::spawn(&self.bulkhead.gate(), self.brought(f))
    }

    /// As [`Bulkhead::try_spawn`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`Bulkhead::spawn`].
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// As [`Bulkhead::try_spawn`].
    pub fn try_spawn<T, F>(self, f: F) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        entrance::try_spawn(&self.bulkhead.gate(), self.brought(f))
    }

    /// As [`Bulkhead::spawn_timeout`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`Bulkhead::spawn`].
    ///
    /// # Blocks
    ///
    /// Outside the pool, until there is a place, or for `timeout`, or to the deadline; as
    /// [`ThreadPool::spawn_timeout`](crate::ThreadPool::spawn_timeout). Inside, never.
    ///
    /// # Errors
    ///
    /// As [`Bulkhead::try_spawn`], when the time is over.
    pub fn spawn_timeout<T, F>(
        self,
        f: F,
        timeout: Duration,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        entrance::spawn_timeout(&self.bulkhead.gate(), self.brought(f), timeout)
    }

    /// As [`Bulkhead::spawn_async`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`Bulkhead::spawn`].
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// `Closed` if the pool is closed.
    pub fn spawn_async<T, F>(
        self,
        f: F,
    ) -> impl Future<Output = Result<JoinHandle<T>, TrySpawnError<F>>> + Send + use<T, F>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        entrance::spawn_async(self.bulkhead.gate(), self.brought(f))
    }

    fn extras(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    fn brought<F>(self, f: F) -> Brought<F> {
        Brought::new(f, self.extras)
    }
}

impl fmt::Debug for BulkheadTaskBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadTaskBuilder")
            .field("bulkhead", &self.bulkhead.name())
            .field("name", &self.extras.as_ref().and_then(|extras| extras.name.as_ref()))
            .finish_non_exhaustive()
    }
}
