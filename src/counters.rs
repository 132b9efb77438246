//! What is counted, and how to count without slowing anybody down.
//!
//! A `Tally` has one writer, so it is added to without a locked instruction.
//! A `Ledger` has many, and belongs to the place a task came in by.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::{
    config::Handlers,
    process::Process,
    sync::{
        Arc, AtomicU32, AtomicU64, AtomicUsize, MODELLED, OnceLock, Ordering, Weak, fence,
        spin_loop,
    },
};

/// A count that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicU64);

impl Tally {
    pub(crate) fn add(&self, n: u64) {
        // ORDERING(tally): nobody else writes, so this reads our own store.
        let before = self.0.load(Ordering::Relaxed);
        // ORDERING(tally): releases what was counted to `get`.
        self.0.store(before.wrapping_add(n), Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        // ORDERING(tally): acquires what was counted before `add`.
        self.0.load(Ordering::Acquire)
    }
}

/// The counts of one slot, that is of one thread at a time. On cache lines of
/// its own, since its thread writes it all the time.
#[derive(Debug)]
pub(crate) struct Counters(CachePadded<Counts>);

#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) jobs_run: Tally,
    pub(crate) steal_attempts: Tally,
    pub(crate) steals: Tally,
    pub(crate) steal_races_lost: Tally,
    pub(crate) parks: Tally,
    pub(crate) wakes: Tally,
    pub(crate) taken: Tally,
    pub(crate) tasks_completed: Tally,
    pub(crate) tasks_panicked: Tally,
    pub(crate) lock_wait_nanos: Tally,
    pub(crate) clock: Clock,
}

impl Counters {
    pub(crate) fn new(epoch: Instant) -> Self {
        Counters(CachePadded::new(Counts {
            jobs_run: Tally::default(),
            steal_attempts: Tally::default(),
            steals: Tally::default(),
            steal_races_lost: Tally::default(),
            parks: Tally::default(),
            wakes: Tally::default(),
            taken: Tally::default(),
            tasks_completed: Tally::default(),
            tasks_panicked: Tally::default(),
            lock_wait_nanos: Tally::default(),
            clock: Clock::new(epoch),
        }))
    }
}

impl std::ops::Deref for Counters {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        &self.0
    }
}

/// What a thread of the pool does with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Busy,
    Searching,
    Parked,
    /// In a blocking section.
    Blocked,
}

/// Time spent in each activity, up to now. They add up to the time since the
/// pool's epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) busy: Duration,
    pub(crate) searching: Duration,
    pub(crate) parked: Duration,
    pub(crate) blocked: Duration,
}

/// Adds up times, read without a lock: a sequence lock (Boehm, "Can Seqlocks
/// Get Along With Programming Language Memory Models?", MSPC 2012, figure 6).
/// The version is odd while the writer is at it.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
    process: Process,
    version: AtomicU32,
    activity: AtomicU32,
    since: AtomicU64,
    spent: [AtomicU64; 4],
}

/// A model gets to see the version wrap.
const FIRST_VERSION: u32 = if MODELLED { u32::MAX - 1 } else { 0 };

impl Clock {
    fn new(epoch: Instant) -> Self {
        Clock {
            epoch,
            process: Process::current(),
            version: AtomicU32::new(FIRST_VERSION),
            activity: AtomicU32::new(Activity::Parked as u32),
            since: AtomicU64::new(0),
            spent: [0; 4].map(AtomicU64::new),
        }
    }

    /// The thread of this slot turns to something else. The clock is read only
    /// if it really does.
    pub(crate) fn enter(&self, activity: Activity) {
        // ORDERING(clock): nobody else writes.
        if self.activity.load(Ordering::Relaxed) != activity as u32 {
            self.enter_at(activity, || self.epoch.elapsed().as_nanos() as u64);
        }
    }

    pub(crate) fn enter_at(&self, activity: Activity, now: impl FnOnce() -> u64) {
        // ORDERING(clock): nobody else writes, so every load is our own store;
        // the stores between the two of `version` are ordered by the fence
        // and by the last one.
        let version = self.version.load(Ordering::Relaxed);
        // ORDERING(clock): odd, before any of the stores below.
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release); // ORDERING(clock): pairs with the fence of `read_at`.
        // Not before: who still finds the version even has seen no time that is much later.
        let now = now();
        // ORDERING(clock): as above.
        let before = &self.spent[self.activity.load(Ordering::Relaxed) as usize];
        // ORDERING(clock): as above.
        let spent = now.saturating_sub(self.since.load(Ordering::Relaxed));
        // ORDERING(clock): as above.
        before.store(before.load(Ordering::Relaxed) + spent, Ordering::Relaxed);
        // ORDERING(clock): as above.
        self.activity.store(activity as u32, Ordering::Relaxed);
        // ORDERING(clock): as above.
        self.since.store(now, Ordering::Relaxed);
        // ORDERING(clock): even, releases the stores above to `read_at`.
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    pub(crate) fn read(&self) -> Spent {
        self.read_at(|| self.epoch.elapsed().as_nanos() as u64)
    }

