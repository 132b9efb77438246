//! `Stall`: what the stall handler is told.

use std::{borrow::Cow, fmt, time::Duration};

pub(crate) type Name = Option<Cow<'static, str>>;

/// What takes the stalls of a pool.
pub(crate) type StallHandler = Box<dyn Fn(&Stall) + Send + Sync>;

/// A thread of a pool that has got no further for a long time; see
/// [`ThreadPoolBuilder::stall_handler`](crate::ThreadPoolBuilder::stall_handler).
///
/// It may be over by the time the handler hears of it. Its `Display` is one line for
/// a log.
///
/// ```
/// use std::{sync::mpsc, time::Duration};
///
/// let (say, heard) = mpsc::channel();
/// let builder = heist::ThreadPool::builder().num_threads(1);
/// let builder = builder.stall_handler(Duration::from_millis(5), move |stall| {
///     let _ = say.send(stall.to_string());
/// });
/// let pool = builder.build()?;
/// let (go_on, wait) = mpsc::channel::<()>();
/// drop(pool.task().name("load").spawn(move || wait.recv()));
/// let line = heard.recv().unwrap();
/// assert!(line.starts_with("task `load` on worker 0 has not come back for "));
/// drop(go_on);
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    pub(crate) task: Name,
    pub(crate) thread: StalledThread,
    pub(crate) cause: StallCause,
    pub(crate) elapsed: Duration,
}

/// Whose thread has stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StalledThread {
    Worker(usize),
    StandIn,
    Guest,
    /// None of the pool's, that waits for it from outside.
    Outside,
}

/// What a thread that has stalled is at: it runs, or what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StallCause {
    /// It waits for nothing that the pool knows of: a task, or a future in one of its
    /// polls, has the thread to itself. It computes, or blocks outside of
    /// [`blocking`](crate::blocking).
    Running,
    /// It joins a task, of this name if it has one.
    Task(Option<Cow<'static, str>>),
    /// The half of a `join`, or the part of a loop, that another thread has taken.
    Join,
    /// The jobs of a scope.
    Scope,
    /// A broadcast: some worker has not come to it.
    Broadcast,
    /// A closure that one of the pool's own threads is to run: of
    /// [`install`](crate::ThreadPool::install), or of a `join`, a scope or a loop of
    /// an outside thread that found no guest's seat.
    Install,
    /// Room at the entrance of a pool, or in a bulkhead.
    Room,
    /// The end of a pool.
    Shutdown,
}

impl Stall {
    /// The name of the task or future that has stalled, if it has one. None too in a
    /// part of one that another thread runs.
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// The number of the worker whose thread it is; none if that is a stand-in, a
    /// guest, or an outside thread that waits for the pool.
    pub fn worker(&self) -> Option<usize> {
        match self.thread {
            StalledThread::Worker(index) => Some(index),
            _ => None,
        }
    }

    /// What the thread is at.
    pub fn cause(&self) -> &StallCause {
        &self.cause
    }

    /// For how long, so far.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.task, &self.cause) {
            (Some(name), _) => write!(f, "task `{name}` on ")?,
            (None, StallCause::Running) => write!(f, "a task on ")?,
            (None, _) => (),
        }
        match self.thread {
            StalledThread::Worker(index) => write!(f, "worker {index}")?,
            StalledThread::StandIn => write!(f, "a stand-in")?,
            StalledThread::Guest => write!(f, "a guest")?,
            StalledThread::Outside => write!(f, "an outside thread")?,
        }
        match &self.cause {
            StallCause::Running => write!(f, " has not come back for {:.1?}", self.elapsed),
            cause => write!(f, " has waited {:.1?} for {cause}", self.elapsed),
        }
    }
}

impl fmt::Display for StallCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StallCause::Running => write!(f, "its own end"),
            StallCause::Task(Some(name)) => write!(f, "task `{name}`"),
            StallCause::Task(None) => write!(f, "a task"),
            StallCause::Join => write!(f, "the other half of a join"),
            StallCause::Scope => write!(f, "the jobs of a scope"),
            StallCause::Broadcast => write!(f, "a broadcast"),
            StallCause::Install => write!(f, "a closure on one of the pool's threads"),
            StallCause::Room => write!(f, "room at the entrance"),
            StallCause::Shutdown => write!(f, "the end of a pool"),
        }
    }
}
