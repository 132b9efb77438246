//! What a bulkhead says of itself.

use std::{fmt, time::Duration};

/// A snapshot of a [`Bulkhead`](crate::Bulkhead)'s counts, as a line of a table.
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// let payments = pool.bulkhead("payments").limit(5).queue(100).build()?;
/// payments.spawn(|| ()).join().unwrap();
/// let metrics = payments.metrics();
/// assert_eq!((metrics.accepted, metrics.completed, metrics.rejected), (1, 1, 0));
/// assert!(metrics.to_string().starts_with("payments: 0 of 5 running, 0 of 100 queued"));
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkheadMetrics {
    /// Its name.
    pub name: String,
    /// Tasks that may run at once.
    pub limit: usize,
    /// Tasks that may be queued while so many run.
    pub queue: usize,
    /// Tasks that run now.
    pub running: usize,
    /// Tasks that are queued now, and those that run since a worker joined them in the queue.
    pub queued: usize,
    /// The most that were `queued` at once.
    pub high_water: usize,
    /// The most that ran at once: never more than `limit`.
    pub most_running: usize,
    /// Tasks that were accepted, so far.
    pub accepted: u64,
    /// Tasks that were sent away, since it was full or closed.
    pub rejected: u64,
    /// Tasks that ran to their end.
    pub completed: u64,
    /// Tasks that panicked.
    pub panicked: u64,
    /// How long the oldest of those `queued` has been there.
    pub oldest_wait: Duration,
}

impl fmt::Display for BulkheadMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BulkheadMetrics { name, limit, queue, running, queued, .. } = self;
        write!(f, "{name}: {running} of {limit} running, {queued} of {queue} queued ")?;
        write!(f, "(most {} and {}), ", self.most_running, self.high_water)?;
        write!(f, "{} accepted, {} rejected, ", self.accepted, self.rejected)?;
        write!(f, "{} completed, {} panicked, ", self.completed, self.panicked)?;
        write!(f, "oldest wait {:?}", self.oldest_wait)
    }
}
