//! The option that makes a pool look after its own stalls.

use std::time::Duration;

use super::ThreadPoolBuilder;
use crate::stall::Stall;

impl<S> ThreadPoolBuilder<S> {
    /// Called when a thread of the pool has stalled: has waited for `after` or longer, or
    /// has had one task, or one poll of a future, in hand so long. Default: nobody
    /// looks, which costs nothing.
    ///
    /// It is told each wait once, while that lasts, and each task and each poll once:
    /// what a thread of the pool joins, the end of a join, a scope or a loop, a
    /// broadcast, an [`install`](crate::ThreadPool::install), and the room or the end of
    /// another pool. Of outside threads, those that wait for room at this pool's
    /// entrance, for a closure that its threads are to run, for the jobs of a scope or the handle
    /// of one, or for the pool's end; a thread of another pool that waits for this one is that
    /// pool's to tell of. The time of
    /// a task goes on only while it has its thread to itself: not while it waits in the
    /// pool, nor in a [`blocking`](crate::blocking) section, and after each of those it
    /// begins anew. So a task is told that blocks its worker behind the pool's back, by a
    /// socket or a lock, or keeps it in one long computation. Jobs of scopes, joins
    /// and loops are not looked at by themselves; who waits for them is.
    ///
    /// It is called on the pool's timer thread, which starts when first needed (if the
    /// system refuses that, nobody looks), and is to return soon: deadlines and
    /// time-outs of the pool wait for it. A panic in it goes to the panic handler.
    /// After a [`shutdown`](crate::ThreadPool::shutdown) that has waited for the threads it is
    /// not called, nor in the child of a fork(2). While it is set, a task and a wait that is not over at once each cost
    /// some hundred nanoseconds more. `after` is longer than zero.
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    /// use heist::StallCause;
    ///
    /// let (say, heard) = mpsc::channel();
    /// let builder = heist::ThreadPool::builder().num_threads(2);
    /// let builder = builder.stall_handler(Duration::from_millis(10), move |stall| {
    ///     eprintln!("{stall}");
    ///     let _ = say.send(stall.clone());
    /// });
    /// let pool = builder.build()?;
    ///
    /// // A future that blocks a worker, instead of awaiting.
    /// let (open, gate) = mpsc::channel::<()>();
    /// let blocks = pool.task().name("poll").spawn_future(async move { gate.recv().is_err() });
    /// let stall = heard.recv().unwrap();
    /// assert_eq!((stall.task(), stall.cause()), (Some("poll"), &StallCause::Running));
    /// assert!(stall.elapsed() >= Duration::from_millis(10));
    /// drop(open);
    /// assert!(blocks.join().unwrap());
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn stall_handler(
        mut self,
        after: Duration,
        f: impl Fn(&Stall) + Send + Sync + 'static,
    ) -> Self {
        self.config.stalls = Some((after, Box::new(f)));
        self
    }
}
