//! Futures on their way to their output: the way in, the polls, the end.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
};

use super::{
    courier::LaneGate,
    entrance::{Brought, Decided, Entrance, Flood},
    errand::errand,
    handle::JoinHandle,
    packet,
};
use crate::{
    counters::Ledger,
    permits::Permits,
    process::Process,
    raw::JobRef,
    registry::{Gate, Phase, Registry},
    sync::{Arc, Mutex, OnceLock, Weak},
    turns::{Due, Next, Turns},
    unwind::{self, Payload},
    worker::{Keeper, Kept, Worker, isolated},
};

/// The way in for futures: a lane's.
#[derive(Clone)]
pub(super) struct FutureGate(pub(super) LaneGate);

impl FutureGate {
    fn promise<Fut>(
        &self,
        ledger: &Arc<Ledger>,
        Brought { f: future, extras, is_isolated }: Brought<Fut>,
    ) -> (Arc<Promise<Fut>>, JoinHandle<Fut::Output>)
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let registry = &self.0.registry;
        let promise = Arc::new(Promise {
            turns: Turns::new(Box::pin(future)),
            task: Mutex::new(None),
            output: Mutex::new(None),
            home: Arc::downgrade(registry),
            process: registry.process,
            name: registry.detector.as_ref().and_then(|_| extras.as_ref()?.name.clone()),
            is_isolated,
            number: OnceLock::new(),
        });
        let output = Output(Arc::clone(&promise));
        let keeper: Arc<dyn Keeper> = Arc::clone(&promise) as _;
        let brought = Brought { f: move || output.take(), extras, is_isolated };
        let (task, handle) = packet::new_kept_task(brought, ledger, keeper);
        *promise.task.lock() = Some(task);
        let gate: Arc<dyn Gate> = Arc::clone(&promise) as _;
        promise.number.get_or_init(|| registry.gates.add(Arc::downgrade(&gate)));
        (promise, JoinHandle::new(handle))
    }
}

impl AsRef<Permits> for FutureGate {
    fn as_ref(&self) -> &Permits {
        self.0.as_ref()
    }
}

impl<Fut> Entrance<Fut> for FutureGate
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    type Output = Fut::Output;

    fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.0.registry
    }

    fn admit(
        &self,
        brought: Brought<Fut>,
        in_use: usize,
    ) -> Result<JoinHandle<Fut::Output>, Brought<Fut>> {
        let lane = self.0.lane();
        let (promise, handle) = self.promise(lane.ledger(), brought);
        lane.push(promise.turn(Turns::begin), in_use);
        self.0.registry.post_task();
        Ok(handle)
    }

    fn push_inside(
        &self,
        worker: &Worker,
        brought: Brought<Fut>,
        _flood: Flood,
    ) -> Decided<Fut::Output, Fut> {
        worker.ledger().accept();
        let (promise, handle) = self.promise(worker.ledger(), brought);
        // Beyond the deque's limit it is polled here.
        worker.push_task(promise.turn(Turns::begin));
        handle.watch(&self.0.registry.timer);
        Ok(handle)
    }

    fn reject(&self) {
        self.0.lane().reject();
    }
}

/// Whoever has it in hand may poll it.
type Owned<Fut> = Pin<Box<Fut>>;

/// A future on its way to its output.
///
/// To its handle it is a task, whose closure takes the output: run when that is
/// there, by who brought it; or cancelled, and then the future goes with it.
struct Promise<Fut: Future> {
    turns: Turns<Owned<Fut>>,
    task: Mutex<Option<JobRef<Worker>>>,
    output: Mutex<Option<Result<Fut::Output, Payload>>>,
    home: Weak<Registry<Worker>>,
    process: Process,
    name: packet::Name, // For the detector, if there is one.
    /// Was it made in an isolated section?
    is_isolated: bool,
    /// Among the gates of its pool.
    number: OnceLock<u64>,
}

