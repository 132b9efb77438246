//! `ThreadPoolBuilder`: a pool's options.

use std::{any::Any, fmt, io, time::Duration};

use crate::{
    config::Config,
    error::BuildError,
    pool::{ThreadBuilder, ThreadPool, set_global},
    sync::thread,
};

/// Options of a pool, then [`build`](Self::build) or
/// [`build_global`](Self::build_global).
///
/// ```
/// use std::time::Duration;
///
/// let pool = heist::ThreadPool::builder()
///     .num_threads(4)
///     .thread_name(|index| format!("parser-{index}"))
///     .injector_capacity(100)
///     .idle_spin(Duration::from_micros(50))
///     .build()?;
/// assert_eq!(pool.num_threads(), 4);
/// # Ok::<(), heist::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct ThreadPoolBuilder<S = OsThreads> {
    config: Config,
    name: Box<dyn FnMut(usize) -> String>,
    spawner: S,
}

/// How a builder starts threads unless told otherwise: with
/// [`std::thread::Builder`].
#[derive(Clone, Copy, Debug, Default)]
pub struct OsThreads(());

/// How a builder starts threads after
/// [`spawn_handler`](ThreadPoolBuilder::spawn_handler).
#[derive(Clone, Copy)]
pub struct CustomThreads<F>(F);

impl ThreadPool {
    /// A pool with all defaults: as many workers as the CPUs that this process
    /// may use.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread.
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// assert!(pool.num_threads() >= 1);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn new() -> Result<ThreadPool, BuildError> {
        ThreadPool::builder().build()
    }

    /// Options for a pool; the same as [`ThreadPoolBuilder::new`].
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder::new()
    }
}

impl Default for ThreadPoolBuilder {
    fn default() -> Self {
        ThreadPoolBuilder::new()
    }
}

impl ThreadPoolBuilder {
    /// All defaults.
    pub fn new() -> Self {
        ThreadPoolBuilder {
            config: Config::default(),
            name: Box::new(|index| format!("heist-{index}")),
            spawner: OsThreads(()),
        }
    }
}

impl<S> ThreadPoolBuilder<S> {
    /// How many workers, from 1 to 16384. Default: the CPUs this process may
    /// use, with its affinity mask and its cgroup's CPU quota counted (a quota
    /// of 1.5 CPUs makes two workers).
    pub fn num_threads(mut self, n: usize) -> Self {
        self.config.num_threads = Some(n);
        self
    }

    /// The name of worker `index`, as a debugger and `top` show it. Default:
    /// `heist-0` and so on.
    pub fn thread_name(mut self, name: impl FnMut(usize) -> String + 'static) -> Self {
        self.name = Box::new(name);
        self
    }

