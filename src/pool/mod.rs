//! The house: start, enter, close, shut down. It knows no verb; the verbs know
//! it.

mod guests;
mod leave;
mod quota;
mod stand_in;
mod thread;

use std::{
    fmt, io, mem,
    panic::{RefUnwindSafe, UnwindSafe},
    time::{Duration, Instant},
};

use self::guests::Guests;
pub use self::thread::ThreadBuilder;
use crate::{
    config::{self, Config},
    error::{BuildError, BuildErrorKind, ShutdownTimeout},
    parker::Parker,
    process::LEFT_BEHIND,
    raw::{self, JobRef},
    registry::{Phase, Registry},
    stall::StallCause,
    sync::{Arc, OnceLock, thread as os},
    unwind,
    worker::{self, IdleSpin, Role, Worker, in_section, wait_for},
};

/// A work-stealing thread pool.
///
/// Made by [`ThreadPool::new`] or a [`builder`](ThreadPool::builder). The
/// [crate documentation](crate) says which verb to use when.
///
/// Dropping a pool is [`shutdown`](Self::shutdown): everything accepted runs
/// first, and the threads are joined. Only on one of the pool's own threads,
/// which cannot wait for itself, dropping just begins that and returns; and in the
/// child of a fork, which has none of the threads, it does nothing.
pub struct ThreadPool {
    registry: Arc<Registry<Worker>>,
    guests: Guests,
    /// Those that the pool started itself; none with a `spawn_handler`.
    threads: Vec<os::JoinHandle<()>>,
    ended: bool,
}

/// How a pool starts one thread: gives back what is to be joined, if anything.
pub(crate) type Start<'a> =
    &'a mut dyn FnMut(ThreadBuilder) -> io::Result<Option<os::JoinHandle<()>>>;

impl ThreadPool {
    /// Starts what `config` asks for; all of it or nothing.
    pub(crate) fn start(
        mut config: Config,
        mut name: impl FnMut(usize) -> String,
        start: Start<'_>,
    ) -> Result<Self, BuildError> {
        let workers = config.check()?;
        raw::at_fork(worker::forked).map_err(|cause| {
            BuildError::new(BuildErrorKind::Thread { index: 0, of: workers, cause })
        })?;
        let (stack_size, idle_spin) = (config.stack_size, config.idle_spin);
        let follow = config.follow_cpu_quota;
        let cpus = config.cpus.take();
        let (registry, deques, seats) = Registry::new(workers, config);
        let mut deques = deques.into_iter().enumerate();
        let mut threads = Vec::with_capacity(workers);
        for (index, deque) in deques.by_ref().take(workers) {
            let idle = IdleSpin::new(idle_spin);
            let worker = Worker::new(index, Role::Member, deque, &registry, idle);
            let refuse =
                |cause| BuildError::new(BuildErrorKind::Thread { index, of: workers, cause });
            // `name` and `start` are the caller's, and may panic.
            let started = unwind::catch(|| {
                let name = config::check_name(name(index))?;
                start(ThreadBuilder::new(worker, index, Some(name), stack_size)).map_err(refuse)
            });
            match started {
                Ok(Ok(handle)) if !registry.attendance.lacks() => threads.extend(handle),
                Ok(outcome) => {
                    stop(&registry, threads);
                    let unrun =
                        || io::Error::other("the spawn handler dropped it without running it");
                    return Err(outcome.err().unwrap_or_else(|| refuse(unrun())));
                }
                Err(payload) => {
                    stop(&registry, threads);
                    unwind::resume(payload);
                }
            }
        }
        let guest = |(index, deque)| {
            Worker::new(index, Role::Guest, deque, &registry, IdleSpin::new(idle_spin))
        };
        let guests = Guests::new(deques.map(guest));
        stand_in::open(seats, &registry, stack_size, idle_spin);
        let nobody = registry.slots().len();
        registry.serve_open_places(nobody);
        if let (Some(period), Some(cpus)) = (follow, cpus) {
            quota::follow(&registry, period, cpus);
        }
        Ok(ThreadPool { registry, guests, threads, ended: false })
    }

