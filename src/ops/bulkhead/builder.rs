//! How a bulkhead is made.

use std::{borrow::Cow, fmt};

use super::{Bulkhead, core::Core};
use crate::{
    error::{BuildError, BuildErrorKind},
    pool::ThreadPool,
    registry::Registry,
    sync::Arc,
    worker::Worker,
};

/// The most that `limit` and `queue` may be.
const MOST: usize = u32::MAX as usize / 2;

impl ThreadPool {
    /// Begins a [`Bulkhead`] of this name.
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
    /// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
    /// let users = pool.bulkhead("users").limit(10).queue(100).build()?;
    /// let payments = pool.bulkhead("payments").limit(5).queue(50).build()?;
    /// let (user, payment) = (users.spawn(|| "ada"), payments.spawn(|| 42));
    /// assert_eq!((user.join().unwrap(), payment.join().unwrap()), ("ada", 42));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn bulkhead(&self, name: impl Into<Cow<'static, str>>) -> BulkheadBuilder<'_> {
        BulkheadBuilder { registry: self.registry(), name: name.into(), limit: 1, queue: 1024 }
    }
}

/// Options of one [`Bulkhead`], made by [`ThreadPool::bulkhead`].
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// let refused = pool.bulkhead("payments").limit(0).build().unwrap_err();
/// assert!(refused.is_config());
/// assert_eq!(refused.to_string(), "bulkhead limit is 0, allowed is 1..=2147483647");
/// # Ok::<(), heist::BuildError>(())
/// ```
#[must_use = "a bulkhead is made by `build`"]
pub struct BulkheadBuilder<'p> {
    registry: &'p Arc<Registry<Worker>>,
    name: Cow<'static, str>,
    limit: usize,
    queue: usize,
}

impl BulkheadBuilder<'_> {
    /// How many of its tasks may run at once; one if not said. More than the pool has
    /// workers limits only tasks that block, in [`blocking`](crate::blocking) sections.
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn limit(mut self, tasks: usize) -> Self {
        self.limit = tasks;
        self
    }

    /// How many may wait while so many run; 1024 if not said. It may be zero: then a
    /// task is accepted only if it may run. What tasks of the pool itself bring beyond that is not
    /// counted here: it is queued before what is accepted later.
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn queue(mut self, tasks: usize) -> Self {
        self.queue = tasks;
        self
    }

    /// The bulkhead; closed from the start if the pool is.
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Errors
    ///
    /// If the limit is zero, or one of the two is more than 2147483647.
    pub fn build(self) -> Result<Bulkhead, BuildError> {
        let check = |field, value: usize, allowed, ok| {
            let kind = BuildErrorKind::Config { field, value: value.to_string(), allowed };
            if ok { Ok(()) } else { Err(BuildError::new(kind)) }
        };
        let (limit, queue) = (self.limit, self.queue);
        check("bulkhead limit", limit, "1..=2147483647", (1..=MOST).contains(&limit))?;
        check("bulkhead queue", queue, "0..=2147483647", queue <= MOST)?;
        let core = Core::new(self.name, limit, queue, self.registry);
        Ok(Bulkhead { core, registry: Arc::clone(self.registry) })
    }
}

impl fmt::Debug for BulkheadBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadBuilder")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
