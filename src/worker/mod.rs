//! One thread of the pool, and its own jobs.
//!
//! `share` says what it does at a fork, `search` where it looks for work,
//! `idle` what it does when there is none, `wait` how it waits for something
//! without standing idle, `aside` how others work while it blocks, `places` how it
//! comes to its place and leaves it.

mod aside;
mod doze;
mod fair;
mod idle;
mod keeper;
mod places;
mod posted;
mod search;
mod seat;
mod section;
mod share;
mod wait;
mod yields;

use std::cell::Cell;

use crate::{
    counters::{Activity, Counters, Ledger},
    deque::{Deque, Seat},
    detector::Post,
    headroom::Headroom,
    parker::Parker,
    priority::Turn,
    privacy::Privacy,
    process,
    raw::{Blocks, Front, JobRef, Kind, Returned, Slot},
    registry::Registry,
    rng::Rng,
    sync::{Arc, MODELLED, lock_wait, thread_local},
};

pub(crate) use self::{
    aside::blocking,
    idle::IdleSpin,
    keeper::{Extras, Keeper, Kept, Label},
    posted::Noted,
    section::{in_section, isolated},
    wait::{Awaited, wait_for, wait_on, work_once},
};

/// Tasks a worker's own deque may hold before it runs new ones at once.
const DEQUE_LIMIT: usize = if MODELLED { 2 } else { 65_536 };

/// Levels of tasks run at once inside `spawn` that share one `DEQUE_LIMIT`:
/// each further level may queue more, so neither memory nor stack runs away.
const LEVELS_PER_LIMIT: usize = if MODELLED { 1 } else { 8 };

thread_local! {
    static CURRENT: Slot<Worker> = const { Slot::new() };
}

thread_local! {
    /// The task that this thread runs; none if it runs something else on top.
    static TASK: Slot<Front<Worker, Label>> = const { Slot::new() };
}

/// A thread's own half of its slot in the registry.
pub(crate) struct Worker {
    index: usize,
    role: Role,
    deque: Deque<Worker>,
    blocks: Blocks,
    returned: Returned,
    registry: Arc<Registry<Worker>>,
    post: Option<Arc<Post>>,
    privacy: Arc<Privacy>,
    /// Forks still to be published unasked; while there are any, `privacy` is
    /// over.
    grace: Cell<u32>,
    /// Jobs from elsewhere that this thread runs inside waits, nested.
    depth: Cell<usize>,
    /// For jobs nested deeper.
    headroom: Cell<Headroom>,
    /// Tasks that this thread runs inside `spawn`, nested.
    level: Cell<usize>,
    /// Blocking sections that this thread is in, nested.
    sections: Cell<usize>,
    /// Is this thread's place open while it sleeps in a wait?
    naps_aside: Cell<bool>,
    /// Does a job from an isolated section begin here, with nothing else in the deque?
    alone: Cell<bool>,
    /// Does a job from the section of another run here, or one that was stolen back from there?
    visiting: Cell<bool>,
    /// Does `sleep` count this thread as searching?
    searching: Cell<bool>,
    turn: Cell<Turn>,
    ticks: Cell<u32>,
    rng: Rng,
    idle: IdleSpin,
    /// For each slot, visits in a row that found nothing.
    vain: Box<[Cell<u8>]>,
}

/// In the child of a fork the thread that called it works for no pool any more.
pub(crate) extern "C" fn forked() {
    process::forked();
    CURRENT.with(Slot::clear);
}

/// Whose thread it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The pool's, numbered below `num_threads`.
    Member,
    /// A caller's, while it works inside the pool.
    Guest,
    /// The pool's, in the place of a thread that blocks, or at the entrance while
    /// all members are busy.
    StandIn,
}

