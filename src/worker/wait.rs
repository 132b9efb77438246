//! Waiting without standing idle, and without harm.
//!
//! A thread that waits for something in its own pool helps there: own jobs,
//! those of whoever holds what it waits for, others' to a small depth. For the
//! pools it works for further up its stack, and for which this is a wait
//! abroad, it serves the entrance too, since what it waits for may need it.

use std::{
    ptr,
    time::{Duration, Instant},
};

use super::{Worker, posted::Noted, search::Trail};
use crate::{
    counters::Activity,
    parker::Parker,
    process::Process,
    raw::{JobRef, Kind, Latch},
    registry::Registry,
    sleep::{Appetite, Awake, Depth},
    stall::StallCause,
    sync::{Arc, MODELLED, is_unwinding, spin_loop, thread},
};

/// Looks at what is waited for, and pauses, before anything else: the thief of
/// a fine fork is often about to be done.
const GLANCES: u32 = if MODELLED { 0 } else { 16 };

/// Looks around before yielding, with glances in between.
const LOOKS: u32 = if MODELLED { 0 } else { 8 };

/// Looks around with the processor offered to others in between, before
/// sleeping: what is waited for is often about to be done.
const YIELDS: u32 = if MODELLED { 0 } else { 8 };

/// A scope's jobs that are run before what is waited for is told of them.
const MOST_IN_A_ROW: u32 = if MODELLED { 2 } else { 32 };

/// How long a thread in an isolated section sleeps before it looks whether its
/// thief has forked; each nap is twice as long as the one before, so many times.
const SHORT_NAP: Duration = Duration::from_micros(50);
const LONGER_NAPS: u32 = 7;

/// Something that a thread waits for.
pub(crate) trait Awaited {
    fn is_over(&self) -> bool;
    /// From now on the thread's parker is unparked when it is over. True: it
    /// is over already.
    fn will_wake(&self) -> bool;
    /// The slot that is busy with it, if known.
    fn holder(&self) -> Option<usize> {
        None
    }
    /// A stolen fork's latch, if it is that.
    fn latch(&self) -> Option<&Latch> {
        None
    }
    /// May parts of it lie with anybody?
    fn is_spread(&self) -> bool {
        false
    }
}

/// The end of a scope.
pub(super) struct ScopeEnd<'a>(pub(super) &'a Latch);

impl Awaited for ScopeEnd<'_> {
    fn is_over(&self) -> bool {
        self.0.is_over()
    }

    fn will_wake(&self) -> bool {
        self.0.will_wake()
    }

    fn is_spread(&self) -> bool {
        true
    }
}

impl Awaited for Latch {
    fn is_over(&self) -> bool {
        self.is_set()
    }

    fn will_wake(&self) -> bool {
        self.fall_asleep()
    }

    fn holder(&self) -> Option<usize> {
        Latch::holder(self)
    }

    fn latch(&self) -> Option<&Latch> {
        Some(self)
    }
}

/// Whatever a closure looks for, whose change unparks the thread by itself.
impl<F: Fn() -> bool> Awaited for F {
    fn is_over(&self) -> bool {
        self()
    }

    fn will_wake(&self) -> bool {
        self()
    }
}

/// Blocks this thread on `parker` until `awaited` is over, or `deadline` has
/// passed, and lets it work meanwhile: it helps in `home`, where what it waits for is to
/// happen, and serves every other pool it is a worker of. If that takes long, `why`
/// is for the detector.
// Of no type of the caller's, as all who wait come by here: it is compiled once.
pub(crate) fn wait_for(
    awaited: &dyn Awaited,
    why: &dyn Fn() -> StallCause,
    parker: &Arc<Parker>,
    home: Option<&Arc<Registry<Worker>>>,
    deadline: Option<Instant>,
) {
    wait_on(&mut None, awaited, why, parker, home, deadline);
}

