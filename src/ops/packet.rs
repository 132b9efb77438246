//! What the pool does with a task, between the queue that will run it and the
//! handle on it. Who decides about it, and when, is `raw::packet`'s business.

use std::{borrow::Cow, cell::Cell, marker::PhantomData, time::Instant};

use super::entrance::Brought;
use crate::{
    counters::Ledger,
    error::{JoinError, JoinErrorKind},
    label::Decider,
    raw::{self, Held, JobRef, Part, Policy, Verdict, Watch},
    registry::Phase,
    sync::{Arc, thread_local},
    token::{CancellationToken, Marked},
    unwind::{self, Payload},
    worker::{Extras, Keeper, Label, Worker},
};

pub(super) type Name = Option<Cow<'static, str>>;

/// A handle's share of a task.
pub(super) type Task<T> = Held<Worker, Label, Outcome<T>>;

/// What a task came to; without a payload, it gave no result. The payload is boxed
/// once more, so that a small result makes a small block.
pub(super) type Outcome<T> = Result<T, Option<Box<Payload>>>;

/// The two ends of a new task: one for a queue, one for whoever spawned it.
pub(super) fn new_task<F, T>(
    Brought { f, mut extras, is_isolated }: Brought<F>,
    origin: &Arc<Ledger>,
) -> (JobRef<Worker>, Task<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    extras.iter_mut().for_each(|extras| extras.give_own_token());
    let is_watched = extras.as_ref().is_some_and(|extras| extras.is_watched());
    let label = Label::new(extras, origin);
    let (job, mut task) = raw::task::<Worker, Spawned<F, T>>(label, f);
    if is_watched {
        appoint(&mut task);
    }
    if !is_isolated {
        return (job, task);
    }
    // By whatever queue it goes, or by its handle: it may be waited for there.
    task.isolate();
    (job.isolate(), task)
}

/// The same for a task that may start only when its keeper says so.
pub(super) fn new_kept_task<F, T>(
    mut brought: Brought<F>,
    origin: &Arc<Ledger>,
    keeper: Arc<dyn Keeper>,
) -> (JobRef<Worker>, Task<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    brought.extras.get_or_insert_default().keeper = Some(keeper);
    new_task(brought, origin)
}

/// Who says when the task may start; none: whoever has it in hand.
pub(super) fn keeper(label: &Label) -> Option<&Arc<dyn Keeper>> {
    label.extras()?.keeper.as_ref()
}

/// Says who decides about the task from outside.
#[cold]
fn appoint<T: Send + 'static>(task: &mut Task<T>) {
    let watch = task.watch();
    if let (Some(extras), Some(watch)) = (task.label().extras(), watch) {
        extras.appoint(Arc::new(watch));
    }
}

/// The handle's end of a task that was refused: it never runs.
pub(super) fn refused<T: Send + 'static>(extras: Option<Box<Extras>>, why: Verdict) -> Task<T> {
    let label = Label::new(extras, &Arc::default());
    raw::decided::<Worker, Spawned<fn() -> T, T>>(label, Err(None), why)
}

/// How a task that is done says what it came to.
pub(super) fn told<T>(
    outcome: Outcome<T>,
    verdict: Option<Verdict>,
    name: Name,
) -> Result<T, JoinError> {
    outcome.map_err(|payload| {
        let kind = match (payload, verdict) {
            (Some(payload), _) => JoinErrorKind::panic(*payload),
            (None, Some(Verdict::Overdue)) => JoinErrorKind::Overdue,
            (None, Some(Verdict::TimedOut)) => JoinErrorKind::TimedOut,
            (None, _) => JoinErrorKind::Cancelled,
        };
        JoinError::new(name, kind)
    })
}

/// The answer for a task that is in the parent process.
pub(super) fn left_behind(name: Name) -> JoinError {
    JoinError::new(name, JoinErrorKind::Forked)
}

impl<T: Send> Decider for Watch<Worker, Label, Outcome<T>> {
    fn cancel(&self, verdict: Verdict) {
        Watch::cancel(self, verdict);
    }

