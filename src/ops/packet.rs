//! What the pool does with a task, between the queue that will run it and the
//! handle on it. Who decides about it, and when, is `raw::packet`'s business.

use std::{borrow::Cow, marker::PhantomData};

use super::keeper::Keeper;
use crate::{
    counters::Ledger,
    error::{JoinError, JoinErrorKind},
    raw::{self, Held, JobRef, Part, Policy},
    registry::Phase,
    sync::Arc,
    unwind::{self, Payload},
    worker::Worker,
};

pub(super) type Name = Option<Cow<'static, str>>;

/// A handle's share of a task.
pub(super) type Task<T> = Held<Worker, Label, Outcome<T>>;

/// What a task came to; without a payload, it was cancelled.
pub(super) type Outcome<T> = Result<T, Option<Payload>>;

/// Small, since every task has one: most have no name.
pub(super) struct Label {
    name: Option<Box<Cow<'static, str>>>,
    /// The place it came in by.
    origin: Arc<Ledger>,
    /// Who says when it may start; none: whoever has it in hand.
    keeper: Option<Box<Arc<dyn Keeper>>>,
}

impl Label {
    fn new(name: Name, origin: &Arc<Ledger>) -> Self {
        Label { name: name.map(Box::new), origin: Arc::clone(origin), keeper: None }
    }

    pub(super) fn name(&self) -> Option<&Cow<'static, str>> {
        self.name.as_deref()
    }

    pub(super) fn origin(&self) -> &Arc<Ledger> {
        &self.origin
    }

    pub(super) fn keeper(&self) -> Option<&Arc<dyn Keeper>> {
        self.keeper.as_deref()
    }

    /// Was this process forked off since the task came in? Then nobody here will
    /// run it, and nobody drops it either: it is the parent's.
    pub(super) fn is_left_behind(&self) -> bool {
        !self.origin.process().is_current()
    }
}

/// The two ends of a new task: one for a queue, one for whoever spawned it.
pub(super) fn new_task<F, T>(name: Name, origin: &Arc<Ledger>, f: F) -> (JobRef<Worker>, Task<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    raw::task::<Worker, Spawned<F, T>>(Label::new(name, origin), f)
}

/// The same for a task that may start only when its keeper says so.
pub(super) fn new_kept_task<F, T>(
    name: Name,
    origin: &Arc<Ledger>,
    keeper: Arc<dyn Keeper>,
    f: F,
) -> (JobRef<Worker>, Task<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let label = Label { keeper: Some(Box::new(keeper)), ..Label::new(name, origin) };
    raw::task::<Worker, Spawned<F, T>>(label, f)
}

/// The handle's end of a task that was refused: cancelled from the start.
pub(super) fn cancelled<T: Send + 'static>(name: Name) -> Task<T> {
    raw::decided::<Worker, Spawned<fn() -> T, T>>(Label::new(name, &Arc::default()), Err(None))
}

/// How a task of this name says what it came to.
pub(super) fn told<T>(outcome: Outcome<T>, name: Name) -> Result<T, JoinError> {
    outcome.map_err(|payload| {
        let kind = payload.map_or(JoinErrorKind::Cancelled, JoinErrorKind::panic);
        JoinError::new(name, kind)
    })
}

/// The answer for a task that is in the parent process.
pub(super) fn left_behind(name: Name) -> JoinError {
    JoinError::new(name, JoinErrorKind::Forked)
}

/// Lets go of what nobody will hear of.
pub(super) fn dispose<T>(outcome: Outcome<T>, origin: &Ledger) {
    match outcome {
        Ok(value) => unwind::discard(value),
        Err(Some(payload)) => origin.handlers().panicked(payload),
        Err(None) => (),
    }
}

/// Tasks that were spawned with a closure `F` and result in a `T`.
struct Spawned<F, T>(PhantomData<(F, T)>);

impl<F, T> Policy<Worker> for Spawned<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Label = Label;
    type Func = F;
    type Output = Outcome<T>;

    fn run(mut part: Part<'_, Worker, Self>, worker: &Worker) -> bool {
        let counters = worker.counters();
        if worker.registry().phase() == Phase::Discarding {
            counters.tasks_discarded.add(u64::from(Self::cancel(part)));
            return false;
        }
        let Some(f) = part.start() else {
            if part.is_queued() {
                // It left the queue earlier, and only now its place does.
                part.label().origin.clear();
            }
            return false;
        };
        if !part.is_queued() {
            part.label().origin.bury();
        }
        counters.jobs_run.add(1);
        let outcome = unwind::catch(f).map_err(Some);
        worker.registry().process.or_abort();
        // Counted before it is known: whoever has joined a task finds it in
        // the metrics.
        match &outcome {
            Ok(_) => counters.tasks_completed.add(1),
            Err(_) => counters.tasks_panicked.add(1),
        }
        finish(part, outcome);
        true
    }

    fn cancel(mut part: Part<'_, Worker, Self>) -> bool {
        let f = part.start();
        let origin = &part.label().origin;
        match (&f, part.is_queued()) {
            (Some(_), true) => origin.cancel(),
            (Some(_), false) => {
                origin.bury();
                origin.cancel();
            }
            (None, true) => origin.clear(),
            (None, false) => (),
        }
        let Some(f) = f else { return false };
        finish(part, Err(None));
        unwind::discard(f);
        true
    }
}

fn finish<F, T>(part: Part<'_, Worker, Spawned<F, T>>, outcome: Outcome<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match part.finish(outcome) {
        Ok(waker) => waker.into_iter().for_each(unwind::wake),
        Err((outcome, part)) => dispose(outcome, &part.label().origin),
    }
}