    pub(crate) fn read_at(&self, now: impl Fn() -> u64) -> Spent {
        loop {
            // ORDERING(clock): acquires the stores before an even version.
            let version = self.version.load(Ordering::Acquire);
            let [busy, searching, parked, blocked] =
                // ORDERING(clock): a torn read is thrown away below.
                [0, 1, 2, 3].map(|i: usize| self.spent[i].load(Ordering::Relaxed));
            // ORDERING(clock): as above.
            let activity = self.activity.load(Ordering::Relaxed) as usize;
            // ORDERING(clock): as above.
            let since = self.since.load(Ordering::Relaxed);
            let now = now();
            fence(Ordering::Acquire); // ORDERING(clock): pairs with the fence of `enter_at`.
            // ORDERING(clock): after the fence: if any load above saw a store
            // of a later change, this sees its odd version at least.
            let whole = version % 2 == 0 && self.version.load(Ordering::Relaxed) == version;
            // A writer that a fork left behind will not finish.
            if whole || !self.process.is_current() {
                let mut spent = [busy, searching, parked, blocked];
                spent[activity] += now.saturating_sub(since);
                let [busy, searching, parked, blocked] = spent.map(Duration::from_nanos);
                return Spent { busy, searching, parked, blocked };
            }
            spin_loop();
        }
    }
}

/// The tasks that came in by one place: a lane, or a worker that spawned them.
#[derive(Default)]
pub(crate) struct Ledger {
    home: OnceLock<Weak<dyn Home>>,
    accepted: AtomicU64,
    cancelled: AtomicU64,
    timed_out: AtomicU64,
    /// Out of the queue for good, but their place in it is not cleared yet.
    buried: AtomicUsize,
    /// Who hears of panics that no handle receives.
    handlers: Arc<Handlers>,
    process: Process,
}

/// The pool that a ledger is of.
pub(crate) trait Home: Send + Sync {
    /// Does it drop what has not started?
    fn discards(&self) -> bool;
    /// A task is about to be cancelled. Who finds that the pool is over finds it counted.
    fn is_losing_task(&self);
    /// A task was cancelled, perhaps by a thread that is none of the pool's: if it was the
    /// last, somebody has to say so.
    fn has_lost_task(&self);
}

impl Ledger {
    pub(crate) fn new(handlers: &Arc<Handlers>) -> Self {
        Ledger { handlers: Arc::clone(handlers), ..Ledger::default() }
    }

    pub(crate) fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    /// Where the tasks are that came in here.
    pub(crate) fn process(&self) -> Process {
        self.process
    }

    /// Counts a task that came in; says how many had.
    pub(crate) fn accept(&self) -> u64 {
        // ORDERING(tally): releases to `accepted`; many writers, so an add.
        self.accepted.fetch_add(1, Ordering::Release)
    }

    pub(crate) fn accepted(&self) -> u64 {
        // ORDERING(tally): acquires what was done before `accept`.
        self.accepted.load(Ordering::Acquire)
    }

    /// These are the books of `home`.
    pub(crate) fn belong_to(&self, home: Weak<dyn Home>) {
        drop(self.home.set(home));
    }

    /// A task that was accepted will not run. The pool may go with this call, where it was
    /// the last to hold it: not to be called under a lock.
    pub(crate) fn cancel(&self) {
        let home = self.home();
        home.iter().for_each(|home| home.is_losing_task());
        // ORDERING(tally): releases to `cancelled`.
        self.cancelled.fetch_add(1, Ordering::Release);
        home.iter().for_each(|home| home.has_lost_task());
    }

    /// Are tasks that came in here dropped, if they have not started? Not to be called under a
    /// lock, as `cancel`.
    pub(crate) fn discards(&self) -> bool {
        self.home().is_some_and(|home| home.discards())
    }

    fn home(&self) -> Option<Arc<dyn Home>> {
        self.home.get().and_then(Weak::upgrade)
    }

    pub(crate) fn cancelled(&self) -> u64 {
        // ORDERING(tally): acquires what was done before `cancel`.
        self.cancelled.load(Ordering::Acquire)
    }

    /// The time of a running task is over.
    pub(crate) fn time_out(&self) {
        // ORDERING(tally): releases to `timed_out`.
        self.timed_out.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn timed_out(&self) -> u64 {
        // ORDERING(tally): acquires what was done before `time_out`.
        self.timed_out.load(Ordering::Acquire)
    }

    /// A task is cancelled, or run by who waits for it; its place in the queue
    /// is still taken.
    pub(crate) fn bury(&self) {
        // ORDERING(tally): may come after its `clear`; see `buried`.
        self.buried.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker came to the place of a buried task and cleared it.
    pub(crate) fn clear(&self) {
        // ORDERING(tally): may come before its `bury`; see `buried`.
        self.buried.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn buried(&self) -> usize {
        // ORDERING(tally): a snapshot. Below zero for a moment when a worker is
        // quicker to clear than the other side to bury.
        (self.buried.load(Ordering::Relaxed) as isize).max(0) as usize
    }
}
