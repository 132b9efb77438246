//! One thread of the pool: its own jobs, and what it does at a fork.
//!
//! `search` says where it looks for work, `idle` what it does when there is
//! none, `wait` how it waits for something without standing idle.

mod idle;
mod search;
mod wait;

use std::cell::Cell;

use crate::{
    counters::{Activity, Counters, Ledger},
    deque::Deque,
    parker::Parker,
    priority::Turn,
    privacy::Privacy,
    raw::{ForkRef, Host, JobId, JobRef, Kind, Latch, Slot},
    registry::{Registry, Share},
    rng::Rng,
    sync::{Arc, Ordering, fence, lock_wait},
};

pub(crate) use self::{
    idle::IdleSpin,
    wait::{Awaited, wait_for},
};

/// Forks that go public at the start of a job, and after an ask: deeper than a
/// tree of a few coarse jobs is. Only a worker that has forked more, unasked,
/// goes private.
const GRACE: u32 = 8;

/// What a public fork that nobody stole costs of it when its owner takes it
/// back: it is a sign that nobody is in need. So a worker that goes down a spine
/// publishes all of it, and one that comes and goes among leaves soon stops.
const UNSTOLEN: u32 = 1;

/// The grace after an ask that came late: what runs here is coarse, so being
/// late again would cost more than publishing does.
const LONG_GRACE: u32 = 256;

/// Tasks a worker's own deque may hold before it runs new ones at once.
const DEQUE_LIMIT: usize = 65_536;

/// Levels of tasks run at once inside `spawn` that share one `DEQUE_LIMIT`:
/// each further level may queue more, so neither memory nor stack runs away.
const LEVELS_PER_LIMIT: usize = 8;

thread_local! {
    static CURRENT: Slot<Worker> = const { Slot::new() };
}

/// A thread's own half of its slot in the registry.
pub(crate) struct Worker {
    index: usize,
    role: Role,
    deque: Deque<Worker>,
    registry: Arc<Registry<Worker>>,
    privacy: Arc<Privacy>,
    /// Forks still to be published unasked; while there are any, `privacy` is
    /// over.
    grace: Cell<u32>,
    /// Jobs from elsewhere that this thread runs inside waits, nested.
    depth: Cell<usize>,
    /// Tasks that this thread runs inside `spawn`, nested.
    level: Cell<usize>,
    /// Does `sleep` count this thread as searching?
    searching: Cell<bool>,
    turn: Cell<Turn>,
    ticks: Cell<u32>,
    rng: Rng,
    idle: IdleSpin,
    /// For each slot, visits in a row that found nothing, and an ask that had
    /// not been answered.
    vain: Box<[Cell<u8>]>,
}

