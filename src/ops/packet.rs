//! A task, between the queue that will run it and the handle on it.
//!
//! One heap block a task, owned by the queue and the handle together. All that
//! happens to a task is decided under its lock, which is held for a few
//! instructions and never while anybody's code runs:
//!
//! ```text
//! Waiting(f) --run, joined on a worker--> Running --> Done(result) --> Taken
//!      \-----cancelled, discarded-------------------> Done(cancelled)
//! ```

use std::{borrow::Cow, mem, task::Waker};

use crate::{
    counters::Ledger,
    error::{JoinError, JoinErrorKind},
    raw::{JobRef, Run, Shared},
    registry::Phase,
    sync::{Arc, Mutex},
    unwind,
    worker::Worker,
};

pub(super) type Name = Option<Cow<'static, str>>;

/// A spawned closure on its way to a result.
struct Task<F, T> {
    name: Name,
    /// The place it came in by.
    origin: Arc<Ledger>,
    state: Mutex<State<F, T>>,
}

struct State<F, T> {
    stage: Stage<F, T>,
    /// Nobody wants the result.
    detached: bool,
    waiter: Option<Waker>,
}

enum Stage<F, T> {
    Waiting(F),
    Running,
    Done(Result<T, JoinErrorKind>),
    Taken,
}

/// The two ends of a new task: one for a queue, one for whoever spawned it.
pub(super) fn new_task<F, T>(
    name: Name,
    origin: &Arc<Ledger>,
    f: F,
) -> (JobRef<Worker>, Arc<dyn Joinable<T>>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let task = Unsent::new(name, origin, f);
    (task.job(), task.into_handle())
}

/// A new task that may still come back as the closure it was.
pub(super) struct Unsent<F: 'static, T: 'static>(Arc<Shared<Worker, Task<F, T>>>);

impl<F, T> Unsent<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(super) fn new(name: Name, origin: &Arc<Ledger>, f: F) -> Self {
        Unsent(Shared::new(Task::at(name, Arc::clone(origin), Stage::Waiting(f))))
    }

    /// The queue's end of it.
    pub(super) fn job(&self) -> JobRef<Worker> {
        Arc::clone(&self.0).into_job_ref()
    }

    pub(super) fn into_handle(self) -> Arc<dyn Joinable<T>> {
        self.0
    }

    /// The closure, in exchange for the queue's end, which was in no queue.
    pub(super) fn take_back(self, job: JobRef<Worker>) -> F {
        let (f, _) = self.0.start(Stage::Taken).expect("nobody else could take it");
        // The job clears the place of a task that was decided before.
        self.0.origin.bury();
        job.discard();
        f
    }
}

/// The handle's end of a task that was refused: cancelled from the start.
pub(super) fn cancelled<T: Send + 'static>(name: Name) -> Arc<dyn Joinable<T>> {
    let stage = Stage::Done(Err(JoinErrorKind::Cancelled));
    Shared::new(Task::<fn() -> T, T>::at(name, Arc::default(), stage))
}

impl<F, T> Task<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn at(name: Name, origin: Arc<Ledger>, stage: Stage<F, T>) -> Self {
        let state = State { stage, detached: false, waiter: None };
        Task { name, origin, state: Mutex::new(state) }
    }

    /// Takes the closure, if nobody has, and leaves `next` in its place.
    fn start(&self, next: Stage<F, T>) -> Option<(F, Option<Waker>)> {
        let mut state = self.state.lock();
        match mem::replace(&mut state.stage, next) {
            Stage::Waiting(f) => {
                let waiter = match state.stage {
                    Stage::Done(_) => state.waiter.take(),
                    _ => None,
                };
                Some((f, waiter))
            }
            decided => {
                // What was meant to come next holds nothing of the user's.
                state.stage = decided;
                None
            }
        }
    }

    /// Takes the closure to run it on `worker`, unless it is cancelled, or the
    /// pool drops what has not started.
    fn claim(&self, worker: &Worker) -> Option<F> {
        if worker.registry().phase() == Phase::Discarding {
            worker.counters().tasks_discarded.add(u64::from(self.cancel()));
            return None;
        }
        let (f, _) = self.start(Stage::Running)?;
        Some(f)
    }

    fn execute(&self, f: F, worker: &Worker) {
        let counters = worker.counters();
        counters.jobs_run.add(1);
        let result = unwind::catch(f);
        // Counted before it is known: whoever has joined a task finds it in
        // the metrics.
        match &result {
            Ok(_) => counters.tasks_completed.add(1),
            Err(_) => counters.tasks_panicked.add(1),
        }
        let mut state = self.state.lock();
        if state.detached {
            state.stage = Stage::Taken;
            drop(state);
            match result {
                Ok(value) => unwind::discard(value),
                Err(payload) => self.origin.handlers().panicked(payload),
            }
            return;
        }
        state.stage = Stage::Done(result.map_err(JoinErrorKind::panic));
        let waiter = state.waiter.take();
        drop(state);
        waiter.into_iter().for_each(unwind::wake);
    }

    /// Drops the closure unrun, if nobody has taken it.
    fn cancel(&self) -> bool {
        let cancelled = Stage::Done(Err(JoinErrorKind::Cancelled));
        let Some((f, waiter)) = self.start(cancelled) else { return false };
        self.origin.bury();
        self.origin.cancel();
        unwind::discard(f);
        waiter.into_iter().for_each(unwind::wake);
        true
    }
}

