//! How many threads are enough for forks: as many as there are processors, or workers
//! if those are fewer. One more would but take a processor from another.
//!
//! Any of them may be blocked in its closure, which nobody can see. But processors that
//! are free can be seen, by a thread that dozes: it keeps the others from being woken for
//! forks, and looks now and then whether those that are awake make use of the processors.

use crossbeam_utils::CachePadded;

use crate::{
    cpus,
    sync::{AtomicBool, AtomicU32, MODELLED, Ordering},
};

pub(crate) struct Crowd {
    /// Workers on duty.
    active: AtomicU32,
    processors: u32,
    guests: CachePadded<Guests>,
    /// The last who looked saw processors free, and threads awake that made no use of them.
    blocked: AtomicBool,
}

/// On a line of their own: guests write it at every call.
#[derive(Default)]
struct Guests {
    /// Whoever has the first seat, none or one.
    first: AtomicU32,
    others: AtomicU32,
    /// The most that were seated since somebody asked: a guest comes again soon, or not at all.
    lately: AtomicU32,
    dozing: AtomicU32,
}

impl Guests {
    fn seated(&self) -> u32 {
        // ORDERING(demand): a hint; a thread may leave the one seat for the other in between.
        self.first.load(Ordering::Relaxed) + self.others.load(Ordering::Relaxed)
    }

    fn remember(&self) {
        let seated = self.seated();
        // ORDERING(demand): a hint.
        if seated > self.lately.load(Ordering::Relaxed) {
            // ORDERING(demand): a hint.
            self.lately.store(seated, Ordering::Relaxed);
        }
    }
}

impl Crowd {
    /// Where nobody can say whether processors are used, as in a model, only guests are ever too
    /// many; nor where threads may have other processors than their builder (`pinned`).
    pub(super) fn new(workers: usize, pinned: bool) -> Self {
        let many = MODELLED || pinned || !cpus::load_is_known();
        Crowd::on(workers, if many { usize::MAX } else { cpus::in_mask() })
    }

    /// On so many processors.
    pub(super) fn on(workers: usize, processors: usize) -> Self {
        Crowd {
            active: AtomicU32::new(workers as u32),
            processors: u32::try_from(processors).unwrap_or(u32::MAX),
            guests: CachePadded::default(),
            blocked: AtomicBool::new(false),
        }
    }

    /// So many workers are on duty now.
    pub(crate) fn set_active(&self, active: usize) {
        // ORDERING(duty): just the number.
        self.active.store(active as u32, Ordering::Relaxed);
    }

    fn active(&self) -> u32 {
        // ORDERING(duty): as many as there were a moment ago.
        self.active.load(Ordering::Relaxed)
    }

    /// More searchers than this, half of the workers, find less than they cost (Go's rule).
    pub(super) fn most_searching(&self) -> u32 {
        self.active().div_ceil(2)
    }

    /// A guest has the first seat now, says that one.
    pub(crate) fn take_first_seat(&self) {
        // ORDERING(demand): a hint how many threads are enough for forks.
        self.guests.first.store(1, Ordering::Relaxed);
        self.guests.remember();
    }

    /// And is about to leave it.
    pub(crate) fn leave_first_seat(&self) {
        // ORDERING(demand): as above.
        self.guests.first.store(0, Ordering::Relaxed);
    }

    /// So many guests have other seats now, says whoever keeps those.
    pub(crate) fn set_others_seated(&self, guests: usize) {
        // ORDERING(demand): as above.
        self.guests.others.store(guests as u32, Ordering::Relaxed);
        self.guests.remember();
    }

    /// So many threads can work at once.
    pub(crate) fn enough(&self) -> u32 {
        self.active().min(self.processors)
    }

    /// Can nothing happen while a thread spins?
    pub(crate) fn has_one_processor(&self) -> bool {
        self.processors < 2
    }

    /// So many threads are there, with so many guests, beyond those that can work at once.
    fn too_many(&self, guests: u32) -> u32 {
        guests + self.active().saturating_sub(self.processors)
    }

    /// Are enough awake besides the caller, while so many sleep and so many places are open?
    pub(super) fn is_enough_besides(&self, sleeping: u32, open: usize) -> bool {
        self.too_many(self.guests.seated()) as usize > sleeping as usize + open
    }

    /// The same with the guests that were there since it was last asked, if those were more.
    pub(super) fn was_enough_besides(&self, sleeping: u32, open: usize) -> bool {
        // ORDERING(demand): a hint, as in `take_first_seat`.
        let guests = self.guests.lately.swap(self.guests.seated(), Ordering::Relaxed);
        self.too_many(guests) as usize > sleeping as usize + open
    }

    /// Are so many all that there are?
    pub(super) fn are_all(&self, sleeping: u32) -> bool {
        sleeping >= self.active() + self.guests.seated()
    }

    /// So many sleepers are to be left asleep when there are forks: if one of them dozes, as many
    /// as there are threads beyond those that can work at once.
    pub(super) fn left_asleep(&self) -> u32 {
        if self.dozing() == 0 {
            return 0;
        }
        self.too_many(self.guests.seated())
    }

    fn dozing(&self) -> u32 {
        // ORDERING(demand): a dozer looks by itself soon.
        self.guests.dozing.load(Ordering::Relaxed)
    }

    /// One more sleeper dozes, or one fewer; under the lock of the sleepers.
    pub(super) fn count_doze(&self, change: impl Fn(u32) -> u32) {
        // ORDERING(demand): as in `dozing`.
        self.guests.dozing.store(change(self.dozing()), Ordering::Relaxed);
    }

    /// Do threads that are awake seem to be blocked?
    pub(crate) fn seems_blocked(&self) -> bool {
        // ORDERING(demand): a hint.
        self.blocked.load(Ordering::Relaxed)
    }

    /// Says what one has seen who looked.
    pub(crate) fn seen_blocked(&self, blocked: bool) {
        // ORDERING(demand): a hint.
        self.blocked.store(blocked, Ordering::Relaxed);
    }
}
