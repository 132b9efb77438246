//! `isolated`: waits that run nothing but what was made inside.

use crate::{pool::ThreadPool, worker};

/// Runs `f`, in which every wait runs only what was forked, spawned or put into a
/// scope inside `f`: never a stranger's job, nor an older one of this thread.
///
/// A thread that waits in a `join`, a scope, a loop, or for a handle, may otherwise run
/// any job of its pool, and one that wants a lock which the thread itself
/// holds never ends. In here a lock may be held across such a wait, if only what runs
/// inside `f` does not want it. The same holds for a `RefCell` borrow in a thread-local
/// and for the closure of a `OnceLock`.
///
/// Other threads steal from here as ever. A thread that runs what it stole from
/// inside `f` is as strict: it waits for a part of `f`, and might run into the lock,
/// too. A section may be inside another; the inner one counts.
///
/// Each job of [`Scope::spawn_handle`](crate::Scope::spawn_handle) runs in a section of its own.
///
/// What it costs: nothing at a fork. A thread whose fork was stolen helps its
/// thief with that, while that is in no section inside, or sleeps, though there may be other
/// work in the pool; so hold the section as short as the lock.
///
/// What it cannot save:
///
/// - what runs inside `f` wants the lock itself;
/// - `f` waits for what was spawned outside, and that wants the lock (its handle may be
///   joined here, and it runs here if it has not started);
/// - [`broadcast`](crate::ThreadPool::broadcast) needs every worker, also one that
///   blocks on the lock; it is run in the waits of other sections, too, in a section of its
///   own;
/// - [`install`](crate::ThreadPool::install), called in a section by a guest or from
///   another pool, and any verb of a caller without a free seat, needs a worker or stand-in that is
///   neither in an isolated wait nor at the lock;
/// - a task spawned inside that runs when `f` has ended has a section of its own: in it only
///   what it has made itself is run, not what lies in its thread's queue from `f`, which others
///   may be too busy for; to join that runs it all the same, but not to await it in a future;
/// - a task spawned inside whose handle is joined in another section, or that is run in a wait of a section
///   around `f` when that has ended, may run as a part of that: its waits run what was made there, which
///   may want the lock;
/// - a task spawned inside may have to wait for older ones of its key, its bulkhead or
///   its lane; the thread that joins it may run those of its key first, and any of them
///   may want the lock;
/// - what is waited for inside [`blocking`](crate::blocking), on a channel, say, is
///   for others to run, who may all be at the lock, with all their stand-ins;
/// - in a section a thread does not serve the entrance of its own pool while it waits
///   for another pool: two pools that call each other inside sections may wait for
///   each other.
///
/// # Where it runs
///
/// `f` on the calling thread, also outside any pool: if that becomes a guest inside `f`,
/// the same holds for its waits.
///
/// # Blocks
///
/// As `f` does.
///
/// # Panics
///
/// With the panic of `f`; the section ends with it.
///
/// # Examples
///
/// ```
/// use std::sync::Mutex;
///
/// let pool = heist::ThreadPool::new()?;
/// let total = Mutex::new(0);
/// pool.for_each(0..100, |n| {
///     let mut total = total.lock().unwrap();
///     // Without `isolated`, the wait inside might begin another `n`, here.
///     *total += heist::isolated(|| heist::join(|| n, || n)).0;
/// });
/// assert_eq!(total.into_inner().unwrap(), 4950);
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn isolated<R>(f: impl FnOnce() -> R) -> R {
    worker::isolated(f)
}

impl ThreadPool {
    /// Runs `f` as [`isolated`](crate::isolated) does, inside this pool.
    ///
    /// # Where it runs
    ///
    /// On the calling thread: a worker of this pool, or an outside thread, which
    /// becomes a guest. If all guest seats are taken, on one of the pool's own threads; the calling
    /// one is in the section, too, while it waits.
    ///
    /// # Blocks
    ///
    /// As `f` does.
    ///
    /// # Panics
    ///
    /// With the panic of `f`; the section ends with it.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// assert_eq!(pool.isolated(|| heist::join(|| 1, || 2)), (1, 2));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn isolated<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        // Around the way in: who finds no seat waits, perhaps as a worker of another pool.
        worker::isolated(|| self.enter(|_| f()))
    }
}
