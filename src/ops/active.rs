//! `set_active_threads`: how many of the workers work.

use crate::{error::OutOfRange, pool::ThreadPool};

impl ThreadPool {
    /// Makes the pool smaller or larger, from 1 to all of its
    /// [`num_threads`](Self::num_threads), at any time and from anywhere.
    ///
    /// Workers numbered below `n` work; the others rest, each as soon as the job
    /// it is at is done: between jobs at the bottom of its stack, and so without
    /// any lock a job holds. Nothing is lost: what lies in a resting worker's deque
    /// is stolen by those that work, and a share in a
    /// [`broadcast`](Self::broadcast) it still runs itself. A resting worker takes no
    /// processor time. Threads that a dropped
    /// [`ThreadBuilder`](crate::ThreadBuilder) leaves the pool without do not count.
    ///
    /// `num_threads`, and the numbers of the workers, stay as they are; guests and
    /// stand-ins come and go as before.
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never; whoever is to rest, and is at work, does so later.
    ///
    /// # Panics
    ///
    /// In the child of a fork, where none of the threads are.
    ///
    /// # Errors
    ///
    /// If `n` is zero, or more than `num_threads`. Nothing changes then.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(4).build()?;
    /// pool.set_active_threads(1)?;
    /// assert_eq!(pool.active_threads(), 1);
    /// assert_eq!(pool.spawn(|| 6 * 7).join()?, 42);
    ///
    /// let refused = pool.set_active_threads(9).unwrap_err();
    /// assert_eq!(refused.to_string(), "active_threads is 9, allowed is 1..=4");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_active_threads(&self, n: usize) -> Result<(), OutOfRange> {
        self.assert_present();
        let allowed = 1..=self.num_threads();
        if !allowed.contains(&n) {
            return Err(OutOfRange::new("active_threads", n, allowed));
        }
        self.registry().change_active(|_| n);
        Ok(())
    }

    /// How many workers are to work: what
    /// [`set_active_threads`](Self::set_active_threads) was told last, or
    /// [`follow_cpu_quota`](crate::ThreadPoolBuilder::follow_cpu_quota) has found since; else
    /// all.
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
    /// assert_eq!(pool.active_threads(), 2);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn active_threads(&self) -> usize {
        self.registry().staff.active()
    }
}