impl<Fut> Promise<Fut>
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    /// A job that polls it, if `begin` says that it is due.
    fn turn(
        self: &Arc<Self>,
        begin: fn(&Turns<Owned<Fut>>) -> Option<Owned<Fut>>,
    ) -> JobRef<Worker> {
        let this = Arc::clone(self);
        errand(move |worker| {
            this.poll(worker, begin(&this.turns));
        })
    }

    /// Polls it, if it has begun.
    fn poll(self: &Arc<Self>, worker: &Worker, begun: Option<Owned<Fut>>) -> bool {
        let Some(mut future) = begun else { return false };
        let waker = Waker::from(Arc::clone(self));
        let mut cx = Context::from_waker(&waker);
        let is_discarding = worker.registry().phase() == Phase::Discarding;
        let polled = if is_discarding {
            // The task is cancelled there, and the future with it.
            self.run_task(worker);
            Poll::Pending
        } else {
            let mut poll = || future.as_mut().poll(&mut cx);
            let alone = self.is_isolated && !worker.in_section();
            let poll = || unwind::catch(|| if alone { isolated(poll) } else { poll() });
            match worker.run_poll(|| self.name.clone(), poll) {
                Ok(polled) => polled.map(Ok),
                Err(payload) => Poll::Ready(Err(payload)),
            }
        };
        // Before any lock, that may be locked for ever in the child of a fork.
        self.process.or_abort();
        match polled {
            Poll::Ready(output) => {
                // Before anybody hears of the output.
                unwind::discard(future);
                *self.output.lock() = Some(output);
                self.run_task(worker);
                // Of a task that was cancelled meanwhile.
                let left = self.output.lock().take();
                match left {
                    Some(Err(payload)) => worker.registry().handlers.panicked(payload),
                    left => unwind::discard(left),
                }
            }
            Poll::Pending => match self.turns.put_back(future) {
                Next::Rest => (),
                Next::Again(due) => self.call(Some(worker.registry()), due),
                Next::Drop(future) => unwind::discard(future),
            },
        }
        true
    }

    /// It has become due: sends for it, and wakes who waits for that.
    fn call(self: &Arc<Self>, home: Option<&Arc<Registry<Worker>>>, due: Due) {
        if let (true, Some(home)) = (due.errand, home) {
            home.send_errand(None, self.turn(Turns::arrive));
        }
        due.waker.into_iter().for_each(unwind::wake);
    }

    /// Runs the task, which says what came of it.
    fn run_task(&self, worker: &Worker) {
        let task = self.task.lock().take();
        task.map(|task| worker.run_job(task));
    }

    /// There will be no more polls.
    fn end(&self) {
        if let Some(future) = self.turns.end() {
            unwind::discard(future);
        }
        let task = self.task.lock().take();
        task.map(JobRef::discard);
        if let (Some(home), Some(&number)) = (self.home.upgrade(), self.number.get()) {
            home.gates.remove(number);
        }
    }
}

/// The output, for the task; given up with it.
struct Output<Fut>(Arc<Promise<Fut>>)
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static;

impl<Fut> Output<Fut>
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    fn take(&self) -> Fut::Output {
        let output = self.0.output.lock().take();
        match output.expect("the task is run when there is an output") {
            Ok(output) => output,
            Err(payload) => unwind::resume(payload),
        }
    }
}

impl<Fut> Drop for Output<Fut>
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<Fut> Wake for Promise<Fut>
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.process.is_current() {
            // The future is the parent's, and its locks may be locked for ever.
            return;
        }
        let Some(due) = self.turns.wake() else { return };
        self.call(self.home.upgrade().as_ref(), due);
    }
}

impl<Fut> Keeper for Promise<Fut>
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    fn help(self: Arc<Self>, worker: &Worker, _task: &dyn Kept) -> bool {
        self.poll(worker, self.turns.begin())
    }

    fn may_help(&self) -> bool {
        self.turns.is_due()
    }

    fn wake_to_help(&self, waker: &Waker) {
        self.turns.wake_when_due(waker);
    }
}

impl<Fut> Gate for Promise<Fut>
where
    Fut: Future + Send + 'static,
    Fut::Output: Send + 'static,
{
    fn discard(&self) {
        let task = self.task.lock().take();
        task.map(JobRef::discard);
    }
}
