//! What can be refused, and how it says so.

mod join;

use std::{error::Error, fmt, io, ops::RangeInclusive};

pub use self::join::JoinError;
pub(crate) use self::join::JoinErrorKind;

/// Why a pool could not be built.
///
/// The message names the field, the value and what is allowed; or which thread
/// of how many the system refused, with its reason as [`source`](Error::source).
///
/// ```
/// let refused = heist::ThreadPool::builder().num_threads(0).build().unwrap_err();
/// assert!(refused.is_config());
/// assert!(!refused.is_thread() && !refused.is_global_exists());
/// assert_eq!(refused.to_string(), "num_threads is 0, allowed is 1..=16384");
/// ```
pub struct BuildError(BuildErrorKind);

pub(crate) enum BuildErrorKind {
    Config { field: &'static str, value: String, allowed: &'static str },
    Thread { index: usize, of: usize, cause: io::Error },
    GlobalExists,
}

impl BuildError {
    pub(crate) fn new(kind: BuildErrorKind) -> Self {
        BuildError(kind)
    }

    /// A builder option has a value that is not allowed.
    ///
    /// ```
    /// let builder = heist::ThreadPool::builder().injector_capacity(0);
    /// assert!(builder.build().unwrap_err().is_config());
    /// ```
    pub fn is_config(&self) -> bool {
        matches!(self.0, BuildErrorKind::Config { .. })
    }

    /// A thread could not be started. Those that were are stopped again.
    ///
    /// ```
    /// let refuse = |_| Err(std::io::Error::other("no more threads"));
    /// let builder = heist::ThreadPool::builder().spawn_handler(refuse);
    /// assert!(builder.build().unwrap_err().is_thread());
    /// ```
    pub fn is_thread(&self) -> bool {
        matches!(self.0, BuildErrorKind::Thread { .. })
    }

    /// The global pool was started before, by `build_global` or by its first use.
    ///
    /// ```
    /// let build = || heist::ThreadPool::builder().num_threads(1).build_global();
    /// build()?;
    /// assert!(build().unwrap_err().is_global_exists());
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn is_global_exists(&self) -> bool {
        matches!(self.0, BuildErrorKind::GlobalExists)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            BuildErrorKind::Config { field, value, allowed } => {
                write!(f, "{field} is {value}, allowed is {allowed}")
            }
            BuildErrorKind::Thread { index, of, cause } => {
                let nth = index + 1;
                write!(f, "could not start thread {nth} of {of} (worker {index}): {cause}")
            }
            BuildErrorKind::GlobalExists => {
                write!(f, "the global pool has been started already, it can be built once")
            }
        }
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildError({self})")
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            BuildErrorKind::Thread { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// A number that is not allowed, where a pool is changed while it runs.
///
/// The message names the field, the value and what is allowed.
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
/// let refused = pool.set_active_threads(0).unwrap_err();
/// assert_eq!((refused.value(), refused.allowed()), (0, 1..=2));
/// assert_eq!(refused.to_string(), "active_threads is 0, allowed is 1..=2");
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    field: &'static str,
    value: usize,
    allowed: RangeInclusive<usize>,
}

impl OutOfRange {
    pub(crate) fn new(field: &'static str, value: usize, allowed: RangeInclusive<usize>) -> Self {
        OutOfRange { field, value, allowed }
    }

    /// What was asked for.
    ///
    /// ```
    /// let refused = heist::global().set_active_threads(0).unwrap_err();
    /// assert_eq!(refused.value(), 0);
    /// ```
    pub fn value(&self) -> usize {
        self.value
    }