    /// Takes no new tasks from now on. What was accepted still runs; `join`,
    /// `scope` and loops work on. Returns at once.
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let accepted = pool.spawn(|| "in time");
    /// pool.close();
    /// assert!(pool.try_spawn(|| "too late").unwrap_err().is_closed());
    /// assert_eq!(accepted.join().unwrap(), "in time");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn close(&self) {
        if self.registry.process.is_current() {
            self.registry.advance(Phase::Closed);
        }
    }

    /// Closes the pool, runs everything accepted, and joins the threads:
    /// when this returns, their thread-locals are gone too.
    ///
    /// Blocks until then. On a thread of the pool itself it does not wait; the pool then ends on
    /// its own when all is done. Threads that a
    /// [`spawn_handler`](crate::ThreadPoolBuilder::spawn_handler) started are waited for, but
    /// joined by whoever started them.
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let done = Arc::new(AtomicUsize::new(0));
    /// for _ in 0..1000 {
    ///     let done = Arc::clone(&done);
    ///     pool.spawn(move || done.fetch_add(1, Ordering::Relaxed));
    /// }
    /// pool.shutdown();
    /// assert_eq!(done.load(Ordering::Relaxed), 1000);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn shutdown(mut self) {
        let _ = self.end(Phase::Ending, None);
    }

    /// Like [`shutdown`](Self::shutdown), but waits no longer than `timeout` for the threads to
    /// leave. Those that have are joined, however long their thread-locals take, and so is
    /// `heist-timer`, whatever a stall handler or a late task's destructor does there. A worker of
    /// another pool runs jobs of that one meanwhile, and ends the one at hand first.
    ///
    /// # Errors
    ///
    /// Says how many tasks were queued or running when the time was over: none if
    /// threads were still on their way out then. On a thread of the pool itself, how many
    /// are now, itself among them. That work goes on, and the threads leave when it is done.
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let (open, gate) = mpsc::channel::<()>();
    /// let blocked = pool.spawn(move || gate.recv().is_err());
    /// let timeout = pool.shutdown_timeout(Duration::from_millis(5)).unwrap_err();
    /// assert_eq!(timeout.unfinished(), 1);
    /// drop(open);
    /// assert!(blocked.join().unwrap());
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Result<(), ShutdownTimeout> {
        self.end(Phase::Ending, Instant::now().checked_add(timeout))
    }

    /// Closes the pool, drops what has not started, lets finish what runs, and joins the
    /// threads. The handles of dropped tasks say [`is_cancelled`](crate::JoinError::is_cancelled):
    /// at once, but for a task in a worker's own deque, when a worker comes to it. Returns how
    /// many tasks were dropped.
    ///
    /// Blocks as [`shutdown`](Self::shutdown) does; on a thread of the pool
    /// itself the number is that of the tasks dropped so far.
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).door_patience(None).build()?;
    /// let (open, gate) = mpsc::channel::<()>();
    /// let (say, started) = mpsc::channel();
    /// let runs = pool.spawn(move || (say.send(()), gate.recv()).1.is_err());
    /// started.recv().unwrap();
    /// let waits = pool.spawn(|| unreachable!());
    /// drop(open);
    /// let dropped = pool.shutdown_now();
    /// assert!(dropped <= 1);
    /// assert!(runs.join().unwrap());
    /// # let _ = waits;
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn shutdown_now(mut self) -> usize {
        if !self.registry.process.is_current() {
            return 0;
        }
        self.registry.advance(Phase::Discarding);
        self.registry.discard();
        let _ = self.end(Phase::Discarding, None);
        self.registry.discarded()
    }

    /// How many workers the pool has.
    pub fn num_threads(&self) -> usize {
        self.registry.workers()
    }

    pub(crate) fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.registry
    }

    /// Runs `f` as one of the pool's workers: here if this thread is one, or
    /// if there is a seat for a guest; else on one of the pool's own, while this
    /// thread blocks.
    #[inline(always)]
    pub(crate) fn enter<R: Send>(&self, f: impl FnOnce(&Worker) -> R + Send) -> R {
        Worker::current(|worker| match worker {
            Some(worker) if worker.is_of(&self.registry) => f(worker),
            _ => self.enter_from_outside(f),
        })
    }

    #[cold]
    #[inline(never)]
    fn enter_from_outside<R: Send>(&self, f: impl FnOnce(&Worker) -> R + Send) -> R {
        self.assert_present();
        Worker::of(&self.registry, |worker| match worker {
            Some(worker) => worker.enter(f),
            None => match self.guests.sit_down() {
                Some(seat) => seat.worker().enter(f),
                None => self.hand_over(f),
            },
        })
    }

    /// Runs `f` here in any case: as the worker that this thread is, or as a guest;
    /// as neither if no seat is free.
    pub(crate) fn enter_in_place<R>(&self, f: impl FnOnce(Option<&Worker>) -> R) -> R {
        self.assert_present();
        Worker::of(&self.registry, |worker| match worker {
            Some(worker) => worker.enter(|worker| f(Some(worker))),
            None => match self.guests.sit_down() {
                Some(seat) => seat.worker().enter(|worker| f(Some(worker))),
                None => f(None),
            },
        })
    }

    /// Runs `f` on one of the pool's own threads, while this one blocks; but as a worker of
    /// another pool it serves that one meanwhile.
    pub(crate) fn hand_over<R: Send>(&self, f: impl FnOnce(&Worker) -> R + Send) -> R {
        self.assert_present();
        let registry = &self.registry;
        let present = registry.attendance.present();
        present.assert_anybody();
        let inject = |job: JobRef<Worker>| {
            registry.lend(if in_section() { job.isolate() } else { job });
            drop(present);
        };
        let parker = Parker::current();
        let why = || StallCause::Install;
        let wait =
            |is_done: &dyn Fn() -> bool| wait_for(&is_done, &why, &parker, Some(registry), None);
        raw::hand_over(parker.waker(), inject, wait, f)
    }

    /// Panics in the child of a fork, where none of the threads are.
    #[inline]
    pub(crate) fn assert_present(&self) {
        assert!(self.registry.process.is_current(), "{LEFT_BEHIND}");
    }

    /// Goes on to `phase` and waits until the threads have left.
    fn end(&mut self, phase: Phase, deadline: Option<Instant>) -> Result<(), ShutdownTimeout> {
        self.ended = true;
        let registry = &self.registry;
        if !registry.process.is_current() {
            // The threads are the parent's: none to join, nor even to detach.
            mem::forget(mem::take(&mut self.threads));
            return Ok(());
        }
        registry.advance(phase);
        registry.staff.nudge();
        let threads = mem::take(&mut self.threads);
        if registry.timer.is_here() || Worker::of(registry, |worker| worker.is_some()) {
            // It cannot wait for itself: the threads leave on their own.
            return Err(ShutdownTimeout::new(registry.unfinished()));
        }
        if !leave::all_leave(registry, deadline) {
            return Err(ShutdownTimeout::new(registry.unfinished()));
        }
        join_all(registry, threads);
        Ok(())
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.end(Phase::Ending, None);
        }
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("num_threads", &self.num_threads())
            .field("phase", &self.registry.phase())
            .field("unfinished", &self.registry.unfinished())
            .finish_non_exhaustive()
    }
}

