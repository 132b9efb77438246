//! `spawn_keyed` and its like: tasks of one key one at a time, in their order.

use std::{future::Future, hash::Hash, time::Duration};

use super::{
    courier::LaneGate,
    entrance::{self, Brought},
    handle::JoinHandle,
    strand::KeyedGate,
    task::TaskBuilder,
};
use crate::{error::TrySpawnError, pool::ThreadPool};

impl ThreadPool {
    /// Spawns a task of this key: those of one key run one at a time, in the order
    /// in which they were spawned; those of different keys side by side.
    ///
    /// Two keys are the same if they hash the same. A key that has no tasks takes no
    /// memory.
    ///
    /// # Where it runs
    ///
    /// On a worker, when those of its key that were spawned before are done: on the
    /// one that the key prefers (rendezvous hashing, so that its data stay in one cache)
    /// if that is free in time, else on any. After 8 of them the other keys have
    /// their turn. Strands share the turns of the normal lane, whatever the priority.
    ///
    /// A worker that joins a task whose key nobody is busy with runs, then and there,
    /// the tasks of the key up to that one. For a future that awaits the task it waits as for
    /// any other: somebody else has to come for the key, a worker or the stand-in of
    /// [`door_patience`](crate::ThreadPoolBuilder::door_patience).
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room: the task takes a place there, as any
    /// other, until it starts. Inside, never: if 65 536 tasks of the key wait, the
    /// spawner runs some of the oldest first. It cannot if one of them runs, on another thread or
    /// further up its own stack, or if it is in an [`isolated`](crate::isolated)
    /// section: then the queue of the key grows without a bound, and
    /// [`try_spawn_keyed`](Self::try_spawn_keyed) is the verb that says so.
    ///
    /// # Panics
    ///
    /// It does not; but a task that joins a later one of its own key would wait for
    /// itself, and [`JoinHandle::join`] panics and says so (in a waker only the panic hook hears it); also in another task, if its thread
    /// has begun that while a task of the key waits, further up its stack. A task of
    /// a key that waits inside [`isolated`](crate::isolated) keeps others from that. It is seen only on the
    /// thread that runs the task; if it comes about by way of another, both wait for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let account = Arc::new(Mutex::new(Vec::new()));
    /// for n in 0..100 {
    ///     let account = Arc::clone(&account);
    ///     drop(pool.spawn_keyed("ada", move || account.lock().unwrap().push(n)));
    /// }
    /// pool.shutdown();
    /// assert!(account.lock().unwrap().iter().copied().eq(0..100));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_keyed<K, T, F>(&self, key: K, f: F) -> JoinHandle<T>
    where
        K: Hash,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().spawn_keyed(key, f)
    }

    /// Like [`spawn_keyed`](Self::spawn_keyed), but never waits: without room, `f`
    /// comes back.
    ///
    /// # Where it runs
    ///
    /// As [`spawn_keyed`](Self::spawn_keyed).
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySpawnError::Full) if the lane has no room; inside the pool, if 65 536
    /// tasks of the key wait, and cannot be run by the spawner.
    /// [`Closed`](TrySpawnError::Closed) if the pool takes no tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// assert_eq!(pool.try_spawn_keyed(7, || 6 * 7).unwrap().join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn_keyed<K, T, F>(&self, key: K, f: F) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        K: Hash,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.task().try_spawn_keyed(key, f)
    }
}

impl<'p> TaskBuilder<'p> {
    /// As [`ThreadPool::spawn_keyed`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn_keyed`].
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room; inside, never.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let task = pool.task().name("credit").spawn_keyed("ada", || 6 * 7);
    /// assert_eq!(task.name(), Some("credit"));
    /// assert_eq!(task.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_keyed<K, T, F>(self, key: K, f: F) -> JoinHandle<T>
    where
        K: Hash,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (gate, brought) = self.keyed(key, f);
        entrance::spawn(&gate, brought)
    }

    /// As [`ThreadPool::try_spawn_keyed`].
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn_keyed`].
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// As [`ThreadPool::try_spawn_keyed`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let task = pool.task().try_spawn_keyed("ada", || 6 * 7).unwrap();
    /// assert_eq!(task.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn try_spawn_keyed<K, T, F>(self, key: K, f: F) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        K: Hash,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (gate, brought) = self.keyed(key, f);
        entrance::try_spawn(&gate, brought)
    }

    /// As [`ThreadPool::spawn_timeout`], for a task of this key.
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn_keyed`].
    ///
    /// # Blocks
    ///
    /// As [`spawn_timeout`](Self::spawn_timeout).
    ///
    /// # Errors
    ///
    /// As [`try_spawn_keyed`](Self::try_spawn_keyed), when the time is over.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let soon = std::time::Duration::from_secs(1);
    /// let task = pool.task().spawn_keyed_timeout("ada", || 6 * 7, soon).unwrap();
    /// assert_eq!(task.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_keyed_timeout<K, T, F>(
        self,
        key: K,
        f: F,
        timeout: Duration,
    ) -> Result<JoinHandle<T>, TrySpawnError<F>>
    where
        K: Hash,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (gate, brought) = self.keyed(key, f);
        entrance::spawn_timeout(&gate, brought, timeout)
    }

    /// As [`ThreadPool::spawn_async`], for a task of this key.
    ///
    /// # Where it runs
    ///
    /// On a worker; see [`ThreadPool::spawn_keyed`].
    ///
    /// # Blocks
    ///
    /// Never: the future is pending until the lane has room. Inside the pool it is so
    /// only where [`try_spawn_keyed`](Self::try_spawn_keyed) has none.
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
    /// let spawned = pin!(pool.task().spawn_keyed_async("ada", || 6 * 7)).poll(&mut cx);
    /// let Poll::Ready(Ok(task)) = spawned else { unreachable!("there is room") };
    /// assert_eq!(task.join().unwrap(), 42);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_keyed_async<K, T, F>(
        self,
        key: K,
        f: F,
    ) -> impl Future<Output = Result<JoinHandle<T>, TrySpawnError<F>>> + Send + use<'p, K, T, F>
    where
        K: Hash,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (gate, brought) = self.keyed(key, f);
        entrance::spawn_async(gate, brought)
    }

    fn keyed<F>(self, key: impl Hash, f: F) -> (KeyedGate, Brought<F>) {
        let lane = LaneGate::new(self.registry, self.priority);
        (KeyedGate::new(lane, key), Brought::new(f, self.extras))
    }
}
