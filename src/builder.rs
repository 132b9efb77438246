//! `ThreadPoolBuilder`: a pool's options.

mod spawner;
mod stalls;

use std::{any::Any, fmt, io, time::Duration};

pub use self::spawner::{CustomThreads, OsThreads, Spawner};
use crate::{
    config::Config,
    error::BuildError,
    pool::{ThreadBuilder, ThreadPool, set_global},
};

/// Options of a pool, then [`build`](Self::build) or
/// [`build_global`](Self::build_global).
///
/// ```
/// let pool = heist::ThreadPool::builder()
///     .num_threads(4)
///     .thread_name(|index| format!("parser-{index}"))
///     .injector_capacity(100)
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
    ///
    /// ```
    /// assert!(heist::ThreadPool::builder().num_threads(2).build().is_ok());
    /// ```
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
    ///
    /// ```
    /// assert!(heist::ThreadPoolBuilder::new().num_threads(2).build().is_ok());
    /// ```
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
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(2).build().unwrap();
    /// assert_eq!(pool.num_threads(), 2);
    /// ```
    pub fn num_threads(mut self, n: usize) -> Self {
        self.config.num_threads = Some(n);
        self
    }

    /// The name of worker `index`, as a debugger and `top` show it, without a NUL
    /// character. Default: `heist-0` and so on. Not called for stand-ins, the pool's own threads
    /// `heist-stand-in`.
    ///
    /// ```
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.thread_name(|index| format!("io-{index}")).build().unwrap();
    /// let name = pool.install(|| std::thread::current().name().map(String::from));
    /// assert_eq!(name.as_deref(), Some("io-0"));
    /// ```
    pub fn thread_name(mut self, name: impl FnMut(usize) -> String + 'static) -> Self {
        self.name = Box::new(name);
        self
    }

    /// The stack of each thread, in bytes, 1 or more. Default: 8 MiB, as the main thread
    /// has on Linux, or what `RUST_MIN_STACK` says if that is set. Only pages
    /// that are touched take memory. Of it a thread that waits uses half for other jobs to run
    /// meanwhile; of a stack as small as some tens of KiB little is left for those.
    ///
    /// ```
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.stack_size(64 << 20).build().unwrap();
    /// pool.install(|| assert_eq!(std::hint::black_box([1; 9 << 20])[0], 1_u8));
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.config.stack_size = Some(bytes);
        self
    }

    /// How many tasks may wait in each priority's lane of the entrance, beside the few that
    /// workers have taken in hand. Default: 4096; at least 1, and all above `u32::MAX` is as
    /// good as that. Who brings more waits for room, or is refused, as the verb says.
    ///
    /// ```
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.injector_capacity(100).build().unwrap();
    /// assert!(pool.metrics().lanes.iter().all(|lane| lane.capacity == 100));
    /// ```
    pub fn injector_capacity(mut self, tasks: usize) -> Self {
        self.config.injector_capacity = tasks;
        self
    }

    /// How many outside threads may work inside the pool at once, in `join`,
    /// `scope` and loops. Default: 8; at most 16384. Others, and all if it is 0,
    /// hand their closure over to a thread of the pool and wait.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).max_guests(0).build().unwrap();
    /// assert_eq!(pool.join(heist::current_thread_index, || ()).0, Some(0));
    /// ```
    pub fn max_guests(mut self, n: usize) -> Self {
        self.config.max_guests = n;
        self
    }

    /// How many threads in [`blocking`](crate::blocking) sections may have a
    /// stand-in at a time. Default: 128; zero for none; at most 16384. Beyond that a section
    /// takes its worker out of the pool.
    ///
    /// Stand-ins are the pool's own threads, called `heist-stand-in`, of the same
    /// stack size. They are started with [`std::thread`] when there is work for
    /// them, and end some time after it: [`stand_in_keep_alive`](Self::stand_in_keep_alive).
    ///
    /// ```
    /// let (say, heard) = std::sync::mpsc::channel();
    /// let pool = heist::ThreadPool::builder().num_threads(1).max_stand_ins(1).build().unwrap();
    /// let waits = pool.spawn(move || heist::blocking(|| heard.recv().unwrap()));
    /// pool.spawn(move || say.send("run by a stand-in").unwrap());
    /// assert_eq!(waits.join().unwrap(), "run by a stand-in");
    /// ```
    pub fn max_stand_ins(mut self, n: usize) -> Self {
        self.config.max_stand_ins = n;
        self
    }

    /// How long a stand-in's thread rests without a call before it ends. Default: 10 s;
    /// zero ends it at once, and it stays as long as the pool if that is [`Duration::MAX`].
    ///
    /// One at rest comes within some ten microseconds, a new thread in about fifty.
    ///
    /// ```
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.stand_in_keep_alive(std::time::Duration::ZERO).build().unwrap();
    /// assert_eq!(pool.install(|| heist::blocking(|| 6 * 7)), 42);
    /// ```
    pub fn stand_in_keep_alive(mut self, keep_alive: Duration) -> Self {
        self.config.stand_in_keep_alive = keep_alive;
        self
    }

    /// The longest time an idle worker looks for work before it sleeps.
    /// Default: adaptive, at most 1 ms; zero sleeps at once.
    ///
    /// ```
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.idle_spin(std::time::Duration::ZERO).build().unwrap();
    /// assert_eq!(pool.install(|| 6 * 7), 42);
    /// ```
    pub fn idle_spin(mut self, most: Duration) -> Self {
        self.config.idle_spin = most;
        self
    }

    /// How long an accepted task may wait while every worker is busy before a
    /// stand-in thread serves the entrance, until a worker comes back to it.
    /// Default: 20 ms; more than zero; `None` for never.
    ///
    /// That thread, one a pool, is the pool's own, as those of [`max_stand_ins`](Self::max_stand_ins),
    /// which do not count it. It is called when a task comes in and every worker is busy, and
    /// serves the entrance once none has taken anything for so long, and in each such time one of
    /// those that a guest, a stand-in or a worker off duty has spawned and left. What a busy
    /// thread has spawned itself, or taken from others at once with what it runs, lies in its own
    /// deque, for other workers.
    ///
    /// ```
    /// let (say, heard) = std::sync::mpsc::channel();
    /// let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
    /// let busy = pool.spawn(move || heard.recv().unwrap());
    /// pool.spawn(move || say.send("served by the stand-in").unwrap());
    /// assert_eq!(busy.join().unwrap(), "served by the stand-in");
    /// ```
    pub fn door_patience(mut self, patience: Option<Duration>) -> Self {
        self.config.door_patience = patience;
        self
    }

    /// Makes the pool follow the number of CPUs that this process may use, as its
    /// cgroup's CPU quota and its affinity mask change: when it is built, and then
    /// once a `period`, which is more than zero. Default: not at all, though it counts for the default of
    /// [`num_threads`](Self::num_threads).
    ///
    /// As by [`set_active_threads`](crate::ThreadPool::set_active_threads), from 1 to
    /// `num_threads`: who expects the quota to grow starts more workers than there
    /// is room for at first. What is set by hand holds until the quota changes.
    /// Each look reads a few small files, on the pool's timer thread; if the system
    /// refuses that, nothing is followed.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = heist::ThreadPool::builder().num_threads(8);
    /// let pool = builder.follow_cpu_quota(Duration::from_secs(5)).build().unwrap();
    /// assert!(pool.active_threads() <= pool.num_threads());
    /// ```
    pub fn follow_cpu_quota(mut self, period: Duration) -> Self {
        self.config.follow_cpu_quota = Some(period);
        self
    }

    /// Called on each worker's thread when it begins, with its number; not on
    /// stand-ins, the pool's own threads `heist-stand-in`. It runs inside the pool:
    /// `heist::join` and `heist::spawn` use that. But [`global`](crate::global) starts another
    /// pool there, as long as [`build_global`](Self::build_global) is not over, which then
    /// fails. A panic in it goes to the panic handler; the worker lives.
    ///
    /// ```
    /// let (say, started) = std::sync::mpsc::channel();
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.start_handler(move |index| say.send(index).unwrap()).build().unwrap();
    /// assert_eq!(started.recv(), Ok(0));
    /// ```
    pub fn start_handler(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.handlers.start = Some(Box::new(f));
        self
    }

    /// Called on each worker's thread when it ends, with its number; inside the
    /// pool, and not on stand-ins, as the start handler. A panic in it goes to the panic handler.
    ///
    /// ```
    /// let (say, ended) = std::sync::mpsc::channel();
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.exit_handler(move |index| say.send(index).unwrap()).build().unwrap();
    /// pool.shutdown();
    /// assert_eq!(ended.recv(), Ok(0));
    /// ```
    pub fn exit_handler(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.handlers.exit = Some(Box::new(f));
        self
    }

    /// Called with a panic that nobody else receives: of a task whose handle
    /// is gone, of a start or exit handler. Without it, such a panic has been
    /// printed by the panic hook, and that is all. A panic in the handler
    /// itself is dropped.
    ///
    /// ```
    /// let (say, heard) = std::sync::mpsc::channel();
    /// let builder = heist::ThreadPool::builder().num_threads(1);
    /// let pool = builder.panic_handler(move |_| say.send("heard").unwrap()).build().unwrap();
    /// drop(pool.spawn(|| panic!("nobody joins")));
    /// assert_eq!(heard.recv(), Ok("heard"));
    /// ```
    pub fn panic_handler(
        mut self,
        f: impl Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    ) -> Self {
        self.config.handlers.panic = Some(Box::new(f));
        self
    }

    /// Starts the OS threads with `spawn`, which calls
    /// [`run`](ThreadBuilder::run) on each: in a scope, with a priority, or on
    /// a platform of its own. Not called for stand-ins, which the pool starts
    /// itself, with [`std::thread`].
    ///
    /// ```
    /// std::thread::scope(|threads| {
    ///     let builder = heist::ThreadPool::builder().num_threads(2);
    ///     let builder = builder.spawn_handler(|thread| {
    ///         threads.spawn(|| thread.run());
    ///         Ok(())
    ///     });
    ///     assert_eq!(builder.build().unwrap().join(|| 1, || 2), (1, 2));
    /// });
    /// ```
    pub fn spawn_handler<F>(self, spawn: F) -> ThreadPoolBuilder<CustomThreads<F>>
    where
        F: FnMut(ThreadBuilder) -> io::Result<()>,
    {
        let config = Config { custom_threads: true, ..self.config };
        ThreadPoolBuilder { config, name: self.name, spawner: CustomThreads(spawn) }
    }
}

