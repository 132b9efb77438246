//! What all threads of a pool share. Data, and one step on it at a time; no
//! loops over time: who waits, and for what, is the worker's business.

mod calls;
mod gates;
mod inner;
mod roster;
mod slot;
mod steal;

use std::time::Instant;

pub(crate) use self::{
    gates::{Gate, InStrand},
    slot::{Only, Slot},
    steal::Share,
};

use self::{
    gates::{Gates, Keys},
    roster::Roster,
};
use crate::{
    affinity::Started,
    attendance::Attendance,
    config::{Config, Handlers},
    counters::{Home, Ledger},
    deque::{self, Deque, Seat},
    detector::Detector,
    errands::take,
    injector::{Injector, Lane},
    process::Process,
    raw::{Homes, JobRef},
    sleep::{Place, Sleep},
    staff::Staff,
    strands::Strands,
    sync::{
        Arc, AtomicU32, AtomicUsize, Mutex, Ordering, Weak,
        deque::{Injector as Mailbox, Steal},
        fence,
    },
    timer::Timer,
};

pub(crate) struct Registry<C: 'static> {
    pub(crate) sleep: Sleep,
    pub(crate) injector: Injector<JobRef<C>>,
    pub(crate) staff: Staff,
    pub(crate) timer: Timer,
    /// Looks after threads that stall, if it was asked to.
    pub(crate) detector: Option<Arc<Detector>>,
    pub(crate) attendance: Attendance,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) epoch: Instant,
    /// Where its threads are.
    pub(crate) process: Process,
    /// Tasks that came from outside, but by no lane.
    pub(crate) beside: Arc<Ledger>,
    pub(crate) gates: Gates,
    pub(crate) strands: Strands<InStrand<C>>,
    /// Makes strands of keys.
    keys: Keys,
    slots: Box<[Slot<C>]>,
    homes: Homes,
    /// For each worker, jobs for this very thread.
    mail: Box<[Mailbox<JobRef<C>>]>,
    /// Scopes' jobs that came from outside the pool, for any of its threads.
    strays: Mailbox<JobRef<C>>,
    workers: usize,
    /// Where its workers have started.
    pub(crate) started: Mutex<Started>,
    roster: Roster,
    phase: AtomicU32,
    discarded: AtomicUsize,
}

/// How far a pool is on its way from open to gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Open = 0,
    /// No new tasks.
    Closed = 1,
    /// And the threads leave when all tasks are done.
    Ending = 2,
    /// And tasks that have not started are dropped.
    Discarding = 3,
}

