//! `Sign`: what may lie in a deque, said beside it.
//!
//! A thief that looks at another's deque pays for a fence, and most looks find
//! nothing. So the owner hangs out a sign before it pushes, and takes it in when it
//! finds its deque empty; only it pushes, so a sign is never missing.
//!
//! Thieves may take many jobs at a time, but none from an isolated section: in their
//! deques nobody who waits there would find it. So the first time that the owner is
//! to push one it says so, for good, and waits for those who are at it.

use crate::sync::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence, thread};

pub(crate) struct Sign {
    holds: AtomicU32,
    sections: AtomicBool,
    /// Thieves that take many now.
    batches: AtomicUsize,
}

/// What may lie there; each means the ones before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holds {
    Nothing = 0,
    Forks = 1,
    Jobs = 2,
}

impl Sign {
    pub(crate) fn new() -> Self {
        Sign {
            holds: AtomicU32::new(Holds::Nothing as u32),
            sections: AtomicBool::new(false),
            batches: AtomicUsize::new(0),
        }
    }

    /// For the owner, before it pushes.
    pub(crate) fn raise(&self, holds: Holds) {
        // ORDERING(dekker): goes with the push that follows.
        if self.holds.load(Ordering::Relaxed) < holds as u32 {
            // ORDERING(dekker): as above.
            self.holds.store(holds as u32, Ordering::Relaxed);
        }
    }

    /// For the owner, who has found its deque empty.
    pub(crate) fn take_in(&self) {
        // ORDERING(dekker): the owner's own store, which it reads.
        if self.holds.load(Ordering::Relaxed) != Holds::Nothing as u32 {
            // ORDERING(dekker): a look that finds it stale looks once too often.
            self.holds.store(Holds::Nothing as u32, Ordering::Relaxed);
        }
    }

    pub(crate) fn says(&self, holds: Holds) -> bool {
        // ORDERING(dekker): goes with the look at the deque.
        self.holds.load(Ordering::Relaxed) >= holds as u32
    }

    /// For the owner, before it pushes what was made in a section.
    pub(crate) fn warn_of_sections(&self) {
        // ORDERING(batch): the owner's own store, which it reads.
        if self.sections.load(Ordering::Relaxed) {
            return;
        }
        // ORDERING(batch): this store, a fence, the load of `batches`; against
        // the count there, a fence, the load of this. One fence is first.
        self.sections.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst); // ORDERING(batch): as above.
        // ORDERING(batch): acquires what was taken.
        while self.batches.load(Ordering::Acquire) > 0 {
            thread::yield_now();
        }
    }

    /// For a thief: runs `take`, which may take many jobs; none if there may be some
    /// from a section among them.
    pub(crate) fn batch<R>(&self, take: impl FnOnce() -> R) -> Option<R> {
        // ORDERING(batch): see `warn_of_sections`.
        self.batches.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst); // ORDERING(batch): as above.
        // ORDERING(batch): as above.
        let taken = (!self.sections.load(Ordering::Relaxed)).then(take);
        // ORDERING(batch): releases what was taken.
        self.batches.fetch_sub(1, Ordering::Release);
        taken
    }
}
