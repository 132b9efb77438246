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
    registry::Share,
    sleep::{Awake, Depth},
    sync::{Arc, MODELLED, spin_loop, thread},
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

/// How long a worker without work looks around before it sleeps: longer when
/// its last sleep was short, so that it was woken soon after it gave up.
pub(crate) struct IdleSpin {
    most: Duration,
    linger: Cell<Duration>,
    /// Looks around that leave the entrance out, after a job.
    apart: Cell<u32>,
    /// Was the last job a task? Then whoever submits them may need this processor.
    after_task: Cell<bool>,
    /// Was the last sleep a doze, with nothing found since?
    pub(super) dozed: Cell<bool>,
    catch: Catch,
}

impl IdleSpin {
    pub(crate) fn new(most: Duration) -> Self {
        IdleSpin {
            most,
            linger: Cell::new(LEAST_LINGER.min(most)),
            apart: Cell::new(0),
            after_task: Cell::new(false),
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
                Some(job) => {
                    self.idle.after_task.set(job.kind() == Kind::Task);
                    self.run_job(job);
                }
                None if self.registry.is_over() => break,
                None => (),
            }
        }
        self.turn_to(Activity::Parked);
        // Others may sleep in the belief that this thread had work for them.
        self.registry.sleep.wake_all();
        self.registry.staff.nudge();
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
            if self.is_to_watch() {
                self.watch(&parker);
            }
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
    pub(super) fn look_around(&self) -> Option<JobRef<Worker>> {
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
    pub(super) fn linger(&self) -> Option<JobRef<Worker>> {
        let start = Instant::now();
        for look in 1u32.. {
            if let Some(job) = self.glance(LONG_PAUSES) {
                return Some(job);
            }
            // Who does not count as searching is one too many: more searchers
            // than half of the workers take more than they find.
            let enough = start.elapsed() >= self.idle.linger.get()
                || self.registry.sleep.crowd.has_one_processor();
            if !self.searching.get() || enough || !self.goes_on() {
                break;
            }
            // Not to those that fork: where a thread has yielded, it may stay for a time slice,
            // while they wait for it.
            if look % LOOKS_PER_YIELD == 0 && self.idle.after_task.get() {
                thread::yield_now();
            }
        }
        None
    }

    /// Sleeps once, unless there is work; counts as searching afterwards if
    /// there is room.
    fn nap(&self, parker: &Arc<Parker>) {
        // Once after having been awake: who finds nothing then sleeps deeply.
        let dozes = !self.idle.dozed.get() && self.is_one_too_many();
        self.idle.dozed.set(dozes);
        let depth = if dozes { Depth::Doze } else { Depth::Sleep };
        self.lie_down(depth, parker);
        self.registry.ask_all(self.index);
        // S3
        if !self.sees_work() && self.goes_on() {
            let start = Instant::now();
            if dozes {
                self.doze(parker);
            } else {
                self.park(parker);
            }
            self.idle.slept(start.elapsed());
        }
        self.get_up();
    }

    /// Leaves the forks to those that are awake, and dozes, so that nobody else is woken for them.
    fn watch(&self, parker: &Arc<Parker>) {
        self.idle.dozed.set(true);
        self.lie_down(Depth::Doze, parker);
        // S3, but for forks that those that are awake are enough for.
        let is_needed = self.registry.sleep.wants_forks() || self.sees_more_than_forks();
        if !is_needed && self.goes_on() {
            self.doze(parker);
        }
        self.get_up();
    }

    fn lie_down(&self, depth: Depth, parker: &Arc<Parker>) {
        let was = if self.searching.replace(false) { Awake::Searching } else { Awake::Unasked };
        self.registry.sleep.take_over(self.index, depth, was, parker);
    }

    fn get_up(&self) {
        let sleep = &self.registry.sleep;
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
