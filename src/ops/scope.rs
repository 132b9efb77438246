//! `scope`: spawn jobs that borrow.

use std::fmt;

use crate::{
    pool::ThreadPool,
    raw::{self, LatchOf, Ticket},
    registry::Registry,
    sync::Arc,
    worker::Worker,
};

struct Home {
    registry: Arc<Registry<Worker>>,
    /// Was it opened in an isolated section?
    isolated: bool,
}

/// Spawns jobs that may borrow anything that outlives `'scope`.
///
/// Made by [`ThreadPool::scope`] and [`scope`](crate::scope), which return
/// when every job is done.
pub struct Scope<'scope> {
    ticket: Ticket<'scope, Home>,
}

impl ThreadPool {
    /// Runs `body`, which may spawn jobs that borrow from the caller's frame,
    /// and returns its result when all of those jobs are done.
    ///
    /// # Where it runs
    ///
    /// `body` on the calling thread: a worker of this pool, or an outside
    /// thread, which becomes a guest; jobs on whichever thread of the pool is
    /// free. If all guest seats are taken, `body` runs on a worker.
    ///
    /// # Blocks
    ///
    /// Until `body` and all jobs are done. The thread runs jobs meanwhile, and
    /// sleeps if there are none.
    ///
    /// # Panics
    ///
    /// With the panic that was first in time, of `body` or a job, after all
    /// jobs are done.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let text = String::from("to be or not to be");
    /// let (mut words, mut letters) = (0, 0);
    /// pool.scope(|s| {
    ///     s.spawn(|_| words = text.split(' ').count());
    ///     s.spawn(|_| letters = text.chars().filter(|c| c.is_alphabetic()).count());
    /// });
    /// assert_eq!((words, letters), (6, 13));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn scope<'scope, R: Send>(&self, body: impl FnOnce(&Scope<'scope>) -> R + Send) -> R {
        self.enter(|worker| scope_on(worker, body))
    }
}

/// A scope whose body runs on `worker`, the current one.
pub(super) fn scope_on<'scope, R>(worker: &Worker, body: impl FnOnce(&Scope<'scope>) -> R) -> R {
    let home = Home { registry: Arc::clone(worker.registry()), isolated: worker.in_section() };
    raw::scope(worker, LatchOf::Scope, home, |ticket| {
        let scope = Scope { ticket };
        let result = scope.ticket.guard(|| body(&scope));
        (result, scope.ticket)
    })
}

impl<'scope> Scope<'scope> {
    /// Spawns a job into this scope. It gets the scope, to spawn more.
    ///
    /// Needs no permit: a scope is part of a task, not a task, and whoever
    /// opened it waits for it.
    ///
    /// # Where it runs
    ///
    /// On any thread of the pool, in no order that is promised; unless somebody
    /// steals it, on the thread that spawned it, the newest job first.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// The call does not. A panic in the job is raised by
    /// [`ThreadPool::scope`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let leaves = AtomicUsize::new(0);
    /// fn grow<'s>(scope: &heist::Scope<'s>, leaves: &'s AtomicUsize, height: u32) {
    ///     if height == 0 {
    ///         leaves.fetch_add(1, Ordering::Relaxed);
    ///         return;
    ///     }
    ///     for _ in 0..2 {
    ///         scope.spawn(move |scope| grow(scope, leaves, height - 1));
    ///     }
    /// }
    /// pool.scope(|scope| grow(scope, &leaves, 5));
    /// assert_eq!(leaves.into_inner(), 32);
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        let home = self.ticket.extra();
        Worker::of(&home.registry, |worker| {
            let job = self.ticket.job(worker, move |ticket| {
                let scope = Scope { ticket };
                scope.ticket.guard(|| f(&scope));
                scope.ticket
            });
            let owner = self.ticket.owner();
            match worker {
                // Its owner looks nowhere but at its own, and at its thieves'.
                _ if home.isolated && !worker.is_some_and(|worker| worker.sees_to(owner)) => {
                    home.registry.send(owner, job.isolate());
                }
                Some(worker) => worker.push_scoped(owner, job),
                // A thread of another pool, or of none, that borrowed the scope.
                None => home.registry.push_stray(owner, job),
            }
        });
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
