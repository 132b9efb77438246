//! The life of a pool's thread: work, search, sleep.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use super::Worker;
use crate::{
    counters::Activity,
    haul::Catch,
    parker::Parker,
    raw::{JobRef, Kind},
    registry::{Phase, Share},
    sleep::{Appetite, Awake, Depth, Place},
    sync::{Arc, MODELLED, Ordering, fence, spin_loop, thread},
};

/// The shortest time to linger: less than waking a thread takes.
const LEAST_LINGER: Duration = Duration::from_micros(1);

/// After a sleep shorter than this the next linger is longer: where work comes
/// so often, the first of it should not have to wait for a wake-up.
const SHORT_SLEEP: Duration = Duration::from_micros(200);

/// Looks around before the clock is looked at: a worker that takes one fine
/// job after the other should not book its time between each two.
const GLANCES: u32 = if MODELLED { 0 } else { 8 };

/// Pauses between two looks around then.
const PAUSES: u32 = 2;

/// The most looks around that leave the entrance out: 2 to 3 us.
const MOST_APART: u32 = 32;

/// Pauses between two looks later: each takes lines away from whoever works.
const LONG_PAUSES: u32 = if MODELLED { 0 } else { 12 };

/// Looks around between two offers of the processor to others.
const LOOKS_PER_YIELD: u32 = 4;

/// How long a worker dozes that is one too many beside guests: forks do not wake it so
/// long while those are there, since it would but take a processor from one of them.
const DOZE: Duration = Duration::from_millis(50);

/// How long a worker without work looks around before it sleeps: longer when
/// its last sleep was short, so that it was woken soon after it gave up.
pub(crate) struct IdleSpin {
    most: Duration,
    linger: Cell<Duration>,
    /// Looks around that leave the entrance out, after a job.
    apart: Cell<u32>,
    /// Was the last sleep a doze, with nothing found since?
    dozed: Cell<bool>,
    catch: Catch,
}

impl IdleSpin {
    pub(crate) fn new(most: Duration) -> Self {
        IdleSpin {
            most,
            linger: Cell::new(LEAST_LINGER.min(most)),
            apart: Cell::new(0),
            dozed: Cell::new(false),
            catch: Catch::default(),
        }
    }

    fn slept(&self, time: Duration) {
        let linger = self.linger.get();
        let next = if time < SHORT_SLEEP { linger.saturating_mul(2) } else { linger / 4 };
        self.linger.set(next.max(LEAST_LINGER).min(self.most));
    }
}

impl Worker {
    /// Runs jobs until the pool ends.
    pub(crate) fn run_thread(&self) {
        self.turn_to(Activity::Busy);
        loop {
            self.be_off_duty();
            match self.next_job(Share::Half).or_else(|| self.idle()) {
                Some(job) => drop(self.run_job(job)),
                None if self.registry.is_over() => break,
                None => (),
            }
        }
        self.turn_to(Activity::Parked);
        // Others may sleep in the belief that this thread had work for them.
        self.registry.sleep.wake_all();
        self.registry.staff.nudge();
    }

    /// Is this thread to work, or will it never again?
    fn is_on_duty(&self) -> bool {
        self.registry.staff.is_on_duty(self.index) || self.registry.is_over()
    }

    /// Rests for as long as this worker is one too many. What it has queued is for
    /// others; its mail it still sees to.
    fn be_off_duty(&self) {
        if self.registry.staff.is_on_duty(self.index) {
            return;
        }
        self.rest();
        self.leave_queued();
        self.turn_to(Activity::Parked);
        let parker = Parker::current();
        while !self.is_on_duty() {
            self.registry.process.or_abort();
            while let Some(job) = self.registry.take_own_mail(self.index) {
                self.turn_to(Activity::Busy);
                self.run_job(job);
                self.rest();
                self.leave_queued();
            }
            // Whoever changes what is looked at here wakes who lies here.
            self.registry.sleep.lie_down(self.index, &parker);
            if !self.is_on_duty() && !self.registry.has_own_mail(self.index) {
                self.park(&parker, None);
            }
            self.turn_to(Activity::Parked);
        }
        self.turn_to(Activity::Busy);
    }

