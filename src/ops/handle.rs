//! A task and the handle on it.
//!
//! One heap block a task, owned by the queue and the handle together. All that
//! happens to a task is decided under its lock, which is held for a few
//! instructions and never while anybody's code runs:
//!
//! ```text
//! Waiting(f) --run, joined on a worker--> Running --> Done(result) --> Taken
//!      \-----cancelled, discarded-------------------> Done(cancelled)
//! ```

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    mem,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::{
    counters::Ledger,
    error::{JoinError, JoinErrorKind},
    parker::Parker,
    raw::{JobRef, Run, Shared},
    registry::{Phase, Registry},
    sync::{Arc, Mutex},
    unwind,
    worker::{Awaited, Worker, wait_for},
};

type Name = Option<Cow<'static, str>>;

/// A spawned closure on its way to a result.
pub(super) struct Task<F, T> {
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

impl<F, T> Task<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    /// The two ends of a new task: one for a queue, one for whoever spawned it.
    pub(super) fn new(name: Name, origin: &Arc<Ledger>, f: F) -> (JobRef<Worker>, JoinHandle<T>) {
        let task = Shared::new(Task::at(name, Arc::clone(origin), Stage::Waiting(f)));
        let handle = JoinHandle { task: Some(Arc::clone(&task) as Arc<dyn Joinable<T>>) };
        (task.into_job_ref(), handle)
    }

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

    fn execute(&self, f: F, worker: &Worker) {
        let counters = worker.counters();
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
                Err(payload) => worker.registry().handlers.panicked(payload),
            }
            return;
        }
        state.stage = Stage::Done(result.map_err(JoinErrorKind::Panic));
        let waiter = state.waiter.take();
        drop(state);
        wake(waiter);
    }

    /// Drops the closure unrun, if nobody has taken it.
    fn cancel(&self) -> bool {
        let cancelled = Stage::Done(Err(JoinErrorKind::Cancelled));
        let Some((f, waiter)) = self.start(cancelled) else { return false };
        self.origin.bury();
        self.origin.cancel();
        unwind::discard(f);
        wake(waiter);
        true
    }
}

impl<F, T> Run<Worker> for Task<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(&self, worker: &Worker) {
        if worker.registry().phase() == Phase::Discarding {
            if self.discard() {
                worker.counters().tasks_discarded.add(1);
            }
            return;
        }
        match self.start(Stage::Running) {
            Some((f, _)) => self.execute(f, worker),
            None => self.origin.clear(),
        }
    }

    fn discard(&self) -> bool {
        let dropped = self.cancel();
        self.origin.clear();
        dropped
    }
}