/// The same in the middle of a wait that is `noted`, or is from now on.
pub(crate) fn wait_on(
    noted: &mut Option<Noted>,
    awaited: &dyn Awaited,
    why: &dyn Fn() -> StallCause,
    parker: &Arc<Parker>,
    home: Option<&Arc<Registry<Worker>>>,
    deadline: Option<Instant>,
) {
    each_worker(&mut Worker::rest);
    if comes_soon(awaited) {
        return;
    }
    let process = Process::current();
    let wait = Wait::new(awaited, home);
    begin_wait(noted, why, home);
    let is_worker = Worker::current(|worker| worker.is_some());
    let (mut looks, mut naps) = (0, 0);
    while !awaited.is_over() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        // Nobody here will see to it.
        home.map_or(process, |home| home.process).or_abort();
        process.or_abort();
        if is_worker && wait.work_once() {
            (looks, naps) = (0, 0);
        } else if is_worker && looks < LOOKS + YIELDS {
            if looks == 0 {
                // Not between two fine jobs: the clock costs more than they do.
                each_worker(&mut |worker| worker.turn_in_wait(Activity::Searching));
            }
            each_worker(&mut Worker::rest);
            looks += 1;
            if !comes_soon(awaited) && looks > LOOKS {
                // Somebody else may have the processor for long.
                each_worker(&mut Worker::stop_searching);
                thread::yield_now();
            }
        } else {
            let look = wait.next_look(naps);
            wait.nap(parker, deadline.into_iter().chain(look).min());
            (looks, naps) = (0, naps + 1);
        }
    }
    end_wait();
}

/// Runs one job, or lets others have the processor, as a worker does in a wait like that.
pub(crate) fn work_once(
    noted: &mut Option<Noted>,
    awaited: &dyn Awaited,
    why: &dyn Fn() -> StallCause,
    home: &Arc<Registry<Worker>>,
) {
    begin_wait(noted, why, Some(home));
    if !Wait::new(awaited, Some(home)).work_once() {
        thread::yield_now();
    }
    end_wait();
}

fn begin_wait(
    noted: &mut Option<Noted>,
    why: &dyn Fn() -> StallCause,
    home: Option<&Arc<Registry<Worker>>>,
) {
    each_worker(&mut Worker::publish);
    noted.get_or_insert_with(|| Noted::new(why, home));
}

fn end_wait() {
    each_worker(&mut |worker| {
        worker.rest();
        worker.stop_searching();
        worker.turn_in_wait(Activity::Busy);
    });
}

/// Glances at what is waited for, for some hundred nanoseconds.
fn comes_soon(awaited: &dyn Awaited) -> bool {
    (0..GLANCES).any(|_| {
        spin_loop();
        awaited.is_over()
    })
}

struct Wait<'a> {
    awaited: &'a dyn Awaited,
    home: Option<&'a Arc<Registry<Worker>>>,
    has_room: bool,
    in_unwind: bool,
}

impl<'a> Wait<'a> {
    fn new(awaited: &'a dyn Awaited, home: Option<&'a Arc<Registry<Worker>>>) -> Self {
        let has_room = Worker::current(|worker| worker.is_none_or(Worker::has_room));
        // Only where somebody has a half of a join: what else is waited for, may lie in the own
        // deque as a task.
        let in_unwind = awaited.latch().is_some() && is_unwinding();
        Wait { awaited, home, has_room, in_unwind }
    }

    /// Runs one job for any of the pools this thread works for.
    fn work_once(&self) -> bool {
        any_worker(&mut |worker| {
            let is_home = self.is_home(worker);
            let job = if is_home { worker.help(self.trail()) } else { worker.serve(self.has_room) };
            if let Some(job) = job {
                worker.run_while_waiting(job, self.awaited);
                return true;
            }
            let stolen_back = self.steal_back(worker);
            let run = |job| worker.busy_while_waiting(|worker| worker.run_stolen_back(job));
            stolen_back.map(run).is_some()
        })
    }

    /// In an isolated section: a job that descends from what this thread waits
    /// for, out of the deque of the thief.
    fn steal_back(&self, worker: &Worker) -> Option<JobRef<Worker>> {
        self.thief(worker)?;
        worker.steal_back(self.awaited.latch()?, self.trail())
    }

    /// In an isolated section: who has stolen what this thread waits for.
    fn thief(&self, worker: &Worker) -> Option<usize> {
        if !worker.in_section() || !self.is_home(worker) {
            return None;
        }
        self.awaited.holder().filter(|&slot| slot != worker.index)
    }

    /// When a thread in an isolated section is to look by itself for what its thief
    /// has to give: no poster wakes it, since it would not take what others post.
    fn next_look(&self, naps: u32) -> Option<Instant> {
        if MODELLED {
            // A model has no clock, and what it does may not depend on one.
            return None;
        }
        let waits = Worker::current(|worker| worker.and_then(|worker| self.thief(worker)));
        let pause = SHORT_NAP * (1 << naps.min(LONGER_NAPS));
        waits.and_then(|_| Instant::now().checked_add(pause))
    }

