//! What all threads of a pool share. Data, and one step on it at a time; no
//! loops over time: who waits, and for what, is the worker's business.

mod calls;
mod gates;
mod slot;

use std::time::Instant;

pub(crate) use self::{
    gates::{Gate, InStrand},
    slot::Slot,
};

use self::gates::{Gates, Keys};
use crate::{
    attendance::Attendance,
    config::{Config, Handlers},
    counters::Ledger,
    deque::{Deque, Seat},
    errands::take,
    injector::{Injector, Lane},
    process::Process,
    raw::{Homes, JobRef},
    sleep::{Place, Sleep},
    staff::Staff,
    strands::Strands,
    sync::{
        Arc, AtomicU32, AtomicUsize, Ordering,
        deque::{Injector as Mailbox, Steal},
    },
    timer::Timer,
};

pub(crate) struct Registry<C: 'static> {
    pub(crate) sleep: Sleep,
    pub(crate) injector: Injector<JobRef<C>>,
    pub(crate) staff: Staff,
    pub(crate) timer: Timer,
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
    /// Slots that have had a thread, or may have one any time: the first so
    /// many. Most seats are never taken, and need not be looked at.
    used: AtomicUsize,
    phase: AtomicU32,
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

/// How much of a victim's queue a thief may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    One,
    /// Half of a long queue: a backlog of spawns. One of a short one, and of
    /// forks: a fork is half of what is left.
    Half,
}

/// A victim's queue is long, and half of it is taken, from this length on.
const LONG_QUEUE: usize = 9;

/// The most jobs that one steal takes.
const MOST_STOLEN: usize = 32;