    /// The stack of each worker, in bytes. Default: that of `std::thread`,
    /// 2 MiB or what `RUST_MIN_STACK` says.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.config.stack_size = Some(bytes);
        self
    }

    /// How many tasks may wait in each priority's lane of the entrance.
    /// Default: 4096; at least 1. Who brings more waits for room, or is
    /// refused, as the verb says.
    pub fn injector_capacity(mut self, tasks: usize) -> Self {
        self.config.injector_capacity = tasks;
        self
    }

    /// How many outside threads may work inside the pool at once, in `join`,
    /// `scope` and loops. Default: 8. Others, and all if it is 0, hand their
    /// closure over to a worker and wait.
    pub fn max_guests(mut self, n: usize) -> Self {
        self.config.max_guests = n;
        self
    }

    /// The longest time an idle worker looks for work before it sleeps.
    /// Default: adaptive, at most 1 ms; zero sleeps at once.
    pub fn idle_spin(mut self, most: Duration) -> Self {
        self.config.idle_spin = most;
        self
    }

    /// How long an accepted task may wait while every worker is busy before a
    /// stand-in thread serves the entrance, until a worker comes back to it.
    /// Default: 20 ms; `None` for never. That thread is started when it is
    /// needed for the first time.
    pub fn door_patience(mut self, patience: Option<Duration>) -> Self {
        self.config.door_patience = patience;
        self
    }

    /// Called on each worker's thread when it begins, with its number. A panic
    /// in it goes to the panic handler; the worker lives.
    pub fn start_handler(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.handlers.start = Some(Box::new(f));
        self
    }

    /// Called on each worker's thread when it ends, with its number. A panic
    /// in it goes to the panic handler.
    pub fn exit_handler(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.handlers.exit = Some(Box::new(f));
        self
    }

    /// Called with a panic that nobody else receives: of a task whose handle
    /// is gone, of a start or exit handler. Without it, such a panic has been
    /// printed by the panic hook, and that is all. A panic in the handler
    /// itself is dropped.
    pub fn panic_handler(
        mut self,
        f: impl Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.config.handlers.panic = Some(Box::new(f));
        self
    }

    /// Starts the OS threads with `spawn`, which calls
    /// [`run`](ThreadBuilder::run) on each: in a scope, with a priority, or on
    /// a platform of its own.
    ///
    /// ```
    /// std::thread::scope(|threads| {
    ///     let pool = heist::ThreadPool::builder()
    ///         .num_threads(2)
    ///         .spawn_handler(|thread| {
    ///             threads.spawn(|| thread.run());
    ///             Ok(())
    ///         })
    ///         .build()?;
    ///     assert_eq!(pool.join(|| 1, || 2), (1, 2));
    ///     Ok::<(), heist::BuildError>(())
    /// })?;
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_handler<F>(self, spawn: F) -> ThreadPoolBuilder<CustomThreads<F>>
    where
        F: FnMut(ThreadBuilder) -> io::Result<()>,
    {
        let ThreadPoolBuilder { config, name, .. } = self;
        ThreadPoolBuilder { config, name, spawner: CustomThreads(spawn) }
    }
}

impl<S: Spawner> ThreadPoolBuilder<S> {
    /// Starts the pool.
    ///
    /// # Errors
    ///
    /// If an option has a value that is not allowed, or the system refuses a
    /// thread; those already started are stopped and joined first.
    ///
    /// # Panics
    ///
    /// With a panic of `thread_name` or `spawn_handler`, after those threads
    /// are stopped.
    pub fn build(mut self) -> Result<ThreadPool, BuildError> {
        ThreadPool::start(self.config, self.name, &mut |thread| self.spawner.spawn(thread))
    }

    /// Starts the pool that [`global`](crate::global), and the functions
    /// without a pool to name, use. At most once, and before its first use.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); or if the global pool exists already.
    pub fn build_global(self) -> Result<(), BuildError> {
        set_global(|| self.build())
    }
}

/// What starts one of the pool's threads; sealed.
pub trait Spawner: sealed::Spawn {}

mod sealed {
    use crate::{pool::ThreadBuilder, sync::thread::JoinHandle};

    pub trait Spawn {
        fn spawn(&mut self, thread: ThreadBuilder) -> std::io::Result<Option<JoinHandle<()>>>;
    }
}

impl Spawner for OsThreads {}

impl sealed::Spawn for OsThreads {
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<Option<thread::JoinHandle<()>>> {
        let mut builder = thread::Builder::new();
        if let Some(name) = thread.name() {
            builder = builder.name(name.into());
        }
        if let Some(bytes) = thread.stack_size() {
            builder = builder.stack_size(bytes);
        }
        builder.spawn(|| thread.run()).map(Some)
    }
}

impl<F: FnMut(ThreadBuilder) -> io::Result<()>> Spawner for CustomThreads<F> {}

impl<F: FnMut(ThreadBuilder) -> io::Result<()>> sealed::Spawn for CustomThreads<F> {
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<Option<thread::JoinHandle<()>>> {
        (self.0)(thread).map(|()| None)
    }
}

impl<F> fmt::Debug for CustomThreads<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomThreads").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for ThreadPoolBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        f.debug_struct("ThreadPoolBuilder")
            .field("num_threads", &config.num_threads)
            .field("stack_size", &config.stack_size)
            .field("injector_capacity", &config.injector_capacity)
            .field("max_guests", &config.max_guests)
            .field("idle_spin", &config.idle_spin)
            .field("door_patience", &config.door_patience)
            .finish_non_exhaustive()
    }
}