    /// As a stand-in, works like a member in the place of one that blocks, until
    /// that one is back or there is nothing to do.
    pub(crate) fn take_place(&self) {
        let staff = &self.registry.staff;
        let sees_work = || {
            self.registry.ask_all(self.index);
            self.registry.has_work()
        };
        while !self.leaves_surplus() {
            self.searching.set(self.registry.sleep.start_searching());
            self.turn_to(Activity::Searching);
            let mut found = self.look_around().or_else(|| self.linger());
            self.stop_searching();
            self.turn_to(Activity::Busy);
            let mut surplus = false;
            while let Some(job) = found {
                self.run_job(job);
                surplus = self.leaves_surplus();
                found = if surplus { None } else { self.next_job(Share::Half) };
            }
            self.rest();
            if surplus || staff.leave(sees_work) {
                break;
            }
        }
        self.leave_queued();
        self.turn_to(Activity::Parked);
        if self.registry.is_over() {
            self.registry.sleep.wake_all();
        }
    }

    /// Leaves a place if there are too many; but not with tasks that nobody may be there to
    /// take any more.
    fn leaves_surplus(&self) -> bool {
        if self.has_queued() {
            // ORDERING(close): against a worker who sees that the pool ends, has a fence, and
            // finds that all is done: either that one sees these tasks accepted, or this one
            // sees the end.
            fence(Ordering::SeqCst);
            if self.registry.phase() >= Phase::Ending {
                return false;
            }
        }
        self.registry.staff.leaves_surplus()
    }

    /// Before this thread comes for work no more. Tasks that it has queued are for
    /// others to steal. But whoever waits for a scope or a fork may be too deep in waits
    /// for that: so a scope's jobs become strays. Forks are run here, for which a wait takes no
    /// strays if it is too deep; and so are jobs from an isolated section.
    fn leave_queued(&self) {
        while self.has_queued() {
            let structured = self.deque.take_structured(|| self.registry.post_jobs());
            let is_stray = |job: &JobRef<Worker>| job.kind() == Kind::Scoped && !job.is_isolated();
            let (strays, own): (Vec<_>, Vec<_>) = structured.into_iter().partition(is_stray);
            self.registry.push_strays(strays);
            if own.is_empty() {
                break;
            }
            for job in own {
                self.run_job(job);
                self.rest();
            }
        }
    }

    /// Instead of `run_thread`, for a worker whose thread will never run: sees to
    /// what was sent to it, and if the pool discards, to all that waits.
    pub(crate) fn stand_down(&self) {
        let registry = &self.registry;
        let all = registry.phase() == Phase::Discarding;
        let places = [Place::Deque, Place::Side, Place::Lane];
        // Futures at rest and tasks of keys lie in no queue.
        let discard = || {
            if all {
                self.counters().tasks_discarded.add(registry.discard() as u64);
            }
        };
        let waits = || {
            registry.has_mail(self.index)
                || all
                    && (places.iter().any(|&at| registry.has_work_at(at))
                        || !registry.injector.is_unused())
        };
        while waits() {
            let sent = registry.take_mail(self.index);
            match sent.or_else(|| if all { self.next_job(Share::Half) } else { None }) {
                Some(job) => drop(self.run_job(job)),
                None => {
                    // Somebody may have been about to put one in.
                    discard();
                    spin_loop();
                }
            }
        }
        discard();
        self.rest();
        self.leave_queued();
        registry.sleep.wake_all();
    }

    /// Serves the entrance as the stand-in: runs a task, and what it spawns
    /// here. False: there was none, or something else in its place.
    pub(crate) fn run_one_task(&self) -> bool {
        let task = self.next_task();
        let some = task.as_ref().is_some_and(|job| job.kind() == Kind::Task);
        if let Some(task) = task {
            self.turn_to(Activity::Busy);
            self.run_job(task);
            self.turn_to(Activity::Parked);
        }
        self.rest();
        if self.registry.is_over() {
            self.registry.sleep.wake_all();
        }
        some
    }

    /// Looks for work, sleeps, and returns with some; none if the pool is over.
    #[cold]
    fn idle(&self) -> Option<JobRef<Worker>> {
        self.rest();
        self.registry.process.or_abort();
        self.searching.set(self.registry.sleep.start_searching());
        let steals = self.counters().steals.get();
        let found = self.hold_back().or_else(|| self.look_around()).or_else(|| self.search_on());
        self.stop_searching();
        // A fork, then: of tasks and a scope's jobs more may come at any time.
        let stolen = self.counters().steals.get() > steals;
        if stolen && found.as_ref().is_some_and(|job| job.kind() == Kind::Structured) {
            self.idle.catch.begin(Instant::now);
        }
        found
    }

