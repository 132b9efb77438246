//! `JoinHandle`: the way to a task's result.

use std::{
    fmt,
    future::Future,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{
    joining::wait_while_working,
    packet::{self, Task},
};
use crate::{error::JoinError, raw::Verdict, registry::Phase, timer::Timer, worker::Worker};

const POLLED_AGAIN: &str = "a JoinHandle was polled after it had given its result";

/// The way to a task's result.
///
/// Join it, await it, poll it, cancel it; or drop it, and the task runs on
/// detached. It is also a [`Future`], which needs no runtime in particular.
///
/// ```
/// let pool = heist::ThreadPool::new()?;
/// let answer = pool.spawn(|| 6 * 7);
/// assert_eq!(answer.join().unwrap(), 42);
/// # Ok::<(), heist::BuildError>(())
/// ```
pub struct JoinHandle<T> {
    /// Taken only by `drop` and by what consumes the handle.
    task: Option<Task<T>>,
}

/// How far a task is; see [`JoinHandle::state`].
///
/// ```
/// use heist::TaskState;
///
/// let task = heist::spawn(|| panic!("line 3"));
/// while !task.is_finished() {}
/// assert_eq!(task.state(), TaskState::Failed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskState {
    /// It waits in a queue; a future is awaited or polled, until it brings its output.
    Pending,
    /// Its closure runs; or is just being dropped unrun.
    Running,
    /// It has a result.
    Completed,
    /// It panicked.
    Failed,
    /// It never ran, and never will: cancelled, refused, or not started by its
    /// deadline. The error tells which. Also a future that was cancelled before its output
    /// was there, and a task of the parent process, before a fork(2).
    Cancelled,
    /// It still ran when its time was over, and perhaps still does.
    TimedOut,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(task: Task<T>) -> Self {
        JoinHandle { task: Some(task) }
    }

    /// The task's result.
    ///
    /// # Where it runs
    ///
    /// On a worker or guest of the task's pool, a task that has not started is run here
    /// and now, whatever waits in the queues before it.
    ///
    /// # Blocks
    ///
    /// Until the task is done or cancelled. A worker runs other jobs meanwhile.
    ///
    /// # Panics
    ///
    /// Never with the task's panic: that is in the error. Only if the handle was
    /// polled to its result before, as a future; or in a task of
    /// [a key](crate::ThreadPool::spawn_keyed), or on top of one that waits on the same
    /// thread, for a later one of the same key.
    ///
    /// # Errors
    ///
    /// If the task panicked, or was cancelled, refused, or too late.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let wrong = pool.spawn(|| -> i32 { panic!("no") }).join().unwrap_err();
    /// assert_eq!(*wrong.into_panic().downcast::<&str>().unwrap(), "no");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn join(self) -> Result<T, JoinError> {
        match self.join_until(None) {
            Ok(result) => result,
            Err(_) => unreachable!("without a deadline the task is done"),
        }
    }

    /// The task's result, if there is one within `timeout`; else the handle.
    ///
    /// # Where it runs
    ///
    /// As [`join`](Self::join). On a worker, what it begins meanwhile, this task or
    /// another job, is finished even if it takes longer than `timeout`.
    ///
    /// # Blocks
    ///
    /// Until the task is done or cancelled, or for `timeout`.
    ///
    /// # Panics
    ///
    /// Only if the handle was polled to its result before, as a future.
    ///
    /// # Errors
    ///
    /// The handle itself, if the task is not done in time. If it is, its result is an error
    /// where that of [`join`](Self::join) is.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let (send, receive) = mpsc::channel();
    /// let handle = pool.spawn(move || receive.recv().unwrap());
    /// let handle = handle.join_timeout(Duration::from_millis(1)).unwrap_err();
    /// send.send("late").unwrap();
    /// assert_eq!(handle.join().unwrap(), "late");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JoinError>, Self> {
        self.join_until(Instant::now().checked_add(timeout))
    }

    /// Has the task a result, good or bad?
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn is_finished(&self) -> bool {
        let task = self.task();
        task.is_done() || task.label().is_left_behind()
    }

    /// How far the task is, now. Once it is done, that does not change any more.
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
    /// let state = pool.install(|| {
    ///     let task = heist::spawn(|| ());
    ///     assert_eq!(task.state(), heist::TaskState::Pending);
    ///     task.cancel();
    ///     task.state()
    /// });
    /// assert_eq!(state, heist::TaskState::Cancelled);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn state(&self) -> TaskState {
        let task = self.task();
        match task.verdict() {
            Some(Verdict::Completed) => TaskState::Completed,
            Some(Verdict::Failed) => TaskState::Failed,
            Some(Verdict::Cancelled | Verdict::Overdue) => TaskState::Cancelled,
            Some(Verdict::TimedOut) => TaskState::TimedOut,
            None if task.label().is_left_behind() => TaskState::Cancelled,
            None if task.is_started() => TaskState::Running,
            None => TaskState::Pending,
        }
    }

    /// Cancels the task if it has not started. True: it will never run, or if it is a future
    /// be polled no more, and the handle says so at once. False: it has started, or is done; one that runs is
    /// asked to stop, which it may hear of by
    /// [`heist::is_cancelled`](crate::is_cancelled).
    ///
    /// The task's place in its queue is cleared, and the room there given back,
    /// when a worker comes to it: so a queue holds no more than its capacity
    /// also if tasks are spawned and cancelled all the time.
    ///
    /// # Where it runs
    ///
    /// The closure is dropped on the calling thread.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).door_patience(None).build()?;
    /// let (open, gate) = mpsc::channel::<()>();
    /// let (say, started) = mpsc::channel();
    /// let first = pool.spawn(move || (say.send(()), gate.recv()).1.is_err());
    /// let second = pool.spawn(|| unreachable!("the only worker is busy"));
    /// started.recv().unwrap();
    /// assert!(second.cancel());
    /// assert!(!first.cancel());
    /// assert!(second.join().unwrap_err().is_cancelled());
    /// drop(open);
    /// # first.join().unwrap();
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn cancel(&self) -> bool {
        let task = self.task();
        !task.label().is_left_behind() && task.cancel()
    }

    /// The name it was given with [`TaskBuilder::name`](crate::TaskBuilder::name).
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn name(&self) -> Option<&str> {
        self.task().label().name().map(|name| &**name)
    }

    /// The task was pushed. With the last worker given up meanwhile, nobody may come for what a
    /// guest has brought.
    pub(super) fn heed_end(&self, worker: &Worker) {
        // ORDERING(close): after the fence of `Sleep::posted`; see `Worker::stand_down`.
        if !worker.is_pools_own() && worker.registry().phase() == Phase::Discarding {
            self.cancel();
        }
    }

    /// From now on whoever is to decide about the task from outside does.
    pub(super) fn watch(&self, timer: &Timer) {
        if let Some(extras) = self.task().label().extras() {
            extras.watch(timer);
        }
    }

    fn task(&self) -> &Task<T> {
        self.task.as_ref().expect("there until the handle is dropped")
    }

    fn join_until(mut self, deadline: Option<Instant>) -> Result<Result<T, JoinError>, Self> {
        let Some(mut task) = self.task.take() else { unreachable!("taken by what consumes it") };
        if !task.is_done() {
            if task.label().is_left_behind() {
                return Ok(Err(packet::left_behind(task.label().name().cloned())));
            }
            wait_while_working(&mut task, deadline);
            if !task.is_done() {
                self.task = Some(task);
                return Err(self);
            }
        }
        let (verdict, name) = (task.verdict(), task.label().name().cloned());
        let outcome = task.let_go().expect(POLLED_AGAIN);
        Ok(packet::told(outcome, verdict, name))
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.get_mut().task.as_mut().expect("there until the handle is dropped");
        let name = task.label().name().cloned();
        if !task.is_done() {
            if task.label().is_left_behind() {
                return Poll::Ready(Err(packet::left_behind(name)));
            }
            if !task.wake_when_done(cx.waker().clone()) {
                return Poll::Pending;
            }
        }
        let verdict = task.verdict();
        Poll::Ready(packet::told(task.take().expect(POLLED_AGAIN), verdict, name))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        let Err(mut task) = task.detach() else { return };
        if let Some(outcome) = task.take() {
            // Nobody has heard of it, and now nobody can.
            packet::dispose(outcome, task.label().origin());
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("name", &self.name())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}
