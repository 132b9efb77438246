//! `scope`: spawn jobs that borrow.

use std::fmt;

use crate::{
    attendance::Present,
    pool::ThreadPool,
    process::LEFT_BEHIND,
    raw::{self, JobRef, LatchOf, Ticket},
    registry::Registry,
    sync::Arc,
    worker::{Worker, in_section},
};

/// What a scope was opened with.
pub(super) struct Home {
    pub(super) registry: Arc<Registry<Worker>>,
    /// The isolated sections that it was opened in, one inside another.
    pub(super) sections: usize,
}

type Ends<'scope> = Ticket<'scope, Home>;

/// Spawns jobs that may borrow anything that outlives `'scope`.
///
/// Made by [`ThreadPool::scope`] and [`scope`](crate::scope), which return
/// when every job is done.
pub struct Scope<'scope> {
    ticket: Ends<'scope>,
}

impl ThreadPool {
    /// Runs `body`, which may spawn jobs that borrow from the caller's frame,
    /// and returns its result when all of those jobs are done.
    ///
    /// # Where it runs
    ///
    /// `body` on the calling thread: a worker of this pool, or an outside
    /// thread, which becomes a guest; jobs on whichever thread of the pool is
    /// free. If all guest seats are taken, `body` runs on one of the pool's own threads.
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
    let home =
        Home { registry: Arc::clone(worker.registry()), sections: worker.isolated_sections() };
    raw::scope(worker, LatchOf::Scope, home, |ticket| Scope::of(ticket).run(body))
}

impl<'scope> Scope<'scope> {
    pub(super) fn of(ticket: Ends<'scope>) -> Self {
        Scope { ticket }
    }

    pub(super) fn ticket(&self) -> &Ends<'scope> {
        &self.ticket
    }

    pub(super) fn into_ticket(self) -> Ends<'scope> {
        self.ticket
    }

    /// Runs `f`, none if it panics, and gives the ticket back.
    pub(super) fn run<R>(self, f: impl FnOnce(&Self) -> R) -> (Option<R>, Ends<'scope>) {
        let result = self.ticket.guard(|| f(&self));
        (result, self.ticket)
    }

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
    /// In the child of a fork, and [in place](ThreadPool::in_place_scope) in a pool that has lost
    /// all its threads. A panic in the job is raised by [`ThreadPool::scope`].
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
        self.push(|worker| self.ticket.job(worker, |ticket| Scope::of(ticket).run(f).1));
    }

    /// Pushes a job that `make` makes on the worker that this thread is, if any.
    #[inline]
    pub(super) fn push(&self, make: impl FnOnce(Option<&Worker>) -> JobRef<Worker>) {
        let (home, owner) = (self.ticket.extra(), self.ticket.owner());
        let registry = &home.registry;
        // Whoever takes it is as strict as who made it.
        let mark = |job: JobRef<Worker>| if in_section() { job.isolate() } else { job };
        Worker::of(registry, |worker| match worker {
            // Its frame, and whoever would take the job, are in the parent only.
            None if !registry.process.is_current() => panic!("{LEFT_BEHIND}"),
            // Its owner looks nowhere but at its own, and at its thieves'.
            _ if home.sections > 0 && !worker.is_some_and(|worker| worker.sees_to(owner)) => {
                let _present = self.present();
                let job = make(worker).isolate();
                match owner {
                    Some(owner) => registry.send_inside(owner, home.sections, job),
                    None => registry.push_stray(None, job),
                }
            }
            Some(worker) if worker.leaves_to_others(owner) => {
                let _present = self.present();
                registry.push_stray(owner, mark(make(Some(worker))));
            }
            Some(worker) => worker.push(make(Some(worker))),
            // A thread of another pool, or of none, that borrowed the scope.
            None => {
                let _present = self.present();
                registry.push_stray(owner, mark(make(None)));
            }
        });
    }

    /// Of a scope whose owner is outside, only workers take what is sent: some are
    /// there as long as this is held.
    fn present(&self) -> Option<Present<'_>> {
        if self.ticket.owner().is_some() {
            return None;
        }
        let present = self.ticket.extra().registry.attendance.present();
        present.assert_anybody();
        Some(present)
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