impl Worker {
    pub(crate) fn new(
        index: usize,
        role: Role,
        deque: Deque<Worker>,
        registry: &Arc<Registry<Worker>>,
        idle: IdleSpin,
    ) -> Self {
        Worker {
            index,
            role,
            deque,
            blocks: Blocks::new(index, registry.homes()),
            returned: Returned::default(),
            privacy: Arc::clone(registry.slot(index).privacy()),
            registry: Arc::clone(registry),
            post: posted::post(registry, index, role),
            grace: Cell::new(0),
            depth: Cell::new(0),
            headroom: Cell::new(Headroom::next(0)),
            level: Cell::new(0),
            sections: Cell::new(0),
            naps_aside: Cell::new(false),
            alone: Cell::new(false),
            visiting: Cell::new(false),
            searching: Cell::new(false),
            turn: Cell::default(),
            ticks: Cell::new(0),
            rng: Rng::new(index),
            idle,
            vain: registry.slots().iter().map(|_| Cell::new(0)).collect(),
        }
    }

    /// Calls `f` with the worker that this thread is now, if it is one.
    #[inline(always)]
    pub(crate) fn current<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
        Slot::with(&CURRENT, f)
    }

    /// Calls `f` with the worker of `registry` that this thread is, now or
    /// further up its stack.
    #[inline]
    pub(crate) fn of<R>(
        registry: &Arc<Registry<Worker>>,
        f: impl FnOnce(Option<&Worker>) -> R,
    ) -> R {
        Worker::current(|current| {
            let own = current.filter(|worker| worker.is_of(registry));
            if own.is_some() || current.is_none() { f(own) } else { Worker::outer(registry, f) }
        })
    }

    /// The same further up its stack.
    #[cold]
    fn outer<R>(registry: &Arc<Registry<Worker>>, f: impl FnOnce(Option<&Worker>) -> R) -> R {
        let (mut f, mut result) = (Some(f), None);
        Worker::each(&mut |worker| {
            let f = if worker.is_of(registry) { f.take() } else { None };
            result = f.map(|f| f(Some(worker)));
            result.is_some()
        });
        result.unwrap_or_else(|| (f.expect("not called yet"))(None))
    }

    /// The first `Some` that `f` gives for the workers this thread is, the
    /// innermost first.
    pub(crate) fn find<R>(mut f: impl FnMut(&Worker) -> Option<R>) -> Option<R> {
        let mut found = None;
        Worker::each(&mut |worker| {
            found = f(worker);
            found.is_some()
        });
        found
    }

    /// Shows `f` the workers this thread is, the innermost first, until it says true.
    pub(crate) fn each(f: &mut dyn FnMut(&Worker) -> bool) {
        CURRENT.with(|slot| slot.find(f));
    }

    /// Makes this the thread's current worker while `f` runs.
    pub(crate) fn enter<R>(&self, f: impl FnOnce(&Worker) -> R) -> R {
        CURRENT.with(|slot| slot.enter(self, || f(self)))
    }

    #[inline(always)]
    pub(crate) fn is_of(&self, registry: &Arc<Registry<Worker>>) -> bool {
        Arc::ptr_eq(&self.registry, registry)
    }

    /// The number of this worker's slot.
    pub(crate) fn slot(&self) -> usize {
        self.index
    }

    /// Leaves the slot, without a job in it that is not public.
    pub(crate) fn into_seat(self) -> Seat<Worker> {
        self.deque.into_seat()
    }

    pub(crate) fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.registry
    }

    /// This worker's number among the members.
    pub(crate) fn member_index(&self) -> Option<usize> {
        (self.role == Role::Member).then_some(self.index)
    }

    /// Is this thread the pool's, and no caller's?
    pub(crate) fn is_pools_own(&self) -> bool {
        self.role != Role::Guest
    }

    /// Before this thread looks for another job than the next at hand: says
    /// what it has done.
    fn rest(&self) {
        self.returned.take_off(self);
    }

    /// Makes this the thread's current task while `f` runs, which contains its panics.
    pub(crate) fn run_task<R>(&self, task: &Front<Worker, Label>, f: impl FnOnce() -> R) -> R {
        let name = || task.label().name().cloned();
        self.occupied(name, || TASK.with(|slot| slot.enter(task, f)))
    }

    /// Calls `f` with the task that this thread runs, if it runs one.
    pub(crate) fn current_task<R>(f: impl FnOnce(Option<&Front<Worker, Label>>) -> R) -> R {
        Slot::with(&TASK, f)
    }

    /// Runs jobs, with `f`, on top of another one that waits or yields, and that are not
    /// its task's.
    fn nested<R>(&self, f: impl FnOnce(&Worker) -> R) -> R {
        self.depth.set(self.depth.get() + 1);
        let result = TASK.with(|slot| slot.hide(|| self.enter(f)));
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// Where the tasks are booked that this thread spawns.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.registry.slot(self.index).ledger
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.registry.slot(self.index).counters
    }

    /// Would this thread perhaps not run a scope's job itself, which slot `owner` waits for? A
    /// guest may leave before, and a thread without room not come back to it; and the owner may
    /// wait where it steals from nobody.
    pub(crate) fn leaves_to_others(&self, owner: Option<usize>) -> bool {
        (self.role == Role::Guest || self.lacks_room()) && !self.sees_to(owner)
    }

    /// Are there jobs that this thread would leave behind?
    #[inline]
    pub(crate) fn has_queued(&self) -> bool {
        self.deque.len() > 0
    }

    /// Pushes a job for everybody to see.
    pub(crate) fn push(&self, job: JobRef<Worker>) {
        self.deque.push(job);
        self.registry.post_jobs();
    }

    /// Pushes a spawned task; or runs it here and now if too many are queued,
    /// so that memory stays bounded when a task floods its own pool.
    pub(crate) fn push_task(&self, task: JobRef<Worker>) {
        if self.may_queue(self.deque.len()) {
            self.push(task);
        } else {
            self.run_at_once(|worker| {
                worker.run_job(task);
            });
        }
    }

    /// May a task that this thread spawns wait behind so many others?
    pub(crate) fn may_queue(&self, others: usize) -> bool {
        others < DEQUE_LIMIT * (1 + self.level.get() / LEVELS_PER_LIMIT)
    }

    /// Runs what may not wait inside the `spawn` that brings it.
    pub(crate) fn run_at_once(&self, run: impl FnOnce(&Worker)) {
        let level = self.level.get();
        wait::each_worker(&mut Worker::publish);
        self.level.set(level + 1);
        self.enter(run);
        self.level.set(level);
    }

    /// Runs a job here and now that this thread would else wait for.
    pub(crate) fn run_awaited(&self, job: JobRef<Worker>) {
        wait::each_worker(&mut Worker::publish);
        self.alone.set(false);
        self.start();
        // Counted when its place in the queue is.
        TASK.with(|slot| slot.hide(|| self.enter(|worker| job.run(worker))));
        // Whoever waits for its scope does not wait for what comes here now.
        self.rest();
    }

    /// Runs a job that came from a queue. False: it was a task decided before.
    pub(crate) fn run_job(&self, job: JobRef<Worker>) -> bool {
        match self.in_section() {
            false if job.is_isolated() => return self.run_alone(|worker| worker.run_here(job)),
            true if job.is_apart() => return self.run_apart(job),
            _ => (),
        }
        self.alone.set(false);
        self.run_here(job)
    }

    fn run_here(&self, job: JobRef<Worker>) -> bool {
        let kind = job.kind();
        if kind != Kind::Scoped {
            self.rest();
        }
        if kind != Kind::Task {
            // A task counts itself, if it is still to run.
            self.counters().jobs_run.add(1);
        }
        self.start();
        job.run(self)
    }

    /// Turns to `activity`, and books the time spent on locks so far.
    fn turn_to(&self, activity: Activity) {
        let counters = self.counters();
        counters.clock.enter(activity);
        let waited = lock_wait();
        if !waited.is_zero() {
            counters.lock_wait_nanos.add(waited.as_nanos() as u64);
        }
    }

    /// Parks this thread, and counts it.
    fn park(&self, parker: &Parker) {
        self.goes_to_sleep();
        parker.settle();
        parker.park();
        self.has_slept();
    }

    fn goes_to_sleep(&self) {
        self.counters().parks.add(1);
        self.turn_in_wait(Activity::Parked);
    }

    fn has_slept(&self) {
        self.turn_in_wait(Activity::Searching);
        self.counters().wakes.add(1);
    }

    /// Makes everything private public: before a worker runs a queued job,
    /// waits or yields.
    pub(crate) fn publish(&self) {
        if self.deque.publish() {
            self.registry.post_forks();
        }
    }
}
