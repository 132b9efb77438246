//! `spawn_keyed`: tasks of one key one at a time, in their order.

use std::{hash::Hash, task::Waker};

use super::{
    courier::LaneGate,
    entrance::{Brought, Entrance, Turned, enter_until, refuse, refused, try_enter},
    errand::errand,
    handle::JoinHandle,
    keeper::{Keeper, Kept, inside, is_inside},
    packet,
    task::TaskBuilder,
};
use crate::{
    counters::Ledger,
    error::TrySpawnError,
    permits::{Permits, Refused},
    pool::ThreadPool,
    priority::Priority,
    registry::{InStrand, Phase, Registry},
    sync::{Arc, Weak},
    turnstile::Room,
    unwind,
    worker::Worker,
};

/// Tasks that a strand runs before it goes to the end of the queue: so those of
/// one hot key do not hold up their neighbours, and a turn is worth its way.
const TURN: usize = 8;

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
    /// the tasks of the key up to that one.
    ///
    /// # Blocks
    ///
    /// Outside the pool, until the lane has room: the task takes a place there, as any
    /// other, until it starts. Inside, never.
    ///
    /// # Panics
    ///
    /// It does not; but a task that joins a later one of its own key would wait for
    /// itself, and [`JoinHandle::join`] panics and says so. That is seen only on the
    /// thread that runs the task.
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
    /// [`Full`](TrySpawnError::Full) if the lane has no room; inside the pool that does
    /// not happen. [`Closed`](TrySpawnError::Closed) if the pool takes no tasks.
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

impl TaskBuilder<'_> {
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
        let decided = gate.spawn_inside(brought);
        let decided = decided.unwrap_or_else(|brought| enter_until(&gate, brought, None));
        decided.unwrap_or_else(|turned| refused(&gate, turned))
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
    /// `Full` if the lane has no room, `Closed` if the pool takes no tasks.
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
        let decided = gate.spawn_inside(brought);
        let decided = decided.unwrap_or_else(|brought| try_enter(&gate, brought));
        decided.map_err(|turned| refuse(&gate, turned))
    }

    fn keyed<F>(self, key: impl Hash, f: F) -> (KeyedGate, Brought<F>) {
        let lane = LaneGate::new(self.registry, self.priority);
        let gate = KeyedGate { key: self.registry.strand_of(key), lane };
        (gate, Brought { f, extras: self.extras })
    }
}

/// The way to one strand: by a lane's permits, from outside.
#[derive(Clone)]
struct KeyedGate {
    key: u64,
    lane: LaneGate,
}

impl KeyedGate {
    /// On a thread of the pool; elsewhere `f` comes back.
    #[allow(clippy::type_complexity, reason = "a decision, or the closure")]
    fn spawn_inside<T, F>(
        &self,
        brought: Brought<F>,
    ) -> Result<Result<JoinHandle<T>, Turned<F>>, Brought<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let registry = &self.lane.registry;
        Worker::of(registry, |worker| {
            let Some(worker) = worker else { return Err(brought) };
            if registry.phase() >= Phase::Closed {
                return Ok(Err((Refused::Closed, brought)));
            }
            worker.ledger().accept();
            let handle = self.push(worker.ledger(), None, brought);
            handle.watch(&registry.timer);
            let strand = self.strand();
            if !worker.may_queue(registry.strands.queued(self.key))
                && registry.strands.begin(self.key)
            {
                worker.run_at_once(|worker| strand.run(worker, |_| false));
            }
            Ok(Ok(handle))
        })
    }

    fn push<T, F>(
        &self,
        ledger: &Arc<Ledger>,
        lane: Option<Priority>,
        Brought { f, extras }: Brought<F>,
    ) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let registry = &self.lane.registry;
        let keeper: Arc<dyn Keeper> = Arc::new(self.strand());
        let (task, handle) = packet::new_kept_task(extras, ledger, keeper, f);
        if registry.strands.push(self.key, InStrand { task, lane }) {
            self.strand().send(registry);
        }
        JoinHandle::new(handle)
    }

    fn strand(&self) -> Strand {
        Strand { home: Arc::downgrade(&self.lane.registry), key: self.key }
    }
}

impl AsRef<Permits> for KeyedGate {
    fn as_ref(&self) -> &Permits {
        self.lane.as_ref()
    }
}

impl<F, T> Entrance<F> for KeyedGate
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.lane.registry
    }

    fn admit(&self, brought: Brought<F>, in_use: usize) -> Result<JoinHandle<T>, Brought<F>> {
        let lane = self.lane.lane();
        lane.book(in_use);
        Ok(self.push(lane.ledger(), Some(self.lane.priority), brought))
    }

    fn reject(&self) {
        self.lane.lane().reject();
    }
}

/// The tasks of one key.
struct Strand {
    home: Weak<Registry<Worker>>,
    key: u64,
}

impl Strand {
    fn place(&self) -> (usize, u64) {
        (self.home.as_ptr() as usize, self.key)
    }

    /// Sends the ticket.
    fn send(self, registry: &Registry<Worker>) {
        let preferred = registry.preferred(self.key);
        let arrive = move |worker: &Worker| {
            if worker.registry().strands.arrive(self.key) {
                self.run(worker, |ran| ran == TURN);
            }
        };
        registry.send_errand(Some(preferred), errand(arrive));
    }

    /// Runs tasks in their order until there are none, or `is_enough` says so of
    /// their number; this thread has begun.
    fn run(&self, worker: &Worker, is_enough: impl Fn(usize) -> bool) {
        let registry = worker.registry();
        let mut ran = 0;
        while !is_enough(ran) {
            let Some(waits) = registry.strands.next(self.key) else { break };
            let task = registry.let_in(waits);
            if inside(self.place(), Room::Own, || worker.run_job(task)) {
                ran += 1;
            }
        }
        let left = registry.strands.leave(self.key);
        if left.ticket {
            Strand { home: Weak::clone(&self.home), key: self.key }.send(registry);
        }
        left.wakers.into_iter().for_each(unwind::wake);
    }
}

impl Keeper for Strand {
    fn help(self: Arc<Self>, worker: &Worker, task: &dyn Kept) -> bool {
        let begun = worker.registry().strands.begin(self.key);
        if begun {
            self.run(worker, |_| task.is_started());
        }
        begun
    }

    fn may_help(&self) -> bool {
        self.home.upgrade().is_some_and(|home| home.strands.is_idle(self.key))
    }

    fn wake_to_help(&self, waker: &Waker) {
        if let Some(home) = self.home.upgrade() {
            home.strands.wake_at_leave(self.key, waker);
        }
    }

    fn check_wait(&self) {
        assert!(
            !is_inside(self.place()),
            "a task joins a later one of its own key, which waits for it to end"
        );
    }
}