/// A task as its handle sees it, whatever its closure.
trait Joinable<T>: Send + Sync {
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
        matches!(self.state.lock().stage, Stage::Done(_))
    }

    fn take(&self, waiter: Option<&Waker>) -> Option<Result<T, JoinError>> {
        let mut state = self.state.lock();
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Done(result) => {
                drop(state);
                Some(result.map_err(|kind| JoinError::new(self.name.clone(), kind)))
            }
            Stage::Taken => panic!("a JoinHandle was polled after it had given its result"),
            pending => {
                state.stage = pending;
                register(&mut state.waiter, waiter);
                None
            }
        }
    }

    fn will_wake(&self, waiter: &Waker) -> bool {
        let mut state = self.state.lock();
        let done = matches!(state.stage, Stage::Done(_));
        if !done {
            register(&mut state.waiter, Some(waiter));
        }
        done
    }

    fn run_here(&self, worker: &Worker) {
        if let Some((f, _)) = self.start(Stage::Running) {
            self.origin.bury();
            self.execute(f, worker);
        }
    }

    fn detach(&self) {
        let mut state = self.state.lock();
        state.detached = true;
        state.waiter = None;
        if matches!(state.stage, Stage::Done(_)) {
            let done = mem::replace(&mut state.stage, Stage::Taken);
            drop(state);
            unwind::discard(done);
        }
    }

    fn origin(&self) -> &Arc<Ledger> {
        &self.origin
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

fn register(place: &mut Option<Waker>, waiter: Option<&Waker>) {
    match (place, waiter) {
        (Some(before), Some(waiter)) => before.clone_from(waiter),
        (place, waiter) => *place = waiter.cloned(),
    }
}

/// A waker is the user's code, and may panic.
fn wake(waiter: Option<Waker>) {
    if let Some(waiter) = waiter {
        unwind::discard(unwind::catch(|| waiter.wake()));
    }
}

/// The way to a task's result.
///
/// Join it, await it, poll it, cancel it; or drop it, and the task runs on
/// detached. It is also a [`Future`], which needs no runtime in particular.
///
/// ```
/// let pool = heist::ThreadPool::new()?;
/// let answer = pool.spawn(|| 6 * 7);
/// assert_eq!(answer.join().unwrap(), 42);
/// # Ok::<(), heist::BuildError>(())
/// ```
#[must_use = "a dropped handle detaches its task; `drop` it if that is meant"]
pub struct JoinHandle<T> {
    /// Taken only by `drop` and by what consumes the handle.
    task: Option<Arc<dyn Joinable<T>>>,
}

impl<T> JoinHandle<T> {
    /// The task's result.
    ///
    /// # Where it runs
    ///
    /// On a worker of the task's pool, a task that has not started is run here
    /// and now, whatever waits in the queues before it.
    ///
    /// # Blocks
    ///
    /// Until the task is done or cancelled. A worker runs other jobs meanwhile.
    ///
    /// # Panics
    ///
    /// Never with the task's panic: that is in the error.
    ///
    /// # Errors
    ///
    /// If the task panicked, or was cancelled and never ran.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let wrong = pool.spawn(|| -> i32 { panic!("no") }).join().unwrap_err();
    /// assert_eq!(*wrong.into_panic().downcast::<&str>().unwrap(), "no");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn join(self) -> Result<T, JoinError> {
        match self.join_until(None) {
            Ok(result) => result,
            Err(_) => unreachable!("without a deadline the task is done"),
        }
    }

    /// The task's result, if there is one within `timeout`; else the handle.
    ///
    /// # Where it runs
    ///
    /// As [`join`](Self::join). On a worker, a task begun here is finished even
    /// if it takes longer than `timeout`.
    ///
    /// # Blocks
    ///
    /// Until the task is done or cancelled, or for `timeout`.
    ///
    /// # Errors
    ///
    /// Inside, as [`join`](Self::join); outside, the handle itself comes back.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    ///
    /// let pool = heist::ThreadPool::new()?;
    /// let (send, receive) = mpsc::channel();
    /// let handle = pool.spawn(move || receive.recv().unwrap());
    /// let handle = handle.join_timeout(Duration::from_millis(1)).unwrap_err();
    /// send.send("late").unwrap();
    /// assert_eq!(handle.join().unwrap(), "late");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JoinError>, Self> {
        self.join_until(Instant::now().checked_add(timeout))
    }

    /// Has the task a result, good or bad?
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn is_finished(&self) -> bool {
        self.task().is_done()
    }

    /// Cancels the task if it has not started. True: it will never run, and the
    /// handle says so at once. False: it has started, or is done.
    ///
    /// # Where it runs
    ///
    /// The closure is dropped on the calling thread.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).door_patience(None).build()?;
    /// let (open, gate) = mpsc::channel::<()>();
    /// let (say, started) = mpsc::channel();
    /// let first = pool.spawn(move || (say.send(()), gate.recv()).1.is_err());
    /// let second = pool.spawn(|| unreachable!("the only worker is busy"));
    /// started.recv().unwrap();
    /// assert!(second.cancel());
    /// assert!(!first.cancel());
    /// assert!(second.join().unwrap_err().is_cancelled());
    /// drop(open);
    /// # first.join().unwrap();
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn cancel(&self) -> bool {
        self.task().cancel()
    }

    /// The name it was given with [`TaskBuilder::name`](crate::TaskBuilder::name).
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn name(&self) -> Option<&str> {
        self.task().name()
    }

    fn task(&self) -> &Arc<dyn Joinable<T>> {
        self.task.as_ref().expect("there until the handle is dropped")
    }

    fn join_until(self, deadline: Option<Instant>) -> Result<Result<T, JoinError>, Self> {
        let task = self.task();
        let home = home_of(task.origin());
        if let Some(home) = &home {
            Worker::of(home, |worker| {
                if let Some(worker) = worker {
                    worker.enter(|worker| task.run_here(worker));
                }
            });
        }
        let awaited = Finish { task: &**task, waker: Parker::current().waker() };
        wait_for(&awaited, home.as_ref(), deadline);
        task.take(None).ok_or(self)
    }
}

/// The pool that a task came in by, if this thread works for it.
fn home_of(origin: &Arc<Ledger>) -> Option<Arc<Registry<Worker>>> {
    Worker::find(|worker| {
        let registry = worker.registry();
        registry.owns(origin).then(|| Arc::clone(registry))
    })
}

struct Finish<'a, T> {
    task: &'a dyn Joinable<T>,
    waker: Waker,
}

impl<T> Awaited for Finish<'_, T> {
    fn is_over(&self) -> bool {
        self.task.is_done()
    }

    fn will_wake(&self) -> bool {
        self.task.will_wake(&self.waker)
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.task().take(Some(cx.waker())) {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("name", &self.name())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

/// The handle of a task that was refused: cancelled from the start.
pub(super) fn cancelled<T: Send + 'static>(name: Name) -> JoinHandle<T> {
    let stage = Stage::Done(Err(JoinErrorKind::Cancelled));
    let task = Shared::new(Task::<fn() -> T, T>::at(name, Arc::default(), stage));
    JoinHandle { task: Some(task) }
}