impl<S: Spawner> ThreadPoolBuilder<S> {
    /// Starts the pool.
    ///
    /// # Where it runs
    ///
    /// The calling thread starts the others, so `thread_name` and `spawn_handler` run on it; start and exit
    /// handlers on the workers. Stand-ins and `heist-timer` are given the CPUs that it may use now. On Linux it
    /// asks for all to hear which, and then for those; so any it wanted outside of its cpuset are forgotten.
    ///
    /// # Blocks
    ///
    /// Until all threads have been started.
    ///
    /// # Errors
    ///
    /// If an option has a value that is not allowed, or the system refuses a
    /// thread; those already started are stopped first, and joined if they are the pool's own.
    ///
    /// # Panics
    ///
    /// With a panic of `thread_name` or `spawn_handler`, after the threads already started are stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
    /// assert_eq!(pool.install(|| 6 * 7), 42);
    /// ```
    pub fn build(mut self) -> Result<ThreadPool, BuildError> {
        ThreadPool::start(self.config, self.name, &mut |thread| self.spawner.spawn(thread))
    }

    /// Starts the pool that [`global`](crate::global), and the functions
    /// without a pool to name, use. At most once, and before its first use.
    ///
    /// # Where it runs
    ///
    /// As [`build`](Self::build).
    ///
    /// # Blocks
    ///
    /// Until all threads have been started.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); or if the global pool exists already.
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// heist::ThreadPool::builder().num_threads(1).build_global().unwrap();
    /// assert_eq!(heist::global().num_threads(), 1);
    /// ```
    pub fn build_global(self) -> Result<(), BuildError> {
        set_global(|| self.build())
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
            .field("max_stand_ins", &config.max_stand_ins)
            .field("stand_in_keep_alive", &config.stand_in_keep_alive)
            .field("idle_spin", &config.idle_spin)
            .field("door_patience", &config.door_patience)
            .field("follow_cpu_quota", &config.follow_cpu_quota)
            .finish_non_exhaustive()
    }
}
