//! Who is to work: the workers on duty, and stand-ins for those who cannot come.
//!
//! A thread that goes into a blocking section leaves its place, and the place is
//! *open*. That is as if one more thread slept: who posts work and finds nobody to
//! come for it calls a stand-in into the place. A stand-in that finds no more work
//! leaves the place, open again, and rests on the bench; when the thread has come
//! back, it leaves at its next look for work.
//!
//! ```text
//! poster                         who opens a place
//!   P1 publish work                O1 say that it is open
//!   P2 fence(SeqCst)               O2 fence(SeqCst)
//!   P3 is a place open?            O3 is there work?
//! ```
//!
//! Either P2 or O2 comes first. If P2: O3 sees P1. If O2: P3 sees O1.
//!
//! The same threads keep the door. Workers in one long computation do not come to
//! the entrance, and to run a stranger's task in the middle of a fork would meet
//! the locks held there. So a task that comes in while nobody is there for it
//! calls a stand-in, too; but that one takes nobody's place, serves the entrance
//! and what those have left who are gone, and only when the door's patience is over.

mod crew;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

use std::{
    task::Waker,
    time::{Duration, Instant},
};

use crossbeam_utils::CachePadded;

pub(crate) use self::crew::{Call, Duty, Starter, Thread};
use self::crew::{Crew, Places};
use crate::{
    process::Process,
    sync::{Arc, AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, fence},
    unwind,
};

pub(crate) struct Staff {
    patience: Option<Duration>,
    keep_alive: Duration,
    workers: usize,
    /// Stand-ins that may be in places at a time.
    most: usize,
    seen: CachePadded<Seen>,
    /// Will a stand-in look at the entrance again without being told?
    watched: AtomicBool,
    crew: Mutex<Crew>,
    process: Process,
}

/// What others may ask without the lock, under which it changes: seldom written.
struct Seen {
    /// Places that a stand-in could take.
    open: AtomicUsize,
    /// Stand-ins whose places are taken again.
    surplus: AtomicUsize,
    /// Workers with numbers below are on duty.
    limit: AtomicUsize,
    /// Workers that are to be on duty.
    active: AtomicUsize,
}

impl Staff {
    /// For so many `workers`, all on duty, and no stand-ins until `open`: `most` of
    /// them in places at a time, each to rest for no longer than `keep_alive`.
    pub(crate) fn new(
        workers: usize,
        most: usize,
        keep_alive: Duration,
        patience: Option<Duration>,
    ) -> Self {
        let seen = Seen {
            open: AtomicUsize::new(0),
            surplus: AtomicUsize::new(0),
            limit: AtomicUsize::new(workers),
            active: AtomicUsize::new(workers),
        };
        Staff {
            patience,
            keep_alive,
            workers,
            most,
            seen: CachePadded::new(seen),
            watched: AtomicBool::new(false),
            crew: Mutex::new(Crew::new(most + usize::from(patience.is_some()))),
            process: Process::current(),
        }
    }

    /// Says how to start a stand-in. Without it there are none. A section may have begun
    /// before: its place is open now, and to be served after that.
    pub(crate) fn open(&self, starter: Starter) {
        let mut crew = self.crew.lock();
        crew.open(starter);
        self.settle(crew);
        fence(Ordering::SeqCst); // ORDERING(door): O2.
    }

