//! `Roster`: the slots where work may lie.

use crate::sync::{AtomicUsize, Ordering};

/// Slots that have had a thread, or may have one any time, in the order in which
/// they got it. Most seats are never taken, and need not be looked at.
pub(super) struct Roster {
    slots: Box<[AtomicUsize]>,
    len: AtomicUsize,
}

/// A place that was drawn and not written yet.
const NOBODY: usize = usize::MAX;

impl Roster {
    /// With room for `count` slots, the first `workers` of them on it.
    pub(super) fn new(workers: usize, count: usize) -> Self {
        let slot = |place| AtomicUsize::new(if place < workers { place } else { NOBODY });
        Roster { slots: (0..count).map(slot).collect(), len: AtomicUsize::new(workers) }
    }

    /// Puts slot `index` on it, once, before the first push there.
    pub(super) fn add(&self, index: usize) {
        // ORDERING(dekker): goes with the pushes that follow.
        let place = self.len.fetch_add(1, Ordering::Relaxed);
        // ORDERING(dekker): as above; who still finds nobody here has looked before the first
        // push, so that there was nothing to find.
        self.slots[place].store(index, Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        // ORDERING(dekker): goes with the look at the deques.
        self.len.load(Ordering::Relaxed)
    }

    /// Who is at `place`, below `len`.
    pub(super) fn at(&self, place: usize) -> Option<usize> {
        // ORDERING(dekker): as above.
        let index = self.slots[place].load(Ordering::Relaxed);
        (index != NOBODY).then_some(index)
    }
}
