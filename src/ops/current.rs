//! The task that this thread runs, as its own closure sees it.

use std::{borrow::Cow, fmt};

use crate::{
    injector::Lane,
    priority::Priority,
    raw::Front,
    token::CancellationToken,
    worker::{Label, Worker},
};

/// Is the task that this thread runs to stop? True when its token is cancelled, by
/// its [`timeout`](crate::TaskBuilder::timeout) too, or its handle was, while it ran.
/// False where no task runs.
///
/// It is meant for the closure of the task, and what it calls: joins and loops may
/// hand parts of their work to other threads, where no task runs, and the jobs of a
/// scope are no part of a task wherever they run. To stop those too, give them the task's
/// token: see [`current_task`].
///
/// A task, or part of one, that this thread runs while another waits further up its
/// stack is asked for by itself.
///
/// # Where it runs
///
/// Nothing runs.
///
/// # Blocks
///
/// Never; it takes three or four loads.
///
/// # Examples
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// let task = pool.spawn(|| {
///     let mut turns = 0_u64;
///     while !heist::is_cancelled() {
///         turns += 1;
///     }
///     turns
/// });
/// while task.state() == heist::TaskState::Pending {}
/// assert!(!task.cancel(), "it runs");
/// assert!(task.join().is_ok(), "it has ended by itself");
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn is_cancelled() -> bool {
    Worker::current_task(|task| task.is_some_and(is_to_stop))
}

fn is_to_stop(task: &Front<Worker, Label>) -> bool {
    task.is_asked() || task.label().token().is_some_and(CancellationToken::is_cancelled)
}

/// The task that this thread runs; none outside of tasks, and in parts of a task that
/// other threads run, as with [`is_cancelled`].
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
/// use heist::{CancellationToken, ThreadPool};
///
/// let pool = ThreadPool::new()?;
/// let token = CancellationToken::new();
/// let task = pool.task().name("search").cancel_token(&token).spawn(|| {
///     let task = heist::current_task().unwrap();
///     let token = task.token().unwrap();
///     // Also those that other threads run.
///     heist::scope(|s| (0..10).for_each(|_| s.spawn(|_| assert!(!token.is_cancelled()))));
///     task.name().map(String::from)
/// });
/// assert_eq!(task.join().unwrap().as_deref(), Some("search"));
/// assert!(heist::current_task().is_none());
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn current_task() -> Option<TaskInfo> {
    Worker::current_task(|task| {
        let label = task?.label();
        let origin = label.origin();
        let lane_of = |worker: &Worker| {
            let lanes = worker.registry().injector.lanes().iter().map(Lane::ledger);
            let mut lanes = Priority::ALL.into_iter().zip(lanes);
            let lane = lanes.find(|(_, ledger)| std::ptr::eq(&***ledger, &**origin));
            lane.map(|(priority, _)| priority)
        };
        Some(TaskInfo {
            name: label.name().cloned(),
            priority: Worker::find(lane_of),
            token: label.token().cloned(),
        })
    })
}

/// What a task knows of itself; see [`current_task`].
///
/// ```
/// let task = heist::spawn(|| heist::current_task().unwrap()).join().unwrap();
/// assert_eq!((task.name(), task.priority()), (None, Some(heist::Priority::Normal)));
/// assert!(task.token().is_none());
/// ```
#[derive(Clone)]
pub struct TaskInfo {
    name: Option<Cow<'static, str>>,
    priority: Option<Priority>,
    token: Option<CancellationToken>,
}

impl TaskInfo {
    /// Its [`name`](crate::TaskBuilder::name), if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The lane it came in by; none if it was spawned inside the pool or into a bulkhead,
    /// where tasks go by no lane.
    pub fn priority(&self) -> Option<Priority> {
        self.priority
    }

    /// Its token: the one that it was given with
    /// [`cancel_token`](crate::TaskBuilder::cancel_token), or one of its own if it
    /// has a [`timeout`](crate::TaskBuilder::timeout); else none.
    pub fn token(&self) -> Option<&CancellationToken> {
        self.token.as_ref()
    }
}

impl fmt::Debug for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskInfo")
            .field("name", &self.name)
            .field("priority", &self.priority)
            .field("token", &self.token)
            .finish()
    }
}