impl<F, T> Run<Worker> for Task<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(&self, worker: &Worker) -> bool {
        let claimed = self.claim(worker);
        let ran = claimed.is_some();
        match claimed {
            Some(f) => self.execute(f, worker),
            // It left the queue earlier, and only now its place does.
            None => self.origin.clear(),
        }
        ran
    }

    fn discard(&self) -> bool {
        let dropped = self.cancel();
        self.origin.clear();
        dropped
    }
}

/// A task as its handle sees it, whatever its closure.
pub(super) trait Joinable<T>: Send + Sync {
    fn cancel(&self) -> bool;
    fn is_done(&self) -> bool;
    /// The result; if there is none yet, `waiter` is woken when there is.
    fn take(&self, waiter: Option<&Waker>) -> Option<Result<T, JoinError>>;
    /// Is it done? If not, `waiter` is woken when it is.
    fn will_wake(&self, waiter: &Waker) -> bool;
    /// Runs it here, unless it has been started.
    fn run_here(&self, worker: &Worker);
    fn detach(&self);
    fn origin(&self) -> &Arc<Ledger>;
    fn name(&self) -> Option<&str>;
}

impl<F, T> Joinable<T> for Shared<Worker, Task<F, T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn cancel(&self) -> bool {
        Task::cancel(self)
    }

    fn is_done(&self) -> bool {
        matches!(self.state.lock().stage, Stage::Done(_) | Stage::Taken)
    }

    fn take(&self, waiter: Option<&Waker>) -> Option<Result<T, JoinError>> {
        // Cloned, like dropped, outside the lock: a waker is anybody's code.
        let waiter = waiter.cloned();
        let mut state = self.state.lock();
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Done(result) => {
                drop(state);
                Some(result.map_err(|kind| JoinError::new(self.name.clone(), kind)))
            }
            Stage::Taken => panic!("a JoinHandle was polled after it had given its result"),
            pending => {
                state.stage = pending;
                let before = mem::replace(&mut state.waiter, waiter);
                drop(state);
                drop(before);
                None
            }
        }
    }

    fn will_wake(&self, waiter: &Waker) -> bool {
        let waiter = Some(waiter.clone());
        let mut state = self.state.lock();
        let done = matches!(state.stage, Stage::Done(_));
        let unneeded = if done { waiter } else { mem::replace(&mut state.waiter, waiter) };
        drop(state);
        drop(unneeded);
        done
    }

    fn run_here(&self, worker: &Worker) {
        if let Some(f) = self.claim(worker) {
            self.origin.bury();
            self.execute(f, worker);
        }
    }

    fn detach(&self) {
        let mut state = self.state.lock();
        state.detached = true;
        let waiter = state.waiter.take();
        let done = matches!(state.stage, Stage::Done(_))
            .then(|| mem::replace(&mut state.stage, Stage::Taken));
        drop(state);
        unwind::discard(waiter);
        match done {
            // Nobody has heard of it, and now nobody can.
            Some(Stage::Done(Err(JoinErrorKind::Panic(payload)))) => {
                self.origin.handlers().panicked(payload.into_inner());
            }
            done => unwind::discard(done),
        }
    }

    fn origin(&self) -> &Arc<Ledger> {
        &self.origin
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