    /// What may be asked for.
    ///
    /// ```
    /// let refused = heist::global().set_active_threads(0).unwrap_err();
    /// assert_eq!(refused.allowed(), 1..=heist::global().num_threads());
    /// ```
    pub fn allowed(&self) -> RangeInclusive<usize> {
        self.allowed.clone()
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfRange { field, value, allowed } = self;
        write!(f, "{field} is {value}, allowed is {allowed:?}")
    }
}

impl Error for OutOfRange {}

/// Why a task was not accepted. The closure comes back, unrun and whole.
///
/// ```
/// use heist::{ThreadPool, TrySpawnError};
///
/// let pool = ThreadPool::new()?;
/// pool.close();
/// match pool.try_spawn(|| 6 * 7) {
///     Ok(_) => unreachable!("the pool is closed"),
///     Err(TrySpawnError::Full(_)) => unreachable!("there is room"),
///     Err(TrySpawnError::Closed(f)) => assert_eq!(f(), 42),
/// }
/// let refused = pool.try_spawn(|| 6 * 7).unwrap_err();
/// assert!(refused.is_closed() && !refused.is_full());
/// # Ok::<(), heist::BuildError>(())
/// ```
pub enum TrySpawnError<F> {
    /// There was no room, in the lane, the bulkhead or the queue of the key, for as long as
    /// the caller would wait.
    Full(F),
    /// The pool takes no more tasks.
    Closed(F),
}

impl<F> TrySpawnError<F> {
    /// The closure or future that was refused.
    ///
    /// ```
    /// let refused = heist::TrySpawnError::Full(|| 6 * 7);
    /// assert_eq!(refused.into_inner()(), 42);
    /// ```
    pub fn into_inner(self) -> F {
        match self {
            TrySpawnError::Full(f) | TrySpawnError::Closed(f) => f,
        }
    }

    /// Was there no room? A later try may succeed.
    ///
    /// ```
    /// assert!(heist::TrySpawnError::Full(|| 6 * 7).is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, TrySpawnError::Full(_))
    }

    /// Is the pool closed? No later try will succeed.
    ///
    /// ```
    /// assert!(heist::TrySpawnError::Closed(|| 6 * 7).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        matches!(self, TrySpawnError::Closed(_))
    }
}

impl<F> fmt::Debug for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "Full(..)" } else { "Closed(..)" })
    }
}

impl<F> fmt::Display for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySpawnError::Full(_) => "no room for another task",
            TrySpawnError::Closed(_) => "the pool is closed",
        })
    }
}

impl<F> Error for TrySpawnError<F> {}

/// The pool did not finish in the time it was given; its threads go on.
///
/// ```
/// use std::{sync::mpsc, time::Duration};
///
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// let (open, gate) = mpsc::channel::<()>();
/// pool.spawn(move || gate.recv());
/// let late = pool.shutdown_timeout(Duration::ZERO).unwrap_err();
/// assert_eq!(late.to_string(), "shutdown timed out with 1 unfinished tasks");
/// # drop(open);
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownTimeout {
    unfinished: usize,
}

impl ShutdownTimeout {
    pub(crate) fn new(unfinished: usize) -> Self {
        ShutdownTimeout { unfinished }
    }

    /// How many tasks were still queued or running when the time was over.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// let (open, gate) = std::sync::mpsc::channel::<()>();
    /// pool.spawn(move || gate.recv());
    /// let late = pool.shutdown_timeout(std::time::Duration::ZERO);
    /// assert_eq!(late.unwrap_err().unfinished(), 1);
    /// # drop(open);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }
}

impl fmt::Display for ShutdownTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shutdown timed out with {} unfinished tasks", self.unfinished)
    }
}

impl Error for ShutdownTimeout {}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_build_error_is_of_one_kind_and_says_which() {
        let config = BuildErrorKind::Config { field: "f", value: "v".to_string(), allowed: "a" };
        let thread = BuildErrorKind::Thread { index: 2, of: 5, cause: io::Error::other("none") };
        let kinds = [config, thread, BuildErrorKind::GlobalExists];
        let texts = [
            "f is v, allowed is a",
            "could not start thread 3 of 5 (worker 2): none",
            "the global pool has been started already, it can be built once",
        ];
        for (nth, (kind, text)) in kinds.into_iter().zip(texts).enumerate() {
            let error = BuildError::new(kind);
            let is = [error.is_config(), error.is_thread(), error.is_global_exists()];
            assert_eq!(is, [0, 1, 2].map(|kind| kind == nth));
            assert_eq!(error.to_string(), text);
            assert_eq!(format!("{error:?}"), format!("BuildError({text})"));
            let cause = error.source().map(|cause| cause.to_string());
            assert_eq!(cause.as_deref(), (nth == 1).then_some("none"));
        }
    }
}
