//! `ScopedJoinHandle`: the way to the result of a scope's job.
//!
//! The job itself lies with its handle. What is queued is a second one, which runs
//! it unless who joined it has. Each has a ticket of the scope, so that the
//! scope is there for whoever runs the job, and ends when both are done. Nothing
//! here needs the scope afterwards: result and handle may stay as long as what they borrow.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::{handle::TaskState, scope::Scope};
use crate::{
    error::{JoinError, JoinErrorKind},
    parker::Parker,
    raw::JobRef,
    registry::Registry,
    stall::StallCause,
    sync::{Arc, Mutex},
    unwind::{self, Claim},
    worker::{Awaited, Worker, isolated, wait_for},
};

const POLLED_AGAIN: &str = "a ScopedJoinHandle was polled after it had given its result";

/// What stands in for a panic that was raised already.
const RAISED: &str = "a panic that the scope has raised, since nobody joined it before";

/// The way to the result of a job in a scope; made by [`Scope::spawn_handle`].
///
/// Join it, or await it, on any thread, in the scope's body, in another job of the scope, or
/// after the scope; or drop it, and the scope waits for the job all the same. It is also a
/// [`Future`], which needs no runtime in particular.
///
/// A panic of the job belongs to who joins it. When the scope ends, the first in time that
/// nobody has joined is raised by the scope, as that of a job without a handle: also if
/// the handle was dropped, or is still there. Later ones stay with their handles.
///
/// ```
/// let pool = heist::ThreadPool::new()?;
/// let text = String::from("to be or not to be");
/// let rest = pool.scope(|s| {
///     let trimmed = s.spawn_handle(|_| text.trim_start_matches("to be "));
///     trimmed.join().unwrap()
/// });
/// assert_eq!(rest, "or not to be");
/// # Ok::<(), heist::BuildError>(())
/// ```
#[must_use = "a dropped handle leaves the job to the scope; `Scope::spawn` does that, too"]
pub struct ScopedJoinHandle<'scope, T> {
    packet: Arc<Packet<T>>,
    marker: PhantomData<&'scope ()>,
}

/// What a job and its handle share.
struct Packet<T> {
    registry: Arc<Registry<Worker>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Until somebody runs it.
    job: Option<JobRef<Worker>>,
    /// Until the handle takes it; the claim is on the job's panic.
    outcome: Option<Result<T, Arc<Claim>>>,
    /// What it came to, once it is done.
    verdict: Option<TaskState>,
    /// Is there a handle?
    wanted: bool,
    waker: Option<Waker>,
}

impl<'scope> Scope<'scope> {
    /// Spawns a job into this scope as [`spawn`](Self::spawn) does, and returns a
    /// handle on its result, which may borrow what the job may.
    ///
    /// # Where it runs
    ///
    /// On any thread of the pool, as that of [`spawn`](Self::spawn); or where it is
    /// joined first. As in [`isolated`](crate::isolated): while it waits for something, its
    /// thread runs only what was made in it. Else that might begin another job
    /// on top, and that one wait for this one. So jobs may join one another's handles, though not
    /// in a circle, and none, itself or by way of others, that of the job that spawned it, which may
    /// wait or yield below.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Panics
    ///
    /// In the child of a fork, and [in place](crate::ThreadPool::in_place_scope) in a pool that has
    /// lost all its threads. A panic in the job goes to who joins it; if nobody
    /// has by the end of the scope, the scope raises it.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let numbers = [3, 1, 4, 1, 5, 9, 2, 6];
    /// let (low, high) = numbers.split_at(4);
    /// let most = pool.scope(|s| {
    ///     let low = s.spawn_handle(|_| low.iter().max());
    ///     let both = s.spawn_handle(|_| low.join().unwrap().max(high.iter().max()));
    ///     both.join().unwrap()
    /// });
    /// assert_eq!(most, Some(&9));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn spawn_handle<F, T>(&self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce(&Scope<'scope>) -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let packet = Packet::new(&self.ticket().extra().registry);
        self.push(|worker| {
            let there = Arc::clone(&packet);
            let job = self.ticket().job(worker, move |ticket| {
                let scope = Scope::of(ticket);
                let run = || isolated(|| f(&scope));
                there.finish(scope.ticket().guard_claimed(run));
                drop(there);
                scope.into_ticket()
            });
            packet.state.lock().job = Some(job);
            let queued = Arc::clone(&packet);
            self.ticket().job(worker, move |ticket| {
                queued.run_if_pending(|worker, job| _ = job.run(worker));
                drop(queued);
                ticket
            })
        });
        ScopedJoinHandle { packet, marker: PhantomData }
    }
}

