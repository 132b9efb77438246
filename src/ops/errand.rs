//! A job of the pool's own, that nobody has a handle on and no count is kept of.

use std::marker::PhantomData;

use crate::{
    raw::{self, JobRef, Part, Policy, Verdict},
    unwind,
    worker::Worker,
};

/// A job that calls `f`. Discarded, it drops it.
pub(super) fn errand<F>(f: F) -> JobRef<Worker>
where
    F: FnOnce(&Worker) + Send + 'static,
{
    let (job, held) = raw::task::<Worker, Errand<F>>((), f);
    let detached = held.detach().is_ok();
    debug_assert!(detached, "nobody has run it yet");
    job
}

struct Errand<F>(PhantomData<F>);

impl<F: FnOnce(&Worker) + Send + 'static> Policy<Worker> for Errand<F> {
    type Label = ();
    type Func = F;
    type Output = ();

    fn run(mut part: Part<'_, Worker, Self>, worker: &Worker) -> bool {
        let Some(f) = part.start() else { return false };
        // What it runs has its own guards; so this is a bug of ours, or a waker's panic.
        let outcome = unwind::catch(|| f(worker));
        end(part);
        outcome.map_err(unwind::discard).is_ok()
    }

    /// It stands for tasks, and is none: so none was dropped.
    fn cancel(mut part: Part<'_, Worker, Self>, _: Verdict) -> bool {
        let f = part.start();
        end(part);
        unwind::discard(f);
        false
    }
}

fn end<F: FnOnce(&Worker) + Send + 'static>(part: Part<'_, Worker, Errand<F>>) {
    // Nobody has a handle to hear what it came to.
    drop(part.finish((), Verdict::Completed));
}