    /// Sleeps once, unless it is over or there is something to do.
    fn nap(&self, parker: &Arc<Parker>, deadline: Option<Instant>) {
        // In an unwind, tasks that lie here are for others; what this thread waits for may need them.
        each_worker(&mut |worker| {
            if self.in_unwind && self.is_home(worker) && worker.has_queued() {
                worker.nap_aside();
            }
        });
        each_worker(&mut |worker| {
            // Others rely on a searcher for work that this one may not take.
            worker.stop_searching();
            match self.appetite(worker) {
                Some(appetite) => {
                    let sleep = &worker.registry.sleep;
                    let was = Awake::Unasked;
                    sleep.fall_asleep(worker.index, appetite, Depth::Sleep, was, parker);
                    if appetite.deques {
                        worker.registry.ask_all(worker.index);
                    }
                }
                None => worker.registry.sleep.lie_down(worker.index, parker),
            }
        });
        // S3
        if !self.awaited.will_wake() && !self.sees_work() {
            each_worker(&mut Worker::goes_to_sleep);
            Worker::current(|worker| worker.into_iter().for_each(|_| parker.settle()));
            parker.park_maybe_until(deadline);
            each_worker(&mut Worker::has_slept);
        }
        each_worker(&mut |worker| {
            if self.appetite(worker).is_some()
                && worker.registry.sleep.get_up(worker.index) == Awake::Searching
            {
                worker.searching.set(true);
            }
            worker.end_nap_aside();
        });
    }

    /// What a poster may wake this worker for; none if for nothing, since it
    /// would not take it.
    fn appetite(&self, worker: &Worker) -> Option<Appetite> {
        if worker.in_section() {
            return None;
        }
        let appetite = if self.is_home(worker) {
            worker.appetite_to_help(self.trail())
        } else {
            worker.appetite_to_serve(self.has_room)
        };
        // A guest that is abroad, or too deep for more, takes strays while it is awake. Who counts
        // among the sleepers keeps others from forking in private.
        let counts = appetite.deques || worker.is_pools_own();
        (counts && appetite != Appetite::NONE).then_some(appetite)
    }

    fn trail(&self) -> Trail {
        let (holder, is_spread) = (self.awaited.holder(), self.awaited.is_spread());
        Trail { holder, is_spread, has_room: self.has_room, in_unwind: self.in_unwind }
    }

    fn is_home(&self, worker: &Worker) -> bool {
        self.home.is_some_and(|home| worker.is_of(home))
    }

    fn sees_work(&self) -> bool {
        any_worker(&mut |worker| {
            if self.is_home(worker) {
                worker.sees_help(self.trail())
            } else {
                worker.sees_service(self.has_room)
            }
        })
    }
}

/// Shows `f` every worker this thread is, once each, the innermost first.
pub(super) fn each_worker(f: &mut dyn FnMut(&Worker)) {
    any_worker(&mut |worker| {
        f(worker);
        false
    });
}

/// The same until `f` says true.
fn any_worker(f: &mut dyn FnMut(&Worker) -> bool) -> bool {
    let mut place = 0;
    let found = Worker::find(|worker| {
        let is_seen = is_among_first(place, worker);
        place += 1;
        (!is_seen && f(worker)).then_some(())
    });
    found.is_some()
}

/// Is `worker` one of the innermost `count` that this thread is?
fn is_among_first(count: usize, worker: &Worker) -> bool {
    let mut place = 0;
    let found = Worker::find(|inner| {
        place += 1;
        if place > count { Some(false) } else { ptr::eq(inner, worker).then_some(true) }
    });
    found == Some(true)
}

impl Worker {
    fn run_while_waiting(&self, job: JobRef<Worker>, awaited: &dyn Awaited) {
        self.busy_while_waiting(|worker| {
            let row = if job.kind() == Kind::Scoped { MOST_IN_A_ROW } else { 1 };
            worker.run_job(job);
            for _ in 1..row {
                if worker.returned.are_last() || awaited.is_over() {
                    break;
                }
                let next = worker.deque.pop_scoped(|| worker.registry.post_jobs());
                let Some(job) = next else { break };
                worker.run_job(job);
            }
        });
    }

    fn busy_while_waiting(&self, run: impl FnOnce(&Worker)) {
        // Also where this thread works for another pool: it is busy there too.
        each_worker(&mut |worker| {
            worker.stop_searching();
            worker.turn_in_wait(Activity::Busy);
        });
        self.nested(run);
        // What this thread waits for may be what it has just done.
        self.rest();
    }
}