impl<T> ScopedJoinHandle<'_, T> {
    /// The job's result.
    ///
    /// # Where it runs
    ///
    /// On a worker or guest of the scope's pool, a job that has not started is run
    /// here and now, whatever waits in the queues before it.
    ///
    /// # Blocks
    ///
    /// Until the job is done; not until the scope is. A worker runs other jobs meanwhile, if
    /// not in [an isolated section](crate::isolated).
    ///
    /// # Panics
    ///
    /// Never with the job's panic: that is in the error. Only if the handle was
    /// polled to its result before, as a future.
    ///
    /// # Errors
    ///
    /// If the job panicked. After the scope, which has then raised the panic itself, a
    /// message stands in for it.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = heist::ThreadPool::new()?;
    /// let wrong = pool.scope(|s| s.spawn_handle(|_| -> i32 { panic!("no") }).join());
    /// assert_eq!(*wrong.unwrap_err().into_panic().downcast::<&str>().unwrap(), "no");
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn join(self) -> Result<T, JoinError> {
        if self.is_left_behind() {
            return Err(left_behind());
        }
        self.packet.wait();
        self.packet.take()
    }

    /// Has the job a result, good or bad?
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    pub fn is_finished(&self) -> bool {
        self.is_left_behind() || self.packet.is_over()
    }

    /// How far the job is, now: [`Pending`](TaskState::Pending),
    /// [`Running`](TaskState::Running), [`Completed`](TaskState::Completed) or
    /// [`Failed`](TaskState::Failed). In the child of a fork(2) it is
    /// [`Cancelled`](TaskState::Cancelled).
    ///
    /// # Where it runs
    ///
    /// Nothing runs.
    ///
    /// # Blocks
    ///
    /// Never.
    ///
    /// # Examples
    ///
    /// ```
    /// use heist::TaskState;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// pool.install(|| {
    ///     heist::scope(|s| {
    ///         let job = s.spawn_handle(|_| ());
    ///         assert_eq!(job.state(), TaskState::Pending);
    ///         heist::yield_now();
    ///         assert_eq!(job.state(), TaskState::Completed);
    ///     });
    /// });
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub fn state(&self) -> TaskState {
        if self.is_left_behind() {
            return TaskState::Cancelled;
        }
        let state = self.packet.state.lock();
        match state.verdict {
            Some(verdict) => verdict,
            None if state.job.is_some() => TaskState::Pending,
            None => TaskState::Running,
        }
    }

    /// Was this process forked off since? Then what is shared may be locked for ever.
    fn is_left_behind(&self) -> bool {
        !self.packet.registry.process.is_current()
    }
}

fn left_behind() -> JoinError {
    JoinError::new(None, JoinErrorKind::Forked)
}

impl<T> Packet<T> {
    fn new(registry: &Arc<Registry<Worker>>) -> Arc<Self> {
        let state = State { job: None, outcome: None, verdict: None, wanted: true, waker: None };
        Arc::new(Packet { registry: Arc::clone(registry), state: Mutex::new(state) })
    }

    /// Has `run` run the job on the worker of its pool that this thread is, if it is
    /// one and nobody has begun.
    fn run_if_pending(&self, run: impl FnOnce(&Worker, JobRef<Worker>)) {
        Worker::of(&self.registry, |worker| {
            let Some(worker) = worker else { return };
            let job = self.state.lock().job.take();
            if let Some(job) = job {
                run(worker, job);
            }
        });
    }

    /// The job is done.
    fn finish(&self, outcome: Result<T, Arc<Claim>>) {
        // In the child of a fork the lock may be held for ever.
        self.registry.process.or_abort();
        let mut state = self.state.lock();
        let verdict = if outcome.is_ok() { TaskState::Completed } else { TaskState::Failed };
        state.verdict = Some(verdict);
        let unwanted = if state.wanted { state.outcome.replace(outcome) } else { Some(outcome) };
        let waker = state.waker.take();
        drop(state);
        unwanted.into_iter().for_each(unwind::discard);
        waker.into_iter().for_each(unwind::wake);
    }

    fn wait(&self) {
        // Of a poll before: its end is code of the user's, which has no place in a wait.
        let before = self.state.lock().waker.take();
        unwind::discard(before);
        if !self.is_over() {
            self.run_if_pending(Worker::run_awaited);
        }
        if !self.is_over() {
            let parker = Parker::current();
            let awaited = Finish { packet: self, waker: parker.waker() };
            let why = || StallCause::Task(None);
            wait_for(&awaited, &why, &parker, Some(&self.registry), None);
        }
    }

    fn is_over(&self) -> bool {
        self.state.lock().verdict.is_some()
    }

    /// From now on `waker` is woken when the job is done; the one before it is not.
    /// True: it is done.
    fn wake_when_done(&self, waker: Waker) -> bool {
        let mut state = self.state.lock();
        if state.verdict.is_some() {
            return true;
        }
        let before = state.waker.replace(waker);
        drop(state);
        unwind::discard(before);
        false
    }

    /// The result of a job that is done.
    fn take(&self) -> Result<T, JoinError> {
        let outcome = self.state.lock().outcome.take();
        outcome.expect(POLLED_AGAIN).map_err(|claim| {
            let payload = claim.take().unwrap_or_else(|| Box::new(RAISED));
            JoinError::new(None, JoinErrorKind::panic(payload))
        })
    }

    /// Nobody will ask for the result.
    fn forgo(&self) {
        let mut state = self.state.lock();
        state.wanted = false;
        let (outcome, waker) = (state.outcome.take(), state.waker.take());
        drop(state);
        unwind::discard(outcome);
        unwind::discard(waker);
    }
}

struct Finish<'a, T> {
    packet: &'a Packet<T>,
    waker: Waker,
}

impl<T> Awaited for Finish<'_, T> {
    fn is_over(&self) -> bool {
        self.packet.is_over()
    }

    fn will_wake(&self) -> bool {
        self.packet.wake_when_done(self.waker.clone())
    }
}

impl<T> Future for ScopedJoinHandle<'_, T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.is_left_behind() {
            return Poll::Ready(Err(left_behind()));
        }
        if self.packet.wake_when_done(cx.waker().clone()) {
            Poll::Ready(self.packet.take())
        } else {
            Poll::Pending
        }
    }
}

impl<T> Drop for ScopedJoinHandle<'_, T> {
    fn drop(&mut self) {
        if !self.is_left_behind() {
            self.packet.forgo();
        }
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<T> UnwindSafe for ScopedJoinHandle<'_, T> {}
impl<T> RefUnwindSafe for ScopedJoinHandle<'_, T> {}
