//! `install`: run a closure on one of the pool's own threads.

use crate::{pool::ThreadPool, worker::Worker};

impl ThreadPool {
    /// Runs `f` on one of the pool's own threads and returns its result.
    ///
    /// For what needs the threads' stack size, thread-locals or names. For
    /// parallel work from outside, [`join`](Self::join), [`scope`](Self::scope)
    /// and the loops are quicker called directly: they work on the calling
    /// thread instead of waiting for another.
    ///
    /// While a thread of the pool is in a [blocking section](crate::blocking), the thread may be
    /// a stand-in, which has the stack size, but not a worker's name and number, nor what a
    /// [`start_handler`](crate::ThreadPoolBuilder::start_handler) sets up. For those there is
    /// [`broadcast`](Self::broadcast), or
    /// [`max_stand_ins(0)`](crate::ThreadPoolBuilder::max_stand_ins).
    ///
    /// # Where it runs
    ///
    /// On the calling thread if it is the pool's own: a worker or a stand-in; else on a
    /// worker that is free or waits, or on a stand-in for one that blocks: mostly before tasks
    /// that wait at the entrance, and on the stand-in that serves those only while its task waits
    /// or yields.
    ///
    /// # Blocks
    ///
    /// Until `f` is done. A guest of this pool, or a worker of another, runs
    /// jobs of the pools it works for meanwhile.
    ///
    /// # Panics
    ///
    /// With the panic of `f`. In the child of a fork; and if every
    /// [`ThreadBuilder`](crate::ThreadBuilder) was dropped unrun, so that nobody is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
    /// let index = pool.install(heist::current_thread_index);
    /// assert!(index.unwrap() < 2);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        let here = Worker::of(self.registry(), |worker| worker.is_some_and(Worker::is_pools_own));
        if here {
            return self.enter(|_| f());
        }
        self.hand_over(|_| f())
    }
}
