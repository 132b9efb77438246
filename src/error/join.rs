//! `JoinError`: why a task gave no result.

use std::{any::Any, borrow::Cow, error::Error, fmt};

use crate::{sync::Mutex, unwind::Payload};

/// Why a task has no result.
///
/// ```
/// let pool = heist::ThreadPool::new()?;
/// let handle = pool.task().name("parse").spawn(|| -> u32 { panic!("line 3") });
/// let error = handle.join().unwrap_err();
/// assert!(error.is_panic() && !error.is_cancelled());
/// assert_eq!(error.to_string(), "task `parse` panicked: line 3");
/// # Ok::<(), heist::BuildError>(())
/// ```
pub struct JoinError {
    task: Option<Cow<'static, str>>,
    kind: JoinErrorKind,
}

pub(crate) enum JoinErrorKind {
    /// Locked, since a payload can be sent but not shared, and an error ought
    /// to be both.
    Panic(Mutex<Payload>),
    Cancelled,
    Overdue,
    TimedOut,
    Forked,
}

impl JoinErrorKind {
    pub(crate) fn panic(payload: Payload) -> Self {
        JoinErrorKind::Panic(Mutex::new(payload))
    }
}

impl JoinError {
    pub(crate) fn new(task: Option<Cow<'static, str>>, kind: JoinErrorKind) -> Self {
        JoinError { task, kind }
    }

    /// The task ran and panicked.
    ///
    /// ```
    /// let error = heist::spawn(|| panic!("line 3")).join().unwrap_err();
    /// assert!(error.is_panic());
    /// ```
    pub fn is_panic(&self) -> bool {
        matches!(self.kind, JoinErrorKind::Panic(_))
    }

    /// The task never ran: its handle or its token cancelled it, the pool was
    /// closed when it was spawned, or `shutdown_now` dropped it. Or it is a future that was
    /// cancelled before its output was there.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// pool.close();
    /// assert!(pool.spawn(|| ()).join().unwrap_err().is_cancelled());
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, JoinErrorKind::Cancelled)
    }

    /// The task never ran, since it had not started by its
    /// [`deadline`](crate::TaskBuilder::deadline).
    ///
    /// ```
    /// let past = std::time::Instant::now();
    /// let error = heist::global().task().deadline(past).spawn(|| ()).join().unwrap_err();
    /// assert!(error.is_deadline() && !error.is_cancelled());
    /// ```
    pub fn is_deadline(&self) -> bool {
        matches!(self.kind, JoinErrorKind::Overdue)
    }

    /// The task still ran when its [`timeout`](crate::TaskBuilder::timeout) was over.
    /// It runs on to its end.
    ///
    /// ```
    /// let task = heist::global().task().timeout(std::time::Duration::from_millis(1));
    /// let handle = task.spawn(|| while !heist::is_cancelled() {});
    /// assert!(handle.join().unwrap_err().is_timeout());
    /// ```
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, JoinErrorKind::TimedOut)
    }

    /// This process was forked off since the task was spawned: the task, with
    /// the threads that may run it, is in the parent process.
    ///
    /// ```
    /// let error = heist::spawn(|| panic!("line 3")).join().unwrap_err();
    /// assert!(!error.is_forked());
    /// ```
    pub fn is_forked(&self) -> bool {
        matches!(self.kind, JoinErrorKind::Forked)
    }

    /// The value that the task panicked with, for `std::panic::resume_unwind`.
    ///
    /// # Panics
    ///
    /// If the task did not panic; see [`is_panic`](Self::is_panic).
    ///
    /// # Examples
    ///
    /// ```
    /// let error = heist::spawn(|| panic!("line 3")).join().unwrap_err();
    /// assert_eq!(error.into_panic().downcast_ref(), Some(&"line 3"));
    /// ```
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self.kind {
            JoinErrorKind::Panic(payload) => payload.into_inner(),
            JoinErrorKind::Cancelled => panic!("into_panic on a task that was cancelled"),
            JoinErrorKind::Overdue => panic!("into_panic on a task that was not started in time"),
            JoinErrorKind::TimedOut => panic!("into_panic on a task that timed out"),
            JoinErrorKind::Forked => panic!("into_panic on a task of the parent process"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(name) => write!(f, "task `{name}` ")?,
            None => f.write_str("task ")?,
        }
        let payload = match &self.kind {
            JoinErrorKind::Panic(payload) => payload.lock(),
            JoinErrorKind::Cancelled => return f.write_str("was cancelled"),
            JoinErrorKind::Overdue => return f.write_str("had not started by its deadline"),
            JoinErrorKind::TimedOut => return f.write_str("still ran when its time was over"),
            JoinErrorKind::Forked => {
                return f.write_str("is in the parent process: this one was forked off since");
            }
        };
        let text = payload.downcast_ref::<&'static str>().copied();
        match text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)) {
            Some(message) => write!(f, "panicked: {message}"),
            None => f.write_str("panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl Error for JoinError {}
