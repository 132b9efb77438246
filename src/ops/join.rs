//! `join`: two closures, one of them here.

use crate::{pool::ThreadPool, raw, worker::Worker};

impl ThreadPool {
    /// Runs `a` and `b`, in parallel if a worker is free, and returns both
    /// results.
    ///
    /// While nobody is short of work this costs about as much as two calls.
    ///
    /// # Where it runs
    ///
    /// `a` on the calling thread: a worker of this pool, or an outside thread,
    /// which becomes a guest; `b` there too, after `a`, or on the thread that
    /// has stolen it meanwhile. If all guest seats are taken, `a` runs on one of the
    /// pool's own threads.
    ///
    /// # Blocks
    ///
    /// Until both are done. If `b` was stolen the thread runs other jobs
    /// meanwhile, and sleeps if there are none.
    ///
    /// # Panics
    ///
    /// With the panic of `a` or `b`; with that of `a` if both panic. `b` runs
    /// exactly once in any case, and a result already made is dropped. If it runs here after
    /// a panic of `a`, that panic is under way meanwhile: [`std::thread::panicking`] is true.
    /// While a panic is under way, a wait for the other half of a `join` runs no stranger's task of
    /// this pool; a stand-in may come for those that lie with the thread, as during
    /// [`blocking`](crate::blocking).
    ///
    /// # Examples
    ///
    /// ```
    /// fn sum(pool: &heist::ThreadPool, numbers: &[u64]) -> u64 {
    ///     let (left, right) = match numbers {
    ///         [] => return 0,
    ///         &[one] => return one,
    ///         more => more.split_at(more.len() / 2),
    ///     };
    ///     let (a, b) = pool.join(|| sum(pool, left), || sum(pool, right));
    ///     a + b
    /// }
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let numbers: Vec<u64> = (1..=1000).collect();
    /// assert_eq!(sum(&pool, &numbers), 500_500);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    #[inline]
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        self.enter(|worker: &Worker| raw::fork_join(worker, a, b))
    }
}
