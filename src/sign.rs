//! `Sign`: what may lie in a deque, said beside it.
//!
//! A thief that looks at another's deque pays for a fence, and most looks find
//! nothing. So the owner hangs out a sign before it pushes, and takes it in when it
//! finds its deque empty; only it pushes, so a sign is never missing.

use crate::sync::{AtomicU32, Ordering};

pub(crate) struct Sign(AtomicU32);

/// What may lie there; each means the ones before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holds {
    Nothing = 0,
    Forks = 1,
    Jobs = 2,
}

impl Sign {
    pub(crate) fn new() -> Self {
        Sign(AtomicU32::new(Holds::Nothing as u32))
    }

    /// For the owner, before it pushes.
    pub(crate) fn raise(&self, holds: Holds) {
        // ORDERING(dekker): goes with the push that follows.
        if self.0.load(Ordering::Relaxed) < holds as u32 {
            // ORDERING(dekker): as above.
            self.0.store(holds as u32, Ordering::Relaxed);
        }
    }

    /// For the owner, who has found its deque empty.
    pub(crate) fn take_in(&self) {
        // ORDERING(dekker): the owner's own store, which it reads.
        if self.0.load(Ordering::Relaxed) != Holds::Nothing as u32 {
            // ORDERING(dekker): a look that finds it stale looks once too often.
            self.0.store(Holds::Nothing as u32, Ordering::Relaxed);
        }
    }

    pub(crate) fn says(&self, holds: Holds) -> bool {
        // ORDERING(dekker): goes with the look at the deque.
        self.0.load(Ordering::Relaxed) >= holds as u32
    }
}
