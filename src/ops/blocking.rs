//! `blocking`: a section that waits for something outside the pool.

use crate::worker;

/// Runs `f`, which may block: read a file, wait for a channel, a lock, a child
/// process. The pool goes on at its full width meanwhile.
///
/// The calling worker leaves its place for as long as `f` takes. Whoever has work
/// then, and finds no worker free to come for it, calls a *stand-in*: a thread of
/// the pool's own that works as the absent one would. When `f` returns, the worker
/// goes on at once; the stand-in leaves when the job it is at is done, so for
/// that while one thread more runs than the pool has workers.
///
/// It costs about a microsecond, and another ten when a stand-in has to be woken:
/// worth it for what may take longer than that. Up to
/// [`max_stand_ins`](crate::ThreadPoolBuilder::max_stand_ins) threads have a
/// stand-in at a time; beyond that, or when the system refuses a thread, `f`
/// still runs, and takes its worker out of the pool as long.
///
/// Sections nest; an inner one changes nothing. Inside `f` all verbs work: what it
/// forks or spawns can be run by others and by this thread. On a stand-in
/// [`current_thread_index`](crate::current_thread_index) is none. What only the
/// worker itself can run, a share in a [`broadcast`](crate::ThreadPool::broadcast),
/// waits for it to come back.
///
/// # Where it runs
///
/// On the calling thread. Outside of any pool that is all it does.
///
/// # Blocks
///
/// For as long as `f` does.
///
/// # Panics
///
/// With the panic of `f`.
///
/// # Examples
///
/// Two tasks on one worker, of which the first waits for the second:
///
/// ```
/// use std::sync::mpsc;
///
/// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
/// let (say, heard) = mpsc::channel();
/// let waits = pool.spawn(move || heist::blocking(|| heard.recv()));
/// pool.spawn(move || say.send(7));
/// assert_eq!(waits.join().unwrap(), Ok(7));
/// # Ok::<(), heist::BuildError>(())
/// ```
pub fn blocking<R>(f: impl FnOnce() -> R) -> R {
    worker::blocking(f)
}
