//! Dozing: how a worker that is one too many waits to be of use.
//!
//! It sleeps, forks do not wake it, and it keeps them from waking others. Now and then it
//! looks whether the processors are made use of: if not, those that are awake are blocked,
//! and it takes part again.

use std::time::{Duration, Instant};

use super::Worker;
use crate::{cpus::Load, parker::Parker, registry::Registry, sync::MODELLED};

/// How long a worker dozes at most, whatever it sees: who uses the processors may be
/// somebody else.
const DOZE: Duration = Duration::from_millis(50);

/// When it looks for the first time; each look is twice as long after the one before.
const FIRST_LOOK: Duration = Duration::from_millis(1);

impl Worker {
    /// Are enough threads awake without this one, or were just now? A guest comes again soon, or
    /// not at all.
    pub(super) fn is_one_too_many(&self) -> bool {
        self.has_others() && self.registry.sleep.enough_lately(self.registry.staff.open_places())
    }

    /// Was this thread woken for forks though enough are awake? It has not dozed since it ran
    /// something.
    pub(super) fn is_to_watch(&self) -> bool {
        let Registry { sleep, staff, .. } = &*self.registry;
        self.has_others()
            && !self.idle.dozed.get()
            && !sleep.crowd.seems_blocked()
            && sleep.enough_awake(staff.open_places())
            && !self.sees_more_than_forks()
    }

    /// An only worker has nobody who would come for it.
    fn has_others(&self) -> bool {
        self.registry.staff.active() > 1
    }

    /// Parks until somebody wakes this thread, which is among the sleepers, or until it is
    /// to take part again.
    pub(super) fn doze(&self, parker: &Parker) {
        if MODELLED {
            // A model has no clock, and what it does may not depend on one.
            return self.park(parker);
        }
        self.goes_to_sleep();
        let start = Instant::now();
        let mut pause = FIRST_LOOK;
        loop {
            let load = Load::begin();
            parker.settle();
            let woken = parker.park_until((load.since() + pause).min(start + DOZE));
            if woken || start.elapsed() >= DOZE {
                break;
            }
            match self.see(&load) {
                Seen::Busy => pause *= 2,
                // To be woken for the next forks would cost more than to doze on, but each look
                // costs something, too.
                Seen::Idle => pause *= 8,
                Seen::Blocked => break,
            }
        }
        self.has_slept();
    }

    fn see(&self, load: &Load) -> Seen {
        let sleep = &self.registry.sleep;
        let seen = if load.uses(sleep.crowd.enough()) {
            Seen::Busy
        } else if sleep.nobody_awake() {
            Seen::Idle
        } else {
            Seen::Blocked
        };
        if seen != Seen::Idle {
            sleep.crowd.seen_blocked(seen == Seen::Blocked);
        }
        seen
    }
}

/// What those that are awake seem to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Busy,
    Blocked,
    /// Nobody is.
    Idle,
}