    /// Seats that stand-ins may need: one keeps the door.
    pub(crate) fn seats(&self) -> usize {
        self.most + usize::from(self.patience.is_some())
    }

    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience
    }

    // Workers on duty.

    /// How many workers are to be on duty.
    pub(crate) fn active(&self) -> usize {
        // ORDERING(duty): just the number.
        self.seen.active.load(Ordering::Relaxed)
    }

    /// Is the thread of slot `index` to work? Those that are no worker's are.
    pub(crate) fn is_on_duty(&self, index: usize) -> bool {
        // ORDERING(duty): a worker that finds it stale looks again after its next job;
        // at rest it has the parker's lock to see it by, see `change_active`.
        index < self.seen.limit.load(Ordering::Relaxed) || index >= self.workers
    }

    /// Changes how many workers are to be on duty, the first of those that are
    /// there. The workers concerned are to be woken, and open places to be served.
    pub(crate) fn change_active(
        &self,
        change: impl FnOnce(usize) -> usize,
        is_there: impl Fn(usize) -> bool,
    ) -> std::ops::Range<usize> {
        let crew = self.crew.lock();
        let active = change(self.active());
        let mut limit = 0;
        let mut found = 0;
        while limit < self.workers && found < active {
            found += usize::from(is_there(limit));
            limit += 1;
        }
        // ORDERING(duty): as in `active`.
        self.seen.active.store(active, Ordering::Relaxed);
        // ORDERING(duty): followed by a wake: its lock, or that of the bed, brings it.
        let before = self.seen.limit.swap(limit, Ordering::Relaxed);
        self.settle(crew);
        // ORDERING(close): where a worker is given up, see `Worker::stand_down`.
        fence(Ordering::SeqCst); // ORDERING(door): O2.
        before.min(limit)..before.max(limit)
    }

    // Places.

    /// The thread of slot `index` leaves its place. An open place is to be served
    /// after that.
    pub(crate) fn step_aside(&self, index: usize) {
        let mut crew = self.crew.lock();
        crew.step_aside(index);
        self.settle(crew);
        fence(Ordering::SeqCst); // ORDERING(door): O2.
    }

    /// And is back.
    pub(crate) fn come_back(&self, index: usize) {
        let mut crew = self.crew.lock();
        crew.come_back(index);
        self.settle(crew);
    }

    /// How many places a stand-in could take.
    pub(crate) fn open_places(&self) -> usize {
        // ORDERING(door): P3.
        self.seen.open.load(Ordering::Relaxed)
    }

    /// Is there a place that a stand-in could take?
    pub(crate) fn has_open(&self) -> bool {
        self.open_places() > 0
    }

    /// Calls a stand-in into an open place. False: there is none.
    #[cold]
    pub(crate) fn fill(&self) -> bool {
        if !self.process.is_current() {
            return false; // The lock may be held for ever.
        }
        let mut crew = self.crew.lock();
        let filled = self.has_open() && crew.fill();
        self.settle(crew);
        filled
    }

    /// Are stand-ins in more places than there are?
    pub(crate) fn has_surplus(&self) -> bool {
        // ORDERING(door): a hint; asked again at the next look for work.
        self.seen.surplus.load(Ordering::Relaxed) > 0
    }

    /// Has the stand-in that asks no place any more? It has left, then.
    pub(crate) fn leaves_surplus(&self) -> bool {
        if !self.has_surplus() {
            return false;
        }
        let mut crew = self.crew.lock();
        // ORDERING(door): under the lock.
        let leaves = self.seen.surplus.load(Ordering::Relaxed) > 0;
        if leaves {
            crew.leave_place();
        }
        self.settle(crew);
        leaves
    }

    /// A stand-in that finds nothing leaves its place. False: it is to stay, for
    /// `has_work` says so, and nobody else has the place.
    pub(crate) fn leave(&self, has_work: impl FnOnce() -> bool) -> bool {
        let mut crew = self.crew.lock();
        crew.leave_place();
        self.settle(crew); // O1
        fence(Ordering::SeqCst); // ORDERING(door): O2.
        // O3
        if !has_work() {
            return true;
        }
        let mut crew = self.crew.lock();
        let stays = self.has_open();
        if stays {
            crew.take_place();
        }
        self.settle(crew);
        !stays
    }

    /// Says without a lock what has changed under it.
    fn settle(&self, crew: MutexGuard<'_, Crew>) {
        let places = self.places(&crew);
        // ORDERING(door): O1; ordered by the fence that follows.
        self.seen.open.store(places.open, Ordering::Relaxed);
        // ORDERING(door): a hint.
        self.seen.surplus.store(places.surplus, Ordering::Relaxed);
    }

    fn places(&self, crew: &Crew) -> Places {
        // ORDERING(duty): changes only under the crew's lock.
        let limit = self.seen.limit.load(Ordering::Relaxed);
        crew.places(|index| index < limit || index >= self.workers, self.most)
    }

    // The door.

    /// A task waits at the entrance and no worker will come soon. Call after
    /// the fence of `Sleep::posted` or `Sleep::stop_searching`.
    pub(crate) fn watch(&self) {
        // ORDERING(door): P3; the task's push, a fence, this load; see `rest`.
        if self.patience.is_some() && !self.watched.load(Ordering::Relaxed) {
            self.call_keeper();
        }
    }

    #[cold]
    fn call_keeper(&self) {
        let mut crew = self.crew.lock();
        // ORDERING(door): the keeper sets it back, and then looks once more.
        if self.watched.load(Ordering::Relaxed) {
            return;
        }
        // ORDERING(door): before the keeper hears of it, who may be gone again soon.
        self.watched.store(true, Ordering::Relaxed);
        if !crew.call(Duty::Door) {
            // Refused by the system: the task waits for a worker, or who comes to the bench;
            // and the next one asks again.
            crew.refuse_keeper();
            // ORDERING(door): as above.
            self.watched.store(false, Ordering::Relaxed);
        }
        self.settle(crew);
    }

    /// The keeper would leave the door. False: it may not, `waiting` says.
    pub(crate) fn rest(&self, waiting: impl FnOnce() -> bool) -> bool {
        // ORDERING(door): O1; this store, a fence, the look at the entrance;
        // against the task's push, a fence, the load in `watch`. One fence is
        // first: either the look sees the task or the load sees this store.
        self.watched.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst); // ORDERING(door): O2.
        if !waiting() {
            return true;
        }
        let _crew = self.crew.lock();
        // ORDERING(door): under the lock: is another on its way already?
        self.watched.swap(true, Ordering::Relaxed)
    }

    // The bench.

    /// Waits on the bench for a call; none if the stand-in is to go, for good,
    /// because it `is_over` or nobody has called for long. `retire` then gives
    /// back its seat.
    pub(crate) fn await_call(
        &self,
        call: &Arc<Call>,
        is_over: impl Fn() -> bool,
        retire: impl FnOnce(),
    ) -> Option<Duty> {
        if let Some(duty) = call.take() {
            return Some(duty); // Called before it began.
        }
        let until = Instant::now().checked_add(self.keep_alive);
        let mut crew = self.crew.lock();
        // Did somebody want a stand-in while this one was on its way?
        let is_free = crew.sit_down(call);
        let no_keeper = crew.takes_refused_keeper();
        if is_free && crew.was_refused() && self.places(&crew).open > 0 {
            crew.fill();
        // ORDERING(door): under the lock, as in `call_keeper`.
        } else if is_free && no_keeper && !self.watched.load(Ordering::Relaxed) {
            // ORDERING(door): as above.
            self.watched.store(crew.call(Duty::Door), Ordering::Relaxed);
        }
        self.settle(crew);
        crew = self.crew.lock();
        loop {
            if let Some(duty) = call.take() {
                return Some(duty);
            }
            if crew.is_dismissed() || is_over() || crew::is_past(until) {
                let before = crew.retire(call);
                retire();
                let ender = crew.take_ender();
                self.settle(crew);
                // Before it waits for another: that may be who ends the pool.
                ender.into_iter().for_each(unwind::wake);
                if let Some(before) = before {
                    before.join();
                    self.crew.lock().has_joined(&before);
                }
                return None;
            }
            self.settle(crew);
            call.await_until(until);
            crew = self.crew.lock();
        }
    }

    /// Tells every stand-in at rest, and the keeper, to look whether it is over.
    pub(crate) fn nudge(&self) {
        self.crew.lock().nudge();
    }

    /// No stand-in is called from now on, and those at rest retire.
    pub(crate) fn send_home(&self) {
        let mut crew = self.crew.lock();
        crew.send_home();
        self.settle(crew);
    }

    /// Has every stand-in retired? If not, `waker` is woken when one more does.
    pub(crate) fn poll_retired(&self, waker: &Waker) -> bool {
        self.crew.lock().poll_retired(waker)
    }

    /// As `send_home`; the threads to join.
    pub(crate) fn dismiss(&self) -> Vec<Arc<dyn Thread>> {
        let mut crew = self.crew.lock();
        let threads = crew.dismiss();
        self.settle(crew);
        threads
    }
}