impl<C> Registry<C> {
    /// A registry for `workers`; the deques that the threads of workers' and
    /// guests' slots are to own, and the seats of stand-ins.
    pub(crate) fn new(workers: usize, config: Config) -> (Arc<Self>, Vec<Deque<C>>, Vec<Seat<C>>)
    where
        Self: Send + Sync,
    {
        deque::prepare();
        let epoch = Instant::now();
        // By the one or the other.
        let pinned = config.custom_threads || config.handlers.start.is_some();
        let handlers = Arc::new(config.handlers);
        let (most, keep_alive) = (config.max_stand_ins, config.stand_in_keep_alive);
        let staff = Staff::new(workers, most, keep_alive, config.door_patience);
        let constant = workers + config.max_guests;
        let count = constant + staff.seats();
        let deques: Vec<_> = (0..constant).map(Deque::new).collect();
        let mut seats: Vec<_> = (constant..count).map(Seat::new).collect();
        let loots = deques.iter().map(Deque::loot).chain(seats.iter().map(Seat::loot));
        let slots = loots.map(|loot| Slot::new(loot, &handlers, epoch)).collect();
        // The first one last: those that are never taken are never looked at.
        seats.reverse();
        let timer = Timer::new(config.stack_size);
        let detector = config.stalls.map(|stalls| Detector::new(stalls, &handlers, &timer));
        let registry = Registry {
            sleep: Sleep::new(count, workers, pinned),
            injector: Injector::new(workers, config.injector_capacity, epoch, &handlers),
            staff,
            timer,
            detector,
            beside: Arc::new(Ledger::new(&handlers)),
            gates: Gates::default(),
            strands: Strands::new(),
            keys: Keys::default(),
            handlers,
            epoch,
            process: Process::current(),
            homes: Homes::new(count),
            slots,
            strays: Mailbox::new(),
            mail: (0..workers).map(|_| Mailbox::new()).collect(),
            workers,
            started: Mutex::default(),
            roster: Roster::new(workers, count),
            phase: AtomicU32::new(Phase::Open as u32),
            discarded: AtomicUsize::new(0),
            attendance: Attendance::new(workers),
        };
        let registry = Arc::new(registry);
        let home: Weak<Self> = Arc::downgrade(&registry);
        registry.ledgers().for_each(|ledger| ledger.belong_to(home.clone()));
        (registry, deques, seats)
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    pub(crate) fn homes(&self) -> &Homes {
        &self.homes
    }

    pub(crate) fn slot(&self, index: usize) -> &Slot<C> {
        &self.slots[index]
    }

    pub(crate) fn slots(&self) -> &[Slot<C>] {
        &self.slots
    }

    /// So many places on the roster of slots where work may lie.
    pub(crate) fn places(&self) -> usize {
        self.roster.len()
    }

    /// The slot at that place, unless it is on its way there.
    pub(crate) fn at_place(&self, place: usize) -> Option<usize> {
        self.roster.at(place)
    }

    /// The slots where work may lie.
    pub(crate) fn slots_in_use(&self) -> impl Iterator<Item = &Slot<C>> {
        (0..self.places()).filter_map(|place| Some(&self.slots[self.at_place(place)?]))
    }

    /// From now on work may lie in slot `index`, whose thread calls this.
    pub(crate) fn use_slot(&self, index: usize) {
        if self.slots[index].is_new() {
            self.roster.add(index);
        }
    }

    /// Tasks that members have taken from the entrance so far.
    pub(crate) fn taken(&self) -> u64 {
        self.slots.iter().map(|slot| slot.counters.taken.get()).sum()
    }

    /// Puts a job in the mailbox of worker `index` and sees that it is found.
    pub(crate) fn send(&self, index: usize, job: JobRef<C>) {
        self.mail[index].push(job);
        self.sleep.wake(index);
    }

    /// The same with one that was made in an isolated section, for slot `index` where it is in
    /// at most so many `sections`.
    pub(crate) fn send_inside(&self, index: usize, sections: usize, job: JobRef<C>) {
        self.slots[index].inner.push(sections, job);
        self.sleep.wake(index);
    }

    pub(crate) fn take_mail(&self, index: usize) -> Option<JobRef<C>> {
        self.take_own_mail(index).or_else(|| self.take_stray())
    }

    pub(crate) fn take_stray(&self) -> Option<JobRef<C>> {
        take(&self.strays)
    }

    /// Without what any thread of the pool may take.
    pub(crate) fn take_own_mail(&self, index: usize) -> Option<JobRef<C>> {
        self.mail.get(index).and_then(take).or_else(|| self.take_inner_mail(index, 0))
    }

    pub(crate) fn has_own_mail(&self, index: usize) -> bool {
        self.mail.get(index).is_some_and(|mail| !mail.is_empty()) || self.has_inner_mail(index, 0)
    }

    /// What was sent to slot `index` from inside an isolated section, for a wait in so many.
    pub(crate) fn take_inner_mail(&self, index: usize, sections: usize) -> Option<JobRef<C>> {
        self.slots[index].inner.take(sections)
    }

    /// The same in the turn of what is for the outermost section that this may be taken in.
    pub(crate) fn take_outer_mail(&self, index: usize, sections: usize) -> Option<JobRef<C>> {
        self.slots[index].inner.take_outer(sections)
    }

    /// Lets any thread of the pool take a job that slot `owner` waits for, if one
    /// does.
    pub(crate) fn push_stray(&self, owner: Option<usize>, job: JobRef<C>) {
        self.strays.push(job);
        self.post_stray();
        if let Some(owner) = owner {
            // It may sleep where no poster would wake it.
            self.sleep.wake(owner);
        }
    }

    pub(crate) fn has_mail(&self, index: usize) -> bool {
        self.has_own_mail(index) || !self.strays.is_empty()
    }

    pub(crate) fn has_inner_mail(&self, index: usize, sections: usize) -> bool {
        self.slots[index].inner.has(sections)
    }

    /// Does work lie at this place?
    pub(crate) fn has_work_at(&self, place: Place) -> bool {
        match place {
            Place::Forks => self.has_stealable(),
            Place::Deque => self.has_stealable_jobs(),
            Place::Stray => !self.strays.is_empty(),
            Place::Side => self.injector.has_side(),
            Place::Lane => self.injector.has_tasks(),
        }
    }

    /// Does work lie anywhere?
    pub(crate) fn has_work(&self) -> bool {
        self.has_work_or(Place::Forks)
    }

    /// The same, but forks.
    pub(crate) fn has_more_than_forks(&self) -> bool {
        self.has_work_or(Place::Deque)
    }

    fn has_work_or(&self, in_deques: Place) -> bool {
        let places = [in_deques, Place::Stray, Place::Side, Place::Lane];
        places.into_iter().any(|place| self.has_work_at(place))
    }

    pub(crate) fn phase(&self) -> Phase {
        // ORDERING(close): acquires what was done before `advance`.
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Closed,
            2 => Phase::Ending,
            _ => Phase::Discarding,
        }
    }