    /// After a fork that was not worth stealing: looks only where posters count on a
    /// searcher, for a while.
    fn hold_back(&self) -> Option<JobRef<Worker>> {
        let until = self.idle.catch.end(Instant::now)?;
        self.turn_to(Activity::Searching);
        let look = || self.registry.take_mail(self.index).or_else(|| self.take_injected());
        let mut found = None;
        while found.is_none() && Instant::now() < until {
            found = pause_unless(look(), LONG_PAUSES);
            if found.is_none() {
                thread::yield_now();
            }
        }
        self.turn_to(Activity::Busy);
        found
    }

    /// Goes on looking, and sleeps.
    fn search_on(&self) -> Option<JobRef<Worker>> {
        self.turn_to(Activity::Searching);
        let parker = Parker::current();
        let found = loop {
            if let Some(job) = self.linger() {
                break Some(job);
            }
            if !self.goes_on() {
                break None;
            }
            self.nap(&parker);
            self.idle.catch.forget();
            if !self.goes_on() {
                break None;
            }
            if let Some(job) = self.next_job(Share::Half) {
                break Some(job);
            }
        };
        self.idle.dozed.set(false);
        self.turn_to(Activity::Busy);
        found
    }

    /// Is this thread to look for work on and on?
    fn goes_on(&self) -> bool {
        !self.registry.is_over() && self.registry.staff.is_on_duty(self.index)
    }

    /// Looks around a few times.
    ///
    /// While tasks come in one after the other, every look at the entrance takes
    /// the lines from submitters that they write. So after such a task it is left
    /// out for a while, longer and longer as long as some have come in meanwhile.
    fn look_around(&self) -> Option<JobRef<Worker>> {
        let apart = self.idle.apart.take();
        let inside = (0..apart).find_map(|_| pause_unless(self.next_inside(Share::Half), PAUSES));
        inside.or_else(|| {
            (0..GLANCES).find_map(|look| {
                let found = self.glance(PAUSES)?;
                if found.kind() == Kind::Task {
                    let longer = if look == 0 { apart * 2 } else { 0 };
                    self.idle.apart.set(longer.clamp(1, MOST_APART));
                }
                Some(found)
            })
        })
    }

    /// Looks around once, and then pauses.
    fn glance(&self, pauses: u32) -> Option<JobRef<Worker>> {
        pause_unless(self.next_job(Share::Half), pauses)
    }

    /// Looks around for a while, pausing between looks.
    fn linger(&self) -> Option<JobRef<Worker>> {
        let start = Instant::now();
        for look in 1u32.. {
            if let Some(job) = self.glance(LONG_PAUSES) {
                return Some(job);
            }
            // Who does not count as searching is one too many: more searchers
            // than half of the workers take more than they find.
            let enough = start.elapsed() >= self.idle.linger.get();
            if !self.searching.get() || enough || !self.goes_on() {
                break;
            }
            if look % LOOKS_PER_YIELD == 0 {
                thread::yield_now();
            }
        }
        None
    }

    /// Sleeps once, unless there is work; counts as searching afterwards if
    /// there is room.
    fn nap(&self, parker: &Arc<Parker>) {
        let sleep = &self.registry.sleep;
        let was = if self.searching.replace(false) { Awake::Searching } else { Awake::Unasked };
        // Once after having been awake: who finds nothing then sleeps deeply. An
        // only worker has nobody who would come for it.
        let only = self.registry.staff.active() == 1;
        let dozes = !only
            && !self.idle.dozed.get()
            && sleep.enough_awake(self.registry.staff.open_places());
        self.idle.dozed.set(dozes);
        let depth = if dozes { Depth::Doze } else { Depth::Sleep };
        sleep.fall_asleep(self.index, Appetite::ANYTHING, depth, was, parker);
        self.registry.ask_all(self.index);
        // S3
        if !self.sees_work() && self.goes_on() {
            let start = Instant::now();
            self.park(parker, dozes.then(|| start + DOZE));
            self.idle.slept(start.elapsed());
        }
        let counted = match sleep.get_up(self.index) {
            Awake::Searching => true,
            Awake::Unasked => sleep.start_searching(),
        };
        self.searching.set(counted);
    }

    /// Counts as searching no more; wakes another if there is more work.
    pub(super) fn stop_searching(&self) {
        if self.searching.replace(false) {
            self.registry.stop_searching(self.index);
        }
    }
}

/// Pauses if nothing was found.
fn pause_unless(found: Option<JobRef<Worker>>, pauses: u32) -> Option<JobRef<Worker>> {
    if found.is_none() {
        (0..pauses).for_each(|_| spin_loop());
    }
    found
}