// A panic never leaves the pool half changed: jobs catch their own.
impl UnwindSafe for ThreadPool {}
impl RefUnwindSafe for ThreadPool {}

/// Where the global pool is, once it is built.
// No model of loom's uses it, and loom's atomics cannot be in statics.
fn global_cell() -> &'static OnceLock<ThreadPool> {
    #[cfg(not(any(loom, shuttle)))]
    static CELL: raw::OfProcess<OnceLock<ThreadPool>> = raw::OfProcess::new();
    #[cfg(any(loom, shuttle))]
    static CELL: OnceLock<ThreadPool> = OnceLock::new();
    // Before the cell is made: in a child of a fork that comes before the handler is there, it
    // would pass for the child's.
    #[cfg(not(any(loom, shuttle)))]
    let _ = raw::at_fork(worker::forked);
    #[cfg(not(any(loom, shuttle)))]
    return CELL.get();
    #[cfg(any(loom, shuttle))]
    &CELL
}

/// The pool that [`join`](crate::join), [`scope`](crate::scope) and
/// [`spawn`](crate::spawn) use outside of any other. Started with all defaults
/// at its first use, never before; it lives as long as the process. The child of
/// a fork has another.
///
/// # Panics
///
/// If the system refuses the threads. To handle that, start the pool with
/// [`build_global`](crate::ThreadPoolBuilder::build_global).
///
/// ```
/// assert!(heist::global().num_threads() >= 1);
/// ```
pub fn global() -> &'static ThreadPool {
    global_cell().get_or_init(|| match ThreadPool::new() {
        Ok(pool) => pool,
        Err(error) => panic!("the global pool could not be started: {error}"),
    })
}

/// Makes the pool that `build` builds the global one, unless there is one.
pub(crate) fn set_global(
    build: impl FnOnce() -> Result<ThreadPool, BuildError>,
) -> Result<(), BuildError> {
    let exists = || BuildError::new(BuildErrorKind::GlobalExists);
    let global = global_cell();
    if global.get().is_some() {
        return Err(exists());
    }
    // Lost to another thread meanwhile: the pool just built is shut down.
    global.set(build()?).map_err(|_| exists())
}

/// Ends a pool that was never whole.
fn stop(registry: &Arc<Registry<Worker>>, threads: Vec<os::JoinHandle<()>>) {
    registry.attendance.call_off();
    registry.advance(Phase::Ending);
    leave::all_that_began_leave(registry);
    join_all(registry, threads);
}

fn join_all(registry: &Registry<Worker>, threads: Vec<os::JoinHandle<()>>) {
    for thread in threads {
        // Every panic was caught on the thread; what is left is one of a
        // thread-local's destructor, which is not ours to raise.
        drop(thread.join());
    }
    registry.timer.dismiss();
    registry.staff.dismiss().iter().for_each(|thread| thread.join());
}