    /// Goes on to `phase`, never back, and sees that everybody hears of it.
    pub(crate) fn advance(&self, phase: Phase) {
        // First, so that who sees the phase finds no lane open.
        self.injector.close();
        self.gates.close();
        // ORDERING(close): releases to `phase`.
        self.phase.fetch_max(phase as u32, Ordering::Release);
        if phase >= Phase::Ending {
            self.sleep.wake_all();
        }
    }

    /// Did a task with this ledger come in by this pool?
    pub(crate) fn owns(&self, ledger: &Arc<Ledger>) -> bool {
        self.ledgers().any(|own| Arc::ptr_eq(own, ledger))
    }

    fn ledgers(&self) -> impl Iterator<Item = &Arc<Ledger>> {
        let lanes = self.injector.lanes().iter().map(Lane::ledger);
        lanes.chain(self.slots.iter().map(|slot| &slot.ledger)).chain([&self.beside])
    }

    /// Tasks accepted and not done: queued or running. It is exact when no
    /// more are accepted; else it may be too high by those that finished while
    /// it was counted.
    pub(crate) fn unfinished(&self) -> usize {
        // Finished first: a task cannot finish without having been accepted.
        let run = |slot: &Slot<C>| {
            slot.counters.tasks_completed.get() + slot.counters.tasks_panicked.get()
        };
        let finished: u64 = self.slots.iter().map(run).sum::<u64>() + self.cancelled();
        let accepted: u64 = self.ledgers().map(|ledger| ledger.accepted()).sum();
        accepted.saturating_sub(finished) as usize
    }

    /// Tasks accepted that will never run.
    pub(crate) fn cancelled(&self) -> u64 {
        self.ledgers().map(|ledger| ledger.cancelled()).sum()
    }

    /// Tasks whose time was over while they ran.
    pub(crate) fn timed_out(&self) -> u64 {
        self.ledgers().map(|ledger| ledger.timed_out()).sum()
    }

    /// Tasks that were dropped in `Phase::Discarding` instead of being run, by whomever.
    pub(crate) fn discarded(&self) -> usize {
        // ORDERING(tally): ordered by the ledger, where the task is counted afterwards: the pool
        // is over when that is seen.
        self.discarded.load(Ordering::Relaxed)
    }

    /// Is the pool ending, and is there nothing left to do?
    pub(crate) fn is_over(&self) -> bool {
        if self.phase() < Phase::Ending {
            return false;
        }
        // ORDERING(close): of two threads that have each counted a task and look here, one sees
        // both; and against `tell_if_over`: either that one sees the pool end, or here is seen
        // what it has lost.
        fence(Ordering::SeqCst);
        self.injector.is_unused() && self.unfinished() == 0
    }

    /// Tells all who sleep or rest, if so. For who has counted a task, and does not look for work
    /// until it sees that itself: perhaps nobody else has seen what that one has.
    pub(crate) fn tell_if_over(&self) {
        // ORDERING(close): see `is_over`.
        fence(Ordering::SeqCst);
        if self.is_over() {
            self.sleep.wake_all();
            self.staff.nudge();
        }
    }
}

impl<C> Home for Registry<C>
where
    Self: Send + Sync,
{
    fn discards(&self) -> bool {
        self.phase() == Phase::Discarding
    }

    fn is_losing_task(&self) {
        if self.discards() {
            // ORDERING(tally): see `discarded`.
            self.discarded.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn has_lost_task(&self) {
        self.tell_if_over();
    }
}

/// What is left when all threads are gone: places of tasks that were decided
/// before their turn came.
impl<C> Drop for Registry<C> {
    fn drop(&mut self) {
        if !self.process.is_current() {
            // They are the parent's.
            return;
        }
        // Left to itself, since this may be its own thread.
        drop(self.timer.stop());
        self.discard();
        for slot in &self.slots {
            let stealer = &slot.loot.stealer;
            while !stealer.is_empty() {
                if let Steal::Success(task) = stealer.steal() {
                    task.discard();
                }
            }
        }
    }
}
