//! `broadcast`: the same closure once on every worker.

use crate::{
    pool::ThreadPool,
    raw::{self, LatchOf},
    unwind,
    worker::Worker,
};

/// Which of the workers a [`broadcast`](ThreadPool::broadcast) closure runs on.
///
/// ```
/// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
/// let seen = pool.broadcast(|cx| (cx.index(), cx.num_threads()));
/// assert_eq!(seen, [(0, 2), (1, 2)]);
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastContext {
    index: usize,
    num_threads: usize,
}

impl BroadcastContext {
    /// This worker's number, below `num_threads`.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
    /// assert_eq!(pool.broadcast(|cx| cx.index()), [0, 1]);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many workers the pool has: so many the closure runs on, but for those whose
    /// [`ThreadBuilder`](crate::ThreadBuilder) was dropped.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(2).build()?;
    /// assert_eq!(pool.broadcast(|cx| cx.num_threads()), [2, 2]);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn num_threads(&self) -> usize {
        self.num_threads
    }
}

impl ThreadPool {
    /// Runs `f` once on every worker and returns the results in their order.
    ///
    /// # Where it runs
    ///
    /// On every worker of the pool: between two jobs, or while it waits. A worker
    /// whose [`ThreadBuilder`](crate::ThreadBuilder) was dropped has no result.
    ///
    /// # Blocks
    ///
    /// Until it has run everywhere, so at least until the longest job that is
    /// running now is done or waits. The calling thread runs jobs meanwhile.
    ///
    /// # Panics
    ///
    /// With the panic that was first in time, after it has run everywhere.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(3).build()?;
    /// assert_eq!(pool.broadcast(|cx| cx.index() * 10), [0, 10, 20]);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn broadcast<R: Send>(&self, f: impl Fn(BroadcastContext) -> R + Sync) -> Vec<R> {
        let num_threads = self.num_threads();
        let mut results: Vec<Option<R>> = (0..num_threads).map(|_| None).collect();
        let f = &f;
        let slots = &mut results;
        let run = move |worker: &Worker| {
            raw::scope(worker, LatchOf::Broadcast, (), |ticket| {
                let present = worker.registry().attendance.present();
                for (index, slot) in slots.iter_mut().enumerate() {
                    if !present.has(index) {
                        continue;
                    }
                    let cx = BroadcastContext { index, num_threads };
                    let job = ticket.job(Some(worker), move |ticket| {
                        *slot = ticket.guard(|| f(cx));
                        ticket
                    });
                    worker.send_to(index, job);
                }
                drop(present);
                (Some(()), ticket)
            });
        };
        if let Err(payload) = unwind::catch(|| self.enter(run)) {
            // One by one: a destructor may panic.
            results.into_iter().for_each(unwind::discard);
            unwind::resume(payload);
        }
        results.into_iter().flatten().collect()
    }
}