    fn expire(&self) {
        let label = self.label();
        let mut marked = None;
        let waker = self.overtake(Verdict::TimedOut, || {
            // Before it is known: who hears of it finds it counted, and the token
            // cancelled.
            label.origin().time_out();
            marked = label.token().map(CancellationToken::mark);
            Err(None)
        });
        waker.flatten().into_iter().for_each(unwind::wake);
        // When it is known: who listens may wait for this very task.
        marked.into_iter().for_each(Marked::call);
    }
}

/// Lets go of what nobody will hear of.
pub(super) fn dispose<T>(outcome: Outcome<T>, origin: &Ledger) {
    match outcome {
        Ok(value) => unwind::discard(value),
        Err(Some(payload)) => origin.handlers().panicked(*payload),
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
        let discards = worker.registry().phase() == Phase::Discarding;
        let forbids = || part.label().extras().and_then(Extras::forbids);
        if let Some(verdict) = if discards { Some(Verdict::Cancelled) } else { forbids() } {
            Self::cancel(part, verdict);
            // What was dropped may have forked.
            worker.registry().process.or_abort();
            return false;
        }
        let Some(f) = part.start() else {
            if part.is_queued() {
                // It left the queue earlier, and only now its place does.
                part.label().origin().clear();
            }
            return false;
        };
        if !part.is_queued() {
            part.label().origin().bury();
        }
        counters.jobs_run.add(1);
        let unwatched = begin(&mut part, worker);
        let outcome = worker.run_task(part.front(), || unwind::catch(f));
        let outcome = outcome.map_err(|payload| Some(Box::new(payload)));
        worker.registry().process.or_abort();
        if let Some(extras) = part.label().extras() {
            if unwatched.is_some_and(|end| Instant::now() >= end) {
                extras.expire();
            }
            extras.retire();
        }
        // Counted before it is known: whoever has joined a task finds it in
        // the metrics.
        let verdict = match &outcome {
            Ok(_) => {
                counters.tasks_completed.add(1);
                Verdict::Completed
            }
            Err(_) => {
                counters.tasks_panicked.add(1);
                Verdict::Failed
            }
        };
        finish(part, outcome, verdict);
        // So may whom it woke, or what was dropped.
        worker.registry().process.or_abort();
        true
    }

    fn cancel(mut part: Part<'_, Worker, Self>, verdict: Verdict) -> bool {
        let f = part.start();
        let origin = part.label().origin();
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
        part.label().extras().into_iter().for_each(Extras::retire);
        finish(part, Err(None), verdict);
        DROPS.with(|drops| drops.set(drops.get() + 1));
        unwind::discard(f);
        DROPS.with(|drops| drops.set(drops.get() - 1));
        true
    }
}

thread_local! {
    /// Closures of cancelled tasks that this thread is dropping, one inside another.
    static DROPS: Cell<usize> = const { Cell::new(0) };
}

/// Is this thread in the destructor of such a closure? Then it may be the one that is to drop
/// others afterwards.
pub(super) fn is_dropping() -> bool {
    DROPS.with(Cell::get) > 0
}

/// A task starts. If its time may be over without a clock to say so, says when.
fn begin<F, T>(part: &mut Part<'_, Worker, Spawned<F, T>>, worker: &Worker) -> Option<Instant>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    part.label().extras()?.timeout?;
    part.open();
    part.label().extras()?.begin(&worker.registry().timer)
}

fn finish<F, T>(part: Part<'_, Worker, Spawned<F, T>>, outcome: Outcome<T>, verdict: Verdict)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match part.finish(outcome, verdict) {
        Ok(waker) => waker.into_iter().for_each(unwind::wake),
        Err((outcome, part)) => dispose(outcome, part.label().origin()),
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Spawned, raw};
    use crate::worker::Worker;

    /// Two words of closure, and a word of result.
    #[test]
    fn a_small_task_takes_one_cache_line() {
        fn size<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(_: &F) -> usize {
            raw::task_size::<Worker, Spawned<F, T>>()
        }
        let (a, b) = (Box::new(1u64), 2u64);
        assert_eq!(size(&move || *a + b), 64);
    }
}