impl<C> Registry<C> {
    /// A registry for `workers`; the deques that the threads of workers' and
    /// guests' slots are to own, and the seats of stand-ins.
    pub(crate) fn new(workers: usize, config: Config) -> (Arc<Self>, Vec<Deque<C>>, Vec<Seat<C>>) {
        let epoch = Instant::now();
        let handlers = Arc::new(config.handlers);
        let staff = Staff::new(workers, config.max_stand_ins, config.door_patience);
        let constant = workers + config.max_guests;
        let count = constant + staff.seats();
        let deques: Vec<_> = (0..constant).map(Deque::new).collect();
        let mut seats: Vec<_> = (constant..count).map(Seat::new).collect();
        let stealers = deques.iter().map(Deque::stealer).chain(seats.iter().map(Seat::stealer));
        let slot = |stealer| Slot::new(stealer, &handlers, epoch);
        let slots = stealers.map(slot).collect();
        // The first one last: those that are never taken are never looked at.
        seats.reverse();
        let registry = Registry {
            sleep: Sleep::new(count, workers),
            injector: Injector::new(workers, config.injector_capacity, epoch, &handlers),
            staff,
            timer: Timer::new(config.stack_size),
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
            used: AtomicUsize::new(workers),
            phase: AtomicU32::new(Phase::Open as u32),
            attendance: Attendance::new(workers),
        };
        (Arc::new(registry), deques, seats)
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

    /// The slots where work may lie.
    pub(crate) fn slots_in_use(&self) -> &[Slot<C>] {
        // ORDERING(dekker): `use_slot` comes before the first push there.
        &self.slots[..self.used.load(Ordering::Relaxed)]
    }

    /// From now on work may lie in slot `index`.
    pub(crate) fn use_slot(&self, index: usize) {
        // ORDERING(dekker): goes with the pushes that follow.
        if index >= self.used.load(Ordering::Relaxed) {
            // ORDERING(dekker): as above.
            self.used.fetch_max(index + 1, Ordering::Relaxed);
        }
    }

    /// Takes the oldest job, or jobs, of `victim` for `thief`, who owns `into`.
    pub(crate) fn steal(
        &self,
        victim: usize,
        thief: usize,
        share: Share,
        into: &Deque<C>,
    ) -> Option<JobRef<C>> {
        let victim = &self.slots[victim];
        let queued = victim.stealer.len();
        if queued == 0 {
            return None;
        }
        let counters = &self.slots[thief].counters;
        counters.steal_attempts.add(1);
        let many = share == Share::Half && queued >= LONG_QUEUE && victim.may_hold_jobs();
        let stolen = if many {
            self.slots[thief].holds_jobs();
            let half = (queued / 2).min(MOST_STOLEN);
            victim.stealer.steal_batch_with_limit_and_pop(into.public(), half)
        } else {
            victim.stealer.steal()
        };
        match stolen {
            Steal::Success(job) => {
                counters.steals.add(1);
                if many {
                    self.post_jobs();
                }
                Some(job)
            }
            // A lost race: somebody else has the job, so there are more
            // victims to try than this one.
            Steal::Retry => {
                counters.steal_races_lost.add(1);
                None
            }
            Steal::Empty => None,
        }
    }

    /// The oldest job in the public deque of `index`, for its owner; none also
    /// if a thief was quicker.
    pub(crate) fn take_oldest(&self, index: usize) -> Option<JobRef<C>> {
        match self.slots[index].stealer.steal() {
            Steal::Success(job) => Some(job),
            Steal::Empty | Steal::Retry => None,
        }
    }

    /// Tasks that members have taken from the entrance so far.
    pub(crate) fn taken(&self) -> u64 {
        self.slots.iter().map(|slot| slot.counters.taken.get()).sum()
    }

    /// Puts a job in the mailbox of slot `index` and sees that it is found.
    pub(crate) fn send(&self, index: usize, job: JobRef<C>) {
        if job.is_isolated() {
            self.slots[index].inner.get_or_init(Mailbox::new).push(job);
        } else {
            self.mail[index].push(job);
        }
        self.sleep.wake(index);
    }

    pub(crate) fn take_mail(&self, index: usize) -> Option<JobRef<C>> {
        self.take_own_mail(index).or_else(|| take(&self.strays))
    }

    /// Without what any thread of the pool may take.
    pub(crate) fn take_own_mail(&self, index: usize) -> Option<JobRef<C>> {
        self.mail.get(index).and_then(take).or_else(|| self.take_inner_mail(index))
    }

    pub(crate) fn has_own_mail(&self, index: usize) -> bool {
        self.mail.get(index).is_some_and(|mail| !mail.is_empty()) || self.has_inner_mail(index)
    }

    /// What was sent to slot `index` from inside an isolated section.
    pub(crate) fn take_inner_mail(&self, index: usize) -> Option<JobRef<C>> {
        take(self.slots[index].inner.get()?)
    }

    /// Lets any thread of the pool take a job that slot `owner` waits for, if one
    /// does.
    pub(crate) fn push_stray(&self, owner: Option<usize>, job: JobRef<C>) {
        self.strays.push(job);
        self.post_jobs();
        // It may sleep where no poster would wake it.
        owner.into_iter().for_each(|owner| self.sleep.wake(owner));
    }

    pub(crate) fn has_mail(&self, index: usize) -> bool {
        self.has_own_mail(index) || !self.strays.is_empty()
    }

    pub(crate) fn has_inner_mail(&self, index: usize) -> bool {
        self.slots[index].inner.get().is_some_and(|mail| !mail.is_empty())
    }

    pub(crate) fn has_stealable(&self) -> bool {
        !self.strays.is_empty() || self.slots_in_use().iter().any(|slot| !slot.stealer.is_empty())
    }

    /// Is there more to steal than forks?
    fn has_stealable_jobs(&self) -> bool {
        let has = |slot: &Slot<C>| slot.may_hold_jobs() && !slot.stealer.is_empty();
        !self.strays.is_empty() || self.slots_in_use().iter().any(has)
    }

    /// Does work lie at this place?
    pub(crate) fn has_work_at(&self, place: Place) -> bool {
        match place {
            Place::Forks => self.has_stealable(),
            Place::Deque => self.has_stealable_jobs(),
            Place::Side => self.injector.has_side(),
            Place::Lane => self.injector.has_tasks(),
        }
    }

    /// Does work lie anywhere?
    pub(crate) fn has_work(&self) -> bool {
        [Place::Forks, Place::Side, Place::Lane].into_iter().any(|place| self.has_work_at(place))
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

    /// Tasks that workers dropped instead of running, in `Phase::Discarding`.
    pub(crate) fn discarded_by_workers(&self) -> usize {
        self.slots.iter().map(|slot| slot.counters.tasks_discarded.get() as usize).sum()
    }

    /// Is the pool ending, and is there nothing left to do?
    pub(crate) fn is_over(&self) -> bool {
        self.phase() >= Phase::Ending
            && self.injector.lanes().iter().all(Lane::is_unused)
            && self.unfinished() == 0
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
            while !slot.stealer.is_empty() {
                if let Steal::Success(task) = slot.stealer.steal() {
                    task.discard();
                }
            }
        }
    }
}