/// Whose thread it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The pool's, numbered below `num_threads`.
    Member,
    /// A caller's, while it works inside the pool.
    Guest,
    /// The pool's, while all members are busy and the entrance waits.
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
            privacy: Arc::clone(registry.slot(index).privacy()),
            registry: Arc::clone(registry),
            grace: Cell::new(GRACE),
            depth: Cell::new(0),
            level: Cell::new(0),
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
    pub(crate) fn of<R>(
        registry: &Arc<Registry<Worker>>,
        f: impl FnOnce(Option<&Worker>) -> R,
    ) -> R {
        let mut f = Some(f);
        let found = Worker::find(|worker| {
            let f = if worker.is_of(registry) { f.take() } else { None };
            f.map(|f| f(Some(worker)))
        });
        match found {
            Some(result) => result,
            None => (f.expect("not called yet"))(None),
        }
    }

    /// The first `Some` that `f` gives for the workers this thread is, the
    /// innermost first.
    pub(crate) fn find<R>(f: impl FnMut(&Worker) -> Option<R>) -> Option<R> {
        CURRENT.with(|slot| slot.find(f))
    }

    /// Makes this the thread's current worker while `f` runs.
    pub(crate) fn enter<R>(&self, f: impl FnOnce(&Worker) -> R) -> R {
        CURRENT.with(|slot| slot.enter(self, || f(self)))
    }

    #[inline(always)]
    pub(crate) fn is_of(&self, registry: &Arc<Registry<Worker>>) -> bool {
        Arc::ptr_eq(&self.registry, registry)
    }

    pub(crate) fn registry(&self) -> &Arc<Registry<Worker>> {
        &self.registry
    }

    /// This worker's number among the members.
    pub(crate) fn member_index(&self) -> Option<usize> {
        (self.role == Role::Member).then_some(self.index)
    }

    /// Runs one waiting job. False: there was none, or too many that yield are
    /// stacked on this thread.
    pub(crate) fn yield_now(&self) -> bool {
        self.publish();
        if !self.may_yield() {
            return false;
        }
        let next = || match self.role {
            Role::Guest => self.help(None),
            // One job, since this thread goes back to what it did.
            Role::Member | Role::StandIn => self.next_job(Share::One),
        };
        std::iter::from_fn(next).any(|job| self.run_nested(job))
    }

    /// Runs a job on top of another one that waits or yields.
    fn run_nested(&self, job: JobRef<Worker>) -> bool {
        self.depth.set(self.depth.get() + 1);
        let ran = self.enter(|worker| worker.run_job(job));
        self.depth.set(self.depth.get() - 1);
        ran
    }

    /// Where the tasks are booked that this thread spawns.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.registry.slot(self.index).ledger
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.registry.slot(self.index).counters
    }

    /// Pushes a scope's job, which slot `owner` waits for. A guest may leave
    /// before it is run, and the owner wait where it steals from nobody: then
    /// the job is better off with the strays.
    pub(crate) fn push_scoped(&self, owner: usize, job: JobRef<Worker>) {
        if self.role == Role::Guest && owner != self.index {
            self.registry.push_stray(owner, job);
        } else {
            self.push(job);
        }
    }

    /// Are there jobs that this thread would leave behind?
    pub(crate) fn has_queued(&self) -> bool {
        self.deque.len() > 0
    }

    /// Pushes a job for everybody to see.
    pub(crate) fn push(&self, job: JobRef<Worker>) {
        self.registry.slot(self.index).holds_jobs();
        self.deque.push(job);
        self.registry.post_jobs();
    }

    /// Pushes a spawned task; or runs it here and now if too many are queued,
    /// so that memory stays bounded when a task floods its own pool.
    pub(crate) fn push_task(&self, task: JobRef<Worker>) {
        let level = self.level.get();
        if self.deque.len() < DEQUE_LIMIT * (1 + level / LEVELS_PER_LIMIT) {
            return self.push(task);
        }
        self.publish();
        self.level.set(level + 1);
        self.enter(|worker| worker.run_job(task));
        self.level.set(level);
    }

    /// Runs a job that came from a queue. False: it was a task decided before.
    pub(crate) fn run_job(&self, job: JobRef<Worker>) -> bool {
        if job.kind() == Kind::Structured {
            // A task counts itself, if it is still to run.
            self.counters().jobs_run.add(1);
        }
        self.start();
        job.run(self)
    }

    /// A caller takes this seat.
    pub(crate) fn sit_down(&self) {
        self.registry.use_slot(self.index);
        self.guest_starts();
        self.start();
    }

    /// And leaves it.
    pub(crate) fn stand_up(&self) {
        self.guest_stops();
        self.registry.pass_on();
    }

    fn guest_starts(&self) {
        if self.role == Role::Guest {
            self.registry.sleep.guest_starts();
        }
    }

    fn guest_stops(&self) {
        if self.role == Role::Guest {
            self.registry.sleep.guest_stops();
        }
    }

    /// Something new begins: whether it is coarse or fine is not known yet.
    pub(crate) fn start(&self) {
        self.grace.set(GRACE);
        self.privacy.end();
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
    fn park(&self, parker: &Parker, deadline: Option<std::time::Instant>) {
        let counters = self.counters();
        counters.parks.add(1);
        self.turn_to(Activity::Parked);
        parker.settle();
        parker.park_maybe_until(deadline);
        self.turn_to(Activity::Searching);
        counters.wakes.add(1);
    }

    /// Makes everything private public: before a worker runs a queued job,
    /// waits or yields.
    pub(crate) fn publish(&self) {
        if self.deque.publish() {
            self.registry.post_forks();
        }
    }

    /// There is no room for one more private fork, or no privacy.
    #[cold]
    #[inline(never)]
    fn share(&self) {
        if self.privacy.allows(1) {
            self.deque.publish_half();
        } else {
            match self.grace.get() {
                0 => {
                    self.answer();
                    if self.grace.get() == GRACE {
                        self.deque.publish_half();
                    } else {
                        let _ = self.deque.publish();
                    }
                }
                _ => {
                    self.spend(1);
                    let _ = self.deque.publish();
                }
            }
        }
        self.registry.sleep.forked();
    }

    /// Is a loop to be divided: for whoever may be short, with nothing here yet?
    #[inline(always)]
    pub(crate) fn is_asked(&self) -> bool {
        !self.privacy.allows(1) && !self.has_queued()
    }

    /// Nobody came for half of a loop in all the time that the other half took.
    pub(crate) fn calm_down(&self) {
        if self.grace.get() > 0 {
            self.spend(GRACE);
        }
    }

    /// Somebody is short of work: so is this worker generous, for a while.
    fn answer(&self) {
        self.grace.set(if self.privacy.hear() { LONG_GRACE } else { GRACE });
    }

    /// Takes from the grace. When none is left, and nobody has asked since,
    /// the next forks stay private.
    fn spend(&self, forks: u32) {
        let grace = self.grace.get().saturating_sub(forks);
        self.grace.set(grace);
        if grace > 0 {
            return;
        }
        self.privacy.begin();
        fence(Ordering::SeqCst); // ORDERING(demand): the owner's, see `begin`.
        if self.registry.sleep.wants_forks() {
            self.privacy.end();
        }
    }
}

impl Host for Worker {
    #[inline(always)]
    fn index(&self) -> usize {
        self.index
    }

    #[inline(always)]
    fn fork(&self, fork: ForkRef<Worker>) {
        let private = self.deque.push_private(fork);
        if !self.privacy.allows(private) {
            self.share();
        }
    }

    #[inline(always)]
    fn take_back(&self, fork: JobId) -> Option<ForkRef<Worker>> {
        let back = self.deque.take_back(fork)?;
        // Older ones may be wanted elsewhere, and the next fork be far away.
        if !self.privacy.allows(1) {
            self.share();
        }
        Some(back)
    }

    fn reclaim(&self, job: JobId) -> Option<JobRef<Worker>> {
        let back = self.deque.reclaim(job, || self.registry.post_jobs());
        if back.is_some() && self.grace.get() > 0 {
            self.spend(if self.grace.get() > GRACE { 1 } else { UNSTOLEN });
        }
        back
    }

    fn wait(&self, latch: &Latch) {
        wait_for(latch, &Parker::current(), Some(&self.registry), None);
    }

    fn wake(&self, owner: usize) {
        self.registry.sleep.wake(owner);
    }
}
