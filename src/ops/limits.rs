//! What may end a task before its own end: a token, a deadline, a time-out.

use std::time::{Duration, Instant};

use super::task::TaskBuilder;
use crate::token::CancellationToken;

impl TaskBuilder<'_> {
    /// Cancels the task with `token`: if it has not started by then it never runs,
    /// and its handle says so at once. While it runs,
    /// [`heist::is_cancelled`](crate::is_cancelled) is true when the token is; it is also true
    /// after the task's [`timeout`](Self::timeout), of which `token` itself does not hear, since
    /// other tasks may have it, too.
    ///
    /// # Where it runs
    ///
    /// The closure of a task that is cancelled is dropped on the thread that cancels
    /// the token, or on a worker that comes to it first; if that was cancelled before, on
    /// the thread that spawns it, or on a worker.
    ///
    /// # Blocks
    ///
    /// Never. A spawn that waits for room in a lane does not hear of the token before
    /// it has room.
    ///
    /// # Examples
    ///
    /// ```
    /// use heist::CancellationToken;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let token = CancellationToken::new();
    /// token.cancel();
    /// let task = pool.task().cancel_token(&token).spawn(|| unreachable!());
    /// assert!(task.join().unwrap_err().is_cancelled());
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn cancel_token(mut self, token: &CancellationToken) -> Self {
        self.extras().token = Some(token.clone());
        self
    }

    /// When the task is to have started: if it has not by then it never runs, and its
    /// handle says [`is_deadline`](crate::JoinError::is_deadline), at that time. One
    /// that has started goes on; a future counts as started when its output is there. It is
    /// counted among the cancelled.
    ///
    /// A thread that waits for room in a spawn waits no longer than that; what is turned away
    /// then counts as rejected: `spawn` drops its closure, `spawn_timeout` gives it back.
    /// `spawn_async` waits on, and its handle says so.
    ///
    /// # Where it runs
    ///
    /// The closure of a task that is late is dropped on the pool's thread
    /// `heist-timer`, or on the worker that comes to it. What blocks on that thread
    /// holds up the pool's other clocks. If the system refuses that thread, the handle
    /// is told when a worker comes to the task; to a future, when that has its output.
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
    /// let pool = heist::ThreadPool::builder().num_threads(1).door_patience(None).build()?;
    /// let (open, gate) = mpsc::channel::<()>();
    /// let busy = pool.spawn(move || gate.recv().is_err());
    /// let soon = Instant::now() + Duration::from_millis(5);
    /// let late = pool.task().deadline(soon).spawn(|| unreachable!("the only worker is busy"));
    /// assert!(late.join().unwrap_err().is_deadline());
    /// drop(open);
    /// # busy.join().unwrap();
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.extras().deadline = Some(deadline);
        self
    }

    /// How long the task may run, from its start. If it still runs then, its handle
    /// says [`is_timeout`](crate::JoinError::is_timeout), and its token is cancelled:
    /// one of its own, a child of that which it was given; the given one is not. The task
    /// runs on to its end, and what it holds, a worker above all, it holds until then; its late
    /// result is dropped there, and a late panic goes where that of a task without a
    /// handle goes. So a task with a time-out asks
    /// [`heist::is_cancelled`](crate::is_cancelled) now and then.
    ///
    /// # Where it runs
    ///
    /// The task's token is cancelled on the pool's thread `heist-timer`. What that drops
    /// or wakes may wait for the handle, which is done by then; but what blocks there
    /// holds up the pool's other clocks. If the system refuses that thread, it is told
    /// at the task's end that it took too long.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let task = pool.task().name("endless").timeout(Duration::from_millis(5));
    /// let error = task.spawn(|| while !heist::is_cancelled() {}).join().unwrap_err();
    /// assert!(error.is_timeout());
    /// assert_eq!(error.to_string(), "task `endless` still ran when its time was over");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.extras().timeout = Some(timeout);
        self
    }
}
