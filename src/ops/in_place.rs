//! `in_place_scope`: a scope whose body stays on the calling thread.

use super::scope::{Home, Scope, scope_on};
use crate::{
    parker::Parker,
    pool::{self, ThreadPool},
    raw::{self, Latch},
    registry::Registry,
    stall::StallCause,
    sync::Arc,
    worker::{Worker, in_section, wait_for},
};

impl ThreadPool {
    /// As [`scope`](Self::scope), but `body` runs on the calling thread in any
    /// case: so neither it nor its result need be `Send`.
    ///
    /// # Where it runs
    ///
    /// `body` on the calling thread; jobs on whichever thread of the pool is free.
    /// The caller is a worker of this pool, or becomes a guest. If all guest seats
    /// are taken, it is neither: then it runs none of the jobs, and `body` is
    /// outside the pool for [`join`](crate::join), [`spawn`](crate::spawn) and the
    /// like.
    ///
    /// # Blocks
    ///
    /// Until `body` and all jobs are done. The thread runs jobs meanwhile; without
    /// a seat only those of other pools that it works for.
    ///
    /// # Panics
    ///
    /// With the panic that was first in time, of `body` or a job, after all
    /// jobs are done. [`Scope::spawn`] panics in a pool without a free seat whose threads
    /// were all [dropped unrun](crate::ThreadBuilder).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let names = Rc::new(["Ada", "Grace"]);
    /// let mut lengths = [0; 2];
    /// let again = pool.in_place_scope(|s| {
    ///     for (length, &name) in lengths.iter_mut().zip(names.iter()) {
    ///         s.spawn(move |_| *length = name.len());
    ///     }
    ///     Rc::clone(&names)
    /// });
    /// assert_eq!((lengths, again.len()), ([3, 5], 2));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn in_place_scope<'scope, R>(&self, body: impl FnOnce(&Scope<'scope>) -> R) -> R {
        self.enter_in_place(|worker| match worker {
            Some(worker) => scope_on(worker, body),
            None => scope_outside(self.registry(), body),
        })
    }
}

/// As [`scope`](crate::scope()), but `body` runs on the calling thread in any case: so
/// neither it nor its result need be `Send`.
///
/// # Where it runs
///
/// As [`ThreadPool::in_place_scope`], on the pool this thread works for, else on
/// the [`global`](crate::global) one.
///
/// # Blocks
///
/// Until `body` and all jobs are done.
///
/// # Panics
///
/// With the panic that was first in time, of `body` or a job.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// let (spawned, mut parts) = (Cell::new(0), [0; 4]);
/// heist::in_place_scope(|s| {
///     for (n, part) in parts.iter_mut().enumerate() {
///         s.spawn(move |_| *part = n * n);
///         spawned.set(spawned.get() + 1);
///     }
/// });
/// assert_eq!((spawned.get(), parts), (4, [0, 1, 4, 9]));
/// ```
pub fn in_place_scope<'scope, R>(body: impl FnOnce(&Scope<'scope>) -> R) -> R {
    Worker::current(|worker| match worker {
        Some(worker) => scope_on(worker, body),
        None => pool::global().in_place_scope(body),
    })
}

/// A scope whose body runs on a thread that has no slot in the pool.
fn scope_outside<'scope, R>(
    registry: &Arc<Registry<Worker>>,
    body: impl FnOnce(&Scope<'scope>) -> R,
) -> R {
    let home = Home { registry: Arc::clone(registry), sections: in_section().into() };
    let parker = Parker::current();
    let why = || StallCause::Scope;
    let wait = |done: &Latch| wait_for(done, &why, &parker, Some(registry), None);
    raw::scope_outside(parker.waker(), wait, home, |ticket| Scope::of(ticket).run(body))
}
