//! How a handle's owner waits for the task.

use std::{cell::RefCell, task::Waker, time::Instant};

use super::{
    keeper,
    packet::{self, Task},
};
use crate::{
    counters::Ledger,
    parker::Parker,
    raw::Verdict,
    registry::{Phase, Registry},
    stall::StallCause,
    sync::Arc,
    unwind,
    worker::{Awaited, Extras, Worker, wait_for},
};

/// Waits for a task; on a worker of its pool, runs it here if it has not
/// started.
pub(super) fn wait_while_working<T>(task: &mut Task<T>, deadline: Option<Instant>) {
    // Of a poll before: its end is code of the user's, which has no place in a wait.
    unwind::discard(task.forget_waker());
    let home = home_of(task.label().origin());
    if packet::is_dropping() && !task.is_started() {
        // Whoever is about to drop it may be this very thread, further up its stack. Else it is
        // left to others: here its destructor would meet the locks that this thread holds.
        forbidden(task, home.as_deref()).map(|verdict| task.decide(verdict));
    }
    if let (Some(home), Some(keeper)) = (&home, packet::keeper(task.label()).cloned()) {
        return keeper::wait(task, &keeper, home, deadline);
    }
    if let Some(home) = home.as_ref().filter(|_| !task.is_started()) {
        Worker::of(home, |worker| {
            if let Some(worker) = worker {
                worker.run_joined(|worker| run_here(task, worker));
            }
        });
    }
    let parker = Parker::current();
    let awaited = Finish { task: RefCell::new(task), waker: parker.waker() };
    wait_for(&awaited, &|| awaited.cause(), &parker, home.as_ref(), deadline);
}

/// Why a task is not to start, if it is not.
fn forbidden<T>(task: &Task<T>, home: Option<&Registry<Worker>>) -> Option<Verdict> {
    let label = task.label();
    let discards = || match home {
        Some(home) => home.phase() == Phase::Discarding,
        None => label.origin().discards(),
    };
    let forbids = || label.extras().and_then(Extras::forbids);
    if discards() { Some(Verdict::Cancelled) } else { forbids() }
}

/// Runs a task that has not started, in a section if it was made in one; false if it has.
pub(super) fn run_here<T>(task: &Task<T>, worker: &Worker) -> bool {
    let run = |worker: &Worker| task.run_here(worker);
    if task.is_isolated() && !worker.in_section() { worker.run_alone(run) } else { run(worker) }
}

/// The pool that a task came in by, if this thread works for it.
fn home_of(origin: &Arc<Ledger>) -> Option<Arc<Registry<Worker>>> {
    Worker::find(|worker| {
        let registry = worker.registry();
        registry.owns(origin).then(|| Arc::clone(registry))
    })
}

pub(super) struct Finish<'a, T> {
    pub(super) task: RefCell<&'a mut Task<T>>,
    pub(super) waker: Waker,
}

impl<T> Finish<'_, T> {
    /// What is told of a wait for it that takes long.
    pub(super) fn cause(&self) -> StallCause {
        StallCause::Task(self.task.borrow().label().name().cloned())
    }
}

impl<T> Awaited for Finish<'_, T> {
    fn is_over(&self) -> bool {
        self.task.borrow().is_done()
    }

    fn will_wake(&self) -> bool {
        self.task.borrow_mut().wake_when_done(self.waker.clone())
    }
}
